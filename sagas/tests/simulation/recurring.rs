//! Braintree's own recurring billing: its book of subscriptions, its clock that charges by itself and tries again, what its
//! messages say, and how Zoho raises the invoice of a term.

use crate::braintree::{Braintree, Sale, not_found, rejected};
use crate::people::{Deed, item};
use crate::tables::eur;
use crate::world::{Event, World};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sagas::braintree_recurring::{BraintreeRecurring, Command};
use sagas::kernel::answer::{
    Answer, CollectionOwner, Recurring, RecurringStatus as Status, TransactionStatus as Charge,
};
use sagas::kernel::effect::{Braintree as Call, FirstTermKind, RecurringChange, RecurringOrder};
use sagas::kernel::money::Money;
use sagas::kernel::outcome::{DeclineKind, Look, Outcome, RejectionKind};
use sagas::kernel::saga::Saga;
use sagas::payment_method_update::PaymentMethodUpdate;
use serde_json::json;

/// So often Braintree tries a charge that the bank refused, a day apart; then it ends the subscription.
const TRIES: u32 = 3;

/// A subscription in Braintree's book.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) id: String,
    customer: String,
    pub(crate) token: String,
    plan: String,
    price: Money,
    cycle: u32,
    ends_after: Option<u32>,
    pub(crate) next_charge_on: NaiveDate,
    failures: u32,
    pub(crate) status: Status,
}

/// What the first charge takes.
pub(crate) fn first_charge(order: &RecurringOrder) -> i64 {
    let sign = |kind: FirstTermKind| if kind == FirstTermKind::AddOn { 1 } else { -1 };
    order.price.minor + order.first_term.as_ref().map_or(0, |term| sign(term.kind) * term.amount.minor)
}

impl Braintree {
    pub(crate) fn series(&self, id: &str) -> Option<&Series> {
        self.series.iter().find(|series| series.id == id)
    }

    /// Ids of what charges a card by itself.
    pub(crate) fn charging(&self, token: &str) -> Vec<String> {
        let lives = self.series.iter().filter(|series| series.token == token && !series.status.is_over());
        lives.map(|series| series.id.clone()).collect()
    }

    /// A card that is deleted takes with it what it pays for.
    pub(crate) fn ends_with(&mut self, token: &str) {
        for series in self.series.iter_mut().filter(|series| series.token == token && !series.status.is_over()) {
            series.status = Status::Canceled;
        }
    }

    fn shows(&self, id: &str) -> Outcome {
        let Some(series) = self.series(id) else { return not_found() };
        let charges = self.sales.iter().rev().filter(|sale| sale.series.as_deref() == Some(id));
        let owed = if series.status == Status::PastDue { series.price } else { eur(0) };
        let shown = Recurring {
            id: series.id.clone(),
            status: series.status.clone(),
            plan: series.plan.clone(),
            token: series.token.clone(),
            price: series.price,
            balance: Some(owed),
            current_cycle: Some(series.cycle),
            ends_after: series.ends_after,
            next_charge_on: Some(series.next_charge_on).filter(|_| !series.status.is_over()),
            paid_through: None,
            failures: series.failures,
            transactions: charges.take(20).map(crate::braintree::shown).collect(),
        };
        Outcome::Done { answer: Answer::Recurring(Box::new(shown)) }
    }

    /// What is asked of recurring billing.
    pub(crate) fn on_series(&mut self, call: &Call, now: DateTime<Utc>) -> Outcome {
        let (id, change) = match call {
            Call::CreateSubscription(order) => return self.begins(order, now),
            Call::ReadSubscription { subscription } => return self.shows(subscription),
            Call::UpdateSubscription { subscription, change } => (subscription, Some(change)),
            Call::CancelSubscription { subscription } => (subscription, None),
            other => panic!("no flow of this world asks for {other:?}"),
        };
        let token_is_there = match change {
            Some(RecurringChange::Method { token }) => self.is_on_file(token),
            _ => true,
        };
        let Some(series) = self.series.iter_mut().find(|series| series.id == *id) else { return not_found() };
        if series.status.is_over() && change.is_some() {
            return rejected(RejectionKind::State, "81901");
        }
        match change {
            None if !series.status.is_over() => series.status = Status::Canceled,
            None => {}
            Some(RecurringChange::Method { token }) if token_is_there => series.token.clone_from(token),
            Some(RecurringChange::Method { .. }) => return rejected(RejectionKind::Invalid, "91903"),
            Some(RecurringChange::Plan { plan, price }) => {
                series.plan.clone_from(plan);
                series.price = *price;
            }
            Some(RecurringChange::EndAfter { cycles }) => series.ends_after = Some(*cycles),
            Some(RecurringChange::NeverEnds) => series.ends_after = None,
        }
        self.shows(id)
    }

    fn begins(&mut self, order: &RecurringOrder, now: DateTime<Utc>) -> Outcome {
        if self.series(&order.subscription).is_some() {
            return self.shows(&order.subscription);
        }
        let Some(card) = self.card_of(&order.customer, &order.token) else {
            return rejected(RejectionKind::Invalid, "91903");
        };
        let now_or_later = order.first_charge_on.is_none();
        if now_or_later {
            let amount = eur(first_charge(order));
            let outcome =
                self.book("", &order.customer, &order.token, &card, amount, Charge::SubmittedForSettlement, now);
            if let Some(sale) = self.sales.last_mut() {
                (sale.series, sale.first) = (Some(order.subscription.clone()), true);
            }
            if let Outcome::Declined { .. } = outcome {
                return outcome;
            }
        }
        let next = order.first_charge_on.unwrap_or_else(|| (now + self.term).date_naive());
        self.series.push(Series {
            id: order.subscription.clone(),
            customer: order.customer.clone(),
            token: order.token.clone(),
            plan: order.plan.clone(),
            price: order.price,
            cycle: u32::from(now_or_later),
            ends_after: None,
            next_charge_on: next,
            failures: 0,
            status: if now_or_later { Status::Active } else { Status::Pending },
        });
        self.shows(&order.subscription)
    }

    pub(crate) fn look_series(&self, call: &Call, sent: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Look {
        let nothing = Look::Absent { watermark: true, key_proven: true };
        let found = |outcome| Look::Found { outcome: Box::new(outcome), extra: Vec::new() };
        match call {
            Call::CreateSubscription(order) => {
                if self.series(&order.subscription).is_some() {
                    return found(self.shows(&order.subscription));
                }
                let Some(sent) = sent else { return nothing };
                let of_it = |sale: &&Sale| sale.series.as_ref() == Some(&order.subscription) && sale.created_at >= sent;
                if let Some(no) = self.sales.iter().rev().find(of_it) {
                    let decline = crate::braintree::decline(
                        DeclineKind::Processor,
                        "2001",
                        Some(("soft_declined", no.id.clone())),
                    );
                    return found(Outcome::Declined { decline });
                }
                let passed = self.index(now) >= sent + TimeDelta::minutes(2);
                let detail = "there is no such subscription, and the search has not passed the request yet";
                if passed { nothing } else { Look::Unclear { detail: detail.to_owned() } }
            }
            Call::CancelSubscription { subscription } | Call::UpdateSubscription { subscription, .. } => {
                let Some(series) = self.series(subscription) else { return found(not_found()) };
                let is_so = match call {
                    Call::UpdateSubscription { change: RecurringChange::Method { token }, .. } => {
                        series.token == *token
                    }
                    Call::UpdateSubscription { change: RecurringChange::Plan { plan, price }, .. } => {
                        series.plan == *plan && series.price == *price
                    }
                    Call::UpdateSubscription { change: RecurringChange::EndAfter { cycles }, .. } => {
                        series.ends_after == Some(*cycles)
                    }
                    Call::UpdateSubscription { change: RecurringChange::NeverEnds, .. } => series.ends_after.is_none(),
                    _ => series.status.is_over(),
                };
                if is_so { found(self.shows(subscription)) } else { nothing }
            }
            other => panic!("no flow of this world asks for {other:?}"),
        }
    }

    /// The day of a charge, or of another try: what Braintree then says; none: nothing happens.
    fn charges(&mut self, id: &str, now: DateTime<Utc>) -> Option<&'static str> {
        let term = self.term;
        let at = self.series.iter().position(|series| series.id == id && !series.status.is_over())?;
        let series = self.series[at].clone();
        if series.ends_after.is_some_and(|last| series.cycle >= last) {
            self.series[at].status = Status::Expired;
            return Some("subscription_expired");
        }
        let card = self.card_of(&series.customer, &series.token)?;
        let approved = Charge::SubmittedForSettlement;
        let outcome = self.book("", &series.customer, &series.token, &card, series.price, approved, now);
        if let Some(sale) = self.sales.last_mut() {
            sale.series = Some(id.to_owned());
        }
        let series = &mut self.series[at];
        if let Outcome::Declined { .. } = outcome {
            series.failures += 1;
            series.status = if series.failures > TRIES { Status::Canceled } else { Status::PastDue };
            return Some(if series.failures > TRIES { "subscription_canceled" } else { "subscription_went_past_due" });
        }
        series.failures = 0;
        series.cycle += 1;
        series.status = Status::Active;
        series.next_charge_on += term;
        Some("subscription_charged_successfully")
    }
}

impl World {
    /// Braintree collects for that company.
    pub(crate) fn collector_of(&self, company: &str) -> CollectionOwner {
        if self.recurs.contains(company) { CollectionOwner::BraintreeRecurring } else { CollectionOwner::Orchestrator }
    }

    /// A subscription was made at Braintree: its clock runs.
    pub(crate) fn clocks(&mut self, id: &str) {
        let now = self.clock.now();
        let Some(next) = self.braintree.series(id).map(|series| series.next_charge_on) else { return };
        let wait = self.until_day(next, now);
        self.clock.after(wait, Event::Deed(Deed::Recurs { series: id.to_owned() }));
    }

    /// Some hour of that day, or soon.
    pub(crate) fn until_day(&mut self, day: NaiveDate, now: DateTime<Utc>) -> TimeDelta {
        let midnight = day.and_time(chrono::NaiveTime::MIN).and_utc();
        (midnight - now).max(TimeDelta::zero()) + self.millis(60_000, 8 * 3_600_000)
    }

    /// Braintree charges what is due, and tells of it.
    pub(crate) fn recurs(&mut self, id: &str) {
        let now = self.clock.now();
        let Some(due) = self.braintree.series(id).map(|series| series.next_charge_on) else { return };
        if due > self.last_due() {
            return;
        }
        self.braintree.term = self.term_from(due);
        self.card_goes_bad(id);
        let known = self.braintree.sales.len();
        let Some(word) = self.braintree.charges(id, now) else { return };
        self.tells_recurring(id, word);
        if word == "subscription_canceled" {
            // What is owed is people's business from now on.
            let customer = self.braintree.series(id).map(|series| series.customer.clone()).unwrap_or_default();
            self.touched.insert(customer.trim_start_matches("c-of-").to_owned());
        }
        let made = self.braintree.sales.get(known).filter(|sale| sale.is_captured()).map(|sale| sale.id.clone());
        if let Some(transaction) = made {
            self.settles(transaction, None);
        }
        let Some(series) = self.braintree.series(id).filter(|series| !series.status.is_over()) else { return };
        let next = if series.failures > 0 { now.date_naive() + TimeDelta::days(1) } else { series.next_charge_on };
        let wait = self.until_day(next, now);
        self.clock.after(wait, Event::Deed(Deed::Recurs { series: id.to_owned() }));
    }

    /// Now and then the bank refuses what it took before.
    fn card_goes_bad(&mut self, id: &str) {
        let sought =
            self.mishaps.seeks(BraintreeRecurring::NAME, &["read_card", "ask_card", "show", "task", "order_end"])
                || self.mishaps.seeks(PaymentMethodUpdate::NAME, &["task"]);
        let now = self.clock.now();
        if now >= self.healed_at || !self.dice.chance(if sought { 700 } else { 150 }) {
            return;
        }
        let card = self.braintree.series(id).and_then(|s| self.braintree.card_of(&s.customer, &s.token));
        let until = now + TimeDelta::hours(self.dice.between(6, 96));
        if let Some(plastic) = card.and_then(|card| self.braintree.plastic.get_mut(&card)) {
            plastic.broke_until = Some(until);
        }
    }

    /// Now and then staff sell at another price from the next term on.
    fn price_moves(&mut self, id: &str) {
        let sought = self.mishaps.seeks(BraintreeRecurring::NAME, &["read_price", "correct_price"]);
        if self.clock.now() >= self.healed_at || !self.dice.chance(if sought { 700 } else { 40 }) {
            return;
        }
        let by = self.dice.of(&[300, -300]);
        let customer = self.zoho.subscription(id).map(|known| known.customer.clone()).unwrap_or_default();
        let company = self.company_of(&customer);
        self.touched.extend(company);
        for (known, _) in self.zoho.subscriptions.iter_mut().filter(|(known, _)| known.id == id) {
            known.amount = known.amount.map(|amount| eur(amount.minor + by));
        }
    }

    /// Braintree's message; should it be lost, the daily look finds what it says.
    fn tells_recurring(&mut self, id: &str, word: &str) {
        let card_link = json!({
            "link_days": 7, "consent_version": "1", "declines_before_lock": 3, "lock_minutes": 60, "keep_days": 1,
        });
        let heard = Command::Heard {
            recurring: id.to_owned(),
            source: format!("braintree.{word}"),
            card_link: Some(card_link),
        };
        let saga = BraintreeRecurring::id(id);
        if let Some(series) = self.braintree.series(id) {
            let company = series.customer.trim_start_matches("c-of-").to_owned();
            self.laws.belongs.entry(saga).or_insert(company);
        }
        let heard = item::<BraintreeRecurring>("braintree.webhook", &heard);
        self.message(saga, &heard, TimeDelta::zero(), None);
    }

    /// Braintree tells of a subscription of which nobody here knows.
    pub(crate) fn hears_of_stranger(&mut self) {
        self.tells_recurring("elsewhere-1", "subscription_charged_successfully");
        self.laws.belongs.entry(BraintreeRecurring::id("elsewhere-1")).or_insert_with(|| "elsewhere".to_owned());
    }

    /// Zoho raises the invoice of a term that begins, where somebody else than we collects it.
    pub(crate) fn renews(&mut self, id: &str) {
        let now = self.clock.now();
        if self.zoho.subscription(id).and_then(|known| known.next_billing_on).is_none_or(|due| due > self.last_due()) {
            return;
        }
        let owned = self.tables.subscriptions.iter().find(|(_, owned)| owned.zoho.as_deref() == Some(id));
        let (ours, owner) = owned.map_or((None, None), |(ours, owned)| (Some(ours.clone()), owned.owner));
        let begun = ours.is_some_and(|ours| {
            let series = self.braintree.series(&sagas::kernel::recurring::id_of(&ours));
            series.is_some_and(|series| !series.status.is_over())
        });
        match owner {
            Some(CollectionOwner::ZohoNative) => self.renews_at_zoho(id),
            Some(CollectionOwner::BraintreeRecurring) if begun => {
                let term = self.zoho_term(id);
                self.price_moves(id);
                if self.zoho.next_term(id, term, now).is_some() {
                    self.bills_term(id);
                }
            }
            _ => {}
        }
        let Some(next) = self.zoho.subscription(id).filter(|s| s.status != "cancelled").and_then(|s| s.next_billing_on)
        else {
            return;
        };
        let wait = self.until_day(next.max(now.date_naive() + TimeDelta::days(1)), now);
        self.clock.after(wait, Event::Deed(Deed::Renews { subscription: id.to_owned() }));
    }

    /// The term of a subscription at Zoho that begins now.
    pub(crate) fn zoho_term(&self, id: &str) -> TimeDelta {
        let due = self.zoho.subscription(id).and_then(|known| known.next_billing_on);
        self.term_from(due.unwrap_or_else(|| self.clock.now().date_naive()))
    }

    /// The invoice of a term.
    pub(crate) fn bills_term(&mut self, id: &str) -> Option<String> {
        let now = self.clock.now();
        let (customer, amount) = self.zoho.subscription(id).map(|s| (s.customer.clone(), s.amount))?;
        Some(self.zoho.bill(&customer, Some(id), amount?.minor, TimeDelta::zero(), now))
    }

    /// Terms are short while things go wrong: else nothing would be renewed then. Long enough, that the day on which a
    /// charge is missed comes before the next term.
    pub(crate) fn term(&self) -> TimeDelta {
        self.term_from(self.clock.now().date_naive())
    }

    /// No term begins later: what follows from it has to come before the end.
    pub(crate) fn last_due(&self) -> NaiveDate {
        (self.healed_at + TimeDelta::days(60)).date_naive()
    }

    /// The term that begins on that day: the same one on both sides.
    pub(crate) fn term_from(&self, day: NaiveDate) -> TimeDelta {
        TimeDelta::days(if day < self.healed_at.date_naive() { 3 } else { 30 })
    }

    /// What Braintree took by itself is booked and recorded, once.
    pub(crate) fn recurring_differs(&self) -> Option<String> {
        self.braintree.sales.iter().filter(|sale| sale.series.is_some() && sale.is_captured()).find_map(|sale| {
            let series = sale.series.as_deref().unwrap_or_default();
            let saga = BraintreeRecurring::id(series);
            let company = sale.customer.trim_start_matches("c-of-");
            if self.touched.contains(company) {
                return None;
            }
            let Some(slot) = self.sagas.get(&saga) else {
                return Some(format!("nobody mirrors {series}, which took {}", sale.amount));
            };
            let state = slot.live.summary().state;
            let records = self.zoho.payments.iter().filter(|payment| payment.reference == sale.id).count();
            (records != 1).then(|| format!("{} of {series} ({state}) is recorded {records} times", sale.id))
        })
    }
}
