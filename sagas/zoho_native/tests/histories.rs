//! Recorded histories: what releases wrote into the log must be readable by every later one. A history is written once,
//! by this test with `WRITE_HISTORIES` set, and never again; `tests/laws` replays all of them for ever.

use super::world::{World, eur};
use crate::kernel::tests::bench::Played;
use crate::zoho_native::Act;
use chrono::TimeDelta;

/// Its name, and how it goes.
type Scenario = (&'static str, fn() -> World);

fn ended_in_dunning() -> World {
    let mut w = World::bought();
    w.terms.status = "dunning".to_owned();
    w.notice("payment_declined", "zs1");
    w.terms.status = "live".to_owned();
    w.notice("payment_thankyou", "zs1");
    w.terms.status = "cancelled_from_dunning".to_owned();
    w.notice("subscription_cancelled", "zs1");
    w
}

fn without_subscription() -> World {
    let mut w = World::opened();
    w.pages[0].1.status = "success".to_owned();
    w.come_back();
    w.pass(TimeDelta::minutes(22));
    w
}

fn twins() -> World {
    let mut w = World::opened();
    w.buy();
    w.buy_on(0);
    w.come_back();
    w
}

fn no_collector() -> World {
    let mut w = World::bought();
    w.terms.auto_collect = false;
    w.notice("subscription_edited", "zs1");
    w.resume();
    w
}

fn handed_over() -> World {
    let mut w = World::bought();
    w.owner = None;
    w.notice("subscription_edited", "zs1");
    w
}

fn called_off_at_zoho() -> World {
    let mut w = World::opened();
    w.cancel();
    w.pass(TimeDelta::minutes(63));
    w
}

fn repriced_page_over_reminded_expired() -> World {
    let mut w = World::started();
    w.offer.plan.price = eur(12_000);
    w.ask();
    w.ask();
    w.pages[0].1.status = "failed".to_owned();
    w.come_back();
    w.pass(TimeDelta::days(9));
    w
}

fn resent() -> World {
    let mut w = World::started();
    w.now += TimeDelta::hours(30);
    w.tell(crate::zoho_native::Command::Opened { link: 1 });
    w.press(Act::ResendLink);
    w
}

fn refused() -> World {
    World::pressed(Act::Start, |w| w.offer.plan.active = false)
}

fn product_released() -> World {
    let mut w = World::bought();
    let product = w.claims.first().expect("the product").key.clone();
    w.tell(crate::zoho_native::Command::SubscriptionEnded { product });
    w
}

const SCENARIOS: [Scenario; 11] = [
    ("bought", World::bought),
    ("ended_in_dunning", ended_in_dunning),
    ("without_subscription", without_subscription),
    ("twins", twins),
    ("no_collector", no_collector),
    ("handed_over", handed_over),
    ("called_off_at_zoho", called_off_at_zoho),
    ("repriced_page_over_reminded_expired", repriced_page_over_reminded_expired),
    ("resent", resent),
    ("refused", refused),
    ("product_released", product_released),
];

#[test]
fn every_scenario_has_a_recorded_history() {
    for (name, play) in SCENARIOS {
        play().has_recorded_history(name);
    }
}
