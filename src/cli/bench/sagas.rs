//! `bench`: measures the engine on this machine.

use super::database::Database;
use super::{Exit, print, print_json};
use crate::bench::{Figures, Plan, Work, measure, stub};
use anyhow::Context;
use clap::ValueEnum;
use comfy_table::{Cell, CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressStyle};
use secrecy::SecretString;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing bench
  attio-billing bench --work http,bare --in-flight 256 --seconds 20 --json

Build with --release: figures of a debug build say nothing. What they mean: docs/performance.md")]
pub(super) struct Args {
    /// What the sagas do; unset: everything
    #[arg(long, value_delimiter = ',')]
    work: Vec<Work>,
    /// So many sagas in flight at any time, one measurement for each number
    #[arg(long, value_delimiter = ',', default_value = "1,32,256", value_parser = clap::value_parser!(u16).range(1..=2_000))]
    in_flight: Vec<u16>,
    /// Length of each measurement
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    seconds: u64,
    /// Before each measurement
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=600))]
    warm: u64,
    /// Each is measured so often; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    runs: u16,
    /// Postgres URL of an empty database; unset: a fresh one in the private Postgres
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<SecretString>,
    /// One JSON object a measurement
    #[arg(long)]
    json: bool,
    /// Serves as the stub that is called; prints its address
    #[arg(long, hide = true, exclusive = true)]
    stub: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    if args.stub {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        print(&format!("http://{}", listener.local_addr()?));
        return Ok(stub::serve(listener).await?);
    }
    let given = args.database_url.is_some();
    let database = Database::open(args.database_url.clone()).await?;
    let (_stub, address) = start_stub().await?;
    let works = if args.work.is_empty() { Work::ALL.to_vec() } else { args.work.clone() };
    let total = works.len() * args.in_flight.len() * usize::from(args.runs);
    let bar = ProgressBar::new(total as u64);
    bar.set_style(ProgressStyle::with_template("{pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut report = Vec::new();
    for work in works {
        for in_flight in &args.in_flight {
            let mut runs = Vec::new();
            for run in 0..args.runs {
                bar.set_message(format!("{} with {in_flight} in flight", word(work)));
                // Each measurement has an empty database of its own, and takes it away again.
                let own = database.server.as_ref().filter(|_| !given);
                let name = format!("bench_{}_{}_{in_flight}_{run}", std::process::id(), word(work));
                let database_url = match own {
                    Some(server) => server.create_database(&name).await?,
                    None => database.url.clone(),
                };
                let plan = Plan {
                    database_url,
                    stub: address.clone(),
                    work,
                    in_flight: usize::from(*in_flight),
                    warm: Duration::from_secs(args.warm),
                    length: Duration::from_secs(args.seconds),
                };
                let figures = measure(&plan).await?;
                if let Some(server) = own {
                    server.drop_database(&name).await?;
                }
                bar.inc(1);
                if args.json {
                    print_json(&figures)?;
                }
                runs.push(figures);
            }
            runs.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
            report.push(runs.swap_remove(runs.len() / 2));
        }
    }
    bar.finish_and_clear();
    if !args.json {
        print(&table(&report));
    }
    Ok(())
}

/// The stub as a process of its own, and its address. It ends with its handle.
async fn start_stub() -> anyhow::Result<(Child, String)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["bench", "--stub"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("the stub does not start")?;
    let out = child.stdout.take().context("the stub says nothing")?;
    let address = BufReader::new(out).lines().next_line().await?.context("the stub ended at once")?;
    Ok((child, address))
}

fn word(work: Work) -> String {
    work.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn table(report: &[Figures]) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["sagas", "in flight", "a second", "p50 ms", "p99 ms", "CPU ms", "Postgres CPU ms", "failed"]);
    for figures in report {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let cpu = |ms: Option<f64>| right(ms.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.2}")));
        table.add_row([
            Cell::new(word(figures.work)),
            right(figures.in_flight.to_string()),
            right(format!("{:.0}", figures.per_second)),
            right(format!("{:.1}", figures.p50_ms)),
            right(format!("{:.1}", figures.p99_ms)),
            cpu(figures.cpu_ms),
            cpu(figures.postgres_cpu_ms),
            right(figures.failed.to_string()),
        ]);
    }
    table.to_string()
}
