//! The end of the old card: 2.7-p7 under 2.7-e8.

use super::world::{World, rejected};
use crate::kernel::answer::RecurringStatus;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

#[test]
fn s2_7_e8_a_card_that_a_subscription_charges_is_not_deleted_and_the_crm_team_hears_of_it() {
    let mut w = World::submitted(|_| {});
    w.recurs("s-other");
    w.pass(TimeDelta::days(8));
    assert_eq!((w.called("retire_old_card"), w.tasks.len()), (0, 1));
    assert!(w.tasks[0].text.contains("s-other"), "{}", w.tasks[0].text);
    w.recurring.insert("s-other".to_owned(), ("m-old".to_owned(), RecurringStatus::Canceled));
    w.pass(TimeDelta::days(1));
    assert_eq!((w.state().as_str(), w.has_card("m-old")), ("Changed", false));
}

#[test]
fn s2_7_e8_money_under_way_keeps_the_card_until_it_is_settled() {
    let mut w = World::submitted(|w| w.say("braintree.delete_method", rejected(RejectionKind::State, "in_use")));
    w.pass(TimeDelta::days(7) + TimeDelta::hours(1));
    assert!(w.has_card("m-old"));
    w.pass(TimeDelta::days(1));
    assert_eq!((w.state().as_str(), w.called("retire_old_card"), w.called("check_old_card")), ("Changed", 2, 2));
}

#[test]
fn s2_7_e8_what_is_used_for_a_month_stays_for_good() {
    let mut w = World::submitted(|_| {});
    w.recurs("s-other");
    w.pass(TimeDelta::days(60));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Changed", Some(End::Completed)));
    assert!(w.has_card("m-old") && w.count("OldCardKept") == 1);
    assert_eq!(w.tasks.len(), 1, "told once");
}

#[test]
fn s2_7_p7_a_card_that_became_the_default_again_is_left_alone() {
    let mut w = World::submitted(|_| {});
    for method in &mut w.methods {
        method.default = method.token == "m-old";
    }
    w.pass(TimeDelta::days(8));
    assert!(w.has_card("m-old") && w.count("OldCardKept") == 1);
}

#[test]
fn s2_7_p7_a_card_that_is_gone_already_is_done() {
    let mut w = World::submitted(|_| {});
    w.methods.retain(|m| m.token != "m-old");
    w.pass(TimeDelta::days(8));
    assert_eq!((w.state().as_str(), w.called("retire_old_card")), ("Changed", 0));
}
