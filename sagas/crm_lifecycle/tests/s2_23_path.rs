//! The table, row by row: what deal and tags show in each state of a subscription.

use super::{World, active, sale, set};
use crate::crm_lifecycle::Rules;
use crate::kernel::lifecycle::News;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur};
use chrono::TimeDelta;

fn offered() -> News {
    News::LinkSent { sale: sale("pro-monthly", 4_900), until: day("2026-11-09") }
}

fn trial() -> News {
    let zoho_subscription = "zs1".to_owned();
    News::Trial { sale: sale("pro-monthly", 4_900), zoho_subscription, until: day("2026-11-16") }
}

fn past_due(invoice: &str) -> News {
    News::PastDue { invoice: invoice.to_owned() }
}

fn recovered(invoice: &str) -> News {
    News::Recovered { invoice: invoice.to_owned() }
}

#[test]
fn an_active_subscription_is_a_won_deal_with_its_renewal_amount_and_its_tags() {
    let mut world = World::new();
    world.hear("sub1", active("pro-monthly", 4_900));
    let deal = world.deal("sub1");
    assert_eq!((deal.amount, deal.closing_on), (eur(4_900), day("2026-11-02")));
    assert_eq!((deal.customer.as_str(), deal.account.as_deref()), ("cust1", Some("cust1")));
    assert_eq!((world.stage("sub1"), world.status("sub1")), ("Closed Won", ""));
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro"]));
    let calls = ["read_settings", "read_contact", "account", "contact", "read_deal", "deal", "tags"];
    assert_eq!(world.calls, calls);
    assert_eq!(world.state(), "Kept");
    for id in [("crm_contact", "contact-cust1"), ("crm_account", "account-cust1"), ("crm_deal", "deal-sub1")] {
        assert!(world.references.contains(&(id.0, id.1.to_owned())), "{id:?}");
    }
    world.has_recorded_history("sold");
}

#[test]
fn a_trial_has_a_tag_and_no_deal_and_becomes_a_won_deal_when_zoho_bills_it() {
    let mut world = World::new();
    world.hear("sub1", trial());
    assert_eq!(world.tags(), &set(&["lifecycle-trial"]));
    assert!(world.deals.is_empty());
    world.trial = "trial";
    world.pass(TimeDelta::days(15));
    assert_eq!((world.called("read_trial"), world.tags()), (1, &set(&["lifecycle-trial"])));
    world.trial = "live";
    world.pass(TimeDelta::days(1));
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro"]));
    assert_eq!((world.stage("sub1"), world.deal("sub1").closing_on), ("Closed Won", day("2026-11-18")));
    world.has_recorded_history("trial_that_is_billed");
}

#[test]
fn a_trial_that_led_to_nothing_is_churned() {
    let mut world = World::new();
    world.hear("sub1", trial());
    world.trial = "trial_expired";
    world.pass(TimeDelta::days(20));
    assert_eq!(world.tags(), &set(&["lifecycle-churned"]));
    assert!(world.deals.is_empty(), "what never was a sale is no deal");
    world.has_recorded_history("trial_that_led_to_nothing");
}

#[test]
fn a_trial_that_is_cancelled_before_its_end_is_churned_and_not_looked_at_again() {
    let mut world = World::new();
    world.hear("sub1", trial());
    world.hear("sub1", News::EndScheduled { on: Some(day("2026-11-16")) });
    assert_eq!(world.tags(), &set(&["lifecycle-trial"]), "until it ends it is a trial");
    world.hear("sub1", News::Ended { on: day("2026-11-03") });
    world.pass(TimeDelta::days(30));
    assert_eq!((world.tags(), world.called("read_trial")), (&set(&["lifecycle-churned"]), 0));
}

#[test]
fn a_link_makes_an_open_deal_that_is_won_by_the_sale() {
    let mut world = World::new();
    world.hear("sub1", offered());
    assert_eq!((world.stage("sub1"), world.deal("sub1").closing_on), ("Proposal/Price Quote", day("2026-11-09")));
    assert!(world.tags().is_empty(), "tags are unchanged");
    world.hear("sub1", active("pro-monthly", 4_900));
    assert_eq!((world.stage("sub1"), world.deal("sub1").closing_on), ("Closed Won", day("2026-11-02")));
    assert_eq!(world.deals.len(), 1);
    world.has_recorded_history("offered_and_sold");
}

#[test]
fn a_link_that_expired_loses_the_deal_that_day() {
    let mut world = World::new();
    world.hear("sub1", offered());
    world.hear("sub1", News::LinkExpired { on: day("2026-11-09") });
    assert_eq!((world.stage("sub1"), world.deal("sub1").closing_on), ("Closed Lost", day("2026-11-09")));
    assert_eq!(world.tags(), &set(&["lifecycle-churned"]));
    world.hear("sub2", News::LinkExpired { on: day("2026-11-09") });
    assert_eq!(world.deals.len(), 1, "what was no deal does not become a lost one");
    world.has_recorded_history("offered_and_lost");
}

#[test]
fn another_plan_changes_the_amount_and_the_tag() {
    let mut world = World::new();
    world.hear("sub1", active("base-monthly", 1_900));
    world.hear("sub1", News::PlanChanged { sale: sale("pro-monthly", 4_900) });
    let deal = world.deal("sub1");
    assert_eq!((deal.amount, deal.closing_on, deal.plan.as_str()), (eur(4_900), day("2026-11-02"), "PRO-MONTHLY"));
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro"]));
}

#[test]
fn past_due_stands_until_every_invoice_is_paid_and_changes_nothing_else() {
    let mut world = World::new();
    world.hear("sub1", active("pro-monthly", 4_900));
    world.hear("sub1", past_due("77"));
    world.hear("sub1", past_due("78"));
    world.hear("sub1", recovered("77"));
    assert_eq!(world.status("sub1"), "past due");
    assert_eq!((world.stage("sub1"), world.deal("sub1").amount), ("Closed Won", eur(4_900)));
    assert_eq!(world.called("tags"), 1, "tags are unchanged");
    world.hear("sub1", recovered("78"));
    assert_eq!(world.status("sub1"), "");
    world.has_recorded_history("past_due_and_recovered");
}

#[test]
fn an_ending_has_its_day_and_goes_when_it_is_taken_back() {
    let mut world = World::new();
    world.hear("sub1", active("pro-monthly", 4_900));
    world.hear("sub1", News::EndScheduled { on: Some(day("2026-12-01")) });
    assert_eq!((world.status("sub1"), world.stage("sub1")), ("ending 2026-12-01", "Closed Won"));
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro"]));
    world.hear("sub1", past_due("77"));
    assert_eq!(world.status("sub1"), "past due, ending 2026-12-01");
    world.hear("sub1", recovered("77"));
    world.hear("sub1", News::GoesOn);
    assert_eq!((world.status("sub1"), world.stage("sub1")), ("", "Closed Won"));
}

#[test]
fn what_has_ended_is_churned_and_its_plan_tag_goes() {
    let mut world = World::new();
    world.hear("sub1", active("pro-monthly", 4_900));
    world.hear("sub1", News::Ended { on: day("2026-12-01") });
    assert_eq!((world.status("sub1"), world.stage("sub1")), ("churned 2026-12-01", "Closed Won"));
    assert_eq!(world.tags(), &set(&["lifecycle-churned"]));
    world.has_recorded_history("sold_and_ended");
    let mut named = World::new();
    named.rules.stages.churned = Some("Closed Lost".to_owned());
    named.hear("sub1", active("pro-monthly", 4_900));
    named.hear("sub1", News::Ended { on: day("2026-12-01") });
    assert_eq!(named.stage("sub1"), "Closed Lost", "where a setting names a stage");
    named.hear("sub1", News::GoesOn);
    assert_eq!((named.stage("sub1"), named.status("sub1")), ("Closed Won", ""), "reactivated");
    assert_eq!(named.tags(), &set(&["lifecycle-active", "plan-pro"]));
}

#[test]
fn who_comes_back_gets_another_deal() {
    let mut world = World::new();
    world.hear("sub1", active("pro-monthly", 4_900));
    world.hear("sub1", News::Ended { on: day("2026-12-01") });
    world.hear("sub2", active("plus-yearly", 29_000));
    assert_eq!(world.deals.len(), 2);
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-plus"]));
}

#[test]
fn news_that_overtake_each_other_leave_the_same() {
    let mut world = World::new();
    let sold = world.told("sub1", active("pro-monthly", 4_900));
    world.now += TimeDelta::hours(1);
    let due = world.told("sub1", past_due("77"));
    world.now += TimeDelta::hours(1);
    let paid = world.told("sub1", recovered("77"));
    let ended = world.told("sub1", News::Ended { on: day("2026-11-02") });
    for told in [paid, due, ended, sold] {
        world.tell(super::Command::Told(told));
    }
    assert_eq!((world.status("sub1"), world.stage("sub1")), ("churned 2026-11-02", "Closed Won"));
    assert_eq!(world.tags(), &set(&["lifecycle-churned"]));
}

#[test]
fn news_that_come_while_it_writes_are_written_after_it() {
    let mut world = World::new();
    let sold = world.told("sub1", active("pro-monthly", 4_900));
    world.deliver(super::Command::Told(sold));
    world.run_until("deal");
    world.now += TimeDelta::minutes(1);
    let ended = world.told("sub1", News::Ended { on: day("2026-11-02") });
    world.tell(super::Command::Told(ended));
    assert_eq!(world.status("sub1"), "churned 2026-11-02");
    assert_eq!(world.tags(), &set(&["lifecycle-churned"]));
}

#[test]
fn what_says_nothing_new_costs_no_call_at_crm() {
    let mut world = World::new();
    world.hear("sub1", active("pro-monthly", 4_900));
    world.hear("sub1", past_due("77"));
    let before = world.calls.len();
    world.hear("sub1", past_due("77"));
    assert_eq!(world.calls[before..], ["read_settings"]);
    world.hear("sub9", past_due("99"));
    assert_eq!(world.deals.len(), 1, "of a sale that nobody told of there is no deal");
}

#[test]
fn an_installation_that_keeps_no_crm_writes_nothing() {
    let mut world = World::new();
    world.rules = Rules { enabled: false, ..Rules::default() };
    world.hear("sub1", active("pro-monthly", 4_900));
    assert_eq!((world.calls.len(), world.state().as_str()), (1, "SwitchedOff"));
    world.has_recorded_history("switched_off");
    world.rules = Rules::default();
    world.check("on again");
    assert_eq!(world.stage("sub1"), "Closed Won", "switched on, it catches up");
}
