//! A saga explained: why it is where it is, what happens next, what can be ordered.

use super::{params, rehearse, waiting};
use crate::cli::{program, told};
use crate::outside::{Outside, problem};
use reqwest::{Method, StatusCode};
use sagas::kernel::effect::PracticeScript;
use sagas::kernel::ids::SagaId;
use sagas::rehearsal::{Params, Scripts};
use serde_json::{Value, json};

async fn explained(out: &Outside, saga: SagaId) -> Value {
    out.get(&format!("/sagas/{saga}/explanation")).await
}

fn sentences(explained: &Value) -> String {
    explained["because"].as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_says_why_it_is_where_it_is_and_what_can_be_ordered() {
    let out = Outside::start().await;
    let saga = waiting(&out, "explained").await;
    let waits = explained(&out, saga).await;
    assert_eq!((&waits["last_event"], &waits["by_itself"]), (&json!("EntryReserved"), &json!(true)));
    assert!(sentences(&waits).contains("go-ahead"), "{waits:#}");
    assert_eq!(waits["next_at"], waits["saga"]["due_at"]);
    assert_eq!(waits["orders"], json!(["pause", "compensate"]), "{waits:#}");

    let parked = Params { park: true, ..params("parked") };
    let parked = rehearse(&out, parked, "parked", |s| s.parked.is_some()).await;
    let parked = explained(&out, parked).await;
    assert!(
        sentences(&parked).contains("It waits for a person") && sentences(&parked).contains("resume it"),
        "{parked:#}"
    );
    assert_eq!((&parked["by_itself"], &parked["next_at"]), (&json!(false), &Value::Null));
    assert!(parked["next"].as_str().unwrap().contains("saga resume"), "{parked:#}");
    assert!(parked["orders"].as_array().unwrap().contains(&json!("resume")), "{parked:#}");

    let lost = Scripts { take: PracticeScript::LostUnanswered, ..Scripts::default() };
    let lost = Params { scripts: lost, ..params("lost") };
    let lost = rehearse(&out, lost, "being looked up", |s| s.status.as_str() == "resolving").await;
    let lost = explained(&out, lost).await;
    let why = sentences(&lost);
    assert!(why.contains("step `take` (practice.take)") && why.contains("got no usable answer"), "{lost:#}");
    assert!(lost["next"].as_str().unwrap().contains("looked up"), "{lost:#}");
    assert!(lost["next_at"].is_string(), "{lost:#}");

    let done = rehearse(&out, params("done"), "done", |s| s.ended.is_some()).await;
    let done = explained(&out, done).await;
    assert_eq!((sentences(&done).as_str(), &done["orders"]), ("It has ended: completed.", &json!([])));

    let nobody = "/sagas/01890000-0000-7000-8000-000000000000/explanation";
    problem(out.api(Method::GET, nobody).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    out.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saga_is_explained_on_the_command_line() {
    let out = Outside::start().await;
    let saga = waiting(&out, "explained at the prompt").await.to_string();
    let run = async |args: &[&str]| told(program(args).env("DATABASE_URL", out.database_url()).output().await.unwrap());
    let (code, shown, errors) = run(&["saga", "explain", &saga]).await;
    assert_eq!(code, 0, "{errors}");
    for part in ["Why it is here", "What happens next", "Not before", "What can be ordered now", "compensate"] {
        assert!(shown.contains(part), "{part} is missing: {shown}");
    }
    let (code, shown, _) = run(&["saga", "explain", &saga, "--json"]).await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((code, &shown["by_itself"]), (0, &json!(true)));
    let (code, _, errors) = run(&["saga", "explain", "01890000-0000-7000-8000-000000000000"]).await;
    assert!(code == 3 && errors.contains("there is no saga") && errors.contains("hint: "), "{errors}");
    out.end().await;
}
