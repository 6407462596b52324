//! Presses and orders that lead to tickets.

use crate::outside::Outside;
use crate::published;
use attio_billing::access::{Holder, Role};
use attio_billing::demo::SignUp;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const ACT: &str = "Open ticket";

struct Play {
    out: Outside,
    operator: String,
    record: String,
}

impl Play {
    async fn new(helpdesk: bool) -> Self {
        let out = Outside::with(|options| {
            options.from = Some("2026-06-09T12:00:00Z".parse().unwrap());
            options.helpdesk = helpdesk;
        })
        .await;
        let operator = out.token_of("olga", Holder::Person, Role::Operator).await;
        let record = out.stage.newcomer(&SignUp::new("Tisch", out.stage.plan())).await.unwrap().record;
        Self { out, operator, record }
    }

    async fn press(&self) {
        self.out.stage.press(&self.record, ACT).await.unwrap();
        self.out.stage.rest().await.unwrap();
    }

    async fn order(&self, token: &str, reason: &str, key: &str) -> (StatusCode, Value) {
        let request = self.out.api_as(token, Method::POST, "/tickets").header("idempotency-key", key);
        let answer = request.json(&json!({"record": self.record, "reason": reason})).send().await.unwrap();
        let (status, body) = (answer.status(), answer.json().await.unwrap());
        self.out.stage.rest().await.unwrap();
        (status, body)
    }

    async fn desk(&self) -> Value {
        self.out.stage.sandbox.books().await.unwrap()["zoho_desk"].take()
    }

    async fn shown(&self) -> Value {
        let books = self.out.stage.sandbox.books().await.unwrap();
        let mut records = books["attio"]["records"]["subscriptions"].as_array().unwrap().iter();
        records.find(|record| record["record_id"] == self.record.as_str()).unwrap()["values"].clone()
    }

    async fn end(self) {
        published::hold(&self.out.stage.sandbox.exchanges().await.unwrap());
        self.out.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_a_press_opens_a_ticket_for_the_customers_contact_and_the_record_names_it() {
    let play = Play::new(true).await;
    play.press().await;
    let desk = play.desk().await;
    let ticket = &desk["tickets"][0];
    assert_eq!((ticket["status"].as_str(), desk["contacts"].as_array().unwrap().len()), (Some("Open"), 1), "{desk:#}");
    assert_eq!(ticket["contact_id"], desk["contacts"][0]["id"]);
    let shown = play.shown().await;
    assert_eq!((&shown["desk_ticket_id"], &shown["desk_ticket_number"]), (&ticket["id"], &ticket["number"]));
    assert_eq!((&shown["sync_action"], &shown["last_error"]), (&json!("none"), &Value::Null), "{shown:#}");
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_what_an_operator_orders_of_the_same_record_is_a_comment_until_the_ticket_is_closed() {
    let play = Play::new(true).await;
    play.press().await;
    let (status, body) = play.order(&play.operator, "card 4111 1111 1111 1111 was stolen", "k1").await;
    assert_eq!((status, &body["saga"]["kind"]), (StatusCode::OK, &json!("desk_ticket")), "{body:#}");
    play.order(&play.operator, "card 4111 1111 1111 1111 was stolen", "k1").await;
    let desk = play.desk().await;
    let comments = desk["tickets"][0]["comments"].as_array().unwrap();
    assert_eq!((desk["tickets"].as_array().unwrap().len(), comments.len()), (1, 1), "{desk:#}");
    let said = comments[0].as_str().unwrap();
    assert!(said.contains("…1111") && !said.contains("4111"), "e4: {said}");
    let close = json!({"vendor": "zoho_desk", "act": "edit_ticket", "id": desk["tickets"][0]["id"],
        "values": {"status": "Closed"}});
    play.out.stage.sandbox.staff(&close).await.unwrap();
    play.order(&play.operator, "again", "k2").await;
    let desk = play.desk().await;
    assert_eq!(desk["tickets"].as_array().unwrap().len(), 2, "{desk:#}");
    assert_eq!(play.shown().await["desk_ticket_id"], desk["tickets"][1]["id"]);
    let support = play.out.token_of("sam", Holder::Person, Role::Support).await;
    assert_eq!(play.order(&support, "x", "k3").await.0, StatusCode::FORBIDDEN);
    play.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p1_without_a_desk_a_press_and_an_order_are_refused_with_the_cure() {
    let play = Play::new(false).await;
    play.press().await;
    let shown = play.shown().await;
    assert_eq!(shown["sync_action"], "none");
    assert!(shown["last_error"].as_str().unwrap().contains("ZOHO_DESK_URL"), "{shown:#}");
    let (status, body) = play.order(&play.operator, "x", "k1").await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("no_helpdesk")), "{body:#}");
    play.end().await;
}
