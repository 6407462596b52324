//! What comes from outside and what time brings: messages, orders of people, alarms; and what follows for the books. All
//! times are set here.

use super::state::{Booked, Claimed, Stream};
use super::words::{Alarm, Command, Doubt, Event, Fate, Of, Sale};
use super::{Dispute, word};
use crate::kernel::answer::{Dispute as Shown, DisputeStatus as Status};
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::Refusal;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

/// The invoice's stream answers at once, or is held up by a call.
pub(super) const ANSWER: TimeDelta = TimeDelta::hours(1);
/// What is sealed for an order lies no longer: without a deadline the order ends with it.
const ORDER: TimeDelta = TimeDelta::hours(3);
/// So long before the deadline what is not taken yet becomes a person's.
const LAST_HOUR: TimeDelta = TimeDelta::hours(1);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, Dispute>;

/// Which of them follows on which: a fresh status of a higher rank is believed, whatever was skipped.
pub(super) const fn rank(status: &Status) -> Option<u8> {
    match status {
        Status::Open => Some(0),
        Status::UnderReview | Status::Disputed => Some(1),
        Status::Won | Status::Lost | Status::Accepted | Status::AutoAccepted | Status::Expired => Some(2),
        Status::Other(_) => None,
    }
}

impl Turn<'_> {
    pub(super) fn commanded(&mut self, command: &Command) -> Result<(), Refusal> {
        let now = self.at.now;
        match command {
            Command::Noticed { of, sale, seen, source } => self.noticed(of, sale.as_ref(), seen.as_ref(), source),
            Command::Described { payment } => {
                let ours = self.state.sale.as_ref().is_some_and(|sale| sale.transaction == payment.transaction);
                if ours && self.state.payment.as_ref() != Some(&**payment) {
                    self.push(Event::PaymentDescribed { payment: payment.clone(), at: now });
                }
            }
            Command::Submit { pieces, by, reason } => {
                let until = self.may_reply(reason)?;
                if pieces.is_empty() && self.state.evidence().is_empty() {
                    return Err(self.refused("no_evidence", "there is nothing to hand in: name at least one piece"));
                }
                let (pieces, by, reason) = (pieces.clone(), by.clone(), reason.clone());
                self.push(Event::SubmissionOrdered { pieces, until, by, reason, at: now });
            }
            Command::Accept { by, reason } => {
                let until = self.may_reply(reason)?;
                self.push(Event::AcceptanceOrdered { until, by: by.clone(), reason: reason.clone(), at: now });
            }
            Command::Close { subscription, by, reason } => {
                if self.state.question().is_none() {
                    return Err(self.refused("nothing_to_close", "it asks nobody for anything"));
                }
                if reason.trim().is_empty() {
                    return Err(self.refused("no_reason", "say why, for the record"));
                }
                match (self.state.asks_for_subscription(), subscription) {
                    (true, None) => {
                        let why = "say what becomes of the subscription: keep or cancel";
                        return Err(self.refused("subscription", why));
                    }
                    (false, Some(Fate::Cancel)) => {
                        return Err(self.refused("subscription", "the payment was for no subscription of ours"));
                    }
                    _ => {}
                }
                let (by, reason) = (by.clone(), reason.clone());
                self.push(Event::OutcomeSeen { subscription: *subscription, by, reason, at: now });
            }
        }
        Ok(())
    }

    fn refused(&self, code: &str, why: &str) -> Refusal {
        let dispute = self.state.of.as_ref().map_or("that was never noticed", |of| of.dispute.as_str());
        Refusal::new(code, format!("dispute {dispute}: {why} (state: {})", word(&self.state)))
    }

    fn noticed(&mut self, of: &Of, sale: Option<&Sale>, seen: Option<&Status>, source: &str) {
        let (source, at) = (source.to_owned(), self.at.now);
        if self.state.of.is_none() {
            return self.push(Event::DisputeNoticed { of: of.clone(), sale: sale.cloned(), source, at });
        }
        if let Some(sale) = sale.filter(|_| self.state.sale.is_none()) {
            self.push(Event::PaymentIdentified { sale: sale.clone(), at });
        }
        // Said already, or looked at just now.
        let known = self.state.shown.as_ref().map(|shown| &shown.status);
        if !self.state.reading && (seen.is_none() || seen != known) {
            self.push(Event::LookBegun { source, at });
        }
    }

    /// A reply can be ordered; until when (UTC).
    fn may_reply(&self, reason: &str) -> Result<DateTime<Utc>, Refusal> {
        let (state, now) = (&self.state, self.at.now);
        let Some(shown) = &state.shown else {
            return Err(self.refused("not_read", "Braintree has not shown it yet"));
        };
        if state.outcome.is_some() || shown.status != Status::Open {
            return Err(self.refused("not_open", "it does not wait for a reply any more"));
        }
        if shown.program.is_some() {
            return Err(self.refused("no_reply", "it is decided by a programme of the card network, without a reply"));
        }
        if state.order.is_some() {
            return Err(self.refused("under_way", "a reply is under way"));
        }
        if state.doubt.is_some() {
            return Err(self.refused("doubtful", "what Braintree shows is in doubt: see to that, and resume it"));
        }
        if reason.trim().is_empty() {
            return Err(self.refused("no_reason", "say why, for the record"));
        }
        let Some(deadline) = state.deadline() else { return Ok(now + ORDER) };
        if now >= deadline {
            return Err(self.refused("too_late", "its last day is over"));
        }
        let early = deadline - LAST_HOUR;
        Ok(if now < early { early } else { deadline })
    }

    /// What Braintree shows now. `replied`: by a reply of ours.
    pub(super) fn read(&mut self, shown: &Shown, replied: bool) {
        let (before, at) = (self.state.shown.clone(), self.at.now);
        if let Some(doubt) = self.doubt(before.as_ref(), shown) {
            return self.push(Event::DisputeDoubtful { doubt, at });
        }
        self.push(Event::DisputeRead { shown: Box::new(shown.clone()), at });
        let (was, is) = (before.as_ref().and_then(|before| rank(&before.status)), rank(&shown.status));
        match (was, is) {
            (Some(1), Some(0)) => self.push(Event::DisputeReturned { at }),
            (was, Some(1)) if was != Some(1) => self.push(Event::DisputeSubmitted { at }),
            _ => {}
        }
        if self.state.order.is_some() && is != Some(0) && !replied {
            self.order_refused("not_open", "it does not wait for a reply any more");
        }
    }

    /// Why what Braintree shows is no continuation of what was known.
    fn doubt(&self, before: Option<&Shown>, shown: &Shown) -> Option<Doubt> {
        let id = &shown.id;
        let doubt = |code, detail: String| Some(Doubt { code, detail });
        if rank(&shown.status).is_none() || !KINDS.contains(&shown.kind.as_str()) {
            let what = format!("Braintree shows dispute {id} as {:?}, {}: not known here", shown.status, shown.kind);
            return doubt(ParkCode::UnknownVendorState, what);
        }
        let sale = self.state.sale.as_ref().map(|sale| &sale.transaction);
        if sale.is_some() && sale != shown.transaction.as_ref() {
            let what = format!("dispute {id} is of {:?} at Braintree, and was told as of {sale:?}", shown.transaction);
            return doubt(ParkCode::AnswerMismatch, what);
        }
        if let Some(before) = before.filter(|before| before.disputed != shown.disputed) {
            let what = format!("{} is disputed by {id}, and {} was before", shown.disputed, before.disputed);
            return doubt(ParkCode::AnswerMismatch, what);
        }
        let ended = self.state.outcome.as_ref().filter(|outcome| outcome.status != shown.status)?;
        let what = format!("dispute {id} is {:?} at Braintree, and was {:?} for good", shown.status, ended.status);
        doubt(ParkCode::ImpossibleTransition, what)
    }

    pub(super) fn order_refused(&mut self, code: &str, why: &str) {
        let Some(order) = &self.state.order else { return };
        let (inputs, at) = (order.inputs(), self.at.now);
        self.push(Event::OrderRefused { code: code.to_owned(), why: why.to_owned(), inputs, at });
    }

    /// A person looked at what it was parked for: all is read again.
    pub(super) fn taken_up(&mut self) {
        if self.state.doubt.is_some() {
            self.push(Event::DisputeTakenUp { at: self.at.now });
        }
    }

    /// A deadline or the end of a wait.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        let is_due = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= now);
        if let Some(told) = self.state.people.come_due(now) {
            return self.push(Event::Told(told));
        }
        if matches!(self.state.stream, Stream::Asked { answer_by } if answer_by <= now) {
            return self.push(Event::AnswerGivenUp { at: now });
        }
        if self.state.outcome.is_some() {
            return;
        }
        if matches!(self.state.claim, Claimed::Busy { until } if until <= now) {
            return self.push(Event::ClaimDue);
        }
        if let (Some((alarm, at)), Some(deadline)) = (self.state.next_alarm(now), self.state.deadline())
            && at <= now
        {
            self.push(Event::DeadlineNear { alarm, deadline, at: now });
            if alarm == Alarm::Hour {
                let why = self.state.refusal.clone().unwrap_or_default();
                let detail = format!("its evidence is not taken an hour before the end: {why}. Reply at Braintree");
                self.push(Event::DisputeDoubtful { doubt: Doubt { code: ParkCode::DisputeStuck, detail }, at: now });
            }
            return;
        }
        if is_due(self.state.next_look) {
            self.push(Event::LookBegun { source: "timer".to_owned(), at: now });
        }
    }

    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        // Held, decided, closed: each round does one of them.
        for _ in 0..8 {
            let before = self.out.len();
            self.book();
            self.end();
            self.close();
            if self.out.len() == before {
                break;
            }
        }
        self.out
    }

    /// The day on which the bank took the money, as Braintree says.
    fn taken_on(&self) -> NaiveDate {
        let received = self.state.shown.as_ref().and_then(|shown| shown.received_on);
        received.unwrap_or_else(|| self.at.date(self.at.now))
    }

    /// What the bank has taken is booked once it is known whose payment it was, or that it is nobody's.
    fn book(&mut self) {
        let Some(amount) = self.state.shown.as_ref().map(|shown| shown.disputed) else { return };
        if !self.state.takes_money() || self.state.doubt.is_some() {
            return;
        }
        let (effective, at) = (self.taken_on(), self.at.now);
        let known = self.state.sale.is_some() && self.state.stream == Stream::Heard;
        match self.state.booked {
            Booked::Nothing if self.state.sale.is_none() => {
                self.push(Event::OrphanDisputeBooked { amount, effective, at });
            }
            Booked::Nothing if known => self.push(Event::DisputeHeld { amount, effective, at }),
            Booked::Suspense { amount } if known => {
                self.push(Event::OrphanDisputeAdopted { amount, effective: self.at.date(at), at });
            }
            Booked::Nothing | Booked::Suspense { .. } | Booked::Held { .. } | Booked::Over => {}
        }
    }

    fn end(&mut self) {
        let Some(shown) = self.state.shown.clone() else { return };
        if self.state.doubt.is_some() || self.state.reading || rank(&shown.status) != Some(2) {
            return;
        }
        let first = self.state.outcome.is_none();
        let amount = match self.state.booked {
            Booked::Held { amount } => Some(amount),
            // Not booked yet: whose it was is not known.
            Booked::Nothing if self.state.takes_money() => return,
            Booked::Nothing | Booked::Suspense { .. } | Booked::Over if !first => return,
            Booked::Nothing | Booked::Suspense { .. } | Booked::Over => None,
        };
        if shown.status == Status::Won { self.won(&shown, amount) } else { self.lost(&shown, amount) }
    }

    fn won(&mut self, shown: &Shown, held: Option<Money>) {
        let (effective, at) = (self.at.date(self.at.now), self.at.now);
        let taken = match self.state.booked {
            Booked::Suspense { amount } => Some(amount),
            _ => held,
        };
        let won = shown.won.or(taken);
        if let (Some(won), Some(taken)) = (won, taken)
            && (won.currency != taken.currency || won.minor > taken.minor || won.minor < 0)
        {
            let detail = format!("{won} was won by {}, and the bank held {taken}: compare at Braintree", shown.id);
            let doubt = Doubt { code: ParkCode::AnswerMismatch, detail };
            return self.push(Event::DisputeDoubtful { doubt, at });
        }
        if let (Booked::Suspense { .. }, Some(amount)) = (self.state.booked, won) {
            self.push(Event::OrphanDisputeReturned { amount, effective, at });
        }
        let won = won.filter(|_| held.is_some());
        let lost = held.zip(won).map(|(held, won)| Money::new(held.minor - won.minor, held.currency));
        let lost = lost.filter(|lost| lost.minor != 0);
        self.push(Event::DisputeWon { won, lost, effective, at });
    }

    fn lost(&mut self, shown: &Shown, amount: Option<Money>) {
        let missed = shown.status == Status::Expired && !self.state.submitted && shown.program.is_none();
        let (status, effective, at) = (shown.status.clone(), self.at.date(self.at.now), self.at.now);
        self.push(Event::DisputeLost { status, amount, missed, effective, at });
    }

    fn close(&mut self) {
        let told = self.state.told_over || self.state.sale.is_none();
        if self.state.outcome.is_some() && told && !self.state.closed && self.state.question().is_none() {
            self.push(Event::DisputeClosed { at: self.at.now });
        }
    }
}

/// Braintree's words for what a dispute can be.
const KINDS: [&str; 3] = ["chargeback", "pre_arbitration", super::state::RETRIEVAL];
