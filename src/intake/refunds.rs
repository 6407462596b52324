//! What finance orders about give-backs, as inbox items: one way in for the API and for the command line. Says beforehand
//! what would be given back and who has to agree. Decides nothing about money: the payment's own stream and the refund do.

use crate::config::refunds_alone;
use crate::engine::items::Body;
use crate::store::approvals;
use crate::store::items::NewItem;
use crate::store::query::{self, SagaFilter, SagaLine};
use crate::store::saga_store::{self, LoadError};
use crate::store::{Pool, StoreError};
use sagas::invoice_payment::{self, InvoicePayment, Standing};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::money::{Money, MoneyError};
use sagas::kernel::saga::Saga;
use sagas::refund::{self, Approval, Command, Refund, Source, Wish};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the money comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// Applied to the invoice, and the customer need not pay it: a credit note
    Forgive,
    /// Applied to the invoice, which owes it again
    Reopen,
    /// Never applied to anything
    Unapplied,
}

impl From {
    const fn source(self) -> Source {
        match self {
            Self::Forgive => Source::Forgive,
            Self::Reopen => Source::Reopen,
            Self::Unapplied => Source::Unapplied,
        }
    }
}

/// What becomes of a refund that the bank did not make, or what one was for that others made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Ask Braintree once more
    TryAgain,
    /// It was paid by bank transfer
    PaidOutside,
    /// Nothing is given back
    Withdraw,
    /// Made by others: the customer need not pay it; Zoho gets a credit note
    Forgive,
    /// Made by others: the invoice owes it again
    Reopen,
    /// Made by others, who have recorded it in Zoho: nothing is written there
    Recorded,
}

impl Choice {
    const fn choice(self) -> refund::Choice {
        match self {
            Self::TryAgain => refund::Choice::TryAgain,
            Self::PaidOutside => refund::Choice::PaidOutside,
            Self::Withdraw => refund::Choice::Withdraw,
            Self::Forgive => refund::Choice::Forgive,
            Self::Reopen => refund::Choice::Reopen,
            Self::Recorded => refund::Choice::Recorded,
        }
    }

    /// Part of the item's kind: one key used for two choices is a mistake that shall be seen.
    const fn kind(self) -> &'static str {
        match self {
            Self::TryAgain => "operator.refund_try_again",
            Self::PaidOutside => "operator.refund_paid_outside",
            Self::Withdraw => "operator.refund_withdraw",
            Self::Forgive => "operator.refund_forgive",
            Self::Reopen => "operator.refund_reopen",
            Self::Recorded => "operator.refund_recorded",
        }
    }
}

/// How much is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sum {
    /// All that is left of the source.
    All,
    /// Decimals of the payment's currency.
    Decimal(String),
    /// Minor units of the payment's currency.
    Minor(i64),
}

/// What finance asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Braintree transaction id of the sale.
    pub transaction: String,
    /// How much.
    pub amount: Sum,
    /// Where it comes from.
    pub from: From,
}

/// What would be given back.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How much.
    pub amount: Money,
    /// What stands of the payment now.
    pub standing: Standing,
    /// The stream of its invoice.
    pub stream: SagaId,
    /// Another person has to agree.
    pub second_person: bool,
}

impl Plan {
    /// What Braintree would most likely be asked for: what the sale's status is when it is sent decides.
    pub const fn means(&self) -> &'static str {
        let whole = self.amount.minor == self.standing.captured.minor;
        match (self.standing.settled, whole) {
            (true, _) => "refund",
            (false, true) => "void, or refund once it settles",
            (false, false) => "refund, once it is settled",
        }
    }
}

/// Why nothing is ordered.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// No invoice knows such a payment.
    #[error(
        "no payment of ours is transaction {0}: what was not taken for an invoice here is not given back from here"
    )]
    Unknown(String),
    /// It cannot be given back as asked.
    #[error("{0}")]
    Refused(String),
    /// The amount is none.
    #[error("amount: {0}")]
    Amount(#[from] MoneyError),
    /// The history of the invoice is another release's.
    #[error("{0}")]
    Unreadable(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What would be given back, and who has to agree.
///
/// # Errors
/// There is no such payment, it cannot be given back as asked, or the database cannot be reached.
pub async fn plan(pool: &Pool, shards: u16, ask: &Ask) -> Result<Plan, RefundError> {
    let Some((stream, standing)) = paid_by(pool, shards, &ask.transaction).await? else {
        return Err(RefundError::Unknown(ask.transaction.clone()));
    };
    let amount = amount(ask, &standing)?;
    let second_person = !refunds_alone(&approvals::policy(pool).await?, amount);
    Ok(Plan { amount, standing, stream, second_person })
}

/// The invoice's stream of which that transaction is a payment, and what stands of it; none: it is no payment of ours.
///
/// # Errors
/// The database cannot be reached, or the history of an invoice is another release's.
pub(super) async fn paid_by(
    pool: &Pool,
    shards: u16,
    transaction: &str,
) -> Result<Option<(SagaId, Standing)>, RefundError> {
    let filter = SagaFilter {
        kind: Some(InvoicePayment::NAME.to_owned()),
        reference: Some(transaction.to_owned()),
        ..SagaFilter::default()
    };
    for line in query::sagas(pool, &filter, None, 20).await? {
        let loaded = saga_store::load::<InvoicePayment>(pool, line.id.shard(shards), line.id).await;
        let loaded = loaded.map_err(|e| match e {
            LoadError::Store(e) => RefundError::Store(e),
            unreadable @ LoadError::Unreadable(_) => RefundError::Unreadable(unreadable.to_string()),
        })?;
        // An invoice can have seen the transaction without its being one of its payments.
        if let Some(standing) = invoice_payment::standing(&loaded.saga.business, transaction) {
            return Ok(Some((line.id, standing)));
        }
    }
    Ok(None)
}

/// How much, if there is so much. The stream has the last word: this is what it says now.
fn amount(ask: &Ask, standing: &Standing) -> Result<Money, RefundError> {
    let refused = |why: String| Err(RefundError::Refused(why));
    let id = &ask.transaction;
    if standing.reversed {
        return refused(format!("{id} was voided or taken back: there is nothing to give back"));
    }
    if standing.disputed {
        return refused(format!("{id} is disputed by the customer's bank: reply to the dispute instead"));
    }
    if standing.under_way {
        return refused(format!("another give-back of {id} is under way"));
    }
    let (applied, unapplied) = (standing.applied, standing.unapplied);
    let left = match ask.from {
        From::Unapplied => unapplied,
        From::Forgive | From::Reopen => Money::new(applied.minor + unapplied.minor, applied.currency),
    };
    let amount = match &ask.amount {
        Sum::All => left,
        Sum::Decimal(text) => Money::parse(text, left.currency)?,
        Sum::Minor(minor) => Money::new(*minor, left.currency),
    };
    if !amount.is_positive() || amount.minor > left.minor {
        return refused(format!(
            "{amount} cannot be given back of {id}: {applied} applied and {unapplied} unapplied are left"
        ));
    }
    Ok(amount)
}

/// Who orders it, and why.
#[derive(Debug, Clone)]
pub struct By {
    /// A principal, `token:ada`.
    pub principal: String,
    /// A word for reports: `duplicate`, `goodwill` …
    pub why: String,
    /// In a sentence, for the record.
    pub reason: String,
    /// The same key twice is the same refund.
    pub key: String,
}

/// The order of a refund, and the saga that hears it.
pub fn requested(plan: &Plan, ask: &Ask, installation: Installation, by: &By) -> (SagaId, NewItem) {
    let wish = Wish {
        key: by.key.clone(),
        installation,
        transaction: ask.transaction.clone(),
        invoice: plan.standing.invoice.clone(),
        stream: plan.stream,
        amount: plan.amount,
        source: ask.from.source(),
        reason: format!("{}: {}", by.why, by.reason),
        by: by.principal.clone(),
        approval: if plan.second_person { Approval::SecondPerson } else { Approval::Alone },
    };
    let saga = id_of(ask, &by.key);
    let command = Command::Requested { wish: Box::new(wish) };
    (saga, item(saga, "operator.refund", &command, &by.principal, Some(format!("refund:{saga}"))))
}

/// The refund of that key.
pub fn id_of(ask: &Ask, key: &str) -> SagaId {
    Refund::id(&ask.transaction, key)
}

/// A second person agrees, or does not.
///
/// # Errors
/// The saga is no refund.
pub fn answered(saga: &SagaLine, agrees: bool, principal: &str, reason: &str) -> Result<NewItem, String> {
    let (by, reason) = (principal.to_owned(), reason.to_owned());
    let (kind, command) = if agrees {
        ("operator.refund_approve", Command::Approved { by, reason })
    } else {
        ("operator.refund_reject", Command::Denied { by, reason })
    };
    is_refund(saga)?;
    Ok(item(saga.id, kind, &command, principal, None))
}

/// A person decides what becomes of a refund that the bank did not make.
///
/// # Errors
/// The saga is no refund.
pub fn decided(
    saga: &SagaLine,
    choice: Choice,
    principal: &str,
    reason: &str,
    key: Option<String>,
) -> Result<NewItem, String> {
    is_refund(saga)?;
    let (by, reason) = (principal.to_owned(), reason.to_owned());
    let command = Command::Decided { choice: choice.choice(), by, reason };
    let key = key.map(|key| format!("operator:{}:{key}", saga.id));
    Ok(item(saga.id, choice.kind(), &command, principal, key))
}

fn is_refund(saga: &SagaLine) -> Result<(), String> {
    if saga.kind == Refund::NAME {
        return Ok(());
    }
    Err(format!("saga {} is a {} and no {}", saga.id, saga.kind, Refund::NAME))
}

fn item(saga: SagaId, kind: &str, command: &Command, principal: &str, key: Option<String>) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts and numbers always serialises");
    NewItem {
        saga,
        saga_kind: Refund::NAME.to_owned(),
        kind: kind.to_owned(),
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: key,
    }
}
