//! Deals and tags in Zoho CRM: names of stages, tiers of plans, on which writes CRM's workflows run. Whether the pipeline
//! has these stages is not known here.

use clap::{Args, ValueEnum};
use sagas::crm_lifecycle::{Rules, Stages, TierRule, Workflows};
use sagas::kernel::tags::Tier;

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Done.
    On,
    /// Not done.
    Off,
}

/// A list of records in CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CrmList {
    /// Of none of them.
    None,
    /// People.
    Contacts,
    /// Companies.
    Accounts,
    /// Sales.
    Deals,
}

/// Settings of deals and tags, unchecked.
#[derive(Debug, Clone, Args)]
pub struct CrmSettings {
    /// Keep deals and our tags in Zoho CRM
    #[arg(long, env = "CRM_DEALS", value_enum, default_value = "on")]
    pub crm_deals: Switch,
    /// A link that is sent makes an open deal, so that sales follow it up
    #[arg(long, env = "CRM_DEAL_AT_LINK", value_enum, default_value = "off")]
    pub crm_deal_at_link: Switch,
    /// Pipeline of our deals; unset: CRM's default
    #[arg(long, env = "CRM_PIPELINE")]
    pub crm_pipeline: Option<String>,
    /// Stage of a deal that is offered
    #[arg(long, env = "CRM_STAGE_OPEN", default_value = "Proposal/Price Quote")]
    pub crm_stage_open: String,
    /// Stage of a deal that is sold
    #[arg(long, env = "CRM_STAGE_WON", default_value = "Closed Won")]
    pub crm_stage_won: String,
    /// Stage of a deal that nobody bought
    #[arg(long, env = "CRM_STAGE_LOST", default_value = "Closed Lost")]
    pub crm_stage_lost: String,
    /// Stage of a deal whose subscription has ended; unset: it stays won
    #[arg(long, env = "CRM_STAGE_CHURNED")]
    pub crm_stage_churned: Option<String>,
    /// Tier of each plan, for its tag: plan code=tier, a code may end in *; the first that fits counts
    #[arg(long, env = "CRM_PLAN_TIERS", value_delimiter = ',', default_value = "base*=base,plus*=plus,pro*=pro")]
    pub crm_plan_tiers: Vec<String>,
    /// On writes of which lists CRM's own workflows run; on tags they always do
    #[arg(long, env = "CRM_WORKFLOWS", value_enum, value_delimiter = ',', default_value = "deals")]
    pub crm_workflows: Vec<CrmList>,
}

/// Settings of deals and tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CrmConfig {
    /// What the flow goes by.
    pub rules: Rules,
    /// A link makes a deal.
    pub deal_at_link: bool,
}

impl CrmSettings {
    pub(super) fn check(self, faults: &mut Vec<String>) -> CrmConfig {
        let mut tiers = Vec::new();
        for rule in self.crm_plan_tiers.iter().map(|rule| rule.trim()).filter(|rule| !rule.is_empty()) {
            match tier_rule(rule) {
                Ok(rule) => tiers.push(rule),
                Err(why) => faults.push(format!("CRM_PLAN_TIERS: `{rule}`: {why}: expected e.g. pro-monthly=pro")),
            }
        }
        for (name, stage) in [
            ("CRM_STAGE_OPEN", Some(&self.crm_stage_open)),
            ("CRM_STAGE_WON", Some(&self.crm_stage_won)),
            ("CRM_STAGE_LOST", Some(&self.crm_stage_lost)),
            ("CRM_STAGE_CHURNED", self.crm_stage_churned.as_ref()),
            ("CRM_PIPELINE", self.crm_pipeline.as_ref()),
        ] {
            if stage.is_some_and(|stage| stage.trim().is_empty()) {
                faults.push(format!("{name} is empty: expected a name as CRM writes it"));
            }
        }
        let runs = |list| self.crm_workflows.contains(&list);
        let enabled = self.crm_deals == Switch::On;
        let workflows = Workflows {
            contacts: runs(CrmList::Contacts),
            accounts: runs(CrmList::Accounts),
            deals: runs(CrmList::Deals),
        };
        let stages = Stages {
            open: self.crm_stage_open,
            won: self.crm_stage_won,
            lost: self.crm_stage_lost,
            churned: self.crm_stage_churned,
        };
        CrmConfig {
            deal_at_link: enabled && self.crm_deal_at_link == Switch::On,
            rules: Rules { enabled, pipeline: self.crm_pipeline, stages, tiers, workflows },
        }
    }
}

fn tier_rule(rule: &str) -> Result<TierRule, String> {
    let (plan, tier) = rule.split_once('=').ok_or("no `=`")?;
    let (plan, tier) = (plan.trim().to_owned(), tier.trim().to_owned());
    if plan.is_empty() {
        return Err("no plan".to_owned());
    }
    Ok(TierRule { plan, tier: Tier::try_from(tier).map_err(|e| e.to_string())? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        crm: CrmSettings,
    }

    fn check(arguments: &[&str]) -> Result<CrmConfig, Vec<String>> {
        let line = Line::parse_from(["test"].iter().chain(arguments));
        let mut faults = Vec::new();
        let config = line.crm.check(&mut faults);
        if faults.is_empty() { Ok(config) } else { Err(faults) }
    }

    #[test]
    fn what_is_not_set_is_what_the_flow_does_by_itself() {
        let config = check(&[]).expect("no fault");
        assert_eq!((config.rules, config.deal_at_link), (Rules::default(), false));
    }

    #[test]
    fn tiers_stages_and_workflows_are_read() {
        let config = check(&[
            "--crm-plan-tiers=gold=pro, b*=base",
            "--crm-stage-churned=Lost again",
            "--crm-workflows=none",
            "--crm-deal-at-link=on",
        ]);
        let CrmConfig { rules, deal_at_link } = config.expect("no fault");
        let tier = |plan| rules.tier(plan).cloned().map(String::from);
        assert_eq!((tier("gold"), tier("basic"), tier("pro")), (Some("pro".to_owned()), Some("base".to_owned()), None));
        assert_eq!(rules.stages.churned.as_deref(), Some("Lost again"));
        assert!(!rules.workflows.deals && deal_at_link);
    }

    #[test]
    fn every_fault_is_named() {
        let faults = check(&["--crm-plan-tiers=gold,silver=Silver!", "--crm-stage-won= "]).expect_err("faults");
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert!(faults[0].contains("`gold`") && faults[2].starts_with("CRM_STAGE_WON"), "{faults:?}");
    }

    #[test]
    fn what_is_switched_off_makes_no_deal_of_a_link_either() {
        let config = check(&["--crm-deals=off", "--crm-deal-at-link=on"]).expect("no fault");
        assert!(!config.rules.enabled && !config.deal_at_link);
    }
}
