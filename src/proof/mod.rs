//! What shows that the log is whole: standing checks and signed checkpoints every minute, their publication, exports,
//! verification, and projections built again from the log; and the erasure list, kept outside beside the checkpoints. Never
//! changes an event, never calls a vendor.

pub mod checks;
pub mod compare;
pub mod erasures;
pub mod export;
pub mod rebuild;
pub mod sink;
pub mod verify;

use crate::engine::Engine;
use crate::store::checkpoints::{self, Making, Signed};
use crate::store::signature::Signer;
use crate::store::{Store, StoreError, recovery};
use erasures::Erasures;
use sink::Sink;
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
    signer: Signer,
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
        signer: Signer,
        sink: Option<Sink>,
        erasures: Erasures,
        installation: &str,
    ) -> Self {
        let remembered = Mutex::default();
        Self { store, engine, signer, sink, erasures, installation: installation.to_owned(), remembered }
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
        let made = checkpoints::make(&self.store.pool, &self.signer, making).await?;
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
            let making = Making {
                installation: &self.installation,
                breaks: declared.breaks,
                beyond: published.zip(hold.published).map(|((body, _), signed)| (body.number, signed.hash)),
            };
            checkpoints::make(pool, &self.signer, making).await?
        };
        // Nothing is to be declared, and nothing moved: what was signed last says all.
        let Some(checkpoint) = checkpoint.or(checkpoints::last(pool).await?) else { return Ok(()) };
        self.publish(&checkpoint).await?;
        let (body, _) = checkpoint.open().map_err(anyhow::Error::msg)?;
        tracing::warn!(checkpoint = body.number, "what the restore lost is declared, signed and published");
        Ok(recovery::signed_with(pool, hold.number, body.number).await?)
    }

    async fn is_time(&self) -> Result<bool, StoreError> {
        let ages = checkpoints::ages(&self.store.pool).await?;
        Ok(ages.published.is_none_or(|age| age >= PUBLISH_EVERY) && ages.waiting.is_some())
    }

    async fn publish(&self, checkpoint: &Signed) -> anyhow::Result<()> {
        let Some(sink) = &self.sink else { return Ok(()) };
        sink.publish(checkpoint).await.map_err(|why| anyhow::anyhow!("a checkpoint was not published: {why}"))?;
        Ok(checkpoints::mark_published(&self.store.pool, checkpoint).await?)
    }
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

/// The key that signs: the configured one, else the one that belongs to the installation's secret.
///
/// # Errors
/// The configured one is no seed.
pub fn signer(configured: Option<&secrecy::SecretString>, keys: &crate::keys::Keys) -> Result<Signer, String> {
    use secrecy::ExposeSecret;
    let Some(configured) = configured else { return Ok(Signer::from_seed(keys.signing_seed())) };
    let seed = hex::decode(configured.expose_secret()).unwrap_or_default();
    let seed: [u8; 32] = seed.try_into().map_err(|_| "CHECKPOINT_SIGNING_KEY is not 64 hexadecimal digits")?;
    Ok(Signer::from_seed(&seed))
}
