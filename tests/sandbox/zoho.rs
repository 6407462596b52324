//! The simulated Zoho over real HTTP.

use crate::zoho_caller::{Zoho, answer, refused, text};
use chrono::TimeDelta;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, StatusCode};
use sandbox::faults::{Kind, Vendor};
use sandbox::zoho;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

#[tokio::test]
async fn accounts_says_its_errors_under_http_200() {
    let zoho = Zoho::start().await;
    let own = zoho.world.credentials.zoho.clone();
    let good = [own.client_id.as_str(), &own.client_secret, &own.refresh_token];
    for (at, error) in ["invalid_client", "invalid_client_secret", "invalid_code"].into_iter().enumerate() {
        let mut given = good;
        given[at] = "wrong";
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", given[0]),
            ("client_secret", given[1]),
            ("refresh_token", given[2]),
        ];
        let answer = zoho.tokens(&form).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json, json!({ "error": error }));
    }
}

#[tokio::test]
async fn an_eleventh_token_within_ten_minutes_is_throttled() {
    let zoho = Zoho::start().await;
    for _ in 0..9 {
        assert_eq!(zoho.refresh().await.json["expires_in"], 3600);
    }
    let throttled = zoho.refresh().await;
    assert_eq!(throttled.status, StatusCode::BAD_REQUEST);
    assert_eq!(throttled.json["status"], "failure");
    assert!(throttled.json.get("access_token").is_none());
    zoho.advance(TimeDelta::minutes(10));
    assert_eq!(zoho.refresh().await.json["api_domain"], zoho.base.as_str());
}

#[tokio::test]
async fn an_access_token_ends_with_its_hour() {
    let mut zoho = Zoho::start().await;
    assert_eq!(zoho.get("/plans").await.status, StatusCode::OK);
    zoho.advance(TimeDelta::hours(1));
    refused(&zoho.get("/plans").await, 401, 57);
    zoho.renew_token().await;
    assert_eq!(zoho.get("/plans").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_grant_code_gives_a_refresh_token_once() {
    let zoho = Zoho::start().await;
    let code = text(&zoho.staff(&json!({ "act": "make_grant_code" })), "code");
    let own = &zoho.world.credentials.zoho;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", own.client_id.as_str()),
        ("client_secret", &own.client_secret),
        ("code", &code),
    ];
    assert!(zoho.tokens(&form).await.json["refresh_token"].is_string());
    assert_eq!(zoho.tokens(&form).await.json, json!({ "error": "invalid_code" }));
}

#[tokio::test]
async fn a_call_needs_a_token_and_the_right_organisation() {
    let zoho = Zoho::start().await;
    let url = format!("{}/billing/v1/plans", zoho.base);
    refused(&answer(zoho.client.get(&url)).await, 401, 14);
    let with_token = || zoho.client.get(&url).header("Authorization", format!("Bearer {}", zoho.token));
    refused(&answer(with_token()).await, 400, 4);
    refused(&answer(with_token().header("X-com-zoho-subscriptions-organizationid", "1")).await, 400, 2);
    refused(&zoho.get("/nothing/here").await, 404, 5);
}

#[tokio::test]
async fn a_subscription_raises_its_first_invoice_and_a_payment_pays_it() {
    let zoho = Zoho::start().await;
    let [customer, subscription, invoice] = zoho.subscribed().await;
    let open = zoho.get(&format!("/invoices/{invoice}")).await;
    assert_eq!(open.json["invoice"]["status"], "sent");
    assert!(open.text.contains(r#""balance":50.00"#), "{}", open.text);

    let paid = zoho.pay(&customer, &invoice, "50.00", "8xk2f9qa").await;
    assert_eq!(paid.status, StatusCode::CREATED);
    assert_eq!(paid.json["message"], "The payment has been created.");
    assert!(paid.text.contains(r#""amount_applied":50.00,"balance_amount":0.00"#), "{}", paid.text);

    let invoice = zoho.get(&format!("/invoices/{invoice}")).await;
    assert_eq!(invoice.json["invoice"]["status"], "paid");
    assert_eq!(invoice.json["invoice"]["payments"][0]["reference_number"], "8xk2f9qa");
    let found = zoho.get(&format!("/invoices?subscription_id={subscription}&filter_by=Status.Paid")).await;
    assert_eq!(found.json["invoices"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_repeated_payment_is_recorded_twice_and_a_deleted_one_reopens_the_invoice() {
    let zoho = Zoho::start().await;
    let [customer, _, invoice] = zoho.subscribed().await;
    let first = zoho.pay(&customer, &invoice, "20", "tx1").await;
    let second = zoho.pay(&customer, &invoice, "20", "tx1").await;
    assert_ne!(first.json["payment"]["payment_id"], second.json["payment"]["payment_id"]);
    refused(&zoho.pay(&customer, &invoice, "10.01", "tx2").await, 400, 24016);

    let id = text(&second.json["payment"], "payment_id");
    assert_eq!(zoho.delete(&format!("/payments/{id}")).await.json["message"], "The payment has been deleted.");
    refused(&zoho.get(&format!("/payments/{id}")).await, 404, 1002);
    let reopened = zoho.get(&format!("/invoices/{invoice}")).await;
    assert_eq!(reopened.json["invoice"]["status"], "partially_paid");
    let books = zoho::books(&zoho.world);
    assert_eq!(books["invoices"][0]["balance"], 3000);
    let deleted: Vec<_> = books["payments"].as_array().unwrap().iter().map(|p| p["deleted"].clone()).collect();
    assert_eq!(deleted, [json!(false), json!(true)]);
}

#[tokio::test]
async fn a_payment_can_be_lowered_and_a_refused_change_leaves_it_as_it_was() {
    let zoho = Zoho::start().await;
    let [customer, _, invoice] = zoho.subscribed().await;
    let made = zoho.pay(&customer, &invoice, "50", "tx1").await;
    let path = format!("/payments/{}", text(&made.json["payment"], "payment_id"));
    let body = |amount: f64| {
        json!({ "customer_id": customer, "payment_mode": "others", "amount": amount, "reference_number": "tx1",
            "invoices": [{ "invoice_id": invoice, "amount_applied": amount }] })
        .to_string()
    };
    refused(&zoho.put(&path, &body(50.01)).await, 400, 24016);
    assert_eq!(zoho::books(&zoho.world)["invoices"][0]["balance"], 0);
    assert_eq!(zoho.put(&path, &body(30.0)).await.status, StatusCode::OK);
    assert_eq!(zoho::books(&zoho.world)["invoices"][0]["balance"], 2000);
    let bare = json!({ "customer_id": customer, "payment_mode": "others", "amount": 1 });
    refused(&zoho.put(&path, &bare.to_string()).await, 400, 4);
}

#[tokio::test]
async fn voiding_a_paid_invoice_turns_the_payment_into_credit() {
    let zoho = Zoho::start().await;
    let [customer, _, invoice] = zoho.subscribed().await;
    zoho.pay(&customer, &invoice, "50", "tx1").await;
    assert_eq!(zoho.post(&format!("/invoices/{invoice}/void"), "").await.status, StatusCode::OK);
    refused(&zoho.post(&format!("/invoices/{invoice}/void"), "").await, 400, 1040);
    let customer = zoho.get(&format!("/customers/{customer}")).await;
    assert!(customer.text.contains(r#""outstanding":0.00,"unused_credits":50.00"#), "{}", customer.text);
    let void = zoho.get(&format!("/invoices/{invoice}")).await;
    assert_eq!(void.json["invoice"]["payments"], json!([]));
}

#[tokio::test]
async fn a_write_off_pays_an_invoice_and_can_be_taken_back() {
    let zoho = Zoho::start().await;
    let [_, _, invoice] = zoho.subscribed().await;
    zoho.post(&format!("/invoices/{invoice}/writeoff"), r#"{"reason":"goodwill"}"#).await;
    let written_off = zoho.get(&format!("/invoices/{invoice}")).await;
    assert_eq!(written_off.json["invoice"]["status"], "paid");
    assert!(written_off.text.contains(r#""write_off_amount":50.00"#));
    zoho.post(&format!("/invoices/{invoice}/cancelwriteoff"), "{}").await;
    assert_eq!(zoho::books(&zoho.world)["invoices"][0]["balance"], 5000);
}

#[tokio::test]
async fn amounts_keep_the_decimals_of_their_currency() {
    let zoho = Zoho::start().await;
    for (currency, minor, decimal, too_fine) in [
        ("JPY", 1000, "1000", "1000.5"),
        ("KWD", 1_250, "1.250", "1.2505"),
        ("USD", 900_719_925_474_099_301_i64, "9007199254740993.01", "0.001"),
    ] {
        let customer = zoho.customer(currency);
        let act = json!({ "act": "create_invoice", "customer_id": customer, "amount": minor });
        let invoice = text(&zoho.staff(&act), "invoice_id");
        let shown = zoho.get(&format!("/invoices/{invoice}")).await;
        assert!(shown.text.contains(&format!(r#""total":{decimal},"balance":{decimal}"#)), "{}", shown.text);
        refused(&zoho.pay(&customer, &invoice, too_fine, "tx").await, 400, 2);
        let paid = zoho.pay(&customer, &invoice, decimal, "tx").await;
        assert!(paid.text.contains(&format!(r#""amount":{decimal},"#)), "{}", paid.text);
    }
}

#[tokio::test]
async fn refusals_name_the_field_or_the_resource() {
    let zoho = Zoho::start().await;
    let customer = zoho.customer("USD");
    refused(&zoho.get("/invoices/903000000999999").await, 404, 1002);
    assert_eq!(zoho.get("/invoices/abc").await.json["message"], "Invoice does not exist.");
    let no_plan = json!({ "customer_id": customer, "plan": { "plan_code": "none" } });
    assert_eq!(
        zoho.post("/subscriptions", &no_plan.to_string()).await.json,
        json!({ "code": 1002, "message": "Plan does not exist." })
    );
    refused(&zoho.post("/payments", "not json").await, 400, 2);
    let missing = zoho.post("/payments", "{}").await;
    assert_eq!(missing.json, json!({ "code": 4, "message": "Invalid value passed for customer_id" }));
    let mode = json!({ "customer_id": customer, "payment_mode": "other", "amount": 1 });
    let wrong = zoho.post("/payments", &mode.to_string()).await;
    assert_eq!(wrong.json, json!({ "code": 2, "message": "Invalid value passed for payment_mode" }));
    refused(&zoho.get("/payments").await, 404, 5);
}

#[tokio::test]
async fn pages_go_from_new_to_old_or_back_and_say_whether_more_follow() {
    let zoho = Zoho::start().await;
    let ids: Vec<String> = (0..5).map(|_| zoho.customer("USD")).collect();
    let page = async |query: &str| {
        let answer = zoho.get(&format!("/customers?filter_by=Status.All&{query}")).await;
        let rows = answer.json["customers"].as_array().unwrap().iter().map(|row| text(row, "customer_id")).collect();
        (rows, answer.json["page_context"]["has_more_page"].as_bool().unwrap())
    };
    let newest_first: Vec<String> = ids.iter().rev().cloned().collect();
    assert_eq!(page("per_page=2").await, (newest_first[..2].to_vec(), true));
    assert_eq!(page("per_page=2&page=3").await, (newest_first[4..].to_vec(), false));
    assert_eq!(page("sort_column=created_time&sort_order=A").await, (ids, false));
    refused(&zoho.get("/customers?page=0").await, 400, 2);
}

#[tokio::test]
async fn subscriptions_are_found_by_a_part_of_their_reference() {
    let zoho = Zoho::start().await;
    let [customer, subscription, _] = zoho.subscribed().await;
    zoho.post(&format!("/subscriptions/{subscription}/cancel?cancel_at_end=false"), "").await;
    let all = format!("/subscriptions?customer_id={customer}&filter_by=SubscriptionStatus.All");
    let found = zoho.get(&format!("{all}&reference_contains=sub.1")).await;
    assert_eq!(found.json["subscriptions"][0]["status"], "cancelled");
    assert!(found.json["subscriptions"][0].get("child_invoice_id").is_none());
    let none = zoho.get(&format!("{all}&reference_contains=sub.2")).await;
    assert_eq!(none.json["subscriptions"], json!([]));
}

#[tokio::test]
async fn months_that_go_by_renew_and_leave_unpaid_invoices_overdue() {
    let zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    zoho.staff(&json!({ "act": "expire_tokens" }));
    zoho.advance(TimeDelta::days(70));
    let books = zoho::books(&zoho.world);
    let invoices = books["invoices"].as_array().unwrap();
    let statuses: Vec<_> = invoices.iter().map(|invoice| invoice["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["overdue", "overdue", "overdue"]);
    assert!(invoices.iter().all(|invoice| invoice["subscription_id"] == subscription.as_str()));
    assert_eq!(books["subscriptions"][0]["status"], "live");
}

#[tokio::test]
async fn a_cancellation_at_the_end_of_the_term_can_be_taken_back_until_then() {
    let zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    let path = format!("/subscriptions/{subscription}");
    refused(&zoho.post(&format!("{path}/reactivate"), "").await, 400, 9001);
    let cancelled = zoho.post(&format!("{path}/cancel?cancel_at_end=true"), "").await;
    assert_eq!(cancelled.json["subscription"]["status"], "non_renewing");
    let back = zoho.post(&format!("{path}/reactivate"), "").await;
    assert_eq!(back.json["subscription"]["status"], "live");
    zoho.post(&format!("{path}/cancel?cancel_at_end=true"), "").await;
    zoho.advance(TimeDelta::days(32));
    let books = zoho::books(&zoho.world);
    assert_eq!(books["subscriptions"][0]["status"], "cancelled");
    assert_eq!(books["invoices"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_plan_change_waits_for_the_end_of_the_term_or_charges_the_rest_of_it() {
    let zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    zoho.staff(&json!({ "act": "create_plan", "plan_code": "max", "name": "Max", "price": 9000 }));
    let path = format!("/subscriptions/{subscription}");
    refused(&zoho.get(&format!("{path}/scheduledchanges")).await, 404, 1002);
    let later = zoho.put(&path, r#"{"plan":{"plan_code":"max"},"end_of_term":true}"#).await;
    assert_eq!(later.json["subscription"]["plan"]["plan_code"], "plus");
    let scheduled = zoho.get(&format!("{path}/scheduledchanges")).await;
    assert_eq!(scheduled.json["subscription"]["plan"]["plan_code"], "max");

    // The term has just begun: all of the difference is due.
    zoho.put(&path, r#"{"plan":{"plan_code":"max"},"end_of_term":false}"#).await;
    let totals: Vec<_> =
        zoho::books(&zoho.world)["invoices"].as_array().unwrap().iter().map(|i| i["total"].clone()).collect();
    assert_eq!(totals, [json!(5000), json!(4000)]);
    zoho.put(&path, r#"{"plan":{"plan_code":"plus"}}"#).await;
    assert_eq!(zoho::books(&zoho.world)["credit_notes"][0]["balance"], 4000);
}

#[tokio::test]
async fn a_credit_note_is_used_for_an_invoice_and_its_rest_refunded() {
    let zoho = Zoho::start().await;
    let [customer, _, invoice] = zoho.subscribed().await;
    let body = json!({ "customer_id": customer, "date": "2026-11-21", "reference_number": "rf1",
        "creditnote_items": [{ "code": "plus", "quantity": 1, "price": 20 }] });
    let note = zoho.post("/creditnotes", &body.to_string()).await;
    let id = text(&note.json["credit_note"], "creditnote_id");
    let apply = json!({ "apply_creditnotes": [{ "creditnote_id": id, "amount_applied": 5 }] });
    assert_eq!(zoho.post(&format!("/invoices/{invoice}/credits"), &apply.to_string()).await.status, StatusCode::OK);
    refused(&zoho.post(&format!("/creditnotes/{id}/refunds"), r#"{"amount":15.01}"#).await, 400, 24016);
    let refund = zoho.post(&format!("/creditnotes/{id}/refunds"), r#"{"amount":15}"#).await;
    assert_eq!(refund.status, StatusCode::CREATED);
    assert!(refund.text.contains(r#""balance_amount":0.00"#), "{}", refund.text);
    assert_eq!(zoho.get(&format!("/creditnotes/{id}")).await.json["credit_note"]["status"], "closed");
    let rows = zoho.get(&format!("/transactions?filter_by=TransactionType.REFUND&customer_id={customer}")).await;
    assert_eq!(rows.json["transactions"][0]["amount"], "15.00");
}

#[tokio::test]
async fn only_a_gateways_payment_is_refunded_through_its_payment() {
    let zoho = Zoho::start().await;
    let [customer, subscription, invoice] = zoho.subscribed().await;
    let made = zoho.pay(&customer, &invoice, "50", "tx1").await;
    let ours = text(&made.json["payment"], "payment_id");
    refused(&zoho.post(&format!("/payments/{ours}/refunds"), r#"{"amount":50}"#).await, 400, 9002);

    zoho.staff(&json!({ "act": "turn_on_auto_collect", "subscription_id": subscription }));
    zoho.staff(&json!({ "act": "expire_tokens" }));
    zoho.advance(TimeDelta::days(31));
    let books = zoho::books(&zoho.world);
    assert_eq!(books["payments"][1]["payment_mode"], "autotransaction");
    assert_eq!(books["invoices"][1]["status"], "paid");
}

#[tokio::test]
async fn what_happened_is_polled_as_events_with_their_payload_as_text() {
    let zoho = Zoho::start().await;
    let [customer, _, invoice] = zoho.subscribed().await;
    zoho.pay(&customer, &invoice, "50", "tx1").await;
    let events = zoho.get("/events").await;
    let kinds: Vec<_> =
        events.json["events"].as_array().unwrap().iter().map(|event| text(event, "event_type")).collect();
    assert_eq!(kinds, ["payment_thankyou", "subscription_activation", "invoice_created", "subscription_created"]);
    let id = text(&events.json["events"][0], "event_id");
    let event = zoho.get(&format!("/events/{id}")).await;
    let payload: Value = serde_json::from_str(&text(&event.json["event"], "payload")).unwrap();
    assert_eq!(payload["event_id"], id.as_str());
    assert_eq!(payload["data"]["payment"]["reference_number"], "tx1");
    assert_eq!(payload["data"]["invoice"]["invoice_id"], invoice.as_str());
    assert!(payload["data"]["subscription"]["subscription_id"].is_string());
}

#[tokio::test]
async fn a_late_index_hides_new_objects_from_lists_only() {
    let zoho = Zoho::start().await;
    zoho.order("*", Kind::LateIndex { seconds: 60 });
    let [customer, _, invoice] = zoho.subscribed().await;
    let list = format!("/invoices?customer_id={customer}");
    assert_eq!(zoho.get(&list).await.json["invoices"], json!([]));
    assert_eq!(zoho.get(&format!("/invoices/{invoice}")).await.status, StatusCode::OK);
    zoho.advance(TimeDelta::seconds(61));
    assert_eq!(zoho.get(&list).await.json["invoices"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_limits_of_a_minute_and_of_a_day_are_kept() {
    let zoho = Zoho::start().await;
    zoho.staff(&json!({ "act": "settings", "calls_per_minute": 3, "calls_per_day": 4 }));
    for left in ["2", "1", "0"] {
        let response = zoho.request(Method::GET, "/plans").send().await.unwrap();
        assert_eq!(response.headers()["x-rate-limit-remaining"], left);
    }
    refused(&zoho.get("/plans").await, 429, 44);
    zoho.advance(TimeDelta::minutes(1));
    zoho.get("/plans").await;
    refused(&zoho.get("/plans").await, 429, 45);
    zoho.staff(&json!({ "act": "settings", "quota_under_200": true }));
    refused(&zoho.get("/plans").await, 200, 45);
    zoho.world.hold_limits(&[Vendor::Zoho], false);
    assert_eq!(zoho.get("/plans").await.status, StatusCode::OK);
}

#[tokio::test]
async fn faults_on_order_are_answered_in_zohos_own_words() {
    let zoho = Zoho::start().await;
    for (kind, status, code) in [
        (Kind::RateLimit, 429, 44),
        (Kind::DailyQuota, 429, 45),
        (Kind::Refuse { code: "1070".to_owned() }, 429, 1070),
        (Kind::Refuse { code: "57".to_owned() }, 401, 57),
        (Kind::Refuse { code: "1000".to_owned() }, 400, 1000),
        (Kind::Status { status: 500 }, 500, 1000),
    ] {
        zoho.order("plan.list", kind);
        refused(&zoho.get("/plans").await, status, code);
        zoho.world.faults.clear();
    }
    zoho.order("plan.list", Kind::Status { status: 502 });
    assert!(zoho.get("/plans").await.text.starts_with("<html>"));
    zoho.order("token.refresh", Kind::Refuse { code: "Access Denied".to_owned() });
    assert_eq!(zoho.refresh().await.json["status"], "failure");
}

#[tokio::test]
async fn staff_edits_pays_and_deletes_by_hand() {
    let zoho = Zoho::start().await;
    let [customer, subscription, _] = zoho.subscribed().await;
    let act = json!({ "act": "create_invoice", "subscription_id": subscription, "amount": 700, "date": "2026-11-01" });
    let invoice = text(&zoho.staff(&act), "invoice_id");
    zoho.staff(&json!({ "act": "edit_invoice", "invoice_id": invoice, "amount": 900 }));
    let payment = zoho.staff(&json!({ "act": "record_payment", "invoice_id": invoice, "amount": 1000 }));
    let books = zoho::books(&zoho.world);
    assert_eq!(books["invoices"][1]["balance"], 0);
    assert_eq!(books["payments"][0]["unapplied"], 100);
    assert_eq!(books["payments"][0]["payment_mode"], "cash");
    zoho.staff(&json!({ "act": "delete_payment", "payment_id": payment["payment_id"] }));
    assert_eq!(zoho::books(&zoho.world)["invoices"][1]["balance"], 900);
    let refusal = zoho::staff(&zoho.world, &json!({ "act": "delete_customer", "customer_id": customer }));
    assert!(refusal.unwrap_err().contains("1003"));
    let unknown = zoho::staff(&zoho.world, &json!({ "act": "settings", "color": "red" }));
    assert!(unknown.unwrap_err().contains("color"));
}

#[tokio::test]
async fn a_custom_field_can_forbid_duplicates() {
    let zoho = Zoho::start().await;
    zoho.staff(&json!({ "act": "settings", "unique_fields": ["billing_ref"] }));
    let body = json!({ "display_name": "A", "email": "a@example.com",
        "custom_fields": [{ "label": "billing_ref", "value": "c1" }] });
    let made = zoho.post("/customers", &body.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(made.json["customer"]["custom_fields"][0]["value"], "c1");
    refused(&zoho.post("/customers", &body.to_string()).await, 400, 120);
    let rows = zoho.get("/customers").await;
    assert!(rows.json["customers"][0].get("custom_fields").is_none());
}

#[tokio::test]
async fn a_webhook_reaches_its_listener_signed_over_the_raw_body() {
    let zoho = Zoho::start().await;
    let (heard, mut hooks) = tokio::sync::mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}/zoho?tenant=1", listener.local_addr().unwrap());
    let receive = async move |headers: axum::http::HeaderMap, body: axum::body::Bytes| {
        drop(heard.send((headers["x-zoho-webhook-signature"].to_str().unwrap().to_owned(), body)));
    };
    let app = axum::Router::new().route("/zoho", axum::routing::post(receive));
    tokio::spawn(async { axum::serve(listener, app).await });
    zoho.client
        .post(format!("{}/control/webhooks", zoho.base))
        .json(&json!({ "targets": { "zoho": target } }))
        .send()
        .await
        .unwrap();

    let act = json!({ "act": "create_invoice", "customer_id": zoho.customer("KWD"), "amount": 1250 });
    let invoice = text(&zoho.staff(&act), "invoice_id");
    let (signature, body) = hooks.recv().await.unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(zoho.world.credentials.zoho.webhook_secret.as_bytes()).unwrap();
    mac.update(b"tenant1");
    mac.update(&body);
    assert_eq!(signature, hex::encode(mac.finalize().into_bytes()));
    assert!(String::from_utf8_lossy(&body).contains(r#""total":1.250"#));
    let event: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(event["event_type"], "invoice_created");
    assert_eq!(event["data"]["invoice"]["invoice_id"], invoice.as_str());
}
