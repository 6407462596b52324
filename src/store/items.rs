//! Items: one thing for one saga, from a delivery or from outside. Marked applied or refused in the saga's own append.
//! An item that has no target yet waits on a key; whoever creates the link with that key releases it.

use super::error::{StoreError, retrying, storable, unsigned};
use super::inbox::OfferError;
use super::secrets::Sealed;
use super::together::Batch;
use crate::trace;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sagas::kernel::effect::{Claim, Message};
use sagas::kernel::ids::SagaId;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use std::collections::HashSet;
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

impl NewItem {
    /// What a saga tells another.
    pub fn told(from: SagaId, message: &Message) -> Self {
        Self {
            saga: message.to,
            saga_kind: message.flow.clone(),
            kind: message.kind.clone(),
            principal: format!("saga:{from}"),
            // As whoever applies items reads a command of a flow's own.
            body: json!({ "to": "saga", "command": message.command }).to_string(),
            waiting_key: None,
            idempotency_key: Some(message.key.clone()),
        }
    }

    /// It is written: its saga's trace shows it from now on.
    pub(super) fn arrived(&self) {
        trace::arrived(self.saga, &self.saga_kind, &self.kind);
    }
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

/// An item that is to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The item.
    pub item: Item,
    /// Its saga had no history yet when it was read.
    pub first: bool,
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

/// Writes items; none of those whose idempotency key is taken.
pub(super) async fn insert(
    tx: &mut PgConnection,
    shards: u16,
    delivery: Option<Uuid>,
    items: &[NewItem],
) -> Result<Vec<Option<Uuid>>, StoreError> {
    let ids: Vec<Uuid> = items.iter().map(|_| Uuid::now_v7()).collect();
    let texts = |text: fn(&NewItem) -> &str| items.iter().map(|item| storable(text(item))).collect::<Vec<_>>();
    let maybe = |text: fn(&NewItem) -> Option<&str>| {
        items.iter().map(|item| text(item).map(storable)).collect::<Vec<Option<String>>>()
    };
    let shards: Vec<i32> = items.iter().map(|item| i32::from(item.saga.shard(shards))).collect();
    let sagas: Vec<Uuid> = items.iter().map(|item| item.saga.0).collect();
    // A link may exist by now: then its item need not wait. A kind of links has no colon in it.
    let written = sqlx::query_scalar!(
        "insert into item (id, shard, saga, saga_kind, delivery, kind, principal, body, waiting_key, state,
            idempotency_key, created_at)
         select id, shard, saga, saga_kind, $4, kind, principal, body, waiting_key,
            case when waiting_key is null or exists (select 1 from link l
                where l.kind = split_part(waiting_key, ':', 1)
                    and l.theirs = substr(waiting_key, strpos(waiting_key, ':') + 1))
                then 'ready' else 'waiting' end,
            idempotency_key, now()
         from unnest($1::uuid[], $2::integer[], $3::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
            $10::text[]) as i(id, shard, saga, saga_kind, kind, principal, body, waiting_key, idempotency_key)
         order by idempotency_key, id
         on conflict (idempotency_key) do nothing returning id",
        &ids,
        &shards,
        &sagas,
        delivery,
        &texts(|item| &item.saga_kind),
        &texts(|item| &item.kind),
        &texts(|item| &item.principal),
        &texts(|item| &item.body),
        &maybe(|item| item.waiting_key.as_deref()) as &[Option<String>],
        &maybe(|item| item.idempotency_key.as_deref()) as &[Option<String>]
    );
    let written: HashSet<Uuid> = written.fetch_all(tx).await?.into_iter().collect();
    Ok(ids.into_iter().map(|id| written.contains(&id).then_some(id)).collect())
}

/// Commands from outside that are taken together; none of those whose idempotency key is taken.
#[derive(Debug)]
pub(super) struct Offers {
    pub(super) shards: u16,
}

#[async_trait]
impl Batch for Offers {
    type New = NewItem;
    type Written = Option<Uuid>;

    fn bytes(new: &NewItem) -> usize {
        new.body.len()
    }

    async fn write(&self, pool: &PgPool, new: &[NewItem]) -> Result<Vec<Option<Uuid>>, StoreError> {
        insert(&mut *pool.acquire().await?, self.shards, None, new).await
    }
}

/// Takes a command from outside, with the sealed inputs that it brings; durable when it returns. The same idempotency
/// key gives the same item, and its inputs are kept once.
///
/// # Errors
/// The key was used for something else, or the database cannot be reached.
pub async fn offer_item(pool: &PgPool, shards: u16, item: &NewItem, inputs: &[Sealed]) -> Result<Uuid, OfferError> {
    retrying(|| async {
        let mut tx = pool.begin().await?;
        if let Some(id) = insert_one(&mut tx, shards, item).await? {
            for input in inputs {
                input.insert(&mut tx).await?;
            }
            tx.commit().await?;
            item.arrived();
            return Ok(id);
        }
        tx.rollback().await?;
        taken_before(pool, item).await
    })
    .await
}

/// Writes one; `None` where its idempotency key is taken.
pub(super) async fn insert_one(tx: &mut PgConnection, shards: u16, item: &NewItem) -> Result<Option<Uuid>, StoreError> {
    Ok(insert(tx, shards, None, std::slice::from_ref(item)).await?.pop().flatten())
}

/// The item that has the key of this one.
///
/// # Errors
/// The key was used for something else, or the database cannot be reached.
pub(super) async fn taken_before(pool: &PgPool, item: &NewItem) -> Result<Uuid, OfferError> {
    let key = item.idempotency_key.as_deref().map(storable);
    let before =
        sqlx::query!("select id, saga, kind, body from item where idempotency_key = $1", key).fetch_one(pool).await?;
    // The body may name a sealed input, whose id is new in each try: only what it is for is compared.
    if before.saga == item.saga.0 && before.kind == item.kind { Ok(before.id) } else { Err(OfferError::KeyReused) }
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
        let told = insert_one(&mut tx, shards, item).await?.is_some();
        super::claims::hand_over(&mut tx, from, item.saga, claims).await?;
        tx.commit().await?;
        if told {
            item.arrived();
        }
        Ok(told)
    })
    .await
}

/// Stores an item for a saga and takes claims of it over for another: both or neither. False: it was stored before, and the
/// claims were taken then.
///
/// # Errors
/// The database cannot be reached.
pub async fn take_over(
    pool: &PgPool,
    shards: u16,
    item: &NewItem,
    to: SagaId,
    claims: &[Claim],
) -> Result<bool, StoreError> {
    retrying(|| async {
        let mut tx = pool.begin().await?;
        let told = insert_one(&mut tx, shards, item).await?.is_some();
        if told {
            super::claims::hand_over(&mut tx, item.saga, to, claims).await?;
        }
        tx.commit().await?;
        if told {
            item.arrived();
        }
        Ok(told)
    })
    .await
}

/// Items that are to be applied in these shards, oldest first, but for those in `except` (under way already).
///
/// # Errors
/// The database cannot be reached.
pub async fn items_ready(pool: &PgPool, shards: &[u16], except: &[Uuid], limit: u16) -> Result<Vec<Ready>, StoreError> {
    let shards: Vec<i32> = shards.iter().copied().map(i32::from).collect();
    let rows = sqlx::query!(
        r#"select id, shard, saga, saga_kind, delivery, kind, principal, body, state, reason, created_at,
            not exists (select 1 from saga s where s.shard = item.shard and s.id = item.saga) as "first!"
         from item where shard = any($1) and state = 'ready' and not id = any($2) order by created_at, id limit $3"#,
        &shards,
        except,
        i64::from(limit)
    )
    .fetch_all(pool)
    .await?;
    let ready = rows.into_iter().map(|row| {
        let item = ItemRow {
            id: row.id,
            shard: row.shard,
            saga: row.saga,
            saga_kind: row.saga_kind,
            delivery: row.delivery,
            kind: row.kind,
            principal: row.principal,
            body: row.body,
            state: row.state,
            reason: row.reason,
            created_at: row.created_at,
        };
        Ok(Ready { item: item.try_into()?, first: row.first })
    });
    ready.collect()
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
