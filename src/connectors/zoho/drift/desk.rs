//! Zoho Desk: who we are there, where tickets are opened, and how they are found again.

use super::super::desk::Desk;
use super::{NOBODY, Seen, body, refusal, rows, seen, soon};
use crate::connectors::drift::{Field, Point, Survey, plain, text, time};
use chrono::{DateTime, Utc};
use serde_json::Value;

const TICKET: &[Field] = &[text("id"), text("ticketNumber"), text("status"), time("createdTime")];

fn code(body: &Value) -> Option<String> {
    body.get("errorCode").and_then(Value::as_str).map(|code| plain(Some(code)))
}

pub(super) async fn walk(desk: &Desk, survey: &mut Survey<'_>, now: DateTime<Utc>) {
    survey.asks("organizations");
    let answered = desk.reply(&["organizations"], &[], soon()).await;
    let is_unanswered = answered.is_err();
    if let Some((reply, body)) = body(survey, "organizations", answered, code) {
        if let Some(reply) = &reply {
            survey.headers(reply, now);
        }
        has(survey, "organization", &rows(&body, "data"), desk.organization(), "correct ZOHO_DESK_ORGANIZATION_ID");
    }
    if is_unanswered {
        return;
    }
    survey.asks("departments");
    let answered = desk.reply(&["departments"], &[], soon()).await;
    if let Some((_, body)) = body(survey, "departments", answered, code) {
        has(survey, "department", &rows(&body, "data"), desk.department(), "correct ZOHO_DESK_DEPARTMENT_ID");
    }
    survey.asks("tickets");
    let answered = desk.reply(&["tickets"], &[("limit", "20")], soon()).await;
    if let Some((_, body)) = body(survey, "tickets", answered, code) {
        survey.shape("tickets", rows(&body, "data").as_slice(), TICKET);
    }
    searches(desk, survey).await;
}

/// Whether an id of the settings is among the rows. Desk writes some ids as numbers.
fn has(survey: &mut Survey<'_>, what: &str, rows: &[Value], id: &str, cure: &str) {
    let is_it = |row: &Value| row["id"] == id || row["id"].as_u64().is_some_and(|number| number.to_string() == id);
    let found = rows.iter().any(is_it);
    survey.holds(what, found, if found { "is there" } else { "is not there" }, cure);
}

async fn searches(desk: &Desk, survey: &mut Survey<'_>) {
    const CONTACT: &str = "contact by e-mail address";
    const BY_FIELD: &str = "ticket by our field";
    survey.asks(CONTACT);
    let answered = desk.reply(&["contacts", "search"], &[("email", NOBODY), ("limit", "1")], soon()).await;
    if let Some((_, body)) = body(survey, CONTACT, answered, code) {
        let none = rows(&body, "data").is_empty();
        let found = if none { "nobody, as expected" } else { "somebody, under an address that nobody has" };
        survey.holds(CONTACT, none, found, "a customer's ticket would be opened for somebody else");
    }
    survey.asks(BY_FIELD);
    let query = [("customField1", "cf_saga_id:drift-check-nobody")];
    let answered = desk.reply(&["tickets", "search"], &query, soon()).await;
    let found = match seen(survey, BY_FIELD, answered, code) {
        Some(Seen::Nothing) => "by `customField1`: 204 where there is none".to_owned(),
        Some(Seen::Body(_, body)) if rows(&body, "data").is_empty() => "by `customField1`".to_owned(),
        Some(Seen::Body(..)) => "`customField1` finds others too".to_owned(),
        Some(Seen::Refused(reply, code)) => refusal(&reply, &code),
        None => return,
    };
    survey.settle(Point::DeskFieldSearch, found);
}
