//! The page for another card on the subscription's record: what is written, what is left alone, what stands.

use super::*;
use sagas::kernel::effect::{CardFace, CheckoutFace, CheckoutLink};
use serde_json::Value as Json;

const LINK: &str = "https://pay.example.com/card/s3cr3t";
const BEFORE: &str = "2026-11-21T11:59:59.000000000Z";
const AFTER: &str = "2026-11-21T12:00:01.000000000Z";

/// The link is out, and the act answered with it.
fn face() -> CardFace {
    CardFace {
        record: SUBSCRIPTION_ID.to_owned(),
        answers_act: true,
        page: Some(CheckoutFace {
            status: "Link ready".to_owned(),
            link: Some(CheckoutLink { saga: SagaId::derived("test", &["x"]), number: 1 }),
            expires_at: Some(time("2026-11-28T12:00:00Z")),
        }),
        refusal: None,
        on_file: None,
        version: 2,
        as_of: time("2026-11-21T12:00:00Z"),
    }
}

fn record(id: &str, values: &Json) -> String {
    json!({ "id": { "record_id": id }, "values": values }).to_string()
}

fn pressed(at: &str) -> String {
    record(SUBSCRIPTION_ID, &json!({ "sync_action": [{ "active_from": at, "option": { "title": "Send card link" } }] }))
}

async fn show(attio: &Attio, face: CardFace) -> Outcome {
    let effect = effect::Attio::ShowCardPage(Box::new(face));
    let mut call = call(&effect);
    call.beside.link = Some(LINK.into());
    attio.perform(&call, &effect).await.outcome
}

fn shown() -> Outcome {
    let answer = Answer::Projected { transaction_record: None, subscription_record: Some(SUBSCRIPTION_ID.to_owned()) };
    Outcome::Done { answer }
}

#[tokio::test]
async fn the_page_is_written_with_its_address_and_nothing_of_the_collection() {
    let (attio, peer) = attio([one(&pressed(BEFORE)), one(SUBSCRIPTION)]).await;
    assert_eq!(show(&attio, face()).await, shown());
    assert_eq!(
        body(&peer.seen()[1]),
        format!(
            r#"{{"data":{{"values":{{"checkout_expires_at":["2026-11-28T12:00:00.000Z"],"checkout_status":[{{"option":"Link ready"}}],"checkout_url":["{LINK}"],"sync_action":[{{"option":"none"}}]}}}}}}"#
        )
    );
}

#[tokio::test]
async fn a_later_press_stays_for_whoever_answers_it_and_a_refusal_says_why_alone() {
    let refused = CardFace { page: None, refusal: Some("Start it first.".to_owned()), ..face() };
    let (attio, peer) = attio([one(&pressed(AFTER)), one(SUBSCRIPTION)]).await;
    assert_eq!(show(&attio, refused).await, shown());
    assert_eq!(body(&peer.seen()[1]), r#"{"data":{"values":{"last_error":["Start it first."]}}}"#);
}

#[tokio::test]
async fn the_client_has_a_card_on_file_and_is_told_once() {
    let switched = CardFace {
        answers_act: false,
        page: Some(CheckoutFace { status: "Completed".to_owned(), link: None, expires_at: None }),
        on_file: Some(company()),
        ..face()
    };
    let with = |value: Json| record(COMPANY_ID, &json!({ "payment_method_on_file": [{ "value": value }] }));
    let was = record(SUBSCRIPTION_ID, &json!({ "checkout_url": [{ "value": LINK }] }));
    let (first, peer) = attio([one(&was), one(SUBSCRIPTION), one(&with(json!(false))), one(COMPANY)]).await;
    assert_eq!(show(&first, switched.clone()).await, shown());
    let seen = peer.seen();
    assert_eq!(body(&seen[1]), r#"{"data":{"values":{"checkout_status":[{"option":"Completed"}],"checkout_url":[]}}}"#);
    assert_eq!(body(&seen[3]), r#"{"data":{"values":{"payment_method_on_file":[true]}}}"#);
    let stands = record(SUBSCRIPTION_ID, &json!({ "checkout_status": [{ "option": { "title": "Completed" } }] }));
    let effect = effect::Attio::ShowCardPage(Box::new(switched));
    for (company, found) in [(with(json!(true)), true), (with(json!(false)), false)] {
        let (attio, _peer) = attio([one(&stands), one(&company)]).await;
        let look = attio.look(&call(&effect), &effect).await;
        assert_eq!(matches!(look, Look::Found { .. }), found, "{look:?}");
    }
}

#[tokio::test]
async fn without_the_address_the_record_is_left_as_it_is_and_it_stands_in_no_error() {
    let effect = effect::Attio::ShowCardPage(Box::new(face()));
    let (blind, peer) = attio([]).await;
    assert!(matches!(perform(&blind, &effect).await, Outcome::Rejected { rejection } if rejection.code == "no_link"));
    assert!(peer.seen().is_empty());
    let (attio, _peer) = attio([one(&pressed(BEFORE)), refusal(400, "validation_type", LINK)]).await;
    let outcome = show(&attio, face()).await;
    assert!(!format!("{outcome:?}").contains("s3cr3t"), "{outcome:?}");
}
