//! A walk's world for the plan change.

use crate::dice::Dice;
use crate::samples;
use chrono::{DateTime, Utc};
use sagas::kernel::answer::{Answer, SubscriptionTerms};
use sagas::kernel::effect::{Effect, OnSubscription, PressedAct, TermsOrder, Zoho};
use sagas::kernel::ids::Installation;
use sagas::kernel::offer::{Offer, PlanOffer, Tax};
use sagas::plan_change::{Ask, Basis, Command, Consent, Of, Press, State, Terms, Wanted, view};

fn of() -> Of {
    Of {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        subscription: "zs1".to_owned(),
    }
}

pub(crate) fn start() -> Command {
    asked(Some(wanted("max-monthly")), None)
}

fn wanted(plan: &str) -> Wanted {
    Wanted { plan: plan.to_owned(), quantity: 1, addons: Vec::new(), coupon: None }
}

fn asked(wanted: Option<Wanted>, pressed_at: Option<DateTime<Utc>>) -> Command {
    let act = |pressed_at| PressedAct { act: "Change plan".to_owned(), pressed_at };
    let press = pressed_at.map(|at| Press { record: "as1".to_owned(), act: act(at) });
    let ask = Ask { key: "walk".to_owned(), wanted, at_end: None, by: "token:walk".to_owned(), press };
    let terms = Terms {
        highest_tax_ppm: 270_000,
        currencies: vec!["EUR".to_owned()],
        consent_version: "1".to_owned(),
        preview_minutes: 15,
        patience_days: 7,
        declines_at_most: 3,
        hold_hours: 24,
    };
    Command::Requested { of: of(), ask: Box::new(ask), terms: Box::new(terms) }
}

/// Mostly what a customer would say.
pub(crate) fn command(state: &State, dice: &mut Dice, now: DateTime<Utc>) -> Command {
    match dice.roll(10) {
        0 => asked(None, Some(now)),
        1 if dice.rarely() => Command::CancelOrdered { reason: "walk".to_owned() },
        2 => Command::Noticed { of: of() },
        3 | 4 => Command::InvoiceRecorded {
            invoice: "78".to_owned(),
            number: "INV-78".to_owned(),
            payment: "zp1".to_owned(),
            next_billing_on: None,
        },
        _ => {
            let seen = view(state);
            let demanded = seen.demand.as_ref().map(|demand| demand.hash.clone());
            let hash = demanded.or_else(|| seen.preview.map(|preview| preview.hash.clone())).unwrap_or_default();
            let consent = Consent { version: "1".to_owned(), at: now, evidence: None };
            let contract = Basis::Contract { reference: "walk".to_owned() };
            let basis = if dice.rarely() { contract } else { Basis::Customer };
            Command::Accepted { hash, consent, basis, by: "token:walk".to_owned() }
        }
    }
}

/// The answers to calls that only this flow makes, and what a dearer plan costs.
pub(crate) fn answer(effect: &Effect, dice: &mut Dice, now: DateTime<Utc>) -> Option<Answer> {
    Some(match effect {
        Effect::Zoho(Zoho::ReadOffer { plan, .. }) if plan == "max-monthly" => {
            let usual = samples::offer(now);
            let (code, price, tax) =
                (plan.clone(), samples::eur(dice.of(&[25_000, 25_000, 19_000])), Tax::Rate { ppm: 0 });
            Answer::Offer(Box::new(Offer { plan: PlanOffer { code, price, tax, ..usual.plan }, ..usual }))
        }
        Effect::Zoho(Zoho::Subscription(OnSubscription::Change(order))) => changed(order, dice),
        _ => return None,
    })
}

fn changed(order: &TermsOrder, dice: &mut Dice) -> Answer {
    let mut terms: SubscriptionTerms = samples::terms("live");
    terms.changed_at = Some("t2".to_owned());
    let mut sold = terms.sold.clone();
    sold.plan.clone_from(&order.plan);
    if order.at_end {
        terms.scheduled = Some(sold);
    } else {
        terms.sold = sold;
        // Sometimes none was raised yet, sometimes another was.
        terms.newest_invoice = Some(dice.of(&["78", "78", "78", "77"]).to_owned());
    }
    Answer::Terms(Box::new(terms))
}
