//! Changes of customers in Attio, from outside: a running service, its vendors, and their books.

mod play;
mod s2_21;
