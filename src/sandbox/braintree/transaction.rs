//! A transaction: its states, what the processor said, its history. Which state may follow which is decided by the
//! operations (`sale`, `life`, `refunds`, `settlement`).

use super::cards::Card;
use super::dispute::Dispute;
use super::issuers::ThreeDs;
use super::state::Customer;
use super::subscription::Line;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value};

/// How long after submission a batch is closed and the transaction shows `settling`.
pub(super) const SETTLING_AFTER: TimeDelta = TimeDelta::hours(18);
/// How long after submission a transaction is settled: "about a day".
pub(super) const SETTLED_AFTER: TimeDelta = TimeDelta::hours(24);

/// Money in or money out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Sale,
    Credit,
}

impl Type {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Credit => "credit",
        }
    }
}

/// The gateway's transaction states that cards can reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Authorized,
    AuthorizationExpired,
    ProcessorDeclined,
    GatewayRejected,
    Failed,
    SubmittedForSettlement,
    Settling,
    Settled,
    SettlementPending,
    SettlementConfirmed,
    SettlementDeclined,
    Voided,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::AuthorizationExpired => "authorization_expired",
            Self::ProcessorDeclined => "processor_declined",
            Self::GatewayRejected => "gateway_rejected",
            Self::Failed => "failed",
            Self::SubmittedForSettlement => "submitted_for_settlement",
            Self::Settling => "settling",
            Self::Settled => "settled",
            Self::SettlementPending => "settlement_pending",
            Self::SettlementConfirmed => "settlement_confirmed",
            Self::SettlementDeclined => "settlement_declined",
            Self::Voided => "voided",
        }
    }

    /// Whether the transaction moves money, or will unless someone stops it.
    pub(super) fn takes_money(self) -> bool {
        match self {
            Self::SubmittedForSettlement
            | Self::Settling
            | Self::Settled
            | Self::SettlementPending
            | Self::SettlementConfirmed => true,
            Self::Authorized
            | Self::AuthorizationExpired
            | Self::ProcessorDeclined
            | Self::GatewayRejected
            | Self::Failed
            | Self::SettlementDeclined
            | Self::Voided => false,
        }
    }
}

/// Who caused a change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Api,
    ControlPanel,
    /// The gateway's billing of subscriptions.
    Recurring,
    /// Settlement and expiry by the gateway itself.
    Gateway,
}

impl Cause {
    /// Whose name stands in the history.
    pub(super) fn user(self) -> Option<&'static str> {
        match self {
            Self::Api => Some("api@sandbox.example"),
            Self::ControlPanel => Some("staff@sandbox.example"),
            Self::Recurring | Self::Gateway => None,
        }
    }

    /// `transaction-source` in the history.
    pub(super) fn source(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::ControlPanel => "control_panel",
            Self::Recurring => "recurring",
            Self::Gateway => "",
        }
    }
}

/// One change of state.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) at: DateTime<Utc>,
    pub(super) status: Status,
    /// Minor units.
    pub(super) amount: i64,
    pub(super) cause: Cause,
}

/// The processor's answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Processor {
    /// Empty for a transaction that never reached the processor.
    pub(super) code: String,
    pub(super) text: String,
    pub(super) kind: Option<&'static str>,
    pub(super) additional: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) settlement: Option<(&'static str, &'static str)>,
}

/// The subscription that a transaction was made for, as it was then.
#[derive(Debug, Clone)]
pub(super) struct Recurring {
    pub(super) subscription_id: String,
    pub(super) plan_id: String,
    /// First and last day of the cycle.
    pub(super) period: Option<(NaiveDate, NaiveDate)>,
    pub(super) add_ons: Vec<Line>,
    pub(super) discounts: Vec<Line>,
}

/// A sale or credit.
#[derive(Debug, Clone)]
pub(super) struct Transaction {
    pub(super) id: String,
    pub(super) kind: Type,
    pub(super) status: Status,
    /// Minor units; after a submit for less, the lower amount.
    pub(super) amount: i64,
    /// ISO 4217, that of the merchant account.
    pub(super) currency: String,
    pub(super) merchant_account: String,
    pub(super) order_id: Option<String>,
    /// The customer as it was.
    pub(super) customer: Option<Customer>,
    pub(super) token: Option<String>,
    pub(super) card: Card,
    pub(super) processor: Processor,
    pub(super) rejection: Option<String>,
    /// `transaction_source` of the request, e.g. `recurring`.
    pub(super) source: Option<String>,
    /// Fields that are stored and shown as sent (addresses, descriptor, Level 2 and 3 data).
    pub(super) as_sent: Map<String, Value>,
    pub(super) refund_ids: Vec<String>,
    pub(super) refunded_id: Option<String>,
    pub(super) batch_id: Option<String>,
    pub(super) disbursed_on: Option<NaiveDate>,
    /// The bank sent the payout back.
    pub(super) payout_failed: bool,
    /// The processor keeps it: it shows in its day's payout, and no money of it goes to the bank.
    pub(super) funds_held: bool,
    pub(super) history: Vec<Event>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
    pub(super) authorization_expires_at: Option<DateTime<Utc>>,
    pub(super) three_ds: Option<ThreeDs>,
    pub(super) subscription: Option<Recurring>,
    /// Oldest first.
    pub(super) disputes: Vec<Dispute>,
}

impl Transaction {
    /// Moves to a state, with its line in the history.
    pub(super) fn becomes(&mut self, status: Status, cause: Cause, at: DateTime<Utc>) {
        self.status = status;
        self.updated_at = at;
        self.history.push(Event { at, status, amount: self.amount, cause });
    }

    /// Whether the issuer and the gateway said yes.
    pub(super) fn is_successful(&self) -> bool {
        !matches!(self.status, Status::ProcessorDeclined | Status::GatewayRejected | Status::Failed)
    }

    /// When a state was entered last.
    pub(super) fn entered(&self, status: Status) -> Option<DateTime<Utc>> {
        self.history.iter().rev().find(|event| event.status == status).map(|event| event.at)
    }

    /// When the batch of a submitted transaction is closed.
    pub(super) fn settles_from(&self) -> Option<DateTime<Utc>> {
        self.entered(Status::SubmittedForSettlement).map(|at| at + SETTLING_AFTER)
    }

    /// The request field `source` of searches: who asked for it.
    pub(super) fn origin(&self) -> &'static str {
        self.history.first().map_or("api", |event| event.cause.source())
    }

    /// The acquirer's number of a settled transaction.
    pub(super) fn acquirer_reference(&self) -> Option<&'static str> {
        (self.status == Status::Settled).then_some("12345678901234567890123")
    }

    /// Whether it counts as one of a series (`recurring` in the answer).
    pub(super) fn recurring(&self) -> bool {
        matches!(self.source.as_deref(), Some("recurring" | "recurring_first"))
    }

    /// The instrument's word in searches.
    pub(super) fn instrument() -> &'static str {
        "credit_card"
    }
}
