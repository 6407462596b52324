//! What Attio shows of the catalog against what Zoho sells. A pure comparison of two reads; what is done about a
//! difference is the flow's, and whoever merely wants to know whether there is one asks here too.

use crate::kernel::catalog::{Catalog, OFFERING_ATTRIBUTES, Offering, OfferingKind, ShownCatalog, ShownOffering};
use chrono::{DateTime, Utc};
use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;

/// The status of what is not sold any more.
const RETIRED: &str = "Retired";

/// Where Attio shows something else than Zoho sells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Offerings whose record is missing, unlinked or says something else, in Zoho's order.
    pub differences: Vec<Difference>,
    /// Records of offerings that Zoho does not list any more, and that do not say so.
    pub missing: Vec<Missing>,
}

/// One record that is to be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What Zoho sells.
    pub offering: Offering,
    /// Its record; absent: there is none.
    pub record: Option<String>,
    /// Slugs of the attributes that say something else.
    pub attributes: Vec<String>,
    /// Those of them that a workspace member set, on a record that is ours.
    pub edited: Vec<String>,
    /// When the record was last written (UTC): the same difference at another time is another one.
    pub touched_at: Option<DateTime<Utc>>,
}

/// A record without its offering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// As the record shows it; not for sale any more.
    pub offering: Offering,
    /// The record.
    pub record: String,
    /// When it was last written (UTC).
    pub touched_at: Option<DateTime<Utc>>,
}

impl Comparison {
    /// Attio shows what Zoho sells.
    pub const fn is_empty(&self) -> bool {
        self.differences.is_empty() && self.missing.is_empty()
    }

    /// The same text for the same differences, and for no others.
    pub fn fingerprint(&self) -> String {
        digest(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// A version of the catalog: the same text for the same offerings, in whatever order they are listed.
pub fn version(catalog: &Catalog) -> String {
    let mut lines: Vec<_> =
        catalog.offerings.iter().map(|offering| serde_json::to_string(offering).unwrap_or_default()).collect();
    lines.sort_unstable();
    digest(&lines.join("\n"))
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(String::with_capacity(16), |mut hex, byte| {
        for digit in [byte >> 4, byte & 0xf] {
            hex.extend(char::from_digit(u32::from(digit), 16));
        }
        hex
    })
}

/// Compares one full read with what Attio holds now.
pub fn compare(catalog: &Catalog, shown: &ShownCatalog) -> Comparison {
    let mut comparison = Comparison::default();
    let mut adopted = BTreeSet::new();
    for offering in &catalog.offerings {
        let record = record_of(offering, shown, &adopted);
        if let Some(record) = record {
            adopted.insert(record.record.as_str());
        } else if !offering.active {
            // What is not sold any more and was never shown needs no record.
            continue;
        }
        let attributes = differing(offering, record, shown.currency);
        if attributes.is_empty() {
            continue;
        }
        let is_ours = record.is_some_and(|record| record.external_id.is_some());
        let set_by_people = |slug: &&String| is_ours && record.is_some_and(|record| record.edited.contains(slug));
        comparison.differences.push(Difference {
            edited: attributes.iter().filter(set_by_people).cloned().collect(),
            offering: offering.clone(),
            record: record.map(|record| record.record.clone()),
            attributes,
            touched_at: record.and_then(|record| record.touched_at),
        });
    }
    let listed: BTreeSet<&str> = catalog.offerings.iter().map(|offering| offering.external_id.as_str()).collect();
    let gone = |record: &&ShownOffering| {
        record.status.as_deref() != Some(RETIRED)
            && record.external_id.as_deref().is_some_and(|id| !listed.contains(id))
    };
    comparison.missing = shown.records.iter().filter(gone).filter_map(|r| missing(r, &catalog.organization)).collect();
    comparison
}

/// The record with its external id; else the oldest that a CRM user made for it.
fn record_of<'a>(offering: &Offering, shown: &'a ShownCatalog, taken: &BTreeSet<&str>) -> Option<&'a ShownOffering> {
    let linked = shown.records.iter().find(|r| r.external_id.as_deref() == Some(&offering.external_id));
    linked.or_else(|| {
        shown.records.iter().find(|record| {
            record.external_id.is_none()
                && record.kind.as_deref() == Some(offering.kind.as_str())
                && record.code.as_deref() == Some(&offering.code)
                && !taken.contains(record.record.as_str())
        })
    })
}

/// What of the record is not as Zoho has it. The number stands only in the currency that the attribute has.
fn differing(offering: &Offering, record: Option<&ShownOffering>, currency: Currency) -> Vec<String> {
    let price = offering.price.filter(|price| price.currency == currency);
    let text = |is: Option<&String>, wanted: &str| is.map_or("", String::as_str) == wanted;
    let same = |slug: &str| {
        let Some(record) = record else { return false };
        match slug {
            "external_id" => text(record.external_id.as_ref(), &offering.external_id),
            "name" => text(record.name.as_ref(), &offering.name),
            "kind" => text(record.kind.as_ref(), offering.kind.as_str()),
            "code" => text(record.code.as_ref(), &offering.code),
            "price" => record.price == price,
            "price_text" => text(record.price_text.as_ref(), &offering.price_text),
            "billing_interval" => text(record.interval.as_ref(), &offering.interval),
            _ => text(record.status.as_ref(), offering.status()),
        }
    };
    OFFERING_ATTRIBUTES.into_iter().filter(|slug| !same(slug)).map(str::to_owned).collect()
}

/// A record of this organization: another one's is none of our business.
fn missing(record: &ShownOffering, organization: &str) -> Option<Missing> {
    let external_id = record.external_id.clone()?;
    let kind = [OfferingKind::Plan, OfferingKind::Addon, OfferingKind::Coupon]
        .into_iter()
        .find(|kind| external_id.starts_with(&kind.external_id(organization, "")))?;
    let code = external_id.get(kind.external_id(organization, "").len()..)?.to_owned();
    let offering = Offering {
        kind,
        name: record.name.clone().unwrap_or_else(|| code.clone()),
        code,
        external_id,
        price: record.price,
        price_text: record.price_text.clone().unwrap_or_default(),
        interval: record.interval.clone().unwrap_or_default(),
        active: false,
    };
    Some(Missing { offering, record: record.record.clone(), touched_at: record.touched_at })
}
