//! The fixture of the refund: for each instance a customer whose first invoice is paid, by the invoice's own stream on the
//! same node, and settled. Its stream is asked, answers, and hears the end, as in the service.

use super::Ground;
use super::staged::Staged;
use attio_billing::clock::Clock;
use attio_billing::engine::items::Body;
use attio_billing::keys::Keys;
use attio_billing::mail::Mailer;
use attio_billing::port::Person;
use attio_billing::store::items::NewItem;
use attio_billing::store::people;
use attio_billing::store::query::{self, SagaLine};
use chrono::TimeDelta;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use sagas::refund::{self, Approval, Refund, Source, Wish};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub(crate) const KIND: &str = Refund::NAME;
const PRICE: i64 = 4_900;
const GIVEN_BACK: i64 = 1_900;

pub(crate) struct Fixture {
    staged: Staged,
    mailer: Arc<Mailer>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let staged = Staged::new().await;
        let config = staged.stage.config();
        let clock: Arc<dyn Clock> = staged.stage.clock().clone();
        let mailer = Mailer::new(&config.mail, &config.brand, clock, Duration::from_secs(10)).unwrap();
        Self { mailer: Arc::new(mailer), staged }
    }

    /// Somebody gives a part of the sale back in Braintree's console.
    async fn refunded_in_console(&self, sale: &str) -> String {
        let act = json!({"vendor": "braintree", "act": "refund_in_console", "id": sale, "amount": "19.00"});
        let made = self.staged.stage.sandbox.staff(&act).await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    }

    /// What money went out with, by the sale that it is of: id and status.
    async fn refunds(&self) -> BTreeMap<String, Vec<(String, String)>> {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let mut refunds = BTreeMap::<_, Vec<_>>::new();
        for refund in books["braintree"]["transactions"].as_array().unwrap() {
            let text = |field: &str| refund[field].as_str().unwrap_or_default().to_owned();
            let status = text("status");
            if text("type") == "credit" && ["submitted_for_settlement", "settling", "settled"].contains(&&*status) {
                refunds.entry(text("refunded_transaction_id")).or_default().push((text("id"), status));
            }
        }
        refunds
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
        Keys::new(&"a secret of the harness, of some length".into(), "http://127.0.0.1")
    }

    fn mailer(&self) -> Option<Arc<Mailer>> {
        Some(self.mailer.clone())
    }

    async fn advance(&self, by: TimeDelta) {
        for (id, status) in self.refunds().await.into_values().flatten() {
            if status == "submitted_for_settlement" {
                self.staged.settle(&id).await;
            }
        }
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
        self.staged.pass_by().await;
    }

    fn roads(&self) -> &'static [&'static str] {
        &["forgiven", "reopened", "elsewhere"]
    }

    fn one_in(&self) -> usize {
        6
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const VOID: &str =
            "follows a void: the clock settles every sale here; tests/it/refunds and the flow's own tests play it";
        const LESS: &str = "what is reopened is a part: `lower_payment` is played, and the flow's own tests delete";
        const NOTE: &str =
            "needs a credit note over another sum, which Zoho does not make: the flow's own tests play it";
        &[
            ("read_invoice", VOID),
            ("void_invoice", VOID),
            ("apply_note", VOID),
            ("delete_payment", LESS),
            ("void_note", NOTE),
        ]
    }

    async fn start_of(&self, road: &'static str, name: &str) -> NewItem {
        let paid = self.staged.paid_invoice(name, PRICE).await;
        let email = "given@example.org".to_owned();
        let person = Person { first_name: name.to_owned(), email, ..Person::default() };
        people::put(self.pool(), &paid.customer.ours, &person).await.unwrap();
        let made = if road == "elsewhere" { Some(self.refunded_in_console(&paid.transaction).await) } else { None };
        let wish = Wish {
            key: made.as_ref().map_or_else(|| "harness".to_owned(), |refund| format!("elsewhere:{refund}")),
            installation: self.staged.installation(),
            transaction: paid.transaction,
            invoice: paid.invoice,
            stream: paid.stream,
            amount: crate::store_support::eur(GIVEN_BACK),
            source: if road == "reopened" { Source::Reopen } else { Source::Forgive },
            reason: "harness".to_owned(),
            by: "rule:harness".to_owned(),
            approval: Approval::Rule,
        };
        let mut message = wish.message();
        if let Some(refund) = made {
            let found = refund::Command::FoundOutside { wish: Box::new(wish), refund };
            message.command = serde_json::to_value(found).unwrap();
            "reconciliation.book_refund".clone_into(&mut message.kind);
        }
        NewItem {
            saga: message.to,
            saga_kind: message.flow,
            kind: message.kind,
            principal: "test".to_owned(),
            body: Body::Saga { command: message.command }.text(),
            waiting_key: None,
            idempotency_key: None,
        }
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]) {
        let refunds = self.refunds().await;
        for line in sagas.iter().chain(twice).filter(|line| line.kind == KIND) {
            let (_, events) = query::saga(self.pool(), line.id).await.unwrap().unwrap();
            let begins = |name: &str| matches!(name, "RefundRequested" | "RefundFoundOutside");
            let asked = events.iter().find(|event| begins(&event.name)).expect("it was asked for, or found");
            let asked: Value = serde_json::from_str(&asked.payload).unwrap();
            let sale = asked["business"]["wish"]["transaction"].as_str().unwrap();
            let count = refunds.get(sale).map_or(0, Vec::len);
            let known = twice.iter().any(|other| other.id == line.id);
            assert!(count <= 1 || known, "refunded more than once: {:?} {line:#?}", refunds[sale]);
            let sent = line.state == "Settled";
            assert!(!sent || count >= 1, "shown as refunded, and nothing went out: {line:#?}");
        }
    }
}
