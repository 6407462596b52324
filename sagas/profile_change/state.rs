//! What the stream of a customer remembers, folded from its events. Nothing is decided here, and no event is refused.

use super::words::{Event, Rules};
use crate::kernel::effect::AttioRecord;
use crate::kernel::park::ParkCode;
use crate::kernel::profile::{Compared, Field, Fields, Shown, Target, titles};
use crate::kernel::retry::PutOff;
use crate::kernel::tags::Compliance;
use crate::kernel::telling::{NoLetter, Owed};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the loop guard looks back on.
pub(super) const DAY: TimeDelta = TimeDelta::hours(24);

/// What the stream of a customer remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) customer: Option<String>,
    pub(super) client: Option<AttioRecord>,
    pub(super) stage: Stage,
    /// Something was heard that no carrying has begun for: until when more is waited for (UTC).
    pub(super) owed: Option<DateTime<Utc>>,
    /// What others changed elsewhere is put right by the next carrying, too.
    pub(super) whole: bool,
    /// Carryings so far.
    pub(super) carryings: u32,
    pub(super) round: Round,
    /// When each target was written (UTC), the last day's.
    pub(super) writes: BTreeMap<Target, Vec<DateTime<Utc>>>,
    /// Laws that Attio is to show.
    pub(super) comply: Option<Vec<Compliance>>,
    /// The mark of what is to be noted.
    pub(super) note: Option<String>,
    /// Attio takes neither until then.
    pub(super) attio: PutOff,
    /// A target takes nothing until then.
    pub(super) put_off: PutOff,
    /// A sentence of ours stands on the record that is to be taken back.
    pub(super) wrong: bool,
    /// What the platform says, not written onto the record yet, the first first.
    pub(super) patches: Vec<Patch>,
    /// A currency that was asked for, and not answered yet.
    pub(super) currency: Option<String>,
    /// Record that is gone, and the one that is left.
    pub(super) merged: Option<(AttioRecord, AttioRecord)>,
    pub(super) people: Owed<Face, NoLetter>,
    /// Calls concluded: tells repeated steps apart.
    pub(super) calls: u32,
}

/// What the platform says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Patch {
    pub(super) fields: Fields,
    pub(super) mark: String,
}

/// What the record shall show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face {
    /// Absent: left as it is.
    pub(super) last_error: Option<String>,
    pub(super) as_of: DateTime<Utc>,
}

/// Where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    /// More changes may follow.
    Settling,
    Settings,
    Client,
    Tables,
    Targets,
    /// The link follows the record that is left.
    Unlink,
    Link,
    Rests,
    /// A person must look.
    Held {
        code: ParkCode,
        detail: String,
    },
    Nobody,
}

impl Stage {
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::New | Self::Rests | Self::Nobody)
    }
}

/// One carrying.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Round {
    pub(super) whole: bool,
    pub(super) rules: Rules,
    pub(super) country: Option<String>,
    pub(super) compared: Compared,
    pub(super) standing: BTreeMap<Target, Standing>,
    /// What was read before a write that found the target changed: perhaps by that write itself, whose answer was lost.
    pub(super) stale: BTreeMap<Target, Shown>,
    /// Written nowhere this time.
    pub(super) held: Fields,
    /// Whether anybody else has the new e-mail address is known.
    pub(super) address_known: bool,
    /// The target that is next has been so since (UTC).
    pub(super) since: Option<DateTime<Utc>>,
    /// Sentences for the record: what did not arrive, and the cure.
    pub(super) errors: Vec<String>,
    pub(super) written: BTreeMap<Target, Fields>,
    pub(super) displaced: BTreeMap<Target, Fields>,
    pub(super) found: Vec<Target>,
}

/// How far a target is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub(super) enum Standing {
    Unread,
    Read { shown: Shown },
    Over,
}

impl Round {
    /// The target that is next, with what was read of it.
    pub(super) fn next(&self) -> Option<(Target, Option<&Shown>)> {
        Target::ALL.into_iter().find_map(|target| match self.standing.get(&target)? {
            Standing::Unread => Some((target, None)),
            Standing::Read { shown } => Some((target, Some(shown))),
            Standing::Over => None,
        })
    }

    /// What of a target's is written.
    pub(super) fn owed(&self, shown: &Shown) -> Fields {
        shown.owed.difference(&self.held).copied().collect()
    }

    /// Whether a field moved, by what any target was given last.
    pub(super) fn moved(&self, is: impl Fn(Field) -> bool) -> bool {
        self.compared.behind.values().flatten().any(|field| is(*field) && !self.held.contains(field))
    }

    fn over(&mut self, target: Target, at: DateTime<Utc>) {
        self.standing.insert(target, Standing::Over);
        self.since = Some(at);
    }
}

impl State {
    /// How often that target was written in the day before.
    pub(super) fn written_in_a_day(&self, target: Target, now: DateTime<Utc>) -> usize {
        self.writes.get(&target).into_iter().flatten().filter(|at| **at > now - DAY).count()
    }

    pub(super) fn apply(&mut self, event: &Event) {
        if is_answer(event) {
            self.calls += 1;
        }
        match event {
            Event::ChangeHeard { customer, client, whole, settles_at, .. } => {
                self.customer = Some(customer.clone());
                self.client = Some(client.clone());
                self.whole |= whole;
                self.heard(*settles_at);
            }
            Event::CarryingBegan { .. } => {
                self.owed = None;
                self.put_off.until = None;
                self.carryings += 1;
                self.round = Round { whole: std::mem::take(&mut self.whole), ..Round::default() };
                self.stage = Stage::Settings;
            }
            Event::SettingsRead { rules } => {
                self.round.rules = *rules;
                self.stage = Stage::Client;
            }
            Event::ClientRead { missing, country } => self.client_read(missing, country.as_ref()),
            Event::PersonUnknown => {
                self.stage = Stage::Nobody;
                self.people = Owed::default();
                (self.owed, self.comply, self.note) = (None, None, None);
                self.patches.clear();
            }
            Event::RecordGone { client, .. } => {
                let detail = format!(
                    "D33: {} {} is gone in Attio. Nothing was deleted elsewhere. Make the customer's record again and link it, then resume",
                    client.object, client.id
                );
                self.people = Owed::default();
                (self.comply, self.note) = (None, None);
                self.stage = Stage::Held { code: ParkCode::CustomerUnlinked, detail };
            }
            Event::Told(told) => {
                // It writes no letters.
                let _none = self.people.apply(told);
            }
            _ => {
                self.apply_patches(event);
                self.apply_targets(event);
                self.apply_shown(event);
                self.apply_links(event);
            }
        }
    }

    fn patch_over(&mut self) {
        if !self.patches.is_empty() {
            self.patches.remove(0);
        }
    }

    fn apply_patches(&mut self, event: &Event) {
        match event {
            Event::PatchHeard { customer, client, fields, mark, .. } => {
                self.customer = Some(customer.clone());
                self.client = Some(client.clone());
                self.patches.push(Patch { fields: fields.clone(), mark: mark.clone() });
            }
            Event::PatchWritten { settles_at, .. } => {
                self.patch_over();
                self.heard(*settles_at);
            }
            Event::PatchHeld { fields, at, .. } => {
                let error = "The e-mail was not taken over from the platform: another record in Attio has it (D39). Settle who it is, then send it again.";
                self.say(error.to_owned(), *at);
                let text = "D39: the e-mail address that the platform says for this customer is another record's in Attio. It was not written, what else was said is; nothing is merged. Settle who it is.";
                self.people.owe_task(&format!("patch.{}", self.calls), text);
                match self.patches.first_mut().filter(|_| !fields.is_empty()) {
                    Some(patch) => patch.fields.clone_from(fields),
                    None => self.patch_over(),
                }
            }
            Event::PatchRefused { fields, code, at, .. } => {
                let error =
                    format!("Not taken over from the platform: {} ({code}). Correct them here.", titles(fields));
                self.say(error, *at);
                self.patch_over();
            }
            _ => {}
        }
    }

    /// Of a burst the last change counts: all of it is one carrying.
    fn heard(&mut self, settles_at: DateTime<Utc>) {
        self.owed = Some(settles_at);
        if self.stage.is_idle() {
            self.stage = Stage::Settling;
        }
    }

    fn client_read(&mut self, missing: &[String], country: Option<&String>) {
        self.round.country = country.cloned();
        for title in missing {
            let fields: &[Field] = match title.split([' ', '(']).next() {
                Some("E-mail") => &[Field::Email],
                Some("Name") => &[Field::FirstName, Field::LastName, Field::Company],
                _ => &[Field::Country],
            };
            self.round.held.extend(fields);
        }
        if !missing.is_empty() {
            self.round.errors.push(format!("Not carried on: the record lacks {}. Fill it in.", missing.join(", ")));
        }
        self.stage = Stage::Tables;
    }

    fn apply_targets(&mut self, event: &Event) {
        match event {
            Event::ProfileCompared { compared, at } => {
                self.stage = Stage::Targets;
                self.round.since = Some(*at);
                for target in compared.keys.keys().filter(|target| self.round.rules.crm || target.module().is_none()) {
                    let behind = self.round.whole || compared.behind.get(target).is_some_and(|of| !of.is_empty());
                    self.round.standing.insert(*target, if behind { Standing::Unread } else { Standing::Over });
                }
                self.round.compared = (**compared).clone();
                if let Some(other) = &compared.address_of
                    && self.round.moved(|field| field == Field::Email)
                {
                    self.address_taken(&format!("our customer {other}"));
                }
            }
            Event::AddressFree => self.round.address_known = true,
            Event::AddressTaken { by } => self.address_taken(by),
            Event::TargetRead { target, shown, at } => {
                if shown.found {
                    self.round.found.push(*target);
                }
                let standing =
                    if shown.owed.is_empty() { Standing::Over } else { Standing::Read { shown: (**shown).clone() } };
                self.round.standing.insert(*target, standing);
                self.round.since = Some(*at);
            }
            Event::TargetHeld { target, at } => self.round.over(*target, *at),
            Event::TargetStale { target, at } => {
                if let Some(Standing::Read { shown }) = self.round.standing.insert(*target, Standing::Unread) {
                    self.round.stale.insert(*target, shown);
                }
                self.round.since = Some(*at);
            }
            Event::TargetWritten { target, fields, at } => {
                self.writes.entry(*target).or_default().push(*at);
                for writes in self.writes.values_mut() {
                    writes.retain(|written| *written > *at - DAY);
                }
                let stale = self.round.stale.remove(target);
                let read = match self.round.standing.get(target) {
                    Some(Standing::Read { shown }) => Some(shown),
                    _ => stale.as_ref(),
                };
                if let Some(shown) = read {
                    let displaced: Fields = shown.displaced.intersection(fields).copied().collect();
                    if !displaced.is_empty() {
                        self.round.displaced.insert(*target, displaced);
                    }
                }
                self.round.written.insert(*target, fields.clone());
                self.round.over(*target, *at);
            }
            Event::TargetRefused { target, fields, code, at } => {
                let error = format!(
                    "Not carried on to the {}: it refuses {} ({code}). Correct them here.",
                    target.title(),
                    titles(fields)
                );
                self.round.errors.push(error);
                self.round.over(*target, *at);
            }
            Event::TargetPutOff { target, again_at, at, .. } => {
                self.put_off.refused(*again_at);
                self.round.errors.push(format!("Not yet carried on to the {}: it is tried again.", target.title()));
                self.round.over(*target, *at);
            }
            Event::LoopStopped { target, at } => {
                let detail = format!(
                    "The {} was written three times in a day and is to be written again: two systems may be writing against each other. Compare it with the record in Attio, stop the other one, then resume",
                    target.title()
                );
                self.say(
                    format!(
                        "Not carried on to the {}: it was written three times in a day. An operator looks at it.",
                        target.title()
                    ),
                    *at,
                );
                self.stage = Stage::Held { code: ParkCode::LoopGuard, detail };
            }
            Event::GuardReset { at } => {
                self.writes.clear();
                // What was read before is no longer what stands there.
                for standing in self.round.standing.values_mut().filter(|standing| **standing != Standing::Over) {
                    *standing = Standing::Unread;
                }
                self.round.since = Some(*at);
                self.stage = Stage::Targets;
            }
            _ => {}
        }
    }

    fn address_taken(&mut self, by: &str) {
        self.round.address_known = true;
        self.round.held.insert(Field::Email);
        let error =
            "The e-mail was not carried on: it is somebody else's (D39). Settle who it is, then change it again.";
        self.round.errors.push(error.to_owned());
        let text = format!(
            "D39: the new e-mail address of this customer belongs to {by}. It was written nowhere, all else was. Settle who it is; nothing is merged."
        );
        self.people.owe_task(&format!("address.{}", self.carryings), text);
    }

    fn say(&mut self, last_error: String, as_of: DateTime<Utc>) {
        self.wrong = !last_error.is_empty();
        self.people.show(Face { last_error: Some(last_error), as_of });
    }

    fn apply_shown(&mut self, event: &Event) {
        match event {
            Event::CarryingEnded { laws, at, .. } => self.ended(laws.as_ref(), *at),
            Event::ComplianceShown | Event::ComplianceNotShown { .. } => {
                self.comply = None;
                self.attio = PutOff::default();
            }
            Event::NoteAdded | Event::NoteNotAdded { .. } => {
                self.note = None;
                self.attio = PutOff::default();
            }
            Event::ShowingPutOff { again_at, .. } => self.attio.refused(*again_at),
            Event::PutOffDue => self.attio.until = None,
            Event::CurrencyAsked { customer, client, currency, .. } => {
                self.customer = Some(customer.clone());
                self.client = Some(client.clone());
                self.currency = Some(currency.clone());
            }
            Event::CurrencyRefused { currency, billed_in, at } => {
                self.currency = None;
                let why = match billed_in {
                    Some(billed) => format!(
                        "The currency stays {billed}: documents exist in it. To bill in {currency}, make another customer."
                    ),
                    None => format!("No currency is set: what is bought decides. Sell a plan in {currency}."),
                };
                self.say(why, *at);
            }
            _ => {}
        }
    }

    fn ended(&mut self, laws: Option<&Vec<Compliance>>, at: DateTime<Utc>) {
        let Round { written, displaced, errors, .. } = std::mem::take(&mut self.round);
        self.stage = if self.merged.is_some() {
            Stage::Unlink
        } else if self.owed.is_some() {
            Stage::Settling
        } else {
            Stage::Rests
        };
        if let Some(laws) = laws {
            self.comply = Some(laws.clone());
        }
        if !displaced.is_empty() {
            self.note = Some(self.mark());
        }
        if self.put_off.until.is_none() {
            self.put_off = PutOff::default();
        }
        let tax = written.get(&Target::Billing).is_some_and(|fields| fields.iter().any(|field| field.moves_tax()));
        if tax {
            let text = "Finance: this customer's address changed, and with it the tax may: look at the customer's tax in Zoho Billing before the next invoice.";
            self.people.owe_task(&format!("tax.{}", self.carryings), text);
        }
        if !errors.is_empty() {
            self.say(errors.join(" "), at);
        } else if self.wrong {
            self.say(String::new(), at);
        } else if !written.is_empty() {
            self.people.show(Face { last_error: None, as_of: at });
        }
    }

    /// Under which what was written over is kept.
    pub(super) fn mark(&self) -> String {
        let saga = self.customer.as_deref().map(super::ProfileChange::id);
        format!("[{}.{}]", saga.map(|saga| saga.0.simple().to_string()).unwrap_or_default(), self.carryings)
    }

    fn apply_links(&mut self, event: &Event) {
        match event {
            Event::RecordMerged { customer, from, into, .. } => {
                self.customer = Some(customer.clone());
                self.merged = Some((from.clone(), into.clone()));
                if self.stage.is_idle() || self.stage == Stage::Settling || matches!(self.stage, Stage::Held { .. }) {
                    self.stage = Stage::Unlink;
                }
            }
            Event::RecordUnlinked => self.stage = Stage::Link,
            Event::RecordLinked { into, settles_at } => {
                self.merged = None;
                self.client = Some(into.clone());
                self.stage = Stage::Rests;
                self.heard(*settles_at);
            }
            Event::IdentitySplit { detail } => {
                let text = detail.clone();
                self.client = self.merged.as_ref().map(|(_, into)| into.clone()).or(self.client.take());
                self.people.owe_task(&format!("split.{}", self.calls), text);
                self.stage = Stage::Held { code: ParkCode::IdentitySplit, detail: detail.clone() };
            }
            Event::HoldLifted { settles_at } => {
                if self.merged.is_some() {
                    self.stage = Stage::Unlink;
                } else {
                    self.stage = Stage::Rests;
                    self.heard(*settles_at);
                }
            }
            _ => {}
        }
    }
}

/// A call was concluded.
const fn is_answer(event: &Event) -> bool {
    matches!(
        event,
        Event::SettingsRead { .. }
            | Event::ClientRead { .. }
            | Event::PersonUnknown
            | Event::RecordGone { .. }
            | Event::ProfileCompared { .. }
            | Event::AddressFree
            | Event::AddressTaken { .. }
            | Event::TargetRead { .. }
            | Event::TargetWritten { .. }
            | Event::TargetStale { .. }
            | Event::TargetRefused { .. }
            | Event::TargetPutOff { .. }
            | Event::ComplianceShown
            | Event::ComplianceNotShown { .. }
            | Event::NoteAdded
            | Event::NoteNotAdded { .. }
            | Event::ShowingPutOff { .. }
            | Event::RecordUnlinked
            | Event::RecordLinked { .. }
            | Event::IdentitySplit { .. }
            | Event::CurrencyRefused { .. }
            | Event::PatchWritten { .. }
            | Event::PatchHeld { .. }
            | Event::PatchRefused { .. }
    )
}
