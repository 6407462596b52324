//! Subscriptions: what a customer has, in which state, and what it costs a term. How time moves them is in
//! [`super::lifecycle`].

use super::State;
use super::call::Org;
use super::dates::{Term, plus_days, stamp};
use super::errors::Refusal;
use super::fields::{CustomFields, Fields};
use super::ids::Id;
use super::money::Currency;
use super::reply::Object;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::value::RawValue;

/// One subscription.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) id: Id,
    pub(super) customer: Id,
    pub(super) currency: Currency,
    pub(super) item: Item,
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

/// What is charged each term.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// The plan's code.
    pub(super) code: String,
    pub(super) name: String,
    pub(super) product: Id,
    pub(super) product_name: String,
    /// Minor units for one piece.
    pub(super) price: i64,
    pub(super) quantity: i64,
    pub(super) term: Term,
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

impl Item {
    /// Price times quantity.
    pub(super) fn total(&self) -> i64 {
        self.price.saturating_mul(self.quantity)
    }

    /// Reads `plan` of a request. Another currency than the organisation's own needs a price, as plans have none in it.
    pub(super) fn read(org: &Org<'_>, fields: &Fields, currency: Currency) -> Result<Self, Refusal> {
        let plan = org.state.plan(&fields.needed("plan_code")?)?;
        let own_price = (currency == Currency::base()).then_some(plan.price);
        let item = Self {
            code: plan.code.clone(),
            name: plan.name.clone(),
            product: plan.product,
            product_name: org.state.product_name(plan.product).to_owned(),
            price: fields.amount("price", currency)?.or(own_price).ok_or_else(|| Refusal::missing("price"))?,
            quantity: fields.quantity()?,
            term: plan.term,
        };
        item.price.checked_mul(item.quantity).ok_or_else(|| Refusal::invalid("price"))?;
        Ok(item)
    }

    fn view(&self, subscription: &Subscription) -> Object {
        let currency = subscription.currency;
        Object::new()
            .with("plan_code", &self.code)
            .with("name", &self.name)
            .with("quantity", self.quantity)
            .with("price", currency.number(self.price))
            .with("discount", currency.number(0))
            .with("total", currency.number(self.total()))
            .with("setup_fee", currency.number(subscription.setup_fee))
            .with("plan_description", "")
            .with("tax_id", "")
            .with("trial_days", subscription.trial_days)
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

    fn amount(&self) -> Box<RawValue> {
        self.currency.number(self.item.total())
    }

    fn head(&self) -> Object {
        Object::new()
            .with("subscription_id", self.id)
            .with("name", self.name())
            .with("status", self.status.word())
            .with("amount", self.amount())
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

    /// The subscription as it will be after its scheduled change.
    pub(super) fn scheduled_view(&self) -> Result<Object, Refusal> {
        let item = self.scheduled.clone().ok_or_else(|| Refusal::unknown("Scheduled change"))?;
        let after = Self { item, ..self.clone() };
        Ok(after
            .head()
            .with("product_id", after.item.product)
            .with("plan", after.item.view(&after))
            .with("addons", [(); 0])
            .with("taxes", [(); 0]))
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

    /// As lists show it: without its invoice.
    pub(super) fn subscription_row(&self, subscription: &Subscription) -> Object {
        let customer = self.customers.get(&subscription.customer);
        subscription
            .head()
            .with("customer_id", subscription.customer)
            .with("customer_name", customer.map_or("", |customer| &customer.display_name))
            .with("email", customer.map_or("", |customer| &customer.email))
            .with("plan_name", &subscription.item.name)
    }

    /// The whole subscription.
    pub(super) fn subscription_view(&self, subscription: &Subscription) -> Object {
        let customer = self.customers.get(&subscription.customer);
        subscription
            .head()
            .with("child_invoice_id", subscription.child_invoice.map(|id| id.to_string()).unwrap_or_default())
            .with("end_of_term", subscription.scheduled.is_some())
            .with("product_id", subscription.item.product)
            .with("product_name", &subscription.item.product_name)
            .with("plan", subscription.item.view(subscription))
            .with("addons", [(); 0])
            .with("taxes", [(); 0])
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
        let plan_fields = fields.object("plan")?.ok_or_else(|| Refusal::missing("plan"))?;
        let item = Item::read(self, &plan_fields, currency)?;
        let plan = self.state.plan(&item.code)?.clone();
        refuse_extras(fields)?;
        if fields.flag("auto_collect")? == Some(true) {
            // An online subscription needs a card that Zoho holds; this organisation's customers have none.
            return Err(Refusal::missing("card_id"));
        }
        let no_trial = plan_fields.flag("exclude_trial")? == Some(true);
        let no_fee = plan_fields.flag("exclude_setup_fee")? == Some(true);
        let own_fee = if currency == Currency::base() { plan.setup_fee } else { 0 };
        let starts = fields.date("starts_at")?.unwrap_or(self.today());
        let mut subscription = Subscription {
            id: self.state.counters.id(),
            customer,
            currency,
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
        self.start(subscription, backdated_invoice)
    }
}

/// Refuses what this organisation does not have, instead of leaving it out of the invoice unsaid.
fn refuse_extras(fields: &Fields) -> Result<(), Refusal> {
    if fields.list("addons")?.is_some_and(|addons| !addons.is_empty()) {
        return Err(Refusal::unknown("Addon"));
    }
    if fields.text("coupon_code")?.is_some_and(|code| !code.is_empty()) {
        return Err(Refusal::unknown("Coupon"));
    }
    match fields.flag("add_to_unbilled_charges")? {
        Some(true) => Err(Refusal::invalid("add_to_unbilled_charges")),
        _ => Ok(()),
    }
}
