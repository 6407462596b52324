//! What a saga may want done: one enum per system. An effect carries all that the call needs, references included, so
//! that asking again gives the same call. Personal data, secrets and addresses of pages are no part of it: an effect
//! names them ([`Needs`]), and the engine lays them beside the call.

mod attio;
mod braintree;
mod desk;
mod mail;
mod message;
mod practice;
mod zoho;

pub use attio::{
    Attio, AttioRecord, CheckoutFace, ClientFace, Projection, RefusedAct, SubscriptionFace, SubscriptionProjection,
    TaskNote, TransactionProjection,
};
pub use braintree::{Braintree, PayWith};
pub use desk::{Claim, ClaimKind, Desk};
pub use mail::{CheckoutLink, Letter, LetterFacts, Mail, Price};
pub use message::Message;
pub use practice::{Practice, PracticeScript};
pub use zoho::{AddonOrder, SubscriptionOrder, Zoho};

use super::answer::{Answer, Transaction, TransactionStatus};
use super::step::ExactlyOnce;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One wanted call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "system", rename_all = "snake_case")]
pub enum Effect {
    /// Our own store: claims, links, sums of the ledger, messages to other sagas.
    Desk(Desk),
    /// Braintree's gateway.
    Braintree(Braintree),
    /// Zoho Billing.
    Zoho(Zoho),
    /// Attio.
    Attio(Attio),
    /// Mail to a customer.
    Mail(Mail),
    /// The practice vendor of rehearsals.
    Practice(Practice),
}

/// What a call needs that may stand in no event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs<'a> {
    /// The personal data that we hold of this customer of ours.
    pub person: Option<&'a str>,
    /// A sealed single-use input.
    pub input: Option<Uuid>,
    /// The address of a checkout page.
    pub link: Option<CheckoutLink>,
}

impl Effect {
    /// How this call is exactly once: the row of the resolver table.
    pub fn exactly_once(&self) -> ExactlyOnce {
        match self {
            // Our own store, under the saga's id: asked again, it does the same.
            Self::Desk(_) => ExactlyOnce::Repeatable,
            Self::Braintree(call) => call.exactly_once(),
            Self::Zoho(call) => call.exactly_once(),
            Self::Attio(call) => call.exactly_once(),
            Self::Mail(Mail::Send(_)) => ExactlyOnce::Set { row: "2.0-e56" },
            Self::Practice(call) => call.exactly_once(),
        }
    }

    /// The vendor concerned, for budgets, switches and metrics.
    pub const fn vendor(&self) -> &'static str {
        match self {
            Self::Desk(_) => "desk",
            Self::Braintree(_) => "braintree",
            Self::Zoho(_) => "zoho",
            Self::Attio(_) => "attio",
            Self::Mail(_) => "mail",
            Self::Practice(_) => "practice",
        }
    }

    /// The operation's name, for switches, metrics and the timeline.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::Desk(call) => call.operation(),
            Self::Braintree(call) => call.operation(),
            Self::Zoho(call) => call.operation(),
            Self::Attio(call) => call.operation(),
            Self::Mail(Mail::Send(_)) => "mail.send",
            Self::Practice(call) => call.operation(),
        }
    }

    /// Our reference in the call, by which the vendor's object is found again.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Desk(_) => None,
            Self::Braintree(call) => Some(call.reference()),
            Self::Zoho(call) => Some(call.reference()),
            Self::Attio(call) => Some(call.reference()),
            Self::Mail(Mail::Send(letter)) => Some(&letter.reference),
            Self::Practice(call) => call.reference(),
        }
    }

    /// A write where money or its record is: taken as done only by what the vendor shows.
    pub fn moves_money(&self) -> bool {
        match self {
            Self::Braintree(_) | Self::Zoho(_) | Self::Practice(Practice::Take { .. }) => {
                self.exactly_once() != ExactlyOnce::Repeatable
            }
            Self::Desk(_) | Self::Attio(_) | Self::Mail(_) | Self::Practice(_) => false,
        }
    }

    /// How what a vendor holds under that id of its own differs from what this call asked for; `None`: it is that.
    pub fn contradicts(&self, id: &str, answer: &Answer) -> Option<String> {
        let shown = answer.vendor_id().or_else(|| self.reference());
        if shown != Some(id) {
            return Some(format!("{} instead of {id}", shown.unwrap_or("nothing with an id")));
        }
        match (self, answer) {
            (
                Self::Braintree(
                    Braintree::Sell { order_id, customer, amount, .. }
                    | Braintree::Authorise { order_id, customer, amount, .. },
                ),
                Answer::Transaction(hit),
            ) => {
                if hit.order_id != *order_id {
                    return Some(format!("order id {}, and {order_id} was sent", hit.order_id));
                }
                if hit.amount != *amount {
                    return Some(format!("{}, and {amount} was sent", hit.amount));
                }
                let other = hit.customer.as_ref().filter(|theirs| *theirs != customer)?;
                Some(format!("customer {other}, and {customer} was sent"))
            }
            (Self::Zoho(Zoho::RecordPayment { amount, .. }), Answer::Recorded { amount: recorded, .. }) => {
                (recorded != amount).then(|| format!("{recorded}, and {amount} was sent"))
            }
            _ => None,
        }
    }

    /// The answer of a vendor that did exactly what was asked, under that id of its own; `None`: more would have to be made
    /// up. For previews alone.
    pub fn as_asked(&self, id: &str, now: DateTime<Utc>) -> Option<Answer> {
        let (order_id, customer, amount, token, status) = match self {
            Self::Braintree(Braintree::Sell { order_id, customer, amount, token, .. }) => {
                (order_id, customer, amount, Some(token), TransactionStatus::SubmittedForSettlement)
            }
            Self::Braintree(Braintree::Authorise { order_id, customer, amount, with }) => {
                (order_id, customer, amount, Some(with.token()), TransactionStatus::Authorized)
            }
            Self::Zoho(Zoho::RecordPayment { amount, .. }) => {
                return Some(Answer::Recorded { payment: id.to_owned(), amount: *amount });
            }
            Self::Braintree(
                Braintree::Void { .. } | Braintree::DeleteCustomer { .. } | Braintree::DeleteMethod { .. },
            )
            | Self::Zoho(Zoho::DeactivateCustomer { .. } | Zoho::UndoSubscription { .. })
            | Self::Practice(_) => return Some(Answer::Nothing),
            _ => return None,
        };
        Some(Answer::Transaction(Box::new(Transaction {
            id: id.to_owned(),
            status,
            amount: *amount,
            order_id: order_id.clone(),
            customer: Some(customer.clone()),
            token: token.cloned(),
            created_at: now,
            merchant_account: String::new(),
            held: None,
            hold_expires_at: None,
            card: None,
            authentication: None,
        })))
    }

    /// What the engine lays beside the call.
    pub fn needs(&self) -> Needs<'_> {
        let person = |customer| Needs { person: Some(customer), ..Needs::default() };
        match self {
            Self::Braintree(Braintree::CreateCustomer { person: customer, .. })
            | Self::Zoho(Zoho::CreateCustomer { customer, .. } | Zoho::FindRetiredCustomers { customer }) => {
                person(customer)
            }
            Self::Braintree(Braintree::Authorise { with, .. }) => Needs { input: with.input(), ..Needs::default() },
            Self::Braintree(Braintree::Vault { input, .. }) => Needs { input: Some(*input), ..Needs::default() },
            Self::Attio(Attio::ShowSubscription(face)) => Needs { link: face.checkout.link, ..Needs::default() },
            Self::Mail(Mail::Send(letter)) => {
                Needs { person: Some(&letter.customer), link: letter.link, ..Needs::default() }
            }
            Self::Desk(_) | Self::Braintree(_) | Self::Zoho(_) | Self::Attio(_) | Self::Practice(_) => Needs::default(),
        }
    }
}
