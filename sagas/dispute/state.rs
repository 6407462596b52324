//! What a dispute's stream remembers, and how it changes with each event. Pure folding: nothing is decided here, and no
//! event is refused.

use super::tell::{self, Face};
use super::words::{Alarm, Doubt, Event, Fate, Of, Payment, Piece, Sale};
use crate::kernel::answer::{Dispute, DisputeStatus};
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::telling::{NoLetter, Owed};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// It is looked at so often, should Braintree's message be lost.
const DAILY: TimeDelta = TimeDelta::days(1);
/// After its last day it is looked at once more, when Braintree has drawn its conclusion.
const AFTER_DEADLINE: TimeDelta = TimeDelta::hours(1);

/// Where a dispute stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) of: Option<Of>,
    /// The payment, where it is one of ours.
    pub(super) sale: Option<Sale>,
    /// As Braintree showed it last.
    pub(super) shown: Option<Dispute>,
    /// Braintree has no such dispute.
    pub(super) missing: bool,
    pub(super) reading: bool,
    /// Grows whenever something is done once more: tells repeated steps apart.
    pub(super) round: u32,
    pub(super) next_look: Option<DateTime<Utc>>,
    pub(super) stream: Stream,
    pub(super) payment: Option<Payment>,
    pub(super) claim: Claimed,
    pub(super) booked: Booked,
    /// The customer's other invoices are held since.
    pub(super) holds: bool,
    /// Our customer, as the journals of the hold name it.
    pub(super) booked_for: Option<Payment>,
    /// The last one that was raised.
    pub(super) alarm: Option<Alarm>,
    pub(super) order: Option<Order>,
    /// Evidence went to the bank.
    pub(super) submitted: bool,
    /// Why Braintree did not take what was ordered last.
    pub(super) refusal: Option<String>,
    pub(super) doubt: Option<Doubt>,
    pub(super) outcome: Option<Outcome>,
    /// The invoice's stream knows how it ended.
    pub(super) told_over: bool,
    /// A person has seen how it ended.
    pub(super) seen: bool,
    pub(super) fate: Option<Fate>,
    pub(super) closed: bool,
    /// Invoices of the customer that were held were looked for.
    pub(super) found: bool,
    /// Of them, those whose streams do not know yet that they are free.
    pub(super) untold: Vec<SagaId>,
    pub(super) cancelled: bool,
    /// What people are still to be told.
    pub(super) people: Owed<Face, NoLetter>,
}

/// What the invoice's stream knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stream", rename_all = "snake_case")]
pub(super) enum Stream {
    /// There is none, or it was not told yet.
    #[default]
    Untold,
    /// Told; it has so long to say what it knows (UTC).
    Asked { answer_by: DateTime<Utc> },
    /// It said so, or nothing is awaited any more.
    Heard,
}

/// The claim on the payment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "claim", rename_all = "snake_case")]
pub(super) enum Claimed {
    #[default]
    Free,
    /// A give-back has it; asked for again (UTC).
    Busy {
        until: DateTime<Utc>,
    },
    Ours,
    /// It was ours until it was decided.
    LetGo,
}

/// What of it stands in the books.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "booked", rename_all = "snake_case")]
pub(super) enum Booked {
    #[default]
    Nothing,
    /// In suspense: nobody knows the payment.
    Suspense { amount: Money },
    /// Held by the bank.
    Held { amount: Money },
    /// It came back, or is lost.
    Over,
}

/// What a person ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) what: Ordered,
    /// Nothing of it is sent after (UTC).
    pub(super) until: DateTime<Utc>,
}

/// What exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ordered", rename_all = "snake_case")]
pub(super) enum Ordered {
    /// These are left to be added, then all is handed in.
    Submit {
        pieces: Vec<Piece>,
        /// Of the first piece: the document is with Braintree.
        uploaded: Option<String>,
    },
    /// It is given up.
    Accept,
}

impl Order {
    /// What was sealed for it and is not used yet.
    pub(super) fn inputs(&self) -> Vec<uuid::Uuid> {
        match &self.what {
            Ordered::Submit { pieces, uploaded } => {
                pieces.iter().skip(usize::from(uploaded.is_some())).map(Piece::input).collect()
            }
            Ordered::Accept => Vec::new(),
        }
    }
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    pub(super) status: DisputeStatus,
    /// What did not come back.
    pub(super) lost: Option<Money>,
    /// Nobody here had replied.
    pub(super) missed: bool,
}

impl State {
    /// As Braintree showed it last; none: it was not read yet.
    pub const fn shown(&self) -> Option<&Dispute> {
        self.shown.as_ref()
    }

    /// Zoho's number of the invoice that was paid, where the payment is known.
    pub fn invoice_number(&self) -> Option<&str> {
        self.payment.as_ref().map(|payment| payment.number.as_str())
    }

    /// When the last day for a reply ends (UTC); none: no reply is awaited.
    pub fn reply_until(&self) -> Option<DateTime<Utc>> {
        self.deadline().filter(|_| self.awaits_reply())
    }

    /// This stream's own id.
    pub(super) fn saga(&self) -> Option<SagaId> {
        Some(super::Dispute::id(&self.of.as_ref()?.dispute))
    }

    /// Ids of the evidence that the dispute has.
    pub(super) fn evidence(&self) -> Vec<String> {
        self.shown.iter().flat_map(|shown| &shown.evidence).map(|piece| piece.id.clone()).collect()
    }

    /// It moves money: a retrieval only asks for papers.
    pub(super) fn takes_money(&self) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.kind != RETRIEVAL)
    }

    /// The end of the last day for a reply (UTC), where one is awaited. Braintree names a day; its own day ends no sooner
    /// than that of UTC.
    pub(super) fn deadline(&self) -> Option<DateTime<Utc>> {
        let shown = self.shown.as_ref().filter(|shown| shown.program.is_none())?;
        Some((shown.reply_by? + Days::new(1)).and_time(NaiveTime::MIN).and_utc())
    }

    /// It waits for a reply of ours.
    pub(super) fn awaits_reply(&self) -> bool {
        let open = self.shown.as_ref().is_some_and(|shown| shown.status == DisputeStatus::Open);
        open && self.outcome.is_none() && self.deadline().is_some()
    }

    /// The next alarm and its time (UTC): of several that are past, the last one.
    pub(super) fn next_alarm(&self, now: DateTime<Utc>) -> Option<(Alarm, DateTime<Utc>)> {
        let deadline = self.deadline().filter(|_| self.awaits_reply())?;
        let wanted = |alarm: &Alarm| *alarm != Alarm::Hour || self.refusal.is_some();
        let all = Alarm::ALL.into_iter().filter(wanted).filter(|alarm| self.alarm.is_none_or(|last| *alarm > last));
        let timed = all.map(|alarm| (alarm, deadline - alarm.left()));
        let past = timed.clone().rfind(|(_, at)| *at <= now);
        past.or_else(|| timed.clone().next())
    }

    /// When time brings something next (UTC).
    pub(super) fn next_due(&self) -> Option<DateTime<Utc>> {
        let untold = self.people.next_try();
        let answer = match self.stream {
            Stream::Asked { answer_by } => Some(answer_by),
            Stream::Untold | Stream::Heard => None,
        };
        if self.outcome.is_some() {
            return untold.into_iter().chain(answer).min();
        }
        let claim = match self.claim {
            Claimed::Busy { until } => Some(until),
            Claimed::Free | Claimed::Ours | Claimed::LetGo => None,
        };
        // Whatever is past is due at once: the order of alarms is that of their times.
        let alarm = self.next_alarm(DateTime::<Utc>::MIN_UTC).map(|(_, at)| at);
        [untold, answer, claim, alarm, self.next_look].into_iter().flatten().min()
    }

    /// The subscription that was paid is a person's to keep or to end: what was paid for it is lost.
    pub(super) fn asks_for_subscription(&self) -> bool {
        let lost = self.outcome.as_ref().is_some_and(|outcome| outcome.status != DisputeStatus::Won);
        let paid = self.payment.as_ref().is_some_and(|payment| payment.subscription.is_some());
        lost && paid && self.booked == Booked::Over
    }

    /// What a person is asked once it is decided; none: nothing.
    pub(super) fn question(&self) -> Option<String> {
        let (outcome, of) = (self.outcome.as_ref()?, self.of.as_ref()?);
        if self.seen || self.closed {
            return None;
        }
        let mut parts = Vec::new();
        if outcome.missed {
            parts.push("nobody replied before the deadline: find out why".to_owned());
        }
        match (self.booked, outcome.lost) {
            (Booked::Suspense { amount }, _) => {
                parts.push(format!("{amount} of a payment that is not known here stands in suspense (1900)"));
            }
            (_, Some(lost)) if outcome.status == DisputeStatus::Won => {
                parts.push(format!("it was won in part: {lost} of what the bank held did not come back"));
            }
            _ => {}
        }
        if self.asks_for_subscription()
            && let Some(subscription) = self.payment.as_ref().and_then(|payment| payment.subscription.as_ref())
        {
            parts.push(format!("choose whether subscription {subscription} goes on: `keep` or `cancel`"));
        }
        let saga = self.saga()?;
        let what = parts.join("; ");
        (!parts.is_empty()).then(|| {
            format!(
                "dispute {}: {what}. By `attio-billing dispute close {saga}` or POST /api/v1/disputes/{saga}/close",
                of.dispute
            )
        })
    }

    /// What is awaited, for people; what is urgent is told to whoever is on call.
    pub(super) fn signal(&self) -> &'static str {
        let open = self.shown.as_ref().is_some_and(|shown| shown.status == DisputeStatus::Open);
        match (self.alarm.filter(|_| open), self.booked) {
            (Some(Alarm::Week), _) => "deadline: a dispute awaits a reply, 7 days are left",
            (Some(Alarm::ThreeDays), _) => "deadline: a dispute awaits a reply, 3 days are left",
            (Some(Alarm::Day), _) => "deadline: a dispute awaits a reply, a day is left",
            (Some(Alarm::FourHours | Alarm::Hour), _) => "deadline: a dispute awaits a reply, 4 hours are left",
            (None, Booked::Suspense { .. }) => "deadline: a dispute is of a payment that is not known here",
            (None, _) if open => "a person's reply to the dispute",
            (None, _) => "the bank's decision",
        }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_reading(event);
        self.apply_stream(event);
        self.apply_books(event);
        self.apply_order(event);
        self.apply_end(event);
        match event {
            Event::Told(told) => {
                self.people.apply(told);
            }
            event => tell::owe(self, event),
        }
    }

    fn apply_reading(&mut self, event: &Event) {
        match event {
            Event::DisputeNoticed { of, sale, .. } => {
                self.of = Some(of.clone());
                self.sale.clone_from(sale);
                self.reading = true;
            }
            Event::PaymentIdentified { sale, .. } => self.sale = Some(sale.clone()),
            Event::LookBegun { .. } => {
                self.round += 1;
                self.reading = true;
                self.missing = false;
            }
            Event::DisputeRead { shown, at } => {
                self.reading = false;
                self.shown = Some((**shown).clone());
                let after = self.deadline().map(|deadline| deadline + AFTER_DEADLINE).filter(|after| after > at);
                self.next_look = Some(after.map_or(*at + DAILY, |after| after.min(*at + DAILY)));
            }
            Event::LookPutOff { again_at, .. } => {
                self.reading = false;
                self.next_look = Some(*again_at);
            }
            Event::DisputeNotFound { .. } => {
                self.reading = false;
                self.missing = true;
            }
            Event::DisputeDoubtful { doubt, .. } => {
                self.reading = false;
                self.doubt = Some(doubt.clone());
            }
            Event::DisputeTakenUp { .. } => {
                self.doubt = None;
                self.reading = true;
                self.round += 1;
            }
            _ => {}
        }
    }

    fn apply_stream(&mut self, event: &Event) {
        match event {
            Event::StreamTold { answer_by } => {
                if self.stream == Stream::Untold {
                    self.stream = Stream::Asked { answer_by: *answer_by };
                }
                if self.payment.is_some() {
                    self.stream = Stream::Heard;
                }
            }
            Event::PaymentDescribed { payment, .. } => {
                self.payment = Some((**payment).clone());
                if self.stream != Stream::Untold {
                    self.stream = Stream::Heard;
                }
            }
            Event::AnswerGivenUp { .. } => self.stream = Stream::Heard,
            // Asked for before it was decided, and answered after: it is let go at once.
            Event::TransactionClaimed if self.outcome.is_some() => self.claim = Claimed::LetGo,
            Event::TransactionClaimed => self.claim = Claimed::Ours,
            Event::ClaimRefused { again_at, .. } => {
                self.round += 1;
                self.claim = Claimed::Busy { until: *again_at };
            }
            Event::ClaimDue => self.claim = Claimed::Free,
            _ => {}
        }
    }

    fn apply_books(&mut self, event: &Event) {
        match event {
            Event::DisputeHeld { amount, .. } => {
                self.booked = Booked::Held { amount: *amount };
                self.booked_for.clone_from(&self.payment);
                self.holds = true;
            }
            Event::OrphanDisputeBooked { amount, .. } => self.booked = Booked::Suspense { amount: *amount },
            Event::OrphanDisputeAdopted { .. } => self.booked = Booked::Nothing,
            Event::OrphanDisputeReturned { .. } => self.booked = Booked::Over,
            _ => {}
        }
    }

    fn apply_order(&mut self, event: &Event) {
        match event {
            Event::DeadlineNear { alarm, .. } => self.alarm = Some(*alarm),
            Event::SubmissionOrdered { pieces, until, .. } => {
                let what = Ordered::Submit { pieces: pieces.clone(), uploaded: None };
                self.ordered(Order { what, until: *until });
            }
            Event::AcceptanceOrdered { until, .. } => self.ordered(Order { what: Ordered::Accept, until: *until }),
            Event::DocumentUploaded { document, .. } => {
                self.round += 1;
                if let Some(Ordered::Submit { uploaded, .. }) = self.order.as_mut().map(|order| &mut order.what) {
                    *uploaded = Some(document.clone());
                }
            }
            Event::EvidenceAdded { shown, .. } => {
                self.round += 1;
                self.shown = Some((**shown).clone());
                if let Some(Ordered::Submit { pieces, uploaded }) = self.order.as_mut().map(|order| &mut order.what) {
                    *uploaded = None;
                    if !pieces.is_empty() {
                        pieces.remove(0);
                    }
                }
            }
            Event::OrderRefused { code, why, .. } => {
                self.round += 1;
                self.order = None;
                self.refusal = Some(format!("{code} {why}"));
            }
            Event::DisputeSubmitted { .. } => {
                self.order = None;
                self.refusal = None;
                self.submitted = true;
                self.alarm = None;
            }
            Event::DisputeReturned { .. } => {
                self.submitted = false;
                self.alarm = None;
            }
            _ => {}
        }
    }

    fn ordered(&mut self, order: Order) {
        self.round += 1;
        self.refusal = None;
        self.order = Some(order);
    }

    fn apply_end(&mut self, event: &Event) {
        match event {
            Event::DisputeWon { won, lost, .. } => {
                self.ended(Outcome { status: DisputeStatus::Won, lost: *lost, missed: false });
                if won.is_some() {
                    self.booked = Booked::Over;
                }
            }
            Event::DisputeLost { status, amount, missed, .. } => {
                self.ended(Outcome { status: status.clone(), lost: *amount, missed: *missed });
                if amount.is_some() {
                    self.booked = Booked::Over;
                }
            }
            Event::StreamToldOver => self.told_over = true,
            Event::OutcomeSeen { subscription, .. } => {
                self.seen = true;
                self.fate = *subscription;
            }
            Event::DisputeClosed { .. } => {
                self.closed = true;
                // Nothing was held, or nobody knows whose it was.
                self.found = !self.holds || self.payment.as_ref().is_none_or(|payment| payment.customer.is_none());
            }
            Event::HeldInvoicesFound { streams } => {
                self.found = true;
                self.untold.clone_from(streams);
            }
            Event::HeldInvoiceTold { stream } => {
                self.round += 1;
                self.untold.retain(|other| other != stream);
            }
            Event::CancellationOrdered { .. } => self.cancelled = true,
            _ => {}
        }
    }

    fn ended(&mut self, outcome: Outcome) {
        self.order = None;
        self.outcome = Some(outcome);
        self.next_look = None;
        // What was told of its end is told anew where the payment became known only since.
        self.told_over = false;
        (self.seen, self.closed) = (false, false);
        if self.claim == Claimed::Ours {
            self.claim = Claimed::LetGo;
        }
    }
}

/// Braintree's word for a dispute that only asks for papers.
pub(super) const RETRIEVAL: &str = "retrieval";

impl Alarm {
    /// All of them, the first to ring first.
    pub(super) const ALL: [Self; 5] = [Self::Week, Self::ThreeDays, Self::Day, Self::FourHours, Self::Hour];

    /// So long before the deadline.
    pub(super) const fn left(self) -> TimeDelta {
        match self {
            Self::Week => TimeDelta::days(7),
            Self::ThreeDays => TimeDelta::days(3),
            Self::Day => TimeDelta::days(1),
            Self::FourHours => TimeDelta::hours(4),
            Self::Hour => TimeDelta::hours(1),
        }
    }
}
