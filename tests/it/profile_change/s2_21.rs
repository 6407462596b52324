//! Edits in Attio, and what they lead to at every vendor.

use super::play::Play;
use attio_billing::store::links::{LinkKind, find};
use reqwest::{Method, StatusCode};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_e8_a_burst_of_edits_reaches_every_vendor_once_and_its_echo_ends_here() {
    let play = Play::new().await;
    play.name("Augusta", "Byron").await;
    play.email("augusta@moveon.example").await;
    play.set("companies", &play.company, "name", json!("Moveon Ltd")).await;
    play.place("Bonn", "DE").await;
    play.settle().await;
    let (billing, contact) = (play.billing().await, play.contact().await);
    assert_eq!(play.state().await, "Written", "{}", play.history().await);
    assert_eq!(
        (&billing["email"], &billing["display_name"]),
        (&json!("augusta@moveon.example"), &json!("Moveon Ltd")),
        "{}",
        play.history().await
    );
    assert_eq!(play.gateway().await["email"], "augusta@moveon.example");
    let of_contact = (&contact["First_Name"], &contact["Last_Name"], &contact["Mailing_City"]);
    assert_eq!(of_contact, (&json!("Augusta"), &json!("Byron"), &json!("Bonn")));
    assert_eq!(play.account().await["Account_Name"], "Moveon Ltd");
    let shown = play.shown().await;
    assert!(shown["synced_at"].is_string() && shown["last_error"].is_null(), "{shown:#}");
    assert_eq!(play.count("CarryingBegan").await, 1, "four edits are one carrying: {}", play.history().await);
    // The same again, and our own writes, change nothing.
    play.name("Augusta", "Byron").await;
    play.settle().await;
    play.settle().await;
    assert_eq!(play.count("TargetWritten").await, 4, "{}", play.history().await);
    // The log names fields, and nobody.
    let log: Vec<String> =
        sqlx::query_scalar("select payload from event").fetch_all(play.out.stage.pool()).await.unwrap();
    assert!(!log.iter().any(|event| event.contains("Byron") || event.contains("augusta@")), "an event names them");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e2_e3_what_others_changed_in_crm_stays_until_attio_changes_it_or_a_check_and_is_noted() {
    let play = Play::new().await;
    play.place("Bonn", "DE").await;
    play.settle().await;
    let edit = |id: serde_json::Value, city: &str| {
        json!({"vendor": "zoho_crm", "act": "edit_record", "module": "Contacts", "id": id,
            "values": {"Mailing_City": city}})
    };
    let id = play.contact().await["id"].clone();
    play.staff(edit(id.clone(), "Trier")).await;
    play.name("Augusta", "Byron").await;
    play.settle().await;
    assert_eq!(play.contact().await["Mailing_City"], "Trier", "e2: {}", play.history().await);
    play.place("Mainz", "DE").await;
    play.settle().await;
    assert_eq!(play.contact().await["Mailing_City"], "Mainz", "e3: {}", play.history().await);
    let notes = play.notes().await;
    assert!(notes.iter().any(|note| note.contains("Trier") && note.contains("contact in Zoho CRM: city")), "{notes:?}");
    play.staff(edit(id, "Worms")).await;
    // Of another day the loop guard counts anew.
    play.out.stage.sandbox.advance("P1D").await.unwrap();
    play.settle().await;
    let path = format!("/people/{}/checks", play.ours);
    let (status, answer) = play.order(&play.operator, Method::POST, &path, &json!(null)).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    assert_eq!(play.contact().await["Mailing_City"], "Mainz", "{}", play.history().await);
    assert!(play.notes().await.iter().any(|note| note.contains("Worms")));
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_an_address_that_another_customer_in_zoho_has_is_written_nowhere_and_the_rest_is() {
    let play = Play::new().await;
    play.staff(json!({"vendor": "zoho", "act": "create_customer", "display_name": "Bob", "email": "bob@other.example",
        "currency_code": "EUR"}))
        .await;
    play.email("bob@other.example").await;
    play.name("Augusta", "Byron").await;
    play.settle().await;
    assert_eq!(play.contact().await["First_Name"], "Augusta", "{}", play.history().await);
    for (place, email) in [("billing", play.billing().await), ("gateway", play.gateway().await)] {
        assert!(email["email"].as_str().unwrap().starts_with("moveon-"), "{place}: {email}");
    }
    let shown = play.shown().await;
    assert!(shown["last_error"].as_str().unwrap().contains("D39"), "{shown:#}");
    assert!(play.tasks().await.iter().any(|task| task.contains("D39") && !task.contains("bob@")));
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_another_country_sets_laws_in_attio_and_tags_in_crm_and_finance_is_told() {
    let play = Play::new().await;
    play.place("Bonn", "DE").await;
    play.settle().await;
    play.place("Austin", "US").await;
    play.settle().await;
    assert_eq!(play.shown().await["compliance"], json!(["CCPA"]), "{}", play.history().await);
    let tags = play.contact().await["tags"].to_string();
    assert!(tags.contains("compliance-ccpa") && !tags.contains("compliance-gdpr"), "{tags}");
    assert!(play.tasks().await.iter().any(|task| task.contains("Finance: ")));
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_the_platform_has_the_record_read_anew_and_a_currency_is_refused() {
    let play = Play::new().await;
    let path = format!("/people/{}", play.ours);
    let (status, answer) = play.order(&play.platform, Method::PATCH, &path, &json!({"currency": "USD"})).await;
    assert_eq!((status, &answer["saga"]["kind"]), (StatusCode::OK, &json!("profile_change")), "{answer:#}");
    let shown = play.shown().await;
    assert!(shown["last_error"].as_str().unwrap().contains("The currency stays EUR"), "{shown:#}");
    let (status, _) = play.order(&play.platform, Method::PATCH, "/people/nobody", &json!({})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = play.order(&play.platform, Method::PATCH, &path, &json!({"currency": "usd"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    play.name("Augusta", "Byron").await;
    play.settle().await;
    assert!(play.shown().await["last_error"].is_null(), "what arrives takes it back");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_what_the_platform_says_of_a_customer_stands_in_attio_and_reaches_every_vendor() {
    let play = Play::new().await;
    let path = format!("/people/{}", play.ours);
    let change = json!({"first_name": "Augusta", "email": "augusta@moveon.example", "company": "Moveon Group",
        "street": "Street 2", "city": "Mainz", "country": "de", "phone": "+49 30 1234567"});
    let (status, answer) = play.order(&play.platform, Method::PATCH, &path, &change).await;
    assert_eq!((status, &answer["saga"]["kind"]), (StatusCode::OK, &json!("profile_change")), "{answer:#}");
    let shown = play.shown().await;
    let place = &shown["primary_location"];
    assert_eq!(
        (&shown["name"], &place["locality"], &place["country_code"]),
        (&json!("Moveon Group"), &json!("Mainz"), &json!("DE"))
    );
    let contact = play.contact().await;
    let carried = (&contact["Email"], &contact["Mailing_City"], &contact["First_Name"]);
    let wanted = (&json!("augusta@moveon.example"), &json!("Mainz"), &json!("Augusta"));
    assert_eq!(carried, wanted, "{}", play.history().await);
    assert_eq!(play.gateway().await["email"], "augusta@moveon.example");
    assert_eq!(play.billing().await["display_name"], "Moveon Group");
    assert_eq!(play.account().await["Account_Name"], "Moveon Group");
    assert_eq!(play.count("PatchWritten").await, 1);
    let history = play.history().await;
    assert!(!history.contains("augusta@") && !history.contains("Mainz"), "{history}");
    assert_eq!(play.kept().await, 0, "what stands in Attio is kept nowhere else");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_an_order_that_comes_twice_is_written_once_and_leaves_nothing_behind() {
    let play = Play::new().await;
    let path = format!("/people/{}", play.ours);
    for (key, body, expected) in [
        ("one", json!({"phone": "+49 30 1234567"}), StatusCode::OK),
        ("one", json!({"phone": "+49 30 1234567"}), StatusCode::OK),
        ("one", json!({}), StatusCode::CONFLICT),
    ] {
        let (status, answer) = play.order_again(key, &path, &body).await;
        assert_eq!(status, expected, "{answer:#}");
    }
    assert_eq!((play.count("PatchHeard").await, play.kept().await), (1, 0));
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_an_address_that_is_another_persons_in_attio_stops_alone_and_a_colleague_is_told() {
    let play = Play::new().await;
    let other = json!({"vendor": "attio", "act": "create_record", "object": "people", "values": {
        "name": [{"first_name": "Bob", "last_name": "Else", "full_name": "Bob Else"}],
        "email_addresses": ["bob@moveon.example"]}});
    play.staff(other).await;
    let before = play.contact().await["Email"].clone();
    let change = json!({"email": "bob@moveon.example", "city": "Mainz", "country": "DE"});
    let (status, answer) = play.order(&play.platform, Method::PATCH, &format!("/people/{}", play.ours), &change).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    let contact = play.contact().await;
    assert_eq!((&contact["Email"], &contact["Mailing_City"]), (&before, &json!("Mainz")), "{}", play.history().await);
    assert!(play.tasks().await.iter().any(|task| task.contains("D39: ")));
    assert_eq!(play.kept().await, 0);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_an_address_without_a_country_is_not_taken_in_attio_and_the_record_says_the_cure() {
    let play = Play::new().await;
    let path = format!("/people/{}", play.ours);
    let (status, answer) = play.order(&play.platform, Method::PATCH, &path, &json!({"city": "Mainz"})).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    let shown = play.shown().await;
    let error = shown["last_error"].as_str().unwrap_or_default();
    assert!(error.contains("city (country_needed)"), "{shown:#}\n{}", play.history().await);
    assert!(shown["primary_location"].is_null() && play.kept().await == 0);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_bad_input_says_which_field_and_what_was_expected_and_nothing_is_ordered() {
    let play = Play::new().await;
    let path = format!("/people/{}", play.ours);
    for (body, field, expected) in [
        (json!({"email": "augusta"}), "`email`", "ada@company.example"),
        (json!({"email": "a b@c.example"}), "`email`", "ada@company.example"),
        (json!({"phone": "030 1234567"}), "`phone`", "with its country"),
        (json!({"country": "UK"}), "`country`", "ISO 3166"),
        (json!({"city": " "}), "`city`", "1 to 200 characters"),
        (json!({"last_name": "x".repeat(201)}), "`last_name`", "1 to 200 characters"),
        (json!({"city": null}), "city", "expected a string"),
        (json!({"city": 7}), "city", "expected a string"),
        (json!({"town": "Mainz"}), "town", "expected one of"),
        (json!({"city": "Mainz", "currency": "EUR"}), "`currency`", "alone"),
    ] {
        let (status, answer) = play.order(&play.platform, Method::PATCH, &path, &body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {answer:#}");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains(field) && detail.contains(expected), "{body}: {detail}");
    }
    assert_eq!((play.count("PatchHeard").await, play.kept().await), (0, 0));
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_the_link_follows_a_merge_and_a_deletion_deletes_nothing_elsewhere() {
    let play = Play::new().await;
    let other = json!({"vendor": "attio", "act": "create_record", "object": "companies",
        "values": {"name": ["Moveon Group"]}});
    let other = play.staff(other).await["id"]["record_id"].as_str().unwrap().to_owned();
    let merge = json!({"vendor": "attio", "act": "merge_records", "object": "companies", "survivor": "primary",
        "primary_record_id": other, "secondary_record_id": play.company});
    play.staff(merge).await;
    play.settle().await;
    let linked = find(play.out.stage.pool(), LinkKind::AttioCompany, &other).await.unwrap();
    assert_eq!(linked.as_ref(), Some(&play.ours), "{}", play.history().await);
    assert_eq!(play.billing().await["display_name"], "Moveon Group", "{}", play.history().await);
    play.staff(json!({"vendor": "attio", "act": "delete_record", "object": "companies", "record_id": other})).await;
    play.settle().await;
    assert_eq!(play.state().await, "Held", "{}", play.history().await);
    assert_eq!(play.billing().await["display_name"], "Moveon Group");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_a_target_that_refuses_a_value_stops_no_other_and_the_record_says_the_cure() {
    let play = Play::new().await;
    let fault = json!({"vendor": "braintree", "operation": "customer.update", "kind": "refuse", "code": "81604"});
    play.out.stage.sandbox.order_faults(&fault).await.unwrap();
    play.email("augusta@moveon.example").await;
    play.settle().await;
    assert_eq!(play.billing().await["email"], "augusta@moveon.example", "{}", play.history().await);
    assert_eq!(play.contact().await["Email"], "augusta@moveon.example");
    let shown = play.shown().await;
    let said = shown["last_error"].as_str().unwrap();
    assert!(said.contains("Braintree") && said.contains("e-mail") && said.contains("Correct"), "{said}");
    play.out.stage.sandbox.clear_faults().await.unwrap();
    play.name("Augusta", "Byron").await;
    play.settle().await;
    assert_eq!(play.gateway().await["email"], "augusta@moveon.example", "{}", play.history().await);
    assert!(play.shown().await["last_error"].is_null());
    play.end().await;
}
