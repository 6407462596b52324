//! Zoho CRM: external ids, look-ups that are late, empty or doubled, and the search index that lags.

use crate::crm_caller::{crm_refused, record_refused};
use crate::zoho_caller::{Zoho, answer};
use chrono::TimeDelta;
use reqwest::Method;
use sandbox::faults::{Kind, Vendor};
use serde_json::json;

const KEY: &str = "Contacts.Platform_User_Id";

async fn contact(zoho: &Zoho, key: &str) -> String {
    zoho.crm_record("Contacts", json!({ "Last_Name": "Doe", "Email": "j@example.org", "Platform_User_Id": key })).await
}

#[tokio::test]
async fn a_record_is_found_by_its_external_id_the_moment_it_is_written() {
    let zoho = Zoho::start().await;
    let id = contact(&zoho, "u_1").await;
    let found = zoho.crm_external(KEY, "u_1").await;
    assert_eq!(
        (found.json["data"][0]["id"].as_str(), found.status.as_u16()),
        (Some(id.as_str()), 200),
        "{}",
        found.text
    );
    let put = zoho.crm(Method::PUT, "/Contacts/u_1").header("X-EXTERNAL", KEY);
    let changed = answer(put.body(json!({ "data": [{ "Phone": "1" }] }).to_string())).await;
    let details = &changed.json["data"][0]["details"];
    assert_eq!((&details["id"], &details["Platform_User_Id"]), (&json!(id), &json!("u_1")), "{}", changed.text);
    crm_refused(&zoho.crm_external(KEY, "u_2").await, 400, "INVALID_DATA");
    crm_refused(&zoho.crm_get("/Contacts/u_1").await, 400, "INVALID_DATA");
    crm_refused(&zoho.crm_external("Contacts.Phone", "1").await, 400, "INVALID_DATA");
    zoho.crm_staff(&json!({ "act": "settings", "unknown_external_is_an_error": false }));
    assert_eq!(zoho.crm_external(KEY, "u_2").await.status, 204);
}

#[tokio::test]
async fn look_ups_in_a_body_may_be_external_ids_too() {
    let zoho = Zoho::start().await;
    let contact = contact(&zoho, "u_1").await;
    let account = zoho.crm_record("Accounts", json!({ "Account_Name": "Acme", "Billing_Account_Id": "a_1" })).await;
    let deal = |contact: &str| {
        let deal = json!({ "Deal_Name": "Acme", "Stage": "Closed Won", "Closing_Date": "2026-11-21", "Amount": 600.5,
            "Contact_Name": { "id": contact }, "Account_Name": { "id": "a_1" }, "Billing_Ref": "s_1" });
        let body = json!({ "data": [deal], "trigger": [], "duplicate_check_fields": ["Billing_Ref"] });
        zoho.crm(Method::POST, "/Deals/upsert")
            .header("X-EXTERNAL", "Deals.Contact_Name.Platform_User_Id,Deals.Account_Name.Billing_Account_Id")
            .body(body.to_string())
    };
    let refused = answer(deal("u_9")).await;
    assert_eq!(record_refused(&refused, 400, "INVALID_DATA")["json_path"], "$.data[0].Contact_Name");
    assert_eq!(answer(deal("u_1")).await.json["data"][0]["action"], "insert");
    assert_eq!(answer(deal("u_1")).await.json["data"][0]["action"], "update");
    let books = zoho.crm_books();
    assert_eq!(books["deals"][0]["Contact_Name"], contact.as_str());
    assert_eq!(books["deals"][0]["Account_Name"], account.as_str());
    assert_eq!(books["deals"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_late_look_up_sees_neither_new_records_nor_new_values() {
    let zoho = Zoho::start().await;
    let id = contact(&zoho, "u_1").await;
    let late = || zoho.once(Vendor::ZohoCrm, "record.get", Kind::LateIndex { seconds: 60 });
    late();
    crm_refused(&zoho.crm_external(KEY, "u_1").await, 400, "INVALID_DATA");
    zoho.advance(TimeDelta::seconds(90));
    assert_eq!(zoho.crm_tag(&id, "plan-pro").await.status, 200);
    late();
    let seen = zoho.crm_external(KEY, "u_1").await;
    assert_eq!(seen.json["data"][0]["Tag"], json!([]), "{}", seen.text);
    let seen = zoho.crm_external(KEY, "u_1").await;
    assert_eq!(seen.json["data"][0]["Tag"][0]["name"], "plan-pro");
}

#[tokio::test]
async fn an_empty_look_up_hides_what_is_there_and_a_doubled_one_makes_a_true_twin() {
    let zoho = Zoho::start().await;
    let id = contact(&zoho, "u_1").await;
    zoho.once(Vendor::ZohoCrm, "record.get", Kind::Empty);
    assert_eq!(zoho.crm_get(&format!("/Contacts/{id}")).await.status, 204);
    zoho.once(Vendor::ZohoCrm, "query", Kind::Empty);
    let query =
        || zoho.crm_post("/coql", json!({ "select_query": "select id from Contacts where Platform_User_Id = 'u_1'" }));
    assert_eq!(query().await.status, 204);
    zoho.once(Vendor::ZohoCrm, "record.get", Kind::Doubled);
    let twins = zoho.crm_external(KEY, "u_1").await;
    assert_eq!(twins.json["data"].as_array().unwrap().len(), 2, "{}", twins.text);
    let twin = twins.json["data"][1]["id"].as_str().unwrap().to_owned();
    assert_eq!(zoho.crm_get(&format!("/Contacts/{twin}")).await.json["data"][0]["Platform_User_Id"], "u_1");
    assert_eq!(query().await.json["info"]["count"], 2);
}

#[tokio::test]
async fn the_search_index_lags_by_what_the_organisation_is_told() {
    let zoho = Zoho::start().await;
    let search = || zoho.crm_get("/Contacts/search?email=j@example.org");
    zoho.crm_staff(&json!({ "act": "settings", "search_lag_seconds": 120 }));
    contact(&zoho, "u_1").await;
    zoho.advance(TimeDelta::seconds(100));
    assert_eq!(search().await.status, 204);
    zoho.advance(TimeDelta::seconds(30));
    assert_eq!(search().await.json["info"]["count"], 1);
    zoho.once(Vendor::ZohoCrm, "record.search", Kind::LateIndex { seconds: 3600 });
    assert_eq!(search().await.status, 204);
}

#[tokio::test]
async fn an_update_is_refused_when_the_record_changed_since() {
    let mut zoho = Zoho::start().await;
    let id = contact(&zoho, "u_1").await;
    let read = zoho.crm_get(&format!("/Contacts/{id}")).await;
    let since = read.json["data"][0]["Modified_Time"].as_str().unwrap().to_owned();
    let body = json!({ "data": [{ "Phone": "1" }], "trigger": [] }).to_string();
    let put = |zoho: &Zoho| {
        let call = zoho.crm(Method::PUT, &format!("/Contacts/{id}")).header("If-Unmodified-Since", &since);
        answer(call.body(body.clone()))
    };
    assert_eq!(put(&zoho).await.status, 200);
    zoho.advance(TimeDelta::minutes(1));
    zoho.renew_token().await;
    zoho.crm_staff(&json!({ "act": "edit_record", "id": id, "values": { "Phone": "2" } }));
    assert_eq!(put(&zoho).await.status, 412);
    assert_eq!(zoho.crm_books()["contacts"][0]["Phone"], "2");
}

#[tokio::test]
async fn notes_of_a_deal_are_reached_beside_its_roles() {
    let zoho = Zoho::start().await;
    let deal = json!({ "Deal_Name": "Acme", "Stage": "Qualification", "Closing_Date": "2026-11-21" });
    let id = zoho.crm_record("Deals", deal).await;
    let note = json!({ "data": [{ "Note_Title": "Call", "Note_Content": "They want Pro" }] });
    assert_eq!(zoho.crm_post(&format!("/Deals/{id}/Notes"), note).await.status, 201);
    let notes = zoho.crm_get(&format!("/Deals/{id}/Notes?fields=Note_Title,Parent_Id")).await;
    assert_eq!(notes.json["data"][0]["Parent_Id"]["module"]["api_name"], "Deals", "{}", notes.text);
}
