//! A walk's world for the subscription activation.

use crate::answers::{card, invoice};
use crate::dice::Dice;
use chrono::{DateTime, TimeDelta, Utc};
use iso_currency::Currency;
use sagas::kernel::answer::{
    Answer, CardSeen, Enrolment, Request, Subscription, Transaction, TransactionStatus, ZohoCustomer,
};
use sagas::kernel::effect::{Attio, AttioRecord, Braintree, Desk, Effect, SubscriptionOrder, Zoho};
use sagas::kernel::ids::Installation;
use sagas::kernel::money::Money;
use sagas::kernel::offer::{Offer, PlanOffer, Tax, TermUnit};
use sagas::subscription_activation::{Act, Command, Consent, PageStage, Paying, State, Terms, page};
use uuid::Uuid;

/// When every walk begins.
pub(crate) fn began() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
}

pub(crate) fn start() -> Command {
    pressed(Act::Start, began())
}

fn pressed(act: Act, pressed_at: DateTime<Utc>) -> Command {
    Command::Pressed {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        record: "record1".to_owned(),
        act,
        pressed_at,
        terms: Box::new(Terms {
            highest_tax_ppm: 270_000,
            link_days: 7,
            reminder_day: 3,
            consent_version: "1".to_owned(),
            declines_before_lock: 3,
            lock_minutes: 60,
            hold_hours: 24,
            currencies: vec!["EUR".to_owned()],
        }),
        ordered: false,
    }
}

/// Mostly what a customer at the page would send.
pub(crate) fn command(state: &State, dice: &mut Dice, now: DateTime<Utc>) -> Command {
    let shown = page(state, now);
    let reason = "walk".to_owned();
    match dice.roll(10) {
        0 => pressed(dice.of(&[Act::Quote, Act::Start, Act::ResendLink, Act::Retry, Act::CancelNow]), now),
        1 => Command::Opened { link: shown.link },
        2 if dice.rarely() => Command::CancelOrdered { reason },
        3..6 => Command::InvoiceRecorded {
            invoice: "77".to_owned(),
            number: "INV-77".to_owned(),
            payment: "zp1".to_owned(),
            next_billing_on: None,
        },
        _ => {
            let quote_hash = match shown.stage {
                PageStage::Quoted { quote, .. } | PageStage::NeedsAuthentication { quote, .. } => quote.hash,
                _ => "none".to_owned(),
            };
            let with = if dice.roll(3) == 0 {
                Paying::Stored { token: "m1".to_owned() }
            } else {
                Paying::New { input: Uuid::from_u128(u128::from(dice.roll(1_000))) }
            };
            let consent = Consent { version: "1".to_owned(), at: now, evidence: None };
            Command::Submitted { link: shown.link, quote_hash, consent, with }
        }
    }
}

/// The answers to calls that only this flow makes.
pub(crate) fn answer(effect: &Effect, dice: &mut Dice, now: DateTime<Utc>) -> Option<Answer> {
    Some(match effect {
        Effect::Attio(Attio::ReadRequest { .. }) => Answer::Request(Box::new(request())),
        Effect::Attio(Attio::ReadPerson { .. }) => Answer::PersonRead { missing: Vec::new(), country: None },
        Effect::Desk(Desk::Enrol { .. }) => Answer::Enrolled(Box::new(Enrolment {
            customer: "cust1".to_owned(),
            zoho_customer: dice.of(&[None, Some("zc1".to_owned())]),
            braintree_customer: dice.of(&[None, Some("c-cust1".to_owned())]),
        })),
        Effect::Zoho(call) => zoho(call, dice, now)?,
        Effect::Braintree(call) => braintree(call, dice, now)?,
        Effect::Attio(_) | Effect::Desk(_) | Effect::Mail(_) | Effect::Practice(_) => return None,
    })
}

fn zoho(call: &Zoho, dice: &mut Dice, now: DateTime<Utc>) -> Option<Answer> {
    Some(match call {
        Zoho::ReadOffer { .. } => Answer::Offer(Box::new(offer(dice, now))),
        Zoho::ReadCustomer { .. } | Zoho::CreateCustomer { .. } => Answer::ZohoCustomer(Box::new(ZohoCustomer {
            id: "zc1".to_owned(),
            currency: "EUR".to_owned(),
            active: true,
            our_customer: None,
            unused_credit: None,
        })),
        Zoho::ListSubscriptions { reference, .. } => {
            let mut all: Vec<_> = reference.iter().map(|r| subscription("zs1", r, "live")).collect();
            if dice.rarely() {
                all.push(subscription("zs2", reference.as_deref().unwrap_or("other"), "live"));
            }
            if dice.rarely() {
                all.clear();
            }
            Answer::Subscriptions { subscriptions: all }
        }
        Zoho::CreateSubscription(order) => {
            let SubscriptionOrder { reference, .. } = &**order;
            let odd = dice.of(&["trial", "future", "creation_failed"]);
            let status = if dice.rarely() { odd } else { "live" };
            Answer::Subscription(Box::new(subscription("zs1", reference, status)))
        }
        Zoho::ReadFirstInvoice { .. } => {
            let invoice = (!dice.rarely()).then(|| Box::new(invoice(dice, now)));
            Answer::FirstInvoice { invoice }
        }
        _ => return None,
    })
}

fn braintree(call: &Braintree, dice: &mut Dice, now: DateTime<Utc>) -> Option<Answer> {
    Some(match call {
        Braintree::Authorise { order_id, amount, .. } => {
            use TransactionStatus as T;
            let odd = dice.of(&[T::Voided, T::Authorizing, T::SubmittedForSettlement]);
            let status = if dice.rarely() { odd } else { T::Authorized };
            let amount = if dice.rarely() { dice.money() } else { *amount };
            let seen = CardSeen {
                brand: "Visa".to_owned(),
                last_four: "1111".to_owned(),
                number: dice.of(&[None, Some("card1".to_owned())]),
            };
            let held = transaction(&format!("t-{order_id}"), order_id, amount, status, now);
            Answer::Transaction(Box::new(Transaction { card: Some(seen), ..held }))
        }
        Braintree::Submit { transaction: id, amount } => {
            use TransactionStatus as T;
            let status = if dice.rarely() { dice.of(&[T::Voided, T::Authorized]) } else { T::SubmittedForSettlement };
            let amount = if dice.rarely() { dice.money() } else { *amount };
            Answer::Transaction(Box::new(transaction(id, "o", amount, status, now)))
        }
        Braintree::Vault { .. } => Answer::Vaulted(Box::new(card(dice))),
        _ => return None,
    })
}

fn request() -> Request {
    Request {
        client: Some(AttioRecord { object: "companies".to_owned(), id: "company1".to_owned() }),
        plan: Some("pro".to_owned()),
        addons: Vec::new(),
        quantity: None,
        coupon: None,
        starts_on: None,
        trial_days: None,
        owner: None,
        act: Some(Act::Start.title().to_owned()),
        pressed_at: Some(began()),
        external_id: None,
        zoho_subscription: None,
        problems: Vec::new(),
    }
}

fn offer(dice: &mut Dice, now: DateTime<Utc>) -> Offer {
    Offer {
        plan: PlanOffer {
            code: "pro".to_owned(),
            name: "Pro".to_owned(),
            product: "prod1".to_owned(),
            active: !dice.rarely(),
            price: Money::new(10_000, Currency::EUR),
            setup_fee: Money::zero(Currency::EUR),
            interval: 1,
            unit: TermUnit::Months,
            trial_days: if dice.rarely() { 14 } else { 0 },
            tax: Tax::Rate { ppm: 0 },
        },
        addons: Vec::new(),
        coupon: None,
        read_at: now,
    }
}

fn subscription(id: &str, reference: &str, status: &str) -> Subscription {
    Subscription {
        id: id.to_owned(),
        customer: "zc1".to_owned(),
        status: status.to_owned(),
        auto_collect: false,
        currency: "EUR".to_owned(),
        reference: reference.to_owned(),
        plan: Some("pro".to_owned()),
        product: None,
        amount: None,
        next_billing_on: None,
    }
}

fn transaction(id: &str, order_id: &str, amount: Money, status: TransactionStatus, now: DateTime<Utc>) -> Transaction {
    Transaction {
        id: id.to_owned(),
        status,
        amount,
        order_id: order_id.to_owned(),
        customer: None,
        token: None,
        created_at: now,
        merchant_account: "eur".to_owned(),
        held: None,
        hold_expires_at: None,
        card: None,
    }
}
