//! Zoho CRM: its own workflows, notifications, limits, refusals, and what people do by hand.

use crate::crm_caller::{crm_refused, record_refused};
use crate::support::Listener;
use crate::zoho_caller::{Zoho, answer};
use chrono::TimeDelta;
use reqwest::Method;
use sandbox::faults::{Kind, Vendor};
use serde_json::{Value, json};

async fn contact(zoho: &Zoho) -> String {
    zoho.crm_record("Contacts", json!({ "Last_Name": "Doe", "Email": "j@example.org" })).await
}

#[tokio::test]
async fn a_tag_that_is_put_on_runs_zohos_own_workflow() {
    let zoho = Zoho::start().await;
    let listener = Listener::start().await;
    let id = contact(&zoho).await;
    zoho.crm_staff(
        &json!({ "act": "add_workflow", "name": "welcome", "module": "Contacts", "when_tagged": "lifecycle-active",
        "set": { "Title": "Customer" }, "webhook": listener.url }),
    );
    zoho.crm_tag(&id, "plan-pro").await;
    zoho.crm_tag(&id, "lifecycle-active").await;
    zoho.crm_tag(&id, "lifecycle-active").await;
    let got = listener.received(1).await;
    assert_eq!(
        (got.len(), got[0].json()["rule"].as_str(), got[0].json()["id"].as_str()),
        (1, Some("welcome"), Some(id.as_str()))
    );
    let books = zoho.crm_books();
    assert_eq!(books["workflow_runs"].as_array().unwrap().len(), 1);
    assert_eq!(books["contacts"][0]["Title"], "Customer");
    assert_eq!(books["contacts"][0]["tags"], json!(["plan-pro", "lifecycle-active"]));
}

#[tokio::test]
async fn a_write_says_by_its_trigger_whether_workflows_run() {
    let zoho = Zoho::start().await;
    zoho.crm_staff(&json!({ "act": "add_workflow", "name": "new", "module": "Contacts", "when_created": true }));
    let runs = |zoho: &Zoho| zoho.crm_books()["workflow_runs"].as_array().unwrap().len();
    for (trigger, expected) in [(json!([]), 0), (json!(["approval"]), 0), (json!(["workflow"]), 1), (Value::Null, 2)] {
        let mut body = json!({ "data": [{ "Last_Name": "Doe" }] });
        if !trigger.is_null() {
            body["trigger"] = trigger;
        }
        let made = zoho.crm_post("/Contacts", body).await;
        assert_eq!((made.status.as_u16(), runs(&zoho)), (201, expected), "{}", made.text);
    }
    crm_refused(
        &zoho.crm_post("/Contacts", json!({ "data": [{}], "trigger": ["nonsense"] })).await,
        400,
        "INVALID_DATA",
    );
}

#[tokio::test]
async fn who_watches_is_told_what_changed_until_the_channel_ends() {
    let mut zoho = Zoho::start().await;
    let listener = Listener::start().await;
    let watch = json!({ "watch": [{ "channel_id": "1000000068001", "events": ["Contacts.all"], "token": "opaque",
        "notify_url": format!("{}?tenant=x", listener.url), "return_affected_field_values": true }] });
    let enabled = zoho.crm_post("/actions/watch", watch).await;
    assert_eq!(enabled.status, 201, "{}", enabled.text);
    let id = contact(&zoho).await;
    let body = json!({ "data": [{ "Phone": "030" }], "trigger": [] }).to_string();
    answer(zoho.crm(Method::PUT, &format!("/Contacts/{id}")).body(body)).await;
    answer(zoho.crm(Method::DELETE, &format!("/Contacts/{id}"))).await;
    let got: Vec<Value> = listener.received(3).await.iter().map(crate::support::Received::json).collect();
    let of = |operation: &str| got.iter().find(|one| one["operation"] == operation).unwrap();
    assert_eq!((&of("insert")["token"], &of("insert")["query_params"]["tenant"]), (&json!("opaque"), &json!("x")));
    assert_eq!(of("update")["affected_fields"], json!([{ (id.clone()): ["Phone"] }]));
    assert_eq!(of("update")["affected_values"][0]["values"]["Phone"], "030");
    assert_eq!(of("delete")["ids"], json!([id]));
    // Without a wish a channel lives an hour.
    zoho.advance(TimeDelta::minutes(61));
    zoho.renew_token().await;
    assert_eq!(zoho.crm_get("/actions/watch?channel_id=1000000068001").await.status, 204);
    contact(&zoho).await;
    assert_eq!(zoho.crm_books()["channels"], json!([]));
    assert_eq!(listener.received(3).await.len(), 3);
}

#[tokio::test]
async fn credits_and_calls_at_the_same_time_are_limited_in_their_own_words() {
    let zoho = Zoho::start().await;
    zoho.crm_staff(&json!({ "act": "settings", "credits": 3 }));
    let records: Vec<Value> = (0..20).map(|n| json!({ "Last_Name": format!("n{n}") })).collect();
    let batch = zoho.crm_post("/Contacts", json!({ "data": records })).await;
    assert_eq!((batch.status.as_u16(), &zoho.crm_books()["credits_used"]), (201, &json!(2)), "{}", batch.text);
    assert_eq!(zoho.crm_get("/org").await.status, 200);
    crm_refused(&zoho.crm_get("/org").await, 400, "LIMIT_EXCEEDED");
    zoho.world.hold_limits(&[Vendor::ZohoCrm], false);
    assert_eq!(zoho.crm_get("/org").await.status, 200);
    zoho.world.hold_limits(&[Vendor::ZohoCrm], true);
    zoho.crm_staff(&json!({ "act": "settings", "credits": 100, "heavy_calls_at_once": 0 }));
    let query = zoho.crm_post("/coql", json!({ "select_query": "select id from Contacts where id is not null" })).await;
    crm_refused(&query, 429, "TOO_MANY_REQUESTS");
    assert_eq!(zoho.crm_get("/org").await.status, 200);
}

#[tokio::test]
async fn refusals_of_whole_calls_have_their_codes() {
    let zoho = Zoho::start().await;
    let bare = zoho.client.get(format!("{}/crm/v8/org", zoho.base));
    crm_refused(&answer(bare).await, 401, "AUTHENTICATION_FAILURE");
    let wrong =
        zoho.client.get(format!("{}/crm/v8/org", zoho.base)).header("Authorization", "Zoho-oauthtoken 1000.x.y");
    crm_refused(&answer(wrong).await, 401, "INVALID_TOKEN");
    crm_refused(&zoho.crm_get("/settings/nonsense/x/y/z").await, 404, "INVALID_URL_PATTERN");
    crm_refused(&zoho.crm_get("/coql").await, 400, "INVALID_REQUEST_METHOD");
    crm_refused(&zoho.crm_get("/Nonsense?fields=id").await, 400, "INVALID_MODULE");
    crm_refused(&answer(zoho.crm(Method::PATCH, "/Contacts")).await, 400, "INVALID_REQUEST_METHOD");
    crm_refused(&answer(zoho.crm(Method::POST, "/Contacts").body("no json")).await, 400, "INVALID_DATA");
    crm_refused(&zoho.crm_post("/Contacts", json!({})).await, 400, "MANDATORY_NOT_FOUND");
    crm_refused(&zoho.crm_get("/settings/pipeline").await, 400, "REQUIRED_PARAM_MISSING");
    for (kind, status, code) in [
        (Kind::RateLimit, 429, "TOO_MANY_REQUESTS"),
        (Kind::DailyQuota, 400, "LIMIT_EXCEEDED"),
        (Kind::Refuse { code: "OAUTH_SCOPE_MISMATCH".to_owned() }, 401, "OAUTH_SCOPE_MISMATCH"),
        (Kind::Status { status: 500 }, 500, "INTERNAL_ERROR"),
    ] {
        zoho.once(Vendor::ZohoCrm, "org.get", kind);
        crm_refused(&zoho.crm_get("/org").await, status, code);
    }
    zoho.once(Vendor::ZohoCrm, "org.get", Kind::Status { status: 502 });
    assert!(zoho.crm_get("/org").await.text.starts_with("<html>"));
}

#[tokio::test]
async fn where_mails_are_unique_another_persons_record_is_a_conflict() {
    let zoho = Zoho::start().await;
    zoho.crm_staff(&json!({ "act": "set_unique", "module": "Contacts", "field": "Email", "unique": "yes" }));
    let there = contact(&zoho).await;
    let body = json!({ "data": [{ "Last_Name": "Roe", "Email": "J@example.org", "Platform_User_Id": "u_1" }],
        "duplicate_check_fields": ["Platform_User_Id"], "trigger": [] });
    let refused = zoho.crm_post("/Contacts/upsert", body.clone()).await;
    let details = record_refused(&refused, 400, "DUPLICATE_DATA");
    assert_eq!((&details["api_name"], &details["duplicate_record"]["id"]), (&json!("Email"), &json!(there)));
    zoho.crm_staff(&json!({ "act": "settings", "all_failed_status": 202 }));
    assert_eq!(zoho.crm_post("/Contacts/upsert", body).await.status, 202);
}

#[tokio::test]
async fn a_stage_outside_the_pipeline_is_a_mismatch_even_where_pick_lists_are_loose() {
    let zoho = Zoho::start().await;
    let deal = |stage: &str| json!({ "data": [{ "Deal_Name": "A", "Stage": stage, "Closing_Date": "2026-11-21" }] });
    record_refused(&zoho.crm_post("/Deals", deal("Nowhere")).await, 400, "INVALID_DATA");
    zoho.crm_staff(&json!({ "act": "settings", "strict_picklists": false }));
    let refused = zoho.crm_post("/Deals", deal("Nowhere")).await;
    assert_eq!(record_refused(&refused, 400, "MAPPING_MISMATCH")["mapped_field"], "Pipeline");
    assert_eq!(zoho.crm_post("/Deals", deal("Closed Lost")).await.status, 201);
}

#[tokio::test]
async fn people_edit_merge_delete_and_convert_by_hand() {
    let zoho = Zoho::start().await;
    let kept = contact(&zoho).await;
    let other =
        zoho.crm_record("Contacts", json!({ "Last_Name": "Doe", "Phone": "1", "Platform_User_Id": "u_1" })).await;
    let deal = json!({ "Deal_Name": "A", "Stage": "Qualification", "Closing_Date": "2026-11-21", "Contact_Name": { "id": other } });
    zoho.crm_record("Deals", deal).await;
    zoho.crm_tag(&other, "plan-pro").await;
    zoho.crm_staff(&json!({ "act": "merge_records", "into": kept, "from": other }));
    let books = zoho.crm_books();
    assert_eq!(books["contacts"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&books["contacts"][0]["Platform_User_Id"], &books["contacts"][0]["tags"]),
        (&json!("u_1"), &json!(["plan-pro"]))
    );
    assert_eq!(books["deals"][0]["Contact_Name"], kept.as_str());
    zoho.crm_staff(&json!({ "act": "remove_tag", "id": kept, "tag": "plan-pro" }));
    assert_eq!(zoho.crm_books()["contacts"][0]["tags"], json!([]));
    let lead =
        zoho.crm_record("Leads", json!({ "Last_Name": "Lee", "Company": "Lee Ltd", "Lead_Source": "WhatsApp" })).await;
    let made = zoho.crm_staff(&json!({ "act": "convert_lead", "id": lead }));
    let contact = zoho.crm_get(&format!("/Contacts/{}", made["contact_id"].as_str().unwrap())).await;
    assert_eq!(contact.json["data"][0]["Account_Name"]["name"], "Lee Ltd", "{}", contact.text);
    let put = zoho.crm(Method::PUT, &format!("/Leads/{lead}")).body(json!({ "data": [{ "Phone": "1" }] }).to_string());
    record_refused(&answer(put).await, 400, "ID_ALREADY_CONVERTED");
    zoho.crm_staff(&json!({ "act": "delete_record", "id": kept }));
    let deleted = zoho.crm_get("/Contacts/deleted?type=all").await;
    assert_eq!(deleted.json["data"][0]["deleted_by"]["name"], "Sandbox Staff", "{}", deleted.text);
}

#[tokio::test]
async fn fields_come_and_go_with_the_administrator() {
    let zoho = Zoho::start().await;
    let field = |zoho: &Zoho| answer(zoho.crm(Method::GET, "/settings/fields?module=Contacts"));
    let has = |answer: &Value, name: &str| answer["fields"].as_array().unwrap().iter().any(|f| f["api_name"] == name);
    assert!(has(&field(&zoho).await.json, "Platform_User_Id"));
    zoho.crm_staff(&json!({ "act": "remove_field", "module": "Contacts", "field": "Platform_User_Id" }));
    assert!(!has(&field(&zoho).await.json, "Platform_User_Id"));
    let write = json!({ "data": [{ "Last_Name": "Doe", "Platform_User_Id": "u_1" }] });
    record_refused(&zoho.crm_post("/Contacts", write).await, 400, "INVALID_DATA");
    let act = json!({ "act": "add_field", "module": "Contacts", "field": "Platform_User_Id", "unique": "external" });
    zoho.crm_staff(&act);
    zoho.crm_record("Contacts", json!({ "Last_Name": "Doe", "Platform_User_Id": "u_1" })).await;
    assert_eq!(zoho.crm_external("Contacts.Platform_User_Id", "u_1").await.status, 200);
}
