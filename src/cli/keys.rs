//! `keys`: takes a new key of the installation into use.

use super::actor::{may, may_ask_or_agree, may_with_second};
use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::config::{ProofConfig, ProofSettings};
use crate::keys::Keys;
use crate::proof::rotation::{Order, Refused, rotate};
use crate::proof::signers;
use crate::proof::sink::Sink;
use crate::store::checkpoints;
use crate::store::schema;
use crate::store::signature::{Signer, Signers};
use anyhow::Context;
use secrecy::SecretString;
use serde_json::json;
use sqlx::PgPool;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Take a new key into use
    ///
    /// Example:
    ///   attio-billing keys rotate checkpoint --reason "yearly change"
    #[command(subcommand, verbatim_doc_comment)]
    Rotate(Rotate),
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Rotate {
    /// The key that signs checkpoints: one checkpoint is signed by the old and the new key, later ones by the new alone
    ///
    /// First give every node CHECKPOINT_NEXT_KEY beside CHECKPOINT_SIGNING_KEY, and restart it: a node that does not have the
    /// new key signs nothing from then on. This command needs both, and CHECKPOINT_SINK. Interrupted, it is repeated.
    /// Where approvals are required a second person gives the same command.
    ///
    /// Examples:
    ///   attio-billing keys rotate checkpoint --reason "yearly change"
    ///   attio-billing keys rotate checkpoint --old-is-lost --reason "the vault burned"
    #[command(verbatim_doc_comment)]
    Checkpoint(Checkpoint),
}

#[derive(Debug, clap::Args)]
pub(super) struct Checkpoint {
    /// Why; goes on record, in the checkpoint
    #[arg(long)]
    reason: String,
    /// The old key is lost or known to others: the new one stands alone, and whoever verifies must be told its public half
    #[arg(long)]
    old_is_lost: bool,
    #[command(flatten)]
    settings: ProofSettings,
    /// The service's SECRET_KEY, where no CHECKPOINT_SIGNING_KEY was set so far: the old key is made from it
    #[arg(long, env = "SECRET_KEY", hide_env_values = true)]
    secret_key: Option<SecretString>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    let Command::Rotate(Rotate::Checkpoint(args)) = command;
    if args.reason.trim().is_empty() {
        return Err(Exit::usage("--reason is empty: say why; it goes on record"));
    }
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    may_ask_or_agree(&pool, Act::RotateKey).await?;
    let config = args.settings.check_alone().map_err(Exit::config)?;
    let (old, next) = at_hand(&config, args.secret_key.as_ref(), args.old_is_lost)?;
    let stamp = schema::stamp_of(&pool).await?.context("this database belongs to no installation yet")?;
    let sink = config.sink.as_ref().map(|sink| Sink::new(sink, &stamp.prefix)).transpose().map_err(Exit::usage)?;
    if sink.is_none() && last_was_published(&pool).await? {
        return Err(Exit::usage("CHECKPOINT_SINK is not set: whoever reads the sink must learn the new key from it"));
    }
    let what = format!("take checkpoint key {} into use", next.public().id());
    let by = if checkpoints::signs_next(&pool).await? == Some(next.public()) {
        // Two people wanted it before it was interrupted.
        may(&pool, Act::RotateKey).await?.principal()
    } else {
        let Some(both) = may_with_second(&pool, Act::RotateKey, &what).await? else { return Ok(()) };
        both
    };
    let order =
        Order { installation: &stamp.prefix, old: old.as_ref(), next: &next, by: &by, reason: args.reason.trim() };
    let rotated = rotate(&pool, sink.as_ref(), order).await.map_err(refused)?;
    let (body, _) = rotated.checkpoint.open().map_err(anyhow::Error::msg)?;
    if args.json {
        return print_json(&json!({
            "key": next.public().id(),
            "public_key": next.public().to_string(),
            "checkpoint": body.number,
            "was_in_use": rotated.before,
        }));
    }
    let since = if rotated.before { "was in use already" } else { "is in use" };
    print(&format!("key {}  {}  {since}; see checkpoint {}", next.public().id(), next.public(), body.number));
    eprintln!(
        "\nhint: on every node set CHECKPOINT_SIGNING_KEY to the new key, unset CHECKPOINT_NEXT_KEY, restart, and destroy the \
         old key"
    );
    if args.old_is_lost {
        eprintln!("hint: nobody introduced it: tell everybody who verifies its public half, by a way that they trust");
    }
    Ok(())
}

/// The old key, where there is one, and the new one.
fn at_hand(
    config: &ProofConfig,
    secret_key: Option<&SecretString>,
    old_is_lost: bool,
) -> Result<(Option<Signer>, Signer), Exit> {
    if config.next_key.is_none() {
        return Err(Exit::usage("CHECKPOINT_NEXT_KEY is not set: make one with `openssl rand -hex 32`"));
    }
    if config.signing_key.is_none() && secret_key.is_none() && !old_is_lost {
        return Err(Exit::usage(
            "CHECKPOINT_SIGNING_KEY is not set, and neither is SECRET_KEY, from which it would be made: the old key signs, \
             too; where it is lost, say --old-is-lost",
        ));
    }
    // Where the old key is lost nothing is made from this.
    let keys = Keys::new(secret_key.unwrap_or(&SecretString::default()), "");
    let Signers { first, next } = signers(config, &keys).map_err(Exit::usage)?;
    let next = next.ok_or_else(|| Exit::usage("CHECKPOINT_NEXT_KEY is not set"))?;
    Ok(((!old_is_lost).then_some(first), next))
}

async fn last_was_published(pool: &PgPool) -> Result<bool, Exit> {
    Ok(checkpoints::ages(pool).await?.published.is_some())
}

fn refused(why: Refused) -> Exit {
    match why {
        Refused::Held | Refused::NoCheckpoint | Refused::UsedBefore(_) | Refused::AnotherKey { .. } => {
            Exit::refused(why.to_string())
        }
        Refused::NotPublished(_) => Exit::failure(why.into()).hint("repair the sink, then repeat this command"),
        Refused::Store(error) => Exit::failure(error.into()),
    }
}
