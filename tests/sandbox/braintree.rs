//! The simulated Braintree gateway over HTTP: what the SDK suites cannot reach (faults on order, staff, the clock, the
//! books) and the raw protocol.

use chrono::TimeDelta;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use sandbox::faults::{Fault, Kind, Vendor};
use sandbox::{World, braintree, server};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::net::TcpListener;

/// A sandbox with the merchant's keys.
pub(crate) struct Gateway {
    pub(crate) world: Arc<World>,
    pub(crate) client: Client,
    pub(crate) url: String,
}

/// An XML answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Answer {
    /// The content of the first element of this name; empty for nil.
    pub(crate) fn first(&self, name: &str) -> &str {
        let rest = self.text.split_once(&format!("<{name}>")).map_or("", |(_, rest)| rest);
        rest.split_once(&format!("</{name}>")).map_or("", |(content, _)| content)
    }

    /// The first error's code.
    pub(crate) fn code(&self) -> &str {
        self.first("code")
    }
}

impl Gateway {
    pub(crate) async fn open() -> Self {
        // Another test of this binary may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = Arc::new(World::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let merchant = &world.credentials.braintree.merchant_id;
        let url = format!("http://{}/merchants/{merchant}", listener.local_addr().unwrap());
        tokio::spawn(server::serve(listener, world.clone(), std::future::pending()));
        Self { world, client: Client::builder().no_proxy().build().unwrap(), url }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let keys = &self.world.credentials.braintree;
        self.client.request(method, format!("{}{path}", self.url)).basic_auth(&keys.public_key, Some(&keys.private_key))
    }

    async fn send(&self, request: RequestBuilder) -> Answer {
        let answer = request.send().await.unwrap();
        Answer { status: answer.status(), text: answer.text().await.unwrap() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::PUT, path).json(body)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) fn staff(&self, act: &Value) -> Result<Value, String> {
        braintree::staff(&self.world, act)
    }

    pub(crate) fn order(&self, operation: &str, kind: Kind) {
        let operation = operation.to_owned();
        self.world.faults.order(Fault {
            vendor: Vendor::Braintree,
            operation,
            kind,
            skip: 0,
            times: Some(1),
            contains: None,
        });
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.world.clock.advance(by);
        braintree::tick(&self.world, self.world.clock.now());
    }

    /// A submitted sale on this stored card.
    pub(crate) async fn sell(&self, token: &str, order_id: &str) -> Answer {
        self.sell_with(token, order_id, &json!({})).await
    }

    async fn sell_with(&self, token: &str, order_id: &str, more: &Value) -> Answer {
        let mut sale = json!({"type": "sale", "amount": "10.00", "order_id": order_id, "payment_method_token": token,
            "options": {"submit_for_settlement": true}});
        for (name, value) in more.as_object().unwrap() {
            sale[name] = value.clone();
        }
        self.post("/transactions", &json!({"transaction": sale})).await
    }

    async fn search(&self, order_id: &str) -> Answer {
        self.post("/transactions/advanced_search_ids", &json!({"search": {"order_id": {"is": order_id}}})).await
    }

    pub(crate) fn vault(&self, token: &str) {
        let act = json!({"act": "vault_customer", "customer_id": format!("c-{token}"), "token": token, "card": "visa"});
        self.staff(&act).unwrap();
    }
}

#[tokio::test]
async fn wrong_keys_are_401_an_unknown_field_403_and_an_unknown_id_404() {
    let bt = Gateway::open().await;
    let stranger = bt.client.get(format!("{}/customers/x", bt.url)).basic_auth("a", Some("b"));
    let refused = bt.send(stranger).await;
    assert_eq!((refused.status, refused.text.as_str()), (StatusCode::UNAUTHORIZED, ""));
    let unknown = bt.post("/customers", &json!({"customer": {"nick_name": "x"}})).await;
    assert_eq!((unknown.status, unknown.first("errors")), (StatusCode::FORBIDDEN, "Unauthorized"));
    let missing = bt.get("/transactions/nothere").await;
    assert_eq!((missing.status, missing.text.as_str()), (StatusCode::NOT_FOUND, ""));
}

#[tokio::test]
async fn dashed_xml_is_taken_and_answers_are_compressed_when_asked() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    let sale = "<transaction><type>sale</type><amount>10.0</amount><order-id>a&amp;b</order-id>\
        <payment-method-token>m-1</payment-method-token><options><submit-for-settlement type=\"boolean\">true\
        </submit-for-settlement></options></transaction>";
    let made =
        bt.send(bt.request(Method::POST, "/transactions/").header("content-type", "application/xml").body(sale)).await;
    assert_eq!((made.status, made.first("amount")), (StatusCode::CREATED, "10.00"));
    assert_eq!((made.first("status"), made.first("order-id")), ("submitted_for_settlement", "a&amp;b"));
    let plain = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let keys = &bt.world.credentials.braintree;
    let raw = plain
        .get(format!("{}/transactions/nothere", bt.url))
        .basic_auth(&keys.public_key, Some(&keys.private_key))
        .header("accept-encoding", "gzip");
    let raw = raw.send().await.unwrap();
    assert_eq!(raw.headers()["content-encoding"], "gzip");
    assert_eq!(raw.headers()["content-type"], "application/xml; charset=utf-8");
}

#[tokio::test]
async fn ordered_declines_and_rejections_strike_once() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    bt.order("transaction.sale", Kind::Decline { code: "2015".to_owned() });
    let declined = bt.sell("m-1", "o-1").await;
    assert_eq!(declined.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(declined.first("status"), "processor_declined");
    assert_eq!(declined.first("processor-response-type"), "hard_declined");
    assert_eq!(declined.code(), "");
    bt.order("transaction.sale", Kind::GatewayReject { reason: "risk_threshold".to_owned() });
    let rejected = bt.sell("m-1", "o-2").await;
    assert_eq!(rejected.first("message"), "Gateway Rejected: risk_threshold");
    assert_eq!(bt.sell("m-1", "o-3").await.status, StatusCode::CREATED);
    bt.order("transaction.find", Kind::Refuse { code: "91504".to_owned() });
    assert_eq!(bt.get("/transactions/x").await.code(), "91504");
}

#[tokio::test]
async fn an_answer_that_is_cut_or_lost_leaves_the_sale_done() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    for (order, kind) in [("o-1", Kind::CutAfter), ("o-2", Kind::ResetAfter)] {
        bt.order("transaction.sale", kind);
        let sale = json!({"transaction": {"type": "sale", "amount": "1.00", "order_id": order, "payment_method_token": "m-1"}});
        let request = bt.request(Method::POST, "/transactions").json(&sale).send();
        let whole = async { request.await?.text().await };
        assert!(whole.await.is_err(), "{order}");
        assert!(bt.search(order).await.text.contains("<item>"), "{order}");
    }
}

#[tokio::test]
async fn a_card_told_to_decline_does_so_until_it_is_taken_back() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    bt.staff(&json!({"act": "set_card_behaviour", "token": "m-1", "decline_code": "2001"})).unwrap();
    for order in ["o-1", "o-2"] {
        assert_eq!(bt.sell("m-1", order).await.first("processor-response-code"), "2001");
    }
    bt.staff(&json!({"act": "set_card_behaviour", "token": "m-1", "decline_code": null})).unwrap();
    assert_eq!(bt.sell("m-1", "o-3").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_late_index_hides_young_sales_from_searches_only() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    let sold = bt.sell("m-1", "o-1").await;
    let id = sold.first("id").to_owned();
    bt.order("transaction.search", Kind::LateIndex { seconds: 60 });
    assert!(!bt.search("o-1").await.text.contains(&id));
    assert_eq!(bt.get(&format!("/transactions/{id}")).await.first("id"), id);
    bt.order("transaction.search", Kind::LateIndex { seconds: 60 });
    bt.advance(TimeDelta::seconds(61));
    assert!(bt.search("o-1").await.text.contains(&id));
}

#[tokio::test]
async fn the_clock_settles_expires_and_forgets() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    let held = bt.sell_with("m-1", "o-1", &json!({"options": {}})).await.first("id").to_owned();
    let sold = bt.sell_with("m-1", "o-2", &json!({"api_request_key": "k"})).await.first("id").to_owned();
    let sale = format!("/transactions/{sold}");
    bt.advance(TimeDelta::hours(18));
    let settling = bt.get(&sale).await;
    assert_eq!(settling.first("status"), "settling");
    assert!(settling.first("settlement-batch-id").contains("_sandbox_eur_"));
    assert_eq!(bt.put(&format!("{sale}/void"), &json!({})).await.code(), "91504");
    bt.advance(TimeDelta::hours(6));
    assert_eq!(bt.get(&sale).await.first("status"), "settled");
    bt.advance(TimeDelta::days(7));
    assert_eq!(bt.get(&format!("/transactions/{held}")).await.first("status"), "authorization_expired");
    let paid_out = bt.get(&sale).await;
    assert!(paid_out.text.contains("<settlement-amount>10.00</settlement-amount>"));
    assert_eq!(bt.sell_with("m-1", "o-2", &json!({"api_request_key": "k"})).await.first("id"), sold);
    bt.advance(TimeDelta::days(30));
    assert_ne!(bt.sell_with("m-1", "o-2", &json!({"api_request_key": "k"})).await.first("id"), sold);
}

#[tokio::test]
async fn duplicates_are_rejected_within_the_window_even_after_a_void_but_not_with_a_key() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    let sold = bt.sell("m-1", "o-1").await.first("id").to_owned();
    bt.staff(&json!({"act": "void_in_console", "id": sold})).unwrap();
    let again = bt.sell("m-1", "o-1").await;
    assert_eq!(again.first("gateway-rejection-reason"), "duplicate");
    assert_eq!(bt.sell_with("m-1", "o-1", &json!({"api_request_key": "k"})).await.status, StatusCode::CREATED);
    bt.advance(TimeDelta::seconds(31));
    assert_eq!(bt.sell("m-1", "o-1").await.status, StatusCode::CREATED);
    bt.staff(&json!({"act": "set_duplicate_window", "seconds": 0})).unwrap();
    assert_eq!(bt.sell("m-1", "o-1").await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn keys_can_be_switched_off_and_a_failed_request_burns_its_key() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    bt.staff(&json!({"act": "set_api_request_keys", "on": false})).unwrap();
    let keyed = json!({"api_request_key": "k"});
    assert_eq!(bt.sell_with("m-1", "o-1", &keyed).await.code(), "915231");
    bt.staff(&json!({"act": "set_api_request_keys", "on": true})).unwrap();
    assert_eq!(bt.sell_with("unknown", "o-1", &keyed).await.code(), "91518");
    assert_eq!(bt.sell_with("unknown", "o-1", &keyed).await.code(), "915234");
    assert_eq!(bt.sell_with("m-1", "o-1", &keyed).await.code(), "915232");
}

#[tokio::test]
async fn a_declined_vaulting_sale_leaves_the_token_free_and_spends_the_nonce() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    let nonce = bt.staff(&json!({"act": "make_nonce", "card": "visa"})).unwrap()["nonce"].clone();
    let sale = |amount: &str| {
        json!({"transaction": {"type": "sale", "amount": amount, "customer_id": "c-m-1", "payment_method_nonce": nonce,
            "credit_card": {"token": "m-new"}, "options": {"store_in_vault_on_success": true}}})
    };
    assert_eq!(bt.post("/transactions", &sale("0.00")).await.code(), "81531");
    assert_eq!(bt.post("/transactions", &sale("2000.00")).await.first("status"), "processor_declined");
    assert_eq!(bt.get("/payment_methods/any/m-new").await.status, StatusCode::NOT_FOUND);
    assert_eq!(bt.post("/transactions", &sale("10.00")).await.code(), "91564");
}

#[tokio::test]
async fn the_hidden_close_of_a_batch_refuses_a_void_that_the_status_allows() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    bt.staff(&json!({"act": "set_hidden_settling", "seconds": 3600})).unwrap();
    let id = bt.sell("m-1", "o-1").await.first("id").to_owned();
    bt.advance(TimeDelta::minutes(17 * 60 + 30));
    assert_eq!(bt.get(&format!("/transactions/{id}")).await.first("status"), "submitted_for_settlement");
    assert_eq!(bt.put(&format!("/transactions/{id}/void"), &json!({})).await.code(), "91504");
}

#[tokio::test]
async fn a_hold_that_the_bank_lets_go_early_can_be_neither_submitted_nor_voided() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    let unsubmitted = json!({"options": {"submit_for_settlement": false}});
    let id = bt.sell_with("m-1", "o-1", &unsubmitted).await.first("id").to_owned();
    bt.staff(&json!({"act": "expire_authorization", "id": id})).unwrap();
    assert_eq!(bt.get(&format!("/transactions/{id}")).await.first("status"), "authorization_expired");
    assert_eq!(bt.put(&format!("/transactions/{id}/submit_for_settlement"), &json!({})).await.code(), "91507");
    assert_eq!(bt.put(&format!("/transactions/{id}/void"), &json!({})).await.code(), "91504");
    let again = bt.staff(&json!({"act": "expire_authorization", "id": id})).unwrap_err();
    assert!(again.contains("not an authorized transaction"), "{again}");
}

#[tokio::test]
async fn the_books_show_every_transaction_and_what_was_really_kept() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    let kept = bt.sell("m-1", "o-1").await.first("id").to_owned();
    let voided = bt.sell("m-1", "o-2").await.first("id").to_owned();
    bt.staff(&json!({"act": "void_in_console", "id": voided})).unwrap();
    bt.staff(&json!({"act": "settle_now"})).unwrap();
    bt.staff(&json!({"act": "refund_in_console", "id": kept, "amount": "4.00"})).unwrap();
    let books = braintree::books(&bt.world);
    assert_eq!(books["totals"], json!({"EUR": {"captured_minor": 1000, "refunded_minor": 400, "net_minor": 600}}));
    let statuses: Vec<_> = books["transactions"].as_array().unwrap().iter().map(|t| &t["status"]).collect();
    assert_eq!(statuses, ["settled", "voided", "submitted_for_settlement"]);
    assert_eq!(books["payment_methods"][0]["last_4"], "1881");
    bt.staff(&json!({"act": "delete_payment_method", "token": "m-1"})).unwrap();
    assert_eq!(bt.sell("m-1", "o-3").await.code(), "91518");
    assert!(bt.staff(&json!({"act": "fly"})).unwrap_err().contains("vault_customer"));
}

#[tokio::test]
async fn security_code_and_address_are_judged_by_the_testing_values() {
    let bt = Gateway::open().await;
    for (cvv, postal, street, wanted) in [
        ("123", "10115", "1 Main St", ["M", "M", "M"]),
        ("200", "20000", "200 Main St", ["N", "N", "N"]),
        ("201", "20001", "201 Main St", ["U", "U", "U"]),
    ] {
        let card = json!({"number": "4111111111111111", "expiration_date": "12/2035", "cvv": cvv});
        let sale = json!({"type": "sale", "amount": "1.00", "order_id": cvv, "credit_card": card,
            "billing": {"postal_code": postal, "street_address": street}});
        let sold = bt.post("/transactions", &json!({ "transaction": sale })).await;
        let fields = ["cvv-response-code", "avs-postal-code-response-code", "avs-street-address-response-code"];
        assert_eq!(fields.map(|field| sold.first(field)), wanted);
    }
}

#[tokio::test]
async fn a_refusal_of_a_key_on_order_stands_at_the_key() {
    let bt = Gateway::open().await;
    bt.vault("m-1");
    bt.order("transaction.sale", Kind::Refuse { code: "915233".to_owned() });
    let refused = bt.sell_with("m-1", "o-1", &json!({"api_request_key": "k-1"})).await;
    assert_eq!((refused.code(), refused.status), ("915233", StatusCode::UNPROCESSABLE_ENTITY));
    assert!(refused.text.contains("<attribute type=\"symbol\">api_request_key</attribute>"), "{}", refused.text);
    assert_eq!(bt.sell_with("m-1", "o-1", &json!({"api_request_key": "k-1"})).await.status, StatusCode::CREATED);
}
