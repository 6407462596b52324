//! A recovery rehearsed on the command line: in a world of its own, and on record in the real database.

use crate::cli::{program, told};
use crate::store_support::Bench;
use attio_billing::store::drills::{self, Drill, Report};
use chrono::{TimeDelta, Utc};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::Command;

fn drill(bench: &Bench, args: &[&str]) -> Command {
    let mut command = program(&[&["recover", "--drill"], args].concat());
    command.env("DATABASE_URL", bench.url().expose_secret());
    command
}

#[tokio::test]
async fn a_recovery_is_rehearsed_elsewhere_and_its_result_is_on_record_here() {
    let bench = Bench::new().await;
    assert!(drills::drills(&bench.pool).await.unwrap().overdue(), "nobody rehearsed yet");
    // What a real installation is given by files must not reach the rehearsal: nobody listens there.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "http://127.0.0.1:1/real").unwrap();
    let mut command = drill(&bench, &["--customers", "2", "--json"]);
    for name in ["ALERT_URL_FILE", "HEARTBEAT_URL_FILE", "ADMIN_TOKEN_FILE", "CHECKPOINT_SINK_FILE"] {
        command.env(name, &file);
    }
    let (code, out, errors) = told(command.env("TMPDIR", folder.path()).output().await.unwrap());
    assert_eq!(code, 0, "{out}{errors}");
    let said: Value = serde_json::from_str(&out).unwrap();
    let report = &said["report"];
    assert_eq!((&said["passed"], &report["charged"], &report["lost"]), (&true.into(), &20.into(), &10.into()));
    assert_eq!(
        (&report["adopted"], &report["unexplained"], &report["charged_twice"]),
        (&10.into(), &0.into(), &0.into())
    );
    assert!(report["breaks"].as_u64().unwrap() > 0 && report["faults"].as_array().unwrap().is_empty(), "{out}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind but our own file");

    let drills = drills::drills(&bench.pool).await.unwrap();
    assert!(!drills.overdue() && drills.last.unwrap().by.starts_with("shell:"));
    let doctor =
        program(&["doctor", "--json"]).env("DATABASE_URL", bench.url().expose_secret()).output().await.unwrap();
    let (_, lines, _) = told(doctor);
    let line = lines.lines().find(|line| line.contains("recovery drill")).unwrap_or_else(|| panic!("{lines}"));
    assert!(line.contains("10 of 10 gaps adopted") && line.contains("passed"), "{line}");
    for table in ["event", "saga", "item", "inbox", "checkpoint", "recovery"] {
        let count = format!("select count(*) from {table}");
        let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count)).fetch_one(&bench.pool).await.unwrap();
        assert_eq!(rows, 0, "{table}: the real database got nothing of it");
    }
}

#[tokio::test]
async fn a_rehearsal_never_uses_the_server_of_the_real_database() {
    let bench = Bench::new().await;
    let url = bench.url().expose_secret();
    let (code, _, errors) = told(drill(&bench, &["--scratch-url", url]).output().await.unwrap());
    assert!(code == 4 && errors.contains("the one of the real database"), "{errors}");
    let nowhere = "postgres://nobody@127.0.0.1:1/postgres";
    let (code, _, errors) = told(drill(&bench, &["--scratch-url", nowhere]).output().await.unwrap());
    assert!(code == 1 && errors.contains("SCRATCH_URL"), "{errors}");
    let (code, _, errors) = told(drill(&bench, &["--reason", "x"]).output().await.unwrap());
    assert!(code == 2 && errors.contains("cannot be used with"), "{errors}");
    assert_eq!(bench.count("select count(*) from recovery_drill").await, 0);
}

#[tokio::test]
async fn a_rehearsal_that_is_stopped_leaves_nothing_behind_and_is_not_on_record() {
    let bench = Bench::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = drill(&bench, &["--customers", "5"]);
    let mut child = command.env("TMPDIR", folder.path()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).await.unwrap();
    assert!(line.contains("a world of its own"), "{line}");
    let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    errors.read_to_string(&mut line).await.unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(1), "{line}");
    assert!(line.contains("stopped; nothing is on record"), "{line}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{line}");
    assert_eq!(bench.count("select count(*) from recovery_drill").await, 0);
}

#[tokio::test]
async fn a_rehearsal_that_failed_or_is_long_ago_is_overdue() {
    let bench = Bench::new().await;
    let now = Utc::now();
    let on_day = async |days_ago: i64, faults: Vec<String>| {
        let at = now - TimeDelta::days(days_ago);
        let report = Report { charged: 20, lost: 10, faults, ..Report::default() };
        drills::keep(&bench.pool, &Drill { began_at: at, ended_at: at, by: "token:ada".to_owned(), report })
            .await
            .unwrap();
        drills::drills(&bench.pool).await.unwrap()
    };
    assert!(on_day(40, Vec::new()).await.overdue());
    assert!(!on_day(20, Vec::new()).await.overdue());
    let failed = on_day(1, vec!["an invoice was charged twice".to_owned()]).await;
    assert!(failed.overdue());
    assert_eq!(failed.last.unwrap().report.faults, ["an invoice was charged twice"]);
    assert_eq!((now - failed.passed_at.unwrap()).num_days(), 20, "when it went well last is known");
}
