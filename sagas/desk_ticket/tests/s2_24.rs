//! Tickets in Zoho Desk.

use super::world::{RECORD, World, exhausted, ordered, person, pressed};
use crate::desk_ticket::{About, Ask, DeskTicket};
use crate::kernel::outcome::{Look, NotSent, Outcome, RejectionKind};
use crate::kernel::park::ParkCode;
use crate::kernel::saga::Saga;
use crate::kernel::tests::bench::Played;
use crate::kernel::tests::samples::{not_sent, rejected, unknown};
use chrono::TimeDelta;

#[test]
fn p1_a_press_leads_over_contact_and_ticket_to_its_id_on_the_record() {
    let world = World::asked(pressed(1));
    assert_eq!(world.state(), "Linked");
    let path = [
        "show",
        "read_settings",
        "read_request",
        "enrol",
        "read_person",
        "find_contact",
        "make_contact",
        "link_contact",
        "open",
        "show",
    ];
    assert_eq!(world.calls, path);
    let [heard, linked] = world.shown.as_slice() else { panic!("shown {:?}", world.shown) };
    assert!(heard.answers.is_some() && heard.ticket.is_none(), "the act is answered before Desk is asked");
    assert_eq!(linked.ticket.as_ref().map(|t| (t.id.as_str(), t.number.as_str())), Some(("t1", "101")));
    assert_eq!(linked.last_error, None, "what others said on the record stays");
    let (order, _) = &world.tickets[0];
    assert_eq!((order.saga.as_str(), order.contact.as_str()), (world.id.to_string().as_str(), "dc1"));
    assert!(world.references.contains(&("desk_ticket", "t1".to_owned())));
    world.has_recorded_history("pressed");
}

#[test]
fn p1_the_contact_is_the_linked_one_or_the_one_with_the_address_or_a_new_one() {
    let mut linked = World::of(&pressed(1));
    (linked.linked, linked.contacts) = (Some("dc7".to_owned()), vec!["dc7".to_owned()]);
    linked.ask(pressed(1));
    assert_eq!((linked.called("find_contact"), linked.called("read_person")), (0, 0), "nothing is asked that is known");
    assert_eq!(linked.tickets[0].0.contact, "dc7");

    let mut found = World::of(&pressed(1));
    found.contacts = vec!["dc3".to_owned()];
    found.ask(pressed(1));
    assert_eq!((found.called("make_contact"), found.linked.as_deref()), (0, Some("dc3")));
}

#[test]
fn p1_a_link_to_a_contact_that_is_gone_in_desk_is_made_anew() {
    let mut world = World::of(&pressed(1));
    world.linked = Some("deleted".to_owned());
    world.ask(pressed(1));
    assert_eq!((world.state().as_str(), world.linked.as_deref()), ("Linked", Some("dc1")));
    world.has_recorded_history("contact_gone");
}

#[test]
fn p1_the_end_of_dunning_asks_without_a_press() {
    let world = World::asked(exhausted(4));
    assert_eq!((world.state().as_str(), world.called("read_request")), ("Linked", 0));
    let (order, _) = &world.tickets[0];
    assert_eq!(order.subject, "Billing: invoice INV-77 stays unpaid");
    for part in ["100.00 EUR", "4 charge(s)", "ending in 1111", RECORD] {
        assert!(order.text.contains(part), "{part}: {}", order.text);
    }
    world.has_recorded_history("dunning_exhausted");
}

#[test]
fn e1_asked_again_while_the_ticket_is_open_it_is_a_comment() {
    let mut world = World::asked(pressed(1));
    world.ask(pressed(1));
    assert_eq!((world.tickets.len(), world.comments.len()), (1, 0), "the same press is no second one");
    world.ask(ordered("Their card was stolen", "k1"));
    assert_eq!((world.tickets.len(), world.comments.len()), (1, 1));
    assert!(world.comments[0].1.contains("Their card was stolen"));
    world.ask(ordered("And they moved", "k2"));
    assert_ne!(world.comments[0].0, world.comments[1].0, "each is found by a marker of its own");
    world.has_recorded_history("asked_again");
}

#[test]
fn e1_after_the_ticket_is_closed_or_deleted_another_one_is_opened_under_another_reference() {
    let mut world = World::asked(pressed(1));
    for (status, tickets) in [("Closed", 2), ("gone", 3)] {
        world.tickets.last_mut().expect("a ticket").1 = status;
        world.ask(pressed(10 + tickets));
        assert_eq!((world.tickets.len(), world.comments.len()), (tickets as usize, 0));
    }
    let mut references: Vec<_> = world.tickets.iter().map(|(order, _)| order.saga.clone()).collect();
    references.dedup();
    assert_eq!(references.len(), 3);
    assert_eq!(world.shown.last().and_then(|face| face.ticket.as_ref()).map(|t| t.id.as_str()), Some("t3"));
    world.has_recorded_history("opened_again");
}

#[test]
fn e1_what_is_asked_while_the_ticket_is_being_opened_becomes_its_comment() {
    let mut world = World::of(&pressed(1));
    world.say("zoho_desk.open_ticket", not_sent(NotSent::Outage));
    world.ask(pressed(1));
    world.ask(ordered("Meanwhile", "k1"));
    world.pass(TimeDelta::minutes(1));
    assert_eq!((world.state().as_str(), world.tickets.len(), world.comments.len()), ("Linked", 1, 1));
}

#[test]
fn e2_of_two_contacts_the_older_one_is_taken_and_a_colleague_is_told() {
    let mut world = World::of(&pressed(1));
    world.contacts = vec!["dc3".to_owned(), "dc9".to_owned()];
    world.ask(pressed(1));
    assert_eq!(world.tickets[0].0.contact, "dc3");
    assert!(world.tasks.len() == 1 && world.tasks[0].text.starts_with("D39: "), "{:?}", world.tasks);
    world.has_recorded_history("two_contacts");
}

#[test]
fn e2_a_contact_that_is_another_customers_is_not_taken_from_them() {
    let mut world = World::of(&pressed(1));
    world.contacts = vec!["dc3".to_owned()];
    world.say("desk.link", rejected(RejectionKind::State, "linked_otherwise"));
    world.ask(pressed(1));
    assert_eq!((world.state().as_str(), world.linked.as_deref()), ("Linked", None));
    assert!(world.tasks[0].text.starts_with("D39: "), "{:?}", world.tasks);
}

#[test]
fn e3_an_unknown_ticket_is_looked_up_and_never_opened_blindly() {
    let mut world = World::of(&pressed(1));
    world.say("zoho_desk.open_ticket", unknown());
    world.ask(pressed(1));
    let found = Outcome::Done { answer: world.ticket(1) };
    world.looks.push_back(Look::Found { outcome: Box::new(found), extra: vec!["t9".to_owned()] });
    world.pass(TimeDelta::minutes(5));
    assert_eq!((world.state().as_str(), world.called("open")), ("Linked", 1));
    assert!(world.tasks[0].text.contains("close t9, and keep t1"), "{:?}", world.tasks);
    world.has_recorded_history("found_after_silence");
}

#[test]
fn e3_what_desk_refuses_for_its_configuration_parks_with_the_vendors_code() {
    let mut world = World::of(&pressed(1));
    world.say("zoho_desk.find_contact", rejected(RejectionKind::Config, "SCOPE_MISMATCH"));
    world.ask(pressed(1));
    assert_eq!(world.parked(), Some(ParkCode::VendorConfig));
    world.resume();
    assert_eq!(world.state(), "Linked");
}

#[test]
fn e3_after_three_days_without_desk_a_colleague_is_told_and_the_ticket_comes_later() {
    let mut world = World::of(&pressed(1));
    for _ in 0..2_000 {
        world.say("zoho_desk.find_contact", not_sent(NotSent::Outage));
    }
    world.ask(pressed(1));
    world.pass(TimeDelta::hours(71));
    assert_eq!((world.tasks.len(), world.state().as_str()), (0, "Contact"));
    world.pass(TimeDelta::hours(2));
    assert!(world.tasks[0].text.contains("three days"), "{:?}", world.tasks);
    let said = world.shown.last().and_then(|face| face.last_error.clone());
    assert!(said.is_some_and(|said| said.contains("once Desk answers")));
    world.says.clear();
    world.pass(TimeDelta::hours(1));
    assert_eq!((world.state().as_str(), world.tickets.len(), world.tasks.len()), ("Linked", 1, 1));
    assert_eq!(world.shown.last().and_then(|face| face.last_error.as_deref()), Some(""), "the sentence is taken back");
}

#[test]
fn e4_of_what_a_colleague_types_no_long_number_is_passed_on() {
    let world = World::asked(ordered("Charged twice: 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00", "k1"));
    let text = &world.tickets[0].0.text;
    assert!(text.contains("…1111") && !text.contains("3704 0044"), "{text}");
}

#[test]
fn p1_without_a_desk_or_a_customer_the_record_says_what_to_do() {
    let mut without = World::of(&pressed(1));
    without.no_desk();
    without.ask(pressed(1));
    assert_eq!((without.state().as_str(), without.tickets.len()), ("NoHelpdesk", 0));
    let said = without.shown.last().and_then(|face| face.last_error.clone()).expect("a sentence");
    assert!(said.contains("not connected") && said.contains("ZOHO_DESK_URL"), "{said}");
    without.has_recorded_history("no_desk");

    let mut nameless = World::of(&pressed(1));
    nameless.request.client = None;
    nameless.ask(pressed(1));
    assert_eq!(nameless.state(), "Refused");
    nameless.request.client = Some(person());
    nameless.missing = vec!["E-mail".to_owned()];
    nameless.ask(pressed(2));
    assert!(nameless.shown.last().is_some_and(|face| face.last_error.as_ref().is_some_and(|e| e.contains("e-mail"))));
    nameless.missing.clear();
    nameless.ask(pressed(3));
    assert_eq!(nameless.state(), "Linked", "mended, and pressed again");
    assert_eq!(nameless.shown.last().and_then(|face| face.last_error.as_deref()), Some(""));
    nameless.has_recorded_history("refused_then_opened");
}

#[test]
fn p1_of_an_erased_person_no_contact_is_made() {
    let mut world = World::of(&pressed(1));
    world.say("zoho_desk.create_contact", rejected(RejectionKind::Invalid, "no_person"));
    world.ask(pressed(1));
    assert_eq!((world.state().as_str(), world.contacts.len()), ("Refused", 0));
}

#[test]
fn p1_who_asks_is_told_where_it_goes_by_the_cause_alone() {
    assert_eq!(pressed(1).saga(), ordered("x", "k").saga(), "one cause");
    assert_eq!(exhausted(4).saga(), exhausted(7).saga());
    let other = Ask { about: About { record: Some("as2".to_owned()), client: None }, ..pressed(1) };
    assert_ne!(pressed(1).saga(), other.saga());
    let message = exhausted(4).message();
    assert_eq!((message.flow.as_str(), message.to), (DeskTicket::NAME, exhausted(4).saga()));
}
