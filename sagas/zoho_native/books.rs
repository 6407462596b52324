//! What a start and its subscription write beside the log: the claims that are relied on or let go, and the ids by which
//! they are found. It moves no money: what Zoho took is posted by the invoice's own stream, as Zoho shows it.

use super::events::Event;
use super::lifecycle;
use super::state::State;
use crate::kernel::saga::{Facts, Mark};
use crate::kernel::selling::Selling;

/// What the tables beside the log take from an event.
pub(super) fn facts(state: &State, event: &Event) -> Facts {
    let amount = match event {
        Event::Selling(Selling::QuoteMade { quote, .. }) => Some(quote.due_today),
        Event::SubscriptionMirrored { terms, .. } => terms.sold.amount,
        _ => None,
    };
    Facts {
        references: references(event),
        marks: marks(event),
        amount,
        tells: lifecycle::tells(state, event).into_iter().collect(),
        ..Facts::default()
    }
}

fn marks(event: &Event) -> Vec<Mark> {
    match event {
        Event::Selling(Selling::ClaimsTaken { claims }) => claims.iter().cloned().map(Mark::Confirm).collect(),
        Event::PriceChanged { released }
        | Event::PageOver { released, .. }
        | Event::SubscriptionLinked { released, .. }
        | Event::StartRefused { released, .. }
        | Event::StartClosed { released, .. }
        | Event::SubscriptionOver { released, .. } => released.iter().cloned().map(Mark::Release).collect(),
        // What it sold has ended: the customer may buy it again.
        Event::Selling(Selling::ProductReleased { claim }) => vec![Mark::Release(claim.clone())],
        _ => Vec::new(),
    }
}

/// Ids by which the saga and the event are found.
fn references(event: &Event) -> Vec<(&'static str, String)> {
    let mut out = Vec::new();
    let mut add = |kind, value: Option<&String>| {
        out.extend(value.filter(|v| !v.is_empty()).map(|v| (kind, v.clone())));
    };
    match event {
        Event::StartRequested { record, .. } => add("attio_record", Some(record)),
        Event::Selling(Selling::RequestRead { request }) => add("attio_record", request.client.as_ref().map(|r| &r.id)),
        Event::Selling(Selling::CustomerEnrolled { enrolment }) => {
            add("customer", Some(&enrolment.customer));
            add("zoho_customer", enrolment.zoho_customer.as_ref());
        }
        Event::Selling(Selling::ZohoCustomerRevived { customer } | Selling::ZohoCustomerMade { customer }) => {
            add("zoho_customer", Some(customer));
        }
        Event::PurchaseFound { subscription, twins, .. } => {
            add("zoho_subscription", Some(&subscription.id));
            for twin in twins {
                add("zoho_subscription", Some(twin));
            }
        }
        Event::SubscriptionLinked { subscription, .. } => add("subscription", Some(subscription)),
        Event::InvoiceTold { invoice }
        | Event::PaymentFailed { invoice, .. }
        | Event::PaymentRecovered { invoice, .. } => add("zoho_invoice", Some(invoice)),
        _ => {}
    }
    out
}
