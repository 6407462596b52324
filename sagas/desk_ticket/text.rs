//! What tickets say: one text for each cause, for colleagues. Names nobody, and of a card the last four digits at most,
//! also where a colleague typed more.

use crate::kernel::ids::SagaId;
use crate::kernel::ticket::{Ask, Cause};

/// A run of so many digits can be a card's number or a bank account: it is not passed on.
const LONG: usize = 9;
/// So many of them may be seen.
const SHOWN: usize = 4;

/// What the ticket is about, in a line.
pub(super) fn subject(ask: &Ask) -> String {
    match &ask.cause {
        Cause::Asked { .. } => "Billing: help with a subscription".to_owned(),
        Cause::Exhausted { number, .. } => format!("Billing: invoice {number} stays unpaid"),
    }
}

/// What happened and what to do.
pub(super) fn text(ask: &Ask, saga: SagaId) -> String {
    let what = match &ask.cause {
        Cause::Asked { words } if words.trim().is_empty() => {
            "A colleague asks for help with this customer's subscription, and gave no reason: ask them.".to_owned()
        }
        Cause::Asked { words } => {
            format!("A colleague asks for help with this customer's subscription:\n{}", masked(words.trim()))
        }
        Cause::Exhausted { number, owed, declines, last_four, .. } => {
            let card =
                last_four.as_ref().map(|digits| format!(", the last one of the card ending in {}", masked(digits)));
            format!(
                "Invoice {number} owes {owed}. No attempt to collect it is left: {declines} charge(s) were declined{}. The invoice \
                 stays open.\nWhat to do: agree with the customer on another card or another way to pay; a new card is \
                 charged at once.",
                card.unwrap_or_default()
            )
        }
    };
    let record = ask.about.record.as_ref().map(|record| format!("\nRecord in Attio: {record}"));
    format!("{what}\n\nAsked by {}{}\nFlow: {saga}", ask.by, record.unwrap_or_default())
}

/// Long numbers shortened to their last digits; a digit's neighbours may be blanks and dashes.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars() {
        let joins = c.is_ascii_digit() || (!run.is_empty() && matches!(c, ' ' | '-' | '.'));
        if joins {
            run.push(c);
        } else {
            shorten(&mut out, &run);
            run.clear();
            out.push(c);
        }
    }
    shorten(&mut out, &run);
    out
}

fn shorten(out: &mut String, run: &str) {
    let digits: Vec<char> = run.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < LONG {
        out.push_str(run);
        return;
    }
    out.push('…');
    out.extend(digits.iter().skip(digits.len() - SHOWN));
    // What followed the last digit stood between the number and the next word.
    out.extend(run.chars().rev().take_while(|c| !c.is_ascii_digit()));
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn of_a_long_number_the_last_four_digits_are_left() {
        for (typed, told) in [
            ("card 4111 1111 1111 1111 was charged", "card …1111 was charged"),
            ("4111-1111-1111-1111.", "…1111."),
            ("INV-000123 owes 49.00 EUR since 2026-10-04", "INV-000123 owes 49.00 EUR since 2026-10-04"),
            ("call at 9", "call at 9"),
        ] {
            assert_eq!(masked(typed), told);
        }
    }
}
