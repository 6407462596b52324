//! Polls for what a lost webhook would have said: open invoices in Zoho, acts that stand in Attio, disputes at Braintree.

use super::acts::Acts;
use super::cards;
use super::disputes;
use super::refunds::RefundError;
use super::triggers::detected;
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::Connectors;
use crate::engine::Engine;
use crate::store::Store;
use crate::store::inbox::OfferError;
use crate::store::items::{NewItem, offer_item};
use chrono::{Days, NaiveDate};
use sagas::invoice_payment::{InvoicePayment, News};
use sagas::kernel::ids::Installation;
use sagas::kernel::saga::Saga;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Disputes that came in longer ago are not searched for: they are decided long since.
const DISPUTES_OF: Days = Days::new(180);

/// Asks Zoho for open invoices and offers each to its stream, once a day and invoice; Attio for acts, each of which is
/// offered once; and, once a day, Braintree for disputes, each of which is offered once for each of its states.
pub struct Poller {
    store: Store,
    engine: Arc<Engine>,
    connectors: Arc<Connectors>,
    acts: Arc<Acts>,
    clock: Arc<dyn Clock>,
    organization: String,
    installation: Installation,
    call_limit: Duration,
    /// The settings of the page to which letters of dunning lead.
    card_link: Value,
    every: Duration,
    /// The day (UTC) on which disputes were searched for last.
    searched: Option<NaiveDate>,
}

impl Poller {
    /// A poller for this installation.
    pub fn new(
        config: &Config,
        store: Store,
        engine: Arc<Engine>,
        connectors: Arc<Connectors>,
        clock: Arc<dyn Clock>,
        every: Duration,
        acts: Arc<Acts>,
    ) -> Self {
        Self {
            acts,
            store,
            engine,
            connectors,
            clock,
            organization: config.vendors.zoho.organization_id.clone(),
            installation: config.installation.clone(),
            call_limit: config.call_limit,
            card_link: cards::link_terms(config),
            every,
            searched: None,
        }
    }

    /// Polls until stopped.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            if let Err(e) = self.open_invoices().await {
                tracing::warn!(error = %e, "the poll of open invoices was not finished; it is repeated");
            }
            if let Err(e) = self.acts.sweep().await {
                tracing::warn!(error = %e, "the sweep of acts was not finished; it is repeated");
            }
            if let Err(e) = self.disputes().await {
                tracing::warn!(error = %e, "the search of disputes was not finished; it is repeated");
            }
            self.engine.wake();
            if tokio::time::timeout(self.every, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    async fn open_invoices(&self) -> Result<(), OfferError> {
        let mut page = Some(1);
        while let Some(number) = page {
            let listed = match self.connectors.zoho.list_open_invoices(None, number, self.call_limit).await {
                Ok(listed) => listed,
                Err(outcome) => {
                    tracing::warn!(outcome = outcome.word(), "Zoho did not list its open invoices");
                    return Ok(());
                }
            };
            for open in listed.items {
                let (organization, installation) = (&self.organization, &self.installation);
                let changed = News::Changed;
                let (saga, body) =
                    detected(organization, installation, &open.invoice, None, "poll", changed, &self.card_link);
                let today = self.clock.now().date_naive();
                let item = NewItem {
                    saga,
                    saga_kind: InvoicePayment::NAME.to_owned(),
                    kind: "zoho.poll".to_owned(),
                    principal: "poller".to_owned(),
                    body: body.text(),
                    waiting_key: None,
                    // Every node polls; each invoice is offered once a day.
                    idempotency_key: Some(format!("poll:{}:{today}", open.invoice)),
                };
                offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await?;
            }
            self.engine.wake();
            page = listed.next;
        }
        Ok(())
    }

    async fn disputes(&mut self) -> Result<(), RefundError> {
        let today = self.clock.now().date_naive();
        if self.searched == Some(today) {
            return Ok(());
        }
        let from = today - DISPUTES_OF;
        let found = match self.connectors.braintree.disputes(from, today, self.call_limit).await {
            Ok(found) => found,
            Err(why) => {
                tracing::warn!(why, "Braintree did not list its disputes");
                return Ok(());
            }
        };
        let (pool, shards) = (&self.store.pool, self.store.node.shard_count());
        for shown in found {
            let of = disputes::of(&self.organization, &self.installation, &shown.id);
            let item = disputes::found(pool, shards, of, &shown).await?;
            match offer_item(pool, shards, &item, &[]).await {
                Ok(_) => {}
                Err(OfferError::Store(e)) => return Err(e.into()),
                Err(OfferError::KeyReused) => {
                    tracing::warn!(dispute = shown.id, "its state was offered as another one");
                }
            }
        }
        self.searched = Some(today);
        Ok(())
    }
}
