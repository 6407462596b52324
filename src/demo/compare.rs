//! The books of the vendors against ours, pair by pair: what finance would do with three exports at month-end.

use super::stage::Stage;
use crate::store::query::{self, SagaCursor, SagaFilter, SagaLine};
use crate::store::totals;
use anyhow::Context;
use comfy_table::{Cell, CellAlignment, Color, Table, presets};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One pair of books.
#[derive(Debug, Clone)]
pub struct Pair {
    /// What is compared with what.
    pub name: &'static str,
    /// How many things stand on either side.
    pub compared: usize,
    /// The sum on the vendor's side in minor units, where the pair is about money.
    pub total: Option<i64>,
    /// Each difference in a sentence.
    pub differences: Vec<String>,
}

/// All pairs.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub pairs: Vec<Pair>,
}

impl Comparison {
    /// How many differences there are in all.
    pub fn differences(&self) -> usize {
        self.pairs.iter().map(|p| p.differences.len()).sum()
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED);
        table.set_header(["Compared", "things", "sum, EUR", "differences"]);
        for pair in &self.pairs {
            let count = pair.differences.len();
            let color = if count == 0 { Color::Green } else { Color::Red };
            table.add_row([
                Cell::new(pair.name),
                Cell::new(pair.compared).set_alignment(CellAlignment::Right),
                Cell::new(pair.total.map(decimal).unwrap_or_default()).set_alignment(CellAlignment::Right),
                Cell::new(count).fg(color).set_alignment(CellAlignment::Right),
            ]);
        }
        let named = self.pairs.iter().flat_map(|p| p.differences.iter().map(move |d| format!("  {}: {d}", p.name)));
        std::iter::once(table.to_string()).chain(named).collect::<Vec<_>>().join("\n")
    }
}

fn decimal(minor: i64) -> String {
    let (sign, minor) = (if minor < 0 { "-" } else { "" }, minor.unsigned_abs());
    format!("{sign}{}.{:02}", minor / 100, minor % 100)
}

impl Stage {
    /// Compares the vendors' books with ours.
    ///
    /// # Errors
    /// A book cannot be read.
    pub async fn compare(&self) -> anyhow::Result<Comparison> {
        let books = self.sandbox.books().await?;
        let pool = self.pool();
        let sales = rows(&books["braintree"]["transactions"])?
            .filter(|t| t["type"] == "sale" && takes_money(text(&t["status"])))
            .map(|t| (text(&t["id"]).to_owned(), number(&t["amount_minor"])));
        let held = rows(&books["braintree"]["transactions"])?
            .filter(|t| t["status"] == "authorized")
            .map(|t| (text(&t["id"]).to_owned(), number(&t["amount_minor"])));
        // Payments without a transaction of Braintree's are other people's: the balances below know them.
        let sold: BTreeSet<&str> = rows(&books["braintree"]["transactions"])?.map(|t| text(&t["id"])).collect();
        let recorded = rows(&books["zoho"]["payments"])?
            .filter(|p| p["deleted"] != true && sold.contains(text(&p["reference_number"])))
            .map(|p| (text(&p["reference_number"]).to_owned(), number(&p["amount"]) - number(&p["unapplied"])));
        let balances =
            rows(&books["zoho"]["invoices"])?.map(|i| (text(&i["invoice_id"]).to_owned(), number(&i["balance"])));
        Ok(Comparison {
            pairs: vec![
                pair("Braintree sales ↔ captures", sales, &totals::captured_by_transaction(pool).await?),
                pair("Braintree holds ↔ authorisations", held, &totals::held_by_transaction(pool).await?),
                pair("Zoho payments ↔ applications", recorded, &totals::applied_by_transaction(pool).await?),
                pair("Zoho balances ↔ receivables", balances, &totals::receivable_by_invoice(pool).await?),
                subscriptions(&books["attio"]["records"]["subscriptions"], &self.all_sagas().await?)?,
                statuses(&books["attio"]["records"]["billing_transactions"], &self.by_invoice(&books).await?)?,
            ],
        })
    }

    /// The saga of each invoice in Zoho's books.
    async fn by_invoice(&self, books: &Value) -> anyhow::Result<BTreeMap<String, SagaLine>> {
        let mut all: BTreeMap<_, _> = self.all_sagas().await?.into_iter().map(|s| (s.id, s)).collect();
        let invoices = rows(&books["zoho"]["invoices"])?.map(|i| text(&i["invoice_id"]));
        Ok(invoices.filter_map(|i| Some((i.to_owned(), all.remove(&self.saga_of(i))?))).collect())
    }

    /// Every saga of the installation.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn all_sagas(&self) -> anyhow::Result<Vec<SagaLine>> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = query::sagas(self.pool(), &SagaFilter::default(), after, 500).await?;
            let Some(last) = page.last() else { return Ok(all) };
            after = Some(SagaCursor { started_at: last.started_at, id: last.id.0 });
            all.extend(page);
        }
    }
}

/// Two books by key: amounts in minor units.
fn pair(name: &'static str, theirs: impl Iterator<Item = (String, i64)>, ours: &BTreeMap<String, i64>) -> Pair {
    let mut left = BTreeMap::<String, i64>::new();
    for (key, amount) in theirs {
        *left.entry(key).or_default() += amount;
    }
    let keys: BTreeSet<&String> = left.keys().chain(ours.keys()).collect();
    let differences = keys
        .iter()
        .filter_map(|key| {
            let (theirs, ours) = (left.get(*key).copied().unwrap_or(0), ours.get(*key).copied().unwrap_or(0));
            (theirs != ours).then(|| format!("{key}: {} there, {} here", decimal(theirs), decimal(ours)))
        })
        .collect();
    Pair { name, compared: keys.len(), total: Some(left.values().sum()), differences }
}

/// What Attio shows for each invoice against what its saga says.
fn statuses(records: &Value, sagas: &BTreeMap<String, SagaLine>) -> anyhow::Result<Pair> {
    let mut shown = BTreeMap::<String, String>::new();
    for record in rows(records)? {
        let values = &record["values"];
        // The latest attempt of an invoice is what counts; attempts sort by their number.
        let external = text(&values["external_id"]);
        if let Some(invoice) = external.strip_prefix("inv:").and_then(|rest| rest.split(':').next()) {
            let attempt = external.rsplit(':').next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
            let key = format!("{invoice}:{attempt:04}");
            shown.insert(key, text(&values["transaction_status"]).to_owned());
        }
    }
    let mut differences = Vec::new();
    for (invoice, saga) in sagas {
        let wanted = wanted(saga);
        let last = shown.range(format!("{invoice}:")..format!("{invoice};")).next_back().map(|(_, s)| s.as_str());
        // What was void before anybody was shown it owes nobody a line: the first invoice of an undone activation.
        let never_shown = last.is_none() && saga.state == "ClosedVoid";
        if !wanted.is_empty() && !never_shown && !last.is_some_and(|word| wanted.contains(&word)) {
            let said = last.unwrap_or("nothing");
            differences.push(format!(
                "invoice {invoice}: Attio says {said}, the saga is {} ({})",
                saga.state,
                wanted.join(" or ")
            ));
        }
    }
    Ok(Pair { name: "Attio status ↔ saga state", compared: sagas.len(), total: None, differences })
}

/// What Attio shows on each subscription that an activation wrote last, against what that activation says; and that no
/// subscription has two records.
fn subscriptions(records: &Value, sagas: &[SagaLine]) -> anyhow::Result<Pair> {
    let activations: BTreeMap<_, _> =
        sagas.iter().filter(|s| s.kind == "subscription_activation").map(|s| (s.id.to_string(), s)).collect();
    let (mut compared, mut differences, mut seen) = (0, Vec::new(), BTreeSet::new());
    for record in rows(records)? {
        let values = &record["values"];
        let (ours, shown) = (text(&values["external_id"]), text(&values["subscription_status"]));
        if !ours.is_empty() && !seen.insert(ours) {
            differences.push(format!("{ours} has two records in Attio"));
        }
        let Some(saga) = activations.get(text(&values["saga_id"])) else { continue };
        compared += 1;
        let wanted = match saga.state.as_str() {
            "Active" => "Active",
            "LinkSent" | "NeedsAuthentication" => "Awaiting payment method",
            "Failed" => "Failed",
            _ => continue,
        };
        if shown != wanted {
            differences.push(format!("{}: Attio says {shown}, the activation is {}", saga.title, saga.state));
        }
    }
    Ok(Pair { name: "Attio subscriptions ↔ activations", compared, total: None, differences })
}

/// The words of which Attio must show one for a saga's state; none where nothing is shown yet.
fn wanted(saga: &SagaLine) -> &'static [&'static str] {
    match saga.state.as_str() {
        "AwaitSettlement" | "Settled" | "ClosedPaidElsewhere" => &["Paid"],
        "Dunning" | "Unpaid" => &["Failed"],
        // Nothing has failed yet where there was no card to begin with.
        "NeedsMethod" | "NeedsAuthentication" => &["Failed", "Open"],
        "ClosedVoid" => &["Void"],
        _ => &[],
    }
}

fn takes_money(status: &str) -> bool {
    matches!(
        status,
        "submitted_for_settlement" | "settling" | "settled" | "settlement_pending" | "settlement_confirmed"
    )
}

fn rows(list: &Value) -> anyhow::Result<impl Iterator<Item = &Value>> {
    Ok(list.as_array().with_context(|| format!("the sandbox's books hold no list: {list}"))?.iter())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}
