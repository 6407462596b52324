//! 2.26: from the shadow that finance agreed to, over the hand-over, to the last charge of the old way; and back.

use super::world::{World, busy};
use crate::kernel::answer::{CollectionOwner, TransactionStatus};
use crate::kernel::effect::ClaimKind;
use crate::kernel::hand_over::Ended;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{At, End, Input, Saga as _};
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::rejected;
use crate::migration::{Command, CutOver, Migration};
use chrono::TimeDelta;

use CollectionOwner::{BraintreeRecurring, Orchestrator, ZohoNative};

fn by_zoho(w: &mut World) {
    w.subscriptions[0].auto_collect = true;
}

/// The code of the refusal, with its sentence. Nothing follows from a refused one.
fn refusal(w: &World, command: &Command) -> (String, String) {
    let decided = Migration::decide(&w.saga.business, Input::Command(command), &At::utc(w.now));
    decided.err().map(|refusal| (refusal.code, refusal.message)).unwrap_or_default()
}

fn cut_over(order: CutOver) -> Command {
    Command::CutOver { order: Box::new(order) }
}

#[test]
fn p5_finance_agrees_to_what_the_shadow_says_before_anybody_is_handed_over() {
    let mut w = World::linked(by_zoho);
    let approve = Command::Approve { reason: "seen".to_owned(), by: "token:fay".to_owned() };
    assert_eq!(refusal(&w, &approve).0, "no_shadow");
    assert_eq!(refusal(&w, &cut_over(World::order(Orchestrator))).0, "not_approved");
    w.shadow(true);
    w.raise("7", 10_000);
    w.old_way_takes("7", 10_000);
    w.pass(TimeDelta::days(2));
    w.tell(approve);
    assert_eq!((w.state().as_str(), w.count("ShadowAgrees")), ("Approved", 1));
    assert!(w.tells.is_empty(), "nothing is ordered by it");
    w.has_recorded_history("approved");
}

#[test]
fn e6_a_shadow_that_differs_is_neither_approved_nor_handed_over_until_it_is_explained() {
    let mut w = World::approved(by_zoho);
    w.raise("7", 10_000);
    w.old_way_takes("7", 9_000);
    w.pass(TimeDelta::days(2));
    assert_eq!(w.state(), "ShadowDiffers");
    let approve = Command::Approve { reason: "seen".to_owned(), by: "token:fay".to_owned() };
    for command in [&approve, &cut_over(World::order(Orchestrator))] {
        let (code, message) = refusal(&w, command);
        assert_eq!(code, "ShadowDiffers");
        assert!(message.contains("invoice 7") && message.contains("import explain"), "{message}");
    }
    w.tell(Command::Explain { invoice: "7".to_owned(), reason: "a discount".to_owned(), by: "token:fay".to_owned() });
    let code = refusal(&w, &cut_over(World::order(Orchestrator))).0;
    assert_eq!(code, "not_approved", "what was agreed to is not what it says any more");
    w.tell(approve);
    w.cut_over(Orchestrator);
    assert_eq!(w.state(), "HandingOver");
}

#[test]
fn p6_p7_a_line_is_cut_over_by_a_hand_over_and_done_once_a_term_is_collected_and_settled() {
    let mut w = World::approved(by_zoho);
    w.cut_over(Orchestrator);
    let wish = w.asked();
    assert_eq!((wish.from, wish.to, wish.subscription.as_str()), (Some(ZohoNative), Orchestrator, "zs1"));
    w.cut_over(Orchestrator);
    assert_eq!(w.tells.len(), 1, "ordered again it is the same");
    w.raise("6", 10_000);
    w.old_way_takes("6", 10_000);
    w.handed_over(Orchestrator);
    assert_eq!(w.state(), "Watched");
    w.charge = TransactionStatus::SubmittedForSettlement;
    w.we_take("7", "tx7");
    w.pass(TimeDelta::days(1));
    assert_eq!((w.count("OurChargeSeen"), w.state().as_str()), (1, "Watched"), "not settled yet");
    w.charge = TransactionStatus::Settled;
    w.pass(TimeDelta::days(1));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("CutOver", Some(End::Completed)));
    assert_eq!((w.count("OldWayCharged"), w.holds.len()), (0, 0), "what was paid before is the old way's");
    w.has_recorded_history("cut_over");
}

#[test]
fn p6_a_hand_over_whose_answer_is_lost_is_found_by_our_own_record_and_one_that_failed_leaves_all_as_it_was() {
    let mut w = World::approved(by_zoho);
    w.cut_over(Orchestrator);
    w.pass(TimeDelta::days(2));
    assert_eq!((w.state().as_str(), w.count("HandOverAwaited")), ("HandingOver", 2));
    w.owner = Some(Orchestrator);
    w.pass(TimeDelta::days(1));
    assert_eq!(w.state(), "Watched");
    let mut w = World::approved(by_zoho);
    w.cut_over(Orchestrator);
    w.answered(&Ended::Unchanged { why: "no card in a week".to_owned() });
    assert_eq!((w.state().as_str(), w.owner), ("Approved", Some(ZohoNative)));
    w.has_recorded_history("hand_over_failed");
    w.cut_over(Orchestrator);
    assert_eq!((w.tells.len(), w.state().as_str()), (2, "HandingOver"), "it can be ordered again, as another one");
    assert_ne!(w.tells[0].to, w.tells[1].to);
    w.answered(&Ended::Unchanged { why: "no".to_owned() });
    w.pass(TimeDelta::days(3));
    assert_eq!(w.state(), "Approved");
}

#[test]
fn p6_what_braintree_charges_by_an_id_of_the_old_system_is_handed_over_by_that_id() {
    let mut w = World::approved(|w| {
        w.old.braintree_subscription = Some("oldbt".to_owned());
        w.recurring = vec!["oldbt".to_owned()];
        for method in w.methods.iter_mut().flatten() {
            method.has_live_subscription = true;
        }
    });
    w.cut_over(Orchestrator);
    let wish = w.asked();
    assert_eq!((wish.from, wish.recurring.as_deref()), (Some(BraintreeRecurring), Some("oldbt")));
}

#[test]
fn e7_an_old_way_that_nothing_proves_off_needs_a_signed_statement_and_is_watched_for_two_terms() {
    let mut w = World::approved(|_| {});
    let unsigned = CutOver { statement: None, ..World::order(Orchestrator) };
    assert_eq!(refusal(&w, &cut_over(unsigned)).0, "old_way_unproved");
    w.cut_over(Orchestrator);
    let wish = w.asked();
    assert!(wish.from.is_none() && wish.proof.is_some_and(|proof| proof.contains("signed")));
    w.handed_over(Orchestrator);
    w.we_take("7", "tx7");
    w.pass(TimeDelta::days(2));
    assert_eq!((w.state().as_str(), w.count("TermCollected")), ("Watched", 1));
    w.we_take("8", "tx8");
    w.pass(TimeDelta::days(1));
    assert_eq!((w.state().as_str(), w.count("TermCollected")), ("CutOver", 2));
    w.has_recorded_history("watched");
}

#[test]
fn e7_a_charge_that_is_not_ours_puts_the_subscription_on_hold_and_is_a_persons() {
    let mut w = World::approved(|_| {});
    w.cut_over(Orchestrator);
    w.handed_over(Orchestrator);
    w.raise("7", 10_000);
    w.old_way_takes("7", 10_000);
    w.pass(TimeDelta::days(1));
    assert_eq!((w.state().as_str(), w.parked()), ("OldWayCharges", Some(ParkCode::TwoCollectors)));
    assert!(w.holds.contains("old_way_charges"), "nobody here charges it meanwhile");
    w.has_recorded_history("old_way_charges");
    w.resume();
    assert_eq!((w.state().as_str(), w.holds.len(), w.count("OldWayCharged")), ("Watched", 0, 1));
    w.we_take("8", "tx8");
    w.pass(TimeDelta::days(2));
    assert_eq!(w.count("TermCollected"), 1, "the watch goes on");
}

#[test]
fn e7_money_that_came_by_hand_is_no_charge_of_the_old_way() {
    let mut w = World::approved(|_| {});
    w.cut_over(Orchestrator);
    w.handed_over(Orchestrator);
    w.raise("7", 10_000);
    w.old_way_takes("7", 10_000);
    w.invoices[0].payments[0].mode = "check".to_owned();
    w.pass(TimeDelta::days(1));
    assert_eq!((w.state().as_str(), w.count("NothingCharged"), w.holds.len()), ("Watched", 1, 0));
}

#[test]
fn e9_until_we_have_charged_it_is_handed_back_and_afterwards_only_by_a_new_hand_over() {
    let mut w = World::approved(by_zoho);
    let back = Command::TakeBack { order: Box::new(World::order(Orchestrator)) };
    assert_eq!(refusal(&w, &back).0, "not_cut_over");
    w.cut_over(Orchestrator);
    w.handed_over(Orchestrator);
    w.take_back();
    let wish = w.asked();
    assert_eq!((wish.from, wish.to, w.tells.len()), (Some(Orchestrator), ZohoNative, 2));
    w.handed_over(ZohoNative);
    assert_eq!(w.state(), "Linked");
    w.has_recorded_history("handed_back");
    assert_eq!(refusal(&w, &cut_over(World::order(Orchestrator))).0, "not_approved", "it is judged anew");

    let mut w = World::approved(by_zoho);
    w.cut_over(Orchestrator);
    w.handed_over(Orchestrator);
    w.we_take("7", "tx7");
    w.charge = TransactionStatus::SubmittedForSettlement;
    w.pass(TimeDelta::days(2));
    let (code, message) = refusal(&w, &back);
    assert_eq!(code, "charged_since");
    assert!(message.contains("hand-over request"), "{message}");
}

#[test]
fn e9_what_nobody_collected_on_record_goes_back_to_nobody_while_no_charge_of_it_is_under_way() {
    let mut w = World::approved(|_| {});
    w.cut_over(Orchestrator);
    w.handed_over(Orchestrator);
    w.charging = vec!["7".to_owned()];
    w.take_back();
    assert_eq!((w.state().as_str(), w.owner, w.count("ReturnRefused")), ("Watched", Some(Orchestrator), 1));
    w.charging.clear();
    w.say("desk.claim", busy());
    w.take_back();
    assert_eq!(w.state(), "Returning");
    w.pass(TimeDelta::hours(1));
    assert_eq!((w.state().as_str(), w.owner, w.tells.len()), ("Linked", None, 1));
    assert!(!w.claims.iter().any(|claim| claim.kind == ClaimKind::ZohoSubscription));
    w.has_recorded_history("returned");
}

#[test]
fn e9_nobody_is_taken_off_the_record_who_was_put_there_meanwhile() {
    let mut w = World::approved(|_| {});
    w.cut_over(Orchestrator);
    w.handed_over(Orchestrator);
    w.say("desk.set_owner", rejected(RejectionKind::State, "other_owner"));
    w.take_back();
    assert_eq!((w.state().as_str(), w.count("ReturnRefused")), ("Watched", 1));
}

#[test]
fn p6_what_is_being_handed_over_is_not_unlinked_and_what_is_handed_over_is_not_shadowed() {
    let mut w = World::approved(by_zoho);
    w.cut_over(Orchestrator);
    let unlink = Command::Unlink { reason: "x".to_owned(), by: "token:fay".to_owned() };
    assert_eq!(refusal(&w, &unlink).0, "busy");
    w.handed_over(Orchestrator);
    w.tell(unlink);
    assert_eq!((w.count("UnlinkRefused"), w.state().as_str()), (1, "Watched"));
    assert_eq!(refusal(&w, &Command::Shadow { on: true, by: "x".to_owned() }).0, "handed_over");
}
