//! Alerts and the sign of life, as somebody outside gets them.

use crate::mail::Post;
use crate::outside::Outside;
use attio_billing::config::WatchConfig;
use attio_billing::store::{checks, settings};
use attio_billing::watch::Watch;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use sandbox::mailbox::Stored;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Whoever listens: what was posted, how often it was given a sign of life, and whether it takes anything.
#[derive(Default)]
struct Listener {
    told: Mutex<Vec<Value>>,
    beats: Mutex<usize>,
    deaf: Mutex<bool>,
}

async fn hear(State(listener): State<Arc<Listener>>, Json(alert): Json<Value>) -> StatusCode {
    if *listener.deaf.lock().unwrap() {
        return StatusCode::BAD_GATEWAY;
    }
    listener.told.lock().unwrap().push(alert);
    StatusCode::NO_CONTENT
}

async fn beat(State(listener): State<Arc<Listener>>) {
    *listener.beats.lock().unwrap() += 1;
}

async fn listen() -> (Arc<Listener>, String) {
    let listener = Arc::new(Listener::default());
    let routes = Router::new().route("/hook", post(hear)).route("/life", get(beat)).with_state(Arc::clone(&listener));
    let door = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", door.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(door, routes).await.unwrap() });
    (listener, address)
}

#[tokio::test]
async fn a_cause_is_told_once_until_it_is_taken_and_once_more_when_it_is_over() {
    let out = Outside::start().await;
    let (listener, address) = listen().await;
    let service = out.stage.service();
    let config = WatchConfig {
        alert_url: Some(format!("{address}/hook").into()),
        alert_mail: Vec::new(),
        heartbeat_url: Some(format!("{address}/life").into()),
        silence: None,
    };
    let mut watch = Watch::new(service.store.clone(), out.stage.clock().clone(), config, None, false, "demo1").unwrap();
    let pool = out.stage.pool();
    let checked = out.stage.until("the standing checks to pass", async || {
        Ok(checks::states(pool).await?.iter().all(|check| check.passed(Duration::from_mins(2))))
    });
    checked.await.unwrap();
    let told = || listener.told.lock().unwrap().clone();
    watch.round().await;
    assert_eq!((told().len(), *listener.beats.lock().unwrap()), (0, 1), "all is well");

    settings::set_switch(pool, "zoho.record_payment", true, "ada", "month's end").await.unwrap();
    *listener.deaf.lock().unwrap() = true;
    watch.round().await;
    *listener.deaf.lock().unwrap() = false;
    for _ in 0..3 {
        watch.round().await;
    }
    let first = told();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(
        (&first[0]["key"], &first[0]["state"], &first[0]["severity"]),
        (&"attio-billing:demo1:switched-off".into(), &"open".into(), &"note".into())
    );
    assert!(first[0]["text"].as_str().unwrap().contains("zoho.record_payment"), "{first:?}");

    settings::set_switch(pool, "attio.project", true, "ada", "month's end").await.unwrap();
    watch.round().await;
    for operation in ["zoho.record_payment", "attio.project"] {
        settings::set_switch(pool, operation, false, "ada", "over").await.unwrap();
    }
    watch.round().await;
    watch.round().await;
    let told = told();
    let states: Vec<_> = told.iter().map(|alert| (alert["state"].as_str().unwrap(), &alert["count"])).collect();
    assert_eq!(states, [("open", &1.into()), ("open", &2.into()), ("resolved", &2.into())]);
    assert_eq!(*listener.beats.lock().unwrap(), 8);
    out.end().await;
}

#[tokio::test]
async fn a_cause_is_mailed_to_everybody_in_one_thread_and_each_way_is_told_until_it_listens() {
    let out = Outside::start().await;
    let (listener, address) = listen().await;
    let Post { sandbox, mailer } = Post::start().await;
    let mails = || sandbox.world.mailbox.list();
    let people = ["ada@example.com", "Bo <bo@example.com>"].map(|one| one.parse().unwrap());
    let config = WatchConfig {
        alert_url: Some(format!("{address}/hook").into()),
        alert_mail: people.to_vec(),
        ..WatchConfig::default()
    };
    let (store, clock) = (out.stage.service().store.clone(), out.stage.clock().clone());
    let mut watch = Watch::new(store, clock, config, Some(&Arc::new(mailer)), false, "demo1").unwrap();
    let set = async |off| {
        settings::set_switch(out.stage.pool(), "attio.project", off, "ada", "month's end").await.unwrap();
    };
    set(true).await;
    *listener.deaf.lock().unwrap() = true;
    watch.round().await;
    watch.round().await;
    *listener.deaf.lock().unwrap() = false;
    watch.round().await;
    set(false).await;
    watch.round().await;

    assert_eq!(listener.told.lock().unwrap().len(), 2, "open once it listened, and over");
    let switched: Vec<_> = mails().into_iter().filter(|mail| mail.subject.ends_with("switched-off")).collect();
    let subjects: Vec<_> = switched.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects, ["[demo1] switched-off", "[demo1] over: switched-off"]);
    let text = switched[0].text.as_deref().unwrap();
    assert!(text.contains("attio.project") && text.contains("docs/ALERTS.md#switched-off"), "{text}");
    assert!(switched.iter().all(|mail| mail.to == ["ada@example.com", "bo@example.com"]), "{switched:#?}");
    let thread = |mail: &Stored| mail.header.lines().find(|line| line.starts_with("References: ")).unwrap().to_owned();
    assert_eq!(thread(&switched[0]), thread(&switched[1]));
    assert_ne!(switched[0].message_id, switched[1].message_id);
    out.end().await;
}
