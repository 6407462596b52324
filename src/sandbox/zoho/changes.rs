//! Changes of a subscription: at once, with the rest of the term charged or credited, or at the end of the term.
//!
//! Zoho's documents leave proration to the organisation's settings and do not say how it rounds: here it goes by days,
//! rounded half up.

use super::call::Org;
use super::credit_notes::NewNote;
use super::errors::Refusal;
use super::fields::Fields;
use super::ids::Id;
use super::money::share;
use super::offers::{Charge, Item, Sort};
use super::subscriptions::{Status, Subscription};
use std::cmp::Ordering;

impl Org<'_> {
    /// Changes a subscription as a request says, now or, with `end_of_term`, when the next term begins.
    pub(super) fn update_subscription(&mut self, id: Id, fields: &Fields) -> Result<(), Refusal> {
        let subscription = self.state.subscription(id)?;
        let customer = self.state.customer(subscription.customer)?;
        let item = Item::read(self, fields, customer, Some(&subscription.item))?;
        let given = fields.id("card_id")?;
        if let Some(card) = given {
            self.state.card(card, subscription.customer)?;
        }
        let card = given.or(subscription.card);
        if fields.flag("auto_collect")? == Some(true) && card.is_none() {
            return Err(Refusal::missing("card_id"));
        }
        if !subscription.status.runs() {
            return Err(Refusal::wrong_subscription_state());
        }
        let mut changed = subscription.clone();
        changed.custom_fields.update(fields)?;
        changed.reference = fields.text("reference_id")?.unwrap_or(changed.reference);
        changed.card = card;
        changed.auto_collect = fields.flag("auto_collect")?.unwrap_or(changed.auto_collect);
        changed.payment_terms = fields.whole("payment_terms")?.unwrap_or(changed.payment_terms);
        let at_end = fields.flag("end_of_term")?.unwrap_or(false);
        let held = changed.coupon.as_ref().map(|redeemed| redeemed.code.clone());
        if let Some(code) = fields.text("coupon_code")?.filter(|code| !code.is_empty() && held.as_ref() != Some(code)) {
            let mut after = Subscription { item: item.clone(), ..changed.clone() };
            self.redeem(&mut after, &code)?;
            changed.coupon = after.coupon;
        }
        // A change takes the place of one that still waits.
        changed.scheduled = Some(item.clone()).filter(|_| at_end);
        changed.updated = self.now;
        self.state.subscriptions.insert(id, changed);
        if at_end { Ok(()) } else { self.change_now(id, item) }
    }

    /// Puts in place what waited for the end of the term.
    pub(super) fn apply_scheduled(&mut self, id: Id) -> Result<(), Refusal> {
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
            Ordering::Greater => "subscription_upgraded",
            Ordering::Less => "subscription_downgraded",
            Ordering::Equal => "subscription_updated",
        };
        self.tell(kind, id)
    }

    /// Changes the plan, price or quantity now.
    fn change_now(&mut self, id: Id, item: Item) -> Result<(), Refusal> {
        let subscription = self.state.subscription(id)?;
        let today = self.today();
        let billed = matches!(subscription.status, Status::Live | Status::Dunning | Status::Unpaid);
        let (left, days) = match (subscription.term_start, subscription.next) {
            (Some(start), Some(next)) if billed => ((next - today).num_days().max(0), (next - start).num_days()),
            _ => return self.replace_item(id, item),
        };
        let old = subscription.item.clone();
        if item.term != old.term {
            return self.restart_term(id, item, share(old.cost(), left, days));
        }
        let difference = share(item.cost() - old.cost(), left, days);
        let name = format!("Prorated change to {}", item.name);
        let charge = Charge::new(Sort::OneTime, &item.code, &name, (difference.abs(), 1), item.tax.clone());
        self.replace_item(id, item)?;
        match difference.cmp(&0) {
            Ordering::Greater => self.bill(id, today, vec![charge], None).map(drop),
            Ordering::Less => self.give_back(id, charge),
            Ordering::Equal => Ok(()),
        }
    }

    /// A plan of another length begins a term of its own today, less what was paid for the rest of the old one. What
    /// that leaves over is credited.
    fn restart_term(&mut self, id: Id, item: Item, unused: i64) -> Result<(), Refusal> {
        let (today, name, tax) = (self.today(), format!("Unused time before {}", item.name), item.tax.clone());
        self.replace_item(id, item)?;
        let subscription = self.state.subscription_mut(id)?;
        subscription.anchor = today;
        subscription.last_billing = Some(today);
        let mut charges = subscription.charges(false);
        let mut over = unused;
        for charge in &mut charges {
            charge.discount = charge.cost.min(over);
            over -= charge.discount;
        }
        self.enter_term(id, today)?;
        self.bill(id, today, charges, None)?;
        if over > 0 { self.give_back(id, Charge::new(Sort::OneTime, "", &name, (over, 1), tax)) } else { Ok(()) }
    }

    /// Makes a credit note for a subscription's customer.
    fn give_back(&mut self, id: Id, charge: Charge) -> Result<(), Refusal> {
        let (customer, date) = (self.state.subscription(id)?.customer, self.today());
        let lines = self.lines(vec![charge]);
        self.add_note(NewNote { customer, number: None, date, reference: String::new(), lines }).map(drop)
    }
}
