//! The calls on quotes; what they do is in [`super::quotes`].

use super::call::{Call, Route, route};
use super::errors::Refusal;
use super::ids::Id;
use super::list::Listing;
use super::print::Sheet;
use super::quotes::Phase;
use super::reply::{Answer, Reply};
use axum::routing::MethodFilter;

pub(super) const ROUTES: &[Route] = &[
    route("estimate.create", MethodFilter::POST, "/estimates", create),
    route("estimate.list", MethodFilter::GET, "/estimates", list),
    route("estimate.get", MethodFilter::GET, "/estimates/{id}", get),
    route("estimate.update", MethodFilter::PUT, "/estimates/{id}", update),
    route("estimate.delete", MethodFilter::DELETE, "/estimates/{id}", delete),
    route("estimate.markassent", MethodFilter::POST, "/estimates/{id}/status/sent", mark_sent),
    route("estimate.markasaccepted", MethodFilter::POST, "/estimates/{id}/status/accepted", mark_accepted),
    route("estimate.markasdeclined", MethodFilter::POST, "/estimates/{id}/status/declined", mark_declined),
    route("estimate.email", MethodFilter::POST, "/estimates/{id}/email", email),
];

fn show(call: &Call<'_>, id: Id, reply: Reply) -> Answer {
    let state = &*call.org.state;
    Ok(reply.with("estimate", state.changed_quote_view(state.quote(id)?, call.org.today())))
}

fn create(call: &mut Call<'_>) -> Answer {
    let fields = call.fields()?;
    let own_number = call.query("ignore_auto_number_generation") == Some("true");
    let id = call.org.add_quote(&fields, own_number, call.query("send") == Some("true"))?;
    show(call, id, Reply::created("The quote has been created"))
}

fn get(call: &mut Call<'_>) -> Answer {
    let id = call.id("Quote")?;
    let state = &*call.org.state;
    let quote = state.quote(id)?;
    if !call.wants_pdf {
        return Ok(Reply::ok("success").with("estimate", state.quote_view(quote, call.org.today())));
    }
    let sheet = Sheet {
        title: "Quote",
        number: &quote.number,
        date: quote.date,
        customer: state.customers.get(&quote.customer).map_or("", |customer| &customer.display_name),
        reference: &quote.reference,
        currency: quote.currency,
        lines: &quote.lines,
        foot: vec![("Status", quote.status(call.org.today()).to_owned())],
    };
    Ok(sheet.print())
}

/// Zoho's documents know one filter: the deal of the CRM that a quote belongs to, which is not simulated.
fn list(call: &mut Call<'_>) -> Answer {
    let horizon = call.horizon();
    let (state, today) = (&*call.org.state, call.org.today());
    let of_deal = call.query("zcrm_potential_id").is_some_and(|deal| !deal.is_empty());
    let shown = state.quotes.values().filter(|quote| quote.created <= horizon && !of_deal);
    let row = |id| state.quote_row(&state.quotes[&id], today);
    Listing { key: "estimates", report: "Quotes", filter: "Status.All" }.answer(call, shown.map(|quote| quote.id), row)
}

fn update(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Quote")?, call.fields()?);
    call.org.change_quote(id, &fields)?;
    show(call, id, Reply::ok("Estimate information has been updated."))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.id("Quote")?;
    call.org.state.quote(id)?;
    call.org.state.quotes.remove(&id);
    Ok(Reply::ok("The estimate has been deleted."))
}

fn mark(call: &mut Call<'_>, to: Phase, message: &str) -> Answer {
    let id = call.id("Quote")?;
    call.org.move_quote(id, to)?;
    Ok(Reply::ok(message))
}

fn mark_sent(call: &mut Call<'_>) -> Answer {
    mark(call, Phase::Sent, "Estimate status has been changed to Sent")
}

fn mark_accepted(call: &mut Call<'_>) -> Answer {
    mark(call, Phase::Accepted, "Estimate status has been changed to Accepted.")
}

fn mark_declined(call: &mut Call<'_>) -> Answer {
    mark(call, Phase::Declined, "Estimate status has been changed to Declined.")
}

/// No mail leaves the sandbox; a draft counts as sent with it.
fn email(call: &mut Call<'_>) -> Answer {
    let (id, fields) = (call.id("Quote")?, call.fields()?);
    fields.texts("to_mail_ids")?.filter(|to| !to.is_empty()).ok_or_else(|| Refusal::missing("to_mail_ids"))?;
    if call.org.state.quote(id)?.status(call.org.today()) == "draft" {
        call.org.move_quote(id, Phase::Sent)?;
    }
    Ok(Reply::ok("Your Estimate has been sent."))
}
