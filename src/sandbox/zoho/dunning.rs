//! How Zoho collects by itself: its gateway charges the card of a subscription, and what was declined is tried again by
//! the organisation's own schedule, until it is paid or given up.

use super::call::Org;
use super::cards::GATEWAY;
use super::dates::plus_days;
use super::errors::Refusal;
use super::fields::CustomFields;
use super::ids::Id;
use super::payments::{Auto, NewPayment};
use super::settings::DunningEnd;
use super::subscriptions::Status;
use crate::faults::{Kind, Vendor};
use chrono::NaiveDate;

/// The operation under which a fault can order the gateway to decline.
pub(super) const CHARGE: &str = "gateway.charge";

/// A charge that was declined and will be tried again.
#[derive(Debug, Clone)]
pub(super) struct Retry {
    invoice: Id,
    /// The day of the first decline: the schedule counts from it.
    first: NaiveDate,
    /// Tries again so far.
    made: usize,
    /// The day of the next try.
    pub(super) on: NaiveDate,
}

/// What became of a charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Charged {
    /// The payment.
    Paid(Id),
    /// Why not, in the gateway's words.
    Declined(String),
}

impl Org<'_> {
    /// Charges a card for all that is owed on an invoice.
    pub(super) fn charge_card(&mut self, card: Id, invoice: Id) -> Result<Charged, Refusal> {
        let of = self.state.invoice(invoice)?;
        let (customer, amount, number) = (of.customer, of.balance(), of.number.clone());
        of.check_takes(amount)?;
        let card = self.state.card(card, customer)?.clone();
        self.world.calls.count(Vendor::Zoho, CHARGE);
        let ordered = |kind: &Kind| matches!(kind, Kind::Decline { .. });
        let why = match self.world.faults.strike(Vendor::Zoho, CHARGE, &number, ordered) {
            Some(Kind::Decline { code }) => Some(format!("This transaction has been declined ({code}).")),
            _ => card.declined(self.today()).map(str::to_owned),
        };
        let auto = Auto {
            id: self.state.counters.id(),
            card: card.clone(),
            transaction: self.state.counters.id().to_string(),
            error: why.clone().unwrap_or_default(),
        };
        let payment = NewPayment {
            customer,
            mode: "autotransaction".to_owned(),
            amount,
            date: self.today(),
            reference: auto.transaction.clone(),
            description: format!("Collected by {GATEWAY}"),
            uses: vec![(invoice, amount)],
            custom_fields: CustomFields::default(),
            auto: Some(auto),
        };
        match why {
            None => Ok(Charged::Paid(self.record_payment(payment)?)),
            Some(why) => {
                self.tell_declined(payment)?;
                Ok(Charged::Declined(why))
            }
        }
    }

    /// Collects an invoice of an online subscription; a declined charge begins its dunning.
    pub(super) fn collect(&mut self, id: Id, invoice: Id) -> Result<(), Refusal> {
        let subscription = self.state.subscription(id)?;
        let Some(card) = subscription.card.filter(|_| subscription.auto_collect) else { return Ok(()) };
        if subscription.retry.is_some() || self.state.invoice(invoice)?.balance() == 0 {
            return Ok(());
        }
        match self.charge_card(card, invoice)? {
            Charged::Paid(_) => Ok(()),
            Charged::Declined(_) => {
                let first = self.today();
                let subscription = self.state.subscription_mut(id)?;
                subscription.retry = Some(Retry { invoice, first, made: 0, on: first });
                if subscription.status == Status::Live {
                    subscription.status = Status::Dunning;
                }
                self.plan_retry(id)
            }
        }
    }

    /// Sets the day of the next try, or gives up.
    fn plan_retry(&mut self, id: Id) -> Result<(), Refusal> {
        let (days, end) = (self.state.settings.dunning_days.clone(), self.state.settings.dunning_end);
        let subscription = self.state.subscription_mut(id)?;
        let Some(retry) = &mut subscription.retry else { return Ok(()) };
        if let Some(days) = days.get(retry.made) {
            retry.on = plus_days(retry.first, *days);
            return Ok(());
        }
        subscription.retry = None;
        match end {
            DunningEnd::Unpaid => {
                self.set_status(id, Status::Unpaid)?;
                self.tell("subscription_unpaid", id)
            }
            DunningEnd::Cancel => {
                self.end(id, Status::CancelledFromDunning)?;
                self.tell("subscription_cancelled", id)
            }
        }
    }

    /// Tries a declined charge again.
    pub(super) fn retry(&mut self, id: Id) -> Result<(), Refusal> {
        let subscription = self.state.subscription_mut(id)?;
        let card = subscription.card.filter(|_| subscription.auto_collect);
        let Some(retry) = &mut subscription.retry else { return Ok(()) };
        retry.made += 1;
        let invoice = retry.invoice;
        let owed = self.state.invoices.get(&invoice).is_some_and(|invoice| invoice.balance() > 0);
        match card.filter(|_| owed) {
            Some(card) => match self.charge_card(card, invoice)? {
                // The payment ended the dunning.
                Charged::Paid(_) => Ok(()),
                Charged::Declined(_) => self.plan_retry(id),
            },
            None => self.plan_retry(id),
        }
    }

    /// Ends the dunning of an invoice's subscription once the declined invoice is paid, and an unpaid state once nothing is
    /// owed on any of its invoices that are due.
    pub(super) fn settle(&mut self, invoice: Id) -> Result<(), Refusal> {
        let Some(id) = self.state.invoice(invoice)?.subscription else { return Ok(()) };
        let Some(subscription) = self.state.subscriptions.get(&id) else { return Ok(()) };
        let today = self.today();
        let mut own = self.state.invoices.values().filter(|invoice| invoice.subscription == Some(id));
        let over = match (&subscription.retry, subscription.status) {
            (Some(retry), _) => self.state.invoices.get(&retry.invoice).is_none_or(|invoice| invoice.balance() == 0),
            (None, Status::Unpaid) => {
                !own.any(|invoice| !invoice.is_draft() && invoice.balance() > 0 && invoice.due <= today)
            }
            (None, _) => false,
        };
        if !over {
            return Ok(());
        }
        let status = subscription.status;
        self.state.subscription_mut(id)?.retry = None;
        if matches!(status, Status::Dunning | Status::Unpaid) {
            self.set_status(id, Status::Live)?;
            self.tell("subscription_updated", id)?;
        }
        Ok(())
    }

    /// Puts a card on a subscription, which Zoho collects from now on; what is in dunning is charged at once.
    pub(super) fn set_card(&mut self, id: Id, card: Id, auto_collect: bool) -> Result<(), Refusal> {
        let customer = self.state.subscription(id)?.customer;
        self.state.card(card, customer)?;
        let now = self.now;
        let subscription = self.state.subscription_mut(id)?;
        subscription.card = Some(card);
        subscription.auto_collect = auto_collect;
        subscription.updated = now;
        if subscription.retry.is_some() {
            self.retry(id)?;
        }
        Ok(())
    }
}
