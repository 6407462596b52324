//! What is told of the subscription's life.

use super::world::{GROSS, World, day, eur, terms};
use crate::kernel::effect::Message;
use crate::kernel::lifecycle::{self, News, Sale, Told};
use crate::kernel::tests::bench::Played as _;
use crate::subscription_activation::{Act, Command};
use chrono::TimeDelta;

fn told(message: &Message) -> Told {
    assert_eq!((message.to, message.flow.as_str()), (lifecycle::stream("cust1"), "crm_lifecycle"));
    serde_json::from_value(message.command.clone()).expect("news")
}

fn sale() -> Sale {
    Sale { plan: "pro-monthly".to_owned(), name: "Pro".to_owned(), amount: eur(GROSS) }
}

fn all(world: &World) -> Vec<News> {
    world.tells.iter().map(|message| told(message).news).collect()
}

#[test]
fn a_sale_is_told_once_with_its_renewal_amount_and_its_day() {
    let mut w = World::submitted(|_| {});
    assert!(w.tells.is_empty(), "it is no sale before the end");
    w.record();
    assert_eq!(all(&w), [News::Active { sale: sale(), on: day("2026-11-02") }]);
    let told = told(&w.tells[0]);
    assert_eq!((told.customer.as_str(), told.record.as_deref()), ("cust1", Some("sub-record1")));
}

#[test]
fn a_trial_is_told_as_one() {
    let w = World::submitted(|w| w.offer.plan.trial_days = 14);
    let [News::Trial { zoho_subscription, until, .. }] = &all(&w)[..] else { panic!("{:?}", all(&w)) };
    assert_eq!((zoho_subscription.as_str(), *until), ("zs1", day("2026-11-16")));
}

#[test]
fn a_link_is_told_only_where_a_setting_wants_a_deal_of_it() {
    let mut w = World::new();
    w.request.act = Some(Act::Start.title().to_owned());
    w.request.pressed_at = Some(w.now);
    let press = World::press_of(Act::Start, w.now);
    let Command::Pressed { organization, installation, record, act, pressed_at, ordered, .. } = press else {
        panic!("a press")
    };
    let terms = Box::new(crate::subscription_activation::Terms { deal_at_link: true, ..terms() });
    w.tell(Command::Pressed { organization, installation, record, act, pressed_at, terms, ordered });
    assert_eq!(all(&w), [News::LinkSent { sale: sale(), until: day("2026-11-09") }]);
    w.pass(TimeDelta::days(8));
    assert_eq!(w.state(), "Expired");
    assert_eq!(all(&w)[1..], [News::LinkExpired { on: day("2026-11-09") }]);
    let mut without = World::started(|_| {});
    without.pass(TimeDelta::days(8));
    assert!(without.tells.is_empty());
}
