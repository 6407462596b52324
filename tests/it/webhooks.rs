//! Webhooks from outside: what is let in, what bad input gets, and that nothing bad stops what comes after it.

use crate::outside::{Counts, Outside, problem};
use attio_billing::demo::Wish;
use attio_billing::store::append::Status;
use attio_billing::store::query::SagaLine;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const NOTIFICATION: &str = "<notification><kind>KIND</kind><timestamp type=\"datetime\">2026-11-21T10:15:00Z</timestamp>\
                            <subject>SUBJECT</subject></notification>";

fn notification(kind: &str, subject: &str) -> String {
    NOTIFICATION.replace("KIND", kind).replace("SUBJECT", subject)
}

#[tokio::test]
async fn an_unsigned_or_badly_signed_delivery_is_refused_counted_and_not_stored() {
    let out = Outside::start().await;
    let body = br#"{"event_id":"1","event_type":"invoice_created","data":{"invoice":{"invoice_id":"1"}}}"#;
    let form = out.braintree_form("PG5vdGlmaWNhdGlvbi8+\n");
    let good = out.zoho_signature("", body);
    let post = |vendor: &str| out.http.post(out.public(&format!("/webhooks/{vendor}")));
    let refused = [
        post("zoho").body(body.to_vec()),
        post("zoho").header("x-zoho-webhook-signature", "00".repeat(32)).body(body.to_vec()),
        post("zoho?tenant=other").header("x-zoho-webhook-signature", &good).body(body.to_vec()),
        post("attio").body(body.to_vec()),
        post("attio").header("attio-signature", &good).body(body.to_vec()),
        post("attio").header("attio-signature", "not hex").body(body.to_vec()),
        post("braintree").body("bt_payload=PG5vdGlmaWNhdGlvbi8%2B%0A"),
        post("braintree").body(form.replace("%7C", "%7C00")),
        post("braintree").body(form.replace("bt_payload=PG5", "bt_payload=QG5")),
    ];
    for request in refused {
        let answer = request.send().await.unwrap();
        assert_eq!(problem(answer, StatusCode::UNAUTHORIZED).await["code"], "bad_signature");
    }
    for vendor in ["zoho", "attio", "braintree"] {
        let counts = Counts { received: 0, processed: 0, duplicate: 0, dead: 0, rejected: 3 };
        assert_eq!(out.counts(vendor).await, counts, "{vendor}");
    }
    let listed: Value = out.get("/inbox/deliveries").await;
    assert_eq!(listed, json!({"deliveries": []}));
    out.end().await;
}

/// The status line that a body in chunks, of unknown length, gets.
async fn chunked(out: &Outside, mut size: usize) -> String {
    let stream = TcpStream::connect(out.stage.service().public).await.unwrap();
    let (read, mut write) = stream.into_split();
    let sending = tokio::spawn(async move {
        write.write_all(b"POST /webhooks/attio HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await?;
        while size > 0 {
            let now = size.min(16 * 1024);
            write.write_all(format!("{now:x}\r\n{}\r\n", " ".repeat(now)).as_bytes()).await?;
            size -= now;
        }
        write.write_all(b"0\r\n\r\n").await?;
        // Kept open until the answer was read.
        Ok::<_, std::io::Error>(write)
    });
    let mut line = String::new();
    BufReader::new(read).read_line(&mut line).await.unwrap();
    drop(sending.await);
    line.trim_end().to_owned()
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whole_or_in_chunks() {
    const LIMIT: usize = 1024 * 1024;
    let out = Outside::start().await;
    let post = |size: usize| out.http.post(out.public("/webhooks/attio")).body(vec![b' '; size]).send();
    let told = problem(post(LIMIT + 1).await.unwrap(), StatusCode::PAYLOAD_TOO_LARGE).await;
    assert_eq!(told["code"], "body_too_large");
    assert_eq!(chunked(&out, LIMIT + 1).await, "HTTP/1.1 413 Payload Too Large");
    assert_eq!(out.counts("attio").await.rejected, 2);
    // The limit itself is within it: such a body only lacks its signature.
    problem(post(LIMIT).await.unwrap(), StatusCode::UNAUTHORIZED).await;
    assert_eq!(chunked(&out, LIMIT).await, "HTTP/1.1 401 Unauthorized");
    // And a genuine one of that size is taken.
    let mut body = br#"{"event_id":"big","event_type":"unheard_of","data":{"pad":""#.to_vec();
    body.resize(LIMIT - 3, b'x');
    body.extend(br#""}}"#);
    assert_eq!(out.zoho(body).await.status(), StatusCode::OK);
    assert_eq!(out.fate("zoho").await.0, "ignored");
    out.end().await;
}

#[tokio::test]
async fn a_signed_delivery_that_cannot_be_read_is_kept_dead_with_the_reason() {
    let out = Outside::start().await;
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    let deep = format!(r#"{{"event_id":"d","event_type":"invoice_created","data":{deep}}}"#);
    for body in ["", "no json", "{\"event_id\":", "[1]", "a=b", "{\"a\":\"\u{0}\"}", &deep] {
        assert_eq!(out.zoho(body).await.status(), StatusCode::OK);
        let (state, reason) = out.fate("zoho").await;
        assert!(state == "dead" && reason.starts_with("unreadable"), "{body:.40}: {state}, {reason}");
    }
    for (key, body) in [("a", "no json"), ("b", "{}"), ("c", r#"{"events":{}}"#)] {
        assert_eq!(out.attio(key, body).await.status(), StatusCode::OK);
        let (state, reason) = out.fate("attio").await;
        assert!(state == "dead" && reason.starts_with("unreadable"), "{body}: {state}, {reason}");
    }
    let nested = format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000));
    for xml in ["<notification/>", "<a>", "plain", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", &nested] {
        assert_eq!(out.braintree(xml.as_bytes()).await.status(), StatusCode::OK);
        let (state, reason) = out.fate("braintree").await;
        assert!(state == "dead" && reason.contains("cannot be read"), "{xml:.40}: {state}, {reason}");
    }
    let counts = |received| Counts { received, processed: 0, duplicate: 0, dead: received, rejected: 0 };
    assert_eq!(out.counts("zoho").await, counts(7));
    assert_eq!(out.counts("attio").await, counts(3));
    assert_eq!(out.counts("braintree").await, counts(5));
    out.end().await;
}

#[tokio::test]
async fn an_unknown_kind_of_event_is_stored_ignored_and_visible() {
    let out = Outside::start().await;
    let zoho = r#"{"event_id":"5","event_type":"moon_landed","data":{"invoice":{"invoice_id":"42"}}}"#;
    assert_eq!(out.zoho(zoho).await.status(), StatusCode::OK);
    let (state, reason) = out.fate("zoho").await;
    assert!(state == "ignored" && reason.contains("`moon_landed`"), "{state}, {reason}");
    assert_eq!(out.attio("k", r#"{"events":[{"event_type":"moon.landed","id":{}}]}"#).await.status(), StatusCode::OK);
    assert_eq!(out.fate("attio").await.0, "ignored");
    let xml = notification("moon_landed", "<moon><id>1</id></moon>");
    assert_eq!(out.braintree(xml.as_bytes()).await.status(), StatusCode::OK);
    let (state, reason) = out.fate("braintree").await;
    assert!(state == "ignored" && reason.contains("moon_landed"), "{state}, {reason}");
    for vendor in ["zoho", "attio", "braintree"] {
        let counts = Counts { received: 1, processed: 1, duplicate: 0, dead: 0, rejected: 0 };
        assert_eq!(out.counts(vendor).await, counts, "{vendor}");
    }
    out.end().await;
}

#[tokio::test]
async fn a_delivery_that_comes_again_is_counted_and_has_one_effect() {
    let out = Outside::start().await;
    let body = r#"{"event_id":"9","event_type":"card_expiring","data":{}}"#;
    for _ in 0..3 {
        assert_eq!(out.zoho(body).await.status(), StatusCode::OK);
    }
    // A key far longer than an index takes is a key all the same.
    let long = format!(r#"{{"event_id":"{}","event_type":"card_expiring","data":{{}}}}"#, "9".repeat(100_000));
    for _ in 0..2 {
        assert_eq!(out.zoho(long.clone()).await.status(), StatusCode::OK);
    }
    let key = "k".repeat(5_000);
    for _ in 0..2 {
        assert_eq!(out.attio(&key, r#"{"events":[]}"#).await.status(), StatusCode::OK);
    }
    out.stage.rest().await.unwrap();
    let counts = Counts { received: 2, processed: 2, duplicate: 3, dead: 0, rejected: 0 };
    assert_eq!(out.counts("zoho").await, counts);
    assert_eq!(out.counts("attio").await, Counts { received: 1, processed: 1, duplicate: 1, ..counts });
    out.end().await;
}

#[tokio::test]
async fn ids_that_are_none_are_refused_on_record_and_the_next_good_delivery_is_acted_on() {
    let out = Outside::start().await;
    let event = |n: usize, id: &Value| json!({"event_id": n.to_string(), "event_type": "invoice_created", "data": {"invoice": {"invoice_id": id}}});
    let ids = ["../../oauth", "98\u{0}7", "'; drop table inbox; --", "９８７", "4 2", &"9".repeat(300_000)];
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(out.zoho(event(n, &json!(id)).to_string()).await.status(), StatusCode::OK);
        let (state, reason) = out.fate("zoho").await;
        assert!(state == "dead" && reason.contains("expected 1 to 32 digits"), "{id:.20}: {state}, {reason}");
    }
    // Numbers that are no ids count as none.
    for (n, id) in [json!(-1), json!(0.5), json!(null), json!([]), json!("")].iter().enumerate() {
        assert_eq!(out.zoho(event(100 + n, id).to_string()).await.status(), StatusCode::OK);
        assert_eq!(out.fate("zoho").await.0, "ignored", "{id}");
    }
    // Duplicate keys: the last one counts, and only what Zoho itself says of it is believed.
    let twice =
        r#"{"event_id":"200","event_type":"invoice_created","data":{"invoice":{"invoice_id":"1","invoice_id":"404"}}}"#;
    assert_eq!(out.zoho(twice).await.status(), StatusCode::OK);
    assert_eq!(out.fate("zoho").await.0, "processed");
    out.stage.rest().await.unwrap();
    let gone = out.stage.saga(out.stage.saga_of("404")).await.unwrap().expect("on record");
    assert!(gone.ended.is_some() || gone.parked.is_some() || gone.due_at.is_some(), "{gone:?}");
    assert!(out.stage.saga(out.stage.saga_of("1")).await.unwrap().is_none());

    let customer = out.stage.new_customer(&Wish::new("After The Storm", 4_900)).await.unwrap();
    let saga = out.stage.saga_of(&customer.first_invoice);
    out.stage.until_saga(saga, "paid", |s| s.state == "AwaitSettlement").await.unwrap();
    out.end().await;
}

#[tokio::test]
async fn an_invoice_of_nobody_we_know_or_of_an_unlinked_subscription_is_not_charged() {
    let out = Outside::start().await;
    let stranger = out.stage.new_customer(&Wish::new("Stranger", 4_900).unlinked()).await.unwrap();
    let saga = out.stage.saga_of(&stranger.first_invoice);
    let parked = out.stage.until_saga(saga, "parked", |s| s.status == Status::NeedsPerson).await.unwrap();
    assert_eq!(parked.parked.unwrap().0, "CUSTOMER_UNLINKED");
    let books = out.stage.sandbox.books().await.unwrap();
    assert_eq!(books["braintree"]["transactions"].as_array().map_or(0, Vec::len), 0, "{}", books["braintree"]);
    out.end().await;
}

#[tokio::test]
async fn an_invoice_in_a_currency_without_a_merchant_account_or_about_nothing_is_not_charged() {
    let out = Outside::start().await;
    let customer = out.stage.new_customer(&Wish::new("Odd", 4_900)).await.unwrap();
    let first = out.stage.saga_of(&customer.first_invoice);
    out.stage.until_saga(first, "paid", |s| s.state == "AwaitSettlement").await.unwrap();
    let nothing = out.stage.saga_of(&out.stage.renew(&customer, 0).await.unwrap());
    let closed = |s: &SagaLine| s.ended.is_some() || s.parked.is_some() || s.state.starts_with("Closed");
    out.stage.until_saga(nothing, "closed", closed).await.unwrap();

    let staff = async |act: Value| out.stage.sandbox.staff(&act).await.unwrap();
    let yen = json!({"vendor": "zoho", "act": "create_customer", "display_name": "Yen", "email": "yen@example.org",
        "currency_code": "JPY"});
    let yen = staff(yen).await["customer_id"].clone();
    let invoice = json!({"vendor": "zoho", "act": "create_invoice", "customer_id": yen, "amount": 500});
    let invoice = staff(invoice).await["invoice_id"].clone();
    let invoice = invoice.as_str().map_or_else(|| invoice.to_string(), str::to_owned);
    let refused = out.stage.until_saga(out.stage.saga_of(&invoice), "settled", closed).await.unwrap();
    assert!(refused.parked.is_some() || refused.ended.is_some(), "{refused:?}");
    let books = out.stage.sandbox.books().await.unwrap();
    assert_eq!(books["braintree"]["transactions"].as_array().map(Vec::len), Some(1), "{}", books["braintree"]);
    out.end().await;
}

#[tokio::test]
async fn attios_own_deliveries_arrive_signed() {
    let out = Outside::start().await;
    let customer = out.stage.new_customer(&Wish::new("Watched", 4_900)).await.unwrap();
    out.stage.rest().await.unwrap();
    let delete = json!({"vendor": "attio", "act": "delete_record", "object": "companies",
        "record_id": customer.attio_company});
    out.stage.sandbox.staff(&delete).await.unwrap();
    let (state, _) = out.fate("attio").await;
    assert_eq!(state, "processed", "whose record it was hears that it is gone");
    assert_eq!(out.counts("attio").await.rejected, 0);
    out.end().await;
}

#[tokio::test]
async fn braintrees_challenge_is_answered_and_nothing_else_is_signed() {
    let out = Outside::start().await;
    let ask = |query: &str| out.http.get(out.public(&format!("/webhooks/braintree{query}"))).send();
    let answer = ask("?bt_challenge=20f9f8ed05f77439fe955c977e4c8a53").await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let signed = answer.text().await.unwrap();
    let public = out.shown["webhooks"]["braintree_public_key"].as_str().unwrap();
    assert!(signed.starts_with(&format!("{public}|")) && signed.len() == public.len() + 41, "{signed}");
    for bad in ["", "?bt_challenge=", "?bt_challenge=hello", "?challenge=20f9f8ed05f77439fe955c977e4c8a53"] {
        let told = problem(ask(bad).await.unwrap(), StatusCode::UNPROCESSABLE_ENTITY).await;
        assert!(told["detail"].as_str().unwrap().starts_with("`bt_challenge`"), "{told}");
    }
    out.end().await;
}

#[tokio::test]
async fn a_braintree_delivery_is_fetched_and_one_of_nothing_ends_as_not_found() {
    let out = Outside::start().await;
    for (kind, subject) in [
        ("transaction_settled", "<transaction><id>nosuchid</id></transaction>"),
        ("transaction_settled", "<transaction><id>../x?y=1</id></transaction>"),
        ("subscription_charged_successfully", "<subscription><id>nosuchsub</id></subscription>"),
        ("dispute_opened", "<dispute><id>nosuchdispute</id></dispute>"),
    ] {
        assert_eq!(out.braintree(notification(kind, subject).as_bytes()).await.status(), StatusCode::OK);
        let (state, reason) = out.fate("braintree").await;
        assert!(state == "ignored" && reason.contains("not found at Braintree"), "{kind}: {state}, {reason}");
    }
    assert_eq!(out.braintree(notification("check", "<check>true</check>").as_bytes()).await.status(), StatusCode::OK);
    assert_eq!(out.fate("braintree").await.0, "ignored");
    out.end().await;
}

#[tokio::test]
async fn a_braintree_that_does_not_answer_holds_up_nobody_elses_deliveries() {
    let out = Outside::start().await;
    let fault = json!({"vendor": "braintree", "operation": "*", "kind": "status", "status": 503});
    out.stage.sandbox.order_faults(&fault).await.unwrap();
    let subject = "<transaction><id>waits</id></transaction>";
    assert_eq!(out.braintree(notification("transaction_settled", subject).as_bytes()).await.status(), StatusCode::OK);
    let zoho = r#"{"event_id":"6","event_type":"card_deleted","data":{}}"#;
    assert_eq!(out.zoho(zoho).await.status(), StatusCode::OK);
    assert_eq!(out.fate("zoho").await.0, "ignored");
    assert_eq!(out.counts("braintree").await.processed, 0);
    out.stage.sandbox.clear_faults().await.unwrap();
    assert_eq!(out.fate("braintree").await.0, "ignored");
    out.end().await;
}

/// JSON near to what Zoho sends, with anything in any place.
fn near_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        ".{0,20}".prop_map(|s| json!(s)),
        "\\PC{0,3}\u{0}".prop_map(|s| json!(s)),
        "[0-9]{1,20}".prop_map(|s| json!(s)),
    ];
    let key = prop_oneof![
        Just("event_id".to_owned()),
        Just("event_type".to_owned()),
        Just("data".to_owned()),
        Just("invoice".to_owned()),
        Just("invoice_id".to_owned()),
        Just("payment".to_owned()),
        Just("events".to_owned()),
        Just("id".to_owned()),
        ".{0,8}",
    ];
    leaf.prop_recursive(4, 32, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| json!(v)),
            prop::collection::btree_map(key.clone(), inner, 0..5).prop_map(|m| json!(m)),
        ]
    })
    .prop_map(|value| value.to_string())
}

#[tokio::test]
async fn whatever_is_signed_is_taken_and_nothing_sticks() {
    let out = Outside::start().await;
    let mut runner = TestRunner::deterministic();
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    let mut taken = [0_u64; 3];
    for round in 0..80 {
        let raw = bytes.new_tree(&mut runner).unwrap().current();
        let near = near_json().new_tree(&mut runner).unwrap().current().into_bytes();
        for body in [raw, near] {
            let answers = [
                out.zoho(body.clone()).await,
                out.attio(&format!("k{round}"), body.clone()).await,
                out.braintree(&body).await,
            ];
            for (answer, taken) in answers.into_iter().zip(&mut taken) {
                assert_eq!(answer.status(), StatusCode::OK, "{:?}", String::from_utf8_lossy(&body));
                *taken += 1;
            }
        }
    }
    out.stage.rest().await.unwrap();
    for (vendor, taken) in ["zoho", "attio", "braintree"].into_iter().zip(taken) {
        let counts = out.counts(vendor).await;
        assert_eq!(counts.received + counts.duplicate, taken, "{vendor}: {counts:?}");
        assert_eq!(counts.processed + counts.dead, counts.received, "{vendor}: {counts:?}");
        assert_eq!(counts.rejected, 0);
    }
    out.end().await;
}
