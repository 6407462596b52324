//! Tests by area; each test's name begins with the edge that it covers.

mod histories;
mod s2_17_charges;
mod s2_17_ends;
mod world;
