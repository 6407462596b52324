//! What the outcome of a step means while a quote is prepared. An outcome without a branch here
//! yields nothing: the machine then parks the step under the vendor's reason.

use super::events::Event;
use super::state::Stage;
use super::turn::Turn;
use crate::kernel::answer::{Answer, Subscription};
use crate::kernel::effect::Effect;
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::saga::Answered;
use crate::kernel::sellable::{self, is_live};
use crate::kernel::selling::Selling;

impl Turn<'_> {
    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let Answered { step, effect, outcome, extra } = *answered;
        match step {
            "show" => self.shown(effect, outcome),
            "letter" | "task" => self.told_people(step, outcome),
            "claim" | "take_over" => self.claimed(effect, outcome),
            "find_late_hold" => self.looked_for_late(effect, outcome),
            "read_request" | "enrol" | "read_person" | "read_offer" | "read_customer" | "list_subscriptions"
            | "read_cards"
                if matches!(self.state.stage, Stage::Preparing | Stage::Paying) =>
            {
                match outcome {
                    Outcome::Done { answer } => self.read(step, effect, answer),
                    Outcome::Rejected { rejection } if rejection.is_business() => self.unread(step, effect, rejection),
                    _ => {}
                }
            }
            "find_other_cards" | "find_other_subscriptions" => self.use_read(step, outcome),
            _ => self.paid(step, effect, outcome, extra),
        }
    }

    fn read(&mut self, step: &str, effect: &Effect, answer: &Answer) {
        if self.has_read(step, effect, answer) {
            return;
        }
        match answer {
            Answer::Subscriptions { subscriptions } => self.subscriptions(subscriptions),
            Answer::Methods { methods } => self.push(Event::CardsRead { methods: methods.clone() }),
            // No read of this stage is answered with anything else.
            _ => {}
        }
    }

    /// What was asked for is not there, or not acceptable.
    fn unread(&mut self, step: &str, effect: &Effect, rejection: &Rejection) {
        let gone = rejection.kind == RejectionKind::NotFound;
        if !self.has_not_read(step, effect, rejection) && gone && step == "read_cards" {
            // The vault does not know the customer: there is no card on file.
            self.push(Event::CardsRead { methods: Vec::new() });
        }
    }

    fn subscriptions(&mut self, subscriptions: &[Subscription]) {
        self.sell(Selling::SubscriptionsRead { subscriptions: subscriptions.to_vec() });
        let Some(plan) = self.state.sale.facts.offer.as_ref().map(|o| o.plan.clone()) else { return };
        if let Some(not) = sellable::family(subscriptions, &plan) {
            self.refuse(not.reason, not.cure);
        } else if let Some(theirs) = subscriptions.iter().filter(|s| is_live(s)).find(|s| s.auto_collect) {
            let reason = format!("Zoho collects the customer's subscription {} by itself", theirs.id);
            self.refuse(reason, "import it and hand its collection over first");
        }
    }
}
