//! Whoever is on trial buys: the activation takes the product over.

use super::play::Play;
use attio_billing::demo::SignUp as Wish;
use serde_json::json;

const ADA: &str = "ada@gmail.com";
const GOOD: &str = "fake-valid-nonce";

/// A subscription record of the person, on which `Start` is pressed; the link that the customer gets.
async fn invited(play: &Play) -> (String, String) {
    let (person, _) = play.person(ADA).await;
    let stage = &play.out.stage;
    let made = stage.newcomer(&Wish::new("Ada", stage.plan())).await.unwrap();
    for (attribute, value) in [
        ("customer_company", json!([])),
        ("customer_person", json!([{"target_object": "people", "target_record_id": person}])),
    ] {
        let set = json!({"vendor": "attio", "act": "set_value", "object": "subscriptions", "record_id": made.record,
            "attribute": attribute, "value": value});
        stage.sandbox.staff(&set).await.unwrap();
    }
    stage.press(&made.record, "Start").await.unwrap();
    let url = stage.checkout_url(&made.record).await.unwrap();
    play.rest().await;
    (made.record, url)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_trial_that_is_bought_is_converted() {
    let play = Play::new().await;
    play.signs_up("u-1", ADA, json!({})).await;
    let (_, url) = invited(&play).await;
    play.is("u-1", "Converting").await;
    assert_eq!(play.out.stage.pay(&url, GOOD).await.unwrap().stage, "paid");
    play.rest().await;
    play.advance("PT7H").await;
    play.is("u-1", "Converted").await;
    let line = play.saga("u-1").await;
    assert_eq!(line.ended.as_deref(), Some("completed"));
    let (_, shown) =
        play.ask(&play.platform, reqwest::Method::GET, "/signups/u-1", &serde_json::Value::Null, None).await;
    assert!(shown["ids"]["zoho_customer"].is_string() && shown["ids"]["platform_user"] == "u-1", "{shown}");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_checkout_that_is_called_off_gives_the_product_back_to_the_trial() {
    let play = Play::new().await;
    play.signs_up("u-1", ADA, json!({})).await;
    let (record, _) = invited(&play).await;
    play.is("u-1", "Converting").await;
    play.out.stage.press(&record, "Cancel now").await.unwrap();
    play.rest().await;
    play.advance("PT1H").await;
    play.is("u-1", "Trial").await;
    play.advance("P15D").await;
    play.is("u-1", "Expired").await;
    play.end().await;
}
