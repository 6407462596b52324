//! The fixture of tickets: a CRM user presses `Open ticket` on the record of a company, and a colleague asks the same again. The
//! vendors are the simulated Desk and Attio.

use super::Ground;
use super::staged::Staged;
use attio_billing::connectors::attio::Standing;
use attio_billing::demo::SignUp;
use attio_billing::engine::Engine;
use attio_billing::engine::items::Body;
use attio_billing::store::Store;
use attio_billing::store::items::NewItem;
use attio_billing::store::query::SagaLine;
use chrono::TimeDelta;
use sagas::desk_ticket::{About, Ask, Cause, Command, DeskTicket};
use sagas::kernel::effect::PressedAct;
use sagas::kernel::outcome::{Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const KIND: &str = DeskTicket::NAME;
const ACT: &str = "Open ticket";
const LIMIT: Duration = Duration::from_secs(10);

pub(crate) struct Fixture {
    staged: Staged,
    /// The record of each saga.
    records: Mutex<HashMap<String, String>>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self { staged: Staged::new().await, records: Mutex::default() }
    }
}

fn item(ask: Ask) -> NewItem {
    super::item(ask.saga(), KIND, "test.asked", &Command::Asked { ask: Box::new(ask) })
}

fn ask_of(start: &NewItem) -> Ask {
    let Ok(Body::Saga { command }) = serde_json::from_str(&start.body) else { panic!("not a command: {start:?}") };
    let Ok(Command::Asked { ask }) = serde_json::from_value(command) else { panic!("nothing asked: {start:?}") };
    *ask
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
        &["pressed"]
    }

    fn one_in(&self) -> usize {
        3
    }

    fn beyond(&self) -> &'static [(&'static str, &'static str)] {
        const AGAIN: &str = "needs the same asked again: scenes and tests of the flow play it";
        &[
            ("unlink_contact", "needs a contact that is deleted in Desk: tests of the flow play it"),
            ("read_ticket", AGAIN),
            ("comment", AGAIN),
            ("task", "is owed where contacts are in doubt or Desk is down for days: tests of the flow play it"),
        ]
    }

    async fn poll(&self, store: &Store, engine: &Arc<Engine>) -> bool {
        self.staged.poll(store, engine).await;
        true
    }

    fn news(&self, start: &NewItem) -> Vec<NewItem> {
        let pressed = ask_of(start);
        let cause = Cause::Asked { words: "asked again".to_owned() };
        vec![start.clone(), item(Ask { cause, press: None, key: "again".to_owned(), ..pressed })]
    }

    fn told(&self) -> usize {
        2
    }

    async fn start_of(&self, _: &'static str, name: &str) -> NewItem {
        let record = self.staged.stage.newcomer(&SignUp::new(name, self.staged.stage.plan())).await.unwrap().record;
        self.staged.stage.press(&record, ACT).await.unwrap();
        let standing = self.staged.connectors.attio.pressed(&record, LIMIT).await.unwrap();
        let Standing::Press(press) = standing else { panic!("nothing stands on {record}") };
        let start = item(Ask {
            about: About { record: Some(record.clone()), client: None },
            cause: Cause::Asked { words: String::new() },
            press: Some(PressedAct { act: press.act, pressed_at: press.pressed_at }),
            key: "press".to_owned(),
            by: "test".to_owned(),
        });
        self.records.lock().unwrap().insert(start.saga.to_string(), record);
        start
    }

    /// Desk declines nothing: a no is a refusal for good.
    fn decline(&self) -> Outcome {
        let (kind, code) = (RejectionKind::Invalid, "harness".to_owned());
        Outcome::Rejected { rejection: Rejection { kind, code, message: "no, as the test wants".to_owned() } }
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    /// One ticket for each saga that ended well, by its own field, and its id on the record.
    async fn check_books(&self, sagas: &[SagaLine], twice: &[SagaLine]) {
        let books = self.staged.stage.sandbox.books().await.unwrap();
        for line in sagas.iter().filter(|line| line.kind == KIND && !twice.iter().any(|other| other.id == line.id)) {
            let tickets = books["zoho_desk"]["tickets"].as_array().unwrap();
            let own: Vec<_> =
                tickets.iter().filter(|ticket| ticket["cf"]["cf_saga_id"] == line.id.to_string()).collect();
            let wanted = usize::from(line.state == "Linked");
            assert_eq!(own.len(), wanted, "{line:#?} {own:#?}");
            let record = self.records.lock().unwrap()[&line.id.to_string()].clone();
            let records = books["attio"]["records"]["subscriptions"].as_array().unwrap();
            let shown = records.iter().find(|shown| shown["record_id"] == record.as_str()).unwrap();
            if let (Some(ticket), Some("completed")) = (own.first(), line.ended.as_deref()) {
                let told = &shown["values"]["desk_ticket_id"];
                // The record was refused for good in the case that strikes it.
                assert!(told.is_null() || *told == ticket["id"], "{line:#?} {shown:#?}");
            }
        }
    }
}
