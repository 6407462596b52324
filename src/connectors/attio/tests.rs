//! Requests out and outcomes in, against a scripted peer.

mod activation;
mod card_page;
mod notes;
mod owner;

use super::*;
use crate::connectors::peer::{Peer, Play};
use crate::port::Beside;
use chrono::{DateTime, Utc};
use sagas::kernel::effect::{Effect, SubscriptionProjection, TransactionProjection};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{NotSent, Rejection, RejectionKind};
use std::time::Duration;

const COMPANY: &str = include_str!("../../../tests/fixtures/attio/company.json");
const SUBSCRIPTION: &str = include_str!("../../../tests/fixtures/attio/subscription.json");
const TRANSACTION: &str = include_str!("../../../tests/fixtures/attio/billing_transaction.json");
const SUBSCRIPTION_ID: &str = "5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01";
const TRANSACTION_ID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const COMPANY_ID: &str = "bf071e1f-6035-429d-b874-d83ea64ea13b";

fn json(status: u16, body: &str) -> Play {
    Play::reply(status, "application/json", body)
}

fn one(record: &str) -> Play {
    json(200, &format!(r#"{{"data":{record}}}"#))
}

fn list(records: &[&str]) -> Play {
    json(200, &format!(r#"{{"data":[{}]}}"#, records.join(",")))
}

fn refusal(status: u16, code: &str, message: &str) -> Play {
    let body = json!({ "status_code": status, "type": "invalid_request_error", "code": code, "message": message });
    json(status, &body.to_string())
}

async fn attio(script: impl IntoIterator<Item = Play>) -> (Attio, Peer) {
    let peer = Peer::start(script).await;
    let config = Config { base_url: peer.url("/"), api_key: "key".into(), currency: Currency::EUR, task_owner: None };
    (Attio::new(&config, Http::new().expect("client")).expect("set up"), peer)
}

fn time(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a time").to_utc()
}

fn call(effect: &effect::Attio) -> Call {
    let now = time("2026-11-21T12:00:00Z");
    Call {
        saga: SagaId::of_invoice("10234695", "77"),
        step: "project".to_owned(),
        attempt: 1,
        effect: Effect::Attio(effect.clone()),
        requested_at: now,
        sent_at: None,
        now,
        time_limit: Duration::from_secs(5),
        beside: Beside::default(),
    }
}

async fn perform(attio: &Attio, effect: &effect::Attio) -> Outcome {
    attio.perform(&call(effect), effect).await.outcome
}

fn company() -> AttioRecord {
    AttioRecord { object: "companies".to_owned(), id: COMPANY_ID.to_owned() }
}

/// What the fixtures show.
fn projection() -> Projection {
    Projection {
        client: Some(company()),
        subscription: Some(SubscriptionProjection {
            record: None,
            external_id: "sub:s-1".to_owned(),
            zoho_subscription: "90300000079200".to_owned(),
            subscription_status: "Active".to_owned(),
            payment_status: "Paid".to_owned(),
            last_error: String::new(),
            action_needed: String::new(),
        }),
        transaction: TransactionProjection {
            external_id: "inv:77:1".to_owned(),
            status: "Paid".to_owned(),
            amount: Money::new(4_910, Currency::EUR),
            zoho_invoice: "77".to_owned(),
            zoho_payment: Some("9030000079467".to_owned()),
            braintree_transaction: Some("8xk2f9qa".to_owned()),
            occurred_at: time("2026-11-21T11:59:00.123456Z"),
            failure_reason: String::new(),
        },
        billing_summary: "Active".to_owned(),
        saga: "saga-1".to_owned(),
        sync_version: 3,
        as_of: time("2026-11-21T12:00:00Z"),
    }
}

fn project(projection: Projection) -> effect::Attio {
    effect::Attio::Project(Box::new(projection))
}

fn projected() -> Outcome {
    Outcome::Done {
        answer: Answer::Projected {
            transaction_record: Some(TRANSACTION_ID.to_owned()),
            subscription_record: Some(SUBSCRIPTION_ID.to_owned()),
        },
    }
}

fn first_line(request: &str) -> &str {
    request.lines().next().unwrap_or_default()
}

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").expect("head and body").1
}

fn rejection(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected { rejection } => rejection,
        other => panic!("expected a rejection: {other:?}"),
    }
}

fn find(record: Option<AttioRecord>) -> effect::Attio {
    effect::Attio::FindClient { zoho_customer: "903000000000099".to_owned(), record }
}

fn found(outcome: Outcome) -> Client {
    match outcome {
        Outcome::Done { answer: Answer::Client(client) } => *client,
        other => panic!("expected a client: {other:?}"),
    }
}

#[tokio::test]
async fn a_linked_client_is_read_by_one_call() {
    let (attio, peer) = attio([one(COMPANY)]).await;
    let client = found(perform(&attio, &find(Some(company()))).await);
    assert_eq!((client.record, client.ambiguous), (Some(company()), false));
    assert_eq!(client.braintree_customer.as_deref(), Some("c-4711"));
    assert_eq!(client.zoho_customer.as_deref(), Some("903000000000099"));
    let seen = peer.seen();
    assert_eq!(first_line(&seen[0]), format!("GET /v2/objects/companies/records/{COMPANY_ID} HTTP/1.1"));
    assert!(seen[0].contains("authorization: Bearer key\r\n"));
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn a_client_without_a_link_is_sought_among_companies_and_then_people() {
    let (attio, peer) = attio([list(&[]), list(&[COMPANY])]).await;
    let client = found(perform(&attio, &find(None)).await);
    assert_eq!(client.record.map(|r| r.object).as_deref(), Some("people"));
    let seen = peer.seen();
    assert_eq!(first_line(&seen[0]), "POST /v2/objects/companies/records/query HTTP/1.1");
    assert_eq!(first_line(&seen[1]), "POST /v2/objects/people/records/query HTTP/1.1");
    assert_eq!(body(&seen[0]), r#"{"filter":{"zoho_customer_id":{"$eq":"903000000000099"}},"limit":10}"#);
}

#[tokio::test]
async fn a_link_to_a_record_that_is_gone_is_sought_anew() {
    let (attio, _peer) = attio([refusal(404, "not_found", "x"), list(&[COMPANY])]).await;
    assert_eq!(found(perform(&attio, &find(Some(company()))).await).record, Some(company()));
}

#[tokio::test]
async fn several_clients_are_ambiguous_and_none_is_none() {
    let (several, _peer) = attio([list(&[COMPANY, COMPANY])]).await;
    let client = found(perform(&several, &find(None)).await);
    assert_eq!((client.record, client.ambiguous), (None, true));
    let (none, _peer) = attio([list(&[]), list(&[])]).await;
    let client = found(perform(&none, &find(None)).await);
    assert_eq!((client.record, client.ambiguous), (None, false));
}

#[tokio::test]
async fn a_record_under_merge_is_not_taken_for_deleted() {
    let (attio, _peer) = attio([refusal(404, "merge_in_progress", "x")]).await;
    let outcome = perform(&attio, &find(Some(company()))).await;
    assert!(matches!(outcome, Outcome::NotSent { cause: NotSent::Again, .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_first_projection_makes_both_records_and_sets_the_summary() {
    let old = COMPANY.replace("\"Active\"", "\"Past due\"");
    let (attio, peer) =
        attio([list(&[]), one(SUBSCRIPTION), list(&[]), one(TRANSACTION), one(&old), one(COMPANY)]).await;
    assert_eq!(perform(&attio, &project(projection())).await, projected());
    let seen = peer.seen();
    assert_eq!(
        body(&seen[0]),
        r#"{"filter":{"$or":[{"external_id":{"$eq":"sub:s-1"}},{"zoho_subscription_id":{"$eq":"90300000079200"}}]},"limit":10}"#
    );
    assert_eq!(first_line(&seen[1]), "PUT /v2/objects/subscriptions/records?matching_attribute=external_id HTTP/1.1");
    assert_eq!(
        body(&seen[1]),
        format!(
            r#"{{"data":{{"values":{{"action_needed":[],"customer_company":[{{"target_object":"companies","target_record_id":"{COMPANY_ID}"}}],"external_id":["sub:s-1"],"last_error":[],"payment_status":[{{"status":"Paid"}}],"saga_id":["saga-1"],"subscription_status":[{{"status":"Active"}}],"sync_version":[3],"synced_at":["2026-11-21T12:00:00.000Z"],"zoho_subscription_id":["90300000079200"]}}}}}}"#
        )
    );
    assert_eq!(
        first_line(&seen[3]),
        "PUT /v2/objects/billing_transactions/records?matching_attribute=external_id HTTP/1.1"
    );
    let transaction = body(&seen[3]);
    for part in [
        r#""amount":[49.10]"#,
        r#""amount_text":["49.10 EUR"]"#,
        r#""kind":[{"option":"payment"}]"#,
        r#""failure_reason":[]"#,
        r#""occurred_at":["2026-11-21T11:59:00.123Z"]"#,
        r#""transaction_status":[{"status":"Paid"}]"#,
        &format!(r#""subscription":[{{"target_object":"subscriptions","target_record_id":"{SUBSCRIPTION_ID}"}}]"#),
    ] {
        assert!(transaction.contains(part), "{part} is missing in {transaction}");
    }
    assert_eq!(first_line(&seen[5]), format!("PATCH /v2/objects/companies/records/{COMPANY_ID} HTTP/1.1"));
    assert_eq!(body(&seen[5]), r#"{"data":{"values":{"billing_summary":[{"option":"Active"}]}}}"#);
}

#[tokio::test]
async fn a_later_projection_writes_only_what_differs() {
    let (attio, peer) = attio([list(&[SUBSCRIPTION]), one(SUBSCRIPTION), list(&[TRANSACTION]), one(COMPANY)]).await;
    let mut later = projection();
    if let Some(subscription) = &mut later.subscription {
        "Declined: ask for another card".clone_into(&mut subscription.last_error);
    }
    assert_eq!(perform(&attio, &project(later)).await, projected());
    let seen = peer.seen();
    assert_eq!(first_line(&seen[1]), format!("PATCH /v2/objects/subscriptions/records/{SUBSCRIPTION_ID} HTTP/1.1"));
    assert_eq!(body(&seen[1]), r#"{"data":{"values":{"last_error":["Declined: ask for another card"]}}}"#);
    assert_eq!(seen.len(), 4, "a transaction and a client that show it already are not written");
}

#[tokio::test]
async fn a_record_that_a_person_made_is_adopted_and_not_doubled() {
    let theirs = SUBSCRIPTION.replace(r#""external_id": [{"active_from": "2026-11-21T12:00:00.000000000Z", "active_until": null, "created_by_actor": {"type": "api-token", "id": null}, "attribute_type": "text", "value": "sub:s-1"}],"#, "");
    assert_ne!(theirs, SUBSCRIPTION);
    let (attio, peer) = attio([list(&[&theirs]), one(SUBSCRIPTION), list(&[TRANSACTION]), one(COMPANY)]).await;
    assert_eq!(perform(&attio, &project(projection())).await, projected());
    assert_eq!(body(&peer.seen()[1]), r#"{"data":{"values":{"external_id":["sub:s-1"]}}}"#);
}

#[tokio::test]
async fn nothing_older_is_written_over_something_newer() {
    let (same_saga, peer) = attio([list(&[SUBSCRIPTION]), list(&[TRANSACTION]), one(COMPANY)]).await;
    let mut late = Projection { sync_version: 2, as_of: time("2026-11-21T11:00:00Z"), ..projection() };
    "Failed".clone_into(&mut late.transaction.status);
    assert_eq!(perform(&same_saga, &project(late.clone())).await, projected());
    assert_eq!(peer.seen().len(), 3, "reads only");
    // The versions of two sagas cannot be compared: the instant decides.
    let (other_saga, peer) = attio([list(&[SUBSCRIPTION]), list(&[TRANSACTION]), one(COMPANY)]).await;
    let late = Projection { saga: "saga-0".to_owned(), sync_version: 9, ..late };
    assert_eq!(perform(&other_saga, &project(late)).await, projected());
    assert_eq!(peer.seen().len(), 3, "reads only");
}

#[tokio::test]
async fn an_amount_of_another_currency_than_the_attributes_stands_in_the_text_alone() {
    let alone = |amount| {
        let mut projection = Projection { client: None, subscription: None, ..projection() };
        projection.transaction.amount = amount;
        project(projection)
    };
    for (amount, number, text) in [
        (Money::new(500, Currency::JPY), "[]", "500 JPY"),
        (Money::new(1_234, Currency::KWD), "[]", "1.234 KWD"),
        (Money::new(5, Currency::EUR), "[0.05]", "0.05 EUR"),
    ] {
        let (attio, peer) = attio([list(&[]), one(TRANSACTION)]).await;
        assert_eq!(perform(&attio, &alone(amount)).await.word(), "done");
        let wanted = format!(r#""amount":{number},"amount_text":["{text}"]"#);
        assert!(body(&peer.seen()[1]).contains(&wanted), "{}", peer.seen()[1]);
    }
}

#[tokio::test]
async fn refusals_name_the_attribute_and_never_the_value() {
    for (play, kind, part) in [
        (
            refusal(400, "value_not_found", "No status Paid on payment_status"),
            RejectionKind::Invalid,
            "`payment_status`",
        ),
        (refusal(400, "uniqueness_conflict", "Paid"), RejectionKind::State, "uniqueness_conflict"),
        (refusal(401, "unauthorized", "Paid"), RejectionKind::Config, "API key"),
        (refusal(403, "unauthorized", "Paid"), RejectionKind::Config, "API key"),
        (refusal(404, "not_found", "Paid"), RejectionKind::NotFound, "subscriptions"),
        (Play::reply(404, "text/html", "<html>"), RejectionKind::Config, "address"),
    ] {
        let (attio, _peer) = attio([list(&[]), play]).await;
        let refused = rejection(perform(&attio, &project(projection())).await);
        assert_eq!(refused.kind, kind, "{}", refused.message);
        assert!(refused.message.contains(part) && !refused.message.contains("Paid"), "{}", refused.message);
    }
}

#[tokio::test]
async fn what_was_not_executed_is_told_from_what_may_have_been() {
    let limited = "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\nconnection: close\r\n\
        date: Sat, 21 Nov 2026 10:00:00 GMT\r\nretry-after: Sat, 21 Nov 2026 10:00:03 GMT\r\n\r\n{}";
    let (attio_limited, _peer) = attio([list(&[]), Play::Bytes(limited.as_bytes().to_vec())]).await;
    let outcome = perform(&attio_limited, &project(projection())).await;
    assert!(
        matches!(outcome, Outcome::NotSent { cause: NotSent::Quota, retry_after_seconds: Some(3), .. }),
        "{outcome:?}"
    );
    let (conflict, _peer) = attio([list(&[]), refusal(409, "concurrent_write_conflict", "x")]).await;
    let outcome = perform(&conflict, &project(projection())).await;
    assert!(matches!(outcome, Outcome::NotSent { cause: NotSent::Again, .. }), "{outcome:?}");
    for play in [
        json(500, "{}"),
        Play::reply(503, "text/html", "<html>"),
        Play::Reset,
        Play::cut(200, "{\"data\""),
        json(200, "{"),
    ] {
        let (writer, _peer) = attio([list(&[]), play.clone()]).await;
        assert_eq!(perform(&writer, &project(projection())).await.word(), "unknown", "{play:?}");
        let (reader, _peer) = attio([play.clone()]).await;
        let read = perform(&reader, &project(projection())).await;
        assert!(matches!(read, Outcome::NotSent { cause: NotSent::Again, .. }), "{play:?}: {read:?}");
    }
}

#[tokio::test]
async fn a_projection_that_stands_is_found_and_another_is_absent() {
    let shown = || [list(&[SUBSCRIPTION]), list(&[TRANSACTION]), one(COMPANY)];
    let wanted = project(projection());
    let (stands, _peer) = attio(shown()).await;
    let found = Look::Found { outcome: Box::new(projected()), extra: Vec::new() };
    assert_eq!(stands.look(&call(&wanted), &wanted).await, found);

    let absent = Look::Absent { watermark: false, key_proven: false };
    let mut changed = projection();
    changed.transaction.zoho_payment = None;
    for projection in [changed, Projection { billing_summary: "Past due".to_owned(), ..projection() }] {
        let (differs, _peer) = attio(shown()).await;
        let wanted = project(projection);
        assert_eq!(differs.look(&call(&wanted), &wanted).await, absent);
    }
    let (none, _peer) = attio([list(&[])]).await;
    assert_eq!(none.look(&call(&wanted), &wanted).await, absent);
    let (blind, _peer) = attio([json(500, "{}")]).await;
    assert!(matches!(blind.look(&call(&wanted), &wanted).await, Look::Unclear { .. }));
}
