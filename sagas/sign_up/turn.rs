//! What follows from an input, event by event, on a state that changes with each.

use super::state::{Ending, Stage, State};
use super::steps;
use super::words::{Command, Concern, Event, Origin};
use crate::kernel::answer::{Answer, ClaimHolder, CollectionOwner};
use crate::kernel::effect::{Attio, Desk, Effect};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::retry::PutOff;
use crate::kernel::saga::{Answered, At, End, Refusal};
use crate::kernel::tags::Lifecycle;
use chrono::{DateTime, Utc};

/// Events so far, and the state after them.
pub(super) struct Turn<'a> {
    pub(super) state: State,
    at: &'a At,
    pub(super) out: Vec<Event>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(state: &State, at: &'a At) -> Self {
        Self { state: state.clone(), at, out: Vec::new() }
    }

    fn push(&mut self, event: Event) {
        self.state.apply(&event);
        self.out.push(event);
    }

    pub(super) fn told(&mut self, command: &Command) -> Result<(), Refusal> {
        let at = self.at.now;
        match command {
            Command::SignedUp { origin, product, ends_at, terms } if self.state.intake.is_none() => {
                self.push(Event::SignedUp {
                    origin: origin.clone(),
                    product: product.clone(),
                    ends_at: *ends_at,
                    terms: terms.clone(),
                    at,
                });
                self.needs_product();
            }
            Command::SignedUp { origin, product, ends_at, .. } => self.again(origin, product, *ends_at),
            Command::TrialMoved { .. } | Command::ProductTaken { .. } if self.state.intake.is_none() => {
                return Err(Refusal::new("no_sign_up", "nobody signed up under this id"));
            }
            Command::TrialMoved { ends_at, reason, by, approved } => self.moved(*ends_at, reason, by, *approved)?,
            Command::ProductTaken { by } => {
                if self.state.claim.is_some() {
                    self.push(Event::ProductHandedOver { to: *by, look_at: PutOff::default().again_at(at) });
                }
            }
        }
        Ok(())
    }

    /// The same sign-up told again changes nothing; a further press is answered.
    fn again(&mut self, origin: &Origin, product: &str, ends_at: DateTime<Utc>) {
        let Some(intake) = &self.state.intake else { return };
        let Origin::Press { press, .. } = origin else { return };
        let known = matches!(&intake.origin, Origin::Press { press: first, .. } if first == press);
        if known || self.state.face.answers.as_ref() == Some(press) {
            return;
        }
        if self.state.stage == (Stage::Over { ending: Ending::Refused }) && !self.state.had_trial {
            let product = product.to_owned();
            self.push(Event::SignUpBegunAgain { press: press.clone(), product, ends_at, at: self.at.now });
            return self.needs_product();
        }
        let refusal = match &self.state.stage {
            Stage::New | Stage::Joining | Stage::Trial => None,
            Stage::Over { ending } => Some(match ending {
                Ending::Converted => "No trial was started: the customer has the product already.".to_owned(),
                Ending::Expired | Ending::Refused => {
                    "No trial was started: a second one of the same product needs an approval. Ask an operator to grant it."
                        .to_owned()
                }
            }),
        };
        self.push(Event::SignUpAskedAgain { press: press.clone(), refusal, at: self.at.now });
    }

    fn needs_product(&mut self) {
        if self.state.intake.as_ref().is_some_and(|intake| intake.product.is_empty()) {
            let reason = "it is not configured which product is tried".to_owned();
            self.refuse(reason, "ask an operator to set TRIAL_PRODUCT, then press again");
        }
    }

    fn moved(&mut self, to: DateTime<Utc>, reason: &str, by: &str, approved: bool) -> Result<(), Refusal> {
        let (at, reason, by) = (self.at.now, reason.to_owned(), by.to_owned());
        match &self.state.stage {
            Stage::New | Stage::Joining | Stage::Trial => {
                let Some(from) = self.state.ends_at.filter(|from| *from != to) else { return Ok(()) };
                self.push(Event::TrialMoved { from, to, reason, by, at });
            }
            Stage::Over { ending: Ending::Converted } => {
                return Err(Refusal::new("converted", "the trial has become a subscription: there is none to move"));
            }
            Stage::Over { ending: Ending::Expired | Ending::Refused } if !approved => {
                let why = "the trial is over, and a second one of the same product needs an approval: have it granted by \
                           somebody who may";
                return Err(Refusal::new("second_trial", why));
            }
            Stage::Over { .. } if to <= at => {
                return Err(Refusal::new("in_the_past", "a trial that is granted ends in the future"));
            }
            Stage::Over { .. } => self.push(Event::TrialGranted { ends_at: to, reason, by, at }),
        }
        Ok(())
    }

    pub(super) fn resumed(&mut self) {
        if self.state.split.is_some() {
            self.push(Event::IdentityResolved);
        }
    }

    /// Whatever has fallen due by now.
    pub(super) fn due(&mut self) {
        let now = self.at.now;
        let is_due = |until: Option<DateTime<Utc>>| until.is_some_and(|until| until <= now);
        for concern in [Concern::Crm, Concern::Attio] {
            if is_due(self.state.put_off.of(concern).until) {
                self.push(Event::PutOffDue { concern });
            }
        }
        if self.state.stage != Stage::Trial {
            return;
        }
        if let Some(ends_at) = self.state.ends_at.filter(|_| is_due(self.state.notice_at)) {
            self.push(Event::NoticeDue { ends_at });
        }
        match &self.state.sale {
            Some(sale) if sale.look_at <= now && !sale.due => self.push(Event::LookDue),
            // While the product is being sold, what becomes of the sale decides.
            None if is_due(self.state.ends_at) => {
                self.push(Event::TrialExpired { released: self.state.claim.clone(), at: now });
            }
            Some(_) | None => {}
        }
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let Answered { step, effect, outcome, .. } = *answered;
        match outcome {
            Outcome::Done { answer } => self.done(step, effect, answer),
            Outcome::Declined { .. } if step == "claim" => self.not_claimed(),
            Outcome::Rejected { rejection } => self.refused(step, rejection),
            // Nobody else declines. The machine parks it.
            Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {}
        }
    }

    fn done(&mut self, step: &str, effect: &Effect, answer: &Answer) {
        let at = self.at.now;
        match (step, answer) {
            ("find_person", Answer::PersonFound { record }) => self.push(Event::PersonFound { record: record.clone() }),
            ("enrol", Answer::Enrolled(enrolment)) => {
                self.push(Event::CustomerEnrolled { customer: enrolment.customer.clone() });
            }
            ("enrol", _) => {
                if let Effect::Desk(Desk::Link { links }) = effect
                    && let Some(link) = links.first()
                {
                    self.push(Event::CustomerEnrolled { customer: link.ours.clone() });
                }
            }
            ("read_client", Answer::ClientRead(client)) => {
                self.push(Event::ClientRead { client: client.clone() });
                if !client.missing.is_empty() {
                    let reason = format!("the record lacks {}", client.missing.join(", "));
                    return self.refuse(reason, "fill it in, then press again");
                }
                let unsorted = steps::unsorted(&self.state);
                if !unsorted.is_empty() {
                    self.push(Event::TagsWithheld { unsorted });
                }
            }
            ("claim", _) => self.claimed(),
            ("look", Answer::ClaimHeldBy { holder }) => self.looked(holder.as_ref()),
            ("unlink", _) => self.push(Event::UserUnlinked),
            ("find_account", Answer::CrmRecord(record)) => {
                self.push(Event::AccountLooked { account: record.id.clone() });
            }
            ("account", Answer::CrmRecord(record)) => {
                if let Some(account) = record.id.clone() {
                    self.push(Event::AccountMade { account });
                }
            }
            ("contact", Answer::CrmRecord(record)) => {
                if let (Some(contact), Some(account)) = (record.id.clone(), self.state.crm.account.clone()) {
                    self.push(Event::InCrm { contact, account, at });
                }
            }
            ("link", _) => self.push(Event::CrmLinked),
            ("read_tags", Answer::CrmRecord(record)) => {
                let active = record.tags.contains(&Lifecycle::Active.tag());
                self.push(Event::TagsRead { active });
            }
            ("tag", _) => {
                if let Some(lifecycle) = self.state.lifecycle() {
                    self.push(Event::Tagged { lifecycle });
                }
            }
            ("show", _) => {
                if let Effect::Attio(Attio::ShowClient(shown)) = effect {
                    self.push(Event::RecordShown { version: shown.version });
                }
            }
            ("comply", _) => self.push(Event::ComplianceShown),
            ("note", _) => {
                if let Some(note) = self.state.notes.first().cloned() {
                    self.push(Event::NoteAdded { cause: note.cause });
                }
            }
            // No step is answered with anything else.
            _ => {}
        }
    }

    fn claimed(&mut self) {
        let Some(claim) = steps::product(&self.state) else { return };
        if self.state.stage == Stage::Trial {
            self.push(Event::ProductTakenBack { claim });
            return;
        }
        let Some(ends_at) = self.state.ends_at else { return };
        self.push(Event::TrialStarted { claim, ends_at, at: self.at.now });
    }

    /// Another saga holds the product.
    fn not_claimed(&mut self) {
        if self.state.stage == Stage::Trial {
            return self.push(Event::ProductNotTakenBack);
        }
        let reason = "the customer has this product already, is buying it, or tries it under another sign-up";
        self.refuse(reason.to_owned(), "finish or cancel that first, or have a trial granted");
    }

    fn refuse(&mut self, reason: String, cure: &str) {
        self.push(Event::SignUpRefused { reason, cure: cure.to_owned(), at: self.at.now });
    }

    /// Who sells the product decides what becomes of the trial, also where its time is over meanwhile.
    fn looked(&mut self, holder: Option<&ClaimHolder>) {
        let now = self.at.now;
        let looks = self.state.sale.as_ref().map_or(0, |sale| sale.looks + 1);
        let look_at = PutOff { refusals: looks, until: None }.again_at(now);
        self.push(Event::HolderRead { holder: holder.cloned(), look_at });
        match holder {
            // Zoho's own sale is on record once it is bought, and is looked after for as long as it runs.
            Some(
                ClaimHolder { saga, ended: Some(End::Completed), .. }
                | ClaimHolder { saga, ended: None, collected_by: Some(CollectionOwner::ZohoNative), .. },
            ) => {
                self.push(Event::TrialConverted { by: *saga, at: now });
            }
            None if self.state.ends_at.is_some_and(|ends_at| ends_at <= now) => {
                self.push(Event::TrialExpired { released: None, at: now });
            }
            Some(_) | None => {}
        }
    }

    fn refused(&mut self, step: &str, rejection: &Rejection) {
        let code = rejection.code.clone();
        let gone = rejection.kind == RejectionKind::NotFound;
        match step {
            "enrol" | "link" if code == "linked_otherwise" => self.split(&rejection.message),
            "account" | "contact" if code.starts_with("duplicate_") => self.split(&rejection.message),
            "read_client" if gone => {
                self.refuse("the person's record is gone".to_owned(), "make it again, then press `Start trial` there");
            }
            "find_account" | "account" | "contact" | "read_tags" | "tag" => self.put_off(Concern::Crm, code),
            "show" if gone => self.push(Event::RecordNotShown { version: self.state.face.version, code }),
            "comply" if gone => self.push(Event::ComplianceNotShown { code }),
            "note" if gone => {
                if let Some(note) = self.state.notes.first().cloned() {
                    self.push(Event::NoteNotAdded { cause: note.cause, code });
                }
            }
            "show" | "comply" | "note" => self.put_off(Concern::Attio, code),
            // The machine parks it.
            _ => {}
        }
    }

    fn split(&mut self, message: &str) {
        let detail = format!("D39: {message}. Nothing was merged; settle who it is, then resume");
        self.push(Event::IdentitySplit { detail });
    }

    fn put_off(&mut self, concern: Concern, code: String) {
        let again_at = self.state.put_off.of(concern).again_at(self.at.now);
        self.push(Event::PutOff { concern, code, again_at });
    }
}
