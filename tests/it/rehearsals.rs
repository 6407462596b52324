//! Rehearsals for the tests: their parameters, the message that starts one, and one that was let go until it is as wanted.

use crate::outside::Outside;
use attio_billing::engine::items::Body;
use attio_billing::store::items::{NewItem, offer_item};
use attio_billing::store::query::SagaLine;
use sagas::kernel::ids::SagaId;
use sagas::kernel::money::{Money, currency};
use sagas::kernel::saga::Saga;
use sagas::rehearsal::{Command, Params, Rehearsal, Scripts};

pub(crate) fn params(name: &str) -> Params {
    Params {
        name: name.to_owned(),
        amount: Money::new(1_000, currency("EUR").unwrap()),
        scripts: Scripts::default(),
        park: false,
        await_seconds: None,
    }
}

/// The rehearsal of that name.
pub(crate) fn named(name: &str) -> SagaId {
    SagaId::derived("rehearsal", &[name])
}

/// The message that starts it.
pub(crate) fn start(params: Params) -> NewItem {
    let saga = named(&params.name);
    let command = serde_json::to_value(Command::Start { params }).unwrap();
    NewItem {
        saga,
        saga_kind: Rehearsal::NAME.to_owned(),
        kind: "operator.rehearse".to_owned(),
        principal: "operator:test".to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: Some(format!("rehearse:{saga}")),
    }
}

/// Starts it and waits until it is as wanted.
pub(crate) async fn rehearse(out: &Outside, params: Params, what: &str, rests: impl Fn(&SagaLine) -> bool) -> SagaId {
    let item = start(params);
    let service = out.stage.service();
    offer_item(&service.store.pool, service.store.node.shard_count(), &item, &[]).await.unwrap();
    service.engine.wake();
    out.stage.until_saga(item.saga, what, rests).await.unwrap();
    item.saga
}
