//! From an answer to an outcome: the status decides first, the body is read later. What cannot be read leaves a write's
//! outcome unknown, under 2xx too, and has a read repeated.

use super::wire::{self, Reader, Unusable, plain};
use super::xml::Node;
use crate::connectors::http::Reply;
use sagas::kernel::answer::{Answer, Transaction, TransactionStatus};
use sagas::kernel::outcome::{Decline, DeclineKind, NotSent, Outcome, Rejection, RejectionKind};

/// What the gateway answered to a write, before what it means for the call at hand.
pub(super) enum Said {
    /// Success, with an object.
    Object(Node),
    /// Success, with nothing.
    Empty,
    /// Refused, with the transaction that came of it.
    Transaction(Node),
    /// Refused, with the verification that failed.
    Verification(Node),
    /// Refused, with error codes.
    Faults(Faults),
    /// There is no such object, or no such address.
    Missing,
    /// Means the same for every call.
    Outcome(Outcome),
}

/// Judges the answer to a write.
pub(super) fn write(reply: &Reply) -> Said {
    Said::Outcome(match reply.status.as_u16() {
        200 | 201 | 204 if reply.body.iter().all(u8::is_ascii_whitespace) => return Said::Empty,
        200 | 201 => match Node::parse(&reply.body) {
            Ok(root) => return Said::Object(root),
            Err(error) => unknown(format!("the answer cannot be read: {error}")),
        },
        422 => match Node::parse(&reply.body) {
            Ok(root) => return refused(root),
            Err(error) => unknown(format!("the refusal cannot be read: {error}")),
        },
        404 => return Said::Missing,
        status @ (401 | 403 | 426) => rejected(RejectionKind::Config, &format!("http_{status}"), config_fault(status)),
        400 => rejected(RejectionKind::Invalid, "http_400", "the gateway calls the request malformed"),
        status => unknown(format!("the gateway answered HTTP {status}")),
    })
}

/// The outcome of a sale or a hold.
///
/// # Errors
/// The error codes, where there are any: the call says what they mean to it.
pub(super) fn sale(said: Said, reader: Reader) -> Result<Outcome, Faults> {
    Ok(match said {
        Said::Object(node) if node.name == "transaction" => by_status(&node, reader),
        Said::Object(_) | Said::Empty => unknown("the answer is no transaction".to_owned()),
        Said::Transaction(node) => by_status(&node, reader),
        Said::Verification(node) => verification(&node),
        Said::Faults(faults) => return Err(faults),
        Said::Missing => no_address(),
        Said::Outcome(outcome) => outcome,
    })
}

/// The outcome of a card verification that failed.
pub(super) fn verification(node: &Node) -> Outcome {
    Outcome::Declined { decline: wire::decline(DeclineKind::Verification, node) }
}

/// A collection of ours is not there.
pub(super) fn no_address() -> Outcome {
    rejected(RejectionKind::Config, "http_404", "the gateway does not know the address: check base URL and merchant id")
}

/// The outcome of a read that was answered; `extract` reads the object.
pub(super) fn read(reply: &Reply, root: &str, extract: impl FnOnce(&Node) -> Result<Answer, Unusable>) -> Outcome {
    match shown(reply) {
        Shown::Object(node) if node.name == root => match extract(&node) {
            Ok(answer) => Outcome::Done { answer },
            Err(error @ Unusable::Amount { .. }) => {
                rejected(RejectionKind::UnparsableAmount, "amount", &error.to_string())
            }
            Err(Unusable::Form(error)) => again(format!("the {root} cannot be read: {error}")),
        },
        Shown::Object(_) => again(format!("the answer is no {root}")),
        Shown::Missing => not_found(root),
        Shown::Unread(outcome) => outcome,
    }
}

/// What a read showed.
pub(super) enum Shown {
    /// The object.
    Object(Node),
    /// There is none.
    Missing,
    /// Neither: the read's outcome. It is to be repeated, or the connector is set up wrongly.
    Unread(Outcome),
}

/// Judges the answer to a read.
pub(super) fn shown(reply: &Reply) -> Shown {
    let again = |detail: String| {
        let retry_after_seconds = reply.retry_after_seconds();
        Shown::Unread(Outcome::NotSent { cause: NotSent::Again, detail, retry_after_seconds })
    };
    match reply.status.as_u16() {
        200 => Node::parse(&reply.body)
            .map_or_else(|error| again(format!("the answer cannot be read: {error}")), Shown::Object),
        404 => Shown::Missing,
        status @ (401 | 403 | 426) => {
            Shown::Unread(rejected(RejectionKind::Config, &format!("http_{status}"), config_fault(status)))
        }
        status => again(format!("the gateway answered HTTP {status}")),
    }
}

/// There is no such object.
pub(super) fn not_found(root: &str) -> Outcome {
    rejected(RejectionKind::NotFound, "http_404", &format!("the gateway has no such {root}"))
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

/// Judges a sale's or a hold's transaction by its status.
pub(super) fn transaction(node: &Node, reader: Reader) -> Result<Verdict, Unusable> {
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
        | TransactionStatus::Other(_) => reader(node).map(Verdict::Done),
    }
}

fn by_status(node: &Node, reader: Reader) -> Outcome {
    match transaction(node, reader) {
        Ok(Verdict::Done(transaction)) => done(transaction),
        Ok(Verdict::Declined(decline)) => Outcome::Declined { decline },
        Ok(Verdict::Open(detail)) => unknown(detail),
        Err(error) => unusable(&error),
    }
}

/// A 422, in the gateway's order: a transaction, a verification, error codes, none of them.
fn refused(mut root: Node) -> Said {
    if root.name != "api-error-response" {
        return Said::Outcome(unknown("the refusal has no error response".to_owned()));
    }
    if let Some(node) = root.take("transaction").filter(|node| node.text_of("status").is_some()) {
        return Said::Transaction(node);
    }
    if let Some(node) = root.take("verification") {
        return Said::Verification(node);
    }
    let mut faults = Vec::new();
    if let Some(tree) = root.child("errors") {
        collect(tree, &mut faults);
    }
    if faults.is_empty() {
        return Said::Outcome(unknown("the gateway refused without a code".to_owned()));
    }
    Said::Faults(Faults(faults))
}

/// The customer, its card or the token is not there.
const NOT_THERE: [&str; 5] = ["91510", "91511", "91518", "91903", "93105"];

/// What the state of the thing forbids.
const NOT_NOW: [&str; 18] = [
    // The merchant account is suspended, or pending, or gives nothing back.
    "91514", "91538", "91559", "91547", // The hold is final: only its whole amount may be captured.
    "95601", // Refunds: of a refund, of what is not settled, of what is given back already.
    "91505", "91506", "91574", "91512", "91521",
    // Subscriptions: cancelled, expired; no other price while a charge is owed.
    "81901", "81905", "81910", "91920", // Disputes: only an open one is added to, accepted, handed in.
    "95701", "95702", "95704", "95705",
];

/// The error codes of a refusal: at least one.
pub(super) struct Faults(Vec<Fault>);

struct Fault {
    code: String,
    message: String,
}

/// What error codes mean to every call.
#[allow(clippy::large_enum_variant, reason = "it lives for one match")]
pub(super) enum Refusal {
    /// How the call ended.
    Outcome(Outcome),
    /// This account has no at-most-once keys: refused before processing, to be sent again without one.
    KeyNotAllowed,
}

/// Walks the error tree: each level has an `errors` array and named children.
fn collect(level: &Node, faults: &mut Vec<Fault>) {
    for child in &level.children {
        if child.name == "error" {
            let message = child.text_of("message").unwrap_or_default().to_owned();
            faults.extend(child.text_of("code").map(|code| Fault { code: code.to_owned(), message }));
        } else {
            collect(child, faults);
        }
    }
}

impl Faults {
    /// The first of these codes that is among them.
    pub(super) fn find(&self, codes: &[&'static str]) -> Option<&'static str> {
        codes.iter().copied().find(|code| self.0.iter().any(|fault| fault.code == *code))
    }

    /// Error codes of the gateway's reference. What may have been begun outweighs what was refused.
    pub(super) fn refusal(&self) -> Refusal {
        // The first request with this key is still running, failed, or met trouble at the gateway.
        if let Some(code) = self.find(&["915233", "915234", "915235"]) {
            return Refusal::Outcome(unknown(format!("the at-most-once key was used before ({code})")));
        }
        if self.find(&["915231"]).is_some() {
            return Refusal::KeyNotAllowed;
        }
        let (kind, code) = if let Some(code) = self.find(&["915230", "915232"]) {
            (RejectionKind::KeyMisuse, code)
        } else if let Some(code) = self.find(&NOT_THERE) {
            (RejectionKind::NotFound, code)
        } else if let Some(code) = self.find(&NOT_NOW) {
            (RejectionKind::State, code)
        } else {
            (RejectionKind::Invalid, self.0.first().map_or("", |fault| fault.code.as_str()))
        };
        Refusal::Outcome(self.rejected(kind, code))
    }

    /// A rejection under that code, with all that the gateway says.
    pub(super) fn rejected(&self, kind: RejectionKind, code: &str) -> Outcome {
        let message = self.0.iter().map(|fault| fault.message.as_str()).collect::<Vec<_>>().join(" ");
        rejected(kind, &plain(code), &plain(&message))
    }
}

const fn config_fault(status: u16) -> &'static str {
    match status {
        401 => "the gateway refuses the API keys: check merchant id, public and private key, and the environment",
        403 => "the gateway refuses access: the key's role is too weak, or a request has a field it does not know",
        _ => "the gateway wants a newer API version",
    }
}

/// Done, with this transaction.
pub(super) fn done(transaction: Transaction) -> Outcome {
    Outcome::Done { answer: Answer::Transaction(Box::new(transaction)) }
}

/// A permanent refusal.
pub(super) fn rejected(kind: RejectionKind, code: &str, message: &str) -> Outcome {
    Outcome::Rejected { rejection: Rejection { kind, code: code.to_owned(), message: message.to_owned() } }
}

/// Nothing was done: the same request may go out again.
pub(super) fn again(detail: String) -> Outcome {
    Outcome::NotSent { cause: NotSent::Again, detail, retry_after_seconds: None }
}

/// The write may have been executed.
pub(super) fn unknown(detail: String) -> Outcome {
    Outcome::Unknown { detail }
}

/// The write was executed; what came of it cannot be told from the answer.
pub(super) fn unusable(error: &Unusable) -> Outcome {
    unknown(format!("the answer cannot be used: {error}"))
}
