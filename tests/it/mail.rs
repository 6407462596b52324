//! Mails over real SMTP, against the sandbox's mail server: sent once, refused, put off, and unknown.

use crate::sandbox_caller::Sandbox;
use crate::store_support::Bench;
use attio_billing::brand::{Brand, Locale};
use attio_billing::clock::RealClock;
use attio_billing::config::MailConfig;
use attio_billing::mail::facts::{Facts, Template};
use attio_billing::mail::outbox::{Sender, deliver};
use attio_billing::mail::{Mail, Mailer, MessageId, To, samples};
use attio_billing::store::mail::{Standing, State, state};
use sagas::kernel::outcome::{Outcome, RejectionKind};
use sandbox::mailbox::{self, Stored};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// A sandbox with its mail server, and a mailer that uses it.
pub(crate) struct Post {
    pub(crate) sandbox: Sandbox,
    pub(crate) mailer: Mailer,
}

impl Post {
    pub(crate) async fn start() -> Self {
        let sandbox = Sandbox::start().await;
        mailbox::open(&sandbox.world, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let own = &sandbox.world.credentials.mail;
        let address = sandbox.world.mailbox.address().unwrap();
        let mailer = mailer(&format!("smtp://{}:{}@{address}", own.user, own.password));
        Self { sandbox, mailer }
    }

    pub(crate) async fn fault(&self, operation: &str, kind: Value) {
        let mut order = json!({"vendor": "mail", "operation": operation, "times": 1});
        order.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        self.sandbox.order("/faults", order).await;
    }

    pub(crate) fn mails(&self) -> Vec<Stored> {
        self.sandbox.world.mailbox.list()
    }
}

fn mailer(smtp_url: &str) -> Mailer {
    let from = "billing@acme.example".parse().unwrap();
    let config = MailConfig { from, smtp_url: SecretString::from(smtp_url), tls_required: false };
    let brand = Brand {
        name: "Acme Cloud".to_owned(),
        support_email: "support@acme.example".to_owned(),
        colour: "#1d4ed8".parse().unwrap(),
        logo: None,
        locale: Locale::En,
    };
    Mailer::new(&config, &brand, Arc::new(RealClock), Duration::from_secs(2)).unwrap()
}

pub(crate) fn mail(number: u32) -> Mail {
    Mail {
        message_id: MessageId::new(&format!("mail-{number}@acme.example")).unwrap(),
        to: To { address: "zoe@example.com".to_owned(), name: Some("Zoë Ångström".to_owned()) },
        locale: Locale::De,
        facts: samples::facts(Template::Receipt, Locale::De),
    }
}

fn standing(state: State, attempts: u32) -> (State, u32) {
    (state, attempts)
}

async fn recorded(bench: &Bench, number: u32) -> (State, u32) {
    let Standing { state, attempts, .. } = state(&bench.pool, mail(number).message_id.as_str()).await.unwrap().unwrap();
    standing(state, attempts)
}

async fn post(bench: &Bench, post: &Post, number: u32, money: bool) -> Outcome {
    let from = Sender { customer: Some("cus_1"), ..Sender::default() };
    deliver(&bench.pool, &post.mailer, &mail(number), from, money).await
}

fn is_done(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done { .. })
}

#[tokio::test]
async fn a_mail_is_sent_once_however_often_its_step_is_repeated() {
    let (bench, office) = (Bench::new().await, Post::start().await);
    for _ in 0..3 {
        assert!(is_done(&post(&bench, &office, 1, true).await));
    }
    let mails = office.mails();
    assert_eq!(mails.len(), 1);
    let came = &mails[0];
    assert_eq!(came.message_id.as_deref(), Some("mail-1@acme.example"));
    assert_eq!(
        (came.to.as_slice(), came.from.as_str()),
        (&["zoe@example.com".to_owned()][..], "Acme Cloud <billing@acme.example>")
    );
    assert_eq!(came.subject, "Zahlungsbeleg für Plus: 58,31 €");
    assert!(came.text.as_deref().unwrap().contains("Guten Tag Zoë Ångström,"), "{:?}", came.text);
    assert!(came.html.as_deref().unwrap().contains("Guten Tag Zoë Ångström,"), "{:?}", came.html);
    assert_eq!(recorded(&bench, 1).await, standing(State::Sent, 1));
    let row = bench.text("select mail::text from mail").await;
    assert!(!row.contains("zoe") && !row.contains("Zo\u{eb}") && row.contains("250 2.0.0"), "{row}");
}

#[tokio::test]
async fn a_refused_mail_says_why_without_the_address_and_may_be_tried_again() {
    let (bench, office) = (Bench::new().await, Post::start().await);
    for (number, operation) in [(1, "mail.recipient"), (2, "mail.data")] {
        office.fault(operation, json!({"kind": "refuse", "code": "5.1.1"})).await;
        let Outcome::Rejected { rejection } = post(&bench, &office, number, true).await else { panic!("{operation}") };
        assert_eq!((rejection.kind, rejection.code.as_str()), (RejectionKind::Invalid, "550"));
        assert!(rejection.message.contains("5.1.1") && !rejection.message.contains('@'), "{}", rejection.message);
        assert_eq!(recorded(&bench, number).await, standing(State::Refused, 0));
        assert!(is_done(&post(&bench, &office, number, false).await));
    }
    assert_eq!(office.mails().len(), 2);
}

#[tokio::test]
async fn a_server_that_asks_to_come_again_is_asked_again() {
    let (bench, office) = (Bench::new().await, Post::start().await);
    for (number, operation, kind) in [
        (1, "mail.recipient", json!({"kind": "status", "status": 451})),
        (2, "mail.data", json!({"kind": "rate_limit"})),
        (3, "mail.recipient", json!({"kind": "reset_before"})),
        (4, "mail.recipient", json!({"kind": "timeout_before"})),
    ] {
        office.fault(operation, kind).await;
        let Outcome::NotSent { detail, .. } = post(&bench, &office, number, false).await else { panic!("{operation}") };
        assert!(!detail.contains("zoe@"), "{detail}");
        assert!(is_done(&post(&bench, &office, number, false).await), "{operation}");
    }
    assert_eq!(office.mails().len(), 4);
}

#[tokio::test]
async fn a_mail_about_money_whose_fate_is_unknown_goes_out_twice_at_most() {
    let (bench, office) = (Bench::new().await, Post::start().await);
    for (number, kinds, arrived) in [
        (1, ["reset_after", "reset_after"], 2),
        (2, ["timeout_after", "reset_before"], 1),
        (3, ["reset_before", "timeout_before"], 0),
    ] {
        office.sandbox.order("/reset", json!({})).await;
        for (attempt, kind) in (1..).zip(kinds) {
            office.fault("mail.data", json!({"kind": kind})).await;
            let outcome = post(&bench, &office, number, true).await;
            assert!(matches!(outcome, Outcome::Unknown { .. }), "{kind}: {outcome:?}");
            assert_eq!(recorded(&bench, number).await, standing(State::Unknown, attempt));
        }
        // A third time nothing leaves, although the server would take it now.
        let outcome = post(&bench, &office, number, true).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
        let mails = office.mails();
        assert_eq!(mails.len(), arrived);
        assert!(mails.iter().all(|m| m.message_id == mails[0].message_id), "one Message-ID for both");
    }
}

#[tokio::test]
async fn any_other_mail_whose_fate_is_unknown_is_not_sent_again() {
    let (bench, office) = (Bench::new().await, Post::start().await);
    office.fault("mail.data", json!({"kind": "reset_before"})).await;
    for _ in 0..2 {
        let outcome = post(&bench, &office, 1, false).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    }
    assert_eq!(office.mails().len(), 0);
    assert_eq!(recorded(&bench, 1).await, standing(State::Unknown, 1));
    // A second attempt at a mail about money that the server puts off leaves the first one's doubt as it was.
    office.fault("mail.data", json!({"kind": "status", "status": 451})).await;
    assert!(matches!(post(&bench, &office, 1, true).await, Outcome::NotSent { .. }));
    assert_eq!(recorded(&bench, 1).await, standing(State::NotSent, 1));
    assert!(matches!(post(&bench, &office, 1, false).await, Outcome::Unknown { .. }));
    assert!(is_done(&post(&bench, &office, 1, true).await));
}

#[tokio::test]
async fn a_sender_that_died_while_its_text_was_leaving_left_a_doubt() {
    let (bench, office) = (Bench::new().await, Post::start().await);
    bench
        .execute(
            "insert into mail (message_id, template, state, attempts, changed_at)
             values ('mail-1@acme.example', 'receipt', 'sending', 1, now()), ('mail-2@acme.example', 'receipt', 'sending', 1, now())",
        )
        .await;
    assert!(matches!(post(&bench, &office, 1, false).await, Outcome::Unknown { .. }));
    assert!(is_done(&post(&bench, &office, 2, true).await));
    assert_eq!(office.mails().len(), 1);
}

#[tokio::test]
async fn two_nodes_with_the_same_mail_send_it_once() {
    let (bench, office) = (Bench::new().await, Post::start().await);
    let outcomes = tokio::join!(post(&bench, &office, 1, false), post(&bench, &office, 1, false));
    assert!(is_done(&outcomes.0) || is_done(&outcomes.1), "{outcomes:?}");
    assert_eq!(office.mails().len(), 1);
}

#[tokio::test]
async fn no_name_or_fact_becomes_a_header_a_recipient_or_the_end_of_the_mail() {
    let office = Post::start().await;
    let hostile =
        "Eve\r\nBcc: <victim@example.com>\r\n\r\n.\r\nRCPT TO:<victim@example.com>\r\n<script>alert(1)</script>";
    let mut sent = mail(1);
    sent.to.name = Some(hostile.to_owned());
    if let Facts::Receipt(receipt) = &mut sent.facts {
        receipt.plan = hostile.to_owned();
        receipt.invoice = "\r\n.\r\nMAIL FROM:<x@y.example>\r\n".to_owned();
    }
    assert!(is_done(&office.mailer.send(&sent).await.outcome));
    let mails = office.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["zoe@example.com"]);
    assert!(!mails[0].header.lines().any(|line| line.starts_with("Bcc")), "{}", mails[0].header);
    let text = mails[0].text.as_deref().unwrap();
    assert!(text.contains("Rechnung: . MAIL FROM:<x@y.example>"), "each fact stays on its line: {text}");
    assert!(!mails[0].html.as_deref().unwrap().contains("<script>"));
}

#[tokio::test]
async fn an_international_address_is_taken_and_reaches_its_owner() {
    let office = Post::start().await;
    let mut sent = mail(1);
    sent.to.address = "zoë@bücher.example".to_owned();
    assert!(is_done(&office.mailer.send(&sent).await.outcome));
    assert_eq!(office.mails()[0].to, ["zoë@xn--bcher-kva.example"]);
}

#[tokio::test]
async fn a_wrong_password_and_a_missing_server_are_told_apart_without_the_password() {
    let office = Post::start().await;
    let address = office.sandbox.world.mailbox.address().unwrap();
    let refused = mailer(&format!("smtp://sandbox:hushhush@{address}")).send(&mail(1)).await;
    let Outcome::Rejected { rejection } = &refused.outcome else { panic!("{refused:?}") };
    assert_eq!((rejection.kind, rejection.code.as_str()), (RejectionKind::Config, "535"));
    let missing = mailer("smtp://sandbox:hushhush@127.0.0.1:9").send(&mail(1)).await;
    assert!(matches!(missing.outcome, Outcome::NotSent { .. }), "{missing:?}");
    assert!(!format!("{refused:?}{missing:?}").contains("hushhush"));
}

#[tokio::test]
async fn nothing_is_sent_in_the_clear_where_tls_is_required() {
    let office = Post::start().await;
    let own = &office.sandbox.world.credentials.mail;
    let address = office.sandbox.world.mailbox.address().unwrap();
    let config = MailConfig {
        from: "billing@acme.example".parse().unwrap(),
        smtp_url: SecretString::from(format!("smtp://{}:{}@{address}", own.user, own.password)),
        tls_required: true,
    };
    let brand = Brand {
        name: "Acme Cloud".to_owned(),
        support_email: "support@acme.example".to_owned(),
        colour: "#1d4ed8".parse().unwrap(),
        logo: None,
        locale: Locale::En,
    };
    let mailer = Mailer::new(&config, &brand, Arc::new(RealClock), Duration::from_secs(2)).unwrap();
    let sent = mailer.send(&mail(1)).await;
    assert!(matches!(sent.outcome, Outcome::NotSent { .. }), "{sent:?}");
    assert!(office.mails().is_empty());
}
