//! The mailbox as pages: a list, one mail with its text, header and what its reader sees. A mail's own HTML is shown in a
//! frame in which nothing runs.

use super::{super::World, Stored};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderName, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use minijinja::{Environment, context, value::Serde};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// Of our own pages: no script, no foreign content.
const PAGE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; base-uri 'none'; form-action 'none'";
/// Of a mail's HTML: nothing runs, links open beside it.
const MAIL_POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; \
     style-src 'unsafe-inline'; img-src https: data:; frame-ancestors 'self'";

static PAGES: LazyLock<Environment<'_>> = LazyLock::new(|| {
    let mut pages = Environment::new();
    for (name, text) in [("list.html", include_str!("list.html")), ("mail.html", include_str!("mail.html"))] {
        pages.add_template(name, text).expect("a test renders every page");
    }
    pages.add_template("frame.html", include_str!("frame.html")).expect("a test renders every page");
    pages
});

pub(super) fn router() -> Router<Arc<World>> {
    Router::new()
        .route("/mailbox", get(list))
        .route("/mailbox.json", get(list_json))
        .route("/mailbox/{number}", get(mail))
        .route("/mailbox/{number}/html", get(html))
}

/// Whose mails are meant.
#[derive(Deserialize)]
struct Filter {
    /// One of the recipients, whole; absent: everybody's.
    to: Option<String>,
}

async fn list(State(world): State<Arc<World>>) -> Response {
    let line = |m: Stored| context! { number => m.number, subject => m.subject, to => m.to.join(", "), at => time(m.received_at) };
    let mails: Vec<_> = world.mailbox.list().into_iter().rev().map(line).collect();
    page("list.html", &context! { mails })
}

async fn list_json(State(world): State<Arc<World>>, Query(filter): Query<Filter>) -> Json<Value> {
    let mut mails = world.mailbox.list();
    mails.retain(|mail| filter.to.as_ref().is_none_or(|to| mail.to.contains(to)));
    Json(json!(mails))
}

async fn mail(State(world): State<Arc<World>>, Path(number): Path<usize>) -> Response {
    let Some(mail) = world.mailbox.get(number) else { return nothing_there() };
    page("mail.html", &context! { at => time(mail.received_at), to => mail.to.join(", "), mail => Serde(mail) })
}

/// The mail's own HTML; links open beside the frame.
async fn html(State(world): State<Arc<World>>, Path(number): Path<usize>) -> Response {
    let Some(html) = world.mailbox.get(number).and_then(|mail| mail.html) else { return nothing_there() };
    let html = html.replacen("<head>", "<head><base target=\"_blank\">", 1);
    (policy(MAIL_POLICY), Html(html)).into_response()
}

fn page(name: &str, values: &minijinja::Value) -> Response {
    match PAGES.get_template(name).and_then(|page| page.render(values)) {
        Ok(page) => (policy(PAGE_POLICY), Html(page)).into_response(),
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, format!("the page cannot be shown: {e}")).into_response(),
    }
}

fn policy(policy: &'static str) -> [(HeaderName, &'static str); 3] {
    [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ]
}

fn nothing_there() -> Response {
    (StatusCode::NOT_FOUND, "there is no such mail; /mailbox lists all\n").into_response()
}

fn time(at: chrono::DateTime<chrono::Utc>) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}
