//! What is told of the subscription's life: it ends, has ended, or goes on after all. It rides in the event's append.

use super::state::State;
use super::words::Event;
use crate::kernel::effect::Message;
use crate::kernel::lifecycle::{News, Told};

/// Who keeps deal and tags is told of it.
pub(super) fn tells(state: &State, event: &Event) -> Option<Message> {
    let (news, at) = match event {
        Event::CancellationScheduled { ends_on, at, .. } => (News::EndScheduled { on: *ends_on }, *at),
        Event::SubscriptionReactivated { at, .. } => (News::GoesOn, *at),
        Event::SubscriptionCancelled { effective, at, .. } => (News::Ended { on: *effective }, *at),
        _ => return None,
    };
    let survey = state.survey.as_ref()?;
    let told = Told {
        customer: survey.customer.clone()?,
        subscription: survey.subscription.clone()?,
        record: survey.attio_record.clone(),
        at,
        news,
    };
    Some(told.message())
}
