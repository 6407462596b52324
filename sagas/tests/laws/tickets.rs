//! A walk's world for tickets: the same asked again in any order, and a Desk in which anything may be gone or closed.

use crate::dice::Dice;
use crate::samples::{company, eur};
use sagas::desk_ticket::{About, Ask, Cause, Command};
use sagas::kernel::answer::{Answer, Ticket};
use sagas::kernel::effect::Helpdesk;

pub(crate) fn start() -> Command {
    asked("1".to_owned(), true)
}

fn asked(key: String, known: bool) -> Command {
    let about = About { record: Some("record1".to_owned()), client: known.then(company) };
    let cause = Cause::Exhausted {
        invoice: "77".to_owned(),
        number: "INV-77".to_owned(),
        owed: eur(10_000),
        declines: 4,
        last_four: None,
    };
    Command::Asked { ask: Box::new(Ask { about, cause, press: None, key, by: "walk".to_owned() }) }
}

pub(crate) fn command(dice: &mut Dice) -> Command {
    asked(dice.roll(9).to_string(), dice.rarely())
}

pub(crate) fn answer(call: &Helpdesk, dice: &mut Dice) -> Answer {
    match call {
        Helpdesk::CreateContact { .. } => Answer::DeskContact { contact: Some("dc1".to_owned()), others: 0 },
        Helpdesk::OpenTicket(_) | Helpdesk::ReadTicket { .. } => Answer::Ticket(Box::new(Ticket {
            id: dice.of(&["t1", "t2"]).to_owned(),
            number: "101".to_owned(),
            status: dice.of(&["Open", "Closed", "On Hold"]).to_owned(),
        })),
        _ => Answer::Nothing,
    }
}
