//! That the log is whole, and that somebody is told where it is not.

mod checkpoints;
mod checks;
mod export;
mod rebuild;
mod recovery;
