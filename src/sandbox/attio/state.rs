//! The workspace as a whole: what it starts with, and looking things up in it.

use super::{
    errors::ApiError,
    model::{Attribute, Member, Note, Object, Record, Task, Type, Webhook, Window},
};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Instant};
use uuid::Uuid;

/// All that this vendor holds.
#[derive(Debug)]
pub struct State {
    pub(super) workspace: Uuid,
    /// The API key's actor id.
    pub(super) token: Uuid,
    pub(super) members: Vec<Member>,
    pub(super) objects: Vec<Object>,
    /// How many objects the workspace's plan allows, people and companies included; none: any number.
    pub(super) object_limit: Option<usize>,
    /// Whether writing the value that is held opens a new one, with an event: Attio does not document it.
    pub(super) same_value_renews: bool,
    pub(super) notes: Vec<Note>,
    pub(super) tasks: Vec<Task>,
    pub(super) webhooks: Vec<Webhook>,
    /// Whether the webhook secret of the credentials was handed out.
    pub(super) first_secret_given: bool,
    pub(super) window: Window,
}

impl Default for State {
    /// A new workspace: people and companies with their standard attributes, and four members.
    fn default() -> Self {
        let now = Utc::now();
        let (mut people, mut companies) = (people(now), companies(now));
        entangle(&mut people, "company", &mut companies, "team");
        Self {
            workspace: Uuid::new_v4(),
            token: Uuid::new_v4(),
            members: vec![
                member("Ada", "Admin", "ada@sandbox.example", "admin"),
                member("Max", "Member", "max@sandbox.example", "member"),
                member("Sam", "Sales", "sam@sandbox.example", "member"),
                member("Fay", "Finance", "fay@sandbox.example", "member"),
            ],
            objects: vec![people, companies],
            object_limit: None,
            same_value_renews: false,
            notes: Vec::new(),
            tasks: Vec::new(),
            webhooks: Vec::new(),
            first_secret_given: false,
            window: Window { since: Instant::now(), reads: 0, writes: 0 },
        }
    }
}

impl State {
    /// By slug or id.
    pub(super) fn object(&self, key: &str) -> Result<&Object, ApiError> {
        self.objects.iter().find(|o| o.slug == key || o.id.to_string() == key).ok_or_else(|| ApiError::no_object(key))
    }

    pub(super) fn object_mut(&mut self, key: &str) -> Result<&mut Object, ApiError> {
        self.objects
            .iter_mut()
            .find(|o| o.slug == key || o.id.to_string() == key)
            .ok_or_else(|| ApiError::no_object(key))
    }

    pub(super) fn object_by_id(&self, id: Uuid) -> Option<&Object> {
        self.objects.iter().find(|o| o.id == id)
    }

    /// An attribute by slugs or ids.
    pub(super) fn attribute(&self, object: &str, attribute: &str) -> Result<(&Object, &Attribute), ApiError> {
        let object = self.object(object)?;
        let found = object.attribute(attribute).ok_or_else(|| ApiError::no_attribute(attribute))?;
        Ok((object, found))
    }

    pub(super) fn attribute_mut(&mut self, object: &str, attribute: &str) -> Result<&mut Attribute, ApiError> {
        self.object_mut(object)?.attribute_mut(attribute).ok_or_else(|| ApiError::no_attribute(attribute))
    }

    /// A record by its object's slug or id and its own id.
    pub(super) fn record(&self, object: &str, record: &str) -> Result<(&Object, &Record), ApiError> {
        let object = self.object(object)?;
        let found = record.parse().ok().and_then(|id: Uuid| object.records.get(&id));
        Ok((object, found.ok_or_else(|| ApiError::no_record(record))?))
    }

    /// A member by id or e-mail address.
    pub(super) fn member(&self, key: &str) -> Option<&Member> {
        self.members.iter().find(|m| m.email == key || m.id.to_string() == key)
    }

    /// An attribute's id as JSON.
    pub(super) fn attribute_id(&self, object: Uuid, attribute: Uuid) -> Value {
        json!({ "workspace_id": self.workspace, "object_id": object, "attribute_id": attribute })
    }
}

fn member(first_name: &'static str, last_name: &'static str, email: &'static str, access: &'static str) -> Member {
    Member { id: Uuid::new_v4(), first_name, last_name, email, access }
}

/// A new object with the attributes that every object has.
pub(super) fn new_object(slug: &str, singular: &str, plural: &str, now: DateTime<Utc>) -> Object {
    let own = |slug: &str, title: &str, kind: Type| Attribute {
        system: true,
        writable: false,
        unique: slug == "record_id",
        ..Attribute::new(slug, title, kind, now)
    };
    Object {
        id: Uuid::new_v4(),
        slug: slug.to_owned(),
        singular: singular.to_owned(),
        plural: plural.to_owned(),
        created_at: now,
        attributes: vec![
            own("record_id", "Record ID", Type::Text),
            own("created_at", "Created at", Type::Timestamp),
            own("created_by", "Created by", Type::ActorReference),
        ],
        records: BTreeMap::new(),
    }
}

fn standard(slug: &str, title: &str, kind: Type, now: DateTime<Utc>) -> Attribute {
    Attribute { system: true, ..Attribute::new(slug, title, kind, now) }
}

fn people(now: DateTime<Utc>) -> Object {
    let mut people = new_object("people", "Person", "People", now);
    let several = |attribute: Attribute| Attribute { multiple: true, ..attribute };
    people.attributes.extend([
        standard("name", "Name", Type::PersonalName, now),
        Attribute { unique: true, ..several(standard("email_addresses", "Email addresses", Type::EmailAddress, now)) },
        standard("description", "Description", Type::Text, now),
        standard("company", "Company", Type::RecordReference, now),
        standard("job_title", "Job title", Type::Text, now),
        several(standard("phone_numbers", "Phone numbers", Type::PhoneNumber, now)),
        standard("primary_location", "Primary location", Type::Location, now),
        standard("linkedin", "LinkedIn", Type::Text, now),
    ]);
    people
}

fn companies(now: DateTime<Utc>) -> Object {
    let mut companies = new_object("companies", "Company", "Companies", now);
    let several = |attribute: Attribute| Attribute { multiple: true, ..attribute };
    companies.attributes.extend([
        Attribute { unique: true, ..several(standard("domains", "Domains", Type::Domain, now)) },
        standard("name", "Name", Type::Text, now),
        standard("description", "Description", Type::Text, now),
        several(standard("team", "Team", Type::RecordReference, now)),
        several(standard("categories", "Categories", Type::Select, now)),
        standard("primary_location", "Primary location", Type::Location, now),
        standard("linkedin", "LinkedIn", Type::Text, now),
    ]);
    companies
}

/// Makes two references the sides of one relationship.
fn entangle(one: &mut Object, one_slug: &str, other: &mut Object, other_slug: &str) {
    let (one_id, other_id) = (one.id, other.id);
    let (Some(a), Some(b)) = (one.attribute_mut(one_slug), other.attribute_mut(other_slug)) else { return };
    (a.other_side, a.allowed) = (Some((other_id, b.id)), Some(vec![other_id]));
    (b.other_side, b.allowed) = (Some((one_id, a.id)), Some(vec![one_id]));
}
