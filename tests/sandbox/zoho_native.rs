//! Zoho collects by itself: cards, hosted pages, the test gateway and its dunning.

use crate::zoho_caller::{Zoho, answer, refused, text};
use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use sandbox::faults::Kind;
use sandbox::zoho::books;
use serde_json::{Value, json};

/// A hosted page for a subscription to `plus`, of a new plan and customer: the customer's id and the page.
async fn page(zoho: &Zoho) -> (String, Value) {
    zoho.staff(&json!({ "act": "create_plan", "plan_code": "plus", "name": "Plus", "price": 5000 }));
    let customer = zoho.customer("USD");
    let body = json!({ "customer_id": customer, "plan": { "plan_code": "plus" }, "reference_id": "ab.sub.7",
        "redirect_url": "https://shop.example/thanks?x=1" });
    let made = zoho.post("/hostedpages/newsubscription", &body.to_string()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    (customer, made.json["hostedpage"].clone())
}

async fn submit(page: &Value, number: &str) -> StatusCode {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let form = [("act", "pay"), ("card_number", number), ("expiry_month", "12"), ("expiry_year", "2039")];
    client.post(text(page, "url")).form(&form).send().await.unwrap().status()
}

async fn status(zoho: &Zoho, page: &Value) -> String {
    text(&zoho.get(&format!("/hostedpages/{}", text(page, "hostedpage_id"))).await.json, "status")
}

#[tokio::test]
async fn a_customer_pays_on_a_hosted_page_and_zoho_collects_from_then_on() {
    let zoho = Zoho::start().await;
    let (customer, made) = page(&zoho).await;
    assert_eq!((&made["status"], &made["action"]), (&json!("fresh"), &json!("new_subscription")));
    let path = format!("/hostedpages/{}", text(&made, "hostedpage_id"));
    assert_eq!(zoho.get(&path).await.json["data"], json!({}));
    let shown = zoho.client.get(text(&made, "url")).send().await.unwrap();
    assert_eq!(shown.status(), StatusCode::OK);
    assert_eq!(status(&zoho, &made).await, "read");

    assert_eq!(submit(&made, "4111111111111111").await, StatusCode::SEE_OTHER);
    let read = zoho.get(&path).await;
    assert_eq!(read.json["status"], "success");
    let subscription = &read.json["data"]["subscription"];
    assert_eq!((&subscription["auto_collect"], &subscription["reference_id"]), (&json!(true), &json!("ab.sub.7")));
    assert_eq!(subscription["card"]["last_four_digits"], 1111);
    assert_eq!(read.json["data"]["invoice"]["status"], "paid");
    let id = text(&read.json["data"]["invoice"]["payments"][0], "payment_id");
    let payment = zoho.get(&format!("/payments/{id}")).await;
    assert_eq!(payment.json["payment"]["payment_mode"], "autotransaction");
    assert_eq!(payment.json["payment"]["autotransaction"]["payment_gateway"], "test_gateway");
    let cards = zoho.get(&format!("/customers/{customer}/cards")).await;
    assert_eq!(cards.json["cards"][0]["card_id"], subscription["card"]["card_id"]);

    let refund = zoho.post(&format!("/payments/{id}/refunds"), r#"{"amount":20,"description":"too much"}"#).await;
    assert_eq!(refund.status, StatusCode::CREATED, "{}", refund.text);
    assert_eq!(refund.json["refund"]["refund_mode"], "autotransaction");
    assert!(zoho.get(&format!("/payments/{id}")).await.text.contains(r#""amount_refunded":20.00"#));
}

#[tokio::test]
async fn a_page_can_be_tried_again_after_a_decline_and_never_after_its_hour() {
    let mut zoho = Zoho::start().await;
    let (_, made) = page(&zoho).await;
    for number in ["4000000000000002", "4000000000000341"] {
        assert_eq!(submit(&made, number).await, StatusCode::PAYMENT_REQUIRED);
        assert_eq!(status(&zoho, &made).await, "failed");
    }
    assert_eq!(books(&zoho.world)["subscriptions"], json!([]));
    zoho.advance(TimeDelta::minutes(61));
    zoho.renew_token().await;
    assert_eq!(submit(&made, "4111111111111111").await, StatusCode::GONE);
    assert_eq!(status(&zoho, &made).await, "failed", "there is no status that says it is over");
}

#[tokio::test]
async fn a_newer_page_for_the_same_thing_ends_the_older_one() {
    let zoho = Zoho::start().await;
    let [customer, subscription, _] = zoho.subscribed().await;
    let body = json!({ "subscription_id": subscription }).to_string();
    let first = zoho.post("/hostedpages/updatecard", &body).await;
    assert_eq!(first.status, StatusCode::OK, "the one that is not answered with 201");
    let second = zoho.post("/hostedpages/updatecard", &body).await;
    assert_eq!(status(&zoho, &first.json["hostedpage"]).await, "force_cancelled");
    let page = text(&second.json["hostedpage"], "hostedpage_id");
    zoho.staff(&json!({ "act": "use_hosted_page", "hostedpage_id": page }));
    let now = zoho.get(&format!("/subscriptions/{subscription}")).await;
    assert_eq!(now.json["subscription"]["auto_collect"], true);
    let rows = zoho.get("/hostedpages").await;
    assert_eq!(rows.json["hosted_pages"].as_array().unwrap().len(), 2);
    refused(&zoho.post("/hostedpages/addpaymentmethod", "{}").await, 400, 4);
    let add = json!({ "customer_id": customer }).to_string();
    let add = zoho.post("/hostedpages/addpaymentmethod", &add).await;
    let page = text(&add.json["hostedpage"], "hostedpage_id");
    zoho.staff(&json!({ "act": "use_hosted_page", "hostedpage_id": page, "outcome": "close" }));
    assert_eq!(status(&zoho, &add.json["hostedpage"]).await, "cancelled");
}

#[tokio::test]
async fn an_invoice_and_an_addon_are_paid_on_pages_of_their_own() {
    let zoho = Zoho::start().await;
    let [_, subscription, invoice] = zoho.subscribed().await;
    let made = zoho.post("/hostedpages/invoicepayment", &json!({ "invoice_id": invoice }).to_string()).await;
    let page = text(&made.json["hostedpage"], "hostedpage_id");
    zoho.staff(&json!({ "act": "use_hosted_page", "hostedpage_id": page }));
    assert_eq!(zoho.get(&format!("/invoices/{invoice}")).await.json["invoice"]["status"], "paid");
    refused(&zoho.post("/hostedpages/invoicepayment", &json!({ "invoice_id": invoice }).to_string()).await, 400, 24016);

    zoho.staff(&json!({ "act": "add_addon", "addon_code": "training", "price": 900, "type": "one_time",
        "of_plan": "plus" }));
    let body = json!({ "subscription_id": subscription, "addons": [{ "addon_code": "training", "quantity": 2 }] });
    let made = zoho.post("/hostedpages/buyonetimeaddon", &body.to_string()).await;
    assert_eq!(made.json["hostedpage"]["action"], "one_time_addon");
    let page = text(&made.json["hostedpage"], "hostedpage_id");
    zoho.staff(&json!({ "act": "use_hosted_page", "hostedpage_id": page }));
    let data = zoho.get(&format!("/hostedpages/{page}")).await.json["data"].clone();
    assert_eq!((&data["invoice"]["status"], &data["invoice"]["total"]), (&json!("paid"), &json!(18.0)));
    let body = json!({ "subscription_id": subscription, "plan": { "plan_code": "plus", "quantity": 2 } });
    let made = zoho.post("/hostedpages/updatesubscription", &body.to_string()).await;
    let page = text(&made.json["hostedpage"], "hostedpage_id");
    zoho.staff(&json!({ "act": "use_hosted_page", "hostedpage_id": page }));
    let now = zoho.get(&format!("/subscriptions/{subscription}")).await;
    assert_eq!(now.json["subscription"]["plan"]["quantity"], 2);
}

#[tokio::test]
async fn a_declined_renewal_is_dunned_until_a_new_card_pays_it() {
    let mut zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    let on =
        json!({ "act": "turn_on_auto_collect", "subscription_id": subscription, "card_number": "4000000000000341" });
    zoho.staff(&on);
    zoho.advance(TimeDelta::days(31));
    zoho.renew_token().await;
    let path = format!("/subscriptions/{subscription}");
    assert_eq!(zoho.get(&path).await.json["subscription"]["status"], "dunning");
    let declined = zoho.get("/events?event_type=payment_declined").await;
    let id = text(&declined.json["events"][0], "event_id");
    let event = zoho.get(&format!("/events/{id}")).await;
    let payload: Value = serde_json::from_str(&text(&event.json["event"], "payload")).unwrap();
    assert_eq!(payload["data"]["payment"]["status"], "failure");

    let page = zoho.post("/hostedpages/updatecard", &json!({ "subscription_id": subscription }).to_string()).await;
    let page = text(&page.json["hostedpage"], "hostedpage_id");
    zoho.staff(&json!({ "act": "use_hosted_page", "hostedpage_id": page }));
    let now = zoho.get(&path).await;
    assert_eq!(now.json["subscription"]["status"], "live");
    let invoice = text(&now.json["subscription"], "child_invoice_id");
    assert_eq!(zoho.get(&format!("/invoices/{invoice}")).await.json["invoice"]["status"], "paid");
}

#[tokio::test]
async fn the_last_decline_leaves_a_subscription_unpaid_or_ends_it() {
    for (end, status) in [("unpaid", "unpaid"), ("cancel", "cancelled_from_dunning")] {
        let mut zoho = Zoho::start().await;
        zoho.staff(&json!({ "act": "settings", "dunning_days": [2, 4], "dunning_end": end }));
        let [customer, subscription, invoice] = zoho.subscribed().await;
        zoho.pay(&customer, &invoice, "50", "tx1").await;
        zoho.staff(&json!({ "act": "turn_on_auto_collect", "subscription_id": subscription }));
        zoho.order("gateway.charge", Kind::Decline { code: "2000".to_owned() });
        zoho.advance(TimeDelta::days(31));
        assert_eq!(books(&zoho.world)["subscriptions"][0]["status"], "dunning");
        zoho.advance(TimeDelta::days(5));
        assert_eq!(books(&zoho.world)["subscriptions"][0]["status"], status);
        zoho.renew_token().await;
        assert_eq!(zoho.get("/events?event_type=payment_declined").await.json["events"].as_array().unwrap().len(), 3);
        if end == "unpaid" {
            let newest = books(&zoho.world)["invoices"][1]["invoice_id"].clone();
            zoho.pay(&customer, newest.as_str().unwrap(), "50", "tx2").await;
            assert_eq!(books(&zoho.world)["subscriptions"][0]["status"], "live");
        }
    }
}

#[tokio::test]
async fn a_stored_card_is_collected_shown_and_forgotten() {
    let zoho = Zoho::start().await;
    let [customer, subscription, invoice] = zoho.subscribed().await;
    let path = format!("/subscriptions/{subscription}");
    refused(&zoho.post(&format!("{path}/autocollect"), r#"{"auto_collect":true}"#).await, 400, 4);
    let act = json!({ "act": "turn_on_auto_collect", "subscription_id": subscription });
    let card = text(&zoho.staff(&act), "card_id");
    let body = json!({ "card_id": card }).to_string();
    let paid = zoho.post(&format!("/invoices/{invoice}/collect"), &body).await;
    assert_eq!(paid.json["message"], "The customer payment has been recorded.");
    assert_eq!(paid.json["payment"]["autotransaction"]["card_id"], card.as_str());
    refused(&zoho.post(&format!("/invoices/{invoice}/collect"), &body).await, 400, 24016);

    let off = zoho.post(&format!("{path}/autocollect"), r#"{"auto_collect":false}"#).await;
    assert_eq!(off.json["subscription"]["auto_collect"], false);
    let set = zoho.post(&format!("{path}/card"), &json!({ "card_id": card, "auto_collect": true }).to_string()).await;
    assert_eq!(set.json["subscription"]["card"]["card_id"], card.as_str());
    let shown = zoho.get(&format!("/customers/{customer}/cards/{card}")).await;
    assert_eq!(shown.json["card"]["expiry_year"], 2039);
    let page = zoho.post("/hostedpages/updatepaymentmethod", &json!({ "card_id": card }).to_string()).await;
    let page = text(&page.json["hostedpage"], "hostedpage_id");
    zoho.staff(&json!({ "act": "use_hosted_page", "hostedpage_id": page, "card_number": "5555 5555 5555 4444" }));
    let read = zoho.get(&path).await;
    assert_eq!(read.json["subscription"]["card"]["card_id"], card.as_str(), "the card keeps its id");
    assert_eq!(read.json["subscription"]["card"]["last_four_digits"], 4444);
    assert_eq!(zoho.delete(&format!("{path}/card")).await.status, StatusCode::OK);
    refused(&zoho.delete(&format!("{path}/card")).await, 404, 1002);
    let gone = zoho.delete(&format!("/customers/{customer}/cards/{card}")).await;
    assert_eq!(gone.json["message"], "The credit card has been deleted.");
    refused(&zoho.get(&format!("/customers/{customer}/cards/{card}")).await, 404, 1002);
}

#[tokio::test]
async fn a_card_that_has_expired_at_a_renewal_is_declined() {
    let zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    let now = zoho.world.clock.now();
    let (month, year) = (now.format("%m").to_string(), now.format("%Y").to_string());
    zoho.staff(&json!({ "act": "turn_on_auto_collect", "subscription_id": subscription,
        "expiry_month": month.parse::<u32>().unwrap(), "expiry_year": year.parse::<u32>().unwrap() }));
    zoho.advance(TimeDelta::days(31));
    assert_eq!(books(&zoho.world)["subscriptions"][0]["status"], "dunning");
}

#[tokio::test]
async fn a_customer_pays_by_a_link_that_staff_sent() {
    let zoho = Zoho::start().await;
    let [_, _, invoice] = zoho.subscribed().await;
    let declined = json!({ "act": "pay_by_link", "invoice_id": invoice, "card_number": "4000000000000341" });
    assert!(sandbox::zoho::staff(&zoho.world, &declined).unwrap_err().contains("declined"));
    let paid = zoho.staff(&json!({ "act": "pay_by_link", "invoice_id": invoice }));
    let read = zoho.get(&format!("/invoices/{invoice}")).await;
    assert_eq!(read.json["invoice"]["payments"][0]["payment_id"], paid["payment_id"]);
    assert_eq!(read.json["invoice"]["payments"][0]["payment_mode"], "autotransaction");
    let unknown = answer(zoho.request(Method::GET, "/hostedpages/2-nothing")).await;
    refused(&unknown, 404, 1002);
}
