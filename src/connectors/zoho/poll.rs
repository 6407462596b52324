//! What the intake asks Zoho for when a webhook may have been lost: open invoices and the log of events. One page a
//! call, so that each can be weighed against the quota. Keeps no cursor.

use super::billing::{Ask, PER_PAGE};
use super::webhook::{self, Notice};
use super::{Zoho, wire};
use chrono::{DateTime, Utc};
use sagas::kernel::outcome::{Outcome, RejectionKind};
use serde::de::DeserializeOwned;
use std::time::Duration;
use tokio::time::Instant;

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The next page's number; absent: there is nothing more to read.
    pub next: Option<u32>,
}

/// An invoice that is not paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenInvoice {
    /// Zoho invoice id.
    pub invoice: String,
    /// Zoho customer id, where the row names it.
    pub customer: Option<String>,
}

/// One row of Zoho's log of events. It names no object: [`Zoho::read_event`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRef {
    /// Zoho event id: the same as in the event's webhook.
    pub event: String,
    /// Zoho's word: `invoice_created`, `payment_thankyou` …; an open set.
    pub kind: String,
    /// When it happened (UTC), where the row says.
    pub at: Option<DateTime<Utc>>,
}

impl Zoho {
    /// Unpaid invoices, oldest first, so that new ones do not shift the pages; only those changed since then, if given.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn list_open_invoices(
        &self,
        since: Option<DateTime<Utc>>,
        page: u32,
        time_limit: Duration,
    ) -> Result<Page<OpenInvoice>, Box<Outcome>> {
        let filters = [("filter_by", "Status.Unpaid"), ("sort_column", "created_time"), ("sort_order", "A")];
        let (paging, rows): (_, wire::InvoiceRows) =
            self.page("zoho.list_open_invoices", "invoices", &filters, page, time_limit).await?;
        let changed = |row: &wire::InvoiceRow| {
            let updated = row.updated_time.as_deref().and_then(wire::timestamp);
            since.zip(updated).is_none_or(|(since, updated)| updated >= since)
        };
        let rows = rows.invoices.into_iter().filter(changed);
        let items = rows.map(|row| OpenInvoice { invoice: row.invoice_id, customer: row.customer_id }).collect();
        Ok(Page { items, next: paging.has_more().then(|| page.saturating_add(1)) })
    }

    /// The log of events, newest first, down to that instant (UTC). Zoho keeps it 180 days.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn list_events(
        &self,
        since: DateTime<Utc>,
        page: u32,
        time_limit: Duration,
    ) -> Result<Page<EventRef>, Box<Outcome>> {
        let (paging, rows): (_, wire::EventRows) =
            self.page("zoho.list_events", "events", &[], page, time_limit).await?;
        let count = rows.events.len();
        let rows = rows.events.into_iter().map(|row| EventRef {
            at: row.at.as_deref().and_then(wire::timestamp),
            event: row.id,
            kind: row.kind,
        });
        let items: Vec<_> = rows.filter(|row| row.at.is_none_or(|at| at >= since)).collect();
        // A page with older rows is the last one that matters.
        let more = paging.has_more() && items.len() == count;
        Ok(Page { items, next: more.then(|| page.saturating_add(1)) })
    }

    /// One event with the ids of what it concerns, in the form of a webhook's.
    ///
    /// # Errors
    /// Any outcome but `Done`.
    pub async fn read_event(&self, event: &str, time_limit: Duration) -> Result<Notice, Box<Outcome>> {
        let segments = ["events", event];
        let ask = Ask::read("zoho.read_event", &segments);
        let answer: wire::EventAnswer = self.billing.call(ask, Instant::now() + time_limit).await?;
        let answer = answer.event;
        webhook::of_event(event, &answer.kind, answer.at.as_deref(), &answer.payload).map_err(|problem| {
            super::rejected(RejectionKind::UnknownState, "unreadable", &format!("event {event}: {problem}"))
        })
    }

    async fn page<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        resource: &str,
        filters: &[(&str, &str)],
        page: u32,
        time_limit: Duration,
    ) -> Result<(wire::Paging, T), Box<Outcome>> {
        let page = page.to_string();
        let query = [filters, &[("page", page.as_str()), ("per_page", PER_PAGE)]].concat();
        self.billing.page(Ask::list(operation, &[resource], &query), Instant::now() + time_limit).await
    }
}
