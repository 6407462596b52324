//! What a mostly consistent world answers.

use crate::activation;
use crate::card_update;
use crate::deals;
use crate::dice::Dice;
use crate::disputed;
use crate::ending;
use crate::erasing;
use crate::handing_over;
use crate::imports;
use crate::native;
use crate::payouts;
use crate::plan;
use crate::profiles;
use crate::recurring;
use crate::samples::{self, day, eur};
use crate::tickets;
use crate::trial;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::answer::{
    Answer, AppliedTo, Client, CollectionOwner, CreditNote, Invoice, InvoiceLine, InvoiceLines,
    InvoicePayment as Payment, Method, Refund, Subscription, Survey, Transaction, TransactionStatus, ZohoPayment,
};
use sagas::kernel::catalog::{Catalog, Offering, OfferingKind, ShownCatalog, ShownOffering};
use sagas::kernel::effect::{Attio, Braintree, Desk, Effect, OnCredit, OnInvoice, OnPayment, Zoho};
use sagas::kernel::money::Money;

pub(crate) fn answer(effect: &Effect, dice: &mut Dice, now: DateTime<Utc>) -> Answer {
    if erasing::is(effect) {
        return erasing::answer(effect, dice);
    }
    if let Some(answer) = profiles::answer(effect, dice) {
        return answer;
    }
    let known = handing_over::answer(effect, dice).or_else(|| recurring::answer(effect, dice, now));
    let known = known.or_else(|| plan::answer(effect, dice, now));
    let known = known.or_else(|| card_update::answer(effect, dice));
    if let Some(answer) = known.or_else(|| activation::answer(effect, dice, now)) {
        return answer;
    }
    if let Some(answer) = payouts::answer(effect, dice) {
        return answer;
    }
    if let Some(answer) = disputed::answer(effect, dice) {
        return answer;
    }
    if let Some(answer) = trial::answer(effect, dice).or_else(|| imports::answer(effect, dice)) {
        return answer;
    }
    match effect {
        Effect::Zoho(Zoho::ReadInvoice { .. }) => Answer::Invoice(Box::new(invoice(dice, now))),
        Effect::Zoho(Zoho::ReadSubscription { .. }) => {
            let odd = dice.of(&["paused", "cancelled", "dunning", "new"]);
            let status = if dice.rarely() { odd } else { "live" };
            let auto_collect = dice.rarely();
            let read = samples::subscription("zs1", dice.of(&["demo1.sub.x.1", "other"]), status);
            Answer::Subscription(Box::new(Subscription { auto_collect, ..read }))
        }
        Effect::Zoho(Zoho::FindSubscriptionOfInvoice { .. }) => {
            Answer::SubscriptionOfInvoice { subscription: dice.of(&[None, Some("zs1".to_owned())]) }
        }
        Effect::Zoho(Zoho::RecordPayment { amount, reference, .. }) => {
            let amount = if dice.rarely() { dice.money() } else { *amount };
            let payment = format!("zp{}", dice.roll(1_000_000));
            let mode = "creditcard".to_owned();
            dice.payments.push(Payment { id: payment.clone(), reference: reference.clone(), mode, amount });
            Answer::Recorded { payment, amount }
        }
        Effect::Desk(Desk::SurveyInvoice { .. }) => Answer::Survey(Box::new(survey(dice))),
        Effect::Desk(Desk::WeighGiveBack { .. }) => Answer::Weighed { alone: dice.rarely() },
        Effect::Desk(Desk::SurveyEnding { zoho_subscription, .. }) => ending::survey(zoho_subscription, dice, now),
        Effect::Zoho(Zoho::Page(call)) => native::hosted(call, dice, now),
        Effect::Zoho(Zoho::Subscription(call)) => ending::subscription(call, dice),
        Effect::Desk(Desk::ReadSettings { .. }) => deals::settings(dice),
        Effect::Crm(call) => deals::answer(call, dice),
        Effect::Desk(Desk::CountCard { .. }) if dice.rarely() => {
            Answer::CardCapUntil { until: now + TimeDelta::hours(5) }
        }
        Effect::Braintree(Braintree::ReadCustomer { .. }) => Answer::Methods { methods: vec![card(dice)] },
        Effect::Braintree(Braintree::Sell { order_id, amount, .. }) => {
            let amount = if dice.rarely() { dice.money() } else { *amount };
            Answer::Transaction(Box::new(transaction(&format!("t-{order_id}"), order_id, amount, dice, now)))
        }
        Effect::Braintree(Braintree::ReadTransaction { transaction: id }) => {
            Answer::Transaction(Box::new(transaction(id, "o", eur(10_000), dice, now)))
        }
        Effect::Zoho(Zoho::Invoice(OnInvoice::ReadLines { .. })) => Answer::InvoiceLines(Box::new(InvoiceLines {
            invoice: samples::invoice(10_000, now),
            lines: vec![InvoiceLine { code: "pro-monthly".to_owned(), tax: None }],
        })),
        Effect::Zoho(Zoho::Payment(OnPayment::Read { .. } | OnPayment::Amend(_))) => {
            Answer::ZohoPayment(Box::new(ZohoPayment {
                id: "zp1".to_owned(),
                customer: "zc1".to_owned(),
                mode: "creditcard".to_owned(),
                amount: eur(dice.of(&[6_000, 6_000, 1])),
                date: day("2024-10-03"),
                reference: "tx1".to_owned(),
                invoices: vec![AppliedTo { invoice: "77".to_owned(), minor: 6_000 }],
            }))
        }
        Effect::Zoho(Zoho::Credit(OnCredit::Create(order))) => {
            let off = i64::from(dice.rarely());
            Answer::CreditNote(Box::new(note(&order.reference, eur(order.total.minor + off))))
        }
        Effect::Zoho(Zoho::Credit(OnCredit::Void { .. })) => Answer::CreditNote(Box::new(note("rf", eur(3_000)))),
        Effect::Zoho(Zoho::Credit(OnCredit::Refund { note, amount, .. })) => {
            Answer::CreditRefunded { refund: "zr1".to_owned(), note: note.clone(), amount: *amount }
        }
        Effect::Braintree(Braintree::Refund { order_id, transaction: sale, amount }) => {
            let made = transaction(&format!("t-{order_id}"), order_id, *amount, dice, now);
            Answer::Refund(Box::new(Refund {
                id: made.id,
                transaction: sale.clone(),
                order_id: made.order_id,
                amount: made.amount,
                status: made.status,
                created_at: now,
                soft_decline: None,
            }))
        }
        Effect::Attio(Attio::FindClient { .. }) => {
            Answer::Client(Box::new(Client { ambiguous: dice.rarely(), ..samples::client() }))
        }
        Effect::Zoho(Zoho::ReadCatalog) => {
            let offerings = (0..dice.roll(3)).map(|n| offering(n, dice.money())).collect();
            Answer::Catalog(Box::new(Catalog { organization: "60012".to_owned(), offerings, read_at: now }))
        }
        Effect::Attio(Attio::ReadCatalog) => {
            let records = (0..dice.roll(3)).map(|n| shown_offering(n, dice.money())).collect();
            Answer::ShownCatalog(Box::new(ShownCatalog { currency: eur(0).currency, records }))
        }
        Effect::Attio(_) => Answer::Projected { transaction_record: None, subscription_record: None },
        Effect::Helpdesk(call) => tickets::answer(call, dice),
        Effect::Zoho(_) | Effect::Braintree(_) | Effect::Desk(_) | Effect::Mail(_) | Effect::Practice(_) => {
            Answer::Nothing
        }
    }
}

fn note(reference: &str, total: Money) -> CreditNote {
    CreditNote {
        id: "cn1".to_owned(),
        number: "CN-1".to_owned(),
        customer: "zc1".to_owned(),
        reference: reference.to_owned(),
        status: "open".to_owned(),
        total,
        balance: total,
        applied_to: Vec::new(),
    }
}

pub(crate) fn invoice(dice: &mut Dice, now: DateTime<Utc>) -> Invoice {
    let paid: i64 = dice.payments.iter().map(|p| p.amount.minor).sum();
    let honest = Invoice {
        status: if paid >= 10_000 { "paid" } else { "sent" }.to_owned(),
        balance: eur(10_000 - paid),
        payments: dice.payments.clone(),
        date: day("2024-10-04"),
        ..samples::invoice(10_000, now)
    };
    if dice.roll(5) == 0 { odd(honest, dice) } else { honest }
}

/// What staff, customers and vendors do to an invoice, and what should never be.
fn odd(honest: Invoice, dice: &mut Dice) -> Invoice {
    let mut invoice = honest;
    match dice.roll(9) {
        0 => dice.of(&["overdue", "paid", "void", "draft", "new"]).clone_into(&mut invoice.status),
        1 => invoice.balance = dice.money(),
        2 => (invoice.total, invoice.balance) = (dice.money(), dice.money()),
        3 => invoice.credits = dice.money(),
        4 => invoice.written_off = dice.money(),
        5 => invoice.subscription = None,
        6 => invoice.payments.clear(),
        7 => invoice.due_date += TimeDelta::days(2),
        _ => {
            let mode = dice.of(&["check", "banktransfer", "autotransaction"]).to_owned();
            let amount = dice.money();
            invoice.payments.push(Payment { id: "other".to_owned(), reference: "cheque".to_owned(), mode, amount });
            invoice.balance.minor -= amount.minor;
        }
    }
    invoice
}

fn survey(dice: &mut Dice) -> Survey {
    let odd_owner = dice.of(&[Some(CollectionOwner::ZohoNative), None]);
    Survey {
        ambiguous: dice.rarely(),
        owner: if dice.rarely() { odd_owner } else { Some(CollectionOwner::Orchestrator) },
        one_off_consent: dice.rarely(),
        holds: if dice.rarely() { vec!["dispute".to_owned()] } else { Vec::new() },
        applied: Some(eur(if dice.rarely() { 10_000 } else { dice.applied })),
        unapplied: Some(eur(dice.unapplied)),
        owes_elsewhere: dice.rarely(),
        sale_switched_off: dice.rarely(),
        ..samples::survey()
    }
}

pub(crate) fn card(dice: &mut Dice) -> Method {
    Method {
        expired: dice.rarely(),
        card: format!("card{}", dice.roll(4)),
        has_live_subscription: dice.rarely(),
        ..samples::method("m1")
    }
}

fn transaction(id: &str, order_id: &str, amount: Money, dice: &mut Dice, now: DateTime<Utc>) -> Transaction {
    use TransactionStatus as T;
    let odd = dice.of(&[T::Voided, T::SettlementDeclined, T::Failed]);
    let usual = dice.of(&[T::SubmittedForSettlement, T::Settling, T::Settled]);
    let status = if dice.roll(12) == 0 { odd } else { usual };
    Transaction { status, ..samples::transaction(id, order_id, amount, now) }
}

/// A plan of that number as Zoho lists it.
fn offering(n: u64, price: Money) -> Offering {
    let code = format!("plan-{n}");
    Offering {
        external_id: OfferingKind::Plan.external_id("60012", &code),
        kind: OfferingKind::Plan,
        name: code.clone(),
        code,
        price: Some(price),
        price_text: format!("{price} every month"),
        interval: "1 month".to_owned(),
        active: true,
    }
}

/// The record of such a plan in Attio; its name was edited.
fn shown_offering(n: u64, price: Money) -> ShownOffering {
    let offering = offering(n, price);
    ShownOffering {
        record: format!("r-{n}"),
        external_id: Some(offering.external_id),
        kind: Some("plan".to_owned()),
        code: Some(offering.code),
        name: Some("edited".to_owned()),
        price: offering.price,
        price_text: Some(offering.price_text),
        interval: Some(offering.interval),
        status: Some("Available".to_owned()),
        edited: vec!["name".to_owned()],
        touched_at: None,
        press: None,
    }
}
