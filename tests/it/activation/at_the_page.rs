//! What a page takes and refuses.

use super::play::{GOOD, OTHER, Play};
use attio_billing::checkout::CONSENT_VERSION;
use attio_billing::demo::SignUp;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_a_declined_card_is_told_neutrally_and_another_one_pays() {
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
    play.is_collected(&[4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_two_submissions_at_once_are_one_hold_and_one_subscription() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Double Click", play.stage.plan())).await;
    let (first, second) = tokio::join!(play.stage.pay(&url, GOOD), play.stage.pay(&url, GOOD));
    for shown in [first.unwrap(), second.unwrap()] {
        assert!(["paid", "confirming"].contains(&shown.stage.as_str()), "{shown:?}");
    }
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
    assert_eq!(play.live_subscriptions().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_what_a_second_tab_submits_shows_the_state_of_the_first_and_its_card_is_never_used() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Two Tabs", play.stage.plan())).await;
    let (one, other) = (play.nonce("visa").await, play.nonce("mastercard").await);
    // Both pages were loaded before either is sent; the first one's hold takes its time.
    let quote = play.stage.checkout_state(&url).await.unwrap().quote_hash;
    let (stage, page) = (&play.stage, url.as_str());
    let tab = |nonce: &str| {
        let body = json!({"quote_hash": quote, "consent_version": CONSENT_VERSION, "nonce": nonce});
        async move { stage.submit(page, &body).await.unwrap() }
    };
    play.fault(
        json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "latency", "ms": 600, "times": 1}),
    )
    .await;
    let (first, second) = tokio::join!(tab(&one), async {
        play.until_called("braintree", "transaction.sale").await;
        tab(&other).await
    });
    for shown in [first, second, tab(&other).await] {
        assert_eq!(shown.stage, "paid", "{}", play.history(&newcomer).await);
    }
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
    assert_eq!(play.calls("braintree", "transaction.sale").await, 1);
    let vault = play.books().await["braintree"]["payment_methods"].clone();
    assert_eq!(vault.as_array().unwrap().len(), 1, "{vault}");
    assert_eq!(vault[0]["card_type"], "Visa", "the first tab's card");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_five_declines_lock_the_link_for_an_hour_with_a_way_to_reach_a_person() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Unlucky", play.stage.plan())).await;
    play.fault(
        json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "decline", "code": "2000", "times": 5}),
    )
    .await;
    for number in 1..=5 {
        let card = play.nonce("visa").await;
        let shown = play.stage.pay(&url, &card).await.unwrap();
        assert_eq!(shown.stage, if number < 5 { "declined" } else { "locked" }, "{number}: {shown:?}");
    }
    assert_eq!(play.stage.pay(&url, GOOD).await.unwrap().stage, "locked");
    play.rest().await;
    assert_eq!(play.calls("braintree", "transaction.sale").await, 5, "what comes while it is locked is not tried");
    let (_, html) = play.html(&url).await;
    assert!(html.contains("mailto:") && !html.contains("card-number"), "{html}");
    assert!(play.record(&newcomer, "action_needed").await.contains("Help the customer"));
    let tasks = play.books().await["attio"]["tasks"].clone();
    assert!(tasks.to_string().contains("5 payment attempts were declined"), "{tasks}");
    assert_eq!(play.live().await.len(), 0);

    play.advance("PT61M").await;
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "declined", "it can be tried again");
    assert_eq!(play.stage.pay(&url, OTHER).await.unwrap().stage, "paid");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_where_a_bank_wants_authentication_another_card_may_pay_without() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Authenticate", play.stage.plan())).await;
    play.fault(
        json!({"vendor": "braintree", "operation": "transaction.sale", "kind": "decline", "code": "2099", "times": 1}),
    )
    .await;
    assert_eq!(play.stage.pay(&url, GOOD).await.unwrap().stage, "needs_authentication");
    assert_eq!(play.live().await.len(), 0);
    assert_eq!(play.stage.pay(&url, OTHER).await.unwrap().stage, "paid");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e13_a_nonce_that_was_used_before_takes_nothing_and_the_card_is_asked_for_again() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Reload", play.stage.plan())).await;
    // What was used before may have been used by us: it is looked for, and the page does not say that it failed.
    let (shown, ()) = tokio::join!(play.stage.pay(&url, "fake-consumed-nonce"), async {
        play.until_called("braintree", "transaction.sale").await;
        play.advance("PT3M").await;
        play.active("Passer By").await;
    });
    let stage = shown.unwrap().stage;
    assert!(["confirming", "declined"].contains(&stage.as_str()), "{stage}");
    for _ in 0..3 {
        play.advance("PT20M").await;
    }
    let again = async || Ok(play.stage.checkout_state(&url).await?.stage == "declined");
    play.stage.until("the form to be back", again).await.unwrap();
    play.is_collected(&[4_900]).await;
    assert_eq!(play.stage.pay(&url, OTHER).await.unwrap().stage, "paid");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900, 4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_what_does_not_fit_the_page_is_refused_and_nothing_is_held() {
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
    play.is_collected(&[4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_a_link_that_was_not_used_expires_after_a_reminder() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Forgetful", play.stage.plan())).await;
    play.advance("P3D").await;
    assert_eq!(play.subjects().await.len(), 2, "the link, and a reminder: {:?}", play.subjects().await);
    play.advance("P5D").await;
    assert_eq!(play.stage.checkout_state(&url).await.unwrap().stage, "expired");
    play.until_record(&newcomer, "checkout_status", "Expired").await;
    play.is_undone().await;
}
