//! Calls on Braintree's gateway.

use crate::kernel::money::Money;
use crate::kernel::step::{Absence, ExactlyOnce, Resend};
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
    /// Holds an amount, without submitting it; a new card is vaulted with it. The customer is present.
    Authorise {
        /// Our reference: one per hold for ever.
        order_id: String,
        /// Braintree customer id, compared with the answer's.
        customer: String,
        /// What pays.
        with: PayWith,
        /// What to hold.
        amount: Money,
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
            Self::ReadCustomer { .. } | Self::ReadTransaction { .. } | Self::FindTransactions { .. } => {
                ExactlyOnce::Repeatable
            }
            Self::Sell { .. } => searchable("2.0-e36", Resend::Same),
            // The customer was present and is not any more: nothing is held behind the person's back.
            Self::Authorise { .. } => searchable("2.0-e35", Resend::Never),
            Self::CreateCustomer { .. } => ExactlyOnce::ChosenId { row: "2.0-e33" },
            Self::Vault { .. } => ExactlyOnce::ChosenId { row: "2.0-e34" },
            Self::Submit { .. } | Self::Void { .. } => ExactlyOnce::Set { row: "2.0-e37" },
            Self::DeleteCustomer { .. } | Self::DeleteMethod { .. } => ExactlyOnce::Set { row: "2.0-e39" },
        }
    }

    pub(super) const fn operation(&self) -> &'static str {
        match self {
            Self::ReadCustomer { .. } => "braintree.read_customer",
            Self::Sell { .. } => "braintree.sell",
            Self::ReadTransaction { .. } => "braintree.read_transaction",
            Self::FindTransactions { .. } => "braintree.find_transactions",
            Self::CreateCustomer { .. } => "braintree.create_customer",
            Self::DeleteCustomer { .. } => "braintree.delete_customer",
            Self::Authorise { .. } => "braintree.authorise",
            Self::Vault { .. } => "braintree.vault",
            Self::DeleteMethod { .. } => "braintree.delete_method",
            Self::Submit { .. } => "braintree.submit",
            Self::Void { .. } => "braintree.void",
        }
    }

    /// Our reference in the call.
    pub(super) fn reference(&self) -> &str {
        match self {
            Self::Sell { order_id, .. } | Self::Authorise { order_id, .. } | Self::FindTransactions { order_id } => {
                order_id
            }
            Self::ReadCustomer { customer }
            | Self::CreateCustomer { customer, .. }
            | Self::DeleteCustomer { customer } => customer,
            Self::Vault { token, .. } | Self::DeleteMethod { token } => token,
            Self::ReadTransaction { transaction } | Self::Submit { transaction, .. } | Self::Void { transaction } => {
                transaction
            }
        }
    }
}
