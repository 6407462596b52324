//! Where an effect goes, and whether it is switched off.

use super::beside;
use super::desk::DeskPerformer;
use super::drive::not_sent;
use super::post::PostPerformer;
use super::practice::PracticePerformer;
use super::profiles;
use super::run::Settings;
use crate::keys::Keys;
use crate::port::{Beside, Call, Perform, Report};
use crate::store::recovery::{self, Care};
use crate::store::{Store, StoreError, settings};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Effect, Mail};
use sagas::kernel::outcome::{Look, NotSent, Outcome};
use sqlx::PgPool;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Performs all effects.
pub(super) struct Effects {
    desk: DeskPerformer,
    practice: PracticePerformer,
    post: PostPerformer,
    vendors: Arc<dyn Perform>,
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
        Self {
            desk: DeskPerformer::new(store, wake, settings),
            practice: PracticePerformer::new(store.pool.clone()),
            post: PostPerformer::new(store.pool.clone(), settings.mailer.clone()),
            vendors,
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

    /// Why the call may not be made now, if so.
    pub(super) async fn refuse_now(&self, effect: &Effect) -> Option<Outcome> {
        if matches!(effect, Effect::Desk(_)) {
            return None;
        }
        match self.glance().await.map(|glance| glance.off.contains(effect.operation())) {
            Ok(false) => None,
            Ok(true) => Some(not_sent(NotSent::Switch, format!("{} is switched off", effect.operation()))),
            Err(e) => Some(not_sent(NotSent::Again, format!("the switches cannot be read: {e}"))),
        }
    }

    /// Makes the call.
    pub(super) async fn perform(&self, call: &Call) -> Report {
        match &call.effect {
            Effect::Desk(desk) => self.desk.perform(call, desk).await,
            Effect::Practice(practice) => self.practice.perform(practice, call.now).await,
            Effect::Mail(Mail::Send(letter)) => self.post.send(call, letter).await,
            Effect::Braintree(_) | Effect::Zoho(_) | Effect::Crm(_) | Effect::Helpdesk(_) | Effect::Attio(_) => {
                self.by_vendor(call).await
            }
        }
    }

    async fn by_vendor(&self, call: &Call) -> Report {
        let mut report = self.vendors.perform(call).await;
        if let Outcome::Done { answer } = &report.outcome {
            if let (Some(of), Some(theirs), Answer::ProfileShown(shown)) =
                (profiles::comparison(&call.effect), &report.person, answer)
            {
                let ours = call.beside.person.as_ref();
                let compared = profiles::read(&self.pool, of, ours, theirs, shown.seen.clone()).await;
                report.outcome = compared.map_or_else(|outcome| outcome, |answer| Outcome::Done { answer });
                return report;
            }
            self.follow(call).await;
        }
        let Some(person) = &report.person else { return report };
        match beside::keep(&self.pool, &call.effect, person).await {
            Ok(()) => report,
            Err(outcome) => outcome.into(),
        }
    }

    /// Keeps what a target was given: where that fails the next comparison finds it even, and keeps it then.
    async fn follow(&self, call: &Call) {
        if let Err(e) = profiles::done(&self.pool, &call.effect, call.beside.person.as_ref()).await {
            tracing::warn!(operation = call.effect.operation(), error = %e, "what was given was not kept");
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
            Effect::Braintree(_) | Effect::Zoho(_) | Effect::Crm(_) | Effect::Helpdesk(_) | Effect::Attio(_) => {
                let look = self.vendors.look(call).await;
                if let Look::Found { outcome, .. } = &look
                    && matches!(**outcome, Outcome::Done { .. })
                {
                    self.follow(call).await;
                }
                look
            }
        }
    }

    /// Reads the call by the vendor's own id.
    pub(super) async fn confirm(&self, call: &Call, id: &str) -> Look {
        match &call.effect {
            Effect::Braintree(_) | Effect::Zoho(_) | Effect::Crm(_) | Effect::Helpdesk(_) | Effect::Attio(_) => {
                self.vendors.confirm(call, id).await
            }
            Effect::Desk(_) | Effect::Practice(_) | Effect::Mail(_) => self.look(call).await,
        }
    }
}
