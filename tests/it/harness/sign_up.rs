//! The fixture of the sign-up: somebody signs up at the platform, or a CRM user presses the act on a person's record; nobody
//! buys, so that every trial ends with its day.

use super::Ground;
use super::staged::Staged;
use attio_billing::connectors::attio::Standing;
use attio_billing::engine::Engine;
use attio_billing::port::Person;
use attio_billing::store::Store;
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::people;
use attio_billing::store::query::SagaLine;
use attio_billing::store::schema::SHARDS;
use chrono::{SubsecRound as _, TimeDelta};
use sagas::kernel::effect::{AttioRecord, PressedAct};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::kernel::tags::LeadSource;
use sagas::sign_up::{Command, Origin, START_TRIAL, SignUp, Terms};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const KIND: &str = SignUp::NAME;
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Fixture {
    staged: Staged,
    number: AtomicU32,
    /// What the platform said: it says it again until it is answered.
    said: Mutex<Vec<NewItem>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self { staged: Staged::new().await, number: AtomicU32::default(), said: Mutex::default() }
    }

    fn item(&self, origin: Origin) -> NewItem {
        let saga = match &origin {
            Origin::Platform { user, .. } => SignUp::of_user(user),
            Origin::Press { record, .. } => SignUp::of_record(record),
        };
        let config = &self.staged.stage.config().signups;
        let terms = Terms {
            installation: self.staged.installation(),
            notice_days: config.notice_days,
            sources: config.sources.clone(),
        };
        let now = self.staged.stage.clock().now().trunc_subsecs(6);
        let command = Command::SignedUp {
            origin,
            product: config.product.clone().unwrap(),
            ends_at: now + TimeDelta::days(i64::from(config.days)),
            terms: Box::new(terms),
        };
        super::item(saga, KIND, "test.signed_up", &command)
    }

    /// The platform told of a user; what is personal is kept apart.
    async fn told(&self, number: u32) -> NewItem {
        let customer = format!("customer{number}");
        let person = Person {
            first_name: "Ada".to_owned(),
            last_name: format!("User {number}"),
            company: Some(format!("Company {number}")),
            email: format!("ada@company{number}.example"),
            country: Some("DE".to_owned()),
            ..Person::default()
        };
        people::put(&self.staged.ground.pool, &customer, &person).await.unwrap();
        let item = self.item(Origin::Platform {
            user: format!("user-{number}"),
            customer,
            lead_source: LeadSource::typed("website"),
        });
        self.said.lock().unwrap().push(item.clone());
        item
    }

    /// A CRM user pressed the act on the record of a person without country and lead source.
    async fn pressed(&self, number: u32) -> NewItem {
        let staff = &self.staged.stage.sandbox;
        let name = json!([{"first_name": "Bob", "last_name": "Person", "full_name": "Bob Person"}]);
        let made = json!({"vendor": "attio", "act": "create_record", "object": "people", "values": {
            "name": name, "email_addresses": [format!("bob{number}@gmail.com")]}});
        let made = staff.staff(&made).await.unwrap();
        let record = made["id"]["record_id"].as_str().unwrap().to_owned();
        let press = json!({"vendor": "attio", "act": "press", "object": "people", "record_id": record,
            "action": START_TRIAL});
        staff.staff(&press).await.unwrap();
        let standing = self.staged.connectors.attio.trial_pressed(&record, LIMIT).await.unwrap();
        let Standing::Press(press) = standing else { panic!("nothing stands on {record}") };
        let pressed = PressedAct { act: press.act, pressed_at: press.pressed_at };
        self.item(Origin::Press { record: AttioRecord { object: "people".to_owned(), id: record }, press: pressed })
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

    async fn advance(&self, by: TimeDelta) {
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
    }

    fn roads(&self) -> &'static [&'static str] {
        &["told by the platform", "pressed"]
    }

    fn one_in(&self) -> usize {
        6
    }

    async fn start_of(&self, road: &'static str, _: &str) -> NewItem {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        if road == "pressed" { self.pressed(number).await } else { self.told(number).await }
    }

    /// The sweep finds what was pressed; the platform says again what got no answer.
    async fn poll(&self, store: &Store, engine: &Arc<Engine>) -> bool {
        self.staged.poll(store, engine).await;
        let said = self.said.lock().unwrap().clone();
        for item in said {
            offer_item(&store.pool, SHARDS, &item, &[]).await.unwrap();
        }
        engine.wake();
        true
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        &[("look", "of a product that an activation takes over: tests of the flow and the scenes play it")]
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let all = |of: &str| books["zoho_crm"][of].as_array().unwrap().clone();
        let (contacts, accounts) = (all("contacts"), all("accounts"));
        // Each of them comes from a domain of their own, or from none.
        for (all, ours) in [(&contacts, "Platform_User_Id"), (&accounts, "Billing_Account_Id")] {
            let mut keys: Vec<String> = all.iter().map(|record| record[ours].to_string()).collect();
            keys.sort();
            keys.dedup();
            assert_eq!(keys.len(), all.len(), "somebody is there twice: {all:?}");
        }
        let over = |line: &&SagaLine| line.kind == KIND && line.state == "Expired" && line.ended.is_some();
        for line in sagas.iter().filter(over) {
            let customer = line.customer.clone().unwrap_or_default();
            let found: Vec<&Value> = contacts.iter().filter(|c| c["Platform_User_Id"] == customer.as_str()).collect();
            let [contact] = found.as_slice() else { panic!("{} contacts of {line:#?}", found.len()) };
            let tags = contact["tags"].as_array().unwrap();
            assert!(tags.contains(&json!("lifecycle-churned")), "expired, and tagged {tags:?}: {line:#?}");
            assert!(!tags.contains(&json!("lifecycle-trial")), "{tags:?}");
        }
    }
}
