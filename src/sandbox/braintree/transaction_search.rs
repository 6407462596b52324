//! Transaction search. On order it omits the youngest transactions, as a search index that lags behind does; finding one
//! by its id is not affected.

use super::call::Call;
use super::money;
use super::reply::Reply;
use super::search::{self, Field, Refusal};
use super::state::State;
use super::transaction::{Cause, Status, Transaction};
use super::{settlement, show};
use crate::sandbox::World;
use crate::sandbox::faults::{Kind, Vendor};
use axum::extract::State as Shared;
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// `POST /transactions/advanced_search_ids`.
pub(super) async fn ids(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let lag = |kind: &Kind| matches!(kind, Kind::LateIndex { .. });
    let indexed_until = match world.faults.strike(Vendor::Braintree, "transaction.search", &call.text, lag) {
        Some(Kind::LateIndex { seconds }) => now - TimeDelta::seconds(seconds),
        _ => now,
    };
    let state = settlement::open(&world, now);
    match found(&state, &call) {
        Ok(found) => {
            search::ids(found.into_iter().filter(|t| t.created_at <= indexed_until).map(|t| t.id.clone()).collect())
        }
        Err(refusal) => refusal.into(),
    }
}

/// `POST /transactions/advanced_search`.
pub(super) async fn page(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    match found(&state, &call) {
        Ok(found) => {
            let objects = found.into_iter().map(show::transaction).collect();
            search::page("credit-card-transactions", "transaction", objects)
        }
        Err(refusal) => refusal.into(),
    }
}

/// Newest first.
fn found<'a>(state: &'a State, call: &Call) -> Result<Vec<&'a Transaction>, Refusal> {
    search::matches(call, state.transactions.iter().rev(), field)
}

fn field(of: &Transaction, name: &str) -> Field {
    let text = |value: &str| Field::Text(Some(value.to_owned()));
    let maybe = |value: Option<&String>| Field::Text(value.cloned());
    let person = |name| Field::Text(of.customer.as_ref().and_then(|c| c.person.get(name).cloned()));
    match name {
        "id" => text(&of.id),
        "order_id" => maybe(of.order_id.as_ref()),
        "customer_id" => Field::Text(of.customer.as_ref().map(|c| c.id.clone())),
        "customer_email" => person("email"),
        "customer_first_name" => person("first_name"),
        "customer_last_name" => person("last_name"),
        "customer_company" => person("company"),
        "customer_phone" => person("phone"),
        "payment_method_token" => maybe(of.token.as_ref()),
        "settlement_batch_id" => maybe(of.batch_id.as_ref()),
        "currency" => text(&of.currency),
        "processor_authorization_code" => maybe(of.processor.authorization.as_ref()),
        "credit_card_unique_identifier" => text(&of.card.unique),
        "credit_card_card_type" => text(of.card.brand),
        "credit_card_cardholder_name" => maybe(of.card.holder.as_ref()),
        "status" => text(of.status.name()),
        "type" => text(of.kind.name()),
        "source" => text(source(of)),
        "merchant_account_id" => text(&of.merchant_account),
        "payment_instrument_type" => text(Transaction::instrument()),
        "created_using" => text(if of.token.is_some() { "token" } else { "full_information" }),
        "refund" => Field::Flag(of.refunded_id.is_some()),
        "amount" => Field::Amount(money::thousandths(of.amount, &of.currency)),
        "created_at" => Field::Time(Some(of.created_at)),
        "disbursement_date" => {
            Field::Time(of.disbursed_on.and_then(|day| day.and_hms_opt(0, 0, 0)).map(|t| t.and_utc()))
        }
        name => {
            name.strip_suffix("_at").and_then(stage).map_or(Field::Unknown, |status| Field::Time(entered(of, status)))
        }
    }
}

/// The state behind a range criterion (`settled_at`).
fn stage(name: &str) -> Option<Status> {
    Some(match name {
        "authorized" => Status::Authorized,
        "authorization_expired" => Status::AuthorizationExpired,
        "failed" => Status::Failed,
        "gateway_rejected" => Status::GatewayRejected,
        "processor_declined" => Status::ProcessorDeclined,
        "settled" => Status::Settled,
        "submitted_for_settlement" => Status::SubmittedForSettlement,
        "voided" => Status::Voided,
        _ => return None,
    })
}

fn entered(of: &Transaction, status: Status) -> Option<DateTime<Utc>> {
    of.entered(status)
}

/// `recurring` means the gateway's own subscriptions; those are not simulated yet.
fn source(of: &Transaction) -> &'static str {
    match of.history.first().map(|event| event.cause) {
        Some(Cause::ControlPanel) => "control_panel",
        Some(Cause::Api | Cause::Gateway) | None => "api",
    }
}
