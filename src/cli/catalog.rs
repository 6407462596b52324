//! `catalog …`: what Zoho sells and Attio shows.

use super::actor::may;
use super::database::{Database, DatabaseArgs};
use super::{Exit, print};
use crate::access::Act;
use crate::clock::{Clock, RealClock};
use crate::intake::catalog::ordered;
use crate::store::backlog::await_item;
use crate::store::items::{self, ItemState};
use crate::store::schema;
use std::time::Duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Read Zoho's catalog now and bring Attio's records up to date
    ///
    /// A running node carries it out, at most once in 60 s.
    ///
    /// Example:
    ///   attio-billing catalog sync
    #[command(verbatim_doc_comment)]
    Sync(Sync),
}

#[derive(Debug, clap::Args)]
pub(super) struct Sync {
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    let Command::Sync(args) = command;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let actor = may(&pool, Act::Steer).await?;
    let Some(stamp) = schema::stamp_of(&pool).await? else {
        return Err(Exit::refused("no service has run on this database yet").hint("run `attio-billing serve`"));
    };
    let item = ordered(&stamp.zoho_organisation, RealClock.now().date_naive(), None, &actor.principal());
    let id = items::offer_item(&pool, stamp.shards, &item, &[]).await?;
    let state = await_item(&pool, id, Duration::from_secs(10)).await?.state;
    print(&item.saga.to_string());
    if state == ItemState::Ready {
        eprintln!("stored; a running node will take it up");
    }
    eprintln!("\nhint: run `attio-billing saga show {}`", item.saga);
    Ok(())
}
