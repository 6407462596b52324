//! Merchant accounts (one per currency) and the settlement batch summary.

use super::call::{Ask, Call};
use super::codes::{self, Code};
use super::money;
use super::reply::{Errors, Reply};
use super::settlement;
use super::xml::{Fields, Xml};
use crate::World;
use crate::credentials::MerchantAccount;
use axum::extract::State as Shared;
use chrono::NaiveDate;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `GET /merchant_accounts?page=N`: all fit on the first page.
pub(super) async fn list(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let accounts = &world.credentials.braintree.merchant_accounts;
    let fields =
        Fields::new().count("current_page_number", 1).count("page_size", 50).count("total_items", accounts.len());
    let first_page = call.query("page").is_none_or(|page| page == "1");
    let shown = accounts.iter().enumerate().filter(|_| first_page);
    let fields = shown.fold(fields, |f, (at, account)| f.put("merchant-account", show(account, at == 0)));
    Reply::Found("merchant-accounts", Xml::Collection(fields))
}

/// `GET /merchant_accounts/{id}`.
pub(super) async fn find(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let mut accounts = world.credentials.braintree.merchant_accounts.iter().enumerate();
    accounts
        .find(|(_, account)| account.id == call.id())
        .map_or(Reply::NotFound, |(at, account)| Reply::Found("merchant-account", show(account, at == 0)))
}

fn show(account: &MerchantAccount, default: bool) -> Xml {
    Xml::Node(
        Fields::new()
            .text("id", &account.id)
            .text("status", "active")
            .text("currency_iso_code", &account.currency)
            .flag("default", default)
            .flag("sub_merchant_account", false),
    )
}

/// `POST /settlement_batch_summary`: what was settled on a day, by account, card type and kind.
pub(super) async fn batch_summary(Shared(world): Shared<Arc<World>>, call: Call) -> Reply {
    let ask = Ask(call.params()).below("settlement_batch_summary");
    let day = ask.text("settlement_date");
    let Some(day) = day.as_deref().and_then(|day| NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()) else {
        let code = if day.is_none() { codes::SUMMARY_DATE_REQUIRED } else { codes::SUMMARY_DATE_INVALID };
        return refused(&call, "settlement_date", code);
    };
    let group = ask.text("group_by_custom_field");
    let state = settlement::open(&world, world.clock.now());
    if group.as_ref().is_some_and(|field| !state.settings.custom_fields.contains(field)) {
        return refused(&call, "group_by_custom_field", codes::SUMMARY_CUSTOM_FIELD);
    }
    let prefix = format!("{day}_");
    let batched = state.transactions.iter().filter(|t| t.batch_id.as_deref().is_some_and(|b| b.starts_with(&prefix)));
    let mut sums: BTreeMap<Group<'_>, (usize, i64)> = BTreeMap::new();
    for t in batched.filter(|t| t.status.takes_money()) {
        let custom = group.as_ref().map(|field| t.as_sent.get("custom_fields").and_then(|sent| sent.get(field)));
        let custom = custom.map(|value| value.and_then(Value::as_str).unwrap_or_default());
        let key = (t.merchant_account.as_str(), t.card.brand, t.kind.name(), custom, t.currency.as_str());
        let sum = sums.entry(key).or_default();
        *sum = (sum.0 + 1, sum.1 + t.amount);
    }
    let records = sums.into_iter().map(|(of, sum)| record(of, sum, group.as_deref()));
    let records = Fields::new().array("records", "record", records.collect());
    Reply::Found("settlement-batch-summary", Xml::Node(records))
}

/// Merchant account, brand, kind, the custom field's value where one was asked for, currency.
type Group<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, &'a str);

fn record(of: Group<'_>, (count, amount): (usize, i64), field: Option<&str>) -> Xml {
    let (account, brand, kind, custom, currency) = of;
    let fields = Fields::new()
        .text("card_type", brand)
        .text("count", count.to_string())
        .text("amount_settled", money::show(amount, currency))
        .text("kind", kind)
        .text("merchant_account_id", account);
    Xml::Node(match (field, custom) {
        (Some(field), Some(custom)) => fields.put(field.to_owned(), Xml::Text(custom.to_owned())),
        _ => fields,
    })
}

fn refused(call: &Call, attribute: &'static str, code: Code) -> Reply {
    Reply::Invalid(Errors::one(&["settlement_batch_summary"], attribute, code), call.params())
}
