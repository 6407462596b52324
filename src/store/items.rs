//! Items: one thing for one saga, from a delivery or from outside. Marked applied or refused in the saga's own append.
//! An item that has no target yet waits on a key; whoever creates the link with that key releases it.

use super::error::{StoreError, retrying, storable, unsigned};
use super::inbox::OfferError;
use super::secrets::Sealed;
use chrono::{DateTime, Utc};
use sagas::kernel::effect::Claim;
use sagas::kernel::ids::SagaId;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// An item to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewItem {
    /// The saga that it is for.
    pub saga: SagaId,
    /// That saga's flow; it starts with this item where there is none yet.
    pub saga_kind: String,
    /// `zoho.invoice_created`, `operator.resume` …
    pub kind: String,
    /// Who: `zoho`, `token:ada` …
    pub principal: String,
    /// The command, as JSON text. No personal data: it goes into the saga's decisions.
    pub body: String,
    /// The link that it waits for: [`super::links::LinkKind::key`].
    pub waiting_key: Option<String>,
    /// The same key twice is the same item.
    pub idempotency_key: Option<String>,
}

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// To be applied.
    Ready,
    /// Waits for its link.
    Waiting,
    /// Applied by its saga.
    Applied,
    /// Looked at by its saga and refused.
    Refused,
    /// Found no target in time, or cannot be read.
    Dead,
}

impl ItemState {
    /// The word in the table and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Dead => "dead",
        }
    }

    fn parse(word: &str) -> Result<Self, StoreError> {
        [Self::Ready, Self::Waiting, Self::Applied, Self::Refused, Self::Dead]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| StoreError::Unreadable(format!("item state `{word}`")))
    }
}

/// An item as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Id.
    pub id: Uuid,
    /// The saga's shard.
    pub shard: u16,
    /// The saga that it is for.
    pub saga: SagaId,
    /// That saga's flow.
    pub saga_kind: String,
    /// The delivery that brought it.
    pub delivery: Option<Uuid>,
    /// What kind of thing.
    pub kind: String,
    /// Who.
    pub principal: String,
    /// The command, as JSON text.
    pub body: String,
    /// Where it stands.
    pub state: ItemState,
    /// Why it was refused or buried.
    pub reason: Option<String>,
    /// When it was written, by the database's clock (UTC).
    pub created_at: DateTime<Utc>,
}

struct ItemRow {
    id: Uuid,
    shard: i32,
    saga: Uuid,
    saga_kind: String,
    delivery: Option<Uuid>,
    kind: String,
    principal: String,
    body: String,
    state: String,
    reason: Option<String>,
    created_at: DateTime<Utc>,
}

impl TryFrom<ItemRow> for Item {
    type Error = StoreError;

    fn try_from(row: ItemRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            shard: unsigned("a shard", row.shard)?,
            saga: SagaId(row.saga),
            saga_kind: row.saga_kind,
            delivery: row.delivery,
            kind: row.kind,
            principal: row.principal,
            body: row.body,
            state: ItemState::parse(&row.state)?,
            reason: row.reason,
            created_at: row.created_at,
        })
    }
}

/// Writes an item; `None` where its idempotency key is taken.
pub(super) async fn insert(
    tx: &mut PgConnection,
    shards: u16,
    delivery: Option<Uuid>,
    item: &NewItem,
) -> Result<Option<Uuid>, StoreError> {
    let id = Uuid::now_v7();
    // Its link may exist by now: then it need not wait.
    let written = sqlx::query!(
        "insert into item (id, shard, saga, saga_kind, delivery, kind, principal, body, waiting_key, state,
            idempotency_key, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9,
            case when $9::text is null or exists (select 1 from link where kind || ':' || theirs = $9)
                then 'ready' else 'waiting' end,
            $10, now())
         on conflict (idempotency_key) do nothing",
        id,
        i32::from(item.saga.shard(shards)),
        item.saga.0,
        storable(&item.saga_kind),
        delivery,
        storable(&item.kind),
        storable(&item.principal),
        storable(&item.body),
        item.waiting_key.as_deref().map(storable),
        item.idempotency_key.as_deref().map(storable)
    )
    .execute(tx)
    .await?
    .rows_affected();
    Ok((written == 1).then_some(id))
}

/// Takes a command from outside, with the sealed inputs that it brings; durable when it returns. The same idempotency
/// key gives the same item, and its inputs are kept once.
///
/// # Errors
/// The key was used for something else, or the database cannot be reached.
pub async fn offer_item(pool: &PgPool, shards: u16, item: &NewItem, inputs: &[Sealed]) -> Result<Uuid, OfferError> {
    retrying(|| async {
        let mut tx = pool.begin().await?;
        if let Some(id) = insert(&mut tx, shards, None, item).await? {
            for input in inputs {
                input.insert(&mut tx).await?;
            }
            tx.commit().await?;
            return Ok(id);
        }
        let key = item.idempotency_key.as_deref().map(storable);
        let before = sqlx::query!("select id, saga, kind, body from item where idempotency_key = $1", key)
            .fetch_one(&mut *tx)
            .await?;
        // The body may name a sealed input, whose id is new in each try: only what it is for is compared.
        if before.saga == item.saga.0 && before.kind == item.kind { Ok(before.id) } else { Err(OfferError::KeyReused) }
    })
    .await
}

/// Takes a message of one saga to another and hands claims of the sender over to it: both or neither. The same key is the
/// same message; false: it was taken before.
///
/// # Errors
/// The database cannot be reached.
pub async fn hand_over(
    pool: &PgPool,
    shards: u16,
    item: &NewItem,
    from: SagaId,
    claims: &[Claim],
) -> Result<bool, StoreError> {
    retrying(|| async {
        let mut tx = pool.begin().await?;
        let told = insert(&mut tx, shards, None, item).await?.is_some();
        super::claims::hand_over(&mut tx, from, item.saga, claims).await?;
        tx.commit().await?;
        Ok(told)
    })
    .await
}

/// Items that are to be applied in these shards, oldest first, but for those in `except` (under way already).
///
/// # Errors
/// The database cannot be reached.
pub async fn items_ready(pool: &PgPool, shards: &[u16], except: &[Uuid], limit: u16) -> Result<Vec<Item>, StoreError> {
    let shards: Vec<i32> = shards.iter().copied().map(i32::from).collect();
    let rows = sqlx::query_as!(
        ItemRow,
        "select id, shard, saga, saga_kind, delivery, kind, principal, body, state, reason, created_at from item
         where shard = any($1) and state = 'ready' and not id = any($2) order by created_at, id limit $3",
        &shards,
        except,
        i64::from(limit)
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Item::try_from).collect()
}

/// One item.
///
/// # Errors
/// The database cannot be reached.
pub async fn item_state(pool: &PgPool, id: Uuid) -> Result<Option<Item>, StoreError> {
    let row = sqlx::query_as!(
        ItemRow,
        "select id, shard, saga, saga_kind, delivery, kind, principal, body, state, reason, created_at from item
         where id = $1",
        id
    );
    row.fetch_optional(pool).await?.map(Item::try_from).transpose()
}

/// The item that was taken under a key.
///
/// # Errors
/// The database cannot be reached.
pub async fn item_of_key(pool: &PgPool, key: &str) -> Result<Option<Item>, StoreError> {
    let row = sqlx::query_as!(
        ItemRow,
        "select id, shard, saga, saga_kind, delivery, kind, principal, body, state, reason, created_at from item
         where idempotency_key = $1",
        storable(key)
    );
    row.fetch_optional(pool).await?.map(Item::try_from).transpose()
}

/// Items of a saga, oldest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn items_of(pool: &PgPool, saga: SagaId) -> Result<Vec<Item>, StoreError> {
    let rows = sqlx::query_as!(
        ItemRow,
        "select id, shard, saga, saga_kind, delivery, kind, principal, body, state, reason, created_at from item
         where saga = $1 order by created_at, id",
        saga.0
    );
    rows.fetch_all(pool).await?.into_iter().map(Item::try_from).collect()
}

/// Gives up an open item that cannot be applied. False: it is not open.
///
/// # Errors
/// The database cannot be reached.
pub async fn bury(pool: &PgPool, id: Uuid, reason: &str) -> Result<bool, StoreError> {
    let buried = sqlx::query!(
        "update item set state = 'dead', reason = $2 where id = $1 and state in ('ready', 'waiting')",
        id,
        storable(reason)
    );
    Ok(buried.execute(pool).await?.rows_affected() == 1)
}

/// Makes a dead item ready again, by a person's decision. False: it is not dead.
///
/// # Errors
/// The database cannot be reached.
pub async fn revive(pool: &PgPool, id: Uuid) -> Result<bool, StoreError> {
    let revived = sqlx::query!(
        "update item set state = 'ready', waiting_key = null, reason = null where id = $1 and state = 'dead'",
        id
    );
    Ok(revived.execute(pool).await?.rows_affected() == 1)
}

/// What a sweep over waiting items did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Made ready, because their link exists.
    pub released: u64,
    /// Given up, because they waited too long.
    pub dead: u64,
}

/// Releases items whose link exists by now (link and item were written at the same moment), and gives up those that
/// wait since before the instant given.
///
/// # Errors
/// The database cannot be reached.
pub async fn sweep_waiting(pool: &PgPool, waiting_since_before: DateTime<Utc>) -> Result<Swept, StoreError> {
    let released = sqlx::query!(
        "update item set state = 'ready' where state = 'waiting'
         and exists (select 1 from link where kind || ':' || theirs = waiting_key)"
    );
    let released = released.execute(pool).await?.rows_affected();
    let dead = sqlx::query!(
        "update item set state = 'dead', reason = 'nothing was linked to ' || waiting_key || ' in time'
         where state = 'waiting' and created_at < $1",
        waiting_since_before
    );
    Ok(Swept { released, dead: dead.execute(pool).await?.rows_affected() })
}
