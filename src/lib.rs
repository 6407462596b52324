//! attio-billing: keeps Attio, Zoho and Braintree in step. Modules in reading order.

pub mod access;
pub mod app;
pub mod bench;
pub mod brand;
pub mod checkout;
pub mod cli;
pub mod clock;
pub mod config;
pub mod connectors;
pub mod demo;
pub mod engine;
pub mod http;
pub mod intake;
pub mod keys;
pub mod locale;
pub mod mail;
pub mod metrics;
pub mod port;
pub mod proof;
pub mod reception;
pub mod reconcile;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod trace;
pub mod watch;
