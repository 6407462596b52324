//! What costs more: previewed, accepted, paid; declined; above the ceiling.

use super::play::Play;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p7_an_upgrade_over_the_api_is_previewed_accepted_and_paid_once() {
    let play = Play::new().await;
    let sold = play.sold("Growing").await;
    play.advance("P10D").await;
    let saga = play.ask(&sold, "k1", "max-monthly").await;
    let shown = play.previewed(saga).await;
    let preview = &shown["preview"];
    let (due, ceiling) = (preview["due_now"]["minor"].as_i64().unwrap(), preview["ceiling"]["minor"].as_i64().unwrap());
    assert!(due > 0 && due <= ceiling && ceiling - due <= 2, "{preview:#}");
    assert_eq!((preview["effective"].as_str(), preview["due_now"]["currency"].as_str()), (Some("now"), Some("EUR")));
    assert_eq!((play.subscription(&sold).await["plan_code"].as_str(), play.fences().await), (Some("plus-monthly"), 0));

    let (status, answer) = play.accept(saga, &preview["hash"]).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    play.until(saga, "Changed").await;
    let invoices = play.invoices(&sold).await;
    let [_, (total, 0)] = invoices[..] else { panic!("one paid invoice more") };
    assert!(total <= ceiling && (total - due).abs() <= 2, "{total} of {due}, at most {ceiling}");
    assert_eq!(play.sales().await, [("submitted_for_settlement".to_owned(), total)]);
    assert_eq!(play.subscription(&sold).await["plan_code"], "max-monthly");
    play.until_record(&sold.record, "quote_text", "Sold: 1 × max-monthly").await;
    assert_eq!(play.record(&sold.record, "action_needed").await, "");
    play.is_sound().await;

    // The same order and the same acceptance again change nothing.
    assert_eq!(play.ask(&sold, "k1", "max-monthly").await, saga);
    assert_eq!(play.sales().await.len(), 1);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p7_a_press_shows_the_price_and_a_contract_accepts_for_the_customer() {
    let play = Play::new().await;
    let sold = play.sold("Pressed").await;
    play.choose(&sold.record, "max-monthly").await;
    play.press(&sold.record, "Quote").await;
    let told = play.record(&sold.record, "quote_text").await;
    assert!(told.contains("1 × Max: about") && told.contains("at most"), "{told}");
    play.press(&sold.record, "Change plan").await;
    let saga = play.newest(&sold).await.id;
    let shown = play.previewed(saga).await;
    assert!(play.record(&sold.record, "action_needed").await.contains("has to agree"));

    let hash = &shown["preview"]["hash"];
    let consent = attio_billing::checkout::CONSENT_VERSION;
    let for_customer = json!({"hash": hash, "consent_version": consent});
    let (status, _) = play.accept_as(&play.support, saga, &for_customer).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "nobody of ours agrees in the customer's place");
    let by_contract = json!({"hash": hash, "consent_version": consent, "contract": "MSA-7, 4.2"});
    let (status, answer) = play.accept_as(&play.support, saga, &by_contract).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    play.until(saga, "Changed").await;
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_an_acceptance_that_comes_too_late_leads_to_a_new_preview_alone() {
    let play = Play::new().await;
    let sold = play.sold("Slow").await;
    let saga = play.ask(&sold, "k1", "max-monthly").await;
    let old = play.previewed(saga).await["preview"]["hash"].clone();
    play.advance("PT20M").await;
    let (status, _) = play.accept(saga, &old).await;
    assert_eq!(status, StatusCode::OK);
    let new = play.previewed(saga).await["preview"]["hash"].clone();
    assert_ne!(new, old);
    assert_eq!((play.sales().await.len(), play.fences().await), (0, 0));
    let (status, _) = play.accept(saga, &old).await;
    assert_eq!(status, StatusCode::OK, "said before, with that key");
    play.accept(saga, &new).await;
    play.until(saga, "Changed").await;
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_an_open_invoice_is_paid_before_the_plan_is_changed() {
    let play = Play::new().await;
    let sold = play.sold("Owing").await;
    let invoice = json!({"vendor": "zoho", "act": "create_invoice", "subscription_id": sold.zoho, "amount": 500,
        "pending": true});
    play.act(invoice).await;
    let saga = play.ask(&sold, "k1", "max-monthly").await;
    let hash = play.previewed(saga).await["preview"]["hash"].clone();
    play.accept(saga, &hash).await;
    play.until(saga, "Refused").await;
    let shown = play.shown(saga).await;
    assert!(shown["reason"].as_str().unwrap().contains("is open with 5.00 EUR"), "{shown:#}");
    assert_eq!(play.subscription(&sold).await["plan_code"], "plus-monthly");
    assert_eq!((play.sales().await.len(), play.fences().await), (0, 0));
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_a_declined_card_changes_nothing_until_there_is_a_good_one() {
    let play = Play::new().await;
    let sold = play.sold("Broke").await;
    let books = play.books().await;
    let token = books["braintree"]["transactions"][0]["token"].as_str().unwrap().to_owned();
    let decline = |code: Option<&str>| json!({"vendor": "braintree", "act": "set_card_behaviour", "token": token, "decline_code": code});
    play.act(decline(Some("2001"))).await;
    let saga = play.ask(&sold, "k1", "max-monthly").await;
    let hash = play.previewed(saga).await["preview"]["hash"].clone();
    play.accept(saga, &hash).await;
    play.until(saga, "Previewed").await;
    assert_eq!(play.events(saga, "AuthorisationDeclined").await, 1);
    assert_eq!(play.subscription(&sold).await["plan_code"], "plus-monthly");
    let told = play.record(&sold.record, "last_error").await;
    assert!(told.contains("not accepted; nothing was changed"), "{told}");
    assert_eq!(play.fences().await, 0);

    play.act(decline(None)).await;
    play.advance("PT16M").await;
    play.accept(saga, &json!(format!("{}x", hash.as_str().unwrap()))).await;
    let again = play.ask(&sold, "k2", "max-monthly").await;
    let hash = play.previewed(again).await["preview"]["hash"].clone();
    play.accept(again, &hash).await;
    play.until(again, "Changed").await;
    let (status, _) = play.cancel(saga).await;
    assert_eq!(status, StatusCode::OK);
    play.until(saga, "Cancelled").await;
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_a_sum_above_the_ceiling_is_asked_for_and_charged_by_the_invoice_once_it_is_accepted() {
    let play = Play::new().await;
    let sold = play.sold("Dear").await;
    let saga = play.ask(&sold, "k1", "max-monthly").await;
    let shown = play.previewed(saga).await;
    play.act(json!({"vendor": "zoho", "act": "edit_plan", "plan_code": "max-monthly", "price": 19_900})).await;
    play.accept(saga, &shown["preview"]["hash"]).await;
    play.until(saga, "OverCeiling").await;
    assert_eq!(play.sales().await.iter().map(|(status, _)| status.as_str()).collect::<Vec<_>>(), ["voided"]);
    assert_eq!(play.subscription(&sold).await["plan_code"], "max-monthly", "the new plan stays");
    let invoices = play.invoices(&sold).await;
    let [_, (total, balance)] = invoices[..] else { panic!("one invoice more") };
    assert!(total > shown["preview"]["ceiling"]["minor"].as_i64().unwrap() && balance == total);
    assert_eq!(play.fences().await, 0, "renewals go on");

    // Nobody charges it meanwhile, whoever tells of it.
    play.advance("P1D").await;
    assert_eq!(play.invoices(&sold).await[1], (total, balance));
    let demand = play.shown(saga).await["demand"].clone();
    assert_eq!(demand["asks"]["minor"], total);
    let (status, answer) = play.accept(saga, &demand["hash"]).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    play.until(saga, "Changed").await;
    play.rest().await;
    assert_eq!(play.invoices(&sold).await[1], (total, 0), "its own stream has charged it");
    assert_eq!(play.sales().await.len(), 1);
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_a_hold_that_may_not_be_submitted_for_less_is_sold_anew() {
    let play = Play::new().await;
    let sold = play.sold("Final").await;
    let saga = play.ask(&sold, "k1", "max-monthly").await;
    let shown = play.previewed(saga).await;
    play.act(json!({"vendor": "braintree", "act": "set_final_auth", "on": true})).await;
    play.accept(saga, &shown["preview"]["hash"]).await;
    play.until(saga, "Changed").await;
    let invoices = play.invoices(&sold).await;
    let [_, (total, 0)] = invoices[..] else { panic!("one paid invoice more") };
    let taken: Vec<_> = play.sales().await.into_iter().filter(|(status, _)| status != "voided").collect();
    assert_eq!(taken, [("submitted_for_settlement".to_owned(), total)]);
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_the_webhook_of_the_new_invoice_charges_nothing_while_the_change_is_under_way() {
    let play = Play::new().await;
    let sold = play.sold("Raced").await;
    let saga = play.ask(&sold, "k1", "max-monthly").await;
    let hash = play.previewed(saga).await["preview"]["hash"].clone();
    // The capture waits, and Zoho's message of the invoice comes first.
    let fault = json!({"vendor": "braintree", "operation": "transaction.submit_for_settlement",
        "kind": "status", "status": 503, "times": 2});
    play.stage().sandbox.order_faults(&fault).await.unwrap();
    play.accept(saga, &hash).await;
    play.advance("PT5M").await;
    play.until(saga, "Changed").await;
    let books = play.books().await;
    let sold_twice = books["braintree"]["transactions"].to_string().matches(".inv.").count();
    assert_eq!((sold_twice, play.sales().await.len()), (0, 1), "the invoice's own stream has charged nothing");
    play.is_sound().await;
    play.end().await;
}
