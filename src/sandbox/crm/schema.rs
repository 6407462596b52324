//! Modules and their fields, as an administrator has set them up; people can add fields and take custom ones away.
//!
//! The external-id fields that billing needs are there from the start: making them is an administrator's act at the
//! real Zoho too.

use super::ids::Id;

/// The kind of a field's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Textarea,
    Email,
    Phone,
    Website,
    Picklist(Vec<String>),
    /// The module it refers to; several are possible where none is named (a note's parent).
    Lookup(Option<&'static str>),
    Owner,
    Currency,
    Integer,
    Boolean,
    Date,
    DateTime,
}

impl Type {
    /// `data_type` of the field's metadata.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Textarea => "textarea",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Website => "website",
            Self::Picklist(_) => "picklist",
            Self::Lookup(_) => "lookup",
            Self::Owner => "ownerlookup",
            Self::Currency => "currency",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
        }
    }

    /// `json_type` of the field's metadata.
    pub(super) fn json(&self) -> &'static str {
        match self {
            Self::Lookup(_) | Self::Owner => "jsonobject",
            Self::Currency => "double",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            _ => "string",
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Textarea => 2000,
            Self::Email => 100,
            Self::Phone => 30,
            Self::Website => 450,
            Self::Text => 255,
            Self::Picklist(_) | Self::Lookup(_) | Self::Owner => 120,
            Self::Currency => 16,
            Self::Integer => 9,
            Self::Boolean => 5,
            Self::Date | Self::DateTime => 20,
        }
    }
}

/// Which values a field forbids to two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unique {
    No,
    /// "Do not allow duplicate values".
    Yes,
    /// An external id: unique, and a record is addressed by it.
    External,
}

/// A field of a module.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) id: Id,
    pub(super) api_name: String,
    pub(super) kind: Type,
    /// Characters that a text may have.
    pub(super) length: usize,
    pub(super) mandatory: bool,
    pub(super) read_only: bool,
    pub(super) custom: bool,
    pub(super) unique: Unique,
}

/// A module: a kind of records.
#[derive(Debug, Clone)]
pub(super) struct Module {
    pub(super) id: Id,
    pub(super) layout: Id,
    pub(super) api_name: &'static str,
    pub(super) singular: &'static str,
    /// The field that names a record.
    pub(super) display: &'static str,
    /// Fields that find duplicates where an upsert names none.
    pub(super) duplicate_check: &'static [&'static str],
    pub(super) fields: Vec<Field>,
}

impl Module {
    pub(super) fn field(&self, api_name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.api_name == api_name)
    }

    pub(super) fn field_mut(&mut self, api_name: &str) -> Option<&mut Field> {
        self.fields.iter_mut().find(|field| field.api_name == api_name)
    }
}

/// A module of the table below: its name, one of its records, what names a record, what finds duplicates, its fields.
type Row = (&'static str, &'static str, &'static str, &'static [&'static str], Vec<Line>);
/// A line of the tables below.
type Line = (&'static str, Type, &'static [Mark]);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Mandatory,
    ReadOnly,
    Custom,
    External,
    /// At most so many characters.
    Length(usize),
}

use Mark::{Custom, External, Length, Mandatory, ReadOnly};

fn picklist(values: &[&str]) -> Type {
    Type::Picklist(values.iter().map(|value| (*value).to_owned()).collect())
}

/// The first two are Zoho's own values, the rest are those of a usual organisation.
const SOURCES: [&str; 9] = [
    "Advertisement",
    "Cold Call",
    "Employee Referral",
    "External Referral",
    "Online Store",
    "Partner",
    "Website",
    "WhatsApp",
    "Referral",
];
/// Stages with their probability and forecast type, in the order of the pipeline.
pub(super) const STAGES: [(&str, u8, &str); 9] = [
    ("Qualification", 10, "Open"),
    ("Needs Analysis", 20, "Open"),
    ("Value Proposition", 40, "Open"),
    ("Identify Decision Makers", 60, "Open"),
    ("Proposal/Price Quote", 75, "Open"),
    ("Negotiation/Review", 90, "Open"),
    ("Closed Won", 100, "Closed Won"),
    ("Closed Lost", 0, "Closed Lost"),
    ("Closed Lost to Competition", 0, "Closed Lost"),
];
/// The one pipeline of deals.
pub(super) const PIPELINE: &str = "Standard (Standard)";

/// Address fields of a contact or an account.
fn address(prefix: &'static [&'static str; 5]) -> Vec<Line> {
    prefix.iter().map(|name| (*name, Type::Text, &[] as &[Mark])).collect()
}

fn contacts() -> Vec<Line> {
    let own: Vec<Line> = vec![
        ("Salutation", picklist(&["Mr.", "Mrs.", "Ms.", "Dr.", "Prof."]), &[]),
        ("First_Name", Type::Text, &[Length(40)]),
        ("Last_Name", Type::Text, &[Mandatory, Length(80)]),
        ("Full_Name", Type::Text, &[ReadOnly]),
        ("Email", Type::Email, &[]),
        ("Secondary_Email", Type::Email, &[]),
        ("Phone", Type::Phone, &[]),
        ("Mobile", Type::Phone, &[]),
        ("Title", Type::Text, &[Length(100)]),
        ("Account_Name", Type::Lookup(Some("Accounts")), &[]),
        ("Lead_Source", picklist(&SOURCES), &[]),
        ("Email_Opt_Out", Type::Boolean, &[]),
        ("Platform_User_Id", Type::Text, &[Custom, External]),
    ];
    let address = address(&["Mailing_Street", "Mailing_City", "Mailing_State", "Mailing_Zip", "Mailing_Country"]);
    own.into_iter().chain(address).collect()
}

fn leads() -> Vec<Line> {
    let own: Vec<Line> = vec![
        ("First_Name", Type::Text, &[Length(40)]),
        ("Last_Name", Type::Text, &[Mandatory, Length(80)]),
        ("Full_Name", Type::Text, &[ReadOnly]),
        ("Company", Type::Text, &[Length(200)]),
        ("Email", Type::Email, &[]),
        ("Phone", Type::Phone, &[]),
        ("Lead_Source", picklist(&SOURCES), &[]),
        ("Lead_Status", picklist(&["Attempted to Contact", "Contacted", "Junk Lead", "Not Contacted"]), &[]),
        ("Converted__s", Type::Boolean, &[ReadOnly]),
    ];
    own.into_iter().chain(address(&["Street", "City", "State", "Zip_Code", "Country"])).collect()
}

fn accounts() -> Vec<Line> {
    let own: Vec<Line> = vec![
        ("Account_Name", Type::Text, &[Mandatory, Length(200)]),
        ("Account_Number", Type::Text, &[Length(40)]),
        ("Account_Type", picklist(&["Customer", "Partner", "Prospect", "Reseller"]), &[]),
        ("Industry", Type::Text, &[Length(120)]),
        ("Phone", Type::Phone, &[]),
        ("Website", Type::Website, &[]),
        ("Parent_Account", Type::Lookup(Some("Accounts")), &[]),
        ("Billing_Account_Id", Type::Text, &[Custom, External]),
    ];
    let address = address(&["Billing_Street", "Billing_City", "Billing_State", "Billing_Code", "Billing_Country"]);
    own.into_iter().chain(address).collect()
}

fn deals() -> Vec<Line> {
    vec![
        ("Deal_Name", Type::Text, &[Mandatory, Length(120)]),
        ("Stage", picklist(&STAGES.map(|(name, _, _)| name)), &[Mandatory]),
        ("Pipeline", picklist(&[PIPELINE]), &[Mandatory]),
        ("Closing_Date", Type::Date, &[Mandatory]),
        ("Amount", Type::Currency, &[]),
        ("Probability", Type::Integer, &[]),
        ("Account_Name", Type::Lookup(Some("Accounts")), &[]),
        ("Contact_Name", Type::Lookup(Some("Contacts")), &[]),
        ("Lead_Source", picklist(&SOURCES), &[]),
        ("Type", picklist(&["Existing Business", "New Business"]), &[]),
        ("Next_Step", Type::Text, &[Length(100)]),
        ("Billing_Ref", Type::Text, &[Custom, External]),
        ("Billing_Status", Type::Text, &[Custom]),
    ]
}

fn tasks() -> Vec<Line> {
    vec![
        ("Subject", Type::Text, &[Mandatory]),
        ("Due_Date", Type::Date, &[]),
        ("Status", picklist(&["Not Started", "Deferred", "In Progress", "Completed", "Waiting for input"]), &[]),
        ("Priority", picklist(&["High", "Highest", "Low", "Lowest", "Normal"]), &[]),
        ("Who_Id", Type::Lookup(Some("Contacts")), &[]),
        ("What_Id", Type::Lookup(None), &[]),
    ]
}

fn notes() -> Vec<Line> {
    vec![
        ("Note_Title", Type::Text, &[Length(120)]),
        ("Note_Content", Type::Textarea, &[Mandatory, Length(32_000)]),
        ("Parent_Id", Type::Lookup(None), &[Mandatory]),
    ]
}

/// What every module has besides.
fn common() -> Vec<Line> {
    vec![
        ("Owner", Type::Owner, &[]),
        ("Description", Type::Textarea, &[Length(32_000)]),
        ("Created_Time", Type::DateTime, &[ReadOnly]),
        ("Modified_Time", Type::DateTime, &[ReadOnly]),
        ("Created_By", Type::Owner, &[ReadOnly]),
        ("Modified_By", Type::Owner, &[ReadOnly]),
        ("Tag", Type::Text, &[Length(2000)]),
    ]
}

/// The modules of a new organisation. `next` hands out ids.
pub(super) fn modules(mut next: impl FnMut() -> Id) -> Vec<Module> {
    let table: [Row; 6] = [
        ("Leads", "Lead", "Full_Name", &["Email"], leads()),
        ("Contacts", "Contact", "Full_Name", &["Email"], contacts()),
        ("Accounts", "Account", "Account_Name", &["Account_Name"], accounts()),
        ("Deals", "Deal", "Deal_Name", &["Deal_Name"], deals()),
        ("Tasks", "Task", "Subject", &[], tasks()),
        ("Notes", "Note", "Note_Title", &[], notes()),
    ];
    table
        .into_iter()
        .map(|(api_name, singular, display, duplicate_check, own)| Module {
            id: next(),
            layout: next(),
            api_name,
            singular,
            display,
            duplicate_check,
            fields: own.into_iter().chain(common()).map(|line| field(next(), line)).collect(),
        })
        .collect()
}

fn field(id: Id, (api_name, kind, marks): Line) -> Field {
    let length = marks.iter().find_map(|mark| if let Length(n) = mark { Some(*n) } else { None });
    Field {
        id,
        api_name: api_name.to_owned(),
        length: length.unwrap_or_else(|| kind.length()),
        kind,
        mandatory: marks.contains(&Mandatory),
        read_only: marks.contains(&ReadOnly),
        custom: marks.contains(&Custom),
        unique: if marks.contains(&External) { Unique::External } else { Unique::No },
    }
}

/// A custom field as people make one.
pub(super) fn custom_field(id: Id, api_name: &str, kind: Type, unique: Unique) -> Field {
    let length = kind.length();
    Field { id, api_name: api_name.to_owned(), kind, length, mandatory: false, read_only: false, custom: true, unique }
}
