//! Sums of the sub-ledger by the vendors' own ids: what is compared with the vendors' books.

use super::error::StoreError;
use sqlx::PgPool;
use std::collections::BTreeMap;

/// CAPTURE less CAPTURE_REVERSED by Braintree transaction, in minor units; what nets to nothing is left out.
///
/// # Errors
/// The database cannot be reached.
pub async fn captured_by_transaction(pool: &PgPool) -> Result<BTreeMap<String, i64>, StoreError> {
    by_transaction(pool, &["CAPTURE", "CAPTURE_REVERSED"], 2100).await
}

/// APPLY less UNAPPLY by Braintree transaction, in minor units; what nets to nothing is left out.
///
/// # Errors
/// The database cannot be reached.
pub async fn applied_by_transaction(pool: &PgPool) -> Result<BTreeMap<String, i64>, StoreError> {
    by_transaction(pool, &["APPLY", "UNAPPLY"], 1200).await
}

/// AUTH less AUTH_RELEASED by Braintree transaction, in minor units; what nets to nothing is left out.
///
/// # Errors
/// The database cannot be reached.
pub async fn held_by_transaction(pool: &PgPool) -> Result<BTreeMap<String, i64>, StoreError> {
    by_transaction(pool, &["AUTH", "AUTH_RELEASED"], 9190).await
}

/// Credits less debits of an account in the journals of some rules.
async fn by_transaction(pool: &PgPool, rules: &[&str], account: i32) -> Result<BTreeMap<String, i64>, StoreError> {
    let rules: Vec<String> = rules.iter().map(|rule| (*rule).to_owned()).collect();
    let rows = sqlx::query!(
        r#"select j.transaction_id as "key!",
                  sum(case l.side when 'credit' then l.amount_minor else -l.amount_minor end)::bigint as "sum!"
           from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
           where j.rule = any($1) and l.account = $2 and j.transaction_id is not null
           group by 1 having sum(case l.side when 'credit' then l.amount_minor else -l.amount_minor end) <> 0"#,
        &rules,
        account
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(|row| (row.key, row.sum)).collect())
}

/// What each Zoho invoice owes by our receivables (1200), in minor units; nothing owed is left out.
///
/// # Errors
/// The database cannot be reached.
pub async fn receivable_by_invoice(pool: &PgPool) -> Result<BTreeMap<String, i64>, StoreError> {
    let rows = sqlx::query!(
        r#"select j.invoice as "key!",
                  sum(case l.side when 'debit' then l.amount_minor else -l.amount_minor end)::bigint as "sum!"
           from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
           where l.account = 1200 and j.invoice is not null
           group by 1 having sum(case l.side when 'debit' then l.amount_minor else -l.amount_minor end) <> 0"#
    );
    Ok(rows.fetch_all(pool).await?.into_iter().map(|row| (row.key, row.sum)).collect())
}
