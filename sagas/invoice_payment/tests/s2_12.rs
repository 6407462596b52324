//! Duplicate payment (2.9), invoice changed while charging (2.12), mismatch (2.13), zero and partial amounts (2.14).

use super::world::{Sale, TOTAL, World, eur, outage, quota, rejected, seen};
use crate::invoice_payment::{Choice, News};
use crate::kernel::answer::TransactionStatus::{Settled, Voided};
use crate::kernel::effect::ClaimKind;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

/// Charged, and while the record is on its way something happens at Zoho.
fn charged_then(change: impl FnOnce(&mut World)) -> World {
    let mut w = World::new();
    w.records.push_back(outage());
    w.detect();
    assert_eq!((w.balance(2100), w.state().as_str()), (-TOTAL, "Charged"));
    change(&mut w);
    w.records.push_back(rejected(RejectionKind::State, "24016"));
    w.pass(TimeDelta::minutes(1));
    w
}

#[test]
fn s2_9_e1_a_portal_payment_while_we_charge_waits_for_finance_with_both_shown() {
    let mut w = charged_then(|w| w.pay("zp9", "portal", "creditcard", TOTAL));
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::MoneyDecision), 1));
    assert_eq!(w.open_accounts(), [(1110, TOTAL), (1150, TOTAL), (2100, -TOTAL), (2200, -1_597), (4000, -8_403)]);
    w.statuses.insert("tx1".to_owned(), Voided);
    w.resume();
    assert_eq!((w.parked(), w.state().as_str()), (None, "ClosedPaidElsewhere"));
    assert_eq!(w.open_accounts(), [(1150, TOTAL), (2200, -1_597), (4000, -8_403)]);
}

#[test]
fn s2_9_e8_two_captures_of_one_order_are_booked_both_and_the_second_is_never_applied() {
    use crate::kernel::answer::Answer;
    use crate::kernel::outcome::{Look, Outcome};
    let mut w = World::new();
    w.sales.push_back(Sale::Says(Outcome::Unknown { detail: "time-out".to_owned() }));
    w.detect();
    let first = w.transaction("demo1.inv.77.1", eur(TOTAL), "c-cust1", "m1");
    let mut second = first.clone();
    "tx9".clone_into(&mut second.id);
    w.transactions.insert(first.id.clone(), first.clone());
    w.transactions.insert(second.id.clone(), second);
    let outcome = Box::new(Outcome::Done { answer: Answer::Transaction(Box::new(first)) });
    w.looks.push_back(Look::Found { outcome, extra: vec!["tx9".to_owned()] });
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.parked(), w.balance(1110), w.balance(2100)), (Some(ParkCode::MoneyDecision), 2 * TOTAL, -TOTAL));
    assert!(w.saga.flow.parked.as_ref().is_some_and(|p| p.detail.contains("tx9")));
    w.statuses.insert("tx9".to_owned(), Voided);
    w.resume();
    assert_eq!((w.parked(), w.balance(1110), w.balance(2100), w.balance(1200)), (None, TOTAL, 0, 0));
}

#[test]
fn e1_a_void_seen_before_the_call_supersedes_the_attempt() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(quota()));
    w.detect();
    w.void();
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.state().as_str(), w.balance(1200), w.claims.len()), ("ClosedVoid", 0, 0));
}

#[test]
fn e2_a_void_between_call_and_record_stays_unapplied_for_finance() {
    let mut w = charged_then(World::void);
    assert_eq!((w.parked(), w.balance(2100), w.balance(1200)), (Some(ParkCode::MoneyDecision), -TOTAL, 0));
    w.statuses.insert("tx1".to_owned(), Voided);
    w.resume();
    assert_eq!((w.state().as_str(), w.open_accounts()), ("ClosedVoid", Vec::new()));
}

#[test]
fn e3_a_void_after_the_record_unapplies_and_asks_finance() {
    let mut w = World::begun(|_| {});
    w.void();
    w.changed();
    assert_eq!(w.rules[3..], ["UNAPPLY", "INVOICE_VOIDED"]);
    assert_eq!((w.parked(), w.balance(2100)), (Some(ParkCode::MoneyDecision), -TOTAL));
}

#[test]
fn e4_lowered_before_the_record_applies_the_new_balance_and_asks_for_the_rest() {
    let w = charged_then(|w| {
        (w.invoice.total, w.invoice.balance, w.invoice.tax) = (eur(7_000), eur(7_000), Some(eur(1_118)));
    });
    assert_eq!((w.parked(), w.balance(2100), w.balance(1200)), (Some(ParkCode::MoneyDecision), -3_000, 0));
}

#[test]
fn e4_lowered_after_the_record_unapplies_the_surplus_and_asks_for_it() {
    let mut w = World::new();
    w.detect();
    assert_eq!(w.state(), "AwaitSettlement");
    // Zoho keeps what the invoice has room for.
    w.invoice.total.minor = 9_000;
    w.invoice.payments[0].amount.minor = 9_000;
    w.changed();
    assert_eq!((w.parked(), w.balance(1200), w.balance(2100)), (Some(ParkCode::MoneyDecision), 0, -1_000));
    assert_eq!(w.sales_made(), 1);
}

#[test]
fn e4_a_credit_on_an_invoice_whose_payment_was_deleted_leaves_no_more_applied_than_is_owed() {
    let mut w = World::new();
    w.detect();
    w.delete_payments();
    w.changed();
    assert_eq!(w.parked(), Some(ParkCode::HeldMismatch));
    w.invoice.credits.minor = 500;
    w.invoice.balance.minor -= 500;
    w.changed();
    assert_eq!((w.balance(1200), w.balance(2100), w.balance(2110)), (0, -500, 500));
    assert_eq!(w.sales_made(), 1, "nothing is charged while captured money waits");
}

#[test]
fn e5_raised_applies_all_and_charges_the_rest_with_a_new_attempt() {
    let mut w = World::begun(|_| {});
    (w.invoice.total, w.invoice.balance) = (eur(12_000), eur(2_000));
    "partially_paid".clone_into(&mut w.invoice.status);
    w.changed();
    assert_eq!(w.sold[1], ("demo1.inv.77.2".to_owned(), 2_000, true));
    assert_eq!((w.balance(1200), w.balance(1110)), (0, 12_000));
}

#[test]
fn e6_deleted_after_the_charge_asks_finance() {
    let mut w = charged_then(|w| w.invoice_exists = false);
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.parked(), w.balance(2100), w.balance(1200)), (Some(ParkCode::MoneyDecision), -TOTAL, 0));
}

#[test]
fn e7_written_off_while_charging_asks_finance() {
    let w = charged_then(|w| {
        (w.invoice.balance, w.invoice.written_off) = (eur(0), eur(TOTAL));
        "paid".clone_into(&mut w.invoice.status);
    });
    assert_eq!((w.parked(), w.balance(2100), w.balance(1200)), (Some(ParkCode::MoneyDecision), -TOTAL, 0));
}

#[test]
fn s2_11_e13_a_paused_subscription_is_looked_at_daily() {
    let mut w = World::begun(|w| "paused".clone_into(&mut w.subscription.status));
    assert_eq!((w.state().as_str(), w.sales_made()), ("SubscriptionPaused", 0));
    "live".clone_into(&mut w.subscription.status);
    w.pass(TimeDelta::days(1));
    assert_eq!(w.sales_made(), 1);
}

#[test]
fn s2_6_e2_an_ended_subscriptions_invoice_is_collected_only_by_decision() {
    let mut w = World::begun(|w| "cancelled".clone_into(&mut w.subscription.status));
    assert_eq!((w.state().as_str(), w.parked()), ("SubscriptionEnded", None));
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldByDecision), 0));
    w.choose(Choice::ChargeAgain);
    assert_eq!(w.sales_made(), 1);
}

#[test]
fn s2_6_e2_an_invoice_that_is_voided_with_its_subscription_needs_nobody() {
    let mut w = World::begun(|w| "cancelled".clone_into(&mut w.subscription.status));
    "void".clone_into(&mut w.invoice.status);
    w.invoice.balance = eur(0);
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.parked()), ("ClosedVoid", None));
}

#[test]
fn s2_13_e5_a_currency_that_differs_is_never_charged_nor_converted() {
    let w = World::begun(|w| "CHF".clone_into(&mut w.subscription.currency));
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldByDecision), 0));
}

#[test]
fn s2_14_e1_zero_after_credits_makes_no_call() {
    let w = World::begun(|w| {
        (w.invoice.balance, w.invoice.credits) = (eur(0), eur(TOTAL));
        "paid".clone_into(&mut w.invoice.status);
    });
    assert_eq!((w.state().as_str(), w.sales_made(), w.balance(1200)), ("ClosedZero", 0, 0));
    assert_eq!(w.last_shown().transaction.status, "Paid");
}

#[test]
fn s2_14_e4_what_others_paid_is_not_charged() {
    let mut w = World::begun(|w| w.pay("zp9", "cheque", "check", 4_000));
    assert_eq!(w.sold[0].1, 6_000);
    assert_eq!((w.balance(1200), w.balance(1150)), (0, 4_000));
    w.settle("tx1", Settled);
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Settled", Some(End::Completed)));
}

#[test]
fn s2_14_e7_a_credit_applied_before_the_call_lowers_the_charge() {
    let w = World::begun(|w| {
        (w.invoice.balance, w.invoice.credits) = (eur(8_000), eur(2_000));
    });
    assert_eq!((w.sold[0].1, w.balance(1200)), (8_000, 0));
}

#[test]
fn the_charge_is_never_more_than_our_own_reckoning_leaves() {
    let w = World::begun(|w| w.invoice.credits = eur(9_000));
    assert_eq!(w.sold[0].1, 1_000, "though Zoho still shows the whole as open");
}

#[test]
fn a_draft_that_is_raised_is_read_again() {
    let mut w = World::begun(|w| w.invoice.status = "draft".to_owned());
    w.invoice.status = "sent".to_owned();
    w.tell(seen(News::Raised));
    assert_eq!(w.sales_made(), 1);
}

#[test]
fn a_void_invoice_of_a_customer_that_is_unlinked_again_needs_nobody() {
    let w = World::begun(|w| {
        w.void();
        w.survey.customer = None;
    });
    assert_eq!((w.parked(), w.state().as_str(), w.open_accounts().len()), (None, "ClosedVoid", 0));
}

#[test]
fn a_void_invoice_whose_subscription_is_unlinked_again_needs_nobody() {
    let w = World::begun(|w| {
        w.void();
        w.survey.subscription = None;
        w.subscription.reference = "demo1.sub.0.1".to_owned();
    });
    assert_eq!((w.parked(), w.state().as_str(), w.open_accounts().len()), (None, "ClosedVoid", 0));
}

#[test]
fn an_invoice_whose_activation_is_being_undone_is_read_again_before_a_person_is_asked() {
    let mut w = World::begun(|w| {
        w.survey.subscription = None;
        w.survey.owner = None;
        w.subscription.reference = "demo1.sub.0.1".to_owned();
    });
    w.survey.customer = None;
    w.survey.claimed_elsewhere = vec![ClaimKind::ZohoSubscription];
    w.pass(TimeDelta::minutes(1));
    assert_eq!((w.parked(), w.state().as_str()), (None, "Deferred"));
    w.survey.claimed_elsewhere.clear();
    w.void();
    w.pass(TimeDelta::minutes(5));
    assert_eq!((w.parked(), w.state().as_str()), (None, "ClosedVoid"));
}
