//! The gateway's objects as XML, with all the fields that real answers have and clients rely on.

use super::cards::{self, Card};
use super::catalog::Kind;
use super::issuers::ThreeDs;
use super::money;
use super::state::{Address, Customer, Method, State, Verification};
use super::transaction::{Event, Processor, Transaction};
use super::xml::{Fields, Xml, echo};
use super::{show_dispute, show_subscription};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::Value;

const ADDRESS: &[&str] = &[
    "first_name",
    "last_name",
    "company",
    "street_address",
    "extended_address",
    "locality",
    "region",
    "postal_code",
    "country_name",
    "country_code_alpha2",
    "country_code_alpha3",
    "country_code_numeric",
    "phone_number",
];
const PERSON: &[&str] = &["first_name", "last_name", "company", "email", "website", "phone", "fax"];
/// Card properties that are `Yes`, `No` or `Unknown`.
const TRAITS: &[&str] = &[
    "business",
    "commercial",
    "consumer",
    "corporate",
    "debit",
    "durbin_regulated",
    "healthcare",
    "payroll",
    "prepaid",
    "prepaid_reloadable",
    "purchase",
];

/// The id of an object across the gateway's APIs.
pub(super) fn global_id(kind: &str, id: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{kind}_{id}"))
}

/// The fields of a card itself, stored or not.
fn card_fields(card: &Card, token: Option<&str>) -> Fields {
    let fields = Fields::new()
        .maybe("token", token)
        .text("bin", &card.bin)
        .text("last_4", &card.last_4)
        .text("card_type", card.brand)
        .text("expiration_month", &card.month)
        .text("expiration_year", &card.year)
        .text("customer_location", "US")
        .maybe("cardholder_name", card.holder.as_deref())
        .text(
            "image_url",
            format!("https://assets.braintreegateway.com/payment_method_logo/{}.png", brand_file(card.brand)),
        )
        .text("unique_number_identifier", &card.unique);
    TRAITS
        .iter()
        .fold(fields, |f, name| {
            let value = match card.trait_of {
                Some(own) if own == *name => "Yes",
                Some(_) => "No",
                None => "Unknown",
            };
            f.text(name, value)
        })
        .text("issuing_bank", "Unknown")
        .text("country_of_issuance", "Unknown")
        .text("product_id", "Unknown")
}

fn brand_file(brand: &str) -> String {
    brand.to_lowercase().replace(' ', "_")
}

/// A stored card (`credit-card`).
pub(super) fn method(state: &State, method: &Method, now: DateTime<Utc>) -> Xml {
    let own = state.subscriptions.iter().filter(|s| s.token == method.token);
    let subscriptions = own.map(|s| show_subscription::show(state, s, now));
    let verifications = state.verifications.iter().rev().filter(|v| v.token.as_deref() == Some(&method.token));
    Xml::Node(
        card_fields(&method.card, Some(&method.token))
            .text("customer_id", &method.customer_id)
            .flag("default", state.is_default(method))
            .flag("expired", method.card.expired(now))
            .text("global_id", global_id("paymentmethod_cc", &method.token))
            .flag("venmo_sdk", false)
            .put("billing_address", method.billing.as_ref().map_or(Xml::Nil, |a| Xml::Node(address(a))))
            .array("subscriptions", "subscription", subscriptions.collect())
            .array("verifications", "verification", verifications.map(verification).collect())
            .time("created_at", method.created_at)
            .time("updated_at", method.updated_at),
    )
}

fn address(sent: &Value) -> Fields {
    ADDRESS.iter().fold(Fields::new(), |f, name| f.maybe(name, sent.get(*name).and_then(Value::as_str)))
}

/// An address of a customer.
pub(super) fn customer_address(customer: &str, of: &Address) -> Xml {
    Xml::Node(
        address(&of.sent)
            .text("id", &of.id)
            .text("customer_id", customer)
            .time("created_at", of.created_at)
            .time("updated_at", of.updated_at),
    )
}

/// A customer with all that hangs on it.
pub(super) fn customer(state: &State, merchant: &str, of: &Customer, now: DateTime<Utc>) -> Xml {
    let cards = state.methods_of(&of.id).map(|m| method(state, m, now)).collect();
    let custom = of.custom_fields.iter().fold(Fields::new(), |f, (name, value)| f.put(name.clone(), echo(value)));
    Xml::Node(
        person(of)
            .text("merchant_id", merchant)
            .time("created_at", of.created_at)
            .time("updated_at", of.updated_at)
            .node("custom_fields", custom)
            .text("global_id", global_id("customer", &of.id))
            .array("credit_cards", "credit-card", cards)
            .empties(&["paypal_accounts", "apple_pay_cards", "android_pay_cards", "venmo_accounts", "us_bank_accounts"])
            .empties(&["sepa_debit_accounts", "tax_identifiers"])
            .array("addresses", "address", of.addresses.iter().map(|a| customer_address(&of.id, a)).collect()),
    )
}

fn person(of: &Customer) -> Fields {
    PERSON
        .iter()
        .fold(Fields::new().text("id", &of.id), |f, name| f.maybe(name, of.person.get(name).map(String::as_str)))
        .node("international_phone", Fields::new().nils(&["country_code", "national_number"]))
}

/// A card verification.
pub(super) fn verification(of: &Verification) -> Xml {
    let passed = of.passed();
    let code = of.response_code.as_deref();
    let kind = code.map(|code| match code {
        "1000" => "approved",
        code if super::processor::is_soft(code) => "soft_declined",
        _ => "hard_declined",
    });
    Xml::Node(
        Fields::new()
            .text("id", &of.id)
            .text("status", of.status)
            .text("amount", money::show(of.amount, &of.currency))
            .text("currency_iso_code", &of.currency)
            .text("merchant_account_id", &of.merchant_account)
            .maybe("gateway_rejection_reason", of.rejection.as_deref())
            .maybe("processor_response_code", code)
            .maybe("processor_response_text", code.map(super::processor::text))
            .maybe("processor_response_type", kind)
            .text("cvv_response_code", of.card.security_code)
            .nils(&["avs_error_response_code", "network_transaction_id"])
            .text("avs_postal_code_response_code", "I")
            .text("avs_street_address_response_code", "I")
            .maybe("network_response_code", passed.then_some("XX"))
            .put("three_d_secure_info", of.card.three_ds.as_ref().map_or(Xml::Nil, ThreeDs::xml))
            .node("credit_card", card_fields(&of.card, of.token.as_deref()))
            .text("global_id", global_id("verification", &of.id))
            .time("created_at", of.created_at)
            .time("updated_at", of.created_at),
    )
}

/// A transaction.
pub(super) fn transaction(of: &Transaction) -> Xml {
    Xml::Node(outcome(money_fields(Fields::new(), of), of))
}

fn money_fields(fields: Fields, of: &Transaction) -> Fields {
    let kind = if of.refunded_id.is_some() { "refund" } else { "transaction" };
    let buyer = of.customer.as_ref().map_or_else(|| Fields::new().nils(&["id"]).nils(PERSON), person);
    let billing = of.as_sent.get("billing").map_or_else(|| address(&Value::Null), address);
    let shipping = of.as_sent.get("shipping").map_or_else(|| address(&Value::Null), address);
    let sent = |f: Fields, name: &'static str| f.put(name, of.as_sent.get(name).map_or(Xml::Nil, echo));
    let fields = fields
        .text("id", &of.id)
        .text("status", of.status.name())
        .text("type", of.kind.name())
        .text("currency_iso_code", &of.currency)
        .text("amount", money::show(of.amount, &of.currency))
        .text("merchant_account_id", &of.merchant_account)
        .nils(&["sub_merchant_account_id", "master_merchant_account_id"])
        .maybe("order_id", of.order_id.as_deref())
        .time("created_at", of.created_at)
        .time("updated_at", of.updated_at)
        .text("global_id", global_id(kind, &of.id))
        .node("customer", buyer)
        .node("billing", billing)
        .node("shipping", shipping)
        .maybe("refund_id", of.refund_ids.last().map(String::as_str))
        .array("refund_ids", "item", of.refund_ids.iter().cloned().map(Xml::Text).collect())
        .maybe("refunded_transaction_id", of.refunded_id.as_deref())
        .empties(&["partial_settlement_transaction_ids"])
        .nils(&["authorized_transaction_id"])
        .maybe("settlement_batch_id", of.batch_id.as_deref());
    ["channel", "purchase_order_number", "tax_amount", "tax_exempt", "shipping_amount", "discount_amount"]
        .into_iter()
        .chain(["ships_from_postal_code"])
        .fold(fields, sent)
        .put("custom_fields", of.as_sent.get("custom_fields").map_or_else(|| Xml::Node(Fields::new()), echo))
        .put(
            "descriptor",
            of.as_sent.get("descriptor").map_or_else(|| Xml::Node(Fields::new().nils(&["name", "phone", "url"])), echo),
        )
}

fn outcome(fields: Fields, of: &Transaction) -> Fields {
    let verdict = &of.processor;
    let (settlement_code, settlement_text) = verdict.settlement.unwrap_or(("", ""));
    let history = of.history.iter().map(|e| event(e, &of.currency)).collect();
    response(fields, verdict, of)
        .maybe("gateway_rejection_reason", of.rejection.as_deref())
        .text("processor_settlement_response_code", settlement_code)
        .text("processor_settlement_response_text", settlement_text)
        .maybe_time("authorization_expires_at", of.authorization_expires_at)
        .flag("recurring", of.recurring())
        .text("payment_instrument_type", Transaction::instrument())
        .node("credit_card", card_fields(&of.card, of.token.as_deref()))
        .put("three_d_secure_info", of.three_ds.as_ref().map_or(Xml::Nil, ThreeDs::xml))
        .array("status_history", "status-event", history)
        .maybe("plan_id", of.subscription.as_ref().map(|s| s.plan_id.as_str()))
        .maybe("subscription_id", of.subscription.as_ref().map(|s| s.subscription_id.as_str()))
        .node("subscription", cycle(of))
        .array("add_ons", "add-on", lines(of, Kind::AddOn))
        .array("discounts", "discount", lines(of, Kind::Discount))
        .array("disputes", "dispute", of.disputes.iter().map(|d| Xml::Node(show_dispute::fields(of, d))).collect())
        .empties(&["authorization_adjustments", "retry_ids"])
        .node("disbursement_details", disbursement(of))
        .flag("retried", false)
        .nils(&["retried_transaction_id", "voice_referral_number", "service_fee_amount", "escrow_status"])
        .maybe("acquirer_reference_number", of.acquirer_reference())
        .text("response_emv_data", "")
}

/// The cycle of the subscription that was charged.
fn cycle(of: &Transaction) -> Fields {
    let period = of.subscription.as_ref().and_then(|s| s.period);
    Fields::new()
        .maybe_date("billing_period_end_date", period.map(|(_, end)| end))
        .maybe_date("billing_period_start_date", period.map(|(start, _)| start))
}

fn lines(of: &Transaction, kind: Kind) -> Vec<Xml> {
    let Some(subscription) = &of.subscription else { return Vec::new() };
    let own = match kind {
        Kind::AddOn => &subscription.add_ons,
        Kind::Discount => &subscription.discounts,
    };
    show_subscription::lines(own, kind, &of.currency)
}

fn response(fields: Fields, said: &Processor, of: &Transaction) -> Fields {
    let billing = |name| of.as_sent.get("billing").and_then(|sent| sent.get(name)).and_then(Value::as_str);
    let reached = !said.code.is_empty();
    let some = |text: &'static str| reached.then_some(text);
    fields
        .maybe("processor_authorization_code", said.authorization.as_deref())
        .maybe("processor_response_code", reached.then_some(said.code.as_str()))
        .maybe("processor_response_text", reached.then_some(said.text.as_str()))
        .maybe("processor_response_type", said.kind)
        .maybe("additional_processor_response", said.additional.as_deref())
        .maybe("network_response_code", some("XX"))
        .maybe("network_response_text", some("sample network response text"))
        .nils(&[
            "network_transaction_id",
            "merchant_advice_code",
            "merchant_advice_code_text",
            "retrieval_reference_number",
        ])
        .nils(&["avs_error_response_code"])
        .maybe("avs_postal_code_response_code", some(cards::postal_code(billing("postal_code"))))
        .maybe("avs_street_address_response_code", some(cards::street(billing("street_address"))))
        .maybe("cvv_response_code", some(of.card.security_code))
}

fn disbursement(of: &Transaction) -> Fields {
    let paid = of.disbursed_on.is_some();
    Fields::new()
        .maybe_date("disbursement_date", of.disbursed_on)
        .maybe("settlement_amount", paid.then(|| money::show(of.amount, &of.currency)).as_deref())
        .maybe("settlement_currency_iso_code", paid.then_some(of.currency.as_str()))
        .maybe("settlement_currency_exchange_rate", paid.then_some("1"))
        .put("funds_held", if paid { Xml::Typed("boolean", of.funds_held.to_string()) } else { Xml::Nil })
        .put("success", if paid { Xml::Typed("boolean", (!of.payout_failed).to_string()) } else { Xml::Nil })
}

fn event(of: &Event, currency: &str) -> Xml {
    Xml::Node(
        Fields::new()
            .time("timestamp", of.at)
            .text("status", of.status.name())
            .text("amount", money::show(of.amount, currency))
            .maybe("user", of.cause.user())
            .text("transaction_source", of.cause.source()),
    )
}
