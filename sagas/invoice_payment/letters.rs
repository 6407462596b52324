//! Letters of dunning: what a customer is told of a charge that failed, and where to give another card. The flow that takes
//! cards sends them, since the link is to its page: it is told the cause, once. Decides when a letter is worth sending, and
//! sends none itself; without the settings of that page, and for an invoice without a subscription, there is none.

use super::InvoicePayment;
use super::dunning::Next;
use super::state::{Stage, State};
use super::words::{Closing, Event, Wait};
use crate::kernel::answer::Method;
use crate::kernel::card_request::CardRequest;
use crate::kernel::effect::{CardCause, FailedCharge, Message};
use crate::kernel::ids::SagaId;
use crate::kernel::saga::{At, Saga};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The flow that takes another card. Named, not imported: what it is told is its own command in words.
const TAKES_CARDS: &str = "payment_method_update";

/// What of letters is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Letters {
    /// The settings of the page for another card, in the words of the flow that has it.
    pub(super) card_link: Option<Value>,
    /// What the customer is to be told, since when (UTC).
    owed: Option<(CardCause, DateTime<Utc>)>,
    /// Handed over so far.
    pub(super) sent: u32,
    /// Another card was asked for, or there is no hope left: said once until something changes.
    asked: bool,
    last: bool,
}

impl Letters {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl State {
    pub(super) fn apply_letters(&mut self, event: &Event) {
        let letters = &mut self.letters;
        match event {
            Event::LettersSet { card_link } => letters.card_link = Some(card_link.clone()),
            Event::LetterOwed { cause, at } => {
                letters.asked |= !matches!(**cause, CardCause::ChargeFailed { .. });
                letters.last |= matches!(**cause, CardCause::LastNotice { .. });
                letters.owed = Some(((**cause).clone(), *at));
            }
            Event::LetterHandedOver => {
                letters.sent += 1;
                letters.owed = None;
            }
            Event::MethodChanged { .. } => (letters.asked, letters.last, letters.owed) = (false, false, None),
            Event::PaymentCaptured { .. } | Event::InvoiceHeld { .. } => letters.owed = None,
            Event::InvoiceClosed { closing, .. } if *closing != Closing::Exhausted => letters.owed = None,
            _ => {}
        }
    }

    /// What the flow that takes cards is told, once the invoice rests.
    pub(super) fn owed_letter(&self) -> Option<Message> {
        let (cause, at) = self.letters.owed.as_ref().filter(|_| self.stage == Stage::Resting)?;
        let intake = self.intake.as_ref()?;
        let saga = SagaId::of_invoice(&intake.organization, &intake.invoice);
        let request = CardRequest {
            flow: TAKES_CARDS,
            installation: &intake.installation,
            subscription: self.subscription_id()?,
            // Two letters of one instant are two requests.
            requested_at: *at + TimeDelta::microseconds(i64::from(self.letters.sent)),
            terms: self.letters.card_link.as_ref()?,
            cause,
            key: format!("{}/{saga}/letter/{}", InvoicePayment::NAME, self.letters.sent + 1),
        };
        Some(request.message())
    }
}

/// What the customer is told of what was just decided; `state` is the one after it.
pub(super) fn cause(state: &State, decided: &[Event], at: &At) -> Option<CardCause> {
    let invoice = state.facts.invoice.as_ref()?;
    let letters = &state.letters;
    if letters.card_link.is_none() || state.subscription_id().is_none() || !state.party.known {
        return None;
    }
    let due = || FailedCharge {
        amount: invoice.balance,
        invoice_number: invoice.number.clone(),
        card: state.facts.method.as_ref().map(named),
    };
    let said = decided.iter().rev().find_map(|event| match event {
        Event::ChargeDeclined { ruling, .. } => match &ruling.next {
            // Of further attempts the customer hears when there is something to be done.
            Next::Attempt { at: again } if state.dunning.declines == 1 => {
                Some(CardCause::ChargeFailed { due: due(), again_on: at.date(*again) })
            }
            Next::Method { .. } => Some(CardCause::NewCard { due: due() }),
            Next::Authentication { .. } => Some(CardCause::NeedsAuthentication { due: due() }),
            Next::Exhausted => Some(CardCause::LastNotice { due: due() }),
            Next::Attempt { .. } | Next::NetworkRetry { .. } | Next::Person => None,
        },
        Event::InvoiceDeferred { wait: Wait::Method, .. } if !letters.asked => Some(CardCause::NewCard { due: due() }),
        Event::InvoiceClosed { closing: Closing::Exhausted, .. } => Some(CardCause::LastNotice { due: due() }),
        _ => None,
    })?;
    let repeated = letters.last && matches!(said, CardCause::LastNotice { .. });
    (!repeated).then_some(said)
}

fn named(method: &Method) -> (String, String) {
    (method.brand.clone(), method.last_four.clone())
}
