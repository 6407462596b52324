//! A decision in the making: what comes from outside, what calls answer, and what follows from all that is known.

use super::rules::{self, Life, Plan, is_same, life, next_sold};
use super::state::{Cancel, Stage};
use super::words::{Card, Command, Event, Item, Notice, Rest, Sender};
use crate::kernel::answer::{Answer, BilledInvoice, Method, SubscriptionTerms};
use crate::kernel::effect::{Attio, Effect};
use crate::kernel::money::Money;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::saga::{Answered, Refusal};
use chrono::NaiveDate;

/// A decision of this flow in the making.
pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, super::Notices>;

impl Turn<'_> {
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        let now = self.at.now;
        match command {
            Command::Watch { of, terms } => {
                if self.state.of.is_none() {
                    self.push(Event::NoticesBegun { of: of.clone(), terms: terms.clone(), at: now });
                } else if self.state.settings.as_ref() != Some(terms) {
                    self.push(Event::SettingsChanged { terms: terms.clone(), at: now });
                }
                self.unless_zoho_tells();
            }
            Command::Changed { source } => {
                if self.state.of.is_none() {
                    return Err(Refusal::new("not_watched", "the notices of this subscription were never begun"));
                }
                if self.state.stage != (Stage::Over { why: Rest::ZohoTells }) {
                    self.push(Event::ChangeHeard { source: source.clone(), at: now });
                }
            }
            Command::CancelAsked { link } => {
                if *link == 0 || *link > self.state.letters + 1 {
                    return Err(Refusal::new("no_such_link", "no letter of this subscription has that link"));
                }
                if matches!(self.state.stage, Stage::New | Stage::Over { .. }) {
                    return Err(Refusal::new("over", "this subscription is not charged any more"));
                }
                if self.state.cancel == Cancel::No {
                    self.push(Event::CancellationAsked { link: *link, at: now });
                }
            }
        }
        Ok(())
    }

    fn unless_zoho_tells(&mut self) {
        let zoho = self.state.settings.as_ref().is_some_and(|settings| settings.sender == Sender::Zoho);
        if zoho && self.state.stage == Stage::Surveying {
            self.rest(Rest::ZohoTells);
        }
    }

    fn rest(&mut self, why: Rest) {
        self.push(Event::NoticesRested { why, at: self.at.now });
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let now = self.at.now;
        match (answered.step, answered.outcome) {
            ("survey", Outcome::Done { answer: Answer::SubscriptionSurvey(survey) }) => {
                let ours = survey.subscription.is_some() && survey.owner.is_some();
                self.push(Event::SubscriptionSurveyed { survey: survey.clone() });
                if !ours {
                    self.rest(Rest::NotOurs);
                }
            }
            ("read_terms", Outcome::Done { answer: Answer::Terms(terms) }) => self.terms_read(terms),
            ("read_terms", outcome) if is_not_found(outcome) => {
                self.push(Event::SubscriptionGone { at: now });
                self.rest(Rest::Ended);
            }
            ("list_invoices", Outcome::Done { answer: Answer::BilledInvoices { invoices } }) => {
                let newest = self.state.facts.terms.as_ref().and_then(|terms| terms.newest_invoice.as_deref());
                let expected = self.state.facts.terms.as_ref().and_then(rules::amount);
                self.push(Event::InvoicesListed { untaken: untaken(newest, invoices, expected), at: now });
            }
            ("survey_customer", Outcome::Done { answer: Answer::CustomerSurvey(survey) }) => {
                self.push(Event::CustomerSurveyed {
                    customer: survey.customer.clone(),
                    braintree_customer: survey.braintree_customer.clone(),
                    client: survey.attio_client.clone(),
                });
            }
            ("read_card", Outcome::Done { answer: Answer::Methods { methods } }) => {
                self.push(Event::CardRead { card: methods.iter().find(|method| method.default).and_then(card) });
            }
            ("read_card", outcome) if is_not_found(outcome) => self.push(Event::CardRead { card: None }),
            // Who is not found in Attio may be known here all the same.
            ("read_person", _) => self.push(Event::PersonRead),
            ("letter" | "ask_card", outcome) => self.letter(outcome),
            ("tell_ending", Outcome::Done { .. }) => self.push(Event::CancellationOrdered),
            ("show", outcome) => self.shown(answered.effect, outcome),
            ("task", outcome) => {
                let told = self.state.people.task_told(outcome, now);
                self.push(Event::Told(told));
            }
            _ => {}
        }
    }

    fn terms_read(&mut self, terms: &SubscriptionTerms) {
        let at = self.at;
        let before = self.state.facts.terms.as_ref().and_then(|known| known.next_billing_on);
        // A charge whose day has come, and Zoho is past it.
        let passed = before.filter(|day| *day <= at.date(at.now) && terms.next_billing_on != Some(*day));
        let mut missed = passed.map(|day| rules::missed(&self.state, day)).unwrap_or_default();
        let change = self.price_change(terms);
        self.push(Event::TermsRead { terms: Box::new(terms.clone()), at: at.now });
        if let (Some((from, to)), Some(charge_on)) = (change, terms.next_billing_on) {
            self.push(Event::PriceChangeSeen { from, to, charge_on: passed.unwrap_or(charge_on), at: at.now });
            // Seen for the first time after a charge: that one was at the new price.
            for item in passed.map(|day| rules::missed(&self.state, day)).unwrap_or_default() {
                if item.notice == Notice::PriceChanges && !missed.contains(&item) {
                    missed.push(item);
                }
            }
        }
        if life(&terms.status) == Life::Ended {
            return self.rest(Rest::Ended);
        }
        if !missed.is_empty() {
            self.push(Event::NoticesMissed { items: missed, at: at.now });
        }
    }

    /// The same for another price than the customer knows.
    fn price_change(&self, terms: &SubscriptionTerms) -> Option<(Money, Money)> {
        let next = next_sold(terms);
        let agreed = self.state.facts.agreed.as_ref().filter(|agreed| is_same(agreed, next))?;
        let (from, to) = agreed.amount.zip(next.amount)?;
        (from != to && from.currency == to.currency).then_some((from, to))
    }

    fn letter(&mut self, outcome: &Outcome) {
        let Stage::Letter { item } = self.state.stage else { return };
        let now = self.at.now;
        let hold_until = rules::hold_until(&self.state, item, self.at);
        let (code, kind) = match outcome {
            Outcome::Rejected { rejection } => (rejection.code.clone(), Some(rejection.kind)),
            Outcome::Declined { decline } => (decline.code.clone(), None),
            Outcome::Done { .. } => {
                let amount = self.state.amount(item);
                return self.push(Event::NoticeSent { item, amount, hold_until, at: now });
            }
            Outcome::NotSent { .. } | Outcome::Unknown { .. } => return,
        };
        if kind == Some(RejectionKind::Config) {
            let again_at = self.state.letter_put_off.again_at(now);
            return self.push(Event::NoticePutOff { item, code, again_at });
        }
        self.push(Event::NoticeBounced { item, code, at: now });
    }

    fn shown(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Attio(Attio::AskAction(action)) = effect else { return };
        let told = self.state.people.shown(action.version, outcome, self.at.now);
        self.push(Event::Told(told));
    }

    /// A sleep has come to its end.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        if let Some(told) = self.state.people.come_due(now) {
            return self.push(Event::Told(told));
        }
        if self.state.hold_until.is_some_and(|until| until <= now) {
            return self.push(Event::HoldEnded { at: now });
        }
        if matches!(self.state.stage, Stage::Resting { until } if until <= now) {
            self.push(Event::LookDue { at: now });
        }
    }

    /// All that follows from what is known.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        while self.state.stage == Stage::Deciding {
            self.decide();
        }
        self.out
    }

    fn decide(&mut self) {
        let now = self.at.now;
        if self.state.again {
            return self.push(Event::LookDue { at: now });
        }
        if let Some(item) = self.state.missed.first().copied() {
            if self.state.untaken.is_none() {
                return self.push(Event::NoticePassedOver { item, at: now });
            }
            return self.notice(item);
        }
        let Plan { due, look_at } = rules::plan(&self.state, self.at);
        match due {
            Some(item) => self.notice(item),
            None => self.push(Event::LookPlanned { until: look_at, at: now }),
        }
    }

    fn notice(&mut self, item: Item) {
        let hold_until = rules::hold_until(&self.state, item, self.at);
        self.push(Event::NoticeDue { item, hold_until, at: self.at.now });
    }
}

/// What of the newest invoice is still to be taken; of one that is not raised yet all is.
fn untaken(newest: Option<&str>, invoices: &[BilledInvoice], expected: Option<Money>) -> Option<Money> {
    let Some(newest) = newest.and_then(|id| invoices.iter().find(|invoice| invoice.id == id)) else {
        return expected;
    };
    let whole = newest.balance == newest.total && newest.balance.is_positive();
    (whole && newest.status != "void").then_some(newest.balance)
}

fn card(method: &Method) -> Option<Card> {
    let good_through: NaiveDate = method.good_through?;
    Some(Card { brand: method.brand.clone(), last_four: method.last_four.clone(), good_through })
}

fn is_not_found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound)
}
