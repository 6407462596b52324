//! Edges of the customer, the subscription and the first invoice at Zoho, and of the undo.

use super::world::{World, declined, eur, input, rejected, subscription, unknown};
use crate::kernel::answer::{Answer, ZohoCustomer};
use crate::kernel::outcome::{DeclineKind, Look, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples;
use crate::subscription_activation::PageStage;
use chrono::TimeDelta;

fn undone(w: &World, word: &str) {
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Failed", Some(End::Compensated)));
    let face = w.last_shown();
    assert_eq!((face.subscription_status.as_str(), face.payment_status.as_str()), ("Failed", "Failed"));
    assert!(face.last_error.contains(word) && face.last_error.contains("Retry"), "{}", face.last_error);
    assert_eq!(w.open_accounts(), []);
    assert!(matches!(w.stage(), PageStage::Failed { .. }));
}

#[test]
fn e14_a_refused_zoho_customer_undoes_the_hold_and_the_vault() {
    let w = World::submitted(|w| w.say("zoho.create_customer", rejected(RejectionKind::Invalid, "3062")));
    undone(&w, "3062");
    assert_eq!(
        w.calls.iter().filter(|c| c.starts_with("undo")).collect::<Vec<_>>(),
        ["undo authorise", "undo link_customer", "undo create_braintree_customer"]
    );
    assert!(w.methods.is_empty());
}

#[test]
fn e14_a_refused_subscription_is_undone_in_reverse() {
    let w = World::submitted(|w| w.say("zoho.create_subscription", rejected(RejectionKind::Invalid, "102")));
    undone(&w, "102");
    assert_eq!(
        w.calls.iter().filter(|c| c.starts_with("undo")).collect::<Vec<_>>(),
        [
            "undo link_zoho_customer",
            "undo zoho_customer",
            "undo authorise",
            "undo link_customer",
            "undo create_braintree_customer"
        ]
    );
}

#[test]
fn e15_an_unknown_subscription_is_found_by_its_reference() {
    let mut w = World::submitted(|w| w.say("zoho.create_subscription", unknown()));
    let reference = format!("demo1.sub.{}.1", World::id().0.simple());
    let made = subscription("zs1", &reference, "live");
    w.subscriptions.push(made.clone());
    w.invoice = Some(w.bill("zs1", super::world::GROSS));
    let outcome = Outcome::Done { answer: Answer::Subscription(Box::new(made)) };
    w.looks.push_back(Look::Found { outcome: Box::new(outcome), extra: Vec::new() });
    w.pass(TimeDelta::minutes(3));
    assert_eq!((w.state().as_str(), w.called("subscribe")), ("Recording", 1));
}

#[test]
fn e15_of_two_subscriptions_the_older_is_kept_and_the_newer_undone() {
    let mut w = World::started(|_| {});
    w.submit_until("confirm_subscription");
    let mut twin = w.subscriptions[0].clone();
    "zs0".clone_into(&mut twin.id);
    w.subscriptions.insert(0, twin);
    w.invoice = Some(w.bill("zs0", super::world::GROSS));
    w.run();
    assert_eq!(w.state(), "Recording");
    assert_eq!(w.subscriptions.iter().map(|s| s.status.as_str()).collect::<Vec<_>>(), ["live", "cancelled"]);
    let face = w.last_shown();
    assert_eq!(face.zoho_subscription.as_deref(), Some("zs0"));
}

#[test]
fn e15_a_subscription_that_the_list_does_not_show_is_looked_for_then_a_person_looks() {
    let mut w = World::started(|_| {});
    w.submit_until("confirm_subscription");
    let made = w.subscriptions.remove(0);
    w.run();
    w.pass(TimeDelta::minutes(30));
    assert_eq!((w.parked(), w.called("confirm_subscription")), (Some(ParkCode::UnknownVendorState), 5));
    w.subscriptions.push(made);
    w.resume();
    assert_eq!(w.state(), "Recording");
}

#[test]
fn e16_a_claim_that_another_saga_holds_is_waited_for() {
    let mut w = World::started(|_| {});
    w.submit_until("subscribe");
    w.say("desk.claim", declined(DeclineKind::Busy, "zoho_subscription"));
    w.run();
    assert_eq!(w.stage(), PageStage::Confirming);
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.state().as_str(), w.count("ClaimBusy")), ("Recording", 1));
}

#[test]
fn e17_an_invoice_that_comes_late_is_looked_for_at_its_times() {
    let mut w = World::submitted(|w| w.invoice_total = None);
    assert_eq!(w.called("first_invoice"), 1);
    w.pass(TimeDelta::seconds(70));
    assert_eq!(w.called("first_invoice"), 3);
    w.invoice = Some(w.bill("zs1", super::world::GROSS));
    w.pass(TimeDelta::minutes(5));
    assert_eq!((w.state().as_str(), w.called("first_invoice")), ("Recording", 4));
}

#[test]
fn e17_without_an_invoice_or_with_a_draft_a_person_looks_and_it_goes_on() {
    let mut none = World::submitted(|w| w.invoice_total = None);
    none.pass(TimeDelta::minutes(30));
    assert_eq!((none.parked(), none.called("first_invoice")), (Some(ParkCode::NoInvoice), 5));
    assert_eq!(none.last_shown().action_needed, "Finance or an operator must decide");
    none.invoice = Some(none.bill("zs1", super::world::GROSS));
    none.resume();
    assert_eq!(none.state(), "Recording");
    let mut draft = World::started(|_| {});
    draft.submit_until("first_invoice");
    "draft".clone_into(&mut draft.invoice.as_mut().expect("an invoice").status);
    draft.run();
    draft.pass(TimeDelta::minutes(30));
    assert_eq!(draft.parked(), Some(ParkCode::NoInvoice));
}

#[test]
fn e17_what_waits_for_a_person_is_no_subscription_on_the_record_yet() {
    let mut w = World::submitted(|w| w.invoice_total = None);
    w.pass(TimeDelta::minutes(30));
    assert_eq!(w.state(), "Held");
    let face = w.last_shown();
    assert_eq!((&face.external_id, &face.zoho_subscription, &face.collection_owner), (&None, &None, &None));
}

#[test]
fn e17_an_invoice_that_never_comes_is_undone_once_the_hold_is_old() {
    let mut w = World::submitted(|w| w.invoice_total = None);
    w.pass(TimeDelta::hours(30));
    w.resume();
    assert_eq!((w.state().as_str(), w.page().link), ("LinkSent", 2));
    assert_eq!(w.open_accounts(), []);
}

#[test]
fn e18_a_balance_of_nothing_releases_the_hold_and_goes_on() {
    let w = World::submitted(|w| w.invoice_total = Some(0));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Active", Some(End::Completed)));
    assert_eq!((w.rules.as_slice(), w.called("capture")), (["AUTH", "AUTH_RELEASED"].as_slice(), 0));
    assert!(matches!(w.stage(), PageStage::Started { .. }));
}

#[test]
fn e20_over_the_ceiling_all_is_undone_and_asked_again_with_zohos_total() {
    let mut w = World::submitted(|w| w.invoice_total = Some(12_500));
    assert_eq!((w.state().as_str(), w.page().link), ("LinkSent", 2));
    assert_eq!(w.open_accounts(), []);
    assert_eq!(w.subscriptions[0].status, "cancelled");
    assert_eq!((w.quote().due_today, w.quote().ceiling), (eur(12_500), eur(12_500)));
    let lines: i64 = w.quote().lines.iter().map(|l| l.net.minor + l.tax.map_or(0, |t| t.minor)).sum();
    assert_eq!(lines, 12_500);
    assert_eq!(w.letters.len(), 2);
    w.submit(input(2));
    w.record();
    assert_eq!((w.state().as_str(), w.balance(1110)), ("Active", 12_500));
    assert!(w.subscriptions[1].reference.ends_with(".2"), "a new subscription has a new reference");
}

#[test]
fn e20_over_the_ceiling_a_second_time_is_undone_and_a_person_looks() {
    let mut w = World::submitted(|w| w.invoice_total = Some(12_500));
    w.invoice_total = Some(13_000);
    w.submit(input(2));
    assert_eq!(w.parked(), Some(ParkCode::AmountMismatch));
    assert_eq!((w.open_accounts(), w.subscriptions[1].status.as_str()), (Vec::new(), "cancelled"));
    w.resume();
    assert_eq!((w.state().as_str(), w.quote().due_today), ("LinkSent", eur(13_000)));
}

#[test]
fn e20_another_currency_is_undone_with_the_cure() {
    let mut w = World::started(|_| {});
    w.submit_until("first_invoice");
    let invoice = w.invoice.as_mut().expect("an invoice");
    invoice.balance.currency = iso_currency::Currency::USD;
    w.run();
    assert_eq!(w.state(), "Failed");
    assert!(w.last_shown().last_error.contains("currency"));
}

#[test]
fn e21_paid_elsewhere_releases_the_hold_and_goes_on() {
    let mut w = World::started(|_| {});
    w.submit_until("first_invoice");
    w.pay_elsewhere();
    w.run();
    assert_eq!((w.state().as_str(), w.called("capture")), ("Active", 0));
    assert_eq!(w.last_shown().payment_status, "Paid");
}

#[test]
fn e21_paid_elsewhere_in_the_last_moment_is_seen_by_the_fresh_read() {
    let mut w = World::started(|_| {});
    w.submit_until("read_invoice");
    w.pay_elsewhere();
    w.run();
    assert_eq!((w.state().as_str(), w.called("capture"), w.balance(9100)), ("Active", 0, 0));
}

#[test]
fn e22_after_a_day_all_is_undone_and_the_customer_gets_a_new_link() {
    let mut w = World::started(|_| {});
    w.submit_until("subscribe");
    w.now += TimeDelta::hours(25);
    w.run();
    assert_eq!((w.state().as_str(), w.page().link, w.letters.len()), ("LinkSent", 2, 2));
    assert_eq!((w.open_accounts(), w.called("subscribe")), (Vec::new(), 0));
    w.submit(input(2));
    assert_eq!(w.state(), "Recording");
    assert!(w.transactions["tx2"].order_id.ends_with(".2"), "nothing of the old hold is used again");
}

#[test]
fn e29_the_customer_that_an_undo_retired_is_revived_instead_of_making_a_second_one() {
    let mut w = World::submitted(|w| w.invoice_total = Some(12_500));
    assert_eq!((w.called("zoho_customer"), w.retired.len()), (1, 1));
    w.submit(input(2));
    w.record();
    assert_eq!((w.state().as_str(), w.called("zoho_customer"), w.called("revive_zoho_customer")), ("Active", 1, 1));
    assert!(w.retired.is_empty());
    assert_eq!(w.enrolment.zoho_customer.as_deref(), Some("zc1"), "linked again");
}

#[test]
fn e29_a_later_press_revives_the_customer_too_and_its_undo_retires_it_again() {
    let retired = |currency: &str| ZohoCustomer {
        id: format!("zc-{currency}"),
        currency: currency.to_owned(),
        active: false,
        ..samples::zoho_customer()
    };
    let mut w = World::submitted(|w| {
        w.retired = vec![retired("USD"), retired("EUR")];
        w.say("zoho.create_subscription", rejected(RejectionKind::Invalid, "102"));
    });
    undone(&w, "102");
    assert_eq!((w.called("zoho_customer"), w.called("undo revive_zoho_customer")), (0, 1));
    assert_eq!(w.retired.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["zc-USD", "zc-EUR"]);
    w = World::submitted(|w| w.retired = vec![retired("USD")]);
    assert_eq!((w.called("zoho_customer"), w.called("revive_zoho_customer")), (1, 0), "billed otherwise, for ever");
}

#[test]
fn e29_a_retired_customer_that_somebody_deleted_meanwhile_is_made_anew() {
    let w = World::submitted(|w| {
        let gone = ZohoCustomer { id: "zc-gone".to_owned(), active: false, ..w.zoho_customer.clone() };
        w.retired = vec![gone];
        w.say("zoho.revive_customer", rejected(RejectionKind::NotFound, "1002"));
    });
    assert_eq!((w.state().as_str(), w.called("zoho_customer"), w.count("RetiredCustomerGone")), ("Recording", 1, 1));
}

#[test]
fn e22_a_hold_that_ends_early_is_let_go_a_day_before() {
    let mut w = World::started(|_| {});
    w.odd.push_back(Box::new(|t| t.hold_expires_at = Some(t.created_at + TimeDelta::hours(30))));
    w.submit_until("subscribe");
    w.now += TimeDelta::hours(7);
    w.run();
    assert_eq!((w.state().as_str(), w.page().link), ("LinkSent", 2));
}

#[test]
fn e28_an_undo_that_is_refused_waits_for_a_person_and_claims_stay() {
    let mut w = World::submitted(|w| {
        w.say("zoho.create_subscription", rejected(RejectionKind::Invalid, "102"));
        w.say("braintree.void", rejected(RejectionKind::State, "91504"));
    });
    assert_eq!(w.parked(), Some(ParkCode::CompensationStuck));
    assert!(!w.claims.is_empty());
    w.resume();
    undone(&w, "102");
}

#[test]
fn e29_what_was_there_before_is_left_alone() {
    let w = World::submitted(|w| {
        w.linked();
        w.say("zoho.create_subscription", rejected(RejectionKind::Invalid, "102"));
    });
    undone(&w, "102");
    assert_eq!(w.methods.iter().map(|m| m.token.as_str()).collect::<Vec<_>>(), ["m-old"], "only the new card goes");
    assert_eq!(w.enrolment.zoho_customer.as_deref(), Some("zc1"));
    assert_eq!(w.called("forget_card"), 1);
}

#[test]
fn e29_a_new_card_that_something_uses_by_now_stays() {
    let w = World::submitted(|w| {
        w.linked();
        w.say("zoho.create_subscription", rejected(RejectionKind::Invalid, "102"));
        w.say("braintree.delete_method", rejected(RejectionKind::State, "in_use"));
    });
    undone(&w, "102");
    assert_eq!((w.methods.len(), w.count("CardKept")), (2, 1));
}

#[test]
fn e31_a_status_that_no_new_subscription_has_undoes_all() {
    let w = World::submitted(|w| w.subscription_status = "creation_failed");
    undone(&w, "creation_failed");
    assert_eq!(w.tasks.len(), 1);
}

#[test]
fn e31_a_trial_where_money_was_held_has_nothing_due_now() {
    let w = World::submitted(|w| w.subscription_status = "trial");
    assert_eq!((w.state().as_str(), w.balance(9100), w.called("capture")), ("Active", 0, 0));
}

#[test]
fn an_answer_with_another_reference_is_held_and_undone() {
    let mut w = World::started(|_| {});
    w.submit_until("subscribe");
    let other = subscription("zs1", "other", "live");
    w.subscriptions.push(other.clone());
    w.say("zoho.create_subscription", Outcome::Done { answer: Answer::Subscription(Box::new(other)) });
    w.run();
    assert_eq!(w.parked(), Some(ParkCode::AnswerMismatch));
    w.resume();
    assert_eq!((w.state().as_str(), w.subscriptions[0].status.as_str()), ("Failed", "cancelled"));
}
