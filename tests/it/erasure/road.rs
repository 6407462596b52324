//! Erasures over the API, to the end and after it.

use super::play::Play;
use attio_billing::store::erasing;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p6_a_customer_is_erased_here_and_at_every_vendor_and_it_is_certified() {
    let play = Play::new().await;
    let bought = play.bought("Forgetme").await;
    let named = async || play.inbox("select count(*) from inbox where body <> ''").await;
    assert!(named().await > 0, "deliveries came");
    play.request(&bought).await;
    assert_eq!(play.state(&bought).await, "Previewed");
    // Who asked does not agree to it, nor does another role.
    let confirm = format!("/erasures/{}/confirm", play.saga(&bought));
    for (token, status) in [(&play.ada, StatusCode::CONFLICT), (&play.fay, StatusCode::FORBIDDEN)] {
        let (is, answer) = play.post(token, &confirm, &json!({"preview": 1, "reason": "mine"})).await;
        assert_eq!(is, status, "{answer:#}");
    }
    let certificate = format!("/erasures/{}/certificate", play.saga(&bought));
    let none = play.out.api_as(&play.ada, Method::GET, &certificate).send().await.unwrap();
    assert_eq!(none.status(), StatusCode::NOT_FOUND, "nothing is certified yet");
    let kept = erasing::left(play.out.stage.pool(), &bought.ours).await.unwrap();
    // The row, and copies of what vendors were given.
    let copies = "select count(*) from profile_copy";
    assert!(play.inbox(copies).await > 0 && kept.people > 1 && kept.consents > 0, "{kept:?}");

    play.confirmed(&bought).await;
    // Here: nothing, and the log names nobody and is whole.
    let left = erasing::left(play.out.stage.pool(), &bought.ours).await.unwrap();
    assert!(left.is_nothing(), "{left:?}");
    assert_eq!(play.inbox(copies).await, 0);
    let log: Vec<String> =
        sqlx::query_scalar("select payload from event").fetch_all(play.out.stage.pool()).await.unwrap();
    assert!(log.iter().all(|event| !event.contains("forgetme") && !event.contains("Alex")), "an event names them");
    crate::proof::invariants::hold(play.out.stage.pool()).await;
    // At the vendors: the address stands nowhere that we write.
    let books = play.books().await;
    for vendor in ["attio", "zoho", "braintree"] {
        let people = books[vendor].to_string();
        assert!(!people.contains("forgetme-"), "{vendor} has the address");
    }
    // The certificate says what stays, why and until when, and names nobody.
    let told = play.out.api_as(&play.ada, Method::GET, &certificate).send().await.unwrap();
    let told: Value = told.json().await.unwrap();
    let certified = &told["certificate"];
    assert_eq!((&certified["law"], &certified["in_time"]), (&json!("gdpr"), &json!(true)), "{told:#}");
    assert_eq!((&certified["requested_by"], &certified["confirmed_by"]), (&json!("token:ada"), &json!("token:bob")));
    let rest = certified["places"].as_array().unwrap().iter().find(|place| !place["rest"].is_null()).unwrap();
    assert_eq!(rest["place"]["place"], "zoho_billing", "{told:#}");
    assert!(rest["rest"]["until"].as_str().unwrap().starts_with("2036-06-"), "{rest:#}");
    assert!(!told.to_string().contains(&bought.name), "{told:#}");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_a_late_delivery_about_somebody_who_was_erased_is_dropped_and_counted() {
    let play = Play::new().await;
    let bought = play.erased("Lateword").await;
    let body = json!({"event_id": "late-1", "event_type": "card_expiring", "data": {"customer": {
        "customer_id": bought.zoho_customer, "display_name": "Alex Lateword", "email": "lateword@example.org"}}});
    let answer = play.out.zoho(body.to_string()).await;
    assert!(answer.status().is_success(), "{}", answer.status());
    let (state, reason) = play.out.fate("zoho").await;
    assert_eq!((state.as_str(), reason.as_str()), ("ignored", "it is about somebody who was erased"));
    play.rest().await;
    let dropped = "select count(*) from inbox where reason = 'it is about somebody who was erased' and body = ''";
    assert!(play.inbox(dropped).await >= 1);
    let left = erasing::left(play.out.stage.pool(), &bought.ours).await.unwrap();
    assert!(left.is_nothing(), "{left:?}");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_a_refund_afterwards_works_by_the_transaction_without_the_person() {
    let play = Play::new().await;
    let bought = play.erased("Giveback").await;
    let books = play.books().await;
    let sales = books["braintree"]["transactions"].as_array().unwrap();
    let sale = sales.iter().find(|sale| sale["status"] == "settled").expect("it is settled")["id"].clone();
    let refund = json!({"transaction": sale, "source": "forgive", "why": "goodwill", "reason": "late regret"});
    let (status, answer) = play.post(&play.fay, "/refunds", &refund).await;
    assert!(status.is_success(), "{answer:#}");
    let id = answer["saga"]["id"].as_str().unwrap().parse().unwrap();
    let saga = sagas::kernel::ids::SagaId(id);
    let given = play.out.stage.until_saga(saga, "given back", |line| line.state.contains("Settle")).await;
    let line = play.out.stage.saga(saga).await.unwrap();
    assert!(given.is_ok(), "{line:#?}");
    let left = erasing::left(play.out.stage.pool(), &bought.ours).await.unwrap();
    assert!(left.is_nothing(), "{left:?}");
    play.out.end().await;
}
