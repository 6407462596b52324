//! The calls on invoices; what they do is in [`super::invoices`].

use super::call::{Call, Route, route};
use super::errors::Refusal;
use super::fields::Fields;
use super::invoices::{Invoice, Line, NewInvoice};
use super::list::{Listing, filter_by};
use super::reply::{Answer, Object, Reply};
use axum::routing::MethodFilter;

pub(super) const ROUTES: &[Route] = &[
    route("invoice.create", MethodFilter::POST, "/invoices", create),
    route("invoice.list", MethodFilter::GET, "/invoices", list),
    route("invoice.get", MethodFilter::GET, "/invoices/{id}", get),
    route("invoice.update", MethodFilter::PUT, "/invoices/{id}", update),
    route("invoice.delete", MethodFilter::DELETE, "/invoices/{id}", delete),
    route("invoice.converttoopen", MethodFilter::POST, "/invoices/{id}/converttoopen", open),
    route("invoice.void", MethodFilter::POST, "/invoices/{id}/void", void),
    route("invoice.writeoff", MethodFilter::POST, "/invoices/{id}/writeoff", write_off),
    route("invoice.cancelwriteoff", MethodFilter::POST, "/invoices/{id}/cancelwriteoff", cancel_write_off),
    route("invoice.credits", MethodFilter::POST, "/invoices/{id}/credits", apply_credits),
    route("invoice.customfields", MethodFilter::POST, "/invoices/{id}/customfields", custom_fields),
];

fn create(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let customer = fields.needed_id("customer_id")?;
    let terms = fields.whole("payment_terms")?.unwrap_or(call.org.state.customer(customer)?.payment_terms);
    let date = fields.date("date")?.ok_or_else(|| Refusal::missing("date"))?;
    let items = fields.list("invoice_items")?.unwrap_or_default();
    let lines = Line::read(&mut call.org, &items, "product_id", customer)?;
    let draft = call.query("send") != Some("true");
    let id =
        call.org.raise_invoice(NewInvoice { customer, subscription: None, date, terms, lines, coupon: None, draft })?;
    call.org.state.invoice_mut(id)?.custom_fields.update(&fields)?;
    Ok(Reply::created("The invoice has been created.").with("invoice", changed(call, id)?))
}

fn view(call: &Call<'_>, id: super::ids::Id) -> Result<Object, Refusal> {
    Ok(call.org.state.invoice_view(call.org.state.invoice(id)?, call.org.today()))
}

fn changed(call: &Call<'_>, id: super::ids::Id) -> Result<Object, Refusal> {
    Ok(call.org.state.changed_invoice_view(call.org.state.invoice(id)?, call.org.today()))
}

fn get(call: &mut Call<'_>) -> Answer {
    Ok(Reply::ok("success").with("invoice", view(call, call.id("Invoice")?)?))
}

fn list(call: &mut Call<'_>) -> Answer {
    let horizon = call.horizon();
    let (state, today) = (&*call.org.state, call.org.today());
    let filter = filter_by(call, "Status.")?;
    let (customer, subscription) = (call.query_id("customer_id")?, call.query_id("subscription_id")?);
    let text = call.query("search_text").map(str::to_lowercase);
    if text.as_ref().is_some_and(|text| text.chars().count() > 100) {
        return Err(Refusal::invalid("search_text"));
    }
    let shows = |invoice: &&Invoice| {
        let status = match filter {
            "All" => true,
            "Sent" => invoice.status(today) == "sent",
            "Draft" => invoice.is_draft(),
            "OverDue" => invoice.is_overdue(today),
            "Paid" => invoice.status(today) == "paid",
            "PartiallyPaid" => invoice.status(today) == "partially_paid",
            "Void" => invoice.is_void(),
            "Unpaid" => !invoice.is_draft() && invoice.balance() > 0,
            _ => false,
        };
        status
            && invoice.created <= horizon
            && customer.is_none_or(|id| invoice.customer == id)
            && subscription.is_none_or(|id| invoice.subscription == Some(id))
            && text.as_ref().is_none_or(|text| {
                let name = state.customers.get(&invoice.customer).map_or("", |customer| &customer.display_name);
                invoice.number.to_lowercase().contains(text) || name.to_lowercase().contains(text)
            })
    };
    let ids = state.invoices.values().filter(shows).map(|invoice| invoice.id);
    let row = |id| state.invoice_row(&state.invoices[&id], today);
    Listing { key: "invoices", report: "Invoices", filter: &format!("Status.{filter}") }.answer(call, ids, row)
}

fn update(call: &mut Call<'_>) -> Answer {
    let id = call.id("Invoice")?;
    let fields = call.fields()?;
    let invoice = call.org.state.invoice(id)?;
    let customer = invoice.customer;
    if fields.needed_id("customer_id")? != customer {
        return Err(Refusal::invalid("customer_id"));
    }
    let items = fields.list("invoice_items")?.unwrap_or_default();
    let lines = Line::read(&mut call.org, &items, "product_id", customer)?;
    call.org.replace_lines(id, lines)?;
    call.org.state.invoice_mut(id)?.custom_fields.update(&fields)?;
    Ok(Reply::ok("Invoice information has been updated.").with("invoice", changed(call, id)?))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.id("Invoice")?;
    let invoice = call.org.state.invoice(id)?;
    if !invoice.payments.is_empty() || !invoice.credits.is_empty() {
        return Err(Refusal::has_transactions("The invoice"));
    }
    call.org.state.invoices.remove(&id);
    Ok(Reply::ok("The invoice has been deleted."))
}

fn open(call: &mut Call<'_>) -> Answer {
    call.org.open_invoice(call.id("Invoice")?)?;
    Ok(Reply::ok("Status of the invoice has been changed to open."))
}

fn void(call: &mut Call<'_>) -> Answer {
    call.org.void_invoice(call.id("Invoice")?)?;
    Ok(Reply::ok("Invoice status has been changed to Void."))
}

fn write_off(call: &mut Call<'_>) -> Answer {
    call.fields()?;
    call.org.write_off(call.id("Invoice")?)?;
    Ok(Reply::ok("Invoice has been written off.."))
}

fn cancel_write_off(call: &mut Call<'_>) -> Answer {
    call.org.cancel_write_off(call.id("Invoice")?)?;
    Ok(Reply::ok("The write off done for this invoice has been cancelled."))
}

fn apply_credits(call: &mut Call<'_>) -> Answer {
    let id = call.id("Invoice")?;
    let currency = call.org.state.invoice(id)?.currency;
    let parts = call.fields()?.list("apply_creditnotes")?.ok_or_else(|| Refusal::missing("apply_creditnotes"))?;
    let read = |part: &Fields| Ok((part.needed_id("creditnote_id")?, part.needed_amount("amount_applied", currency)?));
    let parts: Vec<_> = parts.iter().map(read).collect::<Result<_, Refusal>>()?;
    let uses: Vec<_> = parts.iter().map(|(note, amount)| (*note, id, *amount)).collect();
    call.org.use_credit(&uses)?;
    let view = |(note, amount): &(super::ids::Id, i64)| {
        Object::new().with("creditnote_id", note).with("amount_applied", currency.number(*amount))
    };
    let applied: Vec<_> = parts.iter().map(view).collect();
    Ok(Reply::ok("Credits have been applied to the invoice(s).").with("apply_creditnotes", applied))
}

fn custom_fields(call: &mut Call<'_>) -> Answer {
    let (id, fields, now) = (call.id("Invoice")?, call.fields()?, call.org.now);
    let invoice = call.org.state.invoice_mut(id)?;
    invoice.custom_fields.update(&fields)?;
    invoice.updated = now;
    Ok(Reply::ok("Custom Fields Updated Successfully").with("custom_fields", invoice.custom_fields.view()))
}
