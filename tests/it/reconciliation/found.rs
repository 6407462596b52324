//! What follows by itself from a finding, which keys are compared all day, and what one customer's comparison sees.

use super::play::{Play, acts, adds_up, found};
use reqwest::StatusCode;
use sagas::kernel::ids::SagaId;
use sagas::refund::Refund;
use serde_json::{Value, json};

impl Play {
    /// Debits less credits of an account.
    async fn balance(&self, account: i32) -> i64 {
        let sum = "select coalesce(sum(case side when 'debit' then amount_minor else -amount_minor end), 0)::bigint
                   from journal_line where account = $1";
        sqlx::query_scalar(sum).bind(account).fetch_one(self.out.stage.pool()).await.unwrap()
    }

    /// Somebody refunds so much of the customer's settled sale in Braintree's console: the refund, and its flow here once it is found.
    async fn refunded_in_console(&self, invoice: &str, amount: &str) -> (String, SagaId) {
        let sale = self.sale(invoice).await;
        self.act(json!({"vendor": "braintree", "act": "settle_now", "id": sale})).await;
        let refund = json!({"vendor": "braintree", "act": "refund_in_console", "id": sale, "amount": amount});
        let refund = self.act(refund).await["id"].as_str().unwrap().to_owned();
        let saga = Refund::id(&sale, &format!("elsewhere:{refund}"));
        (refund, saga)
    }

    /// The flow of a refund that others made waits for finance.
    async fn waits_for_its_reason(&self, saga: SagaId) {
        let line = self.out.stage.until_saga(saga, "parked", |s| s.parked.is_some()).await.unwrap();
        assert_eq!(line.parked.unwrap().0, "MONEY_DECISION");
        self.rest().await;
    }

    async fn explain(&self, saga: SagaId, choice: &str) {
        let body = json!({"choice": choice, "reason": "a goodwill of the shop"});
        let (status, told) = self.post(&self.finance, &format!("/refunds/{saga}/decide"), &body).await;
        assert!(status.is_success(), "{status} {told}");
        self.rest().await;
    }

    async fn notes(&self) -> Vec<Value> {
        self.books().await["zoho"]["credit_notes"].as_array().unwrap().clone()
    }

    /// The runs that went on by themselves all day and have ended.
    async fn continuous(&self) -> Vec<Value> {
        let all = self.get("/reconciliation/runs").await;
        let all = all.as_array().unwrap().iter();
        all.filter(|run| run["kind"] == "continuous" && run["state"] == "done").cloned().collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_4_e14_a_refund_made_in_the_console_is_booked_and_recorded_once_finance_says_why() {
    let play = Play::new().await;
    let customer = play.customer("Goodwill").await;
    let (refund, saga) = play.refunded_in_console(&customer.first_invoice, "9.00").await;
    assert_eq!(found(&play.compare(&["R9"]).await), [], "within the hour it may be one of ours");
    play.advance("PT2H").await;
    assert_eq!(found(&play.compare(&["R9"]).await), [("D21", refund.as_str())]);
    play.waits_for_its_reason(saga).await;
    assert_eq!((play.balance(2110).await, play.balance(2120).await, play.notes().await.len()), (0, 0, 0));

    // It is in our log now, and seen again it is not booked again.
    let report = play.compare(&["R1", "R9"]).await;
    adds_up(&report);
    assert_eq!(found(&report), [], "{report:#}");
    assert_eq!(acts(&play.finding("D21").await), ["opened", "tried", "resolved"]);

    play.explain(saga, "forgive").await;
    let notes = play.notes().await;
    assert_eq!((notes.len(), notes[0]["reference_number"].as_str()), (1, Some(refund.as_str())), "{notes:#?}");
    assert_eq!((notes[0]["total"].as_i64(), notes[0]["balance"].as_i64()), (Some(900), Some(0)));
    play.act(json!({"vendor": "braintree", "act": "settle_now", "id": refund})).await;
    play.advance("PT3H").await;
    play.out.stage.until_saga(saga, "Settled", |s| s.state == "Settled").await.unwrap();
    let report = play.compare(&["R1", "R2", "R3", "R9"]).await;
    adds_up(&report);
    assert_eq!(found(&report), [], "{report:#}");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_4_e14_a_refund_made_in_the_console_that_is_owed_again_lowers_the_payment_and_is_not_charged_by_itself() {
    let play = Play::new().await;
    let customer = play.customer("Reopened").await;
    let (_, saga) = play.refunded_in_console(&customer.first_invoice, "9.00").await;
    play.advance("PT2H").await;
    play.compare(&["R9"]).await;
    play.waits_for_its_reason(saga).await;
    play.explain(saga, "reopen").await;
    play.out.stage.until_saga(saga, "AwaitSettlement", |s| s.state == "AwaitSettlement").await.unwrap();
    let stream = play.out.stage.saga_of(&customer.first_invoice);
    let held = play.out.stage.until_saga(stream, "held", |s| s.parked.is_some()).await.unwrap();
    assert_eq!(held.parked.unwrap().0, "HELD_BY_DECISION");
    assert_eq!((play.balance(1200).await, play.balance(2100).await, play.notes().await.len()), (900, 0, 0));
    play.advance("PT2H").await;
    let report = play.compare(&["R1", "R2", "R3", "R9"]).await;
    adds_up(&report);
    assert_eq!(found(&report), [], "{report:#}");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_log_speaks_of_is_compared_by_itself_once_it_was_quiet_for_a_quarter_of_an_hour() {
    let play = Play::with(|options| options.reconcile_at = Some("23:00".to_owned())).await;
    let customer = play.customer("All Day").await;
    let sale = play.sale(&customer.first_invoice).await;
    // Nobody is told that the record is gone.
    play.out.stage.sandbox.webhooks(&json!({"vendor": "zoho", "drop_next": 5})).await.unwrap();
    let payment = play.payment(&customer.first_invoice).await;
    play.act(json!({"vendor": "zoho", "act": "delete_payment", "payment_id": payment})).await;
    play.advance("PT2M").await;
    assert_eq!(play.continuous().await.len(), 0, "one side may be behind the other");
    play.advance("PT20M").await;
    play.out
        .stage
        .until("a comparison of what happened", async || Ok(!play.continuous().await.is_empty()))
        .await
        .unwrap();
    let run = play.continuous().await.pop().unwrap();
    assert_eq!((run["legs"].clone(), run["complete"].as_bool()), (json!(["R1", "R2", "R3", "R9"]), Some(true)));
    let report = play.get(&format!("/reconciliation/runs/{}/report", run["id"].as_str().unwrap())).await;
    adds_up(&report);
    assert_eq!(
        (&report["only"]["invoices"], &report["only"]["transactions"]),
        (&json!([customer.first_invoice]), &json!([sale]))
    );
    assert!(found(&report).contains(&("D05", sale.as_str())), "{report:#}");
    assert_eq!(report["calls"][1]["used"], 1, "one invoice is read, and no list");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_customer_is_compared_alone_and_what_concerns_others_stays_as_it_was() {
    let play = Play::new().await;
    let customers = [play.customer("Ada").await, play.customer("Grace").await];
    play.out.stage.sandbox.webhooks(&json!({"vendor": "zoho", "drop_next": 20})).await.unwrap();
    let mut sales = Vec::new();
    for customer in &customers {
        sales.push(play.sale(&customer.first_invoice).await);
        let payment = play.payment(&customer.first_invoice).await;
        play.act(json!({"vendor": "zoho", "act": "delete_payment", "payment_id": payment})).await;
    }
    play.advance("PT2H").await;
    let report = play.compared(&json!({"customer": customers[0].ours})).await;
    adds_up(&report);
    let first = [("D05", sales[0].as_str()), ("D11", customers[0].first_invoice.as_str())];
    assert_eq!(found(&report), first, "{report:#}");
    let report = play.compared(&json!({"references": [customers[1].first_invoice], "legs": ["R2"]})).await;
    assert_eq!(found(&report), [("D05", sales[1].as_str())], "{report:#}");
    assert_eq!((report["resolved"].as_array().unwrap().len(), play.open().await.len()), (0, 3));

    for (body, why) in [
        (json!({"customer": "nobody"}), "no invoice and no transaction"),
        (json!({"customer": customers[0].ours, "legs": ["R7"]}), "compares lists"),
        (json!({"references": ["../etc"]}), "neither"),
    ] {
        let (status, told) = play.post(&play.finance, "/reconciliation/runs", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(told["detail"].as_str().unwrap().contains(why), "{told}");
    }
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_that_was_declined_stands_in_the_queue_until_finance_has_decided() {
    let play = Play::new().await;
    let customer = play.customer("Declined Late").await;
    let invoice = &customer.first_invoice;
    let sale = play.sale(invoice).await;
    play.act(json!({"vendor": "braintree", "act": "decline_at_settlement", "id": sale})).await;
    play.advance("PT3H").await;
    let saga = play.out.stage.saga_of(invoice);
    play.out.stage.until_saga(saga, "parked", |s| s.parked.is_some()).await.unwrap();
    let report = play.compare(&["flows"]).await;
    assert_eq!(found(&report), [("D16", saga.to_string().as_str())], "{report:#}");
    let declined = play.finding("D16").await;
    assert_eq!(
        (declined["invoice"].as_str(), declined["transaction"].as_str()),
        (Some(invoice.as_str()), Some(sale.as_str()))
    );
    assert_eq!((declined["severity"].as_u64(), declined["owner"].as_str()), (Some(1), Some("finance")));
    let body = json!({"choice": "leave", "reason": "the customer has left"});
    let answer =
        play.out.api(reqwest::Method::POST, &format!("/sagas/{saga}/decide")).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    play.rest().await;
    assert_eq!(found(&play.compare(&["flows"]).await), []);
    assert_eq!(play.finding("D16").await["state"], "resolved");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_who_paid_at_zoho_and_is_dunned_by_us_is_found_and_left_alone() {
    let play = Play::new().await;
    let customer = play.customer("Paid Cash").await;
    let decline =
        json!({"vendor": "braintree", "act": "set_card_behaviour", "token": customer.token, "decline_code": "2001"});
    play.act(decline).await;
    let invoice = play.out.stage.renew(&customer, 2_000).await.unwrap();
    let saga = play.out.stage.saga_of(&invoice);
    play.out.stage.until_saga(saga, "Dunning", |s| s.state == "Dunning").await.unwrap();
    play.rest().await;
    play.out.stage.sandbox.webhooks(&json!({"vendor": "zoho", "drop_next": 5})).await.unwrap();
    play.act(json!({"vendor": "zoho", "act": "record_payment", "invoice_id": invoice})).await;
    play.advance("PT20M").await;
    let report = play.compare(&["R3"]).await;
    assert_eq!(found(&report), [("D28", invoice.as_str())], "{report:#}");
    play.out.stage.until_saga(saga, "paid", |s| s.state == "ClosedPaidElsewhere").await.unwrap();
    play.rest().await;
    play.advance("PT2H").await;
    assert_eq!(found(&play.compare(&["R3"]).await), []);
    assert_eq!(acts(&play.finding("D28").await), ["opened", "tried", "resolved"]);
    play.out.end().await;
}
