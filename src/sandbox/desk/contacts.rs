//! Contacts, and what stands around them: organisations and departments.

use super::call::{Answer, Call, Route, route};
use super::errors::Refusal;
use super::fields::{Fields, shown_custom};
use super::state::{Contact, State, time};
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

/// The one department.
pub(crate) const DEPARTMENT: &str = "1892000000006907";

const WRITABLE: &[&str] = &["lastName", "firstName", "email", "phone", "mobile", "description", "cf"];

pub(super) const ROUTES: &[Route] = &[
    route("organization.list", MethodFilter::GET, "/organizations", &[], organizations),
    route("department.list", MethodFilter::GET, "/departments", &["from", "limit", "isEnabled"], departments),
    route("contact.create", MethodFilter::POST, "/contacts", &[], create),
    route("contact.list", MethodFilter::GET, "/contacts", &["from", "limit", "include"], list),
    route("contact.search", MethodFilter::GET, "/contacts/search", SEARCH, search),
    route("contact.get", MethodFilter::GET, "/contacts/{id}", &["include"], get),
    route("contact.update", MethodFilter::PATCH, "/contacts/{id}", &[], update),
];

/// The parameters of a search.
const SEARCH: &[&str] = &["email", "lastName", "firstName", "fullName", "phone", "_all", "from", "limit", "sortBy"];

#[expect(clippy::unnecessary_wraps, reason = "handlers of a table of routes are of one kind")]
fn organizations(call: &mut Call<'_>) -> Answer {
    let own = &call.world.credentials.zoho.desk_organization_id;
    // An id of this length is a number here, unlike all others.
    let id: Value = own.parse::<u64>().map_or_else(|_| own.as_str().into(), Value::from);
    let one = json!({ "id": id, "companyName": "Sandbox", "isDefault": true, "edition": "ENTERPRISE", "portalName": "sandbox" });
    Ok(Some(json!({ "data": [one] })))
}

fn departments(call: &mut Call<'_>) -> Answer {
    call.page(vec![1], 200)?;
    let one = json!({ "id": DEPARTMENT, "name": "Billing", "isEnabled": true, "isDefault": true });
    Ok(Some(json!({ "data": [one] })))
}

impl State {
    /// Makes a contact of a body's fields.
    pub(super) fn add_contact(&mut self, fields: &Fields<'_>, now: DateTime<Utc>) -> Result<u64, Refusal> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let contact = Contact {
            id: 0,
            last_name: fields.required("lastName", 120)?.to_owned(),
            first_name: own(fields.text("firstName", 100)?),
            email: own(fields.email()?),
            phone: own(fields.text("phone", 120)?),
            linked: None,
            cf: fields.custom(self)?,
            created: now,
            modified: now,
        };
        let id = self.next_id();
        self.contacts.insert(id, Contact { id, ..contact });
        Ok(id)
    }

    /// A contact as the API shows it.
    pub(super) fn shown_contact(&self, base: &str, contact: &Contact) -> Value {
        json!({
            "id": contact.id.to_string(),
            "lastName": contact.last_name,
            "firstName": contact.first_name,
            "email": contact.email,
            "phone": contact.phone,
            "mobile": null,
            "accountId": null,
            "ownerId": null,
            "description": null,
            "type": null,
            "isDeleted": false,
            "isSpam": false,
            "zohoCRMContact": contact.linked.as_ref().map(|id| json!({ "id": id, "type": "contacts" })),
            "cf": shown_custom(self, &contact.cf),
            "createdTime": time(contact.created),
            "modifiedTime": time(contact.modified),
            "webUrl": format!("{base}/support/sandbox/ShowHomePage.do#Contacts/dv/{}", contact.id),
        })
    }
}

fn shown(call: &Call<'_>, ids: &[u64]) -> Vec<Value> {
    let base = call.world.base_url();
    ids.iter().filter_map(|id| call.state.contacts.get(id)).map(|one| call.state.shown_contact(base, one)).collect()
}

fn create(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let fields = Fields(&fields);
    fields.only(WRITABLE)?;
    let id = call.state.add_contact(&fields, call.now)?;
    Ok(shown(call, &[id]).pop())
}

fn list(call: &mut Call<'_>) -> Answer {
    let look = call.look();
    let seen = call.state.contacts.values().filter(|contact| look.reaches(contact.created));
    let found = look.twins(seen.map(|contact| contact.id).collect(), |id| call.state.twin_contact(*id));
    let page = call.page(found, 100)?;
    Ok((!page.is_empty()).then(|| json!({ "data": shown(call, &page) })))
}

fn search(call: &mut Call<'_>) -> Answer {
    let look = call.indexed();
    let asked = |name: &str| call.query(name).filter(|text| !text.is_empty());
    let same = |held: Option<&str>, name: &str| {
        asked(name).is_none_or(|wanted| held.is_some_and(|held| held.eq_ignore_ascii_case(wanted)))
    };
    let fits = |contact: &&Contact| {
        let full = format!("{} {}", contact.first_name.as_deref().unwrap_or_default(), contact.last_name);
        look.reaches(contact.modified)
            && same(contact.email.as_deref(), "email")
            && same(Some(&contact.last_name), "lastName")
            && same(contact.first_name.as_deref(), "firstName")
            && same(contact.phone.as_deref(), "phone")
            && same(Some(full.trim()), "fullName")
    };
    let found: Vec<u64> = call.state.contacts.values().filter(fits).map(|contact| contact.id).collect();
    let found = look.twins(found, |id| call.state.twin_contact(*id));
    let count = found.len();
    let page = call.page(found, 100)?;
    Ok((!page.is_empty()).then(|| json!({ "data": shown(call, &page), "count": count })))
}

fn get(call: &mut Call<'_>) -> Answer {
    let (id, look) = (call.id()?, call.look());
    let there = call.state.contacts.get(&id).is_some_and(|contact| look.reaches(contact.created));
    if there { Ok(shown(call, &[id]).pop()) } else { Err(Refusal::not_found()) }
}

fn update(call: &mut Call<'_>) -> Answer {
    let id = call.id()?;
    let fields = call.fields()?;
    let fields = Fields(&fields);
    fields.only(WRITABLE)?;
    let cf = fields.custom(call.state)?;
    let now = call.now;
    let contact = call.state.contacts.get_mut(&id).ok_or_else(Refusal::not_found)?;
    let mut changed = contact.clone();
    let own = |text: Option<&str>| text.map(str::to_owned);
    if fields.has("lastName") {
        fields.required("lastName", 120)?.clone_into(&mut changed.last_name);
    }
    if fields.has("firstName") {
        changed.first_name = own(fields.text("firstName", 100)?);
    }
    if fields.has("email") {
        changed.email = own(fields.email()?);
    }
    if fields.has("phone") {
        changed.phone = own(fields.text("phone", 120)?);
    }
    changed.cf.extend(cf);
    changed.modified = now;
    *contact = changed;
    Ok(shown(call, &[id]).pop())
}
