//! The fixture of the card update: a customer with a card in the vault and a record in Attio on which `Send card link` was
//! pressed. The customer at the page is played whenever the clock moves: who is asked for a card gives one. No webhook comes
//! by itself, so that what happens is the same in every run.

use super::Ground;
use super::staged::Staged;
use attio_billing::checkout::CONSENT_VERSION;
use attio_billing::connectors::attio::Standing;
use attio_billing::demo::SignUp;
use attio_billing::engine::Engine;
use attio_billing::engine::beside::NONCE;
use attio_billing::engine::items::Body;
use attio_billing::keys::Keys;
use attio_billing::mail::Mailer;
use attio_billing::store::Store;
use attio_billing::store::append::Status;
use attio_billing::store::customers::{CustomerLinks, link_customer};
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use attio_billing::store::saga_store;
use chrono::TimeDelta;
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::effect::SubscriptionKey;
use sagas::kernel::ids::Installation;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::payment_method_update::{Command, Consent, PageStage, PaymentMethodUpdate, Terms, page};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const KIND: &str = PaymentMethodUpdate::NAME;
const ACT: &str = "Send card link";

pub(crate) struct Fixture {
    staged: Staged,
    keys: Keys,
    mailer: Arc<Mailer>,
    /// Whose card each saga changes: the customer at Braintree, and the card that was there before.
    cards: Mutex<HashMap<String, (String, String)>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let staged = Staged::new().await;
        let (config, clock) = (staged.stage.config(), staged.stage.clock().clone());
        let keys = Keys::new(&config.secret_key, "http://127.0.0.1");
        let mailer = Mailer::new(&config.mail, &config.brand, clock, Duration::from_secs(10)).unwrap();
        Self { keys, mailer: Arc::new(mailer), staged, cards: Mutex::default() }
    }

    async fn staff(&self, act: Value) -> Value {
        self.staged.stage.sandbox.staff(&act).await.unwrap()
    }

    /// Gives a card to every update that waits for one. True: to some.
    async fn gives_cards(&self) -> bool {
        let pool = self.staged.stage.pool();
        let filter = SagaFilter { kind: Some(KIND.to_owned()), ..SagaFilter::default() };
        let mut given = false;
        for line in query::sagas(pool, &filter, None, 500).await.unwrap() {
            if line.ended.is_some() || line.parked.is_some() || line.status == Status::Resolving {
                continue;
            }
            let shard = line.id.shard(attio_billing::store::schema::SHARDS);
            let loaded = saga_store::load::<PaymentMethodUpdate>(pool, shard, line.id).await.unwrap();
            let shown = page(&loaded.saga.business, self.staged.stage.clock().now());
            let (PageStage::Asked { .. }, Some(offer)) = (&shown.stage, &shown.offer) else { continue };
            let input = self.keys.secrets().seal(NONCE, &SecretString::from("fake-valid-mastercard-nonce"));
            let command = Command::Submitted {
                link: shown.link,
                offer_hash: offer.hash.clone(),
                consent: Consent {
                    version: CONSENT_VERSION.to_owned(),
                    at: self.staged.stage.clock().now(),
                    evidence: None,
                },
                input: input.id,
                authenticated: false,
            };
            let item = super::item(line.id, KIND, "card.submitted", &command);
            offer_item(pool, attio_billing::store::schema::SHARDS, &item, &[input]).await.unwrap();
            given = true;
        }
        given
    }

    fn terms() -> Terms {
        Terms {
            link_days: 7,
            consent_version: CONSENT_VERSION.to_owned(),
            declines_before_lock: 5,
            lock_minutes: 60,
            keep_days: 1,
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
        // Who is asked gives a card now, instead of letting the link expire; only then does time pass.
        let by = if self.gives_cards().await { by.min(TimeDelta::minutes(5)) } else { by };
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
    }

    fn roads(&self) -> &'static [&'static str] {
        &["changed"]
    }

    fn one_in(&self) -> usize {
        6
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const RECURRING: &str =
            "needs a subscription that Braintree charges by itself: scenes and tests of the flow play it";
        const OWED: &str = "needs an invoice that was declined: the simulation strikes it in every way";
        const AT_ZOHO: &str = "needs a subscription that Zoho collects: scenes and tests of the flow play it, and its start the same calls";
        &[
            ("create_page", AT_ZOHO),
            ("read_page", AT_ZOHO),
            ("move_subscription", RECURRING),
            ("confirm_move", RECURRING),
            ("move_back", RECURRING),
            ("retry_invoice", OWED),
            ("undo vault", "called off after the card was given: the simulation strikes it in every way"),
            ("task", "is owed where something went wrong: the simulation strikes it in every way"),
        ]
    }

    /// Attio tells of an older press too, which the record does not show any more.
    fn news(&self, start: &NewItem) -> Vec<NewItem> {
        let Ok(Body::Saga { command }) = serde_json::from_str(&start.body) else { panic!("not a command: {start:?}") };
        let mut older: Command = serde_json::from_value(command).unwrap();
        if let Command::Requested { requested_at, .. } = &mut older {
            *requested_at -= TimeDelta::minutes(1);
        }
        vec![super::item(start.saga, KIND, "attio.older_press", &older), start.clone()]
    }

    fn told(&self) -> usize {
        2
    }

    async fn poll(&self, store: &Store, engine: &Arc<Engine>) -> bool {
        self.staged.poll(store, engine).await;
        true
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let stage = &self.staged.stage;
        let newcomer = stage.newcomer(&SignUp::new(name, stage.plan())).await.unwrap();
        let ours = newcomer.record.replace('-', "");
        let (customer, token) = (format!("c-{ours}"), format!("old-{ours}"));
        self.staff(json!({"vendor": "braintree", "act": "vault_customer", "customer_id": customer,
            "customer": {"id": customer, "email": "card@example.org"}, "token": token, "card": "visa"}))
            .await;
        let zoho = self
            .staff(json!({"vendor": "zoho", "act": "create_customer", "display_name": newcomer.name,
                "email": "card@example.org", "currency_code": "EUR"}))
            .await;
        let zoho_customer = zoho["customer_id"].as_str().unwrap().to_owned();
        let subscribed = self
            .staff(json!({"vendor": "zoho", "act": "create_subscription", "customer_id": zoho_customer,
                "plan_code": stage.plan(), "price": 4_900, "auto_collect": false,
                "reference_id": format!("{}.sub.{ours}.1", stage.prefix())}))
            .await;
        let links = CustomerLinks {
            customer: ours.clone(),
            zoho_customer: Some(zoho_customer),
            braintree_customer: Some(customer.clone()),
            attio_company: Some(newcomer.company.clone()),
            subscription: Some(format!("sub-{ours}")),
            zoho_subscription: Some(subscribed["subscription_id"].as_str().unwrap().to_owned()),
            attio_subscription: Some(newcomer.record.clone()),
            owner: Some(CollectionOwner::Orchestrator),
            ..CustomerLinks::default()
        };
        link_customer(stage.pool(), &links, "test").await.unwrap();
        stage.press(&newcomer.record, ACT).await.unwrap();
        let limit = Duration::from_secs(10);
        let Standing::Press(press) = self.staged.connectors.attio.pressed(&newcomer.record, limit).await.unwrap()
        else {
            panic!("nothing stands on {}", newcomer.record)
        };
        let subscription = SubscriptionKey::Attio { record: newcomer.record.clone() };
        let saga = PaymentMethodUpdate::id(&subscription, press.pressed_at);
        self.cards.lock().unwrap().insert(saga.to_string(), (customer, token));
        let command = Command::Requested {
            installation: Installation::new(stage.prefix()).unwrap(),
            subscription,
            requested_at: press.pressed_at,
            pressed: true,
            terms: Box::new(Self::terms()),
        };
        super::item(saga, KIND, "test.pressed", &command)
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        for line in sagas.iter().filter(|line| line.kind == KIND) {
            let (customer, old) = self.cards.lock().unwrap()[&line.id.to_string()].clone();
            let methods = books["braintree"]["payment_methods"].as_array().unwrap().iter();
            let theirs: Vec<_> = methods.filter(|m| m["customer_id"] == customer).collect();
            let defaults: Vec<_> = theirs.iter().filter(|m| m["default"] == true).collect();
            assert_eq!(defaults.len(), 1, "one card is charged: {theirs:?} {line:#?}");
            match line.ended.as_deref() {
                Some("completed") => {
                    assert_eq!(theirs.len(), 1, "one card was given, and the old one is gone: {theirs:?} {line:#?}");
                    assert_ne!(theirs[0]["token"], old.as_str(), "{line:#?}");
                }
                Some(_) => assert_eq!(theirs[0]["token"], old.as_str(), "nothing was changed: {line:#?}"),
                None => assert!(theirs.len() <= 2, "vaulted more than once: {theirs:?} {line:#?}"),
            }
        }
    }
}
