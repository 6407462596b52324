//! A stage on which Zoho collects what is sold, with customers who buy on Zoho's page.

use crate::postgres::{TestDatabase, database};
use crate::staging::at_noon;
use attio_billing::config::Collector;
use attio_billing::demo::{Newcomer, SignUp, Stage, StageOptions};
use attio_billing::store::ledger;
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, header};
use sagas::kernel::saga::Saga;
use sagas::zoho_native::ZohoNative;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const GOOD: &str = "4111111111111111";
pub(super) const DECLINED: &str = "4000000000000002";

/// Accounts by their numbers (see the glossary).
pub(super) const EXTERNAL_RECEIPTS: u16 = 1150;
pub(super) const RECEIVABLES: u16 = 1200;

pub(super) struct Play {
    pub(super) stage: Stage,
    client: Client,
    _database: TestDatabase,
}

/// What a request led to.
#[derive(Debug)]
pub(super) struct Led {
    pub(super) status: StatusCode,
    /// Where the browser is sent; empty: nowhere.
    pub(super) to: String,
    pub(super) html: String,
}

impl Play {
    pub(super) async fn new() -> Self {
        let database = database().await;
        let options = StageOptions { collection_owner: Collector::ZohoNative, ..at_noon(&database) };
        let stage = Stage::start(&options).await.unwrap();
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { stage, client, _database: database }
    }

    /// A company whose record asks for a plan, on which `Start` was pressed, and the link that the customer gets.
    pub(super) async fn invited(&self, name: &str) -> (Newcomer, String) {
        let newcomer = self.stage.newcomer(&SignUp::new(name, self.stage.plan())).await.unwrap();
        self.stage.press(&newcomer.record, "Start").await.unwrap();
        let url = self.stage.checkout_url(&newcomer.record).await.unwrap();
        self.rest().await;
        (newcomer, url)
    }

    /// A customer who has bought, and whose subscription runs.
    pub(super) async fn active(&self, name: &str) -> (Newcomer, String) {
        let (newcomer, url) = self.invited(name).await;
        let page = self.agree(&url).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}\n{}", page.html, self.history(&newcomer).await);
        let back = self.pay(&page.to, GOOD).await;
        self.get(&back.to).await;
        self.until_record(&newcomer, "subscription_status", "Active").await;
        self.rest().await;
        (newcomer, url)
    }

    pub(super) async fn get(&self, url: &str) -> Led {
        led(self.client.get(url)).await
    }

    /// The customer ticks the box and presses the button.
    pub(super) async fn agree(&self, url: &str) -> Led {
        let shown = self.get(url).await;
        if shown.status != StatusCode::OK {
            return shown;
        }
        self.agree_to(url, &field(&shown.html, "quote_hash"), &field(&shown.html, "consent_version")).await
    }

    pub(super) async fn agree_to(&self, url: &str, hash: &str, version: &str) -> Led {
        let form = [("quote_hash", hash), ("consent_version", version), ("consent", "yes")];
        led(self.client.post(format!("{url}/onward")).form(&form)).await
    }

    /// The customer types a card in on Zoho's page.
    pub(super) async fn pay(&self, page: &str, number: &str) -> Led {
        let form = [("act", "pay"), ("card_number", number), ("expiry_month", "12"), ("expiry_year", "2039")];
        led(self.client.post(page).form(&form)).await
    }

    pub(super) async fn close(&self, page: &str) -> Led {
        led(self.client.post(page).form(&[("act", "close")])).await
    }

    /// An act of a person at Zoho's console.
    pub(super) async fn act(&self, act: Value) -> Value {
        let mut act = act;
        act["vendor"] = json!("zoho");
        self.stage.sandbox.staff(&act).await.unwrap()
    }

    pub(super) async fn rest(&self) {
        self.stage.rest().await.unwrap();
    }

    pub(super) async fn advance(&self, by: &str) {
        self.stage.sandbox.advance(by).await.unwrap();
        self.rest().await;
    }

    pub(super) async fn books(&self) -> Value {
        self.stage.sandbox.books().await.unwrap()
    }

    pub(super) async fn subscriptions(&self) -> Vec<Value> {
        self.books().await["zoho"]["subscriptions"].as_array().unwrap().clone()
    }

    pub(super) async fn invoices(&self) -> Vec<Value> {
        self.books().await["zoho"]["invoices"].as_array().unwrap().clone()
    }

    /// How often an operation of Zoho's was called so far.
    pub(super) async fn calls(&self, operation: &str) -> u64 {
        self.books().await["calls"]["zoho"][operation].as_u64().unwrap_or(0)
    }

    pub(super) async fn saga(&self, newcomer: &Newcomer) -> SagaLine {
        let filter = SagaFilter {
            kind: Some(ZohoNative::NAME.to_owned()),
            reference: Some(newcomer.record.clone()),
            ..SagaFilter::default()
        };
        let found = query::sagas(self.stage.pool(), &filter, None, 10).await.unwrap();
        found.into_iter().next().unwrap_or_else(|| panic!("no start of {}", newcomer.name))
    }

    /// The start's history in short, for a failed assertion.
    pub(super) async fn history(&self, newcomer: &Newcomer) -> String {
        let line = self.saga(newcomer).await;
        let (_, events) = query::saga(self.stage.pool(), line.id).await.unwrap().unwrap();
        let short = |payload: &str| payload.chars().take(300).collect::<String>();
        events.iter().map(|e| format!("{} {} {}", e.seq, e.name, short(&e.payload))).collect::<Vec<_>>().join("\n")
    }

    pub(super) async fn record(&self, newcomer: &Newcomer, attribute: &str) -> String {
        let values = self.stage.subscription_record(&newcomer.record).await.unwrap();
        values[attribute].as_str().unwrap_or_default().to_owned()
    }

    pub(super) async fn until_record(&self, newcomer: &Newcomer, attribute: &str, wanted: &str) {
        let shown = async || Ok(self.record(newcomer, attribute).await == wanted);
        if self.stage.until(&format!("{attribute} to be {wanted}"), shown).await.is_err() {
            let values = self.stage.subscription_record(&newcomer.record).await.unwrap();
            panic!("{attribute} is not `{wanted}`: {values:#}\n{}", self.history(newcomer).await);
        }
    }

    /// What each account holds, debits less credits; those that hold nothing are left out.
    pub(super) async fn accounts(&self) -> BTreeMap<u16, i64> {
        let mut held = BTreeMap::<u16, i64>::new();
        for balance in ledger::trial_balance(self.stage.pool(), None).await.unwrap() {
            *held.entry(balance.account).or_default() += balance.net_minor();
        }
        held.retain(|_, minor| *minor != 0);
        held
    }

    /// The invoices' streams by state.
    pub(super) async fn streams(&self) -> Vec<(String, String)> {
        let filter = SagaFilter { kind: Some("invoice_payment".to_owned()), ..SagaFilter::default() };
        let found = query::sagas(self.stage.pool(), &filter, None, 50).await.unwrap();
        found.into_iter().map(|line| (line.state, line.ended.unwrap_or_default())).collect()
    }

    /// Braintree has taken nothing, and log and ledger are whole.
    pub(super) async fn is_sound(&self) {
        let books = self.books().await;
        assert_eq!(books["braintree"]["transactions"], json!([]), "we never charge what Zoho collects");
        crate::proof::invariants::hold(self.stage.pool()).await;
        crate::published::hold(&self.stage.sandbox.exchanges().await.unwrap());
    }
}

async fn led(request: reqwest::RequestBuilder) -> Led {
    let answer = request.send().await.unwrap();
    let to =
        answer.headers().get(header::LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Led { status: answer.status(), to, html: answer.text().await.unwrap() }
}

/// The value of a hidden field.
pub(super) fn field(html: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let Some((_, rest)) = html.split_once(&start) else { return String::new() };
    rest.split('"').next().unwrap_or_default().to_owned()
}
