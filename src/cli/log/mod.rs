//! `log`: what finance and auditors do.

mod proof;

use crate::cli::database::{Database, DatabaseArgs};
use crate::cli::{Exit, print, print_json};
use crate::http::api::instant;
use crate::http::api::view::{self, LogView};
use crate::store::query::{self, LogFilter};
use futures::StreamExt;
use std::io::Write;

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// Query the transaction log
    ///
    /// Examples:
    ///   attio-billing log query --from 2026-11-01 --to 2026-11-30 --csv > november.csv
    ///   attio-billing log query --reference k3v9p2ab
    #[command(verbatim_doc_comment)]
    Query(Query),
    /// Verify hash chain, checkpoints and signatures, of the database or of an export; names the first break
    ///
    /// Of the database the ledger beside the log, too. An export is verified offline: nothing but the file is read. Tell
    /// which keys you trust, and hold it against what the sink has, where you do not trust whoever gave you the file.
    ///
    /// Examples:
    ///   attio-billing log verify --json
    ///   attio-billing log verify --export november.jsonl --published /mnt/proof/checkpoints.k3v9.jsonl --key 3d40…660c
    #[command(verbatim_doc_comment)]
    Verify(proof::Verify),
    /// Write the whole log to a file that anybody can verify; goes on where a file ends that was cut off
    ///
    /// Example:
    ///   attio-billing log export november.jsonl
    #[command(verbatim_doc_comment)]
    Export(proof::Export),
    /// Compare the database's checkpoints with those that the sink has, and show the public keys
    ///
    /// Example:
    ///   CHECKPOINT_SINK=/mnt/proof attio-billing log checkpoints
    #[command(verbatim_doc_comment)]
    Checkpoints(proof::Checkpoints),
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Query {
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

pub(in crate::cli) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Query(args) => run_query(args).await,
        Command::Verify(args) => proof::verify(args).await,
        Command::Export(args) => proof::export(args).await,
        Command::Checkpoints(args) => proof::checkpoints(args).await,
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
