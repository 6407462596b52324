//! Tickets in Zoho Desk that colleagues ask for: by a press in Attio, over the API, by the command line. One way in; whom a
//! ticket is about, and whether there is a Desk, the flow finds out itself.

use super::operator::Order as By;
use crate::connectors::attio::Press;
use crate::engine::items::Body;
use crate::store::items::NewItem;
use chrono::SecondsFormat;
use sagas::desk_ticket::{About, Ask, Cause, Command, DeskTicket, OPEN_TICKET};
use sagas::kernel::effect::PressedAct;
use sagas::kernel::saga::Saga;
use uuid::Uuid;

/// Whether the act asks for a ticket.
pub(super) fn is_asked(act: &str) -> bool {
    act == OPEN_TICKET
}

/// The item of a press.
pub(super) fn pressed(press: &Press, key: String) -> NewItem {
    let by = format!("attio:{}", press.member);
    let ask = Ask {
        about: About { record: Some(press.record.clone()), client: None },
        cause: Cause::Asked { words: String::new() },
        press: Some(PressedAct { act: press.act.clone(), pressed_at: press.pressed_at }),
        key: press.pressed_at.to_rfc3339_opts(SecondsFormat::Nanos, true),
        by,
    };
    item(ask, "attio.open_ticket", Some(key))
}

/// The item of an order about a subscription's record in Attio. The same key is the same order.
pub fn ordered(record: &str, by: By) -> NewItem {
    let key = by.key.unwrap_or_else(|| Uuid::now_v7().to_string());
    let ask = Ask {
        about: About { record: Some(record.to_owned()), client: None },
        cause: Cause::Asked { words: by.reason },
        press: None,
        key: key.clone(),
        by: by.by,
    };
    item(ask, "operator.open_ticket", Some(format!("ticket:{record}:{key}")))
}

fn item(ask: Ask, kind: &str, key: Option<String>) -> NewItem {
    let (saga, principal) = (ask.saga(), ask.by.clone());
    let command = Command::Asked { ask: Box::new(ask) };
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    NewItem {
        saga,
        saga_kind: DeskTicket::NAME.to_owned(),
        kind: kind.to_owned(),
        principal,
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: key,
    }
}
