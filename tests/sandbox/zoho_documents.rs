//! Invoices, credit notes, payments and customers of the simulated Zoho as staff and our flows change them.

use crate::zoho_caller::{Zoho, refused, text};
use reqwest::StatusCode;
use sandbox::zoho::books;
use serde_json::json;

#[tokio::test]
async fn an_invoice_is_drafted_changed_mailed_and_deleted() {
    let zoho = Zoho::start().await;
    let customer = zoho.customer("USD");
    let body = |price: &str| {
        json!({ "customer_id": customer, "date": "2026-11-21", "reference_number": "po-1",
            "custom_fields": [{ "label": "saga", "value": "s1" }],
            "invoice_items": [{ "product_id": "1", "name": "Work", "price": price, "quantity": 1 }] })
        .to_string()
    };
    let made = zoho.post("/invoices", &body("10.00")).await;
    assert_eq!(
        (&made.json["invoice"]["status"], &made.json["invoice"]["date"]),
        (&json!("draft"), &json!("2026-11-21"))
    );
    let path = format!("/invoices/{}", text(&made.json["invoice"], "invoice_id"));
    let changed = zoho.put(&path, &body("12.00")).await;
    assert_eq!(changed.json["message"], "Invoice information has been updated.");
    assert!(changed.text.contains(r#""total":12.00"#), "{}", changed.text);

    refused(&zoho.post(&format!("{path}/email"), r#"{"to_mail_ids":["a@example.com"]}"#).await, 400, 4);
    let mail = r#"{"to_mail_ids":["a@example.com"],"subject":"Your invoice","body":"Here it is."}"#;
    assert_eq!(zoho.post(&format!("{path}/email"), mail).await.json["message"], "Your invoice has been sent.");
    let read = zoho.get(&path).await;
    assert_eq!(
        (&read.json["invoice"]["status"], &read.json["invoice"]["invoice_date"]),
        (&json!("overdue"), &json!("2026-11-21"))
    );
    assert_eq!(read.json["invoice"]["comments"][0]["description"], "Mailed to 1 addresses");
    refused(&zoho.post(&format!("{path}/converttoopen"), "").await, 400, 1040);

    let set = format!("{}/customfields", path.replacen("/invoices/", "/invoice/", 1));
    assert_eq!(zoho.put(&set, r#"[{"customfield_id":1,"value":"s2"}]"#).await.status, StatusCode::OK);
    refused(&zoho.put(&set, r#"[{"customfield_id":7,"value":"s2"}]"#).await, 404, 1002);
    assert_eq!(zoho.get(&path).await.json["invoice"]["custom_fields"][0]["value"], "s2");
    zoho.post(&format!("{path}/customfields"), r#"{"custom_fields":[{"label":"saga","value":"s3"}]}"#).await;
    assert_eq!(zoho.get(&path).await.json["invoice"]["custom_fields"][0]["value"], "s3");
    assert_eq!(zoho.delete(&path).await.json["message"], "The invoice has been deleted.");
    refused(&zoho.get(&path).await, 404, 1002);
}

#[tokio::test]
async fn a_write_off_is_noted_with_its_reason_and_taken_back() {
    let zoho = Zoho::start().await;
    let [_, _, invoice] = zoho.subscribed().await;
    let path = format!("/invoices/{invoice}");
    let done = zoho.post(&format!("{path}/writeoff"), r#"{"reason":"lost"}"#).await;
    assert_eq!(done.json["message"], "Invoice has been written off..");
    let read = zoho.get(&path).await.json["invoice"].clone();
    assert_eq!(
        (&read["status"], &read["write_off_amount"], &read["balance"]),
        (&json!("paid"), &json!(50.0), &json!(0.0))
    );
    assert_eq!(read["comments"][0]["description"], "Written off: lost");
    refused(&zoho.post(&format!("{path}/writeoff"), "").await, 400, 1040);
    zoho.post(&format!("{path}/cancelwriteoff"), "").await;
    assert_eq!(zoho.get(&path).await.json["invoice"]["balance"], 50.0);
    refused(&zoho.post(&format!("{path}/cancelwriteoff"), "").await, 400, 1040);
}

#[tokio::test]
async fn a_credit_note_is_voided_opened_again_used_and_then_stays() {
    let zoho = Zoho::start().await;
    let [customer, _, invoice] = zoho.subscribed().await;
    let body = json!({ "customer_id": customer, "date": "2026-11-21", "reference_number": "rf1",
        "creditnote_items": [{ "code": "plus", "quantity": 1, "price": 20 }] });
    let made = zoho.post("/creditnotes", &body.to_string()).await;
    let path = format!("/creditnotes/{}", text(&made.json["credit_note"], "creditnote_id"));
    refused(&zoho.post(&format!("{path}/converttoopen"), "").await, 400, 1040);
    zoho.post(&format!("{path}/void"), "").await;
    assert_eq!(zoho.get(&path).await.json["credit_note"]["status"], "void");
    refused(&zoho.post(&format!("{path}/void"), "").await, 400, 1040);
    zoho.post(&format!("{path}/converttoopen"), "").await;
    let mail = r#"{"to_mail_ids":["a@example.com"],"subject":"Credit","body":"Here it is."}"#;
    assert_eq!(zoho.post(&format!("{path}/email"), mail).await.json["message"], "Your creditnote has been sent.");

    let apply = json!({ "invoices": [{ "invoice_id": invoice, "amount_applied": 20 }] });
    let applied = zoho.post(&format!("{path}/invoices"), &apply.to_string()).await;
    assert_eq!(applied.json["message"], "Credits have been applied to the invoice(s).");
    refused(&zoho.post(&format!("{path}/invoices"), &apply.to_string()).await, 400, 24016);
    refused(&zoho.delete(&path).await, 400, 1003);
    let read = zoho.get(&format!("/invoices/{invoice}")).await.json["invoice"].clone();
    assert_eq!((&read["credits"][0]["credited_amount"], &read["balance"]), (&json!("20.00"), &json!(30.0)));
    zoho.post(&format!("/invoices/{invoice}/void"), "").await;
    assert_eq!(zoho.get(&path).await.json["credit_note"]["balance"], 20.0, "a void gives it back");
    let refund = zoho.post(&format!("{path}/refunds"), r#"{"amount":5,"description":"back"}"#).await;
    let id = text(&refund.json["refund"], "refund_id");
    let read = zoho.get(&format!("/creditnotes/refunds/{id}")).await;
    assert_eq!(read.json["refund"]["creditnote"]["balance_amount"], 15.0);
}

#[tokio::test]
async fn a_lowered_payment_frees_its_invoice_and_a_refused_change_leaves_it() {
    let zoho = Zoho::start().await;
    let [customer, _, invoice] = zoho.subscribed().await;
    let made = zoho.pay(&customer, &invoice, "50", "tx1").await;
    let path = format!("/payments/{}", text(&made.json["payment"], "payment_id"));
    let body = |amount: i64| {
        json!({ "customer_id": customer, "payment_mode": "creditcard", "amount": amount, "reference_number": "tx1",
            "invoices": [{ "invoice_id": invoice, "amount_applied": amount }] })
        .to_string()
    };
    refused(&zoho.put(&path, &body(60)).await, 400, 24016);
    assert_eq!(zoho.get(&format!("/invoices/{invoice}")).await.json["invoice"]["status"], "paid");
    let lowered = zoho.put(&path, &body(30)).await;
    assert_eq!(lowered.json["message"], "The payment details have been updated.");
    let read = zoho.get(&format!("/invoices/{invoice}")).await.json["invoice"].clone();
    assert_eq!((&read["status"], &read["balance"]), (&json!("partially_paid"), &json!(20.0)));
    assert_eq!(zoho.delete(&path).await.json["message"], "The payment has been deleted.");
    refused(&zoho.delete(&path).await, 404, 1002);
    assert_eq!(books(&zoho.world)["payments"][0]["deleted"], true);
}

#[tokio::test]
async fn a_customer_is_changed_linked_found_by_its_link_and_deleted() {
    let zoho = Zoho::start().await;
    let customer = zoho.customer("USD");
    let path = format!("/customers/{customer}");
    let changed = zoho.put(&path, r#"{"display_name":"Ada Ltd","email":"ada@example.com","phone":"1"}"#).await;
    assert_eq!(changed.json["customer"]["display_name"], "Ada Ltd");
    refused(&zoho.put(&path, r#"{"display_name":"Ada Ltd"}"#).await, 400, 4);
    refused(&zoho.get("/customers/reference/77?reference_id_type=zcrm_contact_id").await, 404, 1002);
    refused(&zoho.get("/customers/reference/77").await, 400, 4);
    zoho.staff(&json!({ "act": "link_customer", "customer_id": customer, "zcrm_contact_id": "77" }));
    let found = zoho.get("/customers/reference/77?reference_id_type=zcrm_contact_id").await;
    assert_eq!(found.json["customer"]["customer_id"], customer.as_str());
    assert_eq!(found.json["customer"]["is_linked_with_zohocrm"], true);
    assert_eq!(zoho.get("/customers?filter_by=Status.Crm").await.json["customers"].as_array().unwrap().len(), 1);

    let count =
        async |query: &str| zoho.get(&format!("/customers?{query}")).await.json["customers"].as_array().unwrap().len();
    assert_eq!(count("email=nobody@example.com").await, 1, "not in the documents: ignored");
    zoho.staff(&json!({ "act": "settings", "customer_search": true }));
    assert_eq!(count("email=nobody@example.com").await, 0);
    assert_eq!(count("email=ADA@example.com&search_text=ltd").await, 1);
    zoho.post(&format!("{path}/markasinactive"), "").await;
    assert_eq!(
        zoho.post(&format!("{path}/markasactive"), "").await.json["message"],
        "The customer has been marked as active."
    );
    assert_eq!(zoho.delete(&path).await.json["message"], "The customer has been deleted.");
    let [customer, _, _] = zoho.subscribed().await;
    refused(&zoho.delete(&format!("/customers/{customer}")).await, 400, 1003);
}

#[tokio::test]
async fn a_subscription_keeps_its_reference_fields_and_postponed_day() {
    let zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    let path = format!("/subscriptions/{subscription}");
    let set = zoho.post(&format!("{path}/reference"), r#"{"reference_id":"ab.sub.2"}"#).await;
    assert_eq!(set.json["subscription"]["reference_id"], "ab.sub.2");
    zoho.post(&format!("{path}/customfields"), r#"{"custom_fields":[{"label":"saga","value":"s1"}]}"#).await;
    assert_eq!(zoho.get(&path).await.json["subscription"]["custom_fields"][0]["value"], "s1");
    refused(&zoho.post(&format!("{path}/postpone"), r#"{"renewal_at":"2020-01-01"}"#).await, 400, 2);
    let later = zoho.post(&format!("{path}/postpone"), r#"{"renewal_at":"2099-01-01"}"#).await;
    assert_eq!(later.json["subscription"]["next_billing_at"], "2099-01-01");
    refused(&zoho.delete(&format!("{path}/coupons")).await, 404, 1002);
    zoho.staff(&json!({ "act": "add_coupon", "coupon_code": "TEN", "percentage": "10", "type": "forever",
        "of_plan": "plus" }));
    zoho.post(&format!("{path}/coupons/TEN"), "").await;
    assert_eq!(zoho.get(&path).await.json["subscription"]["coupon"]["coupon_code"], "TEN");
    let off = zoho.delete(&format!("{path}/coupons")).await;
    assert_eq!(off.json["message"], "The coupon has been removed from the subscription.");
    refused(&zoho.delete(&path).await, 400, 1003);
}

#[tokio::test]
async fn a_pending_invoice_takes_lines_until_it_is_opened() {
    let zoho = Zoho::start().await;
    let customer = zoho.customer("USD");
    let act = json!({ "act": "create_invoice", "customer_id": customer, "amount": 700, "pending": true });
    let path = format!("/invoices/{}", text(&zoho.staff(&act), "invoice_id"));
    assert_eq!(zoho.get(&path).await.json["invoice"]["status"], "pending");
    let items = r#"{"invoice_items":[{"code":"gb","name":"Traffic","price":0.5,"quantity":4}]}"#;
    let added = zoho.post(&format!("{path}/lineitems"), items).await;
    assert_eq!((&added.json["invoice"]["total"], &added.json["invoice"]["status"]), (&json!(9.0), &json!("pending")));
    let first = text(&added.json["invoice"]["invoice_items"][0], "item_id");
    assert_eq!(zoho.delete(&format!("{path}/lineitems/{first}")).await.status, StatusCode::OK);
    refused(&zoho.delete(&format!("{path}/lineitems/{first}")).await, 404, 1002);
    zoho.post(&format!("{path}/converttoopen"), "").await;
    refused(&zoho.post(&format!("{path}/lineitems"), items).await, 400, 1040);
    let read = zoho.get(&path).await;
    assert_eq!((&read.json["invoice"]["status"], &read.json["invoice"]["balance"]), (&json!("sent"), &json!(2.0)));
}

#[tokio::test]
async fn an_invoices_own_address_stays_when_the_customer_moves() {
    let zoho = Zoho::start().await;
    let [customer, _, invoice] = zoho.subscribed().await;
    let path = format!("/invoices/{invoice}");
    let set = zoho.put(&format!("{path}/address"), r#"{"billing_address":{"city":"Bern","country":"CH"}}"#).await;
    assert_eq!(set.json["message"], "Invoice address updated");
    assert_eq!(set.json["invoice_address"]["billing_address"]["city"], "Bern");
    let moved = r#"{"display_name":"Ada","email":"ada@example.com","billing_address":{"city":"Rome"}}"#;
    zoho.put(&format!("/customers/{customer}"), moved).await;
    assert_eq!(zoho.get(&path).await.json["invoice"]["billing_address"]["city"], "Bern");
}
