//! What is read of people and of who holds what, without anything personal.

use super::CollectionOwner;
use crate::kernel::effect::AttioRecord;
use crate::kernel::ids::SagaId;
use crate::kernel::saga::End;
use crate::kernel::tags::LeadSource;
use serde::{Deserialize, Serialize};

/// A client that signs up, as Attio has them; name and addresses are kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRead {
    /// What is missing that a customer needs: titles of attributes.
    pub missing: Vec<String>,
    /// ISO 3166 country code; absent: none, or what stands there is no code.
    pub country: Option<String>,
    /// Where they came from; absent: nothing, or what stands there makes no tag.
    pub lead_source: Option<LeadSource>,
    /// Our account id: that of the company's domain, else their own.
    pub account: String,
    /// The record of their company.
    pub company: Option<AttioRecord>,
}

/// Who holds a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimHolder {
    /// The saga.
    pub saga: SagaId,
    /// Its flow.
    pub flow: String,
    /// How it ended; absent: it has not.
    pub ended: Option<End>,
    /// Who collects what it sells, where that is on record: a saga may go on for as long as its subscription runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_by: Option<CollectionOwner>,
}
