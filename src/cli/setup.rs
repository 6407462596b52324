//! `setup`: Attio's data model, and its webhook.

use super::{Exit, print, print_json};
use crate::clock::{Clock as _, RealClock};
use crate::config::AttioSettings;
use crate::connectors::attio::findings::{Report, State};
use crate::connectors::attio::{Attio, Webhook};
use crate::connectors::attio_client;
use chrono::{SecondsFormat, TimeDelta};
use comfy_table::{ContentArrangement, Table, presets};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

/// Attio repeats a delivery for about three days: so long the secret of a webhook that was replaced is still met.
const REPEATED_FOR: TimeDelta = TimeDelta::days(4);

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  attio-billing setup --check
  attio-billing setup --check --webhook-url https://billing.example.com/webhooks/attio --json
  attio-billing setup --webhook-url https://billing.example.com/webhooks/attio
  attio-billing setup --webhook-url https://billing.example.com/webhooks/attio --rotate-secret")]
pub(super) struct Args {
    /// Shows what is missing, archived or different, the webhook and the number of objects too, and what to do about it;
    /// changes nothing; exit code 5 if there is any
    #[arg(long)]
    check: bool,
    /// Makes Attio's webhook to this address and prints its secret, once: it is ATTIO_WEBHOOK_SECRET. Where that is set
    /// already, an existing webhook is kept and its list of events brought in line
    #[arg(long)]
    webhook_url: Option<Url>,
    /// With --webhook-url: makes the webhook anew although its secret is known, and prints the new secret, once; and the
    /// old one with its end, so that nothing signed with either is refused meanwhile
    #[arg(long, requires = "webhook_url", conflicts_with = "check")]
    rotate_secret: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    attio: AttioSettings,
}

pub(super) async fn run(args: Args) -> Result<(), Exit> {
    let config = args.attio.check_alone().map_err(Exit::config)?;
    let attio = attio_client(&config).map_err(|e| Exit::failure(anyhow::Error::msg(e)))?;
    let mut report = attio.setup(args.check).await?;
    let url = args.webhook_url.as_ref().map(Url::as_str);
    let mut webhook = None;
    if args.check {
        report.findings.extend(attio.check_webhook(url).await?);
    } else if let Some(url) = url {
        let keep = config.webhook_secret.is_some() && !args.rotate_secret;
        webhook = Some(provide(&attio, url, keep, &mut report).await?);
    }
    if args.json {
        let mut shown = serde_json::to_value(&report)?;
        shown["clean"] = json!(report.is_clean());
        shown["webhook"] = webhook.as_ref().map_or(Value::Null, described);
        print_json(&shown)?;
    } else {
        show(&report);
        if let Some(Webhook::Created { id, secret }) = &webhook {
            print(&format!("created webhook {id}\n\nATTIO_WEBHOOK_SECRET={}", secret.expose_secret()));
            if let Some(before) = &config.webhook_secret {
                let until = (RealClock.now() + REPEATED_FOR).to_rfc3339_opts(SecondsFormat::Secs, true);
                print(&format!("ATTIO_WEBHOOK_SECRET_OLD={}", before.expose_secret()));
                print(&format!("ATTIO_WEBHOOK_SECRET_OLD_UNTIL={until}"));
            }
            eprintln!("\nhint: store the secret now and restart the service with it; it is shown only once");
        }
    }
    if report.is_clean() {
        return Ok(());
    }
    Err(Exit::found("Attio differs from the data model").hint(if args.check {
        "run `attio-billing setup` to make what is missing; what differs is for a person to change"
    } else {
        "what differs is for a person to change in Attio"
    }))
}

/// The webhook, made or brought in line; one that was there may still be degraded, which is for a person to see.
async fn provide(attio: &Attio, url: &str, have_secret: bool, report: &mut Report) -> Result<Webhook, Exit> {
    let webhook = attio.ensure_webhook(url, have_secret).await?;
    let mut findings = attio.check_webhook(Some(url)).await?;
    let id = match &webhook {
        Webhook::Existing { .. } => None,
        Webhook::Mended { id } => Some((id, State::Mended)),
        Webhook::Created { id, .. } => Some((id, State::Created)),
    };
    if let Some((id, state)) = id
        && let Some(own) = findings.iter_mut().find(|f| f.state == State::Exists && f.what.contains(id.as_str()))
    {
        own.state = state;
    }
    report.findings.extend(findings);
    Ok(webhook)
}

/// What was done or is to be done, one row a thing; what is as needed is only counted.
fn show(report: &Report) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["state", "what", "finding", "what to do"]);
    for finding in report.findings.iter().filter(|finding| finding.state != State::Exists) {
        table.add_row([finding.state.word(), &finding.what, &finding.detail, &finding.cure]);
    }
    if !table.is_empty() {
        print(&table.to_string());
    }
    print(&format!("{} things of {} exist as needed", report.count(State::Exists), report.findings.len()));
    print(&format!("quota: {}", report.quota.sentence()));
    for consequence in &report.consequences {
        print(consequence);
    }
}

/// The webhook in JSON; its secret where it was made now.
fn described(webhook: &Webhook) -> Value {
    match webhook {
        Webhook::Existing { id } | Webhook::Mended { id } => json!({"id": id, "secret": null}),
        Webhook::Created { id, secret } => json!({"id": id, "secret": secret.expose_secret()}),
    }
}
