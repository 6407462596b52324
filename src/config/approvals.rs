//! Which of the operators' verbs need a second person.

use super::Environment;
use clap::Args;
use sagas::kernel::money::{self, Money};
use sagas::kernel::verb::Verb;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a second person is asked for at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Approvals {
    /// The verbs of `APPROVAL_VERBS` wait for a second person.
    Required,
    /// One person orders; the record says that nobody approved.
    Off,
}

/// The settings as they come.
#[derive(Debug, Clone, Default, Args)]
pub struct ApprovalSettings {
    /// Whether some of the operators' verbs need a second person; unset: off in demo and test, else required
    #[arg(long, env = "APPROVALS", value_enum)]
    pub approvals: Option<Approvals>,
    /// Which verbs need one; unset: skip, compensate, abandon, declare-done, declare-not-done
    #[arg(long, env = "APPROVAL_VERBS", value_delimiter = ',')]
    pub approval_verbs: Vec<String>,
    /// What one person may give back alone, per currency, e.g. EUR=100.00,USD=100.00; unset: nothing, where approvals are
    /// required
    #[arg(long, env = "REFUND_LIMITS", value_delimiter = ',')]
    pub refund_limits: Vec<String>,
    /// What a rule may give back without anybody's word, per currency: what was taken twice, or for an invoice that was paid
    /// elsewhere, e.g. EUR=50.00; unset: nothing, a person agrees
    #[arg(long, env = "AUTO_REFUND_LIMITS", value_delimiter = ',')]
    pub auto_refund_limits: Vec<String>,
}

/// What a rule may give back without anybody's word, per currency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AutoRefunds(BTreeMap<String, i64>);

impl AutoRefunds {
    /// Whether it may give that much back.
    pub fn allow(&self, amount: Money) -> bool {
        self.0.get(amount.currency.code()).is_some_and(|limit| amount.minor <= *limit)
    }
}

/// The verbs that decide about money or leave something undone.
const USUAL: [&str; 5] = ["skip", "compensate", "abandon", "declare-done", "declare-not-done"];

/// How the limit of a currency stands in the policy.
const REFUND: &str = "refund:";

/// `EUR=100.00`.
fn limit(text: &str) -> Result<Money, String> {
    let (code, amount) = text.split_once('=').ok_or("no amount")?;
    let currency = money::currency(code.trim()).map_err(|e| e.to_string())?;
    Money::parse(amount.trim(), currency).map_err(|e| e.to_string())
}

/// `EUR=100.00` as a word of the policy: `refund:EUR:10000`.
fn refund_word(text: &str) -> Result<String, String> {
    let limit = limit(text)?;
    Ok(format!("{REFUND}{}:{}", limit.currency.code(), limit.minor))
}

/// Whether one person may give that much back alone. An empty policy asks for nobody's second word.
pub fn refunds_alone(policy: &BTreeSet<String>, amount: Money) -> bool {
    let of_currency = |word: &String| {
        let (code, minor) = word.strip_prefix(REFUND)?.split_once(':')?;
        (code == amount.currency.code()).then(|| minor.parse::<i64>().ok()).flatten()
    };
    policy.is_empty() || policy.iter().find_map(of_currency).is_some_and(|limit| amount.minor <= limit)
}

impl ApprovalSettings {
    /// What a rule may give back alone.
    pub(super) fn auto_refunds(&self, faults: &mut Vec<String>) -> AutoRefunds {
        let mut limits = BTreeMap::new();
        for text in self.auto_refund_limits.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
            match limit(text) {
                Ok(limit) => {
                    limits.insert(limit.currency.code().to_owned(), limit.minor);
                }
                Err(why) => faults.push(format!("AUTO_REFUND_LIMITS: `{text}`: {why}: expected e.g. EUR=50.00")),
            }
        }
        AutoRefunds(limits)
    }

    /// The verbs that need a second person, and as words of their own what of a refund needs none.
    pub(super) fn check(self, environment: Environment, faults: &mut Vec<String>) -> BTreeSet<String> {
        let named = self.approval_verbs.iter().map(|word| word.trim()).filter(|word| !word.is_empty());
        let mut verbs: BTreeSet<String> = named.map(str::to_owned).collect();
        for word in verbs.iter().filter(|word| !Verb::WORDS.contains(&word.as_str())) {
            faults.push(format!("APPROVAL_VERBS: `{word}` is no verb: expected some of {}", Verb::WORDS.join(", ")));
        }
        if verbs.is_empty() {
            verbs = USUAL.map(str::to_owned).into();
        }
        for limit in self.refund_limits.iter().map(|limit| limit.trim()).filter(|limit| !limit.is_empty()) {
            match refund_word(limit) {
                Ok(word) => {
                    verbs.insert(word);
                }
                Err(why) => faults.push(format!("REFUND_LIMITS: `{limit}`: {why}: expected e.g. EUR=100.00")),
            }
        }
        let usual = if environment.is_show() { Approvals::Off } else { Approvals::Required };
        match self.approvals.unwrap_or(usual) {
            Approvals::Required => verbs,
            Approvals::Off => BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_gives_back_alone_up_to_the_limit_of_the_currency_and_everything_without_a_policy() {
        let policy = BTreeSet::from(["skip".to_owned(), refund_word("EUR=100.00").unwrap()]);
        let money = |minor, code| Money::new(minor, money::currency(code).unwrap());
        assert!(refunds_alone(&policy, money(10_000, "EUR")));
        assert!(!refunds_alone(&policy, money(10_001, "EUR")));
        assert!(!refunds_alone(&policy, money(1, "USD")), "no limit is none");
        assert!(refunds_alone(&BTreeSet::new(), money(1_000_000, "USD")));
        for bad in ["EUR", "EUR=ten", "XX=1.00"] {
            assert!(refund_word(bad).is_err(), "{bad}");
        }
    }
}
