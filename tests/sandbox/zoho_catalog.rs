//! What the simulated Zoho sells: plans, add-ons and coupons, and what it refuses to sell.

use crate::zoho_caller::{Zoho, refused, text};
use chrono::TimeDelta;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A product with the plans `plus` (50.00 a month) and `max` (90.00 a month): its id.
fn product(zoho: &Zoho) -> String {
    let plan = json!({ "act": "add_plan", "plan_code": "plus", "name": "Plus", "price": 5000 });
    let product = text(&zoho.staff(&plan), "product_id");
    zoho.staff(&json!({ "act": "add_plan", "plan_code": "max", "price": 9000, "product_id": product }));
    product
}

async fn subscribe(zoho: &Zoho, body: Value) -> crate::zoho_caller::Answer {
    let mut all = json!({ "customer_id": zoho.customer("USD"), "plan": { "plan_code": "plus" } });
    for (name, value) in body.as_object().unwrap() {
        all[name] = value.clone();
    }
    zoho.post("/subscriptions", &all.to_string()).await
}

#[tokio::test]
async fn an_addon_is_created_listed_changed_retired_and_deleted() {
    let zoho = Zoho::start().await;
    let product = product(&zoho);
    let body = json!({ "addon_code": "seat", "name": "Seat", "unit_name": "seat", "product_id": product,
        "price_brackets": [{ "price": 5 }], "applicable_to_all_plans": false, "plans": [{ "plan_code": "plus" }] });
    let made = zoho.post("/addons", &body.to_string()).await;
    assert_eq!((made.status, &made.json["message"]), (StatusCode::CREATED, &json!("The addon has been created")));
    let addon = &made.json["addon"];
    assert_eq!(addon["pricing_scheme"], "unit");
    assert_eq!(addon["interval_unit"], "monthly");
    assert_eq!(addon["plans"], json!([{ "plan_code": "plus", "name": "Plus" }]));
    refused(&zoho.post("/addons", &body.to_string()).await, 400, 2);
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "setup", "price": 900, "type": "one_time",
        "product_id": product }));

    let codes = async |query: &str| {
        let answer = zoho.get(&format!("/addons?{query}")).await;
        let rows = answer.json["addons"].as_array().unwrap();
        rows.iter().map(|row| text(row, "addon_code")).collect::<Vec<_>>()
    };
    assert_eq!(codes("filter_by=AddonStatus.All").await, ["setup", "seat"]);
    assert_eq!(codes("filter_by=AddonStatus.ONETIME").await, ["setup"]);
    assert_eq!(codes(&format!("filter_by=AddonStatus.RECURRING&product_id={product}")).await, ["seat"]);

    let mut changed = body.clone();
    changed["price_brackets"] = json!([{ "price": 6.5 }]);
    let answer = zoho.put("/addons/seat", &changed.to_string()).await;
    assert_eq!(answer.json["message"], "The addon details have been updated.");
    assert!(answer.text.contains(r#""price_brackets":[{"price":6.50}]"#), "{}", answer.text);
    zoho.post("/addons/seat/markasinactive", "").await;
    assert_eq!(codes("filter_by=AddonStatus.INACTIVE").await, ["seat"]);
    assert_eq!(zoho.delete("/addons/seat").await.json["message"], "The addon has been deleted.");
    let gone = zoho.get("/addons/seat").await;
    assert_eq!(gone.json, json!({ "code": 1002, "message": "Addon does not exist." }));
}

#[tokio::test]
async fn a_coupon_is_created_listed_changed_and_deleted_until_it_was_used() {
    let zoho = Zoho::start().await;
    let product = product(&zoho);
    let body = json!({ "coupon_code": "WELCOME10", "name": "Welcome", "type": "duration", "duration": 2,
        "discount_by": "percentage", "discount_value": 10, "product_id": product, "apply_to_plans": "select",
        "plans": [{ "plan_code": "plus" }], "apply_to_addons": "none", "max_redemption": 5,
        "expiry_at": "2030-01-31" });
    let made = zoho.post("/coupons", &body.to_string()).await;
    assert_eq!((made.status, &made.json["message"]), (StatusCode::CREATED, &json!("The coupon has been created")));
    let coupon = &made.json["coupon"];
    assert_eq!((&coupon["status"], &coupon["redemption_count"]), (&json!("active"), &json!(0)));
    assert_eq!((&coupon["discount_value"], &coupon["duration"]), (&json!(10), &json!(2)));
    assert_eq!(coupon["plans"][0]["name"], "Plus");

    let renamed = zoho.put("/coupons/WELCOME10", r#"{"name":"Hello","max_redemption":1}"#).await;
    assert_eq!(renamed.json["coupon"]["name"], "Hello");
    let rows = zoho.get("/coupons?filter_by=CouponStatus.ACTIVE").await;
    assert_eq!(rows.json["coupons"][0]["expiry_at"], "2030-01-31");
    assert!(rows.json["coupons"][0].get("apply_to_plans").is_none());

    let used = subscribe(&zoho, json!({ "coupon_code": "WELCOME10" })).await;
    assert_eq!(used.status, StatusCode::CREATED, "{}", used.text);
    let coupon = zoho.get("/coupons/WELCOME10").await;
    assert_eq!(coupon.json["coupon"]["status"], "maxed_out");
    assert_eq!(coupon.json["coupon"]["redemption_count"], 1);
    refused(&zoho.delete("/coupons/WELCOME10").await, 400, 1003);
}

#[tokio::test]
async fn what_is_not_for_sale_is_refused_with_its_name_and_nothing_is_made() {
    let zoho = Zoho::start().await;
    let product = product(&zoho);
    let other = zoho.staff(&json!({ "act": "add_plan", "plan_code": "other", "price": 1 }));
    let other = text(&other, "product_id");
    for (code, of) in [("seat", &product), ("foreign", &other), ("old", &product)] {
        zoho.staff(&json!({ "act": "add_addon", "addon_code": code, "price": 500, "product_id": of }));
    }
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "for-max", "price": 500, "product_id": product,
        "plans": [{ "plan_code": "max" }] }));
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "yearly", "price": 500, "product_id": product,
        "interval_unit": "yearly" }));
    zoho.post("/addons/old/markasinactive", "").await;
    let addon = |code: &str| json!({ "addons": [{ "addon_code": code }] });
    let unknown = subscribe(&zoho, addon("none")).await;
    assert_eq!(unknown.json, json!({ "code": 1002, "message": "Addon does not exist." }));
    for code in ["foreign", "old", "for-max", "yearly"] {
        let answer = subscribe(&zoho, addon(code)).await;
        refused(&answer, 400, 9004);
        assert!(answer.text.contains(code), "{}", answer.text);
    }

    zoho.post("/plans/max/markasinactive", "").await;
    let retired = subscribe(&zoho, json!({ "plan": { "plan_code": "max" } })).await;
    assert_eq!(retired.json, json!({ "code": 9004, "message": "The plan \"max\" is inactive." }));
    let unknown = subscribe(&zoho, json!({ "plan": { "plan_code": "plus", "tax_id": "903000000999999" } })).await;
    assert_eq!(unknown.json, json!({ "code": 1002, "message": "Tax does not exist." }));
    assert_eq!(sandbox::zoho::books(&zoho.world)["subscriptions"], json!([]));
}

#[tokio::test]
async fn a_coupon_that_cannot_be_applied_is_refused_by_its_reason() {
    let zoho = Zoho::start().await;
    let product = product(&zoho);
    let coupon = |code: &str, more: Value| {
        let mut act = json!({ "act": "add_coupon", "coupon_code": code, "percentage": "10", "product_id": product });
        act.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        zoho.staff(&act);
    };
    let today = zoho.world.clock.now().date_naive();
    coupon("OLD", json!({ "expiry_at": today.to_string() }));
    coupon("OFF", json!({}));
    coupon("MAX", json!({ "apply_to_plans": "select", "plans": [{ "plan_code": "max" }] }));
    coupon("FULL", json!({ "max_redemption": 1 }));
    zoho.staff(&json!({ "act": "add_coupon", "coupon_code": "FOREIGN", "amount": 500 }));
    zoho.staff(&json!({ "act": "settings", "calls_per_minute": 1000 }));
    let made = subscribe(&zoho, json!({ "coupon_code": "OLD" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "on its last day it still holds: {}", made.text);
    assert_eq!(subscribe(&zoho, json!({ "coupon_code": "FULL" })).await.status, StatusCode::CREATED);
    zoho.post("/coupons/OFF/markasinactive", "").await;

    let mut zoho = zoho;
    zoho.advance(TimeDelta::days(1));
    zoho.renew_token().await;
    let unknown = subscribe(&zoho, json!({ "coupon_code": "NONE" })).await;
    assert_eq!(unknown.json, json!({ "code": 1002, "message": "Coupon does not exist." }));
    for (code, why) in [
        ("OLD", "has expired"),
        ("OFF", "is inactive"),
        ("FULL", "has reached its maximum number of redemptions"),
        ("MAX", "is not applicable to this subscription"),
        ("FOREIGN", "is not applicable to this subscription"),
    ] {
        let answer = subscribe(&zoho, json!({ "coupon_code": code })).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.json, json!({ "code": 9003, "message": format!("The coupon \"{code}\" {why}.") }));
    }
}

#[tokio::test]
async fn a_catalog_is_priced_in_the_organisations_own_currency_and_others_need_a_price() {
    let zoho = Zoho::start().await;
    zoho.staff(&json!({ "act": "settings", "base_currency": "EUR" }));
    let product = product(&zoho);
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "seat", "price": 500, "product_id": product }));
    let refusal = sandbox::zoho::staff(&zoho.world, &json!({ "act": "settings", "base_currency": "JPY" }));
    assert!(refusal.unwrap_err().contains("base_currency"));
    let made = subscribe(&zoho, json!({ "customer_id": zoho.customer("EUR") })).await;
    assert_eq!(made.json["subscription"]["currency_code"], "EUR");
    assert!(made.text.contains(r#""amount":50.00"#), "{}", made.text);

    let missing = json!({ "code": 4, "message": "Invalid value passed for price" });
    let dollars = zoho.customer("USD");
    assert_eq!(subscribe(&zoho, json!({ "customer_id": dollars })).await.json, missing);
    let priced = json!({ "plan_code": "plus", "price": 55 });
    let addons = json!([{ "addon_code": "seat" }]);
    let with_addon = json!({ "customer_id": dollars, "plan": priced, "addons": addons });
    assert_eq!(subscribe(&zoho, with_addon).await.json, missing);
    let made = subscribe(&zoho, json!({ "customer_id": dollars, "plan": priced })).await;
    assert!(made.text.contains(r#""amount":55.00"#), "{}", made.text);
}

#[tokio::test]
async fn a_product_and_its_plans_are_created_changed_retired_and_deleted() {
    let zoho = Zoho::start().await;
    let made = zoho.post("/products", r#"{"name":"Suite","redirect_url":"https://shop.example"}"#).await;
    assert_eq!((made.status, &made.json["message"]), (StatusCode::CREATED, &json!("The product has been created")));
    let id = text(&made.json["product"], "product_id");
    let path = format!("/products/{id}");
    refused(&zoho.put(&path, r#"{"description":"no name"}"#).await, 400, 4);
    let renamed = zoho.put(&path, r#"{"name":"Suite 2","email_ids":"a@example.com"}"#).await;
    assert_eq!(renamed.json["product"]["email_ids"], "a@example.com");
    assert_eq!(renamed.json["product"]["redirect_url"], "https://shop.example");

    let plan = json!({ "plan_code": "one", "name": "One", "recurring_price": 10, "interval": 1, "product_id": id });
    assert_eq!(zoho.post("/plans", &plan.to_string()).await.status, StatusCode::CREATED);
    let mut yearly = plan.clone();
    yearly["interval_unit"] = json!("years");
    yearly["billing_cycles"] = json!(3);
    let changed = zoho.put("/plans/one", &yearly.to_string()).await;
    assert_eq!(changed.json["message"], "The plan details has been updated.");
    assert_eq!(
        (&changed.json["plan"]["interval_unit"], &changed.json["plan"]["billing_cycles"]),
        (&json!("years"), &json!(3))
    );
    yearly["interval_unit"] = json!("moons");
    refused(&zoho.put("/plans/one", &yearly.to_string()).await, 400, 2);

    refused(&zoho.delete(&path).await, 400, 1003);
    zoho.post(&format!("{path}/markasinactive"), "").await;
    assert_eq!(zoho.get("/plans/one").await.json["plan"]["status"], "inactive");
    assert_eq!(zoho.get("/products?filter_by=ProductStatus.ACTIVE").await.json["products"], json!([]));
    zoho.post(&format!("{path}/markasactive"), "").await;
    zoho.post("/plans/one/markasactive", "").await;
    assert_eq!(zoho.get(&path).await.json["product"]["status"], "active");
    assert_eq!(zoho.delete("/plans/one").await.json["message"], "The plan has been deleted.");
    assert_eq!(zoho.delete(&path).await.json["message"], "The product has been deleted.");
    refused(&zoho.get(&path).await, 404, 1002);
}
