//! Orders over the API: who may, what is seen beforehand, what becomes of the money.

use super::play::{Play, saga_of};
use reqwest::{Method, StatusCode};
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::ids::recurring;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_to_p7_zohos_gateway_hands_over_to_us_and_we_charge_from_the_next_term_on() {
    let play = Play::new().await;
    let customer = play.customer("Zoe", false).await;
    play.collected_by_zoho(&customer).await;
    let wish = json!({"subscriptions": [customer.zoho_subscription], "from": "zoho_native", "to": "orchestrator",
        "reason": "one clock"});

    let (status, seen) = play.post(&play.ada, "/hand-overs/preview", &wish).await;
    assert_eq!((status, &seen["possible"]), (StatusCode::OK, &json!(1)), "{seen:#}");
    assert_eq!(seen["subscriptions"][0]["collected_by"], "zoho_native");
    let (status, asked) = play.post(&play.ada, "/hand-overs", &wish).await;
    assert_eq!((status, asked["hand_overs"][0]["state"].as_str()), (StatusCode::OK, Some("Requested")), "{asked:#}");
    let (_, again) = play.post(&play.ada, "/hand-overs", &wish).await;
    assert_eq!(again["hand_overs"].as_array().map(Vec::len), Some(1), "the same key is the same cohort");
    let approve = format!("/hand-overs/{}/approve", asked["id"].as_str().unwrap());
    let why = json!({"reason": "seen the list"});
    assert_eq!(play.post(&play.ada, &approve, &why).await.0, StatusCode::FORBIDDEN, "finance asks, another agrees");
    let (status, agreed) = play.post(&play.bob, &approve, &why).await;
    assert_eq!(status, StatusCode::OK, "{agreed:#}");

    play.until(saga_of(&asked), "NewOn").await;
    let zoho = play.subscription(&customer).await;
    assert_eq!(zoho["auto_collect"], false);
    let record = play.owner(&customer).await.expect("somebody collects");
    assert_eq!(record.owner, CollectionOwner::Orchestrator);
    let next = zoho["next_billing_at"].as_str().unwrap().to_owned();
    assert_eq!(record.valid_from.map(|day| day.to_string()), Some(next), "not the term that runs");
    assert_eq!(play.shown(&customer).await, "orchestrator");

    // What Zoho bills in the term that runs is not ours to charge; the renewal is.
    let early = play.out.stage.renew(&customer, 1_000).await.unwrap();
    play.until_stream(&early, "Mirrored").await;
    play.advance("P31D").await;
    let renewal = play.subscription(&customer).await["invoice_id"].clone();
    let books = play.out.stage.sandbox.books().await.unwrap();
    let sales = books["braintree"]["transactions"].as_array().unwrap().iter();
    let sold: Vec<_> = sales.filter(|sale| sale["customer_id"] == customer.braintree_customer.as_str()).collect();
    assert_eq!(sold.len(), 2, "the first invoice and the renewal {renewal}: {sold:#?}");
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_what_we_did_not_collect_is_asked_about_and_braintree_begins_with_zohos_next_bill() {
    let play = Play::new().await;
    let customer = play.customer("Owes", true).await;
    play.act(json!({"vendor": "braintree", "act": "create_plan", "id": "monthly", "name": "Monthly", "price": "49.00",
        "billing_frequency": 1}))
        .await;
    let wish = json!({"subscriptions": [customer.zoho_subscription], "from": "orchestrator",
        "to": "braintree_recurring", "braintree_plan": "monthly", "reason": "pilot"});
    let (_, asked) = play.post(&play.ada, "/hand-overs", &wish).await;
    let saga = saga_of(&asked);
    let approved = play.post(&play.bob, &format!("/hand-overs/{saga}/approve"), &json!({"reason": "seen"})).await;
    assert_eq!(approved.0, StatusCode::OK, "{:#}", approved.1);
    let parked = play.until(saga, "MoneyDecision").await.parked.expect("it asks");
    assert!(parked.1.contains("49.00") && parked.0 == "MONEY_DECISION", "{parked:?}");
    assert_eq!(play.owner(&customer).await, None, "nobody collects meanwhile");
    assert_eq!(play.shown(&customer).await, "none");

    let decide = format!("/hand-overs/{saga}/decide");
    let (status, refused) = play.post(&play.ada, &decide, &json!({"choice": "collect", "reason": "x"})).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused:#}");
    let (status, decided) =
        play.post(&play.ada, &decide, &json!({"choice": "leave", "reason": "a cheque comes"})).await;
    assert_eq!(status, StatusCode::OK, "{decided:#}");
    play.until(saga, "NewOn").await;
    let id = recurring(&customer.subscription, 1);
    let made = play.row("braintree", "subscriptions", "id", &id).await;
    assert_eq!((made["status"].as_str(), made["token"].as_str()), (Some("Pending"), Some(customer.token.as_str())));
    play.until_stream(&customer.first_invoice, "Mirrored").await;
    let record = play.owner(&customer).await.expect("somebody collects");
    assert_eq!(record.owner, CollectionOwner::BraintreeRecurring);

    // A month later Braintree has charged it once, and we have not.
    play.advance("P31D").await;
    let books = play.out.stage.sandbox.books().await.unwrap();
    let ours = books["braintree"]["transactions"].as_array().unwrap().iter();
    let of_theirs = ours.filter(|sale| sale["customer_id"] == customer.braintree_customer.as_str());
    let by_us = of_theirs.filter(|sale| sale["order_id"].as_str().is_some_and(|id| id.contains(".inv."))).count();
    assert_eq!(by_us, 1, "the one that was declined before the fence");
    play.is_sound().await;
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_what_was_not_agreed_to_changes_nothing_and_a_cohort_is_asked_for_whole_or_not_at_all() {
    let play = Play::new().await;
    let (zoe, ann) = (play.customer("Zoe", false).await, play.customer("Ann", false).await);
    play.collected_by_zoho(&zoe).await;
    let both = json!({"subscriptions": [zoe.zoho_subscription, ann.zoho_subscription], "from": "zoho_native",
        "to": "orchestrator", "reason": "one clock"});
    let (status, refused) = play.post(&play.ada, "/hand-overs", &both).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(refused.to_string().contains(&ann.zoho_subscription), "{refused:#}");

    for (body, status) in [
        (
            json!({"subscriptions": [], "from": "zoho_native", "to": "orchestrator", "reason": "x"}),
            StatusCode::CONFLICT,
        ),
        (json!({"subscriptions": ["1"], "from": "none", "to": "orchestrator", "reason": "x"}), StatusCode::CONFLICT),
        (json!({"subscriptions": ["1"], "from": "zoho_native", "to": "none", "reason": "x"}), StatusCode::CONFLICT),
        (
            json!({"subscriptions": ["x"], "from": "zoho_native", "to": "orchestrator", "reason": "x"}),
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
    ] {
        assert_eq!(play.post(&play.ada, "/hand-overs", &body).await.0, status, "{body}");
    }

    let wish = json!({"subscriptions": [zoe.zoho_subscription], "from": "zoho_native", "to": "orchestrator",
        "reason": "one clock"});
    let (_, asked) = play.post(&play.ada, "/hand-overs", &wish).await;
    let cohort = asked["id"].as_str().unwrap().to_owned();
    let stop = format!("/hand-overs/{cohort}/stop");
    let (status, stopped) = play.post(&play.ada, &stop, &json!({"reason": "after the holidays"})).await;
    assert_eq!((status, stopped["hand_overs"][0]["state"].as_str()), (StatusCode::OK, Some("Denied")), "{stopped:#}");
    assert_eq!(play.post(&play.bob, &stop, &json!({"reason": "x"})).await.0, StatusCode::CONFLICT, "it has ended");
    let show = play.out.api_as(&play.bob, Method::GET, &format!("/hand-overs/{cohort}")).send().await.unwrap();
    assert_eq!(show.status(), StatusCode::OK);
    assert_eq!(play.subscription(&zoe).await["auto_collect"], true);
    assert_eq!(play.owner(&zoe).await.map(|record| record.owner), Some(CollectionOwner::ZohoNative));
    assert_eq!(play.owner(&ann).await.map(|record| record.owner), Some(CollectionOwner::Orchestrator));
    play.is_sound().await;
    play.end().await;
}
