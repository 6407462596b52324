//! What the writer knows of a shard without asking: where its chain stands, and how long its streams are.

use crate::store::chain::{GENESIS, Hash};
use crate::store::error::{StoreError, unsigned};
use crate::store::shards::Grant;
use sagas::kernel::ids::SagaId;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// Beyond so many streams a shard's memory is emptied and filled again as needed.
const STREAMS: usize = 20_000;

/// The end of a shard's chain under one grant. Valid as long as that grant is: the owner is the only writer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) grant: Grant,
    pub(super) pos: u64,
    pub(super) hash: Hash,
    pub(super) streams: HashMap<SagaId, u64>,
}

impl Head {
    /// Reads the end of the chain. The caller holds the shard's row.
    pub(super) async fn load(tx: &mut PgConnection, shard: u16, grant: Grant) -> Result<Self, StoreError> {
        let last =
            sqlx::query!("select pos, hash from event where shard = $1 order by pos desc limit 1", i32::from(shard))
                .fetch_optional(tx)
                .await?;
        let (pos, hash) = match last {
            None => (0, GENESIS),
            Some(last) => {
                let hash = last.hash.try_into();
                (
                    unsigned("a position", last.pos)?,
                    hash.map_err(|_| StoreError::Unreadable(format!("the hash at {shard}/{}", last.pos)))?,
                )
            }
        };
        Ok(Self { grant, pos, hash, streams: HashMap::new() })
    }
}

/// Fills in the lengths of streams that are not known yet. The caller holds the shards' rows.
pub(super) async fn load_streams(
    tx: &mut PgConnection,
    heads: &mut HashMap<u16, Head>,
    wanted: &[(u16, SagaId)],
) -> Result<(), StoreError> {
    for head in heads.values_mut().filter(|head| head.streams.len() > STREAMS) {
        head.streams.clear();
    }
    let unknown = |(shard, saga): &&(u16, SagaId)| heads.get(shard).is_some_and(|h| !h.streams.contains_key(saga));
    let missing: Vec<(u16, SagaId)> = wanted.iter().filter(unknown).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (shards, sagas): (Vec<i32>, Vec<Uuid>) = missing.iter().map(|(s, saga)| (i32::from(*s), saga.0)).unzip();
    let known = sqlx::query!(
        "select s.shard, s.id, s.seq from saga s
         join unnest($1::integer[], $2::uuid[]) as w(shard, id) on s.shard = w.shard and s.id = w.id",
        &shards,
        &sagas
    )
    .fetch_all(tx)
    .await?;
    for (shard, saga) in missing {
        if let Some(head) = heads.get_mut(&shard) {
            head.streams.insert(saga, 0);
        }
    }
    for row in known {
        if let Some(head) = heads.get_mut(&unsigned("a shard", row.shard)?) {
            head.streams.insert(SagaId(row.id), unsigned("a sequence", row.seq)?);
        }
    }
    Ok(())
}
