//! Tests of the flow on its bench.

mod histories;
mod s2_18;
mod s2_18_mirror;
mod world;
