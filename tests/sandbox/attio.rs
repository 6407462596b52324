//! The simulated Attio, over HTTP, as a careful client meets it.

#![expect(clippy::needless_pass_by_value, reason = "`json!` literals read better by value")]

use crate::support::{Listener, Sandbox};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

pub(crate) const RECORDS: &str = "/v2/objects/subscriptions/records";

fn values(values: Value) -> Value {
    json!({"data": {"values": values}})
}

pub(crate) fn refusal(code: &str) -> (u16, String) {
    (400, code.to_owned())
}

/// Subscriptions with a status, a multiselect and a reference.
pub(crate) async fn sandbox() -> Sandbox {
    let sandbox = Sandbox::start().await;
    sandbox.subscriptions().await;
    sandbox.attribute("subscriptions", "state", "status", json!({})).await;
    sandbox.attribute("subscriptions", "labels", "select", json!({"is_multiselect": true})).await;
    for title in ["Draft", "Active"] {
        let path = "/v2/objects/subscriptions/attributes/state/statuses";
        sandbox.attio_ok(Method::POST, path, json!({"data": {"title": title}})).await;
    }
    for title in ["a", "b", "c"] {
        let path = "/v2/objects/subscriptions/attributes/labels/options";
        sandbox.attio_ok(Method::POST, path, json!({"data": {"title": title}})).await;
    }
    sandbox
}

/// Titles of a multiselect as they are read.
pub(crate) fn labels(record: &Value) -> Vec<&str> {
    record["values"]["labels"].as_array().unwrap().iter().map(|v| v["option"]["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_call_without_the_key_is_refused_and_a_dead_key_is_told_so() {
    let sandbox = Sandbox::start().await;
    let answer = sandbox.client.get(sandbox.url("/v2/objects")).bearer_auth("wrong").send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let error = answer.text().await.unwrap();
    assert!(error.starts_with(r#"{"status_code":401,"type":"auth_error","code":"unauthorized","message":"#), "{error}");
    let dead: Value =
        sandbox.client.get(sandbox.url("/v2/self")).bearer_auth("wrong").send().await.unwrap().json().await.unwrap();
    assert_eq!(dead, json!({"active": false}));
    let (_, own) = sandbox.attio(Method::GET, "/v2/self", Value::Null).await;
    assert_eq!((&own["active"], &own["iss"]), (&json!(true), &json!("attio.com")));
    let key = &sandbox.world.credentials.attio.api_key;
    let basic = sandbox.client.get(sandbox.url("/v2/objects")).basic_auth(key, Some("")).send().await.unwrap();
    assert_eq!(basic.status(), 200);
    assert!(basic.headers().contains_key("x-attio-execution-id"));
}

#[tokio::test]
async fn people_and_companies_exist_and_take_no_unique_or_status_attribute() {
    let sandbox = Sandbox::start().await;
    let people = sandbox.attio_ok(Method::GET, "/v2/objects/people/attributes/email_addresses", Value::Null).await;
    assert_eq!((&people["is_unique"], &people["is_multiselect"]), (&json!(true), &json!(true)));
    let mut attribute = json!({"data": {"title": "Zoho", "description": null, "api_slug": "zoho", "type": "text",
        "is_required": false, "is_unique": true, "is_multiselect": false, "config": {}}});
    let path = "/v2/objects/companies/attributes";
    assert_eq!(sandbox.attio_refused(Method::POST, path, attribute.clone()).await, refusal("validation_type"));
    attribute["data"]["is_unique"] = json!(false);
    sandbox.attio_ok(Method::POST, path, attribute.clone()).await;
    attribute["data"]["api_slug"] = json!("state");
    attribute["data"]["type"] = json!("status");
    assert_eq!(sandbox.attio_refused(Method::POST, path, attribute).await, refusal("validation_type"));
    let own = "/v2/objects/people/attributes/name";
    let refused = sandbox.attio_refused(Method::PATCH, own, json!({"data": {"title": "x"}})).await;
    assert_eq!(refused, refusal("system_edit_unauthorized"));
}

#[tokio::test]
async fn an_archived_slug_or_title_still_conflicts_and_can_be_brought_back() {
    let sandbox = sandbox().await;
    let path = "/v2/objects/subscriptions/attributes";
    sandbox.attio_ok(Method::PATCH, &format!("{path}/external_id"), json!({"data": {"is_archived": true}})).await;
    let shown = sandbox.attio_ok(Method::GET, path, Value::Null).await;
    assert!(!shown.as_array().unwrap().iter().any(|a| a["api_slug"] == "external_id"));
    let again = json!({"data": {"title": "x", "description": null, "api_slug": "external_id", "type": "text",
        "is_required": false, "is_unique": true, "is_multiselect": false, "config": {}}});
    assert_eq!(sandbox.attio_refused(Method::POST, path, again).await, (409, "slug_conflict".to_owned()));
    let back = json!({"data": {"is_archived": false}});
    let back = sandbox.attio_ok(Method::PATCH, &format!("{path}/external_id"), back).await;
    assert_eq!(back["is_unique"], true);
    let options = format!("{path}/labels/options");
    sandbox.attio_ok(Method::PATCH, &format!("{options}/a"), json!({"data": {"is_archived": true}})).await;
    let taken = sandbox.attio_refused(Method::POST, &options, json!({"data": {"title": "a"}})).await;
    assert_eq!(taken, (409, "slug_conflict".to_owned()));
    let missing = json!({"data": {"title": "x", "api_slug": "y"}});
    assert_eq!(sandbox.attio_refused(Method::POST, path, missing).await, refusal("validation_type"));
}

#[tokio::test]
async fn an_upsert_creates_once_and_a_second_holder_is_refused() {
    let sandbox = sandbox().await;
    let upsert = format!("{RECORDS}?matching_attribute=external_id");
    let body = values(json!({"external_id": ["sub:1"], "state": ["Draft"]}));
    let first = sandbox.attio_ok(Method::PUT, &upsert, body.clone()).await;
    let second = sandbox.attio_ok(Method::PUT, &upsert, body.clone()).await;
    assert_eq!(first["id"], second["id"]);
    assert_eq!(first["values"]["state"], second["values"]["state"]);
    let refused = sandbox.attio_refused(Method::POST, RECORDS, body.clone()).await;
    assert_eq!(refused, refusal("uniqueness_conflict"));
    let loose = format!("{RECORDS}?matching_attribute=state");
    let refused = sandbox.attio_refused(Method::PUT, &loose, body).await;
    assert_eq!(refused, refusal("matching_attribute_definition_not_unique"));
    let refused = sandbox.attio_refused(Method::PUT, &upsert, values(json!({"state": ["Draft"]}))).await;
    assert_eq!(refused, refusal("missing_value"));
    // Several records may have no value in a unique attribute.
    sandbox.record("subscriptions", json!({})).await;
    sandbox.record("subscriptions", json!({})).await;
}

#[tokio::test]
async fn unknown_values_are_never_made_on_the_fly() {
    let sandbox = sandbox().await;
    for (written, code) in [
        (json!({"nonsense": ["x"]}), "value_not_found"),
        (json!({"state": ["Nonsense"]}), "value_not_found"),
        (json!({"labels": ["Nonsense"]}), "value_not_found"),
        (json!({"labels": "a"}), "validation_type"),
        (json!({"external_id": null}), "validation_type"),
        (json!({"external_id": [1]}), "validation_type"),
        (json!({"state": [{"status_id": "x"}]}), "validation_type"),
        (json!({"created_at": ["2026-01-01T00:00:00Z"]}), "system_edit_unauthorized"),
    ] {
        let refused = sandbox.attio_refused(Method::POST, RECORDS, values(written.clone())).await;
        assert_eq!(refused, refusal(code), "{written}");
    }
    let (_, shape) = sandbox.attio(Method::POST, RECORDS, values(json!({"external_id": [1]}))).await;
    assert_eq!(shape["validation_errors"][0]["path"], json!(["data", "values", "external_id"]));
    let missing = sandbox.attio_refused(Method::GET, &format!("{RECORDS}/{}", uuid::Uuid::nil()), Value::Null).await;
    assert_eq!(missing, (404, "not_found".to_owned()));
}

#[tokio::test]
async fn a_patch_adds_to_a_multiselect_and_a_put_replaces_it() {
    let sandbox = sandbox().await;
    let id = sandbox.record("subscriptions", json!({"external_id": ["1"], "labels": ["a"]})).await;
    let path = format!("{RECORDS}/{id}");
    let patched = sandbox.attio_ok(Method::PATCH, &path, values(json!({"labels": ["b"]}))).await;
    assert_eq!(labels(&patched), ["b", "a"]);
    let put = sandbox.attio_ok(Method::PUT, &path, values(json!({"labels": ["c", "b"]}))).await;
    assert_eq!(
        {
            let mut l = labels(&put);
            l.sort_unstable();
            l
        },
        ["b", "c"]
    );
    let upsert = format!("{RECORDS}?matching_attribute=external_id");
    let upserted = sandbox.attio_ok(Method::PUT, &upsert, values(json!({"external_id": ["1"], "labels": ["a"]}))).await;
    assert_eq!(labels(&upserted), ["a"]);
    let cleared = sandbox.attio_ok(Method::PATCH, &path, values(json!({"labels": [], "external_id": []}))).await;
    assert_eq!((&cleared["values"]["labels"], &cleared["values"]["external_id"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn a_value_keeps_its_history_and_a_same_value_write_adds_nothing() {
    let sandbox = sandbox().await;
    let id = sandbox.record("subscriptions", json!({"state": ["Draft"]})).await;
    let path = format!("{RECORDS}/{id}");
    let act = json!({"vendor": "attio", "act": "set_values", "object": "subscriptions", "record_id": id,
        "values": {"state": ["Active"]}});
    sandbox.order("/staff", act).await;
    let record = sandbox.attio_ok(Method::PATCH, &path, values(json!({"state": [{"status": "Active"}]}))).await;
    let now = &record["values"]["state"][0];
    assert_eq!(now["status"]["title"], "Active");
    assert_eq!(now["created_by_actor"]["type"], "workspace-member");
    let history = format!("{path}/attributes/state/values?show_historic=true");
    let history = sandbox.attio_ok(Method::GET, &history, Value::Null).await;
    assert_eq!(history.as_array().unwrap().len(), 2, "{history}");
    assert_eq!(history[0]["created_by_actor"]["type"], "api-token");
    assert_eq!(history[0]["active_until"], history[1]["active_from"]);
    assert_eq!(history[1]["active_until"], Value::Null);
    let time = history[1]["active_from"].as_str().unwrap();
    assert_eq!(time.split('.').nth(1).unwrap().len(), 10, "nine digits and Z: {time}");
}

#[tokio::test]
async fn every_type_is_read_as_it_was_written() {
    let sandbox = Sandbox::start().await;
    sandbox.subscriptions().await;
    for (kind, written, field, read) in [
        ("number", json!([12.5]), "value", json!(12.5)),
        ("checkbox", json!([true]), "value", json!(true)),
        ("currency", json!([{"currency_value": 49.5}]), "currency_value", json!(49.5)),
        ("date", json!(["2026-12-01"]), "value", json!("2026-12-01")),
        ("timestamp", json!(["2026-11-21T11:00:00+01:00"]), "value", json!("2026-11-21T10:00:00.000000000Z")),
        ("domain", json!(["WWW.Acme.com"]), "root_domain", json!("acme.com")),
        ("email-address", json!(["A@Acme.com"]), "email_address", json!("a@acme.com")),
        ("phone-number", json!([{"original_phone_number": "+1 555 0100"}]), "phone_number", json!("+15550100")),
        (
            "actor-reference",
            json!([{"workspace_member_email_address": "ada@sandbox.example"}]),
            "referenced_actor_type",
            json!("workspace-member"),
        ),
    ] {
        let slug = kind.replace('-', "_");
        sandbox.attribute("subscriptions", &slug, kind, json!({})).await;
        let id = sandbox.record("subscriptions", json!({ slug.clone(): written })).await;
        let record = sandbox.attio_ok(Method::GET, &format!("{RECORDS}/{id}"), Value::Null).await;
        assert_eq!(record["values"][&slug][0][field], read, "{record}");
        assert_eq!(record["values"][&slug][0]["attribute_type"], kind);
    }
    let refused = sandbox.attio_refused(Method::POST, RECORDS, values(json!({"currency": [1.23456]}))).await;
    assert_eq!(refused, refusal("validation_type"));
}

#[tokio::test]
async fn both_sides_of_a_relationship_move_together() {
    let sandbox = Sandbox::start().await;
    sandbox.subscriptions().await;
    let other =
        json!({"object": "companies", "title": "Subscriptions", "api_slug": "subscriptions", "is_multiselect": true});
    sandbox.attribute("subscriptions", "company", "record-reference", json!({ "relationship": other })).await;
    let acme = sandbox.record("companies", json!({"name": ["Acme"], "domains": ["acme.com"]})).await;
    let zed = sandbox.record("companies", json!({"name": ["Zed"]})).await;
    let by_domain = json!({"company": [{"target_object": "companies", "domains": [{"domain": "acme.com"}]}]});
    let id = sandbox.record("subscriptions", by_domain).await;
    let company = async |id: &str| {
        let path = format!("/v2/objects/companies/records/{id}");
        let company = sandbox.attio_ok(Method::GET, &path, Value::Null).await;
        company["values"]["subscriptions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["target_record_id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(company(&acme).await, [json!(id)]);
    let moved = values(json!({"company": [{"target_object": "companies", "target_record_id": zed}]}));
    sandbox.attio_ok(Method::PATCH, &format!("{RECORDS}/{id}"), moved).await;
    assert!(company(&acme).await.is_empty());
    assert_eq!(company(&zed).await, [json!(id)]);
    let (status, deleted) = sandbox.attio(Method::DELETE, &format!("{RECORDS}/{id}"), Value::Null).await;
    assert_eq!((status.as_u16(), deleted), (200, json!({})));
    assert!(company(&zed).await.is_empty());
}

/// The external ids that a query finds, in its order.
async fn found(sandbox: &Sandbox, query: Value) -> Vec<String> {
    let records = sandbox.attio_ok(Method::POST, &format!("{RECORDS}/query"), query).await;
    let id = |r: &Value| r["values"]["external_id"][0]["value"].as_str().unwrap().to_owned();
    records.as_array().unwrap().iter().map(id).collect()
}

#[tokio::test]
async fn a_query_filters_sorts_and_pages() {
    let sandbox = sandbox().await;
    sandbox.attribute("subscriptions", "company", "record-reference", json!({})).await;
    let acme = sandbox.record("companies", json!({"name": ["Acme"]})).await;
    let company = json!([{"target_object": "companies", "target_record_id": acme}]);
    sandbox.record("subscriptions", json!({"external_id": ["1"], "state": ["Draft"], "company": company})).await;
    sandbox.record("subscriptions", json!({"external_id": ["2"], "state": ["Active"]})).await;
    sandbox.record("subscriptions", json!({"external_id": ["3"]})).await;
    let down = json!([{"attribute": "external_id", "direction": "desc"}]);
    for (query, ids) in [
        (json!({}), vec!["1", "2", "3"]),
        (json!({"filter": {"external_id": "2"}}), vec!["2"]),
        (json!({"filter": {"external_id": {"$in": ["1", "3"]}}}), vec!["1", "3"]),
        (json!({"filter": {"$or": [{"state": {"$eq": "Draft"}}, {"state": "Active"}]}, "sorts": down}), vec!["2", "1"]),
        (json!({"filter": {"state": {"$not_empty": true}}}), vec!["1", "2"]),
        (json!({"filter": {"$not": {"state": "Draft"}}}), vec!["2", "3"]),
        (json!({"filter": {"company": {"target_record_id": acme}}}), vec!["1"]),
        (
            json!({"filter": {"path": [["subscriptions", "company"], ["companies", "name"]],
                "constraints": {"value": {"$starts_with": "ac"}}}}),
            vec!["1"],
        ),
        (json!({"sorts": down, "limit": 1, "offset": 1}), vec!["2"]),
        (json!({"filter": {"created_at": {"$gte": "2020-01-01T00:00:00Z"}}}), vec!["1", "2", "3"]),
    ] {
        assert_eq!(found(&sandbox, query.clone()).await, ids, "{query}");
    }
    for (filter, code) in [
        (json!({"nonsense": "x"}), "unknown_filter_attribute_slug"),
        (json!({"external_id": {"$neq": "x"}}), "invalid_filter_operator"),
        (json!({"state": {"$in": ["Draft"]}}), "invalid_filter_operator"),
        (json!({"external_id": {"nonsense": "x"}}), "invalid_filter_field"),
        (json!({"$not": {"$or": [{"external_id": "1"}]}}), "filter_error"),
    ] {
        let refused =
            sandbox.attio_refused(Method::POST, &format!("{RECORDS}/query"), json!({ "filter": filter })).await;
        assert_eq!(refused, refusal(code), "{filter}");
    }
}

#[tokio::test]
async fn a_late_index_hides_what_is_new_from_queries_only() {
    let sandbox = sandbox().await;
    let id = sandbox.record("subscriptions", json!({"external_id": ["1"]})).await;
    let late = json!({"vendor": "attio", "operation": "record.query", "kind": "late_index", "seconds": 30});
    sandbox.order("/faults", late).await;
    assert!(found(&sandbox, json!({})).await.is_empty());
    sandbox.attio_ok(Method::GET, &format!("{RECORDS}/{id}"), Value::Null).await;
    sandbox.order("/clock", json!({"advance": "PT31S"})).await;
    assert_eq!(found(&sandbox, json!({})).await, ["1"]);
}

#[tokio::test]
async fn notes_and_tasks_are_found_by_their_record() {
    let sandbox = sandbox().await;
    let id = sandbox.record("subscriptions", json!({})).await;
    let note = json!({"data": {"parent_object": "subscriptions", "parent_record_id": id, "title": "Paid [e1]",
        "format": "plaintext", "content": "49.50"}});
    sandbox.attio_ok(Method::POST, "/v2/notes", note).await;
    let path = format!("/v2/notes?parent_object=subscriptions&parent_record_id={id}");
    let notes = sandbox.attio_ok(Method::GET, &path, Value::Null).await;
    assert_eq!((&notes[0]["title"], &notes[0]["parent_object"]), (&json!("Paid [e1]"), &json!("subscriptions")));
    let refused = sandbox.attio_refused(Method::GET, &format!("{path}&limit=51"), Value::Null).await;
    assert_eq!(refused, refusal("validation_type"));
    let mut task = json!({"data": {"content": "Call\n[e2]", "format": "plaintext", "deadline_at": null,
        "is_completed": false, "linked_records": [{"target_object": "subscriptions", "target_record_id": id}],
        "assignees": [{"workspace_member_email_address": "ada@sandbox.example"}]}});
    let made = sandbox.attio_ok(Method::POST, "/v2/tasks", task.clone()).await;
    let path = format!("/v2/tasks?linked_object=subscriptions&linked_record_id={id}&sort=created_at:desc");
    let tasks = sandbox.attio_ok(Method::GET, &path, Value::Null).await;
    assert_eq!((&tasks[0]["content_plaintext"], tasks.as_array().unwrap().len()), (&json!("Call\n[e2]"), 1));
    let task_path = format!("/v2/tasks/{}", made["id"]["task_id"].as_str().unwrap());
    let done = sandbox.attio_ok(Method::PATCH, &task_path, json!({"data": {"is_completed": true}})).await;
    assert_eq!(done["is_completed"], true);
    task["data"].as_object_mut().unwrap().remove("deadline_at");
    assert_eq!(sandbox.attio_refused(Method::POST, "/v2/tasks", task).await, refusal("validation_type"));
}

fn subscription(url: &str, filter: Value) -> Value {
    json!({"data": {"target_url": url, "subscriptions": [{"event_type": "record.updated", "filter": filter}]}})
}

#[tokio::test]
async fn a_webhook_tells_each_change_of_a_member_signed_and_once() {
    let (sandbox, listener) = (sandbox().await, Listener::start().await);
    let state = sandbox.attio_ok(Method::GET, "/v2/objects/subscriptions/attributes/state", Value::Null).await;
    let filter = json!({"$and": [
        {"field": "id.attribute_id", "operator": "equals", "value": state["id"]["attribute_id"]},
        {"field": "actor.type", "operator": "equals", "value": "workspace-member"},
    ]});
    let made = sandbox.attio_ok(Method::POST, "/v2/webhooks", subscription(&listener.url, filter.clone())).await;
    let again = sandbox.attio_refused(Method::POST, "/v2/webhooks", subscription(&listener.url, filter)).await;
    assert_eq!(again, (409, "uniqueness_conflict".to_owned()));
    let id = sandbox.record("subscriptions", json!({"state": ["Draft"]})).await;
    sandbox.attio_ok(Method::PATCH, &format!("{RECORDS}/{id}"), values(json!({"labels": ["a"]}))).await;
    let act = json!({"vendor": "attio", "act": "set_values", "object": "subscriptions", "record_id": id,
        "values": {"state": ["Active"], "labels": ["b"]}, "member": "max@sandbox.example"});
    sandbox.order("/staff", act).await;
    let got = listener.received(1).await;
    let body = got[0].json();
    assert_eq!(body["webhook_id"], made["id"]["webhook_id"]);
    assert_eq!(body["events"].as_array().unwrap().len(), 1);
    assert_eq!(body["events"][0]["event_type"], "record.updated");
    assert_eq!(body["events"][0]["id"]["record_id"], json!(id));
    assert_eq!(body["events"][0]["actor"]["type"], "workspace-member");
    let mut mac = Hmac::<Sha256>::new_from_slice(made["secret"].as_str().unwrap().as_bytes()).unwrap();
    mac.update(&got[0].body);
    assert_eq!(got[0].headers["attio-signature"], hex::encode(mac.finalize().into_bytes()).as_str());
    assert!(got[0].headers.contains_key("idempotency-key"));
    let (_, log) = sandbox.control(Method::GET, "/webhooks", Value::Null).await;
    assert_eq!(log["deliveries"].as_array().unwrap().len(), 1, "{log:#}");
    let path = format!("/v2/webhooks/{}", made["id"]["webhook_id"].as_str().unwrap());
    assert!(sandbox.attio_ok(Method::GET, &path, Value::Null).await.get("secret").is_none());
}

#[tokio::test]
async fn a_webhook_that_fails_for_three_days_is_degraded() {
    let (sandbox, listener) = (sandbox().await, Listener::start().await);
    let made = sandbox.attio_ok(Method::POST, "/v2/webhooks", subscription(&listener.url, Value::Null)).await;
    listener.answer([500; 11]);
    let id = sandbox.record("subscriptions", json!({})).await;
    sandbox.attio_ok(Method::PATCH, &format!("{RECORDS}/{id}"), values(json!({"state": ["Draft"]}))).await;
    for made in 1..=11 {
        listener.received(made).await;
        sandbox
            .until("/webhooks", |log| (log["deliveries"][0]["attempts"].as_array()?.len() == made).then_some(()))
            .await;
        sandbox.order("/clock", json!({"advance": "P2D"})).await;
    }
    let keys: Vec<_> = listener.received(11).await.iter().map(|r| r.headers["idempotency-key"].clone()).collect();
    assert!(keys.iter().all(|key| *key == keys[0]));
    let path = format!("/v2/webhooks/{}", made["id"]["webhook_id"].as_str().unwrap());
    let status =
        sandbox.until("/books", |b| Some(b["attio"]["webhooks"][0]["status"].clone()).filter(|s| s != "active")).await;
    assert_eq!(status, "degraded");
    assert_eq!(sandbox.attio_ok(Method::GET, &path, Value::Null).await["status"], "degraded");
}

#[tokio::test]
async fn a_webhook_needs_https_unless_it_stays_on_this_machine() {
    let sandbox = Sandbox::start().await;
    let plain = subscription("http://example.com/hook", Value::Null);
    assert_eq!(sandbox.attio_refused(Method::POST, "/v2/webhooks", plain).await, refusal("validation_type"));
    let no_filter =
        json!({"data": {"target_url": "https://example.com/", "subscriptions": [{"event_type": "record.updated"}]}});
    assert_eq!(sandbox.attio_refused(Method::POST, "/v2/webhooks", no_filter).await, refusal("validation_type"));
}

#[tokio::test]
async fn more_than_25_writes_in_a_second_are_refused_with_a_date() {
    let sandbox = Sandbox::start().await;
    let writes = (0..60).map(|n| {
        let body = values(json!({"name": [format!("{n}")]}));
        let sandbox = &sandbox;
        async move { sandbox.try_attio(Method::POST, "/v2/objects/companies/records", &body).await.unwrap() }
    });
    let answers = futures::future::join_all(writes).await;
    let refused: Vec<_> = answers.iter().filter(|a| a.status() == 429).collect();
    assert!(!refused.is_empty());
    assert!(refused[0].headers()["retry-after"].to_str().unwrap().ends_with("GMT"));
    let (_, books) = sandbox.control(Method::GET, "/books", Value::Null).await;
    assert_eq!(books["attio"]["records"]["companies"].as_array().unwrap().len(), 60 - refused.len());
}

#[tokio::test]
async fn a_refusal_on_order_speaks_in_attios_form() {
    let sandbox = Sandbox::start().await;
    for (kind, status, code) in [
        (json!({"kind": "refuse", "code": "concurrent_write_conflict"}), 409, "concurrent_write_conflict"),
        (json!({"kind": "refuse", "code": "unauthorized"}), 403, "unauthorized"),
        (json!({"kind": "status", "status": 401}), 401, "unauthorized"),
        (json!({"kind": "rate_limit"}), 429, "rate_limit_exceeded"),
    ] {
        let mut order = json!({"vendor": "attio", "operation": "object.list", "times": 1});
        order.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        sandbox.order("/faults", order).await;
        let refused = sandbox.attio_refused(Method::GET, "/v2/objects", Value::Null).await;
        assert_eq!(refused, (status, code.to_owned()));
    }
}

#[tokio::test]
async fn the_books_show_current_values_in_plain_form() {
    let sandbox = sandbox().await;
    let act = json!({"vendor": "attio", "act": "create_record", "object": "subscriptions",
        "values": {"external_id": ["1"], "state": ["Active"], "labels": ["a", "b"]}});
    let made = sandbox.order("/staff", act).await;
    let (_, books) = sandbox.control(Method::GET, "/books", Value::Null).await;
    let line = &books["attio"]["records"]["subscriptions"][0];
    assert_eq!(line["values"]["state"], "Active");
    assert_eq!(line["values"]["labels"], json!(["a", "b"]));
    let gone = json!({"vendor": "attio", "act": "delete_record", "object": "subscriptions", "record_id": made["id"]["record_id"]});
    sandbox.order("/staff", gone).await;
    let (_, books) = sandbox.control(Method::GET, "/books", Value::Null).await;
    assert_eq!(books["attio"]["records"]["subscriptions"], json!([]));
    let (status, refused) = sandbox.control(Method::POST, "/staff", json!({"vendor": "attio", "act": "dance"})).await;
    assert_eq!(status.as_u16(), 422);
    assert!(refused["error"]["message"].as_str().unwrap().contains("delete_record"));
}

#[tokio::test]
async fn lifted_limits_let_a_workspace_be_set_up_at_once() {
    let sandbox = Sandbox::start().await;
    sandbox.order("/limits", json!({"hold": false})).await;
    for n in 0..40 {
        sandbox.record("companies", json!({"name": [format!("{n}")]})).await;
    }
    let refused = sandbox.attio_refused(Method::GET, "/v2/webhooks?limit=many", Value::Null).await;
    assert_eq!(refused, refusal("validation_type"));
}

#[tokio::test]
async fn a_filter_can_exclude_an_actor() {
    let (sandbox, listener) = (sandbox().await, Listener::start().await);
    let (_, own) = sandbox.attio(Method::GET, "/v2/self", Value::Null).await;
    let others = json!({"$and": [{"field": "actor.id", "operator": "not_equals", "value": own["client_id"]}]});
    sandbox.attio_ok(Method::POST, "/v2/webhooks", subscription(&listener.url, others)).await;
    let id = sandbox.record("subscriptions", json!({"state": ["Draft"]})).await;
    sandbox.attio_ok(Method::PATCH, &format!("{RECORDS}/{id}"), values(json!({"labels": ["a"]}))).await;
    sandbox
        .attio_staff(json!({"act": "set_value", "object": "subscriptions", "record_id": id, "attribute": "state",
        "value": "Active"}))
        .await;
    let got = listener.received(1).await;
    assert_eq!(got[0].json()["events"][0]["actor"]["type"], "workspace-member");
    let (_, log) = sandbox.control(Method::GET, "/webhooks", Value::Null).await;
    assert_eq!(log["deliveries"].as_array().unwrap().len(), 1, "{log:#}");
}
