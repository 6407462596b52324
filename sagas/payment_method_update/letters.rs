//! Letters to the customer and tasks for the CRM team. Neither ever stops the flow.

use super::state::State;
use super::words::LetterKind;
use crate::kernel::effect::{CheckoutLink, Letter, LetterFacts, TaskNote};
use crate::kernel::telling::Task;

/// The letter of a kind, as the state has it now.
pub(super) fn letter(state: &State, kind: LetterKind) -> Option<Letter> {
    let saga = state.saga()?;
    let (word, about, link) = match kind {
        LetterKind::Link => {
            let link = state.link.as_ref()?;
            let card = state.on_file().map(State::named);
            let about = LetterFacts::CardLink { card, owed: state.owed(), expires_at: link.expires_at };
            ("link", about, Some(CheckoutLink { saga, number: link.number }))
        }
        LetterKind::Changed => {
            let switched = state.switched.as_ref()?;
            let about = LetterFacts::CardChanged {
                card: State::named(state.card.as_ref()?),
                before: switched.before.as_ref().map(State::named),
                same: state.same_card(),
                owed: switched.owed,
            };
            ("changed", about, None)
        }
    };
    Some(Letter {
        customer: state.customer()?.to_owned(),
        // One letter of each kind per link: the same one has the same reference for ever.
        reference: format!(
            "{}.card.{}.{word}.{}",
            state.intake.as_ref()?.installation.as_str(),
            saga.0.simple(),
            state.links
        ),
        about,
        link,
    })
}

/// The task as Attio takes it.
pub(super) fn task(state: &State, task: &Task) -> Option<TaskNote> {
    Some(task.note(state.saga()?, state.record()?, None))
}
