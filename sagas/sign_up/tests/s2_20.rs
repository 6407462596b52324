//! 2.20: from a sign-up to a customer in Zoho CRM, by both ways in.

use super::world::{ACCOUNT, CUSTOMER, USER, World, busy, product, source};
use crate::kernel::outcome::{NotSent, Outcome, Rejection, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::{End, Saga as _};
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{not_sent, rejected};
use crate::sign_up::SignUp;
use chrono::TimeDelta;

fn duplicate(code: &str) -> Outcome {
    let message = "Zoho CRM has record 77 of Contacts for the same".to_owned();
    Outcome::Rejected { rejection: Rejection { kind: RejectionKind::State, code: code.to_owned(), message } }
}

#[test]
fn p_a_sign_up_of_the_platform_is_in_crm_tagged_linked_and_on_trial() {
    let w = World::signed_up(|_| {});
    assert_eq!((w.state().as_str(), w.parked()), ("Trial", None));
    assert_eq!(w.tags(), ["compliance-gdpr", "lifecycle-trial", "source-website"]);
    assert_eq!(w.laws.as_deref(), Some(&["GDPR".to_owned()][..]));
    for theirs in [USER, "person1", "Contacts-cust1", "Accounts-acct1"] {
        assert!(w.is_linked(theirs), "{theirs}");
    }
    assert!(w.claims.contains(&product()));
    let face = w.face();
    assert_eq!((face.lifecycle.as_deref(), face.zoho_contact.as_deref()), (Some("Trial"), Some("Contacts-cust1")));
    assert_eq!(face.trial_ends_on, Some((w.now + TimeDelta::days(14)).date_naive()));
    assert_eq!(face.account.as_ref().map(|(_, id)| id.as_str()), Some("Accounts-acct1"));
    assert!(w.references.contains(&("zoho_contact", "Contacts-cust1".to_owned())));
    assert!(w.notes.is_empty());
    w.has_recorded_history("platform");
}

#[test]
fn p_a_press_in_attio_leads_to_the_same_and_is_answered() {
    let w = World::pressed(|_| {});
    assert_eq!((w.state().as_str(), w.called("find_person")), ("Trial", 0));
    assert_eq!(w.tags(), ["compliance-gdpr", "lifecycle-trial", "source-website"]);
    assert!(w.face().answers.is_some() && w.face().last_error.is_empty());
    w.has_recorded_history("pressed");
}

#[test]
fn e1_the_same_user_told_again_is_the_same_sign_up() {
    let mut w = World::signed_up(|_| {});
    let (events, calls) = (w.events().count(), w.calls.len());
    let again = w.sign_up();
    w.tell(again);
    assert_eq!((w.events().count(), w.calls.len()), (events, calls));
}

#[test]
fn e1_an_address_of_another_user_waits_for_a_person_and_nothing_is_merged() {
    let mut w = World::signed_up(|w| w.say("desk.link", rejected(RejectionKind::State, "linked_otherwise")));
    assert_eq!((w.parked(), w.called("contact")), (Some(ParkCode::IdentitySplit), 0));
    assert!(!w.is_linked(USER));
    w.resume();
    assert_eq!((w.state().as_str(), w.parked()), ("Trial", None));
    w.has_recorded_history("address_of_another");
}

#[test]
fn e2_what_crm_calls_a_duplicate_waits_for_a_person_and_is_never_merged() {
    for code in ["duplicate_unlinked", "duplicate_of_another"] {
        let mut w = World::signed_up(|w| w.say("zoho_crm.upsert_contact", duplicate(code)));
        assert_eq!(w.parked(), Some(ParkCode::IdentitySplit));
        assert!(w.claims.contains(&product()), "the trial runs meanwhile");
        w.resume();
        assert_eq!((w.state().as_str(), w.tags().len(), w.called("contact")), ("Trial", 3, 2));
    }
}

#[test]
fn e3_two_of_one_domain_share_an_account_and_it_keeps_its_name() {
    let there = |w: &mut World| {
        let account = ("Accounts-acct1".to_owned(), std::collections::BTreeSet::new());
        w.crm.insert(("Accounts", ACCOUNT.to_owned()), account);
    };
    let w = World::signed_up(there);
    assert_eq!((w.called("account"), w.called("contact")), (0, 1));
    let alone = World::signed_up(|w| w.read.company = None);
    assert_eq!((alone.called("account"), alone.face().account.clone()), (1, None));
}

#[test]
fn e4_an_unknown_source_or_country_makes_no_tag_and_is_said() {
    let mut w = World::signed_up(|w| {
        w.read.lead_source = Some(source("billboard"));
        w.read.country = Some("XX".to_owned());
    });
    assert_eq!(w.tags(), ["lifecycle-trial"]);
    assert_eq!((w.laws.as_ref(), w.notes.len()), (None, 1));
    let note = &w.notes[0];
    assert!(note.title.contains("the lead source and the country (D41)"), "{}", note.title);
    let again = w.sign_up();
    w.tell(again);
    assert_eq!(w.notes.len(), 1);
    w.has_recorded_history("nothing_guessed");
    let one = World::signed_up(|w| w.read.lead_source = None);
    assert_eq!(one.tags(), ["compliance-gdpr", "lifecycle-trial"]);
    assert!(one.notes[0].title.contains("for the lead source (D41)"));
}

#[test]
fn e7_while_crm_is_down_the_trial_runs_and_what_is_owed_follows() {
    let mut w = World::signed_up(|w| w.say("zoho_crm.find", not_sent(NotSent::Outage)));
    assert_eq!((w.state().as_str(), w.crm.len()), ("Trial", 0));
    w.pass(TimeDelta::minutes(10));
    assert_eq!(w.tags().len(), 3);
}

#[test]
fn e7_a_crm_that_refuses_us_is_tried_again_while_attio_is_told() {
    let config = || rejected(RejectionKind::Config, "NO_PERMISSION");
    let mut w = World::signed_up(|w| {
        w.say("zoho_crm.upsert_contact", config());
        w.say("zoho_crm.upsert_contact", config());
    });
    assert_eq!((w.state().as_str(), w.parked(), w.face().lifecycle.as_deref()), ("Trial", None, Some("Trial")));
    assert_eq!(w.face().zoho_contact, None);
    w.pass(TimeDelta::minutes(4));
    assert_eq!((w.tags().len(), w.face().zoho_contact.as_deref()), (3, Some("Contacts-cust1")));
    w.has_recorded_history("crm_put_off");
}

#[test]
fn e7_a_crm_that_is_down_keeps_no_trial_from_its_end() {
    let mut w = World::signed_up(|w| {
        for _ in 0..10_000 {
            w.say("zoho_crm.find", not_sent(NotSent::Outage));
        }
    });
    w.pass(TimeDelta::days(15));
    assert_eq!((w.state().as_str(), w.crm.len(), w.saga.flow.ended), ("Expired", 0, None));
    w.says.clear();
    w.pass(TimeDelta::minutes(10));
    assert_eq!(w.tags(), ["compliance-gdpr", "lifecycle-churned", "source-website"], "CRM gets who was there");
    assert_eq!(w.saga.flow.ended, Some(End::GivenUp));
}

#[test]
fn e8_whoever_has_the_product_gets_no_trial_of_it() {
    let mut w = World::pressed(|w| w.say("desk.claim", busy()));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Refused", Some(End::GivenUp)));
    assert!(w.face().last_error.contains("has this product already") && w.face().answers.is_some());
    assert_eq!(w.called("contact"), 0);
    w.has_recorded_history("has_the_product");
    // What kept it is over: a further press is another matter.
    w.now += TimeDelta::days(1);
    w.press();
    assert_eq!((w.state().as_str(), w.face().last_error.as_str()), ("Trial", ""));
}

#[test]
fn a_record_that_lacks_something_is_refused_and_pressed_again_once_it_is_filled_in() {
    let mut w = World::pressed(|w| w.read.missing = vec!["E-mail".to_owned()]);
    assert_eq!(w.state(), "Refused");
    assert!(w.face().last_error.contains("lacks E-mail"), "{}", w.face().last_error);
    w.read.missing.clear();
    w.now += TimeDelta::minutes(5);
    w.press();
    assert_eq!((w.state().as_str(), w.face().last_error.as_str()), ("Trial", ""));
    let ends_on = (w.now + TimeDelta::days(14)).date_naive();
    assert_eq!(w.face().trial_ends_on, Some(ends_on), "it runs from the press that counted");
    w.has_recorded_history("filled_in");
}

#[test]
fn a_press_while_no_product_is_configured_is_answered_with_that() {
    let mut w = World::pressed(|w| w.product = "");
    assert_eq!((w.state().as_str(), w.called("enrol")), ("Refused", 0));
    assert!(w.face().last_error.contains("TRIAL_PRODUCT"), "{}", w.face().last_error);
    w.product = "prod1";
    w.now += TimeDelta::minutes(5);
    w.press();
    assert_eq!(w.state(), "Trial");
    w.has_recorded_history("no_product");
}

#[test]
fn a_record_that_is_gone_ends_the_sign_up() {
    let gone = || rejected(RejectionKind::NotFound, "not_found");
    let w = World::pressed(|w| {
        w.say("attio.read_client", gone());
        w.say("attio.show_client", gone());
    });
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Refused", Some(End::GivenUp)));
    let mut later = World::signed_up(|_| {});
    for operation in ["attio.show_client", "attio.add_note"] {
        later.say(operation, gone());
    }
    later.tell(World::moves(later.now + TimeDelta::days(20), false));
    later.pass(TimeDelta::days(18));
    assert_eq!((later.state().as_str(), later.notes.len()), ("Trial", 0));
    assert_eq!(later.count("NoteNotAdded") + later.count("RecordNotShown"), 2);
    later.has_recorded_history("record_gone");
    let uncomplied = World::signed_up(|w| w.say("attio.set_compliance", gone()));
    assert_eq!(uncomplied.count("ComplianceNotShown"), 1);
}

#[test]
fn what_attio_refuses_for_a_reason_that_may_pass_is_written_later() {
    let mut w = World::signed_up(|w| w.say("attio.show_client", rejected(RejectionKind::Config, "403")));
    assert_eq!((w.shown.len(), w.tags().len(), w.parked()), (0, 3, None));
    w.pass(TimeDelta::minutes(2));
    assert_eq!((w.shown.len(), w.face().version), (1, 2));
    assert_eq!(SignUp::summary(&w.saga.business).customer.as_deref(), Some(CUSTOMER));
}
