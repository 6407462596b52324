//! The same on the command line.

use super::{has, line, waiting};
use crate::cli::{program, told};
use crate::outside::Outside;
use attio_billing::access::{Holder, Role};
use serde_json::Value;

async fn run(out: &Outside, args: &[&str]) -> (i32, String, String) {
    told(program(args).env("DATABASE_URL", out.database_url()).output().await.unwrap())
}

/// The same by somebody's token.
async fn run_as(out: &Outside, token: &str, args: &[&str]) -> (i32, String, String) {
    let mut command = program(args);
    command.env("DATABASE_URL", out.database_url()).env("ATTIO_BILLING_TOKEN", token);
    told(command.output().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_previewed_given_and_refused_on_the_command_line() {
    let out = Outside::start().await;
    let saga = waiting(&out, "line").await.to_string();
    let id = saga.parse().map(sagas::kernel::ids::SagaId).unwrap();
    let before = line(&out, id).await.sequence;

    let (code, shown, errors) = run(&out, &["saga", "compensate", &saga, "--preview"]).await;
    assert_eq!(code, 0, "{errors}");
    assert!(shown.contains("step.unwinding") && shown.contains("undo of reserve: practice.unreserve"), "{shown}");
    let (code, shown, _) = run(&out, &["saga", "compensate", &saga, "--preview", "--json"]).await;
    assert_eq!((code, serde_json::from_str::<Value>(&shown).unwrap()["sequence"].as_u64()), (0, Some(before)));
    assert_eq!(line(&out, id).await.sequence, before);

    let (code, _, errors) = run(&out, &["saga", "pause", &saga]).await;
    assert_eq!(code, 2, "{errors}");
    let (code, _, _) = run(&out, &["saga", "pause", &saga, "--reason", " "]).await;
    assert_eq!(code, 2);
    let ada = out.token_of("ada", Holder::Person, Role::Operator).await;
    let (code, shown, errors) = run_as(&out, &ada, &["saga", "pause", &saga, "--reason", "lunch"]).await;
    assert_eq!(code, 0, "{errors}");
    assert!(shown.contains("needs_person"), "{shown}");
    assert!(has(&out, id, "step.ordered", "pause by token:ada: lunch").await);

    let old = before.to_string();
    let stale = ["saga", "compensate", &saga, "--reason", "x", "--if-sequence", &old];
    let (code, _, errors) = run(&out, &stale).await;
    assert!(code == 4 && errors.contains("has moved on") && errors.contains("hint: "), "{errors}");
    let (code, _, errors) = run(&out, &["saga", "retry", &saga, "--reason", "x"]).await;
    assert!(code == 4 && errors.contains("it is paused"), "{errors}");
    let nobody = "01890000-0000-7000-8000-000000000000";
    let (code, _, errors) = run(&out, &["saga", "abandon", nobody, "--reason", "x"]).await;
    assert!(code == 3 && errors.contains("there is no saga"), "{errors}");

    let (code, shown, errors) = run(&out, &["saga", "bulk", "resume", "--code", "PAUSED", "--reason", "back"]).await;
    assert!(code == 4 && shown.is_empty() && errors.contains("1 saga(s) would be told to resume"), "{errors}");
    let (code, job, errors) =
        run(&out, &["saga", "bulk", "resume", "--code", "PAUSED", "--reason", "back", "--yes"]).await;
    assert_eq!(code, 0, "{errors}");
    out.stage.until_saga(id, "resumed", |s| s.parked.is_none()).await.unwrap();
    let (code, shown, _) = run(&out, &["saga", "bulk", "show", job.trim()]).await;
    assert!(code == 0 && shown.contains("1 applied") && shown.contains(&saga), "{shown}");
    out.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_person_answers_on_the_command_line() {
    let out = Outside::with(|options| options.approvals = true).await;
    let saga = waiting(&out, "second").await;
    let id = saga.to_string();
    let (ada, grace) = (
        out.token_of("ada", Holder::Person, Role::FinanceApprover).await,
        out.token_of("grace", Holder::Person, Role::FinanceApprover).await,
    );
    let operator = out.token_of("ada", Holder::Person, Role::Operator).await;
    let ask = ["saga", "compensate", &id, "--reason", "wrong plan"];
    let (code, _, errors) = run_as(&out, &ada, &ask).await;
    assert!(code == 4 && errors.contains("operator, admin may"), "{errors}");
    let (code, request, errors) = run_as(&out, &operator, &ask).await;
    assert!(code == 0 && errors.contains("waits for a second person"), "{errors}");
    let request = request.trim();
    let (_, listed, _) = run(&out, &["saga", "requests"]).await;
    assert!(listed.contains("compensate") && listed.contains("token:ada"), "{listed}");
    let (code, _, errors) = run_as(&out, &ada, &["saga", "approve", request]).await;
    assert!(code == 4 && errors.contains("another person must look"), "{errors}");
    let (code, _, errors) = run(&out, &["saga", "approve", request]).await;
    assert!(code == 4 && errors.contains("shell:") && errors.contains("finance_approver may"), "{errors}");
    let (code, _, errors) = run_as(&out, &grace, &["saga", "approve", request]).await;
    assert_eq!(code, 0, "{errors}");
    out.stage.until_saga(saga, "undone", |s| s.ended.is_some()).await.unwrap();
    let (code, _, errors) = run_as(&out, &grace, &["saga", "reject", request, "--reason", "late"]).await;
    assert!(code == 4 && errors.contains("is approved"), "{errors}");
    out.end().await;
}
