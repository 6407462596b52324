//! The subscription afterwards: what Zoho shows of it.

use super::world::{World, day, instant};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::zoho_native::{Act, Command, PageStage, ZohoNative};
use chrono::TimeDelta;

#[test]
fn p3_each_term_is_looked_at_once_and_its_invoice_told() {
    let mut w = World::bought();
    w.terms.newest_invoice = Some("772".to_owned());
    w.terms.next_billing_on = Some(day("2027-01-02"));
    w.calls.clear();
    w.pass(TimeDelta::days(31));
    assert_eq!(w.calls, ["survey", "read_terms", "tell_invoice", "show"]);
    assert_eq!(w.messages[1].command["invoice"], "772");
    assert_eq!(w.last_shown().next_billing_on, Some(day("2027-01-02")));
    assert_eq!(w.wakes_at(), Some(instant("2027-01-01T06:00:00Z")), "a long wait is no longer than thirty days");
}

#[test]
fn e8_a_lost_message_of_a_renewal_is_made_good_by_the_look_in_the_morning() {
    let mut w = World::bought();
    w.terms.newest_invoice = Some("772".to_owned());
    w.pass(TimeDelta::days(31));
    assert_eq!(w.messages.iter().filter(|m| m.flow == "invoice_payment").count(), 2);
}

#[test]
fn e4_a_failed_charge_is_shown_and_told_once_and_so_is_its_end() {
    for status in ["dunning", "unpaid", "payment_declined"] {
        let mut w = World::bought();
        w.terms.status = status.to_owned();
        w.notice("payment_declined", "zs1");
        assert_eq!((w.state().as_str(), w.parked()), ("PastDue", None), "{status}");
        let face = w.last_shown().clone();
        assert_eq!((face.subscription_status.as_str(), face.payment_status.as_str()), ("Past due", "Failed"));
        assert!(face.action_needed.contains("another card") && face.last_error.contains(status));
        w.pass(TimeDelta::days(2));
        assert_eq!(w.called("read_terms"), 4, "looked at daily");
        w.terms.status = "live".to_owned();
        w.notice("payment_thankyou", "zs1");
        assert_eq!((w.state().as_str(), w.last_shown().last_error.as_str()), ("Active", ""));
        let told: Vec<_> = w.tells.iter().map(|m| m.kind.as_str()).collect();
        assert_eq!(told, ["lifecycle.active", "lifecycle.past_due", "lifecycle.recovered"]);
        assert_eq!(w.messages.last().expect("told").command["invoice"], "771", "its stream reads it once more");
    }
}

#[test]
fn e4_what_zoho_ended_is_told_to_the_stream_of_its_end_and_frees_the_product() {
    for status in ["cancelled", "cancelled_from_dunning", "trial_expired", "expired", "creation_failed"] {
        let mut w = World::bought();
        w.terms.status = status.to_owned();
        w.notice("subscription_cancelled", "zs1");
        assert_eq!((w.state().as_str(), w.claims.len()), ("Ended", 0), "{status}");
        assert_eq!(w.saga.flow.ended, Some(End::Completed));
        let told = w.messages.last().expect("told");
        assert_eq!((told.flow.as_str(), told.command["news"].as_str()), ("cancellation", Some("ended")));
        let shown = if status == "creation_failed" { "Failed" } else { "Cancelled" };
        assert_eq!(w.last_shown().subscription_status, shown, "{status}");
    }
}

#[test]
fn e4_what_ends_with_its_term_and_what_is_not_known_is_shown_as_it_is() {
    let mut w = World::bought();
    w.terms.status = "non_renewing".to_owned();
    w.notice("subscription_cancellation_scheduled", "zs1");
    assert_eq!((w.state().as_str(), w.last_shown().subscription_status.as_str()), ("Ending", "Ending"));
    w.terms.status = "mystery".to_owned();
    w.notice("subscription_edited", "zs1");
    assert!(w.last_shown().last_error.contains("mystery"));
    assert_eq!(w.parked(), None);
}

#[test]
fn e4_a_purchase_that_was_over_before_it_was_linked_ends_at_once() {
    let mut w = World::opened();
    w.terms.status = "creation_failed".to_owned();
    w.terms.auto_collect = false;
    w.buy();
    w.come_back();
    assert_eq!((w.state().as_str(), w.claims.len()), ("Ended", 0));
}

#[test]
fn e6_collection_that_staff_turned_off_is_a_persons_and_never_ours() {
    let mut w = World::bought();
    w.terms.auto_collect = false;
    w.notice("subscription_edited", "zs1");
    assert_eq!((w.parked(), w.state().as_str()), (Some(ParkCode::NoCollector), "NoCollector"));
    assert_eq!(w.owner, Some(CollectionOwner::ZohoNative), "nobody is made the collector instead");
    assert_eq!(w.stage(), PageStage::Active);
    w.resume();
    assert_eq!(w.parked(), Some(ParkCode::NoCollector), "it is off still");
    w.terms.auto_collect = true;
    w.notice("subscription_edited", "zs1");
    assert_eq!((w.parked(), w.state().as_str()), (None, "Active"), "turned on again, it needs nobody");
}

#[test]
fn e6_while_another_saga_works_on_the_subscription_nobody_is_asked() {
    let mut w = World::bought();
    w.terms.auto_collect = false;
    w.fenced = true;
    w.notice("subscription_edited", "zs1");
    assert_eq!((w.parked(), w.state().as_str()), (None, "Active"));
    w.owner = Some(CollectionOwner::Orchestrator);
    w.fenced = false;
    w.pass(TimeDelta::hours(1));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("HandedOver", Some(End::Completed)));
}

#[test]
fn e7_the_product_is_free_once_a_cancellation_says_that_it_has_ended() {
    let mut w = World::bought();
    let product = w.claims.first().expect("the product").key.clone();
    w.tell(Command::SubscriptionEnded { product: "another".to_owned() });
    assert_eq!(w.claims.len(), 1);
    w.tell(Command::SubscriptionEnded { product });
    assert_eq!((w.claims.len(), w.count("ProductReleased")), (0, 1));
    w.terms.status = "cancelled".to_owned();
    w.pass(TimeDelta::days(31));
    assert_eq!(w.state(), "Ended");
}

#[test]
fn e8_the_first_word_after_the_purchase_and_a_payment_cost_no_read() {
    let mut w = World::bought();
    let reads = w.called("read_terms");
    for kind in ["subscription_created", "subscription_activation", "payment_thankyou"] {
        w.notice(kind, "zs1");
    }
    assert_eq!(w.called("read_terms"), reads);
    w.notice("subscription_renewed", "zs1");
    assert_eq!(w.called("read_terms"), reads + 1);
}

#[test]
fn e8_zoho_that_cannot_be_read_parks_under_its_reason_and_goes_on() {
    let mut w = World::bought();
    w.say(
        "zoho.read_terms",
        Outcome::Rejected {
            rejection: crate::kernel::outcome::Rejection {
                kind: RejectionKind::Config,
                code: "57".to_owned(),
                message: "no".to_owned(),
            },
        },
    );
    w.notice("subscription_renewed", "zs1");
    assert_eq!(w.parked(), Some(ParkCode::VendorConfig));
    w.resume();
    assert_eq!((w.parked(), w.state().as_str()), (None, "Active"));
}

#[test]
fn p3_a_press_on_what_runs_is_not_this_sagas() {
    for state in ["Active", "PastDue", "Ending", "NoCollector"] {
        assert!(!ZohoNative::takes_presses(state));
    }
    assert!(ZohoNative::takes_presses("AtZoho"));
    let w = World::bought();
    assert_eq!(w.refusal(&Command::CancelOrdered { reason: "no".to_owned() }), "sold");
    let mut outdated = World::bought();
    outdated.now += TimeDelta::minutes(1);
    outdated.press(Act::CancelNow);
    assert!(outdated.last_shown().last_error.contains("cancel the subscription instead"));
}
