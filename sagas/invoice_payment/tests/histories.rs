//! Recorded histories: what releases wrote into the log must be readable by every later one. A history is written once,
//! by this test with `WRITE_HISTORIES` set, and never again; `tests/laws` replays all of them for ever.

use super::world::{Sale, World, outage, rejected, says, soft};
use crate::invoice_payment::{Choice, Command};
use crate::kernel::answer::TransactionStatus::{Settled, SettlementDeclined, Voided};
use crate::kernel::ids::SagaId;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

/// Its name, and how it goes.
type Scenario = (&'static str, fn() -> World);

fn paid() -> World {
    let mut w = World::begun(|_| {});
    w.settle("tx1", Settled);
    w
}

fn declined_then_paid() -> World {
    let mut w = World::begun(|w| w.sales.push_back(says(soft("2001"))));
    w.pass(TimeDelta::days(4));
    w
}

fn unknown() -> World {
    World::begun(|w| w.sales.push_back(Sale::Says(Outcome::Unknown { detail: "time-out".to_owned() })))
}

fn settlement_declined_and_charged_again() -> World {
    let mut w = World::begun(|_| {});
    w.settle("tx1", SettlementDeclined);
    w.delete_payments();
    w.choose(Choice::ChargeAgain);
    w
}

fn record_blocked() -> World {
    World::begun(|w| w.records.extend([rejected(RejectionKind::Invalid, "1"), rejected(RejectionKind::Invalid, "1")]))
}

fn paid_twice_then_voided() -> World {
    let mut w = World::new();
    w.records.push_back(outage());
    w.detect();
    w.pay("zp9", "portal", "creditcard", super::world::TOTAL);
    w.records.push_back(rejected(RejectionKind::State, "24016"));
    w.pass(TimeDelta::minutes(1));
    w.statuses.insert("tx1".to_owned(), Voided);
    w.resume();
    w
}

fn shown_late() -> World {
    let mut w = World::begun(|w| w.projection_answers.push_back(rejected(RejectionKind::Config, "401")));
    w.pass(TimeDelta::minutes(1));
    w
}

fn held_then_deleted() -> World {
    let mut w = World::begun(|w| w.survey.owner = None);
    w.invoice_exists = false;
    w.changed();
    w.pass(TimeDelta::minutes(3));
    w
}

fn retried_by_a_new_card() -> World {
    let mut w = World::begun(|w| w.sales.push_back(says(soft("2001"))));
    let reply_to = Some(SagaId::derived("card", &["1"]));
    w.tell(Command::MethodChanged { consent: true, customer_present: true, reply_to });
    w
}

#[test]
fn every_scenario_has_its_recorded_history() {
    let scenarios: [Scenario; 9] = [
        ("paid_and_settled", paid),
        ("declined_then_paid", declined_then_paid),
        ("outcome_unknown", unknown),
        ("settlement_declined_and_charged_again", settlement_declined_and_charged_again),
        ("record_blocked", record_blocked),
        ("paid_twice_then_voided", paid_twice_then_voided),
        ("shown_late", shown_late),
        ("mirrored_then_deleted", held_then_deleted),
        ("retried_by_a_new_card", retried_by_a_new_card),
    ];
    for (name, scenario) in scenarios {
        scenario().has_recorded_history(name);
    }
}
