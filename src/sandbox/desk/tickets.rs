//! Tickets and the comments on them.

use super::call::{Answer, Call, Route, route};
use super::contacts::DEPARTMENT;
use super::errors::Refusal;
use super::fields::{Fields, shown_custom};
use super::state::{Comment, State, Ticket, time};
use axum::routing::MethodFilter;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// Rows of a list and of a search, at most.
const ROWS: usize = 100;
const STATUSES: [&str; 4] = ["Open", "On Hold", "Escalated", "Closed"];
const PRIORITIES: [&str; 3] = ["Low", "Medium", "High"];
const CREATABLE: &[&str] = &[
    "subject",
    "departmentId",
    "contactId",
    "contact",
    "description",
    "email",
    "phone",
    "priority",
    "status",
    "channel",
    "category",
    "cf",
];
const WRITABLE: &[&str] = &["subject", "contactId", "description", "email", "priority", "status", "channel", "cf"];
/// The parameters of a search.
const SEARCH: &[&str] = &[
    "customField1",
    "contactId",
    "departmentId",
    "email",
    "status",
    "subject",
    "ticketNumber",
    "channel",
    "priority",
    "createdTimeRange",
    "_all",
    "from",
    "limit",
    "sortBy",
];
const LIST: &[&str] = &["from", "limit", "departmentId", "status", "sortBy", "include"];

pub(super) const ROUTES: &[Route] = &[
    route("ticket.create", MethodFilter::POST, "/tickets", &[], create),
    route("ticket.list", MethodFilter::GET, "/tickets", LIST, list),
    route("ticket.search", MethodFilter::GET, "/tickets/search", SEARCH, search),
    route("ticket.get", MethodFilter::GET, "/tickets/{id}", &["include"], get),
    route("ticket.update", MethodFilter::PATCH, "/tickets/{id}", &[], update),
    route("contact.tickets", MethodFilter::GET, "/contacts/{id}/tickets", LIST, of_contact),
    route("comment.create", MethodFilter::POST, "/tickets/{id}/comments", &[], add_comment),
    route(
        "comment.list",
        MethodFilter::GET,
        "/tickets/{id}/comments",
        &["from", "limit", "sortBy", "include"],
        comments,
    ),
];

impl State {
    /// Makes a ticket of a body's fields.
    pub(super) fn add_ticket(&mut self, given: &Map<String, Value>, now: DateTime<Utc>) -> Result<u64, Refusal> {
        let fields = Fields(given);
        let own = |text: Option<&str>| text.map(str::to_owned);
        let subject = fields.required("subject", 255)?.to_owned();
        let department = fields.required("departmentId", 30)?;
        if department != DEPARTMENT {
            return Err(Refusal::field("/departmentId", "invalid"));
        }
        let ticket = Ticket {
            id: 0,
            number: 0,
            subject,
            contact: 0,
            department: department.to_owned(),
            description: own(fields.text("description", 65_535)?),
            email: own(fields.email()?),
            status: one_of(&fields, "status", &STATUSES)?.unwrap_or("Open").to_owned(),
            priority: own(one_of(&fields, "priority", &PRIORITIES)?),
            channel: fields.text("channel", 120)?.unwrap_or("Web").to_owned(),
            cf: fields.custom(self)?,
            created: now,
            modified: now,
            closed: None,
            comments: Vec::new(),
        };
        let contact = self.ticket_contact(given, now)?;
        let (id, number) = (self.next_id(), self.next_number());
        let closed = (ticket.status == "Closed").then_some(now);
        self.tickets.insert(id, Ticket { id, number, contact, closed, ..ticket });
        Ok(id)
    }

    /// The contact that a new ticket names, or the one that it describes: found by e-mail, else made.
    fn ticket_contact(&mut self, given: &Map<String, Value>, now: DateTime<Utc>) -> Result<u64, Refusal> {
        if let Some(id) = Fields(given).text("contactId", 30)? {
            let known = id.parse().ok().filter(|id| self.contacts.contains_key(id));
            return known.ok_or_else(|| Refusal::field("/contactId", "invalid"));
        }
        let Some(Value::Object(described)) = given.get("contact") else {
            return Err(Refusal::field("/contactId", "missing"));
        };
        let fields = Fields(described);
        let email = fields.email()?;
        let by_email = email.and_then(|email| {
            self.contacts.values().find(|known| known.email.as_ref().is_some_and(|e| e.eq_ignore_ascii_case(email)))
        });
        match by_email.map(|known| known.id) {
            Some(id) => Ok(id),
            None => self.add_contact(&fields, now),
        }
    }

    /// A ticket as the API shows it.
    fn shown_ticket(&self, base: &str, ticket: &Ticket) -> Value {
        json!({
            "id": ticket.id.to_string(),
            "ticketNumber": ticket.number.to_string(),
            "subject": ticket.subject,
            "contactId": ticket.contact.to_string(),
            "departmentId": ticket.department,
            "description": ticket.description,
            "email": ticket.email,
            "phone": null,
            "status": ticket.status,
            "statusType": if ticket.status == "On Hold" { "On Hold" } else if ticket.status == "Closed" { "Closed" } else { "Open" },
            "priority": ticket.priority,
            "channel": ticket.channel,
            "category": null,
            "assigneeId": null,
            "accountId": null,
            "dueDate": null,
            "cf": shown_custom(self, &ticket.cf),
            "commentCount": ticket.comments.len().to_string(),
            "createdTime": time(ticket.created),
            "modifiedTime": time(ticket.modified),
            "closedTime": ticket.closed.map(time),
            "isSpam": false,
            "webUrl": format!("{base}/support/sandbox/ShowHomePage.do#Cases/dv/{}", ticket.id),
        })
    }

    /// Changes a ticket by a body's fields.
    pub(super) fn change_ticket(
        &mut self,
        id: u64,
        given: &Map<String, Value>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let fields = Fields(given);
        fields.only(WRITABLE)?;
        let own = |text: Option<&str>| text.map(str::to_owned);
        let mut ticket = self.tickets.get(&id).cloned().ok_or_else(Refusal::not_found)?;
        if fields.has("subject") {
            fields.required("subject", 255)?.clone_into(&mut ticket.subject);
        }
        if fields.has("contactId") {
            ticket.contact = self.ticket_contact(given, now)?;
        }
        if fields.has("description") {
            ticket.description = own(fields.text("description", 65_535)?);
        }
        if fields.has("email") {
            ticket.email = own(fields.email()?);
        }
        if fields.has("priority") {
            ticket.priority = own(one_of(&fields, "priority", &PRIORITIES)?);
        }
        if let Some(channel) = fields.text("channel", 120)? {
            channel.clone_into(&mut ticket.channel);
        }
        if let Some(status) = one_of(&fields, "status", &STATUSES)? {
            ticket.closed = (status == "Closed").then(|| ticket.closed.unwrap_or(now));
            status.clone_into(&mut ticket.status);
        }
        ticket.cf.extend(fields.custom(self)?);
        ticket.modified = now;
        self.tickets.insert(id, ticket);
        Ok(())
    }
}

/// One of the words that there are.
fn one_of<'f>(fields: &Fields<'f>, name: &str, words: &[&str]) -> Result<Option<&'f str>, Refusal> {
    match fields.text(name, 120)? {
        Some(word) if !words.contains(&word) => Err(Refusal::field(&format!("/{name}"), "invalid")),
        other => Ok(other),
    }
}

fn shown(call: &Call<'_>, ids: &[u64]) -> Vec<Value> {
    let base = call.world.base_url();
    ids.iter().filter_map(|id| call.state.tickets.get(id)).map(|one| call.state.shown_ticket(base, one)).collect()
}

fn create(call: &mut Call<'_>) -> Answer {
    let given = call.fields()?;
    Fields(&given).only(CREATABLE)?;
    let id = call.state.add_ticket(&given, call.now)?;
    Ok(shown(call, &[id]).pop())
}

fn get(call: &mut Call<'_>) -> Answer {
    let (id, look) = (call.id()?, call.look());
    let there = call.state.tickets.get(&id).is_some_and(|ticket| look.reaches(ticket.created));
    if there { Ok(shown(call, &[id]).pop()) } else { Err(Refusal::not_found()) }
}

fn update(call: &mut Call<'_>) -> Answer {
    let (id, given) = (call.id()?, call.fields()?);
    call.state.change_ticket(id, &given, call.now)?;
    Ok(shown(call, &[id]).pop())
}

/// The order that the query asks for: the oldest first, unless a minus or nothing stands before the time.
fn sort(call: &Call<'_>, found: &mut [u64]) -> Result<(), Refusal> {
    match call.query("sortBy") {
        Some("createdTime" | "modifiedTime" | "ticketNumber" | "relevance") => Ok(()),
        None | Some("-createdTime" | "-modifiedTime" | "-ticketNumber") => {
            found.reverse();
            Ok(())
        }
        Some(_) => Err(Refusal::parameter("sortBy")),
    }
}

/// Tickets that pass the list's own parameters.
fn listed(call: &mut Call<'_>, fits: impl Fn(&Ticket) -> bool) -> Answer {
    let look = call.look();
    let asked = |name: &str, held: &str| call.query(name).is_none_or(|wanted| wanted.split(',').any(|w| w == held));
    let seen = call.state.tickets.values().filter(|ticket| {
        look.reaches(ticket.created)
            && asked("status", &ticket.status)
            && asked("departmentId", &ticket.department)
            && fits(ticket)
    });
    let found = seen.map(|ticket| ticket.id).collect();
    let mut found = look.twins(found, |id| call.state.twin_ticket(*id));
    sort(call, &mut found)?;
    let page = call.page(found, ROWS)?;
    Ok((!page.is_empty()).then(|| json!({ "data": shown(call, &page) })))
}

fn list(call: &mut Call<'_>) -> Answer {
    listed(call, |_| true)
}

fn of_contact(call: &mut Call<'_>) -> Answer {
    let id = call.id()?;
    if !call.state.contacts.contains_key(&id) {
        return Err(Refusal::not_found());
    }
    listed(call, |ticket| ticket.contact == id)
}

fn search(call: &mut Call<'_>) -> Answer {
    let look = call.indexed();
    let custom = match call.query("customField1") {
        None => None,
        Some(text) => {
            let pair = text.split_once(':').filter(|(name, _)| call.state.custom_fields.iter().any(|f| f == name));
            Some(pair.ok_or_else(|| Refusal::parameter("customField1"))?)
        }
    };
    let range = match call.query("createdTimeRange") {
        None => None,
        Some(text) => {
            let moment = |text: &str| DateTime::parse_from_rfc3339(text.trim()).ok().map(|at| at.to_utc());
            let pair = text.split_once(',').and_then(|(from, to)| Some((moment(from)?, moment(to)?)));
            Some(pair.ok_or_else(|| Refusal::parameter("createdTimeRange"))?)
        }
    };
    let same = |name: &str, held: &str| call.query(name).is_none_or(|wanted| held.eq_ignore_ascii_case(wanted));
    let fits = |ticket: &&Ticket| {
        look.reaches(ticket.modified)
            && custom.is_none_or(|(name, value)| ticket.cf.get(name).and_then(Value::as_str) == Some(value))
            && range.is_none_or(|(from, to)| from <= ticket.created && ticket.created <= to)
            && same("contactId", &ticket.contact.to_string())
            && same("departmentId", &ticket.department)
            && same("email", ticket.email.as_deref().unwrap_or_default())
            && same("status", &ticket.status)
            && same("subject", &ticket.subject)
            && same("ticketNumber", &ticket.number.to_string())
            && same("channel", &ticket.channel)
            && same("priority", ticket.priority.as_deref().unwrap_or_default())
            && call.query("_all").is_none_or(|word| ticket.subject.to_lowercase().contains(&word.to_lowercase()))
    };
    let found: Vec<u64> = call.state.tickets.values().filter(fits).map(|ticket| ticket.id).collect();
    let mut found = look.twins(found, |id| call.state.twin_ticket(*id));
    sort(call, &mut found)?;
    let count = found.len();
    let page = call.page(found, ROWS)?;
    Ok((!page.is_empty()).then(|| json!({ "data": shown(call, &page), "count": count })))
}

fn shown_comment(comment: &Comment) -> Value {
    json!({
        "id": comment.id.to_string(),
        "content": comment.content,
        "contentType": "html",
        "isPublic": comment.public,
        "commenterId": "1892000000042001",
        "commentedTime": time(comment.at),
        "modifiedTime": null,
        "attachments": [],
    })
}

fn add_comment(call: &mut Call<'_>) -> Answer {
    let (id, given) = (call.id()?, call.fields()?);
    let fields = Fields(&given);
    fields.only(&["content", "isPublic", "contentType"])?;
    let content = fields.required("content", 32_000)?.to_owned();
    let comment = Comment { id: call.state.next_id(), content, public: fields.flag("isPublic", false)?, at: call.now };
    let ticket = call.state.tickets.get_mut(&id).ok_or_else(Refusal::not_found)?;
    let shown = shown_comment(&comment);
    ticket.comments.push(comment);
    Ok(Some(shown))
}

fn comments(call: &mut Call<'_>) -> Answer {
    let (id, look) = (call.id()?, call.look());
    let ticket = call.state.tickets.get(&id).ok_or_else(Refusal::not_found)?;
    let seen: Vec<Comment> = ticket.comments.iter().filter(|comment| look.reaches(comment.at)).cloned().collect();
    let mut all = seen.clone();
    if look.doubled {
        for comment in seen {
            let twin = Comment { id: call.state.next_id(), ..comment };
            all.push(twin.clone());
            if let Some(ticket) = call.state.tickets.get_mut(&id) {
                ticket.comments.push(twin);
            }
        }
    }
    let page = call.page(all.iter().map(|comment| comment.id).collect(), ROWS)?;
    let rows: Vec<Value> = all.iter().filter(|comment| page.contains(&comment.id)).map(shown_comment).collect();
    Ok((!rows.is_empty()).then(|| json!({ "data": rows })))
}
