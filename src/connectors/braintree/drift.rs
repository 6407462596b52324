//! Braintree held against what this connector assumes of it. Reads alone: besides GET only the gateway's searches and the
//! summary of a settlement day, which are sent with POST and change nothing.

use super::search::PAGE_SIZE;
use super::xml::{Body, Node};
use super::{Braintree, disputes, recurring, wire};
use crate::connectors::drift::{
    Field, Point, Progress, READ_LIMIT, Rows, Survey, System, Walked, day, flag, number, text, time, word,
};
use crate::connectors::http::{Reply, Request};
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use sagas::kernel::answer::{DisputeStatus, RecurringStatus, TransactionStatus};
use sagas::kernel::money::{self, Money};
use serde_json::Value;

/// How far back transactions, subscriptions and disputes are looked at.
const WINDOW: TimeDelta = TimeDelta::days(90);
/// How many of them are read.
const SAMPLE: usize = 20;

const ACCOUNT: &[Field] =
    &[text("id"), text("currency-iso-code"), word("status", |word| word == "active"), flag("default")];
const TRANSACTION: &[Field] = &[
    text("id"),
    word("status", |word| !matches!(wire::status(word), TransactionStatus::Other(_))),
    word("type", |word| matches!(word, "sale" | "credit")),
    number("amount"),
    text("currency-iso-code"),
    text("merchant-account-id"),
    time("created-at"),
    text("order-id").optional(),
    text("customer.id").optional(),
    text("credit-card.token").optional(),
    text("credit-card.card-type").optional(),
    text("credit-card.last-4").optional(),
    text("credit-card.unique-number-identifier").optional(),
    time("authorization-expires-at").optional(),
    word("processor-response-type", |word| matches!(word, "approved" | "soft_declined" | "hard_declined")).optional(),
];
const SUBSCRIPTION: &[Field] = &[
    text("id"),
    word("status", |word| !matches!(recurring::status(word), RecurringStatus::Other(_))),
    text("plan-id"),
    text("payment-method-token"),
    number("price"),
    text("merchant-account-id"),
    number("current-billing-cycle").optional(),
    day("next-billing-date").optional(),
    flag("never-expires"),
];
const DISPUTE: &[Field] = &[
    text("id"),
    word("status", |word| !matches!(disputes::status(word), DisputeStatus::Other(_))),
    text("currency-iso-code"),
    number("amount-disputed"),
    day("received-date"),
    day("reply-by-date").optional(),
    text("transaction.id"),
];
const PLAN: &[Field] = &[text("id"), number("price"), text("currency-iso-code"), number("billing-frequency")];
const SUMMARY: &[Field] = &[
    text("card-type"),
    number("count"),
    number("amount-settled"),
    word("kind", |word| matches!(word, "sale" | "credit")),
    text("merchant-account-id"),
];

/// A read that brought nothing to compare: what to note, and whether the vendor could be asked at all.
enum Blank {
    Unasked(String),
    Differs(String),
}

impl Rows for [Node] {
    fn count(&self) -> usize {
        self.len()
    }

    fn field(&self, row: usize, path: &str) -> Option<Value> {
        let mut at = self.get(row)?;
        for name in path.split('.') {
            at = at.child(name)?;
        }
        Some(at.text().map_or(Value::Null, Value::from))
    }
}

impl Braintree {
    /// Walks through what is read of the gateway.
    pub async fn drift(&self, now: DateTime<Utc>, progress: Progress<'_>) -> Walked {
        let mut survey = Survey::new(System::Braintree, progress);
        // What every later read needs: an address, a key pair, the right to read.
        if let Some(accounts) = self.accounts(&mut survey, now).await {
            self.compare_accounts(&mut survey, &accounts);
            self.plan_rows(&mut survey).await;
            self.transaction_rows(&mut survey, now).await;
            self.subscription_rows(&mut survey, now).await;
            self.dispute_rows(&mut survey, now).await;
            self.summary_rows(&mut survey, now).await;
        }
        survey.done()
    }

    async fn accounts(&self, survey: &mut Survey<'_>, now: DateTime<Utc>) -> Option<Vec<Node>> {
        const CHECK: &str = "merchant accounts";
        survey.asks(CHECK);
        let request = self.request("braintree.drift", Method::GET, &["merchant_accounts"]).query("page", "1");
        match self.read_root(request, "merchant-accounts").await {
            Ok((reply, root)) => {
                survey.same("reachable", "answers with our credentials");
                survey.headers(&reply, now);
                let paged = root.number("total-items").is_some() && root.number("page-size").is_some();
                let cure = "further pages would not be read";
                survey.holds("pages of merchant accounts", paged, "total-items and page-size", cure);
                let rows = items(root, "merchant-account");
                survey.shape(CHECK, rows.as_slice(), ACCOUNT);
                Some(rows)
            }
            Err(Blank::Unasked(why)) => {
                survey.unasked("reachable", why);
                None
            }
            Err(Blank::Differs(found)) => {
                survey.unasked("reachable", format!("{found}: check the merchant id, the keys and their rights"));
                None
            }
        }
    }

    fn compare_accounts(&self, survey: &mut Survey<'_>, rows: &[Node]) {
        for (currency, account) in &self.config.merchant_accounts {
            let shown = rows.iter().find(|row| row.text_of("id") == Some(account));
            let (is_there, theirs) = (shown.is_some(), shown.and_then(|row| row.text_of("currency-iso-code")));
            let check = format!("merchant account of {}", currency.code());
            let found =
                if is_there { format!("is of {}", theirs.unwrap_or("no currency")) } else { "is not there".to_owned() };
            let cure = "correct BRAINTREE_MERCHANT_ACCOUNTS: the account sets the currency of a sale";
            survey.holds(&check, theirs == Some(currency.code()), found, cure);
        }
    }

    async fn plan_rows(&self, survey: &mut Survey<'_>) {
        const CHECK: &str = "plans";
        survey.asks(CHECK);
        let request = self.request("braintree.drift", Method::GET, &["plans"]);
        if let Some((_, root)) = self.shown_or_noted(survey, CHECK, request, "plans").await {
            let rows = items(root, "plan");
            survey.shape(CHECK, rows.as_slice(), PLAN);
            amounts(survey, "amounts of plans", &rows, "price");
        }
    }

    async fn transaction_rows(&self, survey: &mut Survey<'_>, now: DateTime<Utc>) {
        const CHECK: &str = "transactions";
        let root = "credit-card-transactions";
        let Some(rows) = self.found(survey, CHECK, (root, "transaction"), now).await else { return };
        survey.shape(CHECK, rows.as_slice(), TRANSACTION);
        amounts(survey, "amounts of transactions", &rows, "amount");
        let mut holds = rows.iter().filter(|row| row.text_of("status") == Some("authorized")).peekable();
        if holds.peek().is_some() {
            let all = holds.all(|row| row.time("authorization-expires-at").is_ok());
            survey.settle(Point::HoldEnd, if all { "it tells" } else { "not every one tells" });
        }
    }

    async fn subscription_rows(&self, survey: &mut Survey<'_>, now: DateTime<Utc>) {
        const CHECK: &str = "subscriptions";
        if let Some(rows) = self.found(survey, CHECK, (CHECK, "subscription"), now).await {
            survey.shape(CHECK, rows.as_slice(), SUBSCRIPTION);
        }
    }

    async fn dispute_rows(&self, survey: &mut Survey<'_>, now: DateTime<Utc>) {
        const CHECK: &str = "disputes";
        survey.asks(CHECK);
        let body = Body::document("search", |search| {
            search.group("received_date", |range| range.day("min", (now - WINDOW).date_naive()));
        });
        let request = self.request("braintree.drift", Method::POST, &["disputes", "advanced_search"]);
        let request = request.query("page", "1").body("application/xml", body);
        if let Some((_, root)) = self.shown_or_noted(survey, CHECK, request, CHECK).await {
            let paged = root.number("total-items").is_some();
            survey.holds("pages of disputes", paged, "total-items", "the end of the list is not known without it");
            survey.shape(CHECK, items(root, "dispute").as_slice(), DISPUTE);
        }
    }

    async fn summary_rows(&self, survey: &mut Survey<'_>, now: DateTime<Utc>) {
        const CHECK: &str = "settlement batch summary";
        survey.asks(CHECK);
        let day = (now - TimeDelta::days(1)).date_naive().to_string();
        let body = Body::document("settlement_batch_summary", |body| body.text("settlement_date", &day));
        let request = self.request("braintree.drift", Method::POST, &["settlement_batch_summary"]);
        let request = request.body("application/xml", body);
        if let Some((reply, mut root)) = self.shown_or_noted(survey, CHECK, request, "settlement-batch-summary").await {
            survey.settle(Point::SummaryStatus, reply.status.as_u16().to_string());
            let records = root.take("records").map(|records| records.children).unwrap_or_default();
            survey.shape(CHECK, records.as_slice(), SUMMARY);
        }
    }

    /// Both phases of a search over what was made lately; the newest of it.
    async fn found(
        &self,
        survey: &mut Survey<'_>,
        collection: &str,
        (root, item): (&str, &str),
        now: DateTime<Utc>,
    ) -> Option<Vec<Node>> {
        survey.asks(collection);
        let search = |ids: &[String]| {
            Body::document("search", |search| {
                search.group("created_at", |range| range.time("min", now - WINDOW));
                if !ids.is_empty() {
                    search.list("ids", ids);
                }
            })
        };
        let ask = |phase: &str, body: String| {
            self.request("braintree.drift", Method::POST, &[collection, phase]).body("application/xml", body)
        };
        let check = format!("search of {collection}");
        let named = ask("advanced_search_ids", search(&[]));
        let (reply, named) = self.shown_or_noted(survey, &check, named, "search-results").await?;
        survey.settle(Point::SearchStatus, reply.status.as_u16().to_string());
        let slice = named.number("page-size").unwrap_or_default();
        survey.settle(Point::SearchSlice, slice.to_string());
        let usual = usize::try_from(slice).is_ok_and(|slice| slice == PAGE_SIZE) && named.child("ids").is_some();
        survey.holds(&check, usual, format!("a list of ids, {slice} in a slice"), "the gateway's own size is used");
        let ids: Vec<String> = named.items("ids").filter_map(Node::text).take(SAMPLE).map(str::to_owned).collect();
        if ids.is_empty() {
            survey.empty(collection);
            return None;
        }
        let (_, shown) = self.shown_or_noted(survey, collection, ask("advanced_search", search(&ids)), root).await?;
        Some(items(shown, item))
    }

    /// The answer's root element; what came instead is noted.
    async fn shown_or_noted(
        &self,
        survey: &mut Survey<'_>,
        check: &str,
        request: Request,
        root: &str,
    ) -> Option<(Reply, Node)> {
        match self.read_root(request, root).await {
            Ok(shown) => return Some(shown),
            Err(Blank::Unasked(why)) => survey.unasked(check, why),
            Err(Blank::Differs(found)) => {
                survey.differs(check, found, "compare the key's rights and the gateway's documentation");
            }
        }
        None
    }

    async fn read_root(&self, request: Request, root: &str) -> Result<(Reply, Node), Blank> {
        let reply = self.http.send(request, READ_LIMIT).await.map_err(|why| Blank::Unasked(why.to_string()))?;
        let status = reply.status;
        if status.is_server_error() || status.as_u16() == 429 {
            return Err(Blank::Unasked(format!("the gateway answered {status}")));
        }
        if !status.is_success() {
            return Err(Blank::Differs(format!("the gateway refuses it: {status}")));
        }
        let node =
            Node::parse(&reply.body).map_err(|why| Blank::Differs(format!("the answer cannot be read: {why}")))?;
        if node.name != root {
            return Err(Blank::Differs(format!("the answer is `{}`: expected `{root}`", wire::plain(&node.name))));
        }
        Ok((reply, node))
    }
}

/// The elements of that name in a collection, beside which it has counts.
fn items(root: Node, name: &str) -> Vec<Node> {
    root.children.into_iter().filter(|child| child.name == name).collect()
}

/// Each amount has the decimals of its currency.
fn amounts(survey: &mut Survey<'_>, check: &str, rows: &[Node], field: &str) {
    let reads = |row: &Node| {
        let currency = money::currency(row.text_of("currency-iso-code").unwrap_or_default()).ok()?;
        Money::parse(row.text_of(field)?, currency).ok()
    };
    let strange = rows.iter().filter(|row| reads(row).is_none()).count();
    if !rows.is_empty() {
        let found = format!("{strange} of {} are no amount of their currency", rows.len());
        survey.holds(check, strange == 0, found, "such an amount is refused, never rounded");
    }
}
