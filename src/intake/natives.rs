//! Starts that Zoho collects for, as items for their sagas: from an act, from an order, and from what Zoho says of a
//! subscription that bears a reference of ours. Decides nothing: what is sold, and how it stands, the saga reads.

use super::acts::Acts;
use super::triggers::is_zoho_id;
use crate::connectors::zoho::webhook::Notice;
use crate::engine::items::Body;
use crate::store::items::NewItem;
use crate::store::query::{self, SagaFilter};
use crate::store::{Store, StoreError, saga_store};
use chrono::{DateTime, Utc};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use sagas::subscription_activation::Act;
use sagas::zoho_native::{Command, Terms, ZohoNative};
use serde_json::Value;
use uuid::Uuid;

/// Sagas of one record or subscription that are looked through for the one that runs; the last started come first.
const SAGAS_AT_MOST: u16 = 50;

impl Acts {
    /// The start of a record that Zoho collects for and that takes presses; none where an activation runs.
    pub(super) async fn native(&self, record: &str, activation: Option<SagaId>) -> Result<Option<SagaId>, StoreError> {
        if activation.is_some() {
            return Ok(None);
        }
        running(&self.store, record, ZohoNative::takes_presses).await
    }

    pub(super) fn native_command(&self, record: &str, act: Act, pressed_at: DateTime<Utc>, ordered: bool) -> Value {
        let command = Command::Pressed {
            organization: self.organization.clone(),
            installation: self.installation.clone(),
            record: record.to_owned(),
            act,
            pressed_at,
            terms: Box::new(Terms {
                highest_tax_ppm: self.terms.highest_tax_ppm,
                link_days: self.terms.link_days,
                reminder_day: self.terms.reminder_day,
                consent_version: self.terms.consent_version.clone(),
                deal_at_link: self.terms.deal_at_link,
            }),
            ordered,
        };
        serde_json::to_value(command).expect("a command of plain texts and numbers always serialises")
    }

    /// The item by which a start that Zoho collects for is called off.
    pub(super) fn native_called_off(saga: SagaId, kind: &str, principal: &str, reason: String) -> NewItem {
        item(saga, kind.to_owned(), principal, &Command::CancelOrdered { reason })
    }
}

/// The saga of this flow that is found by a reference and has not ended.
async fn running(store: &Store, reference: &str, in_state: fn(&str) -> bool) -> Result<Option<SagaId>, StoreError> {
    let filter = SagaFilter {
        kind: Some(ZohoNative::NAME.to_owned()),
        reference: Some(reference.to_owned()),
        ..SagaFilter::default()
    };
    let sagas = query::sagas(&store.pool, &filter, None, SAGAS_AT_MOST).await?;
    Ok(sagas.into_iter().find(|saga| saga.ended.is_none() && in_state(&saga.state)).map(|saga| saga.id))
}

/// The start in a reference of ours: `<prefix>.sub.<saga>.<n>`.
fn start_of(reference: &str, prefix: &str) -> Option<SagaId> {
    let saga = reference.strip_prefix(prefix)?.strip_prefix(".sub.")?.split('.').next()?;
    Uuid::try_parse(saga).ok().map(SagaId)
}

/// The item by which the saga of a subscription that Zoho collects hears that something happened to it; none where it is no
/// such subscription.
///
/// # Errors
/// The database cannot be reached.
pub(super) async fn noticed(
    store: &Store,
    installation: &Installation,
    notice: &Notice,
) -> Result<Option<NewItem>, StoreError> {
    let of_payment = matches!(notice.kind.as_str(), "payment_thankyou" | "payment_declined");
    if !of_payment && !notice.kind.starts_with("subscription_") {
        return Ok(None);
    }
    let Some(subscription) = notice.subscription.as_deref().filter(|id| is_zoho_id(id)) else { return Ok(None) };
    let named = notice.reference.as_deref().and_then(|reference| start_of(reference, installation.as_str()));
    let saga = match named {
        // An activation's references have the same form.
        Some(saga) => {
            let kind = saga_store::kind(&store.pool, saga.shard(store.node.shard_count()), saga).await?;
            kind.filter(|kind| kind == ZohoNative::NAME).map(|_| saga)
        }
        None => running(store, subscription, |_| true).await?,
    };
    let command = Command::Noticed { kind: notice.kind.clone(), subscription: subscription.to_owned() };
    Ok(saga.map(|saga| item(saga, format!("zoho.{}", notice.kind), "zoho", &command)))
}

fn item(saga: SagaId, kind: String, principal: &str, command: &Command) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    NewItem {
        saga,
        saga_kind: ZohoNative::NAME.to_owned(),
        kind,
        principal: principal.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_read_from_our_references_only() {
        let saga = SagaId::derived("zoho_native", &["x"]);
        let reference = Installation::new("demo").expect("a prefix").subscription_reference(saga, 1);
        assert_eq!(start_of(&reference, "demo"), Some(saga));
        for other in ["demo.sub.42.1", "other.sub.1.1", "demo.inv.42.1", ""] {
            assert_eq!(start_of(other, "demo"), None, "{other}");
        }
    }
}
