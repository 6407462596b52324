//! The command line from outside: the real program, its output, its exit codes.

use crate::postgres::{TestDatabase, database};

use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The program, with nothing of our environment but where things are.
pub(crate) fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attio-billing"));
    command.args(args).env_clear().kill_on_drop(true).stdin(Stdio::null());
    for name in ["PATH", "HOME", "TMPDIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

async fn run(args: &[&str]) -> Output {
    program(args).output().await.unwrap()
}

/// Exit code, stdout and stderr of a command on that database.
async fn on(database: &TestDatabase, args: &[&str]) -> (i32, String, String) {
    told(program(args).env("DATABASE_URL", database.url().expose_secret()).output().await.unwrap())
}

/// Exit code, stdout and stderr.
pub(crate) fn told(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A command that runs until it is stopped, and the first line that it printed.
pub(crate) struct Running {
    child: Child,
    line: String,
}

impl Running {
    async fn start(command: Command) -> Self {
        Self::heard(command, Stdio::null()).await
    }

    /// With what it says kept.
    pub(crate) async fn heard(mut command: Command, errors: Stdio) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        tokio::time::timeout(Duration::from_mins(1), out.read_line(&mut line)).await.unwrap().unwrap();
        assert!(line.ends_with('\n'), "it ended: {line}");
        // Kept, so that the program's stdout stays open.
        tokio::spawn(async move { while out.read_line(&mut String::new()).await.is_ok_and(|n| n > 0) {} });
        Self { child, line }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.line).unwrap()
    }

    /// Exit code after SIGTERM, and how long that took.
    pub(crate) async fn stop(mut self) -> (Option<i32>, Duration) {
        let began = Instant::now();
        let pid = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        (self.child.wait().await.unwrap().code(), began.elapsed())
    }
}

pub(crate) async fn sandbox() -> Running {
    Running::start(program(&["sandbox", "--listen", "127.0.0.1:0", "--json"])).await
}

pub(crate) fn serve(sandbox: &Running, database: &TestDatabase) -> Command {
    let control = sandbox.json()["control_url"].as_str().unwrap().trim_end_matches("/control").to_owned();
    let mut serve = program(&["serve", "--json", "--public-listen", "127.0.0.1:0", "--private-listen", "127.0.0.1:0"]);
    serve.args(["--sandbox-url", &control]).env("DATABASE_URL", database.url().expose_secret());
    serve
}

/// The names of an object's fields, in order.
fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn has_colour(text: &str) -> bool {
    text.contains('\u{1b}')
}

#[tokio::test]
async fn the_help_of_every_command_says_what_it_does_and_shows_examples() {
    let commands: [&[&str]; 114] = [
        &[],
        &["serve"],
        &["sandbox"],
        &["demo"],
        &["bench"],
        &["bench", "backlog"],
        &["bench", "ingest"],
        &["bench", "recovery"],
        &["migrate"],
        &["setup"],
        &["vendors"],
        &["vendors", "check"],
        &["link"],
        &["catalog"],
        &["catalog", "sync"],
        &["crm"],
        &["crm", "check"],
        &["ticket"],
        &["ticket", "open"],
        &["saga"],
        &["saga", "list"],
        &["saga", "show"],
        &["saga", "explain"],
        &["saga", "resume"],
        &["saga", "retry"],
        &["saga", "pause"],
        &["saga", "skip"],
        &["saga", "declare-done"],
        &["saga", "declare-not-done"],
        &["saga", "compensate"],
        &["saga", "abandon"],
        &["saga", "move-due"],
        &["saga", "requests"],
        &["saga", "approve"],
        &["saga", "reject"],
        &["saga", "bulk"],
        &["saga", "bulk", "resume"],
        &["saga", "bulk", "retry"],
        &["saga", "decide"],
        &["saga", "choose"],
        &["saga", "rehearse"],
        &["log"],
        &["log", "query"],
        &["log", "verify"],
        &["log", "export"],
        &["log", "checkpoints"],
        &["verify"],
        &["projections"],
        &["projections", "rebuild"],
        &["recover"],
        &["doctor"],
        &["recover", "release"],
        &["recover", "erasures"],
        &["keys"],
        &["keys", "rotate"],
        &["keys", "rotate", "checkpoint"],
        &["privacy"],
        &["privacy", "erase"],
        &["privacy", "request"],
        &["privacy", "confirm"],
        &["privacy", "certificate"],
        &["mail"],
        &["mail", "preview"],
        &["mail", "test"],
        &["alerts"],
        &["alerts", "test"],
        &["import"],
        &["import", "template"],
        &["import", "check"],
        &["import", "list"],
        &["import", "link"],
        &["import", "unlink"],
        &["import", "shadow"],
        &["import", "approve"],
        &["import", "cut-over"],
        &["import", "back"],
        &["import", "explain"],
        &["opening"],
        &["opening", "template"],
        &["opening", "propose"],
        &["opening", "show"],
        &["opening", "approve"],
        &["opening", "withdraw"],
        &["reconcile"],
        &["reconcile", "run"],
        &["reconcile", "report"],
        &["reconcile", "findings"],
        &["reconcile", "decide"],
        &["dispute"],
        &["dispute", "show"],
        &["dispute", "submit"],
        &["dispute", "accept"],
        &["dispute", "close"],
        &["refund"],
        &["refund", "request"],
        &["refund", "approve"],
        &["refund", "reject"],
        &["refund", "decide"],
        &["hand-over"],
        &["hand-over", "request"],
        &["hand-over", "show"],
        &["hand-over", "approve"],
        &["hand-over", "stop"],
        &["hand-over", "decide"],
        &["hand-over", "redirect"],
        &["switch"],
        &["token"],
        &["token", "create"],
        &["token", "list"],
        &["token", "approve"],
        &["token", "revoke"],
        &["zoho"],
        &["zoho", "login"],
        &["help", "saga"],
    ];
    for command in commands {
        let args: Vec<&str> =
            command.iter().copied().chain((command.first() != Some(&"help")).then_some("--help")).collect();
        let (code, help, errors) = told(run(&args).await);
        assert_eq!((code, errors.as_str()), (0, ""), "{command:?}");
        assert!(!has_colour(&help));
        let leaf = !matches!(command, [] | ["saga" | "log" | "mail"] | ["help", ..]);
        assert!(!leaf || help.contains("Example"), "no example in {command:?}:\n{help}");
        let name = if command.is_empty() { "help".to_owned() } else { format!("help_{}", command.join("_")) };
        if command.first() != Some(&"help") {
            insta::assert_snapshot!(name, help);
        }
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_exit_code_2() {
    for args in [
        &["saga", "show", "nonsense"][..],
        &["saga", "resume", "01890000-0000-7000-8000-000000000000"],
        &["serve", "--json"],
        &["switch", "braintree.fly", "off", "--reason", "x"],
        &["switch", "braintree.sell", "off"],
        &["switch", "braintree.sell"],
        &["nothing"],
        &[],
    ] {
        let (code, out, errors) = told(run(args).await);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        assert!(!errors.is_empty() && !has_colour(&errors));
    }
}

#[tokio::test]
async fn a_configuration_with_faults_lists_them_all_and_is_exit_code_78() {
    let (code, out, errors) = told(run(&["serve"]).await);
    assert_eq!((code, out.as_str()), (78, ""));
    insta::assert_snapshot!("faults_of_an_empty_configuration", errors);

    let mut production = program(&["serve", "--sandbox-url", "http://127.0.0.1:9"]);
    production.envs([
        ("ENVIRONMENT", "production"),
        ("ADMIN_TOKEN", "sandbox-only-0123456789abcdef0123"),
        ("BRAINTREE_BASE_URL", "https://api.sandbox.braintreegateway.com"),
        ("ATTIO_BASE_URL", "http://api.attio.com"),
        ("ZOHO_API_URL", "https://10.1.2.3"),
        ("ZOHO_ACCOUNTS_URL", "https://accounts.zoho.eu"),
        ("ZOHO_WEBHOOK_SECRET", "short"),
        ("BRAINTREE_PRIVATE_KEY", "topsecretprivatekey"),
        ("PUBLIC_URL", "http://billing.example.com"),
    ]);
    let (code, _, errors) = told(production.output().await.unwrap());
    assert_eq!(code, 78);
    assert!(!errors.contains("topsecret") && !errors.contains("0123456789abcdef"), "{errors}");
    insta::assert_snapshot!("faults_of_a_production_that_is_none", errors);
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_said_with_what_to_do() {
    for args in [&["saga", "list"][..], &["migrate"], &["log", "verify"]] {
        let mut command = program(args);
        command.env("DATABASE_URL", "postgres://someone:hushhush@127.0.0.1:9/nothing");
        let (code, out, errors) = told(command.output().await.unwrap());
        assert_eq!((code, out.as_str()), (1, ""));
        assert!(errors.contains("127.0.0.1:9 (DATABASE_URL) cannot be reached"), "{errors}");
        assert!(errors.contains("hint: ") && !errors.contains("hushhush"), "{errors}");
    }
    let mut command = program(&["saga", "list"]);
    let (code, _, errors) = told(command.env("DATABASE_URL", "mysql://x").output().await.unwrap());
    assert_eq!(code, 2);
    assert!(errors.contains("postgres://user:password@host:port/database"), "{errors}");
}

#[tokio::test]
async fn an_empty_database_is_migrated_once_and_again_and_says_what_it_lacks_before() {
    let database = database().await;
    let (code, _, errors) = on(&database, &["saga", "list"]).await;
    assert_eq!(code, 1);
    assert!(errors.contains("run the `migrate` command"), "{errors}");
    for _ in 0..2 {
        assert_eq!(
            on(&database, &["migrate"]).await,
            (0, "the schema is that of this release\n".to_owned(), String::new())
        );
    }
    assert_eq!(on(&database, &["saga", "list"]).await, (0, String::new(), "no saga fits\n".to_owned()));
    let (code, _, errors) = on(&database, &["saga", "rehearse"]).await;
    assert_eq!(code, 4);
    assert!(errors.contains("no service has ever run"), "{errors}");
    let missing = "01890000-0000-7000-8000-000000000000";
    for args in [
        &["saga", "show", missing][..],
        &["saga", "resume", missing, "--reason", "x"],
        &["saga", "decide", missing, "leave", "--reason", "x"],
    ] {
        let (code, _, errors) = on(&database, args).await;
        assert_eq!(code, 3, "{errors}");
        assert!(errors.contains(&format!("there is no saga {missing}")) && errors.contains("hint: "), "{errors}");
    }
}

#[tokio::test]
async fn one_id_at_a_vendor_is_linked_to_one_customer() {
    let database = database().await;
    on(&database, &["migrate"]).await;
    let link = async |customer: &str, zoho: &str| {
        on(&database, &["link", "--customer", customer, "--zoho-customer", zoho]).await
    };
    for _ in 0..2 {
        let (code, out, _) = link("acme", "9820001").await;
        assert_eq!((code, out.as_str()), (0, "customer acme is linked\n"));
    }
    for (customer, zoho) in [("other", "9820001"), ("acme", "9820002")] {
        let (code, out, errors) = link(customer, zoho).await;
        assert_eq!((code, out.as_str()), (4, ""));
        assert!(errors.contains("is linked to") && errors.contains("nothing was changed"), "{errors}");
    }
}

#[tokio::test]
async fn switches_are_listed_and_turned() {
    let database = database().await;
    on(&database, &["migrate"]).await;
    let (code, out, _) = on(&database, &["switch"]).await;
    assert_eq!(code, 0);
    assert!(out.lines().count() > 8 && out.lines().all(|line| line.ends_with(" on")), "{out}");
    let off = ["switch", "braintree.sell", "off", "--reason", "incident 7"];
    let (_, out, _) = on(&database, &off).await;
    assert_eq!(out.split_whitespace().collect::<Vec<_>>(), ["braintree.sell", "off", "incident", "7"]);
    let (_, out, _) = on(&database, &["switch", "--json"]).await;
    let of = |name: &str| {
        out.lines().map(|l| serde_json::from_str::<Value>(l).unwrap()).find(|v| v["operation"] == name).unwrap()
    };
    assert_eq!(
        (of("braintree.sell")["switch"].as_str(), of("zoho.read_invoice")["switch"].as_str()),
        (Some("off"), Some("on"))
    );
    let (_, out, _) = on(&database, &["switch", "braintree.sell", "on", "--reason", "over"]).await;
    assert!(out.contains(" on"), "{out}");
}

#[tokio::test]
async fn the_sandbox_prints_one_line_and_serves_until_it_is_stopped() {
    let running = sandbox().await;
    let told = running.json();
    assert_eq!(keys(&told), ["attio", "braintree", "control_url", "mail", "zoho"]);
    assert_eq!(keys(&told["braintree"]), ["base_url", "merchant_id", "private_key", "public_key"]);
    let zoho = [
        "accounts_url",
        "api_url",
        "client_id",
        "client_secret",
        "desk_department_id",
        "desk_organization_id",
        "desk_url",
        "organization_id",
        "refresh_token",
        "webhook_secret",
    ];
    assert_eq!(keys(&told["zoho"]), zoho);
    assert_eq!(keys(&told["attio"]), ["api_key", "base_url"]);
    assert_eq!(keys(&told["mail"]), ["mailbox_url", "smtp_url"]);
    assert!(told["mail"]["smtp_url"].as_str().unwrap().starts_with("smtp://sandbox:"), "{told}");
    let clock = format!("{}/clock", told["control_url"].as_str().unwrap());
    assert!(
        {
            let _ = rustls::crypto::ring::default_provider().install_default();
            reqwest::Client::builder()
        }
        .no_proxy()
        .build()
        .unwrap()
        .get(clock)
        .send()
        .await
        .unwrap()
        .status()
        .is_success()
    );
    let (code, _) = running.stop().await;
    assert_eq!(code, Some(0));
}

#[tokio::test]
async fn operators_work_on_a_running_service_from_the_command_line() {
    let database = database().await;
    let sandbox = sandbox().await;
    let service = Running::start(serve(&sandbox, &database)).await;
    let shown_by_serve = service.json();
    assert_eq!(keys(&shown_by_serve), ["admin_token", "database_url", "private_url", "sandbox", "url", "webhooks"]);
    assert_eq!(
        keys(&shown_by_serve["webhooks"]),
        ["attio_secret", "braintree_private_key", "braintree_public_key", "zoho_secret"]
    );
    assert!(shown_by_serve["webhooks"]["attio_secret"].as_str().is_some_and(|s| s.len() == 64), "{shown_by_serve}");
    assert_eq!(shown_by_serve["sandbox"], sandbox.json());

    let (code, out, _) = on(&database, &["saga", "rehearse", "--park"]).await;
    assert_eq!(code, 0);
    let saga = out.trim().to_owned();
    let shown = until(async || {
        let (_, out, _) = on(&database, &["saga", "show", &saga, "--json"]).await;
        let shown: Value = serde_json::from_str(&out).ok()?;
        shown["saga"]["parked"].is_object().then_some(shown)
    });
    assert_eq!(shown.await["saga"]["parked"]["code"], "REHEARSAL");
    let (code, out, _) = on(&database, &["saga", "list", "--status", "needs_person"]).await;
    assert!(code == 0 && out.contains(&saga) && !has_colour(&out), "{out}");

    let (code, _, errors) = on(&database, &["saga", "decide", &saga, "leave", "--reason", "x"]).await;
    assert!(code == 4 && errors.contains("only an invoice_payment takes decisions"), "{errors}");
    let (code, _, errors) = on(&database, &["saga", "resume", &saga, "--reason", " "]).await;
    assert!(code == 2 && errors.contains("--reason"), "{errors}");
    let resume = ["saga", "resume", &saga, "--reason", "practised", "--json"];
    let (code, out, errors) = on(&database, &resume).await;
    assert_eq!(
        (code, serde_json::from_str::<Value>(&out).unwrap()["state"].as_str()),
        (0, Some("applied")),
        "{errors}"
    );
    let (code, _, errors) = on(&database, &resume).await;
    assert_eq!(code, 4);
    assert!(errors.contains(&format!("cannot resume saga {saga}: it is not parked")), "{errors}");

    let (code, out, errors) = on(&database, &["log", "verify"]).await;
    assert!(code == 0 && out.contains("every hash fits"), "{out}{errors}");
    let (code, out, _) = on(&database, &["log", "query", "--json", "--reference", &saga]).await;
    assert!(code == 0 && out.lines().all(|l| serde_json::from_str::<Value>(l).unwrap()["saga"] == saga.as_str()));
    let (code, out, _) = on(&database, &["log", "query", "--csv"]).await;
    assert!(code == 0 && out.starts_with("at,booked_at,event,"), "{out}");

    // A reader that leaves early is no failure.
    for args in [&["log", "query", "--json"][..], &["log", "query", "--csv"], &["saga", "list"]] {
        let mut child = program(args);
        child.env("DATABASE_URL", database.url().expose_secret()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        drop(child.stdout.take());
        let (code, _, errors) = told(child.wait_with_output().await.unwrap());
        assert_eq!((code, errors.as_str()), (0, ""), "{args:?}");
    }

    let (code, took) = service.stop().await;
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(25), "{took:?}");

    let pool = database.pool().await;
    sqlx::raw_sql("update event set payload = replace(payload, '{', '{ ') where pos = 1").execute(&pool).await.unwrap();
    let (code, out, errors) = on(&database, &["log", "verify", "--json"]).await;
    assert_eq!(code, 5, "{errors}");
    assert!(serde_json::from_str::<Value>(&out).unwrap()["first_break"].is_string(), "{out}");
    assert!(errors.contains("the log is broken"), "{errors}");
    sandbox.stop().await;
}

/// Asks until there is an answer.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited 30 s in vain");
    }
}

#[tokio::test]
async fn setup_makes_attios_model_and_its_webhook_and_shows_the_secret_once() {
    let sandbox = sandbox().await;
    let own = sandbox.json();
    let setup = async |extra: &[&str]| {
        let text = |path: &str| own.pointer(path).unwrap().as_str().unwrap().to_owned();
        let mut command = program(&["setup"]);
        command
            .args(extra)
            .envs([("ATTIO_BASE_URL", text("/attio/base_url")), ("ATTIO_API_KEY", text("/attio/api_key"))]);
        told(command.output().await.unwrap())
    };
    let (code, out, _) = setup(&["--check"]).await;
    assert!(code == 5 && out.contains("missing"), "{out}");
    let url = ["--webhook-url", "https://billing.example.com/webhooks/attio", "--json"];
    let (code, out, errors) = setup(&url).await;
    assert_eq!(code, 0, "{errors}");
    let made: Value = serde_json::from_str(&out).unwrap();
    assert!(made["webhook"]["secret"].as_str().is_some_and(|s| s.len() == 64), "{out}");
    let (code, out, _) = setup(&["--check"]).await;
    assert!(code == 0 && !out.contains("missing"), "{out}");
    let (code, _, errors) = setup(&["--webhook-url", "http://billing.example.com/x"]).await;
    assert!(code == 1 && errors.contains("the webhook"), "{errors}");
    sandbox.stop().await;
}
