//! Takes a new key into use for the signing of checkpoints: one checkpoint is signed by the old key and by the new one, those
//! after it by the new one alone. Makes no key and keeps none.

use super::publish;
use super::sink::Sink;
use crate::store::StoreError;
use crate::store::checkpoints::{self, Making, NewKey, NotMade, Signed};
use crate::store::recovery::{self, Hold};
use crate::store::signature::{PublicKey, Signer};
use sqlx::PgPool;

/// Who takes which key into use.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// Prefix of the installation.
    pub installation: &'a str,
    /// The key that is in use; none: it was lost, and the new one can be introduced by nobody.
    pub old: Option<&'a Signer>,
    /// The one that is to be used.
    pub next: &'a Signer,
    /// Who orders it.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The last checkpoint: that which took the key into use, or a later one.
    pub checkpoint: Signed,
    /// The key was in use already: what was interrupted was brought to its end.
    pub before: bool,
}

/// Why no key was taken into use.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// What a restore lost is to be declared first, with the key of then.
    #[error("a recovery hold stands: release it first (`recover --help`), then take the new key into use")]
    Held,
    /// There is nothing to introduce a key to.
    #[error("there is no checkpoint yet: set CHECKPOINT_SIGNING_KEY to the new key and start the service")]
    NoCheckpoint,
    /// A key signs once.
    #[error(
        "key {0} has signed before: a key that gave way is never used again; make another with `openssl rand -hex 32`"
    )]
    UsedBefore(String),
    /// The old key is not the one in use.
    #[error(
        "checkpoints are signed by key {wanted}, and CHECKPOINT_SIGNING_KEY is key {given}: name the one that is in use"
    )]
    AnotherKey {
        /// Id of the key that is in use.
        wanted: String,
        /// Id of the given one.
        given: String,
    },
    /// It is taken into use, and the sink did not take it.
    #[error("the key is in use, and the sink does not know it yet: {0:#}; repeat this command")]
    NotPublished(anyhow::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes the key into use, and publishes that. Repeated after an interruption, it goes on where it was.
///
/// # Errors
/// See [`Refused`].
pub async fn rotate(pool: &PgPool, sink: Option<&Sink>, order: Order<'_>) -> Result<Rotated, Refused> {
    // A log that was set back to before a change has a key in use that is gone, and what it lost cannot be declared with
    // another one. Where a sink can be read, it tells of the change; where none can, the present key takes its place.
    let only_way = |hold: &Hold| order.old.is_none() && hold.published.is_none();
    if recovery::hold(pool).await?.is_some_and(|hold| !only_way(&hold)) {
        return Err(Refused::Held);
    }
    let mut before = true;
    let checkpoint = loop {
        let last = checkpoints::last(pool).await?.ok_or(Refused::NoCheckpoint)?;
        let wanted = last.signs_next().map_err(StoreError::Unreadable)?;
        if wanted == order.next.public() {
            break last;
        }
        introduce(pool, &order, wanted).await?;
        before = false;
    };
    if let Some(sink) = sink {
        publish(pool, sink, &checkpoint).await.map_err(Refused::NotPublished)?;
    }
    Ok(Rotated { checkpoint, before })
}

/// One try: where a node makes a checkpoint at the same moment, nothing comes of it.
async fn introduce(pool: &PgPool, order: &Order<'_>, wanted: PublicKey) -> Result<(), Refused> {
    let next = order.next.public();
    if checkpoints::keys(pool).await?.iter().any(|(key, _)| *key == next) {
        return Err(Refused::UsedBefore(next.id()));
    }
    let signer = match order.old {
        Some(old) if old.public() != wanted => {
            return Err(Refused::AnotherKey { wanted: wanted.id(), given: old.public().id() });
        }
        Some(old) => old,
        None => order.next,
    };
    let new_key = NewKey { signer: order.next, by: order.by, reason: order.reason };
    let making = Making { installation: order.installation, new_key: Some(new_key), ..Making::default() };
    match checkpoints::make(pool, signer, making).await {
        // Made, or another one was: looked at anew.
        Ok(_) | Err(NotMade::AnotherKey { .. }) => Ok(()),
        Err(NotMade::Store(e)) => Err(e.into()),
    }
}
