//! Days of a catalog, each with its recorded history where it ends.

use super::{World, noon, plan, record};
use crate::catalog_sync::{Asked, Event};
use crate::kernel::catalog::{CatalogPress, ShownOffering};
use crate::kernel::outcome::RejectionKind;
use crate::kernel::tests::bench::Played as _;
use chrono::TimeDelta;

#[test]
fn what_zoho_sells_stands_in_attio_after_one_run() {
    let mut day = World::new(vec![plan("plus", 4_900), plan("team", 7_900)], Vec::new());
    day.ask(Asked::Daily);
    day.agrees();
    assert_eq!((day.state().as_str(), day.calls("read_zoho"), day.calls("show")), ("Asserted", 1, 2));
    assert!(day.told.is_empty(), "what was never shown was never quoted");
    day.has_recorded_history("first_day");
}

#[test]
fn a_run_without_a_difference_reads_twice_and_writes_nothing() {
    let mut day = World::agreeing(vec![plan("plus", 4_900)]);
    day.ask(Asked::Daily);
    assert_eq!(day.calls.values().sum::<u32>(), 2, "{:?}", day.calls);
    assert!(day.log.len() <= 12, "{} events for nothing", day.log.len());
    day.has_recorded_history("nothing_new");
}

#[test]
fn the_same_order_told_again_is_one_order() {
    let mut day = World::agreeing(vec![plan("plus", 4_900)]);
    let command = day.command(Asked::Ordered);
    for _ in 0..3 {
        day.tell(command.clone());
        day.pass(TimeDelta::minutes(10));
    }
    assert_eq!((day.calls("read_zoho"), day.count("SyncAsked")), (1, 1));
}

#[test]
fn e1_a_new_price_is_shown_and_open_quotes_are_told() {
    let mut day = World::agreeing(vec![plan("plus", 4_900), plan("team", 7_900)]);
    day.ask(Asked::Daily);
    day.pass(TimeDelta::hours(1));
    day.sold[0] = plan("plus", 5_900);
    day.ask(Asked::Poll);
    day.agrees();
    assert_eq!(day.told, ["plan:plus"]);
    day.has_recorded_history("price_changed");
}

#[test]
fn e1_a_price_that_changed_overnight_is_known_by_what_attio_shows() {
    let mut day = World::agreeing(vec![plan("plus", 4_900), plan("team", 7_900)]);
    day.sold[1] = plan("team", 8_900);
    day.ask(Asked::Daily);
    assert_eq!(day.told, ["plan:team"]);
    day.agrees();
}

#[test]
fn e2_an_inactive_plan_is_retired_at_once() {
    let mut day = World::agreeing(vec![plan("plus", 4_900)]);
    day.sold[0].active = false;
    day.ask(Asked::Poll);
    day.agrees();
    assert_eq!(day.shows("r-plus").status.as_deref(), Some("Retired"));
    assert_eq!((day.told.clone(), day.tasks.len()), (vec!["plan:plus".to_owned()], 0));
}

#[test]
fn e2_a_plan_gone_from_two_full_reads_is_retired_and_somebody_is_told() {
    let mut day = World::agreeing(vec![plan("plus", 4_900), plan("team", 7_900)]);
    day.sold.remove(1);
    day.ask(Asked::Poll);
    assert_eq!(day.shows("r-team").status.as_deref(), Some("Available"), "one read proves nothing");
    assert_eq!(day.state(), "Resting");
    day.pass(TimeDelta::minutes(6));
    assert_eq!(day.shows("r-team").status.as_deref(), Some("Retired"));
    assert_eq!((day.records.len(), day.tasks.len(), day.calls("read_zoho")), (2, 1, 2));
    assert!(day.tasks[0].1.contains("not in Zoho Billing any more"), "{:?}", day.tasks);
    day.has_recorded_history("gone_twice");
}

#[test]
fn e2_a_plan_that_the_second_read_lists_again_stays() {
    let mut day = World::agreeing(vec![plan("plus", 4_900), plan("team", 7_900)]);
    let team = day.sold.remove(1);
    day.ask(Asked::Poll);
    day.sold.push(team);
    day.pass(TimeDelta::minutes(6));
    day.agrees();
    assert_eq!((day.state().as_str(), day.tasks.len(), day.calls("show")), ("Asserted", 0, 0));
}

#[test]
fn e3_a_read_that_is_refused_retires_nothing() {
    for step in ["read_zoho", "read_attio"] {
        let mut day = World::agreeing(vec![plan("plus", 4_900)]);
        day.sold.clear();
        day.no(step, RejectionKind::Invalid);
        day.ask(Asked::Poll);
        day.pass(TimeDelta::hours(2));
        assert_eq!(day.state(), "Incomplete");
        assert_eq!(day.shows("r-plus").status.as_deref(), Some("Available"));
        day.has_recorded_history(&format!("{step}_refused"));
    }
}

#[test]
fn e4_an_edit_is_written_back_with_a_note_whether_or_not_the_webhook_told_of_it() {
    for told in [true, false] {
        let mut day = World::agreeing(vec![plan("plus", 4_900), plan("team", 7_900)]);
        day.edits("r-plus", "Cheap", told);
        if !told {
            day.ask(Asked::Poll);
        }
        day.agrees();
        assert_eq!((day.notes.len(), day.tasks.len(), day.calls("show")), (1, 0, 1));
        assert!(day.notes[0].starts_with("r-plus Edited here: name."), "{:?}", day.notes);
        assert!(day.told.is_empty(), "an edit in Attio is no price at Zoho");
        if told {
            day.has_recorded_history("edited");
        }
    }
}

#[test]
fn e4_a_value_that_was_cleared_is_an_edit_where_the_webhook_named_the_record() {
    let mut day = World::agreeing(vec![plan("plus", 4_900)]);
    day.shows("r-plus").price_text = None;
    day.ask(Asked::Edited { record: "r-plus".to_owned() });
    day.agrees();
    assert_eq!((day.notes.len(), day.told.len()), (1, 0));
}

#[test]
fn e4_who_edits_again_and_again_is_left_alone_for_a_while_and_a_person_is_asked() {
    let mut day = World::agreeing(vec![plan("plus", 4_900)]);
    for round in 0..6 {
        day.edits("r-plus", &format!("Mine {round}"), true);
        day.pass(TimeDelta::minutes(2));
    }
    assert_eq!((day.calls("show"), day.notes.len(), day.tasks.len()), (3, 3, 1));
    assert_eq!(day.shows("r-plus").name.as_deref(), Some("Mine 5"));
    day.has_recorded_history("contested");
    // What Zoho changes is asserted all the same.
    day.sold[0] = plan("plus", 5_900);
    day.ask(Asked::Poll);
    day.agrees();
    // After the hour an edit is written back again.
    day.pass(TimeDelta::hours(1));
    day.edits("r-plus", "Once more", true);
    day.agrees();
    assert_eq!(day.tasks.len(), 1);
}

#[test]
fn presses_are_answered_at_once_and_read_once_a_minute() {
    let mut day = World::agreeing(vec![plan("plus", 4_900)]);
    let press =
        |seconds| CatalogPress { record: "r-plus".to_owned(), pressed_at: noon() + TimeDelta::seconds(seconds) };
    for seconds in [0, 10, 20] {
        day.ask(Asked::Pressed { press: press(seconds) });
        day.pass(TimeDelta::seconds(10));
    }
    assert_eq!((day.answered.len(), day.calls("read_zoho"), day.state().as_str()), (3, 1, "Resting"));
    day.sold[0].name = "New".to_owned();
    day.pass(TimeDelta::seconds(40));
    day.agrees();
    assert_eq!((day.calls("read_zoho"), day.state().as_str()), (2, "Asserted"));
    day.has_recorded_history("pressed_thrice");
}

#[test]
fn a_press_on_a_record_that_is_gone_is_carried_out_all_the_same() {
    let mut day = World::new(vec![plan("plus", 4_900)], Vec::new());
    day.no("answer", RejectionKind::NotFound);
    day.ask(Asked::Pressed { press: CatalogPress { record: "gone".to_owned(), pressed_at: noon() } });
    day.agrees();
    assert_eq!(day.count("ActNotAnswered"), 1);
}

#[test]
fn what_is_asked_while_a_run_is_under_way_is_read_after_it() {
    let mut day = World::agreeing(vec![plan("plus", 4_900)]);
    let command = day.command(Asked::Ordered);
    day.deliver(command);
    day.run_until("read_attio");
    day.sold[0].name = "New".to_owned();
    let command = day.command(Asked::Ordered);
    day.deliver(command);
    day.pass(TimeDelta::minutes(2));
    day.agrees();
    assert_eq!(day.calls("read_zoho"), 2);
}

#[test]
fn a_record_that_a_person_made_is_linked_and_not_doubled() {
    let sold = plan("plus", 4_900);
    let made = ShownOffering {
        external_id: None,
        price: None,
        price_text: None,
        interval: None,
        status: None,
        edited: vec!["name".to_owned(), "kind".to_owned(), "code".to_owned()],
        name: Some("plus".to_owned()),
        ..record("made", &sold)
    };
    let mut day = World::new(vec![sold], vec![made]);
    day.ask(Asked::Daily);
    day.agrees();
    assert_eq!((day.records.len(), day.notes.len(), day.told.len()), (1, 0, 0));
}

#[test]
fn one_record_that_attio_refuses_holds_up_no_other() {
    let mut day = World::new(vec![plan("plus", 4_900), plan("team", 7_900)], Vec::new());
    day.no("show", RejectionKind::Invalid);
    day.ask(Asked::Daily);
    assert_eq!((day.state().as_str(), day.records.len(), day.count("PassedOver")), ("Asserted", 1, 1));
    day.has_recorded_history("passed_over");
}

#[test]
fn while_attio_refuses_our_credential_it_is_tried_ever_more_seldom() {
    let mut day = World::new(vec![plan("plus", 4_900)], Vec::new());
    (0..2).for_each(|_| day.no("show", RejectionKind::Config));
    day.ask(Asked::Daily);
    day.pass(TimeDelta::minutes(1));
    assert_eq!(day.state(), "Asserting");
    day.pass(TimeDelta::minutes(2));
    day.agrees();
    assert_eq!((day.count("TellingPutOff"), day.calls("show")), (2, 3));
    day.has_recorded_history("put_off");
}

#[test]
fn the_version_is_that_of_what_is_sold_and_of_nothing_else() {
    let versions = |day: &World| {
        let of = |event: &Event| match event {
            Event::CatalogSynced { version, .. } => Some(version.clone()),
            _ => None,
        };
        day.events().filter_map(of).collect::<Vec<_>>()
    };
    let mut day = World::agreeing(vec![plan("plus", 4_900), plan("team", 7_900)]);
    day.ask(Asked::Daily);
    day.sold.reverse();
    day.edits("r-team", "Mine", true);
    day.pass(TimeDelta::minutes(2));
    day.sold[0] = plan("team", 8_000);
    day.ask(Asked::Poll);
    let [first, second, third] = versions(&day).try_into().expect("three runs");
    assert_eq!(first, second);
    assert_ne!(second, third);
    assert_eq!(day.compared().len(), 3);
}
