//! Calls on Zoho CRM. Its records are found by a field of type external id that holds our own id; names and addresses are
//! laid beside the call.

use crate::kernel::money::Money;
use crate::kernel::profile::{Comparison, Correction};
use crate::kernel::step::ExactlyOnce;
use crate::kernel::tags::Tags;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Calls on Zoho CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Crm {
    /// Reads a record by our id, its tags included.
    Find {
        /// Which list of records.
        module: CrmModule,
        /// Our id.
        key: String,
    },
    /// Makes an account or brings it up to date. Needs the person.
    UpsertAccount {
        /// Our account id.
        account: String,
        /// Our customer id: whose company it is, or whose name it bears where there is none.
        person: String,
        /// CRM's own workflows run on this write.
        workflows: bool,
    },
    /// Makes a contact or brings it up to date. Needs the person.
    UpsertContact {
        /// Our customer id.
        customer: String,
        /// Our account id, where the contact belongs to one.
        account: Option<String>,
        /// CRM's own workflows run on this write.
        workflows: bool,
    },
    /// Makes a deal or brings it up to date. Needs the person.
    UpsertDeal(Box<DealOrder>),
    /// Whether a record with our id is there, and says who somebody is.
    Seek {
        /// Which list of records.
        module: CrmModule,
        /// Our id.
        key: String,
        /// Ends the neutral name that an erased record bears.
        mark: String,
    },
    /// Overwrites what says who somebody is on a record by neutral values; a contact is deleted then, where CRM lets it go.
    Erase {
        /// Which list of records.
        module: CrmModule,
        /// Our id.
        key: String,
        /// Ends the neutral name.
        mark: String,
    },
    /// Reads what a record shows of a customer. Needs the person.
    ReadProfile(Box<Comparison>),
    /// Writes what changed of a customer; a record that is not there is not made. Needs the person.
    WriteProfile(Box<Correction>),
    /// Writes our tags; others' stay.
    SetTags {
        /// Which list of records.
        module: CrmModule,
        /// Our id.
        key: String,
        /// What our tags shall be.
        tags: Tags,
    },
}

/// A list of records, with the field that holds our id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrmModule {
    /// People, by our customer id.
    Contacts,
    /// Companies, by our account id.
    Accounts,
    /// Sales, by our subscription id.
    Deals,
}

impl CrmModule {
    /// CRM's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contacts => "Contacts",
            Self::Accounts => "Accounts",
            Self::Deals => "Deals",
        }
    }

    /// API name of the field of type external id that holds our id.
    pub const fn our_field(self) -> &'static str {
        match self {
            Self::Contacts => "Platform_User_Id",
            Self::Accounts => "Billing_Account_Id",
            Self::Deals => "Billing_Ref",
        }
    }
}

/// What a deal shall be. Words are those of the pipeline in CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealOrder {
    /// Our subscription id.
    pub subscription: String,
    /// Our customer id: its contact, whose name the deal bears.
    pub customer: String,
    /// Our account id, where there is one.
    pub account: Option<String>,
    /// The plan's name, the other part of the deal's.
    pub plan: String,
    /// `actual_value` of the pipeline; absent: CRM's default.
    pub pipeline: Option<String>,
    /// `actual_value` of the stage; absent: left as it is, which a new deal cannot be.
    pub stage: Option<String>,
    /// Price of one term.
    pub amount: Money,
    /// Day on which it was won, or is hoped to be (books zone).
    pub closing_on: NaiveDate,
    /// Our word for the subscription's state, in the field `Billing_Status`.
    pub status: String,
    /// CRM's own workflows run on this write.
    pub workflows: bool,
}

impl Crm {
    pub(super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::Find { .. } | Self::Seek { .. } | Self::ReadProfile(_) => ExactlyOnce::Repeatable,
            Self::UpsertAccount { .. } | Self::UpsertContact { .. } | Self::UpsertDeal(_) | Self::WriteProfile(_) => {
                ExactlyOnce::ChosenId { row: "2.0-e52" }
            }
            Self::SetTags { .. } => ExactlyOnce::Set { row: "2.0-e53" },
            Self::Erase { .. } => ExactlyOnce::Set { row: "2.0-e69" },
        }
    }

    /// Our id of what the call concerns.
    pub(super) fn reference(&self) -> &str {
        match self {
            Self::Find { key, .. } | Self::SetTags { key, .. } | Self::Seek { key, .. } | Self::Erase { key, .. } => {
                key
            }
            Self::UpsertAccount { account, .. } => account,
            Self::UpsertContact { customer, .. } => customer,
            Self::UpsertDeal(deal) => &deal.subscription,
            Self::ReadProfile(comparison) => &comparison.of.key,
            Self::WriteProfile(correction) => &correction.to.key,
        }
    }

    /// Our customer id, where the call takes personal data.
    pub(super) fn person(&self) -> Option<&str> {
        match self {
            Self::Find { .. } | Self::SetTags { .. } | Self::Seek { .. } | Self::Erase { .. } => None,
            Self::UpsertAccount { person, .. } => Some(person),
            Self::UpsertContact { customer, .. } => Some(customer),
            Self::UpsertDeal(deal) => Some(&deal.customer),
            Self::ReadProfile(comparison) => Some(&comparison.of.customer),
            Self::WriteProfile(correction) => Some(&correction.to.customer),
        }
    }

    operations! {
        pub match self {
            Self::Find { .. } => "zoho_crm.find",
            Self::UpsertAccount { .. } => "zoho_crm.upsert_account",
            Self::UpsertContact { .. } => "zoho_crm.upsert_contact",
            Self::UpsertDeal(_) => "zoho_crm.upsert_deal",
            Self::SetTags { .. } => "zoho_crm.set_tags",
            Self::Seek { .. } => "zoho_crm.seek",
            Self::ReadProfile(_) => "zoho_crm.read_profile",
            Self::WriteProfile(_) => "zoho_crm.write_profile",
            Self::Erase { .. } => "zoho_crm.erase",
        }
    }
}
