//! Money: an integer of minor units and its ISO 4217 currency. No floats, no rounding: text that is not exactly an
//! amount of that currency is refused.

use iso_currency::Currency;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in minor units (cents) of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units; negative where a movement goes the other way.
    pub minor: i64,
    /// ISO 4217 currency.
    pub currency: Currency,
}

/// Why a text is no amount, in words for a person.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a plain decimal number.
    #[error("`{0}` is no decimal amount: expected digits, at most one point, e.g. 49.00")]
    NotDecimal(String),
    /// More decimals than the currency has.
    #[error("`{text}` has more decimals than {currency} has ({allowed})")]
    TooPrecise {
        /// The text as it came.
        text: String,
        /// The currency's code.
        currency: &'static str,
        /// How many decimals it has.
        allowed: u32,
    },
    /// Beyond what 64 bits of minor units hold.
    #[error("`{0}` is too large for an amount")]
    TooLarge(String),
    /// Two currencies met in one sum.
    #[error("cannot add {0} and {1}")]
    Mixed(&'static str, &'static str),
    /// No such currency.
    #[error("`{0}` is no ISO 4217 currency code")]
    UnknownCurrency(String),
}

impl Money {
    /// An amount of minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in that currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Reads a decimal as vendors write it (`49`, `49.0`, `49.00`, `-3.5`). Trailing zeros beyond the currency's
    /// decimals are accepted (they change nothing), other excess decimals are not.
    ///
    /// # Errors
    /// The text is no decimal, too precise for the currency, or too large.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let not_decimal = || MoneyError::NotDecimal(text.chars().take(40).collect());
        let places = currency_places(currency);
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) || (digits.contains('.') && fraction.is_empty()) {
            return Err(not_decimal());
        }
        let kept = fraction.trim_end_matches('0');
        if kept.len() > places as usize {
            return Err(MoneyError::TooPrecise { text: text.to_owned(), currency: currency.code(), allowed: places });
        }
        let mut all = String::with_capacity(whole.len() + places as usize);
        all.push_str(whole);
        all.push_str(kept);
        all.extend(std::iter::repeat_n('0', places as usize - kept.len()));
        let minor: i64 = all.parse().map_err(|_| MoneyError::TooLarge(text.to_owned()))?;
        Ok(Self::new(if negative { -minor } else { minor }, currency))
    }

    /// The canonical decimal text with exactly the currency's decimals, without the code (`49.00`, JPY `1000`).
    pub fn decimal(self) -> String {
        let places = currency_places(self.currency) as usize;
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = self.minor.unsigned_abs().to_string();
        if places == 0 {
            return format!("{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at(padded.len() - places);
        format!("{sign}{whole}.{fraction}")
    }

    /// The sum, if the currencies agree and it fits.
    ///
    /// # Errors
    /// Two currencies, or beyond 64 bits.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Mixed(self.currency.code(), other.currency.code()));
        }
        let minor =
            self.minor.checked_add(other.minor).ok_or_else(|| MoneyError::TooLarge(format!("{self} + {other}")))?;
        Ok(Self::new(minor, self.currency))
    }

    /// The difference, if the currencies agree and it fits.
    ///
    /// # Errors
    /// Two currencies, or beyond 64 bits.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.plus(other.negated())
    }

    /// The same amount the other way.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self::new(-self.minor, self.currency)
    }

    /// More than nothing.
    pub const fn is_positive(self) -> bool {
        self.minor > 0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.decimal(), self.currency.code())
    }
}

/// How many decimals a currency has; the few codes without minor units (metals, test codes) count as 0.
pub fn currency_places(currency: Currency) -> u32 {
    currency.exponent().map_or(0, u32::from)
}

/// Reads an ISO 4217 code.
///
/// # Errors
/// No such currency.
pub fn currency(code: &str) -> Result<Currency, MoneyError> {
    Currency::from_code(code).ok_or_else(|| MoneyError::UnknownCurrency(code.chars().take(8).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        let eur = |t| Money::parse(t, Currency::EUR).map(|m| m.minor);
        assert_eq!(eur("49"), Ok(4900));
        assert_eq!(eur("49.5"), Ok(4950));
        assert_eq!(eur("49.000"), Ok(4900));
        assert_eq!(eur("-0.01"), Ok(-1));
        for bad in ["", ".", "1.", ".5", "1e3", "1,00", "+1", "--1", " 1", "1.001", "NaN", "99999999999999999999"] {
            assert!(eur(bad).is_err(), "{bad:?} was accepted");
        }
        assert_eq!(Money::parse("1000", Currency::JPY).map(|m| m.minor), Ok(1000));
        assert!(Money::parse("1000.5", Currency::JPY).is_err());
        assert_eq!(Money::parse("1.234", Currency::KWD).map(|m| m.minor), Ok(1234));
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for (minor, currency, text) in [
            (0, Currency::EUR, "0.00"),
            (5, Currency::EUR, "0.05"),
            (-105, Currency::EUR, "-1.05"),
            (7, Currency::JPY, "7"),
            (1234, Currency::KWD, "1.234"),
        ] {
            let money = Money::new(minor, currency);
            assert_eq!(money.decimal(), text);
            assert_eq!(Money::parse(text, currency), Ok(money));
        }
    }
}
