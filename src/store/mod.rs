//! Everything that is kept in Postgres. Nothing here decides what a flow does: it keeps what was decided.

pub mod append;
pub mod approvals;
pub mod backlog;
pub mod bulk;
pub mod cards;
pub mod chain;
pub mod claims;
pub mod customers;
pub mod embedded;
pub mod error;
pub mod evidence;
pub mod inbox;
pub mod items;
pub mod ledger;
pub mod links;
pub mod log;
pub mod mail;
pub mod open;
pub mod people;
pub mod practice;
pub mod query;
pub mod saga_store;
pub mod schema;
pub mod secrets;
pub mod settings;
pub mod shards;
pub mod standing;
pub mod survey;
pub mod tokens;
pub mod totals;
pub mod verify;
pub mod yardstick;

pub use error::StoreError;
pub use open::Store;
pub use schema::{check_schema, migrate};
