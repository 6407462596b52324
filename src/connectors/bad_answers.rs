//! Answers that no vendor promises, given to all of them: each ends in an outcome that does no harm and in a line that a
//! person can act on, without a panic and without a secret.

use super::http::Http;
use super::peer::{Peer, Play};
use super::{Connectors, attio, braintree, zoho};
use crate::clock::RealClock;
use crate::port::{Beside, Call, InMemory, Perform as _, Report};
use chrono::{DateTime, Utc};
use iso_currency::Currency;
use sagas::kernel::effect::{Attio, AttioRecord, Braintree, Effect, Zoho};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Outcome, RejectionKind};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What must show nowhere: keys, tokens, and what stands in a body.
const SECRETS: [&str; 7] =
    ["bt-private", "attio-api-key", "zoho-client-secret", "zoho-refresh", "zoho-access", "IN-THE-BODY", "YnQtcHVi"];

const VENDORS: [&str; 3] = ["braintree", "attio", "zoho"];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn connectors(peer: &Peer) -> Connectors {
    let http = Http::new().expect("client");
    let braintree = braintree::Config {
        base_url: peer.url("/"),
        merchant_id: "acme".to_owned(),
        public_key: "bt-public".into(),
        private_key: "bt-private".into(),
        merchant_accounts: HashMap::from([(Currency::EUR, "acme_eur".to_owned())]),
        keys: braintree::AtMostOnceKeys::Learned,
    };
    let attio = attio::Config {
        base_url: peer.url("/"),
        api_key: "attio-api-key".into(),
        currency: Currency::EUR,
        task_owner: None,
    };
    let zoho = zoho::Config {
        accounts_url: peer.url("/"),
        api_url: peer.url("/"),
        organization_id: "10234695".to_owned(),
        client_id: "client".to_owned(),
        client_secret: "zoho-client-secret".into(),
        refresh_token: "zoho-refresh".into(),
        currency: Currency::EUR,
        tax_rates: BTreeMap::default(),
        desk: None,
    };
    Connectors {
        braintree: braintree::Braintree::new(braintree, http.clone()),
        zoho: zoho::Zoho::new(&zoho, http.clone(), Arc::new(RealClock), Arc::new(InMemory::default())).expect("set up"),
        attio: attio::Attio::new(&attio, http).expect("set up"),
    }
}

fn write(vendor: &str) -> Effect {
    let amount = Money::new(4900, Currency::EUR);
    match vendor {
        "braintree" => Effect::Braintree(Braintree::Sell {
            order_id: "demo1.inv.77.1".to_owned(),
            customer: "c-42".to_owned(),
            token: "m-1".to_owned(),
            amount,
            recurring: true,
            details: None,
        }),
        "attio" => Effect::Attio(Attio::SetCompliance {
            client: AttioRecord { object: "companies".to_owned(), id: "r1".to_owned() },
            laws: vec!["GDPR".to_owned()],
        }),
        _ => Effect::Zoho(Zoho::RecordPayment {
            customer: "9".to_owned(),
            invoice: "77".to_owned(),
            amount,
            reference: "8xk2f9qa".to_owned(),
            date: "2026-11-21".parse().expect("a day"),
            since: at("2026-11-21T09:59:00Z"),
        }),
    }
}

fn read(vendor: &str) -> Effect {
    match vendor {
        "braintree" => Effect::Braintree(Braintree::ReadTransaction { transaction: "k3v9p2ab".to_owned() }),
        "attio" => Effect::Attio(Attio::ReadRequest { record: "r1".to_owned() }),
        _ => Effect::Zoho(Zoho::ReadInvoice { invoice: "77".to_owned() }),
    }
}

/// Zoho's first request is the token's.
fn before(vendor: &str) -> Option<Play> {
    let token = r#"{"access_token":"zoho-access","expires_in":3600}"#;
    (vendor == "zoho").then(|| Play::reply(200, "application/json", token))
}

/// What came of one call, what was logged, and how many requests went out.
struct Told {
    report: Report,
    log: String,
    requests: usize,
    poured: usize,
}

async fn told(vendor: &str, effect: Effect, play: Play) -> Told {
    let peer = Peer::start(before(vendor).into_iter().chain([play])).await;
    let now = at("2026-11-21T10:00:00Z");
    let call = Call {
        saga: SagaId::derived("test", &["bad"]),
        step: "step".to_owned(),
        attempt: 1,
        effect,
        requested_at: now,
        sent_at: None,
        now,
        time_limit: Duration::from_secs(20),
        beside: Beside::default(),
    };
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || sink.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let report = connectors(&peer).perform(&call).await;
    drop(guard);
    Told { report, log: log.text(), requests: peer.seen().len(), poured: peer.poured() }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic holds it")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic holds it").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn raw(status: u16, headers: &str, body: &[u8]) -> Play {
    let head = format!(
        "HTTP/1.1 {status} Test\r\nx-request-id: req-1\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    Play::Bytes([head.as_bytes(), body].concat())
}

fn plain(status: u16, body: &str) -> Play {
    raw(status, "content-type: text/plain\r\n", body.as_bytes())
}

/// The beginning of a compressed body, and no more of it.
const HALF_GZIP: &[u8] = &[31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 203, 72, 205, 201];

const HTML: &str = "<!DOCTYPE html><html><body>IN-THE-BODY <a href=\"/login\">sign in</a></body></html>";

/// Answers of which nothing can be told: a write may have been done, a read is made again.
fn unreadable() -> Vec<(&'static str, Play)> {
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    let endless = |head: &str| Play::Endless(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n{head}\r\n"));
    vec![
        ("html", raw(200, "content-type: text/html\r\n", HTML.as_bytes())),
        ("html of a broken gateway", raw(502, "content-type: text/html\r\n", HTML.as_bytes())),
        ("half of a compressed body", raw(200, "content-encoding: gzip\r\n", HALF_GZIP)),
        ("half of a body", Play::cut(200, "{\"data\":\"IN-THE-BODY")),
        ("a body without end", endless("")),
        ("a body of 5 GB", endless("content-length: 5000000000\r\n")),
        ("no text", raw(200, "", b"\xff\xfe IN-THE-BODY")),
        ("very deep", raw(200, "", deep.as_bytes())),
        ("another type", plain(200, "OK IN-THE-BODY")),
        ("a wrong length of line", Play::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n".to_vec())),
        ("no HTTP", Play::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n".to_vec())),
        ("informational and no more", Play::Bytes(b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec())),
        ("a server error", plain(500, "IN-THE-BODY")),
        ("a request time-out", plain(408, "")),
        ("an unknown server error", plain(599, "IN-THE-BODY")),
    ]
}

fn has_no_secret(name: &str, told: &Told) {
    let shown = format!("{:?} {}", told.report.outcome, told.log);
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{name}: {secret} in {shown}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_leaves_a_write_unknown_and_repeats_a_read() {
    for vendor in VENDORS {
        let requests = 1 + usize::from(vendor == "zoho");
        for (name, play) in unreadable() {
            let name = format!("{vendor}, {name}");
            let wrote = told(vendor, write(vendor), play.clone()).await;
            assert_eq!(wrote.report.outcome.word(), "unknown", "{name}: {:?}", wrote.report.outcome);
            assert!(wrote.log.contains("it is looked up, and not sent again before that"), "{name}: {}", wrote.log);
            let looked = told(vendor, read(vendor), play).await;
            assert_eq!(looked.report.outcome.word(), "not_sent", "{name}: {:?}", looked.report.outcome);
            assert!(looked.log.contains("the call is made again"), "{name}: {}", looked.log);
            for told in [&wrote, &looked] {
                let operation = format!("operation=\"{vendor}.");
                assert!(told.log.contains(&operation), "{name}: {}", told.log);
                assert_eq!(told.requests, requests, "{name} was sent again");
                assert!(told.poured < 64 << 20, "{name}: {} bytes were taken", told.poured);
                has_no_secret(&name, told);
            }
        }
    }
}

/// Answers that are read, and are not what was asked for; what becomes of them depends on the vendor's form.
fn strange(vendor: &str) -> Vec<(&'static str, Play)> {
    let json = |body: &str| raw(200, "content-type: application/json\r\n", body.as_bytes());
    let xml = |body: &str| raw(200, "content-type: application/xml\r\n", body.as_bytes());
    let mut all = vec![
        ("nothing", plain(200, "")),
        ("a status of tomorrow", plain(299, "IN-THE-BODY")),
        ("not modified", plain(304, "")),
        ("a refusal of tomorrow", plain(499, "IN-THE-BODY")),
    ];
    all.extend(match vendor {
        "braintree" => vec![
            ("an error under success", xml("<api-error-response><errors/></api-error-response>")),
            ("a text for a sum", xml(&sale().replace("49.00", "forty-nine"))),
            ("a number for a time", xml(&sale().replace("2026-11-21T10:00:00Z", "1763719200"))),
            ("more behind it", xml(&format!("{}IN-THE-BODY", sale()))),
            ("another object", xml("<customer><id>c-42</id></customer>")),
        ],
        "attio" => vec![
            ("an error under success", json(r#"{"status_code":400,"code":"validation_type","message":"IN-THE-BODY"}"#)),
            ("a number for a text", json(r#"{"data":{"id":{"record_id":7},"values":{}}}"#)),
            ("a text for an object", json(r#"{"data":"IN-THE-BODY"}"#)),
            ("a key twice", json(r#"{"data":{"id":{"record_id":"r1","record_id":"r2"},"values":{}}}"#)),
            ("more behind it", json(r#"{"data":{"id":{"record_id":"r1"},"values":{}}}IN-THE-BODY"#)),
        ],
        _ => vec![
            ("an error under success", json(r#"{"code":1002,"message":"It does not exist."}"#)),
            ("a text for a code", json(r#"{"code":"zero","message":"IN-THE-BODY"}"#)),
            ("a text for an object", json(r#"{"code":0,"invoice":"IN-THE-BODY","payment":"IN-THE-BODY"}"#)),
            ("more behind it", json(r#"{"code":0}IN-THE-BODY"#)),
        ],
    });
    all
}

/// A no that its flow is told, and nobody else.
fn is_business(outcome: &Outcome) -> bool {
    use RejectionKind::{Invalid, NotFound, State};
    matches!(outcome, Outcome::Rejected { rejection } if matches!(rejection.kind, Invalid | NotFound | State))
}

fn sale() -> String {
    include_str!("../../tests/fixtures/braintree/sale_approved.xml").to_owned()
}

#[tokio::test]
async fn what_was_not_asked_for_is_never_taken_as_done() {
    for vendor in VENDORS {
        for (name, play) in strange(vendor) {
            let name = format!("{vendor}, {name}");
            let wrote = told(vendor, write(vendor), play.clone()).await;
            let word = wrote.report.outcome.word();
            assert!(["unknown", "rejected"].contains(&word), "{name}: {:?}", wrote.report.outcome);
            let looked = told(vendor, read(vendor), play).await;
            let word = looked.report.outcome.word();
            assert!(["not_sent", "rejected"].contains(&word), "{name}: {:?}", looked.report.outcome);
            for told in [&wrote, &looked] {
                has_no_secret(&name, told);
                let is_told = ["WARN", "ERROR"].iter().any(|level| told.log.contains(level));
                assert!(is_told || is_business(&told.report.outcome), "{name}: {}", told.log);
            }
        }
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed_and_no_key_goes_there() {
    for vendor in VENDORS {
        for status in [301, 302, 303, 307, 308] {
            for effect in [write(vendor), read(vendor)] {
                let elsewhere = Peer::start([Play::reply(200, "application/json", "{}")]).await;
                let location = format!("location: {}\r\n", elsewhere.url("/stolen"));
                let told = told(vendor, effect.clone(), raw(status, &location, b"")).await;
                let word = told.report.outcome.word();
                assert!(["unknown", "rejected", "not_sent"].contains(&word), "{vendor}: {:?}", told.report.outcome);
                assert!(elsewhere.seen().is_empty(), "{vendor}: {:?}", elsewhere.seen());
                has_no_secret(vendor, &told);
            }
        }
    }
}
