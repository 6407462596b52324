//! The fixture of the dispute: for each instance a customer whose invoice is paid and settled, and whose bank disputes it. The
//! invoice's own stream is told and answers, on the same node; a person hands in what wins at the sandbox's bank, and orders
//! it again where it was refused.

use super::Ground;
use super::staged::Staged;
use attio_billing::engine::Engine;
use attio_billing::engine::beside::NONCE;
use attio_billing::keys::Keys;
use attio_billing::store::Store;
use attio_billing::store::append::Status;
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::query::{self, SagaFilter, SagaLine};
use chrono::TimeDelta;
use sagas::dispute::{Command, Dispute, Of, Piece, Sale};
use sagas::kernel::effect::DocumentForm;
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use secrecy::SecretString;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

pub(crate) const KIND: &str = Dispute::NAME;
const PRICE: i64 = 4_900;
/// A file that begins as a PDF does, in base64.
const FILE: &str = "JVBERi0xLjQK";

pub(crate) struct Fixture {
    staged: Staged,
    keys: Keys,
    /// Braintree's id of each saga's dispute.
    disputes: Mutex<HashMap<String, String>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let keys = Keys::new(&"a secret of the harness, of some length".into(), "http://127.0.0.1");
        Self { staged: Staged::new().await, keys, disputes: Mutex::default() }
    }

    /// Who is asked for a reply hands it in. False: nobody is.
    async fn replies(&self) -> bool {
        let pool = self.staged.stage.pool();
        let filter = SagaFilter { kind: Some(KIND.to_owned()), ..SagaFilter::default() };
        let mut replied = false;
        for line in query::sagas(pool, &filter, None, 500).await.unwrap() {
            if line.ended.is_some() || line.status != Status::Waiting || line.state != "EvidenceReady" {
                continue;
            }
            let seal = |text: &str| self.keys.secrets().seal(NONCE, &SecretString::from(text));
            let (text, file) = (seal("compelling_evidence"), seal(FILE));
            let pieces = vec![
                Piece::Document { input: file.id, form: DocumentForm::Pdf, category: None },
                Piece::Text { input: text.id, category: None },
            ];
            let command = Command::Submit { pieces, by: "token:ada".to_owned(), reason: "harness".to_owned() };
            let command = serde_json::to_value(command).unwrap();
            let order = super::item(line.id, KIND, "test.submitted", &command);
            offer_item(pool, attio_billing::store::schema::SHARDS, &order, &[text, file]).await.unwrap();
            replied = true;
        }
        replied
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

    async fn advance(&self, by: TimeDelta) {
        // Who is asked replies now, instead of letting the last day pass; only then does time go on.
        let by = if self.replies().await { by.min(TimeDelta::minutes(5)) } else { by };
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
        self.staged.pass_by().await;
    }

    fn roads(&self) -> &'static [&'static str] {
        &["contested"]
    }

    fn one_in(&self) -> usize {
        4
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const OTHERS: &str =
            "needs another invoice of the customer: tests/it/disputes and the flow's own tests play it";
        const LOST: &str = "needs a dispute that is lost: tests/it/disputes and the flow's own tests play it";
        const NEAR: &str =
            "needs a record of the subscription, and a deadline that is near: the flow's own tests play it";
        &[("tell_held", OTHERS), ("cancel_subscription", LOST), ("task", NEAR)]
    }

    async fn poll(&self, store: &Store, engine: &Arc<Engine>) -> bool {
        self.staged.poll(store, engine).await;
        true
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let paid = self.staged.paid_invoice(name, PRICE).await;
        let open =
            json!({"vendor": "braintree", "act": "open_dispute", "id": paid.transaction, "reply_by": "2030-01-01"});
        let opened = self.staged.stage.sandbox.staff(&open).await.unwrap();
        let dispute = opened["id"].as_str().unwrap().to_owned();
        let saga = Dispute::id(&dispute);
        self.disputes.lock().unwrap().insert(saga.to_string(), dispute.clone());
        let of = Of {
            organization: self.staged.stage.config().vendors.zoho.organization_id.clone(),
            installation: self.staged.installation(),
            dispute,
        };
        let sale = Sale { transaction: paid.transaction, invoice: paid.invoice, stream: paid.stream };
        let command = Command::Noticed { of, sale: Some(sale), seen: None, source: "test".to_owned() };
        super::item(saga, KIND, "test.noticed", &command)
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        let all = books["braintree"]["disputes"].as_array().unwrap();
        for line in sagas.iter().filter(|line| line.kind == KIND) {
            let id = self.disputes.lock().unwrap()[&line.id.to_string()].clone();
            let shown = all.iter().find(|one| one["id"] == id.as_str()).expect("it is at Braintree");
            let won = shown["status"] == "won";
            assert!(line.state != "Won" || won, "shown as won, and is not: {shown} {line:#?}");
            assert!(line.ended.is_none() || won, "it ended, and the bank has not decided: {shown} {line:#?}");
            let pieces = shown["evidence"].as_array().unwrap().len();
            assert!(!won || pieces >= 2, "won without what was handed in: {shown} {line:#?}");
        }
    }
}
