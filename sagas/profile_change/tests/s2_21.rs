//! What is carried on, and what is not.

use super::world::{CUSTOMER, World, client};
use crate::kernel::outcome::NotSent;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::park::ParkCode;
use crate::kernel::profile::{Field, Target};
use crate::kernel::saga::End;
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::{not_sent, rejected, unknown};
use crate::profile_change::Command;
use chrono::TimeDelta;

#[test]
fn p1_p2_a_change_reaches_every_target_and_only_the_fields_that_changed_are_written() {
    let mut world = World::new();
    world.edit(Field::LastName, "Byron");
    world.edit(Field::Company, "Acme Ltd");
    world.hear();
    let name = vec![Field::LastName, Field::Company];
    let wanted = [
        (Target::Billing, name.clone()),
        (Target::Gateway, name),
        (Target::Contact, vec![Field::LastName]),
        (Target::Account, vec![Field::Company]),
    ];
    assert_eq!(world.written, wanted);
    assert_eq!((world.state().as_str(), world.saga.flow.ended), ("Written", Some(End::Completed)));
    let face = world.faces.last().expect("the record says that it arrived");
    assert_eq!((face.last_error.as_deref(), &face.client), (None, &client()));
    assert!(world.notes.is_empty() && world.tasks.is_empty() && world.laws.is_empty());
    world.has_recorded_history("carried");
}

#[test]
fn p2_where_nothing_is_kept_in_crm_the_others_are_written() {
    let mut world = World::new();
    world.without_crm();
    world.edit(Field::City, "Bonn");
    world.hear();
    assert_eq!(world.written, [(Target::Billing, vec![Field::City])]);
    assert_eq!(world.called("read_contact"), 0);
}

#[test]
fn e1_an_echo_of_what_was_written_ends_before_any_vendor_is_asked() {
    let mut world = World::new();
    world.hear();
    assert_eq!(world.calls, ["read_settings", "read", "compare"]);
    assert!(world.faces.is_empty(), "the record is not touched: that would be heard again");
    world.edit(Field::City, "Bonn");
    world.hear();
    world.hear();
    assert_eq!(world.called("write_billing"), 1);
}

#[test]
fn e2_what_others_alone_changed_stays_until_attio_changes_it() {
    let mut world = World::new();
    world.edit_at(Target::Billing, Field::City, "Köln");
    world.edit(Field::FirstName, "Augusta");
    world.hear();
    assert_eq!(world.at(Target::Billing, Field::City), "Köln");
    assert!(world.notes.is_empty());
    world.edit(Field::City, "Bonn");
    world.hear();
    assert_eq!(world.at(Target::Billing, Field::City), "Bonn");
    assert_eq!(world.notes.len(), 1, "the other value is in a note");
}

#[test]
fn e2_a_check_puts_right_what_others_changed_and_notes_it() {
    let mut world = World::new();
    world.edit_at(Target::Contact, Field::City, "Köln");
    let by = "token:ada".to_owned();
    world.tell(Command::Check { customer: CUSTOMER.to_owned(), client: client(), by });
    world.pass(TimeDelta::seconds(6));
    assert_eq!(world.written, [(Target::Contact, vec![Field::City])]);
    assert_eq!(world.kept[0].3, "Köln");
    assert_eq!(world.notes.len(), 1);
}

#[test]
fn e3_edited_on_both_sides_attio_wins_and_the_other_value_is_noted() {
    let mut world = World::new();
    world.edit(Field::City, "Bonn");
    world.edit_at(Target::Billing, Field::City, "Köln");
    world.hear();
    assert_eq!(world.at(Target::Billing, Field::City), "Bonn");
    let (mark, target, field, text) = &world.kept[0];
    assert_eq!((*target, *field, text.as_str()), (Target::Billing, Field::City, "Köln"));
    assert_eq!(world.notes, std::slice::from_ref(mark));
    world.has_recorded_history("displaced");
}

#[test]
fn e8_a_burst_is_one_carrying_of_the_last_state() {
    let mut world = World::new();
    for city in ["Bonn", "Mainz", "Trier"] {
        world.edit(Field::City, city);
        world.tell(World::changed());
        world.pass(TimeDelta::seconds(2));
    }
    assert!(world.written.is_empty(), "more may follow");
    world.pass(TimeDelta::seconds(6));
    assert_eq!(world.written, [(Target::Billing, vec![Field::City]), (Target::Contact, vec![Field::City])]);
    assert_eq!(world.at(Target::Billing, Field::City), "Trier");
}

#[test]
fn e8_what_is_heard_while_it_is_carried_on_is_carried_on_after_it() {
    let mut world = World::new();
    world.edit(Field::City, "Bonn");
    world.deliver(World::changed());
    world.now += TimeDelta::seconds(6);
    world.open("write_billing");
    world.edit(Field::FirstName, "Augusta");
    world.tell(World::changed());
    world.pass(TimeDelta::seconds(6));
    assert_eq!(world.at(Target::Gateway, Field::FirstName), "Augusta");
    assert_eq!(world.count("CarryingEnded"), 2);
}

#[test]
fn e8_what_is_written_a_fourth_time_in_a_day_stops_until_a_person_looked() {
    let mut world = World::new();
    world.without_crm();
    for city in ["Bonn", "Mainz", "Trier", "Worms"] {
        world.edit(Field::City, city);
        world.hear();
        world.pass(TimeDelta::hours(2));
    }
    assert_eq!((world.written.len(), world.parked()), (3, Some(ParkCode::LoopGuard)));
    assert!(world.last_error().expect("said").contains("three times in a day"));
    world.has_recorded_history("loop_stopped");
    world.resume();
    world.pass(TimeDelta::seconds(6));
    assert_eq!((world.at(Target::Billing, Field::City), world.parked()), ("Worms", None));
    assert_eq!(world.last_error(), Some(""), "what was said is taken back");
    world.pass(TimeDelta::hours(25));
    world.edit(Field::City, "Bonn");
    world.hear();
    assert_eq!(world.parked(), None, "of another day nothing is counted");
}

#[test]
fn e9_one_target_refuses_and_the_others_go_on_and_the_record_says_the_cure() {
    let mut world = World::new();
    world.edit(Field::FirstName, "Ad<a");
    world.say("zoho.write_profile", rejected(RejectionKind::Invalid, "15"));
    world.hear();
    assert_eq!(world.written.iter().map(|(target, _)| *target).collect::<Vec<_>>(), [Target::Gateway, Target::Contact]);
    let said = world.last_error().expect("said").to_owned();
    assert!(said.contains("Zoho Billing") && said.contains("first name") && said.contains("Correct"), "{said}");
    world.has_recorded_history("refused");
    world.edit(Field::FirstName, "Augusta");
    world.hear();
    assert_eq!((world.at(Target::Billing, Field::FirstName), world.last_error()), ("Augusta", Some("")));
}

#[test]
fn e9_a_target_that_takes_nothing_now_is_tried_again_and_the_others_go_on() {
    let mut world = World::new();
    world.edit(Field::City, "Bonn");
    world.say("zoho.read_profile", rejected(RejectionKind::Config, "57"));
    world.hear();
    assert_eq!(world.written, [(Target::Contact, vec![Field::City])]);
    assert_eq!(world.saga.flow.ended, None);
    world.pass(TimeDelta::minutes(2));
    assert_eq!((world.at(Target::Billing, Field::City), world.last_error()), ("Bonn", Some("")));
    assert_eq!(world.saga.flow.ended, Some(End::Completed));
}

#[test]
fn e9_a_target_that_is_not_reached_for_ten_minutes_is_tried_later() {
    let mut world = World::new();
    world.edit(Field::City, "Bonn");
    for _ in 0..40 {
        world.say("zoho.read_profile", not_sent(NotSent::Outage));
    }
    world.hear();
    world.pass(TimeDelta::minutes(25));
    assert_eq!(world.at(Target::Contact, Field::City), "Bonn");
    world.says.clear();
    world.pass(TimeDelta::hours(12));
    assert_eq!(world.at(Target::Billing, Field::City), "Bonn");
}

#[test]
fn e3_a_target_that_changed_between_read_and_write_is_read_again() {
    let mut world = World::new();
    world.edit(Field::City, "Bonn");
    world.say("zoho.write_profile", rejected(RejectionKind::Changed, "changed_meanwhile"));
    world.hear();
    assert_eq!((world.called("read_billing"), world.called("write_billing")), (2, 2));
    assert_eq!(world.at(Target::Billing, Field::City), "Bonn");
}

#[test]
fn p2_a_write_that_nobody_saw_and_that_was_done_after_all_is_found_when_the_target_is_read_again() {
    let mut world = World::new();
    world.without_crm();
    world.edit(Field::City, "Bonn");
    world.edit_at(Target::Billing, Field::City, "Paris");
    world.deliver(World::changed());
    world.now += TimeDelta::seconds(6);
    world.open("write_billing");
    // It was done, the look came too early, and sent again it finds the customer changed: by itself.
    world.edit_at(Target::Billing, Field::City, "Bonn");
    world.say("zoho.write_profile", rejected(RejectionKind::Changed, "changed_meanwhile"));
    world.pass(TimeDelta::seconds(6));
    assert_eq!((world.count("TargetStale"), world.count("TargetWritten"), world.state().as_str()), (1, 1, "Written"));
    assert_eq!(world.notes.len(), 1, "what it displaced stands in a note");
}

#[test]
fn p2_a_write_without_an_answer_is_looked_up_and_not_counted_twice() {
    use crate::kernel::answer::Answer;
    use crate::kernel::outcome::{Look, Outcome};
    let mut world = World::new();
    world.without_crm();
    world.edit(Field::City, "Bonn");
    world.say("zoho.write_profile", unknown());
    let done = Box::new(Outcome::Done { answer: Answer::Nothing });
    world.looks.push_back(Look::Found { outcome: done, extra: Vec::new() });
    world.hear();
    world.pass(TimeDelta::minutes(5));
    assert_eq!((world.count("TargetWritten"), world.state().as_str()), (1, "Written"));
}
