//! The gateway's recurring billing: what time does to subscriptions, and the charges that follow from it and from changes.
//! Each charge is a transaction like any other. Days begin at midnight UTC; each change is dated when it was due.

use super::call::Ask;
use super::sale::{self, Order};
use super::sale_request::{Attempt, Funding};
use super::state::State;
use super::subscription::{Source, Status, Subscription};
use super::transaction::{Cause, Transaction, Type};
use super::{show_subscription, webhooks};
use crate::World;
use crate::credentials::MerchantAccount;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};

/// The operation under which faults strike the gateway's own charges.
pub(super) const CHARGE: &str = "subscription.charge";

/// Does everything that is due at `now`, in the order in which it fell due.
pub(super) fn run(world: &World, state: &mut State, now: DateTime<Utc>) {
    while let Some((at, place)) = next_due(state).filter(|(at, _)| *at <= now) {
        let mut subscription = state.subscriptions[place].clone();
        if subscription.retry_at == Some(at) {
            retry(world, state, &mut subscription, at);
        } else if subscription.in_last_cycle() {
            subscription.becomes(Status::Expired, Source::Recurring, at);
            notify(world, state, "subscription_expired", &subscription, at);
        } else {
            bill(world, state, &mut subscription, at);
        }
        state.subscriptions[place] = subscription;
    }
}

/// What falls due first, and the place of its subscription.
fn next_due(state: &State) -> Option<(DateTime<Utc>, usize)> {
    let due = |(place, subscription): (usize, &Subscription)| due(subscription).map(|at| (at, place));
    state.subscriptions.iter().enumerate().filter_map(due).min()
}

fn due(of: &Subscription) -> Option<DateTime<Utc>> {
    let turn = midnight(of.next_billing_date);
    match of.status {
        Status::Pending | Status::Active => Some(turn),
        // An unpaid last cycle stays past due until it is paid.
        Status::PastDue if of.in_last_cycle() => of.retry_at,
        Status::PastDue => Some(of.retry_at.map_or(turn, |retry| retry.min(turn))),
        Status::Expired | Status::Canceled => None,
    }
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}

/// Begins the next cycle and charges it, with what is owed from earlier ones.
fn bill(world: &World, state: &mut State, of: &mut Subscription, at: DateTime<Utc>) {
    let was = of.status;
    let trial_ends = of.in_trial();
    let amount = of.per_cycle() + of.balance;
    of.turn();
    of.count_lines();
    if trial_ends {
        notify(world, state, "subscription_trial_ended", of, at);
    }
    if amount <= 0 {
        of.balance = amount;
        of.paid_through = of.period.map(|(_, end)| end);
        of.becomes(Status::Active, Source::Recurring, at);
        notify(world, state, "subscription_billing_skipped", of, at);
        return;
    }
    let id = of.id.clone();
    let order = Order { operation: CHARGE, text: &id, duplicates: false };
    let transaction = charge(world, state, of, amount, &order, at);
    if transaction.is_successful() {
        paid(of, at);
        notify(world, state, "subscription_charged_successfully", of, at);
        if was != Status::Active {
            notify(world, state, "subscription_went_active", of, at);
        }
    } else {
        of.tries = 0;
        unpaid(world, state, of, amount, at);
        of.retry_at = Some(at + state.settings.retries.first);
    }
}

/// Tries an unpaid bill again; after the last try the merchant's rule decides.
fn retry(world: &World, state: &mut State, of: &mut Subscription, at: DateTime<Utc>) {
    of.retry_at = None;
    let id = of.id.clone();
    let order = Order { operation: CHARGE, text: &id, duplicates: false };
    let transaction = charge(world, state, of, of.balance, &order, at);
    if transaction.is_successful() {
        paid(of, at);
        notify(world, state, "subscription_charged_successfully", of, at);
        notify(world, state, "subscription_went_active", of, at);
        return;
    }
    let rules = state.settings.retries;
    of.tries += 1;
    unpaid(world, state, of, of.balance, at);
    if let Some(second) = rules.second.filter(|_| of.tries == 1) {
        of.retry_at = Some(at + second);
    } else if rules.cancel_after {
        cancel(world, state, of, Source::Recurring, at);
    }
}

/// Everything owed was paid.
fn paid(of: &mut Subscription, at: DateTime<Utc>) {
    of.balance = 0;
    of.failure_count = 0;
    of.tries = 0;
    of.past_due_since = None;
    of.retry_at = None;
    of.paid_through = of.period.map(|(_, end)| end);
    of.becomes(Status::Active, Source::Recurring, at);
}

/// A charge of the gateway's own failed: `owed` minor units are open.
fn unpaid(world: &World, state: &State, of: &mut Subscription, owed: i64, at: DateTime<Utc>) {
    of.balance = owed;
    of.failure_count += 1;
    of.past_due_since = of.past_due_since.or(Some(at.date_naive()));
    let was = of.status;
    of.becomes(Status::PastDue, Source::Recurring, at);
    notify(world, state, "subscription_charged_unsuccessfully", of, at);
    if was != Status::PastDue {
        notify(world, state, "subscription_went_past_due", of, at);
    }
}

/// Ends a subscription for good.
pub(super) fn cancel(world: &World, state: &State, of: &mut Subscription, source: Source, at: DateTime<Utc>) {
    of.retry_at = None;
    of.becomes(Status::Canceled, source, at);
    notify(world, state, "subscription_canceled", of, at);
}

/// Cancels what a stored card pays for: the gateway does so when the card is deleted.
pub(super) fn cancel_all_of(world: &World, state: &mut State, token: &str, source: Source, at: DateTime<Utc>) {
    for place in 0..state.subscriptions.len() {
        let mut subscription = state.subscriptions[place].clone();
        if subscription.token == token && !subscription.status.is_final() {
            cancel(world, state, &mut subscription, source, at);
            state.subscriptions[place] = subscription;
        }
    }
}

/// The first charge, inside the create call.
///
/// # Errors
/// The transaction that did not go through: then there is no subscription.
pub(super) fn begin(
    world: &World,
    state: &mut State,
    of: &mut Subscription,
    text: &str,
    at: DateTime<Utc>,
) -> Result<(), Box<Transaction>> {
    let amount = of.per_cycle();
    of.turn();
    of.count_lines();
    if amount > 0 {
        let order = Order { operation: "subscription.create", text, duplicates: false };
        let transaction = charge(world, state, of, amount, &order, at);
        if !transaction.is_successful() {
            return Err(Box::new(transaction));
        }
    }
    of.paid_through = of.period.map(|(_, end)| end);
    of.becomes(Status::Active, Source::Api, at);
    Ok(())
}

/// What became of an update that changed what a cycle costs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Proration {
    Done,
    /// The charge failed and the change is to be taken back.
    Reverted,
}

/// Settles the difference between the old terms and the new ones for the rest of the cycle: more is charged at once, less
/// is credited to the balance.
pub(super) fn prorate(
    world: &World,
    state: &mut State,
    old: &Subscription,
    new: &mut Subscription,
    call: (&str, bool),
    at: DateTime<Utc>,
) -> Proration {
    let (text, revert) = call;
    let amount = share(old, new, at.date_naive());
    if amount <= 0 {
        new.balance += amount;
        return Proration::Done;
    }
    let order = Order { operation: "subscription.update", text, duplicates: false };
    let transaction = charge(world, state, new, amount, &order, at);
    if transaction.is_successful() {
        notify(world, state, "subscription_charged_successfully", new, at);
        return Proration::Done;
    }
    if !revert {
        new.balance += amount;
    }
    notify(world, state, "subscription_charged_unsuccessfully", new, at);
    if revert { Proration::Reverted } else { Proration::Done }
}

/// The difference of two cycles' prices for the days that are left, today included, in minor units rounded half up.
fn share(old: &Subscription, new: &Subscription, today: NaiveDate) -> i64 {
    let Some((start, end)) = old.period.filter(|_| old.status == Status::Active) else { return 0 };
    let days = (end - start).num_days() + 1;
    let left = ((end - today).num_days() + 1).clamp(0, days);
    let difference = new.per_cycle() - old.per_cycle();
    let rounded = |amount: i64| (amount * left * 2 + days) / (days * 2);
    if difference < 0 { -rounded(-difference) } else { rounded(difference) }
}

/// After a charge of what is owed that somebody asked for: what was paid is owed no more. A failed one changes nothing.
pub(super) fn retried(world: &World, state: &mut State, id: &str, transaction: &Transaction, at: DateTime<Utc>) {
    let Some(place) = state.subscriptions.iter().position(|s| s.id == id) else { return };
    let mut of = state.subscriptions[place].clone();
    of.transactions.push(transaction.id.clone());
    if transaction.is_successful() {
        of.balance -= transaction.amount;
        if of.balance <= 0 {
            let credit = of.balance;
            paid(&mut of, at);
            of.balance = credit;
            notify(world, state, "subscription_went_active", &of, at);
        }
    }
    state.subscriptions[place] = of;
}

/// Tries what is owed at once, because another card pays now.
pub(super) fn try_new_card(world: &World, state: &mut State, of: &mut Subscription, text: &str, at: DateTime<Utc>) {
    let order = Order { operation: "subscription.update", text, duplicates: false };
    let transaction = charge(world, state, of, of.balance, &order, at);
    if transaction.is_successful() {
        paid(of, at);
        notify(world, state, "subscription_charged_successfully", of, at);
        notify(world, state, "subscription_went_active", of, at);
    } else {
        of.failure_count += 1;
        notify(world, state, "subscription_charged_unsuccessfully", of, at);
    }
}

/// Charges the subscription's card and lists the transaction under it, whatever became of it.
fn charge(
    world: &World,
    state: &mut State,
    of: &mut Subscription,
    amount: i64,
    order: &Order<'_>,
    at: DateTime<Utc>,
) -> Transaction {
    let method = state.methods.get(&of.token).expect("a subscription ends with its stored card");
    let attempt = Attempt {
        kind: Type::Sale,
        amount,
        account: MerchantAccount { id: of.merchant_account.clone(), currency: of.currency.clone() },
        order_id: None,
        funding: Funding::Token(of.token.clone()),
        card: method.card.clone(),
        customer: state.customers.get(&method.customer_id).cloned(),
        person: Ask::default(),
        token: None,
        source: Some("recurring".to_owned()),
        submit: true,
        store: false,
        store_on_success: false,
        keep_billing: false,
        three_ds_required: false,
        partial_is_welcome: false,
        as_sent: of.descriptor.iter().map(|d| ("descriptor".to_owned(), d.clone())).collect(),
        subscription: Some(of.mark()),
        cause: Cause::Recurring,
    };
    let transaction = sale::carry_out(world, state, attempt, order, at);
    of.transactions.push(transaction.id.clone());
    transaction
}

/// Tells the merchant about a subscription. The webhook shows it as it is now, its newest transactions included.
pub(super) fn notify(world: &World, state: &State, kind: &'static str, of: &Subscription, at: DateTime<Utc>) {
    webhooks::send(world, kind, "subscription", show_subscription::show(state, of, at), at);
}

/// How the gateway tries unpaid bills again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retries {
    pub(super) first: TimeDelta,
    /// After the first; none: there is no second try.
    pub(super) second: Option<TimeDelta>,
    /// Whether the last failed try ends the subscription; otherwise it stays past due until its next billing date.
    pub(super) cancel_after: bool,
}

impl Default for Retries {
    fn default() -> Self {
        Self { first: TimeDelta::days(3), second: Some(TimeDelta::days(7)), cancel_after: false }
    }
}
