//! Posting rules: which accounts a movement touches. Pure; the store writes what comes out, in the append's own
//! transaction. Numbers and names of the accounts: `docs/GLOSSARY.md`.

use super::ids::derive;
use super::money::Money;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A movement of money that the business knows, before it is split into lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Which rule.
    pub rule: Rule,
    /// Gross amount; a negative one swaps the sides.
    pub amount: Money,
    /// Tax within the amount, where it is known.
    pub tax: Option<Money>,
    /// The vendor's date in the books zone.
    pub effective: NaiveDate,
    /// What the lines concern.
    pub dimensions: Dimensions,
}

/// What a line concerns; vendor ids as the vendors write them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dimensions {
    /// Our customer id.
    pub customer: Option<String>,
    /// Zoho subscription id.
    pub subscription: Option<String>,
    /// Zoho invoice id.
    pub invoice: Option<String>,
    /// Braintree transaction id.
    pub transaction: Option<String>,
    /// Zoho payment id.
    pub zoho_payment: Option<String>,
    /// Channel of an external receipt.
    pub channel: Option<String>,
}

/// The posting rules of the flows that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Rule {
    InvoiceIssued,
    InvoiceIssuedReversed,
    InvoiceVoided,
    Capture,
    Apply,
    Unapply,
    CaptureReversed,
    Settle,
    SettleReversed,
    ExternalPayment,
    ExternalPaymentReversed,
    CreditApplied,
    WriteOff,
    Auth,
    AuthReleased,
    CreditNote,
    CreditNoteReversed,
    RefundFromCredit,
    RefundFromCreditReversed,
    RefundFromUnapplied,
    RefundFromUnappliedReversed,
    RefundSent,
    RefundReversed,
    RefundSettled,
    RefundSettledReversed,
    RefundPaidOutside,
    DisputeHold,
    DisputeRelease,
    DisputeLost,
    OrphanIn,
    OrphanOut,
    Disburse,
    DisbursementReturned,
    RefundDisbursed,
    RefundReturned,
    FundsHeld,
    FundsReleased,
    FeeUnexplained,
    OpeningReceivable,
    OpeningCredit,
    OpeningUnapplied,
    OpeningSubmitted,
    OpeningSettled,
    OpeningInTransit,
    OpeningDisputed,
    OpeningRefundOwed,
}

/// One side of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Debit,
    Credit,
}

/// One line: a positive amount on one side of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Account number, e.g. 1200 receivables.
    pub account: u16,
    /// Which side.
    pub side: Side,
    /// Always positive.
    pub amount: Money,
}

/// A balanced journal of one event and one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// UUIDv5 of event, rule and group: replay gives the same id.
    pub id: Uuid,
    /// The event that caused it.
    pub event: Uuid,
    /// The rule's name.
    pub rule: Rule,
    /// The vendor's date in the books zone.
    pub effective: NaiveDate,
    /// At least two; debits equal credits.
    pub lines: Vec<Line>,
    /// What all its lines concern.
    pub dimensions: Dimensions,
}

/// Receivables, and the accounts beside it.
pub(super) mod account {
    pub(in crate::kernel) const IN_TRANSIT: u16 = 1020;
    pub(in crate::kernel) const PROCESSOR_SUBMITTED: u16 = 1110;
    pub(in crate::kernel) const PROCESSOR_SETTLED: u16 = 1120;
    pub(in crate::kernel) const DISPUTE_HELD: u16 = 1130;
    /// Kept back by the processor.
    pub(in crate::kernel) const FUNDS_HELD: u16 = 1140;
    pub(in crate::kernel) const EXTERNAL_RECEIPTS: u16 = 1150;
    pub(in crate::kernel) const RECEIVABLES: u16 = 1200;
    pub(in crate::kernel) const SUSPENSE: u16 = 1900;
    pub(in crate::kernel) const UNAPPLIED_CASH: u16 = 2100;
    pub(in crate::kernel) const CUSTOMER_CREDIT: u16 = 2110;
    pub(in crate::kernel) const REFUNDS_PAYABLE: u16 = 2120;
    pub(in crate::kernel) const TAX_PAYABLE: u16 = 2200;
    /// Contra of the opening position, and of nothing else.
    pub(in crate::kernel) const OPENING: u16 = 3900;
    pub(in crate::kernel) const INVOICED: u16 = 4000;
    pub(in crate::kernel) const BAD_DEBT: u16 = 5200;
    pub(in crate::kernel) const CHARGEBACK_LOSS: u16 = 5210;
    /// Memo: open holds, never exported.
    pub(in crate::kernel) const AUTHORISATIONS: u16 = 9100;
    pub(in crate::kernel) const AUTHORISATIONS_CONTRA: u16 = 9190;
}

impl Rule {
    /// Every rule.
    pub const ALL: [Self; 46] = [
        Self::InvoiceIssued,
        Self::InvoiceIssuedReversed,
        Self::InvoiceVoided,
        Self::Capture,
        Self::Apply,
        Self::Unapply,
        Self::CaptureReversed,
        Self::Settle,
        Self::SettleReversed,
        Self::ExternalPayment,
        Self::ExternalPaymentReversed,
        Self::CreditApplied,
        Self::WriteOff,
        Self::Auth,
        Self::AuthReleased,
        Self::CreditNote,
        Self::CreditNoteReversed,
        Self::RefundFromCredit,
        Self::RefundFromCreditReversed,
        Self::RefundFromUnapplied,
        Self::RefundFromUnappliedReversed,
        Self::RefundSent,
        Self::RefundReversed,
        Self::RefundSettled,
        Self::RefundSettledReversed,
        Self::RefundPaidOutside,
        Self::DisputeHold,
        Self::DisputeRelease,
        Self::DisputeLost,
        Self::OrphanIn,
        Self::OrphanOut,
        Self::Disburse,
        Self::DisbursementReturned,
        Self::RefundDisbursed,
        Self::RefundReturned,
        Self::FundsHeld,
        Self::FundsReleased,
        Self::FeeUnexplained,
        Self::OpeningReceivable,
        Self::OpeningCredit,
        Self::OpeningUnapplied,
        Self::OpeningSubmitted,
        Self::OpeningSettled,
        Self::OpeningInTransit,
        Self::OpeningDisputed,
        Self::OpeningRefundOwed,
    ];

    /// The rule of that name; none: another release posts by it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == name)
    }

    /// The rule whose journal this one takes back: the same lines with the sides swapped. An application is taken off by
    /// its amount, and what is applied anew is no second original: it has no reversal in this sense.
    pub const fn reverses(self) -> Option<Self> {
        match self {
            Self::InvoiceIssuedReversed | Self::InvoiceVoided => Some(Self::InvoiceIssued),
            Self::CaptureReversed => Some(Self::Capture),
            Self::SettleReversed => Some(Self::Settle),
            Self::ExternalPaymentReversed => Some(Self::ExternalPayment),
            Self::AuthReleased => Some(Self::Auth),
            Self::CreditNoteReversed => Some(Self::CreditNote),
            Self::RefundFromCreditReversed => Some(Self::RefundFromCredit),
            Self::RefundFromUnappliedReversed => Some(Self::RefundFromUnapplied),
            Self::RefundReversed => Some(Self::RefundSent),
            Self::RefundSettledReversed => Some(Self::RefundSettled),
            Self::InvoiceIssued
            | Self::Capture
            | Self::Apply
            | Self::Unapply
            | Self::Settle
            | Self::ExternalPayment
            | Self::CreditApplied
            | Self::WriteOff
            | Self::Auth
            | Self::CreditNote
            | Self::RefundFromCredit
            | Self::RefundFromUnapplied
            | Self::RefundSent
            | Self::RefundSettled
            | Self::RefundPaidOutside
            | Self::DisputeHold
            | Self::DisputeRelease
            | Self::DisputeLost
            | Self::OrphanIn
            | Self::OrphanOut
            | Self::Disburse
            | Self::DisbursementReturned
            | Self::RefundDisbursed
            | Self::RefundReturned
            | Self::FundsHeld
            | Self::FundsReleased
            | Self::FeeUnexplained
            | Self::OpeningReceivable
            | Self::OpeningCredit
            | Self::OpeningUnapplied
            | Self::OpeningSubmitted
            | Self::OpeningSettled
            | Self::OpeningInTransit
            | Self::OpeningDisputed
            | Self::OpeningRefundOwed => None,
        }
    }

    /// Another rule takes its journals back.
    pub fn is_reversible(self) -> bool {
        Self::ALL.into_iter().any(|rule| rule.reverses() == Some(self))
    }

    /// The name in ledger and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvoiceIssued => "INVOICE_ISSUED",
            Self::InvoiceIssuedReversed => "INVOICE_ISSUED_REVERSED",
            Self::InvoiceVoided => "INVOICE_VOIDED",
            Self::Capture => "CAPTURE",
            Self::Apply => "APPLY",
            Self::Unapply => "UNAPPLY",
            Self::CaptureReversed => "CAPTURE_REVERSED",
            Self::Settle => "SETTLE",
            Self::SettleReversed => "SETTLE_REVERSED",
            Self::ExternalPayment => "EXTERNAL_PAYMENT",
            Self::ExternalPaymentReversed => "EXTERNAL_PAYMENT_REVERSED",
            Self::CreditApplied => "CREDIT_APPLY",
            Self::WriteOff => "WRITE_OFF",
            Self::Auth => "AUTH",
            Self::AuthReleased => "AUTH_RELEASED",
            Self::CreditNote => "CREDIT_NOTE",
            Self::CreditNoteReversed => "CREDIT_NOTE_REVERSED",
            Self::RefundFromCredit => "REFUND_APPROVED_FROM_CREDIT",
            Self::RefundFromCreditReversed => "REFUND_APPROVED_FROM_CREDIT_REVERSED",
            Self::RefundFromUnapplied => "REFUND_APPROVED_FROM_UNAPPLIED",
            Self::RefundFromUnappliedReversed => "REFUND_APPROVED_FROM_UNAPPLIED_REVERSED",
            Self::RefundSent => "REFUND_SENT",
            Self::RefundReversed => "REFUND_REVERSED",
            Self::RefundSettled => "REFUND_SETTLED",
            Self::RefundSettledReversed => "REFUND_SETTLED_REVERSED",
            Self::RefundPaidOutside => "REFUND_PAID_OUTSIDE",
            Self::DisputeHold => "DISPUTE_HOLD",
            Self::DisputeRelease => "DISPUTE_RELEASE",
            Self::DisputeLost => "DISPUTE_LOST",
            Self::OrphanIn => "ORPHAN_IN",
            Self::OrphanOut => "ORPHAN_OUT",
            Self::Disburse => "DISBURSE",
            Self::DisbursementReturned => "DISBURSEMENT_RETURNED",
            Self::RefundDisbursed => "DISBURSE_REFUND",
            Self::RefundReturned => "DISBURSE_REFUND_RETURNED",
            Self::FundsHeld => "FUNDS_HELD",
            Self::FundsReleased => "FUNDS_RELEASED",
            Self::FeeUnexplained => "FEE_UNEXPLAINED",
            Self::OpeningReceivable => "OPENING_RECEIVABLE",
            Self::OpeningCredit => "OPENING_CREDIT",
            Self::OpeningUnapplied => "OPENING_UNAPPLIED",
            Self::OpeningSubmitted => "OPENING_SUBMITTED",
            Self::OpeningSettled => "OPENING_SETTLED",
            Self::OpeningInTransit => "OPENING_IN_TRANSIT",
            Self::OpeningDisputed => "OPENING_DISPUTED",
            Self::OpeningRefundOwed => "OPENING_REFUND_OWED",
        }
    }

    /// (debit, credit) where the rule moves the gross between two accounts.
    const fn pair(self) -> Option<(u16, u16)> {
        use account as a;
        match self {
            Self::InvoiceIssued
            | Self::InvoiceIssuedReversed
            | Self::InvoiceVoided
            | Self::CreditNote
            | Self::CreditNoteReversed => None,
            Self::Capture => Some((a::PROCESSOR_SUBMITTED, a::UNAPPLIED_CASH)),
            Self::Apply => Some((a::UNAPPLIED_CASH, a::RECEIVABLES)),
            Self::Unapply => Some((a::RECEIVABLES, a::UNAPPLIED_CASH)),
            Self::CaptureReversed => Some((a::UNAPPLIED_CASH, a::PROCESSOR_SUBMITTED)),
            Self::Settle | Self::RefundSettledReversed => Some((a::PROCESSOR_SETTLED, a::PROCESSOR_SUBMITTED)),
            Self::SettleReversed | Self::RefundSettled => Some((a::PROCESSOR_SUBMITTED, a::PROCESSOR_SETTLED)),
            Self::ExternalPayment => Some((a::EXTERNAL_RECEIPTS, a::RECEIVABLES)),
            Self::ExternalPaymentReversed => Some((a::RECEIVABLES, a::EXTERNAL_RECEIPTS)),
            Self::CreditApplied => Some((a::CUSTOMER_CREDIT, a::RECEIVABLES)),
            Self::WriteOff => Some((a::BAD_DEBT, a::RECEIVABLES)),
            Self::Auth => Some((a::AUTHORISATIONS, a::AUTHORISATIONS_CONTRA)),
            Self::AuthReleased => Some((a::AUTHORISATIONS_CONTRA, a::AUTHORISATIONS)),
            Self::RefundFromCredit => Some((a::CUSTOMER_CREDIT, a::REFUNDS_PAYABLE)),
            Self::RefundFromCreditReversed => Some((a::REFUNDS_PAYABLE, a::CUSTOMER_CREDIT)),
            Self::RefundFromUnapplied => Some((a::UNAPPLIED_CASH, a::REFUNDS_PAYABLE)),
            Self::RefundFromUnappliedReversed => Some((a::REFUNDS_PAYABLE, a::UNAPPLIED_CASH)),
            Self::RefundSent => Some((a::REFUNDS_PAYABLE, a::PROCESSOR_SUBMITTED)),
            Self::RefundReversed => Some((a::PROCESSOR_SUBMITTED, a::REFUNDS_PAYABLE)),
            Self::RefundPaidOutside => Some((a::REFUNDS_PAYABLE, a::EXTERNAL_RECEIPTS)),
            Self::DisputeHold => Some((a::DISPUTE_HELD, a::PROCESSOR_SETTLED)),
            Self::DisputeRelease => Some((a::PROCESSOR_SETTLED, a::DISPUTE_HELD)),
            Self::DisputeLost => Some((a::CHARGEBACK_LOSS, a::DISPUTE_HELD)),
            Self::OrphanIn => Some((a::PROCESSOR_SETTLED, a::SUSPENSE)),
            Self::OrphanOut => Some((a::SUSPENSE, a::PROCESSOR_SETTLED)),
            Self::Disburse | Self::RefundDisbursed => Some((a::IN_TRANSIT, a::PROCESSOR_SETTLED)),
            Self::DisbursementReturned | Self::RefundReturned => Some((a::PROCESSOR_SETTLED, a::IN_TRANSIT)),
            Self::FundsHeld => Some((a::FUNDS_HELD, a::PROCESSOR_SETTLED)),
            Self::FundsReleased => Some((a::PROCESSOR_SETTLED, a::FUNDS_HELD)),
            Self::FeeUnexplained => Some((a::SUSPENSE, a::IN_TRANSIT)),
            Self::OpeningReceivable => Some((a::RECEIVABLES, a::OPENING)),
            Self::OpeningCredit => Some((a::OPENING, a::CUSTOMER_CREDIT)),
            Self::OpeningUnapplied => Some((a::OPENING, a::UNAPPLIED_CASH)),
            Self::OpeningSubmitted => Some((a::PROCESSOR_SUBMITTED, a::OPENING)),
            Self::OpeningSettled => Some((a::PROCESSOR_SETTLED, a::OPENING)),
            Self::OpeningInTransit => Some((a::IN_TRANSIT, a::OPENING)),
            Self::OpeningDisputed => Some((a::DISPUTE_HELD, a::OPENING)),
            Self::OpeningRefundOwed => Some((a::OPENING, a::REFUNDS_PAYABLE)),
        }
    }
}

/// The journal of one posting; `None` where nothing moves. `group` tells several postings of one rule in one event
/// apart.
pub fn journal(event: Uuid, group: usize, posting: &Posting) -> Option<Journal> {
    let gross = posting.amount;
    let mut lines = Vec::with_capacity(3);
    let mut add = |account, side, amount: Money| {
        if amount.minor != 0 {
            let swapped = match side {
                Side::Debit => Side::Credit,
                Side::Credit => Side::Debit,
            };
            let (side, amount) = if amount.minor < 0 { (swapped, amount.negated()) } else { (side, amount) };
            lines.push(Line { account, side, amount });
        }
    };
    if let Some((debit, credit)) = posting.rule.pair() {
        add(debit, Side::Debit, gross);
        add(credit, Side::Credit, gross);
    } else {
        // Invoices and credit notes: what Zoho does not name as tax stays gross on 4000 until it is resolved.
        let tax = posting.tax.filter(|t| t.currency == gross.currency).unwrap_or(Money::zero(gross.currency));
        let net = Money::new(gross.minor - tax.minor, gross.currency);
        let (owed, other) = match posting.rule {
            Rule::InvoiceVoided | Rule::InvoiceIssuedReversed | Rule::CreditNote => (Side::Credit, Side::Debit),
            _ => (Side::Debit, Side::Credit),
        };
        let by = match posting.rule {
            Rule::CreditNote | Rule::CreditNoteReversed => account::CUSTOMER_CREDIT,
            _ => account::RECEIVABLES,
        };
        add(by, owed, gross);
        add(account::INVOICED, other, net);
        add(account::TAX_PAYABLE, other, tax);
    }
    (!lines.is_empty()).then(|| Journal {
        id: derive("journal", &[&event.simple().to_string(), posting.rule.as_str(), &group.to_string()]),
        event,
        rule: posting.rule,
        effective: posting.effective,
        lines,
        dimensions: posting.dimensions.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use iso_currency::Currency;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_journal_balances_and_has_no_zero_or_negative_line(
            rule in 0..Rule::ALL.len(), gross in -1_000_000_i64..1_000_000, tax in proptest::option::of(0_i64..1000)
        ) {
            let money = |m| Money::new(m, Currency::EUR);
            let posting = Posting {
                rule: Rule::ALL[rule],
                amount: money(gross),
                tax: tax.map(money),
                effective: NaiveDate::default(),
                dimensions: Dimensions::default(),
            };
            if let Some(j) = journal(Uuid::nil(), 0, &posting) {
                let side = |s| j.lines.iter().filter(|l| l.side == s).map(|l| l.amount.minor).sum::<i64>();
                prop_assert_eq!(side(Side::Debit), side(Side::Credit));
                prop_assert!(j.lines.len() >= 2);
                prop_assert!(j.lines.iter().all(|l| l.amount.minor > 0));
            } else {
                prop_assert_eq!(gross, 0);
            }
        }
    }
}
