//! `log query|verify`: what finance and auditors do.

use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::http::api::instant;
use crate::store::chain;
use crate::store::query::{self, TransactionFilter};
use futures::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
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
    /// At most so many lines; with --csv all are written
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(i64).range(1..=1000))]
    limit: i64,
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
        Command::Verify(args) => verify(args).await,
    }
}

async fn run_query(args: Query) -> Result<(), Exit> {
    let bound = |name: &str, text: Option<&str>, upper| {
        text.map(|t| instant(t, upper)).transpose().map_err(|e| Exit::usage(format!("{name}: {e}")))
    };
    let filter = TransactionFilter {
        from: bound("--from", args.from.as_deref(), false)?,
        to: bound("--to", args.to.as_deref(), true)?,
        customer: args.customer,
        reference: args.reference,
        status: args
            .status
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|e| Exit::usage(format!("--status: {e}")))?,
        event: args.event,
        limit: args.limit,
        cursor: None,
    };
    let database = Database::open(args.database.database_url).await?;
    let store = database.reader().await?;
    if args.csv {
        let mut chunks = std::pin::pin!(query::transactions_csv(store.query.clone(), filter));
        let mut out = std::io::stdout().lock();
        while let Some(chunk) = chunks.next().await {
            out.write_all(&chunk?)?;
        }
        return Ok(out.flush()?);
    }
    let page = store.query.transactions(&filter).await?;
    for line in &page.lines {
        if args.json {
            print_json(line)?;
        } else {
            let money = line.amount.map_or_else(|| format!("{:>14}", ""), |m| format!("{:>14}", m.to_string()));
            print(&format!("{}  {money}  {:<24} {}", line.at.format("%Y-%m-%d %H:%M:%S"), line.event, line.title));
        }
    }
    if page.next.is_some() {
        eprintln!("\nhint: there are more lines; narrow the range, or use --csv for all");
    }
    Ok(())
}

async fn verify(args: Verify) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let store = database.reader().await?;
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("{bar:30} {pos}/{len} events, {eta} left")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let report = chain::verify(store.pool(), |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })
    .await?;
    bar.finish_and_clear();
    if args.json {
        print_json(&report)?;
    }
    match &report.first_break {
        None => {
            if !args.json {
                print(&format!(
                    "{} events in {} shards: every hash fits, every journal balances",
                    report.events, report.shards
                ));
            }
            Ok(())
        }
        Some(found) => Err(Exit::found(format!("the log is broken: {found}")).hint(
            "stop writing, keep a copy of the database, and compare with the last published checkpoint or backup",
        )),
    }
}
