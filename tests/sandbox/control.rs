//! The sandbox's control API: faults on order, the clock, webhooks and the books.

use crate::support::{Listener, Sandbox};
use reqwest::{Method, StatusCode};
use sandbox::{faults::Vendor, hooks::Hook, server};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn fault(sandbox: &Sandbox, operation: &str, more: Value) {
    let mut order = json!({"vendor": "attio", "operation": operation, "times": 1});
    order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    sandbox.order("/faults", order).await;
}

fn object(slug: &str) -> Value {
    json!({"data": {"api_slug": slug, "singular_noun": slug, "plural_noun": format!("{slug}s")}})
}

/// The slugs of the objects that people did not start with.
async fn own_objects(sandbox: &Sandbox) -> Vec<String> {
    let objects = sandbox.attio_ok(Method::GET, "/v2/objects", Value::Null).await;
    let slugs = objects.as_array().unwrap().iter().map(|o| o["api_slug"].as_str().unwrap().to_owned());
    slugs.filter(|slug| slug != "people" && slug != "companies").collect()
}

#[tokio::test]
async fn a_status_fault_does_nothing_and_a_status_after_fault_does_all() {
    let sandbox = Sandbox::start().await;
    fault(&sandbox, "object.create", json!({"kind": "status", "status": 503})).await;
    assert_eq!(sandbox.attio(Method::POST, "/v2/objects", object("a")).await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert!(own_objects(&sandbox).await.is_empty());
    fault(&sandbox, "object.create", json!({"kind": "status_after", "status": 500})).await;
    let (status, body) = sandbox.attio(Method::POST, "/v2/objects", object("a")).await;
    assert_eq!((status.as_u16(), &body["status_code"]), (500, &json!(500)));
    assert_eq!(own_objects(&sandbox).await, ["a"]);
}

#[tokio::test]
async fn a_reset_closes_the_connection_without_a_byte() {
    let sandbox = Sandbox::start().await;
    for (kind, done) in [("reset_before", false), ("reset_after", true)] {
        fault(&sandbox, "object.create", json!({"kind": kind})).await;
        let mut stream = TcpStream::connect(sandbox.addr).await.unwrap();
        let body = object(kind).to_string();
        let key = &sandbox.world.credentials.attio.api_key;
        let head = format!(
            "POST /v2/objects HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(answer.is_empty(), "{kind}: {}", String::from_utf8_lossy(&answer));
        assert_eq!(own_objects(&sandbox).await.contains(&kind.to_owned()), done, "{kind}");
    }
}

#[tokio::test]
async fn a_timeout_holds_the_connection_until_the_caller_gives_up() {
    let sandbox = Sandbox::start().await;
    for (kind, done) in [("timeout_before", false), ("timeout_after", true)] {
        fault(&sandbox, "object.create", json!({"kind": kind})).await;
        let call = sandbox.client.post(sandbox.url("/v2/objects")).json(&object(kind));
        let call = call.bearer_auth(&sandbox.world.credentials.attio.api_key).timeout(Duration::from_millis(300));
        assert!(call.send().await.unwrap_err().is_timeout(), "{kind}");
        assert_eq!(own_objects(&sandbox).await.contains(&kind.to_owned()), done, "{kind}");
    }
}

#[tokio::test]
async fn a_cut_answer_has_its_status_and_half_of_its_body() {
    let sandbox = Sandbox::start().await;
    fault(&sandbox, "object.create", json!({"kind": "cut_after"})).await;
    let answer = sandbox.try_attio(Method::POST, "/v2/objects", &object("a")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.bytes().await.is_err());
    assert_eq!(own_objects(&sandbox).await, ["a"]);
}

#[tokio::test]
async fn a_late_answer_comes_after_its_latency() {
    let sandbox = Sandbox::start().await;
    fault(&sandbox, "object.list", json!({"kind": "latency", "ms": 200})).await;
    let start = Instant::now();
    sandbox.attio_ok(Method::GET, "/v2/objects", Value::Null).await;
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_fault_waits_for_its_turn_and_its_text() {
    let sandbox = Sandbox::start().await;
    fault(&sandbox, "*", json!({"kind": "status", "status": 500, "skip": 1, "contains": "people"})).await;
    let mut seen = Vec::new();
    for path in ["/v2/objects/companies", "/v2/objects/people", "/v2/objects/people", "/v2/objects/people"] {
        seen.push(sandbox.attio(Method::GET, path, Value::Null).await.0.as_u16());
    }
    assert_eq!(seen, [200, 200, 500, 200]);
    let (_, left) = sandbox.control(Method::GET, "/faults", Value::Null).await;
    assert_eq!(left, json!([]));
}

#[tokio::test]
async fn a_wrong_fault_is_refused_naming_the_field_and_nothing_is_ordered() {
    let sandbox = Sandbox::start().await;
    let sound = json!({"vendor": "attio", "operation": "self.get", "kind": "rate_limit"});
    for (field, change) in [
        ("oops", json!({"oops": 1})),
        ("ms", json!({"ms": 1})),
        ("operation", json!({"operation": "self.put"})),
        ("kind", json!({"kind": "explode"})),
        ("vendor", json!({"vendor": "stripe"})),
        ("times", json!({"times": -1})),
        ("status", json!({"kind": "status"})),
        ("status", json!({"kind": "status", "status": 42})),
    ] {
        let mut order = sound.clone();
        order.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, answer) = sandbox.control(Method::POST, "/faults", json!([sound, order])).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{change}");
        assert_eq!(answer["error"]["field"], field, "{answer}");
    }
    assert!(sandbox.world.faults.list().is_empty());
    sandbox.order("/faults", json!([sound, sound])).await;
    assert_eq!(sandbox.world.faults.list().len(), 2);
    sandbox.control(Method::DELETE, "/faults", Value::Null).await;
    assert!(sandbox.world.faults.list().is_empty());
}

#[tokio::test]
async fn the_clock_moves_for_all_and_dates_the_answers() {
    let sandbox = Sandbox::start().await;
    sandbox.order("/clock", json!({"set": "2030-01-31T12:00:00Z"})).await;
    let moved = sandbox.order("/clock", json!({"advance": "P1M"})).await;
    assert!(moved["now"].as_str().unwrap().starts_with("2030-02-28T12:00:0"), "{moved}");
    let answer = sandbox.try_attio(Method::GET, "/v2/self", &Value::Null).await.unwrap();
    assert!(answer.headers()["date"].to_str().unwrap().starts_with("Thu, 28 Feb 2030 12:00:0"));
    for (field, wrong) in
        [("advance", json!({"advance": "tomorrow"})), ("set", json!({"set": "tomorrow"})), ("by", json!({"by": 1}))]
    {
        let (status, answer) = sandbox.control(Method::POST, "/clock", wrong).await;
        assert_eq!((status.as_u16(), &answer["error"]["field"]), (422, &json!(field)), "{answer}");
    }
}

fn hook(vendor: Vendor, kind: &str) -> Hook {
    let headers = vec![("X-Signature".to_owned(), "abc".to_owned())];
    Hook { vendor, kind: kind.to_owned(), headers, body: kind.as_bytes().to_vec() }
}

fn bodies(got: &[crate::support::Received]) -> Vec<String> {
    got.iter().map(|r| String::from_utf8(r.body.to_vec()).unwrap()).collect()
}

async fn with_listener() -> (Sandbox, Listener) {
    let (sandbox, listener) = (Sandbox::start().await, Listener::start().await);
    let targets = json!({"zoho": listener.url, "braintree": listener.url});
    sandbox.order("/webhooks", json!({ "targets": targets })).await;
    (sandbox, listener)
}

#[tokio::test]
async fn a_failed_webhook_is_repeated_on_the_vendors_own_schedule() {
    let (sandbox, listener) = with_listener().await;
    listener.answer([500, 503]);
    sandbox.world.hooks.send(hook(Vendor::Braintree, "disbursement"));
    for made in 1..=3 {
        let got = listener.received(made).await;
        assert_eq!(got[made - 1].headers["x-signature"], "abc");
        assert_eq!(got[made - 1].body, "disbursement");
        sandbox
            .until("/webhooks", |log| (log["deliveries"][0]["attempts"].as_array()?.len() == made).then_some(()))
            .await;
        sandbox.order("/clock", json!({"advance": "PT59M"})).await;
        assert_eq!(listener.received(made).await.len(), made);
        sandbox.order("/clock", json!({"advance": "PT1M"})).await;
    }
    let (_, log) = sandbox.control(Method::GET, "/webhooks", Value::Null).await;
    assert_eq!(log["deliveries"][0]["standing"], "delivered");
    let statuses: Vec<_> = log["deliveries"][0]["attempts"].as_array().unwrap().iter().map(|a| &a["status"]).collect();
    assert_eq!(statuses, [500, 503, 200]);
}

#[tokio::test]
async fn webhooks_are_dropped_doubled_and_reordered_on_order() {
    let (sandbox, listener) = with_listener().await;
    sandbox.order("/webhooks", json!({"drop_next": 1, "vendor": "zoho"})).await;
    sandbox.world.hooks.send(hook(Vendor::Braintree, "kept"));
    sandbox.world.hooks.send(hook(Vendor::Zoho, "lost"));
    assert_eq!(bodies(&listener.received(1).await), ["kept"]);
    sandbox.order("/webhooks", json!({"duplicate_next": 1})).await;
    sandbox.world.hooks.send(hook(Vendor::Zoho, "twice"));
    assert_eq!(bodies(&listener.received(3).await), ["kept", "twice", "twice"]);
    sandbox.order("/webhooks", json!({"reorder_next": 3})).await;
    for kind in ["1", "2", "3"] {
        sandbox.world.hooks.send(hook(Vendor::Zoho, kind));
    }
    assert_eq!(bodies(&listener.received(6).await)[3..], ["3", "2", "1"]);
}

#[tokio::test]
async fn held_webhooks_wait_and_a_lost_one_can_be_sent_again() {
    let (sandbox, listener) = with_listener().await;
    sandbox.order("/webhooks", json!({"hold": true, "drop_next": 1})).await;
    sandbox.world.hooks.send(hook(Vendor::Zoho, "lost"));
    sandbox.world.hooks.send(hook(Vendor::Zoho, "held"));
    let (_, log) = sandbox.control(Method::GET, "/webhooks", Value::Null).await;
    let standings: Vec<_> = log["deliveries"].as_array().unwrap().iter().map(|d| &d["standing"]).collect();
    assert_eq!(standings, ["dropped", "waiting"]);
    sandbox.order("/webhooks", json!({"hold": false})).await;
    assert_eq!(bodies(&listener.received(1).await), ["held"]);
    sandbox.order("/webhooks", json!({"resend": log["deliveries"][0]["id"]})).await;
    assert_eq!(bodies(&listener.received(2).await), ["held", "lost"]);
    let (status, answer) = sandbox.control(Method::POST, "/webhooks", json!({"resend": uuid::Uuid::nil()})).await;
    assert_eq!((status.as_u16(), &answer["error"]["field"]), (422, &json!("resend")));
}

#[tokio::test]
async fn a_webhook_without_a_target_is_kept_in_the_log() {
    let sandbox = Sandbox::start().await;
    sandbox.world.hooks.send(hook(Vendor::Zoho, "x"));
    let (_, log) = sandbox.control(Method::GET, "/webhooks", Value::Null).await;
    assert_eq!(log["deliveries"][0]["standing"], "no_target");
}

#[tokio::test]
async fn the_books_count_calls_and_a_reset_forgets_all_but_the_credentials() {
    let sandbox = Sandbox::start().await;
    sandbox.attio_ok(Method::POST, "/v2/objects", object("a")).await;
    sandbox.attio_ok(Method::GET, "/v2/objects", Value::Null).await;
    let (_, books) = sandbox.control(Method::GET, "/books", Value::Null).await;
    assert_eq!(books["calls"]["attio"], json!({"object.create": 1, "object.list": 1}));
    assert_eq!(books["attio"]["records"]["a"], json!([]));
    sandbox.order("/clock", json!({"advance": "P1Y"})).await;
    sandbox.order("/reset", json!({})).await;
    let (_, books) = sandbox.control(Method::GET, "/books", Value::Null).await;
    assert_eq!(books["calls"], json!({}));
    assert!(books["attio"]["records"].get("a").is_none());
    assert!(sandbox.world.clock.now() - chrono::Utc::now() < chrono::TimeDelta::seconds(1));
    sandbox.attio_ok(Method::GET, "/v2/objects", Value::Null).await;
}

#[tokio::test]
async fn the_control_api_describes_itself() {
    let sandbox = Sandbox::start().await;
    let (_, api) = sandbox.control(Method::GET, "/openapi.json", Value::Null).await;
    for path in ["/books", "/faults", "/clock", "/staff", "/webhooks", "/reset", "/operations"] {
        assert!(api["paths"][format!("/control{path}")].is_object(), "{path}");
    }
    let (_, operations) = sandbox.control(Method::GET, "/operations", Value::Null).await;
    assert!(operations["attio"].as_array().unwrap().contains(&json!("record.upsert")));
    let page = sandbox.client.get(sandbox.url("/control")).send().await.unwrap().text().await.unwrap();
    let page = page.replace("&#x2f;", "/");
    for part in ["POST /control/clock", "timeout_after", "transaction.sale"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn the_description_names_every_vendor_and_its_credentials() {
    let sandbox = Sandbox::start().await;
    let description = server::description(&format!("http://{}", sandbox.addr), &sandbox.world);
    let keys = |part: &Value| part.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&description), ["attio", "braintree", "control_url", "mail", "zoho"]);
    assert_eq!(keys(&description["braintree"]), ["base_url", "merchant_id", "private_key", "public_key"]);
    assert_eq!(description["attio"]["api_key"], sandbox.world.credentials.attio.api_key);
    assert_eq!(description["control_url"], sandbox.url("/control"));
    assert!(!format!("{:?}", sandbox.world).contains(&sandbox.world.credentials.attio.api_key));
}

#[tokio::test]
async fn the_server_ends_when_told_though_it_holds_a_connection() {
    let sandbox = Sandbox::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v2/objects", listener.local_addr().unwrap());
    let world = std::sync::Arc::new(sandbox::World::default());
    let order = json!({"vendor": "attio", "operation": "*", "kind": "timeout_before"});
    world.faults.order(serde_json::from_value(order).unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async move { stopped.await.unwrap() };
    let server = tokio::spawn(server::serve(listener, world.clone(), shutdown));
    let held = tokio::spawn(sandbox.client.get(url).send());
    while world.calls.list().is_empty() {
        tokio::task::yield_now().await;
    }
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    assert!(held.await.unwrap().is_err());
}

#[tokio::test]
async fn what_was_asked_and_answered_can_be_read_by_vendor_and_operation() {
    let sandbox = Sandbox::start().await;
    sandbox.attio_ok(Method::GET, "/v2/objects", Value::Null).await;
    let cut = json!({"vendor": "attio", "operation": "object.list", "kind": "status", "status": 503, "times": 1});
    sandbox.order("/faults", cut).await;
    sandbox.attio(Method::GET, "/v2/objects", Value::Null).await;
    let (_, all) = sandbox.control(Method::GET, "/exchanges?vendor=attio&operation=object.list", Value::Null).await;
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(
        (&all[0]["status"], &all[0]["fault"], &all[0]["target"]),
        (&json!(200), &Value::Null, &json!("/v2/objects"))
    );
    assert!(all[0]["answer"].as_str().unwrap().contains("api_slug"));
    assert_eq!((&all[1]["status"], &all[1]["fault"]["kind"]), (&Value::Null, &json!("status")), "nothing was done");
    let after = format!("/exchanges?after={}", all[1]["number"]);
    assert_eq!(sandbox.control(Method::GET, &after, Value::Null).await.1, json!([]));
    assert_eq!(
        sandbox.control(Method::GET, "/exchanges?since=1", Value::Null).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let shown = serde_json::to_string(all).unwrap();
    assert!(
        !shown.contains(&sandbox.world.credentials.attio.api_key),
        "credentials stand in headers, and these are not kept"
    );
}

/// Vendor, act and fields of every act, as the control API lists them.
async fn acts(sandbox: &Sandbox) -> Vec<(String, String, String)> {
    let (_, listed) = sandbox.control(Method::GET, "/staff", Value::Null).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of = |(vendor, acts): (&String, &Value)| -> Vec<_> {
        acts.as_object().unwrap().iter().map(|(name, fields)| (vendor.clone(), name.clone(), text(fields))).collect()
    };
    listed.as_object().unwrap().iter().flat_map(of).collect()
}

#[tokio::test]
async fn every_act_that_is_listed_is_played_and_no_other() {
    let sandbox = Sandbox::start().await;
    for (vendor, act, _) in acts(&sandbox).await {
        let (_, answer) = sandbox.control(Method::POST, "/staff", json!({"vendor": vendor, "act": act})).await;
        let said = answer.to_string();
        assert!(!said.contains("is not played here") && !said.contains("unknown variant"), "{vendor} {act}: {said}");
    }
    let (status, answer) = sandbox.control(Method::POST, "/staff", json!({"vendor": "zoho", "act": "pay"})).await;
    assert_eq!((status, &answer["error"]["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("act")));
    assert!(answer["error"]["message"].as_str().unwrap().contains("pay_by_link"), "{answer}");
}

#[tokio::test]
async fn the_page_and_the_documentation_list_every_act() {
    let sandbox = Sandbox::start().await;
    let page = sandbox.client.get(sandbox.url("/control")).send().await.unwrap().text().await.unwrap();
    let told = include_str!("../../docs/SANDBOX.md");
    let told = told.split_once("## Acts of people").unwrap().1.split_once("\n## ").unwrap().0;
    let listed = acts(&sandbox).await;
    for (_, act, fields) in &listed {
        let shown = format!("<dt><code>{act}</code></dt><dd>{}</dd>", fields.trim_start_matches("; "));
        assert!(page.contains(&shown), "{act}");
    }
    let rows: BTreeSet<_> = told.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
    let row = |(vendor, act, fields): &(String, String, String)| format!("| `{vendor}` | `{act}` | {fields} |");
    assert_eq!(rows, listed.iter().map(row).collect());
}

#[tokio::test]
async fn an_answer_can_be_altered_and_all_is_done() {
    let sandbox = Sandbox::start().await;
    let replace = json!({"\"api_slug\":\"a\"": "\"api_slug\":17", "Created": "Made"});
    fault(&sandbox, "object.create", json!({"kind": "alter", "replace": replace})).await;
    let (status, body) = sandbox.attio(Method::POST, "/v2/objects", object("a")).await;
    assert_eq!((status, &body["data"]["api_slug"]), (StatusCode::OK, &json!(17)));
    assert_eq!(own_objects(&sandbox).await, ["a"]);
}
