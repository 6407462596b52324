//! The vendor of the measurement: answers every call at once, and refuses those that shall be refused. It remembers what it
//! was asked, so that calls can be looked for, and those that came twice counted.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;

/// What came so far.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Tally {
    /// Different calls.
    pub(super) calls: u64,
    /// Of those: came more than once.
    pub(super) repeated: u64,
    /// How often somebody looked for a call.
    pub(super) looks: u64,
}

type Key = (String, String, String);

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<(Tally, HashMap<Key, u32>)>>);

impl Memory {
    fn open(&self) -> MutexGuard<'_, (Tally, HashMap<Key, u32>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves until the process ends.
///
/// # Errors
/// The listener fails.
pub(super) async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let routes = Router::new()
        .route("/{kind}/{step}/{saga}", post(answer))
        .route("/seen/{kind}/{step}/{saga}", get(seen))
        .route("/tally", get(tally))
        .with_state(Memory::default());
    axum::serve(listener, routes).await
}

async fn answer(State(memory): State<Memory>, Path(key): Path<Key>) -> StatusCode {
    let status = if key.0 == "f" { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut memory = memory.open();
    let times = memory.1.entry(key).or_default();
    *times += 1;
    match *times {
        1 => memory.0.calls += 1,
        2 => memory.0.repeated += 1,
        _ => {}
    }
    status
}

async fn seen(State(memory): State<Memory>, Path(key): Path<Key>) -> StatusCode {
    let mut memory = memory.open();
    memory.0.looks += 1;
    if memory.1.contains_key(&key) { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

async fn tally(State(memory): State<Memory>) -> Json<Tally> {
    Json(memory.open().0)
}
