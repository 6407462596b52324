//! Configuration: environment variables (and the same names as options of `serve`), read once, checked as a whole.
//! Every fault is named with its cure; a secret is never shown.

mod approvals;
mod budgets;
mod checking;
mod checkout;
mod crm;
mod lease;
mod offers;
mod outreach;
mod proof;
mod reconcile;
mod signups;
mod traces;
mod watch;
mod zoho;

pub use approvals::{ApprovalSettings, Approvals, AutoRefunds, refunds_alone};
pub use budgets::{BudgetSettings, Limits};
use checking::{Checking, required, secret};
pub use checkout::{CheckoutConfig, CheckoutSettings, Script, Scripts};
pub use crm::{CrmConfig, CrmList, CrmSettings, Switch};
pub use lease::{LEASE_MARGIN, RENEWALS};
use lease::{call_beyond_lease, default_node_name};
pub use offers::{Collector, OfferConfig, OfferSettings};
pub use outreach::{MailConfig, NoticesSender, OutreachSettings};
pub use proof::{ProofConfig, ProofSettings, SinkConfig};
pub use reconcile::{ReconcileConfig, ReconcileSettings};
pub use signups::{SignUpConfig, SignUpSettings};
pub use traces::{TraceConfig, TraceSettings};
pub use watch::{WatchConfig, WatchSettings};
pub use zoho::{DATA_CENTRES, DataCentre, DeskConfig, DeskSettings, ZohoConfig};

use crate::brand::Brand;
use chrono::{DateTime, Utc};
use clap::Args;
use sagas::kernel::ids::Installation;
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use url::Url;

/// Prefix of the order ids of a show.
const DEFAULT_PREFIX: &str = "demo";
/// How the token of docker-compose.yml begins.
const SHIPPED_TOKEN: &str = "sandbox-only-";
/// Zoho takes 12 to 50 characters; Attio makes 64.
const WEBHOOK_SECRET_AT_LEAST: usize = 12;

/// Where this installation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Environment {
    /// A show: embedded database and simulated vendors are fine.
    Demo,
    /// Tests.
    Test,
    /// The vendors' sandboxes or simulators.
    Staging,
    /// Real money.
    Production,
}

impl Environment {
    /// Whether what nobody set may be made up: no customer sees it.
    pub const fn is_show(self) -> bool {
        match self {
            Self::Demo | Self::Test => true,
            Self::Staging | Self::Production => false,
        }
    }
}

/// The settings as they come, unchecked. Secrets may also come from a file: `NAME_FILE`.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Which environment this is; `production` refuses anything that is not meant for real money
    #[arg(long, env = "ENVIRONMENT", value_enum, default_value = "demo")]
    pub environment: Environment,
    /// Postgres URL; unset: a private Postgres is started in the data folder
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,
    /// Public listener: webhooks and liveness
    #[arg(long, env = "PUBLIC_LISTEN", default_value = "127.0.0.1:8080")]
    pub public_listen: SocketAddr,
    /// Private listener: API and readiness
    #[arg(long, env = "PRIVATE_LISTEN", default_value = "127.0.0.1:8081")]
    pub private_listen: SocketAddr,
    /// Base URL under which the vendors reach the public listener; unset: the listener's own address
    #[arg(long, env = "PUBLIC_URL")]
    pub public_url: Option<Url>,
    /// First token of the private API, with the role admin, 32 characters or more; to be revoked once there are others
    #[arg(long, env = "ADMIN_TOKEN", hide_env_values = true)]
    pub admin_token: Option<SecretString>,
    /// Secret from which links of checkout pages and seals of inputs are made, 32 characters or more, the same on every
    /// node; unset: the admin token, but for production, which must say it
    #[arg(long, env = "SECRET_KEY", hide_env_values = true)]
    pub secret_key: Option<SecretString>,
    /// Prefix of every order id, 4 to 8 lower-case letters or digits; fixed when the database is made
    #[arg(long, env = "INSTALLATION_PREFIX", default_value = DEFAULT_PREFIX)]
    pub installation_prefix: String,
    /// IANA name of the zone in which dates are booked; unset: UTC, but for production, which must say it
    #[arg(long, env = "BOOKS_TIME_ZONE")]
    pub books_time_zone: Option<chrono_tz::Tz>,
    /// This node's name; unset: one is made from the host's name and the process id
    #[arg(long, env = "NODE_NAME")]
    pub node_name: Option<String>,
    /// Seconds a node's lease lasts; longer than a vendor call and a renewal
    #[arg(long, env = "LEASE_SECONDS", default_value = "60")]
    pub lease_seconds: u64,
    /// Seconds after which we give up on a vendor's answer
    #[arg(long, env = "CALL_SECONDS", default_value = "30")]
    pub call_seconds: u64,
    /// Seconds between two polls for what a lost webhook would have said: open invoices in Zoho, acts in Attio; 0 turns them
    /// off
    #[arg(long, env = "POLL_SECONDS", default_value = "300")]
    pub poll_seconds: u64,

    /// Start in recovery hold: no write at a vendor, no mail, no timer until `recover release`
    #[arg(long)]
    pub hold: bool,

    #[command(flatten)]
    pub approvals: ApprovalSettings,
    #[command(flatten)]
    pub offers: OfferSettings,
    #[command(flatten)]
    pub crm: CrmSettings,
    #[command(flatten)]
    pub signups: SignUpSettings,

    #[command(flatten)]
    pub vendors: VendorSettings,
    #[command(flatten)]
    pub outreach: OutreachSettings,
    #[command(flatten)]
    pub checkout: CheckoutSettings,
    #[command(flatten)]
    pub watch: WatchSettings,
    #[command(flatten)]
    pub proof: ProofSettings,
    #[command(flatten)]
    pub budgets: BudgetSettings,
    #[command(flatten)]
    pub reconcile: ReconcileSettings,
}

/// Where the vendors are and who we are there.
#[derive(Debug, Clone, Default, Args)]
pub struct VendorSettings {
    /// Braintree gateway, e.g. <https://api.braintreegateway.com>
    #[arg(long, env = "BRAINTREE_BASE_URL")]
    pub braintree_base_url: Option<Url>,
    /// Braintree merchant id
    #[arg(long, env = "BRAINTREE_MERCHANT_ID")]
    pub braintree_merchant_id: Option<String>,
    /// Braintree public key
    #[arg(long, env = "BRAINTREE_PUBLIC_KEY")]
    pub braintree_public_key: Option<String>,
    /// Braintree private key
    #[arg(long, env = "BRAINTREE_PRIVATE_KEY", hide_env_values = true)]
    pub braintree_private_key: Option<SecretString>,
    /// Merchant account of each currency, e.g. `EUR=shop_eur,USD=shop_usd`
    #[arg(long, env = "BRAINTREE_MERCHANT_ACCOUNTS", value_delimiter = ',')]
    pub braintree_merchant_accounts: Vec<String>,
    /// Zoho Accounts, e.g. <https://accounts.zoho.eu>
    #[arg(long, env = "ZOHO_ACCOUNTS_URL")]
    pub zoho_accounts_url: Option<Url>,
    /// Zoho API, e.g. <https://www.zohoapis.eu>
    #[arg(long, env = "ZOHO_API_URL")]
    pub zoho_api_url: Option<Url>,
    /// Zoho Billing organization id
    #[arg(long, env = "ZOHO_ORGANIZATION_ID")]
    pub zoho_organization_id: Option<String>,
    /// OAuth client id
    #[arg(long, env = "ZOHO_CLIENT_ID")]
    pub zoho_client_id: Option<String>,
    /// OAuth client secret
    #[arg(long, env = "ZOHO_CLIENT_SECRET", hide_env_values = true)]
    pub zoho_client_secret: Option<SecretString>,
    /// OAuth refresh token
    #[arg(long, env = "ZOHO_REFRESH_TOKEN", hide_env_values = true)]
    pub zoho_refresh_token: Option<SecretString>,
    /// Secret of the Zoho webhook, as entered in Zoho
    #[arg(long, env = "ZOHO_WEBHOOK_SECRET", hide_env_values = true)]
    pub zoho_webhook_secret: Option<SecretString>,
    /// Currency of Zoho's catalog: the organization's own; unset: EUR, but for production, which must say it
    #[arg(long, env = "ZOHO_CURRENCY")]
    pub zoho_currency: Option<String>,
    /// Percentage of each tax by Zoho's tax id, e.g. `903000000065300=19,903000000065301=8.875`; quotes of what has
    /// another tax say that the tax is added later
    #[arg(long, env = "ZOHO_TAX_RATES", value_delimiter = ',')]
    pub zoho_tax_rates: Vec<String>,
    #[command(flatten)]
    pub desk: DeskSettings,
    #[command(flatten)]
    pub attio: AttioSettings,
}

/// Where Attio is and who we are there.
#[derive(Debug, Clone, Default, Args)]
pub struct AttioSettings {
    /// Attio API, e.g. <https://api.attio.com>
    #[arg(long = "attio-base-url", env = "ATTIO_BASE_URL")]
    pub base_url: Option<Url>,
    /// Attio API key
    #[arg(long = "attio-api-key", env = "ATTIO_API_KEY", hide_env_values = true)]
    pub api_key: Option<SecretString>,
    /// Currency of Attio's amount attributes
    #[arg(long = "attio-currency", env = "ATTIO_CURRENCY", default_value = "EUR")]
    pub currency: String,
    /// Workspace member id of whoever gets the tasks about records that nobody owns
    #[arg(long = "attio-task-owner", env = "ATTIO_TASK_OWNER")]
    pub task_owner: Option<String>,
    /// Secret of the Attio webhook, as `setup` printed it
    #[arg(long = "attio-webhook-secret", env = "ATTIO_WEBHOOK_SECRET", hide_env_values = true)]
    pub webhook_secret: Option<SecretString>,
    /// Secret before the last rotation: what is signed with it is taken until the time below
    #[arg(long = "attio-webhook-secret-old", env = "ATTIO_WEBHOOK_SECRET_OLD", hide_env_values = true)]
    pub old_webhook_secret: Option<SecretString>,
    /// Until when, as `setup --rotate-secret` printed it: 2026-12-01T00:00:00Z
    #[arg(long = "attio-webhook-secret-old-until", env = "ATTIO_WEBHOOK_SECRET_OLD_UNTIL")]
    pub old_webhook_secret_until: Option<DateTime<Utc>>,
}

/// The checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub environment: Environment,
    pub database_url: Option<SecretString>,
    pub public_listen: SocketAddr,
    pub private_listen: SocketAddr,
    /// Without a slash at its end.
    pub public_url: Option<String>,
    pub admin_token: SecretString,
    /// From which links of pages and seals of inputs are made.
    pub secret_key: SecretString,
    pub installation: Installation,
    pub books_zone: chrono_tz::Tz,
    pub node: String,
    pub lease: Duration,
    pub call_limit: Duration,
    pub poll: Option<Duration>,
    /// Time between two polls of Zoho's catalog, where it is polled at all.
    pub catalog_every: Duration,
    /// Start in recovery hold.
    pub hold: bool,
    /// Words of the operators' verbs that need a second person.
    pub two_persons: BTreeSet<String>,
    /// What a rule may give back without anybody's word.
    pub auto_refunds: AutoRefunds,
    pub offers: OfferConfig,
    pub crm: CrmConfig,
    /// What holds for sign-ups.
    pub signups: SignUpConfig,
    pub vendors: Vendors,
    pub brand: Brand,
    pub mail: MailConfig,
    /// Who tells customers what will be charged.
    pub notices_sender: NoticesSender,
    pub checkout: CheckoutConfig,
    pub watch: WatchConfig,
    pub proof: ProofConfig,
    pub reconcile: ReconcileConfig,
    /// Our part of what the vendors allow, by vendor.
    pub budgets: BTreeMap<&'static str, Limits>,
}

/// The vendors' part of the checked configuration.
#[derive(Debug, Clone)]
pub struct Vendors {
    pub braintree: BraintreeConfig,
    pub zoho: ZohoConfig,
    pub attio: AttioConfig,
}

/// Braintree.
#[derive(Debug, Clone)]
pub struct BraintreeConfig {
    pub base_url: Url,
    pub merchant_id: String,
    pub public_key: String,
    pub private_key: SecretString,
    /// Merchant account id by ISO currency code.
    pub merchant_accounts: BTreeMap<String, String>,
}

/// Attio.
#[derive(Debug, Clone)]
pub struct AttioConfig {
    pub base_url: Url,
    pub api_key: SecretString,
    /// Currency of its amount attributes; other amounts are written as text only.
    pub currency: iso_currency::Currency,
    /// The workspace member who gets the tasks about records without an owner; absent: nobody does.
    pub task_owner: Option<String>,
    /// Absent: Attio's webhooks are refused until `setup` made one.
    pub webhook_secret: Option<SecretString>,
    /// The one before it, and until when it is good: Attio repeats what was signed with it for some days.
    pub old_webhook_secret: Option<(SecretString, DateTime<Utc>)>,
}

/// All that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration has {} fault(s)", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(f, "\n  - {fault}"))
    }
}

impl Settings {
    /// Checks everything at once.
    ///
    /// # Errors
    /// Every fault, each with its cure.
    pub fn check(self) -> Result<Config, Faults> {
        self.checked(Checking::default())
    }

    /// The same for a show, whose secrets are made for it: no file that a variable of a real installation names is read.
    ///
    /// # Errors
    /// Every fault, each with its cure.
    pub fn check_show(self) -> Result<Config, Faults> {
        self.checked(Checking { no_files: true, ..Checking::default() })
    }

    fn checked(self, mut faults: Checking) -> Result<Config, Faults> {
        let production = self.environment == Environment::Production;
        let installation = Installation::new(&self.installation_prefix)
            .map_err(|e| faults.push(format!("INSTALLATION_PREFIX: {e}")))
            .ok();
        let database_url = self.database_url.filter(|url| !url.expose_secret().is_empty());
        if production && database_url.is_none() {
            faults.push("DATABASE_URL is not set: production never starts the embedded Postgres; set it to a Postgres 14 or later".to_owned());
        }
        faults.extend(call_beyond_lease(self.lease_seconds, self.call_seconds));
        if production {
            self.public_url.iter().filter(|url| url.scheme() != "https").for_each(|url| {
                faults.push(format!("PUBLIC_URL ({url}) is not https: production is reached over TLS only"));
            });
            if self.installation_prefix == DEFAULT_PREFIX {
                faults.push(format!(
                    "INSTALLATION_PREFIX is `{DEFAULT_PREFIX}`, the default of shows: production needs one of its own"
                ));
            }
            if self.books_time_zone.is_none() {
                faults.push("BOOKS_TIME_ZONE is not set: name the zone of your books, e.g. Europe/Berlin".to_owned());
            }
        }
        let admin_token = required("ADMIN_TOKEN", secret("ADMIN_TOKEN", self.admin_token, &mut faults), &mut faults);
        if admin_token.as_ref().is_some_and(|t| t.expose_secret().len() < 32) {
            faults.push("ADMIN_TOKEN is shorter than 32 characters: make one with `openssl rand -hex 32`".to_owned());
        }
        if production && admin_token.as_ref().is_some_and(|t| t.expose_secret().starts_with(SHIPPED_TOKEN)) {
            faults.push("ADMIN_TOKEN is the one that ships with docker-compose.yml: make one of your own".to_owned());
        }
        let secret_key = secret("SECRET_KEY", self.secret_key, &mut faults);
        if production && secret_key.is_none() {
            faults.push(
                "SECRET_KEY is not set: production needs one of its own; make one with `openssl rand -hex 32`"
                    .to_owned(),
            );
        }
        if secret_key.as_ref().is_some_and(|t| t.expose_secret().len() < 32) {
            faults.push("SECRET_KEY is shorter than 32 characters: make one with `openssl rand -hex 32`".to_owned());
        }
        let braintree_url = self.vendors.braintree_base_url.clone();
        let vendors = self.vendors.check(production, &mut faults);
        let checkout = self.checkout.check(production, braintree_url.as_ref(), &mut faults);
        let auto_refunds = self.approvals.auto_refunds(&mut faults);
        let two_persons = self.approvals.check(self.environment, &mut faults);
        let offers = self.offers.check(&mut faults);
        let crm = self.crm.check(&mut faults);
        let signups = self.signups.check(&mut faults);
        let watch = self.watch.check(self.environment, &mut faults);
        let proof = self.proof.check(self.environment, &mut faults);
        let catalog_every = self.budgets.catalog_every();
        let budgets = self.budgets.check(production, &mut faults);
        let reconcile = self.reconcile.check(self.environment, &mut faults);
        let brand = self.outreach.brand(self.environment, &mut faults);
        let notices_sender = self.outreach.notices_sender;
        let mail = self.outreach.mail(self.environment, &mut faults);
        match (installation, admin_token, vendors, brand, mail, checkout) {
            (Some(installation), Some(admin_token), Some(vendors), Some(brand), Some(mail), Some(checkout))
                if faults.is_empty() =>
            {
                Ok(Config {
                    environment: self.environment,
                    database_url,
                    public_listen: self.public_listen,
                    private_listen: self.private_listen,
                    public_url: self.public_url.map(|url| url.as_str().trim_end_matches('/').to_owned()),
                    secret_key: secret_key.unwrap_or_else(|| admin_token.clone()),
                    admin_token,
                    installation,
                    books_zone: self.books_time_zone.unwrap_or(chrono_tz::UTC),
                    node: self.node_name.unwrap_or_else(default_node_name),
                    lease: Duration::from_secs(self.lease_seconds),
                    call_limit: Duration::from_secs(self.call_seconds),
                    catalog_every,
                    poll: (self.poll_seconds > 0).then(|| Duration::from_secs(self.poll_seconds)),
                    hold: self.hold,
                    two_persons,
                    auto_refunds,
                    offers,
                    crm,
                    signups,
                    vendors,
                    brand,
                    mail,
                    notices_sender,
                    checkout,
                    watch,
                    proof,
                    reconcile,
                    budgets,
                })
            }
            _ => Err(Faults(faults.found)),
        }
    }
}

impl VendorSettings {
    fn check(self, production: bool, faults: &mut Checking) -> Option<Vendors> {
        let braintree = self.braintree(production, faults);
        let zoho = self.zoho(production, faults);
        let attio = self.attio.check(production, faults);
        Some(Vendors { braintree: braintree?, zoho: zoho?, attio: attio? })
    }

    /// Checks Braintree's part alone, for commands that need nothing else.
    ///
    /// # Errors
    /// Every fault, each with its cure.
    pub fn braintree_alone(&self) -> Result<BraintreeConfig, Faults> {
        alone(|faults| self.braintree(false, faults))
    }

    /// Checks Zoho's part alone.
    ///
    /// # Errors
    /// As above.
    pub fn zoho_alone(&self) -> Result<ZohoConfig, Faults> {
        alone(|faults| self.zoho(false, faults))
    }

    fn braintree(&self, production: bool, faults: &mut Checking) -> Option<BraintreeConfig> {
        let base_url = vendor_url("BRAINTREE_BASE_URL", self.braintree_base_url.clone(), production, faults);
        let merchant_accounts = merchant_accounts(&self.braintree_merchant_accounts, faults);
        let private_key = secret("BRAINTREE_PRIVATE_KEY", self.braintree_private_key.clone(), faults);
        let private_key = required("BRAINTREE_PRIVATE_KEY", private_key, faults);
        let merchant_id = id("BRAINTREE_MERCHANT_ID", self.braintree_merchant_id.as_ref(), faults);
        let public_key = id("BRAINTREE_PUBLIC_KEY", self.braintree_public_key.as_ref(), faults);
        Some(BraintreeConfig {
            base_url: base_url?,
            merchant_id: merchant_id?,
            public_key: public_key?,
            private_key: private_key?,
            merchant_accounts,
        })
    }

    fn zoho(&self, production: bool, faults: &mut Checking) -> Option<ZohoConfig> {
        let accounts_url = vendor_url("ZOHO_ACCOUNTS_URL", self.zoho_accounts_url.clone(), production, faults);
        let api_url = vendor_url("ZOHO_API_URL", self.zoho_api_url.clone(), production, faults);
        let mut key = |name, value: &Option<SecretString>| {
            let value = secret(name, value.clone(), faults);
            required(name, value, faults)
        };
        let client_secret = key("ZOHO_CLIENT_SECRET", &self.zoho_client_secret);
        let refresh_token = key("ZOHO_REFRESH_TOKEN", &self.zoho_refresh_token);
        let webhook_secret = key("ZOHO_WEBHOOK_SECRET", &self.zoho_webhook_secret);
        long_enough("ZOHO_WEBHOOK_SECRET", webhook_secret.as_ref(), faults);
        let currency = zoho::currency(self.zoho_currency.clone(), production, faults);
        let tax_rates = zoho::tax_rates(&self.zoho_tax_rates, faults);
        let desk = self.desk.clone().check(production, faults);
        let organization_id = id("ZOHO_ORGANIZATION_ID", self.zoho_organization_id.as_ref(), faults);
        let client_id = id("ZOHO_CLIENT_ID", self.zoho_client_id.as_ref(), faults);
        Some(ZohoConfig {
            accounts_url: accounts_url?,
            api_url: api_url?,
            organization_id: organization_id?,
            client_id: client_id?,
            client_secret: client_secret?,
            refresh_token: refresh_token?,
            webhook_secret: webhook_secret?,
            currency: currency?,
            tax_rates,
            desk,
        })
    }
}

/// A part of the configuration, or all that is wrong with it.
fn alone<T>(check: impl FnOnce(&mut Checking) -> Option<T>) -> Result<T, Faults> {
    let mut faults = Checking::default();
    match check(&mut faults) {
        Some(part) if faults.is_empty() => Ok(part),
        _ => Err(Faults(faults.found)),
    }
}

fn id(name: &str, value: Option<&String>, faults: &mut Checking) -> Option<String> {
    required(name, value.filter(|value| !value.is_empty()).cloned(), faults)
}

impl AttioSettings {
    /// Checks Attio's part alone, for commands that need nothing else.
    ///
    /// # Errors
    /// Every fault, each with its cure.
    pub fn check_alone(self) -> Result<AttioConfig, Faults> {
        alone(|faults| self.check(false, faults))
    }

    fn check(self, production: bool, faults: &mut Checking) -> Option<AttioConfig> {
        let base_url = vendor_url("ATTIO_BASE_URL", self.base_url, production, faults);
        let api_key = secret("ATTIO_API_KEY", self.api_key, faults);
        let api_key = required("ATTIO_API_KEY", api_key, faults);
        let webhook_secret = secret("ATTIO_WEBHOOK_SECRET", self.webhook_secret, faults);
        long_enough("ATTIO_WEBHOOK_SECRET", webhook_secret.as_ref(), faults);
        let currency = sagas::kernel::money::currency(&self.currency);
        let currency = currency.map_err(|e| faults.push(format!("ATTIO_CURRENCY: {e}"))).ok();
        let task_owner = self.task_owner.filter(|owner| !owner.is_empty());
        if let Some(owner) = task_owner.as_ref().filter(|owner| uuid::Uuid::try_parse(owner).is_err()) {
            faults.push(format!("ATTIO_TASK_OWNER ({owner}) is no id of a workspace member: expected a UUID"));
        }
        let old = secret("ATTIO_WEBHOOK_SECRET_OLD", self.old_webhook_secret, faults);
        if old.is_some() != self.old_webhook_secret_until.is_some() {
            faults.push("ATTIO_WEBHOOK_SECRET_OLD and ATTIO_WEBHOOK_SECRET_OLD_UNTIL go together".to_owned());
        }
        Some(AttioConfig {
            base_url: base_url?,
            api_key: api_key?,
            currency: currency?,
            task_owner,
            webhook_secret,
            old_webhook_secret: old.zip(self.old_webhook_secret_until),
        })
    }
}

fn vendor_url(name: &str, url: Option<Url>, production: bool, faults: &mut Checking) -> Option<Url> {
    let url = required(name, url, faults)?;
    if production && !is_vendor_host(&url) {
        faults.push(format!(
            "{name} ({url}) is not a vendor's production host over https: production talks to nothing else"
        ));
    }
    Some(url)
}

fn long_enough(name: &str, secret: Option<&SecretString>, faults: &mut Checking) {
    if secret.is_some_and(|s| s.expose_secret().len() < WEBHOOK_SECRET_AT_LEAST) {
        faults.push(format!(
            "{name} is shorter than {WEBHOOK_SECRET_AT_LEAST} characters: who guesses it can forge deliveries"
        ));
    }
}

fn merchant_accounts(pairs: &[String], faults: &mut Checking) -> BTreeMap<String, String> {
    let mut accounts = BTreeMap::new();
    for pair in pairs.iter().filter(|p| !p.is_empty()) {
        match pair.split_once('=') {
            Some((code, account)) if sagas::kernel::money::currency(code).is_ok() && !account.is_empty() => {
                accounts.insert(code.to_owned(), account.to_owned());
            }
            _ => faults
                .push(format!("BRAINTREE_MERCHANT_ACCOUNTS: `{pair}` is not `CURRENCY=account`, e.g. `EUR=shop_eur`")),
        }
    }
    if accounts.is_empty() && faults.iter().all(|f| !f.starts_with("BRAINTREE_MERCHANT_ACCOUNTS")) {
        faults.push(
            "BRAINTREE_MERCHANT_ACCOUNTS is not set: name the merchant account of each currency, e.g. `EUR=shop_eur`"
                .to_owned(),
        );
    }
    accounts
}

/// Hosts of the vendors' production services; Zoho's stand with its data centres.
const VENDOR_HOSTS: [&str; 3] = ["api.braintreegateway.com", "www.braintreegateway.com", "api.attio.com"];

fn is_vendor_host(url: &Url) -> bool {
    let known = |host: &str| VENDOR_HOSTS.contains(&host) || zoho::is_host(host);
    url.scheme() == "https" && url.host_str().is_some_and(known)
}

#[cfg(test)]
mod tests;
