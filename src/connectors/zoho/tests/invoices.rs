//! What is done to an invoice.

use super::*;
use sagas::kernel::effect::{OnInvoice, Zoho as Effects};

const ID: &str = "90300000079426";

fn invoice(status: &str, written_off: &str, credits: &str) -> Play {
    json(
        200,
        &format!(
            r#"{{"code":0,"invoice":{{"invoice_id":"{ID}","number":"INV-1","customer_id":"903000000000099",
            "status":"{status}","currency_code":"EUR","total":119.10,"balance":0,"write_off_amount":{written_off},
            "credits":{credits},"invoice_date":"2026-11-21","due_date":"2026-12-01","payments":[]}}}}"#
        ),
    )
}

fn call_of(act: &str) -> OnInvoice {
    let invoice = ID.to_owned();
    match act {
        "void" => OnInvoice::Void { invoice },
        "write_off" => OnInvoice::WriteOff { invoice, reason: "small rest".to_owned() },
        "cancel_write_off" => OnInvoice::CancelWriteOff { invoice },
        _ => OnInvoice::ApplyCredit { invoice, note: "9031".to_owned(), amount: eur(2_000) },
    }
}

const CREDIT: &str =
    r#"[{"creditnote_id":"9031","credited_amount":"20.00"},{"creditnote_id":"8","credited_amount":"5"}]"#;

#[tokio::test]
async fn each_act_has_its_path_and_is_read_back() {
    for (act, shown, line, sent) in [
        ("void", invoice("void", "0", "[]"), "void", ""),
        ("write_off", invoice("paid", "119.10", "[]"), "writeoff", r#"{"reason":"small rest"}"#),
        ("cancel_write_off", invoice("sent", "0", "[]"), "cancelwriteoff", ""),
    ] {
        let (zoho, peer) = zoho([accepted(), shown]).await;
        assert!(matches!(done(perform(&zoho, &Effects::Invoice(call_of(act))).await), Answer::Invoice(_)));
        assert_eq!(lines(&peer), [format!("POST /invoices/{ID}/{line}"), format!("GET /invoices/{ID}")]);
        assert_eq!(body(&peer.seen()[1]), sent);
    }
}

#[tokio::test]
async fn a_credit_is_applied_once_however_often_it_is_asked_for() {
    let credit = Effects::Invoice(call_of("credit"));
    let (first, peer) = zoho([invoice("sent", "0", "[]"), accepted(), invoice("partially_paid", "0", CREDIT)]).await;
    assert!(matches!(perform(&first, &credit).await, Outcome::Done { .. }));
    assert_eq!(lines(&peer)[1], format!("POST /invoices/{ID}/credits"));
    assert_eq!(body(&peer.seen()[2]), r#"{"apply_creditnotes":[{"creditnote_id":"9031","amount_applied":20.00}]}"#);
    let (again, peer) = zoho([invoice("partially_paid", "0", CREDIT)]).await;
    assert!(matches!(perform(&again, &credit).await, Outcome::Done { .. }));
    assert_eq!(lines(&peer).len(), 1, "nothing is written");
}

#[tokio::test]
async fn a_refusal_counts_by_what_the_invoice_shows() {
    let void = Effects::Invoice(call_of("void"));
    let (already, _peer) = zoho([refused(), invoice("void", "0", "[]")]).await;
    assert!(matches!(perform(&already, &void).await, Outcome::Done { .. }));
    let (not, _peer) = zoho([refused(), invoice("paid", "0", "[]")]).await;
    assert_eq!(rejection(perform(&not, &void).await).kind, RejectionKind::State);
    let (ignored, _peer) = zoho([accepted(), invoice("sent", "0", "[]")]).await;
    assert_eq!(perform(&ignored, &void).await.word(), "unknown");
}

#[tokio::test]
async fn a_lost_act_is_told_by_the_invoice() {
    for (act, shown, is_done) in [
        ("void", invoice("void", "0", "[]"), true),
        ("void", invoice("overdue", "0", "[]"), false),
        ("write_off", invoice("paid", "119.1", "[]"), true),
        ("cancel_write_off", invoice("paid", "119.1", "[]"), false),
        ("credit", invoice("sent", "0", CREDIT), true),
        ("credit", invoice("sent", "0", r#"[{"creditnote_id":"8","credited_amount":"20"}]"#), false),
    ] {
        let (zoho, _peer) = zoho([shown]).await;
        let shown = look(&zoho, &Effects::Invoice(call_of(act))).await;
        assert_eq!(matches!(shown, Look::Found { .. }), is_done, "{act}");
    }
}

#[tokio::test]
async fn the_document_of_an_invoice_is_a_pdf_or_an_error() {
    let (zoho, peer) = zoho([Play::reply(200, "application/pdf", "%PDF-1.7 …"), gone()]).await;
    let document = zoho.invoice_document(ID, LIMIT).await.expect("a document");
    assert!(document.starts_with(b"%PDF-1.7"));
    assert_eq!(lines(&peer), [format!("GET /invoices/{ID}?accept=pdf")]);
    let missing = *zoho.invoice_document(ID, LIMIT).await.expect_err("no invoice");
    assert_eq!(rejection(missing).kind, RejectionKind::NotFound);
}
