//! The life of a token: made, used, refused, approved, revoked; and that its text is nowhere.

use crate::cli::{Running, sandbox, serve};
use crate::outside::{Outside, problem};
use crate::postgres::database;
use attio_billing::access::{Holder, Role};
use attio_billing::store::tokens;
use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use std::fs::File;

async fn make(out: &Outside, by: &str, body: Value) -> Response {
    out.api_as(by, Method::POST, "/tokens").json(&body).send().await.unwrap()
}

/// A token that was made: its id, its text, its state.
async fn made(out: &Outside, by: &str, name: &str, role: &str) -> (String, String, String) {
    let body = json!({"name": name, "holder": "person", "role": role, "days": 30, "reason": "joins"});
    let answer = make(out, by, body).await;
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, StatusCode::CREATED, "{text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    let field = |name: &str| told[name].as_str().unwrap().to_owned();
    (field("id"), field("token"), field("state"))
}

/// Looks at something with a token: the code of the refusal, or none.
async fn turned(out: &Outside, token: &str) -> Option<String> {
    let answer = out.api_as(token, Method::GET, "/sagas").send().await.unwrap();
    if answer.status() == StatusCode::OK {
        return None;
    }
    assert!([401, 403].contains(&answer.status().as_u16()), "{}", answer.status());
    assert!(answer.headers().contains_key("www-authenticate"));
    let text = answer.text().await.unwrap();
    assert!(token.is_empty() || !text.contains(token), "a token is never told: {text}");
    let told: Value = serde_json::from_str(&text).unwrap();
    assert!(told["hint"].is_string());
    Some(told["code"].as_str().unwrap().to_owned())
}

async fn change(pool: &PgPool, name: &str, what: &str) {
    let statement = format!("update token set {what} where name = '{name}'");
    assert_eq!(sqlx::raw_sql(AssertSqlSafe(statement)).execute(pool).await.unwrap().rows_affected(), 1);
}

#[tokio::test]
async fn a_token_opens_the_api_until_it_is_revoked_expires_or_comes_from_elsewhere() {
    let out = Outside::start().await;
    let pool = out.stage.pool();
    let (id, token, state) = made(&out, &out.token, "ada", "viewer").await;
    assert!(token.starts_with("ab_") && token.len() == 67 && state == "live", "{state}");
    let shown = async || {
        let all: Vec<Value> = out.get("/tokens").await;
        all.into_iter().find(|t| t["name"] == "ada").unwrap()
    };
    let before = shown().await;
    assert_eq!((&before["last_used_at"], &before["created_by"]), (&Value::Null, &json!("token:bootstrap")));
    assert!(before.get("token").is_none() && before.get("hash").is_none());
    assert_eq!(turned(&out, &token).await, None);
    let used = shown().await["last_used_at"].clone();
    assert!(used.is_string());
    assert_eq!(turned(&out, &token).await, None);
    assert_eq!(shown().await["last_used_at"], used, "once a minute is enough");

    change(pool, "ada", "addresses = '{203.0.113.0/24}'").await;
    assert_eq!(turned(&out, &token).await.as_deref(), Some("wrong_address"));
    change(pool, "ada", "addresses = '{203.0.113.0/24,127.0.0.0/8}'").await;
    assert_eq!(turned(&out, &token).await, None);
    change(pool, "ada", "created_at = created_at - interval '40 days', expires_at = now()").await;
    assert_eq!(turned(&out, &token).await.as_deref(), Some("token_expired"));
    assert_eq!(shown().await["state"], "expired");
    change(pool, "ada", "expires_at = now() + interval '1 day'").await;
    assert_eq!(turned(&out, &token).await, None);
    let revoke = format!("/tokens/{id}?reason=left");
    let told: Value = out.api(Method::DELETE, &revoke).send().await.unwrap().json().await.unwrap();
    assert_eq!((&told["revoked_by"], &told["revoke_reason"]), (&json!("token:bootstrap"), &json!("left")));
    assert_eq!(turned(&out, &token).await.as_deref(), Some("token_revoked"));
    problem(out.api(Method::DELETE, &revoke).send().await.unwrap(), StatusCode::CONFLICT).await;

    let unknown = format!("ab_{}", "0".repeat(64));
    for nothing in [unknown.as_str(), "ab_123", &token[..60], "x", &format!("{token} {token}")] {
        assert_eq!(turned(&out, nothing).await.as_deref(), Some("unauthorized"), "{nothing}");
    }
    let text = out.http.get(out.private("/metrics")).send().await.unwrap().text().await.unwrap();
    for (reason, count) in [("address", 1), ("expired", 1), ("revoked", 1), ("unknown", 2), ("malformed", 3)] {
        let line = format!("attio_billing_refusals_total{{reason=\"{reason}\"}} {count}");
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    out.end().await;
}

#[tokio::test]
async fn a_token_is_made_with_a_name_a_role_a_reason_and_an_end() {
    let out = Outside::start().await;
    let good = json!({"name": "shop", "holder": "program", "role": "platform", "days": 365, "reason": "sign-ups"});
    for (field, value) in [
        ("name", json!("Shop Keeper")),
        ("name", json!("bootstrap")),
        ("holder", json!("robot")),
        ("role", json!("owner")),
        ("days", json!(366)),
        ("days", json!(0)),
        ("addresses", json!(["10.0.0.0/40"])),
        ("reason", json!(" ")),
        ("principal", json!("ada")),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let told = problem(make(&out, &out.token, body).await, StatusCode::UNPROCESSABLE_ENTITY).await;
        assert!(told["detail"].as_str().unwrap().contains(&format!("`{field}`")), "{told}");
    }
    let answer = make(&out, &out.token, good.clone()).await;
    assert_eq!(
        (answer.status(), &answer.headers()["cache-control"]),
        (StatusCode::CREATED, &"no-store".parse().unwrap())
    );
    // A name is one person's or one program's for ever: the record must not blur.
    let mut person = good;
    person["holder"] = json!("person");
    assert_eq!(problem(make(&out, &out.token, person).await, StatusCode::CONFLICT).await["code"], "other_holder");
    out.end().await;
}

#[tokio::test]
async fn the_first_admin_is_made_alone_and_every_further_token_by_two() {
    let mut out = Outside::with(|options| options.approvals = true).await;
    let first = out.token.clone();
    let (ada_id, ada, state) = made(&out, &first, "ada", "admin").await;
    assert_eq!(state, "live", "nobody could have agreed");
    let (id, grace, state) = made(&out, &first, "grace", "admin").await;
    assert_eq!(state, "waiting");
    assert_eq!(turned(&out, &grace).await.as_deref(), Some("token_waiting"));
    let approve =
        async |by: &str, id: &str| out.api_as(by, Method::POST, &format!("/tokens/{id}/approve")).send().await.unwrap();
    let told = problem(approve(&first, &id).await, StatusCode::FORBIDDEN).await;
    assert!(told["detail"].as_str().unwrap().contains("not a person's token"), "{told}");
    assert_eq!(approve(&ada, &id).await.status(), StatusCode::OK);
    assert_eq!(turned(&out, &grace).await, None);

    let body = json!({"name": "ada", "holder": "person", "role": "finance_approver", "days": 9, "reason": "more"});
    assert_eq!(problem(make(&out, &ada, body).await, StatusCode::CONFLICT).await["code"], "oneself");
    let (id, fay, state) = made(&out, &ada, "fay", "finance").await;
    assert_eq!(state, "waiting");
    assert_eq!(problem(approve(&ada, &id).await, StatusCode::CONFLICT).await["code"], "same_person");
    change(out.stage.pool(), "fay", "created_at = created_at - interval '25 hours'").await;
    assert_eq!(problem(approve(&grace, &id).await, StatusCode::CONFLICT).await["code"], "closed");
    change(out.stage.pool(), "fay", "created_at = created_at + interval '25 hours'").await;
    assert_eq!(approve(&grace, &id).await.status(), StatusCode::OK);
    assert_eq!(turned(&out, &fay).await, None);

    let revoke = async |by: &str, id: &str| {
        out.api_as(by, Method::DELETE, &format!("/tokens/{id}?reason=over")).send().await.unwrap()
    };
    assert_eq!(problem(revoke(&ada, &ada_id).await, StatusCode::CONFLICT).await["code"], "oneself");
    assert_eq!(revoke(&grace, &ada_id).await.status(), StatusCode::OK);
    assert_eq!(turned(&out, &ada).await.as_deref(), Some("token_revoked"));

    // Not ready, on a busy machine, while a lease is renewed.
    let stands = out.stage.until("the service to be ready and to tell of the bootstrap token", async || {
        let ready: Value = out.http.get(out.private("/readyz")).send().await?.json().await?;
        Ok(ready["bootstrap_token"] == "stands")
    });
    stands.await.unwrap();
    let all: Vec<Value> = out.api_as(&grace, Method::GET, "/tokens").send().await.unwrap().json().await.unwrap();
    let bootstrap = all.iter().find(|t| t["name"] == "bootstrap").unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(revoke(&grace, &bootstrap).await.status(), StatusCode::OK);
    assert_eq!(turned(&out, &first).await.as_deref(), Some("token_revoked"));
    out.stage.stop_service().await;
    out.stage.start_service().await.unwrap();
    assert_eq!(turned(&out, &first).await.as_deref(), Some("token_revoked"), "a start brings it not back");
    out.end().await;
}

#[tokio::test]
async fn another_admin_token_in_the_configuration_takes_the_place_of_the_one_before() {
    let out = Outside::start().await;
    let another = SecretString::from("another-admin-token-0123456789abcdef");
    assert!(tokens::bootstrap(out.stage.pool(), &another).await.unwrap());
    assert_eq!(turned(&out, &out.token).await.as_deref(), Some("token_revoked"));
    assert_eq!(turned(&out, another.expose_secret()).await, None);
    let old = SecretString::from(out.token.clone());
    assert!(!tokens::bootstrap(out.stage.pool(), &old).await.unwrap(), "a node that comes late changes nothing");
    assert_eq!(turned(&out, &out.token).await.as_deref(), Some("token_revoked"));
    assert_eq!(turned(&out, another.expose_secret()).await, None);
    out.end().await;
}

/// Everything that is in a database, as text.
async fn dump(pool: &PgPool) -> String {
    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(pool)
        .await
        .unwrap();
    let mut all = String::new();
    for table in tables {
        let statement = format!("select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t");
        let rows: String = sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(pool).await.unwrap();
        all.push_str(&rows);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_of_a_token_is_in_no_log_and_no_table() {
    let (database, sandbox) = (database().await, sandbox().await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut command = serve(&sandbox, &database);
    command.env("RUST_LOG", "info,attio_billing=trace,tower_http=trace,sqlx=debug").env("LOG_FORMAT", "json");
    let service = Running::heard(command, File::create(&path).unwrap().into()).await;
    let shown = service.json();
    let (first, base) = (shown["admin_token"].as_str().unwrap(), shown["private_url"].as_str().unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body =
        json!({"name": "canary", "holder": "program", "role": "viewer", "days": 1, "reason": "to be looked for"});
    let made = http.post(format!("{base}/api/v1/tokens")).bearer_auth(first).json(&body).send().await.unwrap();
    let token = made.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
    for path in ["sagas", "tokens", "nothing", "sagas?status=x"] {
        for text in [token.as_str(), first, &format!("{token}f")] {
            let answer = http.get(format!("{base}/api/v1/{path}")).bearer_auth(text).send().await.unwrap();
            let told = answer.text().await.unwrap();
            assert!(!told.contains(&token) && !told.contains(first), "{told}");
        }
    }
    let rows = dump(&database.pool().await).await;
    service.stop().await;
    let log = std::fs::read_to_string(&path).unwrap();
    assert!(
        rows.contains("canary") && log.contains("canary"),
        "the name is on record, and in the request's span: {log}"
    );
    for secret in [token.as_str(), first, &token[3..]] {
        assert!(!rows.contains(secret) && !log.contains(secret));
    }
}

#[tokio::test]
async fn an_order_is_on_record_by_the_tokens_holder_and_never_by_what_a_body_says() {
    let out = Outside::start().await;
    let ada = out.token_of("ada", Holder::Person, Role::Operator).await;
    let saga = crate::operator_verbs::waiting(&out, "whose").await;
    let order = |body: Value| out.api_as(&ada, Method::POST, &format!("/sagas/{saga}/orders")).json(&body).send();
    let named = json!({"order": {"verb": "pause"}, "reason": "x", "principal": "grace"});
    problem(order(named).await.unwrap(), StatusCode::UNPROCESSABLE_ENTITY).await;
    let answer = order(json!({"order": {"verb": "pause"}, "reason": "x"})).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(crate::operator_verbs::has(&out, saga, "step.ordered", "pause by token:ada: x").await);
    out.end().await;
}
