//! The catalog on both sides: what Zoho lists and what Attio's records show. People change prices, retire and delete what is
//! sold, edit records by hand and press for a sync; what happens is told, or lost and found by a poll.

use crate::braintree::not_found;
use crate::dice::Dice;
use crate::people::{ORGANIZATION, item};
use crate::tables::eur;
use crate::world::{Event, World};
use chrono::{DateTime, TimeDelta, Utc};
use iso_currency::Currency;
use sagas::catalog_sync::{Asked, CatalogSync, Command, compare};
use sagas::kernel::answer::Answer;
use sagas::kernel::catalog::{Catalog, CatalogPress, Offering, OfferingKind, ShownCatalog, ShownOffering};
use sagas::kernel::effect::{Attio, Effect, OfferingFace, Zoho};
use sagas::kernel::outcome::{Look, Outcome};
use sagas::kernel::saga::Saga;
use std::collections::{BTreeMap, BTreeSet};

/// What activations sell, at the price of every plan.
const PLANS: [&str; 3] = ["basic", "pro", "team"];

pub(crate) struct Shelf {
    /// Prices of what is sold beside the plans; none: inactive.
    sold: BTreeMap<String, Option<i64>>,
    shown: Vec<ShownOffering>,
    markers: BTreeSet<String>,
    answered: BTreeSet<CatalogPress>,
    dice: Dice,
    asks: u32,
}

impl Shelf {
    /// Its choices are its own, so that the other stories stay the same.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            sold: BTreeMap::from([("seat".to_owned(), Some(900))]),
            shown: Vec::new(),
            markers: BTreeSet::new(),
            answered: BTreeSet::new(),
            dice: Dice::new(seed, 22),
            asks: 0,
        }
    }

    fn listed(&self, price: i64, now: DateTime<Utc>) -> Catalog {
        let plans = PLANS.map(|code| offering(OfferingKind::Plan, code, Some(price)));
        let others = self.sold.iter().map(|(code, price)| offering(OfferingKind::Addon, code, *price));
        let offerings = plans.into_iter().chain(others).collect();
        Catalog { organization: ORGANIZATION.to_owned(), offerings, read_at: now }
    }

    fn held(&self) -> ShownCatalog {
        ShownCatalog { currency: Currency::EUR, records: self.shown.clone() }
    }

    /// What of a call on the catalog comes; none: it is no such call.
    pub(crate) fn perform(&mut self, effect: &Effect, price: i64, now: DateTime<Utc>) -> Option<Outcome> {
        let answer = match effect {
            Effect::Zoho(Zoho::ReadCatalog) => Answer::Catalog(Box::new(self.listed(price, now))),
            Effect::Attio(Attio::ReadCatalog) => Answer::ShownCatalog(Box::new(self.held())),
            Effect::Attio(Attio::ShowOffering(face)) => {
                if !self.write(face, now) {
                    return Some(not_found());
                }
                Answer::Nothing
            }
            Effect::Attio(Attio::AnswerCatalogAct(press)) => {
                self.answered.insert(press.clone());
                Answer::Nothing
            }
            Effect::Attio(Attio::AddCatalogTask(task)) => self.mark(&task.record, &task.marker),
            Effect::Attio(Attio::AddNote(note)) => self.mark(&note.record.id, &note.marker),
            _ => return None,
        };
        Some(Outcome::Done { answer })
    }

    fn mark(&mut self, record: &str, marker: &str) -> Answer {
        self.markers.insert(format!("{record}{marker}"));
        Answer::Nothing
    }

    /// Whether a call on the catalog was done; none: it is no such call.
    pub(crate) fn look(&self, effect: &Effect) -> Option<Look> {
        let is_done = match effect {
            Effect::Attio(Attio::ShowOffering(face)) => {
                let wanted = ShownOffering { edited: Vec::new(), ..record(&face.offering, String::new()) };
                self.shown.iter().any(|shown| {
                    let same =
                        ShownOffering { record: String::new(), touched_at: None, edited: Vec::new(), ..shown.clone() };
                    same == wanted
                })
            }
            Effect::Attio(Attio::AnswerCatalogAct(press)) => self.answered.contains(press),
            Effect::Attio(Attio::AddCatalogTask(task)) => {
                self.markers.contains(&format!("{}{}", task.record, task.marker))
            }
            Effect::Attio(Attio::AddNote(note)) => self.markers.contains(&format!("{}{}", note.record.id, note.marker)),
            Effect::Zoho(Zoho::ReadCatalog) | Effect::Attio(Attio::ReadCatalog) => false,
            _ => return None,
        };
        let found = Outcome::Done { answer: Answer::Nothing };
        Some(if is_done {
            Look::Found { outcome: Box::new(found), extra: Vec::new() }
        } else {
            Look::Absent { watermark: true, key_proven: false }
        })
    }

    fn write(&mut self, face: &OfferingFace, now: DateTime<Utc>) -> bool {
        let whole = record(&face.offering, format!("r-{}", face.offering.code));
        let known = self.shown.iter_mut().find(|shown| match &face.record {
            Some(id) => shown.record == *id,
            None => shown.external_id == whole.external_id,
        });
        match (known, &face.record) {
            (Some(known), _) if known.touched_at.is_some_and(|at| at > face.as_of) => {}
            (Some(known), _) => {
                // A retired record keeps the words that it had.
                let kept = known.clone();
                *known = ShownOffering { record: kept.record, touched_at: Some(face.as_of), ..whole };
                if face.attributes == ["offering_status"] {
                    *known = ShownOffering {
                        name: kept.name,
                        price: kept.price,
                        price_text: kept.price_text,
                        interval: kept.interval,
                        ..known.clone()
                    };
                }
            }
            (None, Some(_)) => return false,
            (None, None) => self.shown.push(ShownOffering { touched_at: Some(now), ..whole }),
        }
        true
    }

    /// Somebody changes something, at Zoho or in Attio; why a sync would be asked for.
    fn change(&mut self, sought: Option<u64>, now: DateTime<Utc>) -> Asked {
        let code = self.dice.of(&["seat", "storage", "support"]).to_owned();
        let what = self.dice.below(6);
        match sought.unwrap_or(what) {
            0 | 1 => {
                let price = self.dice.between(1, 90) * 100;
                self.sold.insert(code, Some(price));
            }
            2 => {
                self.sold.insert(code, None);
            }
            3 => {
                self.sold.remove(&code);
            }
            4 if !self.shown.is_empty() => {
                let at = usize::try_from(self.dice.below(self.shown.len() as u64)).expect("small");
                let shown = &mut self.shown[at];
                shown.name = Some(format!("by hand {}", self.asks));
                shown.edited = vec!["name".to_owned()];
                return Asked::Edited { record: shown.record.clone() };
            }
            _ => {
                let record = self.shown.first().map_or_else(|| "gone".to_owned(), |shown| shown.record.clone());
                return Asked::Pressed { press: CatalogPress { record, pressed_at: now } };
            }
        }
        self.dice.of(&[Asked::Poll, Asked::Ordered, Asked::Daily])
    }
}

fn offering(kind: OfferingKind, code: &str, price: Option<i64>) -> Offering {
    let money = price.map(eur);
    Offering {
        external_id: kind.external_id(ORGANIZATION, code),
        kind,
        code: code.to_owned(),
        name: code.to_uppercase(),
        price: money,
        price_text: money.map_or_else(|| "no price".to_owned(), |money| format!("{money} every month")),
        interval: "1 month".to_owned(),
        active: price.is_some(),
    }
}

fn record(offering: &Offering, id: String) -> ShownOffering {
    ShownOffering {
        record: id,
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

impl World {
    /// Somebody changes the catalog, and it is told, or found by a poll.
    pub(crate) fn change_catalog(&mut self) {
        let now = self.clock.now();
        // What leads to the step that this run seeks out: something is deleted, edited, pressed.
        let steps = [(3, "task"), (4, "note"), (5, "answer")];
        let seeks = |(_, step): &&(u64, &str)| self.mishaps.seeks(CatalogSync::NAME, &[*step]);
        let sought = steps.iter().find(seeks).map(|(what, _)| *what);
        let sought = sought.filter(|_| self.shelf.dice.chance(600));
        let by = self.shelf.change(sought, now);
        self.ask_for_catalog(by);
    }

    /// The catalog is to be read: on the day's own stream.
    pub(crate) fn ask_for_catalog(&mut self, by: Asked) {
        let (now, asks) = (self.clock.now(), self.shelf.asks);
        self.shelf.asks += 1;
        let (day, key) = (now.date_naive(), asks.to_string());
        let saga = CatalogSync::id(ORGANIZATION, day);
        self.laws.belongs.insert(saga, "catalog".to_owned());
        let asked = Command::Asked { organization: ORGANIZATION.to_owned(), day, by, key };
        let asked = item::<CatalogSync>("catalog.asked", &asked);
        self.message(saga, &asked.clone(), TimeDelta::minutes(10), Some(asked));
    }

    pub(crate) fn some_catalog(&mut self, healed_at: DateTime<Utc>) {
        let from = self.clock.now();
        let few = self.shelf.dice.between(1, 5);
        let changes = if self.mishaps.seeks(CatalogSync::NAME, &[""]) { few + 12 } else { few };
        for _ in 0..changes {
            let minutes = self.shelf.dice.between(0, (healed_at - from).num_minutes());
            self.clock.at(from + TimeDelta::minutes(minutes), Event::Deed(crate::people::Deed::Catalog));
        }
        // Long after the last change and the last fault: the day's own read.
        self.clock.at(healed_at + TimeDelta::days(10), Event::Deed(crate::people::Deed::CatalogDay));
    }

    /// After the last read Attio shows what Zoho sells.
    pub(crate) fn catalog_differs(&self) -> Option<String> {
        let now = self.clock.now();
        let comparison = compare(&self.shelf.listed(self.zoho.price, now), &self.shelf.held());
        (!comparison.is_empty()).then(|| format!("Attio shows another catalog: {comparison:?}"))
    }
}
