//! `opening …`: the books are opened with what is owed and held at one instant: proposed as a list, compared by the service,
//! agreed to by a second person. The whole way stands in docs/MIGRATION.md.

use super::actor::{acting, may, may_approve, may_ask_or_agree};
use super::database::{Database, DatabaseArgs};
use super::said::Said;
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::intake::hand_overs;
use crate::intake::openings::{self, By};
use crate::store::query;
use crate::store::schema::{self, Stamp};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::path::PathBuf;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print an empty list: its header, and what each column is
    ///
    /// Example:
    ///   attio-billing opening template > position.csv
    #[command(verbatim_doc_comment)]
    Template,
    /// Propose an opening position; every line is compared with the vendors, and nothing is posted by it
    ///
    /// Until the books are open another proposal takes its place. Where no second person is asked for, what ties is posted.
    ///
    /// Example:
    ///   attio-billing opening propose position.csv --at 2026-11-01T00:00:00Z --reason "go-live"
    #[command(verbatim_doc_comment)]
    Propose(Propose),
    /// Show how far it is, and what does not tie
    ///
    /// Example:
    ///   attio-billing opening show
    #[command(verbatim_doc_comment)]
    Show(Show),
    /// Agree to what ties, as the second person: the books open, once and for ever
    ///
    /// Example:
    ///   attio-billing opening approve --reason "seen the list and both vendors' totals"
    #[command(verbatim_doc_comment)]
    Approve(Answer),
    /// Do not agree, or withdraw it: nothing is posted
    ///
    /// Example:
    ///   attio-billing opening withdraw --reason "a payout is missing"
    #[command(verbatim_doc_comment)]
    Withdraw(Answer),
}

#[derive(Debug, clap::Args)]
pub(super) struct Propose {
    /// The list, as CSV
    file: PathBuf,
    /// The instant at which the books open, e.g. 2026-11-01T00:00:00Z: that of BOOKS_OPEN_AT
    #[arg(long)]
    at: DateTime<Utc>,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Answer {
    #[command(flatten)]
    said: Said,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Template => {
            print(openings::template().trim_end());
            Ok(())
        }
        Command::Propose(args) => propose(args).await,
        Command::Show(args) => show(args).await,
        Command::Approve(args) => approve(args).await,
        Command::Withdraw(args) => withdraw(args).await,
    }
}

async fn propose(args: Propose) -> Result<(), Exit> {
    let bytes = std::fs::read(&args.file).map_err(|e| Exit::usage(format!("{}: {e}", args.file.display())))?;
    let position = openings::read(&bytes).map_err(|faults| {
        for fault in &faults {
            eprintln!("{fault}");
        }
        Exit::usage(format!("{} fault(s) in {}: nothing was proposed", faults.len(), args.file.display()))
            .hint("`attio-billing opening template` says what each column is")
    })?;
    let saying = args.said.open().await?;
    let principal = may(&saying.pool, Act::OpenBooks).await?.principal();
    let alone = hand_overs::alone(&saying.pool).await?;
    let stamp = stamp(&saying.pool).await?;
    let by = By { principal, reason: saying.reason.clone(), alone };
    let item = openings::proposed(position, args.at, &stamp, &by).map_err(Exit::refused)?;
    saying.tell(&item, "proposed").await?;
    eprintln!("\nhint: run `attio-billing opening show` to see what ties");
    Ok(())
}

async fn show(args: Show) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    may(&pool, Act::ReadMoney).await?;
    let id = openings::saga(&stamp(&pool).await?);
    let Some((line, events)) = query::saga(&pool, id).await? else {
        return Err(Exit::not_found("no opening position was proposed yet")
            .hint("`attio-billing opening template` prints an empty list"));
    };
    let newest = events.iter().rev().find(|event| event.name == "OpeningDiffers").filter(|_| line.state == "Differs");
    let told = newest.and_then(|event| serde_json::from_str::<Value>(&event.payload).ok());
    let differences = told.map_or_else(|| json!([]), |told| told["business"]["differences"].clone());
    if args.json {
        return print_json(
            &json!({"saga": id, "state": line.state, "open_at": line.title, "differences": differences}),
        );
    }
    print(&format!("{}: books that open at {}", line.state, line.title));
    for difference in differences.as_array().into_iter().flatten() {
        let what = difference["what"].as_str().unwrap_or_default();
        match difference["line"].as_u64() {
            Some(line) => print(&format!("line {line}, {what}")),
            None => print(what),
        }
    }
    Ok(())
}

async fn approve(args: Answer) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let by = may_approve(&saying.pool, Act::OpenBooks).await?.principal();
    let stamp = stamp(&saying.pool).await?;
    saying.tell(&openings::approved(&stamp, &by, &saying.reason), "agreed").await
}

async fn withdraw(args: Answer) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    may_ask_or_agree(&saying.pool, Act::OpenBooks).await?;
    let by = acting(&saying.pool).await?.principal();
    let stamp = stamp(&saying.pool).await?;
    saying.tell(&openings::withdrawn(&stamp, &by, &saying.reason), "withdrawn").await
}

async fn stamp(pool: &PgPool) -> Result<Stamp, Exit> {
    let stamp = schema::stamp_of(pool).await?;
    stamp.ok_or_else(|| Exit::refused("this database has no installation yet: start the service once"))
}
