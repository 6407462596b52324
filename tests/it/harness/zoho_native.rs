//! The fixture of starts that Zoho collects for: a stage without its service, and the connectors. Customer and staff are played
//! whenever the clock moves: who has a price accepts it, who has a page buys, and what runs is cancelled in Zoho. No webhook
//! comes by itself, so that what happens is the same in every run.

use super::Ground;
use super::staged::Staged;
use attio_billing::checkout::CONSENT_VERSION;
use attio_billing::config::Collector;
use attio_billing::engine::Engine;
use attio_billing::keys::Keys;
use attio_billing::mail::Mailer;
use attio_billing::store::Store;
use attio_billing::store::append::Status;
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use attio_billing::store::saga_store;
use attio_billing::store::schema::SHARDS;
use chrono::TimeDelta;
use sagas::kernel::ids::SagaId;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::zoho_native::{Act, Command, Consent, PageStage, Terms, ZohoNative, page};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const KIND: &str = ZohoNative::NAME;

pub(crate) struct Fixture {
    staged: Staged,
    keys: Keys,
    mailer: Arc<Mailer>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let staged = Staged::collected_by(Collector::ZohoNative).await;
        let (config, clock) = (staged.stage.config(), staged.stage.clock().clone());
        let keys = Keys::new(&config.secret_key, "http://127.0.0.1");
        let mailer = Mailer::new(&config.mail, &config.brand, clock, Duration::from_secs(10)).unwrap();
        Self { keys, mailer: Arc::new(mailer), staged }
    }

    /// What customers and staff do in the life of every start. True where somebody did something, or will shortly.
    async fn visit(&self) -> bool {
        let pool = self.staged.stage.pool();
        let filter = SagaFilter { kind: Some(KIND.to_owned()), ..SagaFilter::default() };
        let mut busy = false;
        for line in query::sagas(pool, &filter, None, 500).await.unwrap() {
            if line.ended.is_some() || line.parked.is_some() || line.status == Status::Resolving {
                busy |= line.status == Status::Resolving;
                continue;
            }
            let loaded = saga_store::load::<ZohoNative>(pool, line.id.shard(SHARDS), line.id).await.unwrap();
            let now = self.staged.stage.clock().now();
            let shown = page(&loaded.saga.business, now);
            match &shown.stage {
                // Who has bought does not ask for a further page.
                PageStage::Quoted { .. } if !self.sold(line.id).await.is_empty() => busy = true,
                PageStage::Quoted { quote } => {
                    let consent = Consent { version: CONSENT_VERSION.to_owned(), at: now, evidence: None };
                    let asked = Command::PageAsked { link: shown.link, quote_hash: quote.hash.clone(), consent };
                    offer_item(pool, SHARDS, &super::item(line.id, KIND, "checkout.page_asked", &asked), &[])
                        .await
                        .unwrap();
                    busy = true;
                }
                PageStage::AtZoho { page } => {
                    let buy = json!({"vendor": "zoho", "act": "use_hosted_page", "hostedpage_id": page});
                    // Bought before: what came of it is still to be read.
                    let _ = self.staged.stage.sandbox.staff(&buy).await;
                    busy = true;
                }
                PageStage::Active => self.cancel(line.id).await,
                _ => busy = true,
            }
        }
        busy
    }

    /// Staff end in Zoho what runs.
    async fn cancel(&self, saga: SagaId) {
        for sold in self.sold(saga).await.iter().filter(|sold| sold["status"] != "cancelled") {
            let cancel = json!({"vendor": "zoho", "act": "cancel_subscription", "at_end": false,
                "subscription_id": sold["subscription_id"]});
            self.staged.stage.sandbox.staff(&cancel).await.unwrap();
        }
    }

    /// What Zoho sold by that start's reference.
    async fn sold(&self, saga: SagaId) -> Vec<Value> {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let reference = format!("{}.sub.{}.1", self.staged.stage.prefix(), saga.0.simple());
        let all = books["zoho"]["subscriptions"].as_array().unwrap().clone();
        all.into_iter().filter(|sold| sold["reference_id"] == reference).collect()
    }

    fn terms() -> Terms {
        Terms {
            highest_tax_ppm: 270_000,
            // Long enough for what is parked until everybody else is through.
            link_days: 90,
            reminder_day: 3,
            consent_version: CONSENT_VERSION.to_owned(),
            deal_at_link: false,
        }
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
        let busy = self.visit().await;
        // Who can buy does so now, instead of waiting for the reminder; what is over is found when the next term begins.
        let by = by.min(if busy { TimeDelta::minutes(30) } else { TimeDelta::days(10) });
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
    }

    fn roads(&self) -> &'static [&'static str] {
        &["bought"]
    }

    fn one_in(&self) -> usize {
        12
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const KNOWN: &str = "of a customer who was here before: tests of the flow play it";
        &[
            ("take_over", "of a product that somebody tries: tests of the flow play it"),
            ("read_customer", KNOWN),
            ("list_subscriptions", KNOWN),
            ("revive_zoho_customer", KNOWN),
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
        super::item(ZohoNative::id(&record, pressed_at), KIND, "test.pressed", &command)
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]) {
        for line in sagas.iter().chain(twice).filter(|line| line.kind == KIND) {
            let sold = self.sold(line.id).await.len();
            match line.ended.as_deref() {
                Some("completed") => assert_eq!(sold, 1, "over without one sale: {line:#?}"),
                Some(_) => assert_eq!(sold, 0, "sold, and it does not know: {line:#?}"),
                None => assert!(sold <= 1, "sold more than once: {line:#?}"),
            }
        }
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let taken = books["braintree"]["transactions"].as_array().unwrap().iter();
        let ours =
            taken.filter(|t| t["order_id"].as_str().is_some_and(|id| id.starts_with(self.staged.stage.prefix())));
        assert_eq!(ours.count(), 0, "we never charge what Zoho collects");
    }
}
