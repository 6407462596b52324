//! What a person can do in the gateway's Control Panel, and what tests tell the sandbox's cards and settings to do.

use super::call::Ask;
use super::state::State;
use super::subscription::Source;
use super::transaction::{Cause, Status};
use super::vault::{self, Admission};
use super::webhooks;
use super::xml::{Fields, Xml};
use super::{billing, cards, customers, life, money, refunds, settlement, staff_billing, staff_disputes};
use crate::{World, acts, faults::Vendor};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// Plays one act.
///
/// # Errors
/// A sentence saying which field was wrong and what was expected.
pub(super) fn play(world: &World, act: &Value) -> Result<Value, String> {
    let now = world.clock.now();
    let ask = Ask(act.clone());
    let name = text(&ask, "act")?;
    if name == "check_webhook" {
        webhooks::send(world, "check", "check", Xml::Typed("boolean", "true".to_owned()), now);
        return Ok(json!({}));
    }
    if name == "fail_refund" {
        return fail_refund(world, &ask, now);
    }
    let state = &mut *settlement::open(world, now);
    match name.as_str() {
        "refund_in_console" => refund(state, &ask, now),
        "void_in_console" => {
            let id = transaction_id(state, &ask)?;
            life::void_now(state, &id, Cause::ControlPanel, now).map_err(|code| code.1.to_owned())?;
            Ok(json!({"id": id}))
        }
        "expire_authorization" => expire(state, &ask, now),
        "settle_now" => settle(state, &ask, now),
        "decline_at_settlement" => end(state, &ask, Status::SettlementDeclined, now),
        "delete_payment_method" => {
            let token = text(&ask, "token")?;
            billing::cancel_all_of(world, state, &token, Source::ControlPanel, now);
            state.remove_method(&token).ok_or_else(|| format!("token {token:?} names no stored payment method"))?;
            Ok(json!({}))
        }
        "delete_customer" => {
            let id = text(&ask, "id")?;
            let tokens: Vec<String> = state.methods_of(&id).map(|method| method.token.clone()).collect();
            for token in tokens {
                billing::cancel_all_of(world, state, &token, Source::ControlPanel, now);
            }
            if state.remove_customer(&id) { Ok(json!({})) } else { Err(format!("id {id:?} names no customer")) }
        }
        "vault_customer" => vault_customer(state, &ask, now),
        "make_nonce" => {
            let nonce = state.make_nonce(card(&ask, now)?, None, now);
            Ok(json!({"nonce": nonce}))
        }
        "fail_disbursement" | "retry_disbursement" | "hold_funds" | "release_funds" => {
            payout(world, state, &name, &ask, now)
        }
        "review_transaction" => review(world, state, &ask, now),
        "set_card_behaviour" => behave(state, &ask),
        act if staff_billing::ACTS.contains(&act) => staff_billing::play(world, state, &ask, now),
        act if staff_disputes::ACTS.contains(&act) => staff_disputes::play(world, state, &ask, now),
        other => settings(state, other, &ask),
    }
}

/// What the processor and the bank make of a transaction's payout.
fn payout(world: &World, state: &mut State, act: &str, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    let id = transaction_id(state, ask)?;
    match act {
        "fail_disbursement" => settlement::fail_payout(world, state, &id, now)?,
        "retry_disbursement" => settlement::retry_payout(world, state, &id, now)?,
        "hold_funds" => settlement::hold_funds(state, &id)?,
        _ => settlement::release_funds(world, state, &id, now)?,
    }
    Ok(json!({"id": id}))
}

fn settings(state: &mut State, act: &str, ask: &Ask) -> Result<Value, String> {
    let settings = &mut state.settings;
    match act {
        "set_api_request_keys" => settings.api_request_keys = flag(ask, "on")?,
        "set_authentication_required" => settings.authentication_required = flag(ask, "on")?,
        "set_three_d_secure" => settings.three_d_secure = flag(ask, "on")?,
        "set_final_auth" => settings.final_auth = flag(ask, "on")?,
        "set_list_declined_refunds" => settings.list_declined_refunds = flag(ask, "on")?,
        "set_payout_notices" => settings.payout_notices = flag(ask, "on")?,
        "set_payout_fee" => {
            let given = ask.0.get("minor").and_then(Value::as_i64);
            settings.payout_fee = given.ok_or("minor is missing; expected a whole number of minor units")?;
        }
        "set_duplicate_window" => settings.duplicate_window = TimeDelta::seconds(seconds(ask)?),
        "set_hidden_settling" => settings.hidden_settling = TimeDelta::seconds(seconds(ask)?),
        "define_custom_field" => {
            settings.custom_fields.insert(text(ask, "name")?);
        }
        other => return Err(acts::unplayed(Vendor::Braintree, other)),
    }
    Ok(json!({}))
}

fn refund(state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    let id = transaction_id(state, ask)?;
    let request = Ask(json!({"amount": ask.text("amount"), "order_id": ask.text("order_id")}));
    let refund = refunds::refund_now(state, &id, &request, Cause::ControlPanel, now).map_err(|e| e.message())?;
    let amount = money::show(refund.amount, &refund.currency);
    Ok(json!({"id": refund.id, "status": refund.status.name(), "amount": amount}))
}

/// Settles one transaction, or all that wait for settlement.
fn settle(state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    if ask.has("id") {
        return end(state, ask, Status::Settled, now);
    }
    let waiting = [Status::SubmittedForSettlement, Status::Settling];
    let ids: Vec<String> =
        state.transactions.iter().filter(|t| waiting.contains(&t.status)).map(|t| t.id.clone()).collect();
    for id in &ids {
        settlement::finish(state, id, Status::Settled, now).map_err(|code| code.1.to_owned())?;
    }
    Ok(json!({"ids": ids}))
}

fn end(state: &mut State, ask: &Ask, status: Status, now: DateTime<Utc>) -> Result<Value, String> {
    let id = transaction_id(state, ask)?;
    settlement::finish(state, &id, status, now).map_err(|code| code.1.to_owned())?;
    Ok(json!({"id": id}))
}

/// A hold that the bank lets go before its time.
fn expire(state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    let id = transaction_id(state, ask)?;
    let held = state.transaction_mut(&id).filter(|t| t.status == Status::Authorized);
    let held = held.ok_or_else(|| format!("id {id:?} is not an authorized transaction"))?;
    held.becomes(Status::AuthorizationExpired, Cause::Gateway, now);
    Ok(json!({"id": id}))
}

/// A refund that the bank turned down days later: its state changes and a `refund_failed` webhook goes out.
fn fail_refund(world: &World, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    let state = &mut *settlement::open(world, now);
    let id = transaction_id(state, ask)?;
    let refund = state.transaction_mut(&id).filter(|t| t.refunded_id.is_some());
    let refund = refund.ok_or_else(|| format!("id {id:?} is not a refund"))?;
    refund.becomes(Status::ProcessorDeclined, Cause::Gateway, now);
    let subject = Fields::new()
        .text("id", &refund.id)
        .text("amount", money::show(refund.amount, &refund.currency))
        .text("currency_iso_code", &refund.currency)
        .text("status", refund.status.name())
        .text("type", refund.kind.name())
        .maybe("order_id", refund.order_id.as_deref())
        .text("merchant_account_id", &refund.merchant_account)
        .maybe("refunded_transaction_fk", refund.refunded_id.as_deref())
        .maybe("refunded_transaction_id", refund.refunded_id.as_deref());
    webhooks::send(world, "refund_failed", "transaction", Xml::Node(subject), now);
    Ok(json!({"id": id}))
}

/// `{"id":…, "decision":"accept"}`: what a person decided about a payment that the fraud rules had flagged.
fn review(world: &World, state: &State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    let id = transaction_id(state, ask)?;
    let decision = text(ask, "decision")?;
    if !matches!(decision.as_str(), "accept" | "reject") {
        return Err(format!("decision {decision:?} is unknown; expected accept or reject"));
    }
    let subject = Fields::new()
        .text("transaction_id", &id)
        .text("decision", decision)
        .text("reviewer_email", "staff@sandbox.example")
        .text("reviewer_note", ask.text("note").unwrap_or_default())
        .time("reviewed_time", now);
    webhooks::send(world, "transaction_reviewed", "transaction-review", Xml::Node(subject), now);
    Ok(json!({"id": id}))
}

/// `{"customer":{"id":…,"email":…}, "token":…, "card":"visa", "expiration":"12/2030"}`: a customer (made if new) with a
/// stored card. All but the act's name may be left out.
fn vault_customer(state: &mut State, ask: &Ask, now: DateTime<Utc>) -> Result<Value, String> {
    let mut card = card(ask, now)?;
    let person = ask.below("customer");
    let id = ask.text("customer_id").or_else(|| person.text("id")).unwrap_or_else(|| state.new_customer_id());
    // Customers have cards of their own: networks and the gateway count per card.
    card.unique = cards::unique(&format!("{}-of-{id}", card.unique));
    let token = ask.text("token");
    if let Some(code) = token.as_deref().and_then(|token| vault::token_fault(state, token)) {
        return Err(format!("token: {}", code.1));
    }
    if !state.customers.contains_key(&id) {
        if let Some(code) = vault::customer_id_fault(state, &id) {
            return Err(format!("customer_id: {}", code.1));
        }
        state.customers.insert(id.clone(), customers::from_request(id.clone(), &person, now));
    }
    let card = card.owned_by(&id);
    let admission = Admission { token, customer_id: id.clone(), card, billing: None, make_default: false };
    let token = vault::admit(state, admission, now);
    let card = &state.methods[&token].card;
    Ok(json!({"customer_id": id, "token": token, "last_4": card.last_4, "card_type": card.brand}))
}

fn card(ask: &Ask, now: DateTime<Utc>) -> Result<cards::Card, String> {
    let name = ask.text("card").unwrap_or_else(|| "visa".to_owned());
    let date = ask.text("expiration").unwrap_or_else(|| (now + TimeDelta::days(730)).format("%m/%Y").to_string());
    let (month, year) = cards::expiration(&Ask(json!({"expiration_date": date})))
        .map_err(|_| format!("expiration {date:?} is not of the form MM/YYYY"))?;
    cards::named(&name, &month, &year).ok_or_else(|| {
        format!("card {name:?} is unknown; expected visa, mastercard, amex, discover, jcb, declined or a test number")
    })
}

/// `decline_code` null or absent: the card is good again.
fn behave(state: &mut State, ask: &Ask) -> Result<Value, String> {
    let token = text(ask, "token")?;
    let code = ask.text("decline_code");
    if code.as_ref().is_some_and(|code| !matches!(code.parse::<u16>(), Ok(2000..=2999))) {
        return Err(format!("decline_code {code:?} is no decline; expected 2000 to 2999, or null"));
    }
    let method =
        state.methods.get_mut(&token).ok_or_else(|| format!("token {token:?} names no stored payment method"))?;
    method.declines_with = code;
    Ok(json!({}))
}

/// The transaction that `id` names.
///
/// # Errors
/// The field is missing, or names none.
pub(super) fn transaction_id(state: &State, ask: &Ask) -> Result<String, String> {
    let id = text(ask, "id")?;
    state.transaction(&id).map(|t| t.id.clone()).ok_or_else(|| format!("id {id:?} names no transaction"))
}

/// # Errors
/// The field is missing.
pub(super) fn text(ask: &Ask, field: &str) -> Result<String, String> {
    ask.text(field).ok_or_else(|| format!("{field} is missing; expected text"))
}

/// # Errors
/// The field is missing.
pub(super) fn flag(ask: &Ask, field: &str) -> Result<bool, String> {
    ask.0.get(field).and_then(Value::as_bool).ok_or_else(|| format!("{field} is missing; expected true or false"))
}

fn seconds(ask: &Ask) -> Result<i64, String> {
    let given = ask.0.get("seconds").and_then(Value::as_i64).filter(|s| (0..=31_536_000).contains(s));
    given.ok_or_else(|| "seconds is missing; expected a whole number from 0 to a year".to_owned())
}
