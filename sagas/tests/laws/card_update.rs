//! A walk's world for the update of a payment method.

use crate::activation::began;
use crate::answers::card;
use crate::dice::Dice;
use crate::samples::{self, company, eur, instant};
use chrono::{DateTime, Utc};
use sagas::kernel::answer::{
    Answer, CardUses, CollectionOwner, CustomerSurvey, Method, MethodInUse, Owing, Recurring, RecurringStatus,
    SubscriptionSurvey,
};
use sagas::kernel::effect::{Braintree, Desk, Effect, RecurringChange, SubscriptionKey};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::payment_method_update::{Command, Consent, PageStage, State, Terms, Tried, page};
use uuid::Uuid;

pub(crate) fn start() -> Command {
    requested(began())
}

fn requested(requested_at: DateTime<Utc>) -> Command {
    Command::Requested {
        installation: Installation::new("demo1").expect("valid"),
        subscription: SubscriptionKey::Attio { record: "record1".to_owned() },
        requested_at,
        pressed: true,
        terms: Box::new(Terms {
            link_days: 7,
            consent_version: "1".to_owned(),
            declines_before_lock: 3,
            lock_minutes: 60,
            keep_days: 7,
        }),
    }
}

/// Mostly what a customer at the page would send.
pub(crate) fn command(state: &State, dice: &mut Dice, now: DateTime<Utc>) -> Command {
    let shown = page(state, now);
    match dice.roll(10) {
        0 => requested(now),
        1 => Command::Opened { link: shown.link },
        2 if dice.rarely() => Command::CancelOrdered { reason: "walk".to_owned() },
        _ if matches!(shown.stage, PageStage::AtZoho { .. }) => {
            let link = shown.link;
            if dice.roll(2) == 0 { Command::PageAsked { link } } else { Command::Returned { link } }
        }
        3..6 => Command::InvoiceTried {
            invoice: owing(dice.roll(2)).saga,
            outcome: dice.of(&[Tried::Paid, Tried::Declined, Tried::HardDeclined, Tried::Waiting]),
        },
        _ => Command::Submitted {
            link: shown.link,
            offer_hash: shown.offer.map_or_else(|| "none".to_owned(), |offer| offer.hash),
            consent: Consent { version: "1".to_owned(), at: now, evidence: None },
            input: Uuid::from_u128(u128::from(dice.roll(1_000))),
            authenticated: dice.rarely(),
        },
    }
}

fn owing(n: u64) -> Owing {
    let saga = SagaId::derived("invoice", &[&n.to_string()]);
    Owing { saga, number: format!("INV-{n}"), owed: eur(5_000) }
}

/// The answers to calls that this flow makes otherwise than others.
pub(crate) fn answer(effect: &Effect, dice: &mut Dice) -> Option<Answer> {
    Some(match effect {
        Effect::Desk(Desk::SurveySubscription { .. }) => Answer::SubscriptionSurvey(Box::new(SubscriptionSurvey {
            subscription: if dice.rarely() { None } else { Some("sub_1".to_owned()) },
            zoho_subscription: Some("zs1".to_owned()),
            attio_record: Some("record1".to_owned()),
            owner: if dice.rarely() {
                dice.of(&[None, Some(CollectionOwner::ZohoNative)])
            } else {
                dice.of(&[Some(CollectionOwner::Orchestrator), Some(CollectionOwner::BraintreeRecurring)])
            },
            owner_from: None,
            claimed_by: None,
            customer: Some("cust1".to_owned()),
        })),
        Effect::Desk(Desk::SurveyCustomer { .. }) => Answer::CustomerSurvey(Box::new(CustomerSurvey {
            customer: Some("cust1".to_owned()),
            braintree_customer: if dice.rarely() { None } else { Some("c-cust1".to_owned()) },
            attio_client: dice.of(&[None, Some(company())]),
        })),
        Effect::Desk(Desk::SurveyCardUses { subscriptions, .. }) => Answer::CardUses(Box::new(CardUses {
            owing: (0..dice.roll(3)).map(owing).collect(),
            charging: (dice.roll(6) == 0).then(|| SagaId::derived("other", &["1"])),
            zoho_subscriptions: subscriptions.iter().map(|ours| format!("zoho-{ours}")).collect(),
        })),
        Effect::Braintree(call) => braintree(call, dice)?,
        Effect::Desk(_)
        | Effect::Zoho(_)
        | Effect::Crm(_)
        | Effect::Helpdesk(_)
        | Effect::Attio(_)
        | Effect::Mail(_)
        | Effect::Practice(_) => return None,
    })
}

fn braintree(call: &Braintree, dice: &mut Dice) -> Option<Answer> {
    Some(match call {
        Braintree::ReadMethod { token } => Answer::MethodInUse(Box::new(MethodInUse {
            method: Method { token: token.clone(), default: dice.rarely(), ..card(dice) },
            customer: "c-cust1".to_owned(),
            subscriptions: (0..dice.roll(3)).map(|n| format!("s-sub{n}")).collect(),
        })),
        Braintree::Vault { token, .. } => {
            Answer::Vaulted(Box::new(Method { token: token.clone(), default: false, ..card(dice) }))
        }
        // Mostly moved.
        Braintree::ReadSubscription { subscription } => {
            let token = if dice.roll(4) == 0 { "m1".to_owned() } else { dice.moved_to.clone() };
            recurring(subscription, &token)
        }
        Braintree::UpdateSubscription { subscription, change: RecurringChange::Method { token } } => {
            dice.moved_to.clone_from(token);
            recurring(subscription, token)
        }
        _ => return None,
    })
}

fn recurring(subscription: &str, token: &str) -> Answer {
    Answer::Recurring(Box::new(Recurring {
        id: subscription.to_owned(),
        status: RecurringStatus::Active,
        plan: "pro".to_owned(),
        token: token.to_owned(),
        price: eur(5_000),
        balance: None,
        current_cycle: None,
        ends_after: None,
        next_charge_on: Some(instant("2024-11-04T00:00:00Z").date_naive()),
        paid_through: None,
        failures: 0,
        transactions: vec![samples::transaction("t1", "o1", eur(5_000), began())],
    }))
}
