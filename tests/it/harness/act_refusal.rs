//! The fixture of refused acts: a stage without its service, and a record on which an act stands.

use super::Ground;
use super::staged::Staged;
use attio_billing::connectors::attio::Standing;
use attio_billing::demo::SignUp;
use attio_billing::engine::Engine;
use attio_billing::store::Store;
use attio_billing::store::items::NewItem;
use attio_billing::store::query::SagaLine;
use chrono::TimeDelta;
use sagas::act_refusal::{ActRefusal, Command};
use sagas::kernel::outcome::{Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const KIND: &str = ActRefusal::NAME;
const ACT: &str = "Request refund";
const SENTENCE: &str =
    "`Request refund` was not carried out: ask finance, who refund at Braintree and note it in Zoho.";
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Fixture {
    staged: Staged,
    /// Which record each saga answers on.
    records: Mutex<HashMap<String, String>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self { staged: Staged::new().await, records: Mutex::default() }
    }

    async fn standing(&self, record: &str) -> Standing {
        self.staged.connectors.attio.pressed(record, LIMIT).await.unwrap()
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
        &["answered"]
    }

    async fn poll(&self, store: &Store, engine: &Arc<Engine>) -> bool {
        self.staged.poll(store, engine).await;
        true
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let record = self.staged.stage.newcomer(&SignUp::new(name, self.staged.stage.plan())).await.unwrap().record;
        self.staged.stage.press(&record, ACT).await.unwrap();
        let Standing::Press(press) = self.standing(&record).await else { panic!("nothing stands on {record}") };
        let saga = ActRefusal::id(&record, press.pressed_at);
        self.records.lock().unwrap().insert(saga.to_string(), record.clone());
        let command =
            Command::Pressed { record, act: press.act, pressed_at: press.pressed_at, sentence: SENTENCE.to_owned() };
        super::item(saga, KIND, "test.pressed", &command)
    }

    /// Attio declines nothing: its no is a refusal for good.
    fn decline(&self) -> Outcome {
        let (kind, code) = (RejectionKind::NotFound, "harness".to_owned());
        Outcome::Rejected { rejection: Rejection { kind, code, message: "gone, as the test wants".to_owned() } }
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        for line in sagas {
            let record = self.records.lock().unwrap()[&line.id.to_string()].clone();
            let standing = self.standing(&record).await;
            match line.ended.as_deref() {
                Some("completed") => assert_eq!(standing, Standing::Nothing, "answered, and the act stands: {line:#?}"),
                _ => assert!(matches!(standing, Standing::Press(_)), "answered by nobody: {line:#?}"),
            }
        }
    }
}
