//! What follows from calls outside of sagas: messages from one saga to others, money that settles, terms that begin.

use crate::engine::{Item, Slot};
use crate::people::Deed;
use crate::world::{Event, World};
use crate::zoho::MONTH;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Message, Zoho};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Outcome;
use sagas::kernel::saga::Saga;
use sagas::payment_method_update::PaymentMethodUpdate;
use serde_json::Value;

impl World {
    /// What follows from a saga is the same company's.
    pub(crate) fn is_theirs_too(&mut self, saga: SagaId, message: &Message) {
        if let Some(who) = self.who(saga) {
            self.laws.belongs.entry(message.to).or_insert(who);
        }
    }

    pub(crate) fn pass_on(&mut self, message: &Message) {
        let (flow, command) = (message.flow.clone(), Some(message.command.clone()));
        let item = Item { kind: "told", command, flow };
        // Who is asked for another card comes to the page, or does not.
        if message.flow == PaymentMethodUpdate::NAME && !self.sagas.contains_key(&message.to) {
            let wait = self.millis(60_000, 12 * 3_600_000);
            self.clock.after(wait, Event::Deed(Deed::VisitCard { saga: message.to, visits: 0 }));
        }
        let wait = self.millis(1, 2_000);
        self.clock.after(wait, Event::Comes(message.to, Box::new(item)));
    }

    /// Every saga of the flow that has not ended hears it.
    pub(crate) fn tell_all(&mut self, flow: &str, command: &Value) {
        let open = |(_, slot): &(&SagaId, &Slot)| slot.live.flow_name() == flow && slot.live.flow().ended.is_none();
        let told: Vec<_> = self.sagas.iter().filter(open).map(|(saga, _)| *saga).collect();
        for saga in told {
            let item = Item { kind: "told", command: Some(command.clone()), flow: flow.to_owned() };
            let wait = self.millis(1, 2_000);
            self.clock.after(wait, Event::Comes(saga, Box::new(item)));
        }
    }

    /// What was taken settles some hours later, or does not: then it is people's business.
    pub(crate) fn settles(&mut self, transaction: String, who: Option<String>) {
        let fails = self.mishaps.weather.staff && self.dice.chance(40) && who.is_some();
        let wait = TimeDelta::hours(self.dice.between(2, 20));
        if fails {
            self.touched.extend(who);
        }
        self.clock.after(wait, Event::Settles { transaction, fails });
    }

    /// A subscription whose terms another one collects has short ones while things go wrong.
    pub(crate) fn zoho_does(&mut self, saga: SagaId, call: &Zoho, now: DateTime<Utc>) -> Outcome {
        let short =
            matches!(call, Zoho::CreateSubscription(_)) && self.who(saga).is_some_and(|who| self.recurs.contains(&who));
        self.zoho.term = if short { self.term() } else { MONTH };
        self.prepares_change(saga, call);
        let known = self.zoho.bills.len();
        let outcome = self.zoho.perform(call, now);
        if let Outcome::Done { .. } = outcome {
            self.check_change(saga, call, known);
        }
        self.zoho.term = MONTH;
        if let (true, Outcome::Done { answer: Answer::Subscription(made) }) = (short, &outcome) {
            let wait = self.until_day(made.next_billing_on.unwrap_or_else(|| now.date_naive()), now);
            self.clock.after(wait, Event::Deed(Deed::Renews { subscription: made.id.clone() }));
        }
        outcome
    }
}
