//! The private API on real sagas: lists, pages, filters, the export, and orders of operators.

use crate::outside::{Outside, problem};
use crate::rehearsals;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::Wish;
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::query;
use reqwest::{Method, StatusCode};
use sagas::crm_lifecycle::CrmLifecycle;
use sagas::kernel::ids::SagaId;
use sagas::kernel::lifecycle::{News, Told};
use sagas::rehearsal::Params;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Starts a practice saga and waits until it has nothing left to do.
async fn rehearse(out: &Outside, name: &str, park: bool) -> SagaId {
    let params = Params { park, ..rehearsals::params(name) };
    rehearsals::rehearse(out, params, "at rest", |s| s.parked.is_some() || s.ended.is_some()).await
}

/// All rows of a list, page by page.
async fn pages(out: &Outside, path: &str, rows: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: Value = out.get(&format!("{path}limit={limit}{cursor}")).await;
        let page_rows = page[rows].as_array().unwrap();
        assert!(page_rows.len() <= limit);
        all.extend(page_rows.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn sagas_are_listed_page_by_page_and_by_each_filter() {
    let out = Outside::start().await;
    let mut made = BTreeSet::new();
    for n in 0..7 {
        made.insert(rehearse(&out, &format!("r{n}"), n == 3).await.to_string());
    }
    for limit in [1, 2, 3, 7, 100] {
        let listed = pages(&out, "/sagas?", "sagas", limit).await;
        let ids: Vec<String> = listed.iter().map(|s| s["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!((ids.len(), ids.into_iter().collect::<BTreeSet<_>>()), (7, made.clone()), "{limit} a page");
        let times: Vec<&str> = listed.iter().map(|s| s["changed_at"].as_str().unwrap()).collect();
        assert!(times.is_sorted_by(|a, b| a >= b), "the latest first: {times:?}");
    }
    let parked = rehearsals::named("r3").to_string();
    let count = async |query: &str| pages(&out, &format!("/sagas?{query}&"), "sagas", 100).await.len();
    assert_eq!(count("status=needs_person").await, 1);
    assert_eq!(count("parked_code=REHEARSAL").await, 1);
    assert_eq!(count("status=ended").await, 6);
    assert_eq!(count("kind=rehearsal").await, 7);
    assert_eq!(count("kind=invoice_payment").await, 0);
    assert_eq!(count(&format!("reference={parked}")).await, 1);
    assert_eq!(count("customer=nobody").await, 0);
    out.end().await;
}

#[tokio::test]
async fn the_transaction_log_is_the_same_in_pages_and_as_csv() {
    let out = Outside::start().await;
    let customer = out.stage.new_customer(&Wish::new("Ledger & Sons", 4_900)).await.unwrap();
    let other = out.stage.new_customer(&Wish::new("Others", 1_900)).await.unwrap();
    for one in [&customer, &other] {
        let saga = out.stage.saga_of(&one.first_invoice);
        out.stage.until_saga(saga, "paid", |s| s.state == "AwaitSettlement").await.unwrap();
    }
    let formula = rehearse(&out, "=HYPERLINK(\"http://evil.test\")", false).await;
    out.stage.rest().await.unwrap();

    let whole = pages(&out, "/transactions?", "lines", 1000).await;
    let ids = |rows: &[Value]| rows.iter().map(|l| l["event_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    for limit in [1, 4, whole.len()] {
        assert_eq!(ids(&pages(&out, "/transactions?", "lines", limit).await), ids(&whole), "{limit} a page");
    }
    let finance = out.token_of("fay", Holder::Person, Role::Finance).await;
    let csv = out.api_as(&finance, Method::GET, "/transactions.csv").send().await.unwrap();
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let text = csv.text().await.unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|h| h == name).unwrap_or_else(|| panic!("no column {name}"));
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), whole.len());
    for (row, line) in rows.iter().zip(whole.iter().rev()) {
        assert_eq!(&row[column("event_id")], line["event_id"]);
        assert_eq!(&row[column("event")], line["event"]);
        let minor = line["amount"]["minor"].as_i64().map(|n| n.to_string()).unwrap_or_default();
        assert_eq!(row[column("amount_minor")], minor);
    }
    let title = rows.iter().find(|r| r[column("saga")] == formula.to_string()).map(|r| &r[column("title")]);
    assert!(title.unwrap().starts_with("'="), "a formula stays text: {title:?}");

    let count = async |query: &str| {
        let lines = pages(&out, &format!("/transactions?{query}&"), "lines", 100).await;
        let csv =
            out.api_as(&finance, Method::GET, &format!("/transactions.csv?{query}")).send().await.unwrap().text().await;
        assert_eq!(csv::Reader::from_reader(csv.unwrap().as_bytes()).records().count(), lines.len(), "{query}");
        lines.len()
    };
    let captured = pages(&out, "/transactions?event=PaymentCaptured&", "lines", 100).await;
    assert_eq!(captured.len(), 2);
    let transaction = captured[0]["references"].as_array().unwrap().iter().find(|r| r[0] == "braintree_transaction");
    assert_eq!(
        count(&format!("reference={}&event=PaymentCaptured", transaction.unwrap()[1].as_str().unwrap())).await,
        1
    );
    assert_eq!(count(&format!("reference={}&event=PaymentCaptured", customer.first_invoice)).await, 1);
    assert_eq!(count(&format!("customer={}&event=PaymentCaptured", other.ours)).await, 1);
    assert_eq!(count("status=ended&event=PaymentCaptured").await, 0);
    let all = whole.len();
    let money = count("money=true").await;
    assert!(money > 0 && money < all);
    assert_eq!(count("from=2000-01-01&to=2999-12-31").await, all);
    assert_eq!(count("to=2000-01-01").await, 0);
    assert_eq!(count("from=2999-01-01T00:00:00Z").await, 0);
    out.end().await;
}

#[tokio::test]
async fn a_parked_saga_is_resumed_once_for_one_key_and_only_while_it_is_parked() {
    let out = Outside::start().await;
    let saga = rehearse(&out, "resume me", true).await;
    let post = |verb: &str, key: &str, body: Value| {
        out.api(Method::POST, &format!("/sagas/{saga}/{verb}")).header("idempotency-key", key).json(&body).send()
    };
    let reason = json!({"reason": "practised enough"});

    let answer = post("decide", "k0", json!({"choice": "leave", "reason": "x"})).await.unwrap();
    let told = problem(answer, StatusCode::CONFLICT).await;
    let expected =
        format!("cannot decide on saga {saga}: it is a rehearsal, and only an invoice_payment takes decisions");
    assert!(told["detail"].as_str().unwrap().starts_with(&expected), "{told}");

    for _ in 0..2 {
        let answer = post("resume", "k1", reason.clone()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["state"], "applied");
    }
    out.stage.until_saga(saga, "ended", |s| s.ended.is_some()).await.unwrap();
    let shown: Value = out.get(&format!("/sagas/{saga}")).await;
    let resumed: Vec<&Value> =
        shown["timeline"].as_array().unwrap().iter().filter(|e| e["name"] == "step.resumed").collect();
    assert_eq!(resumed.len(), 1, "one key, one effect");
    assert_eq!(resumed[0]["summary"], "token:bootstrap: practised enough");

    let told = problem(post("resume", "k2", reason).await.unwrap(), StatusCode::CONFLICT).await;
    let detail = told["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("cannot resume saga {saga}: it is not parked (state: ")), "{detail}");
    assert!(told["hint"].as_str().unwrap().contains(&format!("/api/v1/sagas/{saga}")));
    out.end().await;
}

#[tokio::test]
async fn a_key_used_for_one_order_is_refused_for_another() {
    let out = Outside::start().await;
    let stranger = out.stage.new_customer(&Wish::new("Two Orders", 4_900).unlinked()).await.unwrap();
    let saga = out.stage.saga_of(&stranger.first_invoice);
    out.stage.until_saga(saga, "parked", |s| s.parked.is_some()).await.unwrap();
    let order = async |verb: &str, body: Value| {
        let request = out.api(Method::POST, &format!("/sagas/{saga}/{verb}"));
        request.header("idempotency-key", "same").json(&body).send().await.unwrap()
    };
    // What it waits for is a link, not a decision: refused, and on record.
    let told = problem(order("decide", json!({"choice": "leave", "reason": "x"})).await, StatusCode::CONFLICT).await;
    assert_eq!(told["code"], "refused", "{told}");
    let other = order("decide", json!({"choice": "charge_again", "reason": "x"})).await;
    assert_eq!(problem(other, StatusCode::CONFLICT).await["code"], "idempotency_key_reused");
    let other = order("resume", json!({"reason": "x"})).await;
    assert_eq!(problem(other, StatusCode::CONFLICT).await["code"], "idempotency_key_reused");
    let shown: Value = out.get(&format!("/sagas/{saga}")).await;
    let refused = shown["timeline"].as_array().unwrap().iter().filter(|e| e["name"] == "step.heard");
    assert!(refused.filter(|e| e["summary"].as_str().unwrap().contains("refused")).count() == 1);
    out.end().await;
}

#[tokio::test]
async fn the_inbox_summary_has_exactly_its_fields() {
    let out = Outside::start().await;
    let summary: Value = out.get("/inbox/summary").await;
    let vendors: Vec<&String> = summary.as_object().unwrap().keys().collect();
    assert_eq!(vendors, ["attio", "braintree", "zoho"]);
    for counts in summary.as_object().unwrap().values() {
        let names: BTreeSet<&str> = counts.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["received", "processed", "duplicate", "dead", "rejected"]));
        assert!(counts.as_object().unwrap().values().all(|n| n == 0));
    }
    out.end().await;
}

#[tokio::test]
async fn what_crm_shows_of_a_customer_is_checked_on_order_and_of_a_stranger_it_is_not() {
    let out = Outside::start().await;
    let operator = out.token_of("op", Holder::Person, Role::Operator).await;
    let check = async |customer: &str, key: &str| {
        let request = out.api_as(&operator, Method::POST, "/crm-checks").header("idempotency-key", key);
        request.json(&json!({ "customer": customer })).send().await.unwrap()
    };
    assert_eq!(problem(check("nobody", "1").await, StatusCode::NOT_FOUND).await["code"], "unknown_customer");
    let at = "2026-11-02T09:00:00Z".parse().unwrap();
    let news = News::PastDue { invoice: "77".to_owned() };
    let told = Told { customer: "cust1".to_owned(), subscription: "sub1".to_owned(), record: None, at, news };
    let service = out.stage.service();
    let item = NewItem::told(CrmLifecycle::id("test"), &told.message());
    offer_item(out.stage.pool(), service.store.node.shard_count(), &item, &[]).await.unwrap();
    service.engine.wake();
    out.stage.until_saga(CrmLifecycle::id("cust1"), "at rest", |s| s.ended.is_some()).await.unwrap();
    for _ in 0..2 {
        let answer = check("cust1", "2").await;
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.unwrap();
        assert_eq!((&answer["state"], &answer["saga"]["kind"]), (&json!("applied"), &json!("crm_lifecycle")));
    }
    out.stage.rest().await.unwrap();
    let (_, events) = query::saga(out.stage.pool(), CrmLifecycle::id("cust1")).await.unwrap().unwrap();
    assert_eq!(events.iter().filter(|event| event.name == "CheckAsked").count(), 1, "the same key is the same order");
    out.end().await;
}
