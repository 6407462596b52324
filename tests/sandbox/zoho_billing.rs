//! What the simulated Zoho writes on invoices: plans, add-ons, fees, discounts, taxes and credits, to the minor unit.

#![expect(clippy::needless_pass_by_value, reason = "`json!` literals read better by value")]

use crate::zoho_caller::{Zoho, refused, text};
use chrono::TimeDelta;
use reqwest::StatusCode;
use sandbox::zoho::books;
use serde_json::{Value, json};

/// The plan `team` (49.90 a month, 19 % VAT, its product), the add-on `seat` (4.95, the same tax): the tax's id.
fn catalog(zoho: &Zoho, more: Value) -> String {
    let tax = text(&zoho.staff(&json!({ "act": "add_tax", "name": "VAT", "percentage": "19" })), "tax_id");
    let mut plan = json!({ "act": "add_plan", "plan_code": "team", "name": "Team", "price": 4990, "tax_id": tax });
    plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    zoho.staff(&plan);
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "seat", "name": "Seat", "price": 495, "of_plan": "team",
        "tax_id": tax }));
    tax
}

fn coupon(zoho: &Zoho, code: &str, percentage: &str, kind: &str) {
    zoho.staff(&json!({ "act": "add_coupon", "coupon_code": code, "name": "Off", "percentage": percentage,
        "type": kind, "of_plan": "team" }));
}

/// A subscription of a customer to `team`: the answer's `subscription`.
async fn subscribe(zoho: &Zoho, customer: &str, more: Value) -> Value {
    let mut body = json!({ "customer_id": customer, "plan": { "plan_code": "team" }, "auto_collect": false });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = zoho.post("/subscriptions", &body.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json["subscription"].clone()
}

/// The text of a subscription's newest invoice, and the JSON in it.
async fn invoice(zoho: &Zoho, subscription: &Value) -> (String, Value) {
    let answer = zoho.get(&format!("/invoices/{}", text(subscription, "child_invoice_id"))).await;
    (answer.text, answer.json["invoice"].clone())
}

fn totals(zoho: &Zoho) -> Vec<i64> {
    books(&zoho.world)["invoices"].as_array().unwrap().iter().map(|i| i["total"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn tax_is_added_to_each_line_and_rounded_half_up_there() {
    let zoho = Zoho::start().await;
    let tax = catalog(&zoho, json!({ "setup_fee": 1000 }));
    assert_eq!(zoho.get("/plans/team").await.json["plan"]["tax_id"], tax.as_str());
    let addons = json!({ "addons": [{ "addon_code": "seat", "quantity": 3 }] });
    let made = subscribe(&zoho, &zoho.customer("USD"), addons).await;
    // 49.90 + 9.48, 10.00 + 1.90, 14.85 + 2.82: the tax of each line by itself.
    let (shown, invoice) = invoice(&zoho, &made).await;
    assert!(shown.contains(r#""total":88.95,"balance":88.95"#), "{shown}");
    let items = invoice["invoice_items"].as_array().unwrap();
    let codes: Vec<_> = items.iter().map(|item| (text(item, "code"), text(item, "price"))).collect();
    let line = |code: &str, price: &str| (code.to_owned(), price.to_owned());
    assert_eq!(codes, [line("team", "49.90"), line("team", "10.00"), line("seat", "4.95")]);
    assert!(items.iter().all(|item| item["tax_id"] == tax.as_str()));
    assert!(shown.contains(r#""quantity":3,"discount_amount":0.00,"item_total":14.85"#), "{shown}");
    assert!(invoice.get("tax_total").is_none(), "Zoho's documents know no such field here");

    assert_eq!(made["taxes"], json!([{ "tax_id": tax, "tax_name": "VAT", "tax_amount": "12.30" }]));
    assert_eq!(made["plan"]["tax_id"], tax.as_str());
    assert_eq!(made["addons"][0]["tax_id"], tax.as_str());
    assert_eq!(books(&zoho.world)["subscriptions"][0]["amount"], 4990 + 948 + 1485 + 282);
    zoho.staff(&json!({ "act": "settings", "invoice_taxes": true }));
    let (shown, _) = self::invoice(&zoho, &made).await;
    assert!(shown.contains(r#""sub_total":74.75,"tax_total":14.20,"taxes":[{"tax_name":"VAT","tax_amount":14.20}]"#));
}

#[tokio::test]
async fn a_customers_own_tax_stands_in_and_who_is_not_taxable_pays_none() {
    let zoho = Zoho::start().await;
    let tax = catalog(&zoho, json!({ "tax_id": "" }));
    let customer = |more: Value| {
        let mut act = json!({ "act": "create_customer", "display_name": "Ada", "email": "ada@example.com" });
        act.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        text(&zoho.staff(&act), "customer_id")
    };
    let seat = || json!({ "addons": [{ "addon_code": "seat" }] });
    subscribe(&zoho, &customer(json!({})), seat()).await;
    subscribe(&zoho, &customer(json!({ "tax_id": tax })), seat()).await;
    subscribe(&zoho, &customer(json!({ "is_taxable": false })), seat()).await;
    assert_eq!(totals(&zoho), [4990 + 495 + 94, 4990 + 948 + 495 + 94, 4990 + 495]);
}

#[tokio::test]
async fn lines_by_hand_and_credit_notes_carry_their_tax_too() {
    let zoho = Zoho::start().await;
    let tax = catalog(&zoho, json!({}));
    let customer = zoho.customer("USD");
    let body = json!({ "customer_id": customer, "date": "2026-11-21",
        "invoice_items": [{ "product_id": "1", "price": 10.5, "quantity": 1, "tax_id": tax }] });
    let made = zoho.post("/invoices?send=true", &body.to_string()).await;
    assert!(made.text.contains(r#""sub_total":10.50,"tax_total":2.00"#), "{}", made.text);
    let body = json!({ "customer_id": customer, "date": "2026-11-21",
        "creditnote_items": [{ "code": "team", "price": 10.5, "quantity": 1, "tax_id": tax }] });
    let note = zoho.post("/creditnotes", &body.to_string()).await;
    assert!(note.text.contains(r#""total":12.50,"balance":12.50"#), "{}", note.text);
    assert_eq!(note.json["credit_note"]["taxes"][0]["tax_amount"], "2.00");
}

#[tokio::test]
async fn a_one_time_coupon_lowers_the_first_invoice_before_tax_and_no_renewal() {
    let zoho = Zoho::start().await;
    catalog(&zoho, json!({ "setup_fee": 1000 }));
    coupon(&zoho, "WELCOME10", "10", "one_time");
    let made = subscribe(&zoho, &zoho.customer("USD"), json!({ "coupon_code": "WELCOME10" })).await;
    let (shown, invoice) = invoice(&zoho, &made).await;
    // 49.90 − 4.99 = 44.91, tax 8.53; the fee of 10.00 is not lowered, tax 1.90.
    assert!(shown.contains(r#""total":65.34"#), "{shown}");
    assert!(shown.contains(r#""discount_amount":4.99,"item_total":49.90"#), "{shown}");
    assert_eq!(invoice["coupons"][0]["coupon_code"], "WELCOME10");
    assert_eq!(invoice["coupons"][0]["coupon_name"], "Off");
    assert_eq!(made["coupon"]["coupon_code"], "WELCOME10");
    assert_eq!(made["plan"]["discount"], 4.99);
    zoho.advance(TimeDelta::days(31));
    assert_eq!(totals(&zoho), [6534, 4990 + 948]);
}

#[tokio::test]
async fn a_coupon_for_two_invoices_and_one_for_all_hold_as_long_as_they_say() {
    let zoho = Zoho::start().await;
    catalog(&zoho, json!({ "tax_id": "" }));
    let today = zoho.world.clock.now().date_naive().to_string();
    zoho.staff(&json!({ "act": "add_coupon", "coupon_code": "TWICE", "amount": 1000, "type": "duration",
        "duration": 2, "of_plan": "team" }));
    zoho.staff(&json!({ "act": "add_coupon", "coupon_code": "ALWAYS", "percentage": "50", "type": "forever",
        "expiry_at": today, "of_plan": "team" }));
    subscribe(&zoho, &zoho.customer("USD"), json!({ "coupon_code": "TWICE" })).await;
    subscribe(&zoho, &zoho.customer("USD"), json!({ "coupon_code": "ALWAYS" })).await;
    zoho.advance(TimeDelta::days(62));
    let mut all = totals(&zoho);
    all.sort_unstable();
    assert_eq!(all, [2495, 2495, 2495, 3990, 3990, 4990]);
}

#[tokio::test]
async fn a_flat_discount_is_spread_over_lines_to_the_last_cent_and_never_above_them() {
    let zoho = Zoho::start().await;
    catalog(&zoho, json!({ "tax_id": "", "price": 1000 }));
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "extra", "price": 1000, "of_plan": "team" }));
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "more", "price": 1000, "of_plan": "team" }));
    for (code, amount) in [("FLAT", 1000), ("MUCH", 9000)] {
        zoho.staff(&json!({ "act": "add_coupon", "coupon_code": code, "amount": amount, "of_plan": "team" }));
    }
    let addons = json!([{ "addon_code": "extra" }, { "addon_code": "more" }]);
    let flat = json!({ "coupon_code": "FLAT", "addons": addons });
    let made = subscribe(&zoho, &zoho.customer("USD"), flat).await;
    let (_, invoice) = invoice(&zoho, &made).await;
    let items = invoice["invoice_items"].as_array().unwrap();
    let discounts: Vec<_> = items.iter().map(|item| item["discount_amount"].to_string()).collect();
    assert_eq!(discounts, ["3.33", "3.34", "3.33"]);
    subscribe(&zoho, &zoho.customer("USD"), json!({ "coupon_code": "MUCH", "addons": addons })).await;
    assert_eq!(totals(&zoho), [2000, 0]);
}

#[tokio::test]
async fn a_full_coupon_leaves_a_first_invoice_that_is_paid_at_once() {
    let zoho = Zoho::start().await;
    catalog(&zoho, json!({}));
    coupon(&zoho, "FREE100", "100", "one_time");
    let made = subscribe(&zoho, &zoho.customer("USD"), json!({ "coupon_code": "FREE100" })).await;
    let (shown, invoice) = invoice(&zoho, &made).await;
    assert_eq!((&invoice["status"], &invoice["payments"]), (&json!("paid"), &json!([])));
    assert!(shown.contains(r#""total":0.00,"balance":0.00"#), "{shown}");
    assert_eq!(made["status"], "live");
}

#[tokio::test]
async fn price_quantity_fee_and_trial_of_a_request_override_the_plan() {
    let zoho = Zoho::start().await;
    catalog(&zoho, json!({ "tax_id": "", "setup_fee": 1000, "trial_period": 14 }));
    let plan = json!({ "plan_code": "team", "quantity": 3, "price": 40, "exclude_trial": true,
        "exclude_setup_fee": true });
    let addons = json!([{ "addon_code": "seat", "quantity": 2, "price": 1, "tax_id": "" }]);
    let made = subscribe(&zoho, &zoho.customer("USD"), json!({ "plan": plan, "addons": addons })).await;
    assert_eq!((&made["status"], &made["plan"]["quantity"]), (&json!("live"), &json!(3)));
    assert_eq!(totals(&zoho), [3 * 4000 + 200 + 38]);
    // The days count even if the trial is excluded.
    let plan = json!({ "plan_code": "team", "exclude_trial": true, "trial_days": 3 });
    let made = subscribe(&zoho, &zoho.customer("USD"), json!({ "plan": plan })).await;
    assert_eq!((&made["status"], &made["child_invoice_id"]), (&json!("trial"), &json!("")));
}

#[tokio::test]
async fn a_trial_is_invoiced_at_its_end_with_coupon_fee_and_one_time_addons() {
    let mut zoho = Zoho::start().await;
    catalog(&zoho, json!({ "tax_id": "", "setup_fee": 1000, "trial_period": 14 }));
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "training", "price": 2000, "type": "one_time",
        "of_plan": "team" }));
    zoho.staff(&json!({ "act": "add_coupon", "coupon_code": "HALF", "percentage": "50", "of_plan": "team",
        "apply_to_addons": "none" }));
    let addons = json!([{ "addon_code": "training" }]);
    let made = subscribe(&zoho, &zoho.customer("USD"), json!({ "addons": addons, "coupon_code": "HALF" })).await;
    assert_eq!(made["status"], "trial");
    assert_eq!(totals(&zoho), Vec::<i64>::new());
    zoho.advance(TimeDelta::days(14));
    assert_eq!(totals(&zoho), [2495 + 1000 + 2000]);
    zoho.advance(TimeDelta::days(31));
    assert_eq!(totals(&zoho), [2495 + 1000 + 2000, 4990]);
    zoho.renew_token().await;
    let path = format!("/subscriptions/{}", text(&made, "subscription_id"));
    let now = zoho.get(&path).await;
    assert_eq!(now.json["subscription"]["status"], "live");
    let (_, newest) = invoice(&zoho, &now.json["subscription"]).await;
    assert_eq!(newest["invoice_items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_later_start_waits_as_future_and_bills_on_its_day() {
    let mut zoho = Zoho::start().await;
    catalog(&zoho, json!({ "tax_id": "" }));
    let day = zoho.world.clock.now().date_naive() + TimeDelta::days(10);
    let made = subscribe(&zoho, &zoho.customer("USD"), json!({ "starts_at": day.to_string() })).await;
    assert_eq!((&made["status"], &made["child_invoice_id"]), (&json!("future"), &json!("")));
    zoho.advance(TimeDelta::days(10));
    zoho.renew_token().await;
    let now = zoho.get(&format!("/subscriptions/{}", text(&made, "subscription_id"))).await;
    assert_eq!(now.json["subscription"]["status"], "live");
    let (_, invoice) = invoice(&zoho, &now.json["subscription"]).await;
    assert_eq!(invoice["invoice_date"], day.to_string());
}

#[tokio::test]
async fn unused_credits_pay_a_first_invoice_only_where_the_organisation_says_so() {
    let zoho = Zoho::start().await;
    catalog(&zoho, json!({ "tax_id": "" }));
    let customer = zoho.customer("USD");
    let give = |amount: i64| {
        zoho.staff(&json!({ "act": "give_credit", "customer_id": customer, "amount": amount }));
    };
    give(1000);
    let made = subscribe(&zoho, &customer, json!({})).await;
    assert_eq!(invoice(&zoho, &made).await.1["status"], "sent");
    zoho.staff(&json!({ "act": "set_auto_apply_credits", "on": true }));
    zoho.staff(&json!({ "act": "record_payment", "customer_id": customer, "amount": 2000 }));
    let made = subscribe(&zoho, &customer, json!({})).await;
    let (shown, partly) = invoice(&zoho, &made).await;
    assert_eq!(partly["status"], "partially_paid");
    assert!(shown.contains(r#""balance":19.90"#), "{shown}");
    assert_eq!(partly["credits"][0]["credited_amount"], "10.00");
    assert!(shown.contains(r#""payment_made":20.00,"credits_applied":10.00"#), "{shown}");
    give(9000);
    let made = subscribe(&zoho, &customer, json!({})).await;
    assert_eq!(invoice(&zoho, &made).await.1["status"], "paid");
    let standing = zoho.get(&format!("/customers/{customer}")).await;
    assert!(standing.text.contains(r#""unused_credits":40.10"#), "{}", standing.text);
}

#[tokio::test]
async fn addons_and_coupons_of_a_live_subscription_change_with_it() {
    let zoho = Zoho::start().await;
    catalog(&zoho, json!({ "tax_id": "" }));
    coupon(&zoho, "LATER", "10", "one_time");
    let made = subscribe(&zoho, &zoho.customer("USD"), json!({ "addons": [{ "addon_code": "seat" }] })).await;
    let path = format!("/subscriptions/{}", text(&made, "subscription_id"));
    refused(&zoho.delete("/addons/seat").await, 400, 1003);
    let added = zoho.post(&format!("{path}/coupons/LATER"), "").await;
    assert_eq!(added.json["message"], "The coupon has been added to the subscription.");
    let plan = json!({ "plan_code": "team" });
    let later = json!({ "plan": plan, "addons": [], "end_of_term": true });
    let changed = zoho.put(&path, &later.to_string()).await;
    assert_eq!(changed.json["subscription"]["addons"][0]["addon_code"], "seat");
    let scheduled = zoho.get(&format!("{path}/scheduledchanges")).await;
    assert_eq!(scheduled.json["subscription"]["addons"], json!([]));
    zoho.advance(TimeDelta::days(62));
    assert_eq!(totals(&zoho), [4990 + 495 + 94, 4491, 4990]);
}

#[tokio::test]
async fn a_failed_activation_is_undone_by_cancel_void_and_inactive() {
    let zoho = Zoho::start().await;
    catalog(&zoho, json!({}));
    let body = json!({ "display_name": "A", "email": "a@example.com",
        "custom_fields": [{ "label": "billing_ref", "value": "ab.cus.1" }] });
    let customer = text(&zoho.post("/customers", &body.to_string()).await.json["customer"], "customer_id");
    let made = subscribe(&zoho, &customer, json!({ "reference_id": "ab.sub.9" })).await;
    let id = text(&made, "subscription_id");
    refused(&zoho.post(&format!("/customers/{customer}/markasinactive"), "").await, 400, 1005);

    let cancelled = zoho.post(&format!("/subscriptions/{id}/cancel?cancel_at_end=false"), "").await;
    assert_eq!(cancelled.json["subscription"]["status"], "cancelled");
    let invoices = zoho.get(&format!("/invoices?subscription_id={id}&filter_by=Status.All")).await;
    let row = &invoices.json["invoices"][0];
    assert_eq!(row["status"], "sent", "a cancel leaves the invoice open");
    assert!(row["created_time"].is_string());
    let void = zoho.post(&format!("/invoices/{}/void", text(row, "invoice_id")), "").await;
    assert_eq!(void.json["message"], "Invoice status has been changed to Void.");
    let inactive = zoho.post(&format!("/customers/{customer}/markasinactive"), "").await;
    assert_eq!(inactive.status, StatusCode::OK);
    let read = zoho.get(&format!("/customers/{customer}")).await;
    assert_eq!(read.json["customer"]["status"], "inactive");
    let inactive = zoho.get("/customers?filter_by=Status.Inactive").await;
    assert_eq!(text(&inactive.json["customers"][0], "customer_id"), customer);
    assert_eq!(read.json["customer"]["custom_fields"][0]["value"], "ab.cus.1");
    let found = zoho
        .get(&format!(
            "/subscriptions?customer_id={customer}&reference_contains=ab.sub.9&filter_by=SubscriptionStatus.All"
        ))
        .await;
    assert_eq!(found.json["subscriptions"][0]["status"], "cancelled");
}
