//! The catalog: Zoho has no webhook for it, so it is polled, and what Attio holds is compared each time; only a difference
//! becomes an item. What CRM users press and edit on its records, and what is ordered, becomes one too. Writes nothing
//! anywhere but the row that says when it was last looked at.

use super::triggers::{Trigger, shown, unread};
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::Connectors;
use crate::connectors::attio::webhook::Notice;
use crate::engine::Engine;
use crate::engine::items::Body;
use crate::store::inbox::OfferError;
use crate::store::items::{self, NewItem, offer_item};
use crate::store::{Store, catalog};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use sagas::catalog_sync::{Asked, CatalogSync, Command, compare, version};
use sagas::kernel::catalog::CatalogPress;
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Outcome, RejectionKind};
use sagas::kernel::saga::Saga;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How often it is asked whether a poll is due, at most.
const TICK: Duration = Duration::from_secs(30);

/// Watches the catalog of one organization.
pub struct CatalogWatch {
    store: Store,
    connectors: Arc<Connectors>,
    clock: Arc<dyn Clock>,
    organization: String,
    call_limit: Duration,
    every: TimeDelta,
}

impl CatalogWatch {
    /// Of this installation's organization and workspace.
    pub fn new(config: &Config, store: Store, connectors: Arc<Connectors>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            connectors,
            clock,
            organization: config.vendors.zoho.organization_id.clone(),
            call_limit: config.call_limit,
            every: TimeDelta::from_std(config.catalog_every).unwrap_or(TimeDelta::hours(1)),
        }
    }

    /// Polls until stopped, whenever a poll is due by business time.
    pub async fn run(self: Arc<Self>, engine: Arc<Engine>, looks_every: Duration, stop: CancellationToken) {
        loop {
            match stop.run_until_cancelled(self.poll()).await {
                None => return,
                Some(Ok(true)) => engine.wake(),
                Some(Ok(false)) => {}
                Some(Err(e)) => tracing::warn!(error = %e, "the poll of the catalog was not finished; it is repeated"),
            }
            if tokio::time::timeout(looks_every.min(TICK), stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// Looks at both sides, if a poll is due and no other node makes it. True: somebody hears of something.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn poll(&self) -> Result<bool, OfferError> {
        let now = self.clock.now();
        if !catalog::take_turn(&self.store.pool, &self.organization, now, now - self.every).await? {
            return Ok(false);
        }
        let today = now.date_naive();
        let daily = format!("catalog:daily:{today}");
        // The day's own read goes through the log, whatever this poll sees.
        let is_new_day = items::item_of_key(&self.store.pool, &daily).await?.is_none();
        let mut heard =
            is_new_day && self.offer(self.item(today, "catalog.daily", "poller", Asked::Daily, daily)).await?;
        let sold = match self.connectors.zoho.read_catalog(self.call_limit).await {
            Ok(sold) => sold,
            Err(outcome) => {
                tracing::warn!(outcome = outcome.word(), "Zoho did not list its catalog to the end");
                return Ok(heard);
            }
        };
        let held = match self.connectors.attio.shown_catalog(self.call_limit).await {
            Ok(held) => held,
            Err(outcome) => {
                tracing::warn!(outcome = outcome.word(), "Attio did not list the records of the catalog");
                return Ok(heard);
            }
        };
        let differs = compare(&sold, &held);
        for press in held.records.into_iter().filter_map(|record| record.press) {
            heard |= self.offer(self.press(press, "poller")).await?;
        }
        if !differs.is_empty() && !is_new_day {
            // The same difference at the same records is told once an hour: what Attio refuses is not asked for each time.
            let key = format!("catalog:poll:{}:{}", differs.fingerprint(), now.format("%Y-%m-%dT%H"));
            heard |= self.offer(self.item(today, "catalog.poll", "poller", Asked::Poll, key)).await?;
        }
        let counts = (sold.offerings.len(), differs.differences.len() + differs.missing.len());
        catalog::was_read(&self.store.pool, &self.organization, sold.read_at, &version(&sold), counts).await?;
        Ok(heard)
    }

    /// Takes an order to read the catalog now: the same key is the same order.
    ///
    /// # Errors
    /// The database cannot be reached.
    pub async fn order(&self, key: Option<&str>, principal: &str) -> Result<(SagaId, Uuid), OfferError> {
        let item = ordered(&self.organization, self.clock.now().date_naive(), key, principal);
        let saga = item.saga;
        let id = offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await?;
        Ok((saga, id))
    }

    /// What a person did to a record of the catalog; none: the event is about another object.
    pub(super) async fn of_notice(&self, notice: &Notice) -> Option<Trigger> {
        let catalog = match self.connectors.attio.catalog_id(self.call_limit).await {
            Ok(id) => id,
            // A workspace without the object has no catalog, and its other acts are heard all the same.
            Err(outcome) if is_not_found(&outcome) => return None,
            Err(outcome) => return Some(unread(*outcome)),
        };
        if notice.object.as_deref() != Some(catalog) {
            return None;
        }
        Some(match edited_record(notice) {
            Ok(record) => self.of_record(record, notice).await,
            Err(why) => Trigger::Ignored(why),
        })
    }

    async fn of_record(&self, record: &str, notice: &Notice) -> Trigger {
        let by = format!("attio:{}", notice.actor.as_deref().map_or_else(|| "?".to_owned(), shown));
        match self.connectors.attio.pressed_catalog(record, self.call_limit).await {
            Ok(Some((press, member))) => Trigger::Items(vec![self.press(press, &format!("attio:{member}"))]),
            Ok(None) => {
                let asked = Asked::Edited { record: record.to_owned() };
                let key = format!("catalog:edit:{}", notice.key);
                Trigger::Items(vec![self.item(self.clock.now().date_naive(), "attio.catalog_edited", &by, asked, key)])
            }
            Err(outcome) => unread(*outcome),
        }
    }

    fn press(&self, press: CatalogPress, by: &str) -> NewItem {
        let key = format!("catalog:press:{}:{}", press.record, instant(press.pressed_at));
        self.item(self.clock.now().date_naive(), "attio.sync_catalog_now", by, Asked::Pressed { press }, key)
    }

    fn item(&self, day: NaiveDate, kind: &str, by: &str, asked: Asked, key: String) -> NewItem {
        item(&self.organization, day, kind, by, asked, key)
    }

    /// False: somebody else heard it.
    async fn offer(&self, item: NewItem) -> Result<bool, OfferError> {
        match offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await {
            Ok(_) => Ok(true),
            // Heard by the sync of another day.
            Err(OfferError::KeyReused) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

fn is_not_found(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound)
}

/// The order to read an organization's catalog now.
pub fn ordered(organization: &str, day: NaiveDate, key: Option<&str>, principal: &str) -> NewItem {
    let key = key.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    item(organization, day, "operator.sync_catalog", principal, Asked::Ordered, format!("catalog:order:{key}"))
}

fn item(organization: &str, day: NaiveDate, kind: &str, by: &str, asked: Asked, key: String) -> NewItem {
    let command = Command::Asked { organization: organization.to_owned(), day, by: asked, key: key.clone() };
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    NewItem {
        saga: CatalogSync::id(organization, day),
        saga_kind: CatalogSync::NAME.to_owned(),
        kind: kind.to_owned(),
        principal: by.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: Some(key),
    }
}

fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

/// The record that a person changed, made or deleted. Our own writes change records too, and are no edits.
fn edited_record(notice: &Notice) -> Result<&str, String> {
    let kind = shown(&notice.kind);
    if !matches!(notice.kind.as_str(), "record.updated" | "record.created" | "record.deleted") {
        return Err(format!("no flow of this release awaits `{kind}` of Attio"));
    }
    match notice.actor_type.as_deref() {
        Some("workspace-member") => {}
        Some(other) => return Err(format!("{kind} was made by `{}`, not by a workspace member", shown(other))),
        None => return Err(format!("{kind} does not say who made it")),
    }
    let record = notice.record.as_deref().unwrap_or_default();
    Uuid::try_parse(record).map_err(|_| format!("{kind} names no record: expected a UUID"))?;
    Ok(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_person_does_to_a_record_of_the_catalog_is_an_edit() {
        const RECORD: &str = "5ba0d1a8-3d0c-4e7c-9a55-7d1f3b6f0a01";
        let notice = |kind: &str, actor: Option<&str>, record: &str| Notice {
            key: "k:0".to_owned(),
            kind: kind.to_owned(),
            object: Some("o".to_owned()),
            record: Some(record.to_owned()),
            attribute: Some("a".to_owned()),
            duplicate_record: None,
            actor_type: actor.map(str::to_owned),
            actor: Some("m".to_owned()),
        };
        let member = Some("workspace-member");
        for kind in ["record.updated", "record.created", "record.deleted"] {
            assert_eq!(edited_record(&notice(kind, member, RECORD)), Ok(RECORD));
        }
        for (wrong, reason) in [
            (notice("record.merged", member, RECORD), "no flow of this release awaits `record.merged`"),
            (notice("record.updated", Some("api-token"), RECORD), "made by `api-token`"),
            (notice("record.updated", None, RECORD), "does not say who"),
            (notice("record.updated", member, "../companies"), "names no record"),
        ] {
            let told = edited_record(&wrong).expect_err("no edit");
            assert!(told.contains(reason), "{told}");
        }
    }
}
