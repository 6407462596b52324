//! A service with customers who change their plan, and questions to the vendors' books.

use crate::outside::Outside;
use crate::published;
use attio_billing::access::{Holder, Role};
use attio_billing::checkout::CONSENT_VERSION;
use attio_billing::demo::{SignUp, Stage};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use reqwest::{Method, StatusCode};
use sagas::kernel::ids::SagaId;
use sagas::kernel::saga::Saga;
use sagas::plan_change::PlanChange;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// A card that is accepted.
const GOOD: &str = "fake-valid-nonce";

pub(super) struct Play {
    pub(super) out: Outside,
    /// The platform on whose pages customers agree, and somebody of support.
    pub(super) platform: String,
    pub(super) support: String,
}

/// A subscription that an activation sold: its record in Attio and its id at Zoho.
pub(super) struct Sold {
    pub(super) record: String,
    pub(super) zoho: String,
}

impl Play {
    /// Two plans beside the one that is sold: a dearer and a cheaper one.
    pub(super) async fn new() -> Self {
        let out = Outside::with(|options| {
            options.from = Some("2026-06-09T12:00:00Z".parse().unwrap());
            options.call_seconds = 1;
        })
        .await;
        for (code, name, price) in [("max-monthly", "Max", 9_900), ("mini-monthly", "Mini", 900)] {
            let plan = json!({"vendor": "zoho", "act": "create_plan", "plan_code": code, "name": name, "price": price,
                "of_plan": out.stage.plan()});
            out.stage.sandbox.staff(&plan).await.unwrap();
        }
        let platform = out.token_of("shop", Holder::Program, Role::Platform).await;
        let support = out.token_of("sue", Holder::Person, Role::Support).await;
        Self { out, platform, support }
    }

    pub(super) const fn stage(&self) -> &Stage {
        &self.out.stage
    }

    pub(super) async fn end(self) {
        self.out.end().await;
    }

    pub(super) async fn rest(&self) {
        self.stage().rest().await.unwrap();
    }

    pub(super) async fn advance(&self, by: &str) {
        self.stage().sandbox.advance(by).await.unwrap();
        self.rest().await;
    }

    pub(super) async fn act(&self, act: Value) -> Value {
        let answer = self.stage().sandbox.staff(&act).await.unwrap();
        self.rest().await;
        answer
    }

    pub(super) async fn books(&self) -> Value {
        self.stage().sandbox.books().await.unwrap()
    }

    /// A company that has bought the plan in Attio and paid.
    pub(super) async fn sold(&self, name: &str) -> Sold {
        let stage = self.stage();
        let newcomer = stage.newcomer(&SignUp::new(name, stage.plan())).await.unwrap();
        stage.press(&newcomer.record, "Start").await.unwrap();
        let url = stage.checkout_url(&newcomer.record).await.unwrap();
        assert_eq!(stage.pay(&url, GOOD).await.unwrap().stage, "paid");
        self.until_record(&newcomer.record, "subscription_status", "Active").await;
        self.rest().await;
        let zoho = self.record(&newcomer.record, "zoho_subscription_id").await;
        Sold { record: newcomer.record, zoho }
    }

    /// A CRM user chooses another plan on the record.
    pub(super) async fn choose(&self, record: &str, plan: &str) {
        let made = json!({"vendor": "attio", "act": "create_record", "object": "service_plans", "values": {
            "name": [plan], "kind": ["plan"], "code": [plan]}});
        let made = self.act(made).await;
        let chosen = made["id"]["record_id"].as_str().unwrap();
        let target = json!({"target_object": "service_plans", "target_record_id": chosen});
        self.act(json!({"vendor": "attio", "act": "set_value", "object": "subscriptions", "record_id": record,
            "attribute": "plan", "value": target}))
            .await;
    }

    /// Presses an act on the record and waits for its answer.
    pub(super) async fn press(&self, record: &str, act: &str) {
        self.stage().press(record, act).await.unwrap();
        self.until_record(record, "sync_action", "none").await;
        self.rest().await;
    }

    pub(super) async fn record(&self, record: &str, attribute: &str) -> String {
        let values = self.stage().subscription_record(record).await.unwrap();
        values[attribute].as_str().unwrap_or_default().to_owned()
    }

    pub(super) async fn until_record(&self, record: &str, attribute: &str, wanted: &str) {
        let shown = async || Ok(self.record(record, attribute).await == wanted);
        if self.stage().until(&format!("{attribute} to be {wanted}"), shown).await.is_err() {
            let values = self.stage().subscription_record(record).await.unwrap();
            panic!("{attribute} is not `{wanted}`: {values:#}\n{}", self.histories().await);
        }
    }

    /// The newest plan change of a subscription.
    pub(super) async fn newest(&self, sold: &Sold) -> SagaLine {
        let filter = SagaFilter {
            kind: Some(PlanChange::NAME.to_owned()),
            reference: Some(sold.zoho.clone()),
            ..SagaFilter::default()
        };
        let adoption = PlanChange::adoption(&self.stage().config().vendors.zoho.organization_id, &sold.zoho);
        let all = query::sagas(self.stage().pool(), &filter, None, 50).await.unwrap();
        all.into_iter().find(|line| line.id != adoption).expect("a plan change")
    }

    pub(super) async fn until(&self, saga: SagaId, state: &str) -> SagaLine {
        let reached = self.stage().until_saga(saga, state, |line| line.state == state).await;
        assert!(reached.is_ok(), "not {state}:\n{}", self.histories().await);
        self.rest().await;
        self.stage().saga(saga).await.unwrap().unwrap()
    }

    /// All plan changes in short, for a failed assertion.
    pub(super) async fn histories(&self) -> String {
        let filter = SagaFilter { kind: Some(PlanChange::NAME.to_owned()), ..SagaFilter::default() };
        let mut told = String::new();
        for line in query::sagas(self.stage().pool(), &filter, None, 50).await.unwrap() {
            let (_, events) = query::saga(self.stage().pool(), line.id).await.unwrap().unwrap();
            for event in events {
                let payload: String = event.payload.chars().take(300).collect();
                let _ = writeln!(told, "{} {} {payload}", event.seq, event.name);
            }
        }
        told
    }

    pub(super) async fn events(&self, saga: SagaId, name: &str) -> usize {
        let (_, events) = query::saga(self.stage().pool(), saga).await.unwrap().unwrap();
        events.iter().filter(|event| event.name == name).count()
    }

    async fn post(&self, token: &str, path: &str, key: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.out.api_as(token, Method::POST, path).header("idempotency-key", key).json(body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.json().await.unwrap();
        self.rest().await;
        (status, body)
    }

    /// Asks over the API what a plan would cost; the saga that knows.
    pub(super) async fn ask(&self, sold: &Sold, key: &str, plan: &str) -> SagaId {
        let body = json!({"zoho_subscription": sold.zoho, "plan": plan});
        let (status, answer) = self.post(&self.platform, "/plan-changes", key, &body).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
        SagaId(answer["saga"]["id"].as_str().unwrap().parse().unwrap())
    }

    /// What the API shows of a plan change.
    pub(super) async fn shown(&self, saga: SagaId) -> Value {
        let path = format!("/plan-changes/{saga}");
        self.out.api_as(&self.platform, Method::GET, &path).send().await.unwrap().json().await.unwrap()
    }

    /// As it is shown once its preview can be accepted.
    pub(super) async fn previewed(&self, saga: SagaId) -> Value {
        self.until(saga, "Previewed").await;
        let shown = self.shown(saga).await;
        assert_eq!(shown["acceptable"], true, "{shown:#}");
        shown
    }

    /// Says so for the customer.
    pub(super) async fn accept(&self, saga: SagaId, hash: &Value) -> (StatusCode, Value) {
        let body = json!({"hash": hash, "consent_version": CONSENT_VERSION});
        self.accept_as(&self.platform, saga, &body).await
    }

    pub(super) async fn accept_as(&self, token: &str, saga: SagaId, body: &Value) -> (StatusCode, Value) {
        let key = format!("accept-{}", body["hash"].as_str().unwrap_or_default().get(..16).unwrap_or_default());
        self.post(token, &format!("/plan-changes/{saga}/acceptance"), &key, body).await
    }

    pub(super) async fn cancel(&self, saga: SagaId) -> (StatusCode, Value) {
        let body = json!({"reason": "changed their mind"});
        self.post(&self.support, &format!("/plan-changes/{saga}/cancel"), "cancel", &body).await
    }

    /// One row of Zoho's books.
    pub(super) async fn subscription(&self, sold: &Sold) -> Value {
        let books = self.books().await;
        let all = books["zoho"]["subscriptions"].as_array().unwrap();
        all.iter().find(|row| row["subscription_id"] == sold.zoho.as_str()).unwrap().clone()
    }

    /// The invoices of a subscription as Zoho's books have them: total and balance, oldest first.
    pub(super) async fn invoices(&self, sold: &Sold) -> Vec<(i64, i64)> {
        let books = self.books().await;
        let all = books["zoho"]["invoices"].as_array().unwrap().iter();
        let theirs = all.filter(|row| row["subscription_id"] == sold.zoho.as_str());
        theirs.map(|row| (row["total"].as_i64().unwrap(), row["balance"].as_i64().unwrap())).collect()
    }

    /// What was sold or is held at Braintree for plan changes: status and minor units.
    pub(super) async fn sales(&self) -> Vec<(String, i64)> {
        let books = self.books().await;
        let all = books["braintree"]["transactions"].as_array().unwrap().iter();
        let ours = all.filter(|row| row["order_id"].as_str().is_some_and(|order| order.contains(".chg.")));
        ours.map(|row| (row["status"].as_str().unwrap().to_owned(), row["amount_minor"].as_i64().unwrap())).collect()
    }

    /// Subscriptions that some saga works on.
    pub(super) async fn fences(&self) -> i64 {
        let fences = "select count(*) from claim where kind = 'zoho_subscription'";
        sqlx::query_scalar(fences).fetch_one(self.stage().pool()).await.unwrap()
    }

    /// The books agree with ours, the log is whole, and what was said is as the vendors publish it.
    pub(super) async fn is_sound(&self) {
        self.rest().await;
        let compared = self.stage().compare().await.unwrap();
        assert_eq!(compared.differences(), 0, "{}\n{}", compared.table(), self.histories().await);
        crate::proof::invariants::hold(self.stage().pool()).await;
        published::hold(&self.stage().sandbox.exchanges().await.unwrap());
        assert_eq!(self.fences().await, 0);
    }
}
