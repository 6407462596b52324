//! Estimates as Zoho Billing writes them, and as we make them.

use super::{Amount, Unreadable, as_number, currency, given, id_age, timestamp};
use chrono::{DateTime, NaiveDate, Utc};
use sagas::kernel::answer::Estimate;
use sagas::kernel::effect::{EstimateLine, EstimateOrder};
use sagas::kernel::money::Money;
use serde::{Deserialize, Serialize};

/// `{"estimate": …}`
#[derive(Debug, Deserialize)]
pub(in super::super) struct EstimateAnswer {
    pub(in super::super) estimate: EstimateWire,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct EstimateWire {
    estimate_id: String,
    estimate_number: Option<String>,
    customer_id: String,
    reference_number: Option<String>,
    status: String,
    currency_code: String,
    total: Amount,
    tax_total: Option<Amount>,
}

impl EstimateWire {
    pub(in super::super) fn read(self) -> Result<Estimate, Unreadable> {
        let currency = currency(&self.currency_code)?;
        let tax = given(self.tax_total.as_ref()).map(|tax| tax.money("estimate.tax_total", currency));
        Ok(Estimate {
            total: self.total.money("estimate.total", currency)?,
            tax: tax.transpose()?,
            id: self.estimate_id,
            number: self.estimate_number.unwrap_or_default(),
            customer: self.customer_id,
            reference: self.reference_number.unwrap_or_default(),
            status: self.status,
        })
    }
}

/// Rows of `GET /estimates`.
#[derive(Debug, Deserialize)]
pub(in super::super) struct EstimateRows {
    pub(in super::super) estimates: Vec<EstimateRow>,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct EstimateRow {
    pub(in super::super) estimate_id: String,
    pub(in super::super) customer_id: Option<String>,
    pub(in super::super) reference_number: Option<String>,
    created_time: Option<String>,
}

impl EstimateRow {
    /// Made at that instant or later; a row without a readable time is not left out.
    pub(in super::super) fn since(&self, earliest: DateTime<Utc>) -> bool {
        self.created_time.as_deref().and_then(timestamp).is_none_or(|made| made >= earliest)
    }

    /// Sorts the oldest first.
    pub(in super::super) fn age(&self) -> (usize, &str) {
        id_age(&self.estimate_id)
    }
}

/// Body of `POST /estimates`.
#[derive(Debug, Serialize)]
pub(in super::super) struct NewEstimate<'a> {
    customer_id: &'a str,
    reference_number: &'a str,
    date: NaiveDate,
    expiry_date: NaiveDate,
    line_items: Vec<NewLine<'a>>,
}

#[derive(Debug, Serialize)]
struct NewLine<'a> {
    item_id: &'a str,
    #[serde(serialize_with = "as_number")]
    rate: Money,
    quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_id: Option<&'a str>,
}

impl<'a> NewEstimate<'a> {
    pub(in super::super) fn of(order: &'a EstimateOrder) -> Self {
        let line = |line: &'a EstimateLine| NewLine {
            item_id: &line.item,
            rate: line.rate,
            quantity: line.quantity,
            tax_id: line.tax.as_deref(),
        };
        Self {
            customer_id: &order.customer,
            reference_number: &order.reference,
            date: order.date,
            expiry_date: order.expires_on,
            line_items: order.lines.iter().map(line).collect(),
        }
    }
}
