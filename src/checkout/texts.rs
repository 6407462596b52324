//! The page's words: one catalog per language, with `{name}` for what is filled in. Words only: no markup, no amounts.

use crate::locale::Locale;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The words of one language, by key.
pub(super) type Texts = BTreeMap<String, String>;

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| catalog(include_str!("texts/en.json")));
static GERMAN: LazyLock<Texts> = LazyLock::new(|| catalog(include_str!("texts/de.json")));

fn catalog(json: &str) -> Texts {
    serde_json::from_str(json).expect("the catalogs are part of the program, and a test reads them")
}

/// All words of a language.
pub(super) fn all(locale: Locale) -> &'static Texts {
    match locale {
        Locale::En => &ENGLISH,
        Locale::De => &GERMAN,
    }
}

/// A text with its gaps filled. A key that a catalog lacks shows as itself; a test renders every one.
pub(super) fn say(locale: Locale, key: &str, gaps: &[(&str, &str)]) -> String {
    let text = all(locale).get(key).map_or(key, String::as_str);
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    // In one pass, so that a customer's name with braces stays a name.
    while let Some((before, after)) = rest.split_once('{') {
        said.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        said.push_str(gaps.iter().find(|(gap, _)| *gap == name).map_or(name, |(_, value)| value));
        rest = after;
    }
    said.push_str(rest);
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(text: &str) -> Vec<&str> {
        let mut names: Vec<_> = text.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn every_language_has_the_same_keys_and_gaps() {
        let english = all(Locale::En);
        for locale in Locale::ALL {
            let other = all(locale);
            assert_eq!(other.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{locale:?}");
            for (key, text) in other {
                assert_eq!(gaps(text), gaps(&english[key]), "{locale:?} {key}");
            }
        }
    }

    #[test]
    fn a_value_with_braces_is_not_filled_again() {
        let text = say(Locale::En, "order_for", &[("customer", "{amount} & Co")]);
        assert!(text.contains("{amount} & Co"), "{text}");
    }
}
