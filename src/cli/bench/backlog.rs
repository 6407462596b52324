//! `bench backlog`: customers beside a backlog.

use super::{Ground, Place, right, table};
use crate::bench::backlog::{CALLS_PER_MINUTE, Crowded, measure};
use crate::cli::{Exit, print, print_json};
use comfy_table::Cell;
use indicatif::ProgressBar;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing bench backlog
  attio-billing bench backlog --renewals 10000 --seconds 30 --json

Build with --release: figures of a debug build say nothing. What they mean: docs/performance.md")]
pub(super) struct Args {
    /// So many renewals wait for the vendor
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    renewals: u64,
    /// Customers come for so long, twice: alone, and beside the renewals
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=3_600))]
    seconds: u64,
    #[command(flatten)]
    on: Place,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let ground = Ground::open(args.on.database_url).await?;
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    let say = |text: String| bar.set_message(text);
    let length = Duration::from_secs(args.seconds);
    let crowded = ground.on("backlog", async |url| measure(&url, args.renewals, length, &say).await).await?;
    bar.finish_and_clear();
    if args.json {
        return print_json(&crowded);
    }
    print(&shown(&crowded));
    Ok(())
}

fn shown(crowded: &Crowded) -> String {
    let mut table = table(["customers", "p50 ms", "p99 ms", "of alone"]);
    let ms = |ms: f64| right(format!("{ms:.0}"));
    table.add_row([Cell::new("alone"), ms(crowded.alone_p50_ms), ms(crowded.alone_p99_ms), Cell::new("")]);
    table.add_row([
        Cell::new(format!("beside {} renewals", crowded.backlog)),
        ms(crowded.beside_p50_ms),
        ms(crowded.beside_p99_ms),
        right(format!("{:.1}", crowded.beside_p99_ms / crowded.alone_p99_ms)),
    ]);
    let Crowded { customers, worked_off, .. } = crowded;
    format!(
        "{table}\n{customers} customers each time; {worked_off} renewals were finished beside them, at {CALLS_PER_MINUTE} calls a minute"
    )
}
