//! What Attio shall show of an activation: the words that the CRM team reads, computed from the state. A face never
//! fails the flow: what Attio refuses is put off, or passed over, on record.

use super::state::{Ending, Stage, State};
use super::words::{Advice, Nothing};
use crate::kernel::effect::{CheckoutFace, CheckoutLink, ClientFace, SubscriptionFace};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One state to be shown. Its version is given when it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face(Box<SubscriptionFace>);

impl Face {
    /// The write of this face.
    pub(super) fn write(&self, version: u64, answers_act: bool) -> SubscriptionFace {
        SubscriptionFace { sync_version: version, answers_act, ..(*self.0).clone() }
    }

    /// Shows the same, whenever it became true.
    pub(super) fn same(&self, other: &Self) -> bool {
        SubscriptionFace { as_of: other.0.as_of, ..(*self.0).clone() } == *other.0
    }

    /// When the state became true (UTC).
    pub(super) fn as_of(&self) -> DateTime<Utc> {
        self.0.as_of
    }
}

/// What is to be shown now.
pub(super) fn face(state: &State, at: DateTime<Utc>) -> Option<Face> {
    let intake = state.sale.intake.as_ref()?;
    let saga = state.saga()?;
    let quote = state.sale.quote.as_ref().filter(|_| !ended_without(state));
    // What could still be undone is no subscription yet: its ids would keep the record from being started again.
    let adopted = state.made.adopted && state.is_sold();
    let active = matches!(state.stage, Stage::Over { ending: Ending::Active, .. });
    let charged_on = state.recurring.as_ref().and_then(|r| r.next_charge_on);
    let next = state.record.as_ref().and_then(|r| r.next_billing_on).or(charged_on).or(quote.map(|q| q.renews_on));
    let braintree = state.braintree_customer().map(str::to_owned);
    Some(Face(Box::new(SubscriptionFace {
        record: intake.record.clone(),
        external_id: state.subscription().filter(|_| adopted).map(|id| format!("sub:{id}")),
        answers_act: false,
        refusal_only: state.sale.is_subscription_already(),
        subscription_status: status(state).to_owned(),
        payment_status: payment(state).to_owned(),
        quote_text: quote.map(crate::kernel::quote::Quote::sentence).unwrap_or_default(),
        quote_expires_at: quote.map(|q| q.expires_at).filter(|_| !active),
        checkout: checkout(state),
        amount: quote.map(|q| q.renewal),
        next_billing_on: next.filter(|_| active),
        zoho_subscription: state.made.subscription.as_ref().filter(|_| adopted).map(|s| s.id.clone()),
        braintree_customer: braintree.clone().filter(|_| active),
        collection_owner: adopted.then(|| intake.terms.collected_by.as_str().to_owned()),
        last_error: errors(state),
        action_needed: action(state).to_owned(),
        client: state.sale.facts.request.as_ref().and_then(|r| r.client.clone()).filter(|_| active).map(|record| {
            ClientFace {
                record,
                zoho_customer: state.sale.zoho_customer().map(str::to_owned),
                braintree_customer: braintree,
                billing_summary: Some("Active".to_owned()),
            }
        }),
        saga: saga.to_string(),
        sync_version: 0,
        as_of: at,
    })))
}

/// Over, and nothing was bought.
const fn ended_without(state: &State) -> bool {
    matches!(
        state.stage,
        Stage::Over {
            ending: Ending::Refused | Ending::Expired | Ending::Cancelled | Ending::Failed | Ending::Outdated,
            ..
        }
    )
}

const fn status(state: &State) -> &'static str {
    match &state.stage {
        Stage::New | Stage::Preparing | Stage::Quoted => "Draft",
        Stage::LinkOut => "Awaiting payment method",
        Stage::Paying | Stage::HandingOver | Stage::AwaitingRecord { .. } | Stage::Held { .. } => "Activating",
        Stage::Over { ending, .. } => match ending {
            Ending::Active => "Active",
            // The record is as before: it may be started again.
            Ending::Refused | Ending::Expired | Ending::Outdated => "Draft",
            Ending::Cancelled => "Cancelled",
            Ending::Failed => "Failed",
        },
    }
}

const fn payment(state: &State) -> &'static str {
    if state.capture.is_some() {
        // Taken back: what is owed now shows the invoice's own stream.
        return if state.reversed { "Pending" } else { "Paid" };
    }
    match &state.stage {
        Stage::LinkOut if state.advice.is_some() => "Failed",
        Stage::LinkOut | Stage::Paying | Stage::HandingOver | Stage::AwaitingRecord { .. } | Stage::Held { .. } => {
            "Pending"
        }
        Stage::Over { ending: Ending::Active, .. } => match state.nothing {
            // As the invoice's own stream shows it: nothing is owed.
            Some(Nothing::PaidElsewhere | Nothing::Zero) => "Paid",
            Some(Nothing::DueLater) | None => "None",
        },
        Stage::Over { ending: Ending::Failed, .. } if state.submissions > 0 => "Failed",
        Stage::New | Stage::Preparing | Stage::Quoted | Stage::Over { .. } => "None",
    }
}

fn checkout(state: &State) -> CheckoutFace {
    let word = |status: &str| CheckoutFace { status: status.to_owned(), link: None, expires_at: None };
    match (&state.stage, &state.sale.link) {
        (Stage::LinkOut, Some(link)) => CheckoutFace {
            link: state.saga().map(|saga| CheckoutLink { saga, number: link.number }),
            expires_at: Some(link.expires_at),
            ..word(if link.opened { "Opened" } else { "Link ready" })
        },
        (Stage::Paying | Stage::HandingOver | Stage::AwaitingRecord { .. } | Stage::Held { .. }, Some(_))
        | (Stage::Over { ending: Ending::Active, .. }, _) => word("Completed"),
        (Stage::Over { ending: Ending::Expired, .. }, _) if state.sale.links > 0 => word("Expired"),
        _ => word("None"),
    }
}

/// What went wrong, and why the last act was not carried out.
fn errors(state: &State) -> String {
    let declined = state.sale.act_declined.as_deref().map(sentence);
    [Some(error(state)).filter(|error| !error.is_empty()), declined].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn error(state: &State) -> String {
    match &state.stage {
        Stage::Over { ending: Ending::Active | Ending::Outdated, .. } => String::new(),
        Stage::Over { reason, cure, .. } if cure.is_empty() => sentence(reason),
        Stage::Over { reason, cure, .. } => format!("{} {}", sentence(reason), sentence(cure)),
        Stage::Held { code, .. } => sentence(code.meaning()),
        Stage::LinkOut => match state.advice {
            Some(Advice::AnotherCard) => format!("The card was declined ({} so far).", state.declines.max(1)),
            Some(Advice::NeedsAuthentication) => "The bank wants the customer to authenticate.".to_owned(),
            Some(Advice::NotConfirmed) => "The payment could not be confirmed; nothing was charged.".to_owned(),
            Some(Advice::CardAgain) | None => String::new(),
        },
        _ => String::new(),
    }
}

/// Begins with a capital letter and ends with a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", letters.as_str())
}

const fn action(state: &State) -> &'static str {
    match &state.stage {
        Stage::Held { .. } => "Finance or an operator must decide",
        Stage::LinkOut if state.letter_trouble => "Send the customer the link: the letter could not be delivered",
        Stage::LinkOut if state.locked_until.is_some() => "Help the customer: several cards were declined",
        _ => "",
    }
}
