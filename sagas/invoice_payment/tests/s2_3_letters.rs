//! Letters of dunning: what the customer is told of charges that failed, and when.

use super::world::{World, hard, method, says, seen, soft};
use crate::invoice_payment::{Command, News};
use crate::kernel::effect::Message;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;
use serde_json::json;

/// As the service detects it: with the settings of the page for another card.
fn detected() -> Command {
    let Command::Detected { organization, installation, invoice, subscription, source, news, .. } = seen(News::Changed)
    else {
        unreachable!("`seen` detects");
    };
    let card_link = Some(json!({
        "link_days": 14, "consent_version": "1", "declines_before_lock": 5, "lock_minutes": 60, "keep_days": 7,
    }));
    Command::Detected { organization, installation, invoice, subscription, source, news, card_link }
}

fn begun(change: impl FnOnce(&mut World)) -> World {
    let mut w = World::new();
    change(&mut w);
    w.tell(detected());
    w
}

/// The causes that the flow that takes cards was told.
fn causes(w: &World) -> Vec<&str> {
    let wanted = w.told.iter().filter(|message| message.flow == "payment_method_update");
    wanted.filter_map(|message| message.command["cause"]["cause"].as_str()).collect()
}

fn letter(w: &World) -> &Message {
    w.told.iter().find(|message| message.flow == "payment_method_update").expect("a letter")
}

#[test]
fn e15_the_first_failure_is_told_with_the_next_attempt_and_a_link() {
    let w = begun(|w| w.sales.push_back(says(soft("2001"))));
    assert_eq!(causes(&w), ["charge_failed"]);
    let cause = &letter(&w).command["cause"];
    assert_eq!(cause["due"]["invoice_number"], "INV-77");
    assert_eq!(cause["due"]["card"], json!(["Visa", "1111"]));
    assert!(cause["again_on"].is_string(), "{cause}");
    assert_eq!(letter(&w).command["subscription"], json!({"key": "zoho", "subscription": "zs1"}));
    w.has_recorded_history("letter_of_the_first_failure");
}

#[test]
fn e15_a_message_that_comes_while_the_card_is_charged_loses_no_letter() {
    let mut w = World::new();
    w.sales.push_back(says(soft("2001")));
    w.deliver(detected());
    w.run_until("charge");
    w.deliver(seen(News::Changed));
    w.run();
    assert_eq!((w.state().as_str(), causes(&w)), ("Dunning", vec!["charge_failed"]));
}

#[test]
fn e16_a_further_failure_is_told_only_where_the_customer_can_do_something() {
    let mut w = begun(|w| w.sales.extend([says(soft("2001")), says(soft("2001")), says(hard("2004"))]));
    w.pass(TimeDelta::days(5));
    assert_eq!((w.sales_made(), causes(&w).len()), (2, 1));
    w.pass(TimeDelta::days(5));
    assert_eq!(causes(&w), ["charge_failed", "new_card"]);
}

#[test]
fn e3_a_bank_that_wants_the_customer_is_told_at_once() {
    let w = begun(|w| w.sales.push_back(says(soft("2099"))));
    assert_eq!((w.state().as_str(), causes(&w)), ("NeedsAuthentication", vec!["needs_authentication"]));
}

#[test]
fn e7_another_card_is_asked_for_once_and_again_after_another_one_was_declined() {
    let mut w = begun(|w| w.sales.extend([says(hard("2004")), says(hard("2004"))]));
    assert_eq!(causes(&w), ["new_card"]);
    w.changed();
    assert_eq!(causes(&w).len(), 1, "asked once");
    w.methods = vec![method("m2")];
    w.tell(Command::MethodChanged { consent: true, customer_present: false, reply_to: None });
    assert_eq!(causes(&w), ["new_card", "new_card"]);
    let ids: Vec<_> = w.told.iter().map(|message| message.to).collect();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "a link each");
}

#[test]
fn s2_2_e14_where_there_is_no_card_one_is_asked_for_once() {
    let mut w = begun(|w| w.methods.clear());
    assert_eq!((w.state().as_str(), causes(&w)), ("NeedsMethod", vec!["new_card"]));
    assert!(letter(&w).command["cause"]["due"]["card"].is_null());
    w.changed();
    assert_eq!(causes(&w).len(), 1);
}

#[test]
fn e21_the_end_of_the_schedule_is_told_once() {
    let mut w = begun(|w| w.sales.extend((0..4).map(|_| says(soft("2001")))));
    w.pass(TimeDelta::days(40));
    assert_eq!((w.state().as_str(), causes(&w)), ("Unpaid", vec!["charge_failed", "last_notice"]));
    w.changed();
    assert_eq!(causes(&w).len(), 2);
    w.has_recorded_history("last_notice");
}

#[test]
fn e21_a_card_that_never_came_ends_with_the_last_notice() {
    let mut w = begun(|w| w.sales.push_back(says(hard("2004"))));
    w.pass(TimeDelta::days(40));
    assert_eq!((w.state().as_str(), causes(&w)), ("Unpaid", vec!["new_card", "last_notice"]));
}

#[test]
fn e19_what_is_held_or_paid_meanwhile_is_told_nothing() {
    let w = begun(|w| w.survey.holds = vec!["dispute".to_owned()]);
    assert!(causes(&w).is_empty());
    let w = begun(|_| ());
    assert!(causes(&w).is_empty(), "it was paid");
}

#[test]
fn e15_without_a_page_to_lead_to_there_is_no_letter() {
    let w = World::begun(|w| w.sales.push_back(says(soft("2001"))));
    assert!(causes(&w).is_empty());
}
