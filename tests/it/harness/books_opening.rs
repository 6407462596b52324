//! The fixture of the opening of the books: a customer of ours who owes an invoice, has credit, and of whom a sale is not
//! recorded. Nobody else is asked for. Each opening is of an organization of its own: the books of one open once.

use super::Ground;
use super::staged::Staged;
use attio_billing::demo::{Customer, Wish};
use attio_billing::port::{Beside, Call, Perform as _};
use attio_billing::store::items::NewItem;
use attio_billing::store::ledger::invoice_balances;
use attio_billing::store::query::SagaLine;
use attio_billing::store::settings::set_collection_owner;
use chrono::TimeDelta;
use sagas::books_opening::{BooksOpening, Command, Item, Kind, Proposal, Total};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Braintree, Effect};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::Outcome;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(crate) const KIND: &str = BooksOpening::NAME;
const PRICE: i64 = 4_900;

pub(crate) struct Fixture {
    staged: Staged,
    number: AtomicU32,
    /// Whose invoice each saga opens.
    customers: Mutex<HashMap<SagaId, Customer>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self { staged: Staged::new().await, number: AtomicU32::default(), customers: Mutex::default() }
    }

    /// The old system charged the customer, and recorded it nowhere.
    async fn sale_of_before(&self, customer: &Customer, number: u32) -> String {
        let now = self.staged.stage.clock().now();
        let call = Call {
            saga: SagaId::derived("harness", &["before"]),
            step: "sell".to_owned(),
            attempt: 1,
            effect: Effect::Braintree(Braintree::Sell {
                order_id: format!("before.{number}"),
                customer: customer.braintree_customer.clone(),
                token: customer.token.clone(),
                amount: crate::store_support::eur(100),
                recurring: true,
                details: None,
            }),
            requested_at: now,
            sent_at: None,
            now,
            time_limit: Duration::from_secs(10),
            beside: Beside::default(),
        };
        match self.staged.connectors.perform(&call).await.outcome {
            Outcome::Done { answer: Answer::Transaction(sale) } => sale.id,
            other => panic!("the sale was not made: {other:?}"),
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

    async fn advance(&self, by: TimeDelta) {
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
    }

    fn roads(&self) -> &'static [&'static str] {
        &["ties"]
    }

    async fn start_of(&self, _: &'static str, _: &str) -> NewItem {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let stage = &self.staged.stage;
        let customer = stage.new_customer(&Wish::new(format!("Owing {number}"), PRICE)).await.unwrap();
        set_collection_owner(stage.pool(), &customer.subscription, None, "harness").await.unwrap();
        let sale = self.sale_of_before(&customer, number).await;
        let item = |line, kind, id: &str, minor| Item {
            line,
            kind,
            id: id.to_owned(),
            amount: crate::store_support::eur(minor),
        };
        let items = vec![
            item(2, Kind::Receivable, &customer.first_invoice, PRICE),
            item(3, Kind::Credit, &customer.zoho_customer, 1_500),
            item(4, Kind::Unapplied, &sale, 100),
            item(5, Kind::InTransit, "payout", 300),
        ];
        let totals = items.iter().map(|item| Total { kind: item.kind, amount: item.amount }).collect();
        let organization = format!("90{number}");
        let saga = BooksOpening::id(&organization);
        self.customers.lock().unwrap().insert(saga, customer);
        let proposal = Box::new(Proposal {
            organization,
            installation: self.staged.installation(),
            open_at: stage.clock().now(),
            items,
            totals,
            reason: "harness".to_owned(),
            by: "token:harness".to_owned(),
            alone: true,
        });
        super::item(saga, KIND, "test.propose", &Command::Propose { proposal })
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    /// What is open is posted once: the invoice's by its own stream.
    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        for line in sagas.iter().filter(|line| line.kind == KIND && line.state == "Open") {
            let customer = self.customers.lock().unwrap()[&line.id].clone();
            let balances = invoice_balances(self.pool(), &customer.first_invoice).await.unwrap();
            let net: Vec<_> = balances.iter().map(|of| (of.account, of.net_minor())).collect();
            assert_eq!(net, [(1200, PRICE), (3900, -PRICE)], "{line:#?}");
        }
    }
}
