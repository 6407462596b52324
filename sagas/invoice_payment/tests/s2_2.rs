//! Edges of the invoice payment itself.

use super::world::{Sale, TOTAL, World, day, decline, eur, instant, method, outage, quota, rejected, says, seen, soft};
use crate::invoice_payment::{Choice, Command, Event, News};
use crate::kernel::answer::{Answer, CollectionOwner, TransactionStatus};
use crate::kernel::effect::{Claim, ClaimKind};
use crate::kernel::flow::{Phase, StepEvent};
use crate::kernel::machine::{self, Work};
use crate::kernel::outcome::{DeclineKind, Look, NotSent, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::record::Record;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

#[test]
fn p1_to_p8_an_invoice_is_tested_charged_recorded_shown_and_settled() {
    let mut w = World::begun(|_| {});
    assert_eq!(w.state(), "AwaitSettlement");
    assert_eq!(
        w.calls,
        [
            "zoho.read_invoice",
            "desk.survey_invoice",
            "attio.find_client",
            "zoho.read_subscription",
            "braintree.read_customer",
            "desk.claim",
            "desk.count_card",
            "braintree.sell",
            "zoho.record_payment",
            "attio.project",
        ]
    );
    assert_eq!(w.sold, [("demo1.inv.77.1".to_owned(), TOTAL, true)]);
    assert_eq!(w.rules, ["INVOICE_ISSUED", "CAPTURE", "APPLY"]);
    assert_eq!(w.spent, ["demo1.inv.77.1"]);
    assert!(w.claims.is_empty() && w.holds.is_empty());
    let shown = w.last_shown();
    assert_eq!((shown.transaction.status.as_str(), shown.transaction.external_id.as_str()), ("Paid", "inv:77:1"));
    assert_eq!(shown.subscription.as_ref().map(|s| s.payment_status.as_str()), Some("Paid"));
    w.settle("tx1", TransactionStatus::Settled);
    assert_eq!(w.saga.flow.ended, Some(End::Completed));
    assert_eq!(w.open_accounts(), [(1120, TOTAL), (2200, -1_597), (4000, -8_403)]);
}

#[test]
fn p2_a_renewal_costs_three_zoho_calls() {
    let w = World::begun(|_| {});
    assert_eq!(w.calls.iter().filter(|c| c.starts_with("zoho.")).count(), 3);
}

#[test]
fn e1_a_failed_read_is_repeated_and_a_missing_invoice_is_never_charged() {
    let mut w = World::begun(|w| w.invoice_exists = false);
    assert_eq!(w.state(), "Deferred");
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("ClosedGone", Some(End::Mirrored)));
    w.invoice_exists = true;
    w.changed();
    assert_eq!(w.state(), "AwaitSettlement");
}

#[test]
fn e2_an_unlinked_customer_is_not_charged() {
    let mut w = World::begun(|w| w.survey.customer = None);
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::CustomerUnlinked), 0));
    w.survey.customer = Some("cust1".to_owned());
    w.resume();
    assert_eq!(w.sales_made(), 1);
}

#[test]
fn e2_a_customer_linked_twice_is_not_charged() {
    let w = World::begun(|w| w.survey.ambiguous = true);
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::CustomerUnlinked), 0));
}

#[test]
fn e2_ids_in_attio_that_differ_from_our_links_split_the_identity() {
    for change in [
        (|w: &mut World| w.client.braintree_customer = Some("c-other".to_owned())) as fn(&mut World),
        |w| w.client.zoho_customer = Some("zc9".to_owned()),
        |w| w.client.ambiguous = true,
        |w| w.subscription.customer = "zc9".to_owned(),
    ] {
        let w = World::begun(change);
        assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::IdentitySplit), 0));
    }
}

#[test]
fn e2_a_client_that_attio_does_not_have_is_charged_all_the_same() {
    let w = World::begun(|w| {
        w.client.record = None;
        w.client.zoho_customer = None;
        w.client.braintree_customer = None;
    });
    assert_eq!(w.sales_made(), 1);
}

#[test]
fn e3_a_subscription_that_is_not_linked_yet_defers_and_ends_with_a_person() {
    let mut w = World::begun(|w| {
        w.survey.subscription = None;
        w.survey.owner = None;
    });
    assert_eq!(w.state(), "Deferred");
    assert_eq!(w.wakes_at(), Some(w.now + TimeDelta::seconds(60)));
    let calls = w.calls.iter().filter(|c| c.starts_with("zoho.")).count();
    w.pass(TimeDelta::minutes(10));
    assert_eq!(w.calls.iter().filter(|c| c.starts_with("zoho.")).count(), calls, "looking again costs no call");
    w.pass(TimeDelta::hours(25));
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::CustomerUnlinked), 0));
}

#[test]
fn e3_an_invoice_that_names_no_subscription_finds_its_own() {
    let w = World::begun(|w| {
        w.invoice.subscription = None;
        w.found = Some("zs1".to_owned());
    });
    assert_eq!(w.sales_made(), 1);
    assert!(w.calls.contains(&"zoho.find_subscription_of_invoice"));
}

#[test]
fn e4_a_claim_of_another_saga_defers_and_it_goes_on_when_it_is_free() {
    for kind in [ClaimKind::ZohoSubscription, ClaimKind::ZohoInvoice] {
        let mut w = World::begun(|w| w.survey.claimed_elsewhere = vec![kind]);
        assert_eq!((w.state().as_str(), w.sales_made()), ("Deferred", 0));
        w.survey.claimed_elsewhere.clear();
        w.pass(TimeDelta::minutes(2));
        assert_eq!(w.sales_made(), 1);
    }
}

#[test]
fn e4_a_claim_lost_in_the_last_moment_defers_too() {
    let mut w = World::begun(|w| {
        w.claim_answers.push_back(Outcome::Declined { decline: decline(DeclineKind::Busy, "zoho_invoice") });
    });
    assert_eq!((w.state().as_str(), w.sales_made()), ("Deferred", 0));
    w.pass(TimeDelta::minutes(2));
    assert_eq!(w.sold[0].0, "demo1.inv.77.2");
}

#[test]
fn e4_a_linked_invoice_goes_on_while_only_its_customer_is_claimed() {
    let w = World::begun(|w| w.survey.claimed_elsewhere = vec![ClaimKind::ZohoCustomer]);
    assert_eq!(w.sales_made(), 1);
}

#[test]
fn e5_without_an_owner_it_is_mirrored_and_booked() {
    let mut w = World::begun(|w| {
        w.survey.owner = None;
        w.survey.subscription = None;
        "made-by-staff".clone_into(&mut w.subscription.reference);
    });
    assert_eq!((w.saga.flow.ended, w.sales_made()), (Some(End::Mirrored), 0));
    assert!(w.shown.is_empty());
    w.pay("zp9", "cheque 12", "check", TOTAL);
    w.changed();
    assert_eq!(w.rules, ["INVOICE_ISSUED", "EXTERNAL_PAYMENT"]);
    assert_eq!(w.balance(1200), 0);
}

#[test]
fn e6_an_invoice_of_another_collector_is_mirrored() {
    for owner in [CollectionOwner::BraintreeRecurring, CollectionOwner::ZohoNative] {
        let w = World::begun(|w| w.survey.owner = Some(owner));
        assert_eq!((w.saga.flow.ended, w.sales_made()), (Some(End::Mirrored), 0));
    }
}

#[test]
fn e7_two_collectors_are_never_both_let_at_it() {
    for change in [
        (|w: &mut World| w.subscription.auto_collect = true) as fn(&mut World),
        |w| w.methods[0].has_live_subscription = true,
        |w| "unpaid".clone_into(&mut w.subscription.status),
        |w| "dunning".clone_into(&mut w.subscription.status),
        |w| "cancelled_from_dunning".clone_into(&mut w.subscription.status),
        |w| w.pay("zp1", "gw", "autotransaction", 4_000),
        |w| w.pay("zp1", "gw", "autotransaction", TOTAL),
    ] {
        let w = World::begun(change);
        assert_eq!(
            (w.parked(), w.sales_made(), w.state().as_str()),
            (Some(ParkCode::TwoCollectors), 0, "HeldTwoCollectors")
        );
    }
}

#[test]
fn e8_a_one_off_needs_consent_and_the_customers_claim() {
    let one_off = |w: &mut World| {
        w.invoice.subscription = None;
        w.survey.subscription = None;
        w.survey.owner = None;
    };
    let w = World::begun(one_off);
    assert_eq!((w.saga.flow.ended, w.sales_made()), (Some(End::Mirrored), 0));
    let w = World::begun(|w| {
        one_off(w);
        w.survey.one_off_consent = true;
        w.survey.claimed_elsewhere = vec![ClaimKind::ZohoCustomer];
    });
    assert_eq!((w.state().as_str(), w.sales_made()), ("Deferred", 0));
    let mut w = World::new();
    one_off(&mut w);
    w.survey.one_off_consent = true;
    w.sales.push_back(Sale::Says(Outcome::Unknown { detail: "time-out".to_owned() }));
    w.detect();
    let customer = Claim { kind: ClaimKind::ZohoCustomer, key: "zc1".to_owned() };
    assert!(w.claims.contains(&customer), "held while the charge is unknown");
}

#[test]
fn e9_a_payment_deleted_by_staff_is_held_not_charged() {
    let mut w = World::begun(|_| {});
    w.delete_payments();
    w.changed();
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldMismatch), 1));
}

#[test]
fn e9_a_capture_that_hangs_in_the_ledger_is_held() {
    let w = World::begun(|w| w.survey.unapplied = Some(eur(500)));
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldMismatch), 0));
}

#[test]
fn e10_a_collection_hold_keeps_it_until_it_is_released() {
    let mut w = World::begun(|w| w.survey.holds = vec!["promise_to_pay".to_owned()]);
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldByDecision), 0));
    w.survey.holds.clear();
    w.tell(Command::HoldReleased { reason: "promise_to_pay".to_owned() });
    assert_eq!((w.parked(), w.sales_made()), (None, 1));
}

#[test]
fn e11_a_draft_waits_and_is_not_booked() {
    for status in ["draft", "pending"] {
        let mut w = World::begun(|w| status.clone_into(&mut w.invoice.status));
        assert_eq!((w.state().as_str(), w.rules.len()), ("Draft", 0));
        "sent".clone_into(&mut w.invoice.status);
        w.changed();
        assert_eq!(w.sales_made(), 1);
    }
}

#[test]
fn e12_what_owes_nothing_is_closed() {
    let w = World::begun(|w| {
        (w.invoice.total, w.invoice.balance, w.invoice.tax) = (eur(0), eur(0), None);
        "paid".clone_into(&mut w.invoice.status);
    });
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.rules.len()), ("ClosedZero", Some(End::Completed), 0));
    let w = World::begun(|w| w.pay("zp9", "transfer", "banktransfer", TOTAL));
    assert_eq!((w.state().as_str(), w.balance(1200), w.balance(1150)), ("ClosedPaidElsewhere", 0, TOTAL));
    assert_eq!(w.last_shown().transaction.status, "Paid");
    let w = World::begun(World::void);
    assert_eq!((w.state().as_str(), w.sales_made()), ("ClosedVoid", 0));
    assert_eq!(w.last_shown().transaction.status, "Void");
}

#[test]
fn e13_another_currency_than_the_subscriptions_is_held() {
    let w = World::begun(|w| "USD".clone_into(&mut w.subscription.currency));
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldByDecision), 0));
}

#[test]
fn e14_without_a_usable_card_a_new_one_is_awaited() {
    for change in [
        (|w: &mut World| w.methods.clear()) as fn(&mut World),
        |w| w.methods[0].expired = true,
        |w| w.methods[0].default = false,
        |w| w.survey.braintree_customer = None,
    ] {
        let mut w = World::begun(change);
        assert_eq!((w.state().as_str(), w.sales_made(), w.wakes_on()), ("NeedsMethod", 0, Some(day("2026-11-16"))));
        let shown = w.last_shown().subscription.clone().expect("a subscription");
        assert_eq!(shown.action_needed, "Ask the customer to give another card");
        w.survey.braintree_customer = Some("c-cust1".to_owned());
        w.methods = vec![method("m2")];
        w.method_changed();
        assert_eq!(w.sales_made(), 1);
    }
}

#[test]
fn e15_a_switched_off_sale_waits_without_calls_and_goes_on_by_itself() {
    let mut w = World::begun(|w| w.survey.sale_switched_off = true);
    assert_eq!((w.state().as_str(), w.sales_made()), ("HeldSwitch", 0));
    let calls = w.calls.iter().filter(|c| !c.starts_with("desk.")).count();
    w.pass(TimeDelta::hours(2));
    assert_eq!(w.calls.iter().filter(|c| !c.starts_with("desk.")).count(), calls);
    w.survey.sale_switched_off = false;
    w.pass(TimeDelta::minutes(6));
    assert_eq!(w.sales_made(), 1);
    assert_eq!(w.calls.iter().filter(|c| **c == "zoho.read_invoice").count(), 2, "fresh facts before the charge");
}

#[test]
fn e16_an_open_dispute_holds_it() {
    let w = World::begun(|w| w.survey.holds = vec!["dispute".to_owned()]);
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldByDecision), 0));
    assert!(w.events().any(|e| matches!(e, Event::InvoiceHeld { test, .. } if test == "2.2-e16")));
}

#[test]
fn e17_a_used_up_card_waits_until_its_window_opens_and_holds_no_claim() {
    let until = instant("2026-11-05T12:00:00Z");
    let mut w = World::begun(|w| w.card_cap_until = Some(until));
    assert_eq!((w.state().as_str(), w.wakes_at(), w.claims.len()), ("CardCap", Some(until), 0));
    w.pass(TimeDelta::days(4));
    assert_eq!(w.sold[0].0, "demo1.inv.77.2");
}

#[test]
fn e18_without_zoho_calls_to_record_it_the_sale_is_not_sent() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(quota()));
    w.detect();
    let open = w.saga.flow.open.clone().expect("the charge is open");
    assert!(matches!(open.phase, Phase::Requested { waiting: Some(NotSent::Quota), .. }));
    w.pass(TimeDelta::minutes(5));
    assert_eq!(w.count("PaymentCaptured"), 1);
}

#[test]
fn e19_facts_that_grew_old_supersede_the_attempt_and_are_read_again() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(quota()));
    w.detect();
    w.invoice.balance = eur(6_000);
    w.invoice.total = eur(6_000);
    w.pass(TimeDelta::minutes(5));
    assert_eq!(w.given_back, ["demo1.inv.77.1"]);
    assert_eq!(w.sold.last().map(|s| (s.0.as_str(), s.1)), Some(("demo1.inv.77.2", 6_000)));
    assert_eq!((w.count("ChargeSuperseded"), w.count("PaymentCaptured")), (1, 1));
}

#[test]
fn e19_slow_reads_make_the_invoice_be_read_again_before_the_charge() {
    let w = World::begun(|w| w.read_takes = TimeDelta::seconds(9));
    assert_eq!(w.calls.iter().filter(|c| **c == "zoho.read_invoice").count(), 2);
    assert_eq!(w.calls.iter().filter(|c| **c == "zoho.read_subscription").count(), 1);
    assert_eq!(w.count("PaymentCaptured"), 1);
}

#[test]
fn e20_a_decline_leaves_the_invoice_open_and_holds_nothing() {
    let w = World::begun(|w| w.sales.push_back(says(soft("2046"))));
    assert_eq!((w.state().as_str(), w.wakes_on()), ("Dunning", Some(day("2026-11-05"))));
    assert_eq!((w.rules.as_slice(), w.balance(1200)), (["INVOICE_ISSUED"].as_slice(), TOTAL));
    assert!(w.claims.is_empty() && w.holds.is_empty());
    assert_eq!(w.spent, ["demo1.inv.77.1"]);
    let shown = w.last_shown();
    assert_eq!((shown.transaction.status.as_str(), shown.billing_summary.as_str()), ("Failed", "Past due"));
}

#[test]
fn e21_an_unknown_outcome_is_looked_up_and_never_charged_again() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(Outcome::Unknown { detail: "time-out".to_owned() }));
    w.detect();
    assert!(matches!(w.saga.flow.open.as_ref().map(|o| &o.phase), Some(Phase::Unknown { .. })));
    w.changed();
    w.charge_now_is_refused();
    assert_eq!((w.sales_made(), w.rules.len()), (1, 1));
    w.sold.truncate(1);
    let found = w.transaction("demo1.inv.77.1", eur(TOTAL), "c-cust1", "m1");
    w.transactions.insert(found.id.clone(), found.clone());
    let outcome = Box::new(Outcome::Done { answer: Answer::Transaction(Box::new(found)) });
    w.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.sales_made(), w.state().as_str()), (1, "AwaitSettlement"));
}

#[test]
fn e22_a_card_that_braintree_does_not_know_asks_for_another() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(rejected(RejectionKind::Invalid, "91518")));
    w.detect();
    assert_eq!((w.state().as_str(), w.given_back.len(), w.claims.len()), ("NeedsMethod", 1, 0));
    w.methods = vec![method("m2")];
    w.method_changed();
    assert_eq!(w.sold.last().map(|s| s.0.as_str()), Some("demo1.inv.77.2"));
}

#[test]
fn e22_any_other_refusal_needs_a_person_and_is_looked_up_before_it_is_repeated() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(rejected(RejectionKind::Invalid, "91513")));
    w.detect();
    assert_eq!(w.parked(), Some(ParkCode::VendorRejected));
    w.resume();
    assert!(matches!(machine::work(&w.saga, w.now), Work::Look(_)));
}

#[test]
fn e23_a_refused_record_that_zoho_shows_all_the_same_is_adopted() {
    let mut w = World::new();
    w.records.push_back(rejected(RejectionKind::Invalid, "24016"));
    w.detect_until("record_payment");
    w.pay("zp7", "tx1", "creditcard", TOTAL);
    w.run();
    assert_eq!((w.state().as_str(), w.balance(2100), w.balance(1200)), ("AwaitSettlement", 0, 0));
}

#[test]
fn e23_a_record_that_zoho_refuses_for_good_is_held_with_its_claim() {
    let mut w = World::new();
    w.records.push_back(rejected(RejectionKind::Invalid, "24016"));
    w.records.push_back(rejected(RejectionKind::Invalid, "24016"));
    w.detect();
    assert_eq!((w.parked(), w.balance(2100)), (Some(ParkCode::RecordBlocked), -TOTAL));
    assert_eq!((w.claims.len(), w.holds.contains("captured_not_recorded")), (1, true));
    w.changed();
    assert_eq!(w.parked(), Some(ParkCode::RecordBlocked));
    w.records.clear();
    w.resume();
    assert_eq!((w.parked(), w.sales_made(), w.balance(1200), w.claims.len()), (None, 1, 0, 0));
}

#[test]
fn e24_a_balance_below_the_capture_records_the_balance_and_asks_finance() {
    let mut w = World::new();
    w.records.push_back(rejected(RejectionKind::Invalid, "24016"));
    w.detect_until("record_payment");
    w.pay("zp9", "cheque", "check", 4_000);
    w.run();
    assert_eq!((w.parked(), w.balance(2100), w.balance(1200)), (Some(ParkCode::MoneyDecision), -4_000, 0));
    assert_eq!((w.sales_made(), w.claims.len()), (1, 1));
}

#[test]
fn e24_to_record_again_what_is_recorded_leaves_the_remainder_a_question() {
    let mut w = World::new();
    w.records.push_back(rejected(RejectionKind::Invalid, "24016"));
    w.detect_until("record_payment");
    w.pay("zp9", "cheque", "check", 4_000);
    w.run();
    w.choose(Choice::RecordAgain);
    assert_eq!((w.parked(), w.balance(2100), w.claims.len()), (Some(ParkCode::MoneyDecision), -4_000, 1));
}

#[test]
fn e24_a_partly_applied_record_that_was_deleted_is_put_back_once_in_zoho_and_not_in_the_ledger() {
    let mut w = World::new();
    w.records.push_back(rejected(RejectionKind::Invalid, "24016"));
    w.detect_until("record_payment");
    w.pay("zp9", "cheque", "check", 4_000);
    w.run();
    w.delete_payments();
    w.pay("zp9", "cheque", "check", 4_000);
    w.changed();
    w.choose(Choice::RecordAgain);
    assert_eq!((w.parked(), w.balance(2100), w.balance(1200)), (Some(ParkCode::MoneyDecision), -4_000, 0));
    let ours: i64 = w.invoice.payments.iter().filter(|p| p.reference == "tx1").map(|p| p.amount.minor).sum();
    assert_eq!(ours, TOTAL - 4_000);
}

#[test]
fn e25_an_unknown_record_is_looked_up_not_repeated() {
    let mut w = World::new();
    w.records.push_back(Outcome::Unknown { detail: "time-out".to_owned() });
    w.detect();
    let answer = Answer::Recorded { payment: "zp3".to_owned(), amount: eur(TOTAL) };
    let outcome = Box::new(Outcome::Done { answer });
    w.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.state().as_str(), w.balance(2100)), ("AwaitSettlement", 0));
    assert_eq!(w.calls.iter().filter(|c| **c == "zoho.record_payment").count(), 1);
}

#[test]
fn e26_money_captured_and_not_recorded_holds_the_invoice_from_the_first_second() {
    let mut w = World::new();
    w.records.extend((0..40).map(|_| outage()));
    w.detect();
    w.pass(TimeDelta::minutes(16));
    assert!(w.holds.contains("captured_not_recorded") && w.balance(2100) == -TOTAL);
    w.records.clear();
    w.pass(TimeDelta::minutes(10));
    assert!(w.holds.is_empty() && w.balance(2100) == 0);
}

#[test]
fn e27_record_again_puts_a_deleted_payment_back_and_moves_nothing_in_the_ledger() {
    let mut w = World::begun(|_| {});
    w.delete_payments();
    w.changed();
    let before = w.accounts.clone();
    w.choose(Choice::RecordAgain);
    assert_eq!((w.parked(), w.sales_made(), w.invoice.balance), (None, 1, eur(0)));
    assert_eq!(w.accounts, before);
}

#[test]
fn e27_charge_again_never_takes_what_we_still_hold() {
    let mut w = World::begun(|_| {});
    w.delete_payments();
    w.changed();
    w.choose(Choice::ChargeAgain);
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldMismatch), 1));
}

#[test]
fn e27_leave_ends_it_and_a_later_signal_opens_it_again() {
    let mut w = World::begun(|_| {});
    w.settle("tx1", TransactionStatus::Settled);
    w.delete_payments();
    w.changed();
    w.choose(Choice::Leave);
    assert_eq!(w.saga.flow.ended, Some(End::GivenUp));
    w.changed();
    assert_eq!((w.saga.flow.ended, w.parked()), (None, Some(ParkCode::HeldMismatch)));
}

#[test]
fn e27_a_void_undone_is_recorded_again_only_by_decision() {
    let mut w = World::begun(|_| {});
    w.void();
    w.changed();
    w.invoice.balance = eur(TOTAL);
    "sent".clone_into(&mut w.invoice.status);
    w.changed();
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::MoneyDecision), 1));
    w.choose(Choice::RecordAgain);
    assert_eq!((w.parked(), w.sales_made(), w.balance(1200), w.balance(2100)), (None, 1, 0, 0));
}

#[test]
fn e28_charge_now_leaves_the_schedule_but_bypasses_no_test() {
    let mut w = World::begun(|w| w.sales.push_back(says(soft("2046"))));
    w.survey.holds = vec!["dispute".to_owned()];
    w.charge_now();
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldByDecision), 1));
    w.survey.holds.clear();
    w.charge_now();
    assert_eq!((w.parked(), w.sales_made(), w.state().as_str()), (None, 2, "AwaitSettlement"));
}

#[test]
fn the_due_date_is_awaited_and_charge_now_does_not_wait_for_it() {
    let mut w = World::begun(|w| w.invoice.due_date = day("2026-11-20"));
    assert_eq!((w.state().as_str(), w.wakes_at()), ("Scheduled", Some(instant("2026-11-20T08:00:00Z"))));
    w.method_changed();
    assert_eq!((w.state().as_str(), w.sales_made()), ("Scheduled", 0), "a new card alone does not make it due");
    w.charge_now();
    assert_eq!(w.sales_made(), 1);
}

#[test]
fn a_signal_during_a_charge_is_looked_at_after_it() {
    let mut w = World::new();
    w.detect_until("charge");
    w.deliver(seen(News::Changed));
    w.run();
    assert_eq!((w.sales_made(), w.state().as_str()), (1, "AwaitSettlement"));
    assert_eq!(w.calls.iter().filter(|c| **c == "zoho.read_invoice").count(), 2);
}

#[test]
fn the_echo_of_our_own_record_costs_no_call() {
    let mut w = World::begun(|_| {});
    let calls = w.calls.len();
    let recorded = |payment: &str| seen(News::Recorded { payment: payment.to_owned() });
    w.tell(recorded(&w.payment_of("tx1")));
    assert_eq!(w.calls.len(), calls);
    w.tell(recorded("another"));
    assert!(w.calls.len() > calls, "a payment that is not ours is looked at");
}

#[test]
fn what_is_told_twice_is_read_once() {
    let mut w = World::new();
    w.deliver(seen(News::Raised));
    w.deliver(seen(News::Changed));
    w.run();
    w.tell(seen(News::Raised));
    assert_eq!(w.calls.iter().filter(|c| **c == "zoho.read_invoice").count(), 1);
    w.changed();
    assert_eq!(w.calls.iter().filter(|c| **c == "zoho.read_invoice").count(), 2);
}

#[test]
fn operators_cannot_act_on_a_stream_that_was_never_detected() {
    let mut w = World::new();
    w.charge_now();
    assert!(w.log.iter().any(|r| matches!(r, Record::Step(StepEvent::Heard { refused: Some(_), .. }))));
    assert_eq!(w.calls.len(), 0);
}
