//! Tokens of the private API: made, looked up at every request, approved, revoked. Keeps hashes, never a token; deletes
//! nothing: the rows are the record. Times are the database's, so that nodes agree and no simulated clock counts.

use super::error::{StoreError, retrying, storable};
use crate::access::{Actor, Addresses, Holder, Role, Way, hash, is_well_formed, new_secret};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;
use std::net::IpAddr;
use uuid::Uuid;

/// A token lives at most so many days.
pub const DAYS_AT_MOST: u16 = 365;
/// Who holds the token that the configuration names.
pub const BOOTSTRAP: &str = "bootstrap";
/// Who made it.
const DEPLOYMENT: &str = "deployment";

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// Who will hold it: lower-case letters, digits, `.`, `_`, `-`, `@`.
    pub name: String,
    /// Person or program.
    pub holder: Holder,
    /// What for.
    pub role: Role,
    /// From where.
    pub addresses: Addresses,
    /// For how long.
    pub days: u16,
    /// Why.
    pub reason: String,
    /// Who makes it: a principal.
    pub by: String,
}

/// A token as it stands. Its text is known to its holder alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub id: Uuid,
    pub name: String,
    pub holder: Holder,
    pub role: Role,
    pub addresses: Vec<String>,
    pub reason: String,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// `waiting` (for a second person), `live`, `expired`, `revoked`.
    pub state: String,
    pub approved_by: Option<String>,
    pub approved_at: Option<DateTime<Utc>>,
    /// To the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_by: Option<String>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub revoke_reason: Option<String>,
}

/// Why a token was not made, approved or revoked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TokenError {
    /// The name cannot be one.
    #[error(
        "`{0}` is no name: expected 2 to 64 lower-case letters, digits, `.`, `_`, `-` or `@`, and not `{BOOTSTRAP}`"
    )]
    Name(String),
    /// It would live too long, or not at all.
    #[error("{0} days are not possible: expected 1 to {DAYS_AT_MOST}")]
    Days(u16),
    /// The name is another kind's.
    #[error("`{0}` is on record as a person or a program, and this would make it the other: choose another name")]
    OtherHolder(String),
    /// Nobody gives to or takes from themselves.
    #[error("{0} is you: another admin must do this")]
    Oneself(String),
    /// Who made it, or will hold it, cannot approve it.
    #[error("{by} made token {id} or would hold it, and cannot approve it: another admin must look")]
    SamePerson {
        /// Which.
        id: Uuid,
        /// Who.
        by: String,
    },
    /// There is none of that id.
    #[error("there is no token {0}")]
    Unknown(Uuid),
    /// Its state does not allow it.
    #[error("token {id} is {state}: {}", if *.approving { "nothing follows from an approval" } else { "there is nothing to revoke" })]
    State {
        /// Which.
        id: Uuid,
        /// What it is.
        state: String,
        /// What was tried.
        approving: bool,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for TokenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Why a token opens nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// It has not the form of one.
    #[error("this is no token")]
    Malformed,
    /// No row has its hash.
    #[error("this token is not known here")]
    Unknown,
    /// It was taken back.
    #[error("this token was revoked")]
    Revoked,
    /// Its time is over.
    #[error("this token has expired")]
    Expired,
    /// Nobody has agreed to it yet.
    #[error("this token waits for a second person")]
    Waiting,
    /// It may not be used from there.
    #[error("this token may not be used from this address")]
    Address,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Turned {
    /// A word for a metric's label.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Waiting => "waiting",
            Self::Address => "address",
            Self::Store(_) => "store",
        }
    }
}

/// Makes a token: its id and its text, which is shown once and kept nowhere. Where two persons are needed and there is a
/// second admin who is a person, it opens nothing until one of them has approved it.
///
/// # Errors
/// Name or days are none, the name is another kind's, or the database cannot be reached.
pub async fn create(pool: &PgPool, token: &NewToken, two_persons: bool) -> Result<(Uuid, SecretString), TokenError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-@".contains(c);
    if !(2..=64).contains(&token.name.len()) || !token.name.chars().all(fits) || token.name == BOOTSTRAP {
        return Err(TokenError::Name(token.name.clone()));
    }
    if !(1..=DAYS_AT_MOST).contains(&token.days) {
        return Err(TokenError::Days(token.days));
    }
    if is_own(&token.by, &token.name) {
        return Err(TokenError::Oneself(token.name.clone()));
    }
    let (id, secret, days) = (Uuid::now_v7(), new_secret(), i32::from(token.days));
    let (hash, addresses) = (hash(secret.expose_secret()), token.addresses.words());
    let made = sqlx::query!(
        "insert into token (id, name, holder, role, hash, addresses, reason, created_by, created_at, expires_at, needs_second)
         select $1, $2, $3, $4, $5, $6, $7, $8, now(), now() + make_interval(days => $9),
            $10 and exists (select 1 from token a where a.role = 'admin' and a.holder = 'person' and a.revoked_at is null
                and a.expires_at > now() and (not a.needs_second or a.approved_at is not null)
                and a.name <> $2 and a.name <> split_part($8, ':', 2))
         where not exists (select 1 from token o where o.name = $2 and o.holder <> $3)",
        id,
        token.name,
        token.holder.as_str(),
        token.role.as_str(),
        hash.as_slice(),
        &addresses,
        storable(&token.reason),
        storable(&token.by),
        days,
        two_persons
    );
    if made.execute(pool).await?.rows_affected() == 0 {
        return Err(TokenError::OtherHolder(token.name.clone()));
    }
    Ok((id, secret))
}

/// Lets the token of the configuration in: the first one of an installation, an admin's and no person's. Another text is
/// another token, and the one before is revoked; one that was revoked stays so. False: it was known.
///
/// # Errors
/// The database cannot be reached.
pub async fn bootstrap(pool: &PgPool, secret: &SecretString) -> Result<bool, StoreError> {
    let hash = hash(secret.expose_secret());
    retrying(|| async {
        let mut tx = pool.begin().await?;
        let made = sqlx::query!(
            "insert into token (id, name, holder, role, hash, addresses, reason, created_by, created_at, expires_at, needs_second)
             values ($1, $2, 'program', 'admin', $3, '{}', 'ADMIN_TOKEN', $4, now(), now() + interval '365 days', false)
             on conflict (hash) do nothing",
            Uuid::now_v7(),
            BOOTSTRAP,
            hash.as_slice(),
            DEPLOYMENT
        );
        if made.execute(&mut *tx).await?.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query!(
            "update token set revoked_at = now(), revoked_by = $3, revoke_reason = 'ADMIN_TOKEN is another one now'
             where name = $1 and hash <> $2 and revoked_at is null",
            BOOTSTRAP,
            hash.as_slice(),
            DEPLOYMENT
        )
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    })
    .await
}

/// Whether the token of the configuration still opens the API, and whether another admin's token does.
///
/// # Errors
/// The database cannot be reached.
pub async fn bootstrap_stands(pool: &PgPool) -> Result<(bool, bool), StoreError> {
    let row = sqlx::query!(
        r#"select coalesce(bool_or(name = $1), false) as "bootstrap!", coalesce(bool_or(name <> $1), false) as "other!"
           from token where role = 'admin' and revoked_at is null and expires_at > now()
               and (not needs_second or approved_at is not null)"#,
        BOOTSTRAP
    );
    let row = row.fetch_one(pool).await?;
    Ok((row.bootstrap, row.other))
}

/// Who comes with this text, from that address. Looked up each time, so that a revocation counts on every node at once.
///
/// # Errors
/// The token opens nothing, and why; or the database cannot be reached.
pub async fn authenticate(pool: &PgPool, text: &str, from: Option<IpAddr>) -> Result<Actor, Turned> {
    if !is_well_formed(text) {
        return Err(Turned::Malformed);
    }
    let hash = hash(text);
    let row = sqlx::query!(
        r#"select id, name, holder, role, addresses, revoked_at is not null as "revoked!",
               expires_at <= now() as "expired!", needs_second and approved_at is null as "waits!",
               (last_used_at is null or last_used_at <= now() - interval '1 minute') as "stale!"
           from token where hash = $1"#,
        hash.as_slice()
    );
    let row = row.fetch_optional(pool).await.map_err(StoreError::from)?.ok_or(Turned::Unknown)?;
    if row.revoked {
        return Err(Turned::Revoked);
    }
    if row.expired {
        return Err(Turned::Expired);
    }
    if row.waits {
        return Err(Turned::Waiting);
    }
    let addresses = Addresses::parse(&row.addresses).map_err(|e| StoreError::Unreadable(e.to_string()))?;
    if !addresses.let_in(from) {
        return Err(Turned::Address);
    }
    let (holder, role) = (holder(&row.holder)?, role(&row.role)?);
    if row.stale {
        let used = sqlx::query!("update token set last_used_at = now() where id = $1", row.id);
        used.execute(pool).await.map_err(StoreError::from)?;
    }
    Ok(Actor { name: row.name, role, holder, way: Way::Token })
}

fn role(word: &str) -> Result<Role, StoreError> {
    Role::parse(word).ok_or_else(|| StoreError::Unreadable(format!("role `{word}`")))
}

fn holder(word: &str) -> Result<Holder, StoreError> {
    Holder::parse(word).ok_or_else(|| StoreError::Unreadable(format!("holder `{word}`")))
}

struct Row {
    id: Uuid,
    name: String,
    holder: String,
    role: String,
    addresses: Vec<String>,
    reason: String,
    created_by: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    state: String,
    approved_by: Option<String>,
    approved_at: Option<DateTime<Utc>>,
    last_used_at: Option<DateTime<Utc>>,
    revoked_by: Option<String>,
    revoked_at: Option<DateTime<Utc>>,
    revoke_reason: Option<String>,
}

impl TryFrom<Row> for Token {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            name: row.name,
            holder: holder(&row.holder)?,
            role: role(&row.role)?,
            addresses: row.addresses,
            reason: row.reason,
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            state: row.state,
            approved_by: row.approved_by,
            approved_at: row.approved_at,
            last_used_at: row.last_used_at,
            revoked_by: row.revoked_by,
            revoked_at: row.revoked_at,
            revoke_reason: row.revoke_reason,
        })
    }
}

/// All tokens there ever were, the youngest first; or the one of that id.
async fn rows(pool: &PgPool, only: Option<Uuid>) -> Result<Vec<Token>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, name, holder, role, addresses, reason, created_by, created_at, expires_at,
               case when revoked_at is not null then 'revoked'
                   when expires_at <= now() then 'expired'
                   when needs_second and approved_at is null and created_at <= now() - interval '24 hours' then 'expired'
                   when needs_second and approved_at is null then 'waiting'
                   else 'live' end as "state!",
               approved_by, approved_at, last_used_at, revoked_by, revoked_at, revoke_reason
           from token where $1::uuid is null or id = $1 order by created_at desc, id desc"#,
        only
    );
    rows.fetch_all(pool).await?.into_iter().map(Token::try_from).collect()
}

/// All tokens there ever were, the youngest first.
///
/// # Errors
/// The database cannot be reached.
pub async fn list(pool: &PgPool) -> Result<Vec<Token>, StoreError> {
    rows(pool, None).await
}

/// One token.
///
/// # Errors
/// There is none of that id, or the database cannot be reached.
pub async fn find(pool: &PgPool, id: Uuid) -> Result<Token, TokenError> {
    rows(pool, Some(id)).await?.pop().ok_or(TokenError::Unknown(id))
}

/// A second person agrees to a token, within a day.
///
/// # Errors
/// It does not wait, its maker or holder answers, or the database cannot be reached.
pub async fn approve(pool: &PgPool, id: Uuid, by: &str) -> Result<Token, TokenError> {
    let agreed = sqlx::query!(
        "update token set approved_by = $2, approved_at = now()
         where id = $1 and needs_second and approved_at is null and revoked_at is null and expires_at > now()
            and created_at > now() - interval '24 hours'
            and split_part(created_by, ':', 2) <> split_part($2, ':', 2) and name <> split_part($2, ':', 2)",
        id,
        storable(by)
    );
    let agreed = agreed.execute(pool).await?.rows_affected() == 1;
    let token = find(pool, id).await?;
    if agreed {
        return Ok(token);
    }
    if token.state == "waiting" {
        return Err(TokenError::SamePerson { id, by: by.to_owned() });
    }
    Err(TokenError::State { id, state: token.state, approving: true })
}

/// Takes a token back: from now on it opens nothing, on any node.
///
/// # Errors
/// It is who revokes it, it was revoked before, or the database cannot be reached.
pub async fn revoke(pool: &PgPool, id: Uuid, by: &str, reason: &str) -> Result<Token, TokenError> {
    let token = find(pool, id).await?;
    if is_own(by, &token.name) {
        return Err(TokenError::Oneself(token.name));
    }
    let revoked = sqlx::query!(
        "update token set revoked_at = now(), revoked_by = $2, revoke_reason = $3 where id = $1 and revoked_at is null",
        id,
        storable(by),
        storable(reason)
    );
    if revoked.execute(pool).await?.rows_affected() == 0 {
        return Err(TokenError::State { id, state: token.state, approving: false });
    }
    find(pool, id).await
}

/// Whether a token of that name is the principal's own.
fn is_own(principal: &str, name: &str) -> bool {
    principal.split_once(':') == Some(("token", name))
}
