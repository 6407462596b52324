//! What the banks behind the test cards say to a 3-D Secure authentication, from the gateway's published test cards, and
//! how the gateway shows it. Asks nobody and keeps nothing.

use super::state::letters;
use super::xml::{Fields, Xml};
use serde_json::{Value, json};

/// An issuer's answer, in the gateway's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: &'static str,
    /// `Y`, `N`, `U` (not known) or `B` (left out by rule).
    pub(super) enrolled: &'static str,
    /// Whether the issuer, not the merchant, bears a fraud.
    pub(super) shifted: bool,
}

const fn answer(status: &'static str, enrolled: &'static str, shifted: bool) -> Answer {
    Answer { status, enrolled, shifted }
}

const SUCCESSFUL: Answer = answer("authenticate_successful", "Y", true);
/// Until the cardholder has answered.
pub(super) const CHALLENGED: Answer = answer("challenge_required", "Y", false);
/// The cardholder refused, or closed the issuer's page.
pub(super) const REFUSED: Answer = answer("authenticate_failed", "Y", false);

/// How the issuer of a card behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Issuer {
    challenges: bool,
    /// At once, or after a challenge that the cardholder confirmed.
    pub(super) answer: Answer,
}

/// The issuer of every card that is none of the 3-D Secure test cards.
pub(super) const ORDINARY: Issuer = Issuer { challenges: false, answer: SUCCESSFUL };

/// The gateway's test cards for 3-D Secure 2: Visa and Mastercard numbers, whether the issuer challenges, its answer.
/// Where there are two Visa numbers, the second one is of the newer edition of the list.
const CARDS: &[(&[&str], bool, Answer)] = &[
    (&["4000000000001000", "4000000000002701", "5200000000001005"], false, SUCCESSFUL),
    (
        &["4000000000001018", "4000000000002925", "5200000000001013"],
        false,
        answer("authenticate_frictionless_failed", "Y", false),
    ),
    (
        &["4000000000001026", "4000000000002719", "5200000000001021"],
        false,
        answer("authenticate_attempt_successful", "Y", true),
    ),
    (
        &["4000000000001034", "4000000000002313", "5200000000001039"],
        false,
        answer("authenticate_unable_to_authenticate", "Y", false),
    ),
    (&["4000000000001042", "5200000000001047"], false, answer("authenticate_rejected", "Y", false)),
    (&["4000000000001059", "5200000000001054"], false, answer("authentication_unavailable", "U", false)),
    (&["4000000000001067", "5200000000001062"], false, answer("lookup_error", "U", false)),
    (&["4000000000001075", "5200000000001070"], false, answer("lookup_failed_acs_error", "U", false)),
    (&["4000000000001083", "5200000000001088"], false, answer("lookup_bypassed", "B", false)),
    (&["4000000000001091", "4000000000002503", "5200000000001096"], true, SUCCESSFUL),
    (&["4000000000001109", "4000000000002370", "5200000000001104"], true, REFUSED),
    (&["4000000000001117", "5200000000001112"], true, answer("authenticate_unable_to_authenticate", "Y", false)),
    (&["4000000000001125", "5200000000001120"], true, answer("authenticate_error", "Y", false)),
];

/// Brand and issuer of a 3-D Secure test card.
pub(super) fn of_number(number: &str) -> Option<(&'static str, Issuer)> {
    let (_, challenges, answer) = CARDS.iter().copied().find(|(numbers, ..)| numbers.contains(&number))?;
    let brand = if number.starts_with('5') { "MasterCard" } else { "Visa" };
    Some((brand, Issuer { challenges, answer }))
}

impl Issuer {
    /// Whether the cardholder is asked: always with a challenge card, and on the merchant's wish with every card that
    /// would have passed.
    pub(super) fn challenges(self, wished: bool) -> bool {
        self.challenges || (wished && self.answer.shifted)
    }
}

/// A nonce's 3-D Secure authentication.
#[derive(Debug, Clone)]
pub(super) struct ThreeDs {
    pub(super) answer: Answer,
    /// None for the ready-made nonces, which nobody authenticated.
    pub(super) proof: Option<Proof>,
}

/// What was authenticated, and under which names.
#[derive(Debug, Clone)]
pub(super) struct Proof {
    /// Minor units.
    pub(super) amount: i64,
    pub(super) merchant_account: String,
    challenged: bool,
    brand: &'static str,
    cavv: String,
    /// Of the authentication at the gateway.
    id: String,
    ds_transaction: String,
    acs_transaction: String,
    server_transaction: String,
}

impl Proof {
    pub(super) fn new(amount: i64, merchant_account: &str, brand: &'static str, challenged: bool) -> Self {
        let id = || uuid::Uuid::new_v4().to_string();
        Self {
            amount,
            merchant_account: merchant_account.to_owned(),
            challenged,
            brand,
            cavv: format!("{}=", letters(27)),
            id: letters(20),
            ds_transaction: id(),
            acs_transaction: id(),
            server_transaction: id(),
        }
    }
}

/// The protocol's letter for an answer.
fn trans_status(answer: Answer) -> Option<&'static str> {
    match answer.status {
        "authenticate_successful" => Some("Y"),
        "authenticate_attempt_successful" => Some("A"),
        "authenticate_failed" | "authenticate_frictionless_failed" => Some("N"),
        "authenticate_rejected" => Some("R"),
        "authenticate_unable_to_authenticate" | "authenticate_error" | "authentication_unavailable" => Some("U"),
        "challenge_required" => Some("C"),
        _ => None,
    }
}

/// The electronic commerce indicator, as the network writes it.
fn eci(brand: &str, trans_status: &str) -> Option<&'static str> {
    let mastercard = brand == "MasterCard";
    match trans_status {
        "Y" => Some(if mastercard { "02" } else { "05" }),
        "A" => Some(if mastercard { "01" } else { "06" }),
        "C" => None,
        _ => Some(if mastercard { "00" } else { "07" }),
    }
}

impl ThreeDs {
    /// The fields of `three-d-secure-info`, in the gateway's order; flags apart.
    fn texts(&self) -> [(&'static str, &'static str, Option<&str>); 11] {
        let proof = self.proof.as_ref();
        let said = trans_status(self.answer).filter(|_| proof.is_some());
        let reached = proof.filter(|_| said.is_some());
        [
            ("status", "status", Some(self.answer.status)),
            ("enrolled", "enrolled", Some(self.answer.enrolled)),
            ("cavv", "cavv", proof.filter(|_| self.answer.shifted).map(|p| p.cavv.as_str())),
            ("xid", "xid", None),
            ("eci_flag", "eciFlag", proof.zip(said).and_then(|(p, said)| eci(p.brand, said))),
            ("three_d_secure_version", "threeDSecureVersion", reached.map(|_| "2.2.0")),
            ("ds_transaction_id", "dsTransactionId", reached.map(|p| p.ds_transaction.as_str())),
            ("acs_transaction_id", "acsTransactionId", reached.map(|p| p.acs_transaction.as_str())),
            (
                "three_d_secure_server_transaction_id",
                "threeDSecureServerTransactionId",
                reached.map(|p| p.server_transaction.as_str()),
            ),
            ("three_d_secure_authentication_id", "threeDSecureAuthenticationId", proof.map(|p| p.id.as_str())),
            ("pares_status", "paresStatus", said),
        ]
    }

    /// The protocol's letters of the two steps: lookup, and authentication after a challenge.
    fn steps(&self) -> (Option<&'static str>, Option<&'static str>) {
        let said = trans_status(self.answer).filter(|_| self.proof.is_some());
        match &self.proof {
            Some(proof) if proof.challenged && self.answer != CHALLENGED => (Some("C"), said),
            Some(_) | None => (said, None),
        }
    }

    fn shift_possible(&self) -> bool {
        self.answer.enrolled == "Y" || self.answer.shifted
    }

    /// `three-d-secure-info` of the server API.
    pub(super) fn xml(&self) -> Xml {
        let (lookup, authentication) = self.steps();
        let step = |said| Fields::new().maybe("trans_status", said).nils(&["trans_status_reason"]);
        let fields = self.texts().into_iter().fold(Fields::new(), |fields, (name, _, text)| fields.maybe(name, text));
        Xml::Node(
            fields
                .flag("liability_shifted", self.answer.shifted)
                .flag("liability_shift_possible", self.shift_possible())
                .node("lookup", step(lookup))
                .node("authentication", step(authentication)),
        )
    }

    /// `threeDSecureInfo` of the client API.
    pub(super) fn json(&self) -> Value {
        let (lookup, authentication) = self.steps();
        let mut info = json!({
            "liabilityShifted": self.answer.shifted,
            "liabilityShiftPossible": self.shift_possible(),
            "lookup": {"transStatus": lookup, "transStatusReason": null},
            "authentication": {"transStatus": authentication, "transStatusReason": null},
        });
        for (_, name, text) in self.texts() {
            info[name] = json!(text);
        }
        info
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_comes_by_card_or_by_wish_and_never_for_a_card_that_fails_at_once() {
        let issuer = |number| of_number(number).expect("a test card").1;
        assert!(issuer("4000000000001091").challenges(false));
        assert!(!issuer("4000000000001000").challenges(false));
        assert!(issuer("4000000000001000").challenges(true) && ORDINARY.challenges(true));
        assert!(!issuer("4000000000001018").challenges(true));
    }

    #[test]
    fn the_indicator_of_electronic_commerce_goes_by_network_and_answer() {
        let shown = |brand, answer| {
            let of = ThreeDs { answer, proof: Some(Proof::new(100, "sandbox_eur", brand, true)) };
            (of.json()["eciFlag"].clone(), of.json()["cavv"].is_string())
        };
        assert_eq!(shown("Visa", SUCCESSFUL), (json!("05"), true));
        assert_eq!(shown("MasterCard", SUCCESSFUL), (json!("02"), true));
        assert_eq!(shown("Visa", REFUSED), (json!("07"), false));
        assert_eq!(shown("Visa", CHALLENGED), (Value::Null, false));
    }
}
