//! What holds for every sign-up: which product is tried, for how long, and of which lead sources a tag is made.

use clap::Args;
use sagas::kernel::tags::LeadSource;

/// A trial for longer is a gift.
const TRIAL_DAYS: std::ops::RangeInclusive<u32> = 1..=365;

/// Settings of sign-ups, unchecked.
#[derive(Debug, Clone, Args)]
pub struct SignUpSettings {
    /// Zoho product id (the plan family) that is tried where a sign-up names none; unset: each has to
    #[arg(long, env = "TRIAL_PRODUCT")]
    pub trial_product: Option<String>,
    /// Days for which a trial without a card runs where a sign-up says nothing else
    #[arg(long, env = "TRIAL_DAYS", default_value = "14")]
    pub trial_days: u32,
    /// Days before a trial's end at which the CRM team is told; 0: not at all
    #[arg(long, env = "TRIAL_NOTICE_DAYS", default_value = "3")]
    pub trial_notice_days: u32,
    /// Lead sources of which a tag is made in Zoho CRM, separated by commas
    #[arg(long, env = "LEAD_SOURCES", default_value = "website,whatsapp,referral")]
    pub lead_sources: String,
}

/// Settings of sign-ups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpConfig {
    /// Zoho product id that is tried where a sign-up names none.
    pub product: Option<String>,
    /// A trial runs so many days.
    pub days: u32,
    /// It is told so many days before its end.
    pub notice_days: u32,
    /// Lead sources of which a tag is made.
    pub sources: Vec<LeadSource>,
}

impl SignUpSettings {
    pub(super) fn check(self, faults: &mut Vec<String>) -> SignUpConfig {
        if !TRIAL_DAYS.contains(&self.trial_days) {
            let (first, last) = (TRIAL_DAYS.start(), TRIAL_DAYS.end());
            faults.push(format!("TRIAL_DAYS ({}) is out of range: expected {first} to {last}", self.trial_days));
        }
        if self.trial_notice_days > *TRIAL_DAYS.end() {
            let days = self.trial_notice_days;
            faults.push(format!("TRIAL_NOTICE_DAYS ({days}) is out of range: expected 0 to {}", TRIAL_DAYS.end()));
        }
        let mut sources = Vec::new();
        for word in self.lead_sources.split(',').filter(|word| !word.trim().is_empty()) {
            match LeadSource::try_from(word.trim().to_owned()) {
                Ok(source) => sources.push(source),
                Err(error) => faults.push(format!("LEAD_SOURCES: {error}")),
            }
        }
        let product = self.trial_product.filter(|product| !product.trim().is_empty());
        if product.as_ref().is_some_and(|id| id.len() > 32 || !id.bytes().all(|b| b.is_ascii_digit())) {
            faults.push("TRIAL_PRODUCT is no product id of Zoho's: expected 1 to 32 digits".to_owned());
        }
        SignUpConfig { product, days: self.trial_days, notice_days: self.trial_notice_days, sources }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> SignUpSettings {
        SignUpSettings {
            trial_product: None,
            trial_days: 14,
            trial_notice_days: 3,
            lead_sources: "website, cold-call,".to_owned(),
        }
    }

    #[test]
    fn every_fault_of_sign_ups_is_named() {
        let mut faults = Vec::new();
        let wrong = SignUpSettings {
            trial_product: Some("pro".to_owned()),
            trial_days: 0,
            trial_notice_days: 400,
            lead_sources: "Website".to_owned(),
        };
        wrong.check(&mut faults);
        let names = ["TRIAL_DAYS (0)", "TRIAL_NOTICE_DAYS (400)", "LEAD_SOURCES: `Website`", "TRIAL_PRODUCT"];
        for (fault, name) in faults.iter().zip(names) {
            assert!(fault.starts_with(name), "{fault}");
        }
        assert_eq!(faults.len(), 4);
    }

    #[test]
    fn lead_sources_are_read_one_by_one() {
        let mut faults = Vec::new();
        let config = settings().check(&mut faults);
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(config.sources.into_iter().map(String::from).collect::<Vec<_>>(), ["website", "cold-call"]);
    }
}
