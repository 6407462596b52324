//! What is wanted now. Computed from the state.

use super::judge;
use super::state::{Shadow, Stage, State, Watch};
use super::words::{FailedCharges, Found};
use crate::kernel::answer::{CollectionOwner, Subscription};
use crate::kernel::cards::network_caps;
use crate::kernel::effect::{
    Attio, Braintree, Claim, ClaimKind, Desk, Effect, IdKind, IdLink, OnSubscription, SubscriptionKey, Zoho,
};
use crate::kernel::ids::derive;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{End, Pending};
use chrono::TimeDelta;

/// Over which the old system's failed charges are counted.
pub(super) const WINDOW: TimeDelta = TimeDelta::days(30);

pub(super) fn pending(state: &State) -> Pending {
    work(state).unwrap_or_else(|| at_rest(state))
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.answered + 1, effect)
}

fn work(state: &State) -> Option<Pending> {
    let want = |(step, effect)| Some(perform(state, step, effect));
    let found = state.found.as_ref();
    match state.stage {
        Stage::Checking { .. } => read(state).and_then(want),
        Stage::Claiming => {
            if let Some(until) = state.busy.until {
                return Some(Pending::Sleep { why: "another flow works on the customer", until });
            }
            want(("claim", Effect::Desk(Desk::Claim { claims: claims(found?) })))
        }
        Stage::Linking => want(("link", Effect::Desk(Desk::Link { links: links(state, found?) }))),
        Stage::Counting => want(("count_old_charges", Effect::Desk(seed(state, found?)?))),
        Stage::Owning => want(("record_owner", Effect::Desk(owned(found?, None, found?.owner)))),
        Stage::Unowning => {
            let by = SubscriptionKey::Zoho { subscription: found?.zoho_subscription.clone() };
            want(("survey_collector", Effect::Desk(Desk::SurveySubscription { by })))
        }
        Stage::Disowning => want(("clear_owner", Effect::Desk(owned(found?, found?.owner, None)))),
        Stage::Unlinking => want(("unlink", Effect::Desk(Desk::Unlink { links: of_subscription(state, found?) }))),
        Stage::Linked => after_hand_over(state, found?).and_then(want),
        Stage::Reclaiming => {
            if let Some(until) = state.busy.until {
                return Some(Pending::Sleep { why: "another flow works on the subscription", until });
            }
            want(("claim_back", Effect::Desk(Desk::Claim { claims: return_claims(state) })))
        }
        Stage::Resurveying => want(("survey_charges", survey_charges(found?, Vec::new()))),
        Stage::Returning => {
            let subscription = found?.subscription.clone();
            let from = state.watch.as_ref().map(|watch| watch.owner);
            let nobody = Desk::SetOwner { subscription, from, owner: None, valid_from: None };
            want(("clear_owner", Effect::Desk(nobody)))
        }
        Stage::New | Stage::Matched | Stage::Conflict | Stage::Unlinked | Stage::Ended => None,
    }
}

fn at_rest(state: &State) -> Pending {
    let look_at = state.shadow.as_ref().and_then(|shadow| shadow.look_at);
    let cut = state.cut.as_ref().filter(|cut| cut.is_under_way()).map(|cut| cut.look_at);
    let watch = state.watch.as_ref().filter(|watch| !watch.done);
    if let (Stage::Linked, Some(foreign)) = (state.stage, watch.and_then(|watch| watch.foreign.as_ref())) {
        let detail = format!(
            "somebody else took {} for invoice {} ({}) after the hand-over, and the subscription is on hold: see to it that the old way is off, then resume",
            foreign.amount, foreign.invoice, foreign.reference
        );
        return Pending::Park { code: ParkCode::TwoCollectors, detail };
    }
    let watch = watch.and_then(|watch| watch.look_at);
    let wakes = state.held_until.into_iter().chain(look_at).chain(cut).chain(watch).min();
    match (state.stage, wakes) {
        (Stage::Linked, Some(until)) if Some(until) == state.held_until => {
            Pending::Sleep { why: "paid for in the old system", until }
        }
        (Stage::Linked, Some(until)) if Some(until) == cut => Pending::Await { signal: "the hand-over", until },
        (Stage::Linked, Some(until)) if Some(until) == watch => {
            Pending::Sleep { why: "the next look for charges of the old way", until }
        }
        (Stage::Linked, Some(until)) => Pending::Sleep { why: "the next comparison with the old way", until },
        (Stage::Linked | Stage::Ended, _) => Pending::Ended(End::Completed),
        (Stage::Unlinked, _) => Pending::Ended(End::Compensated),
        _ => Pending::Ended(End::Mirrored),
    }
}

fn owned(found: &Found, from: Option<CollectionOwner>, owner: Option<CollectionOwner>) -> Desk {
    Desk::SetOwner { subscription: found.subscription.clone(), from, owner, valid_from: None }
}

/// The next read of a check; none: all is known that can be.
pub(super) fn read(state: &State) -> Option<(&'static str, Effect)> {
    let (old, facts) = (state.old.as_ref()?, &state.facts);
    let zoho = |step, call| Some((step, Effect::Zoho(call)));
    let by_email = || old.customer.clone();
    if facts.subscription.is_due() {
        if let Some(subscription) = &old.zoho_subscription {
            return zoho("read_subscription", Zoho::ReadSubscription { subscription: subscription.clone() });
        }
        if old.zoho_customer.is_none() && facts.zoho_customers.is_none() && old.has_email {
            return zoho("find_customers", Zoho::FindCustomers { customer: by_email() });
        }
        // Without one customer nothing else can be known.
        let customer = judge::one_zoho_customer(state)?;
        if facts.listed.is_none() {
            return zoho("list_subscriptions", Zoho::ListSubscriptions { customer, reference: None });
        }
    }
    // A read alone does not say what is sold: the list does, of those that run.
    if let Some(Subscription { customer, .. }) = facts.subscription.found()
        && facts.listed.is_none()
    {
        return zoho("list_subscriptions", Zoho::ListSubscriptions { customer: customer.clone(), reference: None });
    }
    let Subscription { id, customer, .. } = judge::chosen(state)?;
    if facts.customer.is_due() {
        return zoho("read_customer", Zoho::ReadCustomer { customer: customer.clone() });
    }
    if facts.ours.is_none() {
        let by = SubscriptionKey::Zoho { subscription: id.clone() };
        return Some(("survey_subscription", Effect::Desk(Desk::SurveySubscription { by })));
    }
    if facts.our_customer.is_none() {
        let survey = Desk::SurveyCustomer { zoho_customer: customer.clone() };
        return Some(("survey_customer", Effect::Desk(survey)));
    }
    let braintree = |step, call| Some((step, Effect::Braintree(call)));
    let payer = judge::payer(state);
    if let Some(customer) = payer.filter(|_| facts.methods.is_due()) {
        return braintree("read_cards", Braintree::ReadCustomer { customer });
    }
    if facts.methods.is_due() && facts.braintree_customers.is_none() && old.has_email {
        return braintree("find_payers", Braintree::FindCustomers { customer: by_email() });
    }
    let unread = judge::methods(state).iter().find(|m| m.has_live_subscription && !facts.uses.contains_key(&m.token));
    if let Some(method) = unread {
        return braintree("read_card_uses", Braintree::ReadMethod { token: method.token.clone() });
    }
    let attio = |step, call| Some((step, Effect::Attio(call)));
    let Some(client) = &facts.client else {
        let ours = facts.our_customer.as_ref().and_then(|ours| ours.attio_client.clone());
        let record = old.client.clone().or(ours);
        return attio("find_client", Attio::FindClient { zoho_customer: customer.clone(), record });
    };
    if client.record.is_none() && !client.ambiguous && facts.person.is_due() && old.has_email {
        return attio("find_person", Attio::FindPerson { customer: by_email() });
    }
    None
}

/// What nobody else may hold while it is linked; the product stays held for as long as the subscription lives.
pub(super) fn claims(found: &Found) -> Vec<Claim> {
    vec![product(found), Claim { kind: ClaimKind::ZohoCustomer, key: found.zoho_customer.clone() }]
}

pub(super) fn product(found: &Found) -> Claim {
    Claim { kind: ClaimKind::AccountPlanFamily, key: format!("{}/{}", found.customer, found.product) }
}

/// While it is held no charge of the subscription begins.
pub(super) fn return_claims(state: &State) -> Vec<Claim> {
    let key = state.found.as_ref().map(|found| found.zoho_subscription.clone()).unwrap_or_default();
    vec![Claim { kind: ClaimKind::ZohoSubscription, key }]
}

/// The customer's ids first: with the subscription's its invoices come, and they ask whose it is.
fn links(state: &State, found: &Found) -> Vec<IdLink> {
    let link = |kind, theirs: &str| IdLink { kind, ours: found.customer.clone(), theirs: theirs.to_owned() };
    let client = found.client.as_ref().map(|client| {
        let kind = if client.object == "companies" { IdKind::AttioCompany } else { IdKind::AttioPerson };
        link(kind, &client.id)
    });
    let payer = found.braintree_customer.as_ref().map(|payer| link(IdKind::BraintreeCustomer, payer));
    let mut all = vec![link(IdKind::ZohoCustomer, &found.zoho_customer)];
    all.extend(payer);
    all.extend(client);
    all.extend(of_subscription(state, found));
    all
}

fn of_subscription(state: &State, found: &Found) -> Vec<IdLink> {
    let link = |kind, theirs: &str| IdLink { kind, ours: found.subscription.clone(), theirs: theirs.to_owned() };
    let attio = state.old.as_ref().and_then(|old| old.attio_subscription.as_ref());
    let mut all = vec![link(IdKind::ZohoSubscription, &found.zoho_subscription)];
    all.extend(attio.map(|record| link(IdKind::AttioSubscription, record)));
    all
}

/// The old system's failed charges as charges of the card of now: stricter than they were, and never looser.
/// None: there is nothing to count, or no card to count it of.
pub(super) fn seed(state: &State, found: &Found) -> Option<Desk> {
    let (old, installation) = (state.old.as_ref()?, state.installation.as_ref()?);
    let card = found.card.as_ref()?;
    let times = match old.failed {
        FailedCharges::Times { times } => times,
        FailedCharges::Unknown => {
            let caps = network_caps(&card.brand).iter().filter(|cap| cap.window == WINDOW);
            caps.map(|cap| cap.charges.saturating_sub(1)).min().unwrap_or_default()
        }
    };
    let line = derive("old_charge", &[&old.id]).simple().to_string();
    let order_ids: Vec<String> = (1..=times).map(|n| format!("{}.old.{line}.{n}", installation.as_str())).collect();
    (!order_ids.is_empty()).then(|| Desk::CountOldCharges {
        card: card.number.clone(),
        brand: card.brand.clone(),
        order_ids,
    })
}

fn survey_charges(found: &Found, invoices: Vec<String>) -> Effect {
    let (subscription, zoho_subscription) = (found.subscription.clone(), found.zoho_subscription.clone());
    Effect::Desk(Desk::SurveyEnding { subscription, zoho_subscription, invoices })
}

/// The hand-over first, then what is charged since, or what would be.
fn after_hand_over(state: &State, found: &Found) -> Option<(&'static str, Effect)> {
    if state.cut.as_ref().is_some_and(|cut| cut.due) {
        let by = SubscriptionKey::Zoho { subscription: found.zoho_subscription.clone() };
        return Some(("survey_collector", Effect::Desk(Desk::SurveySubscription { by })));
    }
    if let Some(watch) = &state.watch {
        return watched(watch, found);
    }
    shadow(state.shadow.as_ref()?, found)
}

fn watched(watch: &Watch, found: &Found) -> Option<(&'static str, Effect)> {
    if watch.done || watch.foreign.is_some() {
        return None;
    }
    if let Some((invoice, _)) = &watch.read {
        return Some(("survey_charges", survey_charges(found, vec![invoice.clone()])));
    }
    if let Some(invoice) = watch.queue.first() {
        return Some(("read_invoice", Effect::Zoho(Zoho::ReadInvoice { invoice: invoice.clone() })));
    }
    if let Some((_, transaction)) = watch.charge_to_read() {
        let read = Braintree::ReadTransaction { transaction: transaction.clone() };
        return Some(("read_charge", Effect::Braintree(read)));
    }
    let subscription = found.zoho_subscription.clone();
    let list = Zoho::Subscription(OnSubscription::ListInvoices { subscription });
    watch.due.then_some(("list_invoices", Effect::Zoho(list)))
}

fn shadow(shadow: &Shadow, found: &Found) -> Option<(&'static str, Effect)> {
    if let Some(invoice) = shadow.queue.first() {
        return Some(("read_invoice", Effect::Zoho(Zoho::ReadInvoice { invoice: invoice.id.clone() })));
    }
    let subscription = found.zoho_subscription.clone();
    let list = Zoho::Subscription(OnSubscription::ListInvoices { subscription });
    shadow.due.then_some(("list_invoices", Effect::Zoho(list)))
}
