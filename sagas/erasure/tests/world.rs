//! A small world for the flow: our tables, and one person at each vendor.

use crate::erasure::{Certificate, Command, Erasure, Event, Identity, Law, Means, Of, Request};
use crate::kernel::answer::{Answer, ErasedHere, ErasureProof, InFlight, Kept, PersonSurvey, Trace};
use crate::kernel::effect::{Attio, AttioRecord, Braintree, Crm, Desk, Effect, Helpdesk, Message, Zoho};
use crate::kernel::flow::Open;
use crate::kernel::ids::{Installation, SagaId};
use crate::kernel::outcome::{DeclineKind, Outcome};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, day, decline, instant};
use std::collections::{BTreeMap, VecDeque};

pub(super) const PERSON: &str = "person1";

pub(super) struct World {
    bench: Bench<Erasure>,
    pub(super) survey: PersonSurvey,
    /// Zoho subscriptions, by id, with their status.
    pub(super) subscriptions: BTreeMap<String, String>,
    /// What the vendors hold, by the key of the place; absent: nothing is there.
    pub(super) held: BTreeMap<String, Trace>,
    /// Why a vendor does not let go, by the key of the place.
    pub(super) kept: BTreeMap<String, String>,
    /// Clearing it changes nothing so often.
    pub(super) sticks: BTreeMap<String, u32>,
    /// What comes here again after it was erased.
    pub(super) comes_again: VecDeque<Kept>,
    /// Another saga of the person begins in the very moment.
    pub(super) busy: u32,
    /// An event of theirs does not hash any more.
    pub(super) broken: Option<String>,
    pub(super) told: Vec<Message>,
}

stands_on_its_bench!(World, Erasure);

pub(super) fn of() -> Of {
    Of {
        organization: "60012".to_owned(),
        installation: Installation::new("demo1").expect("valid"),
        customer: "cust1".to_owned(),
        helpdesk: true,
        crm: true,
    }
}

pub(super) fn request(law: Law) -> Request {
    Request {
        law,
        received_on: day("2024-10-04"),
        identity: Identity { by_means: Means::SignedIn, checked_by: "token:ada".to_owned() },
        documents_kept_days: 3_653,
        second_person: true,
        agreed_by: None,
        reason: "ticket 4711".to_owned(),
        by: "token:ada".to_owned(),
    }
}

pub(super) fn in_flight(flow: &str) -> InFlight {
    InFlight { saga: SagaId::derived("test", &[flow]), flow: flow.to_owned(), state: "UnderWay".to_owned() }
}

fn key(effect: &Effect) -> String {
    let place = effect.operation().split_once('.').expect("vendor.operation").0;
    format!("{place}:{}", effect.reference().expect("an id"))
}

impl World {
    /// A person who pays for nothing any more, and is known everywhere.
    pub(super) fn new() -> Self {
        let now = instant("2024-10-04T09:00:00Z");
        let client = AttioRecord { object: "people".to_owned(), id: PERSON.to_owned() };
        let known = |id: &str| Trace { record: Some(id.to_owned()), personal: true, kept_because: None };
        let places =
            ["attio:person1", "zoho_crm:cust1", "zoho_crm:sub1", "zoho_desk:dc1", "zoho:zc1", "braintree:c-cust1"];
        Self {
            bench: Bench::new(Erasure::id("demo1", "cust1"), now),
            survey: PersonSurvey {
                zoho_customer: Some("zc1".to_owned()),
                braintree_customer: Some("c-cust1".to_owned()),
                attio_client: Some(client),
                subscriptions: vec!["sub1".to_owned()],
                last_booked_on: Some(day("2024-09-01")),
                kept: Kept { people: 1, consents: 1, deliveries: 4, inputs: 0, mails: 2 },
                ..PersonSurvey::default()
            },
            subscriptions: BTreeMap::new(),
            held: places.iter().map(|place| ((*place).to_owned(), known(place))).collect(),
            kept: BTreeMap::new(),
            sticks: BTreeMap::new(),
            comes_again: VecDeque::new(),
            busy: 0,
            broken: None,
            told: Vec::new(),
        }
    }

    pub(super) fn request(&mut self, law: Law) {
        self.tell(Command::Requested { of: of(), request: Box::new(request(law)) });
    }

    pub(super) fn confirm(&mut self, by: &str) {
        let preview = self.saga.business.previews;
        self.tell(Command::Confirmed { preview, by: by.to_owned(), reason: "looked at it".to_owned() });
    }

    /// Asked for and confirmed.
    pub(super) fn go(&mut self) {
        self.request(Law::Gdpr);
        self.confirm("token:bob");
    }

    pub(super) fn is_erased_here(&self) -> bool {
        self.survey.kept.is_nothing()
    }

    /// Nobody's name is left at any vendor.
    pub(super) fn is_nowhere(&self) -> bool {
        self.held.values().all(|trace| !trace.personal)
    }

    pub(super) fn certificate(&self) -> &Certificate {
        let certified = self.events().filter_map(|event| match event {
            Event::ErasureCertified { certificate } => Some(certificate),
            _ => None,
        });
        certified.last().expect("it is certified")
    }

    fn desk(&mut self, call: &Desk) -> Outcome {
        let answer = match call {
            Desk::SurveyPerson { .. } => Answer::PersonSurvey(Box::new(self.survey.clone())),
            Desk::ErasePerson { .. } if self.busy > 0 => {
                self.busy -= 1;
                return Outcome::Declined { decline: decline(DeclineKind::Busy, "in_flight") };
            }
            Desk::ErasePerson { .. } => {
                let erased = std::mem::take(&mut self.survey.kept);
                Answer::ErasedHere(Box::new(ErasedHere { erased, listed_as: Some("5f".to_owned()) }))
            }
            Desk::VerifyErased { .. } => {
                if let Some(left) = self.comes_again.pop_front() {
                    self.survey.kept = left;
                }
                let broken = self.broken.clone();
                Answer::ErasureProof(Box::new(ErasureProof { left: self.survey.kept, events: 12, broken }))
            }
            Desk::Tell { message, .. } => {
                self.told.push((**message).clone());
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    /// Clears a place, as its vendor does.
    fn erase(&mut self, key: &str) -> Trace {
        let Some(trace) = self.held.get_mut(key) else { return Trace::gone() };
        if let Some(times) = self.sticks.get_mut(key).filter(|times| **times > 0) {
            *times -= 1;
            return Trace::neutral(key);
        }
        let deletes = key.starts_with("zoho:") || key.starts_with("braintree:") || key == "zoho_crm:cust1";
        if let Some(why) = self.kept.get(key) {
            *trace = Trace { kept_because: Some(why.clone()), ..Trace::neutral(key) };
        } else if deletes {
            self.held.remove(key);
            return Trace::gone();
        } else {
            *trace = Trace::neutral(key);
        }
        trace.clone()
    }

    fn subscriptions(&self) -> Answer {
        let all = self.subscriptions.iter();
        let all = all.map(|(id, status)| samples::subscription(id, "demo1.sub.x.1", status));
        Answer::Subscriptions { subscriptions: all.collect() }
    }
}

impl Played for World {
    type Flow = Erasure;

    fn answer(&mut self, open: &Open) -> Outcome {
        if let Effect::Desk(call) = &open.effect {
            return self.desk(call);
        }
        let key = key(&open.effect);
        let trace = |trace: Option<Trace>| Answer::Trace(Box::new(trace.unwrap_or_default()));
        let answer = match &open.effect {
            Effect::Helpdesk(Helpdesk::FindContact { .. }) => {
                Answer::DeskContact { contact: Some("dc1".to_owned()), others: 0 }
            }
            Effect::Zoho(Zoho::ListSubscriptions { .. }) => self.subscriptions(),
            Effect::Attio(Attio::SeekPerson { .. }) => {
                let shown = self.held.get(&key).cloned();
                trace(shown.map(|shown| Trace { record: Some(PERSON.to_owned()), ..shown }))
            }
            Effect::Crm(Crm::Seek { .. })
            | Effect::Helpdesk(Helpdesk::SeekContact { .. })
            | Effect::Zoho(Zoho::SeekCustomer { .. })
            | Effect::Braintree(Braintree::SeekCustomer { .. }) => trace(self.held.get(&key).cloned()),
            Effect::Attio(Attio::ErasePerson { .. })
            | Effect::Crm(Crm::Erase { .. })
            | Effect::Helpdesk(Helpdesk::EraseContact { .. })
            | Effect::Zoho(Zoho::EraseCustomer { .. })
            | Effect::Braintree(Braintree::EraseCustomer { .. }) => trace(Some(self.erase(&key))),
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn must_hold(&self) {
        assert!(self.accounts.is_empty() && self.claims.is_empty(), "it posts nothing and holds nothing");
        let at_vendors = self.calls.iter().any(|step| step.starts_with("erase_") && step != "erase_here");
        let here = self.count("PersonErasedHere") > 0;
        assert!(here || !at_vendors, "a vendor was asked before it was erased here");
        let confirmed = self.count("ErasureConfirmed") > 0;
        assert!(confirmed || (!here && self.told.is_empty()), "done without a confirmation");
        // What says who it is never comes into the log.
        let log: Vec<_> = self.log.iter().map(|event| event.stored().expect("writes")).collect();
        assert!(log.iter().all(|event| !event.contains('@')), "an address is in the log");
    }
}
