//! Tokens: who holds which, made, approved, revoked. A token's text is in one answer only, that of its making.

use super::requests::request_id;
use crate::access::{Act, Actor, Addresses, Holder, Role};
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::store::approvals;
use crate::store::tokens::{self, NewToken, Token, TokenError};
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A token, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenView {
    id: Uuid,
    /// Who holds it: orders are on record as `token:<name>`
    name: String,
    /// `person` or `program`
    holder: &'static str,
    /// `viewer`, `support`, `finance`, `finance_approver`, `operator`, `admin`, `auditor`, `platform`
    role: &'static str,
    /// From where it may be used; empty: from anywhere
    addresses: Vec<String>,
    /// `waiting` (for a second person), `live`, `expired`, `revoked`
    state: String,
    reason: String,
    created_by: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    approved_by: Option<String>,
    approved_at: Option<DateTime<Utc>>,
    /// To the minute
    last_used_at: Option<DateTime<Utc>>,
    revoked_by: Option<String>,
    revoked_at: Option<DateTime<Utc>>,
    revoke_reason: Option<String>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            holder: token.holder.as_str(),
            role: token.role.as_str(),
            addresses: token.addresses,
            state: token.state,
            reason: token.reason,
            created_by: token.created_by,
            created_at: token.created_at,
            expires_at: token.expires_at,
            approved_by: token.approved_by,
            approved_at: token.approved_at,
            last_used_at: token.last_used_at,
            revoked_by: token.revoked_by,
            revoked_at: token.revoked_at,
            revoke_reason: token.revoke_reason,
        }
    }
}

/// A token that was just made.
#[derive(Serialize, ToSchema)]
pub(super) struct MadeToken {
    /// Its text; it is shown in this answer and never again
    token: String,
    #[serde(flatten)]
    view: TokenView,
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    /// Who will hold it: lower-case letters, digits, `.`, `_`, `-`, `@`
    name: String,
    /// `person` or `program`
    holder: String,
    /// What it is for: one role, or `platform`
    role: String,
    /// For how many days, 1 to 365
    days: u16,
    /// Addresses and ranges from which it may be used, e.g. `10.0.0.0/8`; absent: from anywhere
    #[serde(default)]
    addresses: Vec<String>,
    /// For the record
    reason: String,
}

/// Every token there ever was, the youngest first
#[utoipa::path(get, path = "/tokens", responses((status = 200, body = [TokenView])))]
pub(super) async fn list(State(app): State<App>) -> Result<Json<Vec<TokenView>>, Problem> {
    let all = tokens::list(&app.store.pool).await?;
    Ok(Json(all.into_iter().map(TokenView::from).collect()))
}

/// Makes a token
///
/// Its text is in this answer and nowhere else. Where approvals are required it waits for another admin, who must be a
/// person, if there is one. Nobody makes a token for themselves.
#[utoipa::path(post, path = "/tokens", request_body = TokenBody,
    responses((status = 201, body = MadeToken), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    body: Result<Json<TokenBody>, JsonRejection>,
) -> Result<impl IntoResponse, Problem> {
    let hint =
        "send `{\"name\": \"ada\", \"holder\": \"person\", \"role\": \"operator\", \"days\": 90, \"reason\": \"why\"}`";
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint(hint))?;
    let words = |all: Vec<&'static str>| format!("expected one of {}", all.join(", "));
    let role =
        Role::parse(&body.role).ok_or_else(|| Problem::field("role", words(Role::ALL.map(Role::as_str).to_vec())))?;
    let holder = Holder::parse(&body.holder)
        .ok_or_else(|| Problem::field("holder", words(Holder::ALL.map(Holder::as_str).to_vec())))?;
    let addresses = Addresses::parse(&body.addresses).map_err(|e| Problem::field("addresses", e))?;
    let new = NewToken {
        name: body.name,
        holder,
        role,
        addresses,
        days: body.days,
        reason: said(body.reason)?,
        by: actor.principal(),
    };
    let pool = &app.store.pool;
    let two_persons = !approvals::policy(pool).await?.is_empty();
    let (id, secret) = tokens::create(pool, &new, two_persons).await.map_err(|e| not_done(&e))?;
    let view = tokens::find(pool, id).await.map_err(|e| not_done(&e))?.into();
    // Nothing between us and its holder keeps it.
    let unkept = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, unkept, Json(MadeToken { token: secret.expose_secret().to_owned(), view })))
}

/// A second admin agrees to a token: from now on it opens something
#[utoipa::path(post, path = "/tokens/{id}/approve", params(("id" = Uuid, Path)),
    responses((status = 200, body = TokenView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn approve(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<TokenView>, Problem> {
    actor.may_approve(Act::ManageTokens).map_err(|denied| refuse(&app, &denied))?;
    let token = tokens::approve(&app.store.pool, request_id(&id)?, &actor.principal()).await;
    Ok(Json(token.map_err(|e| not_done(&e))?.into()))
}

/// Why a token is revoked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RevokeQuery {
    /// For the record
    reason: String,
}

/// Takes a token back: from now on it opens nothing, on any node
///
/// One admin does this alone, since it only takes away; never with the token's own holder.
#[utoipa::path(delete, path = "/tokens/{id}", params(("id" = Uuid, Path), RevokeQuery),
    responses((status = 200, body = TokenView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn revoke(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    query: Result<Query<RevokeQuery>, QueryRejection>,
) -> Result<Json<TokenView>, Problem> {
    let Query(query) = query.map_err(|e| Problem::field("reason", e.body_text()).hint("add `?reason=why`"))?;
    let (id, reason) = (request_id(&id)?, said(query.reason)?);
    let token = tokens::revoke(&app.store.pool, id, &actor.principal(), &reason).await;
    Ok(Json(token.map_err(|e| not_done(&e))?.into()))
}

fn said(reason: String) -> Result<String, Problem> {
    if reason.trim().is_empty() {
        return Err(Problem::field("reason", "is empty: say why; it goes on record"));
    }
    Ok(reason)
}

fn not_done(error: &TokenError) -> Problem {
    let hint = "GET /api/v1/tokens shows every token";
    let conflict = |code| Problem::new(StatusCode::CONFLICT, code, error.to_string()).hint(hint);
    match error {
        TokenError::Name(_) => Problem::field("name", error),
        TokenError::Days(_) => Problem::field("days", error),
        TokenError::OtherHolder(_) => conflict("other_holder"),
        TokenError::Oneself(_) => conflict("oneself"),
        TokenError::SamePerson { .. } => conflict("same_person"),
        TokenError::State { .. } => conflict("closed"),
        TokenError::Unknown(_) => Problem::not_found(error.to_string()).hint(hint),
        TokenError::Store(e) => Problem::store(e),
    }
}
