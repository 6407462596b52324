//! The integration tests, one binary: they link once and share one Postgres.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod activation;
mod architecture;
mod attio_acts;
mod cancellation;
mod card_update;
mod catalog;
mod checkout_page;
mod checkout_views;
mod cli;
mod connector_attio;
mod connector_braintree;
mod connector_braintree_books;
mod connector_braintree_more;
mod connector_erasing;
mod connector_zoho;
mod connector_zoho_crm;
mod connector_zoho_lists;
mod connector_zoho_more;
#[path = "../sandbox/crm_caller.rs"]
#[allow(dead_code, reason = "the sandbox's own tests need more of it")]
mod crm_caller;
mod demo_catalog;
mod desk_ticket;
mod disbursement;
mod disputes;
mod edges;
mod embedded;
mod erasure;
mod hand_over;
mod harness;
mod http;
mod http_api;
mod invoice_payment;
mod mail;
mod metrics;
mod migration;
mod nodes;
mod notice;
mod operator_verbs;
mod outside;
mod plan_change;
mod postgres;
mod profile_change;
mod proof;
#[path = "../sandbox/published.rs"]
mod published;
mod reconciliation;
mod refunds;
mod rehearsals;
#[path = "../sandbox/support.rs"]
#[allow(dead_code, reason = "the sandbox's own tests need more of it")]
mod sandbox_caller;
mod sandbox_mailbox;
mod setup;
mod siege;
mod sign_up;
mod sources;
mod staging;
mod store_commit;
mod store_log;
mod store_saga;
mod store_state;
mod store_support;
mod survival;
#[cfg(feature = "otel")]
mod traces;
mod vendor_tokens;
mod vendors_check;
mod watch;
mod webhooks;
#[path = "../sandbox/zoho_caller.rs"]
#[allow(dead_code, reason = "the sandbox's own tests need more of it")]
mod zoho_caller;
mod zoho_native;
