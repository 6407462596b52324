//! The tags by which Zoho CRM sorts customers: the whole taxonomy as data. Only tags with our prefixes are ours; whatever
//! else is on a record stays.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// CRM takes no longer tag.
const LONGEST: usize = 25;

const LIFECYCLE: &str = "lifecycle-";
const PLAN: &str = "plan-";
const SOURCE: &str = "source-";
const COMPLIANCE: &str = "compliance-";

/// Every tag that is agreed with the people who work in CRM. Tiers and sources of later catalogs come on top.
pub const AGREED: [&str; 11] = [
    "lifecycle-trial",
    "lifecycle-active",
    "lifecycle-churned",
    "plan-base",
    "plan-plus",
    "plan-pro",
    "source-website",
    "source-whatsapp",
    "source-referral",
    "compliance-gdpr",
    "compliance-ccpa",
];

/// A word that no tag can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{word}` makes no tag with `{prefix}`: expected 1 to {} small letters, digits or hyphens",
    LONGEST - prefix.len()
)]
pub struct NoTag {
    word: String,
    prefix: &'static str,
}

/// How far a customer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    Trial,
    Active,
    Churned,
}

/// A law that a customer's data are under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compliance {
    Gdpr,
    Ccpa,
}

/// A tier of plans: `base`, `plus`, `pro` …
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tier(String);

/// Where a customer came from: `website`, `whatsapp`, `referral` …
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LeadSource(String);

/// What our tags on a record shall be; a kind that is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tags {
    /// One.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<Lifecycle>,
    /// All of them; an empty list takes every tier off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<Tier>>,
    /// One.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<LeadSource>,
    /// All of them; an empty list takes every one off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compliance: Option<Vec<Compliance>>,
}

fn word(word: &str, prefix: &'static str) -> Result<String, NoTag> {
    let small = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if word.is_empty() || prefix.len() + word.len() > LONGEST || !word.chars().all(small) {
        return Err(NoTag { word: word.to_owned(), prefix });
    }
    Ok(word.to_owned())
}

impl TryFrom<String> for Tier {
    type Error = NoTag;

    fn try_from(text: String) -> Result<Self, NoTag> {
        word(&text, PLAN).map(Self)
    }
}

impl From<Tier> for String {
    fn from(tier: Tier) -> Self {
        tier.0
    }
}

impl TryFrom<String> for LeadSource {
    type Error = NoTag;

    fn try_from(text: String) -> Result<Self, NoTag> {
        word(&text, SOURCE).map(Self)
    }
}

impl LeadSource {
    /// What people type, as the word of a tag: `Website` is `website`, `Cold call` is `cold-call`; none: it makes no tag.
    pub fn typed(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split_whitespace().map(str::to_lowercase).collect();
        Self::try_from(words.join("-")).ok()
    }

    /// Those that are agreed with the people who work in CRM.
    pub fn agreed() -> Vec<Self> {
        AGREED.iter().filter_map(|tag| Self::try_from(tag.strip_prefix(SOURCE)?.to_owned()).ok()).collect()
    }
}

impl From<LeadSource> for String {
    fn from(source: LeadSource) -> Self {
        source.0
    }
}

impl Lifecycle {
    /// The tag itself.
    pub fn tag(self) -> String {
        format!("{LIFECYCLE}{}", self.word())
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Active => "active",
            Self::Churned => "churned",
        }
    }
}

impl Compliance {
    /// As the data model in Attio writes it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Gdpr => "GDPR",
            Self::Ccpa => "CCPA",
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Gdpr => "gdpr",
            Self::Ccpa => "ccpa",
        }
    }
}

impl Tags {
    /// All tags that shall be on the record, given those that are: others' and those of a kind that is not named stay.
    pub fn on<'a>(&self, present: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let kinds = [
            (LIFECYCLE, self.lifecycle.map(|one| vec![one.word()])),
            (PLAN, self.tiers.as_ref().map(|all| all.iter().map(|tier| tier.0.as_str()).collect())),
            (SOURCE, self.source.as_ref().map(|one| vec![one.0.as_str()])),
            (COMPLIANCE, self.compliance.as_ref().map(|all| all.iter().map(|law| law.word()).collect())),
        ];
        let replaced = |tag: &str| kinds.iter().any(|(prefix, words)| words.is_some() && tag.starts_with(prefix));
        let kept = present.into_iter().filter(|tag| !replaced(tag)).map(str::to_owned);
        let named = kinds.iter().filter_map(|(prefix, words)| Some((prefix, words.as_ref()?)));
        let ours = named.flat_map(|(prefix, words)| words.iter().map(move |word| format!("{prefix}{word}")));
        kept.chain(ours).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tier(text: &str) -> Result<Tier, NoTag> {
        Tier::try_from(text.to_owned())
    }

    fn set(tags: &[&str]) -> BTreeSet<String> {
        tags.iter().map(|&tag| tag.to_owned()).collect()
    }

    #[test]
    fn a_kind_that_is_named_is_replaced_and_all_else_stays() {
        let tags = Tags {
            lifecycle: Some(Lifecycle::Active),
            tiers: Some(vec![tier("pro").expect("a tier"), tier("plus").expect("a tier")]),
            ..Tags::default()
        };
        let present = ["VIP", "lifecycle-trial", "plan-base", "source-website", "plans for 2027"];
        let wanted = ["VIP", "lifecycle-active", "plan-plus", "plan-pro", "plans for 2027", "source-website"];
        assert_eq!(tags.on(present), set(&wanted));
    }

    #[test]
    fn an_empty_list_takes_all_of_its_kind_off() {
        let churned = Tags { lifecycle: Some(Lifecycle::Churned), tiers: Some(Vec::new()), ..Tags::default() };
        assert_eq!(churned.on(["plan-pro", "lifecycle-active"]), set(&["lifecycle-churned"]));
    }

    #[test]
    fn every_agreed_tag_can_be_written() {
        let law = |word: &str| if word == "gdpr" { Compliance::Gdpr } else { Compliance::Ccpa };
        let stage = |word: &str| match word {
            "trial" => Lifecycle::Trial,
            "active" => Lifecycle::Active,
            _ => Lifecycle::Churned,
        };
        for agreed in AGREED {
            let (kind, word) = agreed.split_once('-').expect("a prefix");
            let tags = match kind {
                "lifecycle" => Tags { lifecycle: Some(stage(word)), ..Tags::default() },
                "plan" => Tags { tiers: Some(vec![tier(word).expect("a tier")]), ..Tags::default() },
                "source" => Tags { source: LeadSource::try_from(word.to_owned()).ok(), ..Tags::default() },
                _ => Tags { compliance: Some(vec![law(word)]), ..Tags::default() },
            };
            assert_eq!(tags.on([]), set(&[agreed]));
            assert!(agreed.len() <= LONGEST, "{agreed}");
        }
    }

    #[test]
    fn what_people_type_is_brought_into_the_form_of_a_tag_or_is_none() {
        let typed = |text: &str| LeadSource::typed(text).map(String::from);
        assert_eq!(typed(" Website "), Some("website".to_owned()));
        assert_eq!(typed("Cold  call"), Some("cold-call".to_owned()));
        for odd in ["", "  ", "Größe", "a friend of the owner"] {
            assert_eq!(typed(odd), None, "{odd}");
        }
        assert_eq!(LeadSource::agreed().len(), 3);
        assert_eq!(Lifecycle::Active.tag(), "lifecycle-active");
    }

    #[test]
    fn a_word_that_is_too_long_or_oddly_written_is_no_tag() {
        assert!(tier("abcdefghijklmnopqrst").is_ok());
        for odd in ["", "abcdefghijklmnopqrstu", "Pro", "pro max", "größe"] {
            assert!(tier(odd).is_err(), "{odd}");
        }
        let said = LeadSource::try_from("nineteen-characters".to_owned()).expect_err("too long").to_string();
        assert!(said.contains("1 to 18 small letters"), "{said}");
        assert!(serde_json::from_str::<Tier>("\"Pro\"").is_err(), "read from the log it is checked too");
    }
}
