//! Why a saga is where it is, what happens next and when: its own log and our tables put into sentences. Nothing is
//! written, sent or read at a vendor.

use super::preview::{PreviewError, foresee};
use super::registry::{Live, Registry};
use crate::store::query::{self, SagaLine};
use crate::store::{StoreError, claims, settings, standing};
use chrono::{DateTime, Utc};
use sagas::kernel::flow::{Flow, Open, Phase};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::NotSent;
use sagas::kernel::saga::At;
use sagas::kernel::verb::{Order, Standing, Verb};
use sqlx::PgPool;

/// A saga explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The saga in one line of the lists.
    pub saga: SagaLine,
    /// The flow's own last event, and when (UTC); none where it has none yet.
    pub last: Option<(String, DateTime<Utc>)>,
    /// Why it is where it is, in sentences.
    pub because: Vec<String>,
    /// What happens next, in one sentence.
    pub next: String,
    /// Not before (UTC); none: at once, or never by itself.
    pub at: Option<DateTime<Utc>>,
    /// It goes on by itself.
    pub by_itself: bool,
    /// What it holds: claims, and money that is not where it belongs yet.
    pub holds: Vec<String>,
    /// Which orders would be taken now.
    pub orders: Vec<&'static str>,
}

/// Explains a saga.
///
/// # Errors
/// It does not exist, cannot be read, or the database cannot be reached.
pub async fn explain(pool: &PgPool, registry: &Registry, saga: SagaId, at: At) -> Result<Explanation, PreviewError> {
    let (line, history) = query::saga(pool, saga).await?.ok_or(PreviewError::Unknown(saga))?;
    let live = registry.pinned(&line.kind, &history).and_then(|kind| kind.load(saga, &history));
    let mut live = live.map_err(|why| PreviewError::Unreadable(why.to_string()))?;
    let last = history.iter().rev().find(|event| !event.name.starts_with("step."));
    let last = last.map(|event| (event.name.clone(), event.at));
    let held = standing::of(pool, line.shard, saga).await?;
    let orders = orders(pool, live.as_mut(), &line, at).await?;
    let flow = live.flow();
    let switched_off = match &flow.open {
        Some(open) => settings::switched_off(pool).await?.get(open.effect.operation()).cloned(),
        None => None,
    };
    let mut because = Vec::new();
    because.extend(flow.unwinding.as_ref().map(|reason| undoing(reason, flow)));
    because.extend(flow.open.as_ref().map(|open| stands(open, switched_off.as_deref())));
    because.extend(flow.parked.as_ref().map(|parked| {
        format!("It waits for a person since {}: {}. {}", time(parked.since), parked.code.meaning(), parked.detail)
    }));
    let rests = flow.open.is_none() && flow.parked.is_none() && flow.ended.is_none();
    because.extend(line.waiting_for.as_ref().filter(|_| rests).map(|what| format!("It waits for: {what}.")));
    because.extend(line.ended.as_ref().map(|how| format!("It has ended: {}.", how.replace('_', " "))));
    let (next, by_itself) = next(flow, &line);
    let at = line.due_at.filter(|due| by_itself && *due > at.now);
    Ok(Explanation { last, because, next, at, by_itself, holds: holds(&held), orders, saga: line })
}

/// Orders that need nothing but a reason, and would be taken.
async fn orders(pool: &PgPool, live: &mut dyn Live, line: &SagaLine, at: At) -> Result<Vec<&'static str>, StoreError> {
    let mut taken = Vec::new();
    for verb in [Verb::Resume, Verb::Retry, Verb::Pause, Verb::Compensate, Verb::Abandon] {
        let word = verb.word();
        let (principal, reason) = ("explain".to_owned(), "would it be taken?".to_owned());
        let order = Order { verb, principal, reason, approver: None, bulk: false };
        if foresee(pool, live, line, &order, at).await?.refused.is_none() {
            taken.push(word);
        }
    }
    Ok(taken)
}

fn undoing(reason: &str, flow: &Flow) -> String {
    match flow.completed.as_slice() {
        [] => format!("It undoes what it did, because {reason}."),
        left => format!("It undoes what it did, because {reason}. Left to undo: {}.", left.join(", ")),
    }
}

/// Where the open step stands.
fn stands(open: &Open, switched_off: Option<&str>) -> String {
    let undo = if open.undo { "the undo of " } else { "" };
    let call = format!("{undo}step `{}` ({})", open.step, open.effect.operation());
    let reference = open.effect.reference().map(|reference| format!(" under our reference {reference}"));
    let call = format!("{call}{}", reference.unwrap_or_default());
    match &open.phase {
        Phase::Requested { .. } if switched_off.is_some() => {
            format!("It wants {call}; that operation is switched off: {}.", switched_off.unwrap_or_default())
        }
        Phase::Requested { waiting: Some(cause), .. } => {
            format!("It wants {call}, which was not sent {}: {}.", times(open.tries), because(*cause))
        }
        Phase::Requested { .. } => format!("It wants {call}, since {}.", time(open.requested_at)),
        Phase::Sending { sent_at, .. } => {
            format!("It sent {call} at {}, and its outcome is not written yet.", time(*sent_at))
        }
        Phase::Unknown { sent_at, clean, .. } => {
            let looks = match clean.len() {
                0 => "no look-up has shown anything yet".to_owned(),
                n => {
                    format!("{} found nothing", if n == 1 { "one look-up".to_owned() } else { format!("{n} look-ups") })
                }
            };
            format!("It sent {call} at {} and got no usable answer; {looks}.", time(*sent_at))
        }
    }
}

fn times(tries: u32) -> String {
    if tries <= 1 { "once".to_owned() } else { format!("{tries} times") }
}

const fn because(cause: NotSent) -> &'static str {
    match cause {
        NotSent::Outage => "the vendor was not reached",
        NotSent::Quota => "the vendor's limit is used up",
        NotSent::Turn => "our own budget of the vendor's calls has to be shared",
        NotSent::Switch => "the operation is switched off",
        NotSent::Again => "the vendor asks to come again",
        NotSent::Node => "its node was stopping",
    }
}

/// What happens next, and whether by itself.
fn next(flow: &Flow, line: &SagaLine) -> (String, bool) {
    if flow.ended.is_some() {
        return ("Nothing, until something new is heard of it.".to_owned(), false);
    }
    if flow.parked.is_some() && !flow.is_paused() {
        return (
            format!("Nothing by itself: once what it asks for is done, `attio-billing saga resume {}`.", line.id),
            false,
        );
    }
    let Some(open) = &flow.open else {
        return ("Its time comes, or what it waits for: then it looks at everything again.".to_owned(), true);
    };
    match &open.phase {
        Phase::Sending { .. } | Phase::Unknown { .. } => {
            ("It is looked up at the vendor by our reference; it is not sent again before that.".to_owned(), true)
        }
        Phase::Requested { .. } if flow.is_paused() => {
            (format!("Nothing by itself: it is paused; `attio-billing saga resume {}`.", line.id), false)
        }
        Phase::Requested { look_first: true, .. } => {
            ("It is looked up at the vendor, and sent if it was not done.".to_owned(), true)
        }
        Phase::Requested { .. } => ("The call is made.".to_owned(), true),
    }
}

fn holds(held: &Standing) -> Vec<String> {
    let claims = held.claims.iter().map(|claim| format!("{} {}", claims::word(claim.kind), claim.key));
    let money = held.open_money.iter().map(|open| {
        let what = if open.account == 9_100 { "a hold" } else { "captured and applied to nothing" };
        let transaction = open.transaction.as_deref().unwrap_or("no transaction");
        format!("{} of {transaction}: {what}", open.amount)
    });
    claims.chain(money).collect()
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
