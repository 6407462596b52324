//! Subscriptions that are ended, and endings that are taken back, by another program or an operator; and the choice of
//! what happens with the money.

use super::sagas::{Answered, find, offered, order, refused, settled};
use crate::access::{Act, Actor};
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::intake::{EndingError, EndingOrder, Named, choose};
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use sagas::cancellation::{Choice, GiveBack, OpenInvoices, Wish};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What shall become of the subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum EndingAct {
    /// It ends at once
    CancelNow,
    /// It ends with the term that is paid for
    CancelAtEnd,
    /// It goes on: an ending that has not come is taken back
    Reactivate,
}

impl From<EndingAct> for Wish {
    fn from(act: EndingAct) -> Self {
        match act {
            EndingAct::CancelNow => Self::CancelNow,
            EndingAct::CancelAtEnd => Self::CancelAtEnd,
            EndingAct::Reactivate => Self::Reactivate,
        }
    }
}

/// What happens with invoices that are still owed. There is no default: what is not chosen is asked once it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum OpenInvoicesChoice {
    /// They are collected all the same
    Collect,
    /// They are voided
    Void,
    /// They are written off, once a second person chooses the same
    WriteOff,
}

impl From<OpenInvoicesChoice> for OpenInvoices {
    fn from(choice: OpenInvoicesChoice) -> Self {
        match choice {
            OpenInvoicesChoice::Collect => Self::Collect,
            OpenInvoicesChoice::Void => Self::Void,
            OpenInvoicesChoice::WriteOff => Self::WriteOff,
        }
    }
}

/// What happens with what was paid for time that is not used any more. There is no default. Nothing is given back by it:
/// it is proposed to finance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum GiveBackChoice {
    /// It stays paid
    Nothing,
    /// The unused part goes back
    Prorated,
    /// All of it goes back
    Full,
    /// It becomes the customer's credit
    Credit,
}

impl From<GiveBackChoice> for GiveBack {
    fn from(choice: GiveBackChoice) -> Self {
        match choice {
            GiveBackChoice::Nothing => Self::Nothing,
            GiveBackChoice::Prorated => Self::Prorated,
            GiveBackChoice::Full => Self::Full,
            GiveBackChoice::Credit => Self::Credit,
        }
    }
}

/// Both choices, as far as they are made.
pub fn choice(open_invoices: Option<OpenInvoicesChoice>, give_back: Option<GiveBackChoice>) -> Choice {
    Choice { open_invoices: open_invoices.map(Into::into), give_back: give_back.map(Into::into) }
}

/// An ending, or that one is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancellationBody {
    /// Record id of the object `subscriptions` in Attio; or else `zoho_subscription`
    #[serde(default)]
    record: Option<String>,
    /// Zoho subscription id; or else `record`
    #[serde(default)]
    zoho_subscription: Option<String>,
    act: EndingAct,
    #[serde(default)]
    open_invoices: Option<OpenInvoicesChoice>,
    #[serde(default)]
    give_back: Option<GiveBackChoice>,
    /// For the record, and for people in Attio
    reason: String,
}

/// A choice.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChoiceBody {
    #[serde(default)]
    open_invoices: Option<OpenInvoicesChoice>,
    #[serde(default)]
    give_back: Option<GiveBackChoice>,
    /// For the record
    reason: String,
}

/// Ends a subscription, or takes an ending back
///
/// The same `Idempotency-Key` is the same order. What is not chosen and turns out to matter parks the saga under
/// `MONEY_DECISION` once the subscription is cancelled. Who may end a subscription and not decide on money leaves the
/// choices out.
#[utoipa::path(post, path = "/cancellations",
    params(("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = CancellationBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<CancellationBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text())
            .hint("send `{\"record\": \"<id in Attio>\", \"act\": \"cancel_at_end\", \"reason\": \"why\"}`")
    })?;
    let named = named(body.record, body.zoho_subscription)?;
    let choice = choice(body.open_invoices, body.give_back);
    if choice != Choice::default() {
        actor.may(Act::ChooseMoney).map_err(|denied| refuse(&app, &denied))?;
    }
    let by = order(&headers, body.reason, &actor)?;
    if by.key.is_none() {
        let why = "is missing: without it a repeated order could not be told from a new one";
        return Err(Problem::field("idempotency-key", why).hint("send an id of your own as `Idempotency-Key`"));
    }
    let ordered = app.acts.order_ending(EndingOrder { named, wish: body.act.into(), choice, by }).await;
    let (saga, item) = ordered.map_err(|error| match error {
        EndingError::Offer(error) => offered(&error),
        unknown @ EndingError::Unknown(_) => Problem::not_found(unknown.to_string()),
    })?;
    settled(&app, saga, item).await
}

/// Chooses what happens with the money of a subscription that was cancelled
///
/// A write-off needs two persons: the second one sends the same choice.
#[utoipa::path(post, path = "/cancellations/{id}/choice", params(("id" = String, Path, description = "Saga id")),
    request_body = ChoiceBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn decide_money(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<ChoiceBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"open_invoices\": \"collect\", \"reason\": \"why\"}`")
    })?;
    let by = order(&headers, body.reason, &actor)?;
    let saga = find(&app, &id).await?;
    let item = choose(&saga, choice(body.open_invoices, body.give_back), by).map_err(|why| refused(&why, saga.id))?;
    let offer = app.store.offer(&item).await.map_err(|e| offered(&e))?;
    settled(&app, item.saga, offer).await
}

/// By what the subscription is named: exactly one way.
pub(super) fn named(record: Option<String>, zoho: Option<String>) -> Result<Named, Problem> {
    match (record, zoho) {
        (Some(record), None) if Uuid::try_parse(&record).is_ok() => Ok(Named::Record(record)),
        (Some(record), None) => {
            Err(Problem::field("record", format!("`{record}` is no record id: expected a UUID as Attio shows it")))
        }
        (None, Some(id)) if (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(Named::Zoho(id))
        }
        (None, Some(id)) => {
            Err(Problem::field("zoho_subscription", format!("`{id}` is no id of Zoho's: expected 1 to 32 digits")))
        }
        (None, None) | (Some(_), Some(_)) => {
            Err(Problem::field("record", "name the subscription by `record` or by `zoho_subscription`, not by both"))
        }
    }
}
