//! The way in for operators' orders, the same for the API and the command line: an inbox item, or, where two persons are
//! needed, a request first. Whether an order is obeyed, the saga says.

use super::items::Body;
use crate::access::ALONE;
use crate::store::StoreError;
use crate::store::append::Status;
use crate::store::approvals::{self, AnswerError, NewRequest};
use crate::store::bulk::{self, NewJob};
use crate::store::inbox::OfferError;
use crate::store::items::{self, NewItem};
use crate::store::query::{self, SagaCursor, SagaFilter, SagaLine};
use sagas::kernel::park::ParkCode;
use sagas::kernel::verb::{Order, Verb};
use sqlx::PgPool;
use uuid::Uuid;

/// What became of an order that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Given {
    /// It is left for its saga, as this item.
    Item(Uuid),
    /// It waits for a second person, as this request.
    Request(Uuid),
}

/// Why an order was not taken.
#[derive(Debug, thiserror::Error)]
pub enum GiveError {
    /// The saga is not what the preview showed.
    #[error(
        "saga {saga} has moved on since it was looked at (event {then} then, {now} now): look at it again, then order anew"
    )]
    Stale {
        /// Which.
        saga: Uuid,
        /// Events then.
        then: u64,
        /// Events now.
        now: u64,
    },
    /// It is no order for many sagas at once.
    #[error("{0} is no order for many sagas at once: expected resume or retry")]
    NotForMany(&'static str),
    /// No saga is named, or none fits.
    #[error("no saga fits: there is nothing to order")]
    Nobody,
    /// More than one job takes.
    #[error("{0} sagas fit, more than the {MANY} of one job: narrow it")]
    TooMany(usize),
    /// The inbox.
    #[error(transparent)]
    Offer(#[from] OfferError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// So many sagas at most are one job's.
const MANY: usize = 20_000;

/// An order as it is given: `order.principal` is who, `token:ada`.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// What, who and why.
    pub order: Order,
    /// Only while the saga has exactly so many events.
    pub if_sequence: Option<u64>,
    /// The same key twice is the same order.
    pub key: Option<String>,
}

/// Gives an order to a saga.
///
/// # Errors
/// The saga has moved on, the key was used for something else, or the database cannot be reached.
pub async fn give(pool: &PgPool, shards: u16, saga: &SagaLine, new: NewOrder) -> Result<Given, GiveError> {
    let now = saga.sequence;
    // Under a key it may be an order of before, given again: then its saga has said what became of it.
    if let Some(then) = new.if_sequence.filter(|then| *then != now && new.key.is_none()) {
        return Err(GiveError::Stale { saga: saga.id.0, then, now });
    }
    let Order { verb, principal, reason, .. } = &new.order;
    if approvals::policy(pool).await?.contains(verb.word()) {
        let request = NewRequest {
            saga: saga.id,
            saga_kind: saga.kind.clone(),
            sequence: now,
            verb: text(verb),
            reason: reason.clone(),
            asked_by: principal.clone(),
        };
        return Ok(Given::Request(approvals::ask(pool, &request).await?));
    }
    let key = new.key.map(|key| format!("operator:{}:{key}", saga.id));
    let item = item(saga.id, &saga.kind, &new.order, new.if_sequence, key);
    Ok(Given::Item(items::offer_item(pool, shards, &item, &[]).await?))
}

/// A second person agrees to a request: its order is left for the saga.
///
/// # Errors
/// It is not open any more, who asked answers it, or the database cannot be reached.
pub async fn approve(
    pool: &PgPool,
    shards: u16,
    request: Uuid,
    by: &str,
    answer: Option<&str>,
) -> Result<(NewRequest, Uuid), AnswerError> {
    let asked = approvals::find(pool, request).await?.ok_or(AnswerError::Unknown(request))?.asked;
    let verb = serde_json::from_str(&asked.verb)
        .map_err(|e| StoreError::Unreadable(format!("the verb of request {request}: {e}")))?;
    let order = Order {
        verb,
        principal: asked.asked_by.clone(),
        reason: asked.reason.clone(),
        approver: Some(by.to_owned()),
        bulk: false,
    };
    let key = Some(format!("request:{request}"));
    let item = item(asked.saga, &asked.saga_kind, &order, Some(asked.sequence), key);
    let item = approvals::approve(pool, shards, request, by, answer, &item).await?;
    Ok((asked, item))
}

/// Makes a bulk job over the sagas that a filter shows now, or over these alone.
///
/// # Errors
/// The verb is none for many sagas, none or too many fit, or the database cannot be reached.
pub async fn bulk(
    pool: &PgPool,
    order: &Order,
    filter: &SagaFilter,
    only: Option<&[Uuid]>,
    per_second: u16,
) -> Result<Uuid, GiveError> {
    if !matches!(order.verb, Verb::Resume | Verb::Retry) {
        return Err(GiveError::NotForMany(order.verb.word()));
    }
    let sagas = fitting(pool, filter, only).await?;
    let waits = sagas.len() > ALONE && !approvals::policy(pool).await?.is_empty();
    let left_out = |saga: &SagaLine| is_unknown(saga).then(|| bulk::LEFT_OUT.to_owned());
    let job = NewJob {
        verb: text(&order.verb),
        reason: order.reason.clone(),
        asked_by: order.principal.clone(),
        per_second,
        waits,
        sagas: sagas.iter().map(|saga| (saga.id, saga.kind.clone(), left_out(saga))).collect(),
    };
    Ok(bulk::create(pool, &job).await?)
}

/// The sagas that a filter shows now, or those of them that are named: the fixed list of a job.
///
/// # Errors
/// None or too many fit, or the database cannot be reached.
pub async fn fitting(pool: &PgPool, filter: &SagaFilter, only: Option<&[Uuid]>) -> Result<Vec<SagaLine>, GiveError> {
    let mut sagas = Vec::new();
    let mut after = None;
    loop {
        let page = query::sagas(pool, filter, after, 500).await?;
        after = page.last().map(|last| SagaCursor { started_at: last.started_at, id: last.id.0 });
        let full = page.len() == 500;
        sagas.extend(page.into_iter().filter(|saga| only.is_none_or(|only| only.contains(&saga.id.0))));
        if !full {
            break;
        }
    }
    match sagas.len() {
        0 => Err(GiveError::Nobody),
        many if many > MANY => Err(GiveError::TooMany(many)),
        _ => Ok(sagas),
    }
}

/// How many of them a job tells, and how many it leaves out.
pub fn parted(sagas: &[SagaLine]) -> (usize, usize) {
    let unknown = sagas.iter().filter(|saga| is_unknown(saga)).count();
    (sagas.len() - unknown, unknown)
}

fn is_unknown(saga: &SagaLine) -> bool {
    let parked = saga.parked.as_ref().is_some_and(|(code, ..)| code == ParkCode::OutcomeUnknown.as_str());
    saga.status == Status::Resolving || parked
}

/// A verb as it is kept.
fn text(verb: &Verb) -> String {
    serde_json::to_string(verb).expect("a verb of plain words always serialises")
}

fn item(
    saga: sagas::kernel::ids::SagaId,
    saga_kind: &str,
    order: &Order,
    if_sequence: Option<u64>,
    key: Option<String>,
) -> NewItem {
    let (verb, reason, approver) = (order.verb.clone(), order.reason.clone(), order.approver.clone());
    NewItem {
        saga,
        saga_kind: saga_kind.to_owned(),
        kind: format!("operator.{}", order.verb),
        principal: order.principal.clone(),
        body: Body::Verb { verb, reason, approver, if_sequence, bulk: order.bulk }.text(),
        waiting_key: None,
        idempotency_key: key,
    }
}
