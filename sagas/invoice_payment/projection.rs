//! What Attio shall show of an invoice: the words that the CRM team and, through it, the customer read. Pure. A
//! projection never fails the flow: what Attio refuses is put off and tried again, on record.

use super::dunning::{Next, Ruling};
use super::schedule;
use super::state::State;
use super::words::{Closing, Event, Wait};
use crate::kernel::effect::{Projection, SubscriptionProjection, TransactionProjection};
use crate::kernel::ids::SagaId;
use crate::kernel::money::Money;
use crate::kernel::outcome::Decline;
use crate::kernel::park::ParkCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// One state to be shown. Its version is given when it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Face(Box<Projection>);

impl Face {
    /// The write of this face.
    pub(super) fn write(&self, version: u64) -> Projection {
        Projection { sync_version: version, ..(*self.0).clone() }
    }

    /// Shows the same, whenever it became true.
    pub(super) fn same(&self, other: &Self) -> bool {
        let mut then = (*self.0).clone();
        then.as_of = other.0.as_of;
        then.transaction.occurred_at = other.0.transaction.occurred_at;
        then == *other.0
    }
}

/// The words of one state.
struct Words {
    transaction: &'static str,
    subscription: &'static str,
    payment: &'static str,
    summary: &'static str,
    reason: String,
    action: String,
}

const ACTIVE: &str = "Active";
const PAST_DUE: &str = "Past due";

impl Words {
    fn paid() -> Self {
        Self {
            transaction: "Paid",
            subscription: ACTIVE,
            payment: "Paid",
            summary: ACTIVE,
            reason: String::new(),
            action: String::new(),
        }
    }

    fn failed(reason: String, action: impl Into<String>) -> Self {
        Self {
            transaction: "Failed",
            subscription: PAST_DUE,
            payment: "Failed",
            summary: PAST_DUE,
            reason,
            action: action.into(),
        }
    }
}

/// What is to be shown after an event, if it changes what people see.
pub(super) fn face(state: &State, event: &Event) -> Option<Face> {
    let (words, at) = match event {
        Event::ChargeDeclined { decline, ruling, at } => (declined(state, decline, ruling), *at),
        Event::InvoiceDeferred { wait: wait @ (Wait::Method | Wait::Authentication), until, at, .. } => {
            (needs(state, *wait, *until), *at)
        }
        Event::InvoiceHeld { code, detail, at, .. } => (held(state, *code, detail)?, *at),
        Event::InvoiceClosed { closing, at } => (closed(*closing)?, *at),
        Event::CollectionStopped { reason, at } => {
            let reason = format!("Collection was stopped: {reason}");
            (Words::failed(reason, "Order a charge, or settle the invoice in Zoho"), *at)
        }
        Event::PaymentReversed { cause, expected: false, at, .. } => {
            let reason = format!("The payment was taken back ({})", cause.replace('_', " "));
            (Words::failed(reason, "Finance decides: charge again, or leave"), *at)
        }
        _ => return None,
    };
    Some(Face(Box::new(projection(state, words, at)?)))
}

fn projection(state: &State, words: Words, at: DateTime<Utc>) -> Option<Projection> {
    let intake = state.intake.as_ref().filter(|_| state.party.known)?;
    let capture = state.captures.iter().rev().find(|c| c.is_live()).or(state.captures.last());
    let open = state.facts.invoice.as_ref().map(|i| if i.balance.is_positive() { i.balance } else { i.total });
    let amount: Money = match (words.transaction, capture) {
        ("Paid", Some(capture)) => Some(capture.amount),
        _ => open.or(state.booked.figures.map(|f| f.total)),
    }?;
    let subscription = state.party.subscription.as_ref().map(|(ours, zoho)| SubscriptionProjection {
        record: state.party.subscription_record.clone(),
        external_id: format!("sub:{ours}"),
        zoho_subscription: zoho.clone(),
        subscription_status: standing(state, words.subscription).to_owned(),
        payment_status: words.payment.to_owned(),
        last_error: words.reason.clone(),
        action_needed: words.action,
    });
    Some(Projection {
        client: state.party.client.clone(),
        subscription,
        transaction: TransactionProjection {
            external_id: format!("inv:{}:{}", intake.invoice, state.attempts),
            status: words.transaction.to_owned(),
            amount,
            zoho_invoice: intake.invoice.clone(),
            zoho_payment: capture.and_then(|c| c.payment.clone()),
            braintree_transaction: capture.map(|c| c.transaction.clone()),
            occurred_at: capture.filter(|_| words.transaction == "Paid").map_or(at, |c| c.captured_at),
            failure_reason: words.reason,
        },
        billing_summary: words.summary.to_owned(),
        saga: SagaId::of_invoice(&intake.organization, &intake.invoice).to_string(),
        sync_version: 0,
        as_of: at,
    })
}

/// An invoice says nothing of whether its subscription goes on: what Zoho shows of that stands.
fn standing(state: &State, word: &'static str) -> &'static str {
    match state.facts.subscription.as_ref().map(|s| s.status.as_str()) {
        Some("cancelled" | "cancelled_from_dunning" | "expired") => "Cancelled",
        Some("non_renewing") if word == ACTIVE => "Ending",
        // It is not read again for what was collected after the end.
        None if state.orders.collect_ended => "Cancelled",
        _ => word,
    }
}

fn card(state: &State) -> String {
    match &state.facts.method {
        Some(method) => format!("The card ending in {}", method.last_four),
        None => "The card".to_owned(),
    }
}

fn declined(state: &State, decline: &Decline, ruling: &Ruling) -> Words {
    let said = if decline.text.is_empty() { String::new() } else { format!(" {}", decline.text) };
    let what = format!("{} was declined ({}{said}).", card(state), decline.code);
    let day = |at: &DateTime<Utc>| at.format("%Y-%m-%d").to_string();
    let ask = "Ask the customer to give another card";
    match &ruling.next {
        Next::Attempt { at } if ruling.rule == "2.3-e11" => {
            Words::failed(format!("{what} One more attempt on {}.", day(at)), ask)
        }
        Next::Attempt { at } => Words::failed(format!("{what} Next attempt on {}.", day(at)), ""),
        Next::NetworkRetry { at, .. } => {
            let time = at.format("%Y-%m-%d %H:%M UTC");
            Words::failed(format!("The card network did not answer. Next attempt at {time}."), "")
        }
        Next::Method { until, revoked: true } => Words::failed(
            format!("{what} The customer stopped this billing; collection waits until {}.", day(until)),
            "Ask the customer for a new card and a new consent",
        ),
        Next::Method { until, revoked: false } => Words::failed(
            format!("{what} No further attempt with this card; another one is awaited until {}.", day(until)),
            ask,
        ),
        Next::Authentication { until } => Words::failed(
            format!("{what} The bank wants the customer to authenticate, until {}.", day(until)),
            "Ask the customer to authenticate the card",
        ),
        Next::Exhausted => {
            Words::failed(format!("{what} All {} attempts are used.", schedule::ATTEMPT_DAYS.len()), ask)
        }
        Next::Person => Words::failed(
            format!("{what} Something like this charge may have succeeded: nothing is sent until a person looked."),
            "",
        ),
    }
}

fn needs(state: &State, wait: Wait, until: DateTime<Utc>) -> Words {
    let day = until.format("%Y-%m-%d");
    if wait == Wait::Authentication {
        let reason = format!("The bank wants the customer to authenticate, until {day}.");
        return Words::failed(reason, "Ask the customer to authenticate the card");
    }
    let reason = match &state.facts.method {
        Some(method) if method.expired => format!("{} has expired; another one is awaited until {day}.", card(state)),
        Some(_) => format!("{} cannot be charged any more; another one is awaited until {day}.", card(state)),
        None => format!("There is no card on file; one is awaited until {day}."),
    };
    Words { transaction: "Open", payment: "Pending", ..Words::failed(reason, "Ask the customer to give another card") }
}

/// What a park means for people in the CRM. Parks that they cannot understand or change are shown as pending.
fn held(state: &State, code: ParkCode, detail: &str) -> Option<Words> {
    // A reversal was shown in its own words.
    if matches!(code, ParkCode::SettlementDeclined) || state.captures.iter().any(|c| c.trouble.is_some() && c.reversed)
    {
        return None;
    }
    let (subscription, summary) = if state.dunning.declines > 0 { (PAST_DUE, PAST_DUE) } else { (ACTIVE, ACTIVE) };
    Some(Words {
        transaction: "Open",
        subscription,
        payment: "Pending",
        summary,
        reason: format!("{}: {detail}", code.meaning()),
        action: "Finance or an operator must decide".to_owned(),
    })
}

fn closed(closing: Closing) -> Option<Words> {
    match closing {
        Closing::Paid | Closing::PaidElsewhere | Closing::Zero => Some(Words::paid()),
        Closing::Void | Closing::Gone => Some(Words { transaction: "Void", payment: "None", ..Words::paid() }),
        Closing::WrittenOff => Some(Words {
            transaction: "Void",
            payment: "Failed",
            reason: "The invoice was written off in Zoho".to_owned(),
            ..Words::paid()
        }),
        Closing::Exhausted => Some(Words::failed(
            "All attempts are used or no card was given in time; the invoice stays unpaid.".to_owned(),
            "Ask the customer to give another card",
        )),
        Closing::NoOwner | Closing::OtherOwner | Closing::NoConsent | Closing::Stopped | Closing::Left => None,
    }
}
