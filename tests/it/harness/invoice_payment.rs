//! The fixture of the invoice payment: a stage without its service, and the connectors. No webhook comes: each invoice is
//! detected by hand, so that what happens is the same in every run. The gateway has neither at-most-once keys nor its
//! duplicate check here: what is sent twice is charged twice.

use crate::postgres::{TestDatabase, database};
use attio_billing::clock::Clock;
use attio_billing::connectors::Connectors;
use attio_billing::demo::{Stage, StageOptions, Wish};
use attio_billing::engine::items::Body;
use attio_billing::port::{Beside, Call, Perform};
use attio_billing::store::items::NewItem;
use attio_billing::store::query::SagaLine;
use chrono::TimeDelta;
use sagas::invoice_payment::{Command, InvoicePayment, News};
use sagas::kernel::effect::{Braintree, Effect};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::outcome::Outcome;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use secrecy::SecretString;
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) const KIND: &str = InvoicePayment::NAME;
const PRICE: i64 = 4_900;
/// The card of somebody else.
const PASSER_BY: &str = "m-passer-by";

pub(crate) struct Fixture {
    stage: Stage,
    connectors: Arc<Connectors>,
    charged: AtomicU64,
    database: TestDatabase,
}

/// Somebody else pays at the same merchant, and is given the money back: the gateway's index goes on.
pub(super) async fn pass_by(stage: &Stage, connectors: &Connectors, number: u64) {
    if number == 0 {
        let passer_by = json!({"vendor": "braintree", "act": "vault_customer", "customer_id": "passer-by",
            "customer": {"id": "passer-by", "email": "passer@example.org"}, "token": PASSER_BY, "card": "visa"});
        stage.sandbox.staff(&passer_by).await.unwrap();
    }
    let now = stage.clock().now();
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
        }),
        requested_at: now,
        sent_at: None,
        now,
        time_limit: Duration::from_secs(10),
        beside: Beside::default(),
    };
    if let Outcome::Done { answer: sagas::kernel::answer::Answer::Transaction(t) } =
        connectors.perform(&call).await.outcome
    {
        let void = json!({"vendor": "braintree", "act": "void_in_console", "id": t.id});
        stage.sandbox.staff(&void).await.unwrap();
    }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let database = database().await;
        let stage = Stage::without_service(&StageOptions::new(database.url().clone())).await.unwrap();
        for setting in [
            json!({"vendor": "braintree", "act": "set_api_request_keys", "on": false}),
            json!({"vendor": "braintree", "act": "set_duplicate_window", "seconds": 0}),
        ] {
            stage.sandbox.staff(&setting).await.unwrap();
        }
        let connectors = Arc::new(Connectors::new(&stage.config().vendors, stage.clock().clone()).unwrap());
        let fixture = Self { stage, connectors, charged: AtomicU64::new(0), database };
        // The first sale learns that there are no keys.
        fixture.pass_by().await;
        fixture.pass_by().await;
        fixture
    }

    async fn pass_by(&self) {
        let number = self.charged.fetch_add(1, Ordering::Relaxed);
        pass_by(&self.stage, &self.connectors, number).await;
    }

    async fn void(&self, id: &str) {
        let void = json!({"vendor": "braintree", "act": "void_in_console", "id": id});
        self.stage.sandbox.staff(&void).await.unwrap();
    }

    /// The live sales of each invoice, oldest first: id and status.
    async fn sales(&self) -> BTreeMap<SagaId, Vec<(String, String)>> {
        let books = self.stage.sandbox.books().await.unwrap();
        let mut sales = BTreeMap::<_, Vec<_>>::new();
        let prefix = format!("{}.inv.", self.stage.prefix());
        for sale in books["braintree"]["transactions"].as_array().unwrap() {
            let text = |field: &str| sale[field].as_str().unwrap_or_default().to_owned();
            let status = text("status");
            let live = ["authorized", "submitted_for_settlement", "settling", "settled"].contains(&status.as_str());
            if let Some(invoice) = text("order_id").strip_prefix(&prefix).filter(|_| live) {
                let saga = self.stage.saga_of(invoice.split('.').next().unwrap());
                sales.entry(saga).or_default().push((text("id"), status));
            }
        }
        sales
    }
}

#[async_trait::async_trait]
impl super::Fixture for Fixture {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn pool(&self) -> &PgPool {
        self.stage.pool()
    }

    fn database_url(&self) -> &SecretString {
        self.database.url()
    }

    fn vendors(&self) -> Arc<dyn Perform> {
        self.connectors.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        self.stage.clock().clone()
    }

    async fn advance(&self, by: TimeDelta) {
        // Money settles at once, so that no case waits for days; a double one stays voidable.
        for sales in self.sales().await.into_values() {
            if let [(id, status)] = sales.as_slice()
                && status == "submitted_for_settlement"
            {
                let settle = json!({"vendor": "braintree", "act": "settle_now", "id": id});
                self.stage.sandbox.staff(&settle).await.unwrap();
            }
        }
        self.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
        self.pass_by().await;
    }

    fn roads(&self) -> &'static [&'static str] {
        &["renewal"]
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let customer = self.stage.new_customer(&Wish::new(name, PRICE)).await.unwrap();
        let command = Command::Detected {
            organization: self.stage.config().vendors.zoho.organization_id.clone(),
            installation: Installation::new(self.stage.prefix()).unwrap(),
            invoice: customer.first_invoice.clone(),
            subscription: Some(customer.zoho_subscription),
            source: "test".to_owned(),
            news: News::Changed,
        };
        NewItem {
            saga: self.stage.saga_of(&customer.first_invoice),
            saga_kind: KIND.to_owned(),
            kind: "test.detected".to_owned(),
            principal: "test".to_owned(),
            body: Body::Saga { command: serde_json::to_value(command).unwrap() }.text(),
            waiting_key: None,
            idempotency_key: None,
        }
    }

    async fn clear(&self, parked: ParkCode, saga: &SagaLine) {
        if parked == ParkCode::MoneyDecision {
            let (_, detail, _) = saga.parked.as_ref().unwrap();
            let sales = &self.sales().await[&saga.id];
            let extra = sales.iter().find(|(id, _)| detail.contains(&format!("({id})")));
            let (extra, _) = extra.unwrap_or_else(|| panic!("`{detail}` names none of {sales:?}"));
            self.void(extra).await;
        }
    }

    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]) {
        let sales = self.sales().await;
        let count = |line: &SagaLine| sales.get(&line.id).map_or(0, Vec::len);
        for line in sagas {
            assert!(count(line) <= 1, "charged more than once: {:?} {line:#?}", sales[&line.id]);
            let paid = line.ended.as_deref() == Some("completed");
            assert!(!paid || count(line) == 1, "shown as paid without a charge: {line:#?}");
        }
        let money = |line: &&SagaLine| line.parked.as_ref().is_some_and(|(code, ..)| code == "MONEY_DECISION");
        for line in twice {
            let known = count(line) <= 1 || money(&line);
            assert!(known, "charged twice, and nobody is told: {:?} {line:#?}", sales[&line.id]);
        }
        // A saga that is parked at its first read has not booked the invoice yet: nothing to compare.
        if sagas.iter().chain(twice).all(|line| line.ended.is_some()) {
            let compared = self.stage.compare().await.unwrap();
            // A state that Attio refused for good is passed over: the one difference that a flow may leave, on record.
            let passed_over: i64 =
                sqlx::query_scalar("select count(distinct saga) from event where name = 'ProjectionRefused'")
                    .fetch_one(self.pool())
                    .await
                    .unwrap();
            let shown = compared.pairs.last().expect("Attio is the last pair");
            assert_eq!(i64::try_from(shown.differences.len()).unwrap(), passed_over, "{}", compared.table());
            assert_eq!(compared.differences(), shown.differences.len(), "{}", compared.table());
            // Holds and activations are another flow's.
            let ours = |name: &str| !name.contains("holds") && !name.contains("activations");
            let ours = compared.pairs.iter().filter(|pair| ours(pair.name));
            assert!(ours.into_iter().all(|pair| pair.compared >= sagas.len()), "{}", compared.table());
        }
    }
}
