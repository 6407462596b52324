//! The flow against a small world that plays the vendors, the desk and the invoice's stream: one test per edge, named by its
//! number.

mod histories;
mod ledger;
mod s2_4;
mod s2_4_outside;
mod s2_4_zoho;
mod world;
