//! What an activation asks of Attio: the request, the person, the face of the record, tasks and acts.

use super::*;
use crate::port::Person;
use chrono::NaiveDate;
use sagas::kernel::answer::Request;
use sagas::kernel::effect::{CheckoutFace, CheckoutLink, ClientFace, SubscriptionFace, TaskNote};
use serde_json::Value as Json;

const LINK: &str = "https://pay.example.com/checkout/s3cr3t";
const MEMBER: &str = "50cf242c-7fa3-4cad-87d0-75b1af71c57b";

fn by_member(mut value: Json) -> Json {
    value["active_from"] = json!("2026-11-21T11:58:00.123456789Z");
    value["created_by_actor"] = json!({ "type": "workspace-member", "id": MEMBER });
    json!([value])
}

fn record(id: &str, values: &Json) -> String {
    json!({ "id": { "record_id": id }, "values": values }).to_string()
}

fn to(records: &[&str]) -> Json {
    records.iter().map(|id| json!({ "target_object": "x", "target_record_id": id })).collect()
}

/// A record that a CRM user filled, with one attribute replaced.
fn filled(slug: &str, value: Json) -> String {
    let mut values = json!({
        "customer_company": to(&[COMPANY_ID]),
        "plan": to(&["p1"]),
        "addons": to(&["a2", "a1"]),
        "quantity": [{ "value": 3.0 }],
        "coupon_code": [{ "value": " WELCOME10 " }],
        "starts_on": [{ "value": "2026-12-01" }],
        "trial_days": [{ "value": 0 }],
        "created_by": [{ "referenced_actor_type": "workspace-member", "referenced_actor_id": MEMBER }],
        "sync_action": by_member(json!({ "option": { "title": "Start" } })),
        "external_id": [],
    });
    if !slug.is_empty() {
        values[slug] = value;
    }
    record(SUBSCRIPTION_ID, &values)
}

fn plans() -> Play {
    let plan = |id: &str, kind: &str, code: &str| {
        record(id, &json!({ "kind": [{ "option": { "title": kind } }], "code": [{ "value": code }] }))
    };
    list(&[&plan("a1", "addon", "seat"), &plan("p1", "plan", "team-monthly"), &plan("a2", "addon", "support")])
}

fn read_request() -> effect::Attio {
    effect::Attio::ReadRequest { record: SUBSCRIPTION_ID.to_owned() }
}

fn asked(outcome: Outcome) -> Request {
    match outcome {
        Outcome::Done { answer: Answer::Request(request) } => *request,
        other => panic!("expected a request: {other:?}"),
    }
}

#[tokio::test]
async fn a_request_is_read_by_two_calls_as_codes_and_numbers() {
    let (attio, peer) = attio([one(&filled("", Json::Null)), plans()]).await;
    let request = asked(perform(&attio, &read_request()).await);
    let wanted = Request {
        client: Some(company()),
        plan: Some("team-monthly".to_owned()),
        addons: vec!["support".to_owned(), "seat".to_owned()],
        quantity: Some(3),
        coupon: Some("WELCOME10".to_owned()),
        starts_on: NaiveDate::from_ymd_opt(2026, 12, 1),
        trial_days: Some(0),
        owner: Some(MEMBER.to_owned()),
        act: Some("Start".to_owned()),
        pressed_at: Some(time("2026-11-21T11:58:00.123456789Z")),
        external_id: None,
        zoho_subscription: None,
        problems: Vec::new(),
    };
    assert_eq!(request, wanted);
    let seen = peer.seen();
    assert_eq!(first_line(&seen[1]), "POST /v2/objects/service_plans/records/query HTTP/1.1");
    assert_eq!(body(&seen[1]), r#"{"filter":{"record_id":{"$in":["p1","a2","a1"]}},"limit":3}"#);
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn an_empty_request_is_read_by_one_call_and_has_no_problem() {
    let empty = record(SUBSCRIPTION_ID, &json!({ "created_by": [{ "referenced_actor_type": "api-token" }] }));
    let (attio, peer) = attio([one(&empty)]).await;
    let request = asked(perform(&attio, &read_request()).await);
    assert_eq!((request.client, request.plan, request.owner, request.act), (None, None, None, None));
    assert_eq!((request.problems, peer.seen().len()), (Vec::new(), 1));
}

#[tokio::test]
async fn what_cannot_be_read_is_named_by_its_title_with_what_is_expected() {
    for (slug, value, problem) in [
        ("quantity", json!([{ "value": 2.5 }]), "Quantity: expected a whole number of 1 or more"),
        ("quantity", json!([{ "value": 0 }]), "Quantity: expected a whole number of 1 or more"),
        ("trial_days", json!([{ "value": -1 }]), "Trial days: expected a whole number of 0 or more"),
        ("starts_on", json!([{ "value": "soon" }]), "Starts on: expected a day, as in 2026-12-01"),
        ("plan", to(&["gone"]), "Plan: names a service plan that is gone; expected one that exists"),
        ("plan", to(&["a1"]), "Plan: expected a service plan of the kind `plan`; choose another one"),
        ("addons", to(&["p1"]), "Add-ons: expected a service plan of the kind `addon`; choose another one"),
    ] {
        let (attio, _peer) = attio([one(&filled(slug, value)), plans()]).await;
        assert_eq!(asked(perform(&attio, &read_request()).await).problems, [problem]);
    }
    let codeless = record("p1", &json!({ "kind": [] }));
    let (attio, _peer) = attio([one(&filled("addons", json!([]))), list(&[&codeless])]).await;
    let problems = asked(perform(&attio, &read_request()).await).problems;
    assert_eq!(problems, ["Plan: expected a service plan with a `Code`, as in Zoho; this one has none"]);
}

#[tokio::test]
async fn a_request_on_a_record_that_is_gone_or_merged_is_not_found() {
    let merged = filled("", Json::Null).replace(SUBSCRIPTION_ID, "another");
    for play in [refusal(404, "not_found", "x"), one(&merged)] {
        let (attio, _peer) = attio([play]).await;
        assert_eq!(rejection(perform(&attio, &read_request()).await).kind, RejectionKind::NotFound);
    }
}

async fn read_person(script: Vec<Play>, object: &str) -> (Vec<String>, Option<String>, Person, usize) {
    let (attio, peer) = attio(script).await;
    let client = AttioRecord { object: object.to_owned(), id: "c1".to_owned() };
    let effect = effect::Attio::ReadPerson { client, customer: "ada-1".to_owned() };
    let report = attio.perform(&call(&effect), &effect).await;
    assert!(!format!("{report:?}").contains("Lovelace"), "{report:?}");
    let Outcome::Done { answer: Answer::PersonRead { missing, country } } = report.outcome else {
        panic!("expected a person: {:?}", report.outcome)
    };
    (missing, country, report.person.expect("a person"), peer.seen().len())
}

fn human(id: &str, email: &str) -> String {
    let emails = if email.is_empty() { json!([]) } else { json!([{ "email_address": email }]) };
    let name = json!([{ "first_name": "Ada", "last_name": "Lovelace", "full_name": "Ada Lovelace" }]);
    let place = json!([{ "line_1": "1 Mill Lane", "line_2": null, "locality": "London", "region": " ",
        "postcode": "E1", "country_code": "GB", "latitude": null }]);
    record(id, &json!({ "name": name, "email_addresses": emails, "primary_location": place }))
}

#[tokio::test]
async fn a_person_is_read_into_the_report_and_never_into_the_answer() {
    let (missing, country, person, calls) = read_person(vec![one(&human("c1", "ada@example.org"))], "people").await;
    assert_eq!((missing, country.as_deref(), calls), (Vec::new(), Some("GB"), 1));
    let wanted = Person {
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
        company: None,
        email: "ada@example.org".to_owned(),
        phone: None,
        street: Some("1 Mill Lane".to_owned()),
        city: Some("London".to_owned()),
        postal_code: Some("E1".to_owned()),
        state: None,
        country: Some("GB".to_owned()),
        locale: None,
    };
    assert!(person == wanted);
}

#[tokio::test]
async fn a_companys_contact_is_the_longest_known_person_of_its_team_with_an_address() {
    let company = |country: &str| {
        let values = json!({ "name": [{ "value": "Analytical Engines" }], "team": to(&["h1", "h2"]),
            "country": [{ "value": country }] });
        one(&record("c1", &values))
    };
    let team = || list(&[&human("h1", ""), &human("h2", "ada@example.org")]);
    let (missing, country, person, calls) = read_person(vec![company("de"), team()], "companies").await;
    assert_eq!((missing, country.as_deref(), calls), (Vec::new(), Some("DE"), 2));
    assert_eq!((person.display_name().as_str(), person.email.as_str()), ("Analytical Engines", "ada@example.org"));
    assert_eq!(person.first_name, "Ada");
    // A country that is no code is not guessed.
    let (missing, country, ..) = read_person(vec![company("Germany"), team()], "companies").await;
    assert_eq!((missing, country), (vec!["Billing country (two letters, as in DE)".to_owned()], None));
}

#[tokio::test]
async fn what_is_missing_of_a_client_is_named() {
    let (missing, ..) = read_person(vec![one(&record("c1", &json!({})))], "people").await;
    assert_eq!(missing, ["E-mail", "Name"]);
    let (missing, _, person, calls) = read_person(vec![one(&record("c1", &json!({ "team": [] })))], "companies").await;
    assert_eq!((missing, calls), (vec!["E-mail (of a person in the company's Team)".to_owned(), "Name".to_owned()], 1));
    assert!(person.email.is_empty());
    let (missing, _, person, _) =
        read_person(vec![one(&record("c1", &json!({ "name": [{ "full_name": "Ada" }] })))], "people").await;
    assert_eq!((missing, person.last_name.as_str()), (vec!["E-mail".to_owned()], "Ada"));
}

/// A link is out.
fn face() -> SubscriptionFace {
    SubscriptionFace {
        record: SUBSCRIPTION_ID.to_owned(),
        external_id: None,
        refusal_only: false,
        answers_act: true,
        subscription_status: "Awaiting payment method".to_owned(),
        payment_status: "Pending".to_owned(),
        quote_text: "58.31 EUR a month".to_owned(),
        quote_expires_at: Some(time("2026-11-28T12:00:00Z")),
        checkout: CheckoutFace {
            status: "Link ready".to_owned(),
            link: Some(CheckoutLink { saga: SagaId::derived("test", &["x"]), number: 1 }),
            expires_at: Some(time("2026-11-28T12:00:00Z")),
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
        sync_version: 4,
        as_of: time("2026-11-21T12:00:00Z"),
    }
}

async fn show(attio: &Attio, face: &SubscriptionFace) -> Outcome {
    let effect = effect::Attio::ShowSubscription(Box::new(face.clone()));
    let mut call = call(&effect);
    call.beside.link = Some(LINK.into());
    attio.perform(&call, &effect).await.outcome
}

fn shown() -> Outcome {
    let answer = Answer::Projected { transaction_record: None, subscription_record: Some(SUBSCRIPTION_ID.to_owned()) };
    Outcome::Done { answer }
}

fn pressed(at: &str, more: &Json) -> String {
    let mut values = json!({ "sync_action": [{ "active_from": at, "option": { "title": "Start" } }] });
    if let (Some(values), Some(more)) = (values.as_object_mut(), more.as_object()) {
        values.extend(more.clone());
    }
    record(SUBSCRIPTION_ID, &values)
}

const BEFORE: &str = "2026-11-21T11:59:59.000000000Z";
const AFTER: &str = "2026-11-21T12:00:01.000000000Z";

#[tokio::test]
async fn a_face_is_written_by_record_id_and_answers_the_act() {
    let (attio, peer) = attio([one(&pressed(BEFORE, &json!({}))), one(SUBSCRIPTION)]).await;
    assert_eq!(show(&attio, &face()).await, shown());
    let seen = peer.seen();
    assert_eq!(first_line(&seen[1]), format!("PATCH /v2/objects/subscriptions/records/{SUBSCRIPTION_ID} HTTP/1.1"));
    assert_eq!(
        body(&seen[1]),
        format!(
            r#"{{"data":{{"values":{{"amount":[58.31],"amount_text":["58.31 EUR"],"checkout_expires_at":["2026-11-28T12:00:00.000Z"],"checkout_status":[{{"option":"Link ready"}}],"checkout_url":["{LINK}"],"next_billing_at":["2026-12-21"],"payment_status":[{{"status":"Pending"}}],"quote_expires_at":["2026-11-28T12:00:00.000Z"],"quote_text":["58.31 EUR a month"],"saga_id":["saga-1"],"subscription_status":[{{"status":"Awaiting payment method"}}],"sync_action":[{{"option":"none"}}],"sync_version":[4],"synced_at":["2026-11-21T12:00:00.000Z"]}}}}}}"#
        )
    );
}

#[tokio::test]
async fn an_amount_of_another_currency_is_shown_as_text_and_one_that_is_gone_is_cleared() {
    let old = json!({ "amount": [{ "currency_value": 58.31 }], "amount_text": [{ "value": "58.31 EUR" }],
        "checkout_url": [{ "value": LINK }], "zoho_subscription_id": [{ "value": "1" }] });
    for (amount, part) in [
        (Some(Money::new(500, Currency::JPY)), r#""amount":[],"amount_text":["500 JPY"]"#),
        (None, r#""amount":[],"amount_text":[]"#),
    ] {
        let (attio, peer) = attio([one(&pressed(BEFORE, &old)), one(SUBSCRIPTION)]).await;
        let checkout = CheckoutFace { status: "None".to_owned(), ..CheckoutFace::default() };
        show(&attio, &SubscriptionFace { amount, checkout, ..face() }).await;
        let body = body(&peer.seen()[1]).to_owned();
        assert!(body.contains(part) && body.contains(r#""checkout_url":[]"#), "{body}");
        assert!(!body.contains("zoho_subscription_id"), "an id that is not given is left: {body}");
    }
}

#[tokio::test]
async fn a_refusal_on_a_subscription_that_is_there_writes_why_and_answers_the_act_and_nothing_else() {
    let (attio, peer) = attio([one(&pressed(BEFORE, &json!({}))), one(SUBSCRIPTION)]).await;
    let refused = SubscriptionFace { refusal_only: true, last_error: "It is one.".to_owned(), ..face() };
    assert_eq!(show(&attio, &refused).await, shown());
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"data":{"values":{"last_error":["It is one."],"sync_action":[{"option":"none"}]}}}"#
    );
}

#[tokio::test]
async fn a_press_after_the_shown_state_stays_for_whoever_answers_it() {
    for (at, answers, reset) in [(BEFORE, true, true), (AFTER, true, false), (BEFORE, false, false)] {
        let (attio, peer) = attio([one(&pressed(at, &json!({}))), one(SUBSCRIPTION)]).await;
        show(&attio, &SubscriptionFace { answers_act: answers, ..face() }).await;
        assert_eq!(body(&peer.seen()[1]).contains("sync_action"), reset, "{at} {answers}");
    }
}

#[tokio::test]
async fn nothing_of_a_face_replaces_a_newer_state_but_its_act_is_answered_all_the_same() {
    let by = |saga: &str, version: u32, at: &str| json!({ "saga_id": [{ "value": saga }], "sync_version": [{ "value": version }], "synced_at": [{ "value": at }] });
    // Within one saga the version decides, between two the instant.
    for (marks, is_newer) in [
        (by("saga-1", 5, BEFORE), true),
        (by("saga-1", 3, AFTER), false),
        (by("saga-2", 1, AFTER), true),
        (by("saga-2", 9, BEFORE), false),
        (by("saga-2", 9, "2026-11-21T12:00:00.000000000Z"), false),
    ] {
        let (attio, peer) = attio([one(&pressed(BEFORE, &marks)), one(SUBSCRIPTION)]).await;
        assert_eq!(show(&attio, &face()).await, shown());
        let only_the_act = body(&peer.seen()[1]) == r#"{"data":{"values":{"sync_action":[{"option":"none"}]}}}"#;
        assert_eq!(only_the_act, is_newer, "{marks}");
    }
    let (attio, peer) = attio([one(&pressed(AFTER, &by("saga-2", 1, AFTER)))]).await;
    assert_eq!(show(&attio, &face()).await, shown());
    assert_eq!(peer.seen().len(), 1, "nothing to write");
}

#[tokio::test]
async fn ids_adopt_the_record_and_the_client_is_told_once() {
    let client = ClientFace {
        record: company(),
        zoho_customer: Some("903000000000099".to_owned()),
        braintree_customer: Some("c-1".to_owned()),
        billing_summary: Some("Past due".to_owned()),
    };
    let made = SubscriptionFace {
        external_id: Some("sub:s-1".to_owned()),
        zoho_subscription: Some("90300000079200".to_owned()),
        braintree_customer: Some("c-1".to_owned()),
        collection_owner: Some("orchestrator".to_owned()),
        client: Some(client),
        ..face()
    };
    let (writer, peer) =
        attio([one(&pressed(BEFORE, &json!({}))), one(SUBSCRIPTION), one(COMPANY), one(COMPANY)]).await;
    assert_eq!(show(&writer, &made).await, shown());
    let seen = peer.seen();
    for part in [
        r#""external_id":["sub:s-1"]"#,
        r#""zoho_subscription_id":["90300000079200"]"#,
        r#""collection_owner":[{"option":"orchestrator"}]"#,
    ] {
        assert!(body(&seen[1]).contains(part), "{part} is missing in {}", seen[1]);
    }
    assert_eq!(
        body(&seen[3]),
        r#"{"data":{"values":{"billing_summary":[{"option":"Past due"}],"braintree_customer_id":["c-1"],"synced_at":["2026-11-21T12:00:00.000Z"]}}}"#
    );
    // Late, an id is still told; a summary of another moment is not.
    let late = SubscriptionFace { as_of: time("2026-11-21T11:00:00Z"), ..made };
    let (writer, peer) = attio([one(&pressed(AFTER, &json!({}))), one(SUBSCRIPTION), one(COMPANY), one(COMPANY)]).await;
    assert_eq!(show(&writer, &late).await, shown());
    assert_eq!(body(&peer.seen()[3]), r#"{"data":{"values":{"braintree_customer_id":["c-1"]}}}"#);
}

#[tokio::test]
async fn the_address_of_the_page_is_in_the_written_value_and_nowhere_else() {
    let effect = effect::Attio::ShowSubscription(Box::new(face()));
    for play in [
        refusal(400, "validation_type", &format!("checkout_url: {LINK}")),
        refusal(400, "value_not_found", LINK),
        json(500, LINK),
        json(200, &format!(r#"{{"data":"{LINK}"}}"#)),
    ] {
        let (attio, peer) = attio([one(&pressed(BEFORE, &json!({}))), play]).await;
        let mut call = call(&effect);
        call.beside.link = Some(LINK.into());
        let report = attio.perform(&call, &effect).await;
        assert!(peer.seen()[1].contains(LINK));
        assert!(!format!("{call:?} {report:?}").contains("s3cr3t"), "{report:?}");
    }
    // Without the address the record is left as it is.
    let (attio, peer) = attio([]).await;
    assert_eq!(rejection(perform(&attio, &effect).await).code, "no_link");
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn a_face_that_stands_is_found_and_another_is_absent() {
    let effect = effect::Attio::ShowSubscription(Box::new(face()));
    let mut call = call(&effect);
    call.beside.link = Some(LINK.into());
    let standing = |act: &str, url: &str| {
        record(
            SUBSCRIPTION_ID,
            &json!({
                "sync_action": [{ "active_from": BEFORE, "option": { "title": act } }],
                "subscription_status": [{ "status": { "title": "Awaiting payment method" } }],
                "payment_status": [{ "status": { "title": "Pending" } }],
                "quote_text": [{ "value": "58.31 EUR a month" }],
                "quote_expires_at": [{ "value": "2026-11-28T12:00:00.000000000Z" }],
                "checkout_status": [{ "option": { "title": "Link ready" } }],
                "checkout_url": [{ "value": url }],
                "checkout_expires_at": [{ "value": "2026-11-28T12:00:00.000000000Z" }],
                "amount": [{ "currency_value": 58.31, "currency_code": "EUR" }],
                "amount_text": [{ "value": "58.31 EUR" }],
                "next_billing_at": [{ "value": "2026-12-21" }],
                "saga_id": [{ "value": "saga-1" }],
                "sync_version": [{ "value": 4 }],
                "synced_at": [{ "value": "2026-11-21T12:00:00.000000000Z" }],
            }),
        )
    };
    let absent = Look::Absent { watermark: false, key_proven: false };
    let (stands, _peer) = attio([one(&standing("none", LINK))]).await;
    let found = Look::Found { outcome: Box::new(shown()), extra: Vec::new() };
    assert_eq!(stands.look(&call, &effect).await, found);
    for play in [one(&standing("Start", LINK)), one(&standing("none", "https://other")), refusal(404, "not_found", "x")]
    {
        let (differs, _peer) = attio([play]).await;
        assert_eq!(differs.look(&call, &effect).await, absent);
    }
    let (blind, _peer) = attio([json(503, "{}")]).await;
    assert!(matches!(blind.look(&call, &effect).await, Look::Unclear { .. }));
}

fn note() -> effect::Attio {
    effect::Attio::AddTask(Box::new(TaskNote {
        record: SUBSCRIPTION_ID.to_owned(),
        assignee: Some(MEMBER.to_owned()),
        text: "The card was declined five times: call the customer.".to_owned(),
        marker: "[event-1]".to_owned(),
    }))
}

#[tokio::test]
async fn a_task_is_made_once_and_found_by_its_marker() {
    let others = json(200, r#"{"data":[{"content_plaintext":"[event-1] quoted\n[event-2]"},{}]}"#);
    let (writer, peer) = attio([others.clone(), json(200, r#"{"data":{}}"#)]).await;
    let done = Outcome::Done { answer: Answer::Nothing };
    assert_eq!(perform(&writer, &note()).await, done);
    let seen = peer.seen();
    assert_eq!(
        first_line(&seen[0]),
        format!(
            "GET /v2/tasks?linked_object=subscriptions&linked_record_id={SUBSCRIPTION_ID}&sort=created_at%3Adesc&limit=500&offset=0 HTTP/1.1"
        )
    );
    let written: Json = serde_json::from_str(body(&seen[1])).expect("JSON");
    assert_eq!(
        written,
        json!({ "data": {
            "content": "The card was declined five times: call the customer.\n[event-1]",
            "format": "plaintext",
            "deadline_at": null,
            "is_completed": false,
            "linked_records": [{ "target_object": "subscriptions", "target_record_id": SUBSCRIPTION_ID }],
            "assignees": [{ "referenced_actor_type": "workspace-member", "referenced_actor_id": MEMBER }],
        } })
    );
    let there = json(200, r#"{"data":[{"content_plaintext":"anything\n[event-1]"}]}"#);
    let (writer, peer) = attio([there.clone()]).await;
    assert_eq!(perform(&writer, &note()).await, done);
    assert_eq!(peer.seen().len(), 1, "there is one");
    let (found, _peer) = attio([there]).await;
    let look = found.look(&call(&note()), &note()).await;
    assert_eq!(look, Look::Found { outcome: Box::new(done), extra: Vec::new() });
    let (none, _peer) = attio([others]).await;
    assert_eq!(none.look(&call(&note()), &note()).await, Look::Absent { watermark: false, key_proven: false });
}

#[tokio::test]
async fn a_projection_writes_the_linked_record_without_a_search() {
    let mut linked = Projection { client: None, ..projection() };
    if let Some(subscription) = &mut linked.subscription {
        subscription.record = Some(SUBSCRIPTION_ID.to_owned());
        "Past due".clone_into(&mut subscription.subscription_status);
    }
    let linked = project(linked);
    let (direct, peer) = attio([one(SUBSCRIPTION), one(SUBSCRIPTION), list(&[TRANSACTION])]).await;
    assert_eq!(perform(&direct, &linked).await, projected());
    let seen = peer.seen();
    assert_eq!(first_line(&seen[0]), format!("GET /v2/objects/subscriptions/records/{SUBSCRIPTION_ID} HTTP/1.1"));
    assert_eq!(first_line(&seen[1]), format!("PATCH /v2/objects/subscriptions/records/{SUBSCRIPTION_ID} HTTP/1.1"));
    // Deleted or merged: the one that bears our reference is sought.
    let gone = [refusal(404, "not_found", "x"), list(&[SUBSCRIPTION]), one(SUBSCRIPTION), list(&[TRANSACTION])];
    let (sought, peer) = attio(gone).await;
    assert_eq!(perform(&sought, &linked).await, projected());
    assert_eq!(first_line(&peer.seen()[1]), "POST /v2/objects/subscriptions/records/query HTTP/1.1");
}

const LIMIT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn an_act_is_read_with_its_time_and_its_member() {
    let press = Press {
        record: SUBSCRIPTION_ID.to_owned(),
        act: "Start".to_owned(),
        pressed_at: time("2026-11-21T11:58:00.123456789Z"),
        member: MEMBER.to_owned(),
    };
    let by_token = filled(
        "sync_action",
        json!([{ "active_from": BEFORE, "option": { "title": "Start" },
        "created_by_actor": { "type": "api-token", "id": MEMBER } }]),
    );
    for (play, standing) in [
        (one(&filled("", Json::Null)), Standing::Press(press.clone())),
        (one(&by_token), Standing::Nothing),
        (one(&filled("sync_action", json!([]))), Standing::Nothing),
        (refusal(404, "not_found", "x"), Standing::Gone),
        (one(&filled("", Json::Null).replace(SUBSCRIPTION_ID, "survivor")), Standing::Gone),
    ] {
        let (attio, _peer) = attio([play]).await;
        assert_eq!(attio.pressed(SUBSCRIPTION_ID, LIMIT).await, Ok(standing));
    }
    let (sweep, peer) = attio([list(&[&by_token, &filled("", Json::Null)])]).await;
    assert_eq!(sweep.presses(&["Quote", "Start"], LIMIT).await, Ok(vec![press]));
    assert_eq!(
        body(&peer.seen()[0]),
        r#"{"filter":{"$or":[{"sync_action":{"$eq":"Quote"}},{"sync_action":{"$eq":"Start"}}]},"limit":500,"offset":0,"sorts":[{"attribute":"created_at","direction":"asc"}]}"#
    );
}

#[tokio::test]
async fn the_ids_of_the_act_are_asked_once() {
    let row = json(200, r#"{"data":{"id":{"workspace_id":"w","object_id":"o","attribute_id":"a"},"title":"Action"}}"#);
    let (attio, peer) = attio([row]).await;
    let ids = ActIds { object: "o".to_owned(), attribute: "a".to_owned() };
    assert_eq!(attio.act_ids(LIMIT).await, Ok(&ids));
    assert_eq!(attio.act_ids(LIMIT).await, Ok(&ids));
    assert_eq!(peer.seen().len(), 1);
}
