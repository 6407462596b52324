//! What is told of the subscription's life: an invoice of it is past due, or not any more. It rides in the event's append.

use super::rest::Closing;
use super::state::State;
use super::words::Event;
use crate::kernel::effect::Message;
use crate::kernel::lifecycle::{News, Told};

/// Who keeps deal and tags is told of a failed charge, and of the end of what followed from it.
pub(super) fn tells(state: &State, event: &Event) -> Option<Message> {
    let failed_before = state.dunning.first_failed_at.is_some();
    let invoice = state.intake.as_ref()?.invoice.clone();
    let (news, at) = match event {
        Event::ChargeDeclined { at, .. } | Event::CardUnknown { at, .. } => (News::PastDue { invoice }, *at),
        Event::PaymentRecorded { again: false, at, .. } if failed_before && is_paid(state) => {
            (News::Recovered { invoice }, *at)
        }
        Event::InvoiceClosed { closing, at } if is_over(*closing) => (News::Recovered { invoice }, *at),
        _ => return None,
    };
    let survey = state.facts.survey.as_ref()?;
    let told = Told {
        customer: survey.customer.clone()?,
        subscription: survey.subscription.clone()?,
        record: survey.attio_subscription.clone(),
        at,
        news,
    };
    // Nobody was told that it was past due: then there is nothing to take back.
    (failed_before || matches!(told.news, News::PastDue { .. })).then(|| told.message())
}

fn is_paid(state: &State) -> bool {
    state.facts.invoice.as_ref().is_some_and(|invoice| !invoice.balance.is_positive())
}

/// Nothing is owed on it any more. What we recorded ourselves was told with its record.
const fn is_over(closing: Closing) -> bool {
    matches!(closing, Closing::PaidElsewhere | Closing::Void | Closing::Gone | Closing::Zero | Closing::WrittenOff)
}
