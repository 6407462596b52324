//! Provisions a workspace with what billing needs, as often as it is asked: what exists is compared, what is missing is
//! made, what differs is reported and left alone. Never deletes, never changes what somebody made by hand, except that an
//! archived thing of ours is restored.

use super::api::{Answered, Ask};
use super::model::{Attribute, Kind, MODEL, Object, knows_currency};
use super::{Attio, sentence};
use reqwest::Method;
use sagas::kernel::outcome::{NotSent, Outcome};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;

const OPERATION: &str = "attio.setup";
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// How often a call that was provably not executed is sent again.
const TRIES: u32 = 5;
/// Rows per page of attributes.
const PAGE: usize = 500;
/// Scopes without which the flows cannot work.
const SCOPES: [&str; 3] = ["object_configuration:read-write", "record_permission:read-write", "webhook:read-write"];

/// What setup found and did; one line a thing, in the order in which it was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Made or restored now.
    pub created: Vec<String>,
    /// There already, as needed.
    pub existing: Vec<String>,
    /// Not there; only on a check, which makes nothing.
    pub missing: Vec<String>,
    /// There, but not as needed: what a person must change.
    pub drift: Vec<String>,
}

impl Report {
    /// Nothing is left to do.
    pub fn is_clean(&self) -> bool {
        self.missing.is_empty() && self.drift.is_empty()
    }

    /// All of it as lines to print: what is fine first, what a person must see last.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let parts = [
            ("exists", &self.existing),
            ("created", &self.created),
            ("missing", &self.missing),
            ("differs", &self.drift),
        ];
        parts.into_iter().flat_map(|(word, lines)| lines.iter().map(move |line| format!("{word:8} {line}")))
    }
}

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

/// What came of asking for a webhook.
#[derive(Debug)]
pub enum Webhook {
    /// There was one for that address; its secret was shown when it was made, and never again.
    Existing {
        /// Attio's id of it.
        id: String,
    },
    /// Made now.
    Created {
        /// Attio's id of it.
        id: String,
        /// Shown only once: to be stored at once.
        secret: SecretString,
    },
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
struct AttributeRow {
    id: AttributeId,
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
struct AttributeId {
    attribute_id: String,
}

#[derive(Deserialize)]
struct Title {
    title: String,
    #[serde(default)]
    is_archived: bool,
}

#[derive(Deserialize)]
struct WebhookRow {
    id: WebhookId,
    target_url: String,
    secret: Option<String>,
}

#[derive(Deserialize)]
struct WebhookId {
    webhook_id: String,
}

impl Attio {
    /// Compares the workspace with what billing needs and, unless it is only a check, makes what is missing.
    ///
    /// # Errors
    /// A call was refused or got no answer; what was done so far stays.
    pub async fn setup(&self, check: bool) -> Result<Report, SetupError> {
        let mut run = Run { attio: self, check, report: Report::default() };
        run.identity().await?;
        let objects = self.objects().await?;
        let mut absent = Vec::new();
        for object in MODEL {
            if !run.object(object, objects.contains_key(object.slug)).await? {
                absent.push(object.slug);
            }
        }
        for object in MODEL.iter().filter(|object| !absent.contains(&object.slug)) {
            run.attributes(object).await?;
        }
        Ok(run.report)
    }

    /// Makes sure that changes of records reach the address. Attio shows a webhook's secret once: where it is lost
    /// (`have_secret` is false), the webhook is replaced.
    ///
    /// # Errors
    /// Setup has not been run, or a call was refused or got no answer.
    pub async fn ensure_webhook(&self, target_url: &str, have_secret: bool) -> Result<Webhook, SetupError> {
        const AT: &str = "the webhook";
        let list = Ask::get(OPERATION, &["webhooks"], &[("limit", "100")]);
        let webhooks: Vec<WebhookRow> = self.ask(AT, list).await?;
        if let Some(existing) = webhooks.into_iter().find(|webhook| webhook.target_url == target_url) {
            let id = existing.id.webhook_id;
            if have_secret {
                return Ok(Webhook::Existing { id });
            }
            let segments = ["webhooks", id.as_str()];
            let delete = Ask { body: None, ..Ask::write(OPERATION, Method::DELETE, &segments, String::new()) };
            self.send(AT, || async { self.api.session(CALL_LIMIT).bare::<Json>(delete.clone()).await }).await?;
        }
        let body = json!({ "data": { "target_url": target_url, "subscriptions": self.subscriptions().await? } });
        let create = Ask::write(OPERATION, Method::POST, &["webhooks"], body.to_string());
        let made: WebhookRow = self.ask(AT, create).await?;
        let id = made.id.webhook_id;
        let secret = made.secret.ok_or_else(|| incomplete("the secret of the new webhook"))?;
        Ok(Webhook::Created { id, secret: secret.into() })
    }

    /// A press of an act by a person; and whatever takes a record away. Our own writes come back from an API token and
    /// are left out here already. Filters need ids, not slugs.
    async fn subscriptions(&self) -> Result<Vec<Json>, SetupError> {
        let equals = |field: &str, value: &str| json!({ "field": field, "operator": "equals", "value": value });
        let by_person = || equals("actor.type", "workspace-member");
        let objects = self.objects().await?;
        let mut subscriptions = Vec::new();
        let mut ours = Vec::new();
        for object in MODEL {
            let Some(id) = objects.get(object.slug) else {
                return Err(incomplete(&format!("object `{}`", object.slug)));
            };
            let of_object = equals("id.object_id", id);
            if object.attributes.iter().any(|attribute| attribute.slug == "sync_action") {
                let attributes = self.attribute_rows(object.slug).await?;
                let Some(action) = attributes.get("sync_action").map(|row| row.id.attribute_id.as_str()) else {
                    return Err(incomplete(&format!("attribute `{}.sync_action`", object.slug)));
                };
                let of_action = equals("id.attribute_id", action);
                subscriptions.push(json!({ "event_type": "record.updated",
                    "filter": { "$and": [&of_object, of_action, by_person()] } }));
                subscriptions.push(json!({ "event_type": "record.created",
                    "filter": { "$and": [&of_object, by_person()] } }));
            }
            ours.push(of_object);
        }
        for event in ["record.deleted", "record.merged"] {
            subscriptions.push(json!({ "event_type": event, "filter": { "$or": &ours } }));
        }
        Ok(subscriptions)
    }

    /// Ids of the workspace's objects by slug.
    async fn objects(&self) -> Result<BTreeMap<String, String>, SetupError> {
        let rows: Vec<ObjectRow> = self.ask("the list of objects", Ask::get(OPERATION, &["objects"], &[])).await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.api_slug?, row.id.object_id))).collect())
    }

    /// The attributes of an object by slug, archived ones included: their slugs stay taken.
    async fn attribute_rows(&self, object: &str) -> Result<BTreeMap<String, AttributeRow>, SetupError> {
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

    async fn ask<T: DeserializeOwned>(&self, at: &str, ask: Ask<'_>) -> Result<T, SetupError> {
        self.send(at, || async { self.api.session(CALL_LIMIT).call(ask.clone()).await }).await
    }

    /// Sends, and again while Attio says that it was not executed.
    async fn send<T, F>(&self, at: &str, once: impl Fn() -> F) -> Result<T, SetupError>
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
    report: Report,
}

impl Run<'_> {
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
            if !identity.scope.split_whitespace().any(|granted| granted == scope) {
                self.report
                    .drift
                    .push(format!("API key: scope `{scope}` is missing; tick it in Attio's developer settings"));
            }
        }
        Ok(())
    }

    /// Whether the object is there now.
    async fn object(&mut self, object: &Object, exists: bool) -> Result<bool, SetupError> {
        let line = format!("object `{}`", object.slug);
        match object.nouns {
            _ if exists => self.report.existing.push(line),
            None => {
                self.report.drift.push(format!("{line} is missing; an admin of the workspace must enable it"));
                return Ok(false);
            }
            Some(_) if self.check => {
                self.report.missing.push(format!("{line} with {} attributes", object.attributes.len()));
                return Ok(false);
            }
            Some((singular, plural)) => {
                let body = json!({ "data": { "api_slug": object.slug, "singular_noun": singular,
                    "plural_noun": plural } });
                self.make(&line, &["objects"], &body).await?;
                self.report.created.push(line);
            }
        }
        Ok(true)
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
                | Kind::Date
                | Kind::Timestamp
                | Kind::Amount
                | Kind::Actor
                | Kind::Reference { .. } => {}
            }
        }
        Ok(())
    }

    /// Whether the attribute can be used: its type cannot be changed afterwards.
    async fn compare(
        &mut self,
        object: &Object,
        attribute: &Attribute,
        row: &AttributeRow,
        line: String,
    ) -> Result<bool, SetupError> {
        let mut differs = Vec::new();
        let wanted = self.type_of(&attribute.kind);
        if row.r#type != wanted {
            differs.push(format!("is of type {} instead of {wanted}", row.r#type));
        }
        if row.is_unique != attribute.unique {
            differs.push(format!("is {}unique", if row.is_unique { "" } else { "not " }));
        }
        if row.is_multiselect {
            differs.push("holds several values instead of one".to_owned());
        }
        let code = row.config.pointer("/currency/default_currency_code").and_then(Json::as_str);
        let ours = self.attio.currency.code();
        if let Some(code) = code.filter(|code| wanted == "currency" && *code != ours) {
            differs.push(format!("is in {code} instead of {ours}"));
        }
        if !differs.is_empty() {
            let cure = "rename its slug in Attio and run setup again";
            self.report.drift.push(format!("{line} {}; {cure}", differs.join(", ")));
            return Ok(false);
        }
        if !row.is_archived {
            self.report.existing.push(line);
            return Ok(true);
        }
        let segments = ["objects", object.slug, "attributes", attribute.slug];
        self.restore(line, &segments).await
    }

    /// Whether the attribute is there now.
    async fn attribute(&mut self, object: &Object, attribute: &Attribute, line: String) -> Result<bool, SetupError> {
        if self.check {
            self.report.missing.push(line);
            return Ok(false);
        }
        let mut data = json!({
            "title": attribute.title,
            "description": null,
            "api_slug": attribute.slug,
            "type": self.type_of(&attribute.kind),
            "is_required": false,
            "is_unique": attribute.unique,
            "is_multiselect": false,
            "config": self.config(&attribute.kind),
        });
        if let Kind::Reference { to, back: Some((title, slug)) } = attribute.kind {
            data["relationship"] = json!({ "object": to, "title": title, "api_slug": slug, "is_multiselect": true });
        }
        self.make(&line, &["objects", object.slug, "attributes"], &json!({ "data": data })).await?;
        self.report.created.push(line);
        Ok(true)
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
                Some(row) if !row.is_archived => self.report.existing.push(line),
                Some(_) => {
                    self.restore(line, &[&segments[..], &[*title]].concat()).await?;
                }
                None if self.check => self.report.missing.push(line),
                None => {
                    self.make(&line, &segments, &json!({ "data": { "title": title } })).await?;
                    self.report.created.push(line);
                }
            }
        }
        Ok(())
    }

    async fn restore(&mut self, line: String, segments: &[&str]) -> Result<bool, SetupError> {
        if self.check {
            self.report.missing.push(format!("{line} (archived)"));
            return Ok(false);
        }
        let body = json!({ "data": { "is_archived": false } }).to_string();
        let _: Json = self.attio.ask(&line, Ask::write(OPERATION, Method::PATCH, segments, body)).await?;
        self.report.created.push(format!("{line}, restored from the archive"));
        Ok(true)
    }

    /// Makes something. If it was made meanwhile, that is as good: the next run compares it.
    async fn make(&self, at: &str, segments: &[&str], body: &Json) -> Result<(), SetupError> {
        let ask = Ask::write(OPERATION, Method::POST, segments, body.to_string());
        match self.attio.ask::<Json>(at, ask).await {
            Ok(_) => Ok(()),
            Err(error) => match &*error.outcome {
                Outcome::Rejected { rejection } if rejection.code == "slug_conflict" => Ok(()),
                _ => Err(error),
            },
        }
    }

    fn type_of(&self, kind: &Kind) -> &'static str {
        match kind {
            Kind::Text => "text",
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
            | Kind::Date
            | Kind::Timestamp
            | Kind::Actor
            | Kind::Select(_)
            | Kind::Status(_) => json!({}),
        }
    }
}

fn incomplete(what: &str) -> SetupError {
    let reason = format!("{what} is missing: run setup, with a key that is valid for this workspace");
    let outcome = super::api::rejected(sagas::kernel::outcome::RejectionKind::Config, "incomplete", reason.clone());
    SetupError { at: what.to_owned(), reason, outcome }
}

#[cfg(test)]
#[path = "setup_tests.rs"]
mod tests;
