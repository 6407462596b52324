//! Notes and selects that hold several values, against a scripted peer.

use super::*;
use sagas::kernel::effect::RecordNote;

fn company() -> AttioRecord {
    AttioRecord { object: "companies".to_owned(), id: COMPANY_ID.to_owned() }
}

fn note() -> effect::Attio {
    effect::Attio::AddNote(Box::new(RecordNote {
        record: company(),
        title: "Paid 49.00 EUR".to_owned(),
        text: "Invoice INV-000042".to_owned(),
        marker: "[0190-abc]".to_owned(),
    }))
}

fn laws(laws: &[&str]) -> effect::Attio {
    let laws = laws.iter().map(|law| (*law).to_owned()).collect();
    effect::Attio::SetCompliance { client: company(), laws }
}

fn rows(titles: &[String]) -> Play {
    let rows: Vec<_> = titles.iter().map(|title| json!({ "title": title, "meeting_id": null, "tags": [] })).collect();
    json(200, &json!({ "data": rows }).to_string())
}

fn with_laws(titles: &[&str]) -> Play {
    let values: Vec<_> = titles.iter().map(|title| json!({ "option": { "id": {}, "title": title } })).collect();
    one(&json!({ "id": { "record_id": COMPANY_ID }, "values": { "compliance": values } }).to_string())
}

async fn performed(effect: effect::Attio, script: impl IntoIterator<Item = Play>) -> (Outcome, Vec<String>) {
    let (attio, peer) = attio(script).await;
    let outcome = attio.perform(&call(&effect), &effect).await.outcome;
    (outcome, peer.seen())
}

async fn looked(effect: effect::Attio, script: impl IntoIterator<Item = Play>) -> Look {
    let (attio, _peer) = attio(script).await;
    attio.look(&call(&effect), &effect).await
}

const ABSENT: Look = Look::Absent { watermark: false, key_proven: false };

#[tokio::test]
async fn a_note_carries_its_marker_and_is_made_once() {
    let (outcome, seen) = performed(note(), [rows(&[]), json(200, r#"{"data":{"id":{"note_id":"n1"}}}"#)]).await;
    assert_eq!(outcome, Outcome::Done { answer: Answer::Nothing });
    let query = format!("?parent_object=companies&parent_record_id={COMPANY_ID}&limit=50&offset=0");
    assert!(seen[0].starts_with(&format!("GET /v2/notes{query} HTTP/1.1\r\n")), "{}", seen[0]);
    let body: serde_json::Value =
        serde_json::from_str(seen[1].split_once("\r\n\r\n").expect("a body").1).expect("JSON");
    let expected = json!({ "data": {
        "parent_object": "companies", "parent_record_id": COMPANY_ID, "title": "Paid 49.00 EUR [0190-abc]",
        "format": "plaintext", "content": "Invoice INV-000042",
    } });
    assert_eq!(body, expected);
    let (outcome, seen) = performed(note(), [rows(&["Paid 49.00 EUR [0190-abc]".to_owned()])]).await;
    assert_eq!((outcome.word(), seen.len()), ("done", 1), "it is there already");
    assert_eq!(performed(note(), [rows(&[]), Play::Reset]).await.0.word(), "unknown");
    assert_eq!(performed(note(), [Play::Reset]).await.0.word(), "not_sent");
}

#[tokio::test]
async fn a_note_is_looked_for_on_all_pages() {
    let full = || rows(&vec!["Another [0190-xyz]".to_owned(); 50]);
    assert_eq!(looked(note(), [full(), rows(&["Mine [0190-abc]".to_owned()])]).await.word(), "found");
    assert_eq!(looked(note(), [full(), full(), rows(&[])]).await, ABSENT);
    assert_eq!(looked(note(), [full(), Play::Reset]).await.word(), "unclear");
}

#[tokio::test]
async fn a_select_of_several_is_set_alone_and_as_a_whole() {
    let (outcome, seen) = performed(laws(&["GDPR", "CCPA"]), [with_laws(&["GDPR", "CCPA"])]).await;
    assert_eq!(outcome, Outcome::Done { answer: Answer::Nothing });
    let head = format!("PUT /v2/objects/companies/records/{COMPANY_ID} HTTP/1.1\r\n");
    assert!(seen[0].starts_with(&head), "{}", seen[0]);
    assert!(seen[0].ends_with(r#"{"data":{"values":{"compliance":["GDPR","CCPA"]}}}"#), "{}", seen[0]);
    assert_eq!(looked(laws(&["CCPA", "GDPR"]), [with_laws(&["GDPR", "CCPA"])]).await.word(), "found", "in any order");
    assert_eq!(looked(laws(&["GDPR"]), [with_laws(&["GDPR", "CCPA"])]).await, ABSENT);
    assert_eq!(looked(laws(&[]), [with_laws(&[])]).await.word(), "found");
}

#[tokio::test]
async fn a_merge_or_a_write_of_somebody_else_is_waited_for() {
    for (status, code) in [(404, "merge_in_progress"), (400, "merge_in_progress"), (409, "concurrent_write_conflict")] {
        let (outcome, _) = performed(laws(&["GDPR"]), [refusal(status, code, "later")]).await;
        assert!(matches!(outcome, Outcome::NotSent { cause: NotSent::Again, .. }), "{code}: {outcome:?}");
    }
    let (gone, _) = performed(laws(&["GDPR"]), [refusal(404, "not_found", "gone")]).await;
    assert!(is_not_found(&gone), "{gone:?}");
}
