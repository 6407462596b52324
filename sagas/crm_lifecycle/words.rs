//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word carries personal data.

use super::rules::Rules;
use super::table::DealFace;
use crate::kernel::lifecycle::{Residence, Told};
use crate::kernel::tags::Tags;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What a customer's records can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Something became of a subscription.
    Told(Told),
    /// The customer moved to where other laws hold.
    Moved(Residence),
    /// What CRM shows is to be compared and put right.
    Check {
        /// Who wants it: a principal.
        by: String,
        /// The same key is the same order.
        key: String,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    NewsHeard {
        told: Box<Told>,
        /// When the end of a trial is looked at (UTC).
        look_at: Option<DateTime<Utc>>,
    },
    /// Other privacy laws hold for the customer.
    ResidenceHeard {
        residence: Residence,
    },
    CheckAsked {
        by: String,
        key: String,
        at: DateTime<Utc>,
    },
    /// What is owed to CRM is written now.
    WritingBegan {
        at: DateTime<Utc>,
    },
    SettingsRead {
        rules: Box<Rules>,
    },
    /// This installation keeps no deals and tags.
    SwitchedOff,
    /// No rule gives this plan a tier: it is sold, and has no tag.
    PlanWithoutTier {
        subscription: String,
        plan: String,
    },
    ContactRead {
        /// CRM's own id; absent: it has none with our id.
        contact: Option<String>,
    },
    AccountWritten {
        account: Option<String>,
    },
    ContactWritten {
        contact: Option<String>,
    },
    /// CRM does not take the customer: nothing can be written until something changes.
    CustomerRefused {
        step: String,
        code: String,
    },
    /// CRM has the customer twice, or under another's id: a person decides, nothing is merged.
    IdentitySplit {
        detail: String,
    },
    WritingResumed,
    /// Nothing is kept of the person: never read, or erased. Of nobody nothing is written.
    PersonUnknown,
    /// The trial should be over.
    TrialDue {
        subscription: String,
    },
    /// What Zoho says of it.
    TrialRead {
        subscription: String,
        /// Zoho's status text; absent: it knows no such subscription.
        status: Option<String>,
        /// That day (books zone).
        on: NaiveDate,
        /// When it is looked at again, where the trial still runs (UTC).
        look_at: DateTime<Utc>,
    },
    DealRead {
        subscription: String,
        /// CRM's own id; absent: it has none with our id.
        deal: Option<String>,
        stage: Option<String>,
    },
    /// Somebody deleted the deal: it is not made again.
    DealLeftDeleted {
        subscription: String,
    },
    /// Somebody moved the deal to another stage, which stays.
    StageLeft {
        subscription: String,
        stage: String,
    },
    DealWritten {
        subscription: String,
        deal: Option<String>,
        face: Box<DealFace>,
        /// The stage that was written with it.
        stage: Option<String>,
    },
    DealRefused {
        subscription: String,
        face: Box<DealFace>,
        /// The stage that was to be written with it.
        stage: Option<String>,
        code: String,
    },
    TagsWritten {
        tags: Tags,
    },
    TagsRefused {
        tags: Tags,
        code: String,
    },
    /// A vendor takes nothing of it now: a credential, a missing right.
    WritingPutOff {
        step: String,
        code: String,
        again_at: DateTime<Utc>,
    },
    WritingDue,
    /// CRM shows what it shall.
    RecordsKept {
        at: DateTime<Utc>,
    },
    /// A colleague is asked, or could not be.
    #[serde(untagged)]
    Told(crate::kernel::telling::Told<NoLetter>),
}

/// Customers get no letter about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoLetter {}

crate::kernel::saga::event_names!(
    Event: NewsHeard, ResidenceHeard, CheckAsked, WritingBegan, SettingsRead, SwitchedOff, PlanWithoutTier, ContactRead, AccountWritten,
    ContactWritten, CustomerRefused, IdentitySplit, WritingResumed, PersonUnknown, TrialDue, TrialRead, DealRead,
    DealLeftDeleted, StageLeft, DealWritten, DealRefused, TagsWritten, TagsRefused, WritingPutOff, WritingDue,
    RecordsKept; Told
);
