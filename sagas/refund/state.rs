//! What a refund remembers, and how it changes with each event. Pure folding: nothing is decided here, and no event is
//! refused.

use super::outside::Outside;
use super::words::{Choice, Credit, Event, LetterKind, Terms, Wait};
use crate::kernel::answer::{CardSeen, ZohoPayment};
use crate::kernel::give_back::{Approval, Wish};
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::telling::Owed;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// A refund's settlement is looked up so often, for so long; then daily, without end.
pub(super) const LOOK_OFTEN: TimeDelta = TimeDelta::hours(2);
pub(super) const LOOK_OFTEN_FOR: TimeDelta = TimeDelta::days(10);
pub(super) const LOOK_LATER: TimeDelta = TimeDelta::days(1);

/// Where a refund stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) wish: Option<Wish>,
    pub(super) stage: Stage,
    /// Grows whenever something is done once more: tells repeated steps apart.
    pub(super) round: u32,
    pub(super) approver: Option<String>,
    /// Others gave it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) outside: Option<Outside>,
    /// The customer's bank disputes the payment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) disputed: bool,
    /// The invoice's stream was asked, and has to hear how it ended.
    pub(super) asked: bool,
    pub(super) told: bool,
    pub(super) terms: Option<Terms>,
    pub(super) credit: Option<Credit>,
    /// What is owed to the customer is in the books, with so much tax in the forgiven part.
    pub(super) booked: bool,
    pub(super) tax: Option<Money>,
    pub(super) card: Option<CardSeen>,
    pub(super) means: Option<Means>,
    /// Order ids ever used.
    pub(super) orders: u32,
    /// Since when Braintree refuses (UTC).
    pub(super) refused: Option<Refused>,
    pub(super) outcome: Option<Outcome>,
    pub(super) zoho: Zoho,
    pub(super) next_look: Option<DateTime<Utc>>,
    pub(super) looking: bool,
    pub(super) people: Owed<Face, LetterKind>,
    /// A letter was owed once.
    pub(super) lettered: bool,
}

/// What is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    Claiming,
    /// Whether what others gave back stands.
    Verifying,
    /// Whether a rule's proposal needs anybody's word.
    Weighing,
    Approving {
        until: DateTime<Utc>,
    },
    Asking,
    Awaiting {
        until: DateTime<Utc>,
    },
    Reading,
    Choosing,
    Sending,
    Waiting {
        wait: Wait,
        until: DateTime<Utc>,
    },
    /// Given back; Zoho follows, then settlement is looked up.
    Accepted,
    Held {
        code: ParkCode,
        detail: String,
        back: Back,
    },
    Over {
        ending: Ending,
    },
}

/// Where it goes on once a person has looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Back {
    /// Nothing is booked of what others gave back: it and the stream are asked again.
    Asking,
    /// The sale is looked at again.
    Choosing,
    /// Claimed again, then as above: it was let go.
    Claiming,
    /// Zoho, or the settlement.
    Accepted,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ending {
    Refused,
    Denied,
    Moot,
    Withdrawn,
}

/// What Braintree is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "means", rename_all = "snake_case")]
pub(super) enum Means {
    Void,
    Refund { order_id: String },
}

/// Braintree refuses what the status allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refused {
    pub(super) first: DateTime<Utc>,
    pub(super) last: DateTime<Utc>,
}

/// What was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum Outcome {
    Voided { on: NaiveDate, at: DateTime<Utc> },
    Sent { refund: String, amount: Money, on: NaiveDate, at: DateTime<Utc>, settled: bool },
    Outside { on: NaiveDate },
}

/// What Zoho shows of it by now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Zoho {
    pub(super) payment: Option<ZohoPayment>,
    /// Lowered or deleted.
    pub(super) record_done: bool,
    /// What the invoice owed after its payment was deleted.
    pub(super) invoice: Option<Seen>,
    pub(super) invoice_done: bool,
    pub(super) note: Option<Note>,
    pub(super) note_done: bool,
    /// Looks for what was written go back to this instant.
    pub(super) since: Option<DateTime<Utc>>,
}

/// An invoice after its payment was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) total: Money,
    pub(super) balance: Money,
    pub(super) void: bool,
}

/// What the record in Attio shall say beside what is known anyhow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face {
    /// Since when (UTC).
    pub(super) at: DateTime<Utc>,
    /// What went wrong; empty: nothing.
    pub(super) failure: String,
}

/// Our credit note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Note {
    pub(super) id: String,
    pub(super) total: Money,
}

impl State {
    /// This saga's id.
    pub(super) fn saga(&self) -> Option<SagaId> {
        self.wish.as_ref().map(|wish| super::Refund::id(&wish.transaction, &wish.key))
    }

    /// Both are known from the admission on.
    pub(super) fn agreed(&self) -> Option<(&Wish, &Terms)> {
        self.wish.as_ref().zip(self.terms.as_ref())
    }

    /// The void was accepted.
    pub(super) const fn is_voided(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Voided { .. }))
    }

    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_request(event);
        self.apply_sending(event);
        self.apply_outcome(event);
        self.apply_zoho(event);
        self.apply_told(event);
        self.apply_outside(event);
    }

    fn over(&mut self, ending: Ending) {
        self.stage = Stage::Over { ending };
    }

    pub(super) fn held(&mut self, code: ParkCode, detail: &str, back: Back) {
        self.round += 1;
        self.stage = Stage::Held { code, detail: detail.to_owned(), back };
    }

    /// From the request to the approval.
    fn apply_request(&mut self, event: &Event) {
        match event {
            Event::RefundRequested { wish, .. } => {
                self.wish = Some((**wish).clone());
                self.stage = Stage::Claiming;
            }
            // A refund that failed is claimed anew, and was let in long ago.
            Event::TransactionClaimed if self.booked => self.stage = Stage::Choosing,
            Event::TransactionClaimed if self.outside.is_some() => self.stage = Stage::Verifying,
            Event::TransactionClaimed => {
                let proposed = self.wish.as_ref().is_some_and(|wish| wish.approval == Approval::Proposed);
                self.stage = if proposed { Stage::Weighing } else { Stage::Asking };
            }
            Event::ProposalWeighed { .. } => self.round += 1,
            Event::ApprovalAwaited { until } => self.stage = Stage::Approving { until: *until },
            Event::ApprovalGiven { by, .. } => {
                self.approver = Some(by.clone());
                self.stage = Stage::Asking;
            }
            Event::ApprovalDenied { .. } | Event::ApprovalLapsed { .. } => self.over(Ending::Denied),
            Event::PaymentDisputed { .. } => self.disputed = true,
            Event::StreamAsked { until } => {
                self.asked = true;
                if self.stage == Stage::Asking {
                    self.stage = Stage::Awaiting { until: *until };
                }
            }
            Event::GiveBackAdmitted { terms } => {
                self.asked = true;
                self.terms = Some((**terms).clone());
                self.stage = Stage::Reading;
            }
            Event::GiveBackReassigned { forgiven, reopened, tax } => {
                if let Some(terms) = &mut self.terms {
                    terms.applied.minor -= terms.forgiven.minor - forgiven.minor;
                    terms.forgiven = *forgiven;
                    terms.reopened = *reopened;
                }
                self.tax = *tax;
            }
            Event::RefundRefused { .. } => self.over(Ending::Refused),
            Event::InvoiceLinesRead { credit } => self.credit = Some((**credit).clone()),
            Event::RefundApproved { tax, at, .. } => {
                self.booked = true;
                self.tax = *tax;
                self.zoho.since = Some(*at);
                self.stage = Stage::Choosing;
            }
            _ => {}
        }
    }

    /// From the choice to the answer.
    fn apply_sending(&mut self, event: &Event) {
        match event {
            Event::VoidChosen { card } => self.send(Means::Void, card.as_ref()),
            Event::RefundChosen { order_id, card } => {
                self.orders += 1;
                self.send(Means::Refund { order_id: order_id.clone() }, card.as_ref());
            }
            Event::GiveBackPutOff { wait, until, .. } => {
                self.round += 1;
                self.stage = Stage::Waiting { wait: *wait, until: *until };
            }
            Event::GiveBackDue { .. } => {
                self.stage = match self.stage {
                    Stage::Waiting { wait: Wait::Busy, .. } => Stage::Claiming,
                    Stage::Waiting { wait: Wait::Cooling, .. } => Stage::Asking,
                    _ => Stage::Choosing,
                };
            }
            Event::GiveBackRefused { at, .. } => {
                let first = self.refused.map_or(*at, |refused| refused.first);
                self.refused = Some(Refused { first, last: *at });
                self.round += 1;
                self.stage = Stage::Choosing;
            }
            Event::RefundBlocked { code, why, at } => {
                let detail = format!("{why} ({code}): decide: try again, paid outside, or withdraw");
                self.held(ParkCode::RefundBlocked, &detail, Back::Choosing);
                self.show(*at, format!("The refund was refused: {why} ({code})"));
            }
            Event::RefundHeld { code, detail, .. } => {
                let back = match (&self.outcome, &self.outside) {
                    (Some(_), _) => Back::Accepted,
                    (None, Some(_)) if !self.booked => Back::Asking,
                    (None, _) => Back::Choosing,
                };
                self.looking = false;
                self.held(*code, detail, back);
            }
            Event::RefundTakenUp { .. } | Event::DecisionTaken { choice: Choice::TryAgain, .. } => {
                self.round += 1;
                self.refused = None;
                if let Stage::Held { back, .. } = self.stage {
                    self.stage = match back {
                        Back::Asking if self.terms.is_some() => Stage::Reading,
                        Back::Asking => Stage::Verifying,
                        Back::Choosing => Stage::Choosing,
                        Back::Claiming => Stage::Claiming,
                        Back::Accepted => Stage::Accepted,
                    };
                }
            }
            Event::RefundMoot { .. } => self.over(Ending::Moot),
            Event::RefundWithdrawn { .. } => self.over(Ending::Withdrawn),
            _ => {}
        }
    }

    fn send(&mut self, means: Means, card: Option<&CardSeen>) {
        self.means = Some(means);
        if card.is_some() {
            self.card = card.cloned();
        }
        self.stage = Stage::Sending;
    }

    /// What was given back, and what became of it.
    fn apply_outcome(&mut self, event: &Event) {
        match event {
            Event::SaleVoided { effective, at, .. } => {
                self.accepted(Outcome::Voided { on: *effective, at: *at });
                self.show(*at, String::new());
            }
            Event::RefundSent { refund, amount, effective, at, .. } => {
                let (refund, amount) = (refund.clone(), *amount);
                self.next_look = Some(*at + LOOK_OFTEN);
                self.accepted(Outcome::Sent { refund, amount, on: *effective, at: *at, settled: false });
                self.show(*at, String::new());
            }
            Event::RefundPaidOutside { effective, .. } => self.accepted(Outcome::Outside { on: *effective }),
            Event::SettlementLookDue => {
                self.round += 1;
                self.looking = true;
            }
            Event::SettlementAwaited { next_look, .. } => {
                self.looking = false;
                let settled = matches!(self.outcome, Some(Outcome::Sent { settled: true, .. }));
                self.next_look = (!settled).then_some(*next_look);
            }
            Event::RefundSettled { .. } => {
                self.looking = false;
                self.next_look = None;
                if let Some(Outcome::Sent { settled, .. }) = &mut self.outcome {
                    *settled = true;
                }
            }
            Event::RefundFailed { status, at, .. } => {
                self.looking = false;
                self.next_look = None;
                self.outcome = None;
                let detail = format!(
                    "the refund was accepted and is now {status}: decide: try again, paid outside, or withdraw"
                );
                let back = if self.told { Back::Claiming } else { Back::Choosing };
                self.held(ParkCode::RefundFailedAfterSuccess, &detail, back);
                self.show(*at, format!("The refund was declined after it had been accepted ({status})"));
            }
            _ => {}
        }
    }

    fn accepted(&mut self, outcome: Outcome) {
        // Once: the second try of a refund that failed is no news to the customer, and a transfer is not ours to announce.
        if !self.lettered && !matches!(outcome, Outcome::Outside { .. }) {
            self.people.owe_letter(LetterKind::Refund);
            self.lettered = true;
        }
        self.outcome = Some(outcome);
        self.refused = None;
        self.stage = Stage::Accepted;
    }

    /// What Zoho shows.
    fn apply_zoho(&mut self, event: &Event) {
        match event {
            Event::PaymentRecordRead { payment } => self.zoho.payment = Some((**payment).clone()),
            Event::PaymentRecordLowered { .. } | Event::PaymentRecordDeleted => self.zoho.record_done = true,
            Event::InvoiceSeen { total, balance, void } => {
                self.zoho.invoice = Some(Seen { total: *total, balance: *balance, void: *void });
                self.zoho.invoice_done = *void;
            }
            Event::InvoiceVoided | Event::CreditNoteApplied { .. } => self.zoho.invoice_done = true,
            Event::CreditNoteMade { note, total, .. } => {
                self.zoho.note = Some(Note { id: note.clone(), total: *total });
            }
            Event::CreditNoteVoided { .. } => self.zoho.note = None,
            Event::CreditNotePaidOut { .. } => self.zoho.note_done = true,
            Event::BooksRefused { code, why, .. } => self.held(*code, why, Back::Accepted),
            _ => {}
        }
    }

    /// What people and the invoice's stream were told.
    fn apply_told(&mut self, event: &Event) {
        match event {
            Event::StreamTold => self.told = true,
            Event::Told(told) => {
                self.people.apply(told);
            }
            _ => {}
        }
    }

    fn show(&mut self, at: DateTime<Utc>, failure: String) {
        self.people.show(Face { at, failure });
    }
}
