//! A service with customers whose subscriptions end, and questions to the vendors' books.

use crate::outside::Outside;
use crate::published;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::{Customer, SignUp, Wish};
use attio_billing::store::links::{LinkKind, link};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use reqwest::{Method, StatusCode};
use sagas::cancellation::Cancellation;
use sagas::kernel::give_back;
use sagas::kernel::ids::SagaId;
use serde_json::{Value, json};

/// A card that is accepted.
const GOOD: &str = "fake-valid-nonce";

pub(super) struct Play {
    pub(super) out: Outside,
    /// Two persons of finance, and somebody of support.
    pub(super) ada: String,
    pub(super) bob: String,
    pub(super) support: String,
}

/// A subscription that an activation sold: its record in Attio and its id at Zoho.
pub(super) struct Sold {
    pub(super) company: String,
    pub(super) record: String,
    pub(super) zoho: String,
}

impl Play {
    pub(super) async fn new() -> Self {
        let out = Outside::with(|options| {
            options.from = Some("2026-06-09T12:00:00Z".parse().unwrap());
            options.call_seconds = 1;
        })
        .await;
        let ada = out.token_of("ada", Holder::Person, Role::Finance).await;
        let bob = out.token_of("bob", Holder::Person, Role::Finance).await;
        let support = out.token_of("sue", Holder::Person, Role::Support).await;
        Self { out, ada, bob, support }
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

    pub(super) async fn fault(&self, fault: Value) {
        self.out.stage.sandbox.order_faults(&fault).await.unwrap();
    }

    pub(super) async fn act(&self, act: Value) -> Value {
        let answer = self.out.stage.sandbox.staff(&act).await.unwrap();
        self.rest().await;
        answer
    }

    pub(super) async fn books(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()
    }

    pub(super) async fn calls(&self, vendor: &str, operation: &str) -> u64 {
        self.books().await["calls"][vendor][operation].as_u64().unwrap_or(0)
    }

    /// A company that has bought the plan in Attio and paid.
    pub(super) async fn sold(&self, name: &str) -> Sold {
        let stage = &self.out.stage;
        let newcomer = stage.newcomer(&SignUp::new(name, stage.plan())).await.unwrap();
        stage.press(&newcomer.record, "Start").await.unwrap();
        let url = stage.checkout_url(&newcomer.record).await.unwrap();
        assert_eq!(stage.pay(&url, GOOD).await.unwrap().stage, "paid");
        self.until_record(&newcomer.record, "subscription_status", "Active").await;
        self.rest().await;
        let zoho = self.record(&newcomer.record, "zoho_subscription_id").await;
        Sold { company: newcomer.company, record: newcomer.record, zoho }
    }

    /// A customer of ours whose card declines, so that the first invoice is owed.
    pub(super) async fn owing(&self, name: &str) -> Customer {
        let customer = self.out.stage.new_customer(&Wish::new(name, 4_900)).await.unwrap();
        self.card_declines(&customer, Some("2001")).await;
        self.until_stream(&customer.first_invoice, &["Dunning"]).await;
        let (record, subscription) = (self.record_of(&customer).await, &customer.subscription);
        link(self.out.stage.pool(), subscription, &[(LinkKind::AttioSubscription, &record)]).await.unwrap();
        customer
    }

    pub(super) async fn card_declines(&self, customer: &Customer, code: Option<&str>) {
        let act = json!({"vendor": "braintree", "act": "set_card_behaviour", "token": customer.token,
            "decline_code": code});
        self.out.stage.sandbox.staff(&act).await.unwrap();
    }

    /// The record in Attio that shows a customer's subscription.
    pub(super) async fn record_of(&self, customer: &Customer) -> String {
        let books = self.books().await;
        let records = books["attio"]["records"]["subscriptions"].as_array().unwrap();
        let theirs = |r: &&Value| r["values"]["zoho_subscription_id"] == customer.zoho_subscription.as_str();
        records.iter().find(theirs).unwrap()["record_id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn until_stream(&self, invoice: &str, states: &[&str]) {
        let saga = self.out.stage.saga_of(invoice);
        let reached = |line: &SagaLine| states.contains(&line.state.as_str());
        self.out.stage.until_saga(saga, &states.join(" or "), reached).await.unwrap();
        self.rest().await;
    }

    /// Presses an act on the record and waits for its answer.
    pub(super) async fn press(&self, record: &str, act: &str) {
        self.out.stage.press(record, act).await.unwrap();
        self.until_record(record, "sync_action", "none").await;
        self.rest().await;
    }

    pub(super) async fn record(&self, record: &str, attribute: &str) -> String {
        let values = self.out.stage.subscription_record(record).await.unwrap();
        values[attribute].as_str().unwrap_or_default().to_owned()
    }

    pub(super) async fn until_record(&self, record: &str, attribute: &str, wanted: &str) {
        let shown = async || Ok(self.record(record, attribute).await == wanted);
        if self.out.stage.until(&format!("{attribute} to be {wanted}"), shown).await.is_err() {
            let values = self.out.stage.subscription_record(record).await.unwrap();
            panic!("{attribute} is not `{wanted}`: {values:#}");
        }
    }

    pub(super) fn saga(&self, zoho_subscription: &str) -> SagaId {
        Cancellation::id(&self.out.stage.config().vendors.zoho.organization_id, zoho_subscription)
    }

    /// The ending of a subscription, once it is in that state and nothing more follows at once.
    pub(super) async fn until(&self, zoho_subscription: &str, state: &str) -> SagaLine {
        self.reached(zoho_subscription, state).await;
        self.rest().await;
        self.out.stage.saga(self.saga(zoho_subscription)).await.unwrap().unwrap()
    }

    /// As above, while messages are held back and the world comes to no rest.
    pub(super) async fn reached(&self, zoho_subscription: &str, state: &str) {
        let saga = self.saga(zoho_subscription);
        let reached = self.out.stage.until_saga(saga, state, |line| line.state == state).await;
        assert!(reached.is_ok(), "not {state}:\n{}", self.history(zoho_subscription).await);
    }

    pub(super) async fn state(&self, zoho_subscription: &str) -> String {
        self.out.stage.saga(self.saga(zoho_subscription)).await.unwrap().map(|line| line.state).unwrap_or_default()
    }

    /// The history in short, for a failed assertion.
    pub(super) async fn history(&self, zoho_subscription: &str) -> String {
        let pool = self.out.stage.pool();
        let Some((_, events)) = query::saga(pool, self.saga(zoho_subscription)).await.unwrap() else {
            return "nothing".to_owned();
        };
        let short = |payload: &str| payload.chars().take(400).collect::<String>();
        events.iter().map(|e| format!("{} {} {}", e.seq, e.name, short(&e.payload))).collect::<Vec<_>>().join("\n")
    }

    pub(super) async fn events(&self, zoho_subscription: &str, name: &str) -> usize {
        let pool = self.out.stage.pool();
        let (_, events) = query::saga(pool, self.saga(zoho_subscription)).await.unwrap().unwrap();
        events.iter().filter(|event| event.name == name).count()
    }

    /// The give-backs that were ordered, by this or another flow.
    pub(super) async fn refunds(&self) -> Vec<SagaLine> {
        let filter = SagaFilter { kind: Some(give_back::FLOW.to_owned()), ..SagaFilter::default() };
        query::sagas(self.out.stage.pool(), &filter, None, 10).await.unwrap()
    }

    /// An order over the API, and the answer.
    pub(super) async fn order(&self, token: &str, key: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.out.api_as(token, Method::POST, "/cancellations").header("idempotency-key", key).json(body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.json().await.unwrap();
        self.rest().await;
        (status, body)
    }

    /// Cancels at once with these choices.
    pub(super) async fn cancel_now(&self, customer: &Customer, mut choices: Value) {
        let order = json!({"zoho_subscription": customer.zoho_subscription, "act": "cancel_now",
            "reason": "moved away"});
        choices.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
        let (status, answer) = self.order(&self.ada, &customer.ours, &choices).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
    }

    /// A choice over the API, and the answer.
    pub(super) async fn choose(&self, token: &str, zoho_subscription: &str, body: Value) -> (StatusCode, Value) {
        let path = format!("/cancellations/{}/choice", self.saga(zoho_subscription));
        let answer = self.out.api_as(token, Method::POST, &path).json(&body).send().await.unwrap();
        let status = answer.status();
        let body = answer.json().await.unwrap();
        self.rest().await;
        (status, body)
    }

    /// One row of Zoho's books.
    pub(super) async fn zoho(&self, rows: &str, field: &str, id: &str) -> Value {
        let books = self.books().await;
        let all = books["zoho"][rows].as_array().unwrap();
        all.iter().find(|row| row[field] == id).unwrap_or_else(|| panic!("{id} is not in Zoho's books")).clone()
    }

    pub(super) async fn subscription_status(&self, zoho_subscription: &str) -> String {
        let row = self.zoho("subscriptions", "subscription_id", zoho_subscription).await;
        row["status"].as_str().unwrap().to_owned()
    }

    pub(super) async fn invoice(&self, invoice: &str) -> Value {
        self.zoho("invoices", "invoice_id", invoice).await
    }

    /// What is claimed by whatever is over, but for products that are sold.
    pub(super) async fn fences(&self) -> i64 {
        let fences = "select count(*) from claim where kind = 'zoho_subscription'";
        sqlx::query_scalar(fences).fetch_one(self.out.stage.pool()).await.unwrap()
    }

    /// The books agree with ours, the log is whole, and what was said is as the vendors publish it.
    pub(super) async fn is_sound(&self) {
        self.rest().await;
        let compared = self.out.stage.compare().await.unwrap();
        assert_eq!(compared.differences(), 0, "{}", compared.table());
        crate::proof::invariants::hold(self.out.stage.pool()).await;
        published::hold(&self.out.stage.sandbox.exchanges().await.unwrap());
    }
}
