//! Calls on Zoho Desk, where customers are helped. Nothing of money waits for it.

use crate::kernel::step::{Absence, ExactlyOnce, Resend};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Calls on Zoho Desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Helpdesk {
    /// Finds a customer's contact by the e-mail address. Needs the person.
    FindContact {
        /// Our customer id.
        customer: String,
    },
    /// Makes a contact. Needs the person.
    CreateContact {
        /// Our customer id.
        customer: String,
    },
    /// Whether a contact is there, and says who somebody is.
    SeekContact {
        /// Zoho Desk contact id.
        contact: String,
        /// Ends the neutral name that an erased contact bears.
        mark: String,
    },
    /// Overwrites what says who somebody is on a contact by neutral values. The contact stays: its tickets need one.
    EraseContact {
        /// Zoho Desk contact id.
        contact: String,
        /// Ends the neutral name.
        mark: String,
    },
    /// Opens a ticket.
    OpenTicket(Box<TicketOrder>),
    /// Reads a ticket.
    ReadTicket {
        /// Zoho Desk ticket id.
        ticket: String,
    },
    /// Adds a comment that only staff see.
    Comment {
        /// Zoho Desk ticket id.
        ticket: String,
        /// What it says, without personal data.
        text: String,
        /// By which it is found again: it stands in brackets on its last line.
        marker: String,
    },
    /// Closes a ticket.
    CloseTicket {
        /// Zoho Desk ticket id.
        ticket: String,
    },
}

/// A ticket to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketOrder {
    /// Saga id: custom field `cf_saga_id`.
    pub saga: String,
    /// Zoho Desk contact id.
    pub contact: String,
    /// What it is about, without personal data.
    pub subject: String,
    /// What happened and what to do, without personal data.
    pub text: String,
    /// It goes first.
    pub urgent: bool,
    /// Look-ups go back to this instant.
    pub since: DateTime<Utc>,
}

impl Helpdesk {
    pub(super) const fn exactly_once(&self) -> ExactlyOnce {
        match self {
            Self::FindContact { .. } | Self::ReadTicket { .. } | Self::SeekContact { .. } => ExactlyOnce::Repeatable,
            Self::EraseContact { .. } => ExactlyOnce::Set { row: "2.0-e69" },
            Self::CreateContact { .. } | Self::OpenTicket(_) | Self::Comment { .. } => {
                ExactlyOnce::Searchable { row: "2.0-e54", absence: Absence::TwoLooks, resend: Resend::Same }
            }
            Self::CloseTicket { .. } => ExactlyOnce::Set { row: "2.0-e54" },
        }
    }

    /// Our reference in the call, or the id of what it concerns.
    pub(super) fn reference(&self) -> &str {
        match self {
            Self::FindContact { customer } | Self::CreateContact { customer } => customer,
            Self::SeekContact { contact, .. } | Self::EraseContact { contact, .. } => contact,
            Self::OpenTicket(ticket) => &ticket.saga,
            Self::ReadTicket { ticket } | Self::CloseTicket { ticket } => ticket,
            Self::Comment { marker, .. } => marker,
        }
    }

    /// Our customer id, where the call takes personal data.
    pub(super) fn person(&self) -> Option<&str> {
        match self {
            Self::FindContact { customer } | Self::CreateContact { customer } => Some(customer),
            Self::OpenTicket(_)
            | Self::ReadTicket { .. }
            | Self::Comment { .. }
            | Self::CloseTicket { .. }
            | Self::SeekContact { .. }
            | Self::EraseContact { .. } => None,
        }
    }

    operations! {
        pub match self {
            Self::FindContact { .. } => "zoho_desk.find_contact",
            Self::CreateContact { .. } => "zoho_desk.create_contact",
            Self::SeekContact { .. } => "zoho_desk.seek_contact",
            Self::EraseContact { .. } => "zoho_desk.erase_contact",
            Self::OpenTicket(_) => "zoho_desk.open_ticket",
            Self::ReadTicket { .. } => "zoho_desk.read_ticket",
            Self::Comment { .. } => "zoho_desk.comment",
            Self::CloseTicket { .. } => "zoho_desk.close_ticket",
        }
    }
}
