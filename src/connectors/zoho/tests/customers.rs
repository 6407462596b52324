//! Customers.

use super::*;
use crate::port::Person;
use sagas::kernel::answer::ZohoCustomer;

const CUSTOMER: &str = include_str!("../../../../tests/fixtures/zoho/customer.json");
const OURS: &str = "cus_0192f6a1c3d84e7fb1d0c7a8e9f01234";

fn create() -> effect::Zoho {
    effect::Zoho::CreateCustomer {
        customer: OURS.to_owned(),
        currency: Currency::EUR,
        since: DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").expect("a time").to_utc(),
    }
}

fn ada() -> Person {
    Person {
        first_name: "Ada".to_owned(),
        last_name: "Lovelace".to_owned(),
        company: Some("Engines Ltd".to_owned()),
        email: "ada@example.org".to_owned(),
        phone: None,
        street: Some("1 St James Square".to_owned()),
        city: Some("London".to_owned()),
        postal_code: Some("SW1Y 4JH".to_owned()),
        state: None,
        country: Some("GB".to_owned()),
        locale: Some("en-GB".to_owned()),
    }
}

fn call_with(person: Option<Person>) -> Call {
    Call { beside: Beside { person, ..Beside::default() }, ..call(&create()) }
}

async fn make(play: Play) -> (Outcome, Peer) {
    let (zoho, peer) = zoho([play]).await;
    (zoho.perform(&call_with(Some(ada())), &create()).await.outcome, peer)
}

fn answered(id: &str) -> ZohoCustomer {
    ZohoCustomer {
        id: id.to_owned(),
        currency: "EUR".to_owned(),
        active: true,
        our_customer: Some(OURS.to_owned()),
        unused_credit: Some(Money::new(1_250, Currency::EUR)),
        changed_at: Some("2026-11-21T12:00:10+0000".to_owned()),
    }
}

fn rows(rows: &[(&str, &str, &str, &str)], more: bool) -> Play {
    let row = |(id, name, email, made): &(&str, &str, &str, &str)| {
        format!(r#"{{"customer_id":"{id}","display_name":"{name}","email":"{email}","created_time":"{made}"}}"#)
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    let rows = rows.join(",");
    json(200, &format!(r#"{{"code":0,"customers":[{rows}],"page_context":{{"has_more_page":{more}}}}}"#))
}

/// The customer of the fixture under another id, made so many seconds after noon.
fn customer(id: &str, second: u32) -> Play {
    let made = format!("\"created_time\": \"2026-11-21T12:00:{second:02}+0000\"");
    let body = CUSTOMER.replace("903000000000099", id);
    json(200, &body.replace("\"created_time\": \"2026-11-21T12:00:10+0000\"", &made))
}

fn foreign() -> Play {
    json(200, &CUSTOMER.replace(OURS, "cus_another"))
}

#[tokio::test]
async fn a_customer_is_made_with_our_id_and_read_from_the_answer() {
    let (outcome, peer) = make(json(201, CUSTOMER)).await;
    assert_eq!(done(outcome), Answer::ZohoCustomer(Box::new(answered("903000000000099"))));
    assert_eq!(lines(&peer), ["POST /customers"]);
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"display_name":"Engines Ltd","first_name":"Ada","last_name":"Lovelace","company_name":"Engines Ltd","email":"ada@example.org","currency_code":"EUR","billing_address":{"street":"1 St James Square","city":"London","zip":"SW1Y 4JH","country":"GB"},"custom_fields":[{"label":"billing_ref","value":"cus_0192f6a1c3d84e7fb1d0c7a8e9f01234"}]}"#
    );
}

#[tokio::test]
async fn what_is_not_known_of_a_person_is_left_out() {
    let (zoho, peer) = zoho([json(201, CUSTOMER)]).await;
    let person = Person {
        last_name: "Lovelace".to_owned(),
        email: "ada@example.org".to_owned(),
        company: Some(String::new()),
        city: Some(String::new()),
        ..Person::default()
    };
    zoho.perform(&call_with(Some(person)), &create()).await;
    assert!(
        body(&peer.seen()[1]).starts_with(
            r#"{"display_name":"Lovelace","last_name":"Lovelace","email":"ada@example.org","currency_code":"EUR","custom_fields""#
        ),
        "{:?}",
        peer.seen()
    );
}

#[tokio::test]
async fn without_a_person_nothing_is_sent() {
    let (zoho, peer) = zoho([]).await;
    let refused = rejection(zoho.perform(&call_with(None), &create()).await.outcome);
    assert_eq!((refused.kind, refused.code.as_str()), (RejectionKind::Invalid, "no_person"));
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn a_customer_without_our_id_or_in_another_currency_is_a_mismatch() {
    for (from, to, code) in [
        ("\"label\": \"billing_ref\"", "\"label\": \"Billing ref\"", "billing_ref"),
        (OURS, "cus_another", "billing_ref"),
        ("\"EUR\"", "\"USD\"", "currency"),
    ] {
        let (outcome, _peer) = make(json(201, &CUSTOMER.replace(from, to))).await;
        let refused = rejection(outcome);
        assert_eq!((refused.kind, refused.code.as_str()), (RejectionKind::Mismatch, code));
        assert!(refused.message.contains("903000000000099"), "{}", refused.message);
    }
}

#[tokio::test]
async fn a_refused_customer_keeps_its_code_and_loses_the_person() {
    let said = r#"{"code":3062,"message":"The customer ada lovelace of engines exists: ada@example.org, london."}"#;
    let (outcome, _peer) = make(json(400, said)).await;
    let shown = format!("{outcome:?}").to_lowercase();
    for word in ["ada", "lovelace", "engines", "london", "example.org"] {
        assert!(!shown.contains(word), "{shown}");
    }
    assert_eq!(rejection(outcome).code, "3062");
}

#[tokio::test]
async fn without_a_usable_answer_the_making_is_unknown() {
    for play in [Play::Reset, Play::cut(201, CUSTOMER), json(500, r#"{"code":1000}"#), json(201, r#"{"code":0}"#)] {
        assert_eq!(make(play.clone()).await.0.word(), "unknown", "{play:?}");
    }
    let (zoho, _peer) = zoho([Play::Silence]).await;
    let hurried = Call { time_limit: Duration::from_millis(300), ..call_with(Some(ada())) };
    assert_eq!(zoho.perform(&hurried, &create()).await.outcome.word(), "unknown");
    let (outcome, _peer) = make(json(201, &CUSTOMER.replace("12.5", "12.555"))).await;
    assert_eq!(outcome.word(), "unknown", "it was made, though its answer makes no sense");
}

#[tokio::test]
async fn a_customer_is_found_by_our_id_among_the_new_ones() {
    let (zoho, peer) = zoho([
        rows(
            &[
                ("106", "Engines Ltd", "sales@example.org", "2026-11-21T14:00:00+0100"),
                ("105", "Somebody", "else@example.org", "2026-11-21T12:01:00+0000"),
                ("104", "Ada", "ADA@example.org", "2026-11-21T12:00:30+0000"),
            ],
            true,
        ),
        rows(
            &[
                ("103", "engines ltd", "", "2026-11-21T11:55:00+0000"),
                ("102", "Engines Ltd", "ada@example.org", "2026-11-21T11:54:59+0000"),
            ],
            true,
        ),
        rows(&[("101", "Engines Ltd", "ada@example.org", "2026-11-20T00:00:00+0000")], true),
        foreign(),
        customer("104", 30),
        customer("106", 40),
    ])
    .await;
    let look = zoho.look(&call_with(Some(ada())), &create()).await;
    let Look::Found { outcome, extra } = look else { panic!("expected a hit: {look:?}") };
    assert_eq!(done(*outcome), Answer::ZohoCustomer(Box::new(answered("104"))), "the older one");
    assert_eq!(extra, ["106"]);
    let list = |page| {
        format!("GET /customers?filter_by=Status.All&sort_column=created_time&sort_order=D&page={page}&per_page=200")
    };
    let read = |id| format!("GET /customers/{id}");
    assert_eq!(lines(&peer), [list(1), list(2), list(3), read(103), read(104), read(106)]);
}

#[tokio::test]
async fn nobody_new_is_absent_and_nothing_said_is_unclear() {
    let new = ("106", "Engines Ltd", "ada@example.org", "2026-11-21T12:00:00+0000");
    for script in [vec![rows(&[], false)], vec![rows(&[new], false), gone()], vec![rows(&[new], false), foreign()]] {
        let (zoho, _peer) = zoho(script).await;
        assert_eq!(zoho.look(&call_with(Some(ada())), &create()).await, ABSENT);
    }
    let (zoho, _peer) = zoho([rows(&[new], false), json(200, r#"{"code":45,"message":"x"}"#)]).await;
    assert!(matches!(zoho.look(&call_with(Some(ada())), &create()).await, Look::Unclear { .. }));
}

#[tokio::test]
async fn without_a_person_every_new_customer_is_read() {
    let new = ("106", "Somebody", "else@example.org", "2026-11-21T12:00:00+0000");
    let (zoho, _peer) = zoho([rows(&[new], false), customer("106", 0)]).await;
    assert!(matches!(zoho.look(&call_with(None), &create()).await, Look::Found { .. }));
}

#[tokio::test]
async fn a_customer_is_read_with_its_state_and_credit() {
    let effect = effect::Zoho::ReadCustomer { customer: "903000000000099".to_owned() };
    let stranger = CUSTOMER.replace("\"billing_ref\"", "\"other\"").replace("\"active\"", "\"inactive\"");
    let (zoho, peer) = zoho([json(200, CUSTOMER), json(200, &stranger), gone()]).await;
    let ours = answered("903000000000099");
    assert_eq!(done(perform(&zoho, &effect).await), Answer::ZohoCustomer(Box::new(ours.clone())));
    let stranger = ZohoCustomer { active: false, our_customer: None, ..ours };
    assert_eq!(done(perform(&zoho, &effect).await), Answer::ZohoCustomer(Box::new(stranger)));
    assert_eq!(rejection(perform(&zoho, &effect).await).kind, RejectionKind::NotFound);
    assert_eq!(lines(&peer)[0], "GET /customers/903000000000099");
}

fn retired(id: &str) -> ZohoCustomer {
    ZohoCustomer { active: false, ..answered(id) }
}

/// The customer of the fixture under another id, inactive.
fn inactive(id: &str) -> Play {
    let body = CUSTOMER.replace("903000000000099", id);
    json(200, &body.replace("\"status\": \"active\"", "\"status\": \"inactive\""))
}

#[tokio::test]
async fn retired_customers_of_ours_are_found_among_the_inactive_ones_however_old() {
    let find = effect::Zoho::FindRetiredCustomers { customer: OURS.to_owned() };
    let (zoho, peer) = zoho([
        rows(
            &[
                ("106", "Engines Ltd", "ada@example.org", "2026-11-21T12:00:00+0000"),
                ("105", "Somebody", "else@example.org", "2026-11-20T12:00:00+0000"),
            ],
            true,
        ),
        rows(
            &[
                ("103", "Engines Ltd", "", "2019-01-01T00:00:00+0000"),
                ("102", "", "ada@example.org", "2018-01-01T00:00:00+0000"),
            ],
            false,
        ),
        inactive("102"),
        customer("103", 0),
        foreign(),
    ])
    .await;
    let call = Call { beside: Beside { person: Some(ada()), ..Beside::default() }, ..call(&find) };
    let answer = done(zoho.perform(&call, &find).await.outcome);
    assert_eq!(answer, Answer::ZohoCustomers { customers: vec![retired("102")] }, "103 is active by now");
    let list = |page| {
        format!(
            "GET /customers?filter_by=Status.Inactive&sort_column=created_time&sort_order=D&page={page}&per_page=200"
        )
    };
    let read = |id| format!("GET /customers/{id}");
    assert_eq!(lines(&peer), [list(1), list(2), read(102), read(103), read(106)]);
}

fn revive() -> effect::Zoho {
    effect::Zoho::ReviveCustomer { customer: "903000000000099".to_owned() }
}

#[tokio::test]
async fn a_customer_is_marked_active_by_one_call_without_a_body() {
    let (zoho, peer) = zoho([json(200, r#"{"code":0,"message":"The customer has been marked as active."}"#)]).await;
    assert_eq!(done(perform(&zoho, &revive()).await), Answer::Nothing);
    assert_eq!(lines(&peer), ["POST /customers/903000000000099/markasactive"]);
}

#[tokio::test]
async fn a_refused_or_lost_revival_is_settled_by_the_state() {
    let refused = || json(400, r#"{"code":1005,"message":"The customer is active."}"#);
    let still = || inactive("903000000000099");
    let (zoho, _peer) =
        zoho([refused(), json(200, CUSTOMER), refused(), still(), gone(), json(200, CUSTOMER), still()]).await;
    assert_eq!(done(perform(&zoho, &revive()).await), Answer::Nothing);
    assert_eq!(rejection(perform(&zoho, &revive()).await).kind, RejectionKind::State);
    assert_eq!(rejection(perform(&zoho, &revive()).await).kind, RejectionKind::NotFound);
    let look = zoho.look(&call(&revive()), &revive()).await;
    assert!(matches!(look, Look::Found { outcome, .. } if done(*outcome.clone()) == Answer::Nothing));
    assert_eq!(zoho.look(&call(&revive()), &revive()).await, ABSENT);
}

fn deactivate() -> effect::Zoho {
    effect::Zoho::DeactivateCustomer { customer: "903000000000099".to_owned() }
}

#[tokio::test]
async fn a_customer_is_marked_inactive_by_one_call_without_a_body() {
    let (zoho, peer) = zoho([json(200, r#"{"code":0,"message":"The customer has been marked as inactive."}"#)]).await;
    assert_eq!(done(perform(&zoho, &deactivate()).await), Answer::Nothing);
    assert_eq!(lines(&peer), ["POST /customers/903000000000099/markasinactive"]);
    let request = &peer.seen()[1];
    assert!(body(request).is_empty() && !request.contains("content-type"), "{request}");
}

#[tokio::test]
async fn a_refusal_means_inactive_already_or_in_use() {
    let refused = || json(400, r#"{"code":1005,"message":"The customer has active subscriptions."}"#);
    let inactive = CUSTOMER.replace("\"active\"", "\"inactive\"");
    let (zoho_of_inactive, _peer) = zoho([refused(), json(200, &inactive)]).await;
    assert_eq!(done(perform(&zoho_of_inactive, &deactivate()).await), Answer::Nothing);
    let (zoho_of_active, _peer) = zoho([refused(), json(200, CUSTOMER)]).await;
    let in_use = rejection(perform(&zoho_of_active, &deactivate()).await);
    assert_eq!((in_use.kind, in_use.code.as_str()), (RejectionKind::State, "1005"));
    let (zoho_of_none, _peer) = zoho([gone()]).await;
    assert_eq!(rejection(perform(&zoho_of_none, &deactivate()).await).kind, RejectionKind::NotFound);
}

#[tokio::test]
async fn a_lost_deactivation_is_looked_up_by_the_state() {
    let (zoho, _peer) = zoho([json(200, &CUSTOMER.replace("\"active\"", "\"inactive\"")), json(200, CUSTOMER)]).await;
    let look = zoho.look(&call(&deactivate()), &deactivate()).await;
    assert!(matches!(look, Look::Found { outcome, .. } if done(*outcome.clone()) == Answer::Nothing));
    assert_eq!(zoho.look(&call(&deactivate()), &deactivate()).await, ABSENT);
}

fn update(seen: Option<&str>) -> effect::Zoho {
    effect::Zoho::UpdateCustomer {
        customer: "903000000000099".to_owned(),
        person: OURS.to_owned(),
        seen: seen.map(str::to_owned),
    }
}

/// The customer as it is when it lives in that city.
fn living_in(city: &str, changed: &str) -> Play {
    json(
        200,
        &format!(
            r#"{{"code":0,"customer":{{"customer_id":"903000000000099","status":"active","currency_code":"EUR",
            "display_name":"Engines Ltd","first_name":"Ada","last_name":"Lovelace","company_name":"Engines Ltd",
            "email":"ada@example.org","updated_time":"{changed}","billing_address":{{"street":"1 St James Square",
            "city":"{city}","state":"","zip":"SW1Y 4JH","country":"United Kingdom"}},"custom_fields":[]}}}}"#
        ),
    )
}

#[tokio::test]
async fn what_we_hold_of_a_person_is_put_whole_and_read_back() {
    let (zoho, peer) = zoho([accepted(), living_in("London", "t2")]).await;
    let outcome = zoho.perform(&call_with(Some(ada())), &update(None)).await.outcome;
    assert!(!format!("{outcome:?}").contains("Lovelace"));
    assert!(matches!(done(outcome), Answer::ZohoCustomer(customer) if customer.changed_at.as_deref() == Some("t2")));
    assert_eq!(lines(&peer), ["PUT /customers/903000000000099", "GET /customers/903000000000099"]);
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"display_name":"Engines Ltd","first_name":"Ada","last_name":"Lovelace","company_name":"Engines Ltd","email":"ada@example.org","billing_address":{"street":"1 St James Square","city":"London","state":"","zip":"SW1Y 4JH","country":"GB"}}"#
    );
}

#[tokio::test]
async fn a_lost_update_is_adopted_repeated_or_given_to_a_person() {
    for (city, changed, told) in [("London", "t2", "done"), ("Paris", "t1", "absent"), ("Paris", "t2", "rejected")] {
        let (zoho, _peer) = zoho([living_in(city, changed)]).await;
        let shown = match zoho.look(&call_with(Some(ada())), &update(Some("t1"))).await {
            Look::Found { outcome, .. } => outcome.word(),
            other => other.word(),
        };
        assert_eq!(shown, told, "{city} {changed}");
    }
}
