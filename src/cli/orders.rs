//! `saga resume|retry|pause|skip|…`: orders to one saga. On a terminal what would follow is shown first, and a person
//! confirms it.

use super::actor::may;
use super::database::{Database, DatabaseArgs};
use super::saga::{awaited, find, said, shards};
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::clock::{Clock, RealClock};
use crate::engine::orders::{self, GiveError, Given, NewOrder};
use crate::engine::preview::{self, PreviewError};
use crate::engine::registry::Registry;
use crate::http::api::orders::{PreviewView, read_answer};
use crate::store::approvals;
use crate::store::query::SagaLine;
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::At;
use sagas::kernel::verb::{self, Supplied, Verb};
use sqlx::PgPool;
use std::io::{BufRead, IsTerminal, Write};
use uuid::Uuid;

/// What every order has.
#[derive(Debug, clap::Args)]
pub(super) struct Order {
    /// The saga's id
    id: Uuid,
    /// Why; goes on record
    #[arg(long, required_unless_present = "preview")]
    reason: Option<String>,
    /// Only while the saga has so many events, as a preview showed
    #[arg(long)]
    if_sequence: Option<u64>,
    /// Show what would follow, and order nothing
    #[arg(long)]
    preview: bool,
    /// Ask nothing, also on a terminal
    #[arg(long)]
    yes: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Skip {
    /// The step's name, as `saga show` has it
    #[arg(long)]
    step: String,
    /// The vendor's id of what was done; needed where money moves
    #[arg(long, conflicts_with = "result")]
    reference: Option<String>,
    /// What the vendor would have answered, as JSON; unset: that it was done
    #[arg(long)]
    result: Option<String>,
    #[command(flatten)]
    order: Order,
}

#[derive(Debug, clap::Args)]
pub(super) struct DeclareDone {
    /// The vendor's id of what was done
    #[arg(long)]
    reference: String,
    #[command(flatten)]
    order: Order,
}

#[derive(Debug, clap::Args)]
pub(super) struct MoveDue {
    /// When, e.g. 2026-12-01T08:00:00Z
    #[arg(long)]
    to: DateTime<Utc>,
    #[command(flatten)]
    order: Order,
}

impl Skip {
    pub(super) async fn run(self) -> Result<(), Exit> {
        let result = match (self.reference, self.result) {
            (Some(reference), _) => Supplied::Reference { reference },
            (None, text) => {
                let value = text.map(|text| serde_json::from_str(&text)).transpose();
                let value = value.map_err(|e| Exit::usage(format!("--result is no JSON: {e}")))?;
                read_answer(value).map_err(|e| Exit::usage(format!("--result {e}")))?
            }
        };
        run(self.order, Verb::Skip { step: self.step, result }).await
    }
}

impl DeclareDone {
    pub(super) async fn run(self) -> Result<(), Exit> {
        run(self.order, Verb::DeclareDone { reference: self.reference }).await
    }
}

impl MoveDue {
    pub(super) async fn run(self) -> Result<(), Exit> {
        run(self.order, Verb::MoveDue { to: self.to }).await
    }
}

/// Previews, asks, gives the order and waits for what comes of it.
pub(super) async fn run(args: Order, verb: Verb) -> Result<(), Exit> {
    let reason = match args.reason {
        Some(reason) => said(reason)?,
        None => "preview".to_owned(),
    };
    let (word, act) = (verb.word(), if args.preview { Act::ReadFlows } else { Act::of_verb(&verb) });
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let principal = may(&pool, act).await?.principal();
    let order = verb::Order { verb, principal, reason, approver: None, bulk: false };
    let saga = find(&pool, SagaId(args.id)).await?;
    let mut if_sequence = args.if_sequence;
    let asks = !args.yes && !args.json && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if args.preview || asks {
        let shown = shown(&pool, &saga, &order).await?;
        if args.preview {
            return if args.json {
                print_json(&shown)
            } else {
                print(&shown.lines().join("\n"));
                Ok(())
            };
        }
        eprintln!("{}", shown.lines().join("\n"));
        confirmed()?;
        if_sequence = if_sequence.or(Some(saga.sequence));
    }
    let new = NewOrder { order, if_sequence, key: None };
    match orders::give(&pool, shards(&pool).await?, &saga, new).await {
        Ok(Given::Item(item)) => awaited(&pool, saga.id, item, &format!("{word}: done"), args.json).await,
        Ok(Given::Request(request)) if args.json => {
            print_json(&serde_json::json!({"state": "requested", "request": request}))
        }
        Ok(Given::Request(request)) => {
            print(&request.to_string());
            eprintln!("it waits for a second person");
            eprintln!("\nhint: another person runs `attio-billing saga approve {request}` within a day");
            Ok(())
        }
        Err(e @ GiveError::Stale { .. }) => {
            Err(Exit::refused(e.to_string()).hint(format!("run `attio-billing saga {word} {} --preview`", saga.id)))
        }
        Err(e) => Err(e.into()),
    }
}

async fn shown(pool: &PgPool, saga: &SagaLine, order: &verb::Order) -> Result<PreviewView, Exit> {
    let registry = Registry::all().map_err(anyhow::Error::msg)?;
    // A sandbox's clock may be ahead of this machine's.
    let at = At::utc(RealClock.now().max(saga.changed_at));
    let preview = preview::preview(pool, &registry, saga.id, order, at).await.map_err(|e| match e {
        PreviewError::Unknown(_) => Exit::not_found(e.to_string()),
        PreviewError::Unreadable(_) | PreviewError::Store(_) => Exit::failure(e.into()),
    })?;
    let second_person = approvals::policy(pool).await?.contains(order.verb.word());
    Ok(PreviewView::new(preview, second_person))
}

fn confirmed() -> Result<(), Exit> {
    eprint!("carry it out? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Exit::refused("nothing was ordered")),
    }
}
