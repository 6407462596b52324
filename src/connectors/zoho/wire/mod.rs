//! What Zoho Billing writes and what we write to it. Amounts are read from the raw JSON text and written as JSON number
//! text: no amount ever passes through a float. Refuses an answer that lacks what the flows rely on; knows no status words.

mod catalog;
mod credits;
mod customers;
mod estimates;
mod pages;
mod payments;
mod subscriptions;
mod terms;

pub(super) use catalog::{AddonAnswer, AddonRows, CouponAnswer, CouponRows, PlanAnswer, PlanRows, ProductRows};
pub(super) use credits::{AppliedCredit, CreditAnswer, CreditWire, NewCredit, NewCreditRefund, RefundAnswer};
pub(super) use customers::{
    CustomerAnswer, CustomerRow, CustomerRows, CustomerWire, ErasedCustomer, NewCustomer, OUR_ID, UpdatedCustomer,
    correction,
};
pub(super) use estimates::{EstimateAnswer, EstimateRow, EstimateRows, NewEstimate};
pub(super) use pages::{NewPage, NewTerms, PageAnswer, PageMade};
pub(super) use payments::{AmendedPayment, Applied, NewPayment, PaymentAnswer, Recorded};
pub(super) use subscriptions::{NewSubscription, SubscriptionAnswer, SubscriptionRow, SubscriptionRows, is_over};
pub(super) use terms::{ChangedTerms, ScheduledAnswer, TermsAnswer};

use super::lists::ListedInvoice;
use chrono::{DateTime, NaiveDate, Utc};
use iso_currency::Currency;
use sagas::kernel::answer::{BilledInvoice, Invoice, InvoiceLine, InvoicePayment};
use sagas::kernel::money::{self, Money};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The outer shape of every answer: `code` is 0 on success, whatever the HTTP status says.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    code: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) message: Option<String>,
}

impl Envelope {
    /// The code; a number, though some answers of the platform quote it.
    pub(super) fn code(&self) -> Option<i64> {
        unquoted(self.code.as_ref()?.get()).parse().ok()
    }
}

/// An amount as raw JSON text: a number, or in some answers a quoted number.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Amount(Box<RawValue>);

impl Amount {
    fn text(&self) -> &str {
        unquoted(self.0.get())
    }

    fn money(&self, field: &'static str, currency: Currency) -> Result<Money, Unreadable> {
        Money::parse(self.text(), currency).map_err(|error| Unreadable::Amount(format!("{field}: {error}")))
    }

    /// A whole number that is no money.
    fn count(&self, field: &'static str) -> Result<u32, Unreadable> {
        self.text().parse().map_err(|_| Unreadable::Field(field))
    }
}

/// Zoho leaves a number out, or writes nothing in its place.
fn given(number: Option<&Amount>) -> Option<&Amount> {
    number.filter(|number| !matches!(number.text(), "" | "null"))
}

/// Zoho leaves a text out, or leaves it empty.
fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn unquoted(raw: &str) -> &str {
    raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw)
}

/// Why a well-formed success answer is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A number is no amount of its currency.
    Amount(String),
    /// A field is missing or has another form than documented.
    Field(&'static str),
}

/// `{"invoice": …}`
#[derive(Debug, Deserialize)]
pub(super) struct InvoiceAnswer {
    pub(super) invoice: InvoiceWire,
}

/// One invoice. Zoho Billing says `number` and `invoice_date` where its sister products say `invoice_number` and `date`.
#[derive(Debug, Deserialize)]
pub(super) struct InvoiceWire {
    invoice_id: String,
    number: Option<String>,
    invoice_number: Option<String>,
    customer_id: String,
    status: String,
    currency_code: String,
    total: Amount,
    balance: Amount,
    tax_total: Option<Amount>,
    taxes: Option<Vec<TaxWire>>,
    credits_applied: Option<Amount>,
    credits: Option<Vec<CreditOfInvoice>>,
    write_off_amount: Option<Amount>,
    payments: Option<Vec<PaymentOfInvoice>>,
    invoice_items: Option<Vec<LineOfInvoice>>,
    invoice_date: Option<String>,
    date: Option<String>,
    due_date: Option<String>,
    subscription_id: Option<String>,
    subscriptions: Option<Vec<SubscriptionId>>,
}

#[derive(Debug, Deserialize)]
struct TaxWire {
    tax_amount: Amount,
}

#[derive(Debug, Deserialize)]
struct CreditOfInvoice {
    creditnote_id: Option<String>,
    credited_amount: Amount,
}

#[derive(Debug, Deserialize)]
struct LineOfInvoice {
    code: Option<String>,
    tax_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct SubscriptionId {
    subscription_id: String,
}

#[derive(Debug, Deserialize)]
struct PaymentOfInvoice {
    payment_id: String,
    payment_mode: Option<String>,
    reference_number: Option<String>,
    amount: Amount,
    date: Option<String>,
}

impl InvoiceWire {
    /// What its lines sell, and how they are taxed. Zoho writes no tax as an empty id.
    pub(super) fn lines(&self) -> Vec<InvoiceLine> {
        let lines = self.invoice_items.iter().flatten();
        lines
            .map(|line| InvoiceLine {
                code: line.code.clone().unwrap_or_default(),
                tax: line.tax_id.clone().filter(|tax| !tax.is_empty()),
            })
            .collect()
    }

    /// The flow's view of it.
    pub(super) fn read(self, read_at: DateTime<Utc>) -> Result<Invoice, Unreadable> {
        let currency = currency(&self.currency_code)?;
        let zero = Money::zero(currency);
        let optional = |amount: Option<&Amount>, field| given(amount).map(|a| a.money(field, currency)).transpose();
        let tax = match optional(self.tax_total.as_ref(), "tax_total")? {
            Some(tax) => Some(tax),
            None => sum(self.taxes.as_deref(), "tax_amount", currency, |t| &t.tax_amount)?,
        };
        let credits = match optional(self.credits_applied.as_ref(), "credits_applied")? {
            Some(credits) => credits,
            None => sum(self.credits.as_deref(), "credited_amount", currency, |c| &c.credited_amount)?.unwrap_or(zero),
        };
        let subscription = self.subscription();
        let payments = self.payments.unwrap_or_default().into_iter().map(|p| {
            Ok(InvoicePayment {
                amount: p.amount.money("payments.amount", currency)?,
                id: p.payment_id,
                reference: p.reference_number.unwrap_or_default(),
                mode: p.payment_mode.unwrap_or_default(),
            })
        });
        Ok(Invoice {
            id: self.invoice_id,
            number: self.number.or(self.invoice_number).unwrap_or_default(),
            customer: self.customer_id,
            subscription,
            status: self.status,
            total: self.total.money("total", currency)?,
            balance: self.balance.money("balance", currency)?,
            tax,
            credits,
            written_off: optional(self.write_off_amount.as_ref(), "write_off_amount")?.unwrap_or(zero),
            payments: payments.collect::<Result<_, Unreadable>>()?,
            date: date(self.invoice_date.or(self.date).as_deref(), "invoice_date")?,
            due_date: date(self.due_date.as_deref(), "due_date")?,
            read_at,
        })
    }

    /// The subscription, if the invoice names exactly one.
    fn subscription(&self) -> Option<String> {
        if let Some(id) = self.subscription_id.as_ref().filter(|id| !id.is_empty()) {
            return Some(id.clone());
        }
        match self.subscriptions.as_deref() {
            Some([only]) => Some(only.subscription_id.clone()),
            _ => None,
        }
    }

    /// What of a credit note is applied to it.
    pub(super) fn credit_of(&self, note: &str) -> Result<Option<Money>, Unreadable> {
        let currency = currency(&self.currency_code)?;
        let applied: Vec<_> =
            self.credits.iter().flatten().filter(|credit| credit.creditnote_id.as_deref() == Some(note)).collect();
        sum((!applied.is_empty()).then_some(applied.as_slice()), "credited_amount", currency, |credit| {
            &credit.credited_amount
        })
    }

    /// Payments on it that carry a reference, and the ids of those that carry another.
    pub(super) fn payments_by_reference(&self, reference: &str) -> Result<(Vec<Recorded>, Vec<String>), Unreadable> {
        let currency = currency(&self.currency_code)?;
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        for payment in self.payments.iter().flatten() {
            if payment.reference_number.as_deref().is_some_and(|r| r.trim() == reference) {
                ours.push(Recorded {
                    payment: payment.payment_id.clone(),
                    amount: payment.amount.money("payments.amount", currency)?,
                    customer: self.customer_id.clone(),
                    date: payment.date.clone().unwrap_or_default(),
                });
            } else {
                others.push(payment.payment_id.clone());
            }
        }
        Ok((ours, others))
    }
}

/// Zoho's ids are decimal numbers that grow: sorts the oldest first.
pub(super) fn id_age(id: &str) -> (usize, &str) {
    (id.len(), id)
}

/// One page of a list, with the rows under the resource's plural.
#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    page_context: Option<PageContext>,
}

#[derive(Debug, Deserialize)]
struct PageContext {
    #[serde(default)]
    has_more_page: bool,
}

impl Paging {
    pub(super) fn has_more(&self) -> bool {
        self.page_context.as_ref().is_some_and(|context| context.has_more_page)
    }
}

/// Rows of `GET /invoices`: they name neither subscription nor payments.
#[derive(Debug, Deserialize)]
pub(super) struct InvoiceRows {
    pub(super) invoices: Vec<InvoiceRow>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InvoiceRow {
    pub(super) invoice_id: String,
    pub(super) customer_id: Option<String>,
    pub(super) status: Option<String>,
    pub(super) updated_time: Option<String>,
    number: Option<String>,
    invoice_number: Option<String>,
    created_time: Option<String>,
    currency_code: Option<String>,
    total: Option<Amount>,
    balance: Option<Amount>,
}

impl InvoiceRows {
    /// As far as the rows say it.
    pub(super) fn listed(self) -> Result<Vec<ListedInvoice>, Unreadable> {
        let read = |row: InvoiceRow| {
            let currency = row.currency_code.as_deref().map(currency).transpose()?;
            let money = |amount: Option<&Amount>, field| {
                currency.zip(given(amount)).map(|(currency, amount)| amount.money(field, currency)).transpose()
            };
            Ok(ListedInvoice {
                total: money(row.total.as_ref(), "invoices.total")?,
                balance: money(row.balance.as_ref(), "invoices.balance")?,
                made_at: row.created_time.as_deref().and_then(timestamp),
                id: row.invoice_id,
                customer: row.customer_id,
                status: row.status,
                changed_at: row.updated_time,
            })
        };
        self.invoices.into_iter().map(read).collect()
    }
}

impl InvoiceRows {
    /// With all that settling them needs.
    pub(super) fn billed(self) -> Result<Vec<BilledInvoice>, Unreadable> {
        let read = |row: InvoiceRow| {
            let currency = currency(row.currency_code.as_deref().ok_or(Unreadable::Field("invoices.currency_code"))?)?;
            let money =
                |amount: Option<&Amount>, field| given(amount).ok_or(Unreadable::Field(field))?.money(field, currency);
            Ok(BilledInvoice {
                total: money(row.total.as_ref(), "invoices.total")?,
                balance: money(row.balance.as_ref(), "invoices.balance")?,
                status: filled(row.status).ok_or(Unreadable::Field("invoices.status"))?,
                number: filled(row.invoice_number).or(filled(row.number)).unwrap_or_else(|| row.invoice_id.clone()),
                id: row.invoice_id,
            })
        };
        self.invoices.into_iter().map(read).collect()
    }
}

/// Rows of `GET /transactions`: they do not carry our reference.
#[derive(Debug, Deserialize)]
pub(super) struct TransactionRows {
    pub(super) transactions: Vec<TransactionRow>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TransactionRow {
    pub(super) transaction_id: String,
    date: Option<String>,
    amount: Option<Amount>,
}

impl TransactionRow {
    /// Of that amount; a row without a readable one is not left out.
    pub(super) fn amounts_to(&self, amount: Money) -> bool {
        let shown =
            given(self.amount.as_ref()).and_then(|shown| shown.money("transactions.amount", amount.currency).ok());
        shown.is_none_or(|shown| shown.minor.abs() == amount.minor.abs())
    }

    /// Documented on or after that day; a row without a readable date is not left out.
    pub(super) fn since(&self, day: NaiveDate) -> bool {
        self.date.as_deref().and_then(|d| d.parse::<NaiveDate>().ok()).is_none_or(|d| d >= day)
    }
}

/// Rows of `GET /events`: they name no object.
#[derive(Debug, Deserialize)]
pub(super) struct EventRows {
    pub(super) events: Vec<EventRow>,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventRow {
    #[serde(rename = "event_id")]
    pub(super) id: String,
    #[serde(rename = "event_type")]
    pub(super) kind: String,
    #[serde(rename = "event_time")]
    pub(super) at: Option<String>,
}

/// `{"event": …}`; the payload is JSON written as a text.
#[derive(Debug, Deserialize)]
pub(super) struct EventAnswer {
    pub(super) event: EventWire,
}

#[derive(Debug, Deserialize)]
pub(super) struct EventWire {
    #[serde(rename = "event_type")]
    pub(super) kind: String,
    #[serde(rename = "event_time")]
    pub(super) at: Option<String>,
    pub(super) payload: String,
}

/// Writes the decimal text itself as the JSON number.
fn as_number<S: serde::Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(money.decimal()).map_err(serde::ser::Error::custom)?.serialize(serializer)
}

/// Zoho writes offsets without a colon (`2016-06-11T17:57:13-0700`), which is not RFC 3339.
pub(super) fn timestamp(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z").ok().map(|t| t.with_timezone(&Utc))
}

fn date(text: Option<&str>, field: &'static str) -> Result<NaiveDate, Unreadable> {
    text.and_then(|t| t.parse().ok()).ok_or(Unreadable::Field(field))
}

fn currency(code: &str) -> Result<Currency, Unreadable> {
    money::currency(code).map_err(|error| Unreadable::Amount(format!("currency_code: {error}")))
}

fn sum<T>(
    rows: Option<&[T]>,
    field: &'static str,
    currency: Currency,
    amount: impl Fn(&T) -> &Amount,
) -> Result<Option<Money>, Unreadable> {
    let Some(rows) = rows else { return Ok(None) };
    let mut total = Money::zero(currency);
    for row in rows {
        let next = amount(row).money(field, currency)?;
        total = total.plus(next).map_err(|error| Unreadable::Amount(format!("{field}: {error}")))?;
    }
    Ok(Some(total))
}

/// A vendor's sentence, fit for a log that cannot be erased: without what it quotes, e-mail addresses, capitalised words
/// inside a sentence (names) and numbers of the length of a phone number. It rather loses a word than keeps a name.
pub(super) fn without_personal_data(message: &str) -> String {
    let message = message.replace(['“', '”'], "\"");
    let mut kept = Vec::new();
    let mut quoted = None;
    let mut starts = true;
    for word in message.split_whitespace().take(40) {
        let core = word.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        let opens = quoted.or_else(|| core.chars().next().filter(|c| matches!(c, '"' | '\'')));
        let digits = core.chars().filter(char::is_ascii_digit).count();
        let name = !starts && core.starts_with(char::is_uppercase);
        let personal = opens.is_some() || core.contains(['@', '"']) || name || (7..14).contains(&digits);
        if !personal {
            kept.push(word);
        } else if kept.last() != Some(&"…") {
            kept.push("…");
        }
        quoted = opens.filter(|quote| !(core.ends_with(*quote) && (core.len() > 1 || quoted.is_some())));
        starts = word.ends_with(['.', '!', '?']);
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVOICE: &str = include_str!("../../../../tests/fixtures/zoho/invoice.json");

    fn read(json: &str) -> Result<Invoice, Unreadable> {
        let answer: InvoiceAnswer = serde_json::from_str(json).expect("an invoice answer");
        answer.invoice.read(DateTime::UNIX_EPOCH)
    }

    #[test]
    fn an_invoice_is_read_with_exact_amounts_payments_and_tax() {
        let invoice = read(INVOICE).expect("readable");
        let eur = |minor| Money::new(minor, Currency::EUR);
        assert_eq!((invoice.id.as_str(), invoice.number.as_str()), ("90300000079426", "INV-000384"));
        assert_eq!((invoice.total, invoice.balance, invoice.tax), (eur(11_910), eur(4_910), Some(eur(1_902))));
        assert_eq!((invoice.credits, invoice.written_off), (eur(2_000), eur(0)));
        assert_eq!(invoice.payments.len(), 1);
        assert_eq!((invoice.payments[0].reference.as_str(), invoice.payments[0].amount), ("8xk2f9qa", eur(5_000)));
        assert_eq!(invoice.subscription.as_deref(), Some("90300000079200"));
        assert_eq!(invoice.due_date, NaiveDate::from_ymd_opt(2026, 12, 1).expect("date"));
    }

    #[test]
    fn amounts_of_currencies_with_no_two_and_three_decimals_are_exact_or_refused() {
        let with = |currency: &str, total: &str| {
            read(
                &INVOICE
                    .replace("\"EUR\"", &format!("\"{currency}\""))
                    .replace("\"total\": 119.10", &format!("\"total\": {total}"))
                    .replace("\"balance\": 49.1,", "\"balance\": 0,")
                    .replace("\"tax_total\": 19.02", "\"tax_total\": 19"),
            )
            .map(|i| i.total.minor)
        };
        assert_eq!(with("JPY", "1000"), Ok(1000));
        assert_eq!(with("EUR", "0.30"), Ok(30));
        assert_eq!(with("EUR", "\"1190.1\""), Ok(119_010));
        assert_eq!(with("KWD", "1.234"), Ok(1234));
        assert_eq!(with("EUR", "90071992547409.93"), Ok(9_007_199_254_740_993), "beyond what a float holds");
        for (currency, total) in [("JPY", "1000.5"), ("EUR", "0.30000000000000004"), ("EUR", "1e2"), ("ZZZ", "1")] {
            assert!(matches!(with(currency, total), Err(Unreadable::Amount(_))), "{currency} {total} was accepted");
        }
    }

    #[test]
    fn an_invoice_that_names_several_subscriptions_names_none() {
        let two = INVOICE.replace(
            r#"[{"subscription_id": "90300000079200"}]"#,
            r#"[{"subscription_id": "1"}, {"subscription_id": "2"}]"#,
        );
        assert_eq!(read(&two).expect("readable").subscription, None);
    }

    #[test]
    fn a_payment_is_written_with_its_amount_as_plain_number_text() {
        for (minor, currency, text) in
            [(6_010, Currency::EUR, "60.10"), (500, Currency::JPY, "500"), (1, Currency::KWD, "0.001")]
        {
            let amount = Money::new(minor, currency);
            let body = NewPayment {
                customer_id: "1",
                payment_mode: "creditcard",
                amount,
                date: NaiveDate::from_ymd_opt(2026, 11, 21).expect("date"),
                reference_number: "8xk2f9qa",
                description: String::new(),
                invoices: [Applied { invoice_id: "2", amount_applied: amount }],
            };
            let json = serde_json::to_string(&body).expect("JSON");
            assert!(json.contains(&format!(r#""amount":{text},"date":"2026-11-21""#)), "{json}");
            assert!(json.contains(&format!(r#""amount_applied":{text}}}"#)), "{json}");
        }
    }

    #[test]
    fn offsets_without_a_colon_are_read() {
        let utc = |t: &str| timestamp(t).map(|t| t.to_rfc3339());
        assert_eq!(utc("2016-06-11T17:57:13-0700").as_deref(), Some("2016-06-12T00:57:13+00:00"));
        assert_eq!(utc("2016-06-11T17:57:13+05:30").as_deref(), Some("2016-06-11T12:27:13+00:00"));
        assert_eq!(utc("yesterday"), None);
    }

    #[test]
    fn names_and_addresses_are_struck_from_a_vendors_sentence() {
        for (message, kept) in [
            ("The payment has been created.", "The payment has been created."),
            (
                r#"The customer "Ada Lovelace" already exists. Please use another."#,
                "The customer … already exists. Please use another.",
            ),
            ("The customer 'ada l' isn't there", "The customer … isn't there"),
            ("The customer Ada Lovelace is inactive", "The customer … is inactive"),
            ("Write to ada@example.org or +49-30-1234567 now.", "Write to … or … now."),
            ("Invoice 90300000079426 does not exist.", "Invoice 90300000079426 does not exist."),
        ] {
            assert_eq!(without_personal_data(message), kept);
        }
    }
}
