//! `ticket …`: tickets in Zoho Desk that colleagues ask for.

use super::Exit;
use super::actor::may;
use super::said::Said;
use crate::access::Act;
use crate::intake::operator::Order as By;
use crate::intake::tickets::ordered;
use uuid::Uuid;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Open a ticket for the customer of a subscription
    ///
    /// A running node carries it out. While a ticket that was asked for about the same record is open, it is a comment on
    /// that one. The reason is what the ticket says; of long numbers the last four digits. The ticket's id comes onto the record; where there is no Zoho Desk, the record says so.
    ///
    /// Example:
    ///   attio-billing ticket open 5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01 --reason "wants to pay by bank transfer"
    #[command(verbatim_doc_comment)]
    Open(Open),
}

#[derive(Debug, clap::Args)]
pub(super) struct Open {
    /// Record id of the object `subscriptions` in Attio
    record: Uuid,
    #[command(flatten)]
    said: Said,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    let Command::Open(args) = command;
    let saying = args.said.open().await?;
    let by = By { by: may(&saying.pool, Act::Steer).await?.principal(), reason: saying.reason.clone(), key: None };
    let item = ordered(&args.record.to_string(), by);
    saying.tell(&item, "asked for").await
}
