//! The connector against a scripted peer: bytes out, outcome in. Here: sales, reads and the search.

use super::*;
use crate::connectors::peer::{Peer, Play};
use crate::port::Beside;
use chrono::{DateTime, Utc};
use sagas::kernel::answer::{Transaction, TransactionStatus};
use sagas::kernel::effect::{Braintree as Act, Effect};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Decline, DeclineKind, NotSent};
use std::time::Duration;

const ORDER: &str = "demo1.inv.77.1";
const XML: &str = "application/xml; charset=utf-8";

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/braintree/", $name, ".xml"))
    };
}

mod books;
mod browser;
mod disputes;
mod holds;
mod methods;
mod recurring;
mod refunds;
mod vault;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn connector(peer: &Peer, keys: AtMostOnceKeys) -> Braintree {
    let config = Config {
        base_url: peer.url("/"),
        merchant_id: "acme".to_owned(),
        public_key: "pub".into(),
        private_key: "hush".into(),
        merchant_accounts: HashMap::from([(Currency::EUR, "acme_eur".to_owned())]),
        keys,
    };
    Braintree::new(config, Http::new().expect("client"))
}

fn sell_in(currency: Currency) -> Act {
    Act::Sell {
        order_id: ORDER.to_owned(),
        customer: "c-42".to_owned(),
        token: "m-7f3c".to_owned(),
        amount: Money::new(4900, currency),
        recurring: true,
        details: None,
    }
}

fn call(effect: Act) -> Call {
    Call {
        saga: SagaId::derived("test", &["braintree"]),
        step: "charge".to_owned(),
        attempt: 1,
        effect: Effect::Braintree(effect),
        requested_at: at("2026-11-21T09:59:58Z"),
        sent_at: Some(at("2026-11-21T10:00:00Z")),
        now: at("2026-11-21T10:03:00Z"),
        time_limit: Duration::from_secs(5),
        beside: Beside::default(),
    }
}

async fn perform(connector: &Braintree, effect: Act) -> Report {
    connector.perform(&call(effect.clone()), &effect).await
}

/// What a sale comes to when the gateway answers so.
async fn sold(play: Play) -> Outcome {
    let peer = Peer::start([play]).await;
    perform(&connector(&peer, AtMostOnceKeys::Learned), sell_in(Currency::EUR)).await.outcome
}

async fn sold_with_code(code: &str) -> Outcome {
    sold(Play::reply(422, XML, &fixture!("sale_validation").replace("91518", code))).await
}

async fn look(script: impl IntoIterator<Item = Play>) -> (Look, Vec<String>) {
    let peer = Peer::start(script).await;
    let effect = sell_in(Currency::EUR);
    let look = connector(&peer, AtMostOnceKeys::Learned).look(&call(effect.clone()), &effect).await;
    (look, peer.seen())
}

/// What a call comes to with that input beside it, and what went out.
async fn asked(effect: Act, input: &str, script: impl IntoIterator<Item = Play>) -> (Outcome, Vec<String>) {
    let peer = Peer::start(script).await;
    let call = Call { beside: Beside { input: Some(input.into()), ..Beside::default() }, ..call(effect.clone()) };
    let outcome = connector(&peer, AtMostOnceKeys::Learned).perform(&call, &effect).await.outcome;
    (outcome, peer.seen())
}

async fn looked_for(effect: Act, script: impl IntoIterator<Item = Play>) -> (Look, Vec<String>) {
    let peer = Peer::start(script).await;
    let look = connector(&peer, AtMostOnceKeys::Learned).look(&call(effect.clone()), &effect).await;
    (look, peer.seen())
}

fn outcome_of(look: Look) -> Outcome {
    let Look::Found { outcome, .. } = look else { panic!("not found: {look:?}") };
    *outcome
}

fn faults(code: &str) -> Play {
    Play::reply(422, XML, &fixture!("sale_validation").replace("91518", code))
}

fn sent(request: &str) -> &str {
    request.split_once("?>").expect("a body").1
}

/// A fixture as a part of an answer.
fn part(fixture: &str) -> String {
    fixture.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "")
}

/// The script of a search that finds nothing.
fn no_hits() -> Play {
    ok(fixture!("search_ids_none"))
}

fn ok(body: &str) -> Play {
    Play::reply(200, XML, body)
}

/// The script of a search that finds these transactions.
fn hits(transactions: &[String]) -> [Play; 2] {
    let id = |text: &String| {
        text.split_once("<id>").and_then(|(_, rest)| rest.split_once("</id>")).expect("an id").0.to_owned()
    };
    let ids: Vec<String> = transactions.iter().map(id).collect();
    let ids = format!("<item>{}</item>", ids.join("</item><item>"));
    [
        ok(&format!("<search-results><page-size>50</page-size><ids type=\"array\">{ids}</ids></search-results>")),
        ok(&format!(
            "<credit-card-transactions type=\"collection\">{}</credit-card-transactions>",
            transactions.concat()
        )),
    ]
}

/// A transaction as a search shows it.
fn hit(id: &str, status: &str, created: &str) -> String {
    fixture!("sale_approved")
        .replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "")
        .replace("k3v9p2ab", id)
        .replacen("submitted_for_settlement", status, 1)
        .replacen("2026-11-21T10:00:00Z", created, 1)
}

fn adopted(look: Look) -> (Transaction, Vec<String>) {
    let Look::Found { outcome, extra } = look else { panic!("not found: {look:?}") };
    let Outcome::Done { answer: Answer::Transaction(transaction) } = *outcome else { panic!("not done: {outcome:?}") };
    (*transaction, extra)
}

fn is_unclear(look: &Look) -> bool {
    matches!(look, Look::Unclear { .. })
}

fn declined(outcome: Outcome) -> Decline {
    let Outcome::Declined { decline } = outcome else { panic!("not declined: {outcome:?}") };
    decline
}

fn rejection(outcome: Outcome) -> (RejectionKind, String) {
    let Outcome::Rejected { rejection } = outcome else { panic!("not rejected: {outcome:?}") };
    (rejection.kind, rejection.code)
}

#[tokio::test]
async fn a_sale_goes_out_once_with_our_references_and_comes_back_with_the_real_amount() {
    let peer = Peer::start([Play::reply(201, XML, fixture!("sale_approved"))]).await;
    let report = perform(&connector(&peer, AtMostOnceKeys::Learned), sell_in(Currency::EUR)).await;
    let expected = Transaction {
        id: "k3v9p2ab".to_owned(),
        status: TransactionStatus::SubmittedForSettlement,
        amount: Money::new(4900, Currency::EUR),
        order_id: ORDER.to_owned(),
        customer: Some("c-42".to_owned()),
        token: Some("m-7f3c".to_owned()),
        created_at: at("2026-11-21T10:00:00Z"),
        merchant_account: "acme_eur".to_owned(),
        held: None,
        hold_expires_at: None,
        card: None,
        authentication: None,
    };
    assert_eq!(report.outcome, Outcome::Done { answer: Answer::Transaction(Box::new(expected)) });
    assert_eq!(report.request_id.as_deref(), Some("req-1"));
    let seen = peer.seen();
    let [request] = seen.as_slice() else { panic!("sent {} times", seen.len()) };
    let (head, body) = request.split_once("\r\n\r\n").expect("a body");
    assert!(head.starts_with("POST /merchants/acme/transactions HTTP/1.1\r\n"), "{head}");
    for header in [
        "authorization: Basic cHViOmh1c2g=",
        "x-apiversion: 6",
        "accept: application/xml",
        "content-type: application/xml",
    ] {
        assert!(head.contains(header), "{header} is missing in {head}");
    }
    assert!(body.contains("<api_request_key>demo1.inv.77.1.k1</api_request_key>"), "{body}");
    assert!(body.contains("<transaction_source>recurring</transaction_source>"), "{body}");
    for never in ["number", "cvv", "expiration", "customer"] {
        assert!(!body.contains(never), "{never} in {body}");
    }
}

#[tokio::test]
async fn another_amount_or_customer_in_the_answer_is_handed_over_as_it_is() {
    let body = fixture!("sale_approved").replace("49.00", "10.04").replace("c-42", "c-43");
    let Outcome::Done { answer: Answer::Transaction(transaction) } = sold(Play::reply(201, XML, &body)).await else {
        panic!("not done")
    };
    assert_eq!((transaction.amount.minor, transaction.customer.as_deref()), (1004, Some("c-43")));
}

#[tokio::test]
async fn a_decline_keeps_the_codes_that_decide_about_the_next_attempt() {
    let decline = declined(sold(Play::reply(422, XML, fixture!("sale_processor_declined"))).await);
    let expected = Decline {
        kind: DeclineKind::Processor,
        code: "2001".to_owned(),
        text: "Insufficient Funds".to_owned(),
        response_type: Some("soft_declined".to_owned()),
        advice_code: Some("24".to_owned()),
        advice_text: Some("Retry after 1 hour".to_owned()),
        network_code: Some("51".to_owned()),
        network_text: Some("Insufficient funds".to_owned()),
        transaction: Some("d2e1c0ff".to_owned()),
        brand: Some("Visa".to_owned()),
    };
    assert_eq!(decline, expected);
    // A replay by key answers the same decline under 201.
    let body = hit("d2e1c0ff", "processor_declined", "2026-11-21T10:00:00Z");
    assert_eq!(declined(sold(Play::reply(201, XML, &body)).await).kind, DeclineKind::Processor);
}

#[tokio::test]
async fn gateway_rejections_failures_and_verifications_are_told_apart() {
    for (body, kind, code) in [
        (fixture!("sale_gateway_rejected_cvv"), DeclineKind::Gateway, "cvv"),
        (fixture!("sale_failed"), DeclineKind::Network, "3000"),
        (fixture!("sale_verification_declined"), DeclineKind::Verification, "2000"),
    ] {
        let decline = declined(sold(Play::reply(422, XML, body)).await);
        assert_eq!((decline.kind, decline.code.as_str()), (kind, code));
    }
}

#[tokio::test]
async fn a_duplicate_and_whatever_is_not_final_leave_the_outcome_unknown() {
    let duplicate = fixture!("sale_gateway_rejected_duplicate");
    let unnamed = duplicate.replace("<gateway-rejection-reason>duplicate</", "<gateway-rejection-reason></");
    let authorizing = hit("k3v9p2ab", "authorizing", "2026-11-21T10:00:00Z");
    for play in [
        Play::reply(422, XML, duplicate),
        Play::reply(422, XML, &unnamed),
        Play::reply(201, XML, &authorizing),
        Play::reply(422, XML, fixture!("refused_without_code")),
    ] {
        assert_eq!(sold(play).await.word(), "unknown");
    }
}

#[tokio::test]
async fn a_status_that_we_do_not_know_is_kept_as_text() {
    let body = hit("k3v9p2ab", "held_for_review", "2026-11-21T10:00:00Z");
    let Outcome::Done { answer: Answer::Transaction(transaction) } = sold(Play::reply(201, XML, &body)).await else {
        panic!("not done")
    };
    assert_eq!(transaction.status, TransactionStatus::Other("held_for_review".to_owned()));
    assert!(!transaction.status.is_approved());
}

#[tokio::test]
async fn an_unusable_answer_to_a_sale_leaves_the_outcome_unknown_under_every_status() {
    let approved = fixture!("sale_approved");
    for play in [
        Play::reply(201, "text/html", "<html><body>Welcome</body></html>"),
        Play::reply(201, XML, &approved[..approved.len() / 2]),
        Play::reply(201, XML, &approved.replace("<amount>49.00</amount>", "<amount>49.001</amount>")),
        Play::reply(201, XML, &approved.replace(">EUR<", ">XX<")),
        Play::reply(200, XML, ""),
        Play::reply(422, "text/html", "Unprocessable"),
        Play::reply(302, XML, ""),
        Play::reply(408, XML, ""),
        Play::reply(429, XML, ""),
        Play::reply(500, XML, ""),
        Play::reply(503, "text/html", "<h1>Maintenance</h1>"),
        Play::reply(504, XML, ""),
        Play::cut(201, &approved[..300]),
        Play::Reset,
    ] {
        assert_eq!(sold(play.clone()).await.word(), "unknown", "{play:?}");
    }
}

#[tokio::test]
async fn a_gateway_that_never_answers_a_sale_leaves_the_outcome_unknown() {
    let peer = Peer::start([Play::Silence]).await;
    let effect = sell_in(Currency::EUR);
    let call = Call { time_limit: Duration::from_millis(200), ..call(effect.clone()) };
    let report = connector(&peer, AtMostOnceKeys::Off).perform(&call, &effect).await;
    assert_eq!((report.outcome.word(), peer.seen().len()), ("unknown", 1));
}

#[tokio::test]
async fn refused_keys_and_rights_concern_the_connector_and_not_the_saga() {
    for status in [401, 403, 404, 426] {
        let (kind, code) = rejection(sold(Play::reply(status, XML, "")).await);
        assert_eq!((kind, code), (RejectionKind::Config, format!("http_{status}")));
    }
}

#[tokio::test]
async fn error_codes_decide_what_kind_of_refusal_it_is() {
    for (code, kind) in [
        ("91518", RejectionKind::NotFound),
        ("91510", RejectionKind::NotFound),
        ("91514", RejectionKind::State),
        ("81531", RejectionKind::Invalid),
        ("915230", RejectionKind::KeyMisuse),
        ("915232", RejectionKind::KeyMisuse),
    ] {
        assert_eq!(rejection(sold_with_code(code).await), (kind, code.to_owned()));
    }
    for code in ["915233", "915234", "915235"] {
        assert_eq!(sold_with_code(code).await.word(), "unknown", "{code}");
    }
}

#[tokio::test]
async fn without_at_most_once_keys_the_same_attempt_goes_out_without_one() {
    let refusal = fixture!("sale_validation").replace("91518", "915231");
    let peer = Peer::start([Play::reply(422, XML, &refusal), Play::reply(201, XML, fixture!("sale_approved"))]).await;
    let connector = connector(&peer, AtMostOnceKeys::On);
    let first = perform(&connector, sell_in(Currency::EUR)).await.outcome;
    assert!(matches!(first, Outcome::NotSent { cause: NotSent::Again, .. }), "{first:?}");
    assert_eq!(perform(&connector, sell_in(Currency::EUR)).await.outcome.word(), "done");
    let keyed: Vec<bool> = peer.seen().iter().map(|request| request.contains("api_request_key")).collect();
    assert_eq!(keyed, [true, false]);
    assert!(!connector.keys_are_proven());
}

#[tokio::test]
async fn a_currency_without_merchant_account_is_never_sent() {
    let peer = Peer::start([]).await;
    let report = perform(&connector(&peer, AtMostOnceKeys::Off), sell_in(Currency::USD)).await;
    assert_eq!(rejection(report.outcome), (RejectionKind::Invalid, "no_merchant_account".to_owned()));
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn a_customer_is_read_with_its_cards() {
    let peer = Peer::start([ok(fixture!("customer"))]).await;
    let read = Act::ReadCustomer { customer: "c-42".to_owned() };
    let Outcome::Done { answer: Answer::Methods { methods } } =
        perform(&connector(&peer, AtMostOnceKeys::Off), read).await.outcome
    else {
        panic!("not read")
    };
    assert_eq!(methods.len(), 3);
    assert!(peer.seen()[0].starts_with("GET /merchants/acme/customers/c-42 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_read_that_fails_is_repeated_and_one_that_finds_nothing_is_not() {
    for play in [
        Play::reply(500, XML, ""),
        Play::reply(429, XML, ""),
        Play::reply(422, XML, ""),
        Play::reply(200, "text/html", "<html></html>"),
        Play::cut(200, "<transaction>"),
        Play::Reset,
    ] {
        let peer = Peer::start([play.clone()]).await;
        let read = Act::ReadTransaction { transaction: "k3v9p2ab".to_owned() };
        let outcome = perform(&connector(&peer, AtMostOnceKeys::Off), read).await.outcome;
        assert!(matches!(outcome, Outcome::NotSent { cause: NotSent::Again, .. }), "{play:?}: {outcome:?}");
    }
    let amount = fixture!("sale_approved").replace("<amount>49.00</amount>", "<amount>about 49</amount>");
    for (play, id, kind) in [
        (Play::reply(404, XML, ""), "k3v9p2ab", RejectionKind::NotFound),
        (Play::reply(401, XML, ""), "k3v9p2ab", RejectionKind::Config),
        (ok(&amount), "k3v9p2ab", RejectionKind::UnparsableAmount),
        (Play::Reset, "../customers/c-42", RejectionKind::NotFound),
    ] {
        let peer = Peer::start([play]).await;
        let read = Act::ReadTransaction { transaction: id.to_owned() };
        assert_eq!(rejection(perform(&connector(&peer, AtMostOnceKeys::Off), read).await.outcome).0, kind);
    }
}

#[tokio::test]
async fn a_look_asks_for_the_order_id_alone_and_adopts_the_approved_hit_beside_a_duplicate() {
    let (look, seen) = look([ok(fixture!("search_ids")), ok(fixture!("search_page"))]).await;
    let (transaction, extra) = adopted(look);
    assert_eq!((transaction.id.as_str(), extra), ("k3v9p2ab", vec![]));
    let bodies: Vec<&str> = seen.iter().map(|request| request.split_once("?>").expect("a body").1).collect();
    let criterion = "<order_id><is>demo1.inv.77.1</is></order_id>";
    assert_eq!(bodies[0], format!("<search>{criterion}</search>"));
    let ids = "<ids type=\"array\"><item>g7d6u5p4</item><item>k3v9p2ab</item></ids>";
    assert_eq!(bodies[1], format!("<search>{criterion}{ids}</search>"));
    assert!(seen[0].starts_with("POST /merchants/acme/transactions/advanced_search_ids "), "{}", seen[0]);
    assert!(seen[1].starts_with("POST /merchants/acme/transactions/advanced_search "), "{}", seen[1]);
}

#[tokio::test]
async fn of_two_approved_hits_the_oldest_is_adopted_and_the_other_named() {
    let found = [hit("newer", "settling", "2026-11-21T10:00:30Z"), hit("older", "settled", "2026-11-21T10:00:00Z")];
    let (transaction, extra) = adopted(look(hits(&found)).await.0);
    assert_eq!((transaction.id.as_str(), extra), ("older", vec!["newer".to_owned()]));
}

#[tokio::test]
async fn of_one_second_the_last_that_the_gateway_shows_is_the_oldest() {
    const AT: &str = "2026-11-21T10:00:00Z";
    let shown = ["third", "second", "first"].map(|id| hit(id, "settling", AT));
    let (transaction, extra) = adopted(look(hits(&shown)).await.0);
    assert_eq!((transaction.id.as_str(), extra), ("first", vec!["second".to_owned(), "third".to_owned()]));
    for order in [[0, 1], [1, 0]] {
        let twice = ["one", "other"].map(|id| hit(id, "processor_declined", AT));
        let shown = order.map(|at| twice[at].clone());
        let Look::Found { outcome, .. } = look(hits(&shown)).await.0 else { panic!("not found") };
        assert_eq!(declined(*outcome).transaction.as_deref(), Some(["one", "other"][order[0]]));
    }
}

#[tokio::test]
async fn a_reversed_hit_is_adopted_with_its_status() {
    let found = [hit("gone", "voided", "2026-11-21T10:00:00Z")];
    assert_eq!(adopted(look(hits(&found)).await.0).0.status, TransactionStatus::Voided);
}

#[tokio::test]
async fn only_a_refusal_that_stands_alone_is_the_outcome() {
    let no = hit("no", "processor_declined", "2026-11-21T10:00:00Z");
    let Look::Found { outcome, .. } = look(hits(std::slice::from_ref(&no))).await.0 else { panic!("not found") };
    assert_eq!(declined(*outcome).transaction.as_deref(), Some("no"));
    let duplicate = hit("dup", "gateway_rejected", "2026-11-21T10:00:10Z").replace(
        "<gateway-rejection-reason nil=\"true\"/>",
        "<gateway-rejection-reason>duplicate</gateway-rejection-reason>",
    );
    let refund =
        hit("back", "submitted_for_settlement", "2026-11-21T10:00:20Z").replace("<type>sale<", "<type>credit<");
    for found in [
        vec![duplicate.clone()],
        vec![no, duplicate],
        vec![hit("wait", "authorizing", "2026-11-21T10:00:00Z")],
        vec![hit("odd", "held_for_review", "2026-11-21T10:00:00Z")],
        vec![refund],
        vec![hit("other", "settled", "2026-11-21T10:00:00Z").replace(ORDER, "demo1.inv.77.10")],
    ] {
        let (look, _) = look(hits(&found)).await;
        assert!(is_unclear(&look), "{look:?}");
    }
}

#[tokio::test]
async fn a_hit_older_than_the_request_is_not_ours() {
    let found = [hit("old", "settled", "2026-11-21T09:54:57Z")];
    let Look::Found { outcome, .. } = look(hits(&found)).await.0 else { panic!("not found") };
    assert_eq!(rejection(*outcome).0, RejectionKind::OrderIdReused);
    let within_skew = [hit("ours", "settled", "2026-11-21T09:54:58Z")];
    assert_eq!(adopted(look(hits(&within_skew)).await.0).0.id, "ours");
}

#[tokio::test]
async fn absence_comes_with_a_watermark_only_if_a_later_transaction_is_shown_and_nothing_turned_up_meanwhile() {
    let none = || ok(fixture!("search_ids_none"));
    let (nothing, seen) = look([none(), none()]).await;
    assert_eq!(nothing, Look::Absent { watermark: false, key_proven: false });
    assert!(
        seen[1].contains(
            "<search><merchant_account_id type=\"array\"><item>acme_eur</item></merchant_account_id>\
             <created_at><min type=\"datetime\">2026-11-21T10:02:00Z</min></created_at></search>"
        ),
        "{}",
        seen[1]
    );
    let watermark = |created: &str| {
        let [ids, page] = hits(&[hit("other", "settled", created).replace(ORDER, "demo1.inv.78.1")]);
        [none(), ids, page]
    };
    let script = watermark("2026-11-21T10:02:00Z").into_iter().chain([none()]);
    assert_eq!(look(script).await.0, Look::Absent { watermark: true, key_proven: false });
    let too_early = look(watermark("2026-11-21T10:01:59Z")).await.0;
    assert_eq!(too_early, Look::Absent { watermark: false, key_proven: false });
    let late = hits(&[hit("late", "settled", "2026-11-21T10:00:00Z")]);
    let script = watermark("2026-11-21T10:02:00Z").into_iter().chain(late);
    assert_eq!(adopted(look(script).await.0).0.id, "late");
}

#[tokio::test]
async fn a_search_that_fails_or_is_not_complete_proves_nothing() {
    let [ids, _] = hits(&[hit("shy", "settled", "2026-11-21T10:00:00Z")]);
    let empty = || ok("<credit-card-transactions type=\"collection\"/>");
    for script in [
        vec![Play::reply(422, XML, "")],
        vec![Play::reply(401, XML, "")],
        vec![Play::reply(500, XML, "")],
        vec![ok("<html></html>")],
        vec![Play::Reset],
        vec![ids.clone(), empty(), empty()],
        vec![ids, Play::reply(422, XML, "")],
        vec![ok(fixture!("search_ids_none")), Play::reply(503, XML, "")],
    ] {
        let (look, _) = look(script.clone()).await;
        assert!(is_unclear(&look), "{script:?}: {look:?}");
    }
}

#[tokio::test]
async fn a_hit_that_the_second_phase_left_out_is_asked_for_alone() {
    let [ids, page] = hits(&[hit("shy", "settled", "2026-11-21T10:00:00Z")]);
    let (look, seen) = look([ids, ok("<credit-card-transactions type=\"collection\"/>"), page]).await;
    assert_eq!((adopted(look).0.id.as_str(), seen.len()), ("shy", 3));
}

#[tokio::test]
async fn a_look_keeps_to_its_time_limit() {
    let peer = Peer::start([Play::Silence]).await;
    let effect = sell_in(Currency::EUR);
    let call = Call { time_limit: Duration::from_millis(200), ..call(effect.clone()) };
    assert!(is_unclear(&connector(&peer, AtMostOnceKeys::Off).look(&call, &effect).await));
}

#[tokio::test]
async fn keys_count_as_proven_only_where_they_are_configured_so() {
    for (keys, proven) in [(AtMostOnceKeys::On, true), (AtMostOnceKeys::Learned, false), (AtMostOnceKeys::Off, false)] {
        let peer = Peer::start([ok(fixture!("search_ids_none")), ok(fixture!("search_ids_none"))]).await;
        let effect = sell_in(Currency::EUR);
        let look = connector(&peer, keys).look(&call(effect.clone()), &effect).await;
        assert_eq!(look, Look::Absent { watermark: false, key_proven: proven });
    }
}

#[tokio::test]
async fn nothing_secret_or_personal_shows_in_reports_or_debug_output() {
    let peer = Peer::start([]).await;
    let shown = format!("{:?}", connector(&peer, AtMostOnceKeys::Off));
    assert!(!shown.contains("hush") && !shown.contains("cHViOmh1c2g"), "{shown}");
    for body in
        [fixture!("sale_processor_declined"), fixture!("sale_gateway_rejected_cvv"), fixture!("sale_validation")]
    {
        let shown = format!("{:?}", sold(Play::reply(422, XML, body)).await);
        assert!(!shown.contains('@') && !shown.contains("Ada") && !shown.contains("401288"), "{shown}");
    }
}
