//! Before the customer is sent to Zoho: the price once more, the customer at Zoho, the page. Starts of one customer work on
//! it one at a time, under a claim, and read under it what others made meanwhile.

use super::state::State;
use super::steps::claim;
use crate::kernel::answer::Enrolment;
use crate::kernel::effect::{AddonOrder, CheckoutLink, Desk, Effect, OnPage, PageOrder, PageStart, PageTerms, Zoho};
use crate::kernel::quote::trial_days;
use crate::kernel::saga::Pending;

/// What Zoho's page still needs.
pub(super) fn opening(state: &State) -> Option<Pending> {
    let want = wanted(state)?;
    // Called off: what was begun for the customer at Zoho is finished. One that is made and not linked would be made again.
    let finishes = |step| matches!(step, "revive_zoho_customer" | "zoho_customer" | "link_zoho_customer");
    match &want {
        Pending::Perform { step, .. } if state.closing.is_some() && !finishes(*step) => None,
        _ => Some(want),
    }
}

fn wanted(state: &State) -> Option<Pending> {
    claim(state, state.customer_claim()?).or_else(|| enrolled(state)).or_else(|| after_claim(state))
}

fn after_claim(state: &State) -> Option<Pending> {
    if state.facts.offer.is_none() {
        return read_offer(state);
    }
    if !state.facts.price_stands {
        return None;
    }
    known(state).or_else(|| customer(state)).or_else(|| page(state))
}

pub(super) fn read_offer(state: &State) -> Option<Pending> {
    let request = state.facts.request.as_ref()?;
    let (addons, coupon) = (request.addons.clone(), request.coupon.clone());
    let offer = Zoho::ReadOffer { plan: request.plan.clone()?, addons, coupon };
    Some(Pending::perform("read_offer", state.counts.rounds, Effect::Zoho(offer)))
}

/// Our customer and its links, where they may have changed since they were read.
pub(super) fn enrolled(state: &State) -> Option<Pending> {
    if state.facts.enrolled {
        return None;
    }
    let client = state.facts.request.as_ref()?.client.clone()?;
    Some(Pending::perform("enrol", state.counts.rounds, Effect::Desk(Desk::Enrol { client })))
}

/// What Zoho knows of the customer that is linked.
pub(super) fn known(state: &State) -> Option<Pending> {
    let Enrolment { zoho_customer, .. } = state.facts.enrolment.as_ref()?;
    let customer = zoho_customer.clone().filter(|_| state.made.zoho_customer.is_none())?;
    let read = |step, call| Some(Pending::perform(step, state.counts.rounds, Effect::Zoho(call)));
    if state.facts.zoho_customer.is_none() {
        return read("read_customer", Zoho::ReadCustomer { customer });
    }
    if state.facts.subscriptions.is_none() {
        return read("list_subscriptions", Zoho::ListSubscriptions { customer, reference: None });
    }
    None
}

/// The customer at Zoho, found or made: one that an earlier undo retired is ours still, and a second one would stand beside it
/// for ever.
fn customer(state: &State) -> Option<Pending> {
    let ours = state.customer()?.to_owned();
    let n = state.counts.rounds;
    let zoho = |step, call| Some(Pending::perform(step, n, Effect::Zoho(call)));
    if state.zoho_customer().is_none() {
        let Some(retired) = &state.facts.retired else {
            return zoho("find_zoho_customer", Zoho::FindRetiredCustomers { customer: ours });
        };
        let currency = state.quote.as_ref()?.ceiling.currency;
        if let Some(found) = retired.iter().find(|c| c.currency == currency.code()) {
            return zoho("revive_zoho_customer", Zoho::ReviveCustomer { customer: found.id.clone() });
        }
        let since = state.consent.as_ref()?.at;
        return zoho("zoho_customer", Zoho::CreateCustomer { customer: ours, currency, since });
    }
    linked(state)
}

fn linked(state: &State) -> Option<Pending> {
    let made = state.made.zoho_customer.clone().filter(|_| !state.made.zoho_linked)?;
    let link = Desk::LinkCustomer {
        customer: state.customer()?.to_owned(),
        zoho_customer: Some(made),
        braintree_customer: None,
    };
    Some(Pending::perform("link_zoho_customer", state.counts.rounds, Effect::Desk(link)))
}

fn page(state: &State) -> Option<Pending> {
    let request = state.facts.request.as_ref()?;
    let offer = state.facts.offer.as_ref()?;
    let trial = trial_days(request, offer);
    let order = PageOrder::NewSubscription {
        customer: state.zoho_customer()?.to_owned(),
        reference: state.reference()?,
        sold: PageTerms {
            plan: offer.plan.code.clone(),
            quantity: request.quantity.unwrap_or(1),
            addons: offer.addons.iter().map(|a| AddonOrder { code: a.code.clone(), quantity: 1 }).collect(),
            coupon: offer.coupon.as_ref().map(|c| c.code.clone()),
        },
        start: PageStart { starts_on: state.quote.as_ref()?.starts_on, trial_days: (trial > 0).then_some(trial) },
        back_to: CheckoutLink { saga: state.saga()?, number: state.links },
    };
    let create = Zoho::Page(OnPage::Create(Box::new(order)));
    Some(Pending::perform("create_page", state.counts.pages + 1, Effect::Zoho(create)))
}
