//! Attio held against what this connector assumes of it: the key and its scopes, the data model as `setup --check` sees it,
//! and records, members and webhooks as they are answered. Reads alone: a query is sent with POST and changes nothing.

use super::Attio;
use super::api::Ask;
use super::findings::State as Setup;
use super::model::{Kind, MODEL, Object};
use super::projection::SUBSCRIPTIONS;
use crate::connectors::drift::{
    Field, Point, Progress, READ_LIMIT, Survey, System, Walked, day, flag, list, number, text, time, word,
};
use crate::connectors::http::Reply;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

const OPERATION: &str = "attio.drift";
/// How many records of an object are read.
const SAMPLE: usize = 20;
/// The documents name 500 as the most rows of a query.
const ABOVE_LIMIT: usize = 501;

const SELF: &[Field] = &[flag("active"), text("scope"), text("workspace_id")];
const RECORD: &[Field] = &[text("id.record_id"), text("id.object_id"), time("created_at")];
const MEMBER: &[Field] = &[
    text("id.workspace_member_id"),
    text("email_address"),
    word("access_level", |word| matches!(word, "admin" | "member" | "suspended")),
];
const WEBHOOK: &[Field] = &[
    text("id.webhook_id"),
    text("target_url"),
    list("subscriptions"),
    word("status", |word| matches!(word, "active" | "degraded" | "inactive")),
];

impl Attio {
    /// Walks through what is read of the workspace.
    pub async fn drift(&self, now: DateTime<Utc>, progress: Progress<'_>) -> Walked {
        let mut survey = Survey::new(System::Attio, progress);
        if self.key(&mut survey, now).await {
            self.data_model(&mut survey).await;
            for object in MODEL {
                self.records(&mut survey, object).await;
            }
            self.most_rows(&mut survey).await;
            for (path, fields) in [("workspace_members", MEMBER), ("webhooks", WEBHOOK)] {
                survey.asks(path);
                if let Some((_, body)) = self.body(&mut survey, path, &Ask::get(OPERATION, &[path], &[])).await {
                    survey.shape(path, rows(&body).as_slice(), fields);
                }
            }
        }
        survey.done()
    }

    /// Whether there is a key to go on with. A dead one is answered with success and `active: false`.
    async fn key(&self, survey: &mut Survey<'_>, now: DateTime<Utc>) -> bool {
        const CHECK: &str = "API key";
        survey.asks(CHECK);
        let reply = match self.api.reply(&Ask::get(OPERATION, &["self"], &[]), READ_LIMIT).await {
            Ok(reply) => reply,
            Err(why) => {
                survey.unasked(CHECK, why.to_string());
                return false;
            }
        };
        let body = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
        if !reply.status.is_success() || body["active"] != true {
            survey.unasked(
                CHECK,
                format!("Attio answered {}, and knows no active key: check ATTIO_API_KEY", reply.status),
            );
            return false;
        }
        survey.headers(&reply, now);
        survey.shape(CHECK, [body].as_slice(), SELF);
        true
    }

    /// What `setup --check` says, scopes included.
    async fn data_model(&self, survey: &mut Survey<'_>) {
        const CHECK: &str = "data model and scopes";
        survey.asks(CHECK);
        let report = match self.setup(true).await {
            Ok(report) => report,
            Err(why) => return survey.unasked(CHECK, why.to_string()),
        };
        let same = report.count(Setup::Exists);
        survey.same(CHECK, format!("{same} things of {} exist as needed", report.findings.len()));
        for finding in report.findings.iter().filter(|finding| finding.state != Setup::Exists) {
            let found = [finding.state.word(), &finding.detail].join(" ");
            survey.differs(&finding.what, found.trim(), "attio-billing setup --check");
        }
    }

    /// The newest records of an object, each attribute of ours as its type is read.
    async fn records(&self, survey: &mut Survey<'_>, object: &Object) {
        let check = format!("records of {}", object.slug);
        survey.asks(&check);
        let order = json!({ "sorts": [{ "attribute": "created_at", "direction": "desc" }], "limit": SAMPLE });
        let segments = ["objects", object.slug, "records", "query"];
        let ask = Ask::query(OPERATION, &segments, order.to_string());
        let Some((reply, body)) = self.body(survey, &check, &ask).await else { return };
        if reply.status.as_u16() == 404 {
            // The data model says so already.
            return survey.empty(&check);
        }
        let rows = rows(&body);
        survey.shape(&check, rows.as_slice(), RECORD);
        if let Some(made) = rows.first().and_then(|row| row["created_at"].as_str()) {
            let fraction = made.split_once('.').map_or(0, |(_, tail)| tail.bytes().filter(u8::is_ascii_digit).count());
            survey.settle(Point::InstantDigits, format!("{fraction} behind the seconds"));
        }
        values(survey, object, &rows);
        if object.slug == SUBSCRIPTIONS {
            settle_by_subscriptions(survey, &rows);
        }
    }

    async fn most_rows(&self, survey: &mut Survey<'_>) {
        survey.asks("most rows of a query");
        let segments = ["objects", SUBSCRIPTIONS, "records", "query"];
        let ask = Ask::query(OPERATION, &segments, json!({ "limit": ABOVE_LIMIT }).to_string());
        let answer = match self.api.reply(&ask, READ_LIMIT).await {
            Ok(reply) if reply.status.is_success() => format!("a limit of {ABOVE_LIMIT} is taken"),
            Ok(reply) if reply.status.as_u16() == 400 => format!("a limit of {ABOVE_LIMIT} is refused"),
            // Nothing depends on it: our queries ask for less.
            Ok(_) | Err(_) => return,
        };
        survey.settle(Point::QueryRows, answer);
    }

    /// The JSON of a good answer, or of one that says that there is no such object.
    async fn body(&self, survey: &mut Survey<'_>, check: &str, ask: &Ask<'_>) -> Option<(Reply, Value)> {
        let reply = match self.api.reply(ask, READ_LIMIT).await {
            Ok(reply) => reply,
            Err(why) => {
                survey.unasked(check, why.to_string());
                return None;
            }
        };
        let status = reply.status;
        if status.is_server_error() || status.as_u16() == 429 {
            survey.unasked(check, format!("Attio answered {status}"));
            return None;
        }
        let body = serde_json::from_slice::<Value>(&reply.body).unwrap_or_default();
        if status.is_success() && !body["data"].is_array() {
            survey.differs(
                check,
                "the answer has no list under `data`",
                "compare the address and Attio's documentation",
            );
            return None;
        }
        if !status.is_success() && status.as_u16() != 404 {
            survey.differs(
                check,
                format!("refused: {status}"),
                "compare the key's scopes with `attio-billing setup --check`",
            );
            return None;
        }
        Some((reply, body))
    }
}

fn rows(body: &Value) -> Vec<Value> {
    body["data"].as_array().cloned().unwrap_or_default()
}

/// The fields of an attribute's first value that are read of it.
fn field(slug: &'static str, kind: &Kind) -> Field {
    let field = match kind {
        Kind::Number | Kind::Amount => number(slug),
        Kind::Checkbox => flag(slug),
        Kind::Date => day(slug),
        Kind::Timestamp => time(slug),
        Kind::Text | Kind::Actor | Kind::Select(_) | Kind::Status(_) | Kind::Reference { .. } => text(slug),
    };
    field.optional()
}

/// What of a value is read, by the attribute's type. A value of another form shows as an empty object: no text and no number.
fn read(value: &Value, kind: &Kind) -> Value {
    let names: &[&str] = match kind {
        Kind::Text | Kind::Number | Kind::Checkbox | Kind::Date | Kind::Timestamp => &["/value"],
        Kind::Amount => &["/currency_value", "/value"],
        Kind::Actor => &["/referenced_actor_id"],
        Kind::Select(_) => &["/option/title"],
        Kind::Status(_) => &["/status/title"],
        Kind::Reference { .. } => &["/target_record_id"],
    };
    names.iter().find_map(|name| value.pointer(name)).cloned().unwrap_or_else(|| json!({}))
}

/// Each attribute of ours as a list of values of its type; statuses and options that we know.
fn values(survey: &mut Survey<'_>, object: &Object, rows: &[Value]) {
    let flat: Vec<Value> = rows
        .iter()
        .map(|row| {
            let first = |slug: &str| row.pointer(&format!("/values/{slug}/0"));
            let of = object.attributes.iter();
            let shown = of.filter_map(|a| Some((a.slug.to_owned(), read(first(a.slug)?, &a.kind))));
            Value::Object(shown.collect::<Map<_, _>>())
        })
        .collect();
    let fields: Vec<Field> = object.attributes.iter().map(|a| field(a.slug, &a.kind)).collect();
    survey.shape(&format!("values of {}", object.slug), flat.as_slice(), &fields);
    for attribute in object.attributes {
        let (Kind::Select(titles) | Kind::Status(titles)) = &attribute.kind else { continue };
        let held = Survey::words(flat.as_slice(), attribute.slug);
        let strange: Vec<String> = held.into_iter().filter(|title| !titles.contains(&title.as_str())).collect();
        if !strange.is_empty() {
            let check = format!("`{}.{}`", object.slug, attribute.slug);
            let found = format!("holds titles that we do not know: {}", strange.join(", "));
            survey.differs(&check, found, "titles are matched exactly: rename it in Attio, or choose one of ours");
        }
    }
}

fn settle_by_subscriptions(survey: &mut Survey<'_>, rows: &[Value]) {
    let pressed = rows.iter().filter_map(|row| row.pointer("/values/sync_action/0"));
    let since: Vec<bool> = pressed.map(|value| value["active_from"].is_string()).collect();
    if !since.is_empty() {
        let all = since.iter().all(|is_there| *is_there);
        survey.settle(Point::PressIdentity, if all { "it does: `active_from`" } else { "not every value does" });
    }
    let unnamed = |row: &&Value| row.pointer("/values/external_id").is_some_and(|values| values == &json!([]));
    if rows.iter().filter(unnamed).count() > 1 {
        survey.settle(Point::EmptyUnique, "they may");
    }
}
