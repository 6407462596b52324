//! Calls on Braintree's gateway: customers, cards, sales and give-backs. What recurring billing and disputes need beside
//! them is in `recurring.rs` and `dispute.rs`.

use super::dispute::{DocumentForm, EvidencePiece};
use super::recurring::{RecurringChange, RecurringOrder};
use super::sale_details::SaleDetails;
use crate::kernel::money::Money;
use crate::kernel::profile::{Comparison, Correction};
use crate::kernel::step::{Absence, ExactlyOnce, Resend};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Calls on Braintree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Braintree {
    /// Reads a customer with its payment methods and their live subscriptions.
    ReadCustomer {
        /// Braintree customer id.
        customer: String,
    },
    /// A sale, submitted for settlement.
    Sell {
        /// Our reference: one per attempt for ever.
        order_id: String,
        /// Braintree customer id, compared with the answer's.
        customer: String,
        /// The vaulted method.
        token: String,
        /// What to charge.
        amount: Money,
        /// True: `transaction_source=recurring`; false: the customer is present.
        recurring: bool,
        /// What the sale is for, as card networks take it of business customers; absent: nothing of it is said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<Box<SaleDetails>>,
    },
    /// Reads one transaction.
    ReadTransaction {
        /// Transaction id.
        transaction: String,
    },
    /// Finds all transactions of one order id that were not refused: by the search, whose index may lag.
    FindTransactions {
        /// Our reference.
        order_id: String,
    },
    /// Finds customers that have a person's e-mail address, whoever made them, by the search. Needs the person.
    FindCustomers {
        /// Our customer id: whose e-mail address it is.
        customer: String,
    },
    /// Makes a customer under an id of our choosing. Needs the person.
    CreateCustomer {
        /// Braintree customer id: `c-<our customer>`.
        customer: String,
        /// Our customer id: whose personal data it takes.
        person: String,
    },
    /// Deletes a customer, where nothing of it is in use.
    DeleteCustomer {
        /// Braintree customer id.
        customer: String,
    },
    /// Holds an amount, without submitting it; a new card is vaulted with it.
    Authorise {
        /// Our reference: one per hold for ever.
        order_id: String,
        /// Braintree customer id, compared with the answer's.
        customer: String,
        /// What pays.
        with: PayWith,
        /// What to hold.
        amount: Money,
        /// Who is there, as the card network is told.
        #[serde(default, skip_serializing_if = "Presence::is_first")]
        presence: Presence,
    },
    /// Vaults a card under a token of our choosing, after a verification. Needs the input.
    Vault {
        /// Braintree customer id.
        customer: String,
        /// Our token.
        token: String,
        /// The sealed nonce.
        input: Uuid,
    },
    /// Deletes a vaulted card, where nothing uses it.
    DeleteMethod {
        /// Its token.
        token: String,
    },
    /// Submits a hold for settlement, with this amount or less than was held. Where the hold turns out to be voided or
    /// expired the answer is a rejection: done means that money is taken.
    Submit {
        /// Transaction id.
        transaction: String,
        /// What to capture; at most what was held.
        amount: Money,
    },
    /// Voids a hold or a sale that has not settled.
    Void {
        /// Transaction id.
        transaction: String,
    },
    /// Gives back all or a part of what a sale that settles or has settled took: a transaction of its own.
    Refund {
        /// Our reference: one per refund for ever.
        order_id: String,
        /// The sale's transaction id.
        transaction: String,
        /// What to give back; the whole amount is named too.
        amount: Money,
    },
    /// Reads one vaulted card and the live subscriptions that charge it.
    ReadMethod {
        /// Its token.
        token: String,
    },
    /// Makes a vaulted card the customer's default.
    SetDefaultMethod {
        /// Braintree customer id.
        customer: String,
        /// The card's token.
        token: String,
    },
    /// Has the bank asked whether a card on file is good; nothing is charged.
    VerifyMethod {
        /// Its token.
        token: String,
    },
    /// Writes names and e-mail of a customer as we hold them now. Needs the person.
    UpdateCustomer {
        /// Braintree customer id.
        customer: String,
        /// Our customer id: whose personal data it takes.
        person: String,
    },
    /// Reads what a customer shows of whom it is. Needs the person.
    ReadProfile(Box<Comparison>),
    /// Writes what changed of whom a customer is. Needs the person.
    WriteProfile(Box<Correction>),
    /// Whether a customer is there, and says who somebody is.
    SeekCustomer {
        /// Braintree customer id.
        customer: String,
        /// Ends the neutral name that an erased customer bears.
        mark: String,
    },
    /// Deletes a customer with its cards where nothing of it is in use; else overwrites names and e-mail by neutral values,
    /// and says what uses it.
    EraseCustomer {
        /// Braintree customer id.
        customer: String,
        /// Ends the neutral name.
        mark: String,
    },
    /// Starts recurring billing under an id of our choosing. Without a later first day the first charge is made within
    /// this call; where it is declined nothing is created.
    CreateSubscription(Box<RecurringOrder>),
    /// Reads a subscription with its newest transactions.
    ReadSubscription {
        /// Braintree subscription id.
        subscription: String,
    },
    /// Changes a subscription. Never charges by itself.
    UpdateSubscription {
        /// Braintree subscription id.
        subscription: String,
        /// What becomes of it.
        change: RecurringChange,
    },
    /// Ends a subscription at once and for ever. Gives no money back.
    CancelSubscription {
        /// Braintree subscription id.
        subscription: String,
    },
    /// Reads a dispute with its evidence.
    ReadDispute {
        /// Dispute id.
        dispute: String,
    },
    /// Gives a dispute up. Cannot be undone.
    AcceptDispute {
        /// Dispute id.
        dispute: String,
    },
    /// Uploads a document, to be named as evidence. Needs the input: the file, in base64. Unused it has no effect.
    UploadDocument {
        /// The dispute that it is for.
        dispute: String,
        /// The sealed file.
        input: Uuid,
        /// What the file is.
        form: DocumentForm,
    },
    /// Adds a piece of evidence to an open dispute. A text needs the input.
    AddEvidence {
        /// Dispute id.
        dispute: String,
        /// The piece.
        piece: EvidencePiece,
        /// Ids of the evidence that the dispute had before: another piece of that kind is this one.
        besides: Vec<String>,
    },
    /// Takes a piece of evidence off an open dispute.
    RemoveEvidence {
        /// Dispute id.
        dispute: String,
        /// Id of the piece.
        evidence: String,
    },
    /// Hands the evidence in. Cannot be undone, and nothing can be added afterwards.
    FinalizeDispute {
        /// Dispute id.
        dispute: String,
    },
    /// Reads which transactions were paid out to the bank on a day, refunds with them: ids alone.
    ReadPayoutList {
        /// Merchant account.
        merchant_account: String,
        /// The day, as the gateway writes it.
        day: NaiveDate,
    },
    /// Reads some transactions of a day's payout. Those that are not in it any more are left out.
    ReadPayout {
        /// Merchant account.
        merchant_account: String,
        /// The day.
        day: NaiveDate,
        /// Transaction ids; 50 at most.
        transactions: Vec<String>,
    },
}

/// Who is there when a hold is made, and what comes after it: the card networks treat each otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// The customer, who agrees to a series that begins (`transaction_source=recurring_first`).
    #[default]
    First,
    /// The customer (no `transaction_source`).
    Present,
    /// Nobody: it was agreed before (`transaction_source=recurring`).
    Absent,
}

impl Presence {
    /// A series begins.
    pub const fn is_first(&self) -> bool {
        matches!(self, Self::First)
    }
}

/// What a hold is charged to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "with", rename_all = "snake_case")]
pub enum PayWith {
    /// A new card, vaulted under a token of our choosing.
    New {
        /// Our token: `m-<method>`.
        token: String,
        /// The sealed nonce.
        input: Uuid,
        /// The customer is said to have authenticated with it: the gateway is to refuse what was not.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        authenticated: bool,
    },
    /// A card on file.
    Stored {
        /// Its token.
        token: String,
        /// The sealed nonce that was made from it, with which the customer is said to have authenticated: it is charged in
        /// place of the token, and the gateway is to refuse it where nobody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        authenticated: Option<Uuid>,
    },
}

impl PayWith {
    /// The card's token.
    pub const fn token(&self) -> &String {
        match self {
            Self::New { token, .. } | Self::Stored { token, .. } => token,
        }
    }

    /// The sealed nonce, where there is one.
    pub const fn input(&self) -> Option<Uuid> {
        match self {
            Self::New { input, .. } => Some(*input),
            Self::Stored { authenticated, .. } => *authenticated,
        }
    }
}

impl Braintree {
    pub(super) fn exactly_once(&self) -> ExactlyOnce {
        let searchable = |row, resend| ExactlyOnce::Searchable { row, absence: Absence::Watermark, resend };
        match self {
            Self::ReadCustomer { .. }
            | Self::ReadTransaction { .. }
            | Self::FindTransactions { .. }
            | Self::FindCustomers { .. }
            | Self::ReadMethod { .. }
            | Self::SeekCustomer { .. }
            | Self::ReadProfile(_)
            | Self::ReadSubscription { .. }
            | Self::ReadPayoutList { .. }
            | Self::ReadPayout { .. }
            | Self::ReadDispute { .. } => ExactlyOnce::Repeatable,
            Self::Sell { .. } | Self::Refund { .. } => searchable("2.0-e36", Resend::Same),
            // The customer was present and is not any more: nothing is held behind the person's back.
            Self::Authorise { .. } => searchable("2.0-e35", Resend::Never),
            Self::CreateCustomer { .. } => ExactlyOnce::ChosenId { row: "2.0-e33" },
            Self::Vault { .. } => ExactlyOnce::ChosenId { row: "2.0-e34" },
            Self::Submit { .. } | Self::Void { .. } => ExactlyOnce::Set { row: "2.0-e37" },
            Self::DeleteCustomer { .. } | Self::DeleteMethod { .. } => ExactlyOnce::Set { row: "2.0-e39" },
            Self::UpdateCustomer { .. } | Self::WriteProfile(_) => ExactlyOnce::Set { row: "2.0-e33" },
            Self::EraseCustomer { .. } => ExactlyOnce::Set { row: "2.0-e69" },
            Self::SetDefaultMethod { .. }
            | Self::VerifyMethod { .. }
            | Self::UpdateSubscription { change: RecurringChange::Method { .. }, .. } => {
                ExactlyOnce::Set { row: "2.0-e38" }
            }
            Self::CreateSubscription(_) => ExactlyOnce::ChosenId { row: "2.0-e40" },
            Self::UpdateSubscription { .. } | Self::CancelSubscription { .. } => ExactlyOnce::Set { row: "2.0-e40" },
            Self::UploadDocument { .. } | Self::AddEvidence { .. } | Self::RemoveEvidence { .. } => {
                ExactlyOnce::Set { row: "2.0-e41" }
            }
            // Not done: a person asks for it again, or not.
            Self::AcceptDispute { .. } | Self::FinalizeDispute { .. } => {
                let absence = Absence::TwoLooks;
                ExactlyOnce::Searchable { row: "2.0-e41", absence, resend: Resend::Never }
            }
        }
    }

    operations! {
        pub(super) match self {
            Self::ReadCustomer { .. } => "braintree.read_customer",
            Self::Sell { .. } => "braintree.sell",
            Self::ReadTransaction { .. } => "braintree.read_transaction",
            Self::FindTransactions { .. } => "braintree.find_transactions",
            Self::FindCustomers { .. } => "braintree.find_customers",
            Self::CreateCustomer { .. } => "braintree.create_customer",
            Self::DeleteCustomer { .. } => "braintree.delete_customer",
            Self::Authorise { .. } => "braintree.authorise",
            Self::Vault { .. } => "braintree.vault",
            Self::DeleteMethod { .. } => "braintree.delete_method",
            Self::Submit { .. } => "braintree.submit",
            Self::Void { .. } => "braintree.void",
            Self::Refund { .. } => "braintree.refund",
            Self::ReadMethod { .. } => "braintree.read_method",
            Self::SetDefaultMethod { .. } => "braintree.set_default_method",
            Self::VerifyMethod { .. } => "braintree.verify_method",
            Self::UpdateCustomer { .. } => "braintree.update_customer",
            Self::ReadProfile(_) => "braintree.read_profile",
            Self::WriteProfile(_) => "braintree.write_profile",
            Self::SeekCustomer { .. } => "braintree.seek_customer",
            Self::EraseCustomer { .. } => "braintree.erase_customer",
            Self::CreateSubscription(_) => "braintree.create_subscription",
            Self::ReadSubscription { .. } => "braintree.read_subscription",
            Self::UpdateSubscription { .. } => "braintree.update_subscription",
            Self::CancelSubscription { .. } => "braintree.cancel_subscription",
            Self::ReadDispute { .. } => "braintree.read_dispute",
            Self::AcceptDispute { .. } => "braintree.accept_dispute",
            Self::UploadDocument { .. } => "braintree.upload_document",
            Self::AddEvidence { .. } => "braintree.add_evidence",
            Self::RemoveEvidence { .. } => "braintree.remove_evidence",
            Self::FinalizeDispute { .. } => "braintree.finalize_dispute",
            Self::ReadPayoutList { .. } => "braintree.read_payout_list",
            Self::ReadPayout { .. } => "braintree.read_payout",
        }
    }

    /// Our reference in the call.
    pub(super) fn reference(&self) -> &str {
        match self {
            Self::Sell { order_id, .. }
            | Self::Authorise { order_id, .. }
            | Self::Refund { order_id, .. }
            | Self::FindTransactions { order_id } => order_id,
            Self::ReadCustomer { customer }
            | Self::FindCustomers { customer }
            | Self::CreateCustomer { customer, .. }
            | Self::UpdateCustomer { customer, .. }
            | Self::SeekCustomer { customer, .. }
            | Self::EraseCustomer { customer, .. }
            | Self::DeleteCustomer { customer } => customer,
            Self::Vault { token, .. }
            | Self::ReadMethod { token }
            | Self::SetDefaultMethod { token, .. }
            | Self::VerifyMethod { token }
            | Self::DeleteMethod { token } => token,
            Self::ReadProfile(comparison) => &comparison.of.key,
            Self::WriteProfile(correction) => &correction.to.key,
            Self::CreateSubscription(order) => &order.subscription,
            Self::ReadSubscription { subscription }
            | Self::UpdateSubscription { subscription, .. }
            | Self::CancelSubscription { subscription } => subscription,
            Self::ReadDispute { dispute }
            | Self::AcceptDispute { dispute }
            | Self::UploadDocument { dispute, .. }
            | Self::AddEvidence { dispute, .. }
            | Self::RemoveEvidence { dispute, .. }
            | Self::FinalizeDispute { dispute } => dispute,
            Self::ReadPayoutList { merchant_account, .. } | Self::ReadPayout { merchant_account, .. } => {
                merchant_account
            }
            Self::ReadTransaction { transaction } | Self::Submit { transaction, .. } | Self::Void { transaction } => {
                transaction
            }
        }
    }
}
