//! Makes the calls of a step, and turns what the vendors show into what the kernel compares. Nothing personal is kept.

use super::work::{IDS, INVOICES, Step, Trouble, Work, is_transaction, legs};
use super::{AGAIN, Reconciler};
use crate::connectors::braintree::books::{Booked, Span};
use crate::connectors::zoho::{Asked, ListedInvoice, ListedSubscription, Order};
use crate::port::{Beside, Call};
use crate::store::StoreError;
use crate::store::reconciliation::{self, Read, Run};
use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use futures::TryStreamExt as _;
use sagas::kernel::answer::{Answer, Invoice, TransactionStatus};
use sagas::kernel::effect::{self, Effect};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Outcome, RejectionKind};
use sagas::kernel::reconciliation::charges::Sale;
use sagas::kernel::reconciliation::receivables::Shown as ShownInvoice;
use sagas::kernel::reconciliation::recording::{Detailed, Recorded, invoice_of};
use sagas::kernel::reconciliation::subscriptions::Shown as ShownSubscription;
use sagas::kernel::reconciliation::{Leg, charges};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where what was read is kept.
pub(super) mod kept {
    pub(crate) const SALE: &str = "sale";
    /// Ids of ours that were asked for one by one.
    pub(crate) const ASKED: &str = "asked";
    pub(crate) const INVOICE: &str = "invoice";
    pub(crate) const DETAIL: &str = "detail";
    pub(crate) const SUBSCRIPTION: &str = "subscription";
}

/// A row of the list of invoices.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) shown: ShownInvoice,
    /// When it was changed last, as Zoho writes it: compared, never reckoned with.
    pub(super) changed: String,
}

impl Reconciler {
    /// What a step reads. What follows from it is put into the plan.
    pub(super) async fn read(&self, run: &Run, work: &mut Work, step: &Step) -> Result<Vec<Read>, Trouble> {
        match step {
            Step::SalesOf { from, to } => {
                let span = Span::Created(*from, *to);
                let ids = self.connectors.braintree.transaction_ids(span, self.call_limit).await.map_err(said)?;
                let parts = ids.chunks(IDS).map(|ids| Step::Sales { from: *from, to: *to, ids: ids.to_vec() });
                work.next(parts.collect());
                Ok(Vec::new())
            }
            Step::Sales { from, to, ids } => {
                let parts = self.connectors.braintree.booked(Span::Created(*from, *to), ids.clone(), self.call_limit);
                let parts: Vec<Vec<Booked>> = parts.try_collect().await.map_err(said)?;
                Ok(parts
                    .iter()
                    .flatten()
                    .map(|booked| one(kept::SALE, &booked.transaction.id, &sale(booked)))
                    .collect())
            }
            Step::MissingSales => {
                let day = self.zone.from_utc_datetime(&run.from.naive_utc()).date_naive();
                let booked = reconciliation::booked(&self.store.pool, &[], Some(day), false).await?;
                let standing = reconciliation::standing_ids(&self.store.pool, &[Leg::R1, Leg::R2, Leg::R9]).await?;
                let standing = standing.into_iter().filter(|id| is_transaction(id));
                let shown: BTreeSet<String> =
                    self.kept::<Sale>(run, kept::SALE).await?.into_iter().map(|sale| sale.id).collect();
                let missing: BTreeSet<String> =
                    booked.into_iter().map(|booked| booked.transaction).chain(standing).collect();
                let missing: Vec<String> = missing.difference(&shown).cloned().collect();
                work.next(missing.chunks(IDS).map(|ids| Step::SalesById { ids: ids.to_vec() }).collect());
                Ok(missing.iter().map(|id| one(kept::ASKED, id, id)).collect())
            }
            Step::SalesById { ids } => {
                let found = self.connectors.braintree.booked_by_id(ids, self.call_limit).await.map_err(said)?;
                Ok(found.iter().map(|booked| one(kept::SALE, &booked.transaction.id, &sale(booked))).collect())
            }
            Step::Invoices { page } => {
                let listed = self.connectors.zoho.list_invoices(self.asked(*page)).await.map_err(|e| answered(&e))?;
                work.next(listed.next.map(|page| Step::Invoices { page }).into_iter().collect());
                Ok(listed.items.into_iter().map(|item| one(kept::INVOICE, &item.id.clone(), &row(item))).collect())
            }
            Step::ChooseInvoices => self.choose(run, work).await,
            Step::InvoiceDetails { invoices } => self.details(run, invoices).await,
            Step::Subscriptions { page } => {
                let listed = self.connectors.zoho.list_all_subscriptions(self.asked(*page)).await;
                let listed = listed.map_err(|e| answered(&e))?;
                work.next(listed.next.map(|page| Step::Subscriptions { page }).into_iter().collect());
                let items = listed.items.into_iter();
                Ok(items.map(|item| one(kept::SUBSCRIPTION, &item.id.clone(), &subscription(item))).collect())
            }
            Step::Judge => Ok(Vec::new()),
        }
    }

    /// The newest first: where the share ends before the list does, what is old stays unread.
    fn asked(&self, page: u32) -> Asked {
        Asked { page, order: Order::NewestFirst, time_limit: self.call_limit }
    }

    /// What was read of a source.
    ///
    /// # Errors
    /// The database cannot be reached, or holds what this release did not write.
    pub(super) async fn kept<T: DeserializeOwned>(&self, run: &Run, source: &str) -> Result<Vec<T>, StoreError> {
        let texts = reconciliation::reads(&self.store.pool, run.id, source).await?;
        let read = texts.iter().map(|text| {
            serde_json::from_str(text).map_err(|e| StoreError::Unreadable(format!("what was read of {source}: {e}")))
        });
        read.collect()
    }

    /// Which invoices are read whole: those that were charged, and those that changed in the window; but not again what was
    /// read before and has not changed since.
    async fn choose(&self, run: &Run, work: &mut Work) -> Result<Vec<Read>, Trouble> {
        let sales: Vec<Sale> = self.kept(run, kept::SALE).await?;
        let ids: Vec<String> = sales.iter().map(|sale| sale.id.clone()).collect();
        let booked = reconciliation::booked(&self.store.pool, &ids, None, false).await?;
        let booked: BTreeMap<&str, &charges::Booked> =
            booked.iter().map(|booked| (booked.transaction.as_str(), booked)).collect();
        let prefix = self.prefix();
        let mut wanted: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        // Booked, and standing no more: what Zoho shows of it now decides, never what it showed before.
        let mut doubtful = BTreeSet::new();
        for sale in sales.iter().filter(|sale| !sale.held && !sale.is_credit) {
            let booked = booked.get(sale.id.as_str()).copied();
            if !sale.stands && booked.is_none_or(|booked| booked.captured.minor == 0) {
                continue;
            }
            if let Some(invoice) = invoice_of(sale, booked, &prefix) {
                wanted.entry(invoice.to_owned()).or_default().push(&sale.id);
                if !sale.stands {
                    doubtful.insert(invoice.to_owned());
                }
            }
        }
        let rows: Vec<Row> = self.kept(run, kept::INVOICE).await?;
        let rows: BTreeMap<String, Row> = rows.into_iter().map(|row| (row.shown.id.clone(), row)).collect();
        let changed = |row: &&Row| {
            let lives = !matches!(row.shown.status.as_str(), "draft" | "pending" | "void");
            lives && row.shown.changed_at.is_some_and(|at| at >= run.from)
        };
        let beside: Vec<String> = rows.values().filter(changed).map(|row| row.shown.id.clone()).collect();
        let all: Vec<String> = wanted.keys().cloned().chain(beside).collect();
        let before = reconciliation::invoice_content(&self.store.pool, &all).await?;
        let before: BTreeMap<String, (String, String)> =
            before.into_iter().map(|(invoice, changed, content)| (invoice, (changed, content))).collect();
        let has_list = legs(run).contains(&Leg::R3);
        let (mut read, mut again, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for invoice in all.iter().filter(|invoice| seen.insert((*invoice).clone())) {
            let good = before.get(invoice).filter(|(changed, content)| match rows.get(invoice) {
                Some(row) => !changed.is_empty() && *changed == row.changed,
                // Without the list: what shows the records of its sales showed them when it was read.
                None => {
                    !has_list
                        && !doubtful.contains(invoice)
                        && wanted.get(invoice).is_some_and(|sales| shows(content, sales))
                }
            });
            match good {
                Some((_, content)) => {
                    let content = content.clone();
                    read.push(Read { source: kept::DETAIL, key: invoice.clone(), content });
                }
                None => again.push(invoice.clone()),
            }
        }
        work.next(again.chunks(INVOICES).map(|ids| Step::InvoiceDetails { invoices: ids.to_vec() }).collect());
        Ok(read)
    }

    async fn details(&self, run: &Run, invoices: &[String]) -> Result<Vec<Read>, Trouble> {
        let rows: Vec<Row> = self.kept(run, kept::INVOICE).await?;
        let rows: BTreeMap<&str, &Row> = rows.iter().map(|row| (row.shown.id.as_str(), row)).collect();
        let (mut read, mut keep) = (Vec::new(), Vec::new());
        for invoice in invoices {
            let Some(found) = self.invoice(invoice).await? else { continue };
            let detail = one(kept::DETAIL, invoice, &detailed(found));
            let changed = rows.get(invoice.as_str()).map(|row| row.changed.clone()).unwrap_or_default();
            keep.push((invoice.clone(), changed, detail.content.clone()));
            read.push(detail);
        }
        reconciliation::keep_invoices(&self.store.pool, &keep, self.clock.now()).await?;
        Ok(read)
    }

    /// An invoice; none: Zoho has none such.
    async fn invoice(&self, invoice: &str) -> Result<Option<Invoice>, Trouble> {
        let now = self.clock.now();
        let read = effect::Zoho::ReadInvoice { invoice: invoice.to_owned() };
        let call = Call {
            saga: SagaId::of_invoice(&self.organization, invoice),
            step: "reconcile".to_owned(),
            attempt: 1,
            effect: Effect::Zoho(read.clone()),
            requested_at: now,
            sent_at: None,
            now,
            time_limit: self.call_limit,
            beside: Beside::default(),
        };
        match self.connectors.zoho.perform(&call, &read).await.outcome {
            Outcome::Done { answer: Answer::Invoice(invoice) } => Ok(Some(*invoice)),
            Outcome::Rejected { rejection } if rejection.kind == RejectionKind::NotFound => Ok(None),
            other => Err(answered(&other)),
        }
    }

    /// How our order ids begin.
    pub(super) fn prefix(&self) -> String {
        format!("{}.", self.installation.as_str())
    }
}

/// The invoice that was read shows a payment of each of these sales.
fn shows(content: &str, sales: &[&str]) -> bool {
    let read: Result<Detailed, _> = serde_json::from_str(content);
    read.is_ok_and(|read| sales.iter().all(|sale| read.payments.iter().any(|payment| payment.reference == *sale)))
}

fn one(source: &'static str, key: &str, content: &impl Serialize) -> Read {
    let content = serde_json::to_string(content).expect("ids, amounts and times always make JSON");
    Read { source, key: key.to_owned(), content }
}

fn sale(booked: &Booked) -> Sale {
    let of = &booked.transaction;
    let status = serde_json::to_value(&of.status).ok().and_then(|word| word.as_str().map(str::to_owned));
    let pending = matches!(of.status, TransactionStatus::Authorizing);
    Sale {
        id: of.id.clone(),
        order_id: of.order_id.clone(),
        amount: of.amount,
        status: status.unwrap_or_else(|| format!("{:?}", of.status)),
        stands: of.status.is_approved() || pending,
        held: pending || of.status == TransactionStatus::Authorized,
        is_credit: booked.is_credit,
        refund_of: booked.refund_of.clone(),
        subscription: booked.subscription.clone(),
        created_at: of.created_at,
    }
}

/// Zoho's instant, as its rows write it.
fn instant(text: Option<&str>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text?, "%Y-%m-%dT%H:%M:%S%z").ok().map(|at| at.to_utc())
}

fn row(item: ListedInvoice) -> Row {
    Row {
        shown: ShownInvoice {
            changed_at: instant(item.changed_at.as_deref()),
            id: item.id,
            customer: item.customer,
            status: item.status.unwrap_or_default(),
            total: item.total,
            balance: item.balance,
            tax: None,
            made_at: item.made_at,
        },
        changed: item.changed_at.unwrap_or_default(),
    }
}

fn detailed(invoice: Invoice) -> Detailed {
    let payment = |payment: sagas::kernel::answer::InvoicePayment| Recorded {
        id: payment.id,
        reference: payment.reference,
        amount: payment.amount,
    };
    Detailed {
        id: invoice.id,
        status: invoice.status,
        total: invoice.total,
        balance: invoice.balance,
        tax: invoice.tax,
        payments: invoice.payments.into_iter().map(payment).collect(),
    }
}

fn subscription(item: ListedSubscription) -> ShownSubscription {
    ShownSubscription {
        id: item.id,
        status: item.status.unwrap_or_default(),
        auto_collect: item.auto_collect,
        reference: item.reference.unwrap_or_default(),
        next_billing_on: item.next_billing_on,
    }
}

fn said(why: String) -> Trouble {
    Trouble::Vendor { why, again_after: None, sent: true }
}

/// Why a read came to nothing, and when it is worth trying again.
fn answered(outcome: &Outcome) -> Trouble {
    let (why, seconds) = match outcome {
        Outcome::NotSent { detail, retry_after_seconds, .. } => (detail.clone(), *retry_after_seconds),
        Outcome::Unknown { detail } => (detail.clone(), None),
        Outcome::Rejected { rejection } => (format!("{}: {}", rejection.code, rejection.message), None),
        Outcome::Done { .. } | Outcome::Declined { .. } => ("the answer is of another kind".to_owned(), None),
    };
    let again_after = seconds.map(|seconds| TimeDelta::seconds(i64::from(seconds)).max(AGAIN));
    Trouble::Vendor { why, again_after, sent: !matches!(outcome, Outcome::NotSent { .. }) }
}
