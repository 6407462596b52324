//! `hand-over request|show|approve|stop|decide|redirect`: another collector for running subscriptions.

use super::actor::{acting, may, may_approve, may_ask_or_agree};
use super::database::{Database, DatabaseArgs};
use super::saga::{find, refused};
use super::said::{Said, Saying};
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::http::api::hand_overs::HandOverPlan;
use crate::intake::hand_overs::{self, Ask, By, Collector, HandOverError, OpenInvoicesDecision};
use crate::store::items::NewItem;
use crate::store::query::SagaLine;
use crate::store::schema;
use chrono::NaiveDate;
use sagas::hand_over::HandOver;
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Saga;
use sqlx::PgPool;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Ask that subscriptions be collected by somebody else from their next term on; a second person agrees
    #[command(after_help = "Examples:
  attio-billing hand-over request 90300000079200 --from zoho-native --to orchestrator --reason \"one clock\" --preview
  attio-billing hand-over request 90300000079200 90300000079201 --from orchestrator --to braintree-recurring \\
    --braintree-plan monthly-eur --reason \"pilot\" --key pilot-1")]
    Request(Box<Request>),
    /// Show a cohort, or one hand-over
    #[command(after_help = "Example:
  attio-billing hand-over show 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01")]
    Show(Show),
    /// Agree to a cohort, or to one hand-over, that somebody else has asked for
    #[command(after_help = "Example:
  attio-billing hand-over approve 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --reason \"seen the list\"")]
    Approve(Answer),
    /// Do not agree, or stop it: until the old collector is switched off all is undone
    #[command(after_help = "Example:
  attio-billing hand-over stop 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --reason \"after the holidays\"")]
    Stop(Answer),
    /// Decide what becomes of invoices that are open between the old collector and the new one
    #[command(after_help = "Example:
  attio-billing hand-over decide 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 collect --reason \"the customer agrees\"")]
    Decide(Decide),
    /// Let this service collect, because the wanted collector cannot be switched on
    #[command(after_help = "Example:
  attio-billing hand-over redirect 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --reason \"Braintree has no such plan\"")]
    Redirect(Answer),
}

#[derive(Debug, clap::Args)]
pub(super) struct Request {
    /// Zoho subscription ids
    #[arg(required = true)]
    subscriptions: Vec<String>,
    /// Who collects them now
    #[arg(long, value_enum)]
    from: Collector,
    /// Who shall collect them
    #[arg(long, value_enum)]
    to: Collector,
    /// The new one collects no term that begins before that day; unset: from the next term on
    #[arg(long)]
    from_period: Option<NaiveDate>,
    /// Which text of the new way the customers agreed to
    #[arg(long)]
    consent: Option<String>,
    /// What proves that nobody collects, where nobody is on record
    #[arg(long)]
    proof: Option<String>,
    /// Braintree plan id, where Braintree shall collect
    #[arg(long)]
    braintree_plan: Option<String>,
    /// What becomes of invoices that turn out to be open in between; unset: it is asked once it matters
    #[arg(long, value_enum)]
    open_invoices: Option<OpenInvoicesDecision>,
    /// The same key twice is the same cohort; unset: a new one
    #[arg(long)]
    key: Option<String>,
    /// Show what our own tables say of each, and ask for nothing
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The cohort's id, or a saga's
    id: Uuid,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Answer {
    /// The cohort's id, or a saga's
    id: Uuid,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Decide {
    /// The hand-over's saga id
    id: Uuid,
    /// What becomes of them
    #[arg(value_enum)]
    choice: OpenInvoicesDecision,
    #[command(flatten)]
    said: Said,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Request(args) => request(*args).await,
        Command::Show(args) => show(args).await,
        Command::Approve(args) => approve(args).await,
        Command::Stop(args) => stop(args).await,
        Command::Decide(args) => decide(args).await,
        Command::Redirect(args) => redirect(args).await,
    }
}

async fn request(args: Request) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let actor = may(&saying.pool, Act::ChangeOwner).await?;
    let ask = Ask {
        subscriptions: args.subscriptions,
        from: args.from,
        to: args.to,
        from_period: args.from_period,
        consent: args.consent,
        proof: args.proof,
        braintree_plan: args.braintree_plan,
        open_invoices: args.open_invoices,
    };
    let key = args.key.unwrap_or_else(|| Uuid::now_v7().to_string());
    let cohort = hand_overs::cohort(&key);
    let known = !args.preview && !hand_overs::of(&saying.pool, &cohort).await?.is_empty();
    if !known {
        let subscriptions = hand_overs::plan(&saying.pool, &ask).await.map_err(unplanned)?;
        let possible = subscriptions.iter().filter(|planned| planned.obstacle.is_none()).count();
        if args.preview {
            return shown(&HandOverPlan { subscriptions, possible }, saying.json);
        }
        if let Some((planned, why)) = subscriptions.iter().find_map(|p| Some((p, p.obstacle.as_ref()?))) {
            let what = format!("subscription {}: {why}; nothing was asked for", planned.zoho_subscription);
            return Err(
                Exit::refused(what).hint("`--preview` shows each of them; leave out what cannot be handed over")
            );
        }
    }
    let stamp = schema::stamp_of(&saying.pool).await?;
    let stamp = stamp.ok_or_else(|| Exit::refused("this database belongs to no installation".to_owned()))?;
    let alone = hand_overs::alone(&saying.pool).await?;
    let by = By { principal: actor.principal(), reason: saying.reason.clone(), key, alone };
    let items = hand_overs::requested(&ask, &stamp, &by).map_err(unplanned)?;
    if !saying.json {
        print(&format!("cohort {cohort}"));
    }
    let done = if alone { "ordered" } else { "asked for; somebody else has to agree" };
    carry_out(&saying, &items, done).await
}

fn shown(plan: &HandOverPlan, json: bool) -> Result<(), Exit> {
    if json {
        return print_json(plan);
    }
    for planned in &plan.subscriptions {
        let obstacle = planned.obstacle.as_ref().map(|why| format!("cannot be handed over: {why}"));
        let waits = planned.waits_for.as_ref().map(|why| format!("would wait: {why}"));
        let what = obstacle.or(waits).unwrap_or_else(|| "can be handed over, by our own tables".to_owned());
        print(&format!("{} collected by {}: {what}", planned.zoho_subscription, planned.collected_by));
    }
    print(&format!("{} of {}", plan.possible, plan.subscriptions.len()));
    Ok(())
}

async fn show(args: Show) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    may(&pool, Act::ReadFlows).await?;
    let lines = lines(&pool, args.id).await?;
    if args.json {
        let views: Vec<_> = lines.into_iter().map(crate::http::api::view::SagaView::from).collect();
        return print_json(&serde_json::json!({"id": args.id, "hand_overs": views}));
    }
    for line in lines {
        print(&format!("{} subscription {}: {} ({})", line.id, line.title, line.status.as_str(), line.state));
    }
    Ok(())
}

async fn approve(args: Answer) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let by = may_approve(&saying.pool, Act::ChangeOwner).await?.principal();
    let items = running(&saying.pool, args.id, |saga| hand_overs::approved(saga, &by, &saying.reason)).await?;
    carry_out(&saying, &items, "agreed").await
}

async fn stop(args: Answer) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    may_ask_or_agree(&saying.pool, Act::ChangeOwner).await?;
    let by = acting(&saying.pool).await?.principal();
    let items = running(&saying.pool, args.id, |saga| hand_overs::stopped(saga, &by, &saying.reason)).await?;
    carry_out(&saying, &items, "stopped").await
}

async fn decide(args: Decide) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let by = may(&saying.pool, Act::ChangeOwner).await?.principal();
    let saga = one(&saying.pool, args.id).await?;
    let item = hand_overs::decided(saga, args.choice, &by, &saying.reason);
    saying.tell(&item, "decided").await
}

async fn redirect(args: Answer) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let by = may(&saying.pool, Act::ChangeOwner).await?.principal();
    let saga = one(&saying.pool, args.id).await?;
    saying.tell(&hand_overs::redirected(saga, &by, &saying.reason), "redirected").await
}

/// One hand-over.
async fn one(pool: &PgPool, id: Uuid) -> Result<SagaId, Exit> {
    let saga = find(pool, SagaId(id)).await?;
    if saga.kind == HandOver::NAME {
        return Ok(saga.id);
    }
    Err(refused(format!("it is a {} and no {}", saga.kind, HandOver::NAME), saga.id))
}

async fn lines(pool: &PgPool, id: Uuid) -> Result<Vec<SagaLine>, Exit> {
    let lines = hand_overs::of(pool, &id.to_string()).await?;
    if lines.is_empty() {
        return Err(Exit::not_found(format!("there is no cohort and no hand-over {id}"))
            .hint("run `attio-billing saga list --kind hand_over`"));
    }
    Ok(lines)
}

/// The orders for those of a cohort that have not ended.
async fn running(pool: &PgPool, id: Uuid, order: impl Fn(SagaId) -> NewItem) -> Result<Vec<NewItem>, Exit> {
    let lines = lines(pool, id).await?;
    let items: Vec<_> = lines.iter().filter(|line| line.ended.is_none()).map(|line| order(line.id)).collect();
    if items.is_empty() { Err(Exit::refused(format!("every hand-over of {id} has ended"))) } else { Ok(items) }
}

async fn carry_out(saying: &Saying, items: &[NewItem], done: &str) -> Result<(), Exit> {
    for item in items {
        saying.tell(item, done).await?;
    }
    Ok(())
}

fn unplanned(error: HandOverError) -> Exit {
    match error {
        HandOverError::Refused(_) => Exit::refused(error.to_string()),
        HandOverError::Store(e) => e.into(),
    }
}
