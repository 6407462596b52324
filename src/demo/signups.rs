//! Customers who start in Attio and pay at the checkout, as people do it: a CRM user fills a record and presses an act,
//! the customer opens the link and pays. Nothing here knows the service from inside.

use super::Stage;
use super::customers::record_id;
use anyhow::Context;
use serde_json::{Map, Value, json};

/// What a CRM user enters on a subscription record.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// The company's name.
    pub name: String,
    /// Plan code.
    pub plan: String,
    /// Further values of the record, by attribute: `quantity`, `coupon_code` …
    pub more: Map<String, Value>,
}

impl SignUp {
    /// A company that wants a plan.
    pub fn new(name: impl Into<String>, plan: impl Into<String>) -> Self {
        Self { name: name.into(), plan: plan.into(), more: Map::new() }
    }

    /// With one more value on the record.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: impl Into<Value>) -> Self {
        self.more.insert(attribute.to_owned(), json!([value.into()]));
        self
    }
}

/// A customer in the making, as Attio holds it.
#[derive(Debug, Clone)]
pub struct Newcomer {
    pub name: String,
    /// Record id of the company.
    pub company: String,
    /// Record id of the subscription.
    pub record: String,
}

/// What a page of ours answered: its status and its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// HTTP status.
    pub status: u16,
    /// The stage's word; empty where the page refused.
    pub stage: String,
    /// Proof of the quote that stands.
    pub quote_hash: String,
    /// What a refusal says.
    pub detail: String,
}

impl Stage {
    /// A CRM user makes a company with a contact and a subscription record; nothing is pressed yet.
    ///
    /// # Errors
    /// The sandbox does not take it.
    pub async fn newcomer(&self, sign_up: &SignUp) -> anyhow::Result<Newcomer> {
        let number = self.next_number();
        let root: String = sign_up.name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        let person = json!({"vendor": "attio", "act": "create_record", "object": "people", "values": {
            "name": [{"first_name": "Alex", "last_name": sign_up.name, "full_name": format!("Alex {}", sign_up.name)}],
            "email_addresses": [format!("{root}-{number}@example.org")]}});
        let person = record_id(&self.sandbox.staff(&person).await?)?;
        let company = json!({"vendor": "attio", "act": "create_record", "object": "companies", "values": {
            "name": [sign_up.name.clone()], "team": [{"target_object": "people", "target_record_id": person}]}});
        let company = record_id(&self.sandbox.staff(&company).await?)?;
        self.further(&company, sign_up).await
    }

    /// A CRM user makes a subscription record for a company that is there; nothing is pressed yet.
    ///
    /// # Errors
    /// The sandbox does not take it.
    pub async fn further(&self, company: &str, sign_up: &SignUp) -> anyhow::Result<Newcomer> {
        let plan = self.service_plan(&sign_up.plan).await?;
        let mut values = Map::from_iter([
            ("name".to_owned(), json!([format!("{} subscription", sign_up.name)])),
            ("customer_company".to_owned(), json!([{"target_object": "companies", "target_record_id": company}])),
            ("plan".to_owned(), json!([{"target_object": "service_plans", "target_record_id": plan}])),
        ]);
        values.extend(sign_up.more.clone());
        let record = json!({"vendor": "attio", "act": "create_record", "object": "subscriptions", "values": values});
        let record = record_id(&self.sandbox.staff(&record).await?)?;
        Ok(Newcomer { name: sign_up.name.clone(), company: company.to_owned(), record })
    }

    /// The record of a plan in Attio, made at its first use.
    async fn service_plan(&self, code: &str) -> anyhow::Result<String> {
        let books = self.sandbox.books().await?;
        let known = books["attio"]["records"]["service_plans"].as_array().into_iter().flatten();
        for plan in known {
            if plan["values"]["code"] == code {
                return Ok(plan["record_id"].as_str().context("a record without an id")?.to_owned());
            }
        }
        let plan = json!({"vendor": "attio", "act": "create_record", "object": "service_plans", "values": {
            "name": [code], "kind": ["plan"], "code": [code]}});
        record_id(&self.sandbox.staff(&plan).await?)
    }

    /// A CRM user presses an act on a subscription record.
    ///
    /// # Errors
    /// The sandbox does not take it.
    pub async fn press(&self, record: &str, act: &str) -> anyhow::Result<()> {
        let press = json!({"vendor": "attio", "act": "press", "record_id": record, "action": act});
        self.sandbox.staff(&press).await?;
        Ok(())
    }

    /// What Attio shows on a subscription record, by attribute.
    ///
    /// # Errors
    /// The sandbox does not answer, or has no such record.
    pub async fn subscription_record(&self, record: &str) -> anyhow::Result<Value> {
        let books = self.sandbox.books().await?;
        let mut all = books["attio"]["records"]["subscriptions"].as_array().into_iter().flatten();
        let found = all.find(|r| r["record_id"] == record).context("there is no such record in Attio")?;
        Ok(found["values"].clone())
    }

    /// Waits until the record shows a checkout link, and answers it.
    ///
    /// # Errors
    /// It does not in time.
    pub async fn checkout_url(&self, record: &str) -> anyhow::Result<String> {
        self.until("a checkout link on the record", async || {
            Ok(self.subscription_record(record).await?["checkout_url"].as_str().is_some_and(|url| !url.is_empty()))
        })
        .await?;
        let values = self.subscription_record(record).await?;
        Ok(values["checkout_url"].as_str().unwrap_or_default().to_owned())
    }

    /// The state of a checkout page.
    ///
    /// # Errors
    /// The service does not answer.
    pub async fn checkout_state(&self, url: &str) -> anyhow::Result<Shown> {
        shown(reqwest::Client::new().get(format!("{url}/state"))).await
    }

    /// The customer accepts the quote that stands and pays with a new card.
    ///
    /// # Errors
    /// The service does not answer.
    pub async fn pay(&self, url: &str, nonce: &str) -> anyhow::Result<Shown> {
        let quote = self.checkout_state(url).await?;
        self.submit(
            url,
            &json!({"quote_hash": quote.quote_hash, "consent_version": crate::checkout::CONSENT_VERSION,
            "nonce": nonce}),
        )
        .await
    }

    /// Sends a submission as the page does.
    ///
    /// # Errors
    /// The service does not answer.
    pub async fn submit(&self, url: &str, body: &Value) -> anyhow::Result<Shown> {
        let own = reqwest::Url::parse(url)?.origin().ascii_serialization();
        shown(reqwest::Client::new().post(url).header("origin", own).header("sec-fetch-site", "same-origin").json(body))
            .await
    }
}

async fn shown(request: reqwest::RequestBuilder) -> anyhow::Result<Shown> {
    let answer = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.map_err(reqwest::Error::without_url)?;
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    Ok(Shown { status, stage: text("stage"), quote_hash: text("quote_hash"), detail: text("detail") })
}
