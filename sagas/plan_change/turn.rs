//! What comes from outside, what falls due, and what follows by itself. All times are set here.

use super::events::Event;
use super::preview::{self, Ground};
use super::state::Stage;
use super::words::{After, Ask, Basis, Command, Consent, Of, Terms};
use crate::kernel::park::ParkCode;
use crate::kernel::pricing::NoQuote;
use crate::kernel::saga::Refusal;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// What another saga holds is asked for again.
const BUSY_AGAIN: TimeDelta = TimeDelta::seconds(60);
/// A subscription on which another saga works is looked at again after so long; doubles up to six hours.
const ADOPT_AGAIN: TimeDelta = TimeDelta::minutes(5);
const ADOPT_AT_MOST: TimeDelta = TimeDelta::hours(6);
/// When Zoho is looked at again for an invoice that it has not made yet: after 10 s, 1, 5 and 15 min.
const LOOK_AGAIN: [TimeDelta; 4] =
    [TimeDelta::seconds(10), TimeDelta::minutes(1), TimeDelta::minutes(5), TimeDelta::minutes(15)];
/// The record of a capture is awaited so long at a time; the invoice's own stream pages a person.
const RECORD_PATIENCE: TimeDelta = TimeDelta::hours(24);
/// Zoho ends a term in the night after its last day: looked at in the morning.
const MORNING: TimeDelta = TimeDelta::hours(6);
/// A consent that is older does not carry a new sale.
const CONSENT_AGE: TimeDelta = TimeDelta::hours(24);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, super::PlanChange>;

impl Turn<'_> {
    /// Something came from outside.
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Requested { of, ask, terms } => self.requested(of, ask, terms),
            Command::Accepted { hash, consent, basis, by } => self.accepted(hash, consent, basis, by),
            Command::CancelOrdered { reason } => self.cancelled(reason),
            Command::Noticed { of } => self.noticed(of),
            Command::InvoiceRecorded { invoice, number, payment, .. } => {
                if self.state.capture.is_none() {
                    return Err(Refusal::new("nothing_captured", "nothing was captured here that could be recorded"));
                }
                if !self.state.is_over() && !matches!(self.state.stage, Stage::Finishing) {
                    let (invoice, number, payment) = (invoice.clone(), number.clone(), payment.clone());
                    self.push(Event::PaymentRecorded { invoice, number, payment, at: self.at.now });
                }
                Ok(())
            }
            Command::CaptureReversed { transaction } => {
                let ours = self.state.capture.as_ref().is_some_and(|c| c.transaction == *transaction);
                if !ours {
                    return Err(Refusal::new("nothing_captured", "that transaction was not captured here"));
                }
                if !self.state.is_over() && !self.state.reversed {
                    self.push(Event::CaptureReversed { transaction: transaction.clone(), at: self.at.now });
                }
                Ok(())
            }
        }
    }

    fn requested(&mut self, of: &Of, ask: &Ask, terms: &Terms) -> Result<(), Refusal> {
        let at = self.at.now;
        if self.state.ask.is_none() && !self.state.adopting {
            let (of, ask, terms) = (of.clone(), Box::new(ask.clone()), Box::new(terms.clone()));
            self.push(Event::PlanChangeRequested { of, ask, terms, at });
            return Ok(());
        }
        let Some(press) = ask.press.clone() else { return Ok(()) };
        // The same press delivered again.
        if self.state.pressed_at.is_some_and(|last| press.act.pressed_at <= last) {
            return Ok(());
        }
        if self.state.is_over() {
            return Err(Refusal::new("over", "this plan change is over; a new press begins a new one"));
        }
        self.push(Event::ActRepeated { press, at });
        Ok(())
    }

    /// A subscription on which nothing is done is looked at.
    fn noticed(&mut self, of: &Of) -> Result<(), Refusal> {
        if self.state.ask.is_some() {
            return Err(Refusal::new("ordered", "this stream carries an order out; another one adopts what others do"));
        }
        // What has not been read yet will show it.
        if self.state.stage != Stage::Surveying {
            self.push(Event::ChangeNoticed { of: of.clone(), at: self.at.now });
        }
        Ok(())
    }

    fn accepted(&mut self, hash: &str, consent: &Consent, basis: &Basis, by: &str) -> Result<(), Refusal> {
        let at = self.at.now;
        let state = &self.state;
        if let (Stage::Demanding { .. } | Stage::Held { then: After::Settle, .. }, Some(demand)) =
            (&state.stage, &state.demand)
        {
            if demand.hash != hash {
                return Err(Refusal::new("stale_preview", "another sum is asked for: look at it and accept that"));
            }
            let (consent, basis, by) = (consent.clone(), basis.clone(), by.to_owned());
            self.push(Event::DemandAccepted { consent, basis, by, at });
            return Ok(());
        }
        if state.acceptance.is_some() && state.undoing.is_none() && !state.is_over() {
            // The first one counts; this says the same again.
            let same = state.preview.as_ref().is_some_and(|preview| preview.hash == hash);
            let code = if same { return Ok(()) } else { "stale_preview" };
            return Err(Refusal::new(code, "something else was accepted, and is being carried out"));
        }
        let (Stage::Previewed { .. }, None, Some(preview)) = (&state.stage, &state.undoing, &state.preview) else {
            return Err(Refusal::new("nothing_to_accept", "there is no preview that could be accepted now"));
        };
        if preview.hash != hash {
            return Err(Refusal::new("stale_preview", "the preview has changed: look at the new one and accept it"));
        }
        if consent.version != preview.consent_version {
            return Err(Refusal::new("no_consent", "the consent to this text is missing: read it and accept it"));
        }
        if preview.expires_at <= at {
            self.push(Event::PreviewOutdated { released: Vec::new(), at });
            return Ok(());
        }
        let (number, hash) = (state.acceptances + 1, hash.to_owned());
        let (consent, basis, by) = (consent.clone(), basis.clone(), by.to_owned());
        self.push(Event::ConsentGiven { number, hash, consent, basis, by, at });
        Ok(())
    }

    fn cancelled(&mut self, reason: &str) -> Result<(), Refusal> {
        let state = &self.state;
        match &state.stage {
            Stage::New => return Err(Refusal::new("not_requested", "nothing was requested here")),
            Stage::Over { .. } => return Err(Refusal::new("over", "this plan change is over")),
            Stage::Demanding { .. } => {
                self.hold(ParkCode::MoneyDecision, self.demand_text(), After::Settle);
                return Ok(());
            }
            _ => {}
        }
        if state.adopting || state.changed || matches!(state.stage, Stage::Changing | Stage::Rechecking) {
            let what = "the plan has changed in Zoho, or is being changed: ask for another change, or take a scheduled \
                        one back";
            return Err(Refusal::new("changed", what));
        }
        if state.undoing.is_none() {
            self.push(Event::CancellationOrdered { reason: reason.to_owned(), at: self.at.now });
        }
        Ok(())
    }

    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        let state = &self.state;
        if state.undoing.is_none() && state.voids.is_empty() {
            match state.stage {
                Stage::Pricing => self.price(),
                Stage::Finishing => {
                    let released = self.state.claims.clone();
                    self.push(Event::PlanChanged { released, at: self.at.now });
                }
                _ => {}
            }
        }
        self.out
    }

    fn price(&mut self) {
        let state = &self.state;
        let (Some(wanted), Some(is), Some(offer), Some(terms)) = (&state.wanted, &state.is, &state.offer, &state.terms)
        else {
            return;
        };
        let at_end = state.ask.as_ref().and_then(|ask| ask.at_end);
        let expires_at = self.at.now + TimeDelta::minutes(i64::from(terms.preview_minutes));
        let today = self.at.date(self.at.now);
        match preview::preview(&Ground { wanted, at_end, is, offer, terms, today, expires_at }) {
            Ok(preview) => self.push(Event::PlanChangePreviewed { preview: Box::new(preview), at: self.at.now }),
            Err(NoQuote::Refused { reason, cure }) => self.refuse(reason, cure),
            Err(NoQuote::Unsound(detail)) => self.hold(ParkCode::NoQuote, detail, After::Preview),
        }
    }

    /// Refused with the cure; nothing was held and nothing has changed.
    pub(super) fn refuse(&mut self, reason: impl Into<String>, cure: impl Into<String>) {
        let (reason, cure, released) = (reason.into(), cure.into(), self.state.claims.clone());
        self.push(Event::PlanChangeRefused { reason, cure, released, at: self.at.now });
    }

    /// Undoes what was done, before Zoho has changed anything.
    pub(super) fn fail(&mut self, reason: impl Into<String>, cure: &str) {
        if self.state.undoing.is_none() {
            let (reason, cure) = (reason.into(), cure.to_owned());
            self.push(Event::PlanChangeFailed { reason, cure, at: self.at.now });
        }
    }

    pub(super) fn hold(&mut self, code: ParkCode, detail: impl Into<String>, then: After) {
        self.push(Event::PlanChangeHeld { code, detail: detail.into(), then, at: self.at.now });
    }

    pub(super) fn busy(&mut self, held: &str) {
        self.push(Event::ClaimBusy { held: held.to_owned(), again_at: self.at.now + BUSY_AGAIN });
    }

    pub(super) fn adopt_later(&mut self) {
        let wait = (ADOPT_AGAIN * 2_i32.pow(self.state.looks.min(8))).min(ADOPT_AT_MOST);
        self.push(Event::AdoptionPutOff { again_at: self.at.now + wait });
    }

    /// The next look for an invoice; none when it is a person's turn.
    pub(super) fn look_again(&self) -> Option<DateTime<Utc>> {
        let at = usize::try_from(self.state.looks).ok()?;
        LOOK_AGAIN.get(at).map(|wait| self.at.now + *wait)
    }

    pub(super) fn record_deadline(&self) -> DateTime<Utc> {
        self.at.now + RECORD_PATIENCE
    }

    pub(super) fn consent_is_young(&self) -> bool {
        self.state.acceptance.as_ref().is_some_and(|accepted| self.at.now - accepted.consent.at < CONSENT_AGE)
    }

    /// The morning of the day on which a term begins, or tomorrow.
    pub(super) fn morning_of(&self, day: Option<NaiveDate>) -> DateTime<Utc> {
        let offset = TimeDelta::seconds(i64::from(self.at.books_offset));
        let morning = day.map(|day| day.and_time(NaiveTime::MIN).and_utc() - offset + MORNING);
        morning.filter(|morning| *morning > self.at.now).unwrap_or(self.at.now + TimeDelta::days(1))
    }

    /// What a person is to decide about a sum above the ceiling.
    pub(super) fn demand_text(&self) -> String {
        let Some(demand) = &self.state.demand else { return String::new() };
        format!(
            "Zoho asks for {} on invoice {} ({}) and the customer accepted at most {}: keep, credit or revert it in \
             Zoho by hand, then resume; the plan has changed and nobody charges the invoice meanwhile",
            demand.balance, demand.number, demand.invoice, demand.ceiling
        )
    }

    /// A sleep or a deadline has come.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        let watch = self.state.watches.iter().find(|watch| self.state.rests() && watch.next_look <= now);
        if let Some(order_id) = watch.map(|watch| watch.order_id.clone()) {
            return self.push(Event::LateHoldLookDue { order_id });
        }
        if let Some(told) = self.state.people.come_due(now).filter(|_| self.state.rests()) {
            return self.push(Event::Told(told));
        }
        if self.state.sleep_until.is_some_and(|until| until <= now) {
            return self.push(Event::WaitOver);
        }
        match self.state.stage {
            Stage::Previewed { until } if until <= now => self.push(Event::PreviewLapsed { at: now }),
            Stage::AwaitingRecord { .. } => {
                let until = self.record_deadline();
                self.push(Event::RecordAwaited { until });
            }
            Stage::Demanding { until } if until <= now => {
                self.hold(ParkCode::MoneyDecision, self.demand_text(), After::Settle);
            }
            Stage::Scheduled { until } if until <= now => self.push(Event::ChangeDue),
            _ => {}
        }
    }

    /// All completed steps are undone.
    pub(super) fn unwound(&mut self) {
        if self.state.undoing.is_none() {
            return;
        }
        if let Some(hold) = self.state.hold.clone() {
            self.released(hold.transaction, hold.amount);
        }
        let released = self.state.claims.clone();
        self.push(Event::PlanChangeUndone { released, at: self.at.now });
    }

    /// A hold does not stand any more: the ledger's memo follows.
    pub(super) fn released(&mut self, transaction: String, amount: crate::kernel::money::Money) {
        let effective = self.at.date(self.at.now);
        self.push(Event::AuthorisationReleased { transaction, amount, effective });
    }

    /// A person lets it go on.
    pub(super) fn resumed(&mut self) {
        let Stage::Held { then, detail, .. } = self.state.stage.clone() else { return };
        self.push(Event::PlanChangeResumed { at: self.at.now });
        if then == After::Undo {
            self.fail(detail, "press `Change plan` again");
        }
    }

    /// What was requested is stale and was not sent, or is proven not to have been done.
    pub(super) fn superseded(&mut self, step: &str) {
        match step {
            "authorise" => self.abandoned(),
            // Read anew, it would be as late for the hold as before.
            "capture" if self.state.hold.as_ref().is_some_and(|hold| hold.use_until <= self.at.now) => {
                self.capture_refused("hold_late", "the hold was not used in time");
            }
            "capture" => self.push(Event::InvoiceOutdated),
            "change" => self.fail("the hold on the card grew too old", "press `Change plan` again"),
            _ => self.due(),
        }
    }
}
