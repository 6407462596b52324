//! The customer at the vendors, which all activations of one client of ours share: who makes it, and who may undo it.
//!
//! From the submission on an activation works on it under one claim, by our customer id, and reads under it anew what
//! others made or undid meanwhile. The claim is let go once subscription and first invoice are linked, and while the
//! customer is at the form again. By then another activation may use what was made here. So before an undo the claim is
//! taken again, both vendors are asked who uses it, and what others use stays. Who waits for it holds claims of a later kind
//! only on a subscription and an invoice of its own: nothing is locked in a ring.

use super::events::Event;
use super::state::State;
use super::turn::Turn;
use crate::kernel::answer::Answer;
use crate::kernel::effect::{Braintree, ClaimKind, Desk, Effect, Zoho};
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::saga::Pending;
use chrono::{DateTime, TimeDelta, Utc};

/// What the payment still needs before anything is made for the customer.
pub(super) fn settled(state: &State) -> Option<Pending> {
    if state.invoice.bound {
        return None;
    }
    state
        .sale
        .claim(state.sale.customer_claim()?)
        .map(|want| want.fresh(patience(state)))
        .or_else(|| state.sale.enrolled())
        .or_else(|| state.sale.known())
        .or_else(|| cards(state))
}

/// Nobody waits longer for another activation than a hold would have been kept.
fn patience(state: &State) -> Option<DateTime<Utc>> {
    let hours = i64::from(state.sale.intake.as_ref()?.terms.hold_hours);
    Some(state.submission.as_ref()?.consent.at + TimeDelta::hours(hours))
}

/// What Braintree knows of the customer that is linked.
pub(super) fn cards(state: &State) -> Option<Pending> {
    let enrolment = state.sale.facts.enrolment.as_ref()?;
    let customer = enrolment.braintree_customer.clone().filter(|_| state.made.braintree_customer.is_none())?;
    if state.cards.is_some() {
        return None;
    }
    let read = Effect::Braintree(Braintree::ReadCustomer { customer });
    Some(Pending::perform("read_cards", state.sale.rounds, read))
}

/// What has to be known before an undo: whether others use by now what was made here.
pub(super) fn used(state: &State) -> Option<Pending> {
    let made = &state.made;
    if !made.shared {
        return None;
    }
    if let Some(want) = state.sale.claim(state.sale.customer_claim()?) {
        return Some(want);
    }
    let look = |step, effect| Some(Pending::perform(step, state.submissions, effect));
    if let Some(customer) = made.braintree_customer.clone().filter(|_| made.braintree_used.is_none()) {
        return look("find_other_cards", Effect::Braintree(Braintree::ReadCustomer { customer }));
    }
    let customer = state.sale.made.id.clone().filter(|_| made.zoho_used.is_none())?;
    look("find_other_subscriptions", Effect::Zoho(Zoho::ListSubscriptions { customer, reference: None }))
}

/// What others use is not undone: it stays, and stays linked.
pub(super) fn kept(state: &State, step: &str) -> Option<Effect> {
    let made = &state.made;
    let (zoho_customer, braintree_customer) = match step {
        "create_braintree_customer" | "link_customer" if made.braintree_used == Some(true) => {
            (None, made.braintree_customer.clone())
        }
        "revive_zoho_customer" | "zoho_customer" | "link_zoho_customer" if made.zoho_used == Some(true) => {
            (state.sale.made.id.clone(), None)
        }
        _ => return None,
    };
    let customer = state.sale.customer()?.to_owned();
    Some(Effect::Desk(Desk::LinkCustomer { customer, zoho_customer, braintree_customer }))
}

impl Turn<'_> {
    /// Who uses what was made here: cards and live subscriptions that are not this activation's own.
    pub(super) fn use_read(&mut self, step: &str, outcome: &Outcome) {
        let made = &self.state.made;
        let by_others = match outcome {
            Outcome::Done { answer: Answer::Methods { methods } } => {
                methods.iter().any(|method| made.card.as_ref() != Some(&method.token))
            }
            Outcome::Done { answer: Answer::Subscriptions { subscriptions } } => {
                let own = made.subscription.as_ref().map(|s| s.id.as_str());
                subscriptions.iter().filter(|s| Some(s.id.as_str()) != own).any(crate::kernel::sellable::is_live)
            }
            Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => false,
            // The machine parks it.
            Outcome::Done { .. }
            | Outcome::Declined { .. }
            | Outcome::Rejected { .. }
            | Outcome::NotSent { .. }
            | Outcome::Unknown { .. } => return,
        };
        let event = if step == "find_other_cards" {
            Event::BraintreeCustomerUseRead { by_others }
        } else {
            Event::ZohoCustomerUseRead { by_others }
        };
        self.push(event);
    }
}

impl State {
    /// Others may work on the customer: what was made here may be used by them from now on.
    pub(super) fn share_customer(&mut self) {
        self.sale.claims.retain(|c| c.kind != ClaimKind::ZohoCustomer);
        self.made.shared |= self.made.braintree_customer.is_some() || self.sale.made.id.is_some();
    }

    pub(super) fn apply_customer(&mut self, event: &Event) {
        match event {
            Event::BraintreeCustomerUseRead { by_others } => self.made.braintree_used = Some(*by_others),
            Event::ZohoCustomerUseRead { by_others } => self.made.zoho_used = Some(*by_others),
            _ => {}
        }
    }
}
