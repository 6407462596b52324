//! That the log is whole, and that somebody is told where it is not.

mod checkpoints;
mod checks;
mod drill;
mod export;
pub(crate) mod invariants;
mod rebuild;
mod recovery;
mod rotation;
