//! The practice vendor: a book in our own store, and calls that go as the rehearsal's script says.

use crate::port::Report;
use crate::store::{StoreError, practice};
use chrono::{DateTime, Utc};
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Practice, PracticeScript};
use sagas::kernel::outcome::{Decline, DeclineKind, Look, NotSent, Outcome, Rejection, RejectionKind};
use sqlx::PgPool;

/// Performs practice calls.
pub(super) struct PracticePerformer {
    pool: PgPool,
}

const DONE: Outcome = Outcome::Done { answer: Answer::Nothing };

impl PracticePerformer {
    pub(super) fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    pub(super) async fn perform(&self, call: &Practice, now: DateTime<Utc>) -> Report {
        let (script, write) = match call {
            Practice::Look => return DONE.into(),
            Practice::Reserve { script, .. }
            | Practice::Unreserve { script, .. }
            | Practice::Take { script, .. }
            | Practice::Note { script, .. } => (*script, *script != PracticeScript::LostUnanswered),
        };
        let refused = match script {
            PracticeScript::Declines => Some(Outcome::Declined { decline: declined() }),
            PracticeScript::Refuses => Some(Outcome::Rejected { rejection: rejected() }),
            PracticeScript::Works | PracticeScript::DoneUnanswered | PracticeScript::LostUnanswered => None,
        };
        if let Some(refused) = refused {
            return refused.into();
        }
        if write && let Err(e) = self.write(call, now).await {
            return Outcome::NotSent {
                cause: NotSent::Again,
                detail: format!("the practice book cannot be written: {e}"),
                retry_after_seconds: None,
            }
            .into();
        }
        match script {
            PracticeScript::DoneUnanswered | PracticeScript::LostUnanswered => {
                Outcome::Unknown { detail: "the practice vendor did not answer".to_owned() }.into()
            }
            PracticeScript::Works | PracticeScript::Declines | PracticeScript::Refuses => DONE.into(),
        }
    }

    pub(super) async fn look(&self, call: &Practice) -> Look {
        let (kind, reference, wanted) = match call {
            Practice::Look => return Look::Found { outcome: Box::new(DONE), extra: Vec::new() },
            Practice::Reserve { id, .. } => ("reservation", id, true),
            Practice::Unreserve { id, .. } => ("reservation", id, false),
            Practice::Take { reference, .. } => ("take", reference, true),
            Practice::Note { id, .. } => ("note", id, true),
        };
        match practice::find(&self.pool, reference).await {
            Ok(entries) => {
                let mut hits = entries.into_iter().filter(|e| e.kind == kind).map(|e| e.id.to_string());
                if hits.next().is_some() == wanted {
                    Look::Found { outcome: Box::new(DONE), extra: hits.collect() }
                } else {
                    Look::Absent { watermark: true, key_proven: false }
                }
            }
            Err(e) => Look::Unclear { detail: format!("the practice book cannot be read: {e}") },
        }
    }

    async fn write(&self, call: &Practice, now: DateTime<Utc>) -> Result<(), StoreError> {
        match call {
            Practice::Look => Ok(()),
            Practice::Reserve { id, .. } => practice::reserve(&self.pool, id, now).await.map(drop),
            Practice::Unreserve { id, .. } => practice::unreserve(&self.pool, id).await.map(drop),
            Practice::Take { reference, amount, .. } => {
                practice::take(&self.pool, reference, *amount, now).await.map(drop)
            }
            Practice::Note { id, .. } => practice::note(&self.pool, id, now).await.map(drop),
        }
    }
}

fn declined() -> Decline {
    Decline {
        kind: DeclineKind::Processor,
        code: "practice".to_owned(),
        text: "declined as the rehearsal asked".to_owned(),
        response_type: None,
        advice_code: None,
        advice_text: None,
        network_code: None,
        network_text: None,
        transaction: None,
        brand: None,
    }
}

fn rejected() -> Rejection {
    Rejection {
        kind: RejectionKind::Invalid,
        code: "practice".to_owned(),
        message: "refused as the rehearsal asked".to_owned(),
    }
}
