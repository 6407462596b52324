//! A CRM user presses `Start trial` on a person's record.

use super::play::Play;
use sagas::kernel::effect::AttioRecord;
use sagas::sign_up::SignUp;
use serde_json::{Value, json};

const BOB: &str = "bob@gmail.com";

async fn made(play: &Play, values: Value) -> String {
    let made = json!({"vendor": "attio", "act": "create_record", "object": "people", "values": values});
    play.staff(made).await["id"]["record_id"].as_str().unwrap().to_owned()
}

async fn press(play: &Play, record: &str) {
    let press = json!({"vendor": "attio", "act": "press", "object": "people", "record_id": record,
        "action": "Start trial"});
    play.staff(press).await;
}

#[expect(clippy::needless_pass_by_value, reason = "written where it is used")]
fn bob(email: Value) -> Value {
    json!({"name": [{"first_name": "Bob", "last_name": "Babbage", "full_name": "Bob Babbage"}],
        "email_addresses": email, "country": ["US"], "lead_source": ["Referral"]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p_a_press_makes_a_customer_in_crm_on_trial_and_is_answered() {
    let play = Play::new().await;
    let record = made(&play, bob(json!([BOB]))).await;
    press(&play, &record).await;
    let (_, person) = play.person(BOB).await;
    assert_eq!((&person["sync_action"], &person["lifecycle"]), (&json!("none"), &json!("Trial")), "{person:#}");
    assert!(person["zoho_contact_id"].is_string() && person["last_error"].is_null(), "{person:#}");
    assert_eq!(play.tags().await, ["compliance-ccpa", "lifecycle-trial", "source-referral"]);
    assert!(person["compliance"].to_string().contains("CCPA"), "{person:#}");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_what_a_press_lacks_is_said_on_the_record_and_a_second_trial_too() {
    let play = Play::new().await;
    let record = made(&play, bob(json!([]))).await;
    press(&play, &record).await;
    let error = || async {
        let books = play.books().await;
        let people = books["attio"]["records"]["people"].as_array().unwrap().clone();
        let values = people.iter().find(|p| p["record_id"] == record.as_str()).unwrap()["values"].clone();
        assert_eq!(values["sync_action"], "none", "{values:#}");
        values["last_error"].as_str().unwrap_or_default().to_owned()
    };
    assert!(error().await.contains("lacks E-mail"));
    let fill = json!({"vendor": "attio", "act": "set_value", "object": "people", "record_id": record,
        "attribute": "email_addresses", "value": [BOB]});
    play.staff(fill).await;
    press(&play, &record).await;
    assert_eq!((error().await.as_str(), play.contacts().await.len()), ("", 1));
    play.advance("P15D").await;
    press(&play, &record).await;
    assert!(error().await.contains("needs an approval"));
    let saga = SignUp::of_record(&AttioRecord { object: "people".to_owned(), id: record.clone() });
    assert_eq!(play.line(saga).await.state, "Expired");
    play.end().await;
}
