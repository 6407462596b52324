//! Where a payout stands, folded from its events.

use super::weigh::Stands;
use super::words::Event;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::payout::{PaidOut, Payout, PayoutNotice};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a payout remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) payout: Option<Payout>,
    pub(super) installation: Option<Installation>,
    /// The gateway is expected to tell of it.
    pub(super) announced: bool,
    /// What it told, by the notice's id: the last word of each.
    pub(super) notices: BTreeMap<String, PayoutNotice>,
    /// Every transaction that was weighed.
    pub(super) items: BTreeMap<String, Seen>,
    /// Said to have gone another way than booked: read again.
    pub(super) doubted: BTreeSet<String>,
    pub(super) stage: Stage,
    /// A look is wanted beyond the present one.
    pub(super) wanted: bool,
    /// Ids still to be read in this look.
    pub(super) todo: VecDeque<String>,
    /// Read and not weighed.
    pub(super) part: Vec<PaidOut>,
    /// Steps that were concluded.
    pub(super) concluded: u32,
    /// What was booked as not explained, in minor units; absent: never reckoned.
    pub(super) unexplained: Option<i64>,
    /// Since when something of it is awaited in our own books (UTC).
    pub(super) awaited_since: Option<DateTime<Utc>>,
}

/// A transaction as it was weighed last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// What it adds to the payout, in minor units.
    pub(super) minor: i64,
    pub(super) stands: Stands,
}

/// The stages of a look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    /// Only a stream whose start was refused stays there.
    #[default]
    NotOpened,
    Listing,
    Reading,
    Weighing,
    Resting {
        until: DateTime<Utc>,
    },
    Closed,
}

impl State {
    /// No look is under way.
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self.stage, Stage::NotOpened | Stage::Resting { .. } | Stage::Closed)
    }

    /// How a transaction stood when it was weighed last.
    pub(super) fn stands(&self, transaction: &str) -> Option<Stands> {
        self.items.get(transaction).map(|seen| seen.stands)
    }

    pub(super) fn count(&self, stands: Stands) -> usize {
        self.items.values().filter(|seen| seen.stands == stands).count()
    }

    /// What its transactions come to that were paid out, in minor units.
    pub(super) fn items_minor(&self) -> i64 {
        self.items.values().filter(|seen| seen.stands == Stands::Paid).map(|seen| seen.minor).sum()
    }

    /// What reached the bank by the gateway's word; absent: it told nothing that can be used.
    pub(super) fn paid_minor(&self) -> Option<i64> {
        let currency = self.payout.as_ref()?.currency;
        if self.notices.is_empty() {
            return None;
        }
        let taken = self.notices.values().filter(|notice| notice.success);
        taken.map(|notice| notice.amount.filter(|paid| paid.currency == currency).map(|paid| paid.minor)).sum()
    }

    /// A notice names a transaction that the gateway's search does not show.
    pub(super) fn misses_one(&self) -> bool {
        let named = self.notices.values().flat_map(|notice| &notice.transactions);
        named.into_iter().any(|id| !self.items.contains_key(id))
    }

    /// What reached the bank, or what should have.
    pub(super) fn amount(&self) -> Option<Money> {
        let currency = self.payout.as_ref()?.currency;
        Some(Money::new(self.items_minor() - self.unexplained.unwrap_or_default(), currency))
    }

    pub(super) fn word(&self) -> &'static str {
        match self.stage {
            Stage::NotOpened => "NotOpened",
            Stage::Listing | Stage::Reading | Stage::Weighing => "Looking",
            _ if self.count(Stands::Returned) > 0 => "Returned",
            _ if self.count(Stands::Held) > 0 => "Held",
            _ if self.count(Stands::Awaited) > 0 => "Awaited",
            Stage::Resting { .. } if self.unexplained.is_none() => "Watched",
            _ if self.unexplained.unwrap_or_default() != 0 || self.count(Stands::Foreign) > 0 => "Differs",
            _ if self.announced && self.notices.is_empty() && !self.items.is_empty() => "Unannounced",
            _ if self.items.is_empty() && self.notices.is_empty() => "Empty",
            _ => "Explained",
        }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::PayoutOpened { payout, installation, .. } => {
                self.payout = Some(payout.clone());
                self.installation = Some(installation.clone());
            }
            Event::NoticeExpected { .. } => self.announced = true,
            Event::NoticeHeard { notice, .. } => self.heard(notice),
            Event::LookBegan { .. } => {
                self.wanted = false;
                self.stage = Stage::Listing;
            }
            Event::LookWanted { .. } => self.wanted = true,
            Event::PayoutListed { transactions } => {
                self.concluded += 1;
                self.todo = transactions.iter().filter(|id| self.is_to_be_read(id)).cloned().collect();
                // What is not shown for this day any more is asked for all the same, and let go of where it is not.
                let shown: BTreeSet<&String> = transactions.iter().collect();
                let open = self.items.iter().filter(|(id, seen)| seen.stands.is_open() && !shown.contains(id));
                let gone: Vec<String> = open.map(|(id, _)| id.clone()).collect();
                self.todo.extend(gone);
                self.doubted.clear();
                self.stage = Stage::Reading;
            }
            Event::ItemsRead { items, gone } => {
                self.concluded += 1;
                let read: BTreeSet<&String> = items.iter().map(|item| &item.transaction).chain(gone).collect();
                self.todo.retain(|id| !read.contains(id));
                self.items.retain(|id, _| !gone.contains(id));
                self.part.clone_from(items);
                if !items.is_empty() {
                    self.stage = Stage::Weighing;
                }
            }
            Event::ItemsBooked { entries, at, .. } => {
                self.concluded += 1;
                self.part.clear();
                for entry in entries {
                    let seen = Seen { minor: entry.minor, stands: entry.stands };
                    self.items.insert(entry.transaction.clone(), seen);
                }
                let is_awaited = self.count(Stands::Awaited) > 0;
                self.awaited_since = is_awaited.then(|| self.awaited_since.unwrap_or(*at));
                self.stage = Stage::Reading;
            }
            Event::LookEnded { again_at } => self.stage = Stage::Resting { until: *again_at },
            Event::PayoutReckoned { unexplained, .. } => {
                self.unexplained = Some(self.unexplained.unwrap_or_default() + unexplained.minor);
            }
            Event::PayoutClosed { .. } => self.stage = Stage::Closed,
        }
    }

    /// New, or not at its end when it was weighed last, or doubted since.
    fn is_to_be_read(&self, id: &str) -> bool {
        self.doubted.contains(id) || self.stands(id).is_none_or(Stands::is_open)
    }

    fn heard(&mut self, notice: &PayoutNotice) {
        if !notice.success {
            let named = notice.transactions.iter().filter(|id| self.items.contains_key(*id));
            let named: Vec<String> = named.cloned().collect();
            // One that names none is about all of them.
            self.doubted.extend(if named.is_empty() { self.items.keys().cloned().collect() } else { named });
        }
        self.notices.insert(notice.id.clone(), notice.clone());
    }
}
