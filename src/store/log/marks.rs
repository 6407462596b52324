//! Changes that ride in an append: claims confirmed or let go, holds, card counters, inbox items. An append whose mark
//! cannot be made is refused alone.

use crate::store::append::{Append, AppendError, NewEvent};
use crate::store::claims::word;
use crate::store::error::StoreError;
use crate::store::profiles;
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Mark;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashSet};
use uuid::Uuid;

/// (kind, key, saga): the place of the append, and what becomes of the claim.
type Claims = BTreeMap<(String, String, Uuid), (usize, Held)>;

/// (invoice, reason): since when and by which event; none where it is lifted.
type Holds = BTreeMap<(String, String), Option<(DateTime<Utc>, Uuid)>>;

/// The marks of one flush. Of several about one thing by one saga the last holds.
#[derive(Debug, Default)]
pub(super) struct Marks {
    claims: Claims,
    holds: Holds,
    cards: BTreeMap<(String, Uuid), &'static str>,
    items: BTreeMap<Uuid, Item>,
    inputs: Vec<Uuid>,
    /// Customer, and under which mark values of theirs were kept.
    values: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Confirmed,
    Released,
}

#[derive(Debug)]
struct Item {
    index: usize,
    saga: Uuid,
    refused: Option<String>,
}

impl Marks {
    pub(super) fn push(&mut self, index: usize, saga: Uuid, event: &NewEvent, mark: &Mark) {
        match mark {
            Mark::Confirm(claim) => {
                let key = (word(claim.kind).to_owned(), claim.key.clone(), saga);
                self.claims.insert(key, (index, Held::Confirmed));
            }
            Mark::Release(claim) => {
                let key = (word(claim.kind).to_owned(), claim.key.clone(), saga);
                self.claims.insert(key, (index, Held::Released));
            }
            Mark::Hold { invoice, reason } => {
                self.holds.insert((invoice.clone(), (*reason).to_owned()), Some((event.at, event.id)));
            }
            Mark::LiftHold { invoice, reason } => {
                self.holds.insert((invoice.clone(), (*reason).to_owned()), None);
            }
            Mark::SpendCard { order_id } => {
                self.cards.insert((order_id.clone(), saga), "spent");
            }
            Mark::GiveBackCard { order_id } => {
                self.cards.insert((order_id.clone(), saga), "given_back");
            }
            Mark::EraseInput { input } => self.inputs.push(*input),
            Mark::ForgetValues { customer, mark } => self.values.push((customer.clone(), mark.clone())),
        }
    }

    pub(super) fn push_items(&mut self, index: usize, append: &Append) {
        for mark in &append.items {
            let item = Item { index, saga: append.saga.0, refused: mark.refused.clone() };
            self.items.insert(mark.item, item);
        }
    }

    pub(super) async fn write(self, tx: &mut PgConnection) -> Result<Vec<(usize, AppendError)>, StoreError> {
        let mut refused = Vec::new();
        release(tx, &self.claims).await?;
        confirm(tx, &self.claims, &mut refused).await?;
        set_holds(tx, self.holds).await?;
        set_cards(tx, self.cards).await?;
        erase_inputs(tx, &self.inputs).await?;
        for (customer, mark) in &self.values {
            profiles::forget(&mut *tx, customer, mark).await?;
        }
        close_items(tx, self.items, &mut refused).await?;
        Ok(refused)
    }
}

async fn erase_inputs(tx: &mut PgConnection, inputs: &[Uuid]) -> Result<(), StoreError> {
    if !inputs.is_empty() {
        sqlx::query!("delete from secret_input where id = any($1)", inputs).execute(tx).await?;
    }
    Ok(())
}

/// Columns of the claims in that state.
fn columns(claims: &Claims, held: Held) -> (Vec<String>, Vec<String>, Vec<Uuid>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for ((kind, key, saga), _) in claims.iter().filter(|(_, (_, h))| *h == held) {
        columns.0.push(kind.clone());
        columns.1.push(key.clone());
        columns.2.push(*saga);
    }
    columns
}

async fn release(tx: &mut PgConnection, claims: &Claims) -> Result<(), StoreError> {
    let (kinds, keys, sagas) = columns(claims, Held::Released);
    if kinds.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from claim c using unnest($1::text[], $2::text[], $3::uuid[]) as w(kind, key, saga)
         where c.kind = w.kind and c.key = w.key and c.saga = w.saga",
        &kinds,
        &keys,
        &sagas
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn confirm(
    tx: &mut PgConnection,
    claims: &Claims,
    refused: &mut Vec<(usize, AppendError)>,
) -> Result<(), StoreError> {
    let (kinds, keys, sagas) = columns(claims, Held::Confirmed);
    if kinds.is_empty() {
        return Ok(());
    }
    // A reservation that was swept comes back, if nobody else holds the key by now.
    let held = sqlx::query!(
        "insert into claim (kind, key, saga, step, state, reserved_at)
         select kind, key, saga, '', 'confirmed', now() from unnest($1::text[], $2::text[], $3::uuid[])
            as w(kind, key, saga)
         on conflict (kind, key) do update set state = 'confirmed' where claim.saga = excluded.saga
         returning kind, key, saga",
        &kinds,
        &keys,
        &sagas
    )
    .fetch_all(tx)
    .await?;
    let held: HashSet<_> = held.into_iter().map(|row| (row.kind, row.key, row.saga)).collect();
    for (claim, (index, _)) in claims.iter().filter(|(claim, (_, h))| *h == Held::Confirmed && !held.contains(*claim)) {
        let (kind, key, saga) = claim;
        let detail = format!("another saga holds the claim {kind} {key} that it relies on");
        refused.push((*index, AppendError::Poison { saga: SagaId(*saga), detail }));
    }
    Ok(())
}

async fn set_holds(tx: &mut PgConnection, holds: Holds) -> Result<(), StoreError> {
    // Rare: one statement each.
    for ((invoice, reason), hold) in holds {
        match hold {
            Some((since, event)) => {
                sqlx::query!(
                    "insert into hold (invoice, reason, since, event) values ($1, $2, $3, $4)
                     on conflict (invoice, reason) do nothing",
                    invoice,
                    reason,
                    since,
                    event
                )
                .execute(&mut *tx)
                .await?;
            }
            None => {
                sqlx::query!("delete from hold where invoice = $1 and reason = $2", invoice, reason)
                    .execute(&mut *tx)
                    .await?;
            }
        }
    }
    Ok(())
}

async fn set_cards(tx: &mut PgConnection, cards: BTreeMap<(String, Uuid), &'static str>) -> Result<(), StoreError> {
    if cards.is_empty() {
        return Ok(());
    }
    let (mut orders, mut sagas, mut states) = (Vec::new(), Vec::new(), Vec::new());
    for ((order_id, saga), state) in cards {
        orders.push(order_id);
        sagas.push(saga);
        states.push(state.to_owned());
    }
    sqlx::query!(
        "update card_charge c set state = w.state
         from unnest($1::text[], $2::uuid[], $3::text[]) as w(order_id, saga, state)
         where c.order_id = w.order_id and c.saga = w.saga",
        &orders,
        &sagas,
        &states
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn close_items(
    tx: &mut PgConnection,
    items: BTreeMap<Uuid, Item>,
    refused: &mut Vec<(usize, AppendError)>,
) -> Result<(), StoreError> {
    if items.is_empty() {
        return Ok(());
    }
    let (mut ids, mut sagas, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for (id, item) in &items {
        ids.push(*id);
        sagas.push(item.saga);
        reasons.push(item.refused.clone());
    }
    let closed = sqlx::query_scalar!(
        "update item i set state = case when w.reason is null then 'applied' else 'refused' end, reason = w.reason
         from unnest($1::uuid[], $2::uuid[], $3::text[]) as w(id, saga, reason)
         where i.id = w.id and i.saga = w.saga and i.state = 'ready' returning i.id",
        &ids,
        &sagas,
        &reasons as &[Option<String>]
    )
    .fetch_all(tx)
    .await?;
    let closed: HashSet<Uuid> = closed.into_iter().collect();
    for (id, item) in items.iter().filter(|(id, _)| !closed.contains(*id)) {
        refused.push((item.index, AppendError::ItemClosed { item: *id }));
    }
    Ok(())
}
