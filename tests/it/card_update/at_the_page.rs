//! What can go wrong at the page: declined, locked, unknown, two at once.

use super::play::{MASTERCARD, Play};
use serde_json::json;

const VAULT: &str = "payment_method.create";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_e1_a_declined_card_is_told_neutrally_and_after_five_the_page_is_locked_for_an_hour() {
    let play = Play::new().await;
    let customer = play.customer("Five Cards").await;
    let url = play.invited(&customer).await;
    for n in 1..=5 {
        play.fault(VAULT, "decline", json!({"code": "2001"})).await;
        let nonce = play.nonce("visa").await;
        let shown = play.give(&url, &nonce).await;
        assert_eq!(shown.stage, if n < 5 { "declined" } else { "locked" }, "{shown:?}");
        let (_, html) = play.html(&url).await;
        assert!(!html.contains("2001") && !html.to_lowercase().contains("insufficient"), "{html}");
        play.rest().await;
    }
    let early = play.nonce("mastercard").await;
    assert_eq!(play.submit(&url, "none", &early).await.stage, "locked");
    assert_eq!(play.default_of(&customer).await, customer.card);
    play.advance("PT61M").await;
    assert_eq!(play.give(&url, MASTERCARD).await.stage, "changed");
    assert_eq!(play.cards_of(&customer.braintree).await.len(), 2, "declined ones are not kept");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_e2_a_vault_without_an_answer_is_confirmed_by_a_look_up_and_done_once() {
    let play = Play::new().await;
    let customer = play.customer("No Answer").await;
    let url = play.invited(&customer).await;
    play.fault(VAULT, "timeout_after", json!({})).await;
    let shown = play.give(&url, MASTERCARD).await;
    assert!(matches!(shown.stage.as_str(), "confirming" | "changed"), "never said to have failed: {shown:?}");
    play.until_state(&customer, "KeepingOldCard").await;
    assert_eq!(play.cards_of(&customer.braintree).await.len(), 2, "vaulted once");
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "changed");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_p2_two_tabs_give_one_card_and_a_changed_offer_is_shown_first() {
    let play = Play::new().await;
    let customer = play.customer("Two Tabs").await;
    let url = play.invited(&customer).await;
    let hash = play.stage.checkout_state(&url).await.unwrap().quote_hash;
    let (one, two) = (play.nonce("mastercard").await, play.nonce("amex").await);
    let stale = play.submit(&url, "of another page", &one).await;
    assert_eq!(stale.stage, "replaced", "{stale:?}");
    let (one, two) = (play.nonce("mastercard").await, two);
    let (first, second) = tokio::join!(play.submit(&url, &hash, &one), play.submit(&url, &hash, &two));
    assert_eq!((first.stage.as_str(), second.stage.as_str()), ("changed", "changed"));
    play.rest().await;
    assert_eq!(play.cards_of(&customer.braintree).await.len(), 2, "one of them was taken");
    play.is_sound().await;
}
