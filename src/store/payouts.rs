//! What our ledger says of transactions that were paid out, and which merchant accounts are told of their payouts. Decides nothing.

use super::error::StoreError;
use iso_currency::Currency;
use sagas::disbursement::ANNOUNCED;
use sagas::kernel::books::{PAID_OUT, REFUNDING, SETTLING};
use sagas::kernel::payout::Position;
use sagas::kernel::posting::Rule;
use sqlx::PgPool;

fn words(rules: &[Rule]) -> Vec<String> {
    rules.iter().map(|rule| rule.as_str().to_owned()).collect()
}

/// Where the money of these transactions stands, in that currency; those alone of which the ledger or a flow knows.
///
/// # Errors
/// The database cannot be reached.
pub async fn positions(
    pool: &PgPool,
    transactions: &[String],
    currency: Currency,
) -> Result<Vec<Position>, StoreError> {
    let rows = sqlx::query!(
        r#"select t.id as "transaction!", bool_or(j.id is not null) as "is_booked!",
               exists (select 1 from reference r where r.value = t.id
                   and r.kind in ('braintree_transaction', 'braintree_refund')) as "is_known!",
               (coalesce(sum(case when l.account = 1120 and (j.rule = any($3) or j.rule = any($5))
                   then s.minor end), 0))::bigint as "settled!",
               (coalesce(sum(case when l.account = 1120 and j.rule = any($4) then -s.minor end), 0))::bigint as "refunds!",
               (coalesce(sum(case when l.account = 1140 and j.rule = any($5) then s.minor end), 0))::bigint as "held!",
               (coalesce(sum(case when l.account = 1020 and j.rule = any($5) then s.minor end), 0))::bigint as "in_transit!",
               max(j.customer) as customer, max(j.subscription) as subscription, max(j.invoice) as invoice
           from unnest($1::text[]) as t(id)
           left join journal j on j.transaction_id = t.id
           left join journal_line l on l.shard = j.shard and l.journal = j.id and l.currency = $2
           left join lateral (select case l.side when 'debit' then l.amount_minor else -l.amount_minor end as minor) s on true
           group by t.id order by t.id"#,
        transactions,
        currency.code(),
        &words(&SETTLING),
        &words(&REFUNDING),
        &words(&PAID_OUT)
    );
    let known = rows.fetch_all(pool).await?.into_iter().filter(|row| row.is_known || row.is_booked);
    let positions = known.map(|row| Position {
        transaction: row.transaction,
        is_known: row.is_known,
        settled: row.settled,
        refunds: row.refunds,
        held: row.held,
        in_transit: row.in_transit,
        customer: row.customer,
        subscription: row.subscription,
        invoice: row.invoice,
    });
    Ok(positions.collect())
}

/// The gateway has told of a payout of this merchant account before.
///
/// # Errors
/// The database cannot be reached.
pub async fn is_announced(pool: &PgPool, account: &str) -> Result<bool, StoreError> {
    let told = sqlx::query_scalar!(
        r#"select exists (select 1 from reference where value = $1 and kind = $2) as "told!""#,
        account,
        ANNOUNCED
    );
    Ok(told.fetch_one(pool).await?)
}
