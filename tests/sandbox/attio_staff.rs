//! The simulated Attio: what people do in its own pages, merges, and a plan's limit.

use crate::attio::{RECORDS, labels, refusal, sandbox};
use crate::support::{Listener, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_merge_leaves_one_record_that_everything_points_to() {
    let (sandbox, listener) = (sandbox().await, Listener::start().await);
    let several = json!({"is_multiselect": true});
    sandbox.attribute("companies", "children", "record-reference", several).await;
    let merged = json!({"data": {"target_url": listener.url,
        "subscriptions": [{"event_type": "record.merged", "filter": null}]}});
    sandbox.attio_ok(Method::POST, "/v2/webhooks", merged).await;
    let one = sandbox.record("subscriptions", json!({"external_id": ["1"], "labels": ["a"]})).await;
    let two = sandbox.record("subscriptions", json!({"external_id": ["2"], "labels": ["b"], "state": ["Draft"]})).await;
    let child = |id: &str| json!({"target_object": "subscriptions", "target_record_id": id});
    let parent = sandbox.record("companies", json!({"children": [child(&one), child(&two)]})).await;
    let task = json!({"data": {"content": "Call", "format": "plaintext", "deadline_at": null, "is_completed": false,
        "linked_records": [{"target_object": "subscriptions", "target_record_id": two}], "assignees": []}});
    sandbox.attio_ok(Method::POST, "/v2/tasks", task).await;
    let body = |one: &str, two: &str| json!({"data": {"primary_record_id": one, "secondary_record_id": two}});
    let path = format!("{RECORDS}/merge");
    assert_eq!(sandbox.attio_refused(Method::POST, &path, body(&one, &one)).await, refusal("self_merge"));
    let nobody = uuid::Uuid::nil().to_string();
    let refused = sandbox.attio_refused(Method::POST, &path, body(&one, &nobody)).await;
    assert_eq!(refused, (404, "value_not_found".to_owned()));
    let merged = sandbox.attio_ok(Method::POST, &path, body(&one, &two)).await;
    let id = merged["new_record_id"].as_str().unwrap();
    assert!(id != one && id != two, "merging makes a new record");
    let left = sandbox.attio_ok(Method::GET, &format!("{RECORDS}/{id}"), Value::Null).await;
    assert_eq!(left["values"]["record_id"][0]["value"], json!(id));
    assert_eq!(left["values"]["external_id"][0]["value"], "1");
    assert_eq!(left["values"]["state"][0]["status"]["title"], "Draft");
    assert_eq!(labels(&left).len(), 2, "several values are united: {left}");
    for gone in [&one, &two] {
        let refused = sandbox.attio_refused(Method::GET, &format!("{RECORDS}/{gone}"), Value::Null).await;
        assert_eq!(refused, (404, "not_found".to_owned()));
    }
    let parent = sandbox.attio_ok(Method::GET, &format!("/v2/objects/companies/records/{parent}"), Value::Null).await;
    let children = parent["values"]["children"].as_array().unwrap();
    assert_eq!((children.len(), &children[0]["target_record_id"]), (1, &json!(id)));
    let tasks = format!("/v2/tasks?linked_object=subscriptions&linked_record_id={id}");
    assert_eq!(sandbox.attio_ok(Method::GET, &tasks, Value::Null).await.as_array().unwrap().len(), 1);
    let got = listener.received(2).await;
    let mut duplicates: Vec<_> = got.iter().map(|g| g.json()["events"][0]["duplicate_record_id"].clone()).collect();
    duplicates.sort_by_key(Value::to_string);
    let mut gone = vec![json!(one), json!(two)];
    gone.sort_by_key(Value::to_string);
    assert_eq!(duplicates, gone);
    assert!(got.iter().all(|g| g.json()["events"][0]["id"]["record_id"] == json!(id)));
}

#[tokio::test]
async fn a_merge_by_hand_can_keep_the_primary_record() {
    let sandbox = sandbox().await;
    let one = sandbox.record("subscriptions", json!({"external_id": ["1"]})).await;
    let two = sandbox.record("subscriptions", json!({"labels": ["b"]})).await;
    let left = sandbox
        .attio_staff(json!({"act": "merge_records", "object": "subscriptions", "primary_record_id": one,
        "secondary_record_id": two, "survivor": "primary"}))
        .await;
    assert_eq!((&left["id"]["record_id"], labels(&left)), (&json!(one), vec!["b"]));
    let refused = sandbox.attio_refused(Method::GET, &format!("{RECORDS}/{two}"), Value::Null).await;
    assert_eq!(refused.0, 404);
}

#[tokio::test]
async fn a_plan_allows_so_many_objects_and_no_more() {
    let sandbox = Sandbox::start().await;
    sandbox.attio_staff(json!({"act": "set_object_limit", "limit": 3})).await;
    sandbox.subscriptions().await;
    let plans = json!({"data": {"api_slug": "plans", "singular_noun": "Plan", "plural_noun": "Plans"}});
    let refused = sandbox.attio_refused(Method::POST, "/v2/objects", plans.clone()).await;
    assert_eq!(refused, refusal("quota_exceeded"));
    sandbox.attio_staff(json!({"act": "set_object_limit", "limit": null})).await;
    sandbox.attio_ok(Method::POST, "/v2/objects", plans).await;
}

#[tokio::test]
async fn values_set_by_hand_are_resolved_and_a_press_is_told_apart_by_its_time() {
    let sandbox = sandbox().await;
    sandbox.attribute("subscriptions", "owner", "actor-reference", json!({})).await;
    sandbox.attribute("subscriptions", "sync_action", "select", json!({})).await;
    for title in ["none", "Start"] {
        let path = "/v2/objects/subscriptions/attributes/sync_action/options";
        sandbox.attio_ok(Method::POST, path, json!({"data": {"title": title}})).await;
    }
    let id = sandbox.record("subscriptions", json!({"sync_action": ["none"]})).await;
    let set = async |attribute: &str, value: Value| {
        sandbox
            .attio_staff(json!({"act": "set_value", "object": "subscriptions", "record_id": id, "attribute": attribute,
            "value": value}))
            .await
    };
    let owned = set("owner", json!({"workspace_member_email_address": "fay@sandbox.example"})).await;
    assert_eq!(owned["values"]["owner"][0]["referenced_actor_type"], "workspace-member");
    assert_eq!(labels(&set("labels", json!(["a", "b"])).await).len(), 2);
    assert_eq!(labels(&set("labels", json!("c")).await), ["c"]);
    assert!(labels(&set("labels", Value::Null).await).is_empty());
    let press = async || {
        let pressed = sandbox.attio_staff(json!({"act": "press", "record_id": id, "action": "Start"})).await;
        pressed["values"]["sync_action"][0]["active_from"].clone()
    };
    let first = press().await;
    sandbox.order("/clock", json!({"advance": "PT1M"})).await;
    assert_eq!(press().await, first, "the same value again is no new value");
    sandbox.attio_staff(json!({"act": "set_same_value_writes", "renew": true})).await;
    assert_ne!(press().await, first, "unless the workspace is set to renew it");
    let dance = json!({"vendor": "attio", "act": "press", "record_id": id, "action": "Dance"});
    let (status, refused) = sandbox.control(Method::POST, "/staff", dance).await;
    assert!(status == 422 && refused["error"]["message"].as_str().unwrap().contains("Dance"), "{refused}");
}
