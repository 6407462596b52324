//! Calls on our own store: claims, card counters, and what our tables say about an invoice.

use crate::port::{Call, Report};
use crate::store::cards::{self, Cap, Charge, Counted};
use crate::store::claims::{self, Reserved};
use crate::store::survey::survey_invoice;
use sagas::kernel::answer::Answer;
use sagas::kernel::cards::network_caps;
use sagas::kernel::effect::{Claim, Desk};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Decline, DeclineKind, NotSent, Outcome};
use sqlx::PgPool;

/// Performs desk calls.
pub(super) struct DeskPerformer {
    pool: PgPool,
}

impl DeskPerformer {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(super) async fn perform(&self, call: &Call, desk: &Desk) -> Report {
        let answered = match desk {
            Desk::SurveyInvoice { invoice, customer, subscription } => {
                let survey = survey_invoice(&self.pool, invoice, customer, subscription.as_deref(), call.saga).await;
                survey.map(|survey| done(Answer::Survey(Box::new(survey))))
            }
            Desk::Claim { claims } => {
                claims::reserve(&self.pool, call.saga, &call.step, claims).await.map(|reserved| match reserved {
                    Reserved::Held => done(Answer::Nothing),
                    Reserved::Taken(by) => Outcome::Declined { decline: busy(&by) },
                })
            }
            Desk::Release { claims } => {
                claims::release(&self.pool, call.saga, claims).await.map(|()| done(Answer::Nothing))
            }
            Desk::CountCard { card, brand, order_id } => {
                let charge = Charge { card, brand, order_id, saga: call.saga };
                let caps: Vec<Cap> =
                    network_caps(brand).iter().map(|c| Cap { window: c.window, most: c.charges }).collect();
                cards::count(&self.pool, charge, &caps, call.now).await.map(|counted| match counted {
                    Counted::Reserved => done(Answer::Nothing),
                    Counted::FullUntil(until) => done(Answer::CardCapUntil { until }),
                })
            }
        };
        answered
            .unwrap_or_else(|e| Outcome::NotSent {
                cause: NotSent::Again,
                detail: format!("our own store: {e}"),
                retry_after_seconds: None,
            })
            .into()
    }
}

fn done(answer: Answer) -> Outcome {
    Outcome::Done { answer }
}

fn busy(holders: &[(Claim, SagaId)]) -> Decline {
    let held = holders.iter().map(|(claim, saga)| format!("{} {} by saga {saga}", claims::word(claim.kind), claim.key));
    Decline {
        kind: DeclineKind::Busy,
        code: "claimed".to_owned(),
        text: held.collect::<Vec<_>>().join(", "),
        response_type: None,
        advice_code: None,
        transaction: None,
        brand: None,
    }
}
