//! Calls on our own store: claims, card counters, and what our tables say about an invoice.

use crate::port::{Call, Report};
use crate::store::Store;
use crate::store::cards::{Counted, caps};
use crate::store::claims::Reserved;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::Desk;
use sagas::kernel::outcome::{Decline, DeclineKind, NotSent, Outcome};

/// Performs desk calls.
pub(super) struct DeskPerformer {
    store: Store,
}

impl DeskPerformer {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    pub(super) async fn perform(&self, call: &Call, desk: &Desk) -> Report {
        let answered = match desk {
            Desk::SurveyInvoice { invoice, customer, subscription } => self
                .store
                .survey
                .invoice(call.saga, invoice, customer, subscription.as_deref())
                .await
                .map(|survey| Outcome::Done { answer: Answer::Survey(Box::new(survey)) }),
            Desk::Claim { claims } => self.store.claims.reserve(call.saga, claims, call.now).await.map(|r| match r {
                Reserved::All => Outcome::Done { answer: Answer::Nothing },
                Reserved::Busy { claim, holder } => Outcome::Declined {
                    decline: busy(format!("{:?}", claim.kind), format!("{} is held by saga {holder}", claim.key)),
                },
            }),
            Desk::Release { claims } => {
                self.store.claims.release(call.saga, claims).await.map(|()| Outcome::Done { answer: Answer::Nothing })
            }
            Desk::CountCard { card, brand, order_id } => self
                .store
                .cards
                .count(call.saga, card, brand, order_id, call.now, &caps(brand))
                .await
                .map(|counted| match counted {
                    Counted::Reserved => Outcome::Done { answer: Answer::Nothing },
                    Counted::Full { until } => Outcome::Done { answer: Answer::CardCapUntil { until } },
                }),
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

fn busy(code: String, text: String) -> Decline {
    Decline {
        kind: DeclineKind::Busy,
        code,
        text,
        response_type: None,
        advice_code: None,
        transaction: None,
        brand: None,
    }
}
