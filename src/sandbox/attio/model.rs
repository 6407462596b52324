//! What an Attio workspace holds, and how its parts look in JSON. No rule about what may be written is here.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Instant};
use uuid::Uuid;

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Actor {
    Token(Uuid),
    Member(Uuid),
}

impl Actor {
    pub(super) fn json(self) -> Value {
        let (kind, id) = self.parts();
        json!({ "type": kind, "id": id })
    }

    /// Type and id as Attio writes them.
    pub(super) fn parts(self) -> (&'static str, Uuid) {
        match self {
            Self::Token(id) => ("api-token", id),
            Self::Member(id) => ("workspace-member", id),
        }
    }
}

/// Attribute types (Attio's OpenAPI document).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Type {
    Text,
    Number,
    Checkbox,
    Currency,
    Date,
    Timestamp,
    Rating,
    Status,
    Select,
    RecordReference,
    ActorReference,
    Location,
    Domain,
    EmailAddress,
    PhoneNumber,
    PersonalName,
}

impl Type {
    /// Whether an attribute of this type may hold several values.
    pub(super) fn may_be_multiple(self) -> bool {
        matches!(
            self,
            Self::Select
                | Self::RecordReference
                | Self::ActorReference
                | Self::Domain
                | Self::EmailAddress
                | Self::PhoneNumber
        )
    }

    /// Whether an attribute of this type may be unique.
    pub(super) fn may_be_unique(self) -> bool {
        matches!(self, Self::Text | Self::Number | Self::Domain | Self::EmailAddress | Self::PhoneNumber)
    }
}

/// A select option or a status.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) id: Uuid,
    pub(super) title: String,
    pub(super) archived: bool,
    pub(super) celebration: bool,
    pub(super) target_time: Option<String>,
}

impl Choice {
    pub(super) fn new(title: &str) -> Self {
        Self { id: Uuid::new_v4(), title: title.to_owned(), archived: false, celebration: false, target_time: None }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Attribute {
    pub(super) id: Uuid,
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) description: Option<String>,
    pub(super) kind: Type,
    pub(super) system: bool,
    pub(super) writable: bool,
    pub(super) required: bool,
    pub(super) unique: bool,
    pub(super) multiple: bool,
    pub(super) archived: bool,
    /// The values that a new record gets where none is given, as they would be written.
    pub(super) default_value: Option<Vec<Value>>,
    pub(super) currency: Option<String>,
    pub(super) display_type: Option<String>,
    /// Objects that a reference may point to; none: any.
    pub(super) allowed: Option<Vec<Uuid>>,
    /// Object and attribute of the other side of a two-way reference.
    pub(super) other_side: Option<(Uuid, Uuid)>,
    pub(super) choices: Vec<Choice>,
    pub(super) created_at: DateTime<Utc>,
}

impl Attribute {
    /// A plain attribute with all switches off.
    pub(super) fn new(slug: &str, title: &str, kind: Type, now: DateTime<Utc>) -> Self {
        Self {
            id: Uuid::new_v4(),
            slug: slug.to_owned(),
            title: title.to_owned(),
            description: None,
            kind,
            system: false,
            writable: true,
            required: false,
            unique: false,
            multiple: false,
            archived: false,
            default_value: None,
            currency: None,
            display_type: None,
            allowed: None,
            other_side: None,
            choices: Vec::new(),
            created_at: now,
        }
    }

    /// A choice by id or exact title; archived ones are found by id only where a live one bears the title.
    pub(super) fn choice(&self, key: &str) -> Option<&Choice> {
        let named = |live: bool| self.choices.iter().find(|c| c.title == key && c.archived != live);
        self.choices.iter().find(|c| c.id.to_string() == key).or_else(|| named(true)).or_else(|| named(false))
    }
}

/// What one value holds: the fields as they are read, or the choice made.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum {
    Fields(Map<String, Value>),
    Choice(Uuid),
}

impl Datum {
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        match self {
            Self::Fields(fields) => fields.get(name),
            Self::Choice(_) => None,
        }
    }

    /// The record that a reference points to.
    pub(super) fn target(&self) -> Option<Uuid> {
        self.field("target_record_id")?.as_str()?.parse().ok()
    }
}

/// A value with its time of validity.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) from: DateTime<Utc>,
    pub(super) until: Option<DateTime<Utc>>,
    pub(super) actor: Actor,
    pub(super) datum: Datum,
}

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: Uuid,
    pub(super) created_at: DateTime<Utc>,
    /// All values ever, oldest first, by attribute.
    pub(super) cells: BTreeMap<Uuid, Vec<Cell>>,
}

impl Record {
    /// The values of an attribute that hold now, as Attio orders them: the newest first.
    pub(super) fn current(&self, attribute: Uuid) -> impl DoubleEndedIterator<Item = &Cell> {
        self.cells.get(&attribute).into_iter().flatten().rev().filter(|cell| cell.until.is_none())
    }
}

#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) id: Uuid,
    pub(super) slug: String,
    pub(super) singular: String,
    pub(super) plural: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) attributes: Vec<Attribute>,
    /// Ids rise with creation.
    pub(super) records: BTreeMap<Uuid, Record>,
}

impl Object {
    /// By slug or id, archived ones included.
    pub(super) fn attribute(&self, key: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.slug == key || a.id.to_string() == key)
    }

    pub(super) fn attribute_mut(&mut self, key: &str) -> Option<&mut Attribute> {
        self.attributes.iter_mut().find(|a| a.slug == key || a.id.to_string() == key)
    }

    /// People and companies: no custom unique attributes and no statuses there.
    pub(super) fn is_standard(&self) -> bool {
        matches!(self.slug.as_str(), "people" | "companies")
    }
}

#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) id: Uuid,
    pub(super) first_name: &'static str,
    pub(super) last_name: &'static str,
    pub(super) email: &'static str,
    pub(super) access: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) id: Uuid,
    pub(super) object: Uuid,
    pub(super) record: Uuid,
    pub(super) title: String,
    pub(super) content: String,
    pub(super) actor: Actor,
    pub(super) created_at: DateTime<Utc>,
}

#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) id: Uuid,
    pub(super) content: String,
    pub(super) deadline_at: Option<DateTime<Utc>>,
    /// Absent: it is open.
    pub(super) completed_at: Option<DateTime<Utc>>,
    /// Object and record.
    pub(super) linked: Vec<(Uuid, Uuid)>,
    /// Workspace members.
    pub(super) assignees: Vec<Uuid>,
    pub(super) actor: Actor,
    pub(super) created_at: DateTime<Utc>,
}

#[derive(Clone)]
pub(super) struct Webhook {
    pub(super) id: Uuid,
    pub(super) target_url: String,
    pub(super) subscriptions: Value,
    pub(super) status: &'static str,
    pub(super) secret: String,
    pub(super) created_at: DateTime<Utc>,
}

impl std::fmt::Debug for Webhook {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).field("status", &self.status).finish_non_exhaustive()
    }
}

/// Calls in the current second of real time, for the rate limits.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) since: Instant,
    pub(super) reads: u32,
    pub(super) writes: u32,
}

/// A time as Attio writes it, with nine fractional digits.
pub(super) fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Nanos, true)
}
