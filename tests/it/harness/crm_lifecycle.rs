//! The fixture of deal and tags: a customer with a record in Attio, and what becomes of the subscription: sold, past due, ended.
//! The vendor is the simulated CRM alone.

use super::Ground;
use super::staged::Staged;
use attio_billing::demo::{Customer, Wish};
use attio_billing::engine::items::Body;
use attio_billing::port::Person;
use attio_billing::store::items::NewItem;
use attio_billing::store::people;
use attio_billing::store::query::{self, SagaLine};
use chrono::TimeDelta;
use sagas::crm_lifecycle::{Command, CrmLifecycle};
use sagas::kernel::lifecycle::{News, Sale, Told};
use sagas::kernel::outcome::{Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;

pub(crate) const KIND: &str = CrmLifecycle::NAME;

pub(crate) struct Fixture {
    staged: Staged,
    /// Whom each saga is about, and the plan that was sold.
    customers: Mutex<HashMap<String, (Customer, &'static str)>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self { staged: Staged::new().await, customers: Mutex::default() }
    }
}

fn item(customer: &str, command: &Command) -> NewItem {
    super::item(CrmLifecycle::id(customer), KIND, "test.told", &command)
}

fn told(start: &NewItem) -> Told {
    let Ok(Body::Saga { command }) = serde_json::from_str(&start.body) else { panic!("not a command: {start:?}") };
    let Ok(Command::Told(told)) = serde_json::from_value(command) else { panic!("no news: {start:?}") };
    told
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
        &["pro-monthly", "enterprise-2026"]
    }

    fn one_in(&self) -> usize {
        4
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        &[("read_trial", "of a trial at Zoho Billing: the flow's own tests and its walks strike it")]
    }

    fn news(&self, start: &NewItem) -> Vec<NewItem> {
        let sold = told(start);
        let later = |hours, news| {
            let told = Told { at: sold.at + TimeDelta::hours(hours), news, ..sold.clone() };
            item(&sold.customer, &Command::Told(told))
        };
        let on = sold.at.date_naive();
        vec![start.clone(), later(1, News::PastDue { invoice: "77".to_owned() }), later(2, News::Ended { on })]
    }

    fn told(&self) -> usize {
        3
    }

    async fn start_of(&self, road: &'static str, name: &str) -> NewItem {
        let stage = &self.staged.stage;
        let customer = stage.new_customer(&Wish::new(name, 4_900)).await.unwrap();
        let person = Person { first_name: "Ada".to_owned(), last_name: name.to_owned(), ..Person::default() };
        people::put(stage.pool(), &customer.ours, &person).await.unwrap();
        let books = stage.sandbox.books().await.unwrap();
        let mut records = books["attio"]["records"]["subscriptions"].as_array().unwrap().iter();
        let record = records.find(|r| r.to_string().contains(&customer.zoho_subscription)).unwrap();
        let now = stage.clock().now();
        let amount = crate::store_support::eur(4_900);
        let sale = Sale { plan: road.to_owned(), name: road.to_owned(), amount };
        let sold = Told {
            customer: customer.ours.clone(),
            subscription: customer.subscription.clone(),
            record: record["record_id"].as_str().map(str::to_owned),
            at: now,
            news: News::Active { sale, on: now.date_naive() },
        };
        let item = item(&customer.ours, &Command::Told(sold));
        self.customers.lock().unwrap().insert(item.saga.to_string(), (customer, road));
        item
    }

    /// CRM declines nothing: a no is a refusal for good.
    fn decline(&self) -> Outcome {
        let (kind, code) = (RejectionKind::Invalid, "harness".to_owned());
        Outcome::Rejected { rejection: Rejection { kind, code, message: "no, as the test wants".to_owned() } }
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    /// CRM has the customer once, with one deal and our tags as the last news leave them, wherever nothing was refused.
    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let with = |module: &str, field: &str, key: &str| -> Vec<Value> {
            books["zoho_crm"][module].as_array().unwrap().iter().filter(|one| one[field] == key).cloned().collect()
        };
        for line in sagas.iter().filter(|line| line.kind == KIND) {
            let (customer, plan) = self.customers.lock().unwrap()[&line.id.to_string()].clone();
            let contacts = with("contacts", "Platform_User_Id", &customer.ours);
            let deals = with("deals", "Billing_Ref", &customer.subscription);
            assert!(contacts.len() <= 1 && deals.len() <= 1, "written twice: {line:#?} {contacts:?} {deals:?}");
            let (_, events) = query::saga(self.pool(), line.id).await.unwrap().unwrap();
            let refused = ["CustomerRefused", "DealRefused", "TagsRefused"];
            let has = |name: &str| events.iter().any(|event| event.name == name);
            if line.state != "Kept" || refused.iter().any(|name| has(name)) {
                continue;
            }
            let ended = events.iter().any(|event| event.payload.contains(r#""news":"ended""#));
            let life = if ended { "lifecycle-churned" } else { "lifecycle-active" };
            let tier = (plan == "pro-monthly" && !ended).then_some("plan-pro");
            let mut wanted: Vec<_> = tier.into_iter().chain([life]).collect();
            wanted.sort_unstable();
            let mut tags: Vec<_> = contacts[0]["tags"].as_array().unwrap().clone();
            tags.sort_unstable_by_key(|tag| tag.as_str().map(str::to_owned));
            assert_eq!(json!(tags), json!(wanted), "{line:#?}");
            assert_eq!(deals[0]["Stage"], "Closed Won", "{line:#?}");
        }
    }
}
