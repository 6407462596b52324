//! A gateway that pays out, holds back and takes back as it likes, over a ledger that says what it was told.

use crate::activation;
use crate::dice::Dice;
use crate::samples::{day, eur};
use iso_currency::Currency;
use sagas::disbursement::Command;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Braintree, Desk, Effect};
use sagas::kernel::ids::Installation;
use sagas::kernel::payout::{Fate, PaidOut, Payout, PayoutNotice};
use sagas::kernel::posting::{Dimensions, Posting, Rule};

fn payout() -> Payout {
    Payout { account: "acme-eur".to_owned(), day: activation::began().date_naive(), currency: Currency::EUR }
}

fn installation() -> Installation {
    Installation::new("demo1").expect("valid")
}

pub(crate) fn look(announced: bool) -> Command {
    Command::Look { payout: payout(), installation: installation(), announced, source: "walk".to_owned() }
}

pub(crate) fn command(dice: &mut Dice) -> Command {
    if dice.roll(5) != 0 {
        return look(dice.roll(3) == 0);
    }
    let success = dice.roll(3) != 0;
    let notice = PayoutNotice {
        id: dice.of(&["p1", "p1", "p2"]).to_owned(),
        amount: Some(eur(dice.of(&[10_000, 12_000, 9_000, 0]))),
        success,
        is_retry: dice.rarely(),
        transactions: dice.of(&[Vec::new(), vec!["t-1".to_owned()]]),
        exception: (!success).then(|| "bank_rejected".to_owned()),
    };
    Command::Noticed { payout: payout(), installation: installation(), notice }
}

/// Two sales that settled, one of them refunded in part, and one that was only submitted.
pub(crate) fn before() -> Vec<Posting> {
    let posting = |transaction: &str, rule, minor| Posting {
        rule,
        amount: eur(minor),
        tax: None,
        effective: day("2024-10-01"),
        dimensions: Dimensions { transaction: Some(transaction.to_owned()), ..Dimensions::default() },
    };
    vec![
        posting("t-1", Rule::Capture, 10_000),
        posting("t-1", Rule::Apply, 10_000),
        posting("t-1", Rule::Settle, 10_000),
        posting("t-1", Rule::CreditNote, 3_000),
        posting("t-1", Rule::RefundFromCredit, 3_000),
        posting("t-1", Rule::RefundSent, 3_000),
        posting("t-1", Rule::RefundSettled, 3_000),
        posting("t-2", Rule::Capture, 2_000),
        posting("t-2", Rule::Apply, 2_000),
        posting("t-2", Rule::Settle, 2_000),
        posting("t-3", Rule::Capture, 500),
        posting("t-3", Rule::Apply, 500),
    ]
}

pub(crate) fn answer(effect: &Effect, dice: &mut Dice) -> Option<Answer> {
    Some(match effect {
        Effect::Braintree(Braintree::ReadPayoutList { .. }) => {
            let all = ["t-1", "t-2", "t-3", "t-x", "r-1"];
            let transactions = match dice.roll(12) {
                0..=4 => Vec::new(),
                5..=7 => vec!["t-1".to_owned(), "r-1".to_owned()],
                8..=10 => vec!["t-1".to_owned(), "t-2".to_owned(), "t-x".to_owned(), "r-1".to_owned()],
                _ => all.iter().map(|&id| id.to_owned()).collect(),
            };
            Answer::PayoutListed { transactions }
        }
        Effect::Braintree(Braintree::ReadPayout { transactions, .. }) => {
            let mut items: Vec<PaidOut> = transactions.iter().map(|id| item(id, dice)).collect();
            if dice.rarely() {
                items.pop();
            }
            Answer::PaidOut { items }
        }
        Effect::Desk(Desk::SurveyPayout { transactions, .. }) => {
            let known = dice.positions.iter().filter(|of| transactions.contains(&of.transaction));
            let mut positions: Vec<_> = known.cloned().collect();
            for of in &mut positions {
                of.is_known = of.transaction != "t-x";
            }
            Answer::Positions { positions }
        }
        _ => return None,
    })
}

fn item(id: &str, dice: &mut Dice) -> PaidOut {
    let amount = eur(match id {
        "t-1" => 10_000,
        "t-2" => 2_000,
        "t-3" => 500,
        "r-1" => 3_000,
        _ => 700,
    });
    let fate = if dice.roll(8) == 0 { dice.of(&[Fate::Held, Fate::Returned]) } else { Fate::Paid };
    PaidOut {
        transaction: id.to_owned(),
        order_id: String::new(),
        refund_of: (id == "r-1").then(|| "t-1".to_owned()),
        is_credit: id == "r-1",
        amount,
        paid: amount,
        fate,
    }
}
