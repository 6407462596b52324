//! Declines and dunning.

use super::world::{Sale, World, day, decline, eur, hard, instant, method, says, soft};
use crate::invoice_payment::{Command, Event};
use crate::kernel::outcome::{Decline, DeclineKind, Outcome};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::kernel::ticket;
use chrono::TimeDelta;

/// A world in which the first charge was declined so.
fn declined(decline: Decline) -> World {
    World::begun(|w| w.sales.push_back(says(decline)))
}

fn gateway(reason: &str) -> Decline {
    decline(DeclineKind::Gateway, reason)
}

fn advised(code: &str, advice: &str) -> Decline {
    Decline { advice_code: Some(advice.to_owned()), ..soft(code) }
}

fn ruled(w: &World) -> &str {
    let rule = w.events().filter_map(|e| match e {
        Event::ChargeDeclined { ruling, .. } => Some(ruling.rule.as_str()),
        _ => None,
    });
    rule.last().expect("a ruling")
}

#[test]
fn e1_gateway_rejections_are_never_tried_again_by_themselves() {
    let w = declined(gateway("duplicate"));
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::OutcomeUnknown), 1));
    let w = declined(gateway("three_d_secure"));
    assert_eq!(w.state(), "NeedsAuthentication");
    for reason in ["fraud", "cvv", "a_new_reason"] {
        let mut w = declined(gateway(reason));
        assert_eq!((w.state().as_str(), ruled(&w)), ("NeedsMethod", "2.3-e1"));
        w.changed();
        assert_eq!(w.sales_made(), 1);
    }
}

#[test]
fn e1_a_card_tried_too_often_rests_thirty_days() {
    let mut w = declined(gateway("excessive_retry"));
    assert_eq!(w.state(), "NeedsMethod");
    w.charge_now();
    assert_eq!(w.sales_made(), 1);
    w.pass(TimeDelta::days(31));
    w.charge_now();
    assert_eq!(w.sales_made(), 2);
}

#[test]
fn e2_a_network_failure_is_tried_three_more_times_and_then_counts_as_soft() {
    let mut w = World::new();
    w.sales.extend((0..4).map(|_| says(decline(DeclineKind::Network, "3000"))));
    w.detect();
    for (minutes, sales) in [(14, 1), (2, 2), (60, 3), (240, 4)] {
        w.pass(TimeDelta::minutes(minutes));
        assert_eq!(w.sales_made(), sales);
    }
    let orders: Vec<_> = w.sold.iter().map(|s| s.0.as_str()).collect();
    assert_eq!(orders, ["demo1.inv.77.1", "demo1.inv.77.1.r1", "demo1.inv.77.1.r2", "demo1.inv.77.1.r3"]);
    assert_eq!((w.state().as_str(), w.wakes_on()), ("Dunning", Some(day("2026-11-05"))));
    w.pass(TimeDelta::days(3));
    assert_eq!(w.sold[4].0, "demo1.inv.77.2");
}

#[test]
fn e3_authentication_is_awaited_a_fortnight_and_then_given_up() {
    let mut w = declined(soft("2099"));
    assert_eq!((w.state().as_str(), ruled(&w)), ("NeedsAuthentication", "2.3-e3"));
    let action = w.last_shown().subscription.clone().expect("a subscription").action_needed;
    assert_eq!(action, "Ask the customer to authenticate the card");
    w.pass(TimeDelta::days(13));
    assert_eq!(w.sales_made(), 1, "no scheduled attempt");
    w.pass(TimeDelta::days(2));
    assert_eq!(w.saga.flow.ended, Some(End::GivenUp));
}

#[test]
fn e3_after_authentication_one_attempt_follows_at_once() {
    let mut w = declined(soft("2099"));
    w.method_changed();
    assert_eq!((w.sales_made(), w.state().as_str()), (2, "AwaitSettlement"));
}

#[test]
fn e4_a_duplicate_at_the_processor_waits_a_day_at_least() {
    let w = declined(soft("2016"));
    assert_eq!((ruled(&w), w.wakes_on()), ("2.3-e4", Some(day("2026-11-05"))));
}

#[test]
fn e5_a_customer_who_stopped_the_billing_must_consent_anew() {
    for stop in [soft("2017"), soft("2018"), advised("2046", "21")] {
        let mut w = declined(stop);
        assert_eq!((w.state().as_str(), ruled(&w)), ("NeedsMethod", "2.3-e5"));
        w.methods = vec![method("m2")];
        w.tell(Command::MethodChanged { consent: false, customer_present: false, reply_to: None });
        assert_eq!(w.sales_made(), 1);
        w.method_changed();
        assert_eq!(w.sales_made(), 2);
    }
}

#[test]
fn e6_a_card_that_must_never_be_charged_again_is_not_even_when_it_is_renewed() {
    let mastercard = |code| Decline { brand: Some("MasterCard".to_owned()), ..soft(code) };
    let never = [advised("2046", "03"), soft("2043"), soft("2004"), soft("2005"), soft("2015"), mastercard("2022")];
    for decline in never {
        let mut w = declined(decline);
        assert_eq!((w.state().as_str(), ruled(&w)), ("NeedsMethod", "2.3-e6"));
        w.method_changed();
        w.charge_now();
        assert_eq!(w.sales_made(), 1);
        w.methods = vec![method("m2")];
        w.method_changed();
        assert_eq!(w.sales_made(), 2);
    }
}

#[test]
fn e7_a_hard_decline_asks_for_another_card() {
    let mut w = declined(hard("2010"));
    assert_eq!((w.state().as_str(), ruled(&w)), ("NeedsMethod", "2.3-e7"));
    w.pass(TimeDelta::days(13));
    assert_eq!(w.sales_made(), 1);
    w.pass(TimeDelta::days(2));
    assert_eq!((w.saga.flow.ended, w.state().as_str()), (Some(End::GivenUp), "Unpaid"));
}

#[test]
fn e8_new_account_data_waits_for_the_card_to_change() {
    let w = declined(advised("2046", "01"));
    assert_eq!((w.state().as_str(), ruled(&w)), ("NeedsMethod", "2.3-e8"));
}

#[test]
fn e9_an_advised_wait_makes_the_date_later_never_earlier() {
    for (advice, next) in [
        ("24", "2026-11-05"),
        ("25", "2026-11-05"),
        ("26", "2026-11-05"),
        ("27", "2026-11-06"),
        ("28", "2026-11-08"),
        ("29", "2026-11-10"),
        ("30", "2026-11-12"),
    ] {
        let w = declined(advised("2046", advice));
        assert_eq!((ruled(&w), w.wakes_on()), ("2.3-e9", Some(day(next))), "advice {advice}");
    }
}

#[test]
fn e10_cannot_approve_now_waits_three_days_to_the_hour() {
    let w = declined(advised("2046", "02"));
    assert_eq!((ruled(&w), w.wakes_at()), ("2.3-e10", Some(instant("2026-11-05T09:00:00Z"))));
}

#[test]
fn e11_a_prepaid_card_gets_one_more_attempt() {
    let mut w = World::new();
    w.sales.extend([says(advised("2046", "40")), says(advised("2046", "40"))]);
    w.detect();
    assert_eq!((w.state().as_str(), ruled(&w)), ("Dunning", "2.3-e11"));
    w.pass(TimeDelta::days(4));
    assert_eq!((w.state().as_str(), w.sales_made()), ("NeedsMethod", 2));
}

#[test]
fn e12_short_of_funds_moves_the_attempt_to_a_payday_at_most_two_days_away() {
    for (due, next) in [("2026-11-10", "2026-11-15"), ("2026-11-02", "2026-11-05"), ("2026-11-26", "2026-11-30")] {
        let mut w = World::new();
        w.now = instant(&format!("{due}T09:00:00Z"));
        w.invoice.due_date = day(due);
        w.sales.push_back(says(soft("2001")));
        w.detect();
        assert_eq!((ruled(&w), w.wakes_on()), ("2.3-e12", Some(day(next))), "due {due}");
    }
}

#[test]
fn e13_a_soft_decline_follows_the_schedule_to_its_end() {
    let mut w = World::new();
    w.sales.extend((0..4).map(|_| says(soft("2046"))));
    w.detect();
    for (number, next) in [(1, "2026-11-05"), (2, "2026-11-09"), (3, "2026-11-16")] {
        assert_eq!((w.sales_made(), w.wakes_on()), (number, Some(day(next))));
        w.pass(w.wakes_at().expect("a date") - w.now);
    }
    assert_eq!((w.sales_made(), w.saga.flow.ended), (4, Some(End::GivenUp)));
}

#[test]
fn e14_without_a_type_the_lists_decide() {
    for (code, state) in [
        ("2046", "Dunning"),
        ("2105", "Dunning"),
        ("2500", "Dunning"),
        ("2044", "NeedsMethod"),
        ("2107", "NeedsMethod"),
    ] {
        let w = declined(decline(DeclineKind::Processor, code));
        assert_eq!((w.state().as_str(), ruled(&w)), (state, "2.3-e14"), "code {code}");
    }
}

#[test]
fn e14_a_code_in_no_list_is_soft_once_and_then_hard() {
    let mut w = World::new();
    w.sales.extend([says(decline(DeclineKind::Processor, "9999")), says(decline(DeclineKind::Processor, "9999"))]);
    w.detect();
    assert_eq!(w.state(), "Dunning");
    w.pass(TimeDelta::days(4));
    assert_eq!(w.state(), "NeedsMethod");
}

#[test]
fn e15_the_first_failure_marks_the_subscription_past_due_with_its_reason() {
    let w = declined(soft("2001"));
    let shown = w.last_shown();
    let subscription = shown.subscription.as_ref().expect("a subscription");
    assert_eq!(
        (subscription.subscription_status.as_str(), subscription.payment_status.as_str()),
        ("Past due", "Failed")
    );
    assert_eq!(
        subscription.last_error,
        "The card ending in 1111 was declined (2001 Declined). Next attempt on 2026-11-05."
    );
    assert_eq!(subscription.action_needed, "", "nothing that the customer must do yet");
}

#[test]
fn e16_each_further_attempt_is_a_record_of_its_own() {
    let mut w = World::new();
    w.sales.extend([says(soft("2046")), says(hard("2010"))]);
    w.detect();
    w.pass(TimeDelta::days(4));
    let ids: Vec<_> = w.shown.iter().map(|p| p.transaction.external_id.as_str()).collect();
    assert_eq!(ids, ["inv:77:1", "inv:77:2"]);
    let action = w.last_shown().subscription.clone().expect("a subscription").action_needed;
    assert_eq!(action, "Ask the customer to give another card");
}

#[test]
fn e17_a_new_card_is_tried_at_once_outside_the_four() {
    let mut w = World::new();
    w.sales.extend((0..5).map(|_| says(soft("2046"))));
    w.detect();
    w.methods = vec![method("m2")];
    w.tell(Command::MethodChanged { consent: true, customer_present: true, reply_to: None });
    assert_eq!(w.sold[1], ("demo1.inv.77.2".to_owned(), 10_000, false));
    w.pass(TimeDelta::days(30));
    assert_eq!(w.sales_made(), 5, "four scheduled ones and one of the customer's");
    assert_eq!(w.saga.flow.ended, Some(End::GivenUp));
    w.method_changed();
    assert_eq!((w.sales_made(), w.state().as_str()), (6, "AwaitSettlement"));
}

#[test]
fn e18_an_operator_pauses_stops_and_orders_a_last_attempt() {
    let mut w = declined(soft("2046"));
    let until = instant("2026-11-12T10:00:00Z");
    w.tell(Command::Pause { until, reason: "promise".to_owned() });
    w.pass(TimeDelta::days(7));
    assert_eq!((w.sales_made(), w.state().as_str(), w.wakes_at()), (1, "Paused", Some(until)));
    w.tell(Command::StopCollecting { reason: "agreed".to_owned() });
    assert_eq!(w.saga.flow.ended, Some(End::GivenUp));
    w.changed();
    w.pass(TimeDelta::days(30));
    assert_eq!((w.sales_made(), w.state().as_str()), (1, "Stopped"));
    w.charge_now();
    assert_eq!(w.sales_made(), 2);
}

#[test]
fn e19_a_hold_stops_the_attempts_and_the_schedule_shifts() {
    let mut w = World::new();
    w.sales.extend([says(soft("2046")), says(soft("2046"))]);
    w.detect();
    w.survey.holds = vec!["promise_to_pay".to_owned()];
    w.pass(TimeDelta::days(10));
    assert_eq!((w.parked(), w.sales_made()), (Some(ParkCode::HeldByDecision), 1));
    w.survey.holds.clear();
    w.tell(Command::HoldReleased { reason: "promise_to_pay".to_owned() });
    assert_eq!((w.sales_made(), w.wakes_on()), (2, Some(day("2026-11-16"))), "the gap of four days is kept");
}

#[test]
fn e20_paid_elsewhere_meanwhile_ends_the_dunning() {
    let mut w = declined(soft("2046"));
    w.pay("zp9", "transfer", "banktransfer", 10_000);
    w.changed();
    w.pass(TimeDelta::days(30));
    assert_eq!((w.sales_made(), w.state().as_str()), (1, "ClosedPaidElsewhere"));
    assert_eq!(w.last_shown().billing_summary, "Active");
}

#[test]
fn e21_exhausted_keeps_the_subscription_and_leaves_the_invoice_open() {
    let mut w = World::new();
    w.sales.extend((0..4).map(|_| says(soft("2046"))));
    w.detect();
    w.pass(TimeDelta::days(20));
    assert_eq!((w.saga.flow.ended, w.balance(1200)), (Some(End::GivenUp), 10_000));
    let asked = || w.tells.iter().filter(|message| message.flow == ticket::FLOW).collect::<Vec<_>>();
    assert_eq!(asked().len(), 1, "one ticket, and nothing waits for it");
    assert_eq!(asked()[0].command["ask"]["cause"]["declines"], 4);
    w.changed();
    assert_eq!((w.sales_made(), w.saga.flow.ended), (4, Some(End::GivenUp)), "a signal alone charges nothing");
}

#[test]
fn e22_a_write_off_at_zoho_is_booked_and_closes_it() {
    let mut w = declined(soft("2046"));
    (w.invoice.balance, w.invoice.written_off) = (eur(0), eur(10_000));
    "paid".clone_into(&mut w.invoice.status);
    w.changed();
    assert_eq!((w.state().as_str(), w.balance(1200), w.balance(5200)), ("ClosedWrittenOff", 0, 10_000));
}

#[test]
fn e23_a_recovery_is_told_with_attempts_days_and_amount() {
    let mut w = declined(soft("2046"));
    w.pass(TimeDelta::days(4));
    let told = w
        .events()
        .any(|e| *e == Event::InvoiceRecovered { attempts: 2, days: 2, method_changed: false, amount: eur(10_000) });
    assert!(told, "{:?}", w.events().last());
}

#[test]
fn e2_a_declined_answer_found_by_a_look_up_counts_like_any_other() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(Outcome::Unknown { detail: "time-out".to_owned() }));
    w.detect();
    let outcome = Box::new(Outcome::Declined { decline: soft("2046") });
    w.looks.push_back(crate::kernel::outcome::Look::Found { outcome, extra: Vec::new() });
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.state().as_str(), w.sales_made()), ("Dunning", 1));
}
