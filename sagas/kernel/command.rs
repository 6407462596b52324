//! What the engine tells a saga: the machine's commands.

use super::ids::SagaId;
use super::outcome::{Look, Outcome};
use super::park::ParkCode;
use super::saga::At;
use super::verb::{Evidence, Order, Verb};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the engine tells a saga. Time comes with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command<C> {
    /// The saga concerned.
    pub saga: SagaId,
    /// When, and in which zone dates are written.
    pub at: At,
    /// What.
    pub what: What<C>,
}

/// Kinds of engine commands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum What<C> {
    /// A command from outside: a trigger, a signal, a decision.
    Deliver {
        /// The inbox item that brought it.
        item: Option<String>,
        /// What kind of thing came.
        kind: String,
        /// Who.
        principal: String,
        /// The flow's command.
        command: C,
    },
    /// The bytes of a searchable call leave now.
    Sending {
        /// Absence is not judged before (UTC).
        deadline: DateTime<Utc>,
        /// The node that sends.
        node: String,
        /// Its shard epoch.
        epoch: i64,
    },
    /// The open call ended.
    Answer {
        /// Which sending.
        attempt: u32,
        /// How.
        outcome: Outcome,
        /// The vendor's id of the request.
        request_id: Option<String>,
        /// How long it took.
        latency_ms: u64,
    },
    /// A look-up of the open call ended.
    Looked {
        /// Which sending.
        attempt: u32,
        /// What it showed.
        look: Look,
    },
    /// The open call is not sent, because what it rests on is stale.
    Stale,
    /// The due time of `pending` has come.
    Due,
    /// An operator orders something.
    Verb {
        /// The inbox item that brought it.
        item: Option<String>,
        /// What kind of thing came.
        kind: String,
        /// What, who and why.
        order: Order,
        /// What was found out for it.
        evidence: Evidence,
    },
    /// Something came from outside and was refused before the flow saw it: for the record.
    Refused {
        /// The inbox item that brought it.
        item: Option<String>,
        /// What kind of thing came.
        kind: String,
        /// Who.
        principal: String,
        /// Why.
        reason: String,
    },
    /// A history that another release could not read is read.
    Readable,
    /// The engine parks the saga.
    Park {
        /// From the closed list.
        code: ParkCode,
        /// What happened and what to do.
        detail: String,
    },
}

impl<C> What<C> {
    /// The same, with the flow's own command read by this.
    ///
    /// # Errors
    /// What the reader answers.
    pub fn try_map<D, E>(self, read: impl FnOnce(C) -> Result<D, E>) -> Result<What<D>, E> {
        Ok(match self {
            Self::Deliver { item, kind, principal, command } => {
                What::Deliver { item, kind, principal, command: read(command)? }
            }
            Self::Sending { deadline, node, epoch } => What::Sending { deadline, node, epoch },
            Self::Answer { attempt, outcome, request_id, latency_ms } => {
                What::Answer { attempt, outcome, request_id, latency_ms }
            }
            Self::Looked { attempt, look } => What::Looked { attempt, look },
            Self::Stale => What::Stale,
            Self::Readable => What::Readable,
            Self::Due => What::Due,
            Self::Verb { item, kind, order, evidence } => What::Verb { item, kind, order, evidence },
            Self::Refused { item, kind, principal, reason } => What::Refused { item, kind, principal, reason },
            Self::Park { code, detail } => What::Park { code, detail },
        })
    }

    /// An operator's order that needs nothing but who and why.
    pub fn order(verb: Verb, principal: &str, reason: &str) -> Self {
        let (principal, reason) = (principal.to_owned(), reason.to_owned());
        let order = Order { verb, principal, reason, approver: None, bulk: false };
        Self::Verb { item: None, kind: "operator".to_owned(), order, evidence: Evidence::default() }
    }
}
