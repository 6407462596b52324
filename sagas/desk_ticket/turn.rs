//! What follows from what comes: decides, and changes nothing but by events.

use super::DeskTicket;
use super::words::{Event, Rules};
use crate::kernel::answer::Answer;
use crate::kernel::effect::{Attio, Effect};
use crate::kernel::outcome::{Outcome, Rejection, RejectionKind};
use crate::kernel::saga::{Answered, Refusal};
use crate::kernel::ticket::Ask;

pub(super) type Turn<'a> = crate::kernel::turn::Turn<'a, DeskTicket>;

/// Our own side's words for a person of whom nothing is kept.
const PERSON_GONE: [&str; 2] = ["person_gone", "no_person"];

impl Turn<'_> {
    pub(super) fn asked(&mut self, ask: &Ask) -> Result<(), Refusal> {
        if self.state.saga.is_some_and(|saga| saga != ask.saga()) {
            return Err(Refusal::new("other_cause", "this stream is another cause's"));
        }
        if ask.about.record.is_none() && ask.about.client.is_none() {
            return Err(Refusal::new("about_nobody", "a ticket needs a customer: name a record in Attio"));
        }
        if !self.state.keys.contains(&ask.key) {
            self.push(Event::TicketAsked { ask: Box::new(ask.clone()), at: self.at.now });
        }
        Ok(())
    }

    pub(super) fn answered(&mut self, answered: &Answered<'_>) {
        let now = self.at.now;
        match (answered.step, answered.outcome) {
            ("show", outcome) => {
                if let Effect::Attio(Attio::ShowTicket(face)) = answered.effect {
                    let told = self.state.people.shown(face.version, outcome, now);
                    self.push(Event::Told(told));
                }
            }
            ("task", outcome) => {
                let told = self.state.people.task_told(outcome, now);
                self.push(Event::Told(told));
            }
            (step, Outcome::Done { answer }) => self.done(step, answer, answered.extra),
            (step, Outcome::Rejected { rejection }) => self.refused(step, rejection),
            // Nobody here declines: the machine parks it.
            (_, Outcome::Declined { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. }) => {}
        }
    }

    fn done(&mut self, step: &str, answer: &Answer, extra: &[String]) {
        match (step, answer) {
            ("read_settings", Answer::Settings { settings }) => {
                // What cannot be read was refused when the service started; absent: the defaults hold.
                let rules: Rules = serde_json::from_value(settings.clone()).unwrap_or_default();
                self.push(if rules.enabled { Event::HelpdeskFound } else { Event::NoHelpdesk });
            }
            ("read_request", Answer::Request(request)) => match &request.client {
                Some(client) => self.push(Event::ClientFound { client: client.clone() }),
                None => self.refuse("the record names no customer", "fill in `Company` or `Person`, then press again"),
            },
            ("enrol", Answer::Enrolled(enrolment)) => self.push(Event::CustomerEnrolled {
                customer: enrolment.customer.clone(),
                contact: enrolment.desk_contact.clone(),
            }),
            ("read_person", Answer::PersonRead { missing, .. }) => {
                if missing.iter().any(|title| title.starts_with("E-mail")) {
                    return self.refuse("the customer has no e-mail address in Attio", "fill it in, then press again");
                }
                self.push(Event::PersonRead);
            }
            ("find_contact", Answer::DeskContact { contact, others }) => {
                self.push(Event::ContactSought { contact: contact.clone(), others: *others });
            }
            ("make_contact", Answer::DeskContact { contact: Some(contact), .. }) => {
                self.push(Event::ContactMade { contact: contact.clone() });
            }
            ("link_contact", _) => {
                if let Some(contact) = self.state.contact.clone() {
                    self.push(Event::ContactLinked { contact });
                }
            }
            ("unlink_contact", _) => self.push(Event::ContactUnlinked),
            ("read_ticket", Answer::Ticket(ticket)) => self.push(Event::TicketRead { status: ticket.status.clone() }),
            ("open", Answer::Ticket(ticket)) => self.push(Event::TicketOpened {
                ticket: ticket.id.clone(),
                number: ticket.number.clone(),
                twins: extra.to_vec(),
                at: self.at.now,
            }),
            ("comment", _) => {
                let ticket = self.state.ticket.as_ref().map(|ticket| ticket.id.clone());
                let key = self.state.asks.first().map(|asked| asked.ask.key.clone());
                if let (Some(ticket), Some(key)) = (ticket, key) {
                    self.push(Event::CommentAdded { ticket, key });
                }
            }
            // No step is answered with anything else.
            _ => {}
        }
    }

    fn refused(&mut self, step: &str, rejection: &Rejection) {
        let gone = rejection.kind == RejectionKind::NotFound;
        let code = rejection.code.clone();
        let contact = self.state.contact.clone();
        match (step, contact) {
            ("read_request" | "read_person", _) if gone => {
                self.refuse("the record is gone in Attio", "make it again, then press again");
            }
            ("find_contact" | "make_contact", _) if PERSON_GONE.contains(&code.as_str()) => {
                self.refuse(
                    "nothing is kept of the person",
                    "write to them outside of billing, if that is still right",
                );
            }
            ("link_contact", Some(contact)) if code == "linked_otherwise" => {
                self.push(Event::ContactNotLinked { contact, code });
            }
            // Deleted in Desk, at the latest since it was read: another one is opened.
            ("read_ticket" | "comment", _) if gone => self.push(Event::TicketGone),
            ("open", Some(contact)) if !self.state.sought => self.push(Event::ContactDoubted { contact, code }),
            // The flow names no branch: the machine parks it.
            _ => {}
        }
    }

    fn refuse(&mut self, reason: &str, cure: &str) {
        self.push(Event::TicketRefused { reason: reason.to_owned(), cure: cure.to_owned() });
    }

    /// A call waited for three days.
    pub(super) fn unreachable(&mut self) {
        if !self.state.down && !self.state.stage.is_idle() {
            self.push(Event::DeskUnreachable { at: self.at.now });
        }
    }

    /// A sleep has come to its end.
    pub(super) fn due(&mut self) {
        if let Some(told) = self.state.people.come_due(self.at.now) {
            self.push(Event::Told(told));
        }
    }
}
