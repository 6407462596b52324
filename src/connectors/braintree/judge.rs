//! From an answer to an outcome: the status decides first, the body is read later. What cannot be read leaves a write's
//! outcome unknown, under 2xx too, and has a read repeated.

use super::wire::{self, Unusable, plain};
use super::xml::Node;
use crate::connectors::http::Reply;
use sagas::kernel::answer::{Answer, Transaction, TransactionStatus};
use sagas::kernel::outcome::{Decline, DeclineKind, NotSent, Outcome, Rejection, RejectionKind};

/// What the answer to a sale says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SaleAnswer {
    /// How it ended.
    Outcome(Outcome),
    /// This account has no at-most-once keys: refused before processing, to be sent again without one.
    KeyNotAllowed,
}

/// Judges the answer to a sale.
pub(super) fn sale(reply: &Reply) -> SaleAnswer {
    let outcome = match reply.status.as_u16() {
        200 | 201 => Node::parse(&reply.body)
            .map_or_else(|error| unknown(format!("the answer cannot be read: {error}")), |root| sold(&root)),
        422 => match Node::parse(&reply.body) {
            Ok(root) => return refused(&root),
            Err(error) => unknown(format!("the refusal cannot be read: {error}")),
        },
        status @ (401 | 403 | 426) => rejected(RejectionKind::Config, format!("http_{status}"), config_fault(status)),
        404 => rejected(
            RejectionKind::Config,
            "http_404".to_owned(),
            "the gateway does not know the address: check base URL and merchant id",
        ),
        400 => rejected(RejectionKind::Invalid, "http_400".to_owned(), "the gateway calls the request malformed"),
        status => unknown(format!("the gateway answered HTTP {status}")),
    };
    SaleAnswer::Outcome(outcome)
}

/// The outcome of a read that was answered; `extract` reads the object.
pub(super) fn read(reply: &Reply, root: &str, extract: impl FnOnce(&Node) -> Result<Answer, Unusable>) -> Outcome {
    let again = |detail: String| Outcome::NotSent {
        cause: NotSent::Again,
        detail,
        retry_after_seconds: reply.retry_after_seconds(),
    };
    match reply.status.as_u16() {
        200 => match Node::parse(&reply.body) {
            Ok(node) if node.name == root => match extract(&node) {
                Ok(answer) => Outcome::Done { answer },
                Err(error @ Unusable::Amount { .. }) => {
                    rejected(RejectionKind::UnparsableAmount, "amount".to_owned(), &error.to_string())
                }
                Err(Unusable::Form(error)) => again(format!("the {root} cannot be read: {error}")),
            },
            Ok(_) => again(format!("the answer is no {root}")),
            Err(error) => again(format!("the {root} cannot be read: {error}")),
        },
        404 => not_found(root),
        status @ (401 | 403 | 426) => rejected(RejectionKind::Config, format!("http_{status}"), config_fault(status)),
        status => again(format!("the gateway answered HTTP {status}")),
    }
}

/// There is no such object.
pub(super) fn not_found(root: &str) -> Outcome {
    rejected(RejectionKind::NotFound, "http_404".to_owned(), &format!("the gateway has no such {root}"))
}

/// What a sale's transaction says by itself, in an answer or found by a search.
pub(super) enum Verdict {
    /// Approved, or reversed after it was approved, or in a status that we do not know: the flow reads the status.
    Done(Transaction),
    /// The answer is no.
    Declined(Decline),
    /// Not final, or a duplicate of something that may have succeeded.
    Open(String),
}

/// Judges a sale's transaction by its status.
pub(super) fn transaction(node: &Node) -> Result<Verdict, Unusable> {
    let id = node.text_of("id").unwrap_or_default();
    let declined = |kind| Ok(Verdict::Declined(wire::decline(kind, node)));
    match wire::status(node.required("status")?) {
        TransactionStatus::ProcessorDeclined => declined(DeclineKind::Processor),
        TransactionStatus::Failed => declined(DeclineKind::Network),
        TransactionStatus::GatewayRejected => match node.text_of("gateway-rejection-reason") {
            Some("duplicate") => Ok(Verdict::Open(format!("transaction {id} was rejected as a duplicate of another"))),
            Some(_) => declined(DeclineKind::Gateway),
            None => Ok(Verdict::Open(format!("transaction {id} was rejected for no named reason"))),
        },
        TransactionStatus::Authorizing => Ok(Verdict::Open(format!("transaction {id} is still authorizing"))),
        TransactionStatus::Authorized
        | TransactionStatus::SubmittedForSettlement
        | TransactionStatus::Settling
        | TransactionStatus::SettlementPending
        | TransactionStatus::SettlementConfirmed
        | TransactionStatus::Settled
        | TransactionStatus::SettlementDeclined
        | TransactionStatus::SettlementFailed
        | TransactionStatus::Voided
        | TransactionStatus::AuthorizationExpired
        | TransactionStatus::Other(_) => wire::transaction(node).map(Verdict::Done),
    }
}

fn sold(root: &Node) -> Outcome {
    if root.name == "transaction" { by_status(root) } else { unknown("the answer is no transaction".to_owned()) }
}

fn by_status(node: &Node) -> Outcome {
    match transaction(node) {
        Ok(Verdict::Done(transaction)) => Outcome::Done { answer: Answer::Transaction(Box::new(transaction)) },
        Ok(Verdict::Declined(decline)) => Outcome::Declined { decline },
        Ok(Verdict::Open(detail)) => unknown(detail),
        Err(error) => unknown(format!("the answer cannot be used: {error}")),
    }
}

/// A 422, in the gateway's order: a transaction, a verification, error codes, none of them.
fn refused(root: &Node) -> SaleAnswer {
    if root.name != "api-error-response" {
        return SaleAnswer::Outcome(unknown("the refusal has no error response".to_owned()));
    }
    if let Some(node) = root.child("transaction").filter(|node| node.text_of("status").is_some()) {
        return SaleAnswer::Outcome(by_status(node));
    }
    if let Some(node) = root.child("verification") {
        let decline = wire::decline(DeclineKind::Verification, node);
        return SaleAnswer::Outcome(Outcome::Declined { decline });
    }
    let mut errors = Vec::new();
    if let Some(tree) = root.child("errors") {
        collect(tree, &mut errors);
    }
    by_codes(&errors)
}

struct Fault<'a> {
    code: &'a str,
    message: &'a str,
}

/// Walks the error tree: each level has an `errors` array and named children.
fn collect<'a>(level: &'a Node, faults: &mut Vec<Fault<'a>>) {
    for child in &level.children {
        if child.name == "error" {
            let message = child.text_of("message").unwrap_or_default();
            faults.extend(child.text_of("code").map(|code| Fault { code, message }));
        } else {
            collect(child, faults);
        }
    }
}

/// Error codes of the gateway's reference. What may have been begun outweighs what was refused.
fn by_codes(faults: &[Fault<'_>]) -> SaleAnswer {
    let has = |codes: &[&str]| faults.iter().find(|fault| codes.contains(&fault.code));
    let Some(first) = faults.first() else {
        return SaleAnswer::Outcome(unknown("the gateway refused without a code".to_owned()));
    };
    // The first request with this key is still running, failed, or met trouble at the gateway.
    if let Some(fault) = has(&["915233", "915234", "915235"]) {
        return SaleAnswer::Outcome(unknown(format!("the at-most-once key was used before ({})", fault.code)));
    }
    if has(&["915231"]).is_some() {
        return SaleAnswer::KeyNotAllowed;
    }
    let (kind, fault) = if let Some(fault) = has(&["915230", "915232"]) {
        (RejectionKind::KeyMisuse, fault)
    } else if let Some(fault) = has(&["91510", "91511", "91518"]) {
        // The customer, its card or the token is not there.
        (RejectionKind::NotFound, fault)
    } else if let Some(fault) = has(&["91514"]) {
        // The merchant account is suspended.
        (RejectionKind::State, fault)
    } else {
        (RejectionKind::Invalid, first)
    };
    let message = faults.iter().map(|fault| fault.message).collect::<Vec<_>>().join(" ");
    SaleAnswer::Outcome(rejected(kind, plain(fault.code), &plain(&message)))
}

const fn config_fault(status: u16) -> &'static str {
    match status {
        401 => "the gateway refuses the API keys: check merchant id, public and private key, and the environment",
        403 => "the gateway refuses access: the key's role is too weak, or a request has a field it does not know",
        _ => "the gateway wants a newer API version",
    }
}

fn rejected(kind: RejectionKind, code: String, message: &str) -> Outcome {
    Outcome::Rejected { rejection: Rejection { kind, code, message: message.to_owned() } }
}

fn unknown(detail: String) -> Outcome {
    Outcome::Unknown { detail }
}
