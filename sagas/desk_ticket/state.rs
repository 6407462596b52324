//! What the stream of a cause remembers, folded from its events. Nothing is decided here, and no event is refused.

use super::words::Event;
use crate::kernel::effect::{AttioRecord, PressedAct};
use crate::kernel::ids::SagaId;
use crate::kernel::telling::{NoLetter, Owed};
use crate::kernel::ticket::Ask;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the stream of a cause remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) saga: Option<SagaId>,
    /// Not in Zoho Desk yet, the first first.
    pub(super) asks: Vec<Asked>,
    /// Of all that was ever asked.
    pub(super) keys: BTreeSet<String>,
    pub(super) stage: Stage,
    /// The subscription's record in Attio.
    pub(super) record: Option<String>,
    pub(super) client: Option<AttioRecord>,
    pub(super) customer: Option<String>,
    /// Zoho Desk contact id.
    pub(super) contact: Option<String>,
    /// The contact was sought or made since the ticket was asked for: if it is refused, another one would be too.
    pub(super) sought: bool,
    /// The newest ticket of the cause.
    pub(super) ticket: Option<Opened>,
    /// Tickets opened so far.
    pub(super) opened: u32,
    /// It was said that Zoho Desk takes nothing.
    pub(super) down: bool,
    /// A sentence of ours stands on the record that is to be taken back.
    pub(super) wrong: bool,
    pub(super) people: Owed<Face, NoLetter>,
    /// Calls concluded: tells repeated steps apart.
    pub(super) calls: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) at: DateTime<Utc>,
}

/// A ticket that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) id: String,
    pub(super) number: String,
}

/// What the record shall show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face {
    pub(super) answers: Option<PressedAct>,
    /// Absent: left as it is.
    pub(super) last_error: Option<String>,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    Settings,
    Request,
    Enrol,
    Person,
    Find,
    Make,
    Link,
    Unlink,
    Check,
    Open,
    Comment,
    Linked,
    Off,
    Refused,
}

impl Stage {
    pub(super) const fn is_idle(self) -> bool {
        matches!(self, Self::New | Self::Linked | Self::Off | Self::Refused)
    }
}

impl State {
    pub(super) fn apply(&mut self, event: &Event) {
        if !matches!(event, Event::TicketAsked { .. } | Event::Told(_)) {
            self.calls += 1;
        }
        match event {
            Event::TicketAsked { ask, at } => self.asked(ask, *at),
            Event::HelpdeskFound => {
                self.stage = match (&self.ticket, &self.contact, &self.client) {
                    (Some(_), ..) => Stage::Check,
                    (None, Some(_), _) => Stage::Open,
                    (None, None, Some(_)) => Stage::Enrol,
                    (None, None, None) => Stage::Request,
                }
            }
            Event::NoHelpdesk => {
                self.over(
                    Stage::Off,
                    "Zoho Desk is not connected here",
                    "write to the customer, or have an admin set ZOHO_DESK_URL",
                );
            }
            Event::TicketRefused { reason, cure } => self.over(Stage::Refused, reason, cure),
            Event::ClientFound { client } => {
                self.client = Some(client.clone());
                self.stage = Stage::Enrol;
            }
            Event::Told(told) => {
                // It writes no letters.
                let _none = self.people.apply(told);
            }
            _ => {
                self.apply_contact(event);
                self.apply_ticket(event);
            }
        }
    }

    fn asked(&mut self, ask: &Ask, at: DateTime<Utc>) {
        self.saga = self.saga.or_else(|| Some(ask.saga()));
        self.keys.insert(ask.key.clone());
        self.asks.push(Asked { ask: ask.clone(), at });
        if ask.about.record.is_some() {
            self.record.clone_from(&ask.about.record);
        }
        if ask.about.client.is_some() {
            self.client.clone_from(&ask.about.client);
        }
        if let Some(press) = &ask.press {
            self.show(Face { answers: Some(press.clone()), last_error: None });
        }
        if self.stage.is_idle() {
            self.sought = false;
            self.stage = Stage::Settings;
        }
    }

    fn show(&mut self, face: Face) {
        if self.record.is_some() {
            self.people.show(face);
        }
    }

    /// The record says so, with the newest press set back.
    fn say(&mut self, last_error: String) {
        let answers = self.people.face().and_then(|face| face.answers.clone());
        self.wrong = true;
        self.show(Face { answers, last_error: Some(last_error) });
    }

    fn over(&mut self, stage: Stage, reason: &str, cure: &str) {
        self.stage = stage;
        self.asks.clear();
        self.say(format!("No ticket was opened: {reason}. To go on, {cure}."));
    }

    fn apply_contact(&mut self, event: &Event) {
        match event {
            Event::CustomerEnrolled { customer, contact } => {
                self.customer = Some(customer.clone());
                self.contact.clone_from(contact);
                self.stage = if contact.is_some() { Stage::Open } else { Stage::Person };
            }
            Event::PersonRead => self.stage = Stage::Find,
            Event::ContactSought { contact, others } => {
                self.sought = true;
                self.contact.clone_from(contact);
                self.stage = if contact.is_some() { Stage::Link } else { Stage::Make };
                if let (Some(contact), 1..) = (contact, others) {
                    let text = format!(
                        "D39: in Zoho Desk {others} other contact(s) have the e-mail address of contact {contact}, the oldest, for which the ticket is opened. Merge them there."
                    );
                    self.people.owe_task("contact-twice", text);
                }
            }
            Event::ContactMade { contact } => {
                self.contact = Some(contact.clone());
                self.stage = Stage::Link;
            }
            Event::ContactLinked { .. } => self.stage = Stage::Open,
            Event::ContactNotLinked { contact, .. } => {
                let text = format!(
                    "D39: contact {contact} in Zoho Desk is linked with another customer of ours, and has this one's e-mail address. The ticket is opened for it; settle who it is."
                );
                self.people.owe_task("contact-shared", text);
                self.stage = Stage::Open;
            }
            Event::ContactDoubted { .. } => {
                self.sought = true;
                self.stage = Stage::Unlink;
            }
            Event::ContactUnlinked => {
                self.contact = None;
                self.stage = Stage::Person;
            }
            _ => {}
        }
    }

    fn apply_ticket(&mut self, event: &Event) {
        match event {
            Event::TicketOpened { ticket, number, twins, .. } => {
                if !twins.is_empty() {
                    let text = format!(
                        "The same ticket stands in Zoho Desk more than once: close {}, and keep {ticket}.",
                        twins.join(", ")
                    );
                    self.people.owe_task("ticket-twice", text);
                }
                self.ticket = Some(Opened { id: ticket.clone(), number: number.clone() });
                self.opened += 1;
                self.answered();
            }
            Event::TicketRead { status } => self.stage = if status == "Closed" { Stage::Open } else { Stage::Comment },
            Event::TicketGone => self.stage = Stage::Open,
            Event::CommentAdded { .. } => self.answered(),
            Event::DeskUnreachable { at } => {
                self.down = true;
                let day = at.format("%Y-%m-%d");
                self.people.owe_task("desk-down", format!("Zoho Desk took no ticket for three days, until {day}: see to the customer yourself. The ticket is opened once Desk answers."));
                self.say("Zoho Desk takes no ticket for now; it is opened once Desk answers.".to_owned());
            }
            _ => {}
        }
    }

    /// The first ask is in Zoho Desk.
    fn answered(&mut self) {
        if !self.asks.is_empty() {
            self.asks.remove(0);
        }
        self.stage = if self.asks.is_empty() { Stage::Linked } else { Stage::Check };
        let was_wrong = std::mem::take(&mut self.wrong);
        let answers = self.people.face().and_then(|face| face.answers.clone());
        self.down = false;
        self.people.drop_task("desk-down");
        self.show(Face { answers, last_error: was_wrong.then(String::new) });
    }
}
