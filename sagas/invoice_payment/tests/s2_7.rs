//! What a card update hears of an invoice that it told of a new card.

use super::world::{World, hard, outage, says, soft};
use crate::invoice_payment::Command;
use crate::kernel::ids::SagaId;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples::method;
use chrono::TimeDelta;

fn card() -> SagaId {
    SagaId::derived("card", &["1"])
}

/// An invoice whose first charge was declined, told of a new card; what the card update hears.
fn told(change: impl FnOnce(&mut World)) -> (World, Vec<String>) {
    let mut w = World::begun(|w| w.sales.push_back(says(soft("2046"))));
    w.methods = vec![method("m2")];
    change(&mut w);
    w.tell(Command::MethodChanged { consent: true, customer_present: true, reply_to: Some(card()) });
    let answers = answers(&w);
    (w, answers)
}

fn answers(w: &World) -> Vec<String> {
    let of_it = w.told.iter().filter(|m| m.to == card() && m.flow == "payment_method_update");
    of_it.map(|m| m.command["outcome"].as_str().expect("an outcome").to_owned()).collect()
}

#[test]
fn s2_3_e17_a_card_update_hears_that_the_invoice_is_paid_by_the_new_card() {
    let (w, answers) = told(|_| {});
    assert_eq!(
        (answers, w.sold.last().map(|sold| sold.2)),
        (vec!["paid".to_owned()], Some(false)),
        "the customer is present"
    );
    let told = w.told.last().expect("a message");
    assert_eq!(told.command["invoice"], serde_json::json!(SagaId::of_invoice("60012", "77")));
}

#[test]
fn e6_a_hard_decline_of_the_new_card_is_told_as_one_and_a_soft_one_is_not() {
    let (_, no) = told(|w| w.sales.push_back(says(hard("2005"))));
    assert_eq!(no, ["hard_declined"]);
    let (w, soft) = told(|w| w.sales.push_back(says(soft("2046"))));
    assert_eq!((soft, w.state().as_str()), (vec!["declined".to_owned()], "Dunning"));
}

#[test]
fn e6_what_cannot_be_charged_now_is_told_too_and_each_card_update_hears_once() {
    let (mut w, answers_first) = told(|w| w.survey.holds = vec!["dispute".to_owned()]);
    assert_eq!(answers_first, ["waiting"]);
    w.pass(TimeDelta::days(3));
    w.changed();
    assert_eq!(answers(&w), ["waiting"], "once");
    let (paid, _) = told(|_| {});
    let mut paid = paid;
    paid.tell(Command::MethodChanged { consent: true, customer_present: true, reply_to: Some(card()) });
    assert_eq!(answers(&paid), ["paid", "paid"], "a second one hears as well");
}

#[test]
fn an_answer_is_told_only_once_the_charge_has_an_outcome() {
    let (mut w, before) = told(|w| w.sales.push_back(super::world::Sale::Says(outage())));
    assert!(before.is_empty());
    w.pass(TimeDelta::minutes(5));
    assert_eq!(answers(&w), ["paid"]);
}
