//! Links that open nothing, presses that begin nothing new, and starts that are called off.

use super::play::{GOOD, Play};
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_nothing_opens_without_the_box_that_is_ticked_and_the_price_that_stands() {
    let play = Play::new().await;
    let (_, url) = play.invited("Unticked").await;
    let unticked = reqwest::Client::new()
        .post(format!("{url}/onward"))
        .form(&[("quote_hash", "x"), ("consent_version", "2026-11")])
        .send()
        .await
        .unwrap();
    assert_eq!(unticked.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let stale = play.agree_to(&url, "another", "2026-11").await;
    assert_eq!((stale.status, stale.to.starts_with("/checkout/")), (StatusCode::SEE_OTHER, true));
    let forged = play.agree_to(&format!("{url}x"), "another", "2026-11").await;
    assert_eq!(forged.status, StatusCode::NOT_FOUND);
    assert_eq!(play.calls("hostedpage.newsubscription").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_a_price_that_changed_at_zoho_is_shown_before_its_page_opens() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited("Repriced").await;
    play.act(json!({"act": "edit_plan", "plan_code": play.stage.plan(), "price": 5_900})).await;
    let led = play.agree(&url).await;
    assert!(led.to.starts_with("/checkout/"), "{led:?}");
    let shown = play.get(&url).await;
    assert!(shown.html.contains("59.00"), "{}\n{}", shown.html, play.history(&newcomer).await);
    assert_eq!(play.calls("hostedpage.newsubscription").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_a_resent_link_replaces_the_first() {
    let play = Play::new().await;
    let (newcomer, first) = play.invited("Resent").await;
    play.stage.press(&newcomer.record, "Resend link").await.unwrap();
    play.until_record(&newcomer, "sync_action", "none").await;
    play.rest().await;
    assert_eq!(play.get(&first).await.status, StatusCode::GONE);
    let second = play.stage.checkout_url(&newcomer.record).await.unwrap();
    assert_ne!(second, first);
    assert_eq!(play.agree(&second).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_what_is_bought_while_a_start_is_called_off_is_sold() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited("Torn").await;
    let page = play.agree(&url).await;
    play.stage.press(&newcomer.record, "Cancel now").await.unwrap();
    play.until_record(&newcomer, "sync_action", "none").await;
    let closed = play.get(&url).await;
    assert!(closed.html.contains("data-stage=\"cancelled\""), "{}", closed.html);
    play.pay(&page.to, GOOD).await;
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.rest().await;
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_start_that_is_called_off_before_anybody_clicked_leaves_nothing() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited("Undecided").await;
    play.stage.press(&newcomer.record, "Cancel now").await.unwrap();
    play.until_record(&newcomer, "subscription_status", "Cancelled").await;
    play.rest().await;
    assert!(play.get(&url).await.html.contains("data-stage=\"cancelled\""));
    assert_eq!(play.subscriptions().await.len(), 0);
    play.is_sound().await;
}
