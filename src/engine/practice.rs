//! The practice vendor: a book in our own store, and calls that go as the rehearsal's script says.

use crate::port::Report;
use crate::store::Store;
use sagas::kernel::answer::Answer;
use sagas::kernel::effect::{Practice, PracticeScript};
use sagas::kernel::outcome::{Decline, DeclineKind, Look, NotSent, Outcome, Rejection, RejectionKind};

/// Performs practice calls.
pub(super) struct PracticePerformer {
    store: Store,
}

const DONE: Outcome = Outcome::Done { answer: Answer::Nothing };

impl PracticePerformer {
    pub(super) fn new(store: Store) -> Self {
        Self { store }
    }

    pub(super) async fn perform(&self, call: &Practice) -> Report {
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
        if write && let Err(e) = self.write(call).await {
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
        let (kind, key, wanted) = match call {
            Practice::Look => return Look::Found { outcome: Box::new(DONE), extra: Vec::new() },
            Practice::Reserve { id, .. } => ("entry", id, true),
            Practice::Unreserve { id, .. } => ("entry", id, false),
            Practice::Take { reference, .. } => ("money", reference, true),
            Practice::Note { id, .. } => ("note", id, true),
        };
        match self.store.practice.has(kind, key).await {
            Ok(there) if there == wanted => Look::Found { outcome: Box::new(DONE), extra: Vec::new() },
            Ok(_) => Look::Absent { watermark: true, key_proven: false },
            Err(e) => Look::Unclear { detail: format!("the practice book cannot be read: {e}") },
        }
    }

    async fn write(&self, call: &Practice) -> Result<(), crate::store::StoreError> {
        match call {
            Practice::Look => Ok(()),
            Practice::Reserve { id, .. } => self.store.practice.put("entry", id, None).await,
            Practice::Unreserve { id, .. } => self.store.practice.strike("entry", id).await,
            Practice::Take { reference, amount, .. } => self.store.practice.put("money", reference, Some(*amount)).await,
            Practice::Note { id, .. } => self.store.practice.put("note", id, None).await,
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
