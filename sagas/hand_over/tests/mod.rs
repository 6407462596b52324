//! The flow, step by step and edge by edge, in a small world.

mod mirrored;
mod pairs;
mod s2_19;
mod world;
