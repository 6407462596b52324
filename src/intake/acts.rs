//! What CRM users press in Attio, as items for the activation or the ending that it is for: from a delivery, and from a sweep that finds
//! what a lost delivery would have said. A press is told apart by its record, its act and its time, so that it has one
//! effect however often it is seen. Answers nobody in Attio: that is the saga's, also where nothing carries the act out.

use super::cards::{self, Cards};
use super::catalog::CatalogWatch;
use super::profiles::Profiles;
use super::signups::SignUps;
use super::triggers::{Trigger, shown, unread};
use super::{endings, plans, tickets, unserved};
use crate::checkout::CONSENT_VERSION;
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::Connectors;
use crate::connectors::attio::webhook::Notice;
use crate::connectors::attio::{ActIds, NO_ACT, PRESSABLE, Press, Standing};
use crate::engine::items::Body;
use crate::store::inbox::OfferError;
use crate::store::items::{self, NewItem, offer_item};
use crate::store::query::{self, SagaFilter};
use crate::store::{Store, StoreError};
use chrono::{DateTime, SecondsFormat, SubsecRound as _, Utc};
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::outcome::{Outcome, RejectionKind};
use sagas::kernel::saga::Saga;
use sagas::subscription_activation::{Act, Command, SubscriptionActivation, Terms};
use sagas::zoho_native::ZohoNative;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The acts that an activation carries out.
const ACTS: [Act; 5] = [Act::Quote, Act::Start, Act::ResendLink, Act::Retry, Act::CancelNow];

/// A customer who has not paid is reminded after so many days.
const REMINDER_DAY: u32 = 3;
/// After so many declines a link is locked for so long.
pub(super) const DECLINES_BEFORE_LOCK: u32 = 5;
pub(super) const LOCK_MINUTES: u32 = 60;
/// A hold on a card is used or released within so many hours.
const HOLD_HOURS: u32 = 24;

/// Sagas of one record that are looked through for the one that runs; the last started come first.
const SAGAS_AT_MOST: u16 = 50;

/// Finds out what was pressed and who hears of it.
pub struct Acts {
    pub(super) store: Store,
    connectors: Arc<Connectors>,
    pub(super) organization: String,
    pub(super) installation: Installation,
    /// Zoho Desk is in use.
    pub(super) helpdesk: bool,
    pub(super) terms: Terms,
    cards: Cards,
    sign_ups: SignUps,
    profiles: Profiles,
    call_limit: Duration,
    clock: Arc<dyn Clock>,
    catalog: Arc<CatalogWatch>,
}

impl Acts {
    /// Acts of this installation's workspace.
    pub fn new(config: &Config, store: Store, connectors: Arc<Connectors>, clock: Arc<dyn Clock>) -> Self {
        let of_catalog = CatalogWatch::new(config, store.clone(), Arc::clone(&connectors), Arc::clone(&clock));
        let cards = Cards::new(config, store.clone(), Arc::clone(&clock));
        let sign_ups = SignUps::new(config, store.clone(), Arc::clone(&clock));
        let profiles = Profiles::new(store.clone(), Arc::clone(&connectors), config.call_limit);
        Self {
            profiles,
            catalog: Arc::new(of_catalog),
            store,
            connectors,
            clock,
            cards,
            sign_ups,
            organization: config.vendors.zoho.organization_id.clone(),
            installation: config.installation.clone(),
            helpdesk: config.vendors.zoho.desk.is_some(),
            terms: terms(config),
            call_limit: config.call_limit,
        }
    }

    /// Who watches the catalog, whose records carry an act of their own.
    pub const fn catalog(&self) -> &Arc<CatalogWatch> {
        &self.catalog
    }

    /// What a verified delivery leads to. It can hold several events.
    pub(super) async fn of_delivery(&self, notices: &[Notice]) -> Trigger {
        let (mut items, mut reasons) = (Vec::new(), BTreeSet::new());
        for notice in notices {
            match self.of_notice(notice).await {
                Trigger::Items(more) => items.extend(more),
                Trigger::Ignored(why) => {
                    reasons.insert(why);
                }
                trigger @ (Trigger::Dead(_) | Trigger::Later) => return trigger,
            }
        }
        if !items.is_empty() {
            return Trigger::Items(items);
        }
        if notices.is_empty() {
            reasons.insert("it holds no event".to_owned());
        }
        Trigger::Ignored(reasons.into_iter().collect::<Vec<_>>().join("; "))
    }

    /// Offers every act that stands in Attio to its activation: one that was offered before has no further effect.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub(super) async fn sweep(&self) -> Result<(), OfferError> {
        // All pages are read before the first answer can take a record off them.
        let presses = match self.connectors.attio.presses(PRESSABLE, self.call_limit).await {
            Ok(presses) => presses,
            Err(outcome) => {
                tracing::warn!(outcome = outcome.word(), "Attio did not list the acts that stand");
                return Ok(());
            }
        };
        let trials = match self.connectors.attio.trial_presses(self.call_limit).await {
            Ok(trials) => trials,
            // A workspace that was set up by an earlier release has no such act.
            Err(outcome) => {
                tracing::warn!(outcome = outcome.word(), "Attio did not list the people for whom a trial is asked");
                Vec::new()
            }
        };
        let mut items: Vec<NewItem> = trials.iter().filter_map(|press| self.trial(press)).collect();
        for press in presses {
            items.extend(self.item(&press).await?);
        }
        for item in items {
            match offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await {
                // Taken by an activation that has ended since.
                Ok(_) | Err(OfferError::KeyReused) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Takes an act that another program orders: the same key is the same order. Answers with the activation that hears it
    /// and the item by which it does.
    ///
    /// # Errors
    /// The key belongs to an order about another record, or the database cannot be reached.
    pub async fn order(
        &self,
        record: &str,
        act: Act,
        key: &str,
        principal: &str,
    ) -> Result<(SagaId, Uuid), OfferError> {
        let key = format!("api:activation:{key}");
        if let Some(known) = self.ordered(&key, record).await? {
            return Ok(known);
        }
        // To the microsecond: what is kept with the activation is told from it again.
        let pressed_at = self.clock.now().trunc_subsecs(6);
        let running = self.running(record).await?;
        let native = self.native(record, running).await?;
        let saga = match (running, native) {
            (Some(saga), _) | (None, Some(saga)) => saga,
            (None, None) if self.terms.collected_by == CollectionOwner::ZohoNative => {
                ZohoNative::id(record, pressed_at)
            }
            (None, None) => SubscriptionActivation::id(record, pressed_at),
        };
        let item = NewItem {
            kind: format!("api.{}", act.as_str()),
            principal: principal.to_owned(),
            idempotency_key: Some(key.clone()),
            ..self.start(saga, running.is_some(), native.is_some(), (record, act, pressed_at, true))
        };
        match offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await {
            Ok(id) => Ok((saga, id)),
            // Ordered at the same moment: the one that came first counts.
            Err(OfferError::KeyReused) => self.ordered(&key, record).await?.ok_or(OfferError::KeyReused),
            Err(e) => Err(e),
        }
    }

    /// Zoho Desk is in use.
    pub const fn has_helpdesk(&self) -> bool {
        self.helpdesk
    }

    /// Who sends links to the page for another card.
    pub const fn cards(&self) -> &Cards {
        &self.cards
    }

    /// Who takes sign-ups.
    pub const fn sign_ups(&self) -> &SignUps {
        &self.sign_ups
    }

    /// Who carries changes of customers on.
    pub const fn profiles(&self) -> &Profiles {
        &self.profiles
    }

    /// What was ordered under a key.
    async fn ordered(&self, key: &str, record: &str) -> Result<Option<(SagaId, Uuid)>, OfferError> {
        let Some(known) = items::item_of_key(&self.store.pool, key).await? else { return Ok(None) };
        let body = serde_json::from_str(&known.body);
        let is_same = matches!(body, Ok(Body::Saga { command }) if command["record"].as_str() == Some(record));
        if is_same { Ok(Some((known.saga, known.id))) } else { Err(OfferError::KeyReused) }
    }

    async fn of_notice(&self, notice: &Notice) -> Trigger {
        if let Some(trigger) = self.catalog.of_notice(notice).await {
            return trigger;
        }
        if let Some(trigger) = self.profiles.of_gone(notice).await {
            return trigger;
        }
        let record = match pressed_record(notice) {
            Ok(record) => record,
            Err(why) => return Trigger::Ignored(why),
        };
        match self.connectors.attio.act_ids(self.call_limit).await {
            Ok(ids) if concerns(notice, ids) => {}
            Ok(_) => return self.of_person(notice, record).await,
            Err(outcome) => return unread(*outcome),
        }
        let press = match self.connectors.attio.pressed(record, self.call_limit).await {
            Ok(Standing::Press(press)) => press,
            Ok(Standing::Nothing) => return Trigger::Ignored("no act of a workspace member stands on it".to_owned()),
            Ok(Standing::Gone) => return Trigger::Ignored("not found in Attio: deleted or merged".to_owned()),
            Err(outcome) => return unread(*outcome),
        };
        match self.item(&press).await {
            Ok(Some(item)) => Trigger::Items(vec![item]),
            Ok(None) => Trigger::Ignored("the act was answered or taken back meanwhile".to_owned()),
            Err(e) => {
                tracing::warn!(error = %e, "who hears of an act could not be read");
                Trigger::Later
            }
        }
    }

    /// A press on a person's record.
    async fn of_person(&self, notice: &Notice, record: &str) -> Trigger {
        let about_none =
            || Trigger::Ignored(format!("{} concerns no act on a subscription or a person", shown(&notice.kind)));
        let edited = notice.kind == "record.updated";
        match self.connectors.attio.trial_act_ids(self.call_limit).await {
            Ok(ids) if concerns(notice, ids) => {}
            Ok(ids) if edited => return self.profiles.of_edit(notice, record, Some(&ids.object)).await,
            Err(outcome) if is_not_found(&outcome) && edited => {
                return self.profiles.of_edit(notice, record, None).await;
            }
            Ok(_) => return about_none(),
            Err(outcome) if is_not_found(&outcome) => return about_none(),
            Err(outcome) => return unread(*outcome),
        }
        match self.connectors.attio.trial_pressed(record, self.call_limit).await {
            Ok(Standing::Press(press)) => match self.trial(&press) {
                Some(item) => Trigger::Items(vec![item]),
                None => Trigger::Ignored("the act was answered or taken back meanwhile".to_owned()),
            },
            Ok(Standing::Nothing) => Trigger::Ignored("no act of a workspace member stands on it".to_owned()),
            Ok(Standing::Gone) => Trigger::Ignored("not found in Attio: deleted or merged".to_owned()),
            Err(outcome) => unread(*outcome),
        }
    }

    /// The item of a press on a person's record; none where the act rests.
    fn trial(&self, press: &Press) -> Option<NewItem> {
        let key = format!("attio:{}:{}:{}", press.record, press.act, instant(press));
        (press.act != NO_ACT).then(|| self.sign_ups.of_press(press, key))
    }

    /// The item of a press; none where the act rests.
    async fn item(&self, press: &Press) -> Result<Option<NewItem>, StoreError> {
        if press.act == NO_ACT {
            return Ok(None);
        }
        let key = format!("attio:{}:{}:{}", press.record, press.act, instant(press));
        if press.act == cards::ACT {
            return self.cards.of_press(press, key).await.map(Some);
        }
        if tickets::is_asked(&press.act) {
            return Ok(Some(tickets::pressed(press, key)));
        }
        if plans::is_asked(&press.act)
            && self.running(&press.record).await?.is_none()
            && self.native(&press.record, None).await?.is_none()
            && let Some(item) = self.plan_press(press, &key).await?
        {
            return Ok(Some(item));
        }
        let wish = endings::wish(&press.act);
        let Some(act) = ACTS.into_iter().find(|act| act.title() == press.act) else {
            return Ok(Some(match wish {
                Some(wish) => self.ending(press, wish, key).await?,
                None => unserved::item(press, key),
            }));
        };
        // Pressed again while a start of the record runs: it is that one's.
        let running = self.running(&press.record).await?;
        let native = self.native(&press.record, running).await?;
        let saga = match (running, native) {
            (Some(saga), _) | (None, Some(saga)) => saga,
            // What is active is ended, not called off.
            (None, None) if let Some(wish) = wish => return Ok(Some(self.ending(press, wish, key).await?)),
            (None, None) if self.terms.collected_by == CollectionOwner::ZohoNative => {
                ZohoNative::id(&press.record, press.pressed_at)
            }
            (None, None) => SubscriptionActivation::id(&press.record, press.pressed_at),
        };
        let started = (press.record.as_str(), act, press.pressed_at, false);
        Ok(Some(NewItem {
            kind: format!("attio.{}", act.as_str()),
            principal: format!("attio:{}", press.member),
            idempotency_key: Some(key),
            ..self.start(saga, running.is_some(), native.is_some(), started)
        }))
    }

    /// An act for the start of a record: for the one that runs, else for one of who collects what is sold from now on.
    fn start(
        &self,
        saga: SagaId,
        runs: bool,
        runs_natively: bool,
        (record, act, pressed_at, ordered): (&str, Act, DateTime<Utc>, bool),
    ) -> NewItem {
        let natively = runs_natively || (!runs && self.terms.collected_by == CollectionOwner::ZohoNative);
        let (flow, command) = if natively {
            (ZohoNative::NAME, self.native_command(record, act, pressed_at, ordered))
        } else {
            (SubscriptionActivation::NAME, self.command(record, act, pressed_at, ordered))
        };
        NewItem {
            saga,
            saga_kind: flow.to_owned(),
            kind: String::new(),
            principal: String::new(),
            body: Body::Saga { command }.text(),
            waiting_key: None,
            idempotency_key: None,
        }
    }

    /// The activation of a record that runs.
    pub(super) async fn running(&self, record: &str) -> Result<Option<SagaId>, StoreError> {
        let filter = SagaFilter {
            kind: Some(SubscriptionActivation::NAME.to_owned()),
            reference: Some(record.to_owned()),
            ..SagaFilter::default()
        };
        let sagas = query::sagas(&self.store.pool, &filter, None, SAGAS_AT_MOST).await?;
        Ok(sagas.into_iter().find(|saga| saga.ended.is_none()).map(|saga| saga.id))
    }

    fn command(&self, record: &str, act: Act, pressed_at: DateTime<Utc>, ordered: bool) -> Value {
        let command = Command::Pressed {
            organization: self.organization.clone(),
            installation: self.installation.clone(),
            record: record.to_owned(),
            act,
            pressed_at,
            terms: Box::new(self.terms.clone()),
            ordered,
        };
        serde_json::to_value(command).expect("a command of plain texts and numbers always serialises")
    }
}

/// The time of a press as Attio writes it.
fn instant(press: &Press) -> String {
    press.pressed_at.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

fn terms(config: &Config) -> Terms {
    Terms {
        highest_tax_ppm: config.offers.highest_tax_ppm,
        link_days: config.offers.link_days,
        reminder_day: REMINDER_DAY,
        consent_version: CONSENT_VERSION.to_owned(),
        declines_before_lock: DECLINES_BEFORE_LOCK,
        lock_minutes: LOCK_MINUTES,
        hold_hours: HOLD_HOURS,
        currencies: config.vendors.braintree.merchant_accounts.keys().cloned().collect(),
        deal_at_link: config.crm.deal_at_link,
        collected_by: config.offers.collected_by,
    }
}

/// The record of an event that can be a press: an act changed, or a record was made with one, by a person. Our own writes,
/// formulas and the system change acts too, and press nothing.
fn pressed_record(notice: &Notice) -> Result<&str, String> {
    let kind = shown(&notice.kind);
    if !matches!(notice.kind.as_str(), "record.updated" | "record.created") {
        return Err(format!("no flow of this release awaits `{kind}` of Attio"));
    }
    match notice.actor_type.as_deref() {
        Some("workspace-member") => {}
        Some(other) => return Err(format!("{kind} was made by `{}`, not by a workspace member", shown(other))),
        None => return Err(format!("{kind} does not say who made it")),
    }
    let record = notice.record.as_deref().unwrap_or_default();
    // It becomes a key and a part of an address: nothing but an id may get there.
    Uuid::try_parse(record).map_err(|_| format!("{kind} names no record: expected a UUID"))?;
    Ok(record)
}

fn is_not_found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound)
}

/// Whether the event is about the acts of that object's records. A new record names no attribute.
fn concerns(notice: &Notice, ids: &ActIds) -> bool {
    let is_object = notice.object.as_deref() == Some(ids.object.as_str());
    let is_act = match notice.attribute.as_deref() {
        Some(attribute) => attribute == ids.attribute,
        None => notice.kind == "record.created",
    };
    is_object && is_act
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = "5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01";

    fn notice() -> Notice {
        Notice {
            key: "k:0".to_owned(),
            kind: "record.updated".to_owned(),
            object: Some("o".to_owned()),
            record: Some(RECORD.to_owned()),
            attribute: Some("a".to_owned()),
            duplicate_record: None,
            actor_type: Some("workspace-member".to_owned()),
            actor: Some("m".to_owned()),
        }
    }

    #[test]
    fn only_a_persons_change_of_a_record_can_be_a_press() {
        assert_eq!(pressed_record(&notice()), Ok(RECORD));
        for (changed, reason) in [
            (Notice { kind: "record.deleted".to_owned(), ..notice() }, "`record.deleted`"),
            (Notice { kind: "record.merged".to_owned(), ..notice() }, "`record.merged`"),
            (Notice { kind: "note.created\u{0}".to_owned(), ..notice() }, "`note.created`"),
            (Notice { actor_type: Some("api-token".to_owned()), ..notice() }, "made by `api-token`"),
            (Notice { actor_type: Some("system".to_owned()), ..notice() }, "made by `system`"),
            (Notice { actor_type: None, ..notice() }, "does not say who"),
            (Notice { record: None, ..notice() }, "names no record"),
            (Notice { record: Some("../companies".to_owned()), ..notice() }, "names no record"),
        ] {
            let told = pressed_record(&changed).expect_err("no press");
            assert!(told.contains(reason), "{told}");
        }
    }

    #[test]
    fn only_the_act_of_a_subscription_is_one_and_a_new_record_may_have_it() {
        let ids = ActIds { object: "o".to_owned(), attribute: "a".to_owned() };
        assert!(concerns(&notice(), &ids));
        assert!(!concerns(&Notice { object: Some("p".to_owned()), ..notice() }, &ids));
        assert!(!concerns(&Notice { attribute: Some("b".to_owned()), ..notice() }, &ids));
        let made = Notice { kind: "record.created".to_owned(), attribute: None, ..notice() };
        assert!(concerns(&made, &ids));
        assert!(!concerns(&Notice { attribute: None, ..notice() }, &ids));
    }
}
