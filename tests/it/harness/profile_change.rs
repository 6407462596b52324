//! The fixture of changes of customers: a company that is billed, whose contact in CRM bears our id, is edited in Attio. The
//! vendors are all of the simulated ones.

use super::Ground;
use super::staged::Staged;
use attio_billing::demo::{Customer, Wish};
use attio_billing::port::Person;
use attio_billing::store::items::NewItem;
use attio_billing::store::query::{self, SagaLine};
use attio_billing::store::{people, profiles};
use chrono::TimeDelta;
use sagas::kernel::effect::AttioRecord;
use sagas::kernel::outcome::{Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::profile::{Field, Values, WANTED};
use sagas::kernel::saga::Saga;
use sagas::profile_change::{Command, ProfileChange};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Mutex;

pub(crate) const KIND: &str = ProfileChange::NAME;

pub(crate) struct Fixture {
    staged: Staged,
    /// Whom each saga is about, and the new address.
    customers: Mutex<HashMap<String, (Customer, String)>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self { staged: Staged::new().await, customers: Mutex::default() }
    }

    async fn staff(&self, act: Value) -> Value {
        self.staged.stage.sandbox.staff(&act).await.unwrap()
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
        &["edited", "ordered"]
    }

    fn one_in(&self) -> usize {
        4
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const MERGED: &str = "needs records that are merged: scenes and tests of the flow play it";
        &[
            ("unlink", MERGED),
            ("link", MERGED),
            ("weigh_currency", "needs a currency that is asked for: scenes and tests of the flow play it"),
        ]
    }

    async fn start_of(&self, road: &'static str, name: &str) -> NewItem {
        let stage = &self.staged.stage;
        let customer = stage.new_customer(&Wish::new(name, 4_900)).await.unwrap();
        let email = format!("new-{}@company.example", customer.ours);
        let place = json!({"line_1": "Street 1", "line_2": null, "line_3": null, "line_4": null, "locality": "Austin",
            "region": null, "postcode": "78701", "country_code": "US", "latitude": null, "longitude": null});
        let ordered = road == "ordered";
        let shown = if ordered { format!("old-{}@company.example", customer.ours) } else { email.clone() };
        let person = json!({"vendor": "attio", "act": "create_record", "object": "people", "values": {
            "name": [{"first_name": "Ada", "last_name": name, "full_name": format!("Ada {name}")}],
            "email_addresses": [shown.clone()]}});
        let person = self.staff(person).await["id"]["record_id"].clone();
        let title = if ordered { format!("Before {name}") } else { format!("{name} Ltd") };
        let company = json!({"vendor": "attio", "act": "set_values", "object": "companies",
            "record_id": customer.attio_company, "values": {"name": [title], "primary_location": [place],
            "team": [{"target_object": "people", "target_record_id": person}]}});
        self.staff(company).await;
        let contact = json!({"vendor": "zoho_crm", "act": "create_record", "module": "Contacts", "values": {
            "Last_Name": "Before", "Platform_User_Id": customer.ours}});
        self.staff(contact).await;
        let account = json!({"vendor": "zoho_crm", "act": "create_record", "module": "Accounts", "values": {
            "Account_Name": format!("Before {name}"), "Billing_Account_Id": customer.ours}});
        self.staff(account).await;
        let client = AttioRecord { object: "companies".to_owned(), id: customer.attio_company.clone() };
        let (ours, by) = (customer.ours.clone(), "test".to_owned());
        let saga = ProfileChange::id(&ours);
        let item = if ordered {
            let values = Values::from([(Field::Email, email.clone()), (Field::Company, format!("{name} Ltd"))]);
            let person = Person { email: shown, ..Person::default() };
            assert!(people::put(self.pool(), &ours, &person).await.unwrap());
            let (mark, fields) = (format!("test:{ours}"), values.keys().copied().collect());
            profiles::displace(self.pool(), &ours, &mark, WANTED, &values).await.unwrap();
            super::item(saga, KIND, "test.patched", &Command::Patched { customer: ours, client, fields, mark, by })
        } else {
            super::item(saga, KIND, "test.changed", &Command::Changed { customer: ours, client, by })
        };
        self.customers.lock().unwrap().insert(item.saga.to_string(), (customer, email));
        item
    }

    /// Nobody declines: a no is a refusal for good.
    fn decline(&self) -> Outcome {
        let (kind, code) = (RejectionKind::Invalid, "harness".to_owned());
        Outcome::Rejected { rejection: Rejection { kind, code, message: "no, as the test wants".to_owned() } }
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    /// Wherever nothing was refused, every target shows what Attio holds; nobody is there twice.
    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let with = |list: &Value, field: &str, key: &str| -> Vec<Value> {
            list.as_array().unwrap().iter().filter(|one| one[field] == key).cloned().collect()
        };
        for line in sagas.iter().filter(|line| line.kind == KIND) {
            let (customer, email) = self.customers.lock().unwrap()[&line.id.to_string()].clone();
            let contacts = with(&books["zoho_crm"]["contacts"], "Platform_User_Id", &customer.ours);
            let accounts = with(&books["zoho_crm"]["accounts"], "Billing_Account_Id", &customer.ours);
            assert_eq!((contacts.len(), accounts.len()), (1, 1), "{line:#?}");
            let (_, events) = query::saga(self.pool(), line.id).await.unwrap().unwrap();
            let refused = ["TargetRefused", "TargetPutOff", "AddressTaken"];
            let refused = events.iter().any(|event| refused.contains(&event.name.as_str()));
            if line.state != "Written" || line.ended.as_deref() != Some("completed") || refused {
                continue;
            }
            let left = "select count(*) from profile_displaced where mark = $1";
            let left = sqlx::query_scalar::<_, i64>(left).bind(format!("test:{}", customer.ours));
            assert_eq!(left.fetch_one(self.pool()).await.unwrap(), 0, "what stands in Attio is kept nowhere else");
            assert_eq!(contacts[0]["Email"], email.as_str(), "{line:#?}");
            let billing = with(&books["zoho"]["customers"], "customer_id", &customer.zoho_customer);
            let shown = (&billing[0]["email"], &billing[0]["display_name"]);
            assert_eq!(shown, (&json!(email), &accounts[0]["Account_Name"]), "{line:#?}");
            let gateway = with(&books["braintree"]["customers"], "id", &customer.braintree_customer);
            assert_eq!(gateway[0]["email"], email.as_str(), "{line:#?}");
            assert_eq!(events.iter().filter(|event| event.name == "TargetWritten").count(), 4, "{line:#?}");
        }
    }
}
