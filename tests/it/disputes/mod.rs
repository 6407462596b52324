//! Disputes from outside: a bank takes money at the simulated gateway, finance replies over the API, and the books are compared.

mod play;
mod s2_10;
