//! Why a saga waits for somebody: the closed list of park codes.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A park reason. Each has a page in `docs/errors/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ParkCode {
    VendorConfig,
    VendorRejected,
    KeyMisuse,
    UnknownVendorState,
    AnswerMismatch,
    OutcomeUnknown,
    OrderIdReused,
    ChangedMeanwhile,
    CompensationStuck,
    CustomerUnlinked,
    TwoCollectors,
    HeldMismatch,
    HeldByDecision,
    RecordBlocked,
    MoneyDecision,
    CancelRefused,
    OwnerOffUnproved,
    SettlementDeclined,
    IdentitySplit,
    UnparsableAmount,
    HistoryUnreadable,
    PoisonAppend,
    NoQuote,
    AmountMismatch,
    NoInvoice,
    CardMoveFailed,
    CreditSpent,
    GiveBackStuck,
    RefundBlocked,
    RefundFailedAfterSuccess,
    DisputeStuck,
    ImpossibleTransition,
    ChargeWithoutInvoice,
    ChargeMissing,
    ErasureBlocked,
    PageWithoutSubscription,
    TwinSubscription,
    NoCollector,
    LoopGuard,
    Rehearsal,
    Paused,
}

impl ParkCode {
    /// Every code.
    pub const ALL: [Self; 41] = [
        Self::VendorConfig,
        Self::VendorRejected,
        Self::KeyMisuse,
        Self::UnknownVendorState,
        Self::AnswerMismatch,
        Self::OutcomeUnknown,
        Self::OrderIdReused,
        Self::ChangedMeanwhile,
        Self::CompensationStuck,
        Self::CustomerUnlinked,
        Self::TwoCollectors,
        Self::HeldMismatch,
        Self::HeldByDecision,
        Self::RecordBlocked,
        Self::MoneyDecision,
        Self::CancelRefused,
        Self::OwnerOffUnproved,
        Self::SettlementDeclined,
        Self::IdentitySplit,
        Self::UnparsableAmount,
        Self::HistoryUnreadable,
        Self::PoisonAppend,
        Self::NoQuote,
        Self::AmountMismatch,
        Self::NoInvoice,
        Self::CardMoveFailed,
        Self::CreditSpent,
        Self::GiveBackStuck,
        Self::RefundBlocked,
        Self::RefundFailedAfterSuccess,
        Self::DisputeStuck,
        Self::ImpossibleTransition,
        Self::ChargeWithoutInvoice,
        Self::ChargeMissing,
        Self::ErasureBlocked,
        Self::PageWithoutSubscription,
        Self::TwinSubscription,
        Self::NoCollector,
        Self::LoopGuard,
        Self::Rehearsal,
        Self::Paused,
    ];

    /// The code as people, the API and the log write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VendorConfig => "VENDOR_CONFIG",
            Self::VendorRejected => "VENDOR_REJECTED",
            Self::KeyMisuse => "KEY_MISUSE",
            Self::UnknownVendorState => "UNKNOWN_VENDOR_STATE",
            Self::AnswerMismatch => "ANSWER_MISMATCH",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::OrderIdReused => "ORDER_ID_REUSED",
            Self::ChangedMeanwhile => "CHANGED_MEANWHILE",
            Self::CompensationStuck => "COMPENSATION_STUCK",
            Self::CustomerUnlinked => "CUSTOMER_UNLINKED",
            Self::TwoCollectors => "TWO_COLLECTORS",
            Self::HeldMismatch => "HELD_MISMATCH",
            Self::HeldByDecision => "HELD_BY_DECISION",
            Self::RecordBlocked => "RECORD_BLOCKED",
            Self::MoneyDecision => "MONEY_DECISION",
            Self::CancelRefused => "CANCEL_REFUSED",
            Self::OwnerOffUnproved => "OWNER_OFF_UNPROVED",
            Self::SettlementDeclined => "SETTLEMENT_DECLINED",
            Self::IdentitySplit => "IDENTITY_SPLIT",
            Self::UnparsableAmount => "UNPARSABLE_AMOUNT",
            Self::HistoryUnreadable => "HISTORY_UNREADABLE",
            Self::PoisonAppend => "POISON_APPEND",
            Self::NoQuote => "NO_QUOTE",
            Self::AmountMismatch => "AMOUNT_MISMATCH",
            Self::NoInvoice => "NO_INVOICE",
            Self::CardMoveFailed => "CARD_MOVE_FAILED",
            Self::CreditSpent => "CREDIT_SPENT",
            Self::GiveBackStuck => "GIVE_BACK_STUCK",
            Self::RefundBlocked => "REFUND_BLOCKED",
            Self::RefundFailedAfterSuccess => "REFUND_FAILED_AFTER_SUCCESS",
            Self::DisputeStuck => "DISPUTE_STUCK",
            Self::ImpossibleTransition => "IMPOSSIBLE_TRANSITION",
            Self::ChargeWithoutInvoice => "CHARGE_WITHOUT_INVOICE",
            Self::ChargeMissing => "CHARGE_MISSING",
            Self::ErasureBlocked => "ERASURE_BLOCKED",
            Self::PageWithoutSubscription => "PAGE_WITHOUT_SUBSCRIPTION",
            Self::TwinSubscription => "TWIN_SUBSCRIPTION",
            Self::NoCollector => "NO_COLLECTOR",
            Self::LoopGuard => "LOOP_GUARD",
            Self::Rehearsal => "REHEARSAL",
            Self::Paused => "PAUSED",
        }
    }

    /// Somebody wants it parked: nobody need be told.
    pub const fn on_purpose(self) -> bool {
        matches!(self, Self::Rehearsal | Self::Paused)
    }

    /// What it means, in one sentence.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::VendorConfig => "the vendor refuses our credentials, rights or version",
            Self::VendorRejected => "the vendor refused the request for good and the flow has no other way",
            Self::KeyMisuse => "an at-most-once key was too long or used with another body",
            Self::UnknownVendorState => "the vendor shows a status that is not known, and money depends on it",
            Self::AnswerMismatch => "the answer names another amount, currency, customer or card than was asked for",
            Self::OutcomeUnknown => "it could not be found out whether the call was executed",
            Self::OrderIdReused => "a transaction with our order id is older than our request",
            Self::ChangedMeanwhile => "the object changed at the vendor while our write was unanswered",
            Self::CompensationStuck => "an undo was refused",
            Self::CustomerUnlinked => "the invoice's customer is not linked to one customer of ours",
            Self::TwoCollectors => "another collector could charge the same invoice",
            Self::HeldMismatch => "our ledger and Zoho disagree on what was already paid",
            Self::HeldByDecision => "collection of this invoice is on hold",
            Self::RecordBlocked => "money was taken and Zoho refuses the record",
            Self::MoneyDecision => "finance must choose what happens with the money",
            Self::OwnerOffUnproved => "it is not proved that the old collector is off; nobody here charges",
            Self::CancelRefused => "Zoho refuses the cancellation; the fence stays, and nobody is charged",
            Self::SettlementDeclined => "a successful sale was taken back at settlement",
            Self::IdentitySplit => "two systems disagree on who the customer is",
            Self::UnparsableAmount => "a number is no amount of its currency",
            Self::HistoryUnreadable => "this release cannot read the saga's history",
            Self::PoisonAppend => "the database refuses what the saga wants to write",
            Self::NoQuote => "price, catalog or tax is not good enough for a quote",
            Self::AmountMismatch => "Zoho's total is over what the customer accepted, a second time; all is undone",
            Self::NoInvoice => "Zoho made no invoice for a new subscription, or left it as a draft",
            Self::CardMoveFailed => "a subscription at Braintree could not be moved to the customer's new card",
            Self::CreditSpent => "our credit note was used before it was paid out: the money would be given twice",
            Self::GiveBackStuck => "void and refund were both refused for three days",
            Self::RefundBlocked => "the bank, a time limit or the merchant account refuses the refund",
            Self::RefundFailedAfterSuccess => "a refund was declined after it had been accepted",
            Self::DisputeStuck => "the reply to a dispute is not taken an hour before its deadline",
            Self::ImpossibleTransition => "the vendor shows a state that cannot follow on what was known",
            Self::ChargeWithoutInvoice => "Braintree charged by itself, and Zoho has no invoice for it",
            Self::ChargeMissing => "an invoice was due, and its collector did not charge it",
            Self::ErasureBlocked => "a person's erasure cannot go on: something of theirs is not ended or not gone",
            Self::PageWithoutSubscription => "Zoho's page says that it was bought, and no subscription is found",
            Self::TwinSubscription => "one order was bought twice: two subscriptions run at Zoho",
            Self::LoopGuard => {
                "a record was written again and again in a day: two systems may be writing against each other"
            }
            Self::NoCollector => "Zoho does not collect the subscription any more, and nobody else does",
            Self::Rehearsal => "a rehearsal waits for its operator, on purpose",
            Self::Paused => "an operator paused it: no new call is sent, look-ups go on",
        }
    }
}

impl fmt::Display for ParkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
