//! A whole world in one process, or against a running sandbox: database, simulated vendors, service. The demo shows it,
//! the tests drive it from outside.

mod catalog;
mod compare;
mod customers;
mod setback;
mod signups;
mod stage;

pub use catalog::provision_zoho;
pub use compare::{Comparison, Pair};
pub use customers::{Customer, Wish};
pub use setback::Setback;
pub use signups::{Newcomer, Shown, SignUp};
pub use stage::{Stage, StageOptions};

use crate::app::Service;
use crate::config::{AttioConfig, Settings, Vendors};
use crate::connectors::attio::Webhook;
use crate::connectors::attio_client;
use rand::RngExt;
use sandbox::remote::{Remote, RemoteError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

/// What `--json` shows beside the addresses. In sandbox mode only.
pub struct Details {
    pub admin_token: SecretString,
    pub database_url: SecretString,
    pub vendors: Vendors,
}

/// A secret for one run.
pub fn random_token() -> SecretString {
    let bytes: [u8; 32] = rand::rng().random();
    SecretString::from(hex::encode(bytes))
}

/// Fills the vendors' settings from a sandbox's description, and what is unset otherwise with values for one run.
///
/// # Errors
/// The description lacks something.
pub fn adopt(settings: &mut Settings, description: &Value) -> Result<(), String> {
    let text = |vendor: &str, field: &str| {
        description[vendor][field]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("the sandbox's description lacks {vendor}.{field}"))
    };
    let url = |vendor: &str, field: &str| {
        text(vendor, field)?.parse().map_err(|e| format!("the sandbox's {vendor}.{field} is no URL: {e}"))
    };
    let vendors = &mut settings.vendors;
    vendors.braintree_base_url = Some(url("braintree", "base_url")?);
    vendors.braintree_merchant_id = Some(text("braintree", "merchant_id")?);
    vendors.braintree_public_key = Some(text("braintree", "public_key")?);
    vendors.braintree_private_key = Some(text("braintree", "private_key")?.into());
    vendors.braintree_merchant_accounts =
        ["EUR", "USD", "GBP"].map(|code| format!("{code}=sandbox_{}", code.to_lowercase())).to_vec();
    vendors.zoho_accounts_url = Some(url("zoho", "accounts_url")?);
    vendors.zoho_api_url = Some(url("zoho", "api_url")?);
    vendors.zoho_organization_id = Some(text("zoho", "organization_id")?);
    vendors.zoho_client_id = Some(text("zoho", "client_id")?);
    vendors.zoho_client_secret = Some(text("zoho", "client_secret")?.into());
    vendors.zoho_refresh_token = Some(text("zoho", "refresh_token")?.into());
    vendors.zoho_webhook_secret = Some(text("zoho", "webhook_secret")?.into());
    vendors.attio.base_url = Some(url("attio", "base_url")?);
    vendors.attio.api_key = Some(text("attio", "api_key")?.into());
    settings.outreach.mail_smtp_url = Some(text("mail", "smtp_url")?.into());
    settings.admin_token.get_or_insert_with(random_token);
    // What a show signs proves nothing to anybody. The same in each run: a log that one show began, another goes on with.
    settings.proof.checkpoint_signing_key.get_or_insert_with(|| "5a".repeat(32).into());
    Ok(())
}

/// Attio takes webhooks to https addresses only, which no show has: there it delivers where the sandbox is told to.
const ATTIO_WEBHOOK: &str = "https://attio-billing.invalid/webhooks/attio";

/// What a person would do once in Attio: the data model, and the webhook, whose secret is put where the service looks.
///
/// # Errors
/// Attio does not take it.
pub async fn provision_attio(attio: &mut AttioConfig) -> anyhow::Result<()> {
    let client = attio_client(attio).map_err(anyhow::Error::msg)?;
    client.setup(false).await?;
    let have_secret = attio.webhook_secret.is_some();
    if let Webhook::Created { secret, .. } = client.ensure_webhook(ATTIO_WEBHOOK, have_secret).await? {
        attio.webhook_secret = Some(secret);
    }
    Ok(())
}

/// Tells the sandbox where webhooks go: to the service at that base URL.
///
/// # Errors
/// The sandbox does not take it.
pub async fn aim_webhooks(sandbox: &Remote, base: &str) -> Result<(), RemoteError> {
    let at = |vendor: &str| format!("{base}/webhooks/{vendor}");
    let targets = json!({"attio": at("attio"), "braintree": at("braintree"), "zoho": at("zoho")});
    sandbox.webhooks(&json!({ "targets": targets })).await.map(drop)
}

/// Everything that a script needs to play with a running world.
pub fn describe(service: &Service, details: &Details, sandbox: &Value) -> Value {
    let vendors = &details.vendors;
    json!({
        "url": service.public_url,
        "private_url": format!("http://{}", service.private),
        "admin_token": details.admin_token.expose_secret(),
        "database_url": details.database_url.expose_secret(),
        "webhooks": {
            "attio_secret": vendors.attio.webhook_secret.as_ref().map(ExposeSecret::expose_secret),
            "zoho_secret": vendors.zoho.webhook_secret.expose_secret(),
            "braintree_public_key": vendors.braintree.public_key,
            "braintree_private_key": vendors.braintree.private_key.expose_secret(),
        },
        "sandbox": sandbox,
    })
}
