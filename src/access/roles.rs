//! The roles, and what kind of holder a token has.

use std::fmt;

/// What a token opens. A token has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looks at flows and money.
    Viewer,
    /// Serves customers, one at a time.
    Support,
    /// Keeps the books.
    Finance,
    /// Is the second person for money.
    FinanceApprover,
    /// Keeps the flows moving.
    Operator,
    /// Keeps the installation.
    Admin,
    /// Looks at everything, changes nothing.
    Auditor,
    /// No person's role but a scope for the platform's own programs: sign-ups and links, nothing else.
    Platform,
}

impl Role {
    /// Every role and the scope.
    pub const ALL: [Self; 8] = [
        Self::Viewer,
        Self::Support,
        Self::Finance,
        Self::FinanceApprover,
        Self::Operator,
        Self::Admin,
        Self::Auditor,
        Self::Platform,
    ];

    /// The word in the table, the API and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Support => "support",
            Self::Finance => "finance",
            Self::FinanceApprover => "finance_approver",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Platform => "platform",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who holds a token. Only a person can be a second person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A person of that name.
    Person,
    /// A program, or whoever can read its configuration.
    Program,
}

impl Holder {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Person, Self::Program];

    /// The word in the table, the API and the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Program => "program",
        }
    }

    /// The holder of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|holder| holder.as_str() == word)
    }
}
