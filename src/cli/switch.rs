//! `switch`: turns an operation at a vendor off, in the hour of need, and on again.

use super::actor::{denied, may};
use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::store::settings::Release;
use crate::store::{approvals, settings};
use serde_json::json;
use sqlx::PgPool;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing switch
  attio-billing switch braintree.sell off --reason \"processor incident 4711\"
  attio-billing switch braintree.sell on --reason \"incident over\"")]
pub(super) struct Args {
    /// The operation
    #[arg(value_parser = OPERATIONS, hide_possible_values = true, requires = "to")]
    operation: Option<String>,
    /// Where to
    #[arg(requires = "reason")]
    to: Option<Position>,
    /// Why; goes on record
    #[arg(long)]
    reason: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Position {
    On,
    Off,
}

/// Every operation that has a switch: all that leave this process. A test compares them with the kernel's.
const OPERATIONS: [&str; 38] = [
    "attio.add_task",
    "attio.find_client",
    "attio.project",
    "attio.read_person",
    "attio.read_request",
    "attio.refuse_act",
    "attio.show_subscription",
    "braintree.authorise",
    "braintree.create_customer",
    "braintree.delete_customer",
    "braintree.delete_method",
    "braintree.find_transactions",
    "braintree.read_customer",
    "braintree.read_transaction",
    "braintree.sell",
    "braintree.submit",
    "braintree.vault",
    "braintree.void",
    "mail.send",
    "practice.look",
    "practice.note",
    "practice.reserve",
    "practice.take",
    "practice.unreserve",
    "zoho.create_customer",
    "zoho.create_subscription",
    "zoho.deactivate_customer",
    "zoho.find_retired_customers",
    "zoho.find_subscription_of_invoice",
    "zoho.list_subscriptions",
    "zoho.read_customer",
    "zoho.read_first_invoice",
    "zoho.read_invoice",
    "zoho.read_offer",
    "zoho.read_subscription",
    "zoho.record_payment",
    "zoho.revive_customer",
    "zoho.undo_subscription",
];

/// Off at once. On by two people, where approvals are required: what stops harm is quick, what may do some again is not.
async fn turn(pool: &PgPool, operation: &str, to: Position, reason: &str) -> Result<(), Exit> {
    let off = to == Position::Off;
    let actor = may(pool, if off { Act::SwitchOff } else { Act::SwitchOn }).await?;
    if off || approvals::policy(pool).await?.is_empty() {
        return Ok(settings::set_switch(pool, operation, off, &actor.principal(), reason).await?);
    }
    match settings::release_switch(pool, operation, &actor, reason).await? {
        Release::On => {}
        Release::Asked { by } => eprintln!(
            "{operation} stays off: {by} asked that it go on again\n\nhint: another person runs the same command within a day"
        ),
        Release::Denied(why) => return Err(denied(&why)),
    }
    Ok(())
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    if args.reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
        return Err(Exit::usage("--reason is empty: say why; it goes on record"));
    }
    let database = Database::open(args.database.database_url).await?;
    let pool = database.visit().await?;
    if let (Some(operation), Some(to), Some(reason)) = (&args.operation, args.to, &args.reason) {
        turn(&pool, operation, to, reason).await?;
    }
    let off = settings::switched_off(&pool).await?;
    let shown = OPERATIONS.into_iter().filter(|name| args.operation.as_ref().is_none_or(|only| only == name));
    for name in shown {
        let (word, reason) = off.get(name).map_or(("on", ""), |reason| ("off", reason.as_str()));
        if args.json {
            print_json(&json!({"operation": name, "switch": word, "reason": off.get(name)}))?;
        } else {
            print(format!("{name:<36}{word:<5}{reason}").trim_end());
        }
    }
    Ok(())
}
