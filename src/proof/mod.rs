//! What shows that the log is whole: standing checks and signed checkpoints every minute, their publication, exports,
//! verification, and projections built again from the log; and the erasure list, kept outside beside the checkpoints. Never
//! changes an event, never calls a vendor.

pub mod checks;
pub mod compare;
pub mod erasures;
pub mod export;
pub mod invariants;
pub mod rebuild;
pub mod rotation;
pub mod sink;
pub mod verify;

use crate::config::ProofConfig;
use crate::engine::Engine;
use crate::store::checkpoints::{self, Making, Signed};
use crate::store::signature::{Signer, Signers};
use crate::store::{Store, StoreError, recovery};
use erasures::Erasures;
use secrecy::{ExposeSecret, SecretString};
use sink::Sink;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Between two rounds.
const EVERY: Duration = Duration::from_mins(1);
/// Whether there is something to do is looked up that often.
const SOON: Duration = Duration::from_millis(500);
/// Published that often at least.
const PUBLISH_EVERY: Duration = Duration::from_mins(55);

/// Checks and signs, on the node that drives the first shard.
pub struct Proof {
    store: Store,
    engine: Arc<Engine>,
    signers: Signers,
    sink: Option<Sink>,
    installation: String,
    erasures: Erasures,
    /// The last checkpoint that this node saw: a database that lacks what it says was set back.
    remembered: Mutex<Option<Signed>>,
}

impl Proof {
    /// For an installation; no sink: nothing is published.
    pub fn new(
        store: Store,
        engine: Arc<Engine>,
        signers: Signers,
        sink: Option<Sink>,
        erasures: Erasures,
        installation: &str,
    ) -> Self {
        let remembered = Mutex::default();
        Self { store, engine, signers, sink, erasures, installation: installation.to_owned(), remembered }
    }

    /// Until stopped: looks whether the database was set back, and every minute checks and signs.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut last: Option<Instant> = None;
        while tokio::time::timeout(SOON, stop.cancelled()).await.is_err() {
            if self.store.node.is_lost() {
                continue;
            }
            if last.is_some_and(|last| last.elapsed() < EVERY) {
                // What a person waits for is done at once.
                if self.is_ours()
                    && let Err(e) = self.declare().await
                {
                    tracing::warn!(error = %e, "what a restore lost could not be declared");
                }
                continue;
            }
            if let Err(e) = self.look().await {
                tracing::warn!(error = %e, "whether the database was set back cannot be told now");
                continue;
            }
            if self.is_ours() {
                last = Some(Instant::now());
                self.round().await;
            }
        }
    }

    /// Until stopped: verifies every invariant once a day. Beside the round, which it would hold up.
    pub async fn verify_daily(self: Arc<Self>, stop: CancellationToken) {
        while tokio::time::timeout(SOON, stop.cancelled()).await.is_err() {
            if self.store.node.is_lost() || !self.is_ours() {
                continue;
            }
            let verified = tokio::select! {
                verified = checks::daily(&self.store.pool, self.engine.registry()) => verified,
                () = stop.cancelled() => return,
            };
            if let Err(e) = verified {
                tracing::warn!(error = %e, "the invariants could not be verified");
            }
            if tokio::time::timeout(EVERY, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    async fn round(&self) {
        if let Err(e) = checks::run(&self.store.pool, self.engine.registry()).await {
            tracing::warn!(error = %e, "the standing checks could not run");
        }
        if let Err(e) = self.checkpoint(false).await {
            tracing::error!(error = %e, "no checkpoint of the log could be made or published");
        }
    }

    /// One node does it: the one that drives the first shard.
    pub fn is_ours(&self) -> bool {
        self.store.node.owned().iter().any(|(shard, _)| *shard == 0)
    }

    /// Enters the recovery hold where the database is another one or lacks what this node has seen.
    async fn look(&self) -> Result<(), StoreError> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(cause) = recovery::look(&self.store.pool, remembered.as_ref()).await? {
            tracing::error!(cause, "recovery hold: nothing is written at a vendor until it is released");
        }
        if let Err(e) = self.erasures.again(&self.store.pool).await {
            tracing::error!(error = %e, "erasures were not applied again after the restore");
        }
        let seen = checkpoints::last(&self.store.pool).await?;
        if recovery::hold(&self.store.pool).await?.is_none() {
            *self.remembered.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        }
        Ok(())
    }

    /// Makes a checkpoint where something moved, and publishes the last one where it is time, or `now`. During a recovery
    /// hold none is made before a person has declared what was lost.
    ///
    /// # Errors
    /// The database cannot be reached, or the sink does not take it.
    pub async fn checkpoint(&self, now: bool) -> anyhow::Result<()> {
        if recovery::hold(&self.store.pool).await?.is_some() {
            return self.declare().await;
        }
        let making = Making { installation: &self.installation, ..Making::default() };
        let signer = self.signers.of(checkpoints::signs_next(&self.store.pool).await?);
        let made = checkpoints::make(&self.store.pool, signer, making).await?;
        if now || self.is_time().await? {
            let last = match made {
                Some(made) => Some(made),
                None => checkpoints::last(&self.store.pool).await?,
            };
            if let Some(last) = last {
                self.publish(&last).await?;
            }
        }
        Ok(())
    }

    /// Signs and publishes what a person declared lost. Repeated after a failure, it goes on where it was.
    async fn declare(&self) -> anyhow::Result<()> {
        let pool = &self.store.pool;
        let Some(hold) = recovery::hold(pool).await? else { return Ok(()) };
        let (Some(declared), None) = (hold.declared, hold.signed) else { return Ok(()) };
        let published = hold.published.as_ref().map(Signed::open).transpose().map_err(anyhow::Error::msg)?;
        let made = checkpoints::last(pool).await?.filter(|last| {
            let body = last.open().ok().map(|(body, _)| body);
            body.is_some_and(|body| !declared.breaks.is_empty() && body.breaks == declared.breaks)
        });
        let checkpoint = if made.is_some() {
            made
        } else {
            let lost_changes = self.lost_changes().await?;
            let wanted = match lost_changes.last() {
                Some(change) => Some(change.signs_next().map_err(anyhow::Error::msg)?),
                None => checkpoints::signs_next(pool).await?,
            };
            let making = Making {
                installation: &self.installation,
                breaks: declared.breaks,
                beyond: published.zip(hold.published).map(|((body, _), signed)| (body.number, signed.hash)),
                lost_changes,
                new_key: None,
            };
            checkpoints::make(pool, self.signers.of(wanted), making).await?
        };
        // Nothing is to be declared, and nothing moved: what was signed last says all.
        let Some(checkpoint) = checkpoint.or(checkpoints::last(pool).await?) else { return Ok(()) };
        self.publish(&checkpoint).await?;
        let (body, _) = checkpoint.open().map_err(anyhow::Error::msg)?;
        tracing::warn!(checkpoint = body.number, "what the restore lost is declared, signed and published");
        Ok(recovery::signed_with(pool, hold.number, body.number).await?)
    }

    /// Changes of the signing key that the sink has and the restored database does not.
    async fn lost_changes(&self) -> anyhow::Result<Vec<Signed>> {
        let contents = self.sink.as_ref().map(Sink::contents).transpose().map_err(anyhow::Error::msg)?;
        let Some(sink::Contents::Lines(lines)) = contents else { return Ok(Vec::new()) };
        let last = checkpoints::last(&self.store.pool).await?.and_then(|last| last.open().ok());
        let last = last.map_or(0, |(body, _)| body.number);
        let (mut lost, mut seen) = (Vec::new(), BTreeSet::new());
        for signed in lines.into_iter().flatten() {
            let Ok((body, _)) = signed.open() else { continue };
            if body.next_key.is_some() && body.number > last && seen.insert(body.number) {
                lost.push(signed);
            }
        }
        Ok(lost)
    }

    async fn is_time(&self) -> Result<bool, StoreError> {
        let ages = checkpoints::ages(&self.store.pool).await?;
        Ok(ages.published.is_none_or(|age| age >= PUBLISH_EVERY) && ages.waiting.is_some())
    }

    async fn publish(&self, checkpoint: &Signed) -> anyhow::Result<()> {
        match &self.sink {
            Some(sink) => publish(&self.store.pool, sink, checkpoint).await,
            None => Ok(()),
        }
    }
}

/// Publishes a checkpoint; before it those that introduced a key and are not there yet, so that whoever reads the sink knows
/// every key.
async fn publish(pool: &sqlx::PgPool, sink: &Sink, checkpoint: &Signed) -> anyhow::Result<()> {
    let (body, _) = checkpoint.open().map_err(anyhow::Error::msg)?;
    let changes = checkpoints::unpublished_changes(pool, body.number).await?;
    for checkpoint in changes.iter().chain([checkpoint]) {
        sink.publish(checkpoint).await.map_err(|why| anyhow::anyhow!("a checkpoint was not published: {why}"))?;
        checkpoints::mark_published(pool, checkpoint).await?;
    }
    Ok(())
}

/// Before anything is sent: enters the recovery hold where the database is another one than it was, or lacks what the
/// sink has, or where the operator `asked` for it; then whoever was erased since is erased again.
///
/// # Errors
/// The database cannot be reached.
pub async fn guard(
    pool: &sqlx::PgPool,
    sink: Option<&Sink>,
    erasures: &Erasures,
    asked: bool,
) -> Result<(), StoreError> {
    let contents = sink.map(Sink::contents).transpose();
    let published = contents.unwrap_or_else(|why| {
        tracing::error!(
            why,
            "the sink cannot be read: whether the database was set back is told by its identity alone"
        );
        None
    });
    let published = published.and_then(sink::Contents::last);
    let mut cause = recovery::look(pool, published.as_ref()).await?;
    if cause.is_none() && asked && recovery::enter(pool, "serve --hold", published.as_ref()).await? {
        cause = Some("serve --hold".to_owned());
    }
    if let Some(cause) = cause {
        tracing::error!(cause, "recovery hold: nothing is written at a vendor until it is released");
    }
    // Before any page shows a person.
    if let Err(e) = erasures.again(pool).await {
        tracing::error!(error = %e, "erasures were not applied again after the restore");
    }
    Ok(())
}

/// The keys that sign: the configured ones; where none is, the one that belongs to the installation's secret.
///
/// # Errors
/// A configured one is no seed.
pub fn signers(config: &ProofConfig, keys: &crate::keys::Keys) -> Result<Signers, String> {
    let first = config.signing_key.as_ref().map(|seed| signer("CHECKPOINT_SIGNING_KEY", seed)).transpose()?;
    let next = config.next_key.as_ref().map(|seed| signer("CHECKPOINT_NEXT_KEY", seed)).transpose()?;
    Ok(Signers { first: first.unwrap_or_else(|| Signer::from_seed(keys.signing_seed())), next })
}

/// The key of a seed.
fn signer(name: &str, seed: &SecretString) -> Result<Signer, String> {
    let seed = hex::decode(seed.expose_secret()).unwrap_or_default();
    let seed: [u8; 32] = seed.try_into().map_err(|_| format!("{name} is not 64 hexadecimal digits"))?;
    Ok(Signer::from_seed(&seed))
}
