//! A walk's world for changes of a customer: heard again and again in any order, with targets that show anything.

use crate::dice::Dice;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Attio, AttioRecord, Braintree, Crm, Desk, Effect, Zoho};
use sagas::kernel::profile::{Compared, Field, Fields, Shown, Target};
use sagas::profile_change::Command;

fn record(id: &str) -> AttioRecord {
    AttioRecord { object: "people".to_owned(), id: id.to_owned() }
}

pub(crate) fn start() -> Command {
    Command::Changed { customer: "cust1".to_owned(), client: record("person1"), by: "walk".to_owned() }
}

pub(crate) fn command(dice: &mut Dice) -> Command {
    let (customer, by) = ("cust1".to_owned(), "walk".to_owned());
    let client = record(dice.of(&["person1", "person2"]));
    match dice.roll(12) {
        0 => Command::Deleted { customer, client },
        1 => Command::Merged { customer, from: record("person1"), into: record("person2") },
        2 => Command::CurrencyAsked { customer, client, currency: "USD".to_owned(), by },
        3 => Command::Check { customer, client, by },
        4 => {
            let fields = Fields::from([Field::Email, Field::City]);
            Command::Patched { customer, client, fields, mark: format!("m{}", dice.roll(9)), by }
        }
        _ => Command::Changed { customer, client, by },
    }
}

fn fields(dice: &mut Dice, target: Target) -> Fields {
    target.fields().iter().copied().filter(|_| dice.roll(3) == 0).collect()
}

pub(crate) fn answer(effect: &Effect, dice: &mut Dice) -> Option<Answer> {
    let comparison = match effect {
        Effect::Desk(Desk::CompareProfile { .. }) => {
            let keys = Target::ALL.into_iter().filter(|_| dice.roll(5) > 0);
            let keys: Vec<_> = keys.map(|target| (target, target.word().to_owned())).collect();
            let behind = keys.iter().map(|(target, _)| *target).collect::<Vec<_>>();
            return Some(Answer::ProfileCompared(Box::new(Compared {
                behind: behind.into_iter().map(|target| (target, fields(dice, target))).collect(),
                keys: keys.into_iter().collect(),
                address_of: dice.rarely().then(|| "cust2".to_owned()),
                billed_in: dice.of(&[None, Some("EUR".to_owned())]),
            })));
        }
        Effect::Zoho(Zoho::ReadProfile(of))
        | Effect::Braintree(Braintree::ReadProfile(of))
        | Effect::Crm(Crm::ReadProfile(of)) => of,
        Effect::Zoho(Zoho::WriteProfile(_))
        | Effect::Braintree(Braintree::WriteProfile(_))
        | Effect::Crm(Crm::WriteProfile(_))
        | Effect::Attio(
            Attio::ShowProfile(_) | Attio::WriteProfile(_) | Attio::NoteDisplaced(_) | Attio::AddRecordTask { .. },
        ) => {
            return Some(Answer::Nothing);
        }
        _ => return None,
    };
    let owed = fields(dice, comparison.of.target);
    let displaced = owed.iter().copied().filter(|field| *field == Field::City).collect();
    let found = dice.roll(6) > 0;
    let owed = if found { owed } else { Fields::new() };
    Some(Answer::ProfileShown(Box::new(Shown { found, owed, displaced, seen: None })))
}
