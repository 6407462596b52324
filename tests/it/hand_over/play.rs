//! A service with customers whose collector changes, and questions to the vendors' books.

use crate::outside::Outside;
use crate::published;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::{Customer, Wish};
use attio_billing::store::links::{LinkKind, link};
use attio_billing::store::query::SagaLine;
use attio_billing::store::settings::{OwnerRecord, owner_record, set_collection_owner};
use reqwest::{Method, StatusCode};
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::ids::SagaId;
use serde_json::{Value, json};

const PRICE: i64 = 4_900;

pub(super) struct Play {
    pub(super) out: Outside,
    /// Finance, who asks.
    pub(super) ada: String,
    /// A finance approver, who agrees.
    pub(super) bob: String,
}

impl Play {
    pub(super) async fn new() -> Self {
        let out = Outside::with(|options| {
            options.from = Some("2026-06-09T12:00:00Z".parse().unwrap());
            options.call_seconds = 1;
            options.approvals = true;
        })
        .await;
        let ada = out.token_of("ada", Holder::Person, Role::Finance).await;
        let bob = out.token_of("bob", Holder::Person, Role::FinanceApprover).await;
        Self { out, ada, bob }
    }

    pub(super) async fn end(self) {
        self.out.end().await;
    }

    pub(super) async fn rest(&self) {
        self.out.stage.rest().await.unwrap();
    }

    pub(super) async fn advance(&self, by: &str) {
        self.out.stage.sandbox.advance(by).await.unwrap();
        self.rest().await;
    }

    pub(super) async fn act(&self, act: Value) -> Value {
        let answer = self.out.stage.sandbox.staff(&act).await.unwrap();
        self.rest().await;
        answer
    }

    pub(super) async fn row(&self, vendor: &str, rows: &str, field: &str, id: &str) -> Value {
        let books = self.out.stage.sandbox.books().await.unwrap();
        let all = books[vendor][rows].as_array().unwrap();
        all.iter().find(|row| row[field] == id).unwrap_or_else(|| panic!("{id} is not in the books")).clone()
    }

    pub(super) async fn subscription(&self, customer: &Customer) -> Value {
        self.row("zoho", "subscriptions", "subscription_id", &customer.zoho_subscription).await
    }

    /// A customer of ours with a record, whose first invoice is paid by our charge, or owed because the card declines.
    pub(super) async fn customer(&self, name: &str, owing: bool) -> Customer {
        let customer = self.out.stage.new_customer(&Wish::new(name, PRICE)).await.unwrap();
        if owing {
            let act = json!({"vendor": "braintree", "act": "set_card_behaviour", "token": customer.token,
                "decline_code": "2001"});
            self.out.stage.sandbox.staff(&act).await.unwrap();
        }
        let state = if owing { "Dunning" } else { "AwaitSettlement" };
        self.until_stream(&customer.first_invoice, state).await;
        let record = self.record_of(&customer).await;
        let (pool, subscription) = (self.out.stage.pool(), &customer.subscription);
        link(pool, subscription, &[(LinkKind::AttioSubscription, &record)]).await.unwrap();
        customer
    }

    /// Zoho's own gateway collects it, and is on record for it.
    pub(super) async fn collected_by_zoho(&self, customer: &Customer) {
        self.act(json!({"vendor": "zoho", "act": "turn_on_auto_collect",
            "subscription_id": customer.zoho_subscription}))
            .await;
        let (pool, zoho) = (self.out.stage.pool(), Some(CollectionOwner::ZohoNative));
        set_collection_owner(pool, &customer.subscription, zoho, "test").await.unwrap();
    }

    pub(super) async fn owner(&self, customer: &Customer) -> Option<OwnerRecord> {
        owner_record(self.out.stage.pool(), &customer.subscription).await.unwrap()
    }

    async fn record_of(&self, customer: &Customer) -> String {
        let books = self.out.stage.sandbox.books().await.unwrap();
        let records = books["attio"]["records"]["subscriptions"].as_array().unwrap();
        let theirs = |r: &&Value| r["values"]["zoho_subscription_id"] == customer.zoho_subscription.as_str();
        records.iter().find(theirs).unwrap()["record_id"].as_str().unwrap().to_owned()
    }

    /// What the record in Attio says of who collects.
    pub(super) async fn shown(&self, customer: &Customer) -> String {
        let record = self.record_of(customer).await;
        let values = self.out.stage.subscription_record(&record).await.unwrap();
        values["collection_owner"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) async fn until_stream(&self, invoice: &str, state: &str) {
        let saga = self.out.stage.saga_of(invoice);
        self.out.stage.until_saga(saga, state, |line| line.state == state).await.unwrap();
        self.rest().await;
    }

    pub(super) async fn until(&self, saga: SagaId, state: &str) -> SagaLine {
        self.out.stage.until_saga(saga, state, |line| line.state == state).await.unwrap();
        self.rest().await;
        self.out.stage.saga(saga).await.unwrap().unwrap()
    }

    /// A request of the API, and the answer.
    pub(super) async fn post(&self, token: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.out.api_as(token, Method::POST, path).header("idempotency-key", "k1").json(body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.json().await.unwrap();
        self.rest().await;
        (status, body)
    }

    /// The books agree with ours, the log is whole, and what was said is as the vendors publish it.
    pub(super) async fn is_sound(&self) {
        self.rest().await;
        crate::proof::invariants::hold(self.out.stage.pool()).await;
        published::hold(&self.out.stage.sandbox.exchanges().await.unwrap());
    }
}

/// The only hand-over of an answer.
pub(super) fn saga_of(answer: &Value) -> SagaId {
    let id = answer["hand_overs"][0]["id"].as_str().unwrap_or_else(|| panic!("no hand-over: {answer:#}"));
    SagaId(id.parse().unwrap())
}
