//! How many webhooks a second are verified and durable before their answer, beside a handler that only inserts them: the
//! same requests, the same connections, the same Postgres.

use super::part::Part;
use crate::clock::RealClock;
use crate::connectors::braintree::webhook::KeyPair;
use crate::http;
use crate::intake::{Intake, Trusted};
use crate::metrics::Metrics;
use crate::store::{Store, open, yardstick};
use anyhow::{Context, ensure};
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sha2::Sha256;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

/// What both sides of the measurement know.
const SECRET: &str = "the secret of a webhook that is measured";
/// As Attio delivers a changed record.
const BODY: &str = r#"{"webhook_id":"8e0e2a4c-54d8-4e6a-b0ac-2d9fd1cd7b3c","events":[{"event_type":"record.updated","id":{"workspace_id":"14beef7a-99f7-4534-a87e-70b564330a4c","object_id":"97052eb9-e65e-443f-a297-f2d9a4a7f795","record_id":"bf071e1f-6035-429d-b874-d83ea64ea13b","attribute_id":"41252299-f8c7-4b5e-99c9-4ff8321d2f96"},"actor":{"type":"workspace-member","id":"50cf242c-7fa3-4cad-87d0-75b1af71c57b"}}]}"#;
/// Connections of the bare handler to Postgres.
const POOL: u32 = 24;

/// Who takes the webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Taker {
    /// The service's own listener: verified, told apart from those that came before, durable before the answer.
    Ours,
    /// A handler of axum and sqlx: one insert a request, nothing verified.
    Bare,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Taken {
    /// By whom.
    pub taker: Taker,
    /// Connections, each with one request at a time.
    pub connections: usize,
    /// Webhooks a second, each on disk before its answer.
    pub per_second: f64,
    /// Half of them took no longer, in milliseconds.
    pub p50_ms: f64,
    /// 99 in 100 took no longer, in milliseconds.
    pub p99_ms: f64,
}

/// The service's routes for webhooks, on a migrated database. What a delivery means is found out elsewhere, later.
pub(super) async fn ours(url: &SecretString) -> anyhow::Result<axum::Router> {
    let store = Store::open(url.expose_secret(), &super::stamp(), "bench", super::lease()).await?;
    let none = SecretString::from("nothing is signed with it");
    let braintree = KeyPair { public_key: "bench".to_owned(), private_key: none.clone() };
    let trusted = Trusted { attio: Some(SECRET.into()), attio_before: None, braintree, zoho: none };
    let intake = Intake::new(store, trusted, Arc::new(RealClock));
    Ok(http::webhooks(Arc::new(intake), Metrics::default()))
}

/// The handler that it is measured against.
pub(super) async fn bare(url: &SecretString) -> anyhow::Result<axum::Router> {
    let pool = PgPoolOptions::new().max_connections(POOL).connect(url.expose_secret()).await?;
    yardstick::prepare_deliveries(&pool).await?;
    Ok(axum::Router::new().route("/webhooks/attio", post(insert)).with_state(pool))
}

async fn insert(State(pool): State<PgPool>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default();
    match yardstick::deliver(&pool, Uuid::now_v7(), key, &body).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Measures one taker on an empty database.
///
/// # Errors
/// The database cannot be used, or a request is refused.
pub async fn measure(
    taker: Taker,
    database_url: &SecretString,
    connections: usize,
    warm: Duration,
    length: Duration,
) -> anyhow::Result<Taken> {
    open::migrate_url(database_url.expose_secret()).await?;
    let part = match taker {
        Taker::Ours => Part::Webhooks,
        Taker::Bare => Part::BareWebhooks,
    };
    let part = part.start(Some(database_url), None).await?;
    let host = part.address.trim_start_matches("http://").to_owned();
    let from = Instant::now() + warm;
    let senders: Vec<_> = (0..connections).map(|_| tokio::spawn(send(host.clone(), from, from + length))).collect();
    let mut took = Vec::new();
    for sender in senders {
        took.extend(sender.await??);
    }
    took.sort_unstable();
    let per_second = super::load::rate(took.len(), length);
    let (p50_ms, p99_ms) = (super::load::quantile(&took, 50), super::load::quantile(&took, 99));
    Ok(Taken { taker, connections, per_second, p50_ms, p99_ms })
}

/// One connection, one request at a time: how long each took that was answered within the measurement. The requests are
/// written by hand, so that the sender costs next to nothing.
async fn send(host: String, from: Instant, until: Instant) -> anyhow::Result<Vec<Duration>> {
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).context("a secret of any length is one")?;
    let signature = hex::encode(mac.chain_update(BODY).finalize().into_bytes());
    let mut connection = TcpStream::connect(&host).await?;
    connection.set_nodelay(true)?;
    let (mut took, mut answer) = (Vec::new(), [0; 4_096]);
    loop {
        let began = Instant::now();
        if began >= until {
            return Ok(took);
        }
        let request = format!(
            "POST /webhooks/attio HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             attio-signature: {signature}\r\nidempotency-key: {}\r\ncontent-length: {}\r\n\r\n{BODY}",
            Uuid::now_v7(),
            BODY.len()
        );
        connection.write_all(request.as_bytes()).await?;
        let mut read = 0;
        while !answer[..read].ends_with(b"\r\n\r\n") {
            let n = connection.read(&mut answer[read..]).await?;
            ensure!(n > 0, "the connection was closed: {}", String::from_utf8_lossy(&answer[..read]));
            read += n;
        }
        ensure!(answer.starts_with(b"HTTP/1.1 200"), "refused: {}", String::from_utf8_lossy(&answer[..read]));
        if began >= from {
            took.push(began.elapsed());
        }
    }
}
