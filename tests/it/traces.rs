//! Traces as a collector gets them from the real binary: a payment from its webhook to its last call, and nothing in them
//! that a stranger may not read.

use crate::postgres::database;
use attio_billing::demo::{Customer, Stage, StageOptions, Wish};
use attio_billing::store::query::SagaLine;
use attio_billing::trace;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use chrono::TimeDelta;
use rustix::process::{Pid, Signal, kill_process};
use sagas::kernel::ids::SagaId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};

/// Takes what is exported, as text.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<String>>>);

impl Collector {
    async fn listen() -> (Self, String) {
        let collector = Self::default();
        let take = async |State(Collector(taken)): State<Collector>, body: String| {
            taken.lock().unwrap().push(body);
            (StatusCode::OK, "{}")
        };
        let routes = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        (collector, address)
    }

    fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }

    fn spans(&self) -> Vec<Span> {
        let bodies: Vec<Value> =
            self.0.lock().unwrap().iter().map(|body| serde_json::from_str(body).unwrap()).collect();
        let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
        let resources = bodies.iter().flat_map(|body| list(body, "resourceSpans"));
        let scopes = resources.flat_map(|resource| list(&resource, "scopeSpans"));
        scopes.flat_map(|scope| list(&scope, "spans")).map(|span| Span::read(&span)).collect()
    }
}

#[derive(Debug, Clone)]
struct Span {
    trace: String,
    id: String,
    parent: String,
    name: String,
    says: BTreeMap<String, String>,
    /// Trace and span.
    links: Vec<(String, String)>,
}

impl Span {
    fn read(span: &Value) -> Self {
        let text = |of: &Value, name: &str| of[name].as_str().unwrap_or_default().to_owned();
        let says = span["attributes"].as_array().into_iter().flatten().map(|attribute| {
            let value = attribute["value"].as_object().unwrap().values().next().unwrap();
            (text(attribute, "key"), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        let links = span["links"].as_array().into_iter().flatten();
        Self {
            trace: text(span, "traceId"),
            id: text(span, "spanId"),
            parent: text(span, "parentSpanId"),
            name: text(span, "name"),
            says: says.collect(),
            links: links.map(|link| (text(link, "traceId"), text(link, "spanId"))).collect(),
        }
    }

    fn says(&self, name: &str) -> &str {
        self.says.get(name).map_or("", String::as_str)
    }
}

/// A running `serve` that exports to an address.
struct Serving {
    child: Child,
    log: ChildStderr,
    described: Value,
}

impl Serving {
    async fn start(database: &SecretString, stage: &Stage, collector: &str) -> Self {
        let sandbox = stage.description["zoho"]["api_url"].as_str().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_attio-billing"));
        command.args(["serve", "--json", "--sandbox-url", sandbox, "--public-listen", "127.0.0.1:0"]);
        command.args(["--private-listen", "127.0.0.1:0", "--poll-seconds", "0"]);
        command.args(["--zoho-calls-per-minute", "0", "--zoho-calls-per-day", "0"]);
        command.env("DATABASE_URL", database.expose_secret()).env_remove("RUST_LOG");
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector).env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
        command.env("OTEL_BSP_SCHEDULE_DELAY", "50");
        if let Some(secret) = &stage.config().vendors.attio.webhook_secret {
            command.env("ATTIO_WEBHOOK_SECRET", secret.expose_secret());
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = said.next_line().await.unwrap().expect("it says where it is before it ends");
        let log = child.stderr.take().unwrap();
        Self { child, log, described: serde_json::from_str(&line).unwrap() }
    }

    /// Stops it as an operator does; what it had logged.
    async fn stop(mut self) -> String {
        let pid = Pid::from_raw(self.child.id().unwrap().try_into().unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        assert!(self.child.wait().await.unwrap().success());
        let mut log = String::new();
        self.log.read_to_string(&mut log).await.unwrap();
        log
    }
}

/// Zoho raises an invoice for a new customer, and it is paid by that service.
async fn pay(stage: &Stage) -> (Customer, SagaId) {
    let customer = stage.new_customer(&Wish::new("Canary Lovelace", 1_900)).await.unwrap();
    let saga = stage.saga_of(&stage.renew(&customer, 1_900).await.unwrap());
    // All is told by now, too: nothing is wanted before the settlement is looked for.
    let later = stage.clock().now() + TimeDelta::minutes(1);
    let done = |line: &SagaLine| line.state == "AwaitSettlement" && line.due_at.is_some_and(|due| due > later);
    stage.until_saga(saga, "paid", done).await.unwrap();
    (customer, saga)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_is_one_trace_from_its_webhook_to_its_last_call() {
    let database = database().await;
    let stage = Stage::without_service(&StageOptions::new(database.url().clone())).await.unwrap();
    let (collector, address) = Collector::listen().await;
    let serving = Serving::start(database.url(), &stage, &address).await;
    let (_, saga) = pay(&stage).await;
    let described = serving.described.clone();
    let (ours, parent) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let show = format!("{}/api/v1/sagas/{saga}", described["private_url"].as_str().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let asked = http.get(show).bearer_auth(described["admin_token"].as_str().unwrap());
    let asked = asked.header("traceparent", format!("00-{ours}-{parent}-01"));
    assert!(asked.send().await.unwrap().status().is_success());
    serving.stop().await;

    let spans = collector.spans();
    let whole: Vec<&Span> = spans.iter().filter(|span| span.trace == trace::id_of(saga)).collect();
    connected(&whole);
    let names: BTreeSet<&str> = whole.iter().map(|span| span.name.as_str()).collect();
    for name in [
        "item",
        "turn",
        "apply",
        "append",
        "step read_invoice",
        "zoho.read_invoice",
        "step charge",
        "braintree.sell",
        "POST /merchants/{}/transactions",
        "step record_payment",
        "zoho.record_payment",
        "step project",
        "attio.project",
    ] {
        assert!(names.contains(name), "{name} is not among {names:#?}");
    }
    let sale = whole.iter().find(|span| span.name == "braintree.sell").unwrap();
    assert_eq!((sale.says("vendor"), sale.says("outcome")), ("braintree", "done"));
    let sent = whole.iter().find(|span| span.parent == sale.id).unwrap();
    assert_eq!((sent.says("http.response.status_code"), sent.says("http.request.method")), ("201", "POST"));
    assert!(!sent.says("request_id").is_empty(), "{sent:#?}");

    // The webhook's own trace leads to the saga's, and back.
    let first = whole.iter().find(|span| span.name == "item").unwrap();
    let (receipt, routed) = first.links.first().expect("an item has what brought it");
    let route = spans.iter().find(|span| (&span.trace, &span.id) == (receipt, routed)).unwrap();
    assert_eq!((route.name.as_str(), route.says("vendor"), route.says("result")), ("route", "zoho", "routed"));
    assert_eq!(route.links[0].0, trace::id_of(saga));
    let webhook = spans.iter().find(|span| span.id == route.parent).unwrap();
    assert_eq!((webhook.name.as_str(), webhook.says("result")), ("webhook", "stored"));
    assert_eq!(webhook.says("delivery"), route.says("delivery"));

    let request = spans.iter().find(|span| span.trace == ours).expect("the caller's trace goes on");
    assert_eq!((request.parent.as_str(), request.name.as_str()), (parent, "GET /api/v1/sagas/{id}"));
    assert_eq!(request.says("http.response.status_code"), "200");
}

/// All hang under one span, which needs nothing but the saga's id to be found.
fn connected(whole: &[&Span]) {
    let ids: BTreeSet<&str> = whole.iter().map(|span| span.id.as_str()).collect();
    assert_eq!(ids.len(), whole.len(), "no id is there twice");
    let roots: Vec<_> = whole.iter().filter(|span| span.parent.is_empty()).collect();
    let [root] = roots.as_slice() else { panic!("one beginning, not {roots:#?}") };
    assert_eq!(root.name, "saga invoice_payment");
    assert!(root.trace.starts_with(&root.id));
    for span in whole.iter().filter(|span| span.id != root.id) {
        assert!(ids.contains(span.parent.as_str()), "{span:#?} hangs in the air");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_private_and_no_secret_leaves_in_a_trace() {
    let database = database().await;
    let stage = Stage::without_service(&StageOptions::new(database.url().clone())).await.unwrap();
    let (collector, address) = Collector::listen().await;
    let serving = Serving::start(database.url(), &stage, &address).await;
    let (customer, _) = pay(&stage).await;
    let described = serving.described.clone();
    serving.stop().await;

    let text = collector.text().to_lowercase();
    assert!(text.contains("braintree.sell"), "there is something to look through");
    let mut private = vec!["canary".to_owned(), "lovelace".to_owned(), "@example.org".to_owned()];
    private.extend([customer.zoho_customer, customer.first_invoice, customer.attio_company]);
    private.push(described["admin_token"].as_str().unwrap().to_owned());
    private.push(database.url().expose_secret().to_owned());
    strings(&described["webhooks"], &mut private);
    for vendor in ["attio", "braintree", "zoho"] {
        let credentials = stage.description[vendor].as_object().unwrap().iter();
        let secret = |name: &str| ["key", "secret", "token"].iter().any(|word| name.contains(word));
        credentials.filter(|(name, _)| secret(name)).for_each(|(_, value)| strings(value, &mut private));
    }
    assert!(private.len() > 12, "{private:?}");
    for word in private {
        assert!(!text.contains(&word.to_lowercase()), "`{word}` left in a trace");
    }
}

fn strings(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Object(fields) => fields.values().for_each(|value| strings(value, all)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there_is_said_once_and_holds_nothing_up() {
    let database = database().await;
    let stage = Stage::without_service(&StageOptions::new(database.url().clone())).await.unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let serving = Serving::start(database.url(), &stage, &format!("http://{nobody}")).await;
    pay(&stage).await;
    let log = serving.stop().await;
    assert_eq!(log.matches("the collector takes no traces").count(), 1, "{log}");
    let books = stage.sandbox.books().await.unwrap();
    let open = books["zoho"]["invoices"].as_array().unwrap().iter().filter(|invoice| invoice["balance"] != json!(0));
    assert_eq!(open.count(), 0);
}
