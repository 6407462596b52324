//! Merchant accounts (one per currency) and the settlement batch summary.

use super::call::{Ask, Call};
use super::money;
use super::reply::{Errors, Reply};
use super::settlement;
use super::transaction::{Transaction, Type};
use super::xml::{Fields, Xml};
use crate::sandbox::World;
use crate::sandbox::credentials::MerchantAccount;
use axum::extract::State as Shared;
use chrono::NaiveDate;
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
        let (code, message) = match day {
            None => ("82301", "Settlement Date is required"),
            Some(_) => ("82302", "Settlement Date is invalid"),
        };
        let mut errors = Errors::default();
        errors.add_raw(&["settlement_batch_summary"], "settlement_date", code.to_owned(), message.to_owned());
        return Reply::Invalid(errors, call.params());
    };
    let state = settlement::open(&world, world.clock.now());
    let prefix = format!("{day}_");
    let batched = state.transactions.iter().filter(|t| t.batch_id.as_deref().is_some_and(|b| b.starts_with(&prefix)));
    let mut sums: BTreeMap<(&str, &str, &str), (usize, i64, &str)> = BTreeMap::new();
    for Transaction { merchant_account, card, kind, amount, currency, status, .. } in batched {
        if status.takes_money() {
            let sum = sums.entry((merchant_account, card.brand, kind.name())).or_insert((0, 0, currency));
            *sum = (sum.0 + 1, sum.1 + amount, currency);
        }
    }
    let records = sums.into_iter().map(|((account, brand, kind), (count, amount, currency))| {
        let sign = if kind == Type::Credit.name() { "-" } else { "" };
        Xml::Node(
            Fields::new()
                .text("card_type", brand)
                .text("count", count.to_string())
                .text("amount_settled", format!("{sign}{}", money::show(amount, currency)))
                .text("kind", kind)
                .text("merchant_account_id", account),
        )
    });
    let records = Fields::new().array("records", "record", records.collect());
    Reply::Found("settlement-batch-summary", Xml::Node(records))
}
