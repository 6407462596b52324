//! `bench` without a word more: sagas, under several loads.

use super::{Ground, Place, Timing, right, table};
use crate::bench::part::Part;
use crate::bench::{Figures, Plan, Work, measure};
use crate::cli::{Exit, print, print_json};
use clap::ValueEnum;
use comfy_table::Cell;
use indicatif::{ProgressBar, ProgressStyle};

#[derive(Debug, clap::Args)]
pub(super) struct SagaArgs {
    /// What the sagas do; unset: everything
    #[arg(long, value_delimiter = ',')]
    work: Vec<Work>,
    /// So many sagas in flight at any time, one measurement for each number
    #[arg(long, value_delimiter = ',', default_value = "1,32,256", value_parser = clap::value_parser!(u16).range(1..=2_000))]
    in_flight: Vec<u16>,
    #[command(flatten)]
    timing: Timing,
    /// Each is measured so often; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=99))]
    runs: u16,
    /// So many events of other sagas are in the log before
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=100_000_000))]
    history: u64,
    #[command(flatten)]
    on: Place,
    /// One JSON object a measurement
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: SagaArgs) -> Result<(), Exit> {
    let ground = Ground::open(args.on.database_url.clone()).await?;
    let stub = Part::Stub.start(None, None).await?;
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
                let name = format!("{}_{in_flight}_{run}", word(work));
                let figures = ground
                    .on(&name, async |database_url| {
                        let plan = Plan {
                            database_url,
                            stub: stub.address.clone(),
                            work,
                            in_flight: usize::from(*in_flight),
                            history: args.history,
                            warm: args.timing.warm(),
                            length: args.timing.length(),
                        };
                        measure(&plan).await
                    })
                    .await?;
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
        print(&shown(&report));
    }
    Ok(())
}

fn word(work: Work) -> String {
    work.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn shown(report: &[Figures]) -> String {
    let header = ["sagas", "in flight", "a second", "p50 ms", "p99 ms", "CPU ms", "Postgres CPU ms", "failed"];
    let mut table = table(header);
    for figures in report {
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
