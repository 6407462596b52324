//! What the gateway's books show, for who compares them with ours: transactions by when they were made, settled or paid
//! out, sums of a settlement day, disputes, plans, a customer's subscriptions. Reads only. A list that is not complete is an
//! error, never a shorter list.

use super::judge::{self, Shown};
use super::wire::{self, plain};
use super::xml::{Body, Node, Unreadable};
use super::{Braintree, disputes, search};
use crate::port::{Call, Report};
use chrono::{DateTime, NaiveDate, Utc};
use futures::{Stream, StreamExt as _, stream};
use iso_currency::Currency;
use reqwest::Method;
use sagas::kernel::answer::{Answer, Dispute, Transaction};
use sagas::kernel::money::{self, Money};
use sagas::kernel::outcome::{NotSent, Outcome};
use sagas::kernel::payout::{Fate, PaidOut};
use std::time::Duration;

/// Which transactions are wanted. The gateway takes the beginning of a span with it and the end not, give or take a minute:
/// spans that touch can show a transaction twice, and miss none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Made in that time (UTC).
    Created(DateTime<Utc>, DateTime<Utc>),
    /// Settled in that time (UTC).
    Settled(DateTime<Utc>, DateTime<Utc>),
    /// Paid out to the bank on these days, the last one included.
    Disbursed(NaiveDate, NaiveDate),
}

/// A transaction with what the books say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booked {
    /// The transaction.
    pub transaction: Transaction,
    /// It gives money back.
    pub is_credit: bool,
    /// Of a refund: the sale that it gives back.
    pub refund_of: Option<String>,
    /// Ids of its refunds.
    pub refunds: Vec<String>,
    /// Ids of its disputes.
    pub disputes: Vec<String>,
    /// The gateway's own subscription that charged it.
    pub subscription: Option<String>,
    /// The settlement batch.
    pub batch: Option<String>,
    /// When it settled (UTC).
    pub settled_at: Option<DateTime<Utc>>,
    /// Its part in a payout.
    pub disbursed: Option<Disbursed>,
}

/// A transaction's part in a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disbursed {
    /// Day of the payout.
    pub on: NaiveDate,
    /// What was paid out, in the payout's currency.
    pub amount: Money,
    /// What one unit of the transaction's currency came to, as the gateway writes it.
    pub rate: Option<String>,
    /// It was held back.
    pub is_held: bool,
    /// The bank sent it back.
    pub is_returned: bool,
}

/// One line of a day's settlement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Merchant account.
    pub merchant_account: String,
    /// Brand of the cards, or another kind of payment.
    pub card_type: String,
    /// Sales or refunds.
    pub is_credit: bool,
    /// How many.
    pub count: u32,
    /// Their sum; never below zero.
    pub amount: Money,
}

/// A plan of the gateway's recurring billing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Plan id.
    pub id: String,
    /// Price of one term.
    pub price: Money,
    /// Months of one term.
    pub months: u32,
}

impl Braintree {
    /// Ids of all transactions of a span, newest first. Whoever keeps them can go on where a reading stopped.
    ///
    /// # Errors
    /// The gateway did not answer in full; a sentence for a person.
    pub async fn transaction_ids(&self, span: Span, time_limit: Duration) -> Result<Vec<String>, String> {
        Ok(search::ids(self, time_limit, &|search: &mut Body| span.write(search)).await?.0)
    }

    /// These transactions of that span, some at a time, in the order of their ids. Each part is whole or an error; after an
    /// error the ids that were not shown can be asked for again.
    #[allow(clippy::needless_pass_by_value, reason = "the stream outlives the list")]
    pub fn booked(
        &self,
        span: Span,
        ids: Vec<String>,
        time_limit: Duration,
    ) -> impl Stream<Item = Result<Vec<Booked>, String>> + '_ {
        let parts: Vec<Vec<String>> = ids.chunks(search::PAGE_SIZE).map(<[String]>::to_vec).collect();
        stream::iter(parts).then(move |ids| async move {
            let criteria = |search: &mut Body| span.write(search);
            let nodes = search::whole_slice(self, time_limit, &criteria, &ids).await?;
            let mut read = nodes.iter().map(booked).collect::<Result<Vec<_>, _>>()?;
            read.sort_by_key(|one| ids.iter().position(|id| *id == one.transaction.id));
            Ok(read)
        })
    }

    /// These transactions, whenever they were made, in the order of their ids. One that the gateway does not show is left out:
    /// an answer without it is whole.
    ///
    /// # Errors
    /// The gateway did not answer in full; a sentence for a person.
    pub async fn booked_by_id(&self, ids: &[String], time_limit: Duration) -> Result<Vec<Booked>, String> {
        let nodes = search::slice(self, time_limit, &|_: &mut Body| {}, ids).await?;
        let mut read = nodes.iter().map(booked).collect::<Result<Vec<_>, _>>()?;
        read.sort_by_key(|one| ids.iter().position(|id| *id == one.transaction.id));
        Ok(read)
    }

    /// Which transactions a merchant account was paid out on a day: ids alone.
    pub(super) async fn payout_list(&self, call: &Call, account: &str, day: NaiveDate) -> Report {
        let criteria = |search: &mut Body| in_payout(search, account, day);
        match search::ids(self, call.time_limit, &criteria).await {
            Ok((transactions, _)) => Outcome::Done { answer: Answer::PayoutListed { transactions } }.into(),
            Err(detail) => again(detail),
        }
    }

    /// Some of them. What is not in that payout any more is left out.
    pub(super) async fn payout(&self, call: &Call, account: &str, day: NaiveDate, ids: &[String]) -> Report {
        let criteria = |search: &mut Body| in_payout(search, account, day);
        let nodes = match search::slice(self, call.time_limit, &criteria, ids).await {
            Ok(nodes) => nodes,
            Err(detail) => return again(detail),
        };
        let read: Result<Vec<Booked>, String> = nodes.iter().map(booked).collect();
        match read {
            Ok(read) => {
                let is_in = |one: &Booked| one.transaction.merchant_account == account;
                let items = read.into_iter().filter(is_in).filter_map(|one| paid_out(one, day)).collect();
                Outcome::Done { answer: Answer::PaidOut { items } }.into()
            }
            Err(detail) => again(detail),
        }
    }

    /// What settled on a day of the gateway's own time zone, by merchant account and card.
    ///
    /// # Errors
    /// As above; or a line is of a merchant account that is not configured, so that its currency is not known.
    pub async fn settlement(&self, day: NaiveDate, time_limit: Duration) -> Result<Vec<Settled>, String> {
        let body = Body::document("settlement_batch_summary", |body| body.text("settlement_date", &day.to_string()));
        let path = ["settlement_batch_summary"];
        let request = self.request("braintree.settlement", Method::POST, &path).body("application/xml", body);
        let root = self.shown(request, "settlement-batch-summary", time_limit).await?;
        root.items("records").map(|record| self.settled(record)).collect()
    }

    /// Disputes that came in on these days, the last one included.
    ///
    /// # Errors
    /// As above.
    pub async fn disputes(&self, from: NaiveDate, to: NaiveDate, time_limit: Duration) -> Result<Vec<Dispute>, String> {
        let criteria = |search: &mut Body| {
            search.group("received_date", |range| {
                range.day("min", from);
                range.day("max", to);
            });
        };
        let mut all: Vec<Dispute> = Vec::new();
        for page in 1_u32.. {
            let body = Body::document("search", criteria);
            let request = self.request("braintree.search", Method::POST, &["disputes", "advanced_search"]);
            let request = request.query("page", &page.to_string()).body("application/xml", body);
            let root = self.shown(request, "disputes", time_limit).await?;
            let shown = root.children.iter().filter(|child| child.name == "dispute");
            let shown = shown.map(disputes::dispute).collect::<Result<Vec<_>, _>>();
            let shown = shown.map_err(|error| format!("a dispute cannot be used: {error}"))?;
            let total = root.number("total-items").ok_or("the answer does not say how many disputes there are")?;
            let is_last = shown.is_empty();
            // The list moves while it is read: one that moved on to the next page is shown twice.
            all.extend(shown);
            all.sort_by(|one, other| one.id.cmp(&other.id));
            all.dedup_by(|one, other| one.id == other.id);
            if usize::try_from(total).is_ok_and(|total| all.len() >= total) {
                return Ok(all);
            }
            if is_last {
                return Err(format!("the gateway names {total} disputes and shows {}", all.len()));
            }
        }
        Ok(all)
    }

    /// All plans.
    ///
    /// # Errors
    /// As above.
    pub async fn plans(&self, time_limit: Duration) -> Result<Vec<Plan>, String> {
        let root = self.shown(self.request("braintree.plans", Method::GET, &["plans"]), "plans", time_limit).await?;
        root.children.iter().map(|node| plan(node).map_err(|why| format!("a plan cannot be used: {why}"))).collect()
    }

    /// Ids of all subscriptions of a customer, those that are over too. The gateway's search knows none by customer: they
    /// hang on the customer's payment methods.
    ///
    /// # Errors
    /// As above; or there is no such customer.
    pub async fn subscriptions_of(&self, customer: &str, time_limit: Duration) -> Result<Vec<String>, String> {
        if !super::is_path_id(customer) {
            return Err("the customer's id is none of the gateway's".to_owned());
        }
        let request = self.request("braintree.read_customer", Method::GET, &["customers", customer]);
        let root = self.shown(request, "customer", time_limit).await?;
        let methods = root.children.iter().flat_map(|list| &list.children);
        let subscriptions = methods.flat_map(|method| method.items("subscriptions"));
        let mut ids: Vec<String> = subscriptions.filter_map(|one| one.text_of("id")).map(str::to_owned).collect();
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    async fn shown(&self, request: super::Request, root: &str, time_limit: Duration) -> Result<Node, String> {
        let mut reply = self.http.send(request, time_limit).await.map_err(|failure| failure.to_string())?;
        // A summary is made: some of the gateway's answers to that say so.
        if reply.status.as_u16() == 201 {
            reply.status = reqwest::StatusCode::OK;
        }
        match judge::shown(&reply) {
            Shown::Object(node) if node.name == root => Ok(node),
            Shown::Object(_) => Err(format!("the gateway answered with something else than {root}")),
            Shown::Missing => Err(format!("the gateway has no such {root}")),
            Shown::Unread(outcome) => Err(match super::unclear(outcome) {
                sagas::kernel::outcome::Look::Unclear { detail } => detail,
                _ => "the gateway gave no usable answer".to_owned(),
            }),
        }
    }

    fn settled(&self, record: &Node) -> Result<Settled, String> {
        let read = || {
            let text = |name| record.required(name).map(plain);
            Ok::<_, Unreadable>((
                text("merchant-account-id")?,
                text("card-type")?,
                text("kind")?,
                text("amount-settled")?,
            ))
        };
        let (merchant_account, card_type, kind, amount) =
            read().map_err(|error| format!("a line of the settlement cannot be used: {error}"))?;
        let currency = self.currency_of(&merchant_account).ok_or_else(|| {
            format!("the settlement names the merchant account {merchant_account}, which is not configured: add it")
        })?;
        let amount =
            Money::parse(&amount, currency).map_err(|error| format!("a settled sum cannot be used: {error}"))?;
        let count = record.number("count").ok_or("a line of the settlement has no count")?;
        Ok(Settled { merchant_account, card_type, is_credit: kind == "credit", count, amount })
    }
}

impl Span {
    fn write(self, search: &mut Body) {
        let range = |search: &mut Body, name, from, to| {
            search.group(name, |range| {
                range.time("min", from);
                range.time("max", to);
            });
        };
        match self {
            Self::Created(from, to) => range(search, "created_at", from, to),
            Self::Settled(from, to) => range(search, "settled_at", from, to),
            Self::Disbursed(from, to) => search.group("disbursement_date", |range| {
                range.day("min", from);
                range.day("max", to);
            }),
        }
    }
}

/// A merchant account's payout of a day.
fn in_payout(search: &mut Body, account: &str, day: NaiveDate) {
    search.list("merchant_account_id", &[account.to_owned()]);
    Span::Disbursed(day, day).write(search);
}

/// A read that came to nothing: it may simply be made again.
fn again(detail: String) -> Report {
    Outcome::NotSent { cause: NotSent::Again, detail, retry_after_seconds: None }.into()
}

/// `None`: it is not in that day's payout.
fn paid_out(of: Booked, day: NaiveDate) -> Option<PaidOut> {
    let disbursed = of.disbursed.filter(|disbursed| disbursed.on == day)?;
    let fate = match (disbursed.is_returned, disbursed.is_held) {
        (true, _) => Fate::Returned,
        (false, true) => Fate::Held,
        (false, false) => Fate::Paid,
    };
    Some(PaidOut {
        transaction: of.transaction.id,
        order_id: of.transaction.order_id,
        refund_of: of.refund_of,
        is_credit: of.is_credit,
        amount: of.transaction.amount,
        paid: disbursed.amount,
        fate,
    })
}

/// Reads a transaction with what the books say of it.
fn booked(node: &Node) -> Result<Booked, String> {
    let transaction = wire::transaction(node).map_err(|error| format!("a transaction cannot be used: {error}"))?;
    let text = |name| node.text_of(name).map(str::to_owned);
    let id_of = |one: &Node| one.text_of("id").map(str::to_owned);
    let settled = node.items("status-history").find(|event| event.text_of("status") == Some("settled"));
    let disbursed = node.child("disbursement-details").and_then(|details| disbursed(details).transpose());
    Ok(Booked {
        is_credit: node.text_of("type") == Some("credit"),
        refund_of: text("refunded-transaction-id"),
        refunds: node.items("refund-ids").filter_map(Node::text).map(str::to_owned).collect(),
        disputes: node.items("disputes").filter_map(id_of).collect(),
        subscription: text("subscription-id"),
        batch: text("settlement-batch-id"),
        settled_at: settled.and_then(|event| event.time("timestamp").ok()),
        disbursed: disbursed.transpose().map_err(|why| format!("transaction {}: {why}", transaction.id))?,
        transaction,
    })
}

/// `None`: it was not paid out yet.
fn disbursed(details: &Node) -> Result<Option<Disbursed>, String> {
    let Some(on) = details.day("disbursement-date") else { return Ok(None) };
    let currency = details.text_of("settlement-currency-iso-code").unwrap_or_default();
    let amount = money::currency(currency)
        .and_then(|currency| Money::parse(details.text_of("settlement-amount").unwrap_or_default(), currency))
        .map_err(|error| format!("what was paid out cannot be used: {error}"))?;
    let rate = details.text_of("settlement-currency-exchange-rate").map(plain);
    let is_returned = details.text_of("success") == Some("false");
    Ok(Some(Disbursed { on, amount, rate, is_held: details.flag("funds-held"), is_returned }))
}

fn plan(node: &Node) -> Result<Plan, String> {
    let form = |error: Unreadable| error.to_string();
    let currency: Currency =
        money::currency(node.required("currency-iso-code").map_err(form)?).map_err(|e| e.to_string())?;
    Ok(Plan {
        id: node.required("id").map_err(form)?.to_owned(),
        price: Money::parse(node.required("price").map_err(form)?, currency).map_err(|error| error.to_string())?,
        months: node.number("billing-frequency").ok_or("it has no billing frequency")?,
    })
}
