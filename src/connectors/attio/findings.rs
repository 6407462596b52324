//! What setup found and did, for people and for programs. Holds no rule about what is needed.

use serde::Serialize;

/// Objects that Attio's plans allow, people and companies included, as its price list had it in November 2026;
/// Enterprise has no limit.
const PLANS: [(&str, usize); 3] = [("Free", 3), ("Plus", 5), ("Pro", 12)];

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// There, as needed.
    Exists,
    /// Made now.
    Created,
    /// Restored from the archive, or brought in line, now.
    Mended,
    /// Not there.
    Missing,
    /// There, but archived.
    Archived,
    /// There, but not as needed.
    Differs,
}

impl State {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Created => "created",
            Self::Mended => "mended",
            Self::Missing => "missing",
            Self::Archived => "archived",
            Self::Differs => "differs",
        }
    }

    /// Somebody has something to do.
    fn is_open(self) -> bool {
        matches!(self, Self::Missing | Self::Archived | Self::Differs)
    }
}

/// One thing of the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How it stands.
    pub state: State,
    /// Which thing: "attribute `subscriptions.plan` (record-reference)".
    pub what: String,
    /// In what it differs, where it does; else empty.
    pub detail: String,
    /// What a person does about it; empty where there is nothing to do.
    pub cure: String,
}

impl Finding {
    /// A thing that needs no words.
    pub(super) fn new(state: State, what: impl Into<String>) -> Self {
        let cure = match state {
            State::Missing => "run setup: it makes it",
            State::Archived => "run setup: it restores it",
            State::Exists | State::Created | State::Mended | State::Differs => "",
        };
        Self { state, what: what.into(), detail: String::new(), cure: cure.to_owned() }
    }

    pub(super) fn detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    pub(super) fn cure(self, cure: impl Into<String>) -> Self {
        Self { cure: cure.into(), ..self }
    }
}

/// What is known of the number of objects that the workspace may have. Attio tells neither the plan nor its limit; it
/// refuses the first object too many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// Objects that Attio lists, people and companies included.
    pub objects: usize,
    /// Objects of ours that are not among them.
    pub missing: usize,
    /// Attio refused a further one in this run.
    pub refused: bool,
}

impl Quota {
    /// What is known and what is not.
    pub fn sentence(self) -> String {
        let Self { objects, missing, refused } = self;
        let needed = objects + missing;
        let plan = PLANS.iter().find(|(_, limit)| needed <= *limit).map_or("Enterprise", |(name, _)| name);
        let list: Vec<_> = PLANS.iter().map(|(name, limit)| format!("{name} {limit}")).collect();
        let list = format!("{}, Enterprise any number", list.join(", "));
        if missing == 0 {
            format!("{objects} objects in the workspace; no further one is needed")
        } else if refused {
            format!(
                "the workspace's plan allows no more than its {objects} objects, {needed} are needed: the plan {plan} \
                 or a larger one ({list})"
            )
        } else {
            format!(
                "{objects} objects in the workspace, {needed} are needed. Attio does not tell which plan it has; \
                 {needed} fit the plan {plan} or a larger one ({list}). Whether there is room is known when setup asks"
            )
        }
    }
}

/// What setup found and did, in the order in which it was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One a thing.
    pub findings: Vec<Finding>,
    /// The number of objects.
    pub quota: Quota,
    /// What does not work for want of an object.
    pub consequences: Vec<String>,
}

impl Report {
    /// Nothing is left to do.
    pub fn is_clean(&self) -> bool {
        !self.findings.iter().any(|finding| finding.state.is_open())
    }

    /// How many things are in that state.
    pub fn count(&self, state: State) -> usize {
        self.findings.iter().filter(|finding| finding.state == state).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_says_what_is_known_and_what_is_not() {
        let quota = |objects, missing, refused| Quota { objects, missing, refused }.sentence();
        assert_eq!(quota(5, 0, false), "5 objects in the workspace; no further one is needed");
        let unknown = quota(2, 3, false);
        assert!(unknown.contains("does not tell") && unknown.contains("the plan Plus or a larger one"), "{unknown}");
        assert!(quota(10, 3, false).contains("the plan Enterprise"));
        let refused = quota(3, 2, true);
        assert!(refused.contains("no more than its 3 objects, 5 are needed: the plan Plus"), "{refused}");
    }
}
