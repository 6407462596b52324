//! Refunds from outside: finance asks over the API, a second person agrees, and the vendors' books are compared with ours.

mod finance;
mod play;
mod s2_4;
