//! Writes again what is derived from a saga's events: its row, its references, its holds. Never touches an event or a
//! journal, and gives way to whoever appended meanwhile.

use super::rows::Rows;
use crate::store::append::Append;
use crate::store::error::{StoreError, signed};
use chrono::{DateTime, Utc};
use sagas::kernel::saga::Mark;
use sqlx::PgPool;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// What the tables beside the log hold of a saga, but for its row.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// (kind, value, event).
    pub references: BTreeSet<(String, String, Uuid)>,
    /// (invoice, reason) of holds that stand, of those that its events speak of.
    pub holds: BTreeSet<(String, String)>,
    /// Ids of its events' journals.
    pub journals: BTreeSet<Uuid>,
}

/// What all events of a saga, as one append, should have left there.
pub fn expected(folded: &Append) -> Derived {
    let mut derived = Derived::default();
    for event in &folded.events {
        for (kind, value) in &event.references {
            derived.references.insert((
                super::super::error::storable(kind),
                super::super::error::storable(value),
                event.id,
            ));
        }
        derived.journals.extend(event.journals.iter().map(|journal| journal.id));
        for mark in &event.marks {
            match mark {
                Mark::Hold { invoice, reason } => {
                    derived.holds.insert((invoice.clone(), (*reason).to_owned()));
                }
                Mark::LiftHold { invoice, reason } => {
                    derived.holds.remove(&(invoice.clone(), (*reason).to_owned()));
                }
                Mark::Confirm(_)
                | Mark::Release(_)
                | Mark::SpendCard { .. }
                | Mark::GiveBackCard { .. }
                | Mark::EraseInput { .. }
                | Mark::ForgetValues { .. } => {}
            }
        }
    }
    derived
}

/// (invoice, reason) of every hold that its events ever set or lifted.
fn spoken_of(folded: &Append) -> (Vec<String>, Vec<String>) {
    let marks = folded.events.iter().flat_map(|event| &event.marks);
    let pairs: BTreeSet<_> = marks
        .filter_map(|mark| match mark {
            Mark::Hold { invoice, reason } | Mark::LiftHold { invoice, reason } => {
                Some((invoice.clone(), (*reason).to_owned()))
            }
            Mark::Confirm(_)
            | Mark::Release(_)
            | Mark::SpendCard { .. }
            | Mark::GiveBackCard { .. }
            | Mark::EraseInput { .. }
            | Mark::ForgetValues { .. } => None,
        })
        .collect();
    pairs.into_iter().unzip()
}

/// What is there.
///
/// # Errors
/// The database cannot be reached.
pub async fn found(pool: &PgPool, folded: &Append) -> Result<Derived, StoreError> {
    let events: Vec<Uuid> = folded.events.iter().map(|event| event.id).collect();
    let references = sqlx::query!("select kind, value, event from reference where event = any($1)", &events);
    let references =
        references.fetch_all(pool).await?.into_iter().map(|row| (row.kind, row.value, row.event)).collect();
    let journals = sqlx::query_scalar!("select id from journal where event = any($1)", &events);
    let journals = journals.fetch_all(pool).await?.into_iter().collect();
    let (invoices, reasons) = spoken_of(folded);
    let holds = sqlx::query!(
        "select h.invoice, h.reason from hold h join unnest($1::text[], $2::text[]) as w(invoice, reason)
            on h.invoice = w.invoice and h.reason = w.reason",
        &invoices,
        &reasons
    );
    let holds = holds.fetch_all(pool).await?.into_iter().map(|row| (row.invoice, row.reason)).collect();
    Ok(Derived { references, holds, journals })
}

/// Writes row, references and holds anew, where the saga's row is still the one that was `seen` (sequence, last change;
/// none: there was no row). False: somebody appended meanwhile, and nothing was written.
///
/// # Errors
/// The database cannot be reached.
pub async fn rewrite(
    pool: &PgPool,
    shard: u16,
    folded: &Append,
    seen: Option<(u64, DateTime<Utc>)>,
) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await?;
    let row = sqlx::query!(
        "select seq, changed_at from saga where shard = $1 and id = $2 for update",
        i32::from(shard),
        folded.saga.0
    );
    let row = row.fetch_optional(&mut *tx).await?.map(|row| (row.seq, row.changed_at));
    if row != seen.map(|(seq, changed_at)| (signed(seq), changed_at)) {
        tx.rollback().await?;
        return Ok(false);
    }
    let events: Vec<Uuid> = folded.events.iter().map(|event| event.id).collect();
    sqlx::query!("delete from reference where event = any($1)", &events).execute(&mut *tx).await?;
    Rows::derived(folded, shard).insert(&mut tx).await?;
    sqlx::query!(
        "update saga set started_at = e.at from event e
         where saga.shard = $1 and saga.id = $2 and e.shard = $1 and e.saga = $2 and e.seq = 1",
        i32::from(shard),
        folded.saga.0
    )
    .execute(&mut *tx)
    .await?;
    holds(&mut tx, folded).await?;
    tx.commit().await?;
    Ok(true)
}

async fn holds(tx: &mut sqlx::PgConnection, folded: &Append) -> Result<(), StoreError> {
    let standing = expected(folded).holds;
    let mut set_by: BTreeMap<(String, String), (DateTime<Utc>, Uuid)> = BTreeMap::new();
    for event in &folded.events {
        for mark in &event.marks {
            if let Mark::Hold { invoice, reason } = mark {
                set_by.entry((invoice.clone(), (*reason).to_owned())).or_insert((event.at, event.id));
            }
        }
    }
    let (invoices, reasons) = spoken_of(folded);
    for pair in invoices.into_iter().zip(reasons) {
        if let Some((since, event)) = set_by.get(&pair).filter(|_| standing.contains(&pair)) {
            sqlx::query!(
                "insert into hold (invoice, reason, since, event) values ($1, $2, $3, $4)
                     on conflict (invoice, reason) do nothing",
                pair.0,
                pair.1,
                since,
                event
            )
            .execute(&mut *tx)
            .await?;
        } else {
            sqlx::query!("delete from hold where invoice = $1 and reason = $2", pair.0, pair.1)
                .execute(&mut *tx)
                .await?;
        }
    }
    Ok(())
}
