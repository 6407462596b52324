//! Setup against a small workspace that remembers what was made.

use super::*;
use crate::connectors::attio::Config;
use crate::connectors::http::Http;
use axum::Router;
use axum::extract::State;
use axum::http::{Method as Verb, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use iso_currency::Currency;
use reqwest::Url;
use std::sync::{Arc, Mutex};

/// What was made, by path: one list of rows each.
type Rows = BTreeMap<String, Vec<Json>>;

#[derive(Clone, Default)]
struct Workspace {
    rows: Arc<Mutex<Rows>>,
    writes: Arc<Mutex<Vec<String>>>,
    /// How many further writes are answered with 429.
    limited: Arc<Mutex<u32>>,
}

impl Workspace {
    async fn start() -> (Self, Attio) {
        Self::start_in(Currency::EUR).await
    }

    async fn start_in(currency: Currency) -> (Self, Attio) {
        let workspace = Self::default();
        for slug in ["companies", "people"] {
            workspace.add("/v2/objects", json!({ "api_slug": slug, "id": { "object_id": format!("id-{slug}") } }));
        }
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let app = Router::new().fallback(answer).with_state(workspace.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let base_url = Url::parse(&format!("http://{address}")).expect("an address");
        let config = Config { base_url, api_key: "key".into(), currency };
        (workspace, Attio::new(&config, Http::new().expect("client")).expect("set up"))
    }

    fn add(&self, path: &str, row: Json) {
        self.rows.lock().expect("no panic holds it").entry(path.to_owned()).or_default().push(row);
    }

    /// Changes the rows of a path.
    fn change(&self, path: &str, change: impl Fn(&mut Json)) {
        self.rows.lock().expect("no panic holds it").get_mut(path).expect("made").iter_mut().for_each(change);
    }

    fn writes(&self) -> Vec<String> {
        self.writes.lock().expect("no panic holds it").clone()
    }
}

async fn answer(State(workspace): State<Workspace>, verb: Verb, uri: Uri, body: String) -> Response {
    let path = uri.path();
    if path == "/v2/self" {
        return json!({ "active": true, "scope": SCOPES.join(" ") }).to_string().into_response();
    }
    if verb == Verb::GET {
        let rows = workspace.rows.lock().expect("no panic holds it").get(path).cloned().unwrap_or_default();
        return json!({ "data": rows }).to_string().into_response();
    }
    let mut limited = workspace.limited.lock().expect("no panic holds it");
    if *limited > 0 {
        *limited -= 1;
        return (StatusCode::TOO_MANY_REQUESTS, "{}").into_response();
    }
    workspace.writes.lock().expect("no panic holds it").push(format!("{verb} {path}"));
    if verb == Verb::DELETE {
        let (list, id) = path.rsplit_once('/').expect("an id");
        let mut rows = workspace.rows.lock().expect("no panic holds it");
        rows.get_mut(list).expect("made").retain(|row| row.pointer("/id/webhook_id") != Some(&json!(id)));
        return "{}".into_response();
    }
    let mut row: Json = serde_json::from_str::<Json>(&body).expect("JSON")["data"].take();
    if verb == Verb::POST {
        let slug = row["api_slug"].as_str().unwrap_or("w1").to_owned();
        row["id"] =
            json!({ "object_id": format!("id-{slug}"), "attribute_id": format!("id-{slug}"), "webhook_id": slug });
        if path == "/v2/webhooks" {
            row["secret"] = json!("shown once");
        }
        workspace.add(path, row.clone());
    } else {
        let (list, name) = path.rsplit_once('/').expect("a name");
        workspace.change(list, |old| {
            if old["api_slug"] == json!(name) || old["title"] == json!(name) {
                old["is_archived"] = json!(false);
            }
        });
    }
    json!({ "data": row }).to_string().into_response()
}

#[tokio::test]
async fn setup_makes_everything_once_and_then_finds_it() {
    let (workspace, attio) = Workspace::start().await;
    let first = attio.setup(false).await.expect("set up");
    assert!(first.is_clean(), "{first:?}");
    assert_eq!(first.existing, ["object `companies`", "object `people`"]);
    for line in [
        "object `subscriptions`",
        "attribute `subscriptions.external_id` (text)",
        "attribute `subscriptions.action_needed` (text)",
        "attribute `billing_transactions.amount` (currency)",
        "`Paid` among the statuses of `billing_transactions.transaction_status`",
        "`Past due` among the options of `companies.billing_summary`",
    ] {
        assert!(first.created.iter().any(|made| made == line), "{line} was not made: {:?}", first.created);
    }
    let writes = workspace.writes().len();
    let second = attio.setup(false).await.expect("set up again");
    assert!(second.created.is_empty() && second.is_clean(), "{second:?}");
    assert_eq!(second.existing.len(), first.created.len() + 2);
    assert_eq!(workspace.writes().len(), writes);
}

#[tokio::test]
async fn what_is_made_is_unique_referring_and_in_the_workspaces_currency() {
    let (workspace, attio) = Workspace::start().await;
    attio.setup(false).await.expect("set up");
    let rows = workspace.rows.lock().expect("no panic holds it").clone();
    let row = |object: &str, slug: &str| {
        let rows = &rows[&format!("/v2/objects/{object}/attributes")];
        rows.iter().find(|row| row["api_slug"] == json!(slug)).expect("made").clone()
    };
    assert_eq!(row("subscriptions", "external_id")["is_unique"], json!(true));
    assert_eq!(row("companies", "zoho_customer_id")["is_unique"], json!(false), "Attio refuses it there");
    assert_eq!(row("subscriptions", "customer_company")["relationship"]["object"], json!("companies"));
    let amount = row("billing_transactions", "amount");
    assert_eq!(amount["config"], json!({ "currency": { "default_currency_code": "EUR", "display_type": "symbol" } }));
    for key in ["title", "description", "api_slug", "type", "is_required", "is_unique", "is_multiselect", "config"] {
        assert!(amount.get(key).is_some(), "Attio requires {key}");
    }
}

#[tokio::test]
async fn a_currency_that_attio_does_not_know_becomes_a_plain_number() {
    let (workspace, attio) = Workspace::start_in(Currency::KWD).await;
    assert!(attio.setup(false).await.expect("set up").is_clean());
    let rows = workspace.rows.lock().expect("no panic holds it").clone();
    let rows = &rows["/v2/objects/billing_transactions/attributes"];
    let amount = rows.iter().find(|row| row["api_slug"] == json!("amount")).expect("made");
    assert_eq!((&amount["type"], &amount["config"]), (&json!("number"), &json!({})));
}

#[tokio::test]
async fn a_check_changes_nothing_and_names_what_is_missing() {
    let (workspace, attio) = Workspace::start().await;
    let report = attio.setup(true).await.expect("checked");
    assert!(workspace.writes().is_empty());
    assert!(report.created.is_empty() && !report.is_clean());
    assert!(report.missing.iter().any(|line| line == "attribute `companies.zoho_customer_id` (text)"));
    assert!(report.missing.iter().any(|line| line.starts_with("object `billing_transactions` with ")));
}

#[tokio::test]
async fn a_difference_is_reported_left_alone_and_an_archived_thing_restored() {
    let (workspace, attio) = Workspace::start().await;
    attio.setup(false).await.expect("set up");
    workspace.change("/v2/objects/subscriptions/attributes", |row| {
        if row["api_slug"] == json!("external_id") {
            row["is_unique"] = json!(false);
        }
        if row["api_slug"] == json!("amount") {
            row["config"]["currency"]["default_currency_code"] = json!("USD");
        }
    });
    workspace.change("/v2/objects/companies/attributes/billing_summary/options", |row| {
        row["is_archived"] = json!(row["title"] == json!("Past due"));
    });
    let writes = workspace.writes().len();
    let check = attio.setup(true).await.expect("checked");
    assert_eq!(check.drift.len(), 2, "{:?}", check.drift);
    assert!(check.drift[0].starts_with("attribute `subscriptions.external_id` (text) is not unique;"));
    assert!(check.drift[1].contains("is in USD instead of EUR"), "{:?}", check.drift);
    assert!(check.lines().last().is_some_and(|line| line.starts_with("differs  attribute ")));
    assert_eq!(check.missing, ["`Past due` among the options of `companies.billing_summary` (archived)"]);
    let mended = attio.setup(false).await.expect("mended");
    assert_eq!((mended.created.len(), mended.drift.len()), (1, 2));
    assert_eq!(
        workspace.writes()[writes..],
        ["PATCH /v2/objects/companies/attributes/billing_summary/options/Past%20due".to_owned()]
    );
}

#[tokio::test]
async fn setup_waits_where_attio_asks_it_to() {
    let (workspace, attio) = Workspace::start().await;
    *workspace.limited.lock().expect("no panic holds it") = 1;
    assert!(attio.setup(false).await.expect("set up").is_clean());
}

#[tokio::test]
async fn a_webhook_is_made_once_and_replaced_where_its_secret_is_lost() {
    let (workspace, attio) = Workspace::start().await;
    let error = attio.ensure_webhook("https://x.test/webhooks/attio", false).await.expect_err("nothing to refer to");
    assert!(error.to_string().contains("service_plans"), "{error}");
    attio.setup(false).await.expect("set up");
    let made = attio.ensure_webhook("https://x.test/webhooks/attio", false).await.expect("made");
    assert!(matches!(made, Webhook::Created { .. }) && !format!("{made:?}").contains("shown once"));
    let subscriptions = workspace.rows.lock().expect("no panic holds it")["/v2/webhooks"][0]["subscriptions"].clone();
    let press = json!({ "event_type": "record.updated", "filter": { "$and": [
        { "field": "id.object_id", "operator": "equals", "value": "id-subscriptions" },
        { "field": "id.attribute_id", "operator": "equals", "value": "id-sync_action" },
        { "field": "actor.type", "operator": "equals", "value": "workspace-member" } ] } });
    assert!(subscriptions.as_array().expect("a list").contains(&press), "{subscriptions}");
    let kept = attio.ensure_webhook("https://x.test/webhooks/attio", true).await.expect("kept");
    assert!(matches!(kept, Webhook::Existing { .. }));
    let replaced = attio.ensure_webhook("https://x.test/webhooks/attio", false).await.expect("replaced");
    assert!(matches!(replaced, Webhook::Created { .. }));
    assert_eq!(workspace.writes().iter().filter(|w| w.starts_with("DELETE")).count(), 1);
}
