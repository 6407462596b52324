//! Operators' verbs from outside: over the API and the command line, with the real engine, on rehearsals.

mod approvals;
mod bulk;
mod explain;
mod line;
mod verbs;

use crate::outside::Outside;
pub(crate) use crate::rehearsals::{params, rehearse};
use attio_billing::store::query::SagaLine;
use reqwest::{Method, Response};
use sagas::kernel::ids::SagaId;
use sagas::rehearsal::Params;
use serde_json::{Value, json};

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
