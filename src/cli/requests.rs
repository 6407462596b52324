//! `saga requests|approve|reject`: what a second person does.

use super::actor::{acting, denied};
use super::bulk::begun;
use super::database::{Database, DatabaseArgs};
use super::saga::{awaited, said, shards, short};
use super::{Exit, print, print_json};
use crate::access::{Act, same_person};
use crate::engine::orders;
use crate::http::api::requests::RequestView;
use crate::store::approvals::{self, AnswerError};
use comfy_table::{ContentArrangement, Table, presets};
use sagas::kernel::verb::Verb;
use uuid::Uuid;

#[derive(Debug, clap::Args)]
pub(super) struct List {
    /// Answered and expired ones too
    #[arg(long)]
    all: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Approve {
    /// The request's id, or a job's
    id: Uuid,
    /// What was looked at; goes on record
    #[arg(long)]
    reason: Option<String>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Reject {
    /// The request's id
    id: Uuid,
    /// Why; goes on record
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn list(args: List) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let requests = approvals::list(&database.visit().await?, !args.all, 500).await?;
    if args.json {
        return requests.into_iter().map(RequestView::from).try_for_each(|request| print_json(&request));
    }
    if requests.is_empty() {
        eprintln!("nobody waits for a second person");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["request", "verb", "saga", "flow", "asked by", "why", "since", "state"]);
    for request in &requests {
        let verb = serde_json::from_str::<Verb>(&request.asked.verb);
        table.add_row([
            request.id.to_string(),
            verb.map_or_else(|_| request.asked.verb.clone(), |verb| verb.word().to_owned()),
            request.asked.saga.to_string(),
            request.asked.saga_kind.clone(),
            request.asked.asked_by.clone(),
            request.asked.reason.clone(),
            short(request.asked_at),
            request.state.clone(),
        ]);
    }
    print(&table.to_string());
    Ok(())
}

pub(super) async fn approve(args: Approve) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let actor = acting(&pool).await?;
    let by = actor.principal();
    // An id of a job is no request's: who may begin that one is asked there.
    if approvals::find(&pool, args.id).await?.is_some() {
        actor.may_approve(Act::Repair).map_err(|e| denied(&e))?;
    }
    match orders::approve(&pool, shards(&pool).await?, args.id, &by, args.reason.as_deref()).await {
        Ok((asked, item)) => awaited(&pool, asked.saga, item, "approved", args.json).await,
        Err(AnswerError::Unknown(id)) => begun(&pool, id, &actor).await,
        Err(e) => Err(unanswered(e)),
    }
}

pub(super) async fn reject(args: Reject) -> Result<(), Exit> {
    let reason = said(args.reason)?;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let actor = acting(&pool).await?;
    let by = actor.principal();
    let request = approvals::find(&pool, args.id).await?.ok_or_else(|| unanswered(AnswerError::Unknown(args.id)))?;
    if !same_person(&request.asked.asked_by, &by) {
        actor.may_approve(Act::Repair).map_err(|e| denied(&e))?;
    }
    approvals::reject(&pool, args.id, &by, &reason).await.map_err(unanswered)?;
    print("rejected; nothing follows from it");
    Ok(())
}

fn unanswered(error: AnswerError) -> Exit {
    let hint = "run `attio-billing saga requests --all`";
    match error {
        AnswerError::Unknown(_) => Exit::not_found(error.to_string()).hint(hint),
        AnswerError::Closed { .. } | AnswerError::SamePerson { .. } => Exit::refused(error.to_string()).hint(hint),
        AnswerError::Store(e) => e.into(),
    }
}
