//! End balances of the histories that concern this flow, summed from its journals.

use super::world::{World, declined, eur, rejected};
use crate::kernel::outcome::{DeclineKind, RejectionKind};
use crate::kernel::saga::BusinessEvent;

#[test]
fn h2_an_activation_that_is_undone_leaves_nothing_in_any_account() {
    let w = World::submitted(|w| w.say("zoho.create_subscription", rejected(RejectionKind::Invalid, "102")));
    assert_eq!(w.state(), "Failed");
    assert_eq!(w.rules, ["AUTH", "AUTH_RELEASED"]);
    assert_eq!(w.open_accounts(), []);
}

#[test]
fn h3_authorised_50_and_captured_30_leaves_30_and_no_memo() {
    let mut w = World::submitted(|w| {
        w.offer.plan.price = eur(5_000);
        w.offer.plan.tax = crate::kernel::offer::Tax::Rate { ppm: 0 };
        w.invoice_total = Some(3_000);
    });
    w.record();
    assert_eq!(w.rules, ["AUTH", "AUTH_RELEASED", "CAPTURE"]);
    // The invoice's own stream moves it on to the bank, and applies it.
    assert_eq!(w.open_accounts(), [(1110, 3_000), (2100, -3_000)]);
}

#[test]
fn a_declined_card_moves_nothing() {
    let w = World::submitted(|w| w.say("braintree.authorise", declined(DeclineKind::Processor, "2001")));
    assert!(w.rules.is_empty());
}

#[test]
fn s2_15_an_activation_that_is_paid_shows_quote_hold_invoice_and_capture_side_by_side() {
    let mut w = World::submitted(|_| {});
    w.record();
    let log =
        ["QuoteMade", "ConsentGiven", "PaymentAuthorised", "SubscriptionCreated", "InvoiceBound", "PaymentCaptured"];
    let told: Vec<_> = w.events().map(BusinessEvent::name).filter(|name| log.contains(name)).collect();
    assert_eq!(told, log);
    // Invoice and application are booked by the invoice's own stream.
    assert_eq!(w.rules, ["AUTH", "AUTH_RELEASED", "CAPTURE"]);
    assert_eq!(w.balance(9100), 0);
    assert_eq!(w.balance(1110), -w.balance(2100));
}
