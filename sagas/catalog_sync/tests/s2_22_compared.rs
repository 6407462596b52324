//! The comparison by itself.

use super::{ORGANIZATION, plan, record};
use crate::catalog_sync::{Comparison, compare};
use crate::kernel::catalog::{Catalog, OFFERING_ATTRIBUTES, Offering, ShownCatalog, ShownOffering};
use chrono::{DateTime, TimeDelta};
use iso_currency::Currency;

fn compared(sold: &[Offering], records: &[ShownOffering], currency: Currency) -> Comparison {
    let catalog =
        Catalog { organization: ORGANIZATION.to_owned(), offerings: sold.to_vec(), read_at: DateTime::UNIX_EPOCH };
    compare(&catalog, &ShownCatalog { currency, records: records.to_vec() })
}

#[test]
fn each_attribute_that_says_something_else_is_named_and_no_other() {
    let sold = plan("plus", 4_900);
    let same = record("r", &sold);
    assert!(compared(std::slice::from_ref(&sold), std::slice::from_ref(&same), Currency::EUR).is_empty());
    for slug in OFFERING_ATTRIBUTES.into_iter().filter(|slug| *slug != "external_id") {
        let mut other = same.clone();
        match slug {
            "name" => other.name = None,
            "kind" => other.kind = Some("addon".to_owned()),
            "code" => other.code = Some("PLUS".to_owned()),
            "price" => other.price = None,
            "price_text" => other.price_text = Some("free".to_owned()),
            "billing_interval" => other.interval = Some("1 year".to_owned()),
            _ => other.status = None,
        }
        let found = compared(std::slice::from_ref(&sold), &[other], Currency::EUR);
        assert_eq!(found.differences[0].attributes, [slug]);
    }
}

#[test]
fn e5_a_price_in_another_currency_than_attios_stands_in_the_text_alone() {
    let sold = plan("plus", 4_900);
    let shown = ShownOffering { price: None, ..record("r", &sold) };
    assert!(compared(std::slice::from_ref(&sold), &[shown], Currency::USD).is_empty());
    let wrong = record("r", &sold);
    assert_eq!(compared(&[sold], &[wrong], Currency::USD).differences[0].attributes, ["price"]);
}

#[test]
fn what_is_of_another_organization_or_of_nobody_is_left_alone() {
    let sold = plan("plus", 4_900);
    let other = ShownOffering { external_id: Some("plan:70000:gone".to_owned()), ..record("o", &sold) };
    let made = ShownOffering { external_id: None, code: Some("else".to_owned()), ..record("m", &sold) };
    let strange = ShownOffering { external_id: Some("é".to_owned()), ..record("s", &sold) };
    let found = compared(std::slice::from_ref(&sold), &[record("r", &sold), other, made, strange], Currency::EUR);
    assert!(found.is_empty(), "{found:?}");
    let retired = Offering { active: false, ..plan("old", 100) };
    assert!(compared(&[retired], &[], Currency::EUR).is_empty(), "no record is made for what is not sold any more");
}

#[test]
fn a_fingerprint_is_of_these_differences_at_that_time() {
    let sold = plan("plus", 4_900);
    let edited = |seconds, name: &str| ShownOffering {
        name: Some(name.to_owned()),
        touched_at: Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)),
        ..record("r", &sold)
    };
    let of = |shown| compared(std::slice::from_ref(&sold), &[shown], Currency::EUR).fingerprint();
    assert_eq!(of(edited(1, "a")), of(edited(1, "a")));
    assert_ne!(of(edited(1, "a")), of(edited(2, "a")), "the same edit again is another one");
}
