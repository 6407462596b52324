//! The card of a subscription that Zoho's own gateway collects.

use super::world::{World, rejected, unknown};
use crate::kernel::answer::CollectionOwner;
use crate::kernel::effect::ClaimKind;
use crate::kernel::outcome::{Look, RejectionKind};
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::payment_method_update::{Command, PageStage};
use chrono::TimeDelta;

#[test]
fn p4_our_link_leads_to_zohos_page_and_nothing_of_braintrees_is_read_or_touched() {
    let mut w = World::at_zoho();
    assert_eq!((w.state().as_str(), w.stage()), ("LinkSent", PageStage::AtZoho { page: Some("2-1".to_owned()) }));
    assert_eq!((w.letters.len(), w.last_shown().page.as_ref().map(|p| p.status.as_str())), (1, Some("Opened")));
    w.click();
    assert_eq!(w.called("create_page"), 1, "the page that is open is used again");
    w.pages[0].status = "success".to_owned();
    w.comes_back();
    assert_eq!(
        (w.state().as_str(), w.saga.flow.ended, w.stage()),
        ("Changed", Some(End::Completed), PageStage::ChangedAtZoho)
    );
    let shown = w.last_shown();
    assert_eq!(shown.page.as_ref().map(|page| page.status.as_str()), Some("Completed"));
    assert!(shown.on_file.is_some());
    assert_eq!(w.letters.len(), 1, "Zoho writes of what it took");
    for step in ["read_cards", "survey_uses", "vault", "switch_default", "retire_old_card"] {
        assert_eq!(w.called(step), 0, "{step}");
    }
    assert!(w.claims.iter().all(|claim| claim.kind == ClaimKind::AttioTrigger));
    w.has_recorded_history("at_zoho");
}

#[test]
fn p4_who_does_not_come_back_is_found_by_a_look() {
    let mut w = World::at_zoho();
    w.pages[0].status = "success".to_owned();
    w.pass(TimeDelta::minutes(11));
    assert_eq!((w.state().as_str(), w.called("read_page")), ("Changed", 1));
}

#[test]
fn e1_a_page_that_is_over_is_made_anew_at_the_next_click_and_only_the_newest_counts() {
    for status in ["fresh", "read", "failed", "cancelled", "force_cancelled"] {
        let mut w = World::at_zoho();
        w.pages[0].status = status.to_owned();
        w.comes_back();
        w.pass(TimeDelta::minutes(62));
        assert_eq!(w.stage(), PageStage::AtZoho { page: None }, "{status}");
        assert!(w.called("read_page") <= 3, "{status}: the fewest looks that do it");
        w.click();
        assert_eq!((w.pages.len(), w.stage()), (2, PageStage::AtZoho { page: Some("2-2".to_owned()) }), "{status}");
        w.pages[1].status = "success".to_owned();
        w.comes_back();
        assert_eq!(w.state(), "Changed", "{status}");
    }
    let mut failed = World::at_zoho();
    failed.pages[0].status = "failed".to_owned();
    failed.comes_back();
    failed.click();
    assert_eq!(failed.pages.len(), 2, "who clicks again gets another page at once");
}

#[test]
fn e1_a_link_whose_time_is_over_opens_no_page_and_says_so() {
    let mut w = World::at_zoho();
    w.pass(TimeDelta::days(8));
    assert_eq!((w.state().as_str(), w.stage()), ("Expired", PageStage::Expired));
    assert_eq!(w.refusal(&Command::PageAsked { link: 1 }), "not_at_zoho");
    assert_eq!(w.pages.len(), 1);
}

#[test]
fn e1_who_went_to_zoho_in_the_links_last_minutes_is_waited_for() {
    let mut w = World::at_zoho();
    w.pass(TimeDelta::days(7) - TimeDelta::minutes(5));
    w.click();
    w.pass(TimeDelta::minutes(6));
    assert_eq!(w.state(), "LinkSent", "the page lives longer than the link");
    w.pages[1].status = "success".to_owned();
    w.comes_back();
    assert_eq!(w.state(), "Changed");
}

#[test]
fn p4_a_page_that_zoho_refuses_is_told_with_the_cure_and_a_page_that_is_gone_is_over() {
    let mut w = World::at_zoho();
    w.say("zoho.read_hosted_page", rejected(RejectionKind::NotFound, "1002"));
    w.comes_back();
    assert_eq!(w.stage(), PageStage::AtZoho { page: None });
    w.say("zoho.create_hosted_page", rejected(RejectionKind::State, "105000"));
    w.click();
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Refused", Some(End::GivenUp)));
    let sentence = w.shown.iter().filter_map(|face| face.refusal.clone()).next_back().expect("a reason");
    assert!(sentence.contains("Zoho opens no page") && sentence.contains("send a new link"), "{sentence}");
    w.has_recorded_history("at_zoho_refused");
}

#[test]
fn p4_a_page_whose_making_nobody_answered_is_made_anew() {
    let mut w = World::pressed(|w| w.survey.owner = Some(CollectionOwner::ZohoNative));
    w.say("zoho.create_hosted_page", unknown());
    w.click();
    let absent = || Look::Absent { watermark: false, key_proven: false };
    w.looks.extend([absent(), absent(), absent(), absent()]);
    w.pass(TimeDelta::minutes(5));
    assert_eq!((w.stage(), w.pages.len()), (PageStage::AtZoho { page: Some("2-1".to_owned()) }, 1));
}
