//! What is told of the subscription's life.

use super::world::{Sale, World};
use crate::kernel::lifecycle::{News, Told};
use crate::kernel::outcome::{DeclineKind, Outcome};
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::decline;
use chrono::TimeDelta;

fn all(world: &World) -> Vec<Told> {
    let read = |command: &serde_json::Value| serde_json::from_value(command.clone()).expect("news");
    world.tells.iter().map(|message| read(&message.command)).collect()
}

fn soft() -> Outcome {
    let mut decline = decline(DeclineKind::Processor, "2046");
    decline.response_type = Some("soft_declined".to_owned());
    Outcome::Declined { decline }
}

#[test]
fn a_failed_charge_is_told_as_past_due_and_its_payment_as_recovered() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(soft()));
    w.detect();
    let due = all(&w);
    assert_eq!(due.len(), 1, "{due:?}");
    assert_eq!(due[0].news, News::PastDue { invoice: "77".to_owned() });
    assert_eq!((due[0].customer.as_str(), due[0].subscription.as_str()), ("cust1", "sub1"));
    w.pass(TimeDelta::days(4));
    assert_eq!(
        all(&w)[1..].iter().map(|told| told.news.clone()).collect::<Vec<_>>(),
        [News::Recovered { invoice: "77".to_owned() }]
    );
}

#[test]
fn a_renewal_that_is_paid_at_once_is_no_news() {
    let mut w = World::new();
    w.detect();
    w.pass(TimeDelta::days(4));
    assert!(all(&w).is_empty());
}

#[test]
fn an_invoice_that_was_past_due_and_is_voided_is_not_owed_any_more() {
    let mut w = World::new();
    w.sales.push_back(Sale::Says(soft()));
    w.detect();
    "void".clone_into(&mut w.invoice.status);
    w.invoice.balance.minor = 0;
    w.pass(TimeDelta::days(4));
    assert_eq!(w.state(), "ClosedVoid");
    let last = all(&w).pop().expect("news");
    assert_eq!(last.news, News::Recovered { invoice: "77".to_owned() });
}
