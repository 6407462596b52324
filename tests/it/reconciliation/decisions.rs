//! What people decide about findings: who may, when two must, and what brings a finding back.

use super::play::{Play, acts, found};
use attio_billing::access::{Holder, Role};
use reqwest::{Method, StatusCode};
use serde_json::json;

/// Somebody records a part of one sale once more, on another invoice, and nobody told us.
async fn record_again(play: &Play, invoice: &str, sale: &str, amount: i64) {
    play.out.stage.sandbox.webhooks(&json!({"vendor": "zoho", "drop_next": 5})).await.unwrap();
    play.act(json!({"vendor": "zoho", "act": "record_payment", "invoice_id": invoice, "amount": amount,
        "reference_number": sale}))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_that_is_set_aside_stays_so_until_it_says_something_else() {
    let play = Play::new().await;
    let customer = play.customer("Recorded Twice").await;
    let sale = play.sale(&customer.first_invoice).await;
    let decline = json!({"vendor": "braintree", "act": "set_card_behaviour", "token": customer.token,
        "decline_code": "2001"});
    play.act(decline).await;
    let open = play.out.stage.renew(&customer, 2_000).await.unwrap();
    play.rest().await;
    record_again(&play, &open, &sale, 500).await;
    play.advance("PT2H").await;
    let report = play.compare(&["R2", "R3"]).await;
    assert!(found(&report).contains(&("D09", sale.as_str())), "{report:#}");
    let finding = play.finding("D09").await;
    assert_eq!((finding["amount_minor"].as_i64(), finding["severity"].as_u64()), (Some(500), Some(2)));

    let operator = play.out.token_of("olga", Holder::Person, Role::Operator).await;
    let (status, told) = play.decide(&operator, &finding, "ignore").await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("in the queue of finance"), "{told}");
    let auditor = play.out.token_of("abe", Holder::Person, Role::Auditor).await;
    assert_eq!(play.decide(&auditor, &finding, "ignore").await.0, StatusCode::FORBIDDEN);

    let path = format!("/reconciliation/findings/{}/decide", finding["id"].as_str().unwrap());
    let silent = play.post(&play.finance, &path, &json!({"decision": "ignore", "reason": " "})).await;
    assert_eq!(silent.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, told) = play.decide(&play.finance, &finding, "ignore").await;
    assert_eq!((status, told["outcome"].as_str()), (StatusCode::OK, Some("done")), "{told}");
    assert_eq!(play.decide(&play.finance, &finding, "ignore").await.0, StatusCode::CONFLICT);
    assert!(!play.open().await.iter().any(|(code, _)| code == "D09"));

    play.compare(&["R2", "R3"]).await;
    assert_eq!(play.finding("D09").await["state"], "ignored", "it says what it said");
    record_again(&play, &open, &sale, 300).await;
    play.compare(&["R2", "R3"]).await;
    let finding = play.finding("D09").await;
    assert_eq!((finding["state"].as_str(), finding["occurrences"].as_u64()), (Some("open"), Some(3)));
    assert_eq!(acts(&finding), ["opened", "ignore", "reopened"], "no act of its own");
    let last = finding["acts"].as_array().unwrap().iter().find(|act| act["act"] == "ignore").unwrap();
    assert_eq!((last["by"].as_str(), last["reason"].as_str()), (Some("token:fay"), Some("the test says so")));

    // Settled by hand and seen again, it is open again.
    assert_eq!(play.decide(&play.finance, &finding, "settle").await.0, StatusCode::OK);
    play.compare(&["R2", "R3"]).await;
    assert_eq!(play.finding("D09").await["state"], "open");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finding_of_severity_1_is_set_aside_by_two_people_alone() {
    let play = Play::with(|options| options.approvals = true).await;
    let customer = play.customer("Two Eyes").await;
    play.out.stage.sandbox.webhooks(&json!({"vendor": "zoho", "drop_next": 5})).await.unwrap();
    play.act(json!({"vendor": "zoho", "act": "turn_on_auto_collect", "subscription_id": customer.zoho_subscription}))
        .await;
    play.compare(&["R7"]).await;
    let finding = play.finding("D30").await;

    let (status, told) = play.decide(&play.finance, &finding, "ignore").await;
    assert_eq!((status, told["outcome"].as_str()), (StatusCode::ACCEPTED, Some("waits for a second person")));
    assert_eq!(
        play.decide(&play.finance, &finding, "ignore").await.0,
        StatusCode::ACCEPTED,
        "twice is still one person"
    );
    assert_eq!(play.finding("D30").await["state"], "open");
    let operator = play.out.token_of("olga", Holder::Person, Role::Operator).await;
    assert_eq!(play.decide(&operator, &finding, "ignore").await.0, StatusCode::FORBIDDEN);
    let program = play.out.token_of("robot", Holder::Program, Role::FinanceApprover).await;
    assert_eq!(play.agree(&program, &finding, "ignore").await.0, StatusCode::FORBIDDEN);
    let approver = play.out.token_of("finn", Holder::Person, Role::FinanceApprover).await;
    assert_eq!(play.agree(&approver, &finding, "settle").await.0, StatusCode::FORBIDDEN, "nobody asked for that");
    let (status, told) = play.agree(&approver, &finding, "ignore").await;
    assert_eq!((status, told["outcome"].as_str()), (StatusCode::OK, Some("done")), "{told}");
    let finding = play.finding("D30").await;
    let ignored = finding["acts"].as_array().unwrap().iter().find(|act| act["act"] == "ignore").unwrap();
    assert_eq!(ignored["by"], "token:fay, token:finn");

    // As CSV for whoever may export.
    let csv = async |token: &str| {
        let path = "/reconciliation/findings.csv?state=all";
        play.out.api_as(token, Method::GET, path).send().await.unwrap()
    };
    assert_eq!(csv(&operator).await.status(), StatusCode::FORBIDDEN);
    let lines = csv(&approver).await.text().await.unwrap();
    assert!(lines.starts_with("title,code,severity,state,") && lines.contains("Two collectors · D30,D30,1,ignored"));
    play.out.end().await;
}
