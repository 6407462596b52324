//! Writes that set a state: each is read back, for Zoho refuses what is so already in the same words as what cannot be.

use super::billing::{Answered, Ask, rejected};
use super::{ABSENT, Zoho, as_state, is_invalid};
use sagas::kernel::answer::Answer;
use sagas::kernel::outcome::{Look, Outcome, RejectionKind};
use serde::de::IgnoredAny;
use tokio::time::Instant;

impl Zoho {
    /// A write that Zoho accepted, or refused as it also does where the state is reached already.
    pub(super) async fn written(&self, ask: Ask<'_>, deadline: Instant) -> Answered<Answered<()>> {
        match self.billing.call::<IgnoredAny>(ask, deadline).await {
            Ok(_) => Ok(Ok(())),
            Err(outcome) if is_invalid(&outcome) => Ok(Err(as_state(outcome))),
            Err(outcome) => Err(outcome),
        }
    }
}

/// What was read back after a write that Zoho accepted: without it the write was still made, and is looked up.
pub(super) fn after_write<T>(written: &Answered<()>, read: Answered<T>) -> Answered<T> {
    match (written, read) {
        (Ok(()), Err(outcome)) => {
            let why = super::sentence(*outcome);
            Err(Box::new(Outcome::Unknown { detail: format!("Zoho accepted it, but could not be asked again: {why}") }))
        }
        (Ok(()) | Err(_), read) => read,
    }
}

/// What a write came to, once its object was read back. A read right behind a write may show what was before it: what was
/// accepted and is not shown is looked up later, not taken for refused.
pub(super) fn proven(written: Answered<()>, done: bool, otherwise: impl FnOnce() -> String) -> Answered<()> {
    match written {
        _ if done => Ok(()),
        Ok(()) => Err(Box::new(Outcome::Unknown { detail: otherwise() })),
        Err(outcome) => Err(outcome),
    }
}

/// The look of a write that sets a state: done, or to be sent again, unless somebody has changed the object since it was
/// read (`seen` then, `now` now).
pub(super) fn settled(done: bool, answer: Answer, seen: Option<&str>, now: Option<&str>) -> Look {
    let found = |outcome| Look::Found { outcome: Box::new(outcome), extra: Vec::new() };
    if done {
        return found(Outcome::Done { answer });
    }
    match (seen, now) {
        (Some(seen), Some(now)) if seen != now => {
            let message = format!("it was changed at Zoho at {now}, and our act rests on what it was at {seen}");
            found(*rejected(RejectionKind::Changed, "changed_meanwhile", &message))
        }
        (Some(_) | None, _) => ABSENT,
    }
}
