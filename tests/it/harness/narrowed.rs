//! The vendors, of whose lists an instance sees what is its own alone: what one lists would else be another's to play with. Passes
//! all else on.

use super::Ground;
use super::calls::Recorder;
use super::staged::Staged;
use attio_billing::connectors::Connectors;
use attio_billing::port::{Call, Perform, Report};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::Effect;
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, Outcome};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What each instance sees: the vendor's id of it.
pub(super) type Own = Arc<Mutex<HashMap<SagaId, String>>>;
type Asks = Box<dyn Fn(&mut Effect) + Send + Sync>;

struct Narrowed {
    vendors: Arc<Connectors>,
    own: Own,
    /// What is asked for instead.
    asks: Asks,
    /// Leaves of an answer what belongs to that id.
    keeps: fn(&mut Answer, &str),
}

#[async_trait::async_trait]
impl Perform for Narrowed {
    async fn perform(&self, call: &Call) -> Report {
        let mut call = call.clone();
        (self.asks)(&mut call.effect);
        let mut report = self.vendors.perform(&call).await;
        let own = self.own.lock().unwrap().get(&call.saga).cloned().unwrap_or_default();
        if let Outcome::Done { answer } = &mut report.outcome {
            (self.keeps)(answer, &own);
        }
        report
    }

    async fn look(&self, call: &Call) -> Look {
        self.vendors.look(call).await
    }

    async fn confirm(&self, call: &Call, id: &str) -> Look {
        self.vendors.confirm(call, id).await
    }
}

/// The stage's ground, with its vendors narrowed.
pub(super) fn ground(staged: &Staged, own: &Own, asks: Asks, keeps: fn(&mut Answer, &str)) -> Ground {
    let narrowed = Narrowed { vendors: staged.connectors.clone(), own: own.clone(), asks, keeps };
    let calls = Recorder::new(Arc::new(narrowed), &staged.stage.sandbox);
    Ground {
        pool: staged.ground.pool.clone(),
        database_url: staged.ground.database_url.clone(),
        vendors: calls.clone(),
        calls: Some(calls),
        clock: staged.ground.clock.clone(),
    }
}
