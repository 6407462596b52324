//! Customers who bought before: a card on file, credit at Zoho.

use super::play::{GOOD, Play};
use attio_billing::checkout::CONSENT_VERSION;
use serde_json::{Value, json};

/// The ids of the cards that a page offers.
fn offered(html: &str) -> Vec<String> {
    let choices = html.split(r#"<input type="radio" name="card" value=""#).skip(1);
    choices.filter_map(|rest| rest.split('"').next()).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

async fn credit(play: &Play, amount: i64) {
    let books = play.books().await;
    let customer = books["zoho"]["customers"][0]["customer_id"].clone();
    play.act(json!({"vendor": "zoho", "act": "set_auto_apply_credits", "on": true})).await;
    play.act(json!({"vendor": "zoho", "act": "give_credit", "customer_id": customer, "amount": amount})).await;
    play.rest().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p4_a_usable_card_on_file_is_offered_and_pays_without_being_typed_again() {
    let play = Play::new().await;
    let known = play.active("Regular").await;
    let vault = play.books().await["braintree"]["customers"][0]["id"].clone();
    play.act(json!({"vendor": "braintree", "act": "vault_customer", "customer_id": vault, "card": "mastercard",
        "expiration": "05/2026"}))
        .await;
    let (further, url) = play.buys_another_product(&known).await;

    let (_, html) = play.html(&url).await;
    assert!(html.contains("Visa •••• 1881") && !html.contains("MasterCard"), "the usable one alone: {html}");
    let cards = offered(&html);
    assert_eq!(cards.len(), 1, "{cards:?}");
    let pay_with = async |card: &str| {
        let quote = play.stage.checkout_state(&url).await.unwrap().quote_hash;
        let body = json!({"quote_hash": quote, "consent_version": CONSENT_VERSION, "card_on_file": card});
        play.stage.submit(&url, &body).await.unwrap()
    };
    let foreign = pay_with("0".repeat(32).as_str()).await;
    assert_eq!(foreign.status, 422, "somebody else's card: {foreign:?}");
    let shown = pay_with(&cards[0]).await;
    assert_eq!(shown.stage, "paid", "{}", play.history(&further).await);
    play.until_record(&further, "subscription_status", "Active").await;
    play.is_collected(&[3_000, 4_900]).await;

    let live = play.live().await;
    assert_eq!(live[0]["token"], live[1]["token"], "the same card");
    let vaulted = play.books().await["braintree"]["payment_methods"].as_array().unwrap().len();
    assert_eq!(vaulted, 2, "the card was not stored once more");
    assert_eq!(play.live_subscriptions().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e30_credit_at_zoho_lowers_what_is_taken_and_the_rest_of_the_hold_is_released() {
    let play = Play::new().await;
    let known = play.active("Some Credit").await;
    credit(&play, 1_000).await;
    let (further, url) = play.buys_another_product(&known).await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert_eq!(shown.stage, "paid", "{}", play.history(&further).await);
    play.until_record(&further, "subscription_status", "Active").await;
    play.is_collected(&[2_000, 4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e18_credit_that_covers_everything_voids_the_hold_and_the_subscription_starts() {
    let play = Play::new().await;
    let known = play.active("Much Credit").await;
    credit(&play, 5_000).await;
    let (further, url) = play.buys_another_product(&known).await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert_eq!(shown.stage, "started", "{}", play.history(&further).await);
    play.until_record(&further, "subscription_status", "Active").await;
    assert_eq!(play.record(&further, "payment_status").await, "Paid");
    play.is_collected(&[4_900]).await;
    let books = play.books().await;
    let all: &Vec<Value> = books["braintree"]["transactions"].as_array().unwrap();
    assert_eq!(all.iter().filter(|t| t["status"] == "voided").count(), 1, "{all:#?}");
}
