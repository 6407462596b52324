//! Subscriptions of the simulated Zoho as staff and our flows change them.

use crate::zoho_caller::{Zoho, refused, text};
use chrono::TimeDelta;
use reqwest::StatusCode;
use sandbox::zoho::books;
use serde_json::{Value, json};

fn totals(zoho: &Zoho) -> Vec<i64> {
    books(&zoho.world)["invoices"].as_array().unwrap().iter().map(|i| i["total"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_change_now_takes_the_place_of_one_that_waits() {
    let mut zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    zoho.staff(&json!({ "act": "create_plan", "plan_code": "max", "price": 9000 }));
    let path = format!("/subscriptions/{subscription}");
    zoho.put(&path, r#"{"plan":{"plan_code":"max"},"end_of_term":true}"#).await;
    assert_eq!(zoho.get(&path).await.json["subscription"]["end_of_term"], true);
    zoho.put(&path, r#"{"plan":{"plan_code":"plus","quantity":2},"end_of_term":false}"#).await;
    assert_eq!(zoho.get(&path).await.json["subscription"]["end_of_term"], false);
    refused(&zoho.get(&format!("{path}/scheduledchanges")).await, 404, 1002);
    zoho.advance(TimeDelta::days(31));
    zoho.renew_token().await;
    assert_eq!(zoho.get(&path).await.json["subscription"]["plan"]["plan_code"], "plus");
    assert_eq!(totals(&zoho), [5000, 5000, 10000]);
}

#[tokio::test]
async fn a_change_in_the_middle_of_a_term_is_prorated_by_its_days() {
    let mut zoho = Zoho::start().await;
    let [customer, subscription, _] = zoho.subscribed().await;
    zoho.staff(&json!({ "act": "create_plan", "plan_code": "max", "price": 9000 }));
    let path = format!("/subscriptions/{subscription}");
    let read = zoho.get(&path).await.json["subscription"].clone();
    let day = |name: &str| text(&read, name).parse::<chrono::NaiveDate>().unwrap();
    let days = (day("next_billing_at") - day("current_term_starts_at")).num_days();
    zoho.advance(TimeDelta::days(10));
    zoho.renew_token().await;
    zoho.put(&path, r#"{"plan":{"plan_code":"max"}}"#).await;
    let up = (4000 * (days - 10) * 2 + days) / (2 * days);
    assert_eq!(totals(&zoho), [5000, up]);
    zoho.advance(TimeDelta::days(5));
    zoho.renew_token().await;
    zoho.staff(&json!({ "act": "change_subscription", "subscription_id": subscription, "plan_code": "plus" }));
    let down = (4000 * (days - 15) * 2 + days) / (2 * days);
    assert_eq!(books(&zoho.world)["credit_notes"][0]["total"], down);
    let credits = zoho.get(&format!("/transactions?filter_by=TransactionType.CREDIT&customer_id={customer}")).await;
    assert_eq!(credits.json["transactions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_plan_of_another_length_begins_a_term_of_its_own_less_what_was_not_used() {
    let mut zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    zoho.staff(&json!({ "act": "create_plan", "plan_code": "year", "price": 50000, "interval_unit": "years" }));
    let path = format!("/subscriptions/{subscription}");
    let changed = zoho.put(&path, r#"{"plan":{"plan_code":"year"}}"#).await;
    assert_eq!(totals(&zoho), [5000, 45000]);
    assert_eq!(changed.json["subscription"]["interval_unit"], "years");
    let starts = text(&changed.json["subscription"], "current_term_starts_at");
    assert_eq!(starts, zoho.world.clock.now().date_naive().to_string());
    zoho.advance(TimeDelta::days(60));
    assert_eq!(totals(&zoho), [5000, 45000], "the next one is a year away");
    zoho.renew_token().await;
    let back = zoho.put(&path, r#"{"plan":{"plan_code":"plus"}}"#).await;
    assert_eq!(back.status, StatusCode::OK, "{}", back.text);
    let over = books(&zoho.world)["credit_notes"][0]["total"].as_i64().unwrap();
    assert!((30_000..45_000).contains(&over), "what the month does not use up is credited: {over}");
    assert_eq!(totals(&zoho)[2], 0);
}

#[tokio::test]
async fn a_charge_and_addons_are_billed_once_beside_the_term() {
    let zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    let path = format!("/subscriptions/{subscription}");
    let charged = zoho.post(&format!("{path}/charge"), r#"{"amount":12.5,"description":"Help on site"}"#).await;
    assert_eq!(charged.json["message"], "One time charge has been added successfully.");
    assert!(charged.text.contains(r#""name":"Help on site","code":"","price":12.50"#), "{}", charged.text);
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "training", "price": 900, "type": "one_time",
        "of_plan": "plus" }));
    zoho.staff(&json!({ "act": "add_addon", "addon_code": "seat", "price": 500, "of_plan": "plus" }));
    let buy = async |code: &str| {
        let body = json!({ "addons": [{ "addon_code": code, "quantity": 2 }] });
        zoho.post(&format!("{path}/buyonetimeaddon"), &body.to_string()).await
    };
    assert_eq!(buy("training").await.json["invoice"]["total"], 18.0);
    refused(&buy("seat").await, 400, 2);
    assert_eq!(totals(&zoho), [5000, 1250, 1800]);
    zoho.post(&format!("{path}/cancel?cancel_at_end=false"), "").await;
    refused(&buy("training").await, 400, 9001);
}

#[tokio::test]
async fn notes_descriptions_and_what_happened_stay_with_a_subscription() {
    let zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    let path = format!("/subscriptions/{subscription}");
    let noted = zoho.post(&format!("{path}/notes"), r#"{"description":"called"}"#).await;
    let note = text(&noted.json["note"]["notes"][0], "note_id");
    assert_eq!(zoho.get(&path).await.json["subscription"]["notes"][0]["description"], "called");
    assert_eq!(zoho.delete(&format!("{path}/notes/{note}")).await.json["message"], "The note has been deleted.");
    refused(&zoho.delete(&format!("{path}/notes/{note}")).await, 404, 1002);
    zoho.post(&format!("{path}/lineitems/plus"), r#"{"description":"for the team"}"#).await;
    let read = zoho.get(&path).await;
    assert_eq!(read.json["subscription"]["plan"]["plan_description"], "for the team");
    zoho.post(&format!("{path}/salesperson"), r#"{"salesperson_name":"Eve"}"#).await;
    assert_eq!(zoho.get(&path).await.json["subscription"]["salesperson_name"], "Eve");
    let happened = zoho.get(&format!("{path}/recentactivities")).await;
    let first = happened.json["activities"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(first["description"], "subscription created");
}

#[tokio::test]
async fn a_pause_bills_nothing_and_what_it_missed_is_due_when_it_is_resumed() {
    let zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    zoho.staff(&json!({ "act": "pause_subscription", "subscription_id": subscription }));
    zoho.advance(TimeDelta::days(70));
    assert_eq!(books(&zoho.world)["subscriptions"][0]["status"], "paused");
    assert_eq!(totals(&zoho), [5000]);
    zoho.staff(&json!({ "act": "resume_subscription", "subscription_id": subscription }));
    assert_eq!(totals(&zoho), [5000, 5000]);
    let subscription = &books(&zoho.world)["subscriptions"][0];
    assert_eq!(subscription["status"], "live");
    let next = subscription["next_billing_at"].as_str().unwrap().parse::<chrono::NaiveDate>().unwrap();
    assert!(next > zoho.world.clock.now().date_naive() + TimeDelta::days(27));
}

#[tokio::test]
async fn the_list_is_filtered_by_every_documented_status() {
    let zoho = Zoho::start().await;
    let [_, subscription, _] = zoho.subscribed().await;
    let found = async |filter: &str| {
        let answer = zoho.get(&format!("/subscriptions?filter_by={filter}")).await;
        answer.json["subscriptions"].as_array().map(Vec::len)
    };
    for filter in ["All", "ACTIVE", "LIVE"] {
        assert_eq!(found(&format!("SubscriptionStatus.{filter}")).await, Some(1), "{filter}");
    }
    for filter in ["FUTURE", "TRIAL", "PAST_DUE", "UNPAID", "NON_RENEWING", "CANCELLED", "EXPIRED", "TRIAL_EXPIRED"] {
        assert_eq!(found(&format!("SubscriptionStatus.{filter}")).await, Some(0), "{filter}");
    }
    zoho.post(&format!("/subscriptions/{subscription}/cancel?cancel_at_end=false"), "").await;
    assert_eq!(found("SubscriptionStatus.CANCELLED_THIS_MONTH").await, Some(1));
    assert_eq!(found("SubscriptionStatus.CANCELLED_LAST_MONTH").await, Some(0));
    assert_eq!(found("SubscriptionMode.OFFLINE").await, Some(1));
    refused(&zoho.get("/subscriptions?filter_by=SubscriptionStatus.Sleeping").await, 400, 2);
    let none: Value = zoho.get("/subscriptions?reference_contains=xyz").await.json;
    assert_eq!(none["page_context"]["has_more_page"], false);
}

#[tokio::test]
async fn what_is_ahead_is_told_three_days_before_where_that_is_switched_on() {
    let mut zoho = Zoho::start().await;
    zoho.staff(&json!({ "act": "settings", "advance_notices": true }));
    zoho.subscribed().await;
    zoho.staff(&json!({ "act": "create_plan", "plan_code": "try", "price": 900, "trial_period": 5 }));
    let customer = zoho.customer("USD");
    zoho.staff(
        &json!({ "act": "create_subscription", "customer_id": customer, "plan_code": "try", "billing_cycles": 1 }),
    );
    zoho.advance(TimeDelta::days(62));
    zoho.renew_token().await;
    let events = zoho.get("/events?per_page=200").await.json["events"].clone();
    let told = |kind: &str| {
        let of_kind = events.as_array().unwrap().iter().filter(|event| event["event_type"] == kind);
        of_kind.map(|event| text(event, "event_time")).collect::<Vec<_>>()
    };
    assert_eq!((told("trial_expiring").len(), told("subscription_expiring").len()), (1, 1));
    assert_eq!(told("subscription_ahead").len(), told("subscription_renewed").len());
    assert!(told("trial_expiring") < told("subscription_expiring"));
}

#[tokio::test]
async fn an_event_says_whether_its_webhook_arrived() {
    let zoho = Zoho::start().await;
    let listener = crate::support::Listener::start().await;
    listener.answer([200, 503]);
    zoho.world.hooks.aim(sandbox::faults::Vendor::Zoho, Some(listener.url.clone()));
    let [customer, _, invoice] = zoho.subscribed().await;
    listener.received(3).await;
    zoho.world.hooks.order(sandbox::hooks::Mischief::Drop, None, 1);
    zoho.pay(&customer, &invoice, "50", "tx1").await;
    let events = zoho.get("/events").await.json["events"].clone();
    let mut statuses = Vec::new();
    for event in events.as_array().unwrap() {
        let read = zoho.get(&format!("/events/{}", text(event, "event_id"))).await;
        statuses.push(text(&read.json["event"]["webhooks"][0], "status"));
    }
    assert_eq!(statuses[0], "failure", "the lost one");
    let mut rest = statuses[1..].to_vec();
    rest.sort();
    assert_eq!(rest, ["scheduled", "success", "success"], "the refused one will be tried again");
}
