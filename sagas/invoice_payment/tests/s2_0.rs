//! Rules of every flow, as this one meets them.

use super::world::{Sale, TOTAL, World, eur, outage, rejected, says, soft};
use crate::kernel::answer::{Answer, TransactionStatus};
use crate::kernel::outcome::{Look, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

fn unknown() -> Sale {
    Sale::Says(Outcome::Unknown { detail: "time-out".to_owned() })
}

fn absent() -> Look {
    Look::Absent { watermark: true, key_proven: false }
}

#[test]
fn e3_refused_credentials_wait_for_an_operator() {
    let w = World::begun(|w| w.sales.push_back(Sale::Says(rejected(RejectionKind::Config, "401"))));
    assert_eq!(w.parked(), Some(ParkCode::VendorConfig));
}

#[test]
fn e20_less_than_asked_is_booked_as_approved_and_given_back_by_finance() {
    let mut w = World::begun(|w| w.sales.push_back(Sale::ApprovesOnly(6_000)));
    assert_eq!((w.parked(), w.balance(2100), w.balance(1200)), (Some(ParkCode::MoneyDecision), -6_000, TOTAL));
    assert_eq!(w.calls.iter().filter(|c| **c == "zoho.record_payment").count(), 0);
    w.statuses.insert("tx1".to_owned(), TransactionStatus::Voided);
    w.resume();
    assert_eq!((w.sales_made(), w.balance(1200), w.balance(1110)), (2, 0, TOTAL), "given back, then charged whole");
}

#[test]
fn e20_another_customer_or_card_than_asked_stops_everything() {
    let changes: [fn(&mut crate::kernel::answer::Transaction); 3] =
        [|t| t.customer = Some("c-other".to_owned()), |t| t.token = Some("m9".to_owned()), |t| t.amount = eur(11_000)];
    for change in changes {
        let w = World::begun(|w| w.sales.push_back(Sale::Approves(Box::new(change))));
        assert_eq!((w.parked(), w.state().as_str()), (Some(ParkCode::AnswerMismatch), "Held"));
        assert!(w.balance(2100) < 0 && w.balance(1200) == TOTAL);
    }
}

#[test]
fn e19_an_answer_of_unknown_status_is_neither_success_nor_failure() {
    let change = |t: &mut crate::kernel::answer::Transaction| t.status = TransactionStatus::Authorizing;
    let w = World::begun(|w| w.sales.push_back(Sale::Approves(Box::new(change))));
    assert_eq!((w.parked(), w.count("PaymentCaptured")), (Some(ParkCode::UnknownVendorState), 0));
}

#[test]
fn e23_a_sale_found_already_reversed_is_posted_both_ways_and_held() {
    for (status, code) in [
        (TransactionStatus::SettlementDeclined, ParkCode::SettlementDeclined),
        (TransactionStatus::Voided, ParkCode::HeldByDecision),
    ] {
        let change = move |t: &mut crate::kernel::answer::Transaction| t.status = status.clone();
        let w = World::begun(|w| w.sales.push_back(Sale::Approves(Box::new(change))));
        assert_eq!(
            (w.parked(), w.rules.as_slice()),
            (Some(code), ["INVOICE_ISSUED", "CAPTURE", "CAPTURE_REVERSED"].as_slice())
        );
        assert!(w.claims.is_empty());
    }
}

#[test]
fn e26_the_end_of_the_ladder_is_a_person_and_no_second_charge() {
    let mut w = World::new();
    w.sales.push_back(unknown());
    w.looks.extend((0..40).map(|_| Look::Unclear { detail: "not in the index".to_owned() }));
    w.detect();
    w.pass(TimeDelta::days(9));
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::OutcomeUnknown), 1));
    assert!(!w.claims.is_empty(), "the claim outlives the wait");
}

#[test]
fn e30_after_a_proof_of_absence_fresh_facts_are_read_before_another_charge() {
    let mut w = World::new();
    w.sales.push_back(unknown());
    w.looks.extend((0..3).map(|_| absent()));
    w.detect();
    w.pass(TimeDelta::hours(2));
    assert_eq!(w.sales_made(), 1, "not before a day");
    w.pay("zp9", "transfer", "banktransfer", 4_000);
    w.pass(TimeDelta::hours(23));
    assert_eq!(w.sold.last().map(|s| (s.0.as_str(), s.1)), Some(("demo1.inv.77.2", 6_000)));
    assert_eq!((w.sales_made(), w.balance(1200)), (2, 0));
}

#[test]
fn e30_what_nothing_changed_is_looked_up_and_sent_again_under_its_order_id() {
    let mut w = World::new();
    w.sales.push_back(unknown());
    // Two for the proof, one when its time has come, one after all was read again.
    w.looks.extend((0..4).map(|_| absent()));
    w.detect();
    w.pass(TimeDelta::hours(25));
    assert!(w.looks.is_empty(), "not sent before a look");
    let sold: Vec<_> = w.sold.iter().map(|s| (s.0.as_str(), s.1)).collect();
    assert_eq!(sold, [("demo1.inv.77.1", TOTAL), ("demo1.inv.77.1", TOTAL)]);
    assert_eq!((w.count("ChargeSuperseded"), w.count("PaymentCaptured"), w.balance(1200)), (1, 1, 0));
}

#[test]
fn e28_a_late_hit_is_adopted_by_the_look_before_the_next_send() {
    let mut w = World::new();
    w.sales.push_back(unknown());
    w.looks.extend((0..3).map(|_| absent()));
    w.detect();
    w.pass(TimeDelta::hours(25));
    let late = w.transaction("demo1.inv.77.1", eur(TOTAL), "c-cust1", "m1");
    w.transactions.insert(late.id.clone(), late.clone());
    let outcome = Box::new(Outcome::Done { answer: Answer::Transaction(Box::new(late)) });
    w.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    w.run();
    assert_eq!((w.sales_made(), w.count("PaymentCaptured"), w.balance(1200)), (1, 1, 0));
}

#[test]
fn e64_nothing_is_abandoned_while_captured_money_is_applied_to_nothing() {
    let mut w = World::begun(|w| w.sales.push_back(Sale::ApprovesOnly(6_000)));
    w.choose(crate::invoice_payment::Choice::Leave);
    assert_eq!(w.parked(), Some(ParkCode::MoneyDecision));
}

#[test]
fn a_refused_projection_never_fails_the_money() {
    for kind in [RejectionKind::Invalid, RejectionKind::Config] {
        let mut w = World::begun(|w| w.projection_answers.push_back(rejected(kind, "refused")));
        assert_eq!((w.count("ProjectionPutOff"), w.state().as_str(), w.parked()), (1, "AwaitSettlement", None));
        assert!(w.shown.is_empty());
        w.pass(TimeDelta::minutes(1));
        assert_eq!((w.last_shown().transaction.status.as_str(), w.shown.len()), ("Paid", 1), "tried again");
    }
}

#[test]
fn a_projection_that_is_refused_for_long_is_tried_ever_more_seldom_until_it_is_done() {
    let mut w = World::new();
    w.projection_answers.extend(vec![rejected(RejectionKind::Config, "401"); 20]);
    w.detect();
    w.settle("tx1", TransactionStatus::Settled);
    w.pass(TimeDelta::days(2));
    let tries = w.count("ProjectionPutOff");
    assert!((10..=18).contains(&tries), "{tries} tries in two days");
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Settled", None), "not ended before it is told");
    w.projection_answers.clear();
    w.pass(TimeDelta::hours(6));
    assert_eq!((w.last_shown().transaction.status.as_str(), w.saga.flow.ended), ("Paid", Some(End::Completed)));
}

#[test]
fn a_change_is_shown_at_once_though_the_last_face_was_put_off() {
    let mut w = World::begun(|w| {
        w.sales.push_back(says(soft("2001")));
        w.projection_answers.extend(vec![rejected(RejectionKind::Config, "401"); 5]);
    });
    w.pass(TimeDelta::minutes(10));
    w.projection_answers.clear();
    assert!(w.shown.is_empty() && w.parked().is_none());
    w.charge_now();
    assert_eq!((w.last_shown().transaction.status.as_str(), w.shown.len()), ("Paid", 1));
}

#[test]
fn a_projection_whose_record_is_gone_is_passed_over() {
    let w = World::begun(|w| w.projection_answers.push_back(rejected(RejectionKind::NotFound, "404")));
    assert_eq!((w.count("ProjectionRefused"), w.state().as_str()), (1, "AwaitSettlement"));
}

#[test]
fn an_invoice_is_charged_on_its_day_though_attio_is_away() {
    let mut w = World::begun(|w| {
        w.invoice.due_date = "2026-11-20".parse().expect("a day");
        w.projection_answers.extend(vec![outage(); 20_000]);
    });
    let first = w.called("project");
    w.pass(TimeDelta::days(30));
    assert_eq!(w.sales_made(), 1, "{}", w.state());
    assert!(w.called("project") > first && w.shown.is_empty(), "and the record is written once it is back");
    w.projection_answers.clear();
    w.pass(TimeDelta::hours(1));
    assert_eq!(w.shown.len(), 1, "as it stands by then");
}
