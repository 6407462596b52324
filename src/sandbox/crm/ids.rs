//! CRM's ids: decimal strings of nineteen digits that only grow.

use serde_json::Value;
use std::fmt;

/// An id, written as a decimal string. The order of ids is the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(u64);

impl Id {
    /// The `number`-th id of the organisation.
    pub(super) fn nth(number: u64) -> Self {
        Self(5_725_767_000_000_000_000 + number)
    }

    /// Reads an id from text; nothing if it cannot be one.
    pub(super) fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// Reads an id from JSON: Zoho takes a string, and its own SDK writes a number at some places.
    pub(super) fn of(value: &Value) -> Option<Self> {
        value.as_str().and_then(Self::read).or_else(|| value.as_u64().map(Self))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Id> for Value {
    fn from(id: Id) -> Self {
        Self::String(id.to_string())
    }
}
