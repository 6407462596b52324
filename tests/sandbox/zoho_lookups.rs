//! Who may read and what a read shows: scopes, and look-ups that on order show nothing, too little or too much.

use crate::zoho_caller::{Zoho, refused, text};
use chrono::TimeDelta;
use reqwest::StatusCode;
use sandbox::faults::Kind;
use sandbox::zoho::books;
use serde_json::json;

#[tokio::test]
async fn a_token_opens_only_what_its_grant_was_made_for() {
    let mut zoho = Zoho::start().await;
    let own = zoho.world.credentials.zoho.clone();
    let exchange = async |zoho: &Zoho, scope: &str| {
        let code = text(&zoho.staff(&json!({ "act": "make_grant_code", "scope": scope, "minutes": 10 })), "code");
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", own.client_id.as_str()),
            ("client_secret", &own.client_secret),
            ("code", &code),
        ];
        let first = zoho.tokens(&form).await.json;
        assert_eq!(zoho.tokens(&form).await.json, json!({ "error": "invalid_code" }), "a code is good once");
        first
    };
    let granted = exchange(&zoho, "ZohoSubscriptions.plans.READ,ZohoSubscriptions.customers.ALL").await;
    assert_eq!(granted["scope"], "ZohoSubscriptions.plans.READ ZohoSubscriptions.customers.ALL");
    assert!(granted["refresh_token"].is_string());
    zoho.token = text(&granted, "access_token");
    assert_eq!(zoho.get("/plans").await.status, StatusCode::OK);
    assert_eq!(zoho.get("/transactions").await.status, StatusCode::OK, "it goes with the customers");
    for path in ["/invoices", "/events", "/estimates"] {
        refused(&zoho.get(path).await, 401, 57);
    }
    refused(&zoho.post("/plans", "{}").await, 401, 57);
    zoho.token = text(&exchange(&zoho, "ZohoSubscriptions.invoices.CREATE").await, "access_token");
    refused(&zoho.get("/invoices").await, 401, 57);
    // Acts want the scope of their method: this one is let in, and finds nothing.
    refused(&zoho.post("/invoices/1/void", "").await, 404, 1002);
}

#[tokio::test]
async fn a_grant_code_dies_after_its_minutes() {
    let zoho = Zoho::start().await;
    let own = zoho.world.credentials.zoho.clone();
    let code = text(&zoho.staff(&json!({ "act": "make_grant_code" })), "code");
    zoho.advance(TimeDelta::minutes(3));
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", own.client_id.as_str()),
        ("client_secret", &own.client_secret),
        ("code", &code),
    ];
    assert_eq!(zoho.tokens(&form).await.json, json!({ "error": "invalid_code" }));
    let unknown = sandbox::zoho::staff(&zoho.world, &json!({ "act": "make_grant_code", "minutes": 11 }));
    assert!(unknown.unwrap_err().contains("minutes"));
}

#[tokio::test]
async fn each_lookup_can_find_nothing() {
    let zoho = Zoho::start().await;
    let [customer, subscription, invoice] = zoho.subscribed().await;
    zoho.pay(&customer, &invoice, "50", "tx1").await;
    for (operation, path, key) in [
        ("customer.list", "/customers", "customers"),
        ("subscription.list", "/subscriptions", "subscriptions"),
        ("invoice.list", "/invoices", "invoices"),
        ("transaction.list", "/transactions", "transactions"),
        ("event.list", "/events", "events"),
        ("estimate.list", "/estimates", "estimates"),
    ] {
        zoho.order(operation, Kind::Empty);
        assert_eq!(zoho.get(path).await.json[key], json!([]), "{operation}");
    }
    zoho.order("invoice.get", Kind::Empty);
    refused(&zoho.get(&format!("/invoices/{invoice}")).await, 404, 1002);
    zoho.order("subscription.get", Kind::Empty);
    refused(&zoho.get(&format!("/subscriptions/{subscription}")).await, 404, 1002);
    zoho.world.faults.clear();
    assert_eq!(zoho.get(&format!("/invoices/{invoice}")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rows_can_come_twice_and_a_write_can_be_done_twice() {
    let zoho = Zoho::start().await;
    let [customer, _, invoice] = zoho.subscribed().await;
    zoho.order("customer.list", Kind::Doubled);
    let rows = zoho.get("/customers").await.json["customers"].clone();
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]), (2, &rows[1]));

    zoho.order("payment.create", Kind::Twice);
    assert_eq!(zoho.pay(&customer, &invoice, "20", "tx1").await.status, StatusCode::CREATED);
    let payments = books(&zoho.world)["payments"].clone();
    let references: Vec<_> = payments.as_array().unwrap().iter().map(|payment| &payment["reference_number"]).collect();
    assert_eq!(references, ["tx1", "tx1"]);
}

#[tokio::test]
async fn a_read_can_be_late_and_still_show_what_was_before() {
    let zoho = Zoho::start().await;
    let [customer, subscription, invoice] = zoho.subscribed().await;
    zoho.order("invoice.get", Kind::Stale { seconds: 30 });
    zoho.order("subscription.get", Kind::Stale { seconds: 30 });
    zoho.pay(&customer, &invoice, "50", "tx1").await;
    let path = format!("/invoices/{invoice}");
    assert_eq!(zoho.get(&path).await.json["invoice"]["payments"], json!([]));
    zoho.post(&format!("/subscriptions/{subscription}/cancel?cancel_at_end=true"), "").await;
    let read = zoho.get(&format!("/subscriptions/{subscription}")).await;
    assert_eq!(read.json["subscription"]["status"], "live");
    zoho.advance(TimeDelta::seconds(31));
    assert_eq!(zoho.get(&path).await.json["invoice"]["payments"][0]["reference_number"], "tx1");
    let read = zoho.get(&format!("/subscriptions/{subscription}")).await;
    assert_eq!(read.json["subscription"]["status"], "non_renewing");
}
