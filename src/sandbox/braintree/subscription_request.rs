//! Reads and validates the requests that make and change subscriptions. All faults are found before any is answered;
//! nothing is changed and nobody is charged.

use super::call::Ask;
use super::catalog::{self, Kind, Plan};
use super::codes::{self, Code};
use super::modifications::Change;
use super::money::{self, Bad};
use super::reply::Errors;
use super::state::State;
use super::subscription::{Status, Subscription, Trial, Unit, billing_day_of, on_billing_day};
use crate::credentials::MerchantAccount;
use chrono::{DateTime, Months, NaiveDate, Utc};

const AT: &[&str] = &["subscription"];

/// The subscription that a create request asks for, not yet begun.
///
/// # Errors
/// Every fault of the request.
pub(super) fn create(
    state: &State,
    accounts: &[MerchantAccount],
    ask: &Ask,
    now: DateTime<Utc>,
) -> Result<Subscription, Errors> {
    let mut errors = Errors::default();
    let plan = ask.text("plan_id").and_then(|id| state.plans.get(&id));
    if plan.is_none() {
        errors.add(AT, "plan_id", codes::PLAN_INVALID);
    }
    let id = ask.text("id").unwrap_or_else(|| super::state::letters(6));
    if let Some(code) = id_fault(state, &id) {
        errors.add(AT, "id", code);
    }
    let token = payment(state, ask, now, &mut errors);
    if token.is_none() && !ask.has("payment_method_token") && !ask.has("payment_method_nonce") {
        errors.add(AT, "payment_method_token", codes::SUBSCRIPTION_TOKEN);
    }
    let account = account(accounts, ask.text("merchant_account_id"), plan, &mut errors);
    let start = Start::read(ask, plan, now.date_naive(), &mut errors);
    let cycles = cycles(ask, plan.and_then(|plan| plan.cycles), 0, &mut errors);
    let (Some(plan), Some(token), Some(account)) = (plan, token, account) else { return Err(errors) };
    let price = price(ask, &account.currency, &mut errors).unwrap_or(plan.price);
    let inherits = !ask.below("options").flag("do_not_inherit_add_ons_or_discounts");
    let inherited = |ids: &[String]| if inherits { catalog::lines(&state.modifications, ids) } else { Vec::new() };
    let mut subscription = Subscription {
        id,
        status: Status::Pending,
        plan_id: plan.id.clone(),
        token,
        merchant_account: account.id,
        currency: account.currency,
        price,
        balance: 0,
        billing_day: start.billing_day,
        frequency: plan.frequency,
        trial: start.trial,
        first_billing_date: start.first,
        next_billing_date: start.first,
        period: None,
        paid_through: None,
        cycle: 0,
        cycles,
        failure_count: 0,
        past_due_since: None,
        tries: 0,
        retry_at: None,
        add_ons: inherited(&plan.add_ons),
        discounts: inherited(&plan.discounts),
        descriptor: ask.0.get("descriptor").filter(|d| d.is_object()).cloned(),
        transactions: Vec::new(),
        history: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    change_lines(state, &mut subscription, ask, &mut errors);
    if errors.none() { Ok(subscription) } else { Err(errors) }
}

/// The subscription as an update wants it, not yet charged for the difference.
///
/// # Errors
/// Every fault of the request.
pub(super) fn update(
    state: &State,
    accounts: &[MerchantAccount],
    old: &Subscription,
    ask: &Ask,
    now: DateTime<Utc>,
) -> Result<Subscription, Errors> {
    match old.status {
        Status::Canceled => return Err(Errors::one(AT, "base", codes::SUBSCRIPTION_CANCELED)),
        Status::Expired => return Err(Errors::one(AT, "base", codes::SUBSCRIPTION_EXPIRED)),
        Status::Pending | Status::Active | Status::PastDue => {}
    }
    let mut errors = Errors::default();
    let mut new = old.clone();
    new.updated_at = now;
    if let Some(id) = ask.text("id").filter(|id| *id != old.id) {
        if let Some(code) = id_fault(state, &id) {
            errors.add(AT, "id", code);
        }
        new.id = id;
    }
    let plan = ask.text("plan_id").map(|id| state.plans.get(&id));
    match plan {
        Some(None) => errors.add(AT, "plan_id", codes::PLAN_INVALID),
        Some(Some(plan)) if plan.frequency != old.frequency => errors.add(AT, "plan_id", codes::FREQUENCY_FIXED),
        Some(Some(plan)) => new.plan_id.clone_from(&plan.id),
        None => {}
    }
    if let Some(account) = ask.text("merchant_account_id")
        && let Some(account) = self::account(accounts, Some(account), plan.flatten(), &mut errors)
    {
        new.currency = account.currency;
        new.merchant_account = account.id;
    } else if plan.flatten().is_some_and(|plan| plan.currency != new.currency) {
        errors.add(AT, "plan_id", codes::PLAN_CURRENCY);
    }
    new.token = payment(state, ask, now, &mut errors).unwrap_or(new.token);
    new.price = price(ask, &new.currency, &mut errors).unwrap_or(new.price);
    if old.status == Status::PastDue && (new.price != old.price || new.plan_id != old.plan_id) {
        errors.add(AT, "base", codes::PRICE_WHILE_PAST_DUE);
    }
    new.cycles = cycles(ask, old.cycles, old.cycle, &mut errors);
    if ask.has("descriptor") {
        new.descriptor = ask.0.get("descriptor").filter(|d| d.is_object()).cloned();
    }
    if ask.below("options").flag("replace_all_add_ons_and_discounts") {
        new.add_ons.clear();
        new.discounts.clear();
    }
    let changed = change_lines(state, &mut new, ask, &mut errors);
    if changed && old.status == Status::PastDue {
        errors.add(AT, "base", codes::LINES_WHILE_PAST_DUE);
    }
    if errors.none() { Ok(new) } else { Err(errors) }
}

/// Applies the request's add-ons and discounts; whether there were any.
fn change_lines(state: &State, to: &mut Subscription, ask: &Ask, errors: &mut Errors) -> bool {
    let currency = to.currency.clone();
    let mut changed = false;
    for (kind, lines) in [(Kind::AddOn, &mut to.add_ons), (Kind::Discount, &mut to.discounts)] {
        let wanted = ask.below(kind.plural());
        changed |= !wanted.is_empty();
        Change { kind, catalogue: &state.modifications, currency: &currency }.apply(lines, &wanted, errors);
    }
    changed
}

fn id_fault(state: &State, id: &str) -> Option<Code> {
    if !super::vault::is_plain(id) {
        Some(codes::SUBSCRIPTION_ID_FORMAT)
    } else if state.subscription(id).is_some() {
        Some(codes::SUBSCRIPTION_ID_TAKEN)
    } else {
        None
    }
}

/// The stored card that pays, where the request names one.
fn payment(state: &State, ask: &Ask, now: DateTime<Utc>, errors: &mut Errors) -> Option<String> {
    if let Some(nonce) = ask.text("payment_method_nonce") {
        return match state.open_nonce(&nonce, now) {
            Ok((_, Some(token))) => Some(token),
            Ok((_, None)) => {
                errors.add(AT, "payment_method_nonce", codes::SUBSCRIPTION_NONCE_UNVAULTED);
                None
            }
            Err(_) => {
                errors.add(AT, "payment_method_nonce", codes::SUBSCRIPTION_NONCE);
                None
            }
        };
    }
    let token = ask.text("payment_method_token")?;
    if state.methods.contains_key(&token) {
        return Some(token);
    }
    errors.add(AT, "payment_method_token", codes::SUBSCRIPTION_TOKEN);
    None
}

fn account(
    accounts: &[MerchantAccount],
    id: Option<String>,
    plan: Option<&Plan>,
    errors: &mut Errors,
) -> Option<MerchantAccount> {
    let Some(found) = super::methods::account_of(accounts, id) else {
        errors.add(AT, "merchant_account_id", codes::SUBSCRIPTION_ACCOUNT);
        return None;
    };
    if plan.is_some_and(|plan| plan.currency != found.currency) {
        errors.add(AT, "base", codes::PLAN_CURRENCY);
    }
    Some(found.clone())
}

fn price(ask: &Ask, currency: &str, errors: &mut Errors) -> Option<i64> {
    if !ask.has("price") {
        return None;
    }
    let code = match ask.text("price").filter(|text| !text.is_empty()).map(|text| money::parse(&text, currency)) {
        Some(Ok(price)) => return Some(price),
        Some(Err(Bad::TooLarge)) => codes::PRICE_TOO_LARGE,
        Some(Err(Bad::Format | Bad::Negative)) => codes::PRICE_FORMAT,
        None => codes::PRICE_REQUIRED,
    };
    errors.add(AT, "price", code);
    None
}

/// How many cycles there are to be; `begun` have begun.
fn cycles(ask: &Ask, default: Option<u32>, begun: u32, errors: &mut Errors) -> Option<u32> {
    const FIELD: &str = "number_of_billing_cycles";
    let never = ask.flag("never_expires");
    let code = match ask.text(FIELD).map(|text| text.parse::<i64>()) {
        Some(_) if never => {
            errors.add(AT, "base", codes::CYCLES_INCONSISTENT);
            return default;
        }
        Some(Ok(number)) if number <= 0 => codes::CYCLES_POSITIVE,
        Some(Ok(number)) if number < i64::from(begun) => codes::CYCLES_TOO_SMALL,
        Some(Ok(number)) => return u32::try_from(number).ok(),
        Some(Err(_)) => codes::CYCLES_NUMERIC,
        None if never => return None,
        // Said to expire, but not when.
        None if ask.has("never_expires") && default.is_none() => codes::CYCLES_REQUIRED,
        None => return default,
    };
    errors.add(AT, FIELD, code);
    default
}

/// When the first bill is due.
#[derive(Debug)]
struct Start {
    trial: Option<Trial>,
    first: NaiveDate,
    billing_day: u32,
}

impl Start {
    fn read(ask: &Ask, plan: Option<&Plan>, today: NaiveDate, errors: &mut Errors) -> Self {
        let trial = trial(ask, plan, errors);
        let at_once = ask.below("options").flag("start_immediately");
        let given = [ask.has("first_billing_date"), ask.has("billing_day_of_month"), at_once];
        if given.iter().filter(|given| **given).count() > 1 {
            errors.add(AT, "base", codes::START_INCONSISTENT);
        }
        let first = ask.text("first_billing_date").and_then(|text| first_date(&text, today, errors));
        let own_day = billing_day(ask, errors).or_else(|| plan.and_then(|plan| plan.billing_day));
        match (trial, first, own_day.filter(|_| !at_once)) {
            (trial, Some(first), _) => Self { trial, first, billing_day: billing_day_of(first) },
            (Some(trial), None, _) => {
                let first = trial.end(today);
                Self { trial: Some(trial), first, billing_day: billing_day_of(first) }
            }
            (None, None, Some(day)) => {
                let this_month = on_billing_day(today, day);
                let next_month = || on_billing_day(today + Months::new(1), day);
                let first = if this_month < today { next_month() } else { this_month };
                Self { trial: None, first, billing_day: day }
            }
            (None, None, None) => Self { trial: None, first: today, billing_day: billing_day_of(today) },
        }
    }
}

fn trial(ask: &Ask, plan: Option<&Plan>, errors: &mut Errors) -> Option<Trial> {
    // A date or an order to start at once overrides the plan's own trial.
    let begins_otherwise = ask.has("first_billing_date") || ask.below("options").flag("start_immediately");
    let default = plan.and_then(|plan| plan.trial).filter(|_| !begins_otherwise);
    if !ask.has("trial_period") {
        return default;
    }
    if !ask.flag("trial_period") {
        return None;
    }
    let duration = match ask.text("trial_duration").map(|text| text.parse::<u16>()) {
        Some(Ok(duration)) => Some(u32::from(duration)),
        Some(Err(_)) => {
            errors.add(AT, "trial_duration", codes::TRIAL_DURATION_FORMAT);
            None
        }
        None if default.is_some() => default.map(|trial| trial.duration),
        None => {
            errors.add(AT, "trial_duration", codes::TRIAL_DURATION_REQUIRED);
            None
        }
    };
    let unit = match ask.text("trial_duration_unit") {
        Some(text) => Unit::read(&text),
        None => Some(default.map_or(Unit::Month, |trial| trial.unit)),
    };
    if unit.is_none() {
        errors.add(AT, "trial_duration_unit", codes::TRIAL_UNIT);
    }
    Some(Trial { duration: duration?, unit: unit? })
}

fn first_date(text: &str, today: NaiveDate, errors: &mut Errors) -> Option<NaiveDate> {
    let code = match super::search::read_time(text).map(|time| time.date_naive()) {
        Some(date) if date >= today => return Some(date),
        Some(_) => codes::FIRST_DATE_PAST,
        None => codes::FIRST_DATE_INVALID,
    };
    errors.add(AT, "first_billing_date", code);
    None
}

fn billing_day(ask: &Ask, errors: &mut Errors) -> Option<u32> {
    let code = match ask.text("billing_day_of_month")?.parse::<u32>() {
        Ok(day) if (1..=28).contains(&day) || day == 31 => return Some(day),
        Ok(_) => codes::BILLING_DAY_INVALID,
        Err(_) => codes::BILLING_DAY_NUMERIC,
    };
    errors.add(AT, "billing_day_of_month", code);
    None
}
