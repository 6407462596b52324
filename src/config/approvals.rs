//! Which of the operators' verbs need a second person.

use super::Environment;
use clap::Args;
use sagas::kernel::verb::Verb;
use std::collections::BTreeSet;

/// Whether a second person is asked for at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Approvals {
    /// The verbs of `APPROVAL_VERBS` wait for a second person.
    Required,
    /// One person orders; the record says that nobody approved.
    Off,
}

/// The settings as they come.
#[derive(Debug, Clone, Default, Args)]
pub struct ApprovalSettings {
    /// Whether some of the operators' verbs need a second person; unset: off in demo and test, else required
    #[arg(long, env = "APPROVALS", value_enum)]
    pub approvals: Option<Approvals>,
    /// Which verbs need one; unset: skip, compensate, abandon, declare-done, declare-not-done
    #[arg(long, env = "APPROVAL_VERBS", value_delimiter = ',')]
    pub approval_verbs: Vec<String>,
}

/// The verbs that decide about money or leave something undone.
const USUAL: [&str; 5] = ["skip", "compensate", "abandon", "declare-done", "declare-not-done"];

impl ApprovalSettings {
    /// The verbs that need a second person.
    pub(super) fn check(self, environment: Environment, faults: &mut Vec<String>) -> BTreeSet<String> {
        let named = self.approval_verbs.iter().map(|word| word.trim()).filter(|word| !word.is_empty());
        let mut verbs: BTreeSet<String> = named.map(str::to_owned).collect();
        for word in verbs.iter().filter(|word| !Verb::WORDS.contains(&word.as_str())) {
            faults.push(format!("APPROVAL_VERBS: `{word}` is no verb: expected some of {}", Verb::WORDS.join(", ")));
        }
        if verbs.is_empty() {
            verbs = USUAL.map(str::to_owned).into();
        }
        let usual = if environment.is_show() { Approvals::Off } else { Approvals::Required };
        match self.approvals.unwrap_or(usual) {
            Approvals::Required => verbs,
            Approvals::Off => BTreeSet::new(),
        }
    }
}
