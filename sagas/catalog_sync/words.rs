//! What a day's catalog sync can be told, what happened in it, and the words of both.

use super::compare::{Difference, Missing};
use crate::kernel::catalog::{Catalog, CatalogPress};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What a sync can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// The catalog is to be read.
    Asked {
        /// Zoho organization id.
        organization: String,
        /// The day (UTC) whose sync this is.
        day: NaiveDate,
        /// Why.
        by: Asked,
        /// The same key is the same order.
        key: String,
    },
}

/// Why the catalog is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Asked {
    /// The day's own full read.
    Daily,
    /// The poll saw that Attio shows something else than Zoho sells.
    Poll,
    /// A CRM user pressed `Sync catalog now`.
    Pressed {
        /// Where, and when.
        press: CatalogPress,
    },
    /// An operator or another program ordered it.
    Ordered,
    /// A CRM user edited a record of the catalog.
    Edited {
        /// Record id of the object `service_plans`.
        record: String,
    },
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    SyncAsked {
        organization: String,
        day: NaiveDate,
        by: Asked,
        key: String,
        at: DateTime<Utc>,
    },
    /// The act on the record is set back.
    ActAnswered {
        press: CatalogPress,
    },
    /// The record is gone, or does not take it.
    ActNotAnswered {
        press: CatalogPress,
        code: String,
    },
    ReadBegan {
        at: DateTime<Utc>,
    },
    /// Not read before then: the last read is too young.
    ReadPutOff {
        until: DateTime<Utc>,
    },
    /// All three lists, to their ends.
    CatalogRead {
        catalog: Box<Catalog>,
        version: String,
    },
    /// Zoho or Attio refuses to be read: nothing is known, and nothing is changed.
    CatalogNotRead {
        step: String,
        code: String,
        at: DateTime<Utc>,
    },
    /// Attio was read as well: what is to be written, and why.
    CatalogCompared {
        changes: Vec<Planned>,
        /// Not listed by Zoho in this read; a second one decides.
        missed: Vec<String>,
        /// Records that people edit again and again: they are left as they are for a while.
        contested: Vec<Contested>,
        /// Offerings (`plan:<code>`) whose price is another one than before.
        repriced: Vec<String>,
        at: DateTime<Utc>,
    },
    OfferingShown {
        external_id: String,
        record: Option<String>,
    },
    EditNoted {
        record: String,
    },
    TaskAdded {
        record: String,
    },
    /// Everybody who was quoted an old price gets a new quote before they pay.
    OldQuotesEnded {
        offerings: Vec<String>,
    },
    /// What Attio does not take for this record is left out; the next read sees it again.
    PassedOver {
        step: String,
        external_id: String,
        code: String,
    },
    /// Attio takes nothing now: a credential, a missing right.
    TellingPutOff {
        step: String,
        code: String,
        again_at: DateTime<Utc>,
    },
    /// The time to try again has come.
    TellingDue,
    CatalogSynced {
        version: String,
        at: DateTime<Utc>,
    },
}

crate::kernel::saga::event_names!(
    Event: SyncAsked,
    ActAnswered,
    ActNotAnswered,
    ReadBegan,
    ReadPutOff,
    CatalogRead,
    CatalogNotRead,
    CatalogCompared,
    OfferingShown,
    EditNoted,
    TaskAdded,
    OldQuotesEnded,
    PassedOver,
    TellingPutOff,
    TellingDue,
    CatalogSynced,
);

/// A record that is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// What is written.
    pub difference: Difference,
    /// Why.
    pub because: Because,
}

/// Why a record is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Attio has no record of it.
    New,
    /// A CRM user made a record for it, which is linked now.
    Adopted,
    /// Zoho sells it otherwise than before, or not any more.
    Changed,
    /// Somebody edited it in Attio.
    Edited,
    /// Two full reads did not list it.
    Gone,
}

/// A record that is not written back for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contested {
    /// Record id.
    pub record: String,
    /// The offering's name.
    pub name: String,
    /// Until then (UTC).
    pub until: DateTime<Utc>,
}

impl From<Missing> for Planned {
    fn from(missing: Missing) -> Self {
        let difference = Difference {
            offering: missing.offering,
            record: Some(missing.record),
            attributes: vec!["offering_status".to_owned()],
            edited: Vec::new(),
            touched_at: missing.touched_at,
        };
        Self { difference, because: Because::Gone }
    }
}
