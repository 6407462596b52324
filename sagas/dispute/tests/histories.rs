//! Recorded histories: what releases wrote into the log must be readable by every later one. A history is written once,
//! by this test with `WRITE_HISTORIES` set, and never again; `tests/laws` replays all of them for ever.

use super::world::{World, busy, deadline, eur, rejected, sale, text, unknown};
use crate::dispute::{Fate, Piece};
use crate::kernel::answer::DisputeStatus as Status;
use crate::kernel::effect::DocumentForm;
use crate::kernel::outcome::RejectionKind;
use crate::kernel::tests::bench::Played;
use chrono::TimeDelta;

/// Its name, and how it goes.
type Scenario = (&'static str, fn() -> World);

fn opened() -> World {
    World::opened(|_| {})
}

fn near_its_deadline() -> World {
    let mut w = opened();
    w.pass(deadline() - w.now - TimeDelta::hours(3));
    w
}

fn contested_and_won() -> World {
    let mut w = opened();
    let document = Piece::Document { input: super::world::input(2), form: DocumentForm::Pdf, category: None };
    w.submit(vec![text(1), document]);
    w.becomes(Status::Won);
    w
}

fn contested() -> World {
    let mut w = opened();
    w.submit(vec![text(1)]);
    w
}

fn accepted_and_cancelled() -> World {
    let mut w = World::opened(|w| w.held = vec![sale().stream]);
    w.accept();
    w.close(Some(Fate::Cancel));
    w
}

fn lost_and_kept() -> World {
    let mut w = contested();
    w.becomes(Status::Lost);
    w.close(Some(Fate::Keep));
    w
}

fn missed() -> World {
    let mut w = opened();
    w.dispute.status = Status::Expired;
    w.pass(deadline() - w.now + TimeDelta::hours(2));
    w
}

fn won_in_part() -> World {
    let mut w = contested();
    w.dispute.won = Some(eur(6_000));
    w.becomes(Status::Won);
    w
}

fn returned() -> World {
    let mut w = contested();
    w.becomes(Status::Open);
    w
}

fn orphan_adopted() -> World {
    let mut w = World::opened(|w| w.sale = None);
    w.sale = Some(sale());
    w.notice(Some(Status::Open));
    w
}

fn orphan_lost() -> World {
    let mut w = World::opened(|w| w.sale = None);
    w.becomes(Status::Lost);
    w
}

fn orphan_won() -> World {
    let mut w = World::opened(|w| w.sale = None);
    w.becomes(Status::Won);
    w
}

fn not_found() -> World {
    let mut w = World::new();
    w.say("braintree.read_dispute", rejected(RejectionKind::NotFound, "404"));
    w.notice(None);
    w
}

fn decided_by_a_programme() -> World {
    World::opened(|w| {
        w.dispute.program = Some("visa_rdr".to_owned());
        w.dispute.status = Status::AutoAccepted;
    })
}

fn impossible() -> World {
    let mut w = opened();
    w.becomes(Status::Won);
    w.becomes(Status::Lost);
    w
}

fn reply_unknown() -> World {
    let mut w = opened();
    w.say("braintree.finalize_dispute", unknown());
    w.submit(vec![text(1)]);
    w
}

fn refused_while_a_give_back_holds_it() -> World {
    let mut w = World::new();
    w.say("desk.claim", busy());
    w.say("braintree.add_evidence", rejected(RejectionKind::Invalid, "95726"));
    w.notice(None);
    w.submit(vec![text(1)]);
    w
}

fn silent_stream() -> World {
    let mut w = World::new();
    w.payment = None;
    w.notice(None);
    w.pass(TimeDelta::hours(2));
    w
}

#[test]
fn every_scenario_has_its_recorded_history() {
    let scenarios: [Scenario; 18] = [
        ("opened", opened),
        ("near_its_deadline", near_its_deadline),
        ("contested_and_won", contested_and_won),
        ("contested", contested),
        ("accepted_and_cancelled", accepted_and_cancelled),
        ("lost_and_kept", lost_and_kept),
        ("missed", missed),
        ("won_in_part", won_in_part),
        ("returned", returned),
        ("orphan_adopted", orphan_adopted),
        ("orphan_lost", orphan_lost),
        ("orphan_won", orphan_won),
        ("not_found", not_found),
        ("decided_by_a_programme", decided_by_a_programme),
        ("impossible", impossible),
        ("reply_unknown", reply_unknown),
        ("refused_while_a_give_back_holds_it", refused_while_a_give_back_holds_it),
        ("silent_stream", silent_stream),
    ];
    for (name, scenario) in scenarios {
        scenario().has_recorded_history(name);
    }
}
