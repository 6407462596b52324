//! Everything tested from outside, in one binary.

mod sandbox_zoho;
