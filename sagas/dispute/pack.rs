//! What we know that speaks for us, as texts that Braintree takes: ids, amounts and dates from our own books, never a person's
//! data. A person adds the rest (use, letters, addresses), and hands all of it in. Nothing is claimed that is not on record.

use super::state::State;
use crate::kernel::money::Money;

/// Braintree takes no longer texts, in characters.
const LONGEST_TEXT: usize = 500;

/// One text of the pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Braintree's category; absent: a comment.
    pub category: Option<&'static str>,
    /// What is said.
    pub text: String,
}

/// The texts that are known of a dispute; none before the payment is known.
pub fn pack(state: &State) -> Vec<Text> {
    let (Some(payment), Some(shown)) = (&state.payment, &state.shown) else { return Vec::new() };
    let comment = |text: String| Text { category: None, text: text.chars().take(LONGEST_TEXT).collect() };
    let mut texts = vec![comment(format!(
        "Card payment of {} on {} for invoice {}: transaction {}, our reference {}.",
        payment.captured, payment.captured_on, payment.number, payment.transaction, payment.order_id
    ))];
    if let Some(record) = &payment.payment {
        texts.push(comment(format!(
            "The payment is recorded on invoice {} in our billing system (payment {record}); nothing is owed twice for it.",
            payment.number
        )));
    }
    if let Some(subscription) = &payment.subscription {
        texts.push(comment(format!("The invoice is for a term of subscription {subscription}.")));
        texts.push(Text { category: Some("RECURRING_TRANSACTION_ID"), text: payment.transaction.clone() });
    }
    if payment.given_back > 0 {
        let given_back = Money::new(payment.given_back, payment.captured.currency);
        let of = if given_back.minor >= shown.disputed.minor { "All that is disputed" } else { "A part of it" };
        texts.push(comment(format!(
            "{of} has been given back to the same card already: {given_back} of {}.",
            payment.captured
        )));
    }
    if payment.giving_back {
        texts.push(comment("A refund of this payment to the same card was under way when it was disputed.".to_owned()));
    }
    texts
}
