//! Claims: one saga at most holds a (kind, key). Reserved before the append that relies on it, confirmed by that append,
//! released by another. Taken in the one order of kinds, so that no two sagas wait for each other.

use super::error::{StoreError, retrying, storable};
use chrono::{DateTime, Utc};
use sagas::kernel::effect::{Claim, ClaimKind};
use sagas::kernel::ids::SagaId;
use sqlx::{PgConnection, PgPool};

/// What came of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// All are held by the saga that asked.
    Held,
    /// Nothing was reserved: others hold these.
    Taken(Vec<(Claim, SagaId)>),
}

/// A kind's word in the table.
pub const fn word(kind: ClaimKind) -> &'static str {
    match kind {
        ClaimKind::AttioTrigger => "attio_trigger",
        ClaimKind::AccountPlanFamily => "account_plan_family",
        ClaimKind::ZohoCustomer => "zoho_customer",
        ClaimKind::ZohoSubscription => "zoho_subscription",
        ClaimKind::ZohoInvoice => "zoho_invoice",
        ClaimKind::BraintreeTransaction => "braintree_transaction",
        ClaimKind::Practice => "practice",
    }
}

/// Kinds and keys as columns, in the order of taking.
fn columns(claims: &[Claim]) -> (Vec<Claim>, Vec<String>, Vec<String>) {
    let mut sorted: Vec<Claim> =
        claims.iter().map(|claim| Claim { kind: claim.kind, key: storable(&claim.key) }).collect();
    sorted.sort();
    sorted.dedup();
    let kinds = sorted.iter().map(|claim| word(claim.kind).to_owned()).collect();
    let keys = sorted.iter().map(|claim| claim.key.clone()).collect();
    (sorted, kinds, keys)
}

/// Reserves all claims for the saga, or none. `step` is the step that asks: a reservation whose saga no longer has it
/// open, and has not confirmed it, is an orphan. Asking again changes nothing.
///
/// # Errors
/// The database cannot be reached.
pub async fn reserve(pool: &PgPool, saga: SagaId, step: &str, claims: &[Claim]) -> Result<Reserved, StoreError> {
    reserve_unfenced(pool, saga, step, claims, &[]).await
}

/// Reserves all claims for the saga, or none, where no other saga holds one of the fences. The fences are taken with the
/// claims and let go in the same transaction: who sets a fence at that moment waits for its end, and sees the claims.
///
/// # Errors
/// The database cannot be reached.
pub async fn reserve_unfenced(
    pool: &PgPool,
    saga: SagaId,
    step: &str,
    claims: &[Claim],
    fences: &[Claim],
) -> Result<Reserved, StoreError> {
    let (sorted, kinds, keys) = columns(&[claims, fences].concat());
    let (_, passed_kinds, passed_keys) = columns(fences);
    retrying(|| async {
        let mut tx = pool.begin().await?;
        sqlx::query!(
            "insert into claim (kind, key, saga, step, state, reserved_at)
             select w.kind, w.key, $3, $4, 'reserved', now()
             from unnest($1::text[], $2::text[]) with ordinality as w(kind, key, place) order by w.place
             on conflict (kind, key) do nothing",
            &kinds,
            &keys,
            saga.0,
            step
        )
        .execute(&mut *tx)
        .await?;
        let held = sqlx::query!(
            "select c.kind, c.key, c.saga from claim c
             join unnest($1::text[], $2::text[]) as w(kind, key) on c.kind = w.kind and c.key = w.key
             where c.saga <> $3",
            &kinds,
            &keys,
            saga.0
        )
        .fetch_all(&mut *tx)
        .await?;
        let taken: Vec<(Claim, SagaId)> = sorted
            .iter()
            .filter_map(|claim| {
                let other = held.iter().find(|row| row.kind == word(claim.kind) && row.key == claim.key)?;
                Some((claim.clone(), SagaId(other.saga)))
            })
            .collect();
        if taken.is_empty() {
            if !fences.is_empty() {
                sqlx::query!(
                    "delete from claim c using unnest($1::text[], $2::text[]) as w(kind, key)
                     where c.kind = w.kind and c.key = w.key and c.saga = $3 and c.state = 'reserved'",
                    &passed_kinds,
                    &passed_keys,
                    saga.0
                )
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await?;
            Ok(Reserved::Held)
        } else {
            tx.rollback().await?;
            Ok(Reserved::Taken(taken))
        }
    })
    .await
}

/// Makes reservations of the saga last until they are released. Says which of them it does not hold.
///
/// # Errors
/// The database cannot be reached.
pub async fn confirm(pool: &PgPool, saga: SagaId, claims: &[Claim]) -> Result<Vec<Claim>, StoreError> {
    let (sorted, kinds, keys) = columns(claims);
    let held = sqlx::query!(
        "update claim c set state = 'confirmed' from unnest($1::text[], $2::text[]) as w(kind, key)
         where c.kind = w.kind and c.key = w.key and c.saga = $3 returning c.kind, c.key",
        &kinds,
        &keys,
        saga.0
    )
    .fetch_all(pool)
    .await?;
    let lacks = |claim: &Claim| !held.iter().any(|row| row.kind == word(claim.kind) && row.key == claim.key);
    Ok(sorted.into_iter().filter(lacks).collect())
}

/// Claims of one saga are another's from now on; what the first does not hold is left alone.
pub(super) async fn hand_over(
    tx: &mut PgConnection,
    from: SagaId,
    to: SagaId,
    claims: &[Claim],
) -> Result<(), StoreError> {
    let (_, kinds, keys) = columns(claims);
    sqlx::query!(
        "update claim c set saga = $4 from unnest($1::text[], $2::text[]) as w(kind, key)
         where c.kind = w.kind and c.key = w.key and c.saga = $3",
        &kinds,
        &keys,
        from.0,
        to.0
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Who holds a claim.
///
/// # Errors
/// The database cannot be reached.
pub async fn holder(pool: &PgPool, claim: &Claim) -> Result<Option<SagaId>, StoreError> {
    let saga = sqlx::query_scalar!(
        "select saga from claim where kind = $1 and key = $2",
        word(claim.kind),
        storable(&claim.key)
    );
    Ok(saga.fetch_optional(pool).await?.map(SagaId))
}

/// Lets go of reservations older than the limit whose saga does not have the step open that reserved them; says how
/// many. Confirmed claims are never swept.
///
/// # Errors
/// The database cannot be reached.
pub async fn sweep(pool: &PgPool, reserved_before: DateTime<Utc>) -> Result<u64, StoreError> {
    let swept = sqlx::query!(
        "delete from claim c where c.state = 'reserved' and c.reserved_at < $1
         and not exists (select 1 from saga s where s.id = c.saga and s.step = c.step)",
        reserved_before
    )
    .execute(pool)
    .await?;
    Ok(swept.rows_affected())
}
