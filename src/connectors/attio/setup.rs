//! Provisions a workspace with what billing needs, as often as it is asked: what exists is compared, what is missing is
//! made, what differs is reported and left alone. Never deletes or renames, never changes what somebody made by hand,
//! except that an archived thing of ours is restored. The webhook is `subscribe.rs`.

use super::api::{Answered, Ask};
use super::findings::{Finding, Quota, Report, State};
use super::model::{Attribute, Kind, MODEL, Object, knows_currency};
use super::{Attio, sentence};
use reqwest::Method;
use sagas::kernel::outcome::{NotSent, Outcome};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const OPERATION: &str = "attio.setup";
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(30);
/// How often a call that was provably not executed is sent again.
const TRIES: u32 = 5;
/// Rows per page of attributes.
const PAGE: usize = 500;
/// Scopes without which the flows cannot work.
const SCOPES: [&str; 6] = [
    "object_configuration:read-write",
    "note:read-write",
    "record_permission:read-write",
    "task:read-write",
    "user_management:read",
    "webhook:read-write",
];

/// Setup stopped. Everything before it was done; it can simply be run again.
#[derive(Debug, thiserror::Error)]
#[error("setup of Attio stopped at {at}: {reason}")]
pub struct SetupError {
    /// What was being done.
    pub at: String,
    /// Why it could not be, and what to do.
    pub reason: String,
    /// The outcome behind it.
    pub outcome: Box<Outcome>,
}

#[derive(Deserialize)]
struct Identity {
    active: bool,
    #[serde(default)]
    scope: String,
}

#[derive(Deserialize)]
struct ObjectRow {
    id: ObjectId,
    api_slug: Option<String>,
}

#[derive(Deserialize)]
struct ObjectId {
    object_id: String,
}

#[derive(Deserialize)]
pub(super) struct AttributeRow {
    pub(super) id: AttributeId,
    api_slug: String,
    r#type: String,
    #[serde(default)]
    is_unique: bool,
    #[serde(default)]
    is_multiselect: bool,
    #[serde(default)]
    is_archived: bool,
    #[serde(default)]
    config: Json,
}

#[derive(Deserialize)]
pub(super) struct AttributeId {
    pub(super) attribute_id: String,
}

#[derive(Deserialize)]
struct Title {
    title: String,
    #[serde(default)]
    is_archived: bool,
}

impl Attio {
    /// Compares the workspace with what billing needs and, unless it is only a check, makes what is missing. Where the
    /// workspace's plan allows fewer objects, the rest is made and the report says what does not work.
    ///
    /// # Errors
    /// A call was refused or got no answer; what was done so far stays.
    pub async fn setup(&self, check: bool) -> Result<Report, SetupError> {
        let objects = self.objects().await?;
        let quota = Quota { objects: objects.len(), missing: 0, refused: false };
        let report = Report { quota, ..Report::default() };
        let mut run = Run { attio: self, check, objects, absent: Vec::new(), report };
        run.identity().await?;
        for object in MODEL {
            if !run.object(object).await? {
                run.absent.push(object.slug);
                run.report.consequences.push(format!("without `{}`: {}", object.slug, object.without));
            }
        }
        run.report.quota.missing = run.absent.len();
        for object in MODEL {
            if !run.absent.contains(&object.slug) {
                run.attributes(object).await?;
            }
        }
        Ok(run.report)
    }

    /// Ids of the workspace's objects by slug.
    pub(super) async fn objects(&self) -> Result<BTreeMap<String, String>, SetupError> {
        let rows: Vec<ObjectRow> = self.ask("the list of objects", Ask::get(OPERATION, &["objects"], &[])).await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.api_slug?, row.id.object_id))).collect())
    }

    /// The attributes of an object by slug, archived ones included: their slugs stay taken.
    pub(super) async fn attribute_rows(&self, object: &str) -> Result<BTreeMap<String, AttributeRow>, SetupError> {
        let at = format!("the attributes of `{object}`");
        let limit = PAGE.to_string();
        let mut rows = BTreeMap::new();
        for page in 0_usize.. {
            let offset = (page * PAGE).to_string();
            let query = [("show_archived", "true"), ("limit", limit.as_str()), ("offset", offset.as_str())];
            let segments = ["objects", object, "attributes"];
            let page: Vec<AttributeRow> = self.ask(&at, Ask::get(OPERATION, &segments, &query)).await?;
            let last = page.len() < PAGE;
            rows.extend(page.into_iter().map(|row| (row.api_slug.clone(), row)));
            if last {
                break;
            }
        }
        Ok(rows)
    }

    pub(super) async fn ask<T: DeserializeOwned>(&self, at: &str, ask: Ask<'_>) -> Result<T, SetupError> {
        self.send(at, || async { self.api.session(CALL_LIMIT).call(ask.clone()).await }).await
    }

    /// Sends, and again while Attio says that it was not executed.
    pub(super) async fn send<T, F>(&self, at: &str, once: impl Fn() -> F) -> Result<T, SetupError>
    where
        F: Future<Output = Answered<T>>,
    {
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = match once().await {
                Ok(answer) => return Ok(answer),
                Err(outcome) => outcome,
            };
            match *outcome {
                Outcome::NotSent { cause: NotSent::Quota | NotSent::Again, retry_after_seconds, .. }
                    if tries < TRIES =>
                {
                    tokio::time::sleep(Duration::from_secs(u64::from(retry_after_seconds.unwrap_or(1)))).await;
                }
                _ => {
                    let reason = sentence((*outcome).clone());
                    return Err(SetupError { at: at.to_owned(), reason, outcome });
                }
            }
        }
    }
}

/// One run of setup.
struct Run<'a> {
    attio: &'a Attio,
    check: bool,
    /// Ids of the objects that were there before, by slug.
    objects: BTreeMap<String, String>,
    /// Objects of ours that are not there now.
    absent: Vec<&'static str>,
    report: Report,
}

/// What came of asking Attio for something new.
enum Made {
    Now,
    /// Its slug or name is taken.
    Taken,
    /// The workspace's plan allows no further object.
    OverQuota,
}

impl Run<'_> {
    fn found(&mut self, state: State, what: String) {
        self.report.findings.push(Finding::new(state, what));
    }

    fn differs(&mut self, what: String, detail: impl Into<String>, cure: impl Into<String>) {
        self.report.findings.push(Finding::new(State::Differs, what).detail(detail).cure(cure));
    }

    /// A dead key is answered with success and `active: false`.
    async fn identity(&mut self) -> Result<(), SetupError> {
        const AT: &str = "the API key";
        let api = &self.attio.api;
        let ask = Ask::get(OPERATION, &["self"], &[]);
        let identity: Identity =
            self.attio.send(AT, || async { api.session(CALL_LIMIT).bare(ask.clone()).await }).await?;
        if !identity.active {
            return Err(incomplete("an active API key"));
        }
        for scope in SCOPES {
            // The right to write is the right to read too.
            let more = format!("{scope}-write");
            if !identity.scope.split_whitespace().any(|granted| granted == scope || granted == more) {
                let cure = "tick it in Attio's developer settings";
                self.differs(AT.to_owned(), format!("lacks the scope `{scope}`"), cure);
            }
        }
        Ok(())
    }

    /// Whether the object is there now.
    async fn object(&mut self, object: &Object) -> Result<bool, SetupError> {
        let line = format!("object `{}`", object.slug);
        if self.objects.contains_key(object.slug) {
            self.found(State::Exists, line);
            return Ok(true);
        }
        let Some((singular, plural)) = object.nouns else {
            self.differs(line, "is not enabled", "an admin of the workspace enables it in Attio's settings");
            return Ok(false);
        };
        if self.check {
            let finding = Finding::new(State::Missing, line);
            self.report.findings.push(finding.detail(format!("with {} attributes", object.attributes.len())));
            return Ok(false);
        }
        let body = json!({ "data": { "api_slug": object.slug, "singular_noun": singular, "plural_noun": plural } });
        match self.make(&line, &["objects"], &body).await? {
            Made::Now => {
                self.report.quota.objects += 1;
                self.found(State::Created, line);
                Ok(true)
            }
            // Made by somebody else since the list was read: as good.
            Made::Taken if self.attio.objects().await?.contains_key(object.slug) => {
                self.found(State::Exists, line);
                Ok(true)
            }
            Made::Taken => {
                let detail = format!("cannot be made: another object is called {singular} or {plural}");
                self.differs(line, detail, "rename that object in Attio and run setup again");
                Ok(false)
            }
            Made::OverQuota => {
                self.report.quota.refused = true;
                let finding =
                    Finding::new(State::Missing, line).detail("the workspace's plan allows no further object");
                let cure = "let an admin choose a larger plan, or remove an object that nobody needs; run setup again";
                self.report.findings.push(finding.cure(cure));
                Ok(false)
            }
        }
    }

    async fn attributes(&mut self, object: &Object) -> Result<(), SetupError> {
        let rows = self.attio.attribute_rows(object.slug).await?;
        for attribute in object.attributes {
            let line = format!("attribute `{}.{}` ({})", object.slug, attribute.slug, self.type_of(&attribute.kind));
            let there = match rows.get(attribute.slug) {
                Some(row) => self.compare(object, attribute, row, line).await?,
                None => self.attribute(object, attribute, line).await?,
            };
            match attribute.kind {
                Kind::Select(titles) if there => self.titles(object, attribute, "options", titles).await?,
                Kind::Status(titles) if there => self.titles(object, attribute, "statuses", titles).await?,
                Kind::Select(_)
                | Kind::Status(_)
                | Kind::Text
                | Kind::Number
                | Kind::Checkbox
                | Kind::Date
                | Kind::Timestamp
                | Kind::Amount
                | Kind::Actor
                | Kind::Reference { .. } => {}
            }
        }
        Ok(())
    }

    /// Whether the attribute can be used: its type, and whether it holds several values, cannot be changed afterwards.
    async fn compare(
        &mut self,
        object: &Object,
        attribute: &Attribute,
        row: &AttributeRow,
        line: String,
    ) -> Result<bool, SetupError> {
        if let Some((detail, cure)) = self.difference(attribute, row) {
            self.differs(line, detail, cure);
            return Ok(false);
        }
        if !row.is_archived {
            self.found(State::Exists, line);
            return Ok(true);
        }
        let segments = ["objects", object.slug, "attributes", attribute.slug];
        self.restore(line, &segments).await
    }

    /// In what the attribute is another than the needed one, and what to do about it.
    fn difference(&self, attribute: &Attribute, row: &AttributeRow) -> Option<(String, String)> {
        let wanted = self.type_of(&attribute.kind);
        let mut differs = Vec::new();
        let mut cures = Vec::new();
        if row.r#type != wanted {
            differs.push(format!("is of type {} instead of {wanted}", row.r#type));
        }
        if row.is_multiselect != attribute.multiple {
            let (is, instead) = if attribute.multiple { ("one value", "several") } else { ("several values", "one") };
            differs.push(format!("holds {is} instead of {instead}"));
        }
        if let Kind::Reference { to, .. } = attribute.kind
            && let Some(allowed) = row.config.pointer("/record_reference/allowed_object_ids").and_then(Json::as_array)
            && self.objects.get(to).is_some_and(|id| !allowed.iter().any(|object| object == id))
        {
            differs.push(format!("does not refer to `{to}`"));
        }
        if !differs.is_empty() {
            cures.push("rename its slug in Attio and run setup again: it makes the right one".to_owned());
        }
        if row.is_unique != attribute.unique {
            let (is, make) = if row.is_unique { ("unique", "not unique") } else { ("not unique", "unique") };
            differs.push(format!("is {is}"));
            cures.push(format!("make it {make} in Attio's settings"));
        }
        let code = row.config.pointer("/currency/default_currency_code").and_then(Json::as_str);
        let ours = self.attio.currency.code();
        if let Some(code) = code.filter(|code| wanted == "currency" && *code != ours) {
            differs.push(format!("is in {code} instead of {ours}"));
            cures.push(format!("set its currency to {ours} in Attio's settings, or ATTIO_CURRENCY to {code}"));
        }
        (!differs.is_empty()).then(|| (differs.join(", "), cures.join("; ")))
    }

    /// Whether the attribute is there now.
    async fn attribute(&mut self, object: &Object, attribute: &Attribute, line: String) -> Result<bool, SetupError> {
        if let Kind::Reference { to, .. } = attribute.kind
            && self.absent.contains(&to)
        {
            let finding = Finding::new(State::Missing, line).detail(format!("refers to `{to}`, which is not there"));
            self.report.findings.push(finding.cure(format!("see object `{to}`")));
            return Ok(false);
        }
        if self.check {
            self.found(State::Missing, line);
            return Ok(false);
        }
        let mut data = json!({
            "title": attribute.title,
            "description": null,
            "api_slug": attribute.slug,
            "type": self.type_of(&attribute.kind),
            "is_required": false,
            "is_unique": attribute.unique,
            "is_multiselect": attribute.multiple,
            "config": self.config(&attribute.kind),
        });
        if let Kind::Reference { to, back: Some((title, slug)) } = attribute.kind {
            data["relationship"] = json!({ "object": to, "title": title, "api_slug": slug, "is_multiselect": true });
        }
        match self.make(&line, &["objects", object.slug, "attributes"], &json!({ "data": data })).await? {
            Made::Now => {
                self.found(State::Created, line);
                Ok(true)
            }
            Made::Taken | Made::OverQuota => {
                let rows = self.attio.attribute_rows(object.slug).await?;
                if let Some(row) = rows.get(attribute.slug) {
                    return self.compare(object, attribute, row, line).await;
                }
                let taken = match attribute.kind {
                    Kind::Reference { to, back: Some((_, slug)) } => format!("`{to}.{slug}`"),
                    _ => "its slug".to_owned(),
                };
                let detail = format!("cannot be made: {taken} is taken by another attribute");
                self.differs(line, detail, "rename that attribute's slug in Attio and run setup again");
                Ok(false)
            }
        }
    }

    async fn titles(
        &mut self,
        object: &Object,
        attribute: &Attribute,
        list: &str,
        titles: &[&str],
    ) -> Result<(), SetupError> {
        let segments = ["objects", object.slug, "attributes", attribute.slug, list];
        let at = format!("the {list} of `{}.{}`", object.slug, attribute.slug);
        // These lists have no pages.
        let list = Ask::get(OPERATION, &segments, &[("show_archived", "true")]);
        let rows: Vec<Title> = self.attio.ask(&at, list).await?;
        for title in titles {
            let line = format!("`{title}` among {at}");
            match rows.iter().find(|row| row.title == *title) {
                Some(row) if !row.is_archived => self.found(State::Exists, line),
                Some(_) => {
                    self.restore(line, &[&segments[..], &[*title]].concat()).await?;
                }
                None if self.check => self.found(State::Missing, line),
                None => {
                    // A title taken meanwhile is the title that is needed.
                    self.make(&line, &segments, &json!({ "data": { "title": title } })).await?;
                    self.found(State::Created, line);
                }
            }
        }
        Ok(())
    }

    async fn restore(&mut self, line: String, segments: &[&str]) -> Result<bool, SetupError> {
        if self.check {
            self.found(State::Archived, line);
            return Ok(false);
        }
        let body = json!({ "data": { "is_archived": false } }).to_string();
        let _: Json = self.attio.ask(&line, Ask::write(OPERATION, Method::PATCH, segments, body)).await?;
        self.report.findings.push(Finding::new(State::Mended, line).detail("restored from the archive"));
        Ok(true)
    }

    /// Makes something, or says why it cannot be.
    async fn make(&self, at: &str, segments: &[&str], body: &Json) -> Result<Made, SetupError> {
        let ask = Ask::write(OPERATION, Method::POST, segments, body.to_string());
        match self.attio.ask::<Json>(at, ask).await {
            Ok(_) => Ok(Made::Now),
            Err(error) => match &*error.outcome {
                Outcome::Rejected { rejection } if rejection.code == "slug_conflict" => Ok(Made::Taken),
                Outcome::Rejected { rejection } if rejection.code == "quota_exceeded" => Ok(Made::OverQuota),
                _ => Err(error),
            },
        }
    }

    fn type_of(&self, kind: &Kind) -> &'static str {
        match kind {
            Kind::Text => "text",
            Kind::Checkbox => "checkbox",
            Kind::Date => "date",
            Kind::Timestamp => "timestamp",
            Kind::Amount if knows_currency(self.attio.currency.code()) => "currency",
            Kind::Number | Kind::Amount => "number",
            Kind::Actor => "actor-reference",
            Kind::Select(_) => "select",
            Kind::Status(_) => "status",
            Kind::Reference { .. } => "record-reference",
        }
    }

    fn config(&self, kind: &Kind) -> Json {
        match kind {
            Kind::Amount if self.type_of(kind) == "currency" => {
                let code = self.attio.currency.code();
                json!({ "currency": { "default_currency_code": code, "display_type": "symbol" } })
            }
            Kind::Reference { to, .. } => json!({ "record_reference": { "allowed_objects": [to] } }),
            Kind::Amount
            | Kind::Text
            | Kind::Number
            | Kind::Checkbox
            | Kind::Date
            | Kind::Timestamp
            | Kind::Actor
            | Kind::Select(_)
            | Kind::Status(_) => json!({}),
        }
    }
}

pub(super) fn incomplete(what: &str) -> SetupError {
    let reason = format!("{what} is missing: run setup, with a key that is valid for this workspace");
    let outcome = super::api::rejected(sagas::kernel::outcome::RejectionKind::Config, "incomplete", reason.clone());
    SetupError { at: what.to_owned(), reason, outcome }
}

#[cfg(test)]
#[path = "setup_tests.rs"]
mod tests;
