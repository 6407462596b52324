//! The ground truth for tests: what is in the vault and what was really charged, in integers of minor units.

use super::dispute::Dispute;
use super::settlement::Payout;
use super::state::State;
use super::subscription::Subscription;
use super::transaction::{Transaction, Type};
use super::xml::stamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Customers, stored cards (never a number), all transactions, subscriptions, disputes and payouts, and what each currency's live captures sum up to.
pub(super) fn show(state: &State) -> Value {
    let customers = state.customers.values().map(|c| {
        json!({"id": c.id, "email": c.person.get("email"), "default_token": c.default_token, "created_at": stamp(c.created_at)})
    });
    let methods = state.methods.values().map(|m| {
        json!({
            "token": m.token, "customer_id": m.customer_id, "card_type": m.card.brand, "last_4": m.card.last_4,
            "expiration": format!("{}/{}", m.card.month, m.card.year), "default": state.is_default(m),
            "decline_code": m.declines_with,
        })
    });
    json!({
        "customers": customers.collect::<Vec<_>>(),
        "payment_methods": methods.collect::<Vec<_>>(),
        "transactions": state.transactions.iter().map(transaction).collect::<Vec<_>>(),
        "subscriptions": state.subscriptions.iter().map(subscription).collect::<Vec<_>>(),
        "disputes": state.disputes().into_iter().map(|(t, d)| dispute(t, d)).collect::<Vec<_>>(),
        "payouts": state.payouts.iter().map(payout).collect::<Vec<_>>(),
        "totals": totals(state),
    })
}

fn transaction(t: &Transaction) -> Value {
    json!({
        "id": t.id,
        "order_id": t.order_id,
        "status": t.status.name(),
        "type": t.kind.name(),
        "amount_minor": t.amount,
        "currency": t.currency,
        "merchant_account_id": t.merchant_account,
        "customer_id": t.customer.as_ref().map(|c| &c.id),
        "token": t.token,
        "response_code": (!t.processor.code.is_empty()).then_some(&t.processor.code),
        "rejection_reason": t.rejection,
        "refunded_transaction_id": t.refunded_id,
        "refund_ids": t.refund_ids,
        "settlement_batch_id": t.batch_id,
        "subscription_id": t.subscription.as_ref().map(|s| &s.subscription_id),
        "created_at": stamp(t.created_at),
    })
}

fn payout(p: &Payout) -> Value {
    json!({
        "id": p.id, "day": p.day, "merchant_account_id": p.account, "amount_minor": p.amount,
        "transactions": p.transactions, "success": p.success,
    })
}

fn subscription(s: &Subscription) -> Value {
    json!({
        "id": s.id,
        "status": s.status.name(),
        "plan_id": s.plan_id,
        "token": s.token,
        "price_minor": s.price,
        "per_cycle_minor": s.per_cycle(),
        "balance_minor": s.balance,
        "currency": s.currency,
        "cycle": s.cycle,
        "cycles": s.cycles,
        "next_billing_date": s.next_billing_date,
        "failure_count": s.failure_count,
        "transactions": s.transactions,
        "created_at": stamp(s.created_at),
    })
}

fn dispute(t: &Transaction, d: &Dispute) -> Value {
    json!({
        "id": d.id,
        "status": d.status.name(),
        "kind": d.kind,
        "reason": d.reason,
        "transaction_id": t.id,
        "amount_minor": d.amount,
        "currency": t.currency,
        "reply_by": d.reply_by,
        "evidence": d.evidence.iter().map(|e| &e.id).collect::<Vec<_>>(),
        "original_id": d.original_id,
    })
}

/// Money taken and given back per currency, in minor units: what waits for settlement counts, what was declined, voided
/// or only authorized does not.
fn totals(state: &State) -> Value {
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for t in state.transactions.iter().filter(|t| t.status.takes_money()) {
        let (captured, refunded) = sums.entry(&t.currency).or_default();
        match t.kind {
            Type::Sale => *captured += t.amount,
            Type::Credit => *refunded += t.amount,
        }
    }
    let line = |(captured, refunded): (i64, i64)| json!({"captured_minor": captured, "refunded_minor": refunded, "net_minor": captured - refunded});
    Value::Object(sums.into_iter().map(|(currency, sum)| (currency.to_owned(), line(sum))).collect())
}
