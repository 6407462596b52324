//! What an activation sold has ended.

use super::world::{World, input};
use crate::kernel::effect::ClaimKind;
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::Command;

fn ended(product: &str) -> Command {
    Command::SubscriptionEnded { product: product.to_owned() }
}

fn kept(w: &World) -> Option<String> {
    w.claims.iter().find(|c| c.kind == ClaimKind::AccountPlanFamily).map(|c| c.key.clone())
}

#[test]
fn p6_a_product_that_was_sold_is_let_go_when_the_subscription_has_ended() {
    let mut w = World::submitted(|_| {});
    w.record();
    let product = kept(&w).expect("the product is kept while the subscription runs");
    w.tell(ended("another/product"));
    assert_eq!(kept(&w), Some(product.clone()));
    w.tell(ended(&product));
    assert_eq!((kept(&w), w.state().as_str()), (None, "Active"));
    w.tell(ended(&product));
    assert_eq!(w.count("ProductReleased"), 1);
    w.has_recorded_history("active_and_ended");
}

#[test]
fn p6_a_product_that_is_still_being_sold_is_kept() {
    let mut w = World::started(|_| {});
    let product = kept(&w).expect("kept from the quote on");
    w.tell(ended(&product));
    assert_eq!(kept(&w), Some(product));
    w.submit(input(1));
    assert_eq!(w.state(), "Recording");
}
