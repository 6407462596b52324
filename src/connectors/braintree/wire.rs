//! The gateway's objects: what we ask for, and what of an answer a flow may see. Card numbers, names and addresses are
//! never read out of an answer, and no request has a field for them.

use super::details::Details;
use super::xml::{Body, Node, Unreadable};
use crate::port::Person;
use chrono::{DateTime, Months, NaiveDate, Utc};
use sagas::kernel::answer::{Authentication, CardSeen, Method, Transaction, TransactionStatus};
use sagas::kernel::effect::Presence;
use sagas::kernel::money::{self, Money};
use sagas::kernel::outcome::{Decline, DeclineKind};
use sagas::kernel::profile::{Field, Fields};
use secrecy::{ExposeSecret as _, SecretString};

/// A sale of a vaulted method, submitted for settlement.
pub(super) struct Sale<'a> {
    pub(super) amount: Money,
    pub(super) order_id: &'a str,
    pub(super) token: &'a str,
    pub(super) merchant_account: &'a str,
    pub(super) recurring: bool,
    /// The at-most-once key, where the account has them.
    pub(super) key: Option<&'a str>,
    /// What the sale is for.
    pub(super) details: Option<Details<'a>>,
}

/// The body of a sale. The customer is not named beside the token: the gateway's reference takes one of the two, and the
/// answer names the customer that was charged.
pub(super) fn sale(sale: &Sale<'_>) -> String {
    Body::document("transaction", |body| {
        body.text("type", "sale");
        body.text("amount", &sale.amount.decimal());
        body.text("order_id", sale.order_id);
        body.text("payment_method_token", sale.token);
        body.text("merchant_account_id", sale.merchant_account);
        if sale.recurring {
            body.text("transaction_source", "recurring");
        }
        if let Some(key) = sale.key {
            body.text("api_request_key", key);
        }
        if let Some(details) = &sale.details {
            details.write(body);
        }
        body.group("options", |options| options.flag("submit_for_settlement", true));
    })
}

/// An amount held without submitting it.
pub(super) struct Hold<'a> {
    pub(super) amount: Money,
    pub(super) order_id: &'a str,
    pub(super) merchant_account: &'a str,
    pub(super) card: HeldOn<'a>,
    pub(super) presence: Presence,
    /// The at-most-once key, where the account has them.
    pub(super) key: Option<&'a str>,
}

/// The card of a hold.
pub(super) enum HeldOn<'a> {
    /// A new one, vaulted under that token once it is approved.
    New { customer: &'a str, nonce: &'a SecretString, token: &'a str, authenticated: bool },
    /// One on file. A stored card is named alone: beside a nonce or a new token the gateway refuses it.
    Stored { token: &'a str },
    /// One on file, by a nonce that was made from it and with which the customer authenticated. It has its token and is
    /// vaulted already, so neither is asked for.
    StoredAuthenticated { nonce: &'a SecretString },
}

/// The body of a hold. As the first of a series it lets later charges go on without the customer.
pub(super) fn hold_request(hold: &Hold<'_>) -> String {
    Body::document("transaction", |body| {
        body.text("type", "sale");
        body.text("amount", &hold.amount.decimal());
        body.text("order_id", hold.order_id);
        match hold.card {
            HeldOn::New { customer, nonce, token, authenticated: _ } => {
                body.text("customer_id", customer);
                body.text("payment_method_nonce", nonce.expose_secret());
                body.group("credit_card", |card| card.text("token", token));
            }
            HeldOn::Stored { token } => body.text("payment_method_token", token),
            HeldOn::StoredAuthenticated { nonce } => body.text("payment_method_nonce", nonce.expose_secret()),
        }
        body.text("merchant_account_id", hold.merchant_account);
        match hold.presence {
            Presence::First => body.text("transaction_source", "recurring_first"),
            Presence::Present => {}
            Presence::Absent => body.text("transaction_source", "recurring"),
        }
        if let Some(key) = hold.key {
            body.text("api_request_key", key);
        }
        body.group("options", |options| {
            options.flag("submit_for_settlement", false);
            if matches!(hold.card, HeldOn::New { .. }) {
                options.flag("store_in_vault_on_success", true);
            }
            // The page's word proves nothing: the gateway itself refuses what was not authenticated.
            if matches!(hold.card, HeldOn::New { authenticated: true, .. } | HeldOn::StoredAuthenticated { .. }) {
                options.group("three_d_secure", |secure| secure.flag("required", true));
            }
        });
    })
}

/// The body of a submit for settlement. Without an order id: one sent here would replace ours.
pub(super) fn submit_request(amount: Money, key: Option<&str>) -> String {
    Body::document("transaction", |body| {
        body.text("amount", &amount.decimal());
        if let Some(key) = key {
            body.text("api_request_key", key);
        }
    })
}

/// What the gateway is told of a person, by the names of its fields; empty where there is nothing.
pub(super) fn named(person: &Person) -> [(&'static str, &str); 4] {
    [
        ("first_name", &person.first_name),
        ("last_name", &person.last_name),
        ("company", person.company.as_deref().unwrap_or_default()),
        ("email", &person.email),
    ]
}

/// The body of a new customer under an id of our choosing.
pub(super) fn customer_request(id: &str, person: &Person) -> String {
    Body::document("customer", |body| {
        body.text("id", id);
        let phone = ("phone", person.phone.as_deref().unwrap_or_default());
        for (name, text) in named(person).into_iter().chain([phone]).filter(|(_, text)| !text.is_empty()) {
            body.text(name, text);
        }
    })
}

/// The body that sets a customer's names and e-mail; what is empty here is emptied there.
pub(super) fn customer_change(person: &Person) -> String {
    Body::document("customer", |body| {
        for (name, text) in named(person) {
            body.text(name, text);
        }
    })
}

/// The body that sets a customer's names and e-mail to nobody's, and empties the number.
pub(super) fn customer_erased(nobody: &Person) -> String {
    Body::document("customer", |body| {
        for (name, text) in named(nobody).into_iter().chain([("phone", "")]) {
            body.text(name, text);
        }
    })
}

/// These of our fields, by the gateway's names of them.
pub(super) fn fields(person: &Person, wanted: &Fields) -> Vec<(&'static str, String)> {
    let names = [
        (Field::FirstName, "first_name"),
        (Field::LastName, "last_name"),
        (Field::Company, "company"),
        (Field::Email, "email"),
        (Field::Phone, "phone"),
    ];
    let values = person.values();
    let wanted = names.into_iter().filter(|(field, _)| wanted.contains(field));
    wanted.map(|(field, name)| (name, values.get(&field).cloned().unwrap_or_default())).collect()
}

/// The body that sets these fields of a customer alone.
pub(super) fn customer_fields(person: &Person, wanted: &Fields) -> String {
    Body::document("customer", |body| {
        for (name, text) in fields(person, wanted) {
            body.text(name, &text);
        }
    })
}

/// The body that vaults a card under a token of our choosing, once a verification passed.
pub(super) fn vault_request(customer: &str, nonce: &SecretString, token: &str) -> String {
    Body::document("payment_method", |body| {
        body.text("customer_id", customer);
        body.text("payment_method_nonce", nonce.expose_secret());
        body.text("token", token);
        body.group("options", |options| options.flag("verify_card", true));
    })
}

/// Why a well-formed object tells a flow nothing usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// A field is missing or malformed.
    #[error(transparent)]
    Form(#[from] Unreadable),
    /// The number is no amount of its currency.
    #[error("transaction {transaction}: {error}")]
    Amount { transaction: String, error: money::MoneyError },
}

/// How a transaction is read: [`transaction`] or [`hold`].
pub(super) type Reader = fn(&Node) -> Result<Transaction, Unusable>;

/// Reads a transaction that was submitted from the first, without what only a hold has.
pub(super) fn transaction(node: &Node) -> Result<Transaction, Unusable> {
    let id = node.required("id")?.to_owned();
    let amount = money::currency(node.required("currency-iso-code")?)
        .and_then(|currency| Money::parse(node.text_of("amount").unwrap_or_default(), currency))
        .map_err(|error| Unusable::Amount { transaction: id.clone(), error })?;
    let text = |name| node.text_of(name).unwrap_or_default().to_owned();
    Ok(Transaction {
        id,
        status: status(node.required("status")?),
        amount,
        order_id: text("order-id"),
        customer: node.child("customer").and_then(|customer| customer.text_of("id")).map(str::to_owned),
        token: node.child("credit-card").and_then(|card| card.text_of("token")).map(str::to_owned),
        created_at: node.time("created-at")?,
        merchant_account: text("merchant-account-id"),
        held: None,
        hold_expires_at: None,
        card: None,
        authentication: None,
    })
}

/// Reads a hold, with what was held, until when, and on which card.
pub(super) fn hold(node: &Node) -> Result<Transaction, Unusable> {
    let plain = transaction(node)?;
    Ok(Transaction {
        held: held(node, plain.amount),
        hold_expires_at: node.time("authorization-expires-at").ok(),
        card: node.child("credit-card").and_then(card_seen),
        authentication: node.child("three-d-secure-info").and_then(authentication),
        ..plain
    })
}

/// Reads a transaction as a hold while it is one, and where less was submitted than was held.
pub(super) fn transaction_or_hold(node: &Node) -> Result<Transaction, Unusable> {
    let read = hold(node)?;
    match read.status {
        TransactionStatus::Authorized | TransactionStatus::AuthorizationExpired => Ok(read),
        _ if read.held.is_some() => Ok(read),
        // Who is told of a give-back wants to know of which card.
        _ => Ok(Transaction { card: read.card, ..transaction(node)? }),
    }
}

/// A submit of less than was held lowers the transaction's amount; what was held stays in its history.
fn held(node: &Node, amount: Money) -> Option<Money> {
    node.items("status-history")
        .filter(|event| event.text_of("status") == Some("authorized"))
        .filter_map(|event| Money::parse(event.text_of("amount")?, amount.currency).ok())
        .find(|held| held.minor > amount.minor)
}

/// Absent or empty where nobody was asked to authenticate.
fn authentication(info: &Node) -> Option<Authentication> {
    let status = plain(info.text_of("status").filter(|word| !word.is_empty())?);
    Some(Authentication { status, liability_shifted: info.flag("liability-shifted") })
}

fn card_seen(card: &Node) -> Option<CardSeen> {
    Some(CardSeen {
        brand: card.text_of("card-type")?.to_owned(),
        last_four: card.text_of("last-4")?.to_owned(),
        number: card.text_of("unique-number-identifier").map(str::to_owned),
    })
}

/// The statuses of the gateway's reference; another word is kept.
pub(super) fn status(word: &str) -> TransactionStatus {
    match word {
        "authorizing" => TransactionStatus::Authorizing,
        "authorized" => TransactionStatus::Authorized,
        "submitted_for_settlement" => TransactionStatus::SubmittedForSettlement,
        "settling" => TransactionStatus::Settling,
        "settlement_pending" => TransactionStatus::SettlementPending,
        "settlement_confirmed" => TransactionStatus::SettlementConfirmed,
        "settled" => TransactionStatus::Settled,
        "settlement_declined" => TransactionStatus::SettlementDeclined,
        "settlement_failed" => TransactionStatus::SettlementFailed,
        "voided" => TransactionStatus::Voided,
        "authorization_expired" => TransactionStatus::AuthorizationExpired,
        "processor_declined" => TransactionStatus::ProcessorDeclined,
        "gateway_rejected" => TransactionStatus::GatewayRejected,
        "failed" => TransactionStatus::Failed,
        other => TransactionStatus::Other(other.to_owned()),
    }
}

/// The codes of a declined or failed transaction, or of a declined verification.
pub(super) fn decline(kind: DeclineKind, node: &Node) -> Decline {
    let text = |name| node.text_of(name).map(plain);
    let (code, words) = match kind {
        DeclineKind::Gateway => {
            let reason = text("gateway-rejection-reason").unwrap_or_default();
            (Some(reason.clone()), Some(format!("Gateway Rejected: {reason}")))
        }
        // A verification can be stopped by the gateway's own rules: then no processor was asked.
        DeclineKind::Verification if text("processor-response-code").is_none() => {
            let reason = text("gateway-rejection-reason").or_else(|| text("status")).unwrap_or_default();
            (Some(reason.clone()), Some(format!("Verification failed: {reason}")))
        }
        DeclineKind::Processor | DeclineKind::Network | DeclineKind::Verification | DeclineKind::Busy => {
            (text("processor-response-code"), text("processor-response-text"))
        }
    };
    Decline {
        kind,
        code: code.unwrap_or_default(),
        text: words.unwrap_or_default(),
        response_type: text("processor-response-type"),
        advice_code: text("merchant-advice-code"),
        advice_text: text("merchant-advice-code-text"),
        network_code: text("network-response-code"),
        network_text: text("network-response-text"),
        transaction: (kind != DeclineKind::Verification).then(|| text("id")).flatten(),
        brand: node.child("credit-card").and_then(|card| card.text_of("card-type")).map(plain),
    }
}

/// The vaulted cards of a customer, judged at that instant.
pub(super) fn methods(customer: &Node, now: DateTime<Utc>) -> Result<Vec<Method>, Unreadable> {
    customer.items("credit-cards").map(|card| method(card, now)).collect()
}

/// A vaulted card, judged at that instant.
pub(super) fn method(card: &Node, now: DateTime<Utc>) -> Result<Method, Unreadable> {
    Ok(Method {
        token: card.required("token")?.to_owned(),
        default: card.flag("default"),
        brand: card.required("card-type")?.to_owned(),
        last_four: card.required("last-4")?.to_owned(),
        expired: is_expired(card, now),
        card: card.required("unique-number-identifier")?.to_owned(),
        has_live_subscription: card.items("subscriptions").any(is_live),
        good_through: good_through(card),
    })
}

/// A subscription that could charge; one in a status that we do not know is among them.
pub(super) fn is_live(subscription: &Node) -> bool {
    !matches!(subscription.text_of("status"), Some("Canceled" | "Expired"))
}

/// A card is good until the end of the month it names. The gateway's own flag counts only where it names none: the flag
/// was true when the gateway last looked, the month is true at any time.
fn is_expired(card: &Node, now: DateTime<Utc>) -> bool {
    good_through(card).map_or_else(|| card.flag("expired"), |last| now.date_naive() > last)
}

/// The last day of the month that the card names.
fn good_through(card: &Node) -> Option<NaiveDate> {
    let text = |name| card.text_of(name);
    let (year, month) = (text("expiration-year")?.parse().ok()?, text("expiration-month")?.parse().ok()?);
    (NaiveDate::from_ymd_opt(year, month, 1)? + Months::new(1)).pred_opt()
}

/// A vendor's short text without what could name a person or a card: anything like an e-mail address or with a long
/// run of digits is struck, the rest is cut to 200 characters.
pub(super) fn plain(text: &str) -> String {
    let word = |word: &str| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        if word.contains('@') || digits >= 12 { "[struck]".to_owned() } else { word.to_owned() }
    };
    let words: Vec<String> = text.split_whitespace().map(word).collect();
    words.join(" ").chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use iso_currency::Currency;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn customer() -> Node {
        Node::parse(include_bytes!("../../../tests/fixtures/braintree/customer.xml")).expect("well-formed")
    }

    #[test]
    fn a_sale_asks_for_settlement_and_carries_our_references_and_no_card_data() {
        let body = sale(&Sale {
            amount: Money::new(4900, Currency::EUR),
            order_id: "demo1.inv.77.1",
            token: "m-1",
            merchant_account: "acme_eur",
            recurring: true,
            key: Some("demo1.inv.77.1.k1"),
            details: None,
        });
        assert_eq!(
            body,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><transaction><type>sale</type><amount>49.00</amount>\
             <order_id>demo1.inv.77.1</order_id><payment_method_token>m-1</payment_method_token>\
             <merchant_account_id>acme_eur</merchant_account_id><transaction_source>recurring</transaction_source>\
             <api_request_key>demo1.inv.77.1.k1</api_request_key>\
             <options><submit_for_settlement type=\"boolean\">true</submit_for_settlement></options></transaction>"
        );
    }

    #[test]
    fn a_sale_with_the_customer_present_names_no_source_and_yen_have_no_decimals() {
        let body = sale(&Sale {
            amount: Money::new(1000, Currency::JPY),
            order_id: "o",
            token: "t",
            merchant_account: "a",
            recurring: false,
            key: None,
            details: None,
        });
        assert!(body.contains("<amount>1000</amount>"), "{body}");
        assert!(!body.contains("transaction_source") && !body.contains("api_request_key"), "{body}");
    }

    #[test]
    fn all_vaulted_cards_are_read_and_nothing_personal() {
        let methods = methods(&customer(), at("2026-11-21T10:00:00Z")).expect("usable");
        let facts: Vec<_> = methods
            .iter()
            .map(|m| {
                (
                    m.token.as_str(),
                    m.default,
                    m.brand.as_str(),
                    m.last_four.as_str(),
                    m.expired,
                    m.has_live_subscription,
                )
            })
            .collect();
        assert_eq!(
            facts,
            [
                ("m-7f3c", true, "Visa", "1881", false, false),
                ("m-old", false, "MasterCard", "4444", true, false),
                ("m-sub", false, "Visa", "1111", false, true),
            ]
        );
        assert_eq!(methods[0].card, "a1b2c3d4e5f60718293a4b5c6d7e8f90");
        let shown = format!("{methods:?}");
        assert!(!shown.contains('@') && !shown.contains("Ada"), "{shown}");
    }

    #[test]
    fn a_card_is_good_until_the_end_of_its_month() {
        let expired = |now| methods(&customer(), at(now)).expect("usable")[0].expired;
        assert!(!expired("2027-12-31T23:59:59Z"));
        assert!(expired("2028-01-01T00:00:00Z"));
    }

    #[test]
    fn a_card_without_its_identifier_is_no_usable_answer() {
        let customer = Node::parse(
            b"<customer><credit-cards type='array'><credit-card><token>t</token><card-type>Visa</card-type>\
              <last-4>1111</last-4></credit-card></credit-cards></customer>",
        );
        let result = methods(&customer.expect("well-formed"), at("2026-11-21T10:00:00Z"));
        assert_eq!(result, Err(Unreadable::Field("unique-number-identifier")));
    }

    #[test]
    fn what_could_name_a_person_or_a_card_is_struck_from_messages() {
        assert_eq!(plain("Email ada@example.org\n is invalid"), "Email [struck] is invalid");
        assert_eq!(plain("number 4111-1111-1111-1111 refused"), "number [struck] refused");
        assert_eq!(plain(&"x".repeat(500)).len(), 200);
    }
}
