//! Who hears of a refund: the invoice's stream, Attio, the customer. The stream is another flow and hears its own commands
//! in words. Telling people never holds the flow up.

use super::state::{Ending, Outcome, Stage, State};
use super::turn::Turn;
use super::words::{Event, Telling, Wish};
use crate::kernel::effect::{
    Attio, Desk, Effect, Letter, LetterFacts, Mail, Message, Projection, TransactionProjection,
};
use crate::kernel::outcome::{self, RejectionKind};
use chrono::{DateTime, Utc};
use serde_json::json;

/// The flow that keeps the stream of an invoice.
const STREAM: &str = "invoice_payment";

fn message(wish: &Wish, word: &str, command: serde_json::Value) -> Effect {
    let to = wish.stream;
    let key = format!("{to}:{word}:{}", super::Refund::id(&wish.transaction, &wish.key));
    let message = Message { to, flow: STREAM.to_owned(), kind: format!("refund.{word}"), command, key };
    Effect::Desk(Desk::Tell { message: Box::new(message), claims: Vec::new() })
}

/// May it take the money?
pub(super) fn ask(wish: &Wish) -> Effect {
    let command = json!({
        "command": "give_back_asked", "transaction": wish.transaction,
        "saga": super::Refund::id(&wish.transaction, &wish.key), "amount": wish.amount, "source": wish.source,
    });
    message(wish, "asked", command)
}

/// How it ended.
pub(super) fn ended(state: &State) -> Option<Effect> {
    let wish = state.wish.as_ref()?;
    let ending = match (&state.stage, &state.outcome) {
        (Stage::Over { ending: Ending::Refused | Ending::Denied | Ending::Moot | Ending::Withdrawn }, _) => "withdrawn",
        (_, Some(Outcome::Voided { .. })) => "voided",
        (_, Some(Outcome::Sent { .. } | Outcome::Outside { .. })) => "refunded",
        (_, None) => return None,
    };
    let command = json!({
        "command": "give_back_ended", "transaction": wish.transaction,
        "saga": super::Refund::id(&wish.transaction, &wish.key), "ending": ending,
    });
    Some(message(wish, "ended", command))
}

/// The record of this give-back in Attio.
pub(super) fn face(state: &State) -> Option<Effect> {
    let (wish, terms) = state.agreed()?;
    let (at, saga) = (state.face_at?, state.saga()?);
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
            occurred_at: at,
            failure_reason: state.failure.clone(),
        },
        // What the client's billing is like, its invoices say.
        billing_summary: String::new(),
        saga: saga.to_string(),
        sync_version: state.face_version,
        as_of: at,
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

/// What is owed and put off, each until its time (UTC).
pub(super) fn tried_again(state: &State) -> impl Iterator<Item = (Telling, DateTime<Utc>)> {
    let face = state.face_version > state.shown_version;
    let record = state.put_off.record.until.filter(|_| face).map(|until| (Telling::Record, until));
    let letter = state.put_off.letter.until.filter(|_| state.letter_owed).map(|until| (Telling::Letter, until));
    [record, letter].into_iter().flatten()
}

impl Turn<'_> {
    pub(super) fn shown(&mut self, effect: &Effect, outcome: &outcome::Outcome) {
        let Effect::Attio(Attio::Project(projection)) = effect else { return };
        let version = projection.sync_version;
        self.told(Telling::Record, outcome, Event::CustomerStateShown { version }, |kind| {
            kind == Some(RejectionKind::NotFound)
        });
    }

    /// A letter that is refused for another reason than a credential is refused for good.
    pub(super) fn sent_letter(&mut self, outcome: &outcome::Outcome) {
        self.told(Telling::Letter, outcome, Event::LetterSent, |kind| kind != Some(RejectionKind::Config));
    }

    fn told(
        &mut self,
        telling: Telling,
        outcome: &outcome::Outcome,
        done: Event,
        for_good: impl Fn(Option<RejectionKind>) -> bool,
    ) {
        let (code, kind) = match outcome {
            outcome::Outcome::Done { .. } => return self.push(done),
            outcome::Outcome::Rejected { rejection } => (&rejection.code, Some(rejection.kind)),
            outcome::Outcome::Declined { decline } => (&decline.code, None),
            outcome::Outcome::NotSent { .. } | outcome::Outcome::Unknown { .. } => return,
        };
        if for_good(kind) {
            self.push(Event::TellingGivenUp { telling, code: code.clone() });
        } else {
            self.tell_later(telling, code);
        }
    }
}
