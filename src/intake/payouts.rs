//! Payouts of Braintree to the bank, as items for their streams: what a notice says of one, and the day's own look, which no
//! notice is needed for. Fetches nothing and decides nothing: what was paid out, the stream asks itself.

use super::router::Router;
use super::triggers::{Trigger, shown};
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::braintree::webhook;
use crate::engine::Engine;
use crate::engine::items::Body;
use crate::store::inbox::OfferError;
use crate::store::items::{NewItem, offer_item};
use crate::store::{Store, payouts};
use chrono::{DateTime, Days, NaiveDate, Utc};
use sagas::disbursement::{Command, Disbursement};
use sagas::kernel::ids::Installation;
use sagas::kernel::money;
use sagas::kernel::payout::{Payout, PayoutNotice};
use sagas::kernel::saga::Saga;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// So many days are begun that nobody began, after the service stood still.
const LOOKS_BACK: u64 = 7;

/// What a notice says becomes the item of its payout.
pub(super) fn noticed(router: &Router, kind: &str, id: &str, told: &webhook::Payout) -> Trigger {
    let Some(account) = &told.merchant_account else {
        return Trigger::Dead(format!("{kind} names no merchant account"));
    };
    let Some(currency) = router.connectors.braintree.currency_of(account) else {
        return Trigger::Ignored(format!("{kind}: the merchant account `{}` is not configured", shown(account)));
    };
    let Some(day) = told.day else {
        return Trigger::Dead(format!("{kind} names no day"));
    };
    let payout = Payout { account: account.clone(), day, currency };
    let notice = PayoutNotice {
        id: shown(id),
        amount: told.amount,
        success: told.success,
        is_retry: told.is_retry,
        transactions: told.transactions.iter().map(|id| shown(id)).collect(),
        exception: told.exception.as_deref().map(shown),
    };
    let command = Command::Noticed { payout: payout.clone(), installation: router.installation.clone(), notice };
    Trigger::Items(vec![item(&payout, &format!("braintree.{kind}"), "braintree", &command, None)])
}

fn item(payout: &Payout, kind: &str, by: &str, command: &Command, key: Option<String>) -> NewItem {
    let command = serde_json::to_value(command).expect("a command of plain texts always serialises");
    NewItem {
        saga: Disbursement::id(&payout.account, payout.day),
        saga_kind: Disbursement::NAME.to_owned(),
        kind: kind.to_owned(),
        principal: by.to_owned(),
        body: Body::Saga { command }.text(),
        waiting_key: None,
        idempotency_key: key,
    }
}

/// Begins the look of each day, once a day and merchant account.
pub struct PayoutSweep {
    store: Store,
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    installation: Installation,
    /// Merchant account by currency code.
    accounts: BTreeMap<String, String>,
    /// Payouts of earlier days are not in these books.
    books_open_at: Option<DateTime<Utc>>,
    /// The day (UTC) on which it was swept last.
    swept: Option<NaiveDate>,
}

impl PayoutSweep {
    /// Of this installation's merchant accounts.
    pub fn new(config: &Config, store: Store, engine: Arc<Engine>, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            engine,
            clock,
            installation: config.installation.clone(),
            accounts: config.vendors.braintree.merchant_accounts.clone(),
            books_open_at: config.reconcile.books_open_at,
            swept: None,
        }
    }

    /// Sweeps until stopped.
    pub async fn run(mut self, every: Duration, stop: CancellationToken) {
        loop {
            match self.sweep().await {
                Ok(()) => {}
                Err(e) => tracing::warn!(error = %e, "the payouts of yesterday were not all looked at; it is repeated"),
            }
            if tokio::time::timeout(every, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    async fn sweep(&mut self) -> Result<(), OfferError> {
        let today = self.clock.now().date_naive();
        if self.swept == Some(today) {
            return Ok(());
        }
        for (currency, account) in &self.accounts {
            let Ok(currency) = money::currency(currency) else { continue };
            let announced = payouts::is_announced(&self.store.pool, account).await?;
            for day in days(today, self.books_open_at) {
                let payout = Payout { account: account.clone(), day, currency };
                let command = Command::Look {
                    payout: payout.clone(),
                    installation: self.installation.clone(),
                    announced,
                    source: "poller".to_owned(),
                };
                let key = format!("disbursement:{account}:{day}");
                let item = item(&payout, "payout.day", "poller", &command, Some(key));
                match offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await {
                    // Begun by another node, before or after the account's first notice.
                    Ok(_) | Err(OfferError::KeyReused) => {}
                    Err(e) => return Err(e),
                }
            }
        }
        self.swept = Some(today);
        self.engine.wake();
        Ok(())
    }
}

/// The days whose payouts are looked at today at the latest.
fn days(today: NaiveDate, books_open_at: Option<DateTime<Utc>>) -> Vec<NaiveDate> {
    let since = books_open_at.map_or(NaiveDate::MIN, |at| at.date_naive());
    (1..=LOOKS_BACK).map(|back| today - Days::new(back)).filter(|day| *day >= since).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_of_days_is_begun_and_none_from_before_the_books() {
        let today: NaiveDate = "2026-11-23".parse().unwrap();
        let all = days(today, None);
        assert_eq!((all.len(), all[0].to_string(), all[6].to_string()), (7, "2026-11-22".into(), "2026-11-16".into()));
        let opened = "2026-11-21T10:00:00Z".parse().unwrap();
        let since: Vec<String> = days(today, Some(opened)).iter().map(ToString::to_string).collect();
        assert_eq!(since, ["2026-11-22", "2026-11-21"]);
        assert!(days(today, Some("2026-11-23T00:00:00Z".parse().unwrap())).is_empty());
    }
}
