#![allow(missing_docs)]

use super::charges::{self, Asked, Booked, Charges, Sale};
use super::code::ROWS;
use super::compare::{Entry, Side, State, compare, totals};
use super::life::{self, Change, Standing};
use super::receivables::{self, Owed, Receivables};
use super::recording::{self, Detailed, Recorded, Recording};
use super::refunds::{self, Refunds};
use super::subscriptions::{self, Linked, Subscriptions};
use super::{About, Act, Code, Judged, Leg, flows, ledger};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::money::Money;
use chrono::{DateTime, TimeDelta, Utc};
use iso_currency::Currency;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const NOW: DateTime<Utc> = DateTime::from_timestamp(1_781_000_000, 0).unwrap();

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn long_ago() -> DateTime<Utc> {
    NOW - TimeDelta::days(1)
}

fn sale(id: &str, order_id: &str, minor: i64) -> Sale {
    Sale {
        id: id.to_owned(),
        order_id: order_id.to_owned(),
        amount: eur(minor),
        status: "settled".to_owned(),
        stands: true,
        held: false,
        is_credit: false,
        refund_of: None,
        subscription: None,
        created_at: long_ago(),
    }
}

fn voided(id: &str, minor: i64) -> Sale {
    Sale { status: "voided".to_owned(), stands: false, ..sale(id, "demo.inv.7.1", minor) }
}

fn refund(id: &str, of: &str, minor: i64) -> Sale {
    Sale { is_credit: true, refund_of: Some(of.to_owned()), ..sale(id, "", minor) }
}

/// Captured and applied to invoice 7.
fn booked(id: &str, minor: i64) -> Booked {
    Booked {
        transaction: id.to_owned(),
        captured: eur(minor),
        held: eur(0),
        applied: eur(minor),
        unapplied: eur(0),
        submitted: eur(0),
        since: long_ago(),
        at: long_ago(),
        about: About { invoice: Some("7".to_owned()), transaction: Some(id.to_owned()), ..About::default() },
    }
}

fn unapplied(id: &str, minor: i64) -> Booked {
    Booked { applied: eur(0), unapplied: eur(minor), ..booked(id, minor) }
}

fn codes(judged: &Judged) -> Vec<(Code, String)> {
    judged.found.iter().map(|found| (found.code, found.key.clone())).collect()
}

fn one(code: Code, key: &str) -> Vec<(Code, String)> {
    vec![(code, key.to_owned())]
}

fn charges(sales: Vec<Sale>, booked: Vec<Booked>) -> Charges {
    Charges { prefix: "demo.".to_owned(), sales, complete: true, booked, ..Charges::default() }
}

fn recording(sales: Vec<Sale>, booked: Vec<Booked>, payments: &[(&str, &str, i64)], balance: i64) -> Recording {
    let payment = |(id, reference, minor): &(&str, &str, i64)| Recorded {
        id: (*id).to_owned(),
        reference: (*reference).to_owned(),
        amount: eur(*minor),
    };
    let invoice = Detailed {
        id: "7".to_owned(),
        status: "paid".to_owned(),
        total: eur(4_900),
        balance: eur(balance),
        tax: None,
        payments: payments.iter().map(payment).collect(),
    };
    Recording {
        prefix: "demo.".to_owned(),
        sales,
        complete: true,
        booked,
        invoices: vec![invoice],
        read_at: NOW - TimeDelta::minutes(1),
    }
}

fn shown(id: &str, status: &str, total: i64, balance: i64) -> receivables::Shown {
    receivables::Shown {
        id: id.to_owned(),
        customer: None,
        status: status.to_owned(),
        total: Some(eur(total)),
        balance: Some(eur(balance)),
        tax: None,
        made_at: Some(long_ago()),
        changed_at: Some(long_ago()),
    }
}

fn owed(invoice: &str, total: i64, balance: i64) -> Owed {
    Owed {
        invoice: invoice.to_owned(),
        total: eur(total),
        balance: eur(balance),
        tax: None,
        opened: false,
        busy: false,
        at: long_ago(),
        about: About { invoice: Some(invoice.to_owned()), ..About::default() },
    }
}

fn receivables(shown: Vec<receivables::Shown>, owed: Vec<Owed>) -> Receivables {
    Receivables { shown, complete: true, owed, read_at: NOW, ..Receivables::default() }
}

// The comparison.

fn entries() -> impl Strategy<Value = Vec<(u8, i64, bool, bool)>> {
    proptest::collection::vec((0_u8..6, -10_000_i64..10_000, any::<bool>(), any::<bool>()), 0..20)
}

fn side(entries: &[(u8, i64, bool, bool)], complete: bool) -> Side {
    let entry = |(key, minor, young, usd): &(u8, i64, bool, bool)| Entry {
        key: key.to_string(),
        id: format!("entry {key}"),
        amount: Some(Money::new(*minor, if *usd { Currency::USD } else { Currency::EUR })),
        fields: BTreeMap::new(),
        at: if *young { NOW } else { long_ago() },
        made: long_ago(),
        moving: false,
        about: About::default(),
    };
    Side { entries: entries.iter().map(entry).collect(), complete, unread: BTreeSet::new() }
}

proptest! {
    #[test]
    fn left_less_right_is_what_is_found_in_progress_and_not_read(
        left in entries(), right in entries(), whole_left in any::<bool>(), whole_right in any::<bool>()
    ) {
        let (left, right) = (side(&left, whole_left), side(&right, whole_right));
        let judged = {
            let pairs = compare(left.clone(), right.clone(), NOW, TimeDelta::minutes(15));
            Judged::of(Leg::R1, true, &pairs, |pair| super::Found::of(pair, Code::D03, String::new()))
        };
        for total in &judged.totals {
            let sum = |side: &Side| -> i64 {
                let amounts = side.entries.iter().filter_map(|entry| entry.amount);
                amounts.filter(|a| a.currency.code() == total.currency).map(|a| a.minor).sum()
            };
            prop_assert_eq!(total.left.1, sum(&left));
            prop_assert_eq!(total.right.1, sum(&right));
            prop_assert_eq!(total.left.1 - total.right.1, total.found + total.in_progress + total.not_read);
            let of = |amounts: &[Money]| -> i64 {
                amounts.iter().filter(|a| a.currency.code() == total.currency).map(|a| a.minor).sum()
            };
            let listed: i64 = judged.found.iter().map(|found| of(&found.difference)).sum();
            let open: i64 = judged.open.iter().map(|open| of(&open.difference)).sum();
            prop_assert_eq!(listed, total.found);
            prop_assert_eq!(open, total.in_progress + total.not_read);
        }
    }

    #[test]
    fn a_side_that_was_not_read_whole_misses_nothing(left in entries(), right in entries()) {
        let pairs = compare(side(&left, true), side(&right, false), NOW, TimeDelta::minutes(15));
        prop_assert!(pairs.iter().all(|pair| pair.state != State::LeftOnly));
        let pairs = compare(side(&left, false), side(&right, true), NOW, TimeDelta::minutes(15));
        prop_assert!(pairs.iter().all(|pair| pair.state != State::RightOnly));
    }
}

#[test]
fn parts_under_one_key_are_one_pair_by_their_sum() {
    let left = side(&[(1, 4_900, false, false)], true);
    let right = side(&[(1, 4_000, false, false), (1, 900, false, false)], true);
    let pairs = compare(left, right, NOW, TimeDelta::zero());
    assert_eq!(pairs.iter().map(|pair| &pair.state).collect::<Vec<_>>(), [&State::Matched]);
    assert_eq!(totals(&pairs).first().map(|total| total.matched), Some((1, 4_900)));
}

#[test]
fn an_exact_key_with_unequal_values_is_a_mismatch_and_never_a_missing_pair() {
    let state = |left: &[(u8, i64, bool, bool)], right: &[(u8, i64, bool, bool)]| {
        let pairs = compare(side(left, true), side(right, true), NOW, TimeDelta::minutes(15));
        assert_eq!(pairs.len(), 1);
        pairs.into_iter().next().unwrap().state
    };
    assert_eq!(state(&[(1, 2, false, false)], &[(1, 1, false, false)]), State::Over);
    assert_eq!(state(&[(1, 1, false, false)], &[(1, 2, false, false)]), State::Under);
    assert_eq!(state(&[(1, 1, false, false)], &[(1, 1, false, true)]), State::Currency);
    assert_eq!(state(&[(1, 1, true, false)], &[(1, 2, false, false)]), State::InProgress);
}

// R1.

#[test]
fn a_sale_that_nobody_asked_for_is_found_with_its_source() {
    let unknown = |sale: Sale| charges::judge(&charges(vec![sale], Vec::new()), NOW);
    let found = unknown(sale("aa11", "", 4_900));
    assert_eq!(codes(&found), one(Code::D01, "aa11"));
    let detail = |judged: &Judged| judged.found.first().unwrap().detail.clone();
    assert!(detail(&found).ends_with("console or by another program"));
    assert!(detail(&unknown(sale("aa11", "demo.inv.7.1", 1))).ends_with("an order id of ours"));
    let recurring = Sale { subscription: Some("s1".to_owned()), ..sale("aa11", "", 1) };
    assert!(detail(&unknown(recurring.clone())).ends_with("own recurring billing"));
    let elsewhere = Charges { recurring_elsewhere: true, ..charges(vec![recurring], Vec::new()) };
    assert_eq!(codes(&charges::judge(&elsewhere, NOW)), []);
}

#[test]
fn what_declined_or_is_a_refund_is_no_charge() {
    let all = vec![voided("aa11", 4_900), refund("bb22", "cc33", 100)];
    let judged = charges::judge(&charges(all, Vec::new()), NOW);
    assert_eq!((codes(&judged), judged.open), (Vec::new(), Vec::new()));
}

#[test]
fn a_booked_sale_agrees_by_its_transaction_and_an_asked_one_by_its_order_id() {
    let asked =
        Asked { order_id: "demo.inv.8.1".to_owned(), amount: eur(900), at: long_ago(), about: About::default() };
    let both = vec![sale("aa11", "demo.inv.7.1", 4_900), sale("bb22", "demo.inv.8.1", 900)];
    let books = Charges { asked: vec![asked.clone()], ..charges(both, vec![booked("aa11", 4_900)]) };
    let judged = charges::judge(&books, NOW);
    assert_eq!(codes(&judged), []);
    assert_eq!(judged.totals.first().map(|total| total.matched), Some((2, 5_800)));

    let none = Charges { asked: vec![asked.clone()], ..charges(Vec::new(), Vec::new()) };
    assert_eq!(codes(&charges::judge(&none, NOW)), one(Code::D02, "demo.inv.8.1"));
    let young = Charges { asked: vec![Asked { at: NOW, ..asked }], ..none.clone() };
    assert_eq!(codes(&charges::judge(&young, NOW)), []);
    let part = Charges { complete: false, ..none };
    let judged = charges::judge(&part, NOW);
    assert_eq!((codes(&judged), judged.open.first().map(|open| open.why.clone())), (vec![], Some("not_read".into())));
}

#[test]
fn amount_currency_and_what_stands_no_more_are_differences_of_one_sale() {
    let judge = |sale: Sale| codes(&charges::judge(&charges(vec![sale], vec![booked("aa11", 4_900)]), NOW));
    assert_eq!(judge(sale("aa11", "demo.inv.7.1", 4_000)), one(Code::D03, "aa11"));
    assert_eq!(judge(voided("aa11", 4_900)), one(Code::D03, "aa11"));
    let usd = Sale { amount: Money::new(4_900, Currency::USD), ..sale("aa11", "demo.inv.7.1", 0) };
    assert_eq!(judge(usd), one(Code::D04, "aa11"));
    let gone = charges(Vec::new(), vec![booked("aa11", 4_900)]);
    assert_eq!(codes(&charges::judge(&gone, NOW)), one(Code::D02, "aa11"));
}

// R2.

#[test]
fn a_charge_without_its_record_is_found_and_its_invoice_looked_at_again() {
    let sales = vec![sale("aa11", "demo.inv.7.1", 4_900)];
    let judged = recording::judge(&recording(sales.clone(), vec![unapplied("aa11", 4_900)], &[], 4_900), NOW);
    assert_eq!(codes(&judged), one(Code::D05, "aa11"));
    let found = judged.found.first().unwrap();
    assert_eq!(found.act, Some(Act::LookAgain { invoice: "7".to_owned() }));
    assert_eq!(found.at_risk, Some(eur(4_900)));
    // The ledger may know nothing at all: the order id names the invoice.
    let judged = recording::judge(&recording(sales.clone(), Vec::new(), &[], 4_900), NOW);
    assert_eq!(codes(&judged), one(Code::D05, "aa11"));
    // Recorded, it agrees; less recorded, it does not.
    let paid = recording(sales.clone(), vec![booked("aa11", 4_900)], &[("p1", "aa11", 4_900)], 0);
    assert_eq!(codes(&recording::judge(&paid, NOW)), []);
    let less = recording(sales, vec![booked("aa11", 4_900)], &[("p1", "aa11", 4_000)], 900);
    assert_eq!(codes(&recording::judge(&less, NOW)), one(Code::D05, "aa11"));
}

#[test]
fn an_invoice_that_was_not_read_is_not_judged() {
    let sales = vec![sale("aa11", "demo.inv.7.1", 4_900)];
    let books = Recording { invoices: Vec::new(), ..recording(sales, Vec::new(), &[], 0) };
    let judged = recording::judge(&books, NOW);
    assert_eq!((codes(&judged), judged.open.len()), (Vec::new(), 1));
}

#[test]
fn a_remainder_that_our_books_explain_is_no_difference() {
    let partly = Booked { applied: eur(4_000), unapplied: eur(900), ..booked("aa11", 4_900) };
    let books = recording(vec![sale("aa11", "", 4_900)], vec![partly], &[("p1", "aa11", 4_000)], 0);
    assert_eq!(codes(&recording::judge(&books, NOW)), []);
    // Nor is what was given back.
    let given_back = Booked { applied: eur(4_000), ..booked("aa11", 4_900) };
    let books = recording(vec![sale("aa11", "", 4_900)], vec![given_back], &[("p1", "aa11", 4_000)], 0);
    assert_eq!(codes(&recording::judge(&books, NOW)), []);
}

#[test]
fn a_second_sale_of_a_paid_invoice_is_a_duplicate_by_whoever_paid_the_first() {
    let twice = vec![sale("aa11", "demo.inv.7.1", 4_900), sale("bb22", "demo.inv.7.2", 4_900)];
    let books = vec![booked("aa11", 4_900), unapplied("bb22", 4_900)];
    let judged = recording::judge(&recording(twice, books, &[("p1", "aa11", 4_900)], 0), NOW);
    assert_eq!(codes(&judged), one(Code::D07, "bb22"));
    let books = recording(vec![sale("bb22", "", 4_900)], vec![unapplied("bb22", 4_900)], &[("p1", "cheque", 4_900)], 0);
    assert_eq!(codes(&recording::judge(&books, NOW)), one(Code::D08, "bb22"));
}

#[test]
fn a_record_of_what_took_nothing_a_second_record_and_a_wrong_invoice_are_told_apart() {
    let dead = recording(vec![voided("aa11", 4_900)], Vec::new(), &[("p1", "aa11", 4_900)], 0);
    assert_eq!(codes(&recording::judge(&dead, NOW)), one(Code::D06, "aa11"));
    let sales = || vec![sale("aa11", "demo.inv.7.1", 4_900)];
    let twice = [("p1", "aa11", 4_900), ("p2", "aa11", 4_900)];
    let twice = recording(sales(), vec![booked("aa11", 4_900)], &twice, 0);
    assert_eq!(codes(&recording::judge(&twice, NOW)), one(Code::D09, "aa11"));
    let elsewhere =
        Booked { about: About { invoice: Some("8".to_owned()), ..About::default() }, ..booked("aa11", 4_900) };
    let mut wrong = recording(sales(), vec![elsewhere], &[("p1", "aa11", 4_900)], 0);
    let read = wrong.invoices.first().cloned().map(|invoice| Detailed { id: "8".into(), payments: vec![], ..invoice });
    wrong.invoices.extend(read);
    assert_eq!(codes(&recording::judge(&wrong, NOW)), one(Code::D10, "aa11"));
    // What others paid under a reference of their own is theirs.
    let other = recording(Vec::new(), Vec::new(), &[("p1", "cheque 17", 4_900)], 0);
    assert_eq!(codes(&recording::judge(&other, NOW)), []);
}

// R3.

#[test]
fn an_invoice_agrees_by_balance_total_and_tax() {
    let judge = |shown, owed| codes(&receivables::judge(&receivables(vec![shown], vec![owed]), NOW));
    assert_eq!(judge(shown("7", "paid", 4_900, 0), owed("7", 4_900, 0)), []);
    assert_eq!(judge(shown("7", "sent", 4_900, 900), owed("7", 4_900, 4_900)), one(Code::D11, "7"));
    assert_eq!(judge(shown("7", "paid", 4_900, 0), owed("7", 4_000, 0)), one(Code::D11, "7"));
    let taxed = |minor| receivables::Shown { tax: Some(eur(minor)), ..shown("7", "sent", 4_900, 4_900) };
    let with = |minor| Owed { tax: Some(eur(minor)), ..owed("7", 4_900, 4_900) };
    assert_eq!(judge(taxed(782), with(782)), []);
    assert_eq!(judge(taxed(782), with(0)), one(Code::D14, "7"));
    assert_eq!(judge(shown("7", "void", 4_900, 4_900), owed("7", 0, 0)), []);
    assert_eq!(judge(shown("7", "void", 4_900, 4_900), owed("7", 4_900, 4_900)), one(Code::D11, "7"));
    let busy = Owed { busy: true, ..owed("7", 4_900, 4_900) };
    assert_eq!(judge(shown("7", "paid", 4_900, 0), busy), []);
}

#[test]
fn an_invoice_of_the_opening_position_agrees_by_what_it_owes() {
    let opened = |balance| Owed { opened: true, ..owed("7", balance, balance) };
    let judge = |shown, owed| codes(&receivables::judge(&receivables(vec![shown], vec![owed]), NOW));
    assert_eq!(judge(shown("7", "sent", 10_000, 6_000), opened(6_000)), []);
    assert_eq!(judge(shown("7", "sent", 10_000, 5_000), opened(6_000)), one(Code::D11, "7"));
}

#[test]
fn an_invoice_on_one_side_alone_is_unknown_or_vanished_unless_it_owes_nothing() {
    let theirs = |shown| receivables::judge(&receivables(vec![shown], Vec::new()), NOW);
    let found = theirs(shown("7", "sent", 4_900, 4_900));
    assert_eq!(codes(&found), one(Code::D12, "7"));
    assert_eq!(found.found.first().unwrap().act, Some(Act::LookAgain { invoice: "7".to_owned() }));
    for status in ["draft", "pending_approval"] {
        assert_eq!(codes(&theirs(shown("7", status, 4_900, 4_900))), [], "{status}");
    }
    assert_eq!(codes(&theirs(shown("7", "void", 4_900, 0))), []);
    assert_eq!(codes(&theirs(shown("7", "paid", 0, 0))), []);
    let unreadable = receivables::Shown { balance: None, ..shown("7", "sent", 1, 1) };
    assert_eq!(codes(&theirs(unreadable)), []);

    let ours = |owed, complete| {
        let judged = receivables::judge(&Receivables { complete, ..receivables(Vec::new(), vec![owed]) }, NOW);
        codes(&judged)
    };
    assert_eq!(ours(owed("7", 4_900, 4_900), true), one(Code::D13, "7"));
    assert_eq!(ours(owed("7", 4_900, 4_900), false), []);
    let before = Receivables { opened: Some(NOW), ..receivables(vec![shown("7", "sent", 1, 1)], Vec::new()) };
    assert_eq!(codes(&receivables::judge(&before, NOW)), [], "the books were not open");
}

// R7, R9, the ledger.

#[test]
fn who_collects_and_how_often_a_subscription_is_there_are_compared() {
    let linked = |owner| Linked { subscription: "s".into(), zoho: "11".into(), owner };
    let shown = |id: &str, auto| subscriptions::Shown {
        id: id.to_owned(),
        status: "live".to_owned(),
        auto_collect: Some(auto),
        reference: "demo.sub.1".to_owned(),
        next_billing_on: None,
    };
    let judge = |linked: Linked, shown: Vec<subscriptions::Shown>| {
        let books = Subscriptions { linked: vec![linked], shown, complete: true, read_at: NOW };
        codes(&subscriptions::judge(&books, NOW, NOW.date_naive()))
    };
    let (ours, zoho) = (Some(CollectionOwner::Orchestrator), Some(CollectionOwner::ZohoNative));
    assert_eq!(judge(linked(ours), vec![shown("11", false)]), []);
    assert_eq!(judge(linked(ours), vec![shown("11", true)]), one(Code::D30, "11"));
    assert_eq!(judge(linked(zoho), vec![shown("11", false)]), one(Code::D29, "11"));
    assert_eq!(judge(linked(None), vec![shown("11", true)]), []);
    assert_eq!(judge(linked(ours), Vec::new()), one(Code::D29, "11"));
    let twins = judge(linked(ours), vec![shown("11", false), shown("12", false)]);
    assert_eq!(twins, one(Code::D43, "demo.sub.1"));
    let over = subscriptions::Shown { status: "cancelled".to_owned(), ..shown("12", true) };
    assert_eq!(judge(linked(ours), vec![shown("11", false), over]), []);
    let due = |days| subscriptions::Shown {
        next_billing_on: Some(NOW.date_naive() - TimeDelta::days(days)),
        ..shown("11", false)
    };
    assert_eq!(judge(linked(ours), vec![due(2)]), []);
    assert_eq!(judge(linked(ours), vec![due(3)]), one(Code::D31, "11"));
}

#[test]
fn a_refund_of_somebody_else_and_one_too_many_are_found() {
    let sales = vec![sale("aa11", "", 4_900), refund("rr1", "aa11", 4_000), refund("rr2", "aa11", 1_000)];
    let all = Refunds { sales, complete: true, known: BTreeSet::from(["rr1".to_owned()]), ..Refunds::default() };
    let expected = vec![(Code::D21, "rr2".to_owned()), (Code::D24, "aa11".to_owned())];
    assert_eq!(codes(&refunds::judge(&all, NOW)), expected);
    let known = Refunds { known: BTreeSet::from(["rr1".to_owned(), "rr2".to_owned()]), ..all };
    assert_eq!(codes(&refunds::judge(&known, NOW)), one(Code::D24, "aa11"));
}

#[test]
fn d21_a_refund_of_a_sale_in_our_books_is_opened_as_one_and_that_of_an_unknown_sale_or_of_ours_is_not() {
    let about = About { invoice: Some("7".to_owned()), ..About::default() };
    let of = |order_id: &str, booked: Vec<Booked>| {
        let credit = Sale { order_id: order_id.to_owned(), ..refund("rr1", "aa11", 4_000) };
        let prefix = "demo.rf.".to_owned();
        let books = Refunds { prefix, sales: vec![credit], complete: true, booked, ..Refunds::default() };
        let judged = refunds::judge(&books, NOW);
        assert_eq!(codes(&judged), one(Code::D21, "rr1"));
        judged.found.into_iter().next().unwrap().act
    };
    let ours = || vec![Booked { about: about.clone(), ..booked("aa11", 4_900) }];
    let act = Act::BookRefund {
        refund: "rr1".to_owned(),
        transaction: "aa11".to_owned(),
        invoice: "7".to_owned(),
        amount: eur(4_000),
    };
    // In the console the order id of the sale may stand on its refund.
    for order_id in ["", "demo.inv.7.1", "shop-1"] {
        assert_eq!(of(order_id, ours()), Some(act.clone()));
    }
    assert_eq!(of("demo.rf.0192.1", ours()), None);
    assert_eq!(of("", Vec::new()), None);
}

#[test]
fn d28_what_zoho_shows_as_paid_and_our_flow_collects_is_found_once_the_flow_had_time_to_see_it() {
    let judge = |status: &str, balance, minutes| {
        let changed_at = Some(NOW - TimeDelta::minutes(minutes));
        let row = receivables::Shown { changed_at, ..shown("7", status, 4_900, balance) };
        let dunned = BTreeMap::from([("7".to_owned(), "Dunning".to_owned())]);
        let books = Receivables { dunned, ..receivables(vec![row], vec![owed("7", 4_900, balance)]) };
        codes(&receivables::judge(&books, NOW))
    };
    assert_eq!(judge("paid", 0, 16), one(Code::D28, "7"));
    assert_eq!(judge("paid", 0, 15), []);
    assert_eq!(judge("overdue", 4_900, 16), []);
    assert_eq!(judge("void", 0, 61), one(Code::D11, "7"), "a void invoice is nobody's payment");
}

#[test]
fn d16_d22_d23_what_flows_ask_people_about_stands_in_the_queue() {
    let parked = |flow: &str, code: &str| flows::Parked {
        saga: "s1".to_owned(),
        flow: flow.to_owned(),
        code: code.to_owned(),
        detail: "look".to_owned(),
        amount: Some(eur(4_000)),
        since: NOW,
        about: About::default(),
    };
    let found = |flow, code| {
        let judged = flows::judge(&[parked(flow, code)]);
        judged.found.iter().map(|found| (found.code, found.severity)).collect::<Vec<_>>()
    };
    assert_eq!(found("invoice_payment", "SETTLEMENT_DECLINED"), [(Code::D16, 1)]);
    assert_eq!(found("refund", "RECORD_BLOCKED"), [(Code::D22, 2)]);
    assert_eq!(found("refund", "CREDIT_SPENT"), [(Code::D22, 1)]);
    assert_eq!(found("refund", "REFUND_FAILED_AFTER_SUCCESS"), [(Code::D23, 1)]);
    // A payment that Zoho does not take is R2's to find.
    assert_eq!(found("invoice_payment", "RECORD_BLOCKED"), []);
    assert!(flows::reasons().contains(&"CREDIT_SPENT"));
}

#[test]
fn what_lies_too_long_is_told_and_gets_worse() {
    let aged = |days, change: fn(Booked) -> Booked| {
        let at = NOW - TimeDelta::days(days);
        let judged = ledger::ageing(&[change(Booked { since: at, at, ..booked("aa11", 4_900) })], NOW);
        judged.found.iter().map(|found| (found.code, found.severity)).collect::<Vec<_>>()
    };
    let submitted = |b: Booked| Booked { submitted: b.captured, ..b };
    assert_eq!(aged(4, submitted), []);
    assert_eq!(aged(5, submitted), [(Code::D15, 3)]);
    assert_eq!(aged(11, submitted), [(Code::D15, 2)]);
    let held = |b: Booked| Booked { unapplied: b.captured, ..b };
    assert_eq!(aged(3, held), []);
    assert_eq!(aged(4, held), [(Code::D27, 2)]);
}

#[test]
fn books_that_were_not_verified_are_incomplete_and_broken_ones_are_found() {
    assert!(!ledger::rebuild(None, NOW).complete);
    let fault = [("I05 event 1".to_owned(), "a journal differs".to_owned())];
    assert_eq!(codes(&ledger::rebuild(Some(&fault), NOW)), one(Code::D38, "I05 event 1"));
}

// The life of a finding, and the list.

#[test]
fn a_finding_that_was_set_aside_comes_back_when_it_says_something_else() {
    use Standing::{Ignored, Open, Resolved, Settled};
    assert_eq!(life::seen(None), (Change::Opened, Open));
    assert_eq!(life::seen(Some((Open, true))), (Change::SeenAgain, Open));
    assert_eq!(life::seen(Some((Open, false))), (Change::Changed, Open));
    assert_eq!(life::seen(Some((Ignored, true))), (Change::SeenAgain, Ignored));
    assert_eq!(life::seen(Some((Ignored, false))), (Change::Reopened, Open));
    for over in [Settled, Resolved] {
        assert_eq!(life::seen(Some((over, true))), (Change::Reopened, Open));
        assert_eq!(life::unseen(over), None);
    }
    assert_eq!((life::unseen(Open), life::unseen(Ignored)), (Some(Resolved), Some(Resolved)));
}

#[test]
fn every_code_and_every_leg_is_found_by_its_word() {
    for row in &ROWS {
        assert_eq!(Code::parse(&row.code.as_str()), Some(row.code));
        assert!((1..=3).contains(&row.severity) && row.target_hours > 0, "{}", row.code);
        assert_eq!(row.code.row().word, row.word);
    }
    assert_eq!(ROWS.iter().map(|row| row.code).collect::<BTreeSet<_>>().len(), ROWS.len());
    assert_eq!(Code::parse("D99"), None);
    for leg in Leg::ALL {
        assert_eq!(Leg::parse(&leg.as_str().to_lowercase()), Some(leg));
    }
    for standing in Standing::ALL {
        assert_eq!(Standing::parse(standing.as_str()), Some(standing));
    }
}

#[test]
fn the_page_for_finance_has_every_finding_as_the_list_has_it() {
    let page = include_str!("../../../docs/RECONCILIATION.md");
    for row in &ROWS {
        let owner = row.owner.as_str();
        let (code, leg, severity, hours) = (row.code, row.leg.as_str(), row.severity, row.target_hours);
        let part = format!(
            "### {code}\n\n`{}`, leg {leg}, severity {severity}, for {owner}, to be seen to within {hours} h.\n\n{}\n\n\
             - By itself: {}\n- To wait costs: {}\n- To do: {}\n",
            row.word, row.means, row.by_itself, row.waiting, row.todo
        );
        assert!(page.contains(&part), "docs/RECONCILIATION.md lacks this, as the list has it:\n\n{part}");
    }
    assert_eq!(page.matches("\n### ").count(), ROWS.len());
}
