//! The order to read what CRM shows of a customer and to write what differs. Writes nothing itself.

use crate::engine::items::Body;
use crate::store::items::NewItem;
use sagas::crm_lifecycle::{Command, CrmLifecycle};
use sagas::kernel::saga::Saga;
use uuid::Uuid;

/// The order for a customer of ours. The same key is the same order.
pub fn checked(customer: &str, key: Option<&str>, principal: &str) -> NewItem {
    let key = key.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    let command = Command::Check { by: principal.to_owned(), key: key.clone() };
    // Texts always serialise.
    let command = serde_json::to_value(command).unwrap_or_default();
    NewItem {
        saga: CrmLifecycle::id(customer),
        saga_kind: CrmLifecycle::NAME.to_owned(),
        kind: "operator.check_crm".to_owned(),
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: Some(format!("crm:check:{customer}:{key}")),
    }
}
