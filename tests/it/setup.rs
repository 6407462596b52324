//! `setup` and `setup --check`, the real program against the simulated Attio.

use crate::cli::{program, told};
use crate::sandbox_caller::{Listener, Sandbox};
use reqwest::Method;
use serde_json::{Value, json};

const URL: &str = "https://billing.example.com/webhooks/attio";

/// A workspace that takes writes as fast as they come.
async fn workspace() -> Sandbox {
    let sandbox = Sandbox::start().await;
    sandbox.order("/limits", json!({"hold": false})).await;
    sandbox
}

/// Exit code, stdout and stderr of `setup`.
async fn setup(sandbox: &Sandbox, args: &[&str]) -> (i32, String, String) {
    let mut command = program(&["setup"]);
    command.args(args).envs([
        ("ATTIO_BASE_URL", sandbox.url("")),
        ("ATTIO_API_KEY", sandbox.world.credentials.attio.api_key.clone()),
    ]);
    told(command.output().await.unwrap())
}

/// The JSON of a check that changed nothing, and its exit code.
async fn check(sandbox: &Sandbox, args: &[&str]) -> (i32, Value) {
    let before = writes(sandbox).await;
    let (code, out, errors) = setup(sandbox, &[&["--check", "--json"], args].concat()).await;
    assert_eq!(writes(sandbox).await, before, "a check wrote: {errors}");
    (code, serde_json::from_str(&out).unwrap())
}

/// How many calls on Attio were none of reading.
async fn writes(sandbox: &Sandbox) -> u64 {
    let (_, books) = sandbox.control(Method::GET, "/books", Value::Null).await;
    let calls = books["calls"]["attio"].as_object().cloned().unwrap_or_default();
    let reads = |name: &str| [".get", ".list", ".query", ".history"].iter().any(|end| name.ends_with(end));
    calls.iter().filter(|(name, _)| !reads(name)).map(|(_, count)| count.as_u64().unwrap()).sum()
}

/// What is in that state.
fn things<'a>(report: &'a Value, state: &str) -> Vec<&'a str> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|f| f["state"] == state).map(|f| f["what"].as_str().unwrap()).collect()
}

/// The one finding about that thing.
fn about<'a>(report: &'a Value, what: &str) -> &'a Value {
    let found: Vec<_> = report["findings"].as_array().unwrap().iter().filter(|f| f["what"] == what).collect();
    assert_eq!(found.len(), 1, "{what} in {report:#}");
    found[0]
}

async fn change(sandbox: &Sandbox, path: &str, data: Value) {
    let path = format!("/v2/objects/{path}");
    sandbox.attio_ok(Method::PATCH, &path, json!({ "data": data })).await;
}

#[tokio::test]
async fn a_check_of_a_new_workspace_writes_nothing_and_says_what_to_do() {
    let sandbox = workspace().await;
    let (code, report) = check(&sandbox, &[]).await;
    assert_eq!((code, writes(&sandbox).await), (5, 0));
    assert_eq!((&report["clean"], &report["webhook"]), (&json!(false), &Value::Null));
    let missing = things(&report, "missing");
    for what in ["object `subscriptions`", "attribute `people.compliance` (select)", "webhook to the service"] {
        assert!(missing.contains(&what), "{what} in {missing:?}");
    }
    let open = report["findings"].as_array().unwrap().iter().filter(|f| f["state"] != "exists");
    for finding in open {
        assert_ne!(finding["cure"], "", "{finding}");
    }
    assert_eq!(report["quota"], json!({"objects": 2, "missing": 3, "refused": false}));
    let (code, out, errors) = setup(&sandbox, &["--check"]).await;
    assert_eq!((code, writes(&sandbox).await), (5, 0));
    for words in ["what to do", "object `subscriptions`", "5 are needed", "the plan Plus", "without `service_plans`"] {
        assert!(out.contains(words), "{words} in {out}");
    }
    assert!(errors.contains("run `attio-billing setup`"), "{errors}");
}

#[tokio::test]
async fn setup_makes_the_model_once_and_a_second_run_writes_nothing() {
    let sandbox = workspace().await;
    let (code, out, errors) = setup(&sandbox, &[]).await;
    assert_eq!(code, 0, "{errors}");
    assert!(out.contains("created") && out.contains("no further one is needed"), "{out}");
    let made = writes(&sandbox).await;
    let (code, again, _) = setup(&sandbox, &[]).await;
    assert_eq!((code, writes(&sandbox).await), (0, made));
    assert!(!again.contains("created"), "{again}");
    for (slug, kind, several) in [
        ("customer_company", "record-reference", false),
        ("plan", "record-reference", false),
        ("addons", "record-reference", true),
        ("owner", "actor-reference", false),
        ("starts_on", "date", false),
        ("trial_days", "number", false),
        ("quote_expires_at", "timestamp", false),
        ("checkout_status", "select", false),
        ("subscription_status", "status", false),
        ("collection_owner", "select", false),
    ] {
        let path = format!("/v2/objects/subscriptions/attributes/{slug}");
        let attribute = sandbox.attio_ok(Method::GET, &path, Value::Null).await;
        assert_eq!((&attribute["type"], &attribute["is_multiselect"]), (&json!(kind), &json!(several)), "{slug}");
    }
    let path = "/v2/objects/subscriptions/attributes/sync_action/options";
    let acts = sandbox.attio_ok(Method::GET, path, Value::Null).await;
    let acts: Vec<_> = acts.as_array().unwrap().iter().map(|o| o["title"].as_str().unwrap()).collect();
    let spec = "none, Quote, Start, Change plan, Cancel now, Cancel at term end, Reactivate, Resend link, \
                Send card link, Send portal link, Request refund, Open ticket, Retry";
    assert_eq!(acts.join(", "), spec);
}

#[tokio::test]
async fn a_check_names_each_drift_and_setup_restores_only_what_was_archived() {
    let sandbox = workspace().await;
    // Somebody made one of another type by hand, before setup.
    sandbox.attribute("companies", "lifecycle", "text", json!({})).await;
    setup(&sandbox, &["--webhook-url", URL]).await;
    change(&sandbox, "subscriptions/attributes/external_id", json!({"is_unique": false})).await;
    change(&sandbox, "subscriptions/attributes/quote_text", json!({"is_archived": true})).await;
    change(&sandbox, "subscriptions/attributes/sync_action/options/Retry", json!({"is_archived": true})).await;
    change(&sandbox, "service_plans/attributes/code", json!({"title": "Our own word for it"})).await;
    let (code, report) = check(&sandbox, &[]).await;
    assert_eq!(code, 5);
    let lifecycle = about(&report, "attribute `companies.lifecycle` (select)");
    assert_eq!(
        (&lifecycle["state"], &lifecycle["detail"]),
        (&json!("differs"), &json!("is of type text instead of select"))
    );
    let id = about(&report, "attribute `subscriptions.external_id` (text)");
    assert_eq!((&id["state"], &id["detail"]), (&json!("differs"), &json!("is not unique")));
    let archived =
        ["attribute `subscriptions.quote_text` (text)", "`Retry` among the options of `subscriptions.sync_action`"];
    assert_eq!(things(&report, "archived").len(), 2, "{report:#}");
    for what in archived {
        assert_eq!(about(&report, what)["state"], "archived");
    }
    assert_eq!(things(&report, "differs").len(), 2, "a title that people changed is theirs: {report:#}");
    let before = writes(&sandbox).await;
    let (code, _, _) = setup(&sandbox, &[]).await;
    assert_eq!((code, writes(&sandbox).await), (5, before + 2), "what differs is left to a person");
    let (_, report) = check(&sandbox, &[]).await;
    assert_eq!((things(&report, "archived").len(), things(&report, "differs").len()), (0, 2));
}

#[tokio::test]
async fn a_workspace_with_three_objects_gets_what_fits_and_is_told_what_does_not_work() {
    let sandbox = workspace().await;
    sandbox.order("/staff", json!({"vendor": "attio", "act": "set_object_limit", "limit": 3})).await;
    let (code, out, errors) = setup(&sandbox, &["--webhook-url", URL, "--json"]).await;
    assert_eq!(code, 5, "{errors}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["quota"], json!({"objects": 3, "missing": 2, "refused": true}));
    assert!(things(&report, "created").contains(&"object `subscriptions`"), "{report:#}");
    assert_eq!(about(&report, "attribute `subscriptions.plan` (record-reference)")["state"], "missing");
    assert!(report["consequences"][0].as_str().unwrap().starts_with("without `service_plans`:"), "{report:#}");
    assert_eq!(report["webhook"]["secret"].as_str().map(str::len), Some(64));
    let (code, report) = check(&sandbox, &[]).await;
    assert_eq!((code, &report["quota"]["refused"]), (5, &json!(false)), "a check asks for nothing");
    sandbox.order("/staff", json!({"vendor": "attio", "act": "set_object_limit", "limit": null})).await;
    assert_eq!(setup(&sandbox, &[]).await.0, 0);
}

#[tokio::test]
async fn the_webhook_is_compared_mended_with_its_secret_kept_and_shown_once() {
    let sandbox = workspace().await;
    let (_, out, _) = setup(&sandbox, &["--webhook-url", URL, "--json"]).await;
    let secret = serde_json::from_str::<Value>(&out).unwrap()["webhook"]["secret"].as_str().unwrap().to_owned();
    assert_eq!(check(&sandbox, &["--webhook-url", URL]).await.0, 0);
    let (code, report) = check(&sandbox, &["--webhook-url", "https://other.example.com/webhooks/attio"]).await;
    let elsewhere = things(&report, "differs");
    assert!(code == 5 && elsewhere.len() == 1 && elsewhere[0].ends_with(URL), "{report:#}");
    let webhook = sandbox.attio_ok(Method::GET, "/v2/webhooks?limit=10", Value::Null).await[0].clone();
    let path = format!("/v2/webhooks/{}", webhook["id"]["webhook_id"].as_str().unwrap());
    let all = json!({"data": {"subscriptions": [{"event_type": "record.updated", "filter": null}]}});
    sandbox.attio_ok(Method::PATCH, &path, all).await;
    let (code, report) = check(&sandbox, &[]).await;
    let drift = things(&report, "differs");
    assert!(code == 5 && drift.len() == 1 && drift[0].starts_with("webhook "), "{report:#}");
    let known = ["--webhook-url", URL, "--attio-webhook-secret", secret.as_str(), "--json"];
    let (code, out, errors) = setup(&sandbox, &known).await;
    assert_eq!(code, 0, "{errors}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((things(&report, "mended").len(), &report["webhook"]["secret"]), (1, &Value::Null));
    assert!(!out.contains(&secret), "shown once");
    let now = sandbox.attio_ok(Method::GET, &path, Value::Null).await;
    assert_eq!(now["subscriptions"], webhook["subscriptions"]);
}

#[tokio::test]
async fn the_webhook_tells_a_press_by_a_person_a_deletion_and_a_merge_and_nothing_of_our_own() {
    let (sandbox, listener) = (workspace().await, Listener::start().await);
    setup(&sandbox, &["--webhook-url", &listener.url]).await;
    let staff = async |act: Value| {
        let mut order = json!({"vendor": "attio"});
        order.as_object_mut().unwrap().extend(act.as_object().unwrap().clone());
        sandbox.order("/staff", order).await
    };
    // An API's record, an attribute that is no act, and our answer are told to nobody.
    let id = sandbox.record("subscriptions", json!({"external_id": ["sub:1"], "sync_action": ["none"]})).await;
    let quantity = json!({"act": "set_value", "object": "subscriptions", "record_id": id, "attribute": "quantity",
        "value": 3});
    let shown = staff(quantity).await;
    assert_eq!(shown["values"]["quantity"][0]["value"], 3);
    staff(json!({"act": "press", "record_id": id, "action": "Start", "member": "sam@sandbox.example"})).await;
    let answer = json!({"data": {"values": {"sync_action": ["none"]}}});
    sandbox.attio_ok(Method::PATCH, &format!("/v2/objects/subscriptions/records/{id}"), answer).await;
    let other = sandbox.record("subscriptions", json!({})).await;
    staff(json!({"act": "delete_record", "object": "subscriptions", "record_id": other})).await;
    let plan = sandbox.record("service_plans", json!({})).await;
    staff(json!({"act": "delete_record", "object": "service_plans", "record_id": plan})).await;
    let (one, two) = (sandbox.record("companies", json!({})).await, sandbox.record("companies", json!({})).await);
    staff(json!({"act": "merge_records", "object": "companies", "primary_record_id": one, "secondary_record_id": two}))
        .await;
    let events: Vec<Value> = listener.received(4).await.iter().map(|got| got.json()["events"][0].clone()).collect();
    let of = |kind: &str| events.iter().filter(|e| e["event_type"] == kind).collect::<Vec<_>>();
    let [press] = of("record.updated")[..] else { panic!("{events:#?}") };
    let action = "/v2/objects/subscriptions/attributes/sync_action";
    let action = sandbox.attio_ok(Method::GET, action, Value::Null).await;
    assert_eq!(press["id"]["attribute_id"], action["id"]["attribute_id"]);
    assert_eq!((&press["id"]["record_id"], &press["actor"]["type"]), (&json!(id), &json!("workspace-member")));
    assert_eq!(of("record.deleted").len(), 1, "a plan's record concerns no flow: {events:#?}");
    assert_eq!(of("record.merged").len(), 2, "{events:#?}");
    let (_, log) = sandbox.control(Method::GET, "/webhooks", Value::Null).await;
    assert_eq!(log["deliveries"].as_array().unwrap().len(), 4, "{log:#}");
}

#[tokio::test]
async fn a_rotation_prints_the_new_secret_and_the_old_one_with_its_end() {
    let sandbox = workspace().await;
    let secret = |out: &str, name: &str| {
        let line = out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(str::to_owned)
    };
    let (_, out, _) = setup(&sandbox, &["--webhook-url", URL]).await;
    let first = secret(&out, "ATTIO_WEBHOOK_SECRET").unwrap();
    assert_eq!(secret(&out, "ATTIO_WEBHOOK_SECRET_OLD"), None);
    let args = ["--webhook-url", URL, "--rotate-secret", "--attio-webhook-secret", first.as_str()];
    let (code, out, errors) = setup(&sandbox, &args).await;
    assert_eq!(code, 0, "{errors}");
    assert_ne!(secret(&out, "ATTIO_WEBHOOK_SECRET").unwrap(), first);
    assert_eq!(secret(&out, "ATTIO_WEBHOOK_SECRET_OLD").unwrap(), first);
    let end: chrono::DateTime<chrono::Utc> = secret(&out, "ATTIO_WEBHOOK_SECRET_OLD_UNTIL").unwrap().parse().unwrap();
    assert!(end > chrono::Utc::now() + chrono::TimeDelta::days(3), "{end}");
}
