//! Credit notes.

use super::*;
use sagas::kernel::effect::{CreditNoteOrder, OnCredit, Zoho as Effects};

fn order() -> CreditNoteOrder {
    CreditNoteOrder {
        customer: "903000000000099".to_owned(),
        reference: "rf8xk2".to_owned(),
        code: "plus-monthly".to_owned(),
        price: eur(1_681),
        tax: Some("903000000065300".to_owned()),
        total: eur(2_000),
        date: NaiveDate::from_ymd_opt(2026, 11, 21).expect("a date"),
        since: DateTime::parse_from_rfc3339("2026-11-21T11:59:00Z").expect("a time").to_utc(),
    }
}

fn create() -> Effects {
    Effects::Credit(OnCredit::Create(Box::new(order())))
}

fn refund() -> Effects {
    Effects::Credit(OnCredit::Refund {
        note: "9031".to_owned(),
        amount: eur(2_000),
        reference: "rf8xk2".to_owned(),
        since: order().since,
    })
}

fn note(id: &str, reference: &str, status: &str, balance: &str, invoices: &str) -> Play {
    json(
        200,
        &format!(
            r#"{{"code":0,"credit_note":{{"creditnote_id":"{id}","creditnote_number":"CN-1","date":"2026-11-21",
            "status":"{status}","customer_id":"903000000000099","reference_number":"{reference}","total":20.00,
            "balance":{balance},"currency_code":"EUR","email":null,"invoices":{invoices},"creditnote_items":[]}}}}"#
        ),
    )
}

fn rows(rows: &[(&str, &str, &str)]) -> Play {
    let row = |(id, date, amount): &(&str, &str, &str)| {
        format!(r#"{{"transaction_id":"{id}","date":"{date}","amount":"{amount}","reference_id":"CN-1"}}"#)
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    json(200, &format!(r#"{{"code":0,"transactions":[{}]}}"#, rows.join(",")))
}

fn refunded(id: &str, note: &str, description: &str) -> Play {
    json(
        200,
        &format!(
            r#"{{"code":0,"refund":{{"refund_id":"{id}","amount":20,"status":"success","reference_number":"7",
            "description":"{description}","creditnote":{{"creditnote_id":"{note}","balance_amount":0}}}}}}"#
        ),
    )
}

#[tokio::test]
async fn a_note_is_made_with_one_line_and_our_reference() {
    let made = note("9031", "rf8xk2", "open", "20", "[]");
    let (zoho, peer) = zoho([made]).await;
    let Answer::CreditNote(note) = done(perform(&zoho, &create()).await) else { panic!("a note") };
    assert_eq!((note.total, note.balance, note.status.as_str()), (eur(2_000), eur(2_000), "open"));
    assert_eq!(lines(&peer), ["POST /creditnotes"]);
    assert_eq!(
        body(&peer.seen()[1]),
        r#"{"customer_id":"903000000000099","date":"2026-11-21","reference_number":"rf8xk2","creditnote_items":[{"code":"plus-monthly","quantity":1,"price":16.81,"tax_id":"903000000065300"}]}"#
    );
}

#[tokio::test]
async fn a_lost_note_is_found_among_the_customers_credits_and_doubles_are_named() {
    let (zoho, peer) = zoho([
        rows(&[
            ("9033", "2026-11-21", "20"),
            ("9032", "2026-11-21", "20"),
            ("9001", "2026-11-01", "20"),
            ("9033", "2026-11-21", "20"),
            ("9031", "2026-11-21", "9"),
        ]),
        note("9033", "rf8xk2", "open", "20", "[]"),
        note("9032", "another", "open", "20", "[]"),
        note("9031", "rf8xk2", "open", "20", "[]"),
    ])
    .await;
    let (outcome, extra) = found(look(&zoho, &create()).await);
    let Answer::CreditNote(note) = done(outcome) else { panic!("a note") };
    assert_eq!((note.id.as_str(), extra), ("9031", vec!["9033".to_owned()]));
    assert_eq!(
        lines(&peer),
        [
            "GET /transactions?filter_by=TransactionType.CREDIT&customer_id=903000000000099&page=1&per_page=200",
            "GET /creditnotes/9033",
            "GET /creditnotes/9032",
            "GET /creditnotes/9031",
        ]
    );
}

#[tokio::test]
async fn a_note_of_another_customer_is_no_answer_to_ours() {
    let other = note("9031", "rf8xk2", "open", "20", "[]");
    let Play::Bytes(bytes) = other else { panic!("bytes") };
    let other = String::from_utf8(bytes).expect("text").replace("903000000000099", "903000000000077");
    let (zoho, _peer) = zoho([Play::Bytes(other.into_bytes())]).await;
    assert_eq!(rejection(perform(&zoho, &create()).await).kind, RejectionKind::Mismatch);
}

#[tokio::test]
async fn a_note_is_paid_out_with_amount_and_description_alone() {
    let (zoho, peer) = zoho([refunded("7", "9031", "rf8xk2")]).await;
    let answer = done(perform(&zoho, &refund()).await);
    let expected = Answer::CreditRefunded { refund: "7".to_owned(), note: "9031".to_owned(), amount: eur(2_000) };
    assert_eq!(answer, expected);
    assert_eq!(lines(&peer), ["POST /creditnotes/9031/refunds"]);
    assert_eq!(body(&peer.seen()[1]), r#"{"amount":20.00,"description":"rf8xk2"}"#);
}

#[tokio::test]
async fn a_lost_payout_is_not_searched_while_all_of_the_note_is_left() {
    let (zoho, peer) = zoho([note("9031", "rf8xk2", "open", "20.00", "[]")]).await;
    assert_eq!(look(&zoho, &refund()).await, ABSENT);
    assert_eq!(lines(&peer).len(), 1);
}

#[tokio::test]
async fn a_lost_payout_is_found_by_its_note_amount_and_description() {
    let (zoho, peer) = zoho([
        note("9031", "rf8xk2", "closed", "0", "[]"),
        rows(&[("5", "2026-11-21", "20.00"), ("6", "2026-11-21", "12.00"), ("7", "2026-11-21", "20")]),
        refunded("5", "8888", "rf8xk2"),
        refunded("7", "9031", "rf8xk2"),
    ])
    .await;
    let (outcome, extra) = found(look(&zoho, &refund()).await);
    assert!(matches!(done(outcome), Answer::CreditRefunded { refund, .. } if refund == "7"));
    assert!(extra.is_empty());
    assert!(lines(&peer)[1].contains("TransactionType.REFUND"), "{:?}", lines(&peer));
    assert_eq!(&lines(&peer)[2..], ["GET /creditnotes/refunds/5", "GET /creditnotes/refunds/7"]);
}

#[tokio::test]
async fn a_note_that_staff_have_used_is_a_matter_for_a_person_and_one_that_lags_is_looked_at_again() {
    let used = note("9031", "rf8xk2", "closed", "0", r#"[{"invoice_id":"77","amount":20}]"#);
    let (spent, _peer) = zoho([used, rows(&[])]).await;
    let (outcome, _) = found(look(&spent, &refund()).await);
    assert_eq!(rejection(outcome).code, "credit_spent");
    let (lagging, _peer) = zoho([note("9031", "rf8xk2", "closed", "0", "[]"), rows(&[])]).await;
    assert!(matches!(look(&lagging, &refund()).await, Look::Unclear { .. }));
}

#[tokio::test]
async fn a_note_is_voided_and_read_back() {
    let void = Effects::Credit(OnCredit::Void { note: "9031".to_owned() });
    let (zoho, peer) = zoho([accepted(), note("9031", "rf8xk2", "void", "0", "[]")]).await;
    assert!(matches!(done(perform(&zoho, &void).await), Answer::CreditNote(_)));
    assert_eq!(lines(&peer), ["POST /creditnotes/9031/void", "GET /creditnotes/9031"]);
}
