//! What flows themselves ask people about because money did not go as it should: it stands in the queue of findings beside what the
//! comparisons find, until the flow goes on.

use super::{About, Code, Found, Judged, Leg};
use crate::kernel::money::Money;
use crate::kernel::park::ParkCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A saga that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// Its id.
    pub saga: String,
    /// Its flow.
    pub flow: String,
    /// Why it waits, as the log writes it.
    pub code: String,
    /// The same in a sentence.
    pub detail: String,
    /// The money concerned.
    pub amount: Option<Money>,
    /// Since when (UTC).
    pub since: DateTime<Utc>,
    /// What it concerns.
    pub about: About,
}

/// Flow, reason, finding and severity.
const ASKED: [(&str, ParkCode, Code, u8); 4] = [
    ("invoice_payment", ParkCode::SettlementDeclined, Code::D16, 1),
    ("refund", ParkCode::RecordBlocked, Code::D22, 2),
    // The note was used on an invoice: the customer has the money twice.
    ("refund", ParkCode::CreditSpent, Code::D22, 1),
    ("refund", ParkCode::RefundFailedAfterSuccess, Code::D23, 1),
];

/// The reasons that are findings: what is asked of the log.
pub fn reasons() -> Vec<&'static str> {
    ASKED.iter().map(|(_, reason, ..)| reason.as_str()).collect()
}

/// Judges what waits.
pub fn judge(parked: &[Parked]) -> Judged {
    let found = parked.iter().filter_map(|parked| {
        let (.., code, severity) =
            ASKED.into_iter().find(|(flow, reason, ..)| *flow == parked.flow && reason.as_str() == parked.code)?;
        Some(Found {
            code,
            key: parked.saga.clone(),
            severity,
            about: parked.about.clone(),
            left: format!("{} {}", parked.flow, parked.saga),
            right: format!("waits for a person ({})", parked.code),
            at_risk: parked.amount,
            difference: Vec::new(),
            detail: parked.detail.clone(),
            dated: parked.since,
            act: None,
        })
    });
    Judged { found: found.collect(), ..Judged::empty(Leg::Flows) }
}
