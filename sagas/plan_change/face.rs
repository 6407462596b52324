//! What people are told of a plan change: the words on the subscription's record in Attio, and the customer's receipt. Pure.
//! Telling never holds the flow up.

use super::state::{Advice, Ending, Stage, State};
use super::words::LetterKind;
use crate::kernel::answer::SubscriptionTerms;
use crate::kernel::effect::{Letter, LetterFacts, PlanFace, SoldFace};
use chrono::{DateTime, Utc};

/// What is to be shown now; none where no record is known. Its version is given when it is written.
pub(super) fn face(state: &State, at: DateTime<Utc>) -> Option<PlanFace> {
    let preview = state.preview.as_ref().filter(|_| matches!(state.stage, Stage::Previewed { .. }));
    Some(PlanFace {
        record: state.record()?.to_owned(),
        answers: None,
        quote_text: sentence(state),
        quote_expires_at: preview.map(|preview| preview.expires_at),
        sold: sold(state),
        last_error: error(state),
        action_needed: action(state),
        saga: state.saga()?.to_string(),
        sync_version: 0,
        as_of: at,
    })
}

/// Shows the same, whenever it became true.
pub(super) fn same(one: &PlanFace, other: &PlanFace) -> bool {
    PlanFace { as_of: other.as_of, ..one.clone() } == *other
}

/// What is read stands on the record once it is sold: what waits for the end of the term is not.
fn in_place(state: &State) -> Option<&SubscriptionTerms> {
    let is_sold = match &state.stage {
        Stage::Scheduled { .. } | Stage::Effecting => false,
        Stage::Over { ending, .. } => match ending {
            Ending::Changed | Ending::Withdrawn | Ending::Dropped | Ending::Adopted => true,
            Ending::Mirrored | Ending::Refused | Ending::Lapsed | Ending::Failed | Ending::Cancelled => false,
        },
        _ => state.changed,
    };
    state.is.as_ref().filter(|_| is_sold)
}

fn sold(state: &State) -> Option<SoldFace> {
    in_place(state).map(|terms| SoldFace { amount: terms.sold.amount, next_billing_on: terms.next_billing_on })
}

fn sentence(state: &State) -> String {
    match (&state.stage, &state.preview) {
        (Stage::Previewed { .. }, Some(preview)) => preview.sentence(),
        (Stage::Scheduled { .. } | Stage::Effecting, Some(preview)) => {
            format!("Changes on {}: {}", preview.effective_on, preview.sentence())
        }
        _ => in_place(state)
            .map_or_else(String::new, |terms| format!("Sold: {} × {}", terms.sold.quantity, terms.sold.plan)),
    }
}

fn error(state: &State) -> String {
    match &state.stage {
        Stage::Over { ending: Ending::Refused | Ending::Lapsed | Ending::Failed, reason, cure } => {
            let act = state.ask.as_ref().and_then(|ask| ask.press.as_ref());
            let act = act.map_or("Change plan", |press| press.act.act.as_str());
            let cure = if cure.is_empty() { String::new() } else { format!(": {cure}") };
            format!("`{act}` was not carried out: {reason}{cure}.")
        }
        Stage::Previewed { .. } => match state.advice {
            Some(Advice::AnotherCard) => "The card was not accepted; nothing was changed.".to_owned(),
            Some(Advice::Authenticate) => {
                "The bank wants the customer to authenticate; nothing was changed.".to_owned()
            }
            Some(Advice::NotConfirmed) => {
                "The payment could not be confirmed; nothing was charged, and nothing was changed.".to_owned()
            }
            None => String::new(),
        },
        _ => String::new(),
    }
}

fn action(state: &State) -> String {
    match &state.stage {
        Stage::Previewed { .. } if matches!(state.advice, Some(Advice::AnotherCard | Advice::Authenticate)) => {
            "Press `Send card link`; once there is a good card, have the customer agree again".to_owned()
        }
        Stage::Previewed { .. } => {
            let saga = state.saga().map(|saga| saga.to_string()).unwrap_or_default();
            format!("The customer has to agree: POST /api/v1/plan-changes/{saga}/acceptance")
        }
        Stage::Demanding { .. } => state.demand.as_ref().map_or_else(String::new, |demand| {
            format!("Ask the customer to agree to {} for the change: {} was accepted", demand.balance, demand.ceiling)
        }),
        Stage::Held { code, .. } => format!("An operator must look: {}", code.meaning()),
        _ => String::new(),
    }
}

/// The letter of a kind, as the state has it now.
pub(super) fn letter(state: &State, kind: LetterKind) -> Option<Letter> {
    let LetterKind::Receipt = kind;
    let (capture, preview, terms) = (state.capture.as_ref()?, state.preview.as_ref()?, state.is.as_ref()?);
    let next = terms.next_billing_on.zip(terms.sold.amount);
    let card = state.method.as_ref().map(|method| (method.brand.clone(), method.last_four.clone()));
    let of = state.of.as_ref()?;
    Some(Letter {
        customer: state.our_customer()?.to_owned(),
        reference: format!("{}.chg.{}.receipt", of.installation.as_str(), state.saga()?.0.simple()),
        about: LetterFacts::Receipt {
            title: preview.title.clone(),
            paid: Some(capture.amount),
            invoice_number: state.fresh.as_ref().map(|invoice| invoice.number.clone()),
            card,
            on: capture.effective,
            next,
        },
        link: None,
    })
}
