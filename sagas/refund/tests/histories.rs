//! Recorded histories: what releases wrote into the log must be readable by every later one. A history is written once,
//! by this test with `WRITE_HISTORIES` set, and never again; `tests/laws` replays all of them for ever.

use super::world::{TOTAL, World, hard, refused, unknown};
use crate::kernel::answer::TransactionStatus::{Settled, SettlementDeclined, SubmittedForSettlement};
use crate::kernel::tests::bench::Played;
use crate::refund::{Approval, Choice, Command, Source};
use chrono::TimeDelta;

/// Its name, and how it goes.
type Scenario = (&'static str, fn() -> World);

fn forgiven_and_settled() -> World {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.wish.approval = Approval::SecondPerson);
    w.approve("token:bob");
    w.is_now(Settled);
    w.pass(TimeDelta::hours(3));
    w
}

fn voided_and_forgiven() -> World {
    World::begun(Source::Forgive, TOTAL, |w| w.sale = SubmittedForSettlement)
}

fn reopened_in_part() -> World {
    World::begun(Source::Reopen, 4_000, |_| {})
}

fn unapplied() -> World {
    let mut w = World::of_applied(Source::Unapplied, 4_000, 6_000);
    w.request();
    w
}

fn denied() -> World {
    let mut w = World::begun(Source::Forgive, 4_000, |w| w.wish.approval = Approval::SecondPerson);
    w.tell(Command::Denied { by: "token:bob".to_owned(), reason: "no".to_owned() });
    w
}

fn not_let_go() -> World {
    World::begun(Source::Forgive, TOTAL, |w| {
        w.answers = Some(Command::NotAdmitted { code: "too_much".to_owned(), why: "more than is left".to_owned() });
    })
}

fn waited_then_moot() -> World {
    let mut w = World::begun(Source::Reopen, 4_000, |w| w.sale = SubmittedForSettlement);
    w.sale = SettlementDeclined;
    w.pass(TimeDelta::hours(2));
    w
}

fn void_refused_then_refunded() -> World {
    let mut w = World::new(Source::Forgive, TOTAL);
    w.sale = SubmittedForSettlement;
    w.braintree.push_back(refused("91504"));
    w.request();
    w.sale = Settled;
    w.pass(TimeDelta::minutes(11));
    w
}

fn outcome_unknown() -> World {
    World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(unknown()))
}

fn blocked() -> World {
    World::begun(Source::Forgive, 4_000, |w| w.braintree.push_back(hard("2005")))
}

fn failed_then_paid_outside() -> World {
    let mut w = World::begun(Source::Forgive, 4_000, |_| {});
    w.is_now(SettlementDeclined);
    w.pass(TimeDelta::hours(3));
    w.decide(Choice::PaidOutside);
    w
}

fn note_off_by_a_cent() -> World {
    World::begun(Source::Forgive, 4_000, |w| w.note_off = 1)
}

/// A refund that others made of a sale of which all is applied.
fn made_elsewhere(choice: Option<Choice>) -> World {
    let mut w = World::new(Source::Forgive, 4_000);
    w.refund = Some(w.made("cr1", "", 4_000, SubmittedForSettlement));
    let wish = Box::new(w.wish.clone());
    w.tell(Command::FoundOutside { wish, refund: "cr1".to_owned() });
    w.hear();
    if let Some(choice) = choice {
        w.decide(choice);
    }
    w
}

fn made_elsewhere_and_unexplained() -> World {
    made_elsewhere(None)
}

fn made_elsewhere_and_reopened() -> World {
    made_elsewhere(Some(Choice::Reopen))
}

#[test]
fn every_scenario_has_its_recorded_history() {
    let scenarios: [Scenario; 14] = [
        ("forgiven_and_settled", forgiven_and_settled),
        ("voided_and_forgiven", voided_and_forgiven),
        ("reopened_in_part", reopened_in_part),
        ("unapplied", unapplied),
        ("denied", denied),
        ("not_let_go", not_let_go),
        ("waited_then_moot", waited_then_moot),
        ("void_refused_then_refunded", void_refused_then_refunded),
        ("outcome_unknown", outcome_unknown),
        ("blocked", blocked),
        ("failed_then_paid_outside", failed_then_paid_outside),
        ("note_off_by_a_cent", note_off_by_a_cent),
        ("made_elsewhere_and_unexplained", made_elsewhere_and_unexplained),
        ("made_elsewhere_and_reopened", made_elsewhere_and_reopened),
    ];
    for (name, scenario) in scenarios {
        scenario().has_recorded_history(name);
    }
}
