//! Who collects, on the subscription's record: what is written, what is left alone.

use super::*;
use sagas::kernel::effect::OwnerFace;

fn face() -> OwnerFace {
    OwnerFace {
        record: SUBSCRIPTION_ID.to_owned(),
        collection_owner: Some("none".to_owned()),
        action_needed: "The customer gives us a card first".to_owned(),
        saga: "saga-1".to_owned(),
        sync_version: 4,
        as_of: time("2026-11-21T12:00:00Z"),
    }
}

async fn show(attio: &Attio, face: OwnerFace) -> Outcome {
    let effect = effect::Attio::ShowOwner(Box::new(face));
    attio.perform(&call(&effect), &effect).await.outcome
}

#[tokio::test]
async fn who_collects_is_written_with_what_it_waits_for_and_nothing_over_a_newer_state() {
    let (attio, peer) = attio([one(SUBSCRIPTION), one(SUBSCRIPTION)]).await;
    let answer = Answer::Projected { transaction_record: None, subscription_record: Some(SUBSCRIPTION_ID.to_owned()) };
    assert_eq!(show(&attio, face()).await, Outcome::Done { answer: answer.clone() });
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"data":{"values":{"action_needed":["The customer gives us a card first"],"collection_owner":[{"option":"none"}],"sync_version":[4]}}}"#
    );
    let newer = json!({
        "id": { "record_id": SUBSCRIPTION_ID },
        "values": { "saga_id": [{ "value": "saga-1" }], "sync_version": [{ "value": 5 }] },
    });
    let (attio, peer) = super::attio([one(&newer.to_string())]).await;
    assert_eq!(show(&attio, face()).await, Outcome::Done { answer });
    assert_eq!(peer.seen().len(), 1, "nothing was written");
}
