//! The report of a run: what was compared, to what it came, what was not read. Written once, and never changed.

use super::work::{Keys, NotRead};
use crate::store::reconciliation::AccountMoves;
use chrono::{DateTime, Utc};
use sagas::kernel::money::Money;
use sagas::kernel::reconciliation::{About, Judged, Leg, Total};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The rules by which was judged.
pub(super) const RULES: u32 = 1;
/// What no leg of this release sees.
pub(super) const OUT_OF_BOOKS: &str = "Zoho's own gateway: of what it collects only payments and refunds are seen; its fees, disputes and payouts are not.";

/// The report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The run.
    pub run: Uuid,
    /// `nightly`, `hourly`, `on_demand`, `continuous`.
    pub kind: String,
    /// The window (UTC).
    pub from: DateTime<Utc>,
    /// Its end.
    pub to: DateTime<Utc>,
    /// Only these were compared; absent: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Only>,
    /// Zone of all dates in it.
    pub books_zone: String,
    /// What is older was compared with nothing (UTC).
    pub books_open_at: Option<DateTime<Utc>>,
    /// Version of the rules.
    pub rules: u32,
    /// Who asked for it.
    pub asked_by: String,
    /// When it began (UTC).
    pub began_at: DateTime<Utc>,
    /// When it ended (UTC).
    pub ended_at: DateTime<Utc>,
    /// Everything was read. Else nothing is called missing where a side was not.
    pub complete: bool,
    /// What was not read, and why.
    pub not_read: Vec<Unread>,
    /// Each source, and how fresh it is.
    pub sources: Vec<Source>,
    /// Calls on vendors.
    pub calls: Vec<Calls>,
    /// What no leg sees.
    pub out_of_books: String,
    /// What was compared.
    pub legs: Vec<LegReport>,
    /// Clearing accounts in the window, in minor units.
    pub accounts: Vec<Account>,
    /// What stands, money at risk first.
    pub findings: Vec<Listed>,
    /// What stood before and agrees by now.
    pub resolved: Vec<Over>,
}

/// What a run compared that did not compare everything.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Only {
    /// Braintree transactions and refunds.
    pub transactions: Vec<String>,
    /// Zoho invoices.
    pub invoices: Vec<String>,
}

impl From<&Keys> for Only {
    fn from(of: &Keys) -> Self {
        Self {
            transactions: of.transactions.iter().cloned().collect(),
            invoices: of.invoices.iter().cloned().collect(),
        }
    }
}

/// Something that was not read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Unread {
    /// Of which source.
    pub source: String,
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A source.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the report's word for it")]
pub struct Source {
    /// Which.
    pub source: String,
    /// When it was read (UTC): what happened later is not in it.
    pub read_at: DateTime<Utc>,
    /// How many things it showed.
    pub things: u64,
}

/// Calls on a vendor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Calls {
    /// Which.
    pub vendor: String,
    /// Foreseen.
    pub planned: u32,
    /// Made.
    pub used: u32,
    /// What comparisons may still make today; none: the vendor counts none.
    pub left: Option<u32>,
}

/// A leg.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LegReport {
    /// `R1`.
    pub leg: String,
    /// What is compared with what, left side first.
    pub words: String,
    /// Both sides were read whole.
    pub complete: bool,
    /// By currency: left less right is found, in progress and not read together.
    pub totals: Vec<Total>,
    /// Pairs of which one side is known to follow.
    pub in_progress: u64,
    /// Pairs that could not be judged.
    pub not_read: u64,
    /// Findings.
    pub findings: u64,
}

/// A clearing account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the report's word for it")]
pub struct Account {
    /// Number.
    pub account: i32,
    /// ISO 4217.
    pub currency: String,
    /// Debits less credits before the window.
    pub opening: i64,
    /// Debits within.
    pub debits: i64,
    /// Credits within.
    pub credits: i64,
    /// Debits less credits at its end.
    pub closing: i64,
}

/// A finding as the run saw it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed {
    /// Id; none: it could not be kept.
    pub id: Option<Uuid>,
    /// `Charged, not recorded in Zoho · D05`.
    pub title: String,
    /// `D05`.
    pub code: String,
    /// By what it is known again.
    pub key: String,
    /// 1 to 3.
    pub severity: u8,
    /// `opened`, `reopened`, `changed`, `seen_again`.
    pub change: String,
    /// How it stands.
    pub state: String,
    /// What it concerns.
    pub about: About,
    /// What the left side says.
    pub left: String,
    /// What the right side says.
    pub right: String,
    /// Money at risk.
    pub at_risk: Option<Money>,
    /// Left less right: what it adds to the leg's difference.
    pub difference: Vec<Money>,
    /// What happened.
    pub detail: String,
    /// When (UTC).
    pub dated: DateTime<Utc>,
}

/// A finding that is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Over {
    /// Id.
    pub id: Uuid,
    /// `D05`.
    pub code: String,
    /// By what it was known.
    pub key: String,
}

impl From<&NotRead> for Unread {
    fn from(of: &NotRead) -> Self {
        Self { source: of.source.clone(), what: of.what.clone(), why: of.why.clone() }
    }
}

impl From<AccountMoves> for Account {
    fn from(of: AccountMoves) -> Self {
        let AccountMoves { account, currency, opening, debits, credits, closing } = of;
        Self { account, currency, opening, debits, credits, closing }
    }
}

impl From<&Judged> for LegReport {
    fn from(of: &Judged) -> Self {
        let open = |why: &str| count(of.open.iter().filter(|open| open.why == why).count());
        Self {
            leg: of.leg.as_str().to_owned(),
            words: Leg::words(of.leg).to_owned(),
            complete: of.complete,
            totals: of.totals.clone(),
            in_progress: open("in_progress"),
            not_read: open("not_read"),
            findings: count(of.found.len()),
        }
    }
}

/// A count as reports write it.
pub(super) fn count(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}
