//! A walk's world for the cancellation.

use crate::activation;
use crate::dice::Dice;
use crate::samples;
use chrono::{DateTime, Utc};
use sagas::cancellation::{Choice, Command, GiveBack, News, Of, OpenInvoices, Order, Press, Wish};
use sagas::kernel::answer::{Answer, BilledInvoice, BookedCapture, EndingSurvey, KeptProduct};
use sagas::kernel::effect::OnSubscription;
use sagas::kernel::ids::{Installation, SagaId};

fn of() -> Of {
    Of {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        subscription: "zs1".to_owned(),
    }
}

pub(crate) fn start() -> Command {
    let press = Some(Press { record: "as1".to_owned(), pressed_at: activation::began() });
    ordered(Wish::CancelNow, Choice::default(), press)
}

fn ordered(wish: Wish, choice: Choice, press: Option<Press>) -> Command {
    let order = Order { wish, choice, reason: "walk".to_owned(), by: "token:walk".to_owned(), press };
    Command::Ordered { of: of(), order: Box::new(order) }
}

fn choice(dice: &mut Dice) -> Choice {
    use {GiveBack as G, OpenInvoices as O};
    Choice {
        open_invoices: dice.of(&[None, Some(O::Collect), Some(O::Void), Some(O::WriteOff)]),
        give_back: dice.of(&[None, Some(G::Nothing), Some(G::Prorated), Some(G::Full), Some(G::Credit)]),
    }
}

pub(crate) fn command(dice: &mut Dice, now: DateTime<Utc>) -> Command {
    let wish = dice.of(&[Wish::CancelNow, Wish::CancelAtEnd, Wish::CancelAtEnd, Wish::Reactivate]);
    match dice.roll(6) {
        0 => ordered(wish, choice(dice), Some(Press { record: "as1".to_owned(), pressed_at: now })),
        1 => ordered(wish, choice(dice), None),
        2 => Command::Noticed { of: of(), news: dice.of(&[News::Ended, News::Scheduled, News::GoesOn]) },
        _ => {
            let by = dice.of(&["token:ada", "token:bob"]).to_owned();
            Command::Chosen { choice: choice(dice), reason: "walk".to_owned(), by }
        }
    }
}

pub(crate) fn survey(subscription: &str, dice: &mut Dice, now: DateTime<Utc>) -> Answer {
    let charging = if dice.roll(3) == 0 { vec!["77".to_owned()] } else { Vec::new() };
    let capture = BookedCapture {
        transaction: format!("t-{subscription}"),
        invoice: "77".to_owned(),
        amount: samples::eur(10_000),
        at: now,
    };
    let captures = if dice.roll(3) == 0 { vec![capture] } else { Vec::new() };
    let product = KeptProduct { saga: SagaId::derived("walk", &["activation"]), key: "cust1/prod1".to_owned(), flow: None };
    let product = (dice.roll(2) == 0).then_some(product);
    Answer::EndingSurvey(Box::new(EndingSurvey { charging, captures, product }))
}

pub(crate) fn subscription(call: &OnSubscription, dice: &mut Dice) -> Answer {
    if matches!(call, OnSubscription::ListInvoices { .. }) {
        let count = dice.roll(3);
        return Answer::BilledInvoices { invoices: (0..count).map(|n| invoice(n, dice)).collect() };
    }
    let odd = ["cancelled", "paused", "non_renewing", "new"];
    let usual = match call {
        OnSubscription::Cancel { at_end: false, .. } => "cancelled",
        OnSubscription::Cancel { at_end: true, .. } => "non_renewing",
        _ => dice.of(&["live", "live", "non_renewing", "cancelled"]),
    };
    let status = if dice.rarely() { dice.of(&odd) } else { usual };
    Answer::Terms(Box::new(samples::terms(status)))
}

fn invoice(n: u64, dice: &mut Dice) -> BilledInvoice {
    let balance = dice.of(&[0, 0, 2_500, 10_000]);
    BilledInvoice {
        id: format!("{}", 77 + n),
        number: format!("INV-{}", 77 + n),
        status: dice.of(&["sent", "overdue", "paid", "void"]).to_owned(),
        total: samples::eur(10_000),
        balance: samples::eur(balance),
    }
}
