//! What is booked of a payout, and when; each scenario with its recorded history where it ends.

use super::{World, day};
use crate::disbursement::{Command, Disbursement, Event};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::payout::{Fate, Payout, PayoutNotice};
use crate::kernel::posting::Rule;
use crate::kernel::tests::bench::Played as _;
use chrono::TimeDelta;
use iso_currency::Currency;

fn two_sales() -> World {
    let mut world = World::new();
    for (id, minor) in [("t1", 10_000), ("t2", 2_500)] {
        world.settled(id, minor);
        world.pays(id, minor);
    }
    world
}

#[test]
fn e8_what_is_paid_out_is_booked_gross_once_each() {
    let mut payout = two_sales();
    payout.look(false);
    assert_eq!((payout.rules.as_slice(), payout.balance(1020)), (&["DISBURSE"; 2][..], 12_500));
    assert_eq!(payout.state(), "Watched", "the gateway may add to it for some days");
    payout.pass(TimeDelta::days(6));
    assert_eq!((payout.state().as_str(), payout.rules.len()), ("Explained", 2));
    assert_eq!((payout.called("list"), payout.called("read"), payout.called("weigh")), (4, 1, 1));
    let effective = payout.events().find_map(|event| match event {
        Event::ItemsBooked { effective, .. } => Some(*effective),
        _ => None,
    });
    assert_eq!(effective, Some(day()), "on the day that the gateway names");
    payout.has_recorded_history("paid_out");
}

#[test]
fn e8_a_day_without_a_payout_ends_and_books_nothing() {
    let mut payout = World::new();
    payout.look(true);
    payout.pass(TimeDelta::days(6));
    assert_eq!((payout.state().as_str(), payout.open_accounts()), ("Empty", Vec::new()));
    payout.has_recorded_history("nothing");
}

#[test]
fn e8_what_is_shown_a_day_later_is_booked_then() {
    let mut payout = two_sales();
    payout.look(false);
    payout.settled("t3", 700);
    payout.pays("t3", 700);
    payout.pass(TimeDelta::days(6));
    assert_eq!((payout.balance(1020), payout.rules.len(), payout.called("read")), (13_200, 3, 2));
}

#[test]
fn e8_a_long_payout_is_read_in_pages_and_booked_page_by_page() {
    let mut payout = World::new();
    for n in 0..120 {
        payout.settled(&format!("t{n:03}"), 100 + n);
        payout.pays(&format!("t{n:03}"), 100 + n);
    }
    payout.look(false);
    assert_eq!((payout.called("list"), payout.called("read"), payout.called("weigh")), (1, 3, 3));
    assert_eq!((payout.rules.len(), payout.count("ItemsBooked")), (120, 3));
}

#[test]
fn e8_refunds_of_a_sale_are_netted_under_it_as_far_as_they_are_settled() {
    let mut payout = two_sales();
    for rule in [Rule::CreditNote, Rule::RefundFromCredit, Rule::RefundSent, Rule::RefundSettled] {
        payout.booked("t1", rule, 400);
    }
    payout.nets("r1", "t1", 400);
    payout.look(false);
    assert_eq!(
        (payout.balance(1020), payout.rules.as_slice()),
        (12_100, &["DISBURSE_REFUND", "DISBURSE", "DISBURSE"][..])
    );
    payout.pass(TimeDelta::days(6));
    assert_eq!(payout.state(), "Explained");
    payout.has_recorded_history("refund_netted");
}

#[test]
fn e8_a_second_refund_that_our_books_do_not_show_as_settled_waits() {
    let mut payout = two_sales();
    for rule in [Rule::CreditNote, Rule::RefundFromCredit, Rule::RefundSent, Rule::RefundSettled] {
        payout.booked("t1", rule, 400);
    }
    payout.nets("r1", "t1", 400);
    payout.nets("r2", "t1", 400);
    payout.look(false);
    assert_eq!((payout.balance(1020), payout.state().as_str()), (12_100, "Awaited"));
    for rule in [Rule::CreditNote, Rule::RefundFromCredit, Rule::RefundSent, Rule::RefundSettled] {
        payout.booked("t1", rule, 400);
    }
    payout.pass(TimeDelta::days(6));
    assert_eq!((payout.balance(1020), payout.state().as_str()), (11_700, "Explained"));
}

#[test]
fn e8_a_sale_whose_settlement_our_books_do_not_show_yet_is_booked_once_they_do() {
    let mut payout = World::new();
    payout.knows("t1");
    for rule in [Rule::Capture, Rule::Apply] {
        payout.booked("t1", rule, 10_000);
    }
    payout.pays("t1", 10_000);
    payout.look(false);
    assert_eq!((payout.state().as_str(), payout.rules.len()), ("Awaited", 0));
    payout.pass(TimeDelta::days(2));
    payout.booked("t1", Rule::Settle, 10_000);
    payout.pass(TimeDelta::days(4));
    assert_eq!((payout.state().as_str(), payout.balance(1020)), ("Explained", 10_000));
    payout.has_recorded_history("settled_late");
}

#[test]
fn e8_an_order_id_of_ours_is_ours_before_any_flow_speaks_of_it() {
    let mut payout = World::new();
    payout.pays("t1", 10_000);
    payout.shown.get_mut("t1").unwrap().order_id = "demo1.inv.77.1".to_owned();
    payout.look(false);
    assert_eq!((payout.state().as_str(), payout.rules.len()), ("Awaited", 0), "no suspense for what is ours");
}

#[test]
fn e8_what_our_books_never_show_as_settled_is_asked_of_a_person_after_ten_days() {
    let mut payout = World::new();
    payout.knows("t1");
    payout.pays("t1", 10_000);
    payout.look(false);
    payout.pass(TimeDelta::days(9));
    assert_eq!(payout.parked(), None);
    payout.pass(TimeDelta::days(3));
    assert_eq!(payout.parked(), Some(ParkCode::UnknownVendorState));
    payout.has_recorded_history("never_settled");
    payout.settled("t1", 10_000);
    payout.resume();
    assert_eq!((payout.parked(), payout.state().as_str(), payout.balance(1020)), (None, "Explained", 10_000));
}

#[test]
fn e8_what_nobody_here_knows_comes_from_suspense() {
    let mut payout = World::new();
    payout.pays("theirs", 700);
    payout.look(false);
    assert_eq!(payout.rules, ["ORPHAN_IN", "DISBURSE"]);
    assert_eq!(payout.open_accounts(), [(1020, 700), (1900, -700)]);
    payout.pass(TimeDelta::days(6));
    assert_eq!(payout.state(), "Explained");
    payout.has_recorded_history("orphan");
}

#[test]
fn e8_what_was_settled_when_the_books_were_opened_is_paid_out_of_the_opening() {
    let mut payout = World::new();
    payout.booked("old", Rule::OpeningSettled, 900);
    payout.booked("back", Rule::OpeningSettled, -200);
    payout.pays("old", 900);
    payout.nets("back", "older", 200);
    payout.look(false);
    assert_eq!((payout.rules.as_slice(), payout.balance(1020), payout.balance(1900)), (&["DISBURSE"; 2][..], 700, 0));
}

#[test]
fn e9_a_notice_that_agrees_closes_the_payout_at_once() {
    let mut payout = two_sales();
    payout.notice(12_500);
    assert_eq!((payout.state().as_str(), payout.called("list")), ("Explained", 1));
    payout.look(true);
    payout.noticed("p1", 12_500, true);
    payout.pass(TimeDelta::days(6));
    assert_eq!((payout.count("NoticeHeard"), payout.rules.len()), (1, 2), "what is told twice is one");
    payout.has_recorded_history("announced");
}

#[test]
fn e9_a_transaction_that_a_notice_names_and_the_search_does_not_show_yet_is_waited_for() {
    let mut payout = two_sales();
    payout.settled("t3", 700);
    payout.pays("t3", 700);
    payout.nets("t4", "theirs", 700);
    let late: Vec<_> = ["t3", "t4"].iter().filter_map(|id| payout.shown.remove_entry(*id)).collect();
    let notice = PayoutNotice { transactions: vec!["t3".to_owned()], ..World::told("p1", 12_500, true) };
    payout.tell(Command::Noticed { payout: World::payout(), installation: World::installation(), notice });
    assert_eq!(payout.state(), "Watched", "the sums agree, and it is not all there");
    payout.shown.extend(late);
    payout.pass(TimeDelta::days(1));
    assert_eq!(payout.state(), "Explained");
}

#[test]
fn e9_a_notice_that_never_comes_is_said_of_accounts_that_get_them() {
    for announced in [true, false] {
        let mut payout = two_sales();
        payout.look(announced);
        payout.pass(TimeDelta::days(6));
        assert_eq!(payout.state(), if announced { "Unannounced" } else { "Explained" });
        assert_eq!(payout.balance(1020), 12_500, "rebuilt from the search all the same");
    }
    let mut payout = two_sales();
    payout.look(true);
    payout.pass(TimeDelta::days(6));
    payout.has_recorded_history("unannounced");
    payout.notice(12_400);
    assert_eq!((payout.state().as_str(), payout.balance(1900)), ("Differs", 100), "it came after all");
}

#[test]
fn e11_what_its_items_have_above_what_was_paid_stands_in_suspense_once() {
    let mut payout = two_sales();
    payout.notice(12_200);
    assert_eq!((payout.state().as_str(), payout.balance(1900)), ("Watched", 0), "something may still be shown");
    payout.pass(TimeDelta::days(6));
    assert_eq!((payout.state().as_str(), payout.open_accounts()[0]), ("Differs", (1020, 12_200)));
    assert_eq!(payout.balance(1900), 300);
    payout.look(true);
    payout.pass(TimeDelta::days(6));
    assert_eq!(payout.rules.iter().filter(|rule| **rule == "FEE_UNEXPLAINED").count(), 1);
    payout.has_recorded_history("differs");
}

#[test]
fn e11_two_notices_of_a_day_are_one_sum() {
    let mut payout = two_sales();
    payout.noticed("p1", 10_000, true);
    payout.noticed("p2", 2_500, true);
    assert_eq!((payout.state().as_str(), payout.balance(1900)), ("Explained", 0));
}

#[test]
fn e12_what_is_held_back_is_held_and_paid_out_when_it_is_released() {
    let mut payout = two_sales();
    payout.becomes("t2", Fate::Held);
    payout.look(false);
    assert_eq!((payout.state().as_str(), payout.balance(1140), payout.balance(1020)), ("Held", 2_500, 10_000));
    payout.pass(TimeDelta::days(9));
    assert_eq!(payout.state(), "Held", "without an end: it is looked at each day");
    payout.becomes("t2", Fate::Paid);
    payout.pass(TimeDelta::days(1));
    assert_eq!((payout.state().as_str(), payout.balance(1140), payout.balance(1020)), ("Explained", 0, 12_500));
    payout.has_recorded_history("held_and_released");
}

#[test]
fn e12_what_is_held_and_released_for_another_day_is_that_days() {
    let mut payout = two_sales();
    payout.becomes("t2", Fate::Held);
    payout.look(false);
    payout.shown.remove("t2");
    payout.pass(TimeDelta::days(6));
    assert_eq!((payout.state().as_str(), payout.balance(1140), payout.balance(1020)), ("Explained", 2_500, 10_000));
    // And on that day it is paid out of what is held.
    let mut later = World::new();
    later.settled("t2", 2_500);
    later.booked("t2", Rule::FundsHeld, 2_500);
    later.pays("t2", 2_500);
    later.look(false);
    assert_eq!(later.rules, ["FUNDS_RELEASED", "DISBURSE"]);
}

#[test]
fn e12_what_the_bank_sends_back_is_returned_with_what_was_not_explained() {
    let mut payout = two_sales();
    payout.notice(12_200);
    payout.pass(TimeDelta::days(6));
    assert_eq!(payout.state(), "Differs");
    payout.becomes("t1", Fate::Returned);
    payout.becomes("t2", Fate::Returned);
    payout.noticed("p1", 12_200, false);
    assert_eq!((payout.state().as_str(), payout.balance(1020), payout.balance(1900)), ("Returned", 0, 0));
    payout.has_recorded_history("returned");
    payout.becomes("t1", Fate::Paid);
    payout.becomes("t2", Fate::Paid);
    payout.noticed("p1", 12_200, true);
    assert_eq!((payout.state().as_str(), payout.balance(1020), payout.balance(1900)), ("Differs", 12_200, 300));
}

#[test]
fn e12_a_notice_of_failure_alone_moves_nothing() {
    let mut payout = two_sales();
    payout.look(false);
    payout.noticed("p1", 12_500, false);
    assert_eq!(payout.rules, ["DISBURSE"; 2], "the gateway shows them as paid");
    assert_eq!(payout.called("read"), 2, "it was asked again");
}

#[test]
fn what_is_paid_out_in_another_currency_is_not_booked_and_said() {
    let mut payout = two_sales();
    let paid = crate::kernel::money::Money::new(11_000, Currency::USD);
    payout.shown.get_mut("t1").unwrap().paid = paid;
    payout.look(false);
    payout.pass(TimeDelta::days(6));
    assert_eq!((payout.balance(1020), payout.state().as_str()), (2_500, "Differs"));
    payout.has_recorded_history("another_currency");
}

#[test]
fn what_is_told_while_a_look_is_under_way_is_looked_at_after_it() {
    let mut payout = two_sales();
    let look = |payout: &World| Command::Look {
        payout: World::payout(),
        installation: World::installation(),
        announced: false,
        source: format!("{}", payout.log.len()),
    };
    let command = look(&payout);
    payout.deliver(command);
    payout.run_until("weigh");
    for _ in 0..2 {
        let command = look(&payout);
        payout.deliver(command);
    }
    payout.settled("t3", 700);
    payout.pays("t3", 700);
    payout.run();
    assert_eq!((payout.count("LookWanted"), payout.called("list"), payout.balance(1020)), (1, 2, 13_200));
}

#[test]
fn another_payout_is_refused() {
    let mut payout = two_sales();
    payout.look(false);
    let other = Payout { account: "acme-usd".to_owned(), ..World::payout() };
    let source = "poller".to_owned();
    payout.tell(Command::Look { payout: other, installation: World::installation(), announced: false, source });
    assert_eq!(payout.heard_refused(), 1);
}

#[test]
fn a_read_that_is_refused_parks_and_goes_on_when_resumed() {
    let mut payout = two_sales();
    let rejection = Rejection { kind: RejectionKind::Config, code: "403".to_owned(), message: "no right".to_owned() };
    payout.say("braintree.read_payout", Outcome::Rejected { rejection });
    payout.look(false);
    assert_eq!(payout.parked(), Some(ParkCode::VendorConfig));
    payout.resume();
    assert_eq!((payout.parked(), payout.balance(1020)), (None, 12_500));
    assert_eq!(Disbursement::id("acme-eur", day()), payout.id, "one for each account and day");
}
