//! What the fixtures of flows that call vendors stand on: a stage without its service, the connectors, and a gateway that
//! helps nobody: it has neither at-most-once keys nor its duplicate check, so that what is sent twice is charged twice.

use super::Ground;
use super::calls::Recorder;
use super::world::offer;
use crate::postgres::{TestDatabase, database};
use crate::staging::at_noon;
use attio_billing::config::Collector;
use attio_billing::connectors::Connectors;
use attio_billing::demo::{Customer, SignUp, Stage, StageOptions, Wish};
use attio_billing::engine::Engine;
use attio_billing::intake::{Acts, Poller};
use attio_billing::port::{Beside, Call, InMemory, Perform};
use attio_billing::store::Store;
use attio_billing::store::query;
use chrono::{DateTime, Utc};
use sagas::invoice_payment::{self, InvoicePayment, News};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Attio, Braintree, Effect};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::outcome::Outcome;
use sagas::kernel::saga::Saga as _;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// An invoice that its stream has collected and recorded; Braintree has settled the sale.
pub(super) struct PaidInvoice {
    pub(super) customer: Customer,
    /// Zoho invoice id.
    pub(super) invoice: String,
    pub(super) stream: SagaId,
    /// Braintree's id of the sale.
    pub(super) transaction: String,
}

/// The card of somebody else.
const PASSER_BY: &str = "m-passer-by";

pub(super) struct Staged {
    pub(super) stage: Stage,
    pub(super) connectors: Arc<Connectors>,
    pub(super) ground: Ground,
    charged: AtomicU64,
    /// Dropped last.
    _database: TestDatabase,
}

impl Staged {
    pub(super) async fn new() -> Self {
        Self::collected_by(Collector::Orchestrator).await
    }

    /// One on which that one collects what is sold.
    pub(super) async fn collected_by(collection_owner: Collector) -> Self {
        let database = database().await;
        let stage = Stage::without_service(&StageOptions { helpdesk: true, collection_owner, ..at_noon(&database) })
            .await
            .unwrap();
        for setting in [
            json!({"vendor": "braintree", "act": "set_api_request_keys", "on": false}),
            json!({"vendor": "braintree", "act": "set_duplicate_window", "seconds": 0}),
        ] {
            stage.sandbox.staff(&setting).await.unwrap();
        }
        let connectors = Arc::new(
            Connectors::new(&stage.config().vendors, stage.clock().clone(), None, Arc::new(InMemory::default()))
                .unwrap(),
        );
        let calls = Recorder::new(connectors.clone(), &stage.sandbox);
        let ground = Ground {
            pool: stage.pool().clone(),
            database_url: database.url().clone(),
            vendors: calls.clone(),
            calls: Some(calls),
            clock: stage.clock().clone(),
        };
        let staged = Self { stage, connectors, ground, charged: AtomicU64::new(0), _database: database };
        // The first sale learns that there are no keys.
        staged.pass_by().await;
        staged.pass_by().await;
        staged
    }

    pub(super) fn installation(&self) -> Installation {
        Installation::new(self.stage.prefix()).unwrap()
    }

    /// A new customer on whose record `Start` is pressed: the record, and when it was pressed.
    pub(super) async fn start_pressed(&self, name: &str) -> (String, DateTime<Utc>) {
        let record = self.stage.newcomer(&SignUp::new(name, self.stage.plan())).await.unwrap().record;
        self.stage.press(&record, "Start").await.unwrap();
        let now = self.stage.clock().now();
        let call = Call {
            saga: SagaId::derived("harness", &[&record]),
            step: "read".to_owned(),
            attempt: 1,
            effect: Effect::Attio(Attio::ReadRequest { record: record.clone() }),
            requested_at: now,
            sent_at: None,
            now,
            time_limit: Duration::from_secs(10),
            beside: Beside::default(),
        };
        match self.connectors.perform(&call).await.outcome {
            Outcome::Done { answer: Answer::Request(request) } => (record, request.pressed_at.unwrap()),
            other => panic!("the record cannot be read: {other:?}"),
        }
    }

    /// A new customer's first invoice, in minor units, paid and settled.
    pub(super) async fn paid_invoice(&self, name: &str, price: i64) -> PaidInvoice {
        let stage = &self.stage;
        let customer = stage.new_customer(&Wish::new(name, price)).await.unwrap();
        let invoice = customer.first_invoice.clone();
        let stream = stage.saga_of(&invoice);
        let command = invoice_payment::Command::Detected {
            organization: stage.config().vendors.zoho.organization_id.clone(),
            installation: self.installation(),
            invoice: invoice.clone(),
            subscription: None,
            source: "test".to_owned(),
            news: News::Changed,
            card_link: None,
        };
        offer(stage.pool(), &super::item(stream, InvoicePayment::NAME, "test.detected", &command)).await;
        let paid = async {
            while query::saga(stage.pool(), stream).await.unwrap().is_none_or(|(l, _)| l.state != "AwaitSettlement") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(2), paid).await.expect("the invoice is paid within two minutes");
        let sales = self.live_sales("inv").await;
        let ours = |(order, ..): &&(String, String, String)| order.split('.').next() == Some(&*invoice);
        let transaction = sales.iter().find(ours).expect("it is paid").1.clone();
        self.settle(&transaction).await;
        PaidInvoice { customer, invoice, stream, transaction }
    }

    /// Braintree settles a transaction now.
    pub(super) async fn settle(&self, transaction: &str) {
        let settle = json!({"vendor": "braintree", "act": "settle_now", "id": transaction});
        self.stage.sandbox.staff(&settle).await.unwrap();
    }

    /// Somebody else pays at the same merchant, and is given the money back: the gateway's index goes on.
    pub(super) async fn pass_by(&self) {
        let number = self.charged.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            let passer_by = json!({"vendor": "braintree", "act": "vault_customer", "customer_id": "passer-by",
                "customer": {"id": "passer-by", "email": "passer@example.org"}, "token": PASSER_BY, "card": "visa"});
            self.stage.sandbox.staff(&passer_by).await.unwrap();
        }
        let now = self.stage.clock().now();
        let call = Call {
            saga: SagaId::derived("harness", &["passer-by"]),
            step: "pass by".to_owned(),
            attempt: 1,
            effect: Effect::Braintree(Braintree::Sell {
                order_id: format!("elsewhere.{number}"),
                customer: "passer-by".to_owned(),
                token: PASSER_BY.to_owned(),
                amount: crate::store_support::eur(100),
                recurring: false,
                details: None,
            }),
            requested_at: now,
            sent_at: None,
            now,
            time_limit: Duration::from_secs(10),
            beside: Beside::default(),
        };
        if let Outcome::Done { answer: Answer::Transaction(t) } = self.connectors.perform(&call).await.outcome {
            let void = json!({"vendor": "braintree", "act": "void_in_console", "id": t.id});
            self.stage.sandbox.staff(&void).await.unwrap();
        }
    }

    /// The service's own polls, once: of open invoices at Zoho, of acts that stand in Attio.
    pub(super) async fn poll(&self, store: &Store, engine: &Arc<Engine>) {
        let (config, clock) = (self.stage.config(), self.stage.clock());
        let acts = Arc::new(Acts::new(config, store.clone(), self.connectors.clone(), clock.clone()));
        let connectors = self.connectors.clone();
        let every = Duration::from_secs(1);
        let poller = Poller::new(config, store.clone(), engine.clone(), connectors, clock.clone(), every, acts);
        // A poller that is told to stop ends after the round that it is in.
        let stop = CancellationToken::new();
        stop.cancel();
        poller.run(stop).await;
    }

    /// What is live at the gateway under order ids that begin so: the rest of the order id, the transaction's id and status.
    pub(super) async fn live_sales(&self, prefix: &str) -> Vec<(String, String, String)> {
        let books = self.stage.sandbox.books().await.unwrap();
        let prefix = format!("{}.{prefix}.", self.stage.prefix());
        let mut live = Vec::new();
        for sale in books["braintree"]["transactions"].as_array().unwrap() {
            let text = |field: &str| sale[field].as_str().unwrap_or_default().to_owned();
            let status = text("status");
            let is_live = ["authorized", "submitted_for_settlement", "settling", "settled"].contains(&status.as_str());
            if let Some(rest) = text("order_id").strip_prefix(&prefix).filter(|_| is_live) {
                live.push((rest.to_owned(), text("id"), status));
            }
        }
        live
    }
}
