//! From a settled sale to the bank.

use crate::outside::Outside;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::{Customer, StageOptions, Wish};
use attio_billing::store::ledger::trial_balance;
use attio_billing::store::payouts::positions;
use attio_billing::store::query::SagaLine;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use iso_currency::Currency;
use reqwest::{Method, StatusCode};
use sagas::disbursement::Disbursement;
use serde_json::{Value, json};

const PRICE: i64 = 4_900;

struct Play {
    out: Outside,
    finance: String,
}

/// A Tuesday, early: what is sold then settles and is paid out at the same hour of the next two days.
fn morning() -> DateTime<Utc> {
    let tuesday = NaiveDate::from_ymd_opt(2026, 6, 9).unwrap();
    tuesday.and_time(NaiveTime::from_hms_opt(6, 0, 0).unwrap()).and_utc()
}

impl Play {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut StageOptions)) -> Self {
        let out = Outside::with(|options| {
            options.from = Some(morning());
            options.call_seconds = 1;
            change(options);
        })
        .await;
        let finance = out.token_of("fay", Holder::Person, Role::Finance).await;
        Self { out, finance }
    }

    /// A customer whose first invoice is paid and recorded.
    async fn customer(&self, name: &str) -> Customer {
        let customer = self.out.stage.new_customer(&Wish::new(name, PRICE)).await.unwrap();
        let saga = self.out.stage.saga_of(&customer.first_invoice);
        self.out.stage.until_saga(saga, "AwaitSettlement", |s| s.state == "AwaitSettlement").await.unwrap();
        self.out.stage.rest().await.unwrap();
        customer
    }

    async fn act(&self, act: &str, more: Value) {
        let mut act = json!({"vendor": "braintree", "act": act});
        act.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.out.stage.sandbox.staff(&act).await.unwrap();
        self.out.stage.rest().await.unwrap();
    }

    async fn advance(&self, by: &str) {
        self.out.stage.sandbox.advance(by).await.unwrap();
        self.out.stage.rest().await.unwrap();
    }

    async fn books(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()["braintree"].clone()
    }

    /// The sale of an invoice.
    async fn sale(&self, customer: &Customer) -> String {
        let books = self.books().await;
        let of = |t: &&Value| {
            t["order_id"].as_str().is_some_and(|order| order.contains(&format!(".inv.{}.", customer.first_invoice)))
        };
        books["transactions"].as_array().unwrap().iter().find(of).expect("charged")["id"].as_str().unwrap().to_owned()
    }

    /// Time passes until the sale is settled here, and then until it is paid out there.
    async fn settled(&self, customer: &Customer) {
        self.advance("P1D").await;
        self.advance("PT2H").await;
        let saga = self.out.stage.saga_of(&customer.first_invoice);
        self.out.stage.until_saga(saga, "Settled", |s| s.state == "Settled").await.unwrap();
    }

    /// The payout of that day, once it is in one of these states.
    async fn payout(&self, day: &str, states: &[&str]) -> SagaLine {
        let account = self.account();
        let saga = Disbursement::id(&account, day.parse().unwrap());
        let what = states.join(" or ");
        self.out.stage.until_saga(saga, &what, |s| states.contains(&&*s.state)).await.unwrap()
    }

    fn account(&self) -> String {
        self.out.stage.config().vendors.braintree.merchant_accounts["EUR"].clone()
    }

    /// What stands on these accounts.
    async fn stands(&self, accounts: [u16; 4]) -> [i64; 4] {
        let all = trial_balance(self.out.stage.pool(), None).await.unwrap();
        accounts.map(|account| {
            all.iter().filter(|of| of.account == account).map(attio_billing::store::ledger::Balance::net_minor).sum()
        })
    }

    /// Codes and keys of what leg R4 finds.
    async fn found(&self) -> Vec<(String, String)> {
        let request =
            self.out.api_as(&self.finance, Method::POST, "/reconciliation/runs").json(&json!({"legs": ["R4"]}));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let id = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
        let path = format!("/reconciliation/runs/{id}");
        let ended = async || Ok(self.out.get::<Value>(&path).await["state"] != "running");
        self.out.stage.until("the comparison to end", ended).await.unwrap();
        let report: Value = self.out.get(&format!("{path}/report")).await;
        let all = report["findings"].as_array().unwrap();
        let text = |of: &Value| of.as_str().unwrap().to_owned();
        all.iter().map(|found| (text(&found["code"]), text(&found["key"]))).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_what_is_paid_out_and_announced_is_booked_once_and_explained() {
    let play = Play::new().await;
    let ada = play.customer("Paid Out").await;
    play.settled(&ada).await;
    assert_eq!(play.stands([1110, 1120, 1020, 1900]).await, [0, PRICE, 0, 0]);
    play.advance("P1D").await;
    let line = play.payout("2026-06-11", &["Explained"]).await;
    assert_eq!(line.amount.unwrap().minor, PRICE);
    assert_eq!(play.stands([1110, 1120, 1020, 1900]).await, [0, 0, PRICE, 0]);
    let books = play.books().await;
    let [payout] = books["payouts"].as_array().unwrap().as_slice() else { panic!("{books:#}") };
    assert_eq!(
        (payout["amount_minor"].as_i64(), &payout["transactions"]),
        (Some(PRICE), &json!([play.sale(&ada).await]))
    );
    // What it is looked at later changes nothing.
    play.advance("P4D").await;
    assert_eq!(play.stands([1110, 1120, 1020, 1900]).await, [0, 0, PRICE, 0]);
    assert_eq!(play.found().await, []);
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_a_payout_of_which_nobody_told_is_found_by_the_days_own_look() {
    let play = Play::with(|options| options.poll_seconds = 1).await;
    let first = play.customer("Told").await;
    play.settled(&first).await;
    play.advance("P1D").await;
    play.payout("2026-06-11", &["Explained"]).await;
    // From now on nothing is told.
    play.act("set_payout_notices", json!({"on": false})).await;
    let second = play.customer("Untold").await;
    play.settled(&second).await;
    play.advance("P1D").await;
    let sale = play.sale(&second).await;
    let books = play.books().await;
    let payouts = books["payouts"].as_array().unwrap();
    let of = |payout: &&Value| payout["transactions"] == json!([sale]);
    let day = payouts.iter().find(of).expect("paid out")["day"].as_str().unwrap().to_owned();
    play.advance("P1D").await;
    play.payout(&day, &["Watched"]).await;
    let stands = positions(play.out.stage.pool(), &[sale], Currency::EUR).await.unwrap();
    assert_eq!((stands[0].in_transit, stands[0].settled), (PRICE, 0), "rebuilt from the search");
    for _ in 0..4 {
        play.advance("P1D").await;
    }
    let line = play.payout(&day, &["Unannounced"]).await;
    assert_eq!(play.found().await, [("D18".to_owned(), line.id.to_string())]);
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e11_what_is_kept_of_a_payout_stands_in_suspense_and_is_told() {
    let play = Play::new().await;
    play.act("set_payout_fee", json!({"minor": 59})).await;
    let ada = play.customer("With Fee").await;
    play.settled(&ada).await;
    play.advance("P1D").await;
    play.payout("2026-06-11", &["Watched"]).await;
    for _ in 0..5 {
        play.advance("P1D").await;
    }
    let line = play.payout("2026-06-11", &["Differs"]).await;
    assert_eq!(line.amount.unwrap().minor, PRICE - 59);
    assert_eq!(play.stands([1110, 1120, 1020, 1900]).await, [0, 0, PRICE - 59, 59]);
    assert_eq!(play.found().await, [("D17".to_owned(), line.id.to_string())]);
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e12_what_is_held_is_held_and_what_is_released_is_paid_out_on_another_day() {
    let play = Play::new().await;
    let (held, paid) = (play.customer("Held").await, play.customer("Paid").await);
    let sale = play.sale(&held).await;
    play.act("hold_funds", json!({"id": sale})).await;
    play.settled(&held).await;
    play.settled(&paid).await;
    play.advance("P1D").await;
    let line = play.payout("2026-06-11", &["Held"]).await;
    assert_eq!(play.stands([1120, 1140, 1020, 1900]).await, [0, PRICE, PRICE, 0]);
    assert_eq!(play.found().await, [("D20".to_owned(), line.id.to_string())]);
    play.act("release_funds", json!({"id": sale})).await;
    let day = play.out.stage.clock().now().date_naive().to_string();
    play.payout(&day, &["Explained"]).await;
    for _ in 0..2 {
        play.advance("P1D").await;
    }
    play.payout("2026-06-11", &["Explained"]).await;
    assert_eq!(play.stands([1120, 1140, 1020, 1900]).await, [0, 0, 2 * PRICE, 0]);
    assert_eq!(play.found().await, []);
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e12_a_payout_that_the_bank_sends_back_is_returned_and_paid_out_when_it_takes_it() {
    let play = Play::new().await;
    let ada = play.customer("Sent Back").await;
    play.settled(&ada).await;
    play.advance("P1D").await;
    play.payout("2026-06-11", &["Explained"]).await;
    let sale = play.sale(&ada).await;
    play.act("fail_disbursement", json!({"id": sale})).await;
    let line = play.payout("2026-06-11", &["Returned"]).await;
    assert_eq!(play.stands([1110, 1120, 1020, 1900]).await, [0, PRICE, 0, 0]);
    assert_eq!(play.found().await, [("D20".to_owned(), line.id.to_string())]);
    play.act("retry_disbursement", json!({"id": sale})).await;
    play.payout("2026-06-11", &["Explained"]).await;
    assert_eq!(play.stands([1110, 1120, 1020, 1900]).await, [0, 0, PRICE, 0]);
    assert_eq!(play.found().await, []);
    play.out.end().await;
}
