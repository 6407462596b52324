//! The calls on invoices; what they do is in [`super::invoices`].

use super::call::{Call, Route, route};
use super::customers::{address_of, place};
use super::dunning::Charged;
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
    route("invoice.setcustomfields", MethodFilter::PUT, "/invoice/{id}/customfields", set_custom_fields),
    route("invoice.address", MethodFilter::PUT, "/invoices/{id}/address", set_address),
    route("invoice.additems", MethodFilter::POST, "/invoices/{id}/lineitems", add_items),
    route("invoice.deleteitem", MethodFilter::DELETE, "/invoices/{id}/lineitems/{item}", delete_item),
    route("invoice.email", MethodFilter::POST, "/invoices/{id}/email", email),
    route("invoice.collect", MethodFilter::POST, "/invoices/{id}/collect", collect),
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
    let quote = fields.id("invoiced_estimate_id")?;
    let invoice = call.org.state.invoice_mut(id)?;
    invoice.custom_fields.update(&fields)?;
    invoice.reference = fields.text("reference_number")?.unwrap_or_default();
    invoice.mailed = !draft;
    if let Some(quote) = quote {
        call.org.invoice_quote(quote)?;
    }
    Ok(Reply::created("The invoice has been created.").with("invoice", changed(call, id)?))
}

fn view(call: &Call<'_>, id: super::ids::Id) -> Result<Object, Refusal> {
    Ok(call.org.state.invoice_view(call.org.state.invoice(id)?, call.org.today()))
}

fn changed(call: &Call<'_>, id: super::ids::Id) -> Result<Object, Refusal> {
    Ok(call.org.state.changed_invoice_view(call.org.state.invoice(id)?, call.org.today()))
}

fn get(call: &mut Call<'_>) -> Answer {
    let id = call.id("Invoice")?;
    if call.wants_pdf {
        return Ok(call.org.state.print_invoice(call.org.state.invoice(id)?, call));
    }
    Ok(Reply::ok("success").with("invoice", view(call, id)?))
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
            "Draft" => invoice.status(today) == "draft",
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
    let (id, reason) = (call.id("Invoice")?, call.fields()?.text("reason")?);
    call.org.write_off(id)?;
    if let Some(reason) = reason {
        let remark = call.org.remark(format!("Written off: {reason}"));
        call.org.state.invoice_mut(id)?.comments.push(remark);
    }
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
    let today = call.org.today();
    let view = |(note, amount): &(super::ids::Id, i64)| {
        Object::new()
            .with("creditnote_id", note)
            .with("invoice_id", id)
            .with("amount_applied", currency.number(*amount))
            .with("date", today)
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

/// A bare list of `customfield_id` and `value`, under a path in the singular.
fn set_custom_fields(call: &mut Call<'_>) -> Answer {
    let (id, given, now) = (call.id("Invoice")?, Fields::read_list(call.body())?, call.org.now);
    let invoice = call.org.state.invoice_mut(id)?;
    for field in given {
        let place = field.needed("customfield_id")?;
        invoice.custom_fields.set_by_id(&place, field.text("value")?.unwrap_or_default())?;
    }
    invoice.updated = now;
    Ok(Reply::ok("Custom Fields Updated Successfully"))
}

/// An address that is not given stays.
fn set_address(call: &mut Call<'_>) -> Answer {
    let (id, fields, now) = (call.id("Invoice")?, call.fields()?, call.org.now);
    let state = &mut *call.org.state;
    let mut addresses = state.addresses(state.invoice(id)?);
    for (name, address) in ["billing_address", "shipping_address"].into_iter().zip(&mut addresses) {
        if let Some(given) = fields.value(name)? {
            *address = place(&address_of(&given));
        }
    }
    let [billing, shipping] = addresses.clone();
    let invoice = state.invoice_mut(id)?;
    invoice.addresses = Some(addresses);
    invoice.updated = now;
    let view = Object::new().with("billing_address", billing).with("shipping_address", shipping);
    Ok(Reply::ok("Invoice address updated").with("invoice_address", view))
}

/// The lines of a pending invoice, which alone can still get some.
fn pending_lines(call: &Call<'_>, id: super::ids::Id) -> Result<Vec<Line>, Refusal> {
    let invoice = call.org.state.invoice(id)?;
    if invoice.is_pending() { Ok(invoice.lines.clone()) } else { Err(Refusal::wrong_state("Invoice is not pending.")) }
}

fn add_items(call: &mut Call<'_>) -> Answer {
    let id = call.id("Invoice")?;
    let mut lines = pending_lines(call, id)?;
    let items = call.fields()?.list("invoice_items")?.unwrap_or_default();
    let customer = call.org.state.invoice(id)?.customer;
    lines.extend(Line::read(&mut call.org, &items, "code", customer)?);
    call.org.replace_lines(id, lines)?;
    Ok(Reply::ok("Invoice information has been updated.").with("invoice", view(call, id)?))
}

fn delete_item(call: &mut Call<'_>) -> Answer {
    let id = call.id("Invoice")?;
    let mut lines = pending_lines(call, id)?;
    let item = call.param("item").to_owned();
    let at = lines.iter().position(|line| line.id.to_string() == item).ok_or_else(|| Refusal::unknown("Item"))?;
    lines.remove(at);
    call.org.replace_lines(id, lines)?;
    Ok(Reply::ok("Invoice information has been updated."))
}

/// No mail leaves the sandbox: a comment notes it, and a draft is sent with it.
fn email(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Invoice")?, call.fields()?);
    let to = fields.texts("to_mail_ids")?.filter(|to| !to.is_empty()).ok_or_else(|| Refusal::missing("to_mail_ids"))?;
    for name in ["subject", "body"] {
        fields.needed(name)?;
    }
    if call.org.state.invoice(id)?.is_draft() {
        call.org.open_invoice(id)?;
    }
    let remark = call.org.remark(format!("Mailed to {} addresses", to.len()));
    let invoice = call.org.state.invoice_mut(id)?;
    invoice.comments.push(remark);
    invoice.mailed = true;
    Ok(Reply::ok("Your invoice has been sent."))
}

/// Bank accounts are not simulated: `card_id` is needed.
fn collect(call: &mut Call<'_>) -> Answer {
    let id = call.id("Invoice")?;
    let card = call.fields()?.needed_id("card_id")?;
    if call.org.state.invoice(id)?.balance() == 0 {
        return Err(Refusal::above_balance());
    }
    match call.org.charge_card(card, id)? {
        Charged::Declined(why) => Err(Refusal::declined(&why)),
        Charged::Paid(payment) => {
            let state = &*call.org.state;
            let payment = state.payment_view(state.payment(payment)?);
            Ok(Reply::ok("The customer payment has been recorded.").with("payment", payment))
        }
    }
}
