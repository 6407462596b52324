//! `setup`: Attio's data model, and its webhook.

use super::{Exit, print, print_json};
use crate::config::AttioSettings;
use crate::connectors::attio::setup::Webhook;
use crate::connectors::attio_client;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing setup --check
  attio-billing setup --webhook-url https://billing.example.com/webhooks/attio")]
pub(super) struct Args {
    /// Shows what is missing or different and changes nothing; exit code 5 if there is any
    #[arg(long)]
    check: bool,
    /// Makes Attio's webhook to this address and prints its secret, once: it is ATTIO_WEBHOOK_SECRET. Where that is set
    /// already, an existing webhook is kept
    #[arg(long, conflicts_with = "check")]
    webhook_url: Option<Url>,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    attio: AttioSettings,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let config = args.attio.check_alone().map_err(Exit::config)?;
    let attio = attio_client(&config).map_err(|e| Exit::failure(anyhow::Error::msg(e)))?;
    let report = attio.setup(args.check).await?;
    let have_secret = config.webhook_secret.is_some();
    let webhook = match &args.webhook_url {
        Some(url) => Some(attio.ensure_webhook(url.as_str(), have_secret).await?),
        None => None,
    };
    if args.json {
        let mut shown = serde_json::to_value(&report)?;
        shown["webhook"] = webhook.as_ref().map_or(Value::Null, described);
        print_json(&shown)?;
    } else {
        report.lines().for_each(|line| print(&line));
        match &webhook {
            Some(Webhook::Existing { id }) => print(&format!("exists   webhook {id}")),
            Some(Webhook::Created { id, secret }) => {
                print(&format!("created  webhook {id}\n\nATTIO_WEBHOOK_SECRET={}", secret.expose_secret()));
                eprintln!("\nhint: store the secret now and restart the service with it; it is shown only once");
            }
            None => {}
        }
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

/// The webhook in JSON; its secret where it was made now.
fn described(webhook: &Webhook) -> Value {
    match webhook {
        Webhook::Existing { id } => json!({"id": id, "secret": null}),
        Webhook::Created { id, secret } => json!({"id": id, "secret": secret.expose_secret()}),
    }
}
