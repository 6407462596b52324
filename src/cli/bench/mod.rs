//! `bench`: measures the engine on this machine.

mod backlog;
mod ingest;
mod recovery;
mod sagas;

use super::database::Database;
use super::{Exit, print};
use crate::bench::part::Part;
use comfy_table::{Cell, CellAlignment, Table, presets};
use secrecy::SecretString;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  attio-billing bench
  attio-billing bench --work http,bare --in-flight 256 --seconds 20 --json
  attio-billing bench ingest
  attio-billing bench recovery --in-flight 1000
  attio-billing bench backlog

Build with --release: figures of a debug build say nothing. What they mean: docs/performance.md"
)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    sagas: sagas::SagaArgs,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Webhooks that are on disk before their answer, beside a handler that does nothing but insert them
    Ingest(ingest::Args),
    /// What a death costs: kill a node with sagas in flight; start one beside many that wait
    Recovery(recovery::Args),
    /// How long a customer waits beside a backlog of renewals, and how long alone
    Backlog(backlog::Args),
    /// Plays one part of a measurement; prints its address
    #[command(hide = true)]
    Part { part: Part },
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    match args.what {
        None => sagas::run(args.sagas).await,
        Some(What::Ingest(args)) => ingest::run(args).await,
        Some(What::Recovery(args)) => recovery::run(args).await,
        Some(What::Backlog(args)) => backlog::run(args).await,
        Some(What::Part { part }) => {
            let url = std::env::var("DATABASE_URL").ok().map(SecretString::from);
            Ok(part.play(url, print).await?)
        }
    }
}

/// On which database.
#[derive(Debug, clap::Args)]
struct Place {
    /// Postgres URL of an empty database; unset: a fresh one in the private Postgres
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<SecretString>,
}

/// How long.
#[derive(Debug, clap::Args)]
struct Timing {
    /// Length of each measurement
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Before each measurement
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=600))]
    warm: u64,
}

impl Timing {
    const fn length(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    const fn warm(&self) -> Duration {
        Duration::from_secs(self.warm)
    }
}

/// Where measurements are made: each on an empty database, which it takes away again where the server is ours.
struct Ground {
    database: Database,
}

impl Ground {
    async fn open(url: Option<SecretString>) -> Result<Self, Exit> {
        Ok(Self { database: Database::open(url).await? })
    }

    /// Measures on a database of this name; on the given one, where one was given.
    async fn on<T>(&self, name: &str, measure: impl AsyncFnOnce(SecretString) -> anyhow::Result<T>) -> Result<T, Exit> {
        let Some(server) = &self.database.server else { return Ok(measure(self.database.url.clone()).await?) };
        let name = format!("bench_{}_{name}", std::process::id());
        let url = server.create_database(&name).await?;
        let measured = measure(url).await;
        server.drop_database(&name).await?;
        Ok(measured?)
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(header);
    table
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}
