//! A running sandbox, a client for it, and a listener that its webhooks reach.

use crate::published;
use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use reqwest::{Method, Response, StatusCode};
use sandbox::{World, server};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch};

/// A sandbox of its own for one test.
pub(crate) struct Sandbox {
    pub(crate) world: Arc<World>,
    pub(crate) addr: SocketAddr,
    pub(crate) client: reqwest::Client,
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        published::hold_to(&self.world);
    }
}

impl Sandbox {
    pub(crate) async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let world = Arc::new(World::default());
        tokio::spawn(server::serve(listener, world.clone(), std::future::pending()));
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
        Self { world, addr, client }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// A call to Attio with the key; the body is sent only where it is not null.
    pub(crate) async fn try_attio(&self, method: Method, path: &str, body: &Value) -> reqwest::Result<Response> {
        let call = self.client.request(method, self.url(path)).bearer_auth(&self.world.credentials.attio.api_key);
        if body.is_null() { call.send().await } else { call.json(body).send().await }
    }

    /// Status and JSON of a call to Attio.
    pub(crate) async fn attio(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self.try_attio(method, path, &body).await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// The `data` of a call to Attio that must succeed.
    pub(crate) async fn attio_ok(&self, method: Method, path: &str, body: Value) -> Value {
        let (status, answer) = self.attio(method, path, body).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
        answer["data"].clone()
    }

    /// Status and code of a call to Attio that must fail.
    pub(crate) async fn attio_refused(&self, method: Method, path: &str, body: Value) -> (u16, String) {
        let (status, answer) = self.attio(method, path, body).await;
        assert_eq!(answer["status_code"], status.as_u16(), "{answer}");
        (status.as_u16(), answer["code"].as_str().unwrap().to_owned())
    }

    /// A call to the control API.
    pub(crate) async fn control(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let call = self.client.request(method, self.url(&format!("/control{path}")));
        let call = if body.is_null() { call } else { call.json(&body) };
        let answer = call.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// An act in Attio's own pages.
    pub(crate) async fn attio_staff(&self, act: Value) -> Value {
        let mut order = json!({"vendor": "attio"});
        order.as_object_mut().unwrap().extend(act.as_object().unwrap().clone());
        self.order("/staff", order).await
    }

    /// A call to the control API that must succeed.
    pub(crate) async fn order(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.control(Method::POST, path, body).await;
        assert!(status.is_success(), "{path}: {answer}");
        answer
    }

    /// Polls the control API until `wanted` is found there.
    pub(crate) async fn until<T>(&self, path: &str, wanted: impl Fn(&Value) -> Option<T>) -> T {
        for _ in 0..400 {
            let (_, seen) = self.control(Method::GET, path, Value::Null).await;
            if let Some(found) = wanted(&seen) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (_, seen) = self.control(Method::GET, path, Value::Null).await;
        panic!("never seen at {path}, last: {seen:#}");
    }

    /// Makes an object with a unique `external_id`.
    pub(crate) async fn subscriptions(&self) {
        let object = json!({"data": {"api_slug": "subscriptions", "singular_noun": "Subscription", "plural_noun": "Subscriptions"}});
        self.attio_ok(Method::POST, "/v2/objects", object).await;
        self.attribute("subscriptions", "external_id", "text", json!({"is_unique": true})).await;
    }

    /// Makes an attribute; `with` overrides the plain one's keys.
    pub(crate) async fn attribute(&self, object: &str, slug: &str, kind: &str, with: Value) -> Value {
        let mut data = json!({"title": slug, "description": null, "api_slug": slug, "type": kind, "is_required": false,
            "is_unique": false, "is_multiselect": false, "config": {}});
        data.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        self.attio_ok(Method::POST, &format!("/v2/objects/{object}/attributes"), json!({ "data": data })).await
    }

    /// Makes a record and answers its id.
    pub(crate) async fn record(&self, object: &str, values: Value) -> String {
        let path = format!("/v2/objects/{object}/records");
        let record = self.attio_ok(Method::POST, &path, json!({"data": {"values": values}})).await;
        record["id"]["record_id"].as_str().unwrap().to_owned()
    }
}

/// What a listener got.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// Takes webhooks at `/webhooks`, answering the statuses in store first, then 200.
#[derive(Clone)]
pub(crate) struct Listener {
    pub(crate) url: String,
    got: watch::Sender<Vec<Received>>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
}

impl Listener {
    pub(crate) async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks", socket.local_addr().unwrap());
        let listener = Self { url, got: watch::Sender::default(), statuses: Arc::default() };
        let own = listener.clone();
        let take = move |headers: HeaderMap, body: Bytes| async move {
            own.got.send_modify(|got| got.push(Received { headers, body }));
            let status = own.statuses.lock().unwrap().pop_front().unwrap_or(200);
            axum::http::StatusCode::from_u16(status).unwrap()
        };
        let router = Router::new().route("/webhooks", post(take));
        tokio::spawn(async move { axum::serve(socket, router).await });
        listener
    }

    pub(crate) fn answer(&self, statuses: impl IntoIterator<Item = u16>) {
        self.statuses.lock().unwrap().extend(statuses);
    }

    /// All that came so far, once it is at least this much.
    pub(crate) async fn received(&self, at_least: usize) -> Vec<Received> {
        let mut got = self.got.subscribe();
        let came = tokio::time::timeout(Duration::from_secs(10), got.wait_for(|got| got.len() >= at_least)).await;
        let came = came.map(|open| open.expect("the listener holds the other end").clone());
        came.unwrap_or_else(|_| panic!("{} of {at_least} webhooks came", self.got.borrow().len()))
    }
}
