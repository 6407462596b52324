//! Disputes, as the invoice's stream sees them: nothing of the payment is given back meanwhile, and what a bank kept is gone.

use super::world::{TOTAL, World, eur};
use crate::invoice_payment::{Command, DisputeNews, Ending, Source, standing};
use crate::kernel::ids::SagaId;
use crate::kernel::tests::bench::Played;

fn dispute() -> SagaId {
    SagaId::derived("dispute", &["d1"])
}

fn ask(w: &mut World, name: &str, minor: i64) {
    let (transaction, saga) = ("tx1".to_owned(), SagaId::derived("refund", &[name]));
    w.tell(Command::GiveBackAsked { transaction, saga, amount: eur(minor), source: Source::Forgive });
}

fn opened(w: &mut World) {
    let news = DisputeNews::PaymentDisputed { transaction: "tx1".to_owned(), saga: dispute() };
    w.tell(Command::Dispute(news));
}

fn over(w: &mut World, lost: i64) {
    let news = DisputeNews::DisputeOver { transaction: "tx1".to_owned(), saga: dispute(), lost };
    w.tell(Command::Dispute(news));
}

fn words(w: &World) -> Vec<(&str, &str)> {
    w.told.iter().map(|told| (told.flow.as_str(), told.command["command"].as_str().expect("a word"))).collect()
}

#[test]
fn e1_the_dispute_hears_what_is_known_of_the_payment_and_nothing_of_it_is_let_go() {
    let mut w = World::begun(|_| {});
    opened(&mut w);
    opened(&mut w);
    assert_eq!(words(&w), [("dispute", "described")]);
    let payment = &w.told[0].command["payment"];
    assert_eq!(
        (payment["order_id"].as_str(), payment["captured"]["minor"].as_i64()),
        (Some("demo1.inv.77.1"), Some(TOTAL))
    );
    assert_eq!((payment["customer"].as_str(), payment["given_back"].as_i64()), (Some("cust1"), Some(0)));
    ask(&mut w, "a", 4_000);
    assert_eq!((words(&w)[1], w.told[1].command["code"].as_str()), (("refund", "not_admitted"), Some("disputed")));
    assert!(standing(&w.saga.business, "tx1").expect("ours").disputed);
}

#[test]
fn e3_a_give_back_that_is_under_way_hears_of_the_dispute() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", 4_000);
    opened(&mut w);
    assert_eq!(words(&w)[1..], [("dispute", "described"), ("refund", "disputed")]);
    assert_eq!(w.told[1].command["payment"]["giving_back"].as_bool(), Some(true));
}

#[test]
fn e3_what_was_given_back_before_is_said() {
    let mut w = World::begun(|_| {});
    ask(&mut w, "a", 4_000);
    let saga = SagaId::derived("refund", &["a"]);
    w.tell(Command::GiveBackEnded { transaction: "tx1".to_owned(), saga, ending: Ending::Refunded, tax: None });
    opened(&mut w);
    assert_eq!(w.told[1].command["payment"]["given_back"].as_i64(), Some(4_000));
}

#[test]
fn e4_after_a_dispute_that_was_won_money_can_be_given_back_again() {
    let mut w = World::begun(|_| {});
    opened(&mut w);
    over(&mut w, 0);
    over(&mut w, 0);
    assert_eq!(w.count("DisputeOver"), 1);
    ask(&mut w, "a", TOTAL);
    assert_eq!(words(&w)[1], ("refund", "admitted"));
}

#[test]
fn e5_what_the_bank_kept_is_not_given_back_a_second_time() {
    let mut w = World::begun(|_| {});
    opened(&mut w);
    over(&mut w, 6_000);
    assert_eq!(standing(&w.saga.business, "tx1").expect("ours").applied, eur(TOTAL - 6_000));
    ask(&mut w, "a", TOTAL - 5_999);
    assert_eq!(w.told[1].command["code"].as_str(), Some("too_much"));
    ask(&mut w, "b", TOTAL - 6_000);
    assert_eq!(words(&w)[2], ("refund", "admitted"));
}

#[test]
fn e9_a_payment_that_is_none_of_the_invoices_is_not_answered() {
    let mut w = World::begun(|_| {});
    let news = DisputeNews::PaymentDisputed { transaction: "other".to_owned(), saga: dispute() };
    w.tell(Command::Dispute(news));
    assert!(w.told.is_empty());
}
