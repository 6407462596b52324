//! The road of a plan change, its preview, and what is refused.

use super::world::{CEILING, DUE, World, billed, wanted};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::effect::{Braintree, Effect, Presence};
use crate::kernel::flow::StepEvent;
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::offer::TermUnit;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::record::Record;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur, rejected};
use crate::plan_change::{Basis, Command, Effective, Wanted};
use chrono::TimeDelta;

fn sums(preview: &crate::plan_change::Preview) -> (Money, Money, Money) {
    (preview.due_now, preview.ceiling, preview.renewal)
}

#[test]
fn p1_to_p7_an_upgrade_is_previewed_accepted_held_changed_captured_and_recorded() {
    let mut world = World::new();
    world.press("Change plan");
    assert_eq!(world.state(), "Previewed");
    assert_eq!(sums(world.preview()), (eur(DUE), eur(CEILING), eur(20_000)));
    assert_eq!((world.preview().effective, world.preview().renews_on), (Effective::Now, day("2024-11-01")));
    assert_eq!(world.preview().term, (1, TermUnit::Months));
    let face = world.face();
    assert!(face.quote_text.contains("about 90.33 EUR now, at most 90.35 EUR"), "{}", face.quote_text);
    assert_eq!(face.quote_expires_at, Some(world.now + TimeDelta::minutes(15)));
    assert_eq!(face.answers.as_ref().map(|act| act.act.as_str()), Some("Change plan"));
    assert!(face.action_needed.contains("has to agree"), "{}", face.action_needed);

    world.accept();
    assert_eq!(world.state(), "Recording");
    let road: Vec<_> = world.calls.iter().map(String::as_str).filter(|call| *call != "show").collect();
    assert_eq!(
        road,
        [
            "survey",
            "read_request",
            "read_terms",
            "survey_customer",
            "read_offer",
            "claim",
            "read_terms",
            "list_invoices",
            "read_cards",
            "count_card",
            "authorise",
            "change",
            "claim",
            "read_invoice",
            "capture",
            "hand_over"
        ]
    );
    let [change] = world.orders.as_slice() else { panic!("one change: {:?}", world.orders) };
    assert_eq!((change.plan.as_str(), change.at_end, change.seen.as_deref()), ("max-monthly", false, Some("t1")));
    assert_eq!(world.holds.iter().map(String::as_str).collect::<Vec<_>>(), ["captured_not_recorded"]);
    assert_eq!((world.balance(1110), world.balance(2100), world.balance(9100)), (DUE, -DUE, 0));
    let [captured] = world.told.as_slice() else { panic!("the invoice's stream is told: {:?}", world.told) };
    assert_eq!((captured.flow.as_str(), captured.to), ("invoice_payment", SagaId::of_invoice("60012", "78")));
    assert_eq!(captured.command["command"], "adopt_capture");

    world.record();
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("Changed", Some(End::Completed)));
    let sold = world.face().sold.clone().expect("known");
    assert_eq!((sold.amount, sold.next_billing_on), (Some(eur(20_000)), Some(day("2024-11-01"))));
    assert_eq!(world.face().quote_text, "Sold: 1 × max-monthly");
    assert_eq!(world.called("letter"), 1, "the receipt");
    assert_eq!(world.spent.len(), 1);
    assert_eq!(world.rules, ["AUTH", "AUTH_RELEASED", "CAPTURE"]);
    world.has_recorded_history("upgrade");
}

#[test]
fn p3_the_hold_says_whether_the_customer_is_there_or_agreed_by_contract() {
    for (basis, presence) in [
        (Basis::Customer, Presence::Present),
        (Basis::Contract { reference: "MSA-7, 4.2".to_owned() }, Presence::Absent),
    ] {
        let mut world = World::new();
        world.ask("max-monthly");
        let hash = world.preview().hash.clone();
        world.accept_hash(&hash, basis);
        let said = world.log.iter().find_map(|record| match record {
            Record::Step(StepEvent::Requested {
                effect: Effect::Braintree(Braintree::Authorise { presence, .. }),
                ..
            }) => Some(*presence),
            _ => None,
        });
        assert_eq!(said, Some(presence));
    }
}

#[test]
fn e1_an_acceptance_of_an_old_preview_leads_to_a_new_one_and_to_nothing_else() {
    let mut world = World::new();
    world.ask("max-monthly");
    let old = world.preview().hash.clone();
    world.pass(TimeDelta::minutes(16));
    world.accept_hash(&old, Basis::Customer);
    assert_eq!(world.state(), "Previewed");
    assert_ne!(world.preview().hash, old, "it is another promise: with a later end");
    assert_eq!((world.called("authorise"), world.claims.len()), (0, 0));
    world.accept();
    assert_eq!(world.state(), "Recording");
    world.has_recorded_history("preview_expired");
}

#[test]
fn e1_a_hash_that_was_not_shown_is_refused() {
    let mut world = World::new();
    world.ask("max-monthly");
    let command = world.acceptance("another", Basis::Customer);
    world.tell(command);
    assert_eq!((world.heard_refused(), world.state().as_str()), (1, "Previewed"));
}

#[test]
fn e1_an_acceptance_of_another_text_is_refused() {
    let mut world = World::new();
    world.ask("max-monthly");
    let hash = world.preview().hash.clone();
    let Command::Accepted { mut consent, hash, basis, by } = world.acceptance(&hash, Basis::Customer) else { panic!() };
    consent.version = "0".to_owned();
    world.tell(Command::Accepted { hash, consent, basis, by });
    assert_eq!((world.heard_refused(), world.state().as_str()), (1, "Previewed"));
}

#[test]
fn e1_a_subscription_that_was_changed_since_the_preview_is_previewed_anew_under_no_fence() {
    let mut world = World::new();
    world.ask("max-monthly");
    world.terms.changed_at = Some("t9".to_owned());
    world.accept();
    assert_eq!((world.state().as_str(), world.called("authorise")), ("Previewed", 0));
    assert_eq!(world.preview().version.as_deref(), Some("t9"));
    assert!(world.claims.is_empty());
    world.accept();
    assert_eq!(world.state(), "Recording");
}

#[test]
fn e1_the_same_acceptance_again_changes_nothing() {
    let mut world = World::new();
    world.ask("max-monthly");
    let hash = world.preview().hash.clone();
    world.accept();
    let before = world.log.len();
    world.accept_hash(&hash, Basis::Customer);
    assert_eq!((world.heard_refused(), world.log.len() - before), (0, 1), "it was heard, and nothing followed");
    assert_eq!(world.called("authorise"), 1);
}

#[test]
fn e2_work_of_another_saga_on_the_subscription_is_not_waited_for() {
    let mut claimed = World::new();
    claimed.survey.claimed_by = Some(SagaId::derived("test", &["cancellation"]));
    claimed.press("Change plan");
    claimed.changed_nothing("Refused");
    assert!(claimed.face().last_error.contains("being carried out: wait until it is over"));
    claimed.has_recorded_history("busy");

    let mut later = World::new();
    later.press("Change plan");
    later.busy = true;
    later.accept();
    later.changed_nothing("Refused");
}

#[test]
fn e2_an_open_invoice_is_paid_first() {
    let mut world = World::new();
    world.press("Change plan");
    world.raised = vec![billed("76", 0), billed("77", 10_000)];
    world.accept();
    world.changed_nothing("Refused");
    assert!(world.face().last_error.contains("INV-77 is open with 100.00 EUR: have it paid first"));
    world.has_recorded_history("invoice_open");
}

#[test]
fn e2_what_is_dunned_ends_has_ended_or_is_collected_by_others_is_not_changed() {
    for (status, why) in [
        ("dunning", "not paid"),
        ("unpaid", "not paid"),
        ("non_renewing", "`Reactivate` first"),
        ("cancelled", "has ended"),
        ("paused", "paused"),
        ("future", "not begun"),
    ] {
        let mut world = World::new();
        status.clone_into(&mut world.terms.status);
        world.press("Change plan");
        world.changed_nothing("Refused");
        assert!(world.face().last_error.contains(why), "{status}: {}", world.face().last_error);
    }
    for owner in [None, Some(CollectionOwner::ZohoNative), Some(CollectionOwner::BraintreeRecurring)] {
        let mut world = World::new();
        world.survey.owner = owner;
        world.press("Change plan");
        world.changed_nothing("Refused");
    }
    let mut automatic = World::new();
    automatic.terms.auto_collect = true;
    automatic.press("Change plan");
    automatic.changed_nothing("Refused");
}

#[test]
fn what_is_sold_already_does_not_exist_or_is_billed_otherwise_is_refused_with_the_cure() {
    let mut same = World::new();
    same.ask("pro-monthly");
    same.changed_nothing("Refused");
    assert!(same.face().last_error.contains("sold already"));

    let mut unknown = World::new();
    unknown.say("zoho.read_offer", rejected(RejectionKind::NotFound, "1002"));
    unknown.ask("none-monthly");
    unknown.changed_nothing("Refused");

    let mut none = World::new();
    none.ask_for(Wanted { quantity: 0, ..wanted("max-monthly") }, None);
    none.changed_nothing("Refused");

    let mut unnamed = World::new();
    unnamed.request.plan = None;
    unnamed.press("Change plan");
    unnamed.changed_nothing("Refused");
    assert!(unnamed.face().last_error.contains("no plan is named"));
}

#[test]
fn a_quote_that_nobody_accepts_lapses_without_a_trace_at_the_vendors() {
    let mut world = World::new();
    world.press("Quote");
    assert_eq!(world.state(), "Previewed");
    world.pass(TimeDelta::days(8));
    world.changed_nothing("Lapsed");
    assert!(world.face().last_error.contains("nobody agreed in time"));
    world.has_recorded_history("lapsed");
}

#[test]
fn a_further_press_reckons_anew_with_what_the_record_says_by_then() {
    let mut world = World::new();
    world.press("Quote");
    world.pass(TimeDelta::minutes(1));
    world.request.quantity = Some(2);
    world.press("Change plan");
    assert_eq!(world.preview().wanted.quantity, 2);
    assert_eq!(world.face().answers.as_ref().map(|act| act.act.as_str()), Some("Change plan"));
    let told = world.log.len();
    let press = world.request.clone();
    world.press("Change plan");
    assert_eq!(world.log.len(), told + 1, "the same press again is heard, and that is all");
    assert_eq!(press.act.as_deref(), Some("Change plan"));
}

#[test]
fn a_change_that_is_called_off_before_zoho_made_it_is_undone() {
    let mut early = World::new();
    early.ask("max-monthly");
    early.tell(Command::CancelOrdered { reason: "changed their mind".to_owned() });
    early.changed_nothing("Cancelled");

    let mut late = World::new();
    late.ask("max-monthly");
    let hash = late.preview().hash.clone();
    let accepted = late.acceptance(&hash, Basis::Customer);
    late.deliver(accepted);
    late.run_until("authorise");
    late.deliver(Command::CancelOrdered { reason: "changed their mind".to_owned() });
    late.run();
    late.changed_nothing("Cancelled");
    assert_eq!((late.called("authorise"), late.called("undo authorise")), (1, 1));
    assert_eq!(late.saga.flow.ended, Some(End::Compensated));
    late.has_recorded_history("called_off");
}

#[test]
fn a_change_that_zoho_has_made_is_not_called_off() {
    let mut world = World::new();
    world.ask("max-monthly");
    world.accept();
    world.tell(Command::CancelOrdered { reason: "changed their mind".to_owned() });
    assert_eq!((world.heard_refused(), world.state().as_str()), (1, "Recording"));
}

#[test]
fn a_plan_with_another_term_begins_it_today_less_what_was_paid_for_the_old_one() {
    let mut world = World::new();
    world.price = 100_000;
    let yearly = |world: &mut World| {
        let mut offer = crate::kernel::tests::samples::offer(world.now);
        offer.plan.code = "max-yearly".to_owned();
        offer.plan.interval = 1;
        offer.plan.unit = TermUnit::Years;
        offer.plan.price = eur(100_000);
        offer.plan.tax = crate::kernel::offer::Tax::Rate { ppm: 0 };
        crate::kernel::answer::Answer::Offer(Box::new(offer))
    };
    let answer = yearly(&mut world);
    world.say("zoho.read_offer", crate::kernel::outcome::Outcome::Done { answer });
    world.ask("max-yearly");
    assert_eq!(sums(world.preview()), (eur(100_000 - 9_032), eur(100_000 - 9_030), eur(100_000)));
    assert_eq!(world.preview().renews_on, day("2025-10-04"));
}
