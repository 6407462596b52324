//! Letters to the customer and tasks for the record's owner. Neither ever stops the flow. Of money Zoho writes.

use super::state::State;
use super::words::LetterKind;
use crate::kernel::effect::{CheckoutLink, Letter, LetterFacts, Price, TaskNote};
use crate::kernel::telling::Task;

/// The letter of a kind, as the state has it now.
pub(super) fn letter(state: &State, kind: LetterKind) -> Option<Letter> {
    let (saga, link, quote) = (state.saga()?, state.sale.link.as_ref()?, state.sale.quote.as_ref()?);
    let price = Price {
        title: state.sale.title(),
        due_today: quote.due_today,
        renewal: quote.renewal,
        renews_on: quote.renews_on,
        expires_at: link.expires_at,
    };
    let (word, about) = match kind {
        LetterKind::Link => ("link", LetterFacts::CheckoutLink(price)),
        LetterKind::Reminder => ("reminder", LetterFacts::CheckoutReminder(price)),
    };
    let installation = state.sale.intake.as_ref()?.installation.as_str();
    Some(Letter {
        customer: state.sale.customer()?.to_owned(),
        // One letter of each kind per link: the same one has the same reference for ever.
        reference: format!("{installation}.zn.{}.{word}.{}", saga.0.simple(), state.sale.links),
        about,
        link: Some(CheckoutLink { saga, number: link.number }),
    })
}

/// The task as Attio takes it.
pub(super) fn task(state: &State, task: &Task) -> Option<TaskNote> {
    let owner = state.sale.facts.request.as_ref().and_then(|r| r.owner.clone());
    Some(task.note(state.saga()?, state.sale.intake.as_ref()?.record.as_str(), owner))
}
