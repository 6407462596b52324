//! One customer, several activations: who makes it at the vendors, and who may undo it.

use super::histories::shared_and_undone;
use super::world::{World, declined, input, method, rejected, stored, subscription};
use crate::kernel::effect::{Claim, ClaimKind, Desk, Effect};
use crate::kernel::outcome::{DeclineKind, RejectionKind};
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::PageStage;
use chrono::TimeDelta;

fn customer_claim() -> Claim {
    Claim { kind: ClaimKind::ZohoCustomer, key: "cust1".to_owned() }
}

fn busy(w: &mut World) {
    w.say("desk.claim", declined(DeclineKind::Busy, "zoho_customer"));
}

fn undos(w: &World) -> Vec<&str> {
    w.calls.iter().filter(|c| c.starts_with("undo")).map(String::as_str).collect()
}

/// The card is declined: the customer is made at Braintree, and at the form again.
fn at_the_form() -> World {
    World::submitted(|w| w.say("braintree.authorise", declined(DeclineKind::Processor, "2001")))
}

#[test]
fn p5_nothing_is_made_for_a_customer_while_another_activation_works_on_it() {
    let mut w = World::started(|_| {});
    w.calls.clear();
    busy(&mut w);
    w.submit(input(1));
    assert_eq!((w.calls.as_slice(), w.stage()), (["claim".to_owned()].as_slice(), PageStage::Confirming));
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.count("ClaimBusy")), ("Recording", 1));
}

#[test]
fn p5_what_the_other_activation_made_is_used_and_not_made_again() {
    let mut w = World::started(|_| {});
    busy(&mut w);
    w.submit(input(1));
    w.linked();
    w.calls.clear();
    w.pass(TimeDelta::minutes(2));
    assert_eq!(w.calls[..6], ["claim", "enrol", "read_customer", "list_subscriptions", "read_cards", "authorise"]);
    assert_eq!((w.called("create_braintree_customer"), w.called("zoho_customer")), (0, 0));
    w.record();
    assert_eq!(w.state(), "Active");
}

#[test]
fn p5_who_waits_for_another_activation_for_a_day_gets_a_new_link() {
    let mut w = World::started(|_| {});
    for _ in 0..2_000 {
        busy(&mut w);
    }
    w.submit(input(1));
    w.pass(TimeDelta::hours(25));
    assert_eq!((w.state().as_str(), w.page().link, undos(&w).len()), ("LinkSent", 2, 0));
}

#[test]
fn p7_a_customer_whom_the_other_activation_linked_in_another_currency_is_refused_before_any_hold() {
    let mut w = World::started(|_| {});
    busy(&mut w);
    w.submit(input(1));
    w.linked();
    "USD".clone_into(&mut w.zoho_customer.currency);
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.called("authorise")), ("Failed", 0));
    assert!(w.last_shown().last_error.contains("USD"), "{}", w.last_shown().last_error);
}

#[test]
fn p9_the_customer_is_let_go_once_the_first_invoice_is_linked() {
    let mut w = World::started(|_| {});
    w.submit_until("first_invoice");
    assert!(w.claims.contains(&customer_claim()));
    w.run_until("read_invoice");
    assert!(w.claims.iter().all(|c| c.kind != ClaimKind::ZohoCustomer), "{:?}", w.claims);
}

#[test]
fn e9_at_the_form_again_the_customer_is_let_go_and_read_anew_with_the_next_card() {
    let mut w = at_the_form();
    assert!(!w.claims.contains(&customer_claim()));
    w.calls.clear();
    w.submit(input(2));
    assert_eq!(w.calls[..3], ["claim", "enrol", "authorise"]);
}

#[test]
fn e29_a_customer_that_nobody_else_uses_goes_with_the_activation_that_made_it() {
    let mut w = at_the_form();
    w.calls.clear();
    w.cancel();
    assert_eq!(w.calls[..4], ["claim", "find_other_cards", "undo link_customer", "undo create_braintree_customer"]);
    assert_eq!((w.state().as_str(), w.enrolment.braintree_customer.as_deref()), ("Cancelled", None));
}

#[test]
fn e29_a_braintree_customer_with_the_card_of_another_activation_stays_and_stays_linked() {
    let w = shared_and_undone();
    assert_eq!((w.state().as_str(), w.methods.len()), ("Cancelled", 1));
    assert_eq!(w.enrolment.braintree_customer.as_deref(), Some("c-cust1"));
    let keeps = |e: &&Effect| matches!(e, Effect::Desk(Desk::LinkCustomer { braintree_customer: Some(_), .. }));
    assert_eq!(w.effects.iter().filter(keeps).count(), 3, "linked once, and kept for each of the two undos");
}

#[test]
fn e29_an_undo_waits_while_another_activation_works_on_the_customer() {
    let mut w = at_the_form();
    busy(&mut w);
    w.cancel();
    assert_eq!((w.state().as_str(), undos(&w).len()), ("Undoing", 0));
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), undos(&w).len()), ("Cancelled", 2));
}

#[test]
fn e29_a_zoho_customer_with_the_subscription_of_another_activation_is_not_retired_and_our_own_card_is_forgotten() {
    let mut w = World::started(|w| w.say("braintree.submit", rejected(RejectionKind::State, "95601")));
    w.say("braintree.sell", declined(DeclineKind::Processor, "2001"));
    w.submit_until("capture");
    w.subscriptions.push(subscription("zs9", "demo1.sub.other.1", "live"));
    w.methods.push(method("m-other"));
    w.run();
    assert_eq!((w.state().as_str(), w.retired.len()), ("Failed", 0));
    assert_eq!(w.enrolment.zoho_customer.as_deref(), Some("zc1"));
    assert_eq!(w.methods.iter().map(|m| m.token.as_str()).collect::<Vec<_>>(), ["m-other"]);
}

#[test]
fn a_stored_card_that_an_undo_took_away_is_asked_for_again() {
    let mut w = World::started(World::linked);
    busy(&mut w);
    w.submit(stored("m-old"));
    (w.enrolment.zoho_customer, w.enrolment.braintree_customer) = (None, None);
    w.methods.clear();
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.called("authorise")), ("LinkSent", 0));
}
