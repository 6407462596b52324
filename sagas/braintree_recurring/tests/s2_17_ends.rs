//! Charges that fail, and subscriptions that end, or that nobody has on record.

use super::world::{PRICE, World, begun, eur};
use crate::braintree_recurring::{Command, Intent};
use crate::kernel::answer::{CollectionOwner, RecurringStatus, TransactionStatus};
use crate::kernel::ids::SagaId;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

#[test]
fn e6_a_failed_charge_is_shown_told_and_written_about_once_and_never_repeated_from_here() {
    let mut w = World::begun();
    w.past_due();
    assert_eq!((w.state().as_str(), w.parked(), w.open_accounts()), ("PastDue", None, Vec::new()));
    let face = w.faces.last().expect("shown");
    let standing = face.standing.as_ref().expect("how it stands");
    assert_eq!(standing.subscription_status, "Past due");
    assert!(face.last_error.contains("49.00 EUR") && !face.action_needed.is_empty(), "{face:?}");
    let asked = w.told_to("payment_method_update");
    assert_eq!((asked.len(), asked[0]["cause"]["due"]["invoice_number"].as_str()), (1, Some("INV-772")));
    assert_eq!(asked[0]["cause"]["due"]["card"], serde_json::json!(["Visa", "1111"]));
    assert_eq!(w.tells.iter().filter(|message| message.kind == "lifecycle.past_due").count(), 1);
    // Braintree tries again, in vain.
    w.charge("tx3", PRICE, TransactionStatus::ProcessorDeclined);
    w.hear("subscription_charged_unsuccessfully");
    w.days(3);
    assert_eq!((w.told_to("payment_method_update").len(), w.parked()), (1, None));
    assert!(w.told_to("invoice_payment").is_empty());
}

#[test]
fn e6_what_a_later_try_takes_comes_back_as_a_charge() {
    let mut w = World::begun();
    w.past_due();
    w.charge("tx3", PRICE, TransactionStatus::SubmittedForSettlement);
    w.shown.status = RecurringStatus::Active;
    w.shown.balance = Some(eur(0));
    w.hear("subscription_went_active");
    assert_eq!((w.state().as_str(), w.balance(1110)), ("Recording", PRICE));
    assert_eq!(w.faces.last().and_then(|face| face.standing.clone()).expect("stands").subscription_status, "Active");
    assert_eq!(w.tells.iter().filter(|message| message.kind == "lifecycle.recovered").count(), 1);
    w.record("772");
    assert_eq!(w.state(), "Watching");
}

#[test]
fn e6_without_the_settings_of_the_page_no_letter_goes_out() {
    let mut w = World::begun();
    w.renews(Some(PRICE), None);
    w.charge("tx2", PRICE, TransactionStatus::ProcessorDeclined);
    w.shown.status = RecurringStatus::PastDue;
    w.days(2);
    assert_eq!((w.state().as_str(), w.told_to("payment_method_update").len()), ("PastDue", 0));
    w.hear("subscription_charged_unsuccessfully");
    assert_eq!(w.told_to("payment_method_update").len(), 1);
}

#[test]
fn e7_an_end_that_nobody_here_wanted_is_handed_to_the_flow_that_ends_subscriptions() {
    for status in [RecurringStatus::Canceled, RecurringStatus::Expired] {
        let mut w = World::begun();
        w.past_due();
        w.shown.status = status;
        w.hear("subscription_canceled");
        let told = w.told.last().expect("told");
        assert_eq!(told.to, SagaId::derived("cancellation", &["60012", "zs1"]));
        assert_eq!(
            (told.command["order"]["wish"].as_str(), told.command["of"]["subscription"].as_str()),
            (Some("cancel_now"), Some("zs1"))
        );
        assert_eq!(w.saga.flow.ended, Some(End::Completed));
        w.hear("subscription_canceled");
        assert_eq!(w.told_to("cancellation").len(), 1);
    }
}

#[test]
fn e7_charges_of_an_ended_subscription_are_recorded_first() {
    let mut w = World::begun();
    w.renews(Some(PRICE), Some(PRICE));
    w.shown.status = RecurringStatus::Canceled;
    w.hear("subscription_canceled");
    assert_eq!((w.saga.flow.ended, w.balance(1110)), (None, PRICE));
    w.record("772");
    w.days(1);
    assert_eq!(w.saga.flow.ended, Some(End::Completed));
}

#[test]
fn e9_an_end_that_a_flow_of_ours_makes_is_not_ordered_again() {
    let mut w = World::begun();
    w.intend(Intent::Ends);
    w.shown.status = RecurringStatus::Canceled;
    w.hear("subscription_canceled");
    assert_eq!((w.told_to("cancellation").len(), w.saga.flow.ended), (0, Some(End::Completed)));
    assert!(w.faces.is_empty(), "who ends it writes on the record");
}

#[test]
fn e9_what_goes_on_after_all_is_watched_as_before() {
    let mut w = World::begun();
    w.intend(Intent::Ends);
    w.intend(Intent::GoesOn);
    w.shown.status = RecurringStatus::Canceled;
    w.hear("subscription_canceled");
    assert_eq!(w.told_to("cancellation").len(), 1);
}

#[test]
fn e10_a_live_subscription_of_another_collector_is_a_persons_and_never_charged() {
    let mut w = World::begun();
    w.survey.owner = Some(CollectionOwner::Orchestrator);
    w.days(1);
    assert_eq!(w.parked(), Some(ParkCode::TwoCollectors));
    // Ended by hand.
    w.shown.status = RecurringStatus::Canceled;
    w.resume();
    assert_eq!((w.saga.flow.ended, w.told_to("cancellation").len()), (Some(End::Completed), 0));
}

#[test]
fn e10_while_another_flow_works_on_the_subscription_nobody_is_asked() {
    let mut w = World::begun();
    w.survey.owner = None;
    w.survey.claimed_by = Some(SagaId::derived("test", &["hand-over"]));
    w.days(1);
    assert_eq!((w.parked(), w.state().as_str()), (None, "Watching"));
    w.survey.claimed_by = None;
    w.pass(TimeDelta::hours(2));
    assert_eq!(w.parked(), Some(ParkCode::TwoCollectors));
}

#[test]
fn e10_a_subscription_of_a_customer_of_ours_that_nobody_began_is_a_persons() {
    let mut w = World::new();
    w.hear("subscription_charged_successfully");
    assert_eq!((w.parked(), w.state().as_str()), (None, "Unknown"), "who begins it may be about to say so");
    w.hear("subscription_went_active");
    assert!(w.calls.is_empty());
    w.pass(TimeDelta::hours(2));
    assert_eq!((w.parked(), w.open_accounts()), (Some(ParkCode::TwoCollectors), Vec::new()));
    w.shown.status = RecurringStatus::Canceled;
    w.resume();
    assert_eq!(w.saga.flow.ended, Some(End::Mirrored));
}

#[test]
fn e10_what_is_told_before_the_start_is_known_does_no_harm() {
    let mut w = World::new();
    w.hear("subscription_went_active");
    w.tell(Command::Begun { begun: Box::new(begun()) });
    w.days(1);
    assert_eq!((w.state().as_str(), w.parked()), ("Watching", None));
}

#[test]
fn e10_a_subscription_of_somebody_elses_business_is_left_alone() {
    let mut w = World::new();
    w.shown.id = "abc123".to_owned();
    w.shown.transactions[0].customer = Some("8271".to_owned());
    w.tell(Command::Heard { recurring: "abc123".to_owned(), source: "braintree.x".to_owned(), card_link: None });
    w.pass(TimeDelta::hours(2));
    assert_eq!((w.saga.flow.ended, w.parked()), (Some(End::Mirrored), None));
}

#[test]
fn e10_a_status_that_is_not_known_is_a_persons() {
    let mut w = World::begun();
    w.shown.status = RecurringStatus::Other("Frozen".to_owned());
    w.days(1);
    assert_eq!(w.parked(), Some(ParkCode::UnknownVendorState));
}
