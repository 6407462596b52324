//! What a card update writes beside the log: the claims that are relied on or let go, the inputs that are erased, and the
//! ids by which it is found. It moves no money: there is nothing to post.

use super::events::Event;
use super::state::State;
use crate::kernel::effect::SubscriptionKey;
use crate::kernel::saga::{Facts, Mark};

/// What the tables beside the log take from an event.
pub(super) fn facts(state: &State, event: &Event) -> Facts {
    let amount = match event {
        Event::CardLinkIssued { .. } => state.owed(),
        Event::DefaultSwitched { .. } => state.switched.as_ref().and_then(|switched| switched.owed),
        _ => None,
    };
    Facts { references: references(event), marks: marks(state, event), amount, ..Facts::default() }
}

fn marks(state: &State, event: &Event) -> Vec<Mark> {
    let mut marks: Vec<Mark> = match event {
        Event::ClaimsTaken { claims } => claims.iter().cloned().map(Mark::Confirm).collect(),
        Event::CardUpdateRefused { released, .. }
        | Event::CardLinkExpired { released, .. }
        | Event::CardChangedAtZoho { released, .. }
        | Event::MoveFailed { released, .. }
        | Event::SwitchDeferred { released, .. }
        | Event::DefaultSwitched { released, .. }
        | Event::CardUpdateUndone { released, .. } => released.iter().cloned().map(Mark::Release).collect(),
        _ => Vec::new(),
    };
    // An input is erased once it was used, refused or replaced.
    let input = match event {
        Event::CardVaulted { .. }
        | Event::CardRefused { .. }
        | Event::VerificationDeclined { .. }
        | Event::CardUpdateUndone { .. } => state.submission.as_ref().map(|s| s.input),
        Event::SubmissionSetAside { input, .. } => Some(*input),
        _ => None,
    };
    marks.extend(input.map(|input| Mark::EraseInput { input }));
    marks
}

fn references(event: &Event) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut add = |kind, value: Option<String>| out.extend(value.filter(|v| !v.is_empty()).map(|v| (kind, v)));
    match event {
        Event::CardUpdateRequested { subscription, .. } => match subscription {
            SubscriptionKey::Attio { record } => add("attio_record", Some(record.clone())),
            SubscriptionKey::Zoho { subscription } => add("zoho_subscription", Some(subscription.clone())),
        },
        Event::SubscriptionSurveyed { survey } => {
            add("subscription", survey.subscription.clone());
            add("zoho_subscription", survey.zoho_subscription.clone());
            add("attio_record", survey.attio_record.clone());
        }
        Event::CustomerSurveyed { survey } => {
            add("customer", survey.customer.clone());
            add("braintree_customer", survey.braintree_customer.clone());
        }
        Event::CardVaulted { method, .. } => add("payment_method", Some(method.token.clone())),
        Event::DefaultSwitched { card, before, .. } => {
            add("payment_method", Some(card.token.clone()));
            add("payment_method", before.as_ref().map(|before| before.token.clone()));
        }
        Event::SubscriptionMoved { subscription } | Event::SubscriptionMovedBack { subscription } => {
            add("braintree_subscription", Some(subscription.clone()));
        }
        Event::OldCardRetired { token, .. } | Event::OldCardKept { token, .. } => {
            add("payment_method", Some(token.clone()));
        }
        _ => {}
    }
    out
}
