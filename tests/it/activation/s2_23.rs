//! Deal and tags through the life of a subscription that was bought at the checkout: what CRM shows, what people do in it
//! meanwhile, and what is put right.

use super::play::{GOOD, Play, fault};
use attio_billing::demo::{Newcomer, SignUp};
use attio_billing::intake::deals::checked;
use attio_billing::store::backlog::await_item;
use attio_billing::store::items::offer_item;
use attio_billing::store::query;
use sagas::crm_lifecycle::CrmLifecycle;
use serde_json::{Value, json};
use std::time::Duration;

/// What CRM holds of one list, as its books tell it.
async fn all(play: &Play, module: &str) -> Vec<Value> {
    play.books().await["zoho_crm"][module].as_array().unwrap().clone()
}

async fn only(play: &Play, module: &str) -> Value {
    let mut records = all(play, module).await;
    assert_eq!(records.len(), 1, "{module}: {records:#?}");
    records.remove(0)
}

/// The names of the tags on the one contact, sorted.
async fn tags(play: &Play) -> Vec<String> {
    let contact = only(play, "contacts").await;
    let names = contact["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    names
}

async fn until_tags(play: &Play, wanted: &[&str]) {
    let shown = async || Ok(!all(play, "contacts").await.is_empty() && tags(play).await == wanted);
    let found = play.stage.until(&format!("the tags {wanted:?}"), shown).await;
    assert!(found.is_ok(), "{:#?}", all(play, "contacts").await);
    play.rest().await;
}

async fn until_status(play: &Play, wanted: &Value) {
    let shown = async || Ok(only(play, "deals").await["Billing_Status"] == *wanted);
    let found = play.stage.until(&format!("Billing_Status {wanted}"), shown).await;
    assert!(found.is_ok(), "{:#?}", only(play, "deals").await);
    play.rest().await;
}

/// Somebody wants the customer's records checked.
async fn check(play: &Play, newcomer: &Newcomer) {
    let customer = play.saga(newcomer).await.customer.unwrap();
    let service = play.stage.service();
    let order = checked(&customer, None, "token:ada");
    let item = offer_item(play.stage.pool(), service.store.node.shard_count(), &order, &[]).await.unwrap();
    service.engine.wake();
    await_item(play.stage.pool(), item, Duration::from_secs(10)).await.unwrap();
    play.rest().await;
}

async fn sold(play: &Play) -> Newcomer {
    let newcomer = play.active("Northwind").await;
    until_tags(play, &["lifecycle-active", "plan-plus"]).await;
    newcomer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_becomes_a_won_deal_of_a_tagged_contact_and_follows_the_subscription_to_its_end() {
    let play = Play::new().await;
    let newcomer = sold(&play).await;
    let (contact, account, deal) =
        (only(&play, "contacts").await, only(&play, "accounts").await, only(&play, "deals").await);
    let customer = play.saga(&newcomer).await.customer.unwrap();
    assert_eq!((&contact["Platform_User_Id"], &account["Billing_Account_Id"]), (&json!(customer), &json!(customer)));
    assert_eq!((&deal["Stage"], &deal["Billing_Status"]), (&json!("Closed Won"), &Value::Null), "{deal:#}");
    assert_eq!(deal["Amount"].to_string().trim_end_matches(".0").trim_matches('"'), "49", "{deal:#}");
    let external = format!("sub:{}", deal["Billing_Ref"].as_str().unwrap());
    assert_eq!(external, play.record(&newcomer, "external_id").await, "the deal bears our subscription's id");

    play.press(&newcomer, "Cancel at term end").await;
    let ends_on = play.record(&newcomer, "ends_on").await;
    until_status(&play, &json!(format!("ending {ends_on}"))).await;
    play.press(&newcomer, "Reactivate").await;
    until_status(&play, &Value::Null).await;
    assert_eq!(tags(&play).await, ["lifecycle-active", "plan-plus"], "tags are unchanged");

    play.press(&newcomer, "Cancel now").await;
    until_tags(&play, &["lifecycle-churned"]).await;
    let status = only(&play, "deals").await["Billing_Status"].clone();
    assert!(status.as_str().unwrap().starts_with("churned "), "{status}");
    let (line, _) = query::saga(play.stage.pool(), CrmLifecycle::id(&customer)).await.unwrap().unwrap();
    assert_eq!((line.state.as_str(), line.ended.as_deref()), ("Kept", Some("completed")));
    play.is_sound().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_e6_what_people_edit_in_crm_is_put_right_when_it_is_checked_and_their_own_tags_stay() {
    let play = Play::new().await;
    let newcomer = sold(&play).await;
    let (contact, deal) = (only(&play, "contacts").await, only(&play, "deals").await);
    let crm = |act: Value| {
        let mut act = act;
        act["vendor"] = json!("zoho_crm");
        act
    };
    for (verb, tag) in [("add_tag", "VIP"), ("remove_tag", "plan-plus"), ("add_tag", "plan-pro")] {
        play.act(crm(json!({"act": verb, "id": contact["id"], "tag": tag}))).await;
    }
    play.act(crm(json!({"act": "edit_record", "id": deal["id"], "values": {"Amount": 1, "Billing_Status": "mine"}})))
        .await;
    check(&play, &newcomer).await;
    until_tags(&play, &["VIP", "lifecycle-active", "plan-plus"]).await;
    let again = only(&play, "deals").await;
    assert_eq!((&again["Amount"], &again["Billing_Status"]), (&deal["Amount"], &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_a_deal_that_people_moved_keeps_their_stage_and_one_that_they_deleted_is_not_made_again() {
    let play = Play::new().await;
    let newcomer = sold(&play).await;
    let deal = only(&play, "deals").await;
    let by_hand = json!({"Stage": "Closed Lost"});
    play.act(json!({"vendor": "zoho_crm", "act": "edit_record", "id": deal["id"], "values": by_hand})).await;
    play.press(&newcomer, "Cancel at term end").await;
    let ends_on = play.record(&newcomer, "ends_on").await;
    until_status(&play, &json!(format!("ending {ends_on}"))).await;
    assert_eq!(only(&play, "deals").await["Stage"], "Closed Lost");

    play.act(json!({"vendor": "zoho_crm", "act": "delete_record", "id": deal["id"]})).await;
    play.press(&newcomer, "Cancel now").await;
    until_tags(&play, &["lifecycle-churned"]).await;
    assert!(all(&play, "deals").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_two_subscriptions_of_one_customer_are_two_deals_and_tags_of_both() {
    let play = Play::new().await;
    let newcomer = sold(&play).await;
    let plan =
        json!({"vendor": "zoho", "act": "add_plan", "plan_code": "pro-archive", "name": "Archive", "price": 3_000});
    play.act(plan).await;
    let sign_up = SignUp::new(newcomer.name.clone(), "pro-archive");
    let further = play.stage.further(&newcomer.company, &sign_up).await.unwrap();
    play.stage.press(&further.record, "Start").await.unwrap();
    let url = play.stage.checkout_url(&further.record).await.unwrap();
    play.stage.pay(&url, GOOD).await.unwrap();
    play.until_record(&further, "subscription_status", "Active").await;
    until_tags(&play, &["lifecycle-active", "plan-plus", "plan-pro"]).await;
    assert_eq!(all(&play, "deals").await.len(), 2);
    play.press(&newcomer, "Cancel now").await;
    until_tags(&play, &["lifecycle-active", "plan-pro"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_is_a_tag_without_a_deal_until_zoho_bills_it() {
    let play = Play::new().await;
    let (newcomer, url) = play.invited(SignUp::new("Trial", "starter-monthly")).await;
    play.stage.pay(&url, GOOD).await.unwrap();
    play.until_record(&newcomer, "subscription_status", "Active").await;
    until_tags(&play, &["lifecycle-trial"]).await;
    assert!(all(&play, "deals").await.is_empty());
    play.advance("P16D").await;
    let sold = async || Ok(!all(&play, "deals").await.is_empty());
    play.stage.until("the deal of a trial that is billed", sold).await.unwrap();
    assert_eq!(only(&play, "deals").await["Stage"], "Closed Won");
    // Its plan has no rule for a tier.
    until_tags(&play, &["lifecycle-active"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crm_that_is_down_holds_no_sale_up_and_is_written_when_it_is_back() {
    let play = Play::new().await;
    for (operation, kind) in
        [("record.get", "reset_before"), ("record.upsert", "timeout_after"), ("record.upsert", "reset_after")]
    {
        play.fault(fault("zoho_crm", operation, kind)).await;
    }
    let newcomer = play.active("Patient").await;
    assert_eq!(play.record(&newcomer, "payment_status").await, "Paid");
    for _ in 0..8 {
        play.advance("PT10M").await;
    }
    until_tags(&play, &["lifecycle-active", "plan-plus"]).await;
    assert_eq!(only(&play, "deals").await["Stage"], "Closed Won");
    play.is_sound().await;
}
