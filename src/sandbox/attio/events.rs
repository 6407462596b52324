//! Webhook events: what a subscription wants of them, and how they are signed and sent.

use super::{
    State as Workspace,
    model::{Actor, Webhook},
};
use crate::{World, faults::Vendor, hooks::Hook};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

/// One thing that happened, as webhooks tell it: ids and actor, never a value.
#[derive(Debug, Clone)]
pub(super) struct Event(Value);

impl Event {
    /// An event whose id names the workspace.
    pub(super) fn new(kind: &str, workspace: Uuid, actor: Actor) -> Self {
        Self(json!({ "event_type": kind, "id": { "workspace_id": workspace }, "actor": actor.json() }))
    }

    /// An event about a record.
    pub(super) fn record(kind: &str, workspace: Uuid, object: Uuid, record: Uuid, actor: Actor) -> Self {
        Self::new(kind, workspace, actor).with_id("object_id", object).with_id("record_id", record)
    }

    /// Adds a part of the id.
    pub(super) fn with_id(mut self, key: &str, id: Uuid) -> Self {
        self.0["id"][key] = json!(id);
        self
    }

    /// Adds the record that a merge took in.
    pub(super) fn with_duplicate(mut self, object: Uuid, record: Uuid) -> Self {
        self.0["duplicate_object_id"] = json!(object);
        self.0["duplicate_record_id"] = json!(record);
        self
    }

    /// Adds the record that a note hangs on.
    pub(super) fn with_parent(mut self, object: Uuid, record: Uuid) -> Self {
        self.0["parent_object_id"] = json!(object);
        self.0["parent_record_id"] = json!(record);
        self
    }

    fn kind(&self) -> &str {
        self.0["event_type"].as_str().unwrap_or_default()
    }

    /// Whether one of a webhook's subscriptions asks for it.
    fn wanted_by(&self, webhook: &Webhook) -> bool {
        let wants = |s: &Value| s["event_type"] == self.0["event_type"] && self.passes(&s["filter"]);
        webhook.subscriptions.as_array().is_some_and(|all| all.iter().any(wants))
    }

    /// One level of `$and` or `$or`; null asks for all.
    fn passes(&self, filter: &Value) -> bool {
        let holds = |condition: &Value| {
            let path = condition["field"].as_str().unwrap_or_default();
            let found = path.split('.').try_fold(&self.0, |at, key| at.get(key));
            let equal = found.is_some_and(|value| *value == condition["value"]);
            equal == (condition["operator"] == "equals")
        };
        match (filter["$and"].as_array(), filter["$or"].as_array()) {
            (Some(all), _) => all.iter().all(holds),
            (None, Some(any)) => any.iter().any(holds),
            (None, None) => true,
        }
    }
}

/// Queues a delivery per event and webhook that wants it: one event each, as Attio sends them today.
pub(super) fn emit(world: &World, workspace: &Workspace, events: &[Event]) {
    for event in events {
        for webhook in workspace.webhooks.iter().filter(|w| event.wanted_by(w)) {
            let body = json!({ "webhook_id": webhook.id, "events": [event.0] }).to_string().into_bytes();
            let signature = sign(&webhook.secret, &body);
            let headers = vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("Attio-Signature".to_owned(), signature.clone()),
                ("X-Attio-Signature".to_owned(), signature),
                ("Idempotency-Key".to_owned(), Uuid::new_v4().to_string()),
            ];
            let hook = Hook { vendor: Vendor::Attio, kind: event.kind().to_owned(), headers, body };
            world.hooks.send_to(hook, webhook.target_url.clone());
        }
    }
}

/// Lower-case hex HMAC-SHA256 of the raw body, keyed with the secret's text.
fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn a_body_is_signed_with_the_secret_as_plain_text() {
        let secret = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
        let body = br#"{"webhook_id":"23e42eaf-323a-41da-b5bb-fd67eebda553","events":[]}"#;
        assert_eq!(sign(secret, body), "b2e3189b768b3bbcd08ab8092c8e538a67144928c6efd2520f98acfb47c72182");
    }
}
