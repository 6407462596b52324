//! The catalog from outside: people change what Zoho sells and what Attio says of it, press for a sync or order one; what
//! counts is what Attio's records hold afterwards.

mod s2_22_edits;
mod s2_22_orders;
mod s2_22_polls;

use crate::outside::Outside;
use attio_billing::demo::StageOptions;
use chrono::{NaiveDate, NaiveTime};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// A shop with the catalog of the demo: four plans, an add-on, two coupons.
struct Shop {
    out: Outside,
}

const PLAN: &str = "plus-monthly";

impl Shop {
    async fn new(change: impl FnOnce(&mut StageOptions)) -> Self {
        let noon = NaiveDate::from_ymd_opt(2026, 6, 9).unwrap().and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap());
        let out = Outside::with(|options| {
            options.from = Some(noon.and_utc());
            change(options);
        });
        Self { out: out.await }
    }

    /// Attio shows the whole catalog already, by the polls.
    async fn polled() -> Self {
        let shop = Self::new(|options| options.poll_seconds = 1).await;
        shop.until_shown(PLAN, "price_text", "49.00 EUR every month").await;
        shop.until("the whole catalog", async || shop.records().await.len() == 7).await;
        shop.until_state("Asserted").await;
        shop.out.stage.rest().await.unwrap();
        shop
    }

    /// Attio shows the whole catalog already, by an order; nothing is polled.
    async fn ordered() -> Self {
        let shop = Self::new(|_| {}).await;
        assert_eq!(shop.order(None).await.0, StatusCode::OK);
        shop.until("the whole catalog", async || shop.records().await.len() == 7).await;
        shop.out.stage.rest().await.unwrap();
        shop
    }

    async fn end(self) {
        self.out.end().await;
    }

    /// Somebody does something at a vendor's console.
    async fn act(&self, vendor: &str, act: &str, fields: Value) -> Value {
        let mut all = json!({"vendor": vendor, "act": act});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.out.stage.sandbox.staff(&all).await.unwrap()
    }

    async fn sells(&self, plan: &str, change: Value) {
        let mut fields = json!({"plan_code": plan});
        fields.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.act("zoho", "edit_plan", fields).await;
    }

    /// Somebody edits a record of the catalog in Attio.
    async fn edits(&self, code: &str, attribute: &str, value: Value) {
        let record = self.record(code).await["record_id"].clone();
        let fields = json!({"object": "service_plans", "record_id": record, "attribute": attribute, "value": value});
        self.act("attio", "set_value", fields).await;
    }

    async fn advance(&self, by: &str) {
        self.out.stage.sandbox.advance(by).await.unwrap();
    }

    async fn attio(&self, what: &str) -> Vec<Value> {
        let books = self.out.stage.sandbox.books().await.unwrap();
        books["attio"][what].as_array().unwrap().clone()
    }

    async fn records(&self) -> Vec<Value> {
        let books = self.out.stage.sandbox.books().await.unwrap();
        books["attio"]["records"]["service_plans"].as_array().unwrap().clone()
    }

    async fn record(&self, code: &str) -> Value {
        let records = self.records().await;
        let found = records.into_iter().find(|record| record["values"]["code"] == code);
        found.unwrap_or_else(|| panic!("Attio has no record of {code}"))
    }

    async fn shows(&self, code: &str, attribute: &str) -> Value {
        let records = self.records().await;
        let found = records.iter().find(|record| record["values"]["code"] == code);
        found.map_or(Value::Null, |record| record["values"][attribute].clone())
    }

    async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        self.out.stage.until(what, async || Ok(holds().await)).await.unwrap();
    }

    async fn until_shown(&self, code: &str, attribute: &str, value: &str) {
        self.until(&format!("{attribute} of {code} to be {value}"), async || {
            self.shows(code, attribute).await == value
        })
        .await;
    }

    /// The syncs, the latest started first.
    async fn syncs(&self) -> Vec<Value> {
        let sagas: Value = self.out.get("/sagas?kind=catalog_sync").await;
        sagas["sagas"].as_array().unwrap().clone()
    }

    async fn until_state(&self, state: &str) {
        self.until(&format!("the sync to be {state}"), async || {
            self.syncs().await.first().is_some_and(|sync| sync["state"] == state)
        })
        .await;
    }

    /// Orders a sync over the API.
    async fn order(&self, key: Option<&str>) -> (StatusCode, Value) {
        let request = self.out.api(Method::POST, "/catalog/sync");
        let request = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// What `readyz` says of the catalog.
    async fn ready(&self) -> Value {
        let ready: Value = self
            .out
            .http
            .get(self.out.private("/readyz"))
            .bearer_auth(&self.out.token)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        ready["catalogs"][0].clone()
    }

    /// Waits until a poll of the present was made to its end.
    async fn until_read_after(&self, before: &Value) {
        self.until("a poll", async || self.ready().await["read_at"] != before["read_at"]).await;
    }

    /// How many events the log holds.
    async fn events(&self) -> i64 {
        sqlx::query_scalar("select count(*) from event").fetch_one(self.out.stage.pool()).await.unwrap()
    }
}
