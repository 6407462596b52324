//! Sign-ups of the platform's users: they become customers in Zoho CRM, on trial. And the ids by which a user is known
//! elsewhere.

use super::sagas::{Answered, idempotency_key, offered, settled};
use super::view::SagaView;
use crate::access::{Act, Actor};
use crate::http::{App, Problem};
use crate::intake::{NewUser, SignUpError};
use crate::store::links::links_of;
use crate::store::query;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use sagas::kernel::record::Record;
use sagas::kernel::tags::LeadSource;
use sagas::sign_up::Event;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Whoever signs up. What is personal is kept apart from the log and can be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignUpBody {
    /// The platform's id of its user: the same one is the same sign-up, whatever else is sent with it again
    platform_user: String,
    email: String,
    #[serde(default)]
    first_name: String,
    last_name: String,
    #[serde(default)]
    company: Option<String>,
    #[serde(default)]
    street: Option<String>,
    #[serde(default)]
    city: Option<String>,
    #[serde(default)]
    postal_code: Option<String>,
    #[serde(default)]
    state: Option<String>,
    /// ISO 3166 code: `DE`
    #[serde(default)]
    country: Option<String>,
    /// `website`, `whatsapp`, `referral` …
    #[serde(default)]
    lead_source: Option<String>,
    /// Zoho product id (the plan family) that is tried; absent: the one that is configured
    #[serde(default)]
    product: Option<String>,
    /// Days that the trial runs, 1 to 365; absent: as configured
    #[serde(default)]
    trial_days: Option<u32>,
}

/// Another end of a trial.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialBody {
    /// When it ends (UTC)
    ends_at: DateTime<Utc>,
    /// For the record
    reason: String,
}

/// A sign-up, and the ids by which its user is known elsewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SignUpView {
    /// The saga as it is now
    saga: SagaView,
    /// By system: `attio_person`, `zoho_contact`, `zoho_account`, `zoho_customer` …
    ids: BTreeMap<&'static str, String>,
}

/// Signs a user of the platform up for a trial
///
/// The user's id is the key: sent again it is the same sign-up, and nothing is made twice. The person is found in Attio by
/// the address or made there, becomes contact and account in Zoho CRM, and is on trial until it ends or is bought.
#[utoipa::path(post, path = "/signups", request_body = SignUpBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn sign_up(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    body: Result<Json<SignUpBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text())
            .hint("send `{\"platform_user\": \"<your id>\", \"email\": \"a@b.example\", \"last_name\": \"…\"}`")
    })?;
    let new = checked(body)?;
    let (saga, item) = app.acts.sign_ups().of_user(new, &actor.principal()).await.map_err(refused)?;
    settled(&app, saga, item).await
}

/// A sign-up, and the ids of its user
#[utoipa::path(get, path = "/signups/{id}", params(("id" = String, Path,
    description = "The platform's id of its user, or the id of the person's record in Attio")),
    responses((status = 200, body = SignUpView), (status = 404, body = Problem)))]
pub(super) async fn show(State(app): State<App>, Path(user): Path<String>) -> Result<Json<SignUpView>, Problem> {
    let pool = &app.store.pool;
    let saga = app.acts.sign_ups().find(&user).await.map_err(refused)?;
    let Some((line, events)) = query::saga(pool, saga).await? else {
        return Err(refused(SignUpError::Unknown(user)));
    };
    let mut ids = BTreeMap::new();
    if let Some(customer) = &line.customer {
        let held = links_of(pool, customer).await?;
        ids.extend(held.into_iter().map(|(kind, id)| (kind.as_str(), id)));
    }
    // One account is that of all who come from a domain: it is linked under an id of its own.
    for event in events.iter().filter(|event| event.name == "InCrm") {
        if let Ok(Record::Business(Event::InCrm { contact, account, .. })) = serde_json::from_str(&event.payload) {
            ids.extend([("zoho_contact", contact), ("zoho_account", account)]);
        }
    }
    Ok(Json(SignUpView { saga: line.into(), ids }))
}

/// Moves the end of a trial
///
/// Earlier, later, or at once where the time is past. A trial that is over begins anew only by somebody who may resume
/// sagas: that is the approval. The same `Idempotency-Key` has one effect.
#[utoipa::path(post, path = "/signups/{id}/trial",
    params(("id" = String, Path, description = "The platform's id of its user, or the id of the person's record in Attio"),
        ("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = TrialBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn move_trial(
    State(app): State<App>,
    Path(user): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<TrialBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text())
            .hint("send `{\"ends_at\": \"2026-12-24T00:00:00Z\", \"reason\": \"why\"}`")
    })?;
    if body.reason.trim().is_empty() {
        return Err(Problem::field("reason", "is empty: say why; it goes on record"));
    }
    let key = idempotency_key(&headers)?.ok_or_else(|| {
        Problem::field("idempotency-key", "is missing: without it a repeated order could not be told from a new one")
            .hint("send an id of your own as `Idempotency-Key`")
    })?;
    let (approved, principal) = (actor.may(Act::Steer).is_ok(), actor.principal());
    let moved = app.acts.sign_ups().move_trial(&user, body.ends_at, approved, (&principal, &body.reason), &key).await;
    let (saga, item) = moved.map_err(refused)?;
    settled(&app, saga, item).await
}

fn refused(error: SignUpError) -> Problem {
    match error {
        SignUpError::NoProduct => Problem::field("product", error.to_string())
            .hint("send the Zoho product id that is tried, or set TRIAL_PRODUCT"),
        SignUpError::Unknown(_) => Problem::not_found(error.to_string()),
        SignUpError::Offer(error) => offered(&error),
    }
}

/// What can be a sign-up.
fn checked(body: SignUpBody) -> Result<NewUser, Problem> {
    let visible = |text: &str| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if !visible(&body.platform_user) {
        return Err(Problem::field("platform_user", "expected 1 to 128 visible ASCII characters"));
    }
    let email = body.email.trim().to_owned();
    if email.len() > 254 || email.split_once('@').is_none_or(|(name, host)| name.is_empty() || !host.contains('.')) {
        return Err(Problem::field("email", "is no e-mail address"));
    }
    if body.last_name.trim().is_empty() {
        return Err(Problem::field("last_name", "is empty: Zoho CRM takes no contact without one"));
    }
    let texts = [&body.company, &body.street, &body.city, &body.postal_code, &body.state];
    let long = |text: &str| text.len() > 200;
    if texts.into_iter().flatten().any(|text| long(text)) || long(&body.first_name) || long(&body.last_name) {
        return Err(Problem::field("body", "a name or a part of the address is longer than 200 characters"));
    }
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic());
    if body.country.as_ref().is_some_and(|code| !is_code(code)) {
        return Err(Problem::field("country", "expected the two letters of ISO 3166, as in `DE`"));
    }
    if body.product.as_ref().is_some_and(|id| id.is_empty() || id.len() > 32 || !id.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err(Problem::field("product", "is no product id of Zoho's: expected 1 to 32 digits"));
    }
    if body.trial_days.is_some_and(|days| !(1..=365).contains(&days)) {
        return Err(Problem::field("trial_days", "expected 1 to 365"));
    }
    let filled = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    Ok(NewUser {
        user: body.platform_user,
        first_name: body.first_name.trim().to_owned(),
        last_name: body.last_name.trim().to_owned(),
        company: filled(body.company),
        email,
        street: filled(body.street),
        city: filled(body.city),
        postal_code: filled(body.postal_code),
        state: filled(body.state),
        country: filled(body.country).map(|code| code.to_ascii_uppercase()),
        lead_source: body.lead_source.as_deref().and_then(LeadSource::typed),
        product: body.product,
        trial_days: body.trial_days,
    })
}
