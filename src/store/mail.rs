//! The outbox of mails: what became of each, by its Message-ID. Holds no address, no name, no text. Decides nothing: how
//! often a mail may go out is told to it.

use super::error::{StoreError, storable, unsigned};
use sqlx::PgPool;
use uuid::Uuid;

/// What a mail is, for the record.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Of the mail's own header, unique for ever.
    pub message_id: &'a str,
    /// The saga that sends it; none: sent by hand.
    pub saga: Option<Uuid>,
    /// Which template.
    pub template: &'a str,
    /// Our customer id.
    pub customer: Option<&'a str>,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The text may be leaving now; once its sender is gone, as good as unknown.
    Sending,
    /// The server has taken it.
    Sent,
    /// The server took nothing, and will take nothing.
    Refused,
    /// The server took nothing this time.
    NotSent,
    /// The text left and no answer came.
    Unknown,
}

impl State {
    const ALL: [Self; 5] = [Self::Sending, Self::Sent, Self::Refused, Self::NotSent, Self::Unknown];

    /// Its name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the server is known to have taken nothing, so that this attempt does not count.
    const fn took_nothing(self) -> bool {
        match self {
            Self::Refused | Self::NotSent => true,
            Self::Sending | Self::Sent | Self::Unknown => false,
        }
    }
}

/// A mail's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What became of it.
    pub state: State,
    /// How often its text may have reached somebody.
    pub attempts: u32,
    /// The server's last words, without addresses.
    pub reply: Option<String>,
}

/// How a mail stands; none: it was never begun.
///
/// # Errors
/// The database cannot be reached.
pub async fn state(pool: &PgPool, message_id: &str) -> Result<Option<Standing>, StoreError> {
    let row = sqlx::query!("select state, attempts, reply from mail where message_id = $1", storable(message_id));
    row.fetch_optional(pool).await?.map(|row| standing(&row.state, row.attempts, row.reply)).transpose()
}

/// Records, before the text leaves, that it may have left; not for a mail that was sent, or whose text may have left
/// `at_most` times. Returns whether it was recorded: only then may the text leave.
///
/// # Errors
/// The database cannot be reached.
pub async fn begin(pool: &PgPool, entry: &Entry<'_>, at_most: u32) -> Result<bool, StoreError> {
    let begun = sqlx::query!(
        "insert into mail (message_id, saga, template, customer, state, attempts, changed_at)
         values ($1, $2, $3, $4, 'sending', 1, now())
         on conflict (message_id) do update set state = 'sending', attempts = mail.attempts + 1, changed_at = now()
         where mail.state <> 'sent' and mail.attempts < $5",
        storable(entry.message_id),
        entry.saga,
        entry.template,
        entry.customer.map(storable),
        i32::try_from(at_most).unwrap_or(i32::MAX)
    );
    Ok(begun.execute(pool).await?.rows_affected() == 1)
}

/// Records that the server refused a mail before its text could leave.
///
/// # Errors
/// The database cannot be reached.
pub async fn refused(pool: &PgPool, entry: &Entry<'_>, reply: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into mail (message_id, saga, template, customer, state, attempts, reply, changed_at)
         values ($1, $2, $3, $4, 'refused', 0, $5, now())
         on conflict (message_id) do update set state = 'refused', reply = $5, changed_at = now()
         where mail.state <> 'sent' and mail.state <> 'sending'",
        storable(entry.message_id),
        entry.saga,
        entry.template,
        entry.customer.map(storable),
        storable(reply)
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Records what became of a mail that was begun. An attempt of which the server took nothing does not count.
///
/// # Errors
/// The database cannot be reached.
pub async fn finish(pool: &PgPool, message_id: &str, state: State, reply: &str) -> Result<(), StoreError> {
    sqlx::query!(
        "update mail set state = $2, reply = $3, attempts = attempts - $4, changed_at = now()
         where message_id = $1 and state = 'sending'",
        storable(message_id),
        state.as_str(),
        storable(reply),
        i32::from(state.took_nothing())
    )
    .execute(pool)
    .await?;
    Ok(())
}

fn standing(state: &str, attempts: i32, reply: Option<String>) -> Result<Standing, StoreError> {
    let known = State::ALL.into_iter().find(|known| known.as_str() == state);
    let state = known.ok_or_else(|| StoreError::Unreadable(format!("the mail's state `{state}`")))?;
    Ok(Standing { state, attempts: unsigned("mail.attempts", attempts)?, reply })
}
