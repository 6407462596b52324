//! The gateway's amounts: decimal text on the wire, integers of minor units within. Never rounds, never uses floats.

/// The largest amount taken, in minor units of the currency.
const LARGEST: i64 = 99_999_999_999;

/// Why an amount was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bad {
    /// Not a plain decimal with at most the currency's number of decimals.
    Format,
    Negative,
    TooLarge,
}

/// Decimals of a currency (ISO 4217 code in capitals).
pub(super) fn decimals(currency: &str) -> u32 {
    match currency {
        "CLP" | "ISK" | "JPY" | "KRW" | "PYG" | "UGX" | "VND" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// Reads an amount of `currency` into minor units. Fewer decimals than the currency has are taken (`10.0`), more are not.
pub(super) fn parse(text: &str, currency: &str) -> Result<i64, Bad> {
    parse_scaled(text, decimals(currency))
}

/// Reads an amount into thousandths, for comparing amounts of several currencies in a search.
pub(super) fn parse_thousandths(text: &str) -> Result<i64, Bad> {
    parse_scaled(text, 3)
}

/// Minor units as thousandths.
pub(super) fn thousandths(minor: i64, currency: &str) -> i64 {
    minor.saturating_mul(10_i64.pow(3 - decimals(currency)))
}

fn parse_scaled(text: &str, scale: u32) -> Result<i64, Bad> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let missing = scale.checked_sub(u32::try_from(fraction.len()).map_err(|_| Bad::Format)?).ok_or(Bad::Format)?;
    if whole.is_empty() || !plain(whole) || !plain(fraction) || digits.ends_with('.') {
        return Err(Bad::Format);
    }
    if negative {
        return Err(Bad::Negative);
    }
    let minor = format!("{whole}{fraction}").parse::<i64>().ok().and_then(|n| n.checked_mul(10_i64.pow(missing)));
    minor.filter(|n| *n <= LARGEST).ok_or(Bad::TooLarge)
}

/// The whole currency units of an amount: what the sandbox's magic amounts go by.
pub(super) fn whole(minor: i64, currency: &str) -> i64 {
    minor / 10_i64.pow(decimals(currency))
}

/// An amount as the gateway writes it: all decimals of the currency, no thousands separator, `-` before a credit.
pub(super) fn show(minor: i64, currency: &str) -> String {
    let places = decimals(currency);
    let unit = 10_i64.pow(places);
    if minor < 0 {
        return format!("-{}", show(-minor, currency));
    }
    if places == 0 {
        return minor.to_string();
    }
    format!("{}.{:0width$}", minor / unit, minor % unit, width = places as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit_of_their_currency() {
        for (text, currency, minor) in [("10.00", "USD", 1000), ("1000", "JPY", 1000), ("1.234", "KWD", 1234)] {
            assert_eq!(parse(text, currency), Ok(minor));
            assert_eq!(show(minor, currency), text);
        }
        assert_eq!(parse("10.0", "EUR"), Ok(1000));
        assert_eq!(show(5, "EUR"), "0.05");
    }

    #[test]
    fn what_is_no_amount_is_refused_with_its_reason() {
        for text in ["", "abc", "1,00", "1.", ".5", "1e2", "10.001", "+1", " 1", "1 "] {
            assert_eq!(parse(text, "USD"), Err(Bad::Format), "{text}");
        }
        assert_eq!(parse("-1.00", "USD"), Err(Bad::Negative));
        assert_eq!(parse("1.5", "JPY"), Err(Bad::Format));
        assert_eq!(parse("99999999999999999999", "USD"), Err(Bad::TooLarge));
    }

    #[test]
    fn amounts_of_all_currencies_compare_by_thousandths() {
        assert_eq!(parse_thousandths("10.5"), Ok(10_500));
        assert_eq!(thousandths(1050, "USD"), 10_500);
        assert_eq!(thousandths(10, "JPY"), 10_000);
    }
}
