//! Tests by area; each test's name begins with the edge that it covers.

mod s2_27;
mod s2_27_people;
mod world;
