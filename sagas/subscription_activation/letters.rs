//! Letters to the customer and tasks for the record's owner. Neither ever stops the flow.

use super::state::{Ending, Stage, State};
use super::words::LetterKind;
use crate::kernel::effect::{CheckoutLink, Letter, LetterFacts, Price, TaskNote};
use crate::kernel::telling::Task;

/// The letter of a kind, as the state has it now.
pub(super) fn letter(state: &State, kind: LetterKind) -> Option<Letter> {
    let link =
        state.saga().zip(state.sale.link.as_ref()).map(|(saga, link)| CheckoutLink { saga, number: link.number });
    let (word, about, link) = match kind {
        LetterKind::Link => ("link", LetterFacts::CheckoutLink(price(state)?), Some(link?)),
        LetterKind::Reminder => ("reminder", LetterFacts::CheckoutReminder(price(state)?), Some(link?)),
        LetterKind::Receipt => ("receipt", receipt(state)?, None),
        LetterKind::Failure => ("failure", failure(state), None),
    };
    let intake = state.sale.intake.as_ref()?;
    let saga = state.saga()?.0.simple();
    Some(Letter {
        customer: state.sale.customer()?.to_owned(),
        // One letter of each kind per link: the same one has the same reference for ever.
        reference: format!("{}.act.{saga}.{word}.{}", intake.installation.as_str(), state.sale.links),
        about,
        link,
    })
}

fn price(state: &State) -> Option<Price> {
    let quote = state.sale.quote.as_ref()?;
    Some(Price {
        title: state.sale.title(),
        due_today: quote.due_today,
        renewal: quote.renewal,
        renews_on: quote.renews_on,
        expires_at: state.sale.link.as_ref()?.expires_at,
    })
}

fn receipt(state: &State) -> Option<LetterFacts> {
    let quote = state.sale.quote.as_ref()?;
    let next = state.record.as_ref().and_then(|r| r.next_billing_on).unwrap_or(quote.renews_on);
    Some(LetterFacts::Receipt {
        title: state.sale.title(),
        paid: state.capture.as_ref().map(|c| c.amount),
        invoice_number: state.record.as_ref().map(|r| r.number.clone()),
        card: state.card(),
        on: state.capture.as_ref().map(|c| c.effective).or(state.active_on)?,
        next: Some((next, quote.renewal)),
    })
}

/// The customer is told the outcome, not our inner reasons.
fn failure(state: &State) -> LetterFacts {
    let reason = match state.stage {
        Stage::Over { ending: Ending::Expired, .. } => "The link was not used in time.",
        Stage::Over { ending: Ending::Cancelled, .. } => "The order was cancelled.",
        _ => "The subscription could not be set up.",
    };
    LetterFacts::ActivationFailed { title: state.sale.title(), reason: reason.to_owned() }
}

/// The task as Attio takes it.
pub(super) fn task(state: &State, task: &Task) -> Option<TaskNote> {
    Some(task.note(
        state.saga()?,
        state.sale.intake.as_ref()?.record.as_str(),
        state.sale.facts.request.as_ref().and_then(|r| r.owner.clone()),
    ))
}
