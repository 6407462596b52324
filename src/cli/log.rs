//! `log query|verify`: what finance and auditors do.

use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::http::api::instant;
use crate::http::api::view::{self, LogView};
use crate::store::query::{self, LogFilter};
use crate::store::verify;
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::io::Write;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Query the transaction log
    ///
    /// Examples:
    ///   attio-billing log query --from 2026-11-01 --to 2026-11-30 --csv > november.csv
    ///   attio-billing log query --reference k3v9p2ab
    #[command(verbatim_doc_comment)]
    Query(Query),
    /// Verify the hash chain of every shard and the ledger beside it; names the first break
    ///
    /// Example:
    ///   attio-billing log verify --json
    #[command(verbatim_doc_comment)]
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
pub(super) struct Query {
    /// From this date or instant on
    #[arg(long)]
    from: Option<String>,
    /// To the end of this date, or before this instant
    #[arg(long)]
    to: Option<String>,
    /// Our customer id
    #[arg(long)]
    customer: Option<String>,
    /// Any id at a vendor: invoice, transaction, payment, order id …
    #[arg(long)]
    reference: Option<String>,
    /// Status of the saga now
    #[arg(long)]
    status: Option<String>,
    /// Event name, e.g. PaymentCaptured
    #[arg(long)]
    event: Option<String>,
    /// Only events that speak of money
    #[arg(long)]
    money: bool,
    /// At most so many lines; with --csv all are written
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// One JSON object a line
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// CSV with a header line
    #[arg(long)]
    csv: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Query(args) => run_query(args).await,
        Command::Verify(args) => run_verify(args).await,
    }
}

async fn run_query(args: Query) -> Result<(), Exit> {
    let bound = |name: &str, text: Option<&str>, upper| {
        text.map(|t| instant(t, upper)).transpose().map_err(|e| Exit::usage(format!("{name}: {e}")))
    };
    let filter = LogFilter {
        from: bound("--from", args.from.as_deref(), false)?,
        before: bound("--to", args.to.as_deref(), true)?,
        customer: args.customer,
        reference: args.reference,
        status: args
            .status
            .as_deref()
            .map(view::status)
            .transpose()
            .map_err(|e| Exit::usage(format!("--status: {e}")))?,
        kind: None,
        event: args.event,
        money_only: args.money,
    };
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    if args.csv {
        let mut chunks = std::pin::pin!(view::csv(query::stream_transactions(pool, filter)));
        let mut out = std::io::stdout().lock();
        while let Some(chunk) = chunks.next().await {
            out.write_all(&chunk?)?;
        }
        return Ok(out.flush()?);
    }
    let entries = query::transactions(&pool, &filter, None, args.limit).await?;
    let full = entries.len() == usize::from(args.limit);
    // The newest of the selection, told in the order in which they happened.
    for entry in entries.into_iter().rev() {
        if args.json {
            print_json(&LogView::from(entry))?;
            continue;
        }
        let money = entry.event.amount.map(|m| m.to_string()).unwrap_or_default();
        let at = entry.event.at.format("%Y-%m-%d %H:%M:%S");
        print(&format!("{at}  {money:>14}  {:<26} {}", entry.event.name, entry.title));
    }
    if full {
        eprintln!("\nhint: there are older lines; narrow the range, or use --csv for all");
    }
    Ok(())
}

async fn run_verify(args: Verify) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {pos} events, shard {msg}, {per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let report = verify::verify(&pool, |progress| {
        bar.set_position(progress.events);
        bar.set_message(progress.shard.to_string());
    })
    .await?;
    bar.finish_and_clear();
    if args.json {
        let heads: Vec<_> = report
            .heads
            .iter()
            .map(|head| json!({"shard": head.shard, "pos": head.pos, "hash": hex::encode(head.hash)}))
            .collect();
        let first_break = report.first_break.as_ref().map(ToString::to_string);
        print_json(&json!({"events": report.events, "heads": heads, "first_break": first_break}))?;
    }
    if let Some(found) = &report.first_break {
        return Err(Exit::found(format!("the log is broken: {found}"))
            .hint("stop writing, keep a copy of the database, and compare with a backup"));
    }
    if !args.json {
        let shards = report.heads.len();
        print(&format!("{} events in {shards} shards: every hash fits, every journal balances", report.events));
    }
    Ok(())
}
