//! The fixture of the activation: a stage without its service, and the connectors. The customer at the page is played
//! whenever the clock moves: who waits for a card gets one. No webhook comes by itself, so that what happens is the same in
//! every run.

use super::Ground;
use super::staged::Staged;
use attio_billing::checkout::CONSENT_VERSION;
use attio_billing::engine::Engine;
use attio_billing::engine::beside::NONCE;
use attio_billing::keys::Keys;
use attio_billing::mail::Mailer;
use attio_billing::store::Store;
use attio_billing::store::append::Status;
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use attio_billing::store::saga_store;
use chrono::TimeDelta;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::subscription_activation::{Act, Command, Consent, PageStage, Paying, SubscriptionActivation, Terms, page};
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const KIND: &str = SubscriptionActivation::NAME;

pub(crate) struct Fixture {
    staged: Staged,
    keys: Keys,
    mailer: Arc<Mailer>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let staged = Staged::new().await;
        let (config, clock) = (staged.stage.config(), staged.stage.clock().clone());
        let keys = Keys::new(&config.secret_key, "http://127.0.0.1");
        let mailer = Mailer::new(&config.mail, &config.brand, clock, Duration::from_secs(10)).unwrap();
        Self { keys, mailer: Arc::new(mailer), staged }
    }

    /// Gives a card to every activation that waits for one. Work takes precedence over a doubt about what people were shown,
    /// so whoever paid within it would decide by the machine's pace whether anybody looks: the customer comes after.
    async fn pay(&self) {
        let filter = SagaFilter { kind: Some(KIND.to_owned()), ..SagaFilter::default() };
        for line in query::sagas(self.staged.stage.pool(), &filter, None, 500).await.unwrap() {
            if line.ended.is_some() || line.parked.is_some() || line.status == Status::Resolving {
                continue;
            }
            let shard = line.id.shard(attio_billing::store::schema::SHARDS);
            let loaded =
                saga_store::load::<SubscriptionActivation>(self.staged.stage.pool(), shard, line.id).await.unwrap();
            let shown = page(&loaded.saga.business, self.staged.stage.clock().now());
            let PageStage::Quoted { quote, .. } = &shown.stage else { continue };
            let input = self.keys.secrets().seal(NONCE, &SecretString::from("fake-valid-nonce"));
            let command = Command::Submitted {
                link: shown.link,
                quote_hash: quote.hash.clone(),
                consent: Consent {
                    version: CONSENT_VERSION.to_owned(),
                    at: self.staged.stage.clock().now(),
                    evidence: None,
                },
                with: Paying::New { input: input.id, authenticated: false },
            };
            let item = super::item(line.id, KIND, "checkout.submitted", &command);
            offer_item(self.staged.stage.pool(), attio_billing::store::schema::SHARDS, &item, &[input]).await.unwrap();
        }
    }

    fn terms() -> Terms {
        Terms {
            highest_tax_ppm: 270_000,
            link_days: 7,
            reminder_day: 3,
            consent_version: CONSENT_VERSION.to_owned(),
            declines_before_lock: 5,
            lock_minutes: 60,
            hold_hours: 24,
            currencies: vec!["EUR".to_owned()],
            deal_at_link: false,
            collected_by: sagas::kernel::answer::CollectionOwner::Orchestrator,
        }
    }

    /// Live transactions of each activation: id and status.
    async fn live(&self) -> Vec<(String, String)> {
        let live = self.staged.live_sales("act").await.into_iter();
        live.map(|(order, _, status)| (order.split('.').next().unwrap().to_owned(), status)).collect()
    }
}

#[async_trait::async_trait]
impl super::Fixture for Fixture {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn ground(&self) -> &Ground {
        &self.staged.ground
    }

    fn keys(&self) -> Keys {
        self.keys.clone()
    }

    fn mailer(&self) -> Option<Arc<Mailer>> {
        Some(self.mailer.clone())
    }

    async fn advance(&self, by: TimeDelta) {
        // Who can pay pays now, instead of waiting for the reminder; only then does time pass.
        self.pay().await;
        let by = by.min(TimeDelta::hours(2));
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
        self.staged.pass_by().await;
    }

    fn roads(&self) -> &'static [&'static str] {
        &["paid"]
    }

    fn one_in(&self) -> usize {
        12
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const KNOWN: &str = "of a customer who was here before: the simulation strikes it in every way";
        const LATER: &str = "undone or corrected once the subscription is made: the simulation strikes it in every way";
        const NOTHING_DUE: &str = "nothing is due today: tests of the flow play it, `vault` and its undo";
        &[
            ("take_over", "of a product that somebody tries: tests of the flow and the scenes of the sign-up play it"),
            ("read_customer", KNOWN),
            ("list_subscriptions", KNOWN),
            ("read_cards", KNOWN),
            ("read_method", KNOWN),
            ("revive_zoho_customer", KNOWN),
            ("undo revive_zoho_customer", KNOWN),
            ("undo subscribe", LATER),
            ("undo adopt", LATER),
            ("find_late_hold", LATER),
            ("find_other_cards", LATER),
            ("find_other_subscriptions", LATER),
            ("release_hold", LATER),
            ("forget_card", LATER),
            ("undo_twin", "Zoho makes two of one request, which its look-up prevents: tests of the flow play it"),
            ("vault", NOTHING_DUE),
            ("undo vault", NOTHING_DUE),
        ]
    }

    /// Attio tells of an older press too, which the record does not show any more.
    fn news(&self, start: &NewItem) -> Vec<NewItem> {
        super::after_older_press(start)
    }

    fn told(&self) -> usize {
        2
    }

    async fn poll(&self, store: &Store, engine: &Arc<Engine>) -> bool {
        self.staged.poll(store, engine).await;
        true
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let (record, pressed_at) = self.staged.start_pressed(name).await;
        let command = Command::Pressed {
            organization: self.staged.stage.config().vendors.zoho.organization_id.clone(),
            installation: self.staged.installation(),
            record: record.clone(),
            act: Act::Start,
            pressed_at,
            terms: Box::new(Self::terms()),
            ordered: false,
        };
        super::item(SubscriptionActivation::id(&record, pressed_at), KIND, "test.pressed", &command)
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]) {
        let live = self.live().await;
        let of = |line: &SagaLine| live.iter().filter(|(saga, _)| *saga == line.id.0.simple().to_string()).count();
        for line in sagas.iter().filter(|line| line.kind == KIND) {
            match line.ended.as_deref() {
                Some("completed") => assert_eq!(of(line), 1, "active without one charge: {line:#?}"),
                Some(_) => assert_eq!(of(line), 0, "undone, and money is held: {line:#?}"),
                None => assert!(of(line) <= 1, "held more than once: {line:#?}"),
            }
        }
        assert!(twice.iter().all(|line| of(line) <= 2));
        if sagas.iter().chain(twice).all(|line| line.ended.is_some()) {
            let compared = self.staged.stage.compare().await.unwrap();
            let money: usize = compared.pairs.iter().take(4).map(|pair| pair.differences.len()).sum();
            assert_eq!(money, 0, "{}", compared.table());
        }
    }
}
