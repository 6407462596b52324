//! What the tests of every flow share.

pub(crate) mod bench;
pub(crate) mod samples;
