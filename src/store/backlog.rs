//! What is left to do now, and whether anybody does it.

use super::error::{StoreError, unsigned};
use super::items::{Item, ItemState, item_state};
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// Work that could be done at this moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries that no router has looked at.
    pub deliveries: u64,
    /// Items that are to be applied.
    pub items: u64,
    /// Sagas whose time has come.
    pub sagas: u64,
}

impl Backlog {
    /// Nothing is left to do now.
    pub const fn is_empty(&self) -> bool {
        self.deliveries == 0 && self.items == 0 && self.sagas == 0
    }
}

/// What is left to do at that instant (UTC).
///
/// # Errors
/// The database cannot be reached.
pub async fn backlog(pool: &PgPool, now: DateTime<Utc>) -> Result<Backlog, StoreError> {
    let row = sqlx::query!(
        r#"select (select count(*) from inbox where state = 'received') as "deliveries!",
                  (select count(*) from item where state = 'ready') as "items!",
                  (select count(*) from saga where due_at <= $1) as "sagas!""#,
        now
    )
    .fetch_one(pool)
    .await?;
    Ok(Backlog {
        deliveries: unsigned("a count", row.deliveries)?,
        items: unsigned("a count", row.items)?,
        sagas: unsigned("a count", row.sagas)?,
    })
}

/// Shards without a live owner, and all.
///
/// # Errors
/// The database cannot be reached.
pub async fn unowned_shards(pool: &PgPool) -> Result<(u64, u64), StoreError> {
    let row = sqlx::query!(
        r#"select count(*) filter (where n.id is null) as "unowned!", count(*) as "all!"
           from shard s left join node n on n.id = s.node and n.lease_until > now()"#
    )
    .fetch_one(pool)
    .await?;
    Ok((unsigned("a count", row.unowned)?, unsigned("a count", row.all)?))
}

/// The item once its saga has looked at it, or as it is when the patience ends.
///
/// # Errors
/// The database cannot be reached, or there is no such item.
pub async fn await_item(pool: &PgPool, id: Uuid, patience: Duration) -> Result<Item, StoreError> {
    let deadline = tokio::time::Instant::now() + patience;
    let mut pause = Duration::from_millis(10);
    loop {
        let item = item_state(pool, id).await?;
        let item = item.ok_or_else(|| StoreError::Unreadable(format!("there is no item {id}")))?;
        let open = matches!(item.state, ItemState::Ready | ItemState::Waiting);
        if !open || tokio::time::Instant::now() >= deadline {
            return Ok(item);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}
