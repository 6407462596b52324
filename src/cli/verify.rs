//! `verify`: the invariants, one by one, on a live database.

use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::engine::registry::Registry;
use crate::http::api::instant;
use crate::proof::invariants::{self, Finding, Found, How, Report, Wanted};
use indicatif::{ProgressBar, ProgressStyle};
use sagas::kernel::invariant::Invariant;
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only this invariant, by its number; may be given several times
    #[arg(long = "invariant", value_name = "NUMBER", value_parser = Invariant::parse)]
    only: Vec<Invariant>,
    /// Only what was booked from this date or instant on, with what it belongs to; the chain is left out then
    #[arg(long)]
    since: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let since = args.since.as_deref().map(|text| instant(text, false)).transpose();
    let since = since.map_err(|e| Exit::usage(format!("--since: {e}")))?;
    let wanted = Wanted { only: args.only.into_iter().collect(), since };
    let registry = Registry::all().map_err(anyhow::Error::msg)?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {pos} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let report = invariants::verify(&pool, &registry, &wanted, &mut |progress| {
        bar.set_position(progress.done);
        bar.set_message(match progress.of {
            Some(all) => format!("of {all} {}", progress.what),
            None => progress.what.to_owned(),
        });
        bar.tick();
    })
    .await;
    bar.finish_and_clear();
    let report = report?;
    if args.json {
        print_json(&as_json(&report))?;
    } else {
        tell(&report);
    }
    if report.holds() {
        return Ok(());
    }
    let broken: Vec<_> =
        report.checked.iter().filter(|(_, found)| found.times > 0).map(|(one, _)| one.number()).collect();
    Err(Exit::found(format!("broken: {}", broken.join(", ")))
        .hint("what to do for each stands in docs/LEDGER.md; switch `braintree.sell` off meanwhile"))
}

fn tell(report: &Report) {
    for (invariant, found) in &report.checked {
        let word = if found.times == 0 { "holds" } else { "BROKEN" };
        print(&format!("{invariant}  {word:<9}  {}", invariant.sentence()));
        found.findings.iter().for_each(|finding| print(&shown(finding)));
        let untold = found.times - found.findings.len() as u64;
        if untold > 0 {
            print(&format!("                 and {untold} more"));
        }
    }
    for (invariant, how) in &report.left {
        let (word, why) = left(*how);
        print(&format!("{invariant}  {word:<9}  {}: {why}", invariant.sentence()));
    }
    let extent = report.extent;
    let at = extent.at.format("%Y-%m-%d %H:%M:%S UTC");
    print(&format!("{} events and {} journals, as they stood at {at}", extent.events, extent.journals));
    if report.unread > 0 {
        print(&format!("{} sagas were written by a newer release: it verifies them", report.unread));
    }
}

fn shown(finding: &Finding) -> String {
    let ids = [("saga", finding.saga), ("event", finding.event)];
    let mut parts: Vec<_> = ids.into_iter().filter_map(|(name, id)| Some(format!("{name} {}", id?))).collect();
    parts.extend(finding.journals.iter().map(|id| format!("journal {id}")));
    let subject = finding.subject.as_deref().map(|subject| format!("{subject}: ")).unwrap_or_default();
    let rows = if parts.is_empty() { String::new() } else { format!("\n{:19}{}", "", parts.join(", ")) };
    format!("{:17}{subject}{}{rows}", "", finding.what)
}

/// The word for what was not looked at, and why.
const fn left(how: How) -> (&'static str, &'static str) {
    match how {
        How::Elsewhere(why) => ("elsewhere", why),
        How::NotYet(why) => ("not yet", why),
        // What is looked at stands among the checked.
        How::Here | How::Chain => ("here", ""),
    }
}

fn as_json(report: &Report) -> Value {
    let checked = report.checked.iter().map(|(invariant, Found { times, findings })| {
        json!({
            "invariant": invariant.number(),
            "sentence": invariant.sentence(),
            "holds": *times == 0,
            "broken": times,
            "findings": findings,
        })
    });
    let left = report.left.iter().map(|(invariant, how)| {
        let (word, why) = left(*how);
        json!({"invariant": invariant.number(), "sentence": invariant.sentence(), "looked_at": word, "reason": why})
    });
    json!({
        "holds": report.holds(),
        "at": report.extent.at,
        "events": report.extent.events,
        "journals": report.extent.journals,
        "sagas_of_a_newer_release": report.unread,
        "checked": checked.collect::<Vec<_>>(),
        "not_checked": left.collect::<Vec<_>>(),
    })
}
