//! Recorded histories: what releases wrote into the log must be readable by every later one.

use super::world::{PRICE, World};
use crate::braintree_recurring::Intent;
use crate::kernel::answer::{CollectionOwner, RecurringStatus, TransactionStatus};

/// Its name, and how it goes.
type Scenario = (&'static str, fn() -> World);

fn recorded() -> World {
    let mut w = World::begun();
    w.renews(Some(PRICE), Some(PRICE));
    w.hear("subscription_charged_successfully");
    w.record("772");
    w
}

fn without_invoice() -> World {
    let mut w = World::begun();
    w.renews(None, Some(PRICE));
    w.days(2);
    w
}

fn without_charge() -> World {
    let mut w = World::begun();
    w.renews(Some(PRICE), None);
    w.days(2);
    w
}

fn another_price() -> World {
    let mut w = World::begun();
    w.price = Some(PRICE + 1_000);
    w.renews(Some(PRICE + 1_000), Some(PRICE));
    w.hear("subscription_charged_successfully");
    w
}

fn past_due() -> World {
    let mut w = World::begun();
    w.past_due();
    w
}

fn paid_late() -> World {
    let mut w = past_due();
    w.charge("tx3", PRICE, TransactionStatus::SubmittedForSettlement);
    w.shown.status = RecurringStatus::Active;
    w.hear("subscription_went_active");
    w
}

fn given_up() -> World {
    let mut w = past_due();
    w.shown.status = RecurringStatus::Canceled;
    w.hear("subscription_canceled");
    w
}

fn ended_by_us() -> World {
    let mut w = World::begun();
    w.intend(Intent::Ends);
    w.shown.status = RecurringStatus::Canceled;
    w.hear("subscription_canceled");
    w
}

fn two_collectors() -> World {
    let mut w = World::begun();
    w.survey.owner = Some(CollectionOwner::ZohoNative);
    w.days(1);
    w
}

#[test]
fn every_scenario_has_its_recorded_history() {
    let scenarios: [Scenario; 9] = [
        ("recorded", recorded),
        ("charge_without_invoice", without_invoice),
        ("invoice_without_charge", without_charge),
        ("another_price", another_price),
        ("past_due", past_due),
        ("paid_late", paid_late),
        ("given_up_by_braintree", given_up),
        ("ended_by_us", ended_by_us),
        ("two_collectors", two_collectors),
    ];
    for (name, scenario) in scenarios {
        scenario().has_recorded_history(name);
    }
}
