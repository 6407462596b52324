//! Where Braintree's own recurring billing collects: the card is vaulted instead of held, and the pivot is the subscription
//! at Braintree, whose first charge is a part of making it. Refuses a price that Braintree could not charge by itself, before
//! any card is asked for. Later charges are another flow's, which is told in the append of the pivot.

use super::events::Event;
use super::pricer::NoQuote;
use super::state::State;
use super::turn::Turn;
use super::words::{After, Nothing, Then};
use crate::kernel::answer::{Answer, CollectionOwner, Recurring, Transaction, TransactionStatus};
use crate::kernel::effect::{Braintree, Effect, FirstTermKind, Message, RecurringOrder};
use crate::kernel::money::Money;
use crate::kernel::offer::{AddonOffer, Offer, Scheme};
use crate::kernel::outcome::{Decline, Outcome};
use crate::kernel::park::ParkCode;
use crate::kernel::pricing::refused;
use crate::kernel::quote::Quote;
use crate::kernel::recurring::{self, Begun};
use crate::kernel::saga::Pending;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The subscription at Braintree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AtBraintree {
    pub(super) id: String,
    /// Day of the next charge.
    pub(super) next_charge_on: Option<NaiveDate>,
}

impl State {
    pub(super) fn by_braintree(&self) -> bool {
        self.sale.intake.as_ref().is_some_and(|i| i.terms.collected_by == CollectionOwner::BraintreeRecurring)
    }

    /// All is made, and nothing was captured: there is nothing left but to say so.
    pub(super) fn is_settled(&self) -> bool {
        if self.by_braintree() { self.recurring.is_some() && self.capture.is_none() } else { self.nothing.is_some() }
    }

    /// It is sold: nothing of it is undone any more.
    pub(super) fn is_sold(&self) -> bool {
        self.capture.is_some() || self.is_settled()
    }
}

/// Whether Braintree can charge that price by itself: one sum in every term, but for the first.
pub(super) fn expressible(offer: &Offer, quote: &Quote) -> Result<(), NoQuote> {
    let (count, unit) = quote.term;
    let term = unit.of(count);
    if recurring::months(count, unit).is_none() {
        let reason = format!("Braintree charges by the month, and the plan's term is {term}");
        return Err(refused(reason, "choose a `Plan` by the month or the year"));
    }
    if !quote.tax_known {
        let reason = "the tax is known only with the invoice, and Braintree charges a fixed price";
        return Err(refused(reason, "give plan and add-ons a tax in Zoho, then press again"));
    }
    if let Some(addon) = offer.addons.iter().find(|addon| has_brackets(addon)) {
        let reason =
            format!("the price of the add-on {} follows from its quantity, which Braintree cannot do", addon.code);
        return Err(refused(reason, "remove it from `Add-ons`"));
    }
    if let Some(coupon) = offer.coupon.as_ref().filter(|coupon| coupon.invoices.is_some_and(|n| n > 1)) {
        let reason =
            format!("the coupon {} holds for several terms and not for all, which Braintree cannot do", coupon.code);
        return Err(refused(reason, "choose another `Coupon code`, or none"));
    }
    if !quote.renewal.is_positive() {
        return Err(refused(
            "nothing is to be charged later, which Braintree cannot do",
            "choose another `Coupon code`",
        ));
    }
    Ok(())
}

fn has_brackets(addon: &AddonOffer) -> bool {
    addon.scheme != Scheme::Unit || addon.brackets.len() > 1
}

/// The subscription at Braintree, once it is known what is owed: started now over that sum, or at Zoho's next date.
pub(super) fn begin(state: &State, owed_now: Option<Money>) -> Option<Pending> {
    if state.recurring.is_some() {
        return None;
    }
    let quote = state.sale.quote.as_ref()?;
    let first = match (owed_now, state.nothing) {
        (Some(owed), _) => owed,
        // The first term is still to be charged, with what is charged once.
        (None, Some(Nothing::DueLater)) => first_gross(quote)?,
        (None, _) => quote.renewal,
    };
    let at_zoho = state.made.subscription.as_ref().and_then(|made| made.next_billing_on);
    let order = RecurringOrder {
        subscription: recurring::id_of(&state.subscription()?),
        customer: state.braintree_customer()?.to_owned(),
        token: state.submission.as_ref()?.token.clone(),
        plan: recurring::plan_id(quote.renewal.currency, recurring::months(quote.term.0, quote.term.1)?),
        price: quote.renewal,
        first_charge_on: owed_now.is_none().then(|| at_zoho.unwrap_or(quote.renews_on)),
        first_term: recurring::first_term(first, quote.renewal),
    };
    let create = Effect::Braintree(Braintree::CreateSubscription(Box::new(order)));
    Some(Pending::perform("begin_recurring", state.counts.captures + 1, create))
}

/// All that a quote sells, with its tax.
fn first_gross(quote: &Quote) -> Option<Money> {
    quote.lines.iter().try_fold(Money::zero(quote.renewal.currency), |sum, line| {
        let gross = line.net.plus(line.tax?).ok()?;
        sum.plus(gross).ok()
    })
}

/// Who mirrors the charges is told that there will be some.
pub(super) fn tells(state: &State, event: &Event) -> Option<Message> {
    let Event::RecurringBegun { recurring, next_charge_on, charged, .. } = event else { return None };
    let intake = state.sale.intake.as_ref()?;
    let begun = Begun {
        organization: intake.organization.clone(),
        installation: intake.installation.clone(),
        customer: state.sale.customer()?.to_owned(),
        subscription: state.subscription()?,
        zoho_subscription: state.made.subscription.as_ref()?.id.clone(),
        record: Some(intake.record.clone()),
        recurring: recurring.clone(),
        next_charge_on: *next_charge_on,
        charged: charged.clone(),
        invoice: state.invoice.first.as_ref().map(|invoice| invoice.id.clone()),
    };
    Some(begun.message())
}

impl Turn<'_> {
    pub(super) fn recurring_answered(&mut self, effect: &Effect, outcome: &Outcome) {
        let Effect::Braintree(Braintree::CreateSubscription(order)) = effect else { return };
        match outcome {
            Outcome::Done { answer: Answer::Recurring(shown) } if shown.id == order.subscription => {
                self.recurring_begun(order, shown);
            }
            Outcome::Declined { decline } => self.first_charge_declined(decline),
            Outcome::Rejected { rejection } if rejection.is_business() => {
                let reason = format!("Braintree refused the subscription ({} {})", rejection.code, rejection.message);
                self.fail(
                    &reason,
                    "make at Braintree what it lacks (docs/sagas/braintree_recurring.md), then press `Retry`",
                );
            }
            _ => {}
        }
    }

    fn recurring_begun(&mut self, order: &RecurringOrder, shown: &Recurring) {
        let is_taken = |t: &&Transaction| t.status.is_approved() && t.status != TransactionStatus::Authorized;
        let charged = shown.transactions.iter().find(is_taken).filter(|_| order.first_charge_on.is_none());
        self.push(Event::RecurringBegun {
            recurring: shown.id.clone(),
            plan: shown.plan.clone(),
            price: shown.price,
            next_charge_on: shown.next_charge_on,
            charged: charged.map(|t| t.id.clone()),
            at: self.at.now,
        });
        let order_id = self.state.submission.as_ref().map(|s| s.order_id.clone()).unwrap_or_default();
        match charged {
            // What Braintree makes by itself carries no order id: it is known by ours from here on.
            Some(t) => self.captured(&Transaction { order_id, ..t.clone() }, first_charge(order)),
            None if order.first_charge_on.is_none() => {
                let what = format!("Braintree began subscription {} and shows no first charge", shown.id);
                self.hold(ParkCode::AnswerMismatch, format!("{what}: look at it, then resume"), After::Pay);
            }
            None => {}
        }
    }

    /// Nothing was made at Braintree. What was made at Zoho is undone, and the customer is at the form again.
    fn first_charge_declined(&mut self, decline: &Decline) {
        let locked_until = self.lock();
        self.push(Event::FirstChargeDeclined { decline: Box::new(decline.clone()), locked_until, at: self.at.now });
        self.undo("the card was declined", "the customer gives another card on the same page", Then::Form, None);
    }
}

/// What the first charge takes.
fn first_charge(order: &RecurringOrder) -> Money {
    let minor = match &order.first_term {
        None => order.price.minor,
        Some(term) if term.kind == FirstTermKind::AddOn => order.price.minor.saturating_add(term.amount.minor),
        Some(term) => order.price.minor.saturating_sub(term.amount.minor),
    };
    Money::new(minor, order.price.currency)
}
