//! The same on the command line.

use super::play::noon;
use crate::cli::{program, told};
use crate::outside::Outside;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::Wish;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comparison_is_asked_for_followed_and_read_on_the_command_line() {
    let out = Outside::start().await;
    assert!(chrono::Utc::now() > noon(), "commands live in real time, and so do these customers");
    let run_as = async |token: &str, args: &[&str]| {
        let mut command = program(args);
        command.env("DATABASE_URL", out.database_url()).env("ATTIO_BILLING_TOKEN", token);
        told(command.output().await.unwrap())
    };
    let finance = out.token_of("fay", Holder::Person, Role::Finance).await;
    let customer = out.stage.new_customer(&Wish::new("Line", 4_900)).await.unwrap();
    let saga = out.stage.saga_of(&customer.first_invoice);
    out.stage.until_saga(saga, "charged", |s| s.state == "AwaitSettlement").await.unwrap();
    let auto = json!({"vendor": "zoho", "act": "turn_on_auto_collect", "subscription_id": customer.zoho_subscription});
    out.stage.sandbox.staff(&auto).await.unwrap();

    let (code, _, errors) = run_as(&finance, &["reconcile", "report"]).await;
    assert!(code == 3 && errors.contains("no comparison has ended yet"), "{errors}");
    let (code, _, errors) = run_as("", &["reconcile", "run"]).await;
    assert!(code == 4 && errors.contains("may not run a reconciliation"), "{errors}");
    let (code, _, errors) = run_as(&finance, &["reconcile", "run", "--legs", "R99"]).await;
    assert_eq!(code, 2, "{errors}");
    let (code, _, errors) = run_as(&finance, &["reconcile", "run", "--from", "2020-01-01"]).await;
    assert!(code == 2 && errors.contains("too long"), "{errors}");

    let (code, shown, errors) = run_as(&finance, &["reconcile", "run", "--legs", "r1,r7", "--wait"]).await;
    assert_eq!(code, 0, "{errors}");
    assert!(shown.contains("complete") && shown.contains("our charges ↔ Braintree's sales"), "{shown}");
    assert!(shown.contains("calls zoho: 1 planned, 1 used") && shown.contains("Two collectors · D30"), "{shown}");
    let (code, runs, _) = run_as(&finance, &["reconcile", "runs"]).await;
    assert!(code == 0 && runs.contains("on_demand R1,R7  done, complete"), "{runs}");
    let (_, report, _) = run_as(&finance, &["reconcile", "report", "--json"]).await;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["findings"][0]["code"], "D30");
    let (_, findings, _) = run_as(&finance, &["reconcile", "findings", "--json"]).await;
    let finding: Value = serde_json::from_str(&findings).unwrap();
    let (code, shown, _) = run_as(&finance, &["reconcile", "findings", "--code", "D30"]).await;
    assert!(code == 0 && shown.contains("to do: Turn automatic collection off in Zoho"), "{shown}");
    let (code, csv, _) = run_as(&finance, &["reconcile", "findings", "--csv"]).await;
    assert!(code == 0 && csv.lines().count() == 2, "{csv}");

    let id = finding["id"].as_str().unwrap();
    let (code, _, errors) = run_as("", &["reconcile", "decide", id, "ignore", "--reason", "x"]).await;
    assert_eq!(code, 4, "{errors}");
    let (code, _, errors) = run_as(&finance, &["reconcile", "decide", id, "ignore", "--reason", "agreed"]).await;
    assert_eq!(code, 0, "{errors}");
    let (_, _, errors) = run_as(&finance, &["reconcile", "findings"]).await;
    assert!(errors.contains("no such finding"), "{errors}");
    let done = report["run"].as_str().unwrap();
    let (code, _, errors) = run_as(&finance, &["reconcile", "stop", done]).await;
    assert!(code == 4 && errors.contains("only what is running"), "{errors}");
    out.end().await;
}
