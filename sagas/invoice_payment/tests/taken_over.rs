//! Invoices of a subscription that was handed over to us: whose term they are of.

use super::world::World;
use crate::kernel::saga::End;

#[test]
fn s2_2_e5_an_invoice_of_a_term_before_we_took_over_is_mirrored_and_the_next_one_charged() {
    let mut w = World::begun(|w| w.survey.owner_from = w.invoice.date.succ_opt());
    assert_eq!((w.saga.flow.ended, w.sales_made()), (Some(End::Mirrored), 0));
    w.survey.owner_from = Some(w.invoice.date);
    w.changed();
    assert_eq!(w.sales_made(), 1);
}
