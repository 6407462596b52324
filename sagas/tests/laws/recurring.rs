//! A walk's world for what Braintree charges by itself: a charge each month, most of which go through.

use crate::activation;
use crate::dice::Dice;
use crate::samples::{self, day, eur};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::braintree_recurring::{Command, State};
use sagas::kernel::answer::{Answer, Recurring, RecurringStatus, Transaction, TransactionStatus};
use sagas::kernel::effect::{Braintree, Effect};
use sagas::kernel::ids::Installation;
use sagas::kernel::recurring::{Begun, Intent};

const ID: &str = "s-walk";
const PRICE: i64 = 10_000;

pub(crate) fn start() -> Command {
    let begun = Begun {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        customer: "cust1".to_owned(),
        subscription: "walk".to_owned(),
        zoho_subscription: "zs1".to_owned(),
        record: Some("as1".to_owned()),
        recurring: ID.to_owned(),
        next_charge_on: Some(day("2024-11-04")),
        charged: Some("r-0".to_owned()),
        invoice: Some("70".to_owned()),
    };
    Command::Begun { begun: Box::new(begun) }
}

pub(crate) fn command(_: &State, dice: &mut Dice, _: DateTime<Utc>) -> Command {
    match dice.roll(9) {
        0 => Command::Intended { intent: dice.of(&[Intent::Ends, Intent::GoesOn]) },
        1 if dice.rarely() => Command::CaptureReversed { transaction: "r-1".to_owned() },
        2 | 3 => Command::InvoiceRecorded {
            invoice: dice.of(&["77", "78"]).to_owned(),
            number: "INV-77".to_owned(),
            payment: "zp1".to_owned(),
            next_billing_on: None,
        },
        4 => start(),
        _ => Command::Heard {
            recurring: ID.to_owned(),
            source: "walk".to_owned(),
            card_link: dice.of(&[
                None,
                Some(serde_json::json!({
                    "link_days": 14, "consent_version": "1", "declines_before_lock": 5, "lock_minutes": 60, "keep_days": 7,
                })),
            ]),
        },
    }
}

pub(crate) fn answer(effect: &Effect, dice: &mut Dice, now: DateTime<Utc>) -> Option<Answer> {
    match effect {
        Effect::Braintree(Braintree::ReadSubscription { subscription }) if subscription == ID => {
            Some(Answer::Recurring(Box::new(shown(dice, now))))
        }
        _ => None,
    }
}

fn shown(dice: &mut Dice, now: DateTime<Utc>) -> Recurring {
    use RecurringStatus as R;
    let months = (now - activation::began()).num_days() / 30;
    let odd = dice.of(&[R::PastDue, R::PastDue, R::Canceled, R::Expired, R::Other("new".to_owned())]);
    let made = |n: i64| activation::began() + TimeDelta::days(30 * n);
    Recurring {
        id: ID.to_owned(),
        status: if dice.roll(8) == 0 { odd } else { R::Active },
        plan: "billing-eur-1m".to_owned(),
        token: "m1".to_owned(),
        price: eur(PRICE),
        balance: Some(eur(dice.of(&[0, PRICE]))),
        current_cycle: Some(3),
        ends_after: None,
        next_charge_on: Some(made(months + 1).date_naive()),
        paid_through: None,
        failures: 0,
        transactions: (0..=months).rev().take(20).map(|n| charge(n, made(n), dice)).collect(),
    }
}

fn charge(n: i64, made: DateTime<Utc>, dice: &mut Dice) -> Transaction {
    use TransactionStatus as T;
    let odd =
        dice.of(&[T::ProcessorDeclined, T::Authorizing, T::Voided, T::SettlementDeclined, T::Other("new".to_owned())]);
    let status = if dice.rarely() { odd } else { T::SubmittedForSettlement };
    Transaction { status, ..samples::transaction(&format!("r-{n}"), "", eur(PRICE), made) }
}
