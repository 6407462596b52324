//! A subscription as XML, with its newest transactions.

use super::catalog::{self, Kind};
use super::money;
use super::show;
use super::state::State;
use super::subscription::{Event, Line, Subscription};
use super::xml::{Fields, Xml, echo};
use chrono::{DateTime, Utc};

/// So many transactions are shown.
const TRANSACTIONS: usize = 20;

/// The object of answers and webhooks.
pub(super) fn show(state: &State, of: &Subscription, now: DateTime<Utc>) -> Xml {
    let shown = |minor: i64| money::show(minor, &of.currency);
    let newest = of.transactions.iter().rev().take(TRANSACTIONS).filter_map(|id| state.transaction(id));
    let fields = Fields::new()
        .text("id", &of.id)
        .text("status", of.status.name())
        .text("plan_id", &of.plan_id)
        .text("price", shown(of.price))
        .text("balance", shown(of.balance))
        .text("payment_method_token", &of.token)
        .text("merchant_account_id", &of.merchant_account)
        .text("next_bill_amount", shown(of.next_bill()))
        .text("next_billing_period_amount", shown(of.next_bill()))
        .maybe_count("billing_day_of_month", Some(of.billing_day.into()))
        .maybe_date("billing_period_start_date", of.period.map(|(start, _)| start))
        .maybe_date("billing_period_end_date", of.period.map(|(_, end)| end))
        .maybe_count("current_billing_cycle", Some(of.cycle.into()))
        .maybe_count("days_past_due", of.days_past_due(now))
        .maybe_count("failure_count", Some(of.failure_count.into()))
        .maybe_date("first_billing_date", Some(of.first_billing_date))
        .maybe_date("next_billing_date", Some(of.next_billing_date))
        .flag("never_expires", of.cycles.is_none())
        .maybe_count("number_of_billing_cycles", of.cycles.map(i64::from))
        .maybe_date("paid_through_date", of.paid_through)
        .nils(&["description"]);
    let fields = catalog::trial(fields, of.trial)
        .time("created_at", of.created_at)
        .time("updated_at", of.updated_at)
        .put(
            "descriptor",
            of.descriptor.as_ref().map_or_else(|| Xml::Node(Fields::new().nils(&["name", "phone", "url"])), echo),
        )
        .array("add_ons", "add-on", lines(&of.add_ons, Kind::AddOn, &of.currency))
        .array("discounts", "discount", lines(&of.discounts, Kind::Discount, &of.currency))
        .array("transactions", "transaction", newest.map(show::transaction).collect());
    Xml::Node(fields.array(
        "status_history",
        "status-event",
        of.history.iter().rev().map(|e| event(e, &of.currency)).collect(),
    ))
}

/// Add-ons or discounts of a subscription or of one of its transactions.
pub(super) fn lines(of: &[Line], kind: Kind, currency: &str) -> Vec<Xml> {
    of.iter().map(|line| Xml::Node(catalog::line(line, kind, currency))).collect()
}

fn event(of: &Event, currency: &str) -> Xml {
    Xml::Node(
        Fields::new()
            .time("timestamp", of.at)
            .text("status", of.status.name())
            .text("user", "sandbox")
            .text("subscription_source", of.source.name())
            .text("balance", money::show(of.balance, currency))
            .text("price", money::show(of.price, currency))
            .text("currency_iso_code", currency)
            .text("plan_id", &of.plan_id),
    )
}
