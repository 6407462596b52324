//! Sums over the sub-ledger. Journals are written by the log with their events, never here.

use super::error::{StoreError, unsigned};
use super::log::amount;
use chrono::NaiveDate;
use sagas::kernel::money::Money;
use sqlx::PgPool;

/// What an account holds of one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// Account number, e.g. 1200 receivables.
    pub account: u16,
    /// Sum of the debits.
    pub debit: Money,
    /// Sum of the credits.
    pub credit: Money,
}

impl Balance {
    /// Debits less credits, in minor units.
    pub const fn net_minor(&self) -> i64 {
        self.debit.minor - self.credit.minor
    }
}

/// Money on an invoice, from our own journals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OnInvoice {
    /// Applied less taken off again; none: no such journal yet.
    pub applied: Option<Money>,
    /// Captured for it and neither applied, reversed nor given back: what the invoice holds on 2100; none: no journal
    /// touched that account yet.
    pub unapplied: Option<Money>,
}

/// What is applied to an invoice and what waits to be.
///
/// # Errors
/// The invoice has journals in two currencies, or the database cannot be reached.
pub async fn on_invoice(pool: &PgPool, invoice: &str) -> Result<OnInvoice, StoreError> {
    let rows = sqlx::query!(
        r#"select l.currency,
               (sum(case when l.account = 1200 and j.rule in ('APPLY', 'UNAPPLY')
                   then case l.side when 'credit' then l.amount_minor else -l.amount_minor end end))::bigint as applied,
               (sum(case when l.account = 2100
                   then case l.side when 'credit' then l.amount_minor else -l.amount_minor end end))::bigint as unapplied
           from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
           where j.invoice = $1 group by l.currency"#,
        invoice
    )
    .fetch_all(pool)
    .await?;
    match rows.as_slice() {
        [] => Ok(OnInvoice::default()),
        [row] => Ok(OnInvoice {
            applied: amount(row.applied, Some(&row.currency))?,
            unapplied: amount(row.unapplied, Some(&row.currency))?,
        }),
        _ => Err(StoreError::Unreadable(format!("invoice {invoice} has journals in several currencies"))),
    }
}

/// Whether a customer of ours owes something on another invoice than this one. Asked where money of theirs waits: seldom.
///
/// # Errors
/// The database cannot be reached.
pub async fn owes_elsewhere(pool: &PgPool, customer: &str, invoice: &str) -> Result<bool, StoreError> {
    let owes = sqlx::query_scalar!(
        r#"select exists (
               select from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
               where j.customer = $1 and j.invoice <> $2 and l.account = 1200
               group by j.invoice, l.currency
               having sum(case l.side when 'debit' then l.amount_minor else -l.amount_minor end) > 0) as "owes!""#,
        customer,
        invoice
    );
    Ok(owes.fetch_one(pool).await?)
}

/// Every account's debits and credits per currency, of journals effective up to and with that date; all where there is
/// none.
///
/// # Errors
/// The database cannot be reached.
pub async fn trial_balance(pool: &PgPool, until: Option<NaiveDate>) -> Result<Vec<Balance>, StoreError> {
    let rows = sqlx::query_as!(
        Sums,
        r#"select l.account, l.currency,
               coalesce(sum(l.amount_minor) filter (where l.side = 'debit'), 0)::bigint as "debit!",
               coalesce(sum(l.amount_minor) filter (where l.side = 'credit'), 0)::bigint as "credit!"
           from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
           where $1::date is null or j.effective <= $1
           group by l.account, l.currency order by l.currency, l.account"#,
        until
    );
    rows.fetch_all(pool).await?.into_iter().map(Balance::try_from).collect()
}

/// Every account's debits and credits of one invoice.
///
/// # Errors
/// The database cannot be reached.
pub async fn invoice_balances(pool: &PgPool, invoice: &str) -> Result<Vec<Balance>, StoreError> {
    let rows = sqlx::query_as!(
        Sums,
        r#"select l.account, l.currency,
               coalesce(sum(l.amount_minor) filter (where l.side = 'debit'), 0)::bigint as "debit!",
               coalesce(sum(l.amount_minor) filter (where l.side = 'credit'), 0)::bigint as "credit!"
           from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
           where j.invoice = $1 group by l.account, l.currency order by l.currency, l.account"#,
        invoice
    );
    rows.fetch_all(pool).await?.into_iter().map(Balance::try_from).collect()
}

struct Sums {
    account: i32,
    currency: String,
    debit: i64,
    credit: i64,
}

impl TryFrom<Sums> for Balance {
    type Error = StoreError;

    fn try_from(row: Sums) -> Result<Self, StoreError> {
        let currency =
            sagas::kernel::money::currency(&row.currency).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        Ok(Self {
            account: unsigned("an account", row.account)?,
            debit: Money::new(row.debit, currency),
            credit: Money::new(row.credit, currency),
        })
    }
}
