//! What can go wrong at the database, without a value of any row in it; and the one retry of whole transactions.

use rand::RngExt;
use std::time::Duration;

/// Why the store could not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// No usable answer: whether a write was made is not known.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// Two transactions met: nothing was written, the same transaction may run again.
    #[error("the database asked for the transaction again (SQLSTATE {0})")]
    Again(String),
    /// The statement or its content is refused, and would be refused again. Nothing was written.
    #[error("the database refused it: {0}")]
    Refused(String),
    /// What is stored is not what this release writes.
    #[error("unreadable in the database: {0}")]
    Unreadable(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refused) => {
                let code = refused.code().unwrap_or_default();
                match code.as_ref() {
                    // Serialisation failure, deadlock, lock not available.
                    "40001" | "40P01" | "55P03" => Self::Again(code.into_owned()),
                    // Read-only: a standby, or a primary that is being replaced.
                    "25006" => Self::Unavailable(format!("SQLSTATE {code}: {}", refused.message())),
                    _ => match code.get(..2) {
                        // Connection, resources, shutdown or cancel, system, internal; sessions closed for idling.
                        Some("08" | "53" | "57" | "58" | "XX" | "25") => {
                            Self::Unavailable(format!("SQLSTATE {code}: {}", refused.message()))
                        }
                        _ => Self::Refused(without_values(refused.as_ref(), &code)),
                    },
                }
            }
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::RowNotFound => Self::Unreadable(error.to_string()),
            sqlx::Error::Encode(_) => Self::Refused("a value cannot be encoded".to_owned()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// The database's words may quote values in the detail, and for data errors in the message: only names are kept.
fn without_values(refused: &dyn sqlx::error::DatabaseError, code: &str) -> String {
    let mut said = format!("SQLSTATE {code}");
    if let Some(table) = refused.table() {
        said.push_str(", table ");
        said.push_str(table);
    }
    if let Some(constraint) = refused.constraint() {
        said.push_str(", constraint ");
        said.push_str(constraint);
    }
    if !code.starts_with("22") && !code.starts_with("23") {
        said.push_str(": ");
        said.push_str(refused.message());
    }
    said
}

/// A failure that may ask for its transaction again.
pub trait Retry {
    /// Nothing was written, and the same may be tried at once.
    fn again(&self) -> bool;
}

impl Retry for StoreError {
    fn again(&self) -> bool {
        matches!(self, Self::Again(_))
    }
}

/// How often a transaction is tried in all before its failure is handed on.
const TRIES: u32 = 10;

/// Runs a whole transaction, and again where the database asks for it. `work` opens and commits it.
///
/// # Errors
/// What `work` said last.
pub async fn retrying<T, E, F, W>(work: F) -> Result<T, E>
where
    E: Retry,
    F: Fn() -> W,
    W: Future<Output = Result<T, E>>,
{
    let mut tries = 1;
    loop {
        match work().await {
            Err(error) if error.again() && tries < TRIES => {
                tokio::time::sleep(pause(tries)).await;
                tries += 1;
            }
            ended => return ended,
        }
    }
}

/// A short pause that spreads those who met.
pub(super) fn pause(tries: u32) -> Duration {
    let most = 2_u64.pow(tries.min(6)) * 2;
    Duration::from_millis(rand::rng().random_range(1..=most))
}

/// A number as the database keeps it, read back as the unsigned one that was written.
pub(super) fn unsigned<T, U>(what: &str, value: T) -> Result<U, StoreError>
where
    T: Copy + std::fmt::Display,
    U: TryFrom<T>,
{
    U::try_from(value).map_err(|_| StoreError::Unreadable(format!("{what} is {value}")))
}

/// A sequence or position as the database keeps it. Beyond 2^63 no stream gets.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Text without U+0000, which Postgres cannot hold: replaced by U+FFFD, so that no id or name from outside can make a
/// write impossible.
pub fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
