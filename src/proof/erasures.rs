//! The erasure list: who was erased, kept outside the database. A database that was restored from before still has them;
//! with the list they are erased again. It names nobody: a line holds a keyed hash of our customer's id.

use super::sink::{Lines, Sink};
use crate::config::SinkConfig;
use crate::keys::Keys;
use crate::port::ErasureList;
use crate::store::erasing::{self, Erased};
use crate::store::recovery;
use crate::store::recovery::Hold;
use anyhow::Context as _;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use std::collections::HashSet;
use std::path::Path;

/// What each line says that it is.
const FORM: &str = "attio-billing/erasure/1";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its form.
    pub form: String,
    /// Prefix of the installation.
    pub installation: String,
    /// When (UTC).
    pub at: DateTime<Utc>,
    /// Who erased: staff.
    pub by: String,
    /// The keyed hash of the customer's id.
    pub customer: String,
}

/// The list of an installation.
#[derive(Debug, Clone)]
pub struct Erasures {
    sink: Option<Sink>,
    keys: Keys,
    installation: String,
}

impl Erasures {
    /// Beside the checkpoints; without a sink nothing is kept outside.
    ///
    /// # Errors
    /// The HTTP client of an address cannot be made.
    pub fn new(sink: Option<&SinkConfig>, installation: &str, keys: Keys) -> Result<Self, String> {
        let sink = sink.map(|sink| Sink::beside(sink, "erasures", installation)).transpose()?;
        Ok(Self { sink, keys, installation: installation.to_owned() })
    }

    /// Where it is kept, as people know it; none: nowhere.
    pub fn name(&self) -> Option<&str> {
        self.sink.as_ref().map(Sink::name)
    }

    /// Erases what is held here of a customer: first on the list, so that no crash between the two forgets it. False:
    /// nothing was held.
    ///
    /// # Errors
    /// The list does not take it (then nothing is erased), or the database cannot be reached.
    pub async fn erase(&self, pool: &PgPool, customer: &str, by: &str, at: DateTime<Utc>) -> anyhow::Result<bool> {
        self.add(customer, by, at).await.map_err(anyhow::Error::msg)?;
        gone(pool, customer).await
    }

    /// After a restore, where that was not done yet: erases again who is on the list. What only takes cannot be read: then
    /// a person brings its lines, by [`Erasures::from_file`].
    ///
    /// # Errors
    /// The list cannot be read, or the database cannot be reached.
    pub async fn again(&self, pool: &PgPool) -> anyhow::Result<()> {
        let Some(hold) = recovery::hold(pool).await?.filter(|hold| hold.erased.is_none()) else { return Ok(()) };
        let lines = match &self.sink {
            // Nothing was ever listed.
            None => Vec::new(),
            Some(sink) => match sink.lines().map_err(anyhow::Error::msg)? {
                Lines::Read(lines) => lines,
                Lines::NotReadable => return Ok(()),
            },
        };
        self.apply(pool, &hold, lines).await.map(drop)
    }

    /// After a restore: erases again who is on this list. Says how many were here.
    ///
    /// # Errors
    /// There is no hold, the file cannot be read, or the database cannot be reached.
    pub async fn from_file(&self, pool: &PgPool, list: &Path) -> anyhow::Result<u64> {
        let hold = recovery::hold(pool).await?.context("nothing is on hold: there is nothing to recover")?;
        let lines = super::sink::read_lines(list).with_context(|| list.display().to_string())?;
        self.apply(pool, &hold, lines).await
    }

    async fn apply(&self, pool: &PgPool, hold: &Hold, lines: Vec<String>) -> anyhow::Result<u64> {
        let (mut listed, mut unreadable) = (HashSet::new(), Vec::new());
        for (number, line) in (1..).zip(lines).filter(|(_, line): &(usize, String)| !line.is_empty()) {
            match serde_json::from_str::<Erasure>(&line) {
                Ok(erasure) if erasure.form == FORM && erasure.installation == self.installation => {
                    listed.insert(erasure.customer);
                }
                Ok(_) | Err(_) => unreadable.push(number.to_string()),
            }
        }
        let mut erased = 0;
        for customer in erasing::customers(pool).await? {
            if listed.contains(&self.keys.erased(&customer)) {
                erased += u64::from(gone(pool, &customer).await?);
            }
        }
        anyhow::ensure!(
            unreadable.is_empty(),
            "{erased} customer(s) were erased again; these lines of the list are no erasures of this installation: {}",
            unreadable.join(", ")
        );
        recovery::erased(pool, hold.number, erased).await?;
        tracing::warn!(listed = listed.len(), erased, "erasures were applied again after the restore");
        Ok(erased)
    }
}

#[async_trait]
impl ErasureList for Erasures {
    async fn add(&self, customer: &str, by: &str, at: DateTime<Utc>) -> Result<Option<String>, String> {
        let Some(sink) = &self.sink else { return Ok(None) };
        let hash = self.keys.erased(customer);
        let line = Erasure {
            form: FORM.to_owned(),
            installation: self.installation.clone(),
            at,
            by: by.to_owned(),
            customer: hash.clone(),
        };
        let line = serde_json::to_string(&line).map_err(|e| e.to_string())?;
        sink.add_line(line).await.map_err(|why| format!("the erasure list did not take it: {why}"))?;
        Ok(Some(hash))
    }
}

async fn gone(pool: &PgPool, customer: &str) -> anyhow::Result<bool> {
    match erasing::erase(pool, customer, None).await? {
        Erased::Done(kept) => Ok(!kept.is_nothing()),
        Erased::Busy(flows) => anyhow::bail!("{} flow(s) of the customer are under way", flows.len()),
    }
}
