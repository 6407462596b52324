//! The routes of the page on which a customer cancels what a notice speaks of. Opening it changes nothing, since mail programs
//! open links; the button does. Moves no saga: the desk does that.

use crate::checkout::{CancelDesk, Page, Problem, policy};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use sagas::kernel::effect::LinkPage;
use std::sync::Arc;

/// The button sends nothing but itself.
const BODY_LIMIT: usize = 1024;

/// What the routes need.
#[derive(Clone)]
pub struct CancelPage {
    pub desk: Arc<dyn CancelDesk>,
    pub page: Arc<Page>,
}

/// `/cancel/{token}`. It loads what the checkout loads.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(cancel: CancelPage) -> Router<S> {
    Router::new()
        .route(&format!("/{}/{{token}}", LinkPage::Cancel.path()), get(show).post(press))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(cancel)
}

async fn show(State(cancel): State<CancelPage>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let browser = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let page = &cancel.page;
    match cancel.desk.view(&token).await {
        Ok(view) => answer(page, StatusCode::OK, page.cancel(&view, page.locale(view.locale.as_deref(), browser))),
        Err(problem) => refused(page, &problem, browser),
    }
}

/// Who has the link has the letter: nothing else is asked, and a repeated press has no further effect.
async fn press(State(cancel): State<CancelPage>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let browser = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    match cancel.desk.cancel(&token).await {
        Ok(()) => Redirect::to(&format!("/{}/{token}", LinkPage::Cancel.path())).into_response(),
        Err(problem) => refused(&cancel.page, &problem, browser),
    }
}

fn refused(page: &Page, problem: &Problem, browser: Option<&str>) -> Response {
    let status = match problem {
        Problem::Forged => StatusCode::NOT_FOUND,
        Problem::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Problem::Held | Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    };
    answer(page, status, page.problem(problem, page.locale(None, browser)))
}

fn answer<E: std::fmt::Display>(page: &Page, status: StatusCode, html: Result<String, E>) -> Response {
    match html {
        Ok(html) => {
            let kind =
                [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, page.policy())];
            (status, policy::HEADERS, kind, html).into_response()
        }
        Err(e) => {
            tracing::error!(error = %e, "the page for a cancellation could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
