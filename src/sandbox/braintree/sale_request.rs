//! Reads and validates the request of a sale or credit. All faults are found before any is answered; nothing is changed.

use super::call::Ask;
use super::cards::Card;
use super::codes::{self, Code};
use super::money::{self, Bad};
use super::reply::Errors;
use super::state::{Customer, State};
use super::subscription::{Status, Subscription};
use super::transaction::{Cause, Recurring, Type};
use super::vault::{self, NonceCodes};
use crate::credentials::MerchantAccount;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

const ORDER_ID_LENGTH: usize = 255;
const PURCHASE_ORDER_LENGTH: usize = 17;
const LINE_ITEMS: usize = 249;
const AT: &[&str] = &["transaction"];
const NONCE_CODES: NonceCodes =
    NonceCodes { unknown: codes::TRANSACTION_NONCE_UNKNOWN, consumed: codes::TRANSACTION_NONCE_CONSUMED };
/// `moto` is customer-present by mail or telephone; `estimated` marks a pre-authorization.
const SOURCES: &[&str] = &[
    "recurring_first",
    "recurring",
    "installment_first",
    "installment",
    "unscheduled",
    "merchant",
    "moto",
    "estimated",
];
/// Fields that are stored and shown as they came.
const KEPT: &[&str] = &[
    "billing",
    "shipping",
    "channel",
    "custom_fields",
    "descriptor",
    "discount_amount",
    "line_items",
    "purchase_order_number",
    "shipping_amount",
    "ships_from_postal_code",
    "tax_amount",
    "tax_exempt",
];

/// What pays.
#[derive(Debug, Clone)]
pub(super) enum Funding {
    Token(String),
    /// `token` when the nonce was made from a stored card.
    Nonce {
        nonce: String,
        token: Option<String>,
    },
    Number,
}

impl Funding {
    /// The stored card that pays.
    pub(super) fn token(&self) -> Option<&str> {
        match self {
            Self::Token(token) | Self::Nonce { token: Some(token), .. } => Some(token),
            Self::Nonce { token: None, .. } | Self::Number => None,
        }
    }
}

/// A valid request.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) kind: Type,
    /// Minor units.
    pub(super) amount: i64,
    pub(super) account: MerchantAccount,
    pub(super) order_id: Option<String>,
    pub(super) funding: Funding,
    pub(super) card: Card,
    /// The stored customer that buys.
    pub(super) customer: Option<Customer>,
    /// The buyer's details, for a new customer.
    pub(super) person: Ask,
    /// The token the merchant chose for the new card.
    pub(super) token: Option<String>,
    /// `transaction_source`, e.g. `recurring`.
    pub(super) source: Option<String>,
    pub(super) submit: bool,
    pub(super) store: bool,
    pub(super) store_on_success: bool,
    pub(super) keep_billing: bool,
    pub(super) three_ds_required: bool,
    pub(super) partial_is_welcome: bool,
    pub(super) as_sent: Map<String, Value>,
    /// The subscription that is charged.
    pub(super) subscription: Option<Recurring>,
    pub(super) cause: Cause,
}

impl Attempt {
    /// Whether the issuer vouches for the cardholder.
    pub(super) fn authenticated(&self) -> bool {
        self.card.three_ds.as_ref().is_some_and(|three_ds| three_ds.answer.shifted)
    }

    /// Whether the cardholder is at the page: not at the telephone, and no later payment of a series.
    pub(super) fn cardholder_present(&self) -> bool {
        matches!(self.source.as_deref(), None | Some("recurring_first" | "installment_first" | "estimated"))
    }

    /// # Errors
    /// Every fault of the request.
    pub(super) fn read(
        state: &State,
        accounts: &[MerchantAccount],
        ask: &Ask,
        now: DateTime<Utc>,
    ) -> Result<Self, Errors> {
        let mut errors = Errors::default();
        let subscription = unpaid(state, ask, &mut errors);
        if !errors.none() {
            return Err(errors);
        }
        let ask = &filled_in(ask, subscription);
        let account = account(accounts, ask, &mut errors);
        let kind = kind(ask, &mut errors);
        let amount = account.as_ref().and_then(|a| amount_of(ask, &a.currency, &mut errors));
        check_texts(state, ask, &mut errors);
        let customer = customer(state, ask, &mut errors);
        let paid = funding(state, ask, customer.as_ref(), now, &mut errors);
        if let (Some(account), Some(amount), Some((_, card))) = (&account, amount, &paid) {
            check_authentication(card, amount, account, &mut errors);
        }
        let options = ask.below("options");
        let (store, store_on_success) = (options.flag("store_in_vault"), options.flag("store_in_vault_on_success"));
        let person = ask.below("customer");
        if let (Some(id), None, true) = (person.text("id"), &customer, store || store_on_success)
            && let Some(code) = vault::customer_id_fault(state, &id)
        {
            errors.add(&["transaction", "customer"], "id", code);
        }
        let token = ask.below("credit_card").text("token");
        if let Some(code) = token.as_deref().and_then(|token| vault::token_fault(state, token)) {
            errors.add(&["transaction", "credit_card"], "token", code);
        }
        let as_sent = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), ask.0.get(*name)?.clone()))).collect();
        match (account, kind, amount, paid) {
            (Some(account), Some(kind), Some(amount), Some((funding, card))) if errors.none() => Ok(Self {
                kind,
                amount,
                account,
                order_id: ask.text("order_id"),
                customer: customer.or_else(|| owner(state, &funding)),
                funding,
                card,
                person,
                token,
                source: ask.text("transaction_source").or(subscription.map(|_| "recurring".to_owned())),
                submit: options.flag("submit_for_settlement"),
                store,
                store_on_success,
                keep_billing: options.flag("add_billing_address_to_payment_method"),
                three_ds_required: options.below("three_d_secure").flag("required"),
                partial_is_welcome: ask.flag("accept_partial_authorization"),
                as_sent,
                subscription: subscription.map(Subscription::mark),
                cause: Cause::Api,
            }),
            _ => Err(errors),
        }
    }
}

/// The subscription of a retry charge, which must be past due.
fn unpaid<'a>(state: &'a State, ask: &Ask, errors: &mut Errors) -> Option<&'a Subscription> {
    let id = ask.text("subscription_id")?;
    let found = state.subscription(&id);
    match found.map(|subscription| subscription.status) {
        Some(Status::PastDue) => {}
        Some(_) => errors.add(AT, "subscription_id", codes::SUBSCRIPTION_NOT_PAST_DUE),
        None => errors.add(AT, "subscription_id", codes::SUBSCRIPTION_INVALID),
    }
    found
}

/// A retry charge takes what it does not say from its subscription: card, account, and all that is owed.
fn filled_in(ask: &Ask, subscription: Option<&Subscription>) -> Ask {
    let mut whole = ask.clone();
    if let (Some(of), Some(map)) = (subscription, whole.0.as_object_mut()) {
        let owed = money::show(of.balance.max(0), &of.currency);
        for (name, value) in
            [("payment_method_token", &of.token), ("merchant_account_id", &of.merchant_account), ("amount", &owed)]
        {
            let own = map.entry(name).or_insert(Value::Null);
            if own.is_null() {
                *own = Value::String(value.clone());
            }
        }
    }
    whole
}

/// A card that was authenticated for another payment.
fn check_authentication(card: &Card, amount: i64, account: &MerchantAccount, errors: &mut Errors) {
    let Some(proof) = card.three_ds.as_ref().and_then(|three_ds| three_ds.proof.as_ref()) else { return };
    if proof.merchant_account != account.id {
        errors.add(AT, "merchant_account_id", codes::AUTHENTICATED_OTHER_ACCOUNT);
    } else if proof.amount != amount {
        errors.add(AT, "amount", codes::AUTHENTICATED_OTHER_AMOUNT);
    }
}

/// The merchant account asked for, or the default one.
pub(super) fn account(accounts: &[MerchantAccount], ask: &Ask, errors: &mut Errors) -> Option<MerchantAccount> {
    let found = match ask.text("merchant_account_id") {
        Some(id) => accounts.iter().find(|a| a.id == id),
        None => accounts.first(),
    };
    if found.is_none() {
        errors.add(AT, "merchant_account_id", codes::MERCHANT_ACCOUNT_INVALID);
    }
    found.cloned()
}

fn kind(ask: &Ask, errors: &mut Errors) -> Option<Type> {
    match ask.text("type").as_deref() {
        Some("sale") => Some(Type::Sale),
        Some("credit") => Some(Type::Credit),
        other => {
            let code = if other.is_some() { codes::TYPE_INVALID } else { codes::TYPE_REQUIRED };
            errors.add(AT, "type", code);
            None
        }
    }
}

/// The amount in minor units; zero, negative, malformed and missing ones are noted.
pub(super) fn amount_of(ask: &Ask, currency: &str, errors: &mut Errors) -> Option<i64> {
    let code = match ask.text("amount").map(|text| money::parse(&text, currency)) {
        Some(Ok(amount)) if amount > 0 => return Some(amount),
        Some(Ok(_)) => codes::AMOUNT_NOT_POSITIVE,
        Some(Err(Bad::Format)) => codes::AMOUNT_FORMAT,
        Some(Err(Bad::Negative)) => codes::AMOUNT_NEGATIVE,
        Some(Err(Bad::TooLarge)) => codes::AMOUNT_TOO_LARGE,
        None => codes::AMOUNT_REQUIRED,
    };
    errors.add(AT, "amount", code);
    None
}

/// What is wrong with an order id.
pub(super) fn order_id_fault(order_id: &str) -> Option<Code> {
    (order_id.chars().count() > ORDER_ID_LENGTH).then_some(codes::ORDER_ID_TOO_LONG)
}

fn check_texts(state: &State, ask: &Ask, errors: &mut Errors) {
    if let Some(code) = ask.text("order_id").and_then(|id| order_id_fault(&id)) {
        errors.add(AT, "order_id", code);
    }
    if ask.text("transaction_source").is_some_and(|source| !SOURCES.contains(&source.as_str())) {
        errors.add(AT, "transaction_source", codes::SOURCE_INVALID);
    }
    if ask.text("purchase_order_number").is_some_and(|n| n.chars().count() > PURCHASE_ORDER_LENGTH) {
        errors.add(AT, "purchase_order_number", codes::PURCHASE_ORDER_TOO_LONG);
    }
    if ask.items("line_items").len() > LINE_ITEMS {
        errors.add(AT, "line_items", codes::TOO_MANY_LINE_ITEMS);
    }
    let tax = ask.text("tax_amount").map(|text| money::parse_thousandths(&text));
    let tax_code = match tax {
        None | Some(Ok(_)) => None,
        Some(Err(Bad::Format)) => Some(codes::TAX_FORMAT),
        Some(Err(Bad::Negative)) => Some(codes::TAX_NEGATIVE),
        Some(Err(Bad::TooLarge)) => Some(codes::TAX_TOO_LARGE),
    };
    if let Some(code) = tax_code {
        errors.add(AT, "tax_amount", code);
    }
    if ask.below("custom_fields").names().any(|name| !state.settings.custom_fields.contains(name)) {
        errors.add(AT, "custom_fields", codes::TRANSACTION_CUSTOM_FIELD);
    }
    if ask.below("descriptor").text("name").is_some_and(|name| !is_descriptor(&name)) {
        errors.add(&["transaction", "descriptor"], "name", codes::DESCRIPTOR_NAME);
    }
}

/// Company part of exactly 3, 7 or 12 characters, `*`, product part; 22 characters at most.
fn is_descriptor(name: &str) -> bool {
    let plain = |s: &str| s.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '+' | '-'));
    name.split_once('*').is_some_and(|(company, product)| {
        matches!(company.len(), 3 | 7 | 12)
            && !product.is_empty()
            && name.len() <= 22
            && plain(company)
            && plain(product)
    })
}

fn customer(state: &State, ask: &Ask, errors: &mut Errors) -> Option<Customer> {
    let id = ask.text("customer_id")?;
    let found = state.customers.get(&id);
    if found.is_none() {
        errors.add(AT, "customer_id", codes::TRANSACTION_CUSTOMER_INVALID);
    }
    found.cloned()
}

fn owner(state: &State, funding: &Funding) -> Option<Customer> {
    let method = state.methods.get(funding.token()?)?;
    state.customers.get(&method.customer_id).cloned()
}

/// What pays, and its card.
fn funding(
    state: &State,
    ask: &Ask,
    customer: Option<&Customer>,
    now: DateTime<Utc>,
    errors: &mut Errors,
) -> Option<(Funding, Card)> {
    let given = ask.below("credit_card");
    match (ask.text("payment_method_token"), ask.text("payment_method_nonce"), given.has("number")) {
        (Some(_), nonce, number) if nonce.is_some() || number || given.has("token") => {
            errors.add(AT, "base", codes::METHOD_CONFLICT);
            None
        }
        (Some(token), ..) => stored(state, &token, customer, errors),
        (None, Some(_), true) => {
            errors.add(AT, "base", codes::METHOD_CONFLICT);
            None
        }
        (None, Some(nonce), false) => {
            let (card, token) = vault::card_of_nonce(state, &nonce, now, AT, NONCE_CODES, errors)?;
            let holder = given.text("cardholder_name").or_else(|| card.holder.clone());
            Some((Funding::Nonce { nonce, token }, Card { holder, ..card }))
        }
        (None, None, true) => {
            let card = vault::card_of_number(&given, &["transaction", "credit_card"], errors)?;
            Some((Funding::Number, card))
        }
        (None, None, false) => default_of(state, ask, customer, errors),
    }
}

fn stored(state: &State, token: &str, customer: Option<&Customer>, errors: &mut Errors) -> Option<(Funding, Card)> {
    let Some(method) = state.methods.get(token) else {
        errors.add(AT, "payment_method_token", codes::TRANSACTION_TOKEN_INVALID);
        return None;
    };
    if customer.is_some_and(|c| c.id != method.customer_id) {
        errors.add(AT, "base", codes::METHOD_OF_OTHER_CUSTOMER);
        return None;
    }
    Some((Funding::Token(token.to_owned()), method.card.clone()))
}

fn default_of(state: &State, ask: &Ask, customer: Option<&Customer>, errors: &mut Errors) -> Option<(Funding, Card)> {
    let Some(customer) = customer else {
        // An unknown customer id is already noted.
        if ask.text("customer_id").is_none() {
            errors.add(AT, "base", codes::METHOD_REQUIRED);
        }
        return None;
    };
    let method = customer.default_token.as_ref().and_then(|token| state.methods.get(token));
    let Some(method) = method else {
        errors.add(AT, "customer_id", codes::CUSTOMER_WITHOUT_CARD);
        return None;
    };
    Some((Funding::Token(method.token.clone()), method.card.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_follow_the_three_shapes() {
        assert!(["abc*product", "company*shoes 1.0", "companycmpny*abc"].iter().all(|name| is_descriptor(name)));
        assert!(
            ["ab*x", "abc*", "abcd*x", "abc*waytoolongproductname", "plain"].iter().all(|name| !is_descriptor(name))
        );
    }
}
