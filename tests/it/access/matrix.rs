//! The table, cell by cell, through the API. What is expected stands here in full: the table in the code is what is judged.

use crate::outside::{Outside, problem};
use attio_billing::access::{self, Act, Holder, ROUTES, Reach, Role};
use reqwest::{Method, StatusCode};
use sagas::kernel::verb::Verb;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const ALL: &str = "viewer support finance finance_approver operator admin auditor";
const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// Each route with a harmless request, and the roles that get past the door and past the table behind it.
fn expected() -> Vec<(&'static str, String, Value, &'static str)> {
    let order = |verb: &str| json!({"order": {"verb": verb}, "reason": "x"});
    let skip = json!({"order": {"verb": "skip", "step": "take", "reference": "x"}, "reason": "x"});
    let declare = json!({"order": {"verb": "declare-done", "reference": "x"}, "reason": "x"});
    let later = json!({"order": {"verb": "move-due", "to": "2026-12-01T08:00:00Z"}, "reason": "x"});
    let why = json!({"reason": "x"});
    let saga = |path: &str| format!("/sagas/{NOBODY}{path}");
    let mut rows = vec![
        ("GET", "/openapi.json".to_owned(), Value::Null, ALL),
        ("GET", "/sagas".to_owned(), Value::Null, ALL),
        ("GET", saga(""), Value::Null, ALL),
        ("GET", saga("/explanation"), Value::Null, ALL),
        ("POST", saga("/preview"), order("compensate"), ALL),
        ("POST", saga("/resume"), why.clone(), "operator admin"),
        ("POST", saga("/decide"), json!({"choice": "leave", "reason": "x"}), "operator admin"),
        ("GET", "/requests".to_owned(), Value::Null, ALL),
        ("POST", format!("/requests/{NOBODY}/approve"), why.clone(), "finance_approver"),
        // Whoever may ask may take back what they asked.
        ("POST", format!("/requests/{NOBODY}/reject"), why.clone(), "finance_approver operator admin"),
        ("GET", "/bulk".to_owned(), Value::Null, ALL),
        ("GET", format!("/bulk/{NOBODY}"), Value::Null, ALL),
        ("POST", "/bulk".to_owned(), json!({"verb": "retry", "reason": "x"}), "operator admin"),
        ("POST", format!("/bulk/{NOBODY}/approve"), Value::Null, "finance_approver"),
        ("POST", format!("/bulk/{NOBODY}/cancel"), Value::Null, "operator admin"),
        ("POST", "/activations".to_owned(), json!({}), "support finance operator platform"),
        ("POST", "/catalog/sync".to_owned(), json!({}), "operator admin"),
        ("POST", "/crm-checks".to_owned(), json!({}), "operator admin"),
        ("POST", "/card-links".to_owned(), json!({}), "support finance operator platform"),
        ("POST", "/tickets".to_owned(), json!({}), "operator admin"),
        ("POST", "/signups".to_owned(), json!({}), "support finance operator platform"),
        ("GET", format!("/signups/{NOBODY}"), Value::Null, "support finance operator admin platform"),
        ("POST", format!("/signups/{NOBODY}/trial"), json!({}), "support finance operator admin platform"),
        ("PATCH", format!("/people/{NOBODY}"), json!({}), "support finance operator admin platform"),
        ("POST", format!("/people/{NOBODY}/checks"), Value::Null, "operator admin"),
        ("POST", "/cancellations".to_owned(), json!({}), "support finance operator platform"),
        ("POST", format!("/cancellations/{NOBODY}/choice"), why.clone(), "finance finance_approver"),
        ("POST", "/erasures".to_owned(), json!({}), "admin"),
        ("POST", format!("/erasures/{NOBODY}/confirm"), json!({"preview": 1, "reason": "x"}), "admin"),
        ("POST", format!("/erasures/{NOBODY}/withdraw"), why.clone(), "admin"),
        ("POST", format!("/erasures/{NOBODY}/hold"), json!({"case": "12", "reason": "x"}), "admin"),
        ("POST", format!("/erasures/{NOBODY}/lift"), why.clone(), "admin"),
        ("GET", format!("/erasures/{NOBODY}/certificate"), Value::Null, "admin"),
        ("POST", "/plan-changes".to_owned(), json!({}), "support finance operator platform"),
        ("GET", format!("/plan-changes/{NOBODY}"), Value::Null, "support finance operator platform"),
        ("POST", format!("/plan-changes/{NOBODY}/acceptance"), json!({}), "support finance operator platform"),
        ("POST", format!("/plan-changes/{NOBODY}/cancel"), why.clone(), "support finance operator platform"),
        ("POST", "/refunds".to_owned(), json!({}), "finance"),
        ("POST", "/refunds/preview".to_owned(), json!({}), "finance"),
        ("POST", format!("/refunds/{NOBODY}/approve"), why.clone(), "finance_approver"),
        // Whoever may ask may take back what they asked.
        ("POST", format!("/refunds/{NOBODY}/reject"), why.clone(), "finance finance_approver"),
        ("POST", format!("/refunds/{NOBODY}/decide"), json!({"choice": "withdraw", "reason": "x"}), "finance"),
        ("POST", "/hand-overs".to_owned(), json!({}), "finance"),
        ("POST", "/hand-overs/preview".to_owned(), json!({}), "finance"),
        ("GET", format!("/hand-overs/{NOBODY}"), Value::Null, ALL),
        ("POST", format!("/hand-overs/{NOBODY}/approve"), why.clone(), "finance_approver"),
        // Whoever may ask may take back what they asked.
        ("POST", format!("/hand-overs/{NOBODY}/stop"), why.clone(), "finance finance_approver"),
        ("POST", format!("/hand-overs/{NOBODY}/decide"), json!({"choice": "leave", "reason": "x"}), "finance"),
        ("POST", format!("/hand-overs/{NOBODY}/redirect"), why.clone(), "finance"),
        ("GET", format!("/disputes/{NOBODY}"), Value::Null, ALL),
        ("POST", format!("/disputes/{NOBODY}/submit"), why.clone(), "finance finance_approver"),
        ("POST", format!("/disputes/{NOBODY}/accept"), why.clone(), "finance finance_approver"),
        ("POST", format!("/disputes/{NOBODY}/close"), why.clone(), "finance finance_approver"),
        ("GET", "/transactions".to_owned(), Value::Null, "viewer finance finance_approver operator admin auditor"),
        ("GET", "/transactions?customer=acme".to_owned(), Value::Null, ALL),
        ("GET", "/transactions.csv".to_owned(), Value::Null, "finance finance_approver auditor"),
        ("GET", "/inbox/summary".to_owned(), Value::Null, ALL),
        ("GET", "/inbox/deliveries".to_owned(), Value::Null, ALL),
        ("GET", "/forecast".to_owned(), Value::Null, ALL),
        ("GET", "/reconciliation/runs".to_owned(), Value::Null, ALL),
        ("GET", format!("/reconciliation/runs/{NOBODY}"), Value::Null, ALL),
        // Of all customers at once.
        (
            "GET",
            format!("/reconciliation/runs/{NOBODY}/report"),
            Value::Null,
            "viewer finance finance_approver operator admin auditor",
        ),
        ("POST", "/reconciliation/runs".to_owned(), json!({"legs": ["R99"]}), "finance finance_approver operator"),
        ("POST", format!("/reconciliation/runs/{NOBODY}/stop"), Value::Null, "finance finance_approver operator"),
        ("POST", format!("/reconciliation/runs/{NOBODY}/resume"), Value::Null, "finance finance_approver operator"),
        (
            "GET",
            "/reconciliation/findings".to_owned(),
            Value::Null,
            "viewer finance finance_approver operator admin auditor",
        ),
        ("GET", "/reconciliation/findings?customer=acme".to_owned(), Value::Null, ALL),
        ("GET", "/reconciliation/findings.csv".to_owned(), Value::Null, "finance finance_approver auditor"),
        ("GET", format!("/reconciliation/findings/{NOBODY}"), Value::Null, ALL),
        (
            "POST",
            format!("/reconciliation/findings/{NOBODY}/decide"),
            json!({"decision": "ignore", "reason": "x"}),
            "support finance operator",
        ),
        (
            "POST",
            format!("/reconciliation/findings/{NOBODY}/approve"),
            json!({"decision": "ignore", "reason": "x"}),
            "finance finance_approver",
        ),
        ("GET", "/tokens".to_owned(), Value::Null, "admin auditor"),
        ("POST", "/tokens".to_owned(), json!({}), "admin"),
        ("POST", format!("/tokens/{NOBODY}/approve"), Value::Null, "admin"),
        ("DELETE", format!("/tokens/{NOBODY}?reason=x"), Value::Null, "admin"),
    ];
    for body in [order("resume"), order("retry"), order("pause"), later] {
        rows.push(("POST", saga("/orders"), body, "operator admin"));
    }
    for body in [skip, declare, order("declare-not-done"), order("compensate"), order("abandon")] {
        rows.push(("POST", saga("/orders"), body, "operator admin"));
    }
    rows
}

#[tokio::test]
async fn each_role_gets_where_the_table_lets_it_and_nowhere_else() {
    let out = Outside::start().await;
    let mut tokens = BTreeMap::new();
    for role in Role::ALL {
        let name = format!("a-{}", role.as_str().replace('_', "-"));
        tokens.insert(role, out.token_of(&name, Holder::Person, role).await);
    }
    let mut walked = BTreeSet::new();
    for (method, path, body, roles) in expected() {
        let pattern = path.split('?').next().unwrap().replace(NOBODY, "{id}");
        walked.insert((method.to_owned(), pattern));
        let method: Method = method.parse().unwrap();
        for role in Role::ALL {
            let request = out.api_as(&tokens[&role], method.clone(), &path).json(&body);
            let answer = request.send().await.unwrap();
            let may = roles.split(' ').any(|word| word == role.as_str());
            if may {
                let status = answer.status();
                let let_in = status != StatusCode::FORBIDDEN && status != StatusCode::UNAUTHORIZED;
                assert!(let_in, "{role} at {method} {path} {body}: {status}");
                continue;
            }
            let told = problem(answer, StatusCode::FORBIDDEN).await;
            let detail = told["detail"].as_str().unwrap();
            assert!(detail.contains(role.as_str()) && told["hint"].is_string(), "{method} {path} {body}: {told}");
        }
    }
    let routes: BTreeSet<_> = ROUTES.iter().map(|r| (r.method.to_owned(), r.path.to_owned())).collect();
    assert_eq!(walked, routes, "left was walked, right is the table");
    out.end().await;
}

#[tokio::test]
async fn the_table_the_router_and_the_description_name_the_same_routes_and_roles() {
    let out = Outside::start().await;
    let told: Value = out.get("/openapi.json").await;
    let mut described = BTreeSet::from([("GET".to_owned(), "/openapi.json".to_owned())]);
    for (path, methods) in told["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.insert((method.to_uppercase(), path.clone()));
            let roles = operation["x-roles"].as_object().unwrap_or_else(|| panic!("{method} {path} names no roles"));
            assert!(!roles.is_empty() && operation["responses"]["403"].is_object(), "{method} {path}");
        }
    }
    let routes: BTreeSet<_> = ROUTES.iter().map(|r| (r.method.to_owned(), r.path.to_owned())).collect();
    assert_eq!(routes, described, "left is the table, right the description");
    assert_eq!(told["paths"]["/sagas/{id}/decide"]["post"]["x-roles"], json!({"operator": "✓", "admin": "✓"}));
    assert_eq!(told["paths"]["/bulk"]["post"]["x-roles"]["admin"], "✓ ≤ 20, else 2");
    // What is reachable has a door, and what has a door is reachable.
    for row in &access::ROWS {
        let has_route = ROUTES.iter().any(|route| route.acts.contains(&row.act));
        assert_eq!(has_route, row.reach == Reach::Api, "{}", row.what);
    }
    out.end().await;
}

#[test]
fn the_page_shows_the_table_of_the_code() {
    let page = include_str!("../../../docs/access.md");
    for printed in [access::table(), access::routes_table()] {
        assert!(page.contains(&printed), "docs/access.md lacks this, as the code has it:\n\n{printed}");
    }
    for word in Verb::WORDS.iter().filter(|word| !word.contains('-')) {
        let row = [Act::Steer, Act::Repair].into_iter().find(|act| act.row().what.contains(word));
        assert!(row.is_some(), "no row speaks of `{word}`");
    }
}

#[test]
fn the_verbs_that_need_two_persons_by_default_are_those_of_the_table() {
    let settings = include_str!("../../../src/config/approvals.rs");
    let usual = settings.split("const USUAL").nth(1).unwrap().split(';').nth(1).unwrap();
    let usual: BTreeSet<&str> = usual.split('"').skip(1).step_by(2).collect();
    let repair = ["skip", "compensate", "abandon", "declare-done", "declare-not-done"];
    assert_eq!(usual, BTreeSet::from(repair));
    for verb in [Verb::Compensate, Verb::Abandon, Verb::DeclareNotDone] {
        assert_eq!(Act::of_verb(&verb), Act::Repair);
    }
}
