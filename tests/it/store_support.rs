//! A migrated, stamped database with nodes on it, and the smallest appends.

use crate::postgres::{TestDatabase, database};
use attio_billing::store;
use attio_billing::store::append::{Append, NewEvent, SagaRow, Status};
use attio_billing::store::log::{Limits, Log};
use attio_billing::store::schema::{SHARDS, Stamp};
use attio_billing::store::shards::{Lease, Node};
use chrono::{DateTime, NaiveDate, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::{Money, currency};
use sagas::kernel::posting::{Dimensions, Journal, Posting, Rule, journal};
use secrecy::SecretString;
use sqlx::{AssertSqlSafe, PgPool};
use std::sync::Arc;

pub(crate) struct Bench {
    pub(crate) pool: PgPool,
    database: TestDatabase,
}

pub(crate) fn stamp() -> Stamp {
    Stamp {
        environment: "test".to_owned(),
        prefix: "test1".to_owned(),
        braintree_merchant: "merchant".to_owned(),
        zoho_organisation: "60012".to_owned(),
        attio_workspace: "workspace".to_owned(),
        shards: SHARDS,
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let database = database().await;
        let pool = database.pool().await;
        store::migrate(&pool).await.unwrap();
        store::schema::stamp(&pool, &stamp()).await.unwrap();
        Self { pool, database }
    }

    pub(crate) fn url(&self) -> &SecretString {
        self.database.url()
    }

    /// A node that has taken what is free, and its log.
    pub(crate) async fn node(&self, name: &str) -> (Arc<Node>, Log) {
        let node = Arc::new(Node::join(self.pool.clone(), name, Lease::default()).await.unwrap());
        node.beat().await.unwrap();
        (node.clone(), Log::start(self.pool.clone(), node, Limits::default()))
    }

    pub(crate) async fn execute(&self, statements: &'static str) {
        sqlx::raw_sql(statements).execute(&self.pool).await.unwrap();
    }

    pub(crate) async fn count(&self, question: &'static str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&self.pool).await.unwrap()
    }

    pub(crate) async fn text(&self, question: &'static str) -> String {
        sqlx::query_scalar(AssertSqlSafe(question)).fetch_one(&self.pool).await.unwrap()
    }
}

pub(crate) fn saga(n: u32) -> SagaId {
    SagaId::derived("test", &[&n.to_string()])
}

pub(crate) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_262_400, 0).unwrap()
}

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, currency("EUR").unwrap())
}

pub(crate) fn event(saga: SagaId, sequence: u64) -> NewEvent {
    NewEvent {
        id: saga.event(sequence),
        name: "Tested".to_owned(),
        payload: format!("{{\"n\":{sequence}}}"),
        principal: "test".to_owned(),
        at: noon(),
        amount: None,
        references: Vec::new(),
        journals: Vec::new(),
        marks: Vec::new(),
    }
}

pub(crate) fn append(saga: SagaId, expected: u64, events: Vec<NewEvent>) -> Append {
    Append {
        saga,
        kind: "test".to_owned(),
        version: 1,
        expected,
        events,
        row: SagaRow {
            status: Status::Running,
            state: "Testing".to_owned(),
            title: "a test".to_owned(),
            customer: None,
            amount: None,
            due_at: None,
            waiting_for: None,
            step: None,
            priority: None,
            parked: None,
            ended: None,
            changed_at: noon(),
        },
        items: Vec::new(),
        tells: Vec::new(),
    }
}

/// A posting's journal.
pub(crate) fn posted(saga: SagaId, sequence: u64, rule: Rule, minor: i64, invoice: &str) -> Journal {
    let posting = Posting {
        rule,
        amount: eur(minor),
        tax: None,
        effective: NaiveDate::from_ymd_opt(2026, 11, 21).unwrap(),
        dimensions: Dimensions { invoice: Some(invoice.to_owned()), ..Dimensions::default() },
    };
    journal(saga.event(sequence), 0, &posting).unwrap()
}

pub(crate) fn capture(saga: SagaId, sequence: u64, minor: i64) -> Journal {
    posted(saga, sequence, Rule::Capture, minor, "77")
}
