//! A stage with a customer who has paid, a bank that disputes it, and the people of finance.

use crate::outside::Outside;
use attio_billing::access::{Holder, Role};
use attio_billing::connectors::Connectors;
use attio_billing::demo::{Customer, StageOptions, Wish};
use attio_billing::port::{Beside, Call, InMemory, Perform};
use attio_billing::store::ledger;
use attio_billing::store::query::SagaLine;
use reqwest::{Method, StatusCode};
use sagas::dispute::Dispute;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Braintree, Effect};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Outcome;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(super) struct Play {
    pub(super) out: Outside,
    pub(super) customer: Customer,
    /// The sale at Braintree, settled.
    pub(super) sale: String,
    finance: String,
}

impl Play {
    /// A customer whose first invoice is paid, recorded and settled.
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
        let customer = out.stage.new_customer(&Wish::new("Dispute Me", amount)).await.unwrap();
        let stream = out.stage.saga_of(&customer.first_invoice);
        out.stage.until_saga(stream, "paid", |s| s.state == "AwaitSettlement").await.unwrap();
        out.stage.rest().await.unwrap();
        let finance = out.token_of("fin", Holder::Person, Role::Finance).await;
        let mut play = Self { out, customer, sale: String::new(), finance };
        let sales = play.books().await["braintree"]["transactions"].as_array().unwrap().clone();
        sales[0]["id"].as_str().unwrap().clone_into(&mut play.sale);
        play.act(json!({"vendor": "braintree", "act": "settle_now", "id": play.sale})).await;
        play.advance("PT3H").await;
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

    /// A sale of ten euros that nothing of ours made.
    pub(super) async fn strangers_sale(&self) -> String {
        self.act(json!({"vendor": "braintree", "act": "vault_customer", "customer_id": "stranger",
            "customer": {"id": "stranger", "email": "s@example.org"}, "token": "m-stranger", "card": "visa"}))
            .await;
        let stage = &self.out.stage;
        let tokens = Arc::new(InMemory::default());
        let connectors = Connectors::new(&stage.config().vendors, stage.clock().clone(), None, tokens).unwrap();
        let now = stage.clock().now();
        let call = Call {
            saga: SagaId::derived("stranger", &["1"]),
            step: "sell".to_owned(),
            attempt: 1,
            effect: Effect::Braintree(Braintree::Sell {
                order_id: "elsewhere.1".to_owned(),
                customer: "stranger".to_owned(),
                token: "m-stranger".to_owned(),
                amount: crate::store_support::eur(1_000),
                recurring: false,
                details: None,
            }),
            requested_at: now,
            sent_at: None,
            now,
            time_limit: Duration::from_secs(10),
            beside: Beside::default(),
        };
        match connectors.perform(&call).await.outcome {
            Outcome::Done { answer: Answer::Transaction(sale) } => sale.id,
            other => panic!("no sale: {other:?}"),
        }
    }

    /// The bank disputes a sale: the dispute's id and its stream.
    pub(super) async fn disputed(&self, sale: &str) -> (String, SagaId) {
        let opened = self.act(json!({"vendor": "braintree", "act": "open_dispute", "id": sale})).await;
        let dispute = opened["id"].as_str().unwrap().to_owned();
        let saga = Dispute::id(&dispute);
        (dispute, saga)
    }

    pub(super) async fn decided(&self, dispute: &str, status: &str) {
        self.act(json!({"vendor": "braintree", "act": "decide_dispute", "dispute": dispute, "status": status})).await;
    }

    /// Finance asks the API; what it is answered.
    pub(super) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer = self.out.api_as(&self.finance, Method::POST, path).json(body).send().await.unwrap();
        let answer = (answer.status(), answer.json().await.unwrap());
        self.rest().await;
        answer
    }

    pub(super) async fn ordered(&self, saga: SagaId, what: &str, body: &Value) {
        let (status, answer) = self.post(&format!("/disputes/{saga}/{what}"), body).await;
        assert!(status.is_success(), "{status} {answer:#}");
    }

    pub(super) async fn until(&self, saga: SagaId, state: &str) -> SagaLine {
        let line = self.out.stage.until_saga(saga, state, |s| s.state == state).await.unwrap();
        self.rest().await;
        line
    }

    pub(super) async fn line(&self, saga: SagaId) -> SagaLine {
        self.out.stage.saga(saga).await.unwrap().expect("it began")
    }

    pub(super) async fn books(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()
    }

    /// How the dispute stands at Braintree.
    pub(super) async fn at_braintree(&self, dispute: &str) -> Value {
        let books = self.books().await;
        let all = books["braintree"]["disputes"].as_array().unwrap();
        all.iter().find(|one| one["id"] == dispute).unwrap().clone()
    }

    /// What Attio shows of it: the status and the sentence.
    pub(super) async fn shown(&self, dispute: &str) -> (String, String) {
        let books = self.books().await;
        let records = books["attio"]["records"]["billing_transactions"].as_array().cloned().unwrap_or_default();
        let ours = json!(format!("dp:{dispute}"));
        let record = records.into_iter().find(|r| r["values"]["external_id"] == ours).expect("it is shown");
        let text = |name: &str| record["values"][name].as_str().unwrap_or_default().to_owned();
        (text("transaction_status"), text("failure_reason"))
    }

    /// Debits less credits of an account, in minor units.
    pub(super) async fn balance(&self, account: u16) -> i64 {
        let all = ledger::trial_balance(self.out.stage.pool(), None).await.unwrap();
        all.iter().filter(|b| b.account == account).map(ledger::Balance::net_minor).sum()
    }

    /// The invariants hold, what is over holds no claim and no hold, and nothing that was sealed is left.
    pub(super) async fn ends_sound(self) {
        let pool = self.out.stage.pool();
        for what in [
            "select count(*) from claim c join saga s on s.id = c.saga where s.kind = 'dispute' and s.ended is not null",
            "select count(*) from hold where reason = 'dispute' and not exists (
                 select 1 from saga where kind = 'dispute' and ended is null)",
            "select count(*) from secret_input",
        ] {
            let left: i64 = sqlx::query_scalar(what).fetch_one(pool).await.unwrap();
            assert_eq!(left, 0, "{what}");
        }
        crate::proof::invariants::hold(pool).await;
        self.out.end().await;
    }
}
