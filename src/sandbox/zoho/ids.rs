//! Zoho's ids: decimal strings that only grow.

use serde::{Serialize, Serializer};
use std::fmt;

/// An id, written as a decimal string. The order of ids is the order of creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id(u64);

impl Id {
    /// Reads an id from text; nothing if it cannot be one.
    pub(super) fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Hands out ids and document numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters {
    ids: u64,
    invoices: u32,
    notes: u32,
    quotes: u32,
}

impl Counters {
    /// The next id of any resource.
    pub(super) fn id(&mut self) -> Id {
        self.ids += 1;
        Id(903_000_000_000_000 + self.ids)
    }

    /// The next invoice number.
    pub(super) fn invoice(&mut self) -> String {
        self.invoices += 1;
        format!("INV-{:06}", self.invoices)
    }

    /// The next quote number.
    pub(super) fn quote(&mut self) -> String {
        self.quotes += 1;
        format!("EST-{:06}", self.quotes)
    }

    /// The next credit note number.
    pub(super) fn note(&mut self) -> String {
        self.notes += 1;
        format!("CN-{:05}", self.notes)
    }
}
