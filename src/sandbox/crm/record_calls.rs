//! Records over HTTP: insert, update, upsert, delete, read, list, count, and what was deleted.

use super::call::{Answer, Call, Reply, Route, route};
use super::errors::{At, Refusal};
use super::external::{External, unknown};
use super::ids::Id;
use super::pages::{self, Page};
use super::records::{Done, Manner};
use super::schema::Unique;
use super::state::{Record, Version, time};
use axum::http::StatusCode;
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// Records of one call.
const BATCH: usize = 100;
/// Fields that a list may name.
const FIELDS: usize = 50;

pub(super) const ROUTES: &[Route] = &[
    route("record.insert", MethodFilter::POST, "/{module}", insert),
    route("record.update", MethodFilter::PUT, "/{module}", update_many),
    route("record.upsert", MethodFilter::POST, "/{module}/upsert", upsert),
    route("record.list", MethodFilter::GET, "/{module}", list),
    route("record.delete_many", MethodFilter::DELETE, "/{module}", delete_many),
    route("record.deleted", MethodFilter::GET, "/{module}/deleted", deleted),
    route("record.count", MethodFilter::GET, "/{module}/actions/count", count),
    route("record.get", MethodFilter::GET, "/{module}/{id}", get),
    route("record.update_one", MethodFilter::PUT, "/{module}/{id}", update_one),
    route("record.delete", MethodFilter::DELETE, "/{module}/{id}", delete_one),
];

/// The manner that the headers and the body beside the records ask for.
fn manner(call: &Call<'_>, module: &str, body: &Map<String, Value>) -> Result<Manner, Refusal> {
    let workflows = match body.get("trigger") {
        // Without a word all of them run.
        None | Some(Value::Null) => true,
        Some(Value::Array(words)) => {
            let known = ["workflow", "approval", "blueprint", "pathfinder", "orchestration"];
            let wrong = words.iter().position(|word| !word.as_str().is_some_and(|word| known.contains(&word)));
            if let Some(wrong) = wrong {
                let key = format!("trigger[{wrong}]");
                return Err(Refusal::invalid("invalid data", At { within: "$", key: &key }.details()));
            }
            words.iter().any(|word| word == "workflow")
        }
        Some(_) => return Err(Refusal::mistyped(&At { within: "$", key: "trigger" }, "jsonarray")),
    };
    Ok(Manner {
        external: External::of(call, module)?,
        workflows,
        unmodified_since: call.header_time("if-unmodified-since")?,
    })
}

/// The status of a write: all well, some, or none.
fn judged(call: &Call<'_>, all_well: StatusCode, told: &[Value]) -> StatusCode {
    let failed = told.iter().filter(|one| one["status"] == "error").count();
    match failed {
        0 => all_well,
        _ if failed == told.len() && told.iter().all(|one| one["code"] == "PRECONDITION_FAILED") => {
            StatusCode::PRECONDITION_FAILED
        }
        _ if failed == told.len() => call.org.state.settings.all_failed,
        _ => StatusCode::MULTI_STATUS,
    }
}

/// Writes each record by itself, in order.
fn each(
    call: &mut Call<'_>,
    data: &[Value],
    manner: &Manner,
    (all_well, upsert): (StatusCode, bool),
    write: impl Fn(&mut Call<'_>, &Value, &str) -> Result<Done, Refusal>,
) -> Reply {
    let mut told = Vec::with_capacity(data.len());
    for (at, one) in data.iter().enumerate() {
        let outcome = write(call, one, &format!("$.data[{at}]"));
        told.push(call.org.told(&outcome, upsert, &manner.external));
    }
    let status = judged(call, all_well, &told);
    Reply { status, body: Some(json!({ "data": told })) }
}

fn insert(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    let (data, body) = call.objects("data", BATCH)?;
    let manner = manner(call, module, &body)?;
    Ok(each(call, &data, &manner, (StatusCode::CREATED, false), |call, one, within| {
        call.org.insert(module, one, within, &manner)
    }))
}

fn update_many(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    let (data, body) = call.objects("data", BATCH)?;
    let manner = manner(call, module, &body)?;
    Ok(each(call, &data, &manner, (StatusCode::OK, false), |call, one, within| {
        // With an external id in the header, the field itself addresses the record where there is no id.
        let own = manner.external.own.as_deref().and_then(|field| one.get(field));
        let id = one.get("id").filter(|id| !id.is_null()).or(own);
        let id = id.ok_or_else(|| Refusal::missing(&At { within, key: "id" }))?;
        let id = manner.external.record(call.org.state, module, id)?;
        call.org.update(id, one, within, &manner)
    }))
}

fn update_one(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    let (data, body) = call.objects("data", 1)?;
    let manner = manner(call, module, &body)?;
    Ok(each(call, &data, &manner, (StatusCode::OK, false), |call, one, within| {
        let id = manner.external.record(call.org.state, module, &call.param("id").into())?;
        call.org.update(id, one, within, &manner)
    }))
}

fn upsert(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    let (data, body) = call.objects("data", BATCH)?;
    let manner = manner(call, module, &body)?;
    let check = duplicate_check(call, module, body.get("duplicate_check_fields"))?;
    Ok(each(call, &data, &manner, (StatusCode::OK, true), |call, one, within| {
        call.org.upsert(module, one, &check, within, &manner)
    }))
}

/// The fields by which an upsert finds a record: those named, else the module's own, then the unique ones.
fn duplicate_check(call: &Call<'_>, module: &str, named: Option<&Value>) -> Result<Vec<String>, Refusal> {
    let module = call.org.state.known_module(module);
    let unique = module.fields.iter().filter(|field| field.unique != Unique::No).map(|field| &field.api_name);
    let allowed: Vec<&str> = module.duplicate_check.iter().copied().chain(unique.map(String::as_str)).collect();
    match named {
        None | Some(Value::Null) => Ok(allowed.into_iter().map(str::to_owned).collect()),
        Some(Value::Array(names)) => names
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let name = name.as_str().filter(|name| allowed.contains(name));
                let key = format!("duplicate_check_fields[{at}]");
                let wrong = || Refusal::invalid("invalid data", At { within: "$", key: &key }.details());
                name.map(str::to_owned).ok_or_else(wrong)
            })
            .collect(),
        Some(_) => Err(Refusal::mistyped(&At { within: "$", key: "duplicate_check_fields" }, "jsonarray")),
    }
}

fn delete_one(call: &mut Call<'_>) -> Answer {
    let id = call.param("id").to_owned();
    delete(call, &[&id])
}

fn delete_many(call: &mut Call<'_>) -> Answer {
    let ids = call.query("ids").ok_or_else(|| Refusal::missing_param("ids"))?.to_owned();
    let ids: Vec<&str> = ids.split(',').map(str::trim).collect();
    if ids.len() > BATCH {
        return Err(Refusal::too_many(&At { within: "$", key: "ids" }, BATCH));
    }
    delete(call, &ids)
}

fn delete(call: &mut Call<'_>, ids: &[&str]) -> Answer {
    let module = call.module()?;
    let external = External::of(call, module)?;
    let mut told = Vec::with_capacity(ids.len());
    for id in ids {
        let found = external.record(call.org.state, module, &Value::from(*id));
        told.push(match found.and_then(|id| call.org.delete(id).map(|()| id)) {
            Ok(id) => {
                let details = json!({ "id": id.to_string() });
                json!({ "code": "SUCCESS", "details": details, "message": "record deleted", "status": "success" })
            }
            Err(refusal) => refusal.body(),
        });
    }
    let status = judged(call, StatusCode::OK, &told);
    Ok(Reply { status, body: Some(json!({ "data": told })) })
}

/// The fields that the query names; unknown ones are passed over, as CRM does.
pub(super) fn fields<'c>(call: &'c Call<'_>) -> Result<Option<Vec<&'c str>>, Refusal> {
    let Some(text) = call.query("fields") else { return Ok(None) };
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    if names.len() > FIELDS {
        let details = json!({ "limit": FIELDS, "param_name": "fields" });
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "LIMIT_EXCEEDED", "Max field limit exceeded", details));
    }
    Ok(Some(names))
}

fn get(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    let external = External::of(call, module)?;
    let id = call.param("id").to_owned();
    let look = call.look();
    let found: Vec<Id> = if let Some(name) = &external.own {
        let value = Value::from(id.as_str());
        let holds = |version: &Version| version.values.get(name) == Some(&value);
        let records = call.org.state.of_module(module);
        let ids: Vec<Id> = records.filter(|r| r.seen(look).is_some_and(holds)).map(|r| r.id).collect();
        if ids.is_empty() && call.org.state.settings.unknown_external_is_an_error {
            return Err(unknown(name));
        }
        ids
    } else {
        let id = Id::read(&id).ok_or_else(|| Refusal::unknown_id(json!({ "id": id })))?;
        let record = call.org.state.record(module, id);
        record.filter(|record| record.seen(look).is_some()).map(|record| record.id).into_iter().collect()
    };
    let found = look.twins(found, |id| call.org.state.twin(*id));
    if found.is_empty() {
        return Ok(Reply::nothing());
    }
    let since = call.header_time("if-modified-since")?;
    let records: Vec<_> = found.iter().map(|id| &call.org.state.records[id]).collect();
    if since.is_some_and(|since| records.iter().all(|record| record.now().at <= since)) {
        return Ok(Reply { status: StatusCode::NOT_MODIFIED, body: None });
    }
    let fields = fields(call)?;
    let render = |record: &&Record| {
        let version = record.seen(look).unwrap_or_else(|| record.now());
        call.org.state.render(record, version, fields.as_deref())
    };
    Ok(Reply::ok(json!({ "data": records.iter().map(render).collect::<Vec<_>>() })))
}

fn list(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    let external = External::of(call, module)?;
    let fields = fields(call)?.ok_or_else(|| Refusal::missing_param("fields"))?.into_iter().map(str::to_owned);
    let fields: Vec<String> = fields.collect();
    let page = Page::of(call)?;
    let look = call.look();
    let since = call.header_time("if-modified-since")?;
    let asked: Option<Vec<Id>> = match call.query("ids") {
        None => None,
        Some(text) => {
            let ids = text.split(',').map(|id| external.record(call.org.state, module, &id.trim().into()).ok());
            Some(ids.flatten().collect())
        }
    };
    let seen = |record: &&Record| {
        record.seen(look).is_some_and(|version| since.is_none_or(|since| version.at > since))
            && asked.as_ref().is_none_or(|ids| ids.contains(&record.id))
    };
    let found: Vec<Id> = call.org.state.of_module(module).filter(seen).map(|record| record.id).collect();
    if found.is_empty() && since.is_some() {
        return Ok(Reply { status: StatusCode::NOT_MODIFIED, body: None });
    }
    let mut found = look.twins(found, |id| call.org.state.twin(*id));
    page.sort(call.org.state, &mut found, |record| record.seen(look).unwrap_or_else(|| record.now()));
    let names: Vec<&str> = fields.iter().map(String::as_str).collect();
    let state = &call.org.state;
    Ok(pages::answer(&page, call.org.now, &found, |id| {
        let record = &state.records[id];
        state.render(record, record.seen(look).unwrap_or_else(|| record.now()), Some(&names))
    }))
}

fn count(call: &mut Call<'_>) -> Answer {
    let found = super::search::found(call)?;
    Ok(Reply::ok(json!({ "count": found.len().to_string() })))
}

fn deleted(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    let page = Page::of(call)?;
    // Nothing here empties the recycle bin: what is gone for good is an empty list.
    let wanted = match call.query("type").unwrap_or("all") {
        "all" | "recycle" => true,
        "permanent" => false,
        _ => return Err(Refusal::invalid_param("type")),
    };
    let since: Option<DateTime<Utc>> = call.header_time("if-modified-since")?;
    let state = &call.org.state;
    let gone = state.deleted.iter().rev().filter(|gone| wanted && gone.record.module == module);
    let gone: Vec<_> = gone.filter(|gone| since.is_none_or(|since| gone.at > since)).collect();
    Ok(pages::answer(&page, call.org.now, &gone, |gone| {
        json!({
            "id": gone.record.id.to_string(),
            "display_name": state.display_name(&gone.record),
            "type": "recycle",
            "deleted_by": gone.by.minified(),
            "created_by": gone.record.created_by.minified(),
            "deleted_time": time(gone.at),
        })
    }))
}
