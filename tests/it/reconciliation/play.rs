//! A service with customers, people at the vendors' consoles, and finance at the API.

use crate::outside::Outside;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::{Customer, StageOptions, Wish};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

pub(super) struct Play {
    pub(super) out: Outside,
    pub(super) finance: String,
}

/// What is compared at a vendor or in the ledger: all legs but the rebuild, whose verification runs by the real clock.
pub(super) const LEGS: [&str; 6] = ["R1", "R2", "R3", "R7", "R9", "ageing"];

pub(super) fn noon() -> DateTime<Utc> {
    let tuesday = NaiveDate::from_ymd_opt(2026, 6, 9).unwrap();
    tuesday.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap()).and_utc()
}

impl Play {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut StageOptions)) -> Self {
        let out = Outside::with(|options| {
            options.from = Some(noon());
            options.call_seconds = 1;
            change(options);
        })
        .await;
        let finance = out.token_of("fay", Holder::Person, Role::Finance).await;
        Self { out, finance }
    }

    pub(super) async fn rest(&self) {
        self.out.stage.rest().await.unwrap();
    }

    /// A linked customer whose first invoice is paid and recorded.
    pub(super) async fn customer(&self, name: &str) -> Customer {
        let customer = self.out.stage.new_customer(&Wish::new(name, 4_900)).await.unwrap();
        let saga = self.out.stage.saga_of(&customer.first_invoice);
        self.out.stage.until_saga(saga, "AwaitSettlement", |s| s.state == "AwaitSettlement").await.unwrap();
        self.rest().await;
        customer
    }

    pub(super) async fn act(&self, act: Value) -> Value {
        let answer = self.out.stage.sandbox.staff(&act).await.unwrap();
        self.rest().await;
        answer
    }

    pub(super) async fn advance(&self, by: &str) {
        self.out.stage.sandbox.advance(by).await.unwrap();
        self.rest().await;
    }

    pub(super) async fn fault(&self, fault: Value) {
        self.out.stage.sandbox.order_faults(&fault).await.unwrap();
    }

    pub(super) async fn books(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()
    }

    /// Calls of a vendor so far; tokens cost nothing.
    pub(super) async fn calls(&self, vendor: &str) -> u64 {
        let books = self.books().await;
        let all = books["calls"][vendor].as_object().cloned().unwrap_or_default();
        all.iter().filter(|(name, _)| !name.starts_with("token.")).map(|(_, n)| n.as_u64().unwrap()).sum()
    }

    /// The one sale that Braintree made for an invoice.
    pub(super) async fn sale(&self, invoice: &str) -> String {
        let books = self.books().await;
        let all = books["braintree"]["transactions"].as_array().unwrap();
        let of = |t: &&Value| t["order_id"].as_str().is_some_and(|order| order.contains(&format!(".inv.{invoice}.")));
        all.iter().find(of).expect("charged")["id"].as_str().unwrap().to_owned()
    }

    /// The payment in Zoho that records it.
    pub(super) async fn payment(&self, invoice: &str) -> String {
        let books = self.books().await;
        let all = books["zoho"]["invoices"].as_array().unwrap();
        let found = all.iter().find(|i| i["invoice_id"] == invoice).expect("at Zoho");
        found["payments"][0]["payment_id"].as_str().expect("recorded").to_owned()
    }

    pub(super) async fn post(&self, token: &str, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.out.api_as(token, Method::POST, path).json(body);
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let answer = self.out.api_as(&self.finance, Method::GET, path).send().await.unwrap();
        let (status, body): (_, Value) = (answer.status(), answer.json().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Asks for a comparison; its id.
    pub(super) async fn ask(&self, body: &Value) -> String {
        let (status, run) = self.post(&self.finance, "/reconciliation/runs", body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{run}");
        run["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn run(&self, id: &str) -> Value {
        self.get(&format!("/reconciliation/runs/{id}")).await
    }

    /// Waits until a comparison has ended.
    pub(super) async fn ended(&self, id: &str) -> Value {
        let ended = async || Ok(self.run(id).await["state"] != "running");
        self.out.stage.until("the comparison to end", ended).await.unwrap();
        self.run(id).await
    }

    /// Compares these legs and gives the report.
    pub(super) async fn compare(&self, legs: &[&str]) -> Value {
        self.compared(&json!({ "legs": legs })).await
    }

    /// Compares what is asked for and gives the report.
    pub(super) async fn compared(&self, asked: &Value) -> Value {
        let id = self.ask(asked).await;
        let run = self.ended(&id).await;
        assert_eq!(run["state"], "done", "{run}");
        self.rest().await;
        self.get(&format!("/reconciliation/runs/{id}/report")).await
    }

    /// The open findings: code and key.
    pub(super) async fn open(&self) -> Vec<(String, String)> {
        let all = self.get("/reconciliation/findings").await;
        let text = |of: &Value| of.as_str().unwrap().to_owned();
        let mut all: Vec<_> = all.as_array().unwrap().iter().map(|f| (text(&f["code"]), text(&f["key"]))).collect();
        all.sort();
        all
    }

    pub(super) async fn finding(&self, code: &str) -> Value {
        let all = self.get(&format!("/reconciliation/findings?state=all&code={code}")).await;
        let id = all[0]["id"].as_str().unwrap_or_else(|| panic!("no {code}: {all}")).to_owned();
        self.get(&format!("/reconciliation/findings/{id}")).await
    }

    pub(super) async fn decide(&self, token: &str, finding: &Value, decision: &str) -> (StatusCode, Value) {
        self.say(token, finding, "decide", decision).await
    }

    /// As the second person.
    pub(super) async fn agree(&self, token: &str, finding: &Value, decision: &str) -> (StatusCode, Value) {
        self.say(token, finding, "approve", decision).await
    }

    async fn say(&self, token: &str, finding: &Value, way: &str, decision: &str) -> (StatusCode, Value) {
        let path = format!("/reconciliation/findings/{}/{way}", finding["id"].as_str().unwrap());
        self.post(token, &path, &json!({"decision": decision, "reason": "the test says so"})).await
    }
}

/// What became of a finding, oldest first.
pub(super) fn acts(finding: &Value) -> Vec<&str> {
    finding["acts"].as_array().unwrap().iter().map(|act| act["act"].as_str().unwrap()).collect()
}

/// Codes and keys of a report's findings.
pub(super) fn found(report: &Value) -> Vec<(&str, &str)> {
    let all = report["findings"].as_array().unwrap();
    all.iter().map(|f| (f["code"].as_str().unwrap(), f["key"].as_str().unwrap())).collect()
}

/// Of each leg and currency: left less right is what is listed as found, in progress and not read.
pub(super) fn adds_up(report: &Value) {
    let whole = |of: &Value| of.as_i64().unwrap();
    for leg in report["legs"].as_array().unwrap() {
        for total in leg["totals"].as_array().unwrap() {
            let difference = whole(&total["left"][1]) - whole(&total["right"][1]);
            let explained = whole(&total["found"]) + whole(&total["in_progress"]) + whole(&total["not_read"]);
            assert_eq!(difference, explained, "{leg}");
        }
    }
}
