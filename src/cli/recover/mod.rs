//! `recover`: what follows a restore or a failover, step by step.

mod drill;

pub(super) use drill::shown;

use super::actor::{may, may_ask_or_agree, may_with_second};
use super::database::{Database, DatabaseArgs};
use super::privacy::ListArgs;
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::store::backlog::unowned_shards;
use crate::store::recovery::{self, Hold, NotNow};
use indicatif::ProgressBar;
use serde_json::json;
use sqlx::PgPool;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// The service signs within a second; a sink may take longer.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "A service that finds another database behind its address, or one that lacks what was published, starts in recovery hold:
deliveries are stored and pages shown, and nothing is written at a vendor. `recover` shows the hold. With --reason it
declares what was lost: epochs jump above any that was used, and the running service signs and publishes the break. Then
`recover release` lets writes go out again; for seven days each call that could have been made before is looked up first.

Once a month rehearse it: --drill plays a restore and the whole recovery in a world of its own, with simulated vendors.

Examples:
  attio-billing recover
  attio-billing recover --reason \"restored the backup of 02:00 after the disk of db1 failed\"
  attio-billing recover release --reason \"books compared, nothing is missing\"
  attio-billing recover --drill"
)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Declare what was lost, for this reason; goes on record
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    drill: drill::DrillArgs,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Let writes go out again
    ///
    /// Example:
    ///   attio-billing recover release --reason "books compared, nothing is missing"
    #[command(verbatim_doc_comment)]
    Release(Release),
    /// Erase again who was erased since, from a list that the service cannot read
    ///
    /// A service whose CHECKPOINT_SINK is a folder does it by itself when it starts. An address only takes: get its lines
    /// from whoever keeps them.
    ///
    /// Example:
    ///   attio-billing recover erasures --list erasures.demo1.jsonl
    #[command(verbatim_doc_comment)]
    Erasures(Again),
}

#[derive(Debug, clap::Args)]
struct Again {
    /// The list: one JSON object a line
    #[arg(long)]
    list: PathBuf,
    #[command(flatten)]
    opened: ListArgs,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Release {
    /// Why; goes on record
    #[arg(long)]
    reason: String,
    /// Although the sweep did not end, or found what it could not explain, or erasures were not applied again; where
    /// approvals are required a second person gives the same command
    #[arg(long)]
    with_differences: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    match (args.command, args.reason) {
        (Some(Command::Release(release)), _) => run_release(release).await,
        (Some(Command::Erasures(again)), _) => erase_again(again).await,
        (None, _) if args.drill.drill => Box::pin(drill::run(args.drill, args.common)).await,
        (None, Some(reason)) => declare(args.common, &reason).await,
        (None, None) => show(args.common).await,
    }
}

fn said(reason: &str) -> Result<(), Exit> {
    if reason.trim().is_empty() {
        return Err(Exit::usage("--reason is empty: say why; it goes on record"));
    }
    Ok(())
}

fn refused(error: NotNow) -> Exit {
    match error {
        NotNow::NoHold | NotNow::NotDeclared | NotNow::NotSwept | NotNow::Unexplained(_) | NotNow::NotErased => {
            Exit::refused(error.to_string())
        }
        NotNow::Store(error) => Exit::failure(error.into()),
    }
}

async fn show(common: Common) -> Result<(), Exit> {
    let database = Database::open(common.database.database_url).await?;
    let pool = database.visit().await?;
    let hold = recovery::hold(&pool).await?;
    if common.json {
        return print_json(&json!({ "hold": hold.as_ref().map(as_json) }));
    }
    match hold {
        None => print("nothing is on hold"),
        Some(hold) => tell(&hold),
    }
    Ok(())
}

async fn declare(common: Common, reason: &str) -> Result<(), Exit> {
    said(reason)?;
    let database = Database::open(common.database.database_url).await?;
    let pool = database.visit().await?;
    let principal = may(&pool, Act::Recover).await?.principal();
    let hold = declared(&pool, &principal, reason).await?;
    if common.json {
        return print_json(&json!({ "hold": as_json(&hold) }));
    }
    tell(&hold);
    Ok(())
}

/// Declares what was lost; the hold once the service has signed and published that.
async fn declared(pool: &PgPool, principal: &str, reason: &str) -> Result<Hold, Exit> {
    recovery::declare(pool, principal, reason).await.map_err(refused)?;
    signed(pool).await
}

/// The hold once the service has signed and published what was declared.
async fn signed(pool: &PgPool) -> Result<Hold, Exit> {
    let bar = ProgressBar::new_spinner().with_message("waiting for the service to sign and publish the break");
    bar.enable_steady_tick(Duration::from_millis(200));
    let deadline = Instant::now() + PATIENCE;
    loop {
        let hold = recovery::hold(pool).await?.ok_or_else(|| refused(NotNow::NoHold))?;
        if hold.signed.is_some() {
            bar.finish_and_clear();
            return Ok(hold);
        }
        if Instant::now() >= deadline {
            bar.finish_and_clear();
            let (unowned, _) = unowned_shards(pool).await?;
            let hint = if unowned > 0 {
                "no service runs: start one with the signing key, then repeat this command"
            } else {
                "see the service's log; a sink that takes nothing holds it up. Then repeat this command"
            };
            let why = format!("declared, and not signed and published within {} s", PATIENCE.as_secs());
            return Err(Exit::failure(anyhow::Error::msg(why)).hint(hint));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn run_release(release: Release) -> Result<(), Exit> {
    said(&release.reason)?;
    let database = Database::open(release.common.database.database_url).await?;
    let pool = database.visit().await?;
    let principal = if release.with_differences {
        may_ask_or_agree(&pool, Act::ReleaseRecovery).await?;
        // What cannot be released now is not asked of anybody.
        let hold = recovery::releasable(&pool, true).await.map_err(refused)?;
        let what = format!("release recovery {} with differences", hold.number);
        let Some(both) = may_with_second(&pool, Act::ReleaseRecovery, &what).await? else { return Ok(()) };
        both
    } else {
        may(&pool, Act::Recover).await?.principal()
    };
    let hold = recovery::release(&pool, &principal, &release.reason, release.with_differences);
    let hold = hold.await.map_err(refused)?;
    if release.common.json {
        return print_json(&json!({ "released": hold.number }));
    }
    print("released: writes go out again; for seven days each is looked up first where it could have been made before");
    Ok(())
}

async fn erase_again(again: Again) -> Result<(), Exit> {
    let database = Database::open(again.common.database.database_url).await?;
    let pool = database.visit().await?;
    may(&pool, Act::Recover).await?;
    let erasures = again.opened.open(&pool).await?;
    if !again.list.exists() {
        return Err(Exit::usage(format!("--list: there is no file {}", again.list.display())));
    }
    let erased = erasures.from_file(&pool, &again.list).await.map_err(Exit::failure)?;
    if again.common.json {
        return print_json(&json!({ "erased": erased }));
    }
    print(&format!("{erased} customer(s) were here again, and are erased"));
    Ok(())
}

fn as_json(hold: &Hold) -> serde_json::Value {
    json!({
        "number": hold.number,
        "since": hold.began_at,
        "cause": hold.cause,
        "breaks": hold.declared.as_ref().map(|declared| &declared.breaks),
        "signed_in_checkpoint": hold.signed,
        "erased": hold.erased,
        "swept": hold.swept.map(|s| json!({"found": s.found, "adopted": s.adopted, "unexplained": s.unexplained})),
    })
}

fn tell(hold: &Hold) {
    print(&format!("on hold since {}: {}", hold.began_at.format("%Y-%m-%d %H:%M:%S"), hold.cause));
    match (&hold.declared, hold.signed) {
        (None, _) => print("not declared: see what was restored, then `attio-billing recover --reason …`"),
        (Some(_), None) => print("declared, not signed yet: a running service does that"),
        (Some(declared), Some(number)) => {
            for lost in &declared.breaks {
                print(&format!("shard {}: positions {} to {} are lost", lost.shard, lost.restored + 1, lost.published));
            }
            let shards = declared.breaks.len();
            print(&format!("{shards} shard(s) lost events; declared by {} in checkpoint {number}", declared.by));
            match hold.swept {
                None => print("Braintree is being swept by the service"),
                Some(swept) => print(&format!(
                    "Braintree was swept: {} sales of ours, {} of them unknown to the log and told to their sagas, {} not explained",
                    swept.found, swept.adopted, swept.unexplained
                )),
            }
            match hold.erased {
                None => print("erasures of before were not applied again yet: `attio-billing recover erasures --help`"),
                Some(customers) => print(&format!("erasures were applied again: {customers} customer(s) were here")),
            }
            print("compare the vendors' books, then `attio-billing recover release --reason …`");
        }
    }
}
