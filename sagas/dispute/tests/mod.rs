//! The flow against a small world that plays Braintree, the desk and the invoice's stream: one test per edge, named by its
//! number.

mod histories;
mod s2_10;
mod s2_10_reply;
mod world;
