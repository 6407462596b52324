//! What we hold of a person or company, by the names of its fields, and where it is shown. Of the values themselves nothing
//! stands here: the log names fields, and what stood or stands in them lies beside it, where it can be erased.

use super::effect::CrmModule;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The flow that carries a change of them to where they are shown. Named here once, so that who reads its settings knows it.
pub const FLOW: &str = "profile_change";
/// By which word what the platform says of a customer is kept beside the log, until it stands in Attio.
pub const WANTED: &str = "wanted";

/// A field that Attio owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    FirstName,
    LastName,
    Company,
    Email,
    Phone,
    Street,
    City,
    PostalCode,
    State,
    Country,
}

/// Names of fields.
pub type Fields = BTreeSet<Field>;

impl Field {
    /// All.
    pub const ALL: [Self; 10] = [
        Self::FirstName,
        Self::LastName,
        Self::Company,
        Self::Email,
        Self::Phone,
        Self::Street,
        Self::City,
        Self::PostalCode,
        Self::State,
        Self::Country,
    ];

    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::FirstName => "first name",
            Self::LastName => "last name",
            Self::Company => "company name",
            Self::Email => "e-mail",
            Self::Phone => "phone",
            Self::Street => "street",
            Self::City => "city",
            Self::PostalCode => "postal code",
            Self::State => "state",
            Self::Country => "country",
        }
    }

    /// Where somebody lives decides how they are taxed.
    pub const fn moves_tax(self) -> bool {
        matches!(self, Self::State | Self::Country | Self::PostalCode)
    }
}

/// Fields in a sentence.
pub fn titles(fields: &Fields) -> String {
    fields.iter().map(|field| field.title()).collect::<Vec<_>>().join(", ")
}

/// A record that shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The customer in Zoho Billing.
    Billing,
    /// The customer in Braintree.
    Gateway,
    /// The contact in Zoho CRM.
    Contact,
    /// The account in Zoho CRM.
    Account,
}

impl Target {
    /// All, in the order in which they are written: where money is, first.
    pub const ALL: [Self; 4] = [Self::Billing, Self::Gateway, Self::Contact, Self::Account];

    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Billing => "customer in Zoho Billing",
            Self::Gateway => "customer in Braintree",
            Self::Contact => "contact in Zoho CRM",
            Self::Account => "account in Zoho CRM",
        }
    }

    /// The word in tables and keys.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Billing => "billing",
            Self::Gateway => "gateway",
            Self::Contact => "contact",
            Self::Account => "account",
        }
    }

    /// What it has room for.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Billing => &Field::ALL,
            Self::Gateway => &[Field::FirstName, Field::LastName, Field::Company, Field::Email, Field::Phone],
            Self::Contact => &[
                Field::FirstName,
                Field::LastName,
                Field::Email,
                Field::Phone,
                Field::Street,
                Field::City,
                Field::PostalCode,
                Field::State,
                Field::Country,
            ],
            Self::Account => &[Field::Company],
        }
    }

    /// It answers with the field in a form that can be compared. Zoho Billing shows a country's name in place of its code.
    pub fn shows(self, field: Field) -> bool {
        self.fields().contains(&field) && !(self == Self::Billing && field == Field::Country)
    }

    /// The list of records in CRM; none: it is elsewhere.
    pub const fn module(self) -> Option<CrmModule> {
        match self {
            Self::Contact => Some(CrmModule::Contacts),
            Self::Account => Some(CrmModule::Accounts),
            Self::Billing | Self::Gateway => None,
        }
    }
}

/// A target of a customer, to be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// Our customer id.
    pub customer: String,
    /// Where.
    pub target: Target,
    /// Its key there: Zoho's or Braintree's customer id, our customer or account id in CRM.
    pub key: String,
}

/// What is compared with a target, before it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Where.
    pub of: Copy,
    /// Values of others that are to be written over are kept under this mark, for a note.
    pub mark: String,
    /// What others alone changed there is written over, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole: bool,
}

/// What is written to a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Where.
    pub to: Copy,
    /// These fields alone.
    pub fields: Fields,
    /// When it was last changed, as read before, where the vendor says.
    pub seen: Option<String>,
}

/// What our tables say of what targets were given last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// The targets that there can be, with their keys.
    pub keys: BTreeMap<Target, String>,
    /// Fields that Attio holds otherwise than the target was given last, or of which nobody knows what it was given.
    pub behind: BTreeMap<Target, Fields>,
    /// Another customer of ours who has the e-mail address.
    pub address_of: Option<String>,
    /// ISO 4217 code of the currency in which our ledger has anything of them; absent: it has nothing.
    pub billed_in: Option<String>,
}

/// What a target shows, against what we hold and what it was given last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// There is such a record.
    pub found: bool,
    /// What is to be written.
    pub owed: Fields,
    /// Of these, what somebody else wrote there since: kept for a note.
    pub displaced: Fields,
    /// When it was last changed, where the vendor says.
    pub seen: Option<String>,
}

/// What stands in fields. In memory alone: it is personal, and stands in no event.
pub type Values = BTreeMap<Field, String>;

/// How a target differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// To be written.
    pub owed: Fields,
    /// Of these, what somebody else wrote there since.
    pub displaced: Fields,
    /// The same on both sides.
    pub even: Fields,
}

/// The form in which a value is compared.
fn form(field: Field, values: &Values) -> String {
    let text = values.get(&field).map_or("", |text| text.trim());
    match field {
        Field::Email => text.to_lowercase(),
        // However it is spaced and bracketed.
        Field::Phone => text.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect(),
        _ => text.to_owned(),
    }
}

/// Whether a field says the same in both.
pub fn same(field: Field, one: &Values, other: &Values) -> bool {
    form(field, one) == form(field, other)
}

/// What a target was not given yet. `known` is what it was given last; a field that nobody gave is not known.
pub fn behind(target: Target, ours: &Values, known: &Values) -> Fields {
    let is_behind = |field: &&Field| {
        let ours = form(**field, ours);
        if known.contains_key(*field) { form(**field, known) != ours } else { !ours.is_empty() }
    };
    target.fields().iter().filter(is_behind).copied().collect()
}

/// Compares a target with what we hold and what it was given last: Attio wins where it changed; what others alone changed
/// stays until Attio changes it, or until all of it (`whole`) is put right. What Attio never held is left.
pub fn compare(target: Target, ours: &Values, known: &Values, theirs: &Values, whole: bool) -> Differences {
    let mut differences = Differences::default();
    let behind = behind(target, ours, known);
    for field in target.fields().iter().copied() {
        if !target.shows(field) {
            if behind.contains(&field) {
                differences.owed.insert(field);
            }
            continue;
        }
        let shown = form(field, theirs);
        if shown == form(field, ours) {
            differences.even.insert(field);
            continue;
        }
        let changed_there = !known.contains_key(&field) || form(field, known) != shown;
        let is_owed = behind.contains(&field) || (whole && known.contains_key(&field));
        if is_owed {
            differences.owed.insert(field);
        }
        if is_owed && changed_there && !shown.is_empty() {
            differences.displaced.insert(field);
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(city: &str, email: &str) -> Values {
        Values::from([(Field::City, city.to_owned()), (Field::Email, email.to_owned())])
    }

    fn differences(ours: &Values, known: &Values, theirs: &Values, whole: bool) -> (Vec<Field>, Vec<Field>) {
        let found = compare(Target::Contact, ours, known, theirs, whole);
        (found.owed.into_iter().collect(), found.displaced.into_iter().collect())
    }

    #[test]
    fn what_attio_changed_is_owed_and_what_others_changed_too_is_displaced() {
        let (known, now) = (values("Bonn", "a@b.example"), values("Berlin", "a@b.example"));
        assert_eq!(differences(&now, &known, &known, false), (vec![Field::City], vec![]));
        let edited = values("Köln", "a@b.example");
        assert_eq!(differences(&now, &known, &edited, false), (vec![Field::City], vec![Field::City]));
        assert_eq!(differences(&now, &known, &now, false), (vec![], vec![]));
    }

    #[test]
    fn what_others_alone_changed_stays_until_all_is_put_right() {
        let (known, edited) = (values("Bonn", "a@b.example"), values("Köln", "A@B.example "));
        assert_eq!(differences(&known, &known, &edited, false), (vec![], vec![]));
        assert_eq!(differences(&known, &known, &edited, true), (vec![Field::City], vec![Field::City]));
    }

    #[test]
    fn what_attio_never_held_is_left_and_what_nobody_gave_is_noted_before_it_is_written_over() {
        let nothing = Values::new();
        let theirs = values("Köln", "");
        assert_eq!(differences(&nothing, &nothing, &theirs, true), (vec![], vec![]));
        let ours = values("Bonn", "a@b.example");
        assert_eq!(differences(&ours, &nothing, &theirs, false).1, [Field::City]);
        assert_eq!(behind(Target::Gateway, &ours, &nothing), Fields::from([Field::Email]));
    }

    #[test]
    fn a_country_that_is_shown_by_its_name_is_compared_with_what_was_given() {
        let country = |code: &str| Values::from([(Field::Country, code.to_owned())]);
        let shown = country("Germany");
        let owed = |ours: &str, known: &str| {
            compare(Target::Billing, &country(ours), &country(known), &shown, true).owed.contains(&Field::Country)
        };
        assert!(!owed("DE", "DE") && owed("FR", "DE"));
    }
}
