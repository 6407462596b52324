//! What Zoho has to show after money was given back, step by step: the payment says what is left of it, a credit note
//! stands for what is forgiven. Zoho's own "refund a payment" is not used: it is documented for its own gateways alone.

use super::state::{Outcome, State};
use super::words::{Credit, Terms};
use crate::kernel::answer::{InvoiceLines, ZohoPayment};
use crate::kernel::effect::{CreditNoteOrder, Effect, OnCredit, OnInvoice, OnPayment, Zoho};
use crate::kernel::give_back::Wish;
use crate::kernel::money::Money;
use chrono::{DateTime, NaiveDate, Utc};

/// The next step at Zoho; none: it shows all.
pub(super) fn next(state: &State) -> Option<(&'static str, Effect)> {
    let (wish, terms) = state.agreed()?;
    let outcome = state.outcome.as_ref()?;
    let (on, since) = (day_of(outcome), state.zoho.since?);
    let step = if state.is_voided() {
        after_void(state, wish, terms, on, since)
    } else {
        after_refund(state, wish, terms, on, since)
    };
    step.map(|(name, call)| (name, Effect::Zoho(call)))
}

fn day_of(outcome: &Outcome) -> NaiveDate {
    match outcome {
        Outcome::Voided { on, .. } | Outcome::Sent { on, .. } | Outcome::Outside { on } => *on,
    }
}

/// `reference_number` of the credit note: the bare refund id, where there is a refund.
fn reference(state: &State, wish: &Wish) -> Option<String> {
    match state.outcome.as_ref()? {
        Outcome::Sent { refund, .. } => Some(refund.clone()),
        Outcome::Voided { .. } | Outcome::Outside { .. } => {
            Some(wish.installation.credit_note_reference(state.saga()?))
        }
    }
}

/// Nothing was taken: the payment goes, and of what is forgiven nothing is owed.
fn after_void(
    state: &State,
    wish: &Wish,
    terms: &Terms,
    on: NaiveDate,
    since: DateTime<Utc>,
) -> Option<(&'static str, Zoho)> {
    let shown = &state.zoho;
    if let Some(payment) = terms.payment.clone().filter(|_| !shown.record_done) {
        return Some(("delete_payment", Zoho::Payment(OnPayment::Delete { payment })));
    }
    if terms.forgiven.minor == 0 || shown.invoice_done {
        return None;
    }
    let invoice = wish.invoice.clone();
    let Some(seen) = shown.invoice else {
        return Some(("read_invoice", Zoho::ReadInvoice { invoice }));
    };
    if seen.balance == seen.total {
        return Some(("void_invoice", Zoho::Invoice(OnInvoice::Void { invoice })));
    }
    // Others have paid, too: what is forgiven is credited.
    match &shown.note {
        None => Some(("create_note", create(state, wish, terms, on, since)?)),
        Some(note) if note.total != terms.forgiven => Some(void_note(&note.id)),
        Some(note) => {
            let (note, amount) = (note.id.clone(), terms.forgiven);
            Some(("apply_note", Zoho::Invoice(OnInvoice::ApplyCredit { invoice, note, amount })))
        }
    }
}

/// Taken and given back: what is forgiven is credited and paid out at once, what is owed again is paid no more.
fn after_refund(
    state: &State,
    wish: &Wish,
    terms: &Terms,
    on: NaiveDate,
    since: DateTime<Utc>,
) -> Option<(&'static str, Zoho)> {
    let shown = &state.zoho;
    if terms.forgiven.minor != 0 && !shown.note_done {
        return match &shown.note {
            None => Some(("create_note", create(state, wish, terms, on, since)?)),
            Some(note) if note.total != terms.forgiven => Some(void_note(&note.id)),
            Some(note) => {
                let (note, amount, reference) = (note.id.clone(), terms.forgiven, reference(state, wish)?);
                Some(("pay_out_note", Zoho::Credit(OnCredit::Refund { note, amount, reference, since })))
            }
        };
    }
    let payment = terms.payment.clone().filter(|_| terms.reopened.minor != 0 && !shown.record_done)?;
    let Some(read) = &shown.payment else {
        return Some(("read_payment", Zoho::Payment(OnPayment::Read { payment })));
    };
    let lowered = lowered(read, &wish.invoice, terms.reopened);
    if lowered.amount.is_positive() {
        Some(("lower_payment", Zoho::Payment(OnPayment::Amend(Box::new(lowered)))))
    } else {
        Some(("delete_payment", Zoho::Payment(OnPayment::Delete { payment })))
    }
}

fn void_note(note: &str) -> (&'static str, Zoho) {
    ("void_note", Zoho::Credit(OnCredit::Void { note: note.to_owned() }))
}

fn create(state: &State, wish: &Wish, terms: &Terms, date: NaiveDate, since: DateTime<Utc>) -> Option<Zoho> {
    let Credit { zoho_customer, line, price, .. } = state.credit.as_ref()?;
    Some(Zoho::Credit(OnCredit::Create(Box::new(CreditNoteOrder {
        customer: zoho_customer.clone(),
        reference: reference(state, wish)?,
        code: line.code.clone(),
        price: *price,
        tax: line.tax.clone(),
        total: terms.forgiven,
        date,
        since,
    }))))
}

/// The same payment, with so much less applied to the invoice.
fn lowered(read: &ZohoPayment, invoice: &str, by: Money) -> ZohoPayment {
    let mut lowered = read.clone();
    lowered.amount.minor -= by.minor;
    for applied in lowered.invoices.iter_mut().filter(|applied| applied.invoice == invoice) {
        applied.minor -= by.minor;
    }
    lowered.invoices.retain(|applied| applied.minor > 0);
    lowered
}

/// What a credit note over `forgiven` is made of: the first line that has a code, and the price before tax with which Zoho
/// comes to that total.
pub(super) fn credit(read: &InvoiceLines, forgiven: Money) -> Option<Credit> {
    let line = read.lines.iter().find(|line| !line.code.is_empty())?.clone();
    let invoice = &read.invoice;
    let tax = invoice.tax.filter(|_| line.tax.is_some());
    let net = tax.map(|tax| invoice.total.minor - tax.minor).filter(|net| *net > 0);
    let price = match (tax, net) {
        (Some(tax), Some(net)) => {
            let first = div_round(i128::from(forgiven.minor) * i128::from(net), i128::from(invoice.total.minor));
            let with_tax = |price: i64| price + div_round(i128::from(price) * i128::from(tax.minor), i128::from(net));
            [0, -1, 1]
                .map(|off| first + off)
                .into_iter()
                .find(|price| with_tax(*price) == forgiven.minor)
                .unwrap_or(first)
        }
        (Some(_) | None, _) => forgiven.minor,
    };
    let within = Money::new(forgiven.minor - price, forgiven.currency);
    Some(Credit {
        zoho_customer: invoice.customer.clone(),
        line,
        price: Money::new(price, forgiven.currency),
        tax: invoice.tax.map(|_| within),
    })
}

/// Half up, of numbers that are not negative.
fn div_round(dividend: i128, divisor: i128) -> i64 {
    i64::try_from((dividend * 2 + divisor) / (divisor * 2)).unwrap_or(i64::MAX)
}
