//! How fast the engine is on this machine: sagas of five durable steps against a local HTTP stub, and beside them, in the
//! same run, the leanest loop that keeps the same events in the same Postgres. Only their ratio says something.
//!
//! Measures; it proves nothing, and no test depends on its figures.

pub mod backlog;
mod bare;
mod caller;
mod cpu;
mod flow;
pub mod ingest;
mod load;
mod ours;
pub mod part;
pub mod recovery;
mod stub;

use crate::store::schema::{SHARDS, Stamp};
use crate::store::shards::Lease;
use crate::store::{open, yardstick};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::time::Duration;

/// What a saga does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Five calls that set a state: one commit each, and one for the start.
    Http,
    /// Five calls that only a search finds again: each has a durable mark before it leaves.
    Searchable,
    /// Five steps that leave the process for nothing.
    Local,
    /// Three calls, a fourth that is refused, three undos.
    Undone,
    /// No engine: a loop that writes the same events, many sagas a commit, with the same calls. No recovery, no locks,
    /// no chain, no ledger.
    Bare,
}

impl Work {
    /// All, in the order of the report.
    pub const ALL: [Self; 5] = [Self::Http, Self::Searchable, Self::Local, Self::Undone, Self::Bare];

    /// Whether its steps leave the process.
    const fn calls(self) -> bool {
        match self {
            Self::Http | Self::Searchable | Self::Undone | Self::Bare => true,
            Self::Local => false,
        }
    }
}

/// What is measured, and for how long.
#[derive(Debug, Clone)]
pub struct Plan {
    /// An empty database.
    pub database_url: SecretString,
    /// Address of the stub.
    pub stub: String,
    /// What the sagas do.
    pub work: Work,
    /// So many are in flight at any time.
    pub in_flight: usize,
    /// So many events of other sagas are in the log before.
    pub history: u64,
    /// Before the measurement.
    pub warm: Duration,
    /// The measurement.
    pub length: Duration,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// What the sagas did.
    pub work: Work,
    /// In flight at any time.
    pub in_flight: usize,
    /// Sagas that ended within the measurement.
    pub done: usize,
    /// Sagas that ended otherwise than they should.
    pub failed: usize,
    /// Sagas a second.
    pub per_second: f64,
    /// Half of them took no longer, from the order to the last commit, in milliseconds.
    pub p50_ms: f64,
    /// 99 in 100 took no longer, in milliseconds.
    pub p99_ms: f64,
    /// Processor time of this process for a saga, in milliseconds; not of the stub.
    pub cpu_ms: Option<f64>,
    /// Processor time of Postgres for a saga, in milliseconds; absent where it runs on another machine.
    pub postgres_cpu_ms: Option<f64>,
}

impl Plan {
    /// The stub, where the steps leave the process.
    fn stub(&self) -> Option<&str> {
        self.work.calls().then_some(self.stub.as_str())
    }
}

/// Whose database it is.
fn stamp() -> Stamp {
    Stamp {
        environment: "bench".to_owned(),
        prefix: "bench1".to_owned(),
        braintree_merchant: "bench".to_owned(),
        zoho_organisation: "1".to_owned(),
        attio_workspace: "bench".to_owned(),
        shards: SHARDS,
    }
}

/// How long a node of the measurement is thought to live after its last sign of life.
fn lease() -> Lease {
    Lease { length: Duration::from_secs(20), renewal: Duration::from_secs(5), margin: Duration::from_secs(2) }
}

/// Measures one load.
///
/// # Errors
/// The database cannot be used.
pub async fn measure(plan: &Plan) -> anyhow::Result<Figures> {
    open::migrate_url(plan.database_url.expose_secret()).await?;
    if plan.history > 0 {
        let pool = open::visit(plan.database_url.expose_secret()).await?;
        yardstick::fill(&pool, SHARDS, plan.history).await?;
    }
    match plan.work {
        Work::Bare => {
            let bare = bare::Bare::start(plan).await?;
            Ok(load::drive(plan, bare.pool(), |number| bare.one(number)).await)
        }
        Work::Http | Work::Searchable | Work::Local | Work::Undone => {
            let ours = ours::Ours::start(plan).await?;
            let figures = load::drive(plan, ours.pool(), |number| ours.one(number)).await;
            ours.stop().await;
            Ok(figures)
        }
    }
}
