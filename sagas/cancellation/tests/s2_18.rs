//! A subscription that Zoho's own gateway collects is ended like any other, but for its money.

use super::world::{World, billed, choice};
use crate::cancellation::{GiveBack, News, OpenInvoices, Wish};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::saga::End;

fn native() -> World {
    let mut world = World::new();
    world.survey.owner = Some(CollectionOwner::ZohoNative);
    world.invoices = vec![billed("70", 10_000, 0), billed("71", 10_000, 4_000)];
    world
}

#[test]
fn e7_a_cancellation_asks_for_no_choice_and_takes_no_money_step() {
    let mut world = native();
    world.press(Wish::CancelNow);
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("Closed", Some(End::Completed)));
    assert_eq!((world.made("zoho.cancel_subscription"), world.made("desk.tell")), (1, 1));
    assert_eq!((world.tasks.len(), world.is_fenced()), (0, false));
    let told = world.told.last().expect("who keeps the product");
    assert_eq!(told.kind, "cancellation.ended");
}

#[test]
fn e7_a_choice_that_comes_all_the_same_moves_nothing() {
    let mut world = native();
    world.order(Wish::CancelNow, choice(Some(OpenInvoices::Void), Some(GiveBack::Full)));
    assert_eq!((world.state().as_str(), world.made("zoho.void_invoice"), world.tasks.len()), ("Closed", 0, 0));
}

#[test]
fn e7_a_cancellation_with_the_term_and_its_reactivation_are_zohos_calls_too() {
    let mut world = native();
    world.press(Wish::CancelAtEnd);
    assert_eq!(world.state(), "Scheduled");
    world.terms.status = "non_renewing".to_owned();
    world.now += chrono::TimeDelta::minutes(1);
    world.press(Wish::Reactivate);
    assert_eq!((world.state().as_str(), world.made("zoho.reactivate_subscription")), ("GoesOn", 1));
}

#[test]
fn e7_what_staff_cancel_in_zoho_is_adopted() {
    let mut world = native();
    world.terms.status = "cancelled_from_dunning".to_owned();
    world.notice(News::Ended);
    assert_eq!(
        (world.state().as_str(), world.made("zoho.cancel_subscription"), world.status()),
        ("Closed", 0, "Cancelled")
    );
}

#[test]
fn e7_the_flow_that_keeps_the_product_is_told_by_its_own_name() {
    let mut world = native();
    if let Some(product) = &mut world.product {
        product.flow = Some("zoho_native".to_owned());
    }
    world.press(Wish::CancelNow);
    assert_eq!(world.told.last().map(|told| told.flow.as_str()), Some("zoho_native"));
}
