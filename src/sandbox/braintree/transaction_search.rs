//! Transaction search. On order it omits the youngest transactions, as a search index that lags behind does; finding one
//! by its id is not affected.

use super::call::Call;
use super::money;
use super::reply::Reply;
use super::search::{self, Field, Refusal};
use super::state::State;
use super::transaction::{Status, Transaction};
use super::{settlement, show};
use crate::World;
use crate::faults::Vendor;
use axum::extract::State as Shared;
use std::sync::Arc;

/// `POST /transactions/advanced_search_ids`.
pub(super) async fn ids(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let now = world.clock.now();
    let sight = world.faults.sight(Vendor::Braintree, "transaction.search", &call.text, now);
    let state = settlement::open(&world, now);
    search::ids(sight, found(&state, &call), |t| &t.id, |t| t.created_at)
}

/// `POST /transactions/advanced_search`.
pub(super) async fn page(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let state = settlement::open(&world, world.clock.now());
    search::page("credit-card-transactions", "transaction", found(&state, &call), show::transaction)
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
        "customer_fax" => person("fax"),
        "customer_website" => person("website"),
        "payment_method_token" => maybe(of.token.as_ref()),
        "settlement_batch_id" => maybe(of.batch_id.as_ref()),
        "currency" => text(&of.currency),
        "processor_authorization_code" => maybe(of.processor.authorization.as_ref()),
        "credit_card_unique_identifier" => text(&of.card.unique),
        "credit_card_card_type" => text(of.card.brand),
        "credit_card_cardholder_name" => maybe(of.card.holder.as_ref()),
        "status" => text(of.status.name()),
        "type" => text(of.kind.name()),
        "source" => text(of.origin()),
        "user" => Field::Text(of.history.first().and_then(|event| event.cause.user()).map(str::to_owned)),
        "reason_code" => Field::Texts(of.disputes.iter().map(|d| d.reason_code.clone()).collect()),
        "acquirer_reference_number" => Field::Text(of.acquirer_reference().map(str::to_owned)),
        "credit_card_expiration_date" => text(&format!("{}/{}", of.card.month, of.card.year)),
        "credit_card_number" => Field::Cards(vec![(&of.card).into()]),
        "credit_card_customer_location" => text("us"),
        "merchant_account_id" => text(&of.merchant_account),
        "payment_instrument_type" => text(Transaction::instrument()),
        "created_using" => text(if of.token.is_some() { "token" } else { "full_information" }),
        "refund" => Field::Flag(of.refunded_id.is_some()),
        "amount" => Field::Amount(Some(money::thousandths(of.amount, &of.currency))),
        "created_at" => Field::Time(Some(of.created_at)),
        "disbursement_date" => Field::Day(of.disbursed_on),
        "dispute_date" => Field::Day(of.disputes.last().map(|d| d.received_on)),
        name => other(of, name),
    }
}

/// The addresses as they were sent, and the states by the time they were entered.
fn other(of: &Transaction, name: &str) -> Field {
    for address in ["billing", "shipping"] {
        if let Some(part) = name.strip_prefix(address).and_then(|rest| rest.strip_prefix('_')) {
            let own = of.as_sent.get(address).and_then(|sent| sent.get(part)).and_then(serde_json::Value::as_str);
            return Field::Text(own.map(str::to_owned));
        }
    }
    name.strip_suffix("_at").and_then(stage).map_or(Field::Unknown, |status| Field::Time(of.entered(status)))
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
