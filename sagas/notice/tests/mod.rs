//! Tests by area; each test's name begins with the edge that it covers.

mod s2_25;
mod s2_25_pages;
mod world;
