//! Tests by area; each test's name begins with the edge that it covers.

mod histories;
mod s2_17;
mod s2_18;
mod s2_23;
mod s2_28;
mod s2_6;
mod s2_6_money;
mod world;
