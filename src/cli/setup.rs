//! `setup`: Attio's data model, and its webhook.

use super::{Exit, print, print_json};
use crate::clock::RealClock;
use crate::config::VendorSettings;
use crate::connectors::Connectors;
use std::sync::Arc;

/// Example: `attio-billing setup --check`
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Shows what is missing or different and changes nothing; exit code 5 if there is any
    #[arg(long)]
    check: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    vendors: VendorSettings,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let vendors = args.vendors.check_alone(false).map_err(Exit::config)?;
    let connectors =
        Connectors::new(&vendors, Arc::new(RealClock)).map_err(|e| Exit::failure(anyhow::Error::msg(e)))?;
    let report = connectors.attio.setup(args.check).await?;
    if args.json {
        print_json(&report)?;
    } else {
        report.lines().for_each(|line| print(&line));
    }
    if !report.is_clean() {
        return Err(Exit::found("Attio differs from the data model").hint(if args.check {
            "run `attio-billing setup` to make what is missing; what differs is for a person to change"
        } else {
            "what differs is for a person to change in Attio"
        }));
    }
    Ok(())
}
