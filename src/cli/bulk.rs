//! `saga bulk …`: one order over many sagas, carried out by the service.

use super::actor::{denied, may};
use super::database::{Database, DatabaseArgs};
use super::saga::{said, short};
use super::{Exit, print, print_json};
use crate::access::{Act, Actor};
use crate::engine::orders::{self, GiveError};
use crate::http::api::bulk::JobView;
use crate::http::api::view;
use crate::store::bulk::{self, Job};
use crate::store::query::SagaFilter;
use sagas::kernel::verb::{Order, Verb};
use sqlx::PgPool;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Resume all that fit now; those with an unknown outcome are left out
    ///
    /// Example:
    ///   attio-billing saga bulk resume --code VENDOR_CONFIG --reason "new API key" --yes
    #[command(verbatim_doc_comment)]
    Resume(Start),
    /// Try all that fit now again; those with an unknown outcome are left out
    ///
    /// Example:
    ///   attio-billing saga bulk retry --state waiting_vendor --reason "Zoho is back" --yes
    #[command(verbatim_doc_comment)]
    Retry(Start),
    /// List the jobs, the youngest first
    List(List),
    /// Show a job with what became of each saga
    Show(Show),
    /// What was not sent yet never will be
    Cancel(Cancel),
}

#[derive(Debug, clap::Args)]
#[group(id = "which", required = true, multiple = true, args = ["state", "kind", "code", "saga"])]
pub(super) struct Start {
    /// running, waiting, waiting_vendor, unwinding, needs_person
    #[arg(long)]
    state: Option<String>,
    /// The flow's name, e.g. invoice_payment
    #[arg(long)]
    kind: Option<String>,
    /// Only those parked with this code
    #[arg(long)]
    code: Option<String>,
    /// Only this one; may be given often
    #[arg(long)]
    saga: Vec<Uuid>,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
    /// How many are told a second
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=100))]
    per_second: u16,
    /// Begin it; without this nothing is ordered
    #[arg(long)]
    yes: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The job's id
    id: Uuid,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Cancel {
    /// The job's id
    id: Uuid,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Resume(args) => start(args, Verb::Resume).await,
        Command::Retry(args) => start(args, Verb::Retry).await,
        Command::List(args) => list(args).await,
        Command::Show(args) => show(args).await,
        Command::Cancel(args) => cancel(args).await,
    }
}

async fn start(args: Start, verb: Verb) -> Result<(), Exit> {
    let reason = said(args.reason)?;
    let status = args.state.as_deref().map(view::status).transpose();
    let filter = SagaFilter {
        status: status.map_err(|e| Exit::usage(format!("--state: {e}")))?,
        kind: args.kind,
        parked_code: args.code,
        ..SagaFilter::default()
    };
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let principal = may(&pool, Act::Bulk).await?.principal();
    let only = (!args.saga.is_empty()).then_some(args.saga.as_slice());
    let (fit, unknown) = orders::fitting(&pool, &filter, only).await.map(|sagas| orders::parted(&sagas))?;
    eprintln!("{fit} saga(s) would be told to {verb}, {unknown} left out because their outcome is unknown");
    if !args.yes {
        return Err(Exit::refused("nothing was ordered").hint("say --yes to begin"));
    }
    let order = Order { verb, principal, reason, approver: None, bulk: true };
    let id = orders::bulk(&pool, &order, &filter, only, args.per_second).await.map_err(|e| match e {
        GiveError::NotForMany(_) | GiveError::Nobody | GiveError::TooMany(_) | GiveError::Stale { .. } => {
            Exit::refused(e.to_string())
        }
        GiveError::Offer(_) | GiveError::Store(_) => Exit::failure(e.into()),
    })?;
    let job = find(&pool, id).await?;
    if args.json {
        return print_json(&JobView::from(job));
    }
    print(&id.to_string());
    if job.state == "asked" {
        eprintln!("it waits for a second person\n\nhint: another person runs `attio-billing saga approve {id}`");
    } else {
        eprintln!("\nhint: run `attio-billing saga bulk show {id}` to follow it");
    }
    Ok(())
}

async fn list(args: List) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    for job in bulk::list(&database.visit().await?, 100).await? {
        if args.json {
            print_json(&JobView::from(job))?;
        } else {
            print(&line(&job));
        }
    }
    Ok(())
}

async fn show(args: Show) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let job = find(&pool, args.id).await?;
    let items = bulk::items_of(&pool, args.id).await?;
    if args.json {
        let items: Vec<_> = items
            .iter()
            .map(|i| serde_json::json!({"saga": i.saga, "kind": i.saga_kind, "outcome": i.outcome, "reason": i.reason}))
            .collect();
        return print_json(&serde_json::json!({"job": JobView::from(job), "items": items}));
    }
    print(&line(&job));
    for item in items {
        print(format!("  {}  {:<10}{}", item.saga, item.outcome, item.reason.unwrap_or_default()).trim_end());
    }
    Ok(())
}

async fn cancel(args: Cancel) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    find(&pool, args.id).await?;
    let actor = may(&pool, Act::Bulk).await?;
    if !bulk::cancel(&pool, args.id, &actor.principal()).await? {
        return Err(Exit::refused(format!("job {} has nothing left to cancel", args.id)));
    }
    print(&line(&find(&pool, args.id).await?));
    Ok(())
}

/// A second person lets a job begin.
pub(super) async fn begun(pool: &PgPool, id: Uuid, actor: &Actor) -> Result<(), Exit> {
    let job = bulk::find(pool, id).await?;
    let job = job.ok_or_else(|| {
        Exit::not_found(format!("there is no request and no job {id}")).hint("run `attio-billing saga requests`")
    })?;
    actor.may_approve(Act::Bulk).map_err(|e| denied(&e))?;
    if !bulk::approve(pool, id, &actor.principal()).await? {
        let why = if job.state == "asked" {
            format!("{} asked for job {id} and cannot approve it, or it is older than a day", job.asked_by)
        } else {
            format!("job {id} is {}: nothing follows from an approval", job.state)
        };
        return Err(Exit::refused(why));
    }
    print(&line(&find(pool, id).await?));
    Ok(())
}

async fn find(pool: &PgPool, id: Uuid) -> Result<Job, Exit> {
    bulk::find(pool, id)
        .await?
        .ok_or_else(|| Exit::not_found(format!("there is no job {id}")).hint("run `attio-billing saga bulk list`"))
}

/// A job on one line: how far it is.
fn line(job: &Job) -> String {
    let counts: Vec<_> = job.counts.iter().map(|(outcome, n)| format!("{n} {outcome}")).collect();
    let verb = serde_json::from_str::<Verb>(&job.verb).map_or("?", |verb| verb.word());
    format!("{}  {}  {verb}  {}  {}: {}", job.id, short(job.asked_at), job.state, job.asked_by, counts.join(", "))
}
