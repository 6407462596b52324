//! What Attio shall show: the words that the CRM team reads, computed from the state. A face never fails the flow: what Attio
//! refuses is put off, or passed over, on record.

use super::state::{Ending, Life, Stage, State};
use super::words::After;
use crate::kernel::effect::{CheckoutFace, CheckoutLink, ClientFace, SubscriptionFace};
use crate::kernel::quote::Quote;
use chrono::{DateTime, Utc};

/// What is to be shown now. Its version is given when it is written.
pub(super) fn face(state: &State, at: DateTime<Utc>) -> Option<SubscriptionFace> {
    let intake = state.sale.intake.as_ref()?;
    let linked = state.is_linked();
    let quote = state.sale.quote.as_ref().filter(|_| !ended_without(state));
    let terms = state.mirror.as_ref().and_then(|mirror| mirror.terms.as_ref());
    let next = terms.map_or_else(|| quote.map(|q| q.renews_on), |terms| terms.next_billing_on);
    let over = state.life().is_some_and(Life::is_over);
    Some(SubscriptionFace {
        record: intake.record.clone(),
        external_id: state.subscription().filter(|_| linked).map(|id| format!("sub:{id}")),
        answers_act: false,
        refusal_only: state.sale.is_subscription_already(),
        subscription_status: status(state).to_owned(),
        payment_status: payment(state).to_owned(),
        quote_text: quote.map(Quote::sentence).unwrap_or_default(),
        quote_expires_at: quote.map(|q| q.expires_at).filter(|_| !linked),
        checkout: checkout(state),
        amount: terms.and_then(|terms| terms.sold.amount).or_else(|| quote.map(|q| q.renewal)),
        next_billing_on: next.filter(|_| linked && !over),
        zoho_subscription: state.sold.as_ref().filter(|_| linked).map(|sold| sold.subscription.id.clone()),
        braintree_customer: None,
        collection_owner: linked.then(|| "zoho_native".to_owned()),
        last_error: errors(state),
        action_needed: action(state).to_owned(),
        client: state.sale.facts.request.as_ref().and_then(|r| r.client.clone()).filter(|_| linked).map(|record| {
            ClientFace {
                record,
                zoho_customer: state.sale.zoho_customer().map(str::to_owned),
                braintree_customer: None,
                billing_summary: Some(summary(state).to_owned()),
            }
        }),
        saga: state.saga()?.to_string(),
        sync_version: 0,
        as_of: at,
    })
}

/// Shows the same, whenever it became true.
pub(super) fn same(one: &SubscriptionFace, other: &SubscriptionFace) -> bool {
    SubscriptionFace { as_of: other.as_of, ..one.clone() } == *other
}

/// Over, and nothing was bought.
const fn ended_without(state: &State) -> bool {
    matches!(
        state.stage,
        Stage::Over { ending: Ending::Refused | Ending::Expired | Ending::Cancelled | Ending::Outdated, .. }
    )
}

fn status(state: &State) -> &'static str {
    if state.is_linked() {
        return match state.life() {
            Some(Life::PastDue) => "Past due",
            Some(Life::Ending) => "Ending",
            Some(Life::Over) => "Cancelled",
            Some(Life::Failed) => "Failed",
            Some(Life::Runs | Life::Waits | Life::Unknown) | None => "Active",
        };
    }
    match &state.stage {
        Stage::New | Stage::Preparing | Stage::Quoted => "Draft",
        Stage::LinkOut | Stage::Opening | Stage::PageOut => "Awaiting payment method",
        Stage::Confirming | Stage::Linking | Stage::Running | Stage::Held { .. } => "Activating",
        Stage::Over { ending, .. } => match ending {
            Ending::Cancelled => "Cancelled",
            // The record is as before: it may be started again.
            Ending::Refused | Ending::Expired | Ending::Outdated | Ending::Ended | Ending::HandedOver => "Draft",
        },
    }
}

fn payment(state: &State) -> &'static str {
    if state.is_linked() {
        return match state.life() {
            Some(Life::PastDue | Life::Failed) => "Failed",
            Some(Life::Waits) => "None",
            Some(Life::Runs | Life::Ending | Life::Over | Life::Unknown) | None => "Paid",
        };
    }
    match &state.stage {
        Stage::LinkOut | Stage::Opening | Stage::PageOut | Stage::Confirming | Stage::Linking => "Pending",
        Stage::New | Stage::Preparing | Stage::Quoted | Stage::Running | Stage::Held { .. } | Stage::Over { .. } => {
            "None"
        }
    }
}

fn summary(state: &State) -> &'static str {
    match state.life() {
        Some(Life::PastDue) => "Past due",
        Some(Life::Over | Life::Failed) => "Churned",
        Some(Life::Runs | Life::Waits | Life::Ending | Life::Unknown) | None => "Active",
    }
}

fn checkout(state: &State) -> CheckoutFace {
    let word = |status: &str| CheckoutFace { status: status.to_owned(), link: None, expires_at: None };
    match (&state.stage, &state.sale.link) {
        (Stage::LinkOut | Stage::Opening | Stage::PageOut, Some(link)) if state.closing.is_none() => CheckoutFace {
            link: state.saga().map(|saga| CheckoutLink { saga, number: link.number }),
            expires_at: Some(link.expires_at),
            ..word(if link.opened { "Opened" } else { "Link ready" })
        },
        _ if state.is_linked() => word("Completed"),
        (Stage::Confirming | Stage::Linking | Stage::Held { then: After::Look, .. }, _) => word("Completed"),
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
        Stage::Over { ending: Ending::Outdated | Ending::HandedOver | Ending::Ended, .. } => String::new(),
        Stage::Over { reason, cure, .. } => format!("{} {}", sentence(reason), sentence(cure)),
        Stage::Held { code, .. } => sentence(code.meaning()),
        Stage::Running => match (state.life(), state.status()) {
            (Some(Life::PastDue), Some(status)) => {
                format!("A charge failed; Zoho tries it again by its own schedule (`{status}`).")
            }
            (Some(Life::Unknown), Some(status)) => format!("Zoho calls the subscription `{status}`."),
            _ => String::new(),
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

fn action(state: &State) -> &'static str {
    match &state.stage {
        Stage::Held { .. } => "Finance or an operator must decide",
        Stage::LinkOut if state.letter_trouble => "Send the customer the link: the letter could not be delivered",
        Stage::Running if state.life() == Some(Life::PastDue) => {
            "Ask the customer for another card, on Zoho's page for it"
        }
        _ => "",
    }
}
