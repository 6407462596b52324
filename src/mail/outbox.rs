//! A mail goes out once, whoever repeats its step: the outbox's row says so before the text leaves. A mail about money
//! whose fate is unknown goes out a second time, under the same Message-ID; any other one does not.

use super::{Mail, Mailer, Sent};
use crate::store::StoreError;
use crate::store::mail::{self, Entry, Standing, State};
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{NotSent, Outcome};
use sqlx::PgPool;
use uuid::Uuid;

/// Who sends a mail and about whom, for the record.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sender<'a> {
    /// The saga.
    pub saga: Option<Uuid>,
    /// Our customer id.
    pub customer: Option<&'a str>,
}

/// Sends a mail unless it was sent. `money`: it says that money moved or is owed, so that twice is better than never.
///
/// `Unknown` says that the text may have arrived; called again, a mail about money goes out once more, and any other one,
/// and that one after its second time, stays `Unknown` and is not sent.
pub async fn deliver(pool: &PgPool, mailer: &Mailer, mail: &Mail, from: Sender<'_>, money: bool) -> Outcome {
    try_to(pool, mailer, mail, from, money).await.unwrap_or_else(|error| Outcome::NotSent {
        cause: NotSent::Again,
        detail: error.to_string(),
        retry_after_seconds: None,
    })
}

async fn try_to(
    pool: &PgPool,
    mailer: &Mailer,
    mail: &Mail,
    from: Sender<'_>,
    money: bool,
) -> Result<Outcome, StoreError> {
    let at_most = if money { 2 } else { 1 };
    let id = mail.message_id.as_str();
    if let Some(ended) = mail::state(pool, id).await?.and_then(|standing| ended(&standing, at_most)) {
        return Ok(ended);
    }
    let template = mail.facts.template().as_str();
    let entry = Entry { message_id: id, saga: from.saga, template, customer: from.customer };
    let accepted = match mailer.open(mail).await {
        Ok(accepted) => accepted,
        Err(sent) => {
            if let Outcome::Rejected { .. } = sent.outcome {
                mail::refused(pool, &entry, &sent.reply).await?;
            }
            return Ok(sent.outcome);
        }
    };
    if !mail::begin(pool, &entry, at_most).await? {
        // Somebody else was quicker since we looked.
        let standing = mail::state(pool, id).await?;
        return Ok(standing.and_then(|standing| ended(&standing, at_most)).unwrap_or_else(still_unknown));
    }
    let Sent { outcome, reply } = accepted.send().await;
    // Where this write fails the row stays `sending`, which is read as unknown: the truth, as far as the row knows it.
    if let Err(error) = mail::finish(pool, id, state_of(&outcome), &reply).await {
        tracing::warn!(message_id = id, %error, "what became of a mail was not recorded");
    }
    Ok(outcome)
}

/// The outcome that stands, where nothing more may be sent.
fn ended(standing: &Standing, at_most: u32) -> Option<Outcome> {
    match standing.state {
        State::Sent => Some(Outcome::Done { answer: Answer::Nothing }),
        State::Sending | State::Unknown | State::Refused | State::NotSent => {
            (standing.attempts >= at_most).then(still_unknown)
        }
    }
}

fn still_unknown() -> Outcome {
    Outcome::Unknown { detail: "the mail may have arrived; it is not sent again".to_owned() }
}

fn state_of(outcome: &Outcome) -> State {
    match outcome {
        Outcome::Done { .. } => State::Sent,
        Outcome::Rejected { .. } | Outcome::Declined { .. } => State::Refused,
        Outcome::NotSent { .. } => State::NotSent,
        Outcome::Unknown { .. } => State::Unknown,
    }
}
