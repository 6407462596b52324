//! Setup against a small workspace that remembers what was made.

use super::*;
use crate::connectors::attio::{Config, Webhook};
use crate::connectors::http::Http;
use axum::Router;
use axum::extract::State as Shared;
use axum::http::{Method as Verb, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use iso_currency::Currency;
use reqwest::Url;
use std::sync::{Arc, Mutex};

/// Things in that state, as they are called.
fn things(report: &Report, state: State) -> Vec<&str> {
    report.findings.iter().filter(|f| f.state == state).map(|f| f.what.as_str()).collect()
}

/// What was made, by path: one list of rows each.
type Rows = BTreeMap<String, Vec<Json>>;

#[derive(Clone, Default)]
struct Workspace {
    rows: Arc<Mutex<Rows>>,
    writes: Arc<Mutex<Vec<String>>>,
    /// How many further writes are answered with 429.
    limited: Arc<Mutex<u32>>,
    /// How many objects the plan allows; none: any number.
    objects: Arc<Mutex<Option<usize>>>,
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
        let config = Config { base_url, api_key: "key".into(), currency, task_owner: None };
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

async fn answer(Shared(workspace): Shared<Workspace>, verb: Verb, uri: Uri, body: String) -> Response {
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
    if let Some((code, status)) = refusal(&workspace, &verb, path, &body) {
        return (status, json!({ "status_code": status.as_u16(), "code": code, "message": "" }).to_string())
            .into_response();
    }
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
            if old["id"]["webhook_id"] == json!(name) {
                old["subscriptions"] = row["subscriptions"].clone();
            }
        });
    }
    json!({ "data": row }).to_string().into_response()
}

/// What Attio would not take: an object too many, an attribute whose slug or other side is taken.
fn refusal(workspace: &Workspace, verb: &Verb, path: &str, body: &str) -> Option<(&'static str, StatusCode)> {
    let data = serde_json::from_str::<Json>(body).ok()?["data"].take();
    let rows = workspace.rows.lock().expect("no panic holds it");
    if verb != Verb::POST {
        return None;
    }
    let allowed = *workspace.objects.lock().expect("no panic holds it");
    if path == "/v2/objects" && allowed.is_some_and(|n| rows[path].len() >= n) {
        return Some(("quota_exceeded", StatusCode::BAD_REQUEST));
    }
    let side = &data["relationship"];
    let other = format!("/v2/objects/{}/attributes", side["object"].as_str()?);
    let taken = rows.get(&other)?.iter().any(|row| row["api_slug"] == side["api_slug"]);
    taken.then_some(("slug_conflict", StatusCode::CONFLICT))
}

#[tokio::test]
async fn setup_makes_everything_once_and_then_finds_it() {
    let (workspace, attio) = Workspace::start().await;
    let first = attio.setup(false).await.expect("set up");
    assert!(first.is_clean(), "{first:?}");
    assert_eq!(things(&first, State::Exists), ["object `companies`", "object `people`"]);
    assert_eq!((first.quota.objects, first.quota.missing), (5, 0));
    for line in [
        "object `subscriptions`",
        "attribute `subscriptions.external_id` (text)",
        "attribute `subscriptions.action_needed` (text)",
        "attribute `billing_transactions.amount` (currency)",
        "attribute `subscriptions.addons` (record-reference)",
        "attribute `people.payment_method_on_file` (checkbox)",
        "`Send portal link` among the options of `subscriptions.sync_action`",
        "`Paid` among the statuses of `billing_transactions.transaction_status`",
        "`Past due` among the options of `companies.billing_summary`",
    ] {
        assert!(things(&first, State::Created).contains(&line), "{line} was not made: {first:?}");
    }
    let writes = workspace.writes().len();
    let second = attio.setup(false).await.expect("set up again");
    assert!(second.is_clean(), "{second:?}");
    assert_eq!((second.count(State::Exists), second.findings.len()), (first.findings.len(), first.findings.len()));
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
    for (object, slug) in [("subscriptions", "addons"), ("people", "compliance"), ("companies", "compliance")] {
        assert_eq!(row(object, slug)["is_multiselect"], json!(true), "{object}.{slug}");
    }
    assert_eq!(row("subscriptions", "plan")["is_multiselect"], json!(false));
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
    assert!(!report.is_clean() && report.count(State::Created) == 0);
    let missing = things(&report, State::Missing);
    assert!(missing.contains(&"attribute `companies.zoho_customer_id` (text)"), "{missing:?}");
    assert!(missing.contains(&"object `billing_transactions`"), "{missing:?}");
    assert_eq!((report.quota.objects, report.quota.missing), (2, 3));
    assert_eq!(report.consequences.len(), 3);
    let open = report.findings.iter().filter(|f| f.state != State::Exists);
    for finding in open {
        assert!(!finding.cure.is_empty(), "nothing to do about {finding:?}");
    }
}

#[tokio::test]
async fn where_the_plan_allows_three_objects_the_rest_is_made_and_what_does_not_work_is_said() {
    let (workspace, attio) = Workspace::start().await;
    *workspace.objects.lock().expect("no panic holds it") = Some(3);
    let report = attio.setup(false).await.expect("set up");
    assert_eq!((report.quota.objects, report.quota.missing, report.quota.refused), (3, 2, true));
    assert!(things(&report, State::Created).contains(&"object `subscriptions`"), "the one that counts most");
    let missing = things(&report, State::Missing);
    for line in [
        "object `service_plans`",
        "object `billing_transactions`",
        "attribute `subscriptions.plan` (record-reference)",
        "attribute `subscriptions.addons` (record-reference)",
    ] {
        assert!(missing.contains(&line), "{missing:?}");
    }
    assert_eq!(missing.len(), 4, "{missing:?}");
    assert!(report.consequences[0].contains("no plan or add-on can be chosen"), "{:?}", report.consequences);
    let made = attio.ensure_webhook("https://x.test/webhooks/attio", false).await.expect("made of what there is");
    assert!(matches!(made, Webhook::Created { .. }));
    *workspace.objects.lock().expect("no panic holds it") = Some(5);
    assert!(attio.setup(false).await.expect("the plan was enlarged").is_clean());
    let list = attio.check_webhook(None).await.expect("checked");
    assert!(list[0].state == State::Differs && list[0].detail.contains("other events"), "{list:?}");
}

#[tokio::test]
async fn an_attribute_whose_other_side_is_taken_is_not_reported_as_made() {
    let (workspace, attio) = Workspace::start().await;
    workspace.add(
        "/v2/objects/people/attributes",
        json!({ "api_slug": "subscriptions", "type": "text",
        "id": { "attribute_id": "a" } }),
    );
    let report = attio.setup(false).await.expect("set up");
    let [finding] = report.findings.iter().filter(|f| f.state == State::Differs).collect::<Vec<_>>()[..] else {
        panic!("{report:?}")
    };
    assert_eq!(finding.what, "attribute `subscriptions.customer_person` (record-reference)");
    assert!(finding.detail.contains("`people.subscriptions` is taken"), "{finding:?}");
}

#[tokio::test]
async fn a_difference_is_reported_left_alone_and_an_archived_thing_restored() {
    let (workspace, attio) = Workspace::start().await;
    attio.setup(false).await.expect("set up");
    workspace.change("/v2/objects/subscriptions/attributes", |row| {
        if row["api_slug"] == json!("external_id") {
            row["is_unique"] = json!(false);
        }
        if row["api_slug"] == json!("quantity") {
            row["type"] = json!("text");
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
    let drift: Vec<_> = check.findings.iter().filter(|f| f.state == State::Differs).collect();
    assert_eq!(drift.len(), 3, "{drift:?}");
    assert_eq!(drift[0].what, "attribute `subscriptions.external_id` (text)");
    assert_eq!(
        (drift[0].detail.as_str(), drift[0].cure.as_str()),
        ("is not unique", "make it unique in Attio's settings")
    );
    assert_eq!(drift[1].detail, "is of type text instead of number");
    assert_eq!(drift[2].detail, "is in USD instead of EUR");
    assert_eq!(things(&check, State::Archived), ["`Past due` among the options of `companies.billing_summary`"]);
    let mended = attio.setup(false).await.expect("mended");
    assert_eq!((mended.count(State::Mended), mended.count(State::Differs)), (1, 3));
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
    assert!(error.to_string().contains("subscriptions.sync_action"), "{error}");
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

#[tokio::test]
async fn a_webhook_that_drifted_is_told_and_brought_in_line_with_its_secret_kept() {
    let (workspace, attio) = Workspace::start().await;
    let url = "https://x.test/webhooks/attio";
    let check = async |url| attio.check_webhook(url).await.expect("checked").remove(0);
    assert_eq!(check(None).await.state, State::Missing);
    attio.setup(false).await.expect("set up");
    attio.ensure_webhook(url, false).await.expect("made");
    assert_eq!((check(None).await.state, check(Some(url)).await.state), (State::Exists, State::Exists));
    let other = check(Some("https://y.test/webhooks/attio")).await;
    assert!(other.state == State::Differs && other.detail.contains("y.test"), "{other:?}");
    assert_eq!(check(Some("https://y.test/elsewhere")).await.state, State::Differs);
    workspace.change("/v2/webhooks", |row| row["status"] = json!("degraded"));
    let degraded = check(None).await;
    assert!(degraded.state == State::Differs && degraded.detail.contains("degraded"), "{degraded:?}");
    workspace.change("/v2/webhooks", |row| {
        row["status"] = json!("active");
        row["subscriptions"].as_array_mut().expect("a list").pop();
    });
    assert!(check(None).await.detail.contains("other events"));
    let mended = attio.ensure_webhook(url, true).await.expect("mended");
    assert!(matches!(mended, Webhook::Mended { .. }));
    let writes = workspace.writes();
    assert_eq!(writes.last().map(String::as_str), Some("PATCH /v2/webhooks/w1"));
    assert!(!writes.iter().any(|w| w.starts_with("DELETE")));
    assert_eq!(check(Some(url)).await.state, State::Exists);
}
