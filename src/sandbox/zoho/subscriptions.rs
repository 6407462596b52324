//! Subscriptions: what a customer has, in which state, and what it costs a term. How time moves them is in
//! [`super::lifecycle`].

use super::State;
use super::call::Org;
use super::coupons::Redeemed;
use super::dates::{plus_days, stamp};
use super::errors::Refusal;
use super::fields::{CustomFields, Fields};
use super::ids::Id;
use super::money::Currency;
use super::offers::Item;
use super::reply::Object;
use chrono::{DateTime, NaiveDate, Utc};

/// One subscription.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) id: Id,
    pub(super) customer: Id,
    pub(super) currency: Currency,
    pub(super) item: Item,
    pub(super) coupon: Option<Redeemed>,
    /// What replaces `item` at the end of the term.
    pub(super) scheduled: Option<Item>,
    pub(super) status: Status,
    /// Free text, not unique.
    pub(super) reference: String,
    pub(super) auto_collect: bool,
    /// Days until an invoice is due.
    pub(super) payment_terms: i64,
    pub(super) starts: NaiveDate,
    pub(super) trial_days: i64,
    /// Minor units, on the first invoice.
    pub(super) setup_fee: i64,
    pub(super) activated: Option<NaiveDate>,
    pub(super) term_start: Option<NaiveDate>,
    pub(super) last_billing: Option<NaiveDate>,
    /// The day on which something happens by itself: the start, the end of the trial, the renewal or the end.
    pub(super) next: Option<NaiveDate>,
    /// Terms are counted from this day.
    pub(super) anchor: NaiveDate,
    /// The number of the term that begins next, counted from the anchor.
    pub(super) count: u32,
    /// Terms begun.
    pub(super) billed: i64,
    /// Terms until it expires; -1: none.
    pub(super) cycles: i64,
    pub(super) child_invoice: Option<Id>,
    pub(super) custom_fields: CustomFields,
    pub(super) created: DateTime<Utc>,
    pub(super) updated: DateTime<Utc>,
}

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Future,
    Trial,
    Live,
    NonRenewing,
    Cancelled,
    Expired,
}

impl Status {
    /// Zoho's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Future => "future",
            Self::Trial => "trial",
            Self::Live => "live",
            Self::NonRenewing => "non_renewing",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Not at its end.
    pub(super) fn runs(self) -> bool {
        match self {
            Self::Future | Self::Trial | Self::Live | Self::NonRenewing => true,
            Self::Cancelled | Self::Expired => false,
        }
    }
}

impl Subscription {
    /// The product and the plan.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.item.product_name, self.item.name)
    }

    /// The term's last day.
    fn term_end(&self) -> Option<NaiveDate> {
        self.term_start.and(self.next).map(|next| plus_days(next, -1))
    }

    fn head(&self, amount: i64) -> Object {
        Object::new()
            .with("subscription_id", self.id)
            .with("name", self.name())
            .with("status", self.status.word())
            .with("amount", self.currency.number(amount))
            .with("created_at", self.created.date_naive())
            .with("activated_at", text(self.activated))
            .with("current_term_starts_at", text(self.term_start))
            .with("current_term_ends_at", text(self.term_end()))
            .with("last_billing_at", text(self.last_billing))
            .with("next_billing_at", text(self.next.filter(|_| self.status != Status::NonRenewing)))
            .with("expires_at", text(self.expires()))
            .with("interval", self.item.term.interval.to_string())
            .with("interval_unit", self.item.term.unit.word())
            .with("auto_collect", self.auto_collect)
            .with("created_time", stamp(self.created))
            .with("updated_time", stamp(self.updated))
            .with("reference_id", &self.reference)
            .with("salesperson_id", "")
            .with("salesperson_name", "")
            .with("currency_code", self.currency.code)
            .with("currency_symbol", self.currency.symbol)
    }

    /// The last day of its last term, if it has one.
    fn expires(&self) -> Option<NaiveDate> {
        let left = u32::try_from(self.cycles.checked_sub(self.billed)?).ok().filter(|_| self.cycles > 0)?;
        Some(plus_days(self.item.term.start(self.anchor, self.count + left), -1))
    }
}

/// A day as text, or empty text.
fn text(day: Option<NaiveDate>) -> String {
    day.map(|day| day.to_string()).unwrap_or_default()
}

impl State {
    /// The subscription of this id.
    pub(super) fn subscription(&self, id: Id) -> Result<&Subscription, Refusal> {
        self.subscriptions.get(&id).ok_or_else(|| Refusal::unknown("Subscription"))
    }

    /// The subscription of this id, to change.
    pub(super) fn subscription_mut(&mut self, id: Id) -> Result<&mut Subscription, Refusal> {
        self.subscriptions.get_mut(&id).ok_or_else(|| Refusal::unknown("Subscription"))
    }

    /// The subscription as it will be after its scheduled change.
    pub(super) fn scheduled_view(&self, subscription: &Subscription) -> Result<Object, Refusal> {
        let item = subscription.scheduled.clone().ok_or_else(|| Refusal::unknown("Scheduled change"))?;
        let after = Subscription { item, ..subscription.clone() };
        let shown = self.shown(&after);
        Ok(shown.onto(after.head(shown.amount()).with("product_id", after.item.product)))
    }

    /// As lists show it: without its invoice.
    pub(super) fn subscription_row(&self, subscription: &Subscription) -> Object {
        let customer = self.customers.get(&subscription.customer);
        subscription
            .head(self.shown(subscription).amount())
            .with("customer_id", subscription.customer)
            .with("customer_name", customer.map_or("", |customer| &customer.display_name))
            .with("email", customer.map_or("", |customer| &customer.email))
            .with("plan_name", &subscription.item.name)
    }

    /// The whole subscription.
    pub(super) fn subscription_view(&self, subscription: &Subscription) -> Object {
        let customer = self.customers.get(&subscription.customer);
        let shown = self.shown(subscription);
        let view = subscription
            .head(shown.amount())
            .with("child_invoice_id", subscription.child_invoice.map(|id| id.to_string()).unwrap_or_default())
            .with("end_of_term", subscription.scheduled.is_some())
            .with("product_id", subscription.item.product)
            .with("product_name", &subscription.item.product_name);
        shown
            .onto(view)
            .with("payment_terms", subscription.payment_terms)
            .with("customer", customer.map(super::customers::Customer::short_view).unwrap_or_default())
            .with("custom_fields", subscription.custom_fields.view())
    }
}

impl Org<'_> {
    /// Adds a subscription from the fields of a request, and its first invoice if a term begins now.
    pub(super) fn add_subscription(&mut self, fields: &Fields) -> Result<Id, Refusal> {
        let customer = fields.needed_id("customer_id")?;
        let of = self.state.customer(customer)?;
        let (currency, customer_terms) = (of.currency, of.payment_terms);
        let item = Item::read(self, fields, of, None)?;
        let plan_fields = fields.object("plan")?.unwrap_or_default();
        let plan = self.state.plan(&item.code)?.clone();
        if fields.flag("add_to_unbilled_charges")? == Some(true) {
            // This organisation has no unbilled charges: it says so instead of leaving an invoice out.
            return Err(Refusal::invalid("add_to_unbilled_charges"));
        }
        if fields.flag("auto_collect")? == Some(true) {
            // An online subscription needs a card that Zoho holds; this organisation's customers have none.
            return Err(Refusal::missing("card_id"));
        }
        let no_trial = plan_fields.flag("exclude_trial")? == Some(true);
        let no_fee = plan_fields.flag("exclude_setup_fee")? == Some(true);
        let own_fee = if currency == self.state.base_currency() { plan.setup_fee } else { 0 };
        let starts = fields.date("starts_at")?.unwrap_or(self.today());
        let mut subscription = Subscription {
            id: self.state.counters.id(),
            customer,
            currency,
            coupon: None,
            scheduled: None,
            status: Status::Future,
            reference: fields.text("reference_id")?.unwrap_or_default(),
            auto_collect: false,
            payment_terms: fields.whole("payment_terms")?.unwrap_or(customer_terms),
            starts,
            trial_days: plan_fields.whole("trial_days")?.unwrap_or(if no_trial { 0 } else { plan.trial }),
            setup_fee: if no_fee { 0 } else { plan_fields.amount("setup_fee", currency)?.unwrap_or(own_fee) },
            activated: None,
            term_start: None,
            last_billing: None,
            next: Some(starts),
            anchor: starts,
            count: 0,
            billed: 0,
            cycles: plan_fields.whole("billing_cycles")?.unwrap_or(plan.cycles),
            item,
            child_invoice: None,
            custom_fields: CustomFields::default(),
            created: self.now,
            updated: self.now,
        };
        subscription.custom_fields.update(fields)?;
        let backdated_invoice = fields.flag("create_backdated_invoice")? == Some(true);
        if let Some(code) = fields.text("coupon_code")?.filter(|code| !code.is_empty()) {
            self.redeem(&mut subscription, &code)?;
        }
        self.start(subscription, backdated_invoice)
    }

    /// Puts a coupon on a subscription, in the place of another; it is taken off from the next invoice on.
    pub(super) fn redeem(&mut self, subscription: &mut Subscription, code: &str) -> Result<(), Refusal> {
        let charges = subscription.charges(subscription.billed == 0);
        let mut redeemed = self.check_coupon(code, &charges, subscription.item.product, subscription.currency)?;
        redeemed.present = subscription.billed == 0;
        self.count_redemption(code);
        subscription.coupon = Some(redeemed);
        Ok(())
    }
}
