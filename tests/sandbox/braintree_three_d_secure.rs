//! 3-D Secure at the simulated Braintree gateway: what a browser's script asks, what the issuer says, and what a sale
//! makes of it. The script itself is driven in a browser: `tests/browser/three-d-secure.test.js`.

use crate::braintree::{Answer, Gateway};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A page with a client token.
struct Browser {
    bt: Gateway,
    fingerprint: Value,
    config_url: String,
}

impl Browser {
    async fn open() -> Self {
        let bt = Gateway::open().await;
        let token = bt.post("/client_token", &json!({"client_token": {"version": 2}})).await;
        let inside: Value = serde_json::from_slice(&STANDARD.decode(token.first("value")).unwrap()).unwrap();
        assert_eq!(inside["threeDSecureEnabled"], true);
        let config_url = inside["configUrl"].as_str().unwrap().to_owned();
        Self { bt, fingerprint: inside["authorizationFingerprint"].clone(), config_url }
    }

    async fn ask(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let mut body = body;
        body["authorizationFingerprint"] = self.fingerprint.clone();
        let url = format!("{}/client_api/v1/payment_methods/{path}", self.bt.url);
        let answer = self.bt.client.post(url).json(&body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn tokenize(&self, number: &str) -> String {
        let card = json!({"number": number, "expirationMonth": "01", "expirationYear": "2030", "cvv": "123"});
        let (_, made) = self.ask("credit_cards", json!({"creditCard": card})).await;
        made["creditCards"][0]["nonce"].as_str().unwrap().to_owned()
    }

    async fn look_up(&self, nonce: &str, more: Value) -> (StatusCode, Value) {
        let mut body = more;
        if body.get("amount").is_none() {
            body["amount"] = json!("10.00");
        }
        self.ask(&format!("{nonce}/three_d_secure/lookup"), body).await
    }

    /// The nonce of a card that its issuer lets pass for 10.00, or not.
    async fn authenticated(&self, number: &str) -> (String, Value) {
        let (status, found) = self.look_up(&self.tokenize(number).await, json!({})).await;
        assert_eq!((status, &found["lookup"]["acsUrl"]), (StatusCode::CREATED, &Value::Null));
        (found["paymentMethod"]["nonce"].as_str().unwrap().to_owned(), found["threeDSecureInfo"].clone())
    }

    /// What the cardholder does on the issuer's page: the issuer's signature.
    async fn answer_issuer(&self, lookup: &Value, confirmed: bool) -> (StatusCode, Value) {
        let base = self.bt.world.base_url();
        let url = format!("{base}/issuer/{}", lookup["transactionId"].as_str().unwrap());
        let shown: Value = match self.bt.client.get(&url).send().await.unwrap() {
            answer if answer.status() == StatusCode::OK => answer.json().await.unwrap(),
            answer => return (answer.status(), Value::Null),
        };
        assert_eq!(shown["amount"], "EUR 10.00");
        let answer = self.bt.client.post(&url).json(&json!({"confirmed": confirmed})).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn exchange(&self, nonce: &Value, jwt: &Value) -> (StatusCode, Value) {
        let path = format!("{}/three_d_secure/authenticate_from_jwt", nonce.as_str().unwrap());
        self.ask(&path, json!({"jwt": jwt, "paymentMethodNonce": nonce})).await
    }

    async fn sell(&self, nonce: &str, more: &Value) -> Answer {
        let mut sale = json!({"type": "sale", "amount": "10.00", "payment_method_nonce": nonce, "order_id": nonce});
        for (name, value) in more.as_object().unwrap() {
            sale[name] = value.clone();
        }
        self.bt.post("/transactions", &json!({"transaction": sale})).await
    }
}

fn required() -> Value {
    json!({"options": {"three_d_secure": {"required": true}}})
}

#[tokio::test]
async fn a_card_that_passes_at_once_shifts_the_liability_for_its_amount_and_once() {
    let page = Browser::open().await;
    let plain = page.tokenize("4000000000001000").await;
    let (_, found) = page.look_up(&plain, json!({"amount": 10})).await;
    let info = &found["threeDSecureInfo"];
    assert_eq!((&info["liabilityShifted"], &info["status"]), (&json!(true), &json!("authenticate_successful")));
    let nonce = found["paymentMethod"]["nonce"].as_str().unwrap();
    assert_ne!(nonce, plain);
    assert_eq!(page.look_up(&plain, json!({})).await.0, StatusCode::NOT_FOUND);
    let other = page.sell(nonce, &json!({"amount": "11.00"})).await;
    assert_eq!((other.code(), other.status), ("91585", StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(page.sell(nonce, &json!({"merchant_account_id": "sandbox_usd"})).await.code(), "91584");
    let sold = page.sell(nonce, &required()).await;
    assert_eq!(sold.status, StatusCode::CREATED);
    assert!(sold.text.contains("<liability-shifted type=\"boolean\">true</liability-shifted>"));
    assert_eq!((sold.first("eci-flag"), sold.first("pares-status")), ("05", "Y"));
    assert_eq!(sold.first("cavv"), info["cavv"].as_str().unwrap());
    assert_eq!(page.sell(nonce, &required()).await.code(), "91564");
}

#[tokio::test]
async fn each_test_card_answers_as_published_and_only_a_shift_passes_where_it_is_required() {
    let page = Browser::open().await;
    for (number, status, passes) in [
        ("4111111111111111", "authenticate_successful", true),
        ("4000000000002701", "authenticate_successful", true),
        ("5200000000001021", "authenticate_attempt_successful", true),
        ("4000000000001018", "authenticate_frictionless_failed", false),
        ("4000000000001034", "authenticate_unable_to_authenticate", false),
        ("4000000000001042", "authenticate_rejected", false),
        ("4000000000001059", "authentication_unavailable", false),
        ("4000000000001067", "lookup_error", false),
        ("4000000000001075", "lookup_failed_acs_error", false),
        ("4000000000001083", "lookup_bypassed", false),
    ] {
        let (nonce, info) = page.authenticated(number).await;
        assert_eq!((&info["status"], &info["liabilityShifted"]), (&json!(status), &json!(passes)), "{number}");
        let sold = page.sell(&nonce, &required()).await;
        assert_eq!(sold.status == StatusCode::CREATED, passes, "{number}");
        assert_eq!(sold.first("gateway-rejection-reason"), if passes { "" } else { "three_d_secure" }, "{number}");
    }
    let never = page.tokenize("4000000000001000").await;
    assert_eq!(page.sell(&never, &required()).await.first("message"), "Gateway Rejected: three_d_secure");
}

#[tokio::test]
async fn a_challenge_is_answered_once_and_by_the_card_and_the_cardholder() {
    let page = Browser::open().await;
    for (number, confirmed, status) in [
        ("4000000000001091", true, "authenticate_successful"),
        ("4000000000001091", false, "authenticate_failed"),
        ("4000000000001109", true, "authenticate_failed"),
        ("4000000000001117", true, "authenticate_unable_to_authenticate"),
        ("4000000000001125", true, "authenticate_error"),
        ("4000000000001000", true, "authenticate_successful"),
    ] {
        let wish = json!({"challengeRequested": number == "4000000000001000"});
        let (_, found) = page.look_up(&page.tokenize(number).await, wish).await;
        assert_eq!(found["threeDSecureInfo"]["status"], "challenge_required", "{number}");
        let nonce = &found["paymentMethod"]["nonce"];
        let (_, signed) = page.answer_issuer(&found["lookup"], confirmed).await;
        assert_eq!(page.answer_issuer(&found["lookup"], true).await.0, StatusCode::NOT_FOUND);
        assert_eq!(page.exchange(nonce, &json!("x.y.z")).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        let (_, done) = page.exchange(nonce, &signed["jwt"]).await;
        let info = &done["threeDSecureInfo"];
        assert_eq!((&info["status"], &info["lookup"]["transStatus"]), (&json!(status), &json!("C")), "{number}");
        assert_eq!(page.exchange(nonce, &signed["jwt"]).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        let sold = page.sell(done["paymentMethod"]["nonce"].as_str().unwrap(), &required()).await;
        assert_eq!(sold.status == StatusCode::CREATED, status == "authenticate_successful", "{number}");
    }
    let (_, unanswered) = page.look_up(&page.tokenize("4000000000001091").await, json!({})).await;
    let nonce = unanswered["paymentMethod"]["nonce"].as_str().unwrap();
    assert_eq!(page.sell(nonce, &required()).await.first("gateway-rejection-reason"), "three_d_secure");
    let (_, late) = page.look_up(&page.tokenize("4000000000001091").await, json!({})).await;
    page.bt.advance(TimeDelta::hours(4));
    assert_eq!(page.answer_issuer(&late["lookup"], true).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_decline_that_asks_for_the_cardholder_is_lifted_by_an_authentication() {
    let page = Browser::open().await;
    let declined = page.sell(&page.tokenize("4111111111111111").await, &json!({"amount": "2099.00"})).await;
    assert_eq!(declined.first("processor-response-code"), "2099");
    assert_eq!(declined.first("processor-response-type"), "soft_declined");
    for (amount, status) in [("2099.00", StatusCode::CREATED), ("2001.00", StatusCode::UNPROCESSABLE_ENTITY)] {
        let (_, found) = page.look_up(&page.tokenize("4111111111111111").await, json!({"amount": amount})).await;
        let nonce = found["paymentMethod"]["nonce"].as_str().unwrap();
        assert_eq!(page.sell(nonce, &json!({"amount": amount})).await.status, status, "{amount}");
    }
    page.bt.staff(&json!({"act": "set_authentication_required", "on": true})).unwrap();
    let plain = page.tokenize("4111111111111111").await;
    assert_eq!(page.sell(&plain, &json!({})).await.first("processor-response-code"), "2099");
    let (nonce, _) = page.authenticated("4111111111111111").await;
    assert_eq!(page.sell(&nonce, &json!({"transaction_source": "recurring_first"})).await.status, StatusCode::CREATED);
    let later = page.tokenize("4111111111111111").await;
    assert_eq!(page.sell(&later, &json!({"transaction_source": "recurring"})).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_stored_card_that_asks_for_its_holder_is_charged_by_an_authenticated_nonce_of_its_own() {
    let page = Browser::open().await;
    page.bt.vault("m-1");
    page.bt.staff(&json!({"act": "set_card_behaviour", "token": "m-1", "decline_code": "2099"})).unwrap();
    let made = page.bt.post("/payment_methods/m-1/nonces", &json!({})).await;
    let (_, found) = page.look_up(made.first("nonce"), json!({"challengeRequested": true})).await;
    let (_, signed) = page.answer_issuer(&found["lookup"], true).await;
    let (_, done) = page.exchange(&found["paymentMethod"]["nonce"], &signed["jwt"]).await;
    let nonce = done["paymentMethod"]["nonce"].as_str().unwrap();
    let seen = page.bt.get(&format!("/payment_method_nonces/{nonce}")).await;
    assert_eq!((seen.first("status"), seen.first("enrolled")), ("authenticate_successful", "Y"));
    let sold = page.sell(nonce, &required()).await;
    assert_eq!((sold.status, sold.first("token")), (StatusCode::CREATED, "m-1"));
    let spent = page.bt.get(&format!("/payment_method_nonces/{nonce}")).await;
    assert!(spent.text.contains("<consumed type=\"boolean\">true</consumed>"));
    let again = json!({"type": "sale", "amount": "10.00", "payment_method_token": "m-1", "order_id": "o-2"});
    let again = page.bt.post("/transactions", &json!({"transaction": again})).await;
    assert_eq!(again.first("processor-response-code"), "2099");
}

#[tokio::test]
async fn an_authentication_is_lost_in_the_vault_and_kept_by_a_verification() {
    let page = Browser::open().await;
    page.bt.vault("m-1");
    for verify in [false, true] {
        let (nonce, _) = page.authenticated("4000000000001000").await;
        let method = json!({"customer_id": "c-m-1", "payment_method_nonce": nonce, "options": {"verify_card": verify}});
        let stored = page.bt.post("/payment_methods", &json!({"payment_method": method})).await;
        assert_eq!(stored.status, StatusCode::CREATED);
        assert_eq!(stored.text.contains("authenticate_successful"), verify);
        let sale = json!({"type": "sale", "amount": "10.00", "payment_method_token": stored.first("token"),
            "order_id": nonce, "options": {"three_d_secure": {"required": true}}});
        let sold = page.bt.post("/transactions", &json!({"transaction": sale})).await;
        assert_eq!(sold.first("gateway-rejection-reason"), "three_d_secure");
    }
}

#[tokio::test]
async fn a_lookup_needs_the_merchants_token_a_good_amount_and_a_merchant_with_3d_secure() {
    let page = Browser::open().await;
    let nonce = page.tokenize("4111111111111111").await;
    let url = format!("{}/client_api/v1/payment_methods/{nonce}/three_d_secure/lookup", page.bt.url);
    let stranger = page.bt.client.post(url).json(&json!({"amount": "1.00"})).send().await.unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
    for amount in [json!("-1"), json!("1.001"), json!(true), Value::Null] {
        let (status, _) = page.look_up(&nonce, json!({"amount": amount})).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    page.bt.staff(&json!({"act": "set_three_d_secure", "on": false})).unwrap();
    assert_eq!(page.look_up(&nonce, json!({})).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let url = format!("{}?authorization_fingerprint={}", page.config_url, page.fingerprint.as_str().unwrap());
    let config: Value = page.bt.client.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!((&config["threeDSecureEnabled"], config.get("threeDSecure")), (&json!(false), None));
}
