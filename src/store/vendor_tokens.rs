//! Access tokens of vendors, one row a credential, sealed: so that all nodes share one and a restart asks for none. Which
//! turn it is, the port's rules say over the locked row.

use super::error::StoreError;
use super::secrets::Secrets;
use crate::port::{Kept, Refreshed, SharedToken, TokenStore, Turn};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// What the seal is bound to, with the credential.
const CLASS: &str = "vendor token";

/// The tokens in the database.
#[derive(Debug, Clone)]
pub struct VendorTokens {
    pool: PgPool,
    secrets: Secrets,
}

impl VendorTokens {
    /// Over this database, sealed with the installation's key.
    pub const fn new(pool: PgPool, secrets: Secrets) -> Self {
        Self { pool, secrets }
    }

    /// Lets the rules act on the row of a credential, which nobody else can touch meanwhile.
    async fn on<T>(&self, credential: &str, act: impl FnOnce(&mut Kept) -> T + Send) -> Result<T, StoreError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query!("insert into vendor_token (credential) values ($1) on conflict do nothing", credential)
            .execute(&mut *tx)
            .await?;
        let mut kept = self.read(&mut tx, credential).await?;
        let done = act(&mut kept);
        self.write(&mut tx, credential, kept).await?;
        tx.commit().await?;
        Ok(done)
    }

    async fn read(&self, tx: &mut PgConnection, credential: &str) -> Result<Kept, StoreError> {
        let row = sqlx::query!(
            "select sealed, expires_at, generation, asked_at, blocked_until, lease, lease_until
             from vendor_token where credential = $1 for update",
            credential
        )
        .fetch_one(tx)
        .await?;
        // What another key has sealed is of no use: another token is asked for.
        let secret = row.sealed.and_then(|sealed| self.secrets.disclose(&bound(credential), &sealed));
        Ok(Kept {
            token: secret.zip(row.expires_at),
            generation: row.generation.unsigned_abs(),
            asked_at: row.asked_at,
            blocked_until: row.blocked_until,
            lease: row.lease.zip(row.lease_until),
        })
    }

    async fn write(&self, tx: &mut PgConnection, credential: &str, kept: Kept) -> Result<(), StoreError> {
        let (sealed, expires_at) =
            kept.token.map(|(secret, ends)| (self.secrets.enclose(&bound(credential), &secret), ends)).unzip();
        let (lease, lease_until) = kept.lease.unzip();
        sqlx::query!(
            "update vendor_token set sealed = $2, expires_at = $3, generation = $4, asked_at = $5, blocked_until = $6,
             lease = $7, lease_until = $8 where credential = $1",
            credential,
            sealed,
            expires_at,
            i64::try_from(kept.generation).unwrap_or(i64::MAX),
            &kept.asked_at,
            kept.blocked_until,
            lease,
            lease_until
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

fn bound(credential: &str) -> Vec<u8> {
    format!("{CLASS} {credential}").into_bytes()
}

#[async_trait]
impl TokenStore for VendorTokens {
    async fn begin(&self, credential: &str, refused: Option<u64>, now: DateTime<Utc>) -> Result<Turn, String> {
        self.on(credential, |kept| kept.begin(refused, now)).await.map_err(|e| e.to_string())
    }

    async fn end(&self, credential: &str, lease: Uuid, came: Refreshed) -> Result<Option<SharedToken>, String> {
        self.on(credential, |kept| kept.end(lease, came)).await.map_err(|e| e.to_string())
    }
}
