//! Give-backs, as the invoice's stream sees them: what it lets go, and that nothing else happens to that money meanwhile.

use super::world::{Sale, TOTAL, World, eur, outage};
use crate::invoice_payment::{Choice, Command, Ending, Event, Source};
use crate::kernel::answer::TransactionStatus::{Settled, SettlementDeclined, Voided};
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;
use serde_json::Value;

fn refund(name: &str) -> SagaId {
    SagaId::derived("refund", &[name])
}

fn ask(w: &mut World, name: &str, minor: i64, source: Source) {
    let (transaction, saga) = ("tx1".to_owned(), refund(name));
    w.tell(Command::GiveBackAsked { transaction, saga, amount: eur(minor), source });
}

fn end(w: &mut World, name: &str, ending: Ending) {
    w.tell(Command::GiveBackEnded { transaction: "tx1".to_owned(), saga: refund(name), ending, tax: None });
}

/// The last word to a refund.
fn told(w: &World) -> &Value {
    &w.told.last().expect("somebody was told").command
}

fn parts(w: &World) -> [i64; 3] {
    ["forgiven", "reopened", "unapplied"].map(|part| told(w)["terms"][part]["minor"].as_i64().expect("a sum"))
}

#[test]
fn p1_what_is_asked_for_is_let_go_and_its_terms_are_told() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", 4_000, Source::Forgive);
    assert_eq!(parts(&w), [4_000, 0, 0]);
    let terms = &told(&w)["terms"];
    assert_eq!(
        (terms["payment"].as_str(), terms["customer"].as_str()),
        (Some(w.payment_of("tx1").as_str()), Some("cust1"))
    );
    assert_eq!((terms["captured"]["minor"].as_i64(), terms["applied"]["minor"].as_i64()), (Some(TOTAL), Some(TOTAL)));
    let calls = w.calls.len();
    end(&mut w, "a", Ending::Refunded);
    assert_eq!((w.calls.len(), w.state().as_str()), (calls, "AwaitSettlement"), "nothing of the invoice has changed");
}

#[test]
fn p1_the_same_question_told_again_has_one_answer() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", 4_000, Source::Forgive);
    ask(&mut w, "a", 4_000, Source::Forgive);
    assert_eq!((w.told.len(), w.count("GiveBackAdmitted")), (1, 1));
}

#[test]
fn e1_no_more_is_let_go_than_was_captured_and_not_given_back() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", TOTAL + 1, Source::Forgive);
    assert_eq!(told(&w)["code"], "too_much");
    ask(&mut w, "b", 6_000, Source::Forgive);
    assert_eq!(parts(&w), [6_000, 0, 0]);
    ask(&mut w, "c", 1_000, Source::Forgive);
    assert_eq!(told(&w)["code"], "under_way");
    end(&mut w, "b", Ending::Refunded);
    ask(&mut w, "d", 4_001, Source::Reopen);
    assert_eq!(told(&w)["code"], "too_much");
    ask(&mut w, "e", 4_000, Source::Reopen);
    assert_eq!(parts(&w), [0, 4_000, 0]);
    ask(&mut w, "f", 1, Source::Unapplied);
    assert_eq!(told(&w)["code"], "under_way");
}

#[test]
fn e14_what_others_gave_back_and_is_owed_again_is_held_and_not_charged_by_itself() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", 4_000, Source::Forgive);
    assert_eq!(parts(&w), [4_000, 0, 0]);
    // The refund's journals and its hold, and what it did at Zoho.
    *w.accounts.entry(1200).or_default() += 4_000;
    *w.accounts.entry(1110).or_default() -= 4_000;
    w.holds.insert("given_back".to_owned());
    let id = w.payment_of("tx1");
    w.delete_payments();
    w.pay(&id, "tx1", "creditcard", 6_000);
    end(&mut w, "a", Ending::Reopened);
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldByDecision), 1));
    ask(&mut w, "b", 6_001, Source::Forgive);
    assert_eq!(told(&w)["code"], "too_much");
}

#[test]
fn e15_a_payment_that_it_does_not_know_is_not_let_go() {
    let mut w = World::begun(|_| {});
    let (transaction, saga) = ("tx9".to_owned(), refund("a"));
    w.tell(Command::GiveBackAsked { transaction, saga, amount: eur(1), source: Source::Forgive });
    assert_eq!(told(&w)["code"], "not_ours");
}

#[test]
fn e1_what_was_taken_back_already_is_not_let_go() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", Voided);
    ask(&mut w, "a", TOTAL, Source::Forgive);
    assert_eq!(told(&w)["code"], "reversed");
}

#[test]
fn p6_reopened_the_invoice_is_read_again_and_charged_only_by_a_decision() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", 4_000, Source::Reopen);
    // The refund's journals and its hold, and what it did at Zoho.
    *w.accounts.entry(1200).or_default() += 4_000;
    *w.accounts.entry(1110).or_default() -= 4_000;
    w.holds.insert("given_back".to_owned());
    let id = w.payment_of("tx1");
    w.delete_payments();
    w.pay(&id, "tx1", "creditcard", 6_000);
    w.changed();
    assert_eq!((w.state().as_str(), w.sales_made()), ("Deferred", 1), "nothing happens before the word");
    end(&mut w, "a", Ending::Refunded);
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldByDecision), 1));
    w.choose(Choice::ChargeAgain);
    assert_eq!((w.parked(), w.sold[1].1, w.holds.is_empty()), (None, 4_000, true));
}

#[test]
fn p6_what_was_reopened_and_went_back_is_not_recorded_again() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", TOTAL, Source::Reopen);
    *w.accounts.entry(1200).or_default() += TOTAL;
    *w.accounts.entry(1110).or_default() -= TOTAL;
    w.holds.insert("given_back".to_owned());
    w.delete_payments();
    end(&mut w, "a", Ending::Refunded);
    assert_eq!((w.parked(), w.balance(1200)), (Some(ParkCode::HeldByDecision), TOTAL));
    let records = w.count("RecordingBegun");
    w.choose(Choice::RecordAgain);
    assert_eq!((w.heard_refused(), w.count("RecordingBegun")), (1, records), "nothing of it is held");
    assert_eq!((w.parked(), w.balance(1200), w.balance(2100)), (Some(ParkCode::HeldByDecision), TOTAL, 0));
}

#[test]
fn p6_voided_and_forgiven_the_invoice_goes_out_of_the_books() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", TOTAL, Source::Forgive);
    w.statuses.insert("tx1".to_owned(), Voided);
    w.pass(TimeDelta::hours(3));
    assert_eq!(w.count("PaymentReversed"), 0, "the refund says so, and books it");
    *w.accounts.entry(1200).or_default() += TOTAL;
    *w.accounts.entry(1110).or_default() -= TOTAL;
    w.void();
    end(&mut w, "a", Ending::Voided);
    assert_eq!((w.state().as_str(), w.open_accounts()), ("ClosedVoid", vec![]));
    let looks = w.count("SettlementLookDue");
    w.pass(TimeDelta::days(2));
    assert_eq!(w.count("SettlementLookDue"), looks, "nothing of it settles any more");
}

/// The journals that a refund of what is forgiven leaves, and what Braintree sent back.
fn refunded(w: &mut World, name: &str, minor: i64, tax: i64) {
    ask(w, name, minor, Source::Forgive);
    for (account, by) in [(4000, minor - tax), (2200, tax), (1110, -minor)] {
        *w.accounts.entry(account).or_default() += by;
    }
    let (transaction, tax) = ("tx1".to_owned(), Some(eur(tax)));
    w.tell(Command::GiveBackEnded { transaction, saga: refund(name), ending: Ending::Refunded, tax });
}

#[test]
fn s2_12_e2_of_an_invoice_that_was_forgiven_in_part_and_is_void_only_what_is_held_waits_for_a_decision() {
    let mut w = World::begun(|_| {});
    refunded(&mut w, "a", 4_000, 639);
    w.void();
    w.changed();
    assert_eq!((w.parked(), w.open_accounts()), (Some(ParkCode::MoneyDecision), vec![(1110, 6_000), (2100, -6_000)]));
    let asked =
        w.events().any(|e| matches!(e, Event::InvoiceHeld { detail, .. } if detail.starts_with("60.00 EUR of tx1")));
    assert!(asked, "no more than is held is to go back");
    let told = told(&w);
    assert_eq!((told["forgiven"]["minor"].as_i64(), told["reopened"]["minor"].as_i64()), (Some(0), Some(4_000)));
}

#[test]
fn s2_12_e2_what_was_forgiven_as_a_whole_is_not_asked_about_again_when_its_invoice_is_void() {
    let mut w = World::begun(|_| {});
    refunded(&mut w, "a", TOTAL, 1_597);
    w.void();
    w.changed();
    assert_eq!((w.parked(), w.state().as_str(), w.open_accounts()), (None, "ClosedVoid", vec![]));
}

#[test]
fn s2_12_e4_of_a_lowered_invoice_what_is_held_is_taken_off_first_and_then_what_was_forgiven() {
    let mut w = World::begun(|_| {});
    refunded(&mut w, "a", 7_000, 1_118);
    (w.invoice.total, w.invoice.tax) = (eur(5_000), Some(eur(798)));
    w.changed();
    assert_eq!((w.balance(2100), w.balance(1200), w.balance(2110)), (-3_000, 0, 0));
    assert_eq!((w.balance(1110), w.parked()), (3_000, Some(ParkCode::MoneyDecision)));
    assert_eq!((w.balance(4000), w.balance(2200)), (0, 0), "the invoice owes 50.00, and 50.00 of it is forgiven");
}

#[test]
fn p4_a_void_that_is_seen_while_money_is_given_back_is_booked_once_that_has_ended() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", 4_000, Source::Forgive);
    w.void();
    w.changed();
    assert_eq!((w.balance(2100), w.parked()), (0, None));
    end(&mut w, "a", Ending::Withdrawn);
    assert_eq!((w.balance(2100), w.parked()), (-TOTAL, Some(ParkCode::MoneyDecision)));
}

#[test]
fn e4_withdrawn_what_made_it_moot_is_seen_at_once() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", 4_000, Source::Reopen);
    w.statuses.insert("tx1".to_owned(), SettlementDeclined);
    w.pass(TimeDelta::hours(3));
    assert_eq!((w.count("PaymentReversed"), w.count("SettlementAwaited")), (0, 1));
    end(&mut w, "a", Ending::Withdrawn);
    assert_eq!((w.parked(), w.balance(1110)), (Some(ParkCode::SettlementDeclined), 0));
    assert!(w.events().any(|e| matches!(e, Event::PaymentReversed { applied, .. } if *applied == eur(TOTAL))));
}

#[test]
fn a_sale_that_was_refunded_in_part_and_is_declined_then_is_a_persons() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", 4_000, Source::Forgive);
    end(&mut w, "a", Ending::Refunded);
    w.settle("tx1", SettlementDeclined);
    assert_eq!((w.parked(), w.count("PaymentReversed")), (Some(ParkCode::MoneyDecision), 0));
}

#[test]
fn e1_a_word_that_overtakes_its_question_leaves_nothing_open() {
    let mut w = World::begun(|_| {});
    end(&mut w, "a", Ending::Withdrawn);
    ask(&mut w, "a", 4_000, Source::Forgive);
    assert_eq!((w.told.len(), w.count("GiveBackAdmitted")), (0, 0));
}

#[test]
fn p1_money_that_is_being_given_back_is_neither_recorded_nor_in_the_way() {
    let mut w = World::new();
    w.records.push_back(outage());
    w.sales.push_back(Sale::ApprovesOnly(6_000));
    w.detect();
    assert_eq!((w.parked(), w.balance(2100)), (Some(ParkCode::MoneyDecision), -6_000));
    ask(&mut w, "a", 6_000, Source::Unapplied);
    assert_eq!(parts(&w), [0, 0, 6_000]);
    *w.accounts.entry(2100).or_default() += 6_000;
    *w.accounts.entry(1110).or_default() -= 6_000;
    w.records.clear();
    end(&mut w, "a", Ending::Refunded);
    assert_eq!(
        (w.parked(), w.sold[1].1),
        (None, TOTAL),
        "the invoice is charged anew, and the first sale is no question"
    );
    w.settle("tx2", Settled);
    assert!(!w.holds.contains("captured_not_recorded"));
}
