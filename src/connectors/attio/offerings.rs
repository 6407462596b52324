//! The catalog's records: what each shows and who set it, and what is written to one. A record is made by its
//! `external_id`, one that a CRM user made is filled by its id, and none is ever deleted. Decides nothing about prices.

use super::api::{Answered, Ask, Session};
use super::model::CATALOG_ACT;
use super::projection::amount;
use super::records::{get, is_not_found, patch, query, upsert};
use super::wire::{Record, Value, Values};
use super::{Attio, NO_ACT};
use chrono::SubsecRound as _;
use iso_currency::Currency;
use sagas::kernel::answer::Answer;
use sagas::kernel::catalog::{CatalogPress, OFFERING_ATTRIBUTES, ShownCatalog, ShownOffering};
use sagas::kernel::effect::{AttioRecord, OfferingFace};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::Outcome;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// The object.
pub(super) const OFFERINGS: &str = "service_plans";
const READ: &str = "attio.read_catalog";
const SHOW: &str = "attio.show_offering";
const ANSWER: &str = "attio.answer_catalog_act";
const ACT: &str = "sync_action";
/// Records per page: Attio's most.
const PAGE: usize = 500;

#[derive(Deserialize)]
struct ObjectRow {
    id: ObjectId,
}

#[derive(Deserialize)]
struct ObjectId {
    object_id: String,
}

impl Attio {
    /// What the records of the catalog show now.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn shown_catalog(&self, time_limit: Duration) -> Result<ShownCatalog, Box<Outcome>> {
        all(&mut self.api.session(time_limit), self.currency).await
    }

    /// By which id events name the object of the catalog. Asked once: Attio never gives a slug to another object.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn catalog_id(&self, time_limit: Duration) -> Result<&str, Box<Outcome>> {
        let ask = async || {
            let segments = ["objects", OFFERINGS];
            let row: ObjectRow = self.api.session(time_limit).call(Ask::get(READ, &segments, &[])).await?;
            Ok(row.id.object_id)
        };
        self.catalog_id.get_or_try_init(ask).await.map(String::as_str)
    }

    /// The sync that a workspace member asks for on a record of the catalog now, and who; none: nobody does.
    ///
    /// # Errors
    /// The outcome of a read that was refused or got no answer.
    pub async fn pressed_catalog(
        &self,
        record: &str,
        time_limit: Duration,
    ) -> Result<Option<(CatalogPress, String)>, Box<Outcome>> {
        match get(&mut self.api.session(time_limit), READ, &record_of(record)).await {
            Ok(found) => {
                let member = found.set_by(ACT).unwrap_or_default().to_owned();
                Ok(press(&found).map(|press| (press, member)))
            }
            Err(outcome) if is_not_found(&outcome) => Ok(None),
            Err(outcome) => Err(outcome),
        }
    }
}

/// Every record, oldest first, page by page.
pub(super) async fn all(session: &mut Session<'_>, currency: Currency) -> Answered<ShownCatalog> {
    let mut records = Vec::new();
    for page in 0.. {
        let order = json!({
            "sorts": [{ "attribute": "created_at", "direction": "asc" }],
            "limit": PAGE,
            "offset": page * PAGE,
        });
        let read = query(session, READ, OFFERINGS, &order).await?;
        records.extend(read.iter().map(|record| shown(record, currency)));
        if read.len() < PAGE {
            break;
        }
    }
    Ok(ShownCatalog { currency, records })
}

fn shown(record: &Record, currency: Currency) -> ShownOffering {
    ShownOffering {
        record: record.id().to_owned(),
        external_id: record.text("external_id"),
        kind: record.option("kind").map(str::to_owned),
        code: record.text("code"),
        name: record.text("name"),
        // What is no amount of that currency is none: it differs from every price.
        price: record.text("price").and_then(|text| Money::parse(&text, currency).ok()),
        price_text: record.text("price_text"),
        interval: record.text("billing_interval"),
        status: record.status("offering_status").map(str::to_owned),
        edited: OFFERING_ATTRIBUTES
            .into_iter()
            .filter(|slug| record.set_by(slug).is_some())
            .map(str::to_owned)
            .collect(),
        touched_at: OFFERING_ATTRIBUTES.into_iter().filter_map(|slug| record.since(slug)).max(),
        press: press(record),
    }
}

/// Set by a person; our own answer is `none`.
fn press(record: &Record) -> Option<CatalogPress> {
    record.set_by(ACT)?;
    let pressed_at = record.since(ACT).filter(|_| record.option(ACT) == Some(CATALOG_ACT))?;
    Some(CatalogPress { record: record.id().to_owned(), pressed_at })
}

/// Writes what differs; nothing over what a later read of Zoho has shown.
pub(super) async fn show(session: &mut Session<'_>, face: &OfferingFace, currency: Currency) -> Answered<Answer> {
    match &face.record {
        Some(id) => {
            let record = get(session, SHOW, &record_of(id)).await?;
            if !is_newer(&record, face) {
                patch(session, SHOW, OFFERINGS, id, &values(face, currency)).await?;
            }
        }
        None => {
            upsert(session, SHOW, OFFERINGS, &values(face, currency)).await?;
        }
    }
    Ok(Answer::Nothing)
}

/// Whether the record shows it, or something newer.
pub(super) async fn stands(
    session: &mut Session<'_>,
    face: &OfferingFace,
    currency: Currency,
) -> Answered<Option<Answer>> {
    let record = if let Some(id) = &face.record {
        match get(session, SHOW, &record_of(id)).await {
            Ok(record) => Some(record),
            Err(outcome) if is_not_found(&outcome) => None,
            Err(outcome) => return Err(outcome),
        }
    } else {
        let filter = json!({ "external_id": { "$eq": face.offering.external_id } });
        query(session, SHOW, OFFERINGS, &json!({ "filter": filter, "limit": 1 })).await?.pop()
    };
    let wanted = values(face, currency);
    let shows = |record: &Record| is_newer(record, face) || wanted.iter().all(|(slug, value)| record.has(slug, value));
    Ok(record.is_some_and(|record| shows(&record)).then_some(Answer::Nothing))
}

/// Sets the act back, as long as it is that very press which stands there.
pub(super) async fn answer(session: &mut Session<'_>, pressed: &CatalogPress) -> Answered<Answer> {
    if press(&get(session, ANSWER, &record_of(&pressed.record)).await?).as_ref() == Some(pressed) {
        let values = Values::from([(ACT, Value::Option(NO_ACT.to_owned()))]);
        patch(session, ANSWER, OFFERINGS, &pressed.record, &values).await?;
    }
    Ok(Answer::Nothing)
}

/// Whether the press is answered, by whomever. A record that is gone has no answer, and is written to again: that says so.
pub(super) async fn is_answered(session: &mut Session<'_>, pressed: &CatalogPress) -> Answered<Option<Answer>> {
    match get(session, ANSWER, &record_of(&pressed.record)).await {
        Ok(found) => Ok((press(&found).as_ref() != Some(pressed)).then_some(Answer::Nothing)),
        Err(outcome) if is_not_found(&outcome) => Ok(None),
        Err(outcome) => Err(outcome),
    }
}

fn record_of(id: &str) -> AttioRecord {
    AttioRecord { object: OFFERINGS.to_owned(), id: id.to_owned() }
}

fn is_newer(record: &Record, face: &OfferingFace) -> bool {
    record.time("synced_at").is_some_and(|at| at.trunc_subsecs(3) > face.as_of.trunc_subsecs(3))
}

/// The attributes that are named, and the mark of when.
fn values(face: &OfferingFace, currency: Currency) -> Values {
    let offering = &face.offering;
    let price = offering.price.map_or(Value::Nothing, |price| amount(price, currency));
    let mut values = Values::from([
        ("external_id", Value::text(&offering.external_id)),
        ("name", Value::text(&offering.name)),
        ("kind", Value::Option(offering.kind.as_str().to_owned())),
        ("code", Value::text(&offering.code)),
        ("price", price),
        ("price_text", Value::text(&offering.price_text)),
        ("billing_interval", Value::text(&offering.interval)),
        ("offering_status", Value::Status(offering.status().to_owned())),
    ]);
    values.retain(|slug, _| face.record.is_none() || face.attributes.iter().any(|named| named == slug));
    values.insert("synced_at", Value::Time(face.as_of));
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use sagas::kernel::catalog::{Offering, OfferingKind};

    fn face(record: Option<&str>, attributes: &[&str]) -> OfferingFace {
        OfferingFace {
            record: record.map(str::to_owned),
            offering: Offering {
                external_id: "plan:60012:plus".to_owned(),
                kind: OfferingKind::Plan,
                code: "plus".to_owned(),
                name: "Plus".to_owned(),
                price: Some(Money::new(4_900, Currency::EUR)),
                price_text: "49.00 EUR every month".to_owned(),
                interval: "1 month".to_owned(),
                active: true,
            },
            attributes: attributes.iter().map(|slug| (*slug).to_owned()).collect(),
            as_of: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn s2_22_e5_a_price_in_a_currency_that_the_attribute_has_not_stands_in_the_text_alone() {
        let written = values(&face(None, &[]), Currency::USD);
        assert!(matches!(written["price"], Value::Nothing), "{written:?}");
        assert!(matches!(&written["price_text"], Value::Text(text) if text == "49.00 EUR every month"));
        assert!(matches!(values(&face(None, &[]), Currency::EUR)["price"], Value::Amount(_)));
    }

    #[test]
    fn a_record_that_is_there_is_written_only_where_it_differs() {
        let named: Vec<_> = values(&face(Some("r"), &["name"]), Currency::EUR).into_keys().collect();
        assert_eq!(named, ["name", "synced_at"]);
        assert_eq!(values(&face(None, &["name"]), Currency::EUR).len(), OFFERING_ATTRIBUTES.len() + 1);
    }
}
