//! The calls on hosted pages, and the pages themselves, as a browser sees them below `/hostedpage`.

use super::call::{Call, Org, Route, route};
use super::cards::Typed;
use super::errors::Refusal;
use super::hosted_pages::{Action, Page};
use super::ids::Id;
use super::list::Listing;
use super::reply::{Answer, Reply};
use crate::World;
use axum::extract::{Form, Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::MethodFilter;
use std::collections::HashMap;
use std::sync::Arc;

pub(super) const ROUTES: &[Route] = &[
    route("hostedpage.newsubscription", MethodFilter::POST, "/hostedpages/newsubscription", new_subscription),
    route("hostedpage.updatesubscription", MethodFilter::POST, "/hostedpages/updatesubscription", update_subscription),
    route("hostedpage.updatecard", MethodFilter::POST, "/hostedpages/updatecard", update_card),
    route("hostedpage.buyonetimeaddon", MethodFilter::POST, "/hostedpages/buyonetimeaddon", buy_addon),
    route("hostedpage.addpaymentmethod", MethodFilter::POST, "/hostedpages/addpaymentmethod", add_method),
    route("hostedpage.updatepaymentmethod", MethodFilter::POST, "/hostedpages/updatepaymentmethod", update_method),
    route("hostedpage.invoicepayment", MethodFilter::POST, "/hostedpages/invoicepayment", pay_invoice),
    route("hostedpage.list", MethodFilter::GET, "/hostedpages", list),
    route("hostedpage.get", MethodFilter::GET, "/hostedpages/{code}", get),
];

fn make(call: &mut Call<'_>, action: Action) -> Answer {
    let body = call.body().to_vec();
    let id = call.org.add_page(action, &body)?;
    let message = "Hosted page has been created successfully.";
    // The one of them that Zoho's documents answer with another status.
    let reply = if action == Action::UpdateCard { Reply::ok(message) } else { Reply::created(message) };
    Ok(reply.with("hostedpage", call.org.state.pages[&id].view(call.org.world.base_url())))
}

fn new_subscription(call: &mut Call<'_>) -> Answer {
    make(call, Action::NewSubscription)
}

fn update_subscription(call: &mut Call<'_>) -> Answer {
    make(call, Action::UpdateSubscription)
}

fn update_card(call: &mut Call<'_>) -> Answer {
    make(call, Action::UpdateCard)
}

fn buy_addon(call: &mut Call<'_>) -> Answer {
    make(call, Action::OneTimeAddon)
}

fn add_method(call: &mut Call<'_>) -> Answer {
    make(call, Action::AddPaymentMethod)
}

fn update_method(call: &mut Call<'_>) -> Answer {
    make(call, Action::UpdatePaymentMethod)
}

fn pay_invoice(call: &mut Call<'_>) -> Answer {
    make(call, Action::InvoicePayment)
}

fn list(call: &mut Call<'_>) -> Answer {
    let (state, base) = (&*call.org.state, call.org.world.base_url());
    let row = |id| state.pages[&id].view(base);
    Listing { key: "hosted_pages", report: "Hosted Pages", filter: "Status.All" }.answer(
        call,
        state.pages.keys().copied(),
        row,
    )
}

/// Its fields are at the top of the answer.
fn get(call: &mut Call<'_>) -> Answer {
    let state = &*call.org.state;
    let page = state.page(call.param("code"))?;
    let data = state.page_data(page, call.org.now);
    Ok(Reply::ok("success").with_all(page.view(call.org.world.base_url())).with("data", data))
}

/// `GET /hostedpage/{code}/checkout`: the form, as long as the page lives.
pub(super) async fn show(Shared(world): Shared<Arc<World>>, Path(code): Path<String>) -> Response {
    with_page(&world, &code, |org, page| {
        org.open_page(page.id);
        Html(form(page, "")).into_response()
    })
}

/// `POST /hostedpage/{code}/checkout`: `act` is `pay` or `close`; with `pay` come `card_number`, `expiry_month` and
/// `expiry_year`.
pub(super) async fn submit(
    Shared(world): Shared<Arc<World>>,
    Path(code): Path<String>,
    Form(given): Form<HashMap<String, String>>,
) -> Response {
    with_page(&world, &code, |org, page| {
        let get = |name: &str| given.get(name).map_or("", String::as_str);
        org.open_page(page.id);
        if get("act") == "close" {
            return match org.close_page(page.id) {
                Ok(()) => leave(page, "You closed this page."),
                Err(refusal) => failed(page, &refusal),
            };
        }
        let typed = Typed {
            number: get("card_number"),
            month: get("expiry_month").parse().unwrap_or_default(),
            year: get("expiry_year").parse().unwrap_or_default(),
        };
        match org.submit_page(page.id, &typed) {
            Ok(()) => leave(page, "Thank you."),
            Err(refusal) => failed(page, &refusal),
        }
    })
}

/// Runs on an open page; others are gone.
fn with_page(world: &World, code: &str, run: impl FnOnce(&mut Org<'_>, &Page) -> Response) -> Response {
    let now = world.clock.now();
    let mut state = world.zoho.lock().expect("zoho lock");
    let mut org = Org { world, state: &mut state, now };
    org.roll();
    org.state.remember(world, now);
    match org.state.page(code).cloned() {
        Ok(page) if page.is_open(now) => run(&mut org, &page),
        Ok(_) => (StatusCode::GONE, Html(said("This page is over."))).into_response(),
        Err(_) => (StatusCode::NOT_FOUND, Html(said("There is no such page."))).into_response(),
    }
}

fn failed(page: &Page, refusal: &Refusal) -> Response {
    (StatusCode::PAYMENT_REQUIRED, Html(form(page, &refusal.message))).into_response()
}

/// Back to the address that the page's maker named, with the page's name, or a last word.
fn leave(page: &Page, word: &str) -> Response {
    match url::Url::parse(&page.redirect) {
        Ok(mut back) => {
            back.query_pairs_mut().append_pair("hostedpage_id", &page.code);
            Redirect::to(back.as_str()).into_response()
        }
        Err(_) => Html(said(word)).into_response(),
    }
}

/// A page with one sentence.
fn said(text: &str) -> String {
    document(&format!("<p role=\"status\">{text}</p>"))
}

/// The card form, below what went wrong with an earlier try.
fn form(page: &Page, error: &str) -> String {
    // A refusal can name what a caller chose as a code or a name.
    let error = error.replace('&', "&amp;").replace('<', "&lt;");
    document(&format!(
        "<h2>{}</h2><p role=\"alert\">{error}</p><form method=\"post\">\
         <label>Card number <input name=\"card_number\" inputmode=\"numeric\" autocomplete=\"cc-number\" \
         value=\"4111111111111111\"></label>\
         <label>Month <input name=\"expiry_month\" inputmode=\"numeric\" value=\"12\"></label>\
         <label>Year <input name=\"expiry_year\" inputmode=\"numeric\" value=\"2039\"></label>\
         <button name=\"act\" value=\"pay\">Submit</button> <button name=\"act\" value=\"close\">Close</button></form>\
         <p>No money moves here: 4111111111111111 pays, 4000000000000002 is not accepted, 4000000000000341 is kept \
         and declined whenever it is charged.</p>",
        page.action.word().replace('_', " ")
    ))
}

fn document(body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Zoho Billing (sandbox)</title>\
         <style>body{{font:16px/1.5 system-ui;margin:2rem auto;max-width:28rem;padding:0 1rem}}\
         label{{display:block;margin:.6rem 0}}input{{font:inherit;width:100%;box-sizing:border-box}}</style>\
         <h1>Zoho Billing (sandbox)</h1>{body}</html>"
    )
}

impl Org<'_> {
    /// The id of a page, by its name.
    pub(super) fn page_id(&self, code: &str) -> Result<Id, Refusal> {
        self.state.page(code).map(|page| page.id)
    }
}
