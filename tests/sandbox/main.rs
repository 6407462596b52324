//! The simulated vendors from outside, over HTTP: what they answer, refuse, send and keep books of. No database, no service.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attio;
mod attio_staff;
mod braintree;
mod braintree_billing;
mod braintree_disputes;
mod braintree_three_d_secure;
mod control;
mod crm_caller;
mod crm_lookups;
mod crm_rules;
mod desk;
mod published;
mod scenario;
mod support;
mod zoho;
mod zoho_billing;
mod zoho_caller;
mod zoho_catalog;
mod zoho_documents;
mod zoho_lookups;
mod zoho_native;
mod zoho_quotes;
mod zoho_subscriptions;
