//! Disputes in a walk: what is told of them, what people order, what Braintree shows.

use crate::dice::Dice;
use crate::samples::{self, day, eur};
use sagas::dispute::{Command, Fate, Of, Payment, Piece, Sale};
use sagas::invoice_payment::DisputeNews;
use sagas::kernel::answer::{Answer, Dispute as Shown, DisputeStatus as Status, Evidence};
use sagas::kernel::effect::{Braintree, Effect};
use sagas::kernel::ids::{Installation, SagaId};
use uuid::Uuid;

const STATUSES: [Status; 7] =
    [Status::Open, Status::Open, Status::Disputed, Status::Won, Status::Lost, Status::Expired, Status::AutoAccepted];

pub(crate) fn start() -> Command {
    noticed(None, None)
}

fn noticed(sale: Option<Sale>, seen: Option<Status>) -> Command {
    let installation = Installation::new("demo1").expect("valid");
    let of = Of { organization: "60012".to_owned(), installation, dispute: "d1".to_owned() };
    Command::Noticed { of, sale, seen, source: "walk".to_owned() }
}

pub(crate) fn command(dice: &mut Dice) -> Command {
    let (by, reason) = ("law".to_owned(), "walk".to_owned());
    match dice.roll(10) {
        0 => {
            let pieces = (0..dice.roll(3)).map(|n| Piece::Text { input: Uuid::from_u128(n.into()), category: None });
            Command::Submit { pieces: pieces.collect(), by, reason }
        }
        1 if dice.roll(3) == 0 => Command::Accept { by, reason },
        2 => Command::Close { subscription: dice.of(&[None, Some(Fate::Keep), Some(Fate::Cancel)]), by, reason },
        3 | 4 => Command::Described { payment: Box::new(payment()) },
        5 | 6 => noticed(Some(sale()), dice.of(&[None, Some(Status::Open), Some(Status::Lost)])),
        _ => noticed(None, dice.of(&[None, Some(Status::Open)])),
    }
}

/// What an invoice's stream hears of a dispute.
pub(crate) fn news(dice: &mut Dice) -> DisputeNews {
    let (transaction, saga) = ("t-demo1.inv.77.1".to_owned(), SagaId::derived("dispute", &["d1"]));
    match dice.roll(2) {
        0 => DisputeNews::PaymentDisputed { transaction, saga },
        _ => DisputeNews::DisputeOver { transaction, saga, lost: 0 },
    }
}

/// What Braintree answers to a call on a dispute.
pub(crate) fn answer(effect: &Effect, dice: &mut Dice) -> Option<Answer> {
    let (status, pieces) = match effect {
        Effect::Braintree(Braintree::ReadDispute { .. }) if dice.roll(3) > 0 => (Status::Open, 0),
        Effect::Braintree(Braintree::ReadDispute { .. }) => (dice.of(&STATUSES), 0),
        Effect::Braintree(Braintree::AddEvidence { besides, .. }) => (Status::Open, besides.len() + 1),
        Effect::Braintree(Braintree::FinalizeDispute { .. }) => (dice.of(&[Status::Disputed, Status::Won]), 1),
        Effect::Braintree(Braintree::AcceptDispute { .. }) => (Status::Accepted, 0),
        Effect::Braintree(Braintree::UploadDocument { .. }) => {
            return Some(Answer::Document { document: format!("doc{}", dice.roll(1_000)) });
        }
        _ => return None,
    };
    let evidence = |n: usize| Evidence { id: format!("ev{n}"), is_file: false, category: None, sent_on: None };
    Some(Answer::Dispute(Box::new(Shown {
        id: "d1".to_owned(),
        status,
        kind: "chargeback".to_owned(),
        reason: "fraud".to_owned(),
        reason_code: None,
        case_number: None,
        disputed: eur(if dice.rarely() { 9_000 } else { 10_000 }),
        won: dice.of(&[None, Some(eur(10_000)), Some(eur(4_000))]),
        transaction: Some("tx1".to_owned()),
        order_id: Some("demo1.inv.77.1".to_owned()),
        original: None,
        program: dice.rarely().then(|| "visa_rdr".to_owned()),
        received_on: Some(day("2024-11-01")),
        reply_by: Some(day("2024-12-01")),
        evidence: (0..pieces).map(evidence).collect(),
    })))
}

fn sale() -> Sale {
    Sale { transaction: "tx1".to_owned(), invoice: "77".to_owned(), stream: SagaId::of_invoice("60012", "77") }
}

fn payment() -> Payment {
    Payment {
        transaction: "tx1".to_owned(),
        order_id: "demo1.inv.77.1".to_owned(),
        invoice: "77".to_owned(),
        number: "INV-77".to_owned(),
        customer: Some("cust1".to_owned()),
        client: Some(samples::company()),
        subscription: Some("zs1".to_owned()),
        subscription_record: Some("record1".to_owned()),
        payment: Some("zp1".to_owned()),
        captured: eur(10_000),
        captured_on: day("2024-10-03"),
        given_back: 0,
        giving_back: false,
    }
}
