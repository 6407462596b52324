//! What a person decides: whose an address is, which record is left, which currency it is; and which laws hold.

use super::world::{CUSTOMER, World, client, fields, zoho_customer};
use crate::kernel::effect::AttioRecord;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::profile::{Field, Target};
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::rejected;
use crate::profile_change::Command;
use chrono::TimeDelta;

fn survivor() -> AttioRecord {
    AttioRecord { object: "people".to_owned(), id: "person2".to_owned() }
}

fn merged() -> Command {
    Command::Merged { customer: CUSTOMER.to_owned(), from: client(), into: survivor() }
}

#[test]
fn e4_a_new_address_that_another_customer_in_zoho_has_is_written_nowhere_and_the_rest_is() {
    let mut world = World::new();
    world.edit(Field::Email, "bob@acme.example");
    world.edit(Field::FirstName, "Augusta");
    world.found = vec![zoho_customer("zc2", Some("cust2")), zoho_customer("billing1", Some(CUSTOMER))];
    world.hear();
    assert!(world.written.iter().all(|(_, written)| written == &[Field::FirstName]), "{:?}", world.written);
    assert_eq!(world.written.len(), 3);
    assert!(world.last_error().expect("said").contains("somebody else's (D39)"));
    assert!(world.tasks[0].text.contains("customer zc2 in Zoho Billing"), "{:?}", world.tasks);
    world.has_recorded_history("address_taken");
    world.found.clear();
    world.hear();
    assert_eq!((world.at(Target::Contact, Field::Email), world.last_error()), ("bob@acme.example", Some("")));
}

#[test]
fn e4_an_address_of_another_customer_of_ours_or_of_another_contact_stops_alone() {
    let mut world = World::new();
    world.edit(Field::Email, "bob@acme.example");
    world.address_of = Some("cust2".to_owned());
    world.hear();
    assert!(world.written.is_empty() && world.called("find_address") == 0);
    assert!(world.tasks[0].text.contains("our customer cust2"));

    let mut world = World::new();
    world.edit(Field::Email, "bob@acme.example");
    world.edit(Field::FirstName, "Augusta");
    world.say("zoho_crm.write_profile", rejected(RejectionKind::State, "duplicate_of_another"));
    world.hear();
    assert_eq!(world.written.last(), Some(&(Target::Contact, vec![Field::FirstName])));
    assert!(world.tasks[0].text.contains("another contact in Zoho CRM"));
}

#[test]
fn e5_another_country_sets_laws_and_tags_and_finance_is_told_where_tax_changes() {
    let mut world = World::new();
    world.edit(Field::Country, "US");
    world.hear();
    assert_eq!(world.laws, [["CCPA"]]);
    let [told] = world.tells.as_slice() else { panic!("{:?}", world.tells) };
    assert_eq!((told.flow.as_str(), &told.command["laws"]), ("crm_lifecycle", &serde_json::json!(["ccpa"])));
    assert!(world.tasks[0].text.starts_with("Finance: "));
    world.has_recorded_history("moved");
    world.edit(Field::City, "Bonn");
    world.hear();
    assert_eq!((world.laws.len(), world.tasks.len()), (1, 1), "a city taxes nobody otherwise");
}

#[test]
fn e5_what_is_no_country_is_not_guessed() {
    let mut world = World::new();
    world.edit(Field::Country, "Atlantis");
    world.missing = vec!["Billing country (two letters, as in DE)".to_owned()];
    world.hear();
    assert!(world.written.is_empty() && world.laws.is_empty() && world.tells.is_empty());
    assert!(world.last_error().expect("said").contains("Billing country"));
}

#[test]
fn e6_another_currency_is_refused_once_documents_exist() {
    let asked = || Command::CurrencyAsked {
        customer: CUSTOMER.to_owned(),
        client: client(),
        currency: "USD".to_owned(),
        by: "token:platform".to_owned(),
    };
    let mut world = World::new();
    world.billed_in = Some("EUR".to_owned());
    world.tell(asked());
    assert!(world.last_error().expect("said").starts_with("The currency stays EUR"));
    assert_eq!((world.count("CurrencyRefused"), world.written.len()), (1, 0));
    let mut world = World::new();
    world.tell(asked());
    assert!(world.last_error().expect("said").contains("what is bought decides"));
}

#[test]
fn e7_after_a_merge_the_link_follows_the_record_that_is_left() {
    let mut world = World::new();
    world.hear();
    world.edit(Field::City, "Bonn");
    world.tell(merged());
    world.pass(TimeDelta::seconds(6));
    assert_eq!(world.links, ["-person1", "+person2"]);
    assert_eq!(world.at(Target::Billing, Field::City), "Bonn");
    assert_eq!(world.faces.last().map(|face| face.client.clone()), Some(survivor()));
    world.has_recorded_history("merged");
}

#[test]
fn e7_a_merge_of_two_customers_waits_for_a_person() {
    let mut world = World::new();
    world.say("desk.link", rejected(RejectionKind::State, "linked_otherwise"));
    world.tell(merged());
    assert_eq!(world.parked(), Some(ParkCode::IdentitySplit));
    assert!(world.tasks[0].text.starts_with("D39: "));
    world.resume();
    world.pass(TimeDelta::seconds(6));
    assert_eq!((world.links.last().map(String::as_str), world.parked()), (Some("+person2"), None));
}

#[test]
fn e7_a_record_that_was_deleted_deletes_nothing_elsewhere_and_waits_for_a_person() {
    let mut world = World::new();
    world.hear();
    world.tell(Command::Deleted { customer: CUSTOMER.to_owned(), client: survivor() });
    assert_eq!(world.parked(), None, "of a record that is not the customer's nothing follows");
    world.tell(Command::Deleted { customer: CUSTOMER.to_owned(), client: client() });
    assert_eq!(world.parked(), Some(ParkCode::CustomerUnlinked));
    assert!(world.written.is_empty());
    world.edit(Field::City, "Bonn");
    world.tell(World::changed());
    world.resume();
    world.pass(TimeDelta::seconds(6));
    assert_eq!(world.at(Target::Billing, Field::City), "Bonn");

    let mut world = World::new();
    world.say("attio.read_person", rejected(RejectionKind::NotFound, "not_found"));
    world.hear();
    assert_eq!(world.parked(), Some(ParkCode::CustomerUnlinked));
    world.has_recorded_history("record_gone");
}

#[test]
fn e4_who_was_erased_is_written_nowhere() {
    let mut world = World::new();
    world.edit(Field::City, "Bonn");
    world.say("zoho.write_profile", rejected(RejectionKind::NotFound, "person_gone"));
    world.hear();
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("PersonUnknown", Some(End::Mirrored)));
    assert!(world.written.is_empty());
}

#[test]
fn p1_what_the_record_lacks_is_not_carried_on_as_empty() {
    let mut world = World::new();
    world.edit(Field::Email, "");
    world.edit(Field::City, "Bonn");
    world.missing = vec!["E-mail".to_owned()];
    world.hear();
    assert_eq!(world.at(Target::Billing, Field::Email), "ada@acme.example");
    assert_eq!(world.written[0].1.iter().copied().collect::<crate::kernel::profile::Fields>(), fields(&[Field::City]));
    assert!(world.last_error().expect("said").contains("lacks E-mail"));
}

#[test]
fn e7_a_merge_is_followed_after_what_is_under_way() {
    let mut world = World::new();
    world.edit(Field::City, "Bonn");
    world.deliver(World::changed());
    world.now += TimeDelta::seconds(6);
    world.open("write_billing");
    world.tell(merged());
    world.pass(TimeDelta::seconds(6));
    assert_eq!(world.links, ["-person1", "+person2"]);
    assert_eq!(world.count("CarryingEnded"), 2);
}

#[test]
fn p1_a_stream_is_one_customers() {
    let mut world = World::new();
    world.hear();
    world.tell(Command::Changed { customer: "cust2".to_owned(), client: client(), by: "test".to_owned() });
    assert_eq!(world.heard_refused(), 1);
}

fn patched(world: &mut World, said: &[(Field, &str)]) {
    world.wanted = said.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
    let (customer, by) = (CUSTOMER.to_owned(), "token:platform".to_owned());
    let fields = world.wanted.keys().copied().collect();
    world.tell(Command::Patched { customer, client: client(), fields, mark: "api:1".to_owned(), by });
    world.pass(TimeDelta::seconds(6));
}

#[test]
fn p1_what_the_platform_says_stands_in_attio_first_and_is_carried_on_from_there() {
    let mut world = World::new();
    patched(&mut world, &[(Field::City, "Bonn"), (Field::FirstName, "Augusta")]);
    assert_eq!(world.calls[0], "write_client");
    assert_eq!((world.ours[&Field::City].as_str(), world.at(Target::Billing, Field::City)), ("Bonn", "Bonn"));
    assert_eq!(world.written.len(), 3);
    assert_eq!(world.forgotten, ["api:1"], "it stands in Attio, and is kept nowhere else");
    world.has_recorded_history("patched");
}

#[test]
fn p1_what_the_platform_says_while_more_is_carried_on_waits_for_its_turn() {
    let mut world = World::new();
    world.edit(Field::City, "Mainz");
    world.deliver(World::changed());
    world.now += TimeDelta::seconds(6);
    world.open("write_billing");
    patched(&mut world, &[(Field::City, "Bonn")]);
    let order =
        ["write_billing", "write_contact", "write_client"].map(|step| world.calls.iter().position(|s| s == step));
    assert!(order.is_sorted() && order[0].is_some(), "{:?}", world.calls);
    assert_eq!(world.count("CarryingEnded"), 2);
    assert_eq!(world.at(Target::Billing, Field::City), "Bonn");
}

#[test]
fn e4_an_address_that_another_record_in_attio_has_stops_alone() {
    let mut world = World::new();
    world.say("attio.write_profile", rejected(RejectionKind::State, "uniqueness_conflict"));
    patched(&mut world, &[(Field::City, "Bonn"), (Field::Email, "bob@acme.example")]);
    assert_eq!((world.at(Target::Billing, Field::City), world.called("write_client")), ("Bonn", 2));
    assert_eq!(world.at(Target::Billing, Field::Email), "ada@acme.example");
    assert!(world.tasks[0].text.starts_with("D39: "));
    assert_eq!(world.forgotten, ["api:1"]);
    world.has_recorded_history("patch_held");
    world.say("attio.write_profile", rejected(RejectionKind::State, "uniqueness_conflict"));
    patched(&mut world, &[(Field::Email, "bob@acme.example")]);
    assert_eq!(world.called("write_client"), 3, "nothing else was said");
    assert_eq!(world.forgotten.len(), 2);
}

#[test]
fn e9_what_attio_refuses_of_the_platforms_word_is_said_with_the_cure_and_kept_no_longer() {
    let mut world = World::new();
    world.say("attio.write_profile", rejected(RejectionKind::Invalid, "validation_type"));
    patched(&mut world, &[(Field::City, "?")]);
    assert!(world.last_error().expect("said").contains("city (validation_type)"));
    assert_eq!((world.forgotten.as_slice(), world.called("read")), (["api:1".to_owned()].as_slice(), 0));
    world.has_recorded_history("patch_refused");
}

#[test]
fn e7_a_record_that_is_gone_when_the_platform_speaks_waits_for_a_person_and_what_was_said_is_not_lost() {
    let mut world = World::new();
    world.say("attio.write_profile", rejected(RejectionKind::NotFound, "not_found"));
    patched(&mut world, &[(Field::City, "Bonn")]);
    assert_eq!(world.parked(), Some(ParkCode::CustomerUnlinked));
    assert!(world.forgotten.is_empty());
    world.resume();
    world.pass(TimeDelta::seconds(6));
    assert_eq!(world.at(Target::Billing, Field::City), "Bonn");
}

#[test]
fn p1_of_a_person_who_was_erased_nothing_is_written_anywhere() {
    let mut world = World::new();
    world.say("attio.write_profile", rejected(RejectionKind::NotFound, "nothing_kept"));
    world.say("attio.read_person", rejected(RejectionKind::NotFound, "person_gone"));
    patched(&mut world, &[(Field::City, "Bonn")]);
    assert!(world.written.is_empty());
    assert_eq!((world.state().as_str(), world.called("compare")), ("PersonUnknown", 0));
}

#[test]
fn e8_what_the_platform_says_twice_under_one_mark_is_written_once() {
    let mut world = World::new();
    patched(&mut world, &[(Field::City, "Bonn")]);
    world.say("attio.write_profile", rejected(RejectionKind::NotFound, "nothing_kept"));
    patched(&mut world, &[(Field::City, "Bonn")]);
    assert_eq!((world.state().as_str(), world.count("TargetWritten")), ("Written", 2));
}
