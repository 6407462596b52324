//! Everything that is kept in Postgres. Nothing here decides what a flow does: it keeps what was decided.

pub mod append;
pub mod chain;
pub mod claims;
pub mod embedded;
pub mod error;
pub mod inbox;
pub mod items;
pub mod log;
pub mod open;
pub mod saga_store;
pub mod schema;
pub mod secrets;
pub mod shards;

pub use error::StoreError;
pub use open::Store;
pub use schema::{check_schema, migrate};
