//! The engine: drives every saga, knows none. One mailbox a saga, wake-up in the process, durable due times, calls
//! behind two marks, look-ups of unknown outcomes.
//!
//! Architecture invariant: nothing here names a flow or a vendor's wire format. What a flow does is in `sagas`, what a
//! vendor says is in `connectors`; the one seam is [`crate::port`].

pub mod beside;
mod budget;
mod bulk;
mod desk;
mod drive;
mod effects;
mod enrol;
pub mod explain;
pub mod forecast;
pub mod hooks;
pub mod items;
mod mailbox;
pub mod orders;
mod post;
mod practice;
pub mod preview;
mod profiles;
pub mod registry;
pub mod run;
mod scheduler;
mod unreadable;
mod verbs;

pub use budget::{AllLimits, Budgets, uncounted};
pub use run::{Engine, Settings};
