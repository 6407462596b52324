//! The vendors, simulated over real HTTP: Attio, Zoho (Accounts, Billing, CRM, Desk) and Braintree with their own paths, headers, signatures, status
//! codes and error bodies, on one listener (their paths do not overlap), plus a control API under `/control`. Beside them a mail server
//! whose mails are read under `/mailbox`.
//!
//! Architecture invariant: nothing here is shared with `connectors`, `sagas` or the store, not even money. Two
//! independent readings of the vendors' documents catch what one reading hides.

mod acts;
pub mod attio;
pub mod braintree;
pub mod clock;
pub mod control;
pub mod credentials;
pub mod crm;
mod deliver;
pub mod desk;
pub mod exchanges;
pub mod faults;
pub mod hooks;
pub mod mailbox;
pub mod orders;
mod page;
mod period;
pub mod remote;
pub mod scenario;
pub mod server;
pub mod transport;
pub mod world;
pub mod zoho;

pub use world::World;
