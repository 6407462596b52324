//! Where at the vendors a person can be, and by which call each place is cleared and read back. Pure; it says nothing of
//! whether a place is in use.

use crate::kernel::effect::{Attio, AttioRecord, Braintree, Crm, CrmModule, Effect, Helpdesk, Zoho};
use serde::{Deserialize, Serialize};

/// One record at a vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "place", rename_all = "snake_case")]
pub enum Place {
    /// The person's record in Attio.
    Attio {
        /// Record id of the object `people`.
        person: String,
    },
    /// A record in Zoho CRM.
    Crm {
        /// Which list of records.
        module: CrmModule,
        /// Our id.
        key: String,
    },
    /// The contact in Zoho Desk.
    Desk {
        /// Zoho Desk contact id.
        contact: String,
    },
    /// The customer in Zoho Billing.
    ZohoBilling {
        /// Zoho customer id.
        customer: String,
    },
    /// The customer at Braintree, with the cards.
    Braintree {
        /// Braintree customer id.
        customer: String,
    },
}

impl Place {
    /// For people.
    pub fn name(&self) -> String {
        match self {
            Self::Attio { person } => format!("Attio, person {person}"),
            Self::Crm { module, key } => format!("Zoho CRM, {} {key}", module.name()),
            Self::Desk { contact } => format!("Zoho Desk, contact {contact}"),
            Self::ZohoBilling { customer } => format!("Zoho Billing, customer {customer}"),
            Self::Braintree { customer } => format!("Braintree, customer {customer}"),
        }
    }

    /// The step that clears it, and the one that reads it back.
    pub(super) const fn steps(&self) -> (&'static str, &'static str) {
        match self {
            Self::Attio { .. } => ("erase_attio", "read_attio"),
            Self::Crm { .. } => ("erase_crm", "read_crm"),
            Self::Desk { .. } => ("erase_desk", "read_desk"),
            Self::ZohoBilling { .. } => ("erase_zoho", "read_zoho"),
            Self::Braintree { .. } => ("erase_braintree", "read_braintree"),
        }
    }

    /// What clears it. `mark` ends the neutral name that is left.
    pub(super) fn erase(&self, mark: &str) -> Effect {
        let mark = mark.to_owned();
        match self.clone() {
            Self::Attio { person } => Effect::Attio(Attio::ErasePerson { person }),
            Self::Crm { module, key } => Effect::Crm(Crm::Erase { module, key, mark }),
            Self::Desk { contact } => Effect::Helpdesk(Helpdesk::EraseContact { contact, mark }),
            Self::ZohoBilling { customer } => Effect::Zoho(Zoho::EraseCustomer { customer, mark }),
            Self::Braintree { customer } => Effect::Braintree(Braintree::EraseCustomer { customer, mark }),
        }
    }

    /// What reads it back.
    pub(super) fn seek(&self, mark: &str) -> Effect {
        let mark = mark.to_owned();
        match self.clone() {
            Self::Attio { person } => {
                let client = AttioRecord { object: "people".to_owned(), id: person };
                Effect::Attio(Attio::SeekPerson { client })
            }
            Self::Crm { module, key } => Effect::Crm(Crm::Seek { module, key, mark }),
            Self::Desk { contact } => Effect::Helpdesk(Helpdesk::SeekContact { contact, mark }),
            Self::ZohoBilling { customer } => Effect::Zoho(Zoho::SeekCustomer { customer, mark }),
            Self::Braintree { customer } => Effect::Braintree(Braintree::SeekCustomer { customer, mark }),
        }
    }
}
