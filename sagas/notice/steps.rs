//! What is wanted now. Computed from the state.

use super::state::{Cancel, Stage, State};
use super::words::{Item, Notice, Rest};
use crate::kernel::card_request::CardRequest;
use crate::kernel::effect::{
    ActionNeeded, Attio, Braintree, CardCause, CheckoutLink, ComingCharge, Desk, Effect, Letter, LetterFacts, Mail,
    Message, OnSubscription, SubscriptionKey, Zoho,
};
use crate::kernel::ids::SagaId;
use crate::kernel::saga::{End, Pending};
use crate::kernel::telling::Due;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;

/// The flow that ends subscriptions, and the one that takes another card. Named, not imported: what they are told is their
/// own command in words.
const ENDS: &str = "cancellation";
const TAKES_CARDS: &str = "payment_method_update";

pub(super) fn pending(state: &State) -> Pending {
    let telling = || Some(told(state)?.giving_way_to(&at_rest(state)));
    ending(state).or_else(|| work(state)).or_else(telling).unwrap_or_else(|| at_rest(state))
}

fn perform(state: &State, step: &'static str, effect: Effect) -> Pending {
    Pending::perform(step, state.calls + 1, effect)
}

fn tell(message: Message) -> Effect {
    Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() })
}

/// The customer wants it to end: whatever else is to be told.
fn ending(state: &State) -> Option<Pending> {
    if state.cancel != Cancel::Asked {
        return None;
    }
    let (of, saga) = (state.of.as_ref()?, state.saga()?);
    let message = Message {
        to: SagaId::derived(ENDS, &[&of.organization, &of.subscription]),
        flow: ENDS.to_owned(),
        kind: "notice.cancel_at_end".to_owned(),
        command: json!({
            "command": "ordered",
            "of": of,
            "order": {
                "wish": "cancel_at_end",
                "choice": {"open_invoices": null, "give_back": null},
                "reason": "cancelled by the customer on the page of a notice",
                "by": "customer",
                "press": null,
            },
        }),
        key: format!("{saga}:cancel"),
    };
    Some(perform(state, "tell_ending", tell(message)))
}

/// The next call of a look, or the letter that follows from it.
fn work(state: &State) -> Option<Pending> {
    let subscription = state.of.as_ref()?.subscription.clone();
    let facts = &state.facts;
    let (step, effect) = match state.stage {
        Stage::Surveying => {
            let by = SubscriptionKey::Zoho { subscription };
            ("survey", Effect::Desk(Desk::SurveySubscription { by }))
        }
        Stage::Reading => ("read_terms", Effect::Zoho(Zoho::Subscription(OnSubscription::ReadTerms { subscription }))),
        Stage::Listing => {
            ("list_invoices", Effect::Zoho(Zoho::Subscription(OnSubscription::ListInvoices { subscription })))
        }
        Stage::Customer => {
            let zoho_customer = facts.terms.as_ref()?.customer.clone();
            ("survey_customer", Effect::Desk(Desk::SurveyCustomer { zoho_customer }))
        }
        Stage::Card => {
            let customer = facts.braintree_customer.clone()?;
            ("read_card", Effect::Braintree(Braintree::ReadCustomer { customer }))
        }
        Stage::Person { .. } => {
            let (client, customer) = (facts.client.clone()?, facts.customer.clone()?);
            ("read_person", Effect::Attio(Attio::ReadPerson { client, customer }))
        }
        Stage::Letter { item } => match item.notice {
            Notice::CardExpires | Notice::CardExpiresSoon => ("ask_card", tell(card_request(state, item)?)),
            Notice::TrialEnds | Notice::Renews | Notice::PriceChanges => {
                ("letter", Effect::Mail(Mail::Send(Box::new(letter(state, item)?))))
            }
        },
        Stage::New | Stage::Deciding | Stage::Resting { .. } | Stage::Over { .. } => return None,
    };
    Some(perform(state, step, effect))
}

/// The flow that takes another card writes the letter, with the link to its own page.
fn card_request(state: &State, item: Item) -> Option<Message> {
    let (of, saga) = (state.of.as_ref()?, state.saga()?);
    let card = state.facts.card.as_ref()?;
    let request = CardRequest {
        flow: TAKES_CARDS,
        installation: &of.installation,
        subscription: &of.subscription,
        // One request a notice and period: made from them, it is the same however often it is asked.
        requested_at: day_of(item),
        terms: &state.settings.as_ref()?.card_link,
        cause: &CardCause::Expires {
            card: (card.brand.clone(), card.last_four.clone()),
            good_through: card.good_through,
            charge_on: item.charge_on,
        },
        key: format!("{saga}:{}:{}", item.notice.as_str(), item.charge_on),
    };
    Some(request.message())
}

/// An instant that only this notice of this period has.
fn day_of(item: Item) -> DateTime<Utc> {
    let at = item.charge_on - super::rules::days(item.notice);
    at.and_time(chrono::NaiveTime::MIN).and_utc()
}

fn letter(state: &State, item: Item) -> Option<Letter> {
    let (of, saga) = (state.of.as_ref()?, state.saga()?);
    let terms = state.facts.terms.as_ref()?;
    let charge = ComingCharge {
        title: terms.name.clone().unwrap_or_else(|| terms.sold.plan.clone()),
        amount: state.amount(item)?,
        on: charged_on(state, item),
    };
    let about = match (item.notice, state.facts.price) {
        (Notice::TrialEnds, _) => LetterFacts::TrialEnds(charge),
        (Notice::PriceChanges, Some(price)) => LetterFacts::PriceChanges { charge, before: price.from },
        _ => LetterFacts::Renews(charge),
    };
    Some(Letter {
        customer: state.facts.customer.clone()?,
        // One letter of a notice and period: the same one has the same reference for ever.
        reference: format!(
            "{}.notice.{}.{}.{}",
            of.installation.as_str(),
            saga.0.simple(),
            item.notice.as_str(),
            item.charge_on
        ),
        about,
        link: Some(CheckoutLink { saga, number: state.letters + 1 }),
    })
}

/// The day of the charge: as Zoho says, or the day from which it is not held back any more.
fn charged_on(state: &State, item: Item) -> NaiveDate {
    state.hold_until.map_or(item.charge_on, |until| until.date_naive().max(item.charge_on))
}

/// What people are told, once nobody waits for the next call.
fn told(state: &State) -> Option<Pending> {
    let (record, saga) = (state.record()?, state.saga()?);
    state.people.due().find_map(|due| {
        Some(match due {
            Due::Record { face, version, n } => {
                let action = ActionNeeded { record: record.to_owned(), sentence: face.clone(), version };
                Pending::perform("show", n, Effect::Attio(Attio::AskAction(Box::new(action))))
            }
            Due::Task { task, n } => {
                Pending::perform("task", n, Effect::Attio(Attio::AddTask(Box::new(task.note(saga, record, None)))))
            }
            Due::Letter { .. } => return None,
        })
    })
}

fn at_rest(state: &State) -> Pending {
    let tried_again = state.people.next_try();
    let (why, until) = match state.stage {
        Stage::Resting { until } => ("the next charge comes nearer", until),
        Stage::Over { why } => match tried_again {
            Some(until) => ("Attio refuses what it is told for now", until),
            None => return Pending::Ended(end(why)),
        },
        Stage::New => return Pending::Ended(End::GivenUp),
        // A letter that lacks a fact: met in no history of this release.
        _ => ("the next decision", DateTime::UNIX_EPOCH),
    };
    let until = [tried_again, state.hold_until].into_iter().flatten().fold(until, DateTime::min);
    Pending::Sleep { why, until }
}

const fn end(why: Rest) -> End {
    match why {
        Rest::NotOurs | Rest::ZohoTells => End::Mirrored,
        Rest::Ended => End::Completed,
    }
}
