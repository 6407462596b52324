//! The one seam between the engine and the world: perform a call, or look up by our own reference whether it was done.

mod tokens;

pub use tokens::{InMemory, Kept, Refreshed, SharedToken, TokenStore, Turn, WINDOW, Wait};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sagas::kernel::effect::Effect;
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, NotSent, Outcome};
use sagas::kernel::priority::Priority;
use sagas::kernel::profile::{Field, Values};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// One call, with all that is needed to make it or to find it again.
#[derive(Debug, Clone)]
pub struct Call {
    /// The saga that wants it.
    pub saga: SagaId,
    /// The step's name.
    pub step: String,
    /// Which sending of the same request, from 1.
    pub attempt: u32,
    /// What to do; its references are the same in every sending.
    pub effect: Effect,
    /// When it was first wanted (UTC): nothing of ours at the vendor is older.
    pub requested_at: DateTime<Utc>,
    /// When the bytes left, on a look-up after a send (UTC).
    pub sent_at: Option<DateTime<Utc>>,
    /// Business time now (UTC).
    pub now: DateTime<Utc>,
    /// How long the call may take in all; then its outcome is unknown.
    pub time_limit: Duration,
    /// What the effect needs and no event may hold.
    pub beside: Beside,
}

/// What is laid beside a call: it stands in no event, no log and no error.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// Personal data of the customer whom the effect names.
    pub person: Option<Person>,
    /// The single-use input that the effect names, opened.
    pub input: Option<SecretString>,
    /// The address of the checkout page that the effect names.
    pub link: Option<SecretString>,
    /// What others had written elsewhere of the customer whom the effect names, by where it stood.
    pub displaced: Vec<(String, Values)>,
}

/// Personal data of a customer, as Attio holds it. Kept apart from the log, so that it can be erased.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Of the person, or of the company's contact.
    pub first_name: String,
    /// Of the person, or of the company's contact.
    pub last_name: String,
    /// Company name, where the client is one.
    pub company: Option<String>,
    /// Where mail goes.
    pub email: String,
    /// In whatever form it was typed.
    pub phone: Option<String>,
    /// First line of the address.
    pub street: Option<String>,
    pub city: Option<String>,
    pub postal_code: Option<String>,
    pub state: Option<String>,
    /// ISO 3166 code.
    pub country: Option<String>,
    /// Language of pages and mails, as a BCP 47 tag.
    pub locale: Option<String>,
}

impl Person {
    /// Nobody: what stands at a vendor in place of a person who was erased. `mark` keeps apart what must be unique.
    pub fn erased(mark: &str) -> Self {
        Self {
            last_name: format!("Erased {mark}"),
            // A top-level domain that never leads anywhere (RFC 2606).
            email: format!("{mark}@erased.invalid"),
            ..Self::default()
        }
    }

    /// The fields that Attio owns, as they are compared and written; empty where there is nothing.
    pub fn values(&self) -> Values {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Values::from([
            (Field::FirstName, self.first_name.clone()),
            (Field::LastName, self.last_name.clone()),
            (Field::Company, text(&self.company)),
            (Field::Email, self.email.clone()),
            (Field::Phone, text(&self.phone)),
            (Field::Street, text(&self.street)),
            (Field::City, text(&self.city)),
            (Field::PostalCode, text(&self.postal_code)),
            (Field::State, text(&self.state)),
            (Field::Country, text(&self.country)),
        ])
    }

    /// What the customer is called on a page, a mail, a document.
    pub fn display_name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name).trim().to_owned();
        self.company.clone().filter(|company| !company.is_empty()).unwrap_or(name)
    }
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person").finish_non_exhaustive()
    }
}

/// What came of a call.
#[derive(Debug, Clone)]
pub struct Report {
    /// One of the five outcomes.
    pub outcome: Outcome,
    /// The vendor's own id of the request, for its support.
    pub request_id: Option<String>,
    /// Personal data that was read; the engine keeps it under the customer whom the effect names, or compares it with what
    /// is kept where the effect compares.
    pub person: Option<Person>,
}

impl From<Outcome> for Report {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, request_id: None, person: None }
    }
}

/// The list of who was erased, outside the database: a database that is restored from before has them again.
#[async_trait]
pub trait ErasureList: std::fmt::Debug + Send + Sync {
    /// Puts a customer of ours on it. How the customer stands there, which names nobody; none: no list is kept.
    ///
    /// # Errors
    /// The list did not take it, in a sentence.
    async fn add(&self, customer: &str, by: &str, at: DateTime<Utc>) -> Result<Option<String>, String>;
}

/// Performs effects. An implementation never retries a write and never panics on what a vendor sends.
#[async_trait]
pub trait Perform: Send + Sync {
    /// Makes the call once.
    async fn perform(&self, call: &Call) -> Report;

    /// Looks the call up by our own reference, without changing anything.
    async fn look(&self, call: &Call) -> Look;

    /// Reads what the vendor holds under an id of its own, as the outcome of this call. A vendor whose ids are found by
    /// our reference alone is asked by that; who orders it compares what is shown with the id.
    async fn confirm(&self, call: &Call, _id: &str) -> Look {
        self.look(call).await
    }
}

/// On whose behalf requests leave: a saga's call, or, where nobody said so, something in the background.
#[derive(Debug, Clone)]
pub struct Errand {
    /// The saga, if one.
    pub saga: Option<SagaId>,
    /// Who goes first.
    pub priority: Priority,
    /// Nothing is changed at the vendor.
    pub reads: bool,
    /// A request was granted before the errand began.
    pub ticket: Ticket,
    /// The vendor's circuit breaker let the errand pass.
    pub passed: bool,
}

impl Default for Errand {
    fn default() -> Self {
        Self { saga: None, priority: Priority::Background, reads: true, ticket: Ticket::none(), passed: false }
    }
}

/// The right to one request, for a short time; clones are the same right.
#[derive(Debug, Clone)]
pub struct Ticket(Arc<AtomicI64>);

impl Ticket {
    /// No right.
    pub fn none() -> Self {
        Self(Arc::new(AtomicI64::new(i64::MIN)))
    }

    /// A right that ends with this slice of time.
    pub fn of(slice: i64) -> Self {
        Self(Arc::new(AtomicI64::new(slice)))
    }

    /// Whether it can still be used.
    pub fn holds_in(&self, slice: i64) -> bool {
        self.0.load(Ordering::Relaxed) == slice
    }

    /// Takes an unused right back, whether it has ended or not: no clone can be used after that. The slice that it was for.
    pub fn take_back(&self) -> Option<i64> {
        Some(self.0.swap(i64::MIN, Ordering::Relaxed)).filter(|slice| *slice != i64::MIN)
    }

    /// Uses it up.
    pub fn use_in(&self, slice: i64) -> bool {
        self.0.compare_exchange(slice, i64::MIN, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

tokio::task_local! {
    static ERRAND: Errand;
}

/// Runs what makes requests on an errand.
pub async fn on_errand<T>(errand: Errand, work: impl Future<Output = T>) -> T {
    ERRAND.scope(errand, work).await
}

/// The errand of this task.
pub fn errand() -> Errand {
    ERRAND.try_with(Clone::clone).unwrap_or_default()
}

/// No request may leave now; provably nothing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Why.
    pub cause: NotSent,
    /// A sentence for a person.
    pub detail: String,
    /// When it is worth coming again.
    pub retry_after_seconds: u32,
}

impl From<Denied> for Outcome {
    fn from(denied: Denied) -> Self {
        Self::NotSent {
            cause: denied.cause,
            detail: denied.detail,
            retry_after_seconds: Some(denied.retry_after_seconds),
        }
    }
}

/// How a request ended, as far as a vendor's health is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It answered: whatever it said, it is there.
    Answers,
    /// It was not reached, did not answer in time, or answered that it is broken (5xx).
    Fails,
}

/// Asked before each request leaves, and told how it ended. What a vendor allows is spent here and nowhere else.
#[async_trait]
pub trait Meter: Send + Sync {
    /// Grants one request of the present errand, after so long a wait at most.
    async fn grant(&self, vendor: &'static str, patience: Duration) -> Result<(), Denied>;

    /// How a request ended.
    async fn ended(&self, vendor: &'static str, health: Health);
}
