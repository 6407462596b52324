//! At-most-once keys (`api_request_key`): the same request with the same key is answered with the transaction of the
//! first, in its present state, and nothing is done. Another request with the key is refused.

use super::call::{Ask, Call};
use super::codes;
use super::reply::{Errors, Reply};
use super::show;
use super::state::{KeyUse, State};
use super::transaction::Status;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

const LONGEST: usize = 255;
/// After this long a key is forgotten.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// A key with the request it belongs to.
#[derive(Debug)]
pub(super) struct Key {
    text: String,
    request: Value,
}

/// Looks the request's key up. `None`: there is no key, do the work. `Some`: do the work, then [`Key::done`].
///
/// # Errors
/// The reply to give instead of doing the work: a replay, or a refusal of the key.
pub(super) fn look_up(
    state: &State,
    operation: &str,
    made: bool,
    call: &Call,
    ask: &Ask,
    now: DateTime<Utc>,
) -> Result<Option<Key>, Reply> {
    let Some(text) = ask.text("api_request_key") else { return Ok(None) };
    let refused = |code| Reply::Invalid(Errors::one(&["transaction"], "api_request_key", code), call.params());
    if !state.settings.api_request_keys {
        return Err(refused(codes::KEY_NOT_ALLOWED));
    }
    if text.chars().count() > LONGEST {
        return Err(refused(codes::KEY_TOO_LONG));
    }
    let key = Key { request: json!([operation, call.id(), without_nulls(&ask.0)]), text };
    let Some(earlier) = state.keys.get(&key.text).filter(|k| k.at + REMEMBERED > now) else { return Ok(Some(key)) };
    if earlier.request != key.request {
        return Err(refused(codes::KEY_OTHER_REQUEST));
    }
    match earlier.transaction.as_deref().and_then(|id| state.transaction(id)) {
        Some(transaction) => Err(replay(transaction, made, call)),
        None => Err(refused(codes::KEY_OF_FAILED_REQUEST)),
    }
}

/// The answer of the first request, with the transaction as it is now. A decline is replayed as a decline.
fn replay(transaction: &super::transaction::Transaction, made: bool, call: &Call) -> Reply {
    match transaction.status {
        Status::ProcessorDeclined | Status::GatewayRejected | Status::Failed => super::sale::refused(transaction, call),
        _ if made => Reply::Made("transaction", show::transaction(transaction)),
        _ => Reply::Found("transaction", show::transaction(transaction)),
    }
}

/// An empty XML element and an absent JSON field are the same request.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), without_nulls(v))).collect(),
        ),
        other => other.clone(),
    }
}

impl Key {
    /// Remembers what the request came to: a transaction, or a failure.
    pub(super) fn done(self, state: &mut State, transaction: Option<String>, now: DateTime<Utc>) {
        state.keys.insert(self.text, KeyUse { request: self.request, transaction, at: now });
    }
}
