//! Tests by area; each test's name begins with the edge that it covers.

mod histories;
mod ledger;
mod pricing;
mod s2_17_start;
mod s2_1_authentication;
mod s2_1_capture;
mod s2_1_card;
mod s2_1_happy;
mod s2_1_late;
mod s2_1_quote;
mod s2_1_shared;
mod s2_1_zoho;
mod s2_23;
mod s2_28;
mod s2_6;
mod vendors;
mod world;
