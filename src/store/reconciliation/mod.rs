//! What reconciliation keeps, and what it reads of our own books. Judges nothing: that is the kernel's.

mod books;
mod decisions;
mod findings;
mod keys;
mod rows;
mod runs;

pub use books::{
    AccountMoves, Faults, account_moves, asked_in_doubt, booked, is_recurring_elsewhere, known_ids, linked, owed,
    unverified_since,
};
pub use decisions::{ALONE_MINOR, Decided, Decision, Undecided, decide};
pub use findings::{
    Changes, Finding, FindingFilter, Scope, Seen, acts_of, find as find_finding, findings, standing_ids, tried,
};
pub use keys::{
    Keys, QUIET, asking, belonging, booked_of, dunned, forget_continuous, mark_dirty, owed_of, payouts, severe,
    take_dirty,
};
pub use runs::{
    NewRun, Read, Run, RunState, Stepped, create, due, fail, find, finish, invoice_content, keep_invoices,
    last_complete, latest, list, reads, steps_done, stop_or_resume, used_today,
};
