//! Stored cards by their last month: those that are over, and those that end between two months. Two phases, as searches.

use super::call::Call;
use super::reply::Reply;
use super::search::{self, Field, Refusal};
use super::state::{Method, State};
use super::{settlement, show};
use crate::World;
use crate::faults::Vendor;
use axum::extract::State as Shared;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// `POST /payment_methods/all/expired_ids`.
pub(super) async fn expired_ids(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    ids(&world, &call, "payment_method.expired", |method, now| method.card.expired(now))
}

/// `POST /payment_methods/all/expired`.
pub(super) async fn expired(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    page(&world, &call, |method, now| method.card.expired(now))
}

/// `POST /payment_methods/all/expiring_ids?start=MMYYYY&end=MMYYYY`: both months count.
pub(super) async fn expiring_ids(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let Some(months) = months(&call) else { return Refusal::Malformed.into() };
    ids(&world, &call, "payment_method.expiring", |method, _| ends_within(method, &months))
}

/// `POST /payment_methods/all/expiring?start=MMYYYY&end=MMYYYY`.
pub(super) async fn expiring(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let Some(months) = months(&call) else { return Refusal::Malformed.into() };
    page(&world, &call, |method, _| ends_within(method, &months))
}

fn ids(world: &World, call: &Call, operation: &str, fits: impl Fn(&Method, DateTime<Utc>) -> bool) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, operation, &call.text, now);
    let state = settlement::open(world, now);
    search::ids(sight, found(&state, call, |m| fits(m, now)), |m| &m.token, |m| m.created_at)
}

fn page(world: &World, call: &Call, fits: impl Fn(&Method, DateTime<Utc>) -> bool) -> Reply {
    let now = world.clock.now();
    let state = settlement::open(world, now);
    let found = found(&state, call, |m| fits(m, now));
    search::page("payment-methods", "credit-card", found, |m| show::method(&state, m, now))
}

fn found<'a>(state: &'a State, call: &Call, fits: impl Fn(&Method) -> bool) -> Result<Vec<&'a Method>, Refusal> {
    let cards = state.methods.values().filter(|method| fits(method));
    search::matches(call, cards, |method, name| match name {
        "id" => Field::Text(Some(method.token.clone())),
        _ => Field::Unknown,
    })
}

/// First and last month as (year, month) texts, which compare like dates.
fn months(call: &Call) -> Option<[(String, String); 2]> {
    let read = |name| {
        let text = call.query(name).filter(|text| text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()))?;
        Some((text[2..].to_owned(), text[..2].to_owned()))
    };
    Some([read("start")?, read("end")?])
}

fn ends_within(method: &Method, [first, last]: &[(String, String); 2]) -> bool {
    let own = (method.card.year.clone(), method.card.month.clone());
    (first..=last).contains(&&own)
}
