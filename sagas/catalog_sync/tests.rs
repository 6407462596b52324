//! A day's sync on its bench: a Zoho with a list, an Attio with records, and people who edit both.

mod s2_22_compared;
mod s2_22_days;

use super::{Asked, CatalogSync, Command, Event};
use crate::kernel::answer::Answer;
use crate::kernel::catalog::{Catalog, CatalogPress, Offering, OfferingKind, ShownCatalog, ShownOffering};
use crate::kernel::effect::{Attio, Desk, Effect, OfferingFace, Zoho};
use crate::kernel::flow::Open;
use crate::kernel::money::Money;
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use chrono::{DateTime, TimeDelta, Utc};
use iso_currency::Currency;
use std::collections::{BTreeMap, VecDeque};

const ORGANIZATION: &str = "60012";

fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(12)
}

fn plan(code: &str, price: i64) -> Offering {
    let price = Money::new(price, Currency::EUR);
    Offering {
        external_id: OfferingKind::Plan.external_id(ORGANIZATION, code),
        kind: OfferingKind::Plan,
        code: code.to_owned(),
        name: code.to_uppercase(),
        price: Some(price),
        price_text: format!("{price} every month"),
        interval: "1 month".to_owned(),
        active: true,
    }
}

/// The record that shows exactly that.
fn record(id: &str, offering: &Offering) -> ShownOffering {
    ShownOffering {
        record: id.to_owned(),
        external_id: Some(offering.external_id.clone()),
        kind: Some(offering.kind.as_str().to_owned()),
        code: Some(offering.code.clone()),
        name: Some(offering.name.clone()),
        price: offering.price,
        price_text: Some(offering.price_text.clone()),
        interval: Some(offering.interval.clone()),
        status: Some(offering.status().to_owned()),
        edited: Vec::new(),
        touched_at: None,
        press: None,
    }
}

struct World {
    bench: Bench<CatalogSync>,
    sold: Vec<Offering>,
    records: Vec<ShownOffering>,
    /// Next refusals, by step.
    noes: BTreeMap<&'static str, VecDeque<RejectionKind>>,
    /// Calls, by step.
    calls: BTreeMap<String, u32>,
    notes: Vec<String>,
    tasks: Vec<(String, String)>,
    /// Offerings of which open activations were told.
    told: Vec<String>,
    answered: Vec<CatalogPress>,
    asks: u32,
}

stands_on_its_bench!(World, CatalogSync);

impl Played for World {
    type Flow = CatalogSync;

    fn answer(&mut self, open: &Open) -> Outcome {
        *self.calls.entry(open.step.clone()).or_default() += 1;
        let no = self.noes.get_mut(open.step.as_str()).and_then(VecDeque::pop_front);
        if let Some(kind) = no {
            let rejection = Rejection { kind, code: "no".to_owned(), message: "not now".to_owned() };
            return Outcome::Rejected { rejection };
        }
        let answer = match &open.effect {
            Effect::Zoho(Zoho::ReadCatalog) => Answer::Catalog(Box::new(Catalog {
                organization: ORGANIZATION.to_owned(),
                offerings: self.sold.clone(),
                read_at: self.bench.now,
            })),
            Effect::Attio(Attio::ReadCatalog) => {
                Answer::ShownCatalog(Box::new(ShownCatalog { currency: Currency::EUR, records: self.records.clone() }))
            }
            Effect::Attio(Attio::ShowOffering(face)) => self.shown(face),
            Effect::Attio(Attio::AddNote(note)) => {
                self.notes.push(format!("{} {}", note.record.id, note.text));
                Answer::Nothing
            }
            Effect::Attio(Attio::AddCatalogTask(task)) => {
                self.tasks.push((task.record.clone(), task.text.clone()));
                Answer::Nothing
            }
            Effect::Attio(Attio::AnswerCatalogAct(press)) => {
                self.answered.push(press.clone());
                Answer::Nothing
            }
            Effect::Desk(Desk::TellAll { command, .. }) => {
                let named = command["offerings"].as_array().into_iter().flatten();
                self.told.extend(named.filter_map(|name| name.as_str()).map(str::to_owned));
                Answer::Nothing
            }
            other => panic!("no call of this flow: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn must_hold(&self) {
        assert!(self.parked().is_none(), "a sync is never parked: {:?}", self.parked());
    }
}

impl World {
    fn new(sold: Vec<Offering>, records: Vec<ShownOffering>) -> Self {
        Self {
            bench: Bench::new(CatalogSync::id(ORGANIZATION, noon().date_naive()), noon()),
            sold,
            records,
            noes: BTreeMap::new(),
            calls: BTreeMap::new(),
            notes: Vec::new(),
            tasks: Vec::new(),
            told: Vec::new(),
            answered: Vec::new(),
            asks: 0,
        }
    }

    /// Attio shows what Zoho sells already.
    fn agreeing(sold: Vec<Offering>) -> Self {
        let records = sold.iter().map(|offering| record(&format!("r-{}", offering.code), offering)).collect();
        Self::new(sold, records)
    }

    fn command(&mut self, by: Asked) -> Command {
        self.asks += 1;
        let key = self.asks.to_string();
        Command::Asked { organization: ORGANIZATION.to_owned(), day: noon().date_naive(), by, key }
    }

    fn ask(&mut self, by: Asked) {
        let command = self.command(by);
        self.tell(command);
    }

    /// A CRM user edits a name, and the webhook tells of it, or not.
    fn edits(&mut self, id: &str, name: &str, told: bool) {
        let record = self.shows(id);
        record.name = Some(name.to_owned());
        record.edited = vec!["name".to_owned()];
        if told {
            self.ask(Asked::Edited { record: id.to_owned() });
        }
    }

    fn shows(&mut self, id: &str) -> &mut ShownOffering {
        self.records.iter_mut().find(|record| record.record == id).expect("a record")
    }

    fn no(&mut self, step: &'static str, kind: RejectionKind) {
        self.noes.entry(step).or_default().push_back(kind);
    }

    fn calls(&self, step: &str) -> u32 {
        self.calls.get(step).copied().unwrap_or(0)
    }

    fn shown(&mut self, face: &OfferingFace) -> Answer {
        let offering = &face.offering;
        let known = self.records.iter_mut().find(|known| match &face.record {
            Some(id) => known.record == *id,
            None => known.external_id.as_ref() == Some(&offering.external_id),
        });
        let whole = record("", offering);
        match known {
            None => self.records.push(ShownOffering { record: format!("r-{}", offering.code), ..whole }),
            Some(known) => {
                for slug in &face.attributes {
                    match slug.as_str() {
                        "external_id" => known.external_id.clone_from(&whole.external_id),
                        "name" => known.name.clone_from(&whole.name),
                        "kind" => known.kind.clone_from(&whole.kind),
                        "code" => known.code.clone_from(&whole.code),
                        "price" => known.price = whole.price,
                        "price_text" => known.price_text.clone_from(&whole.price_text),
                        "billing_interval" => known.interval.clone_from(&whole.interval),
                        "offering_status" => known.status.clone_from(&whole.status),
                        other => panic!("no attribute of ours: {other}"),
                    }
                    known.edited.retain(|edited| edited != slug);
                }
                known.touched_at = Some(self.bench.now);
            }
        }
        Answer::Nothing
    }

    /// Attio shows exactly what Zoho sells.
    fn agrees(&mut self) {
        for offering in self.sold.clone() {
            let shown = self.records.iter().find(|r| r.external_id.as_ref() == Some(&offering.external_id));
            let Some(shown) = shown else { panic!("no record of {}", offering.code) };
            let whole = ShownOffering {
                edited: shown.edited.clone(),
                touched_at: shown.touched_at,
                ..record(&shown.record, &offering)
            };
            assert_eq!(*shown, whole);
        }
    }

    fn compared(&self) -> Vec<&Event> {
        self.events().filter(|event| matches!(event, Event::CatalogCompared { .. })).collect()
    }
}
