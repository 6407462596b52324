//! What holds for every offer to a customer: the settings that a press of an act takes with it.

use clap::Args;
use sagas::kernel::answer::CollectionOwner;
use sagas::kernel::offer::ppm_of_percent;

/// A link for longer would promise a price that nobody stands for.
const LINK_DAYS: std::ops::RangeInclusive<u32> = 1..=90;

/// Settings of offers, unchecked.
#[derive(Debug, Clone, Args)]
pub struct OfferSettings {
    /// The highest tax that Zoho can add to a price, in percent: where the tax is not known yet, the card is asked for this
    /// much more
    #[arg(long, env = "HIGHEST_TAX_RATE", default_value = "27")]
    pub highest_tax_rate: String,
    /// Days for which the link to a checkout page is good
    #[arg(long, env = "CHECKOUT_LINK_DAYS", default_value = "7")]
    pub checkout_link_days: u32,
    /// Who collects what is sold from now on; what runs stays with who collects it
    #[arg(long, env = "COLLECTION_OWNER", value_enum, default_value = "orchestrator")]
    pub collection_owner: Collector,
}

/// Who can collect a subscription's money, in the words of the setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Collector {
    /// This service charges the vaulted card
    Orchestrator,
    /// Braintree's own recurring billing
    BraintreeRecurring,
    /// Zoho's own gateway
    ZohoNative,
}

impl From<Collector> for CollectionOwner {
    fn from(collector: Collector) -> Self {
        match collector {
            Collector::Orchestrator => Self::Orchestrator,
            Collector::BraintreeRecurring => Self::BraintreeRecurring,
            Collector::ZohoNative => Self::ZohoNative,
        }
    }
}

/// Settings of offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferConfig {
    /// In parts per million.
    pub highest_tax_ppm: u32,
    /// A link is good for so many days.
    pub link_days: u32,
    /// Who collects what is sold.
    pub collected_by: CollectionOwner,
}

impl OfferSettings {
    pub(super) fn check(self, faults: &mut Vec<String>) -> OfferConfig {
        let highest_tax_ppm = ppm_of_percent(&self.highest_tax_rate).filter(|ppm| *ppm <= 1_000_000);
        if highest_tax_ppm.is_none() {
            faults.push(format!(
                "HIGHEST_TAX_RATE ({}) is no rate: expected percent from 0 to 100 with at most four decimals, e.g. 27",
                self.highest_tax_rate
            ));
        }
        if !LINK_DAYS.contains(&self.checkout_link_days) {
            faults.push(format!(
                "CHECKOUT_LINK_DAYS ({}) is out of range: expected {} to {}",
                self.checkout_link_days,
                LINK_DAYS.start(),
                LINK_DAYS.end()
            ));
        }
        OfferConfig {
            highest_tax_ppm: highest_tax_ppm.unwrap_or_default(),
            link_days: self.checkout_link_days,
            collected_by: self.collection_owner.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_of_an_offer_is_named() {
        let mut faults = Vec::new();
        let settings = OfferSettings {
            highest_tax_rate: "101".to_owned(),
            checkout_link_days: 0,
            collection_owner: Collector::Orchestrator,
        };
        settings.check(&mut faults);
        let names = ["HIGHEST_TAX_RATE (101)", "CHECKOUT_LINK_DAYS (0)"];
        for (fault, name) in faults.iter().zip(names) {
            assert!(fault.starts_with(name), "{fault}");
        }
        assert_eq!(faults.len(), names.len());
    }
}
