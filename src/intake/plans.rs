//! How what a subscription sells is changed, as items for the saga of that order: from an act in Attio, from the API; and, as
//! items for the one stream that adopts what others do, from what Zoho says. Decides nothing: whether a subscription may
//! be changed, and what that costs, is the saga's.

use super::acts::Acts;
use super::endings::{EndingError, Named, subscription_of};
use super::operator::Order as By;
use super::triggers::is_zoho_id;
use crate::connectors::attio::Press as Pressed;
use crate::engine::items::Body;
use crate::store::items::NewItem;
use crate::store::links::{LinkKind, find};
use crate::store::query::{self, SagaFilter, SagaLine};
use crate::store::{Store, StoreError};
use chrono::SecondsFormat;
use sagas::kernel::effect::PressedAct;
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use sagas::plan_change::{Ask, Basis, Command, Consent, Of, PlanChange, Press, Terms, Wanted};
use sagas::subscription_activation::Act;
use uuid::Uuid;

/// The title of the act on a running subscription.
const ACT: &str = "Change plan";
/// A preview is good for so long, and its acceptance, or that of a higher sum, is awaited for so long.
const PREVIEW_MINUTES: u32 = 15;
const PATIENCE_DAYS: u32 = 7;
/// After so many declines an order is over.
const DECLINES_AT_MOST: u32 = 5;
/// Sagas of one record that are looked through for the one that runs; the last started come first.
const SAGAS_AT_MOST: u16 = 50;

/// What another program orders of a subscription.
#[derive(Debug, Clone)]
pub struct PlanOrder {
    /// Which subscription.
    pub named: Named,
    /// What shall be sold; absent: what the record asks for.
    pub wanted: Option<Wanted>,
    /// When the term ends; absent: as what it costs suggests.
    pub at_end: Option<bool>,
    /// Who: a principal.
    pub by: String,
    /// The key under which it has one effect.
    pub key: String,
}

/// The act asks what a running subscription would cost, or to change it.
pub(super) fn is_asked(act: &str) -> bool {
    act == ACT || act == Act::Quote.title()
}

impl Acts {
    /// The item of a press on the record of a running subscription of ours; none where there is none on it.
    pub(super) async fn plan_press(&self, press: &Pressed, key: &str) -> Result<Option<NewItem>, StoreError> {
        let Some(subscription) = subscription_of(&self.store, &press.record).await? else { return Ok(None) };
        let of = self.sold_by(subscription);
        let principal = format!("attio:{}", press.member);
        let act = PressedAct { act: press.act.clone(), pressed_at: press.pressed_at };
        let ask = Ask {
            key: format!("{}/{}", press.record, press.pressed_at.to_rfc3339_opts(SecondsFormat::Nanos, true)),
            wanted: None,
            at_end: None,
            by: principal.clone(),
            press: Some(Press { record: press.record.clone(), act }),
        };
        let running = self.plan_running(&press.record).await?;
        let saga = running.unwrap_or_else(|| PlanChange::id(&of.organization, &of.subscription, &ask.key));
        let command = Command::Requested { of, ask: Box::new(ask), terms: Box::new(self.plan_terms()) };
        let item = item(saga, "attio.change_plan", &principal, &command);
        Ok(Some(NewItem { idempotency_key: Some(key.to_owned()), ..item }))
    }

    /// The plan change of a record that answers a further press.
    async fn plan_running(&self, record: &str) -> Result<Option<SagaId>, StoreError> {
        let filter = SagaFilter {
            kind: Some(PlanChange::NAME.to_owned()),
            reference: Some(record.to_owned()),
            ..SagaFilter::default()
        };
        let sagas = query::sagas(&self.store.pool, &filter, None, SAGAS_AT_MOST).await?;
        let answers = |saga: &SagaLine| saga.ended.is_none() && PlanChange::takes_presses(&saga.state);
        Ok(sagas.into_iter().find(answers).map(|saga| saga.id))
    }

    fn sold_by(&self, subscription: String) -> Of {
        Of { organization: self.organization.clone(), installation: self.installation.clone(), subscription }
    }

    fn plan_terms(&self) -> Terms {
        Terms {
            highest_tax_ppm: self.terms.highest_tax_ppm,
            currencies: self.terms.currencies.clone(),
            consent_version: self.terms.consent_version.clone(),
            preview_minutes: PREVIEW_MINUTES,
            patience_days: PATIENCE_DAYS,
            declines_at_most: DECLINES_AT_MOST,
            hold_hours: self.terms.hold_hours,
        }
    }

    /// Takes an order: the same key is the same order. Answers with the saga that hears it and the item by which it does.
    ///
    /// # Errors
    /// No subscription of ours is named so, the key belongs to another order, or the database cannot be reached.
    pub async fn order_plan(&self, order: PlanOrder) -> Result<(SagaId, Uuid), EndingError> {
        let PlanOrder { named, wanted, at_end, by, key } = order;
        let subscription = match &named {
            Named::Record(record) => subscription_of(&self.store, record).await?,
            Named::Zoho(subscription) => {
                let ours = find(&self.store.pool, LinkKind::ZohoSubscription, subscription).await?;
                ours.map(|_| subscription.clone())
            }
        };
        let Some(subscription) = subscription else {
            let (Named::Record(name) | Named::Zoho(name)) = named;
            return Err(EndingError::Unknown(name));
        };
        let of = self.sold_by(subscription);
        let saga = PlanChange::id(&of.organization, &of.subscription, &format!("api/{key}"));
        let ask = Ask { key: format!("api/{key}"), wanted, at_end, by: by.clone(), press: None };
        let command = Command::Requested { of, ask: Box::new(ask), terms: Box::new(self.plan_terms()) };
        let item = item(saga, "api.change_plan", &by, &command);
        let item = NewItem { idempotency_key: Some(format!("api:plan_change:{key}")), ..item };
        Ok((saga, self.store.offer(&item).await?))
    }
}

/// The item by which a subscription of ours hears that Zoho sells something else by it; none where Zoho says nothing of that,
/// or the subscription is none of ours.
///
/// # Errors
/// The database cannot be reached.
pub(super) async fn noticed(
    store: &Store,
    organization: &str,
    installation: &Installation,
    kind: &str,
    subscription: Option<&str>,
) -> Result<Option<NewItem>, StoreError> {
    let tells = matches!(kind, "subscription_upgraded" | "subscription_downgraded");
    let Some(subscription) = subscription.filter(|id| tells && is_zoho_id(id)) else { return Ok(None) };
    if find(&store.pool, LinkKind::ZohoSubscription, subscription).await?.is_none() {
        return Ok(None);
    }
    let of = Of {
        organization: organization.to_owned(),
        installation: installation.clone(),
        subscription: subscription.to_owned(),
    };
    let saga = PlanChange::adoption(&of.organization, &of.subscription);
    Ok(Some(item(saga, &format!("zoho.{kind}"), "zoho", &Command::Noticed { of })))
}

/// Somebody says that the customer agrees.
///
/// # Errors
/// The saga is of another flow.
pub fn accept(saga: &SagaLine, hash: String, consent: Consent, basis: Basis, by: By) -> Result<NewItem, String> {
    let command = Command::Accepted { hash, consent, basis, by: by.by.clone() };
    said(saga, "api.accept_plan", &command, by)
}

/// Somebody calls it off, or says that the customer does not agree to a higher sum.
///
/// # Errors
/// The saga is of another flow.
pub fn call_off(saga: &SagaLine, by: By) -> Result<NewItem, String> {
    said(saga, "api.cancel_plan", &Command::CancelOrdered { reason: by.reason.clone() }, by)
}

fn said(saga: &SagaLine, kind: &str, command: &Command, by: By) -> Result<NewItem, String> {
    if saga.kind != PlanChange::NAME {
        return Err(format!("saga {} is a {}, not a {} (state: {})", saga.id, saga.kind, PlanChange::NAME, saga.state));
    }
    let item = item(saga.id, kind, &by.by, command);
    Ok(NewItem { idempotency_key: by.key.map(|key| format!("{kind}:{}:{key}", saga.id)), ..item })
}

fn item(saga: SagaId, kind: &str, principal: &str, command: &Command) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts and numbers always serialises");
    NewItem {
        saga,
        saga_kind: PlanChange::NAME.to_owned(),
        kind: kind.to_owned(),
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
    fn the_acts_of_a_running_subscription_are_known_by_their_titles() {
        assert!(is_asked("Change plan") && is_asked("Quote"));
        assert!(!is_asked("Start") && !is_asked("change plan"));
    }
}
