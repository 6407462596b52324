//! Everything that is kept in Postgres.

pub mod append;
pub mod embedded;
