//! A flow for tests with a step of every kind: a customer under a chosen id, a sale found by its order id, its record, a
//! note that only tells. It waits before the sale, and can park.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use iso_currency::Currency;
use sagas::kernel::answer::{Answer, Transaction, TransactionStatus};
use sagas::kernel::effect::{Braintree, Effect, Mail, Practice, PracticeScript, Zoho};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::Outcome;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::{At, BusinessEvent, End, Facts, Input, Pending, Refusal, Saga, Summary};
use sagas::kernel::step::{Class, StepSpec, Undo};
use serde::{Deserialize, Serialize};

pub(crate) struct Shop;

pub(crate) const ORDER: &str = "demo1.inv.7.1";
const EUR: Currency = Currency::EUR;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Told {
    Start,
    Park,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Happened {
    Started { until: DateTime<Utc> },
    Waited,
    Held,
    Released,
    Done { step: String },
    CalledOff,
    Undone,
}

impl BusinessEvent for Happened {
    fn name(&self) -> &'static str {
        "Happened"
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    until: Option<DateTime<Utc>>,
    waited: bool,
    held: bool,
    done: Vec<String>,
    called_off: bool,
    undone: bool,
}

pub(crate) fn sale() -> Effect {
    Effect::Braintree(Braintree::Sell {
        order_id: ORDER.to_owned(),
        customer: "c-1".to_owned(),
        token: "m-1".to_owned(),
        amount: Money::new(4_900, EUR),
        recurring: true,
        details: None,
    })
}

/// What Braintree shows of the sale.
pub(crate) fn sold(id: &str) -> Answer {
    Answer::Transaction(Box::new(Transaction {
        id: id.to_owned(),
        status: TransactionStatus::SubmittedForSettlement,
        amount: Money::new(4_900, EUR),
        order_id: ORDER.to_owned(),
        customer: Some("c-1".to_owned()),
        token: None,
        created_at: DateTime::UNIX_EPOCH,
        merchant_account: "eur".to_owned(),
        held: None,
        hold_expires_at: None,
        card: None,
        authentication: None,
    }))
}

fn record() -> Effect {
    Effect::Zoho(Zoho::RecordPayment {
        customer: "zc1".to_owned(),
        invoice: "7".to_owned(),
        amount: Money::new(4_900, EUR),
        reference: "t1".to_owned(),
        date: NaiveDate::default(),
        since: DateTime::UNIX_EPOCH,
    })
}

fn note() -> Effect {
    Effect::Practice(Practice::Note { id: "n1".to_owned(), script: PracticeScript::Works })
}

impl Saga for Shop {
    const NAME: &'static str = "shop";
    const VERSION: u32 = 1;
    const PURPOSE: &'static str = "a test";
    const STEPS: &'static [StepSpec] = &[
        StepSpec { name: "customer", class: Class::Compensatable, undo: Undo::Effect, records: &[] },
        StepSpec { name: "sell", class: Class::Pivot, undo: Undo::None("pivot"), records: &[] },
        StepSpec { name: "record", class: Class::Retriable, undo: Undo::None("after the pivot"), records: &[] },
        StepSpec { name: "note", class: Class::Retriable, undo: Undo::None("after the pivot"), records: &[] },
    ];
    type State = State;
    type Command = Told;
    type Event = Happened;

    fn decide(state: &State, input: Input<'_, Told>, at: &At) -> Result<Vec<Happened>, Refusal> {
        Ok(match input {
            Input::Command(Told::Start) => vec![Happened::Started { until: at.now + TimeDelta::hours(1) }],
            Input::Command(Told::Park) => vec![Happened::Held],
            Input::Answered(answered) => match (answered.step, answered.outcome) {
                // The record is understood only with Zoho's id of it.
                ("record", Outcome::Done { answer: Answer::Recorded { .. } })
                | ("customer" | "sell" | "note", Outcome::Done { .. }) => {
                    vec![Happened::Done { step: answered.step.to_owned() }]
                }
                _ => Vec::new(),
            },
            Input::Due if state.until.is_some_and(|until| until <= at.now) => vec![Happened::Waited],
            Input::Due | Input::Superseded { .. } => Vec::new(),
            Input::Unwound { .. } => vec![Happened::Undone],
            Input::Resumed => vec![Happened::Released],
        })
    }

    fn evolve(state: &mut State, event: &Happened) {
        match event {
            Happened::Started { until } => state.until = Some(*until),
            Happened::Waited => state.waited = true,
            Happened::Held => state.held = true,
            Happened::Released => state.held = false,
            Happened::Done { step } => state.done.push(step.clone()),
            Happened::CalledOff => state.called_off = true,
            Happened::Undone => state.undone = true,
        }
    }

    fn pending(state: &State) -> Pending {
        let Some(until) = state.until else { return Pending::Ended(End::GivenUp) };
        if state.undone {
            return Pending::Ended(End::Compensated);
        }
        if state.called_off {
            return Pending::Unwind { reason: "called off".to_owned() };
        }
        if state.held {
            return Pending::Park { code: ParkCode::MoneyDecision, detail: "decide".to_owned() };
        }
        let done = |step: &str| state.done.iter().any(|s| s == step);
        let next = |step, effect| Pending::Perform { step, n: 1, effect: Box::new(effect), fresh_until: None };
        if !done("customer") {
            let (customer, person) = ("c-1".to_owned(), "1".to_owned());
            return next("customer", Effect::Braintree(Braintree::CreateCustomer { customer, person }));
        }
        if !state.waited {
            return Pending::Await { signal: "the go-ahead", until };
        }
        let rest = [("sell", sale()), ("record", record()), ("note", note())];
        rest.into_iter()
            .find(|(step, _)| !done(step))
            .map_or(Pending::Ended(End::Completed), |(step, effect)| next(step, effect))
    }

    fn undo(_: &State, step: &str) -> Option<Effect> {
        (step == "customer").then(|| Effect::Braintree(Braintree::DeleteCustomer { customer: "c-1".to_owned() }))
    }

    fn call_off(_: &State, _: &str, _: &At) -> Result<Vec<Happened>, Refusal> {
        Ok(vec![Happened::CalledOff])
    }

    fn facts(_: &State, _: &Happened) -> Facts {
        Facts::default()
    }

    fn summary(state: &State) -> Summary {
        Summary { state: format!("{} done", state.done.len()), ..Summary::default() }
    }
}

/// A letter is none of this flow's; it moves no money.
pub(crate) fn is_of_money(effect: &Effect) -> bool {
    !matches!(effect, Effect::Mail(Mail::Send(_))) && effect.moves_money()
}
