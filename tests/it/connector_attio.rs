//! The Attio connector against the simulated workspace, over HTTP: what an activation asks of it.

use crate::sandbox_caller::{Listener, Sandbox};
use attio_billing::connectors::attio::{Attio, Config, Standing, Webhook, webhook};
use attio_billing::connectors::http::Http;
use attio_billing::port::{Beside, Call, Report};
use chrono::{DateTime, NaiveDate, Utc};
use iso_currency::Currency;
use reqwest::Method;
use sagas::kernel::answer::{Answer, Request};
use sagas::kernel::effect::{
    self, AttioRecord, CheckoutFace, CheckoutLink, ClientFace, Effect, Projection, RecordNote, RefusedAct,
    SubscriptionFace, SubscriptionProjection, TaskNote, TransactionProjection,
};
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::slice;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(5);
const LINK: &str = "https://pay.example.com/checkout/s3cr3t";

/// A workspace that setup made, and a connector to it.
struct Workspace {
    sandbox: Sandbox,
    attio: Attio,
}

impl Workspace {
    async fn start() -> Self {
        let sandbox = Sandbox::start().await;
        sandbox.order("/limits", json!({"hold": false})).await;
        let attio = Self::connector(&sandbox, None);
        attio.setup(false).await.unwrap();
        Self { sandbox, attio }
    }

    fn connector(sandbox: &Sandbox, task_owner: Option<String>) -> Attio {
        let config = Config {
            base_url: sandbox.url("/").parse().unwrap(),
            api_key: sandbox.world.credentials.attio.api_key.clone().into(),
            currency: Currency::EUR,
            task_owner,
        };
        Attio::new(&config, Http::new().unwrap()).unwrap()
    }

    fn now(&self) -> DateTime<Utc> {
        self.sandbox.world.clock.now()
    }

    fn call(&self, effect: &effect::Attio) -> Call {
        Call {
            saga: SagaId::derived("test", &["activation"]),
            step: "test".to_owned(),
            attempt: 1,
            effect: Effect::Attio(effect.clone()),
            requested_at: self.now(),
            sent_at: None,
            now: self.now(),
            time_limit: LIMIT,
            beside: Beside { link: Some(LINK.into()), ..Beside::default() },
        }
    }

    async fn perform(&self, effect: &effect::Attio) -> Report {
        self.attio.perform(&self.call(effect), effect).await
    }

    async fn done(&self, effect: &effect::Attio) -> Answer {
        match self.perform(effect).await.outcome {
            Outcome::Done { answer } => answer,
            other => panic!("{effect:?}: {other:?}"),
        }
    }

    async fn look(&self, effect: &effect::Attio) -> Look {
        self.attio.look(&self.call(effect), effect).await
    }

    /// A record as the first workspace member makes it.
    async fn made(&self, object: &str, values: Value) -> String {
        let made = self.sandbox.attio_staff(json!({"act": "create_record", "object": object, "values": values})).await;
        made["id"]["record_id"].as_str().unwrap().to_owned()
    }

    async fn press(&self, record: &str, act: &str) -> DateTime<Utc> {
        let pressed = self.sandbox.attio_staff(json!({"act": "press", "record_id": record, "action": act})).await;
        let at = pressed["values"]["sync_action"][0]["active_from"].as_str().unwrap();
        DateTime::parse_from_rfc3339(at).unwrap().to_utc()
    }

    async fn books(&self) -> Value {
        self.sandbox.control(Method::GET, "/books", Value::Null).await.1["attio"].clone()
    }

    /// The values of one record, as the books show them.
    async fn shown(&self, object: &str, record: &str) -> Value {
        let books = self.books().await;
        let records = books["records"][object].as_array().unwrap();
        records.iter().find(|r| r["record_id"] == record).unwrap()["values"].clone()
    }

    async fn member(&self, email: &str) -> String {
        let books = self.books().await;
        let members = books["members"].as_array().unwrap();
        members.iter().find(|m| m["email"] == email).unwrap()["id"].as_str().unwrap().to_owned()
    }
}

fn reference(object: &str, record: &str) -> Value {
    json!({ "target_object": object, "target_record_id": record })
}

fn face(record: &str, as_of: DateTime<Utc>) -> SubscriptionFace {
    SubscriptionFace {
        record: record.to_owned(),
        external_id: None,
        refusal_only: false,
        answers_act: true,
        subscription_status: "Awaiting payment method".to_owned(),
        payment_status: "Pending".to_owned(),
        quote_text: "58.31 EUR a month".to_owned(),
        quote_expires_at: Some(as_of),
        checkout: CheckoutFace {
            status: "Link ready".to_owned(),
            link: Some(CheckoutLink { saga: SagaId::derived("test", &["activation"]), number: 1 }),
            expires_at: Some(as_of),
        },
        amount: Some(Money::new(5_831, Currency::EUR)),
        next_billing_on: NaiveDate::from_ymd_opt(2026, 12, 21),
        zoho_subscription: None,
        braintree_customer: None,
        collection_owner: None,
        last_error: String::new(),
        action_needed: String::new(),
        client: None,
        saga: "saga-1".to_owned(),
        sync_version: 1,
        as_of,
    }
}

fn show(face: &SubscriptionFace) -> effect::Attio {
    effect::Attio::ShowSubscription(Box::new(face.clone()))
}

#[tokio::test]
async fn what_a_person_fills_in_is_read_as_the_request_with_the_press_that_stands() {
    let w = Workspace::start().await;
    let plan = w.made("service_plans", json!({"kind": ["plan"], "code": ["team-monthly"]})).await;
    let addon = w.made("service_plans", json!({"kind": ["addon"], "code": ["seat"]})).await;
    let company = w.made("companies", json!({"name": ["Analytical Engines"]})).await;
    let record = w
        .made(
            "subscriptions",
            json!({"customer_company": [reference("companies", &company)], "plan": [reference("service_plans", &plan)],
                "addons": [reference("service_plans", &addon)], "quantity": [3], "coupon_code": ["WELCOME10"],
                "starts_on": ["2026-12-01"], "trial_days": [14]}),
        )
        .await;
    let pressed_at = w.press(&record, "Start").await;
    let read = effect::Attio::ReadRequest { record: record.clone() };
    let wanted = Request {
        client: Some(AttioRecord { object: "companies".to_owned(), id: company }),
        plan: Some("team-monthly".to_owned()),
        addons: vec!["seat".to_owned()],
        quantity: Some(3),
        coupon: Some("WELCOME10".to_owned()),
        starts_on: NaiveDate::from_ymd_opt(2026, 12, 1),
        trial_days: Some(14),
        owner: Some(w.member("ada@sandbox.example").await),
        act: Some("Start".to_owned()),
        pressed_at: Some(pressed_at),
        external_id: None,
        zoho_subscription: None,
        problems: Vec::new(),
    };
    assert_eq!(w.done(&read).await, Answer::Request(Box::new(wanted.clone())));

    // An owner of its own goes before the one who made it; what is wrong is named.
    let fay = w.member("fay@sandbox.example").await;
    let values = json!({"owner": [{"referenced_actor_type": "workspace-member", "referenced_actor_id": fay}],
        "quantity": [2.5], "plan": [reference("service_plans", &addon)]});
    w.sandbox
        .attio_staff(json!({"act": "set_values", "object": "subscriptions", "record_id": record, "values": values}))
        .await;
    let Answer::Request(request) = w.done(&read).await else { panic!("a request") };
    assert_eq!((request.owner, request.quantity, request.plan), (Some(fay), None, None));
    let titles: Vec<_> = request.problems.iter().map(|p| p.split(':').next().unwrap()).collect();
    assert_eq!(titles, ["Plan", "Quantity"]);
}

#[tokio::test]
async fn a_record_that_was_deleted_or_merged_is_not_found() {
    let w = Workspace::start().await;
    let [one, two, three] =
        [w.made("subscriptions", json!({})), w.made("subscriptions", json!({})), w.made("subscriptions", json!({}))];
    let (one, two, three) = (one.await, two.await, three.await);
    w.sandbox.attio_staff(json!({"act": "delete_record", "object": "subscriptions", "record_id": one})).await;
    let merge = json!({"act": "merge_records", "object": "subscriptions", "primary_record_id": two,
        "secondary_record_id": three});
    w.sandbox.attio_staff(merge).await;
    for record in [one, two, three] {
        let outcome = w.perform(&effect::Attio::ReadRequest { record: record.clone() }).await.outcome;
        let Outcome::Rejected { rejection } = outcome else { panic!("{outcome:?}") };
        assert_eq!(rejection.kind, RejectionKind::NotFound);
        assert_eq!(w.attio.pressed(&record, LIMIT).await, Ok(Standing::Gone));
    }
}

#[tokio::test]
async fn a_persons_data_comes_beside_the_answer() {
    let w = Workspace::start().await;
    let name = |first: &str| json!([{"first_name": first, "last_name": "Lovelace", "full_name": "x"}]);
    let place = json!([{"line_1": "1 Mill Lane", "line_2": null, "line_3": null, "line_4": null, "locality": "London",
        "region": null, "postcode": "E1", "country_code": "GB", "latitude": null, "longitude": null}]);
    let without = w.made("people", json!({"name": name("Annabella")})).await;
    let contact = w.made("people", json!({"name": name("Ada"), "email_addresses": ["ada@example.org"]})).await;
    let team = json!([reference("people", &without), reference("people", &contact)]);
    let company =
        w.made("companies", json!({"name": ["Analytical Engines"], "team": team, "primary_location": place})).await;
    let read = |object: &str, id: &str| effect::Attio::ReadPerson {
        client: AttioRecord { object: object.to_owned(), id: id.to_owned() },
        customer: "c-1".to_owned(),
    };
    let report = w.perform(&read("companies", &company)).await;
    let answer = Answer::PersonRead { missing: Vec::new(), country: Some("GB".to_owned()) };
    assert_eq!(report.outcome, Outcome::Done { answer });
    let person = report.person.unwrap();
    assert_eq!((person.first_name.as_str(), person.email.as_str()), ("Ada", "ada@example.org"));
    assert_eq!((person.company.as_deref(), person.city.as_deref()), (Some("Analytical Engines"), Some("London")));

    let report = w.perform(&read("people", &without)).await;
    let answer = Answer::PersonRead { missing: vec!["E-mail".to_owned()], country: None };
    assert_eq!(report.outcome, Outcome::Done { answer });
    assert_eq!(report.person.unwrap().first_name, "Annabella");
}

#[tokio::test]
async fn a_face_is_shown_answers_the_act_and_stands() {
    let w = Workspace::start().await;
    let record = w.made("subscriptions", json!({"name": ["Team of five"], "quantity": [5]})).await;
    w.press(&record, "Start").await;
    let first = face(&record, w.now());
    assert_eq!(w.look(&show(&first)).await, Look::Absent { watermark: false, key_proven: false });
    let answer = Answer::Projected { transaction_record: None, subscription_record: Some(record.clone()) };
    assert_eq!(w.done(&show(&first)).await, answer);
    let shown = w.shown("subscriptions", &record).await;
    for (slug, value) in [
        ("sync_action", json!("none")),
        ("subscription_status", json!("Awaiting payment method")),
        ("checkout_url", json!(LINK)),
        ("checkout_status", json!("Link ready")),
        ("amount", json!(58.31)),
        ("next_billing_at", json!("2026-12-21")),
        ("sync_version", json!(1)),
        ("quantity", json!(5)),
        ("name", json!("Team of five")),
    ] {
        assert_eq!(shown[slug], value, "{slug}: {shown}");
    }
    let found = Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() };
    assert_eq!(w.look(&show(&first)).await, found);

    // Pressed again: what was true before the press does not answer it, what is true after it does.
    w.sandbox.order("/clock", json!({"advance": "PT1M"})).await;
    w.press(&record, "Resend link").await;
    assert_eq!(w.look(&show(&first)).await, found);
    w.done(&show(&SubscriptionFace { sync_version: 2, ..first.clone() })).await;
    assert_eq!(w.shown("subscriptions", &record).await["sync_action"], "Resend link");
    w.done(&show(&SubscriptionFace { sync_version: 3, as_of: w.now(), ..first.clone() })).await;
    assert_eq!(w.shown("subscriptions", &record).await["sync_action"], "none");

    // A late repeat of the first write changes nothing.
    w.done(&show(&first)).await;
    assert_eq!(w.shown("subscriptions", &record).await["sync_version"], 3);
}

#[tokio::test]
async fn an_activation_adopts_the_record_and_its_invoices_write_the_same_one() {
    let w = Workspace::start().await;
    let company = w.made("companies", json!({"name": ["Analytical Engines"]})).await;
    let record = w.made("subscriptions", json!({"name": ["Made by hand"]})).await;
    let client = AttioRecord { object: "companies".to_owned(), id: company.clone() };
    let projection = |as_of: DateTime<Utc>, status: &str| {
        effect::Attio::Project(Box::new(Projection {
            client: Some(client.clone()),
            subscription: Some(SubscriptionProjection {
                record: Some(record.clone()),
                external_id: "sub:s-1".to_owned(),
                zoho_subscription: "90300000079200".to_owned(),
                subscription_status: status.to_owned(),
                payment_status: "Paid".to_owned(),
                last_error: String::new(),
                action_needed: String::new(),
            }),
            transaction: TransactionProjection {
                external_id: "inv:77:1".to_owned(),
                status: "Paid".to_owned(),
                amount: Money::new(5_831, Currency::EUR),
                zoho_invoice: "77".to_owned(),
                zoho_payment: None,
                braintree_transaction: None,
                occurred_at: as_of,
                failure_reason: String::new(),
            },
            billing_summary: "Active".to_owned(),
            saga: "invoice-77".to_owned(),
            sync_version: 1,
            as_of,
        }))
    };
    let start = w.now();
    let at = |minutes: i64| start + chrono::TimeDelta::minutes(minutes);
    // The invoice's stream is the first to write: no second record appears.
    w.done(&projection(at(1), "Active")).await;
    assert_eq!(w.books().await["records"]["subscriptions"].as_array().unwrap().len(), 1);
    // What the activation knew before is not shown any more; its ids are.
    let made = |as_of| SubscriptionFace {
        external_id: Some("sub:s-1".to_owned()),
        zoho_subscription: Some("90300000079200".to_owned()),
        collection_owner: Some("orchestrator".to_owned()),
        client: Some(ClientFace {
            record: client.clone(),
            zoho_customer: Some("9030000099".to_owned()),
            braintree_customer: Some("c-1".to_owned()),
            billing_summary: Some("Past due".to_owned()),
        }),
        ..face(&record, as_of)
    };
    w.done(&show(&made(start))).await;
    let shown = w.shown("subscriptions", &record).await;
    assert_eq!((&shown["subscription_status"], &shown["saga_id"]), (&json!("Active"), &json!("invoice-77")));
    let told = w.shown("companies", &company).await;
    assert_eq!((&told["zoho_customer_id"], &told["billing_summary"]), (&json!("9030000099"), &json!("Active")));
    // What it knows afterwards is, and then the invoice's older state no more.
    w.done(&show(&made(at(2)))).await;
    w.done(&projection(at(1), "Past due")).await;
    let shown = w.shown("subscriptions", &record).await;
    assert_eq!(shown["subscription_status"], "Awaiting payment method");
    assert_eq!((&shown["external_id"], &shown["collection_owner"]), (&json!("sub:s-1"), &json!("orchestrator")));
    assert_eq!(w.shown("companies", &company).await["billing_summary"], "Past due");
}

#[tokio::test]
async fn one_cause_has_one_task_also_when_its_answer_was_lost() {
    let w = Workspace::start().await;
    let record = w.made("subscriptions", json!({})).await;
    let sam = w.member("sam@sandbox.example").await;
    let task = |marker: &str, assignee: Option<&str>| {
        effect::Attio::AddTask(Box::new(TaskNote {
            record: record.clone(),
            assignee: assignee.map(str::to_owned),
            text: "Call the customer: the card was declined. ".repeat(80),
            marker: marker.to_owned(),
        }))
    };
    let lost = json!({"vendor": "attio", "operation": "task.create", "kind": "reset_after", "times": 1});
    w.sandbox.order("/faults", lost).await;
    let first = task("[e-1]", Some(&sam));
    assert_eq!(w.look(&first).await, Look::Absent { watermark: false, key_proven: false });
    assert_eq!(w.perform(&first).await.outcome.word(), "unknown");
    let found = Look::Found { outcome: Box::new(Outcome::Done { answer: Answer::Nothing }), extra: Vec::new() };
    assert_eq!(w.look(&first).await, found);
    for effect in [&first, &task("[e-2]", None), &first] {
        assert_eq!(w.done(effect).await, Answer::Nothing);
    }
    let tasks = w.books().await["tasks"].clone();
    let tasks = tasks.as_array().unwrap();
    assert_eq!(tasks.len(), 2);
    assert_eq!((&tasks[0]["assignees"], &tasks[1]["assignees"]), (&json!([sam]), &json!([])));
    for (task, marker) in tasks.iter().zip(["[e-1]", "[e-2]"]) {
        let content = task["content"].as_str().unwrap();
        assert!(content.chars().count() == 2_000 && content.ends_with(&format!("…\n{marker}")), "{content}");
        assert_eq!(task["linked_record_ids"], json!([record]));
    }

    // Whom the settings name gets what would be nobody's.
    let with_owner = Workspace { attio: Workspace::connector(&w.sandbox, Some(sam.clone())), sandbox: w.sandbox };
    with_owner.done(&task("[e-3]", None)).await;
    assert_eq!(with_owner.books().await["tasks"][2]["assignees"], json!([sam]));
}

#[tokio::test]
async fn a_refused_act_is_answered_once_and_a_later_press_is_left_alone() {
    let w = Workspace::start().await;
    let record = w.made("subscriptions", json!({})).await;
    let refusal = |pressed_at| {
        effect::Attio::RefuseAct(Box::new(RefusedAct {
            record: record.clone(),
            act: "Open ticket".to_owned(),
            pressed_at,
            sentence: "`Open ticket` was not carried out: open it in Zoho Desk.".to_owned(),
        }))
    };
    let first = refusal(w.press(&record, "Open ticket").await);
    let absent = Look::Absent { watermark: false, key_proven: false };
    let found = Look::Found { outcome: Box::new(Outcome::Done { answer: Answer::Nothing }), extra: Vec::new() };
    assert_eq!(w.look(&first).await, absent);
    assert_eq!(w.done(&first).await, Answer::Nothing);
    let shown = w.shown("subscriptions", &record).await;
    assert_eq!(shown["sync_action"], "none");
    assert_eq!(shown["last_error"], "`Open ticket` was not carried out: open it in Zoho Desk.");
    assert_eq!(w.look(&first).await, found);

    w.press(&record, "Start").await;
    assert_eq!(w.done(&first).await, Answer::Nothing);
    assert_eq!(w.shown("subscriptions", &record).await["sync_action"], "Start", "an act of another press");
    let again = refusal(w.press(&record, "Open ticket").await);
    assert_eq!(w.done(&first).await, Answer::Nothing);
    assert_eq!(w.shown("subscriptions", &record).await["sync_action"], "Open ticket", "the same act, pressed later");
    assert_eq!((w.look(&first).await, w.look(&again).await), (found, absent));
}

#[tokio::test]
async fn a_sweep_finds_every_act_that_a_person_pressed_and_nobody_answered() {
    let w = Workspace::start().await;
    let (one, two, three) = (
        w.made("subscriptions", json!({"sync_action": ["Quote"]})).await,
        w.made("subscriptions", json!({})).await,
        w.made("subscriptions", json!({})).await,
    );
    w.press(&two, "Retry").await;
    w.press(&three, "Cancel now").await;
    w.sandbox.record("subscriptions", json!({"sync_action": ["Start"]})).await;
    let found = w.attio.presses(&["Quote", "Start", "Resend link", "Retry"], LIMIT).await.unwrap();
    let found: Vec<_> = found.iter().map(|press| (press.record.as_str(), press.act.as_str())).collect();
    assert_eq!(found, [(one.as_str(), "Quote"), (two.as_str(), "Retry")]);
}

#[tokio::test]
async fn one_cause_has_one_note_also_behind_a_page_of_others_and_when_its_answer_was_lost() {
    let w = Workspace::start().await;
    let company = w.made("companies", json!({"name": ["Analytical Engines"]})).await;
    let note = |marker: &str| {
        effect::Attio::AddNote(Box::new(RecordNote {
            record: AttioRecord { object: "companies".to_owned(), id: company.clone() },
            title: "Paid 49.00 EUR".to_owned(),
            text: "Invoice INV-000042".to_owned(),
            marker: marker.to_owned(),
        }))
    };
    let others = json!({"data": {"parent_object": "companies", "parent_record_id": company, "title": "Called",
        "format": "plaintext", "content": "They like it."}});
    for _ in 0..55 {
        w.sandbox.attio_ok(Method::POST, "/v2/notes", others.clone()).await;
    }
    assert_eq!(w.look(&note("[e-1]")).await, Look::Absent { watermark: false, key_proven: false });
    let lost = json!({"vendor": "attio", "operation": "note.create", "kind": "reset_after", "times": 1});
    w.sandbox.order("/faults", lost).await;
    assert_eq!(w.perform(&note("[e-1]")).await.outcome.word(), "unknown");
    let found = Look::Found { outcome: Box::new(Outcome::Done { answer: Answer::Nothing }), extra: Vec::new() };
    assert_eq!(w.look(&note("[e-1]")).await, found);
    for marker in ["[e-1]", "[e-2]", "[e-1]"] {
        assert_eq!(w.done(&note(marker)).await, Answer::Nothing);
    }
    let path = format!("/v2/notes?parent_object=companies&parent_record_id={company}&limit=50&offset=50");
    let shown = w.sandbox.attio_ok(Method::GET, &path, Value::Null).await;
    let titles: Vec<_> = shown.as_array().unwrap().iter().filter_map(|one| one["title"].as_str()).collect();
    assert_eq!(titles[5..], ["Paid 49.00 EUR [e-1]", "Paid 49.00 EUR [e-2]"]);
    w.sandbox.attio_staff(json!({"act": "delete_record", "object": "companies", "record_id": company})).await;
    let Outcome::Rejected { rejection } = w.perform(&note("[e-3]")).await.outcome else { panic!("rejected") };
    assert_eq!(rejection.kind, RejectionKind::NotFound);
}

#[tokio::test]
async fn the_privacy_laws_of_a_client_are_set_in_place_of_all_that_stood_there() {
    let w = Workspace::start().await;
    let company = w.made("companies", json!({"name": ["Analytical Engines"], "compliance": ["CCPA"]})).await;
    let laws = |laws: &[&str]| effect::Attio::SetCompliance {
        client: AttioRecord { object: "companies".to_owned(), id: company.clone() },
        laws: laws.iter().map(|law| (*law).to_owned()).collect(),
    };
    let found = Look::Found { outcome: Box::new(Outcome::Done { answer: Answer::Nothing }), extra: Vec::new() };
    for set in [&["GDPR", "CCPA"][..], &["GDPR"], &[]] {
        assert_eq!(w.look(&laws(set)).await, Look::Absent { watermark: false, key_proven: false }, "{set:?}");
        let lost = json!({"vendor": "attio", "operation": "record.replace", "kind": "reset_after", "times": 1});
        w.sandbox.order("/faults", lost).await;
        assert_eq!(w.perform(&laws(set)).await.outcome.word(), "unknown");
        assert_eq!(w.look(&laws(set)).await, found, "{set:?}");
        assert_eq!(w.done(&laws(set)).await, Answer::Nothing);
        let path = format!("/v2/objects/companies/records/{company}");
        let record = w.sandbox.attio_ok(Method::GET, &path, Value::Null).await;
        let shown = record["values"]["compliance"].as_array().unwrap();
        let titles: BTreeSet<_> = shown.iter().filter_map(|one| one["option"]["title"].as_str()).collect();
        assert_eq!(titles, set.iter().copied().collect());
        assert_eq!(record["values"]["name"][0]["value"], "Analytical Engines");
    }
    let Outcome::Rejected { rejection } = w.perform(&laws(&["LGPD"])).await.outcome else { panic!("rejected") };
    assert_eq!(rejection.kind, RejectionKind::Invalid);
}

#[tokio::test]
async fn a_lost_secret_is_replaced_with_its_webhook_and_signs_from_then_on() {
    let w = Workspace::start().await;
    let listener = Listener::start().await;
    let Webhook::Created { secret: first, .. } = w.attio.ensure_webhook(&listener.url, false).await.unwrap() else {
        panic!("made")
    };
    let kept = w.attio.ensure_webhook(&listener.url, true).await.unwrap();
    assert!(matches!(kept, Webhook::Existing { .. }), "{kept:?}");
    let Webhook::Created { id, secret: second } = w.attio.ensure_webhook(&listener.url, false).await.unwrap() else {
        panic!("made anew")
    };
    let webhooks = w.sandbox.attio_ok(Method::GET, "/v2/webhooks?limit=100", Value::Null).await;
    assert_eq!(webhooks.as_array().unwrap().len(), 1);
    assert_eq!(webhooks[0]["id"]["webhook_id"], id);
    let record = w.made("subscriptions", json!({})).await;
    w.press(&record, "Start").await;
    let received = listener.received(2).await;
    for one in &received {
        let signature = one.headers[webhook::SIGNATURE_HEADER].to_str().unwrap();
        assert!(webhook::verify(&[first.clone(), second.clone()], &one.body, signature));
        assert!(!webhook::verify(slice::from_ref(&first), &one.body, signature), "the old one signs nothing");
    }
    let read = received.iter().flat_map(|one| webhook::parse("k", &one.body).unwrap());
    let read: BTreeSet<_> = read.map(|notice| (notice.kind, notice.record)).collect();
    let wanted = ["record.created", "record.updated"].map(|kind| (kind.to_owned(), Some(record.clone())));
    assert_eq!(read, BTreeSet::from(wanted));
}
