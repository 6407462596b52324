//! The fixture of the invoice payment. No webhook comes by itself: each invoice is detected by hand, so that what happens
//! is the same in every run.

use super::Ground;
use super::staged::Staged;
use attio_billing::demo::Wish;
use attio_billing::engine::Engine;
use attio_billing::engine::items::Body;
use attio_billing::store::Store;
use attio_billing::store::items::NewItem;
use attio_billing::store::query::SagaLine;
use chrono::TimeDelta;
use sagas::invoice_payment::{Command, InvoicePayment, News};
use sagas::kernel::ids::SagaId;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const KIND: &str = InvoicePayment::NAME;
const PRICE: i64 = 4_900;

pub(crate) struct Fixture {
    staged: Staged,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self { staged: Staged::new().await }
    }

    async fn void(&self, id: &str) {
        let void = json!({"vendor": "braintree", "act": "void_in_console", "id": id});
        self.staged.stage.sandbox.staff(&void).await.unwrap();
    }

    /// The live sales of each invoice, oldest first: id and status.
    async fn sales(&self) -> BTreeMap<SagaId, Vec<(String, String)>> {
        let mut sales = BTreeMap::<_, Vec<_>>::new();
        for (order, id, status) in self.staged.live_sales("inv").await {
            let saga = self.staged.stage.saga_of(order.split('.').next().unwrap());
            sales.entry(saga).or_default().push((id, status));
        }
        sales
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
        // Money settles at once, so that no case waits for days; a double one stays voidable.
        for sales in self.sales().await.into_values() {
            if let [(id, status)] = sales.as_slice()
                && status == "submitted_for_settlement"
            {
                self.staged.settle(id).await;
            }
        }
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
        self.staged.pass_by().await;
    }

    fn roads(&self) -> &'static [&'static str] {
        &["renewal"]
    }

    fn one_in(&self) -> usize {
        4
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("tell", "answers an activation whose capture it adopted: the simulation strikes it in every way"),
            ("answer_card", "answers a card update that told it of a new card: the simulation strikes it in every way"),
        ]
    }

    /// Zoho tells that it was raised, that it changed, and that somebody recorded a payment (that is not there);
    /// Braintree that a sale was settled.
    fn news(&self, start: &NewItem) -> Vec<NewItem> {
        let Ok(Body::Saga { command }) = serde_json::from_str(&start.body) else { panic!("not a command: {start:?}") };
        let told = |kind: &str, told: News| {
            let mut command: Command = serde_json::from_value(command.clone()).unwrap();
            if let Command::Detected { source, news, .. } = &mut command {
                kind.clone_into(source);
                *news = told;
            }
            let body = Body::Saga { command: serde_json::to_value(command).unwrap() }.text();
            NewItem { kind: kind.to_owned(), body, ..start.clone() }
        };
        vec![
            told("zoho.invoice_created", News::Raised),
            start.clone(),
            told("zoho.payment_thankyou", News::Recorded { payment: "982000000000999".to_owned() }),
            told("braintree.transaction_settled", News::Changed),
        ]
    }

    fn told(&self) -> usize {
        4
    }

    async fn poll(&self, store: &Store, engine: &Arc<Engine>) -> bool {
        self.staged.poll(store, engine).await;
        true
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let customer = self.staged.stage.new_customer(&Wish::new(name, PRICE)).await.unwrap();
        let command = Command::Detected {
            organization: self.staged.stage.config().vendors.zoho.organization_id.clone(),
            installation: self.staged.installation(),
            invoice: customer.first_invoice.clone(),
            // As a poll has it: the flow finds the subscription by itself.
            subscription: None,
            source: "test".to_owned(),
            news: News::Changed,
            card_link: None,
        };
        super::item(self.staged.stage.saga_of(&customer.first_invoice), KIND, "test.detected", &command)
    }

    async fn clear(&self, parked: ParkCode, saga: &SagaLine) {
        if parked == ParkCode::MoneyDecision {
            let (_, detail, _) = saga.parked.as_ref().unwrap();
            let sales = &self.sales().await[&saga.id];
            let extra = sales.iter().find(|(id, _)| detail.contains(&format!("({id})")));
            let (extra, _) = extra.unwrap_or_else(|| panic!("`{detail}` names none of {sales:?}"));
            self.void(extra).await;
        }
    }

    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]) {
        let sales = self.sales().await;
        let count = |line: &SagaLine| sales.get(&line.id).map_or(0, Vec::len);
        // Others hear of its invoices: they charge nothing.
        for line in sagas.iter().filter(|line| line.kind == KIND) {
            assert!(count(line) <= 1, "charged more than once: {:?} {line:#?}", sales[&line.id]);
            let paid = line.ended.as_deref() == Some("completed");
            assert!(!paid || count(line) == 1, "shown as paid without a charge: {line:#?}");
        }
        let money = |line: &&SagaLine| line.parked.as_ref().is_some_and(|(code, ..)| code == "MONEY_DECISION");
        for line in twice {
            let known = count(line) <= 1 || money(&line);
            assert!(known, "charged twice, and nobody is told: {:?} {line:#?}", sales[&line.id]);
        }
        // A saga that is parked at its first read has not booked the invoice yet: nothing to compare.
        if sagas.iter().chain(twice).all(|line| line.ended.is_some()) {
            let compared = self.staged.stage.compare().await.unwrap();
            // A state that Attio refused for good is passed over: the one difference that a flow may leave, on record.
            let passed_over: i64 =
                sqlx::query_scalar("select count(distinct saga) from event where name = 'ProjectionRefused'")
                    .fetch_one(self.pool())
                    .await
                    .unwrap();
            let shown = compared.pairs.last().expect("Attio is the last pair");
            assert_eq!(i64::try_from(shown.differences.len()).unwrap(), passed_over, "{}", compared.table());
            assert_eq!(compared.differences(), shown.differences.len(), "{}", compared.table());
            // Holds and activations are another flow's.
            let ours = |name: &str| !name.contains("holds") && !name.contains("activations");
            let ours = compared.pairs.iter().filter(|pair| ours(pair.name));
            let invoices = sagas.iter().filter(|line| line.kind == KIND).count();
            assert!(ours.into_iter().all(|pair| pair.compared >= invoices), "{}", compared.table());
        }
    }
}
