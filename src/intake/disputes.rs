//! Disputes, as items for their streams: what Braintree says of them, and what people order. One way in for the API and for
//! the command line. Says whose payment it is by our own log; decides nothing: what a dispute is, its stream reads itself.

use super::operator::Order as By;
use super::refunds::{self, RefundError};
use crate::engine::beside::NONCE;
use crate::engine::items::Body;
use crate::store::items::NewItem;
use crate::store::query::SagaLine;
use crate::store::saga_store::{self, LoadError};
use crate::store::secrets::{Sealed, Secrets};
use crate::store::{Pool, StoreError};
use sagas::dispute::{Command, Dispute, Fate, Of, Piece, Sale, State, pack};
use sagas::kernel::answer::{self, DisputeStatus};
use sagas::kernel::effect::DocumentForm;
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Braintree takes no longer texts, in characters.
const LONGEST_TEXT: usize = 500;

/// What becomes of the subscription whose payment was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    /// It goes on
    Keep,
    /// It ends at once
    Cancel,
}

impl Subscription {
    const fn fate(self) -> Fate {
        match self {
            Self::Keep => Fate::Keep,
            Self::Cancel => Fate::Cancel,
        }
    }
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Pdf,
    Png,
    Jpeg,
}

impl Form {
    const fn form(self) -> DocumentForm {
        match self {
            Self::Pdf => DocumentForm::Pdf,
            Self::Png => DocumentForm::Png,
            Self::Jpeg => DocumentForm::Jpeg,
        }
    }

    /// By how a file's name ends.
    pub fn of_name(name: &str) -> Option<Self> {
        match name.rsplit('.').next()?.to_ascii_lowercase().as_str() {
            "pdf" => Some(Self::Pdf),
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            _ => None,
        }
    }
}

/// A text that is handed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Up to 500 characters; it can name a person
    pub text: String,
    /// Braintree's category of texts, e.g. `DEVICE_ID`; absent: a comment
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
}

/// A document that is handed in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The file in base64
    pub base64: String,
    pub form: Form,
    /// Braintree's category of documents, e.g. `PROOF_OF_FULFILLMENT`
    #[serde(default)]
    pub category: Option<String>,
}

/// What a person hands in.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// In this order, before the documents.
    pub texts: Vec<Words>,
    pub documents: Vec<Document>,
    /// What our own books say is handed in first.
    pub with_pack: bool,
}

/// A dispute for people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DisputeView {
    /// Saga id
    id: String,
    /// Braintree's id of it
    dispute: String,
    /// The flow's word for where it stands
    state: String,
    /// `chargeback`, `pre_arbitration`, `retrieval`
    kind: String,
    reason: String,
    amount_minor: i64,
    currency: String,
    /// Braintree transaction id of the payment
    transaction: Option<String>,
    invoice_number: Option<String>,
    /// The last day for a reply ends then (UTC); absent: no reply is awaited
    reply_until: Option<chrono::DateTime<chrono::Utc>>,
    /// Pieces of evidence that Braintree has
    evidence: usize,
    /// What our own books say for us
    pack: Vec<Words>,
}

/// Why there is nothing to show or to order.
#[derive(Debug, thiserror::Error)]
pub enum DisputeError {
    /// It is none, it was never read, or it takes no such order.
    #[error("{0}")]
    Refused(String),
    /// What is handed in cannot be.
    #[error("{0}")]
    Evidence(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A dispute's stream hears of it.
pub(super) struct Noticed {
    pub(super) item: NewItem,
    /// The payment is one of ours, as far as our log knows.
    known: bool,
}

/// The item by which a dispute's stream hears of it, and whose payment it is as far as our log knows.
///
/// # Errors
/// The database cannot be reached, or the history of an invoice is another release's.
pub(super) async fn noticed(
    pool: &Pool,
    shards: u16,
    of: Of,
    shown: &answer::Dispute,
    source: &str,
) -> Result<Noticed, RefundError> {
    let sale = match &shown.transaction {
        Some(transaction) => refunds::paid_by(pool, shards, transaction).await?.map(|(stream, standing)| Sale {
            transaction: transaction.clone(),
            invoice: standing.invoice,
            stream,
        }),
        None => None,
    };
    let (saga, known) = (Dispute::id(&of.dispute), sale.is_some());
    let command = Command::Noticed { of, sale, seen: Some(shown.status.clone()), source: source.to_owned() };
    Ok(Noticed { item: item(saga, source, "braintree", &command, None), known })
}

/// What the search shows, as such an item: once for each status, and once more when the payment becomes known.
///
/// # Errors
/// As above.
pub(super) async fn found(pool: &Pool, shards: u16, of: Of, shown: &answer::Dispute) -> Result<NewItem, RefundError> {
    let Noticed { item, known } = noticed(pool, shards, of, shown, "braintree.poll").await?;
    let known = if known { "known" } else { "unknown" };
    let key = format!("dispute:{}:{}:{known}", shown.id, word(&shown.status));
    Ok(NewItem { principal: "poller".to_owned(), idempotency_key: Some(key), ..item })
}

/// Of that installation.
pub(super) fn of(organization: &str, installation: &Installation, dispute: &str) -> Of {
    Of { organization: organization.to_owned(), installation: installation.clone(), dispute: dispute.to_owned() }
}

fn word(status: &DisputeStatus) -> &str {
    match status {
        DisputeStatus::Open => "open",
        DisputeStatus::UnderReview => "under_review",
        DisputeStatus::Disputed => "disputed",
        DisputeStatus::Won => "won",
        DisputeStatus::Lost => "lost",
        DisputeStatus::Accepted => "accepted",
        DisputeStatus::AutoAccepted => "auto_accepted",
        DisputeStatus::Expired => "expired",
        DisputeStatus::Other(word) => word,
    }
}

/// A dispute as it stands in our log, with what speaks for us.
///
/// # Errors
/// The saga is no dispute or cannot be read, or the database cannot be reached.
pub async fn view(pool: &Pool, shards: u16, saga: &SagaLine) -> Result<DisputeView, DisputeError> {
    let state = load(pool, shards, saga).await?;
    let shown = state.shown().ok_or_else(|| DisputeError::Refused("Braintree has not shown it yet".to_owned()))?;
    let pack =
        pack(&state).into_iter().map(|text| Words { text: text.text, category: text.category.map(str::to_owned) });
    Ok(DisputeView {
        id: saga.id.to_string(),
        dispute: shown.id.clone(),
        state: saga.state.clone(),
        kind: shown.kind.clone(),
        reason: shown.reason.clone(),
        amount_minor: shown.disputed.minor,
        currency: shown.disputed.currency.code().to_owned(),
        transaction: shown.transaction.clone(),
        invoice_number: state.invoice_number().map(str::to_owned),
        reply_until: state.reply_until(),
        evidence: shown.evidence.len(),
        pack: pack.collect(),
    })
}

impl DisputeView {
    /// In lines, for people.
    pub fn lines(&self) -> Vec<String> {
        let minor = |minor: i64| {
            sagas::kernel::money::currency(&self.currency)
                .map(|c| sagas::kernel::money::Money::new(minor, c).to_string())
        };
        let amount = minor(self.amount_minor).unwrap_or_default();
        let mut lines = vec![
            format!("{} {} of {amount} ({}), {}", self.kind, self.dispute, self.reason, self.state),
            format!("  payment      {}", self.transaction.as_deref().unwrap_or("not named")),
        ];
        lines.extend(self.invoice_number.as_ref().map(|number| format!("  invoice      {number}")));
        lines.extend(self.reply_until.map(|until| format!("  reply until  {}", until.format("%Y-%m-%d %H:%M UTC"))));
        lines.push(format!("  evidence     {} piece(s) at Braintree", self.evidence));
        lines.extend(self.pack.iter().map(|words| {
            let category = words.category.as_ref().map(|category| format!("{category}: ")).unwrap_or_default();
            format!("  we know      {category}{}", words.text)
        }));
        lines
    }
}

/// The order that hands evidence in, with what is sealed for it.
///
/// # Errors
/// The saga is no dispute, a text is none that Braintree takes, or the database cannot be reached.
pub async fn submitted(
    pool: &Pool,
    shards: u16,
    saga: &SagaLine,
    secrets: &Secrets,
    evidence: Evidence,
    by: By,
) -> Result<(NewItem, Vec<Sealed>), DisputeError> {
    let state = load(pool, shards, saga).await?;
    let known = if evidence.with_pack { pack(&state) } else { Vec::new() };
    let known = known.into_iter().map(|text| Words { text: text.text, category: text.category.map(str::to_owned) });
    let (mut pieces, mut sealed) = (Vec::new(), Vec::new());
    for words in known.chain(evidence.texts) {
        let length = words.text.chars().count();
        if words.text.trim().is_empty() || length > LONGEST_TEXT {
            let why = format!("a text has {length} characters: Braintree takes 1 to {LONGEST_TEXT}");
            return Err(DisputeError::Evidence(why));
        }
        let one = secrets.seal(NONCE, &SecretString::from(words.text));
        pieces.push(Piece::Text { input: one.id, category: words.category });
        sealed.push(one);
    }
    for document in evidence.documents {
        let one = secrets.seal(NONCE, &SecretString::from(document.base64));
        pieces.push(Piece::Document { input: one.id, form: document.form.form(), category: document.category });
        sealed.push(one);
    }
    let command = Command::Submit { pieces, by: by.by.clone(), reason: by.reason.clone() };
    Ok((ordered(saga.id, "operator.dispute_submit", &command, &by), sealed))
}

/// The order that gives a dispute up.
///
/// # Errors
/// The saga is no dispute.
pub fn accepted(saga: &SagaLine, by: &By) -> Result<NewItem, String> {
    is_dispute(saga)?;
    let command = Command::Accept { by: by.by.clone(), reason: by.reason.clone() };
    Ok(ordered(saga.id, "operator.dispute_accept", &command, by))
}

/// The word of a person who has seen how it ended.
///
/// # Errors
/// The saga is no dispute.
pub fn closed(saga: &SagaLine, subscription: Option<Subscription>, by: &By) -> Result<NewItem, String> {
    is_dispute(saga)?;
    let subscription = subscription.map(Subscription::fate);
    let command = Command::Close { subscription, by: by.by.clone(), reason: by.reason.clone() };
    Ok(ordered(saga.id, "operator.dispute_close", &command, by))
}

async fn load(pool: &Pool, shards: u16, saga: &SagaLine) -> Result<State, DisputeError> {
    is_dispute(saga).map_err(DisputeError::Refused)?;
    let loaded = saga_store::load::<Dispute>(pool, saga.id.shard(shards), saga.id).await;
    loaded.map(|loaded| loaded.saga.business).map_err(|e| match e {
        LoadError::Store(e) => DisputeError::Store(e),
        unreadable @ LoadError::Unreadable(_) => DisputeError::Refused(unreadable.to_string()),
    })
}

fn is_dispute(saga: &SagaLine) -> Result<(), String> {
    if saga.kind == Dispute::NAME {
        return Ok(());
    }
    Err(format!("saga {} is a {} and no {}", saga.id, saga.kind, Dispute::NAME))
}

fn ordered(saga: SagaId, kind: &str, command: &Command, by: &By) -> NewItem {
    let key = by.key.as_ref().map(|key| format!("operator:{saga}:{key}"));
    item(saga, kind, &by.by, command, key)
}

fn item(saga: SagaId, kind: &str, principal: &str, command: &Command, key: Option<String>) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts and numbers always serialises");
    NewItem {
        saga,
        saga_kind: Dispute::NAME.to_owned(),
        kind: kind.to_owned(),
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: key,
    }
}
