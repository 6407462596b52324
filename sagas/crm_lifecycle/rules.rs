//! What those who run an installation set for deals and tags: names of stages, tiers of plans, whose workflows run. Read
//! anew before each writing, so that a change holds for what is written next.

use crate::kernel::tags::Tier;
use serde::{Deserialize, Serialize};

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rules {
    /// Deals and tags are kept at all.
    pub enabled: bool,
    /// The pipeline of our deals, as CRM writes it; absent: CRM's default.
    pub pipeline: Option<String>,
    /// Names of its stages.
    pub stages: Stages,
    /// Which plans are of which tier; the first that fits counts.
    pub tiers: Vec<TierRule>,
    /// On which of our writes CRM's own workflows run. Tags have no say in it: CRM always runs them.
    pub workflows: Workflows,
}

/// Names of stages, as CRM writes them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stages {
    /// Offered, not yet sold.
    pub open: String,
    /// Sold.
    pub won: String,
    /// Offered, and not sold.
    pub lost: String,
    /// Sold, and ended since; absent: the stage stays.
    pub churned: Option<String>,
}

/// The tier of some plans.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierRule {
    /// A plan code, or the beginning of some with a `*` behind it.
    pub plan: String,
    /// Their tier.
    pub tier: Tier,
}

/// On which writes CRM's workflows run, per list of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Workflows {
    /// Of a contact, which carries our id.
    pub contacts: bool,
    /// Of an account, which carries our id.
    pub accounts: bool,
    /// Of a deal, which carries the stage.
    pub deals: bool,
}

impl Default for Rules {
    fn default() -> Self {
        // The tiers that are agreed with the people who work in CRM, by the beginning of a plan's code.
        let tiers = ["base", "plus", "pro"].into_iter().filter_map(|word| {
            let tier = Tier::try_from(word.to_owned()).ok()?;
            Some(TierRule { plan: format!("{word}*"), tier })
        });
        Self {
            enabled: true,
            pipeline: None,
            stages: Stages::default(),
            tiers: tiers.collect(),
            workflows: Workflows::default(),
        }
    }
}

impl Default for Stages {
    fn default() -> Self {
        // The stages that every organization of CRM begins with.
        Self {
            open: "Proposal/Price Quote".to_owned(),
            won: "Closed Won".to_owned(),
            lost: "Closed Lost".to_owned(),
            churned: None,
        }
    }
}

impl Default for Workflows {
    fn default() -> Self {
        Self { contacts: false, accounts: false, deals: true }
    }
}

impl Rules {
    /// The tier of a plan, by its code.
    pub fn tier(&self, plan: &str) -> Option<&Tier> {
        let fits = |rule: &&TierRule| match rule.plan.strip_suffix('*') {
            Some(beginning) => plan.starts_with(beginning),
            None => plan == rule.plan,
        };
        self.tiers.iter().find(fits).map(|rule| &rule.tier)
    }
}
