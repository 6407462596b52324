//! Verbs that need a second person.

use super::{has, line, order, post_as, waiting};
use crate::outside::{Outside, problem};
use attio_billing::access::{Holder, Role};
use attio_billing::engine::items::Body;
use attio_billing::store::backlog::await_item;
use attio_billing::store::items::{ItemState, NewItem, offer_item};
use reqwest::StatusCode;
use sagas::kernel::ids::SagaId;
use sagas::kernel::verb::Verb;
use serde_json::{Value, json};
use std::time::Duration;

async fn asked(out: &Outside, saga: SagaId, verb: &str) -> String {
    let answer = order(out, saga, json!({"verb": verb})).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let told: Value = answer.json().await.unwrap();
    assert_eq!(told["state"], "requested", "{told}");
    told["request"].as_str().unwrap().to_owned()
}

async fn answer(out: &Outside, request: &str, verb: &str, token: &str) -> reqwest::Response {
    post_as(out, token, &format!("/requests/{request}/{verb}"), json!({"reason": "looked at it"})).await
}

async fn approver(out: &Outside, name: &str) -> String {
    out.token_of(name, Holder::Person, Role::FinanceApprover).await
}

#[tokio::test]
async fn a_money_verb_waits_for_another_person_and_both_names_are_on_record() {
    let out = Outside::with(|options| options.approvals = true).await;
    let saga = waiting(&out, "two persons").await;
    let before = line(&out, saga).await.sequence;
    let request = asked(&out, saga, "compensate").await;
    assert_eq!(asked(&out, saga, "compensate").await, request, "asked twice is one request");
    assert_eq!(line(&out, saga).await.sequence, before, "nothing happened yet");
    // Who asked has a token of the other role, too: it is the same person. A program is nobody.
    let told = problem(answer(&out, &request, "approve", &out.token).await, StatusCode::FORBIDDEN).await;
    assert!(told["detail"].as_str().unwrap().ends_with("finance_approver may"), "{told}");
    let program = out.token_of("robot", Holder::Program, Role::FinanceApprover).await;
    let told = problem(answer(&out, &request, "approve", &program).await, StatusCode::FORBIDDEN).await;
    assert!(told["detail"].as_str().unwrap().contains("not a person's token"), "{told}");

    let (grace, linus) = (approver(&out, "grace").await, approver(&out, "linus").await);
    let (one, two) = tokio::join!(answer(&out, &request, "approve", &grace), answer(&out, &request, "approve", &linus));
    let mut statuses = [one.status(), two.status()];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT], "one answer counts");
    out.stage.until_saga(saga, "undone", |s| s.ended.as_deref() == Some("compensated")).await.unwrap();
    let named = has(&out, saga, "step.ordered", "compensate by token:bootstrap, approved by token:").await;
    assert!(named);
    let open: Vec<Value> = out.get("/requests").await;
    assert!(open.is_empty(), "{open:?}");
    let all: Vec<Value> = out.get("/requests?all=true").await;
    assert_eq!((all.len(), all[0]["state"].as_str()), (1, Some("approved")));
    out.end().await;
}

#[tokio::test]
async fn a_request_ends_when_it_is_rejected_or_the_saga_moves_on() {
    let out = Outside::with(|options| options.approvals = true).await;
    let saga = waiting(&out, "rejected").await;
    let request = asked(&out, saga, "compensate").await;
    let grace = &approver(&out, "grace").await;
    let empty = post_as(&out, grace, &format!("/requests/{request}/reject"), json!({})).await;
    problem(empty, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(answer(&out, &request, "reject", grace).await.status(), StatusCode::OK);
    problem(answer(&out, &request, "approve", grace).await, StatusCode::CONFLICT).await;

    let request = asked(&out, saga, "compensate").await;
    // One person is enough for this, and the saga has moved on by it.
    assert_eq!(order(&out, saga, json!({"verb": "pause"})).await.status(), StatusCode::OK);
    let told = problem(answer(&out, &request, "approve", grace).await, StatusCode::CONFLICT).await;
    assert!(told["detail"].as_str().unwrap().contains("expired"), "{told}");
    assert_eq!(line(&out, saga).await.parked.unwrap().0, "PAUSED");
    let saga = waiting(&out, "old").await;
    let request = asked(&out, saga, "abandon").await;
    sqlx::query("update approval set asked_at = asked_at - interval '25 hours'")
        .execute(out.stage.pool())
        .await
        .unwrap();
    let told = problem(answer(&out, &request, "approve", grace).await, StatusCode::CONFLICT).await;
    assert!(told["detail"].as_str().unwrap().contains("expired"), "{told}");
    let nobody = "01890000-0000-7000-8000-000000000000";
    problem(answer(&out, nobody, "approve", grace).await, StatusCode::NOT_FOUND).await;
    out.end().await;
}

#[tokio::test]
async fn whoever_asked_takes_it_back_and_never_approves_it() {
    let out = Outside::with(|options| options.approvals = true).await;
    let saga = waiting(&out, "own").await;
    let ada = out.token_of("ada", Holder::Person, Role::Operator).await;
    let body = json!({"order": {"verb": "compensate"}, "reason": "practised"});
    let asked = post_as(&out, &ada, &format!("/sagas/{saga}/orders"), body).await;
    let request = asked.json::<Value>().await.unwrap()["request"].as_str().unwrap().to_owned();
    let herself = approver(&out, "ada").await;
    let told = problem(answer(&out, &request, "approve", &herself).await, StatusCode::CONFLICT).await;
    assert_eq!(told["code"], "same_person");
    let other = out.token_of("otto", Holder::Person, Role::Operator).await;
    problem(answer(&out, &request, "reject", &other).await, StatusCode::FORBIDDEN).await;
    assert_eq!(answer(&out, &request, "reject", &ada).await.status(), StatusCode::OK);
    out.end().await;
}

#[tokio::test]
async fn no_way_leads_past_the_second_person() {
    let out = Outside::with(|options| options.approvals = true).await;
    let saga = waiting(&out, "no way").await;
    let store = &out.stage.service().store;
    let body = Body::Verb {
        verb: Verb::Compensate,
        reason: "alone".to_owned(),
        approver: None,
        if_sequence: None,
        bulk: false,
    };
    let item = NewItem {
        saga,
        saga_kind: "rehearsal".to_owned(),
        kind: "operator.compensate".to_owned(),
        principal: "operator:ada".to_owned(),
        body: body.text(),
        waiting_key: None,
        idempotency_key: None,
    };
    let item = offer_item(&store.pool, store.node.shard_count(), &item, &[]).await.unwrap();
    out.stage.service().engine.wake();
    let item = await_item(&store.pool, item, Duration::from_secs(10)).await.unwrap();
    assert_eq!(item.state, ItemState::Refused);
    assert!(item.reason.unwrap().contains("needs a second person"));
    out.end().await;
}
