//! What the card, the hold and Zoho's invoice can say.

use super::world::{CEILING, DUE, World, bill};
use crate::kernel::answer::{Answer, InvoicePayment, Transaction, TransactionStatus};
use crate::kernel::flow::{Open, Phase};
use crate::kernel::outcome::{DeclineKind, Look, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{self, decline, eur, rejected, unknown};
use crate::plan_change::{Basis, Command};
use chrono::TimeDelta;

fn declined(code: &str) -> Outcome {
    Outcome::Declined { decline: decline(DeclineKind::Processor, code) }
}

fn asked() -> World {
    let mut world = World::new();
    world.press("Change plan");
    world
}

/// The change is made and raises an invoice of that balance.
fn billed(balance: i64) -> World {
    let mut world = asked();
    world.raises = Some(bill(balance, world.now));
    world.accept();
    world
}

#[test]
fn e3_a_declined_card_changes_nothing_and_the_customer_may_try_again() {
    let mut world = asked();
    world.say("braintree.authorise", declined("2001"));
    world.accept();
    assert_eq!(world.state(), "Previewed");
    assert!(world.orders.is_empty() && world.claims.is_empty());
    assert!(world.face().last_error.contains("not accepted"), "{}", world.face().last_error);
    assert_eq!(world.tasks.len(), 1);
    world.accept();
    assert_eq!(world.state(), "Recording");
    let orders: Vec<_> = world.references.iter().filter(|(kind, _)| *kind == "order_id").collect();
    assert_eq!(orders.len(), 2, "another hold has another order id: {orders:?}");
    assert_eq!(world.spent.len(), 2);
    world.has_recorded_history("declined_and_accepted_again");
}

#[test]
fn e3_a_bank_that_wants_the_customer_is_told_apart() {
    let mut world = asked();
    world.say("braintree.authorise", declined("2099"));
    world.accept();
    assert!(world.face().last_error.contains("authenticate"), "{}", world.face().last_error);
    assert!(world.face().action_needed.contains("`Send card link`"));
}

#[test]
fn e3_after_some_declines_it_is_over() {
    let mut world = asked();
    for _ in 0..3 {
        world.say("braintree.authorise", declined("2001"));
        world.accept();
    }
    world.changed_nothing("Refused");
    assert_eq!(world.saga.flow.ended, Some(End::GivenUp));
}

#[test]
fn e3_without_a_usable_card_nothing_is_sent() {
    let mut world = asked();
    world.say("braintree.read_customer", Outcome::Done { answer: Answer::Methods { methods: Vec::new() } });
    world.accept();
    assert_eq!((world.state().as_str(), world.called("authorise")), ("Previewed", 0));
}

#[test]
fn e3_less_than_was_asked_is_released_and_counts_as_declined() {
    let mut world = asked();
    let order = world.saga.business.of.clone().expect("asked").installation;
    let id = order.plan_change_order(world.id, 1);
    let part = samples::transaction("h1", &id, eur(5_000), world.now);
    let part = Transaction { status: TransactionStatus::Authorized, ..part };
    world.say("braintree.authorise", Outcome::Done { answer: Answer::Transaction(Box::new(part)) });
    world.accept();
    assert_eq!((world.state().as_str(), world.called("release_hold")), ("Previewed", 1));
    assert!(world.orders.is_empty() && world.open_accounts().is_empty());
}

#[test]
fn e3_a_hold_of_unknown_outcome_that_was_not_made_may_be_tried_again_and_is_looked_for_a_week() {
    let mut world = asked();
    world.say("braintree.authorise", unknown());
    world.accept();
    let open = world.saga.flow.open.clone();
    assert!(
        matches!(open, Some(Open { ref step, phase: Phase::Unknown { .. }, .. }) if step == "authorise"),
        "{open:?}"
    );
    for _ in 0..4 {
        world.looks.push_back(Look::Absent { watermark: true, key_proven: false });
    }
    world.pass(TimeDelta::hours(1));
    assert_eq!(world.state(), "Previewed");
    assert!(world.claims.is_empty() && world.orders.is_empty());
    assert!(world.face().last_error.contains("could not be confirmed"), "{}", world.face().last_error);
    let id = world.saga.business.order_id.clone();
    let late = samples::transaction("late1", &id, eur(CEILING), world.now);
    world.late = vec![Transaction { status: TransactionStatus::Authorized, ..late }];
    world.pass(TimeDelta::days(2));
    assert_eq!((world.count("LateHoldFound"), world.called("release_hold")), (1, 1));
    assert_eq!((world.state().as_str(), world.open_accounts()), ("Previewed", Vec::new()));
    world.has_recorded_history("hold_shows_up_late");
}

#[test]
fn e3_a_hold_that_never_shows_up_is_given_up_after_a_week() {
    let mut world = asked();
    world.say("braintree.authorise", unknown());
    world.accept();
    for _ in 0..4 {
        world.looks.push_back(Look::Absent { watermark: true, key_proven: false });
    }
    world.pass(TimeDelta::days(9));
    assert_eq!(world.saga.flow.ended, Some(End::GivenUp));
    world.changed_nothing("Lapsed");
}

#[test]
fn e5_a_sum_above_the_ceiling_is_not_taken_but_held_and_asked_for() {
    let mut world = billed(CEILING + 1);
    assert_eq!((world.state().as_str(), world.called("capture")), ("OverCeiling", 0));
    assert_eq!(world.open_accounts(), Vec::new(), "the hold is released");
    assert_eq!(world.holds.iter().map(String::as_str).collect::<Vec<_>>(), ["over_ceiling"]);
    assert!(world.face().action_needed.contains("90.36 EUR"), "{}", world.face().action_needed);
    assert_eq!(world.face().sold.as_ref().and_then(|sold| sold.amount), Some(eur(20_000)), "the new plan stays");
    let hash = world.saga.business.demand.clone().expect("asked").hash;
    world.accept_hash(&hash, Basis::Customer);
    assert_eq!((world.state().as_str(), world.called("capture")), ("Changed", 0));
    assert!(world.holds.is_empty(), "its own stream may charge it now");
    let [told] = world.told.as_slice() else { panic!("its stream is told: {:?}", world.told) };
    assert_eq!((told.command["command"].as_str(), told.command["invoice"].as_str()), (Some("detected"), Some("78")));
    world.has_recorded_history("over_the_ceiling_and_accepted");
}

#[test]
fn e5_another_currency_is_never_taken() {
    let mut world = asked();
    let mut foreign = bill(100, world.now);
    foreign.balance.currency = iso_currency::Currency::USD;
    world.raises = Some(foreign);
    world.accept();
    assert_eq!((world.state().as_str(), world.called("capture")), ("OverCeiling", 0));
}

#[test]
fn e5_who_is_silent_for_a_week_leaves_the_decision_to_finance() {
    let mut world = billed(20_000);
    world.pass(TimeDelta::days(8));
    assert_eq!(world.parked(), Some(ParkCode::MoneyDecision));
    world.resume();
    assert_eq!(world.parked(), Some(ParkCode::MoneyDecision), "it is owed still");
    world.invoice.as_mut().expect("one").balance = eur(0);
    world.resume();
    assert_eq!((world.state().as_str(), world.called("capture")), ("Changed", 0));
    assert!(world.holds.is_empty());
    world.has_recorded_history("over_the_ceiling_and_credited");
}

#[test]
fn e5_who_refuses_the_higher_sum_leaves_it_to_finance_at_once_and_may_still_agree() {
    let mut world = billed(20_000);
    world.tell(Command::CancelOrdered { reason: "too much".to_owned() });
    assert_eq!(world.parked(), Some(ParkCode::MoneyDecision));
    let hash = world.saga.business.demand.clone().expect("asked").hash;
    world.accept_hash("another", Basis::Customer);
    assert_eq!(world.heard_refused(), 1);
    world.accept_hash(&hash, Basis::Customer);
    assert_eq!(world.state(), "Changed");
}

#[test]
fn e6_a_lower_sum_than_estimated_is_what_is_taken_and_counted_as_a_miss() {
    let mut world = billed(8_000);
    assert_eq!((world.state().as_str(), world.balance(1110)), ("Recording", 8_000));
    world.record();
    assert_eq!((world.state().as_str(), world.balance(9100)), ("Changed", 0));
    let estimated = world.events().find_map(|event| match event {
        crate::plan_change::Event::InvoiceBound { estimated, .. } => *estimated,
        _ => None,
    });
    assert_eq!(estimated, Some(eur(DUE)));
    world.has_recorded_history("lower_than_estimated");
}

#[test]
fn e7_an_invoice_that_credit_covers_releases_the_hold_and_the_change_stands() {
    let world = billed(0);
    assert_eq!((world.state().as_str(), world.called("capture"), world.called("release_hold")), ("Changed", 0, 1));
    assert_eq!(world.open_accounts(), Vec::new());
    assert_eq!(world.called("letter"), 0, "there is nothing to have a receipt of");
    world.has_recorded_history("covered_by_credit");

    let mut elsewhere = asked();
    let mut paid = bill(0, elsewhere.now);
    paid.payments.push(InvoicePayment {
        id: "zp9".to_owned(),
        reference: "cheque".to_owned(),
        mode: "check".to_owned(),
        amount: eur(DUE),
    });
    elsewhere.raises = Some(paid);
    elsewhere.accept();
    assert_eq!((elsewhere.state().as_str(), elsewhere.called("capture")), ("Changed", 0));
}

#[test]
fn e8_a_hold_that_cannot_be_submitted_is_released_and_what_is_owed_is_sold_anew() {
    let mut world = asked();
    world.say("braintree.submit", rejected(RejectionKind::Invalid, "95601"));
    world.accept();
    assert_eq!(world.state(), "Recording");
    assert_eq!((world.called("capture"), world.called("release_hold")), (2, 1));
    assert_eq!((world.balance(1110), world.balance(9100)), (DUE, 0));
    let captured = world.saga.business.capture.clone().expect("captured");
    assert!(captured.transaction.starts_with("s-") && captured.order_id.ends_with(".2"), "{captured:?}");
    assert_eq!(world.spent.len(), 2, "each charge is counted");
    world.record();
    assert_eq!(world.state(), "Changed");
    world.has_recorded_history("sold_anew");
}

#[test]
fn e8_a_hold_that_was_voided_by_staff_is_sold_anew() {
    let mut world = asked();
    let void = samples::transaction("h", "o", eur(CEILING), world.now);
    world.run_until_capture(&Transaction { status: TransactionStatus::Voided, ..void });
    assert_eq!((world.state().as_str(), world.balance(1110)), ("Recording", DUE));
}

#[test]
fn e8_a_hold_that_grew_too_old_while_a_person_was_awaited_is_released_and_not_asked_for_for_ever() {
    let mut world = asked();
    world.say("zoho.read_invoice", rejected(RejectionKind::Config, "57"));
    world.accept();
    assert_eq!(world.parked(), Some(ParkCode::VendorConfig));
    world.pass(TimeDelta::hours(30));
    world.resume();
    assert_eq!((world.state().as_str(), world.called("capture"), world.called("release_hold")), ("Changed", 0, 1));
    assert_eq!((world.open_accounts(), world.holds.len()), (Vec::new(), 0));
    assert_eq!(world.told.last().map(|told| told.kind.as_str()), Some("plan_change.left"));
}

#[test]
fn e8_a_new_sale_that_is_declined_leaves_the_invoice_to_dunning() {
    let mut world = asked();
    world.say("braintree.submit", rejected(RejectionKind::State, "91507"));
    world.say("braintree.sell", declined("2001"));
    world.accept();
    assert_eq!((world.state().as_str(), world.open_accounts()), ("Changed", Vec::new()));
    assert!(world.holds.is_empty() && world.claims.is_empty(), "its own stream may charge it");
    assert_eq!(world.told.last().map(|told| told.kind.as_str()), Some("plan_change.left"));
    world.has_recorded_history("left_to_collection");
}

#[test]
fn e8_an_old_consent_does_not_carry_a_new_sale() {
    let mut world = asked();
    world.raises = None;
    world.accept();
    world.pass(TimeDelta::hours(25));
    assert_eq!(world.parked(), Some(ParkCode::NoInvoice));
    world.invoice = Some(bill(DUE, world.now));
    world.terms.newest_invoice = Some("78".to_owned());
    world.resume();
    assert_eq!((world.state().as_str(), world.called("capture")), ("Changed", 0));
    assert_eq!(world.told.last().map(|told| told.kind.as_str()), Some("plan_change.left"));
}

#[test]
fn e9_without_an_invoice_after_its_looks_the_hold_is_released_and_a_person_asked() {
    let mut world = asked();
    world.raises = None;
    world.accept();
    assert_eq!(world.state(), "ZohoUpdated");
    world.pass(TimeDelta::minutes(30));
    assert_eq!((world.parked(), world.called("read_terms")), (Some(ParkCode::NoInvoice), 6));
    assert_eq!(world.open_accounts(), Vec::new(), "nobody's money is held for it");
    world.invoice = Some(bill(DUE, world.now));
    world.terms.newest_invoice = Some("78".to_owned());
    world.resume();
    assert_eq!((world.state().as_str(), world.balance(1110)), ("Recording", DUE));
    world.has_recorded_history("invoice_after_a_person");
}

#[test]
fn e9_where_a_person_has_seen_that_none_comes_the_change_stands_without_a_charge() {
    let mut world = asked();
    world.raises = None;
    world.accept();
    world.pass(TimeDelta::minutes(30));
    world.resume();
    assert_eq!((world.state().as_str(), world.called("capture")), ("Changed", 0));
    assert!(world.claims.is_empty());
}

#[test]
fn e9_a_draft_is_looked_at_again() {
    let mut world = asked();
    let mut draft = bill(DUE, world.now);
    "draft".clone_into(&mut draft.status);
    world.raises = Some(draft);
    world.accept();
    "sent".clone_into(&mut world.invoice.as_mut().expect("one").status);
    world.pass(TimeDelta::minutes(1));
    assert_eq!(world.state(), "Recording");
}

#[test]
fn what_was_captured_and_taken_back_before_it_was_recorded_has_no_receipt() {
    let mut world = asked();
    world.accept();
    let transaction = world.saga.business.capture.clone().expect("captured").transaction;
    world.tell(Command::CaptureReversed { transaction });
    assert_eq!((world.state().as_str(), world.called("letter")), ("Changed", 0));
}

#[test]
fn a_capture_of_another_amount_is_shown_to_a_person_and_recorded() {
    let mut world = asked();
    let more = samples::transaction("h", "o", eur(DUE + 5), world.now);
    world.run_until_capture(&more);
    assert_eq!(world.parked(), Some(ParkCode::AnswerMismatch));
    world.resume();
    assert_eq!(world.state(), "Recording");
}

impl World {
    /// Accepts; the submit of its hold shows that.
    fn run_until_capture(&mut self, shows: &Transaction) {
        let order = self.saga.business.of.clone().expect("asked").installation;
        let id = format!("h-{}", order.plan_change_order(self.id, 1));
        let shown = Transaction { id, ..shows.clone() };
        self.say("braintree.submit", Outcome::Done { answer: Answer::Transaction(Box::new(shown)) });
        self.accept();
    }
}
