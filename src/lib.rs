//! attio-billing: keeps Attio, Zoho and Braintree in step. Modules in reading order.

pub mod clock;
pub mod connectors;
pub mod port;
pub mod sandbox;
pub mod store;
