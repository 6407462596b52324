//! Holds that show up after they were given up.

use super::world::{GROSS, World, eur, input, outage, unknown};
use crate::kernel::answer::{Transaction, TransactionStatus};
use crate::kernel::effect::{Braintree, Effect};
use crate::kernel::outcome::Look;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::PageStage;
use chrono::TimeDelta;

/// A world in which a hold was sent, no answer came, and searches proved that it was not made: the form is shown again.
fn given_up() -> (World, Transaction) {
    let mut w = World::submitted(|w| w.say("braintree.authorise", unknown()));
    let Some(Effect::Braintree(Braintree::Authorise { order_id, with, .. })) =
        w.saga.flow.open.as_ref().map(|o| o.effect.clone())
    else {
        panic!("the hold is open")
    };
    let crate::kernel::effect::PayWith::New { token, .. } = with else { panic!("a new card") };
    let late = w.transaction(&order_id, "c-cust1", &token, eur(GROSS), TransactionStatus::Authorized);
    for _ in 0..3 {
        w.looks.push_back(Look::Absent { watermark: true, key_proven: false });
    }
    w.pass(TimeDelta::minutes(4));
    assert_eq!((w.state().as_str(), w.count("LateHoldWatched")), ("LinkSent", 1));
    (w, late)
}

/// It shows up, though it was made long ago.
fn appears(w: &mut World, late: &Transaction) {
    let late = Transaction { id: "tx-late".to_owned(), ..late.clone() };
    w.methods.push(super::world::method(late.token.as_deref().expect("a token")));
    w.transactions.insert(late.id.clone(), late);
}

fn released(w: &World) {
    assert_eq!(w.transactions["tx-late"].status, TransactionStatus::Voided);
    assert_eq!((w.count("LateHoldFound"), w.count("LateHoldReleased"), w.balance(9100)), (1, 1, 0));
    assert!(w.references.contains(&("braintree_transaction", "tx-late".to_owned())));
    assert!(w.saga.business.watches.is_empty() && w.saga.business.late.is_empty());
}

#[test]
fn e28_a_hold_that_shows_up_after_it_was_given_up_is_booked_and_voided_at_once() {
    let (mut w, late) = given_up();
    appears(&mut w, &late);
    w.pass(TimeDelta::hours(1));
    released(&w);
    assert_eq!((w.rules.as_slice(), w.open_accounts()), (["AUTH", "AUTH_RELEASED"].as_slice(), Vec::new()));
    assert!(w.methods.is_empty(), "its card is forgotten");
    assert_eq!(w.state(), "LinkSent", "the customer may still pay");
    w.submit(input(2));
    w.record();
    assert_eq!((w.state().as_str(), w.saga.flow.ended, w.balance(1110)), ("Active", Some(End::Completed), GROSS));
}

#[test]
fn e28_a_hold_that_shows_up_after_another_one_paid_is_voided_and_the_payment_stays() {
    let (mut w, late) = given_up();
    w.submit(input(2));
    w.record();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Active", None), "it ends once the search is over");
    appears(&mut w, &late);
    w.pass(TimeDelta::days(1));
    released(&w);
    assert_eq!((w.saga.flow.ended, w.balance(1110)), (Some(End::Completed), GROSS));
    assert_eq!(w.methods.len(), 1, "the card that paid stays");
}

#[test]
fn e28_a_hold_that_shows_up_after_the_link_expired_or_all_was_called_off_is_voided() {
    let (mut w, late) = given_up();
    w.cancel();
    assert_eq!((w.state().as_str(), w.stage(), w.saga.flow.ended), ("Cancelled", PageStage::Cancelled, None));
    appears(&mut w, &late);
    w.pass(TimeDelta::days(2));
    released(&w);
    assert_eq!((w.saga.flow.ended, w.open_accounts()), (Some(End::Compensated), Vec::new()));
}

#[test]
fn e28_a_late_hold_that_was_voided_or_has_expired_by_then_is_booked_both_ways() {
    for status in [TransactionStatus::Voided, TransactionStatus::AuthorizationExpired] {
        let (mut w, late) = given_up();
        appears(&mut w, &Transaction { status, ..late });
        w.pass(TimeDelta::hours(1));
        released(&w);
    }
}

#[test]
fn e31_a_hold_that_never_shows_up_is_looked_for_a_week_and_changes_nothing() {
    let (mut w, _) = given_up();
    w.submit(input(2));
    w.record();
    w.pass(TimeDelta::days(6));
    let looks = w.called("find_late_hold");
    assert_eq!((looks > 10, w.saga.flow.ended), (true, None));
    w.pass(TimeDelta::days(2));
    assert_eq!((w.saga.flow.ended, w.count("LateHoldFound")), (Some(End::Completed), 0));
    let done = w.called("find_late_hold");
    w.pass(TimeDelta::days(30));
    assert_eq!(w.called("find_late_hold"), done, "the search is over");
}

#[test]
fn e28_neither_a_lagging_search_nor_an_outage_ends_the_watch_and_no_payment_waits_for_it() {
    let (mut w, late) = given_up();
    w.unseen = true;
    appears(&mut w, &late);
    w.say("braintree.find_transactions", outage());
    w.pass(TimeDelta::hours(12));
    assert_eq!((w.count("LateHoldUnseen") > 3, w.balance(9100)), (true, 0));
    w.submit(input(2));
    assert_eq!(w.state(), "Recording");
    w.unseen = false;
    w.pass(TimeDelta::hours(12));
    released(&w);
}
