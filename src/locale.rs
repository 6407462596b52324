//! Amounts and dates as people of a locale write them. Money stays an integer: digits are moved, nothing is computed.
//!
//! Our own, because no small library fits: `rusty-money` brings its own money type and only three layouts, `num-format`
//! knows neither currencies nor decimals from integers, and `icu` brings more code than the rest of pages and mails.

use chrono::{Datelike, NaiveDate};
use iso_currency::Currency;
use sagas::kernel::money::Money;

/// A language in which customers are addressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Locale {
    /// English.
    En,
    /// German.
    De,
}

const NO_BREAK: char = '\u{a0}';

impl Locale {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::En, Self::De];

    /// The language's tag: `en`, `de`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
        }
    }

    /// The language of a tag (`de-AT` is German, as is `de_AT`), where it is ours.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(language))
    }

    /// The best of ours for an `Accept-Language` header.
    pub fn accepted(header: &str) -> Option<Self> {
        let weighed = header.split(',').filter_map(|entry| {
            let (tag, rest) = entry.split_once(';').unwrap_or((entry, ""));
            let weight = rest.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse::<f32>().ok())?;
            Some((Self::of_tag(tag)?, weight))
        });
        // Of equal weights the first counts.
        let best = weighed.filter(|(_, weight)| *weight > 0.0).reduce(|a, b| if b.1 > a.1 { b } else { a });
        best.map(|(locale, _)| locale)
    }

    /// `€1,234.50` or `1.234,50 €`; currencies without a common sign by their code.
    pub fn money(self, money: Money) -> String {
        let number = self.number(money);
        let sign = if money.minor < 0 { "\u{2212}" } else { "" };
        let code = money.currency.code();
        match (self, symbol(money.currency)) {
            (Self::En, Some(symbol)) => format!("{sign}{symbol}{number}"),
            (Self::En, None) => format!("{sign}{code}{NO_BREAK}{number}"),
            (Self::De, symbol) => format!("{sign}{number}{NO_BREAK}{}", symbol.unwrap_or(code)),
        }
    }

    /// The digits without sign, grouped, with exactly the currency's decimals.
    fn number(self, money: Money) -> String {
        let (group, point) = match self {
            Self::En => (',', '.'),
            Self::De => ('.', ','),
        };
        let decimal = money.decimal();
        let decimal = decimal.trim_start_matches('-');
        let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
        let mut text = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                text.push(group);
            }
            text.push(digit);
        }
        if !fraction.is_empty() {
            text.push(point);
            text.push_str(fraction);
        }
        text
    }

    /// `21 November 2026` or `21. November 2026`.
    pub fn date(self, date: NaiveDate) -> String {
        let month = usize::try_from(date.month0()).unwrap_or_default();
        match self {
            Self::En => format!("{} {} {}", date.day(), ENGLISH[month], date.year()),
            Self::De => format!("{}. {} {}", date.day(), GERMAN[month], date.year()),
        }
    }
}

/// Signs that mean one currency only to readers of both languages.
fn symbol(currency: Currency) -> Option<&'static str> {
    match currency {
        Currency::EUR => Some("€"),
        Currency::USD => Some("$"),
        Currency::GBP => Some("£"),
        Currency::JPY => Some("¥"),
        _ => None,
    }
}

const ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const GERMAN: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_the_locale_writes_them() {
        let both = |minor, currency| Locale::ALL.map(|locale| locale.money(Money::new(minor, currency)));
        assert_eq!(both(4_900, Currency::EUR), ["€49.00", "49,00\u{a0}€"]);
        assert_eq!(both(123_456_789, Currency::USD), ["$1,234,567.89", "1.234.567,89\u{a0}$"]);
        assert_eq!(both(-500, Currency::GBP), ["\u{2212}£5.00", "\u{2212}5,00\u{a0}£"]);
        assert_eq!(both(1_000, Currency::JPY), ["¥1,000", "1.000\u{a0}¥"]);
        assert_eq!(both(7, Currency::CHF), ["CHF\u{a0}0.07", "0,07\u{a0}CHF"]);
        assert_eq!(both(1_234, Currency::KWD), ["KWD\u{a0}1.234", "1,234\u{a0}KWD"]);
    }

    #[test]
    fn the_browsers_first_known_language_is_taken() {
        assert_eq!(Locale::accepted("fr-CH, fr;q=0.9, en;q=0.5, de;q=0.7"), Some(Locale::De));
        assert_eq!(Locale::accepted("de-AT,en"), Some(Locale::De));
        assert_eq!(Locale::accepted("de;q=0, en;q=0.1"), Some(Locale::En));
        assert_eq!(Locale::accepted("fr, *;q=0.1, ;;q=x"), None);
    }

    #[test]
    fn dates_name_the_month() {
        let date = NaiveDate::from_ymd_opt(2026, 3, 1).expect("a date");
        assert_eq!(Locale::ALL.map(|locale| locale.date(date)), ["1 March 2026", "1. März 2026"]);
    }
}
