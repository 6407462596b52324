//! What a press in Attio is answered with, where it begins nothing new.

use super::play::{GOOD, Play};
use attio_billing::demo::{Newcomer, SignUp};
use attio_billing::store::customers::{CustomerLinks, link_customer};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_a_second_press_while_the_link_is_open_is_answered_by_the_same_activation() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Impatient", play.stage.plan())).await;
    play.rest().await;
    play.press(&newcomer, "Start").await;
    assert_eq!(play.sagas(&newcomer).await.len(), 1, "no second one begins");
    assert_eq!(play.record(&newcomer, "checkout_url").await, url, "and the link is still the same");
    assert_eq!(play.record(&newcomer, "subscription_status").await, "Awaiting payment method");
    assert_eq!(play.subjects().await.len(), 1, "nobody gets a second letter");
    assert_eq!(play.stage.pay(&url, GOOD).await.unwrap().stage, "paid");
    play.until_record(&newcomer, "subscription_status", "Active").await;
    play.is_collected(&[4_900]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_a_press_on_what_is_active_is_refused_with_the_cure_and_the_record_stays_active() {
    let play = Play::new().await;
    let active = play.active("Twice").await;
    let before = play.stage.subscription_record(&active.record).await.unwrap();
    play.press(&active, "Start").await;
    let after = play.stage.subscription_record(&active.record).await.unwrap();
    let told = after["last_error"].as_str().unwrap_or_default();
    assert!(told.contains("is a subscription already") && told.contains("`Change plan`"), "{told}");
    for shown in ["subscription_status", "payment_status", "quote_text", "amount", "next_billing_at", "external_id"] {
        assert_eq!(after[shown], before[shown], "{shown}: nothing that is true is taken off the record");
    }
    play.is_collected(&[4_900]).await;

    // The same product on a record of its own: the customer has it.
    let again = play.stage.further(&active.company, &SignUp::new("Twice", "team-monthly")).await.unwrap();
    play.press(&again, "Start").await;
    let told = play.record(&again, "last_error").await;
    assert!(told.contains("this customer and product") && told.contains("`Change plan`"), "{told}");
    assert_eq!(play.record(&again, "subscription_status").await, "Draft");
    play.is_collected(&[4_900]).await;
    assert_eq!(play.live_subscriptions().await.len(), 1);
}

/// A subscription record with these values.
async fn record(play: &Play, name: &str, values: Value) -> Newcomer {
    let mut all = json!({"name": [name]});
    all.as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
    let act = json!({"vendor": "attio", "act": "create_record", "object": "subscriptions", "values": all});
    let made = play.act(act).await;
    let record = made["id"]["record_id"].as_str().unwrap().to_owned();
    Newcomer { name: name.to_owned(), company: String::new(), record }
}

async fn company(play: &Play, name: &str) -> String {
    let act = json!({"vendor": "attio", "act": "create_record", "object": "companies", "values": {"name": [name]}});
    play.act(act).await["id"]["record_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_record_that_lacks_something_is_refused_in_a_sentence_and_nothing_is_left_behind() {
    let play = Play::new().await;
    let to = |object: &str, id: &str| json!([{"target_object": object, "target_record_id": id}]);
    let nobody = company(&play, "Nobody To Write To").await;
    // The record of the plan comes with the first that is sold.
    let unreachable = play.stage.further(&nobody, &SignUp::new("Unreachable", play.stage.plan())).await.unwrap();
    let books = play.books().await;
    let plan = to("service_plans", books["attio"]["records"]["service_plans"][0]["record_id"].as_str().unwrap());
    let company = to("companies", &nobody);
    let half = json!({"customer_company": company, "plan": plan, "quantity": [0.5]});
    let asked = [
        (unreachable, "lacks"),
        (record(&play, "No Customer", json!({"plan": plan})).await, "No customer is named"),
        (record(&play, "No Plan", json!({"customer_company": company})).await, "No plan is named"),
        (record(&play, "Half A Seat", half).await, "whole number"),
    ];
    for (newcomer, told) in &asked {
        play.press(newcomer, "Start").await;
        let shown = play.record(newcomer, "last_error").await;
        assert!(shown.contains(told) && shown.contains("press again"), "{}: {shown}", newcomer.name);
        assert_eq!(play.record(newcomer, "checkout_url").await, "", "no link");
        assert_eq!(play.saga(newcomer).await.ended.as_deref(), Some("given_up"));
    }
    assert_eq!(play.subjects().await, Vec::<String>::new(), "nobody is written to");
    play.is_undone().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_customer_who_is_billed_in_another_currency_is_refused_with_the_cure() {
    let play = Play::new().await;
    let newcomer = play.stage.newcomer(&SignUp::new("Dollar", play.stage.plan())).await.unwrap();
    let zoho = play
        .act(
            json!({"vendor": "zoho", "act": "create_customer", "display_name": "Dollar", "email": "dollar@example.org",
            "currency_code": "USD"}),
        )
        .await;
    let links = CustomerLinks {
        customer: "dollar".to_owned(),
        zoho_customer: zoho["customer_id"].as_str().map(str::to_owned),
        attio_company: Some(newcomer.company.clone()),
        ..CustomerLinks::default()
    };
    link_customer(play.stage.pool(), &links, "test").await.unwrap();
    play.press(&newcomer, "Start").await;
    let shown = play.record(&newcomer, "last_error").await;
    assert!(shown.contains("billed in USD") && shown.contains("Choose a `Plan` in USD"), "{shown}");
    play.is_undone().await;
}
