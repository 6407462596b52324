//! Acts pressed in Attio, from the press to the item that an activation hears: by webhook, and by the sweep where a
//! delivery was lost.

use crate::outside::Outside;
use crate::postgres::database;
use crate::staging::at_noon;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::{SignUp, Stage, StageOptions};
use chrono::DateTime;
use reqwest::{Method, StatusCode};
use sagas::kernel::ids::SagaId;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// An item: its saga, the saga's flow, its kind, who, and the command.
type Heard = (Uuid, String, String, String, String);

/// What activations were told, oldest first.
async fn heard(pool: &PgPool) -> Vec<Heard> {
    let items = "select saga, saga_kind, kind, principal, body from item where kind like 'attio.%' order by id";
    sqlx::query_as(items).fetch_all(pool).await.unwrap()
}

async fn act(stage: &Stage, fields: &Value) -> Value {
    let mut act = json!({"vendor": "attio"});
    act.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    stage.sandbox.staff(&act).await.unwrap()
}

fn id(record: &Value) -> String {
    record["id"]["record_id"].as_str().unwrap().to_owned()
}

async fn subscription(stage: &Stage) -> Value {
    act(stage, &json!({"act": "create_record", "object": "subscriptions", "values": {}})).await
}

async fn press(stage: &Stage, record: &str, action: &str) -> Value {
    act(stage, &json!({"act": "press", "record_id": record, "action": action})).await
}

async fn until_heard(stage: &Stage, items: usize) -> Vec<Heard> {
    stage.until("acts to be heard", async || Ok(heard(stage.pool()).await.len() >= items)).await.unwrap();
    heard(stage.pool()).await
}

/// What the latest delivery of Attio came to, once it is not the one before.
async fn ignored(out: &Outside, because: &str) {
    let what = format!("a delivery to be ignored: {because}");
    let told = out.stage.until(&what, async || {
        let list: Value = out.get("/inbox/deliveries?vendor=attio&limit=1").await;
        let last = &list["deliveries"][0];
        Ok(last["state"] == "ignored" && last["reason"].as_str().is_some_and(|reason| reason.contains(because)))
    });
    told.await.unwrap();
}

#[tokio::test]
async fn a_press_is_heard_once_by_the_activation_that_it_begins() {
    let out = Outside::start().await;
    let record = id(&subscription(&out.stage).await);
    let pressed = press(&out.stage, &record, "Start").await;
    let value = &pressed["values"]["sync_action"][0];
    let at = value["active_from"].as_str().unwrap();
    let (saga, flow, kind, principal, body) = until_heard(&out.stage, 1).await.swap_remove(0);
    assert_eq!(saga, SagaId::derived("subscription_activation", &[&record, at]).0);
    assert_eq!((flow.as_str(), kind.as_str()), ("subscription_activation", "attio.start"));
    assert_eq!(principal, format!("attio:{}", value["created_by_actor"]["id"].as_str().unwrap()));
    let mut command = serde_json::from_str::<Value>(&body).unwrap()["command"].take();
    let pressed_at = DateTime::parse_from_rfc3339(command["pressed_at"].as_str().unwrap()).unwrap();
    assert_eq!(pressed_at, DateTime::parse_from_rfc3339(at).unwrap());
    command.as_object_mut().unwrap().remove("pressed_at");
    assert_eq!(
        command,
        json!({
            "command": "pressed",
            "organization": out.stage.config().vendors.zoho.organization_id,
            "installation": out.stage.prefix(),
            "record": record,
            "act": "start",
            "terms": {
                "highest_tax_ppm": 270_000,
                "link_days": 7,
                "reminder_day": 3,
                "consent_version": "2026-11",
                "declines_before_lock": 5,
                "lock_minutes": 60,
                "hold_hours": 24,
                "currencies": ["EUR", "GBP", "USD"],
            },
        })
    );

    // Told again by another delivery, several times within one, it is heard no second time.
    let event = json!({"event_type": "record.updated", "id": value_ids(&out, &record).await,
        "actor": value["created_by_actor"]});
    let delivery = json!({ "events": [event, event] }).to_string();
    assert!(out.attio("again", delivery).await.status().is_success());
    let told = out.stage.until("the repeat to be looked at", async || {
        let list: Value = out.get("/inbox/deliveries?vendor=attio&limit=1").await;
        Ok(out.counts("attio").await.received == 3 && list["deliveries"][0]["state"] != "received")
    });
    told.await.unwrap();
    assert_eq!(heard(out.stage.pool()).await.len(), 1);
    out.end().await;
}

/// A saga in the lists, found by a record's id.
async fn known(pool: &PgPool, name: &str, kind: &str, record: &str, ended: Option<&str>) -> SagaId {
    let saga = SagaId::derived("test", &[name]);
    let shard = i32::from(saga.shard(64));
    let row = "insert into saga (shard, id, kind, version, seq, status, state, title, ended, changed_at, started_at)
               values ($1, $2, $3, 1, 1, 'waiting', 'LinkOut', 'x', $4, now(), now())";
    sqlx::query(row).bind(shard).bind(saga.0).bind(kind).bind(ended).execute(pool).await.unwrap();
    let reference = "insert into reference (kind, value, event, shard, saga) values ('attio_record', $1, $2, $3, $4)";
    sqlx::query(reference).bind(record).bind(saga.event(1)).bind(shard).bind(saga.0).execute(pool).await.unwrap();
    saga
}

#[tokio::test]
async fn a_press_while_an_activation_of_the_record_runs_is_heard_by_that_one() {
    let out = Outside::start().await;
    let pool = out.stage.pool();
    let (record, flow) = (id(&subscription(&out.stage).await), "subscription_activation");
    let running = known(pool, "running", flow, &record, None).await;
    known(pool, "over", flow, &record, Some("failed")).await;
    known(pool, "an invoice", "invoice_payment", &record, None).await;
    known(pool, "elsewhere", flow, "another record", None).await;
    press(&out.stage, &record, "Resend link").await;
    let (saga, _, kind, ..) = until_heard(&out.stage, 1).await.swap_remove(0);
    assert_eq!((saga, kind.as_str()), (running.0, "attio.resend_link"));
    out.end().await;
}

#[tokio::test]
async fn an_act_that_nothing_carries_out_is_answered_on_the_record_with_what_to_do_instead() {
    let out = Outside::start().await;
    let record = id(&subscription(&out.stage).await);
    for (action, cure) in [("Request refund", "ask finance"), ("Cancel now", "nothing is being activated here")] {
        press(&out.stage, &record, action).await;
        let answered = out.stage.until("the answer on the record", async || {
            let books = out.stage.sandbox.books().await?;
            let records = books["attio"]["records"]["subscriptions"].as_array().unwrap().clone();
            let shown = records.into_iter().find(|line| line["record_id"] == record).unwrap()["values"].take();
            let said = shown["last_error"].as_str().unwrap_or_default().to_owned();
            Ok(shown["sync_action"] == "none" && said.contains(&format!("`{action}` was not carried out: {cure}")))
        });
        answered.await.unwrap();
    }
    let ended = out.stage.until("both refusals to end", async || {
        let sagas: Value = out.get("/sagas?kind=act_refusal").await;
        Ok(sagas["sagas"].as_array().unwrap().iter().filter(|saga| saga["state"] == "Answered").count() == 2)
    });
    ended.await.unwrap();
    out.end().await;
}

/// The ids by which events name the act of a record.
async fn value_ids(out: &Outside, record: &str) -> Value {
    let attio = &out.stage.config().vendors.attio;
    let url = attio.base_url.join("/v2/objects/subscriptions/attributes/sync_action").unwrap();
    let key = secrecy::ExposeSecret::expose_secret(&attio.api_key);
    let answer = out.http.get(url).bearer_auth(key).send().await.unwrap();
    let mut ids = answer.json::<Value>().await.unwrap()["data"]["id"].take();
    ids["record_id"] = json!(record);
    ids
}

#[tokio::test]
async fn what_is_no_press_of_a_person_that_a_flow_answers_is_ignored_with_the_reason() {
    let out = Outside::start().await;
    let record = id(&subscription(&out.stage).await);
    ignored(&out, "no act of a workspace member").await;
    press(&out.stage, &record, "none").await;
    ignored(&out, "answered or taken back meanwhile").await;

    let ids = value_ids(&out, &record).await;
    let tell = async |key: &str, kind: &str, change: &Value, actor: &str| {
        let mut ids = ids.clone();
        ids.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let event = json!({"event_type": kind, "id": ids, "actor": {"type": actor, "id": record}});
        assert!(out.attio(key, json!({ "events": [event] }).to_string()).await.status().is_success());
    };
    let (none, updated, member) = (json!({}), "record.updated", "workspace-member");
    tell("token", updated, &none, "api-token").await;
    ignored(&out, "made by `api-token`").await;
    tell("system", updated, &none, "system").await;
    ignored(&out, "made by `system`").await;
    tell("attribute", updated, &json!({"attribute_id": record}), member).await;
    ignored(&out, "concerns no act on a subscription").await;
    tell("object", "record.created", &json!({"object_id": record}), member).await;
    ignored(&out, "concerns no act on a subscription").await;
    tell("path", updated, &json!({"record_id": "../../companies"}), member).await;
    ignored(&out, "names no record").await;
    act(&out.stage, &json!({"act": "delete_record", "object": "subscriptions", "record_id": record})).await;
    ignored(&out, "no flow of this release awaits `record.deleted`").await;
    tell("gone", updated, &none, member).await;
    ignored(&out, "deleted or merged").await;
    assert!(heard(out.stage.pool()).await.is_empty());
    out.end().await;
}

#[tokio::test]
async fn a_press_waits_while_attio_does_not_answer_and_holds_up_nobody_elses_deliveries() {
    let out = Outside::start().await;
    let record = id(&subscription(&out.stage).await);
    ignored(&out, "no act of a workspace member").await;
    let fault = json!({"vendor": "attio", "operation": "*", "kind": "status", "status": 503});
    out.stage.sandbox.order_faults(&fault).await.unwrap();
    press(&out.stage, &record, "Quote").await;
    out.stage.until("the delivery", async || Ok(out.counts("attio").await.received == 2)).await.unwrap();
    let zoho = r#"{"event_id":"6","event_type":"card_deleted","data":{}}"#;
    assert!(out.zoho(zoho).await.status().is_success());
    assert_eq!(out.fate("zoho").await.0, "ignored");
    assert!(heard(out.stage.pool()).await.is_empty());
    out.stage.sandbox.clear_faults().await.unwrap();
    assert_eq!(until_heard(&out.stage, 1).await[0].2, "attio.quote");
    out.end().await;
}

#[tokio::test]
async fn a_press_whose_delivery_was_lost_is_found_by_the_sweep() {
    let database = database().await;
    let stage = Stage::start(&StageOptions { poll_seconds: 1, ..at_noon(&database) }).await;
    let stage = stage.unwrap();
    stage.sandbox.webhooks(&json!({"hold": true})).await.unwrap();
    let made = json!({"act": "create_record", "object": "subscriptions", "values": {"sync_action": ["Resend link"]}});
    let (record, other) = (id(&act(&stage, &made).await), id(&subscription(&stage).await));
    press(&stage, &other, "Change plan").await;
    let kinds: Vec<_> = until_heard(&stage, 2).await.into_iter().map(|(_, _, kind, _, body)| (kind, body)).collect();
    for (kind, of) in [("attio.resend_link", &record), ("attio.unserved", &other)] {
        assert!(kinds.iter().any(|(heard, body)| heard == kind && body.contains(of)), "{kind}: {kinds:?}");
    }
    // The delivery comes after all.
    stage.sandbox.webhooks(&json!({"hold": false})).await.unwrap();
    let answered = stage.until("the late deliveries", async || {
        let summary = attio_billing::store::inbox::summary(stage.pool()).await?;
        Ok(summary.get("attio").is_some_and(|counts| counts.received == 3))
    });
    answered.await.unwrap();
    assert_eq!(heard(stage.pool()).await.len(), 2);
    stage.end().await;
}

/// An order of the API, as another program sends it.
async fn order(out: &Outside, token: &str, key: Option<&str>, body: &Value) -> (StatusCode, Value) {
    let mut request = out.api_as(token, Method::POST, "/activations").json(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_program_that_sends_the_same_sign_up_twice_gets_the_same_activation() {
    let out = Outside::start().await;
    let token = &out.token_of("shop", Holder::Program, Role::Platform).await;
    let newcomer = out.stage.newcomer(&SignUp::new("Twice", out.stage.plan())).await.unwrap();
    let start = json!({"record": newcomer.record, "act": "start"});
    let (status, first) = order(&out, token, Some("sign-up-1"), &start).await;
    assert_eq!((status, &first["state"]), (StatusCode::OK, &json!("applied")), "{first}");
    let (status, again) = order(&out, token, Some("sign-up-1"), &start).await;
    assert_eq!((status, &again["saga"]["id"]), (StatusCode::OK, &first["saga"]["id"]));
    // Another key for the same record, while it runs: the one that runs answers.
    let (_, other) = order(&out, token, Some("sign-up-2"), &start).await;
    assert_eq!(other["saga"]["id"], first["saga"]["id"]);
    let letters =
        async || Ok::<_, anyhow::Error>(out.stage.sandbox.books().await?["mail"].as_array().map_or(0, Vec::len));
    out.stage.until("the letter", async || Ok(letters().await? > 0)).await.unwrap();
    assert_eq!(letters().await.unwrap(), 1);
    let sagas: Value = out.get("/sagas?kind=subscription_activation").await;
    assert_eq!(sagas["sagas"].as_array().unwrap().len(), 1);

    let elsewhere = out.stage.newcomer(&SignUp::new("Other", out.stage.plan())).await.unwrap();
    let about_another = json!({"record": elsewhere.record, "act": "start"});
    for (key, body, status, told) in [
        (None, start.clone(), StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key"),
        (Some("sign-up-1"), about_another, StatusCode::CONFLICT, "was used"),
        (Some("k"), json!({"record": "7", "act": "start"}), StatusCode::UNPROCESSABLE_ENTITY, "expected a UUID"),
        (Some("k"), json!({"record": newcomer.record, "act": "cancel"}), StatusCode::UNPROCESSABLE_ENTITY, "act"),
    ] {
        let (refused, problem) = order(&out, token, key, &body).await;
        assert_eq!(refused, status, "{problem}");
        assert!(problem.to_string().contains(told), "{told}: {problem}");
    }
    out.end().await;
}
