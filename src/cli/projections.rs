//! `projections rebuild`: what is derived from the log, written from it again.

use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::engine::registry::Registry;
use crate::proof::rebuild::{self, Difference};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Build sagas' rows, references and holds again from their events, and say what differed
    ///
    /// May run beside the service, may be stopped, and may be repeated. Journals are compared and never written.
    ///
    /// Examples:
    ///   attio-billing projections rebuild --check
    ///   attio-billing projections rebuild
    #[command(verbatim_doc_comment)]
    Rebuild(Rebuild),
}

#[derive(Debug, clap::Args)]
pub(super) struct Rebuild {
    /// Change nothing; exit code 5 where something differs
    #[arg(long)]
    check: bool,
    /// Go on behind this saga, as an earlier run said where it was stopped
    #[arg(long)]
    after: Option<Uuid>,
    /// One JSON object for each saga that differed
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    let Command::Rebuild(args) = command;
    let registry = Registry::all().map_err(anyhow::Error::msg)?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {pos} sagas, {per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let (mut after, mut sagas, mut found) = (args.after, 0, Tally::default());
    for difference in rebuild::rowless(&pool, &registry, !args.check).await? {
        found.take(&difference, args.json)?;
    }
    loop {
        let page = tokio::select! {
            page = rebuild::page(&pool, &registry, after, !args.check) => page?,
            _ = tokio::signal::ctrl_c() => {
                bar.finish_and_clear();
                let again = after.map_or_else(String::new, |after| format!(" --after {after}"));
                return Err(Exit::failure(anyhow::anyhow!("stopped after {sagas} sagas"))
                    .hint(format!("go on with `attio-billing projections rebuild{again}`")));
            }
        };
        sagas += page.sagas;
        bar.set_position(sagas);
        for difference in &page.differences {
            bar.suspend(|| found.take(difference, args.json))?;
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    bar.finish_and_clear();
    let told = format!("{sagas} sagas: {} differed, {} written anew", found.differed, found.mended);
    if found.differed > found.mended {
        return Err(Exit::found(told).hint(if args.check {
            "`attio-billing projections rebuild` writes them anew"
        } else {
            "run it again for what was being worked on; for the rest see `attio-billing log verify`"
        }));
    }
    if !args.json {
        print(&told);
    }
    Ok(())
}

#[derive(Default)]
struct Tally {
    differed: u64,
    mended: u64,
}

impl Tally {
    fn take(&mut self, difference: &Difference, as_json: bool) -> Result<(), Exit> {
        self.differed += 1;
        self.mended += u64::from(difference.mended);
        if as_json {
            return print_json(&json!({
                "saga": difference.saga.to_string(), "differs": difference.what, "mended": difference.mended,
            }));
        }
        print(&format!("{}  {}", difference.saga, difference.what.join(", ")));
        Ok(())
    }
}
