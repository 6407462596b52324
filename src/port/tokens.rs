//! Where a vendor's access token is kept, so that all nodes share one and no restart asks for another: the rules as pure
//! functions over what is kept of a credential, and a keeper for commands without a database. Calls no vendor.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// A token is no longer used when less than this is left.
const MARGIN: TimeDelta = TimeDelta::seconds(120);
/// Our own limit of refreshes within [`WINDOW`]: half of what Zoho allows, for another environment may draw on it too.
const REFRESHES: usize = 5;
/// The time in which Zoho counts refreshes.
pub const WINDOW: TimeDelta = TimeDelta::minutes(10);
/// Who refreshes has so long; then another may: longer than any call.
const LEASE: TimeDelta = TimeDelta::seconds(45);

/// Callers' readings of the time may be so far apart: who reads first may come to the kept row second.
const APART: TimeDelta = TimeDelta::seconds(5);

/// An access token that all nodes share.
#[derive(Debug, Clone)]
pub struct SharedToken {
    /// What opens the vendor.
    pub secret: SecretString,
    /// Which refresh it came from: grows by one with each.
    pub generation: u64,
    /// When it ends (UTC).
    pub expires_at: DateTime<Utc>,
}

/// What one who needs a token may do.
#[derive(Debug)]
pub enum Turn {
    /// Use this one.
    Token(SharedToken),
    /// Ask the vendor for one, and say under this lease what came of it.
    Refresh(Uuid),
    /// Wait.
    Wait {
        /// When it is worth coming again (UTC).
        until: DateTime<Utc>,
        /// For what.
        wait: Wait,
    },
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Another node asks the vendor now.
    Elsewhere,
    /// The vendor's allowance of refreshes is used up, or it blocks them.
    Allowance,
}

/// What came of a refresh.
#[derive(Debug)]
pub enum Refreshed {
    /// A token.
    Token {
        /// What opens the vendor.
        secret: SecretString,
        /// When it ends (UTC).
        expires_at: DateTime<Utc>,
    },
    /// The vendor was asked, and gave none.
    None,
    /// The vendor was not reached: it does not count.
    Unasked,
    /// The vendor blocks refreshes until then (UTC).
    Blocked(DateTime<Utc>),
}

/// Keeps the token of each credential. A credential is named by what tells it from others and opens nothing.
#[async_trait]
pub trait TokenStore: Send + Sync {
    /// What may be done now by one who needs a token other than that of the refused generation. Of all nodes at most one is
    /// told to refresh.
    ///
    /// # Errors
    /// A sentence: our own store does not answer.
    async fn begin(&self, credential: &str, refused: Option<u64>, now: DateTime<Utc>) -> Result<Turn, String>;

    /// Says what came of the refresh that the lease was for; the token now, if there is one. A lease that ended changes
    /// nothing but that a token is kept.
    ///
    /// # Errors
    /// A sentence: our own store does not answer.
    async fn end(&self, credential: &str, lease: Uuid, came: Refreshed) -> Result<Option<SharedToken>, String>;
}

/// What is kept of one credential.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// The newest token and when it ends (UTC).
    pub token: Option<(SecretString, DateTime<Utc>)>,
    /// How many there were.
    pub generation: u64,
    /// When the vendor was asked, within the window (UTC).
    pub asked_at: Vec<DateTime<Utc>>,
    /// The vendor blocks refreshes until then (UTC).
    pub blocked_until: Option<DateTime<Utc>>,
    /// Who asks the vendor now, and until when (UTC).
    pub lease: Option<(Uuid, DateTime<Utc>)>,
}

impl Kept {
    fn shared(&self) -> Option<SharedToken> {
        let (secret, expires_at) = self.token.clone()?;
        Some(SharedToken { secret, generation: self.generation, expires_at })
    }

    /// See [`TokenStore::begin`]. Instants that business time has not reached, for it can be moved back, bind nobody for
    /// longer than they would have.
    pub fn begin(&mut self, refused: Option<u64>, now: DateTime<Utc>) -> Turn {
        let usable = self.shared().filter(|token| token.expires_at - MARGIN > now);
        if let Some(token) = usable.filter(|token| refused != Some(token.generation)) {
            return Turn::Token(token);
        }
        let within = |until: DateTime<Utc>, longest: TimeDelta| until > now && until <= now + longest + APART;
        if let Some((_, until)) = self.lease.filter(|(_, until)| within(*until, LEASE)) {
            return Turn::Wait { until, wait: Wait::Elsewhere };
        }
        self.asked_at.retain(|at| *at <= now + APART && *at + WINDOW > now);
        let full = self.asked_at.first().filter(|_| self.asked_at.len() >= REFRESHES).map(|oldest| *oldest + WINDOW);
        let blocked = self.blocked_until.filter(|until| within(*until, WINDOW));
        if let Some(until) = full.max(blocked) {
            return Turn::Wait { until, wait: Wait::Allowance };
        }
        let lease = Uuid::now_v7();
        self.lease = Some((lease, now + LEASE));
        self.asked_at.push(now);
        Turn::Refresh(lease)
    }

    /// See [`TokenStore::end`].
    pub fn end(&mut self, lease: Uuid, came: Refreshed) -> Option<SharedToken> {
        let ours = self.lease.is_some_and(|(id, _)| id == lease);
        if ours {
            self.lease = None;
        }
        match came {
            Refreshed::Token { secret, expires_at } => {
                self.generation += 1;
                self.token = Some((secret, expires_at));
                self.blocked_until = None;
            }
            Refreshed::Unasked if ours => {
                self.asked_at.pop();
            }
            Refreshed::Blocked(until) => self.blocked_until = Some(until),
            Refreshed::None | Refreshed::Unasked => {}
        }
        self.shared()
    }
}

/// Keeps tokens in this process alone: for commands that run without a database, and for tests.
#[derive(Debug, Default)]
pub struct InMemory(Mutex<BTreeMap<String, Kept>>);

impl InMemory {
    fn of<T>(&self, credential: &str, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(credential.to_owned()).or_default())
    }
}

#[async_trait]
impl TokenStore for InMemory {
    async fn begin(&self, credential: &str, refused: Option<u64>, now: DateTime<Utc>) -> Result<Turn, String> {
        Ok(self.of(credential, |kept| kept.begin(refused, now)))
    }

    async fn end(&self, credential: &str, lease: Uuid, came: Refreshed) -> Result<Option<SharedToken>, String> {
        Ok(self.of(credential, |kept| kept.end(lease, came)))
    }
}
