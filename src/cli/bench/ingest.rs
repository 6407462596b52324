//! `bench ingest`: webhooks.

use super::{Ground, Place, Timing, right, table};
use crate::bench::ingest::{Taken, Taker, measure};
use crate::cli::{Exit, print, print_json};
use comfy_table::Cell;
use indicatif::ProgressBar;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing bench ingest
  attio-billing bench ingest --connections 128 --seconds 20 --json

Build with --release: figures of a debug build say nothing. What they mean: docs/performance.md")]
pub(super) struct Args {
    /// So many senders, each with one webhook at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    connections: u16,
    #[command(flatten)]
    timing: Timing,
    /// Each is measured so often, in turns; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    runs: u16,
    #[command(flatten)]
    on: Place,
    /// One JSON object a measurement
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let ground = Ground::open(args.on.database_url).await?;
    let bar = ProgressBar::new(u64::from(args.runs) * 2);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for run in 0..args.runs {
        for (taker, name, runs) in [(Taker::Ours, "ours", &mut ours), (Taker::Bare, "bare", &mut bare)] {
            let (warm, length) = (args.timing.warm(), args.timing.length());
            let connections = usize::from(args.connections);
            let taken = ground
                .on(&format!("ingest_{name}_{run}"), async |url| measure(taker, &url, connections, warm, length).await)
                .await?;
            bar.inc(1);
            if args.json {
                print_json(&taken)?;
            }
            runs.push(taken);
        }
    }
    bar.finish_and_clear();
    if !args.json {
        print(&shown(&median(ours), &median(bare)));
    }
    Ok(())
}

fn median(mut runs: Vec<Taken>) -> Taken {
    runs.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    runs.swap_remove(runs.len() / 2)
}

fn shown(ours: &Taken, bare: &Taken) -> String {
    let mut table = table(["webhooks", "connections", "a second", "of bare", "p50 ms", "p99 ms"]);
    for (name, taken) in [("verified, once, on disk", ours), ("bare: one insert each", bare)] {
        table.add_row([
            Cell::new(name),
            right(taken.connections.to_string()),
            right(format!("{:.0}", taken.per_second)),
            right(format!("{:.1}", taken.per_second / bare.per_second)),
            right(format!("{:.1}", taken.p50_ms)),
            right(format!("{:.1}", taken.p99_ms)),
        ]);
    }
    table.to_string()
}
