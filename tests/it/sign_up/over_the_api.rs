//! The platform tells of users.

use super::play::Play;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ADA: &str = "ada@analytical.example";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_a_user_becomes_a_person_in_attio_a_contact_with_its_account_in_crm_and_is_on_trial() {
    let play = Play::new().await;
    let (status, told) = play.signs_up("u-1", ADA, json!({"company": "Analytical Engines"})).await;
    assert_eq!((status, told["saga"]["customer"].is_string()), (StatusCode::OK, true), "{told}");
    play.is("u-1", "Trial").await;
    assert_eq!(play.tags().await, ["compliance-gdpr", "lifecycle-trial", "source-website"]);
    let (_, person) = play.person(ADA).await;
    assert_eq!(person["lifecycle"], "Trial", "{person:#}");
    assert_eq!(person["trial_ends_on"], "2026-06-23");
    let books = play.books().await;
    let (contact, account) = (&books["zoho_crm"]["contacts"][0], &books["zoho_crm"]["accounts"][0]);
    assert_eq!((&contact["Last_Name"], &account["Account_Name"]), (&json!("Lovelace"), &json!("Analytical Engines")));
    assert_eq!(person["zoho_contact_id"], contact["id"]);
    assert_eq!(books["attio"]["records"]["companies"][0]["values"]["zoho_account_id"], account["id"]);
    // The platform finds the ids of its user.
    let (status, shown) = play.ask(&play.platform, Method::GET, "/signups/u-1", &Value::Null, None).await;
    assert_eq!((status, &shown["ids"]["zoho_contact"]), (StatusCode::OK, &contact["id"]), "{shown}");
    assert_eq!((&shown["ids"]["zoho_account"], &shown["ids"]["platform_user"]), (&account["id"], &json!("u-1")));
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p5_a_trial_that_nobody_buys_is_told_of_expires_and_its_user_is_unlinked() {
    let play = Play::new().await;
    play.signs_up("u-1", ADA, json!({})).await;
    play.advance("P12D").await;
    assert_eq!(play.notes().await.iter().filter(|title| title.starts_with("Trial ends on 2026-06-23")).count(), 1);
    play.advance("P3D").await;
    play.is("u-1", "Expired").await;
    assert_eq!(play.tags().await, ["compliance-gdpr", "lifecycle-churned", "source-website"]);
    let (_, person) = play.person(ADA).await;
    assert_eq!(person["lifecycle"], "Churned");
    let (_, shown) = play.ask(&play.platform, Method::GET, "/signups/u-1", &Value::Null, None).await;
    assert!(shown["ids"]["platform_user"].is_null() && shown["ids"]["zoho_contact"].is_string(), "{shown}");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_a_user_told_again_is_the_same_sign_up_whatever_else_is_told() {
    let play = Play::new().await;
    let (_, first) = play.signs_up("u-1", ADA, json!({})).await;
    let (status, again) = play.signs_up("u-1", "other@analytical.example", json!({"trial_days": 30})).await;
    assert_eq!((status, &again["saga"]["id"]), (StatusCode::OK, &first["saga"]["id"]));
    assert_eq!(
        (play.contacts().await.len(), play.person(ADA).await.1["trial_ends_on"].clone()),
        (1, json!("2026-06-23"))
    );
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_an_address_of_another_user_waits_for_a_person_and_nothing_is_merged() {
    let play = Play::new().await;
    play.signs_up("u-1", ADA, json!({})).await;
    let (status, _) = play.signs_up("u-2", ADA, json!({})).await;
    assert_eq!(status, StatusCode::OK);
    let line = play.saga("u-2").await;
    assert_eq!(line.parked.as_ref().map(|(code, ..)| code.as_str()), Some("IDENTITY_SPLIT"), "{line:#?}");
    assert!(line.parked.unwrap().1.starts_with("D39: "));
    assert_eq!(play.contacts().await.len(), 1);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_a_contact_of_crm_with_the_same_address_is_never_taken_for_the_user() {
    let play = Play::new().await;
    let other = json!({"vendor": "zoho_crm", "act": "create_record", "module": "Contacts",
        "values": {"Last_Name": "Somebody", "Email": ADA}});
    play.staff(other).await;
    play.signs_up("u-1", ADA, json!({})).await;
    let contacts = play.contacts().await;
    let somebody = contacts.iter().find(|c| c["Last_Name"] == "Somebody").unwrap();
    assert!(somebody["Platform_User_Id"].is_null() && somebody["tags"].as_array().unwrap().is_empty(), "{somebody}");
    let line = play.saga("u-1").await;
    let split = line.parked.as_ref().is_some_and(|(code, ..)| code == "IDENTITY_SPLIT");
    assert!(split || contacts.len() == 2, "neither made of its own, nor asked: {line:#?}");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_two_users_of_one_domain_share_an_account_and_a_provider_names_none() {
    let play = Play::new().await;
    play.signs_up("u-1", ADA, json!({"company": "Analytical Engines"})).await;
    play.signs_up("u-2", "bob@analytical.example", json!({"last_name": "Babbage"})).await;
    play.signs_up("u-3", "carl@gmail.com", json!({"last_name": "Gauss"})).await;
    play.signs_up("u-4", "dora@gmail.com", json!({"last_name": "Doe"})).await;
    for user in ["u-1", "u-2", "u-3", "u-4"] {
        play.is(user, "Trial").await;
    }
    let books = play.books().await;
    let mut names: Vec<_> =
        books["zoho_crm"]["accounts"].as_array().unwrap().iter().map(|a| a["Account_Name"].clone()).collect();
    names.sort_by_key(ToString::to_string);
    assert_eq!(names, ["Ada Doe", "Ada Gauss", "Analytical Engines"]);
    assert_eq!(play.contacts().await.len(), 4);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_an_unknown_source_or_country_makes_no_tag_and_is_said_on_the_record() {
    let play = Play::new().await;
    play.signs_up("u-1", ADA, json!({"country": "XX", "lead_source": "Billboard"})).await;
    play.is("u-1", "Trial").await;
    assert_eq!(play.tags().await, ["lifecycle-trial"]);
    let notes = play.notes().await;
    assert!(notes.iter().any(|title| title.contains("the lead source and the country (D41)")), "{notes:?}");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_a_trial_is_extended_and_shortened_by_the_platform() {
    let play = Play::new().await;
    play.signs_up("u-1", ADA, json!({"trial_days": 5})).await;
    let moved = async |key: &str, ends_at: &str| {
        let body = json!({"ends_at": ends_at, "reason": "asked for"});
        play.ask(&play.platform, Method::POST, "/signups/u-1/trial", &body, Some(key)).await
    };
    assert_eq!(moved("k-1", "2026-07-01T12:00:00Z").await.0, StatusCode::OK);
    assert_eq!(play.person(ADA).await.1["trial_ends_on"], "2026-07-01");
    play.advance("P10D").await;
    play.is("u-1", "Trial").await;
    assert_eq!(moved("k-2", "2026-06-20T12:00:00Z").await.0, StatusCode::OK);
    play.advance("P2D").await;
    play.is("u-1", "Expired").await;
    assert_eq!(play.tags().await[1], "lifecycle-churned");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_while_zoho_crm_is_down_the_user_is_in_and_crm_follows() {
    let play = Play::new().await;
    let down = json!({"vendor": "zoho_crm", "operation": "*", "kind": "status", "status": 503, "times": 4});
    play.out.stage.sandbox.order_faults(&down).await.unwrap();
    let (status, told) = play.signs_up("u-1", ADA, json!({})).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    for _ in 0..12 {
        play.advance("PT10M").await;
    }
    play.is("u-1", "Trial").await;
    assert_eq!(play.tags().await.len(), 3);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_a_second_trial_is_refused_to_the_platform_and_granted_by_an_operator() {
    let play = Play::new().await;
    play.signs_up("u-1", ADA, json!({"trial_days": 1})).await;
    play.advance("P2D").await;
    play.is("u-1", "Expired").await;
    let body = json!({"ends_at": "2026-06-30T12:00:00Z", "reason": "was ill"});
    let (status, told) = play.ask(&play.platform, Method::POST, "/signups/u-1/trial", &body, Some("k-1")).await;
    assert_eq!(status, StatusCode::CONFLICT, "{told}");
    assert!(told["detail"].as_str().unwrap().contains("needs an approval"), "{told}");
    let (status, _) = play.ask(&play.operator, Method::POST, "/signups/u-1/trial", &body, Some("k-2")).await;
    assert_eq!(status, StatusCode::OK);
    play.is("u-1", "Trial").await;
    assert_eq!(play.tags().await[1], "lifecycle-trial");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_sign_up_is_refused_with_the_field_and_nothing_is_kept() {
    let play = Play::new().await;
    for (wrong, field) in [
        (json!({"platform_user": "two words"}), "platform_user"),
        (json!({"email": "nobody"}), "email"),
        (json!({"last_name": " "}), "last_name"),
        (json!({"country": "Germany"}), "country"),
        (json!({"product": "pro"}), "product"),
        (json!({"trial_days": 0}), "trial_days"),
    ] {
        let (status, told) = play.signs_up("u-1", ADA, wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(told.to_string().contains(field), "{told}");
    }
    let (status, _) = play.ask(&play.platform, Method::GET, "/signups/u-1", &Value::Null, None).await;
    assert_eq!((status, play.contacts().await.len()), (StatusCode::NOT_FOUND, 0));
    play.end().await;
}
