//! The generic harness: what every saga must survive, generated from its own clean run. A flow brings one small fixture;
//! nothing else here knows any flow.
//!
//! For each call that a clean run makes, and for each undo that a failed one makes: every cell of [`matrix::Cell`] that
//! fits it. For each passing of each point of the engine: the node dies there and another takes over. For each start: its
//! message is lost, and a poll finds what it would have said. Afterwards nothing is half done, the log is whole, the
//! vendors' books equal it, and what was parked goes on when it is resumed. Each case fails where it did not come to
//! pass, and each flow where a declared step or a cell was not played.

mod act_refusal;
mod books_opening;
mod braintree_recurring;
mod calls;
mod cancellation;
mod cases;
mod catalog_sync;
mod crashes;
mod crm_lifecycle;
mod desk_ticket;
mod disbursement;
mod dispute;
mod erasure;
mod faults;
mod hand_over;
mod histories;
mod invoice_payment;
mod matrix;
mod migration;
mod narrowed;
mod nodes;
mod notice;
mod payment_method_update;
mod plan_change;
mod profile_change;
mod refund;
mod rehearsal;
mod sign_up;
mod staged;
mod subscription_activation;
mod versions;
mod weather;
mod world;
mod zoho_native;

use attio_billing::clock::Clock;
use attio_billing::engine::Engine;
use attio_billing::engine::items::Body;
use attio_billing::engine::registry::Registry;
use attio_billing::keys::Keys;
use attio_billing::mail::Mailer;
use attio_billing::port::Perform;
use attio_billing::store::Store;
use attio_billing::store::items::NewItem;
use attio_billing::store::query::SagaLine;
use chrono::{DateTime, TimeDelta, Utc};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Decline, DeclineKind, Outcome};
use sagas::kernel::park::ParkCode;
use secrecy::SecretString;
use serde::Serialize;
use sqlx::PgPool;
use std::sync::Arc;

/// A press, and before it the news of an older one, which the record does not show any more.
fn after_older_press(start: &NewItem) -> Vec<NewItem> {
    let Ok(Body::Saga { mut command }) = serde_json::from_str(&start.body) else { panic!("not a command: {start:?}") };
    let pressed_at: DateTime<Utc> = serde_json::from_value(command["pressed_at"].clone()).unwrap();
    command["act"] = "quote".into();
    command["pressed_at"] = serde_json::to_value(pressed_at - TimeDelta::minutes(1)).unwrap();
    let older = NewItem { kind: "attio.older_press".to_owned(), body: Body::Saga { command }.text(), ..start.clone() };
    vec![older, start.clone()]
}

/// A command to a saga, from a test.
fn item(saga: SagaId, flow: &str, kind: &str, command: &impl Serialize) -> NewItem {
    NewItem {
        saga,
        saga_kind: flow.to_owned(),
        kind: kind.to_owned(),
        principal: "test".to_owned(),
        body: Body::Saga { command: serde_json::to_value(command).unwrap() }.text(),
        waiting_key: None,
        idempotency_key: None,
    }
}

/// What a fixture's nodes work with.
pub(crate) struct Ground {
    /// A migrated and stamped database.
    pub(crate) pool: PgPool,
    pub(crate) database_url: SecretString,
    /// Who performs what the engine does not perform itself.
    pub(crate) vendors: Arc<dyn Perform>,
    /// Where `vendors` is it: keeps what is asked of the simulated vendors.
    pub(crate) calls: Option<Arc<calls::Recorder>>,
    /// Business time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// What the harness must know of a flow.
#[async_trait::async_trait]
pub(crate) trait Fixture: Send + Sync {
    /// The flow's name.
    fn kind(&self) -> &'static str;

    /// What it stands on.
    fn ground(&self) -> &Ground;

    fn pool(&self) -> &PgPool {
        &self.ground().pool
    }

    /// Opens inputs and makes the addresses of pages.
    fn keys(&self) -> Keys {
        Keys::new(&"a secret of the harness, of some length".into(), "http://127.0.0.1")
    }

    /// Who sends letters, where the flow writes any.
    fn mailer(&self) -> Option<Arc<Mailer>> {
        None
    }

    /// Moves business time for everybody.
    async fn advance(&self, by: TimeDelta);

    /// The ways in which an instance can go by itself; every case is played on each.
    fn roads(&self) -> &'static [&'static str];

    /// Of a long flow's cases one in so many is played in every run; all of them where `EVERY_CASE` is set, as at night.
    fn one_in(&self) -> usize {
        1
    }

    /// Makes what one instance needs; its first message starts it.
    async fn start_of(&self, road: &'static str, name: &str) -> NewItem;

    /// What vendors tell in the life of an instance that this message starts, in the order in which it happens.
    fn news(&self, start: &NewItem) -> Vec<NewItem> {
        vec![start.clone()]
    }

    /// How many such messages there are.
    fn told(&self) -> usize {
        1
    }

    /// What asks vendors for what a lost message would have said does so once. False: nothing from outside starts this
    /// flow.
    async fn poll(&self, _: &Store, _: &Arc<Engine>) -> bool {
        false
    }

    /// Steps (and undos, as `undo <step>`) that no road leads to, each with the reason and who plays it instead.
    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// A no at this call that means something to the flow.
    fn decline(&self) -> Outcome {
        let decline = Decline {
            kind: DeclineKind::Processor,
            code: "2001".to_owned(),
            text: "Insufficient Funds".to_owned(),
            response_type: Some("soft_declined".to_owned()),
            advice_code: None,
            advice_text: None,
            network_code: None,
            network_text: None,
            transaction: None,
            brand: None,
        };
        Outcome::Declined { decline }
    }

    /// A person does what the park asks for, before the resume.
    async fn clear(&self, parked: ParkCode, saga: &SagaLine);

    /// The vendors' books equal the log, and hold each effect at most once. `twice`: these sagas' calls were made twice
    /// behind the engine's back.
    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]);
}

/// Whether all cases are played in this run.
fn every_case(fixture: &dyn Fixture) -> bool {
    std::env::var_os("EVERY_CASE").is_some() || fixture.one_in() == 1
}

/// Whether the case of that number is played in this run.
fn is_played(fixture: &dyn Fixture, number: usize) -> bool {
    every_case(fixture) || number.is_multiple_of(fixture.one_in())
}

/// The flows that have a fixture, each with its tests in [`cases`] and [`crashes`].
const PLAYED: [&str; 22] = [
    act_refusal::KIND,
    books_opening::KIND,
    braintree_recurring::KIND,
    cancellation::KIND,
    catalog_sync::KIND,
    crm_lifecycle::KIND,
    desk_ticket::KIND,
    disbursement::KIND,
    dispute::KIND,
    erasure::KIND,
    hand_over::KIND,
    invoice_payment::KIND,
    migration::KIND,
    notice::KIND,
    payment_method_update::KIND,
    plan_change::KIND,
    profile_change::KIND,
    refund::KIND,
    rehearsal::KIND,
    sign_up::KIND,
    subscription_activation::KIND,
    zoho_native::KIND,
];

#[test]
fn every_saga_of_the_registry_is_played() {
    let registry = Registry::all().unwrap();
    let kinds: Vec<_> = registry.kinds().map(attio_billing::engine::registry::Kind::name).collect();
    assert_eq!(kinds, PLAYED, "write a fixture for the new flow, and call both plays with it");
}
