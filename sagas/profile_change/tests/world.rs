//! A small world for the flow: a record in Attio, what each target was given last, and what it shows.

use crate::kernel::answer::{Answer, ZohoCustomer};
use crate::kernel::effect::{Attio, AttioRecord, Braintree, Crm, Desk, Effect, ProfileFace, TaskNote, Zoho};
use crate::kernel::flow::Open;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::profile::{self, Compared, Comparison, Correction, Field, Fields, Shown, Target, Values};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, instant, rejected};
use crate::profile_change::{Command, ProfileChange};
use chrono::TimeDelta;
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) const CUSTOMER: &str = "cust1";

pub(super) struct World {
    bench: Bench<ProfileChange>,
    pub(super) settings: Value,
    /// What Attio holds.
    pub(super) ours: Values,
    pub(super) missing: Vec<String>,
    /// What the platform says.
    pub(super) wanted: Values,
    /// What each target was given last.
    pub(super) known: BTreeMap<Target, Values>,
    /// What each shows.
    pub(super) shown: BTreeMap<Target, Values>,
    pub(super) address_of: Option<String>,
    pub(super) billed_in: Option<String>,
    /// Customers in Zoho Billing with the e-mail address.
    pub(super) found: Vec<ZohoCustomer>,
    /// Values of others, by the mark and where they stood.
    pub(super) kept: Vec<(String, Target, Field, String)>,
    pub(super) written: Vec<(Target, Vec<Field>)>,
    pub(super) faces: Vec<ProfileFace>,
    pub(super) tasks: Vec<TaskNote>,
    pub(super) notes: Vec<String>,
    pub(super) laws: Vec<Vec<String>>,
    pub(super) links: Vec<String>,
}

stands_on_its_bench!(World, ProfileChange);

pub(super) fn client() -> AttioRecord {
    AttioRecord { object: "people".to_owned(), id: "person1".to_owned() }
}

fn values() -> Values {
    let all = [
        (Field::FirstName, "Ada"),
        (Field::LastName, "Lovelace"),
        (Field::Company, "Acme"),
        (Field::Email, "ada@acme.example"),
        (Field::Phone, "+49 30 1234"),
        (Field::City, "Berlin"),
        (Field::Country, "DE"),
    ];
    all.into_iter().map(|(field, text)| (field, text.to_owned())).collect()
}

impl World {
    /// All targets show what Attio holds.
    pub(super) fn new() -> Self {
        let all: BTreeMap<Target, Values> = Target::ALL.into_iter().map(|target| (target, values())).collect();
        Self {
            bench: Bench::new(ProfileChange::id(CUSTOMER), instant("2026-11-02T09:00:00Z")),
            settings: Value::Null,
            ours: values(),
            missing: Vec::new(),
            wanted: Values::new(),
            known: all.clone(),
            shown: all,
            address_of: None,
            billed_in: None,
            found: Vec::new(),
            kept: Vec::new(),
            written: Vec::new(),
            faces: Vec::new(),
            tasks: Vec::new(),
            notes: Vec::new(),
            laws: Vec::new(),
            links: Vec::new(),
        }
    }

    pub(super) fn without_crm(&mut self) {
        self.settings = json!({"crm": false});
    }

    /// Attio holds something else.
    pub(super) fn edit(&mut self, field: Field, text: &str) {
        self.ours.insert(field, text.to_owned());
    }

    /// Somebody edits a target.
    pub(super) fn edit_at(&mut self, target: Target, field: Field, text: &str) {
        self.shown.get_mut(&target).expect("there").insert(field, text.to_owned());
    }

    pub(super) fn at(&self, target: Target, field: Field) -> &str {
        self.shown[&target].get(&field).map_or("", String::as_str)
    }

    pub(super) fn changed() -> Command {
        Command::Changed { customer: CUSTOMER.to_owned(), client: client(), by: "attio:member1".to_owned() }
    }

    /// It is heard that the record changed, and all that follows is done.
    pub(super) fn hear(&mut self) {
        self.tell(Self::changed());
        self.pass(TimeDelta::seconds(6));
    }

    /// Goes on until that step is open.
    pub(super) fn open(&mut self, step: &str) {
        while self.saga.flow.open.is_none() {
            assert!(self.step(), "nothing is wanted");
        }
        self.run_until(step);
    }

    pub(super) fn last_error(&self) -> Option<&str> {
        self.faces.last()?.last_error.as_deref()
    }

    fn compared(&self) -> Answer {
        let keys = self.shown.keys().map(|target| (*target, format!("{}1", target.word()))).collect();
        let none = Values::new();
        let behind =
            |target: &Target| (*target, profile::behind(*target, &self.ours, self.known.get(target).unwrap_or(&none)));
        Answer::ProfileCompared(Box::new(Compared {
            keys,
            behind: self.shown.keys().map(behind).collect(),
            address_of: self.address_of.clone(),
            billed_in: self.billed_in.clone(),
        }))
    }

    fn read(&mut self, comparison: &Comparison) -> Outcome {
        let target = comparison.of.target;
        let theirs = self.shown[&target].clone();
        let known = self.known.entry(target).or_default();
        let differences = profile::compare(target, &self.ours, known, &theirs, comparison.whole);
        for field in &differences.even {
            known.insert(*field, theirs.get(field).cloned().unwrap_or_default());
        }
        for field in &differences.displaced {
            self.kept.push((comparison.mark.clone(), target, *field, theirs[field].clone()));
        }
        let shown = Shown {
            found: true,
            owed: differences.owed,
            displaced: differences.displaced,
            seen: Some("2026-11-01".to_owned()),
        };
        Outcome::Done { answer: Answer::ProfileShown(Box::new(shown)) }
    }

    fn write(&mut self, correction: &Correction) -> Outcome {
        let target = correction.to.target;
        for field in &correction.fields {
            let text = self.ours.get(field).cloned().unwrap_or_default();
            self.shown.get_mut(&target).expect("there").insert(*field, text.clone());
            self.known.entry(target).or_default().insert(*field, text);
        }
        self.written.push((target, correction.fields.iter().copied().collect()));
        Outcome::Done { answer: Answer::Nothing }
    }

    fn desk(&mut self, call: &Desk) -> Outcome {
        let answer = match call {
            Desk::ReadSettings { .. } => Answer::Settings { settings: self.settings.clone() },
            Desk::CompareProfile { .. } => self.compared(),
            Desk::Link { links } | Desk::Unlink { links } => {
                let cut = matches!(call, Desk::Unlink { .. });
                self.links.push(format!("{}{}", if cut { "-" } else { "+" }, links[0].theirs));
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn attio(&mut self, call: &Attio) -> Outcome {
        let answer = match call {
            Attio::ReadPerson { .. } => {
                let country = self.ours.get(&Field::Country).cloned();
                Answer::PersonRead { missing: self.missing.clone(), country }
            }
            Attio::WriteProfile(order) => {
                for field in &order.fields {
                    self.ours.insert(*field, self.wanted[field].clone());
                }
                Answer::Nothing
            }
            Attio::ShowProfile(face) => {
                self.faces.push((**face).clone());
                Answer::Nothing
            }
            Attio::AddRecordTask { task, .. } => {
                self.tasks.push((**task).clone());
                Answer::Nothing
            }
            Attio::NoteDisplaced(note) => {
                if !self.kept.iter().any(|(mark, ..)| *mark == note.mark) {
                    return rejected(RejectionKind::NotFound, "nothing_kept");
                }
                self.notes.push(note.mark.clone());
                Answer::Nothing
            }
            Attio::SetCompliance { laws, .. } => {
                self.laws.push(laws.clone());
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }
}

pub(super) fn zoho_customer(id: &str, ours: Option<&str>) -> ZohoCustomer {
    ZohoCustomer { id: id.to_owned(), our_customer: ours.map(str::to_owned), ..samples::zoho_customer() }
}

impl Played for World {
    type Flow = ProfileChange;

    fn answer(&mut self, open: &Open) -> Outcome {
        match &open.effect {
            Effect::Zoho(Zoho::ReadProfile(of))
            | Effect::Braintree(Braintree::ReadProfile(of))
            | Effect::Crm(Crm::ReadProfile(of)) => self.read(of),
            Effect::Zoho(Zoho::WriteProfile(to))
            | Effect::Braintree(Braintree::WriteProfile(to))
            | Effect::Crm(Crm::WriteProfile(to)) => self.write(to),
            Effect::Zoho(Zoho::FindCustomers { .. }) => {
                Outcome::Done { answer: Answer::ZohoCustomers { customers: self.found.clone() } }
            }
            Effect::Desk(call) => self.desk(call),
            Effect::Attio(call) => self.attio(call),
            other => panic!("no such call: {other:?}"),
        }
    }

    fn must_hold(&self) {
        assert!(self.accounts.is_empty() && self.claims.is_empty(), "it moves no money and holds nothing");
        for event in self.events() {
            let said = format!("{event:?}");
            for field in [Field::FirstName, Field::LastName, Field::Email, Field::City] {
                let text = self.ours.get(&field).map_or("", String::as_str);
                assert!(text.is_empty() || !said.contains(text), "{said} holds {text}");
            }
        }
    }

    fn must_agree(&self) {
        for (target, fields) in &self.written {
            assert!(
                fields.iter().all(|field| target.fields().contains(field)),
                "{target:?} has no room for {fields:?}"
            );
            assert!(!fields.is_empty(), "an empty write to {target:?}");
        }
    }
}

/// Names of fields.
pub(super) fn fields(all: &[Field]) -> Fields {
    all.iter().copied().collect()
}
