//! The stage: everything started in one process, and waits that end when a condition holds.

use super::catalog::VAT_PPM;
use super::{Details, adopt, aim_webhooks, describe, provision_attio, provision_zoho};
use crate::app::{Service, stamp};
use crate::clock::Clock;
use crate::config::{Collector, Config, Settings};
use crate::store::backlog::backlog;
use crate::store::open::{migrate_url, visit};
use crate::store::query::{self, SagaLine};
use crate::store::schema;
use chrono::{DateTime, Utc};
use clap::{FromArgMatches, Parser};
use sagas::kernel::ids::SagaId;
use sandbox::faults::Vendor;
use sandbox::remote::Remote;
use sandbox::{World, mailbox, server};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// What a stage is made of.
#[derive(Debug, Clone)]
pub struct StageOptions {
    /// An empty database, or one of an earlier stage.
    pub database_url: SecretString,
    /// `host:port` of the public and the private listener; port 0 takes a free one.
    pub listen: [String; 2],
    /// Of the sandbox.
    pub sandbox_listen: String,
    /// How long the service waits for a vendor.
    pub call_seconds: u64,
    /// How long a node's lease lasts.
    pub lease_seconds: u64,
    /// Seconds between two polls of Zoho; 0: none.
    pub poll_seconds: u64,
    /// Some of the operators' verbs need a second person.
    pub approvals: bool,
    /// Zoho's calls a minute and a day, as the service counts them; 0: it does not. None: nobody counts.
    pub zoho_calls: Option<[u32; 2]>,
    /// A folder in which checkpoints are published.
    pub sink: Option<String>,
    /// Seed of the key that is to sign checkpoints next.
    pub next_key: Option<SecretString>,
    /// When the books are compared by themselves, as `RECONCILE_AT`.
    pub reconcile_at: Option<String>,
    /// Who collects what is sold.
    pub collection_owner: Collector,
    /// Everybody's present at the start; none: the real one.
    pub from: Option<DateTime<Utc>>,
    /// The service opens tickets in Zoho Desk.
    pub helpdesk: bool,
}

impl StageOptions {
    /// Free ports, a patience fit for a show.
    pub fn new(database_url: SecretString) -> Self {
        Self {
            database_url,
            listen: ["127.0.0.1:0".to_owned(), "127.0.0.1:0".to_owned()],
            sandbox_listen: "127.0.0.1:0".to_owned(),
            call_seconds: 2,
            lease_seconds: 15,
            poll_seconds: 0,
            approvals: false,
            zoho_calls: None,
            sink: None,
            next_key: None,
            reconcile_at: None,
            collection_owner: Collector::Orchestrator,
            from: None,
            helpdesk: false,
        }
    }
}

/// A world on stage.
pub struct Stage {
    /// The sandbox's control API.
    pub sandbox: Remote,
    /// Addresses and credentials of the sandbox.
    pub description: Value,
    config: Config,
    database_url: SecretString,
    clock: Arc<dyn Clock>,
    pool: PgPool,
    service: Option<Service>,
    numbers: AtomicU64,
    curtain: CancellationToken,
}

/// Business time as the sandbox has it: moving one moves both.
#[derive(Debug)]
struct SandboxClock(Arc<World>);

impl Clock for SandboxClock {
    fn now(&self) -> DateTime<Utc> {
        let now = self.0.clock.now();
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}

/// Parses settings as `serve` does, with nothing from the environment that could change a show.
#[derive(Parser)]
struct Line {
    #[command(flatten)]
    settings: Settings,
}

impl Stage {
    /// Starts sandbox and service; provisions Attio.
    ///
    /// # Errors
    /// A port, the database or the sandbox cannot be had.
    pub async fn start(options: &StageOptions) -> anyhow::Result<Self> {
        let mut stage = Self::without_service(options).await?;
        stage.start_service().await?;
        Ok(stage)
    }

    /// Everything but the service: for tests that run engines of their own on the database. Webhooks go nowhere.
    ///
    /// # Errors
    /// A port, the database or the sandbox cannot be had.
    pub async fn without_service(options: &StageOptions) -> anyhow::Result<Self> {
        let world = Arc::new(World::default());
        world.hold_limits(&Vendor::ALL, false);
        if let Some(from) = options.from {
            world.clock.set(from);
        }
        let listener = TcpListener::bind(&options.sandbox_listen).await?;
        let base = format!("http://{}", listener.local_addr()?);
        world.reached_at(base.clone());
        mailbox::open(&world, SocketAddr::new(listener.local_addr()?.ip(), 0)).await?;
        let description = server::description(&base, &world);
        let curtain = CancellationToken::new();
        let closing = curtain.clone();
        tokio::spawn(server::serve(listener, Arc::clone(&world), async move { closing.cancelled().await }));
        let sandbox = Remote::new(&format!("{base}/control"));
        let config = configuration(options, &description)?;
        let url = options.database_url.expose_secret();
        migrate_url(url).await?;
        let pool = visit(url).await?;
        schema::stamp(&pool, &stamp(&config)).await?;
        let mut stage = Self {
            sandbox,
            description,
            config,
            database_url: options.database_url.clone(),
            clock: Arc::new(SandboxClock(world)),
            pool,
            service: None,
            numbers: AtomicU64::new(0),
            curtain,
        };
        stage.provision().await?;
        Ok(stage)
    }

    /// What a person would do once: Attio's data model and its webhook, Zoho's catalog.
    async fn provision(&mut self) -> anyhow::Result<()> {
        provision_attio(&mut self.config.vendors.attio).await?;
        let (vat, product) = provision_zoho(&self.sandbox, self.plan()).await?;
        self.config.signups.product = Some(product);
        self.config.vendors.zoho.tax_rates.insert(vat, VAT_PPM);
        Ok(())
    }

    /// Starts the service, or starts it again on the same database and ports of its own.
    ///
    /// # Errors
    /// The database or a port cannot be had.
    pub async fn start_service(&mut self) -> anyhow::Result<()> {
        let url = self.database_url.expose_secret();
        let service = Service::start(self.config.clone(), url, Arc::clone(&self.clock)).await?;
        aim_webhooks(&self.sandbox, &service.public_url).await?;
        self.service = Some(service);
        Ok(())
    }

    /// Stops the service alone; the vendors go on.
    pub async fn stop_service(&mut self) {
        if let Some(service) = self.service.take() {
            service.stop().await;
        }
    }

    /// Ends the show.
    pub async fn end(mut self) {
        self.stop_service().await;
        self.curtain.cancel();
    }

    /// The running service.
    ///
    /// # Panics
    /// It was stopped.
    pub fn service(&self) -> &Service {
        self.service.as_ref().expect("the service is on stage")
    }

    /// The database, whether a service runs on it or not.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The service's configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Business time.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Everything that a script needs to play along.
    pub fn describe(&self) -> Value {
        let details = Details {
            admin_token: self.config.admin_token.clone(),
            database_url: self.database_url.clone(),
            vendors: self.config.vendors.clone(),
        };
        describe(self.service(), &details, &self.description)
    }

    /// The one stream of an invoice.
    pub fn saga_of(&self, invoice: &str) -> SagaId {
        SagaId::of_invoice(&self.config.vendors.zoho.organization_id, invoice)
    }

    /// The plan that all customers have.
    pub fn plan(&self) -> &'static str {
        "plus-monthly"
    }

    /// The installation's prefix.
    pub fn prefix(&self) -> &str {
        self.config.installation.as_str()
    }

    pub(super) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Waits until nothing is left to do now: every webhook delivered and applied, no saga under way or due.
    ///
    /// # Errors
    /// It does not come to rest in time.
    pub async fn rest(&self) -> anyhow::Result<()> {
        self.until("the world to come to rest", async || {
            // The same before and after the service was seen idle: what ends a saga can be a call that makes a webhook.
            let before = self.sandbox.webhooks(&json!({})).await.ok();
            let service = self.service();
            let idle = service.engine.busy() == 0;
            let left = backlog(&service.store.pool, self.clock.now()).await?;
            let after = self.sandbox.webhooks(&json!({})).await.ok();
            Ok(idle && left.is_empty() && before == after && after.is_some_and(|webhooks| all_delivered(&webhooks)))
        })
        .await
    }

    /// Waits until the saga's row satisfies a condition.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn until_saga(
        &self,
        saga: SagaId,
        what: &str,
        holds: impl Fn(&SagaLine) -> bool,
    ) -> anyhow::Result<SagaLine> {
        self.until(&format!("saga {saga} to be {what}"), async || {
            Ok(self.saga(saga).await?.is_some_and(|s| holds(&s)))
        })
        .await?;
        self.saga(saga).await?.ok_or_else(|| anyhow::anyhow!("saga {saga} is gone"))
    }

    /// A saga's line as it is now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn saga(&self, saga: SagaId) -> anyhow::Result<Option<SagaLine>> {
        Ok(query::saga(&self.pool, saga).await?.map(|(line, _)| line))
    }

    /// Resumes a parked saga over the API, as an admin would.
    ///
    /// # Errors
    /// It is refused.
    pub async fn resume(&self, saga: SagaId, reason: &str) -> anyhow::Result<Value> {
        let url = format!("http://{}/api/v1/sagas/{saga}/resume", self.service().private);
        let request = reqwest::Client::new()
            .post(url)
            .bearer_auth(self.config.admin_token.expose_secret())
            .json(&json!({"reason": reason}));
        let answer = request.send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        anyhow::ensure!(status.is_success(), "resume of {saga}: {status} {body}");
        Ok(body)
    }

    /// Waits until a condition holds, for at most 30 s of real time.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                tick.tick().await;
                if holds().await? {
                    return anyhow::Ok(());
                }
            }
        })
        .await;
        waited.map_err(|_| anyhow::anyhow!("waited 30 s in vain for {what}"))?
    }
}

/// Nothing is being delivered now; what failed and waits for its next attempt is not.
fn all_delivered(webhooks: &Value) -> bool {
    let under_way = |d: &Value| d["standing"] == "in_flight" || (d["standing"] == "waiting" && d["due"].is_null());
    webhooks["deliveries"].as_array().is_some_and(|all| !all.iter().any(under_way))
}

fn configuration(options: &StageOptions, description: &Value) -> anyhow::Result<Config> {
    // Only the command line below counts: a variable set for a real installation must not leak into a show.
    let command = <Line as clap::CommandFactory>::command().mut_args(|arg| arg.env(None::<&str>));
    let (call, lease, poll) =
        (options.call_seconds.to_string(), options.lease_seconds.to_string(), options.poll_seconds.to_string());
    let [public, private] = &options.listen;
    let [per_minute, per_day] = options.zoho_calls.unwrap_or_default().map(|calls| calls.to_string());
    let matches = command.try_get_matches_from([
        "serve",
        "--public-listen",
        public,
        "--private-listen",
        private,
        "--call-seconds",
        &call,
        "--lease-seconds",
        &lease,
        "--poll-seconds",
        &poll,
        "--approvals",
        if options.approvals { "required" } else { "off" },
        "--zoho-calls-per-minute",
        &per_minute,
        "--zoho-calls-per-day",
        &per_day,
        "--zoho-share-percent",
        "100",
        "--attio-calls-per-second",
        "0",
    ])?;
    let mut settings = Line::from_arg_matches(&matches)?.settings;
    settings.proof.checkpoint_sink = options.sink.clone().map(SecretString::from);
    settings.proof.checkpoint_next_key.clone_from(&options.next_key);
    settings.offers.collection_owner = options.collection_owner;
    settings.reconcile.reconcile_at.clone_from(&options.reconcile_at);
    adopt(&mut settings, description).map_err(anyhow::Error::msg)?;
    if options.helpdesk {
        let text = |field: &str| description["zoho"][field].as_str().map(str::to_owned);
        settings.vendors.desk.zoho_desk_url = text("desk_url").map(|url| url.parse()).transpose()?;
        settings.vendors.desk.zoho_desk_organization_id = text("desk_organization_id");
        settings.vendors.desk.zoho_desk_department_id = text("desk_department_id");
    }
    Ok(settings.check_show()?)
}
