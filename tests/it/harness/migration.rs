//! The fixture of the migration: a customer of the old system at every vendor, whose line is looked up and, while that goes on,
//! ordered to be linked. By ids, with Zoho as the collector; and by the e-mail address, with nobody.

use super::Ground;
use super::staged::Staged;
use async_trait::async_trait;
use attio_billing::demo::{Customer, Wish};
use attio_billing::engine::items::Body;
use attio_billing::intake::imports::{self, Word};
use attio_billing::port::{Call, Perform, Person, Report};
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::query::SagaLine;
use attio_billing::store::schema::SHARDS;
use attio_billing::store::settings::collection_owner;
use attio_billing::store::{links, people};
use chrono::TimeDelta;
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::effect::{Attio, Effect};
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::outcome::Look;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::migration::{Command, FailedCharges, Migration, OldSubscription};
use serde_json::json;
use sqlx::PgPool;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) const KIND: &str = Migration::NAME;
const BY_IDS: &str = "by ids";
const BY_ADDRESS: &str = "by address";

/// A person orders the link as soon as the last read of the first look-up is made.
struct Operator {
    vendors: Arc<dyn Perform>,
    pool: PgPool,
}

#[async_trait]
impl Perform for Operator {
    async fn perform(&self, call: &Call) -> Report {
        let report = self.vendors.perform(call).await;
        if matches!(call.effect, Effect::Attio(Attio::FindClient { .. })) {
            let link = imports::said(call.saga, Word::Link, "token:test");
            let once = NewItem { idempotency_key: Some(format!("harness:link:{}", call.saga)), ..link };
            offer_item(&self.pool, SHARDS, &once, &[]).await.unwrap();
        }
        report
    }

    async fn look(&self, call: &Call) -> Look {
        self.vendors.look(call).await
    }

    async fn confirm(&self, call: &Call, id: &str) -> Look {
        self.vendors.confirm(call, id).await
    }
}

pub(crate) struct Fixture {
    staged: Staged,
    number: AtomicU32,
    /// Whose line each saga is, and who collects.
    customers: Mutex<HashMap<SagaId, (Customer, Option<CollectionOwner>)>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let mut staged = Staged::new().await;
        let (vendors, pool) = (staged.ground.vendors.clone(), staged.ground.pool.clone());
        staged.ground.vendors = Arc::new(Operator { vendors, pool });
        Self { staged, number: AtomicU32::default(), customers: Mutex::default() }
    }
}

#[async_trait]
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
        &[BY_IDS, BY_ADDRESS]
    }

    fn one_in(&self) -> usize {
        6
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const LATER: &str = "ordered once it is linked and at rest: tests of the flow and the scenes play it";
        &[
            ("read_card_uses", "of a card that Braintree charges by itself: tests of the flow play it"),
            ("survey_collector", LATER),
            ("clear_owner", LATER),
            ("unlink", LATER),
            ("list_invoices", LATER),
            ("read_invoice", LATER),
            ("read_charge", LATER),
            ("survey_charges", LATER),
            ("claim_back", LATER),
        ]
    }

    async fn start_of(&self, road: &'static str, _: &str) -> NewItem {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let name = format!("Old customer {number}");
        let stage = &self.staged.stage;
        let customer = stage.new_customer(&Wish::new(name, 4_900).unlinked()).await.unwrap();
        let by_ids = road == BY_IDS;
        if by_ids {
            let on = json!({"vendor": "zoho", "act": "turn_on_auto_collect",
                "subscription_id": customer.zoho_subscription});
            stage.sandbox.staff(&on).await.unwrap();
        } else {
            let person = Person { email: format!("oldcustomer{number}@example.org"), ..Person::default() };
            people::put(&self.staged.ground.pool, &customer.ours, &person).await.unwrap();
        }
        let known = |id: &String| by_ids.then(|| id.clone());
        let old = OldSubscription {
            id: format!("old-{number}"),
            customer: customer.ours.clone(),
            has_email: !by_ids,
            zoho_customer: known(&customer.zoho_customer),
            zoho_subscription: known(&customer.zoho_subscription),
            braintree_customer: known(&customer.braintree_customer),
            token: known(&customer.token),
            braintree_subscription: None,
            others: Vec::new(),
            client: None,
            attio_subscription: None,
            plan: Some(stage.plan().to_owned()),
            paid_until: None,
            failed: FailedCharges::Times { times: 2 },
        };
        let saga = Migration::id(&old.id);
        let owner = by_ids.then_some(CollectionOwner::ZohoNative);
        self.customers.lock().unwrap().insert(saga, (customer, owner));
        let installation = Installation::new(stage.prefix()).unwrap();
        let command = Command::Check { job: "list1".to_owned(), old: Box::new(old), installation };
        NewItem {
            saga,
            saga_kind: KIND.to_owned(),
            kind: "test.check".to_owned(),
            principal: "test".to_owned(),
            body: Body::Saga { command: serde_json::to_value(command).unwrap() }.text(),
            waiting_key: None,
            idempotency_key: None,
        }
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    /// What is linked is linked with what the vendors have, and nobody was charged by it.
    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let pool = &self.staged.ground.pool;
        for line in sagas.iter().filter(|line| line.kind == KIND && line.state == "Linked") {
            let (customer, owner) = self.customers.lock().unwrap()[&line.id].clone();
            let ours = links::find(pool, links::LinkKind::ZohoSubscription, &customer.zoho_subscription).await.unwrap();
            let ours = ours.unwrap_or_else(|| panic!("linked, and not in the table: {line:#?}"));
            assert_eq!(collection_owner(pool, &ours).await.unwrap(), owner, "{line:#?}");
            let theirs = links::links_of(pool, line.customer.as_deref().unwrap()).await.unwrap();
            let theirs: Vec<_> = theirs.into_iter().map(|(_, id)| id).collect();
            assert_eq!(theirs, [customer.attio_company, customer.braintree_customer, customer.zoho_customer]);
        }
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let sales = books["braintree"]["transactions"].as_array().unwrap();
        assert!(sales.iter().all(|sale| sale["customer_id"] == "passer-by"), "somebody was charged: {sales:?}");
    }
}
