//! A walk's world for the subscription activation.

use crate::answers::invoice;
use crate::dice::Dice;
use crate::samples::{self, instant};
use chrono::{DateTime, Utc};
use sagas::kernel::answer::{Answer, CardSeen, Enrolment, Request, Transaction, TransactionStatus, ZohoCustomer};
use sagas::kernel::effect::{Attio, Braintree, Desk, Effect, SubscriptionOrder, Zoho};
use sagas::kernel::ids::Installation;
use sagas::kernel::offer::{Offer, PlanOffer, Tax};
use sagas::subscription_activation::{Act, Command, Consent, PageStage, Paying, State, Terms, page};
use uuid::Uuid;

/// When every walk begins.
pub(crate) fn began() -> DateTime<Utc> {
    instant("2024-10-04T00:00:00Z")
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
            deal_at_link: false,
            collected_by: sagas::kernel::answer::CollectionOwner::Orchestrator,
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
                let authenticated = dice.rarely().then(|| Uuid::from_u128(u128::from(dice.roll(1_000))));
                Paying::Stored { token: "m1".to_owned(), authenticated }
            } else {
                let input = Uuid::from_u128(u128::from(dice.roll(1_000)));
                Paying::New { input, authenticated: dice.rarely() }
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
            zoho_customer: dice.of(&[None, Some("zc1".to_owned())]),
            braintree_customer: dice.of(&[None, Some("c-cust1".to_owned())]),
            ..samples::enrolment()
        })),
        Effect::Zoho(call) => zoho(call, dice, now)?,
        Effect::Braintree(call) => braintree(call, dice, now)?,
        Effect::Attio(_)
        | Effect::Crm(_)
        | Effect::Helpdesk(_)
        | Effect::Desk(_)
        | Effect::Mail(_)
        | Effect::Practice(_) => return None,
    })
}

fn zoho(call: &Zoho, dice: &mut Dice, now: DateTime<Utc>) -> Option<Answer> {
    Some(match call {
        Zoho::ReadOffer { .. } => Answer::Offer(Box::new(offer(dice, now))),
        Zoho::ReadCustomer { .. } | Zoho::CreateCustomer { .. } => {
            Answer::ZohoCustomer(Box::new(samples::zoho_customer()))
        }
        Zoho::FindRetiredCustomers { .. } => {
            let found = dice.of(&[0, 0, 1, 2]);
            let retired = |n| ZohoCustomer { id: format!("zc{n}"), active: false, ..samples::zoho_customer() };
            Answer::ZohoCustomers { customers: (0..found).map(retired).collect() }
        }
        Zoho::ListSubscriptions { reference, .. } => {
            let mut all: Vec<_> = reference.iter().map(|r| samples::subscription("zs1", r, "live")).collect();
            if dice.rarely() {
                all.push(samples::subscription("zs2", reference.as_deref().unwrap_or("other"), "live"));
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
            Answer::Subscription(Box::new(samples::subscription("zs1", reference, status)))
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
            let held = samples::transaction(&format!("t-{order_id}"), order_id, amount, now);
            Answer::Transaction(Box::new(Transaction { status, card: Some(seen), ..held }))
        }
        Braintree::Submit { transaction: id, amount } => {
            use TransactionStatus as T;
            let status = if dice.rarely() { dice.of(&[T::Voided, T::Authorized]) } else { T::SubmittedForSettlement };
            let amount = if dice.rarely() { dice.money() } else { *amount };
            Answer::Transaction(Box::new(Transaction { status, ..samples::transaction(id, "o", amount, now) }))
        }
        Braintree::FindTransactions { order_id } => {
            let status =
                dice.of(&[TransactionStatus::Authorized, TransactionStatus::Voided, TransactionStatus::Settled]);
            let late = samples::transaction(&format!("late-{order_id}"), order_id, dice.money(), now);
            let hits = usize::from(dice.roll(4) == 0);
            Answer::Transactions { transactions: vec![Transaction { status, ..late }; hits] }
        }
        _ => return None,
    })
}

fn request() -> Request {
    let act = Some(Act::Start.title().to_owned());
    Request { act, pressed_at: Some(began()), ..samples::request() }
}

fn offer(dice: &mut Dice, now: DateTime<Utc>) -> Offer {
    let usual = samples::offer(now);
    let plan = PlanOffer {
        active: !dice.rarely(),
        trial_days: if dice.rarely() { 14 } else { 0 },
        tax: Tax::Rate { ppm: 0 },
        ..usual.plan
    };
    Offer { plan, ..usual }
}
