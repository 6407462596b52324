//! Where a span hangs in OpenTelemetry's terms: ids, parents, links, and which traces are kept.
//!
//! A saga's trace has the saga's id, and its first span the first half of it: whoever knows the saga knows both. All else
//! has ids by chance.

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{
    Link, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator, SamplingDecision, SamplingResult, ShouldSample};
use sagas::kernel::ids::SagaId;
use std::cell::Cell;
use std::collections::HashMap;
use std::sync::OnceLock;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// What this process keeps; every node that is configured alike keeps the same traces.
static KEPT: OnceLock<Share> = OnceLock::new();

thread_local! {
    /// The saga whose first span is being started on this thread.
    static BEGINS: Cell<Option<SagaId>> = const { Cell::new(None) };
}

fn trace_of(saga: SagaId) -> TraceId {
    TraceId::from(saga.0.as_u128())
}

fn root_of(saga: SagaId) -> SpanId {
    SpanId::from(saga.0.as_u64_pair().0)
}

/// The first span of a saga, which another node may have made long ago.
fn saga(saga: SagaId) -> SpanContext {
    let trace = trace_of(saga);
    let kept = KEPT.get().is_some_and(|share| share.takes(trace));
    let flags = TraceFlags::default().with_sampled(kept);
    SpanContext::new(trace, root_of(saga), flags, true, TraceState::default())
}

/// Hangs a new span under the first one of its saga.
pub(super) fn of_saga(span: &Span, id: SagaId) {
    if !span.is_disabled() {
        // It is new: nothing has started it.
        let _ = span.set_parent(Context::new().with_remote_span_context(saga(id)));
    }
}

/// Makes a new span the first one of its saga.
pub(super) fn begin(span: &Span, saga: SagaId) {
    if !span.is_disabled() {
        BEGINS.set(Some(saga));
        // Asked for its context it starts, and draws its ids, here and now.
        drop(span.context());
        BEGINS.set(None);
    }
}

/// Hangs a new span under the one that a `traceparent` names; under none where it cannot be read.
pub(super) fn under(span: &Span, traceparent: &str) {
    if !span.is_disabled() {
        let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
        let _ = span.set_parent(parent);
    }
}

/// Ties what came for a saga to what brought it, so that either leads to the other.
pub(super) fn brought(by: &Span, item: &Span, id: SagaId) {
    if item.is_disabled() {
        return;
    }
    let cause = by.context().span().span_context().clone();
    if cause.is_valid() {
        item.add_link(cause);
        by.add_link(saga(id));
    }
}

/// A span as other processes may name it.
pub(super) fn traceparent(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    let flags = span.trace_flags().to_u8();
    span.is_valid().then(|| format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id()))
}

/// Draws ids: those of a saga for its first span, else by chance.
#[derive(Debug, Clone, Default)]
pub struct Ids(RandomIdGenerator);

impl IdGenerator for Ids {
    fn new_trace_id(&self) -> TraceId {
        BEGINS.get().map_or_else(|| self.0.new_trace_id(), trace_of)
    }

    fn new_span_id(&self) -> SpanId {
        BEGINS.get().map_or_else(|| self.0.new_span_id(), root_of)
    }
}

/// A share of all traces, chosen by the last 56 bits of the trace's id, which W3C's Trace Context holds random: those of a
/// saga's id are. (The SDK's own choice looks at bits that say which kind of UUID an id is.)
#[derive(Debug, Clone, Copy)]
pub struct Share {
    /// A trace is kept if its bits are no less.
    least: u64,
}

const BITS: u64 = 1 << 56;

impl Share {
    /// That part of all traces, from 0 to 1; from now on this process keeps the sagas that it takes.
    pub fn kept(part: f64) -> Self {
        *KEPT.get_or_init(|| Self::of(part))
    }

    fn of(part: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a power of two")]
        let least = (1.0 - part.clamp(0.0, 1.0)) * BITS as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 2^56")]
        let least = least as u64;
        Self { least }
    }

    fn takes(self, trace: TraceId) -> bool {
        u128::from_be_bytes(trace.to_bytes()) % u128::from(BITS) >= u128::from(self.least)
    }
}

impl ShouldSample for Share {
    fn should_sample(
        &self,
        parent: Option<&Context>,
        trace: TraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let decision = if self.takes(trace) { SamplingDecision::RecordAndSample } else { SamplingDecision::Drop };
        let trace_state = parent.map(|parent| parent.span().span_context().trace_state().clone()).unwrap_or_default();
        SamplingResult { decision, attributes: Vec::new(), trace_state }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::{NoContext, Timestamp, Uuid};

    #[test]
    fn a_quarter_of_all_sagas_is_kept_whatever_makes_their_ids() {
        let quarter = Share::of(0.25);
        let kept = |make: fn(usize) -> SagaId| (0..4_000).filter(|n| quarter.takes(trace_of(make(*n)))).count();
        let derived = kept(|n| SagaId::derived("test", &[&n.to_string()]));
        // Each from a second of its own: those of one millisecond count on from each other.
        let random = kept(|n| SagaId(Uuid::new_v7(Timestamp::from_unix(NoContext, n as u64, 0))));
        for kept in [derived, random] {
            assert!((850..1_150).contains(&kept), "{kept} of 4000");
        }
    }

    #[test]
    fn all_is_all_and_none_is_none() {
        let (all, none) = (Share::of(1.0), Share::of(0.0));
        for id in [1, u128::MAX, u128::MAX - 7] {
            assert!(all.takes(TraceId::from(id)) && !none.takes(TraceId::from(id)), "{id}");
        }
    }
}
