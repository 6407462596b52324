//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word carries personal data: fields are named, what stands in them is not.

use crate::kernel::effect::AttioRecord;
use crate::kernel::profile::{Compared, Fields, Shown, Target};
use crate::kernel::tags::Compliance;
use crate::kernel::telling::{NoLetter, Told};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the stream of a customer can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Somebody changed the customer's record in Attio, or that of the person whom we write to at a company.
    Changed {
        /// Our customer id.
        customer: String,
        /// The client's record.
        client: AttioRecord,
        /// Who: a principal.
        by: String,
    },
    /// The platform says what of the customer is to be changed: it is written onto the record in Attio first.
    Patched {
        /// Our customer id.
        customer: String,
        /// The client's record.
        client: AttioRecord,
        /// Which fields it says.
        fields: Fields,
        /// Under which the values are kept beside the log.
        mark: String,
        /// Who: a principal.
        by: String,
    },
    /// All that is shown elsewhere is to be compared, and what others changed there is to be put right.
    Check {
        /// Our customer id.
        customer: String,
        /// The client's record.
        client: AttioRecord,
        /// Who wants it: a principal.
        by: String,
    },
    /// The customer's record was merged into another one in Attio.
    Merged {
        /// Our customer id.
        customer: String,
        /// The record that is gone.
        from: AttioRecord,
        /// The one that is left.
        into: AttioRecord,
    },
    /// The customer's record was deleted in Attio.
    Deleted {
        /// Our customer id.
        customer: String,
        /// The record.
        client: AttioRecord,
    },
    /// Another currency is wanted.
    CurrencyAsked {
        /// Our customer id.
        customer: String,
        /// The client's record.
        client: AttioRecord,
        /// ISO 4217 code.
        currency: String,
        /// Who: a principal.
        by: String,
    },
}

/// What those who run an installation set for the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Contacts and accounts are kept in Zoho CRM.
    pub crm: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { crm: true }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    ChangeHeard {
        customer: String,
        client: AttioRecord,
        by: String,
        /// What others changed elsewhere is put right, too.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        whole: bool,
        /// Until then more changes are waited for (UTC).
        settles_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    PatchHeard {
        customer: String,
        client: AttioRecord,
        fields: Fields,
        mark: String,
        by: String,
        at: DateTime<Utc>,
    },
    /// It stands on the record in Attio; nothing of it is left to be written.
    PatchWritten {
        mark: String,
        settles_at: DateTime<Utc>,
    },
    /// The new e-mail address is another record's in Attio (D39): it is written without.
    PatchHeld {
        mark: String,
        /// What is left to be written.
        fields: Fields,
        at: DateTime<Utc>,
    },
    /// Attio does not take it.
    PatchRefused {
        mark: String,
        fields: Fields,
        code: String,
        at: DateTime<Utc>,
    },
    /// What Attio holds now is carried on.
    CarryingBegan {
        at: DateTime<Utc>,
    },
    SettingsRead {
        rules: Rules,
    },
    ClientRead {
        /// Titles of attributes without which a customer cannot be.
        missing: Vec<String>,
        /// ISO 3166 country code; absent: none, or what stands there is no code.
        country: Option<String>,
    },
    /// Nothing is kept of the person: erased. Of nobody nothing is written.
    PersonUnknown,
    /// Attio has no such record any more. Nothing is deleted elsewhere (D33).
    RecordGone {
        client: AttioRecord,
        at: DateTime<Utc>,
    },
    ProfileCompared {
        compared: Box<Compared>,
        at: DateTime<Utc>,
    },
    /// The new e-mail address is nobody else's.
    AddressFree,
    /// It is somebody else's (D39): it is written nowhere, the rest is.
    AddressTaken {
        /// Who has it: an id, without a name.
        by: String,
    },
    TargetRead {
        target: Target,
        shown: Box<Shown>,
        at: DateTime<Utc>,
    },
    TargetWritten {
        target: Target,
        fields: Fields,
        at: DateTime<Utc>,
    },
    /// All of it that changed is held back.
    TargetHeld {
        target: Target,
        at: DateTime<Utc>,
    },
    /// Somebody changed it between our read and our write: it is read again.
    TargetStale {
        target: Target,
        at: DateTime<Utc>,
    },
    /// It does not take these values. The others go on.
    TargetRefused {
        target: Target,
        fields: Fields,
        code: String,
        at: DateTime<Utc>,
    },
    /// It takes nothing now, for a reason that may pass.
    TargetPutOff {
        target: Target,
        code: String,
        again_at: DateTime<Utc>,
        at: DateTime<Utc>,
    },
    /// It was written too often in a day: two systems may be writing against each other. A person looks.
    LoopStopped {
        target: Target,
        at: DateTime<Utc>,
    },
    GuardReset {
        at: DateTime<Utc>,
    },
    /// All that could be carried on was.
    CarryingEnded {
        /// The privacy laws of the country to which the customer moved.
        laws: Option<Vec<Compliance>>,
        /// Zoho CRM has the customer: its tags follow.
        tagged: bool,
        at: DateTime<Utc>,
    },
    ComplianceShown,
    ComplianceNotShown {
        code: String,
    },
    NoteAdded,
    NoteNotAdded {
        code: String,
    },
    /// Attio takes neither now.
    ShowingPutOff {
        code: String,
        again_at: DateTime<Utc>,
    },
    /// The time of something that was put off has come.
    PutOffDue,
    RecordMerged {
        customer: String,
        from: AttioRecord,
        into: AttioRecord,
        at: DateTime<Utc>,
    },
    RecordUnlinked,
    RecordLinked {
        into: AttioRecord,
        settles_at: DateTime<Utc>,
    },
    /// Two customers of ours claim to be one (D39): a person decides, nothing is merged.
    IdentitySplit {
        detail: String,
    },
    /// A person looked at it.
    HoldLifted {
        settles_at: DateTime<Utc>,
    },
    CurrencyAsked {
        customer: String,
        client: AttioRecord,
        currency: String,
        by: String,
        at: DateTime<Utc>,
    },
    /// A customer is billed in one currency for ever.
    CurrencyRefused {
        currency: String,
        /// In which documents exist; absent: there are none, and what is bought decides.
        billed_in: Option<String>,
        at: DateTime<Utc>,
    },
    /// A colleague was told, or could not be.
    #[serde(untagged)]
    Told(Told<NoLetter>),
}

crate::kernel::saga::event_names!(
    Event: ChangeHeard, PatchHeard, PatchWritten, PatchHeld, PatchRefused, CarryingBegan, SettingsRead, ClientRead, PersonUnknown, RecordGone, ProfileCompared, AddressFree,
    AddressTaken, TargetRead, TargetHeld, TargetWritten, TargetStale, TargetRefused, TargetPutOff, LoopStopped, GuardReset,
    CarryingEnded, ComplianceShown, ComplianceNotShown, NoteAdded, NoteNotAdded, ShowingPutOff, PutOffDue, RecordMerged,
    RecordUnlinked, RecordLinked, IdentitySplit, HoldLifted, CurrencyAsked, CurrencyRefused; Told
);
