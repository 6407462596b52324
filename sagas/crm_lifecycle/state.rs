//! What is remembered of a customer's records, and how it changes with each event. Pure folding: nothing is decided here,
//! and no event is refused.

use super::rules::Rules;
use super::table::{self, DealFace, StageOf, Standing};
use super::words::{Event, NoLetter};
use crate::kernel::lifecycle::{News, Residence, Sale, Told};
use crate::kernel::retry::PutOff;
use crate::kernel::tags::Tags;
use crate::kernel::telling::Owed;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is remembered of a customer's records in CRM.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Our customer id.
    pub(super) customer: Option<String>,
    /// Where the customer lives, since somebody moved there.
    #[serde(default)]
    pub(super) residence: Option<Residence>,
    /// By our subscription id.
    pub(super) subscriptions: BTreeMap<String, Subscription>,
    pub(super) stage: Stage,
    /// As read for the writing that is under way, or for the last one.
    pub(super) rules: Option<Rules>,
    /// Something was told that no writing has begun for.
    pub(super) owed: bool,
    /// Writings so far.
    pub(super) writings: u32,
    /// CRM's own ids.
    pub(super) contact: Option<String>,
    pub(super) account: Option<String>,
    /// What was written last, and what was refused.
    pub(super) tags: Option<Tags>,
    pub(super) tags_refused: Option<Tags>,
    /// The contact was not there when its tags were to be written: it was read once more.
    pub(super) read_again: bool,
    /// Keys of the checks that were asked for.
    pub(super) checks: BTreeSet<String>,
    /// Plan codes of which it was said that no rule gives them a tier.
    pub(super) untiered: BTreeSet<String>,
    /// The record in Attio that was named last.
    pub(super) record: Option<String>,
    pub(super) people: Owed<(), NoLetter>,
    /// CRM is written again then.
    pub(super) put_off: PutOff,
    /// Steps concluded: tells repeated ones apart.
    pub(super) calls: u32,
}

/// A subscription, and its deal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subscription {
    pub(super) standing: Standing,
    /// Since (UTC).
    pub(super) since: Option<DateTime<Utc>>,
    /// The day of that standing: a link's last one, a trial's end, the last day of what ends or has ended.
    pub(super) day: Option<NaiveDate>,
    pub(super) sale: Option<Sale>,
    /// When that was agreed (UTC).
    pub(super) sale_at: Option<DateTime<Utc>>,
    /// Became active (books zone).
    pub(super) sold_on: Option<NaiveDate>,
    /// Zoho's id of it, where a trial runs.
    pub(super) zoho_id: Option<String>,
    /// When the trial's end is looked at (UTC).
    pub(super) look_at: Option<DateTime<Utc>>,
    /// By Zoho invoice id: whether it is past due, and since when that is known (UTC).
    pub(super) invoices: BTreeMap<String, (DateTime<Utc>, bool)>,
    pub(super) deal: Deal,
}

/// A subscription's deal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deal {
    /// CRM's own id.
    pub(super) id: Option<String>,
    /// In which writing it was read last.
    pub(super) read_in: u32,
    pub(super) written: Option<DealFace>,
    /// The stage that we wrote last, or found when we found the deal.
    pub(super) stage: Option<String>,
    /// It stood in another stage when it was read: people moved it.
    pub(super) by_hand: bool,
    /// People deleted it.
    pub(super) deleted: bool,
    /// What CRM did not take.
    pub(super) refused: Option<DealFace>,
    pub(super) stage_refused: Option<String>,
}

/// Where the writing stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    Settings,
    /// Whether a trial has ended is read at Zoho.
    TrialOver {
        subscription: String,
    },
    Contact,
    Account,
    NewContact,
    /// Deals, one by one, then the tags.
    Records,
    /// A person must look.
    Held {
        detail: String,
    },
    Rests,
    Off,
    Nobody,
}

impl Subscription {
    pub(super) fn is_past_due(&self) -> bool {
        self.invoices.values().any(|(_, due)| *due)
    }

    /// The deal is to be written so; none: it shows it, or cannot be made to.
    pub(super) fn owed_deal(&self, rules: &Rules) -> Option<DealFace> {
        let (face, stage) = table::deal(self).filter(|_| !self.deal.deleted)?;
        let known = |known: &Option<DealFace>| known.as_ref() == Some(&face);
        let is_known = known(&self.deal.written) || known(&self.deal.refused);
        let moves = self.deal.id.is_some() && self.stage_owed(stage, rules).is_some();
        (!is_known || moves).then_some(face)
    }

    /// The stage that is to be written; none: it stays as it is.
    pub(super) fn owed_stage(&self, rules: &Rules) -> Option<String> {
        self.stage_owed(table::deal(self)?.1, rules)
    }

    fn stage_owed(&self, stage: StageOf, rules: &Rules) -> Option<String> {
        let wanted = stage.name(&rules.stages);
        let is = |known: &Option<String>| known.as_deref() == Some(wanted);
        let stays =
            self.deal.id.is_some() && (self.deal.by_hand || is(&self.deal.stage) || is(&self.deal.stage_refused));
        (!stays).then(|| wanted.to_owned())
    }

    fn told(&mut self, told: &Told, look_at: Option<DateTime<Utc>>) {
        if let News::PastDue { invoice } | News::Recovered { invoice } = &told.news {
            let due = matches!(told.news, News::PastDue { .. });
            if self.invoices.get(invoice).is_none_or(|(at, _)| *at <= told.at) {
                self.invoices.insert(invoice.clone(), (told.at, due));
            }
            return;
        }
        if let News::LinkSent { sale, .. }
        | News::Trial { sale, .. }
        | News::Active { sale, .. }
        | News::PlanChanged { sale } = &told.news
            && self.sale_at.is_none_or(|at| at <= told.at)
        {
            self.sale = Some(sale.clone());
            self.sale_at = Some(told.at);
        }
        if let News::Active { on, .. } = &told.news {
            self.sold_on = Some(*on);
        }
        if matches!(told.news, News::PlanChanged { .. }) || self.since.is_some_and(|since| since > told.at) {
            return;
        }
        let (standing, day) = match &told.news {
            News::LinkSent { until, .. } => (Standing::Offered, Some(*until)),
            News::LinkExpired { on } => (Standing::Lapsed, Some(*on)),
            News::Trial { zoho_subscription, until, .. } => {
                self.zoho_id = Some(zoho_subscription.clone());
                (Standing::Trial, Some(*until))
            }
            News::Active { .. } => (Standing::Active, None),
            News::EndScheduled { on } => (self.of_trial(Standing::Ending), *on),
            News::GoesOn => (self.of_trial(Standing::Active), None),
            News::Ended { on } if self.standing == Standing::Trial => (Standing::TrialOver, Some(*on)),
            News::Ended { on } => (Standing::Ended, Some(*on)),
            News::PlanChanged { .. } | News::PastDue { .. } | News::Recovered { .. } => return,
        };
        // A trial that ends, or goes on after all, still is one: its end decides.
        if standing != Standing::Trial || matches!(told.news, News::Trial { .. }) {
            self.day = day;
        }
        self.look_at = if standing == Standing::Trial { look_at.or(self.look_at) } else { None };
        self.standing = standing;
        self.since = Some(told.at);
    }

    fn of_trial(&self, standing: Standing) -> Standing {
        if self.standing == Standing::Trial { Standing::Trial } else { standing }
    }

    fn trial_read(&mut self, status: Option<&str>, on: NaiveDate, look_at: DateTime<Utc>) {
        match status {
            Some("trial") => self.look_at = Some(look_at),
            None | Some("trial_expired" | "cancelled" | "expired") => {
                self.standing = Standing::TrialOver;
                self.day = Some(on);
                self.look_at = None;
            }
            // It is billed from now on, whatever is owed.
            Some(_) => {
                self.standing = Standing::Active;
                self.day = None;
                self.sold_on = Some(on);
                self.look_at = None;
            }
        }
    }
}

impl State {
    /// The next deal to be written, and as what.
    pub(super) fn next_deal(&self) -> Option<(&String, &Subscription, DealFace)> {
        let rules = self.rules.as_ref()?;
        self.subscriptions.iter().find_map(|(id, of)| Some((id, of, of.owed_deal(rules)?)))
    }

    /// Tags that CRM does not show yet.
    pub(super) fn owed_tags(&self) -> Option<Tags> {
        let laws = self.residence.as_ref().map(|residence| residence.laws.clone());
        let tags = Tags { compliance: laws, ..table::tags(&self.subscriptions, self.rules.as_ref()?) };
        let known = |known: &Option<Tags>| known.as_ref() == Some(&tags);
        (tags != Tags::default() && !known(&self.tags) && !known(&self.tags_refused)).then_some(tags)
    }

    /// Anything is to be written in CRM.
    pub(super) fn owes(&self) -> bool {
        self.next_deal().is_some() || self.owed_tags().is_some()
    }

    /// The trial that ends next: which subscription, and when that is looked at (UTC).
    pub(super) fn next_trial(&self) -> Option<(&String, DateTime<Utc>)> {
        let trials = self.subscriptions.iter().filter_map(|(id, of)| Some((id, of.look_at?)));
        trials.min_by_key(|(_, at)| *at)
    }

    /// Sold plans that no rule gives a tier, each said once.
    pub(super) fn untiered(&self) -> Vec<(String, String)> {
        let Some(rules) = &self.rules else { return Vec::new() };
        let sold = self.subscriptions.iter().filter(|(_, of)| of.standing.row().is_some_and(|row| row.tier));
        let plans = sold.filter_map(|(id, of)| Some((id.clone(), of.sale.as_ref()?.plan.clone())));
        plans.filter(|(_, plan)| rules.tier(plan).is_none() && !self.untiered.contains(plan)).collect()
    }

    /// The state after an event.
    pub(super) fn apply(&mut self, event: &Event) {
        self.apply_told(event);
        self.apply_customer(event);
        self.apply_deal(event);
        self.apply_rest(event);
    }

    fn apply_told(&mut self, event: &Event) {
        match event {
            Event::NewsHeard { told, look_at } => {
                self.customer = Some(told.customer.clone());
                self.record = told.record.clone().or(self.record.take());
                self.owed = true;
                self.subscriptions.entry(told.subscription.clone()).or_default().told(told, *look_at);
            }
            Event::ResidenceHeard { residence } => {
                self.customer = Some(residence.customer.clone());
                self.residence = Some(residence.clone());
                self.owed = true;
            }
            Event::CheckAsked { key, .. } => {
                self.checks.insert(key.clone());
                self.owed = true;
                // All is read and written as if nothing were known of it.
                self.tags = None;
                self.tags_refused = None;
                self.account = None;
                self.untiered.clear();
                for of in self.subscriptions.values_mut() {
                    of.deal.written = None;
                    of.deal.refused = None;
                    of.deal.stage_refused = None;
                }
            }
            Event::WritingBegan { .. } => {
                self.owed = false;
                self.read_again = false;
                self.writings += 1;
                self.stage = Stage::Settings;
            }
            Event::SettingsRead { rules } => {
                self.concluded(Stage::Contact);
                self.rules = Some((**rules).clone());
            }
            Event::SwitchedOff => self.concluded(Stage::Off),
            Event::PlanWithoutTier { plan, .. } => {
                let text = format!(
                    "No rule gives the plan `{plan}` a tier, so CRM shows no plan tag: add one to CRM_PLAN_TIERS"
                );
                self.people.owe_task(&format!("tier.{plan}"), text);
                self.untiered.insert(plan.clone());
            }
            Event::TrialDue { subscription } => {
                self.stage = Stage::TrialOver { subscription: subscription.clone() };
            }
            Event::TrialRead { subscription, status, on, look_at } => {
                self.concluded(Stage::Rests);
                self.owed |= status.as_deref() != Some("trial");
                if let Some(of) = self.subscriptions.get_mut(subscription) {
                    of.trial_read(status.as_deref(), *on, *look_at);
                }
            }
            _ => {}
        }
    }

    fn apply_customer(&mut self, event: &Event) {
        match event {
            Event::ContactRead { contact } => {
                let next = if self.account.is_none() {
                    Stage::Account
                } else if contact.is_none() {
                    Stage::NewContact
                } else {
                    Stage::Records
                };
                self.concluded(next);
                self.contact.clone_from(contact);
            }
            Event::AccountWritten { account } => {
                self.concluded(if self.contact.is_none() { Stage::NewContact } else { Stage::Records });
                self.account = Some(account.clone().unwrap_or_default());
            }
            Event::ContactWritten { contact } => {
                self.concluded(Stage::Records);
                self.contact = Some(contact.clone().unwrap_or_default());
            }
            Event::CustomerRefused { step, code } => {
                self.concluded(Stage::Rests);
                let text = format!(
                    "Zoho CRM does not take the customer's {step} ({code}), so deal and tags are not written: look at it there"
                );
                self.people.owe_task(&format!("{step}.{code}"), text);
            }
            Event::IdentitySplit { detail } => self.concluded(Stage::Held { detail: detail.clone() }),
            Event::WritingResumed => self.stage = Stage::Contact,
            Event::PersonUnknown => {
                self.concluded(Stage::Nobody);
                self.people = Owed::default();
            }
            _ => {}
        }
    }

    fn apply_deal(&mut self, event: &Event) {
        match event {
            Event::DealRead { subscription, deal, stage } => {
                self.concluded(Stage::Records);
                let writing = self.writings;
                let Some(of) = self.subscriptions.get_mut(subscription) else { return };
                of.deal.read_in = writing;
                let Some(deal) = deal else { return };
                if of.deal.id.is_none() {
                    of.deal.stage.clone_from(stage);
                }
                of.deal.id = Some(deal.clone());
                of.deal.by_hand = of.deal.stage.is_some() && of.deal.stage != *stage;
            }
            Event::DealLeftDeleted { subscription } => {
                if let Some(of) = self.subscriptions.get_mut(subscription) {
                    of.deal.deleted = true;
                }
            }
            Event::DealWritten { subscription, deal, face, stage } => {
                self.concluded(Stage::Records);
                let Some(of) = self.subscriptions.get_mut(subscription) else { return };
                of.deal.id = Some(deal.clone().unwrap_or_default());
                of.deal.written = Some((**face).clone());
                of.deal.refused = None;
                if stage.is_some() {
                    of.deal.stage.clone_from(stage);
                }
            }
            Event::DealRefused { subscription, face, stage, code } => {
                self.concluded(Stage::Records);
                let Some(of) = self.subscriptions.get_mut(subscription) else { return };
                // Of a deal that is there the rest is written without it.
                if stage.is_some() && of.deal.id.is_some() {
                    of.deal.stage_refused.clone_from(stage);
                } else {
                    of.deal.refused = Some((**face).clone());
                }
                let (cause, what) = match stage {
                    Some(stage) => (format!("stage.{code}"), format!("deal with the stage `{stage}`")),
                    None => (format!("deal.{code}"), "deal".to_owned()),
                };
                let text = format!(
                    "Zoho CRM does not take the {what} ({code}): see whether the stage is in the pipeline and the record free, and change it there"
                );
                self.people.owe_task(&cause, text);
            }
            _ => {}
        }
    }

    fn apply_rest(&mut self, event: &Event) {
        match event {
            Event::TagsWritten { tags } => {
                self.concluded(Stage::Records);
                self.tags = Some(tags.clone());
                self.tags_refused = None;
            }
            Event::TagsRefused { tags, code } => {
                if code == NO_RECORD && !self.read_again {
                    // Deleted or merged since it was read.
                    self.concluded(Stage::Contact);
                    self.read_again = true;
                    return;
                }
                self.concluded(Stage::Records);
                self.tags_refused = Some(tags.clone());
                let text = format!("Zoho CRM does not take the customer's tags ({code}): look at the contact there");
                self.people.owe_task(&format!("tags.{code}"), text);
            }
            Event::Told(told) => {
                self.people.apply(told);
            }
            Event::WritingPutOff { again_at, .. } => {
                self.calls += 1;
                self.put_off.refused(*again_at);
            }
            Event::WritingDue => self.put_off.until = None,
            Event::RecordsKept { .. } => self.stage = Stage::Rests,
            _ => {}
        }
    }

    fn concluded(&mut self, stage: Stage) {
        self.calls += 1;
        self.put_off = PutOff::default();
        self.stage = stage;
    }
}

/// What CRM says of tags for a record that it has not.
const NO_RECORD: &str = "no_record";
