//! The fixture of the erasure: a person who is known in Attio, Zoho CRM, Zoho Billing and Braintree, pays for nothing any more,
//! and whose erasure two persons have agreed to.

use super::Ground;
use super::staged::Staged;
use attio_billing::port::{Beside, Call, Perform, Person};
use attio_billing::store::erasing;
use attio_billing::store::items::NewItem;
use attio_billing::store::links::{LinkKind, link};
use attio_billing::store::people;
use attio_billing::store::query::SagaLine;
use chrono::TimeDelta;
use sagas::erasure::{Command, Erasure, Identity, Law, Means, Of, Request};
use sagas::kernel::effect::{Crm, Effect};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Outcome;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

pub(crate) const KIND: &str = Erasure::NAME;

/// Who a saga erases.
#[derive(Clone)]
struct Known {
    ours: String,
    email: String,
}

pub(crate) struct Fixture {
    staged: Staged,
    known: Mutex<HashMap<String, Known>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self { staged: Staged::new().await, known: Mutex::default() }
    }

    async fn staff(&self, act: Value) -> Value {
        self.staged.stage.sandbox.staff(&act).await.unwrap()
    }

    /// Somebody who was a customer once: there are documents, or there are none.
    async fn person(&self, name: &str, has_documents: bool) -> Known {
        let root: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
        let ours = format!("cus-{root}");
        let email = format!("{root}@example.org");
        let person = Person {
            first_name: "Alex".to_owned(),
            last_name: name.to_owned(),
            email: email.clone(),
            city: Some("London".to_owned()),
            ..Person::default()
        };
        let attio = json!({"vendor": "attio", "act": "create_record", "object": "people", "values": {
            "name": [{"first_name": "Alex", "last_name": name, "full_name": format!("Alex {name}")}],
            "email_addresses": [email]}});
        let attio = self.staff(attio).await["id"]["record_id"].as_str().unwrap().to_owned();
        let customer = json!({"vendor": "zoho", "act": "create_customer", "display_name": format!("Alex {name}"),
            "email": email, "currency_code": "EUR"});
        let zoho = self.staff(customer).await["customer_id"].as_str().unwrap().to_owned();
        if has_documents {
            let subscribe = json!({"vendor": "zoho", "act": "create_subscription", "customer_id": zoho,
                "plan_code": self.staged.stage.plan(), "price": 4_900, "auto_collect": false,
                "reference_id": format!("elsewhere.{root}")});
            let subscription = self.staff(subscribe).await["subscription_id"].clone();
            let cancel = json!({"vendor": "zoho", "act": "cancel_subscription", "subscription_id": subscription,
                "at_end": false});
            self.staff(cancel).await;
        }
        let braintree = format!("c-{ours}");
        let card = json!({"vendor": "braintree", "act": "vault_customer", "customer_id": braintree,
            "customer": {"id": braintree, "email": email}, "token": format!("m-{ours}"), "card": "visa"});
        self.staff(card).await;
        let contact = Crm::UpsertContact { customer: ours.clone(), account: None, workflows: false };
        let made = self.perform(Effect::Crm(contact), person.clone()).await;
        assert!(matches!(made, Outcome::Done { .. }), "{made:?}");
        let pool = &self.staged.ground.pool;
        let links = [
            (LinkKind::AttioPerson, attio.as_str()),
            (LinkKind::ZohoCustomer, zoho.as_str()),
            (LinkKind::BraintreeCustomer, braintree.as_str()),
        ];
        link(pool, &ours, &links).await.unwrap();
        assert!(people::put(pool, &ours, &person).await.unwrap());
        Known { ours, email }
    }

    async fn perform(&self, effect: Effect, person: Person) -> Outcome {
        let now = self.staged.stage.clock().now();
        let call = Call {
            saga: SagaId::derived("harness", &["erasure"]),
            step: "make".to_owned(),
            attempt: 1,
            effect,
            requested_at: now,
            sent_at: None,
            now,
            time_limit: Duration::from_secs(10),
            beside: Beside { person: Some(person), ..Beside::default() },
        };
        self.staged.connectors.perform(&call).await.outcome
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
        self.staged.pass_by().await;
    }

    fn roads(&self) -> &'static [&'static str] {
        &["gone", "documents"]
    }

    fn one_in(&self) -> usize {
        8
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const DESK: &str = "the stage has no helpdesk: tests/it/connector_erasing.rs plays it";
        &[
            ("find_in_desk", DESK),
            ("erase_desk", DESK),
            ("read_desk", DESK),
            ("end_subscription", "of a subscription that runs: tests/it/erasure plays it with the flow that ends it"),
        ]
    }

    async fn start_of(&self, road: &'static str, name: &str) -> NewItem {
        let known = self.person(name, road == "documents").await;
        let installation = self.staged.installation();
        let saga = Erasure::id(installation.as_str(), &known.ours);
        let of = Of {
            organization: self.staged.stage.config().vendors.zoho.organization_id.clone(),
            installation,
            customer: known.ours.clone(),
            helpdesk: false,
            crm: true,
        };
        let request = Request {
            law: Law::Gdpr,
            received_on: self.staged.stage.clock().now().date_naive(),
            identity: Identity { by_means: Means::SignedIn, checked_by: "token:ada".to_owned() },
            documents_kept_days: 3_653,
            second_person: true,
            agreed_by: Some("token:bob".to_owned()),
            reason: "tested".to_owned(),
            by: "token:ada".to_owned(),
        };
        let command = Command::Requested { of, request: Box::new(request) };
        self.known.lock().unwrap().insert(saga.to_string(), known);
        super::item(saga, KIND, "test.requested", &command)
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    /// Whoever is erased stands nowhere any more: with no vendor, and not here.
    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let mut books: Vec<String> = ["attio", "zoho", "zoho_crm", "braintree"]
            .into_iter()
            .map(|vendor| books[vendor].clone())
            .map(|mut books| {
                // What CRM keeps of deleted records names nobody either: it was overwritten before.
                if let Some(books) = books.as_object_mut() {
                    books.remove("calls");
                }
                books.to_string()
            })
            .collect();
        books.retain(|book| book != "null");
        for line in sagas.iter().filter(|line| line.kind == KIND && line.state == "Erased") {
            let known = self.known.lock().unwrap()[&line.id.to_string()].clone();
            for book in &books {
                assert!(!book.contains(&known.email), "erased, and a vendor has the address: {line:#?}");
            }
            let left = erasing::left(&self.staged.ground.pool, &known.ours).await.unwrap();
            assert!(left.is_nothing(), "erased, and something is here: {left:?} {line:#?}");
        }
    }
}
