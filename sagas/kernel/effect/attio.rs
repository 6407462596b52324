//! Calls on Attio.

use super::client_faces::{ClientOrder, DisplacedNote, ProfileFace};
use super::mail::CheckoutLink;
use crate::kernel::catalog::{CatalogPress, Offering};
use crate::kernel::money::Money;
use crate::kernel::step::ExactlyOnce;
use crate::kernel::tags::LeadSource;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Calls on Attio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Attio {
    /// Finds the client by Zoho customer id and reads what the flow needs of it.
    FindClient {
        /// Zoho customer id.
        zoho_customer: String,
        /// The record that we hold linked: read directly.
        record: Option<AttioRecord>,
    },
    /// Writes the customer-facing state of one charge attempt and its subscription.
    Project(Box<Projection>),
    /// Reads a subscription record: what a CRM user asks for.
    ReadRequest {
        /// Record id of the object `subscriptions`.
        record: String,
    },
    /// Reads a client's personal data, which is kept apart; the answer says only whether it is complete.
    ReadPerson {
        /// The client's record.
        client: AttioRecord,
        /// Our customer id, under which it is kept.
        customer: String,
    },
    /// Writes the customer-facing state of one subscription that is being made. Needs the link.
    ShowSubscription(Box<SubscriptionFace>),
    /// Writes whether a subscription goes on, ends or has ended, and answers the act that asked for it.
    ShowEnding(Box<EndingFace>),
    /// Writes what a subscription's record says of who collects it.
    ShowOwner(Box<OwnerFace>),
    /// Writes what a running subscription sells, what a change of it would cost, and answers the act that asked.
    ShowPlan(Box<PlanFace>),
    /// Gives a workspace member a task.
    AddTask(Box<TaskNote>),
    /// Says on a subscription record why an act is not carried out, and sets the act back, if it still stands.
    RefuseAct(Box<RefusedAct>),
    /// Writes the page on which a customer gives another card onto a subscription's record. Needs the link.
    ShowCardPage(Box<CardFace>),
    /// Finds a person's record by the e-mail address, else makes it, with their company's where the address tells it. What is
    /// there already is left as it is. Needs the person.
    MakePerson {
        /// Our customer id.
        customer: String,
        /// Where they came from.
        lead_source: Option<LeadSource>,
    },
    /// Finds a person's record by the e-mail address; makes none. Needs the person.
    FindPerson {
        /// Our customer id.
        customer: String,
    },
    /// Reads a person who signs up; what is personal is kept apart.
    ReadClient {
        /// The client's record.
        client: AttioRecord,
        /// Our customer id, under which it is kept.
        customer: String,
    },
    /// Writes how far a person has come, and answers the act on their record.
    ShowClient(Box<ClientStanding>),
    /// Says on a subscription record what somebody must do. Nothing else on the record is touched.
    AskAction(Box<ActionNeeded>),
    /// Writes a ticket's id onto a subscription's record, and answers the act that asked for it.
    ShowTicket(Box<TicketFace>),
    /// Adds a note to a record's timeline.
    AddNote(Box<RecordNote>),
    /// Sets which privacy laws a client falls under, in place of all that stood there.
    SetCompliance {
        /// The client's record.
        client: AttioRecord,
        /// Titles of options: `GDPR`, `CCPA`.
        laws: Vec<String>,
    },
    /// Finds the person's record behind a client (a company's is the contact of its team), and says whether it names anybody.
    SeekPerson {
        /// The client's record, or the person's own.
        client: AttioRecord,
    },
    /// Writes what the platform says of a client onto their record. Needs those values.
    WriteProfile(Box<ClientOrder>),
    /// Says on a client's record that a change of theirs arrived, or what to do.
    ShowProfile(Box<ProfileFace>),
    /// Adds a note to a client's record with what others had written elsewhere and was written over. Needs those values.
    NoteDisplaced(Box<DisplacedNote>),
    /// Gives a workspace member a task about a record of any object.
    AddRecordTask {
        /// Object slug.
        object: String,
        /// The task, about a record of that object.
        task: Box<TaskNote>,
    },
    /// Clears all that says who somebody is on a person's record. The record stays.
    ErasePerson {
        /// Record id of the object `people`.
        person: String,
    },
    /// Reads all records of the catalog.
    ReadCatalog,
    /// Writes what Zoho sells to its record in the catalog.
    ShowOffering(Box<OfferingFace>),
    /// Sets the act on a record of the catalog back, if that press still stands.
    AnswerCatalogAct(CatalogPress),
    /// Gives a workspace member a task about a record of the catalog, instead of one about a subscription.
    AddCatalogTask(Box<TaskNote>),
}

impl Attio {
    pub(super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::FindClient { .. }
            | Self::ReadRequest { .. }
            | Self::ReadPerson { .. }
            | Self::ReadCatalog
            | Self::ReadClient { .. }
            | Self::FindPerson { .. }
            | Self::SeekPerson { .. } => ExactlyOnce::Repeatable,
            Self::ErasePerson { .. } => ExactlyOnce::Set { row: "2.0-e69" },
            Self::Project(_)
            | Self::ShowSubscription(_)
            | Self::ShowCardPage(_)
            | Self::ShowEnding(_)
            | Self::ShowOwner(_)
            | Self::ShowPlan(_)
            | Self::RefuseAct(_)
            | Self::AskAction(_)
            | Self::ShowTicket(_)
            | Self::SetCompliance { .. }
            | Self::MakePerson { .. }
            | Self::ShowClient(_)
            | Self::ShowProfile(_)
            | Self::WriteProfile(_)
            | Self::ShowOffering(_)
            | Self::AnswerCatalogAct(_) => ExactlyOnce::Set { row: "2.0-e45" },
            // Found by its marker; absent: simply again.
            Self::AddTask(_)
            | Self::AddCatalogTask(_)
            | Self::AddRecordTask { .. }
            | Self::NoteDisplaced(_)
            | Self::AddNote(_) => ExactlyOnce::Set { row: "2.0-e55" },
        }
    }

    /// The id of what the call concerns.
    pub(super) fn reference(&self) -> &str {
        match self {
            Self::FindClient { zoho_customer, .. } => zoho_customer,
            Self::Project(projection) => &projection.transaction.external_id,
            Self::ReadRequest { record } => record,
            Self::ReadPerson { client, .. }
            | Self::ReadClient { client, .. }
            | Self::SetCompliance { client, .. }
            | Self::SeekPerson { client } => &client.id,
            Self::ErasePerson { person } => person,
            Self::MakePerson { customer, .. } | Self::FindPerson { customer } => customer,
            Self::ShowClient(standing) => &standing.record.id,
            Self::ShowSubscription(face) => &face.record,
            Self::AddTask(task) | Self::AddCatalogTask(task) | Self::AddRecordTask { task, .. } => &task.marker,
            Self::ShowProfile(face) => &face.client.id,
            Self::WriteProfile(order) => &order.client.id,
            Self::NoteDisplaced(note) => &note.mark,
            Self::ReadCatalog => "catalog",
            Self::ShowOffering(face) => &face.offering.external_id,
            Self::AnswerCatalogAct(press) => &press.record,
            Self::ShowEnding(face) => &face.record,
            Self::ShowOwner(face) => &face.record,
            Self::ShowPlan(face) => &face.record,
            Self::RefuseAct(act) => &act.record,
            Self::AskAction(action) => &action.record,
            Self::ShowTicket(face) => &face.record,
            Self::ShowCardPage(face) => &face.record,
            Self::AddNote(note) => &note.marker,
        }
    }

    operations! {
        pub(super) match self {
            Self::FindClient { .. } => "attio.find_client",
            Self::Project(_) => "attio.project",
            Self::ReadRequest { .. } => "attio.read_request",
            Self::ReadPerson { .. } => "attio.read_person",
            Self::ShowSubscription(_) => "attio.show_subscription",
            Self::ShowEnding(_) => "attio.show_ending",
            Self::ShowOwner(_) => "attio.show_owner",
            Self::ShowPlan(_) => "attio.show_plan",
            Self::AddTask(_) => "attio.add_task",
            Self::RefuseAct(_) => "attio.refuse_act",
            Self::AskAction(_) => "attio.ask_action",
            Self::ShowTicket(_) => "attio.show_ticket",
            Self::ShowCardPage(_) => "attio.show_card_page",
            Self::AddNote(_) => "attio.add_note",
            Self::MakePerson { .. } => "attio.make_person",
            Self::FindPerson { .. } => "attio.find_person",
            Self::ReadClient { .. } => "attio.read_client",
            Self::ShowClient(_) => "attio.show_client",
            Self::SetCompliance { .. } => "attio.set_compliance",
            Self::SeekPerson { .. } => "attio.seek_person",
            Self::ErasePerson { .. } => "attio.erase_person",
            Self::ReadCatalog => "attio.read_catalog",
            Self::ShowOffering(_) => "attio.show_offering",
            Self::AnswerCatalogAct(_) => "attio.answer_catalog_act",
            Self::AddCatalogTask(_) => "attio.add_catalog_task",
            Self::ShowProfile(_) => "attio.show_profile",
            Self::WriteProfile(_) => "attio.write_profile",
            Self::NoteDisplaced(_) => "attio.note_displaced",
            Self::AddRecordTask { .. } => "attio.add_record_task",
        }
    }
}

/// What the record of a subscription that is being made shall say. Words are option and status titles of the data model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionFace {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// `sub:<our subscription>`, once there is one.
    pub external_id: Option<String>,
    /// The act that was pressed is answered: it goes back to `none`.
    pub answers_act: bool,
    /// The record shows a subscription that is there already: of all this, only why the act was refused is written.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refusal_only: bool,
    /// `Draft`, `Awaiting payment method`, `Activating`, `Active`, `Cancelled`, `Failed`.
    pub subscription_status: String,
    /// `None`, `Pending`, `Paid`, `Failed`.
    pub payment_status: String,
    /// The price in a sentence; empty clears it.
    pub quote_text: String,
    /// The quote is good until (UTC).
    pub quote_expires_at: Option<DateTime<Utc>>,
    /// The page on which the customer pays.
    pub checkout: CheckoutFace,
    /// Price of one term.
    pub amount: Option<Money>,
    /// Day of the next charge (books zone).
    pub next_billing_on: Option<NaiveDate>,
    /// Zoho subscription id.
    pub zoho_subscription: Option<String>,
    /// Braintree customer id.
    pub braintree_customer: Option<String>,
    /// Who collects, once that is on record: `orchestrator`, `braintree_recurring` …
    pub collection_owner: Option<String>,
    /// Reason and cure in one sentence; empty clears it.
    pub last_error: String,
    /// What somebody must do; empty clears it.
    pub action_needed: String,
    /// The client's own record.
    pub client: Option<ClientFace>,
    /// The saga that writes.
    pub saga: String,
    /// Grows with every write of this saga; an older write never replaces a newer one.
    pub sync_version: u64,
    /// When the state that is written became true (UTC).
    pub as_of: DateTime<Utc>,
}

/// What the record says of the checkout page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutFace {
    /// `None`, `Link ready`, `Opened`, `Completed`, `Expired`.
    pub status: String,
    /// The page; absent clears the address.
    pub link: Option<CheckoutLink>,
    /// The link is good until (UTC).
    pub expires_at: Option<DateTime<Utc>>,
}

/// What a subscription's record shall say of the page on which the customer gives another card. The rest of the record is
/// others' to write: of the collection its invoices say more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardFace {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// The act that was pressed is answered: it goes back to `none`.
    pub answers_act: bool,
    /// The page; absent: left as it is.
    pub page: Option<CheckoutFace>,
    /// Why the act was not carried out, and the cure; absent: left as it is.
    pub refusal: Option<String>,
    /// The client's record: it has a card on file.
    pub on_file: Option<AttioRecord>,
    /// Grows with every write of this saga.
    pub version: u64,
    /// When the state that is written became true (UTC).
    pub as_of: DateTime<Utc>,
}

/// What a client's record shall say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientFace {
    /// The record.
    pub record: AttioRecord,
    /// Zoho customer id.
    pub zoho_customer: Option<String>,
    /// Braintree customer id.
    pub braintree_customer: Option<String>,
    /// `Active` …; absent: left as it is.
    pub billing_summary: Option<String>,
}

/// What a person's record shall say of their sign-up. What is absent is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientStanding {
    /// The record: object `people`.
    pub record: AttioRecord,
    /// The act that is answered: it goes back to `none`, if that very press still stands.
    pub answers: Option<PressedAct>,
    /// `Trial`, `Churned`.
    pub lifecycle: Option<String>,
    /// The trial's last day (books zone).
    pub trial_ends_on: Option<NaiveDate>,
    /// The contact's id in Zoho CRM.
    pub zoho_contact: Option<String>,
    /// The company's record and the account's id in Zoho CRM.
    pub account: Option<(AttioRecord, String)>,
    /// Why the act was not carried out, and the cure; empty clears it.
    pub last_error: String,
    /// Grows with every write of this saga.
    pub version: u32,
    /// When the state that is written became true (UTC).
    pub as_of: DateTime<Utc>,
}

/// What a record of the catalog shall say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferingFace {
    /// Record id of the object `service_plans`; absent: the one with its `external_id`, which is made where there is none.
    pub record: Option<String>,
    /// What Zoho sells.
    pub offering: Offering,
    /// Which attributes are written, by slug; the others are left as they are. On a new record all are.
    pub attributes: Vec<String>,
    /// When it was read at Zoho (UTC); a record that shows a later read is left as it is.
    pub as_of: DateTime<Utc>,
}

/// What the record of a subscription shall say of its end. Nothing else on the record is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndingFace {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// The act that is answered: it goes back to `none`, if that very press still stands.
    pub answers: Option<PressedAct>,
    /// Where it stands; absent: not known, and only the sentences are written.
    pub standing: Option<Standing>,
    /// Why the act was not carried out, and the cure; empty clears it.
    pub last_error: String,
    /// What somebody must do; empty clears it.
    pub action_needed: String,
    /// The saga that writes.
    pub saga: String,
    /// Grows with every write of this saga; an older write never replaces a newer one.
    pub sync_version: u64,
    /// When the state that is written became true (UTC).
    pub as_of: DateTime<Utc>,
}

/// What the record of a subscription shall say of who collects it. Nothing else on the record is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerFace {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// The word for who collects; absent: left as it is.
    pub collection_owner: Option<String>,
    /// What somebody must do; empty clears it.
    pub action_needed: String,
    /// The saga that writes.
    pub saga: String,
    /// Grows with every write of this saga; an older write never replaces a newer one.
    pub sync_version: u64,
    /// When the state that is written became true (UTC).
    pub as_of: DateTime<Utc>,
}

/// What the record of a running subscription shall say of what it sells, and of a change of it. Nothing else on the record
/// is touched: what users ask for is theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanFace {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// The act that is answered: it goes back to `none`, if that very press still stands.
    pub answers: Option<PressedAct>,
    /// What a change costs, or what is sold since one, in a sentence; empty clears it.
    pub quote_text: String,
    /// What a change costs is good until (UTC).
    pub quote_expires_at: Option<DateTime<Utc>>,
    /// What is sold by now; absent: left as it is.
    pub sold: Option<SoldFace>,
    /// Why it was not carried out, and the cure; empty clears it.
    pub last_error: String,
    /// What somebody must do; empty clears it.
    pub action_needed: String,
    /// The saga that writes.
    pub saga: String,
    /// Grows with every write of this saga; an older write never replaces a newer one.
    pub sync_version: u64,
    /// When the state that is written became true (UTC).
    pub as_of: DateTime<Utc>,
}

/// What a subscription costs from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoldFace {
    /// Price of one term; absent: Zoho does not say, and it is left as it is.
    pub amount: Option<Money>,
    /// Day of the next charge (books zone); absent: there is none.
    pub next_billing_on: Option<NaiveDate>,
}

/// Whether a subscription goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// `Active`, `Ending`, `Cancelled`.
    pub subscription_status: String,
    /// Its last day (books zone); absent: it goes on.
    pub ends_on: Option<NaiveDate>,
    /// Why it ends, in a sentence; empty where it goes on.
    pub reason: String,
    /// Day of the next charge (books zone); absent: there is none.
    pub next_billing_on: Option<NaiveDate>,
}

/// One press of an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PressedAct {
    /// The act's title.
    pub act: String,
    /// When it was pressed (UTC): the value's `active_from`.
    pub pressed_at: DateTime<Utc>,
}

/// An act that is not carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedAct {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// The act's title.
    pub act: String,
    /// When it was pressed (UTC): a later press is another one, and is left alone.
    pub pressed_at: DateTime<Utc>,
    /// Why, and what to do instead.
    pub sentence: String,
}

/// What somebody must do about a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionNeeded {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// In a sentence; empty clears it.
    pub sentence: String,
    /// Grows with every write of this saga.
    pub version: u64,
}

/// What a subscription's record shall say of the ticket where its customer is helped. Nothing else on the record is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketFace {
    /// Record id of the object `subscriptions`.
    pub record: String,
    /// The act that is answered: it goes back to `none`, if that very press still stands.
    pub answers: Option<PressedAct>,
    /// The newest ticket; absent: left as it is.
    pub ticket: Option<TicketShown>,
    /// Why there is none, and the cure; empty clears it, absent: left as it is.
    pub last_error: Option<String>,
    /// Grows with every write of this saga.
    pub version: u64,
}

/// A ticket, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketShown {
    /// Zoho Desk ticket id.
    pub id: String,
    /// Human-readable number.
    pub number: String,
}

/// A task for a workspace member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskNote {
    /// The record that it is about: object `subscriptions`.
    pub record: String,
    /// Workspace member id; absent: the member that the connector is configured with, or nobody.
    pub assignee: Option<String>,
    /// What to do, in a sentence or two.
    pub text: String,
    /// By which it is found again: one task per cause.
    pub marker: String,
}

/// A note on a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordNote {
    /// The record that it is about.
    pub record: AttioRecord,
    /// What happened, in a line.
    pub title: String,
    /// The rest of it.
    pub text: String,
    /// By which it is found again, at the end of its title: one note per cause.
    pub marker: String,
}

/// One Attio record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttioRecord {
    /// Object slug: `companies`, `people`, `subscriptions` …
    pub object: String,
    /// Record id.
    pub id: String,
}

/// What a customer-facing record shall say. Words are the option and status titles of the data model in Attio.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    /// The client's record.
    pub client: Option<AttioRecord>,
    /// Our reference of the subscription record, where the invoice has a subscription of ours.
    pub subscription: Option<SubscriptionProjection>,
    /// One billing transaction.
    pub transaction: TransactionProjection,
    /// `billing_summary` of the client: `Active`, `Past due` …
    pub billing_summary: String,
    /// The saga that writes.
    pub saga: String,
    /// Grows with every write of this saga; an older write never replaces a newer one.
    pub sync_version: u64,
    /// When the state that is written became true (UTC).
    pub as_of: DateTime<Utc>,
}

/// The subscription's part of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionProjection {
    /// The record that we hold linked: it is written instead of one that is sought, so that a record that a CRM user made is
    /// not doubled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// `external_id` in Attio: `sub:<our subscription>`.
    pub external_id: String,
    /// Zoho subscription id.
    pub zoho_subscription: String,
    /// `Active`, `Past due`, `Cancelled` …
    pub subscription_status: String,
    /// `Paid`, `Failed`, `Pending` …
    pub payment_status: String,
    /// Reason and cure in one sentence; empty clears it.
    pub last_error: String,
    /// What the customer must do, if anything; empty clears it.
    pub action_needed: String,
}

/// One attempt's part of a projection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionProjection {
    /// `external_id` in Attio: `inv:<zoho invoice id>:<attempt>`.
    pub external_id: String,
    /// `Open`, `Paid`, `Failed`, `Refunded`, `Void`.
    pub status: String,
    /// The amount concerned.
    pub amount: Money,
    /// Zoho invoice id.
    pub zoho_invoice: String,
    /// Zoho payment id, once recorded.
    pub zoho_payment: Option<String>,
    /// Braintree transaction id, once there is one.
    pub braintree_transaction: Option<String>,
    /// When the vendor did it (UTC).
    pub occurred_at: DateTime<Utc>,
    /// Why it failed, in words for the CRM team; empty clears it.
    pub failure_reason: String,
}
