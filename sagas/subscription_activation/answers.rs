//! What the outcome of a step means while a quote is prepared. An outcome without a branch here
//! yields nothing: the machine then parks the step under the vendor's reason.

use super::events::Event;
use super::state::Stage;
use super::turn::Turn;
use super::words::Act;
use crate::kernel::answer::{Answer, Request, Subscription, ZohoCustomer};
use crate::kernel::effect::{ClaimKind, Desk, Effect};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::saga::Answered;
use crate::kernel::sellable::{self, is_live};

/// Refused because of what was asked, not because of our rights or a state that is not known.
pub(super) const fn is_business(rejection: &Rejection) -> bool {
    matches!(rejection.kind, RejectionKind::NotFound | RejectionKind::Invalid | RejectionKind::State)
}

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
                    Outcome::Done { answer } => self.read(answer),
                    Outcome::Rejected { rejection } if is_business(rejection) => self.unread(step, rejection),
                    _ => {}
                }
            }
            "find_other_cards" | "find_other_subscriptions" => self.use_read(step, outcome),
            _ => self.paid(step, effect, outcome, extra),
        }
    }

    fn read(&mut self, answer: &Answer) {
        match answer {
            Answer::Request(request) => self.request(request),
            Answer::Enrolled(enrolment) => self.push(Event::CustomerEnrolled { enrolment: enrolment.clone() }),
            Answer::PersonRead { missing, country } => {
                self.push(Event::PersonChecked { missing: missing.clone(), country: country.clone() });
                if !missing.is_empty() {
                    let reason = format!("the client's record lacks {}", missing.join(", "));
                    self.refuse(reason, "fill it in on the client's record, then press again");
                }
            }
            Answer::Offer(offer) => self.push(Event::OfferRead { offer: offer.clone() }),
            Answer::ZohoCustomer(customer) => self.zoho_customer(customer),
            Answer::Subscriptions { subscriptions } => self.subscriptions(subscriptions),
            Answer::Methods { methods } => self.push(Event::CardsRead { methods: methods.clone() }),
            // No read of this stage is answered with anything else.
            _ => {}
        }
    }

    /// What was asked for is not there, or not acceptable.
    fn unread(&mut self, step: &str, rejection: &Rejection) {
        let gone = rejection.kind == RejectionKind::NotFound;
        match step {
            // The record was deleted: nobody asks any more.
            "read_request" if gone => self.push(Event::PressOutdated),
            "read_person" if gone => {
                self.refuse("the client's record does not exist any more", "choose a customer, then press again");
            }
            "read_offer" => {
                let reason = format!("Zoho does not sell this: {}", rejection.message);
                self.refuse(reason, "check `Plan`, `Add-ons` and `Coupon code`, then press again");
            }
            "read_customer" if gone => {
                let reason = "the customer is linked to a Zoho customer that does not exist";
                self.refuse(reason, "ask an operator to correct the link, then press again");
            }
            // The vault does not know the customer: there is no card on file.
            "read_cards" if gone => self.push(Event::CardsRead { methods: Vec::new() }),
            _ => {}
        }
    }

    fn request(&mut self, request: &Request) {
        let Some(intake) = self.state.intake.clone() else { return };
        self.push(Event::RequestRead { request: Box::new(request.clone()) });
        // The stored transition decides, not the message: another act was pressed since, or this one was answered.
        let stands =
            request.act.as_deref() == Some(intake.act.title()) && request.pressed_at == Some(intake.pressed_at);
        if !stands && !intake.ordered {
            return self.push(Event::PressOutdated);
        }
        if intake.act == Act::ResendLink {
            return self.refuse("there is no open checkout whose link could be sent again", "press `Start`");
        }
        if let Some(not) = sellable::request(request) {
            self.refuse(not.reason, not.cure);
        }
    }

    fn zoho_customer(&mut self, customer: &ZohoCustomer) {
        self.push(Event::ZohoCustomerRead { customer: Box::new(customer.clone()) });
        let plan = self.state.facts.offer.as_ref().map(|o| &o.plan);
        if let Some(not) = sellable::customer(customer, self.state.customer(), plan) {
            self.refuse(not.reason, not.cure);
        }
    }

    fn subscriptions(&mut self, subscriptions: &[Subscription]) {
        self.push(Event::SubscriptionsRead { subscriptions: subscriptions.to_vec() });
        let Some(plan) = self.state.facts.offer.as_ref().map(|o| o.plan.clone()) else { return };
        if let Some(not) = sellable::family(subscriptions, &plan) {
            self.refuse(not.reason, not.cure);
        } else if let Some(theirs) = subscriptions.iter().filter(|s| is_live(s)).find(|s| s.auto_collect) {
            let reason = format!("Zoho collects the customer's subscription {} by itself", theirs.id);
            self.refuse(reason, "import it and hand its collection over first");
        }
    }

    fn claimed(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Desk(Desk::Claim { claims } | Desk::TakeOver { claims, .. }) = effect else { return };
        let is_product = claims.iter().any(|claim| claim.kind == ClaimKind::AccountPlanFamily);
        match outcome {
            Outcome::Done { .. } => self.push(Event::ClaimsTaken { claims: claims.clone() }),
            Outcome::Declined { .. }
                if is_product && self.state.stage == Stage::Preparing && !self.state.facts.product_kept =>
            {
                self.push(Event::ProductKept);
            }
            Outcome::Declined { decline } if self.state.stage == Stage::Preparing && self.state.undoing.is_none() => {
                let reason = "something else is being started, or is live, for this customer and product";
                let cure = "press `Change plan` on the record of what is live; finish or cancel what is being started, \
                            then press again";
                self.refuse(format!("{reason} ({})", decline.code), cure);
            }
            Outcome::Declined { decline } => self.busy(decline.code.clone()),
            Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }
}
