//! The way on which all goes well, and the ways on which nothing is due.

use super::world::{GROSS, World, day, eur, input, stored};
use crate::kernel::effect::{ClaimKind, LetterFacts};
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::subscription_activation::{Act, Command, PageStage};
use serde_json::json;

#[test]
fn p1_to_p13_a_press_becomes_an_active_and_paid_subscription() {
    let mut w = World::started(|_| {});
    assert_eq!(w.calls, ["read_request", "enrol", "read_person", "claim", "read_offer", "claim", "show", "letter"]);
    assert_eq!(w.state(), "LinkSent");
    let face = w.last_shown();
    assert!(face.answers_act);
    assert_eq!(
        (face.subscription_status.as_str(), face.payment_status.as_str(), face.checkout.status.as_str()),
        ("Awaiting payment method", "Pending", "Link ready")
    );
    assert_eq!(face.quote_text, "119.00 EUR today; then 119.00 EUR every month from 2026-12-02");
    assert_eq!(w.letters[0].link, face.checkout.link);
    w.calls.clear();
    w.tell(Command::Opened { link: 1 });
    assert_eq!((w.calls.as_slice(), w.last_shown().answers_act), (["show".to_owned()].as_slice(), false));
    w.calls.clear();
    w.submit(input(1));
    assert_eq!(
        w.calls,
        [
            "claim",
            "enrol",
            "create_braintree_customer",
            "link_customer",
            "authorise",
            "count_card",
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
            "capture",
            "hand_over",
            "show",
        ]
    );
    assert_eq!((w.state().as_str(), w.page().stage.clone()), ("Recording", paid()));
    assert_eq!((w.balance(9100), w.balance(1110), w.balance(2100)), (0, GROSS, -GROSS));
    assert!(w.holds.contains("captured_not_recorded"), "the invoice's stream lifts it");
    w.record();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Active", Some(End::Completed)));
    assert_eq!(w.stage(), paid());
    let face = w.last_shown().clone();
    assert_eq!((face.subscription_status.as_str(), face.payment_status.as_str()), ("Active", "Paid"));
    assert_eq!((face.next_billing_on, face.amount), (Some(day("2026-12-02")), Some(eur(GROSS))));
    assert_eq!(face.zoho_subscription.as_deref(), Some("zs1"));
    assert_eq!(face.braintree_customer.as_deref(), Some("c-cust1"));
    assert_eq!(face.collection_owner.as_deref(), Some("orchestrator"));
    assert!(face.external_id.is_some_and(|id| id.starts_with("sub:") && id.len() == 36));
    let client = face.client.expect("the client's record");
    assert_eq!((client.zoho_customer.as_deref(), client.billing_summary.as_deref()), (Some("zc1"), Some("Active")));
    assert!(matches!(w.letters[1].about, LetterFacts::Receipt { .. }));
    assert_eq!(w.spent.len(), 1);
    assert_eq!(w.erased.len(), 1);
}

fn paid() -> PageStage {
    PageStage::Paid {
        amount: eur(GROSS),
        on: day("2026-11-02"),
        card: Some(("Visa".to_owned(), "1111".to_owned())),
        invoice_number: Some("INV-771".to_owned()),
        next: Some((day("2026-12-02"), eur(GROSS))),
    }
}

#[test]
fn p11_the_invoices_stream_is_told_in_its_own_words_and_given_the_claim() {
    let w = World::submitted(|_| {});
    let message = &w.messages[0];
    let saga = World::id();
    assert_eq!((message.flow.as_str(), message.kind.as_str()), ("invoice_payment", "activation.captured"));
    assert_eq!(
        message.command,
        json!({
            "command": "adopt_capture",
            "organization": "60012",
            "installation": "demo1",
            "invoice": "771",
            "subscription": "zs1",
            "transaction": "tx1",
            "order_id": format!("demo1.act.{}.1", saga.0.simple()),
            "amount": { "minor": GROSS, "currency": "EUR" },
            "captured_at": "2026-11-02T09:00:00Z",
            "effective": "2026-11-02",
            "reply_to": saga,
        })
    );
    assert!(!w.claims.iter().any(|c| c.kind == ClaimKind::ZohoInvoice));
}

#[test]
fn p11_the_invoices_stream_answers_in_our_words() {
    let answer = json!({
        "command": "invoice_recorded", "invoice": "771", "number": "INV-771", "payment": "zp1", "next_billing_on": null,
    });
    let mut w = World::submitted(|_| {});
    w.tell(serde_json::from_value(answer).expect("understood"));
    assert_eq!((w.state().as_str(), w.last_shown().next_billing_on), ("Active", Some(day("2026-12-02"))));
}

#[test]
fn p11_a_record_that_comes_before_the_hand_over_is_answered_counts() {
    let mut w = World::started(|_| {});
    w.submit_until("hand_over");
    w.record();
    assert_eq!(w.state(), "Active");
    w.record();
    assert_eq!(w.count("PaymentRecorded"), 1);
}

#[test]
fn p11_a_record_that_does_not_come_is_awaited_on() {
    let mut w = World::submitted(|_| {});
    w.pass(chrono::TimeDelta::days(3));
    assert_eq!((w.state().as_str(), w.count("RecordAwaited")), ("Recording", 3));
    w.record();
    assert_eq!(w.state(), "Active");
}

#[test]
fn p12_ids_of_all_systems_find_the_activation() {
    let mut w = World::submitted(|_| {});
    w.record();
    let order = format!("demo1.act.{}.1", World::id().0.simple());
    for wanted in [
        ("attio_record", "sub-record1"),
        ("attio_record", "company1"),
        ("customer", "cust1"),
        ("braintree_customer", "c-cust1"),
        ("braintree_transaction", "tx1"),
        ("order_id", &order),
        ("zoho_customer", "zc1"),
        ("zoho_subscription", "zs1"),
        ("zoho_invoice", "771"),
        ("invoice_number", "INV-771"),
        ("zoho_payment", "zp1"),
    ] {
        assert!(w.references.contains(&(wanted.0, wanted.1.to_owned())), "{wanted:?}");
    }
}

#[test]
fn p4_a_card_on_file_is_checked_counted_and_held_without_a_new_vaulting() {
    let mut w = World::started(World::linked);
    let PageStage::Quoted { cards, .. } = w.stage() else { panic!("{:?}", w.stage()) };
    assert_eq!(cards[0].last_four, "1111");
    w.calls.clear();
    w.submit(stored("m-old"));
    assert_eq!(w.calls[..6], ["claim", "enrol", "read_method", "count_card", "authorise", "claim"]);
    assert_eq!((w.state().as_str(), w.methods.len(), w.spent.len()), ("Recording", 1, 1));
}

#[test]
fn p6_a_trial_vaults_the_card_and_charges_nothing() {
    let mut w = World::started(|w| w.offer.plan.trial_days = 14);
    assert_eq!((w.quote().due_today, w.quote().renews_on), (eur(0), day("2026-11-16")));
    w.calls.clear();
    w.submit(input(1));
    assert!(w.calls.contains(&"vault".to_owned()) && !w.calls.contains(&"authorise".to_owned()));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Active", Some(End::Completed)));
    assert_eq!(w.stage(), PageStage::Started { next: Some((day("2026-11-16"), eur(GROSS))) });
    assert_eq!((w.last_shown().payment_status.as_str(), w.rules.len()), ("None", 0));
    assert_eq!(w.erased.len(), 1);
}

#[test]
fn p6_a_later_start_and_a_full_coupon_charge_nothing_either() {
    use crate::kernel::offer::{CouponOffer, Discount};
    let later = World::submitted(|w| w.request.starts_on = Some(day("2026-12-01")));
    assert_eq!(later.state(), "Active");
    let free = World::submitted(|w| {
        w.invoice_total = Some(0);
        w.offer.coupon = Some(CouponOffer {
            code: "FREE".to_owned(),
            active: true,
            fits_plan: true,
            on_addons: true,
            invoices: Some(1),
            discount: Discount::Share { ppm: 1_000_000 },
        });
    });
    assert_eq!((free.state().as_str(), free.transactions.len()), ("Active", 0));
    assert_eq!(free.quote().renewal, eur(GROSS));
}

#[test]
fn p2_a_quote_waits_for_a_start_and_is_kept_by_it() {
    let mut w = World::pressed(Act::Quote, |_| {});
    assert_eq!((w.state().as_str(), w.letters.len()), ("Quoted", 0));
    assert_eq!((w.last_shown().subscription_status.as_str(), w.last_shown().answers_act), ("Draft", true));
    assert!(!w.claims.iter().any(|c| c.kind == ClaimKind::AccountPlanFamily), "a price keeps nobody else away");
    let quote = w.quote();
    w.now += chrono::TimeDelta::hours(2);
    w.press(Act::Start);
    assert_eq!((w.state().as_str(), w.quote()), ("LinkSent", quote));
    assert!(w.last_shown().answers_act);
    w.submit(input(1));
    assert_eq!(w.state(), "Recording");
}

#[test]
fn p2_a_start_days_after_the_quote_reads_the_prices_anew() {
    let mut w = World::pressed(Act::Quote, |_| {});
    w.pass(chrono::TimeDelta::days(2));
    w.offer.plan.price = eur(12_000);
    w.press(Act::Start);
    assert_eq!((w.state().as_str(), w.quote().due_today), ("LinkSent", eur(14_280)));
}

#[test]
fn p2_a_quote_that_nobody_uses_ends_and_lets_all_go() {
    let mut w = World::pressed(Act::Quote, |_| {});
    w.pass(chrono::TimeDelta::days(8));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Expired", Some(End::GivenUp)));
    assert_eq!(w.last_shown().quote_text, "");
}
