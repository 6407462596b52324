//! The vendors' published OpenAPI documents, reduced to names and types (`tests/oas`): every accepted request and its answer
//! is compared with them when a test ends.

use jsonschema::{ValidationError, error::ValidationErrorKind};
use sandbox::World;
use sandbox::exchanges::Shown;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex};

/// Where a document is known to say something else than the vendor does: operation and part, end of the place in the body.
const KNOWN_FAULTS: &[(&str, &str)] = &[
    // Null in recorded answers: an attribute of another type has no currency.
    ("/v2/", "/config/currency/display_type"),
    ("/v2/", "/config/currency/default_currency_code"),
    // A number whose country Attio cannot tell.
    ("/v2/", "/phone_number/0"),
    // Prices: whole numbers in the examples, and so in the document.
    ("GET /billing/v1/invoices", "/item_total"),
    ("POST /billing/v1/invoices", "/item_total"),
    ("/charge 200", "/item_total"),
    ("POST /billing/v1/invoices request", "/price"),
    // Texts here; objects elsewhere in the same document, and wherever a subscription is read.
    ("GET /billing/v1/hostedpages/{hostedpage_id} 200", "/data/subscription/taxes/0"),
    // Its own SDK sends a number as text.
    ("/crm/v8/actions/watch request", "/channel_id"),
];
/// Named in the text of the vendor's documentation alone: paging and filters.
const NAMED_ELSEWHERE: &[&str] =
    &["page_context", "page", "per_page", "filter_by", "sort_column", "sort_order", "reference_contains"];

static DOCUMENTS: LazyLock<[Document; 3]> = LazyLock::new(|| {
    [
        Document::read(include_str!("../oas/attio.json"), Unknown::Tolerated),
        Document::read(include_str!("../oas/zoho_billing.json"), Unknown::Refused),
        Document::read(include_str!("../oas/zoho_crm.json"), Unknown::Tolerated),
    ]
});

/// Whether a name that the document has nowhere is a fault. Attio's document closes its objects by itself, and a record of
/// Zoho CRM has whatever fields its owner gave it. Zoho Billing's leaves out of one answer what it shows in the next.
#[derive(Clone, Copy, PartialEq)]
enum Unknown {
    Refused,
    Tolerated,
}

/// One document: its operations, and every name in it.
struct Document {
    operations: Vec<Operation>,
    definitions: Value,
    names: BTreeSet<String>,
    checks: Mutex<BTreeMap<String, Arc<jsonschema::Validator>>>,
}

struct Operation {
    method: String,
    path: Vec<String>,
    query: BTreeSet<String>,
    request: Option<Value>,
    answers: BTreeMap<String, Value>,
}

impl Document {
    fn read(text: &str, unknown: Unknown) -> Self {
        let mut document: Value = serde_json::from_str(text).expect("JSON");
        as_json_schema(&mut document, unknown);
        let mut names = NAMED_ELSEWHERE.iter().map(|name| (*name).to_owned()).collect();
        collect_names(&document, &mut names);
        let operations = document["operations"].as_array().expect("operations");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let operations = operations.iter().map(|one| Operation {
            method: text(&one["method"]),
            path: text(&one["path"]).split('/').map(str::to_owned).collect(),
            query: one["query"].as_array().into_iter().flatten().map(text).collect(),
            request: one.get("request").cloned(),
            answers: one["answers"].as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect(),
        });
        let operations = operations.collect();
        Self { operations, definitions: document["$defs"].clone(), names, checks: Mutex::default() }
    }

    /// The operation of a request: of several, the one with the fewest variables in its path.
    fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let parts: Vec<_> = path.split('/').collect();
        let fits = |operation: &&Operation| {
            operation.method == method
                && operation.path.len() == parts.len()
                && operation.path.iter().zip(&parts).all(|(wanted, part)| is_variable(wanted) || wanted == part)
        };
        let variables = |operation: &&Operation| operation.path.iter().filter(|part| is_variable(part)).count();
        self.operations.iter().filter(fits).min_by_key(variables)
    }

    fn check(&self, name: &str, schema: &Value, body: &Value) -> Vec<String> {
        let check = {
            let mut checks = self.checks.lock().expect("no panic holds it");
            let check = checks.entry(name.to_owned()).or_insert_with(|| {
                let whole = json!({"$defs": self.definitions, "allOf": [schema]});
                Arc::new(jsonschema::draft202012::options().build(&whole).expect("a schema"))
            });
            Arc::clone(check)
        };
        let faults = check.iter_errors(body).filter(|fault| !self.is_known(name, fault));
        faults.map(|fault| format!("{name} at `{}`: {fault}", fault.instance_path())).collect()
    }

    fn is_known(&self, name: &str, fault: &ValidationError<'_>) -> bool {
        if let ValidationErrorKind::AdditionalProperties { unexpected } = fault.kind() {
            return unexpected.iter().all(|one| self.names.contains(one));
        }
        let at = fault.instance_path().to_string();
        KNOWN_FAULTS.iter().any(|(operation, end)| name.contains(operation) && at.ends_with(end))
    }
}

/// The names of all fields and parameters, wherever they stand.
fn collect_names(node: &Value, names: &mut BTreeSet<String>) {
    match node {
        Value::Object(fields) => {
            names.extend(fields.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys).cloned());
            let query = fields.get("query").and_then(Value::as_array).into_iter().flatten();
            names.extend(query.filter_map(Value::as_str).map(str::to_owned));
            fields.values().for_each(|below| collect_names(below, names));
        }
        Value::Array(items) => items.iter().for_each(|below| collect_names(below, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_variable(part: &str) -> bool {
    part.starts_with('{')
}

/// OpenAPI's schemas as JSON Schema reads them: alternatives of names and types alone are not exclusive, and an object
/// with named fields has no others.
fn as_json_schema(node: &mut Value, unknown: Unknown) {
    match node {
        Value::Object(fields) => {
            if let Some(alternatives) = fields.remove("oneOf") {
                fields.insert("anyOf".to_owned(), alternatives);
            }
            if unknown == Unknown::Refused && fields.get("properties").is_some_and(Value::is_object) {
                fields.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            fields.values_mut().for_each(|below| as_json_schema(below, unknown));
        }
        Value::Array(items) => items.iter_mut().for_each(|below| as_json_schema(below, unknown)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What in these exchanges, as the control API shows them, is not as published: each fault once. A request that was refused is
/// its caller's affair, and an operation that no document has is none of ours.
pub(crate) fn faults(exchanges: &[Value]) -> BTreeSet<String> {
    exchanges.iter().flat_map(faults_of).collect()
}

fn faults_of(exchange: &Value) -> Vec<String> {
    let text = |field: &str| exchange[field].as_str().unwrap_or_default();
    let status = exchange["status"].as_u64().unwrap_or_default();
    let (path, query) = text("target").split_once('?').unwrap_or((text("target"), ""));
    let found = DOCUMENTS.iter().find_map(|document| Some((document, document.operation(text("method"), path)?)));
    let Some((document, operation)) = found.filter(|_| (200..300).contains(&status)) else { return Vec::new() };
    let name = format!("{} {}", operation.method, operation.path.join("/"));
    let mut faults = Vec::new();
    for (key, _) in url::form_urlencoded::parse(query.as_bytes()) {
        if !operation.query.contains(&*key) && !document.names.contains(&*key) {
            faults.push(format!("{name}: no query parameter `{key}`"));
        }
    }
    if let (Some(schema), Ok(body)) = (&operation.request, serde_json::from_str(text("request"))) {
        faults.extend(document.check(&format!("{name} request"), schema, &body));
    }
    if let (Some(schema), Ok(body)) = (operation.answers.get(&status.to_string()), serde_json::from_str(text("answer")))
    {
        faults.extend(document.check(&format!("{name} {status}"), schema, &body));
    }
    faults
}

/// Fails the test that ends unless all that was said is as published.
pub(crate) fn hold_to(world: &World) {
    if std::thread::panicking() {
        return;
    }
    let exchanges = world.exchanges.list().into_iter().map(|one| serde_json::to_value(Shown::from(one)).unwrap());
    hold(&exchanges.collect::<Vec<_>>());
}

/// Fails unless all that was said is as published.
pub(crate) fn hold(exchanges: &[Value]) {
    let faults: Vec<_> = faults(exchanges).into_iter().collect();
    assert!(faults.is_empty(), "not as the vendor's document says:\n{}", faults.join("\n"));
}

#[test]
fn a_wrong_type_an_invented_name_and_an_unknown_parameter_are_found() {
    let payment = json!({"customer_id": "1", "payment_mode": "others", "amount": "30.00", "date": "2026-11-21",
        "reference_number": "tx", "invoices": [{"invoice_id": "2", "amount_aplied": 30}]});
    let exchange = json!({"method": "POST", "target": "/billing/v1/payments?speed=high", "request": payment.to_string(),
        "status": 201, "answer": r#"{"payment": {"payment_id": 7}}"#});
    let found: Vec<_> = faults(&[exchange.clone(), exchange]).into_iter().collect();
    let about = [
        "POST /billing/v1/payments 201 at `/payment/payment_id`: 7 is not of type \"string\"",
        "POST /billing/v1/payments request at `/amount`: \"30.00\" is not of type \"number\"",
        "POST /billing/v1/payments request at `/invoices/0`: Additional properties are not allowed ('amount_aplied' was unexpected)",
        "POST /billing/v1/payments: no query parameter `speed`",
    ];
    assert_eq!(found, about);
}

#[test]
fn a_refused_request_and_an_operation_of_no_document_are_let_be() {
    let refused = json!({"method": "POST", "target": "/billing/v1/payments", "request": r#"{"amount": "x"}"#,
        "status": 400, "answer": "{}"});
    let nobodys =
        json!({"method": "POST", "target": "/oauth/v2/token", "request": "a=b", "status": 200, "answer": "{}"});
    assert_eq!(faults(&[refused, nobodys]), BTreeSet::new());
}
