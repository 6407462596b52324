//! The integration tests, one binary: they link once and share one Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod embedded;
mod postgres;
mod store_commit;
mod store_log;
mod store_saga;
mod store_state;
mod store_support;
