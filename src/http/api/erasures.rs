//! Persons who are erased: asked for by an admin, confirmed by another, held by a named case; and the certificate.

use super::sagas::{Answered, find, offered, order, refused, settled};
use crate::access::{Act, Actor};
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::intake::erasures::{DOCUMENTS_KEPT_DAYS, ErasureOrder, Word, said};
use crate::store::log::StoredEvent;
use crate::store::query;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use chrono::{DateTime, NaiveDate, Utc};
use sagas::erasure::{Law, Means};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The law under which a person asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum ErasureLaw {
    /// Europe's: done within 30 days
    Gdpr,
    /// California's: done within 45 days
    Ccpa,
}

/// By what it was made sure that it is the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum IdentityMeans {
    /// The person was signed in
    SignedIn,
    /// An answer came from the address on file
    KnownAddress,
    /// A document was seen, and not kept
    Document,
    /// A court or an authority wants it
    Authority,
}

impl From<ErasureLaw> for Law {
    fn from(law: ErasureLaw) -> Self {
        match law {
            ErasureLaw::Gdpr => Self::Gdpr,
            ErasureLaw::Ccpa => Self::Ccpa,
        }
    }
}

impl From<IdentityMeans> for Means {
    fn from(means: IdentityMeans) -> Self {
        match means {
            IdentityMeans::SignedIn => Self::SignedIn,
            IdentityMeans::KnownAddress => Self::KnownAddress,
            IdentityMeans::Document => Self::Document,
            IdentityMeans::Authority => Self::Authority,
        }
    }
}

/// An erasure.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErasureBody {
    /// Our customer id
    customer: String,
    law: ErasureLaw,
    /// When the person asked; the clock runs from that day
    received_on: NaiveDate,
    identity: IdentityMeans,
    /// Days for which tax law wants documents kept; absent: ten years
    #[serde(default)]
    documents_kept_days: Option<u32>,
    /// For the record, e.g. a ticket's number; not who it is
    reason: String,
}

/// A second person's word.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmBody {
    /// The preview that was looked at
    preview: u32,
    /// For the record
    reason: String,
}

/// Why something is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ErasureReason {
    /// For the record
    reason: String,
}

/// A named case.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldBody {
    /// The case's reference
    case: String,
    /// Its last day; absent: until it is lifted
    #[serde(default)]
    until: Option<NaiveDate>,
    /// For the record
    reason: String,
}

/// The certificate of an erasure: it names nobody.
#[derive(Debug, Serialize, ToSchema)]
pub struct CertificateView {
    /// What was certified
    #[schema(value_type = Object)]
    certificate: serde_json::Value,
    /// The event that holds it
    event: String,
    /// When it was written
    at: DateTime<Utc>,
}

type Body<T> = Result<Json<T>, JsonRejection>;

fn read<T>(body: Body<T>, hint: &str) -> Result<T, Problem> {
    body.map(|Json(body)| body).map_err(|e| Problem::field("body", e.body_text()).hint(hint))
}

/// Asks that a person be erased
///
/// Nothing goes yet: the saga looks the person up and waits in `Previewed` until another person confirms the preview. The
/// same `Idempotency-Key` is the same order.
#[utoipa::path(post, path = "/erasures",
    params(("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = ErasureBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn start(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Body<ErasureBody>,
) -> Answered {
    let hint = "send `{\"customer\": \"<our id>\", \"law\": \"gdpr\", \"received_on\": \"2026-11-20\", \"identity\": \"signed_in\", \"reason\": \"ticket 12\"}`";
    let body = read(body, hint)?;
    if body.customer.trim().is_empty() {
        return Err(Problem::field("customer", "is empty"));
    }
    let by = order(&headers, body.reason, &actor)?;
    if by.key.is_none() {
        let why = "is missing: without it a repeated order could not be told from a new one";
        return Err(Problem::field("idempotency-key", why).hint("send an id of your own as `Idempotency-Key`"));
    }
    let item = app.acts.erasure(ErasureOrder {
        customer: body.customer,
        law: body.law.into(),
        received_on: body.received_on,
        means: body.identity.into(),
        documents_kept_days: body.documents_kept_days.unwrap_or(DOCUMENTS_KEPT_DAYS),
        second_person: true,
        agreed_by: None,
        by,
    });
    let offer = app.store.offer(&item).await.map_err(|e| offered(&e))?;
    settled(&app, item.saga, offer).await
}

async fn tell(app: &App, actor: &Actor, headers: &HeaderMap, id: &str, word: Word, reason: String) -> Answered {
    let by = order(headers, reason, actor)?;
    let saga = find(app, id).await?;
    let item = said(&saga, word, by).map_err(|why| refused(&why, saga.id))?;
    let offer = app.store.offer(&item).await.map_err(|e| offered(&e))?;
    settled(app, item.saga, offer).await
}

/// A second person confirms the preview of an erasure: from here on it is carried out
#[utoipa::path(post, path = "/erasures/{id}/confirm", params(("id" = String, Path, description = "Saga id")),
    request_body = ConfirmBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn confirm(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Body<ConfirmBody>,
) -> Answered {
    actor.may_approve(Act::ErasePerson).map_err(|denied| refuse(&app, &denied))?;
    let body = read(body, "send `{\"preview\": 1, \"reason\": \"why\"}`")?;
    tell(&app, &actor, &headers, &id, Word::Confirm(body.preview), body.reason).await
}

/// Takes the wish for an erasure back, before anything is erased
#[utoipa::path(post, path = "/erasures/{id}/withdraw", params(("id" = String, Path, description = "Saga id")),
    request_body = ErasureReason,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn withdraw(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Body<ErasureReason>,
) -> Answered {
    let body = read(body, "send `{\"reason\": \"why\"}`")?;
    tell(&app, &actor, &headers, &id, Word::Withdraw, body.reason).await
}

/// A named case forbids an erasure for a time
#[utoipa::path(post, path = "/erasures/{id}/hold", params(("id" = String, Path, description = "Saga id")),
    request_body = HoldBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn hold(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Body<HoldBody>,
) -> Answered {
    let body = read(body, "send `{\"case\": \"case 12\", \"reason\": \"why\"}`")?;
    tell(&app, &actor, &headers, &id, Word::Hold(body.case, body.until), body.reason).await
}

/// The named case that forbids an erasure is over
#[utoipa::path(post, path = "/erasures/{id}/lift", params(("id" = String, Path, description = "Saga id")),
    request_body = ErasureReason,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn lift(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Body<ErasureReason>,
) -> Answered {
    let body = read(body, "send `{\"reason\": \"why\"}`")?;
    tell(&app, &actor, &headers, &id, Word::Lift, body.reason).await
}

/// The newest certificate of an erasure
#[utoipa::path(get, path = "/erasures/{id}/certificate", params(("id" = String, Path, description = "Saga id")),
    responses((status = 200, body = CertificateView), (status = 404, body = Problem)))]
pub(super) async fn certificate(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Json<CertificateView>, Problem> {
    let saga = find(&app, &id).await?;
    let (_, events) = query::saga(&app.store.pool, saga.id).await?.unwrap_or((saga, Vec::new()));
    let missing = || Problem::not_found("nothing is certified: the erasure is not done, or it is no erasure");
    newest(events).map(Json).ok_or_else(missing)
}

/// The newest certificate of a history; none: nothing is certified yet.
pub fn newest(events: Vec<StoredEvent>) -> Option<CertificateView> {
    let event = events.into_iter().rev().find(|event| event.name == "ErasureCertified")?;
    let payload: serde_json::Value = serde_json::from_str(&event.payload).ok()?;
    let certificate = payload.pointer("/business/certificate")?.clone();
    Some(CertificateView { certificate, event: event.id.to_string(), at: event.at })
}
