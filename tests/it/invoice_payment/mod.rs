//! The invoice payment from outside: real Postgres, the simulated vendors over HTTP, the whole service. Each test plays
//! scenes on a stage of its own, and at the end of each the vendors' books are compared with ours.

mod budgets;
mod calls;
mod checks;
mod declines;
mod double_charge;
mod outages;
mod play;
mod vendors_change;
mod verbs;
