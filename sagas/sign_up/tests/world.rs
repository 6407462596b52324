//! A small world for the flow: our tables, Zoho CRM's records by our ids, one person's record in Attio.

use crate::kernel::answer::{Answer, ClaimHolder, ClientRead, CollectionOwner, CrmRecord, Enrolment};
use crate::kernel::effect::{
    Attio, AttioRecord, Claim, ClientStanding, Crm, CrmModule, Desk, Effect, IdLink, PressedAct, RecordNote,
};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::outcome::{DeclineKind, Outcome};
use crate::kernel::saga::End;
use crate::kernel::tags::LeadSource;
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{decline, instant};
use crate::sign_up::{Command, Origin, START_TRIAL, SignUp, Terms};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const USER: &str = "user-1";
pub(super) const CUSTOMER: &str = "cust1";
pub(super) const ACCOUNT: &str = "acct1";

pub(super) struct World {
    bench: Bench<SignUp>,
    /// What is tried; empty: it is not configured.
    pub(super) product: &'static str,
    pub(super) read: ClientRead,
    /// CRM's id and tags of each record, by module and our id.
    pub(super) crm: BTreeMap<(&'static str, String), (String, BTreeSet<String>)>,
    pub(super) links: Vec<IdLink>,
    /// Another saga holds the product.
    pub(super) holder: Option<ClaimHolder>,
    pub(super) shown: Vec<ClientStanding>,
    pub(super) laws: Option<Vec<String>>,
    pub(super) notes: Vec<RecordNote>,
}

stands_on_its_bench!(World, SignUp);

pub(super) fn source(word: &str) -> LeadSource {
    LeadSource::typed(word).expect("makes a tag")
}

pub(super) fn person() -> AttioRecord {
    AttioRecord { object: "people".to_owned(), id: "person1".to_owned() }
}

pub(super) fn seller() -> SagaId {
    SagaId::derived("test", &["activation"])
}

pub(super) fn busy() -> Outcome {
    Outcome::Declined { decline: decline(DeclineKind::Busy, "claimed") }
}

fn terms() -> Terms {
    let installation = Installation::new("demo1").expect("valid");
    Terms { installation, notice_days: 3, sources: LeadSource::agreed() }
}

impl World {
    pub(super) fn new() -> Self {
        Self::of(SignUp::of_user(USER))
    }

    fn of(id: SagaId) -> Self {
        Self {
            bench: Bench::new(id, instant("2026-11-02T09:00:00Z")),
            product: "prod1",
            read: ClientRead {
                missing: Vec::new(),
                country: Some("DE".to_owned()),
                lead_source: Some(source("website")),
                account: ACCOUNT.to_owned(),
                company: Some(AttioRecord { object: "companies".to_owned(), id: "company1".to_owned() }),
            },
            crm: BTreeMap::new(),
            links: Vec::new(),
            holder: None,
            shown: Vec::new(),
            laws: None,
            notes: Vec::new(),
        }
    }

    /// The platform's sign-up of a user, for 14 days.
    pub(super) fn signed_up(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::new();
        change(&mut world);
        let command = world.sign_up();
        world.tell(command);
        world
    }

    pub(super) fn sign_up(&self) -> Command {
        let origin = Origin::Platform {
            user: USER.to_owned(),
            customer: CUSTOMER.to_owned(),
            lead_source: Some(source("website")),
        };
        self.command(origin)
    }

    /// A CRM user pressed the act.
    pub(super) fn pressed(change: impl FnOnce(&mut Self)) -> Self {
        let mut world = Self::of(SignUp::of_record(&person()));
        change(&mut world);
        world.press();
        world
    }

    pub(super) fn press(&mut self) {
        let press = PressedAct { act: START_TRIAL.to_owned(), pressed_at: self.now };
        let command = self.command(Origin::Press { record: person(), press });
        self.tell(command);
    }

    fn command(&self, origin: Origin) -> Command {
        let ends_at = self.now + TimeDelta::days(14);
        Command::SignedUp { origin, product: self.product.to_owned(), ends_at, terms: Box::new(terms()) }
    }

    pub(super) fn moves(ends_at: DateTime<Utc>, approved: bool) -> Command {
        Command::TrialMoved { ends_at, reason: "asked for".to_owned(), by: "token:ada".to_owned(), approved }
    }

    /// An activation takes the product over.
    pub(super) fn taken_over(&mut self) {
        assert!(self.claims.remove(&product()), "the trial keeps its product");
        self.holder = Some(ClaimHolder {
            saga: seller(),
            flow: "subscription_activation".to_owned(),
            ended: None,
            collected_by: None,
        });
        self.tell(Command::ProductTaken { by: seller() });
    }

    pub(super) fn sale_ended(&mut self, ended: End) {
        if let Some(holder) = &mut self.holder {
            holder.ended = Some(ended);
        }
    }

    /// That is on record, and the sale goes on.
    pub(super) fn collected_by(&mut self, owner: CollectionOwner) {
        if let Some(holder) = &mut self.holder {
            holder.collected_by = Some(owner);
        }
    }

    pub(super) fn tags(&self) -> Vec<&str> {
        let contact = self.crm.get(&(CrmModule::Contacts.name(), CUSTOMER.to_owned()));
        contact.into_iter().flat_map(|(_, tags)| tags.iter().map(String::as_str)).collect()
    }

    pub(super) fn face(&self) -> &ClientStanding {
        self.shown.last().expect("something is shown")
    }

    pub(super) fn is_linked(&self, theirs: &str) -> bool {
        self.links.iter().any(|link| link.theirs == theirs)
    }

    fn upsert(&mut self, module: CrmModule, key: &str) -> Answer {
        let id = format!("{}-{key}", module.name());
        let (id, _) = self.crm.entry((module.name(), key.to_owned())).or_insert((id, BTreeSet::new()));
        record(Some(id.clone()), BTreeSet::new())
    }

    fn on_crm(&mut self, call: &Crm) -> Answer {
        match call {
            Crm::Find { module, key } => match self.crm.get(&(module.name(), key.clone())) {
                Some((id, tags)) => record(Some(id.clone()), tags.clone()),
                None => record(None, BTreeSet::new()),
            },
            Crm::UpsertAccount { account, .. } => self.upsert(CrmModule::Accounts, account),
            Crm::UpsertContact { customer, .. } => self.upsert(CrmModule::Contacts, customer),
            Crm::SetTags { module, key, tags } => {
                let (id, present) = self.crm.get_mut(&(module.name(), key.clone())).expect("made before it is tagged");
                *present = tags.on(present.iter().map(String::as_str));
                record(Some(id.clone()), present.clone())
            }
            Crm::UpsertDeal(_) | Crm::Seek { .. } | Crm::Erase { .. } | Crm::ReadProfile(_) | Crm::WriteProfile(_) => {
                panic!("no call of this flow")
            }
        }
    }

    fn on_desk(&mut self, call: &Desk) -> Outcome {
        let answer = match call {
            Desk::Link { links } => {
                self.links.extend(links.iter().cloned());
                Answer::Nothing
            }
            Desk::Unlink { links } => {
                self.links.retain(|link| !links.contains(link));
                Answer::Nothing
            }
            Desk::Enrol { .. } => Answer::Enrolled(Box::new(Enrolment {
                desk_contact: None,
                customer: CUSTOMER.to_owned(),
                zoho_customer: None,
                braintree_customer: None,
            })),
            Desk::Claim { .. } if self.holder.is_some() => return busy(),
            Desk::Claim { claims } => {
                self.claims.extend(claims.iter().cloned());
                Answer::Nothing
            }
            Desk::SurveyClaim { .. } => Answer::ClaimHeldBy { holder: self.holder.clone() },
            other => panic!("no call of this flow: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn on_attio(&mut self, call: &Attio) -> Answer {
        match call {
            Attio::MakePerson { .. } => Answer::PersonFound { record: person() },
            Attio::ReadClient { .. } => Answer::ClientRead(Box::new(self.read.clone())),
            Attio::ShowClient(standing) => {
                assert!(self.shown.last().is_none_or(|shown| shown.version < standing.version));
                self.shown.push((**standing).clone());
                Answer::Nothing
            }
            Attio::SetCompliance { laws, .. } => {
                self.laws = Some(laws.clone());
                Answer::Nothing
            }
            Attio::AddNote(note) => {
                self.notes.push((**note).clone());
                Answer::Nothing
            }
            other => panic!("no call of this flow: {other:?}"),
        }
    }
}

pub(super) fn product() -> Claim {
    use crate::kernel::effect::ClaimKind;
    Claim { kind: ClaimKind::AccountPlanFamily, key: format!("{CUSTOMER}/prod1") }
}

fn record(id: Option<String>, tags: BTreeSet<String>) -> Answer {
    Answer::CrmRecord(Box::new(CrmRecord { id, tags: tags.into_iter().collect(), stage: None }))
}

impl Played for World {
    type Flow = SignUp;

    fn answer(&mut self, open: &Open) -> Outcome {
        let answer = match &open.effect {
            Effect::Desk(call) => return self.on_desk(call),
            Effect::Crm(call) => self.on_crm(call),
            Effect::Attio(call) => self.on_attio(call),
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn must_hold(&self) {
        let ended = self.saga.flow.ended.is_some();
        assert!(!ended || self.claims.is_empty(), "what has ended keeps a product");
        assert!(self.accounts.is_empty(), "it posts nothing");
        let contacts = self.crm.keys().filter(|(module, _)| *module == "Contacts").count();
        assert!(contacts <= 1, "one contact for a customer");
    }
}
