//! 2.27: what people may order, and the clock.

use super::world::{World, of, request};
use crate::erasure::{Command, Law, Request};
use crate::kernel::tests::bench::Played as _;
use crate::kernel::tests::samples::day;
use chrono::TimeDelta;

fn hold(until: Option<&str>) -> Command {
    Command::HoldPlaced { case: "case 12".to_owned(), until: until.map(day), by: "token:ada".to_owned() }
}

#[test]
fn who_asked_never_confirms_where_two_persons_are_wanted() {
    let mut w = World::new();
    w.request(Law::Gdpr);
    w.confirm("token:ada");
    assert_eq!((w.state().as_str(), w.heard_refused(), w.is_erased_here()), ("Previewed", 1, false));

    let mut w = World::new();
    let request = Request { second_person: false, ..request(Law::Gdpr) };
    w.tell(Command::Requested { of: of(), request: Box::new(request) });
    assert_eq!(w.state(), "Previewed", "the preview is looked at all the same");
    w.confirm("token:ada");
    assert_eq!(w.state(), "Erased");
}

#[test]
fn what_another_person_has_agreed_to_before_waits_for_no_preview() {
    for (agreed_by, state) in [("token:bob", "Erased"), ("token:ada", "Previewed")] {
        let mut w = World::new();
        let request = Request { agreed_by: Some(agreed_by.to_owned()), ..request(Law::Gdpr) };
        w.tell(Command::Requested { of: of(), request: Box::new(request) });
        assert_eq!((w.state().as_str(), w.count("ErasurePreviewed")), (state, 1));
    }
}

#[test]
fn another_preview_than_the_newest_is_not_confirmed() {
    let mut w = World::new();
    w.request(Law::Gdpr);
    w.tell(Command::Confirmed { preview: 7, by: "token:bob".to_owned(), reason: "looked".to_owned() });
    assert_eq!((w.state().as_str(), w.heard_refused()), ("Previewed", 1));
}

#[test]
fn the_preview_names_what_stands_in_the_way() {
    let mut w = World::new();
    w.subscriptions.insert("zs1".to_owned(), "live".to_owned());
    w.survey.owed = vec![crate::kernel::tests::samples::eur(100)];
    w.tell(hold(None));
    w.request(Law::Gdpr);
    assert_eq!((w.state().as_str(), w.saga.business.reasons.len()), ("Previewed", 3));
}

#[test]
fn a_named_case_holds_it_until_its_day_or_until_it_is_lifted() {
    let mut w = World::new();
    w.subscriptions.insert("zs1".to_owned(), "live".to_owned());
    w.request(Law::Gdpr);
    w.tell(hold(Some("2024-10-10")));
    w.confirm("token:bob");
    w.pass(TimeDelta::days(5));
    assert_eq!((w.state().as_str(), w.told.len()), ("Waits", 0), "nothing is ended while it is held");
    w.subscriptions.clear();
    w.pass(TimeDelta::days(3));
    assert_eq!(w.state(), "Erased");

    let mut w = World::new();
    w.request(Law::Gdpr);
    w.tell(hold(None));
    w.confirm("token:bob");
    w.pass(TimeDelta::days(20));
    assert_eq!((w.state().as_str(), w.is_erased_here()), ("Waits", false));
    w.tell(Command::HoldLifted { by: "token:ada".to_owned(), reason: "case closed".to_owned() });
    assert_eq!(w.state(), "Erased");
    w.has_recorded_history("held_by_a_case");
}

#[test]
fn it_is_withdrawn_before_anything_is_erased_and_never_after() {
    let withdrawn = || Command::Withdrawn { by: "token:ada".to_owned(), reason: "the person stays".to_owned() };
    let mut w = World::new();
    w.request(Law::Gdpr);
    w.tell(withdrawn());
    assert_eq!((w.state().as_str(), w.is_erased_here()), ("Withdrawn", false));
    w.go();
    assert_eq!(w.state(), "Erased", "asked for again");
    w.tell(withdrawn());
    assert_eq!((w.state().as_str(), w.heard_refused()), ("Erased", 1));
    w.has_recorded_history("withdrawn_then_wanted");
}

#[test]
fn a_second_request_while_one_runs_is_refused() {
    let mut w = World::new();
    w.request(Law::Gdpr);
    w.request(Law::Ccpa);
    assert_eq!((w.heard_refused(), w.count("ErasureRequested")), (1, 1));
}

#[test]
fn a_request_that_is_delivered_again_is_one_request() {
    let mut w = World::new();
    w.request(Law::Gdpr);
    w.request(Law::Gdpr);
    w.confirm("token:bob");
    w.request(Law::Gdpr);
    assert_eq!((w.state().as_str(), w.count("ErasureRequested"), w.heard_refused()), ("Erased", 1, 0));
}

#[test]
fn the_law_sets_the_clock_and_it_is_never_silently_late() {
    assert_eq!(Law::Gdpr.due_on(day("2024-10-04")), day("2024-11-03"));
    assert_eq!(Law::Ccpa.due_on(day("2024-10-04")), day("2024-11-18"));
    let mut w = World::new();
    w.survey.in_flight = vec![super::world::in_flight("dispute")];
    w.go();
    w.pass(TimeDelta::days(20));
    assert_eq!((w.state().as_str(), w.count("DeadlineNear")), ("Waits", 0));
    // Seven days before the last day, on it, and every week from then on.
    w.pass(TimeDelta::days(4));
    assert_eq!((w.state().as_str(), w.count("DeadlineNear")), ("WaitsUrgently", 1));
    w.pass(TimeDelta::days(7));
    assert_eq!(w.count("DeadlineNear"), 2);
    w.pass(TimeDelta::days(14));
    assert_eq!(w.count("DeadlineNear"), 4);
    w.survey.in_flight.clear();
    w.pass(TimeDelta::hours(7));
    assert!(w.state() == "Erased" && !w.certificate().in_time, "late, and it says so");
    w.has_recorded_history("late");
}

#[test]
fn a_preview_that_nobody_confirms_is_warned_of_too() {
    let mut w = World::new();
    w.request(Law::Gdpr);
    w.pass(TimeDelta::days(31));
    assert_eq!((w.state().as_str(), w.count("DeadlineNear")), ("PreviewedUrgently", 2));
}
