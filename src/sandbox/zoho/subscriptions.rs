//! Subscriptions: what a customer has, in which state, and what it costs a term. How time moves them is in
//! [`super::lifecycle`].

use super::State;
use super::call::Org;
use super::coupons::Redeemed;
use super::dates::{plus_days, stamp};
use super::dunning::Retry;
use super::errors::Refusal;
use super::fields::{CustomFields, Fields};
use super::ids::Id;
use super::money::Currency;
use super::offers::Item;
use super::reply::Object;
use super::subscription_extras::Remark;
use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use std::collections::BTreeMap;

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
    /// The card that Zoho charges.
    pub(super) card: Option<Id>,
    /// The declined charge that will be tried again.
    pub(super) retry: Option<Retry>,
    /// Days until an invoice is due.
    pub(super) payment_terms: i64,
    pub(super) starts: NaiveDate,
    pub(super) trial_days: i64,
    /// Minor units, on the first invoice.
    pub(super) setup_fee: i64,
    pub(super) activated: Option<NaiveDate>,
    pub(super) term_start: Option<NaiveDate>,
    pub(super) last_billing: Option<NaiveDate>,
    pub(super) cancelled: Option<NaiveDate>,
    /// The day on which something happens by itself: the start, the end of the trial, the renewal or the end.
    pub(super) next: Option<NaiveDate>,
    /// The day of [`Self::next`] that was told ahead.
    pub(super) noticed: Option<NaiveDate>,
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
    /// Of the plan and the add-ons, by code.
    pub(super) descriptions: BTreeMap<String, String>,
    pub(super) salesperson: Option<(Id, String)>,
    pub(super) notes: Vec<Remark>,
    /// What happened to it, oldest first.
    pub(super) activities: Vec<Remark>,
    pub(super) created: DateTime<Utc>,
    pub(super) updated: DateTime<Utc>,
}

/// The filters of lists behind `SubscriptionStatus.`.
const FILTERS: [&str; 14] = [
    "All",
    "ACTIVE",
    "LIVE",
    "FUTURE",
    "TRIAL",
    "PAST_DUE",
    "UNPAID",
    "NON_RENEWING",
    "CANCELLED_FROM_DUNNING",
    "CANCELLED",
    "EXPIRED",
    "TRIAL_EXPIRED",
    "CANCELLED_LAST_MONTH",
    "CANCELLED_THIS_MONTH",
];

/// Where a subscription stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Future,
    Trial,
    Live,
    /// Zoho's gateway was declined and tries again.
    Dunning,
    /// Zoho's gateway was declined for the last time.
    Unpaid,
    /// By a person at the console: no call pauses.
    Paused,
    NonRenewing,
    Cancelled,
    CancelledFromDunning,
    Expired,
}

impl Status {
    /// Zoho's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Future => "future",
            Self::Trial => "trial",
            Self::Live => "live",
            Self::Dunning => "dunning",
            Self::Unpaid => "unpaid",
            Self::Paused => "paused",
            Self::NonRenewing => "non_renewing",
            Self::Cancelled => "cancelled",
            Self::CancelledFromDunning => "cancelled_from_dunning",
            Self::Expired => "expired",
        }
    }

    /// Not at its end.
    pub(super) fn runs(self) -> bool {
        match self {
            Self::Future
            | Self::Trial
            | Self::Live
            | Self::Dunning
            | Self::Unpaid
            | Self::Paused
            | Self::NonRenewing => true,
            Self::Cancelled | Self::CancelledFromDunning | Self::Expired => false,
        }
    }
}

impl Subscription {
    /// Whether lists have this filter.
    pub(super) fn has_filter(filter: &str) -> bool {
        FILTERS.contains(&filter)
    }

    /// Whether a filter of lists shows it.
    pub(super) fn fits(&self, filter: &str, today: NaiveDate) -> bool {
        let in_month = |months: u32| {
            let month = today.with_day(1)?.checked_sub_months(Months::new(months))?;
            self.cancelled.map(|day| (day.year(), day.month()) == (month.year(), month.month()))
        };
        match filter {
            "All" => true,
            "ACTIVE" => matches!(self.status, Status::Live | Status::Trial | Status::Dunning | Status::NonRenewing),
            "LIVE" => self.status == Status::Live,
            "FUTURE" => self.status == Status::Future,
            "TRIAL" => self.status == Status::Trial,
            "PAST_DUE" => self.status == Status::Dunning,
            "UNPAID" => self.status == Status::Unpaid,
            "NON_RENEWING" => self.status == Status::NonRenewing,
            "CANCELLED_FROM_DUNNING" => self.status == Status::CancelledFromDunning,
            "CANCELLED" => self.status == Status::Cancelled,
            "EXPIRED" => self.status == Status::Expired,
            "CANCELLED_THIS_MONTH" => in_month(0).unwrap_or(false),
            "CANCELLED_LAST_MONTH" => in_month(1).unwrap_or(false),
            // Trials of this organisation end in a first invoice: none is `TRIAL_EXPIRED`.
            _ => false,
        }
    }

    /// The product and the plan.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.item.product_name, self.item.name)
    }

    /// The day on which it is to be looked at: for what is due on it, or to try a declined card again.
    pub(super) fn due_day(&self) -> Option<NaiveDate> {
        let retry = self.retry.as_ref().map(|retry| retry.on);
        [self.next, retry].into_iter().flatten().min().filter(|_| self.status != Status::Paused)
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
            .with("salesperson_id", self.salesperson.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default())
            .with("salesperson_name", self.salesperson.as_ref().map_or("", |(_, name)| name))
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
        let view = shown.onto(view);
        let view = match subscription.card.and_then(|card| self.cards.get(&card)) {
            Some(card) => view.with("card", card.short_view()),
            None => view,
        };
        view.with("payment_terms", subscription.payment_terms)
            .with("customer", customer.map(super::customers::Customer::short_view).unwrap_or_default())
            .with("custom_fields", subscription.custom_fields.view())
            .with("notes", subscription.notes.iter().map(Remark::note_view).collect::<Vec<_>>())
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
        let card = fields.id("card_id")?;
        if let Some(card) = card {
            self.state.card(card, customer)?;
        }
        let auto_collect = fields.flag("auto_collect")?.unwrap_or(card.is_some());
        if auto_collect && card.is_none() {
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
            auto_collect,
            card,
            retry: None,
            payment_terms: fields.whole("payment_terms")?.unwrap_or(customer_terms),
            starts,
            trial_days: plan_fields.whole("trial_days")?.unwrap_or(if no_trial { 0 } else { plan.trial }),
            setup_fee: if no_fee { 0 } else { plan_fields.amount("setup_fee", currency)?.unwrap_or(own_fee) },
            activated: None,
            term_start: None,
            last_billing: None,
            cancelled: None,
            next: Some(starts),
            noticed: None,
            anchor: starts,
            count: 0,
            billed: 0,
            cycles: plan_fields.whole("billing_cycles")?.unwrap_or(plan.cycles),
            item,
            child_invoice: None,
            custom_fields: CustomFields::default(),
            descriptions: BTreeMap::new(),
            salesperson: None,
            notes: Vec::new(),
            activities: Vec::new(),
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
