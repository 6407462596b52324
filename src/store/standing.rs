//! What a saga holds in our own tables: what must be known before a person gives it up.

use super::claims;
use super::error::StoreError;
use super::log::amount;
use sagas::kernel::effect::{Claim, ClaimKind};
use sagas::kernel::ids::SagaId;
use sagas::kernel::verb::{OpenMoney, Standing};
use sqlx::PgPool;

/// Every kind of claim.
const KINDS: [ClaimKind; 7] = [
    ClaimKind::AttioTrigger,
    ClaimKind::AccountPlanFamily,
    ClaimKind::ZohoCustomer,
    ClaimKind::ZohoSubscription,
    ClaimKind::ZohoInvoice,
    ClaimKind::BraintreeTransaction,
    ClaimKind::Practice,
];

/// The saga's claims, and what its transactions left on 1130 (held for disputes), 2100 (captured, applied to nothing) and
/// 9100 (open holds), whichever saga posted against them since.
///
/// # Errors
/// The database cannot be reached, or holds what cannot be read.
pub async fn of(pool: &PgPool, shard: u16, saga: SagaId) -> Result<Standing, StoreError> {
    let rows = sqlx::query!("select kind, key from claim where saga = $1 order by kind, key", saga.0).fetch_all(pool);
    let claims = rows.await?.into_iter().map(|row| {
        let kind = KINDS.into_iter().find(|kind| claims::word(*kind) == row.kind);
        let kind = kind.ok_or_else(|| StoreError::Unreadable(format!("claim kind `{}`", row.kind)))?;
        Ok(Claim { kind, key: row.key })
    });
    let sums = sqlx::query!(
        r#"select l.account, j.transaction_id as "transaction", l.currency,
               abs(sum(case l.side when 'credit' then l.amount_minor else -l.amount_minor end))::bigint as "minor!"
           from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
           where l.account in (1130, 2100, 9100) and j.transaction_id in (
               select t.transaction_id from event e join journal t on t.event = e.id
               where e.shard = $2 and e.saga = $1)
           group by 1, 2, 3 having sum(case l.side when 'credit' then l.amount_minor else -l.amount_minor end) <> 0
           order by 1, 2"#,
        saga.0,
        i32::from(shard)
    );
    let open_money = sums.fetch_all(pool).await?.into_iter().map(|row| {
        let sum = amount(Some(row.minor), Some(&row.currency))?;
        let amount = sum.ok_or_else(|| StoreError::Unreadable("a sum without an amount".to_owned()))?;
        Ok(OpenMoney {
            account: super::error::unsigned("an account", row.account)?,
            transaction: row.transaction,
            amount,
        })
    });
    Ok(Standing {
        claims: claims.collect::<Result<_, StoreError>>()?,
        open_money: open_money.collect::<Result<_, StoreError>>()?,
    })
}
