//! A stage on which customers start in Attio and pay at the checkout, with questions to the vendors' books.

use crate::postgres::{TestDatabase, database};
use crate::published;
use crate::staging::at_noon;
use attio_billing::demo::{Newcomer, Shown, SignUp, Stage};
use attio_billing::engine::items::Body;
use attio_billing::store::backlog::await_item;
use attio_billing::store::items::{Item, NewItem, offer_item};
use attio_billing::store::ledger;
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use sagas::kernel::saga::Saga;
use sagas::subscription_activation::{Command, SubscriptionActivation};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A card that is accepted.
pub(super) const GOOD: &str = "fake-valid-nonce";

/// Another one: the same card details typed once more are other details to the vendor.
pub(super) const OTHER: &str = "fake-valid-mastercard-nonce";

/// Accounts by their numbers (see the glossary).
const PROCESSOR_SUBMITTED: u16 = 1110;
const PROCESSOR_SETTLED: u16 = 1120;
const IN_TRANSIT: u16 = 1020;
const RECEIVABLES: u16 = 1200;
const UNAPPLIED_CASH: u16 = 2100;
const AUTHORISATIONS: u16 = 9100;
const AUTHORISATIONS_CONTRA: u16 = 9190;

pub(super) struct Play {
    pub(super) stage: Stage,
    _database: TestDatabase,
}

impl Play {
    pub(super) async fn new() -> Self {
        let database = database().await;
        let mut options = at_noon(&database);
        options.call_seconds = 1;
        Self { stage: Stage::start(&options).await.unwrap(), _database: database }
    }

    /// Where Braintree's own recurring billing collects, which has the plan, the add-on and the discount that are needed.
    pub(super) async fn collected_by_braintree() -> Self {
        let database = database().await;
        let mut options = at_noon(&database);
        options.call_seconds = 1;
        options.collection_owner = attio_billing::config::Collector::BraintreeRecurring;
        let play = Self { stage: Stage::start(&options).await.unwrap(), _database: database };
        for thing in [
            json!({"act": "create_plan", "id": "billing-eur-1m", "price": "1.00", "billing_frequency": 1}),
            json!({"act": "create_add_on", "id": "first-term-more", "amount": "1.00"}),
            json!({"act": "create_discount", "id": "first-term-less", "amount": "1.00"}),
        ] {
            let mut act = thing;
            act["vendor"] = json!("braintree");
            play.act(act).await;
        }
        play
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

    /// A customer whose first subscription is active, paid with a card that is on file since.
    pub(super) async fn active(&self, name: &str) -> Newcomer {
        let (newcomer, url) = self.invited(SignUp::new(name, self.stage.plan())).await;
        let shown = self.stage.pay(&url, GOOD).await.unwrap();
        assert_eq!(shown.stage, "paid", "{}", self.history(&newcomer).await);
        self.until_record(&newcomer, "subscription_status", "Active").await;
        self.rest().await;
        newcomer
    }

    /// A further record for that customer, of another product for 30.00, with its link.
    pub(super) async fn buys_another_product(&self, customer: &Newcomer) -> (Newcomer, String) {
        let plan = json!({"vendor": "zoho", "act": "add_plan", "plan_code": "archive-monthly", "name": "Archive",
            "price": 3_000});
        self.act(plan).await;
        let sign_up = SignUp::new(customer.name.clone(), "archive-monthly");
        let further = self.stage.further(&customer.company, &sign_up).await.unwrap();
        self.stage.press(&further.record, "Start").await.unwrap();
        let url = self.stage.checkout_url(&further.record).await.unwrap();
        (further, url)
    }

    /// What a card that is typed in becomes: good for one use.
    pub(super) async fn nonce(&self, card: &str) -> String {
        let made = self.act(json!({"vendor": "braintree", "act": "make_nonce", "card": card})).await;
        made["nonce"].as_str().unwrap().to_owned()
    }

    /// The customer pays with a card of this moment, and while the page waits this happens.
    pub(super) async fn pay_while(&self, url: &str, happens: impl Future<Output = ()>) -> Shown {
        let card = self.nonce("visa").await;
        tokio::join!(self.stage.pay(url, &card), happens).0.unwrap()
    }

    /// The page as a browser gets it: status and text.
    pub(super) async fn html(&self, url: &str) -> (u16, String) {
        let answer = reqwest::get(url).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Presses an act on the record and waits for its answer.
    pub(super) async fn press(&self, newcomer: &Newcomer, act: &str) {
        self.stage.press(&newcomer.record, act).await.unwrap();
        self.until_record(newcomer, "sync_action", "none").await;
        self.rest().await;
    }

    /// Calls the activation off as an operator's tool would, through the inbox.
    pub(super) async fn call_off(&self, newcomer: &Newcomer) -> Item {
        let service = self.stage.service();
        let command = Command::CancelOrdered { reason: "the customer has thought better of it".to_owned() };
        let item = NewItem {
            saga: self.saga(newcomer).await.id,
            saga_kind: SubscriptionActivation::NAME.to_owned(),
            kind: "operator.command".to_owned(),
            principal: "operator:test".to_owned(),
            body: Body::Saga { command: serde_json::to_value(command).unwrap() }.text(),
            waiting_key: None,
            idempotency_key: None,
        };
        let item = offer_item(self.stage.pool(), service.store.node.shard_count(), &item, &[]).await.unwrap();
        service.engine.wake();
        await_item(self.stage.pool(), item, Duration::from_secs(10)).await.unwrap()
    }

    /// An act of a person at a vendor's console.
    pub(super) async fn act(&self, act: Value) -> Value {
        self.stage.sandbox.staff(&act).await.unwrap()
    }

    /// How often an operation of a vendor was called so far.
    pub(super) async fn calls(&self, vendor: &str, operation: &str) -> u64 {
        self.books().await["calls"][vendor][operation].as_u64().unwrap_or(0)
    }

    pub(super) async fn until_called(&self, vendor: &str, operation: &str) {
        self.until_called_again(vendor, operation, 0).await;
    }

    /// As above, after so many calls before.
    pub(super) async fn until_called_again(&self, vendor: &str, operation: &str, before: u64) {
        let called = async || Ok(self.calls(vendor, operation).await > before);
        self.stage.until(&format!("{vendor} to be asked for {operation}"), called).await.unwrap();
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

    /// The activations of a record, the last started first.
    pub(super) async fn sagas(&self, newcomer: &Newcomer) -> Vec<SagaLine> {
        let filter = SagaFilter {
            kind: Some(SubscriptionActivation::NAME.to_owned()),
            reference: Some(newcomer.record.clone()),
            ..SagaFilter::default()
        };
        query::sagas(self.stage.pool(), &filter, None, 10).await.unwrap()
    }

    /// The activation of a record; the last started where there are several.
    pub(super) async fn saga(&self, newcomer: &Newcomer) -> SagaLine {
        let found = self.sagas(newcomer).await;
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

    /// What each account holds, debits less credits; those that hold nothing are left out.
    async fn accounts(&self) -> BTreeMap<u16, i64> {
        let mut held = BTreeMap::<u16, i64>::new();
        for balance in ledger::trial_balance(self.stage.pool(), None).await.unwrap() {
            *held.entry(balance.account).or_default() += balance.net_minor();
        }
        held.retain(|_, minor| *minor != 0);
        held
    }

    /// Nothing is held, taken, subscribed or owed, and every account is zero.
    pub(super) async fn is_undone(&self) {
        self.rest().await;
        assert_eq!(self.live().await, Vec::<Value>::new());
        assert_eq!(self.live_subscriptions().await, Vec::<Value>::new());
        self.owes_nothing().await;
        assert_eq!(self.accounts().await, BTreeMap::new(), "accounts that are not zero");
        self.is_sound().await;
    }

    /// Exactly these amounts were taken, each once; nothing is owed, held or waits to be placed.
    pub(super) async fn is_collected(&self, amounts: &[i64]) {
        self.rest().await;
        let mut taken: Vec<i64> = self.live().await.iter().map(|t| t["amount_minor"].as_i64().unwrap()).collect();
        taken.sort_unstable();
        assert_eq!(taken, amounts);
        self.owes_nothing().await;
        let accounts = self.accounts().await;
        let of = |numbers: &[u16]| numbers.iter().filter_map(|n| accounts.get(n)).sum::<i64>();
        assert_eq!(
            of(&[PROCESSOR_SUBMITTED, PROCESSOR_SETTLED, IN_TRANSIT]),
            amounts.iter().sum::<i64>(),
            "{accounts:?}"
        );
        for clear in [RECEIVABLES, UNAPPLIED_CASH, AUTHORISATIONS, AUTHORISATIONS_CONTRA] {
            assert_eq!(accounts.get(&clear), None, "account {clear}: {accounts:?}");
        }
        self.is_sound().await;
    }

    async fn owes_nothing(&self) {
        let books = self.books().await;
        for invoice in books["zoho"]["invoices"].as_array().unwrap() {
            assert_eq!(invoice["balance"], 0, "{invoice}");
        }
        let claims: Vec<(String, String)> = sqlx::query_as(
            "select c.kind, c.key from claim c join saga s on s.id = c.saga
             where s.ended is not null and (c.kind <> 'account_plan_family' or s.ended <> 'completed')",
        )
        .fetch_all(self.stage.pool())
        .await
        .unwrap();
        assert_eq!(claims, Vec::new(), "claims of what is over");
        let inputs: i64 =
            sqlx::query_scalar("select count(*) from secret_input").fetch_one(self.stage.pool()).await.unwrap();
        assert_eq!(inputs, 0, "card data that nobody needs any more");
    }

    /// The books agree with ours, the log is whole, and what was said to the vendors and by them is as they publish it.
    pub(super) async fn is_sound(&self) {
        let compared = self.stage.compare().await.unwrap();
        assert_eq!(compared.differences(), 0, "{}", compared.table());
        crate::proof::invariants::hold(self.stage.pool()).await;
        published::hold(&self.stage.sandbox.exchanges().await.unwrap());
    }
}

/// A fault on one operation of a vendor.
pub(super) fn fault(vendor: &str, operation: &str, kind: &str) -> Value {
    json!({"vendor": vendor, "operation": operation, "kind": kind, "times": 1})
}
