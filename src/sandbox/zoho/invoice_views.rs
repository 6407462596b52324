//! Invoices as answers show them. Zoho has a form for reading, one for creating and changing, and one for one-time
//! charges, each with names and types of its own.

use super::State;
use super::customers::{Customer, place};
use super::dates::stamp;
use super::invoices::{Applied, Invoice, Line, Used};
use super::offers::Charge;
use super::reply::Object;
use super::subscription_extras::Remark;
use super::taxes::{self, Tax};
use chrono::NaiveDate;
use serde_json::Value;

impl State {
    /// As lists show it. A rest that is past its due date is overdue there, even if a part was paid.
    pub(super) fn invoice_row(&self, invoice: &Invoice, today: NaiveDate) -> Object {
        let status = if invoice.is_overdue(today) { "overdue" } else { invoice.status(today) };
        self.invoice_head(invoice, status).with("has_attachment", false)
    }

    fn invoice_head(&self, invoice: &Invoice, status: &str) -> Object {
        let customer = self.customers.get(&invoice.customer);
        Object::new()
            .with("invoice_id", invoice.id)
            .with("number", &invoice.number)
            .with("status", status)
            .with("invoice_date", invoice.date)
            .with("due_date", invoice.due)
            .with("customer_id", invoice.customer)
            .with("customer_name", customer.map_or("", |customer| &customer.display_name))
            .with("email", customer.map_or("", |customer| &customer.email))
            .with("total", invoice.currency.number(invoice.total()))
            .with("balance", invoice.currency.number(invoice.balance()))
            .with("currency_code", invoice.currency.code)
            .with("currency_symbol", invoice.currency.symbol)
            .with("created_time", stamp(invoice.created))
            .with("updated_time", stamp(invoice.updated))
    }

    /// The whole invoice. It does not name its subscription, as Zoho's does not.
    pub(super) fn invoice_view(&self, invoice: &Invoice, today: NaiveDate) -> Object {
        let currency = invoice.currency;
        let line = |line: &Line| {
            Object::new()
                .with("item_id", line.id)
                .with("product_id", "")
                .with("name", &line.charge.name)
                .with("code", &line.charge.code)
                .with("price", currency.text(line.charge.price))
                .with("quantity", line.charge.quantity)
                .with("discount_amount", currency.number(line.charge.discount))
                .with("item_total", currency.number(line.charge.cost))
                .with("tax_id", taxes::id_text(line.charge.tax.as_ref()))
        };
        let view = self
            .invoice_head(invoice, invoice.status(today))
            .with("invoice_items", invoice.lines.iter().map(line).collect::<Vec<_>>());
        let view =
            self.with_money(view, invoice).with("invoice_url", "").with("custom_fields", invoice.custom_fields.view());
        if self.settings.invoice_taxes { Self::with_taxes(view, invoice) } else { view }
    }

    /// As answers to one-time charges show it: prices are numbers there.
    pub(super) fn charged_invoice_view(&self, invoice: &Invoice, today: NaiveDate) -> Object {
        let currency = invoice.currency;
        let line = |line: &Line| {
            Object::new()
                .with("item_id", line.id)
                .with("name", &line.charge.name)
                .with("code", &line.charge.code)
                .with("price", currency.number(line.charge.price))
                .with("quantity", line.charge.quantity)
                .with("item_total", currency.number(line.charge.cost))
        };
        let view = self
            .invoice_head(invoice, invoice.status(today))
            .with("invoice_items", invoice.lines.iter().map(line).collect::<Vec<_>>());
        self.with_money(view, invoice)
    }

    /// Billing and shipping address: the invoice's own, else the customer's.
    pub(super) fn addresses(&self, invoice: &Invoice) -> [Value; 2] {
        let customer = self.customers.get(&invoice.customer);
        let of_customer = || {
            let addresses = |customer: &Customer| [&customer.billing_address, &customer.shipping_address].map(place);
            customer.map(addresses).unwrap_or_default()
        };
        invoice.addresses.clone().unwrap_or_else(of_customer)
    }

    /// Adds what was paid, credited and said, and the addresses.
    fn with_money(&self, view: Object, invoice: &Invoice) -> Object {
        let currency = invoice.currency;
        let credit = |part: &Applied| {
            Object::new()
                .with("creditnote_id", part.from)
                .with("creditnotes_number", self.notes.get(&part.from).map_or("", |note| &note.number))
                .with("credited_date", part.date)
                .with("credited_amount", currency.text(part.amount))
        };
        let coupon = |used: &Used| {
            let discount = invoice.lines.iter().map(|line| line.charge.discount).sum();
            Object::new()
                .with("coupon_code", &used.code)
                .with("coupon_name", &used.name)
                .with("discount_amount", currency.number(discount))
        };
        let [billing, shipping] = self.addresses(invoice);
        let payments = invoice.payments.iter().map(|part| self.invoice_payment_view(invoice, part));
        view.with("coupons", invoice.coupon.iter().map(coupon).collect::<Vec<_>>())
            .with("credits", invoice.credits.iter().map(credit).collect::<Vec<_>>())
            .with("payments", payments.collect::<Vec<_>>())
            .with("payment_made", currency.number(invoice.paid()))
            .with("credits_applied", currency.number(invoice.credited()))
            .with("write_off_amount", currency.number(invoice.written_off))
            .with("billing_address", &billing)
            .with("shipping_address", &shipping)
            .with("comments", invoice.comments.iter().map(Remark::comment_view).collect::<Vec<_>>())
    }

    fn invoice_payment_view(&self, invoice: &Invoice, part: &Applied) -> Object {
        let currency = invoice.currency;
        let payment = self.payments.get(&part.from);
        let auto = payment.and_then(|payment| payment.auto.as_ref());
        let view = Object::new()
            .with("payment_id", part.from)
            .with("payment_mode", payment.map_or("", |payment| &payment.mode))
            .with("invoice_payment_id", part.id)
            .with("amount_refunded", currency.number(payment.map_or(0, |payment| payment.refunded)))
            .with("gateway_transaction_id", auto.map_or("", |auto| &auto.transaction))
            .with("description", payment.map_or("", |payment| &payment.description))
            .with("date", part.date)
            .with("reference_number", payment.map_or("", |payment| &payment.reference))
            .with("amount", currency.number(part.amount))
            .with("bank_charges", currency.number(0))
            .with("exchange_rate", 1);
        match auto {
            Some(auto) => view.with("autotransaction", auto.invoice_view()),
            None => view,
        }
    }

    /// As answers to its creation and change show it: under other names, and with the sums of its taxes.
    pub(super) fn changed_invoice_view(&self, invoice: &Invoice, today: NaiveDate) -> Object {
        let currency = invoice.currency;
        let line = |(at, line): (usize, &Line)| {
            let tax = line.charge.tax.as_ref();
            let view = Object::new()
                .with("item_id", line.id)
                .with("product_id", &line.charge.code)
                .with("name", &line.charge.name)
                .with("description", "")
                .with("item_order", at)
                .with("price", currency.text(line.charge.price))
                .with("quantity", line.charge.quantity)
                .with("discount_amount", currency.number(line.charge.discount))
                .with("tax_id", taxes::id_text(tax))
                .with("tax_name", tax.map_or("", |tax| &tax.name));
            let view = match tax {
                Some(tax) => view.with("tax_percentage", tax.rate.number()),
                None => view,
            };
            view.with("item_total", currency.number(line.charge.cost))
        };
        let customer = self.customers.get(&invoice.customer);
        let [billing, shipping] = self.addresses(invoice);
        let view = Object::new()
            .with("invoice_id", invoice.id)
            .with("invoice_number", &invoice.number)
            .with("date", invoice.date)
            .with("status", invoice.status(today))
            .with("payment_terms", (invoice.due - invoice.date).num_days())
            .with("due_date", invoice.due)
            .with("reference_number", &invoice.reference)
            .with("customer_id", invoice.customer)
            .with("customer_name", customer.map_or("", |customer| &customer.display_name))
            .with("currency_code", currency.code)
            .with("invoice_items", invoice.lines.iter().enumerate().map(line).collect::<Vec<_>>());
        Self::with_taxes(view, invoice)
            .with("total", currency.number(invoice.total()))
            .with("payment_made", currency.number(invoice.paid()))
            .with("credits_applied", currency.number(invoice.credited()))
            .with("balance", currency.number(invoice.balance()))
            .with("write_off_amount", currency.number(invoice.written_off))
            .with("price_precision", currency.places)
            .with("is_emailed", invoice.mailed)
            .with("billing_address", &billing)
            .with("shipping_address", &shipping)
            .with("created_time", stamp(invoice.created))
            .with("last_modified_time", stamp(invoice.updated))
            .with("invoice_url", "")
    }

    fn with_taxes(view: Object, invoice: &Invoice) -> Object {
        let currency = invoice.currency;
        let charges = || invoice.lines.iter().map(|line| &line.charge);
        let row = |(tax, amount): &(&Tax, i64)| {
            Object::new().with("tax_name", &tax.name).with("tax_amount", currency.number(*amount))
        };
        let sums = taxes::sums(charges().filter_map(Charge::tax_part));
        view.with("sub_total", currency.number(charges().map(Charge::net).sum()))
            .with("tax_total", currency.number(charges().map(Charge::tax_amount).sum()))
            .with("taxes", sums.iter().map(row).collect::<Vec<_>>())
    }
}
