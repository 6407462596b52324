//! The gateway's search in two phases, and what it proves about a sale: found, absent, or unclear. It changes nothing,
//! and reports as absent only what a complete answer did not contain.

use super::Braintree;
use super::judge::{self, Verdict};
use super::wire::{self, Reader, plain};
use super::xml::{Body, Node};
use crate::port::Call;
use chrono::{DateTime, TimeDelta, Utc};
use iso_currency::Currency;
use sagas::kernel::answer::Transaction;
use sagas::kernel::outcome::{Decline, Look, Outcome, Rejection, RejectionKind};
use std::time::Duration;

/// Clocks may differ by so much: a hit that is older than our request by more is not ours.
pub(super) const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// A transaction created so long after our send, once found, shows that the index has passed our send.
const WATERMARK_DISTANCE: TimeDelta = TimeDelta::minutes(2);

const OTHER_ORDER: &str = "the search shows a transaction of another order id";

/// Ids a slice, where the gateway's answer does not say.
pub(super) const PAGE_SIZE: usize = 50;

/// A sale or a hold that is looked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The order id alone: with the amount, a partial approval would stay hidden.
    pub(super) order_id: &'a str,
    /// Names the merchant account whose later transactions prove absence.
    pub(super) currency: Currency,
    /// What is read of a hit.
    pub(super) reader: Reader,
}

/// Looks a sale or a hold up.
pub(super) async fn sale(gateway: &Braintree, call: &Call, wanted: Wanted<'_>) -> Look {
    match looked_up(gateway, call, wanted).await {
        Ok(look) => look,
        Err(detail) => Look::Unclear { detail },
    }
}

/// All that hold or took something under the order id, or did; oldest first, also within one second. What is not final is left out: it is found
/// by a later search.
pub(super) async fn all(gateway: &Braintree, call: &Call, order_id: &str) -> Result<Vec<Transaction>, String> {
    let by_order = |search: &mut Body| search.group("order_id", |criterion| criterion.text("is", order_id));
    let mut hits = Vec::new();
    for node in transactions(gateway, call.time_limit, &by_order).await? {
        if node.text_of("order-id") != Some(order_id) {
            return Err(OTHER_ORDER.to_owned());
        }
        // A refund made by hand can carry the order id of its sale.
        if node.text_of("type") == Some("credit") {
            continue;
        }
        match judge::transaction(&node, wire::hold).map_err(|error| format!("a hit cannot be used: {error}"))? {
            Verdict::Done(hit) => hits.push(hit),
            Verdict::Declined(_) | Verdict::Open(_) => {}
        }
    }
    Ok(oldest_first(hits))
}

/// Sales and holds under order ids with that beginning that were created within the span; oldest first. What is not final
/// is left out, and so is what was declined.
pub(super) async fn created(
    gateway: &Braintree,
    beginning: &str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    limit: Duration,
) -> Result<Vec<Transaction>, String> {
    let criteria = |search: &mut Body| {
        search.group("order_id", |criterion| criterion.text("starts_with", beginning));
        search.group("created_at", |range| {
            range.time("min", from);
            range.time("max", to);
        });
    };
    let mut hits = Vec::new();
    for node in transactions(gateway, limit, &criteria).await? {
        if node.text_of("type") == Some("credit")
            || !node.text_of("order-id").is_some_and(|id| id.starts_with(beginning))
        {
            continue;
        }
        match judge::transaction(&node, wire::hold).map_err(|error| format!("a hit cannot be used: {error}"))? {
            Verdict::Done(hit) => hits.push(hit),
            Verdict::Declined(_) | Verdict::Open(_) => {}
        }
    }
    Ok(oldest_first(hits))
}

/// What one transaction says of a sale or a hold; of another order id it says nothing.
pub(super) fn of_order(node: &Node, wanted: Wanted<'_>, requested_at: DateTime<Utc>) -> Look {
    if node.text_of("order-id") != Some(wanted.order_id) {
        let theirs = plain(node.text_of("order-id").unwrap_or("none"));
        return Look::Unclear { detail: format!("its order id is {theirs}, and {} was sent", wanted.order_id) };
    }
    match judged(std::slice::from_ref(node), wanted, requested_at) {
        Ok(look) => look.unwrap_or(Look::Absent { watermark: false, key_proven: false }),
        Err(detail) => Look::Unclear { detail },
    }
}

async fn looked_up(gateway: &Braintree, call: &Call, wanted: Wanted<'_>) -> Result<Look, String> {
    let by_order = |search: &mut Body| search.group("order_id", |criterion| criterion.text("is", wanted.order_id));
    let found = async || transactions(gateway, call.time_limit, &by_order).await;
    if let Some(look) = judged(&found().await?, wanted, call.requested_at)? {
        return Ok(look);
    }
    let watermark = passed(gateway, call, wanted.currency).await?;
    // The index may have caught up between the two searches: only a search after the watermark was seen proves absence.
    if watermark && let Some(look) = judged(&found().await?, wanted, call.requested_at)? {
        return Ok(look);
    }
    Ok(Look::Absent { watermark, key_proven: gateway.keys_are_proven() })
}

/// Whether the index shows a transaction, of that currency's merchant account, that was created so long after the send that
/// the index has passed it.
pub(super) async fn passed(gateway: &Braintree, call: &Call, currency: Currency) -> Result<bool, String> {
    let (Some(sent), Some(account)) = (call.sent_at, gateway.merchant_account(currency)) else { return Ok(false) };
    let from = sent + WATERMARK_DISTANCE;
    let criteria = |search: &mut Body| {
        search.list("merchant_account_id", &[account.to_owned()]);
        search.group("created_at", |range| range.time("min", from));
    };
    let (mut ids, _) = ids(gateway, call.time_limit, &criteria).await?;
    ids.truncate(1);
    if ids.is_empty() {
        return Ok(false);
    }
    let found = slice(gateway, call.time_limit, &criteria, &ids).await?;
    Ok(found.iter().any(|node| {
        node.text_of("merchant-account-id") == Some(account) && node.time("created-at").is_ok_and(|time| time >= from)
    }))
}

/// Runs both phases and gives every hit, or says why the answer is not complete.
pub(super) async fn transactions(
    gateway: &Braintree,
    limit: Duration,
    criteria: &impl Fn(&mut Body),
) -> Result<Vec<Node>, String> {
    let (ids, page_size) = ids(gateway, limit, criteria).await?;
    let mut found = Vec::new();
    for ids in ids.chunks(page_size) {
        found.extend(whole_slice(gateway, limit, criteria, ids).await?);
    }
    Ok(found)
}

/// The hits of these ids, all of them.
pub(super) async fn whole_slice(
    gateway: &Braintree,
    limit: Duration,
    criteria: &impl Fn(&mut Body),
    ids: &[String],
) -> Result<Vec<Node>, String> {
    let mut found = slice(gateway, limit, criteria, ids).await?;
    let is_there = |id: &&String| found.iter().any(|node| node.text_of("id") == Some(id));
    let missing: Vec<String> = ids.iter().filter(|id| !is_there(id)).cloned().collect();
    // The second phase may leave out what changed meanwhile: each is asked for once more, alone.
    for id in missing {
        let again = slice(gateway, limit, criteria, std::slice::from_ref(&id)).await?;
        if again.is_empty() {
            return Err(format!("the search names transaction {} and does not show it", plain(&id)));
        }
        found.extend(again);
    }
    Ok(found)
}

/// The first phase: all ids, and how many of them make a slice.
pub(super) async fn ids(
    gateway: &Braintree,
    limit: Duration,
    criteria: &impl Fn(&mut Body),
) -> Result<(Vec<String>, usize), String> {
    let body = Body::document("search", criteria);
    let root = gateway.search(limit, "advanced_search_ids", body).await.map_err(|trouble| trouble.to_string())?;
    if root.name != "search-results" || root.child("ids").is_none() {
        return Err("the search answered with something else than ids".to_owned());
    }
    let ids = root.items("ids").filter_map(Node::text).map(str::to_owned).collect();
    let page_size = root.number("page-size").and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
    Ok((ids, page_size.unwrap_or(PAGE_SIZE)))
}

/// The second phase: the same criteria and one slice of ids. A slice that the gateway cannot finish in its time is halved.
pub(super) async fn slice(
    gateway: &Braintree,
    limit: Duration,
    criteria: &impl Fn(&mut Body),
    ids: &[String],
) -> Result<Vec<Node>, String> {
    let (mut found, mut open) = (Vec::new(), vec![ids]);
    while let Some(ids) = open.pop() {
        let body = Body::document("search", |search| {
            criteria(search);
            search.list("ids", ids);
        });
        match gateway.search(limit, "advanced_search", body).await {
            Ok(root) if root.name == "credit-card-transactions" => {
                found.extend(root.children.into_iter().filter(|child| child.name == "transaction"));
            }
            Ok(_) => return Err("the search answered with something else than transactions".to_owned()),
            Err(Trouble::Unfinished) if ids.len() > 1 => {
                let (first, second) = ids.split_at(ids.len() / 2);
                open.extend([second, first]);
            }
            Err(trouble) => return Err(trouble.to_string()),
        }
    }
    Ok(found)
}

/// The gateway shows the newest first and tells whole seconds: within one, the last that it shows is the oldest.
pub(super) fn oldest_first(mut hits: Vec<Transaction>) -> Vec<Transaction> {
    hits.reverse();
    hits.sort_by_key(|hit| hit.created_at);
    hits
}

/// Why a search has no answer, for a person.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// It took the gateway too long.
    #[error("the gateway could not finish the search (HTTP 422)")]
    Unfinished,
    #[error("{0}")]
    Other(String),
}

/// All that the hits of one order id say.
#[derive(Default)]
struct Hits {
    approved: Vec<Transaction>,
    reversed: Vec<Transaction>,
    declined: Vec<(DateTime<Utc>, Decline)>,
    open: Vec<String>,
}

/// What the hits mean, or `None` where there is none.
fn judged(nodes: &[Node], wanted: Wanted<'_>, requested_at: DateTime<Utc>) -> Result<Option<Look>, String> {
    let Wanted { order_id, reader, currency: _ } = wanted;
    let mut hits = Hits::default();
    for node in nodes {
        if node.text_of("order-id") != Some(order_id) {
            return Err(OTHER_ORDER.to_owned());
        }
        let created = node.time("created-at").map_err(|error| format!("a hit cannot be used: {error}"))?;
        let id = node.text_of("id").unwrap_or_default();
        if created < requested_at - CLOCK_SKEW {
            return Ok(Some(reused(order_id, id, created)));
        }
        if node.text_of("type") == Some("credit") {
            // A refund made by hand can carry the order id of its sale.
            hits.open.push(format!("only a refund ({id}) of this order id is found so far"));
            continue;
        }
        match judge::transaction(node, reader).map_err(|error| format!("a hit cannot be used: {error}"))? {
            Verdict::Done(hit) if hit.status.is_approved() => hits.approved.push(hit),
            Verdict::Done(hit) if hit.status.is_reversed() => hits.reversed.push(hit),
            Verdict::Done(hit) => {
                let word = node.text_of("status").unwrap_or_default();
                hits.open.push(format!("transaction {} is in the unknown status `{}`", hit.id, plain(word)));
            }
            Verdict::Declined(decline) => hits.declined.push((created, decline)),
            Verdict::Open(detail) => hits.open.push(detail),
        }
    }
    Ok(hits.look())
}

impl Hits {
    /// An approved hit is adopted whatever stands beside it; a refusal only if nothing beside it is open.
    fn look(mut self) -> Option<Look> {
        // The last refusal is the one that counts: of one second, the first in the gateway's order.
        self.declined.reverse();
        self.declined.sort_by_key(|(created, _)| *created);
        let mut approved = oldest_first(self.approved).into_iter();
        if let Some(oldest) = approved.next() {
            return Some(found(judge::done(oldest), approved.map(|hit| hit.id).collect()));
        }
        if let Some(oldest) = oldest_first(self.reversed).into_iter().next() {
            return Some(found(judge::done(oldest), Vec::new()));
        }
        if !self.open.is_empty() {
            return Some(Look::Unclear { detail: self.open.join("; ") });
        }
        self.declined.pop().map(|(_, decline)| found(Outcome::Declined { decline }, Vec::new()))
    }
}

fn found(outcome: Outcome, extra: Vec<String>) -> Look {
    Look::Found { outcome: Box::new(outcome), extra }
}

pub(super) fn reused(order_id: &str, transaction: &str, created: DateTime<Utc>) -> Look {
    let rejection = Rejection {
        kind: RejectionKind::OrderIdReused,
        code: "order_id_reused".to_owned(),
        message: format!(
            "transaction {transaction} of {created} has the order id {order_id} and is older than our request"
        ),
    };
    found(Outcome::Rejected { rejection }, Vec::new())
}
