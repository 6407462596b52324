//! `vendors check`, the real program against the simulated vendors.

use crate::cli::{program, told};
use crate::sandbox_caller::Sandbox;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::process::Command;

const DEPARTMENT: &str = "1892000000006907";
/// A name, an address and a card, which no report may show.
const PERSON: [&str; 3] = ["Lovelace", "ada@example.com", "1881"];

/// A world in which something of each kind is there, and Attio has the data model.
async fn world() -> Sandbox {
    let sandbox = Sandbox::start().await;
    sandbox.order("/limits", json!({"hold": false})).await;
    let act = async |vendor: &str, act: &str, fields: Value| {
        let mut order = json!({"vendor": vendor, "act": act});
        order.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        sandbox.order("/staff", order).await
    };
    act("zoho", "create_plan", json!({"plan_code": "pro", "price": 4_900})).await;
    act("zoho", "add_addon", json!({"addon_code": "seat", "price": 100, "of_plan": "pro"})).await;
    act("zoho", "add_coupon", json!({"coupon_code": "ten", "percentage": "10", "of_plan": "pro"})).await;
    let person = json!({"display_name": "Ada Lovelace", "email": "ada@example.com", "currency_code": "EUR"});
    let customer = act("zoho", "create_customer", person).await["customer_id"].clone();
    let sold = json!({"customer_id": customer, "plan_code": "pro", "price": 4_900, "reference_id": "demo1.sub.1.1"});
    act("zoho", "create_subscription", sold).await;
    act("zoho_crm", "create_record", json!({"module": "Contacts", "values": {"Last_Name": "Lovelace"}})).await;
    let ada = json!({"customer": {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}, "token": "tok1"});
    act("braintree", "vault_customer", ada).await;
    act("braintree", "create_plan", json!({"id": "gold", "price": "10.00", "billing_frequency": 1})).await;
    let own = &sandbox.world.credentials.braintree;
    let sale = json!({"transaction": {"type": "sale", "amount": "12.00", "payment_method_token": "tok1",
        "order_id": "demo1.inv.1.1", "merchant_account_id": "sandbox_eur", "options": {"submit_for_settlement": true}}});
    let path = format!("/merchants/{}/transactions", own.merchant_id);
    let sold = sandbox.client.post(sandbox.url(&path)).basic_auth(&own.public_key, Some(&own.private_key));
    assert_eq!(sold.header("x-apiversion", "6").json(&sale).send().await.unwrap().status().as_u16(), 201);
    let (code, _, errors) = run(&sandbox, &["setup"]).await;
    assert_eq!(code, 0, "{errors}");
    let record = json!({"object": "subscriptions", "values": {"name": ["Lovelace"], "sync_action": ["Start"]}});
    act("attio", "create_record", record).await;
    sandbox
}

/// Exit code, stdout and stderr of a command with what opens the simulated vendors in its environment.
async fn run(sandbox: &Sandbox, args: &[&str]) -> (i32, String, String) {
    told(with_credentials(sandbox, program(args)).output().await.unwrap())
}

fn with_credentials(sandbox: &Sandbox, mut command: Command) -> Command {
    let own = &sandbox.world.credentials;
    let url = sandbox.url("");
    command.envs([
        ("ATTIO_BASE_URL", url.as_str()),
        ("ATTIO_API_KEY", &own.attio.api_key),
        ("BRAINTREE_BASE_URL", &url),
        ("BRAINTREE_MERCHANT_ID", &own.braintree.merchant_id),
        ("BRAINTREE_PUBLIC_KEY", &own.braintree.public_key),
        ("BRAINTREE_PRIVATE_KEY", &own.braintree.private_key),
        ("BRAINTREE_MERCHANT_ACCOUNTS", "EUR=sandbox_eur,USD=sandbox_usd"),
        ("ZOHO_ACCOUNTS_URL", &url),
        ("ZOHO_API_URL", &url),
        ("ZOHO_ORGANIZATION_ID", &own.zoho.organization_id),
        ("ZOHO_CLIENT_ID", &own.zoho.client_id),
        ("ZOHO_CLIENT_SECRET", &own.zoho.client_secret),
        ("ZOHO_REFRESH_TOKEN", &own.zoho.refresh_token),
        ("ZOHO_WEBHOOK_SECRET", &own.zoho.webhook_secret),
        ("ZOHO_DESK_URL", &url),
        ("ZOHO_DESK_ORGANIZATION_ID", &own.zoho.desk_organization_id),
        ("ZOHO_DESK_DEPARTMENT_ID", DEPARTMENT),
    ]);
    command
}

/// Exit code and report, of which nothing is secret or personal.
async fn check(sandbox: &Sandbox, args: &[&str]) -> (i32, Value) {
    let (code, out, errors) = run(sandbox, &[&["vendors", "check", "--json"], args].concat()).await;
    let own = &sandbox.world.credentials;
    let secrets = [&own.attio.api_key, &own.braintree.private_key, &own.zoho.client_secret, &own.zoho.refresh_token];
    for hidden in secrets.into_iter().map(String::as_str).chain(PERSON) {
        assert!(!out.contains(hidden) && !errors.contains(hidden), "{hidden} in {out}{errors}");
    }
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{errors}")))
}

/// What is in that state, as `system: check: found`.
fn told_as(report: &Value, state: &str) -> Vec<String> {
    let of = report["findings"].as_array().unwrap().iter().filter(|finding| finding["state"] == state);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    of.map(|f| format!("{}: {}: {}", text(&f["system"]), text(&f["check"]), text(&f["found"]))).collect()
}

async fn alter(sandbox: &Sandbox, vendor: &str, operation: &str, from: &str, to: &str) {
    let fault = json!({"vendor": vendor, "operation": operation, "kind": "alter", "replace": {from: to}});
    sandbox.order("/faults", fault).await;
}

#[tokio::test]
async fn nothing_differs_in_the_simulated_vendors_and_nothing_but_reads_leaves() {
    const READS: [&str; 9] =
        [".get", ".list", ".find", ".search", ".search_page", ".query", "query", "_summary", ".refresh"];
    let sandbox = world().await;
    let (_, before) = sandbox.control(Method::GET, "/exchanges", Value::Null).await;
    let last = before.as_array().unwrap().last().unwrap()["number"].as_u64().unwrap();
    let (code, report) = check(&sandbox, &[]).await;
    assert_eq!(told_as(&report, "differs"), Vec::<String>::new());
    assert_eq!((code, &report["unasked"]), (0, &json!(0)), "{:?}", told_as(&report, "unasked"));
    let (_, exchanges) = sandbox.control(Method::GET, &format!("/exchanges?after={last}"), Value::Null).await;
    let asked: Vec<_> = exchanges.as_array().unwrap().iter().map(|e| e["operation"].as_str().unwrap()).collect();
    assert!(asked.len() > 50, "{asked:?}");
    for operation in asked {
        assert!(READS.iter().any(|end| operation.ends_with(end)), "{operation} is no read");
    }
    let systems = ["braintree", "zoho_accounts", "zoho_billing", "zoho_crm", "zoho_desk", "attio"];
    for system in systems {
        assert!(told_as(&report, "same").iter().any(|line| line.starts_with(system)), "{system}");
    }
    let points = report["points"].as_array().unwrap();
    let answer = |point: &str| points.iter().find(|p| p["point"] == point).unwrap()["answer"].clone();
    assert_eq!((answer("search_slice"), answer("reference_filter")), (json!("50"), json!("it does")));
    assert_eq!((answer("press_identity"), answer("at_most_once_keys")), (json!("it does: `active_from`"), Value::Null));
    for point in points {
        assert!(point["answer"].is_string() != point["otherwise"].is_string(), "{point}");
    }
}

#[tokio::test]
async fn what_differs_is_named_with_its_field_and_no_value_of_it() {
    let sandbox = world().await;
    alter(&sandbox, "zoho", "invoice.list", "\"status\":\"sent\"", "\"status\":\"frozen\"").await;
    alter(&sandbox, "zoho", "customer.get", "\"price_precision\":2", "\"price_precision\":3").await;
    alter(&sandbox, "zoho_crm", "field.list", "Platform_User_Id", "Another_Id").await;
    alter(&sandbox, "braintree", "merchant_account.list", ">EUR<", ">CHF<").await;
    alter(&sandbox, "braintree", "transaction.search_page", "<created-at type=\"datetime\">", "<made-at>").await;
    alter(&sandbox, "attio", "record.query", "\"title\":\"Start\"", "\"title\":\"Begin\"").await;
    let (code, report) = check(&sandbox, &[]).await;
    let differs = told_as(&report, "differs").join("\n");
    assert_eq!(code, 1, "{differs}");
    for line in [
        "zoho_billing: invoices: `status` has the unknown word `frozen` (1 of 1)",
        "zoho_billing: decimals of EUR: Zoho 3, ISO 4217 2",
        "zoho_crm: `Contacts.Platform_User_Id`: is missing",
        "braintree: merchant account of EUR: is of CHF",
        "attio: `subscriptions.sync_action`: holds titles that we do not know: Begin",
    ] {
        assert!(differs.contains(line), "{line} in\n{differs}");
    }
}

#[tokio::test]
async fn a_vendor_that_is_down_hides_no_other() {
    let sandbox = world().await;
    sandbox.order("/faults", json!({"vendor": "braintree", "operation": "*", "kind": "status", "status": 503})).await;
    let (code, report) = check(&sandbox, &[]).await;
    assert_eq!(code, 2);
    assert_eq!(told_as(&report, "unasked"), ["braintree: reachable: the gateway answered 503 Service Unavailable"]);
    assert_eq!(told_as(&report, "differs"), Vec::<String>::new());
    assert!(told_as(&report, "same").iter().any(|line| line.starts_with("attio: records of subscriptions")));
    let (code, only) = check(&sandbox, &["--vendor", "attio"]).await;
    assert_eq!(code, 0, "{only}");
    assert!(only["points"].as_array().unwrap().iter().all(|point| point["system"] == "attio"));
}

#[tokio::test]
async fn one_vendor_needs_the_settings_of_no_other_and_people_get_a_table() {
    let sandbox = world().await;
    let mut command = program(&["vendors", "check", "--vendor", "attio"]);
    command.envs([
        ("ATTIO_BASE_URL", sandbox.url("").as_str()),
        ("ATTIO_API_KEY", &sandbox.world.credentials.attio.api_key),
    ]);
    let (code, out, errors) = told(command.output().await.unwrap());
    assert_eq!(code, 0, "{errors}");
    assert!(out.contains("settled now") && out.contains("still open"), "{out}");
    assert!(errors.contains("Attio: data model and scopes …"), "{errors}");
    let (code, out, _) = told(program(&["vendors", "check", "--vendor", "zoho"]).output().await.unwrap());
    assert_eq!(code, 2);
    assert!(out.contains("ZOHO_REFRESH_TOKEN is not set"), "{out}");
}

#[tokio::test]
async fn a_refused_key_is_not_taken_for_a_difference() {
    let sandbox = world().await;
    let mut command = with_credentials(&sandbox, program(&["vendors", "check", "--vendor", "attio", "--json"]));
    command.env("ATTIO_API_KEY", "nobody");
    let (code, out, _) = told(command.output().await.unwrap());
    assert_eq!(code, 2);
    assert!(out.contains("knows no active key"), "{out}");
}
