//! Presses of CRM users on what is active.

use super::play::Play;
use crate::store_support::eur;
use attio_billing::demo::SignUp;
use reqwest::StatusCode;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p6_a_press_cancels_at_once_asks_about_the_money_and_lets_the_product_go() {
    let play = Play::new().await;
    let sold = play.sold("Leaving").await;
    play.press(&sold.record, "Cancel now").await;
    let parked = play.until(&sold.zoho, "MoneyDecision").await;
    assert_eq!(parked.parked.as_ref().map(|(code, ..)| code.as_str()), Some("MONEY_DECISION"));
    assert_eq!(play.subscription_status(&sold.zoho).await, "cancelled");
    play.until_record(&sold.record, "subscription_status", "Cancelled").await;
    let asked = play.record(&sold.record, "action_needed").await;
    assert!(asked.contains("`nothing`, `prorated`, `full` or `credit`") && asked.contains("/choice"), "{asked}");
    assert_eq!(play.record(&sold.record, "ending_reason").await, "Cancelled in Attio");
    assert_eq!(play.fences().await, 1, "until it is chosen nothing is charged");

    let choice = json!({"give_back": "prorated", "reason": "as the contract says"});
    let (status, answer) = play.choose(&play.ada, &sold.zoho, choice).await;
    assert_eq!((status, play.state(&sold.zoho).await.as_str()), (StatusCode::OK, "Closed"), "{answer:#}");
    assert_eq!(play.record(&sold.record, "action_needed").await, "");
    assert_eq!(play.record(&sold.record, "ends_on").await, "2026-06-09");
    let books = play.books().await;
    // Cancelled on the first of thirty days.
    let ordered = play.refunds().await;
    assert_eq!(ordered.iter().map(|refund| refund.amount).collect::<Vec<_>>(), [Some(eur(4_737))], "{ordered:#?}");
    assert_eq!(play.events(&sold.zoho, "GiveBackOrdered").await, 1);
    assert!(!books["attio"]["tasks"].to_string().contains("Give back"), "the order is enough");
    assert_eq!(play.fences().await, 0);

    // The product was let go: the company may buy it again.
    let again = play.out.stage.further(&sold.company, &SignUp::new("Leaving", play.out.stage.plan())).await.unwrap();
    play.out.stage.press(&again.record, "Start").await.unwrap();
    play.out.stage.checkout_url(&again.record).await.unwrap();
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_press_ends_it_with_its_term_another_takes_that_back_and_a_third_lets_it_end() {
    let play = Play::new().await;
    let sold = play.sold("Undecided").await;
    play.press(&sold.record, "Cancel at term end").await;
    play.until(&sold.zoho, "Scheduled").await;
    play.until_record(&sold.record, "subscription_status", "Ending").await;
    assert_eq!(play.subscription_status(&sold.zoho).await, "non_renewing");
    let ends_on = play.record(&sold.record, "ends_on").await;
    assert!(ends_on.starts_with("2026-07-0"), "{ends_on}");

    play.press(&sold.record, "Reactivate").await;
    play.until(&sold.zoho, "GoesOn").await;
    play.until_record(&sold.record, "subscription_status", "Active").await;
    assert_eq!(play.subscription_status(&sold.zoho).await, "live");
    assert_eq!(play.record(&sold.record, "ends_on").await, "");

    play.press(&sold.record, "Cancel at term end").await;
    play.until(&sold.zoho, "Scheduled").await;
    let sales = play.calls("braintree", "transaction.sale").await;
    play.advance("P32D").await;
    let closed = play.until(&sold.zoho, "Closed").await;
    assert_eq!(closed.ended.as_deref(), Some("completed"));
    play.until_record(&sold.record, "subscription_status", "Cancelled").await;
    assert_eq!(play.calls("braintree", "transaction.sale").await, sales, "nothing is charged after the end");
    assert_eq!(play.fences().await, 0);
    play.is_sound().await;

    play.press(&sold.record, "Reactivate").await;
    let told = play.record(&sold.record, "last_error").await;
    assert!(told.contains("`Reactivate` was not carried out") && told.contains("start a new one"), "{told}");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s2_28_e1_a_press_on_a_record_without_a_subscription_is_answered_with_what_to_do() {
    let play = Play::new().await;
    let stage = &play.out.stage;
    let newcomer = stage.newcomer(&SignUp::new("Nobody", stage.plan())).await.unwrap();
    for act in ["Cancel now", "Cancel at term end", "Reactivate"] {
        play.press(&newcomer.record, act).await;
        let told = play.record(&newcomer.record, "last_error").await;
        assert!(told.starts_with(&format!("`{act}` was not carried out: ")), "{told}");
        assert!(told.contains("no subscription of ours is linked"), "{told}");
    }
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_what_is_still_being_activated_is_called_off_by_its_activation() {
    let play = Play::new().await;
    let stage = &play.out.stage;
    let newcomer = stage.newcomer(&SignUp::new("Regretful", stage.plan())).await.unwrap();
    stage.press(&newcomer.record, "Start").await.unwrap();
    stage.checkout_url(&newcomer.record).await.unwrap();
    let order = json!({"record": newcomer.record, "act": "cancel_now", "reason": "thought better of it"});
    let (status, answer) = play.order(&play.ada, "regret", &order).await;
    assert_eq!(
        (status, answer["saga"]["kind"].as_str()),
        (StatusCode::OK, Some("subscription_activation")),
        "{answer:#}"
    );
    play.until_record(&newcomer.record, "subscription_status", "Cancelled").await;
    assert_eq!(play.order(&play.ada, "regret", &order).await.0, StatusCode::OK, "the same order again");
    play.end().await;
}
