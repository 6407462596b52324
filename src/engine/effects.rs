//! Where an effect goes, and whether it may go now: slots per vendor, switches per operation, gates closed by a
//! vendor's quota.

use super::beside;
use super::desk::DeskPerformer;
use super::drive::not_sent;
use super::post::PostPerformer;
use super::practice::PracticePerformer;
use super::run::Settings;
use crate::keys::Keys;
use crate::port::{Beside, Call, Perform, Report};
use crate::store::recovery::{self, Care};
use crate::store::{Store, StoreError, settings};
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::effect::{Braintree, Effect, Mail};
use sagas::kernel::outcome::{Look, NotSent, Outcome};
use sqlx::PgPool;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// How many calls may be under way at once, per vendor.
#[derive(Debug, Clone, Copy)]
pub struct Slots {
    /// Braintree's gateway.
    pub braintree: usize,
    /// Zoho: its own concurrency limit less one for people.
    pub zoho: usize,
    /// Attio.
    pub attio: usize,
    /// The mail server: few take many connections of one sender.
    pub mail: usize,
}

impl Default for Slots {
    fn default() -> Self {
        Self { braintree: 16, zoho: 9, attio: 16, mail: 4 }
    }
}

/// Performs all effects.
pub(super) struct Effects {
    desk: DeskPerformer,
    practice: PracticePerformer,
    post: PostPerformer,
    vendors: Arc<dyn Perform>,
    slots: HashMap<&'static str, Arc<Semaphore>>,
    gates: Mutex<HashMap<&'static str, DateTime<Utc>>>,
    keys: Keys,
    pool: PgPool,
    /// The last look at what people and restores forbid, and when.
    glance: tokio::sync::Mutex<Option<(Instant, Arc<Glance>)>>,
}

/// What may be sent, as the database had it a moment ago.
#[derive(Debug)]
struct Glance {
    care: Care,
    off: BTreeSet<String>,
}

/// A look is good for so long: a switch that is turned off stops calls of every node within it, and a busy node does not
/// ask before each call. That the database itself is another one stops calls at once, without a look.
const GLANCE: Duration = Duration::from_millis(100);

impl Effects {
    pub(super) fn new(store: &Store, vendors: Arc<dyn Perform>, settings: &Settings, wake: Arc<Notify>) -> Self {
        let slots = settings.slots;
        let slot = |n: usize| Arc::new(Semaphore::new(n.max(1)));
        Self {
            desk: DeskPerformer::new(store.pool.clone(), store.node.shard_count(), wake),
            practice: PracticePerformer::new(store.pool.clone()),
            post: PostPerformer::new(store.pool.clone(), settings.mailer.clone()),
            vendors,
            slots: HashMap::from([
                ("braintree", slot(slots.braintree)),
                ("zoho", slot(slots.zoho)),
                ("attio", slot(slots.attio)),
                ("mail", slot(slots.mail)),
            ]),
            gates: Mutex::default(),
            keys: settings.keys.clone(),
            pool: store.pool.clone(),
            glance: tokio::sync::Mutex::default(),
        }
    }

    /// How calls are to be made after a restore or a failover.
    pub(super) async fn care(&self) -> Result<Care, StoreError> {
        Ok(self.glance().await?.care)
    }

    async fn glance(&self) -> Result<Arc<Glance>, StoreError> {
        let mut last = self.glance.lock().await;
        if let Some((at, glance)) = &*last
            && at.elapsed() < GLANCE
        {
            return Ok(Arc::clone(glance));
        }
        let at = Instant::now();
        let care = recovery::care(&self.pool).await?;
        let off = settings::switched_off(&self.pool).await?.into_keys().collect();
        let glance = Arc::new(Glance { care, off });
        *last = Some((at, Arc::clone(&glance)));
        Ok(glance)
    }

    /// Waits for a free slot at the vendor.
    pub(super) async fn slot(&self, effect: &Effect) -> Option<OwnedSemaphorePermit> {
        let slots = self.slots.get(effect.vendor())?;
        Arc::clone(slots).acquire_owned().await.ok()
    }

    /// Why the call may not be made now, if so.
    pub(super) async fn refuse_now(&self, effect: &Effect, now: DateTime<Utc>) -> Option<Outcome> {
        if matches!(effect, Effect::Desk(_)) {
            return None;
        }
        match self.glance().await.map(|glance| glance.off.contains(effect.operation())) {
            Ok(false) => {}
            Ok(true) => {
                return Some(not_sent(NotSent::Switch, format!("{} is switched off", effect.operation())));
            }
            Err(e) => return Some(not_sent(NotSent::Again, format!("the switches cannot be read: {e}"))),
        }
        // Money is taken only while the system that records it takes calls.
        let needs: &[&'static str] = match effect {
            Effect::Braintree(Braintree::Sell { .. } | Braintree::Authorise { .. } | Braintree::Submit { .. }) => {
                &["braintree", "zoho"]
            }
            Effect::Braintree(_) => &["braintree"],
            Effect::Zoho(_) => &["zoho"],
            Effect::Attio(_) => &["attio"],
            Effect::Desk(_) | Effect::Mail(_) | Effect::Practice(_) => &[],
        };
        let gates = self.gates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (vendor, until) = needs.iter().find_map(|v| gates.get(v).filter(|t| **t > now).map(|t| (*v, *t)))?;
        let seconds = u32::try_from((until - now).num_seconds().max(1)).unwrap_or(u32::MAX);
        Some(Outcome::NotSent {
            cause: NotSent::Quota,
            detail: format!("{vendor} takes no calls before {until}"),
            retry_after_seconds: Some(seconds),
        })
    }

    /// Closes a vendor's gate for as long as its quota answer says.
    pub(super) fn learn(&self, effect: &Effect, outcome: &Outcome, now: DateTime<Utc>) {
        if let Outcome::NotSent { cause: NotSent::Quota, retry_after_seconds: Some(seconds), .. } = outcome {
            let until = now + TimeDelta::seconds(i64::from(*seconds));
            let mut gates = self.gates.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let gate = gates.entry(effect.vendor()).or_insert(until);
            *gate = (*gate).max(until);
        }
    }

    /// Makes the call.
    pub(super) async fn perform(&self, call: &Call) -> Report {
        match &call.effect {
            Effect::Desk(desk) => self.desk.perform(call, desk).await,
            Effect::Practice(practice) => self.practice.perform(practice, call.now).await,
            Effect::Mail(Mail::Send(letter)) => self.post.send(call, letter).await,
            Effect::Braintree(_) | Effect::Zoho(_) | Effect::Attio(_) => self.by_vendor(call).await,
        }
    }

    async fn by_vendor(&self, call: &Call) -> Report {
        let report = self.vendors.perform(call).await;
        let Some(person) = &report.person else { return report };
        match beside::keep(&self.pool, &call.effect, person).await {
            Ok(()) => report,
            Err(outcome) => outcome.into(),
        }
    }

    /// What is laid beside the call.
    pub(super) async fn beside(&self, effect: &Effect) -> Result<Beside, Outcome> {
        beside::gather(&self.pool, &self.keys, effect).await
    }

    /// What is laid beside a look-up of the call.
    pub(super) async fn beside_look(&self, effect: &Effect) -> Beside {
        beside::gather_for_look(&self.pool, &self.keys, effect).await
    }

    /// Looks the call up.
    pub(super) async fn look(&self, call: &Call) -> Look {
        match &call.effect {
            // Our own store, under the saga's id: simply asked again.
            Effect::Desk(_) => Look::Absent { watermark: true, key_proven: true },
            Effect::Practice(practice) => self.practice.look(practice).await,
            Effect::Mail(Mail::Send(letter)) => self.post.look(letter).await,
            Effect::Braintree(_) | Effect::Zoho(_) | Effect::Attio(_) => self.vendors.look(call).await,
        }
    }

    /// Reads the call by the vendor's own id.
    pub(super) async fn confirm(&self, call: &Call, id: &str) -> Look {
        match &call.effect {
            Effect::Braintree(_) | Effect::Zoho(_) | Effect::Attio(_) => self.vendors.confirm(call, id).await,
            Effect::Desk(_) | Effect::Practice(_) | Effect::Mail(_) => self.look(call).await,
        }
    }
}
