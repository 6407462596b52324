//! What follows from what comes: decides, and changes nothing but by events.

use super::CrmLifecycle;
use super::state::Stage;
use super::table::DealFace;
use super::words::{Command, Event};
use crate::kernel::answer::Answer;
use crate::kernel::effect::{Crm, Effect};
use crate::kernel::lifecycle::{News, Told};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::saga::{Answered, Refusal};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, CrmLifecycle>;

/// When a trial's end is looked at on the day after: Zoho bills early in the morning.
const MORNING: TimeDelta = TimeDelta::hours(6);
/// Our own side's words for a person of whom nothing is kept.
const PERSON_GONE: [&str; 2] = ["person_gone", "no_person"];

impl Turn<'_> {
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::Told(told) => self.news(told),
            Command::Moved(residence) => {
                if self.state.residence.as_ref().is_none_or(|known| known.at < residence.at) {
                    self.push(Event::ResidenceHeard { residence: residence.clone() });
                }
            }
            Command::Check { by, key } => {
                if self.state.customer.is_none() {
                    return Err(Refusal::new(
                        "unknown_customer",
                        "no subscription of this customer was ever told of: nothing of it is kept in CRM",
                    ));
                }
                if !self.state.checks.contains(key) {
                    self.push(Event::CheckAsked { by: by.clone(), key: key.clone(), at: self.at.now });
                }
            }
        }
        Ok(())
    }

    fn news(&mut self, told: &Told) {
        let look_at = match &told.news {
            News::Trial { until, .. } => Some(self.morning_after(*until)),
            _ => None,
        };
        self.push(Event::NewsHeard { told: Box::new(told.clone()), look_at });
    }

    fn morning_after(&self, day: NaiveDate) -> DateTime<Utc> {
        let offset = TimeDelta::seconds(i64::from(self.at.books_offset));
        day.and_time(NaiveTime::MIN).and_utc() - offset + TimeDelta::days(1) + MORNING
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        match answered.outcome {
            outcome if answered.step == "task" => {
                let told = self.state.people.task_told(outcome, self.at.now);
                self.push(Event::Told(told));
            }
            Outcome::Done { answer } => self.done(answered.step, answered.effect, answer),
            Outcome::Rejected { rejection } => self.refused(answered.step, answered.effect, rejection),
            // Neither CRM nor Attio gives another answer: the machine parks it.
            Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    fn done(&mut self, step: &str, effect: &Effect, answer: &Answer) {
        match (step, answer) {
            ("read_settings", Answer::Settings { settings }) => self.settings(settings),
            ("read_contact", Answer::CrmRecord(record)) => self.push(Event::ContactRead { contact: record.id.clone() }),
            ("account", Answer::CrmRecord(record)) => self.push(Event::AccountWritten { account: record.id.clone() }),
            ("contact", Answer::CrmRecord(record)) => self.push(Event::ContactWritten { contact: record.id.clone() }),
            ("read_trial", Answer::Terms(terms)) => self.trial_read(Some(terms.status.clone())),
            ("read_deal", Answer::CrmRecord(record)) => self.deal_read(record.id.clone(), record.stage.clone()),
            ("deal", Answer::CrmRecord(record)) => {
                if let Some((subscription, face, stage)) = written(effect) {
                    let deal = record.id.clone();
                    self.push(Event::DealWritten { subscription, deal, face: Box::new(face), stage });
                }
            }
            ("tags", _) => {
                if let Effect::Crm(Crm::SetTags { tags, .. }) = effect {
                    self.push(Event::TagsWritten { tags: tags.clone() });
                }
            }
            // No step is answered with anything else.
            _ => {}
        }
    }

    fn settings(&mut self, settings: &serde_json::Value) {
        // What cannot be read was refused when the service started; absent: the defaults hold.
        let rules = serde_json::from_value(settings.clone()).unwrap_or_default();
        self.push(Event::SettingsRead { rules: Box::new(rules) });
        if self.state.rules.as_ref().is_some_and(|rules| !rules.enabled) {
            return self.push(Event::SwitchedOff);
        }
        for (subscription, plan) in self.state.untiered() {
            self.push(Event::PlanWithoutTier { subscription, plan });
        }
        if !self.state.owes() {
            self.push(Event::RecordsKept { at: self.at.now });
        }
    }

    fn trial_read(&mut self, status: Option<String>) {
        let Stage::TrialOver { subscription } = self.state.stage.clone() else { return };
        let (on, look_at) = (self.at.date(self.at.now), self.at.now + TimeDelta::days(1));
        self.push(Event::TrialRead { subscription, status, on, look_at });
    }

    fn deal_read(&mut self, deal: Option<String>, stage: Option<String>) {
        let Some((id, of, _)) = self.state.next_deal() else { return };
        let (subscription, was_made, was_by_hand) = (id.clone(), of.deal.id.is_some(), of.deal.by_hand);
        let deleted = deal.is_none() && was_made;
        self.push(Event::DealRead { subscription: subscription.clone(), deal, stage: stage.clone() });
        let by_hand = self.state.subscriptions.get(&subscription).is_some_and(|of| of.deal.by_hand);
        if deleted {
            self.push(Event::DealLeftDeleted { subscription });
        } else if by_hand && !was_by_hand {
            self.push(Event::StageLeft { subscription, stage: stage.unwrap_or_default() });
        }
    }

    fn refused(&mut self, step: &str, effect: &Effect, rejection: &Rejection) {
        let Rejection { kind, code, message } = rejection;
        let (step, code) = (step.to_owned(), code.clone());
        if PERSON_GONE.contains(&code.as_str()) {
            return self.push(Event::PersonUnknown);
        }
        match (step.as_str(), kind) {
            // Only time or a person ends it; `not_as_asked` is what others wrote at the same moment.
            (_, RejectionKind::Config) | ("tags", RejectionKind::UnknownState) => {
                let again_at = self.state.put_off.again_at(self.at.now);
                self.push(Event::WritingPutOff { step, code, again_at });
            }
            ("account" | "contact", RejectionKind::State) if code.starts_with("duplicate") => {
                self.push(Event::IdentitySplit { detail: format!("{message}, then resume") });
            }
            ("account" | "contact", _) => self.push(Event::CustomerRefused { step, code }),
            ("read_trial", RejectionKind::NotFound) => self.trial_read(None),
            ("deal", _) => {
                if let Some((subscription, face, stage)) = written(effect) {
                    self.push(Event::DealRefused { subscription, face: Box::new(face), stage, code });
                }
            }
            ("tags", _) => {
                if let Effect::Crm(Crm::SetTags { tags, .. }) = effect {
                    self.push(Event::TagsRefused { tags: tags.clone(), code });
                }
            }
            // The flow names no branch: the machine parks it.
            _ => {}
        }
    }

    /// A sleep or a deadline has come.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        if self.state.put_off.until.is_some_and(|until| until <= now) {
            return self.push(Event::WritingDue);
        }
        if let Some(told) = self.state.people.come_due(now) {
            return self.push(Event::Told(told));
        }
        let due = self.state.next_trial().filter(|(_, at)| *at <= now).map(|(id, _)| id.clone());
        if let (Some(subscription), Stage::Rests) = (due, &self.state.stage) {
            self.push(Event::TrialDue { subscription });
        }
    }

    /// A person says that the customer is one again.
    pub(super) fn resumed(&mut self) {
        if matches!(self.state.stage, Stage::Held { .. }) {
            self.push(Event::WritingResumed);
        }
    }

    /// All that follows from what was decided so far.
    pub(super) fn conclude(mut self) -> Vec<Event> {
        let idle = |stage: &Stage| matches!(stage, Stage::New | Stage::Rests | Stage::Off | Stage::Nobody);
        if self.state.stage == Stage::Records && !self.state.owes() {
            self.push(Event::RecordsKept { at: self.at.now });
        }
        if idle(&self.state.stage) && self.state.owed {
            self.push(Event::WritingBegan { at: self.at.now });
        }
        self.out
    }
}

/// The deal that a call was about, as the call says it, for news may have come meanwhile: whose, what it was to show, and
/// the stage that went with it.
fn written(effect: &Effect) -> Option<(String, DealFace, Option<String>)> {
    let Effect::Crm(Crm::UpsertDeal(order)) = effect else { return None };
    let face = DealFace {
        plan: order.plan.clone(),
        amount: order.amount,
        closing_on: order.closing_on,
        status: order.status.clone(),
    };
    Some((order.subscription.clone(), face, order.stage.clone()))
}
