//! What the outcome of a step means before Zoho has changed anything: reads, the fence, the card and its hold. An outcome
//! without a branch here yields nothing: the machine then parks the step under the vendor's reason.

use super::events::Event;
use super::state::Stage;
use super::turn::Turn;
use super::words::{After, Hold, Wanted};
use crate::kernel::answer::{
    Answer, BilledInvoice, CollectionOwner, Method, Request, SubscriptionSurvey, SubscriptionTerms, Transaction,
    TransactionStatus,
};
use crate::kernel::cards::{use_hold_until, wants_authentication};
use crate::kernel::effect::{Attio, Braintree, Desk, Effect, PressedAct};
use crate::kernel::outcome::{Decline, Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::retry;
use crate::kernel::saga::Answered;

/// Refused because of what was asked, not because of our rights or a state that is not known.
pub(super) const fn is_business(rejection: &Rejection) -> bool {
    matches!(rejection.kind, RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State)
}

impl Turn<'_> {
    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let Answered { step, effect, outcome, extra } = *answered;
        match (step, outcome) {
            ("show" | "letter" | "task", _) => self.told_people(step, effect, outcome),
            ("release_hold", _) => self.voided(effect, outcome),
            ("find_late_hold", Outcome::Done { answer: Answer::Transactions { transactions } }) => {
                self.looked_for_late(effect, transactions);
            }
            ("claim", _) => self.claimed(effect, outcome),
            ("authorise", Outcome::Done { answer: Answer::Transaction(t) }) => self.authorised(t, extra),
            ("authorise", Outcome::Declined { decline }) => self.declined(decline),
            ("authorise", Outcome::Rejected { rejection }) if is_business(rejection) => {
                self.card_refused(&rejection.code);
            }
            ("change" | "read_invoice" | "capture" | "hand_over" | "tell_invoice", _) => self.carried_out(answered),
            (_, Outcome::Done { answer }) => self.read(step, answer),
            ("read_terms" | "read_offer" | "read_request" | "read_cards", Outcome::Rejected { rejection })
                if is_business(rejection) =>
            {
                self.unread(step, rejection);
            }
            _ => {}
        }
    }

    fn read(&mut self, step: &str, answer: &Answer) {
        match (step, answer) {
            ("survey", Answer::SubscriptionSurvey(survey)) => self.surveyed(survey),
            ("read_request", Answer::Request(request)) => self.request(request),
            ("read_terms", Answer::Terms(terms)) => match self.state.stage {
                Stage::Reading => self.terms_read(terms),
                Stage::Checking => self.checked(terms),
                Stage::Looking => self.look_for_invoice(terms),
                Stage::Effecting => self.effected(terms),
                Stage::Rechecking => self.rechecked(terms),
                _ => {}
            },
            ("survey_customer", Answer::CustomerSurvey(survey)) => {
                self.push(Event::CustomerSurveyed { survey: survey.clone() });
                if survey.customer.is_none() || survey.braintree_customer.is_none() {
                    let reason = "the customer has no card on file with us";
                    self.refuse(reason, "press `Send card link`, then change the plan");
                }
            }
            ("read_offer", Answer::Offer(offer)) => self.push(Event::OfferRead { offer: offer.clone() }),
            ("list_invoices", Answer::BilledInvoices { invoices }) => self.listed(invoices),
            ("read_cards", Answer::Methods { methods }) => self.card(methods),
            ("count_card", Answer::CardCapUntil { .. }) if self.state.sell_anew => {
                self.leave("the card was charged too often lately");
            }
            ("count_card", Answer::CardCapUntil { .. }) => self.card_refused("card_cap"),
            ("count_card", _) => {
                let order_id = self.state.order_id.clone();
                self.push(Event::CardCounted { order_id });
            }
            // No step is answered with anything else.
            _ => {}
        }
    }

    /// What was asked for is not there, or not acceptable.
    fn unread(&mut self, step: &str, rejection: &Rejection) {
        let gone = rejection.kind == RejectionKind::NotFound;
        match (step, &self.state.stage) {
            ("read_request", _) if gone => self.refuse("the record does not exist any more", "make it anew"),
            ("read_offer", _) => {
                let reason = format!("Zoho does not sell this: {}", rejection.message);
                self.refuse(reason, "check `Plan`, `Add-ons` and `Coupon code`, then press again");
            }
            ("read_terms", Stage::Reading) if gone && self.state.adopting => self.mirror(),
            ("read_terms", Stage::Reading | Stage::Checking) if gone => {
                self.refuse("Zoho does not know the subscription (any more)", "start a new one");
            }
            // The vault does not know the customer: there is no card on file.
            ("read_cards", _) if gone => self.card_refused("no_card"),
            _ => {}
        }
    }

    fn mirror(&mut self) {
        self.push(Event::ChangeMirrored { at: self.at.now });
    }

    fn surveyed(&mut self, survey: &SubscriptionSurvey) {
        self.push(Event::SubscriptionSurveyed { survey: Box::new(survey.clone()) });
        if self.state.adopting {
            return match (&survey.subscription, survey.claimed_by) {
                (None, _) => self.mirror(),
                // Its own change, or its end: what comes of it is shown by it, and looked at after it.
                (Some(_), Some(_)) => self.adopt_later(),
                (Some(_), None) => {}
            };
        }
        let (reason, cure) = match (&survey.subscription, survey.owner) {
            (Some(_), Some(CollectionOwner::Orchestrator)) if survey.claimed_by.is_some() => {
                ("another change or a cancellation of the subscription is being carried out", "wait until it is over")
            }
            (Some(_), Some(CollectionOwner::Orchestrator)) => return,
            (None, _) => ("it is no subscription of ours", "change it in Zoho"),
            (Some(_), None) => ("nobody is on record as its collector", "change it in Zoho, or import it first"),
            (Some(_), Some(CollectionOwner::BraintreeRecurring)) => {
                ("Braintree's own recurring billing collects it", "hand its collection over first")
            }
            (Some(_), Some(CollectionOwner::ZohoNative)) => ("Zoho's own gateway collects it", "change it in Zoho"),
        };
        self.refuse(reason, cure);
    }

    fn request(&mut self, request: &Request) {
        // The stored transition decides, not the message: another act was pressed since.
        let other = |act: &PressedAct| {
            request.act.as_deref() != Some(act.act.as_str()) || request.pressed_at != Some(act.pressed_at)
        };
        if self.state.unanswered.as_ref().is_some_and(other) {
            return self.refuse("another act was pressed meanwhile", "press again");
        }
        if !request.problems.is_empty() {
            return self.refuse(request.problems.join("; "), "correct it, then press again");
        }
        let Some(plan) = request.plan.clone() else {
            return self.refuse("no plan is named", "choose a `Plan`, then press again");
        };
        let wanted = Wanted {
            plan,
            quantity: request.quantity.unwrap_or(1),
            addons: request.addons.clone(),
            coupon: request.coupon.clone(),
        };
        self.push(Event::WantedRead { wanted: Box::new(wanted), owner: request.owner.clone() });
    }

    /// What Zoho sells now, against what is wanted.
    fn terms_read(&mut self, terms: &SubscriptionTerms) {
        if self.state.adopting {
            return self.push(Event::StaffChangeAdopted { terms: Box::new(terms.clone()), at: self.at.now });
        }
        self.push(Event::TermsRead { terms: Box::new(terms.clone()) });
        if let Some((reason, cure)) = unfit(terms) {
            return self.refuse(reason, cure);
        }
        if !matches!(terms.status.as_str(), "live" | "trial") {
            let detail = format!("Zoho calls the subscription `{}`, which is not known here", terms.status);
            return self.hold(ParkCode::UnknownVendorState, detail, After::Preview);
        }
        let Some(wanted) = &self.state.wanted else { return };
        if terms.scheduled.as_ref().is_some_and(|waiting| wanted.is(waiting)) {
            self.refuse("that change waits for the end of the term already", "wait, or ask for another plan");
        } else if terms.scheduled.is_none() && wanted.is(&terms.sold) {
            self.refuse("that is what is sold already", "choose another `Plan`, `Quantity` or `Add-ons`");
        }
    }

    /// Under the fence: it is still what was previewed.
    fn checked(&mut self, terms: &SubscriptionTerms) {
        if let Some((reason, cure)) = unfit(terms) {
            return self.refuse(reason, cure);
        }
        let same = self.state.is.as_ref().is_some_and(|was| {
            was.changed_at == terms.changed_at
                && was.sold == terms.sold
                && was.scheduled == terms.scheduled
                && was.next_billing_on == terms.next_billing_on
        });
        if same {
            self.push(Event::SubscriptionChecked { terms: Box::new(terms.clone()) });
        } else {
            let released = self.state.claims.clone();
            self.push(Event::PreviewOutdated { released, at: self.at.now });
        }
    }

    fn listed(&mut self, invoices: &[BilledInvoice]) {
        if let Some(open) = invoices.iter().find(|i| i.status != "void" && i.balance.is_positive()) {
            let reason = format!("invoice {} is open with {}", open.number, open.balance);
            return self.refuse(reason, "have it paid first, then press again");
        }
        let invoices = invoices.iter().map(|invoice| invoice.id.clone()).collect();
        self.push(Event::InvoicesListed { invoices });
    }

    fn claimed(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Desk(Desk::Claim { claims }) = effect else { return };
        match (outcome, claims.first()) {
            (Outcome::Done { .. }, Some(claim)) => self.push(Event::ClaimTaken { claim: claim.clone() }),
            (Outcome::Declined { .. }, _) if self.state.stage == Stage::Fencing => {
                let reason = "another change or a cancellation of the subscription is being carried out";
                self.refuse(reason, "wait until it is over, then press again");
            }
            (Outcome::Declined { decline }, _) => self.busy(&decline.text),
            _ => {}
        }
    }

    /// The customer's default card, else any that has not expired.
    fn card(&mut self, methods: &[Method]) {
        let usable = || methods.iter().filter(|method| !method.expired);
        match usable().find(|method| method.default).or_else(|| usable().next()) {
            Some(method) => self.push(Event::CardRead { method: Box::new(method.clone()) }),
            None => self.card_refused("no_card"),
        }
    }

    fn card_refused(&mut self, code: &str) {
        let released = self.state.claims.clone();
        self.push(Event::CardRefused { code: code.to_owned(), released, at: self.at.now });
        self.give_up();
    }

    fn declined(&mut self, decline: &Decline) {
        let needs_authentication = wants_authentication(&decline.code);
        let released = self.state.claims.clone();
        let decline = Box::new(decline.clone());
        self.push(Event::AuthorisationDeclined { decline, needs_authentication, released, at: self.at.now });
        self.give_up();
    }

    /// After some declines it is over; whoever wants it still asks anew.
    fn give_up(&mut self) {
        let most = self.state.terms.as_ref().map_or(1, |terms| terms.declines_at_most);
        if self.state.undoing.is_none() && self.state.declines >= most {
            self.refuse("the card was declined too often", "press `Send card link`, then change the plan");
        }
    }

    fn authorised(&mut self, t: &Transaction, extra: &[String]) {
        if t.order_id != self.state.order_id {
            return;
        }
        if t.status != TransactionStatus::Authorized && !t.status.is_reversed() {
            // Somebody submitted it, or the status is not known. The step stays open: the machine parks it.
            let status = format!("{:?}", t.status);
            return self.push(Event::AuthorisationUnclear { transaction: t.id.clone(), status });
        }
        let Some(ceiling) = self.state.preview.as_ref().map(|preview| preview.ceiling) else { return };
        let hold = self.held(t);
        let extra = extra.iter().filter(|id| **id != t.id).cloned().collect();
        self.push(Event::PaymentAuthorised { hold: Box::new(hold), extra, at: self.at.now });
        if t.status.is_reversed() {
            self.released(t.id.clone(), t.amount);
            return self.abandoned();
        }
        if let Some(what) = self.mismatch(t) {
            let detail = format!("the hold {} was made on {what} than asked: resume to undo all", t.id);
            self.hold(ParkCode::AnswerMismatch, detail, After::Undo);
        } else if t.amount.minor < ceiling.minor {
            let released = self.state.claims.clone();
            self.push(Event::AuthorisationInsufficient { asked: ceiling, released, at: self.at.now });
            self.give_up();
        }
    }

    fn mismatch(&self, t: &Transaction) -> Option<&'static str> {
        let other = |theirs: &Option<String>, ours: Option<&str>| theirs.as_deref().is_some_and(|t| Some(t) != ours);
        let state = &self.state;
        let customer = state.customer.as_ref().and_then(|customer| customer.braintree_customer.as_deref());
        let ceiling = state.preview.as_ref()?.ceiling;
        if other(&t.customer, customer) {
            Some("another customer")
        } else if other(&t.token, state.method.as_ref().map(|method| method.token.as_str())) {
            Some("another card")
        } else if t.amount.currency != ceiling.currency || t.amount.minor > ceiling.minor {
            Some("another amount")
        } else {
            None
        }
    }

    fn held(&self, t: &Transaction) -> Hold {
        let hours = self.state.terms.as_ref().map_or(24, |terms| terms.hold_hours);
        Hold {
            transaction: t.id.clone(),
            order_id: t.order_id.clone(),
            amount: t.amount,
            authorised_at: t.created_at,
            effective: self.at.date(t.created_at),
            use_until: use_hold_until(t.created_at, t.hold_expires_at, hours),
        }
    }

    /// It is proven that nothing was held, or it is gone: the order id is watched all the same, for a search can be wrong.
    pub(super) fn abandoned(&mut self) {
        let now = self.at.now;
        let (order_id, released) = (self.state.order_id.clone(), self.state.claims.clone());
        let next_look = retry::next_look(now, now).unwrap_or(now);
        self.push(Event::AuthorisationAbandoned { order_id, released, next_look, at: now });
    }

    fn looked_for_late(&mut self, effect: &Effect, transactions: &[Transaction]) {
        let Effect::Braintree(Braintree::FindTransactions { order_id }) = effect else { return };
        let Some(watch) = self.state.watches.iter().find(|w| w.order_id == *order_id).cloned() else { return };
        let ours = |t: &&Transaction| {
            let known = self.state.last_hold.as_ref() == Some(&t.id);
            t.order_id == watch.order_id && !known && (t.status.is_approved() || t.status.is_reversed())
        };
        let hits: Vec<_> = transactions.iter().filter(ours).cloned().collect();
        if hits.is_empty() {
            let next_look = retry::next_look(watch.since, self.at.now);
            return self.push(Event::LateHoldUnseen { order_id: watch.order_id, next_look });
        }
        for hit in hits {
            let hold = Box::new(self.held(&hit));
            self.push(Event::LateHoldFound { hold });
        }
    }

    fn voided(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Braintree(Braintree::Void { transaction }) = effect else { return };
        if !matches!(outcome, Outcome::Done { .. }) {
            return;
        }
        let holds = self.state.hold.iter().chain(&self.state.late);
        let known = holds.into_iter().find(|hold| hold.transaction == *transaction).map(|hold| hold.amount);
        match known {
            Some(amount) => self.released(transaction.clone(), amount),
            None => self.push(Event::StrayReleased { transaction: transaction.clone() }),
        }
    }

    fn told_people(&mut self, step: &str, effect: &Effect, outcome: &Outcome) {
        let (people, now) = (&self.state.people, self.at.now);
        let told = match (step, effect) {
            ("show", Effect::Attio(Attio::ShowPlan(face))) => Some(people.shown(face.sync_version, outcome, now)),
            ("letter", _) => people.letter_told(outcome, now),
            _ => Some(people.task_told(outcome, now)),
        };
        if let Some(told) = told {
            self.push(Event::Told(told));
        }
    }
}

/// Why a subscription in that state is not changed, and what to do.
fn unfit(terms: &SubscriptionTerms) -> Option<(&'static str, &'static str)> {
    if terms.auto_collect {
        return Some(("Zoho collects it by itself", "hand its collection over first"));
    }
    match terms.status.as_str() {
        "dunning" | "unpaid" => Some(("an invoice of it is not paid", "have it paid first, then press again")),
        "non_renewing" => Some(("it ends with its term", "press `Reactivate` first")),
        "cancelled" | "cancelled_from_dunning" | "expired" | "trial_expired" | "creation_failed" => {
            Some(("it has ended", "start a new one"))
        }
        "future" => Some(("it has not begun yet", "wait for its first day, or cancel it and start a new one")),
        "paused" => Some(("it is paused in Zoho", "let it go on in Zoho first")),
        _ => None,
    }
}
