//! One order over many sagas.

use super::{order, params, post, post_as, rehearse};
use crate::outside::{Outside, problem};
use attio_billing::access::{Holder, Role};
use attio_billing::store::append::Status;
use reqwest::{Method, StatusCode};
use sagas::kernel::effect::PracticeScript;
use sagas::kernel::ids::SagaId;
use sagas::rehearsal::{Params, Scripts};
use serde_json::{Value, json};

async fn parked(out: &Outside, name: &str) -> SagaId {
    rehearse(out, Params { park: true, ..params(name) }, "parked", |s| s.parked.is_some()).await
}

async fn unknown(out: &Outside) -> SagaId {
    let scripts = Scripts { take: PracticeScript::LostUnanswered, ..Scripts::default() };
    rehearse(out, Params { scripts, ..params("unknown") }, "looked up", |s| s.status == Status::Resolving).await
}

async fn start(out: &Outside, body: Value) -> String {
    let answer = post(out, "/bulk", body).await;
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    serde_json::from_str::<Value>(&text).unwrap()["id"].as_str().unwrap().to_owned()
}

async fn until(out: &Outside, job: &str, state: &str) -> Value {
    let mut shown = Value::Null;
    let told = out.stage.until("the job to be over", async || {
        shown = out.get(&format!("/bulk/{job}")).await;
        Ok(shown["state"] == state)
    });
    told.await.unwrap_or_else(|e| panic!("{e}: {shown}"));
    shown
}

#[tokio::test]
async fn a_job_goes_on_after_a_restart_and_tells_each_saga_once() {
    let mut out = Outside::start().await;
    let mut sagas = Vec::new();
    for n in 0..6 {
        sagas.push(parked(&out, &format!("many {n}")).await);
    }
    let left = unknown(&out).await;
    let body = json!({"verb": "resume", "kind": "rehearsal", "reason": "all clear", "per_second": 1});
    let job = start(&out, body).await;
    out.stage.until_saga(sagas[5], "resumed", |s| s.ended.is_some()).await.ok();
    out.stage.stop_service().await;
    out.stage.start_service().await.unwrap();
    let shown = until(&out, &job, "done").await;
    assert_eq!(shown["counts"], json!({"applied": 6, "left_out": 1}), "{shown}");
    for saga in sagas {
        out.stage.until_saga(saga, "ended", |s| s.ended.as_deref() == Some("completed")).await.unwrap();
        let shown: Value = out.get(&format!("/sagas/{saga}")).await;
        let resumed = shown["timeline"].as_array().unwrap().iter().filter(|e| e["name"] == "step.resumed");
        assert_eq!(resumed.count(), 1, "told once");
    }
    let items = shown["items"].as_array().unwrap();
    let out_of = items.iter().find(|item| item["saga"] == left.to_string()).unwrap();
    assert!(out_of["reason"].as_str().unwrap().contains("outcome is unknown"), "{out_of}");
    out.end().await;
}

#[tokio::test]
async fn each_saga_answers_for_itself_and_a_job_is_cancelled_in_the_middle() {
    let out = Outside::start().await;
    let (one, two) = (parked(&out, "first").await, super::waiting(&out, "second").await);
    let job = start(&out, json!({"verb": "resume", "sagas": [one, two], "reason": "x"})).await;
    let shown = until(&out, &job, "done").await;
    assert_eq!(shown["counts"], json!({"applied": 1, "refused": 1}), "{shown}");
    let reason = shown["items"].as_array().unwrap().iter().find_map(|i| i["reason"].as_str()).unwrap();
    assert!(reason.contains("it is not parked"), "{reason}");
    let again = post(&out, &format!("/bulk/{job}/cancel"), json!({})).await;
    problem(again, StatusCode::CONFLICT).await;

    for n in 0..4 {
        parked(&out, &format!("late {n}")).await;
    }
    let body = json!({"verb": "resume", "parked_code": "REHEARSAL", "reason": "x", "per_second": 1});
    let job = start(&out, body).await;
    let answer = post(&out, &format!("/bulk/{job}/cancel"), json!({})).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let shown: Value = out.get(&format!("/bulk/{job}")).await;
    assert_eq!(shown["state"], "cancelled");
    assert!(shown["counts"]["cancelled"].as_u64().unwrap() >= 2, "{shown}");
    out.end().await;
}

#[tokio::test]
async fn a_bulk_order_names_whom_and_is_one_of_two_verbs() {
    let out = Outside::start().await;
    for body in [
        json!({"verb": "resume", "reason": "x"}),
        json!({"verb": "abandon", "status": "needs_person", "reason": "x"}),
        json!({"verb": "retry", "status": "needs_person", "reason": " "}),
        json!({"verb": "retry", "status": "sleeping", "reason": "x"}),
        json!({"verb": "retry", "status": "needs_person", "reason": "x", "per_second": 0}),
        json!({"verb": "retry", "status": "needs_person", "reason": "x"}),
    ] {
        problem(post(&out, "/bulk", body).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let nobody = "/bulk/01890000-0000-7000-8000-000000000000";
    problem(out.api(Method::GET, nobody).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    out.end().await;
}

#[tokio::test]
async fn many_sagas_at_once_need_a_second_person_where_approvals_are_required() {
    let out = Outside::with(|options| options.approvals = true).await;
    for n in 0..21 {
        parked(&out, &format!("crowd {n}")).await;
    }
    let body = json!({"verb": "resume", "status": "needs_person", "reason": "x", "per_second": 100});
    let ada = out.token_of("ada", Holder::Person, Role::Operator).await;
    let answer = post_as(&out, &ada, "/bulk", body).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let job = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
    until(&out, &job, "asked").await;
    let approve = format!("/bulk/{job}/approve");
    // An admin's is not the role that approves, a program is nobody, and ada has a second token.
    let program = out.token_of("robot", Holder::Program, Role::FinanceApprover).await;
    for token in [&out.token, &ada, &program] {
        problem(post_as(&out, token, &approve, json!({})).await, StatusCode::FORBIDDEN).await;
    }
    let herself = out.token_of("ada", Holder::Person, Role::FinanceApprover).await;
    problem(post_as(&out, &herself, &approve, json!({})).await, StatusCode::CONFLICT).await;
    let grace = out.token_of("grace", Holder::Person, Role::FinanceApprover).await;
    let answer = post_as(&out, &grace, &approve, json!({})).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let shown = until(&out, &job, "done").await;
    assert_eq!(shown["counts"]["applied"], 21, "{shown}");
    // What one person may order alone goes on as before.
    let saga = super::waiting(&out, "alone").await;
    assert_eq!(order(&out, saga, json!({"verb": "pause"})).await.status(), StatusCode::OK);
    out.end().await;
}
