//! A stage with a customer who has paid, and the people of finance.

use crate::outside::Outside;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::{Customer, StageOptions, Wish};
use attio_billing::port::Person;
use attio_billing::store::query::SagaLine;
use attio_billing::store::{ledger, people};
use reqwest::{Method, StatusCode};
use sagas::kernel::ids::SagaId;
use serde_json::{Value, json};

pub(super) struct Play {
    pub(super) out: Outside,
    pub(super) customer: Customer,
    /// The sale at Braintree.
    pub(super) sale: String,
    finance: String,
    pub(super) approver: String,
}

impl Play {
    /// A customer whose first invoice is paid and recorded.
    pub(super) async fn paid(amount: i64) -> Self {
        Self::with(amount, |_| {}).await
    }

    pub(super) async fn with(amount: i64, change: impl FnOnce(&mut StageOptions)) -> Self {
        let out = Outside::with(|options| {
            options.from = Some("2026-06-09T12:00:00Z".parse().unwrap());
            options.call_seconds = 1;
            change(options);
        })
        .await;
        let customer = out.stage.new_customer(&Wish::new("Refund Me", amount)).await.unwrap();
        let person = Person {
            first_name: "Ruth".to_owned(),
            last_name: "Example".to_owned(),
            company: None,
            email: "ruth@example.org".to_owned(),
            phone: None,
            street: None,
            city: None,
            postal_code: None,
            state: None,
            country: None,
            locale: Some("en".to_owned()),
        };
        people::put(out.stage.pool(), &customer.ours, &person).await.unwrap();
        let stream = out.stage.saga_of(&customer.first_invoice);
        out.stage.until_saga(stream, "paid", |s| s.state == "AwaitSettlement").await.unwrap();
        out.stage.rest().await.unwrap();
        let finance = out.token_of("fin", Holder::Person, Role::Finance).await;
        let approver = out.token_of("boss", Holder::Person, Role::FinanceApprover).await;
        let mut play = Self { out, customer, sale: String::new(), finance, approver };
        play.transactions("sale").await[0]["id"].as_str().unwrap().clone_into(&mut play.sale);
        play
    }

    pub(super) async fn rest(&self) {
        self.out.stage.rest().await.unwrap();
    }

    pub(super) async fn advance(&self, by: &str) {
        self.out.stage.sandbox.advance(by).await.unwrap();
        self.rest().await;
    }

    pub(super) async fn act(&self, act: Value) -> Value {
        let answer = self.out.stage.sandbox.staff(&act).await.unwrap();
        self.rest().await;
        answer
    }

    pub(super) async fn fault(&self, fault: Value) {
        self.out.stage.sandbox.order_faults(&fault).await.unwrap();
    }

    /// The sale, or a refund of it, is settled.
    pub(super) async fn settle(&self, id: &str) {
        self.act(json!({"vendor": "braintree", "act": "settle_now", "id": id})).await;
    }

    pub(super) fn body(&self, minor: Option<i64>, source: &str) -> Value {
        let mut body =
            json!({"transaction": self.sale, "source": source, "why": "goodwill", "reason": "the test says so"});
        if let Some(minor) = minor {
            body["amount_minor"] = json!(minor);
        }
        body
    }

    /// Finance posts to the API; what it is answered.
    pub(super) async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> (StatusCode, Value) {
        self.post_as(&self.finance, path, key, body).await
    }

    pub(super) async fn post_as(
        &self,
        token: &str,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> (StatusCode, Value) {
        let mut request = self.out.api_as(token, Method::POST, path).json(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Finance asks for a refund, and what follows at once is done.
    pub(super) async fn refund(&self, key: &str, minor: Option<i64>, source: &str) -> SagaId {
        let (status, answer) = self.post("/refunds", Some(key), &self.body(minor, source)).await;
        assert!(status.is_success(), "{status} {answer:#}");
        let id = SagaId(answer["saga"]["id"].as_str().unwrap().parse().unwrap());
        self.rest().await;
        id
    }

    pub(super) async fn decide(&self, refund: SagaId, choice: &str) {
        let body = json!({"choice": choice, "reason": "the test says so"});
        let (status, answer) = self.post(&format!("/refunds/{refund}/decide"), None, &body).await;
        assert!(status.is_success(), "{status} {answer:#}");
        self.rest().await;
    }

    pub(super) async fn until(&self, refund: SagaId, state: &str) -> SagaLine {
        let line = self.out.stage.until_saga(refund, state, |s| s.state == state).await.unwrap();
        self.rest().await;
        line
    }

    pub(super) async fn line(&self, saga: SagaId) -> SagaLine {
        self.out.stage.saga(saga).await.unwrap().expect("it began")
    }

    pub(super) fn stream(&self) -> SagaId {
        self.out.stage.saga_of(&self.customer.first_invoice)
    }

    pub(super) async fn until_stream(&self, state: &str) {
        self.out.stage.until_saga(self.stream(), state, |s| s.state == state).await.unwrap();
        self.rest().await;
    }

    async fn books(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()
    }

    /// Sales or credits of the customer at Braintree, oldest first.
    pub(super) async fn transactions(&self, kind: &str) -> Vec<Value> {
        let books = self.books().await;
        let all = books["braintree"]["transactions"].as_array().unwrap();
        all.iter().filter(|t| t["type"] == kind).cloned().collect()
    }

    pub(super) async fn invoice(&self) -> Value {
        let books = self.books().await;
        let all = books["zoho"]["invoices"].as_array().unwrap();
        all.iter().find(|i| i["invoice_id"] == self.customer.first_invoice).unwrap().clone()
    }

    pub(super) async fn credit_notes(&self) -> Vec<Value> {
        self.books().await["zoho"]["credit_notes"].as_array().unwrap().clone()
    }

    /// What Attio shows of the refund.
    pub(super) async fn shown(&self, refund: SagaId) -> Option<String> {
        let books = self.books().await;
        let records = books["attio"]["records"]["billing_transactions"].as_array().cloned().unwrap_or_default();
        let ours = json!(format!("rf:{refund}"));
        let record = records.into_iter().find(|r| r["values"]["external_id"] == ours)?;
        record["values"]["transaction_status"].as_str().map(str::to_owned)
    }

    /// How many letters about a refund the customer got.
    pub(super) async fn letters(&self) -> usize {
        let text = self.books().await["mail"].to_string();
        text.matches("Your refund").count()
    }

    /// Debits less credits of an account, in minor units.
    pub(super) async fn balance(&self, account: u16) -> i64 {
        let all = ledger::trial_balance(self.out.stage.pool(), None).await.unwrap();
        all.iter().filter(|b| b.account == account).map(ledger::Balance::net_minor).sum()
    }

    /// The vendors' books and ours agree, the invariants hold, and what is over holds no claim.
    pub(super) async fn ends_sound(self) {
        let compared = self.out.stage.compare().await.unwrap();
        assert_eq!(compared.differences(), 0, "{}", compared.table());
        let given_back: i64 = self
            .transactions("credit")
            .await
            .iter()
            .filter(|t| ["submitted_for_settlement", "settling", "settled"].contains(&t["status"].as_str().unwrap()))
            .map(|t| t["amount_minor"].as_i64().unwrap())
            .sum();
        let sent: Option<i64> = sqlx::query_scalar(
            "select (sum(case l.side when 'debit' then l.amount_minor else -l.amount_minor end))::bigint
             from journal j join journal_line l on l.shard = j.shard and l.journal = j.id
             where l.account = 2120 and j.rule in ('REFUND_SENT', 'REFUND_REVERSED')",
        )
        .fetch_one(self.out.stage.pool())
        .await
        .unwrap();
        assert_eq!(sent.unwrap_or(0), given_back, "Braintree's refunds and our journals");
        let held: i64 = sqlx::query_scalar(
            "select count(*) from claim c join saga s on s.id = c.saga where s.kind = 'refund' and s.ended is not null",
        )
        .fetch_one(self.out.stage.pool())
        .await
        .unwrap();
        assert_eq!(held, 0, "a refund that is over holds claims");
        crate::proof::invariants::hold(self.out.stage.pool()).await;
        self.out.end().await;
    }
}
