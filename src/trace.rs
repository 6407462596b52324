//! What a trace shows: the spans of this program, what each says, and how they hang together. Exports nothing (`telemetry`
//! does), and takes nothing into a span that is personal data, a secret or a body.
//!
//! A saga's trace has the saga's own id, so that every node, after every restart, adds to the same one without a word being
//! kept for it. What brings something for a saga (a delivery, a request, another saga) has a trace of its own, and the two
//! are linked in both directions. Why: decision record 15.

#[cfg(feature = "otel")]
mod context;
#[cfg(not(feature = "otel"))]
mod without;
#[cfg(not(feature = "otel"))]
use without as context;

#[cfg(feature = "otel")]
pub use context::{Ids, Share};
use sagas::kernel::ids::SagaId;
use sagas::kernel::outcome::{Look, Outcome};
use std::fmt::Display;
use tracing::field::{Empty, display};
use tracing::{Span, info_span};
use uuid::Uuid;

/// The target of every span here: what is exported, and what no log shows.
pub const TARGET: &str = "traced";

/// The trace of a saga, as collectors write it: its id without hyphens.
pub fn id_of(saga: SagaId) -> String {
    saga.0.simple().to_string()
}

/// A delivery came to the door of that vendor. [`delivered`] says what came of it.
pub fn webhook(vendor: &'static str) -> Span {
    info_span!(target: TARGET, "webhook", otel.kind = "server", vendor, result = Empty, delivery = Empty)
}

/// What came of the delivery whose span this is in; `id` is ours, where it was stored now.
pub fn delivered(result: &'static str, id: Option<Uuid>) {
    let span = Span::current();
    span.record("result", result);
    if let Some(id) = id {
        span.record("delivery", display(id));
    }
}

/// A stored delivery is read. `cause` is what [`traceparent`] said when it was stored. Record `result`.
pub fn route(vendor: &str, delivery: Uuid, cause: Option<&str>) -> Span {
    let span = info_span!(target: TARGET, "route", vendor, %delivery, result = Empty, items = Empty);
    if let Some(cause) = cause {
        context::under(&span, cause);
    }
    span
}

/// A request to the private API by that route. `caller` is its `traceparent` header. Record `http.response.status_code`.
pub fn request(method: &str, route: &str, caller: Option<&str>) -> Span {
    let span = info_span!(
        target: TARGET,
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    );
    if let Some(caller) = caller {
        context::under(&span, caller);
    }
    span
}

/// The span that this is in, as a `traceparent` of W3C's Trace Context; `None` where nothing is traced.
pub fn traceparent() -> Option<String> {
    context::traceparent(&Span::current())
}

/// Something came for a saga, brought by the span that this is in.
pub fn arrived(saga: SagaId, flow: &str, kind: &str) {
    let span = info_span!(target: TARGET, parent: None, "item", %saga, flow, kind);
    context::of_saga(&span, saga);
    context::brought(&Span::current(), &span, saga);
}

/// A saga has no history yet: the span under which all others of its trace stand. It says when, not how long: a saga may
/// live for months, and a span is only seen once it has ended.
pub fn begun(saga: SagaId, flow: &str) {
    let span = info_span!(target: TARGET, parent: None, "saga", otel.name = %format_args!("saga {flow}"), %saga, flow);
    context::begin(&span, saga);
}

/// A saga is taken up, until it waits.
pub fn turn(saga: SagaId, flow: &str, node: &str) -> Span {
    let span = info_span!(target: TARGET, parent: None, "turn", %saga, flow, node);
    context::of_saga(&span, saga);
    span
}

/// A saga takes in what came for it.
pub fn apply(kind: &str) -> Span {
    info_span!(target: TARGET, "apply", kind)
}

/// One sending of a step's call, with all that has to be written and waited for. [`answered`] says how it ended.
pub fn step(step: &str, attempt: u32) -> Span {
    info_span!(target: TARGET, "step", otel.name = %format_args!("step {step}"), otel.status_code = Empty, step, attempt,
        outcome = Empty, request_id = Empty)
}

/// The call itself. [`answered`] says how it ended.
pub fn call(vendor: &'static str, operation: &'static str) -> Span {
    info_span!(target: TARGET, "call", otel.name = operation, otel.status_code = Empty, vendor, operation,
        outcome = Empty, request_id = Empty)
}

/// How the step or call ended whose span this is in: one of the five outcomes, and the vendor's own id of the request.
pub fn answered(outcome: &Outcome, request_id: Option<&str>) {
    let span = Span::current();
    span.record("outcome", outcome.word());
    span.record("request_id", request_id);
    match outcome {
        Outcome::Done { .. } | Outcome::Declined { .. } => {}
        Outcome::Rejected { .. } | Outcome::NotSent { .. } | Outcome::Unknown { .. } => {
            span.record("otel.status_code", "ERROR");
        }
    }
}

/// A call whose outcome is not known is looked up. [`seen`] says what that showed.
pub fn look(step: &str, attempt: u32, vendor: &'static str, operation: &'static str) -> Span {
    info_span!(target: TARGET, "look", otel.name = %format_args!("look {operation}"), step, attempt, vendor, operation,
        outcome = Empty)
}

/// What the look showed whose span this is in.
pub fn seen(look: &Look) {
    Span::current().record("outcome", look.word());
}

/// Events are written.
pub fn append(events: usize) -> Span {
    info_span!(target: TARGET, "append", events)
}

/// One HTTP request to a vendor, which hears nothing of the trace. `template` is the path without ids. Record
/// `http.response.status_code` and `request_id`, or `failure` and `otel.status_code`.
pub fn exchange(vendor: &'static str, operation: &'static str, method: &str, template: &impl Display) -> Span {
    info_span!(
        target: TARGET,
        "http",
        otel.name = %format_args!("{method} {template}"),
        otel.kind = "client",
        otel.status_code = Empty,
        vendor,
        operation,
        http.request.method = method,
        url.template = %template,
        http.response.status_code = Empty,
        request_id = Empty,
        failure = Empty,
    )
}
