//! `setup`: Attio's data model, and its webhook.

use super::{Exit, print, print_json};
use crate::clock::RealClock;
use crate::config::VendorSettings;
use crate::connectors::Connectors;
use serde_json::json;
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
        print_json(&json!({"created": report.created, "existing": report.existing, "missing": report.missing,
            "drift": report.drift}))?;
    } else {
        let parts = [("created", &report.created), ("missing", &report.missing), ("differs", &report.drift)];
        for (what, lines) in parts {
            lines.iter().for_each(|line| print(&format!("{what}: {line}")));
        }
        print(&format!("{} things are as needed", report.existing.len()));
    }
    if !report.is_complete() {
        return Err(Exit::found("Attio differs from the data model").hint(if args.check {
            "run `attio-billing setup` to make what is missing; what differs is for a person to change"
        } else {
            "what differs is for a person to change in Attio"
        }));
    }
    Ok(())
}
