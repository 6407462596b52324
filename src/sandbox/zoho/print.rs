//! Documents as PDF files: one page of plain text in a standard font. Characters beyond Latin-1 are shown as `?`.

use super::State;
use super::call::Call;
use super::invoices::{Invoice, Line};
use super::money::Currency;
use super::reply::{Printed, Reply};
use chrono::NaiveDate;
use std::fmt::Write;

/// The lines that fit on the page.
const LINES: usize = 60;

/// What is printed of an invoice, a credit note or a quote.
pub(super) struct Sheet<'a> {
    /// As in "Invoice".
    pub(super) title: &'a str,
    pub(super) number: &'a str,
    pub(super) date: NaiveDate,
    pub(super) customer: &'a str,
    pub(super) reference: &'a str,
    pub(super) currency: Currency,
    pub(super) lines: &'a [Line],
    /// Further lines, such as what is still owed.
    pub(super) foot: Vec<(&'static str, String)>,
}

impl Sheet<'_> {
    /// The document as a file named by its number.
    pub(super) fn print(&self) -> Reply {
        let amount = |minor| format!("{} {}", self.currency.text(minor), self.currency.code);
        let mut text = vec![
            format!("{} {}", self.title, self.number),
            format!("Date {}", self.date),
            format!("Customer {}", self.customer),
        ];
        if !self.reference.is_empty() {
            text.push(format!("Reference {}", self.reference));
        }
        text.push(String::new());
        for line in self.lines {
            let charge = &line.charge;
            text.push(format!("{} x {}  {}", charge.quantity, charge.name, amount(charge.net())));
            if let Some((tax, sum)) = charge.tax_part() {
                text.push(format!("    {} {}", tax.name, amount(sum)));
            }
        }
        text.push(String::new());
        text.push(format!("Total {}", amount(self.lines.iter().map(Line::total).sum())));
        text.extend(self.foot.iter().map(|(name, value)| format!("{name} {value}")));
        Reply::print(Printed { name: self.number.to_owned(), pdf: pdf(&text) })
    }
}

impl State {
    /// An invoice as a file.
    pub(super) fn print_invoice(&self, invoice: &Invoice, call: &Call<'_>) -> Reply {
        let owed = format!("{} {}", invoice.currency.text(invoice.balance()), invoice.currency.code);
        Sheet {
            title: "Invoice",
            number: &invoice.number,
            date: invoice.date,
            customer: self.customers.get(&invoice.customer).map_or("", |customer| &customer.display_name),
            reference: &invoice.reference,
            currency: invoice.currency,
            lines: &invoice.lines,
            foot: vec![
                ("Balance due", owed),
                ("Due", invoice.due.to_string()),
                ("Status", invoice.status(call.org.today()).to_owned()),
            ],
        }
        .print()
    }
}

/// A PDF 1.4 file of one A4 page.
fn pdf(lines: &[String]) -> Vec<u8> {
    let mut content = b"BT /F1 11 Tf 50 800 Td 13 TL\n".to_vec();
    for line in lines.iter().take(LINES) {
        content.push(b'(');
        for c in line.chars() {
            let byte = u8::try_from(u32::from(c)).ok().filter(|byte| !byte.is_ascii_control()).unwrap_or(b'?');
            if matches!(byte, b'(' | b')' | b'\\') {
                content.push(b'\\');
            }
            content.push(byte);
        }
        content.extend_from_slice(b") Tj T*\n");
    }
    content.extend_from_slice(b"ET");
    let mut stream = format!("<< /Length {} >>\nstream\n", content.len()).into_bytes();
    stream.extend_from_slice(&content);
    stream.extend_from_slice(b"\nendstream");
    let objects: [&[u8]; 5] = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        &stream,
    ];
    assemble(&objects)
}

/// A file of these objects, with the table of where each begins.
fn assemble(objects: &[&[u8]]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (at, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", file.len()).expect("text grows");
        file.extend_from_slice(format!("{} 0 obj\n", at + 1).as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let begins = file.len();
    let size = objects.len() + 1;
    let end = format!("{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{begins}\n%%EOF\n");
    file.extend_from_slice(end.as_bytes());
    file
}
