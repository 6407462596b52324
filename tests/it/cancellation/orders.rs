//! Orders over the API: who may, what is taken once, and what is refused.

use super::play::Play;
use attio_billing::demo::Wish;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_taken_once_and_answers_with_the_subscriptions_one_saga() {
    let play = Play::new().await;
    let customer = play.out.stage.new_customer(&Wish::new("Once", 4_900)).await.unwrap();
    play.until_stream(&customer.first_invoice, &["AwaitSettlement"]).await;
    let zoho = customer.zoho_subscription.clone();
    let order = json!({"zoho_subscription": zoho, "act": "cancel_at_end", "reason": "moved away"});
    let (status, first) = play.order(&play.support, "k1", &order).await;
    assert_eq!((status, first["saga"]["kind"].as_str()), (StatusCode::OK, Some("cancellation")), "{first:#}");
    play.until(&zoho, "Scheduled").await;
    let (status, again) = play.order(&play.support, "k1", &order).await;
    assert_eq!((status, &again["saga"]["id"]), (StatusCode::OK, &first["saga"]["id"]));
    assert_eq!(play.events(&zoho, "CancellationOrdered").await, 1);
    let other = json!({"zoho_subscription": zoho, "act": "reactivate", "reason": "stays"});
    assert_eq!(play.order(&play.support, "k1", &other).await.0, StatusCode::CONFLICT, "the key is another order's");
    assert_eq!(play.order(&play.support, "k2", &other).await.0, StatusCode::OK);
    play.until(&zoho, "GoesOn").await;
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_cannot_be_carried_out_is_answered_with_what_to_do() {
    let play = Play::new().await;
    let record = "5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01";
    let order = |more: Value| {
        let mut order = json!({"act": "cancel_now", "reason": "x"});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    for (body, status, told) in [
        (order(json!({})), StatusCode::UNPROCESSABLE_ENTITY, "name the subscription"),
        (order(json!({"record": record, "zoho_subscription": "1"})), StatusCode::UNPROCESSABLE_ENTITY, "not by both"),
        (order(json!({"record": "x"})), StatusCode::UNPROCESSABLE_ENTITY, "no record id"),
        (order(json!({"zoho_subscription": "x"})), StatusCode::UNPROCESSABLE_ENTITY, "no id of Zoho's"),
        (order(json!({"record": record})), StatusCode::NOT_FOUND, "no subscription of ours"),
        (order(json!({"record": record, "reason": " "})), StatusCode::UNPROCESSABLE_ENTITY, "reason"),
    ] {
        let (answered, answer) = play.order(&play.ada, "k", &body).await;
        assert_eq!(answered, status, "{body} {answer:#}");
        assert!(answer.to_string().contains(told), "{told}: {answer:#}");
    }
    let keyless = play.out.api_as(&play.ada, Method::POST, "/cancellations").json(&order(json!({"record": record})));
    assert_eq!(keyless.send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);

    let customer = play.out.stage.new_customer(&Wish::new("Support", 4_900)).await.unwrap();
    play.until_stream(&customer.first_invoice, &["AwaitSettlement"]).await;
    let zoho = customer.zoho_subscription.clone();
    let choosing = order(json!({"zoho_subscription": zoho, "give_back": "full"}));
    assert_eq!(play.order(&play.support, "k3", &choosing).await.0, StatusCode::FORBIDDEN, "money is finance's");
    let stranger = order(json!({"zoho_subscription": "424242"}));
    play.order(&play.ada, "k4", &stranger).await;
    play.until("424242", "Refused").await;
    play.end().await;
}
