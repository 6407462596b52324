//! `saga list|show|resume|decide|rehearse`: what operators do.

use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::clock::{Clock, RealClock};
use crate::engine::items::Body;
use crate::http::api::view::{self, EventView, SagaView};
use crate::intake::operator::{self, Decision, Order};
use crate::store::backlog::await_item;
use crate::store::items::{self, ItemState, NewItem};
use crate::store::query::{self, SagaFilter, SagaLine};
use crate::store::schema;
use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use owo_colors::{OwoColorize, Stream, Style};
use sagas::kernel::effect::PracticeScript;
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::{self, Money};
use sagas::kernel::saga::Saga;
use sagas::rehearsal::{self, Rehearsal};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List sagas, the latest changed first
    ///
    /// Examples:
    ///   attio-billing saga list --status needs_person
    ///   attio-billing saga list --reference 982000000567114 --json
    #[command(verbatim_doc_comment)]
    List(List),
    /// Show one saga with its whole timeline
    ///
    /// Example:
    ///   attio-billing saga show 0199…
    #[command(verbatim_doc_comment)]
    Show(Show),
    /// Let a parked saga go on
    ///
    /// A call whose outcome is unknown is looked up first; nothing that moves money is sent again blindly.
    ///
    /// Example:
    ///   attio-billing saga resume 0199… --reason "customer linked"
    #[command(verbatim_doc_comment)]
    Resume(Resume),
    /// Decide what happens with an invoice that is held
    ///
    /// Only for an invoice payment that is parked because a person must decide.
    ///
    /// Example:
    ///   attio-billing saga decide 0199… charge-again --reason "bank confirms that nothing came"
    #[command(verbatim_doc_comment)]
    Decide(Decide),
    /// Start a practice saga: real machinery, no vendor
    ///
    /// Example:
    ///   attio-billing saga rehearse --park
    #[command(verbatim_doc_comment)]
    Rehearse(Rehearse),
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// running, waiting, waiting_vendor, resolving, unwinding, needs_person, ended
    #[arg(long)]
    status: Option<String>,
    /// The flow's name, e.g. invoice_payment
    #[arg(long)]
    kind: Option<String>,
    /// Our customer id
    #[arg(long)]
    customer: Option<String>,
    /// Any id at a vendor: invoice, transaction, payment, order id …
    #[arg(long)]
    reference: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The saga's id
    id: Uuid,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Resume {
    /// The saga's id
    id: Uuid,
    /// Why it may go on; goes on record
    #[arg(long)]
    reason: String,
    /// Who resumes it; goes on record
    #[arg(long, env = "USER", default_value = "cli")]
    principal: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Decide {
    /// The saga's id
    id: Uuid,
    /// What
    choice: Decision,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
    /// Who decides it; goes on record
    #[arg(long, env = "USER", default_value = "cli")]
    principal: String,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Rehearse {
    /// A name for it
    #[arg(long, default_value = "rehearsal")]
    name: String,
    /// Practice money
    #[arg(long, default_value = "10.00")]
    amount: String,
    /// Park after the first entry, to practise resuming
    #[arg(long)]
    park: bool,
    /// The pivot is declined, to see the entry undone
    #[arg(long, conflicts_with = "unanswered")]
    decline: bool,
    /// The pivot's answer is lost, to see it looked up
    #[arg(long)]
    unanswered: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::List(args) => list(args).await,
        Command::Show(args) => show(args).await,
        Command::Resume(args) => resume(args).await,
        Command::Decide(args) => decide(args).await,
        Command::Rehearse(args) => rehearse(args).await,
    }
}

async fn list(args: List) -> Result<(), Exit> {
    let filter = SagaFilter {
        status: args
            .status
            .as_deref()
            .map(view::status)
            .transpose()
            .map_err(|e| Exit::usage(format!("--status: {e}")))?,
        kind: args.kind,
        customer: args.customer,
        reference: args.reference,
        parked_code: None,
    };
    let database = Database::open(args.database.database_url).await?;
    let sagas = query::sagas(&database.visit().await?, &filter, None, args.limit).await?;
    let full = sagas.len() == usize::from(args.limit);
    if args.json {
        return sagas.into_iter().map(SagaView::from).try_for_each(|saga| print_json(&saga));
    }
    if sagas.is_empty() {
        eprintln!("no saga fits");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["saga", "flow", "title", "amount", "status", "state", "since", "next"]);
    for saga in &sagas {
        table.add_row([
            saga.id.to_string(),
            saga.kind.clone(),
            saga.title.clone(),
            saga.amount.map(|m| m.to_string()).unwrap_or_default(),
            saga.parked.as_ref().map_or_else(|| saga.status.as_str().to_owned(), |(code, _, _)| code.clone()),
            saga.state.clone(),
            short(saga.changed_at),
            saga.due_at.map(short).unwrap_or_default(),
        ]);
    }
    print(&table.to_string());
    if full {
        eprintln!("\nhint: there are more; narrow it, or raise --limit");
    }
    Ok(())
}

async fn show(args: Show) -> Result<(), Exit> {
    let id = SagaId(args.id);
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let (saga, events) = query::saga(&pool, id).await?.ok_or_else(|| no_such_saga(id))?;
    let timeline: Vec<EventView> = events.into_iter().map(EventView::from).collect();
    if args.json {
        return print_json(&serde_json::json!({"saga": SagaView::from(saga), "timeline": timeline}));
    }
    print(&header(&saga));
    for event in &timeline {
        let quiet = event.name.starts_with("step.");
        let style = if quiet { Style::new().dimmed() } else { Style::new().bold() };
        let money = event.amount.map(|a| format!("  {} {}", a.minor, a.currency)).unwrap_or_default();
        print(&format!(
            "{:>4}  {}  {}{money}  {}",
            event.sequence,
            event.at.format("%Y-%m-%d %H:%M:%S"),
            event.name.if_supports_color(Stream::Stdout, |t| t.style(style)),
            event.summary,
        ));
    }
    if saga.parked.is_some() {
        eprintln!("\nhint: run `attio-billing saga resume {id} --reason \"…\"` once what it says is done");
    }
    Ok(())
}

fn header(saga: &SagaLine) -> String {
    let mut lines = vec![format!("{} {} ({})", saga.kind, saga.title, saga.id)];
    lines.push(format!("  {} · {}", saga.status.as_str(), saga.state));
    if let Some((code, detail, since)) = &saga.parked {
        lines.push(format!("  parked since {}: {code}, {}", since.format("%Y-%m-%d %H:%M:%S"), view::meaning(code)));
        lines.push(format!("  {detail}"));
    }
    lines.extend(saga.waiting_for.as_ref().map(|w| format!("  waits for {w}")));
    lines.extend(saga.due_at.map(|t| format!("  next: {t}")));
    lines.push(String::new());
    lines.join("\n")
}

async fn resume(args: Resume) -> Result<(), Exit> {
    let order = order(args.principal, args.reason)?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let item = operator::resume(&find(&pool, SagaId(args.id)).await?, order);
    carry_out(&pool, &item, "resumed", args.json).await
}

async fn decide(args: Decide) -> Result<(), Exit> {
    let order = order(args.principal, args.reason)?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let id = SagaId(args.id);
    let item = operator::decide(&find(&pool, id).await?, args.choice, order).map_err(|why| refused(why, id))?;
    carry_out(&pool, &item, "decided", args.json).await
}

/// Who orders it and why, checked.
fn order(by: String, reason: String) -> Result<Order, Exit> {
    if reason.trim().is_empty() {
        return Err(Exit::usage("--reason is empty: say why; it goes on record"));
    }
    Ok(Order { by, reason, key: None })
}

/// Leaves the order to whichever node owns the saga, and waits until the saga has looked at it.
async fn carry_out(pool: &PgPool, order: &NewItem, done: &str, json: bool) -> Result<(), Exit> {
    let item = offer(pool, order).await?;
    let item = await_item(pool, item, Duration::from_secs(10)).await?;
    let state = match item.state {
        ItemState::Applied => "applied",
        ItemState::Refused | ItemState::Dead => return Err(refused(item.reason.unwrap_or_default(), order.saga)),
        ItemState::Ready | ItemState::Waiting => "accepted",
    };
    let saga = find(pool, order.saga).await?;
    if json {
        return print_json(&serde_json::json!({"state": state, "saga": SagaView::from(saga)}));
    }
    if item.state == ItemState::Applied {
        print(&format!("{done}; it is now {} ({})", saga.status.as_str(), saga.state));
    } else {
        eprintln!("no running node took it up within 10 s; it is stored and will be");
        eprintln!("\nhint: is `attio-billing serve` running on this database?");
    }
    Ok(())
}

fn refused(why: String, id: SagaId) -> Exit {
    Exit::refused(why).hint(format!("run `attio-billing saga show {id}`"))
}

async fn rehearse(args: Rehearse) -> Result<(), Exit> {
    let eur = money::currency("EUR").map_err(|e| Exit::usage(e.to_string()))?;
    let amount = Money::parse(&args.amount, eur).map_err(|e| Exit::usage(format!("--amount: {e}")))?;
    let id = SagaId(Uuid::now_v7());
    let take = match (args.decline, args.unanswered) {
        (true, _) => PracticeScript::Declines,
        (false, true) => PracticeScript::DoneUnanswered,
        (false, false) => PracticeScript::Works,
    };
    let params = rehearsal::Params {
        name: format!("{}-{}", args.name, &id.0.simple().to_string()[24..]),
        amount,
        scripts: rehearsal::Scripts { take, ..rehearsal::Scripts::default() },
        park: args.park,
        await_seconds: None,
    };
    let command = serde_json::to_value(rehearsal::Command::Start { params })?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let command = NewItem {
        saga: id,
        saga_kind: Rehearsal::NAME.to_owned(),
        kind: "operator.rehearse".to_owned(),
        principal: "operator:cli".to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: None,
    };
    let item = offer(&pool, &command).await?;
    let state = await_item(&pool, item, Duration::from_secs(10)).await?.state;
    print(&id.to_string());
    if state == ItemState::Ready {
        eprintln!("stored; a running node will take it up");
    }
    eprintln!("\nhint: run `attio-billing saga show {id}`");
    Ok(())
}

async fn find(pool: &PgPool, id: SagaId) -> Result<SagaLine, Exit> {
    query::saga(pool, id).await?.map(|(line, _)| line).ok_or_else(|| no_such_saga(id))
}

fn no_such_saga(id: SagaId) -> Exit {
    Exit::not_found(format!("there is no saga {id}"))
        .hint("run `attio-billing saga list --reference <id at a vendor>` to find one")
}

/// Leaves an item for whichever node owns the saga.
async fn offer(pool: &PgPool, item: &NewItem) -> Result<Uuid, Exit> {
    let stamp = schema::stamp_of(pool).await?.ok_or_else(|| {
        Exit::refused("no service has ever run on this database").hint("start `attio-billing serve` on it first")
    })?;
    Ok(items::offer_item(pool, stamp.shards, item, &[]).await?)
}

/// A time as people read it in a list: today's without its date.
fn short(t: DateTime<Utc>) -> String {
    let today = RealClock.now().date_naive();
    let form = if t.date_naive() == today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" };
    t.format(form).to_string()
}
