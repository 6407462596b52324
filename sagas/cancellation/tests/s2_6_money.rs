//! What happens with what is owed and with what was paid: chosen, never by default.

use super::world::{World, billed, choice};
use crate::cancellation::{GiveBack, News, OpenInvoices, Wish};
use crate::kernel::answer::BookedCapture;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur, rejected};
use chrono::TimeDelta;

fn owing() -> World {
    let mut world = World::new();
    world.invoices = vec![billed("76", 10_000, 0), billed("77", 10_000, 10_000)];
    world.product = None;
    world
}

#[test]
fn e3_what_is_owed_holds_until_somebody_chooses_and_the_record_says_how() {
    let mut world = owing();
    world.press(Wish::CancelNow);
    assert_eq!((world.state().as_str(), world.parked()), ("MoneyDecision", Some(ParkCode::MoneyDecision)));
    assert_eq!(world.status(), "Cancelled", "the cancellation itself is done");
    let asked = world.face().action_needed.clone();
    for word in ["collect", "void", "write_off", "INV-77 (100.00 EUR open)", "prorated", "INV-76", "saga choose"] {
        assert!(asked.contains(word), "{word} is missing: {asked}");
    }
    assert!(world.is_fenced(), "nothing is charged until it is chosen");
    world.pass(TimeDelta::days(30));
    assert_eq!(world.state(), "MoneyDecision", "there is no default");
    world.choose("token:ada", choice(Some(OpenInvoices::Void), None));
    assert_eq!(world.state(), "MoneyDecision", "the other half is still open");
    world.choose("token:ada", choice(None, Some(GiveBack::Nothing)));
    assert_eq!((world.state().as_str(), world.parked(), world.is_fenced()), ("Closed", None, false));
    assert_eq!(world.face().action_needed, "");
    world.has_recorded_history("chosen_by_halves");
}

#[test]
fn e3_collect_tells_the_invoices_own_stream() {
    let mut world = owing();
    world.order(Wish::CancelNow, choice(Some(OpenInvoices::Collect), Some(GiveBack::Nothing)));
    assert_eq!(world.state(), "Closed");
    let kinds: Vec<_> = world.told.iter().map(|m| (m.kind.as_str(), m.command["command"].as_str())).collect();
    assert_eq!(kinds, [("cancellation.collect", Some("collect_ended"))]);
    assert_eq!((world.made("zoho.void_invoice"), world.tasks.len()), (0, 0));
    world.has_recorded_history("collected");
}

#[test]
fn e3_void_voids_in_zoho_and_lets_the_invoices_stream_book_it() {
    let mut world = owing();
    world.order(Wish::CancelNow, choice(Some(OpenInvoices::Void), Some(GiveBack::Nothing)));
    assert_eq!((world.state().as_str(), world.made("zoho.void_invoice")), ("Closed", 1));
    let kinds: Vec<_> = world.told.iter().map(|m| (m.kind.as_str(), m.command["command"].as_str())).collect();
    assert_eq!(kinds, [("cancellation.settled", Some("detected"))]);
    world.has_recorded_history("voided");
}

#[test]
fn e3_a_write_off_needs_two_persons() {
    let mut world = owing();
    world.order(Wish::CancelNow, choice(Some(OpenInvoices::WriteOff), Some(GiveBack::Nothing)));
    assert_eq!(world.state(), "MoneyDecision");
    world.pass(TimeDelta::minutes(1));
    assert!(world.face().action_needed.contains("token:ada proposes to write off"), "{}", world.face().action_needed);
    world.choose("token:ada", choice(Some(OpenInvoices::WriteOff), None));
    assert_eq!((world.heard_refused(), world.made("zoho.write_off_invoice")), (1, 0), "nobody agrees with themselves");
    world.choose("token:bob", choice(Some(OpenInvoices::WriteOff), None));
    assert_eq!((world.state().as_str(), world.made("zoho.write_off_invoice")), ("Closed", 1));
    world.has_recorded_history("written_off_by_two");
}

#[test]
fn e3_a_proposed_write_off_can_be_chosen_otherwise() {
    let mut world = owing();
    world.press(Wish::CancelNow);
    world.choose("token:ada", choice(Some(OpenInvoices::WriteOff), Some(GiveBack::Nothing)));
    assert_eq!(world.state(), "MoneyDecision");
    world.choose("token:bob", choice(Some(OpenInvoices::Collect), None));
    assert_eq!((world.state().as_str(), world.made("zoho.write_off_invoice")), ("Closed", 0));
    world.choose("token:bob", choice(Some(OpenInvoices::Collect), None));
    assert_eq!(world.heard_refused(), 1, "nothing is left to choose");
}

#[test]
fn e3_what_was_chosen_is_not_chosen_again_and_nothing_is_no_choice() {
    let mut world = owing();
    world.press(Wish::CancelNow);
    world.choose("token:ada", choice(Some(OpenInvoices::Void), None));
    world.choose("token:bob", choice(Some(OpenInvoices::Collect), None));
    world.choose("token:bob", choice(None, None));
    assert_eq!((world.heard_refused(), world.state().as_str()), (2, "MoneyDecision"));
}

#[test]
fn e3_what_zoho_refuses_to_void_is_settled_by_hand_and_read_again() {
    let mut world = owing();
    world.press(Wish::CancelNow);
    world.choose("token:ada", choice(None, Some(GiveBack::Nothing)));
    world.zoho_says.push_back(rejected(RejectionKind::State, "36023"));
    world.choose("token:ada", choice(Some(OpenInvoices::Void), None));
    assert_eq!((world.state().as_str(), world.parked()), ("Held", Some(ParkCode::MoneyDecision)));
    world.invoices[1].balance = eur(0);
    world.resume();
    assert_eq!((world.state().as_str(), world.made("zoho.void_invoice")), ("Closed", 1));
    world.has_recorded_history("void_refused");
}

#[test]
fn e3_what_was_settled_by_hand_meanwhile_is_asked_no_more() {
    let mut world = owing();
    world.press(Wish::CancelAtEnd);
    "cancelled".clone_into(&mut world.terms.status);
    world.notice(News::Ended);
    assert_eq!((world.state().as_str(), world.parked()), ("MoneyDecision", Some(ParkCode::MoneyDecision)));
    world.invoices[1].balance = eur(0);
    world.resume();
    assert_eq!(world.state(), "Closed");
}

#[test]
fn e4_a_charge_that_comes_through_after_the_end_is_proposed_to_be_given_back() {
    let mut world = owing();
    world.charging = vec!["77".to_owned()];
    world.order(Wish::CancelNow, choice(Some(OpenInvoices::Void), Some(GiveBack::Nothing)));
    world.pass(TimeDelta::hours(25));
    assert_eq!((world.state().as_str(), world.made("zoho.void_invoice")), ("LateCharges", 0));
    world.charging.clear();
    world.captures = vec![BookedCapture {
        transaction: "tx1".to_owned(),
        invoice: "77".to_owned(),
        amount: eur(10_000),
        at: world.now,
    }];
    world.invoices[1].balance = eur(0);
    world.pass(TimeDelta::hours(2));
    assert_eq!((world.state().as_str(), world.count("GiveBackProposed")), ("Closed", 1));
    let order = ordered(&world);
    assert_eq!((order["transaction"].as_str(), order["by"].as_str()), (Some("tx1"), Some("cancellation:2.6-e4")));
    assert_eq!((&order["amount"]["minor"], &order["approval"]), (&10_000.into(), &"proposed".into()));
    assert!(world.references.contains(&("braintree_transaction", "tx1".to_owned())));
    assert!(world.tasks.is_empty(), "{:?}", world.tasks);
    world.has_recorded_history("given_back_after_the_end");
}

/// What the flow that gives back was told, once.
fn ordered(world: &World) -> serde_json::Value {
    let mut told = world.told.iter().filter(|message| message.flow == "refund");
    let order = told.next().expect("it is ordered").command["wish"].clone();
    assert!(told.next().is_none(), "ordered twice");
    order
}

/// The invoice of the term that ends was paid by a card of ours, but for this much in cents.
fn paid(otherwise: i64) -> World {
    let mut world = World::new();
    world.invoices = vec![billed("77", 10_000, 0)];
    world.captures = vec![BookedCapture {
        transaction: "tx1".to_owned(),
        invoice: "77".to_owned(),
        amount: eur(10_000 - otherwise),
        at: world.now,
    }];
    world
}

#[test]
fn p5_the_unused_part_goes_back_by_the_payment_it_was_paid_with() {
    let mut world = paid(0);
    world.order(Wish::CancelNow, choice(None, Some(GiveBack::Prorated)));
    assert_eq!((world.state().as_str(), world.count("GiveBackOrdered")), ("Closed", 1));
    let order = ordered(&world);
    // Cancelled on the 4th of October: 27 of 31 days.
    assert_eq!((&order["amount"]["minor"], &order["source"]), (&8_710.into(), &"forgive".into()));
    assert_eq!((&order["by"], &order["key"]), (&"token:ada".into(), &"cancellation-1".into()));
    assert!(world.tasks.is_empty(), "{:?}", world.tasks);
    world.has_recorded_history("unused_part_given_back");
}

#[test]
fn p5_what_was_not_paid_by_card_is_a_task_for_finance() {
    let mut world = paid(4_000);
    world.order(Wish::CancelNow, choice(None, Some(GiveBack::Full)));
    assert_eq!(world.state(), "Closed");
    assert_eq!(ordered(&world)["amount"]["minor"], 6_000);
    assert!(world.tasks[0].text.starts_with("Give back 40.00 EUR paid otherwise"), "{}", world.tasks[0].text);
}

#[test]
fn p5_a_term_that_was_used_to_its_end_gives_nothing_back() {
    let mut world = paid(0);
    world.terms.term_ends_on = Some(day("2024-10-04"));
    world.order(Wish::CancelNow, choice(None, Some(GiveBack::Prorated)));
    assert_eq!((world.state().as_str(), world.count("GiveBackProposed")), ("Closed", 0));
    assert!(world.told.iter().all(|message| message.flow != "refund"));
}

#[test]
fn p5_what_is_unused_of_an_older_term_is_told_by_finance() {
    let mut world = owing();
    world.order(Wish::CancelNow, choice(Some(OpenInvoices::Collect), Some(GiveBack::Prorated)));
    assert_eq!((world.state().as_str(), world.count("GiveBackProposed")), ("Closed", 1));
    assert_eq!((world.tasks.len(), world.count("GiveBackOrdered")), (1, 0));
    assert!(world.tasks[0].text.contains("the unused part of 100.00 EUR paid on Zoho invoice 76"));
    world.has_recorded_history("give_back_proposed");
}

#[test]
fn e5_a_credit_offsets_what_is_unpaid_before_it_can_be_spent() {
    let mut world = owing();
    world.order(Wish::CancelNow, choice(Some(OpenInvoices::Collect), Some(GiveBack::Credit)));
    let offsets = world.events().find_map(|event| match event {
        crate::cancellation::Event::GiveBackProposed { proposal, .. } => Some(proposal.offsets_first.clone()),
        _ => None,
    });
    assert_eq!(offsets, Some(vec!["77".to_owned()]));
}

#[test]
fn a_term_that_nobody_paid_asks_nothing() {
    let mut world = World::new();
    world.invoices = vec![billed("77", 0, 0)];
    world.press(Wish::CancelNow);
    assert_eq!(world.state(), "Closed");
}
