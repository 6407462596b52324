//! What the answers of Zoho CRM and Zoho Desk mean.

use serde::{Deserialize, Serialize};

/// A record of Zoho CRM. Nothing of what people wrote into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrmRecord {
    /// CRM's own id; absent: there is none with our id.
    pub id: Option<String>,
    /// All tags on it, others' too, by name.
    pub tags: Vec<String>,
    /// `actual_value` of a deal's stage.
    pub stage: Option<String>,
}

/// A ticket in Zoho Desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Zoho Desk ticket id.
    pub id: String,
    /// Human-readable number.
    pub number: String,
    /// Desk's status text: `Open`, `Closed` …
    pub status: String,
}
