//! What can go otherwise on the road, edge by edge.

use super::world::{BraintreeRecurring, Orchestrator, World, ZohoNative, billed};
use crate::hand_over::{Command, Event, OpenInvoices};
use crate::kernel::answer::{Answer, RecurringStatus, SubscriptionTerms, TransactionStatus};
use crate::kernel::flow::Phase;
use crate::kernel::hand_over::Approval;
use crate::kernel::outcome::{Look, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur, instant, rejected, transaction, unknown};
use chrono::TimeDelta;

#[test]
fn p1_nothing_is_read_or_held_before_another_person_has_agreed() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.ask();
    assert!(world.calls.is_empty() && !world.is_claimed());
    let same = Command::Approved { by: "shell:ada".to_owned(), reason: "seen".to_owned() };
    assert_eq!(world.refusal(&same), "same_person");
    world.ask();
    assert_eq!(world.count("HandOverRequested"), 1, "asked for again it is the same");
    world.wish.to = BraintreeRecurring;
    let other = Command::Requested { wish: Box::new(world.wish.clone()) };
    assert_eq!(world.refusal(&other), "key_reused");
    world.pass(TimeDelta::days(8));
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("Denied", Some(End::GivenUp)));
    world.has_recorded_history("approval_lapsed");
}

#[test]
fn p1_what_a_cohort_was_approved_for_begins_at_once() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.wish.approval = Approval::Given { by: "token:bob".to_owned() };
    world.ask();
    assert_eq!(world.state(), "NewOn");
}

#[test]
fn p1_it_begins_with_no_term_before_the_wanted_one() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.wish.from_period = Some(day("2024-12-01"));
    world.begin();
    assert_eq!((world.state().as_str(), world.wakes_at()), ("AwaitsRenewal", Some(instant("2024-11-02T06:00:00Z"))));
    assert!(!world.is_claimed(), "the old collector's renewal goes on as ever");
    world.terms.next_billing_on = Some(day("2024-12-01"));
    world.pass(TimeDelta::days(30));
    assert_eq!((world.state().as_str(), world.owner_from), ("NewOn", Some(day("2024-12-01"))));
}

#[test]
fn p2_who_collects_on_record_must_be_who_was_named() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.owner = Some(Orchestrator);
    world.terms.auto_collect = false;
    world.begin();
    assert_eq!((world.state().as_str(), world.called("fence")), ("Refused", 0));
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.linked = false;
    world.begin();
    assert_eq!(world.state(), "Refused");
    world.has_recorded_history("not_ours");
}

#[test]
fn p2_a_second_collector_is_a_persons_before_anything_is_switched() {
    let mut world = World::of(Some(BraintreeRecurring), Orchestrator);
    world.terms.has_card = true;
    let terms = SubscriptionTerms { auto_collect: true, ..world.terms.clone() };
    world.say("zoho.read_terms", Outcome::Done { answer: Answer::Terms(Box::new(terms)) });
    world.begin();
    assert_eq!((world.parked(), world.called("fence")), (Some(ParkCode::TwoCollectors), 0));
    assert!(!world.is_claimed());
    world.resume();
    assert_eq!(world.state(), "NewOn");
}

#[test]
fn e1_a_new_side_that_is_not_ready_in_a_week_ends_it_and_the_old_owner_stays() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.methods.clear();
    world.begin();
    assert_eq!(world.state(), "AwaitsNewSide");
    assert!(!world.is_claimed(), "renewals go on meanwhile");
    assert!(world.shown.last().expect("shown").action_needed.contains("send the link for a card"));
    world.pass(TimeDelta::days(8));
    assert_eq!((world.state().as_str(), world.owner), ("Refused", Some(ZohoNative)));
    assert_eq!((world.collectors(), world.called("fence")), (vec![ZohoNative], 0));
    world.has_recorded_history("never_ready");
}

#[test]
fn e1_a_card_that_is_given_in_time_lets_it_go_on() {
    for to in [Orchestrator, ZohoNative] {
        let mut world = World::of(Some(BraintreeRecurring), to);
        let cards = std::mem::take(&mut world.methods);
        world.terms.has_card = false;
        world.begin();
        assert_eq!(world.state(), "AwaitsNewSide", "{to:?}");
        world.methods = cards;
        world.terms.has_card = true;
        world.pass(TimeDelta::hours(7));
        assert_eq!((world.state().as_str(), world.owner), ("NewOn", Some(to)));
    }
}

#[test]
fn e2_a_renewal_that_is_near_is_made_by_the_old_collector() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.now = instant("2024-10-30T09:00:00Z");
    world.begin();
    assert_eq!((world.state().as_str(), world.collectors()), ("AwaitsRenewal", vec![ZohoNative]));
    assert!(!world.is_claimed());
    world.pass(TimeDelta::days(2));
    assert_eq!(world.state(), "AwaitsRenewal");
    world.terms.next_billing_on = Some(day("2024-12-01"));
    world.pass(TimeDelta::days(1));
    assert_eq!((world.state().as_str(), world.owner_from), ("NewOn", Some(day("2024-12-01"))));
    world.has_recorded_history("after_the_renewal");
}

#[test]
fn e3_a_switch_that_is_refused_is_read_and_left_to_a_person_behind_the_fence() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.say("zoho.set_auto_collect", rejected(RejectionKind::State, "102002"));
    world.begin();
    assert_eq!((world.parked(), world.called("read_back")), (Some(ParkCode::OwnerOffUnproved), 1));
    assert!(world.is_claimed() && world.owner.is_none(), "the fence stays");
    world.terms.auto_collect = false;
    world.resume();
    assert_eq!((world.state().as_str(), world.called("switch_off")), ("NewOn", 1), "what is read to be off is proved");
    world.has_recorded_history("refused_and_switched_off_by_hand");
}

#[test]
fn e3_a_switch_of_unknown_outcome_is_looked_up_and_nothing_goes_on_before() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.say("zoho.set_auto_collect", unknown());
    world.begin();
    let open = world.saga.flow.open.clone().expect("it is open");
    assert!(open.step == "switch_off" && matches!(open.phase, Phase::Unknown { .. }), "{open:?}");
    assert!(world.is_claimed() && world.owner.is_none());
    let stop = Command::Stopped { by: "token:ada".to_owned(), reason: "not now".to_owned() };
    assert_eq!(world.refusal(&stop), "past_pivot", "it may be off");
    world.terms.auto_collect = false;
    let answer = Answer::Terms(Box::new(world.terms.clone()));
    world.looks.push_back(Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() });
    world.pass(TimeDelta::minutes(5));
    assert_eq!((world.state().as_str(), world.called("switch_off"), world.called("read_back")), ("NewOn", 1, 1));
    world.has_recorded_history("unknown_and_found");
}

#[test]
fn e4_what_is_read_to_be_on_is_switched_off_once_more_then_it_is_a_persons() {
    for from in [ZohoNative, BraintreeRecurring] {
        let mut world = World::of(Some(from), Orchestrator);
        world.deaf = 1;
        world.begin();
        assert_eq!((world.state().as_str(), world.called("switch_off")), ("NewOn", 2), "{from:?}");

        let mut world = World::of(Some(from), Orchestrator);
        world.deaf = 2;
        world.begin();
        assert_eq!((world.parked(), world.called("switch_off")), (Some(ParkCode::TwoCollectors), 2));
        assert!(world.owner.is_none() && world.is_claimed() && world.called("record_owner") == 0);
        world.resume();
        assert_eq!((world.state().as_str(), world.called("switch_off")), ("NewOn", 3));
        world.has_recorded_history(&format!("still_on_{}", from.as_str()));
    }
}

#[test]
fn e5_a_charge_of_the_old_collector_after_the_fence_is_awaited_and_noted() {
    let mut world = World::of(Some(BraintreeRecurring), Orchestrator);
    let mut late = transaction("bt9", "", eur(10_000), world.now);
    world.recurring.get_mut("s-sub1").expect("runs").transactions = vec![late.clone()];
    world.begin();
    assert_eq!((world.state().as_str(), world.called("record_owner")), ("ReadBack", 0), "it is not final");
    world.pass(TimeDelta::hours(3));
    assert_eq!(world.called("record_owner"), 0);
    late.status = TransactionStatus::Settled;
    world.recurring.get_mut("s-sub1").expect("known").transactions = vec![late];
    world.pass(TimeDelta::hours(7));
    let noted = world.events().any(|e| matches!(e, Event::OldCollectorDrained { late, .. } if late == &["bt9"]));
    assert!(noted && world.state() == "NewOn");
    world.has_recorded_history("charged_after_the_fence");
}

#[test]
fn e5_a_charge_of_ours_that_is_under_way_is_finished_first() {
    let mut world = World::of(Some(Orchestrator), ZohoNative);
    world.charging = vec!["77".to_owned()];
    world.begin();
    assert_eq!((world.owner, world.called("switch_on")), (None, 0));
    world.charging.clear();
    world.pass(TimeDelta::hours(1));
    assert_eq!((world.state().as_str(), world.collectors()), ("NewOn", vec![ZohoNative]));
}

#[test]
fn e6_an_open_invoice_is_asked_about_and_nothing_is_chosen_by_default() {
    for (choice, voided, from) in [
        (OpenInvoices::Collect, 0, None),
        (OpenInvoices::Void, 1, Some(day("2024-11-01"))),
        (OpenInvoices::Leave, 0, Some(day("2024-11-01"))),
    ] {
        let mut world = World::of(Some(ZohoNative), Orchestrator);
        world.invoices.push(billed("78", 10_000));
        world.begin();
        assert_eq!((world.state().as_str(), world.parked()), ("MoneyDecision", Some(ParkCode::MoneyDecision)));
        assert!(world.owner.is_none(), "nobody collects it meanwhile");
        world.decide(choice);
        assert_eq!((world.state().as_str(), world.called("void_invoice")), ("NewOn", voided), "{choice:?}");
        assert_eq!((world.owner, world.owner_from), (Some(Orchestrator), from));
        assert_eq!(world.told.len(), 1, "its own stream reads again");
        let decided = Command::Decided { choice, by: "token:ada".to_owned(), reason: "again".to_owned() };
        assert_eq!(world.refusal(&decided), "nothing_to_decide");
    }
}

#[test]
fn e6_what_was_decided_with_the_request_is_not_asked_again() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.wish.open_invoices = Some(OpenInvoices::Collect);
    world.invoices.push(billed("78", 10_000));
    world.begin();
    assert_eq!((world.state().as_str(), world.owner_from, world.told.len()), ("NewOn", None, 1));
    world.wish.to = BraintreeRecurring;
    assert_eq!(world.wish.fault(), Some("only we collect what is open"));
}

#[test]
fn e6_only_we_collect_what_is_open() {
    let mut world = World::of(Some(ZohoNative), BraintreeRecurring);
    world.invoices.push(billed("78", 10_000));
    world.begin();
    let collect =
        Command::Decided { choice: OpenInvoices::Collect, by: "token:ada".to_owned(), reason: "x".to_owned() };
    assert_eq!(world.refusal(&collect), "cannot_collect");
    world.resume();
    assert_eq!(world.parked(), Some(ParkCode::MoneyDecision), "resumed it asks again");
    world.say("zoho.void_invoice", rejected(RejectionKind::State, "1048"));
    world.decide(OpenInvoices::Void);
    assert_eq!((world.state().as_str(), world.parked()), ("Held", Some(ParkCode::MoneyDecision)));
    world.resume();
    assert_eq!((world.state().as_str(), world.called("void_invoice")), ("NewOn", 2));
    world.has_recorded_history("open_invoice_voided");
}

#[test]
fn e7_a_new_collector_that_cannot_be_switched_on_is_tried_again_or_we_collect() {
    for redirected in [false, true] {
        let mut world = World::of(Some(ZohoNative), BraintreeRecurring);
        world.say("braintree.create_subscription", rejected(RejectionKind::Invalid, "91904"));
        world.begin();
        assert_eq!((world.parked(), world.collectors().len()), (Some(ParkCode::VendorRejected), 0));
        assert!(world.is_claimed());
        let stop = Command::Stopped { by: "token:ada".to_owned(), reason: "not now".to_owned() };
        assert_eq!(world.refusal(&stop), "past_pivot");
        if redirected {
            world.redirect();
        } else {
            world.resume();
        }
        let to = if redirected { Orchestrator } else { BraintreeRecurring };
        assert_eq!((world.state().as_str(), world.owner, world.collectors()), ("NewOn", Some(to), vec![to]));
        world.has_recorded_history(if redirected { "redirected" } else { "switched_on_again" });
    }
}

#[test]
fn e7_a_new_side_that_lost_its_card_after_the_fence_is_a_persons() {
    let mut world = World::of(Some(Orchestrator), ZohoNative);
    world.charging = vec!["77".to_owned()];
    world.begin();
    world.charging.clear();
    world.terms.has_card = false;
    world.pass(TimeDelta::hours(1));
    assert_eq!((world.parked(), world.called("switch_on")), (Some(ParkCode::MoneyDecision), 0));
    world.redirect();
    assert_eq!((world.state().as_str(), world.owner), ("NewOn", Some(Orchestrator)));
    assert_eq!(
        world.refusal(&Command::Redirected { by: "x:y".to_owned(), reason: "x".to_owned() }),
        "nothing_to_redirect"
    );
}

#[test]
fn e7_a_renewal_that_came_between_is_decided_on_before_braintree_begins() {
    let mut world = World::of(Some(Orchestrator), BraintreeRecurring);
    world.now = instant("2024-10-29T09:00:00Z");
    world.charging = vec!["77".to_owned()];
    world.begin();
    world.pass(TimeDelta::days(3));
    world.charging.clear();
    world.pass(TimeDelta::hours(7));
    assert_eq!(world.state(), "AwaitsRenewal", "Zoho makes today's invoice first");
    world.terms.next_billing_on = Some(day("2024-12-01"));
    world.invoices.push(billed("78", 10_000));
    world.pass(TimeDelta::days(2));
    assert_eq!(world.parked(), Some(ParkCode::MoneyDecision));
    world.decide(OpenInvoices::Leave);
    assert_eq!(world.orders.first().and_then(|order| order.first_charge_on), Some(day("2024-12-01")));
    assert_eq!((world.state().as_str(), world.owner_from), ("NewOn", Some(day("2024-12-01"))));
}

#[test]
fn e8_stopped_before_the_old_one_is_off_it_is_released_as_it_was() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.owner_from = Some(day("2024-09-01"));
    world.say("zoho.set_auto_collect", rejected(RejectionKind::State, "102002"));
    world.begin();
    assert_eq!(world.owner, None, "behind the fence");
    world.stop();
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("Undone", Some(End::Compensated)));
    assert_eq!((world.owner, world.owner_from), (Some(ZohoNative), Some(day("2024-09-01"))));
    assert!(!world.is_claimed() && world.collectors() == [ZohoNative]);
    world.has_recorded_history("stopped_behind_the_fence");
}

#[test]
fn e8_stopped_while_it_waits_nothing_was_changed() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.ask();
    world.stop();
    assert_eq!((world.state().as_str(), world.calls.len()), ("Denied", 0));

    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.methods.clear();
    world.begin();
    world.stop();
    assert_eq!((world.state().as_str(), world.owner), ("Undone", Some(ZohoNative)));
    world.has_recorded_history("stopped_while_it_waits");
}

#[test]
fn e8_stopped_at_any_step_one_collector_is_left_or_it_goes_to_its_end() {
    let stop = Command::Stopped { by: "token:ada".to_owned(), reason: "not now".to_owned() };
    let steps =
        ["survey", "claim", "read_terms", "fence", "switch_off", "read_back", "drain", "switch_on", "record_owner"];
    for step in steps {
        let mut world = World::of(Some(ZohoNative), BraintreeRecurring);
        world.ask();
        world.deliver(Command::Approved { by: "token:bob".to_owned(), reason: "seen".to_owned() });
        world.run_until(step);
        let before = ["survey", "claim", "read_terms", "fence"].contains(&step);
        assert_eq!(world.refusal(&stop).is_empty(), before, "{step}");
        if before {
            world.stop();
            assert_eq!((world.state().as_str(), world.collectors()), ("Undone", vec![ZohoNative]), "{step}");
            assert_eq!(world.owner, Some(ZohoNative), "{step}");
        } else {
            world.run();
            assert_eq!((world.state().as_str(), world.collectors()), ("NewOn", vec![BraintreeRecurring]), "{step}");
        }
    }
}

#[test]
fn e8_a_second_hand_over_brings_it_back() {
    let mut world = World::of(Some(Orchestrator), BraintreeRecurring);
    world.begin();
    let mut back = World::of(Some(BraintreeRecurring), Orchestrator);
    back.wish.key = "back".to_owned();
    back.recurring.clone_from(&world.recurring);
    back.owner_from = world.owner_from;
    back.begin();
    assert_eq!((back.state().as_str(), back.owner), ("NewOn", Some(Orchestrator)));
    assert!(back.recurring.values().all(|shown| shown.status == RecurringStatus::Canceled));
}

#[test]
fn other_work_on_the_subscription_is_waited_for_a_day() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.busy = true;
    world.begin();
    assert_eq!(world.state(), "Busy");
    world.busy = false;
    world.pass(TimeDelta::minutes(2));
    assert_eq!(world.state(), "NewOn");
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    world.busy = true;
    world.begin();
    world.pass(TimeDelta::days(2));
    assert_eq!((world.state().as_str(), world.owner), ("Refused", Some(ZohoNative)));
}

#[test]
fn a_subscription_that_ended_is_collected_by_nobody() {
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    "cancelled".clone_into(&mut world.terms.status);
    world.begin();
    assert_eq!((world.state().as_str(), world.called("fence")), ("Refused", 0));
    let mut world = World::of(Some(ZohoNative), Orchestrator);
    "strange".clone_into(&mut world.terms.status);
    world.begin();
    assert_eq!(world.parked(), Some(ParkCode::UnknownVendorState));
}
