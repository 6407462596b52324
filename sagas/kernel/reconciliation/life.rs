//! What becomes of a finding: it opens, is seen again, ends by itself when both sides agree, or is set aside by a person, until
//! what it says changes.

use serde::{Deserialize, Serialize};

/// How a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nobody has seen to it.
    Open,
    /// A person set it aside, with a reason: it stays so while both sides say what they said then.
    Ignored,
    /// A person says that it is seen to: seen again, it is open again.
    Settled,
    /// Both sides agree by now.
    Resolved,
}

impl Standing {
    /// Every way to stand.
    pub const ALL: [Self; 4] = [Self::Open, Self::Ignored, Self::Settled, Self::Resolved];

    /// The word in tables and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ignored => "ignored",
            Self::Settled => "settled",
            Self::Resolved => "resolved",
        }
    }

    /// The one of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|standing| standing.as_str() == word)
    }
}

/// What a run makes of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new.
    Opened,
    /// It was over or set aside, and is there again.
    Reopened,
    /// It stands as before, and says something else.
    Changed,
    /// It stands as before.
    SeenAgain,
}

impl Change {
    /// The word in tables and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Changed => "changed",
            Self::SeenAgain => "seen_again",
        }
    }
}

/// A run sees it: what changes, and how it stands from then on. `before`: how it stood, and whether both sides say the same
/// as when they were seen last.
pub fn seen(before: Option<(Standing, bool)>) -> (Change, Standing) {
    match before {
        None => (Change::Opened, Standing::Open),
        Some((Standing::Open, true)) => (Change::SeenAgain, Standing::Open),
        Some((Standing::Open, false)) => (Change::Changed, Standing::Open),
        Some((Standing::Ignored, true)) => (Change::SeenAgain, Standing::Ignored),
        Some((Standing::Ignored, false) | (Standing::Settled | Standing::Resolved, _)) => {
            (Change::Reopened, Standing::Open)
        }
    }
}

/// A run that looked at all of its leg, and at the time in which it lies, does not see it: how it stands from then on; none:
/// nothing changes.
pub fn unseen(before: Standing) -> Option<Standing> {
    match before {
        Standing::Open | Standing::Ignored => Some(Standing::Resolved),
        Standing::Settled | Standing::Resolved => None,
    }
}
