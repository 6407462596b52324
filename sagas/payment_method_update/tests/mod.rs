//! Tests by area; each test's name begins with the edge that it covers.

mod histories;
mod requests;
mod s2_18;
mod s2_7;
mod s2_7_retire;
mod world;
