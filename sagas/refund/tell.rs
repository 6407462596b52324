//! Who hears of a refund: the invoice's stream, Attio, the customer. The stream is another flow and hears its own commands
//! in words. Telling people never holds the flow up.

use super::state::{Ending, Face, Outcome, Stage, State};
use super::turn::Turn;
use super::words::Event;
use crate::kernel::effect::{
    Attio, Desk, Effect, Letter, LetterFacts, Mail, Message, Projection, TransactionProjection,
};
use crate::kernel::give_back::Wish;
use crate::kernel::outcome;
use serde_json::json;

/// The flow that keeps the stream of an invoice.
const STREAM: &str = "invoice_payment";

fn message(wish: &Wish, word: &str, again: u32, command: serde_json::Value) -> Effect {
    let to = wish.stream;
    let mut key = format!("{to}:{word}:{}", super::Refund::id(&wish.transaction, &wish.key));
    if again > 0 {
        key = format!("{key}:{again}");
    }
    let message = Message { to, flow: STREAM.to_owned(), kind: format!("refund.{word}"), command, key };
    Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() })
}

/// May it take the money?
pub(super) fn ask(state: &State, wish: &Wish) -> Effect {
    let command = json!({
        "command": "give_back_asked", "transaction": wish.transaction,
        "saga": super::Refund::id(&wish.transaction, &wish.key), "amount": wish.amount, "source": wish.source,
    });
    message(wish, "asked", state.outside.as_ref().map_or(0, |outside| outside.asked), command)
}

/// How it ended.
pub(super) fn ended(state: &State) -> Option<Effect> {
    let wish = state.wish.as_ref()?;
    let reopened = state.outside.as_ref().is_some_and(|outside| outside.reopened);
    let ending = match (&state.stage, &state.outcome) {
        (Stage::Over { ending: Ending::Refused | Ending::Denied | Ending::Moot | Ending::Withdrawn }, _) => "withdrawn",
        (_, Some(Outcome::Voided { .. })) => "voided",
        (_, Some(Outcome::Sent { .. })) if reopened => "reopened",
        (_, Some(Outcome::Sent { .. } | Outcome::Outside { .. })) => "refunded",
        (_, None) => return None,
    };
    let mut command = json!({
        "command": "give_back_ended", "transaction": wish.transaction,
        "saga": super::Refund::id(&wish.transaction, &wish.key), "ending": ending,
    });
    if let (Some(tax), "refunded", Some(fields)) = (state.tax, ending, command.as_object_mut()) {
        fields.insert("tax".to_owned(), json!(tax));
    }
    Some(message(wish, "ended", 0, command))
}

/// The record of this give-back in Attio.
pub(super) fn face(state: &State, face: &Face, version: u64) -> Option<Effect> {
    let (wish, terms) = state.agreed()?;
    let saga = state.saga()?;
    let (status, transaction) = match &state.outcome {
        Some(Outcome::Voided { .. }) => ("Void", wish.transaction.clone()),
        Some(Outcome::Sent { refund, .. }) => ("Refunded", refund.clone()),
        Some(Outcome::Outside { .. }) => ("Refunded", wish.transaction.clone()),
        None => ("Failed", wish.transaction.clone()),
    };
    let projection = Projection {
        client: terms.client.clone(),
        subscription: None,
        transaction: TransactionProjection {
            external_id: format!("rf:{saga}"),
            status: status.to_owned(),
            amount: wish.amount,
            zoho_invoice: terms.invoice.clone(),
            zoho_payment: None,
            braintree_transaction: Some(transaction),
            occurred_at: face.at,
            failure_reason: face.failure.clone(),
        },
        // What the client's billing is like, its invoices say.
        billing_summary: String::new(),
        saga: saga.to_string(),
        sync_version: version,
        as_of: face.at,
    };
    Some(Effect::Attio(Attio::Project(Box::new(projection))))
}

/// The letter to the customer: amount and last four digits.
pub(super) fn letter(state: &State) -> Option<Effect> {
    let (wish, terms) = state.agreed()?;
    let (on, voided) = match state.outcome.as_ref()? {
        Outcome::Voided { on, .. } => (*on, true),
        Outcome::Sent { on, .. } => (*on, false),
        Outcome::Outside { .. } => return None,
    };
    let letter = Letter {
        customer: terms.customer.clone()?,
        reference: format!("{}.rf.{}.refund", wish.installation.as_str(), state.saga()?.0.simple()),
        about: LetterFacts::Refund {
            amount: wish.amount,
            invoice_number: terms.number.clone(),
            card: state.card.as_ref().map(|card| (card.brand.clone(), card.last_four.clone())),
            on,
            voided,
        },
        link: None,
    };
    Some(Effect::Mail(Mail::Send(Box::new(letter))))
}

impl Turn<'_> {
    pub(super) fn shown(&mut self, effect: &Effect, outcome: &outcome::Outcome) {
        let Effect::Attio(Attio::Project(projection)) = effect else { return };
        let told = self.state.people.shown(projection.sync_version, outcome, self.at.now);
        self.push(Event::Told(told));
    }

    pub(super) fn sent_letter(&mut self, outcome: &outcome::Outcome) {
        if let Some(told) = self.state.people.letter_told(outcome, self.at.now) {
            self.push(Event::Told(told));
        }
    }
}
