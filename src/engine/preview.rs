//! What would follow from an operator's order: the machine is asked on a copy of the saga, and nothing is written, sent or
//! read at a vendor. Where the order rests on what a vendor shows, the preview says what it takes for granted.

use super::registry::{Live, Registry};
use crate::store::query::{self, SagaLine};
use crate::store::{StoreError, standing};
use chrono::{DateTime, Utc};
use sagas::kernel::flow::{Flow, Open, Phase};
use sagas::kernel::ids::SagaId;
use sagas::kernel::machine::{What, Work};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, Outcome};
use sagas::kernel::posting::Side;
use sagas::kernel::saga::{At, Mark};
use sagas::kernel::step::ExactlyOnce;
use sagas::kernel::verb::{Asked, Evidence, Order};
use sqlx::PgPool;

/// What would follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// How many events the saga has: an order that names this number is refused once it has more.
    pub sequence: u64,
    /// What the preview takes for granted; read at the vendor before the order is obeyed.
    pub provided: Option<String>,
    /// Why the order would be refused; nothing else follows then.
    pub refused: Option<String>,
    /// Names and texts of the events, in order.
    pub events: Vec<(String, String)>,
    /// Lines of the ledger.
    pub postings: Vec<Posted>,
    /// Claims that are confirmed or let go: (what, kind and key).
    pub claims: Vec<(&'static str, String)>,
    /// The next call that would be made.
    pub next: Option<NextCall>,
    /// What it would be then: `waits`, `parked`, `ended`, `calls`.
    pub then: &'static str,
}

/// One line of the ledger that would be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// The posting rule.
    pub rule: &'static str,
    /// Account number.
    pub account: u16,
    /// `debit` or `credit`.
    pub side: &'static str,
    /// How much.
    pub amount: Money,
}

/// A call that would be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextCall {
    /// The step.
    pub step: String,
    /// It undoes the step.
    pub undo: bool,
    /// `braintree.sell` …
    pub operation: &'static str,
    /// How it is exactly once: `repeatable`, `chosen_id`, `set`, `searchable`.
    pub exactly_once: &'static str,
    /// Our reference in it.
    pub reference: Option<String>,
    /// It is looked up before it is sent.
    pub looked_up_first: bool,
    /// Not before (UTC).
    pub not_before: Option<DateTime<Utc>>,
}

/// Why there is no preview.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PreviewError {
    /// There is no such saga.
    #[error("there is no saga {0}")]
    Unknown(SagaId),
    /// This release cannot read it.
    #[error("{0}")]
    Unreadable(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Previews an order.
///
/// # Errors
/// The saga does not exist, cannot be read, or the database cannot be reached.
pub async fn preview(
    pool: &PgPool,
    registry: &Registry,
    saga: SagaId,
    order: &Order,
    at: At,
) -> Result<Preview, PreviewError> {
    let (line, history) = query::saga(pool, saga).await?.ok_or(PreviewError::Unknown(saga))?;
    let live = registry.pinned(&line.kind, &history).and_then(|kind| kind.load(saga, &history));
    let mut live = live.map_err(|why| PreviewError::Unreadable(why.to_string()))?;
    Ok(foresee(pool, live.as_mut(), &line, order, at).await?)
}

/// Previews an order on a saga that is loaded; it stays as it is.
///
/// # Errors
/// The database cannot be reached.
pub(super) async fn foresee(
    pool: &PgPool,
    live: &mut dyn Live,
    line: &SagaLine,
    order: &Order,
    at: At,
) -> Result<Preview, StoreError> {
    let needs = live.needs(&order.verb, at.now);
    let (look, provided) = needs.call.as_ref().map(|asked| assumed(asked, at.now)).unzip();
    let standing = if needs.standing { Some(standing::of(pool, line.shard, line.id).await?) } else { None };
    let evidence = Evidence { look, standing };
    let what = What::Verb { item: None, kind: format!("operator.{}", order.verb), order: order.clone(), evidence };
    let mut preview = Preview {
        sequence: live.sequence(),
        provided,
        refused: None,
        events: Vec::new(),
        postings: Vec::new(),
        claims: Vec::new(),
        next: None,
        then: "waits",
    };
    let append = match live.decide(what, at, &order.principal, Vec::new()).await {
        Ok(append) => append,
        Err(refusal) => {
            preview.refused = Some(refusal.message);
            return Ok(preview);
        }
    };
    for event in append.events {
        preview.postings.extend(event.journals.iter().flat_map(|journal| {
            journal.lines.iter().map(|line| Posted {
                rule: journal.rule.as_str(),
                account: line.account,
                side: if line.side == Side::Debit { "debit" } else { "credit" },
                amount: line.amount,
            })
        }));
        preview.claims.extend(event.marks.iter().filter_map(claim));
        preview.events.push((event.name, event.payload));
    }
    if let Some((work, flow)) = live.foreseen(at.now) {
        preview.next = flow.open.as_ref().filter(|_| flow.parked.is_none()).map(next);
        preview.then = then(&work, flow);
    }
    Ok(preview)
}

/// What the vendor is taken to show, and that in words.
fn assumed(asked: &Asked, now: DateTime<Utc>) -> (Look, String) {
    let named = |open: &Open| format!("{} at step {}", open.effect.operation(), open.step);
    match asked {
        Asked::Look(open) => {
            let (vendor, call) = (open.effect.vendor(), named(open));
            (
                Look::Absent { watermark: true, key_proven: false },
                format!("a look-up at {vendor} shows that {call} was not done"),
            )
        }
        Asked::Reference(open, id) => {
            let (vendor, call) = (open.effect.vendor(), named(open));
            let provided = format!("{vendor} shows {id} exactly as {call} asked for it");
            let look = match open.effect.as_asked(id, now) {
                Some(answer) => Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() },
                None => Look::Unclear { detail: format!("a preview cannot make up what {vendor} holds there") },
            };
            (look, provided)
        }
    }
}

fn claim(mark: &Mark) -> Option<(&'static str, String)> {
    let word =
        |claim: &sagas::kernel::effect::Claim| format!("{} {}", crate::store::claims::word(claim.kind), claim.key);
    match mark {
        Mark::Confirm(claim) => Some(("confirmed", word(claim))),
        Mark::Release(claim) => Some(("released", word(claim))),
        Mark::Hold { invoice, reason } => Some(("collection held", format!("{invoice} {reason}"))),
        Mark::LiftHold { invoice, reason } => Some(("collection hold lifted", format!("{invoice} {reason}"))),
        Mark::SpendCard { order_id } => Some(("card charge counted", order_id.clone())),
        Mark::GiveBackCard { order_id } => Some(("card charge given back", order_id.clone())),
        Mark::EraseInput { .. } | Mark::ForgetValues { .. } => None,
    }
}

fn next(open: &Open) -> NextCall {
    let (not_before, looked_up_first) = match open.phase {
        Phase::Requested { not_before, look_first, .. } => (not_before, look_first),
        Phase::Sending { deadline, .. } => (Some(deadline), true),
        Phase::Unknown { next_look, .. } => (Some(next_look), true),
    };
    NextCall {
        step: open.step.clone(),
        undo: open.undo,
        operation: open.effect.operation(),
        exactly_once: match open.effect.exactly_once() {
            ExactlyOnce::Repeatable => "repeatable",
            ExactlyOnce::ChosenId { .. } => "chosen_id",
            ExactlyOnce::Set { .. } => "set",
            ExactlyOnce::Searchable { .. } => "searchable",
        },
        reference: open.effect.reference().map(str::to_owned),
        looked_up_first,
        not_before,
    }
}

fn then(work: &Work, flow: &Flow) -> &'static str {
    match work {
        _ if flow.ended.is_some() => "ended",
        _ if flow.parked.is_some() => "parked",
        Work::Perform(_) | Work::Look(_) => "calls",
        Work::Wait(_) | Work::Due | Work::Idle => "waits",
    }
}
