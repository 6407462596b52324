//! End balances of the histories that concern this flow, summed from its journals.

use super::world::{Sale, TOTAL, World, eur, outage, rejected, says, soft};
use crate::invoice_payment::Choice;
use crate::kernel::answer::Answer;
use crate::kernel::answer::TransactionStatus::{Settled, SettlementDeclined, Voided};
use crate::kernel::outcome::{Look, Outcome, RejectionKind};
use crate::kernel::saga::BusinessEvent;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

/// Invoiced, in mirror and tax accounts.
const INVOICED: [(u16, i64); 2] = [(2200, -1_597), (4000, -8_403)];

fn ends_with(w: &World, real: &[(u16, i64)]) {
    let mut expected = [real, &INVOICED].concat();
    expected.sort_unstable();
    assert_eq!(w.open_accounts(), expected);
}

#[test]
fn h1_paid_and_settled_leaves_the_money_at_the_processor() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", Settled);
    ends_with(&w, &[(1120, TOTAL)]);
}

#[test]
fn h9_settlement_declined_and_paid_again_is_one_payment() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", SettlementDeclined);
    w.delete_payments();
    w.choose(Choice::ChargeAgain);
    w.settle("tx2", Settled);
    ends_with(&w, &[(1120, TOTAL)]);
}

#[test]
fn h11_paid_outside_and_by_us_voided_leaves_theirs() {
    let mut w = World::new();
    w.records.push_back(outage());
    w.detect();
    w.pay("zp9", "portal", "creditcard", TOTAL);
    w.records.push_back(rejected(RejectionKind::State, "24016"));
    w.pass(TimeDelta::minutes(1));
    w.statuses.insert("tx1".to_owned(), Voided);
    w.resume();
    ends_with(&w, &[(1150, TOTAL)]);
}

#[test]
fn h13_voided_after_it_was_applied_and_given_back_is_nothing() {
    let mut w = World::begun(|_| {});
    w.void();
    w.changed();
    w.statuses.insert("tx1".to_owned(), Voided);
    w.resume();
    assert_eq!(w.open_accounts(), []);
}

#[test]
fn h8_voided_in_the_console_owes_again() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", Voided);
    ends_with(&w, &[(1200, TOTAL)]);
}

#[test]
fn h21_a_partial_approval_voided_owes_the_whole() {
    let mut w = World::begun(|w| w.sales.push_back(super::world::Sale::ApprovesOnly(6_000)));
    w.survey.holds = vec!["promise_to_pay".to_owned()];
    w.statuses.insert("tx1".to_owned(), Voided);
    w.resume();
    ends_with(&w, &[(1200, TOTAL)]);
}

#[test]
fn h26_an_edited_invoice_shows_the_new_figures_only() {
    let mut w = World::begun(|w| w.survey.holds = vec!["promise_to_pay".to_owned()]);
    (w.invoice.total, w.invoice.balance, w.invoice.tax) = (eur(5_000), eur(5_000), Some(eur(798)));
    w.changed();
    assert_eq!(w.open_accounts(), [(1200, 5_000), (2200, -798), (4000, -4_202)]);
}

#[test]
fn a_void_undone_is_issued_anew() {
    let mut w = World::begun(|w| w.survey.holds = vec!["promise_to_pay".to_owned()]);
    w.void();
    w.changed();
    assert_eq!(w.open_accounts(), []);
    w.invoice.balance = eur(TOTAL);
    "sent".clone_into(&mut w.invoice.status);
    w.changed();
    ends_with(&w, &[(1200, TOTAL)]);
}

#[test]
fn a_payment_of_others_that_is_deleted_owes_again() {
    let mut w = World::begun(|w| w.pay("zp9", "transfer", "banktransfer", TOTAL));
    w.survey.holds = vec!["promise_to_pay".to_owned()];
    w.delete_payments();
    w.changed();
    ends_with(&w, &[(1200, TOTAL)]);
}

/// What finance sees of it (flows 2.15): these lines of the log in this order, these journals, and nothing else open.
fn shows(w: &World, log: &[&str], journals: &[&str], real: &[(u16, i64)]) {
    let told: Vec<_> = w.events().map(BusinessEvent::name).filter(|name| log.contains(name)).collect();
    assert_eq!(told, log);
    assert_eq!(w.rules, journals);
    ends_with(w, real);
}

#[test]
fn s2_15_a_renewal_that_is_paid_shows_its_charge_its_record_and_its_settlement() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", Settled);
    shows(
        &w,
        &["InvoiceIssued", "ChargePlanned", "PaymentCaptured", "PaymentRecorded", "PaymentSettled"],
        &["INVOICE_ISSUED", "CAPTURE", "APPLY", "SETTLE"],
        &[(1120, TOTAL)],
    );
}

#[test]
fn s2_15_a_decline_shows_the_attempt_and_moves_nothing() {
    let w = World::begun(|w| w.sales.push_back(says(soft("2001"))));
    shows(&w, &["InvoiceIssued", "ChargePlanned", "ChargeDeclined"], &["INVOICE_ISSUED"], &[(1200, TOTAL)]);
}

#[test]
fn s2_15_an_unknown_outcome_is_no_guess_in_the_books_and_then_a_normal_payment() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(Outcome::Unknown { detail: "time-out".to_owned() }));
    w.detect();
    shows(&w, &["InvoiceIssued", "ChargePlanned"], &["INVOICE_ISSUED"], &[(1200, TOTAL)]);
    let found = w.transaction("demo1.inv.77.1", eur(TOTAL), "c-cust1", "m1");
    w.transactions.insert(found.id.clone(), found.clone());
    let outcome = Box::new(Outcome::Done { answer: Answer::Transaction(Box::new(found)) });
    w.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    w.pass(TimeDelta::minutes(3));
    let log = ["InvoiceIssued", "ChargePlanned", "PaymentCaptured", "PaymentRecorded"];
    shows(&w, &log, &["INVOICE_ISSUED", "CAPTURE", "APPLY"], &[(1110, TOTAL)]);
}

#[test]
fn s2_15_of_a_partly_paid_invoice_the_rest_is_captured_and_applied() {
    let w = World::begun(|w| w.pay("zp9", "transfer", "banktransfer", 4_000));
    let log = ["InvoiceIssued", "ExternalPaymentSeen", "PaymentCaptured", "PaymentRecorded"];
    let journals = ["INVOICE_ISSUED", "EXTERNAL_PAYMENT", "CAPTURE", "APPLY"];
    shows(&w, &log, &journals, &[(1110, 6_000), (1150, 4_000)]);
}

#[test]
fn s2_15_of_an_invoice_with_credits_the_rest_is_captured_and_applied() {
    let w = World::begun(|w| (w.invoice.credits, w.invoice.balance) = (eur(4_000), eur(6_000)));
    let log = ["InvoiceIssued", "CreditsApplied", "PaymentCaptured", "PaymentRecorded"];
    shows(&w, &log, &["INVOICE_ISSUED", "CREDIT_APPLY", "CAPTURE", "APPLY"], &[(1110, 6_000), (2110, 4_000)]);
}

#[test]
fn s2_15_a_settlement_that_is_declined_owes_again_and_is_held() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", SettlementDeclined);
    let log = ["InvoiceIssued", "PaymentCaptured", "PaymentRecorded", "PaymentReversed"];
    shows(&w, &log, &["INVOICE_ISSUED", "CAPTURE", "APPLY", "UNAPPLY", "CAPTURE_REVERSED"], &[(1200, TOTAL)]);
    assert!(w.holds.contains("settlement_declined"));
}
