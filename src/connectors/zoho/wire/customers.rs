//! Customers as Zoho Billing writes them, and as we make them. Nothing here has a `Debug`: it holds personal data.

use super::super::lists::ListedCustomer;
use super::{Amount, Unreadable, currency, given, id_age, timestamp};
use crate::port::Person;
use chrono::{DateTime, Utc};
use iso_currency::Currency;
use sagas::kernel::answer::ZohoCustomer;
use sagas::kernel::profile::{Field, Fields, Target, Values};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Label of the custom field of customers that holds our customer id. A person makes it in Zoho, best as one that
/// allows no duplicates.
pub(in super::super) const OUR_ID: &str = "billing_ref";

/// `{"customer": …}`
#[derive(Deserialize)]
pub(in super::super) struct CustomerAnswer {
    pub(in super::super) customer: CustomerWire,
}

#[derive(Deserialize)]
pub(in super::super) struct CustomerWire {
    customer_id: String,
    status: String,
    currency_code: String,
    unused_credits: Option<Amount>,
    custom_fields: Option<Vec<CustomFieldWire>>,
    created_time: Option<String>,
    updated_time: Option<String>,
    display_name: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    company_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    mobile: Option<String>,
    notes: Option<String>,
    billing_address: Option<AddressWire>,
    shipping_address: Option<AddressWire>,
}

/// Zoho leaves out what is empty, or leaves it empty.
#[derive(Default, Deserialize)]
#[serde(default)]
struct AddressWire {
    street: Option<String>,
    city: Option<String>,
    state: Option<String>,
    zip: Option<String>,
    /// Its name, whatever was written.
    country: Option<String>,
}

#[derive(Deserialize)]
struct CustomFieldWire {
    label: Option<String>,
    /// Texts, numbers, lists: it depends on the field.
    value: Option<Value>,
}

impl CustomerWire {
    /// Our customer id on it.
    pub(in super::super) fn our_id(&self) -> Option<&str> {
        let mut fields = self.custom_fields.iter().flatten();
        let ours = fields.find(|field| field.label.as_deref() == Some(OUR_ID))?;
        ours.value.as_ref()?.as_str().filter(|id| !id.is_empty())
    }

    /// Sorts the oldest first.
    pub(in super::super) fn age(&self) -> (Option<DateTime<Utc>>, usize, &str) {
        let (length, id) = id_age(&self.customer_id);
        (self.created_time.as_deref().and_then(timestamp), length, id)
    }

    pub(in super::super) fn id(&self) -> &str {
        &self.customer_id
    }

    /// It shows what we hold of the person. The country is left out: Zoho writes its name in place of a code.
    pub(in super::super) fn shows(&self, person: &Person) -> bool {
        let is = |shown: &Option<String>, ours: &str| shown.as_deref().unwrap_or_default().trim() == ours.trim();
        let may = |shown: &Option<String>, ours: &Option<String>| is(shown, ours.as_deref().unwrap_or_default());
        let nowhere = AddressWire::default();
        let at = self.billing_address.as_ref().unwrap_or(&nowhere);
        is(&self.display_name, &person.display_name())
            && is(&self.first_name, &person.first_name)
            && is(&self.last_name, &person.last_name)
            && is(&self.email, &person.email)
            && may(&self.company_name, &person.company)
            && may(&at.street, &person.street)
            && may(&at.city, &person.city)
            && may(&at.state, &person.state)
            && may(&at.zip, &person.postal_code)
    }

    /// When it was last changed.
    pub(in super::super) fn changed_at(&self) -> Option<&str> {
        self.updated_time.as_deref()
    }

    /// Whom it shows.
    pub(in super::super) fn person(&self) -> Person {
        let text = |shown: &Option<String>| shown.clone().filter(|text| !text.trim().is_empty());
        let nowhere = AddressWire::default();
        let at = self.billing_address.as_ref().unwrap_or(&nowhere);
        Person {
            first_name: text(&self.first_name).unwrap_or_default(),
            last_name: text(&self.last_name).unwrap_or_default(),
            company: text(&self.company_name),
            email: text(&self.email).unwrap_or_default(),
            phone: text(&self.phone),
            street: text(&at.street),
            city: text(&at.city),
            postal_code: text(&at.zip),
            state: text(&at.state),
            country: text(&at.country),
            locale: None,
        }
    }

    /// It shows these fields as we hold them, as far as Zoho shows them in our form.
    pub(in super::super) fn shows_fields(&self, person: &Person, fields: &Fields) -> bool {
        let (theirs, ours) = (self.person().values(), person.values());
        let comparable = fields.iter().filter(|field| Target::Billing.shows(**field));
        let text = |values: &Values, field: &Field| values.get(field).map(|text| text.trim().to_lowercase());
        comparable.into_iter().all(|field| text(&theirs, field) == text(&ours, field))
    }

    /// It says nobody's name, number or address.
    pub(in super::super) fn is_erased(&self, nobody: &Person) -> bool {
        let empty = |shown: &Option<String>| shown.as_deref().is_none_or(|text| text.trim().is_empty());
        let at = self.shipping_address.as_ref();
        let nowhere = at.is_none_or(|at| [&at.street, &at.city, &at.state, &at.zip].into_iter().all(empty));
        self.shows(nobody) && nowhere && [&self.phone, &self.mobile, &self.notes].into_iter().all(empty)
    }

    pub(in super::super) fn is_active(&self) -> bool {
        self.status == "active"
    }

    pub(in super::super) fn read(self) -> Result<ZohoCustomer, Unreadable> {
        let currency = currency(&self.currency_code)?;
        let credit =
            given(self.unused_credits.as_ref()).map(|credit| credit.money("customer.unused_credits", currency));
        Ok(ZohoCustomer {
            active: self.is_active(),
            our_customer: self.our_id().map(str::to_owned),
            unused_credit: credit.transpose()?,
            id: self.customer_id,
            currency: self.currency_code,
            changed_at: self.updated_time,
        })
    }
}

/// Rows of `GET /customers`: they hold no custom fields.
#[derive(Deserialize)]
pub(in super::super) struct CustomerRows {
    pub(in super::super) customers: Vec<CustomerRow>,
}

#[derive(Deserialize)]
pub(in super::super) struct CustomerRow {
    pub(in super::super) customer_id: String,
    display_name: Option<String>,
    email: Option<String>,
    created_time: Option<String>,
    updated_time: Option<String>,
}

impl CustomerRows {
    pub(in super::super) fn read(self) -> Vec<ListedCustomer> {
        let rows = self.customers.into_iter();
        rows.map(|row| ListedCustomer { id: row.customer_id, changed_at: row.updated_time }).collect()
    }
}

impl CustomerRow {
    /// Made at that time or later; a row that does not say when counts as new.
    pub(in super::super) fn since(&self, earliest: DateTime<Utc>) -> bool {
        self.created_time.as_deref().and_then(timestamp).is_none_or(|made| made >= earliest)
    }

    /// It has the person's e-mail address or name.
    pub(in super::super) fn may_be(&self, person: &Person) -> bool {
        self.has_email(&person.email) || is(self.display_name.as_deref(), &person.display_name())
    }

    /// It has that e-mail address, in whatever case.
    pub(in super::super) fn has_email(&self, email: &str) -> bool {
        is(self.email.as_deref(), email)
    }
}

fn is(shown: Option<&str>, ours: &str) -> bool {
    shown.is_some_and(|shown| shown.trim().to_lowercase() == ours.trim().to_lowercase())
}

/// Body of `POST /customers`.
#[derive(Serialize)]
pub(in super::super) struct NewCustomer<'a> {
    display_name: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    first_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    last_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    company_name: Option<&'a str>,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    currency_code: &'static str,
    #[serde(skip_serializing_if = "Address::is_empty")]
    billing_address: Address<'a>,
    custom_fields: [NewCustomField<'a>; 1],
}

#[derive(Serialize)]
struct Address<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    street: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    city: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'a str>,
}

impl Address<'_> {
    fn is_empty(&self) -> bool {
        [self.street, self.city, self.state, self.zip, self.country].iter().all(Option::is_none)
    }
}

#[derive(Serialize)]
struct NewCustomField<'a> {
    label: &'static str,
    value: &'a str,
}

impl<'a> NewCustomer<'a> {
    pub(in super::super) fn of(person: &'a Person, our_id: &'a str, currency: Currency) -> Self {
        let filled = |text: &'a Option<String>| text.as_deref().filter(|text| !text.is_empty());
        Self {
            display_name: person.display_name(),
            first_name: &person.first_name,
            last_name: &person.last_name,
            company_name: filled(&person.company),
            email: &person.email,
            phone: filled(&person.phone),
            currency_code: currency.code(),
            billing_address: Address {
                street: filled(&person.street),
                city: filled(&person.city),
                state: filled(&person.state),
                zip: filled(&person.postal_code),
                country: filled(&person.country),
            },
            custom_fields: [NewCustomField { label: OUR_ID, value: our_id }],
        }
    }
}

/// Body of `PUT /customers/{id}`: every field that we hold, the empty ones too, so that what was taken away goes.
#[derive(Serialize)]
pub(in super::super) struct UpdatedCustomer<'a> {
    display_name: String,
    first_name: &'a str,
    last_name: &'a str,
    company_name: &'a str,
    email: &'a str,
    billing_address: UpdatedAddress<'a>,
}

/// Body of `PUT /customers/{id}` that changes these fields alone: what Zoho demands in every change, and the rest of an
/// address, go along as it shows them.
pub(in super::super) fn correction(shown: &CustomerWire, person: &Person, fields: &Fields) -> Value {
    let (theirs, ours) = (shown.person().values(), person.values());
    let text = |field: Field| {
        let values = if fields.contains(&field) { &ours } else { &theirs };
        values.get(&field).cloned().unwrap_or_default()
    };
    let names = [Field::FirstName, Field::LastName, Field::Company];
    let renamed = names.iter().any(|field| fields.contains(field));
    let display_name = match &shown.display_name {
        Some(shown) if !renamed => shown.clone(),
        Some(_) | None => person.display_name(),
    };
    let mut body = json!({ "display_name": display_name, "email": text(Field::Email) });
    for (field, name) in [
        (Field::FirstName, "first_name"),
        (Field::LastName, "last_name"),
        (Field::Company, "company_name"),
        (Field::Phone, "phone"),
    ] {
        if fields.contains(&field) {
            body[name] = text(field).into();
        }
    }
    let address = [
        (Field::Street, "street"),
        (Field::City, "city"),
        (Field::State, "state"),
        (Field::PostalCode, "zip"),
        (Field::Country, "country"),
    ];
    if address.iter().any(|(field, _)| fields.contains(field)) {
        for (field, name) in address {
            body["billing_address"][name] = text(field).into();
        }
    }
    body
}

/// Body of `PUT /customers/{id}` for a person who is erased: what we hold of people, and what staff add to it.
#[derive(Serialize)]
pub(in super::super) struct ErasedCustomer<'a> {
    #[serde(flatten)]
    words: UpdatedCustomer<'a>,
    phone: &'a str,
    mobile: &'a str,
    notes: &'a str,
    shipping_address: UpdatedAddress<'a>,
}

impl<'a> ErasedCustomer<'a> {
    pub(in super::super) fn of(nobody: &'a Person) -> Self {
        let words = UpdatedCustomer::of(nobody);
        let shipping_address = UpdatedAddress { street: "", city: "", state: "", zip: "", country: "" };
        Self { words, phone: "", mobile: "", notes: "", shipping_address }
    }
}

#[derive(Serialize)]
struct UpdatedAddress<'a> {
    street: &'a str,
    city: &'a str,
    state: &'a str,
    zip: &'a str,
    country: &'a str,
}

impl<'a> UpdatedCustomer<'a> {
    pub(in super::super) fn of(person: &'a Person) -> Self {
        let text = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
        Self {
            display_name: person.display_name(),
            first_name: &person.first_name,
            last_name: &person.last_name,
            company_name: text(&person.company),
            email: &person.email,
            billing_address: UpdatedAddress {
                street: text(&person.street),
                city: text(&person.city),
                state: text(&person.state),
                zip: text(&person.postal_code),
                country: text(&person.country),
            },
        }
    }
}
