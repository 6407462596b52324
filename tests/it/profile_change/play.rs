//! A company that has bought, colleagues who edit it in Attio, and questions to the vendors' books.

use crate::outside::Outside;
use crate::published;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::SignUp;
use attio_billing::store::links::{LinkKind, find, links_of};
use attio_billing::store::query;
use reqwest::{Method, StatusCode};
use sagas::profile_change::ProfileChange;
use serde_json::{Value, json};
use uuid::Uuid;

/// A card that is accepted.
const GOOD: &str = "fake-valid-nonce";

pub(super) struct Play {
    pub(super) out: Outside,
    pub(super) operator: String,
    pub(super) platform: String,
    /// Our customer id.
    pub(super) ours: String,
    /// Its records in Attio: the company, and whom we write to there.
    pub(super) company: String,
    pub(super) person: String,
    pub(super) zoho: String,
    pub(super) braintree: String,
}

impl Play {
    pub(super) async fn new() -> Self {
        let out = Outside::with(|options| {
            options.from = Some("2026-06-09T12:00:00Z".parse().unwrap());
            options.call_seconds = 1;
        })
        .await;
        let operator = out.token_of("olga", Holder::Person, Role::Operator).await;
        let platform = out.token_of("platform", Holder::Program, Role::Platform).await;
        let stage = &out.stage;
        let newcomer = stage.newcomer(&SignUp::new("Moveon", stage.plan())).await.unwrap();
        stage.press(&newcomer.record, "Start").await.unwrap();
        let url = stage.checkout_url(&newcomer.record).await.unwrap();
        assert_eq!(stage.pay(&url, GOOD).await.unwrap().stage, "paid");
        let active = async || Ok(stage.subscription_record(&newcomer.record).await?["subscription_status"] == "Active");
        stage.until("the subscription to be active", active).await.unwrap();
        stage.rest().await.unwrap();
        let ours = find(stage.pool(), LinkKind::AttioCompany, &newcomer.company).await.unwrap().unwrap();
        let links = links_of(stage.pool(), &ours).await.unwrap();
        let linked = |wanted| links.iter().find(|(kind, _)| *kind == wanted).unwrap().1.clone();
        let books = stage.sandbox.books().await.unwrap();
        let people = books["attio"]["records"]["people"].as_array().unwrap();
        let person = people.iter().find(|person| person.to_string().contains("moveon-")).unwrap();
        Self {
            zoho: linked(LinkKind::ZohoCustomer),
            braintree: linked(LinkKind::BraintreeCustomer),
            person: person["record_id"].as_str().unwrap().to_owned(),
            company: newcomer.company,
            out,
            operator,
            platform,
            ours,
        }
    }

    pub(super) async fn end(self) {
        published::hold(&self.out.stage.sandbox.exchanges().await.unwrap());
        self.out.end().await;
    }

    pub(super) async fn staff(&self, act: Value) -> Value {
        self.out.stage.sandbox.staff(&act).await.unwrap()
    }

    /// A colleague edits a record in Attio; nothing is waited for.
    pub(super) async fn set(&self, object: &str, record: &str, attribute: &str, value: Value) {
        let act = json!({"vendor": "attio", "act": "set_value", "object": object, "record_id": record,
            "attribute": attribute, "value": value});
        self.staff(act).await;
    }

    /// What was edited has settled and is carried on.
    pub(super) async fn settle(&self) {
        self.out.stage.rest().await.unwrap();
        self.out.stage.sandbox.advance("PT7S").await.unwrap();
        self.out.stage.rest().await.unwrap();
    }

    pub(super) async fn name(&self, first: &str, last: &str) {
        let value = json!({"first_name": first, "last_name": last, "full_name": format!("{first} {last}")});
        self.set("people", &self.person, "name", value).await;
    }

    pub(super) async fn email(&self, address: &str) {
        self.set("people", &self.person, "email_addresses", json!([address])).await;
    }

    pub(super) async fn place(&self, city: &str, country: &str) {
        let value = json!({"line_1": "Street 1", "line_2": null, "line_3": null, "line_4": null, "locality": city,
            "region": null, "postcode": "10115", "country_code": country, "latitude": null, "longitude": null});
        self.set("companies", &self.company, "primary_location", value).await;
    }

    pub(super) async fn books(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()
    }

    /// The customer in Zoho Billing.
    pub(super) async fn billing(&self) -> Value {
        found(&self.books().await["zoho"]["customers"], "customer_id", &self.zoho)
    }

    pub(super) async fn gateway(&self) -> Value {
        found(&self.books().await["braintree"]["customers"], "id", &self.braintree)
    }

    pub(super) async fn contact(&self) -> Value {
        found(&self.books().await["zoho_crm"]["contacts"], "Platform_User_Id", &self.ours)
    }

    pub(super) async fn account(&self) -> Value {
        found(&self.books().await["zoho_crm"]["accounts"], "Billing_Account_Id", &self.ours)
    }

    /// What Attio shows on the company.
    pub(super) async fn shown(&self) -> Value {
        found(&self.books().await["attio"]["records"]["companies"], "record_id", &self.company)["values"].clone()
    }

    pub(super) async fn notes(&self) -> Vec<String> {
        let books = self.books().await;
        let notes = books["attio"]["notes"].as_array().unwrap().iter();
        notes.map(|note| format!("{} {}", note["title"], note["content"])).collect()
    }

    pub(super) async fn tasks(&self) -> Vec<String> {
        let books = self.books().await;
        books["attio"]["tasks"].as_array().unwrap().iter().map(|task| task["content"].to_string()).collect()
    }

    pub(super) async fn state(&self) -> String {
        let line = self.out.stage.saga(ProfileChange::id(&self.ours)).await.unwrap();
        line.map(|line| line.state).unwrap_or_default()
    }

    /// How often an event stands in the history.
    pub(super) async fn count(&self, name: &str) -> usize {
        let saga = ProfileChange::id(&self.ours);
        let Some((_, events)) = query::saga(self.out.stage.pool(), saga).await.unwrap() else { return 0 };
        events.iter().filter(|event| event.name == name).count()
    }

    /// The history in short, for a failed assertion.
    pub(super) async fn history(&self) -> String {
        let saga = ProfileChange::id(&self.ours);
        let Some((_, events)) = query::saga(self.out.stage.pool(), saga).await.unwrap() else {
            return "nothing".to_owned();
        };
        let short = |payload: &str| payload.chars().take(400).collect::<String>();
        events.iter().map(|e| format!("{} {} {}", e.seq, e.name, short(&e.payload))).collect::<Vec<_>>().join("\n")
    }

    /// How much is kept beside the log of what was said or written over.
    pub(super) async fn kept(&self) -> i64 {
        let kept = sqlx::query_scalar("select count(*) from profile_displaced");
        kept.fetch_one(self.out.stage.pool()).await.unwrap()
    }

    pub(super) async fn order(&self, token: &str, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
        self.order_under(&Uuid::now_v7().to_string(), token, method, path, body).await
    }

    /// The platform orders under a key of its own.
    pub(super) async fn order_again(&self, key: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        self.order_under(key, &self.platform, Method::PATCH, path, body).await
    }

    async fn order_under(
        &self,
        key: &str,
        token: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut request = self.out.api_as(token, method, path).header("idempotency-key", key);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.json().await.unwrap();
        self.settle().await;
        (status, body)
    }
}

fn found(all: &Value, field: &str, wanted: &str) -> Value {
    let hits: Vec<&Value> = all.as_array().unwrap().iter().filter(|one| one[field] == wanted).collect();
    let [hit] = hits.as_slice() else { panic!("{} with {field} {wanted}: {all:#}", hits.len()) };
    (*hit).clone()
}
