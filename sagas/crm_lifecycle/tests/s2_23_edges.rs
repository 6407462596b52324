//! What people do in CRM meanwhile, what CRM refuses, and several subscriptions of one customer.

use super::{World, active, done, sale, set};
use crate::crm_lifecycle::Command;
use crate::kernel::answer::{Answer, CrmRecord};
use crate::kernel::lifecycle::{News, Residence, Told};
use crate::kernel::outcome::{Look, Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::tags::Compliance;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur, rejected, unknown};
use chrono::TimeDelta;

fn sold() -> World {
    let mut world = World::new();
    world.hear("sub1", active("pro-monthly", 4_900));
    world
}

#[test]
fn e1_a_stage_that_the_pipeline_does_not_know_is_asked_of_a_person_and_nothing_is_forced() {
    let mut world = World::new();
    world.rules.stages.won = "Sold".to_owned();
    world.say("zoho_crm.upsert_deal", rejected(RejectionKind::Invalid, "MAPPING_MISMATCH"));
    world.hear("sub1", active("pro-monthly", 4_900));
    assert!(world.deals.is_empty());
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro"]), "tags do not wait for it");
    let [task] = &world.tasks[..] else { panic!("{:?}", world.tasks) };
    assert!(task.text.contains("`Sold`") && task.record == "record1", "{task:?}");
    world.has_recorded_history("stage_not_in_the_pipeline");
    // Mended, and checked.
    world.rules.stages.won = "Closed Won".to_owned();
    world.check("mended");
    assert_eq!(world.stage("sub1"), "Closed Won");
}

#[test]
fn e1_a_record_in_a_blueprint_keeps_its_stage_and_gets_all_else() {
    let mut world = sold();
    world.rules.stages.churned = Some("Closed Lost".to_owned());
    world.say("zoho_crm.upsert_deal", rejected(RejectionKind::State, "RECORD_IN_BLUEPRINT"));
    world.hear("sub1", News::Ended { on: day("2026-12-01") });
    assert_eq!((world.stage("sub1"), world.status("sub1")), ("Closed Won", "churned 2026-12-01"));
    assert_eq!((world.written.last().expect("written").stage.as_ref(), world.tasks.len()), (None, 1));
    world.has_recorded_history("record_in_a_blueprint");
}

#[test]
fn e2_a_deal_that_people_deleted_is_not_made_again() {
    let mut world = sold();
    world.deals.clear();
    world.hear("sub1", News::EndScheduled { on: None });
    world.hear("sub1", News::Ended { on: day("2026-12-01") });
    assert!(world.deals.is_empty());
    assert_eq!(world.count("DealLeftDeleted"), 1);
    assert_eq!(world.tags(), &set(&["lifecycle-churned"]), "tags go on");
    world.has_recorded_history("deal_deleted_by_hand");
}

#[test]
fn e2_a_deal_that_people_won_or_lost_keeps_their_stage_and_gets_amount_and_status() {
    let mut world = World::new();
    world.hear("sub1", News::LinkSent { sale: sale("pro-monthly", 4_900), until: day("2026-11-09") });
    world.deals.get_mut("sub1").expect("a deal").stage = Some("Closed Lost to Competition".to_owned());
    world.hear("sub1", active("pro-monthly", 3_900));
    assert_eq!((world.stage("sub1"), world.deal("sub1").amount), ("Closed Lost to Competition", eur(3_900)));
    world.hear("sub1", News::PastDue { invoice: "77".to_owned() });
    assert_eq!((world.status("sub1"), world.count("StageLeft")), ("past due", 1));
    world.has_recorded_history("stage_chosen_by_hand");
}

#[test]
fn e3_the_best_lifecycle_of_all_subscriptions_counts_and_their_plans_are_joined() {
    let mut world = sold();
    world.hear("sub2", active("plus-monthly", 2_900));
    world.hear("sub3", News::LinkExpired { on: day("2026-11-09") });
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-plus", "plan-pro"]));
    world.hear("sub1", News::Ended { on: day("2026-12-01") });
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-plus"]));
    let zoho_subscription = "zs4".to_owned();
    let until = day("2026-12-30");
    world.hear("sub4", News::Trial { sale: sale("base-monthly", 900), zoho_subscription, until });
    world.hear("sub2", News::Ended { on: day("2026-12-02") });
    assert_eq!(world.tags(), &set(&["lifecycle-trial"]), "a trial is better than what has ended");
    world.has_recorded_history("several_subscriptions");
}

#[test]
fn e4_tags_that_others_set_stay() {
    let mut world = World::new();
    world.contacts.insert("cust1".to_owned(), set(&["VIP", "source-website", "plan-base"]));
    world.hear("sub1", active("pro-monthly", 4_900));
    assert_eq!(world.tags(), &set(&["VIP", "lifecycle-active", "plan-pro", "source-website"]));
    assert_eq!(world.called("contact"), 0, "who is there is not made");
}

#[test]
fn e4_tags_that_were_edited_at_the_same_moment_are_written_again() {
    let mut world = World::new();
    world.say("zoho_crm.set_tags", rejected(RejectionKind::UnknownState, "not_as_asked"));
    world.hear("sub1", active("pro-monthly", 4_900));
    assert!(world.tags().is_empty());
    world.pass(TimeDelta::minutes(2));
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro"]));
    world.has_recorded_history("tags_edited_meanwhile");
}

#[test]
fn e4_tags_whose_answer_was_lost_are_looked_up_before_they_are_written_again() {
    let mut world = World::new();
    world.say("zoho_crm.set_tags", unknown());
    let record = CrmRecord { id: Some("contact-cust1".to_owned()), tags: Vec::new(), stage: None };
    let outcome = Box::new(done(Answer::CrmRecord(Box::new(record))));
    world.looks.push_back(Look::Found { outcome, extra: Vec::new() });
    world.hear("sub1", active("pro-monthly", 4_900));
    world.pass(TimeDelta::hours(1));
    assert_eq!((world.called("tags"), world.state().as_str()), (1, "Kept"));
}

#[test]
fn e5_workflows_run_as_the_setting_of_each_module_says() {
    let mut world = sold();
    assert!(world.written[0].workflows, "a stage drives them by default");
    world.rules.workflows.deals = false;
    world.hear("sub1", News::EndScheduled { on: None });
    assert!(!world.written[1].workflows);
}

#[test]
fn e5_what_is_written_already_is_not_written_again() {
    let mut world = sold();
    world.hear("sub1", active("pro-monthly", 4_900));
    assert_eq!((world.called("deal"), world.called("tags")), (1, 1));
}

#[test]
fn e6_drift_is_rewritten_when_it_is_checked() {
    let mut world = sold();
    world.contacts.insert("cust1".to_owned(), set(&["VIP", "plan-base", "lifecycle-churned"]));
    world.deals.get_mut("sub1").expect("a deal").amount = eur(1);
    world.check("monday");
    assert_eq!(world.tags(), &set(&["VIP", "lifecycle-active", "plan-pro"]));
    assert_eq!((world.deal("sub1").amount, world.stage("sub1")), (eur(4_900), "Closed Won"));
    let before = world.calls.len();
    world.check("monday");
    assert_eq!(world.calls.len(), before, "the same order is carried out once");
    world.has_recorded_history("drift_rewritten");
}

#[test]
fn e6_a_customer_that_nobody_told_of_cannot_be_checked() {
    let mut world = World::new();
    world.check("monday");
    assert_eq!((world.heard_refused(), world.calls.len()), (1, 0));
}

#[test]
fn s2_22_e6_a_plan_without_a_tier_rule_has_no_tag_and_is_said_once() {
    let mut world = World::new();
    world.hear("sub1", active("enterprise-2026", 99_000));
    assert_eq!(world.tags(), &set(&["lifecycle-active"]));
    assert_eq!(world.stage("sub1"), "Closed Won", "it is sold all the same");
    assert!(world.tasks[0].text.contains("`enterprise-2026`"), "{:?}", world.tasks);
    world.hear("sub1", News::EndScheduled { on: None });
    assert_eq!((world.tasks.len(), world.count("PlanWithoutTier")), (1, 1));
    world.has_recorded_history("plan_without_tier");
}

#[test]
fn a_plan_that_nobody_told_of_leaves_the_plan_tags_alone() {
    let mut world = World::new();
    world.contacts.insert("cust1".to_owned(), set(&["plan-pro"]));
    world.hear("sub1", News::EndScheduled { on: None });
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro"]));
}

#[test]
fn a_customer_that_crm_has_twice_is_a_matter_for_a_person() {
    let mut world = World::new();
    let message = "Zoho CRM has record 5 of Contacts for the same".to_owned();
    let rejection = Rejection { kind: RejectionKind::State, code: "duplicate_unlinked".to_owned(), message };
    world.say("zoho_crm.upsert_contact", Outcome::Rejected { rejection });
    world.hear("sub1", active("pro-monthly", 4_900));
    assert_eq!(world.parked(), Some(ParkCode::IdentitySplit));
    assert!(world.deals.is_empty());
    world.has_recorded_history("customer_twice");
    world.hear("sub1", News::EndScheduled { on: None });
    assert_eq!(world.parked(), Some(ParkCode::IdentitySplit), "news do not decide it");
    world.resume();
    assert_eq!((world.parked(), world.status("sub1")), (None, "ending"));
}

#[test]
fn a_contact_that_is_deleted_while_it_writes_is_made_again() {
    let mut world = sold();
    world.hear("sub2", News::PastDue { invoice: "1".to_owned() });
    let ended = world.told("sub1", News::Ended { on: day("2026-12-01") });
    world.deliver(Command::Told(Told { at: world.now + TimeDelta::minutes(1), ..ended }));
    world.run_until("tags");
    world.contacts.clear();
    world.run();
    assert_eq!(world.tags(), &set(&["lifecycle-churned"]));
}

#[test]
fn of_a_person_of_whom_nothing_is_kept_nothing_is_written_until_something_is() {
    let mut world = World::new();
    world.say("zoho_crm.upsert_account", rejected(RejectionKind::NotFound, "person_gone"));
    world.hear("sub1", active("pro-monthly", 4_900));
    assert_eq!((world.state().as_str(), world.contacts.len()), ("PersonUnknown", 0));
    world.has_recorded_history("of_nobody");
    world.hear("sub1", News::EndScheduled { on: None });
    assert_eq!((world.stage("sub1"), world.status("sub1")), ("Closed Won", "ending"));
}

#[test]
fn a_right_that_is_missing_puts_all_off_until_it_is_there() {
    let mut world = World::new();
    world.say("zoho_crm.upsert_account", rejected(RejectionKind::Config, "OAUTH_SCOPE_MISMATCH"));
    world.hear("sub1", active("pro-monthly", 4_900));
    assert_eq!(world.count("WritingPutOff"), 1);
    world.pass(TimeDelta::minutes(2));
    assert_eq!(world.stage("sub1"), "Closed Won");
    world.has_recorded_history("put_off");
}

#[test]
fn a_customer_that_crm_does_not_take_is_asked_of_a_person() {
    let mut world = World::new();
    world.say("zoho_crm.upsert_contact", rejected(RejectionKind::Invalid, "INVALID_DATA"));
    world.hear("sub1", active("pro-monthly", 4_900));
    assert_eq!((world.tasks.len(), world.deals.len()), (1, 0));
    world.has_recorded_history("customer_refused");
    world.hear("sub1", News::EndScheduled { on: None });
    assert_eq!(world.status("sub1"), "ending", "the next news try again");
}

#[test]
fn s2_21_e5_where_a_customer_moves_to_other_laws_the_tags_follow_and_the_latest_counts() {
    let mut world = sold();
    let at = world.now;
    let moved =
        |laws: &[Compliance], at| Command::Moved(Residence { customer: "cust1".to_owned(), laws: laws.to_vec(), at });
    world.tell(moved(&[Compliance::Ccpa], at + TimeDelta::minutes(2)));
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro", "compliance-ccpa"]));
    world.tell(moved(&[Compliance::Gdpr], at + TimeDelta::minutes(1)));
    assert!(world.tags().contains("compliance-ccpa"), "an older word changes nothing");
    world.tell(moved(&[], at + TimeDelta::minutes(3)));
    assert_eq!(world.tags(), &set(&["lifecycle-active", "plan-pro"]));
    world.has_recorded_history("moved");
}
