//! Who gets a link, and links that open nothing.

use super::play::{ACT, MASTERCARD, Play};
use attio_billing::access::{Addresses, Holder, Role};
use attio_billing::store::links::{LinkKind, find};
use attio_billing::store::settings::set_collection_owner;
use attio_billing::store::tokens::{self, NewToken};
use sagas::kernel::answer::CollectionOwner;
use secrecy::ExposeSecret;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_28_pressed_again_the_customer_gets_a_new_link_and_the_old_one_opens_nothing() {
    let play = Play::new().await;
    let customer = play.customer("Twice").await;
    let old = play.invited(&customer).await;
    let hash = play.stage.checkout_state(&old).await.unwrap().quote_hash;
    play.stage.press(&customer.newcomer.record, ACT).await.unwrap();
    play.stage
        .until("another link", async || Ok(play.record(&customer.newcomer, "checkout_url").await != old))
        .await
        .unwrap();
    play.rest().await;
    let (status, html) = play.html(&old).await;
    assert!(status == 410 && html.contains("no longer valid"), "{status} {html}");
    assert_eq!(play.submit(&old, &hash, MASTERCARD).await.stage, "revoked");
    assert_eq!(play.default_of(&customer).await, customer.card, "nothing was changed");
    let new = play.record(&customer.newcomer, "checkout_url").await;
    let nonce = play.nonce("mastercard").await;
    assert_eq!(play.give(&new, &nonce).await.stage, "changed");
    assert_eq!(play.updates(&customer).await.len(), 1, "one update");
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_p1_a_link_opens_its_own_page_alone_and_an_expired_one_none() {
    let play = Play::new().await;
    let customer = play.customer("Own Page").await;
    let url = play.invited(&customer).await;
    let foreign = url.replace("/card/", "/checkout/");
    assert_eq!(play.html(&foreign).await.0, 404, "a card link is no checkout link");
    let forged = format!("{}x", &url[..url.len() - 1]);
    let (status, html) = play.html(&forged).await;
    assert!(status == 404 && html.contains("This link does not work"), "{status} {html}");
    assert_eq!(play.submit(&forged, "none", MASTERCARD).await.status, 404);
    play.advance("P8D").await;
    let (status, html) = play.html(&url).await;
    assert!(status == 410 && html.contains("This link has expired"), "{status} {html}");
    assert_eq!(play.submit(&url, "none", MASTERCARD).await.stage, "expired");
    play.until_record(&customer.newcomer, "checkout_status", "Expired").await;
    assert_eq!(play.default_of(&customer).await, customer.card);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_18_p4_a_card_at_zohos_own_gateway_gets_a_link_too() {
    let play = Play::new().await;
    let customer = play.customer("Native").await;
    let pool = play.stage.pool();
    let ours = find(pool, LinkKind::AttioSubscription, &customer.newcomer.record).await.unwrap().unwrap();
    set_collection_owner(pool, &ours, Some(CollectionOwner::ZohoNative), "test").await.unwrap();
    play.stage.press(&customer.newcomer.record, ACT).await.unwrap();
    play.until_record(&customer.newcomer, "sync_action", "none").await;
    play.until_state(&customer, "LinkSent").await;
    play.until_record(&customer.newcomer, "checkout_status", "Link ready").await;
    let url = play.record(&customer.newcomer, "checkout_url").await;
    assert!(url.contains("/card/"), "{url}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_7_p1_another_program_asks_for_a_link_and_the_same_key_is_the_same_request() {
    let play = Play::new().await;
    let customer = play.customer("By API").await;
    let api = format!("http://{}/api/v1/card-links", play.stage.service().private);
    let new = NewToken {
        name: "shop".to_owned(),
        holder: Holder::Program,
        role: Role::Platform,
        addresses: Addresses::default(),
        days: 30,
        reason: "tested".to_owned(),
        by: "shell:test".to_owned(),
    };
    let (_, token) = tokens::create(play.stage.pool(), &new, false).await.unwrap();
    let order = async |key: &str| {
        let request = reqwest::Client::new()
            .post(&api)
            .bearer_auth(token.expose_secret())
            .header("idempotency-key", key)
            .json(&json!({"record": customer.newcomer.record}));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, first) = order("one").await;
    assert!(matches!(status, 200 | 202), "{status} {first}");
    assert!(!first.contains("/card/"), "the link is in no answer: {first}");
    let url = play.stage.checkout_url(&customer.newcomer.record).await.unwrap();
    play.rest().await;
    let (status, _) = order("one").await;
    assert!(matches!(status, 200 | 202));
    play.rest().await;
    assert_eq!(play.record(&customer.newcomer, "checkout_url").await, url, "no new link");
    assert_eq!(play.give(&url, MASTERCARD).await.stage, "changed");
    play.is_sound().await;
}
