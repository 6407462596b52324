//! What flows share about Braintree's own recurring billing: what things of ours are called there, what a price must be to
//! be charged there, and how the flow that mirrors the charges is told of a subscription. Named here once, so that no flow
//! has to know another. Decides nothing.

use super::effect::Message;
use super::ids::{Installation, SagaId};
use super::money::Money;
use super::offer::TermUnit;
use chrono::{DateTime, NaiveDate, Utc};
use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The flow that mirrors what Braintree charges by itself.
pub const FLOW: &str = "braintree_recurring";

/// The neutral add-on at Braintree by which a first term costs more than the later ones. Made by hand in the Control Panel:
/// the API lists add-ons and makes none.
pub const FIRST_TERM_MORE: &str = "first-term-more";
/// The neutral discount by which it costs less.
pub const FIRST_TERM_LESS: &str = "first-term-less";

/// The id at Braintree of a subscription of ours.
pub fn id_of(subscription: &str) -> String {
    format!("s-{subscription}")
}

/// The id of the plan at Braintree that gives a subscription its currency and its interval: `billing-eur-1m`.
pub fn plan_id(currency: Currency, months: u32) -> String {
    format!("billing-{}-{months}m", currency.code().to_lowercase())
}

/// How many months a term has; none: Braintree cannot bill by it.
pub const fn months(interval: u32, unit: TermUnit) -> Option<u32> {
    match unit {
        TermUnit::Months => Some(interval),
        TermUnit::Years => interval.checked_mul(12),
        TermUnit::Days | TermUnit::Weeks => None,
    }
}

/// The one stream of a subscription at Braintree.
pub fn stream(recurring: &str) -> SagaId {
    SagaId::derived(FLOW, &[recurring])
}

/// A subscription that Braintree charges from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// Zoho organization id.
    pub organization: String,
    /// Prefix of our references.
    pub installation: Installation,
    /// Our customer id.
    pub customer: String,
    /// Our subscription id.
    pub subscription: String,
    /// Zoho subscription id.
    pub zoho_subscription: String,
    /// Its record in Attio.
    pub record: Option<String>,
    /// Its id at Braintree.
    pub recurring: String,
    /// Day of the next charge (books zone), where Braintree says.
    pub next_charge_on: Option<NaiveDate>,
    /// The first charge, where it was made with the start: booked and recorded by who started it.
    pub charged: Option<String>,
    /// Zoho's invoice that it is for.
    pub invoice: Option<String>,
}

impl Begun {
    /// The stream is told. The same start is the same message.
    pub fn message(&self) -> Message {
        // Texts and days always serialise.
        let begun = serde_json::to_value(self).unwrap_or_default();
        self::message(&self.recurring, "begun", json!({"command": "begun", "begun": begun}), "begun")
    }
}

/// What who ends a subscription says of it, so that an end at Braintree is not taken for somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// It is ended at Braintree, now or with its term.
    Ends,
    /// It goes on after all.
    GoesOn,
}

impl Intent {
    /// The stream is told. The same intent of the same instant (UTC) is the same message.
    pub fn message(self, recurring: &str, at: DateTime<Utc>) -> Message {
        let word = match self {
            Self::Ends => "ends",
            Self::GoesOn => "goes_on",
        };
        let command = json!({"command": "intended", "intent": self});
        message(recurring, word, command, &format!("{word}:{}", at.timestamp_micros()))
    }
}

fn message(recurring: &str, word: &str, command: Value, key: &str) -> Message {
    Message {
        to: stream(recurring),
        flow: FLOW.to_owned(),
        kind: format!("recurring.{word}"),
        command,
        key: format!("{FLOW}:{recurring}:{key}"),
    }
}

/// The difference of a first term to the later ones, as Braintree takes it; none where there is none.
pub fn first_term(first: Money, later: Money) -> Option<super::effect::FirstTerm> {
    use super::effect::{FirstTerm, FirstTermKind};
    let difference = first.minus(later).ok()?;
    let (kind, modification) = match difference.minor {
        0 => return None,
        1.. => (FirstTermKind::AddOn, FIRST_TERM_MORE),
        _ => (FirstTermKind::Discount, FIRST_TERM_LESS),
    };
    let amount = Money::new(difference.minor.saturating_abs(), difference.currency);
    Some(FirstTerm { kind, modification: modification.to_owned(), amount })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::effect::FirstTermKind;
    use crate::kernel::tests::samples::eur;

    #[test]
    fn a_plan_has_one_id_for_each_currency_and_interval() {
        assert_eq!(plan_id(Currency::EUR, 1), "billing-eur-1m");
        assert_eq!(
            months(1, TermUnit::Years).map(|months| plan_id(Currency::USD, months)).as_deref(),
            Some("billing-usd-12m")
        );
        assert_eq!(months(2, TermUnit::Weeks), None, "Braintree bills by months");
    }

    #[test]
    fn a_first_term_differs_by_a_neutral_add_on_or_discount() {
        assert_eq!(first_term(eur(1_000), eur(1_000)), None);
        let of = |first| first_term(eur(first), eur(1_000)).map(|term| (term.kind, term.amount, term.modification));
        assert_eq!(of(1_500), Some((FirstTermKind::AddOn, eur(500), FIRST_TERM_MORE.to_owned())));
        assert_eq!(of(400), Some((FirstTermKind::Discount, eur(600), FIRST_TERM_LESS.to_owned())));
    }
}
