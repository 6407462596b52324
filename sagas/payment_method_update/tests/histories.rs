//! Recorded histories: what releases wrote into the log must be readable by every later one. A history is written once,
//! by this test with `WRITE_HISTORIES` set, and never again; `tests/laws` replays all of them for ever.

use super::world::{World, declined, invoice, rejected, unknown};
use crate::kernel::outcome::{DeclineKind, Look, RejectionKind};
use crate::kernel::tests::bench::Played;
use crate::payment_method_update::Tried;
use chrono::TimeDelta;

/// Its name, and how it goes.
type Scenario = (&'static str, fn() -> World);

fn changed() -> World {
    let mut w = World::submitted(|w| w.owes(2));
    w.tried(1, Tried::Paid);
    w.tried(2, Tried::Declined);
    w.pass(TimeDelta::days(8));
    w
}

fn declined_then_changed() -> World {
    let mut w = World::submitted(|w| w.say("braintree.vault", declined(DeclineKind::Verification, "2000")));
    w.submit(2);
    w
}

fn authentication() -> World {
    World::submitted(|w| w.say("braintree.vault", declined(DeclineKind::Verification, "2099")))
}

fn moved() -> World {
    let mut w = World::submitted(|w| {
        w.recurs("s-sub1");
        w.say("desk.claim", declined(DeclineKind::Busy, "claimed"));
    });
    w.pass(TimeDelta::minutes(5));
    w
}

fn move_refused() -> World {
    World::submitted(|w| {
        w.recurs("s-sub1");
        w.say("braintree.update_subscription", rejected(RejectionKind::State, "81901"));
    })
}

fn called_off() -> World {
    let mut w = World::pressed(|w| {
        w.recurs("s-sub1");
        w.recurs("s-sub2");
    });
    w.submit_until("confirm_move");
    w.run_until("move_subscription");
    w.say("braintree.update_subscription", rejected(RejectionKind::State, "81901"));
    w.run();
    w.cancel();
    w
}

fn waits_for_a_charge() -> World {
    World::submitted(|w| w.charging = Some(invoice(9)))
}

fn vault_unknown() -> World {
    let mut w = World::submitted(|w| w.say("braintree.vault", unknown()));
    let absent = || Look::Absent { watermark: false, key_proven: false };
    w.looks.extend([absent(), absent()]);
    w.pass(TimeDelta::minutes(5));
    w
}

fn hard_declined() -> World {
    let mut w = World::submitted(|w| w.owes(2));
    w.tried(1, Tried::HardDeclined);
    w
}

fn card_in_use() -> World {
    let mut w = World::submitted(|_| {});
    w.recurs("s-other");
    w.pass(TimeDelta::days(60));
    w
}

fn asked_again_and_expired() -> World {
    let mut w = World::pressed(|_| {});
    w.now += TimeDelta::minutes(5);
    w.press();
    w.pass(TimeDelta::days(8));
    w
}

#[test]
fn every_scenario_has_its_recorded_history() {
    let scenarios: [Scenario; 11] = [
        ("changed", changed),
        ("declined_then_changed", declined_then_changed),
        ("wants_authentication", authentication),
        ("moved", moved),
        ("move_refused", move_refused),
        ("called_off", called_off),
        ("waits_for_a_charge", waits_for_a_charge),
        ("vault_unknown", vault_unknown),
        ("retry_hard_declined", hard_declined),
        ("old_card_in_use", card_in_use),
        ("asked_again_and_expired", asked_again_and_expired),
    ];
    for (name, scenario) in scenarios {
        scenario().has_recorded_history(name);
    }
}
