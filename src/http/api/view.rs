//! What the API and the command line show: the stored rows in JSON, amounts as minor units with their currency.

use crate::http::Problem;
use crate::store::StoreError;
use crate::store::append::Status;
use crate::store::log::StoredEvent;
use crate::store::query::{LogCursor, LogEntry, SagaCursor, SagaLine};
use chrono::{DateTime, Datelike, Utc};
use futures::stream::{BoxStream, StreamExt};
use sagas::kernel::money::Money;
use sagas::kernel::park::ParkCode;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use utoipa::ToSchema;
use uuid::Uuid;

/// An amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amount {
    /// Minor units
    pub minor: i64,
    /// ISO 4217
    pub currency: &'static str,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { minor: money.minor, currency: money.currency.code() }
    }
}

/// Why a saga waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Parked {
    /// From the closed list of codes
    pub code: String,
    /// What the code means
    pub meaning: &'static str,
    /// What happened and what to do
    pub detail: String,
    /// Since when (UTC)
    pub since: DateTime<Utc>,
}

/// A saga.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SagaView {
    pub id: Uuid,
    /// The flow's name
    pub kind: String,
    /// Short title: an invoice's number
    pub title: String,
    /// `running`, `waiting`, `waiting_vendor`, `resolving`, `unwinding`, `needs_person`, `ended`
    pub status: &'static str,
    /// The flow's own state word
    pub state: String,
    /// Our customer id
    pub customer: Option<String>,
    pub amount: Option<Amount>,
    /// The open step
    pub step: Option<String>,
    /// What it waits for, in words
    pub waiting_for: Option<String>,
    /// When the engine looks again (UTC)
    pub due_at: Option<DateTime<Utc>>,
    pub parked: Option<Parked>,
    /// How it ended
    pub ended: Option<String>,
    /// How many events it has
    pub sequence: u64,
    /// First event (UTC)
    pub started_at: DateTime<Utc>,
    /// Last change (UTC)
    pub changed_at: DateTime<Utc>,
}

impl From<SagaLine> for SagaView {
    fn from(line: SagaLine) -> Self {
        Self {
            id: line.id.0,
            kind: line.kind,
            title: line.title,
            status: line.status.as_str(),
            state: line.state,
            customer: line.customer,
            amount: line.amount.map(Amount::from),
            step: line.step,
            waiting_for: line.waiting_for,
            due_at: line.due_at,
            parked: line.parked.map(|(code, detail, since)| Parked { meaning: meaning(&code), code, detail, since }),
            ended: line.ended,
            sequence: line.sequence,
            started_at: line.started_at,
            changed_at: line.changed_at,
        }
    }
}

/// What a park code means.
pub fn meaning(code: &str) -> &'static str {
    ParkCode::ALL.into_iter().find(|known| known.as_str() == code).map_or("", ParkCode::meaning)
}

/// One event of a saga.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EventView {
    pub sequence: u64,
    /// Business time (UTC)
    pub at: DateTime<Utc>,
    /// When it was written (UTC)
    pub booked_at: DateTime<Utc>,
    /// `PaymentCaptured`, `step.requested` …
    pub name: String,
    /// Who caused it
    pub principal: String,
    pub amount: Option<Amount>,
    /// One line for people
    pub summary: String,
    /// The event as it is stored
    pub payload: Value,
}

impl From<StoredEvent> for EventView {
    fn from(event: StoredEvent) -> Self {
        let payload: Value = serde_json::from_str(&event.payload).unwrap_or(Value::Null);
        Self {
            sequence: event.seq,
            at: event.at,
            booked_at: event.booked_at,
            summary: summary(&event.name, &payload),
            name: event.name,
            principal: event.principal,
            amount: event.amount.map(Amount::from),
            payload,
        }
    }
}

/// One line about an event: which step, which call, how it ended; who and why.
pub(super) fn summary(name: &str, payload: &Value) -> String {
    let step = &payload["step"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let call = || format!("{}.{}", text(&step["effect"]["system"]), text(&step["effect"]["call"]));
    let outcome = |outcome: &Value| {
        let decline = &outcome["decline"];
        let rejection = &outcome["rejection"];
        match outcome["outcome"].as_str() {
            Some("declined") => format!("declined, {} {}", text(&decline["code"]), text(&decline["text"])),
            Some("rejected") => format!("refused, {} {}", text(&rejection["code"]), text(&rejection["message"])),
            other => other.unwrap_or_default().to_owned(),
        }
    };
    match name {
        "step.requested" if step["undo"] == true => format!("undo {}: {}", text(&step["step"]), call()),
        "step.requested" => format!("{}: {}", text(&step["step"]), call()),
        "step.sending" => format!("{}, attempt {}", text(&step["step"]), step["attempt"]),
        "step.answered" => format!("{}: {}{}", tried(step), outcome(&step["outcome"]), took(step)),
        "step.resolved" => format!("{}: found, {}", text(&step["step"]), outcome(&step["outcome"])),
        "step.not_sent" => format!("{}: {}{}", tried(step), text(&step["detail"]), next("again at", &step["again_at"])),
        "step.outcome_unknown" => {
            format!("{}: {}{}", tried(step), text(&step["detail"]), next("looked up at", &step["next_look"]))
        }
        "step.looked" => {
            format!("{}: {}{}", tried(step), text(&step["look"]["look"]), next("once more at", &step["next_look"]))
        }
        "step.proved_absent" => format!("{}: may be sent again from {}", text(&step["step"]), text(&step["resend_at"])),
        "step.superseded" => text(&step["step"]),
        "step.heard" => match step["refused"].as_str() {
            Some(why) => format!("{} by {}, refused: {why}", text(&step["kind"]), text(&step["principal"])),
            None => format!("{} by {}", text(&step["kind"]), text(&step["principal"])),
        },
        "step.parked" => format!("{}: {}", text(&step["code"]), text(&step["detail"])),
        "step.resumed" => said(step),
        "step.ordered" => format!("{} by {}", text(&step["verb"]["verb"]).replace('_', "-"), said(step)),
        "step.skipped" => format!("{}: {}", text(&step["step"]), text(&step["reference"])),
        "step.rescheduled" => text(&step["to"]),
        "step.abandoned" => "given up".to_owned(),
        "step.unwinding" | "step.unwound" => text(&step["reason"]),
        "step.ended" => text(&step["end"]),
        _ => business(&payload["business"]),
    }
}

/// The step, and which attempt where it is not the first.
fn tried(step: &Value) -> String {
    let name = step["step"].as_str().unwrap_or_default();
    match step["attempt"].as_u64() {
        Some(attempt) if attempt > 1 => format!("{name}, attempt {attempt}"),
        Some(_) | None => name.to_owned(),
    }
}

/// How long the vendor took, and its own id of the request: what its support asks for.
fn took(step: &Value) -> String {
    let time = step["latency_ms"].as_u64().filter(|time| *time > 0).map(|time| format!(", {time} ms"));
    let request = step["request_id"].as_str().map(|id| format!(", request {id}"));
    format!("{}{}", time.unwrap_or_default(), request.unwrap_or_default())
}

fn next(what: &str, at: &Value) -> String {
    let at = at.as_str().and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    at.map(|at| format!("; {what} {}", at.to_utc().format("%Y-%m-%d %H:%M:%S"))).unwrap_or_default()
}

/// Who ordered, who agreed, and why.
fn said(step: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let approved = step["approver"].as_str().map(|who| format!(", approved by {who}")).unwrap_or_default();
    format!("{}{approved}: {}", text(&step["principal"]), text(&step["reason"]))
}

/// What a business event says in plain words and ids: its short texts and numbers, in the order of their names.
fn business(event: &Value) -> String {
    let fields = event.as_object().into_iter().flatten().filter(|(name, _)| *name != "event");
    let said = fields.filter_map(|(name, value)| match value {
        Value::String(text) if !text.is_empty() && text.len() <= 80 => {
            Some(format!("{} {text}", name.replace('_', " ")))
        }
        Value::Number(number) => Some(format!("{} {number}", name.replace('_', " "))),
        _ => None,
    });
    said.collect::<Vec<_>>().join(", ")
}

/// One line of the transaction log.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LogView {
    /// The event's id
    pub event_id: Uuid,
    /// Business time (UTC)
    pub at: DateTime<Utc>,
    /// When it was written (UTC)
    pub booked_at: DateTime<Utc>,
    /// `PaymentCaptured` …
    pub event: String,
    pub amount: Option<Amount>,
    /// Our customer id
    pub customer: Option<String>,
    pub saga: Uuid,
    /// The flow's name
    pub kind: String,
    /// The saga's title: an invoice's number
    pub title: String,
    /// The saga's status now
    pub status: &'static str,
    /// Who caused it
    pub principal: String,
    /// Ids at the vendors: (kind, value)
    pub references: Vec<(String, String)>,
}

impl From<LogEntry> for LogView {
    fn from(entry: LogEntry) -> Self {
        Self {
            event_id: entry.event.id,
            at: entry.event.at,
            booked_at: entry.event.booked_at,
            event: entry.event.name,
            amount: entry.event.amount.map(Amount::from),
            customer: entry.customer,
            saga: entry.event.saga.0,
            kind: entry.kind,
            title: entry.title,
            status: entry.status.as_str(),
            principal: entry.event.principal,
            references: entry.references,
        }
    }
}

/// Vendor ids that have a column of their own in CSV.
const COLUMNS: [&str; 6] =
    ["zoho_invoice", "zoho_customer", "zoho_subscription", "zoho_payment", "braintree_transaction", "order_id"];

/// The log as CSV, a header first, page by page.
pub fn csv(
    entries: BoxStream<'static, Result<LogEntry, StoreError>>,
) -> BoxStream<'static, Result<Vec<u8>, StoreError>> {
    let header = futures::stream::once(async { Ok(line(&header())) });
    let lines = entries.ready_chunks(500).map(|chunk| {
        let mut bytes = Vec::new();
        for entry in chunk {
            bytes.extend(line(&row(&LogView::from(entry?))));
        }
        Ok(bytes)
    });
    header.chain(lines).boxed()
}

fn header() -> Vec<String> {
    let fixed =
        ["at", "booked_at", "event", "amount_minor", "currency", "customer", "flow", "title", "status", "principal"];
    fixed.into_iter().chain(COLUMNS).chain(["saga", "event_id"]).map(str::to_owned).collect()
}

fn row(view: &LogView) -> Vec<String> {
    let reference = |kind: &str| {
        let values = view.references.iter().filter(|(k, _)| k == kind).map(|(_, v)| v.as_str());
        values.collect::<Vec<_>>().join(" ")
    };
    let mut row = vec![
        view.at.to_rfc3339(),
        view.booked_at.to_rfc3339(),
        view.event.clone(),
        view.amount.map(|a| a.minor.to_string()).unwrap_or_default(),
        view.amount.map(|a| a.currency.to_owned()).unwrap_or_default(),
        view.customer.clone().unwrap_or_default(),
        view.kind.clone(),
        view.title.clone(),
        view.status.to_owned(),
        view.principal.clone(),
    ];
    row.extend(COLUMNS.map(reference));
    row.extend([view.saga.to_string(), view.event_id.to_string()]);
    row
}

/// One CSV line. A cell that a spreadsheet would take for a formula is kept as text.
fn line(cells: &[String]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let safe = cells.iter().map(|cell| {
        let formula = cell.starts_with(['=', '+', '@', '\t', '\r', '\n'])
            || (cell.starts_with('-') && cell.parse::<i64>().is_err());
        if formula { format!("'{cell}") } else { cell.clone() }
    });
    // A vector takes every byte.
    let _ = writer.write_record(safe);
    writer.into_inner().unwrap_or_default()
}

/// A status by its word.
///
/// # Errors
/// The words that there are.
pub fn status(word: &str) -> Result<Status, String> {
    Status::ALL.into_iter().find(|s| s.as_str() == word).ok_or_else(|| {
        let words = Status::ALL.map(Status::as_str).join(", ");
        format!("`{word}` is no status: expected one of {words}")
    })
}

/// A filter's text; nothing stored holds U+0000, and the database takes none.
pub(super) fn word(field: &str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text {
        Some(text) if text.contains('\0') => Err(Problem::field(field, "U+0000 is in no text of ours")),
        text => Ok(text),
    }
}

/// The instant in a cursor.
fn instant(micros: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    (1..=9999).contains(&at.year()).then_some(at)
}

/// A cursor's text.
pub fn saga_cursor(last: &SagaLine) -> String {
    format!("{}.{}", last.started_at.timestamp_micros(), last.id)
}

/// A cursor from its text.
///
/// # Errors
/// It is none.
pub fn read_saga_cursor(text: &str) -> Result<SagaCursor, String> {
    let bad = || format!("`{text}` is no cursor: take `next` of the page before");
    let (at, id) = text.split_once('.').ok_or_else(bad)?;
    let started_at = instant(at).ok_or_else(bad)?;
    Ok(SagaCursor { started_at, id: Uuid::parse_str(id).map_err(|_| bad())? })
}

/// A cursor's text.
pub fn log_cursor(cursor: LogCursor) -> String {
    let mut text = cursor.booked_at.timestamp_micros().to_string();
    // Writing to a string cannot fail.
    let _ = write!(text, ".{}.{}", cursor.shard, cursor.pos);
    text
}

/// A cursor from its text.
///
/// # Errors
/// It is none.
pub fn read_log_cursor(text: &str) -> Result<LogCursor, String> {
    let read = || {
        let mut parts = text.splitn(3, '.');
        let booked_at = instant(parts.next()?)?;
        Some(LogCursor { booked_at, shard: parts.next()?.parse().ok()?, pos: parts.next()?.parse().ok()? })
    };
    read().ok_or_else(|| format!("`{text}` is no cursor: take `next` of the page before"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(name: &str, step: &Value) -> String {
        summary(name, &json!({ "step": step }))
    }

    #[test]
    fn an_answer_says_which_attempt_how_long_it_took_and_the_vendors_own_id_of_the_request() {
        let done = json!({"outcome": "done"});
        let answered =
            json!({"step": "capture", "attempt": 2, "outcome": done, "request_id": "7af", "latency_ms": 183});
        assert_eq!(told("step.answered", &answered), "capture, attempt 2: done, 183 ms, request 7af");
        let ours = json!({"step": "reserve", "attempt": 1, "outcome": done, "request_id": null, "latency_ms": 0});
        assert_eq!(told("step.answered", &ours), "reserve: done");
    }

    #[test]
    fn what_did_not_end_says_when_it_is_tried_or_looked_up_again() {
        let at = "2026-11-22T08:00:05.120Z";
        let unknown = json!({"step": "sell", "attempt": 1, "detail": "no answer", "next_look": at});
        assert_eq!(told("step.outcome_unknown", &unknown), "sell: no answer; looked up at 2026-11-22 08:00:05");
        let put_off = json!({"step": "sell", "attempt": 3, "detail": "zoho takes no calls", "again_at": at});
        assert_eq!(
            told("step.not_sent", &put_off),
            "sell, attempt 3: zoho takes no calls; again at 2026-11-22 08:00:05"
        );
        let looked = json!({"step": "sell", "attempt": 1, "look": {"look": "absent"}, "next_look": null});
        assert_eq!(told("step.looked", &looked), "sell: absent");
    }
}
