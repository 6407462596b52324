//! What the tests of every flow share.

pub(crate) mod bench;
mod effects;
pub(crate) mod samples;
