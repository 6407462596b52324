//! Tests by area; each test's name begins with the edge that it covers.

mod s2_21;
mod s2_21_people;
mod world;
