//! After a restore: sweeps Braintree for sales of ours that the log does not know, and tells each to its saga. Reads at
//! the vendor, and writes nothing but inbox items.

use super::triggers::is_zoho_id;
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::Connectors;
use crate::engine::Engine;
use crate::engine::items::Body;
use crate::store::Store;
use crate::store::items::{NewItem, offer_item};
use crate::store::recovery::{self, Hold, Swept};
use chrono::TimeDelta;
use sagas::invoice_payment::{Captured, Command, InvoicePayment};
use sagas::kernel::answer::Transaction;
use sagas::kernel::ids::{Installation, SagaId};
use sagas::kernel::saga::Saga;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Whether there is something to sweep is looked up that often.
const EVERY: Duration = Duration::from_secs(2);
/// Events are written after the sale that they tell of, and clocks differ.
const MARGIN: TimeDelta = TimeDelta::hours(1);
/// How much of time is asked for at once: a search that is too wide is cut off by the gateway.
const SLICE: TimeDelta = TimeDelta::hours(6);

/// Sweeps while a recovery hold stands whose break is declared, on the node that drives the first shard.
pub struct Sweeper {
    store: Store,
    engine: Arc<Engine>,
    connectors: Arc<Connectors>,
    clock: Arc<dyn Clock>,
    organization: String,
    installation: Installation,
    call_limit: Duration,
}

impl Sweeper {
    /// A sweeper for this installation.
    pub fn new(
        config: &Config,
        store: Store,
        engine: Arc<Engine>,
        connectors: Arc<Connectors>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            engine,
            connectors,
            clock,
            organization: config.vendors.zoho.organization_id.clone(),
            installation: config.installation.clone(),
            call_limit: config.call_limit,
        }
    }

    /// Until stopped.
    pub async fn run(self, stop: CancellationToken) {
        while tokio::time::timeout(EVERY, stop.cancelled()).await.is_err() {
            if !self.store.node.owned().iter().any(|(shard, _)| *shard == 0) {
                continue;
            }
            match recovery::hold(&self.store.pool).await {
                Ok(Some(hold)) if hold.signed.is_some() && hold.swept.is_none() => {
                    if let Err(e) = self.sweep(&hold).await {
                        tracing::warn!(error = %e, "the sweep of Braintree was not finished; it is repeated");
                    }
                }
                Ok(_) => {}
                Err(e) => tracing::warn!(error = %e, "whether there is something to sweep cannot be told now"),
            }
        }
    }

    /// From an hour before the last restored event to now. Repeated, it tells nothing twice.
    async fn sweep(&self, hold: &Hold) -> anyhow::Result<()> {
        let to = self.clock.now();
        let mut from = hold.restored_at.unwrap_or(to - SLICE) - MARGIN;
        let beginning = format!("{}.", self.installation.as_str());
        let mut swept = Swept::default();
        while from < to {
            let end = (from + SLICE).min(to);
            let sales = self.connectors.braintree.created(&beginning, (from, end), self.call_limit).await;
            self.compare(hold, sales.map_err(anyhow::Error::msg)?, &mut swept).await?;
            from = end;
        }
        recovery::swept(&self.store.pool, hold.number, swept).await?;
        tracing::warn!(
            found = swept.found,
            adopted = swept.adopted,
            unexplained = swept.unexplained,
            "Braintree was swept after the restore"
        );
        self.engine.wake();
        Ok(())
    }

    async fn compare(&self, hold: &Hold, sales: Vec<Transaction>, swept: &mut Swept) -> anyhow::Result<()> {
        let ids: Vec<String> = sales.iter().map(|sale| sale.id.clone()).collect();
        let unknown = recovery::unknown(&self.store.pool, &ids).await?;
        for sale in sales {
            swept.found += 1;
            if !unknown.contains(&sale.id) {
                continue;
            }
            match self.invoice_of(&sale.order_id) {
                Some(invoice) if sale.status.is_approved() => {
                    self.tell(hold, &invoice, &sale).await?;
                    swept.adopted += 1;
                }
                // Voided or expired: nothing of it stands.
                _ if !sale.status.is_approved() => {}
                _ => {
                    tracing::error!(
                        transaction = sale.id,
                        order_id = sale.order_id,
                        "a sale or hold that the log lost and no invoice names: a person must look"
                    );
                    swept.unexplained += 1;
                }
            }
        }
        Ok(())
    }

    /// `<prefix>.inv.<invoice>.<attempt>` names the invoice.
    fn invoice_of(&self, order_id: &str) -> Option<String> {
        let rest = order_id.strip_prefix(self.installation.as_str())?.strip_prefix(".inv.")?;
        let (invoice, _) = rest.split_once('.')?;
        is_zoho_id(invoice).then(|| invoice.to_owned())
    }

    async fn tell(&self, hold: &Hold, invoice: &str, sale: &Transaction) -> anyhow::Result<()> {
        let command = Command::FoundByRecovery {
            organization: self.organization.clone(),
            installation: self.installation.clone(),
            invoice: invoice.to_owned(),
            captured: Box::new(Captured {
                transaction: sale.id.clone(),
                order_id: sale.order_id.clone(),
                amount: sale.amount,
                made_at: sale.created_at,
                effective: self.engine.at().date(sale.created_at),
                trouble: None,
            }),
        };
        let item = NewItem {
            saga: SagaId::of_invoice(&self.organization, invoice),
            saga_kind: InvoicePayment::NAME.to_owned(),
            kind: "recovery.found".to_owned(),
            principal: "recovery".to_owned(),
            body: Body::Saga { command: serde_json::to_value(command)? }.text(),
            waiting_key: None,
            idempotency_key: Some(format!("recovery:{}:{}", hold.number, sale.id)),
        };
        offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await?;
        Ok(())
    }
}
