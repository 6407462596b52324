//! What a line is, from what was read: pure. It says what the line was matched with, or each thing that stands in the way, and
//! who is proved to collect. Refuses nothing by itself.

use super::state::{Looked, State};
use super::words::{CardFound, Conflict, Found, MatchedBy, OldSubscription};
use crate::kernel::answer::{Client, CollectionOwner, Method, Subscription, ZohoCustomer};
use crate::kernel::ids::derive;

/// Statuses in which Zoho may still bill a subscription.
const RUNNING: [&str; 7] = ["live", "trial", "future", "non_renewing", "unpaid", "dunning", "paused"];

/// The vault's cards of the one who pays.
pub(super) fn methods(state: &State) -> &[Method] {
    state.facts.methods.found().map_or(&[], Vec::as_slice)
}

/// The one customer in Zoho whom the line names, or who has its e-mail address.
pub(super) fn one_zoho_customer(state: &State) -> Option<String> {
    let named = state.old.as_ref().and_then(|old| old.zoho_customer.clone());
    named.or_else(|| match state.facts.zoho_customers.as_deref() {
        Some([only]) => Some(only.id.clone()),
        _ => None,
    })
}

/// The subscription that the line is about, where exactly one is.
pub(super) fn chosen(state: &State) -> Option<&Subscription> {
    if !state.facts.subscription.is_due() {
        let read = state.facts.subscription.found()?;
        let whole = state.facts.listed.iter().flatten().find(|listed| listed.id == read.id);
        return Some(whole.unwrap_or(read));
    }
    match candidates(state).as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

fn candidates(state: &State) -> Vec<&Subscription> {
    let wanted = state.old.as_ref().and_then(|old| old.plan.as_ref());
    let fits = |subscription: &&Subscription| {
        let plan = wanted.is_none_or(|plan| subscription.plan.as_ref().is_none_or(|theirs| theirs == plan));
        plan && RUNNING.contains(&subscription.status.as_str())
    };
    state.facts.listed.iter().flatten().filter(fits).collect()
}

/// The customer in Braintree: whom the line names, who is linked, or who has the e-mail address alone.
pub(super) fn payer(state: &State) -> Option<String> {
    let named = state.old.as_ref()?.braintree_customer.clone();
    let linked = || state.facts.our_customer.as_ref().and_then(|ours| ours.braintree_customer.clone());
    named.or_else(linked).or_else(|| match state.facts.braintree_customers.as_deref() {
        Some([only]) => Some(only.clone()),
        _ => None,
    })
}

fn conflict(code: &str, what: impl Into<String>, cure: &str) -> Conflict {
    Conflict { code: code.to_owned(), what: what.into(), cure: cure.to_owned() }
}

/// The verdict on all that was read.
pub(super) fn judge(state: &State) -> Result<Found, Vec<Conflict>> {
    let Some(old) = &state.old else { return Err(Vec::new()) };
    let Some(subscription) = chosen(state) else { return Err(vec![no_subscription(state, old)]) };
    let mut conflicts = Vec::new();
    at_zoho(state, old, subscription, &mut conflicts);
    here(state, old, &mut conflicts);
    let client = in_attio(state, old, subscription, &mut conflicts);
    at_braintree(state, old, &mut conflicts);
    let owner = collector(state, old, subscription, &mut conflicts);
    let ours = state.facts.our_customer.clone().unwrap_or_default();
    if let (Some(_), Some(paid), Some(bills)) = (owner, old.paid_until, subscription.next_billing_on)
        && bills <= paid
    {
        let what = format!("it is paid until {paid}, and its collector would charge it on {bills}");
        conflicts.push(conflict(
            "billed_too_early",
            what,
            "move the next billing date in Zoho past the day it is paid for",
        ));
    }
    let Some(product) = subscription.product.clone().filter(|product| !product.is_empty()) else {
        let what = format!("Zoho names no product of subscription {}", subscription.id);
        conflicts.push(conflict("unknown_plan", what, "give its plan a product in Zoho"));
        return Err(conflicts);
    };
    if !conflicts.is_empty() {
        return Err(conflicts);
    }
    Ok(Found {
        customer: ours.customer.unwrap_or_else(|| old.customer.clone()),
        subscription: our_subscription(old),
        zoho_customer: subscription.customer.clone(),
        zoho_subscription: subscription.id.clone(),
        plan: subscription.plan.clone(),
        product,
        amount: subscription.amount,
        next_billing_on: subscription.next_billing_on,
        braintree_customer: payer(state),
        card: card(state, old),
        owner,
        client,
        by: if old.zoho_subscription.is_some() || old.zoho_customer.is_some() {
            MatchedBy::Ids
        } else {
            MatchedBy::Email
        },
    })
}

/// Our id of the subscription: the same line gives the same one for ever.
pub(super) fn our_subscription(old: &OldSubscription) -> String {
    derive("subscription", &["import", &old.id]).simple().to_string()
}

fn no_subscription(state: &State, old: &OldSubscription) -> Conflict {
    let facts = &state.facts;
    let listed = |ids: Vec<&str>| ids.join(", ");
    if let Some(id) = &old.zoho_subscription {
        return conflict("no_subscription", format!("Zoho has no subscription {id}"), "correct `zoho_subscription_id`");
    }
    if old.zoho_customer.is_none() {
        return match facts.zoho_customers.as_deref() {
            None => {
                let what = "the line names neither a subscription nor a customer in Zoho, and no e-mail address";
                conflict("no_key", what, "fill `zoho_subscription_id`, `zoho_customer_id` or `email` in")
            }
            Some([]) => conflict(
                "no_customer",
                "no customer in Zoho has this e-mail address",
                "fill `zoho_customer_id` in, or correct `email`",
            ),
            Some(several) if several.len() > 1 => conflict(
                "several_customers",
                format!(
                    "several customers in Zoho have this e-mail address: {}",
                    listed(several.iter().map(|customer: &ZohoCustomer| customer.id.as_str()).collect())
                ),
                "fill `zoho_customer_id` in",
            ),
            Some(_) => which_subscription(state),
        };
    }
    which_subscription(state)
}

fn which_subscription(state: &State) -> Conflict {
    let several = candidates(state);
    if several.is_empty() {
        let what = "the customer in Zoho has no subscription that runs and has this plan";
        return conflict("no_subscription", what, "correct `plan_code`, or fill `zoho_subscription_id` in");
    }
    let ids: Vec<&str> = several.iter().map(|subscription| subscription.id.as_str()).collect();
    let what = format!("several subscriptions of the customer in Zoho fit: {}", ids.join(", "));
    conflict("several_subscriptions", what, "fill `zoho_subscription_id` in")
}

fn at_zoho(state: &State, old: &OldSubscription, subscription: &Subscription, conflicts: &mut Vec<Conflict>) {
    let id = &subscription.id;
    if !RUNNING.contains(&subscription.status.as_str()) {
        let what = format!("subscription {id} is `{}` in Zoho", subscription.status);
        conflicts.push(conflict("not_running", what, "leave the line out: what has ended needs no link"));
    }
    if let (Some(plan), Some(theirs)) = (&old.plan, &subscription.plan)
        && plan != theirs
    {
        let what = format!("subscription {id} has plan `{theirs}` in Zoho, and the line says `{plan}`");
        conflicts.push(conflict("unknown_plan", what, "correct `plan_code`, or the subscription in Zoho"));
    }
    if let Some(named) = old.zoho_customer.as_ref().filter(|named| **named != subscription.customer) {
        let what = format!(
            "subscription {id} belongs to customer {} in Zoho, and the line says {named}",
            subscription.customer
        );
        conflicts.push(conflict("other_customer", what, "correct `zoho_customer_id` or `zoho_subscription_id`"));
    }
    match &state.facts.customer {
        Looked::Found(customer) if !customer.active => {
            let what = format!("customer {} is inactive in Zoho", customer.id);
            conflicts.push(conflict("customer_inactive", what, "mark the customer active in Zoho"));
        }
        Looked::Absent => {
            let what = format!("Zoho has no customer {}", subscription.customer);
            conflicts.push(conflict("no_customer", what, "check again: it was there when its subscription was read"));
        }
        _ => {}
    }
}

fn here(state: &State, old: &OldSubscription, conflicts: &mut Vec<Conflict>) {
    let linked = state.facts.ours.as_ref().and_then(|survey| survey.subscription.as_ref());
    if let Some(linked) = linked.filter(|linked| **linked != our_subscription(old)) {
        let what = format!("it is linked here already, as subscription {linked}");
        conflicts.push(conflict("linked_otherwise", what, "leave the line out, or unlink the other first"));
    }
    let carried = state.facts.customer.found().and_then(|c| c.our_customer.as_ref());
    let ours = state.facts.our_customer.as_ref().and_then(|ours| ours.customer.as_ref());
    if let Some(carried) = carried
        && *carried != old.customer
        && ours != Some(carried)
    {
        let what =
            format!("the customer in Zoho carries `billing_ref` {carried}, which is no customer that is linked here");
        conflicts.push(conflict(
            "reference_of_another",
            what,
            "clear `billing_ref` in Zoho, or link that customer first",
        ));
    }
    let payer = state.facts.our_customer.as_ref().and_then(|ours| ours.braintree_customer.as_ref());
    if let (Some(linked), Some(named)) = (payer, &old.braintree_customer)
        && linked != named
    {
        let what = format!("the customer is linked with {linked} in Braintree, and the line says {named}");
        conflicts.push(conflict("other_payer", what, "correct `braintree_customer_id`"));
    }
}

fn in_attio(
    state: &State,
    old: &OldSubscription,
    subscription: &Subscription,
    conflicts: &mut Vec<Conflict>,
) -> Option<crate::kernel::effect::AttioRecord> {
    let client = state.facts.client.as_ref()?;
    let Client { record, ambiguous, zoho_customer, braintree_customer } = client;
    if *ambiguous {
        let what = format!("several records in Attio name Zoho customer {}", subscription.customer);
        conflicts.push(conflict(
            "several_clients",
            what,
            "fill `attio_company_id` or `attio_person_id` in, or merge the records",
        ));
    }
    let named = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    if let Some(theirs) = named(zoho_customer).filter(|theirs| *theirs != subscription.customer) {
        let what = format!("the record in Attio names Zoho customer {theirs}");
        conflicts.push(conflict("client_of_another", what, "correct the record in Attio or the line"));
    }
    if let (Some(theirs), Some(ours)) = (named(braintree_customer), payer(state))
        && theirs != ours
    {
        let what = format!("the record in Attio names Braintree customer {theirs}, and {ours} was found");
        conflicts.push(conflict("client_of_another", what, "correct the record in Attio or the line"));
    }
    if let (Some(wanted), Some(found)) = (&old.client, record)
        && wanted != found
    {
        let what = format!("Attio has no record {}; {} names the Zoho customer", wanted.id, found.id);
        conflicts.push(conflict("no_client", what, "correct `attio_company_id` or `attio_person_id`"));
    }
    record.clone().or_else(|| state.facts.person.found().cloned())
}

fn at_braintree(state: &State, old: &OldSubscription, conflicts: &mut Vec<Conflict>) {
    if state.facts.methods == Looked::Absent
        && let Some(id) = payer(state)
    {
        let what = format!("Braintree has no customer {id}");
        conflicts.push(conflict("no_payer", what, "correct `braintree_customer_id`"));
    }
    if old.braintree_customer.is_none()
        && let Some(several) = state.facts.braintree_customers.as_ref().filter(|found| found.len() > 1)
    {
        let what = format!("several customers in Braintree have this e-mail address: {}", several.join(", "));
        conflicts.push(conflict("several_payers", what, "fill `braintree_customer_id` in"));
    }
}

/// Who is proved to collect. A Braintree subscription that no line names is neither used nor deleted: it is a conflict.
fn collector(
    state: &State,
    old: &OldSubscription,
    subscription: &Subscription,
    conflicts: &mut Vec<Conflict>,
) -> Option<CollectionOwner> {
    let live: Vec<&String> = state.facts.uses.values().flatten().collect();
    let known = |id: &&&String| old.braintree_subscription.as_ref() == Some(**id) || old.others.contains(**id);
    let unnamed: Vec<&str> = live.iter().filter(|id| !known(id)).map(|id| id.as_str()).collect();
    if !unnamed.is_empty() {
        let what = format!("Braintree charges a card of the customer for {} by itself", unnamed.join(", "));
        let cure =
            "name it as `braintree_subscription_id` of the line that it belongs to, or have it cancelled in Braintree";
        conflicts.push(conflict("two_collectors", format!("D30: {what}"), cure));
    }
    let recurring = match &old.braintree_subscription {
        Some(named) if live.contains(&named) => true,
        Some(named) => {
            let what = format!("no card of the customer is charged for Braintree subscription {named}");
            conflicts.push(conflict("not_recurring", what, "correct or clear `braintree_subscription_id`"));
            false
        }
        None => false,
    };
    match (subscription.auto_collect, recurring) {
        (true, true) => {
            let what = "D30: Zoho's `auto_collect` is on, and Braintree charges it by itself, too";
            conflicts.push(conflict("two_collectors", what, "turn one of them off"));
            None
        }
        (true, false) => Some(CollectionOwner::ZohoNative),
        (false, true) => Some(CollectionOwner::BraintreeRecurring),
        (false, false) => None,
    }
}

/// The card that the line names, that Braintree charges for it, or that is the customer's default; none that has expired.
fn card(state: &State, old: &OldSubscription) -> Option<CardFound> {
    let mut usable = methods(state).iter().filter(|method| !method.expired);
    let charged = |method: &&Method| {
        let uses = state.facts.uses.get(&method.token);
        uses.zip(old.braintree_subscription.as_ref()).is_some_and(|(uses, named)| uses.contains(named))
    };
    let found = match (&old.token, &old.braintree_subscription) {
        (_, Some(_)) => usable.find(charged),
        (Some(token), None) => usable.find(|method| method.token == *token),
        (None, None) => usable.find(|method| method.default),
    };
    found.map(|method| CardFound {
        token: method.token.clone(),
        brand: method.brand.clone(),
        last_four: method.last_four.clone(),
        number: method.card.clone(),
    })
}
