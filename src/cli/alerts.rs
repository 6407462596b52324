//! `alerts`: tries whether alerts arrive.

use super::{Exit, print};
use crate::clock::{Clock, RealClock};
use crate::config::{Environment, OutreachSettings, WatchSettings};
use crate::mail::Mailer;
use crate::watch::{Channel, Way, ways};
use std::sync::Arc;
use std::time::Duration;

/// How long a mail server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Send one message that says that nothing is wrong to ALERT_URL and to everybody in ALERT_MAIL
    Test(Box<TestArgs>),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  attio-billing alerts test")]
pub(super) struct TestArgs {
    #[command(flatten)]
    own: WatchSettings,
    /// Which environment this is; demo and test make up a brand and a sender where none is set
    #[arg(long, env = "ENVIRONMENT", value_enum, default_value = "demo")]
    environment: Environment,
    #[command(flatten)]
    outreach: OutreachSettings,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    let Command::Test(args) = command;
    let config = args.own.check_alone().map_err(Exit::config)?;
    let mailer = if config.alert_mail.is_empty() {
        None
    } else {
        let (brand, mail) = args.outreach.check_alone(args.environment).map_err(Exit::config)?;
        Some(Arc::new(Mailer::new(&mail, &brand, Arc::new(RealClock), PATIENCE).map_err(Exit::usage)?))
    };
    let ways = ways(&config, mailer.as_ref());
    if ways.is_empty() {
        return Err(Exit::usage("neither ALERT_URL nor ALERT_MAIL is set: there is nobody to tell"));
    }
    let channel = Channel::new("test").map_err(Exit::usage)?;
    for way in &ways {
        let name = match way {
            Way::Post(_) => "ALERT_URL",
            Way::Mail(..) => "ALERT_MAIL",
        };
        let tried = channel.try_out(way, RealClock.now()).await;
        tried.map_err(|why| anyhow::anyhow!("the alert to {name} was not taken: {why}"))?;
        print(&format!("the alert to {name} was taken: look whether it arrived"));
    }
    Ok(())
}
