//! A bank that wants to hear from the customer: 3-D Secure, as the page's own scripts do it.

use super::play::{GOOD, Play};
use attio_billing::checkout::CONSENT_VERSION;
use attio_billing::demo::{Shown, SignUp};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Every bank wants the customer to authenticate, from now on.
async fn banks_ask(play: &Play) {
    play.act(json!({"vendor": "braintree", "act": "set_authentication_required", "on": true})).await;
}

/// What the page's own script gets from us.
async fn ours(url: &str, path: &str, body: &Value) -> (u16, Value) {
    let post = reqwest::Client::new().post(format!("{url}/{path}")).header("sec-fetch-site", "same-origin").json(body);
    let answer = post.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// What Braintree's script does with a nonce where the bank lets it pass: another nonce, for that amount.
async fn authenticated(url: &str, nonce: &str, amount: &Value) -> String {
    let (_, token) = ours(url, "client-token", &json!({})).await;
    let inside = STANDARD.decode(token["client_token"].as_str().unwrap()).unwrap();
    let inside: Value = serde_json::from_slice(&inside).unwrap();
    let api = inside["clientApiUrl"].as_str().unwrap();
    let body = json!({"authorizationFingerprint": inside["authorizationFingerprint"], "amount": amount});
    let lookup = format!("{api}/v1/payment_methods/{nonce}/three_d_secure/lookup");
    let said: Value = reqwest::Client::new().post(lookup).json(&body).send().await.unwrap().json().await.unwrap();
    said["paymentMethod"]["nonce"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned()
}

async fn submit(play: &Play, url: &str, with: Value) -> Shown {
    let mut body = with;
    body["quote_hash"] = play.stage.checkout_state(url).await.unwrap().quote_hash.into();
    body["consent_version"] = CONSENT_VERSION.into();
    play.stage.submit(url, &body).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_a_new_card_is_authenticated_and_pays_and_what_the_gateway_said_is_kept() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Asked By The Bank", play.stage.plan())).await;
    assert_eq!(ours(&url, "authentication", &json!({})).await.0, 422, "no bank asked");
    banks_ask(&play).await;
    assert_eq!(play.stage.pay(&url, GOOD).await.unwrap().stage, "needs_authentication");
    assert_eq!(play.live().await.len(), 0);
    assert!(play.record(&newcomer, "last_error").await.contains("authenticate"));

    let (status, begun) = ours(&url, "authentication", &json!({})).await;
    assert_eq!((status, &begun["amount"], &begun["card"]), (200, &json!("49.00"), &Value::Null));
    assert!(begun["email"].as_str().unwrap().contains('@'), "{begun}");
    let nonce = authenticated(&url, &play.nonce("visa").await, &begun["amount"]).await;
    let shown = submit(&play, &url, json!({"nonce": nonce, "authenticated": true})).await;
    assert_eq!(shown.stage, "paid", "{}", play.history(&newcomer).await);
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
    let kept: i64 = sqlx::query_scalar("select count(*) from event where payload like '%authenticate_successful%'")
        .fetch_one(play.stage.pool())
        .await
        .unwrap();
    assert!(kept > 0, "the gateway's word is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_a_card_on_file_is_authenticated_by_a_nonce_of_its_own_and_stored_once() {
    let play = Play::new().await;
    let known = play.active("Asked Regular").await;
    let (further, url) = play.buys_another_product(&known).await;
    let (_, html) = play.html(&url).await;
    let card = html.split(r#"name="card" value=""#).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    banks_ask(&play).await;
    assert_eq!(submit(&play, &url, json!({"card_on_file": card})).await.stage, "needs_authentication");

    let foreign = json!({"card_on_file": "0".repeat(32)});
    assert_eq!(ours(&url, "authentication", &foreign).await.0, 422, "somebody else's card");
    let (_, begun) = ours(&url, "authentication", &json!({"card_on_file": card})).await;
    assert_eq!(begun["amount"], "30.00");
    let nonce = authenticated(&url, begun["card"]["nonce"].as_str().unwrap(), &begun["amount"]).await;
    let shown = submit(&play, &url, json!({"card_on_file": card, "nonce": nonce, "authenticated": true})).await;
    assert_eq!(shown.stage, "paid", "{}", play.history(&further).await);
    play.until_record(&further, "subscription_status", "Active").await;
    play.is_collected(&[3_000, 4_900]).await;
    let live = play.live().await;
    assert_eq!(live[0]["token"], live[1]["token"], "the same card");
    assert_eq!(play.books().await["braintree"]["payment_methods"].as_array().unwrap().len(), 1, "stored once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_a_page_that_lies_about_an_authentication_is_refused_by_the_gateway() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Liar", play.stage.plan())).await;
    banks_ask(&play).await;
    assert_eq!(play.stage.pay(&url, GOOD).await.unwrap().stage, "needs_authentication");
    let plain = play.nonce("visa").await;
    let shown = submit(&play, &url, json!({"nonce": plain, "authenticated": true})).await;
    assert_eq!(shown.stage, "declined", "{}", play.history(&newcomer).await);
    assert_eq!(play.live().await.len(), 0);
    // For less than is held: the gateway compares.
    let less = authenticated(&url, &play.nonce("visa").await, &json!("1.00")).await;
    let shown = submit(&play, &url, json!({"nonce": less, "authenticated": true})).await;
    assert_eq!((shown.stage.as_str(), play.live().await.len()), ("declined", 0));
    let good = authenticated(&url, &play.nonce("visa").await, &json!("49.00")).await;
    assert_eq!(submit(&play, &url, json!({"nonce": good, "authenticated": true})).await.stage, "paid");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
}
