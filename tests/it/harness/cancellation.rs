//! The fixture of the cancellation: a customer who owes an invoice, and an order to cancel at once and void what is owed; or
//! one who has paid it, and all of that goes back. No webhook comes by itself; Zoho's message is told by hand.

use super::Ground;
use super::staged::Staged;
use attio_billing::demo::{Customer, Wish as Customers};
use attio_billing::engine::items::Body;
use attio_billing::store::items::NewItem;
use attio_billing::store::links::{LinkKind, link};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use chrono::TimeDelta;
use sagas::cancellation::{Cancellation, Choice, Command, GiveBack, News, Of, OpenInvoices, Order, Wish};
use sagas::kernel::give_back;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Mutex;

pub(crate) const KIND: &str = Cancellation::NAME;
const PRICE: i64 = 4_900;
const GIVEN_BACK: &str = "given back";

pub(crate) struct Fixture {
    staged: Staged,
    /// Whom each saga cancels, and the payment that goes back.
    customers: Mutex<HashMap<String, (Customer, Option<String>)>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self { staged: Staged::new().await, customers: Mutex::default() }
    }

    /// The subscription's record is linked, as an activation leaves it.
    async fn link_record(&self, customer: &Customer) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let records = books["attio"]["records"]["subscriptions"].as_array().unwrap().clone();
        let theirs = records.iter().find(|r| r.to_string().contains(&customer.zoho_subscription)).unwrap();
        let record = theirs["record_id"].as_str().unwrap().to_owned();
        link(self.pool_of(), &customer.subscription, &[(LinkKind::AttioSubscription, &record)]).await.unwrap();
    }

    /// Give-backs that were ordered of a payment.
    async fn give_backs(&self, transaction: &str) -> usize {
        let filter = SagaFilter {
            kind: Some(give_back::FLOW.to_owned()),
            reference: Some(transaction.to_owned()),
            ..SagaFilter::default()
        };
        query::sagas(self.pool_of(), &filter, None, 10).await.unwrap().len()
    }

    const fn pool_of(&self) -> &sqlx::PgPool {
        &self.staged.ground.pool
    }
}

fn item(start: &NewItem, command: &Command) -> NewItem {
    NewItem { body: Body::Saga { command: serde_json::to_value(command).unwrap() }.text(), ..start.clone() }
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
        &["void", GIVEN_BACK]
    }

    fn one_in(&self) -> usize {
        4
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const OTHERWISE: &str = "ordered or chosen otherwise: the simulation strikes it in every way";
        &[
            ("reactivate", OTHERWISE),
            ("write_off_invoice", OTHERWISE),
            ("release_product", "of a subscription that an activation sold: the simulation strikes it in every way"),
            ("task", "all was paid by card: the simulation strikes it in every way"),
        ]
    }

    /// Zoho tells that it has ended, and before that that it goes on.
    fn news(&self, start: &NewItem) -> Vec<NewItem> {
        let Ok(Body::Saga { command }) = serde_json::from_str(&start.body) else { panic!("not a command: {start:?}") };
        let Ok(Command::Ordered { of, .. }) = serde_json::from_value(command) else { panic!("no order: {start:?}") };
        let told = |news| item(start, &Command::Noticed { of: of.clone(), news });
        vec![told(News::GoesOn), start.clone(), told(News::Ended)]
    }

    fn told(&self) -> usize {
        3
    }

    async fn start_of(&self, road: &'static str, name: &str) -> NewItem {
        let (customer, payment) = if road == GIVEN_BACK {
            let paid = self.staged.paid_invoice(name, PRICE).await;
            (paid.customer, Some(paid.transaction))
        } else {
            (self.staged.stage.new_customer(&Customers::new(name, PRICE)).await.unwrap(), None)
        };
        self.link_record(&customer).await;
        let of = Of {
            organization: self.staged.stage.config().vendors.zoho.organization_id.clone(),
            installation: self.staged.installation(),
            subscription: customer.zoho_subscription.clone(),
        };
        let saga = Cancellation::id(&of.organization, &of.subscription);
        let order = Order {
            wish: Wish::CancelNow,
            choice: Choice {
                open_invoices: Some(OpenInvoices::Void),
                give_back: Some(if payment.is_some() { GiveBack::Full } else { GiveBack::Nothing }),
            },
            reason: "tested".to_owned(),
            by: "token:test".to_owned(),
            press: None,
        };
        let command = Command::Ordered { of, order: Box::new(order) };
        self.customers.lock().unwrap().insert(saga.to_string(), (customer, payment));
        super::item(saga, KIND, "test.ordered", &command)
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let of = |kind: &str, field: &str, id: &str| -> Value {
            let all = books["zoho"][kind].as_array().unwrap().iter();
            let mut all = all.filter(|row| row[field] == id);
            all.next().unwrap_or_else(|| panic!("{id} is not in Zoho's books")).clone()
        };
        for line in sagas.iter().filter(|line| line.kind == KIND && line.state == "Closed") {
            let (customer, payment) = self.customers.lock().unwrap()[&line.id.to_string()].clone();
            let subscription = of("subscriptions", "subscription_id", &customer.zoho_subscription);
            assert_eq!(subscription["status"], "cancelled", "closed, and it runs: {line:#?}");
            let invoice = of("invoices", "invoice_id", &customer.first_invoice);
            let Some(payment) = payment else {
                assert_eq!(invoice["status"], "void", "closed, and it is owed: {line:#?}");
                continue;
            };
            assert_eq!(self.give_backs(&payment).await, 1, "closed, and ordered otherwise than once: {line:#?}");
        }
    }
}
