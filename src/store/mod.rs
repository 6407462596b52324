//! What is kept in Postgres.

pub mod embedded;
