//! What follows from what comes: decides, and changes nothing but by events.

use super::ProfileChange;
use super::state::{Stage, Standing};
use super::steps;
use super::words::{Command, Event, Rules};
use crate::kernel::answer::Answer;
use crate::kernel::countries::laws_of;
use crate::kernel::effect::{Attio, Effect};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::profile::{Field, Fields, Target};
use crate::kernel::saga::{Answered, Refusal};
use chrono::{DateTime, TimeDelta, Utc};

pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, ProfileChange>;

/// What is typed in a row is carried on as one: after the last change more is waited for so long.
const SETTLES: TimeDelta = TimeDelta::seconds(5);
/// Our own side's words for a person of whom nothing is kept.
const PERSON_GONE: [&str; 2] = ["person_gone", "no_person"];

/// Our own side's word for values of which nothing is kept any more.
const NOTHING_KEPT: &str = "nothing_kept";
/// Attio's word for a value that has to be unique, and is another record's: of what is written of a client, an e-mail address.
const ADDRESS_TAKEN: &str = "uniqueness_conflict";

impl Turn<'_> {
    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        let (now, settles_at) = (self.at.now, self.settles_at());
        let customer = match command {
            Command::Changed { customer, .. }
            | Command::Check { customer, .. }
            | Command::Patched { customer, .. }
            | Command::Merged { customer, .. }
            | Command::Deleted { customer, .. }
            | Command::CurrencyAsked { customer, .. } => customer.clone(),
        };
        if self.state.customer.as_ref().is_some_and(|known| *known != customer) {
            return Err(Refusal::new("other_customer", "this stream is another customer's"));
        }
        match command {
            Command::Changed { client, by, .. } | Command::Check { client, by, .. } => {
                let whole = matches!(command, Command::Check { .. });
                let (client, by) = (client.clone(), by.clone());
                self.push(Event::ChangeHeard { customer, client, by, whole, settles_at, at: now });
            }
            Command::Patched { client, fields, mark, by, .. } => {
                let (client, fields, mark, by) = (client.clone(), fields.clone(), mark.clone(), by.clone());
                self.push(Event::PatchHeard { customer, client, fields, mark, by, at: now });
            }
            Command::Merged { from, into, .. } => {
                let (from, into) = (from.clone(), into.clone());
                self.push(Event::RecordMerged { customer, from, into, at: now });
            }
            Command::Deleted { client, .. } => {
                // Of a record that is no longer the customer's nothing follows.
                if self.state.client.as_ref().is_none_or(|known| known == client) {
                    self.push(Event::RecordGone { client: client.clone(), at: now });
                }
            }
            Command::CurrencyAsked { client, currency, by, .. } => {
                let (client, currency, by) = (client.clone(), currency.clone(), by.clone());
                self.push(Event::CurrencyAsked { customer, client, currency, by, at: now });
            }
        }
        Ok(())
    }

    fn settles_at(&self) -> DateTime<Utc> {
        self.at.now + SETTLES
    }

    /// The time of a wait has come.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        let is_due = |until: Option<DateTime<Utc>>| until.is_some_and(|until| until <= now);
        if let Some(told) = self.state.people.come_due(now) {
            return self.push(Event::Told(told));
        }
        if is_due(self.state.attio.until) {
            return self.push(Event::PutOffDue);
        }
        let settled = self.state.stage == Stage::Settling && is_due(self.state.owed);
        let again = self.state.stage == Stage::Rests && is_due(self.state.put_off.until);
        if settled || again {
            self.push(Event::CarryingBegan { at: now });
        }
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let now = self.at.now;
        match (answered.step, answered.outcome) {
            ("show", outcome) => {
                if let Effect::Attio(Attio::ShowProfile(face)) = answered.effect {
                    let told = self.state.people.shown(face.version, outcome, now);
                    self.push(Event::Told(told));
                }
            }
            ("task", outcome) => {
                let told = self.state.people.task_told(outcome, now);
                self.push(Event::Told(told));
            }
            (step, Outcome::Done { answer }) => self.done(step, answer),
            (step, Outcome::Rejected { rejection }) => self.refused(step, rejection),
            // Nobody here declines: the machine parks it.
            (_, Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. }) => {}
        }
    }

    fn done(&mut self, step: &str, answer: &Answer) {
        let now = self.at.now;
        // What was heard meanwhile holds it up: what was asked before that counts no more.
        if matches!(self.state.stage, Stage::Held { .. }) && matches!(step, "read" | "compare" | "read_settings") {
            return;
        }
        match (step, answer) {
            ("read_settings", Answer::Settings { settings }) => {
                // What cannot be read was refused when the service started; absent: the defaults hold.
                let rules: Rules = serde_json::from_value(settings.clone()).unwrap_or_default();
                self.push(Event::SettingsRead { rules });
            }
            ("read", Answer::PersonRead { missing, country }) => {
                self.push(Event::ClientRead { missing: missing.clone(), country: country.clone() });
            }
            ("compare", Answer::ProfileCompared(compared)) => {
                self.push(Event::ProfileCompared { compared: compared.clone(), at: now });
            }
            ("weigh_currency", Answer::ProfileCompared(compared)) => {
                self.push_currency(compared.billed_in.clone());
            }
            ("find_address", Answer::ZohoCustomers { customers }) => {
                let own = self.state.round.compared.keys.get(&Target::Billing);
                let ours = self.state.customer.as_ref();
                let other = customers.iter().find(|found| {
                    found.active && own != Some(&found.id) && (ours.is_none() || found.our_customer.as_ref() != ours)
                });
                self.push(match other {
                    Some(other) => Event::AddressTaken { by: format!("customer {} in Zoho Billing", other.id) },
                    None => Event::AddressFree,
                });
            }
            (step, Answer::ProfileShown(shown)) => {
                if let Some(target) = target_of(step) {
                    self.push(Event::TargetRead { target, shown: shown.clone(), at: now });
                    self.found_written(target, &shown.owed);
                }
            }
            ("write_client", _) => self.patch_written(),
            (step, _) if step.starts_with("write_") => {
                if let Some((target, fields)) = target_of(step).and_then(|target| Some((target, self.owed(target)?))) {
                    self.push(Event::TargetWritten { target, fields, at: now });
                }
            }
            ("comply", _) => self.push(Event::ComplianceShown),
            ("note", _) => self.push(Event::NoteAdded),
            ("unlink", _) => self.push(Event::RecordUnlinked),
            ("link", _) => {
                if let Some((_, into)) = self.state.merged.clone() {
                    self.push(Event::RecordLinked { into, settles_at: self.settles_at() });
                }
            }
            // No step is answered with anything else.
            _ => {}
        }
    }

    /// A write found the target changed, and now it shows what was to be written: it stands there, whoever's answer was lost.
    fn found_written(&mut self, target: Target, still_owed: &Fields) {
        let round = &self.state.round;
        let Some(fields) = round.stale.get(&target).filter(|_| still_owed.is_empty()).map(|was| round.owed(was)) else {
            return;
        };
        self.push(Event::TargetWritten { target, fields, at: self.at.now });
    }

    fn push_currency(&mut self, billed_in: Option<String>) {
        if let Some(currency) = self.state.currency.clone() {
            self.push(Event::CurrencyRefused { currency, billed_in, at: self.at.now });
        }
    }

    /// What is being written to a target.
    fn owed(&self, target: Target) -> Option<Fields> {
        match self.state.round.standing.get(&target)? {
            Standing::Read { shown } => Some(self.state.round.owed(shown)),
            Standing::Unread | Standing::Over => None,
        }
    }

    fn refused(&mut self, step: &str, rejection: &Rejection) {
        let (code, at) = (rejection.code.clone(), self.at.now);
        let gone = rejection.kind == RejectionKind::NotFound;
        if step == "write_client" && code == NOTHING_KEPT {
            // Told twice, or the person was erased: what is read next says which.
            return self.patch_written();
        }
        if PERSON_GONE.contains(&code.as_str()) {
            return self.push(Event::PersonUnknown);
        }
        if let Some(target) = target_of(step) {
            return self.target_refused(target, rejection);
        }
        match step {
            "write_client" if !gone && rejection.kind != RejectionKind::Config => self.patch_refused(code),
            "read" | "write_client" if gone => {
                if let Some(client) = self.state.client.clone() {
                    self.push(Event::RecordGone { client, at });
                }
            }
            // Whether somebody else has it is not known: it waits for the next time.
            "find_address" => {
                if let Some((target, _)) = self.state.round.next() {
                    self.put_off(target, code);
                }
            }
            "comply" if rejection.kind != RejectionKind::Config => self.push(Event::ComplianceNotShown { code }),
            "note" if rejection.kind != RejectionKind::Config => self.push(Event::NoteNotAdded { code }),
            "comply" | "note" => {
                let again_at = self.state.attio.again_at(at);
                self.push(Event::ShowingPutOff { code, again_at });
            }
            "link" if code == "linked_otherwise" => {
                let detail = format!(
                    "D39: {}. Two records that were merged in Attio belong to two customers of ours: decide which one goes on, then resume",
                    rejection.message
                );
                self.push(Event::IdentitySplit { detail });
            }
            // The flow names no branch: the machine parks it.
            _ => {}
        }
    }

    fn patch_written(&mut self) {
        if let Some(mark) = self.state.patches.first().map(|patch| patch.mark.clone()) {
            self.push(Event::PatchWritten { mark, settles_at: self.settles_at() });
        }
    }

    /// An address that is another record's stops alone.
    fn patch_refused(&mut self, code: String) {
        let (Some(patch), at) = (self.state.patches.first(), self.at.now) else { return };
        let (mut fields, mark) = (patch.fields.clone(), patch.mark.clone());
        let taken = code == ADDRESS_TAKEN && fields.remove(&Field::Email);
        self.push(if taken {
            Event::PatchHeld { mark, fields, at }
        } else {
            Event::PatchRefused { mark, fields, code, at }
        });
    }

    fn target_refused(&mut self, target: Target, rejection: &Rejection) {
        let (code, at) = (rejection.code.clone(), self.at.now);
        let fields = self.owed(target).unwrap_or_default();
        match rejection.kind {
            RejectionKind::Changed => self.push(Event::TargetStale { target, at }),
            RejectionKind::Config => self.put_off(target, code),
            // Zoho CRM has another record with that address.
            _ if code.starts_with("duplicate_") && fields.contains(&Field::Email) => {
                self.push(Event::AddressTaken { by: format!("another {}", target.title()) });
            }
            _ => self.push(Event::TargetRefused { target, fields, code, at }),
        }
    }

    fn put_off(&mut self, target: Target, code: String) {
        let again_at = self.state.put_off.again_at(self.at.now);
        self.push(Event::TargetPutOff { target, code, again_at, at: self.at.now });
    }

    /// A target was not reached in time: the others go on.
    pub(super) fn unreached(&mut self) {
        let late = self.state.round.since.is_some_and(|since| since + steps::PATIENCE <= self.at.now);
        if let Some((target, _)) = self.state.round.next().filter(|_| late) {
            self.put_off(target, "not_reached".to_owned());
        }
    }

    /// A person looked at what is held.
    pub(super) fn resumed(&mut self) {
        match &self.state.stage {
            Stage::Held { code: crate::kernel::park::ParkCode::LoopGuard, .. } => {
                self.push(Event::GuardReset { at: self.at.now });
            }
            Stage::Held { .. } => {
                let settles_at = self.settles_at();
                self.push(Event::HoldLifted { settles_at });
            }
            _ => {}
        }
    }

    /// What follows by itself: targets of which nothing is written are over, the loop guard, the end of a carrying.
    pub(super) fn go_on(&mut self) {
        if self.state.stage != Stage::Targets {
            return;
        }
        while let Some((target, Some(shown))) = self.state.round.next() {
            if !self.state.round.owed(shown).is_empty() {
                if self.state.written_in_a_day(target, self.at.now) >= steps::WRITES_A_DAY {
                    self.push(Event::LoopStopped { target, at: self.at.now });
                }
                return;
            }
            // What is left of it is held.
            self.push(Event::TargetHeld { target, at: self.at.now });
        }
        if self.state.round.next().is_none() {
            let moved = self.state.round.moved(|field| field == Field::Country);
            let laws = self.state.round.country.as_deref().filter(|_| moved).and_then(laws_of);
            let tagged = laws.is_some() && self.state.round.found.contains(&Target::Contact);
            self.push(Event::CarryingEnded { laws, tagged, at: self.at.now });
        }
    }
}

/// The target of a step.
fn target_of(step: &str) -> Option<Target> {
    let (_, word) = step.split_once('_')?;
    Target::ALL.into_iter().find(|target| target.word() == word)
}
