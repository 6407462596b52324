//! What a late notice holds back.

use super::world::World;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

#[test]
fn e4_what_a_late_notice_holds_back_is_not_charged_and_goes_on_by_itself() {
    let mut w = World::begun(|w| w.survey.subscription_holds = vec!["notice_missed".to_owned()]);
    assert_eq!((w.state().as_str(), w.sales_made(), w.parked()), ("HeldForNotice", 0, None));
    w.pass(TimeDelta::days(3));
    assert_eq!((w.state().as_str(), w.sales_made()), ("HeldForNotice", 0));
    w.survey.subscription_holds.clear();
    w.pass(TimeDelta::hours(2));
    assert_eq!(w.sales_made(), 1);
    assert_eq!(w.state(), "AwaitSettlement");
    w.has_recorded_history("held_for_notice");
}

#[test]
fn e4_what_owes_nothing_is_closed_whatever_is_held_back() {
    let w = World::begun(|w| {
        w.survey.subscription_holds = vec!["notice_missed".to_owned()];
        (w.invoice.total, w.invoice.balance, w.invoice.tax) = (super::world::eur(0), super::world::eur(0), None);
    });
    assert_eq!(w.state(), "ClosedZero");
}
