//! From what comes to events: wishes and decisions of people, answers of vendors, and what follows by itself. All times are
//! set here.

use super::face;
use super::state::{Stage, State, Wait};
use super::steps;
use super::words::{Command, Event, Evidence, OpenInvoices};
use crate::kernel::answer::{
    Answer, CollectionOwner, Method, Recurring, SubscriptionSurvey, SubscriptionTerms, TransactionStatus,
};
use crate::kernel::effect::{Attio, Effect};
use crate::kernel::hand_over::{Approval, Wish};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{Answered, Refusal};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// A second person has so long.
const APPROVAL: TimeDelta = TimeDelta::days(7);
/// The new side has so long to become ready.
const READY: TimeDelta = TimeDelta::days(7);
/// A renewal that is nearer is the old collector's.
const TOO_NEAR: TimeDelta = TimeDelta::hours(48);
/// What another saga holds, or what is not final, is asked for again after so long; doubles.
const SHORTLY: TimeDelta = TimeDelta::minutes(1);
const AT_MOST: TimeDelta = TimeDelta::hours(6);
/// Other work on the subscription is waited for so long.
const PATIENCE: TimeDelta = TimeDelta::hours(24);
/// Zoho makes an invoice in the night that begins its day: looked at in the morning after.
const MORNING: TimeDelta = TimeDelta::hours(30);

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, super::HandOver>;

/// What Zoho's status word means for who collects.
enum Life {
    Runs,
    Over,
    Unknown,
}

fn life(terms: &SubscriptionTerms) -> Life {
    match terms.status.as_str() {
        "live" | "trial" | "future" | "dunning" | "unpaid" | "paused" | "non_renewing" => Life::Runs,
        "cancelled" | "cancelled_from_dunning" | "expired" | "trial_expired" => Life::Over,
        _ => Life::Unknown,
    }
}

impl Turn<'_> {
    /// Something came from outside.
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        let at = self.at.now;
        match command {
            Command::Requested { wish } => self.requested(wish),
            Command::Approved { by, reason } => {
                self.second_person(by)?;
                self.push(Event::ApprovalGiven { by: by.clone(), reason: reason.clone(), at });
                Ok(())
            }
            Command::Stopped { by, reason } => self.stop(by, reason),
            Command::Decided { choice, by, reason } => self.decided(*choice, by, reason),
            Command::Redirected { by, reason } => {
                let waits = matches!(self.state.stage, Stage::Held { .. } | Stage::Waiting { .. });
                if !self.state.closed || self.state.on || !waits || self.state.to() == CollectionOwner::Orchestrator {
                    return Err(self.refused(
                        "nothing_to_redirect",
                        "we collect instead of the wanted one only once the old collector is off and the new one cannot be switched on",
                    ));
                }
                self.push(Event::HandOverRedirected { by: by.clone(), reason: reason.clone(), at });
                Ok(())
            }
        }
    }

    fn refused(&self, code: &str, why: &str) -> Refusal {
        Refusal::new(code, format!("hand-over of subscription {}: {why}", self.state.zoho_subscription()))
    }

    fn requested(&mut self, wish: &Wish) -> Result<(), Refusal> {
        if let Some(known) = &self.state.wish {
            // The same hand-over asked for again.
            let same = Wish { by: wish.by.clone(), ..known.clone() } == *wish;
            return if same { Ok(()) } else { Err(self.refused("key_reused", "asked for before, as something else")) };
        }
        if let Some(fault) = wish.fault() {
            return Err(Refusal::new("not_acceptable", fault));
        }
        self.push(Event::HandOverRequested { wish: Box::new(wish.clone()), at: self.at.now });
        if wish.approval == Approval::SecondPerson {
            self.push(Event::ApprovalAwaited { until: self.at.now + APPROVAL });
        }
        Ok(())
    }

    fn second_person(&self, by: &str) -> Result<(), Refusal> {
        if !matches!(self.state.stage, Stage::Approving { .. }) {
            return Err(self.refused("nothing_to_approve", "it waits for nobody's agreement"));
        }
        // `token:ada` and `shell:ada` are one person.
        let name = |principal: &str| principal.split_once(':').map_or(principal, |(_, name)| name).to_owned();
        if self.state.wish.as_ref().is_some_and(|wish| name(&wish.by) == name(by)) {
            return Err(self.refused("same_person", "who asked for it does not approve it: somebody else has to"));
        }
        Ok(())
    }

    pub(super) fn stop(&mut self, by: &str, reason: &str) -> Result<(), Refusal> {
        let (by, reason, at) = (by.to_owned(), reason.to_owned(), self.at.now);
        if matches!(self.state.stage, Stage::Approving { .. }) {
            self.push(Event::ApprovalDenied { by, reason, at });
            return Ok(());
        }
        if !self.state.can_be_stopped() {
            let why = "the old collector is switched off, or is being: it goes on to its end; have it handed back by another one";
            return Err(self.refused("past_pivot", why));
        }
        self.push(Event::HandOverStopped { by, reason, at });
        Ok(())
    }

    fn decided(&mut self, choice: OpenInvoices, by: &str, reason: &str) -> Result<(), Refusal> {
        if self.state.closed || self.state.wish.is_none() || matches!(self.state.stage, Stage::Over { .. }) {
            return Err(self.refused("nothing_to_decide", "no open invoices wait for a decision"));
        }
        if choice == OpenInvoices::Collect && self.state.to() != CollectionOwner::Orchestrator {
            let why = "only we collect what is open; Braintree and Zoho begin with the next term";
            return Err(self.refused("cannot_collect", why));
        }
        let (by, reason, at) = (by.to_owned(), reason.to_owned(), self.at.now);
        self.push(Event::OpenInvoicesDecided { choice, by, reason, at });
        Ok(())
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let missing = |rejection: &Rejection| rejection.kind == RejectionKind::NotFound;
        match (answered.step, answered.outcome) {
            ("show", outcome) => self.people_told(answered.effect, outcome),
            (step, Outcome::Done { answer }) => self.done(step, answer),
            ("claim", Outcome::Declined { decline }) => self.busy(&decline.text),
            ("read_terms", Outcome::Rejected { rejection }) if missing(rejection) => {
                self.refuse("Zoho does not know the subscription (any more)");
            }
            ("read_cards", Outcome::Rejected { rejection }) if missing(rejection) => {
                self.push(Event::CardSought { token: None });
            }
            ("read_recurring", Outcome::Rejected { rejection }) if missing(rejection) => self.recurring(None),
            ("read_back", Outcome::Rejected { rejection })
                if missing(rejection) && self.state.from() == Some(CollectionOwner::BraintreeRecurring) =>
            {
                self.read_back_recurring(None);
            }
            ("drain", Outcome::Rejected { rejection }) if missing(rejection) => self.drained(Vec::new(), Vec::new()),
            ("fence", Outcome::Rejected { rejection }) if is_business(rejection) => {
                self.refuse("somebody else changed who collects it meanwhile; look, and ask again");
            }
            ("switch_off", Outcome::Rejected { rejection }) if is_business(rejection) => {
                let Rejection { code, message, .. } = rejection.clone();
                self.push(Event::SwitchOffRefused { code, message, at: self.at.now });
            }
            ("void_invoice", Outcome::Rejected { rejection }) if is_business(rejection) => {
                let invoice = self.state.to_void().map_or("", |i| i.number.as_str());
                let detail = format!(
                    "Zoho does not void invoice {invoice} ({}): settle it in Zoho, then resume",
                    said(rejection)
                );
                self.hold(ParkCode::MoneyDecision, detail);
            }
            ("switch_on", Outcome::Rejected { rejection }) if is_business(rejection) => {
                let detail = format!(
                    "{} cannot be switched on ({}), and nobody collects meanwhile: clear the cause and resume, or let us collect by `attio-billing hand-over redirect`",
                    self.state.to().name(),
                    said(rejection)
                );
                self.hold(ParkCode::VendorRejected, detail);
            }
            ("switch_on", Outcome::Declined { decline }) => {
                let detail =
                    format!("Braintree does not take the card ({}): have another one given, then resume", decline.text);
                self.hold(ParkCode::VendorRejected, detail);
            }
            ("record_owner", Outcome::Rejected { rejection }) if is_business(rejection) => {
                let detail =
                    format!("somebody else wrote down who collects it ({}): look, then resume", said(rejection));
                self.hold(ParkCode::ChangedMeanwhile, detail);
            }
            // The flow names no branch: the machine parks it.
            _ => {}
        }
    }

    fn done(&mut self, step: &str, answer: &Answer) {
        let at = self.at.now;
        match (step, answer) {
            ("survey", Answer::SubscriptionSurvey(survey)) => self.surveyed(survey),
            ("claim", _) => self.push(Event::SubscriptionClaimed),
            ("read_terms", Answer::Terms(terms)) => self.push(Event::TermsRead { terms: terms.clone(), at }),
            ("survey_customer", Answer::CustomerSurvey(survey)) => {
                self.push(Event::CustomerSurveyed { survey: survey.clone() });
            }
            ("read_cards", Answer::Methods { methods }) => {
                let usable = |method: &&Method| method.default && !method.expired;
                let token = methods.iter().find(usable).map(|method| method.token.clone());
                self.push(Event::CardSought { token });
            }
            ("read_recurring", Answer::Recurring(shown)) => self.recurring(Some(shown)),
            ("fence", _) => self.push(Event::OwnerFenced { at }),
            ("switch_off", _) => self.push(Event::OldCollectorOff { adopted: false, at }),
            ("read_back", Answer::Terms(terms)) => self.read_back(Evidence::Zoho {
                auto_collect: terms.auto_collect,
                status: terms.status.clone(),
                changed_at: terms.changed_at.clone(),
            }),
            ("read_back", Answer::Recurring(shown)) => self.read_back_recurring(Some(shown)),
            ("read_back", Answer::SubscriptionSurvey(survey)) => {
                let proof = self.state.wish.as_ref().and_then(|wish| wish.proof.clone());
                let statement = proof.filter(|_| self.state.from().is_none());
                self.read_back(Evidence::Ours { owner: survey.owner, statement });
            }
            ("drain", Answer::Recurring(shown)) => self.drain_of(shown),
            ("drain", Answer::EndingSurvey(survey)) => self.drained(survey.charging.clone(), Vec::new()),
            ("list_invoices", Answer::BilledInvoices { invoices }) => {
                self.push(Event::InvoicesListed { invoices: invoices.clone(), at });
            }
            ("void_invoice", _) => {
                if let Some(invoice) = self.state.to_void().map(|i| i.id.clone()) {
                    self.push(Event::OpenInvoiceVoided { invoice });
                }
            }
            ("switch_on", answer) => {
                let braintree_subscription = match answer {
                    Answer::Recurring(shown) => Some(shown.id.clone()),
                    _ => None,
                };
                self.push(Event::NewCollectorOn { braintree_subscription, at });
            }
            ("record_owner", _) => {
                let (owner, valid_from) = (self.state.to(), self.state.valid_from());
                self.push(Event::OwnerRecorded { owner, valid_from, at });
            }
            ("tell_invoice", _) => {
                if let Some(invoice) = self.state.to_tell().map(str::to_owned) {
                    self.push(Event::InvoiceStreamTold { invoice });
                }
            }
            _ => {}
        }
    }

    /// Whose is it, and who collects?
    fn surveyed(&mut self, survey: &SubscriptionSurvey) {
        self.push(Event::SubscriptionSurveyed { survey: Box::new(survey.clone()) });
        if survey.subscription.is_none() {
            return self.refuse("it is no subscription of ours: import it first");
        }
        if survey.owner != self.state.from() {
            let name = |owner: Option<CollectionOwner>| owner.map_or("nobody", CollectionOwner::name);
            let (is, wanted) = (name(survey.owner), name(self.state.from()));
            self.refuse(&format!("on record {is} collects it, and not {wanted}"));
        }
    }

    fn refuse(&mut self, why: &str) {
        if self.state.undoing.is_none() {
            self.push(Event::HandOverRefused { sentence: why.to_owned(), at: self.at.now });
        }
    }

    fn hold(&mut self, code: ParkCode, detail: String) {
        self.push(Event::HandOverHeld { code, detail, at: self.at.now });
    }

    fn busy(&mut self, held: &str) {
        let now = self.at.now;
        if self.state.busy_since.is_some_and(|since| now - since >= PATIENCE) {
            return self.refuse("other work on the subscription was not finished in a day; ask again later");
        }
        self.push(Event::SubscriptionBusy { held: held.to_owned(), again_at: now + self.wait(), at: now });
    }

    fn wait(&self) -> TimeDelta {
        (SHORTLY * 2_i32.pow(self.state.waits.min(10))).min(AT_MOST)
    }

    fn recurring(&mut self, shown: Option<&Recurring>) {
        let Some(id) = self.state.recurring_id() else { return };
        self.push(Event::RecurringRead { id, shown: shown.map(|shown| Box::new(shown.clone())) });
    }

    fn read_back_recurring(&mut self, shown: Option<&Recurring>) {
        let Some(subscription) = steps::old_recurring(&self.state) else { return };
        self.read_back(Evidence::Braintree { subscription, status: shown.map(|shown| shown.status.clone()) });
    }

    /// Nothing goes on before this says that it is off.
    fn read_back(&mut self, evidence: Evidence) {
        let at = self.at.now;
        if !evidence.is_on() {
            return self.push(Event::OffProved { evidence: Box::new(evidence), at });
        }
        let (refused, again) = (self.state.switch_refused, self.state.still_on == 0);
        self.push(Event::OldCollectorStillOn { evidence: Box::new(evidence), at });
        let name = self.state.from().map_or("the old collector", CollectionOwner::name);
        if refused {
            let detail = format!(
                "{name} refused to be switched off and could still charge; nobody here does: switch it off by hand, then resume"
            );
            self.hold(ParkCode::OwnerOffUnproved, detail);
        } else if !again {
            let detail = format!(
                "{name} was switched off twice and could still charge; nobody here does: find out who switches it on, then resume"
            );
            self.hold(ParkCode::TwoCollectors, detail);
        }
    }

    fn drain_of(&mut self, shown: &Recurring) {
        let open = shown.transactions.iter().filter(|t| !is_final(&t.status)).map(|t| t.id.clone()).collect();
        let since = self.state.fenced_at.unwrap_or(self.at.now);
        let late = shown.transactions.iter().filter(|t| t.created_at >= since).map(|t| t.id.clone()).collect();
        self.drained(open, late);
    }

    fn drained(&mut self, open: Vec<String>, late: Vec<String>) {
        let now = self.at.now;
        if open.is_empty() {
            return self.push(Event::OldCollectorDrained { late, at: now });
        }
        self.push(Event::DrainAwaited { open, again_at: now + self.wait(), at: now });
    }

    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        for _ in 0..4 {
            let before = self.out.len();
            if self.state.undoing.is_none() {
                self.follow();
            }
            if self.out.len() == before {
                break;
            }
        }
        self.out
    }

    fn follow(&mut self) {
        let at = self.at.now;
        match self.state.stage {
            Stage::Judging => self.judge(),
            Stage::SwitchingOff if self.is_off_already() => self.push(Event::OldCollectorOff { adopted: true, at }),
            Stage::Settling if !self.state.asks() && self.state.to_void().is_none() => {
                self.push(Event::OldPeriodClosed { at });
            }
            _ => {}
        }
    }

    /// As read when the new side was found ready: the read-back has the last word.
    fn is_off_already(&self) -> bool {
        match self.state.from() {
            Some(CollectionOwner::ZohoNative) => self.state.terms.as_ref().is_some_and(|terms| !terms.auto_collect),
            Some(CollectionOwner::BraintreeRecurring) => self.state.recurring.is_none(),
            Some(CollectionOwner::Orchestrator) | None => false,
        }
    }

    /// Everything is read: may it be switched?
    fn judge(&mut self) {
        let Some(terms) = self.state.terms.clone() else { return };
        let fenced = self.state.fenced_at.is_some();
        match life(&terms) {
            Life::Over => return self.refuse("the subscription has ended: nobody collects it any more"),
            Life::Unknown => {
                let detail = format!("Zoho calls the subscription `{}`, which is not known here", terms.status);
                return self.hold(ParkCode::UnknownVendorState, detail);
            }
            Life::Runs => {}
        }
        if let Some(who) = self.state.second_collector() {
            let detail =
                format!("{} could charge it, too: switch that off, then resume; all is read again", who.name());
            return self.hold(ParkCode::TwoCollectors, detail);
        }
        if self.state.collects_by_no_known_id() {
            return self.refuse(
                "Braintree is on record as its collector and knows it under no id of ours: hand it over by its line of the import, which names the id",
            );
        }
        let braintree = self.state.to() == CollectionOwner::BraintreeRecurring;
        // Switched on by hand, or by a call of ours whose refusal was none.
        if let Some(shown) = self.state.recurring.as_ref().filter(|_| fenced && braintree) {
            let braintree_subscription = Some(shown.id.clone());
            return self.push(Event::NewCollectorOn { braintree_subscription, at: self.at.now });
        }
        if let Some(missing) = face::missing(&self.state) {
            return self.unready(missing);
        }
        if braintree && terms.scheduled.as_ref().unwrap_or(&terms.sold).amount.is_none() {
            let detail = "Zoho shows no price of a term, which Braintree needs: complete it in Zoho, then resume";
            return self.hold(ParkCode::NoQuote, detail.to_owned());
        }
        self.judge_period(terms.next_billing_on, fenced, braintree);
    }

    fn judge_period(&mut self, next: Option<NaiveDate>, fenced: bool, braintree: bool) {
        let (now, today) = (self.at.now, self.at.date(self.at.now));
        let wanted = self.state.wish.as_ref().and_then(|wish| wish.from_period);
        match next {
            None if !fenced => self.refuse("no renewal of it is to come"),
            None if braintree => {
                let detail = "no renewal of it is to come, and nobody collects: resume once one is, or let us collect by `attio-billing hand-over redirect`";
                self.hold(ParkCode::MoneyDecision, detail.to_owned());
            }
            Some(day) if !fenced && (self.midnight(day) - now < TOO_NEAR || wanted.is_some_and(|from| from > day)) => {
                self.await_renewal(day);
            }
            // Braintree begins on a later day: today's invoice is decided on first.
            Some(day) if fenced && braintree && day <= today => self.await_renewal(day),
            next => self.push(Event::NewSideReady { period: next.unwrap_or(today), at: now }),
        }
    }

    fn midnight(&self, day: NaiveDate) -> DateTime<Utc> {
        day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::seconds(i64::from(self.at.books_offset))
    }

    fn await_renewal(&mut self, on: NaiveDate) {
        let now = self.at.now;
        let morning = self.midnight(on) + MORNING;
        let again_at = if morning > now { morning } else { now + TimeDelta::days(1) };
        self.push(Event::RenewalAwaited { on, again_at, at: now });
    }

    fn unready(&mut self, missing: String) {
        let now = self.at.now;
        if self.state.fenced_at.is_some() {
            let detail = format!(
                "{} shall collect and cannot: {missing}. Nobody collects meanwhile: resume once it is so, or let us collect by `attio-billing hand-over redirect`",
                self.state.to().name()
            );
            return self.hold(ParkCode::MoneyDecision, detail);
        }
        let deadline = self.state.unready_since.unwrap_or(now) + READY;
        if deadline <= now {
            return self.refuse(&format!("the new side was not ready in a week: {missing}"));
        }
        let again_at = (now + TimeDelta::hours(6)).min(deadline);
        self.push(Event::NewSideAwaited { missing, again_at, at: now });
    }

    /// A sleep or a deadline has come.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        if let Some(due) = self.state.people.come_due(now) {
            return self.push(Event::Told(due));
        }
        match self.state.stage {
            Stage::Approving { until } if until <= now => self.push(Event::ApprovalLapsed { at: now }),
            Stage::Waiting { until, .. } if until <= now => self.push(Event::WaitOver { at: now }),
            _ => {}
        }
    }

    /// A person lets it go on: everything is read again.
    pub(super) fn resumed(&mut self) {
        if matches!(self.state.stage, Stage::Held { .. }) || self.state.asks() {
            self.push(Event::HandOverResumed { at: self.at.now });
        }
    }

    pub(super) fn unwound(&mut self) {
        self.push(Event::HandOverUndone { at: self.at.now });
    }

    fn people_told(&mut self, effect: &Effect, outcome: &Outcome) {
        if let Effect::Attio(Attio::ShowOwner(face)) = effect {
            let told = self.state.people.shown(face.sync_version, outcome, self.at.now);
            self.push(Event::Told(told));
        }
    }
}

impl State {
    /// Somebody who can charge beside the one who does now; none: nobody else.
    fn second_collector(&self) -> Option<CollectionOwner> {
        let collects = if self.fenced_at.is_some() { Some(self.to()) } else { self.from() };
        let zoho = self.terms.as_ref().is_some_and(|terms| terms.auto_collect).then_some(CollectionOwner::ZohoNative);
        let braintree = self.recurring.as_ref().map(|_| CollectionOwner::BraintreeRecurring);
        [zoho, braintree].into_iter().flatten().find(|found| Some(*found) != collects)
    }

    /// It waits because a renewal is too near.
    pub(super) const fn awaits_renewal(&self) -> bool {
        matches!(self.stage, Stage::Waiting { why: Wait::Renewal, .. })
    }
}

fn said(rejection: &Rejection) -> String {
    format!("{} {}", rejection.code, rejection.message)
}

/// Nothing of it can come any more; a word that is not known may.
const fn is_final(status: &TransactionStatus) -> bool {
    use TransactionStatus as S;
    matches!(
        status,
        S::Settled
            | S::SettlementDeclined
            | S::SettlementFailed
            | S::Voided
            | S::AuthorizationExpired
            | S::ProcessorDeclined
            | S::GatewayRejected
            | S::Failed
    )
}

/// Refused because of the object, not because of us.
const fn is_business(rejection: &Rejection) -> bool {
    matches!(
        rejection.kind,
        RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State | RejectionKind::Changed
    )
}
