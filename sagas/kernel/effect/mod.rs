//! What a saga may want done: one enum per system. An effect carries all that the call needs, references included, so
//! that asking again gives the same call. Personal data, secrets and addresses of pages are no part of it: an effect
//! names them ([`Needs`]), and the engine lays them beside the call.

#[macro_use]
mod operations;

mod attio;
mod braintree;
mod client_faces;
mod crm;
mod desk;
mod dispute;
mod helpdesk;
mod mail;
mod message;
mod practice;
mod recurring;
mod sale_details;
mod zoho;

pub use attio::{
    ActionNeeded, Attio, AttioRecord, CardFace, CheckoutFace, ClientFace, ClientStanding, EndingFace, OfferingFace,
    OwnerFace, PlanFace, PressedAct, Projection, RecordNote, RefusedAct, SoldFace, Standing, SubscriptionFace,
    SubscriptionProjection, TaskNote, TicketFace, TicketShown, TransactionProjection,
};
pub use braintree::{Braintree, PayWith, Presence};
pub use client_faces::{ClientOrder, DisplacedNote, ProfileFace};
pub use crm::{Crm, CrmModule, DealOrder};
pub use desk::{Claim, ClaimKind, Desk, IdKind, IdLink, SubscriptionKey};
pub use dispute::{DocumentForm, EvidencePiece};
pub use helpdesk::{Helpdesk, TicketOrder};
pub use mail::{CardCause, CheckoutLink, ComingCharge, FailedCharge, Letter, LetterFacts, LinkPage, Mail, Price};
pub use message::Message;
pub use practice::{Practice, PracticeScript};
pub use recurring::{FirstTerm, FirstTermKind, RecurringChange, RecurringOrder};
pub use sale_details::{SaleDetails, SaleLine};
pub use zoho::{
    AddonOrder, CreditNoteOrder, EstimateLine, EstimateMark, EstimateOrder, OnCredit, OnEstimate, OnInvoice, OnPage,
    OnPayment, OnSubscription, PageOrder, PageStart, PageTerms, SubscriptionOrder, TermsOrder, Zoho,
};

use super::answer::{Answer, Refund, Transaction, TransactionStatus};
use super::profile::{Copy as ProfileCopy, Field, Fields, Target};
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
    /// Zoho CRM.
    Crm(Crm),
    /// Zoho Desk.
    Helpdesk(Helpdesk),
    /// Attio.
    Attio(Attio),
    /// Mail to a customer.
    Mail(Mail),
    /// The practice vendor of rehearsals.
    Practice(Practice),
}

/// The one operation of mail.
const MAIL: &str = "mail.send";

/// What a call needs that may stand in no event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs<'a> {
    /// The personal data that we hold of this customer of ours.
    pub person: Option<&'a str>,
    /// A sealed single-use input.
    pub input: Option<Uuid>,
    /// The address of a page of ours.
    pub link: Option<CheckoutLink>,
    /// Which page the link opens.
    pub page: LinkPage,
    /// What of our customer was written over elsewhere: the customer, and the mark under which it is kept.
    pub displaced: Option<(&'a str, &'a str)>,
}

impl Effect {
    /// How this call is exactly once: the row of the resolver table.
    pub fn exactly_once(&self) -> ExactlyOnce {
        match self {
            // Our own store, under the saga's id: asked again, it does the same.
            Self::Desk(_) => ExactlyOnce::Repeatable,
            Self::Braintree(call) => call.exactly_once(),
            Self::Zoho(call) => call.exactly_once(),
            Self::Crm(call) => call.exactly_once(),
            Self::Helpdesk(call) => call.exactly_once(),
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
            Self::Crm(_) => "zoho_crm",
            Self::Helpdesk(_) => "zoho_desk",
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
            Self::Crm(call) => call.operation(),
            Self::Helpdesk(call) => call.operation(),
            Self::Attio(call) => call.operation(),
            Self::Mail(Mail::Send(_)) => MAIL,
            Self::Practice(call) => call.operation(),
        }
    }

    /// The names of all operations that leave this process, sorted.
    pub fn operations() -> Vec<&'static str> {
        let mut all = [
            Braintree::operations(),
            Zoho::operations(),
            Crm::operations(),
            Helpdesk::operations(),
            Attio::operations(),
            vec![MAIL],
            Practice::operations(),
        ]
        .concat();
        all.sort_unstable();
        all
    }

    /// Our reference in the call, by which the vendor's object is found again.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Desk(_) => None,
            Self::Braintree(call) => Some(call.reference()),
            Self::Zoho(call) => Some(call.reference()),
            Self::Crm(call) => Some(call.reference()),
            Self::Helpdesk(call) => Some(call.reference()),
            Self::Attio(call) => Some(call.reference()),
            Self::Mail(Mail::Send(letter)) => Some(&letter.reference),
            Self::Practice(call) => call.reference(),
        }
    }

    /// A write where money or its record is: taken as done only by what the vendor shows.
    pub fn moves_money(&self) -> bool {
        match self {
            // Words on a customer: nothing is owed or taken by them, and its answer tells what is left.
            Self::Braintree(Braintree::EraseCustomer { .. } | Braintree::WriteProfile(_)) => false,
            Self::Braintree(_) | Self::Practice(Practice::Take { .. }) => {
                self.exactly_once() != ExactlyOnce::Repeatable
            }
            Self::Zoho(call) => call.moves_money(),
            Self::Desk(_) | Self::Crm(_) | Self::Helpdesk(_) | Self::Attio(_) | Self::Mail(_) | Self::Practice(_) => {
                false
            }
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
            (Self::Braintree(Braintree::Refund { order_id, transaction, amount }), Answer::Refund(hit)) => {
                if hit.order_id != *order_id {
                    return Some(format!("order id {}, and {order_id} was sent", hit.order_id));
                }
                if hit.transaction != *transaction {
                    return Some(format!("a refund of {}, and {transaction} was sent", hit.transaction));
                }
                (hit.amount != *amount).then(|| format!("{}, and {amount} was sent", hit.amount))
            }
            (Self::Braintree(Braintree::CreateSubscription(order)), Answer::Recurring(shown)) => {
                if shown.token != order.token {
                    return Some(format!("card {}, and {} was sent", shown.token, order.token));
                }
                if shown.plan != order.plan {
                    return Some(format!("plan {}, and {} was sent", shown.plan, order.plan));
                }
                (shown.price != order.price).then(|| format!("{}, and {} was sent", shown.price, order.price))
            }
            (Self::Zoho(call), answer) => call.contradicts(answer),
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
            Self::Braintree(Braintree::Authorise { order_id, customer, amount, with, .. }) => {
                (order_id, customer, amount, Some(with.token()), TransactionStatus::Authorized)
            }
            Self::Braintree(Braintree::Refund { order_id, transaction, amount }) => {
                return Some(Answer::Refund(Box::new(Refund {
                    id: id.to_owned(),
                    transaction: transaction.clone(),
                    order_id: order_id.clone(),
                    amount: *amount,
                    status: TransactionStatus::SubmittedForSettlement,
                    created_at: now,
                    soft_decline: None,
                })));
            }
            Self::Zoho(call) => return call.as_asked(id),
            Self::Braintree(
                Braintree::Void { .. }
                | Braintree::DeleteCustomer { .. }
                | Braintree::DeleteMethod { .. }
                | Braintree::UpdateCustomer { .. }
                | Braintree::WriteProfile(_),
            )
            | Self::Helpdesk(Helpdesk::Comment { .. } | Helpdesk::CloseTicket { .. })
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

    /// What of a customer this call shows where, once it is done.
    pub fn shows(&self) -> Option<(ProfileCopy, Fields)> {
        let all = |customer: &str, target: Target, key: &str| {
            let copy = ProfileCopy { customer: customer.to_owned(), target, key: key.to_owned() };
            // Who was never given a number keeps the one that staff wrote.
            Some((copy, target.fields().iter().copied().filter(|field| *field != Field::Phone).collect()))
        };
        match self {
            Self::Crm(Crm::WriteProfile(correction))
            | Self::Zoho(Zoho::WriteProfile(correction))
            | Self::Braintree(Braintree::WriteProfile(correction)) => {
                Some((correction.to.clone(), correction.fields.clone()))
            }
            Self::Crm(Crm::UpsertContact { customer, .. }) => all(customer, Target::Contact, customer),
            Self::Crm(Crm::UpsertAccount { account, person, .. }) => all(person, Target::Account, account),
            Self::Zoho(Zoho::CreateCustomer { customer, .. }) => all(customer, Target::Billing, customer),
            Self::Zoho(Zoho::UpdateCustomer { customer, person, .. }) => all(person, Target::Billing, customer),
            Self::Braintree(
                Braintree::CreateCustomer { customer, person } | Braintree::UpdateCustomer { customer, person, .. },
            ) => all(person, Target::Gateway, customer),
            _ => None,
        }
    }

    /// What the engine lays beside the call.
    #[expect(clippy::match_same_arms, reason = "one arm for each kind of need")]
    pub fn needs(&self) -> Needs<'_> {
        let person = |customer| Needs { person: Some(customer), ..Needs::default() };
        match self {
            Self::Braintree(
                Braintree::CreateCustomer { person: customer, .. }
                | Braintree::UpdateCustomer { person: customer, .. }
                | Braintree::FindCustomers { customer },
            )
            | Self::Zoho(
                Zoho::CreateCustomer { customer, .. }
                | Zoho::FindRetiredCustomers { customer }
                | Zoho::FindCustomers { customer }
                | Zoho::UpdateCustomer { person: customer, .. },
            ) => person(customer),
            Self::Zoho(Zoho::Page(OnPage::Create(order))) => {
                Needs { link: Some(order.back_to()), page: order.back_on(), ..Needs::default() }
            }
            Self::Crm(call) => Needs { person: call.person(), ..Needs::default() },
            Self::Braintree(Braintree::ReadProfile(comparison)) | Self::Zoho(Zoho::ReadProfile(comparison)) => {
                person(&comparison.of.customer)
            }
            Self::Braintree(Braintree::WriteProfile(correction)) | Self::Zoho(Zoho::WriteProfile(correction)) => {
                person(&correction.to.customer)
            }
            Self::Attio(Attio::WriteProfile(order)) => {
                Needs { displaced: Some((&order.customer, &order.mark)), ..Needs::default() }
            }
            Self::Attio(Attio::NoteDisplaced(note)) => {
                Needs { displaced: Some((&note.customer, &note.mark)), ..Needs::default() }
            }
            Self::Helpdesk(call) => Needs { person: call.person(), ..Needs::default() },
            Self::Braintree(Braintree::Authorise { with, .. }) => Needs { input: with.input(), ..Needs::default() },
            Self::Braintree(Braintree::Vault { input, .. } | Braintree::UploadDocument { input, .. }) => {
                Needs { input: Some(*input), ..Needs::default() }
            }
            Self::Braintree(Braintree::AddEvidence { piece, .. }) => Needs { input: piece.input(), ..Needs::default() },
            Self::Attio(Attio::MakePerson { customer, .. } | Attio::FindPerson { customer }) => person(customer),
            Self::Attio(Attio::ShowSubscription(face)) => Needs { link: face.checkout.link, ..Needs::default() },
            Self::Attio(Attio::ShowCardPage(face)) => {
                let link = face.page.as_ref().and_then(|page| page.link);
                Needs { link, page: LinkPage::Card, ..Needs::default() }
            }
            Self::Mail(Mail::Send(letter)) => {
                let page = letter.about.page();
                Needs { person: Some(&letter.customer), link: letter.link, page, ..Needs::default() }
            }
            Self::Desk(_) | Self::Braintree(_) | Self::Zoho(_) | Self::Attio(_) | Self::Practice(_) => Needs::default(),
        }
    }
}
