//! What an opening remembers, folded from its events. Nothing is decided here, and no event is refused.

use super::words::{Difference, Event, Item, Kind, Proposal};
use crate::kernel::opening::OpenedWith;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What an opening remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub(super) proposal: Option<Box<Proposal>>,
    pub(super) stage: Stage,
    /// Steps concluded: tells repeated ones apart.
    pub(super) calls: u32,
    /// Lines that were compared.
    pub(super) compared: BTreeSet<u64>,
    pub(super) differences: Vec<Difference>,
    /// Our customer ids, by line.
    pub(super) customers: BTreeMap<u64, String>,
    /// What the invoices' streams open with, in the list's order.
    pub(super) invoices: Vec<ToOpen>,
    /// Zoho invoice ids whose streams know.
    pub(super) told: BTreeSet<String>,
}

/// An invoice whose stream is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToOpen {
    pub(super) invoice: String,
    pub(super) subscription: Option<String>,
    pub(super) with: OpenedWith,
}

/// Where it stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    #[default]
    New,
    Comparing,
    Differs,
    /// It ties; a second person is awaited.
    Approving {
        until: DateTime<Utc>,
    },
    Withdrawn,
    /// Posted; the invoices' streams are told.
    Opening,
    Open,
}

impl State {
    pub(super) fn items(&self) -> &[Item] {
        self.proposal.as_ref().map_or(&[], |proposal| proposal.items.as_slice())
    }

    pub(super) fn next_to_compare(&self) -> Option<&Item> {
        self.items().iter().find(|item| item.kind.is_compared() && !self.compared.contains(&item.line))
    }

    pub(super) fn next_to_tell(&self) -> Option<&ToOpen> {
        self.invoices.iter().find(|invoice| !self.told.contains(&invoice.invoice))
    }

    /// What this flow posts itself, with our customer id where one is known.
    pub(super) fn positions(&self) -> impl Iterator<Item = (&Item, Option<&String>)> {
        let own = self.items().iter().filter(|item| item.kind != Kind::Receivable);
        own.map(|item| (item, self.customers.get(&item.line)))
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::OpeningProposed { proposal, .. } => {
                *self = Self {
                    proposal: Some(proposal.clone()),
                    stage: Stage::Comparing,
                    calls: self.calls,
                    ..Self::default()
                };
            }
            Event::LineTied { line, customer, with, subscription } => {
                self.calls += 1;
                let id = self.items().iter().find(|item| item.line == *line).map(|item| item.id.clone());
                if let (Some(invoice), Some(with)) = (id, with) {
                    let (subscription, with) = (subscription.clone(), (**with).clone());
                    self.invoices.push(ToOpen { invoice, subscription, with });
                }
                if let Some(customer) = customer {
                    self.customers.insert(*line, customer.clone());
                }
                self.compared.insert(*line);
            }
            Event::LineDiffers { difference } => {
                self.calls += 1;
                self.compared.extend(difference.line);
                self.differences.push(difference.clone());
            }
            Event::OpeningDiffers { .. } => self.stage = Stage::Differs,
            Event::OpeningTied { until, .. } => self.stage = Stage::Approving { until: *until },
            Event::OpeningWithdrawn { .. } => self.stage = Stage::Withdrawn,
            Event::BooksOpened { .. } => self.stage = Stage::Opening,
            Event::InvoiceStreamTold { invoice } => {
                self.calls += 1;
                self.told.insert(invoice.clone());
            }
            Event::OpeningFinished { .. } => self.stage = Stage::Open,
        }
    }
}
