//! Links that do not open a page, or not any more. None of them ever reaches a card.

use super::play::{GOOD, OTHER, Play};
use attio_billing::checkout::CONSENT_VERSION;
use attio_billing::demo::{Shown, SignUp};
use attio_billing::keys::Keys;
use reqwest::header::ORIGIN;
use sagas::kernel::effect::CheckoutLink;
use secrecy::ExposeSecret;
use serde_json::json;

async fn submits(play: &Play, url: &str, quote: &str) -> Shown {
    let body = json!({"quote_hash": quote, "consent_version": CONSENT_VERSION, "nonce": OTHER});
    play.stage.submit(url, &body).await.unwrap()
}

/// The status with which a token for the card fields is answered.
async fn asks_for_card_fields(url: &str) -> u16 {
    let own = reqwest::Url::parse(url).unwrap().origin().ascii_serialization();
    let request = reqwest::Client::new().post(format!("{url}/client-token")).header(ORIGIN, own);
    request.json(&json!({})).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_was_not_made_here_opens_nothing() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Forger", play.stage.plan())).await;
    let quote = play.stage.checkout_state(&url).await.unwrap().quote_hash;
    let saga = play.saga(&newcomer).await.id;
    let origin = reqwest::Url::parse(&url).unwrap().origin().ascii_serialization();
    let minted = |secret: &str, number| {
        let keys = Keys::new(&secret.into(), &origin);
        keys.checkout_address(CheckoutLink { saga, number }).expose_secret().to_owned()
    };
    let ours = play.stage.config().secret_key.expose_secret().to_owned();
    assert_eq!(minted(&ours, 1), url, "this is how links are made");
    let altered = format!("{}{}", &url[..url.len() - 1], if url.ends_with('A') { 'B' } else { 'A' });
    for forged in [
        minted("the secret of another installation", 1),
        minted(&ours, 2),
        altered,
        format!("{origin}/checkout/%00"),
        format!("{origin}/checkout/x"),
    ] {
        let (status, html) = play.html(&forged).await;
        assert_eq!(status, 404, "{forged}");
        assert!(html.contains("This link does not work") && !html.contains("card-number"), "{html}");
        assert_eq!(play.stage.checkout_state(&forged).await.unwrap().status, 404, "{forged}");
        assert_eq!(submits(&play, &forged, &quote).await.status, 404, "{forged}");
        assert_eq!(asks_for_card_fields(&forged).await, 404, "{forged}");
    }
    play.rest().await;
    assert_eq!(play.calls("braintree", "transaction.sale").await, 0);
    assert_eq!(play.live().await.len(), 0);
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_an_expired_link_takes_no_payment() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Late", play.stage.plan())).await;
    let quote = play.stage.checkout_state(&url).await.unwrap().quote_hash;
    play.advance("P8D").await;
    let (status, html) = play.html(&url).await;
    assert!(status == 410 && html.contains("This link has expired"), "{status} {html}");
    let shown = submits(&play, &url, &quote).await;
    assert_eq!(shown.stage, "expired", "{shown:?}");
    assert_eq!(asks_for_card_fields(&url).await, 422);
    play.until_record(&newcomer, "checkout_status", "Expired").await;
    assert_eq!(play.record(&newcomer, "checkout_url").await, "");
    assert_eq!(play.calls("braintree", "transaction.sale").await, 0);
    play.is_undone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_a_link_that_was_used_shows_what_was_paid_and_takes_nothing_more() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Once", play.stage.plan())).await;
    let quote = play.stage.checkout_state(&url).await.unwrap().quote_hash;
    assert_eq!(play.stage.pay(&url, GOOD).await.unwrap().stage, "paid");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    let shown = submits(&play, &url, &quote).await;
    assert_eq!(shown.stage, "paid", "{shown:?}");
    assert_eq!(asks_for_card_fields(&url).await, 422);
    assert_eq!(play.calls("braintree", "transaction.sale").await, 1);
    play.is_collected(&[4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_was_replaced_is_withdrawn_and_the_newer_one_pays() {
    let play = Play::new().await;
    let (newcomer, old) = play.invited(SignUp::new("Lost The Mail", play.stage.plan())).await;
    let quote = play.stage.checkout_state(&old).await.unwrap().quote_hash;
    play.rest().await;
    play.press(&newcomer, "Resend link").await;
    let new = play.stage.checkout_url(&newcomer.record).await.unwrap();
    assert_ne!(new, old);
    assert_eq!(play.subjects().await.len(), 2, "it is sent");
    let (status, html) = play.html(&old).await;
    assert!(status == 410 && html.contains("This link is no longer valid"), "{status} {html}");
    let shown = submits(&play, &old, &quote).await;
    assert_eq!(shown.stage, "revoked", "{shown:?}");
    assert_eq!(asks_for_card_fields(&old).await, 422);
    assert_eq!(play.calls("braintree", "transaction.sale").await, 0);
    assert_eq!(play.stage.pay(&new, GOOD).await.unwrap().stage, "paid");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
}
