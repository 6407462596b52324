//! `bench recovery`: what a death costs.

use super::{Ground, Place, right, table};
use crate::bench::recovery::{Killed, Restarted, kill, restart};
use crate::cli::{Exit, print, print_json};
use comfy_table::Cell;
use indicatif::ProgressBar;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing bench recovery
  attio-billing bench recovery --in-flight 200 --waiting 10000 --json

Build with --release: figures of a debug build say nothing. What they mean: docs/performance.md")]
pub(super) struct Args {
    /// So many sagas are in flight when the node is killed
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    in_flight: u64,
    /// So many sagas wait when a node is started; 0: that is not measured
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    waiting: u64,
    #[command(flatten)]
    on: Place,
    /// One JSON object a measurement
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    if args.on.database_url.is_some() && args.waiting > 0 {
        return Err(Exit::usage("a given database serves one measurement: add --waiting 0, or unset DATABASE_URL"));
    }
    let ground = Ground::open(args.on.database_url).await?;
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(200));
    let say = |text: String| bar.set_message(text);
    let killed = ground.on("killed", async |url| kill(&url, true, args.in_flight, &say).await).await?;
    let restarted = match args.waiting {
        0 => None,
        waiting => Some(ground.on("restarted", async |url| restart(&url, waiting, &say).await).await?),
    };
    bar.finish_and_clear();
    if args.json {
        print_json(&killed)?;
        return restarted.iter().try_for_each(print_json);
    }
    print(&shown(&killed, restarted.as_ref()));
    Ok(())
}

fn shown(killed: &Killed, restarted: Option<&Restarted>) -> String {
    let mut table = table(["what", "reached"]);
    let mut row = |what: String, reached: String| {
        table.add_row([Cell::new(what), right(reached)]);
    };
    row(format!("killed with {} sagas unfinished; all finished after", killed.in_flight), {
        format!("{:.1} s (lease {} s)", killed.finished_after_s, killed.lease_s)
    });
    row("calls that the vendor got twice".to_owned(), killed.repeated.to_string());
    row("calls that were looked for".to_owned(), killed.looks.to_string());
    if let Some(restarted) = restarted {
        let waiting = restarted.waiting;
        row(format!("started with {waiting} sagas due; first call after"), format!("{:.1} s", restarted.first_call_s));
        row("calls that were looked for".to_owned(), restarted.looks.to_string());
        if let (Some(idle), Some(full)) = (restarted.memory_idle, restarted.memory_waiting) {
            let mib = |bytes: u64| format!("{} MiB", bytes / 1_048_576);
            row("memory of a node without sagas".to_owned(), mib(idle));
            row(format!("memory of a node with {waiting} that wait"), mib(full));
        }
    }
    table.to_string()
}
