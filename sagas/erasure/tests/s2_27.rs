//! 2.27: the road, and what vendors, other flows and late data do to it.

use super::world::{World, in_flight, of, request};
use crate::erasure::{Command, Event, Law, Reason};
use crate::kernel::answer::{Kept, PersonSurvey};
use crate::kernel::effect::AttioRecord;
use crate::kernel::outcome::{Look, NotSent, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{day, eur, not_sent, rejected, unknown};
use chrono::TimeDelta;

#[test]
fn p_the_road_of_an_erasure_from_the_request_to_the_certificate() {
    let mut w = World::new();
    w.subscriptions.insert("zs1".to_owned(), "live".to_owned());
    w.request(Law::Gdpr);
    // p1, p2: previewed, and nothing is done.
    assert_eq!((w.state().as_str(), w.told.len(), w.is_erased_here()), ("Previewed", 0, false));
    // p3: the subscription ends by its own flow, and is waited for.
    w.confirm("token:bob");
    assert_eq!((w.state().as_str(), w.told.len(), w.is_erased_here()), ("Waits", 1, false));
    assert_eq!((w.told[0].flow.as_str(), &w.told[0].command["order"]["by"]), ("cancellation", &"token:bob".into()));
    "cancelled".clone_into(w.subscriptions.get_mut("zs1").expect("there"));
    w.pass(TimeDelta::minutes(2));
    // p4 to p6.
    assert_eq!((w.state().as_str(), w.told.len()), ("Erased", 1));
    assert!(w.is_erased_here() && w.is_nowhere());
    let certificate = w.certificate();
    assert!(certificate.complete && certificate.in_time && certificate.number == 1);
    assert_eq!(certificate.due_on, day("2024-11-03"));
    assert_eq!(
        (certificate.requested_by.as_str(), certificate.confirmed_by.as_deref()),
        ("token:ada", Some("token:bob"))
    );
    assert_eq!(certificate.erased, Kept { people: 1, consents: 1, deliveries: 4, inputs: 0, mails: 2 });
    assert_eq!((certificate.places.len(), certificate.events_verified), (7, 12));
    let read = w.calls.iter().filter(|step| step.starts_with("read_")).count();
    assert_eq!(read, 7, "each place is read back: {:?}", w.calls);
    w.has_recorded_history("erased");
}

#[test]
fn e1_what_a_vendor_must_keep_is_named_with_its_end_and_goes_by_itself() {
    let mut w = World::new();
    w.kept.insert("zoho:zc1".to_owned(), "it has documents".to_owned());
    w.go();
    assert_eq!(w.state(), "RestKept");
    assert!(w.is_nowhere(), "what is kept says nobody's name");
    let first = w.certificate().clone();
    let kept: Vec<_> = first.places.iter().filter_map(|place| place.rest.as_ref()).collect();
    let until = kept[0].until.expect("an end").date_naive();
    assert_eq!((kept.len(), until, first.complete), (1, day("2034-09-03"), false));
    // Ten years later.
    w.kept.clear();
    w.pass(TimeDelta::days(3_652));
    assert_eq!((w.state().as_str(), w.called("erase_zoho")), ("Erased", 2));
    assert!(w.certificate().complete && w.certificate().number == 2);
    assert_eq!(w.called("erase_braintree"), 1, "what is gone is not asked for again");
    w.has_recorded_history("rest_kept");
}

#[test]
fn e1_documents_that_are_kept_for_ever_are_left_to_a_person_without_a_name_on_them() {
    let mut w = World::new();
    w.kept.insert("zoho:zc1".to_owned(), "it has documents".to_owned());
    w.go();
    w.pass(TimeDelta::days(3_700));
    assert_eq!(w.state(), "Erased");
    let rest = w.certificate().places.iter().find_map(|place| place.rest.clone()).expect("named");
    assert!(rest.until.is_none() && w.is_nowhere() && !w.certificate().complete);
}

#[test]
fn e1_cards_in_use_are_asked_for_again_every_week() {
    let mut w = World::new();
    w.kept.insert("braintree:c-cust1".to_owned(), "transaction k1 is settling".to_owned());
    w.go();
    assert_eq!((w.state().as_str(), w.called("erase_braintree")), ("RestKept", 1));
    w.pass(TimeDelta::days(8));
    assert_eq!((w.state().as_str(), w.called("erase_braintree")), ("RestKept", 2));
    w.kept.clear();
    w.pass(TimeDelta::days(8));
    assert_eq!((w.state().as_str(), w.certificate().number), ("Erased", 3));
    assert!(!w.held.contains_key("braintree:c-cust1"));
}

#[test]
fn e1_a_vendor_that_shows_the_person_still_is_told_again_and_then_a_person_looks() {
    let mut w = World::new();
    w.sticks.insert("zoho_desk:dc1".to_owned(), 1);
    w.go();
    w.pass(TimeDelta::hours(1));
    assert_eq!((w.state().as_str(), w.called("erase_desk")), ("Erased", 2));

    let mut w = World::new();
    w.sticks.insert("zoho_desk:dc1".to_owned(), 9);
    w.go();
    w.pass(TimeDelta::hours(1));
    assert_eq!((w.parked(), w.called("erase_desk")), (Some(ParkCode::ErasureBlocked), 4));
    w.sticks.clear();
    w.resume();
    w.pass(TimeDelta::hours(1));
    assert_eq!(w.state(), "Erased");
    w.has_recorded_history("still_there");
}

#[test]
fn e2_a_saga_of_the_person_is_waited_for() {
    let mut w = World::new();
    w.survey.in_flight = vec![in_flight("refund")];
    w.go();
    assert_eq!((w.state().as_str(), w.is_erased_here()), ("Waits", false));
    w.pass(TimeDelta::days(2));
    assert!(!w.is_erased_here() && w.called("survey") > 8);
    w.survey.in_flight.clear();
    w.pass(TimeDelta::hours(7));
    assert_eq!(w.state(), "Erased");
}

#[test]
fn e2_a_saga_that_begins_in_the_very_moment_is_waited_for_too() {
    let mut w = World::new();
    w.busy = 2;
    w.go();
    assert_eq!((w.state().as_str(), w.is_erased_here()), ("Waits", false));
    w.pass(TimeDelta::hours(1));
    assert_eq!((w.state().as_str(), w.called("erase_here")), ("Erased", 3));
}

#[test]
fn e2_money_that_is_owed_or_held_is_settled_first() {
    for owed in [true, false] {
        let mut w = World::new();
        let money = if owed { &mut w.survey.owed } else { &mut w.survey.held };
        money.push(eur(4_900));
        w.go();
        w.pass(TimeDelta::days(1));
        assert_eq!((w.state().as_str(), w.is_erased_here()), ("Waits", false));
        (w.survey.owed, w.survey.held) = (Vec::new(), Vec::new());
        w.pass(TimeDelta::hours(7));
        assert_eq!(w.state(), "Erased");
    }
}

#[test]
fn e2_a_subscription_whose_end_was_ordered_is_not_ordered_again_while_it_ends() {
    let mut w = World::new();
    w.subscriptions.insert("zs1".to_owned(), "live".to_owned());
    w.go();
    w.survey.in_flight = vec![in_flight("cancellation")];
    w.pass(TimeDelta::days(1));
    assert_eq!((w.state().as_str(), w.told.len()), ("Waits", 1));
    "cancelled".clone_into(w.subscriptions.get_mut("zs1").expect("there"));
    w.survey.in_flight.clear();
    w.pass(TimeDelta::hours(7));
    assert_eq!((w.state().as_str(), w.told.len()), ("Erased", 1));
}

#[test]
fn e2_a_subscription_that_does_not_end_by_our_order_is_for_a_person() {
    let mut w = World::new();
    w.subscriptions.insert("zs1".to_owned(), "live".to_owned());
    w.go();
    w.pass(TimeDelta::days(3));
    assert_eq!((w.parked(), w.told.len(), w.is_erased_here()), (Some(ParkCode::ErasureBlocked), 3, false));
    let keys: std::collections::BTreeSet<_> = w.told.iter().map(|message| &message.key).collect();
    assert_eq!(keys.len(), 3, "each order is one of its own");
    w.subscriptions.clear();
    w.resume();
    assert_eq!(w.state(), "Erased");
    w.has_recorded_history("ended_elsewhere");
}

#[test]
fn e3_what_has_come_here_again_is_erased_again_before_it_is_certified() {
    let mut w = World::new();
    w.comes_again.push_back(Kept { deliveries: 1, ..Kept::default() });
    w.go();
    assert_eq!((w.state().as_str(), w.called("erase_here")), ("Erased", 2));
    assert_eq!(w.certificate().erased.deliveries, 5);

    let mut w = World::new();
    w.comes_again.extend([Kept { people: 1, ..Kept::default() }; 4]);
    w.go();
    assert_eq!(w.parked(), Some(ParkCode::ErasureBlocked));
    w.resume();
    assert_eq!(w.state(), "Erased");
}

#[test]
fn e5_the_ids_by_which_money_is_found_stay_in_the_log() {
    let mut w = World::new();
    w.go();
    let surveyed = w.events().find_map(|event| match event {
        Event::PersonSurveyed { survey, .. } => Some(survey.clone()),
        _ => None,
    });
    assert_eq!(surveyed.expect("surveyed").zoho_customer.as_deref(), Some("zc1"));
    assert!(w.references.contains(&("customer", "cust1".to_owned())));
    assert!(w.references.contains(&("erased_person", "5f".to_owned())));
}

#[test]
fn e6_an_erasure_at_a_vendor_whose_answer_was_lost_is_looked_up_before_it_is_sent_again() {
    let mut w = World::new();
    w.request(Law::Gdpr);
    w.deliver(Command::Confirmed { preview: 1, by: "token:bob".to_owned(), reason: "looked".to_owned() });
    w.run_until("erase_zoho");
    w.say("zoho.erase_customer", unknown());
    assert!(w.step());
    let before = w.called("erase_zoho");
    let answer = crate::kernel::answer::Answer::Trace(Box::default());
    let found = Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() };
    w.looks.push_back(found);
    w.held.remove("zoho:zc1");
    w.pass(TimeDelta::minutes(10));
    assert_eq!((w.state().as_str(), w.called("erase_zoho")), ("Erased", before), "found, and not sent again");
}

#[test]
fn e6_one_that_did_not_happen_is_sent_again() {
    let mut w = World::new();
    w.request(Law::Gdpr);
    w.deliver(Command::Confirmed { preview: 1, by: "token:bob".to_owned(), reason: "looked".to_owned() });
    w.run_until("erase_braintree");
    w.say("braintree.erase_customer", unknown());
    assert!(w.step());
    w.looks.extend([
        Look::Absent { watermark: false, key_proven: false },
        Look::Absent { watermark: false, key_proven: false },
    ]);
    w.pass(TimeDelta::minutes(10));
    assert_eq!((w.state().as_str(), w.called("erase_braintree")), ("Erased", 2));
}

#[test]
fn an_outage_at_a_vendor_delays_and_changes_nothing() {
    let mut w = World::new();
    w.request(Law::Gdpr);
    for call in ["zoho.list_subscriptions", "attio.erase_person", "zoho.erase_customer", "braintree.seek_customer"] {
        w.say(call, not_sent(NotSent::Outage));
    }
    w.confirm("token:bob");
    w.pass(TimeDelta::minutes(10));
    assert_eq!((w.state().as_str(), w.is_nowhere()), ("Erased", true));
}

#[test]
fn a_vendor_that_knows_no_such_record_has_nothing_to_erase() {
    let mut w = World::new();
    w.held.clear();
    w.go();
    assert_eq!(w.state(), "Erased");

    let mut w = World::new();
    w.request(Law::Gdpr);
    w.deliver(Command::Confirmed { preview: 1, by: "token:bob".to_owned(), reason: "looked".to_owned() });
    w.run_until("erase_attio");
    w.say("attio.erase_person", rejected(RejectionKind::NotFound, "not_found"));
    w.held.remove("attio:person1");
    w.run();
    assert_eq!((w.state().as_str(), w.called("erase_attio")), ("Erased", 1));
}

#[test]
fn what_a_vendor_refuses_for_good_is_for_a_person_and_goes_on_from_there() {
    let mut w = World::new();
    w.request(Law::Gdpr);
    w.deliver(Command::Confirmed { preview: 1, by: "token:bob".to_owned(), reason: "looked".to_owned() });
    w.run_until("erase_desk");
    w.say("zoho_desk.erase_contact", rejected(RejectionKind::Invalid, "422"));
    w.run();
    assert_eq!(w.parked(), Some(ParkCode::VendorRejected));
    w.resume();
    assert_eq!(w.state(), "Erased");
}

#[test]
fn a_log_that_is_not_what_it_was_is_never_certified() {
    let mut w = World::new();
    w.broken = Some("event 7 of shard 3".to_owned());
    w.go();
    assert_eq!((w.parked(), w.count("ErasureCertified")), (Some(ParkCode::ErasureBlocked), 0));
}

#[test]
fn who_is_known_nowhere_is_refused() {
    let mut w = World::new();
    w.survey = PersonSurvey::default();
    w.request(Law::Ccpa);
    assert_eq!((w.state().as_str(), w.calls.len()), ("Refused", 1));
    w.has_recorded_history("unknown_person");
}

#[test]
fn where_no_helpdesk_and_no_crm_is_in_use_none_is_asked() {
    let mut w = World::new();
    let of = crate::erasure::Of { helpdesk: false, crm: false, ..of() };
    w.tell(Command::Requested { of, request: Box::new(request(Law::Gdpr)) });
    w.confirm("token:bob");
    assert_eq!(w.state(), "Erased");
    let asked = w.calls.iter().any(|step| step.contains("crm") || step.contains("desk"));
    assert!(!asked, "{:?}", w.calls);
}

#[test]
fn the_contact_of_a_company_is_erased_and_not_the_company() {
    let mut w = World::new();
    w.survey.attio_client = Some(AttioRecord { object: "companies".to_owned(), id: "co1".to_owned() });
    let contact = w.held["attio:person1"].clone();
    w.held.insert("attio:co1".to_owned(), contact);
    w.request(Law::Gdpr);
    w.held.remove("attio:co1");
    w.confirm("token:bob");
    assert_eq!(w.state(), "Erased");
    let reasons: Vec<Reason> = Vec::new();
    assert_eq!(w.saga.business.reasons, reasons);
    assert!(!w.held["attio:person1"].personal);
}
