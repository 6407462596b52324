//! The vendors' clients: each turns an effect into one call and the vendor's answer into one of the five outcomes. They
//! decide nothing about the business, keep no state that a restart would miss, and never repeat a write by themselves.

pub mod braintree;
pub mod http;
#[cfg(test)]
pub(crate) mod peer;
