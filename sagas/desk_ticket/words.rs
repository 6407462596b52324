//! The words of the flow: what it can be told, and what it says happened. Names and fields are in the log for ever;
//! nothing is decided here, and no word carries personal data.

use crate::kernel::effect::AttioRecord;
use crate::kernel::telling::{NoLetter, Told};
use crate::kernel::ticket::Ask;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What the stream of a cause can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// A ticket is wanted.
    Asked {
        /// Which, and why.
        ask: Box<Ask>,
    },
}

/// What those who run an installation set for tickets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// There is a Zoho Desk.
    pub enabled: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    TicketAsked {
        ask: Box<Ask>,
        at: DateTime<Utc>,
    },
    HelpdeskFound,
    /// This installation has no Zoho Desk.
    NoHelpdesk,
    ClientFound {
        client: AttioRecord,
    },
    /// Nobody can be named whom it is about.
    TicketRefused {
        reason: String,
        cure: String,
    },
    CustomerEnrolled {
        customer: String,
        /// The contact in Zoho Desk that is linked already.
        contact: Option<String>,
    },
    PersonRead,
    /// By the e-mail address.
    ContactSought {
        contact: Option<String>,
        /// Further ones with the same address (D39).
        others: u32,
    },
    ContactMade {
        contact: String,
    },
    ContactLinked {
        contact: String,
    },
    /// Another customer of ours has that contact (D39): the ticket is opened for it all the same.
    ContactNotLinked {
        contact: String,
        code: String,
    },
    /// Zoho Desk takes no ticket for the contact that is linked: it is sought anew.
    ContactDoubted {
        contact: String,
        code: String,
    },
    ContactUnlinked,
    TicketOpened {
        /// Zoho Desk ticket id.
        ticket: String,
        number: String,
        /// Further ones of the same reference, which a look-up found.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        twins: Vec<String>,
        at: DateTime<Utc>,
    },
    /// The ticket of the same cause, where the same is asked again.
    TicketRead {
        /// Zoho Desk's status text.
        status: String,
    },
    TicketGone,
    CommentAdded {
        ticket: String,
        key: String,
    },
    /// For three days Zoho Desk took nothing.
    DeskUnreachable {
        at: DateTime<Utc>,
    },
    /// A colleague was told, or could not be.
    #[serde(untagged)]
    Told(Told<NoLetter>),
}

crate::kernel::saga::event_names!(
    Event: TicketAsked, HelpdeskFound, NoHelpdesk, ClientFound, TicketRefused, CustomerEnrolled, PersonRead,
    ContactSought, ContactMade, ContactLinked, ContactNotLinked, ContactDoubted, ContactUnlinked, TicketOpened,
    TicketRead, TicketGone, CommentAdded, DeskUnreachable; Told
);
