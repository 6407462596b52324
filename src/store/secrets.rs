//! Single-use inputs (a nonce): sealed with ChaCha20-Poly1305, deleted at use or after three hours. Never in an event, a
//! log or an error.

use super::error::StoreError;
use crate::clock::{Clock, RealClock};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit, Nonce};
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

/// After so long an input is deleted, used or not.
pub const KEPT: TimeDelta = TimeDelta::hours(3);

const NONCE: usize = 12;

/// A sealed input, to be written with the command that brings it.
#[derive(Clone)]
pub struct Sealed {
    /// What the command names it by.
    pub id: Uuid,
    class: String,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealed").field("id", &self.id).field("class", &self.class).finish_non_exhaustive()
    }
}

impl Sealed {
    pub(super) async fn insert(&self, tx: &mut PgConnection) -> Result<(), StoreError> {
        sqlx::query!(
            "insert into secret_input (id, class, sealed, created_at) values ($1, $2, $3, now())",
            self.id,
            self.class,
            self.bytes
        )
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// Why an input cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It was used, or is older than three hours.
    #[error("the input {0} is gone: it was used, or is older than three hours; ask for it again")]
    Gone(Uuid),
    /// It was sealed with another key, for another class, or changed.
    #[error("the input {0} cannot be opened: it was sealed with another key or for another use, or was changed")]
    Sealed(Uuid),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Seals and opens inputs.
#[derive(Clone)]
pub struct Secrets {
    cipher: ChaCha20Poly1305,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// With the installation's key.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { cipher: ChaCha20Poly1305::new(&Key::from(*key)) }
    }

    /// Seals an input under a new id. `class` says what it is for and is bound to it.
    pub fn seal(&self, class: &str, input: &SecretString) -> Sealed {
        let id = Uuid::now_v7();
        let bytes = self.enclose(&bound(id, class), input);
        Sealed { id, class: class.to_owned(), bytes }
    }

    /// Reads an input; it stays until `erase`.
    ///
    /// # Errors
    /// It is gone, or was sealed otherwise.
    pub async fn open(&self, pool: &PgPool, id: Uuid, class: &str) -> Result<SecretString, SecretError> {
        let bytes = sqlx::query_scalar!("select sealed from secret_input where id = $1", id)
            .fetch_optional(pool)
            .await
            .map_err(StoreError::from)?
            .ok_or(SecretError::Gone(id))?;
        self.disclose(&bound(id, class), &bytes).ok_or(SecretError::Sealed(id))
    }

    /// Seals a text, bound to what it is for.
    pub(super) fn enclose(&self, bound: &[u8], text: &SecretString) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: text.expose_secret().as_bytes(), aad: bound };
        let sealed = self.cipher.encrypt(&Nonce::from(nonce), payload).expect("a text is far below the cipher's limit");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Opens what was sealed for the same; nothing, if it was sealed otherwise or changed.
    pub(super) fn disclose(&self, bound: &[u8], sealed: &[u8]) -> Option<SecretString> {
        let (nonce, text) = sealed.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        let opened = self.cipher.decrypt(&Nonce::from(nonce), Payload { msg: text, aad: bound }).ok()?;
        String::from_utf8(opened).map(SecretString::from).ok()
    }
}

/// What a sealed text is bound to: it opens under its own id and class only.
fn bound(id: Uuid, class: &str) -> Vec<u8> {
    let mut bound = id.as_bytes().to_vec();
    bound.extend_from_slice(class.as_bytes());
    bound
}

/// Deletes an input: at its use.
///
/// # Errors
/// The database cannot be reached.
pub async fn erase(pool: &PgPool, id: Uuid) -> Result<(), StoreError> {
    sqlx::query!("delete from secret_input where id = $1", id).execute(pool).await?;
    Ok(())
}

/// Deletes what is older than [`KEPT`] by the machine's clock; says how many. Not by business time: that can be moved.
///
/// # Errors
/// The database cannot be reached.
pub async fn sweep(pool: &PgPool) -> Result<u64, StoreError> {
    let before = RealClock.now() - KEPT;
    let swept = sqlx::query!("delete from secret_input where created_at < $1", before).execute(pool).await?;
    Ok(swept.rows_affected())
}
