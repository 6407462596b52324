//! Before the customer is sent to Zoho: the price once more, the customer at Zoho, the page. Starts of one customer work on
//! it one at a time, under a claim, and read under it what others made meanwhile.

use super::state::State;
use crate::kernel::effect::{AddonOrder, CheckoutLink, Effect, OnPage, PageOrder, PageStart, PageTerms, Zoho};
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
    state.sale.claim(state.sale.customer_claim()?).or_else(|| state.sale.enrolled()).or_else(|| after_claim(state))
}

fn after_claim(state: &State) -> Option<Pending> {
    if state.sale.facts.offer.is_none() {
        return state.sale.read_offer();
    }
    if !state.price_stands {
        return None;
    }
    state.sale.known().or_else(|| customer(state)).or_else(|| bought_before(state)).or_else(|| page(state))
}

/// Before another page is made: what was bought on an earlier one, of which no word came. A customer that was made here has
/// nothing else, and was not listed for that.
fn bought_before(state: &State) -> Option<Pending> {
    if state.counts.pages == 0 || state.sale.facts.subscriptions.is_some() {
        return None;
    }
    Some(state.sale.list_subscriptions(state.sale.zoho_customer()?.to_owned()))
}

/// The customer at Zoho.
fn customer(state: &State) -> Option<Pending> {
    let (step, effect) = state.sale.zoho_customer_step(state.consent.as_ref().map(|consent| consent.at))?;
    Some(Pending::perform(step, state.sale.rounds, effect))
}

fn page(state: &State) -> Option<Pending> {
    let request = state.sale.facts.request.as_ref()?;
    let offer = state.sale.facts.offer.as_ref()?;
    let trial = trial_days(request, offer);
    let order = PageOrder::NewSubscription {
        customer: state.sale.zoho_customer()?.to_owned(),
        reference: state.reference()?,
        sold: PageTerms {
            plan: offer.plan.code.clone(),
            quantity: request.quantity.unwrap_or(1),
            addons: offer.addons.iter().map(|a| AddonOrder { code: a.code.clone(), quantity: 1 }).collect(),
            coupon: offer.coupon.as_ref().map(|c| c.code.clone()),
        },
        start: PageStart { starts_on: state.sale.quote.as_ref()?.starts_on, trial_days: (trial > 0).then_some(trial) },
        back_to: CheckoutLink { saga: state.saga()?, number: state.sale.links },
    };
    let create = Zoho::Page(OnPage::Create(Box::new(order)));
    Some(Pending::perform("create_page", state.counts.pages + 1, Effect::Zoho(create)))
}
