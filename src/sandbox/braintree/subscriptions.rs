//! Subscriptions over the API: create with an id of the merchant's choice, find, update, cancel, search. What time does to
//! them is in `billing`; a retry charge is a sale.

use super::billing::{self, Proration};
use super::call::{Ask, Call};
use super::codes;
use super::reply::{Errors, Reply};
use super::search::{self, Field, Refusal};
use super::state::State;
use super::subscription::{Source, Status, Subscription};
use super::subscription_request as request;
use super::{fields, money, processor, settlement, show, show_subscription};
use crate::World;
use crate::faults::Vendor;
use axum::extract::State as Shared;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::sync::Arc;

/// `POST /subscriptions`. Where the first charge is due at once and fails, there is no subscription and its id stays free.
pub(super) async fn create(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("subscription", &fields::SUBSCRIPTION_CREATE) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let accounts = &world.credentials.braintree.merchant_accounts;
    let mut subscription = match request::create(&state, accounts, &ask, now) {
        Ok(subscription) => subscription,
        Err(errors) => return Reply::Invalid(errors, call.params()),
    };
    spend(&mut state, &ask);
    let due = subscription.first_billing_date <= now.date_naive();
    if due && let Err(refused) = billing::begin(&world, &mut state, &mut subscription, &call.text, now) {
        return Reply::Refused {
            message: processor::refusal(&refused),
            // The gateway echoes this request without its root element.
            params: ask.0,
            name: "transaction",
            subject: show::transaction(&refused),
        };
    }
    if !due {
        let status = if subscription.in_trial() { Status::Active } else { Status::Pending };
        subscription.becomes(status, Source::Api, now);
    }
    state.subscriptions.push(subscription.clone());
    if !subscription.transactions.is_empty() {
        billing::notify(&world, &state, "subscription_charged_successfully", &subscription, now);
        billing::notify(&world, &state, "subscription_went_active", &subscription, now);
    }
    Reply::Made("subscription", show_subscription::show(&state, &subscription, now))
}

fn spend(state: &mut State, ask: &Ask) {
    if let Some(nonce) = ask.text("payment_method_nonce") {
        state.spend_nonce(&nonce);
    }
}

/// `GET /subscriptions/{id}`.
pub(super) async fn find(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "subscription.find", &call.text, now);
    let state = settlement::open(&world, now);
    match state.subscription(call.id()).filter(|s| sight.reaches(s.created_at)) {
        Some(found) => Reply::Found("subscription", show_subscription::show(&state, found, now)),
        None => Reply::NotFound,
    }
}

/// `PUT /subscriptions/{id}`: other terms, another card, another number of cycles.
pub(super) async fn update(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = match call.ask("subscription", &fields::SUBSCRIPTION_UPDATE) {
        Ok(ask) => ask,
        Err(reply) => return reply,
    };
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some(place) = state.subscriptions.iter().position(|s| s.id == call.id()) else { return Reply::NotFound };
    let old = state.subscriptions[place].clone();
    let accounts = &world.credentials.braintree.merchant_accounts;
    let mut new = match request::update(&state, accounts, &old, &ask, now) {
        Ok(new) => new,
        Err(errors) => return Reply::Invalid(errors, call.params()),
    };
    spend(&mut state, &ask);
    let options = ask.below("options");
    let prorates =
        if options.has("prorate_charges") { options.flag("prorate_charges") } else { state.settings.prorate };
    if prorates {
        let revert = !options.has("revert_subscription_on_proration_failure")
            || options.flag("revert_subscription_on_proration_failure");
        if billing::prorate(&world, &mut state, &old, &mut new, (&call.text, revert), now) == Proration::Reverted {
            return reverted(&mut state, place, old, &new, &call, now);
        }
        if old.status == Status::PastDue && new.token != old.token {
            billing::try_new_card(&world, &mut state, &mut new, &call.text, now);
        }
    }
    let shown = show_subscription::show(&state, &new, now);
    state.subscriptions[place] = new;
    Reply::Found("subscription", shown)
}

/// The old terms stay; the declined transaction is listed under them.
fn reverted(
    state: &mut State,
    place: usize,
    old: Subscription,
    new: &Subscription,
    call: &Call,
    now: DateTime<Utc>,
) -> Reply {
    let kept = Subscription { transactions: new.transactions.clone(), ..old };
    let message = kept.transactions.last().and_then(|id| state.transaction(id)).map(processor::refusal);
    let subject = show_subscription::show(state, &kept, now);
    state.subscriptions[place] = kept;
    Reply::Refused { message: message.unwrap_or_default(), params: call.params(), name: "subscription", subject }
}

/// `PUT /subscriptions/{id}/cancel`: at once and for good.
pub(super) async fn cancel(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let Some(place) = state.subscriptions.iter().position(|s| s.id == call.id()) else { return Reply::NotFound };
    let mut subscription = state.subscriptions[place].clone();
    let refused = match subscription.status {
        Status::Canceled => Some(("status", codes::ALREADY_CANCELED)),
        Status::Expired => Some(("base", codes::SUBSCRIPTION_EXPIRED)),
        Status::Pending | Status::Active | Status::PastDue => None,
    };
    if let Some((attribute, code)) = refused {
        return Reply::Invalid(Errors::one(&["subscription"], attribute, code), Value::Null);
    }
    billing::cancel(&world, &state, &mut subscription, Source::Api, now);
    let shown = show_subscription::show(&state, &subscription, now);
    state.subscriptions[place] = subscription;
    Reply::Found("subscription", shown)
}

/// `PUT /subscriptions/{id}/make_past_due?days_past_due=N` of the test gateway.
pub(super) async fn make_past_due(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let mut state = settlement::open(&world, now);
    let days = call.query("days_past_due").and_then(|days| days.parse().ok()).unwrap_or(1);
    let Some(place) = state.subscriptions.iter().position(|s| s.id == call.id()) else { return Reply::NotFound };
    let of = &mut state.subscriptions[place];
    of.balance = of.balance.max(of.per_cycle());
    of.past_due_since = now.date_naive().checked_sub_days(chrono::Days::new(days));
    of.becomes(Status::PastDue, Source::Api, now);
    let shown = show_subscription::show(&state, &state.subscriptions[place], now);
    Reply::Found("subscription", shown)
}

/// `POST /subscriptions/advanced_search_ids`.
pub(super) async fn search_ids(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "subscription.search", &call.text, now);
    let state = settlement::open(&world, now);
    search::ids(sight, found(&state, &call, now), |s| &s.id, |s| s.created_at)
}

/// `POST /subscriptions/advanced_search`.
pub(super) async fn search_page(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let state = settlement::open(&world, now);
    search::page("subscriptions", "subscription", found(&state, &call, now), |s| {
        show_subscription::show(&state, s, now)
    })
}

/// Newest first.
fn found<'a>(state: &'a State, call: &Call, now: DateTime<Utc>) -> Result<Vec<&'a Subscription>, Refusal> {
    search::matches(call, state.subscriptions.iter().rev(), |s, name| {
        let text = |value: &str| Field::Text(Some(value.to_owned()));
        match name {
            "id" => text(&s.id),
            "plan_id" => text(&s.plan_id),
            "status" => text(s.status.name()),
            "merchant_account_id" => text(&s.merchant_account),
            "in_trial_period" => text(if s.in_trial() { "true" } else { "false" }),
            "transaction_id" => Field::Texts(s.transactions.clone()),
            "price" => Field::Amount(Some(money::thousandths(s.price, &s.currency))),
            "days_past_due" => Field::Count(s.days_past_due(now)),
            "billing_cycles_remaining" => Field::Count(s.cycles.map(|all| i64::from(all.saturating_sub(s.cycle)))),
            "next_billing_date" => Field::Day(Some(s.next_billing_date)),
            "created_at" => Field::Time(Some(s.created_at)),
            _ => Field::Unknown,
        }
    })
}
