//! Ids and the one form of each reference that we leave at a vendor.

use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Namespace of all derived ids of this product.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d1c_7f0a_9b51_4c0e_8a35_0f3c_2b9e_7d41);

/// A saga's id. Random where a person starts it, derived where one resource has one stream for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SagaId(pub Uuid);

impl SagaId {
    /// The stream of a resource: the same resource gives the same id for ever.
    pub fn derived(kind: &str, parts: &[&str]) -> Self {
        Self(derive(kind, parts))
    }

    /// The one stream of a Zoho invoice.
    pub fn of_invoice(organization: &str, invoice: &str) -> Self {
        Self::derived("zoho_invoice", &[organization, invoice])
    }

    /// Our id of the subscription that the saga sells, if it sells one.
    pub fn subscription(self) -> String {
        derive("subscription", &[&self.0.simple().to_string()]).simple().to_string()
    }

    /// Which of the shards the saga lives in. The last bytes spread evenly for random and derived ids alike.
    pub fn shard(self, shards: u16) -> u16 {
        let bytes = self.0.as_bytes();
        let [.., high, low] = *bytes;
        u16::from_be_bytes([high, low]) % shards.max(1)
    }

    /// The id of the saga's event at that sequence; the same after every replay.
    pub fn event(self, sequence: u64) -> Uuid {
        derive("event", &[&self.0.simple().to_string(), &sequence.to_string()])
    }
}

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// Braintree's id of the `n`-th recurring subscription of ours, from 1: an id that was used once is never free again.
pub fn recurring(subscription: &str, n: u32) -> String {
    if n <= 1 { format!("s-{subscription}") } else { format!("s-{subscription}_{n}") }
}

/// Our subscription id in one of Braintree's; none: it is none of ours.
pub fn of_recurring(id: &str) -> Option<&str> {
    let ours = id.strip_prefix("s-")?;
    let numbered = ours.rsplit_once('_').filter(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    Some(numbered.map_or(ours, |(ours, _)| ours))
}

/// A UUIDv5 over a kind and its parts; parts are separated so that no two lists of parts collide.
pub fn derive(kind: &str, parts: &[&str]) -> Uuid {
    let mut name = kind.to_owned();
    for part in parts {
        name.push('\u{1f}');
        name.push_str(part);
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// The installation's prefix in every order id: 4 to 8 lower-case letters or digits, fixed when the database is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Installation(String);

impl Installation {
    /// Checks the form.
    ///
    /// # Errors
    /// The prefix is not 4 to 8 lower-case letters or digits.
    pub fn new(prefix: &str) -> Result<Self, String> {
        let fits =
            (4..=8).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if fits {
            Ok(Self(prefix.to_owned()))
        } else {
            Err(format!("`{prefix}` is no installation prefix: expected 4 to 8 lower-case letters or digits"))
        }
    }

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Braintree's `order_id` of an invoice's charge: attempt number, and network sub-attempt where there is one.
    pub fn invoice_order(&self, invoice: &str, attempt: u32, network_retry: u32) -> String {
        if network_retry == 0 {
            format!("{}.inv.{invoice}.{attempt}", self.0)
        } else {
            format!("{}.inv.{invoice}.{attempt}.r{network_retry}", self.0)
        }
    }

    /// Braintree's `order_id` of an activation's hold or sale.
    pub fn activation_order(&self, saga: SagaId, n: u32) -> String {
        format!("{}.act.{}.{n}", self.0, saga.0.simple())
    }

    /// Braintree's `order_id` of a plan change's hold or sale.
    pub fn plan_change_order(&self, saga: SagaId, n: u32) -> String {
        format!("{}.chg.{}.{n}", self.0, saga.0.simple())
    }

    /// Our name of a charge that Braintree made by itself, which carries no order id.
    pub fn recurring_order(&self, transaction: &str) -> String {
        format!("{}.rec.{transaction}", self.0)
    }

    /// Braintree's `order_id` of a refund: `n` is the try within its saga.
    pub fn refund_order(&self, saga: SagaId, n: u32) -> String {
        format!("{}.rf.{}.{n}", self.0, saga.0.simple())
    }

    /// It is an order id of a refund of ours.
    pub fn is_refund_order(&self, order_id: &str) -> bool {
        order_id.strip_prefix(&*self.0).is_some_and(|rest| rest.starts_with(".rf."))
    }

    /// Zoho's `reference_number` of a credit note that no refund at Braintree stands behind.
    pub fn credit_note_reference(&self, saga: SagaId) -> String {
        format!("{}.cn.{}", self.0, saga.0.simple())
    }

    /// Zoho's `reference_id` of a subscription that a saga makes; `n` rises only after an undo.
    pub fn subscription_reference(&self, saga: SagaId, n: u32) -> String {
        format!("{}.sub.{}.{n}", self.0, saga.0.simple())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invoice_has_one_stream_for_ever() {
        let id = SagaId::of_invoice("60012", "982000000567114");
        assert_eq!(id, SagaId::of_invoice("60012", "982000000567114"));
        assert_ne!(id, SagaId::of_invoice("6001", "2982000000567114"));
        assert!(id.shard(64) < 64);
    }

    #[test]
    fn a_recurring_subscription_names_ours_however_often_it_was_made_anew() {
        let ours = "0".repeat(32);
        assert_eq!(recurring(&ours, 1), format!("s-{ours}"));
        assert_eq!(recurring(&ours, 2).len(), 36, "Braintree takes no more");
        assert_eq!(of_recurring(&recurring(&ours, 2)), Some(ours.as_str()));
        assert_eq!(of_recurring("s-acme_co"), Some("acme_co"));
        assert_eq!(of_recurring("other"), None);
    }

    #[test]
    fn order_ids_have_one_form() {
        let i = Installation::new("demo1").expect("valid");
        assert_eq!(i.invoice_order("77", 2, 0), "demo1.inv.77.2");
        assert_eq!(i.invoice_order("77", 2, 1), "demo1.inv.77.2.r1");
        let saga = SagaId(Uuid::nil());
        assert_eq!(i.activation_order(saga, 2), format!("demo1.act.{}.2", "0".repeat(32)));
        assert_eq!(i.plan_change_order(saga, 1), format!("demo1.chg.{}.1", "0".repeat(32)));
        assert_eq!(i.refund_order(saga, 1), format!("demo1.rf.{}.1", "0".repeat(32)));
        assert_eq!(i.credit_note_reference(saga), format!("demo1.cn.{}", "0".repeat(32)));
        assert_eq!(i.subscription_reference(saga, 1), format!("demo1.sub.{}.1", "0".repeat(32)));
        assert!(Installation::new("Demo").is_err());
    }
}
