//! Who may ask for a link, and what the CRM team reads of it.

use super::world::World;
use crate::kernel::effect::ClaimKind;
use crate::kernel::outcome::DeclineKind;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played;
use crate::payment_method_update::tests::world::{declined, eur, rejected};
use crate::payment_method_update::{Command, PageStage};
use chrono::TimeDelta;

fn sentence(world: &World) -> String {
    world.shown.iter().filter_map(|face| face.refusal.clone()).next_back().expect("a reason on the record")
}

#[test]
fn s2_28_an_act_is_answered_before_anything_is_read() {
    let w = World::pressed(|_| {});
    assert_eq!(w.calls.first().map(String::as_str), Some("show"));
    assert!(w.shown[0].answers_act && w.shown[0].page.is_none());
    let last = w.last_shown();
    assert_eq!(last.page.as_ref().map(|page| page.status.as_str()), Some("Link ready"));
    assert!(!last.answers_act, "the press was answered before: a later one is another");
    assert_eq!(last.page.as_ref().and_then(|page| page.link).map(|link| link.number), Some(1));
    assert_eq!(w.letters.len(), 1);
    assert!(w.claims.iter().all(|claim| claim.kind == ClaimKind::AttioTrigger) && w.claims.len() == 1);
}

#[test]
fn s2_7_p1_a_link_that_another_program_asks_for_shows_itself_on_the_record_too() {
    let mut w = World::pressed(|_| {});
    let mut ordered = World::pressed(|w| w.customer.attio_client = None);
    assert_eq!(ordered.called("read_person"), 0, "nobody to read");
    assert_eq!((w.state(), ordered.state()), ("LinkSent".to_owned(), "LinkSent".to_owned()));
    w.cancel();
    ordered.cancel();
    assert_eq!(ordered.saga.flow.ended, Some(End::Compensated));
}

#[test]
fn s2_7_p1_what_nobody_gave_us_to_collect_gets_no_link() {
    let mut reasons = Vec::new();
    for change in [
        (|w: &mut World| w.survey.subscription = None) as fn(&mut World),
        |w| w.survey.owner = None,
        |w| w.survey.zoho_subscription = None,
        |w| w.customer.braintree_customer = None,
        |w| w.subscription.status = "cancelled".to_owned(),
        |w| w.subscription.currency = "none".to_owned(),
        |w| w.say("zoho.read_subscription", rejected(RejectionKind::NotFound, "1002")),
        |w| w.say("braintree.read_customer", rejected(RejectionKind::NotFound, "404")),
        |w| w.say("desk.claim", declined(DeclineKind::Busy, "claimed")),
    ] {
        let w = World::pressed(change);
        assert_eq!(w.state(), "Refused");
        assert!(matches!(w.stage(), PageStage::Failed));
        reasons.push(sentence(&w));
    }
    let all = reasons.len();
    reasons.sort();
    reasons.dedup();
    assert_eq!(reasons.len(), all, "each has a reason of its own: {reasons:?}");
}

#[test]
fn s2_7_p1_an_ended_subscription_whose_invoice_is_owed_still_gets_one() {
    let w = World::pressed(|w| {
        w.subscription.status = "cancelled".to_owned();
        w.owes(1);
    });
    assert_eq!(w.state(), "LinkSent");
    assert_eq!(w.page().offer.expect("an offer").owed, Some(eur(5_000)));
}

#[test]
fn s2_28_pressed_again_the_customer_gets_a_new_link_and_the_old_one_opens_nothing() {
    let mut w = World::pressed(|_| {});
    let old = w.submission(1);
    w.now += TimeDelta::minutes(5);
    w.press();
    assert_eq!((w.page().link, w.letters.len()), (2, 2));
    assert_eq!(w.refusal(&old), "old_link");
    assert_ne!(w.letters[0].reference, w.letters[1].reference);
    let answered = w.shown.iter().filter(|face| face.answers_act).count();
    assert_eq!(answered, 2, "each press has its answer");
    // The same press delivered once more.
    let again = w.request(true);
    w.tell(again);
    assert_eq!(w.page().link, 2);
}

#[test]
fn s2_7_p1_a_link_that_nobody_uses_expires_and_lets_go_of_everything() {
    let mut w = World::pressed(|_| {});
    w.pass(TimeDelta::days(8));
    assert_eq!((w.state().as_str(), w.saga.flow.ended), ("Expired", Some(End::GivenUp)));
    assert!(matches!(w.stage(), PageStage::Expired));
    assert_eq!(w.last_shown().page.as_ref().map(|page| page.status.as_str()), Some("Expired"));
    let late = w.submission(1);
    assert_eq!(w.refusal(&late), "over");
}

#[test]
fn s2_7_p2_what_is_owed_is_said_anew_when_the_page_is_opened() {
    let mut w = World::pressed(|_| {});
    let stale = w.submission(1);
    w.owes(2);
    w.deliver(Command::Opened { link: 1 });
    assert!(matches!(w.stage(), PageStage::Asked { .. }), "the card fields stay meanwhile");
    w.run();
    assert_eq!(w.page().offer.expect("an offer").owed, Some(eur(10_000)));
    assert_eq!(w.refusal(&stale), "stale_offer");
    assert_eq!(w.last_shown().page.as_ref().map(|page| page.status.as_str()), Some("Opened"));
    assert_eq!(w.refusal(&Command::Opened { link: 7 }), "old_link");
}

#[test]
fn s2_7_p2_nothing_is_taken_without_the_consent_to_the_text_that_is_shown() {
    let w = World::pressed(|_| {});
    let Command::Submitted { link, offer_hash, consent, input, authenticated } = w.submission(1) else {
        unreachable!()
    };
    let consent = crate::payment_method_update::Consent { version: "2020-01".to_owned(), ..consent };
    let without = Command::Submitted { link, offer_hash, consent, input, authenticated };
    assert_eq!(w.refusal(&without), "no_consent");
}

#[test]
fn a_letter_that_cannot_be_sent_becomes_a_task_and_the_link_stays() {
    let w = World::pressed(|w| w.say("mail.send", rejected(RejectionKind::Invalid, "no_address")));
    assert_eq!((w.state().as_str(), w.tasks.len()), ("LinkSent", 1));
    assert!(w.tasks[0].text.contains("give the customer the link"));
    let mut config = World::pressed(|w| w.say("mail.send", rejected(RejectionKind::Config, "535")));
    assert_eq!((config.letters.len(), config.tasks.len()), (0, 1));
    config.pass(TimeDelta::minutes(5));
    assert_eq!(config.letters.len(), 1, "tried again");
}

#[test]
fn a_record_that_attio_does_not_take_is_written_later_or_passed_over() {
    let mut w = World::pressed(|w| w.say("attio.show_card_page", rejected(RejectionKind::Invalid, "no_attribute")));
    assert_eq!(w.state(), "LinkSent");
    w.pass(TimeDelta::minutes(2));
    assert!(w.last_shown().answers_act && w.last_shown().page.is_some(), "the answer is still owed");
    let gone = World::pressed(|w| w.say("attio.show_card_page", rejected(RejectionKind::NotFound, "404")));
    assert_eq!((gone.state().as_str(), gone.parked()), ("LinkSent", None::<ParkCode>));
}
