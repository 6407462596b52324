//! What the outcome of a step means from the submission on: the card and its hold, the customer and the subscription at
//! Zoho. An outcome without a branch here yields nothing: the machine then parks the step under the vendor's reason.

use super::events::Event;
use super::state::{Stage, Submission};
use super::steps;
use super::turn::Turn;
use super::words::{Advice, After, Hold, Nothing, Paying};
use crate::kernel::answer::{Answer, Method, Subscription, Transaction, TransactionStatus};
use crate::kernel::cards::{is_input_gone, use_hold_until, wants_authentication};
use crate::kernel::effect::{Braintree, Effect, Zoho};
use crate::kernel::money::Money;
use crate::kernel::outcome::{Decline, Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use chrono::{DateTime, TimeDelta, Utc};

impl Turn<'_> {
    pub(super) fn paid(&mut self, step: &str, effect: &Effect, outcome: &Outcome, extra: &[String]) {
        match (step, self.state.stage == Stage::Paying) {
            ("release_hold" | "forget_card" | "undo_twin", _) => self.errand_done(effect, outcome),
            ("capture", true) => self.capture_answered(effect, outcome),
            ("begin_recurring", true) => self.recurring_answered(effect, outcome),
            ("hand_over", _) => {
                if let Outcome::Done { .. } = outcome {
                    let await_until = self.record_deadline();
                    self.push(Event::CaptureHandedOver { await_until });
                }
            }
            (_, true) => match outcome {
                Outcome::Done { answer } => self.made(step, effect, answer, extra),
                Outcome::Declined { decline } if matches!(step, "authorise" | "vault") => self.declined(decline),
                Outcome::Rejected { rejection } if rejection.is_business() => self.unmade(step, effect, rejection),
                _ => {}
            },
            (_, false) => {}
        }
    }

    fn made(&mut self, step: &str, effect: &Effect, answer: &Answer, extra: &[String]) {
        match (step, answer) {
            ("create_braintree_customer", _) => {
                let customer = format!("c-{}", self.state.sale.customer().unwrap_or_default());
                self.push(Event::BraintreeCustomerMade { customer });
            }
            ("link_customer", _) => self.push(Event::BraintreeCustomerLinked),
            ("read_method", Answer::Methods { methods }) => self.stored_card(methods),
            ("count_card", Answer::CardCapUntil { .. }) if self.state.hold.is_none() => {
                self.card_refused(Advice::AnotherCard, "card_cap");
            }
            ("count_card", _) => {
                let order_id = self.state.submission.as_ref().map(|s| s.order_id.clone()).unwrap_or_default();
                self.push(Event::CardCounted { order_id });
            }
            ("authorise", Answer::Transaction(t)) => self.authorised(t, extra),
            ("vault", Answer::Vaulted(method)) => {
                self.push(Event::CardVaulted { method: method.clone(), at: self.at.now });
            }
            ("subscribe", Answer::Subscription(subscription)) => self.subscribed(subscription),
            ("confirm_subscription", Answer::Subscriptions { subscriptions }) => self.listed(subscriptions),
            ("adopt", _) => self.adopted(),
            ("first_invoice", Answer::FirstInvoice { invoice }) => match invoice {
                Some(invoice) if !is_unfinished(&invoice.status) => {
                    self.push(Event::FirstInvoiceRead { invoice: invoice.clone() });
                }
                Some(_) | None => self.no_invoice(),
            },
            ("read_invoice", Answer::Invoice(invoice)) if is_unfinished(&invoice.status) => self.no_invoice(),
            ("read_invoice", Answer::Invoice(invoice)) => {
                self.push(Event::InvoiceRead { invoice: invoice.clone() });
                self.weigh(invoice);
            }
            // No other step is answered with anything that the payment does not know.
            _ => {
                self.has_read(step, effect, answer);
            }
        }
    }

    fn card_refused(&mut self, advice: Advice, code: &str) {
        self.push(Event::CardRefused { advice, code: code.to_owned(), at: self.at.now });
    }

    /// A stored card belongs to the customer and has not expired.
    fn stored_card(&mut self, methods: &[Method]) {
        let token = self.state.submission.as_ref().map(|s| s.token.clone());
        match methods.iter().find(|m| Some(&m.token) == token.as_ref() && !m.expired) {
            Some(method) => self.push(Event::CardRead { method: Box::new(method.clone()) }),
            None => self.card_refused(Advice::AnotherCard, "card_unusable"),
        }
    }

    fn unmade(&mut self, step: &str, effect: &Effect, rejection: &Rejection) {
        let code = rejection.code.as_str();
        if self.has_not_read(step, effect, rejection) {
            return;
        }
        match step {
            "authorise" | "vault" if is_input_gone(code) => self.card_refused(Advice::CardAgain, code),
            "authorise" if is_card_unknown(code) => self.card_refused(Advice::AnotherCard, code),
            "read_method" if rejection.kind == RejectionKind::NotFound => {
                self.card_refused(Advice::AnotherCard, "card_unusable");
            }
            "create_braintree_customer" | "authorise" | "vault" => {
                if step != "create_braintree_customer" {
                    self.card_refused(Advice::AnotherCard, code);
                }
                let reason = format!("Braintree refused the customer or the card ({code})");
                self.fail(&reason, "check the client's record, then press `Retry`");
            }
            "find_zoho_customer" | "revive_zoho_customer" | "zoho_customer" | "subscribe" => {
                let reason = format!("Zoho refused it: {} ({code})", rejection.message);
                self.fail(&reason, "correct it in Zoho or on the record, then press `Retry`");
            }
            _ => {}
        }
    }

    fn declined(&mut self, decline: &Decline) {
        let wanted = wants_authentication(&decline.code);
        // Who authenticated and is asked for it once more would be asked for ever: that is a decline like any other.
        let done = self.state.submission.as_ref().is_some_and(|s| s.with.is_authenticated());
        let advice = if wanted && !done { Advice::NeedsAuthentication } else { Advice::AnotherCard };
        self.push(Event::AuthorisationDeclined {
            decline: Box::new(decline.clone()),
            advice,
            locked_until: self.lock(),
            at: self.at.now,
        });
    }

    /// After one more decline the link may be locked for a while.
    pub(super) fn lock(&self) -> Option<DateTime<Utc>> {
        let terms = &self.state.sale.intake.as_ref()?.terms;
        let declines = self.state.declines + 1;
        let full = declines.is_multiple_of(terms.declines_before_lock.max(1));
        full.then(|| self.at.now + TimeDelta::minutes(i64::from(terms.lock_minutes)))
    }

    fn authorised(&mut self, t: &Transaction, extra: &[String]) {
        let (Some(submission), Some(quote)) = (self.state.submission.clone(), self.state.sale.quote.clone()) else {
            return;
        };
        if t.order_id != submission.order_id {
            return;
        }
        if t.status != TransactionStatus::Authorized && !t.status.is_reversed() {
            // Somebody submitted it, or the status is not known. The step stays open: the machine parks it.
            let status = format!("{:?}", t.status);
            return self.push(Event::AuthorisationUnclear { transaction: t.id.clone(), status });
        }
        let hold = self.held(t, &submission.token);
        let extra = extra.iter().filter(|id| **id != t.id).cloned().collect();
        let vaulted = matches!(submission.with, Paying::New { .. });
        self.push(Event::PaymentAuthorised { hold: Box::new(hold), vaulted, extra, at: self.at.now });
        if t.status.is_reversed() {
            self.hold_gone();
            return self.push(Event::AuthorisationAbandoned { at: self.at.now });
        }
        if let Some(what) = self.mismatch(t, &submission, quote.ceiling) {
            self.hold(ParkCode::AnswerMismatch, what, After::Undo);
        } else if t.amount.minor < quote.ceiling.minor {
            let locked_until = self.lock();
            self.push(Event::AuthorisationInsufficient { asked: quote.ceiling, locked_until, at: self.at.now });
        }
    }

    pub(super) fn held(&self, t: &Transaction, token: &str) -> Hold {
        let hours = self.state.sale.intake.as_ref().map_or(24, |i| i.terms.hold_hours);
        Hold {
            transaction: t.id.clone(),
            order_id: t.order_id.clone(),
            amount: t.amount,
            // The vault's own choice counts: a card is never held twice for its token's sake.
            token: t.token.clone().unwrap_or_else(|| token.to_owned()),
            authorised_at: t.created_at,
            effective: self.at.date(t.created_at),
            use_until: use_hold_until(t.created_at, t.hold_expires_at, hours),
            card: t.card.clone(),
            authentication: t.authentication.clone(),
        }
    }

    fn mismatch(&self, t: &Transaction, submission: &Submission, asked: Money) -> Option<String> {
        let other = |theirs: &Option<String>, ours: Option<&str>| theirs.as_deref().is_some_and(|t| Some(t) != ours);
        let another_card = match &submission.with {
            Paying::New { .. } => false,
            Paying::Stored { authenticated: None, .. } => other(&t.token, Some(&submission.token)),
            // The page named the nonce: the answer must say that it was made from this card.
            Paying::Stored { authenticated: Some(_), .. } => t.token.as_ref() != Some(&submission.token),
        };
        let what = if other(&t.customer, self.state.braintree_customer()) {
            "another customer"
        } else if another_card {
            "another card"
        } else if t.amount.currency != asked.currency || t.amount.minor > asked.minor {
            "another amount"
        } else {
            return None;
        };
        Some(format!("the hold {} was made on {what} than asked: resume to release it and undo all", t.id))
    }

    fn subscribed(&mut self, subscription: &Subscription) {
        let reference = steps::reference(&self.state);
        self.push(Event::SubscriptionCreated { subscription: Box::new(subscription.clone()) });
        if reference.as_deref() != Some(subscription.reference.as_str()) || subscription.auto_collect {
            let what =
                format!("Zoho made subscription {} with another reference or collects it itself", subscription.id);
            return self.hold(ParkCode::AnswerMismatch, format!("{what}: resume to undo all"), After::Undo);
        }
        self.status_fits(subscription);
    }

    /// True where the subscription stands as a new one may.
    fn status_fits(&mut self, subscription: &Subscription) -> bool {
        let fits = matches!(subscription.status.as_str(), "live" | "trial" | "future");
        if !fits {
            let reason = format!("Zoho made the subscription as {}", subscription.status);
            self.fail(&reason, "look at the plan in Zoho, then press `Retry`");
        }
        fits
    }

    /// By our reference there is exactly one; of two the older is kept.
    fn listed(&mut self, subscriptions: &[Subscription]) {
        let reference = steps::reference(&self.state);
        let mut ours = subscriptions.iter().filter(|s| Some(&s.reference) == reference.as_ref());
        let Some(oldest) = ours.next() else {
            return match self.look_again() {
                Some(again_at) => self.push(Event::SubscriptionUnseen { again_at }),
                None => self.hold(
                    ParkCode::UnknownVendorState,
                    "Zoho confirmed the subscription and its list does not show it: look in Zoho, then resume",
                    After::Pay,
                ),
            };
        };
        let twins = ours.filter(|s| s.status != "cancelled").map(|s| s.id.clone()).collect();
        self.push(Event::SubscriptionConfirmed { subscription: Box::new(oldest.clone()), twins });
        self.status_fits(oldest);
    }

    fn adopted(&mut self) {
        let Some(subscription) = self.state.subscription() else { return };
        self.push(Event::SubscriptionAdopted { subscription });
        let live = self.state.made.subscription.as_ref().is_none_or(|s| s.status == "live");
        if !live {
            self.push(Event::NothingToCollect { why: Nothing::DueLater });
        }
    }

    /// Not there yet, or not finished: looked at again, then a person's turn. Where nothing is due none need come.
    fn no_invoice(&mut self) {
        if !self.state.sale.quote.as_ref().is_some_and(crate::kernel::quote::Quote::is_due_today) {
            return self.push(Event::NothingToCollect { why: Nothing::Zero });
        }
        match self.look_again() {
            Some(again_at) => self.push(Event::InvoiceMissing { again_at }),
            None => self.hold(
                ParkCode::NoInvoice,
                "the subscription is made and has no finished invoice: finish it in Zoho, then resume",
                After::Pay,
            ),
        }
    }

    fn errand_done(&mut self, effect: &Effect, outcome: &Outcome) {
        let done = matches!(outcome, Outcome::Done { .. });
        match effect {
            Effect::Braintree(Braintree::Void { transaction }) if done => {
                if self.state.hold.as_ref().is_some_and(|h| h.transaction == *transaction) {
                    self.hold_gone();
                } else if !self.late_hold_gone(transaction) {
                    self.push(Event::StrayReleased { transaction: transaction.clone() });
                }
            }
            Effect::Braintree(Braintree::DeleteMethod { token }) => match outcome {
                Outcome::Done { .. } => self.push(Event::CardForgotten { token: token.clone() }),
                // Something uses it: a card too many in the vault harms nobody.
                Outcome::Rejected { rejection } => {
                    self.push(Event::CardKept { token: token.clone(), code: rejection.code.clone() });
                }
                Outcome::Declined { decline } => {
                    self.push(Event::CardKept { token: token.clone(), code: decline.code.clone() });
                }
                Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
            },
            Effect::Zoho(Zoho::UndoSubscription { subscription }) if done => {
                self.push(Event::TwinUndone { subscription: subscription.clone() });
            }
            _ => {}
        }
    }
}

/// Zoho has not finished the invoice.
fn is_unfinished(status: &str) -> bool {
    matches!(status, "draft" | "pending" | "pending_approval" | "approved" | "rejected")
}

/// Braintree does not know the card: `91518` token invalid, `91508` no payment method (validation errors of
/// transactions).
fn is_card_unknown(code: &str) -> bool {
    matches!(code, "91518" | "91508")
}
