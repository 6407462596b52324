//! The fixture of the mirror: a customer who owes an invoice, and a subscription at Braintree that has charged it by itself and
//! was ended there since. Braintree tells of it; whoever sleeps through that finds it by the daily look.

use super::Ground;
use super::staged::Staged;
use attio_billing::demo::{Customer, Wish};
use attio_billing::engine::items::Body;
use attio_billing::port::{Beside, Call, Perform};
use attio_billing::store::customers::{CustomerLinks, link_customer};
use attio_billing::store::items::NewItem;
use attio_billing::store::query::{self, SagaLine};
use chrono::TimeDelta;
use sagas::braintree_recurring::{Begun, BraintreeRecurring, Command};
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::effect::{Braintree, Effect, RecurringOrder};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Outcome;
use sagas::kernel::park::ParkCode;
use sagas::kernel::recurring;
use sagas::kernel::saga::Saga;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

pub(crate) const KIND: &str = BraintreeRecurring::NAME;

const PLAN: &str = "billing-eur-1m";
const PRICE: i64 = 4_900;

pub(crate) struct Fixture {
    staged: Staged,
    /// Whose charges each saga mirrors.
    customers: Mutex<HashMap<String, Customer>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let staged = Staged::new().await;
        let plan = json!({"vendor": "braintree", "act": "create_plan", "id": PLAN, "price": "1.00",
            "billing_frequency": 1});
        staged.stage.sandbox.staff(&plan).await.unwrap();
        Self { staged, customers: Mutex::default() }
    }

    /// A customer of whom Braintree collects.
    async fn customer(&self, name: &str) -> Customer {
        let stage = &self.staged.stage;
        let customer = stage.new_customer(&Wish::new(name, PRICE).unlinked()).await.unwrap();
        let links = CustomerLinks {
            customer: customer.ours.clone(),
            zoho_customer: Some(customer.zoho_customer.clone()),
            braintree_customer: Some(customer.braintree_customer.clone()),
            attio_company: Some(customer.attio_company.clone()),
            subscription: Some(customer.subscription.clone()),
            zoho_subscription: Some(customer.zoho_subscription.clone()),
            owner: Some(CollectionOwner::BraintreeRecurring),
            ..CustomerLinks::default()
        };
        link_customer(stage.pool(), &links, "test").await.unwrap();
        customer
    }

    /// Braintree charges it, and is told to charge no more.
    async fn charged(&self, customer: &Customer) -> String {
        let now = self.staged.stage.clock().now();
        let order = RecurringOrder {
            subscription: recurring::id_of(&customer.subscription),
            customer: customer.braintree_customer.clone(),
            token: customer.token.clone(),
            plan: PLAN.to_owned(),
            price: crate::store_support::eur(PRICE),
            first_charge_on: None,
            first_term: None,
        };
        let id = order.subscription.clone();
        let call = Call {
            saga: SagaId::derived("harness", &[&id]),
            step: "begin".to_owned(),
            attempt: 1,
            effect: Effect::Braintree(Braintree::CreateSubscription(Box::new(order))),
            requested_at: now,
            sent_at: None,
            now,
            time_limit: Duration::from_secs(10),
            beside: Beside::default(),
        };
        let outcome = self.staged.connectors.perform(&call).await.outcome;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        let end = json!({"vendor": "braintree", "act": "cancel_subscription", "id": id});
        self.staged.stage.sandbox.staff(&end).await.unwrap();
        id
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

    async fn advance(&self, by: TimeDelta) {
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
        self.staged.pass_by().await;
    }

    fn roads(&self) -> &'static [&'static str] {
        &["charged"]
    }

    fn one_in(&self) -> usize {
        4
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const FAILED: &str = "needs a charge that fails: scenes and tests of the flow play it";
        const DIFFERS: &str = "needs a charge that differs from its invoice: tests of the flow play it";
        &[
            ("read_card", FAILED),
            ("ask_card", FAILED),
            ("read_price", DIFFERS),
            ("correct_price", DIFFERS),
            ("show", FAILED),
            ("task", FAILED),
        ]
    }

    /// Braintree tells of the charge and of the end, in any order.
    fn news(&self, start: &NewItem) -> Vec<NewItem> {
        let Ok(Body::Saga { command }) = serde_json::from_str(&start.body) else { panic!("not a command: {start:?}") };
        let Ok(Command::Begun { begun }) = serde_json::from_value(command) else { panic!("no start: {start:?}") };
        let told = |kind: &str| {
            let source = format!("braintree.{kind}");
            let command =
                Command::Heard { recurring: begun.recurring.clone(), source: source.clone(), card_link: None };
            super::item(start.saga, KIND, &source, &command)
        };
        vec![start.clone(), told("subscription_charged_successfully"), told("subscription_canceled")]
    }

    fn told(&self) -> usize {
        3
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let customer = self.customer(name).await;
        let recurring = self.charged(&customer).await;
        let begun = Begun {
            organization: self.staged.stage.config().vendors.zoho.organization_id.clone(),
            installation: self.staged.installation(),
            customer: customer.ours.clone(),
            subscription: customer.subscription.clone(),
            zoho_subscription: customer.zoho_subscription.clone(),
            record: None,
            recurring: recurring.clone(),
            next_charge_on: None,
            charged: None,
            invoice: None,
        };
        let saga = BraintreeRecurring::id(&recurring);
        self.customers.lock().unwrap().insert(saga.to_string(), customer);
        super::item(saga, KIND, "test.begun", &Command::Begun { begun: Box::new(begun) })
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let rows = |vendor: &str, kind: &str| books[vendor][kind].as_array().unwrap().clone();
        for line in sagas.iter().filter(|line| line.kind == KIND && line.state == "Ended") {
            let customer = self.customers.lock().unwrap()[&line.id.to_string()].clone();
            let is_theirs = |row: &&Value| row["customer_id"] == customer.zoho_customer;
            let payments: Vec<Value> = rows("zoho", "payments").iter().filter(is_theirs).cloned().collect();
            let stream = self.staged.stage.saga_of(&customer.first_invoice);
            let (invoice, _) = query::saga(self.pool(), stream).await.unwrap().expect("its stream has heard");
            assert_eq!(payments.len(), 1, "ended, and its charge is not recorded once: {line:#?} {invoice:#?}");
        }
    }
}
