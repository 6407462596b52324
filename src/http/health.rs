//! Liveness and readiness.

use super::{App, Problem};
use crate::store::backlog::unowned_shards;
use crate::store::checks::{self, State as CheckState};
use crate::store::{breakers, catalog, drills, recovery, server, tokens};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;

/// The process runs.
pub(super) async fn live() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// A database that answers later does not serve: probes do not wait for long.
const PATIENCE: Duration = Duration::from_secs(2);

/// The database answers and this node owns shards (or others own them all).
pub(super) async fn ready(State(app): State<App>) -> Result<Json<Value>, Problem> {
    tokio::time::timeout(PATIENCE, look(&app)).await.unwrap_or_else(|_| {
        let (busy, most) = app.store.connections();
        let detail = format!(
            "the database did not answer within {} s; {busy} of {most} connections to it are in use",
            PATIENCE.as_secs()
        );
        let hint = "look for what holds them: `select pid, state, wait_event_type, query from pg_stat_activity`";
        Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail).hint(hint))
    })
}

async fn look(app: &App) -> Result<Json<Value>, Problem> {
    let clock_ahead = server::clock_ahead(&app.store.pool).await?;
    let (free, all) = unowned_shards(&app.store.pool).await?;
    if free > 0 {
        let detail = format!("{free} of {all} shards have no live owner");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail)
            .hint("a starting node takes free shards within a second; those of a killed one when its lease expires"));
    }
    let open = breakers::all(&app.store.pool).await?.into_iter();
    let open: Vec<_> =
        open.map(|b| json!({"vendor": b.vendor, "class": b.class, "since": b.since, "probe_at": b.probe_at})).collect();
    let checks = checks::states(&app.store.pool).await?;
    let hold = recovery::hold(&app.store.pool).await?;
    let drills = drills::drills(&app.store.pool).await?;
    let catalogs = catalog::reads(&app.store.pool).await?;
    let (bootstrap, _) = tokens::bootstrap_stands(&app.store.pool).await?;
    Ok(Json(json!({
        "status": "ready",
        "bootstrap_token": if bootstrap { "stands" } else { "revoked" },
        "recovery_hold": hold.map(|hold| json!({
            "since": hold.began_at,
            "cause": hold.cause,
            "declared": hold.declared.is_some(),
            "signed_in_checkpoint": hold.signed,
        })),
        "recovery_drill": {
            "last": drills.last.as_ref().map(|last| last.ended_at),
            "passed": drills.last.as_ref().map(|last| last.report.passed()),
            "last_passed": drills.passed_at,
            "overdue": drills.overdue(),
        },
        "standing_checks": checks.iter().map(shown).collect::<Vec<_>>(),
        "catalogs": catalogs.iter().map(|read| json!({
            "organization": read.organization,
            "read_at": read.read_at,
            "version": read.version,
            "differences": read.differences,
            "stale": read.is_stale(app.clock.now()),
        })).collect::<Vec<_>>(),
        "shards_owned": app.store.node.owned().len(),
        "sagas_under_way": app.engine.busy(),
        "sagas_left_to_another_release": app.engine.left_alone(),
        "breakers_open": open,
        "connections": {"in_use": app.store.connections().0, "most": app.store.connections().1},
        "clock_ms_ahead_of_database": clock_ahead.num_milliseconds(),
    })))
}

/// A standing check as it stands: `unchecked` until its first run.
fn shown(state: &CheckState) -> Value {
    let word = match (state.age, state.faults) {
        (None, _) => "unchecked",
        (Some(_), 0) => "passed",
        (Some(_), _) => "failed",
    };
    json!({
        "check": state.check.as_str(),
        "state": word,
        "seconds_ago": state.age.map(|age| age.as_secs()),
        "faults": state.faults,
        "example": state.example.as_ref().map(|fault| format!("{}: {}", fault.subject, fault.detail)),
    })
}
