//! Everything that is kept in Postgres. Nothing here decides what a flow does: it keeps what was decided.

pub mod append;
pub mod embedded;
