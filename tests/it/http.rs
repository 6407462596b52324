//! The listeners from outside: who is let in, what errors look like, and how the service stops.

use crate::outside::{Outside, problem};
use attio_billing::access::{Holder, Role};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn what_does_not_exist_is_a_problem_document_with_the_requests_id() {
    let out = Outside::start().await;
    let answer = out.http.get(out.public("/nothing")).header("x-request-id", "mine").send().await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "mine");
    let told = problem(answer, StatusCode::NOT_FOUND).await;
    assert_eq!((told["code"].as_str(), told["status"].as_u64()), (Some("not_found"), Some(404)));

    let answer = out.http.get(out.public("/webhooks/zoho")).send().await.unwrap();
    assert_eq!(answer.headers()["allow"], "POST");
    assert!(answer.headers().contains_key("x-request-id"));
    assert_eq!(problem(answer, StatusCode::METHOD_NOT_ALLOWED).await["code"], "method_not_allowed");
    let answer = out.api(Method::DELETE, "/sagas").send().await.unwrap();
    assert_eq!(problem(answer, StatusCode::METHOD_NOT_ALLOWED).await["code"], "method_not_allowed");
    out.end().await;
}

#[tokio::test]
async fn each_listener_has_its_own_routes_only() {
    let out = Outside::start().await;
    for path in ["/api/v1/sagas", "/api/v1/openapi.json", "/readyz"] {
        let request = out.http.get(out.public(path)).bearer_auth(&out.token);
        problem(request.send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
    for path in ["/webhooks/zoho", "/webhooks/attio", "/webhooks/braintree"] {
        let request = out.http.post(out.private(path)).bearer_auth(&out.token).body("{}");
        problem(request.send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
    for url in [out.public("/healthz"), out.private("/healthz")] {
        assert_eq!(out.http.get(&url).send().await.unwrap().status(), StatusCode::OK, "{url}");
    }
    let ready = async || Ok(out.http.get(out.private("/readyz")).send().await?.status() == StatusCode::OK);
    out.stage.until("the service to be ready", ready).await.unwrap();
    out.end().await;
}

#[tokio::test]
async fn the_private_api_lets_only_a_token_in() {
    let out = Outside::start().await;
    let token = out.token_of("eve", Holder::Person, Role::Auditor).await;
    for path in [
        "/sagas",
        "/transactions",
        "/transactions.csv",
        "/inbox/summary",
        "/forecast",
        "/inbox/deliveries",
        "/requests",
        "/bulk",
        "/tokens",
        "/openapi.json",
    ] {
        let url = out.private(&format!("/api/v1{path}"));
        let without = out.http.get(&url);
        let wrong = out.http.get(&url).bearer_auth(format!("{token}x"));
        let basic = out.http.get(&url).basic_auth(&token, None::<&str>);
        for request in [without, wrong, basic] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()["www-authenticate"], "Bearer", "{path}");
            assert_eq!(problem(answer, StatusCode::UNAUTHORIZED).await["code"], "unauthorized");
        }
        let right = out.http.get(&url).header("authorization", format!("bearer {token}"));
        assert_eq!(right.send().await.unwrap().status(), StatusCode::OK, "{path}");
    }
    out.end().await;
}

#[tokio::test]
async fn the_api_describes_all_its_routes() {
    let out = Outside::start().await;
    let told: Value = out.get("/openapi.json").await;
    assert!(told["openapi"].as_str().unwrap().starts_with("3."));
    assert_eq!(told["servers"][0]["url"], "/api/v1");
    assert_eq!(told["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    let paths: BTreeSet<&str> = told["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "/activations",
        "/catalog/sync",
        "/crm-checks",
        "/bulk",
        "/bulk/{id}",
        "/bulk/{id}/approve",
        "/bulk/{id}/cancel",
        "/card-links",
        "/cancellations",
        "/cancellations/{id}/choice",
        "/disputes/{id}",
        "/disputes/{id}/accept",
        "/disputes/{id}/close",
        "/disputes/{id}/submit",
        "/erasures",
        "/erasures/{id}/certificate",
        "/erasures/{id}/confirm",
        "/erasures/{id}/hold",
        "/erasures/{id}/lift",
        "/erasures/{id}/withdraw",
        "/forecast",
        "/hand-overs",
        "/hand-overs/preview",
        "/hand-overs/{id}",
        "/hand-overs/{id}/approve",
        "/hand-overs/{id}/decide",
        "/hand-overs/{id}/redirect",
        "/hand-overs/{id}/stop",
        "/inbox/deliveries",
        "/inbox/summary",
        "/plan-changes",
        "/plan-changes/{id}",
        "/plan-changes/{id}/acceptance",
        "/plan-changes/{id}/cancel",
        "/reconciliation/findings",
        "/reconciliation/findings.csv",
        "/reconciliation/findings/{id}",
        "/reconciliation/findings/{id}/approve",
        "/reconciliation/findings/{id}/decide",
        "/reconciliation/runs",
        "/reconciliation/runs/{id}",
        "/reconciliation/runs/{id}/report",
        "/reconciliation/runs/{id}/resume",
        "/reconciliation/runs/{id}/stop",
        "/refunds",
        "/refunds/preview",
        "/refunds/{id}/approve",
        "/refunds/{id}/decide",
        "/refunds/{id}/reject",
        "/requests",
        "/requests/{id}/approve",
        "/requests/{id}/reject",
        "/sagas",
        "/sagas/{id}",
        "/sagas/{id}/decide",
        "/sagas/{id}/explanation",
        "/sagas/{id}/orders",
        "/sagas/{id}/preview",
        "/sagas/{id}/resume",
        "/tokens",
        "/tokens/{id}",
        "/tokens/{id}/approve",
        "/people/{id}",
        "/people/{id}/checks",
        "/signups",
        "/signups/{id}",
        "/signups/{id}/trial",
        "/tickets",
        "/transactions",
        "/transactions.csv",
    ];
    assert_eq!(paths, BTreeSet::from(expected));
    // Every reference leads somewhere.
    let text = told.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(told.pointer(pointer).is_some(), "{pointer}");
    }
    // What is described is there.
    for (path, methods) in told["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path = path.replace("{id}", "01890000-0000-7000-8000-000000000000");
            let method: Method = method.to_uppercase().parse().unwrap();
            let answer = out.api(method, &path).send().await.unwrap().status();
            assert_ne!(answer, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        }
    }
    out.end().await;
}

#[tokio::test]
async fn a_filter_that_cannot_be_read_is_named() {
    let out = Outside::start().await;
    let token = out.token_of("eve", Holder::Person, Role::Auditor).await;
    for (path, field) in [
        ("/sagas?cursor=abc", "cursor"),
        ("/sagas?cursor=999999999999999999.01890000-0000-7000-8000-000000000000", "cursor"),
        ("/sagas?status=sleeping", "status"),
        ("/sagas?customer=a%00b", "customer"),
        ("/sagas?limit=many", "query"),
        ("/sagas?colour=red", "query"),
        ("/sagas/not-an-id", "id"),
        ("/transactions?cursor=1.2", "cursor"),
        ("/transactions?from=yesterday", "from"),
        ("/transactions?to=%2B99999-01-01", "to"),
        ("/transactions?reference=%00", "reference"),
        ("/transactions.csv?status=x", "status"),
        ("/inbox/deliveries?vendor=paypal", "vendor"),
        ("/inbox/deliveries?state=lost", "state"),
    ] {
        let answer = out.api_as(&token, Method::GET, path).send().await.unwrap();
        let told = problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.starts_with(&format!("`{field}`")), "{path}: {detail}");
    }
    out.end().await;
}

#[tokio::test]
async fn an_order_about_a_saga_is_checked_before_it_is_stored() {
    let out = Outside::start().await;
    let nobody = "/sagas/01890000-0000-7000-8000-000000000000";
    let told = problem(out.api(Method::GET, nobody).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    assert!(told["hint"].as_str().unwrap().contains("reference"));
    let post = |path: &str, body: Value| out.api(Method::POST, path).json(&body);
    let resume = format!("{nobody}/resume");
    let answer = post(&resume, json!({"reason": "why not"})).send().await.unwrap();
    problem(answer, StatusCode::NOT_FOUND).await;
    for body in [json!({}), json!({"reason": 7}), json!({"reason": "x", "principal": "ada"}), json!({"reason": "  "})] {
        let answer = post(&resume, body.clone()).send().await.unwrap();
        problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let decide = format!("{nobody}/decide");
    let answer = post(&decide, json!({"choice": "forgive", "reason": "x"})).send().await.unwrap();
    assert!(problem(answer, StatusCode::UNPROCESSABLE_ENTITY).await["detail"].as_str().unwrap().contains("leave"));
    let long = post(&resume, json!({"reason": "x"})).header("idempotency-key", "k".repeat(201));
    let told = problem(long.send().await.unwrap(), StatusCode::UNPROCESSABLE_ENTITY).await;
    assert!(told["detail"].as_str().unwrap().starts_with("`idempotency-key`"));
    out.end().await;
}

#[tokio::test]
async fn a_webhook_in_flight_when_the_service_stops_is_still_taken() {
    let out = Outside::start().await;
    let body = br#"{"event_id":"77","event_type":"unheard_of","data":{}}"#;
    let signature = out.zoho_signature("", body);
    let mut stream = TcpStream::connect(out.stage.service().public).await.unwrap();
    let head = format!(
        "POST /webhooks/zoho HTTP/1.1\r\nhost: x\r\nx-zoho-webhook-signature: {signature}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body[..10]).await.unwrap();
    // The request is known to be under way once another one, sent after it, was answered.
    out.http.get(out.public("/healthz")).send().await.unwrap();
    let pool = out.another_pool().await;
    let stopping = tokio::spawn(out.end_but_database());
    let rest = async {
        stream.write_all(&body[10..]).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let answer = rest.await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let _database = stopping.await.unwrap();
    let stored: i64 =
        sqlx::query_scalar("select count(*) from inbox where vendor = 'zoho'").fetch_one(&pool).await.unwrap();
    assert_eq!(stored, 1);
}
