//! A database under siege: vendors and customers live in the test process, and the real binary serves it, in as many processes as
//! a test wants. They are killed, stopped, suspended or cut off, and in the end everything must be whole.

use attio_billing::demo::{Customer, Stage, StageOptions, Wish};
use attio_billing::store::backlog::backlog;
use attio_billing::store::embedded::Embedded;
use attio_billing::store::{breakers, inbox, query, verify};
use rand::RngExt;
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use url::Url;

/// A dead node's shards are free after this long: the shortest lease that the configuration takes.
pub(crate) const LEASE: u64 = 12;
/// Enough that no card reaches its network's cap.
const CUSTOMERS: usize = 12;
/// Longer than that, it hangs. No measure (`benches/` measure): a circuit breaker that opened on a busy machine lets its first
/// call through after half a minute, and its second a minute later.
const RECOVERY: Duration = Duration::from_secs(150);

/// A running `serve`; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    /// What it says of itself.
    described: Value,
}

impl Serving {
    async fn start(program: &str, database: &SecretString, stage: &Stage) -> Self {
        let sandbox = stage.description["zoho"]["api_url"].as_str().unwrap();
        let mut command = Command::new(program);
        let lease = LEASE.to_string();
        command.args(["serve", "--json", "--sandbox-url", sandbox, "--public-listen", "127.0.0.1:0"]);
        command.args(["--private-listen", "127.0.0.1:0", "--call-seconds", "1", "--lease-seconds", &lease]);
        // A siege lasts less than the minute that Zoho counts.
        command.args(["--zoho-calls-per-minute", "0", "--zoho-calls-per-day", "0"]);
        command.args(["--poll-seconds", "0"]).env("DATABASE_URL", database.expose_secret());
        if let Some(secret) = &stage.config().vendors.attio.webhook_secret {
            command.env("ATTIO_WEBHOOK_SECRET", secret.expose_secret());
        }
        command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = said.next_line().await.unwrap().expect("it says where it is before it ends");
        let described: Value = serde_json::from_str(&line).unwrap();
        assert!(described["url"].is_string(), "{described}");
        Self { child, described }
    }

    /// As `kill -9` does: nothing is flushed, nobody is told.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// As a deployment stops it: how long it took, and how it ended.
    pub(crate) async fn terminate(mut self) -> (Duration, ExitStatus) {
        let began = Instant::now();
        self.signal(Signal::TERM);
        let status = self.child.wait().await.unwrap();
        (began.elapsed(), status)
    }

    /// `STOP`: it stands still, as on a suspended machine. `CONT`: it goes on.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// An answer of its private listener; none within the time that a probe waits: 503.
    pub(crate) async fn ask(&self, path: &str) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.described["private_url"].as_str().unwrap());
        let token = self.described["admin_token"].as_str().unwrap();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(40)).build().unwrap();
        match http.get(url).bearer_auth(token).send().await {
            Ok(answer) => (answer.status(), answer.json().await.unwrap_or_default()),
            Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Value::Null),
        }
    }

    pub(crate) async fn is_ready(&self) -> bool {
        self.ask("/readyz").await.0 == StatusCode::OK
    }
}

/// Vendors, customers and a database; the services on it come and go.
pub(crate) struct Siege {
    pub(crate) stage: Arc<Stage>,
    database: SecretString,
    customers: Vec<Customer>,
    begun: AtomicUsize,
}

impl Siege {
    pub(crate) async fn lay(database: &SecretString) -> Self {
        let mut options = StageOptions::new(database.clone());
        options.call_seconds = 1;
        options.lease_seconds = LEASE;
        let stage = Stage::without_service(&options).await.unwrap();
        let mut customers = Vec::new();
        for number in 0..CUSTOMERS {
            customers.push(stage.new_customer(&Wish::new(format!("Besieged {number}"), 1_900)).await.unwrap());
        }
        Self { stage: Arc::new(stage), database: database.clone(), customers, begun: AtomicUsize::new(0) }
    }

    /// Starts a service. With another release's binary in `OTHER_RELEASE` every other one is of that release.
    pub(crate) async fn serve(&self) -> Serving {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let other = std::env::var("OTHER_RELEASE").ok().filter(|_| number % 2 == 1);
        let program = other.as_deref().unwrap_or(env!("CARGO_BIN_EXE_attio-billing"));
        Serving::start(program, &self.database, &self.stage).await
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.stage.pool()
    }

    /// Polls until it holds.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        let waited = tokio::time::timeout(RECOVERY, async {
            while !holds().await {
                tick.tick().await;
            }
        });
        assert!(waited.await.is_ok(), "waited {RECOVERY:?} in vain: {what}");
    }

    /// Raises invoices for about so long, at most; stops in the middle of what it does.
    pub(crate) async fn load(&self, least: u64, most: u64) {
        let span = Duration::from_millis(rand::rng().random_range(least..most));
        let mut pace = tokio::time::interval(Duration::from_millis(80));
        let raising = async {
            for customer in self.customers.iter().cycle() {
                pace.tick().await;
                self.stage.renew(customer, 1_000 + rand::rng().random_range(0..900)).await.unwrap();
            }
        };
        let _ended_by_time = tokio::time::timeout(span, raising).await;
    }

    /// Time passes and webhooks that nobody took come again, until every invoice is paid and both books agree.
    pub(crate) async fn recovers(&self) {
        let began = Instant::now();
        let mut tick = tokio::time::interval(Duration::from_millis(300));
        loop {
            tick.tick().await;
            let left = self.left().await;
            if left.is_empty() {
                return;
            }
            assert!(began.elapsed() < RECOVERY, "not recovered in {RECOVERY:?}: {left}");
            for delivery in self.undelivered().await {
                // Refused while it is being sent, which is as good.
                let _ = self.stage.sandbox.webhooks(&json!({"resend": delivery["id"]})).await;
            }
            if self.only_time_helps().await.unwrap_or(false) {
                // Somebody else's sale shows that the search index has passed what was sent and not answered.
                self.stage.renew(&self.customers[rand::rng().random_range(0..CUSTOMERS)], 1_000).await.unwrap();
                self.stage.sandbox.advance("PT3H").await.unwrap();
            }
        }
    }

    /// Every flow that is not through waits for a later moment: no work is left that a moving clock could disturb.
    async fn only_time_helps(&self) -> anyhow::Result<bool> {
        let soon = self.stage.clock().now() + chrono::TimeDelta::seconds(20);
        let sagas = self.stage.all_sagas().await?;
        let backlog = backlog(self.stage.pool(), self.stage.clock().now()).await?;
        Ok(backlog.is_empty() && sagas.iter().all(|s| s.due_at.is_none_or(|due| due > soon)))
    }

    async fn undelivered(&self) -> Vec<Value> {
        let log = self.stage.sandbox.webhooks(&json!({})).await.unwrap();
        let all = log["deliveries"].as_array().unwrap();
        all.iter().filter(|d| d["standing"] != "delivered").cloned().collect()
    }

    /// What is not as it must be in the end, in words; empty: all is.
    async fn left(&self) -> String {
        match self.look().await {
            Ok(left) => left,
            Err(e) => format!("the database does not answer: {e:#}"),
        }
    }

    async fn look(&self) -> anyhow::Result<String> {
        let undelivered = self.undelivered().await;
        if !undelivered.is_empty() {
            return Ok(format!("not delivered: {}", Value::from(undelivered)));
        }
        let sagas = self.stage.all_sagas().await?;
        let mut open = BTreeMap::<String, u32>::new();
        for saga in sagas.iter().filter(|s| !matches!(s.state.as_str(), "AwaitSettlement" | "Settled")) {
            *open.entry(format!("{} {:?}", saga.state, saga.status)).or_default() += 1;
        }
        if !open.is_empty() {
            let now = self.stage.clock().now();
            let due = sagas.iter().filter_map(|s| s.due_at).min().map(|due| (due - now).num_seconds());
            let breakers = breakers::all(self.stage.pool()).await?;
            return Ok(format!("{open:?}, the first due in {due:?} s, circuit breakers open: {breakers:?}"));
        }
        let backlog = backlog(self.stage.pool(), self.stage.clock().now()).await?;
        if !backlog.is_empty() {
            return Ok(format!("{backlog:?}"));
        }
        let compared = self.stage.compare().await?;
        Ok(if compared.differences() == 0 { String::new() } else { compared.table() })
    }

    /// The final reckoning.
    pub(crate) async fn is_whole(&self) {
        let books = self.stage.sandbox.books().await.unwrap();
        let invoices = books["zoho"]["invoices"].as_array().unwrap();
        assert!(invoices.len() > CUSTOMERS, "nothing was raised under siege");
        let live = ["submitted_for_settlement", "settling", "settled"];
        for invoice in invoices {
            let id = invoice["invoice_id"].as_str().unwrap();
            let prefix = format!("{}.inv.{id}.", self.stage.prefix());
            let sales = books["braintree"]["transactions"].as_array().unwrap().iter().filter(|t| {
                t["order_id"].as_str().is_some_and(|o| o.starts_with(&prefix))
                    && live.contains(&t["status"].as_str().unwrap())
            });
            assert_eq!(sales.count(), 1, "invoice {id} is charged once");
            assert_eq!((&invoice["balance"], invoice["payments"].as_array().unwrap().len()), (&json!(0), 1));
        }
        let pool = self.stage.pool();
        let taken = inbox::summary(pool).await.unwrap()["zoho"];
        let log = self.stage.sandbox.webhooks(&json!({})).await.unwrap();
        let acknowledged = log["deliveries"].as_array().unwrap().iter().filter(|d| d["vendor"] == "zoho").count();
        assert_eq!(taken.received, u64::try_from(acknowledged).unwrap(), "every webhook is stored, and once");
        assert_eq!((taken.processed, taken.dead), (taken.received, 0));
        let report = verify::verify(pool, |_| {}).await.unwrap();
        assert!(report.first_break.is_none(), "{}", report.first_break.unwrap());
        assert!(query::forgotten(pool, 10).await.unwrap().is_empty());
    }

    /// Every webhook that was answered with 200 so far is in the database.
    pub(crate) async fn keeps_what_it_acknowledged(&self) {
        let log = self.stage.sandbox.webhooks(&json!({})).await.unwrap();
        let answered = |d: &&Value| d["attempts"].as_array().unwrap().iter().any(|a| a["status"] == 200);
        let zoho = log["deliveries"].as_array().unwrap().iter().filter(|d| d["vendor"] == "zoho");
        let acknowledged = u64::try_from(zoho.filter(answered).count()).unwrap();
        let pool = self.stage.pool();
        let stored = inbox::summary(pool).await.unwrap().get("zoho").map_or(0, |counts| counts.received);
        assert!(stored >= acknowledged, "{acknowledged} webhooks were acknowledged, {stored} are stored");
    }
}

/// A fixed address in front of a database server that comes back on another port.
pub(crate) struct Front {
    port: u16,
    behind: Arc<AtomicU16>,
}

impl Front {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let behind = Arc::new(AtomicU16::new(0));
        let to = Arc::clone(&behind);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let port = to.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await {
                        let _cut_off = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self { port, behind }
    }

    /// Leads to this server from now on; the URL of the front.
    pub(crate) fn lead_to(&self, server: &Embedded) -> SecretString {
        let mut url = Url::parse(server.url().expose_secret()).unwrap();
        self.behind.store(url.port().unwrap(), Ordering::SeqCst);
        url.set_port(Some(self.port)).unwrap();
        SecretString::from(url.to_string())
    }
}
