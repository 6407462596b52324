//! Ground truth: what the simulated Desk holds, for tests.

use crate::World;
use serde_json::{Value, json};

/// Contacts, tickets with their comments, and the credits of 24 hours.
pub fn books(world: &World) -> Value {
    let state = world.desk.lock().expect("desk lock");
    let contacts = state.contacts.values().map(|contact| {
        json!({
            "id": contact.id.to_string(),
            "email": contact.email,
            "last_name": contact.last_name,
            "crm_contact_id": contact.linked,
        })
    });
    let tickets = state.tickets.values().map(|ticket| {
        json!({
            "id": ticket.id.to_string(),
            "number": ticket.number.to_string(),
            "subject": ticket.subject,
            "contact_id": ticket.contact.to_string(),
            "status": ticket.status,
            "cf": ticket.cf,
            "comments": ticket.comments.iter().map(|comment| &comment.content).collect::<Vec<_>>(),
        })
    });
    json!({
        "contacts": contacts.collect::<Vec<_>>(),
        "tickets": tickets.collect::<Vec<_>>(),
        "credits_used": state.credits_used(),
    })
}
