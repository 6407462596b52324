//! `crm …`: deals and tags in Zoho CRM.

use super::actor::may;
use super::database::{Database, DatabaseArgs};
use super::{Exit, print};
use crate::access::Act;
use crate::intake::deals::checked;
use crate::store::backlog::await_item;
use crate::store::items::{self, ItemState};
use crate::store::{query, schema};
use std::time::Duration;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Read a customer's contact and deals in Zoho CRM and write what differs
    ///
    /// A running node carries it out. Others' tags stay, and so do a stage that people chose and the deletion of a deal.
    ///
    /// Example:
    ///   attio-billing crm check 4f0c6f0d2d8f5b0e9d3c1a7b5e8f9a01
    #[command(verbatim_doc_comment)]
    Check(Check),
}

#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Our customer id, as `saga list` shows it
    customer: String,
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    let Command::Check(args) = command;
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    let actor = may(&pool, Act::Steer).await?;
    let order = checked(&args.customer, None, &actor.principal());
    let stamp = schema::stamp_of(&pool).await?;
    let (Some(stamp), Some(_)) = (stamp, query::saga(&pool, order.saga).await?) else {
        let what = format!("nothing of a customer `{}` is kept in CRM", args.customer);
        return Err(Exit::refused(what).hint("run `attio-billing saga list` and take the id from there"));
    };
    let id = items::offer_item(&pool, stamp.shards, &order, &[]).await?;
    let state = await_item(&pool, id, Duration::from_secs(10)).await?.state;
    print(&order.saga.to_string());
    if state == ItemState::Ready {
        eprintln!("stored; a running node will take it up");
    }
    eprintln!("\nhint: run `attio-billing saga show {}`", order.saga);
    Ok(())
}
