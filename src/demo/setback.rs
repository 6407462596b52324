//! A world whose log is set back: invoices are charged, the database is taken to the middle of it, and the vendors keep what
//! they have. What follows is a recovery, as it would be; this knows nothing of it.

use super::customers::{Customer, Wish};
use super::stage::{Stage, StageOptions};
use crate::proof::sink;
use crate::store::append::Status;
use crate::store::checkpoints::Signed;
use crate::store::query::{self, SagaFilter};
use crate::store::scratch::Scratch;
use crate::store::totals::applied_by_transaction;
use anyhow::Context;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The world.
pub struct Setback {
    /// Its service and its vendors.
    pub stage: Stage,
    /// Everybody who is charged.
    pub customers: Vec<Customer>,
    scratch: Scratch,
    sink: PathBuf,
}

impl Setback {
    /// Starts a world on an empty database, publishes its checkpoints in a folder, and charges each of so many customers once.
    ///
    /// # Errors
    /// It cannot be started, or somebody is not charged.
    pub async fn begin(options: StageOptions, scratch: Scratch, sink: &Path, customers: usize) -> anyhow::Result<Self> {
        let sink = sink.to_owned();
        let options = StageOptions { call_seconds: 1, sink: Some(sink.to_string_lossy().into_owned()), ..options };
        let stage = Stage::start(&options).await?;
        let mut world = Self { stage, customers: Vec::new(), scratch, sink };
        for n in 0..customers {
            let customer = world.stage.new_customer(&Wish::new(format!("Ada {n}"), 4_900)).await?;
            world.customers.push(customer);
            world.paid(n + 1).await?;
        }
        Ok(world)
    }

    /// Raises so many more invoices for each, and waits until all are paid: a card is charged only so often.
    ///
    /// # Errors
    /// Somebody is not charged.
    pub async fn charge(&self, times: i64) -> anyhow::Result<()> {
        for n in 0..times {
            let before = self.sales().await?.len();
            for customer in &self.customers {
                self.stage.renew(customer, 1_000 + n).await?;
            }
            self.paid(before + self.customers.len()).await?;
        }
        Ok(())
    }

    /// Waits until so many invoices are paid and nothing is left to do.
    ///
    /// # Errors
    /// They are not in time.
    pub async fn paid(&self, invoices: usize) -> anyhow::Result<()> {
        self.stage
            .until("every invoice to be paid", async || {
                Ok(applied_by_transaction(self.stage.pool()).await?.len() == invoices)
            })
            .await?;
        self.stage.rest().await
    }

    /// Waits until no call is put off: a hundred sagas that begin at once are more than a small machine takes at once.
    ///
    /// # Errors
    /// It does not come to that in time.
    pub async fn made(&self) -> anyhow::Result<()> {
        self.stage
            .until("every call to be made", async || {
                for status in [Status::Running, Status::WaitingVendor, Status::Resolving] {
                    let filter = SagaFilter { status: Some(status), ..SagaFilter::default() };
                    if !query::sagas(self.stage.pool(), &filter, None, 1).await?.is_empty() {
                        return Ok(false);
                    }
                }
                Ok(true)
            })
            .await?;
        self.stage.rest().await
    }

    /// Sales that take money, by order id: how often each stands in Braintree's books.
    ///
    /// # Errors
    /// The books cannot be read.
    pub async fn sales(&self) -> anyhow::Result<BTreeMap<String, u64>> {
        let books = self.stage.sandbox.books().await?;
        let live = ["authorized", "submitted_for_settlement", "settling", "settled"];
        let mut sales = BTreeMap::new();
        for sale in books["braintree"]["transactions"].as_array().context("Braintree's books hold no list")? {
            if sale["status"].as_str().is_some_and(|status| live.contains(&status)) {
                *sales.entry(sale["order_id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
            }
        }
        Ok(sales)
    }

    /// Keeps the database as it is now, as a backup would.
    ///
    /// # Errors
    /// The server does not take it, or the service does not start again.
    pub async fn back_up(&mut self) -> anyhow::Result<()> {
        self.stage.stop_service().await;
        self.scratch.back_up().await?;
        self.stage.start_service().await
    }

    /// Sets the database back to what was kept; the vendors keep what they have. The service starts on it.
    ///
    /// # Errors
    /// The server does not take it, or the service does not start again.
    pub async fn restore(&mut self) -> anyhow::Result<()> {
        self.stage.stop_service().await;
        self.scratch.restore().await?;
        self.stage.start_service().await
    }

    /// What was published so far.
    ///
    /// # Errors
    /// A line is no checkpoint.
    pub fn published(&self) -> anyhow::Result<Vec<Signed>> {
        let lines = sink::read(&self.sink_file())?.into_iter();
        lines.map(|line| line.map_err(|number| anyhow::anyhow!("line {number} of the sink is no checkpoint"))).collect()
    }

    /// The file in which they stand.
    pub fn sink_file(&self) -> PathBuf {
        self.sink.join(format!("checkpoints.{}.jsonl", self.stage.prefix()))
    }

    /// Ends the world; its database stays.
    pub async fn end(self) -> Scratch {
        self.stage.end().await;
        self.scratch
    }
}
