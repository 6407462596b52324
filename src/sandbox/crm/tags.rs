//! Tags of a module: made, renamed, coloured, merged and deleted under `/settings/tags`.

use super::call::{Answer, Call, Org, Reply, Route, route};
use super::errors::{At, Refusal};
use super::ids::Id;
use super::state::{Who, time};
use axum::http::StatusCode;
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// Characters of a name.
const NAME: usize = 25;
/// Tags of a module.
const PER_MODULE: usize = 100;
/// The colours that there are.
const COLOURS: [&str; 13] = [
    "#57B1FD", "#879BFC", "#658BA8", "#FD87BD", "#969696", "#F48435", "#1DB9B4", "#E7A826", "#63C57E", "#F17574",
    "#D297EE", "#A8C026", "#B88562",
];

pub(super) const ROUTES: &[Route] = &[
    route("tag.list", MethodFilter::GET, "/settings/tags", list),
    route("tag.create", MethodFilter::POST, "/settings/tags", create),
    route("tag.update", MethodFilter::PUT, "/settings/tags", update_many),
    route("tag.update_one", MethodFilter::PUT, "/settings/tags/{id}", update_one),
    route("tag.delete", MethodFilter::DELETE, "/settings/tags/{id}", delete),
    route("tag.merge", MethodFilter::POST, "/settings/tags/{id}/actions/merge", merge),
    route("tag.count", MethodFilter::GET, "/settings/tags/{id}/actions/records_count", count),
];

/// A tag of one module.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub(super) id: Id,
    pub(super) module: &'static str,
    pub(super) name: String,
    colour: Option<String>,
    created: DateTime<Utc>,
    created_by: Who,
    modified: DateTime<Utc>,
    modified_by: Who,
}

impl Tag {
    /// As a record shows it.
    pub(super) fn minified(&self) -> Value {
        json!({ "name": self.name, "id": self.id.to_string(), "color_code": self.colour })
    }

    fn told(&self, message: &str) -> Value {
        let details = json!({
            "id": self.id.to_string(),
            "created_time": time(self.created),
            "created_by": self.created_by.minified(),
            "modified_time": time(self.modified),
            "modified_by": self.modified_by.minified(),
            "color_code": self.colour,
        });
        json!({ "code": "SUCCESS", "details": details, "message": message, "status": "success" })
    }

    fn shown(&self) -> Value {
        let mut shown = self.told("")["details"].take();
        shown["name"] = self.name.as_str().into();
        shown
    }
}

impl Org<'_> {
    /// The module's tag of this name, whatever its case.
    pub(super) fn tag_named(&self, module: &str, name: &str) -> Option<&Tag> {
        self.state.tags.values().find(|tag| tag.module == module && tag.name.to_lowercase() == name.to_lowercase())
    }

    /// Makes a tag. The name was judged before.
    pub(super) fn add_tag(&mut self, module: &'static str, name: &str, colour: Option<String>) -> Id {
        let id = self.state.next_id();
        let (now, who) = (self.now, self.who);
        let tag = Tag {
            id,
            module,
            name: name.to_owned(),
            colour,
            created: now,
            created_by: who,
            modified: now,
            modified_by: who,
        };
        self.state.tags.insert(id, tag);
        id
    }

    /// The tags that a list of a body means, each once; those that are not there yet are made.
    pub(super) fn wanted_tags(
        &mut self,
        module: &'static str,
        list: &[Value],
        within: &str,
        key: &str,
    ) -> Result<Vec<Id>, Refusal> {
        let mut wanted = Vec::new();
        for (at, one) in list.iter().enumerate() {
            let path = format!("{within}.{key}[{at}]");
            let named = one.get("name").filter(|name| !name.is_null());
            let id = match (named, one.get("id").filter(|id| !id.is_null())) {
                (Some(name), _) => {
                    let name = read_name(name, &path)?;
                    match self.tag_named(module, &name).map(|tag| tag.id) {
                        Some(id) => id,
                        None => self.add_tag(module, &name, colour(one, &path)?),
                    }
                }
                (None, Some(id)) => self.tag_of(module, id, &path)?,
                (None, None) => return Err(neither(&path)),
            };
            if !wanted.contains(&id) {
                wanted.push(id);
            }
        }
        Ok(wanted)
    }

    /// The tag with this id.
    pub(super) fn tag_of(&self, module: &str, id: &Value, path: &str) -> Result<Id, Refusal> {
        let found = Id::of(id).filter(|id| self.state.tags.get(id).is_some_and(|tag| tag.module == module));
        found.ok_or_else(|| Refusal::unknown_id(At { within: path, key: "id" }.details()))
    }

    /// Takes a tag off all records, or puts another in its place.
    fn replace_tag(&mut self, old: Id, new: Option<Id>) {
        let bearing: Vec<Id> =
            self.state.records.values().filter(|r| r.now().tags.contains(&old)).map(|r| r.id).collect();
        for id in bearing {
            let mut version = self.state.records[&id].now().clone();
            version.tags.retain(|tag| *tag != old && Some(*tag) != new);
            version.tags.extend(new);
            self.save(id, version);
        }
        self.state.tags.remove(&old);
    }
}

/// Neither a name nor an id.
pub(super) fn neither(path: &str) -> Refusal {
    let expected: Vec<Value> = ["name", "id"].iter().map(|key| At { within: path, key }.details()).collect();
    let message = "One of the expected field is missing";
    Refusal::new(StatusCode::BAD_REQUEST, "EXPECTED_FIELD_MISSING", message, json!({ "expected_fields": expected }))
}

fn read_name(name: &Value, path: &str) -> Result<String, Refusal> {
    let at = At { within: path, key: "name" };
    let name = name.as_str().map(str::trim).ok_or_else(|| Refusal::mistyped(&at, "text"))?;
    if name.is_empty() {
        return Err(Refusal::missing(&at));
    }
    if name.chars().count() > NAME {
        return Err(Refusal::invalid("invalid data", at.with("maximum_length", NAME.into())));
    }
    Ok(name.to_owned())
}

fn colour(one: &Value, path: &str) -> Result<Option<String>, Refusal> {
    match one.get("color_code") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(colour)) if COLOURS.contains(&colour.as_str()) => Ok(Some(colour.clone())),
        Some(_) => Err(Refusal::invalid("invalid data", At { within: path, key: "color_code" }.details())),
    }
}

/// The module in the query.
fn module(call: &Call<'_>) -> Result<&'static str, Refusal> {
    let name = call.query("module").ok_or_else(|| Refusal::missing_param("module"))?;
    Ok(call.org.state.module(name).ok_or_else(Refusal::unknown_module)?.api_name)
}

/// The tag in the path.
fn in_path(call: &Call<'_>) -> Result<Id, Refusal> {
    let id = Id::read(call.param("id")).filter(|id| call.org.state.tags.contains_key(id));
    id.ok_or_else(|| Refusal::unknown_id(json!({ "resource_path_index": 0 })))
}

fn list(call: &mut Call<'_>) -> Answer {
    let module = module(call)?;
    let look = call.look();
    let state = &call.org.state;
    let tags = state.tags.values().filter(|tag| tag.module == module && look.reaches(tag.created));
    let tags: Vec<Value> = tags.map(Tag::shown).collect();
    if tags.is_empty() {
        return Ok(Reply::nothing());
    }
    let info = json!({ "count": tags.len(), "allowed_count": PER_MODULE });
    Ok(Reply::ok(json!({ "tags": tags, "info": info })))
}

/// Does something with each tag of the body; every one has its own result.
fn each(
    call: &mut Call<'_>,
    all_well: StatusCode,
    act: impl Fn(&mut Call<'_>, &Value, &str) -> Result<Value, Refusal>,
) -> Answer {
    let (tags, _) = call.objects("tags", PER_MODULE)?;
    let mut told = Vec::with_capacity(tags.len());
    for (at, one) in tags.iter().enumerate() {
        told.push(act(call, one, &format!("$.tags[{at}]")).unwrap_or_else(|refusal| refusal.body()));
    }
    let failed = told.iter().filter(|one| one["status"] == "error").count();
    let status = match failed {
        0 => all_well,
        _ if failed == told.len() => StatusCode::BAD_REQUEST,
        _ => StatusCode::MULTI_STATUS,
    };
    Ok(Reply { status, body: Some(json!({ "tags": told })) })
}

fn duplicate(tag: &Tag) -> Refusal {
    let details = json!({ "id": tag.id.to_string(), "api_name": "name" });
    Refusal::new(StatusCode::BAD_REQUEST, "DUPLICATE_DATA", "duplicate data", details)
}

fn create(call: &mut Call<'_>) -> Answer {
    let module = module(call)?;
    each(call, StatusCode::CREATED, |call, one, path| {
        let name = one.get("name").filter(|name| !name.is_null());
        let name = read_name(name.ok_or_else(|| Refusal::missing(&At { within: path, key: "name" }))?, path)?;
        if let Some(tag) = call.org.tag_named(module, &name) {
            return Err(duplicate(tag));
        }
        if call.org.state.tags.values().filter(|tag| tag.module == module).count() >= PER_MODULE {
            return Err(Refusal::too_many(&At { within: "$", key: "tags" }, PER_MODULE));
        }
        let id = call.org.add_tag(module, &name, colour(one, path)?);
        Ok(call.org.state.tags[&id].told("tags created successfully"))
    })
}

fn change(call: &mut Call<'_>, id: Id, one: &Value, path: &str) -> Result<Value, Refusal> {
    let module = call.org.state.tags[&id].module;
    let name = one.get("name").filter(|name| !name.is_null()).map(|name| read_name(name, path)).transpose()?;
    let taken = name.as_ref().and_then(|name| call.org.tag_named(module, name)).filter(|tag| tag.id != id);
    if let Some(tag) = taken {
        return Err(duplicate(tag));
    }
    let colour = colour(one, path)?;
    let (now, who) = (call.org.now, call.org.who);
    let Some(tag) = call.org.state.tags.get_mut(&id) else {
        return Err(Refusal::unknown_id(At { within: path, key: "id" }.details()));
    };
    tag.name = name.unwrap_or_else(|| tag.name.clone());
    tag.colour = colour.or_else(|| tag.colour.clone());
    (tag.modified, tag.modified_by) = (now, who);
    Ok(tag.told("tags updated successfully"))
}

fn update_many(call: &mut Call<'_>) -> Answer {
    let module = module(call)?;
    each(call, StatusCode::OK, |call, one, path| {
        let id = one.get("id").filter(|id| !id.is_null());
        let id = id.ok_or_else(|| Refusal::missing(&At { within: path, key: "id" }))?;
        let id = call.org.tag_of(module, id, path)?;
        change(call, id, one, path)
    })
}

fn update_one(call: &mut Call<'_>) -> Answer {
    module(call)?;
    let id = in_path(call)?;
    each(call, StatusCode::OK, |call, one, path| change(call, id, one, path))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let id = in_path(call)?;
    let told = call.org.state.tags[&id].told("tags deleted successfully");
    call.org.replace_tag(id, None);
    Ok(Reply::ok(json!({ "tags": [told] })))
}

/// The tag in the path goes up in the one that the body names.
fn merge(call: &mut Call<'_>) -> Answer {
    let id = in_path(call)?;
    let module = call.org.state.tags[&id].module;
    each(call, StatusCode::OK, |call, one, path| {
        let into = one.get("conflict_id").filter(|into| !into.is_null());
        let into = into.ok_or_else(|| Refusal::missing(&At { within: path, key: "conflict_id" }))?;
        let into = call.org.tag_of(module, into, path)?;
        if into == id || !call.org.state.tags.contains_key(&id) {
            return Err(Refusal::invalid("invalid data", At { within: path, key: "conflict_id" }.details()));
        }
        call.org.replace_tag(id, Some(into));
        Ok(call.org.state.tags[&into].told("tags updated successfully"))
    })
}

fn count(call: &mut Call<'_>) -> Answer {
    module(call)?;
    let id = in_path(call)?;
    let count = call.org.state.records.values().filter(|record| record.now().tags.contains(&id)).count();
    Ok(Reply::ok(json!({ "count": count.to_string() })))
}
