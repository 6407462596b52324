//! Calls the stub over HTTP, for the engine and for the bare loop alike.

use super::{Plan, flow};
use crate::port::{Call, Perform, Report};
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{Look, NotSent, Outcome, Rejection, RejectionKind};

/// Calls the stub, or nobody.
#[derive(Clone)]
pub(super) struct Caller {
    client: reqwest::Client,
    base: Option<String>,
}

impl Caller {
    pub(super) fn new(plan: &Plan) -> anyhow::Result<Self> {
        // Only the first call in a process has an effect; a second one says so, and that is fine.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = reqwest::Client::builder().pool_max_idle_per_host(1_024).build()?;
        Ok(Self { client, base: plan.work.calls().then(|| plan.stub.clone()) })
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

    async fn look(&self, _: &Call) -> Look {
        Look::Absent { watermark: false, key_proven: false }
    }
}
