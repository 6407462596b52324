//! A stage with customers whose subscription is active, on which another card is asked for and given.

use crate::postgres::{TestDatabase, database};
use crate::published;
use crate::staging::at_noon;
use attio_billing::checkout::CONSENT_VERSION;
use attio_billing::demo::{Newcomer, Shown, SignUp, Stage};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use sagas::kernel::saga::Saga;
use sagas::payment_method_update::PaymentMethodUpdate;
use serde_json::{Value, json};

pub(super) const ACT: &str = "Send card link";

/// A card that is accepted, and whose last four digits are not those of the first one.
pub(super) const MASTERCARD: &str = "fake-valid-mastercard-nonce";

pub(super) struct Play {
    pub(super) stage: Stage,
    _database: TestDatabase,
}

/// A customer with an active subscription, paid with a Visa that is on file since.
pub(super) struct Customer {
    pub(super) newcomer: Newcomer,
    /// Braintree customer id.
    pub(super) braintree: String,
    /// The token of the card that is on file.
    pub(super) card: String,
}

impl Play {
    pub(super) async fn new() -> Self {
        let database = database().await;
        let mut options = at_noon(&database);
        options.call_seconds = 1;
        Self { stage: Stage::start(&options).await.unwrap(), _database: database }
    }

    pub(super) async fn customer(&self, name: &str) -> Customer {
        let newcomer = self.stage.newcomer(&SignUp::new(name, self.stage.plan())).await.unwrap();
        self.stage.press(&newcomer.record, "Start").await.unwrap();
        let url = self.stage.checkout_url(&newcomer.record).await.unwrap();
        assert_eq!(self.stage.pay(&url, "fake-valid-nonce").await.unwrap().stage, "paid");
        self.until_record(&newcomer, "subscription_status", "Active").await;
        self.rest().await;
        let braintree = self.record(&newcomer, "braintree_customer_id").await;
        let cards = self.cards_of(&braintree).await;
        assert_eq!(cards.len(), 1, "{cards:?}");
        Customer { newcomer, card: cards[0]["token"].as_str().unwrap().to_owned(), braintree }
    }

    /// Presses the act and waits for the link that the customer gets.
    pub(super) async fn invited(&self, customer: &Customer) -> String {
        // A letter of dunning may have shown a link of its own before.
        let before = self.record(&customer.newcomer, "checkout_url").await;
        self.stage.press(&customer.newcomer.record, ACT).await.unwrap();
        let shown = async || Ok(self.record(&customer.newcomer, "checkout_url").await != before);
        self.stage.until("a link of this press", shown).await.unwrap();
        self.rest().await;
        let url = self.record(&customer.newcomer, "checkout_url").await;
        assert_eq!(self.record(&customer.newcomer, "sync_action").await, "none");
        url
    }

    /// The customer agrees to what is shown and gives a card.
    pub(super) async fn give(&self, url: &str, nonce: &str) -> Shown {
        let shown = self.stage.checkout_state(url).await.unwrap();
        self.submit(url, &shown.quote_hash, nonce).await
    }

    pub(super) async fn submit(&self, url: &str, hash: &str, nonce: &str) -> Shown {
        let body = json!({"quote_hash": hash, "consent_version": CONSENT_VERSION, "nonce": nonce});
        self.stage.submit(url, &body).await.unwrap()
    }

    /// What a card that is typed in becomes: good for one use.
    pub(super) async fn nonce(&self, card: &str) -> String {
        let made = self.act(json!({"vendor": "braintree", "act": "make_nonce", "card": card})).await;
        made["nonce"].as_str().unwrap().to_owned()
    }

    /// Zoho raises another invoice of the customer's subscription.
    pub(super) async fn renew(&self, customer: &Customer, amount: i64) -> String {
        let subscription = self.record(&customer.newcomer, "zoho_subscription_id").await;
        let act = json!({"vendor": "zoho", "act": "create_invoice", "subscription_id": subscription, "amount": amount});
        let raised = self.act(act).await;
        self.rest().await;
        raised["invoice_id"].as_str().unwrap().to_owned()
    }

    /// How the bank answers charges of a card on file from now on.
    pub(super) async fn card_declines(&self, token: &str, code: Option<&str>) {
        self.act(json!({"vendor": "braintree", "act": "set_card_behaviour", "token": token, "decline_code": code}))
            .await;
    }

    /// The page as a browser gets it: status and text.
    pub(super) async fn html(&self, url: &str) -> (u16, String) {
        let answer = reqwest::get(url).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(super) async fn act(&self, act: Value) -> Value {
        self.stage.sandbox.staff(&act).await.unwrap()
    }

    pub(super) async fn fault(&self, operation: &str, kind: &str, more: Value) {
        let mut fault = json!({"vendor": "braintree", "operation": operation, "kind": kind, "times": 1});
        fault.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.stage.sandbox.order_faults(&fault).await.unwrap();
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

    /// The cards of a customer in the vault.
    pub(super) async fn cards_of(&self, customer: &str) -> Vec<Value> {
        let books = self.books().await;
        let all = books["braintree"]["payment_methods"].as_array().unwrap().clone();
        all.into_iter().filter(|card| card["customer_id"] == customer).collect()
    }

    /// The token of the card that is charged.
    pub(super) async fn default_of(&self, customer: &Customer) -> String {
        let cards = self.cards_of(&customer.braintree).await;
        let default = cards.iter().find(|card| card["default"] == true).expect("a default card");
        default["token"].as_str().unwrap().to_owned()
    }

    pub(super) async fn invoice(&self, invoice: &str) -> Value {
        let books = self.books().await;
        let all = books["zoho"]["invoices"].as_array().unwrap();
        all.iter().find(|i| i["invoice_id"] == invoice).expect("the invoice is at Zoho").clone()
    }

    /// The charges of an invoice that were tried, oldest first: card and status.
    pub(super) async fn charges(&self, invoice: &str) -> Vec<(String, String)> {
        let ours = format!("{}.inv.{invoice}.", self.stage.prefix());
        let books = self.books().await;
        let all = books["braintree"]["transactions"].as_array().unwrap().iter();
        let of_it = all.filter(|t| t["order_id"].as_str().is_some_and(|order| order.starts_with(&ours)));
        let text = |t: &Value, field: &str| t[field].as_str().unwrap_or_default().to_owned();
        of_it.map(|t| (text(t, "token"), text(t, "status"))).collect()
    }

    /// Mails that the customers got, oldest first: their subjects.
    pub(super) async fn subjects(&self) -> Vec<String> {
        let books = self.books().await;
        let mails = books["mail"].as_array().unwrap().iter();
        mails.map(|m| m["subject"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The card updates of a record, the last started first.
    pub(super) async fn updates(&self, customer: &Customer) -> Vec<SagaLine> {
        let filter = SagaFilter {
            kind: Some(PaymentMethodUpdate::NAME.to_owned()),
            reference: Some(customer.newcomer.record.clone()),
            ..SagaFilter::default()
        };
        query::sagas(self.stage.pool(), &filter, None, 10).await.unwrap()
    }

    pub(super) async fn update(&self, customer: &Customer) -> SagaLine {
        self.updates(customer).await.into_iter().next().expect("a card update")
    }

    pub(super) async fn until_state(&self, customer: &Customer, state: &str) {
        // A letter of dunning may have begun a newer one meanwhile.
        let there = async || Ok(self.updates(customer).await.iter().any(|line| line.state == state));
        if self.stage.until(state, there).await.is_err() {
            let saga = self.update(customer).await.id;
            let (line, events) = query::saga(self.stage.pool(), saga).await.unwrap().unwrap();
            let short = |payload: &str| payload.chars().take(300).collect::<String>();
            let told: Vec<_> = events.iter().map(|e| format!("{} {}", e.name, short(&e.payload))).collect();
            panic!("not {state} but {}: {:?}\n{}", line.state, line.parked, told.join("\n"));
        }
        self.rest().await;
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
            panic!("{attribute} is not `{wanted}`: {values:#}");
        }
    }

    /// No card data is left that nobody needs, the books agree with ours, the log is whole, and what was said to the vendors
    /// and by them is as they publish it.
    pub(super) async fn is_sound(&self) {
        self.rest().await;
        let inputs: i64 =
            sqlx::query_scalar("select count(*) from secret_input").fetch_one(self.stage.pool()).await.unwrap();
        assert_eq!(inputs, 0, "card data that nobody needs any more");
        let compared = self.stage.compare().await.unwrap();
        assert_eq!(compared.differences(), 0, "{}", compared.table());
        crate::proof::invariants::hold(self.stage.pool()).await;
        published::hold(&self.stage.sandbox.exchanges().await.unwrap());
    }
}
