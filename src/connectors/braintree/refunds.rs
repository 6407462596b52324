//! Refunds: a transaction of its own that gives back what a sale took. It is found again in two ways, for neither alone
//! shows all: the sale names the refunds that were taken, the search shows the refused ones too. A refund of which it is
//! not known what became of it is never sent again from here.

use super::judge::{self, Said, Shown, Verdict};
use super::search;
use super::wire::{self, Unusable, plain};
use super::xml::{Body, Node};
use super::{Braintree, NOTHING_DONE, is_path_id, unclear};
use crate::port::{Call, Report};
use chrono::{DateTime, Utc};
use iso_currency::Currency;
use reqwest::Method;
use sagas::kernel::answer::{Answer, Refund};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Decline, Look, Outcome, RejectionKind};

/// All of it is given back already; more is asked for than is left.
const GIVEN_BACK: [&str; 2] = ["91512", "91521"];

/// The bank said no and the gateway went on all the same.
const SOFT: &str = "1005";

impl Braintree {
    /// Gives back that much of the transaction.
    pub(super) async fn refund(&self, call: &Call, order_id: &str, transaction: &str, amount: Money) -> Report {
        if !is_path_id(transaction) {
            return judge::not_found("transaction").into();
        }
        // The same in every sending of one order id; a new refund has a new order id.
        let key = format!("{order_id}.k1");
        let body = Body::document("transaction", |body| {
            body.text("amount", &amount.decimal());
            body.text("order_id", order_id);
            if self.keys_are_sent() {
                body.text("api_request_key", &key);
            }
        });
        let path = ["transactions", transaction, "refund"];
        let (said, request_id) = self.write(call, Method::POST, &path, Some(body)).await;
        let outcome = match said {
            Said::Object(node) | Said::Transaction(node) if node.name == "transaction" => judged(&node, transaction),
            Said::Object(_) | Said::Transaction(_) | Said::Empty | Said::Verification(_) => {
                judge::unknown("the answer is no refund".to_owned())
            }
            Said::Faults(faults) => match faults.find(&GIVEN_BACK) {
                Some(code) => {
                    self.given_back(call, order_id, transaction, faults.rejected(RejectionKind::State, code)).await
                }
                None => self.refused(&faults),
            },
            Said::Missing => judge::not_found("transaction"),
            Said::Outcome(outcome) => outcome,
        };
        Report { outcome, request_id, person: None }
    }

    /// There is nothing left to give back: where it was this refund that took it, it is done.
    async fn given_back(&self, call: &Call, order_id: &str, transaction: &str, refused: Outcome) -> Outcome {
        match self.refunds_of(call, transaction).await {
            Ok(Some(refunds)) => {
                let ours = refunds.iter().find(|node| node.text_of("order-id") == Some(order_id));
                ours.map_or(refused, |node| judged(node, transaction))
            }
            Ok(None) => judge::not_found("transaction"),
            Err(detail) => {
                judge::unknown(format!("refused as given back already, and its refunds are not shown: {detail}"))
            }
        }
    }

    /// Looks for the refund: among those that the sale names, and in the search.
    pub(super) async fn look_refund(&self, call: &Call, order_id: &str, transaction: &str, currency: Currency) -> Look {
        let looked = async {
            let Some(mut nodes) = self.refunds_of(call, transaction).await? else {
                return Ok(found(judge::not_found("transaction"), Vec::new()));
            };
            nodes.retain(|node| node.text_of("order-id") == Some(order_id));
            let criteria = |search: &mut Body| {
                search.group("order_id", |criterion| criterion.text("is", order_id));
                search.flag("refund", true);
            };
            let searched = async || search::transactions(self, call.time_limit, &criteria).await;
            add(&mut nodes, searched().await?, order_id)?;
            let look = told(&nodes, transaction, order_id, call.requested_at)?;
            if let Some(look) = look {
                return Ok(look);
            }
            let watermark = search::passed(self, call, currency).await?;
            // As with a sale: only a search after the watermark was seen proves absence.
            if watermark {
                add(&mut nodes, searched().await?, order_id)?;
                if let Some(look) = told(&nodes, transaction, order_id, call.requested_at)? {
                    return Ok(look);
                }
            }
            Ok::<_, String>(Look::Absent { watermark, key_proven: self.keys_are_proven() })
        };
        looked.await.unwrap_or_else(|detail| Look::Unclear { detail })
    }

    /// Reads a refund by the gateway's own id.
    pub(super) async fn confirm_refund(&self, call: &Call, order_id: &str, transaction: &str, id: &str) -> Look {
        match self.find(call, &["transactions", id], "id").await {
            Shown::Object(node) if node.text_of("order-id") != Some(order_id) => {
                let theirs = plain(node.text_of("order-id").unwrap_or("none"));
                Look::Unclear { detail: format!("its order id is {theirs}, and {order_id} was sent") }
            }
            Shown::Object(node) => told(std::slice::from_ref(&node), transaction, order_id, call.requested_at)
                .map_or_else(|detail| Look::Unclear { detail }, |look| look.unwrap_or(NOTHING_DONE)),
            Shown::Missing => NOTHING_DONE,
            Shown::Unread(outcome) => unclear(outcome),
        }
    }

    /// The refunds that a transaction names, each read; none: there is no such transaction.
    async fn refunds_of(&self, call: &Call, transaction: &str) -> Result<Option<Vec<Node>>, String> {
        let sale = match self.find(call, &["transactions", transaction], "id").await {
            Shown::Object(node) => node,
            Shown::Missing => return Ok(None),
            Shown::Unread(outcome) => return Err(sentence(outcome)),
        };
        let mut refunds = Vec::new();
        for id in sale.items("refund-ids").filter_map(Node::text) {
            match self.find(call, &["transactions", id], "id").await {
                Shown::Object(node) => refunds.push(node),
                Shown::Missing => return Err(format!("the sale names refund {} and it is not there", plain(id))),
                Shown::Unread(outcome) => return Err(sentence(outcome)),
            }
        }
        Ok(Some(refunds))
    }
}

/// Adds the hits that are not there yet.
fn add(nodes: &mut Vec<Node>, hits: Vec<Node>, order_id: &str) -> Result<(), String> {
    for hit in hits {
        if hit.text_of("order-id") != Some(order_id) {
            return Err("the search shows a refund of another order id".to_owned());
        }
        if !nodes.iter().any(|node| node.text_of("id") == hit.text_of("id")) {
            nodes.push(hit);
        }
    }
    Ok(())
}

/// What refunds with our order id say, or `None` where there is none.
fn told(nodes: &[Node], original: &str, order_id: &str, requested_at: DateTime<Utc>) -> Result<Option<Look>, String> {
    let (mut taken, mut declined, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for node in nodes {
        let created = node.time("created-at").map_err(|error| format!("a refund cannot be used: {error}"))?;
        let id = plain(node.text_of("id").unwrap_or_default());
        if created < requested_at - search::CLOCK_SKEW {
            return Ok(Some(search::reused(order_id, &id, created)));
        }
        match read(node, original).map_err(|error| format!("a refund cannot be used: {error}"))? {
            Read::Taken(refund) => taken.push(refund),
            Read::Declined(decline) => declined.push((created, decline)),
            Read::Open(detail) => open.push(detail),
            Read::Foreign(outcome) => return Ok(Some(found(outcome, Vec::new()))),
        }
    }
    taken.sort_by_key(|refund| refund.created_at);
    // One that money went out with is adopted before one that was taken back.
    let at = taken.iter().position(|refund| refund.status.is_approved()).unwrap_or(0);
    if at < taken.len() {
        let oldest = taken.remove(at);
        let extra = taken.into_iter().filter(|refund| refund.status.is_approved()).map(|refund| refund.id).collect();
        return Ok(Some(found(done(oldest), extra)));
    }
    if !open.is_empty() {
        return Ok(Some(Look::Unclear { detail: open.join("; ") }));
    }
    declined.sort_by_key(|(created, _)| *created);
    Ok(declined.pop().map(|(_, decline)| found(Outcome::Declined { decline }, Vec::new())))
}

/// What one refund says by itself.
enum Read {
    Taken(Refund),
    Declined(Decline),
    Open(String),
    /// It gives back of another transaction.
    Foreign(Outcome),
}

fn read(node: &Node, original: &str) -> Result<Read, Unusable> {
    if node.text_of("type") != Some("credit") {
        return Ok(Read::Open("the transaction is no refund".to_owned()));
    }
    let of = node.text_of("refunded-transaction-id");
    if let Some(other) = of.filter(|of| *of != original) {
        let message = format!("refund {} is one of transaction {other} and not of {original}", node.required("id")?);
        return Ok(Read::Foreign(judge::rejected(RejectionKind::Mismatch, "refund_of_another", &plain(&message))));
    }
    Ok(match judge::transaction(node, wire::transaction)? {
        Verdict::Done(sale) => Read::Taken(Refund {
            id: sale.id,
            transaction: original.to_owned(),
            order_id: sale.order_id,
            amount: sale.amount,
            status: sale.status,
            created_at: sale.created_at,
            soft_decline: soft_decline(node),
        }),
        Verdict::Declined(decline) => Read::Declined(decline),
        Verdict::Open(detail) => Read::Open(detail),
    })
}

/// The bank's code stands before the colon: `2046 : Declined`.
fn soft_decline(node: &Node) -> Option<String> {
    node.text_of("processor-response-code").filter(|code| *code == SOFT)?;
    let bank = node.text_of("additional-processor-response").unwrap_or(SOFT);
    Some(plain(bank.split(':').next().unwrap_or(SOFT).trim()))
}

fn judged(node: &Node, original: &str) -> Outcome {
    match read(node, original) {
        Ok(Read::Taken(refund)) => done(refund),
        Ok(Read::Declined(decline)) => Outcome::Declined { decline },
        Ok(Read::Open(detail)) => judge::unknown(detail),
        Ok(Read::Foreign(outcome)) => outcome,
        Err(error) => judge::unusable(&error),
    }
}

fn done(refund: Refund) -> Outcome {
    Outcome::Done { answer: Answer::Refund(Box::new(refund)) }
}

fn found(outcome: Outcome, extra: Vec<String>) -> Look {
    Look::Found { outcome: Box::new(outcome), extra }
}

fn sentence(outcome: Outcome) -> String {
    match unclear(outcome) {
        Look::Unclear { detail } => detail,
        Look::Found { .. } | Look::Absent { .. } => "the gateway's answer is no transaction".to_owned(),
    }
}
