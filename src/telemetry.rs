//! Logs: people's talk goes to stderr, one line an event; `LOG_FORMAT=json` for machines, `RUST_LOG` for what.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::ChronoUtc;

/// Starts logging; `default` is what is shown when `RUST_LOG` is unset.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colour is for people at a terminal; a file or a collector gets plain text.
        .with_ansi(std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()))
        .with_timer(ChronoUtc::rfc_3339());
    let json = std::env::var_os("LOG_FORMAT").is_some_and(|f| f == "json");
    // A second start (a test, a command within a command) keeps the first.
    let started = if json { log.json().try_init() } else { log.compact().try_init() };
    drop(started);
}
