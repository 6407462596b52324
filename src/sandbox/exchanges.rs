//! The last requests and what was answered, to be read by a person, or compared with a vendor's published documents.
//! Headers are not kept: they hold credentials.

use super::faults::{Kind, Vendor};
use axum::body::Bytes;
use axum::http::{Method, StatusCode};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::{collections::VecDeque, sync::Mutex};

/// How many are kept.
const KEPT: usize = 2_000;
/// Longer bodies are not kept: nobody reads them.
const BODY_LIMIT: usize = 256 * 1024;

/// One request, and what the vendor did about it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Counted from 1 since the start, or the last reset.
    pub number: u64,
    /// When it came (UTC, the sandbox's clock).
    pub at: DateTime<Utc>,
    pub vendor: Vendor,
    pub operation: &'static str,
    pub method: Method,
    /// Path and query.
    pub target: String,
    pub request: Bytes,
    /// The transport fault that was played, if one was.
    pub fault: Option<Kind>,
    /// What the vendor answered, whether or not it reached the caller; `None`: nothing was done.
    pub answer: Option<Answered>,
}

/// An answer as the vendor gave it.
#[derive(Debug, Clone)]
pub struct Answered {
    pub status: StatusCode,
    pub content_type: String,
    pub body: Bytes,
}

/// The last exchanges.
#[derive(Debug, Default)]
pub struct Exchanges {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    count: u64,
    kept: VecDeque<Exchange>,
}

impl Exchanges {
    /// Keeps one, under the next number, which it gives.
    pub(super) fn keep(&self, mut exchange: Exchange) -> u64 {
        if exchange.request.len() > BODY_LIMIT {
            exchange.request = Bytes::new();
        }
        let mut log = self.log.lock().expect("exchanges lock");
        log.count += 1;
        exchange.number = log.count;
        if log.kept.len() == KEPT {
            log.kept.pop_front();
        }
        log.kept.push_back(exchange);
        log.count
    }

    /// What the vendor answered to the one of that number, should it still be kept.
    pub(super) fn answered(&self, number: u64, mut answer: Answered) {
        if answer.body.len() > BODY_LIMIT {
            answer.body = Bytes::new();
        }
        let mut log = self.log.lock().expect("exchanges lock");
        if let Ok(at) = log.kept.binary_search_by_key(&number, |exchange| exchange.number) {
            log.kept[at].answer = Some(answer);
        }
    }

    /// Those that are still kept, oldest first.
    pub fn list(&self) -> Vec<Exchange> {
        self.log.lock().expect("exchanges lock").kept.iter().cloned().collect()
    }

    /// Forgets them.
    pub fn clear(&self) {
        *self.log.lock().expect("exchanges lock") = Log::default();
    }
}

/// An exchange as the control API shows it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Shown {
    number: u64,
    /// UTC, the sandbox's clock.
    at: DateTime<Utc>,
    vendor: Vendor,
    operation: &'static str,
    method: String,
    /// Path and query.
    target: String,
    request: String,
    /// The transport fault that was played.
    fault: Option<Kind>,
    /// Absent: nothing was done.
    status: Option<u16>,
    answer: Option<String>,
}

impl From<Exchange> for Shown {
    fn from(exchange: Exchange) -> Self {
        let text = |body: &Bytes| String::from_utf8_lossy(body).into_owned();
        Self {
            number: exchange.number,
            at: exchange.at,
            vendor: exchange.vendor,
            operation: exchange.operation,
            method: exchange.method.to_string(),
            target: exchange.target,
            request: text(&exchange.request),
            fault: exchange.fault,
            status: exchange.answer.as_ref().map(|answer| answer.status.as_u16()),
            answer: exchange.answer.as_ref().map(|answer| text(&answer.body)),
        }
    }
}
