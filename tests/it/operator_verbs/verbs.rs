//! Each verb: obeyed, and refused with what to do.

use super::{has, line, order, ordered, params, rehearse, timeline, waiting};
use crate::outside::{Outside, problem};
use attio_billing::store::append::Status;
use attio_billing::store::{practice, settings};
use reqwest::StatusCode;
use sagas::kernel::effect::PracticeScript;
use sagas::kernel::ids::SagaId;
use sagas::rehearsal::{Params, Scripts};
use serde_json::{Value, json};

async fn obeyed(out: &Outside, saga: SagaId, verb: Value) {
    let answer = order(out, saga, verb).await;
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::OK, "{text}");
}

async fn refused(out: &Outside, saga: SagaId, verb: Value, part: &str) {
    let told = problem(order(out, saga, verb).await, StatusCode::CONFLICT).await;
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.contains(part) && detail.contains("(state: "), "expected {part}: {detail}");
    assert!(has(out, saga, "step.heard", "refused: cannot ").await, "on record");
}

async fn ended(out: &Outside, saga: SagaId, end: &str) {
    let line = out.stage.until_saga(saga, end, |s| s.ended.is_some()).await.unwrap();
    assert_eq!(line.ended.as_deref(), Some(end));
}

async fn book(out: &Outside, name: &str) -> usize {
    practice::find(out.stage.pool(), &format!("practice-{name}")).await.unwrap().len()
}

#[tokio::test]
async fn a_paused_saga_does_nothing_when_its_time_comes_and_goes_on_when_it_is_resumed() {
    let out = Outside::start().await;
    let saga = waiting(&out, "pause").await;
    obeyed(&out, saga, json!({"verb": "pause"})).await;
    let paused = line(&out, saga).await;
    assert_eq!((paused.status, paused.parked.unwrap().0.as_str()), (Status::NeedsPerson, "PAUSED"));
    refused(&out, saga, json!({"verb": "pause"}), "parked under PAUSED already").await;
    refused(&out, saga, json!({"verb": "retry"}), "it is paused").await;
    out.stage.sandbox.advance("PT2H").await.unwrap();
    out.stage.rest().await.unwrap();
    assert_eq!(line(&out, saga).await.state, "Waiting", "the missed go-ahead is kept");
    obeyed(&out, saga, json!({"verb": "resume"})).await;
    ended(&out, saga, "compensated").await;
    refused(&out, saga, json!({"verb": "pause"}), "it has ended (compensated)").await;
    out.end().await;
}

/// Turns the switch of a step, and lets the time pass for which a node's last look at the switches may be good: a call that
/// leaves within it goes by the old one, which is what the switch promises and not what is tested here.
async fn turn_note(out: &Outside, off: bool) {
    settings::set_switch(out.stage.pool(), "practice.note", off, "test", "test").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
}

#[tokio::test]
async fn what_backs_off_is_tried_now_or_later_as_ordered() {
    let out = Outside::start().await;
    turn_note(&out, true).await;
    let saga = rehearse(&out, params("retry"), "kept back", |s| s.status == Status::WaitingVendor).await;
    let later = out.stage.clock().now() + chrono::TimeDelta::days(2);
    obeyed(&out, saga, json!({"verb": "move-due", "to": later})).await;
    assert_eq!(line(&out, saga).await.due_at.map(|t| t.timestamp()), Some(later.timestamp()));
    turn_note(&out, false).await;
    obeyed(&out, saga, json!({"verb": "retry"})).await;
    ended(&out, saga, "completed").await;
    assert!(
        has(&out, saga, "step.ordered", "retry by token:bootstrap: practised").await,
        "{:?}",
        timeline(&out, saga).await
    );
    out.end().await;
}

#[tokio::test]
async fn a_refused_step_is_skipped_with_its_result_and_never_the_pivot() {
    let out = Outside::start().await;
    let scripts = Scripts { note: PracticeScript::Refuses, ..Scripts::default() };
    let parked = |s: &attio_billing::store::query::SagaLine| s.parked.is_some();
    let saga = rehearse(&out, Params { scripts, ..params("skip") }, "parked", parked).await;
    refused(&out, saga, json!({"verb": "skip", "step": "take"}), "its step is note, not take").await;
    refused(&out, saga, json!({"verb": "compensate"}), "the money was taken").await;
    obeyed(&out, saga, json!({"verb": "skip", "step": "note", "result": {"answer": "nothing"}})).await;
    ended(&out, saga, "completed").await;

    let scripts = Scripts { take: PracticeScript::Refuses, ..Scripts::default() };
    let saga = rehearse(&out, Params { scripts, ..params("pivot") }, "parked", parked).await;
    refused(&out, saga, json!({"verb": "skip", "step": "take", "reference": "x"}), "never skipped").await;
    refused(&out, saga, json!({"verb": "abandon"}), "reserve would stay half done").await;
    obeyed(&out, saga, json!({"verb": "compensate"})).await;
    ended(&out, saga, "compensated").await;
    assert_eq!(book(&out, "pivot").await, 0);
    out.end().await;
}

#[tokio::test]
async fn what_has_done_nothing_is_given_up() {
    let out = Outside::start().await;
    let scripts = Scripts { reserve: PracticeScript::Refuses, ..Scripts::default() };
    let saga = rehearse(&out, Params { scripts, ..params("abandon") }, "parked", |s| s.parked.is_some()).await;
    obeyed(&out, saga, json!({"verb": "abandon"})).await;
    ended(&out, saga, "given_up").await;
    let told = problem(order(&out, saga, json!({"verb": "resume"})).await, StatusCode::CONFLICT).await;
    assert!(told["detail"].as_str().unwrap().contains("not parked"), "{told}");
    out.end().await;
}

#[tokio::test]
async fn an_unknown_outcome_is_declared_by_what_the_vendor_shows() {
    let out = Outside::start().await;
    let resolving = |s: &attio_billing::store::query::SagaLine| s.status == Status::Resolving;
    let take = |take| Scripts { take, ..Scripts::default() };
    let scripts = take(PracticeScript::DoneUnanswered);
    let saga = rehearse(&out, Params { scripts, ..params("done") }, "looked up", resolving).await;
    refused(&out, saga, json!({"verb": "declare-done", "reference": "practice-other"}), "instead of practice-other")
        .await;
    obeyed(&out, saga, json!({"verb": "declare-done", "reference": "practice-done"})).await;
    ended(&out, saga, "completed").await;
    assert_eq!(book(&out, "done").await, 3, "an entry, one take, a note");

    let scripts = take(PracticeScript::LostUnanswered);
    let saga = rehearse(&out, Params { scripts, ..params("lost") }, "looked up", resolving).await;
    refused(&out, saga, json!({"verb": "declare-done", "reference": "practice-lost"}), "shows nothing of this call")
        .await;
    refused(&out, saga, json!({"verb": "compensate"}), "its outcome is not known").await;
    refused(&out, saga, json!({"verb": "declare-not-done"}), "missing: a clean look").await;
    out.end().await;
}

#[tokio::test]
async fn a_wait_is_moved_and_comes_then() {
    let out = Outside::start().await;
    let saga = waiting(&out, "move").await;
    let now = out.stage.clock().now();
    let to = |days| json!({"verb": "move-due", "to": now + chrono::TimeDelta::days(days)});
    refused(&out, saga, to(40), "more than 30 days").await;
    obeyed(&out, saga, to(3)).await;
    out.stage.sandbox.advance("P1D").await.unwrap();
    out.stage.rest().await.unwrap();
    assert_eq!(line(&out, saga).await.state, "Waiting");
    out.stage.sandbox.advance("P3D").await.unwrap();
    ended(&out, saga, "compensated").await;
    out.end().await;
}

#[tokio::test]
async fn a_preview_writes_nothing_and_an_order_on_an_old_one_is_stale() {
    let out = Outside::start().await;
    let saga = waiting(&out, "preview").await;
    let compensate = json!({"order": {"verb": "compensate"}, "reason": "look"});
    let before = line(&out, saga).await.sequence;
    let answer = ordered(&out, saga, "preview", compensate.clone()).await;
    let shown: Value = answer.json().await.unwrap();
    assert_eq!(shown["sequence"], before);
    let names: Vec<_> = shown["events"].as_array().unwrap().iter().map(|e| e["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["step.ordered", "CalledOff", "step.unwinding", "step.requested"]);
    assert_eq!(shown["next_call"]["operation"], "practice.unreserve");
    assert_eq!(shown["next_call"]["undo"], true);
    assert_eq!(line(&out, saga).await.sequence, before, "nothing was written");
    let answer = ordered(&out, saga, "preview", json!({"order": {"verb": "retry"}, "reason": "look"})).await;
    let shown: Value = answer.json().await.unwrap();
    assert!(shown["refused"].as_str().unwrap().contains("no step is open"), "{shown}");

    obeyed(&out, saga, json!({"verb": "pause"})).await;
    let stale = json!({"order": {"verb": "compensate"}, "reason": "look", "if_sequence": before});
    let told = problem(ordered(&out, saga, "orders", stale).await, StatusCode::CONFLICT).await;
    assert_eq!(told["code"], "stale");
    assert!(told["detail"].as_str().unwrap().contains("has moved on"), "{told}");
    out.end().await;
}

#[tokio::test]
async fn of_two_operators_at_once_one_wins() {
    let out = Outside::start().await;
    let saga = waiting(&out, "race").await;
    let sequence = line(&out, saga).await.sequence;
    let body = |verb: &str| json!({"order": {"verb": verb}, "reason": "at once", "if_sequence": sequence});
    let (one, two) =
        tokio::join!(ordered(&out, saga, "orders", body("compensate")), ordered(&out, saga, "orders", body("pause")));
    let mut statuses = [one.status(), two.status()];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
    let orders = timeline(&out, saga).await.iter().filter(|(name, _)| name == "step.ordered").count();
    assert_eq!(orders, 1);
    out.end().await;
}

#[tokio::test]
async fn a_bad_order_is_refused_before_it_is_stored() {
    let out = Outside::start().await;
    let saga = waiting(&out, "bad").await;
    for body in [
        json!({"order": {"verb": "pause"}}),
        json!({"order": {"verb": "pause"}, "reason": "  "}),
        json!({"order": {"verb": "forget"}, "reason": "x"}),
        json!({"order": {"verb": "skip"}, "reason": "x"}),
        json!({"order": {"verb": "skip", "step": "take", "reference": "a", "result": {}}, "reason": "x"}),
        json!({"order": {"verb": "skip", "step": "take", "result": {"answer": "maybe"}}, "reason": "x"}),
        json!({"order": {"verb": "move-due", "to": "tomorrow"}, "reason": "x"}),
        json!({"order": {"verb": "declare-done"}, "reason": "x"}),
    ] {
        problem(ordered(&out, saga, "orders", body).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let nobody = SagaId::derived("verbs", &["nobody"]);
    for path in ["orders", "preview"] {
        let body = json!({"order": {"verb": "pause"}, "reason": "x"});
        problem(ordered(&out, nobody, path, body).await, StatusCode::NOT_FOUND).await;
    }
    assert!(!has(&out, saga, "step.heard", "refused").await, "nothing came to the saga");
    out.end().await;
}
