//! Records of others: an account's contacts and deals, anyone's notes, the contacts of a deal with their roles.

use super::call::{Answer, Call, Reply, Route, route};
use super::errors::Refusal;
use super::external::External;
use super::ids::Id;
use super::pages::{self, Page};
use super::records::Manner;
use super::state::{Record, Role, Version};
use axum::http::StatusCode;
use axum::routing::MethodFilter;
use serde_json::{Value, json};

pub(super) const ROUTES: &[Route] = &[
    route("related.list", MethodFilter::GET, "/{module}/{id}/{related}", list),
    route("note.create", MethodFilter::POST, "/{module}/{id}/{related}", add_notes),
    route("contact_role.list", MethodFilter::GET, "/Deals/{id}/Contact_Roles", roles),
    route("contact_role.set", MethodFilter::PUT, "/Deals/{id}/Contact_Roles/{contact}", set_role),
    route("contact_role.remove", MethodFilter::DELETE, "/Deals/{id}/Contact_Roles/{contact}", remove_role),
];

/// The related lists of a module.
pub(super) fn lists(module: &str) -> &'static [&'static str] {
    match module {
        "Accounts" => &["Contacts", "Deals", "Notes", "Tasks"],
        "Contacts" => &["Deals", "Notes", "Tasks"],
        "Deals" => &["Contact_Roles", "Notes", "Tasks"],
        "Leads" => &["Notes", "Tasks"],
        _ => &[],
    }
}

/// The field by which records of `related` belong to one of `module`.
fn link(module: &str, related: &str) -> Option<&'static str> {
    if !lists(module).contains(&related) {
        return None;
    }
    match (related, module) {
        ("Notes", _) => Some("Parent_Id"),
        ("Tasks", "Contacts") => Some("Who_Id"),
        ("Tasks", _) => Some("What_Id"),
        (_, "Accounts") => Some("Account_Name"),
        (_, "Contacts") => Some("Contact_Name"),
        _ => None,
    }
}

fn list(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    let related = call.param("related").to_owned();
    let link = link(module, &related).ok_or_else(Refusal::no_such_url)?;
    let names: Option<Vec<String>> =
        super::record_calls::fields(call)?.map(|names| names.into_iter().map(str::to_owned).collect());
    let names = names.ok_or_else(|| Refusal::missing_param("fields"))?;
    let page = Page::of(call)?;
    let id = External::of(call, module)?.record(call.org.state, module, &call.param("id").into())?;
    let look = call.look();
    let own = Value::from(id);
    let belongs = |version: &Version| version.values.get(link) == Some(&own);
    let found = call.org.state.of_module(&related).filter(|record| record.seen(look).is_some_and(belongs));
    let found: Vec<Id> = found.map(|record| record.id).collect();
    let mut found = look.twins(found, |id| call.org.state.twin(*id));
    let version = |record: &Record| record.seen(look).unwrap_or_else(|| record.now()).clone();
    page.sort(call.org.state, &mut found, |record| record.seen(look).unwrap_or_else(|| record.now()));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let state = &call.org.state;
    Ok(pages::answer(&page, call.org.now, &found, |id| {
        let record = &state.records[id];
        state.render(record, &version(record), Some(&names))
    }))
}

/// Notes of the record in the path: nothing else is made there.
fn add_notes(call: &mut Call<'_>) -> Answer {
    let module = call.module()?;
    if call.param("related") != "Notes" {
        return Err(Refusal::wrong_method());
    }
    let parent = External::of(call, module)?.record(call.org.state, module, &call.param("id").into())?;
    let (notes, _) = call.objects("data", 100)?;
    let manner = Manner { workflows: true, ..Manner::default() };
    let mut told = Vec::with_capacity(notes.len());
    for (at, note) in notes.iter().enumerate() {
        let mut note = note.clone();
        note["Parent_Id"] = json!({ "id": parent.to_string() });
        let outcome = call.org.insert("Notes", &note, &format!("$.data[{at}]"), &manner);
        told.push(call.org.told(&outcome, false, &manner.external));
    }
    let failed = told.iter().filter(|one| one["status"] == "error").count();
    let status = match failed {
        0 => StatusCode::CREATED,
        _ if failed == told.len() => call.org.state.settings.all_failed,
        _ => StatusCode::MULTI_STATUS,
    };
    Ok(Reply { status, body: Some(json!({ "data": told })) })
}

/// The deal and the contact in the path.
fn pair(call: &Call<'_>) -> Result<(Id, Id), Refusal> {
    let record = |module: &str, text: &str| {
        let id = Id::read(text).filter(|id| call.org.state.record(module, *id).is_some());
        id.ok_or_else(|| Refusal::unknown_id(json!({ "id": text })))
    };
    Ok((record("Deals", call.param("id"))?, record("Contacts", call.param("contact"))?))
}

fn roles(call: &mut Call<'_>) -> Answer {
    let page = Page::of(call)?;
    let names = super::record_calls::fields(call)?.ok_or_else(|| Refusal::missing_param("fields"))?;
    let look = call.look();
    let state = &call.org.state;
    let deal = Id::read(call.param("id"));
    let of_deal: Vec<&Role> = state
        .roles
        .iter()
        .filter(|role| {
            Some(role.deal) == deal && state.records.get(&role.contact).is_some_and(|r| r.seen(look).is_some())
        })
        .collect();
    Ok(pages::answer(&page, call.org.now, &of_deal, |role| {
        let contact = &state.records[&role.contact];
        let mut shown = state.render(contact, contact.seen(look).unwrap_or_else(|| contact.now()), Some(&names));
        shown["Contact_Role"] = match &role.name {
            Some(name) => json!({ "name": name, "id": role.contact.to_string() }),
            None => Value::Null,
        };
        shown
    }))
}

fn answered(deal: Id, message: &str) -> Reply {
    let details = json!({ "id": deal.to_string() });
    Reply::ok(json!({ "data": [{ "code": "SUCCESS", "details": details, "message": message, "status": "success" }] }))
}

fn set_role(call: &mut Call<'_>) -> Answer {
    let (deal, contact) = pair(call)?;
    let (data, _) = call.objects("data", 1)?;
    let role = data.first().and_then(|one| one.get("Contact_Role"));
    let name = role.and_then(|role| role.get("name").unwrap_or(role).as_str()).map(str::to_owned);
    call.org.state.roles.retain(|role| (role.deal, role.contact) != (deal, contact));
    call.org.state.roles.push(Role { deal, contact, name });
    Ok(answered(contact, "contact role updated successfully"))
}

fn remove_role(call: &mut Call<'_>) -> Answer {
    let (deal, contact) = pair(call)?;
    call.org.state.roles.retain(|role| (role.deal, role.contact) != (deal, contact));
    Ok(answered(contact, "contact role removed successfully"))
}
