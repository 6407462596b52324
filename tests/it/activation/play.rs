//! A stage on which customers start in Attio and pay at the checkout, with questions to the vendors' books.

use crate::postgres::{TestDatabase, database};
use attio_billing::demo::{Newcomer, SignUp, Stage, StageOptions};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use attio_billing::store::verify;
use sagas::kernel::saga::Saga;
use sagas::subscription_activation::SubscriptionActivation;
use serde_json::{Value, json};

/// A card that is accepted.
pub(super) const GOOD: &str = "fake-valid-nonce";

/// Another one: the same card details typed once more are other details to the vendor.
pub(super) const OTHER: &str = "fake-valid-mastercard-nonce";

pub(super) struct Play {
    pub(super) stage: Stage,
    _database: TestDatabase,
}

impl Play {
    pub(super) async fn new() -> Self {
        let database = database().await;
        let mut options = StageOptions::new(database.url().clone());
        options.call_seconds = 1;
        Self { stage: Stage::start(&options).await.unwrap(), _database: database }
    }

    /// A company whose record asks for a plan, and on which `Start` was pressed.
    pub(super) async fn started(&self, sign_up: SignUp) -> Newcomer {
        let newcomer = self.stage.newcomer(&sign_up).await.unwrap();
        self.stage.press(&newcomer.record, "Start").await.unwrap();
        newcomer
    }

    /// As [`Self::started`], with the link that the customer gets.
    pub(super) async fn invited(&self, sign_up: SignUp) -> (Newcomer, String) {
        let newcomer = self.started(sign_up).await;
        let url = self.stage.checkout_url(&newcomer.record).await.unwrap();
        (newcomer, url)
    }

    pub(super) async fn rest(&self) {
        self.stage.rest().await.unwrap();
    }

    pub(super) async fn advance(&self, by: &str) {
        self.stage.sandbox.advance(by).await.unwrap();
        self.rest().await;
    }

    pub(super) async fn fault(&self, fault: Value) {
        self.stage.sandbox.order_faults(&fault).await.unwrap();
    }

    pub(super) async fn clear_faults(&self) {
        self.stage.sandbox.clear_faults().await.unwrap();
    }

    pub(super) async fn books(&self) -> Value {
        self.stage.sandbox.books().await.unwrap()
    }

    /// The activation of a record; the newest where there are several.
    pub(super) async fn saga(&self, newcomer: &Newcomer) -> SagaLine {
        let filter = SagaFilter {
            kind: Some(SubscriptionActivation::NAME.to_owned()),
            reference: Some(newcomer.record.clone()),
            ..SagaFilter::default()
        };
        let found = query::sagas(self.stage.pool(), &filter, None, 10).await.unwrap();
        found.into_iter().next().unwrap_or_else(|| panic!("no activation of {}", newcomer.name))
    }

    /// The activation's history in short, for a failed assertion.
    pub(super) async fn history(&self, newcomer: &Newcomer) -> String {
        let line = self.saga(newcomer).await;
        let (_, events) = query::saga(self.stage.pool(), line.id).await.unwrap().unwrap();
        let short = |payload: &str| payload.chars().take(400).collect::<String>();
        events.iter().map(|e| format!("{} {} {}", e.seq, e.name, short(&e.payload))).collect::<Vec<_>>().join("\n")
    }

    /// What Attio shows of one attribute of the subscription's record.
    pub(super) async fn record(&self, newcomer: &Newcomer, attribute: &str) -> String {
        let values = self.stage.subscription_record(&newcomer.record).await.unwrap();
        values[attribute].as_str().unwrap_or_default().to_owned()
    }

    pub(super) async fn until_record(&self, newcomer: &Newcomer, attribute: &str, wanted: &str) {
        let shown = async || Ok(self.record(newcomer, attribute).await == wanted);
        if self.stage.until(&format!("{attribute} to be {wanted}"), shown).await.is_err() {
            let values = self.stage.subscription_record(&newcomer.record).await.unwrap();
            panic!("{attribute} is not `{wanted}`: {values:#}\n{:#?}", self.saga(newcomer).await);
        }
    }

    /// Braintree transactions that hold or take money.
    pub(super) async fn live(&self) -> Vec<Value> {
        let books = self.books().await;
        let all = books["braintree"]["transactions"].as_array().unwrap().clone();
        let live = ["authorized", "submitted_for_settlement", "settling", "settled"];
        all.into_iter().filter(|t| live.contains(&t["status"].as_str().unwrap_or_default())).collect()
    }

    /// Subscriptions at Zoho that are not cancelled.
    pub(super) async fn live_subscriptions(&self) -> Vec<Value> {
        let books = self.books().await;
        let all = books["zoho"]["subscriptions"].as_array().unwrap().clone();
        all.into_iter().filter(|s| s["status"] != "cancelled").collect()
    }

    /// Mails that the customers got, oldest first: their subjects.
    pub(super) async fn subjects(&self) -> Vec<String> {
        let books = self.books().await;
        let mails = books["mail"].as_array().unwrap().iter();
        mails.map(|m| m["subject"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Nothing is held, taken, subscribed or owed, and every account is zero.
    pub(super) async fn is_undone(&self) {
        assert_eq!(self.live().await, Vec::<Value>::new());
        assert_eq!(self.live_subscriptions().await, Vec::<Value>::new());
        let books = self.books().await;
        for invoice in books["zoho"]["invoices"].as_array().unwrap() {
            assert_eq!(invoice["balance"], 0, "{invoice}");
        }
        let rows: Vec<(i32, i64)> = sqlx::query_as(
            "select account, sum(case side when 'debit' then amount_minor else -amount_minor end)::bigint
             from journal_line group by account having
             sum(case side when 'debit' then amount_minor else -amount_minor end) <> 0",
        )
        .fetch_all(self.stage.pool())
        .await
        .unwrap();
        assert_eq!(rows, Vec::new(), "accounts that are not zero");
        self.is_sound().await;
    }

    /// The books agree with ours, and the log is whole.
    pub(super) async fn is_sound(&self) {
        let compared = self.stage.compare().await.unwrap();
        assert_eq!(compared.differences(), 0, "{}", compared.table());
        let report = verify::verify(self.stage.pool(), |_| {}).await.unwrap();
        assert!(report.first_break.is_none(), "{:?}", report.first_break);
    }
}

/// A fault on one operation of a vendor.
pub(super) fn fault(vendor: &str, operation: &str, kind: &str) -> Value {
    json!({"vendor": vendor, "operation": operation, "kind": kind, "times": 1})
}
