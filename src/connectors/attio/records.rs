//! Calls on records that several effects make. They write what they are given and decide nothing.

use super::api::{Answered, Ask, Session};
use super::wire::{self, Record, Values};
use reqwest::Method;
use sagas::kernel::effect::AttioRecord;
use sagas::kernel::outcome::{Outcome, RejectionKind};
use serde_json::Value as Json;

/// Reads one record.
pub(super) async fn get(session: &mut Session<'_>, operation: &'static str, record: &AttioRecord) -> Answered<Record> {
    let segments = ["objects", record.object.as_str(), "records", record.id.as_str()];
    session.call(Ask::get(operation, &segments, &[])).await
}

/// Reads the records that pass a filter; `order` is the whole body: filter, sorts and page.
pub(super) async fn query(
    session: &mut Session<'_>,
    operation: &'static str,
    object: &str,
    order: &Json,
) -> Answered<Vec<Record>> {
    session.call(Ask::query(operation, &["objects", object, "records", "query"], order.to_string())).await
}

/// Sets attributes of a record by its id. The record's id.
pub(super) async fn patch(
    session: &mut Session<'_>,
    operation: &'static str,
    object: &str,
    id: &str,
    values: &Values,
) -> Answered<String> {
    write(session, operation, Method::PATCH, &["objects", object, "records", id], &[], values).await
}

/// Sets attributes of a record by its id; of one that holds several values, all that it held are replaced.
pub(super) async fn replace(
    session: &mut Session<'_>,
    operation: &'static str,
    record: &AttioRecord,
    values: &Values,
) -> Answered<()> {
    let segments = ["objects", record.object.as_str(), "records", record.id.as_str()];
    write(session, operation, Method::PUT, &segments, &[], values).await.map(|_| ())
}

/// Makes the record, or sets it if there is one with its `external_id`. The record's id.
pub(super) async fn upsert(
    session: &mut Session<'_>,
    operation: &'static str,
    object: &str,
    values: &Values,
) -> Answered<String> {
    upsert_by(session, operation, object, "external_id", values).await
}

/// Makes the record, or sets it if there is one with that value of a unique attribute. The record's id.
pub(super) async fn upsert_by(
    session: &mut Session<'_>,
    operation: &'static str,
    object: &str,
    unique: &str,
    values: &Values,
) -> Answered<String> {
    let query = [("matching_attribute", unique)];
    write(session, operation, Method::PUT, &["objects", object, "records"], &query, values).await
}

async fn write(
    session: &mut Session<'_>,
    operation: &'static str,
    method: Method,
    segments: &[&str],
    query: &[(&str, &str)],
    values: &Values,
) -> Answered<String> {
    let attributes: Vec<&str> = values.keys().copied().collect();
    let ask = Ask { query, attributes: &attributes, ..Ask::write(operation, method, segments, wire::body(values)) };
    let record: Record = session.call(ask).await?;
    Ok(record.id().to_owned())
}

/// What of the values the record does not show.
pub(super) fn changed(record: &Record, values: &Values) -> Values {
    values.iter().filter(|(slug, value)| !record.has(slug, value)).map(|(slug, value)| (*slug, value.clone())).collect()
}

/// Attio knows no such record.
pub(super) fn is_not_found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound)
}
