//! Zoho Desk: contacts, tickets, comments, its strictness, its look-ups and its limits.

use crate::crm_caller::{DEPARTMENT, desk_refused};
use crate::zoho_caller::{Zoho, answer, text};
use chrono::TimeDelta;
use reqwest::Method;
use sandbox::faults::{Kind, Vendor};
use serde_json::{Value, json};

async fn contact(zoho: &Zoho) -> String {
    let body = json!({ "lastName": "Doe", "firstName": "Jane", "email": "j@example.org" });
    let made = zoho.desk_post("/contacts", body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    text(&made.json, "id")
}

async fn ticket(zoho: &Zoho, contact: &str, saga: &str) -> Value {
    let body = json!({ "subject": "Card declined", "departmentId": DEPARTMENT, "contactId": contact,
        "cf": { "cf_saga_id": saga } });
    let made = zoho.desk_post("/tickets", body).await;
    assert_eq!(made.status, 200, "{}", made.text);
    made.json
}

/// How many rows an answer has; none is a 204 without a body.
fn rows(answer: &crate::zoho_caller::Answer) -> usize {
    assert_eq!(answer.status.as_u16() == 204, answer.text.is_empty());
    answer.json["data"].as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn a_ticket_is_opened_answered_and_closed() {
    let zoho = Zoho::start().await;
    let departments = zoho.desk_get("/departments").await;
    assert_eq!(departments.json["data"][0]["id"], DEPARTMENT);
    let contact = contact(&zoho).await;
    let made = ticket(&zoho, &contact, "saga-1").await;
    let id = text(&made, "id");
    assert_eq!(
        (&made["status"], &made["ticketNumber"], &made["cf"]["cf_saga_id"]),
        (&json!("Open"), &json!("101"), &json!("saga-1"))
    );
    let comment = zoho
        .desk_post(&format!("/tickets/{id}/comments"), json!({ "content": "tried again", "isPublic": false }))
        .await;
    assert_eq!((&comment.json["content"], &comment.json["isPublic"]), (&json!("tried again"), &json!(false)));
    assert_eq!(rows(&zoho.desk_get(&format!("/tickets/{id}/comments")).await), 1);
    let closed = answer(zoho.desk(Method::PATCH, &format!("/tickets/{id}")).json(&json!({ "status": "Closed" }))).await;
    assert_eq!((&closed.json["status"], closed.json["closedTime"].is_string()), (&json!("Closed"), true));
    assert_eq!(rows(&zoho.desk_get("/tickets?status=Open").await), 0);
    assert_eq!(zoho.desk_books()["tickets"][0]["comments"], json!(["tried again"]));
}

#[tokio::test]
async fn searches_find_by_mail_and_by_our_field_once_the_index_has_caught_up() {
    let zoho = Zoho::start().await;
    let contact = contact(&zoho).await;
    ticket(&zoho, &contact, "saga-1").await;
    let by_mail = || zoho.desk_get("/contacts/search?email=J@example.org&limit=1");
    let by_saga = || zoho.desk_get("/tickets/search?customField1=cf_saga_id:saga-1");
    assert_eq!((rows(&by_mail().await), rows(&by_saga().await)), (0, 0));
    // The tickets of a contact are no search: they are there at once.
    assert_eq!(rows(&zoho.desk_get(&format!("/contacts/{contact}/tickets")).await), 1);
    zoho.advance(TimeDelta::seconds(10));
    assert_eq!((rows(&by_mail().await), by_saga().await.json["count"].as_u64()), (1, Some(1)));
    zoho.once(Vendor::ZohoDesk, "ticket.search", Kind::Empty);
    assert_eq!(rows(&by_saga().await), 0);
    zoho.once(Vendor::ZohoDesk, "ticket.search", Kind::LateIndex { seconds: 600 });
    assert_eq!(rows(&by_saga().await), 0);
    zoho.once(Vendor::ZohoDesk, "ticket.search", Kind::Doubled);
    assert_eq!(rows(&by_saga().await), 2);
    assert_eq!(zoho.desk_books()["tickets"].as_array().unwrap().len(), 2);
    zoho.once(Vendor::ZohoDesk, "contact.search", Kind::Doubled);
    let twins = zoho.desk_get("/contacts/search?email=j@example.org").await;
    assert_ne!(twins.json["data"][0]["id"], twins.json["data"][1]["id"]);
}

#[tokio::test]
async fn a_repeated_post_makes_a_second_ticket() {
    let zoho = Zoho::start().await;
    let contact = contact(&zoho).await;
    zoho.once(Vendor::ZohoDesk, "ticket.create", Kind::StatusAfter { status: 500 });
    let body = json!({ "subject": "x", "departmentId": DEPARTMENT, "contactId": contact });
    desk_refused(&zoho.desk_post("/tickets", body.clone()).await, 500, "INTERNAL_SERVER_ERROR");
    assert_eq!(zoho.desk_post("/tickets", body).await.status, 200);
    assert_eq!(zoho.desk_books()["tickets"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_ticket_may_bring_its_contact_which_is_found_by_mail() {
    let zoho = Zoho::start().await;
    let known = contact(&zoho).await;
    for (mail, found) in [("J@example.org", true), ("other@example.org", false)] {
        let body =
            json!({ "subject": "x", "departmentId": DEPARTMENT, "contact": { "lastName": "Doe", "email": mail } });
        let made = zoho.desk_post("/tickets", body).await;
        assert_eq!(text(&made.json, "contactId") == known, found);
    }
    zoho.desk_staff(&json!({ "act": "link_contact", "id": known, "crm_contact_id": "5725767000000000777" }));
    let linked = zoho.desk_get(&format!("/contacts/{known}")).await;
    assert_eq!(linked.json["zohoCRMContact"]["id"], "5725767000000000777");
}

#[tokio::test]
async fn desk_refuses_what_it_does_not_know() {
    let zoho = Zoho::start().await;
    let extra = zoho.desk_get("/tickets?sortOrder=asc").await;
    desk_refused(&extra, 422, "UNPROCESSABLE_ENTITY");
    assert_eq!(extra.json["message"], "Extra query parameter 'sortOrder' is present in the input.");
    let token = format!("Zoho-oauthtoken {}", zoho.token);
    let bare = || zoho.client.get(format!("{}/api/v1/tickets", zoho.base));
    desk_refused(&answer(bare()).await, 401, "UNAUTHORIZED");
    desk_refused(&answer(bare().header("Authorization", "Zoho-oauthtoken x")).await, 401, "INVALID_OAUTH");
    let other = answer(bare().header("Authorization", &token).header("orgId", "1")).await;
    assert_eq!(other.json["message"], "The value passed for the 'orgId' parameter is invalid.");
    let organizations = zoho.client.get(format!("{}/api/v1/organizations", zoho.base)).header("Authorization", &token);
    let own = answer(organizations).await.json["data"][0]["id"].to_string();
    assert_eq!(own, zoho.world.credentials.zoho.desk_organization_id);
    desk_refused(&answer(zoho.desk(Method::POST, "/tickets").body("{}")).await, 415, "UNSUPPORTED_MEDIA_TYPE");
    desk_refused(&answer(zoho.desk(Method::DELETE, "/tickets")).await, 405, "METHOD_NOT_ALLOWED");
    desk_refused(&zoho.desk_get("/nonsense").await, 404, "URL_NOT_FOUND");
    desk_refused(&zoho.desk_get("/tickets/1").await, 404, "URL_NOT_FOUND");
    for (body, field, sort) in [
        (json!({ "departmentId": DEPARTMENT }), "/subject", "missing"),
        (json!({ "subject": "x", "departmentId": DEPARTMENT }), "/contactId", "missing"),
        (json!({ "subject": "x", "departmentId": DEPARTMENT, "contactId": "5" }), "/contactId", "invalid"),
        (json!({ "subject": "x", "departmentId": DEPARTMENT, "cf": { "cf_other": "x" } }), "/cf/cf_other", "invalid"),
        (json!({ "subject": "x", "nonsense": 1 }), "/nonsense", "invalid"),
    ] {
        let refused = zoho.desk_post("/tickets", body).await;
        desk_refused(&refused, 422, "INVALID_DATA");
        let error = &refused.json["errors"][0];
        assert_eq!((&error["fieldName"], &error["errorType"]), (&json!(field), &json!(sort)));
    }
}

#[tokio::test]
async fn calls_are_counted_and_limited() {
    let zoho = Zoho::start().await;
    zoho.desk_staff(&json!({ "act": "settings", "credits": 2 }));
    let response = zoho.desk(Method::GET, "/departments").send().await.unwrap();
    assert_eq!(response.headers()["x-rate-limit-remaining-v3"], "1");
    assert_eq!(zoho.desk_get("/departments").await.status, 200);
    let refused = zoho.desk(Method::GET, "/departments").send().await.unwrap();
    assert!(refused.headers().contains_key("retry-after"));
    desk_refused(&zoho.desk_get("/departments").await, 429, "THRESHOLD_EXCEEDED");
    zoho.desk_staff(&json!({ "act": "settings", "credits": 100, "calls_at_once": 0 }));
    desk_refused(&zoho.desk_get("/departments").await, 429, "TOO_MANY_REQUESTS");
}
