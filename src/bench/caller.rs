//! Calls the stub over HTTP, for the engine and for the bare loop alike.

use super::flow;
use super::stub::Tally;
use crate::port::{Call, Meter, Perform, Report};
use anyhow::Context;
use reqwest::StatusCode;
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{Look, NotSent, Outcome, Rejection, RejectionKind};
use std::sync::Arc;
use std::time::Duration;

/// Calls the stub, or nobody.
#[derive(Clone)]
pub(super) struct Caller {
    client: reqwest::Client,
    base: Option<String>,
    meter: Option<Arc<dyn Meter>>,
}

/// A turn that is granted so late is none.
const PATIENCE: Duration = Duration::from_secs(2);

impl Caller {
    /// A caller of the stub there; of nobody, where there is none.
    pub(super) fn new(stub: Option<&str>) -> anyhow::Result<Self> {
        crate::tls::choose();
        let client = reqwest::Client::builder().pool_max_idle_per_host(1_024).build()?;
        Ok(Self { client, base: stub.map(str::to_owned), meter: None })
    }

    /// Asks a meter before each call, as the connectors do.
    pub(super) fn metered(self, meter: Arc<dyn Meter>) -> Self {
        Self { meter: Some(meter), ..self }
    }

    /// What the stub got so far.
    pub(super) async fn tally(&self) -> anyhow::Result<Tally> {
        let base = self.base.as_deref().context("there is no stub")?;
        Ok(self.client.get(format!("{base}/tally")).send().await?.error_for_status()?.json().await?)
    }

    /// Whether the stub agrees; none: no answer.
    pub(super) async fn call(&self, path: &str) -> Option<bool> {
        let Some(base) = &self.base else { return Some(true) };
        let response = self.client.post(format!("{base}/{path}")).body("{}").send().await.ok()?;
        let good = response.status().is_success();
        response.bytes().await.ok()?;
        Some(good)
    }
}

#[async_trait::async_trait]
impl Perform for Caller {
    async fn perform(&self, call: &Call) -> Report {
        if let Some(meter) = &self.meter
            && let Err(denied) = meter.grant(call.effect.vendor(), PATIENCE).await
        {
            return Report::from(Outcome::from(denied));
        }
        Report::from(match self.call(flow::path(&call.effect)).await {
            Some(true) => Outcome::Done { answer: Answer::Nothing },
            Some(false) => {
                let rejection = Rejection {
                    kind: RejectionKind::State,
                    code: "refused".to_owned(),
                    message: "the stub refuses it".to_owned(),
                };
                Outcome::Rejected { rejection }
            }
            None => Outcome::NotSent {
                cause: NotSent::Outage,
                detail: "the stub does not answer".to_owned(),
                retry_after_seconds: None,
            },
        })
    }

    async fn look(&self, call: &Call) -> Look {
        let unclear = |detail: String| Look::Unclear { detail };
        let Some(base) = &self.base else { return unclear("there is nobody to ask".to_owned()) };
        match self.client.get(format!("{base}/seen/{}", flow::path(&call.effect))).send().await {
            Ok(response) if response.status() == StatusCode::OK => {
                Look::Found { outcome: Box::new(Outcome::Done { answer: Answer::Nothing }), extra: Vec::new() }
            }
            // The stub knows a call from the moment that it comes.
            Ok(response) if response.status() == StatusCode::NOT_FOUND => {
                Look::Absent { watermark: true, key_proven: false }
            }
            Ok(response) => unclear(format!("the stub answers {}", response.status())),
            Err(_) => unclear("the stub does not answer".to_owned()),
        }
    }
}
