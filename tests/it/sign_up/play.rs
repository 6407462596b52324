//! A service at which people sign up, and questions to the vendors' books.

use crate::outside::Outside;
use crate::published;
use attio_billing::access::{Holder, Role};
use attio_billing::store::query::{self, SagaLine};
use reqwest::{Method, StatusCode};
use sagas::kernel::ids::SagaId;
use sagas::sign_up::SignUp;
use serde_json::{Value, json};

pub(super) struct Play {
    pub(super) out: Outside,
    /// The platform, and an operator.
    pub(super) platform: String,
    pub(super) operator: String,
}

impl Play {
    pub(super) async fn new() -> Self {
        let out = Outside::with(|options| {
            options.from = Some("2026-06-09T12:00:00Z".parse().unwrap());
            options.call_seconds = 1;
        })
        .await;
        let platform = out.token_of("platform", Holder::Program, Role::Platform).await;
        let operator = out.token_of("olga", Holder::Person, Role::Operator).await;
        Self { out, platform, operator }
    }

    pub(super) async fn end(self) {
        published::hold(&self.out.stage.sandbox.exchanges().await.unwrap());
        self.out.end().await;
    }

    pub(super) async fn rest(&self) {
        self.out.stage.rest().await.unwrap();
    }

    pub(super) async fn advance(&self, by: &str) {
        self.out.stage.sandbox.advance(by).await.unwrap();
        self.rest().await;
    }

    pub(super) async fn staff(&self, act: Value) -> Value {
        let answer = self.out.stage.sandbox.staff(&act).await.unwrap();
        self.rest().await;
        answer
    }

    pub(super) async fn books(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()
    }

    /// The platform tells of a user.
    pub(super) async fn signs_up(&self, user: &str, email: &str, more: Value) -> (StatusCode, Value) {
        let mut body = json!({"platform_user": user, "email": email, "first_name": "Ada", "last_name": "Lovelace",
            "country": "DE", "lead_source": "Website"});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.ask(&self.platform, Method::POST, "/signups", &body, None).await
    }

    pub(super) async fn ask(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> (StatusCode, Value) {
        let mut request = self.out.api_as(token, method, path);
        if !body.is_null() {
            request = request.json(body);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let body = answer.json().await.unwrap();
        self.rest().await;
        (status, body)
    }

    pub(super) async fn saga(&self, user: &str) -> SagaLine {
        self.line(SignUp::of_user(user)).await
    }

    pub(super) async fn line(&self, saga: SagaId) -> SagaLine {
        self.out.stage.saga(saga).await.unwrap().unwrap()
    }

    pub(super) async fn is(&self, user: &str, state: &str) {
        let line = self.saga(user).await;
        assert_eq!(line.state, state, "{}", self.history(line.id).await);
    }

    /// The history in short, for a failed assertion.
    pub(super) async fn history(&self, saga: SagaId) -> String {
        let Some((line, events)) = query::saga(self.out.stage.pool(), saga).await.unwrap() else {
            return "nothing".to_owned();
        };
        let short = |payload: &str| payload.chars().take(300).collect::<String>();
        let events = events.iter().map(|e| format!("{} {} {}", e.seq, e.name, short(&e.payload)));
        format!("{line:#?}\n{}", events.collect::<Vec<_>>().join("\n"))
    }

    /// Contacts in Zoho CRM: last name and tags.
    pub(super) async fn contacts(&self) -> Vec<Value> {
        self.books().await["zoho_crm"]["contacts"].as_array().unwrap().clone()
    }

    /// Tags of the one contact.
    pub(super) async fn tags(&self) -> Vec<String> {
        let contacts = self.contacts().await;
        let [contact] = contacts.as_slice() else { panic!("{} contacts", contacts.len()) };
        let mut tags: Vec<_> =
            contact["tags"].as_array().unwrap().iter().map(|t| t.as_str().unwrap().to_owned()).collect();
        tags.sort();
        tags
    }

    /// What Attio shows on the person with that address.
    pub(super) async fn person(&self, email: &str) -> (String, Value) {
        let books = self.books().await;
        let people = books["attio"]["records"]["people"].as_array().unwrap();
        let found: Vec<&Value> = people.iter().filter(|p| p.to_string().contains(email)).collect();
        let [person] = found.as_slice() else { panic!("{} people with {email}", found.len()) };
        (person["record_id"].as_str().unwrap().to_owned(), person["values"].clone())
    }

    pub(super) async fn notes(&self) -> Vec<String> {
        let books = self.books().await;
        let notes = books["attio"]["notes"].as_array().unwrap();
        notes.iter().map(|note| note["title"].as_str().unwrap().to_owned()).collect()
    }
}
