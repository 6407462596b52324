//! `forecast`: what the vendors' budgets leave, and when the backlog at each ends.

use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::clock::{Clock as _, RealClock};
use crate::engine::forecast::{VendorForecast, forecast};
use crate::engine::registry::Registry;
use crate::http::api::forecast::ForecastView;
use chrono::{DateTime, Utc};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing forecast
  attio-billing forecast --json")]
pub(super) struct Args {
    /// Reckon from this instant, e.g. 2026-11-21T10:00:00Z; unset: now
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let registry = Registry::all().map_err(anyhow::Error::msg)?;
    let found = forecast(&pool, &registry, args.at.unwrap_or_else(|| RealClock.now())).await?;
    if args.json {
        return print_json(&ForecastView::from(found));
    }
    if found.is_empty() {
        print("no vendor was called yet");
    }
    for vendor in &found {
        print(&lines(vendor).join("\n"));
    }
    Ok(())
}

fn lines(of: &VendorForecast) -> Vec<String> {
    let span = |name: &str, span: Option<(u32, u32)>| {
        span.map_or_else(|| format!("{name}: not counted"), |(used, allowed)| format!("{name}: {used} of {allowed}"))
    };
    let (minute, day) = (span("minute", of.minute), span("day", of.day));
    let mut lines = vec![format!("{:<12}{minute}, {day}, held for records: {}", of.vendor, of.held)];
    lines.extend(of.closed_until.map(|until| format!("  takes no calls before {}, by its own word", time(until))));
    lines.extend(of.breakers.iter().map(|open| {
        let (class, reason, since, probe) = (&open.class, &open.reason, time(open.since), time(open.probe_at));
        format!("  {class}: circuit breaker open since {since} ({reason}); next probe at {probe}")
    }));
    lines.extend(of.backlog.iter().map(|waiting| {
        let (priority, sagas, calls) = (waiting.priority.word(), waiting.sagas, waiting.calls);
        format!("  {priority:<10}{sagas} saga(s), {calls} call(s): done by {}", time(waiting.ends_at))
    }));
    lines
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}
