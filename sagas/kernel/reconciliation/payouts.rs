//! Payouts that their flow leaves unexplained: paid otherwise than their items come to, never announced, kept back, sent back.

use super::{About, Code, Found, Judged, Leg};
use crate::kernel::money::Money;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A payout as its flow left it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The saga's id.
    pub saga: String,
    /// Day and merchant account.
    pub title: String,
    /// The flow's word for where it stands.
    pub state: String,
    /// What reached the bank, or should have.
    pub amount: Money,
    /// What its items have above that (1900).
    pub unexplained: Money,
    /// What of it is kept back (1140), or came back from the bank.
    pub kept: Money,
    /// When something of it changed last (UTC).
    pub at: DateTime<Utc>,
}

/// The flow's words that are findings.
const WORDS: [(&str, Code, &str); 4] = [
    ("Differs", Code::D17, "its items come to something else than was paid, or were paid in another currency"),
    ("Unannounced", Code::D18, "Braintree tells of this account's payouts, and told nothing of this one"),
    ("Held", Code::D20, "Braintree keeps a part of it"),
    ("Returned", Code::D20, "the bank sent it back"),
];

/// What is asked of the log.
pub fn words() -> Vec<&'static str> {
    WORDS.iter().map(|(word, ..)| *word).collect()
}

/// Judges them.
pub fn judge(payouts: &[Seen]) -> Judged {
    let found = payouts.iter().filter_map(|payout| {
        let (_, code, detail) = WORDS.into_iter().find(|(word, ..)| *word == payout.state)?;
        let items = Money::new(payout.amount.minor + payout.unexplained.minor, payout.amount.currency);
        let at_risk = match code {
            Code::D17 => Money::new(payout.unexplained.minor.abs(), payout.amount.currency),
            Code::D20 => payout.kept,
            _ => payout.amount,
        };
        Some(Found {
            code,
            key: payout.saga.clone(),
            severity: code.severity(),
            about: About::default(),
            left: format!("payout {}: items of {items}", payout.title),
            right: format!("{}, {} paid", payout.state, payout.amount),
            at_risk: Some(at_risk),
            difference: Vec::new(),
            detail: format!("{}: {detail}", payout.title),
            dated: payout.at,
            act: None,
        })
    });
    Judged { found: found.collect(), ..Judged::empty(Leg::R4) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use iso_currency::Currency::EUR;

    fn seen(state: &str) -> Seen {
        Seen {
            saga: "s".to_owned(),
            title: "2026-11-23 shop_eur".to_owned(),
            state: state.to_owned(),
            amount: Money::new(4_841, EUR),
            unexplained: Money::new(59, EUR),
            kept: Money::new(700, EUR),
            at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn each_word_that_leaves_something_unexplained_is_its_finding_with_the_money_at_risk() {
        for (word, code, risk) in [
            ("Differs", Code::D17, 59),
            ("Unannounced", Code::D18, 4_841),
            ("Held", Code::D20, 700),
            ("Returned", Code::D20, 700),
        ] {
            let judged = judge(&[seen(word), seen("Explained")]);
            let found: Vec<_> = judged.found.iter().map(|one| (one.code, one.at_risk)).collect();
            assert_eq!(found, [(code, Some(Money::new(risk, EUR)))], "{word}");
            assert!(judged.found[0].left.ends_with("items of 49.00 EUR"), "{}", judged.found[0].left);
        }
        assert_eq!(words().len(), 4);
    }
}
