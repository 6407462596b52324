//! Lines of the old system's list on a walk: what they are told, and what the vendors and our tables answer.

use crate::dice::Dice;
use crate::samples;
use sagas::kernel::answer::Answer;
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::effect::{Attio, Braintree, Desk, Effect, Zoho};
use sagas::kernel::hand_over::{Approval, Ended};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::migration::{Command, CutOver, FailedCharges, OldSubscription};

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
    match dice.roll(13) {
        0..=2 => Command::Link { by },
        8 | 9 => Command::Approve { reason: "walk".to_owned(), by },
        10 => Command::CutOver { order: Box::new(order(by)) },
        11 => Command::TakeBack { order: Box::new(order(by)) },
        12 => Command::HandOverEnded { hand_over: hand_over(dice), ended: ended(dice) },
        3 => Command::Unlink { reason: "walk".to_owned(), by },
        4 => Command::Shadow { on: !dice.rarely(), by },
        5 => Command::Explain { invoice: "1".to_owned(), reason: "walk".to_owned(), by },
        6 if dice.rarely() => Command::SubscriptionEnded { product: "cust1/prod1".to_owned() },
        _ => check(old(Some(dice))),
    }
}

fn order(by: String) -> CutOver {
    CutOver {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        to: CollectionOwner::Orchestrator,
        from_period: None,
        consent: None,
        statement: Some("signed".to_owned()),
        braintree_plan: None,
        open_invoices: None,
        cohort: Some("walk".to_owned()),
        reason: "walk".to_owned(),
        by,
        approval: Approval::Alone,
    }
}

/// One of the first hand-overs that a line asks for.
fn hand_over(dice: &mut Dice) -> SagaId {
    let key = dice.of(&["import:old-1:cut-over:1", "import:old-1:cut-over:2", "import:old-1:back:2"]);
    sagas::kernel::hand_over::saga("60012", "zs1", key)
}

fn ended(dice: &mut Dice) -> Ended {
    if dice.rarely() {
        return Ended::Unchanged { why: "walk".to_owned() };
    }
    let owner = dice.of(&[CollectionOwner::Orchestrator, CollectionOwner::ZohoNative]);
    Ended::HandedOver { owner, valid_from: None }
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
        Effect::Attio(Attio::FindPerson { .. }) | Effect::Desk(Desk::CountOldCharges { .. }) => Answer::Nothing,
        _ => return None,
    })
}
