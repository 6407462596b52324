//! Logs: people's talk goes to stderr, one line an event; `LOG_FORMAT=json` for machines, `RUST_LOG` for what. And traces,
//! where a collector is named.

#[cfg(feature = "otel")]
mod export;

use crate::config::TraceConfig;
use crate::trace;
use std::io::IsTerminal;
use tracing::Subscriber;
use tracing_subscriber::fmt::time::ChronoUtc;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, registry};

/// What has to be ended before the process does.
#[must_use = "traces that were not sent are lost without an end"]
pub struct Telemetry {
    #[cfg(feature = "otel")]
    exporter: Option<export::Exporter>,
}

/// Starts logging, and traces where they are wanted; on a runtime. `default` is what is logged when `RUST_LOG` is unset.
pub fn start(default: &str, traces: Option<&TraceConfig>) -> Telemetry {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    // Spans of traces say in a log what its lines say already.
    let filter = match format!("{}=off", trace::TARGET).parse() {
        Ok(off) => filter.add_directive(off),
        Err(_) => filter,
    };
    with_traces(filter, traces)
}

#[cfg(feature = "otel")]
fn with_traces(filter: EnvFilter, traces: Option<&TraceConfig>) -> Telemetry {
    let exporter = traces.map(|config| export::Exporter::new(config, tokio::runtime::Handle::current()));
    match exporter {
        Some(Ok(exporter)) => {
            let layer = exporter.layer();
            drop(registry().with(log().with_filter(filter)).with(layer).try_init());
            Telemetry { exporter: Some(exporter) }
        }
        Some(Err(why)) => {
            only_logs(filter);
            tracing::warn!(why, "no traces are made");
            Telemetry { exporter: None }
        }
        None => {
            only_logs(filter);
            Telemetry { exporter: None }
        }
    }
}

#[cfg(not(feature = "otel"))]
fn with_traces(filter: EnvFilter, traces: Option<&TraceConfig>) -> Telemetry {
    only_logs(filter);
    if traces.is_some() {
        tracing::warn!(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but this build makes no traces: build it with `--features otel`"
        );
    }
    Telemetry {}
}

/// A second start (a test, a command within a command) keeps the first.
fn only_logs(filter: EnvFilter) {
    drop(registry().with(filter).with(log()).try_init());
}

fn log<S: Subscriber + for<'a> LookupSpan<'a>>() -> Box<dyn Layer<S> + Send + Sync> {
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        // Colour is for people at a terminal; a file or a collector gets plain text.
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()))
        .with_timer(ChronoUtc::rfc_3339());
    let json = std::env::var_os("LOG_FORMAT").is_some_and(|f| f == "json");
    if json { log.json().boxed() } else { log.compact().boxed() }
}

impl Telemetry {
    /// Sends what traces are left, for three seconds at most.
    pub fn end(self) {
        #[cfg(feature = "otel")]
        if let Some(exporter) = self.exporter {
            exporter.end();
        }
        #[cfg(not(feature = "otel"))]
        let Self {} = self;
    }
}
