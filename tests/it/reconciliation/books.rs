//! What is found when somebody brings the books out of step, and what becomes of it.

use super::play::{LEGS, Play, acts, adds_up, found};
use attio_billing::demo::Customer;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn books_that_agree_have_no_finding_and_every_call_is_counted() {
    let play = Play::new().await;
    let customers = [play.customer("Ada").await, play.customer("Grace").await];
    play.out.stage.renew(&customers[0], 2_000).await.unwrap();
    play.rest().await;
    play.advance("PT2H").await;

    let before = (play.calls("zoho").await, play.calls("braintree").await);
    let report = play.compare(&LEGS).await;
    let used = (play.calls("zoho").await - before.0, play.calls("braintree").await - before.1);
    assert_eq!((report["complete"].as_bool(), found(&report)), (Some(true), vec![]), "{report:#}");
    adds_up(&report);
    let total = |leg: usize| report["legs"][leg]["totals"][0].clone();
    for (leg, things, sum) in [(0, 3, 11_800), (1, 3, 11_800), (2, 3, 0)] {
        let total = total(leg);
        assert_eq!((&total["left"], &total["right"]), (&json!([things, sum]), &json!([things, sum])), "{report:#}");
        assert_eq!(total["matched"], json!([things, sum]));
    }
    let calls = |vendor: usize, what: &str| report["calls"][vendor][what].as_u64().unwrap();
    assert_eq!((report["calls"][0]["vendor"].as_str(), calls(0, "used")), (Some("braintree"), used.1));
    assert_eq!((report["calls"][1]["vendor"].as_str(), calls(1, "used")), (Some("zoho"), used.0));
    assert_eq!((calls(0, "planned"), calls(1, "planned")), (used.1, used.0), "each was planned before it was made");
    assert!(report["out_of_books"].as_str().unwrap().contains("Zoho's own gateway"));

    // What did not change is not read again: the lists alone, and not one invoice.
    let before = play.calls("zoho").await;
    assert_eq!(found(&play.compare(&["R2", "R3"]).await), []);
    assert_eq!(play.calls("zoho").await - before, 1);
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_record_that_staff_deleted_is_found_and_closes_itself_once_it_is_there_again() {
    let play = Play::new().await;
    let customer = play.customer("Deleted Record").await;
    let invoice = customer.first_invoice.clone();
    let sale = play.sale(&invoice).await;
    // Nobody is told: only a comparison can see it.
    play.out.stage.sandbox.webhooks(&json!({"vendor": "zoho", "drop_next": 5})).await.unwrap();
    let payment = play.payment(&invoice).await;
    play.act(json!({"vendor": "zoho", "act": "delete_payment", "payment_id": payment})).await;

    // Within its time one side may be behind the other.
    let report = play.compare(&["R3"]).await;
    assert_eq!(found(&report), [], "{report:#}");
    assert_eq!(report["legs"][0]["in_progress"], 1);
    adds_up(&report);

    play.advance("PT2H").await;
    let report = play.compare(&["R1", "R2", "R3"]).await;
    adds_up(&report);
    assert_eq!(found(&report), [("D05", sale.as_str()), ("D11", invoice.as_str())], "{report:#}");
    let missing = play.finding("D05").await;
    assert_eq!(missing["title"], "Charged, not recorded in Zoho · D05");
    assert_eq!((missing["amount_minor"].as_i64(), missing["currency"].as_str()), (Some(4_900), Some("EUR")));
    assert_eq!(missing["customer"], customer.ours.as_str());
    // The flow looked again, saw it, and asks a person: nothing was charged twice, nothing recorded by a guess.
    assert_eq!(acts(&missing), ["opened", "tried"]);
    let saga = play.out.stage.saga_of(&invoice);
    let parked = play.out.stage.until_saga(saga, "parked", |s| s.parked.is_some()).await.unwrap();
    assert_eq!(parked.parked.unwrap().0, "HELD_MISMATCH");

    let path = format!("/sagas/{saga}/decide");
    let body = json!({"choice": "record_again", "reason": "staff deleted it by mistake"});
    let answer = play.out.api(reqwest::Method::POST, &path).json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    play.rest().await;
    play.advance("PT2H").await;
    let report = play.compare(&["R1", "R2", "R3"]).await;
    assert_eq!(found(&report), [], "{report:#}");
    assert_eq!(report["resolved"].as_array().unwrap().len(), 2);
    let missing = play.finding("D05").await;
    assert_eq!(missing["state"], "resolved");
    assert_eq!(acts(&missing), ["opened", "tried", "resolved"]);
    assert_eq!(play.open().await, []);
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoice_of_which_no_webhook_told_is_found_imported_and_collected() {
    let play = Play::new().await;
    let customer = play.customer("Lost Webhook").await;
    play.out.stage.sandbox.webhooks(&json!({"vendor": "zoho", "drop_next": 1})).await.unwrap();
    let invoice = play.out.stage.renew(&customer, 2_000).await.unwrap();
    play.rest().await;
    let saga = play.out.stage.saga_of(&invoice);
    assert!(play.out.stage.saga(saga).await.unwrap().is_none(), "nobody told us");
    play.advance("PT2H").await;

    let report = play.compare(&["R3"]).await;
    assert_eq!(found(&report), [("D12", invoice.as_str())], "{report:#}");
    play.out.stage.until_saga(saga, "paid", |s| s.state == "AwaitSettlement").await.unwrap();
    play.rest().await;
    let report = play.compare(&["R1", "R2", "R3"]).await;
    assert_eq!(found(&report), [], "{report:#}");
    assert_eq!(play.finding("D12").await["state"], "resolved");
    play.out.end().await;
}

/// A sale that somebody makes beside us.
async fn sell_beside(play: &Play, customer: &Customer, order_id: &str, amount: &str) {
    let gateway = &play.out.stage.description["braintree"];
    let text = |field: &str| gateway[field].as_str().unwrap();
    let body = format!(
        "<transaction><type>sale</type><amount>{amount}</amount><order-id>{order_id}</order-id>\
         <payment-method-token>{}</payment-method-token><merchant-account-id>sandbox_eur</merchant-account-id>\
         <options><submit-for-settlement type=\"boolean\">true</submit-for-settlement></options></transaction>",
        customer.token
    );
    let url = format!("{}/merchants/{}/transactions", text("base_url").trim_end_matches('/'), text("merchant_id"));
    let request = reqwest::Client::new()
        .post(url)
        .basic_auth(text("public_key"), Some(text("private_key")))
        .header("content-type", "application/xml")
        .header("accept", "application/xml")
        .header("x-apiversion", "6")
        .body(body);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sales_and_refunds_that_others_made_at_braintree_are_found_and_only_what_is_of_our_sales_is_booked() {
    let play = Play::new().await;
    let customer = play.customer("Console").await;
    sell_beside(&play, &customer, "shop-17", "12.34").await;
    let sale = play.sale(&customer.first_invoice).await;
    play.act(json!({"vendor": "braintree", "act": "settle_now"})).await;
    let refund =
        play.act(json!({"vendor": "braintree", "act": "refund_in_console", "id": sale, "amount": "9.00"})).await;
    let refund = refund["id"].as_str().unwrap().to_owned();
    play.advance("PT2H").await;

    let report = play.compare(&["R1", "R9"]).await;
    adds_up(&report);
    let unknown = play.finding("D01").await;
    let beside = unknown["key"].as_str().unwrap();
    assert_eq!(found(&report), [("D01", beside), ("D21", refund.as_str())], "{report:#}");
    assert_eq!((unknown["amount_minor"].as_i64(), unknown["tries"].as_u64()), (Some(1_234), Some(0)));
    assert!(unknown["detail"].as_str().unwrap().ends_with("console or by another program"), "{unknown}");
    assert_eq!(play.finding("D21").await["transaction"], sale.as_str());
    // The refund is booked; the sale that nobody asked for here is a person's, and seen again it is the same finding.
    play.compare(&["R1", "R9"]).await;
    assert_eq!(play.open().await, [("D01".to_owned(), beside.to_owned())]);
    assert_eq!(play.finding("D01").await["occurrences"], 2);
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_collector_and_a_record_of_a_sale_that_was_voided_in_the_console_are_found() {
    let play = Play::new().await;
    let customer = play.customer("Two Collectors").await;
    play.out.stage.sandbox.webhooks(&json!({"vendor": "zoho", "drop_next": 5})).await.unwrap();
    play.act(json!({"vendor": "zoho", "act": "turn_on_auto_collect", "subscription_id": customer.zoho_subscription}))
        .await;
    let report = play.compare(&["R7"]).await;
    assert_eq!(found(&report), [("D30", customer.zoho_subscription.as_str())], "{report:#}");
    let two = play.finding("D30").await;
    assert_eq!((two["severity"].as_u64(), two["owner"].as_str()), (Some(1), Some("operator")));

    // Voided in the console, and our poll has not looked yet: Zoho still counts it as paid.
    let sale = play.sale(&customer.first_invoice).await;
    play.act(json!({"vendor": "braintree", "act": "void_in_console", "id": sale})).await;
    let report = play.compare(&["R1", "R2"]).await;
    assert_eq!(report["legs"][0]["in_progress"], 1, "{report:#}");
    play.advance("PT20M").await;
    let report = play.compare(&["R1", "R2"]).await;
    adds_up(&report);
    assert_eq!(found(&report), [("D03", sale.as_str()), ("D06", sale.as_str())], "{report:#}");
    assert_eq!(play.finding("D03").await["right"], format!("{sale} (voided), 0.00 EUR"));
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_does_not_settle_is_told_by_its_age() {
    let play = Play::new().await;
    let customer = play.customer("Slow Bank").await;
    let sale = play.sale(&customer.first_invoice).await;
    assert_eq!(found(&play.compare(&["ageing"]).await), []);
    play.act(json!({"vendor": "braintree", "act": "set_hidden_settling", "seconds": 0})).await;
    let unsettled: Value = play.books().await["braintree"]["transactions"][0]["status"].clone();
    assert_eq!(unsettled, "submitted_for_settlement");
    // The ledger alone is read: business time moves, and Braintree is not asked.
    play.fault(json!({"vendor": "braintree", "operation": "*", "kind": "status", "status": 503})).await;
    play.advance("P5D").await;
    let report = play.compare(&["ageing"]).await;
    assert_eq!(found(&report), [("D15", sale.as_str())], "{report:#}");
    assert_eq!(play.finding("D15").await["severity"], 3);
    play.advance("P6D").await;
    play.compare(&["ageing"]).await;
    assert_eq!(play.finding("D15").await["severity"], 2);
    play.out.end().await;
}
