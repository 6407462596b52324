//! An invoice whose subscription is being ended, or has ended.

use super::world::{TOTAL, World, decline};
use crate::invoice_payment::Command;
use crate::kernel::effect::{Claim, ClaimKind, Desk, Effect};
use crate::kernel::ids::Installation;
use crate::kernel::outcome::{DeclineKind, Outcome};
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

fn collect_ended() -> Command {
    Command::CollectEnded {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        invoice: "77".to_owned(),
        subscription: "zs1".to_owned(),
        reason: "moved away".to_owned(),
    }
}

#[test]
fn p2_a_charge_is_claimed_past_the_fence_alone() {
    let mut w = World::new();
    w.deliver(super::world::seen(crate::invoice_payment::News::Raised));
    w.run_until("claim");
    let open = w.saga.flow.open.clone().expect("open");
    let Effect::Desk(Desk::ClaimUnfenced { claims, fences }) = open.effect else { panic!("{:?}", open.effect) };
    let claim = |kind, key: &str| vec![Claim { kind, key: key.to_owned() }];
    assert_eq!(claims, claim(ClaimKind::ZohoInvoice, "77"));
    assert_eq!(fences, claim(ClaimKind::ZohoSubscription, "zs1"));
}

#[test]
fn p2_a_fence_that_was_set_after_the_checks_keeps_the_charge_from_beginning() {
    let mut w = World::begun(|w| {
        let fenced = decline(DeclineKind::Busy, "zoho_subscription zs1");
        w.claim_answers.push_back(Outcome::Declined { decline: fenced });
    });
    assert_eq!((w.state().as_str(), w.sold.len()), ("Deferred", 0));
    w.pass(TimeDelta::hours(1));
    assert_eq!(w.sold.len(), 1, "once the fence is gone it goes on by itself");
}

#[test]
fn e3_an_invoice_that_was_chosen_to_be_collected_is_charged_though_its_subscription_has_ended() {
    let mut w = World::begun(|w| "cancelled".clone_into(&mut w.subscription.status));
    assert_eq!((w.state().as_str(), w.sold.len()), ("SubscriptionEnded", 0));
    w.tell(collect_ended());
    assert_eq!((w.state().as_str(), w.sold.len()), ("AwaitSettlement", 1));
    assert_eq!((w.sold[0].1, w.shown.len()), (TOTAL, 1));
    let shown = w.shown[0].subscription.as_ref().expect("a subscription of ours");
    assert_eq!(shown.subscription_status, "Cancelled", "paying what was owed makes it no active one");
    w.has_recorded_history("collected_after_the_end");
}

#[test]
fn e3_an_invoice_that_was_never_seen_is_collected_by_what_it_is_told() {
    let mut w = World::new();
    "cancelled".clone_into(&mut w.subscription.status);
    w.tell(collect_ended());
    assert_eq!((w.state().as_str(), w.sold.len()), ("AwaitSettlement", 1));
}

#[test]
fn an_invoice_that_is_paid_in_the_last_term_leaves_the_subscription_ending() {
    let w = World::begun(|w| "non_renewing".clone_into(&mut w.subscription.status));
    let shown = w.shown.last().expect("shown").subscription.as_ref().expect("a subscription of ours");
    assert_eq!((w.sold.len(), shown.subscription_status.as_str()), (1, "Ending"));
}
