//! From what comes to events: orders, answers of vendors, and what follows by itself. All times are set here.

use super::certificate::certificate;
use super::places::Place;
use super::state::{Stage, State};
use super::words::{Command, Event, Of, Reason, Request, Rest};
use crate::kernel::answer::{Answer, PersonSurvey, Subscription, Trace};
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{Answered, Refusal};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// What stands in the way is looked at again after so long; doubles up to six hours.
const SHORTLY: TimeDelta = TimeDelta::minutes(1);
const AT_MOST: TimeDelta = TimeDelta::hours(6);
/// So long before the last day it is told.
const WARNED: TimeDelta = TimeDelta::days(7);
/// A subscription's end is ordered so often; a vendor's record is cleared so often before a person looks.
const TIMES: u32 = 3;
/// What Braintree still uses is asked for again after so long, so often.
const CARDS_KEPT: TimeDelta = TimeDelta::days(7);
const CARDS_ASKED: u32 = 12;

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, super::Erasure>;

/// Zoho charges or will charge for it.
fn runs(subscription: &Subscription) -> bool {
    !matches!(subscription.status.as_str(), "cancelled" | "cancelled_from_dunning" | "expired" | "trial_expired")
}

impl Turn<'_> {
    /// Something came from outside.
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        let at = self.at.now;
        match command {
            Command::Requested { of, request } => self.requested(of, request),
            Command::Confirmed { preview, by, reason } => self.confirmed(*preview, by, reason),
            Command::Withdrawn { by, reason } => {
                if self.state.rests() {
                    return Err(Refusal::new("nothing_to_withdraw", "no erasure is being carried out here"));
                }
                if self.past_withdrawal() {
                    return Err(Refusal::new("too_late", "it is being erased, or was: nothing brings the data back"));
                }
                self.push(Event::ErasureWithdrawn { by: by.clone(), reason: reason.clone(), at });
                Ok(())
            }
            Command::HoldPlaced { case, until, by } => {
                if self.past_withdrawal() {
                    return Err(Refusal::new(
                        "too_late",
                        "it is being erased, or was: there is nothing to hold any more",
                    ));
                }
                let (case, until, by) = (case.clone(), *until, by.clone());
                self.push(Event::LegalHoldPlaced { case, until, by, at });
                Ok(())
            }
            Command::HoldLifted { by, reason } => {
                if self.state.hold.is_none() {
                    return Err(Refusal::new("no_hold", "no named case holds it"));
                }
                self.push(Event::LegalHoldLifted { by: by.clone(), reason: reason.clone(), at });
                Ok(())
            }
        }
    }

    fn past_withdrawal(&self) -> bool {
        self.state.erased_here() || self.state.stage == Stage::Erasing
    }

    fn requested(&mut self, of: &Of, request: &Request) -> Result<(), Refusal> {
        let now = self.at.now;
        if self.state.heard(request) {
            return Ok(());
        }
        if !self.state.rests() {
            return Err(Refusal::new("running", "an erasure of this person is being carried out already"));
        }
        if request.received_on > self.at.date(now) {
            return Err(Refusal::new("not_received", "the request is of a day that has not come"));
        }
        let due_on = request.law.due_on(request.received_on);
        let warn_at = self.next_warning(due_on);
        let (of, request) = (of.clone(), Box::new(request.clone()));
        self.push(Event::ErasureRequested { of, request, due_on, warn_at, at: now });
        Ok(())
    }

    /// Seven days before the last day, on the last day, and every week from then on.
    fn next_warning(&self, due_on: NaiveDate) -> DateTime<Utc> {
        let (now, due) = (self.at.now, self.morning(due_on));
        [due - WARNED, due].into_iter().find(|at| *at > now).unwrap_or(now + WARNED)
    }

    fn morning(&self, day: NaiveDate) -> DateTime<Utc> {
        day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::seconds(i64::from(self.at.books_offset))
    }

    fn confirmed(&mut self, preview: u32, by: &str, reason: &str) -> Result<(), Refusal> {
        let Some(request) = self.state.request.as_ref().filter(|_| self.state.stage == Stage::Asking) else {
            return Err(Refusal::new("nothing_to_confirm", "no preview waits to be confirmed"));
        };
        if preview != self.state.previews {
            let newest = self.state.previews;
            return Err(Refusal::new(
                "preview_expired",
                format!("look at preview {newest}: it has replaced {preview}"),
            ));
        }
        if request.second_person && request.by == by {
            return Err(Refusal::new("second_person", "an erasure needs two persons: somebody else has to confirm it"));
        }
        let (by, reason) = (by.to_owned(), reason.to_owned());
        self.push(Event::ErasureConfirmed { by, reason, at: self.at.now });
        Ok(())
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let at = self.at.now;
        match (answered.step, answered.outcome) {
            ("survey", Outcome::Done { answer: Answer::PersonSurvey(survey) }) => self.surveyed(survey),
            ("find_in_attio", Outcome::Done { answer: Answer::Trace(trace) }) => {
                self.push(Event::AttioPersonFound { record: trace.record.clone() });
            }
            ("find_in_attio", Outcome::Rejected { rejection }) if rejection.kind == RejectionKind::NotFound => {
                self.push(Event::AttioPersonFound { record: None });
            }
            ("find_in_desk", Outcome::Done { answer: Answer::DeskContact { contact, .. } }) => {
                self.push(Event::DeskContactFound { contact: contact.clone() });
            }
            // What we held of the person is gone already: an erasure before this one.
            ("find_in_desk", Outcome::Rejected { rejection }) if rejection.kind == RejectionKind::NotFound => {
                self.push(Event::DeskContactFound { contact: None });
            }
            ("list_subscriptions", Outcome::Done { answer: Answer::Subscriptions { subscriptions } }) => {
                let running = subscriptions.iter().filter(|s| runs(s)).map(|s| s.id.clone()).collect();
                self.push(Event::SubscriptionsListed { running });
            }
            ("list_subscriptions", Outcome::Rejected { rejection }) if rejection.kind == RejectionKind::NotFound => {
                self.push(Event::SubscriptionsListed { running: Vec::new() });
            }
            ("end_subscription", Outcome::Done { .. }) => {
                if let Some(subscription) = self.state.next_end().map(str::to_owned) {
                    self.push(Event::SubscriptionEndOrdered { subscription, at });
                }
            }
            ("erase_here", Outcome::Done { answer: Answer::ErasedHere(erased) }) => {
                self.push(Event::PersonErasedHere { erased: erased.clone(), at });
            }
            ("erase_here", Outcome::Declined { .. }) => self.defer(vec![Reason::BegunMeanwhile]),
            ("verify", Outcome::Done { answer: Answer::ErasureProof(proof) }) => {
                if let Some(broken) = &proof.broken {
                    let detail =
                        format!("the log of the person's flows is not what it was ({broken}): see `log verify`");
                    return self.hold(detail);
                }
                if proof.left.is_nothing() {
                    return self.push(Event::ErasureVerified { proof: proof.clone(), at });
                }
                if self.state.lefts >= TIMES {
                    return self
                        .hold("something of the person comes here again and again: find out from where".to_owned());
                }
                self.push(Event::PersonLeftHere { left: proof.left, at });
            }
            (step, outcome) => self.vendor(step, outcome),
        }
    }

    /// A place at a vendor was cleared, or read back.
    fn vendor(&mut self, step: &str, outcome: &Outcome) {
        let trace = match outcome {
            Outcome::Done { answer: Answer::Trace(trace) } => (**trace).clone(),
            Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => Trace::gone(),
            // The flow names no branch: the machine parks it.
            Outcome::Done { .. }
            | Outcome::Rejected { .. }
            | Outcome::Declined { .. }
            | Outcome::NotSent { .. }
            | Outcome::Unknown { .. } => return,
        };
        let state = &self.state;
        if let Some(place) = state.next_place().map(|asked| asked.place.clone()) {
            if place.steps().0 == step {
                let rest = self.rest(&place, &trace);
                self.push(Event::PersonErasedThere { place, trace, rest, at: self.at.now });
            }
        } else if let Some(place) = state.next_unread().map(|asked| asked.place.clone())
            && place.steps().1 == step
        {
            self.read_back(place, trace);
        }
    }

    fn read_back(&mut self, place: Place, trace: Trace) {
        if !trace.personal {
            return self.push(Event::PersonReadBack { place, trace });
        }
        let tries = self.state.tries_at(&place);
        if tries >= TIMES {
            let name = place.name();
            return self.hold(format!("{name} shows the person again and again: clear it there by hand, then resume"));
        }
        let at = self.at.now;
        self.push(Event::PersonStillThere { place, again_at: at + waits(tries), at });
    }

    /// What the vendor keeps, and until when. A record that only has another's words on it is no rest.
    fn rest(&self, place: &Place, trace: &Trace) -> Option<Rest> {
        let why = trace.kept_because.clone()?;
        let (tries, now) = (self.state.tries_at(place), self.at.now);
        let until = match place {
            Place::Braintree { .. } => (tries < CARDS_ASKED).then_some(now + CARDS_KEPT),
            // Documents: until tax law lets them go. Zoho is asked then once more.
            Place::ZohoBilling { .. } | Place::Crm { .. } | Place::Desk { .. } | Place::Attio { .. } => {
                self.documents_until().filter(|until| tries == 0 && *until > now)
            }
        };
        Some(Rest { why, until })
    }

    fn documents_until(&self) -> Option<DateTime<Utc>> {
        let (request, survey) = (self.state.request.as_ref()?, self.state.survey.as_ref()?);
        let last = survey.last_booked_on?;
        Some(self.morning(last + TimeDelta::days(i64::from(request.documents_kept_days) + 1)))
    }

    fn surveyed(&mut self, survey: &PersonSurvey) {
        self.push(Event::PersonSurveyed { survey: Box::new(survey.clone()), at: self.at.now });
        if survey.knows_nobody() {
            let sentence = "nothing is known here of such a person: look for the customer's id again".to_owned();
            self.push(Event::ErasureRefused { sentence, at: self.at.now });
        }
    }

    fn defer(&mut self, reasons: Vec<Reason>) {
        let at = self.at.now;
        self.push(Event::ErasureDeferred { reasons, again_at: at + waits(self.state.waits), at });
    }

    fn hold(&mut self, detail: String) {
        self.push(Event::ErasureHeld { code: ParkCode::ErasureBlocked, detail, at: self.at.now });
    }

    /// A sleep or a deadline has come.
    pub(super) fn due(&mut self) {
        let at = self.at.now;
        if self.state.warn_at.is_some_and(|warn_at| warn_at <= at)
            && let Some(due_on) = self.state.due_on
        {
            let warn_at = Some(self.next_warning(due_on));
            return self.push(Event::DeadlineNear { due_on, warn_at, at });
        }
        match self.state.stage {
            Stage::Deferred { until } | Stage::Again { until } if until <= at => self.push(Event::WaitOver),
            Stage::Resting { until } if until <= at => self.push(Event::RestDue { at }),
            _ => {}
        }
    }

    /// A person lets it go on.
    pub(super) fn resumed(&mut self) {
        if matches!(self.state.stage, Stage::Held { .. }) {
            self.push(Event::ErasureResumed { at: self.at.now });
        }
    }

    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        // A look concluded, an end ordered: each round does one of them.
        for _ in 0..8 {
            let before = self.out.len();
            self.follow();
            if self.out.len() == before {
                break;
            }
        }
        self.out
    }

    fn follow(&mut self) {
        let at = self.at.now;
        match self.state.stage {
            Stage::Looking if self.state.next_look().is_none() => self.judge(),
            Stage::Asking => self.agreed_before(),
            Stage::Ending if self.state.next_end().is_none() => self.defer(reasons(&self.state, self.at.date(at))),
            Stage::After => self.certify(),
            _ => {}
        }
    }

    /// Somebody has agreed before it was asked for.
    fn agreed_before(&mut self) {
        let Some(request) = &self.state.request else { return };
        let agreed = request.agreed_by.clone().filter(|by| !request.second_person || *by != request.by);
        if let Some(by) = agreed {
            let reason = request.reason.clone();
            self.push(Event::ErasureConfirmed { by, reason, at: self.at.now });
        }
    }

    /// All is known that can be: what goes on?
    fn judge(&mut self) {
        let at = self.at.now;
        let reasons = reasons(&self.state, self.at.date(at));
        if self.state.confirmed_by.is_none() {
            let preview = self.state.previews + 1;
            return self.push(Event::ErasurePreviewed { preview, reasons, at });
        }
        if reasons.is_empty() {
            return self.push(Event::ErasureBegun { at });
        }
        let held = reasons.iter().any(|reason| matches!(reason, Reason::LegalHold { .. }));
        let ending =
            reasons.iter().any(|reason| matches!(reason, Reason::InFlight { saga } if saga.flow == "cancellation"));
        let Some(next) = self.state.next_end().filter(|_| !held && !ending).map(str::to_owned) else {
            return self.defer(reasons);
        };
        let times = self.state.ends.iter().find(|end| end.subscription == next).map_or(0, |end| end.times);
        if times >= TIMES {
            return self.hold(format!(
                "subscription {next} runs at Zoho and does not end by our order: end it where it is collected, then resume"
            ));
        }
        self.push(Event::EndingBegun { at });
    }

    /// Everything was cleared, read back and verified in this decision.
    fn certify(&mut self) {
        let Some(Event::ErasureVerified { proof, at }) = self.out.last().cloned() else { return };
        let in_time = self.state.due_on.zip(self.state.erased_at).is_some_and(|(due, at)| self.at.date(at) <= due);
        if let Some(certificate) = certificate(&self.state, proof.events, at, in_time) {
            self.push(Event::ErasureCertified { certificate: Box::new(certificate) });
        }
    }
}

/// Longer each time, up to six hours.
fn waits(times: u32) -> TimeDelta {
    (SHORTLY * 2_i32.pow(times.min(12))).min(AT_MOST)
}

/// What stands in the way on that day (books zone).
fn reasons(state: &State, today: NaiveDate) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(hold) = state.hold.as_ref().filter(|hold| hold.until.is_none_or(|until| until >= today)) {
        reasons.push(Reason::LegalHold { case: hold.case.clone(), until: hold.until });
    }
    let running = state.running.iter().flatten().cloned();
    reasons.extend(running.map(|subscription| Reason::Subscription { subscription }));
    if let Some(survey) = &state.survey {
        reasons.extend(survey.in_flight.iter().cloned().map(|saga| Reason::InFlight { saga }));
        reasons.extend(survey.owed.iter().map(|amount| Reason::Owed { amount: *amount }));
        reasons.extend(survey.held.iter().map(|amount| Reason::Held { amount: *amount }));
    }
    reasons
}
