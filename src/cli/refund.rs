//! `refund request|approve|reject|decide`: money of a card payment given back, as finance asks for it.

use super::actor::{may, may_approve};
use super::saga::{awaited, find, refused, shards};
use super::said::Said;
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::http::api::refunds::PlanView;
use crate::intake::refunds::{self, Ask, By, Choice, From, Plan, RefundError, Sum};
use crate::store::items::item_of_key;
use crate::store::schema;
use sagas::kernel::ids::{Installation, SagaId};
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Ask for a refund; above the limit of one person it waits for a second one
    #[command(after_help = "Examples:
  attio-billing refund request k3v9p2ab --amount 40.00 --source forgive --why goodwill --reason \"outage\" --preview
  attio-billing refund request k3v9p2ab --source unapplied --why duplicate --reason \"paid twice\"")]
    Request(Request),
    /// Agree to a refund that somebody else has asked for
    #[command(after_help = "Example:
  attio-billing refund approve 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --reason \"seen with the customer\"")]
    Approve(Answer),
    /// Do not agree to a refund, or take back what you asked for
    #[command(after_help = "Example:
  attio-billing refund reject 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --reason \"not this customer\"")]
    Reject(Answer),
    /// Decide what becomes of a refund that the bank did not make
    #[command(after_help = "Example:
  attio-billing refund decide 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 paid-outside --reason \"transfer of 2 June\"")]
    Decide(Decide),
}

#[derive(Debug, clap::Args)]
pub(super) struct Request {
    /// Braintree transaction id of the payment
    transaction: String,
    /// How much, e.g. 40.00; unset: all that is left
    #[arg(long)]
    amount: Option<String>,
    /// Where the money comes from
    #[arg(long, value_enum)]
    source: From,
    /// A word for reports, e.g. duplicate, goodwill
    #[arg(long)]
    why: String,
    /// The same key twice is the same refund; unset: a new one
    #[arg(long)]
    key: Option<String>,
    /// Show what would be given back, and order nothing
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Answer {
    /// The refund's saga id
    id: Uuid,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Decide {
    /// The refund's saga id
    id: Uuid,
    /// What becomes of it
    #[arg(value_enum)]
    choice: Choice,
    #[command(flatten)]
    said: Said,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Request(args) => request(args).await,
        Command::Approve(args) => answer(args, true).await,
        Command::Reject(args) => answer(args, false).await,
        Command::Decide(args) => decide(args).await,
    }
}

async fn request(args: Request) -> Result<(), Exit> {
    let why = args.why;
    if why.trim().is_empty() {
        return Err(Exit::usage("--why is empty: give a word for reports, e.g. goodwill"));
    }
    let saying = args.said.open().await?;
    let actor = may(&saying.pool, Act::Refund).await?;
    let shards = shards(&saying.pool).await?;
    let amount = args.amount.map_or(Sum::All, Sum::Decimal);
    let ask = Ask { transaction: args.transaction, amount, from: args.source };
    let key = args.key.unwrap_or_else(|| Uuid::now_v7().to_string());
    let saga = refunds::id_of(&ask, &key);
    if let Some(known) = item_of_key(&saying.pool, &format!("refund:{saga}")).await? {
        return awaited(&saying.pool, saga, known.id, "ordered before", saying.json).await;
    }
    let plan = refunds::plan(&saying.pool, shards, &ask).await.map_err(unplanned)?;
    if args.preview {
        return shown(&plan, saying.json);
    }
    let prefix = schema::stamp_of(&saying.pool).await?.map(|stamp| stamp.prefix).unwrap_or_default();
    let installation = Installation::new(&prefix).map_err(Exit::refused)?;
    let by = By { principal: actor.principal(), why, reason: saying.reason.clone(), key };
    let (_, item) = refunds::requested(&plan, &ask, installation, &by);
    let done = if plan.second_person { "asked for; somebody else has to agree" } else { "ordered" };
    saying.tell(&item, done).await
}

fn shown(plan: &Plan, json: bool) -> Result<(), Exit> {
    if json {
        return print_json(&PlanView::from(plan));
    }
    let standing = &plan.standing;
    print(&format!(
        "{} would be given back of {} for invoice {}: {}\n{} applied and {} unapplied are left of it",
        plan.amount,
        standing.captured,
        standing.number,
        plan.means(),
        standing.applied,
        standing.unapplied
    ));
    if plan.second_person {
        print("somebody else has to agree");
    }
    Ok(())
}

async fn answer(args: Answer, agrees: bool) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let saga = find(&saying.pool, SagaId(args.id)).await?;
    let actor = if agrees {
        may_approve(&saying.pool, Act::Refund).await?
    } else {
        super::actor::may_ask_or_agree(&saying.pool, Act::Refund).await?;
        super::actor::acting(&saying.pool).await?
    };
    let item =
        refunds::answered(&saga, agrees, &actor.principal(), &saying.reason).map_err(|why| refused(why, saga.id))?;
    let done = if agrees { "agreed" } else { "rejected" };
    saying.tell(&item, done).await
}

async fn decide(args: Decide) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let actor = may(&saying.pool, Act::Refund).await?;
    let saga = find(&saying.pool, SagaId(args.id)).await?;
    let item = refunds::decided(&saga, args.choice, &actor.principal(), &saying.reason, None);
    let item = item.map_err(|why| refused(why, saga.id))?;
    saying.tell(&item, "decided").await
}

fn unplanned(error: RefundError) -> Exit {
    match error {
        RefundError::Unknown(_) => Exit::not_found(error.to_string()).hint("run `attio-billing log query` to find it"),
        RefundError::Refused(_) | RefundError::Unreadable(_) => Exit::refused(error.to_string()),
        RefundError::Amount(_) => Exit::usage(error.to_string()),
        RefundError::Store(e) => e.into(),
    }
}
