//! Tests by area; each test's name begins with the edge that it covers.

mod s2_26;
mod s2_26_cut_over;
mod world;
