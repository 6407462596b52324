//! Edge 2.1-e10: the bank wants the customer to authenticate.

use super::world::{World, declined, input, rejected, stored};
use crate::kernel::answer::Authentication;
use crate::kernel::effect::{Braintree, Effect, PayWith};
use crate::kernel::outcome::{DeclineKind, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples::method;
use crate::subscription_activation::{Advice, PageStage, Paying};
use chrono::TimeDelta;
use uuid::Uuid;

const WISHES: [(DeclineKind, &str); 2] = [(DeclineKind::Processor, "2099"), (DeclineKind::Gateway, "three_d_secure")];

fn bank_asks(w: &mut World) {
    w.say("braintree.authorise", declined(DeclineKind::Processor, "2099"));
}

fn new_card(n: u128) -> Paying {
    Paying::New { input: Uuid::from_u128(n), authenticated: true }
}

fn on_file(token: &str, n: u128) -> Paying {
    Paying::Stored { token: token.to_owned(), authenticated: Some(Uuid::from_u128(n)) }
}

/// What the last hold was asked to be charged to, and under which order id.
fn last_hold(w: &World) -> (PayWith, String) {
    let hold = w.effects.iter().rev().find_map(|effect| match effect {
        Effect::Braintree(Braintree::Authorise { with, order_id, .. }) => Some((with.clone(), order_id.clone())),
        _ => None,
    });
    hold.expect("a hold")
}

#[test]
fn e10_a_new_card_is_sent_again_with_a_nonce_that_the_gateway_must_find_authenticated() {
    for (kind, code) in WISHES {
        let mut w = World::submitted(|w| w.say("braintree.authorise", declined(kind, code)));
        assert!(matches!(w.stage(), PageStage::NeedsAuthentication { .. }), "{code}");
        assert_eq!(w.state(), "NeedsAuthentication");
        assert!(w.erased.contains(&Uuid::from_u128(1)) && w.last_shown().last_error.contains("authenticate"));
        w.submit(new_card(2));
        let (with, order_id) = last_hold(&w);
        assert!(matches!(with, PayWith::New { authenticated: true, input, .. } if input == Uuid::from_u128(2)));
        assert!(order_id.ends_with(".2"), "a new hold has a new order id: {order_id}");
        assert_eq!(w.state(), "Recording");
        assert!(w.erased.contains(&Uuid::from_u128(2)));
    }
}

#[test]
fn e10_a_card_on_file_is_charged_by_the_nonce_that_was_made_from_it() {
    let mut w = World::started(|w| {
        w.linked();
        w.methods.insert(0, method("m-first"));
        bank_asks(w);
    });
    w.submit(stored("m-old"));
    let PageStage::NeedsAuthentication { cards, .. } = w.stage() else { panic!("{:?}", w.stage()) };
    assert_eq!(cards[0].token, "m-old", "the card that was tried is offered first");
    w.submit(on_file("m-old", 2));
    let with = PayWith::Stored { token: "m-old".to_owned(), authenticated: Some(Uuid::from_u128(2)) };
    assert_eq!(last_hold(&w).0, with);
    assert_eq!((w.state().as_str(), w.methods.len()), ("Recording", 2));
    assert!(w.erased.contains(&Uuid::from_u128(2)));
}

#[test]
fn e10_another_card_without_authentication_is_a_plain_try_and_no_promise_is_made_for_it() {
    let mut w = World::submitted(bank_asks);
    w.submit(input(2));
    assert!(matches!(last_hold(&w).0, PayWith::New { authenticated: false, .. }));
    assert_eq!(w.state(), "Recording");
}

#[test]
fn e10_what_was_not_authenticated_is_refused_by_the_gateway_and_counts_as_a_decline() {
    for (kind, code) in WISHES {
        let mut w = World::submitted(bank_asks);
        w.say("braintree.authorise", declined(kind, code));
        w.submit(new_card(2));
        let PageStage::Quoted { declined: advice, .. } = w.stage() else { panic!("{:?}", w.stage()) };
        assert_eq!((advice, w.state().as_str()), (Some(Advice::AnotherCard), "LinkSent"), "not asked for ever");
        bank_asks(&mut w);
        w.submit(input(3));
        assert!(matches!(w.stage(), PageStage::NeedsAuthentication { .. }), "another card may be asked for it, too");
        w.submit(new_card(4));
        assert_eq!(w.state(), "Recording");
    }
}

#[test]
fn e10_wishes_of_banks_count_towards_the_lock() {
    let mut w = World::submitted(bank_asks);
    for n in 2..=5 {
        bank_asks(&mut w);
        w.submit(new_card(n));
    }
    assert!(matches!(w.stage(), PageStage::LockedUntil { .. }), "{:?}", w.stage());
}

#[test]
fn e10_a_failed_or_closed_authentication_sends_nothing_and_the_page_waits_until_the_link_expires() {
    let mut w = World::submitted(bank_asks);
    let events = w.count("ConsentGiven");
    w.pass(TimeDelta::days(2));
    assert!(matches!(w.stage(), PageStage::NeedsAuthentication { .. } | PageStage::Quoted { .. }), "{:?}", w.stage());
    assert_eq!((w.count("ConsentGiven"), w.called("authorise")), (events, 1));
    w.pass(TimeDelta::days(6));
    assert_eq!((w.stage(), w.rules.len()), (PageStage::Expired, 0));
}

#[test]
fn e10_whether_the_bank_answers_for_it_is_the_gateways_word_and_is_kept() {
    let attempted = Authentication { status: "authenticate_attempt_successful".to_owned(), liability_shifted: true };
    for told in [Some(attempted), None] {
        let mut w = World::submitted(bank_asks);
        let said = told.clone();
        w.odd.push_back(Box::new(move |t| t.authentication.clone_from(&said)));
        w.deliver(w.submission(new_card(2)));
        w.run_until("subscribe");
        let hold = w.saga.business.hold.clone().expect("held");
        assert_eq!(hold.authentication, told);
        let kept = serde_json::to_value(&hold).expect("JSON");
        assert_eq!(kept.get("authentication").is_some(), told.is_some(), "{kept}");
    }
}

#[test]
fn e10_a_nonce_of_another_card_than_the_page_named_is_held_and_undone() {
    for token in [None, Some("m-other".to_owned())] {
        let mut w = World::started(|w| {
            w.linked();
            bank_asks(w);
        });
        w.submit(stored("m-old"));
        w.odd.push_back(Box::new(move |t| t.token.clone_from(&token)));
        w.submit(on_file("m-old", 2));
        assert_eq!((w.parked(), w.called("subscribe")), (Some(ParkCode::AnswerMismatch), 0));
        w.resume();
        assert_eq!((w.state().as_str(), w.open_accounts()), ("Failed", vec![]));
    }
}

#[test]
fn e10_an_authenticated_nonce_that_is_too_old_or_for_something_else_asks_for_the_card_again() {
    for code in ["91565", "91584", "91585"] {
        let mut w = World::started(|w| {
            w.linked();
            bank_asks(w);
        });
        w.submit(stored("m-old"));
        w.say("braintree.authorise", rejected(RejectionKind::Invalid, code));
        w.submit(on_file("m-old", 2));
        assert!(matches!(w.stage(), PageStage::Quoted { declined: Some(Advice::CardAgain), .. }), "{:?}", w.stage());
        assert!(w.erased.contains(&Uuid::from_u128(2)) && w.spent.len() == 1 && w.given_back.len() == 1);
        w.submit(stored("m-old"));
        assert_eq!(w.state(), "Recording");
    }
}

#[test]
fn e10_with_nothing_due_today_the_verification_may_ask_and_the_authenticated_card_is_vaulted() {
    let mut w = World::submitted(|w| {
        w.offer.plan.trial_days = 14;
        w.say("braintree.vault", declined(DeclineKind::Verification, "2099"));
    });
    assert!(matches!(w.stage(), PageStage::NeedsAuthentication { .. }), "{:?}", w.stage());
    w.submit(new_card(2));
    assert_eq!((w.state().as_str(), w.methods.len()), ("Active", 1));
}

#[test]
fn what_releases_before_3_d_secure_wrote_is_read_as_not_authenticated() {
    let old = r#"{"paying":"new","input":"00000000-0000-0000-0000-000000000001"}"#;
    assert_eq!(serde_json::from_str::<Paying>(old).expect("readable"), input(1));
    assert_eq!(serde_json::to_string(&input(1)).expect("JSON"), old, "and is written as before");
    let old = r#"{"paying":"stored","token":"m-old"}"#;
    assert_eq!(serde_json::from_str::<Paying>(old).expect("readable"), stored("m-old"));
    assert_eq!(serde_json::to_string(&stored("m-old")).expect("JSON"), old);
}
