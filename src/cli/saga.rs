//! `saga …`: what operators do. Orders, requests for a second person and jobs over many sagas have files of their own.

use super::actor::may;
use super::database::{Database, DatabaseArgs};
use super::orders::{self, DeclareDone, MoveDue, Order, Skip};
use super::said::Said;
use super::{Exit, bulk, explain, print, print_json, requests};
use crate::access::Act;
use crate::clock::{Clock, RealClock};
use crate::engine::items::Body;
use crate::http::api::cancellations::{GiveBackChoice, OpenInvoicesChoice, choice};
use crate::http::api::view::{self, EventView, SagaView};
use crate::intake;
use crate::intake::operator::{self, Decision, Order as By};
use crate::store::backlog::await_item;
use crate::store::items::{self, ItemState, NewItem};
use crate::store::query::{self, SagaFilter, SagaLine};
use crate::store::schema;
use crate::trace;
use chrono::{DateTime, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use owo_colors::{OwoColorize, Stream, Style};
use sagas::kernel::effect::PracticeScript;
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::{self, Money};
use sagas::kernel::saga::Saga;
use sagas::kernel::verb::Verb;
use sagas::rehearsal::{self, Rehearsal};
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List sagas, the latest started first
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
    /// Explain why a saga is where it is, what happens next and when
    Explain(explain::Args),
    /// Let a parked or paused saga go on
    ///
    /// A call whose outcome is unknown is looked up first; nothing that moves money is sent again blindly.
    ///
    /// Example:
    ///   attio-billing saga resume 0199… --reason "customer linked"
    #[command(verbatim_doc_comment)]
    Resume(Order),
    /// Try now what waits to be tried again; refused while an outcome is unknown
    ///
    /// Example:
    ///   attio-billing saga retry 0199… --reason "Zoho is back"
    #[command(verbatim_doc_comment)]
    Retry(Order),
    /// Send no new call until it is resumed; look-ups go on
    ///
    /// Example:
    ///   attio-billing saga pause 0199… --reason "the customer has called"
    #[command(verbatim_doc_comment)]
    Pause(Order),
    /// Take a step as done without making it; never the one that decides about the money
    ///
    /// Where money moves, name the vendor's id of what was done: it is read there first.
    ///
    /// Example:
    ///   attio-billing saga skip 0199… --step record_payment --reference 982000000567120 --reason "recorded by hand"
    #[command(verbatim_doc_comment)]
    Skip(Skip),
    /// Say that a call whose outcome is unknown was done; the vendor's id is read there first
    ///
    /// Example:
    ///   attio-billing saga declare-done 0199… --reference k3v9p2ab --reason "found in the console"
    #[command(verbatim_doc_comment)]
    DeclareDone(DeclareDone),
    /// Say that a call whose outcome is unknown was not done; looked up first, refused without the proof
    ///
    /// Example:
    ///   attio-billing saga declare-not-done 0199… --reason "not in the console"
    #[command(verbatim_doc_comment)]
    DeclareNotDone(Order),
    /// Undo all that was done; refused once the money was taken
    ///
    /// Example:
    ///   attio-billing saga compensate 0199… --reason "wrong plan"
    #[command(verbatim_doc_comment)]
    Compensate(Order),
    /// Give it up; refused while anything of it is half done
    ///
    /// Example:
    ///   attio-billing saga abandon 0199… --reason "invoice of a test"
    #[command(verbatim_doc_comment)]
    Abandon(Order),
    /// Move what is waited for to another time, at most 30 days from now
    ///
    /// Example:
    ///   attio-billing saga move-due 0199… --to 2026-12-01T08:00:00Z --reason "payday"
    #[command(verbatim_doc_comment)]
    MoveDue(MoveDue),
    /// List orders that wait for a second person
    ///
    /// Example:
    ///   attio-billing saga requests
    #[command(verbatim_doc_comment)]
    Requests(requests::List),
    /// Approve another person's request, or a job over many sagas
    ///
    /// By the token of a person whose role approves it: who sits at a shell alone cannot be told.
    ///
    /// Example:
    ///   ATTIO_BILLING_TOKEN=ab_… attio-billing saga approve 0199…
    #[command(verbatim_doc_comment)]
    Approve(requests::Approve),
    /// Reject a request: nothing follows from it
    ///
    /// Example:
    ///   attio-billing saga reject 0199… --reason "the payment is there"
    #[command(verbatim_doc_comment)]
    Reject(requests::Reject),
    /// Order one thing of many sagas: a job that the service carries out
    ///
    /// Example:
    ///   attio-billing saga bulk retry --state waiting_vendor --reason "Zoho is back" --yes
    #[command(subcommand, verbatim_doc_comment)]
    Bulk(bulk::Command),
    /// Decide what happens with an invoice that is held
    ///
    /// Only for an invoice payment that is parked because a person must decide.
    ///
    /// Example:
    ///   attio-billing saga decide 0199… charge-again --reason "bank confirms that nothing came"
    #[command(verbatim_doc_comment)]
    Decide(Decide),
    /// Choose what happens with the money of a subscription that was cancelled
    ///
    /// Only for a cancellation. A write-off needs two persons: the second one chooses the same.
    ///
    /// Examples:
    ///   attio-billing saga choose 0199… --open-invoices void --reason "agreed with the customer"
    ///   attio-billing saga choose 0199… --give-back nothing --reason "used until the end"
    #[command(verbatim_doc_comment)]
    Choose(Choose),
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
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true).args(["open_invoices", "give_back"]))]
pub(super) struct Choose {
    /// The saga's id
    id: Uuid,
    /// What happens with invoices that are still owed
    #[arg(long)]
    open_invoices: Option<OpenInvoicesChoice>,
    /// What happens with what was paid for unused time; it is proposed to finance
    #[arg(long)]
    give_back: Option<GiveBackChoice>,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Decide {
    /// The saga's id
    id: Uuid,
    /// What
    choice: Decision,
    #[command(flatten)]
    said: Said,
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
        Command::Explain(args) => explain::run(args).await,
        Command::Resume(args) => orders::run(args, Verb::Resume).await,
        Command::Retry(args) => orders::run(args, Verb::Retry).await,
        Command::Pause(args) => orders::run(args, Verb::Pause).await,
        Command::Skip(args) => args.run().await,
        Command::DeclareDone(args) => args.run().await,
        Command::DeclareNotDone(args) => orders::run(args, Verb::DeclareNotDone).await,
        Command::Compensate(args) => orders::run(args, Verb::Compensate).await,
        Command::Abandon(args) => orders::run(args, Verb::Abandon).await,
        Command::MoveDue(args) => args.run().await,
        Command::Requests(args) => requests::list(args).await,
        Command::Approve(args) => requests::approve(args).await,
        Command::Reject(args) => requests::reject(args).await,
        Command::Bulk(command) => bulk::run(command).await,
        Command::Decide(args) => decide(args).await,
        Command::Choose(args) => choose(args).await,
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
    lines.push(format!("  trace: {}", trace::id_of(saga.id)));
    lines.push(String::new());
    lines.join("\n")
}

async fn decide(args: Decide) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let order = By { by: may(&saying.pool, Act::Steer).await?.principal(), reason: saying.reason.clone(), key: None };
    let id = SagaId(args.id);
    let item = operator::decide(&find(&saying.pool, id).await?, args.choice, order).map_err(|why| refused(why, id))?;
    saying.tell(&item, "decided").await
}

async fn choose(args: Choose) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let order =
        By { by: may(&saying.pool, Act::ChooseMoney).await?.principal(), reason: saying.reason.clone(), key: None };
    let (id, choice) = (SagaId(args.id), choice(args.open_invoices, args.give_back));
    let item = intake::choose(&find(&saying.pool, id).await?, choice, order).map_err(|why| refused(why, id))?;
    saying.tell(&item, "chosen").await
}

/// A reason, checked.
pub(super) fn said(reason: String) -> Result<String, Exit> {
    if reason.trim().is_empty() {
        return Err(Exit::usage("--reason is empty: say why; it goes on record"));
    }
    Ok(reason)
}

/// Waits until the saga has looked at an order.
pub(super) async fn awaited(pool: &PgPool, saga: SagaId, item: Uuid, done: &str, json: bool) -> Result<(), Exit> {
    let item = await_item(pool, item, Duration::from_secs(10)).await?;
    let state = match item.state {
        ItemState::Applied => "applied",
        ItemState::Refused | ItemState::Dead => return Err(refused(item.reason.unwrap_or_default(), saga)),
        ItemState::Ready | ItemState::Waiting => "accepted",
    };
    let saga = find(pool, saga).await?;
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

pub(super) fn refused(why: String, id: SagaId) -> Exit {
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
        principal: may(&pool, Act::Steer).await?.principal(),
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

pub(super) async fn find(pool: &PgPool, id: SagaId) -> Result<SagaLine, Exit> {
    query::saga(pool, id).await?.map(|(line, _)| line).ok_or_else(|| no_such_saga(id))
}

pub(super) fn no_such_saga(id: SagaId) -> Exit {
    Exit::not_found(format!("there is no saga {id}"))
        .hint("run `attio-billing saga list --reference <id at a vendor>` to find one")
}

/// Leaves an item for whichever node owns the saga.
async fn offer(pool: &PgPool, item: &NewItem) -> Result<Uuid, Exit> {
    Ok(items::offer_item(pool, shards(pool).await?, item, &[]).await?)
}

/// How many shards the database was made with.
pub(super) async fn shards(pool: &PgPool) -> Result<u16, Exit> {
    let stamp = schema::stamp_of(pool).await?.ok_or_else(|| {
        Exit::refused("no service has ever run on this database").hint("start `attio-billing serve` on it first")
    })?;
    Ok(stamp.shards)
}

/// A time as people read it in a list: today's without its date.
pub(super) fn short(t: DateTime<Utc>) -> String {
    let today = RealClock.now().date_naive();
    let form = if t.date_naive() == today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M" };
    t.format(form).to_string()
}
