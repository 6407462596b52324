//! Requests out and outcomes in, against a scripted peer.

mod catalog;
mod credits;
mod crm;
mod customers;
mod desk;
mod estimates;
mod invoices;
mod lists;
mod payments;
mod subscriptions;
mod terms;
mod undo;

use super::*;
use crate::clock::RealClock;
use crate::connectors::peer::{Peer, Play};
use crate::port::{Beside, InMemory};
use chrono::{DateTime, NaiveDate};
use sagas::kernel::effect::Effect;
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{NotSent, Rejection};
use std::time::Duration;

const INVOICE: &str = include_str!("../../../../tests/fixtures/zoho/invoice.json");
const SUBSCRIPTION: &str = include_str!("../../../../tests/fixtures/zoho/subscription.json");
const RECORDED: &str = include_str!("../../../../tests/fixtures/zoho/payment_recorded.json");
const LIMIT: Duration = Duration::from_secs(5);

fn json(status: u16, body: &str) -> Play {
    Play::reply(status, "application/json;charset=UTF-8", body)
}

fn token(name: &str) -> Play {
    json(200, &format!(r#"{{"access_token":"{name}","expires_in":3600}}"#))
}

fn in_memory() -> Arc<dyn TokenStore> {
    Arc::new(InMemory::default())
}

/// A connector whose first request is the token's.
async fn zoho(script: impl IntoIterator<Item = Play>) -> (Zoho, Peer) {
    let peer = Peer::start(std::iter::once(token("t1")).chain(script)).await;
    let http = Http::new().expect("client");
    (Zoho::new(&test_config(&peer), http, Arc::new(RealClock), in_memory()).expect("set up"), peer)
}

fn call(effect: &effect::Zoho) -> Call {
    let now = DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").expect("a time").to_utc();
    Call {
        saga: SagaId::of_invoice("10234695", "90300000079426"),
        step: "step".to_owned(),
        attempt: 1,
        effect: Effect::Zoho(effect.clone()),
        requested_at: now,
        sent_at: None,
        now,
        time_limit: LIMIT,
        beside: Beside::default(),
    }
}

async fn perform(zoho: &Zoho, effect: &effect::Zoho) -> Outcome {
    zoho.perform(&call(effect), effect).await.outcome
}

fn read_invoice() -> effect::Zoho {
    effect::Zoho::ReadInvoice { invoice: "90300000079426".to_owned() }
}

fn record() -> effect::Zoho {
    effect::Zoho::RecordPayment {
        customer: "903000000000099".to_owned(),
        invoice: "90300000079426".to_owned(),
        amount: Money::parse("49.10", iso_currency::Currency::EUR).expect("an amount"),
        reference: "8xk2f9qa".to_owned(),
        date: NaiveDate::from_ymd_opt(2026, 11, 21).expect("a date"),
        since: DateTime::parse_from_rfc3339("2026-11-21T11:59:00Z").expect("a time").to_utc(),
    }
}

/// The requests after the token's, each by its method and its path below the API.
fn lines(peer: &Peer) -> Vec<String> {
    let seen = peer.seen();
    let line =
        |request: &String| first_line(request).replace("/billing/v1", "").trim_end_matches(" HTTP/1.1").to_owned();
    seen.iter().skip(1).map(line).collect()
}

fn body(request: &str) -> &str {
    request.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

fn done(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Done { answer } => answer,
        other => panic!("expected an answer: {other:?}"),
    }
}

fn found(look: Look) -> (Outcome, Vec<String>) {
    match look {
        Look::Found { outcome, extra } => (*outcome, extra),
        other => panic!("expected a hit: {other:?}"),
    }
}

async fn look(zoho: &Zoho, effect: &effect::Zoho) -> Look {
    zoho.look(&call(effect), effect).await
}

const fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn accepted() -> Play {
    json(200, r#"{"code":0,"message":"done"}"#)
}

fn refused() -> Play {
    json(400, r#"{"code":1040,"message":"It is not in a state that allows this."}"#)
}

fn gone() -> Play {
    json(404, r#"{"code":1002,"message":"It does not exist."}"#)
}

fn first_line(request: &str) -> &str {
    request.lines().next().unwrap_or_default()
}

fn rejection(outcome: Outcome) -> Rejection {
    match outcome {
        Outcome::Rejected { rejection } => rejection,
        other => panic!("expected a rejection: {other:?}"),
    }
}

#[tokio::test]
async fn an_invoice_is_read_with_token_and_organization() {
    let (zoho, peer) = zoho([json(200, INVOICE)]).await;
    let Outcome::Done { answer: Answer::Invoice(invoice) } = perform(&zoho, &read_invoice()).await else {
        panic!("expected an invoice");
    };
    assert_eq!(invoice.balance.to_string(), "49.10 EUR");
    let seen = &peer.seen()[1];
    assert_eq!(first_line(seen), "GET /billing/v1/invoices/90300000079426 HTTP/1.1");
    assert!(seen.contains("authorization: Zoho-oauthtoken t1\r\n"), "{seen}");
    assert!(seen.contains("x-com-zoho-subscriptions-organizationid: 10234695\r\n"), "{seen}");
}

#[tokio::test]
async fn a_subscription_is_read() {
    let (zoho, peer) = zoho([json(200, SUBSCRIPTION)]).await;
    let effect = effect::Zoho::ReadSubscription { subscription: "90300000079200".to_owned() };
    let Outcome::Done { answer: Answer::Subscription(subscription) } = perform(&zoho, &effect).await else {
        panic!("expected a subscription");
    };
    assert_eq!((subscription.status.as_str(), subscription.auto_collect), ("live", false));
    assert_eq!((subscription.customer.as_str(), subscription.currency.as_str()), ("903000000000099", "EUR"));
    assert_eq!(subscription.reference, "demo1.sub.0192f6a1c3d84e7fb1d0c7a8e9f01234.1");
    assert_eq!(first_line(&peer.seen()[1]), "GET /billing/v1/subscriptions/90300000079200 HTTP/1.1");
}

#[tokio::test]
async fn the_subscription_of_an_invoice_is_found_among_the_customers() {
    let subscriptions = r#"{"code":0,"subscriptions":[{"subscription_id":"1","customer_id":"9"},
        {"subscription_id":"2","customer_id":"9"}],"page_context":{"has_more_page":false}}"#;
    let (zoho, peer) = zoho([
        json(200, subscriptions),
        json(200, r#"{"code":0,"invoices":[{"invoice_id":"76"}],"page_context":{"has_more_page":true}}"#),
        json(200, r#"{"code":0,"invoices":[],"page_context":{"has_more_page":false}}"#),
        json(200, r#"{"code":0,"invoices":[{"invoice_id":"77"}],"page_context":{"has_more_page":true}}"#),
    ])
    .await;
    let effect = effect::Zoho::FindSubscriptionOfInvoice { invoice: "77".to_owned(), customer: "9".to_owned() };
    let found = Answer::SubscriptionOfInvoice { subscription: Some("2".to_owned()) };
    assert_eq!(perform(&zoho, &effect).await, Outcome::Done { answer: found });
    let seen = peer.seen();
    assert!(seen[1].contains("/subscriptions?customer_id=9&filter_by=SubscriptionStatus.All&page=1&per_page=200 "));
    assert!(seen[3].contains("/invoices?subscription_id=1&filter_by=Status.All&page=2&per_page=200 "));
    assert_eq!(seen.len(), 5, "no page is read after the hit");
}

#[tokio::test]
async fn an_invoice_of_no_subscription_is_a_clean_answer() {
    let (zoho, _peer) = zoho([json(200, r#"{"code":0,"subscriptions":[]}"#)]).await;
    let effect = effect::Zoho::FindSubscriptionOfInvoice { invoice: "77".to_owned(), customer: "9".to_owned() };
    let none = Answer::SubscriptionOfInvoice { subscription: None };
    assert_eq!(perform(&zoho, &effect).await, Outcome::Done { answer: none });
}

#[tokio::test]
async fn a_payment_is_recorded_with_its_reference_and_exact_amount() {
    let (zoho, peer) = zoho([json(201, RECORDED)]).await;
    let Outcome::Done { answer: Answer::Recorded { payment, amount } } = perform(&zoho, &record()).await else {
        panic!("expected a recorded payment");
    };
    assert_eq!((payment.as_str(), amount.to_string().as_str()), ("9030000079467", "49.10 EUR"));
    let seen = &peer.seen()[1];
    assert_eq!(first_line(seen), "POST /billing/v1/payments HTTP/1.1");
    let saga = SagaId::of_invoice("10234695", "90300000079426").0.simple();
    let body = format!(
        r#"{{"customer_id":"903000000000099","payment_mode":"creditcard","amount":49.10,"date":"2026-11-21","reference_number":"8xk2f9qa","description":"Braintree transaction 8xk2f9qa, saga {saga}","invoices":[{{"invoice_id":"90300000079426","amount_applied":49.10}}]}}"#
    );
    assert!(seen.ends_with(&body), "{seen}");
}

#[tokio::test]
async fn a_payment_of_another_customer_or_currency_is_a_mismatch() {
    for (from, to) in [("\"customer_id\": \"903000000000099\"", "\"customer_id\": \"1\""), ("\"EUR\"", "\"USD\"")] {
        let (zoho, _peer) = zoho([json(201, &RECORDED.replace(from, to))]).await;
        assert_eq!(rejection(perform(&zoho, &record()).await).kind, RejectionKind::Mismatch);
    }
}

#[tokio::test]
async fn the_code_in_the_body_is_read_before_the_status() {
    for (status, body, wait) in [
        (200, r#"{"code":45,"message":"exceeded the maximum call rate limit of 2000."}"#, 3600),
        (429, r#"{"code":45,"message":"x"}"#, 3600),
        (200, r#"{"code":44,"message":"x"}"#, 60),
        (429, r#"{"code":"1070","message":"x"}"#, 5),
        (429, "<html></html>", 60),
    ] {
        for effect in [read_invoice(), record()] {
            let (zoho, _peer) = zoho([json(status, body)]).await;
            let outcome = perform(&zoho, &effect).await;
            let Outcome::NotSent { cause: NotSent::Quota, retry_after_seconds, .. } = outcome else {
                panic!("{body}: {outcome:?}");
            };
            assert_eq!(retry_after_seconds, Some(wait), "{body}");
        }
    }
}

#[tokio::test]
async fn without_a_usable_answer_a_write_is_unknown_and_a_read_is_repeated() {
    for play in [
        json(500, r#"{"code":1000,"message":"Internal error"}"#),
        json(400, r#"{"code":1000,"message":"Internal error"}"#),
        json(500, r#"{"code":36,"message":"x"}"#),
        Play::reply(502, "text/html", "<html>Bad gateway</html>"),
        Play::reply(200, "text/html", "<html>Please wait</html>"),
        json(201, r#"{"code":0,"message":"The pay"#),
        Play::cut(201, r#"{"code":0"#),
        Play::Reset,
    ] {
        let (writer, _peer) = zoho([play.clone()]).await;
        assert_eq!(perform(&writer, &record()).await.word(), "unknown", "{play:?}");
        let (reader, _peer) = zoho([play.clone()]).await;
        let read = perform(&reader, &read_invoice()).await;
        assert!(matches!(read, Outcome::NotSent { cause: NotSent::Again, .. }), "{play:?}: {read:?}");
    }
}

#[tokio::test]
async fn an_unreadable_success_of_a_write_is_looked_up_and_of_a_read_reported() {
    let odd = r#"{"code":0,"message":"x","payment":{"payment_id":1}}"#;
    let (writer, _peer) = zoho([json(201, odd)]).await;
    assert_eq!(perform(&writer, &record()).await.word(), "unknown");
    let (reader, _peer) = zoho([json(200, r#"{"code":0,"invoice":{"invoice_id":"1"}}"#)]).await;
    let refused = rejection(perform(&reader, &read_invoice()).await);
    assert_eq!(refused.kind, RejectionKind::UnknownState);
    assert!(refused.message.contains("customer_id"), "{}", refused.message);
}

#[tokio::test]
async fn refusals_keep_their_code_and_lose_personal_data() {
    for (status, body, kind, code) in [
        (404, r#"{"code":1002,"message":"Invoice does not exist."}"#, RejectionKind::NotFound, "1002"),
        (400, r#"{"code":1002,"message":"Invoice does not exist."}"#, RejectionKind::NotFound, "1002"),
        (404, r#"{"code":5,"message":"Invalid URL Passed"}"#, RejectionKind::Config, "5"),
        (400, r#"{"code":24016,"message":"More than \"Ada\" owes"}"#, RejectionKind::Invalid, "24016"),
        (403, "no", RejectionKind::Config, "403"),
    ] {
        let (zoho, _peer) = zoho([json(status, body)]).await;
        let refused = rejection(perform(&zoho, &record()).await);
        assert_eq!((refused.kind, refused.code.as_str()), (kind, code), "{body}");
        assert!(!refused.message.contains("Ada"), "{}", refused.message);
    }
}

#[tokio::test]
async fn an_amount_with_excess_decimals_is_refused_not_rounded() {
    let (zoho, _peer) = zoho([json(200, &INVOICE.replace("49.1,", "49.100000000000001,"))]).await;
    assert_eq!(rejection(perform(&zoho, &read_invoice()).await).kind, RejectionKind::UnparsableAmount);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_the_call_sent_again() {
    let refused = json(401, r#"{"code":57,"message":"You are not authorized to perform this operation"}"#);
    let (zoho, peer) = zoho([refused, token("t2"), json(201, RECORDED)]).await;
    assert_eq!(perform(&zoho, &record()).await.word(), "done");
    assert!(peer.seen()[3].contains("authorization: Zoho-oauthtoken t2\r\n"));
}

#[tokio::test]
async fn a_token_refused_twice_is_a_matter_of_configuration() {
    let refused = || json(401, r#"{"code":57,"message":"You are not authorized to perform this operation"}"#);
    let (zoho, peer) = zoho([refused(), token("t2"), refused()]).await;
    assert_eq!(rejection(perform(&zoho, &record()).await).kind, RejectionKind::Config);
    assert_eq!(peer.seen().len(), 4);
}

#[tokio::test]
async fn a_write_leaves_nothing_behind_when_no_token_is_to_be_had() {
    let peer = Peer::start([Play::reply(502, "text/html", "<html>"), json(201, RECORDED)]).await;
    let zoho =
        Zoho::new(&test_config(&peer), Http::new().expect("client"), Arc::new(RealClock), in_memory()).expect("set up");
    let outcome = perform(&zoho, &record()).await;
    assert!(matches!(outcome, Outcome::NotSent { cause: NotSent::Outage, .. }), "{outcome:?}");
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_recorded_payment_is_found_on_its_invoice_by_one_call() {
    let (zoho, peer) = zoho([json(200, INVOICE)]).await;
    let Look::Found { outcome, extra } = zoho.look(&call(&record()), &record()).await else {
        panic!("expected a hit");
    };
    let Outcome::Done { answer: Answer::Recorded { payment, amount } } = *outcome else {
        panic!("expected a recorded payment");
    };
    assert_eq!((payment.as_str(), amount.to_string().as_str()), ("9030000079467", "50.00 EUR"));
    assert!(extra.is_empty());
    assert_eq!(peer.seen().len(), 2);
}

#[tokio::test]
async fn of_two_recordings_the_older_counts_and_the_other_is_named() {
    let twice = INVOICE.replace(
        r#""payments": ["#,
        r#""payments": [{"payment_id": "9030000079999", "reference_number": "8xk2f9qa", "amount": 50, "date": "2026-11-21"},"#,
    );
    let (zoho, _peer) = zoho([json(200, &twice)]).await;
    let Look::Found { outcome, extra } = zoho.look(&call(&record()), &record()).await else {
        panic!("expected hits");
    };
    assert!(format!("{outcome:?}").contains("\"9030000079467\""), "{outcome:?}");
    assert_eq!(extra, ["9030000079999"]);
}

#[tokio::test]
async fn a_payment_that_a_void_detached_is_found_among_the_customers_transactions() {
    let void = INVOICE.replace("8xk2f9qa", "cheque 17");
    let rows = r#"{"code":0,"transactions":[
        {"transaction_id":"9030000079467","date":"2026-11-21","type":"payment","status":"success","amount":"50.00"},
        {"transaction_id":"500","date":"2026-11-21","type":"payment","status":"success","amount":"49.10"},
        {"transaction_id":"501","date":"2026-11-20","type":"payment","status":"success","amount":"49.10"},
        {"transaction_id":"400","date":"2026-10-01","type":"payment","status":"success","amount":"49.10"}]}"#;
    let detached = RECORDED.replace("90300000079426", "another").replace("9030000079467", "501");
    let (zoho, peer) = zoho([
        json(200, &void),
        json(200, rows),
        json(404, r#"{"code":1002,"message":"Payment does not exist."}"#),
        json(200, &detached),
    ])
    .await;
    let look = zoho.look(&call(&record()), &record()).await;
    let Look::Found { outcome, extra } = look else { panic!("expected a hit: {look:?}") };
    let Outcome::Done { answer: Answer::Recorded { payment, .. } } = *outcome else { panic!("expected a payment") };
    assert_eq!((payment.as_str(), extra.len()), ("501", 0));
    let lines: Vec<_> = peer.seen().iter().skip(2).map(|r| first_line(r).to_owned()).collect();
    assert_eq!(
        lines,
        [
            "GET /billing/v1/transactions?filter_by=TransactionType.PAYMENT&customer_id=903000000000099&page=1&per_page=200 HTTP/1.1",
            "GET /billing/v1/payments/500 HTTP/1.1",
            "GET /billing/v1/payments/501 HTTP/1.1",
        ],
        "older ones and those known to carry another reference are not read"
    );
}

#[tokio::test]
async fn nothing_found_is_absent_and_nothing_said_is_unclear() {
    let gone = || json(404, r#"{"code":1002,"message":"Invoice does not exist."}"#);
    let (clean, _peer) = zoho([gone(), json(200, r#"{"code":0,"transactions":[]}"#)]).await;
    let absent = Look::Absent { watermark: false, key_proven: false };
    assert_eq!(clean.look(&call(&record()), &record()).await, absent);
    let (blind, _peer) = zoho([gone(), json(200, r#"{"code":45,"message":"x"}"#)]).await;
    assert!(matches!(blind.look(&call(&record()), &record()).await, Look::Unclear { .. }));
}

#[tokio::test]
async fn polls_name_open_invoices_and_events() {
    let invoices = r#"{"code":0,"invoices":[
        {"invoice_id":"1","customer_id":"9","updated_time":"2026-11-20T00:00:00-0800"},
        {"invoice_id":"2","customer_id":"9","updated_time":"2026-11-21T00:00:00-0800"}],
        "page_context":{"page":3,"per_page":200,"has_more_page":true}}"#;
    let events = r#"{"code":0,"events":[
        {"event_id":"7","event_type":"invoice_created","event_time":"2026-11-21T10:00:00+0000"},
        {"event_id":"6","event_type":"invoice_created","event_time":"2026-11-20T07:00:00+0000"}],
        "page_context":{"has_more_page":true}}"#;
    let event = r#"{"code":0,"event":{"event_id":"7","event_type":"invoice_created","event_time":"2026-11-21T10:00:00+0000",
        "payload":"{\"invoice\":{\"invoice_id\":\"2\",\"customer_id\":\"9\"}}","webhooks":[]}}"#;
    let (zoho, peer) = zoho([json(200, invoices), json(200, events), json(200, event)]).await;
    let since = DateTime::parse_from_rfc3339("2026-11-20T12:00:00Z").expect("a time").to_utc();
    let open = zoho.list_open_invoices(Some(since), 3, LIMIT).await.expect("a page");
    assert_eq!((open.items.len(), open.items[0].invoice.as_str(), open.next), (1, "2", Some(4)));
    let page = zoho.list_events(since, 1, LIMIT).await.expect("a page");
    assert_eq!((page.items.len(), page.items[0].event.as_str(), page.next), (1, "7", None));
    let notice = zoho.read_event("7", LIMIT).await.expect("an event");
    assert_eq!((notice.key.as_str(), notice.invoices.as_slice()), ("event:7", &["2".to_owned()][..]));
    assert!(
        peer.seen()[1].contains("filter_by=Status.Unpaid&sort_column=created_time&sort_order=A&page=3&per_page=200")
    );
}
