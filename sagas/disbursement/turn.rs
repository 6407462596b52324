//! What follows from what is told, answered and due.

use super::Disbursement;
use super::state::Stage;
use super::weigh::{Scales, Stands};
use super::words::{Command, Event};
use crate::kernel::answer::Answer;
use crate::kernel::ids::Installation;
use crate::kernel::money::Money;
use crate::kernel::outcome::Outcome;
use crate::kernel::payout::{PaidOut, Payout, PayoutNotice, Position};
use crate::kernel::saga::Refusal;
use crate::kernel::turn;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

pub(super) type Turn<'a> = turn::Turn<'a, Disbursement>;

/// So long after its day the gateway may still add to a payout, or tell of it.
const OPEN_FOR: TimeDelta = TimeDelta::days(4);
/// Two looks begin so long one after the other.
const LOOKS_APART: TimeDelta = TimeDelta::days(1);
/// For so long it is looked oftener where our own books are behind: their flows ask for settlements that often.
const SOON: TimeDelta = TimeDelta::days(1);
/// So often.
const SOON_APART: TimeDelta = TimeDelta::hours(2);
/// What is paid out stands in our books as settled so long after, or a person looks.
pub(super) const SETTLES_WITHIN: TimeDelta = TimeDelta::days(10);

impl Turn<'_> {
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Look { payout, installation, announced, source } => {
                self.open(payout, installation)?;
                if *announced && !self.state.announced {
                    self.push(Event::NoticeExpected { source: source.clone() });
                }
                self.look(source);
            }
            Command::Noticed { payout, installation, notice } => {
                self.open(payout, installation)?;
                self.noticed(notice);
            }
        }
        Ok(())
    }

    fn open(&mut self, payout: &Payout, installation: &Installation) -> Result<(), Refusal> {
        match &self.state.payout {
            None => {
                let (payout, installation) = (payout.clone(), installation.clone());
                self.push(Event::PayoutOpened { payout, installation, at: self.at.now });
                Ok(())
            }
            Some(known) if known == payout => Ok(()),
            Some(known) => {
                let which = format!("{} of {} in {}", known.account, known.day, known.currency);
                Err(Refusal::new("other_payout", format!("this is the payout of {which}, and no other")))
            }
        }
    }

    fn noticed(&mut self, notice: &PayoutNotice) {
        // The same word again says nothing new.
        if self.state.notices.get(&notice.id) != Some(notice) {
            self.push(Event::NoticeHeard { notice: notice.clone(), at: self.at.now });
            self.look("notice");
        }
    }

    fn look(&mut self, source: &str) {
        if self.state.is_idle() {
            self.push(Event::LookBegan { at: self.at.now });
        } else if !self.state.wanted {
            self.push(Event::LookWanted { source: source.to_owned() });
        }
    }

    /// A sleep is over, or a person wants it to go on.
    pub(super) fn go_on(&mut self) {
        if self.state.is_idle() && self.state.payout.is_some() {
            self.push(Event::LookBegan { at: self.at.now });
        }
    }

    pub(super) fn answered(&mut self, outcome: &Outcome) {
        // No read is refused in the normal way of things: the machine parks it.
        let Outcome::Done { answer } = outcome else { return };
        match (&self.state.stage, answer) {
            (Stage::Listing, Answer::PayoutListed { transactions }) => {
                self.push(Event::PayoutListed { transactions: transactions.clone() });
                self.end_look();
            }
            (Stage::Reading, Answer::PaidOut { items }) => {
                self.read(items);
                self.end_look();
            }
            (Stage::Weighing, Answer::Positions { positions }) => {
                self.weighed(positions);
                self.end_look();
            }
            // No step is answered with anything else.
            _ => {}
        }
    }

    fn read(&mut self, items: &[PaidOut]) {
        let asked = self.state.next_part();
        let gone = asked.iter().filter(|id| !items.iter().any(|item| item.transaction == **id)).cloned().collect();
        let items = items.iter().filter(|item| asked.contains(&item.transaction)).cloned().collect();
        self.push(Event::ItemsRead { items, gone });
    }

    fn weighed(&mut self, positions: &[Position]) {
        let (Some(payout), Some(installation)) = (self.state.payout.clone(), self.state.installation.clone()) else {
            return;
        };
        let state = &self.state;
        let positions = positions.iter().map(|of| (of.transaction.clone(), of.clone())).collect();
        let before = |id: &str| state.stands(id);
        let mut scales = Scales { payout: &payout, installation: &installation, before: &before, positions };
        let entries = state.part.iter().map(|item| scales.weigh(item)).collect();
        // On its own day the first time; what changes later happened later.
        let effective = if state.unexplained.is_none() { payout.day } else { self.at.date(self.at.now) };
        self.push(Event::ItemsBooked { entries, effective, at: self.at.now });
    }

    /// Where nothing is left to be read, the look is over.
    fn end_look(&mut self) {
        if self.state.stage != Stage::Reading || !self.state.todo.is_empty() {
            return;
        }
        let now = self.at.now;
        let Some(payout) = self.state.payout.clone() else { return };
        let closes_at = payout.day.and_time(NaiveTime::MIN).and_utc() + OPEN_FOR;
        let is_open = self.state.items.values().any(|seen| seen.stands.is_open());
        let items = self.state.items_minor();
        let agrees = self.state.paid_minor() == Some(items) && !is_open && !self.state.misses_one();
        let may_close = now >= closes_at || agrees;
        // What went back after it was reckoned is reckoned anew at once.
        if may_close || self.state.unexplained.is_some() {
            self.reckon(&payout, items);
        }
        if self.state.wanted {
            self.push(Event::LookBegan { at: now });
        } else if is_open || !may_close {
            let is_soon = self.state.awaited_since.is_some_and(|since| now - since < SOON);
            let again_at = now + if is_soon { SOON_APART } else { LOOKS_APART };
            let again_at = if is_open || again_at < closes_at { again_at } else { closes_at };
            self.push(Event::LookEnded { again_at: again_at.max(now + TimeDelta::minutes(1)) });
        } else {
            self.push(Event::PayoutClosed { at: now });
        }
    }

    fn reckon(&mut self, payout: &Payout, items: i64) {
        let money = |minor| Money::new(minor, payout.currency);
        let paid = self.state.paid_minor();
        let unexplained = paid.map_or(0, |paid| items - paid);
        let more = unexplained - self.state.unexplained.unwrap_or_default();
        if self.state.unexplained.is_some() && more == 0 {
            return;
        }
        let effective = if self.state.unexplained.is_none() { payout.day } else { self.at.date(self.at.now) };
        self.push(Event::PayoutReckoned {
            items: money(items),
            paid: paid.map(money),
            unexplained: money(more),
            effective,
            at: self.at.now,
        });
    }
}

/// Too long awaited: since when, and what.
pub(super) fn is_overdue(since: Option<DateTime<Utc>>, until: DateTime<Utc>) -> bool {
    since.is_some_and(|since| until - since > SETTLES_WITHIN)
}

/// How many of those are named to a person.
pub(super) fn named(ids: &[&String]) -> String {
    let shown: Vec<&str> = ids.iter().take(5).map(|id| id.as_str()).collect();
    let more = ids.len().saturating_sub(shown.len());
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{rest}", shown.join(", "))
}

impl super::State {
    /// The ids that are read next.
    pub(super) fn next_part(&self) -> Vec<String> {
        self.todo.iter().take(PART).cloned().collect()
    }

    /// Those that are not settled in our books.
    pub(super) fn awaited(&self) -> Vec<&String> {
        self.items.iter().filter(|(_, seen)| seen.stands == Stands::Awaited).map(|(id, _)| id).collect()
    }
}

/// So many are read and booked in one piece.
const PART: usize = 50;
