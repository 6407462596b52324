//! Scenario files: a world and its faults as steps, played and taken back.

use crate::support::Sandbox;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const SCENARIO: &str = r#"
title = "A renewal whose first charge is declined"

[[step]]
clock = { set = "2026-11-21T10:00:00Z" }

[[step]]
staff = { vendor = "zoho", act = "create_plan", plan_code = "plus", name = "Plus", price = 5000 }

[[step]]
save = "ada"
staff = { vendor = "zoho", act = "create_customer", display_name = "Ada", email = "ada@example.com", currency_code = "EUR" }

[[step]]
staff = { vendor = "zoho", act = "create_invoice", customer_id = "${ada.customer_id}", amount = 4900 }

[[step]]
faults = { vendor = "braintree", operation = "transaction.sale", kind = "decline", code = "2001", times = 1 }

[[step]]
webhooks = { hold = true }
"#;

impl Sandbox {
    async fn play(&self, text: &str) -> (StatusCode, Value) {
        let answer = self.client.post(self.url("/control/scenario")).body(text.to_owned()).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    async fn scenario(&self) -> String {
        self.client.get(self.url("/control/scenario")).send().await.unwrap().text().await.unwrap()
    }

    /// What a scenario makes: customers and invoices by name and amount, faults, and the day.
    async fn made(&self) -> Value {
        let (_, books) = self.control(Method::GET, "/books", Value::Null).await;
        let (_, faults) = self.control(Method::GET, "/faults", Value::Null).await;
        let (_, clock) = self.control(Method::GET, "/clock", Value::Null).await;
        let balances: Vec<_> =
            books["zoho"]["invoices"].as_array().unwrap().iter().map(|one| one["balance"].clone()).collect();
        json!({"balances": balances, "faults": faults, "day": clock["now"].as_str().unwrap()[..10]})
    }
}

#[tokio::test]
async fn a_scenario_is_played_step_by_step_and_later_steps_use_what_earlier_ones_made() {
    let sandbox = Sandbox::start().await;
    let (status, answers) = sandbox.play(SCENARIO).await;
    assert_eq!((status, answers.as_array().unwrap().len()), (StatusCode::OK, 6), "{answers}");
    let made = sandbox.made().await;
    assert_eq!((&made["balances"], &made["day"]), (&json!([4900]), &json!("2026-11-21")));
    assert_eq!((&made["faults"][0]["code"], made["faults"].as_array().unwrap().len()), (&json!("2001"), 1));
}

#[tokio::test]
async fn what_was_ordered_is_a_scenario_that_makes_the_same_world_elsewhere() {
    let (one, other) = (Sandbox::start().await, Sandbox::start().await);
    one.play(SCENARIO).await;
    let (status, _) = one.control(Method::POST, "/staff", json!({"vendor": "attio", "act": "dance"})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "what was refused is no step of it");
    let file = one.scenario().await;
    assert!(file.contains("${s3.customer_id}") && !file.contains("dance"), "{file}");
    let (status, answers) = other.play(&file).await;
    assert_eq!(status, StatusCode::OK, "{answers}\n{file}");
    assert_eq!(other.made().await, one.made().await);
    assert_eq!(other.scenario().await, file, "taken again, it is the same");
}

#[tokio::test]
async fn a_step_that_cannot_be_carried_out_is_named_with_what_is_wrong_in_it() {
    let sandbox = Sandbox::start().await;
    for (text, field, message) in [
        ("step = 7", "scenario", "invalid type"),
        ("[[step]]\nclock = { advance = \"soon\" }", "step 1: clock.advance", "soon"),
        ("[[step]]\ndance = {}", "step 1", "`dance`: expected one of clock, staff, faults, webhooks, limits"),
        ("[[step]]\nclock = {}\nstaff = {}", "step 1", "expected one of clock"),
        ("[[step]]\nsave = \"a b\"\nclock = {}", "step 1", "`save`: expected a name"),
        ("[[step]]\nstaff = { vendor = \"zoho\", act = \"${x.y}\" }", "step 1", "no earlier step saves `x`"),
        (
            "[[step]]\nfaults = { vendor = \"zoho\", operation = \"*\", kind = \"decline\" }",
            "step 1: faults.code",
            "missing field",
        ),
    ] {
        let (status, refused) = sandbox.play(text).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
        assert_eq!(refused["error"]["field"], field, "{refused}");
        assert!(refused["error"]["message"].as_str().unwrap().contains(message), "{refused}");
    }
}
