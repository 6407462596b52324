//! A service with customers who want to be forgotten, and questions to the vendors' books.

use crate::outside::Outside;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::SignUp;
use attio_billing::store::links::{LinkKind, find};
use attio_billing::store::query;
use reqwest::{Method, StatusCode};
use sagas::erasure::Erasure;
use sagas::kernel::ids::SagaId;
use serde_json::{Value, json};

/// A card that is accepted.
const GOOD: &str = "fake-valid-nonce";

pub(super) struct Play {
    pub(super) out: Outside,
    /// Two admins, and somebody of finance.
    pub(super) ada: String,
    pub(super) bob: String,
    pub(super) fay: String,
}

/// Somebody who has bought, and how they are called everywhere.
pub(super) struct Bought {
    pub(super) name: String,
    pub(super) ours: String,
    pub(super) zoho_customer: String,
    pub(super) record: String,
}

impl Play {
    pub(super) async fn new() -> Self {
        let out = Outside::with(|options| {
            options.from = Some("2026-06-09T12:00:00Z".parse().unwrap());
            options.call_seconds = 1;
        })
        .await;
        let ada = out.token_of("ada", Holder::Person, Role::Admin).await;
        let bob = out.token_of("bob", Holder::Person, Role::Admin).await;
        let fay = out.token_of("fay", Holder::Person, Role::Finance).await;
        Self { out, ada, bob, fay }
    }

    pub(super) async fn rest(&self) {
        self.out.stage.rest().await.unwrap();
    }

    pub(super) async fn books(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()
    }

    /// A company whose contact has bought the plan and paid.
    pub(super) async fn bought(&self, name: &str) -> Bought {
        let stage = &self.out.stage;
        let newcomer = stage.newcomer(&SignUp::new(name, stage.plan())).await.unwrap();
        stage.press(&newcomer.record, "Start").await.unwrap();
        let url = stage.checkout_url(&newcomer.record).await.unwrap();
        assert_eq!(stage.pay(&url, GOOD).await.unwrap().stage, "paid");
        let active = async || Ok(stage.subscription_record(&newcomer.record).await?["subscription_status"] == "Active");
        stage.until("the subscription to be active", active).await.unwrap();
        self.rest().await;
        let ours = find(stage.pool(), LinkKind::AttioCompany, &newcomer.company).await.unwrap().unwrap();
        let links = attio_billing::store::links::links_of(stage.pool(), &ours).await.unwrap();
        let zoho = links.into_iter().find(|(kind, _)| *kind == LinkKind::ZohoCustomer).unwrap().1;
        Bought { name: name.to_owned(), ours, zoho_customer: zoho, record: newcomer.record }
    }

    /// A call of the API as somebody, and the answer.
    pub(super) async fn post(&self, token: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let key = format!("{path}:{}", &token[..12]);
        let request = self.out.api_as(token, Method::POST, path).header("idempotency-key", key).json(body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.json().await.unwrap();
        self.rest().await;
        (status, body)
    }

    pub(super) fn saga(&self, bought: &Bought) -> SagaId {
        Erasure::id(self.out.stage.prefix(), &bought.ours)
    }

    pub(super) async fn state(&self, bought: &Bought) -> String {
        let line = self.out.stage.saga(self.saga(bought)).await.unwrap();
        line.map(|line| line.state).unwrap_or_default()
    }

    /// The history in short, for a failed assertion.
    pub(super) async fn history(&self, bought: &Bought) -> String {
        let pool = self.out.stage.pool();
        let Some((_, events)) = query::saga(pool, self.saga(bought)).await.unwrap() else {
            return "nothing".to_owned();
        };
        let short = |payload: &str| payload.chars().take(600).collect::<String>();
        events.iter().map(|e| format!("{} {} {}", e.seq, e.name, short(&e.payload))).collect::<Vec<_>>().join("\n")
    }

    /// Asked for by one admin.
    pub(super) async fn request(&self, bought: &Bought) {
        let body = json!({"customer": bought.ours, "law": "gdpr", "received_on": "2026-06-09",
            "identity": "signed_in", "reason": "ticket 4711"});
        let (status, answer) = self.post(&self.ada, "/erasures", &body).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
    }

    /// Somebody's subscription ends without anything going back, and they are erased: two admins, finance, and time.
    pub(super) async fn erased(&self, name: &str) -> Bought {
        let bought = self.bought(name).await;
        self.request(&bought).await;
        self.confirmed(&bought).await;
        bought
    }

    /// Confirmed by the other admin, and carried out to its end.
    pub(super) async fn confirmed(&self, bought: &Bought) {
        let path = format!("/erasures/{}/confirm", self.saga(bought));
        let (status, answer) = self.post(&self.bob, &path, &json!({"preview": 1, "reason": "looked at it"})).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
        let cancellation = answer_of(self, bought).await;
        let choice = json!({"give_back": "nothing", "reason": "as agreed"});
        let (status, answer) = self.post(&self.fay, &format!("/cancellations/{cancellation}/choice"), &choice).await;
        assert_eq!(status, StatusCode::OK, "{answer:#}");
        for _ in 0..30 {
            if self.state(bought).await == "RestKept" {
                return;
            }
            self.out.stage.sandbox.advance("P1D").await.unwrap();
            self.rest().await;
        }
        panic!("never erased:\n{}", self.history(bought).await);
    }

    pub(super) async fn inbox(&self, question: &'static str) -> i64 {
        sqlx::query_scalar(question).fetch_one(self.out.stage.pool()).await.unwrap()
    }
}

/// The flow that ends the subscription, once it asks what becomes of the money.
async fn answer_of(play: &Play, bought: &Bought) -> SagaId {
    let values = play.out.stage.subscription_record(&bought.record).await.unwrap();
    let zoho = values["zoho_subscription_id"].as_str().unwrap().to_owned();
    let organization = &play.out.stage.config().vendors.zoho.organization_id;
    let saga = sagas::cancellation::Cancellation::id(organization, &zoho);
    let asks = play.out.stage.until_saga(saga, "MoneyDecision", |line| line.state == "MoneyDecision").await;
    assert!(asks.is_ok(), "it does not ask:\n{}", play.history(bought).await);
    saga
}
