//! The five outcomes of a call (`Done`, `Declined`, `Rejected`, `NotSent`, `Unknown`) and what a look-up can say.
//!
//! `Unknown` never leads to a new attempt: it leads to a look-up by our own reference. A time-out is `Unknown`, never a
//! failure.

use super::answer::Answer;
use serde::{Deserialize, Serialize};

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The vendor confirmed; what it said that the flow needs.
    Done {
        /// The flow's extract of the vendor's answer: ids, amounts, statuses; never personal data.
        answer: Answer,
    },
    /// The vendor did the work and the answer is no.
    Declined {
        /// Why, in the vendor's codes.
        decline: Decline,
    },
    /// Permanent refusal: validation, permission, not found, wrong state.
    Rejected {
        /// Why, in the vendor's codes.
        rejection: Rejection,
    },
    /// Provably not executed: the same request may go out again.
    NotSent {
        /// Why nothing was sent.
        cause: NotSent,
        /// A sentence for a person.
        detail: String,
        /// Not before so many seconds from now, where the vendor said so.
        retry_after_seconds: Option<u32>,
    },
    /// Sent, and no usable answer came back.
    Unknown {
        /// A sentence for a person: time-out, reset, unreadable body …
        detail: String,
    },
}

/// A no from the card's side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// What kind of no.
    pub kind: DeclineKind,
    /// Processor response code, gateway rejection reason, or the name of what is busy.
    pub code: String,
    /// The vendor's short text for the code.
    pub text: String,
    /// Braintree's `processor-response-type`: `soft_declined`, `hard_declined`; absent when the vendor gave none.
    pub response_type: Option<String>,
    /// Network merchant advice code, where the network sent one.
    pub advice_code: Option<String>,
    /// The network's words for that code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advice_text: Option<String>,
    /// The network's own response code, beside the processor's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_code: Option<String>,
    /// The network's words for its response code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_text: Option<String>,
    /// The vendor's id of the refused transaction.
    pub transaction: Option<String>,
    /// The card's brand.
    pub brand: Option<String>,
}

/// What kind of no it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineKind {
    /// The processor or issuer declined.
    Processor,
    /// The gateway rejected by its own rules (never `duplicate`, which is `Unknown`).
    Gateway,
    /// The network failed and the transaction is finished (`failed`, 3000).
    Network,
    /// A card verification was declined.
    Verification,
    /// Not a vendor: another saga holds what this one wants.
    Busy,
}

/// The code of a rejection by our own side: the single-use input that a call needs was used or is too old.
pub const INPUT_GONE: &str = "input_gone";

/// A permanent refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// What kind of refusal.
    pub kind: RejectionKind,
    /// The vendor's code.
    pub code: String,
    /// The vendor's message, without personal data.
    pub message: String,
}

impl Rejection {
    /// Refused because of what was asked, not because of our rights or a state that is not known.
    pub const fn is_business(&self) -> bool {
        matches!(self.kind, RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State)
    }
}

/// What kind of refusal it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionKind {
    /// Credentials, rights or version: concerns the whole connector, nothing of this saga.
    Config,
    /// The object does not exist.
    NotFound,
    /// The request is not acceptable.
    Invalid,
    /// The object's state does not allow it.
    State,
    /// The answer names another amount, currency, customer or method than was asked for.
    Mismatch,
    /// A status, kind or reason that is not known, and money depends on it.
    UnknownState,
    /// A number that is no amount of that currency.
    UnparsableAmount,
    /// At-most-once key too long, or used with another body.
    KeyMisuse,
    /// A transaction with our order id is older than our request.
    OrderIdReused,
    /// Somebody else changed the object between our read and our unanswered write.
    Changed,
}

/// Why nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotSent {
    /// Host not reached, or circuit open.
    Outage,
    /// Rate or daily quota of the vendor, as the vendor said.
    Quota,
    /// Our own budget of the vendor's calls: it waits for its turn.
    Turn,
    /// This operation is switched off.
    Switch,
    /// The vendor asks to come again (a write conflict, a merge in progress), or a read had no usable answer.
    Again,
    /// This node may not send now: it is stopping, or its lease could end before the call.
    Node,
}

impl Outcome {
    /// One word for lists and metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Declined { .. } => "declined",
            Self::Rejected { .. } => "rejected",
            Self::NotSent { .. } => "not_sent",
            Self::Unknown { .. } => "unknown",
        }
    }
}

/// What one look-up by our own reference showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "snake_case")]
pub enum Look {
    /// Found: the call's real outcome.
    Found {
        /// As if the vendor had answered.
        outcome: Box<Outcome>,
        /// Further approved hits of the same reference: each is to be given back.
        extra: Vec<String>,
    },
    /// A clean look that found nothing.
    Absent {
        /// The look also showed that the vendor's index has passed our send.
        watermark: bool,
        /// At-most-once keys are proven to work for this account.
        key_proven: bool,
    },
    /// Neither: the vendor could not say, or shows a state that is not final.
    Unclear {
        /// A sentence for a person.
        detail: String,
    },
}

impl Look {
    /// One word for lists and metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Found { .. } => "found",
            Self::Absent { .. } => "absent",
            Self::Unclear { .. } => "unclear",
        }
    }
}
