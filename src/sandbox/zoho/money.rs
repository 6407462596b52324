//! Amounts as Zoho writes them: JSON numbers with the currency's decimals, kept as integers of minor units.
//!
//! Refuses floats: text is parsed and written digit by digit.

use serde_json::value::RawValue;

/// A currency of the simulated organisation.
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

/// The currencies switched on in the simulated organisation; the first one is its base currency.
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

impl Currency {
    /// The organisation's own currency, in which plans are priced.
    pub(super) fn base() -> Self {
        CURRENCIES[0]
    }

    /// The currency of this ISO 4217 code, if the organisation has it.
    pub(super) fn find(code: &str) -> Option<Self> {
        CURRENCIES.iter().find(|c| c.code == code).copied()
    }

    /// Minor units of a decimal number such as `60`, `60.5` or `-0.10`. Nothing if it is no plain decimal, has more
    /// significant decimals than the currency, or is too large.
    pub(super) fn parse(self, text: &str) -> Option<i64> {
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !numeric(whole) || !numeric(fraction) {
            return None;
        }
        let places = self.places as usize;
        let significant = fraction.trim_end_matches('0');
        if significant.len() > places {
            return None;
        }
        let minor: i64 = format!("{whole}{significant:0<places$}").parse().ok()?;
        Some(if negative { -minor } else { minor })
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

#[cfg(test)]
mod tests {
    use super::*;

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
