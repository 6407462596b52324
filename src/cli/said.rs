//! What a person says to a saga: why, and how what comes of it is shown; and how it gets there.

use super::Exit;
use super::database::{Database, DatabaseArgs};
use super::saga::{awaited, said, shards};
use crate::store::items::{NewItem, offer_item};
use crate::store::secrets::Sealed;
use sqlx::PgPool;

/// What every order of a person has.
#[derive(Debug, clap::Args)]
pub(super) struct Said {
    /// Why; goes on record
    #[arg(long)]
    reason: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// It is said in so many words, and the database is open.
pub(super) struct Saying {
    pub(super) pool: PgPool,
    pub(super) reason: String,
    pub(super) json: bool,
    /// Keeps the embedded server running.
    _database: Database,
}

impl Said {
    /// Opens the database.
    pub(super) async fn open(self) -> Result<Saying, Exit> {
        let reason = said(self.reason)?;
        let database = Database::open(self.database.database_url).await?;
        Ok(Saying { pool: database.visit().await?, reason, json: self.json, _database: database })
    }
}

impl Saying {
    /// Leaves it to whichever node owns the saga, and waits until the saga has looked at it.
    pub(super) async fn tell(&self, item: &NewItem, done: &str) -> Result<(), Exit> {
        self.tell_with(item, &[], done).await
    }

    /// The same, with what lies sealed until a vendor has it.
    pub(super) async fn tell_with(&self, item: &NewItem, sealed: &[Sealed], done: &str) -> Result<(), Exit> {
        let stored = offer_item(&self.pool, shards(&self.pool).await?, item, sealed).await;
        let stored = stored.map_err(|e| Exit::refused(e.to_string()))?;
        awaited(&self.pool, item.saga, stored, done, self.json).await
    }
}
