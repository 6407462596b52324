//! Records of CRM: what is written of a customer, a company, a sale; and what came of each record of a batch. Amounts are
//! written as JSON number text and never pass through a float.

use super::super::line::{Answered, rejected, unanswered};
use super::super::{ABSENT, is_invalid, is_not_found};
use super::api::{Ask, plain};
use super::{Crm, done, no_person, no_result};
use crate::port::Person;
use chrono::NaiveDate;
use sagas::kernel::effect;
use sagas::kernel::effect::{CrmModule, DealOrder};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use sagas::kernel::profile;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use tokio::time::Instant;

/// What CRM takes in one call.
const BATCH: usize = 100;

/// One record to be made or brought up to date. It has no `Debug`: it holds personal data.
pub struct Record {
    module: CrmModule,
    key: String,
    fields: Vec<(&'static str, Field)>,
}

enum Field {
    /// Empty: cleared.
    Text(String),
    Amount(Money),
    Day(NaiveDate),
    /// A record of another module, by our id of it.
    LookUp(String),
}

/// What came of one record.
#[derive(Debug)]
pub enum Upserted {
    /// It is as asked.
    Done {
        /// CRM's own id.
        id: String,
    },
    /// It is not, for this reason.
    Not(Box<Outcome>),
}

impl Record {
    /// The record of a call, and whether CRM's workflows run on it.
    pub(super) fn of(effect: &effect::Crm, person: &Person) -> Answered<(Self, bool)> {
        match effect {
            effect::Crm::UpsertAccount { account, workflows, .. } => Ok((Self::account(account, person), *workflows)),
            effect::Crm::UpsertContact { customer, account, workflows } => {
                Ok((Self::contact(customer, account.as_deref(), person), *workflows))
            }
            effect::Crm::UpsertDeal(deal) => Ok((Self::deal(deal, person), deal.workflows)),
            effect::Crm::Find { .. }
            | effect::Crm::SetTags { .. }
            | effect::Crm::Seek { .. }
            | effect::Crm::ReadProfile(_)
            | effect::Crm::WriteProfile(_)
            | effect::Crm::Erase { .. } => {
                Err(rejected(RejectionKind::Invalid, "no_record", "this call writes no record"))
            }
        }
    }

    /// A person's record, under our customer id.
    pub fn contact(customer: &str, account: Option<&str>, person: &Person) -> Self {
        let text = |text: &Option<String>| Field::Text(text.clone().unwrap_or_default());
        // CRM takes no contact without a last name.
        let (first, last) = match person.last_name.trim() {
            "" => (String::new(), person.display_name()),
            last => (person.first_name.clone(), last.to_owned()),
        };
        let mut fields = vec![
            ("Last_Name", Field::Text(last)),
            ("First_Name", Field::Text(first)),
            ("Email", Field::Text(person.email.trim().to_lowercase())),
            ("Mailing_Street", text(&person.street)),
            ("Mailing_City", text(&person.city)),
            ("Mailing_State", text(&person.state)),
            ("Mailing_Zip", text(&person.postal_code)),
            ("Mailing_Country", text(&person.country)),
        ];
        // A number that staff wrote stays where Attio has none.
        fields.extend(person.phone.clone().map(|phone| ("Phone", Field::Text(phone))));
        fields.extend(account.map(|account| ("Account_Name", Field::LookUp(account.to_owned()))));
        Self { module: CrmModule::Contacts, key: customer.to_owned(), fields }
    }

    /// A company's record, under our account id; the person's where there is no company.
    pub fn account(account: &str, person: &Person) -> Self {
        let fields = vec![("Account_Name", Field::Text(person.display_name()))];
        Self { module: CrmModule::Accounts, key: account.to_owned(), fields }
    }

    /// A record of which these fields alone are written.
    pub(super) fn of_fields(module: CrmModule, key: &str, person: &Person, wanted: &profile::Fields) -> Self {
        let mut whole = match module {
            CrmModule::Accounts => Self::account(key, person),
            CrmModule::Contacts | CrmModule::Deals => Self::contact(key, None, person),
        };
        if person.phone.is_none() && wanted.contains(&profile::Field::Phone) {
            whole.fields.push(("Phone", Field::Text(String::new())));
        }
        whole.fields.retain(|(name, _)| field_of(name).is_some_and(|field| wanted.contains(&field)));
        Self { module, ..whole }
    }

    /// A record of somebody who is erased: what we write of people, and the numbers that staff add.
    pub(super) fn erased(module: CrmModule, key: &str, nobody: &Person) -> Self {
        match module {
            CrmModule::Contacts => {
                let mut contact = Self::contact(key, None, nobody);
                contact.fields.extend(["Phone", "Mobile"].map(|name| (name, Field::Text(String::new()))));
                contact
            }
            CrmModule::Accounts => Self::account(key, nobody),
            CrmModule::Deals => {
                let fields = vec![("Deal_Name", Field::Text(nobody.display_name()))];
                Self { module, key: key.to_owned(), fields }
            }
        }
    }

    /// The names of the fields that it writes.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.fields.iter().map(|(name, _)| *name).collect()
    }

    /// A sale's record, under our subscription id.
    pub fn deal(deal: &DealOrder, person: &Person) -> Self {
        let mut fields = vec![
            ("Deal_Name", Field::Text(format!("{} – {}", person.display_name(), deal.plan))),
            ("Amount", Field::Amount(deal.amount)),
            ("Closing_Date", Field::Day(deal.closing_on)),
            ("Billing_Status", Field::Text(deal.status.clone())),
            ("Contact_Name", Field::LookUp(deal.customer.clone())),
        ];
        fields.extend(deal.account.clone().map(|account| ("Account_Name", Field::LookUp(account))));
        fields.extend(deal.pipeline.clone().map(|pipeline| ("Pipeline", Field::Text(pipeline))));
        fields.extend(deal.stage.clone().map(|stage| ("Stage", Field::Text(stage))));
        Self { module: CrmModule::Deals, key: deal.subscription.clone(), fields }
    }

    /// CRM shows it so. Look-ups are left out: CRM shows ids of its own in them.
    pub(super) fn is_shown(&self, shown: &Found) -> bool {
        self.fields.iter().all(|(name, field)| {
            let raw = shown.fields.get(*name).map_or("null", |raw| raw.get());
            match field {
                Field::Text(text) => raw_text(raw).as_deref().unwrap_or_default() == text,
                Field::Day(day) => raw_text(raw).is_some_and(|text| text == day.to_string()),
                Field::Amount(amount) => Money::parse(raw, amount.currency).is_ok_and(|shown| shown == *amount),
                Field::LookUp(_) => true,
            }
        })
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.fields.len() + 1))?;
        map.serialize_entry(self.module.our_field(), &self.key)?;
        for (name, field) in &self.fields {
            match field {
                Field::Text(text) if text.is_empty() => map.serialize_entry(name, &())?,
                Field::Text(text) => map.serialize_entry(name, text)?,
                Field::Day(day) => map.serialize_entry(name, day)?,
                Field::LookUp(key) => map.serialize_entry(name, &BTreeMap::from([("id", key)]))?,
                Field::Amount(amount) => {
                    let number = RawValue::from_string(amount.decimal()).map_err(serde::ser::Error::custom)?;
                    map.serialize_entry(name, &number)?;
                }
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Upsert<'a> {
    data: &'a [Record],
    /// Our field alone: by default CRM takes the e-mail address for the same record, which may be another person's.
    duplicate_check_fields: [&'static str; 1],
    trigger: &'static [&'static str],
}

/// A record as CRM shows it.
pub(super) struct Found {
    pub(super) id: String,
    /// By their names; amounts stay the text that they are.
    fields: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
struct Rows {
    data: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
pub(super) struct Results {
    pub(super) data: Vec<Result1>,
}

/// What CRM says of one record.
#[derive(Deserialize)]
pub(super) struct Result1 {
    code: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    pub(super) details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Details {
    id: Option<String>,
    api_name: Option<String>,
    duplicate_record: Option<Duplicate>,
    pub(super) tags: Option<Vec<TagName>>,
}

#[derive(Deserialize)]
struct Duplicate {
    id: String,
}

#[derive(Deserialize)]
pub(super) struct TagName {
    pub(super) name: String,
}

impl Result1 {
    pub(super) fn is_good(&self) -> bool {
        self.code == "SUCCESS" && self.status.as_deref() != Some("error")
    }

    /// There is no such record (any more).
    pub(super) fn is_unknown(&self) -> bool {
        self.code == "INVALID_DATA"
    }

    /// In CRM's codes and names of fields; its words may quote what was written.
    pub(super) fn refusal(&self) -> Box<Outcome> {
        let code = plain(&self.code);
        let field = self.details.api_name.as_deref().map(plain).unwrap_or_default();
        match code.as_str() {
            "INTERNAL_ERROR" => unanswered(true, "Zoho CRM: internal error at this record".to_owned()),
            "NO_PERMISSION" => rejected(RejectionKind::Config, &code, "Zoho CRM: the user may not write this record"),
            "RECORD_IN_BLUEPRINT" | "RECORD_LOCKED" | "NOT_APPROVED" | "CANNOT_PERFORM_ACTION" => {
                rejected(RejectionKind::State, &code, &format!("Zoho CRM: the record's state forbids it ({field})"))
            }
            _ => rejected(RejectionKind::Invalid, &code, &format!("Zoho CRM refuses the field `{field}`")),
        }
    }
}

/// Which of our fields a field of CRM's shows.
fn field_of(name: &str) -> Option<profile::Field> {
    Some(match name {
        "First_Name" => profile::Field::FirstName,
        "Last_Name" => profile::Field::LastName,
        "Account_Name" => profile::Field::Company,
        "Email" => profile::Field::Email,
        "Phone" => profile::Field::Phone,
        "Mailing_Street" => profile::Field::Street,
        "Mailing_City" => profile::Field::City,
        "Mailing_Zip" => profile::Field::PostalCode,
        "Mailing_State" => profile::Field::State,
        "Mailing_Country" => profile::Field::Country,
        _ => return None,
    })
}

/// Text in JSON; none: it is something else.
fn raw_text(raw: &str) -> Option<String> {
    serde_json::from_str(raw).ok()
}

impl Found {
    fn read(row: &str) -> Option<Self> {
        let fields: BTreeMap<String, Box<RawValue>> = serde_json::from_str(row).ok()?;
        let id = raw_text(fields.get("id")?.get())?;
        Some(Self { id, fields })
    }

    pub(super) fn text(&self, field: &str) -> Option<String> {
        self.fields.get(field).and_then(|raw| raw_text(raw.get())).filter(|text| !text.is_empty())
    }

    pub(super) fn stage(&self) -> Option<String> {
        self.text("Stage")
    }

    /// Names of all tags on it.
    pub(super) fn tags(&self) -> Answered<Vec<String>> {
        let raw = self.fields.get("Tag").map_or("null", |raw| raw.get());
        let tags: Option<Vec<TagName>> = serde_json::from_str(raw).map_err(|_| unreadable("Tag"))?;
        Ok(tags.into_iter().flatten().map(|tag| tag.name).collect())
    }
}

fn unreadable(what: &str) -> Box<Outcome> {
    let message = format!("Zoho CRM's answer has no usable {what}: expected the documented form");
    rejected(RejectionKind::UnknownState, "unreadable", &message)
}

impl Crm {
    /// The record with our id, or none. Not by a search, whose index lags.
    pub(super) async fn record(
        &self,
        operation: &'static str,
        module: CrmModule,
        key: &str,
        fields: &[&str],
        deadline: Instant,
    ) -> Answered<Option<Found>> {
        let external = format!("{}.{}", module.name(), module.our_field());
        self.one(operation, &[module.name(), key], &external, fields, deadline).await
    }

    async fn one(
        &self,
        operation: &'static str,
        segments: &[&str],
        external: &str,
        fields: &[&str],
        deadline: Instant,
    ) -> Answered<Option<Found>> {
        let fields = fields.join(",");
        let ask = Ask { operation, segments, query: &[("fields", &fields)], external, body: None, deletes: false };
        let body = match self.api.answer(&ask, deadline).await {
            Ok(body) if body.is_empty() => return Ok(None),
            Ok(body) => body,
            // An unknown value of an external field is answered as bad data.
            Err(outcome) if is_not_found(&outcome) || is_unknown_key(&outcome) => return Ok(None),
            Err(outcome) => return Err(outcome),
        };
        let rows: Rows = serde_json::from_slice(&body).map_err(|_| unreadable("data"))?;
        let Some(row) = rows.data.first() else { return Ok(None) };
        match serde_json::from_str::<Result1>(row.get()) {
            Ok(result) if result.code == "INVALID_DATA" => Ok(None),
            Ok(result) if result.status.as_deref() == Some("error") => Err(result.refusal()),
            Ok(_) | Err(_) => Found::read(row.get()).map(Some).ok_or_else(|| unreadable("record")),
        }
    }

    /// Writes records of one module, a hundred a call; what came of each, in their order. `workflows`: CRM's own run.
    pub(in super::super) async fn upsert_batch(
        &self,
        operation: &'static str,
        records: &[Record],
        workflows: bool,
        deadline: Instant,
    ) -> Answered<Vec<Upserted>> {
        let mut all = Vec::with_capacity(records.len());
        for batch in records.chunks(BATCH) {
            let Some(module) = batch.first().map(|record| record.module) else { break };
            let trigger: &[&str] = if workflows { &["workflow"] } else { &[] };
            let upsert = Upsert { data: batch, duplicate_check_fields: [module.our_field()], trigger };
            let body = serde_json::to_vec(&upsert).expect("texts, dates and numbers always make JSON");
            let external = match module {
                CrmModule::Contacts => "Contacts.Account_Name.Billing_Account_Id",
                CrmModule::Accounts => "",
                CrmModule::Deals => "Deals.Contact_Name.Platform_User_Id,Deals.Account_Name.Billing_Account_Id",
            };
            let segments = [module.name(), "upsert"];
            let ask = Ask { operation, segments: &segments, query: &[], external, body: Some(body), deletes: false };
            let body = self.api.answer(&ask, deadline).await?;
            let results: Results = serde_json::from_slice(&body).map_err(|_| no_result())?;
            let mut results = results.data.into_iter();
            for record in batch {
                all.push(match results.next() {
                    Some(result) => self.judge_record(operation, record, result, deadline).await?,
                    None => Upserted::Not(no_result()),
                });
            }
        }
        Ok(all)
    }

    async fn judge_record(
        &self,
        operation: &'static str,
        record: &Record,
        result: Result1,
        deadline: Instant,
    ) -> Answered<Upserted> {
        if result.is_good() {
            return Ok(match result.details.id {
                Some(id) => Upserted::Done { id },
                None => Upserted::Not(no_result()),
            });
        }
        let duplicate = result.details.duplicate_record.as_ref().map(|of| &of.id).or(result.details.id.as_ref());
        match duplicate.filter(|_| result.code == "DUPLICATE_DATA") {
            Some(id) => self.judge_duplicate(operation, record, id, deadline).await,
            None => Ok(Upserted::Not(result.refusal())),
        }
    }

    /// A record that CRM holds for the same: ours, if it carries our id; else a person decides, and nothing is merged.
    async fn judge_duplicate(
        &self,
        operation: &'static str,
        record: &Record,
        id: &str,
        deadline: Instant,
    ) -> Answered<Upserted> {
        let (module, ours) = (record.module.name(), record.module.our_field());
        let found = self.one(operation, &[module, id], "", &[ours], deadline).await?;
        let (code, what) = match found.and_then(|found| found.text(ours)) {
            Some(key) if key == record.key => return Ok(Upserted::Done { id: id.to_owned() }),
            Some(_) => ("duplicate_of_another", "carries another id of ours"),
            None => ("duplicate_unlinked", "carries no id of ours"),
        };
        let message =
            format!("Zoho CRM has record {id} of {module} for the same, which {what}: merge or link them there");
        Ok(Upserted::Not(rejected(RejectionKind::State, code, &message)))
    }

    /// There, and as it was to be written; else it is written again, which changes nothing where it was.
    pub(super) async fn look_record(
        &self,
        effect: &effect::Crm,
        person: Option<&Person>,
        deadline: Instant,
    ) -> Answered<Look> {
        let (record, _) = Record::of(effect, person.ok_or_else(no_person)?)?;
        let found = self.record("zoho_crm.find", record.module, &record.key, &record.names(), deadline).await?;
        Ok(match found.filter(|found| record.is_shown(found)) {
            Some(found) => {
                Look::Found { outcome: Box::new(Outcome::Done { answer: done(found.id) }), extra: Vec::new() }
            }
            None => ABSENT,
        })
    }
}

fn is_unknown_key(outcome: &Outcome) -> bool {
    is_invalid(outcome) && matches!(outcome, Outcome::Rejected { rejection } if rejection.code == "INVALID_DATA")
}
