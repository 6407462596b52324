//! What the outcome of a step means. An outcome without a branch here yields nothing: the machine then parks the step under
//! the vendor's reason, and a resume looks the same call up before it is sent again.

use super::events::Event;
use super::state::{Stage, State};
use super::turn::Turn;
use super::words::Advice;
use crate::kernel::answer::SubscriptionSurvey;
use crate::kernel::answer::{Answer, CollectionOwner, CustomerSurvey, Recurring, Subscription};
use crate::kernel::cards::{is_input_gone, wants_authentication};
use crate::kernel::effect::{Braintree, Claim, Desk, Effect};
use crate::kernel::money::currency;
use crate::kernel::outcome::{Decline, Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::Answered;
use chrono::{DateTime, TimeDelta, Utc};

/// So long an invoice that was told of the new card is waited for before the next one is told.
const RETRY_PATIENCE: TimeDelta = TimeDelta::hours(24);
/// A claim of another saga is waited for about a day, then a person is asked.
const CLAIM_LOOKS: u32 = 30;
/// What keeps an old card is looked at daily.
const RETIRE_AGAIN: TimeDelta = TimeDelta::days(1);
/// So often; then the card stays.
const RETIRE_LOOKS: u32 = 30;

/// Refused because of what was asked, not because of our rights or a state that is not known.
const fn is_business(rejection: &Rejection) -> bool {
    matches!(rejection.kind, RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State)
}

/// It is, or will be, served.
pub(super) fn is_live(subscription: &Subscription) -> bool {
    !matches!(subscription.status.as_str(), "cancelled" | "expired" | "creation_failed" | "trial_expired")
}

impl Turn<'_> {
    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let Answered { step, effect, outcome, .. } = *answered;
        match step {
            "show" => self.shown(effect, outcome),
            "letter" | "task" => self.told_people(step, outcome),
            "claim" => self.claimed(effect, outcome),
            "move_back" => self.moved_back(effect, outcome),
            "check_old_card" | "retire_old_card" => self.retired(step, outcome),
            _ => match outcome {
                Outcome::Done { answer } => self.done(step, effect, answer),
                Outcome::Declined { decline } => self.declined(step, decline),
                Outcome::Rejected { rejection } if is_business(rejection) => self.refused(step, rejection),
                Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
            },
        }
    }

    fn done(&mut self, step: &str, effect: &Effect, answer: &Answer) {
        match (step, answer) {
            ("survey_subscription", Answer::SubscriptionSurvey(survey)) => self.surveyed(survey),
            ("read_subscription", Answer::Subscription(subscription)) => self.subscription(subscription),
            ("survey_customer", Answer::CustomerSurvey(survey)) => self.customer(survey),
            ("read_person", Answer::PersonRead { missing, .. }) => {
                self.push(Event::PersonChecked { missing: missing.clone() });
            }
            ("read_cards", Answer::Methods { methods }) => self.push(Event::CardsRead { methods: methods.clone() }),
            ("survey_uses", Answer::CardUses(uses)) => {
                self.push(Event::CardUsesRead { uses: uses.clone(), at: self.at.now });
            }
            ("create_page", Answer::HostedPage(page)) => self.page_made(page),
            ("read_page", Answer::HostedPage(page)) => self.page_read(page),
            ("vault", Answer::Vaulted(method)) => {
                self.push(Event::CardVaulted { method: method.clone(), at: self.at.now });
            }
            ("read_old_card", Answer::MethodInUse(shown)) => {
                self.push(Event::OldCardRead { subscriptions: shown.subscriptions.clone(), gone: false });
            }
            ("move_subscription", _) => {
                if let Effect::Braintree(Braintree::UpdateSubscription { subscription, .. }) = effect {
                    self.push(Event::SubscriptionMoved { subscription: subscription.clone() });
                }
            }
            ("confirm_move", Answer::Recurring(shown)) => self.read_back(shown),
            ("switch_default", _) => self.switched(),
            ("retry_invoice", _) => {
                if let Some(invoice) = self.state.owing.first().map(|owing| owing.saga) {
                    self.push(Event::InvoiceRetryAsked { invoice, until: self.at.now + RETRY_PATIENCE });
                }
            }
            // No step is answered with anything else.
            _ => {}
        }
    }

    fn surveyed(&mut self, survey: &SubscriptionSurvey) {
        self.push(Event::SubscriptionSurveyed { survey: Box::new(survey.clone()) });
        let Some(intake) = &self.state.intake else { return };
        if survey.subscription.is_none() {
            return self.refuse("this is no subscription of ours yet", "start it, or have it imported, first");
        }
        if self.state.facts.zoho_subscription(&intake.subscription).is_none() {
            let cure = "ask an operator to link it with its subscription in Zoho";
            return self.refuse("the subscription is not linked to one in Zoho", cure);
        }
        match survey.owner {
            Some(CollectionOwner::Orchestrator | CollectionOwner::BraintreeRecurring | CollectionOwner::ZohoNative) => {
            }
            None => self.refuse("we do not collect this subscription", "have it imported, or handed over to us, first"),
        }
    }

    fn subscription(&mut self, subscription: &Subscription) {
        self.push(Event::SubscriptionRead { subscription: Box::new(subscription.clone()) });
        if currency(&subscription.currency).is_err() {
            self.refuse("Zoho bills the subscription in no known currency", "correct it in Zoho, then ask again");
        }
    }

    fn customer(&mut self, survey: &CustomerSurvey) {
        self.push(Event::CustomerSurveyed { survey: Box::new(survey.clone()) });
        if self.state.is_native() {
            if survey.customer.is_none() {
                self.refuse("the customer is not linked to one of ours", "ask an operator to link the client");
            }
            return;
        }
        if survey.customer.is_none() || survey.braintree_customer.is_none() {
            let cure = "ask an operator to link the client, or have it imported";
            self.refuse("the customer is not linked to a customer at Braintree", cure);
        }
    }

    /// What was asked for is not there, or not acceptable.
    fn refused(&mut self, step: &str, rejection: &Rejection) {
        let code = rejection.code.as_str();
        let gone = rejection.kind == RejectionKind::NotFound;
        match step {
            "read_subscription" if gone => {
                self.refuse("the subscription does not exist in Zoho any more", "start a new one");
            }
            // The letter cannot be sent then: the link is on the record all the same.
            "read_person" if gone => {
                self.push(Event::PersonChecked { missing: vec!["the client's record".to_owned()] });
            }
            "read_cards" if gone && self.state.stage == Stage::Preparing => {
                let cure = "ask an operator to correct the link";
                self.refuse("the customer is linked to a customer that Braintree does not know", cure);
            }
            "create_page" | "read_page" => self.page_refused(step, rejection),
            "vault" => {
                let advice = if is_input_gone(code) { Advice::CardAgain } else { Advice::AnotherCard };
                self.push(Event::CardRefused { advice, code: code.to_owned(), at: self.at.now });
            }
            "read_old_card" if gone => self.push(Event::OldCardRead { subscriptions: Vec::new(), gone: true }),
            "move_subscription" => self.move_failed(&format!("Braintree refused it: {code} {}", rejection.message)),
            // What is gone charges nothing any more.
            "confirm_move" if gone => {
                if let Some(subscription) = self.state.moving.clone() {
                    self.push(Event::MoveConfirmed { subscription });
                }
            }
            _ => {}
        }
    }

    fn declined(&mut self, step: &str, decline: &Decline) {
        if step != "vault" {
            return;
        }
        // Who authenticated and is asked for it once more would be asked for ever: that is a decline like any other.
        let done = self.state.submission.as_ref().is_some_and(|s| s.authenticated);
        let wanted = wants_authentication(&decline.code) && !done;
        let advice = if wanted { Advice::NeedsAuthentication } else { Advice::AnotherCard };
        self.push(Event::VerificationDeclined {
            decline: Box::new(decline.clone()),
            advice,
            locked_until: self.lock(),
            at: self.at.now,
        });
    }

    /// After one more decline the link may be locked for a while.
    fn lock(&self) -> Option<DateTime<Utc>> {
        let terms = &self.state.intake.as_ref()?.terms;
        let full = (self.state.declines + 1).is_multiple_of(terms.declines_before_lock.max(1));
        full.then(|| self.at.now + TimeDelta::minutes(i64::from(terms.lock_minutes)))
    }

    fn claimed(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Desk(Desk::Claim { claims }) = effect else { return };
        match outcome {
            Outcome::Done { .. } => self.push(Event::ClaimsTaken { claims: claims.clone() }),
            Outcome::Declined { .. } if self.state.stage == Stage::Preparing => {
                self.refuse("another flow answers this press already", "press again");
            }
            Outcome::Declined { decline } if self.state.looks >= CLAIM_LOOKS => {
                self.move_failed(&format!("another flow holds the subscription: {}", decline.text));
            }
            Outcome::Declined { decline } => self.busy(decline.code.clone()),
            Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    /// The update is taken for done only once the subscription shows it.
    fn read_back(&mut self, shown: &Recurring) {
        let token = self.state.card.as_ref().map(|card| card.token.as_str());
        if Some(shown.token.as_str()) == token || shown.status.is_over() {
            return self.push(Event::MoveConfirmed { subscription: shown.id.clone() });
        }
        self.move_failed(&format!("Braintree took the change and still charges {}", shown.token));
    }

    /// Nothing is switched; the new card waits for a person.
    fn move_failed(&mut self, why: &str) {
        let subscription = self.state.moving.clone().or_else(|| self.state.to_move().cloned()).unwrap_or_default();
        let detail = format!(
            "subscription {subscription} charges the old card: {why}. Nothing was switched; mend it, then resume"
        );
        let released = self.fences();
        self.push(Event::MoveFailed { code: ParkCode::CardMoveFailed, detail, released, at: self.at.now });
    }

    fn moved_back(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Braintree(Braintree::UpdateSubscription { subscription, .. }) = effect else { return };
        let gone = matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound);
        if gone || matches!(outcome, Outcome::Done { .. }) {
            self.push(Event::SubscriptionMovedBack { subscription: subscription.clone() });
        }
    }

    fn switched(&mut self) {
        let State { intake: Some(intake), card: Some(card), old, facts, claims, .. } = &self.state else { return };
        let retire_at = self.at.now + TimeDelta::days(i64::from(intake.terms.keep_days));
        let event = Event::DefaultSwitched {
            card: Box::new(card.clone()),
            before: old.clone().map(Box::new),
            owing: facts.uses.as_ref().map(|uses| uses.owing.clone()).unwrap_or_default(),
            released: claims.clone(),
            retire_at,
            at: self.at.now,
        };
        self.push(event);
    }

    /// The old card: looked at before it is deleted, each time, and deleted only where nothing uses it.
    fn retired(&mut self, step: &str, outcome: &Outcome) {
        let Some(token) = self.state.switched.as_ref().and_then(|s| s.before.as_ref()).map(|m| m.token.clone()) else {
            return;
        };
        let at = self.at.now;
        match (step, outcome) {
            ("check_old_card", Outcome::Done { answer: Answer::MethodInUse(shown) }) => {
                if shown.method.default {
                    let why = "it was made the default again at Braintree".to_owned();
                    self.push(Event::OldCardKept { token, why, at });
                } else if shown.subscriptions.is_empty() {
                    self.push(Event::OldCardUnused);
                } else {
                    self.keep(token, format!("Braintree charges it for {}", shown.subscriptions.join(", ")));
                }
            }
            ("retire_old_card", Outcome::Done { .. }) => self.push(Event::OldCardRetired { token, at }),
            (_, Outcome::Rejected { rejection }) if rejection.kind == RejectionKind::NotFound => {
                self.push(Event::OldCardRetired { token, at });
            }
            (_, Outcome::Rejected { rejection }) if is_business(rejection) => {
                self.keep(token, rejection.message.clone());
            }
            _ => {}
        }
    }

    fn keep(&mut self, token: String, why: String) {
        if self.state.retirement.put_offs >= RETIRE_LOOKS {
            return self.push(Event::OldCardKept { token, why, at: self.at.now });
        }
        self.push(Event::RetirementPutOff { why, again_at: self.at.now + RETIRE_AGAIN });
    }
}

/// The claims that fence what moves.
pub(super) fn fences(state: &State) -> Vec<Claim> {
    use crate::kernel::effect::ClaimKind;
    let ids = state.facts.uses.iter().flat_map(|uses| &uses.zoho_subscriptions);
    let wanted = ids.map(|id| Claim { kind: ClaimKind::ZohoSubscription, key: id.clone() });
    wanted.filter(|claim| !state.claims.contains(claim)).collect()
}
