//! Zoho Desk: finds or makes a customer's contact, opens a ticket, comments on it and closes it. Nothing of money waits for
//! it, and nothing that it is told goes to a customer.

mod api;
mod wire;

use super::line::{Answered, Line, rejected};
use super::{ABSENT, is_invalid, is_not_found, sentence};
use crate::connectors::http::Reply;
use crate::port::{Call, Person, Report};
use api::{Api, Ask};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Url;
use sagas::kernel::answer::{Answer, Trace};
use sagas::kernel::effect::{Helpdesk, TicketOrder};
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use serde_json::json;
use tokio::time::Instant;
use wire::{CommentWire, ContactWire, ErasedContact, NewContact, NewTicket, Rows, TicketWire};

/// Desk's clock may be behind ours by so much.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(5);

const CLOSED: &str = "Closed";

/// Where Desk is, and who we are there.
#[derive(Debug, Clone)]
pub struct DeskConfig {
    /// Desk of the data centre, e.g. `https://desk.zoho.eu`.
    pub url: Url,
    /// Desk's own organization id: not Billing's.
    pub organization_id: String,
    /// The department in which tickets are opened.
    pub department_id: String,
}

/// The connector of one organization's Desk.
pub(super) struct Desk {
    api: Api,
    department: String,
}

impl Desk {
    pub(super) fn new(config: &DeskConfig, line: Line) -> Result<Self, String> {
        Ok(Self { api: Api::new(config, line)?, department: config.department_id.clone() })
    }

    /// A read's answer as it came.
    pub(super) async fn reply(&self, segments: &[&str], query: &[(&str, &str)], deadline: Instant) -> Answered<Reply> {
        self.api.reply(segments, query, deadline).await
    }

    /// In which tickets are opened.
    pub(super) fn department(&self) -> &str {
        &self.department
    }

    /// Desk's own id of the organisation.
    pub(super) fn organization(&self) -> &str {
        self.api.organization()
    }

    /// Makes the call once.
    pub(super) async fn perform(&self, call: &Call, effect: &Helpdesk) -> Report {
        let deadline = Instant::now() + call.time_limit;
        let (operation, person) = (effect.operation(), call.beside.person.as_ref());
        let answered = match effect {
            Helpdesk::FindContact { .. } => self.contacts(operation, person, deadline).await.map(|all| {
                let others = u32::try_from(all.len().saturating_sub(1)).unwrap_or(u32::MAX);
                Answer::DeskContact { contact: all.into_iter().next(), others }
            }),
            Helpdesk::CreateContact { .. } => self.create_contact(person, deadline).await,
            Helpdesk::SeekContact { contact, mark } => self.seek_contact(operation, contact, mark, deadline).await,
            Helpdesk::EraseContact { contact, mark } => self.erase_contact(contact, mark, deadline).await,
            Helpdesk::OpenTicket(order) => self.open_ticket(order, deadline).await,
            Helpdesk::ReadTicket { ticket } => self.ticket(operation, ticket, deadline).await.map(TicketWire::answer),
            Helpdesk::Comment { ticket, text, marker } => self.comment(ticket, text, marker, deadline).await,
            Helpdesk::CloseTicket { ticket } => self.close(ticket, deadline).await,
        };
        match answered {
            Ok(answer) => Outcome::Done { answer }.into(),
            Err(outcome) => (*outcome).into(),
        }
    }

    /// Looks up whether a write was done.
    pub(super) async fn look(&self, call: &Call, effect: &Helpdesk) -> Look {
        let deadline = Instant::now() + call.time_limit;
        let found = match effect {
            Helpdesk::FindContact { .. } | Helpdesk::ReadTicket { .. } | Helpdesk::SeekContact { .. } => return ABSENT,
            Helpdesk::EraseContact { contact, mark } => {
                let shown = self.trace("zoho_desk.find_contact", contact, mark, deadline).await;
                shown.map(
                    |trace| if trace.personal { ABSENT } else { hit([(done(trace), contact.clone())].into_iter()) },
                )
            }
            Helpdesk::CreateContact { .. } => {
                let found = self.contacts("zoho_desk.find_contact", call.beside.person.as_ref(), deadline).await;
                // Who was there before would have been found before: the oldest is the one, and no other is given back.
                found.map(|all| hit(all.into_iter().take(1).map(|id| (contact(Some(id.clone())), id))))
            }
            Helpdesk::OpenTicket(order) => {
                let found = self.find_tickets(order, deadline).await;
                found.map(|all| hit(all.into_iter().map(|ticket| (ticket.clone().answer(), ticket.id))))
            }
            Helpdesk::Comment { ticket, marker, .. } => {
                let found = self.find_comments(ticket, marker, deadline).await;
                found.map(|all| hit(all.into_iter().map(|id| (Answer::Nothing, id))))
            }
            Helpdesk::CloseTicket { ticket } => {
                let shown = self.ticket("zoho_desk.find_ticket", ticket, deadline).await;
                shown.map(|shown| super::reached(shown.status == CLOSED))
            }
        };
        found.unwrap_or_else(|outcome| Look::Unclear { detail: sentence(*outcome) })
    }

    /// Ids of the contacts with the person's e-mail address, oldest first.
    async fn contacts(
        &self,
        operation: &'static str,
        person: Option<&Person>,
        deadline: Instant,
    ) -> Answered<Vec<String>> {
        let email = person.ok_or_else(no_person)?.email.trim();
        let query = [("email", email), ("limit", "50")];
        let ask = Ask::read(operation, &["contacts", "search"], &query);
        let rows: Rows<ContactWire> = self.api.rows(ask, deadline).await?;
        let mut all: Vec<_> = rows.data.into_iter().filter(|row| row.has(email)).map(|row| row.id).collect();
        all.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        Ok(all)
    }

    async fn create_contact(&self, person: Option<&Person>, deadline: Instant) -> Answered<Answer> {
        let body = NewContact::of(person.ok_or_else(no_person)?);
        let ask = Ask::create("zoho_desk.create_contact", &["contacts"], &body);
        let made: ContactWire = self.api.call(ask, deadline).await?;
        Ok(contact(Some(made.id)))
    }

    async fn seek_contact(
        &self,
        operation: &'static str,
        contact: &str,
        mark: &str,
        deadline: Instant,
    ) -> Answered<Answer> {
        self.trace(operation, contact, mark, deadline).await.map(done)
    }

    /// One call. The contact stays: its tickets need one.
    async fn erase_contact(&self, contact: &str, mark: &str, deadline: Instant) -> Answered<Answer> {
        let segments = ["contacts", contact];
        let nobody = Person::erased(mark);
        let body = ErasedContact::of(&nobody);
        let ask = Ask::patch("zoho_desk.erase_contact", &segments, &body);
        match self.api.call::<ContactWire>(ask, deadline).await {
            Ok(_) => Ok(done(Trace::neutral(contact))),
            Err(outcome) if is_not_found(&outcome) => Ok(done(Trace::gone())),
            Err(outcome) => Err(outcome),
        }
    }

    /// What is left of somebody on a contact.
    async fn trace(&self, operation: &'static str, contact: &str, mark: &str, deadline: Instant) -> Answered<Trace> {
        match self.api.call::<ContactWire>(Ask::read(operation, &["contacts", contact], &[]), deadline).await {
            Ok(shown) => Ok(Trace { personal: !shown.is(&Person::erased(mark)), ..Trace::neutral(contact) }),
            Err(outcome) if is_not_found(&outcome) => Ok(Trace::gone()),
            Err(outcome) => Err(outcome),
        }
    }

    async fn open_ticket(&self, order: &TicketOrder, deadline: Instant) -> Answered<Answer> {
        let body = NewTicket::of(order, &self.department);
        let ask = Ask::create("zoho_desk.open_ticket", &["tickets"], &body);
        let made: TicketWire = self.api.call(ask, deadline).await?;
        Ok(made.answer())
    }

    async fn ticket(&self, operation: &'static str, ticket: &str, deadline: Instant) -> Answered<TicketWire> {
        self.api.call(Ask::read(operation, &["tickets", ticket], &[]), deadline).await
    }

    /// By the saga's field; and, as the search's index lags and its form is not published for such a field, among the
    /// contact's tickets since the intent. Oldest first.
    async fn find_tickets(&self, order: &TicketOrder, deadline: Instant) -> Answered<Vec<TicketWire>> {
        const OPERATION: &str = "zoho_desk.find_ticket";
        let by_field = format!("cf_saga_id:{}", order.saga);
        let query = [("customField1", by_field.as_str())];
        let search = Ask::read(OPERATION, &["tickets", "search"], &query);
        let mut rows = match self.api.rows::<TicketWire>(search, deadline).await {
            Ok(rows) => rows.data,
            Err(outcome) if is_invalid(&outcome) => Vec::new(),
            Err(outcome) => return Err(outcome),
        };
        let segments = ["contacts", order.contact.as_str(), "tickets"];
        let of_contact = Ask::read(OPERATION, &segments, &[("limit", "50")]);
        let since = order.since - CLOCKS_APART;
        let theirs: Rows<TicketWire> = self.api.rows(of_contact, deadline).await?;
        for row in theirs.data {
            if row.since(since) && rows.iter().all(|known| known.id != row.id) {
                rows.push(row);
            }
        }
        let mut hits = Vec::new();
        for row in rows {
            // Rows need not show custom fields.
            let ticket = if row.saga().is_some() {
                row
            } else {
                match self.ticket(OPERATION, &row.id, deadline).await {
                    Ok(ticket) => ticket,
                    Err(outcome) if is_not_found(&outcome) => continue,
                    Err(outcome) => return Err(outcome),
                }
            };
            if ticket.saga() == Some(order.saga.as_str()) {
                hits.push(ticket);
            }
        }
        hits.sort_by(|a, b| a.age().cmp(&b.age()));
        Ok(hits)
    }

    async fn comment(&self, ticket: &str, text: &str, marker: &str, deadline: Instant) -> Answered<Answer> {
        let body = json!({ "content": format!("{text}\n[{marker}]"), "isPublic": false });
        let segments = ["tickets", ticket, "comments"];
        let _made: CommentWire = self.api.call(Ask::create("zoho_desk.comment", &segments, &body), deadline).await?;
        Ok(Answer::Nothing)
    }

    /// Ids of the comments with our marker, oldest first.
    async fn find_comments(&self, ticket: &str, marker: &str, deadline: Instant) -> Answered<Vec<String>> {
        let segments = ["tickets", ticket, "comments"];
        let ask = Ask::read("zoho_desk.find_comment", &segments, &[("limit", "99")]);
        let rows: Rows<CommentWire> = self.api.rows(ask, deadline).await?;
        let marker = format!("[{marker}]");
        let mut all: Vec<_> = rows.data.into_iter().filter(|row| row.says(&marker)).map(|row| row.id).collect();
        all.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        Ok(all)
    }

    async fn close(&self, ticket: &str, deadline: Instant) -> Answered<Answer> {
        let segments = ["tickets", ticket];
        let ask = Ask::patch("zoho_desk.close_ticket", &segments, &json!({ "status": CLOSED }));
        let shown: TicketWire = self.api.call(ask, deadline).await?;
        if shown.status != CLOSED {
            let message = format!("Zoho Desk accepted to close ticket {ticket}, but shows it as `{}`", shown.status);
            return Err(rejected(RejectionKind::UnknownState, "not_closed", &message));
        }
        Ok(Answer::Nothing)
    }
}

fn done(trace: Trace) -> Answer {
    Answer::Trace(Box::new(trace))
}

fn contact(id: Option<String>) -> Answer {
    Answer::DeskContact { contact: id, others: 0 }
}

/// The oldest is the one; each further one was made twice.
fn hit(all: impl Iterator<Item = (Answer, String)>) -> Look {
    let mut all = all;
    match all.next() {
        Some((answer, _)) => {
            Look::Found { outcome: Box::new(Outcome::Done { answer }), extra: all.map(|(_, id)| id).collect() }
        }
        None => ABSENT,
    }
}

fn no_person() -> Box<Outcome> {
    rejected(RejectionKind::Invalid, "no_person", "nothing is known of the person: read the client again")
}

/// An instant as Desk writes it, with milliseconds.
fn instant(text: Option<&str>) -> Option<DateTime<Utc>> {
    text.and_then(|text| DateTime::parse_from_rfc3339(text).ok()).map(|at| at.to_utc())
}
