//! Who signs up: a user of the platform, or a person on whose record a CRM user pressed the act; and a trial that is moved.
//! Each becomes an item for the one sign-up that it is. What is personal is kept apart before anything is told, and stands in
//! no item. Answers nobody in Attio: that is the saga's.

use crate::clock::Clock;
use crate::config::{Config, SignUpConfig};
use crate::connectors::attio::Press;
use crate::engine::items::Body;
use crate::port::Person;
use crate::store::inbox::OfferError;
use crate::store::items::{self, NewItem, offer_item};
use crate::store::links::{self, LinkKind};
use crate::store::query;
use crate::store::{Store, StoreError, people};
use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use sagas::kernel::effect::{AttioRecord, PressedAct};
use sagas::kernel::ids::{Installation, SagaId, derive};
use sagas::kernel::saga::Saga;
use sagas::kernel::tags::LeadSource;
use sagas::sign_up::{Command, Origin, SignUp, Terms};
use std::sync::Arc;
use uuid::Uuid;

/// The act rests on records of people.
pub(super) const PEOPLE: &str = "people";

/// A user of the platform who signs up.
pub struct NewUser {
    /// The platform's id of its user: the same one is the same sign-up, whenever it comes again.
    pub user: String,
    /// What they are called.
    pub first_name: String,
    pub last_name: String,
    /// Their company's name.
    pub company: Option<String>,
    pub email: String,
    /// First line of the address.
    pub street: Option<String>,
    pub city: Option<String>,
    pub postal_code: Option<String>,
    pub state: Option<String>,
    /// ISO 3166 code.
    pub country: Option<String>,
    /// Where they came from.
    pub lead_source: Option<LeadSource>,
    /// Zoho product id that is tried; absent: the one that is configured.
    pub product: Option<String>,
    /// Days that the trial runs; absent: as configured.
    pub trial_days: Option<u32>,
}

fn person_of(new: &NewUser) -> Person {
    Person {
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
        company: new.company.clone(),
        email: new.email.clone(),
        phone: None,
        street: new.street.clone(),
        city: new.city.clone(),
        postal_code: new.postal_code.clone(),
        state: new.state.clone(),
        country: new.country.clone(),
        locale: None,
    }
}

/// Why a sign-up is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Nothing says what is tried.
    #[error("no product is named, and none is configured (TRIAL_PRODUCT)")]
    NoProduct,
    /// Nobody signed up so.
    #[error("there is no sign-up of `{0}`")]
    Unknown(String),
    /// The inbox.
    #[error(transparent)]
    Offer(#[from] OfferError),
}

impl From<StoreError> for SignUpError {
    fn from(error: StoreError) -> Self {
        Self::Offer(OfferError::Store(error))
    }
}

/// Takes sign-ups of this installation.
pub struct SignUps {
    store: Store,
    clock: Arc<dyn Clock>,
    installation: Installation,
    config: SignUpConfig,
}

impl SignUps {
    pub(super) fn new(config: &Config, store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, installation: config.installation.clone(), config: config.signups.clone() }
    }

    /// Takes the sign-up of a user. Answers with it and the item by which it hears.
    ///
    /// # Errors
    /// It names no product, or the database cannot be reached.
    pub async fn of_user(&self, new: NewUser, principal: &str) -> Result<(SagaId, Uuid), SignUpError> {
        let (pool, key) = (&self.store.pool, format!("api:sign-up:{}", new.user));
        if let Some(known) = items::item_of_key(pool, &key).await? {
            return Ok((known.saga, known.id));
        }
        let product = new.product.clone().or_else(|| self.config.product.clone()).ok_or(SignUpError::NoProduct)?;
        let linked = links::find(pool, LinkKind::PlatformUser, &new.user).await?;
        let customer = linked.unwrap_or_else(|| derive("customer", &["platform_user", &new.user]).simple().to_string());
        // Whose data Attio has given us already keeps them.
        if people::get::<Person>(pool, &customer).await?.is_none() {
            people::put(pool, &customer, &person_of(&new)).await?;
        }
        let origin = Origin::Platform { user: new.user.clone(), customer, lead_source: new.lead_source };
        let days = new.trial_days.unwrap_or(self.config.days);
        let item = Self::item(
            SignUp::of_user(&new.user),
            ("api.sign_up", principal.to_owned()),
            self.command(origin, product, self.ends_at(days)),
            Some(key.clone()),
        );
        match offer_item(pool, self.store.node.shard_count(), &item, &[]).await {
            Ok(id) => Ok((item.saga, id)),
            // Told at the same moment: the one that came first counts.
            Err(OfferError::KeyReused) => {
                let known = items::item_of_key(pool, &key).await?.ok_or(OfferError::KeyReused)?;
                Ok((known.saga, known.id))
            }
            Err(e) => Err(e.into()),
        }
    }

    /// The item of a press on a person's record. Where nothing says which product is tried, the sign-up answers that.
    pub(super) fn of_press(&self, press: &Press, key: String) -> NewItem {
        let record = AttioRecord { object: PEOPLE.to_owned(), id: press.record.clone() };
        let saga = SignUp::of_record(&record);
        let pressed = PressedAct { act: press.act.clone(), pressed_at: press.pressed_at };
        let origin = Origin::Press { record, press: pressed };
        let product = self.config.product.clone().unwrap_or_default();
        let command = self.command(origin, product, self.ends_at(self.config.days));
        Self::item(saga, ("attio.start_trial", format!("attio:{}", press.member)), command, Some(key))
    }

    /// Moves the end of a trial, or grants one more where who asks may.
    ///
    /// # Errors
    /// Nobody signed up so, the key was used for something else, or the database cannot be reached.
    pub async fn move_trial(
        &self,
        user: &str,
        ends_at: DateTime<Utc>,
        approved: bool,
        (principal, reason): (&str, &str),
        key: &str,
    ) -> Result<(SagaId, Uuid), SignUpError> {
        let saga = self.find(user).await?;
        let (reason, by) = (reason.to_owned(), principal.to_owned());
        let command = Command::TrialMoved { ends_at, reason, by, approved };
        let key = Some(format!("api:trial:{saga}:{key}"));
        let item = Self::item(saga, ("api.move_trial", principal.to_owned()), command, key);
        let id = offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await?;
        Ok((saga, id))
    }

    /// The sign-up of a user of the platform, or the one that was pressed on that record in Attio.
    ///
    /// # Errors
    /// There is none, or the database cannot be reached.
    pub async fn find(&self, user: &str) -> Result<SagaId, SignUpError> {
        let record = AttioRecord { object: PEOPLE.to_owned(), id: user.to_owned() };
        for saga in [SignUp::of_user(user), SignUp::of_record(&record)] {
            if query::saga(&self.store.pool, saga).await?.is_some() {
                return Ok(saga);
            }
        }
        Err(SignUpError::Unknown(user.to_owned()))
    }

    /// To the microsecond: what is kept is told from it again.
    fn ends_at(&self, days: u32) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(6) + TimeDelta::days(i64::from(days))
    }

    fn command(&self, origin: Origin, product: String, ends_at: DateTime<Utc>) -> Command {
        let terms = Terms {
            installation: self.installation.clone(),
            notice_days: self.config.notice_days,
            sources: self.config.sources.clone(),
        };
        Command::SignedUp { origin, product, ends_at, terms: Box::new(terms) }
    }

    fn item(saga: SagaId, (kind, principal): (&str, String), command: Command, key: Option<String>) -> NewItem {
        let command = serde_json::to_value(command).expect("a command of plain texts and numbers always serialises");
        NewItem {
            saga,
            saga_kind: SignUp::NAME.to_owned(),
            kind: kind.to_owned(),
            principal,
            body: Body::Saga { command }.text(),
            waiting_key: None,
            idempotency_key: key,
        }
    }
}
