//! A small world for the flow: a record in Attio, our links, and a Desk that keeps contacts, tickets and comments.

use crate::desk_ticket::{About, Ask, Cause, Command, DeskTicket};
use crate::kernel::answer::{Answer, Enrolment, Request, Ticket};
use crate::kernel::effect::{
    Attio, AttioRecord, Desk, Effect, Helpdesk, PressedAct, TaskNote, TicketFace, TicketOrder,
};
use crate::kernel::flow::Open;
use crate::kernel::outcome::{Outcome, RejectionKind};
use crate::kernel::tests::bench::{Bench, Played, stands_on_its_bench};
use crate::kernel::tests::samples::{self, eur, instant, rejected};
use serde_json::{Value, json};

pub(super) const RECORD: &str = "as1";

pub(super) struct World {
    bench: Bench<DeskTicket>,
    pub(super) settings: Value,
    pub(super) request: Request,
    pub(super) missing: Vec<String>,
    /// Contacts with the customer's address, the oldest first.
    pub(super) contacts: Vec<String>,
    pub(super) linked: Option<String>,
    pub(super) tickets: Vec<(TicketOrder, &'static str)>,
    pub(super) comments: Vec<(String, String)>,
    pub(super) shown: Vec<TicketFace>,
    pub(super) tasks: Vec<TaskNote>,
}

stands_on_its_bench!(World, DeskTicket);

pub(super) fn pressed(second: u32) -> Ask {
    let pressed_at = instant(&format!("2026-11-02T09:00:{second:02}Z"));
    Ask {
        about: About { record: Some(RECORD.to_owned()), client: None },
        cause: Cause::Asked { words: String::new() },
        press: Some(PressedAct { act: "Open ticket".to_owned(), pressed_at }),
        key: format!("press:{second}"),
        by: "attio:member1".to_owned(),
    }
}

pub(super) fn ordered(words: &str, key: &str) -> Ask {
    let cause = Cause::Asked { words: words.to_owned() };
    Ask { cause, press: None, key: key.to_owned(), by: "token:ada".to_owned(), ..pressed(0) }
}

pub(super) fn exhausted(declines: u32) -> Ask {
    let about = About { record: Some(RECORD.to_owned()), client: Some(samples::company()) };
    let cause = Cause::Exhausted {
        invoice: "77".to_owned(),
        number: "INV-77".to_owned(),
        owed: eur(10_000),
        declines,
        last_four: Some("1111".to_owned()),
    };
    Ask { about, cause, press: None, key: format!("exhausted:{declines}"), by: "invoice_payment".to_owned() }
}

impl World {
    pub(super) fn of(ask: &Ask) -> Self {
        Self {
            bench: Bench::new(ask.saga(), instant("2026-11-02T09:01:00Z")),
            settings: Value::Null,
            request: samples::request(),
            missing: Vec::new(),
            contacts: Vec::new(),
            linked: None,
            tickets: Vec::new(),
            comments: Vec::new(),
            shown: Vec::new(),
            tasks: Vec::new(),
        }
    }

    pub(super) fn asked(ask: Ask) -> Self {
        let mut world = Self::of(&ask);
        world.ask(ask);
        world
    }

    pub(super) fn ask(&mut self, ask: Ask) {
        self.tell(Command::Asked { ask: Box::new(ask) });
    }

    pub(super) fn no_desk(&mut self) {
        self.settings = json!({"enabled": false});
    }

    fn helpdesk(&mut self, call: &Helpdesk) -> Outcome {
        let answer = match call {
            Helpdesk::FindContact { .. } => {
                let others = u32::try_from(self.contacts.len().saturating_sub(1)).expect("few");
                Answer::DeskContact { contact: self.contacts.first().cloned(), others }
            }
            Helpdesk::CreateContact { .. } => {
                let contact = format!("dc{}", self.contacts.len() + 1);
                self.contacts.push(contact.clone());
                Answer::DeskContact { contact: Some(contact), others: 0 }
            }
            Helpdesk::OpenTicket(order) if !self.contacts.contains(&order.contact) => {
                return rejected(RejectionKind::Invalid, "INVALID_DATA");
            }
            Helpdesk::OpenTicket(order) => {
                self.tickets.push(((**order).clone(), "Open"));
                self.ticket(self.tickets.len())
            }
            Helpdesk::ReadTicket { ticket } => {
                let number: usize = ticket.trim_start_matches('t').parse().expect("a number");
                if self.tickets[number - 1].1 == "gone" {
                    return rejected(RejectionKind::NotFound, "RESOURCE_NOT_FOUND");
                }
                self.ticket(number)
            }
            Helpdesk::Comment { text, marker, .. } => {
                self.comments.push((marker.clone(), text.clone()));
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    pub(super) fn ticket(&self, number: usize) -> Answer {
        let status = self.tickets.get(number - 1).map_or("Open", |(_, status)| *status).to_owned();
        Answer::Ticket(Box::new(Ticket { id: format!("t{number}"), number: (100 + number).to_string(), status }))
    }

    fn desk(&mut self, call: &Desk) -> Outcome {
        let answer = match call {
            Desk::ReadSettings { .. } => Answer::Settings { settings: self.settings.clone() },
            Desk::Enrol { .. } => {
                Answer::Enrolled(Box::new(Enrolment { desk_contact: self.linked.clone(), ..samples::enrolment() }))
            }
            Desk::Link { links } => {
                self.linked = Some(links[0].theirs.clone());
                Answer::Nothing
            }
            Desk::Unlink { .. } => {
                self.linked = None;
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }

    fn attio(&mut self, call: &Attio) -> Outcome {
        let answer = match call {
            Attio::ReadRequest { .. } => Answer::Request(Box::new(self.request.clone())),
            Attio::ReadPerson { .. } => Answer::PersonRead { missing: self.missing.clone(), country: None },
            Attio::ShowTicket(face) => {
                self.shown.push((**face).clone());
                Answer::Nothing
            }
            Attio::AddTask(task) => {
                self.tasks.push((**task).clone());
                Answer::Nothing
            }
            other => panic!("no such call: {other:?}"),
        };
        Outcome::Done { answer }
    }
}

pub(super) fn person() -> AttioRecord {
    AttioRecord { object: "people".to_owned(), id: "person1".to_owned() }
}

impl Played for World {
    type Flow = DeskTicket;

    fn answer(&mut self, open: &Open) -> Outcome {
        match &open.effect {
            Effect::Helpdesk(call) => self.helpdesk(call),
            Effect::Desk(call) => self.desk(call),
            Effect::Attio(call) => self.attio(call),
            other => panic!("no such call: {other:?}"),
        }
    }

    fn must_hold(&self) {
        assert!(self.accounts.is_empty() && self.claims.is_empty(), "it moves no money and holds nothing");
        let open = self.tickets.iter().filter(|(_, status)| *status == "Open").count();
        assert!(open <= 1, "two open tickets of one cause");
        let said = self.tickets.iter().map(|(order, _)| &order.text).chain(self.comments.iter().map(|(_, text)| text));
        for text in said {
            let longest = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
            assert!(!text.contains("4111") && longest < Some(13), "{text}");
        }
    }
}
