//! How the company shows itself to its customers, in mails and on pages: name, colour, logo, language. Values only: it
//! renders nothing.

pub use crate::locale::Locale;
use std::fmt;
use std::str::FromStr;
use url::Url;

/// The company as its customers see it.
#[derive(Debug, Clone)]
pub struct Brand {
    /// The company's name.
    pub name: String,
    /// Where customers get help: an e-mail address.
    pub support_email: String,
    /// Of buttons and accents.
    pub colour: Colour,
    /// An image over https; absent: the name is written instead.
    pub logo: Option<Url>,
    /// For customers whose language is not known.
    pub locale: Locale,
}

/// A colour of sRGB, written `#rrggbb`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// What is no `#rrggbb`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no colour: expected # and six hexadecimal digits, e.g. #1d4ed8")]
pub struct NoColour(String);

impl FromStr for Colour {
    type Err = NoColour;

    fn from_str(text: &str) -> Result<Self, NoColour> {
        let digits = text.strip_prefix('#').and_then(|digits| hex::decode(digits).ok());
        match digits.as_deref() {
            Some(&[red, green, blue]) => Ok(Self { red, green, blue }),
            _ => Err(NoColour(text.to_owned())),
        }
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

impl Colour {
    const BLACK: Self = Self { red: 0, green: 0, blue: 0 };
    const WHITE: Self = Self { red: 255, green: 255, blue: 255 };

    /// Black or white, whichever reads better on this colour (the contrast ratio of WCAG 2.2).
    #[must_use]
    pub fn readable_text(self) -> Self {
        // (L + 0.05) / 0.05 against black and 1.05 / (L + 0.05) against white are equal where L is about 0.179.
        if self.luminance() > 0.179 { Self::BLACK } else { Self::WHITE }
    }

    /// Relative luminance by WCAG 2.2, from 0 to 1.
    fn luminance(self) -> f64 {
        let linear = |channel: u8| {
            let share = f64::from(channel) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_on_the_brand_colour_is_the_one_that_can_be_read() {
        for (colour, text) in
            [("#1d4ed8", "#ffffff"), ("#000000", "#ffffff"), ("#ffd400", "#000000"), ("#FFFFFF", "#000000")]
        {
            assert_eq!(colour.parse::<Colour>().expect("a colour").readable_text().to_string(), text, "{colour}");
        }
    }

    #[test]
    fn what_could_break_out_of_a_style_is_no_colour() {
        for text in ["", "red", "1d4ed8", "#1d4ed", "#1d4ed8;", "#1d4ed8\"", "#gggggg", "#ääää"] {
            assert!(text.parse::<Colour>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_language_tag_is_read_by_its_language() {
        assert_eq!(Locale::of_tag("de-AT"), Some(Locale::De));
        assert_eq!(Locale::of_tag("EN_gb"), Some(Locale::En));
        assert_eq!(Locale::of_tag("fr"), None);
    }
}
