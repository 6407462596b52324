//! attio-billing: keeps Attio, Zoho and Braintree in step.
pub mod sandbox;
pub mod store;
