//! The shared words of all flows, and the machine that drives them. Pure.

pub mod accounts;
pub mod answer;
pub mod books;
pub mod card_request;
pub mod cards;
pub mod catalog;
pub mod command;
pub mod consent;
pub mod countries;
pub mod effect;
pub mod flow;
pub mod forms;
pub mod give_back;
pub mod ids;
pub mod invariant;
pub mod lifecycle;
pub mod machine;
pub mod money;
pub mod offer;
pub mod order;
pub mod outcome;
pub mod park;
pub mod posting;
pub mod pricing;
pub mod priority;
pub mod reconciliation;
pub mod record;
pub mod retry;
pub mod saga;
pub mod step;
pub mod tags;
pub mod telling;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod turn;
pub mod verb;
