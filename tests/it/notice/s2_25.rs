//! Notices before money, from a sale to the customer's mailbox and back.

use super::play::Play;
use serde_json::json;

const TRIAL: &str = "starter-monthly";
const ENDS: &str = "ends soon";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_e2_a_trial_that_ends_is_told_once_three_days_before_and_one_click_cancels_it() {
    let play = Play::new().await;
    let sold = play.sold("Trial", TRIAL).await;
    let charge_on = play.subscription(&sold).await["next_billing_at"].as_str().unwrap().to_owned();
    let charge_on: chrono::NaiveDate = charge_on.parse().unwrap();
    let before = |days| charge_on - chrono::Days::new(days);
    play.until_time(&format!("{}T08:00:00Z", before(3))).await;
    assert!(play.letters(ENDS).await.is_empty(), "an hour too early");
    play.until_time(&format!("{}T09:30:00Z", before(3))).await;
    let letter = play.letter(ENDS, play.saga(&sold)).await;
    let (status, page) = play.page(letter.link()).await;
    assert!(status == 200 && page.contains("<form method=\"post\">"), "{status} {page}");
    assert_eq!(play.subscription(&sold).await["status"], "trial", "who opens the page cancels nothing");
    let (status, page) = play.press(letter.link()).await;
    assert!(status == 200 && page.contains("is cancelled"), "{status} {page}");
    let ending = async || Ok(play.subscription(&sold).await["status"] != "trial");
    play.stage.until("the cancellation at Zoho", ending).await.unwrap();
    let (_, page) = play.press(letter.link()).await;
    assert!(page.contains("is cancelled"), "{page}");
    play.until_time(&format!("{}T12:00:00Z", charge_on + chrono::Days::new(2))).await;
    assert_eq!(play.letters(ENDS).await.len(), 1);
    assert_eq!(play.books().await["braintree"]["transactions"].as_array().unwrap().len(), 0, "nothing is charged");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_a_letter_that_the_mail_server_refuses_is_an_action_on_the_record_and_a_task() {
    let play = Play::new().await;
    let sold = play.sold("Bounced", TRIAL).await;
    let fault = json!({"vendor": "mail", "operation": "mail.recipient", "kind": "refuse", "code": "unknown user",
        "times": 1});
    play.stage.sandbox.order_faults(&fault).await.unwrap();
    let charge_on = play.subscription(&sold).await["next_billing_at"].as_str().unwrap().to_owned();
    let charge_on: chrono::NaiveDate = charge_on.parse().unwrap();
    play.until_time(&format!("{}T10:00:00Z", charge_on - chrono::Days::new(3))).await;
    play.until_record(&sold.newcomer, "action_needed", "correct the address").await;
    let tasked = async || Ok(play.books().await["attio"]["tasks"].to_string().contains("came back"));
    play.stage.until("the task", tasked).await.unwrap();
    assert!(play.letters(ENDS).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_a_price_that_is_told_late_holds_its_first_charge_back_until_it_could_be_read() {
    let play = Play::new().await;
    let sold = play.sold("Dearer", play.stage.plan()).await;
    play.until_time("2026-07-05T12:00:00Z").await;
    let change = json!({"vendor": "zoho", "act": "change_subscription", "subscription_id": sold.zoho,
        "plan_code": play.stage.plan(), "price": 5_900, "end_of_term": true});
    play.act(change).await;
    // The last look before the charge finds it, whatever Zoho told.
    play.until_time("2026-07-08T10:00:00Z").await;
    play.letter("The price of", play.saga(&sold)).await;
    play.until_state(&sold, "HeldBack").await;
    play.until_time("2026-07-09T12:00:00Z").await;
    let (invoice, owed) = play.newest_invoice().await;
    assert!(owed > 0, "{invoice} owes {owed}");
    play.until_stream(&invoice, "HeldForNotice").await;
    play.until_time("2026-07-15T12:00:00Z").await;
    play.until_stream(&invoice, "HeldForNotice").await;
    // Seven days after the charge's day it is lifted, and the invoice looks again within the hour.
    play.until_time("2026-07-16T02:00:00Z").await;
    let paid = async || Ok(play.newest_invoice().await.1 == 0);
    play.stage.until("the charge", paid).await.unwrap();
    play.is_sound().await;
}
