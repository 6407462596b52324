//! The fixture of the catalog sync: a stage without its service, and for each instance a catalog of its own: of what both
//! sides list, an instance sees the one plan that is named like it. So many can be played side by side at one Zoho.

use super::Ground;
use super::narrowed::{self, Own};
use super::staged::Staged;
use attio_billing::port::{Beside, Call, Perform as _};
use attio_billing::store::items::NewItem;
use attio_billing::store::query::{self, SagaLine};
use chrono::TimeDelta;
use sagas::catalog_sync::{Asked, CatalogSync, Command, compare};
use sagas::kernel::answer::Answer;
use sagas::kernel::catalog::{Catalog, CatalogPress, Offering, OfferingKind, ShownCatalog};
use sagas::kernel::effect::{Attio, Effect, OfferingFace};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Outcome, Rejection, RejectionKind};
use sagas::kernel::park::ParkCode;
use sagas::kernel::saga::Saga;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const KIND: &str = CatalogSync::NAME;
const LIMIT: Duration = Duration::from_secs(10);

/// Of both lists, its own plan alone.
fn keeps(answer: &mut Answer, plan: &str) {
    match answer {
        Answer::Catalog(catalog) => catalog.offerings.retain(|offering| offering.code == plan),
        Answer::ShownCatalog(shown) => shown.records.retain(|record| record.code.as_deref() == Some(plan)),
        _ => {}
    }
}

pub(crate) struct Fixture {
    staged: Staged,
    ground: Ground,
    /// Which plan each instance sees.
    plans: Own,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let staged = Staged::new().await;
        let plans = Own::default();
        let ground = narrowed::ground(&staged, &plans, Box::new(|_| {}), keeps);
        Self { staged, ground, plans }
    }

    async fn act(&self, act: Value) -> Value {
        self.staged.stage.sandbox.staff(&act).await.unwrap()
    }

    /// What both sides hold now.
    async fn both(&self) -> (Catalog, ShownCatalog) {
        let sold = self.staged.connectors.zoho.read_catalog(LIMIT).await.unwrap();
        (sold, self.staged.connectors.attio.shown_catalog(LIMIT).await.unwrap())
    }

    /// A record that says what Zoho sold once.
    async fn shown(&self, offering: Offering) -> String {
        let id = offering.external_id.clone();
        let now = self.staged.stage.clock().now();
        let as_of = now - TimeDelta::hours(1);
        let face = OfferingFace { record: None, offering, attributes: Vec::new(), as_of };
        let call = Call {
            saga: SagaId::derived("harness", &[&id]),
            step: "show".to_owned(),
            attempt: 1,
            effect: Effect::Attio(Attio::ShowOffering(Box::new(face))),
            requested_at: now,
            sent_at: None,
            now,
            time_limit: LIMIT,
            beside: Beside::default(),
        };
        let outcome = self.staged.connectors.perform(&call).await.outcome;
        assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
        let shown = self.both().await.1;
        let found = shown.records.into_iter().find(|record| record.external_id.as_ref() == Some(&id));
        found.expect("the record").record
    }
}

#[async_trait::async_trait]
impl super::Fixture for Fixture {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn ground(&self) -> &Ground {
        &self.ground
    }

    async fn advance(&self, by: TimeDelta) {
        self.staged.stage.sandbox.advance(&format!("PT{}S", by.num_seconds() + 1)).await.unwrap();
    }

    fn roads(&self) -> &'static [&'static str] {
        &["edited", "repriced", "gone"]
    }

    async fn start_of(&self, road: &'static str, name: &str) -> NewItem {
        let real = self.staged.stage.config().vendors.zoho.organization_id.clone();
        let now = self.staged.stage.clock().now();
        if road != "gone" {
            self.act(json!({"vendor": "zoho", "act": "add_plan", "plan_code": name, "name": name, "price": 4_900}))
                .await;
        }
        let sold = self.both().await.0.offerings.into_iter().find(|offering| offering.code == name);
        let offering = sold.unwrap_or_else(|| Offering {
            external_id: OfferingKind::Plan.external_id(&real, name),
            kind: OfferingKind::Plan,
            code: name.to_owned(),
            name: name.to_owned(),
            price: None,
            price_text: "gone".to_owned(),
            interval: "1 month".to_owned(),
            active: true,
        });
        let price_text = if road == "repriced" { "cheaper".to_owned() } else { offering.price_text.clone() };
        let record = self.shown(Offering { price_text, ..offering }).await;
        let by = match road {
            "edited" => {
                self.act(json!({"vendor": "attio", "act": "set_value", "object": "service_plans", "record_id": record,
                    "attribute": "name", "value": "by hand"}))
                    .await;
                Asked::Edited { record }
            }
            "repriced" => {
                self.act(json!({"vendor": "attio", "act": "press", "object": "service_plans", "record_id": record,
                    "action": "Sync catalog now"}))
                    .await;
                let shown = self.both().await.1.records.into_iter().find(|shown| shown.record == record);
                let press = shown.and_then(|shown| shown.press);
                Asked::Pressed { press: press.unwrap_or(CatalogPress { record, pressed_at: now }) }
            }
            _ => Asked::Poll,
        };
        // An organization of its own in name only: what tells the instances apart.
        let organization = format!("{real}-{name}");
        let saga = CatalogSync::id(&organization, now.date_naive());
        self.plans.lock().unwrap().insert(saga, name.to_owned());
        let command = Command::Asked { organization, day: now.date_naive(), by, key: name.to_owned() };
        super::item(saga, KIND, "test.asked", &command)
    }

    /// Neither Zoho nor Attio declines anything: a no is a refusal for good.
    fn decline(&self) -> Outcome {
        let (kind, code) = (RejectionKind::NotFound, "harness".to_owned());
        Outcome::Rejected { rejection: Rejection { kind, code, message: "gone, as the test wants".to_owned() } }
    }

    async fn clear(&self, _: ParkCode, _: &SagaLine) {}

    /// Attio shows what Zoho sells, wherever a run came to its end and nothing was passed over.
    async fn check_books(&self, sagas: &[SagaLine], _: &[SagaLine]) {
        let (sold, held) = self.both().await;
        let books = self.staged.stage.sandbox.books().await.unwrap();
        for line in sagas {
            let plan = self.plans.lock().unwrap()[&line.id].clone();
            let (_, events) = query::saga(self.pool(), line.id).await.unwrap().unwrap();
            let passed_over = events.iter().any(|event| event.name == "PassedOver");
            let mut sold = sold.clone();
            sold.offerings.retain(|offering| offering.code == plan);
            let mut held = held.clone();
            held.records.retain(|record| record.code.as_ref() == Some(&plan));
            let [record] = held.records.as_slice() else { panic!("{plan} has {} records", held.records.len()) };
            for (what, of) in [("notes", "parent_record_id"), ("tasks", "linked_record_ids")] {
                let all = books["attio"][what].as_array().unwrap();
                let its = all.iter().filter(|one| one[of] == *record.record || one[of] == json!([record.record]));
                assert!(its.count() <= 1, "{what} are told once: {line:#?}");
            }
            if line.state == "Asserted" && !passed_over {
                let differs = compare(&sold, &held);
                assert!(differs.is_empty(), "{line:#?} is over, and {differs:#?}");
            }
        }
    }
}
