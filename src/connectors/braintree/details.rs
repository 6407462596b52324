//! What a sale is for, within the limits that card networks set (level 2 and 3 data, the gateway's reference): lengths,
//! counts, signs, plain characters. What does not fit is left out and said, never bent; the lines go out all or not at all,
//! for a part of them would not add up. Nothing here changes what is charged.

use super::xml::Body;
use iso_currency::Currency;
use sagas::kernel::effect::{SaleDetails, SaleLine};
use sagas::kernel::money::Money;

/// Characters of a purchase order number.
const ORDER_NUMBER: usize = 17;
/// Characters of a line's name.
const NAME: usize = 35;
/// Characters of a product code and of a unit.
const CODE: usize = 12;
/// Lines of one sale.
const LINES: usize = 249;
/// Decimals of a quantity.
const DECIMALS: usize = 4;

/// What goes out, and what does not.
pub(super) struct Details<'a> {
    order_number: Option<String>,
    tax: Option<Money>,
    shipping: Option<Money>,
    discount: Option<Money>,
    lines: Vec<Line<'a>>,
    unsaid: Vec<String>,
}

struct Line<'a> {
    is_credit: bool,
    name: String,
    code: Option<String>,
    unit: Option<String>,
    quantity: &'a str,
    unit_amount: Money,
    total: Money,
    tax: Option<Money>,
    discount: Option<Money>,
}

impl<'a> Details<'a> {
    /// Fits an invoice's details to a sale in that currency.
    pub(super) fn of(details: &'a SaleDetails, currency: Currency) -> Self {
        let mut unsaid = Vec::new();
        let order_number = last(&details.invoice_number, ORDER_NUMBER);
        if order_number.as_deref() != Some(details.invoice_number.as_str()) {
            unsaid.push(format!("the invoice number in whole (it has to be {ORDER_NUMBER} plain characters at most)"));
        }
        let mut sum = |name: &str, money: Option<Money>| {
            let money = money?;
            if money.currency == currency && money.minor >= 0 {
                return Some(money);
            }
            unsaid.push(format!("{name} (it is less than zero, or in another currency)"));
            None
        };
        let tax = sum("the tax", details.tax);
        let shipping = sum("shipping", details.shipping);
        let discount = sum("the discount", details.discount);
        let lines = lines(&details.lines, currency).unwrap_or_else(|why| {
            unsaid.push(format!("the lines ({why})"));
            Vec::new()
        });
        Self { order_number, tax, shipping, discount, lines, unsaid }
    }

    /// What is left out, in words; `None`: nothing is.
    pub(super) fn unsaid(&self) -> Option<String> {
        (!self.unsaid.is_empty()).then(|| self.unsaid.join("; "))
    }

    /// Writes it into a sale.
    pub(super) fn write(&self, body: &mut Body) {
        if let Some(number) = &self.order_number {
            body.text("purchase_order_number", number);
        }
        match self.tax {
            Some(tax) if tax.minor == 0 => body.flag("tax_exempt", true),
            Some(tax) => body.text("tax_amount", &tax.decimal()),
            None => {}
        }
        let sums = [("shipping_amount", self.shipping), ("discount_amount", self.discount)];
        for (name, sum) in sums.into_iter().filter_map(|(name, sum)| Some((name, sum?))) {
            body.text(name, &sum.decimal());
        }
        if !self.lines.is_empty() {
            body.items("line_items", &self.lines, |item, line| line.write(item));
        }
    }
}

impl Line<'_> {
    fn write(&self, item: &mut Body) {
        item.text("kind", if self.is_credit { "credit" } else { "debit" });
        item.text("name", &self.name);
        item.text("quantity", self.quantity);
        item.text("unit_amount", &self.unit_amount.decimal());
        item.text("total_amount", &self.total.decimal());
        for (name, text) in [("unit_of_measure", &self.unit), ("product_code", &self.code)] {
            if let Some(text) = text {
                item.text(name, text);
            }
        }
        for (name, sum) in [("tax_amount", self.tax), ("discount_amount", self.discount)] {
            if let Some(sum) = sum {
                item.text(name, &sum.decimal());
            }
        }
    }
}

/// All lines that have a sum, or why none of them can be said.
fn lines(lines: &[SaleLine], currency: Currency) -> Result<Vec<Line<'_>>, String> {
    // A line without a sum is refused by the gateway, and adds nothing.
    let lines: Vec<(usize, &SaleLine)> = lines.iter().enumerate().filter(|(_, line)| line.total.minor != 0).collect();
    if lines.len() > LINES {
        return Err(format!("there are {} of them and {LINES} at most can be said", lines.len()));
    }
    lines
        .into_iter()
        .map(|(at, line)| fitted(line, currency).map_err(|why| format!("line {}: {why}", at + 1)))
        .collect()
}

fn fitted(line: &SaleLine, currency: Currency) -> Result<Line<'_>, &'static str> {
    let all = [Some(line.unit_amount), Some(line.total), line.tax, line.discount];
    if all.into_iter().flatten().any(|sum| sum.currency != currency) {
        return Err("a sum is in another currency");
    }
    if [line.tax, line.discount].into_iter().flatten().any(|sum| sum.minor < 0) {
        return Err("its tax or discount is less than zero");
    }
    if line.unit_amount.minor == 0 {
        return Err("its price is zero and its sum is not");
    }
    if !is_quantity(&line.quantity) {
        return Err("its quantity is no number above zero with four decimals at most");
    }
    let positive = |sum: Money| Money::new(sum.minor.saturating_abs(), sum.currency);
    Ok(Line {
        is_credit: line.total.minor < 0,
        name: first(&line.name, NAME).ok_or("its name has no plain character")?,
        code: first(&line.code, CODE),
        unit: line.unit.as_deref().and_then(|unit| first(unit, CODE)),
        quantity: &line.quantity,
        unit_amount: positive(line.unit_amount),
        total: positive(line.total),
        tax: line.tax,
        discount: line.discount,
    })
}

fn is_quantity(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let above_zero = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    digits(whole) && digits(decimals) && decimals.len() <= DECIMALS && whole.len() <= 9 && above_zero
}

/// Characters that every processor takes; runs of others become one space.
fn plain(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '\'' | '.' | '-');
    let words: Vec<&str> = text.split(|c| !is_plain(c)).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn first(text: &str, most: usize) -> Option<String> {
    let cut: String = plain(text).chars().take(most).collect();
    Some(cut.trim().to_owned()).filter(|cut| !cut.is_empty())
}

/// Numbers differ at their end.
fn last(text: &str, most: usize) -> Option<String> {
    let text = plain(text);
    let cut: String = text.chars().skip(text.chars().count().saturating_sub(most)).collect();
    Some(cut.trim().to_owned()).filter(|cut| !cut.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use iso_currency::Currency::{EUR, USD};

    fn line(name: &str, quantity: &str, total: i64) -> SaleLine {
        SaleLine {
            name: name.to_owned(),
            code: "pro-monthly-plan".to_owned(),
            quantity: quantity.to_owned(),
            unit: Some("seat".to_owned()),
            unit_amount: Money::new(total, EUR),
            total: Money::new(total, EUR),
            tax: Some(Money::new(19, EUR)),
            discount: None,
        }
    }

    fn details(lines: Vec<SaleLine>) -> SaleDetails {
        let invoice_number = "INV-000042".to_owned();
        SaleDetails { invoice_number, tax: Some(Money::new(19, EUR)), shipping: None, discount: None, lines }
    }

    fn written(details: &SaleDetails) -> (String, String) {
        let fitted = Details::of(details, EUR);
        (Body::document("t", |body| fitted.write(body)), fitted.unsaid().unwrap_or_default())
    }

    #[test]
    fn an_invoice_that_fits_goes_out_in_whole() {
        let (body, unsaid) = written(&details(vec![line("Pro — monthly", "2", 100), line("Goodwill", "1", -40)]));
        assert_eq!(unsaid, "");
        assert!(
            body.ends_with(
                "<t><purchase_order_number>INV-000042</purchase_order_number><tax_amount>0.19</tax_amount>\
                 <line_items type=\"array\"><item><kind>debit</kind><name>Pro monthly</name><quantity>2</quantity>\
                 <unit_amount>1.00</unit_amount><total_amount>1.00</total_amount><unit_of_measure>seat</unit_of_measure>\
                 <product_code>pro-monthly-</product_code><tax_amount>0.19</tax_amount></item><item><kind>credit</kind>\
                 <name>Goodwill</name><quantity>1</quantity><unit_amount>0.40</unit_amount>\
                 <total_amount>0.40</total_amount><unit_of_measure>seat</unit_of_measure>\
                 <product_code>pro-monthly-</product_code><tax_amount>0.19</tax_amount></item></line_items></t>"
            ),
            "{body}"
        );
    }

    #[test]
    fn lines_go_out_all_or_not_at_all_and_it_is_said_why() {
        let other = SaleLine { total: Money::new(100, USD), ..line("Other", "1", 100) };
        let owed = SaleLine { tax: Some(Money::new(-1, EUR)), ..line("Owed", "1", 100) };
        for (lines, why) in [
            (vec![line("Pro", "0", 100)], "line 1: its quantity is no number above zero"),
            (vec![line("Pro", "1", 100), line("Pro", "1.00001", 100)], "line 2: its quantity"),
            (vec![line("Pro", "1e3", 100)], "line 1: its quantity"),
            (vec![line("¿?", "1", 100)], "line 1: its name"),
            (vec![other], "line 1: a sum is in another currency"),
            (vec![owed], "line 1: its tax or discount is less than zero"),
            (vec![line("Pro", "1", 1); 250], "there are 250 of them and 249"),
        ] {
            let (body, unsaid) = written(&details(lines));
            assert!(unsaid.starts_with(&format!("the lines ({why}")), "{unsaid}");
            assert!(!body.contains("line_items"), "{body}");
            assert!(body.contains("tax_amount"), "the rest is said: {body}");
        }
        let free = line("Free", "1", 0);
        let (body, unsaid) = written(&details(vec![free, line("Pro", "1", 100)]));
        assert!(unsaid.is_empty() && !body.contains("Free") && body.contains("Pro"), "{body}");
    }

    #[test]
    fn long_texts_are_cut_and_sums_that_cannot_be_are_left_out() {
        let long = SaleDetails {
            invoice_number: "ACME-2026-INV-0000042".to_owned(),
            tax: Some(Money::new(0, EUR)),
            shipping: Some(Money::new(-1, EUR)),
            discount: Some(Money::new(1, USD)),
            ..details(vec![line(&"x".repeat(40), "0.5", 100)])
        };
        let (body, unsaid) = written(&long);
        assert!(body.contains("<purchase_order_number>-2026-INV-0000042</purchase_order_number>"), "{body}");
        assert!(body.contains("<tax_exempt type=\"boolean\">true</tax_exempt>"), "{body}");
        assert!(body.contains(&format!("<name>{}</name>", "x".repeat(35))), "{body}");
        assert!(!body.contains("shipping") && !body.contains("discount"), "{body}");
        assert!(unsaid.contains("invoice number") && unsaid.contains("shipping") && unsaid.contains("the discount"));
    }
}
