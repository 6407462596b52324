//! Contacts, tickets and comments in Desk.

use super::*;
use crate::port::Person;
use sagas::kernel::answer::Ticket;
use sagas::kernel::effect::{Helpdesk, TicketOrder};

fn order() -> Helpdesk {
    Helpdesk::OpenTicket(Box::new(TicketOrder {
        saga: "0192f6a1".to_owned(),
        contact: "1892".to_owned(),
        subject: "Payment failed".to_owned(),
        text: "The card was declined three times.".to_owned(),
        urgent: true,
        since: DateTime::parse_from_rfc3339("2026-11-21T11:59:00Z").expect("a time").to_utc(),
    }))
}

fn find() -> Helpdesk {
    Helpdesk::FindContact { customer: "cust1".to_owned() }
}

fn comment() -> Helpdesk {
    let (ticket, marker) = ("101".to_owned(), "ev1".to_owned());
    Helpdesk::Comment { ticket, text: "Paid after all.".to_owned(), marker }
}

fn call_desk(effect: &Helpdesk) -> Call {
    let person = Person { last_name: "Lovelace".to_owned(), email: "ada@example.org".to_owned(), ..Person::default() };
    let beside = Beside { person: Some(person), ..Beside::default() };
    Call { effect: Effect::Helpdesk(effect.clone()), beside, ..call(&read_invoice()) }
}

async fn run(zoho: &Zoho, effect: &Helpdesk) -> Outcome {
    zoho.perform_desk(&call_desk(effect), effect).await.outcome
}

async fn look_up(zoho: &Zoho, effect: &Helpdesk) -> Look {
    zoho.look_desk(&call_desk(effect), effect).await
}

fn desk_lines(peer: &Peer) -> Vec<String> {
    lines(peer).into_iter().map(|line| line.replace("/api/v1", "")).collect()
}

fn nothing() -> Play {
    Play::reply(204, "text/plain", "")
}

fn ticket(id: &str, status: &str, saga: Option<&str>) -> String {
    let cf = saga.map_or_else(String::new, |saga| format!(r#","cf":{{"cf_saga_id":"{saga}"}}"#));
    format!(r#"{{"id":"{id}","ticketNumber":"7","status":"{status}","createdTime":"2026-11-21T12:00:01.000Z"{cf}}}"#)
}

fn list(rows: &[String]) -> Play {
    json(200, &format!(r#"{{"data":[{}],"count":{}}}"#, rows.join(","), rows.len()))
}

#[tokio::test]
async fn a_contact_is_found_by_its_exact_address_or_there_is_none() {
    let rows = [
        r#"{"id":"1900","email":"ada@example.org"}"#.to_owned(),
        r#"{"id":"1892","email":"ADA@example.org"}"#.to_owned(),
        r#"{"id":"1700","email":"ada@example.org.test"}"#.to_owned(),
        r#"{"id":"1600","email":null}"#.to_owned(),
    ];
    let (zoho, peer) = zoho([list(&rows), nothing()]).await;
    assert_eq!(done(run(&zoho, &find()).await), Answer::DeskContact { contact: Some("1892".to_owned()), others: 1 });
    assert_eq!(done(run(&zoho, &find()).await), Answer::DeskContact { contact: None, others: 0 });
    assert_eq!(desk_lines(&peer)[0], "GET /contacts/search?email=ada%40example.org&limit=50");
    assert!(peer.seen()[1].contains("orgid: 60000688226\r\n"), "{}", peer.seen()[1]);
}

#[tokio::test]
async fn a_contact_is_made_and_a_lost_one_is_found_again() {
    let create = Helpdesk::CreateContact { customer: "cust1".to_owned() };
    let made = r#"{"id":"1892","email":"ada@example.org","webUrl":"x"}"#;
    let (zoho, peer) = zoho([json(200, made), list(&[made.to_owned()]), nothing()]).await;
    assert_eq!(done(run(&zoho, &create).await), Answer::DeskContact { contact: Some("1892".to_owned()), others: 0 });
    assert_eq!(body(&peer.seen()[1]), r#"{"lastName":"Lovelace","email":"ada@example.org"}"#);
    let (outcome, _) = found(look_up(&zoho, &create).await);
    assert_eq!(done(outcome), Answer::DeskContact { contact: Some("1892".to_owned()), others: 0 });
    assert_eq!(look_up(&zoho, &create).await, ABSENT);
}

#[tokio::test]
async fn a_ticket_carries_the_saga_in_its_field() {
    let (zoho, peer) = zoho([json(200, &ticket("101", "Open", None))]).await;
    let opened = Ticket { id: "101".to_owned(), number: "7".to_owned(), status: "Open".to_owned() };
    assert_eq!(done(run(&zoho, &order()).await), Answer::Ticket(Box::new(opened)));
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"subject":"Payment failed","departmentId":"1892000000006907","contactId":"1892","description":"The card was declined three times.","priority":"High","cf":{"cf_saga_id":"0192f6a1"}}"#
    );
}

#[tokio::test]
async fn a_lost_ticket_is_found_by_its_field_and_among_the_contacts_tickets() {
    let unsearchable = json(
        422,
        r#"{"errorCode":"INVALID_DATA","message":"x","errors":[{"fieldName":"/customField1","errorType":"invalid"}]}"#,
    );
    let before = ticket("90", "Open", Some("0192f6a1")).replace("2026-11-21", "2026-10-01");
    for search in [nothing(), unsearchable] {
        let rows = [ticket("102", "Open", None), ticket("101", "Open", None), before.clone()];
        let script = [
            search,
            list(&rows),
            json(200, &ticket("102", "Open", Some("another"))),
            json(200, &ticket("101", "Open", Some("0192f6a1"))),
        ];
        let (zoho, peer) = zoho(script).await;
        let (outcome, extra) = found(look_up(&zoho, &order()).await);
        assert!(matches!(done(outcome), Answer::Ticket(hit) if hit.id == "101"));
        assert!(extra.is_empty());
        assert_eq!(
            desk_lines(&peer),
            [
                "GET /tickets/search?customField1=cf_saga_id%3A0192f6a1",
                "GET /contacts/1892/tickets?limit=50",
                "GET /tickets/102",
                "GET /tickets/101"
            ]
        );
    }
    let (none, _peer) = zoho([nothing(), nothing()]).await;
    assert_eq!(look_up(&none, &order()).await, ABSENT);
}

#[tokio::test]
async fn a_comment_is_for_staff_alone_and_is_found_by_its_marker() {
    let (zoho, peer) = zoho([json(200, r#"{"id":"5","content":"x"}"#)]).await;
    assert_eq!(done(run(&zoho, &comment()).await), Answer::Nothing);
    assert_eq!(desk_lines(&peer), ["POST /tickets/101/comments"]);
    assert_eq!(body(&peer.seen()[1]), r#"{"content":"Paid after all.\n[ev1]","isPublic":false}"#);
    let rows = [
        r#"{"id":"5","content":"Paid after all.<br>[ev1]"}"#.to_owned(),
        r#"{"id":"6","content":"[ev10]"}"#.to_owned(),
    ];
    let (zoho, _peer) = super::zoho([list(&rows), nothing()]).await;
    let (outcome, extra) = found(look_up(&zoho, &comment()).await);
    assert_eq!((done(outcome), extra.len()), (Answer::Nothing, 0));
    assert_eq!(look_up(&zoho, &comment()).await, ABSENT);
}

#[tokio::test]
async fn a_ticket_is_closed_and_shown_closed() {
    let close = Helpdesk::CloseTicket { ticket: "101".to_owned() };
    let (zoho, peer) = zoho([json(200, &ticket("101", "Closed", None)), json(200, &ticket("101", "Open", None))]).await;
    assert_eq!(done(run(&zoho, &close).await), Answer::Nothing);
    assert_eq!(desk_lines(&peer), ["PATCH /tickets/101"]);
    assert_eq!(look_up(&zoho, &close).await, ABSENT);
}

#[tokio::test]
async fn desks_limits_and_refusals_are_told_apart_even_inside_a_200() {
    let error = |code: &str| format!(r#"{{"errorCode":"{code}","message":"Ada","errors":[]}}"#);
    for (status, code, least) in [(429, "THRESHOLD_EXCEEDED", 60), (429, "TOO_MANY_REQUESTS", 5)] {
        let (zoho, _peer) = zoho([json(status, &error(code))]).await;
        let outcome = run(&zoho, &order()).await;
        assert!(
            matches!(outcome, Outcome::NotSent { cause: NotSent::Quota, retry_after_seconds: Some(s), .. } if s == least),
            "{code}: {outcome:?}"
        );
    }
    for (status, code, kind) in [
        (403, "OAUTH_ORG_MISMATCH", RejectionKind::Config),
        (200, "LICENSE_ACCESS_LIMITED", RejectionKind::Config),
        (404, "URL_NOT_FOUND", RejectionKind::NotFound),
        (422, "UNPROCESSABLE_ENTITY", RejectionKind::Invalid),
    ] {
        let (zoho, _peer) = zoho([json(status, &error(code))]).await;
        let no = rejection(run(&zoho, &order()).await);
        assert_eq!((no.kind, no.code.as_str()), (kind, code));
        assert!(!no.message.contains("Ada"), "{}", no.message);
    }
    let (broken, _peer) = zoho([json(500, &error("INTERNAL_SERVER_ERROR"))]).await;
    assert!(matches!(run(&broken, &order()).await, Outcome::Unknown { .. }));
    let (expired, peer) = zoho([json(401, &error("INVALID_OAUTH")), token("t2"), nothing()]).await;
    assert!(matches!(run(&expired, &find()).await, Outcome::Done { .. }));
    assert!(peer.seen()[3].contains("Zoho-oauthtoken t2"));
}

#[tokio::test]
async fn without_a_desk_nothing_is_sent_and_the_settings_are_named() {
    let peer = Peer::start([]).await;
    let config = Config { desk: None, ..test_config(&peer) };
    let zoho = Zoho::new(&config, Http::new().expect("client"), Arc::new(RealClock), in_memory()).expect("set up");
    let no = rejection(run(&zoho, &find()).await);
    assert_eq!(no.kind, RejectionKind::Config);
    assert!(no.message.contains("ZOHO_DESK_URL"), "{}", no.message);
    assert!(peer.seen().is_empty());
}
