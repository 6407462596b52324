//! What a page takes and refuses.

use super::play::{GOOD, OTHER, Play};
use attio_billing::demo::SignUp;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_card_is_told_neutrally_and_another_one_pays() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Second Card", play.stage.plan())).await;
    play.fault(
        json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "decline", "code": "2001", "times": 1}),
    )
    .await;
    let shown = play.stage.pay(&url, GOOD).await.unwrap();
    assert_eq!((shown.status, shown.stage.as_str()), (200, "declined"), "{shown:?}");
    let shown = play.stage.pay(&url, OTHER).await.unwrap();
    assert_eq!(shown.stage, "paid", "{shown:?}");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.rest().await;
    assert_eq!(play.live().await.len(), 1);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_submissions_at_once_are_one_hold_and_one_subscription() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Double Click", play.stage.plan())).await;
    let (first, second) = tokio::join!(play.stage.pay(&url, GOOD), play.stage.pay(&url, GOOD));
    for shown in [first.unwrap(), second.unwrap()] {
        assert!(["paid", "confirming"].contains(&shown.stage.as_str()), "{shown:?}");
    }
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.rest().await;
    assert_eq!((play.live().await.len(), play.live_subscriptions().await.len()), (1, 1));
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_the_page_is_refused_and_nothing_is_held() {
    let play = Play::new().await;
    let (_, url) = play.invited(SignUp::new("Careful", play.stage.plan())).await;
    let quote = play.stage.checkout_state(&url).await.unwrap().quote_hash;
    let stale = json!({"quote_hash": "0".repeat(64), "consent_version": "2026-11", "nonce": GOOD});
    assert_eq!(play.stage.submit(&url, &stale).await.unwrap().stage, "replaced");
    let unconsented = json!({"quote_hash": quote, "consent_version": "1999-01", "nonce": GOOD});
    assert_eq!(play.stage.submit(&url, &unconsented).await.unwrap().status, 422);
    let forged = format!("{}x", &url[..url.len() - 1]);
    assert_eq!(play.stage.checkout_state(&forged).await.unwrap().status, 404);
    assert_eq!(play.live().await.len(), 0);
    // And the page still takes what fits.
    assert_eq!(play.stage.pay(&url, OTHER).await.unwrap().stage, "paid");
    play.rest().await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_was_not_used_expires_after_a_reminder() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Forgetful", play.stage.plan())).await;
    play.advance("P3D").await;
    assert_eq!(play.subjects().await.len(), 2, "the link, and a reminder: {:?}", play.subjects().await);
    play.advance("P5D").await;
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "expired");
    play.until_record(&newcomer, "checkout_status", "Expired").await;
    play.is_undone().await;
}
