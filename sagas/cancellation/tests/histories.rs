//! A history that only a person's further choice makes: written before the term ends, for what is owed when it does.

use super::world::{World, billed, choice};
use crate::cancellation::{OpenInvoices, Wish};
use crate::kernel::tests::bench::Played as _;
use chrono::TimeDelta;

#[test]
fn what_was_chosen_before_the_term_ended_is_carried_out_when_it_has() {
    let mut world = World::new();
    world.order(Wish::CancelAtEnd, choice(None, None));
    world.choose("token:ada", choice(Some(OpenInvoices::Void), None));
    assert_eq!(world.state(), "Scheduled");
    "cancelled".clone_into(&mut world.terms.status);
    world.invoices = vec![billed("77", 10_000, 10_000)];
    world.pass(TimeDelta::days(40));
    assert_eq!((world.state().as_str(), world.made("zoho.void_invoice")), ("Closed", 1));
    world.has_recorded_history("chosen_before_the_end");
}
