//! The start where Braintree's own recurring billing collects: what it refuses, its pivot, and what a declined first charge
//! leaves.

use super::world::{GROSS, World, day, declined, eur, input, rejected, stored, unknown};
use crate::kernel::answer::{CollectionOwner, InvoicePayment};
use crate::kernel::effect::{Effect, FirstTerm, FirstTermKind, LetterFacts, RecurringOrder};
use crate::kernel::money::Money;
use crate::kernel::offer::{AddonOffer, Bracket, CouponOffer, Discount, Scheme, Tax, TermUnit};
use crate::kernel::outcome::{DeclineKind, Look, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::recurring::Begun;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::{Act, Advice, Command, PageStage};
use chrono::TimeDelta;

fn by_braintree(change: impl FnOnce(&mut World)) -> impl FnOnce(&mut World) {
    |world| {
        world.collected_by = CollectionOwner::BraintreeRecurring;
        change(world);
    }
}

fn submitted(change: impl FnOnce(&mut World)) -> World {
    World::submitted(by_braintree(change))
}

fn order(world: &World) -> &RecurringOrder {
    world.recurring.last().expect("a subscription at Braintree")
}

/// What the flow that mirrors the charges was told.
fn begun(world: &World) -> Begun {
    let told = world.tells.iter().find(|message| message.flow == "braintree_recurring").expect("the mirror is told");
    serde_json::from_value(told.command["begun"].clone()).expect("in its words")
}

fn more(minor: i64) -> FirstTerm {
    FirstTerm { kind: FirstTermKind::AddOn, modification: "first-term-more".to_owned(), amount: eur(minor) }
}

fn less(minor: i64) -> FirstTerm {
    FirstTerm { kind: FirstTermKind::Discount, modification: "first-term-less".to_owned(), amount: eur(minor) }
}

#[test]
fn p1_to_p4_a_card_is_vaulted_and_braintrees_subscription_takes_the_first_invoice_with_it() {
    let mut w = World::started(by_braintree(|_| {}));
    w.calls.clear();
    w.submit(input(1));
    assert_eq!(
        w.calls,
        [
            "claim",
            "enrol",
            "create_braintree_customer",
            "link_customer",
            "vault",
            "find_zoho_customer",
            "zoho_customer",
            "link_zoho_customer",
            "claim",
            "subscribe",
            "confirm_subscription",
            "claim",
            "adopt",
            "first_invoice",
            "claim",
            "read_invoice",
            "begin_recurring",
            "hand_over",
            "show",
        ]
    );
    let made = order(&w).clone();
    assert_eq!((made.plan.as_str(), made.price, made.first_charge_on), ("billing-eur-1m", eur(GROSS), None));
    assert_eq!(made.first_term, None);
    assert_eq!(w.effects.iter().filter(|e| e.operation() == "braintree.authorise").count(), 0, "nothing is held");
    assert_eq!((w.balance(9100), w.balance(1110), w.balance(2100)), (0, GROSS, -GROSS));
    assert!(w.holds.contains("captured_not_recorded"));
    assert!(matches!(w.stage(), PageStage::Paid { .. }));
    let told = begun(&w);
    assert_eq!((told.recurring.as_str(), told.charged.as_deref()), (made.subscription.as_str(), Some("tx1")));
    assert_eq!((told.zoho_subscription.as_str(), told.next_charge_on), ("zs1", Some(day("2026-12-02"))));
    assert_eq!(made.subscription, format!("s-{}", told.subscription));
    let adopted = w.effects.iter().find_map(|effect| match effect {
        Effect::Desk(crate::kernel::effect::Desk::AdoptSubscription { owner, .. }) => Some(*owner),
        _ => None,
    });
    assert_eq!(adopted, Some(CollectionOwner::BraintreeRecurring));

    w.record();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Active", Some(End::Completed)));
    assert_eq!(w.last_shown().collection_owner.as_deref(), Some("braintree_recurring"));
    assert!(matches!(w.letters[1].about, LetterFacts::Receipt { .. }));
}

#[test]
fn p1_a_price_that_braintree_cannot_express_is_refused_before_any_card() {
    let bracket = |from, to, minor| Bracket { from, to, price: eur(minor) };
    let addon = || AddonOffer {
        code: "seats".to_owned(),
        name: "Seats".to_owned(),
        active: true,
        fits_plan: true,
        recurring: true,
        scheme: Scheme::Tier,
        brackets: vec![bracket(1, Some(10), 500), bracket(11, None, 400)],
        tax: Tax::Rate { ppm: 190_000 },
    };
    let coupon = |invoices, discount| CouponOffer {
        code: "HALF".to_owned(),
        active: true,
        fits_plan: true,
        on_addons: false,
        invoices,
        discount,
    };
    for (why, change) in [
        ("by the month", Box::new(|w: &mut World| w.offer.plan.unit = TermUnit::Weeks) as Box<dyn FnOnce(&mut World)>),
        ("fixed price", Box::new(|w| w.offer.plan.tax = Tax::Unknown)),
        ("follows from its quantity", Box::new(move |w| w.offer.addons = vec![addon()])),
        ("several terms", Box::new(move |w| w.offer.coupon = Some(coupon(Some(3), Discount::Share { ppm: 500_000 })))),
        (
            "nothing is to be charged later",
            Box::new(move |w| w.offer.coupon = Some(coupon(None, Discount::Share { ppm: 1_000_000 }))),
        ),
    ] {
        let w = World::started(by_braintree(change));
        assert_eq!((w.state().as_str(), w.letters.len()), ("Refused", 0), "{why}");
        let error = &w.last_shown().last_error;
        assert!(error.to_lowercase().contains(why), "{why}: {error}");
    }
}

#[test]
fn p4_what_is_charged_once_is_an_add_on_and_what_is_taken_off_once_a_discount() {
    let w = submitted(|w| {
        w.offer.plan.setup_fee = eur(5_000);
        w.invoice_total = Some(GROSS + 5_950);
    });
    assert_eq!((order(&w).price, order(&w).first_term.clone()), (eur(GROSS), Some(more(5_950))));
    assert_eq!(w.balance(1110), GROSS + 5_950);
    let w = submitted(|w| w.invoice_total = Some(4_900));
    assert_eq!(order(&w).first_term, Some(less(GROSS - 4_900)));
    assert_eq!(w.balance(1110), 4_900, "Zoho's figure is taken, not the quote's");
}

#[test]
fn p4_what_begins_later_is_first_charged_on_zohos_day_with_what_is_charged_once() {
    let w = submitted(|w| {
        w.offer.plan.trial_days = 14;
        w.offer.plan.setup_fee = eur(5_000);
    });
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Active", Some(End::Completed)));
    assert_eq!(order(&w).first_charge_on, Some(day("2026-11-16")));
    assert_eq!(order(&w).first_term, Some(more(5_950)), "the setup fee is charged with the first term");
    assert_eq!((begun(&w).charged, w.open_accounts()), (None, Vec::new()));
}

#[test]
fn p4_an_invoice_that_owes_nothing_leaves_the_first_charge_to_the_next_term() {
    let w = submitted(|w| w.invoice_total = Some(0));
    assert_eq!((order(&w).first_charge_on, order(&w).first_term.clone()), (Some(day("2026-12-02")), None));
    assert_eq!(w.open_accounts(), []);

    // Paid by somebody else in the last moment.
    let mut w = World::started(by_braintree(|_| {}));
    w.submit_until("read_invoice");
    w.pay_elsewhere();
    w.run();
    assert_eq!((w.state().as_str(), order(&w).first_charge_on), ("Active", Some(day("2026-12-02"))));
}

#[test]
fn p3_an_invoice_above_what_was_accepted_undoes_all_and_asks_again() {
    let w = submitted(|w| w.invoice_total = Some(GROSS + 1));
    assert!(w.recurring.is_empty(), "nothing was begun at Braintree");
    assert_eq!(w.count("ActivationUndone"), 1);
    assert!(matches!(w.stage(), PageStage::Quoted { .. }), "the customer sees the new price: {:?}", w.stage());
}

#[test]
fn e1_a_declined_first_charge_undoes_zoho_and_the_customer_is_at_the_same_page_again() {
    let mut w = submitted(|w| w.say("braintree.create_subscription", declined(DeclineKind::Processor, "2001")));
    let quote = w.quote();
    assert_eq!((w.state().as_str(), w.recurring.len()), ("LinkSent", 0));
    assert_eq!(w.subscriptions[0].status, "cancelled");
    assert!(w.methods.is_empty(), "the card that was vaulted here is gone");
    assert!(!w.owner);
    match w.stage() {
        PageStage::Quoted { declined, .. } => assert_eq!(declined, Some(Advice::AnotherCard)),
        other => panic!("not at the form: {other:?}"),
    }
    assert_eq!((w.page().link, w.letters.len()), (1, 1), "the same link, and no other letter");
    assert_eq!(w.open_accounts(), []);

    w.submit(input(2));
    w.record();
    assert_eq!((w.state().as_str(), w.quote()), ("Active", quote));
    assert_eq!(w.subscriptions.iter().filter(|s| s.status == "live").count(), 1);
    assert_eq!(w.recurring.len(), 1, "under the same id, which was free still");
    assert_eq!(w.balance(1110), GROSS);
}

#[test]
fn e1_a_card_on_file_stays_when_its_first_charge_is_declined() {
    let mut w = World::started(by_braintree(|w| {
        w.linked();
        w.say("braintree.create_subscription", declined(DeclineKind::Processor, "2001"));
    }));
    w.submit(stored("m-old"));
    assert_eq!((w.state().as_str(), w.methods.len()), ("LinkSent", 1));
}

#[test]
fn e2_an_unknown_start_is_looked_up_and_adopted_or_sent_again_under_the_same_id() {
    let w = submitted(|w| w.say("braintree.create_subscription", unknown()));
    assert_eq!(w.state(), "InvoiceClaimed", "nothing follows before it is known");
    assert_eq!((w.balance(1110), w.called("begin_recurring")), (0, 1));

    // Found: adopted as if it had been answered.
    let mut w = submitted(|w| w.say("braintree.create_subscription", unknown()));
    let open = w.saga.flow.open.clone().expect("it is open");
    let outcome = w.answer(&open);
    w.looks.push_back(Look::Found { outcome: Box::new(outcome), extra: Vec::new() });
    w.pass(TimeDelta::minutes(5));
    assert_eq!((w.state().as_str(), w.balance(1110)), ("Recording", GROSS));

    // Proven absent: the same id goes out again.
    let mut w = submitted(|w| w.say("braintree.create_subscription", unknown()));
    w.looks.extend([
        Look::Absent { watermark: true, key_proven: false },
        Look::Absent { watermark: true, key_proven: false },
    ]);
    w.pass(TimeDelta::minutes(10));
    assert_eq!((w.state().as_str(), w.recurring.len(), w.balance(1110)), ("Recording", 1, GROSS));
}

#[test]
fn p4_what_braintree_refuses_for_good_undoes_all_with_the_cure() {
    let w = submitted(|w| w.say("braintree.create_subscription", rejected(RejectionKind::Invalid, "91904")));
    assert_eq!((w.state().as_str(), w.open_accounts()), ("Failed", Vec::new()));
    assert!(w.last_shown().last_error.contains("Make at Braintree"), "{}", w.last_shown().last_error);
    assert!(matches!(w.letters.last().map(|l| &l.about), Some(LetterFacts::ActivationFailed { .. })));
}

#[test]
fn p4_another_sum_than_the_invoices_is_booked_and_a_person_looks() {
    let mut w = submitted(|w| w.odd.push_back(Box::new(|t| t.amount = Money::new(1, t.amount.currency))));
    assert_eq!((w.parked(), w.balance(1110)), (Some(ParkCode::AnswerMismatch), 1));
    w.resume();
    assert_eq!(w.state(), "Recording");
}

#[test]
fn p4_a_start_that_shows_no_charge_is_looked_at_by_a_person_and_mirrored_from_then_on() {
    let mut w = World::started(by_braintree(|_| {}));
    w.submit_until("begin_recurring");
    let open = w.saga.flow.open.clone().expect("it is open");
    let Outcome::Done { answer: crate::kernel::answer::Answer::Recurring(mut shown) } = w.answer(&open) else {
        panic!("not made")
    };
    shown.transactions.clear();
    w.say("braintree.create_subscription", Outcome::Done { answer: crate::kernel::answer::Answer::Recurring(shown) });
    w.run();
    assert_eq!((w.parked(), begun(&w).charged), (Some(ParkCode::AnswerMismatch), None));
    w.resume();
    assert_eq!((w.state().as_str(), w.open_accounts()), ("Active", Vec::new()));
}

#[test]
fn p4_what_is_called_off_before_the_pivot_is_undone_and_not_after_it() {
    let mut w = World::started(by_braintree(|_| {}));
    w.submit_until("adopt");
    w.cancel();
    assert_eq!((w.state().as_str(), w.recurring.len()), ("Cancelled", 0));
    let w = submitted(|_| {});
    let refused = w.refusal(&Command::CancelOrdered { reason: "late".to_owned() });
    assert_eq!(refused, "captured");
    assert_eq!(w.refusal(&World::press_of(Act::CancelNow, w.now + TimeDelta::minutes(1))), "");
}

#[test]
fn p3_a_payment_from_elsewhere_is_seen_before_braintree_charges() {
    let mut w = World::started(by_braintree(|_| {}));
    w.submit_until("begin_recurring");
    w.now += TimeDelta::minutes(2);
    let partly = InvoicePayment {
        id: "zp8".to_owned(),
        reference: "cheque".to_owned(),
        mode: "check".to_owned(),
        amount: eur(4_000),
    };
    let invoice = w.invoice.as_mut().expect("an invoice");
    invoice.payments.push(partly);
    invoice.balance = eur(GROSS - 4_000);
    w.run();
    assert_eq!(w.count("InvoiceOutdated"), 1, "the read was too old");
    assert_eq!((order(&w).first_term.clone(), w.balance(1110)), (Some(less(4_000)), GROSS - 4_000));
}
