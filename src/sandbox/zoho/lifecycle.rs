//! What happens to subscriptions: by themselves as days go by, or because somebody asked.

use super::call::Org;
use super::credit_notes::NewNote;
use super::dates::midnight;
use super::errors::Refusal;
use super::ids::Id;
use super::invoices::{NewInvoice, Used};
use super::money::share;
use super::offers::{Charge, Item, Sort};
use super::payments::NewPayment;
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
        let due_day = |subscription: &Subscription| subscription.next.filter(|day| *day <= today);
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
        let subscription = self.state.subscription(id)?;
        match subscription.status {
            Status::Future if subscription.trial_days > 0 => self.begin_trial(id, day),
            Status::Future | Status::Trial => {
                self.begin_term(id, day, true)?;
                self.tell("subscription_activation", id)
            }
            Status::Live if subscription.cycles > 0 && subscription.billed >= subscription.cycles => {
                self.end(id, Status::Expired)?;
                self.tell("subscription_expired", id)
            }
            Status::Live => {
                self.apply_scheduled(id)?;
                self.begin_term(id, day, true)?;
                self.tell("subscription_renewed", id)
            }
            Status::NonRenewing => {
                self.end(id, Status::Cancelled)?;
                self.tell("subscription_cancelled", id)
            }
            Status::Cancelled | Status::Expired => self.end(id, subscription.status),
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
        while let Some(day) = self.state.subscription(id)?.next.filter(|day| *day <= today) {
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

    /// Begins a term on its day, with its invoice.
    fn begin_term(&mut self, id: Id, day: NaiveDate, invoice: bool) -> Result<(), Refusal> {
        let now = self.now;
        let subscription = self.state.subscription_mut(id)?;
        subscription.status = Status::Live;
        subscription.activated.get_or_insert(day);
        subscription.term_start = Some(day);
        subscription.count += 1;
        subscription.billed += 1;
        subscription.next = Some(subscription.item.term.start(subscription.anchor, subscription.count));
        subscription.updated = now;
        if !invoice {
            return Ok(());
        }
        subscription.last_billing = Some(day);
        let mut charges = subscription.charges(subscription.billed == 1);
        let mut redeemed = subscription.coupon.clone();
        let coupon = redeemed.as_mut().and_then(|redeemed| self.state.use_coupon(redeemed, day));
        let used = coupon.map(|coupon| {
            coupon.take_off(&mut charges);
            Used { code: coupon.code.clone(), name: coupon.name.clone() }
        });
        self.state.subscription_mut(id)?.coupon = redeemed;
        self.bill(id, day, charges, used)
    }

    /// Raises an invoice for a subscription. If Zoho collects, its gateway pays it at once.
    pub(super) fn bill(
        &mut self,
        id: Id,
        date: NaiveDate,
        charges: Vec<Charge>,
        coupon: Option<Used>,
    ) -> Result<(), Refusal> {
        let subscription = self.state.subscription(id)?;
        let (customer, terms, online) = (subscription.customer, subscription.payment_terms, subscription.auto_collect);
        let lines = self.lines(charges);
        let new = NewInvoice { customer, subscription: Some(id), date, terms, lines, coupon, draft: false };
        let invoice = self.raise_invoice(new)?;
        let amount = self.state.invoice(invoice)?.balance();
        if online && amount > 0 {
            self.record_payment(NewPayment {
                customer,
                mode: "autotransaction".to_owned(),
                amount,
                date,
                reference: String::new(),
                description: "Collected by the payment gateway".to_owned(),
                uses: vec![(invoice, amount)],
                custom_fields: super::fields::CustomFields::default(),
            })?;
        }
        Ok(())
    }

    fn end(&mut self, id: Id, status: Status) -> Result<(), Refusal> {
        let now = self.now;
        let subscription = self.state.subscription_mut(id)?;
        subscription.status = status;
        subscription.next = None;
        subscription.scheduled = None;
        subscription.updated = now;
        Ok(())
    }

    /// Tells what happened to a subscription, with its newest invoice beside it.
    pub(super) fn tell(&mut self, kind: &'static str, id: Id) -> Result<(), Refusal> {
        let subscription = self.state.subscription(id)?;
        let mut data = Object::new().with("subscription", self.state.subscription_view(subscription));
        if let Some(invoice) = subscription.child_invoice.and_then(|id| self.state.invoices.get(&id)) {
            data = data.with("invoice", self.state.invoice_view(invoice, self.today()));
        }
        self.emit(kind, &data);
        Ok(())
    }

    fn apply_scheduled(&mut self, id: Id) -> Result<(), Refusal> {
        match self.state.subscription_mut(id)?.scheduled.take() {
            Some(item) => self.replace_item(id, item),
            None => Ok(()),
        }
    }

    /// Puts another plan, price or quantity in place and tells it. Where the length of the term changes, terms are
    /// counted from the term that begins next.
    fn replace_item(&mut self, id: Id, item: Item) -> Result<(), Refusal> {
        let now = self.now;
        let subscription = self.state.subscription_mut(id)?;
        let (old, new) = (subscription.item.cost(), item.cost());
        if item.term != subscription.item.term {
            subscription.anchor = subscription.next.unwrap_or(now.date_naive());
            subscription.count = 0;
        }
        subscription.item = item;
        subscription.updated = now;
        let kind = match new.cmp(&old) {
            std::cmp::Ordering::Greater => "subscription_upgraded",
            std::cmp::Ordering::Less => "subscription_downgraded",
            std::cmp::Ordering::Equal => "subscription_updated",
        };
        self.tell(kind, id)
    }

    /// Changes the plan, price or quantity now: the rest of the term is charged or credited by its days, rounded half
    /// up. Zoho's documents do not say how it rounds.
    pub(super) fn change_now(&mut self, id: Id, item: Item) -> Result<(), Refusal> {
        let subscription = self.state.subscription(id)?;
        let (customer, today) = (subscription.customer, self.today());
        let rest = match (subscription.status, subscription.term_start, subscription.next) {
            (Status::Live, Some(start), Some(next)) => ((next - today).num_days(), (next - start).num_days()),
            _ => (0, 1),
        };
        let difference = share(item.cost() - subscription.item.cost(), rest.0.max(0), rest.1);
        let name = format!("Prorated change to {}", item.name);
        let charge = Charge::new(Sort::OneTime, &item.code, &name, (difference.abs(), 1), item.tax.clone());
        self.replace_item(id, item)?;
        if difference > 0 {
            self.bill(id, today, vec![charge], None)?;
        } else if difference < 0 {
            let lines = self.lines(vec![charge]);
            self.add_note(NewNote { customer, number: None, date: today, reference: String::new(), lines })?;
        }
        Ok(())
    }

    /// Cancels now, or at the end of the term.
    pub(super) fn cancel(&mut self, id: Id, at_end: bool) -> Result<(), Refusal> {
        let status = self.state.subscription(id)?.status;
        match (at_end, status) {
            (true, Status::Live | Status::Trial) => {
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

    fn set_status(&mut self, id: Id, status: Status) -> Result<(), Refusal> {
        let now = self.now;
        let subscription = self.state.subscription_mut(id)?;
        subscription.status = status;
        subscription.updated = now;
        Ok(())
    }
}
