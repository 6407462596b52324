//! Lines of the old system's list on a walk: what they are told, and what the vendors and our tables answer.

use crate::dice::Dice;
use crate::samples;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Attio, Braintree, Desk, Effect, Zoho};
use sagas::kernel::ids::Installation;
use sagas::migration::{Command, FailedCharges, OldSubscription};

fn old(dice: Option<&mut Dice>) -> OldSubscription {
    let mut old = OldSubscription {
        id: "old-1".to_owned(),
        customer: "cust1".to_owned(),
        has_email: true,
        zoho_customer: Some("zc1".to_owned()),
        zoho_subscription: Some("zs1".to_owned()),
        braintree_customer: Some("c-cust1".to_owned()),
        token: None,
        braintree_subscription: None,
        others: Vec::new(),
        client: None,
        attio_subscription: None,
        plan: None,
        paid_until: None,
        failed: FailedCharges::Times { times: 2 },
    };
    if let Some(dice) = dice {
        if dice.rarely() {
            old.zoho_subscription = None;
        }
        if dice.rarely() {
            old.zoho_customer = None;
        }
        if dice.rarely() {
            old.braintree_customer = None;
        }
    }
    old
}

fn check(old: OldSubscription) -> Command {
    let installation = Installation::new("demo1").expect("valid");
    Command::Check { job: "list1".to_owned(), old: Box::new(old), installation }
}

pub(crate) fn start() -> Command {
    check(old(None))
}

pub(crate) fn command(dice: &mut Dice) -> Command {
    let by = "law".to_owned();
    match dice.roll(8) {
        0..=2 => Command::Link { by },
        3 => Command::Unlink { reason: "walk".to_owned(), by },
        4 => Command::Shadow { on: !dice.rarely(), by },
        5 => Command::Explain { invoice: "1".to_owned(), reason: "walk".to_owned(), by },
        6 if dice.rarely() => Command::SubscriptionEnded { product: "cust1/prod1".to_owned() },
        _ => check(old(Some(dice))),
    }
}

/// What only this flow asks, or is told in its own way.
pub(crate) fn answer(effect: &Effect, dice: &mut Dice) -> Option<Answer> {
    Some(match effect {
        Effect::Zoho(Zoho::FindCustomers { .. }) => {
            let customers = if dice.rarely() { Vec::new() } else { vec![samples::zoho_customer()] };
            Answer::ZohoCustomers { customers }
        }
        Effect::Braintree(Braintree::FindCustomers { .. }) => {
            Answer::BraintreeCustomers { customers: dice.of(&[vec!["c-cust1".to_owned()], Vec::new()]) }
        }
        Effect::Attio(Attio::FindPerson { .. })
        | Effect::Desk(Desk::RecordOwner { .. } | Desk::CountOldCharges { .. }) => Answer::Nothing,
        _ => return None,
    })
}
