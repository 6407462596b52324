//! The invariants of sums: journals by transaction, invoice, customer and saga, added up as they were booked and judged
//! by the kernel's rules.

use super::{Finding, Invariant as I, Progress, Report, Tell, Wanted};
use crate::store::StoreError;
use crate::store::invariants::{Charge, Posted, Snapshot, Subject};
use chrono::{DateTime, Utc};
use sagas::kernel::books::{self, Sums};
use sagas::kernel::cards::network_caps;
use sagas::kernel::invariant::Broken;
use sagas::kernel::posting::Rule;
use sagas::kernel::saga::End;
use std::collections::VecDeque;
use uuid::Uuid;

/// So many of a subject's journals are told.
const SHOWN: usize = 8;

/// Which invariants a subject's sums say something about.
const fn judged(subject: Subject) -> &'static [I] {
    match subject {
        Subject::Transaction => &[I::I06, I::I10, I::I11, I::I12, I::I14, I::I20, I::I24, I::I25, I::I43],
        Subject::Invoice => &[I::I06, I::I13, I::I17, I::I37],
        Subject::Customer => &[I::I14],
        Subject::Saga => &[I::I27, I::I32],
    }
}

/// Adds everything up.
pub(super) async fn verify(
    snapshot: &mut Snapshot,
    wanted: &Wanted,
    report: &mut Report,
    tell: Tell<'_>,
) -> Result<(), StoreError> {
    for subject in [Subject::Transaction, Subject::Invoice, Subject::Customer, Subject::Saga] {
        if !wanted.any(judged(subject)) {
            continue;
        }
        let (mut adding, mut lines) = (Adding::new(subject), 0);
        snapshot
            .lines_by(subject, |posted| {
                lines += 1;
                if lines % 1_000 == 1 {
                    tell(Progress { what: "journal lines by subject", done: lines, of: None });
                }
                adding.take(posted, report);
            })
            .await?;
        adding.close(report);
    }
    Ok(())
}

/// The journals of one subject and currency so far.
struct Adding {
    subject: Subject,
    key: String,
    currency: String,
    on_hold: bool,
    ended: Option<String>,
    sums: Sums,
    /// The journal whose lines come.
    journal: Option<Journal>,
    /// It came beside another payment.
    came_late: bool,
    shown: VecDeque<Uuid>,
    last: Option<(Uuid, Uuid)>,
    /// What an append of the past broke, told once.
    told: bool,
}

struct Journal {
    id: Uuid,
    rule: String,
    event_name: String,
    saga: Uuid,
    event: Uuid,
    booked_at: DateTime<Utc>,
    lines: Vec<(u16, i64)>,
}

impl Adding {
    fn new(subject: Subject) -> Self {
        Self {
            subject,
            key: String::new(),
            currency: String::new(),
            on_hold: false,
            ended: None,
            sums: Sums::default(),
            journal: None,
            came_late: false,
            shown: VecDeque::new(),
            last: None,
            told: false,
        }
    }

    fn take(&mut self, posted: Posted, report: &mut Report) {
        if posted.key != self.key || posted.currency != self.currency {
            self.close(report);
            *self = Self::new(self.subject);
            (self.key, self.currency) = (posted.key, posted.currency);
        }
        if self.journal.as_ref().is_none_or(|journal| journal.id != posted.journal) {
            let append_is_over = self.journal.as_ref().is_some_and(|journal| journal.booked_at != posted.booked_at);
            self.add(report);
            if append_is_over {
                self.after_an_append(report);
            }
            self.journal = Some(Journal {
                id: posted.journal,
                rule: posted.rule,
                event_name: posted.event_name,
                saga: posted.saga,
                event: posted.event,
                booked_at: posted.booked_at,
                lines: Vec::new(),
            });
        }
        (self.on_hold, self.ended) = (posted.on_hold, posted.ended);
        if let Some(journal) = &mut self.journal {
            // No account has another number; what has is no line of the sums, and differs from its event.
            journal.lines.push((u16::try_from(posted.account).unwrap_or_default(), posted.minor));
        }
    }

    /// Adds the journal that is complete now.
    fn add(&mut self, report: &mut Report) {
        let Some(journal) = self.journal.take() else { return };
        self.last = Some((journal.saga, journal.event));
        self.shown.push_back(journal.id);
        if self.shown.len() > SHOWN {
            self.shown.pop_front();
        }
        let Some(rule) = Rule::parse(&journal.rule) else {
            return self.breaks(report, Broken::new(I::I04, format!("no rule is named {}", journal.rule)));
        };
        // The events by these names are the flows' words for a charge that was planned, and for one beside it.
        let before = self.sums.unapplied();
        if self.subject == Subject::Invoice
            && rule == Rule::Capture
            && journal.event_name == "PaymentCaptured"
            && let Err(broken) = books::before_a_charge(before)
        {
            self.breaks(report, broken);
        }
        self.came_late |= journal.event_name == "DuplicateCaptured";
        if self.subject == Subject::Transaction && rule == Rule::Apply && self.came_late {
            self.breaks(report, Broken::new(I::I43, "it came beside another payment, and was applied"));
        }
        self.sums.post(rule, &journal.lines);
    }

    fn after_an_append(&mut self, report: &mut Report) {
        if self.subject == Subject::Customer && !self.told {
            for broken in books::of_customer(&self.sums) {
                self.told = true;
                self.breaks(report, broken);
            }
        }
    }

    /// All of the subject was added.
    fn close(&mut self, report: &mut Report) {
        self.add(report);
        if self.last.is_none() {
            return;
        }
        self.after_an_append(report);
        let broken = match self.subject {
            Subject::Transaction => books::of_transaction(&self.sums),
            Subject::Invoice => books::of_invoice(&self.sums, self.on_hold),
            Subject::Customer => Vec::new(),
            Subject::Saga => {
                self.ended.as_deref().map(end_of).map_or(Vec::new(), |end| books::of_ended_saga(&self.sums, end))
            }
        };
        for broken in broken {
            self.breaks(report, broken);
        }
    }

    fn breaks(&self, report: &mut Report, broken: Broken) {
        let subject = format!("{} {} in {}", self.subject.as_str(), self.key, self.currency);
        let (saga, event) = self.last.unzip();
        report.add(
            broken.invariant,
            Finding {
                what: broken.what,
                subject: Some(subject),
                saga,
                event,
                journals: self.shown.iter().copied().collect(),
            },
        );
    }
}

/// How a saga ended, from its row. What another release calls it holds no authorisation either.
fn end_of(word: &str) -> End {
    let known = [End::Completed, End::Compensated, End::Mirrored, End::GivenUp];
    known.into_iter().find(|end| end.as_str() == word).unwrap_or(End::Completed)
}

/// I35: windows of a card's network with more charges than it allows.
pub(super) async fn card_caps(snapshot: &mut Snapshot, report: &mut Report) -> Result<(), StoreError> {
    let mut card = String::new();
    let mut within: VecDeque<DateTime<Utc>> = VecDeque::new();
    snapshot
        .charges(|charge: Charge| {
            if charge.card != card {
                card.clone_from(&charge.card);
                within.clear();
            }
            within.push_back(charge.at);
            let caps = network_caps(&charge.brand);
            let longest = caps.iter().map(|cap| cap.window).max().unwrap_or_default();
            while within.front().is_some_and(|first| *first <= charge.at - longest) {
                within.pop_front();
            }
            for cap in caps {
                let counted = within.iter().filter(|at| **at > charge.at - cap.window).count();
                if u32::try_from(counted).is_ok_and(|counted| counted > cap.charges) {
                    let (brand, hours, most) = (&charge.brand, cap.window.num_hours(), cap.charges);
                    report.add(
                        I::I35,
                        Finding {
                            what: format!(
                                "{counted} charges of a {brand} card in {hours} hours, and {most} are the most"
                            ),
                            subject: Some(format!("order id {}", charge.order_id)),
                            saga: Some(charge.saga),
                            event: None,
                            journals: Vec::new(),
                        },
                    );
                }
            }
        })
        .await
}
