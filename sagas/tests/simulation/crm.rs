//! Simulated Attio and mail, and the practice vendor of rehearsals: what is written last in its own order stands.

use crate::braintree::not_found;
use chrono::{DateTime, Utc};
use sagas::kernel::answer::{Answer, Client, Request};
use sagas::kernel::effect::{Attio, AttioRecord, Effect, LetterFacts, Mail, Practice, PracticeScript};
use sagas::kernel::outcome::{Decline, DeclineKind, Look, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// A subscription record on which people press acts.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) company: String,
    pub(crate) plan: String,
    pub(crate) quantity: Option<u32>,
    /// The act's title.
    pub(crate) act: Option<String>,
    pub(crate) pressed_at: Option<DateTime<Utc>>,
    external_id: Option<String>,
    pub(crate) deleted: bool,
}

#[derive(Default)]
pub(crate) struct Crm {
    pub(crate) records: BTreeMap<String, Asked>,
    shown: BTreeMap<String, u64>,
    tasks: BTreeSet<String>,
    tickets: BTreeSet<(String, u64)>,
    letters: BTreeSet<String>,
    refused: BTreeSet<(String, DateTime<Utc>)>,
    card_pages: BTreeSet<(String, DateTime<Utc>)>,
    reserved: BTreeSet<String>,
    noted: BTreeSet<String>,
    tried: BTreeSet<String>,
    /// Practice money by reference.
    pub(crate) taken: BTreeMap<String, u32>,
}

impl Crm {
    pub(crate) fn ask(&mut self, record: &str, company: &str, plan: &str) {
        let asked = Asked {
            company: company.to_owned(),
            plan: plan.to_owned(),
            quantity: None,
            act: None,
            pressed_at: None,
            external_id: None,
            deleted: false,
        };
        self.records.insert(record.to_owned(), asked);
    }

    /// Somebody presses an act on a record.
    pub(crate) fn press(&mut self, record: &str, act: &str, at: DateTime<Utc>) {
        if let Some(asked) = self.records.get_mut(record) {
            (asked.act, asked.pressed_at) = (Some(act.to_owned()), Some(at));
        }
    }

    pub(crate) fn perform(&mut self, effect: &Effect) -> Outcome {
        let answer = match effect {
            Effect::Attio(call) => match self.attio(call) {
                Some(answer) => answer,
                None => return not_found(),
            },
            Effect::Mail(Mail::Send(letter)) => {
                self.letters.insert(letter.reference.clone());
                Answer::Nothing
            }
            Effect::Practice(call) => return self.rehearse(call),
            Effect::Desk(_) | Effect::Braintree(_) | Effect::Zoho(_) | Effect::Crm(_) => {
                panic!("no call of these vendors")
            }
            Effect::Helpdesk(_) => panic!("there is no Zoho Desk in this world"),
        };
        Outcome::Done { answer }
    }

    fn attio(&mut self, call: &Attio) -> Option<Answer> {
        Some(match call {
            Attio::FindClient { record, .. } => Answer::Client(Box::new(Client {
                record: record.clone(),
                ambiguous: false,
                braintree_customer: None,
                zoho_customer: None,
            })),
            Attio::Project(projection) => {
                self.newest(&projection.saga, projection.sync_version);
                Answer::Projected { transaction_record: Some("t1".to_owned()), subscription_record: None }
            }
            Attio::ReadRequest { record } => {
                let asked = self.records.get(record).filter(|r| !r.deleted)?;
                Answer::Request(Box::new(request(asked)))
            }
            Attio::ReadPerson { .. } => Answer::PersonRead { missing: Vec::new(), country: Some("DE".to_owned()) },
            Attio::ShowSubscription(face) => {
                let fresh = self.newest(&face.saga, face.sync_version);
                let asked = self.records.get_mut(&face.record).filter(|r| !r.deleted)?;
                if fresh {
                    asked.external_id.clone_from(&face.external_id);
                    if face.answers_act {
                        asked.act = None;
                    }
                }
                Answer::Projected { transaction_record: None, subscription_record: None }
            }
            Attio::ShowCardPage(face) => {
                let asked = self.records.get_mut(&face.record).filter(|r| !r.deleted)?;
                if face.answers_act && asked.pressed_at.is_some_and(|at| at <= face.as_of) {
                    asked.act = None;
                }
                self.card_pages.insert((face.record.clone(), face.as_of));
                Answer::Projected { transaction_record: None, subscription_record: None }
            }
            Attio::ShowEnding(face) => {
                let fresh = self.newest(&face.saga, face.sync_version);
                let asked = self.records.get_mut(&face.record).filter(|r| !r.deleted)?;
                let pressed = face.answers.as_ref().map(|act| (Some(&act.act), Some(act.pressed_at)));
                if fresh && pressed == Some((asked.act.as_ref(), asked.pressed_at)) {
                    asked.act = None;
                }
                Answer::Projected { transaction_record: None, subscription_record: None }
            }
            Attio::ShowPlan(face) => {
                let fresh = self.newest(&face.saga, face.sync_version);
                let asked = self.records.get_mut(&face.record).filter(|r| !r.deleted)?;
                let pressed = face.answers.as_ref().map(|act| (Some(&act.act), Some(act.pressed_at)));
                if fresh && pressed == Some((asked.act.as_ref(), asked.pressed_at)) {
                    asked.act = None;
                }
                Answer::Projected { transaction_record: None, subscription_record: None }
            }
            Attio::RefuseAct(refused) => {
                let asked = self.records.get_mut(&refused.record).filter(|r| !r.deleted)?;
                if asked.act.as_ref() == Some(&refused.act) && asked.pressed_at == Some(refused.pressed_at) {
                    asked.act = None;
                }
                self.refused.insert((refused.record.clone(), refused.pressed_at));
                Answer::Projected { transaction_record: None, subscription_record: None }
            }
            Attio::AddTask(task) => {
                self.tasks.insert(task.marker.clone());
                Answer::Nothing
            }
            Attio::ShowTicket(face) => {
                let asked = self.records.get_mut(&face.record).filter(|r| !r.deleted)?;
                let press = face.answers.as_ref();
                if press.is_some_and(|press| asked.act.as_ref() == Some(&press.act)) {
                    asked.act = None;
                }
                self.tickets.insert((face.record.clone(), face.version));
                Answer::Nothing
            }
            Attio::AddNote(_)
            | Attio::MakePerson { .. }
            | Attio::ReadClient { .. }
            | Attio::FindPerson { .. }
            | Attio::ShowClient(_)
            | Attio::SetCompliance { .. }
            | Attio::ShowProfile(_)
            | Attio::WriteProfile(_)
            | Attio::NoteDisplaced(_)
            | Attio::AddRecordTask { .. }
            | Attio::SeekPerson { .. }
            | Attio::ErasePerson { .. }
            | Attio::ReadCatalog
            | Attio::ShowOffering(_)
            | Attio::AnswerCatalogAct(_)
            | Attio::AskAction(_)
            | Attio::AddCatalogTask(_)
            | Attio::ShowOwner(_) => panic!("no flow of this world asks for {call:?}"),
        })
    }

    /// An older write never replaces a newer one.
    fn newest(&mut self, saga: &str, version: u64) -> bool {
        let shown = self.shown.entry(saga.to_owned()).or_default();
        let newer = version > *shown;
        *shown = version.max(*shown);
        newer
    }

    fn rehearse(&mut self, call: &Practice) -> Outcome {
        let script = match call {
            Practice::Look => PracticeScript::Works,
            Practice::Reserve { id, script } => {
                self.reserved.insert(id.clone());
                *script
            }
            Practice::Note { id, script } => {
                self.noted.insert(id.clone());
                *script
            }
            Practice::Unreserve { id, script } => {
                self.reserved.remove(id);
                *script
            }
            Practice::Take { reference, script, .. } => {
                let first = self.tried.insert(reference.clone());
                let lost = *script == PracticeScript::LostUnanswered && first;
                if !lost && *script != PracticeScript::Declines {
                    *self.taken.entry(reference.clone()).or_default() += 1;
                }
                *script
            }
        };
        match script {
            PracticeScript::Works => Outcome::Done { answer: Answer::Nothing },
            PracticeScript::Declines | PracticeScript::Refuses => Outcome::Declined { decline: declined() },
            PracticeScript::DoneUnanswered | PracticeScript::LostUnanswered => {
                Outcome::Unknown { detail: "no answer came".to_owned() }
            }
        }
    }

    pub(crate) fn look(&self, effect: &Effect) -> Look {
        let found = |answer| Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: Vec::new() };
        let absent = Look::Absent { watermark: true, key_proven: false };
        let is_there = match effect {
            Effect::Attio(Attio::Project(p)) => self.shown.get(&p.saga).is_some_and(|v| *v >= p.sync_version),
            Effect::Attio(Attio::ShowSubscription(f)) => self.shown.get(&f.saga).is_some_and(|v| *v >= f.sync_version),
            Effect::Attio(Attio::ShowCardPage(f)) => self.card_pages.contains(&(f.record.clone(), f.as_of)),
            Effect::Attio(Attio::ShowEnding(f)) => self.shown.get(&f.saga).is_some_and(|v| *v >= f.sync_version),
            Effect::Attio(Attio::ShowPlan(f)) => self.shown.get(&f.saga).is_some_and(|v| *v >= f.sync_version),
            Effect::Attio(Attio::RefuseAct(r)) => self.refused.contains(&(r.record.clone(), r.pressed_at)),
            Effect::Attio(Attio::AddTask(task)) => self.tasks.contains(&task.marker),
            Effect::Attio(Attio::ShowTicket(f)) => self.tickets.contains(&(f.record.clone(), f.version)),
            // Whether a letter went out cannot be asked: one of money goes out again, any other counts as sent.
            Effect::Mail(Mail::Send(letter)) => {
                !matches!(letter.about, LetterFacts::Receipt { .. }) || self.letters.contains(&letter.reference)
            }
            Effect::Practice(Practice::Reserve { id, .. }) => self.reserved.contains(id),
            Effect::Practice(Practice::Note { id, .. }) => self.noted.contains(id),
            Effect::Practice(Practice::Unreserve { id, .. }) => !self.reserved.contains(id),
            Effect::Practice(Practice::Take { reference, .. }) => self.taken.contains_key(reference),
            _ => false,
        };
        if is_there { found(Answer::Nothing) } else { absent }
    }
}

fn request(asked: &Asked) -> Request {
    Request {
        client: Some(AttioRecord { object: "companies".to_owned(), id: asked.company.clone() }),
        plan: Some(asked.plan.clone()),
        addons: Vec::new(),
        quantity: asked.quantity,
        coupon: None,
        starts_on: None,
        trial_days: None,
        owner: None,
        act: asked.act.clone(),
        pressed_at: asked.pressed_at,
        external_id: asked.external_id.clone(),
        zoho_subscription: None,
        problems: Vec::new(),
    }
}

fn declined() -> Decline {
    Decline {
        kind: DeclineKind::Processor,
        code: "2001".to_owned(),
        text: "declined".to_owned(),
        response_type: None,
        advice_code: None,
        advice_text: None,
        network_code: None,
        network_text: None,
        transaction: None,
        brand: None,
    }
}
