//! The Braintree connector against the simulated gateway over HTTP: what its own tests cannot see, because there the
//! gateway's answers are scripted.

use attio_billing::connectors::braintree::{AtMostOnceKeys, Braintree, Config};
use attio_billing::connectors::http::Http;
use attio_billing::port::{Beside, Call, Person};
use chrono::TimeDelta;
use iso_currency::Currency;
use reqwest::{Method, Url};
use sagas::kernel::answer::{Answer, Transaction, TransactionStatus};
use sagas::kernel::effect::{Braintree as Act, Effect, PayWith, Presence};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{DeclineKind, Look, Outcome, RejectionKind};
use sandbox::faults::{Fault, Kind, Vendor};
use sandbox::{World, braintree, server};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use uuid::Uuid;

pub(crate) struct Stage {
    pub(crate) world: Arc<World>,
    pub(crate) connector: Braintree,
    /// The gateway's root.
    pub(crate) base_url: Url,
}

impl Stage {
    /// A gateway with the customer `c-1`.
    pub(crate) async fn open() -> Self {
        Self::with(AtMostOnceKeys::Off).await
    }

    pub(crate) async fn with(at_most_once: AtMostOnceKeys) -> Self {
        let world = Arc::new(World::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url: Url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(server::serve(listener, world.clone(), std::future::pending()));
        let keys = &world.credentials.braintree;
        let account = keys.merchant_accounts.iter().find(|account| account.currency == "EUR").unwrap();
        let config = Config {
            base_url: base_url.clone(),
            merchant_id: keys.merchant_id.clone(),
            public_key: keys.public_key.clone().into(),
            private_key: keys.private_key.clone().into(),
            merchant_accounts: [(Currency::EUR, account.id.clone())].into(),
            keys: at_most_once,
        };
        let stage = Self { connector: Braintree::new(config, Http::new().unwrap()), world, base_url };
        assert_eq!(stage.perform(create(), None).await.word(), "done");
        stage
    }

    pub(crate) fn call(&self, effect: Act, nonce: Option<&str>) -> Call {
        let now = self.world.clock.now();
        let person =
            Person { email: "ada@example.org".to_owned(), company: Some("A & B".to_owned()), ..Person::default() };
        Call {
            saga: SagaId::derived("test", &["braintree"]),
            step: "step".to_owned(),
            attempt: 1,
            effect: Effect::Braintree(effect),
            requested_at: now,
            sent_at: Some(now),
            now,
            time_limit: Duration::from_secs(5),
            beside: Beside { person: Some(person), input: nonce.map(Into::into), ..Beside::default() },
        }
    }

    pub(crate) async fn perform(&self, effect: Act, nonce: Option<&str>) -> Outcome {
        self.connector.perform(&self.call(effect.clone(), nonce), &effect).await.outcome
    }

    pub(crate) async fn look(&self, effect: Act) -> Look {
        self.connector.look(&self.call(effect.clone(), None), &effect).await
    }

    /// A hold on a new card, vaulted as `m-1`.
    async fn hold(&self) -> Transaction {
        transaction(self.perform(hold("o-1", "m-1", 5900), Some(&self.nonce())).await)
    }

    pub(crate) fn staff(&self, act: &Value) -> Value {
        braintree::staff(&self.world, act).unwrap()
    }

    fn nonce(&self) -> String {
        self.staff(&json!({"act": "make_nonce"}))["nonce"].as_str().unwrap().to_owned()
    }

    /// The answer of the next such operation is lost after its effect.
    pub(crate) fn lose_answer(&self, operation: &str) {
        self.order(operation, Kind::ResetAfter, Some(1));
    }

    /// So many times this goes wrong with the operation; without a number, until the faults are cleared.
    pub(crate) fn order(&self, operation: &str, kind: Kind, times: Option<u32>) {
        let (vendor, operation) = (Vendor::Braintree, operation.to_owned());
        self.world.faults.order(Fault { vendor, operation, kind, skip: 0, times, contains: None });
    }

    /// What the gateway answers to a call that the connector has no need of.
    pub(crate) async fn raw(&self, method: Method, path: &str, body: Option<Value>) -> String {
        let keys = &self.world.credentials.braintree;
        let url = self.base_url.join(&format!("merchants/{}/{path}", keys.merchant_id)).unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let call = client.request(method, url).basic_auth(&keys.public_key, Some(&keys.private_key));
        let call = if let Some(body) = body { call.json(&body) } else { call };
        let answer = call.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }

    /// A card of the customer.
    pub(crate) fn card(&self, token: &str) {
        self.staff(&json!({"act": "vault_customer", "customer_id": "c-1", "token": token, "card": "visa"}));
    }

    /// The id of a sale that was charged to the card `m-1` and has settled.
    pub(crate) async fn settled_sale(&self, order_id: &str, minor: i64) -> String {
        let sale = transaction(self.perform(sell(order_id, minor), None).await).id;
        self.staff(&json!({"act": "settle_now", "id": sale}));
        sale
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.world.clock.advance(by);
        braintree::tick(&self.world, self.world.clock.now());
    }
}

fn create() -> Act {
    Act::CreateCustomer { customer: "c-1".to_owned(), person: "1".to_owned() }
}

fn hold(order_id: &str, token: &str, minor: i64) -> Act {
    Act::Authorise {
        order_id: order_id.to_owned(),
        customer: "c-1".to_owned(),
        with: PayWith::New { token: token.to_owned(), input: Uuid::nil(), authenticated: false },
        amount: Money::new(minor, Currency::EUR),
        presence: Presence::First,
    }
}

/// A charge of the card `m-1`.
pub(crate) fn sell(order_id: &str, minor: i64) -> Act {
    Act::Sell {
        order_id: order_id.to_owned(),
        customer: "c-1".to_owned(),
        token: "m-1".to_owned(),
        amount: Money::new(minor, Currency::EUR),
        recurring: true,
        details: None,
    }
}

fn vault(token: &str) -> Act {
    Act::Vault { customer: "c-1".to_owned(), token: token.to_owned(), input: Uuid::nil() }
}

fn submit(transaction: &str, minor: i64) -> Act {
    Act::Submit { transaction: transaction.to_owned(), amount: Money::new(minor, Currency::EUR) }
}

fn void(transaction: &str) -> Act {
    Act::Void { transaction: transaction.to_owned() }
}

fn drop_method(token: &str) -> Act {
    Act::DeleteMethod { token: token.to_owned() }
}

pub(crate) fn transaction(outcome: Outcome) -> Transaction {
    let Outcome::Done { answer: Answer::Transaction(transaction) } = outcome else { panic!("not done: {outcome:?}") };
    *transaction
}

pub(crate) fn found(look: Look) -> Outcome {
    let Look::Found { outcome, .. } = look else { panic!("not found: {look:?}") };
    *outcome
}

pub(crate) fn is_absent(look: &Look) -> bool {
    matches!(look, Look::Absent { .. })
}

pub(crate) fn rejection(outcome: Outcome) -> (RejectionKind, String) {
    let Outcome::Rejected { rejection } = outcome else { panic!("not rejected: {outcome:?}") };
    (rejection.kind, rejection.code)
}

#[tokio::test]
async fn a_customer_is_created_once_however_often_it_is_asked_for() {
    let stage = Stage::open().await;
    assert_eq!(stage.perform(create(), None).await.word(), "done");
    assert_eq!(found(stage.look(create()).await).word(), "done");
    let other = Act::CreateCustomer { customer: "c-2".to_owned(), person: "2".to_owned() };
    assert!(is_absent(&stage.look(other.clone()).await));
    stage.lose_answer("customer.create");
    assert_eq!(stage.perform(other.clone(), None).await.word(), "unknown");
    assert_eq!(found(stage.look(other).await).word(), "done");
}

#[tokio::test]
async fn a_hold_vaults_the_card_and_less_than_was_held_is_captured() {
    let stage = Stage::open().await;
    let held = stage.hold().await;
    assert_eq!((&held.status, held.token.as_deref()), (&TransactionStatus::Authorized, Some("m-1")));
    assert!(held.hold_expires_at.is_some() && held.card.is_some());
    assert!(is_absent(&stage.look(submit(&held.id, 4900)).await));
    stage.lose_answer("transaction.submit_for_settlement");
    assert_eq!(stage.perform(submit(&held.id, 4900), None).await.word(), "unknown");
    for outcome in [found(stage.look(submit(&held.id, 4900)).await), stage.perform(submit(&held.id, 4900), None).await]
    {
        let captured = transaction(outcome);
        assert_eq!((captured.amount.minor, captured.held.map(|held| held.minor)), (4900, Some(5900)));
        assert_eq!(captured.order_id, "o-1");
    }
    let other = stage.perform(submit(&held.id, 4800), None).await;
    assert_eq!(rejection(other), (RejectionKind::Mismatch, "amount".to_owned()));
    stage.advance(TimeDelta::days(3));
    let late = stage.perform(void(&held.id), None).await;
    assert_eq!(rejection(late), (RejectionKind::State, "settled".to_owned()));
}

#[tokio::test]
async fn a_hold_whose_answer_was_lost_is_found_and_never_made_twice() {
    let stage = Stage::open().await;
    let nonce = stage.nonce();
    stage.lose_answer("transaction.sale");
    assert_eq!(stage.perform(hold("o-1", "m-1", 5900), Some(&nonce)).await.word(), "unknown");
    assert_eq!(stage.perform(hold("o-1", "m-1", 5900), Some(&nonce)).await.word(), "unknown");
    let held = transaction(found(stage.look(hold("o-1", "m-1", 5900)).await));
    assert_eq!((held.order_id.as_str(), held.token.as_deref()), ("o-1", Some("m-1")));
    let unknown_nonce = stage.perform(hold("o-2", "m-2", 5900), Some("tokencc_bh_nothing")).await;
    assert_eq!(rejection(unknown_nonce), (RejectionKind::Invalid, "91565".to_owned()));
    assert!(is_absent(&stage.look(hold("o-2", "m-2", 5900)).await));
}

#[tokio::test]
async fn a_declined_hold_vaults_nothing() {
    let stage = Stage::open().await;
    let Outcome::Declined { decline } = stage.perform(hold("o-1", "m-1", 200_000), Some(&stage.nonce())).await else {
        panic!("not declined")
    };
    assert_eq!((decline.kind, decline.code.as_str()), (DeclineKind::Processor, "2000"));
    assert!(is_absent(&stage.look(vault("m-1")).await));
    let fraud = stage.perform(hold("o-2", "m-1", 1000), Some("fake-gateway-rejected-fraud-nonce")).await;
    let Outcome::Declined { decline } = fraud else { panic!("not declined: {fraud:?}") };
    assert_eq!((decline.kind, decline.code.as_str()), (DeclineKind::Gateway, "fraud"));
}

#[tokio::test]
async fn a_voided_hold_stays_void_and_takes_no_capture() {
    let stage = Stage::open().await;
    let held = stage.hold().await;
    for _ in 0..2 {
        assert_eq!(transaction(stage.perform(void(&held.id), None).await).status, TransactionStatus::Voided);
    }
    assert_eq!(found(stage.look(void(&held.id)).await).word(), "done");
    let refused = stage.perform(submit(&held.id, 5900), None).await;
    assert_eq!(rejection(refused), (RejectionKind::State, "voided".to_owned()));
}

#[tokio::test]
async fn a_final_authorisation_takes_its_whole_amount_only() {
    let stage = Stage::open().await;
    let held = stage.hold().await;
    stage.staff(&json!({"act": "set_final_auth", "on": true}));
    let refused = stage.perform(submit(&held.id, 4900), None).await;
    assert_eq!(rejection(refused), (RejectionKind::State, "95601".to_owned()));
    assert_eq!(stage.perform(submit(&held.id, 5900), None).await.word(), "done");
}

#[tokio::test]
async fn a_card_is_vaulted_once_under_its_token_and_only_if_it_is_verified() {
    let stage = Stage::open().await;
    let nonce = stage.nonce();
    stage.lose_answer("payment_method.create");
    assert_eq!(stage.perform(vault("m-1"), Some(&nonce)).await.word(), "unknown");
    for outcome in [found(stage.look(vault("m-1")).await), stage.perform(vault("m-1"), Some(&nonce)).await] {
        let Outcome::Done { answer: Answer::Vaulted(method) } = outcome else { panic!("not vaulted: {outcome:?}") };
        assert_eq!((method.token.as_str(), method.default), ("m-1", true));
    }
    let used = stage.perform(vault("m-2"), Some(&nonce)).await;
    assert_eq!(rejection(used), (RejectionKind::Invalid, "93107".to_owned()));
    let refused = stage.perform(vault("m-2"), Some("fake-processor-declined-visa-nonce")).await;
    let Outcome::Declined { decline } = refused else { panic!("not declined: {refused:?}") };
    assert_eq!((decline.kind, decline.code.as_str()), (DeclineKind::Verification, "2000"));
    assert!(is_absent(&stage.look(vault("m-2")).await));
}

#[tokio::test]
async fn a_card_goes_only_after_its_hold_and_a_customer_only_after_its_money() {
    let stage = Stage::open().await;
    let held = stage.hold().await;
    let customer = Act::DeleteCustomer { customer: "c-1".to_owned() };
    for act in [drop_method("m-1"), customer.clone()] {
        let refused = stage.perform(act.clone(), None).await;
        assert_eq!(rejection(refused), (RejectionKind::State, "in_use".to_owned()));
        assert!(is_absent(&stage.look(act).await));
    }
    assert_eq!(stage.perform(void(&held.id), None).await.word(), "done");
    stage.lose_answer("payment_method.delete");
    assert_eq!(stage.perform(drop_method("m-1"), None).await.word(), "unknown");
    for act in [drop_method("m-1"), customer] {
        assert_eq!(stage.perform(act.clone(), None).await.word(), "done");
        assert_eq!(found(stage.look(act.clone()).await).word(), "done");
        assert_eq!(stage.perform(act, None).await.word(), "done");
    }
}

#[tokio::test]
async fn a_page_gets_a_client_token_for_the_account_of_its_currency() {
    let stage = Stage::open().await;
    let limit = Duration::from_secs(5);
    assert!(stage.connector.client_token(Currency::EUR, limit).await.is_ok());
    let refused = stage.connector.client_token(Currency::JPY, limit).await.unwrap_err();
    assert!(refused.contains("JPY"), "{refused}");
    let refused = stage.connector.card_nonce("m-9", limit).await.unwrap_err();
    assert!(refused.contains("no nonce of the card"), "{refused}");
}
