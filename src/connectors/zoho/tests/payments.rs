//! Recorded payments, changed and deleted.

use super::*;
use sagas::kernel::answer::{AppliedTo, ZohoPayment};
use sagas::kernel::effect::{OnPayment, Zoho as Effects};

const ID: &str = "9030000079467";

fn payment(minor: i64) -> ZohoPayment {
    ZohoPayment {
        id: ID.to_owned(),
        customer: "903000000000099".to_owned(),
        mode: "creditcard".to_owned(),
        amount: eur(minor),
        date: NaiveDate::from_ymd_opt(2026, 11, 21).expect("a date"),
        reference: "8xk2f9qa".to_owned(),
        invoices: vec![AppliedTo { invoice: "90300000079426".to_owned(), minor }],
    }
}

fn shown(amount: &str) -> Play {
    json(200, &RECORDED.replace("49.1,", &format!("{amount},")).replace("49.10,", &format!("{amount},")))
}

fn amend(minor: i64) -> Effects {
    Effects::Payment(OnPayment::Amend(Box::new(payment(minor))))
}

fn delete() -> Effects {
    Effects::Payment(OnPayment::Delete { payment: ID.to_owned() })
}

#[tokio::test]
async fn a_payment_is_read_with_all_that_changing_it_repeats() {
    let (zoho, _peer) = zoho([json(200, RECORDED)]).await;
    let read = Effects::Payment(OnPayment::Read { payment: ID.to_owned() });
    assert_eq!(done(perform(&zoho, &read).await), Answer::ZohoPayment(Box::new(payment(4_910))));
}

#[tokio::test]
async fn a_payment_is_lowered_by_the_whole_of_it_with_what_others_wrote_on_it() {
    let (zoho, peer) = zoho([json(200, RECORDED), shown("30.00")]).await;
    assert_eq!(done(perform(&zoho, &amend(3_000)).await), Answer::ZohoPayment(Box::new(payment(3_000))));
    assert_eq!(lines(&peer), [format!("GET /payments/{ID}"), format!("PUT /payments/{ID}")]);
    assert_eq!(
        body(&peer.seen()[2]),
        r#"{"customer_id":"903000000000099","payment_mode":"creditcard","amount":30.00,"date":"2026-11-21","reference_number":"8xk2f9qa","description":"Braintree transaction 8xk2f9qa","invoices":[{"invoice_id":"90300000079426","amount_applied":30.00}]}"#
    );
}

#[tokio::test]
async fn a_payment_that_is_so_already_is_not_written() {
    let (zoho, peer) = zoho([json(200, RECORDED)]).await;
    assert!(matches!(perform(&zoho, &amend(4_910)).await, Outcome::Done { .. }));
    assert_eq!(lines(&peer).len(), 1);
}

#[tokio::test]
async fn an_answer_that_shows_it_otherwise_is_a_mismatch() {
    let (zoho, _peer) = zoho([json(200, RECORDED), json(200, RECORDED)]).await;
    assert_eq!(rejection(perform(&zoho, &amend(3_000)).await).kind, RejectionKind::Mismatch);
}

#[tokio::test]
async fn a_deleted_payment_is_done_however_zoho_says_so() {
    for script in [vec![accepted()], vec![gone()], vec![refused(), gone()]] {
        let (zoho, peer) = zoho(script).await;
        assert_eq!(done(perform(&zoho, &delete()).await), Answer::Nothing);
        assert_eq!(lines(&peer)[0], format!("DELETE /payments/{ID}"));
    }
    let (locked, _peer) = zoho([refused(), json(200, RECORDED)]).await;
    assert_eq!(rejection(perform(&locked, &delete()).await).kind, RejectionKind::State);
}

#[tokio::test]
async fn a_lost_change_is_told_by_what_the_payment_is_now() {
    for (effect, script, is_done) in [
        (delete(), gone(), true),
        (delete(), json(200, RECORDED), false),
        (amend(3_000), shown("30.00"), true),
        (amend(3_000), json(200, RECORDED), false),
        (amend(3_000), gone(), false),
    ] {
        let (zoho, _peer) = zoho([script]).await;
        assert_eq!(matches!(look(&zoho, &effect).await, Look::Found { .. }), is_done, "{effect:?}");
    }
}
