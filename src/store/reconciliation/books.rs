//! Our side of each leg: sums of the sub-ledger by the vendors' ids, charges in doubt, links. Times are those of the events,
//! not of the database.

use super::rows::{BookedRow, OwedRow};
use crate::store::checks::Check;
use crate::store::error::StoreError;
use crate::store::log::amount;
use chrono::NaiveDate;
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::money::Money;
use sagas::kernel::reconciliation::About;
use sagas::kernel::reconciliation::charges::{Asked, Booked};
use sagas::kernel::reconciliation::receivables::Owed;
use sagas::kernel::reconciliation::subscriptions::Linked;
use serde::Serialize;
use sqlx::PgPool;
use std::collections::BTreeSet;

pub(super) fn money(minor: i64, currency: &str) -> Result<Money, StoreError> {
    let sum = amount(Some(minor), Some(currency))?;
    sum.ok_or_else(|| StoreError::Unreadable("a sum without an amount".to_owned()))
}

/// What the ledger holds of these transactions, of those that something was booked of from that day on, and, where `open`,
/// of those that are not settled or not applied.
///
/// # Errors
/// The database cannot be reached.
pub async fn booked(
    pool: &PgPool,
    ids: &[String],
    since: Option<NaiveDate>,
    open: bool,
) -> Result<Vec<Booked>, StoreError> {
    let rows = sqlx::query_as!(
        BookedRow,
        r#"with wanted as (
               select unnest($1::text[]) as id
               union select k.transaction_id from journal k where k.effective >= $2 and k.transaction_id is not null
               union select o.transaction_id from journal o join journal_line p on p.shard = o.shard and p.journal = o.id
                   where $3 and o.transaction_id is not null and p.account in (1110, 2100)
                   group by o.transaction_id, p.account, p.currency
                   having sum(case p.side when 'debit' then p.amount_minor else -p.amount_minor end) <> 0)
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
           from journal j
           join event e on e.shard = j.shard and e.id = j.event
           join journal_line l on l.shard = j.shard and l.journal = j.id
           cross join lateral (select case l.side when 'credit' then 1 else -1 end as sign) s
           where j.transaction_id in (select id from wanted)
           group by j.transaction_id, l.currency order by j.transaction_id, l.currency"#,
        ids,
        since,
        open
    );
    rows.fetch_all(pool).await?.into_iter().map(BookedRow::read).collect()
}

/// Charges whose outcome is unknown: counted on their card, and looked up now or parked as unknown.
///
/// # Errors
/// The database cannot be reached.
pub async fn asked_in_doubt(pool: &PgPool) -> Result<Vec<Asked>, StoreError> {
    let rows = sqlx::query!(
        r#"select c.order_id, e.amount_minor as "minor!", e.currency as "currency!", e.at, s.customer
           from card_charge c
           join saga s on s.id = c.saga
           join reference r on r.kind = 'order_id' and r.value = c.order_id
           join event e on e.shard = r.shard and e.id = r.event and e.amount_minor is not null
           where c.state = 'reserved' and (s.status = 'resolving' or s.parked_code = 'OUTCOME_UNKNOWN')
           order by c.order_id, e.at"#
    );
    let mut asked: Vec<Asked> = Vec::new();
    for row in rows.fetch_all(pool).await? {
        // The first of its events says when it was asked for.
        if asked.last().is_none_or(|last| last.order_id != row.order_id) {
            let about = About { customer: row.customer, ..About::default() };
            let amount = money(row.minor, &row.currency)?;
            asked.push(Asked { order_id: row.order_id, amount, at: row.at, about });
        }
    }
    Ok(asked)
}

/// What the ledger says of every invoice that owes something, and of these.
///
/// # Errors
/// The database cannot be reached.
pub async fn owed(pool: &PgPool, invoices: &[String]) -> Result<Vec<Owed>, StoreError> {
    let rows = sqlx::query_as!(
        OwedRow,
        r#"select j.invoice as "invoice!", l.currency,
               (coalesce(sum(case when l.account = 1200
                   and j.rule in ('INVOICE_ISSUED', 'INVOICE_ISSUED_REVERSED', 'INVOICE_VOIDED')
                   then l.amount_minor * s.sign end), 0))::bigint as "total!",
               (coalesce(sum(case when l.account = 1200 then l.amount_minor * s.sign end), 0))::bigint as "balance!",
               (sum(case when l.account = 2200 then -l.amount_minor * s.sign end))::bigint as tax,
               max(e.at) as "at!", max(j.customer) as customer, max(j.subscription) as subscription,
               bool_or(coalesce(g.status in ('running', 'waiting_vendor', 'resolving', 'unwinding'), false)) as "busy!",
               bool_or(j.rule = 'OPENING_RECEIVABLE') as "opened!"
           from journal j
           join event e on e.shard = j.shard and e.id = j.event
           join journal_line l on l.shard = j.shard and l.journal = j.id
           left join saga g on g.shard = e.shard and g.id = e.saga
           cross join lateral (select case l.side when 'debit' then 1 else -1 end as sign) s
           where j.invoice is not null and l.account in (1200, 2200)
           group by j.invoice, l.currency
           having j.invoice = any($1) or sum(case when l.account = 1200 then l.amount_minor * s.sign end) <> 0
           order by j.invoice, l.currency"#,
        invoices
    );
    rows.fetch_all(pool).await?.into_iter().map(OwedRow::read).collect()
}

/// Every subscription that is linked, with who collects it.
///
/// # Errors
/// The database cannot be reached, or holds an owner that this release does not know.
pub async fn linked(pool: &PgPool) -> Result<Vec<Linked>, StoreError> {
    let rows = sqlx::query!(
        r#"select l.ours, l.theirs, o.owner as "owner?" from link l
           left join collection_owner o on o.subscription = l.ours
           where l.kind = 'zoho_subscription' order by l.theirs"#
    );
    let rows = rows.fetch_all(pool).await?.into_iter().map(|row| {
        let owner = row.owner.as_deref().map(owner).transpose()?;
        Ok(Linked { subscription: row.ours, zoho: row.theirs, owner })
    });
    rows.collect()
}

fn owner(word: &str) -> Result<CollectionOwner, StoreError> {
    match word {
        "orchestrator" => Ok(CollectionOwner::Orchestrator),
        "braintree_recurring" => Ok(CollectionOwner::BraintreeRecurring),
        "zoho_native" => Ok(CollectionOwner::ZohoNative),
        other => Err(StoreError::Unreadable(format!("collection owner `{other}`"))),
    }
}

/// Braintree's own recurring billing collects for some subscription.
///
/// # Errors
/// The database cannot be reached.
pub async fn is_recurring_elsewhere(pool: &PgPool) -> Result<bool, StoreError> {
    let any = sqlx::query_scalar!(
        r#"select exists (select 1 from collection_owner where owner = 'braintree_recurring') as "any!""#
    );
    Ok(any.fetch_one(pool).await?)
}

/// Which of these vendor ids stand somewhere in our log.
///
/// # Errors
/// The database cannot be reached.
pub async fn known_ids(pool: &PgPool, ids: &[String]) -> Result<BTreeSet<String>, StoreError> {
    let known = sqlx::query_scalar!("select distinct value from reference where value = any($1)", ids);
    Ok(known.fetch_all(pool).await?.into_iter().collect())
}

/// Subject and sentence of each fault.
pub type Faults = Vec<(String, String)>;

/// What the daily verification of the books found; none: it has not run for longer than it may.
///
/// # Errors
/// The database cannot be reached.
pub async fn unverified_since(pool: &PgPool) -> Result<Option<Faults>, StoreError> {
    let ran = sqlx::query_scalar!(
        r#"select exists (select 1 from standing_check where name = $1 and ran_at > now() - interval '26 hours') as "ran!""#,
        Check::Invariants.as_str()
    );
    if !ran.fetch_one(pool).await? {
        return Ok(None);
    }
    let faults = sqlx::query!(
        "select subject, detail from standing_fault where name = $1 order by subject limit 100",
        Check::Invariants.as_str()
    );
    Ok(Some(faults.fetch_all(pool).await?.into_iter().map(|row| (row.subject, row.detail)).collect()))
}

/// An account in a window: what it held, what came and went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountMoves {
    /// Account number.
    pub account: i32,
    /// ISO 4217.
    pub currency: String,
    /// Debits less credits before the window, in minor units.
    pub opening: i64,
    /// Debits within.
    pub debits: i64,
    /// Credits within.
    pub credits: i64,
    /// Debits less credits at its end.
    pub closing: i64,
}

/// The clearing accounts from that day to that one (books zone, both included).
///
/// # Errors
/// The database cannot be reached.
pub async fn account_moves(pool: &PgPool, from: NaiveDate, to: NaiveDate) -> Result<Vec<AccountMoves>, StoreError> {
    let rows = sqlx::query_as!(
        AccountMoves,
        r#"select l.account, l.currency,
               (coalesce(sum(case when j.effective < $1 then l.amount_minor * s.sign end), 0))::bigint as "opening!",
               (coalesce(sum(case when j.effective >= $1 and l.side = 'debit' then l.amount_minor end), 0))::bigint as "debits!",
               (coalesce(sum(case when j.effective >= $1 and l.side = 'credit' then l.amount_minor end), 0))::bigint as "credits!",
               (coalesce(sum(l.amount_minor * s.sign), 0))::bigint as "closing!"
           from journal j
           join journal_line l on l.shard = j.shard and l.journal = j.id
           cross join lateral (select case l.side when 'debit' then 1 else -1 end as sign) s
           where j.effective <= $2
               and l.account in (1110, 1120, 1130, 1140, 1150, 1020, 1200, 1900, 2100, 2110, 2120)
           group by l.account, l.currency order by l.account, l.currency"#,
        from,
        to
    );
    Ok(rows.fetch_all(pool).await?)
}
