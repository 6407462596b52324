//! `dispute show|submit|accept|close`: disputes of card payments, replied to by people.

use super::actor::may;
use super::database::{Database, DatabaseArgs};
use super::saga::{find, refused, shards};
use super::said::Said;
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::intake::disputes::{self, DisputeError, Document, Evidence, Form, Subscription, Words};
use crate::intake::operator::Order as By;
use crate::keys::Keys;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sagas::kernel::ids::SagaId;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show a dispute, its deadline, and what our own books say for us
    #[command(after_help = "Example:
  attio-billing dispute show 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01")]
    Show(Show),
    /// Hand the evidence in; it cannot be taken back, and nothing can be added afterwards
    #[command(after_help = "Example:
  attio-billing dispute submit 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --text \"Used daily since May\" --document log.pdf --reason \"they use it\"")]
    Submit(Submit),
    /// Give a dispute up; it cannot be taken back
    #[command(after_help = "Example:
  attio-billing dispute accept 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --reason \"charged after the end\"")]
    Accept(Accept),
    /// Say that its end was seen, and what becomes of the subscription whose payment was lost
    #[command(after_help = "Example:
  attio-billing dispute close 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --subscription cancel --reason \"fraud\"")]
    Close(Close),
}

#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The dispute's saga id
    id: Uuid,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct Submit {
    /// The dispute's saga id
    id: Uuid,
    /// A text of up to 500 characters; again for more
    #[arg(long)]
    text: Vec<String>,
    /// A file: PDF, PNG or JPEG; again for more
    #[arg(long)]
    document: Vec<PathBuf>,
    /// Leave out what our own books say
    #[arg(long)]
    without_pack: bool,
    /// The service's SECRET_KEY: what is handed in lies sealed with it until Braintree has it
    #[arg(long, env = "SECRET_KEY", hide_env_values = true)]
    secret_key: SecretString,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Accept {
    /// The dispute's saga id
    id: Uuid,
    #[command(flatten)]
    said: Said,
}

#[derive(Debug, clap::Args)]
pub(super) struct Close {
    /// The dispute's saga id
    id: Uuid,
    /// Of the subscription whose payment was lost; unset: the payment was for none
    #[arg(long, value_enum)]
    subscription: Option<Subscription>,
    #[command(flatten)]
    said: Said,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    match command {
        Command::Show(args) => show(args).await,
        Command::Submit(args) => submit(args).await,
        Command::Accept(args) => accept(args).await,
        Command::Close(args) => close(args).await,
    }
}

async fn show(args: Show) -> Result<(), Exit> {
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let saga = find(&pool, SagaId(args.id)).await?;
    let view = disputes::view(&pool, shards(&pool).await?, &saga).await.map_err(|e| refusal(e, saga.id))?;
    if args.json {
        return print_json(&view);
    }
    print(&view.lines().join("\n"));
    Ok(())
}

async fn submit(args: Submit) -> Result<(), Exit> {
    let documents = args.document.iter().map(|file| read(file)).collect::<Result<_, _>>()?;
    let texts = args.text.into_iter().map(|text| Words { text, category: None }).collect();
    let saying = args.said.open().await?;
    let by = By { by: may(&saying.pool, Act::Dispute).await?.principal(), reason: saying.reason.clone(), key: None };
    let (saga, shards) = (find(&saying.pool, SagaId(args.id)).await?, shards(&saying.pool).await?);
    let keys = Keys::new(&args.secret_key, "");
    let evidence = Evidence { texts, documents, with_pack: !args.without_pack };
    let submitted = disputes::submitted(&saying.pool, shards, &saga, keys.secrets(), evidence, by).await;
    let (item, sealed) = submitted.map_err(|e| refusal(e, saga.id))?;
    saying.tell_with(&item, &sealed, "ordered").await
}

fn read(file: &Path) -> Result<Document, Exit> {
    let name = file.display();
    let form = Form::of_name(&name.to_string());
    let form = form.ok_or_else(|| Exit::usage(format!("--document {name}: expected .pdf, .png, .jpg or .jpeg")))?;
    let bytes = std::fs::read(file).map_err(|e| Exit::usage(format!("--document {name}: {e}")))?;
    Ok(Document { base64: STANDARD.encode(bytes), form, category: None })
}

async fn accept(args: Accept) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let by = By { by: may(&saying.pool, Act::Dispute).await?.principal(), reason: saying.reason.clone(), key: None };
    let saga = find(&saying.pool, SagaId(args.id)).await?;
    let item = disputes::accepted(&saga, &by).map_err(|why| refused(why, saga.id))?;
    saying.tell(&item, "ordered").await
}

async fn close(args: Close) -> Result<(), Exit> {
    let saying = args.said.open().await?;
    let by = By { by: may(&saying.pool, Act::Dispute).await?.principal(), reason: saying.reason.clone(), key: None };
    let saga = find(&saying.pool, SagaId(args.id)).await?;
    let item = disputes::closed(&saga, args.subscription, &by).map_err(|why| refused(why, saga.id))?;
    saying.tell(&item, "closed").await
}

fn refusal(error: DisputeError, saga: SagaId) -> Exit {
    match error {
        DisputeError::Refused(why) => refused(why, saga),
        DisputeError::Evidence(why) => Exit::usage(why),
        DisputeError::Store(e) => e.into(),
    }
}
