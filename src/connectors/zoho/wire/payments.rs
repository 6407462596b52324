//! Payments as Zoho Billing writes them, as we record them and as we change them.

use super::{Amount, Unreadable, as_number, currency, date, id_age};
use chrono::NaiveDate;
use iso_currency::Currency;
use sagas::kernel::answer::{AppliedTo, ZohoPayment};
use sagas::kernel::money::Money;
use serde::{Deserialize, Serialize};

/// A payment of ours as Zoho shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Recorded {
    pub(in super::super) payment: String,
    pub(in super::super) amount: Money,
    pub(in super::super) customer: String,
    /// Document date; ISO text sorts like the date.
    pub(in super::super) date: String,
}

impl Recorded {
    /// Oldest first: by document date, then by id.
    pub(in super::super) fn age(&self) -> (&str, usize, &str) {
        let (length, id) = id_age(&self.payment);
        (&self.date, length, id)
    }
}

/// `{"payment": …}`
#[derive(Debug, Deserialize)]
pub(in super::super) struct PaymentAnswer {
    pub(in super::super) payment: PaymentWire,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct PaymentWire {
    payment_id: String,
    customer_id: String,
    amount: Amount,
    date: Option<String>,
    currency_code: Option<String>,
    reference_number: Option<String>,
    payment_mode: Option<String>,
    description: Option<String>,
    status: Option<String>,
    invoices: Option<Vec<InvoiceOfPayment>>,
}

#[derive(Debug, Deserialize)]
struct InvoiceOfPayment {
    invoice_id: String,
    amount_applied: Amount,
}

impl PaymentWire {
    pub(in super::super) fn refers_to(&self, reference: &str) -> bool {
        self.reference_number.as_deref().is_some_and(|r| r.trim() == reference)
    }

    /// What people and we have written on it.
    pub(in super::super) fn description(&self) -> &str {
        self.description.as_deref().unwrap_or_default()
    }

    /// All that changing it has to repeat.
    pub(in super::super) fn read_whole(self) -> Result<ZohoPayment, Unreadable> {
        let code = self.currency_code.as_deref().ok_or(Unreadable::Field("payment.currency_code"))?;
        let currency = currency(code)?;
        let applied = self.invoices.into_iter().flatten().map(|on| {
            let minor = on.amount_applied.money("payment.invoices.amount_applied", currency)?.minor;
            Ok(AppliedTo { invoice: on.invoice_id, minor })
        });
        Ok(ZohoPayment {
            amount: self.amount.money("payment.amount", currency)?,
            date: date(self.date.as_deref(), "payment.date")?,
            invoices: applied.collect::<Result<_, Unreadable>>()?,
            id: self.payment_id,
            customer: self.customer_id,
            mode: self.payment_mode.ok_or(Unreadable::Field("payment.payment_mode"))?,
            reference: self.reference_number.unwrap_or_default(),
        })
    }

    /// Zoho keeps the document, but no money came with it.
    pub(in super::super) fn has_failed(&self) -> bool {
        self.status.as_deref() == Some("failure")
    }

    /// Currency, if the answer names one; else the one that was asked for.
    fn currency(&self, asked: Currency) -> Result<Currency, Unreadable> {
        self.currency_code.as_deref().map_or(Ok(asked), currency)
    }

    /// What of it is applied to that invoice.
    fn applied_to(&self, invoice: &str, asked: Currency) -> Result<Option<Money>, Unreadable> {
        let currency = self.currency(asked)?;
        let entry = self.invoices.iter().flatten().find(|i| i.invoice_id == invoice);
        entry.map(|i| i.amount_applied.money("payment.invoices.amount_applied", currency)).transpose()
    }

    /// As found again later: what is applied to the invoice, or all of it where a void has detached it since.
    pub(in super::super) fn recorded(self, invoice: &str, asked: Currency) -> Result<Recorded, Unreadable> {
        let amount = match self.applied_to(invoice, asked)? {
            Some(applied) => applied,
            None => self.amount.money("payment.amount", self.currency(asked)?)?,
        };
        Ok(Recorded {
            payment: self.payment_id,
            amount,
            customer: self.customer_id,
            date: self.date.unwrap_or_default(),
        })
    }

    /// As answered to the recording: what is applied to the invoice, which may be nothing.
    pub(in super::super) fn just_recorded(self, invoice: &str, asked: Currency) -> Result<Recorded, Unreadable> {
        let currency = self.currency(asked)?;
        let amount = self.applied_to(invoice, asked)?.unwrap_or(Money::zero(currency));
        Ok(Recorded {
            payment: self.payment_id,
            amount,
            customer: self.customer_id,
            date: self.date.unwrap_or_default(),
        })
    }
}

/// Body of `POST /payments`.
#[derive(Debug, Serialize)]
pub(in super::super) struct NewPayment<'a> {
    pub(in super::super) customer_id: &'a str,
    pub(in super::super) payment_mode: &'static str,
    #[serde(serialize_with = "as_number")]
    pub(in super::super) amount: Money,
    pub(in super::super) date: NaiveDate,
    pub(in super::super) reference_number: &'a str,
    pub(in super::super) description: String,
    pub(in super::super) invoices: [Applied<'a>; 1],
}

/// Which invoice a payment is applied to.
#[derive(Debug, Serialize)]
pub(in super::super) struct Applied<'a> {
    pub(in super::super) invoice_id: &'a str,
    #[serde(serialize_with = "as_number")]
    pub(in super::super) amount_applied: Money,
}

/// Body of `PUT /payments/{id}`: Zoho wants all of it.
#[derive(Serialize)]
pub(in super::super) struct AmendedPayment<'a> {
    customer_id: &'a str,
    payment_mode: &'a str,
    #[serde(serialize_with = "as_number")]
    amount: Money,
    date: NaiveDate,
    reference_number: &'a str,
    description: &'a str,
    invoices: Vec<Applied<'a>>,
}

impl<'a> AmendedPayment<'a> {
    pub(in super::super) fn of(wanted: &'a ZohoPayment, description: &'a str) -> Self {
        let currency = wanted.amount.currency;
        let applied =
            |to: &'a AppliedTo| Applied { invoice_id: &to.invoice, amount_applied: Money::new(to.minor, currency) };
        Self {
            customer_id: &wanted.customer,
            payment_mode: &wanted.mode,
            amount: wanted.amount,
            date: wanted.date,
            reference_number: &wanted.reference,
            description,
            invoices: wanted.invoices.iter().map(applied).collect(),
        }
    }
}
