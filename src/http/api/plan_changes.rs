//! What a change of a running subscription would cost, its acceptance, and what became of it.

use super::cancellations::named;
use super::sagas::{Answered, find, idempotency_key, offered, order, refused, settled};
use crate::access::{Act, Actor};
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::intake::{EndingError, PlanOrder, accept, call_off};
use crate::store::saga_store;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use sagas::kernel::money::Money;
use sagas::plan_change::{Basis, Consent, Effective, PlanChange, View, Wanted, view};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What shall be sold, as the whole list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanChangeBody {
    /// Record id of the object `subscriptions` in Attio; or else `zoho_subscription`
    #[serde(default)]
    record: Option<String>,
    /// Zoho subscription id; or else `record`
    #[serde(default)]
    zoho_subscription: Option<String>,
    /// Plan code; absent, as all below: what the record asks for
    #[serde(default)]
    plan: Option<String>,
    /// Of the plan; absent: one
    #[serde(default)]
    quantity: Option<u32>,
    /// Codes of all add-ons that shall be sold; one that is not named is taken off
    #[serde(default)]
    addons: Vec<String>,
    /// Coupon code to put on it; absent: the present one is left
    #[serde(default)]
    coupon: Option<String>,
    /// True: when the present term ends. Absent: at once what costs more, when the term ends what costs less
    #[serde(default)]
    at_end: Option<bool>,
}

/// The customer's acceptance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AcceptanceBody {
    /// The hash of what the customer saw: of the preview, or of the demand
    hash: String,
    /// Version of the consent's text that the customer accepted
    consent_version: String,
    /// The contract in which the customer agreed to such changes, for who accepts in the customer's place: a number or a link, no
    /// personal data
    #[serde(default)]
    contract: Option<String>,
}

/// Why it is called off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelPlanBody {
    /// For the record
    reason: String,
}

/// An amount of minor units.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AmountView {
    minor: i64,
    /// ISO 4217
    currency: &'static str,
}

impl From<Money> for AmountView {
    fn from(money: Money) -> Self {
        Self { minor: money.minor, currency: money.currency.code() }
    }
}

/// One line of the estimate.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanLineView {
    text: String,
    amount: AmountView,
}

/// Our estimate of what the change costs; what is charged is what the invoice says, at most the ceiling.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PreviewView {
    /// What would be sold
    plan: String,
    quantity: u32,
    addons: Vec<String>,
    coupon: Option<String>,
    /// `now`, `term_end`, `withdrawal`
    effective: &'static str,
    /// Day on which it takes effect
    effective_on: String,
    /// Credit and charges of now
    lines: Vec<PlanLineView>,
    due_now: AmountView,
    /// The most that is charged now
    ceiling: AmountView,
    tax_known: bool,
    /// What each later term costs
    renewal: AmountView,
    /// Day of the next charge
    renews_on: String,
    /// Good until (RFC 3339, UTC)
    expires_at: String,
    /// Version of the consent's text that is to be accepted with it
    consent_version: String,
    /// What is accepted
    hash: String,
}

/// What Zoho asks for above the ceiling.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DemandView {
    /// Zoho's number of the invoice
    invoice: String,
    asks: AmountView,
    accepted: AmountView,
    /// Awaited until (RFC 3339, UTC)
    until: String,
    /// What is accepted
    hash: String,
}

/// A plan change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanChangeView {
    /// Saga id
    id: String,
    /// Where it stands
    state: &'static str,
    /// Absent while it is being reckoned
    preview: Option<PreviewView>,
    /// The preview can be accepted
    acceptable: bool,
    /// Has to be accepted beside what was accepted before
    demand: Option<DemandView>,
    /// Why it was refused or failed
    reason: String,
    /// What to do then
    cure: String,
}

impl PlanChangeView {
    fn of(id: String, seen: View) -> Self {
        let preview = seen.preview.map(|preview| PreviewView {
            plan: preview.wanted.plan,
            quantity: preview.wanted.quantity,
            addons: preview.wanted.addons,
            coupon: preview.wanted.coupon,
            effective: match preview.effective {
                Effective::Now => "now",
                Effective::TermEnd => "term_end",
                Effective::Withdrawal => "withdrawal",
            },
            effective_on: preview.effective_on.to_string(),
            lines: preview
                .lines
                .into_iter()
                .map(|line| PlanLineView { text: line.text, amount: line.net.into() })
                .collect(),
            due_now: preview.due_now.into(),
            ceiling: preview.ceiling.into(),
            tax_known: preview.tax_known,
            renewal: preview.renewal.into(),
            renews_on: preview.renews_on.to_string(),
            expires_at: preview.expires_at.to_rfc3339(),
            consent_version: preview.consent_version,
            hash: preview.hash,
        });
        let demand = seen.demand.map(|demand| DemandView {
            invoice: demand.number,
            asks: demand.balance.into(),
            accepted: demand.ceiling.into(),
            until: demand.until.to_rfc3339(),
            hash: demand.hash,
        });
        let View { state, acceptable, reason, cure, .. } = seen;
        Self { id, state, preview, acceptable, demand, reason, cure }
    }
}

/// Asks what a change of a running subscription would cost
///
/// Nothing changes before the preview was accepted. The same `Idempotency-Key` is the same order. Look at the preview with
/// `GET /plan-changes/{id}`.
#[utoipa::path(post, path = "/plan-changes",
    params(("idempotency-key" = String, Header, description = "1 to 200 visible characters")),
    request_body = PlanChangeBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn ask(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<PlanChangeBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"record\": \"<id in Attio>\", \"plan\": \"<code>\"}`")
    })?;
    let key = idempotency_key(&headers)?.ok_or_else(|| {
        Problem::field("idempotency-key", "is missing: without it a repeated order could not be told from a new one")
            .hint("send an id of your own as `Idempotency-Key`")
    })?;
    let PlanChangeBody { record, zoho_subscription, plan, quantity, addons, coupon, at_end } = body;
    let asks_record = record.is_some() && quantity.is_none() && addons.is_empty() && coupon.is_none();
    let named = named(record, zoho_subscription)?;
    let wanted = match plan {
        Some(plan) => Some(Wanted { plan, quantity: quantity.unwrap_or(1), addons, coupon }),
        None if asks_record => None,
        None => return Err(Problem::field("plan", "is missing: name the whole list of what shall be sold")),
    };
    let ordered = app.acts.order_plan(PlanOrder { named, wanted, at_end, by: actor.principal(), key }).await;
    let (saga, item) = ordered.map_err(|error| match error {
        EndingError::Offer(error) => offered(&error),
        unknown @ EndingError::Unknown(_) => Problem::not_found(unknown.to_string()),
    })?;
    settled(&app, saga, item).await
}

/// Shows a plan change: its preview, or what became of it
#[utoipa::path(get, path = "/plan-changes/{id}", params(("id" = String, Path, description = "Saga id")),
    responses((status = 200, body = PlanChangeView), (status = 404, body = Problem)))]
pub(super) async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Json<PlanChangeView>, Problem> {
    let line = find(&app, &id).await?;
    if line.kind != <PlanChange as sagas::kernel::saga::Saga>::NAME {
        return Err(Problem::not_found(format!("saga {} is a {}", line.id, line.kind)));
    }
    let shard = line.id.shard(app.store.node.shard_count());
    let loaded = saga_store::load::<PlanChange>(&app.store.pool, shard, line.id).await.map_err(|e| {
        tracing::error!(saga = %line.id, error = %e, "a plan change cannot be read");
        Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "unreadable", "it cannot be read now")
    })?;
    Ok(Json(PlanChangeView::of(line.id.to_string(), view(&loaded.saga.business))))
}

/// Says that the customer accepts a preview, or a higher sum
///
/// Who shows the preview to the customer says so for the customer. Everybody else names the contract in which the customer agreed
/// to such changes; it goes on record. A preview that is too old is made anew and accepted by nobody.
#[utoipa::path(post, path = "/plan-changes/{id}/acceptance", params(("id" = String, Path, description = "Saga id")),
    request_body = AcceptanceBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(super) async fn acceptance(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<AcceptanceBody>, JsonRejection>,
) -> Answered {
    let Json(AcceptanceBody { hash, consent_version, contract }) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"hash\": \"…\", \"consent_version\": \"…\"}`")
    })?;
    let (act, basis) = match contract.map(|reference| reference.trim().to_owned()) {
        None => (Act::AcceptForCustomer, Basis::Customer),
        Some(reference) if (1..=200).contains(&reference.len()) => (Act::ChangePlan, Basis::Contract { reference }),
        Some(_) => return Err(Problem::field("contract", "expected 1 to 200 characters that name the contract")),
    };
    actor.may(act).map_err(|denied| refuse(&app, &denied))?;
    let by = order(&headers, "accepted".to_owned(), &actor)?;
    let saga = find(&app, &id).await?;
    let consent = Consent { version: consent_version, at: app.clock.now(), evidence: None };
    let item = accept(&saga, hash, consent, basis, by).map_err(|why| refused(&why, saga.id))?;
    let offer = app.store.offer(&item).await.map_err(|e| offered(&e))?;
    settled(&app, item.saga, offer).await
}

/// Calls a plan change off, or says that the customer does not accept a higher sum
///
/// What Zoho has changed is not changed back.
#[utoipa::path(post, path = "/plan-changes/{id}/cancel", params(("id" = String, Path, description = "Saga id")),
    request_body = CancelPlanBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn cancel(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(actor): Extension<Actor>,
    headers: HeaderMap,
    body: Result<Json<CancelPlanBody>, JsonRejection>,
) -> Answered {
    let Json(body) = body.map_err(|e| Problem::field("body", e.body_text()).hint("send `{\"reason\": \"why\"}`"))?;
    let by = order(&headers, body.reason, &actor)?;
    let saga = find(&app, &id).await?;
    let item = call_off(&saga, by).map_err(|why| refused(&why, saga.id))?;
    let offer = app.store.offer(&item).await.map_err(|e| offered(&e))?;
    settled(&app, item.saga, offer).await
}
