//! End balances of the histories that concern this flow, summed from its journals onto those of the sale.

use super::world::{TOTAL, World, hard};
use crate::kernel::answer::TransactionStatus::{Settled, SettlementDeclined, SubmittedForSettlement};
use crate::kernel::tests::bench::Played;
use crate::refund::{Choice, Source};
use chrono::TimeDelta;

#[test]
fn h1_a_part_that_is_forgiven_and_settled_leaves_the_rest_and_less_invoiced() {
    let mut w = World::begun(Source::Forgive, 4_000, |_| {});
    w.is_now(Settled);
    w.pass(TimeDelta::hours(3));
    assert_eq!(w.open_accounts(), [(1110, TOTAL), (1120, -4_000), (2200, -958), (4000, -5_042)]);
}

#[test]
fn h7_void_and_forgiven_is_nothing_once_the_stream_has_seen_the_void_invoice() {
    let w = World::begun(Source::Forgive, TOTAL, |w| w.sale = SubmittedForSettlement);
    assert_eq!(w.open_accounts(), [(1200, TOTAL), (2200, -1_597), (4000, -8_403)], "INVOICE_VOIDED is the stream's");
    assert_eq!(
        w.rules,
        [
            "CREDIT_NOTE",
            "REFUND_APPROVED_FROM_CREDIT",
            "REFUND_APPROVED_FROM_CREDIT_REVERSED",
            "CREDIT_NOTE_REVERSED",
            "UNAPPLY",
            "CAPTURE_REVERSED"
        ]
    );
}

#[test]
fn h8_void_and_owed_again_leaves_the_invoice() {
    let w = World::begun(Source::Reopen, TOTAL, |w| w.sale = SubmittedForSettlement);
    assert_eq!(w.open_accounts(), [(1200, TOTAL), (2200, -1_597), (4000, -8_403)]);
}

#[test]
fn h14_a_remainder_that_was_never_applied_is_refunded_to_nothing() {
    let mut w = World::of_applied(Source::Unapplied, 4_000, 6_000);
    w.request();
    assert_eq!((w.balance(2100), w.balance(2120), w.balance(1110)), (0, 0, TOTAL - 4_000));
    assert_eq!(w.rules, ["REFUND_APPROVED_FROM_UNAPPLIED", "REFUND_SENT"]);
}

#[test]
fn h17_declined_after_success_it_is_owed_paid_by_transfer_or_withdrawn() {
    let failed = || {
        let mut w = World::begun(Source::Forgive, 4_000, |_| {});
        w.is_now(SettlementDeclined);
        w.pass(TimeDelta::hours(3));
        w
    };
    let w = failed();
    assert_eq!((w.balance(2110), w.balance(2120)), (0, -4_000));
    let mut w = failed();
    w.decide(Choice::PaidOutside);
    assert_eq!((w.balance(2120), w.balance(1150)), (0, -4_000));
    let mut w = failed();
    w.decide(Choice::Withdraw);
    assert_eq!((w.balance(2120), w.balance(2110)), (0, -4_000), "the customer keeps the credit");
}

#[test]
fn h29_partly_applied_and_voided_one_part_forgiven_and_one_returned_is_nothing() {
    let mut w = World::of_applied(Source::Forgive, TOTAL, 6_000);
    w.sale = SubmittedForSettlement;
    w.request();
    assert_eq!(w.open_accounts(), [(1200, TOTAL), (2200, -1_597), (4000, -8_403)]);
    assert_eq!(w.state(), "Voided");
}

#[test]
fn s2_15_a_blocked_refund_shows_what_was_approved_and_stays_owed() {
    let w = World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(hard("2005")));
    assert_eq!(w.rules, ["CREDIT_NOTE", "REFUND_APPROVED_FROM_CREDIT"]);
    assert_eq!(w.balance(2120), -4_000);
}
