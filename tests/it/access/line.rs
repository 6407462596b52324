//! The same table on the command line, and the commands about tokens.

use crate::cli::{program, told};
use crate::outside::Outside;
use attio_billing::access::{Holder, Role};
use attio_billing::store::recovery;
use reqwest::Method;
use serde_json::Value;

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// Exit code, stdout and stderr of a command by somebody's token; none: by the operating system's user.
async fn run(out: &Outside, token: Option<&str>, args: &[&str]) -> (i32, String, String) {
    let mut command = program(args);
    command.env("DATABASE_URL", out.database_url()).env("USER", "somebody-else");
    if let Some(token) = token {
        command.env("ATTIO_BILLING_TOKEN", token);
    }
    told(command.output().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_on_the_command_line_what_the_table_says() {
    let out = Outside::start().await;
    let erase = ["privacy", "erase", "nobody", "--secret-key", "a secret of at least thirty-two characters"];
    let commands: [(&[&str], &str); 14] = [
        (&erase, "admin"),
        (&["saga", "pause", NOBODY, "--reason", "x"], "operator admin"),
        (&["saga", "compensate", NOBODY, "--reason", "x"], "operator admin"),
        (&["saga", "bulk", "resume", "--kind", "rehearsal", "--reason", "x", "--yes"], "operator admin"),
        (&["switch", "practice.note", "off", "--reason", "x"], "finance finance_approver operator admin"),
        (&["switch", "practice.note", "on", "--reason", "x"], "finance_approver operator admin"),
        (&["recover", "--reason", "x"], "operator admin"),
        (&["recover", "release", "--reason", "x"], "operator admin"),
        (&["recover", "release", "--with-differences", "--reason", "x"], "admin"),
        (&["recover", "--drill", "--scratch-url", "postgres://127.0.0.1:1/x"], "operator admin"),
        (&["keys", "rotate", "checkpoint", "--reason", "x"], "admin"),
        (&["token", "list"], "admin auditor"),
        (&["token", "revoke", NOBODY, "--reason", "x"], "admin"),
        (&["token", "approve", NOBODY], "admin"),
    ];
    for role in Role::ALL {
        let name = format!("a-{}", role.as_str().replace('_', "-"));
        let token = out.token_of(&name, Holder::Person, role).await;
        for (args, roles) in commands {
            let (code, _, errors) = run(&out, Some(&token), args).await;
            let may = roles.split(' ').any(|word| word == role.as_str());
            let denied = code == 4 && errors.contains("which may not");
            assert_eq!(denied, !may, "{role} {args:?}: {code} {errors}");
            assert!(may || errors.contains("hint: "), "{errors}");
        }
    }
    out.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_made_listed_and_revoked_on_the_command_line() {
    let out = Outside::start().await;
    let create = ["token", "create", "--name", "ada", "--role", "operator", "--days", "90", "--reason", "joins"];
    let (code, made, errors) = run(&out, None, &create).await;
    let token = made.trim();
    assert!(code == 0 && token.starts_with("ab_") && errors.contains("shown this once"), "{errors}");
    let answer = out.api_as(token, Method::GET, "/sagas").send().await.unwrap();
    assert!(answer.status().is_success());
    let (_, listed, errors) = run(&out, None, &["token", "list", "--json"]).await;
    let rows: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ada = rows.iter().find(|row| row["name"] == "ada").unwrap_or_else(|| panic!("{listed}{errors}"));
    // By the process's user id; `USER` says another name.
    let maker = ada["created_by"].as_str().unwrap();
    assert!(maker.starts_with("shell:") && maker != "shell:somebody-else", "{maker}");
    assert!(ada["last_used_at"].is_string() && !listed.contains(token));

    let (code, _, errors) = run(&out, None, &["saga", "approve", NOBODY]).await;
    assert!(code == 3 && errors.contains("no request"), "{errors}");
    let id = ada["id"].as_str().unwrap();
    let (code, _, errors) = run(&out, None, &["token", "revoke", id, "--reason", "left"]).await;
    assert_eq!(code, 0, "{errors}");
    let (code, _, errors) = run(&out, None, &["token", "revoke", id, "--reason", "left"]).await;
    assert!(code == 4 && errors.contains("is revoked"), "{errors}");
    let (code, _, errors) = run(&out, Some(token), &["saga", "pause", NOBODY, "--reason", "x"]).await;
    assert!(code == 4 && errors.contains("was revoked") && !errors.contains(token), "{errors}");
    let (code, _, errors) = run(&out, None, &["token", "revoke", NOBODY, "--reason", "x"]).await;
    assert!(code == 3 && errors.contains("no token"), "{errors}");
    let (code, _, errors) = run(&out, None, &[&create[..7], &["400", "--reason", "x"]].concat()).await;
    assert!(code == 2 && errors.contains("1 to 365"), "{errors}");
    out.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_goes_on_again_by_a_second_person_where_approvals_are_required() {
    let out = Outside::with(|options| options.approvals = true).await;
    let ada = out.token_of("ada", Holder::Person, Role::Operator).await;
    let robot = out.token_of("robot", Holder::Program, Role::Operator).await;
    let ben = out.token_of("ben", Holder::Person, Role::FinanceApprover).await;
    let turn = async |token: Option<&str>, to: &str| {
        run(&out, token, &["switch", "braintree.sell", to, "--reason", "x"]).await
    };
    let (code, shown, errors) = turn(None, "off").await;
    assert!(code == 0 && shown.contains("off"), "one person, at once: {errors}");
    for token in [Some(&*ada), Some(&*ada)] {
        let (code, shown, errors) = turn(token, "on").await;
        assert!(code == 0 && shown.contains("off") && errors.contains("stays off: token:ada asked"), "{errors}");
    }
    for token in [None, Some(&*robot)] {
        let (code, _, errors) = turn(token, "on").await;
        assert!(code == 4 && errors.contains("second person"), "{errors}");
    }
    let (code, shown, errors) = turn(Some(&ben), "on").await;
    assert!(code == 0 && !shown.contains("off"), "{shown}{errors}");
    let on_record: String = sqlx::query_scalar("select changed_by from switch where operation = 'braintree.sell'")
        .fetch_one(out.stage.pool())
        .await
        .unwrap();
    assert_eq!(on_record, "token:ada, token:ben");
    out.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_collects_and_a_release_with_differences_take_two_people_where_approvals_are_required() {
    let out = Outside::with(|options| options.approvals = true).await;
    let ada = out.token_of("ada", Holder::Person, Role::Finance).await;
    let ben = out.token_of("ben", Holder::Person, Role::FinanceApprover).await;
    let eve = out.token_of("eve", Holder::Person, Role::Operator).await;
    let pool = out.stage.pool();
    let link = async |token: Option<&str>, owner: &str| {
        let subscription = ["--subscription", "s-acme", "--zoho-subscription", "982000000000007", "--owner", owner];
        run(&out, token, &[&["link", "--customer", "acme"][..], &subscription].concat()).await
    };
    let collects = async || {
        let owner = sqlx::query_as("select owner, changed_by from collection_owner where subscription = 's-acme'");
        owner.fetch_optional(pool).await.unwrap() as Option<(String, String)>
    };
    for token in [None, Some(&*eve)] {
        let (code, _, errors) = link(token, "orchestrator").await;
        assert!(code == 4 && errors.contains("may not change who collects"), "{errors}");
    }
    for _ in 0..2 {
        let (code, shown, errors) = link(Some(&ada), "orchestrator").await;
        assert!(code == 0 && shown.is_empty() && errors.contains("token:ada asked for it"), "{shown}{errors}");
    }
    // Another owner is another thing to ask for, and who approves does not ask.
    let (code, _, errors) = link(Some(&ben), "zoho-native").await;
    assert!(code == 4 && errors.contains("may not change who collects"), "{errors}");
    assert_eq!(collects().await, None);
    let (code, _, errors) = link(Some(&ben), "orchestrator").await;
    assert_eq!(code, 0, "{errors}");
    assert_eq!(collects().await, Some(("orchestrator".to_owned(), "token:ada, token:ben".to_owned())));
    // It stays so: nothing to agree to.
    let (code, shown, errors) = link(Some(&eve), "orchestrator").await;
    assert!(code == 0 && shown.contains("is linked"), "{errors}");

    let recover = async |token: Option<&str>, args: &[&str]| run(&out, token, &[&["recover"], args].concat()).await;
    let release = ["release", "--with-differences", "--reason", "the books are complete"];
    let (code, _, errors) = recover(None, &release).await;
    assert!(code == 4 && errors.contains("nothing is on hold"), "{errors}");
    recovery::enter(pool, "asked for", None).await.unwrap();
    let (code, _, errors) = recover(None, &["--reason", "a rehearsal"]).await;
    assert_eq!(code, 0, "{errors}");
    let (code, _, errors) = recover(Some(&ada), &release).await;
    assert!(code == 4 && errors.contains("may not release"), "{errors}");
    let (code, _, errors) = recover(None, &release).await;
    assert!(code == 0 && errors.contains("nothing is done yet"), "{errors}");
    assert!(recovery::hold(pool).await.unwrap().is_some());
    let (code, _, errors) = recover(Some(&ben), &release).await;
    assert_eq!(code, 0, "{errors}");
    let by: String = sqlx::query_scalar("select released_by from recovery").fetch_one(pool).await.unwrap();
    assert!(by.starts_with("shell:") && by.ends_with(", token:ben"), "{by}");
    out.end().await;
}
