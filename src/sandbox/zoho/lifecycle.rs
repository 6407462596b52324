//! What happens to subscriptions: by themselves as days go by, or because somebody asked.

use super::call::Org;
use super::dates::midnight;
use super::errors::Refusal;
use super::ids::Id;
use super::invoices::{NewInvoice, Used};
use super::offers::Charge;
use super::reply::Object;
use super::subscriptions::{Status, Subscription};
use chrono::NaiveDate;
use std::collections::BTreeSet;

/// A start in the past is followed through so many terms at most.
const MAX_PAST_TERMS: u32 = 10_000;

impl Org<'_> {
    /// Lets everything happen that became due since the last time, in the order of its days, each at the beginning of
    /// its day.
    pub(super) fn roll(&mut self) {
        let today = self.today();
        if self.state.rolled_to.is_some_and(|day| day >= today) {
            return;
        }
        self.state.rolled_to = Some(today);
        let ahead = self.state.settings.advance_notices;
        let due_day = |subscription: &Subscription| {
            let notice = subscription.notice_day().filter(|_| ahead);
            [subscription.due_day(), notice].into_iter().flatten().min().filter(|day| *day <= today)
        };
        let subscriptions = self.state.subscriptions.values();
        let mut due: BTreeSet<(NaiveDate, Id)> =
            subscriptions.filter_map(|subscription| Some((due_day(subscription)?, subscription.id))).collect();
        let now = self.now;
        while let Some((day, id)) = due.pop_first() {
            self.now = midnight(day);
            self.turn(id, day).expect("a subscription's customer exists");
            due.extend(self.state.subscriptions.get(&id).and_then(due_day).map(|day| (day, id)));
        }
        self.now = now;
    }

    /// What is due on a subscription's day.
    fn turn(&mut self, id: Id, day: NaiveDate) -> Result<(), Refusal> {
        if self.state.settings.advance_notices && self.notice(id, day)? {
            return Ok(());
        }
        let subscription = self.state.subscription(id)?;
        if subscription.retry.as_ref().is_some_and(|retry| retry.on <= day) {
            return self.retry(id);
        }
        match subscription.status {
            Status::Future if subscription.trial_days > 0 => self.begin_trial(id, day),
            Status::Future | Status::Trial => {
                self.begin_term(id, day, true)?;
                self.tell("subscription_activation", id)
            }
            Status::Live | Status::Dunning | Status::Unpaid
                if subscription.cycles > 0 && subscription.billed >= subscription.cycles =>
            {
                self.end(id, Status::Expired)?;
                self.tell("subscription_expired", id)
            }
            Status::Live | Status::Dunning | Status::Unpaid => {
                self.apply_scheduled(id)?;
                self.begin_term(id, day, true)?;
                self.tell("subscription_renewed", id)
            }
            Status::NonRenewing => {
                self.end(id, Status::Cancelled)?;
                self.tell("subscription_cancelled", id)
            }
            // Never due.
            Status::Paused => Ok(()),
            Status::Cancelled | Status::CancelledFromDunning | Status::Expired => self.end(id, subscription.status),
        }
    }

    /// Starts a new subscription now, later, or in the past. For the past no events are told, and only the present term
    /// is billed, if that was asked for.
    pub(super) fn start(&mut self, mut new: Subscription, backdated_invoice: bool) -> Result<Id, Refusal> {
        let (id, today) = (new.id, self.today());
        let backdated = new.starts < today && new.trial_days == 0;
        if backdated {
            let terms = |count| new.item.term.start(new.anchor, count);
            let present = (0..MAX_PAST_TERMS).take_while(|count| terms(*count) <= today).last().unwrap_or(0);
            let ended = new.cycles > 0 && i64::from(present) >= new.cycles;
            new.activated = Some(new.starts);
            new.count = present;
            new.billed = i64::from(present);
            new.next = Some(terms(present));
            if ended {
                new.status = Status::Expired;
                new.next = None;
            }
        }
        let first = new.next;
        self.state.subscriptions.insert(id, new);
        self.tell("subscription_created", id)?;
        if let Some(day) = first.filter(|_| backdated) {
            self.begin_term(id, day, backdated_invoice)?;
        }
        while let Some(day) = self.state.subscription(id)?.due_day().filter(|day| *day <= today) {
            self.turn(id, day)?;
        }
        Ok(id)
    }

    fn begin_trial(&mut self, id: Id, day: NaiveDate) -> Result<(), Refusal> {
        let now = self.now;
        let subscription = self.state.subscription_mut(id)?;
        let ends = super::dates::plus_days(day, subscription.trial_days);
        subscription.status = Status::Trial;
        subscription.term_start = Some(day);
        subscription.next = Some(ends);
        subscription.anchor = ends;
        subscription.updated = now;
        Ok(())
    }

    /// Begins a term on its day.
    pub(super) fn enter_term(&mut self, id: Id, day: NaiveDate) -> Result<(), Refusal> {
        let now = self.now;
        let subscription = self.state.subscription_mut(id)?;
        if !matches!(subscription.status, Status::Dunning | Status::Unpaid) {
            subscription.status = Status::Live;
        }
        subscription.activated.get_or_insert(day);
        subscription.term_start = Some(day);
        subscription.count += 1;
        subscription.billed += 1;
        subscription.next = Some(subscription.item.term.start(subscription.anchor, subscription.count));
        subscription.updated = now;
        Ok(())
    }

    /// Begins a term on its day, with its invoice.
    fn begin_term(&mut self, id: Id, day: NaiveDate, invoice: bool) -> Result<(), Refusal> {
        self.enter_term(id, day)?;
        if !invoice {
            return Ok(());
        }
        let subscription = self.state.subscription_mut(id)?;
        subscription.last_billing = Some(day);
        let mut charges = subscription.charges(subscription.billed == 1);
        let mut redeemed = subscription.coupon.clone();
        let coupon = redeemed.as_mut().and_then(|redeemed| self.state.use_coupon(redeemed, day));
        let used = coupon.map(|coupon| {
            coupon.take_off(&mut charges);
            Used { code: coupon.code.clone(), name: coupon.name.clone() }
        });
        self.state.subscription_mut(id)?.coupon = redeemed;
        self.bill(id, day, charges, used)?;
        Ok(())
    }

    /// Raises an invoice for a subscription. If Zoho collects, its gateway is asked to pay it at once.
    pub(super) fn bill(
        &mut self,
        id: Id,
        date: NaiveDate,
        charges: Vec<Charge>,
        coupon: Option<Used>,
    ) -> Result<Id, Refusal> {
        let subscription = self.state.subscription(id)?;
        let (customer, terms, unpaid) =
            (subscription.customer, subscription.payment_terms, subscription.status == Status::Unpaid);
        let lines = self.lines(charges);
        let new = NewInvoice { customer, subscription: Some(id), date, terms, lines, coupon, draft: false };
        let invoice = self.raise_invoice(new)?;
        if !unpaid {
            self.collect(id, invoice)?;
        }
        Ok(invoice)
    }

    pub(super) fn end(&mut self, id: Id, status: Status) -> Result<(), Refusal> {
        let (now, today) = (self.now, self.today());
        let subscription = self.state.subscription_mut(id)?;
        subscription.status = status;
        subscription.cancelled = Some(today).filter(|_| status != Status::Expired);
        subscription.next = None;
        subscription.scheduled = None;
        subscription.retry = None;
        subscription.updated = now;
        Ok(())
    }

    /// Tells what happened to a subscription, with its newest invoice beside it.
    pub(super) fn tell(&mut self, kind: &'static str, id: Id) -> Result<(), Refusal> {
        let remark = self.remark(kind.replace('_', " "));
        self.state.subscription_mut(id)?.activities.push(remark);
        let subscription = self.state.subscription(id)?;
        let mut data = Object::new().with("subscription", self.state.subscription_view(subscription));
        if let Some(invoice) = subscription.child_invoice.and_then(|id| self.state.invoices.get(&id)) {
            data = data.with("invoice", self.state.invoice_view(invoice, self.today()));
        }
        self.emit(kind, &data);
        Ok(())
    }

    /// Cancels now, or at the end of the term.
    pub(super) fn cancel(&mut self, id: Id, at_end: bool) -> Result<(), Refusal> {
        let status = self.state.subscription(id)?.status;
        match (at_end, status) {
            (true, Status::Live | Status::Trial | Status::Dunning | Status::Unpaid) => {
                self.set_status(id, Status::NonRenewing)?;
                self.tell("subscription_cancellation_scheduled", id)
            }
            (false, status) if status.runs() => {
                self.end(id, Status::Cancelled)?;
                self.tell("subscription_cancelled", id)
            }
            (_, _) => Err(Refusal::wrong_subscription_state()),
        }
    }

    /// Takes a cancellation at the end of the term back.
    pub(super) fn reactivate(&mut self, id: Id) -> Result<(), Refusal> {
        if self.state.subscription(id)?.status != Status::NonRenewing {
            return Err(Refusal::wrong_subscription_state());
        }
        let was_trial = self.state.subscription(id)?.billed == 0;
        self.set_status(id, if was_trial { Status::Trial } else { Status::Live })?;
        self.tell("subscription_reactivated", id)
    }

    /// Pauses: nothing is billed until it is resumed. Only a person at the console can.
    pub(super) fn pause(&mut self, id: Id) -> Result<(), Refusal> {
        if self.state.subscription(id)?.status != Status::Live {
            return Err(Refusal::wrong_subscription_state());
        }
        self.set_status(id, Status::Paused)?;
        self.tell("subscription_paused", id)
    }

    /// Resumes what was paused; a renewal that it missed is due today.
    pub(super) fn resume(&mut self, id: Id) -> Result<(), Refusal> {
        let today = self.today();
        let subscription = self.state.subscription_mut(id)?;
        if subscription.status != Status::Paused {
            return Err(Refusal::wrong_subscription_state());
        }
        if subscription.next.is_some_and(|next| next <= today) {
            subscription.next = Some(today);
            subscription.anchor = today;
            subscription.count = 0;
        }
        self.set_status(id, Status::Live)?;
        self.tell("subscription_resumed", id)?;
        self.state.rolled_to = None;
        self.roll();
        Ok(())
    }

    pub(super) fn set_status(&mut self, id: Id, status: Status) -> Result<(), Refusal> {
        let now = self.now;
        let subscription = self.state.subscription_mut(id)?;
        subscription.status = status;
        subscription.updated = now;
        Ok(())
    }
}
