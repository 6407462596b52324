//! An opening of the books on a walk: what it is told.

use crate::dice::Dice;
use crate::samples::eur;
use sagas::books_opening::{Command, Item, Kind, Proposal, Total};
use sagas::kernel::ids::Installation;

/// Two lines, one of which a vendor is asked for.
fn proposal(receivable: i64) -> Box<Proposal> {
    let item = |line, kind, id: &str, minor| Item { line, kind, id: id.to_owned(), amount: eur(minor) };
    let items = vec![item(2, Kind::Receivable, "77", receivable), item(3, Kind::InTransit, "payout-7", 300)];
    let totals = items.iter().map(|item| Total { kind: item.kind, amount: item.amount }).collect();
    Box::new(Proposal {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        open_at: crate::activation::began(),
        items,
        totals,
        reason: "walk".to_owned(),
        by: "token:ada".to_owned(),
        alone: false,
    })
}

pub(crate) fn start() -> Command {
    Command::Propose { proposal: proposal(10_000) }
}

pub(crate) fn command(dice: &mut Dice) -> Command {
    let (reason, by) = ("walk".to_owned(), dice.of(&["token:ada", "token:bob"]).to_owned());
    match dice.roll(8) {
        0 => Command::Withdraw { reason, by },
        1 | 2 => Command::Propose { proposal: proposal(dice.of(&[10_000, 9_999])) },
        _ => Command::Approve { reason, by },
    }
}
