//! `switch`: turns an operation at a vendor off, in the hour of need, and on again.

use super::actor::{denied, may};
use super::database::{Database, DatabaseArgs};
use super::{Exit, print, print_json};
use crate::access::Act;
use crate::store::settings::Release;
use crate::store::{approvals, settings};
use clap::builder::PossibleValuesParser;
use sagas::kernel::effect::Effect;
use serde_json::json;
use sqlx::PgPool;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing switch
  attio-billing switch braintree.sell off --reason \"processor incident 4711\"
  attio-billing switch braintree.sell on --reason \"incident over\"")]
pub(super) struct Args {
    /// The operation
    #[arg(value_parser = operations(), hide_possible_values = true, requires = "to")]
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

/// Every operation that leaves this process has a switch.
fn operations() -> PossibleValuesParser {
    PossibleValuesParser::new(Effect::operations())
}

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
    let asked = settings::releases_asked(&pool).await?;
    let shown = Effect::operations().into_iter().filter(|name| args.operation.as_ref().is_none_or(|only| only == name));
    for name in shown {
        let (word, reason) = off.get(name).map_or(("on", ""), |reason| ("off", reason.as_str()));
        if args.json {
            let asked = asked.get(name);
            print_json(&json!({"operation": name, "switch": word, "reason": off.get(name), "release_asked": asked}))?;
        } else {
            let asked = asked.get(name).map_or_else(String::new, |asked| {
                format!(" ({} asked on {} that it go on)", asked.by, asked.at.format("%Y-%m-%d %H:%M"))
            });
            print(format!("{name:<36}{word:<5}{reason}{asked}").trim_end());
        }
    }
    Ok(())
}
