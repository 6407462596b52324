//! The old system's list of subscriptions, as CSV: read whole, each fault named, and told line by line to the saga of each.
//! Who somebody is goes into the table of personal data and never into an item. Looks nothing up, and writes at no vendor.

use crate::engine::items::Body;
use crate::port::Person;
use crate::store::items::NewItem;
use chrono::NaiveDate;
use sagas::kernel::effect::AttioRecord;
use sagas::kernel::ids::{Installation, SagaId, derive};
use sagas::kernel::saga::Saga;
use sagas::migration::{Command, CutOver, FailedCharges, Migration, OldSubscription};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A column of the list.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// As the header names it.
    pub name: &'static str,
    /// Every line has it.
    pub needed: bool,
    /// For people.
    pub what: &'static str,
}

const fn column(name: &'static str, needed: bool, what: &'static str) -> Column {
    Column { name, needed, what }
}

/// All columns; those that are not needed may be left out, in any order.
pub const COLUMNS: [Column; 19] = [
    column("subscription_id", true, "the old system's id of the subscription; one line each"),
    column("customer_id", true, "the old system's id of the customer; the same for all their lines"),
    column("email", false, "by which a customer is looked for where an id is missing"),
    column("first_name", false, "kept apart, like the address; for letters"),
    column("last_name", false, "the same"),
    column("company", false, "the same"),
    column("country", false, "two letters, ISO 3166"),
    column("language", false, "of letters, e.g. de"),
    column("zoho_customer_id", false, "Zoho Billing"),
    column("zoho_subscription_id", false, "Zoho Billing; without it the one subscription that runs and has plan_code"),
    column("braintree_customer_id", false, "Braintree"),
    column("braintree_token", false, "the vaulted card that is charged; without it the customer's default"),
    column(
        "braintree_subscription_id",
        false,
        "where Braintree's own recurring billing charges it; empty: it does not",
    ),
    column("attio_company_id", false, "record id in Attio, of a company or"),
    column("attio_person_id", false, "of a person; without both the record that names the Zoho customer"),
    column("attio_subscription_id", false, "record id of the object subscriptions in Attio"),
    column("plan_code", false, "plan code in Zoho that is expected"),
    column("paid_until", false, "the last day that is paid for, e.g. 2026-11-30"),
    column("failed_charges", false, "failed charges of the card in the last 30 days: a number, or unknown; empty: 0"),
];

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line of the file, from 1.
    pub line: u64,
    /// The column; empty: the line as a whole.
    pub field: String,
    /// What was expected, and what is there.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            return write!(f, "line {}: {}", self.line, self.what);
        }
        write!(f, "line {}, {}: {}", self.line, self.field, self.what)
    }
}

/// A line that was read.
#[derive(Debug, Clone)]
pub struct Line {
    /// What the saga is told.
    pub old: OldSubscription,
    /// Who it is, where the line says so.
    pub person: Option<Person>,
}

/// A list that was read without a fault.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// Made from the file's bytes: the same file is the same list.
    pub job: String,
    /// In the file's order.
    pub lines: Vec<Line>,
}

/// The header, below an explanation of each column.
pub fn template() -> String {
    let mut text = "# One line for each subscription that runs. Lines that begin with # are left out.\n".to_owned();
    for Column { name, needed, what } in COLUMNS {
        let needed = if needed { " (needed)" } else { "" };
        text.extend(["# ", name, needed, ": ", what, "\n"]);
    }
    text.push_str(&COLUMNS.map(|column| column.name).join(","));
    text.push('\n');
    text
}

/// Reads a list.
///
/// # Errors
/// All that is wrong with it, line by line.
pub fn read(bytes: &[u8]) -> Result<Sheet, Vec<Fault>> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).trim(csv::Trim::All).from_reader(bytes);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(e) => return Err(vec![whole(1, format!("it is no CSV in UTF-8: {e}"))]),
    };
    let header_line = line_of(bytes, headers.position());
    let mut faults = header_faults(&headers, header_line);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        match record {
            Ok(record) => {
                let mut row = Row { headers: &headers, record: &record, faults: Vec::new() };
                let line = row.line();
                faults.append(&mut row.faults);
                lines.push((line_of(bytes, record.position()), line));
            }
            Err(e) => {
                let line = line_of(bytes, e.position());
                faults.push(whole(line, what_is_wrong(&e)));
            }
        }
    }
    faults.extend(doubled(&lines));
    if lines.is_empty() && faults.is_empty() {
        faults.push(whole(header_line, "there is no line below the header".to_owned()));
    }
    if !faults.is_empty() {
        faults.sort_by_key(|fault| fault.line);
        return Err(faults);
    }
    let mut lines: Vec<Line> = lines.into_iter().map(|(_, line)| line).collect();
    name_neighbours(&mut lines);
    let job = hex::encode(Sha256::digest(bytes));
    Ok(Sheet { job: job.chars().take(12).collect(), lines })
}

/// The line in which a record begins. A position is where the reader went on from: comments and empty lines may lie between.
pub(super) fn line_of(bytes: &[u8], position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 1 };
    let from = usize::try_from(position.byte()).ok().and_then(|byte| bytes.get(byte..)).unwrap_or_default();
    let skipped =
        from.split(|byte| *byte == b'\n').take_while(|line| line.is_empty() || line == b"\r" || line.starts_with(b"#"));
    position.line() + u64::try_from(skipped.count()).unwrap_or_default()
}

pub(super) fn what_is_wrong(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} cells: expected {expected_len}, as the header")
        }
        csv::ErrorKind::Utf8 { err, .. } => {
            format!("cell {} is not UTF-8: expected the list in UTF-8", err.field() + 1)
        }
        _ => error.to_string(),
    }
}

pub(super) fn whole(line: u64, what: String) -> Fault {
    Fault { line, field: String::new(), what }
}

fn header_faults(headers: &csv::StringRecord, line: u64) -> Vec<Fault> {
    let fault = |field: &str, what: &str| Fault { line, field: field.to_owned(), what: what.to_owned() };
    let unknown = headers.iter().filter(|name| !COLUMNS.iter().any(|column| column.name == *name));
    let mut faults: Vec<Fault> =
        unknown.map(|name| fault(name, "no such column; `import template` lists all of them")).collect();
    let missing = COLUMNS.iter().filter(|column| column.needed && !headers.iter().any(|name| name == column.name));
    faults.extend(missing.map(|column| fault(column.name, "the column is missing")));
    let mut seen = BTreeSet::new();
    faults
        .extend(headers.iter().filter(|name| !seen.insert(*name)).map(|name| fault(name, "the column is there twice")));
    faults
}

/// A line is one subscription, and a subscription one line.
fn doubled(lines: &[(u64, Line)]) -> Vec<Fault> {
    let mut seen: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut faults = Vec::new();
    for (number, Line { old, .. }) in lines {
        let ids = [
            ("subscription_id", Some(&old.id)),
            ("zoho_subscription_id", old.zoho_subscription.as_ref()),
            ("braintree_subscription_id", old.braintree_subscription.as_ref()),
            ("attio_subscription_id", old.attio_subscription.as_ref()),
        ];
        for (field, id) in ids {
            let Some(id) = id.filter(|id| !id.is_empty()) else { continue };
            match seen.get(&(field, id.as_str())) {
                Some(first) => {
                    let what = format!("`{id}` stands in line {first} already: expected each subscription once");
                    faults.push(Fault { line: *number, field: field.to_owned(), what });
                }
                None => {
                    seen.insert((field, id), *number);
                }
            }
        }
    }
    faults
}

/// Each line knows which Braintree subscriptions the customer's other lines account for.
fn name_neighbours(lines: &mut [Line]) {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Line { old, .. } in &*lines {
        if let Some(id) = &old.braintree_subscription {
            named.entry(old.customer.clone()).or_default().insert(id.clone());
        }
    }
    for Line { old, .. } in lines {
        let all = named.get(&old.customer).into_iter().flatten();
        old.others = all.filter(|id| old.braintree_subscription.as_ref() != Some(*id)).cloned().collect();
    }
}

struct Row<'a> {
    headers: &'a csv::StringRecord,
    record: &'a csv::StringRecord,
    faults: Vec<Fault>,
}

impl Row<'_> {
    fn fault(&mut self, field: &str, what: String) {
        let line = self.record.position().map_or(0, csv::Position::line);
        self.faults.push(Fault { line, field: field.to_owned(), what });
    }

    fn text(&self, field: &str) -> Option<String> {
        let at = self.headers.iter().position(|name| name == field)?;
        self.record.get(at).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// An id: it goes into references and addresses.
    fn id(&mut self, field: &str) -> Option<String> {
        let id = self.text(field)?;
        if id.len() > 100 || id.chars().any(|c| c.is_whitespace() || c.is_control()) {
            self.fault(field, format!("`{id}`: expected an id of at most 100 characters, without spaces"));
        }
        Some(id)
    }

    fn needed(&mut self, field: &str) -> String {
        let id = self.id(field);
        if id.is_none() {
            self.fault(field, "is empty: expected an id".to_owned());
        }
        id.unwrap_or_default()
    }

    fn line(&mut self) -> Line {
        let id = self.needed("subscription_id");
        let customer = self.needed("customer_id");
        let person = self.person();
        let (company, contact) = (self.id("attio_company_id"), self.id("attio_person_id"));
        if company.is_some() && contact.is_some() {
            self.fault("attio_person_id", "expected this or attio_company_id, not both".to_owned());
        }
        let record = |object: &str, id| AttioRecord { object: object.to_owned(), id };
        let client = company.map(|id| record("companies", id)).or_else(|| contact.map(|id| record("people", id)));
        let old = OldSubscription {
            id,
            // The same customer of the old system is the same of ours, in whichever list they stand.
            customer: derive("customer", &["import", &customer]).simple().to_string(),
            has_email: person.is_some(),
            zoho_customer: self.id("zoho_customer_id"),
            zoho_subscription: self.id("zoho_subscription_id"),
            braintree_customer: self.id("braintree_customer_id"),
            token: self.id("braintree_token"),
            braintree_subscription: self.id("braintree_subscription_id"),
            others: Vec::new(),
            client,
            attio_subscription: self.id("attio_subscription_id"),
            plan: self.id("plan_code"),
            paid_until: self.day("paid_until"),
            failed: self.failed(),
        };
        Line { old, person }
    }

    /// None without an address: nobody is looked for by a name.
    fn person(&mut self) -> Option<Person> {
        let email = self.text("email")?;
        let parts = email.split_once('@');
        if parts.is_none_or(|(name, domain)| name.is_empty() || !domain.contains('.') || domain.contains('@'))
            || email.contains(char::is_whitespace)
        {
            self.fault("email", "expected an address like ada@example.org".to_owned());
        }
        let country = self.text("country");
        if let Some(country) = country.as_ref().filter(|c| c.len() != 2 || !c.bytes().all(|b| b.is_ascii_uppercase())) {
            self.fault("country", format!("`{country}`: expected two letters, e.g. DE"));
        }
        Some(Person {
            first_name: self.text("first_name").unwrap_or_default(),
            last_name: self.text("last_name").unwrap_or_default(),
            company: self.text("company"),
            email,
            country,
            locale: self.text("language"),
            ..Person::default()
        })
    }

    fn day(&mut self, field: &str) -> Option<NaiveDate> {
        let text = self.text(field)?;
        let day = NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok();
        if day.is_none() {
            self.fault(field, format!("`{text}`: expected a day like 2026-11-30"));
        }
        day
    }

    fn failed(&mut self) -> FailedCharges {
        const FIELD: &str = "failed_charges";
        match self.text(FIELD).as_deref() {
            None => FailedCharges::Times { times: 0 },
            Some("unknown") => FailedCharges::Unknown,
            Some(text) => match text.parse() {
                Ok(times) if times <= 1_000 => FailedCharges::Times { times },
                _ => {
                    self.fault(FIELD, format!("`{text}`: expected a number up to 1000, or `unknown`"));
                    FailedCharges::Unknown
                }
            },
        }
    }
}

/// The item that has a line looked up. The same run of the same list is the same order.
pub fn check(job: &str, run: &str, old: &OldSubscription, installation: &Installation, by: &str) -> NewItem {
    let (old_id, job_name) = (old.id.clone(), job.to_owned());
    let command = Command::Check { job: job_name, old: Box::new(old.clone()), installation: installation.clone() };
    let key = format!("import:{job}:{run}:{old_id}");
    NewItem { idempotency_key: Some(key), ..item(Migration::id(&old_id), "operator.check_import", by, &command) }
}

/// What people order of a line that was looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Link it.
    Link,
    /// Take the link back, for a reason.
    Unlink(String),
    /// Compare what we would charge with what is charged, or no longer.
    Shadow(bool),
    /// A difference of this invoice is explained, by this reason.
    Explain(String, String),
    /// What the shadow says is agreed to, for this reason.
    Approve(String),
    /// Somebody else shall collect it.
    CutOver(Box<CutOver>),
    /// Who collected before shall collect it again.
    TakeBack(Box<CutOver>),
}

/// The item by which a line hears a person's word.
pub fn said(saga: SagaId, word: Word, by: &str) -> NewItem {
    let who = by.to_owned();
    let (kind, command) = match word {
        Word::Link => ("operator.link_import", Command::Link { by: who }),
        Word::Unlink(reason) => ("operator.unlink_import", Command::Unlink { reason, by: who }),
        Word::Shadow(on) => ("operator.shadow_import", Command::Shadow { on, by: who }),
        Word::Approve(reason) => ("operator.approve_import", Command::Approve { reason, by: who }),
        Word::CutOver(order) => ("operator.cut_over_import", Command::CutOver { order }),
        Word::TakeBack(order) => ("operator.take_back_import", Command::TakeBack { order }),
        Word::Explain(invoice, reason) => ("operator.explain_import", Command::Explain { invoice, reason, by: who }),
    };
    item(saga, kind, by, &command)
}

fn item(saga: SagaId, kind: &str, principal: &str, command: &Command) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts, numbers and days always serialises");
    NewItem {
        saga,
        saga_kind: Migration::NAME.to_owned(),
        kind: kind.to_owned(),
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        read(text.as_bytes()).expect_err("it has faults").iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_template_is_a_list_without_a_line() {
        assert_eq!(faults(&template()), ["line 21: there is no line below the header"]);
        let filled = format!("{}old-1,cust-1{}\n", template(), ",".repeat(COLUMNS.len() - 2));
        let sheet = read(filled.as_bytes()).expect("a list");
        assert_eq!((sheet.lines.len(), sheet.lines[0].old.id.as_str()), (1, "old-1"));
    }

    #[test]
    fn each_fault_is_named_with_its_line_its_field_and_what_was_expected() {
        let list = "subscription_id,customer_id,email,paid_until,failed_charges,country,zoho_subscription_id\n\
                    s 1,c1,ada,31.12.26,many,Germany,z1\n\
                    ,c1,,,,,z1\n\
                    # of the year before\n\
                    \n\
                    s3,c1\n";
        assert_eq!(
            faults(list),
            [
                "line 2, subscription_id: `s 1`: expected an id of at most 100 characters, without spaces",
                "line 2, email: expected an address like ada@example.org",
                "line 2, country: `Germany`: expected two letters, e.g. DE",
                "line 2, paid_until: `31.12.26`: expected a day like 2026-11-30",
                "line 2, failed_charges: `many`: expected a number up to 1000, or `unknown`",
                "line 3, subscription_id: is empty: expected an id",
                "line 3, zoho_subscription_id: `z1` stands in line 2 already: expected each subscription once",
                "line 6: it has 2 cells: expected 7, as the header",
            ]
        );
    }

    #[test]
    fn a_header_is_read_by_its_names_and_no_unknown_one_is_passed_over() {
        assert_eq!(
            faults("subscription,customer_id\ns1,c1\n"),
            [
                "line 1, subscription: no such column; `import template` lists all of them",
                "line 1, subscription_id: the column is missing",
            ]
        );
        let sheet = read(b"customer_id,subscription_id\nc1,s1\n").expect("in any order");
        assert_eq!(sheet.lines[0].old.id, "s1");
    }

    #[test]
    fn the_same_file_is_the_same_list_and_the_same_customer_the_same_of_ours() {
        let list = b"subscription_id,customer_id,email,braintree_subscription_id\ns1,c1,Ada@example.org,b1\ns2,c1,,b2\ns3,c2,,\n";
        let (one, two) = (read(list).expect("a list"), read(list).expect("a list"));
        assert_eq!(one.job, two.job);
        let lines = &one.lines;
        assert_eq!(lines[0].old.customer, lines[1].old.customer);
        assert_ne!(lines[0].old.customer, lines[2].old.customer);
        assert_eq!(lines[0].old.others, ["b2"]);
        assert_eq!(lines[1].old.others, ["b1"]);
        assert!(lines[0].old.has_email && !lines[1].old.has_email);
    }

    #[test]
    fn what_says_who_somebody_is_stands_in_no_item() {
        let list = b"subscription_id,customer_id,email,first_name,last_name,company\ns1,c1,ada@example.org,Ada,Lovelace,Acme\n";
        let sheet = read(list).expect("a list");
        let installation = Installation::new("demo1").expect("valid");
        let item = check(&sheet.job, "1", &sheet.lines[0].old, &installation, "token:ada");
        for personal in ["example.org", "Ada", "Lovelace", "Acme"] {
            assert!(!item.body.contains(personal), "{}", item.body);
        }
    }
}
