//! Operators' verbs from outside: over the API and the command line, with the real engine, on rehearsals.

mod approvals;
mod bulk;
mod explain;
mod line;
mod verbs;

use crate::outside::Outside;
use attio_billing::engine::items::Body;
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::query::SagaLine;
use reqwest::{Method, Response};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::{Money, currency};
use sagas::kernel::saga::Saga;
use sagas::rehearsal::{Command, Params, Rehearsal, Scripts};
use serde_json::{Value, json};

pub(crate) fn params(name: &str) -> Params {
    Params {
        name: name.to_owned(),
        amount: Money::new(1_000, currency("EUR").unwrap()),
        scripts: Scripts::default(),
        park: false,
        await_seconds: None,
    }
}

/// Starts a rehearsal and waits until it is as wanted.
pub(crate) async fn rehearse(out: &Outside, params: Params, what: &str, rests: impl Fn(&SagaLine) -> bool) -> SagaId {
    let saga = SagaId::derived("verbs", &[&params.name]);
    let command = serde_json::to_value(Command::Start { params }).unwrap();
    let item = NewItem {
        saga,
        saga_kind: Rehearsal::NAME.to_owned(),
        kind: "operator.rehearse".to_owned(),
        principal: "operator:test".to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: None,
    };
    let store = &out.stage.service().store;
    offer_item(&store.pool, store.node.shard_count(), &item, &[]).await.unwrap();
    out.stage.service().engine.wake();
    out.stage.until_saga(saga, what, rests).await.unwrap();
    saga
}

/// One that waits for a go-ahead for an hour, with its entry in the book.
pub(crate) async fn waiting(out: &Outside, name: &str) -> SagaId {
    let params = Params { await_seconds: Some(3_600), ..params(name) };
    rehearse(out, params, "waiting", |s| s.state == "Waiting").await
}

pub(crate) async fn order(out: &Outside, saga: SagaId, order: Value) -> Response {
    ordered(out, saga, "orders", json!({"order": order, "reason": "practised"})).await
}

pub(crate) async fn ordered(out: &Outside, saga: SagaId, path: &str, body: Value) -> Response {
    out.api(Method::POST, &format!("/sagas/{saga}/{path}")).json(&body).send().await.unwrap()
}

pub(crate) async fn post_as(out: &Outside, token: &str, path: &str, body: Value) -> Response {
    out.api_as(token, Method::POST, path).json(&body).send().await.unwrap()
}

pub(crate) async fn post(out: &Outside, path: &str, body: Value) -> Response {
    out.api(Method::POST, path).json(&body).send().await.unwrap()
}

pub(crate) async fn line(out: &Outside, saga: SagaId) -> SagaLine {
    out.stage.saga(saga).await.unwrap().unwrap()
}

/// Names and texts of the saga's events.
pub(crate) async fn timeline(out: &Outside, saga: SagaId) -> Vec<(String, String)> {
    let shown: Value = out.get(&format!("/sagas/{saga}")).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    shown["timeline"].as_array().unwrap().iter().map(|e| (text(&e["name"]), text(&e["summary"]))).collect()
}

pub(crate) async fn has(out: &Outside, saga: SagaId, name: &str, part: &str) -> bool {
    timeline(out, saga).await.iter().any(|(event, summary)| event == name && summary.contains(part))
}
