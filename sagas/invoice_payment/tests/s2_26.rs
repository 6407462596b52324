//! 2.26-p3: an invoice that was open when the books were opened.

use super::world::{World, seen};
use crate::invoice_payment::News;
use crate::kernel::answer::InvoicePayment;
use crate::kernel::opening::{OpenedWith, PaidBefore};
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur};

fn opened(balance: i64) -> News {
    let paid = PaidBefore { payment: "zp-old".to_owned(), mode: "check".to_owned(), amount: eur(10_000 - balance) };
    let with = OpenedWith {
        on: day("2024-10-01"),
        total: eur(10_000),
        tax: Some(eur(1_597)),
        balance: eur(balance),
        credits: eur(0),
        written_off: eur(0),
        payments: vec![paid],
    };
    News::Opened { with: Box::new(with) }
}

/// Before the books opened, a part of it was paid by cheque.
fn partly_paid(w: &mut World) {
    w.invoice.balance = eur(6_000);
    w.invoice.payments.push(InvoicePayment {
        id: "zp-old".to_owned(),
        reference: "cheque 7".to_owned(),
        mode: "check".to_owned(),
        amount: eur(4_000),
    });
}

#[test]
fn p3_its_books_begin_with_what_it_owed_and_what_was_paid_before_is_historic() {
    let mut w = World::new();
    partly_paid(&mut w);
    w.tell(seen(opened(6_000)));
    assert_eq!((w.count("InvoiceOpened"), w.count("InvoiceIssued"), w.count("ExternalPaymentSeen")), (1, 0, 0));
    assert_eq!(w.balance(3900), -6_000);
    assert_eq!((w.balance(4000), w.balance(1150)), (0, 0), "no journal of before");
    assert!(w.rules.contains(&"CAPTURE"), "what it owes is collected like any other: {:?}", w.rules);
    assert_eq!(w.balance(1200), 0);
    w.has_recorded_history("opened");
    let before = w.rules.len();
    w.tell(seen(opened(6_000)));
    assert_eq!((w.count("InvoiceOpened"), w.rules.len()), (1, before), "told again it is the same");
}

#[test]
fn p3_what_was_booked_before_the_books_were_opened_is_taken_back_for_what_it_owed() {
    let mut w = World::new();
    partly_paid(&mut w);
    w.survey.owner = None;
    w.detect();
    assert_eq!((w.balance(1200), w.balance(4000) + w.balance(2200), w.balance(1150)), (6_000, -10_000, 4_000));
    w.tell(seen(opened(6_000)));
    assert_eq!((w.balance(1200), w.balance(3900)), (6_000, -6_000));
    assert_eq!((w.balance(4000), w.balance(2200), w.balance(1150)), (0, 0, 0), "what was before is historic");
    w.has_recorded_history("opened_after_it_was_seen");
    w.changed();
    assert_eq!((w.count("InvoiceOpened"), w.balance(1200)), (1, 6_000));
}

#[test]
fn p3_what_we_have_captured_money_for_is_not_opened() {
    let mut w = World::new();
    w.detect();
    let posted = w.rules.clone();
    w.tell(seen(opened(10_000)));
    assert_eq!((w.count("OpeningHeard"), &w.rules), (0, &posted));
}

#[test]
fn p3_one_that_is_void_by_now_leaves_the_books_with_nothing() {
    let mut w = World::new();
    partly_paid(&mut w);
    w.invoice.status = "void".to_owned();
    w.invoice.balance = eur(0);
    w.invoice.payments.clear();
    w.tell(seen(opened(6_000)));
    assert_eq!((w.count("InvoiceOpened"), w.count("InvoiceVoided"), w.balance(1200)), (1, 1, 0));
}

#[test]
fn p3_what_was_paid_since_the_list_was_made_is_posted_as_any_other() {
    let mut w = World::new();
    partly_paid(&mut w);
    w.invoice.balance = eur(0);
    w.invoice.status = "paid".to_owned();
    w.invoice.payments.push(InvoicePayment {
        id: "zp-new".to_owned(),
        reference: "cheque 8".to_owned(),
        mode: "check".to_owned(),
        amount: eur(6_000),
    });
    w.tell(seen(opened(6_000)));
    assert_eq!((w.count("InvoiceOpened"), w.count("ExternalPaymentSeen")), (1, 1));
    assert_eq!((w.balance(1200), w.balance(1150), w.balance(3900)), (0, 6_000, -6_000));
}
