//! The last step of a run: what was read and what our books say go to the kernel, what it finds is kept with the report, and
//! flows are told to look again where a finding says so.

use super::Reconciler;
use super::read::{Row, kept};
use super::report::{self, Account, Calls, LegReport, Listed, Only, Over, Report, Source, Unread, count};
use super::work::{Keys, Work, is_invoice, legs, source};
use crate::engine::items::Body;
use crate::store::StoreError;
use crate::store::inbox::OfferError;
use crate::store::items::{NewItem, offer_item};
use crate::store::reconciliation::{self, Changes, Run, Scope, Seen};
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use sagas::invoice_payment::{Command, InvoicePayment, News};
use sagas::kernel::ids::SagaId;
use sagas::kernel::reconciliation::charges::{Booked, Charges, Sale};
use sagas::kernel::reconciliation::life::Standing;
use sagas::kernel::reconciliation::receivables::Receivables;
use sagas::kernel::reconciliation::recording::{Detailed, Recording};
use sagas::kernel::reconciliation::refunds::Refunds;
use sagas::kernel::reconciliation::subscriptions::{Shown, Subscriptions};
use sagas::kernel::reconciliation::{
    About, Act, Code, Found, Judged, Leg, charges, flows, ledger, payouts, receivables, recording, refunds,
    subscriptions,
};
use sagas::kernel::saga::Saga as _;
use sagas::refund::{self, Approval, Refund, Wish};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// So often a flow is told to look again because of one finding; then a person must look.
const TRIES: u32 = 3;
/// Without a complete run for longer, what was not read is told.
const STALE: TimeDelta = TimeDelta::hours(24);

/// What was read, and what our books say.
struct Books {
    sales: Vec<Sale>,
    /// Ids of ours that were asked for one by one.
    asked: BTreeSet<String>,
    booked: Vec<Booked>,
    rows: Vec<Row>,
    details: Vec<Detailed>,
    subscriptions: Vec<Shown>,
    /// Only these are compared; none: everything.
    keys: Option<Keys>,
}

impl Reconciler {
    /// Judges, and ends the run.
    pub(super) async fn judge(&self, run: &Run, work: &Work) -> Result<(), StoreError> {
        let now = self.clock.now();
        let books = self.books(run, work).await?;
        let mut judged = Vec::new();
        for leg in legs(run) {
            judged.push(self.leg(leg, work, &books, now).await?);
        }
        // What could not be judged does not make a run incomplete by itself: what was not read does.
        let complete = work.not_read.is_empty() && judged.iter().all(|judged| judged.complete);
        if let Some(ageing) = judged.iter_mut().find(|judged| judged.leg == Leg::Ageing) {
            ageing.found.extend(self.stale(work, now).await?);
        }
        let seen: Vec<Seen> = judged
            .iter()
            .flat_map(|judged| judged.found.iter().map(|found| Seen { leg: judged.leg, found: found.clone() }))
            .collect();
        let scopes: Vec<Scope> =
            judged.iter().filter(|judged| judged.complete).map(|one| scope(one, run, work.keys.is_some())).collect();
        let report = self.report(run, work, &books, &judged, complete, now).await?;
        let text = |changes: &Changes| told(report.clone(), &seen, changes);
        let ended =
            reconciliation::finish(&self.store.pool, (run.id, run.step), &seen, &scopes, complete, now, text).await?;
        let Some(changes) = ended else { return Ok(()) };
        tracing::info!(run = %run.id, kind = run.kind, complete, findings = changes.seen.len(),
            resolved = changes.resolved.len(), "the books were compared");
        self.act(run, &seen, &changes, now).await
    }

    async fn books(&self, run: &Run, work: &Work) -> Result<Books, StoreError> {
        let sales: Vec<Sale> = self.kept(run, kept::SALE).await?;
        // What was made before the books opened, and nothing of it is booked, is historic.
        let opened = self.config.books_open_at;
        let details: Vec<Detailed> = self.kept(run, kept::DETAIL).await?;
        let references = details.iter().flat_map(|invoice| invoice.payments.iter().map(|p| p.reference.clone()));
        let refunded = sales.iter().filter_map(|sale| sale.refund_of.clone());
        let ids: BTreeSet<String> =
            sales.iter().map(|sale| sale.id.clone()).chain(references).chain(refunded).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let pool = &self.store.pool;
        let booked = match &work.keys {
            Some(keys) => {
                let ids: BTreeSet<String> = ids.into_iter().chain(keys.transactions.iter().cloned()).collect();
                reconciliation::booked_of(pool, &ids.into_iter().collect::<Vec<_>>()).await?
            }
            None => reconciliation::booked(pool, &ids, Some(self.day(run.from)), false).await?,
        };
        let known: BTreeSet<&str> = booked.iter().map(|booked| booked.transaction.as_str()).collect();
        let sales = sales
            .into_iter()
            .filter(|sale| opened.is_none_or(|at| sale.created_at >= at) || known.contains(sale.id.as_str()))
            .collect();
        let asked = match &work.keys {
            Some(keys) => keys.transactions.clone(),
            None => self.kept::<String>(run, kept::ASKED).await?.into_iter().collect(),
        };
        Ok(Books {
            sales,
            asked,
            booked,
            rows: self.kept(run, kept::INVOICE).await?,
            details,
            subscriptions: self.kept(run, kept::SUBSCRIPTION).await?,
            keys: work.keys.clone(),
        })
    }

    fn day(&self, at: DateTime<Utc>) -> chrono::NaiveDate {
        self.zone.from_utc_datetime(&at.naive_utc()).date_naive()
    }

    async fn leg(&self, leg: Leg, work: &Work, books: &Books, now: DateTime<Utc>) -> Result<Judged, StoreError> {
        let pool = &self.store.pool;
        let sales_whole = work.is_whole(source::SALES);
        let read_at = |source: &str| work.read_at.get(source).copied().unwrap_or(now);
        Ok(match leg {
            Leg::R1 => {
                let charges = Charges {
                    prefix: self.prefix(),
                    sales: books.sales.clone(),
                    complete: sales_whole,
                    booked: of_what_was_read(books),
                    // What is asked for under an order id has no id yet by which it could be read.
                    asked: match books.keys {
                        Some(_) => Vec::new(),
                        None => reconciliation::asked_in_doubt(pool).await?,
                    },
                    recurring_elsewhere: reconciliation::is_recurring_elsewhere(pool).await?,
                };
                charges::judge(&charges, now)
            }
            Leg::R2 => {
                let recording = Recording {
                    prefix: self.prefix(),
                    sales: books.sales.clone(),
                    complete: sales_whole && work.is_whole(source::DETAILS),
                    booked: books.booked.clone(),
                    invoices: books.details.clone(),
                    read_at: read_at(source::DETAILS),
                };
                recording::judge(&recording, now)
            }
            Leg::R3 if books.keys.is_some() => {
                self.invoices_of_keys(books, work.is_whole(source::DETAILS), read_at(source::DETAILS), now).await?
            }
            Leg::R3 => {
                let taxes: BTreeMap<&str, _> = books.details.iter().map(|one| (one.id.as_str(), one.tax)).collect();
                let mut shown: Vec<receivables::Shown> = books.rows.iter().map(|row| row.shown.clone()).collect();
                for row in &mut shown {
                    row.tax = taxes.get(row.id.as_str()).copied().flatten();
                }
                let ids: Vec<String> = shown.iter().map(|row| row.id.clone()).collect();
                let receivables = Receivables {
                    shown,
                    complete: work.is_whole(source::INVOICES),
                    owed: reconciliation::owed(pool, &ids).await?,
                    dunned: reconciliation::dunned(pool, &ids).await?,
                    read_at: read_at(source::INVOICES),
                    opened: self.config.books_open_at,
                };
                receivables::judge(&receivables, now)
            }
            Leg::R4 => payouts::judge(&reconciliation::payouts(pool).await?),
            Leg::R7 => {
                let subscriptions = Subscriptions {
                    linked: reconciliation::linked(pool).await?,
                    shown: books.subscriptions.clone(),
                    complete: work.is_whole(source::SUBSCRIPTIONS),
                    read_at: read_at(source::SUBSCRIPTIONS),
                };
                subscriptions::judge(&subscriptions, now, self.day(now))
            }
            Leg::R9 => {
                let credits = books.sales.iter().filter(|sale| sale.is_credit);
                let ids: Vec<String> = credits.map(|sale| sale.id.clone()).collect();
                let refunds = Refunds {
                    prefix: format!("{}rf.", self.prefix()),
                    sales: books.sales.clone(),
                    complete: sales_whole,
                    known: reconciliation::known_ids(pool, &ids).await?,
                    booked: books.booked.clone(),
                };
                refunds::judge(&refunds, now)
            }
            Leg::R13 => {
                let faults = reconciliation::unverified_since(pool).await?;
                ledger::rebuild(faults.as_deref(), now)
            }
            Leg::Ageing => ledger::ageing(&reconciliation::booked(pool, &[], None, true).await?, now),
            Leg::Flows => flows::judge(&reconciliation::asking(pool, &flows::reasons()).await?),
        })
    }

    /// R3 of chosen invoices, each read whole.
    async fn invoices_of_keys(
        &self,
        books: &Books,
        complete: bool,
        read_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Judged, StoreError> {
        let ids: BTreeSet<String> = books.keys.iter().flat_map(|keys| keys.invoices.iter().cloned()).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let owed = reconciliation::owed_of(&self.store.pool, &ids).await?;
        let opened = self.config.books_open_at;
        // When an invoice was made it does not say itself: what is not booked may be older than the books.
        let is_booked = |id: &str| owed.iter().any(|owed| owed.invoice == id);
        let shown = books.details.iter().filter(|one| opened.is_none() || is_booked(&one.id));
        let shown = shown.map(|one| receivables::Shown {
            id: one.id.clone(),
            customer: None,
            status: one.status.clone(),
            total: Some(one.total),
            balance: Some(one.balance),
            tax: one.tax,
            made_at: None,
            changed_at: None,
        });
        let dunned = BTreeMap::new();
        let receivables = Receivables { shown: shown.collect(), complete, dunned, read_at, opened, owed };
        Ok(receivables::judge(&receivables, now))
    }

    /// Sources that no run has read whole for longer than they may go unread.
    async fn stale(&self, work: &Work, now: DateTime<Utc>) -> Result<Vec<Found>, StoreError> {
        if work.not_read.is_empty() {
            return Ok(Vec::new());
        }
        let since = reconciliation::last_complete(&self.store.pool).await?;
        let Some(since) = since.filter(|since| *since + STALE < now) else { return Ok(Vec::new()) };
        let sources: BTreeMap<&str, &str> =
            work.not_read.iter().map(|part| (part.source.as_str(), part.why.as_str())).collect();
        let found = sources.into_iter().map(|(source, why)| Found {
            code: Code::D40,
            key: source.to_owned(),
            severity: Code::D40.severity(),
            about: About::default(),
            left: source.to_owned(),
            right: format!("not read whole since {}", since.format("%Y-%m-%d")),
            at_risk: None,
            difference: Vec::new(),
            detail: format!("it could not be read: {why}"),
            dated: now,
            act: None,
        });
        Ok(found.collect())
    }

    async fn report(
        &self,
        run: &Run,
        work: &Work,
        books: &Books,
        judged: &[Judged],
        complete: bool,
        now: DateTime<Utc>,
    ) -> Result<Report, StoreError> {
        let things = |source: &str| match source {
            source::SALES => books.sales.len(),
            source::INVOICES => books.rows.len(),
            source::DETAILS => books.details.len(),
            _ => books.subscriptions.len(),
        };
        let sources = work.read_at.iter().map(|(source, read_at)| Source {
            source: source.clone(),
            read_at: *read_at,
            things: count(things(source)),
        });
        let left = self.shares(&run.kind, now).await?;
        let vendors: BTreeSet<&String> = work.planned.keys().chain(work.used.keys()).collect();
        let calls = vendors.into_iter().map(|vendor| Calls {
            vendor: vendor.clone(),
            planned: work.planned.get(vendor).copied().unwrap_or_default(),
            used: work.used.get(vendor).copied().unwrap_or_default(),
            left: left.get(vendor).copied().flatten(),
        });
        let accounts = reconciliation::account_moves(&self.store.pool, self.day(run.from), self.day(run.to)).await?;
        Ok(Report {
            run: run.id,
            kind: run.kind.clone(),
            from: run.from,
            to: run.to,
            only: work.keys.as_ref().map(Only::from),
            books_zone: self.zone.name().to_owned(),
            books_open_at: self.config.books_open_at,
            rules: report::RULES,
            asked_by: run.asked_by.clone(),
            began_at: run.asked_at,
            ended_at: now,
            complete,
            not_read: work.not_read.iter().map(Unread::from).collect(),
            sources: sources.collect(),
            calls: calls.collect(),
            out_of_books: report::OUT_OF_BOOKS.to_owned(),
            legs: judged.iter().map(LegReport::from).collect(),
            accounts: accounts.into_iter().map(Account::from).collect(),
            findings: Vec::new(),
            resolved: Vec::new(),
        })
    }

    /// Lets flows look again. Each is told at most so often for one finding, and once a run.
    async fn act(&self, run: &Run, seen: &[Seen], changes: &Changes, now: DateTime<Utc>) -> Result<(), StoreError> {
        for (Seen { found, .. }, (finding, _, standing, tries)) in distinct(seen).zip(&changes.seen) {
            let Some(act) = &found.act else { continue };
            if *standing != Standing::Open || *tries >= TRIES {
                continue;
            }
            let Some((item, what)) = self.said(act, run.id, *finding)? else { continue };
            match offer_item(&self.store.pool, self.store.node.shard_count(), &item, &[]).await {
                Ok(_) => reconciliation::tried(&self.store.pool, *finding, &what, run.id, now).await?,
                Err(OfferError::Store(e)) => return Err(e),
                Err(e) => tracing::warn!(error = %e, what, "a flow could not be told what was found"),
            }
        }
        self.engine.wake();
        Ok(())
    }

    /// What a flow is told, and that in a sentence; none: the ids are none that a flow has.
    fn said(&self, act: &Act, run: Uuid, finding: Uuid) -> Result<Option<(NewItem, String)>, StoreError> {
        let (Act::LookAgain { invoice } | Act::BookRefund { invoice, .. }) = act;
        if !is_invoice(invoice) {
            return Ok(None);
        }
        let stream = SagaId::of_invoice(&self.organization, invoice);
        let written = |command: serde_json::Result<serde_json::Value>| {
            command.map_err(|e| StoreError::Refused(format!("a command cannot be written: {e}")))
        };
        let (saga, flow, kind, command, what) = match act {
            Act::LookAgain { invoice } => {
                let command = Command::Detected {
                    organization: self.organization.clone(),
                    installation: self.installation.clone(),
                    invoice: invoice.clone(),
                    subscription: None,
                    source: "reconciliation".to_owned(),
                    news: News::Changed,
                    card_link: None,
                };
                let what = format!("the flow of invoice {invoice} was told to look again");
                (stream, InvoicePayment::NAME, "look_again", written(serde_json::to_value(command))?, what)
            }
            Act::BookRefund { refund, transaction, invoice, amount } => {
                let wish = Wish {
                    key: format!("elsewhere:{refund}"),
                    installation: self.installation.clone(),
                    transaction: transaction.clone(),
                    invoice: invoice.clone(),
                    stream,
                    amount: *amount,
                    source: refund::Source::Forgive,
                    reason: "made_elsewhere".to_owned(),
                    by: "reconciliation".to_owned(),
                    approval: Approval::Rule,
                };
                let saga = wish.saga();
                let command = refund::Command::FoundOutside { wish: Box::new(wish), refund: refund.clone() };
                let what = format!("refund {refund} of {transaction} is being booked by {saga}");
                (saga, Refund::NAME, "book_refund", written(serde_json::to_value(command))?, what)
            }
        };
        let item = NewItem {
            saga,
            saga_kind: flow.to_owned(),
            kind: format!("reconciliation.{kind}"),
            principal: "reconciliation".to_owned(),
            body: Body::Saga { command }.text(),
            waiting_key: None,
            idempotency_key: Some(format!("reconciliation:{run}:{finding}")),
        };
        Ok(Some((item, what)))
    }
}

/// What of our books can be judged by what was read: what was shown, and what was asked for by its id. What came after
/// that is the next run's.
fn of_what_was_read(books: &Books) -> Vec<Booked> {
    let shown: BTreeSet<&str> = books.sales.iter().map(|sale| sale.id.as_str()).collect();
    let read = |id: &str| shown.contains(id) || books.asked.contains(id);
    books.booked.iter().filter(|booked| read(&booked.transaction)).cloned().collect()
}

/// What a leg saw, each code and key once: as it is kept.
fn distinct(seen: &[Seen]) -> impl Iterator<Item = &Seen> {
    let mut keys = BTreeSet::new();
    seen.iter().filter(move |seen| keys.insert((seen.found.code, seen.found.key.clone())))
}

/// Which findings are over when they are not seen. Whole lists show everything, whatever its age.
fn scope(judged: &Judged, run: &Run, of_keys: bool) -> Scope {
    let from = match judged.leg {
        // Nothing but what was seen to agree.
        _ if of_keys => run.to + TimeDelta::days(36_500),
        Leg::R1 | Leg::R2 | Leg::R9 => run.from,
        Leg::R3 | Leg::R4 | Leg::R7 | Leg::R13 | Leg::Ageing | Leg::Flows => DateTime::UNIX_EPOCH,
    };
    let except = judged.open.iter().map(|open| open.key.clone()).collect();
    Scope { leg: judged.leg, from, agreed: judged.agreed.clone(), except }
}

/// The report with what the findings became, as text.
fn told(mut report: Report, seen: &[Seen], changes: &Changes) -> String {
    let listed = distinct(seen).zip(&changes.seen).map(|(Seen { found, .. }, (id, change, standing, _))| Listed {
        id: Some(*id),
        title: found.code.to_string(),
        code: found.code.as_str(),
        key: found.key.clone(),
        severity: found.severity,
        change: (*change).to_owned(),
        state: standing.as_str().to_owned(),
        about: found.about.clone(),
        left: found.left.clone(),
        right: found.right.clone(),
        at_risk: found.at_risk,
        difference: found.difference.clone(),
        detail: found.detail.clone(),
        dated: found.dated,
    });
    report.findings = listed.collect();
    report.findings.sort_by(|one, other| {
        let risk = |listed: &Listed| listed.at_risk.map_or(0, |amount| amount.minor);
        (one.severity, -risk(one), &one.code, &one.key).cmp(&(other.severity, -risk(other), &other.code, &other.key))
    });
    let over = changes.resolved.iter().map(|(id, code, key)| Over { id: *id, code: code.clone(), key: key.clone() });
    report.resolved = over.collect();
    serde_json::to_string(&report).expect("ids, amounts, times and texts always make JSON")
}
