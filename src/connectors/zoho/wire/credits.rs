//! Credit notes and their refunds as Zoho Billing writes them, and as we make them.

use super::{Amount, Unreadable, as_number, currency, given, id_age};
use chrono::NaiveDate;
use iso_currency::Currency;
use sagas::kernel::answer::CreditNote;
use sagas::kernel::effect::CreditNoteOrder;
use sagas::kernel::money::Money;
use serde::{Deserialize, Serialize};

/// `{"credit_note": …}`, with an underscore.
#[derive(Debug, Deserialize)]
pub(in super::super) struct CreditAnswer {
    pub(in super::super) credit_note: CreditWire,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct CreditWire {
    creditnote_id: String,
    creditnote_number: Option<String>,
    customer_id: String,
    reference_number: Option<String>,
    status: String,
    currency_code: String,
    total: Amount,
    balance: Amount,
    date: Option<String>,
    invoices: Option<Vec<AppliedTo>>,
}

#[derive(Debug, Deserialize)]
struct AppliedTo {
    invoice_id: String,
}

impl CreditWire {
    pub(in super::super) fn is_void(&self) -> bool {
        self.status == "void"
    }

    pub(in super::super) fn refers_to(&self, reference: &str) -> bool {
        self.reference_number.as_deref().is_some_and(|r| r.trim() == reference)
    }

    /// Oldest first: by document date, then by id.
    pub(in super::super) fn age(&self) -> (Option<&str>, usize, &str) {
        let (length, id) = id_age(&self.creditnote_id);
        (self.date.as_deref(), length, id)
    }

    pub(in super::super) fn read(self) -> Result<CreditNote, Unreadable> {
        let currency = currency(&self.currency_code)?;
        Ok(CreditNote {
            total: self.total.money("credit_note.total", currency)?,
            balance: self.balance.money("credit_note.balance", currency)?,
            applied_to: self.invoices.into_iter().flatten().map(|on| on.invoice_id).collect(),
            id: self.creditnote_id,
            number: self.creditnote_number.unwrap_or_default(),
            customer: self.customer_id,
            reference: self.reference_number.unwrap_or_default(),
            status: self.status,
        })
    }
}

/// `{"refund": …}`
#[derive(Debug, Deserialize)]
pub(in super::super) struct RefundAnswer {
    pub(in super::super) refund: RefundWire,
}

#[derive(Debug, Deserialize)]
pub(in super::super) struct RefundWire {
    pub(in super::super) refund_id: String,
    amount: Amount,
    description: Option<String>,
    reference_number: Option<String>,
    status: Option<String>,
    creditnote: Option<NoteOfRefund>,
}

#[derive(Debug, Deserialize)]
struct NoteOfRefund {
    creditnote_id: Option<String>,
}

impl RefundWire {
    /// Zoho keeps the document, but nothing was given back by it.
    pub(in super::super) fn has_failed(&self) -> bool {
        self.status.as_deref() == Some("failure")
    }

    pub(in super::super) fn amount(&self, currency: Currency) -> Result<Money, Unreadable> {
        given(Some(&self.amount)).ok_or(Unreadable::Field("refund.amount"))?.money("refund.amount", currency)
    }

    /// It is of that note, and what we wrote on it stands on it; one on which nothing stands may be ours too.
    pub(in super::super) fn may_be(&self, note: &str, reference: &str) -> bool {
        let of_note = self.creditnote.as_ref().and_then(|of| of.creditnote_id.as_deref());
        let filled = |text: &Option<String>| text.as_deref().map(str::trim).is_some_and(|text| !text.is_empty());
        let says = |text: &Option<String>| text.as_deref().is_some_and(|text| text.trim() == reference);
        let silent = !filled(&self.description);
        of_note.is_none_or(|of| of == note) && (silent || says(&self.description) || says(&self.reference_number))
    }
}

/// Body of `POST /creditnotes`.
#[derive(Debug, Serialize)]
pub(in super::super) struct NewCredit<'a> {
    customer_id: &'a str,
    date: NaiveDate,
    reference_number: &'a str,
    creditnote_items: [NewLine<'a>; 1],
}

#[derive(Debug, Serialize)]
struct NewLine<'a> {
    code: &'a str,
    quantity: u32,
    #[serde(serialize_with = "as_number")]
    price: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_id: Option<&'a str>,
}

impl<'a> NewCredit<'a> {
    pub(in super::super) fn of(order: &'a CreditNoteOrder) -> Self {
        let line = NewLine { code: &order.code, quantity: 1, price: order.price, tax_id: order.tax.as_deref() };
        Self {
            customer_id: &order.customer,
            date: order.date,
            reference_number: &order.reference,
            creditnote_items: [line],
        }
    }
}

/// Body of `POST /creditnotes/{id}/refunds`: Zoho documents no field more.
#[derive(Debug, Serialize)]
pub(in super::super) struct NewCreditRefund<'a> {
    #[serde(serialize_with = "as_number")]
    pub(in super::super) amount: Money,
    pub(in super::super) description: &'a str,
}

/// What of a credit note is applied to an invoice.
#[derive(Debug, Serialize)]
pub(in super::super) struct AppliedCredit<'a> {
    pub(in super::super) creditnote_id: &'a str,
    #[serde(serialize_with = "as_number")]
    pub(in super::super) amount_applied: Money,
}
