//! The integration tests, one binary: they link once and share one Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod activation;
mod architecture;
mod attio_acts;
mod checkout_page;
mod checkout_views;
mod cli;
mod connector_attio;
mod connector_braintree;
mod connector_zoho;
mod embedded;
mod harness;
mod http;
mod http_api;
mod invoice_payment;
mod mail;
mod metrics;
mod nodes;
mod operator_verbs;
mod outside;
mod postgres;
mod proof;
mod rehearsals;
mod sandbox;
mod sandbox_attio;
mod sandbox_attio_staff;
mod sandbox_braintree;
mod sandbox_braintree_three_d_secure;
mod sandbox_control;
mod sandbox_mailbox;
mod sandbox_zoho;
mod sandbox_zoho_billing;
mod sandbox_zoho_catalog;
mod setup;
mod siege;
mod staging;
mod store_commit;
mod store_log;
mod store_saga;
mod store_state;
mod store_support;
mod survival;
#[cfg(feature = "otel")]
mod traces;
mod watch;
mod webhooks;
