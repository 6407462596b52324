//! Orders of operators to one saga, and what would follow from them.

use super::sagas::{Answered, find, offered, order as checked, refused, requested, settled};
use super::view::{self, Amount};
use crate::access::{Act, Actor};
use crate::engine::orders::{self, GiveError, Given, NewOrder};
use crate::engine::preview::{self, PreviewError};
use crate::http::auth::refuse;
use crate::http::{App, Problem};
use crate::intake::operator::Order as By;
use crate::store::approvals;
use crate::store::query::SagaLine;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::verb::{Order, Supplied, Verb};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A verb.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "verb", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum VerbBody {
    /// A parked or paused saga goes on
    Resume,
    /// What waits to be tried again is tried now; refused while an outcome is unknown
    Retry,
    /// No new call is sent until it is resumed; look-ups go on
    Pause,
    /// A step is taken as done without being made; never the one that decides about the money
    Skip {
        /// The step's name, as the saga shows it
        step: String,
        /// The vendor's own id of what was done, read there first; needed where money moves
        #[serde(default)]
        reference: Option<String>,
        /// What the vendor would have answered, where no money moves
        #[serde(default)]
        result: Option<Value>,
    },
    /// A call whose outcome is unknown was done
    DeclareDone {
        /// The vendor's own id of it, read there first
        reference: String,
    },
    /// A call whose outcome is unknown was not done; looked up first, and refused without the proof
    DeclareNotDone,
    /// All that was done is undone; refused once the money was taken
    Compensate,
    /// It is given up; refused while anything of it is half done
    Abandon,
    /// What is waited for comes at another time, at most 30 days from now
    MoveDue {
        /// When (UTC)
        to: DateTime<Utc>,
    },
}

impl VerbBody {
    fn verb(self) -> Result<Verb, Problem> {
        Ok(match self {
            Self::Resume => Verb::Resume,
            Self::Retry => Verb::Retry,
            Self::Pause => Verb::Pause,
            Self::Skip { step, reference, result } => Verb::Skip { step, result: supplied(reference, result)? },
            Self::DeclareDone { reference } => Verb::DeclareDone { reference },
            Self::DeclareNotDone => Verb::DeclareNotDone,
            Self::Compensate => Verb::Compensate,
            Self::Abandon => Verb::Abandon,
            Self::MoveDue { to } => Verb::MoveDue { to },
        })
    }
}

fn supplied(reference: Option<String>, result: Option<Value>) -> Result<Supplied, Problem> {
    match (reference, result) {
        (Some(reference), None) => Ok(Supplied::Reference { reference }),
        (None, result) => read_answer(result).map_err(|e| Problem::field("result", e)),
        (Some(_), Some(_)) => Err(Problem::field("reference", "name either a `reference` or a `result`")),
    }
}

/// A supplied result; none: there is nothing more to say than that it was done.
///
/// # Errors
/// It is no answer that this release knows.
pub fn read_answer(result: Option<Value>) -> Result<Supplied, String> {
    let result = result.unwrap_or_else(|| serde_json::json!({"answer": "nothing"}));
    let answer =
        serde_json::from_value(result).map_err(|e| format!("is no answer, e.g. {{\"answer\": \"nothing\"}}: {e}"))?;
    Ok(Supplied::Answer { answer: Box::new(answer) })
}

/// An order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderBody {
    order: VerbBody,
    /// For the record
    reason: String,
    /// Only while the saga has so many events: `sequence` of the preview
    #[serde(default)]
    if_sequence: Option<u64>,
}

/// What would follow from an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewView {
    /// How many events the saga has: send it as `if_sequence`, so that the order is refused once it has moved on
    sequence: u64,
    /// The order waits for a second person
    second_person: bool,
    /// What is read at the vendor before the order is obeyed, and taken for granted here
    provided: Option<String>,
    /// Why the order would be refused
    refused: Option<String>,
    /// The events that would be written
    events: Vec<EventPreview>,
    /// Lines of the ledger
    postings: Vec<PostingPreview>,
    /// Claims and counters that change
    claims: Vec<String>,
    /// `calls`, `waits`, `parked`, `ended`
    then: &'static str,
    next_call: Option<CallPreview>,
}

/// An event that would be written.
#[derive(Debug, Serialize, ToSchema)]
struct EventPreview {
    name: String,
    /// One line for people
    summary: String,
}

/// A line of the ledger that would be written.
#[derive(Debug, Serialize, ToSchema)]
struct PostingPreview {
    /// `CAPTURE`, `APPLY` …
    rule: &'static str,
    account: u16,
    /// `debit` or `credit`
    side: &'static str,
    amount: Amount,
}

/// The call that would be made next.
#[derive(Debug, Serialize, ToSchema)]
struct CallPreview {
    step: String,
    /// It undoes the step
    undo: bool,
    /// `braintree.sell` …
    operation: &'static str,
    /// `repeatable`, `chosen_id`, `set`, `searchable`
    exactly_once: &'static str,
    /// Our reference in it
    reference: Option<String>,
    /// It is looked up before it is sent
    looked_up_first: bool,
    /// Not before (UTC)
    not_before: Option<DateTime<Utc>>,
}

impl PreviewView {
    /// A preview for people and programs.
    pub fn new(preview: preview::Preview, second_person: bool) -> Self {
        let event = |(name, payload): (String, String)| {
            let payload: Value = serde_json::from_str(&payload).unwrap_or(Value::Null);
            EventPreview { summary: view::summary(&name, &payload), name }
        };
        Self {
            sequence: preview.sequence,
            second_person,
            provided: preview.provided,
            refused: preview.refused,
            events: preview.events.into_iter().map(event).collect(),
            postings: preview
                .postings
                .into_iter()
                .map(|p| PostingPreview { rule: p.rule, account: p.account, side: p.side, amount: p.amount.into() })
                .collect(),
            claims: preview.claims.into_iter().map(|(what, which)| format!("{what}: {which}")).collect(),
            then: preview.then,
            next_call: preview.next.map(|call| CallPreview {
                step: call.step,
                undo: call.undo,
                operation: call.operation,
                exactly_once: call.exactly_once,
                reference: call.reference,
                looked_up_first: call.looked_up_first,
                not_before: call.not_before,
            }),
        }
    }

    /// Lines for a terminal.
    pub fn lines(&self) -> Vec<String> {
        if let Some(why) = &self.refused {
            return vec![format!("it would be refused: {why}")];
        }
        let mut lines = vec![format!("the saga has {} events; these would follow:", self.sequence)];
        lines.extend(self.events.iter().map(|event| format!("  {}  {}", event.name, event.summary)));
        lines.extend(self.postings.iter().map(|p| {
            format!(
                "  ledger: {} {} {} {} {} (minor units)",
                p.rule, p.side, p.account, p.amount.minor, p.amount.currency
            )
        }));
        lines.extend(self.claims.iter().map(|claim| format!("  {claim}")));
        lines.push(match &self.next_call {
            Some(call) => {
                let undo = if call.undo { "undo of " } else { "" };
                let look = if call.looked_up_first { ", looked up first" } else { "" };
                let reference = call.reference.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
                format!("then: {}{}: {}{reference}, {}{look}", undo, call.step, call.operation, call.exactly_once)
            }
            None => format!("then: {}, no call", self.then),
        });
        lines.extend(
            self.provided.as_ref().map(|what| format!("provided that {what}; it is read before this is obeyed")),
        );
        if self.second_person {
            lines.push("it waits for a second person first".to_owned());
        }
        lines
    }
}

/// An order to be given.
pub(super) fn new(
    verb: Verb,
    principal: String,
    reason: String,
    if_sequence: Option<u64>,
    key: Option<String>,
) -> NewOrder {
    NewOrder { order: Order { verb, principal, reason, approver: None, bulk: false }, if_sequence, key }
}

/// Gives an order and waits until its saga has looked at it, or says that a second person is asked.
pub(super) async fn given(app: &App, saga: &SagaLine, order: NewOrder) -> Answered {
    match orders::give(&app.store.pool, app.store.node.shard_count(), saga, order).await {
        Ok(Given::Item(item)) => settled(app, saga.id, item).await,
        Ok(Given::Request(request)) => Ok(requested(saga.clone(), request)),
        Err(e) => Err(not_given(&e, Some(saga.id))),
    }
}

/// An order that was not taken.
pub(super) fn not_given(error: &GiveError, saga: Option<SagaId>) -> Problem {
    match (error, saga) {
        (GiveError::Store(e), _) => Problem::store(e),
        (GiveError::Offer(e), _) => offered(e),
        (GiveError::Stale { .. }, Some(saga)) => Problem { code: "stale", ..refused(&error.to_string(), saga) },
        (GiveError::NotForMany(_) | GiveError::Nobody | GiveError::TooMany(_) | GiveError::Stale { .. }, _) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_for_many", error.to_string())
        }
    }
}

fn read(body: Result<Json<OrderBody>, JsonRejection>) -> Result<OrderBody, Problem> {
    let Json(body) = body.map_err(|e| {
        Problem::field("body", e.body_text()).hint("send `{\"order\": {\"verb\": \"retry\"}, \"reason\": \"why\"}`")
    })?;
    Ok(body)
}

/// Orders something of a saga
///
/// A verb that needs a second person becomes a request. The same `Idempotency-Key` has one effect.
#[utoipa::path(post, path = "/sagas/{id}/orders",
    params(("id" = Uuid, Path), ("idempotency-key" = Option<String>, Header, description = "1 to 200 visible characters")),
    request_body = OrderBody,
    responses((status = 200, body = super::sagas::Ordered), (status = 202, body = super::sagas::Ordered),
        (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn order(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<OrderBody>, JsonRejection>,
) -> Answered {
    let OrderBody { order, reason, if_sequence } = read(body)?;
    let By { by, reason, key } = checked(&headers, reason, &actor)?;
    let verb = order.verb()?;
    actor.may(Act::of_verb(&verb)).map_err(|denied| refuse(&app, &denied))?;
    let saga = find(&app, &id).await?;
    given(&app, &saga, new(verb, by, reason, if_sequence, key)).await
}

/// What would follow from an order
///
/// Nothing is written, sent or read at a vendor.
#[utoipa::path(post, path = "/sagas/{id}/preview", params(("id" = Uuid, Path)), request_body = OrderBody,
    responses((status = 200, body = PreviewView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn preview(
    State(app): State<App>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Json<OrderBody>, JsonRejection>,
) -> Result<Json<PreviewView>, Problem> {
    let OrderBody { order, reason, .. } = read(body)?;
    let By { by, reason, key } = checked(&headers, reason, &actor)?;
    let verb = order.verb()?;
    let saga = find(&app, &id).await?.id;
    let order = new(verb, by, reason, None, key).order;
    let pool = &app.store.pool;
    let preview = preview::preview(pool, app.engine.registry(), saga, &order, app.engine.at()).await;
    let second_person = approvals::policy(pool).await?.contains(order.verb.word());
    Ok(Json(PreviewView::new(preview.map_err(|e| unpreviewed(&e))?, second_person)))
}

/// A saga that cannot be looked ahead of.
pub(super) fn unpreviewed(error: &PreviewError) -> Problem {
    match error {
        PreviewError::Store(e) => Problem::store(e),
        PreviewError::Unknown(_) => Problem::not_found(error.to_string()),
        PreviewError::Unreadable(_) => Problem::new(StatusCode::CONFLICT, "unreadable", error.to_string()),
    }
}
