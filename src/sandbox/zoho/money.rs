//! Amounts as Zoho writes them: JSON numbers with the currency's decimals, kept as integers of minor units.
//!
//! Refuses floats: text is parsed and written digit by digit.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A currency of the simulated organisation; in settings, its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Currency {
    /// ISO 4217 code.
    pub(super) code: &'static str,
    pub(super) symbol: &'static str,
    /// Decimals, Zoho's `price_precision`.
    pub(super) places: u32,
}

const fn currency(code: &'static str, symbol: &'static str, places: u32) -> Currency {
    Currency { code, symbol, places }
}

/// The currencies switched on in the simulated organisation; the first one is its base currency by default.
const CURRENCIES: &[Currency] = &[
    currency("USD", "$", 2),
    currency("EUR", "€", 2),
    currency("GBP", "£", 2),
    currency("CHF", "CHF", 2),
    currency("CAD", "$", 2),
    currency("AUD", "$", 2),
    currency("NZD", "$", 2),
    currency("SGD", "$", 2),
    currency("HKD", "$", 2),
    currency("INR", "₹", 2),
    currency("CNY", "¥", 2),
    currency("SEK", "kr", 2),
    currency("NOK", "kr", 2),
    currency("DKK", "kr", 2),
    currency("PLN", "zł", 2),
    currency("CZK", "Kč", 2),
    currency("HUF", "Ft", 2),
    currency("MXN", "$", 2),
    currency("BRL", "R$", 2),
    currency("ZAR", "R", 2),
    currency("AED", "AED", 2),
    currency("SAR", "SR", 2),
    currency("ILS", "₪", 2),
    currency("TRY", "₺", 2),
    currency("JPY", "¥", 0),
    currency("KRW", "₩", 0),
    currency("CLP", "$", 0),
    currency("ISK", "kr", 0),
    currency("VND", "₫", 0),
    currency("KWD", "KWD", 3),
    currency("BHD", "BHD", 3),
    currency("JOD", "JOD", 3),
    currency("OMR", "OMR", 3),
    currency("TND", "TND", 3),
];

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::find(&code).ok_or_else(|| D::Error::custom(format!("`{code}` is no currency of the sandbox")))
    }
}

impl Currency {
    /// The base currency of an organisation whose settings name no other.
    pub(super) const DEFAULT: Self = CURRENCIES[0];

    /// The currency of this ISO 4217 code, if the organisation has it.
    pub(super) fn find(code: &str) -> Option<Self> {
        CURRENCIES.iter().find(|c| c.code == code).copied()
    }

    /// Minor units of a decimal number such as `60`, `60.5` or `-0.10`. Nothing if it is no plain decimal, has more
    /// significant decimals than the currency, or is too large.
    pub(super) fn parse(self, text: &str) -> Option<i64> {
        scaled(text, self.places as usize)
    }

    /// The amount as decimal text, with all of the currency's decimals.
    pub(super) fn text(self, minor: i64) -> String {
        let sign = if minor < 0 { "-" } else { "" };
        let places = self.places as usize;
        let digits = format!("{:0>width$}", minor.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        if places == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    /// The amount as a JSON number, with all of the currency's decimals.
    pub(super) fn number(self, minor: i64) -> Box<RawValue> {
        RawValue::from_string(self.text(minor)).expect("a decimal number is JSON")
    }
}

/// A plain decimal as an integer of its last of so many places; nothing if it has more significant ones.
fn scaled(text: &str, places: usize) -> Option<i64> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !numeric(whole) || !numeric(fraction) {
        return None;
    }
    let significant = fraction.trim_end_matches('0');
    if significant.len() > places {
        return None;
    }
    let magnitude: i64 = format!("{whole}{significant:0<places$}").parse().ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// The part of an amount that `part` is of `whole`, rounded half away from zero. `whole` is above zero.
pub(super) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let whole = i128::from(whole.max(1));
    let twice = i128::from(amount) * i128::from(part) * 2;
    let rounded = (twice.abs() + whole) / (2 * whole) * twice.signum();
    i64::try_from(rounded).unwrap_or(amount)
}

/// A percentage from 0 to 100, to four decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Percent {
    /// Ten-thousandths of a percent.
    parts: i64,
}

impl Percent {
    const PLACES: usize = 4;
    const WHOLE: i64 = 1_000_000;

    /// Reads `19` or `7.7`; nothing if it is no percentage.
    pub(super) fn parse(text: &str) -> Option<Self> {
        scaled(text, Self::PLACES).filter(|parts| (0..=Self::WHOLE).contains(parts)).map(|parts| Self { parts })
    }

    /// So much of an amount of minor units, rounded half away from zero.
    pub(super) fn of(self, amount: i64) -> i64 {
        share(amount, self.parts, Self::WHOLE)
    }

    /// The percentage as a JSON number, without needless decimals.
    pub(super) fn number(self) -> Box<RawValue> {
        let digits = format!("{:0>width$}", self.parts, width = Self::PLACES + 1);
        let (whole, fraction) = digits.split_at(digits.len() - Self::PLACES);
        let text = format!("{whole}.{fraction}");
        let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
        RawValue::from_string(text).expect("a decimal number is JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_exact_to_four_decimals_and_rounds_half_up() {
        for (text, amount, part) in [("19", 4900, 931), ("7.7", 1005, 77), ("50", 5, 3), ("100", 333, 333), ("0", 9, 0)]
        {
            let percent = Percent::parse(text).unwrap();
            assert_eq!((percent.of(amount), percent.number().get()), (part, text));
        }
        assert_eq!(Percent::parse("8.1250").unwrap().number().get(), "8.125");
        for wrong in ["100.01", "-1", "8.12345", "x"] {
            assert_eq!(Percent::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn amounts_keep_every_decimal_of_their_currency() {
        for (code, minor, text) in [
            ("USD", 6000, "60.00"),
            ("USD", 5, "0.05"),
            ("USD", -1999, "-19.99"),
            ("JPY", 1000, "1000"),
            ("KWD", 1250, "1.250"),
            ("USD", 900_719_925_474_099_301, "9007199254740993.01"),
        ] {
            let currency = Currency::find(code).unwrap();
            assert_eq!(currency.text(minor), text);
            assert_eq!(currency.parse(text), Some(minor));
        }
    }

    #[test]
    fn an_amount_with_more_decimals_than_its_currency_is_no_amount() {
        let [usd, jpy] = ["USD", "JPY"].map(|code| Currency::find(code).unwrap());
        assert_eq!(usd.parse("1.500"), Some(150));
        for wrong in ["1.005", "1e2", "", ".", "1.", ".5", "1,00", "NaN", "--1", "99999999999999999999"] {
            assert_eq!(usd.parse(wrong), None, "{wrong}");
        }
        assert_eq!(jpy.parse("10.5"), None);
    }
}
