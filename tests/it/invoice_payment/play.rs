//! A stage with verbs for people at the vendors, and questions to the vendors' books.

use crate::postgres::{TestDatabase, database};
use crate::staging::at_noon;
use attio_billing::demo::{Customer, Stage, StageOptions, Wish};
use attio_billing::engine::items::Body;
use attio_billing::store::append::Status;
use attio_billing::store::backlog::await_item;
use attio_billing::store::items::{Item, ItemState, NewItem, offer_item};
use attio_billing::store::ledger;
use attio_billing::store::query::{self, SagaLine};
use sagas::invoice_payment::{Choice, Command};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) struct Play {
    pub(super) stage: Stage,
    database: TestDatabase,
}

/// How long an operator waits for his command to be applied.
const PATIENCE: Duration = Duration::from_secs(10);

impl Play {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut StageOptions)) -> Self {
        let database = database().await;
        let mut options = at_noon(&database);
        // No fault here needs a patience longer than that, and every time-out costs it in real time.
        options.call_seconds = 1;
        change(&mut options);
        Self { stage: Stage::start(&options).await.unwrap(), database }
    }

    pub(super) fn database_url(&self) -> &str {
        self.database.url().expose_secret()
    }

    /// A linked customer whose first invoice is paid.
    pub(super) async fn customer(&self, name: &str) -> Customer {
        let customer = self.customer_like(&Wish::new(name, 4_900)).await;
        // A gateway that takes no at-most-once keys says so at the first sale, which is then sent again.
        self.until_state(&customer.first_invoice, "AwaitSettlement").await;
        customer
    }

    pub(super) async fn customer_like(&self, wish: &Wish) -> Customer {
        let customer = self.stage.new_customer(wish).await.unwrap();
        self.rest().await;
        customer
    }

    pub(super) async fn rest(&self) {
        self.stage.rest().await.unwrap();
    }

    /// Raises a renewal and waits until nothing more follows at once.
    pub(super) async fn renew(&self, customer: &Customer, amount: i64) -> String {
        let invoice = self.stage.renew(customer, amount).await.unwrap();
        self.rest().await;
        invoice
    }

    /// Moves everybody's clock and lets follow what follows.
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

    /// An act at a vendor's console, and all that follows at once.
    pub(super) async fn act(&self, act: Value) -> Value {
        let answer = self.stage.sandbox.staff(&act).await.unwrap();
        self.rest().await;
        answer
    }

    pub(super) async fn card_declines(&self, customer: &Customer, code: Option<&str>) {
        self.act(json!({"vendor": "braintree", "act": "set_card_behaviour", "token": customer.token,
            "decline_code": code}))
            .await;
    }

    pub(super) async fn webhooks(&self, order: Value) -> Value {
        self.stage.sandbox.webhooks(&order).await.unwrap()
    }

    pub(super) async fn books(&self) -> Value {
        self.stage.sandbox.books().await.unwrap()
    }

    /// How often an operation of a vendor was called so far.
    pub(super) async fn calls(&self, vendor: &str, operation: &str) -> u64 {
        self.books().await["calls"][vendor][operation].as_u64().unwrap_or(0)
    }

    pub(super) async fn saga(&self, invoice: &str) -> SagaLine {
        let saga = self.stage.saga_of(invoice);
        self.stage.saga(saga).await.unwrap().unwrap_or_else(|| panic!("invoice {invoice} has no stream"))
    }

    pub(super) async fn state(&self, invoice: &str) -> String {
        self.saga(invoice).await.state
    }

    /// The stream's state once it is this one.
    pub(super) async fn until_state(&self, invoice: &str, state: &str) {
        self.stage.until_saga(self.stage.saga_of(invoice), state, |s| s.state == state).await.unwrap();
        self.rest().await;
    }

    pub(super) async fn until_status(&self, invoice: &str, status: Status) -> SagaLine {
        let what = format!("{status:?}");
        self.stage.until_saga(self.stage.saga_of(invoice), &what, |s| s.status == status).await.unwrap()
    }

    /// The code and the sentence under which the stream is parked.
    pub(super) async fn parked(&self, invoice: &str) -> (String, String) {
        let line = self.until_status(invoice, Status::NeedsPerson).await;
        let (code, detail, _) = line.parked.expect("parked with a reason");
        (code, detail)
    }

    pub(super) async fn parked_as(&self, invoice: &str, code: &str) -> String {
        let (found, detail) = self.parked(invoice).await;
        assert_eq!(found, code, "{detail}");
        detail
    }

    pub(super) async fn resume(&self, invoice: &str) {
        self.stage.resume(self.stage.saga_of(invoice), "the test says so").await.unwrap();
        self.rest().await;
    }

    /// Tells the stream a command as an operator's tool would, through the inbox.
    pub(super) async fn tell(&self, invoice: &str, command: Command) -> Item {
        let store = &self.stage.service().store;
        let body = Body::Saga { command: serde_json::to_value(command).unwrap() };
        let item = NewItem {
            saga: self.stage.saga_of(invoice),
            saga_kind: "invoice_payment".to_owned(),
            kind: "operator.command".to_owned(),
            principal: "operator:test".to_owned(),
            body: body.text(),
            waiting_key: None,
            idempotency_key: None,
        };
        let item = offer_item(&store.pool, store.node.shard_count(), &item, &[]).await.unwrap();
        self.stage.service().engine.wake();
        let item = await_item(&store.pool, item, PATIENCE).await.unwrap();
        self.rest().await;
        item
    }

    pub(super) async fn decide(&self, invoice: &str, choice: Choice) {
        let item = self.tell(invoice, Command::Decide { choice, reason: "the test says so".to_owned() }).await;
        assert_eq!(item.state, ItemState::Applied, "{:?}", item.reason);
    }

    /// Names of the stream's business events, oldest first.
    pub(super) async fn events(&self, invoice: &str) -> Vec<String> {
        let saga = self.stage.saga_of(invoice);
        let (_, events) = query::saga(&self.stage.service().store.pool, saga).await.unwrap().unwrap();
        events.into_iter().map(|e| e.name).filter(|name| !name.starts_with("step.")).collect()
    }

    pub(super) async fn count(&self, invoice: &str, event: &str) -> usize {
        self.events(invoice).await.iter().filter(|name| *name == event).count()
    }

    /// Everything that Braintree holds under an order id of this invoice, oldest first.
    pub(super) async fn transactions(&self, invoice: &str) -> Vec<Value> {
        let ours = format!("{}.inv.{invoice}.", self.stage.prefix());
        let books = self.books().await;
        let all = books["braintree"]["transactions"].as_array().unwrap();
        all.iter().filter(|t| t["order_id"].as_str().is_some_and(|o| o.starts_with(&ours))).cloned().collect()
    }

    /// Those of them that take the customer's money.
    pub(super) async fn sales(&self, invoice: &str) -> Vec<Value> {
        let live = ["authorized", "submitted_for_settlement", "settling", "settled"];
        let all = self.transactions(invoice).await;
        all.into_iter().filter(|t| live.contains(&t["status"].as_str().unwrap())).collect()
    }

    pub(super) async fn order_ids(&self, invoice: &str) -> Vec<String> {
        let suffix = |t: &Value| {
            let order = t["order_id"].as_str().unwrap();
            order.rsplit_once(&format!("{invoice}.")).unwrap().1.to_owned()
        };
        self.transactions(invoice).await.iter().map(suffix).collect()
    }

    pub(super) async fn invoice(&self, invoice: &str) -> Value {
        let books = self.books().await;
        let all = books["zoho"]["invoices"].as_array().unwrap();
        all.iter().find(|i| i["invoice_id"] == invoice).expect("the invoice is at Zoho").clone()
    }

    /// What Attio shows for the last attempt of an invoice.
    pub(super) async fn shown(&self, invoice: &str) -> Option<String> {
        let books = self.books().await;
        let records = books["attio"]["records"]["billing_transactions"].as_array().cloned().unwrap_or_default();
        let prefix = format!("inv:{invoice}:");
        let mut ours: Vec<_> = records
            .iter()
            .filter_map(|r| {
                let external = r["values"]["external_id"].as_str()?;
                let attempt: u32 = external.strip_prefix(&prefix)?.parse().ok()?;
                Some((attempt, r["values"]["transaction_status"].as_str()?.to_owned()))
            })
            .collect();
        ours.sort();
        ours.pop().map(|(_, status)| status)
    }

    /// One sale, one payment of it in Zoho, nothing owed.
    pub(super) async fn is_charged_once(&self, invoice: &str) {
        let sales = self.sales(invoice).await;
        assert_eq!(sales.len(), 1, "{sales:#?}");
        let shown = self.invoice(invoice).await;
        assert_eq!(shown["balance"], 0, "{shown:#}");
        let payments = shown["payments"].as_array().unwrap();
        assert_eq!(payments.len(), 1, "{shown:#}");
        assert_eq!(payments[0]["reference_number"], sales[0]["id"], "{shown:#}");
        assert_eq!(payments[0]["amount"], sales[0]["amount_minor"], "{shown:#}");
    }

    pub(super) async fn is_never_charged(&self, invoice: &str) {
        let all = self.transactions(invoice).await;
        assert!(all.is_empty(), "{all:#?}");
    }

    /// The vendors' books and ours agree in everything, and the log is whole.
    pub(super) async fn is_sound(&self) {
        self.is_sound_but(&[]).await;
    }

    /// As above, but for differences with these words in them, each of which must be there.
    pub(super) async fn is_sound_but(&self, expected: &[&str]) {
        self.rest().await;
        let compared = self.stage.compare().await.unwrap();
        let found: Vec<String> =
            compared.pairs.iter().flat_map(|p| p.differences.iter().map(move |d| format!("{}: {d}", p.name))).collect();
        assert_eq!(found.len(), expected.len(), "expected {expected:?}, found {found:#?}");
        for words in expected {
            assert!(found.iter().any(|d| d.contains(words)), "expected {words}, found {found:#?}");
        }
        let pool = &self.stage.service().store.pool;
        let mut sums = BTreeMap::<String, i64>::new();
        for balance in ledger::trial_balance(pool, None).await.unwrap() {
            *sums.entry(balance.debit.currency.code().to_owned()).or_default() +=
                balance.debit.minor - balance.credit.minor;
        }
        assert!(sums.values().all(|sum| *sum == 0), "the trial balance is off: {sums:?}");
        crate::proof::invariants::hold(pool).await;
    }
}
