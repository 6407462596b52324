//! A stage with customers whose subscription is active, and questions to their mailbox and the vendors' books.

use crate::postgres::{TestDatabase, database};
use crate::published;
use crate::staging::at_noon;
use attio_billing::demo::{Newcomer, SignUp, Stage};
use attio_billing::store::query;
use chrono::{DateTime, Utc};
use sagas::kernel::ids::SagaId;
use sagas::notice::Notices;
use serde_json::{Value, json};

/// A card that is accepted.
const GOOD: &str = "fake-valid-nonce";

pub(super) struct Play {
    pub(super) stage: Stage,
    _database: TestDatabase,
}

/// A customer with an active subscription and a card on file.
pub(super) struct Sold {
    pub(super) newcomer: Newcomer,
    /// Zoho subscription id.
    pub(super) zoho: String,
}

/// A mail as the customer reads it.
pub(super) struct Letter {
    pub(super) subject: String,
    pub(super) text: String,
}

impl Letter {
    /// The address of the page that it leads to.
    pub(super) fn link(&self) -> &str {
        let found = self.text.split_whitespace().find(|word| word.starts_with("http"));
        found.unwrap_or_else(|| panic!("no link in {}", self.text))
    }
}

impl Play {
    pub(super) async fn new() -> Self {
        let database = database().await;
        let mut options = at_noon(&database);
        options.call_seconds = 1;
        options.poll_seconds = 1;
        Self { stage: Stage::start(&options).await.unwrap(), _database: database }
    }

    /// A company that buys that plan, whose stream of notices has begun.
    pub(super) async fn sold(&self, name: &str, plan: &str) -> Sold {
        let newcomer = self.stage.newcomer(&SignUp::new(name, plan)).await.unwrap();
        self.stage.press(&newcomer.record, "Start").await.unwrap();
        let url = self.stage.checkout_url(&newcomer.record).await.unwrap();
        self.stage.pay(&url, GOOD).await.unwrap();
        self.until_record(&newcomer, "subscription_status", "Active").await;
        let zoho = self.record(&newcomer, "zoho_subscription_id").await;
        // The next sweep is due within the hour.
        self.stage.sandbox.advance("PT61M").await.unwrap();
        let sold = Sold { newcomer, zoho };
        self.until_state(&sold, "Watching").await;
        sold
    }

    pub(super) fn saga(&self, sold: &Sold) -> SagaId {
        Notices::id(&self.stage.config().vendors.zoho.organization_id, &sold.zoho)
    }

    pub(super) async fn until_state(&self, sold: &Sold, state: &str) {
        let saga = self.saga(sold);
        let found = self.stage.until_saga(saga, state, |line| line.state == state).await;
        assert!(found.is_ok(), "not {state}:\n{}", self.history(saga).await);
    }

    /// The history in short, for a failed assertion.
    pub(super) async fn history(&self, saga: SagaId) -> String {
        let Some((line, events)) = query::saga(self.stage.pool(), saga).await.unwrap() else {
            return "nothing".to_owned();
        };
        let short = |payload: &str| payload.chars().take(300).collect::<String>();
        let told = events.iter().map(|e| format!("{} {}", e.name, short(&e.payload)));
        format!("{} {:?}\n{}", line.state, line.parked, told.collect::<Vec<_>>().join("\n"))
    }

    /// Moves everybody's time to that instant.
    pub(super) async fn until_time(&self, instant: &str) {
        let to: DateTime<Utc> = instant.parse().unwrap();
        let by = to - self.stage.clock().now();
        self.stage.sandbox.advance(&format!("PT{}S", by.num_seconds())).await.unwrap();
        self.stage.rest().await.unwrap();
    }

    pub(super) async fn act(&self, act: Value) -> Value {
        self.stage.sandbox.staff(&act).await.unwrap()
    }

    pub(super) async fn books(&self) -> Value {
        self.stage.sandbox.books().await.unwrap()
    }

    /// Mails whose subject says that, oldest first.
    pub(super) async fn letters(&self, says: &str) -> Vec<Letter> {
        let url = self.stage.description["mail"]["mailbox_url"].as_str().unwrap().to_owned();
        let mails: Value = reqwest::get(format!("{url}.json")).await.unwrap().json().await.unwrap();
        let text = |mail: &Value, field: &str| mail[field].as_str().unwrap_or_default().to_owned();
        let all = mails.as_array().unwrap().iter();
        let all = all.map(|mail| Letter { subject: text(mail, "subject"), text: text(mail, "text") });
        all.filter(|letter| letter.subject.contains(says)).collect()
    }

    /// The one mail whose subject says that, once it came.
    pub(super) async fn letter(&self, says: &str, about: SagaId) -> Letter {
        let came = async || Ok(!self.letters(says).await.is_empty());
        let found = self.stage.until(says, came).await;
        assert!(found.is_ok(), "no letter says `{says}`:\n{}", self.history(about).await);
        let mut letters = self.letters(says).await;
        assert_eq!(letters.len(), 1, "more than one letter says `{says}`");
        letters.remove(0)
    }

    /// The page as a browser gets it: status and text.
    pub(super) async fn page(&self, url: &str) -> (u16, String) {
        let answer = reqwest::get(url).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// The customer presses the one button of a page.
    pub(super) async fn press(&self, url: &str) -> (u16, String) {
        let answer = reqwest::Client::new().post(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// A subscription in Zoho's books.
    pub(super) async fn subscription(&self, sold: &Sold) -> Value {
        let books = self.books().await;
        let all = books["zoho"]["subscriptions"].as_array().unwrap();
        all.iter().find(|row| row["subscription_id"] == sold.zoho.as_str()).unwrap().clone()
    }

    /// The newest invoice in Zoho's books: its id and what is owed on it.
    pub(super) async fn newest_invoice(&self) -> (String, i64) {
        let books = self.books().await;
        let all = books["zoho"]["invoices"].as_array().unwrap().iter();
        let newest = all.max_by_key(|row| row["invoice_id"].as_str().and_then(|id| id.parse::<u64>().ok())).unwrap();
        (newest["invoice_id"].as_str().unwrap().to_owned(), newest["balance"].as_i64().unwrap())
    }

    pub(super) async fn until_stream(&self, invoice: &str, state: &str) {
        let saga = self.stage.saga_of(invoice);
        let found = self.stage.until_saga(saga, state, |line| line.state == state).await;
        assert!(found.is_ok(), "not {state}:\n{}", self.history(saga).await);
    }

    pub(super) async fn record(&self, newcomer: &Newcomer, attribute: &str) -> String {
        let values = self.stage.subscription_record(&newcomer.record).await.unwrap();
        values[attribute].as_str().unwrap_or_default().to_owned()
    }

    pub(super) async fn until_record(&self, newcomer: &Newcomer, attribute: &str, wanted: &str) {
        let shown = async || Ok(self.record(newcomer, attribute).await.contains(wanted));
        if self.stage.until(&format!("{attribute} to say {wanted}"), shown).await.is_err() {
            let values = self.stage.subscription_record(&newcomer.record).await.unwrap();
            panic!("{attribute} does not say `{wanted}`: {values:#}");
        }
    }

    /// How the bank answers charges of the customer's card from now on.
    pub(super) async fn card_declines(&self, sold: &Sold, code: Option<&str>) {
        let customer = self.record(&sold.newcomer, "braintree_customer_id").await;
        let books = self.books().await;
        let all = books["braintree"]["payment_methods"].as_array().unwrap();
        let card = all.iter().find(|card| card["customer_id"] == customer.as_str()).unwrap();
        let act = json!({"vendor": "braintree", "act": "set_card_behaviour", "token": card["token"],
            "decline_code": code});
        self.act(act).await;
    }

    /// The books agree with ours, the log is whole, and what was said is as the vendors publish it.
    pub(super) async fn is_sound(&self) {
        self.stage.rest().await.unwrap();
        let compared = self.stage.compare().await.unwrap();
        assert_eq!(compared.differences(), 0, "{}", compared.table());
        crate::proof::invariants::hold(self.stage.pool()).await;
        published::hold(&self.stage.sandbox.exchanges().await.unwrap());
    }
}
