//! Disputes against a scripted peer: read, given up, answered.

use super::*;
use sagas::kernel::answer::{Dispute, DisputeStatus};
use sagas::kernel::effect::{DocumentForm, EvidencePiece};
use uuid::Uuid;

const TEXT: &str = "Ada signed for it";

fn id() -> String {
    "dp7c2k9m".to_owned()
}

fn accept() -> Act {
    Act::AcceptDispute { dispute: id() }
}

fn finalize() -> Act {
    Act::FinalizeDispute { dispute: id() }
}

fn text() -> Act {
    let piece =
        EvidencePiece::Text { input: Uuid::nil(), category: Some("CARRIER_NAME".to_owned()), sequence: Some(1) };
    Act::AddEvidence { dispute: id(), piece, besides: vec!["ev1".to_owned()] }
}

fn file() -> Act {
    let piece = EvidencePiece::File { document: "doc1".to_owned(), category: None };
    Act::AddEvidence { dispute: id(), piece, besides: vec!["ev1".to_owned()] }
}

fn remove() -> Act {
    Act::RemoveEvidence { dispute: id(), evidence: "ev1".to_owned() }
}

fn shown(outcome: Outcome) -> Dispute {
    let Outcome::Done { answer: Answer::Dispute(dispute) } = outcome else { panic!("not done: {outcome:?}") };
    *dispute
}

fn standing(status: &str) -> Play {
    ok(&fixture!("dispute").replacen("<status>open", &format!("<status>{status}"), 1))
}

fn with(evidence: &str) -> Play {
    ok(&fixture!("dispute").replace("</evidence>\n  </evidence>", &format!("</evidence>{evidence}</evidence>")))
}

const NEW_TEXT: &str = "<evidence><id>ev2</id><comment>x</comment><url nil=\"true\"/></evidence>";
const NEW_FILE: &str = "<evidence><id>ev3</id><comment nil=\"true\"/><url>https://docs.test/ev3</url></evidence>";

#[tokio::test]
async fn a_dispute_is_read_with_its_dates_and_without_the_texts() {
    let read = Act::ReadDispute { dispute: id() };
    let dispute = shown(asked(read.clone(), "", [ok(fixture!("dispute"))]).await.0);
    assert_eq!(
        (dispute.id.as_str(), &dispute.status, dispute.disputed.minor),
        ("dp7c2k9m", &DisputeStatus::Open, 4900)
    );
    assert_eq!((dispute.transaction.as_deref(), dispute.order_id.as_deref()), (Some("k3v9p2ab"), Some(ORDER)));
    assert_eq!(dispute.reply_by.map(|day| day.to_string()).as_deref(), Some("2026-12-05"));
    assert_eq!((dispute.won, dispute.program.as_deref(), dispute.original.as_deref()), (None, None, None));
    assert_eq!((dispute.evidence.len(), dispute.evidence[0].is_file), (1, false));
    assert!(!format!("{dispute:?}").contains("redacted"), "{dispute:?}");
    let decided = fixture!("dispute").replace("<pre-dispute-program>none", "<pre-dispute-program>visa_rdr");
    assert_eq!(shown(asked(read, "", [ok(&decided)]).await.0).program.as_deref(), Some("visa_rdr"));
}

#[tokio::test]
async fn an_act_is_done_once_the_dispute_shows_it() {
    let (outcome, seen) = asked(accept(), "", [ok(""), standing("accepted")]).await;
    assert_eq!(shown(outcome).status, DisputeStatus::Accepted);
    assert!(seen[0].starts_with("PUT /merchants/acme/disputes/dp7c2k9m/accept HTTP/1.1\r\n"), "{}", seen[0]);
    for status in ["disputed", "under_review", "won", "lost"] {
        let script = [Play::reply(204, XML, ""), standing(status)];
        assert_eq!(asked(finalize(), "", script).await.0.word(), "done", "{status}");
    }
    assert_eq!(asked(accept(), "", [ok(""), standing("open")]).await.0.word(), "unknown");
    assert_eq!(asked(accept(), "", [ok(""), Play::Reset]).await.0.word(), "unknown");
    assert_eq!(asked(accept(), "", [Play::Reset]).await.0.word(), "unknown");
}

#[tokio::test]
async fn what_was_done_already_is_done_and_what_is_too_late_is_refused() {
    assert_eq!(asked(accept(), "", [faults("95704"), standing("accepted")]).await.0.word(), "done");
    let refused = asked(accept(), "", [faults("95704"), standing("lost")]).await.0;
    assert_eq!(rejection(refused), (RejectionKind::State, "95704".to_owned()));
    let empty = asked(finalize(), "", [faults("95726")]).await.0;
    assert_eq!(rejection(empty), (RejectionKind::Invalid, "95726".to_owned()));
    let look = async |act, status| looked_for(act, [standing(status)]).await.0;
    assert_eq!(look(accept(), "open").await, NOTHING_DONE);
    assert_eq!(outcome_of(look(accept(), "accepted").await).word(), "done");
    assert_eq!(rejection(outcome_of(look(accept(), "disputed").await)).1, "disputed");
    assert_eq!(outcome_of(look(finalize(), "disputed").await).word(), "done");
    assert_eq!(rejection(outcome_of(look(finalize(), "expired").await)).1, "expired");
    assert!(is_unclear(&looked_for(accept(), [Play::Reset]).await.0));
}

#[tokio::test]
async fn evidence_goes_out_as_the_gateway_names_it_and_is_known_by_what_was_there_before() {
    let answer = "<evidence><id>ev2</id></evidence>";
    let (outcome, seen) = asked(text(), TEXT, [Play::reply(201, XML, answer), with(NEW_TEXT)]).await;
    assert_eq!(shown(outcome).evidence.len(), 2);
    assert!(seen[0].starts_with("POST /merchants/acme/disputes/dp7c2k9m/evidence HTTP/1.1\r\n"), "{}", seen[0]);
    assert_eq!(
        sent(&seen[0]),
        "<evidence><comments>Ada signed for it</comments><category>CARRIER_NAME</category>\
         <sequence_number type=\"integer\">1</sequence_number></evidence>"
    );
    let (outcome, seen) = asked(file(), "", [Play::reply(201, XML, answer), with(NEW_FILE)]).await;
    assert_eq!(shown(outcome).evidence.len(), 2);
    assert_eq!(sent(&seen[0]), "<evidence><document_upload_id>doc1</document_upload_id></evidence>");
    assert_eq!(outcome_of(looked_for(text(), [with(NEW_TEXT)]).await.0).word(), "done");
    assert_eq!(looked_for(text(), [with(NEW_FILE)]).await.0, NOTHING_DONE, "a file is no text");
    assert_eq!(looked_for(file(), [ok(fixture!("dispute"))]).await.0, NOTHING_DONE);
    let late = asked(text(), TEXT, [faults("95702"), standing("disputed")]).await.0;
    assert_eq!(rejection(late), (RejectionKind::State, "95702".to_owned()));
    let peer = Peer::start([]).await;
    let gone = perform(&connector(&peer, AtMostOnceKeys::Off), text()).await.outcome;
    assert_eq!(rejection(gone).1, INPUT_GONE);
    assert!(peer.seen().is_empty());
}

#[tokio::test]
async fn evidence_is_removed_if_it_is_there() {
    let without = fixture!("dispute").replace("<id>ev1</id>", "<id>ev9</id>");
    let (outcome, seen) = asked(remove(), "", [ok(""), ok(&without)]).await;
    assert_eq!(outcome.word(), "done");
    assert!(seen[0].starts_with("DELETE /merchants/acme/disputes/dp7c2k9m/evidence/ev1 HTTP/1.1\r\n"), "{}", seen[0]);
    assert_eq!(asked(remove(), "", [Play::reply(404, XML, ""), ok(&without)]).await.0.word(), "done");
    assert_eq!(looked_for(remove(), [ok(fixture!("dispute"))]).await.0, NOTHING_DONE);
    let nowhere = asked(remove(), "", [Play::reply(404, XML, ""), Play::reply(404, XML, "")]).await.0;
    assert_eq!(rejection(nowhere).0, RejectionKind::NotFound);
}

#[tokio::test]
async fn a_document_goes_out_in_two_parts_under_a_name_of_ours() {
    let upload = Act::UploadDocument { dispute: id(), input: Uuid::nil(), form: DocumentForm::Pdf };
    let sealed = STANDARD.encode("%PDF-1.7 redacted");
    let answer = "<document-upload><id>doc1</id><kind>evidence_document</kind></document-upload>";
    let (outcome, seen) = asked(upload.clone(), &sealed, [Play::reply(201, XML, answer)]).await;
    assert_eq!(outcome, Outcome::Done { answer: Answer::Document { document: "doc1".to_owned() } });
    let request = &seen[0];
    assert!(request.starts_with("POST /merchants/acme/document_uploads HTTP/1.1\r\n"), "{request}");
    let boundary = request.split_once("content-type: multipart/form-data; boundary=").expect("a boundary").1;
    let boundary = boundary.split_once("\r\n").expect("a line").0;
    let body = request.split_once("\r\n\r\n").expect("a body").1;
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"document_upload[kind]\"\r\n\r\nevidence_document\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"evidence.pdf\"\r\n\
         Content-Type: application/pdf\r\n\r\n%PDF-1.7 redacted\r\n--{boundary}--\r\n"
    );
    assert_eq!(body, expected);
    assert_eq!(rejection(asked(upload.clone(), "not base64!", []).await.0).1, "document");
    assert_eq!(looked_for(upload.clone(), []).await.0, NOTHING_DONE);
    assert_eq!(asked(upload, &sealed, [Play::Reset]).await.0.word(), "unknown");
}

#[tokio::test]
async fn an_id_that_is_none_never_gets_into_a_path() {
    let acts = [
        Act::AcceptDispute { dispute: "../customers/c-42".to_owned() },
        Act::RemoveEvidence { dispute: id(), evidence: "a/b".to_owned() },
        Act::CancelSubscription { subscription: "a/b".to_owned() },
        Act::Refund { order_id: ORDER.to_owned(), transaction: "..".to_owned(), amount: Money::new(1, Currency::EUR) },
        Act::VerifyMethod { token: "a b".to_owned() },
    ];
    for act in acts {
        let (outcome, seen) = asked(act, "", []).await;
        assert_eq!((rejection(outcome).0, seen.len()), (RejectionKind::NotFound, 0));
    }
}
