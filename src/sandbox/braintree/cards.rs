//! The sandbox's cards: test numbers, ready-made nonces and what the issuer says of them. A card keeps no number: only
//! what the gateway shows of it.

use super::call::Ask;
use super::codes::{self, Code};
use super::issuers::{self, Answer, Issuer, ThreeDs};
use chrono::{DateTime, Datelike, Utc};
use sha2::{Digest, Sha256};

/// What a verification of the card answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    /// `processor_declined`, 2000.
    Declined,
    /// `failed`, 3000.
    Failed,
    /// `gateway_rejected` for this reason.
    Rejected(&'static str),
}

/// A card as the gateway shows it.
#[derive(Debug, Clone)]
pub(super) struct Card {
    pub(super) bin: String,
    pub(super) last_4: String,
    pub(super) brand: &'static str,
    /// Two digits.
    pub(super) month: String,
    /// Four digits.
    pub(super) year: String,
    pub(super) holder: Option<String>,
    /// The same for the same number, however often it is stored.
    pub(super) unique: String,
    /// The property that is `Yes` (`prepaid`, `debit`, …), where the test card has one.
    pub(super) trait_of: Option<&'static str>,
    pub(super) verdict: Verdict,
    /// Who is asked in a 3-D Secure lookup.
    pub(super) issuer: Issuer,
    /// What the issuer said of the security code when the card was given; the code itself is not kept.
    pub(super) security_code: &'static str,
    /// The testing number whose settled sales are disputed at once.
    pub(super) is_disputed: bool,
    /// The authentication that came with the nonce; a stored card has none.
    pub(super) three_ds: Option<ThreeDs>,
}

/// The gateway's test number for a chargeback.
const DISPUTED: &str = "4023898493988028";

/// Test numbers: number, brand, verdict of a verification, property. From the gateway's published testing values.
const NUMBERS: &[(&str, &str, Verdict, Option<&str>)] = &[
    ("4111111111111111", "Visa", Verdict::Good, None),
    ("4012888888881881", "Visa", Verdict::Good, None),
    ("4005519200000004", "Visa", Verdict::Good, None),
    ("4009348888881881", "Visa", Verdict::Good, None),
    ("4012000033330026", "Visa", Verdict::Good, None),
    ("4012000077777777", "Visa", Verdict::Good, None),
    ("4217651111111119", "Visa", Verdict::Good, None),
    ("4500600000000061", "Visa", Verdict::Good, Some("prepaid")),
    ("5555555555554444", "MasterCard", Verdict::Good, None),
    ("2223000048400011", "MasterCard", Verdict::Good, None),
    ("378282246310005", "American Express", Verdict::Good, None),
    ("371449635398431", "American Express", Verdict::Good, None),
    ("6011000991300009", "Discover", Verdict::Good, None),
    ("6011111111111117", "Discover", Verdict::Good, None),
    ("3530111333300000", "JCB", Verdict::Good, None),
    ("36259600000004", "Diners Club", Verdict::Good, None),
    ("6304000000000000", "Maestro", Verdict::Good, None),
    ("6243030000000001", "China UnionPay", Verdict::Good, None),
    ("5066991111111118", "Elo", Verdict::Good, None),
    ("6370950000000005", "Hiper", Verdict::Good, None),
    ("6062820524845321", "Hipercard", Verdict::Good, None),
    ("4000111111111115", "Visa", Verdict::Declined, None),
    ("5105105105105100", "MasterCard", Verdict::Declined, None),
    ("378734493671000", "American Express", Verdict::Declined, None),
    ("6011000990139424", "Discover", Verdict::Declined, None),
    ("3566002020360505", "JCB", Verdict::Failed, None),
    // Fraud tools are off in a new merchant's account, so these two pass.
    ("4000111111111511", "Visa", Verdict::Good, None),
    ("4111130000000003", "Visa", Verdict::Good, None),
    ("4023898493988028", "Visa", Verdict::Good, None),
];

/// Ready-made nonces: name between `fake-` and `-nonce`, number, property.
const NONCES: &[(&str, &str, Option<&str>)] = &[
    ("valid", "4012888888881881", None),
    ("valid-visa", "4012888888881881", None),
    ("valid-mastercard", "5555555555554444", None),
    ("valid-amex", "378282246310005", None),
    ("valid-discover", "6011111111111117", None),
    ("valid-jcb", "3530111333300000", None),
    ("valid-maestro", "6304000000000000", None),
    ("valid-dinersclub", "36259600000004", None),
    ("valid-prepaid", "4500600000000061", Some("prepaid")),
    ("valid-prepaid-reloadable", "4500600000000061", Some("prepaid_reloadable")),
    ("valid-debit", "4012000033330026", Some("debit")),
    ("valid-commercial", "4012000033330026", Some("commercial")),
    ("valid-business", "4012000033330026", Some("business")),
    ("valid-consumer", "4012000033330026", Some("consumer")),
    ("valid-corporate", "4012000033330026", Some("corporate")),
    ("valid-purchase", "4012000033330026", Some("purchase")),
    ("valid-payroll", "4012000033330026", Some("payroll")),
    ("valid-healthcare", "4012000033330026", Some("healthcare")),
    ("valid-durbin-regulated", "4012000033330026", Some("durbin_regulated")),
    ("valid-no-indicators", "4012000033330026", None),
    ("valid-unknown-indicators", "4012000033330026", None),
    ("valid-country-of-issuance-usa", "4012000033330026", None),
    ("valid-country-of-issuance-cad", "4012000033330026", None),
    ("valid-issuing-bank-network-only", "4012000033330026", None),
    ("processor-declined-visa", "4000111111111115", None),
    ("processor-declined-mastercard", "5105105105105100", None),
    ("processor-declined-amex", "378734493671000", None),
    ("processor-declined-discover", "6011000990139424", None),
    ("processor-failure-jcb", "3566002020360505", None),
];

/// 3-D Secure nonces: name after `three-d-secure-` and its answer (status, enrolled, liability shifted).
const THREE_DS: &[(&str, &str, &str, bool)] = &[
    ("visa-full-authentication", "authenticate_successful", "Y", true),
    ("visa-lookup-timeout", "lookup_error", "U", false),
    ("visa-failed-signature", "authenticate_signature_verification_failed", "Y", false),
    ("visa-failed-authentication", "authenticate_failed", "Y", false),
    ("visa-attempts-non-participating", "authenticate_attempt_successful", "Y", true),
    ("visa-not-enrolled", "lookup_not_enrolled", "N", true),
    ("visa-unavailable", "authentication_unavailable", "U", false),
    ("visa-mpi-lookup-error", "lookup_error", "U", false),
    ("visa-mpi-authenticate-error", "authenticate_error", "Y", false),
    ("visa-authentication-unavailable", "authenticate_unable_to_authenticate", "Y", false),
    ("visa-bypassed-authentication", "lookup_bypassed", "U", false),
    ("two-visa-successful-frictionless-authentication", "authenticate_frictionless_success", "Y", true),
    ("two-visa-successful-step-up-authentication", "authenticate_successful", "Y", true),
    ("two-visa-error-on-lookup", "lookup_error", "U", false),
    ("two-visa-timeout-on-lookup", "lookup_error", "U", false),
];

/// What a ready-made nonce stands for. These are never used up.
#[derive(Debug)]
pub(super) enum Fake {
    Card(Box<Card>),
    /// `fake-consumed-nonce`.
    Consumed,
    /// `fake-luhn-invalid-nonce`.
    BadNumber,
}

/// The meaning of a ready-made nonce, where the gateway has one of this name. Only card nonces are simulated.
pub(super) fn fake(nonce: &str, now: DateTime<Utc>) -> Option<Fake> {
    let name = nonce.strip_prefix("fake-")?.strip_suffix("-nonce")?;
    let next_year = (now.year() + 1).to_string();
    let plain = |number: &str| of_number(number, "12", &next_year);
    let rejected = |reason| plain("4111111111111111").map(|card| Card { verdict: Verdict::Rejected(reason), ..card });
    let card = match (name, name.strip_prefix("three-d-secure-")) {
        ("consumed", _) => return Some(Fake::Consumed),
        ("luhn-invalid", _) => return Some(Fake::BadNumber),
        ("gateway-rejected-fraud", _) => rejected("fraud"),
        ("gateway-rejected-risk-thresholds", _) => rejected("risk_threshold"),
        (_, Some(kind)) => {
            let (_, status, enrolled, shifted) = THREE_DS.iter().copied().find(|(n, ..)| *n == kind)?;
            let three_ds = Some(ThreeDs { answer: Answer { status, enrolled, shifted }, proof: None });
            plain("4111111111111111").map(|card| Card { three_ds, ..card })
        }
        (_, None) => {
            let (_, number, trait_of) = NONCES.iter().copied().find(|(n, ..)| *n == name)?;
            plain(number).map(|card| Card { trait_of, ..card })
        }
    };
    card.map(|card| Fake::Card(Box::new(card)))
}

/// The gateway's identifier of a card number.
pub(super) fn unique(number: &str) -> String {
    hex::encode(&Sha256::digest(format!("unique-number:{number}"))[..16])
}

/// The card of a test number, `None` for any other number.
fn of_number(number: &str, month: &str, year: &str) -> Option<Card> {
    let plain = NUMBERS.iter().copied().find(|(n, ..)| *n == number);
    let (brand, verdict, trait_of, issuer) = match plain {
        Some((_, brand, verdict, trait_of)) => (brand, verdict, trait_of, issuers::ORDINARY),
        None => issuers::of_number(number).map(|(brand, issuer)| (brand, Verdict::Good, None, issuer))?,
    };
    Some(Card {
        bin: number[..6].to_owned(),
        last_4: number[number.len() - 4..].to_owned(),
        brand,
        month: month.to_owned(),
        year: year.to_owned(),
        holder: None,
        unique: unique(number),
        trait_of,
        verdict,
        issuer,
        security_code: "I",
        is_disputed: number == DISPUTED,
        three_ds: None,
    })
}

/// A test card by its short name (`visa`, `mastercard`, `amex`, `discover`, `jcb`, `maestro`, `dinersclub`, `declined`) or
/// by its number, for seeding a vault by hand.
pub(super) fn named(name: &str, month: &str, year: &str) -> Option<Card> {
    if name.bytes().all(|b| b.is_ascii_digit()) {
        return of_number(name, month, year);
    }
    let nonce = match name {
        "declined" => "processor-declined-visa".to_owned(),
        name => format!("valid-{name}"),
    };
    let (_, number, _) = NONCES.iter().copied().find(|(n, ..)| *n == nonce)?;
    of_number(number, month, year)
}

impl Card {
    /// As that person's own: there are few test numbers, and each customer that is seeded has another card.
    pub(super) fn owned_by(mut self, customer: &str) -> Self {
        self.unique = hex::encode(&Sha256::digest(format!("unique-number:{}:{customer}", self.unique))[..16]);
        self
    }
}

/// Reads a card given by number and expiration (`credit_card` of a request).
///
/// # Errors
/// Attribute and code of each fault.
pub(super) fn given(ask: &Ask) -> Result<Card, Vec<(&'static str, Code)>> {
    let mut faults = Vec::new();
    let expiration = match expiration(ask) {
        Ok(date) => Some(date),
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    let number: String = ask.text("number").unwrap_or_default().chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let fault = if number.is_empty() {
        Some(codes::NUMBER_REQUIRED)
    } else if !number.bytes().all(|b| b.is_ascii_digit()) {
        Some(codes::NUMBER_INVALID)
    } else if !(12..=19).contains(&number.len()) {
        Some(codes::NUMBER_LENGTH)
    } else if !passes_luhn(&number) {
        Some(codes::NUMBER_INVALID)
    } else {
        None
    };
    faults.extend(fault.map(|code| ("number", code)));
    let card = expiration.and_then(|(month, year)| of_number(&number, &month, &year));
    match card {
        Some(card) if faults.is_empty() => {
            let security_code = security_code(ask.text("cvv").as_deref());
            Ok(Card { holder: ask.text("cardholder_name"), security_code, ..card })
        }
        _ if faults.is_empty() => Err(vec![("number", codes::NUMBER_NOT_TEST)]),
        _ => Err(faults),
    }
}

/// The issuer's letter for a security code, from the gateway's testing values: matches, does not, not verified, issuer does
/// not take part, not given.
fn security_code(given: Option<&str>) -> &'static str {
    match given {
        None | Some("") => "I",
        Some("200" | "2000") => "N",
        Some("201" | "2011") => "U",
        Some("301" | "3011") => "S",
        Some(_) => "M",
    }
}

/// The issuer's letter for the postal code of a billing address, by the same values.
pub(super) fn postal_code(given: Option<&str>) -> &'static str {
    match given {
        None | Some("") => "I",
        Some("20000") => "N",
        Some("20001") => "U",
        Some(_) => "M",
    }
}

/// The issuer's letter for the street of a billing address, by the number it begins with.
pub(super) fn street(given: Option<&str>) -> &'static str {
    match given.map(|street| street.split_whitespace().next().unwrap_or_default()) {
        None | Some("") => "I",
        Some("200") => "N",
        Some("201") => "U",
        Some(_) => "M",
    }
}

/// Month (two digits) and year (four) of `expiration_date` (`MM/YYYY`, `MM/YY`) or of the two single fields.
///
/// # Errors
/// Attribute and code of the fault.
pub(super) fn expiration(ask: &Ask) -> Result<(String, String), (&'static str, Code)> {
    let whole = ask.text("expiration_date");
    let (month, year) = match &whole {
        Some(date) => date.split_once('/').ok_or(("expiration_date", codes::EXPIRATION_INVALID))?,
        None => ("", ""),
    };
    let month = if whole.is_some() { month.to_owned() } else { ask.text("expiration_month").unwrap_or_default() };
    let year = if whole.is_some() { year.to_owned() } else { ask.text("expiration_year").unwrap_or_default() };
    if month.is_empty() && year.is_empty() {
        return Err(("expiration_date", codes::EXPIRATION_REQUIRED));
    }
    let month: u32 = month.trim().parse().map_err(|_| ("expiration_month", codes::EXPIRATION_MONTH))?;
    let year: u32 = year.trim().parse().map_err(|_| ("expiration_year", codes::EXPIRATION_YEAR))?;
    if !(1..=12).contains(&month) {
        return Err(("expiration_month", codes::EXPIRATION_MONTH));
    }
    let year = if year < 100 { 2000 + year } else { year };
    if !(1976..=2200).contains(&year) {
        return Err(("expiration_year", codes::EXPIRATION_YEAR));
    }
    Ok((format!("{month:02}"), year.to_string()))
}

fn passes_luhn(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .map(|b| u32::from(b - b'0'))
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 })
        .sum();
    sum.is_multiple_of(10)
}

impl Card {
    /// Whether the card's last month is over.
    pub(super) fn expired(&self, now: DateTime<Utc>) -> bool {
        (self.year.as_str(), self.month.as_str())
            < (now.format("%Y").to_string().as_str(), now.format("%m").to_string().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_number_has_the_same_identifier_and_no_card_keeps_its_number() {
        let a = given(&Ask(json!({"number": "4111 1111 1111 1111", "expiration_date": "12/2030"}))).unwrap();
        let b = given(&Ask(json!({"number": "4111111111111111", "expiration_month": "1", "expiration_year": "31"})))
            .unwrap();
        assert_eq!((a.unique.clone(), b.month.as_str(), b.year.as_str()), (b.unique.clone(), "01", "2031"));
        assert!(!format!("{a:?}").contains("411111111111"));
    }

    #[test]
    fn card_faults_have_the_gateways_codes() {
        let code = |value| given(&Ask(value)).map(|_| 0).map_err(|f| f.iter().map(|(_, c)| c.0).collect::<Vec<_>>());
        assert_eq!(code(json!({"number": "4111111111111112", "expiration_date": "12/2030"})), Err(vec![81715]));
        assert_eq!(code(json!({"number": "4242424242424242", "expiration_date": "12/2030"})), Err(vec![81717]));
        assert_eq!(code(json!({"number": "41", "expiration_date": "13/2030"})), Err(vec![81712, 81716]));
        assert_eq!(code(json!({})), Err(vec![81709, 81714]));
    }

    #[test]
    fn every_listed_nonce_is_a_card() {
        for (name, ..) in NONCES {
            assert!(matches!(fake(&format!("fake-{name}-nonce"), Utc::now()), Some(Fake::Card(_))), "{name}");
        }
        assert!(fake("fake-paypal-one-time-nonce", Utc::now()).is_none());
    }
}
