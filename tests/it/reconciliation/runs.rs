//! How a comparison runs: incomplete sources, the share of a day, stop and resume, the schedule, restarts.

use super::play::{LEGS, Play, adds_up, found};
use attio_billing::access::{Holder, Role};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Moves the clock until a comparison has ended.
async fn waited(play: &Play, id: &str) -> Value {
    for _ in 0..40 {
        let before = play.run(id).await;
        if before["state"] != "running" {
            return before;
        }
        // It goes on by itself, until a vendor makes it wait.
        let moved = async || {
            let (run, now) = (play.run(id).await, play.out.stage.sandbox.now().await?);
            let waits = |at: &str| chrono::DateTime::parse_from_rfc3339(at).unwrap() > now;
            Ok(run["state"] != "running" || run["resume_at"].as_str().is_some_and(waits))
        };
        play.out.stage.until("the comparison to wait or to end", moved).await.unwrap();
        play.advance("PT6M").await;
    }
    panic!("it never ends: {}", play.run(id).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_with_an_incomplete_source_says_so_and_raises_no_missing() {
    let play = Play::new().await;
    play.customer("Unread").await;
    play.advance("PT2H").await;
    play.fault(json!({"vendor": "zoho", "operation": "invoice.list", "kind": "status", "status": 500})).await;
    let id = play.ask(&json!({"legs": ["R1", "R3"]})).await;
    let run = waited(&play, &id).await;
    assert_eq!((run["state"].as_str(), run["complete"].as_bool()), (Some("done"), Some(false)), "{run}");
    let report = play.get(&format!("/reconciliation/runs/{id}/report")).await;
    assert_eq!(report["complete"], false);
    assert_eq!(report["not_read"][0]["source"], "zoho invoices", "{report:#}");
    assert!(report["not_read"][0]["what"].as_str().unwrap().contains("page 1"));
    assert_eq!(found(&report), [], "what was not read is not missing");
    assert_eq!((&report["legs"][0]["complete"], &report["legs"][1]["complete"]), (&json!(true), &json!(false)));
    adds_up(&report);

    play.out.stage.sandbox.clear_faults().await.unwrap();
    play.advance("PT10M").await;
    let report = play.compare(&["R1", "R3"]).await;
    assert_eq!((report["complete"].as_bool(), found(&report)), (Some(true), vec![]));
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_stops_at_its_share_of_the_day_and_names_what_it_did_not_read() {
    let play = Play::with(|options| options.zoho_calls = Some([0, 400])).await;
    play.customer("Frugal").await;
    play.advance("PT2H").await;
    // Sixty calls are 15 % of the day; other runs have made fifty-nine.
    sqlx::query("insert into reconciliation_call (day, vendor, calls) values ('2026-06-09', 'zoho', 59)")
        .execute(play.out.stage.pool())
        .await
        .unwrap();
    let before = play.calls("zoho").await;
    let report = play.compare(&LEGS).await;
    assert_eq!(play.calls("zoho").await - before, 1, "{report:#}");
    assert_eq!(report["complete"], false);
    let not_read: Vec<_> = report["not_read"].as_array().unwrap().iter().map(|part| &part["source"]).collect();
    assert_eq!(not_read, ["zoho invoice details", "zoho subscriptions"]);
    assert!(report["not_read"][0]["why"].as_str().unwrap().contains("share of the day"));
    assert_eq!(report["calls"][1], json!({"vendor": "zoho", "planned": 3, "used": 1, "left": 0}));
    assert_eq!(found(&report), []);
    // The next day has its own.
    play.advance("P1D").await;
    let report = play.compare(&LEGS).await;
    assert_eq!((report["complete"].as_bool(), found(&report)), (Some(true), vec![]), "{report:#}");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_run_keeps_what_it_read_and_goes_on_there_after_a_restart_too() {
    let mut play = Play::new().await;
    play.customer("Stopped").await;
    play.advance("PT2H").await;
    play.fault(json!({"vendor": "zoho", "operation": "invoice.list", "kind": "status", "status": 500, "times": 1}))
        .await;
    let id = play.ask(&json!({"legs": ["R1", "R2", "R3"], "from": "2026-06-08"})).await;
    let waits = async || Ok(!play.run(&id).await["resume_at"].is_null());
    play.out.stage.until("the comparison to wait for Zoho", waits).await.unwrap();

    let (status, run) = play.post(&play.finance, &format!("/reconciliation/runs/{id}/stop"), &json!({})).await;
    assert_eq!((status, run["state"].as_str()), (StatusCode::OK, Some("stopped")));
    assert!(run["step"].as_u64().unwrap() > 2 && run["steps"].as_u64() > run["step"].as_u64(), "{run}");
    assert_eq!(run["doing"], "Zoho's invoices from page 1 on");
    let asked_of_braintree = play.calls("braintree").await;
    play.advance("PT10M").await;
    let answer = play.out.api_as(&play.finance, Method::GET, &format!("/reconciliation/runs/{id}/report"));
    assert_eq!(answer.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let again = play.post(&play.finance, &format!("/reconciliation/runs/{id}/stop"), &json!({})).await;
    assert_eq!(again.0, StatusCode::CONFLICT);

    play.out.stage.stop_service().await;
    play.out.stage.start_service().await.unwrap();
    let (status, _) = play.post(&play.finance, &format!("/reconciliation/runs/{id}/resume"), &json!({})).await;
    assert_eq!(status, StatusCode::OK);
    let run = play.ended(&id).await;
    assert_eq!((run["state"].as_str(), run["complete"].as_bool()), (Some("done"), Some(true)), "{run}");
    assert_eq!(play.calls("braintree").await, asked_of_braintree, "what was read is not read again");
    let left: i64 =
        sqlx::query_scalar("select count(*) from reconciliation_read").fetch_one(play.out.stage.pool()).await.unwrap();
    assert_eq!(left, 0, "the report is all that is kept");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_night_and_every_hour_there_is_one_run_by_itself() {
    let play = Play::with(|options| options.reconcile_at = Some("14:00".to_owned())).await;
    play.customer("Nightly").await;
    let runs = async || play.get("/reconciliation/runs").await.as_array().unwrap().clone();
    let done = async |kind: &str, count: usize| {
        let all = runs().await;
        Ok(all.iter().filter(|run| run["kind"] == kind && run["state"] == "done").count() == count)
    };
    play.advance("PT15M").await;
    play.out.stage.until("the hourly run", async || done("hourly", 1).await).await.unwrap();
    assert!(done("nightly", 0).await.unwrap());
    play.advance("PT2H").await;
    play.out.stage.until("the nightly run", async || done("nightly", 1).await).await.unwrap();
    play.out.stage.until("the next hourly run", async || done("hourly", 2).await).await.unwrap();
    play.advance("PT30M").await;
    assert!(done("nightly", 1).await.unwrap() && done("hourly", 2).await.unwrap());
    let all = runs().await;
    let nightly = all.iter().find(|run| run["kind"] == "nightly").unwrap();
    assert_eq!(nightly["legs"], json!(["R1", "R2", "R3", "R4", "R7", "R9", "R13", "ageing", "flows"]));
    assert_eq!(nightly["asked_by"], "schedule");
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_kept_byte_for_byte_under_its_hash() {
    use sha2::{Digest as _, Sha256};
    let play = Play::new().await;
    play.customer("Kept").await;
    let id = play.ask(&json!({"legs": ["R3"]})).await;
    let run = play.ended(&id).await;
    let read = async || {
        let path = format!("/reconciliation/runs/{id}/report");
        play.out.api_as(&play.finance, Method::GET, &path).send().await.unwrap().text().await.unwrap()
    };
    let first = read().await;
    assert_eq!(run["hash"], hex::encode(Sha256::digest(first.as_bytes())));
    play.advance("P1D").await;
    play.compare(&["R3"]).await;
    assert_eq!(read().await, first);
    play.out.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_window_or_leg_that_is_none_is_refused_and_support_reads_one_customer_at_a_time() {
    let play = Play::new().await;
    for (body, field) in [
        (json!({"legs": ["R99"]}), "legs"),
        (json!({"from": "yesterday"}), "from"),
        (json!({"from": "2026-06-10"}), "from"),
        (json!({"from": "2024-01-01"}), "from"),
        (json!({"colour": "red"}), "body"),
    ] {
        let (status, told) = play.post(&play.finance, "/reconciliation/runs", &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(told["detail"].as_str().unwrap().starts_with(&format!("`{field}`")), "{told}");
    }
    let support = play.out.token_of("sue", Holder::Person, Role::Support).await;
    for (path, status) in [
        ("/reconciliation/findings", StatusCode::FORBIDDEN),
        ("/reconciliation/findings?customer=acme", StatusCode::OK),
        ("/reconciliation/findings?customer=acme&state=lost", StatusCode::UNPROCESSABLE_ENTITY),
        ("/reconciliation/findings?customer=acme&code=D99", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let answer = play.out.api_as(&support, Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    play.out.end().await;
}
