//! The fixture of the plan change: a customer who owes nothing, and an order of a dearer plan. The customer accepts whenever the
//! clock moves. No webhook comes by itself, so that what happens is the same in every run.

use super::Ground;
use super::staged::Staged;
use attio_billing::demo::{Customer, Wish};
use attio_billing::keys::Keys;
use attio_billing::mail::Mailer;
use attio_billing::port::Person;
use attio_billing::store::append::Status;
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::links::{LinkKind, link};
use attio_billing::store::people;
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use attio_billing::store::saga_store;
use attio_billing::store::schema::SHARDS;
use chrono::TimeDelta;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::plan_change::{Ask, Basis, Command, Consent, Of, PlanChange, Terms, Wanted, view};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const KIND: &str = PlanChange::NAME;
/// The dearer plan.
const MAX: &str = "max-monthly";
const TERMS_OF: &str = "1";

pub(crate) struct Fixture {
    staged: Staged,
    keys: Keys,
    mailer: Arc<Mailer>,
    /// Whose subscription each saga changes.
    customers: Mutex<HashMap<String, Customer>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let staged = Staged::new().await;
        let max = json!({"vendor": "zoho", "act": "create_plan", "plan_code": MAX, "name": "Max", "price": 9_900});
        staged.stage.sandbox.staff(&max).await.unwrap();
        let (config, clock) = (staged.stage.config(), staged.stage.clock().clone());
        let keys = Keys::new(&config.secret_key, "http://127.0.0.1");
        let mailer = Mailer::new(&config.mail, &config.brand, clock, Duration::from_secs(10)).unwrap();
        Self { staged, keys, mailer: Arc::new(mailer), customers: Mutex::default() }
    }

    /// A customer who has paid the first invoice, and whose subscription's record is linked, as an activation leaves it.
    async fn customer(&self, name: &str) -> Customer {
        let stage = &self.staged.stage;
        let customer = stage.new_customer(&Wish::new(name, 4_900)).await.unwrap();
        let person = Person {
            first_name: "Paula".to_owned(),
            last_name: "Example".to_owned(),
            email: "paula@example.org".to_owned(),
            locale: Some("en".to_owned()),
            ..Person::default()
        };
        people::put(stage.pool(), &customer.ours, &person).await.unwrap();
        let paid = json!({"vendor": "zoho", "act": "record_payment", "invoice_id": customer.first_invoice,
            "payment_mode": "check", "reference_number": "cheque 1"});
        stage.sandbox.staff(&paid).await.unwrap();
        let books = stage.sandbox.books().await.unwrap();
        let records = books["attio"]["records"]["subscriptions"].as_array().unwrap().clone();
        let theirs = records.iter().find(|r| r.to_string().contains(&customer.zoho_subscription)).unwrap();
        let record = theirs["record_id"].as_str().unwrap().to_owned();
        link(stage.pool(), &customer.subscription, &[(LinkKind::AttioSubscription, &record)]).await.unwrap();
        customer
    }

    /// Accepts every preview, and every higher sum, that waits for it.
    async fn accept(&self) {
        let filter = SagaFilter { kind: Some(KIND.to_owned()), ..SagaFilter::default() };
        let pool = self.staged.stage.pool();
        for line in query::sagas(pool, &filter, None, 500).await.unwrap() {
            if line.ended.is_some() || line.parked.is_some() || line.status == Status::Resolving {
                continue;
            }
            let loaded = saga_store::load::<PlanChange>(pool, line.id.shard(SHARDS), line.id).await.unwrap();
            let seen = view(&loaded.saga.business);
            let preview = seen.preview.filter(|_| seen.acceptable).map(|preview| preview.hash);
            let Some(hash) = seen.demand.map(|demand| demand.hash).or(preview) else { continue };
            let at = self.staged.stage.clock().now();
            let command = Command::Accepted {
                hash,
                consent: Consent { version: TERMS_OF.to_owned(), at, evidence: None },
                basis: Basis::Customer,
                by: "token:test".to_owned(),
            };
            offer_item(pool, SHARDS, &super::item(line.id, KIND, "test.accepted", &command), &[]).await.unwrap();
        }
    }

    /// Live transactions of each plan change: id and status.
    async fn live(&self) -> Vec<(String, String)> {
        let live = self.staged.live_sales("chg").await.into_iter();
        live.map(|(order, _, status)| (order.split('.').next().unwrap().to_owned(), status)).collect()
    }
}

#[async_trait::async_trait]
impl super::Fixture for Fixture {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn ground(&self) -> &Ground {
        &self.staged.ground
    }

    fn keys(&self) -> Keys {
        self.keys.clone()
    }

    fn mailer(&self) -> Option<Arc<Mailer>> {
        Some(self.mailer.clone())
    }

    async fn advance(&self, by: TimeDelta) {
        // Who can accept does so now, instead of letting the week pass; only then does time go on.
        self.accept().await;
        let by = by.min(TimeDelta::hours(2));
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
        self.staged.pass_by().await;
    }

    fn roads(&self) -> &'static [&'static str] {
        &["upgrade"]
    }

    fn one_in(&self) -> usize {
        8
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const OTHERWISE: &str =
            "the invoice or the hold says otherwise than expected: the walks and the flow's tests play it";
        &[
            ("read_request", "ordered with the whole list: the scenes of presses play it"),
            ("find_late_hold", OTHERWISE),
            ("release_hold", OTHERWISE),
            ("tell_invoice", OTHERWISE),
            ("task", OTHERWISE),
        ]
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let customer = self.customer(name).await;
        let of = Of {
            organization: self.staged.stage.config().vendors.zoho.organization_id.clone(),
            installation: self.staged.installation(),
            subscription: customer.zoho_subscription.clone(),
        };
        let saga = PlanChange::id(&of.organization, &of.subscription, name);
        let wanted = Wanted { plan: MAX.to_owned(), quantity: 1, addons: Vec::new(), coupon: None };
        let ask =
            Ask { key: name.to_owned(), wanted: Some(wanted), at_end: None, by: "token:test".to_owned(), press: None };
        let terms = Terms {
            highest_tax_ppm: 270_000,
            currencies: vec!["EUR".to_owned()],
            consent_version: TERMS_OF.to_owned(),
            // Longer than the clock is moved: when it is accepted does not hang on what else was under way.
            preview_minutes: 60 * 24 * 60,
            patience_days: 60,
            declines_at_most: 5,
            hold_hours: 24,
        };
        self.customers.lock().unwrap().insert(saga.to_string(), customer);
        super::item(
            saga,
            KIND,
            "test.requested",
            &Command::Requested { of, ask: Box::new(ask), terms: Box::new(terms) },
        )
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]) {
        let (live, books) = (self.live().await, self.staged.stage.sandbox.books().await.unwrap());
        let of = |line: &SagaLine| live.iter().filter(|(saga, _)| *saga == line.id.0.simple().to_string()).count();
        let plan = |line: &SagaLine| -> Value {
            let customer = self.customers.lock().unwrap()[&line.id.to_string()].clone();
            let mut all = books["zoho"]["subscriptions"].as_array().unwrap().iter();
            let theirs = all.find(|row| row["subscription_id"] == customer.zoho_subscription.as_str());
            theirs.expect("a subscription in Zoho's books")["plan_code"].clone()
        };
        // What was left to collection is charged by the invoice's stream.
        let left = self.staged.live_sales("inv").await;
        let by_stream = |line: &SagaLine| {
            let customer = self.customers.lock().unwrap()[&line.id.to_string()].clone();
            let invoices = books["zoho"]["invoices"].as_array().unwrap();
            let theirs = |id: &str| {
                let mut all = invoices.iter().filter(|row| row["customer_id"] == customer.zoho_customer.as_str());
                all.any(|row| row["invoice_id"] == id)
            };
            left.iter().filter(|(order, ..)| theirs(order.split('.').next().unwrap())).count()
        };
        for line in sagas.iter().filter(|line| line.kind == KIND) {
            match line.state.as_str() {
                "Changed" => {
                    assert_eq!(of(line) + by_stream(line), 1, "changed without one charge: {line:#?}");
                    assert_eq!(plan(line), MAX, "{line:#?}");
                }
                _ if line.ended.is_some() => {
                    assert_eq!(of(line), 0, "over, and money is held: {line:#?}");
                    assert_ne!(plan(line), MAX, "nothing was agreed to: {line:#?}");
                }
                _ => assert!(of(line) <= 1, "held more than once: {line:#?}"),
            }
        }
        assert!(twice.iter().all(|line| of(line) <= 2));
        if sagas.iter().chain(twice).all(|line| line.ended.is_some()) {
            let compared = self.staged.stage.compare().await.unwrap();
            let money: usize = compared.pairs.iter().take(4).map(|pair| pair.differences.len()).sum();
            assert_eq!(money, 0, "{}", compared.table());
        }
    }
}
