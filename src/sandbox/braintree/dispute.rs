//! A dispute: a bank that takes a transaction's money back, its states and its evidence. Which state may follow which is
//! decided by the operations (`disputes`, `evidence`, `staff_disputes`).

use super::transaction::Transaction;
use chrono::{DateTime, Days, NaiveDate, Utc};

/// How long a merchant has to answer: the networks give from 10 to 20 days.
const REPLY_WITHIN: Days = Days::new(10);

/// The gateway's dispute states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Open,
    /// The gateway looks at the evidence.
    UnderReview,
    /// The evidence is with the bank.
    Disputed,
    Won,
    Lost,
    Accepted,
    /// Given up by the gateway for the merchant.
    AutoAccepted,
    /// Nobody answered in time.
    Expired,
}

impl Status {
    pub(super) const ALL: [Self; 8] = [
        Self::Open,
        Self::UnderReview,
        Self::Disputed,
        Self::Won,
        Self::Lost,
        Self::Accepted,
        Self::AutoAccepted,
        Self::Expired,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::UnderReview => "under_review",
            Self::Disputed => "disputed",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Accepted => "accepted",
            Self::AutoAccepted => "auto_accepted",
            Self::Expired => "expired",
        }
    }

    /// The kind of the webhook that tells of it.
    pub(super) fn webhook(self) -> &'static str {
        match self {
            Self::Open => "dispute_opened",
            Self::UnderReview => "dispute_under_review",
            Self::Disputed => "dispute_disputed",
            Self::Won => "dispute_won",
            Self::Lost => "dispute_lost",
            Self::Accepted => "dispute_accepted",
            Self::AutoAccepted => "dispute_auto_accepted",
            Self::Expired => "dispute_expired",
        }
    }
}

/// The stages of a dispute.
pub(super) const KINDS: [&str; 3] = ["chargeback", "pre_arbitration", "retrieval"];

/// The reasons with the network's code of each.
pub(super) const REASONS: [(&str, &str); 11] = [
    ("cancelled_recurring_transaction", "41"),
    ("credit_not_processed", "85"),
    ("duplicate", "82"),
    ("fraud", "83"),
    ("general", "70"),
    ("invalid_account", "78"),
    ("not_recognized", "75"),
    ("product_not_received", "30"),
    ("product_unsatisfactory", "53"),
    ("retrieval", "28"),
    ("transaction_amount_differs", "80"),
];

/// Amounts whose dispute has a certain reason code, in minor units, from the gateway's testing values.
const MAGIC_REASONS: [(i64, &str); 4] = [(8300, "83"), (1040, "1040"), (1310, "1310"), (7030, "7030")];

/// Something that speaks for the merchant.
#[derive(Debug, Clone)]
pub(super) struct Evidence {
    pub(super) id: String,
    pub(super) comment: Option<String>,
    /// The uploaded file.
    pub(super) document: Option<Document>,
    pub(super) category: Option<String>,
    pub(super) sequence_number: Option<String>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) sent_on: Option<NaiveDate>,
}

/// An uploaded file. Its bytes are not kept.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) content_type: &'static str,
    /// Bytes.
    pub(super) size: usize,
    pub(super) expires_at: DateTime<Utc>,
}

/// A dispute of one transaction.
#[derive(Debug, Clone)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) status: Status,
    pub(super) kind: String,
    pub(super) reason: String,
    pub(super) reason_code: String,
    /// Minor units of the transaction's currency.
    pub(super) amount: i64,
    /// Minor units.
    pub(super) amount_won: i64,
    pub(super) case_number: String,
    pub(super) reference_number: String,
    pub(super) received_on: NaiveDate,
    pub(super) reply_by: NaiveDate,
    /// The lost chargeback that came back as this one.
    pub(super) original_id: Option<String>,
    /// `none` or `visa_rdr`.
    pub(super) program: &'static str,
    pub(super) evidence: Vec<Evidence>,
    /// Oldest first.
    pub(super) history: Vec<(DateTime<Utc>, Status)>,
    pub(super) created_at: DateTime<Utc>,
    pub(super) updated_at: DateTime<Utc>,
}

impl Dispute {
    /// A chargeback of the whole transaction: the reason goes by the amount, else it is fraud.
    pub(super) fn chargeback(of: &Transaction, now: DateTime<Utc>) -> Self {
        let magic = MAGIC_REASONS.iter().find(|(amount, _)| *amount == of.amount);
        let today = now.date_naive();
        let mut dispute = Self {
            id: super::state::letters(16),
            status: Status::Open,
            kind: KINDS[0].to_owned(),
            reason: "fraud".to_owned(),
            reason_code: magic.map_or("83", |(_, code)| code).to_owned(),
            amount: of.amount,
            amount_won: 0,
            case_number: format!("CB{}", super::state::digits(8)),
            reference_number: super::state::digits(11),
            received_on: today,
            reply_by: today + REPLY_WITHIN,
            original_id: None,
            program: "none",
            evidence: Vec::new(),
            history: Vec::new(),
            created_at: now,
            updated_at: now,
        };
        dispute.becomes(Status::Open, now);
        dispute
    }

    /// Moves to a state, with its line in the history.
    pub(super) fn becomes(&mut self, status: Status, at: DateTime<Utc>) {
        self.status = status;
        self.updated_at = at;
        if status == Status::Won {
            self.amount_won = self.amount;
        }
        self.history.push((at, status));
    }
}
