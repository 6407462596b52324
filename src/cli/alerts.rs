//! `alerts`: tries whether alerts arrive.

use super::{Exit, print};
use crate::clock::{Clock, RealClock};
use crate::config::WatchSettings;
use crate::watch::Channel;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Send one message that says that nothing is wrong to ALERT_URL
    Test(TestArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:
  attio-billing alerts test")]
pub(super) struct TestArgs {
    #[command(flatten)]
    own: WatchSettings,
}

pub(super) async fn run(command: Command) -> Result<(), Exit> {
    let Command::Test(args) = command;
    let config = args.own.check_alone().map_err(Exit::config)?;
    let Some(url) = config.alert_url else {
        return Err(Exit::usage("ALERT_URL is not set: there is nobody to tell"));
    };
    let channel = Channel::new("test").map_err(Exit::usage)?;
    channel.try_out(&url, RealClock.now()).await.map_err(|why| anyhow::anyhow!("the alert was not taken: {why}"))?;
    print("the alert was taken: look whether it arrived");
    Ok(())
}
