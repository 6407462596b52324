//! From a press to a subscription that Zoho collects.

use super::play::{DECLINED, EXTERNAL_RECEIPTS, GOOD, Play, RECEIVABLES};
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p3_a_press_leads_over_zohos_page_to_a_subscription_that_zoho_collects() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited("Northwind").await;
    assert_eq!(play.record(&newcomer, "sync_action").await, "none", "the act is answered");
    let shown = play.get(&url).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.html.contains("49.00") && shown.html.contains("Continue to payment"), "{}", shown.html);
    assert!(!shown.html.contains("card-number"), "no card is given here");
    assert_eq!(play.calls("hostedpage.newsubscription").await, 0);

    let page = play.agree(&url).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "{}\n{}", page.html, play.history(&newcomer).await);
    let at_zoho = play.get(&page.to).await;
    assert!(at_zoho.html.contains("Zoho Billing (sandbox)"), "{}", at_zoho.html);
    let back = play.pay(&page.to, GOOD).await;
    assert!(back.to.starts_with(&url), "the customer comes back to where they were: {}", back.to);
    let done = play.get(&back.to).await;
    assert!(done.html.contains("data-stage=\"active\""), "{}\n{}", done.html, play.history(&newcomer).await);

    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.rest().await;
    assert_eq!(play.record(&newcomer, "payment_status").await, "Paid");
    assert_eq!(play.record(&newcomer, "collection_owner").await, "zoho_native");
    let subscriptions = play.subscriptions().await;
    assert_eq!(subscriptions.len(), 1);
    assert_eq!(subscriptions[0]["auto_collect"], true);
    let accounts = play.accounts().await;
    assert_eq!((accounts.get(&EXTERNAL_RECEIPTS), accounts.get(&RECEIVABLES)), (Some(&4_900), None), "{accounts:?}");
    assert_eq!(play.streams().await, [("Mirrored".to_owned(), "mirrored".to_owned())]);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_the_link_leads_to_the_page_that_is_open_and_makes_no_second_one() {
    let play = Play::new().await;
    let (_, url) = play.invited("Twice").await;
    // What a mail program does.
    for _ in 0..5 {
        assert_eq!(play.get(&url).await.status, StatusCode::OK);
    }
    assert_eq!(play.calls("hostedpage.newsubscription").await, 0);
    let page = play.agree(&url).await;
    for _ in 0..3 {
        let again = play.get(&url).await;
        assert_eq!((again.status, again.to.as_str()), (StatusCode::SEE_OTHER, page.to.as_str()));
    }
    assert_eq!(play.calls("hostedpage.newsubscription").await, 1);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_what_was_bought_by_somebody_who_does_not_come_back_is_linked_by_zohos_message() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited("Gone").await;
    let page = play.agree(&url).await;
    play.pay(&page.to, GOOD).await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.rest().await;
    assert_eq!(play.calls("hostedpage.get").await, 1, "its address alone: {}", play.history(&newcomer).await);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_what_was_bought_is_found_though_every_message_of_it_is_lost() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited("Silent").await;
    play.stage.sandbox.webhooks(&json!({"vendor": "zoho", "drop_next": 50})).await.unwrap();
    let page = play.agree(&url).await;
    play.pay(&page.to, GOOD).await;
    play.advance("PT4M").await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.rest().await;
    let accounts = play.accounts().await;
    assert_eq!((accounts.get(&EXTERNAL_RECEIPTS), accounts.get(&RECEIVABLES)), (Some(&4_900), None), "{accounts:?}");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_declined_card_and_a_closed_page_lead_back_to_the_price_and_to_a_new_page() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited("Hesitant").await;
    let first = play.agree(&url).await;
    assert_eq!(play.pay(&first.to, DECLINED).await.status, StatusCode::PAYMENT_REQUIRED);
    let back = play.close(&first.to).await;
    let shown = play.get(&back.to).await;
    assert!(shown.html.contains("Continue to payment"), "{}\n{}", shown.html, play.history(&newcomer).await);
    play.rest().await;
    let second = play.agree(&url).await;
    assert_eq!(second.status, StatusCode::SEE_OTHER, "{}", play.history(&newcomer).await);
    assert_ne!(second.to, first.to);
    let back = play.pay(&second.to, GOOD).await;
    play.get(&back.to).await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    assert_eq!(play.subscriptions().await.len(), 1);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_page_whose_hour_is_over_is_followed_by_a_new_one() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited("Late").await;
    let first = play.agree(&url).await;
    play.advance("PT70M").await;
    assert_eq!(play.saga(&newcomer).await.state, "PageSent", "{}", play.history(&newcomer).await);
    let second = play.agree(&url).await;
    assert_ne!(second.to, first.to, "{}", play.history(&newcomer).await);
    assert_eq!(play.get(&first.to).await.status, StatusCode::GONE);
    play.is_sound().await;
}
