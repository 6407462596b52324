//! Comparisons of chosen keys: what happened to something lately, what belongs to a customer, an invoice or a transaction, and what
//! the ledger says of these alone. Reads by the log's own indexes: the ledger is not gone through as a whole.

use super::books::money;
use super::rows::{BookedRow, OwedRow};
use crate::store::error::StoreError;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::disbursement::Disbursement;
use sagas::kernel::reconciliation::About;
use sagas::kernel::reconciliation::charges::Booked;
use sagas::kernel::reconciliation::flows::Parked;
use sagas::kernel::reconciliation::payouts;
use sagas::kernel::reconciliation::receivables::Owed;
use sagas::kernel::saga::Saga as _;
use sqlx::{PgConnection, PgPool};
use std::collections::{BTreeMap, BTreeSet};

/// Ids at the vendors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Braintree transactions and refunds.
    pub transactions: BTreeSet<String>,
    /// Zoho invoices.
    pub invoices: BTreeSet<String>,
}

impl Keys {
    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty() && self.invoices.is_empty()
    }

    fn add(&mut self, kind: &str, key: String) {
        if kind == "zoho_invoice" {
            self.invoices.insert(key);
        } else {
            self.transactions.insert(key);
        }
    }
}

/// Marks what the log says something of since it was looked through last. Looks back a little further: what is written
/// now may have begun before.
///
/// # Errors
/// The database cannot be reached.
pub async fn mark_dirty(pool: &PgPool) -> Result<(), StoreError> {
    sqlx::query!(
        "with since as (
             select coalesce((select booked_at from reconciliation_mark where name = 'dirty'),
                 now() - interval '1 day') - interval '2 minutes' as at
         ), said as (
             select r.kind, r.value, max(e.at) as at
             from event e join reference r on r.event = e.id
             where e.booked_at >= (select at from since) and e.name not like 'step.%'
                 and r.kind in ('zoho_invoice', 'braintree_transaction', 'braintree_refund')
             group by r.kind, r.value
         ), marked as (
             insert into reconciliation_dirty (kind, key, at, marked_at) select kind, value, at, now() from said
             on conflict (kind, key) do update
                 set at = greatest(reconciliation_dirty.at, excluded.at), marked_at = excluded.marked_at
         )
         insert into reconciliation_mark (name, booked_at) values ('dirty', now())
         on conflict (name) do update set booked_at = excluded.booked_at"
    )
    .execute(pool)
    .await?;
    sqlx::query!("delete from reconciliation_dirty where compared_at >= at and marked_at < now() - interval '2 days'")
        .execute(pool)
        .await?;
    Ok(())
}

/// Lets go of comparisons that went on all day, once they are so old: what they found stands with the findings.
///
/// # Errors
/// The database cannot be reached.
pub async fn forget_continuous(pool: &PgPool, before: DateTime<Utc>) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from reconciliation_run where kind = 'continuous' and state in ('done', 'failed') and changed_at < $1",
        before
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Takes keys of which nothing was said since that instant, the oldest first: each is given out once for what was said, in the
/// transaction of whoever takes them.
///
/// # Errors
/// The database cannot be reached.
pub async fn take_dirty(on: &mut PgConnection, quiet_since: DateTime<Utc>, limit: u16) -> Result<Keys, StoreError> {
    let rows = sqlx::query!(
        "update reconciliation_dirty d set compared_at = d.at
         from (select kind, key from reconciliation_dirty
             where at <= $1 and (compared_at is null or compared_at < at)
             order by at, kind, key limit $2 for update skip locked) taken
         where d.kind = taken.kind and d.key = taken.key
         returning d.kind, d.key",
        quiet_since,
        i64::from(limit)
    );
    let mut keys = Keys::default();
    rows.fetch_all(on).await?.into_iter().for_each(|row| keys.add(&row.kind, row.key));
    Ok(keys)
}

/// What belongs together with these ids, or to that customer: every invoice and transaction that their flows name.
///
/// # Errors
/// The database cannot be reached.
pub async fn belonging(pool: &PgPool, customer: Option<&str>, ids: &[String]) -> Result<Keys, StoreError> {
    let rows = sqlx::query!(
        "with concerned as (
             select shard, saga from reference
                 where value = any($2) and kind in ('zoho_invoice', 'braintree_transaction', 'braintree_refund')
             union select shard, id from saga where customer = $1
         )
         select distinct r.kind, r.value
         from concerned c
         join event e on e.shard = c.shard and e.saga = c.saga
         join reference r on r.event = e.id
         where r.kind in ('zoho_invoice', 'braintree_transaction', 'braintree_refund')",
        customer,
        ids
    );
    let mut keys = Keys::default();
    rows.fetch_all(pool).await?.into_iter().for_each(|row| keys.add(&row.kind, row.value));
    Ok(keys)
}

/// What the ledger holds of these transactions.
///
/// # Errors
/// The database cannot be reached.
pub async fn booked_of(pool: &PgPool, transactions: &[String]) -> Result<Vec<Booked>, StoreError> {
    let rows = sqlx::query_as!(
        BookedRow,
        r#"with concerned as (
               select distinct shard, saga from reference
                   where value = any($1) and kind in ('braintree_transaction', 'braintree_refund')
           )
           select j.transaction_id as "transaction!", l.currency,
               (coalesce(sum(case when j.rule in ('CAPTURE', 'CAPTURE_REVERSED') and l.account = 2100
                   then l.amount_minor * s.sign end), 0))::bigint as "captured!",
               (coalesce(sum(case when l.account = 9190 then l.amount_minor * s.sign end), 0))::bigint as "held!",
               (coalesce(sum(case when j.rule in ('APPLY', 'UNAPPLY') and l.account = 1200
                   then l.amount_minor * s.sign end), 0))::bigint as "applied!",
               (coalesce(sum(case when l.account = 2100 then l.amount_minor * s.sign end), 0))::bigint as "unapplied!",
               (coalesce(sum(case when l.account = 1110 then -l.amount_minor * s.sign end), 0))::bigint as "submitted!",
               min(e.at) as "since!", max(e.at) as "at!", max(j.customer) as customer,
               max(j.subscription) as subscription, max(j.invoice) as invoice
           from concerned c
           join event e on e.shard = c.shard and e.saga = c.saga
           join journal j on j.shard = e.shard and j.event = e.id
           join journal_line l on l.shard = j.shard and l.journal = j.id
           cross join lateral (select case l.side when 'credit' then 1 else -1 end as sign) s
           where j.transaction_id = any($1)
           group by j.transaction_id, l.currency order by j.transaction_id, l.currency"#,
        transactions
    );
    rows.fetch_all(pool).await?.into_iter().map(BookedRow::read).collect()
}

/// What the ledger says of these invoices.
///
/// # Errors
/// The database cannot be reached.
pub async fn owed_of(pool: &PgPool, invoices: &[String]) -> Result<Vec<Owed>, StoreError> {
    let rows = sqlx::query_as!(
        OwedRow,
        r#"with concerned as (
               select distinct shard, saga from reference where value = any($1) and kind = 'zoho_invoice'
           )
           select j.invoice as "invoice!", l.currency,
               (coalesce(sum(case when l.account = 1200
                   and j.rule in ('INVOICE_ISSUED', 'INVOICE_ISSUED_REVERSED', 'INVOICE_VOIDED')
                   then l.amount_minor * s.sign end), 0))::bigint as "total!",
               (coalesce(sum(case when l.account = 1200 then l.amount_minor * s.sign end), 0))::bigint as "balance!",
               (sum(case when l.account = 2200 then -l.amount_minor * s.sign end))::bigint as tax,
               max(e.at) as "at!", max(j.customer) as customer, max(j.subscription) as subscription,
               bool_or(j.rule = 'OPENING_RECEIVABLE') as "opened!",
               bool_or(coalesce(g.status in ('running', 'waiting_vendor', 'resolving', 'unwinding'), false)) as "busy!"
           from concerned c
           join event e on e.shard = c.shard and e.saga = c.saga
           join journal j on j.shard = e.shard and j.event = e.id
           join journal_line l on l.shard = j.shard and l.journal = j.id
           left join saga g on g.shard = e.shard and g.id = e.saga
           cross join lateral (select case l.side when 'debit' then 1 else -1 end as sign) s
           where j.invoice = any($1) and l.account in (1200, 2200)
           group by j.invoice, l.currency order by j.invoice, l.currency"#,
        invoices
    );
    rows.fetch_all(pool).await?.into_iter().map(OwedRow::read).collect()
}

/// Sagas that wait for a person for one of these reasons.
///
/// # Errors
/// The database cannot be reached.
pub async fn asking(pool: &PgPool, reasons: &[&str]) -> Result<Vec<Parked>, StoreError> {
    let reasons: Vec<String> = reasons.iter().map(|&reason| reason.to_owned()).collect();
    let rows = sqlx::query!(
        r#"select s.id, s.kind, s.parked_code as "code!", s.parked_detail, s.parked_since, s.changed_at, s.amount_minor,
               s.currency, s.customer,
               (select max(r.value) from event e join reference r on r.event = e.id
                   where e.shard = s.shard and e.saga = s.id and r.kind = 'zoho_invoice') as invoice,
               (select max(r.value) from event e join reference r on r.event = e.id
                   where e.shard = s.shard and e.saga = s.id and r.kind = 'braintree_transaction') as transaction
           from saga s where s.status = 'needs_person' and s.parked_code = any($1) order by s.id"#,
        &reasons
    );
    let rows = rows.fetch_all(pool).await?.into_iter().map(|row| {
        let amount = row.amount_minor.zip(row.currency.as_deref());
        Ok(Parked {
            saga: row.id.to_string(),
            flow: row.kind,
            code: row.code,
            detail: row.parked_detail.unwrap_or_default(),
            amount: amount.map(|(minor, currency)| money(minor, currency)).transpose()?,
            since: row.parked_since.unwrap_or(row.changed_at),
            about: About {
                customer: row.customer,
                subscription: None,
                invoice: row.invoice,
                transaction: row.transaction,
            },
        })
    });
    rows.collect()
}

/// Payouts that their flow left otherwise than explained.
///
/// # Errors
/// The database cannot be reached.
pub async fn payouts(pool: &PgPool) -> Result<Vec<payouts::Seen>, StoreError> {
    let words: Vec<String> = payouts::words().into_iter().map(str::to_owned).collect();
    let rows = sqlx::query!(
        r#"select s.id, s.title, s.state, s.amount_minor as "amount_minor!", s.currency as "currency!", s.changed_at,
               (coalesce(sum(case when j.rule = 'FEE_UNEXPLAINED' and l.account = 1900 then m.minor end), 0))::bigint
                   as "unexplained!",
               (coalesce(sum(case when j.rule in ('FUNDS_HELD', 'FUNDS_RELEASED') and l.account = 1140 then m.minor
                   when j.rule in ('DISBURSEMENT_RETURNED', 'DISBURSE_REFUND_RETURNED') and l.account = 1120 then m.minor
                   end), 0))::bigint as "kept!"
           from saga s
           left join event e on e.shard = s.shard and e.saga = s.id and e.name in ('ItemsBooked', 'PayoutReckoned')
           left join journal j on j.shard = e.shard and j.event = e.id
           left join journal_line l on l.shard = j.shard and l.journal = j.id and l.currency = s.currency
           left join lateral (select case l.side when 'debit' then l.amount_minor else -l.amount_minor end as minor) m on true
           where s.kind = $1 and s.state = any($2) and s.amount_minor is not null
           group by s.shard, s.id order by s.id"#,
        Disbursement::NAME,
        &words
    );
    let rows = rows.fetch_all(pool).await?.into_iter().map(|row| {
        Ok(payouts::Seen {
            saga: row.id.to_string(),
            title: row.title,
            state: row.state,
            amount: money(row.amount_minor, &row.currency)?,
            unexplained: money(row.unexplained, &row.currency)?,
            kept: money(row.kept, &row.currency)?,
            at: row.changed_at,
        })
    });
    rows.collect()
}

/// Which of these invoices a flow of ours tries to collect, after a failure: with the flow's word for it.
///
/// # Errors
/// The database cannot be reached.
pub async fn dunned(pool: &PgPool, invoices: &[String]) -> Result<BTreeMap<String, String>, StoreError> {
    let rows = sqlx::query!(
        r#"select distinct r.value, s.state from reference r
           join saga s on s.shard = r.shard and s.id = r.saga
           where r.kind = 'zoho_invoice' and r.value = any($1) and s.kind = 'invoice_payment'
               and s.state in ('Dunning', 'NeedsMethod', 'NeedsAuthentication', 'Unpaid')"#,
        invoices
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(|row| (row.value, row.state)).collect())
}

/// Open findings of severity 1, by code.
///
/// # Errors
/// The database cannot be reached.
pub async fn severe(pool: &PgPool) -> Result<Vec<(String, u64)>, StoreError> {
    let rows = sqlx::query!(
        r#"select code, count(*) as "count!" from finding where state = 'open' and severity = 1 group by code order by code"#
    );
    let rows = rows.fetch_all(pool).await?.into_iter();
    Ok(rows.map(|row| (row.code, u64::try_from(row.count).unwrap_or_default())).collect())
}

/// Something must be quiet for so long before it is compared: until then one side may be behind the other.
pub const QUIET: TimeDelta = TimeDelta::minutes(15);
