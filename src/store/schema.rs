//! The database's shape and whom it belongs to: migrations, the check that this release fits, the installation's stamp.

use super::error::StoreError;
use super::recovery::{Watchman, identity};
use sqlx::PgPool;
use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Why this release and the database do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The database lacks migrations of this release.
    #[error("the database is older than this release: migration {missing} is not applied; run the `migrate` command")]
    TooOld {
        /// The first that is missing.
        missing: i64,
    },
    /// The database has migrations that this release does not know.
    #[error("the database is newer than this release: it has migration {unknown}; run the release that made it")]
    TooNew {
        /// The first that is unknown.
        unknown: i64,
    },
    /// A migration was half applied, or is not the one that was applied.
    #[error("migration {version} of the database is not the one of this release, or was left half applied: {detail}")]
    Differs {
        /// Which.
        version: i64,
        /// How.
        detail: String,
    },
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens a pool. Sessions that hang in a transaction are closed by the server, so that a stopped process cannot keep
/// its shards locked.
///
/// # Errors
/// The database cannot be reached, or refuses us.
pub async fn connect(options: PgConnectOptions, most: u32) -> Result<PgPool, StoreError> {
    pool(options, most, None, SESSION).await
}

/// As [`connect`]; each connection shows the watchman which database it reached.
///
/// # Errors
/// The database cannot be reached, or refuses us.
pub(super) async fn connect_watched(
    options: PgConnectOptions,
    most: u32,
    watchman: Arc<Watchman>,
) -> Result<PgPool, StoreError> {
    pool(options, most, Some(watchman), SESSION).await
}

/// The connection of the log's writer: its own, so that a pool in full use holds up no append. Its few statements are
/// planned once, for tables of any size.
///
/// # Errors
/// The database cannot be reached, or refuses us.
pub(super) async fn connect_writer(options: PgConnectOptions, watchman: Arc<Watchman>) -> Result<PgPool, StoreError> {
    pool(options, 1, Some(watchman), WRITER).await
}

const SESSION: &str = "set idle_in_transaction_session_timeout = '15s'; set timezone = 'UTC'";
const WRITER: &str = "set idle_in_transaction_session_timeout = '15s'; set timezone = 'UTC';
    set plan_cache_mode = force_generic_plan; set enable_seqscan = off";

async fn pool(
    options: PgConnectOptions,
    most: u32,
    watchman: Option<Arc<Watchman>>,
    session: &'static str,
) -> Result<PgPool, StoreError> {
    let pool = PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(Duration::from_secs(10))
        .after_connect(move |connection, _| {
            let watchman = watchman.clone();
            Box::pin(async move {
                sqlx::raw_sql(session).execute(&mut *connection).await?;
                if let Some(watchman) = watchman {
                    let identity = identity(connection).await.map_err(|e| sqlx::Error::Protocol(e.to_string()))?;
                    watchman.sees(&identity);
                }
                Ok(())
            })
        })
        .connect_with(options)
        .await?;
    Ok(pool)
}

/// Brings the database to the shape of this release.
///
/// # Errors
/// The database is newer, differs, or cannot be reached.
pub async fn migrate(pool: &PgPool) -> Result<(), SchemaError> {
    MIGRATIONS.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(unknown) => SchemaError::TooNew { unknown },
        MigrateError::VersionMismatch(version) => {
            SchemaError::Differs { version, detail: "its checksum differs".to_owned() }
        }
        MigrateError::Dirty(version) => SchemaError::Differs { version, detail: "it did not end".to_owned() },
        MigrateError::Execute(error) => SchemaError::Store(error.into()),
        MigrateError::ExecuteMigration(error, version) => {
            SchemaError::Differs { version, detail: StoreError::from(error).to_string() }
        }
        other => SchemaError::Store(StoreError::Refused(other.to_string())),
    })
}

/// Checks that the database has exactly the shape of this release. Changes nothing.
///
/// # Errors
/// It is older, newer, or differs.
pub async fn check_schema(pool: &PgPool) -> Result<(), SchemaError> {
    let mut connection = pool.acquire().await.map_err(StoreError::from)?;
    let known: BTreeMap<i64, _> = MIGRATIONS.iter().map(|m| (m.version, &m.checksum)).collect();
    let first = known.keys().next().copied().unwrap_or_default();
    let made = sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is not null as "made!""#)
        .fetch_one(&mut *connection)
        .await
        .map_err(StoreError::from)?;
    if !made {
        return Err(SchemaError::TooOld { missing: first });
    }
    let applied = connection
        .list_applied_migrations("_sqlx_migrations")
        .await
        .map_err(|error| StoreError::Unreadable(error.to_string()))?;
    for migration in &applied {
        match known.get(&migration.version) {
            None => return Err(SchemaError::TooNew { unknown: migration.version }),
            Some(checksum) if **checksum != migration.checksum => {
                return Err(SchemaError::Differs {
                    version: migration.version,
                    detail: "its checksum differs".to_owned(),
                });
            }
            Some(_) => {}
        }
    }
    match known.keys().find(|version| !applied.iter().any(|a| a.version == **version)) {
        Some(missing) => Err(SchemaError::TooOld { missing: *missing }),
        None => Ok(()),
    }
}

/// Whom a database belongs to. Fixed when it is made: a program of another environment or account must not write here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// `sandbox`, `production` …
    pub environment: String,
    /// Prefix of every order id.
    pub prefix: String,
    /// Braintree merchant id.
    pub braintree_merchant: String,
    /// Zoho organisation id.
    pub zoho_organisation: String,
    /// Attio workspace id.
    pub attio_workspace: String,
    /// How many shards the log has.
    pub shards: u16,
}

/// Shards of a new installation.
pub const SHARDS: u16 = 64;

/// Why a database is not ours to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// It belongs to another installation.
    #[error(
        "this database belongs to {field} `{stored}`, and the configuration says `{configured}`: use another database"
    )]
    Differs {
        /// Which part.
        field: &'static str,
        /// What the database says.
        stored: String,
        /// What the program was given.
        configured: String,
    },
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stamps a new database and makes its shards; compares the stamp of one that has it.
///
/// # Errors
/// The database belongs to another installation.
pub async fn stamp(pool: &PgPool, stamp: &Stamp) -> Result<(), StampError> {
    let mut tx = pool.begin().await.map_err(StoreError::from)?;
    sqlx::query!(
        "insert into installation
            (one, environment, prefix, braintree_merchant, zoho_organisation, attio_workspace, shards, created_at)
         values (true, $1, $2, $3, $4, $5, $6, now()) on conflict (one) do nothing",
        stamp.environment,
        stamp.prefix,
        stamp.braintree_merchant,
        stamp.zoho_organisation,
        stamp.attio_workspace,
        i32::from(stamp.shards)
    )
    .execute(&mut *tx)
    .await
    .map_err(StoreError::from)?;
    let shards: Vec<i32> = (0..stamp.shards).map(i32::from).collect();
    sqlx::query!(
        "insert into shard (shard, node, epoch) select s, null, 0 from unnest($1::integer[]) as s
         where s < (select shards from installation) on conflict (shard) do nothing",
        &shards
    )
    .execute(&mut *tx)
    .await
    .map_err(StoreError::from)?;
    tx.commit().await.map_err(StoreError::from)?;
    let Some(stored) = stamp_of(pool).await? else {
        return Err(StoreError::Unreadable("the installation's row is gone".to_owned()).into());
    };
    let fields = [
        ("environment", stored.environment, &stamp.environment),
        ("prefix", stored.prefix, &stamp.prefix),
        ("braintree_merchant", stored.braintree_merchant, &stamp.braintree_merchant),
        ("zoho_organisation", stored.zoho_organisation, &stamp.zoho_organisation),
        ("attio_workspace", stored.attio_workspace, &stamp.attio_workspace),
        ("shards", stored.shards.to_string(), &stamp.shards.to_string()),
    ];
    for (field, stored, configured) in fields {
        if stored != *configured {
            return Err(StampError::Differs { field, stored, configured: configured.clone() });
        }
    }
    Ok(())
}

/// The stamp of a database; `None` where it has none yet.
///
/// # Errors
/// The database cannot be asked.
pub async fn stamp_of(pool: &PgPool) -> Result<Option<Stamp>, StoreError> {
    let row = sqlx::query!(
        "select environment, prefix, braintree_merchant, zoho_organisation, attio_workspace, shards from installation"
    )
    .fetch_optional(pool)
    .await?;
    row.map(|row| {
        Ok(Stamp {
            environment: row.environment,
            prefix: row.prefix,
            braintree_merchant: row.braintree_merchant,
            zoho_organisation: row.zoho_organisation,
            attio_workspace: row.attio_workspace,
            shards: super::error::unsigned("the number of shards", row.shards)?,
        })
    })
    .transpose()
}
