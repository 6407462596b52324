//! The fixture of the hand-over: customers who owe an invoice, collected by Zoho's own gateway and handed to Braintree, or the
//! other way round. What is open is voided, as finance decided beforehand. No message of vendors concerns it.

use super::Ground;
use super::staged::Staged;
use attio_billing::demo::{Customer, Wish as Customers};
use attio_billing::engine::items::Body;
use attio_billing::port::{Beside, Call, Perform};
use attio_billing::store::items::NewItem;
use attio_billing::store::links::{LinkKind, link};
use attio_billing::store::query::SagaLine;
use attio_billing::store::settings::{owner_record, set_collection_owner};
use chrono::TimeDelta;
use sagas::hand_over::{HandOver, OpenInvoices};
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::effect::{Braintree, Effect, OnSubscription, RecurringOrder, Zoho};
use sagas::kernel::hand_over::{Approval, Wish};
use sagas::kernel::ids::{Installation, SagaId, recurring};
use sagas::kernel::outcome::Outcome;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

pub(crate) const KIND: &str = HandOver::NAME;
const PRICE: i64 = 4_900;
const PLAN: &str = "monthly-eur";
const TO_BRAINTREE: &str = "zoho_to_braintree";
const TO_ZOHO: &str = "braintree_to_zoho";

pub(crate) struct Fixture {
    staged: Staged,
    /// Whose subscription each saga hands over.
    customers: Mutex<HashMap<String, Customer>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let fixture = Self { staged: Staged::new().await, customers: Mutex::default() };
        fixture
            .staff(
                &json!({"vendor": "braintree", "act": "create_plan", "id": PLAN, "name": "Monthly", "price": "49.00",
                "billing_frequency": 1}),
            )
            .await;
        fixture
    }

    async fn staff(&self, act: &Value) {
        self.staged.stage.sandbox.staff(act).await.unwrap();
    }

    async fn call(&self, effect: Effect) {
        let now = self.staged.stage.clock().now();
        let call = Call {
            saga: SagaId::derived("harness", &["collector"]),
            step: "collect".to_owned(),
            attempt: 1,
            effect,
            requested_at: now,
            sent_at: None,
            now,
            time_limit: Duration::from_secs(10),
            beside: Beside::default(),
        };
        let outcome = self.staged.connectors.perform(&call).await.outcome;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
    }

    /// A customer whose subscription's record is linked, and for whom Zoho keeps a card.
    async fn customer(&self, name: &str) -> Customer {
        let customer = self.staged.stage.new_customer(&Customers::new(name, PRICE)).await.unwrap();
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let records = books["attio"]["records"]["subscriptions"].as_array().unwrap().clone();
        let theirs = records.iter().find(|r| r.to_string().contains(&customer.zoho_subscription)).unwrap();
        let record = theirs["record_id"].as_str().unwrap().to_owned();
        let pool = &self.staged.ground.pool;
        link(pool, &customer.subscription, &[(LinkKind::AttioSubscription, &record)]).await.unwrap();
        self.staff(&json!({"vendor": "zoho", "act": "turn_on_auto_collect",
            "subscription_id": customer.zoho_subscription}))
            .await;
        customer
    }

    /// Braintree charges it from the next term on, and Zoho does not.
    async fn collected_by_braintree(&self, customer: &Customer) {
        let subscription = customer.zoho_subscription.clone();
        let off = OnSubscription::Collect { subscription, by_zoho: false, seen: None };
        self.call(Effect::Zoho(Zoho::Subscription(off))).await;
        let first = self.staged.stage.clock().now() + TimeDelta::days(20);
        self.call(Effect::Braintree(Braintree::CreateSubscription(Box::new(RecurringOrder {
            subscription: recurring(&customer.subscription, 1),
            customer: customer.braintree_customer.clone(),
            token: customer.token.clone(),
            plan: PLAN.to_owned(),
            price: crate::store_support::eur(PRICE),
            first_charge_on: Some(first.date_naive()),
            first_term: None,
        }))))
        .await;
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
        &[TO_BRAINTREE, TO_ZOHO]
    }

    fn one_in(&self) -> usize {
        6
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        &[("undo fence", "somebody stops it behind the fence: the flow's own tests do so at every step")]
    }

    async fn start_of(&self, road: &'static str, name: &str) -> NewItem {
        let customer = self.customer(name).await;
        let (from, to) = match road {
            TO_ZOHO => {
                self.collected_by_braintree(&customer).await;
                (CollectionOwner::BraintreeRecurring, CollectionOwner::ZohoNative)
            }
            _ => (CollectionOwner::ZohoNative, CollectionOwner::BraintreeRecurring),
        };
        let pool = &self.staged.ground.pool;
        set_collection_owner(pool, &customer.subscription, Some(from), "harness").await.unwrap();
        let wish = Wish {
            key: "harness".to_owned(),
            organization: self.staged.stage.config().vendors.zoho.organization_id.clone(),
            installation: Installation::new(self.staged.stage.prefix()).unwrap(),
            subscription: customer.zoho_subscription.clone(),
            from: Some(from),
            to,
            from_period: None,
            consent: None,
            proof: None,
            braintree_plan: Some(PLAN.to_owned()),
            recurring: None,
            open_invoices: Some(OpenInvoices::Void),
            cohort: None,
            reason: "harness".to_owned(),
            by: "token:harness".to_owned(),
            approval: Approval::Given { by: "token:second".to_owned() },
            reply_to: None,
        };
        let message = wish.message();
        self.customers.lock().unwrap().insert(message.to.to_string(), customer);
        NewItem {
            saga: message.to,
            saga_kind: message.flow,
            kind: message.kind,
            principal: "test".to_owned(),
            body: Body::Saga { command: message.command }.text(),
            waiting_key: None,
            idempotency_key: None,
        }
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        for line in sagas.iter().filter(|line| line.kind == KIND) {
            let customer = self.customers.lock().unwrap()[&line.id.to_string()].clone();
            let zoho = books["zoho"]["subscriptions"].as_array().unwrap();
            let zoho = zoho.iter().find(|s| s["subscription_id"] == customer.zoho_subscription.as_str()).unwrap();
            let by_zoho = zoho["auto_collect"].as_bool().unwrap();
            let ids = [1, 2].map(|n| recurring(&customer.subscription, n));
            let recurs = books["braintree"]["subscriptions"].as_array().unwrap().iter();
            let live = recurs.filter(|s| ids.iter().any(|id| s["id"] == id.as_str()));
            let live = live.filter(|s| !["Canceled", "Expired"].contains(&s["status"].as_str().unwrap())).count();
            assert!(live + usize::from(by_zoho) <= 1, "two can charge it: {line:#?}");
            if line.state != "NewOn" {
                continue;
            }
            let record = owner_record(self.pool(), &customer.subscription).await.unwrap().expect("somebody collects");
            let wanted = if by_zoho { CollectionOwner::ZohoNative } else { CollectionOwner::BraintreeRecurring };
            assert_eq!((record.owner, live), (wanted, usize::from(!by_zoho)), "{line:#?}");
            assert!(record.valid_from.is_some(), "the term that runs is the old collector's: {line:#?}");
            let invoices = books["zoho"]["invoices"].as_array().unwrap();
            let first = invoices.iter().find(|i| i["invoice_id"] == customer.first_invoice.as_str()).unwrap();
            assert!(["void", "paid"].contains(&first["status"].as_str().unwrap()), "it is open: {first:#?}");
        }
    }
}
