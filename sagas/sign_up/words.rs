//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word carries personal data.

use crate::kernel::answer::{ClaimHolder, ClientRead};
use crate::kernel::effect::{AttioRecord, Claim, PressedAct};
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::tags::{LeadSource, Lifecycle};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a sign-up can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Somebody signed up for a trial.
    SignedUp {
        /// Who, and by which way.
        origin: Origin,
        /// Zoho product id: the plan family that is tried; empty: nothing says which.
        product: String,
        /// When the trial ends (UTC).
        ends_at: DateTime<Utc>,
        /// What holds for this sign-up.
        terms: Box<Terms>,
    },
    /// The trial shall end at another time.
    TrialMoved {
        /// When (UTC).
        ends_at: DateTime<Utc>,
        /// Why, for the record.
        reason: String,
        /// Who: a principal.
        by: String,
        /// Who may grant a second trial agrees.
        approved: bool,
    },
    /// Another saga sells the product, and holds it from now on.
    ProductTaken {
        /// The saga.
        by: SagaId,
    },
}

/// Who signed up, and by which way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Origin {
    /// The platform says so. What is personal is kept under our customer id already.
    Platform {
        /// The platform's id of its user.
        user: String,
        /// Our customer id.
        customer: String,
        /// Where they came from.
        lead_source: Option<LeadSource>,
    },
    /// A CRM user pressed the act on a person's record.
    Press {
        /// The record: object `people`.
        record: AttioRecord,
        /// The press.
        press: PressedAct,
    },
}

/// What holds for one sign-up, from the configuration at its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Prefix of our references.
    pub installation: Installation,
    /// The CRM team is told so many days before a trial ends.
    pub notice_days: u32,
    /// Lead sources of which a tag is made.
    pub sources: Vec<LeadSource>,
}

/// What no tag is made of, because nothing is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsorted {
    /// The lead source is none of those that are agreed.
    LeadSource,
    /// The country is none.
    Country,
}

/// What is put off where it is refused for a reason that may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// Account, contact and tags in Zoho CRM.
    Crm,
    /// What Attio shows.
    Attio,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    SignedUp {
        origin: Origin,
        product: String,
        ends_at: DateTime<Utc>,
        terms: Box<Terms>,
        at: DateTime<Utc>,
    },
    /// The act was pressed again.
    SignUpAskedAgain {
        press: PressedAct,
        /// Why it begins nothing; absent: what runs is shown.
        refusal: Option<String>,
        at: DateTime<Utc>,
    },
    /// The act was pressed again after what kept it from being carried out was mended.
    SignUpBegunAgain {
        press: PressedAct,
        product: String,
        ends_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    PersonFound {
        record: AttioRecord,
    },
    CustomerEnrolled {
        customer: String,
    },
    ClientRead {
        client: Box<ClientRead>,
    },
    /// No tag is made of these: nothing is guessed (D41).
    TagsWithheld {
        unsorted: Vec<Unsorted>,
    },
    /// Two systems disagree on who this is (D39): a person decides, nothing is merged.
    IdentitySplit {
        detail: String,
    },
    IdentityResolved,
    TrialStarted {
        claim: Claim,
        ends_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    SignUpRefused {
        reason: String,
        cure: String,
        at: DateTime<Utc>,
    },
    /// The account of the domain is there already, or is not.
    AccountLooked {
        account: Option<String>,
    },
    AccountMade {
        account: String,
    },
    InCrm {
        contact: String,
        account: String,
        at: DateTime<Utc>,
    },
    CrmLinked,
    TagsRead {
        /// The customer is tagged as active: of another product.
        active: bool,
    },
    Tagged {
        lifecycle: Lifecycle,
    },
    RecordShown {
        version: u32,
    },
    RecordNotShown {
        version: u32,
        code: String,
    },
    ComplianceShown,
    ComplianceNotShown {
        code: String,
    },
    NoteAdded {
        cause: String,
    },
    NoteNotAdded {
        cause: String,
        code: String,
    },
    PutOff {
        concern: Concern,
        code: String,
        again_at: DateTime<Utc>,
    },
    PutOffDue {
        concern: Concern,
    },
    /// The trial ends soon.
    NoticeDue {
        ends_at: DateTime<Utc>,
    },
    TrialMoved {
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        reason: String,
        by: String,
        at: DateTime<Utc>,
    },
    /// A person grants a trial of what was tried or had before.
    TrialGranted {
        ends_at: DateTime<Utc>,
        reason: String,
        by: String,
        at: DateTime<Utc>,
    },
    /// Another saga sells the product.
    ProductHandedOver {
        to: SagaId,
        look_at: DateTime<Utc>,
    },
    /// It is asked what has become of the sale.
    LookDue,
    HolderRead {
        holder: Option<ClaimHolder>,
        look_at: DateTime<Utc>,
    },
    /// The sale came to nothing: the product is kept for the trial again.
    ProductTakenBack {
        claim: Claim,
    },
    ProductNotTakenBack,
    TrialConverted {
        by: SagaId,
        at: DateTime<Utc>,
    },
    TrialExpired {
        released: Option<Claim>,
        at: DateTime<Utc>,
    },
    UserUnlinked,
}

crate::kernel::saga::event_names!(
    Event: SignedUp, SignUpAskedAgain, SignUpBegunAgain, PersonFound, CustomerEnrolled, ClientRead, TagsWithheld, IdentitySplit,
    IdentityResolved, TrialStarted, SignUpRefused, AccountLooked, AccountMade, InCrm, CrmLinked, TagsRead, Tagged,
    RecordShown, RecordNotShown, ComplianceShown, ComplianceNotShown, NoteAdded, NoteNotAdded, PutOff, PutOffDue,
    NoticeDue, TrialMoved, TrialGranted, ProductHandedOver, LookDue, HolderRead, ProductTakenBack, ProductNotTakenBack,
    TrialConverted, TrialExpired, UserUnlinked,
);
