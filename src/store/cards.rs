//! Counts the charges of one card in rolling windows, whatever merchant rule the caps come from. One count at a time per
//! card; an order id is counted once.

use super::error::{StoreError, retrying, storable, unsigned};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::ids::SagaId;
use sqlx::PgPool;

/// At most so many charges within a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap {
    /// Back from now.
    pub window: TimeDelta,
    /// Charges in it.
    pub most: u32,
}

/// One charge to be counted.
#[derive(Debug, Clone, Copy)]
pub struct Charge<'a> {
    /// The card's unique number identifier.
    pub card: &'a str,
    /// Its brand.
    pub brand: &'a str,
    /// The order id of the charge.
    pub order_id: &'a str,
    /// The saga that charges.
    pub saga: SagaId,
}

/// Whether a charge may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// It is counted.
    Reserved,
    /// A window is full until this instant (UTC).
    FullUntil(DateTime<Utc>),
}

/// Counts a charge, unless a window is full. A charge that was given back counts no more; asking for it again counts it
/// anew.
///
/// # Errors
/// The database cannot be reached.
pub async fn count(pool: &PgPool, charge: Charge<'_>, caps: &[Cap], now: DateTime<Utc>) -> Result<Counted, StoreError> {
    let (card, order_id) = (storable(charge.card), storable(charge.order_id));
    retrying(|| async {
        let mut tx = pool.begin().await?;
        sqlx::query!("insert into card (card) values ($1) on conflict (card) do nothing", card)
            .execute(&mut *tx)
            .await?;
        sqlx::query!("select card from card where card = $1 for update", card).fetch_one(&mut *tx).await?;
        let counted = sqlx::query_scalar!(
            r#"select exists (select 1 from card_charge where order_id = $1 and state <> 'given_back') as "counted!""#,
            order_id
        );
        if counted.fetch_one(&mut *tx).await? {
            return Ok(Counted::Reserved);
        }
        let mut until = None;
        for cap in caps {
            // The charge that must leave the window before one more fits: the cap's count back from the newest.
            let newest_to_leave = sqlx::query_scalar!(
                "select at from card_charge where card = $1 and state <> 'given_back' and at > $2
                 order by at desc offset $3 limit 1",
                card,
                now - cap.window,
                i64::from(cap.most) - 1
            );
            if let Some(at) = newest_to_leave.fetch_optional(&mut *tx).await? {
                until = until.max(Some(at + cap.window));
            }
        }
        if let Some(until) = until {
            return Ok(Counted::FullUntil(until));
        }
        sqlx::query!(
            "insert into card_charge (order_id, card, brand, saga, state, at) values ($1, $2, $3, $4, 'reserved', $5)
             on conflict (order_id) do update set state = 'reserved', at = excluded.at, card = excluded.card,
                brand = excluded.brand, saga = excluded.saga",
            order_id,
            card,
            storable(charge.brand),
            charge.saga.0,
            now
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Counted::Reserved)
    })
    .await
}

/// How many charges of a card count since that instant.
///
/// # Errors
/// The database cannot be reached.
pub async fn counted_since(pool: &PgPool, card: &str, since: DateTime<Utc>) -> Result<u64, StoreError> {
    let n = sqlx::query_scalar!(
        r#"select count(*) as "n!" from card_charge where card = $1 and state <> 'given_back' and at > $2"#,
        card,
        since
    );
    unsigned("a count", n.fetch_one(pool).await?)
}
