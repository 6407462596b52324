//! Quotes of the simulated Zoho, the items that they are made of, and documents as files.

use crate::zoho_caller::{Zoho, answer, refused, text};
use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test]
async fn a_quote_is_made_of_items_sent_accepted_and_invoiced() {
    let zoho = Zoho::start().await;
    let customer = zoho.customer("USD");
    let tax = text(&zoho.staff(&json!({ "act": "add_tax", "name": "VAT", "percentage": "19" })), "tax_id");
    let item = zoho.post("/items", &json!({ "name": "Rollout", "rate": 100, "tax_id": tax }).to_string()).await;
    assert_eq!((item.status, &item.json["message"]), (StatusCode::CREATED, &json!("The item has been added.")));
    let item = text(&item.json["item"], "item_id");
    let body = json!({ "customer_id": customer, "reference_number": "ab.q.1", "expiry_date": "2099-01-01",
        "discount": 30, "line_items": [{ "item_id": item, "rate": 100.5, "quantity": 2 }] });
    let made = zoho.post("/estimates", &body.to_string()).await;
    assert_eq!((made.status, &made.json["message"]), (StatusCode::CREATED, &json!("The quote has been created")));
    // 201.00 − 30.00 = 171.00, tax 32.49.
    assert!(made.text.contains(r#""sub_total":171.00,"tax_total":32.49"#), "{}", made.text);
    let quote = &made.json["estimate"];
    assert_eq!((&quote["status"], &quote["estimate_number"]), (&json!("draft"), &json!("EST-000001")));
    let id = text(quote, "estimate_id");

    let path = format!("/estimates/{id}");
    refused(&zoho.post(&format!("{path}/status/accepted"), "").await, 400, 1040);
    let sent = zoho.post(&format!("{path}/status/sent"), "").await;
    assert_eq!(sent.json["message"], "Estimate status has been changed to Sent");
    zoho.staff(&json!({ "act": "answer_quote", "estimate_id": id, "answer": "accepted" }));
    let rows = zoho.get("/estimates").await;
    assert_eq!(rows.json["estimates"][0]["reference_number"], "ab.q.1");
    assert_eq!(rows.json["estimates"][0]["status"], "accepted");
    refused(&zoho.put(&path, &body.to_string()).await, 400, 1040);

    let invoice = json!({ "customer_id": customer, "date": "2026-11-21", "invoiced_estimate_id": id,
        "reference_number": "ab.q.1", "invoice_items": [{ "product_id": item, "price": "171", "quantity": 1 }] });
    let invoice = zoho.post("/invoices?send=true", &invoice.to_string()).await;
    assert_eq!(invoice.json["invoice"]["reference_number"], "ab.q.1");
    assert_eq!(zoho.get(&path).await.json["estimate"]["status"], "invoiced");
    refused(&zoho.delete(&format!("/items/{item}")).await, 400, 2049);
    assert_eq!(zoho.delete(&path).await.json["message"], "The estimate has been deleted.");
    assert_eq!(zoho.delete(&format!("/items/{item}")).await.json["message"], "The item has been deleted.");
    refused(&zoho.get(&format!("/items/{item}")).await, 404, 2006);
}

#[tokio::test]
async fn an_items_taken_name_has_the_code_that_elsewhere_says_internal_error() {
    let zoho = Zoho::start().await;
    let body = json!({ "name": "Rollout", "rate": 100, "sku": "r-1" });
    let made = zoho.post("/items", &body.to_string()).await;
    let path = format!("/items/{}", text(&made.json["item"], "item_id"));
    refused(&zoho.post("/items", &body.to_string()).await, 400, 1000);
    refused(&zoho.post("/items", r#"{"name":"X","rate":1,"product_type":"x"}"#).await, 400, 2076);
    let changed = zoho.put(&path, r#"{"name":"Rollout","rate":120.50}"#).await;
    assert!(changed.text.contains(r#""rate":120.50"#), "{}", changed.text);
    zoho.post(&format!("{path}/inactive"), "").await;
    assert_eq!(zoho.get("/items?filter_by=Status.Inactive").await.json["items"][0]["sku"], "r-1");
    let quote = json!({ "customer_id": zoho.customer("USD"),
        "line_items": [{ "item_id": made.json["item"]["item_id"], "rate": 1, "quantity": 1 }] });
    refused(&zoho.post("/estimates", &quote.to_string()).await, 400, 2007);
    zoho.post(&format!("{path}/active"), "").await;
    assert_eq!(zoho.post("/estimates", &quote.to_string()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_sent_quote_expires_after_its_last_day() {
    let mut zoho = Zoho::start().await;
    let item = text(&zoho.staff(&json!({ "act": "add_item", "name": "Rollout", "rate": 1000 })), "item_id");
    let today = zoho.world.clock.now().date_naive().to_string();
    let body = json!({ "customer_id": zoho.customer("EUR"), "expiry_date": today, "estimate_number": "Q-7",
        "line_items": [{ "item_id": item, "rate": 10, "quantity": 1 }] });
    refused(&zoho.post("/estimates?send=true", &body.to_string()).await, 400, 2);
    let path = "/estimates?send=true&ignore_auto_number_generation=true";
    let made = zoho.post(path, &body.to_string()).await;
    assert_eq!(made.json["estimate"]["status"], "sent");
    refused(&zoho.post(path, &body.to_string()).await, 400, 1001);
    zoho.advance(TimeDelta::days(1));
    zoho.renew_token().await;
    let path = format!("/estimates/{}", text(&made.json["estimate"], "estimate_id"));
    let read = zoho.get(&path).await;
    assert_eq!(
        (&read.json["estimate"]["status"], &read.json["estimate"]["estimate_number"]),
        (&json!("expired"), &json!("Q-7"))
    );
    refused(&zoho.post(&format!("{path}/status/accepted"), "").await, 400, 1040);
    assert_eq!(zoho.get("/estimates/1").await.json["message"], "Quote does not exist.");
    let mail = json!({ "to_mail_ids": ["ada@example.com"] }).to_string();
    assert_eq!(zoho.post(&format!("{path}/email"), &mail).await.json["message"], "Your Estimate has been sent.");
}

#[tokio::test]
async fn an_invoice_is_a_pdf_for_who_asks_by_header_or_by_query() {
    let zoho = Zoho::start().await;
    let [_, _, invoice] = zoho.subscribed().await;
    let path = format!("/invoices/{invoice}");
    let by_header = zoho.request(Method::GET, &path).header("Accept", "application/pdf").send().await.unwrap();
    assert_eq!(by_header.headers()["content-type"], "application/pdf");
    let file = by_header.bytes().await.unwrap();
    let by_query = answer(zoho.request(Method::GET, &format!("{path}?accept=pdf"))).await;
    assert_eq!(by_query.text.as_bytes(), file);
    let text = &by_query.text;
    assert!(text.starts_with("%PDF-1.4\n") && text.ends_with("%%EOF\n"));
    assert!(text.contains("(Invoice INV-000001) Tj") && text.contains("(Total 50.00 USD) Tj"), "{text}");
    // The table says where each object begins, and its end where the table does.
    let table: usize = text.rsplit("startxref\n").next().unwrap().lines().next().unwrap().parse().unwrap();
    assert!(text[table..].starts_with("xref\n0 6\n"));
    for (at, row) in text[table..].lines().skip(3).take(5).enumerate() {
        let begin: usize = row[..10].parse().unwrap();
        assert!(text[begin..].starts_with(&format!("{} 0 obj\n", at + 1)), "{row}");
    }
}
